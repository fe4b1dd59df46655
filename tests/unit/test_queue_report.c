/* SPDX-License-Identifier: Apache-2.0 */
/* What people and the API read: the names in these objects are public. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

#include "queue_kit.h"
#include "suite.h"

static int
ids(const struct queue_filter *f, int64_t *first)
{
	cJSON *list = queue_list(kit.q, f, &kit.err);
	int n;

	ck_assert_ptr_nonnull(list);
	n = cJSON_GetArraySize(list);
	*first = n > 0 ? json_int(cJSON_GetArrayItem(list, 0), "id", 0) : 0;
	cJSON_Delete(list);
	return n;
}

START_TEST(lists_are_filtered_and_newest_first)
{
	char key[16];
	int64_t first;

	for (int i = 0; i < 120; i++) {
		snprintf(key, sizeof key, "%d", i);
		kit_submit_ask(&(struct job_ask){ .kind = i % 2 == 0 ? "a.b" : "a.heavy",
		    .key = key,
		    .repo = i % 3 == 0 ? "web" : NULL,
		    .source = i % 4 == 0 ? "a.src" : NULL,
		    .held_why = i < 10 ? "hm" : NULL });
	}
	kit_claim();
	kit_finish(kit_claim(), DROVER_PERMANENT);
	kit_finish(kit_claim(), DROVER_OK);
	ck_assert_int_eq(ids(NULL, &first), 50);
	ck_assert_int_eq(first, 120);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = -1, .limit = 1000 }, &first), 120);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = -1, .limit = 7, .before = 100 },
			     &first),
	    7);
	ck_assert_int_eq(first, 99);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = JOB_HELD, .limit = 100 }, &first),
	    10);
	ck_assert_int_eq(first, 10);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = JOB_RUNNING, .limit = 100 }, &first),
	    1);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = JOB_RUNNING,
				 .limit = 100,
				 .before = 1 },
			     &first),
	    0);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = JOB_DEAD, .limit = 100 }, &first), 1);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = JOB_SUCCEEDED, .limit = 100 },
			     &first),
	    1);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = JOB_QUEUED, .limit = 1000 }, &first),
	    107);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = -1, .kind = "a.b", .limit = 1000 },
			     &first),
	    60);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = -1, .pool = "heavy", .limit = 1000 },
			     &first),
	    60);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = -1, .repo = "web", .limit = 1000 },
			     &first),
	    40);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = -1,
				 .source = "a.src",
				 .limit = 1000 },
			     &first),
	    30);
	ck_assert_int_eq(ids(&(struct queue_filter){ .state = -1,
				 .source = "a.src",
				 .repo = "web",
				 .limit = 1000 },
			     &first),
	    10);
}
END_TEST

START_TEST(a_job_is_found_by_any_of_its_names)
{
	uint64_t id, a = kit_submit("a.b", "inbox/42.md"), b = kit_submit("a.b", "12345678");
	char trace[33];

	memcpy(trace, entry_find(kit.q, b)->job.trace, sizeof trace);
	ck_assert_uint_eq(strlen(trace), 32);
	ck_assert_int_eq(queue_find(kit.q, "1", &id, &kit.err), 0);
	ck_assert_uint_eq(id, a);
	ck_assert_int_eq(queue_find(kit.q, "a.b/inbox/42.md", &id, &kit.err), 0);
	ck_assert_uint_eq(id, a);
	ck_assert_int_eq(queue_find(kit.q, trace, &id, &kit.err), 0);
	ck_assert_uint_eq(id, b);
	trace[8] = '\0';
	ck_assert_int_eq(queue_find(kit.q, trace, &id, &kit.err), 0);
	ck_assert_uint_eq(id, b);
	trace[7] = '\0';
	ck_assert_int_eq(queue_find(kit.q, trace, &id, &kit.err), -1);
	ck_assert_int_eq(queue_find(kit.q, "99", &id, &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
	ck_assert_int_eq(queue_find(kit.q, "a.b/none", &id, &kit.err), -1);
	ck_assert_int_eq(queue_find(kit.q, "", &id, &kit.err), -1);
	kit_drain();
	ck_assert_int_eq(queue_find(kit.q, "a.b/inbox/42.md", &id, &kit.err), 0);
	ck_assert_uint_eq(id, a);
	ck_assert_int_ge(store_run(kit.store,
			     "update job set trace = '0123456789abcdef0123456789abcde' || id", NULL,
			     0, NULL, NULL, &kit.err),
	    2);
	ck_assert_int_eq(queue_find(kit.q, "0123456789abcdef", &id, &kit.err), -1);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "more than one"));
}
END_TEST

START_TEST(a_state_is_told_of_jobs_that_run_and_of_those_that_ended)
{
	uint64_t id = kit_submit("a.b", "1"), epoch;
	struct job_standing now = { 0 };
	struct job *job;

	ck_assert_int_eq(queue_state(kit.q, id, &now, &kit.err), 0);
	ck_assert_int_eq(now.state, JOB_QUEUED);
	ck_assert_uint_eq(now.attempt, 0);
	ck_assert_ptr_nonnull(job = kit_claim());
	epoch = job->epoch;
	ck_assert_int_eq(queue_state(kit.q, id, &now, &kit.err), 0);
	ck_assert_int_eq(now.state, JOB_RUNNING);
	ck_assert_uint_eq(now.attempt, 1);
	ck_assert_uint_eq(now.epoch, epoch);
	kit_finish(job, DROVER_OK);
	ck_assert_int_eq(queue_state(kit.q, id, &now, &kit.err), 0);
	ck_assert_int_eq(now.state, JOB_SUCCEEDED);
	ck_assert_uint_eq(now.attempt, 1);
	ck_assert_uint_eq(now.epoch, epoch);
	ck_assert_int_eq(queue_state(kit.q, 99, &now, &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
}
END_TEST

START_TEST(show_tells_the_whole_life)
{
	const struct drover_usage usage = { .input = 10,
		.cached = 20,
		.output = 3,
		.turns = 1,
		.cost_microusd = 5 };
	const struct drover_usage silly = { .input = INT64_MAX, .cached = -5 };
	uint64_t id = kit_submit_ask(&(struct job_ask){ .kind = "a.b",
	    .key = "1",
	    .title = "Fix",
	    .repo = "web",
	    .payload = "hi",
	    .payload_len = 2 });
	struct job *j = kit_claim_id(id);
	const cJSON *item;
	cJSON *show;

	ck_assert_int_eq(queue_usage(kit.q, id, j->epoch, "codex", &usage, &kit.err), 0);
	ck_assert_int_eq(queue_usage(kit.q, id, j->epoch, "codex", &usage, &kit.err), 0);
	ck_assert_int_eq(queue_result(kit.q, id, j->epoch, "branch", "drover/1", &kit.err), 0);
	ck_assert_int_eq(queue_result(kit.q, id, j->epoch, "branch", "drover/2", &kit.err), 0);
	ck_assert_int_eq(queue_result(kit.q, id, j->epoch, "", "x", &kit.err), -1);
	ck_assert_int_eq(queue_result(kit.q, id, j->epoch, "k", "\xff", &kit.err), -1);
	kit_finish(j, DROVER_AGAIN);
	kit_pass(3000);
	queue_tick(kit.q, &kit.err);
	j = kit_claim_id(id);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(queue_usage(kit.q, id, j->epoch, "codex", &silly, &kit.err), 0);
	kit_finish(j, DROVER_OK);
	show = queue_show(kit.q, "1", &kit.err);
	ck_assert_ptr_nonnull(show);
	ck_assert_str_eq(json_str(show, "state", ""), "succeeded");
	ck_assert_str_eq(json_str(show, "title", ""), "Fix");
	ck_assert_str_eq(json_str(show, "pool", ""), "light");
	ck_assert_str_eq(json_str(show, "payload", ""), "hi");
	ck_assert_str_eq(json_str(json_get(show, "result"), "branch", ""), "drover/2");
	ck_assert_int_eq(json_int(json_get(show, "usage"), "cached", 0), 40);
	ck_assert_int_gt(json_int(json_get(show, "usage"), "input", 0), 0);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(show, "attempts")), 2);
	item = cJSON_GetArrayItem(json_get(show, "attempts"), 0);
	ck_assert_str_eq(json_str(item, "class", ""), "again");
	ck_assert_str_eq(json_str(item, "agent", ""), "codex");
	ck_assert_int_eq(json_int(json_get(item, "usage"), "input", 0), 20);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(show, "events")), 6);
	item = cJSON_GetArrayItem(json_get(show, "events"), 2);
	ck_assert_str_eq(json_str(item, "event", ""), "fail");
	ck_assert_str_eq(json_str(item, "from", ""), "running");
	ck_assert_str_eq(json_str(item, "to", ""), "delayed");
	ck_assert_str_eq(json_str(item, "detail", ""), "because");
	ck_assert_str_eq(json_str(item, "who", ""), "w1");
	cJSON_Delete(show);
	ck_assert_ptr_null(queue_show(kit.q, "2", &kit.err));
}
END_TEST

START_TEST(why_tells_what_a_dead_job_died_of)
{
	uint64_t id = kit_submit("a.b", "1");
	struct job *job = kit_claim_id(id);
	const struct job_outcome outcome = { .error.code = DROVER_PERMANENT,
		.error.text = "the branch is protected" };
	cJSON *why;

	ck_assert_int_eq(queue_finish(kit.q, id, job->epoch, &outcome, &kit.err), 0);
	why = queue_why(kit.q, id, &kit.view, &kit.err);
	ck_assert_str_eq(json_str(why, "reason", ""),
	    "it is dead: the branch is protected; retry or discard it");
	cJSON_Delete(why);
	kit_commit();
	kit_restart();
	why = queue_why(kit.q, id, &kit.view, &kit.err);
	ck_assert_str_eq(json_str(why, "reason", ""),
	    "it is dead: the branch is protected; retry or discard it");
	cJSON_Delete(why);
}
END_TEST

START_TEST(results_are_bounded)
{
	uint64_t id = kit_submit("a.b", "1");
	struct job *j = kit_claim_id(id);
	char *big = xmalloc(40001), key[16];
	int n = 0;

	memset(big, 'x', 40000);
	big[40000] = '\0';
	ck_assert_int_eq(queue_result(kit.q, id, j->epoch, "a", big, &kit.err), 0);
	ck_assert_int_eq(queue_result(kit.q, id, j->epoch, "b", big, &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
	/* Every result writes all of them again, so a few long ones will do. */
	big[4000] = '\0';
	do
		snprintf(key, sizeof key, "k%d", n++);
	while (n < 100 && queue_result(kit.q, id, j->epoch, key, big, &kit.err) == 0);
	ck_assert_int_eq(n, 1 + (DROVER_VALUE_MAX - 40000) / 4010);
	ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
	free(big);
}
END_TEST

START_TEST(status_counts)
{
	cJSON *status;
	const cJSON *item, *pool;

	kit_submit("a.b", "1");
	kit_submit("a.b", "2");
	kit_submit("z.unknown", "1");
	kit_claim();
	status = queue_status(kit.q);
	ck_assert_int_eq(json_int(json_get(status, "states"), "queued", -1), 2);
	ck_assert_int_eq(json_int(json_get(status, "states"), "running", -1), 1);
	ck_assert_int_eq(json_int(json_get(status, "states"), "dead", -1), 0);
	ck_assert_int_eq(json_int(json_get(status, "total"), "used", -1), 1);
	ck_assert_int_eq(json_int(json_get(status, "total"), "slots", -1), 3);
	cJSON_ArrayForEach(pool, json_get(status, "pools")) {
		if (strcmp(json_str(pool, "name", ""), "light") != 0)
			continue;
		ck_assert_int_eq(json_int(pool, "used", -1), 1);
		ck_assert_int_eq(json_int(pool, "waiting", -1), 2);
		ck_assert_int_eq(json_int(pool, "slots", -1), 2);
	}
	ck_assert_int_eq(cJSON_GetArraySize(json_get(status, "kinds")), 4);
	cJSON_ArrayForEach(item, json_get(status, "kinds"))
		ck_assert_int_eq(json_bool(item, "known", true),
		    strcmp(json_str(item, "name", ""), "z.unknown") != 0);
	cJSON_Delete(status);
}
END_TEST

START_TEST(events_go_on_where_the_reader_was)
{
	cJSON *events;
	uint64_t last = 0;
	int n = 0;

	for (int i = 0; i < 5; i++) {
		char key[4] = { (char)('a' + i), '\0' };

		kit_submit("a.b", key);
	}
	kit_drain();
	do {
		events = queue_events(kit.q, last, 4, &kit.err);
		n = cJSON_GetArraySize(events);
		for (int i = 0; i < n; i++) {
			uint64_t id = (uint64_t)json_int(cJSON_GetArrayItem(events, i), "id", 0);

			ck_assert_uint_eq(id, last + 1);
			last = id;
		}
		cJSON_Delete(events);
	} while (n > 0);
	ck_assert_uint_eq(last, 15);
}
END_TEST

static void
cases(Suite *suite)
{
	const TTest *const tests[] = {
		lists_are_filtered_and_newest_first,
		a_job_is_found_by_any_of_its_names,
		a_state_is_told_of_jobs_that_run_and_of_those_that_ended,
		show_tells_the_whole_life,
		why_tells_what_a_dead_job_died_of,
		results_are_bounded,
		status_counts,
		events_go_on_where_the_reader_was,
	};
	TCase *tcase = suite_case(suite, "report", kit_setup, kit_teardown);

	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tcase, tests[i]);
}

SUITE(cases)
