/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipelines of the plugin jira: what they do to a ticket, what agents are
 * told, and that a death at any step does nothing twice.
 */
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jira_kit.h"
#include "suite.h"

#define ISSUE "/rest/api/3/issue/PROJ-1"
#define PROCEED \
	"I read " \
	"it.\n{\"verdict\":\"PROCEED\",\"repos\":[\"web\"],\"questions\":[],\"reason\":\"Here.\"}"
#define ASKS \
	"{\"verdict\":\"NEEDS_INFO\",\"questions\":[\"Which?\",{\"question\":\"When?\"},7]," \
	"\"reason\":\"Too little.\"}"
#define PULL \
	"{\"number\":\"12\",\"url\":\"https://github.example/acme/web/pull/12\",\"created\":true}"
#define BODY \
	"\"body\":{\"type\":\"doc\",\"version\":1,\"content\":[{\"type\":\"paragraph\"," \
	"\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}]}"

static struct kit kit;
static struct fake *fake;
static const char *const payload =
    "{\"issue\":\"PROJ-1\",\"id\":\"10001\",\"revision\":\"100\",\"status\":\"To "
    "Do\",\"assigned\":true,\"summary\":\"Mend the thing\","
    "\"description\":\"Frozen "
    "words.\",\"project\":\"PROJ\",\"type\":\"Bug\",\"priority\":\"Medium\",\"labels\":[],"
    "\"components\":[]}";

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

static void
serve_comments(const char *list, int n)
{
	struct fake_outside *o = &fake->outside;
	const char *body = kit_text("{\"total\":%d,\"comments\":[%s]}", n, list);
	int i;

	for (i = 0; i < o->nanswers; i++)
		if (o->answers[i].kept && strcmp(o->answers[i].method, "GET") == 0 &&
		    strcmp(o->answers[i].path, ISSUE "/comment") == 0) {
			o->answers[i].body = body;
			return;
		}
	fake_serve(fake, "GET", ISSUE "/comment", 200, NULL, body);
}

static const char *fields = ""; /* more of the ticket's */

static void
ticket(const char *status, const char *properties)
{
	kit_serve_issue(&kit, "PROJ-1",
	    kit_issue("PROJ-1", "10001", status, ME, fields, "", properties));
}

static void
setup(void)
{
	kit_setup(&kit);
	fake = kit.fake;
	fields = "";
	set_option("done_status", "In Review");
	fake_repo(fake, "web", "https://github.example/acme/web.git", "github");
	ticket("To Do", "");
	serve_comments("", 0);
	fake_serve(fake, "PUT", ISSUE "/properties/drover", 200, NULL, "");
	fake_serve(fake, "GET", ISSUE "/transitions", 200, NULL,
	    "{\"transitions\":[{\"id\":\"11\",\"name\":\"a\",\"to\":{\"name\":\"In Progress\"}},"
	    "{\"id\":\"12\",\"name\":\"b\",\"to\":{\"name\":\"To "
	    "Do\"}},{\"id\":\"31\",\"name\":\"c\",\"to\":{\"name\":\"In Review\"}}]}");
	fake_serve(fake, "POST", ISSUE "/transitions", 204, NULL, "");
	fake_serve(fake, "POST", ISSUE "/comment", 201, NULL, "{\"id\":\"500\"}");
	fake_serve(fake, "POST", ISSUE "/remotelink", 201, NULL, "{\"id\":1}");
	fake->change_result.changed = 1;
	snprintf(fake->change_result.text, sizeof(fake->change_result.text),
	    "noise\nREPLY_START\nI mended it.\nREPLY_END\n");
}

static void
teardown(void)
{
	kit_teardown(&kit);
}

static int
moves(const char *id)
{
	int n = 0, i;

	for (i = 0; i < fake->outside.nrequests; i++) {
		const struct fake_request *r = &fake->outside.requests[i];

		n += strcmp(r->method, "POST") == 0 && strcmp(r->path, ISSUE "/transitions") == 0 &&
		    strstr(r->body, id) != NULL;
	}
	return n;
}

START_TEST(a_ticket_becomes_a_pull_request)
{
	const struct fake_request *r;

	serve_comments(kit_text("{\"id\":\"3\",\"created\":\"2026-01-01T00:00:00.000+0000\","
				"\"author\":%s," BODY "},{\"id\":\"2\",\"author\":%s," BODY "},"
				"{\"id\":\"1\",\"author\":%s," BODY "}",
			   kit_user(MIA), "Second word", kit_user(EVE), "Evil word", kit_user(MIA),
			   "First word"),
	    3);
	fake_agent(fake, PROCEED);
	fake_reply(fake, "github.open-pull", 0, PULL);
	fake_option(fake, "labels_bugfix", "bugfix");
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_int_eq(moves("\"11\""), 1);
	ck_assert_int_eq(moves("\"31\""), 1);
	ck_assert_uint_eq(fake->outside.agent_flags, DROVER_AGENT_READ_ONLY);
	ck_assert_str_eq(fake->outside.agent_cwd, "/leased");
	ck_assert_ptr_nonnull(strstr(fake->outside.agent_prompt, "triage\n"));
	ck_assert_ptr_nonnull(strstr(fake->prompt, "description=Frozen words."));
	ck_assert_ptr_null(strstr(fake->prompt, "It is broken."));
	ck_assert_ptr_null(strstr(fake->prompt, "Evil word"));
	ck_assert_ptr_nonnull(strstr(fake->prompt, "First word"));
	ck_assert(strstr(fake->prompt, "First word") < strstr(fake->prompt, "Second word"));
	ck_assert_str_eq(fake->change_branch, "drover/PROJ-1-mend-the-thing");
	ck_assert_str_eq(fake->change_title, "PROJ-1: Mend the thing");
	ck_assert_str_eq(fake->outside.called[0].operation, "github.open-pull");
	ck_assert_ptr_nonnull(strstr(fake->outside.called[0].request,
	    "\"repo\":\"web\",\"branch\":\"drover/PROJ-1-mend-the-thing\",\"title\":\"PROJ-1: Mend "
	    "the thing\""));
	ck_assert_ptr_nonnull(strstr(fake->outside.called[0].request, "I mended it."));
	ck_assert_ptr_null(strstr(fake->outside.called[0].request, "noise"));
	ck_assert_ptr_nonnull(strstr(fake->outside.called[0].request,
	    "\"labels\":[\"bugfix\"],\"draft\":false,\"key\":\"jira/PROJ-1/100/web\""));
	r = fake_request(fake, "POST", ISSUE "/remotelink", 0);
	ck_assert_ptr_nonnull(
	    strstr(r->body, "\"globalId\":\"drover/PROJ-1/web/drover/PROJ-1-mend-the-thing\""));
	ck_assert_ptr_nonnull(strstr(r->body, "\"title\":\"web #12\""));
	r = fake_request(fake, "POST", ISSUE "/comment", 0);
	ck_assert_ptr_nonnull(strstr(r->body, "https://github.example/acme/web/pull/12"));
	ck_assert_ptr_nonnull(strstr(r->body, "\"trace\":\"0af7651916cd43dd8448eb211c80319c\""));
	ck_assert_str_eq(fake_result(fake, "url"), "https://github.example/acme/web/pull/12");
	ck_assert_str_eq(fake_result(fake, "pull"), "https://github.example/acme/web/pull/12");
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "PUT", ISSUE "/properties/drover", 0)->body,
	    "\"state\":\"working\",\"done\":false"));
	r = fake_request(fake, "PUT", ISSUE "/properties/drover", 1);
	ck_assert_ptr_nonnull(strstr(r->body,
	    "\"state\":\"done\",\"done\":true,\"n\":1,\"branches\":{\"web\":\"drover/"
	    "PROJ-1-mend-the-thing\"}"));
	ck_assert_ptr_nonnull(strstr(fake->outside.memory[0].text, "pull/12"));
}
END_TEST

START_TEST(questions_hold_the_job)
{
	const struct fake_request *r;

	fake_agent(fake, ASKS);
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_HUMAN);
	ck_assert_str_eq(kit.err.text, "PROJ-1: needs answers: Too little.");
	ck_assert_str_eq(fake_result(fake, "needs_info"), "1");
	ck_assert_str_eq(fake->prompt, "");
	r = fake_request(fake, "POST", ISSUE "/comment", 0);
	ck_assert_ptr_nonnull(strstr(r->body, "Which?"));
	ck_assert_ptr_nonnull(strstr(r->body, "When?"));
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "PUT", ISSUE "/properties/drover", 1)->body,
	    "\"state\":\"needs_info\",\"done\":true,\"n\":1,\"comment\":\"500\""));
	/*
	 * Released without an answer it waits on; with one the ticket is taken
	 * anew, and new questions are a new comment.
	 */
	ticket("To Do",
	    "{\"drover\":{\"revision\":\"100\",\"state\":\"needs_info\",\"trace\":"
	    "\"0af7651916cd43dd8448eb211c80319c\"}}");
	serve_comments(kit_text("{\"id\":\"501\",\"author\":%s," BODY
				"},{\"id\":\"500\",\"author\":%s," BODY "}",
			   kit_user(EVE), "x", kit_user(ME), "x"),
	    2);
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_HUMAN);
	ck_assert_int_eq(fake->outside.agents, 1);
	ck_assert_int_eq(moves("\"11\""), 1);
	serve_comments(kit_text("{\"id\":\"502\",\"author\":%s," BODY
				"},{\"id\":\"500\",\"author\":%s," BODY "}",
			   kit_user(MIA), "x", kit_user(ME), "x"),
	    2);
	fake_agent(fake, ASKS);
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_HUMAN);
	ck_assert_int_eq(fake->outside.agents, 2);
	ck_assert_int_eq(moves("\"11\""), 2);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 2);
}
END_TEST

START_TEST(an_old_job_does_not_take_back_what_a_later_one_has)
{
	fake_agent(fake, ASKS);
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_HUMAN);
	ticket("In Review",
	    "{\"drover\":{\"revision\":\"100-c501\",\"state\":\"done\",\"trace\":"
	    "\"11111111111111111111111111111111\"}}");
	serve_comments(kit_text("{\"id\":\"501\",\"author\":%s," BODY "}", kit_user(MIA), "blue"),
	    1);
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_ptr_nonnull(strstr(fake_result(fake, "ended"), "taken over by a later job"));
	ck_assert_int_eq(fake->outside.agents, 1);
}
END_TEST

START_TEST(a_verdict_is_not_paid_for_twice)
{
	set_option("marker", "0");
	fake_agent(fake, PROCEED);
	fake->change_code = DROVER_AGAIN;
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_AGAIN);
	fake->change_code = 0;
	ticket("In Progress", "");
	fake_reply(fake, "github.open-pull", 0, PULL);
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_int_eq(fake->outside.agents, 1);
	ck_assert_int_eq(moves("\"11\""), 1);
}
END_TEST

START_TEST(an_answer_without_a_verdict_is_asked_for_again)
{
	fake_agent(fake, "Looks fine to me.");
	fake_agent(fake, "I said it looks fine.");
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_INTERNAL);
	ck_assert_int_eq(fake->outside.agents, 2);
	ck_assert_ptr_nonnull(
	    strstr(fake->outside.agent_prompt, "again=Your last answer held no line"));
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 0);
}
END_TEST

START_TEST(triage_may_be_left_out)
{
	set_option("triage", "0");
	fake_reply(fake, "github.open-pull", 0, PULL);
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_int_eq(fake->outside.agents, 0);
	ck_assert_str_eq(fake->change_repo, "web");
}
END_TEST

START_TEST(nothing_to_change_is_said)
{
	fake_agent(fake, PROCEED);
	fake->change_result.changed = 0;
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_int_eq(fake->outside.ncalled, 0);
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "POST", ISSUE "/comment", 0)->body,
	    "I found nothing to change"));
	ck_assert_int_eq(moves("\"31\""), 0);
	ck_assert_str_eq(fake_result(fake, "changed"), "0");
}
END_TEST

START_TEST(what_is_no_longer_ours_is_left_alone)
{
	static const struct {
		const char *status, *assignee, *word;
	} cases[] = { { "To Do", MIA, "no longer assigned" },
		{ "To Do", NULL, "no longer assigned" }, { "Blocked", ME, "\"Blocked\"" },
		{ "In Progress", ME, "somebody else" } };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake->nresults = 0;
		kit_serve_issue(&kit, "PROJ-1",
		    kit_issue("PROJ-1", "10001", cases[i].status, cases[i].assignee, "", "", ""));
		ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
		ck_assert_msg(strstr(fake_result(fake, "ended"), cases[i].word) != NULL, "%s",
		    fake_result(fake, "ended"));
	}
	fake->nresults = 0;
	fake_answer(fake, "GET", ISSUE "?", 404, NULL, "{\"errorMessages\":[\"gone\"]}");
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_ptr_nonnull(strstr(fake_result(fake, "ended"), "gone"));
	ck_assert_int_eq(fake->outside.agents, 0);
	ck_assert_int_eq(fake_requests(fake, "POST", "/"), 0);
	ck_assert_int_eq(fake_requests(fake, "PUT", "/"), 0);
	/*
	 * A token that Jira does not know any more looks the same, until it is
	 * asked who we are.
	 */
	fake_answer(fake, "GET", ISSUE "?", 404, NULL, "{}");
	fake_answer(fake, "GET", "/rest/api/3/myself", 401, NULL, "");
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_AUTH);
}
END_TEST

START_TEST(a_second_revision_gets_a_branch_of_its_own)
{
	ticket("To Do",
	    "{\"drover\":{\"revision\":\"50\",\"state\":\"done\",\"n\":1,\"branches\":{\"web\":"
	    "\"drover/PROJ-1-mend-the-thing\"}}}");
	fake_agent(fake, PROCEED);
	fake_reply(fake, "github.open-pull", 0, PULL);
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_str_eq(fake->change_branch, "drover/PROJ-1-mend-the-thing-2");
}
END_TEST

START_TEST(which_repos_a_ticket_is_about)
{
	const char *labelled =
	    "{\"issue\":\"PROJ-1\",\"id\":\"10001\",\"revision\":\"100\",\"status\":\"To "
	    "Do\",\"assigned\":true,\"summary\":\"s\",\"description\":\"\","
	    "\"labels\":[\"repo:api\",\"repo:nosuch\"],\"components\":[\"repo:api\",\"Frontend\"]}";

	fake_repo(fake, "api", "https://github.example/acme/api.git", "");
	set_option("triage", "0");
	fake_option(fake, "repos", "api");
	ck_assert_int_eq(kit_run(&kit, "fix", "", labelled), 0);
	ck_assert_str_eq(fake->change_repo, "api");
	ck_assert_int_eq(fake->outside.ncalled, 0);
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "POST", ISSUE "/comment", 0)->body,
	    "no forge is configured"));
	fake->outside.nkv = 0;
	set_option("repos", "elsewhere");
	ticket("To Do", "");
	ck_assert_int_eq(kit_run(&kit, "fix", "", labelled), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "no repo"));
}
END_TEST

START_TEST(a_payload_that_names_no_issue_is_refused)
{
	static const char *const bad[] = { "", "x", "[]", "{}", "{\"issue\":\"a/b\"}",
		"{\"issue\":\"P-1\",\"revision\":\"../..\"}", "{\"issue\":7}" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(kit_run(&kit, "fix", "", bad[i]), DROVER_PERMANENT);
	ck_assert_int_eq(fake->outside.nrequests, 0);
}
END_TEST

START_TEST(a_forge_that_fails_announces_nothing)
{
	fake_agent(fake, PROCEED);
	fake_reply(fake, "github.open-pull", DROVER_AGAIN, "down");
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_AGAIN);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 0);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/remotelink"), 0);
	fake_reply(fake, "github.open-pull", 0, "{\"number\":\"1\"}");
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), DROVER_INTERNAL);
}
END_TEST

/* Where the ticket stands by what was asked of Jira so far. */
static void
catch_up(const char *id)
{
	const struct fake_request *r;
	const char *status = "To Do", *list = "";
	char made[512];
	int i, n = 0, subtasks = 0;

	for (i = 0; i < fake->outside.nrequests; i++) {
		r = &fake->outside.requests[i];
		if (strcmp(r->method, "POST") != 0 || r->status == 0)
			continue;
		if (strcmp(r->path, ISSUE "/transitions") == 0)
			status = strstr(r->body, "\"11\"") != NULL ? "In Progress" :
			    strstr(r->body, "\"12\"") != NULL      ? "To Do" :
								     "In Review";
		if (strcmp(r->path, ISSUE "/comment") == 0) {
			n++;
			list = kit_text("{\"id\":\"500\",\"author\":%s,\"properties\":[{\"key\":"
					"\"drover\",\"value\":{\"id\":\"%s\"}}],%s",
			    kit_user(ME), id, strstr(r->body, "\"body\":"));
		}
	}
	made[0] = '\0';
	for (i = 0; (r = fake_request(fake, "POST", "/rest/api/3/issue", i)) != NULL; i++) {
		if (strcmp(r->path, "/rest/api/3/issue") != 0 || r->status == 0)
			continue;
		snprintf(made + strlen(made), sizeof(made) - strlen(made),
		    "%s{\"key\":\"PROJ-%d\"}", subtasks > 0 ? "," : "", 7 + subtasks);
		fake_serve(fake, "GET",
		    kit_text("/rest/api/3/issue/PROJ-%d/properties/drover", 7 + subtasks), 200,
		    NULL,
		    kit_text("{\"key\":\"drover\",%.*s",
			(int)strcspn(strstr(r->body, "\"value\":"), "]"),
			strstr(r->body, "\"value\":")));
		subtasks++;
	}
	fields = kit_text("\"subtasks\":[%s]", made);
	r = NULL;
	for (i = 0; fake_request(fake, "PUT", ISSUE "/properties/drover", i) != NULL; i++)
		r = fake_request(fake, "PUT", ISSUE "/properties/drover", i);
	ticket(status, r != NULL ? kit_text("{\"drover\":%s}", r->body) : "");
	serve_comments(list, n);
}

/*
 * Dies at each step in turn, and is run again until it ends. 0 when step was
 * never reached.
 */
static int
die_at(unsigned step, const char *pipeline, const char *id, int expected)
{
	int status, i;
	pid_t pid;

	fake->step = 0;
	fake->kill_at = step;
	if ((pid = fork()) == 0)
		_exit(-kit_run(&kit, pipeline, "", payload));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status)) {
		ck_assert_int_eq(WEXITSTATUS(status), -expected);
		return 0;
	}
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	fake->kill_at = 0;
	catch_up(id);
	i = kit_run(&kit, pipeline, "", payload);
	ck_assert_msg(i == expected, "step %u: %d %s", step, i, kit.err.text);
	return 1;
}

START_TEST(a_death_at_any_step_posts_nothing_twice)
{
	unsigned step;
	int alive = 1, i;

	teardown();
	for (step = 1; alive; step++) {
		setup();
		for (i = 0; i < 4; i++)
			fake_agent(fake, PROCEED);
		for (i = 0; i < 4; i++)
			fake_reply(fake, "github.open-pull", 0, PULL);
		alive = die_at(step, "fix", "done/PROJ-1/100", 0);
		ck_assert_msg(fake_requests(fake, "POST", ISSUE "/comment") == 1,
		    "step %u: %d comments", step, fake_requests(fake, "POST", ISSUE "/comment"));
		ck_assert_msg(moves("\"11\"") == 1 && moves("\"31\"") == 1, "step %u: %d, %d", step,
		    moves("\"11\""), moves("\"31\""));
		ck_assert_int_le(fake->outside.nmemory, 1);
		for (i = 0; i < fake->outside.ncalled; i++)
			ck_assert_ptr_nonnull(strstr(fake->outside.called[i].request,
			    "\"key\":\"jira/PROJ-1/100/web\""));
		teardown();
	}
	ck_assert_uint_gt(step, 40);
	setup();
}
END_TEST

/*
 * Two repos that both change. A path is found by its begin, and what is queued
 * comes first: hence all that is posted below /issue is queued before it.
 */
static void
several(void)
{
	int i;

	setup();
	set_option("triage", "0");
	fake_repo(fake, "api", "https://github.example/acme/api.git", "github");
	fake_serve(fake, "GET", "/rest/api/3/project/PROJ", 200, NULL,
	    "{\"issueTypes\":[{\"id\":\"1\",\"subtask\":false},{\"id\":\"5\",\"subtask\":true}]}");
	for (i = 0; i < 8; i++) {
		fake_answer(fake, "POST", ISSUE "/transitions", 204, NULL, "");
		fake_answer(fake, "POST", ISSUE "/comment", 201, NULL, "{\"id\":\"500\"}");
		fake_answer(fake, "POST", ISSUE "/remotelink", 201, NULL, "{}");
		fake_answer(fake, "POST", "/rest/api/3/issue/PROJ-7/remotelink", 201, NULL, "{}");
		fake_answer(fake, "POST", "/rest/api/3/issue/PROJ-8/remotelink", 201, NULL, "{}");
		fake_reply(fake, "github.open-pull", 0, PULL);
	}
	fake_answer(fake, "POST", "/rest/api/3/issue", 201, NULL,
	    "{\"id\":\"7\",\"key\":\"PROJ-7\"}");
	fake_answer(fake, "POST", "/rest/api/3/issue", 201, NULL,
	    "{\"id\":\"8\",\"key\":\"PROJ-8\"}");
}

static int
subtasks_made(void)
{
	int n = 0, i;

	for (i = 0; i < fake->outside.nrequests; i++)
		n += strcmp(fake->outside.requests[i].method, "POST") == 0 &&
		    strcmp(fake->outside.requests[i].path, "/rest/api/3/issue") == 0;
	return n;
}

START_TEST(several_repos_have_a_subtask_each)
{
	const struct fake_request *r;

	teardown();
	several();
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_int_eq(subtasks_made(), 2);
	r = fake_request(fake, "POST", "/rest/api/3/issue", 1);
	ck_assert_str_eq(r->path, "/rest/api/3/issue");
	ck_assert_ptr_nonnull(strstr(r->body,
	    "\"fields\":{\"project\":{\"key\":\"PROJ\"},\"parent\":{\"key\":\"PROJ-1\"},"
	    "\"issuetype\":{\"id\":\"5\"},\"summary\":\"Mend the thing (web)\"}"));
	ck_assert_ptr_nonnull(strstr(r->body,
	    "\"properties\":[{\"key\":\"drover\",\"value\":{\"id\":\"PROJ-1/100/web\""));
	ck_assert_int_eq(fake->outside.ncalled, 2);
	ck_assert_ptr_nonnull(strstr(fake->outside.called[1].request,
	    "\"repo\":\"api\",\"branch\":\"drover/PROJ-1-mend-the-thing\",\"title\":\"PROJ-8: Mend "
	    "the thing\""));
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/remotelink"), 2);
	ck_assert_int_eq(fake_requests(fake, "POST", "/rest/api/3/issue/PROJ-8/remotelink"), 1);
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/comment"), 1);
}
END_TEST

START_TEST(a_project_without_subtasks_does_without)
{
	int i;

	teardown();
	several();
	for (i = 0; i < fake->outside.nanswers; i++)
		if (strcmp(fake->outside.answers[i].path, "/rest/api/3/project/PROJ") == 0)
			fake->outside.answers[i].body =
			    "{\"issueTypes\":[{\"id\":\"1\",\"subtask\":false}]}";
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_int_eq(subtasks_made(), 0);
	ck_assert_int_eq(fake->outside.ncalled, 2);
	teardown();
	several();
	for (i = 0; i < fake->outside.nanswers; i++)
		if (strcmp(fake->outside.answers[i].path, "/rest/api/3/issue") == 0) {
			fake->outside.answers[i].status = 400;
			fake->outside.answers[i].body =
			    "{\"errors\":{\"team\":\"Team is required.\"}}";
		}
	ck_assert_int_eq(kit_run(&kit, "fix", "", payload), 0);
	ck_assert_int_eq(fake->outside.ncalled, 2);
	ck_assert_ptr_nonnull(strstr(fake->log, "goes on without sub-tasks"));
	ck_assert_ptr_nonnull(strstr(fake->log, "Team is required"));
}
END_TEST

START_TEST(a_death_between_several_repos_makes_nothing_twice)
{
	unsigned step;
	int alive = 1;

	teardown();
	for (step = 1; alive; step++) {
		several();
		alive = die_at(step, "fix", "done/PROJ-1/100", 0);
		ck_assert_msg(subtasks_made() == 2, "step %u: %d sub-tasks", step, subtasks_made());
		ck_assert_msg(fake_requests(fake, "POST", ISSUE "/comment") == 1, "step %u", step);
		ck_assert_ptr_nonnull(
		    strstr(fake->outside.called[fake->outside.ncalled - 1].request,
			"\"title\":\"PROJ-8: "));
		teardown();
	}
	ck_assert_uint_gt(step, 50);
	setup();
}
END_TEST

START_TEST(a_death_does_no_harm_without_markers_either)
{
	unsigned step;
	int alive = 1, i;

	teardown();
	for (step = 1; alive; step++) {
		setup();
		set_option("marker", "0");
		for (i = 0; i < 4; i++)
			fake_agent(fake, PROCEED);
		for (i = 0; i < 4; i++)
			fake_reply(fake, "github.open-pull", 0, PULL);
		alive = die_at(step, "fix", "none", 0);
		ck_assert_msg(fake_result(fake, "ended") == NULL, "step %u: %s", step,
		    fake_result(fake, "ended"));
		ck_assert_msg(fake_requests(fake, "POST", ISSUE "/comment") == 1, "step %u", step);
		ck_assert_msg(moves("\"11\"") == 1 && moves("\"31\"") == 1, "step %u: %d, %d", step,
		    moves("\"11\""), moves("\"31\""));
		teardown();
	}
	ck_assert_uint_gt(step, 30);
	setup();
}
END_TEST

START_TEST(a_death_while_asking_asks_once)
{
	unsigned step;
	int alive = 1, i;

	teardown();
	for (step = 1; alive; step++) {
		setup();
		for (i = 0; i < 4; i++)
			fake_agent(fake, ASKS);
		alive = die_at(step, "fix", "needs-info/PROJ-1/100/0", DROVER_HUMAN);
		ck_assert_msg(fake_requests(fake, "POST", ISSUE "/comment") == 1, "step %u: %d",
		    step, fake_requests(fake, "POST", ISSUE "/comment"));
		ck_assert_msg(moves("\"11\"") == 1 && moves("\"12\"") <= 1, "step %u: %d, %d", step,
		    moves("\"11\""), moves("\"12\""));
		teardown();
	}
	ck_assert_uint_gt(step, 30);
	setup();
}
END_TEST

START_TEST(a_review_is_one_comment)
{
	fake_serve(fake, "PUT", ISSUE "/properties/drover.review", 200, NULL, "");
	fake_answer(fake, "POST", ISSUE "/comment", 500, NULL, "");
	fake_agent(fake, "noise\nREPLY_START\n**Ready**: yes @mia\nREPLY_END\n");
	ck_assert_int_eq(kit_run(&kit, "review", "", payload), DROVER_AGAIN);
	/* What the agent said is not asked for again. */
	ck_assert_int_eq(kit_run(&kit, "review", "", payload), 0);
	ck_assert_int_eq(fake->outside.agents, 1);
	ck_assert_uint_eq(fake->outside.agent_flags, DROVER_AGENT_READ_ONLY);
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "POST", ISSUE "/comment", 1)->body,
	    "{\"type\":\"text\",\"text\":\": yes @mia\"}"));
	ck_assert_int_eq(fake_requests(fake, "POST", ISSUE "/transitions"), 0);
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "PUT", ISSUE "/properties/drover.review", 0)->body,
		"\"revision\":\"100\""));
	fake->nresults = 0;
	ticket("To Do", "{\"drover.review\":{\"revision\":\"100\"}}");
	ck_assert_int_eq(kit_run(&kit, "review", "", payload), 0);
	ck_assert_int_eq(fake->outside.agents, 1);
	ck_assert_str_eq(fake_result(fake, "ended"), "gone, or judged already");
}
END_TEST

START_TEST(a_review_survives_a_death_at_any_step)
{
	unsigned step;
	int alive = 1;

	teardown();
	for (step = 1; alive; step++) {
		setup();
		fake_serve(fake, "PUT", ISSUE "/properties/drover.review", 200, NULL, "");
		fake_agent(fake, "Ready.");
		fake_agent(fake, "Ready, I think.");
		alive = die_at(step, "review", "review/PROJ-1/100", 0);
		ck_assert_msg(fake_requests(fake, "POST", ISSUE "/comment") == 1, "step %u", step);
		teardown();
	}
	setup();
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *c = suite_case(suite, "pipelines", setup, teardown);

	tcase_add_test(c, a_ticket_becomes_a_pull_request);
	tcase_add_test(c, questions_hold_the_job);
	tcase_add_test(c, an_old_job_does_not_take_back_what_a_later_one_has);
	tcase_add_test(c, a_verdict_is_not_paid_for_twice);
	tcase_add_test(c, an_answer_without_a_verdict_is_asked_for_again);
	tcase_add_test(c, triage_may_be_left_out);
	tcase_add_test(c, nothing_to_change_is_said);
	tcase_add_test(c, what_is_no_longer_ours_is_left_alone);
	tcase_add_test(c, a_second_revision_gets_a_branch_of_its_own);
	tcase_add_test(c, which_repos_a_ticket_is_about);
	tcase_add_test(c, a_payload_that_names_no_issue_is_refused);
	tcase_add_test(c, a_forge_that_fails_announces_nothing);
	tcase_add_test(c, a_death_at_any_step_posts_nothing_twice);
	tcase_add_test(c, a_death_does_no_harm_without_markers_either);
	tcase_add_test(c, several_repos_have_a_subtask_each);
	tcase_add_test(c, a_project_without_subtasks_does_without);
	tcase_add_test(c, a_death_between_several_repos_makes_nothing_twice);
	tcase_add_test(c, a_death_while_asking_asks_once);
	tcase_add_test(c, a_review_is_one_comment);
	tcase_add_test(c, a_review_survives_a_death_at_any_step);
}

SUITE(cases)
