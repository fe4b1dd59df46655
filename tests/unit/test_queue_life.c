/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of an attempt by its class, what operators may do, and what is
 * left after a restart.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

#include "queue_kit.h"
#include "suite.h"

static const struct entry *
entry(uint64_t id)
{
	const struct entry *e = entry_find(kit.q, id);

	ck_assert_ptr_nonnull(e);
	return e;
}

/* ms until the job is due. */
static int64_t
delay(uint64_t id)
{
	return entry(id)->job.ready_at - clock_wall();
}

static void
wait_until_due(uint64_t id)
{
	kit_pass(delay(id));
	queue_tick(kit.q, &kit.err);
	ck_assert_int_eq(kit_state(id), JOB_QUEUED);
}

static const struct outcome {
	int code;
	enum job_state state;
	int failures, agains, quota_pauses;
} outcomes[] = {
	{ DROVER_OK, JOB_SUCCEEDED, 0, 0, 0 }, { DROVER_AGAIN, JOB_DELAYED, 0, 1, 0 },
	{ DROVER_QUOTA, JOB_DELAYED, 0, 0, 1 }, { DROVER_AUTH, JOB_DEAD, 0, 0, 0 },
	{ DROVER_CONFIG, JOB_DEAD, 0, 0, 0 }, { DROVER_PERMANENT, JOB_DEAD, 0, 0, 0 },
	{ DROVER_HUMAN, JOB_HELD, 0, 0, 0 }, { DROVER_CANCELLED, JOB_CANCELLED, 0, 0, 0 },
	{ DROVER_FENCED, JOB_DELAYED, 1, 0, 0 }, { DROVER_INTERNAL, JOB_DELAYED, 1, 0, 0 },
	{ -77, JOB_DELAYED, 1, 0, 0 },
};

START_TEST(each_class_has_its_end)
{
	const struct outcome *o = &outcomes[_i];
	uint64_t id = kit_submit("a.b", "1");

	kit_finish(kit_claim_id(id), o->code);
	ck_assert_int_eq(kit_state(id), o->state);
	ck_assert_int_eq(kit_number("select failures from job"), o->failures);
	ck_assert_int_eq(kit_number("select agains from job"), o->agains);
	ck_assert_int_eq(kit_number("select quota_pauses from job"), o->quota_pauses);
	ck_assert_int_eq(kit_number("select attempt from job"), 1);
	ck_assert_int_eq(kit_number("select error is not null from job"), o->code != DROVER_OK);
	ck_assert_int_eq(kit_number("select count(*) from job where worker is not null or token is "
				    "not null"),
	    0);
	ck_assert_int_eq(kit_number("select ended_at is not null from job"),
	    state_is_final(o->state));
	ck_assert_int_eq(kit_number("select count(*) from attempt where number = 1 and wall_ms = 5 "
				    "and worker = "
				    "'w1'"),
	    1);
	if (o->state == JOB_HELD)
		ck_assert_str_eq(entry(id)->job.held_why, "because");
}
END_TEST

/*
 * Only what waits, only the same thing: "t/1" is neither "t/10" nor another
 * kind's.
 */
START_TEST(a_newer_revision_takes_the_place_of_older_ones)
{
	struct job_ask newer = { .kind = "a.b", .key = "t/1@3", .source = "a.s", .replaces = true };
	uint64_t held, queued, other, kind, running, id;

	running = kit_submit("a.b", "t/1@0");
	kit_claim_id(running);
	held = kit_submit("a.b", "t/1@1");
	ck_assert_int_eq(queue_hold(kit.q, held, "asks back", "a.b", &kit.err), 0);
	queued = kit_submit("a.b", "t/1@2");
	other = kit_submit("a.b", "t/10@2");
	kind = kit_submit("a.c", "t/1@2");
	ck_assert_int_eq(queue_submit(kit.q, &newer, &id, &kit.err), 1);
	kit_commit();
	ck_assert_int_eq(kit_state(held), JOB_CANCELLED);
	ck_assert_int_eq(kit_state(queued), JOB_CANCELLED);
	ck_assert_int_eq(kit_state(other), JOB_QUEUED);
	ck_assert_int_eq(kit_state(kind), JOB_QUEUED);
	ck_assert_int_eq(kit_state(running), JOB_RUNNING);
	ck_assert_int_eq(kit_state(id), JOB_QUEUED);
	ck_assert_int_eq(kit_number("select count(*) from event where event = 'cancel' and detail "
				    "= 'replaced by job 6, a newer revision'"),
	    2);
	ck_assert_int_eq(queue_submit(kit.q, &newer, &id, &kit.err), 0);
	kit_restart();
	ck_assert_int_eq(kit_state(queued), JOB_CANCELLED);
}
END_TEST

START_TEST(failures_use_up_the_attempts)
{
	uint64_t id = kit_submit("a.b", "1");
	struct job *j;

	for (int n = 1; n <= 2; n++) {
		j = kit_claim_id(id);
		ck_assert_uint_eq(j->attempt, n);
		kit_finish(j, DROVER_INTERNAL);
		ck_assert(delay(id) >= 27000 * n && delay(id) <= 33000 * n);
		wait_until_due(id);
	}
	kit_finish(kit_claim_id(id), DROVER_INTERNAL);
	ck_assert_int_eq(kit_state(id), JOB_DEAD);
	ck_assert_int_eq(kit_number("select count(*) from event where event = 'exhaust'"), 1);
	ck_assert_int_eq(queue_retry(kit.q, id, "me", &kit.err), 0);
	j = kit_claim_id(id);
	ck_assert_uint_eq(j->attempt, 4);
	ck_assert_int_eq(j->failures, 0);
}
END_TEST

START_TEST(quota_uses_no_attempt)
{
	uint64_t id = kit_submit("a.b", "1");

	for (int n = 1; n <= 10; n++) {
		struct job *j = kit_claim_id(id);

		ck_assert_uint_eq(j->attempt, n);
		ck_assert_int_eq(j->failures, 0);
		kit_finish_after(j, DROVER_QUOTA, 7200000);
		ck_assert(delay(id) >= 7200000 && delay(id) <= 7230000);
		wait_until_due(id);
	}
	kit_finish(kit_claim_id(id), DROVER_QUOTA);
	ck_assert(delay(id) >= 3240000 && delay(id) <= 3960000);
}
END_TEST

START_TEST(transport_trouble_alone_kills_after_a_day)
{
	uint64_t id = kit_submit("a.b", "1");
	int n;

	for (n = 0; n < 5000; n++) {
		kit_finish(kit_claim_id(id), DROVER_AGAIN);
		if (kit_state(id) == JOB_DEAD)
			break;
		wait_until_due(id);
	}
	ck_assert_int_gt(n, 200);
	ck_assert(clock_wall() - KIT_NOW >= QUEUE_AGAIN_MS &&
	    clock_wall() - KIT_NOW < QUEUE_AGAIN_MS + 600000);
	ck_assert_int_eq(kit_number("select failures from job"), 0);

	/* A machine that slept for two days has not tried for two days. */
	id = kit_submit("a.b", "2");
	kit_finish(kit_claim_id(id), DROVER_AGAIN);
	kit_pass(2 * QUEUE_AGAIN_MS);
	queue_tick(kit.q, &kit.err);
	kit_finish(kit_claim_id(id), DROVER_AGAIN);
	wait_until_due(id);
	kit_finish(kit_claim_id(id), DROVER_INTERNAL);
	ck_assert_int_eq(entry(id)->job.again_since, 0);
}
END_TEST

START_TEST(stale_attempts_are_fenced)
{
	const struct job_outcome outcome = { .error.code = DROVER_OK };
	const struct drover_usage usage = { .input = 1 };
	uint64_t id = kit_submit("a.b", "1"), old;
	struct job *j = kit_claim_id(id);
	char token[33];

	old = j->epoch;
	memcpy(token, j->token, sizeof token);
	ck_assert_uint_eq(strlen(token), 32);
	ck_assert_ptr_eq(queue_running(kit.q, id, old), j);
	ck_assert_int_eq(queue_interrupt(kit.q, id, false, "worker lost", &kit.err), 0);
	ck_assert_ptr_null(queue_running(kit.q, id, old));
	j = kit_claim_id(id);
	ck_assert_uint_gt(j->epoch, old);
	ck_assert_str_ne(j->token, token);
	ck_assert_ptr_null(queue_running(kit.q, id, old));
	ck_assert_int_eq(queue_finish(kit.q, id, old, &outcome, &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_FENCED);
	ck_assert_int_eq(queue_result(kit.q, id, old, "a", "b", &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_FENCED);
	ck_assert_int_eq(queue_usage(kit.q, id, old, "codex", &usage, &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_FENCED);
	ck_assert_int_eq(kit_state(id), JOB_RUNNING);
	kit_finish(j, DROVER_OK);
	ck_assert_int_eq(queue_finish(kit.q, id, old + 1, &outcome, &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_FENCED);
}
END_TEST

START_TEST(three_crashes_are_quarantine)
{
	uint64_t id = kit_submit("a.b", "1");

	for (int n = 0; n < 5; n++) {
		kit_claim_id(id);
		ck_assert_int_eq(queue_interrupt(kit.q, id, false, "stopped", &kit.err), 0);
	}
	for (int n = 1; n <= 3; n++) {
		kit_claim_id(id);
		kit_commit();
		kit_restart();
		ck_assert_int_eq(kit_state(id), JOB_RUNNING);
		ck_assert_int_eq(queue_interrupt(kit.q, id, true, "the core crashed", &kit.err), 0);
		ck_assert_int_eq(kit_state(id), n < 3 ? JOB_QUEUED : JOB_HELD);
	}
	ck_assert_ptr_nonnull(strstr(entry(id)->job.held_why, "quarantine"));
	ck_assert_int_eq(entry(id)->job.failures, 0);
	ck_assert_int_eq(entry(id)->job.interruptions, 8);
	ck_assert_int_eq(queue_interrupt(kit.q, id, true, "", &kit.err), -1);
	ck_assert_int_eq(queue_release(kit.q, id, "me", &kit.err), 0);
	ck_assert_int_eq(kit_number("select held_why is null from job"), 1);
	ck_assert_str_eq(entry(id)->job.held_why, "");
	kit_claim_id(id);
	ck_assert_int_eq(queue_interrupt(kit.q, id, true, "the core crashed", &kit.err), 0);
	ck_assert_int_eq(kit_state(id), JOB_QUEUED);
}
END_TEST

START_TEST(an_interrupted_job_keeps_its_place)
{
	uint64_t a = kit_submit("a.b", "1");

	kit_claim_id(a);
	kit_pass(1000);
	kit_submit("a.b", "2");
	ck_assert_int_eq(queue_interrupt(kit.q, a, false, "stopped", &kit.err), 0);
	kit_claim_id(a);
}
END_TEST

START_TEST(operators_are_told_what_cannot_be)
{
	uint64_t id = kit_submit("a.b", "1"), other;
	struct job *j;

	ck_assert_int_eq(queue_release(kit.q, id, "me", &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
	ck_assert_str_eq(kit.err.text, "job 1 is queued: release is not possible");
	ck_assert_int_eq(queue_retry(kit.q, id, "me", &kit.err), -1);
	ck_assert_int_eq(queue_discard(kit.q, id, "me", &kit.err), -1);
	j = kit_claim_id(id);
	ck_assert_int_eq(queue_hold(kit.q, id, "", "me", &kit.err), -1);
	ck_assert_int_eq(queue_cancel(kit.q, id, "me", &kit.err), -1);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "running on w1"));
	kit_finish(j, DROVER_PERMANENT);
	ck_assert_int_eq(queue_cancel(kit.q, id, "me", &kit.err), -1);
	other = kit_submit("a.b", "1");
	ck_assert_int_eq(queue_retry(kit.q, id, "me", &kit.err), -1);
	ck_assert_ptr_nonnull(
	    strstr(kit.err.text, "job 2 has the same kind and key and is queued"));
	ck_assert_int_eq(queue_cancel(kit.q, other, "me", &kit.err), 0);
	ck_assert_int_eq(queue_discard(kit.q, id, "me", &kit.err), 0);
	ck_assert_int_eq(kit_state(id), JOB_CANCELLED);
	ck_assert_int_eq(queue_hold(kit.q, 999, "", "me", &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
	ck_assert_int_eq(queue_count(kit.q, JOB_CANCELLED), 2);
	ck_assert_int_eq(queue_count(kit.q, JOB_DEAD), 0);
	ck_assert_int_eq(kit_number("select count(*) from event where who = 'me'"), 2);
}
END_TEST

/*
 * A failed commit takes everything since the last one; the queue that is loaded
 * then is the one of before.
 */
START_TEST(rollback_and_load_give_the_same_queue)
{
	uint64_t a = kit_submit("a.b", "1");
	uint64_t b = kit_submit_ask(
	    &(struct job_ask){ .kind = "a.b", .key = "2", .serial = "s", .after = a });
	uint64_t c = kit_submit("a.c", "3");
	struct job *j = kit_claim_id(a);
	cJSON *before, *after;

	kit_finish(kit_claim_id(c), DROVER_AGAIN);
	ck_assert_int_eq(queue_pause(kit.q, "repo/web", 0, "why", &kit.err), 0);
	kit_commit();
	before = queue_list(kit.q, NULL, &kit.err);

	kit_finish(j, DROVER_OK);
	kit_claim_id(b);
	ck_assert_int_eq(queue_cancel(kit.q, c, "me", &kit.err), 0);
	kit_submit("a.b", "4");
	ck_assert_int_eq(queue_resume(kit.q, "repo/web", &kit.err), 0);
	store_rollback(kit.store);
	ck_assert_int_eq(queue_load(kit.q, &kit.err), 0);

	after = queue_list(kit.q, NULL, &kit.err);
	ck_assert(cJSON_Compare(before, after, true));
	cJSON_Delete(before);
	cJSON_Delete(after);
	ck_assert_int_eq(queue_count(kit.q, JOB_RUNNING), 1);
	ck_assert_int_eq(queue_count(kit.q, JOB_QUEUED), 1);
	ck_assert_int_eq(queue_count(kit.q, JOB_DELAYED), 1);
	ck_assert_int_eq(queue_count(kit.q, JOB_SUCCEEDED), 0);
	ck_assert(bucket_find(kit.q, "repo", "web")->paused);
	ck_assert_str_eq(kit_gate(b, NULL), "dependency");
	ck_assert_ptr_nonnull(queue_running(kit.q, a, 1));
	kit_finish(queue_running(kit.q, a, 1), DROVER_OK);
	kit_claim_id(b);
}
END_TEST

/* The store refuses: nothing changes in memory either. */
START_TEST(a_refused_write_changes_nothing)
{
	uint64_t id = kit_submit("a.b", "1"), other;

	kit_commit();
	ck_assert_int_lt(store_run(kit.store, "insert into job (id) values (1)", NULL, 0, NULL,
			     NULL, &kit.err),
	    0);
	ck_assert_int_eq(queue_submit(kit.q, &(struct job_ask){ .kind = "a.b", .key = "2" }, &other,
			     &kit.err),
	    -1);
	ck_assert_ptr_null(
	    queue_claim(kit.q, NULL, NULL, &(struct queue_view){ .draining = true }, &kit.err));
	ck_assert_int_eq(queue_hold(kit.q, id, "", "me", &kit.err), -1);
	ck_assert_int_eq(store_commit(kit.store, &kit.err), -1);
	ck_assert_int_eq(kit_state(id), JOB_QUEUED);
	ck_assert_int_eq(kit_drain(), 1);
}
END_TEST

static void
note_settled(void *arg, const struct drover_settled *settled)
{
	struct buf *out = arg;

	buf_addf(out, "%llu %u %s/%s %zu %s %s ", (unsigned long long)settled->job,
	    settled->attempts, settled->kind, settled->key, strlen(settled->trace), settled->state,
	    settled->error);
	buf_add(out, settled->payload, (size_t)settled->payload_len);
	buf_addf(out, " %s %d", settled->result,
	    settled->queued_at > 0 && settled->queued_at <= settled->started_at &&
		settled->started_at < settled->ended_at);
}

/* The job that a.src is to settle next is so; "" when there is none. */
static void
to_settle(const char *want)
{
	struct buf is = BUF_INIT;

	ck_assert_int_eq(queue_unsettled(kit.q, "a.src", note_settled, &is, &kit.err),
	    want[0] != '\0');
	ck_assert_str_eq(buf_str(&is), want);
	buf_free(&is);
}

START_TEST(sources_settle_what_ended)
{
	struct job_ask ask = { .kind = "a.b",
		.key = "1",
		.source = "a.src",
		.payload = "{\"x\":1}",
		.payload_len = 7 };
	uint64_t a = kit_submit_ask(&ask), b;
	struct job *j;

	ask.key = "2";
	ask.payload_len = 0;
	b = kit_submit_ask(&ask);
	kit_submit("a.b", "by hand");
	j = kit_claim_id(a);
	ck_assert_int_eq(queue_result(kit.q, a, j->epoch, "branch", "drover/x", &kit.err), 0);
	to_settle("");
	kit_pass(5);
	kit_finish(j, DROVER_PERMANENT);
	kit_pass(5);
	j = kit_claim_id(b);
	kit_pass(5);
	kit_finish(j, DROVER_OK);
	kit_drain();
	kit_commit();
	kit_restart();
	to_settle("1 1 a.b/1 32 dead because {\"x\":1} {\"branch\":\"drover/x\"} 1");
	ck_assert_int_eq(queue_settled(kit.q, a, &kit.err), 0);
	to_settle("2 1 a.b/2 32 succeeded   {} 1");
	/* Tried again it ends again, and its source hears of it again. */
	ck_assert_int_eq(queue_retry(kit.q, a, "me", &kit.err), 0);
	j = kit_claim_id(a);
	kit_pass(5);
	kit_finish(j, DROVER_OK);
	ck_assert_int_eq(queue_settled(kit.q, b, &kit.err), 0);
	to_settle("1 2 a.b/1 32 succeeded because {\"x\":1} {\"branch\":\"drover/x\"} 1");
	ck_assert_int_eq(queue_settled(kit.q, a, &kit.err), 0);
	to_settle("");
}
END_TEST

START_TEST(old_jobs_go_and_dead_ones_stay)
{
	uint64_t dead = kit_submit("a.b", "dead"), held, id = 0;
	char key[16];

	kit_finish(kit_claim_id(dead), DROVER_PERMANENT);
	for (int i = 0; i < 30; i++) {
		snprintf(key, sizeof key, "%d", i);
		id = kit_submit("a.b", key);
	}
	kit_drain();
	ck_assert_int_eq(store_kv_set(kit.store, "job/2", "k", "v", &kit.err), 0);
	held = kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = "held", .held_why = "" });
	kit_pass(1000);
	kit_submit("a.b", "young");
	kit_drain();
	ck_assert_int_eq(queue_prune(kit.q, 1001, 100, &kit.err), 0);
	ck_assert_int_eq(queue_prune(kit.q, 1000, 20, &kit.err), 20);
	ck_assert_int_eq(queue_prune(kit.q, 1000, 20, &kit.err), 10);
	ck_assert_int_eq(queue_prune(kit.q, 1000, 20, &kit.err), 0);
	ck_assert_int_eq(kit_number("select count(*) from job"), 3);
	ck_assert_int_eq(kit_number("select count(*) from event where job = 2"), 0);
	ck_assert_int_eq(kit_number("select count(*) from kv"), 0);
	ck_assert_int_eq(kit_state(dead), JOB_DEAD);
	ck_assert_int_eq(kit_state(held), JOB_HELD);
	ck_assert_int_eq(queue_count(kit.q, JOB_SUCCEEDED), 1);

	/* One that somebody waits for stays, whatever became of it. */
	id = kit_submit("a.b", "first");
	kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = "second", .after = id });
	ck_assert_int_eq(queue_cancel(kit.q, id, "me", &kit.err), 0);
	kit_pass(1000);
	ck_assert_int_eq(queue_prune(kit.q, 1000, 20, &kit.err), 1);
	ck_assert_int_eq(kit_state(id), JOB_CANCELLED);
	kit_submit("a.b", "young");
	ck_assert_int_eq(kit_drain(), 1);
	kit_commit();
	kit_restart();
	ck_assert_int_eq(queue_count(kit.q, JOB_SUCCEEDED), 1);
	ck_assert_int_eq(queue_count(kit.q, JOB_DEAD), 1);
	ck_assert_uint_gt(kit_submit("a.b", "new"), id);
	ck_assert_msg(store_check(kit.store, &kit.err) == 0, "%s", kit.err.text);
}
END_TEST

START_TEST(many_delays_end_in_several_ticks)
{
	char key[16];

	kit.config.running = 0;
	kit.pools[0].slots = 10000;
	queue_configure(kit.q, &kit.config);
	for (int i = 0; i < QUEUE_DUE_MAX + 10; i++) {
		snprintf(key, sizeof key, "%d", i);
		kit_submit("a.b", key);
		kit_finish(kit_claim(), DROVER_AGAIN);
	}
	kit_pass(10000);
	ck_assert_int_eq(queue_tick(kit.q, &kit.err), 0);
	ck_assert_int_eq(queue_count(kit.q, JOB_DELAYED), 10);
	ck_assert_int_eq(queue_tick(kit.q, &kit.err), -1);
	ck_assert_int_eq(queue_count(kit.q, JOB_QUEUED), QUEUE_DUE_MAX + 10);
}
END_TEST

static void
cases(Suite *suite)
{
	const TTest *const tests[] = {
		a_newer_revision_takes_the_place_of_older_ones,
		failures_use_up_the_attempts,
		quota_uses_no_attempt,
		transport_trouble_alone_kills_after_a_day,
		stale_attempts_are_fenced,
		three_crashes_are_quarantine,
		an_interrupted_job_keeps_its_place,
		operators_are_told_what_cannot_be,
		rollback_and_load_give_the_same_queue,
		a_refused_write_changes_nothing,
		sources_settle_what_ended,
		old_jobs_go_and_dead_ones_stay,
		many_delays_end_in_several_ticks,
	};
	TCase *tcase = suite_case(suite, "life", kit_setup, kit_teardown);

	tcase_add_loop_test(tcase, each_class_has_its_end, 0, (int)ARRAY_LEN(outcomes));
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tcase, tests[i]);
}

SUITE(cases)
