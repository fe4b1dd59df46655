/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sources of the plugin github: what becomes a job, in which order, once,
 * and what an idle poll asks.
 */
#include <stdio.h>
#include <string.h>

#include "github_kit.h"
#include "suite.h"

static const struct drover_source *source;
static void *state;

static void
open_source(const char *name)
{
	source = kit_source(name);
	ck_assert_int_eq(source->open(&kit->scope, kit_state, &state, &kit_err), 0);
}

static void
teardown(void)
{
	if (source != NULL)
		source->close(&kit->scope, state);
	source = NULL;
	kit_teardown();
}

static int
poll_once(void)
{
	return fake_poll(kit, source, state, &kit_err);
}

static void
poll_good(int items)
{
	int code = poll_once();

	ck_assert_msg(code == 0, "%s", kit_err.text);
	ck_assert_msg(kit->nemitted == items, "%d items, not %d: %s", kit->nemitted, items,
	    kit->log);
}

static void
is_key(int item, const char *start)
{
	ck_assert_msg(strncmp(kit->emitted[item].key, start, strlen(start)) == 0, "item %d is %s",
	    item, kit->emitted[item].key);
}

static void
own_pull(void)
{
	fake_serve(kit, "GET", KIT_REPO "/pulls?", 200, NULL,
	    kit_text("[%s,%s]", kit_pull(12, "drover-bot", "drover/x", "09:59:00", ""),
		kit_pull(13, "alice", "feature", "09:58:00", "")));
	fake_serve(kit, "GET", KIT_REPO "/pulls/12/reviews", 200, NULL, "[]");
	fake_serve(kit, "GET", KIT_REPO "/pulls/13/reviews", 200, NULL, "[]");
}

START_TEST(all_that_is_said_on_own_pull_requests_is_taken_oldest_first)
{
	open_source("pr-comment");
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s,%s,%s,%s,%s,%s]",
		kit_comment("101", 12, "alice", "MEMBER", "09:30:00", "first", NULL, ""),
		kit_comment("102", 13, "alice", "MEMBER", "09:31:00", "not mine", NULL, ""),
		kit_comment("105", 12, "alice", "MEMBER", "09:32:00", "> only\\n> a quote", NULL,
		    ""),
		kit_comment("106", 12, "alice", "MEMBER", "09:33:00", "```\\nonly code\\n```", NULL,
		    ""),
		kit_comment("107", 12, "alice", "MEMBER", "09:34:00", "<!-- hidden -->", NULL, ""),
		kit_comment("104", 12, "alice", "MEMBER", "09:50:00", "third", NULL, "")));
	fake_answer(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL,
	    kit_text("[%s,%s]",
		kit_comment("201", 12, "bob", "MEMBER", "09:40:00", "second", "src/a.c", ""),
		kit_comment("202", 12, "bob", "MEMBER", "09:55:00", "fifth", "src/a.c",
		    ",\"in_reply_to_id\":201")));
	fake_answer(kit, "GET", KIT_REPO "/pulls/12/reviews", 200, NULL,
	    "["
	    "{\"id\":301,\"user\":{\"login\":\"carol\",\"type\":\"User\"},\"body\":\"fourth\","
	    "\"state\":\"CHANGES_REQUESTED\",\"author_association\":\"MEMBER\","
	    "\"submitted_at\":\"2026-11-21T09:52:00Z\",\"html_url\":\"u\"},"
	    "{\"id\":302,\"user\":{\"login\":\"carol\",\"type\":\"User\"},\"body\":\"\",\"state\":"
	    "\"APPROVED\",\"submitted_at\":\"2026-11-21T09:53:00Z\"},"
	    "{\"id\":303,\"user\":{\"login\":\"carol\",\"type\":\"User\"},\"body\":\"draft\","
	    "\"state\":\"PENDING\"}]");
	own_pull();
	poll_good(5);
	is_key(0, "github/acme/web/issuecomment/101@");
	is_key(1, "github/acme/web/reviewcomment/201@");
	is_key(2, "github/acme/web/issuecomment/104@");
	is_key(3, "github/acme/web/review/301@");
	is_key(4, "github/acme/web/reviewcomment/202@");
	ck_assert_str_eq(kit->emitted[1].kind, "github.pr-comment");
	ck_assert_str_eq(kit->emitted[1].serial, "github/acme/web#12");
	ck_assert_str_eq(kit->emitted[1].repo, "web");
	ck_assert_str_eq(kit->emitted[1].author, "bob");
	ck_assert_ptr_nonnull(strstr(kit->emitted[1].marks, "member"));
	ck_assert_str_eq(kit->emitted[1].title, "#12 Pull 12: second");
	ck_assert_ptr_nonnull(strstr(kit->emitted[4].payload, "\"top\":\"201\""));
	/* Nobody asks for permissions that no author is named by. */
	ck_assert_int_eq(fake_requests(kit, "GET", KIT_REPO "/collaborators"), 0);
}
END_TEST

/*
 * The comments of the conversation are read before the reviews. Who writes one
 * of each in between is heard in that order all the same.
 */
START_TEST(what_is_said_while_the_lists_are_read_keeps_its_order)
{
	open_source("pr-comment");
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL, "[]");
	fake_answer_late(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s]",
		kit_comment("101", 12, "alice", "MEMBER", "09:30:00", "first", NULL, "")));
	fake_answer(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL,
	    kit_text("[%s]",
		kit_comment("201", 12, "bob", "MEMBER", "09:40:00", "second", "src/a.c", "")));
	own_pull();
	poll_good(2);
	is_key(0, "github/acme/web/issuecomment/101@");
	is_key(1, "github/acme/web/reviewcomment/201@");
}
END_TEST

START_TEST(an_idle_poll_asks_the_same_and_is_a_304)
{
	static const char *const lists[] = { KIT_REPO "/issues/comments?",
		KIT_REPO "/pulls/comments?", KIT_REPO "/pulls?" };
	char first[3][1024];
	int i, n;

	open_source("pr-comment");
	fake_answer(kit, "GET", lists[0], 200, NULL,
	    kit_text("[%s]",
		kit_comment("101", 12, "alice", "MEMBER", "09:30:00", "first", NULL, "")));
	fake_serve(kit, "GET", lists[1], 200, NULL, "[]");
	own_pull();
	poll_good(1);
	/* The next one asks from what was found, from then on nothing moves. */
	fake_answer(kit, "GET", lists[0], 200, NULL,
	    kit_text("[%s]",
		kit_comment("101", 12, "alice", "MEMBER", "09:30:00", "first", NULL, "")));
	poll_good(0);
	for (i = 0; i < 3; i++)
		snprintf(first[i], sizeof(first[i]), "%s",
		    fake_request(kit, "GET", lists[i], 1)->path);
	ck_assert_ptr_nonnull(strstr(first[0], "since=2026-11-21T09:29:00Z"));
	for (n = 2; n < 5; n++) {
		fake_answer(kit, "GET", lists[0], 304, NULL, NULL);
		kit->wall += 30000;
		poll_good(0);
		ck_assert(!kit->cursor_set);
		for (i = 0; i < 3; i++) {
			ck_assert_str_eq(fake_request(kit, "GET", lists[i], n)->path, first[i]);
			ck_assert_uint_ne(fake_request(kit, "GET", lists[i], n)->flags &
				DROVER_HTTP_CACHED,
			    0);
		}
	}
	/* Reviews are asked for when a pull request moved, not each time. */
	ck_assert_int_eq(fake_requests(kit, "GET", KIT_REPO "/pulls/12/reviews"), 1);
}
END_TEST

START_TEST(what_there_is_no_capacity_for_comes_later_and_once)
{
	const char *list = kit_text("[%s,%s,%s,%s,%s]",
	    kit_comment("1", 12, "alice", "MEMBER", "09:10:00", "a", NULL, ""),
	    kit_comment("2", 12, "alice", "MEMBER", "09:20:00", "b", NULL, ""),
	    kit_comment("3", 12, "alice", "MEMBER", "09:20:00", "c", NULL, ""),
	    kit_comment("4", 12, "alice", "MEMBER", "09:40:00", "d", NULL, ""),
	    kit_comment("5", 12, "alice", "MEMBER", "09:50:00", "e", NULL, ""));
	int polls;

	open_source("pr-comment");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL, list);
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	kit->available = 2;
	poll_good(2);
	is_key(0, "github/acme/web/issuecomment/1@");
	is_key(1, "github/acme/web/issuecomment/2@");
	kit->available = 0;
	poll_good(0);
	kit->available = 2;
	poll_good(2);
	is_key(0, "github/acme/web/issuecomment/3@");
	is_key(1, "github/acme/web/issuecomment/4@");
	poll_good(1);
	is_key(0, "github/acme/web/issuecomment/5@");
	for (polls = 0; polls < 3; polls++)
		poll_good(0);
	ck_assert_int_eq(kit->njobs, 5);
}
END_TEST

START_TEST(a_review_without_room_is_found_again)
{
	open_source("pr-comment");
	kit_quiet();
	own_pull();
	fake_answer(kit, "GET", KIT_REPO "/pulls?", 200, NULL,
	    kit_text("[%s]", kit_pull(12, "drover-bot", "drover/x", "09:59:00", "")));
	fake_answer(kit, "GET", KIT_REPO "/pulls?", 200, NULL,
	    kit_text("[%s]", kit_pull(12, "drover-bot", "drover/x", "09:59:00", "")));
	fake_answer(kit, "GET", KIT_REPO "/pulls?", 200, NULL,
	    kit_text("[%s]", kit_pull(12, "drover-bot", "drover/x", "09:59:00", "")));
	fake_answer(kit, "GET", KIT_REPO "/pulls/12/reviews", 200, NULL,
	    "["
	    "{\"id\":301,\"user\":{\"login\":\"carol\"},\"body\":\"one\",\"state\":\"COMMENTED\","
	    "\"author_association\":\"MEMBER\",\"submitted_at\":\"2026-11-21T09:51:00Z\"},"
	    "{\"id\":302,\"user\":{\"login\":\"carol\"},\"body\":\"two\",\"state\":\"COMMENTED\","
	    "\"author_association\":\"MEMBER\",\"submitted_at\":\"2026-11-21T09:52:00Z\"}]");
	fake_answer(kit, "GET", KIT_REPO "/pulls/12/reviews", 200, NULL,
	    "["
	    "{\"id\":301,\"user\":{\"login\":\"carol\"},\"body\":\"one\",\"state\":\"COMMENTED\","
	    "\"author_association\":\"MEMBER\",\"submitted_at\":\"2026-11-21T09:51:00Z\"},"
	    "{\"id\":302,\"user\":{\"login\":\"carol\"},\"body\":\"two\",\"state\":\"COMMENTED\","
	    "\"author_association\":\"MEMBER\",\"submitted_at\":\"2026-11-21T09:52:00Z\"}]");
	kit->available = 1;
	poll_good(1);
	is_key(0, "github/acme/web/review/301@");
	poll_good(1);
	is_key(0, "github/acme/web/review/302@");
	poll_good(0);
	ck_assert_int_eq(fake_requests(kit, "GET", KIT_REPO "/pulls/12/reviews"), 2);
}
END_TEST

START_TEST(an_edit_is_another_revision)
{
	open_source("pr-comment");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s]", kit_comment("1", 12, "alice", "MEMBER", "09:10:00", "a", NULL, "")));
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s]", kit_comment("1", 12, "alice", "MEMBER", "09:40:00", "b", NULL, "")));
	poll_good(1);
	poll_good(1);
	ck_assert_int_eq(kit->njobs, 2);
	ck_assert_str_ne(kit->jobs[0].item.key, kit->jobs[1].item.key);
}
END_TEST

START_TEST(bots_strangers_and_we_ourselves_take_no_room)
{
	open_source("pr-comment");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s,%s,%s,%s,%s,%s,%s,%s]",
		kit_comment("8", 12, "drover-two", "MEMBER", "09:05:00",
		    "e\\n\\n<!-- drover:answer:x trace=0af7 -->", NULL, ""),
		kit_comment("7", 12, "Member", "NONE", "09:39:59", "a", NULL, ""),
		kit_comment("1", 12, "mallory", "NONE", "09:10:00", "a", NULL, ""),
		kit_comment("2", 12, "Drover-Bot", "MEMBER", "09:20:00", "b", NULL, ""),
		kit_comment("3", 12, "ci", "MEMBER", "09:30:00", "c", NULL,
		    ",\"performed_via_github_app\":{\"id\":1}"),
		kit_comment("4", 12, "alice", "MEMBER", "09:40:00", "d", NULL, ""),
		kit_text("{\"id\":5,\"user\":null,\"issue_url\":\"x/issues/12\",\"html_url\":\"x/"
			 "pull/12\",\"body\":\"ghost\",\"updated_at\":\"2026-11-21T09:41:00Z\"}"),
		kit_comment("6", 12, "alice", "MEMBER", "09:42:00", "  \\n", NULL, "")));
	kit->available = 1;
	poll_good(5);
	/*
	 * Two drovers with the accounts of people do not answer each other for
	 * ever.
	 */
	ck_assert_str_eq(kit->emitted[0].author, "drover-two");
	ck_assert_uint_eq(kit->emitted[0].author_flags, DROVER_PERSON_BOT);
	ck_assert_str_eq(kit->emitted[3].author, "login:Member");
	ck_assert_str_eq(kit->emitted[1].author, "mallory");
	ck_assert_uint_eq(kit->emitted[1].author_flags, 0);
	ck_assert_uint_eq(kit->emitted[2].author_flags, DROVER_PERSON_BOT);
	ck_assert_str_eq(kit->emitted[4].author, "alice");
}
END_TEST

START_TEST(a_fork_does_not_become_ours_by_its_branch)
{
	const char *fork =
	    kit_text("{\"number\":14,\"state\":\"open\",\"title\":\"x\",\"user\":{\"login\":"
		     "\"mallory\"},\"updated_at\":\"2026-11-21T09:59:00Z\","
		     "\"head\":{\"ref\":\"drover/x\",\"repo\":{\"full_name\":\"mallory/"
		     "web\"}},\"base\":{\"ref\":\"main\",\"repo\":{\"full_name\":\"acme/web\"}}}");

	open_source("pr-comment");
	fake_serve(kit, "GET", KIT_REPO "/pulls?", 200, NULL,
	    kit_text("[%s,%s]", fork, kit_pull(15, "alice", "drover/by-hand", "09:00:00", "")));
	fake_serve(kit, "GET", KIT_REPO "/pulls/15/reviews", 200, NULL, "[]");
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s,%s]", kit_comment("1", 14, "alice", "MEMBER", "09:10:00", "a", NULL, ""),
		kit_comment("2", 15, "alice", "MEMBER", "09:20:00", "b", NULL, "")));
	poll_good(1);
	ck_assert_str_eq(kit->emitted[0].serial, "github/acme/web#15");
}
END_TEST

START_TEST(a_list_of_many_pages_is_read_whole)
{
	open_source("pr-comment");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	/*
	 * Time moves: the next page is asked for by time, as the list moves
	 * under us.
	 */
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200,
	    "Link: <https://api.github.test/repositories/1/issues/comments?page=2>; rel=\"next\"",
	    kit_text("[%s,%s]", kit_comment("1", 12, "alice", "MEMBER", "09:10:00", "a", NULL, ""),
		kit_comment("2", 12, "alice", "MEMBER", "09:20:00", "b", NULL, "")));
	/*
	 * It does not: an empty page in the middle, then one of the same
	 * second.
	 */
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200,
	    "Link: <https://api.github.test/repositories/1/issues/comments?page=3>; rel=\"next\"",
	    "[]");
	fake_answer(kit, "GET", "/repositories/1/issues/comments?page=3", 200, NULL,
	    kit_text("[%s,%s]", kit_comment("2", 12, "alice", "MEMBER", "09:20:00", "b", NULL, ""),
		kit_comment("3", 12, "alice", "MEMBER", "09:20:00", "c", NULL, "")));
	poll_good(3);
	ck_assert_ptr_nonnull(
	    strstr(fake_request(kit, "GET", KIT_REPO "/issues/comments?", 1)->path,
		"since=2026-11-21T09:20:00Z"));
}
END_TEST

static const struct {
	int status;
	const char *headers, *body;
	int code;
} troubles[] = {
	{ 200, NULL, "<html>log in</html>", DROVER_AGAIN },
	{ 200, NULL, "[{\"id\":1", DROVER_AGAIN },
	{ 200, NULL, "{\"message\":\"x\"}", DROVER_AGAIN },
	{ 0, NULL, NULL, DROVER_AGAIN },
	{ 502, NULL, "<html>", DROVER_AGAIN },
	{ 404, NULL, "{\"message\":\"Not Found\"}", DROVER_PERMANENT },
	{ 401, NULL, "{\"message\":\"Bad credentials\"}", DROVER_AUTH },
	{ 403, NULL, "{\"message\":\"Resource not accessible\"}", DROVER_AUTH },
	{ 403, "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1795255260",
	    "{\"message\":\"API rate limit exceeded\"}", DROVER_QUOTA },
	{ 403, NULL, "{\"message\":\"You have exceeded a secondary rate limit\"}", DROVER_QUOTA },
	{ 429, "Retry-After: 7", "{\"message\":\"You have exceeded a secondary rate limit\"}",
	    DROVER_QUOTA },
	{ 200, NULL,
	    "[1,null,{},{\"id\":\"x\"},{\"id\":1,\"updated_at\":7},{\"id\":1e400,\"updated_at\":"
	    "\"2026-11-21T09:00:00Z\"}]",
	    0 },
};

START_TEST(trouble_has_its_class_and_moves_no_cursor)
{
	open_source("pr-comment");
	own_pull();
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", troubles[_i].status,
	    troubles[_i].headers, troubles[_i].body);
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	ck_assert_msg(poll_once() == troubles[_i].code, "%s", kit_err.text);
	ck_assert_int_eq(kit->nemitted, 0);
	if (troubles[_i].code == 0)
		return;
	ck_assert_str_eq(kit->kept_cursor, "");
	if (troubles[_i].code == DROVER_QUOTA)
		ck_assert_int_ge(kit_err.retry_after_ms, 60000);
	/* Nothing is lost by it. */
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s]", kit_comment("1", 12, "alice", "MEMBER", "09:10:00", "a", NULL, "")));
	poll_good(1);
}
END_TEST

START_TEST(a_repository_that_fails_does_not_hide_the_others)
{
	open_source("pr-comment");
	fake_repo(kit, "gone", "https://github.com/acme/gone.git", "github");
	fake_repo(kit, "other", "https://example.org/acme/other.git", "gitlab");
	fake_serve(kit, "GET", "/repos/acme/gone/", 404, NULL, "{\"message\":\"Not Found\"}");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s]", kit_comment("1", 12, "alice", "MEMBER", "09:10:00", "a", NULL, "")));
	fake_serve(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL, "[]");
	poll_good(1);
	ck_assert_ptr_nonnull(strstr(kit->log, "repo gone is passed over"));
	ck_assert_int_eq(fake_requests(kit, "GET", "/repos/acme/other"), 0);
	kit->log[0] = '\0';
	poll_good(0);
	ck_assert_msg(strstr(kit->log, "passed over") == NULL, "told of twice: %s", kit->log);
}
END_TEST

START_TEST(ids_above_2_to_53_keep_their_digits)
{
	open_source("pr-comment");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s]",
		kit_comment("9007199254740993", 12, "alice", "MEMBER", "09:10:00", "a", NULL, "")));
	poll_good(1);
	is_key(0, "github/acme/web/issuecomment/9007199254740993@");
}
END_TEST

START_TEST(permissions_and_teams_are_found_out_when_authors_name_them)
{
	open_source("pr-comment");
	fake_trust(kit, "permission:write");
	fake_trust(kit, "@acme/devs");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s,%s,%s]", kit_comment("1", 12, "dave", "NONE", "09:10:00", "a", NULL, ""),
		kit_comment("2", 12, "dave", "NONE", "09:20:00", "b", NULL, ""),
		kit_comment("3", 12, "eve", "NONE", "09:30:00", "c", NULL, "")));
	fake_serve(kit, "GET", KIT_REPO "/collaborators/dave/permission", 200, NULL,
	    "{\"permission\":\"admin\",\"role_name\":\"admin\"}");
	fake_serve(kit, "GET", KIT_REPO "/collaborators/eve/permission", 404, NULL, "{}");
	fake_serve(kit, "GET", "/orgs/acme/teams/devs/memberships/dave", 200, NULL,
	    "{\"state\":\"active\"}");
	fake_serve(kit, "GET", "/orgs/acme/teams/devs/memberships/eve", 404, NULL, "{}");
	poll_good(3);
	ck_assert_ptr_nonnull(strstr(kit->emitted[0].marks, "permission:write"));
	ck_assert_ptr_nonnull(strstr(kit->emitted[0].marks, "@acme/devs"));
	ck_assert_ptr_null(strstr(kit->emitted[2].marks, "permission"));
	ck_assert_ptr_null(strstr(kit->emitted[2].marks, "devs"));
	/* Once a person. */
	ck_assert_int_eq(fake_requests(kit, "GET", KIT_REPO "/collaborators/dave/permission"), 1);
}
END_TEST

START_TEST(a_permission_that_is_hidden_is_trouble_of_its_repository)
{
	open_source("pr-comment");
	fake_trust(kit, "permission:write");
	fake_repo(kit, "api", "https://github.com/acme/api.git", "github");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_serve(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s]", kit_comment("1", 12, "dave", "NONE", "09:10:00", "a", NULL, "")));
	fake_serve(kit, "GET", KIT_REPO "/collaborators/dave/permission", 200, NULL,
	    "{\"permission\":\"write\"}");
	fake_serve(kit, "GET", "/repos/acme/api/pulls?", 200, NULL,
	    kit_text("[%s]", kit_pull(12, "drover-bot", "drover/x", "09:59:00", "")));
	fake_serve(kit, "GET", "/repos/acme/api/pulls/", 200, NULL, "[]");
	fake_serve(kit, "GET", "/repos/acme/api/issues/comments?", 200, NULL,
	    kit_text("[%s]", kit_comment("2", 12, "dave", "NONE", "09:10:00", "b", NULL, "")));
	fake_answer(kit, "GET", "/repos/acme/api/collaborators/dave/permission", 403, NULL,
	    "{\"message\":\"Must have push access\"}");
	poll_good(1);
	is_key(0, "github/acme/web/issuecomment/1@");
	ck_assert_ptr_nonnull(
	    strstr(kit->log, "repo api is passed over: the permission of an author"));
	/* Nothing is lost once it may be read. */
	fake_serve(kit, "GET", "/repos/acme/api/collaborators/dave/permission", 200, NULL,
	    "{\"permission\":\"write\"}");
	poll_good(1);
	is_key(0, "github/acme/api/issuecomment/2@");
}
END_TEST

START_TEST(each_repository_has_its_turn)
{
	const char *pulls =
	    kit_text("[%s]", kit_pull(12, "drover-bot", "drover/x", "09:59:00", ""));
	const char *comment =
	    kit_text("[%s]", kit_comment("1", 12, "alice", "MEMBER", "09:10:00", "a", NULL, ""));

	open_source("pr-comment");
	fake_repo(kit, "api", "https://github.com/acme/api.git", "github");
	fake_repo(kit, "app", "https://github.com/acme/app.git", "github");
	fake_answer(kit, "GET", KIT_REPO "/pulls?", 200, NULL, pulls);
	fake_answer(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL, comment);
	fake_answer(kit, "GET", "/repos/acme/api/pulls?", 200, NULL, pulls);
	fake_answer(kit, "GET", "/repos/acme/api/issues/comments?", 200, NULL, comment);
	fake_serve(kit, "GET", "/repos/acme/", 200, NULL, "[]");
	kit->available = 2;
	poll_good(2);
	ck_assert_int_eq(fake_requests(kit, "GET", "/repos/acme/"), 8);
	/* Two have used up the room, so the next poll begins with the third. */
	poll_good(0);
	ck_assert_ptr_nonnull(
	    strstr(fake_request(kit, "GET", "/repos/acme/", 8)->path, "/repos/acme/app/"));
}
END_TEST

START_TEST(an_answer_without_a_body_is_no_empty_list)
{
	open_source("pr-comment");
	own_pull();
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_serve(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s]", kit_comment("1", 12, "alice", "MEMBER", "09:10:00", "a", NULL, "")));
	fake_answer(kit, "GET", KIT_REPO "/pulls?", 200, NULL, "");
	ck_assert_int_eq(poll_once(), DROVER_AGAIN);
	poll_good(1);
}
END_TEST

START_TEST(a_mention_on_a_pull_request_of_others_is_taken)
{
	const char *pulls =
	    kit_text("[%s,%s,%s]", kit_pull(12, "drover-bot", "drover/x", "09:59:00", ""),
		kit_pull(13, "alice", "feature", "09:58:00", "@drover-bot look"),
		kit_pull(16, "alice", "f2", "09:57:00", "nothing"));

	open_source("pr-mention");
	fake_serve(kit, "GET", KIT_REPO "/pulls?", 200, NULL, pulls);
	fake_serve(kit, "GET", KIT_REPO "/pulls/13/reviews", 200, NULL,
	    "[{\"id\":301,\"user\":{\"login\":\"carol\"},\"body\":\"@drover-bot fix "
	    "these\",\"state\":\"COMMENTED\","
	    "\"author_association\":\"MEMBER\",\"submitted_at\":\"2026-11-21T09:51:00Z\"}]");
	fake_serve(kit, "GET", KIT_REPO "/pulls/16/reviews", 200, NULL, "[]");
	fake_serve(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s,%s,%s,%s,%s]",
		kit_comment("5", 13, "alice", "MEMBER", "09:45:00",
		    "FYI @\xe2\x80\x8b"
		    "drover-bot said so",
		    NULL, ""),
		kit_comment("1", 12, "alice", "MEMBER", "09:10:00", "@drover-bot on its own", NULL,
		    ""),
		kit_comment("2", 13, "alice", "MEMBER", "09:20:00", "hey @Drover-Bot, rename it",
		    NULL, ""),
		kit_comment("3", 13, "alice", "MEMBER", "09:30:00", "`@drover-bot` is the bot",
		    NULL, ""),
		kit_comment("4", 99, "alice", "MEMBER", "09:40:00", "@drover-bot closed", NULL,
		    "")));
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL,
	    kit_text("[%s]",
		kit_comment("201", 16, "alice", "MEMBER", "09:15:00", "@drover-bot why?", "a.c",
		    "")));
	poll_good(4);
	is_key(0, "github/acme/web/reviewcomment/201@");
	is_key(1, "github/acme/web/issuecomment/2@");
	is_key(2, "github/acme/web/review/301@");
	is_key(3, "github/acme/web/pull/13@");
	ck_assert_str_eq(kit->emitted[0].kind, "github.pr-mention");
	poll_good(0);
	poll_good(0);
}
END_TEST

START_TEST(a_description_that_was_there_before_drover_is_left_alone)
{
	const char *old = kit_text("{\"number\":13,\"state\":\"open\",\"title\":\"x\",\"user\":{"
				   "\"login\":\"alice\"},\"body\":\"@drover-bot "
				   "old\",\"created_at\":\"2026-01-01T00:00:00Z\",\"author_"
				   "association\":\"MEMBER\","
				   "\"updated_at\":\"2026-11-21T%s:00Z\",\"head\":{\"ref\":\"f\"},"
				   "\"base\":{\"ref\":\"main\"}}",
	    "09:58");
	const char *moved = kit_text("{\"number\":13,\"state\":\"open\",\"title\":\"x\",\"user\":{"
				     "\"login\":\"alice\"},\"body\":\"@drover-bot "
				     "old\",\"created_at\":\"2026-01-01T00:00:00Z\",\"author_"
				     "association\":\"MEMBER\","
				     "\"updated_at\":\"2026-11-21T%s:00Z\",\"head\":{\"ref\":\"f\"}"
				     ",\"base\":{\"ref\":\"main\"}}",
	    "11:58");
	const char *edited = kit_text("{\"number\":13,\"state\":\"open\",\"title\":\"x\",\"user\":{"
				      "\"login\":\"alice\"},\"body\":\"@drover-bot "
				      "new\",\"created_at\":\"2026-01-01T00:00:00Z\",\"author_"
				      "association\":\"MEMBER\","
				      "\"updated_at\":\"2026-11-21T%s:00Z\",\"head\":{\"ref\":"
				      "\"f\"},\"base\":{\"ref\":\"main\"}}",
	    "12:58");

	open_source("pr-mention");
	fake_answer(kit, "GET", KIT_REPO "/pulls?", 200, NULL, kit_text("[%s]", old));
	fake_answer(kit, "GET", KIT_REPO "/pulls?", 200, NULL, kit_text("[%s]", moved));
	fake_answer(kit, "GET", KIT_REPO "/pulls?", 200, NULL, kit_text("[%s]", edited));
	kit_quiet();
	fake_serve(kit, "GET", KIT_REPO "/pulls/13/reviews", 200, NULL, "[]");
	poll_good(0);
	poll_good(0);
	poll_good(1);
	is_key(0, "github/acme/web/pull/13@");
}
END_TEST

static const char *
issue(int number, const char *login, const char *time, const char *body, const char *extra)
{
	return kit_text("{\"number\":%d,\"state\":\"open\",\"title\":\"Issue "
			"%d\",\"user\":{\"login\":\"%s\",\"type\":\"User\"},\"author_association\":"
			"\"MEMBER\",\"body\":\"%s\","
			"\"created_at\":\"2026-11-21T08:00:00Z\",\"updated_at\":\"2026-11-21T%sZ\","
			"\"html_url\":\"https://github.test/acme/web/issues/%d\"%s}",
	    number, number, login, body, time, number, extra);
}

static const char *
issue_comment(const char *id, int number, const char *login, const char *time, const char *body)
{
	return kit_text("{\"id\":%s,\"user\":{\"login\":\"%s\",\"type\":\"User\"},\"author_"
			"association\":\"MEMBER\",\"body\":\"%s\",\"created_at\":\"2026-11-21T%"
			"sZ\","
			"\"updated_at\":\"2026-11-21T%sZ\",\"issue_url\":\"https://api.github.test/"
			"repos/acme/web/issues/%d\",\"html_url\":\"https://github.test/acme/web/"
			"issues/%d#issuecomment-%s\"}",
	    id, login, body, time, time, number, number, id);
}

START_TEST(commands_in_issues_and_their_comments_are_taken)
{
	open_source("issue-command");
	fake_serve(kit, "GET", KIT_REPO "/issues?", 200, NULL,
	    kit_text("[%s,%s,%s,%s,%s,%s]",
		issue(26, "alice", "09:14:00", "<pre>\\n/drover fix it\\n</pre>", ""),
		issue(27, "alice", "09:15:00", "1. Say:\\n\\n    ```\\n    /drover no\\n    ```",
		    ""),
		issue(21, "alice", "09:10:00",
		    "It fails.\\n\\n/drover --prompt small fix it\\n/drover twice", ""),
		issue(22, "alice", "09:11:00", "```\\n/drover no\\n```", ""),
		issue(23, "alice", "09:12:00", "/drover a pull request",
		    ",\"pull_request\":{\"url\":\"x\"}"),
		issue(24, "alice", "09:13:00", "no command", "")));
	fake_serve(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL,
	    kit_text("[%s,%s,%s,%s]",
		issue_comment("1", 24, "bob", "09:20:00", "ok\\n/drover do it"),
		issue_comment("2", 25, "bob", "09:21:00", "/drover on a closed one"),
		kit_comment("3", 12, "bob", "MEMBER", "09:22:00", "/drover on a pull request", NULL,
		    ""),
		issue_comment("4", 24, "bob", "09:23:00", "say /drover to the bot")));
	fake_serve(kit, "GET", KIT_REPO "/issues/24", 200, NULL,
	    issue(24, "mallory", "09:20:00", "the text", ""));
	fake_serve(kit, "GET", KIT_REPO "/issues/25", 200, NULL,
	    "{\"number\":25,\"state\":\"closed\",\"title\":\"x\",\"body\":\"y\"}");
	poll_good(2);
	is_key(0, "github/acme/web/issue/21@");
	is_key(1, "github/acme/web/issuecomment/1@");
	ck_assert_str_eq(kit->emitted[0].kind, "github.issue-command");
	ck_assert_str_eq(kit->emitted[0].title, "#21 Issue 21: fix it");
	ck_assert_str_eq(kit->emitted[1].author, "bob");
	ck_assert_ptr_nonnull(strstr(kit->emitted[0].payload, "\"prompt\":\"small\""));
	ck_assert_ptr_nonnull(strstr(kit->emitted[0].payload, "It fails."));
	ck_assert_ptr_nonnull(strstr(kit->emitted[1].payload, "the text"));
	ck_assert_ptr_nonnull(strstr(kit->log, "1 further commands"));
	poll_good(0);
	poll_good(0);
}
END_TEST

START_TEST(a_label_asks_for_who_set_it)
{
	const char *labels = ",\"labels\":[{\"name\":\"Drover\"},{\"name\":\"bug\"}]";

	fake_option(kit, "labels", "drover");
	open_source("issue-command");
	fake_serve(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL, "[]");
	fake_answer(kit, "GET", KIT_REPO "/issues?", 200, NULL,
	    kit_text("[%s]", issue(21, "mallory", "09:10:00", "It fails.", labels)));
	fake_answer(kit, "GET", KIT_REPO "/issues?", 200, NULL,
	    kit_text("[%s]", issue(21, "mallory", "09:40:00", "It fails.", labels)));
	fake_answer(kit, "GET", KIT_REPO "/issues?", 200, NULL,
	    kit_text("[%s]", issue(21, "mallory", "09:50:00", "It fails.", labels)));
	fake_answer(kit, "GET", KIT_REPO "/issues/21/events", 200, NULL,
	    "[{\"id\":1,\"event\":\"labeled\",\"label\":{\"name\":\"bug\"},\"actor\":{\"login\":"
	    "\"mallory\"},\"created_at\":\"2026-11-21T09:00:00Z\"},"
	    "{\"id\":2,\"event\":\"labeled\",\"label\":{\"name\":\"drover\"},\"actor\":{\"login\":"
	    "\"bob\"},\"created_at\":\"2026-11-21T09:05:00Z\"}]");
	fake_answer(kit, "GET", KIT_REPO "/issues/21/events", 200, NULL,
	    "[{\"id\":2,\"event\":\"labeled\",\"label\":{\"name\":\"drover\"},\"actor\":{\"login\":"
	    "\"bob\"},\"created_at\":\"2026-11-21T09:05:00Z\"}]");
	fake_answer(kit, "GET", KIT_REPO "/issues/21/events", 200, NULL,
	    "[{\"id\":2,\"event\":\"labeled\",\"label\":{\"name\":\"drover\"},\"actor\":{\"login\":"
	    "\"bob\"},\"created_at\":\"2026-11-21T09:05:00Z\"},"
	    "{\"id\":7,\"event\":\"labeled\",\"label\":{\"name\":\"drover\"},\"actor\":{\"login\":"
	    "\"bob\"},\"created_at\":\"2026-11-21T09:49:00Z\"}]");
	fake_serve(kit, "GET", KIT_REPO "/collaborators/bob/permission", 200, NULL,
	    "{\"permission\":\"write\",\"role_name\":\"write\"}");
	poll_good(1);
	is_key(0, "github/acme/web/label/2@");
	ck_assert_str_eq(kit->emitted[0].author, "bob");
	/*
	 * The event does not say what bob is, but only somebody with a role
	 * could set it.
	 */
	ck_assert_ptr_nonnull(strstr(kit->emitted[0].marks, "collaborator"));
	poll_good(0);
	/* Taken off and set again: asked again. */
	poll_good(1);
	is_key(0, "github/acme/web/label/7@");
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "sources", kit_setup, teardown);

	tcase_add_test(tc, all_that_is_said_on_own_pull_requests_is_taken_oldest_first);
	tcase_add_test(tc, what_is_said_while_the_lists_are_read_keeps_its_order);
	tcase_add_test(tc, an_idle_poll_asks_the_same_and_is_a_304);
	tcase_add_test(tc, what_there_is_no_capacity_for_comes_later_and_once);
	tcase_add_test(tc, a_review_without_room_is_found_again);
	tcase_add_test(tc, an_edit_is_another_revision);
	tcase_add_test(tc, bots_strangers_and_we_ourselves_take_no_room);
	tcase_add_test(tc, a_fork_does_not_become_ours_by_its_branch);
	tcase_add_test(tc, a_list_of_many_pages_is_read_whole);
	tcase_add_loop_test(tc, trouble_has_its_class_and_moves_no_cursor, 0,
	    sizeof(troubles) / sizeof(troubles[0]));
	tcase_add_test(tc, a_repository_that_fails_does_not_hide_the_others);
	tcase_add_test(tc, ids_above_2_to_53_keep_their_digits);
	tcase_add_test(tc, permissions_and_teams_are_found_out_when_authors_name_them);
	tcase_add_test(tc, a_permission_that_is_hidden_is_trouble_of_its_repository);
	tcase_add_test(tc, each_repository_has_its_turn);
	tcase_add_test(tc, an_answer_without_a_body_is_no_empty_list);
	tcase_add_test(tc, a_mention_on_a_pull_request_of_others_is_taken);
	tcase_add_test(tc, a_description_that_was_there_before_drover_is_left_alone);
	tcase_add_test(tc, commands_in_issues_and_their_comments_are_taken);
	tcase_add_test(tc, a_label_asks_for_who_set_it);
}

SUITE(cases)
