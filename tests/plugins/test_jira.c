/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin jira towards Jira: who it is, what it finds, whom it believes, how
 * it posts, and what it makes of refusals.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>

#include "jira_kit.h"
#include "suite.h"

#define ISSUE "/rest/api/3/issue/PROJ-1"
#define SEARCH "/rest/api/3/search/jql"
#define COMMENT "{\"issue\":\"PROJ-1\",\"text\":\"Hello *you*\",\"key\":\"k1\"}"

static struct kit kit;
static struct fake *fake;

static void
setup(void)
{
	kit_setup(&kit);
	fake = kit.fake;
}

static void
teardown(void)
{
	kit_teardown(&kit);
}

static void
assigned(const char *histories, const char *properties)
{
	kit_serve_issue(&kit, "PROJ-1",
	    kit_issue("PROJ-1", "10001", "To Do", ME, "", histories, properties));
}

static int
call(int operation, const char *request)
{
	memset(&kit.err, 0, sizeof(kit.err));
	return kit.plugin->operations[operation]->call(&fake->scope, NULL, request, strlen(request),
	    &kit.err);
}

static void
set_option(const char *key, const char *value)
{
	int i;

	for (i = 0; i < fake->noptions; i++)
		if (strcmp(fake->options[i].key, key) == 0) {
			snprintf(fake->options[i].value, sizeof(fake->options[i].value), "%s",
			    value);
			return;
		}
	fake_option(fake, key, value);
}

START_TEST(an_assigned_ticket_becomes_a_job)
{
	const struct fake_request *r;

	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	assigned(kit_history("100", MIA, "assignee", ME, "drover"), "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].kind, "jira.fix");
	ck_assert_str_eq(fake->emitted[0].key, "jira/PROJ-1@100");
	ck_assert_str_eq(fake->emitted[0].serial, "jira/PROJ-1");
	ck_assert_str_eq(fake->emitted[0].title, "PROJ-1: Mend the thing");
	ck_assert_str_eq(fake->emitted[0].author, MIA);
	ck_assert_ptr_nonnull(strstr(fake->emitted[0].marks, "member"));
	ck_assert_int_eq(fake->emitted[0].priority, 10);
	ck_assert_ptr_nonnull(
	    strstr(fake->emitted[0].payload, "\"description\":\"It is broken.\""));
	r = fake_request(fake, "POST", SEARCH, 0);
	ck_assert_ptr_nonnull(strstr(r->body,
	    "assignee = currentUser() AND status = \\\"To Do\\\" ORDER BY created ASC"));
	ck_assert_ptr_null(strstr(r->body, "startAt"));
	ck_assert_ptr_nonnull(
	    strstr(r->headers, "Authorization: Basic Ym90QGFjbWUuZXhhbXBsZTp0MGtlbg==\n"));
	ck_assert_str_eq(r->base, "https://acme.atlassian.net");
	ck_assert_ptr_nonnull(strstr(fake->outside.masked, "Ym90QGFjbWUuZXhhbXBsZTp0MGtlbg=="));
}
END_TEST

START_TEST(the_longest_ticket_fits)
{
	char *lines = malloc(60001), *labels = malloc(20000);
	size_t i, used = 0;

	for (i = 0; i < 60000; i += 2)
		memcpy(lines + i, "\\\"", 2);
	lines[60000] = '\0';
	for (i = 0; i < 60; i++)
		used += (size_t)snprintf(labels + used, 20000 - used, "%s\"%0127zu\"",
		    i > 0 ? "," : "", i);
	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	kit_serve_issue(&kit, "PROJ-1",
	    kit_text("{\"id\":\"10001\",\"key\":\"PROJ-1\",\"fields\":{\"summary\":\"%.20000s\","
		     "\"status\":{\"name\":\"To Do\"},\"assignee\":%s,"
		     "\"creator\":%s,\"labels\":[%s],\"description\":{\"type\":\"doc\",\"content\":"
		     "[{\"type\":\"text\",\"text\":\"%s\"}]}}}",
		lines, kit_user(ME), kit_user(MIA), labels, lines));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_uint_gt(fake->emitted[0].payload_len, 40000);
	free(lines);
	free(labels);
}
END_TEST

START_TEST(an_unchanged_ticket_costs_one_search)
{
	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	assigned(kit_history("100", MIA, "assignee", ME, ""), "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	fake->outside.nrequests = 0;
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	ck_assert_int_eq(fake->outside.nrequests, 1);
	ck_assert(!fake->cursor_set);
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "POST", SEARCH, 0)->body, "\"reconcileIssues\":[10001]"));
	fake->wall += 10 * 60 * 1000;
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_ptr_null(strstr(fake_request(fake, "POST", SEARCH, 1)->body, "10001"));
}
END_TEST

START_TEST(our_own_doing_is_no_new_revision_and_somebody_elses_is)
{
	static const struct {
		const char *author, *field, *to, *name;
		bool emitted;
	} cases[] = {
		{ ME, "status", "1", "To Do", false },
		{ ME, "description", "", "x", false },
		{ MIA, "priority", "1", "High", false },
		{ MIA, "assignee", MIA, "Mia", false },
		{ MIA, "status", "2", "In Progress", false },
		{ MIA, "status", "1", "to do", true },
		{ MIA, "description", "", "new", true },
		{ EVE, "summary", "", "new", true },
		{ MIA, "assignee", ME, "drover", true },
	};
	const char *first = kit_history("99", MIA, "assignee", ME, "");
	size_t i;

	kit_serve_found(&kit, "PROJ-1", "10001", "u0");
	assigned(first, "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake->outside.nrequests = 0;
		kit_serve_found(&kit, "PROJ-1", "10001", kit_text("u%zu", i + 1));
		/* Ids are numbers: 100 is newer than 99. */
		assigned(kit_text("%s,%s",
			     kit_history(kit_text("%zu", 100 + i), cases[i].author, cases[i].field,
				 cases[i].to, cases[i].name),
			     first),
		    "");
		ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
		ck_assert_msg(fake->nemitted == cases[i].emitted, "case %zu: %d", i,
		    fake->nemitted);
		if (cases[i].emitted)
			ck_assert_str_eq(fake->emitted[0].author, cases[i].author);
	}
}
END_TEST

START_TEST(the_issue_itself_decides_not_the_search)
{
	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	kit_serve_issue(&kit, "PROJ-1",
	    kit_issue("PROJ-1", "10001", "In Progress", ME, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	kit_serve_found(&kit, "PROJ-1", "10001", "u2");
	kit_serve_issue(&kit, "PROJ-1", kit_issue("PROJ-1", "10001", "To Do", MIA, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	/* Without word of a change it is looked at again an hour later. */
	kit_serve_issue(&kit, "PROJ-1", kit_issue("PROJ-1", "10001", "to do", ME, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	fake->wall += 60 * 60 * 1000;
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].key, "jira/PROJ-1@0");
}
END_TEST

/* Issues of numbers from to below to, in the order of the search. */
static const char *
many_found(int from, int to)
{
	size_t size = (size_t)(to - from + 1) * 96, used;
	char *text = malloc(size);
	const char *kept;
	int i;

	ck_assert_ptr_nonnull(text);
	used = (size_t)snprintf(text, size, "{\"issues\":[");
	for (i = from; i < to; i++)
		used += (size_t)snprintf(text + used, size - used,
		    "%s{\"id\":\"%d\",\"key\":\"PROJ-%d\",\"fields\":{\"updated\":\"u\"}}",
		    i > from ? "," : "", i, i);
	snprintf(text + used, size - used, "],\"isLast\":true}");
	kept = kit_text("%s", text);
	free(text);
	return kept;
}

START_TEST(issues_that_are_not_wanted_hide_no_other)
{
	fake_option(fake, "projects", "PROJ");
	fake->available = 50;
	/*
	 * Tickets of our own wait in the same status: 25 of them, before the
	 * one that is to be judged.
	 */
	fake_serve(fake, "POST", SEARCH, 200, NULL, many_found(101, 127));
	fake_serve(fake, "GET", "/rest/api/3/issue/PROJ-126?", 200, NULL,
	    kit_issue("PROJ-126", "126", "To Do", NULL, "", "", ""));
	fake_serve(fake, "GET", "/rest/api/3/issue/PROJ-1", 200, NULL,
	    kit_issue("PROJ-101", "101", "To Do", ME, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	ck_assert_int_eq(fake->again, 1000);
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_int_eq(strncmp(fake->emitted[0].key, "jira/PROJ-126@", 14), 0);
	/* And they cost nothing more. */
	fake->outside.nrequests = 0;
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->outside.nrequests, 1);
}
END_TEST

START_TEST(a_long_backlog_is_remembered_whole)
{
	char *p = fake->kept_cursor, stamp[9] = "";
	size_t used = 0;
	int i;

	fake_option(fake, "projects", "PROJ");
	fake->available = 50;
	fake_answer(fake, "POST", SEARCH, 200, NULL, many_found(1000000, 1000001));
	fake_answer(fake, "GET", "/rest/api/3/issue/PROJ-1000000?", 200, NULL,
	    kit_issue("PROJ-1000000", "1000000", "To Do", ME, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(sscanf(fake->kept_cursor, "{\"1000000\":[\"\",\"%8[0-9a-f]\"", stamp), 1);
	fake->outside.nrequests = 0;
	/* As fifty polls would have left it. */
	for (i = 1000000; i < 1000999; i++)
		used += (size_t)snprintf(p + used, sizeof(fake->kept_cursor) - used,
		    "%c\"%d\":[\"0123456789abcdef\",\"%s\",%lld,0]", i == 1000000 ? '{' : ',', i,
		    stamp, (long long)(fake->wall / 3600000));
	snprintf(p + used, sizeof(fake->kept_cursor) - used, "}");
	fake_answer(fake, "POST", SEARCH, 200, NULL, many_found(1000000, 1000998));
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake_requests(fake, "GET", "/rest/api/3/issue/"), 0);
	/* The newest comes last and is found; those before it stay known. */
	fake_serve(fake, "POST", SEARCH, 200, NULL, many_found(1000000, 1001000));
	fake_serve(fake, "GET", "/rest/api/3/issue/PROJ-1000999?", 200, NULL,
	    kit_issue("PROJ-1000999", "1000999", "To Do", NULL, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	fake->outside.nrequests = 0;
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->outside.nrequests, 1);
}
END_TEST

START_TEST(no_more_than_there_is_room_for)
{
	fake->available = 0;
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->outside.nrequests, 0);
	fake->available = 1;
	fake_serve(fake, "POST", SEARCH, 200, NULL,
	    "{\"issues\":[{\"id\":\"1\",\"key\":\"PROJ-1\",\"fields\":{\"updated\":\"a\"}},"
	    "{\"id\":\"2\",\"key\":\"PROJ-2\",\"fields\":{\"updated\":\"a\"}}],\"isLast\":true}");
	kit_serve_issue(&kit, "PROJ-1", kit_issue("PROJ-1", "1", "To Do", ME, "", "", ""));
	kit_serve_issue(&kit, "PROJ-2", kit_issue("PROJ-2", "2", "To Do", ME, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].title, "PROJ-1: Mend the thing");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].title, "PROJ-2: Mend the thing");
}
END_TEST

START_TEST(pages_are_walked_also_empty_ones_and_a_loop_ends)
{
	fake_answer(fake, "POST", SEARCH, 200, NULL, "{\"issues\":[],\"nextPageToken\":\"t1\"}");
	fake_answer(fake, "POST", SEARCH, 200, NULL,
	    "{\"issues\":[{\"id\":\"10001\",\"key\":\"PROJ-1\",\"fields\":{\"updated\":\"a\"}}],"
	    "\"nextPageToken\":\"t2\",\"isLast\":false}");
	fake_serve(fake, "POST", SEARCH, 200, NULL, "{\"issues\":[],\"nextPageToken\":\"t2\"}");
	assigned("", "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_int_eq(fake_requests(fake, "POST", SEARCH), 3);
	ck_assert_ptr_null(strstr(fake_request(fake, "POST", SEARCH, 0)->body, "nextPageToken"));
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "POST", SEARCH, 2)->body, "\"nextPageToken\":\"t2\""));
}
END_TEST

START_TEST(a_cursor_of_somebody_elses_is_none)
{
	snprintf(fake->kept_cursor, sizeof(fake->kept_cursor),
	    "{\"10001\":5,\"x\":[[]],\"y\":null}");
	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	assigned("", "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_ptr_null(strstr(fake->cursor, "\"x\""));
	snprintf(fake->kept_cursor, sizeof(fake->kept_cursor), "not json");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
}
END_TEST

START_TEST(what_the_property_says_is_done_is_not_done_again)
{
	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	assigned(kit_history("100", MIA, "assignee", ME, ""),
	    "{\"drover\":{\"revision\":\"100\",\"state\":\"nothing\",\"done\":true}}");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
}
END_TEST

START_TEST(an_answer_of_a_trusted_person_starts_it_again)
{
	const char *asked = "{\"drover\":{\"revision\":\"100\",\"state\":\"needs_info\","
			    "\"comment\":\"500\",\"done\":true}}";
	const char *body = "\"body\":{\"type\":\"doc\",\"version\":1,\"content\":[]}";

	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	assigned(kit_history("100", MIA, "assignee", ME, ""), asked);
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL,
	    kit_text("{\"total\":2,\"comments\":[{\"id\":\"500\",\"author\":%s,%s},{\"id\":\"499\","
		     "\"author\":%s,%s}]}",
		kit_user(ME), body, kit_user(MIA), body));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	/* A stranger's comment is not an answer. */
	kit_serve_found(&kit, "PROJ-1", "10001", "u2");
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL,
	    kit_text("{\"total\":2,\"comments\":[{\"id\":\"501\",\"author\":%s,%s},{\"id\":\"500\","
		     "\"author\":%s,%s}]}",
		kit_user(EVE), body, kit_user(ME), body));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	kit_serve_found(&kit, "PROJ-1", "10001", "u3");
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL,
	    kit_text("{\"total\":3,\"comments\":[{\"id\":\"1000\",\"author\":%s,%s},{\"id\":"
		     "\"501\",\"author\":%s,%s},"
		     "{\"id\":\"500\",\"author\":%s,%s}]}",
		kit_user(MIA), body, kit_user(EVE), body, kit_user(ME), body));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].key, "jira/PROJ-1@100-c1000");
	ck_assert_str_eq(fake->emitted[0].author, MIA);
}
END_TEST

START_TEST(review_judges_each_wording_once_and_not_what_is_ours)
{
	char key[DROVER_KEY_MAX], *issue, *edited;

	fake_option(fake, "projects", "PROJ");
	issue = strdup(kit_issue("PROJ-1", "10001", "To Do", NULL, "",
	    kit_history("7", EVE, "description", "", ""), ""));
	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	kit_serve_issue(&kit, "PROJ-1", issue);
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].kind, "jira.review");
	ck_assert_str_eq(fake->emitted[0].author, EVE);
	snprintf(key, sizeof(key), "%s", fake->emitted[0].key);
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "POST", SEARCH, 0)->body,
	    "status = \\\"To Do\\\" AND project in (\\\"PROJ\\\") ORDER BY"));
	kit_serve_found(&kit, "PROJ-1", "10001", "u2");
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	edited = strstr(issue, "It is broken.");
	memcpy(edited, "It is bROKEN.", 13);
	kit_serve_found(&kit, "PROJ-1", "10001", "u3");
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_ne(fake->emitted[0].key, key);
	kit_serve_found(&kit, "PROJ-2", "10002", "u1");
	kit_serve_issue(&kit, "PROJ-2", kit_issue("PROJ-2", "10002", "To Do", ME, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "review"), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	free(issue);
}
END_TEST

START_TEST(review_of_everything_is_refused)
{
	void *source;

	ck_assert_int_eq(kit.plugin->sources[1]->open(&fake->scope, NULL, &source, &kit.err),
	    DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "projects"));
}
END_TEST

START_TEST(refusals_have_the_right_class)
{
	static const struct {
		int status;
		const char *headers, *body;
		int code;
		int64_t wait;
	} cases[] = {
		{ 401, NULL, "", DROVER_AUTH, 0 },
		{ 403, "X-Seraph-LoginReason: AUTHENTICATION_DENIED", "", DROVER_AUTH, 0 },
		{ 410, NULL, "{\"errorMessages\":[\"The requested API has been removed.\"]}",
		    DROVER_CONFIG, 0 },
		{ 429, "Retry-After: 7\nRateLimit-Reason: jira-burst-based", "", DROVER_QUOTA,
		    7000 },
		{ 429,
		    "X-RateLimit-Reset: 2026-01-01T00:05Z\nRateLimit-Reason: "
		    "jira-quota-global-based",
		    "{}", DROVER_QUOTA, 300000 },
		{ 429, "X-RateLimit-Reset: 2025-12-31T00:00Z", "{}", DROVER_QUOTA, 1000 },
		{ 429, "Retry-After: 0\nX-RateLimit-Interval-Seconds: 20", "", DROVER_QUOTA,
		    20000 },
		{ 429, "X-RateLimit-Reset: 2031-01-01T00:00Z", "", DROVER_QUOTA, 3600000 },
		{ 503, "Retry-After: 30", "<html>", DROVER_AGAIN, 30000 },
		{ 500, NULL, "", DROVER_AGAIN, 0 },
		{ 200, NULL, "<!DOCTYPE html><title>Log in</title>", DROVER_AGAIN, 0 },
		{ 200, NULL, "{\"issues\":[", -100, 0 },
		{ 200, NULL, "{}", DROVER_AGAIN, 0 },
		{ 200, NULL, "", DROVER_AGAIN, 0 },
		{ 0, NULL, NULL, DROVER_AGAIN, 0 },
		{ 400, NULL,
		    "{\"errorMessages\":[\"The value 'X' does not exist for the field "
		    "'project'.\"],\"errors\":{}}",
		    DROVER_CONFIG, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_answer(fake, "POST", SEARCH, cases[i].status, cases[i].headers, cases[i].body);
		kit_poll(&kit, "ticket");
		if (cases[i].code == -100)
			ck_assert_msg(kit.err.code != 0, "case %zu", i);
		else
			ck_assert_msg(kit.err.code == cases[i].code, "case %zu: %d %s", i,
			    kit.err.code, kit.err.text);
		ck_assert_msg(kit.err.retry_after_ms == cases[i].wait, "case %zu: %lld", i,
		    (long long)kit.err.retry_after_ms);
		ck_assert_msg(strstr(kit.err.text, "t0ken") == NULL &&
			strstr(kit.err.text, "Ym90") == NULL,
		    "%s", kit.err.text);
	}
	ck_assert(!fake->cursor_set);
}
END_TEST

START_TEST(a_token_that_jira_forgot_is_no_empty_list)
{
	struct fake_outside *o = &fake->outside;

	o->answers[0].status = 401;
	kit_serve_found(&kit, NULL, NULL, NULL);
	ck_assert_int_eq(kit_poll(&kit, "ticket"), DROVER_AUTH);
	ck_assert_int_eq(fake_requests(fake, "POST", SEARCH), 0);
}
END_TEST

START_TEST(an_issue_that_cannot_be_read_stops_no_other)
{
	fake_serve(fake, "POST", SEARCH, 200, NULL,
	    "{\"issues\":[{\"id\":\"1\",\"key\":\"PROJ-1\",\"fields\":{\"updated\":\"a\"}},{\"id\":"
	    "\"3\",\"key\":\"PROJ-3\",\"fields\":{\"updated\":\"a\"}},"
	    "{\"id\":\"4\",\"key\":\"../../"
	    "x\",\"fields\":{\"updated\":\"a\"}},{\"id\":\"2\",\"key\":\"PROJ-2\",\"fields\":{"
	    "\"updated\":\"a\"}}],\"isLast\":true}");
	fake_serve(fake, "GET", ISSUE "?", 403, NULL, "{\"errorMessages\":[\"no\"]}");
	fake_serve(fake, "GET", "/rest/api/3/issue/PROJ-3?", 404, NULL,
	    "{\"errorMessages\":[\"gone\"]}");
	kit_serve_issue(&kit, "PROJ-2", kit_issue("PROJ-2", "2", "To Do", ME, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_ptr_nonnull(strstr(fake->log, "PROJ-1: passed over until it changes"));
	fake->outside.nrequests = 0;
	fake->log[0] = '\0';
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake_requests(fake, "GET", ISSUE "?"), 0);
	ck_assert_str_eq(fake->log, "");
}
END_TEST

START_TEST(people_are_told_apart)
{
	fake_trust(fake, "group:devs");
	fake_trust(fake, "mia@acme.example");
	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	assigned(kit_history("1", "dev-1", "assignee", ME, ""), "");
	fake_answer(fake, "GET", "/rest/api/3/user/groups?accountId=dev-1", 200, NULL,
	    "[{\"name\":\"devs\"},{\"name\":\"other\"}]");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_str_eq(fake->emitted[0].author, "dev-1");
	ck_assert_ptr_nonnull(strstr(fake->emitted[0].marks, "group:devs"));
	ck_assert_ptr_null(strstr(fake->emitted[0].marks, "other"));
	/* A program, a customer of the service desk. */
	kit_serve_found(&kit, "PROJ-1", "10001", "u2");
	assigned("{\"id\":\"2\",\"author\":{\"accountId\":\"app-1\",\"accountType\":\"app\"},"
		 "\"items\":[{\"field\":\"summary\"}]}",
	    "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_uint_eq(fake->emitted[0].author_flags, DROVER_PERSON_BOT);
	kit_serve_found(&kit, "PROJ-1", "10001", "u3");
	fake_answer(fake, "GET", "/rest/api/3/user/groups?accountId=c%3A1", 200, NULL, "[]");
	assigned("{\"id\":\"3\",\"author\":{\"accountId\":\"c:1\",\"accountType\":\"customer\","
		 "\"emailAddress\":\"MIA@acme.example\"},\"items\":[{\"field\":\"summary\"}]}",
	    "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_str_eq(fake->emitted[0].marks, "mia@acme.example\n");
	/* Whoever is known by id costs no request. */
	fake->outside.nrequests = 0;
	kit_serve_found(&kit, "PROJ-1", "10001", "u4");
	assigned(kit_history("4", MIA, "assignee", ME, ""), "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake_requests(fake, "GET", "/rest/api/3/user"), 0);
}
END_TEST

START_TEST(roles_of_the_project_count)
{
	fake_trust(fake, "project-role:Developers");
	fake_trust(fake, "project-role:Elsewhere");
	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	assigned(kit_history("1", "dev-1", "assignee", ME, ""), "");
	fake_serve(fake, "GET", "/rest/api/3/project/PROJ/role/10100", 200, NULL,
	    "{\"actors\":[{\"actorUser\":{\"accountId\":\"x\"}},{\"actorGroup\":{\"name\":\"g\"}},"
	    "{\"actorUser\":{\"accountId\":\"dev-1\"}}]}");
	fake_serve(fake, "GET", "/rest/api/3/project/PROJ/role", 200, NULL,
	    "{\"Developers\":\"https://acme.atlassian.net/rest/api/3/project/1/role/"
	    "10100\",\"Admins\":\"https://evil.example/role/../x\"}");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_ptr_nonnull(strstr(fake->emitted[0].marks, "project-role:Developers\n"));
	ck_assert_ptr_null(strstr(fake->emitted[0].marks, "Elsewhere"));
}
END_TEST

START_TEST(roles_that_are_hidden_hide_no_ticket)
{
	fake_trust(fake, "project-role:Developers");
	fake_serve(fake, "POST", SEARCH, 200, NULL,
	    "{\"issues\":[{\"id\":\"1\",\"key\":\"PROJ-1\",\"fields\":{\"updated\":\"a\"}},"
	    "{\"id\":\"2\",\"key\":\"PROJ-2\",\"fields\":{\"updated\":\"a\"}}],\"isLast\":true}");
	fake_serve(fake, "GET", "/rest/api/3/project/PROJ/role", 403, NULL,
	    "{\"errorMessages\":[\"no\"]}");
	kit_serve_issue(&kit, "PROJ-1",
	    kit_issue("PROJ-1", "1", "To Do", ME, "", kit_history("1", "dev-1", "assignee", ME, ""),
		""));
	kit_serve_issue(&kit, "PROJ-2", kit_issue("PROJ-2", "2", "To Do", ME, "", "", ""));
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 2);
	ck_assert_ptr_null(strstr(fake->emitted[0].marks, "project-role"));
	ck_assert_str_eq(fake->emitted[1].author, MIA);
	ck_assert_ptr_nonnull(strstr(fake->log, "does not say who has which role"));
}
END_TEST

START_TEST(data_center_has_ways_of_its_own)
{
	set_option("flavor", "server");
	set_option("base_url", "https://jira.acme.example/jira");
	fake_serve(fake, "GET", "/rest/api/2/myself", 200, NULL,
	    "{\"name\":\"bot\",\"key\":\"JIRAUSER1\",\"displayName\":\"Bot\"}");
	fake_answer(fake, "POST", "/rest/api/2/search", 200, NULL,
	    "{\"startAt\":0,\"total\":2,\"issues\":[{\"id\":\"9\",\"key\":\"OPS-9\",\"fields\":{"
	    "\"updated\":\"a\"}}]}");
	fake_answer(fake, "POST", "/rest/api/2/search", 200, NULL,
	    "{\"startAt\":1,\"total\":2,\"issues\":[]}");
	fake_serve(fake, "GET", "/rest/api/2/issue/OPS-9?", 200, NULL,
	    "{\"id\":\"9\",\"key\":\"OPS-9\",\"fields\":{\"summary\":\"s\",\"description\":\"h1. "
	    "Wiki\\r\\n* a\","
	    "\"status\":{\"name\":\"To "
	    "Do\"},\"assignee\":{\"name\":\"bot\",\"key\":\"JIRAUSER1\"}},\"changelog\":{"
	    "\"histories\":[{\"id\":\"5\",\"author\":{\"name\":\"mia\",\"key\":\"JIRAUSER2\"},"
	    "\"items\":[{\"field\":\"assignee\",\"to\":\"JIRAUSER1\"}]}]}}");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].author, "mia");
	ck_assert_ptr_nonnull(strstr(fake->emitted[0].payload, "h1. Wiki\\n* a"));
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "POST", "/rest/api/2/search", 0)->headers,
	    "Authorization: Bearer t0ken"));
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "POST", "/rest/api/2/search", 1)->body, "\"startAt\":1"));
	ck_assert_ptr_null(
	    strstr(fake_request(fake, "POST", "/rest/api/2/search", 0)->body, "reconcile"));
	fake_answer(fake, "POST", "/rest/api/2/issue/OPS-9/comment", 201, NULL, "{\"id\":\"77\"}");
	ck_assert_int_eq(call(0, "{\"issue\":\"OPS-9\",\"text\":\"Hi **x** @mia\",\"key\":\"k\"}"),
	    0);
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "POST", "/rest/api/2/issue/OPS-9/comment", 0)->body,
		"{\"body\":\"Hi *x* \\\\@mia\\n\\n{anchor:drover-"));
}
END_TEST

START_TEST(a_comment_is_posted_once)
{
	const struct fake_request *r;

	fake_answer(fake, "POST", ISSUE "/comment", 201, NULL, "{\"id\":\"500\"}");
	ck_assert_int_eq(call(0, COMMENT), 0);
	ck_assert_int_eq(call(0, COMMENT), 0);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 1);
	r = fake_request(fake, "POST", ISSUE "/comment", 0);
	ck_assert_ptr_nonnull(strstr(r->body,
	    "\"properties\":[{\"key\":\"drover\",\"value\":{\"id\":\"call/k1\"}}]"));
	ck_assert_ptr_nonnull(strstr(r->body,
	    "{\"type\":\"doc\",\"version\":1,\"content\":[{\"type\":\"paragraph\""));
	ck_assert_uint_ne(r->flags & DROVER_HTTP_ONCE, 0);
	ck_assert_str_eq(fake->outside.replied,
	    "{\"id\":\"500\",\"url\":\"https://acme.atlassian.net/browse/"
	    "PROJ-1?focusedCommentId=500\"}");
}
END_TEST

START_TEST(a_comment_that_may_be_there_is_looked_for)
{
	fake_answer(fake, "POST", ISSUE "/comment", 0, NULL, NULL);
	ck_assert_int_eq(call(0, COMMENT), DROVER_AGAIN);
	/*
	 * Somebody copied the marker, and ours is a page away, with its
	 * property to be asked for.
	 */
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL,
	    kit_text("{\"total\":3,\"comments\":[{\"id\":\"503\",\"author\":%s,\"properties\":[{"
		     "\"key\":\"drover\",\"value\":{\"id\":\"call/k1\"}}]},"
		     "{\"id\":\"502\",\"author\":%s,\"properties\":[{\"key\":\"drover\",\"value\":{"
		     "\"id\":\"call/k0\"}}]}]}",
		kit_user(EVE), kit_user(ME)));
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL,
	    kit_text("{\"total\":3,\"comments\":[{\"id\":\"501\",\"author\":%s}]}", kit_user(ME)));
	fake_answer(fake, "GET", "/rest/api/3/comment/501/properties/drover", 200, NULL,
	    "{\"key\":\"drover\",\"value\":{\"id\":\"call/k1\"}}");
	ck_assert_int_eq(call(0, COMMENT), 0);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 1);
	ck_assert_str_eq(fake_effect(fake, "jira/comment/call/k1"), "501");
}
END_TEST

START_TEST(an_answer_without_a_list_is_no_empty_list)
{
	fake_answer(fake, "POST", ISSUE "/comment", 0, NULL, NULL);
	ck_assert_int_eq(call(0, COMMENT), DROVER_AGAIN);
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL, "");
	ck_assert_int_eq(call(0, COMMENT), DROVER_AGAIN);
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL, "{\"total\":0,\"comments\":null}");
	ck_assert_int_eq(call(0, COMMENT), DROVER_AGAIN);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 1);
}
END_TEST

START_TEST(a_comment_that_is_not_there_is_posted_again)
{
	fake_answer(fake, "POST", ISSUE "/comment", 0, NULL, NULL);
	ck_assert_int_eq(call(0, COMMENT), DROVER_AGAIN);
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL, "{\"total\":0,\"comments\":[]}");
	fake_answer(fake, "POST", ISSUE "/comment", 201, NULL, "{\"id\":\"500\"}");
	ck_assert_int_eq(call(0, COMMENT), 0);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 2);
}
END_TEST

START_TEST(without_markers_the_text_is_the_evidence)
{
	set_option("marker", "0");
	fake_answer(fake, "POST", ISSUE "/comment", 0, NULL, NULL);
	ck_assert_int_eq(call(0, COMMENT), DROVER_AGAIN);
	ck_assert_ptr_null(
	    strstr(fake_request(fake, "POST", ISSUE "/comment", 0)->body, "properties"));
	fake_answer(fake, "GET", ISSUE "/comment", 200, NULL,
	    kit_text("{\"total\":1,\"comments\":[{\"id\":\"500\",\"author\":%s,\"body\":{\"type\":"
		     "\"doc\",\"version\":1,\"content\":["
		     "{\"type\":\"paragraph\",\"content\":[{\"type\":\"text\",\"text\":\"Hello \"},"
		     "{\"type\":\"text\",\"text\":\"you\",\"marks\":[{\"type\":\"em\"}]}]}]}}]}",
		kit_user(ME)));
	ck_assert_int_eq(call(0, COMMENT), 0);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 1);
}
END_TEST

START_TEST(requests_of_others_are_checked)
{
	static const char *const bad[] = { "", "[]", "{}",
		"{\"issue\":\"P-1\",\"text\":\"\",\"key\":\"k\"}",
		"{\"issue\":\"../x\",\"text\":\"t\",\"key\":\"k\"}",
		"{\"issue\":\"P-1\",\"text\":\"t\"}" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(call(0, bad[i]), DROVER_PERMANENT);
	ck_assert_int_eq(call(1, "{\"issue\":\"P-1\"}"), DROVER_PERMANENT);
	ck_assert_int_eq(fake->outside.nrequests, 0);
}
END_TEST

#define WAYS(fields) \
	"{\"transitions\":[{\"id\":\"11\",\"name\":\"Begin\",\"to\":{\"name\":\"In " \
	"Progress\"}" fields "},{\"id\":21,\"name\":\"Close\",\"to\":{\"name\":\"Done\"}}]}"

START_TEST(transitions_go_by_the_name_of_the_status)
{
	kit_serve_issue(&kit, "PROJ-1", kit_issue("PROJ-1", "10001", "To Do", ME, "", "", ""));
	fake_serve(fake, "GET", ISSUE "/transitions", 200, NULL, WAYS(""));
	fake_answer(fake, "POST", ISSUE "/transitions", 204, NULL, "");
	ck_assert_int_eq(call(1, "{\"issue\":\"PROJ-1\",\"to\":\"in progress\"}"), 0);
	ck_assert_str_eq(fake_request(fake, "POST", ISSUE "/transitions", 0)->body,
	    "{\"transition\":{\"id\":\"11\"}}");
	ck_assert_str_eq(fake->outside.replied, "{\"moved\":true}");
	/* Ids are strings, also where Jira gave a number. */
	fake_answer(fake, "POST", ISSUE "/transitions", 204, NULL, "");
	ck_assert_int_eq(call(1, "{\"issue\":\"PROJ-1\",\"to\":\"Close\"}"), 0);
	ck_assert_str_eq(fake_request(fake, "POST", ISSUE "/transitions", 1)->body,
	    "{\"transition\":{\"id\":\"21\"}}");
	ck_assert_int_eq(call(1, "{\"issue\":\"PROJ-1\",\"to\":\"To Do\"}"), 0);
	ck_assert_str_eq(fake->outside.replied, "{\"moved\":false}");
	ck_assert_int_eq(call(1, "{\"issue\":\"PROJ-1\",\"to\":\"Nowhere\"}"), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "\"In Progress\", \"Done\""));
	fake_answer(fake, "POST", ISSUE "/transitions", 409, NULL, "{}");
	ck_assert_int_eq(call(1, "{\"issue\":\"PROJ-1\",\"to\":\"Done\"}"), DROVER_AGAIN);
	fake_answer(fake, "POST", ISSUE "/transitions", 400, NULL,
	    "{\"errorMessages\":[],\"errors\":{\"resolution\":\"is required\"}}");
	ck_assert_int_eq(call(1, "{\"issue\":\"PROJ-1\",\"to\":\"Done\"}"), DROVER_CONFIG);
}
END_TEST

START_TEST(a_screen_that_wants_fields_is_named)
{
	kit_serve_issue(&kit, "PROJ-1", kit_issue("PROJ-1", "10001", "To Do", ME, "", "", ""));
	fake_serve(fake, "GET", ISSUE "/transitions", 200, NULL,
	    WAYS(",\"fields\":{\"resolution\":{\"name\":\"Resolution\",\"required\":true,"
		 "\"hasDefaultValue\":false},"
		 "\"x\":{\"name\":\"X\",\"required\":true,\"hasDefaultValue\":true},\"y\":{"
		 "\"name\":\"Y\",\"required\":false}}"));
	ck_assert_int_eq(call(1, "{\"issue\":\"PROJ-1\",\"to\":\"In Progress\"}"), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "\"Resolution\":"));
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/transitions"), 0);
}
END_TEST

START_TEST(the_probe_says_what_is_missing)
{
	fake_answer(fake, "GET", "/rest/api/3/mypermissions", 200, NULL,
	    "{\"permissions\":{\"BROWSE_PROJECTS\":{\"havePermission\":true},\"ADD_COMMENTS\":{"
	    "\"havePermission\":false}}}");
	ck_assert_int_eq(call(2, "{}"), 0);
	ck_assert_ptr_nonnull(strstr(fake->outside.replied, "\"ok\":false"));
	ck_assert_ptr_nonnull(strstr(fake->outside.replied, "\"as\":\"bot-1\""));
	ck_assert_ptr_nonnull(
	    strstr(fake->outside.replied, "{\"what\":\"BROWSE_PROJECTS\",\"ok\":true"));
	ck_assert_ptr_nonnull(strstr(fake->outside.replied,
	    "{\"what\":\"ADD_COMMENTS\",\"ok\":false,\"text\":\"may not comment in any project"));
	fake->outside.answers[0].status = 401;
	ck_assert_int_eq(call(2, "{}"), 0);
	ck_assert_ptr_nonnull(strstr(fake->outside.replied, "\"what\":\"token\",\"ok\":false"));
	ck_assert_ptr_nonnull(strstr(fake->outside.replied, "ex/jira"));
}
END_TEST

static int
hook(const char *body, const char *signature)
{
	struct drover_field headers[] = { { "x-hub-signature", signature },
		{ "x-atlassian-webhook-identifier", "w-1" } };
	struct drover_delivery delivery = { sizeof(delivery), 0, body, strlen(body), headers,
		signature != NULL ? 2 : 0 };
	static struct drover_receipt receipt;

	memset(&kit.err, 0, sizeof(kit.err));
	memset(&receipt, 0, sizeof(receipt));
	receipt.size = sizeof(receipt);
	fake->outside.woken[0] = '\0';
	if (kit.plugin->hook(&fake->scope, NULL, &delivery, &receipt, &kit.err) != 0)
		return kit.err.code;
	ck_assert_str_eq(receipt.id, "w-1");
	return 0;
}

static const char *
sign(const char *body)
{
	unsigned char mac[32];
	unsigned int len = sizeof(mac);
	char hex[65];
	int i;

	HMAC(EVP_sha256(), "s3cret", 6, (const unsigned char *)body, strlen(body), mac, &len);
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	return kit_text("sha256=%s", hex);
}

START_TEST(webhooks_are_signed_and_fresh)
{
	const char *body = kit_text("{\"timestamp\":%lld,\"webhookEvent\":\"jira:issue_updated\"}",
	    (long long)NOW - 1000);
	const char *old = kit_text("{\"timestamp\":%lld}", (long long)NOW - 3600000);

	ck_assert_int_eq(hook(body, sign(body)), DROVER_AUTH);
	fake_secret(fake, "webhook_secret", "s3cret");
	ck_assert_int_eq(hook(body, sign(body)), 0);
	ck_assert_str_ne(fake->outside.woken, "");
	ck_assert_int_eq(hook(body, sign("{}")), DROVER_AUTH);
	ck_assert_int_eq(hook(body, NULL), DROVER_AUTH);
	ck_assert_int_eq(hook(body, ""), DROVER_AUTH);
	ck_assert_int_eq(hook(old, sign(old)), DROVER_AUTH);
	ck_assert_str_eq(fake->outside.woken, "");
	ck_assert_int_eq(hook("no json", sign("no json")), DROVER_PERMANENT);
	ck_assert_int_eq(hook("{}", sign("{}")), 0);
}
END_TEST

START_TEST(a_dead_job_is_told_on_its_ticket)
{
	const struct fake_request *r;

	kit_serve_found(&kit, "PROJ-1", "10001", "u1");
	assigned("", "");
	ck_assert_int_eq(kit_poll(&kit, "ticket"), 0);
	ck_assert_int_eq(fake_settle(fake, kit.plugin->sources[0], kit.source, 0, "succeeded", "{}",
			     &kit.err),
	    0);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 0);
	fake_answer(fake, "POST", ISSUE "/comment", 201, NULL, "{\"id\":\"500\"}");
	ck_assert_int_eq(fake_settle(fake, kit.plugin->sources[0], kit.source, 0, "dead", "{}",
			     &kit.err),
	    0);
	r = fake_request(fake, "POST", ISSUE "/comment", 0);
	ck_assert_ptr_nonnull(strstr(r->body, "the checks failed"));
	/* A ticket that is gone does not keep the source busy for ever. */
	fake->jobs[0].id = 2;
	fake_answer(fake, "POST", ISSUE "/comment", 404, NULL, "{}");
	ck_assert_int_eq(fake_settle(fake, kit.plugin->sources[0], kit.source, 0, "dead", "{}",
			     &kit.err),
	    0);
	fake->jobs[0].id = 3;
	fake_answer(fake, "POST", ISSUE "/comment", 500, NULL, "");
	ck_assert_int_eq(fake_settle(fake, kit.plugin->sources[0], kit.source, 0, "dead", "{}",
			     &kit.err),
	    DROVER_AGAIN);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *c = suite_case(suite, "jira", setup, teardown);

	tcase_add_test(c, an_assigned_ticket_becomes_a_job);
	tcase_add_test(c, the_longest_ticket_fits);
	tcase_add_test(c, an_unchanged_ticket_costs_one_search);
	tcase_add_test(c, our_own_doing_is_no_new_revision_and_somebody_elses_is);
	tcase_add_test(c, the_issue_itself_decides_not_the_search);
	tcase_add_test(c, a_long_backlog_is_remembered_whole);
	tcase_add_test(c, issues_that_are_not_wanted_hide_no_other);
	tcase_add_test(c, no_more_than_there_is_room_for);
	tcase_add_test(c, pages_are_walked_also_empty_ones_and_a_loop_ends);
	tcase_add_test(c, a_cursor_of_somebody_elses_is_none);
	tcase_add_test(c, what_the_property_says_is_done_is_not_done_again);
	tcase_add_test(c, an_answer_of_a_trusted_person_starts_it_again);
	tcase_add_test(c, review_judges_each_wording_once_and_not_what_is_ours);
	tcase_add_test(c, review_of_everything_is_refused);
	tcase_add_test(c, refusals_have_the_right_class);
	tcase_add_test(c, a_token_that_jira_forgot_is_no_empty_list);
	tcase_add_test(c, an_issue_that_cannot_be_read_stops_no_other);
	tcase_add_test(c, people_are_told_apart);
	tcase_add_test(c, roles_of_the_project_count);
	tcase_add_test(c, roles_that_are_hidden_hide_no_ticket);
	tcase_add_test(c, data_center_has_ways_of_its_own);
	tcase_add_test(c, a_comment_is_posted_once);
	tcase_add_test(c, a_comment_that_may_be_there_is_looked_for);
	tcase_add_test(c, an_answer_without_a_list_is_no_empty_list);
	tcase_add_test(c, a_comment_that_is_not_there_is_posted_again);
	tcase_add_test(c, without_markers_the_text_is_the_evidence);
	tcase_add_test(c, requests_of_others_are_checked);
	tcase_add_test(c, transitions_go_by_the_name_of_the_status);
	tcase_add_test(c, a_screen_that_wants_fields_is_named);
	tcase_add_test(c, the_probe_says_what_is_missing);
	tcase_add_test(c, webhooks_are_signed_and_fresh);
	tcase_add_test(c, a_dead_job_is_told_on_its_ticket);
}

SUITE(cases)
