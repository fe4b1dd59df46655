/* SPDX-License-Identifier: Apache-2.0 */
/* The state table, backoff, and what may be submitted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"

#include "queue_kit.h"
#include "suite.h"

/*
 * The table once more, as people read it in doc/jobs.md: one row a state, one
 * column an event.
 */
static const char *const expected[JOB_STATES_LEN][JOB_EVENTS_LEN] = {
	/*
	 * claim      succeed      fail       exhaust refuse  quota      human
	 * interrupt quarantine due       hold    release   cancel       retry
	 * discard
	 */
	[JOB_QUEUED] = { "running", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "held",
	    NULL, "cancelled", NULL, NULL },
	[JOB_RUNNING] = { NULL, "succeeded", "delayed", "dead", "dead", "delayed", "held", "queued",
	    "held", NULL, NULL, NULL, "cancelled", NULL, NULL },
	[JOB_DELAYED] = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "queued", "held",
	    NULL, "cancelled", "queued", NULL },
	[JOB_HELD] = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "queued",
	    "cancelled", NULL, NULL },
	[JOB_DEAD] = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    "queued", "cancelled" },
	[JOB_CANCELLED] = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	    NULL, "queued", NULL },
};

START_TEST(every_pair_of_state_and_event)
{
	for (int s = 0; s < JOB_STATES_LEN; s++) {
		for (int e = 0; e < JOB_EVENTS_LEN; e++) {
			int next = state_next((enum job_state)s, (enum job_event)e);
			const char *got = next < 0 ? "none" : state_name((enum job_state)next);
			const char *want = expected[s][e] != NULL ? expected[s][e] : "none";

			ck_assert_msg(strcmp(got, want) == 0, "%s + %s: %s, expected %s",
			    state_name((enum job_state)s), event_name((enum job_event)e), got,
			    want);
		}
	}
}
END_TEST

START_TEST(names_of_states_and_events)
{
	for (int s = 0; s < JOB_STATES_LEN; s++)
		ck_assert_int_eq(state_parse(state_name((enum job_state)s)), s);
	for (int e = 0; e < JOB_EVENTS_LEN; e++)
		ck_assert_int_eq(event_parse(event_name((enum job_event)e)), e);
	ck_assert_int_eq(state_parse("bored"), -1);
	ck_assert_int_eq(event_parse(""), -1);
	ck_assert(state_is_final(JOB_DEAD) && state_is_final(JOB_SUCCEEDED) &&
	    state_is_final(JOB_CANCELLED));
	ck_assert(!state_is_final(JOB_HELD) && !state_is_final(JOB_DELAYED));
}
END_TEST

/*
 * doc/jobs.md has the table as Markdown; each row is rebuilt and must stand
 * there.
 */
START_TEST(the_manual_has_the_same_table)
{
	struct buf doc = BUF_INIT, row = BUF_INIT;
	char *path = path_join(SOURCE_DIR, "doc/jobs.md");

	ck_assert_msg(path_read(path, 1 << 20, &doc, &kit.err) == 0, "%s", kit.err.text);
	for (int s = 0; s < JOB_STATES_LEN; s++) {
		for (int e = 0; e < JOB_EVENTS_LEN; e++) {
			int next = state_next((enum job_state)s, (enum job_event)e);

			if (next < 0)
				continue;
			buf_clear(&row);
			buf_addf(&row, "| %s | %s | %s |", state_name((enum job_state)s),
			    event_name((enum job_event)e), state_name((enum job_state)next));
			ck_assert_msg(strstr(buf_str(&doc), buf_str(&row)) != NULL,
			    "doc/jobs.md lacks the row %s", buf_str(&row));
		}
	}
	buf_free(&doc);
	buf_free(&row);
	free(path);
}
END_TEST

static int
text_row(void *arg, const struct store_row *row)
{
	buf_adds(arg, store_row_text(row, 0));
	return 0;
}

START_TEST(the_database_knows_the_same_states)
{
	static const char *const columns[] = { "state", "from_state", "to_state" };
	struct buf sql = BUF_INIT, check = BUF_INIT;

	ck_assert_int_eq(store_read(kit.store,
			     "select sql from sqlite_master where name in ('job', 'event')", NULL,
			     0, text_row, &sql, &kit.err),
	    2);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		buf_clear(&check);
		for (int s = 0; s < JOB_STATES_LEN; s++)
			buf_addf(&check, "%s%s = '%s'", s > 0 ? " or " : "check (", columns[i],
			    state_name((enum job_state)s));
		buf_addc(&check, ')');
		ck_assert_msg(strstr(buf_str(&sql), buf_str(&check)) != NULL,
		    "no column has the %s", buf_str(&check));
	}
	buf_free(&sql);
	buf_free(&check);
}
END_TEST

START_TEST(transport_backoff_is_fully_jittered)
{
	uint64_t random = 42;
	int64_t least = INT64_MAX, most = 0, sum = 0;

	for (int i = 0; i < 10000; i++) {
		int64_t d = backoff_delay(BACKOFF_TRANSPORT, 30, 0, &random);

		ck_assert(d >= 1000 && d <= 300000);
		least = d < least ? d : least;
		most = d > most ? d : most;
		sum += d;
	}
	ck_assert(least < 10000 && most > 290000);
	ck_assert_msg(sum / 10000 > 140000 && sum / 10000 < 160000, "mean %lld",
	    (long long)(sum / 10000));
	for (int i = 0; i < 1000; i++)
		ck_assert_int_le(backoff_delay(BACKOFF_TRANSPORT, 1, 0, &random), 2000);
}
END_TEST

START_TEST(agent_backoff_doubles_to_an_hour)
{
	static const int64_t middles[] = { 30, 60, 120, 240, 480, 960, 1920, 3600, 3600 };
	uint64_t random = 7;

	for (size_t n = 0; n < ARRAY_LEN(middles); n++) {
		for (int i = 0; i < 200; i++) {
			int64_t d = backoff_delay(BACKOFF_AGENT, (int)n + 1, 0, &random);

			ck_assert(d >= middles[n] * 900 && d <= middles[n] * 1100);
		}
	}
}
END_TEST

START_TEST(backoff_does_not_overflow)
{
	static const int tries[] = { 0, -5, 63, 64, 1000, INT32_MAX };
	uint64_t random = UINT64_MAX;

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		for (int which = BACKOFF_TRANSPORT; which <= BACKOFF_QUOTA; which++) {
			int64_t d =
			    backoff_delay((enum backoff)which, tries[i], INT64_MAX, &random);

			ck_assert(d >= BACKOFF_MAX_MS && d <= BACKOFF_MAX_MS + 30000);
			d = backoff_delay((enum backoff)which, tries[i], INT64_MIN, &random);
			ck_assert(d >= 1000 && d <= 3960000);
		}
	}
}
END_TEST

START_TEST(retry_after_is_never_cut_short)
{
	uint64_t random = 3;

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_ge(backoff_delay(BACKOFF_TRANSPORT, 1, 1800000, &random), 1800000);
		ck_assert_int_ge(backoff_delay(BACKOFF_AGENT, 9, 5000, &random), 3240000);
		ck_assert_int_ge(backoff_delay(BACKOFF_QUOTA, 9, 5000, &random), 5000);
		ck_assert_int_le(backoff_delay(BACKOFF_QUOTA, 9, 5000, &random), 5500);
	}
}
END_TEST

START_TEST(one_key_is_one_job)
{
	const struct job_ask ask = { .kind = "a.b", .key = "42" };
	uint64_t first = kit_submit("a.b", "42"), id;

	for (int i = 0; i < 63; i++) {
		ck_assert_int_eq(queue_submit(kit.q, &ask, &id, &kit.err), 0);
		ck_assert_uint_eq(id, first);
	}
	ck_assert_uint_ne(kit_submit("a.c", "42"), first);
	ck_assert_uint_ne(kit_submit("a.b", "43"), first);
	ck_assert_int_eq(kit_number("select count(*) from job"), 3);
}
END_TEST

START_TEST(a_key_is_taken_in_every_state_before_the_end)
{
	const struct job_ask ask = { .kind = "a.b", .key = "42" };
	uint64_t first = kit_submit("a.b", "42"), id;

	kit_claim_id(first);
	ck_assert_int_eq(queue_submit(kit.q, &ask, &id, &kit.err), 0);
	kit_finish(queue_running(kit.q, first, 1), DROVER_AGAIN);
	ck_assert_int_eq(kit_state(first), JOB_DELAYED);
	ck_assert_int_eq(queue_submit(kit.q, &ask, &id, &kit.err), 0);
	ck_assert_int_eq(queue_hold(kit.q, first, "wait", "me", &kit.err), 0);
	ck_assert_int_eq(queue_submit(kit.q, &ask, &id, &kit.err), 0);
	ck_assert_uint_eq(id, first);
	ck_assert_int_eq(queue_cancel(kit.q, first, "me", &kit.err), 0);
	ck_assert_uint_ne(kit_submit("a.b", "42"), first);
}
END_TEST

/* "a.b" + "c/d" and the like must not meet in one name. */
START_TEST(keys_may_hold_anything_but_bad_text)
{
	uint64_t one = kit_submit("a.b", "c/d"), id;
	char *long_key = xmalloc(DROVER_KEY_MAX + 2), *title = xmalloc(DROVER_TITLE_MAX + 2);
	char *payload = xcalloc(1, DROVER_PAYLOAD_MAX + 1);
	size_t len;

	memset(long_key, 'k', DROVER_KEY_MAX + 1);
	long_key[DROVER_KEY_MAX + 1] = '\0';
	memset(title, 't', DROVER_TITLE_MAX + 1);
	title[DROVER_TITLE_MAX + 1] = '\0';
	const struct job_ask bad[] = {
		{ .kind = NULL, .key = "1" },
		{ .kind = "a.b", .key = NULL },
		{ .kind = "a.b", .key = "" },
		{ .kind = "ab", .key = "1" },
		{ .kind = "a.b", .key = long_key },
		{ .kind = "a.b", .key = "\xff" },
		{ .kind = "a.b", .key = "1", .title = title },
		{ .kind = "a.b", .key = "1", .title = "\xc3" },
		{ .kind = "a.b", .key = "1", .serial = long_key },
		{ .kind = "a.b", .key = "1", .repo = "../x" },
		{ .kind = "a.b", .key = "1", .agent = "A B" },
		{ .kind = "a.b", .key = "1", .pool = "/" },
		{ .kind = "a.b", .key = "1", .priority = 101 },
		{ .kind = "a.b",
		    .key = "1",
		    .payload = payload,
		    .payload_len = DROVER_PAYLOAD_MAX + 1 },
		{ .kind = "a.b", .key = "1", .after = 999 },
	};

	ck_assert_uint_ne(kit_submit("a.b", "d"), one);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(queue_submit(kit.q, &bad[i], &id, &kit.err) == -1,
		    "wish %zu was taken", i);
		ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
	}
	long_key[DROVER_KEY_MAX] = '\0';
	title[DROVER_TITLE_MAX] = '\0';
	id = kit_submit_ask(&(struct job_ask){ .kind = "a.b",
	    .key = long_key,
	    .title = title,
	    .payload = payload,
	    .payload_len = DROVER_PAYLOAD_MAX,
	    .priority = -100 });
	kit_commit();
	kit_restart();
	free(payload);
	ck_assert_int_eq(queue_payload(kit.q, id, &payload, &len, &kit.err), 0);
	ck_assert_uint_eq(len, DROVER_PAYLOAD_MAX);
	ck_assert_int_eq(queue_submit(kit.q, &(struct job_ask){ .kind = "a.b", .key = long_key },
			     &one, &kit.err),
	    0);
	ck_assert_uint_eq(one, id);
	ck_assert_int_eq(kit_number("select count(*) from job"), 3);
	free(long_key);
	free(payload);
	free(title);
}
END_TEST

/* What was accepted is what an attempt gets, or there is no attempt. */
START_TEST(accepted_text_is_frozen)
{
	char sha256[DIGEST_HEX], *payload;
	cJSON *shown;
	uint64_t id, plain;
	size_t len;

	digest_sha256("do it", 5, sha256);
	id = kit_submit_ask(&(struct job_ask){ .kind = "a.b",
	    .key = "1",
	    .source = "a.s",
	    .author = "alice",
	    .sha256 = sha256,
	    .payload = "do it",
	    .payload_len = 5 });
	plain = kit_submit("a.b", "2");
	kit_commit();
	kit_restart();
	ck_assert_int_eq(queue_accepted(kit.q, id, &payload, &len, &kit.err), 0);
	ck_assert_str_eq(payload, "do it");
	free(payload);
	ck_assert_int_eq(queue_accepted(kit.q, plain, &payload, &len, &kit.err), 0);
	free(payload);
	shown = queue_show(kit.q, "a.b/1", &kit.err);
	ck_assert_str_eq(json_str(shown, "author", ""), "alice");
	ck_assert_str_eq(json_str(shown, "sha256", ""), sha256);
	ck_assert_ptr_nonnull(
	    strstr(json_str(cJSON_GetArrayItem(json_get(shown, "events"), 0), "detail", ""),
		sha256));
	cJSON_Delete(shown);

	ck_assert_int_eq(store_do(kit.store, "update payload set data = 'do that'", NULL, 0,
			     &kit.err),
	    0);
	ck_assert_int_eq(queue_accepted(kit.q, id, &payload, &len, &kit.err), -1);
	ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "not what was accepted"));
	ck_assert_int_eq(queue_payload(kit.q, id, &payload, &len, &kit.err), 0);
	free(payload);
	/* Gone altogether is changed, too. */
	ck_assert_int_eq(store_do(kit.store, "delete from payload", NULL, 0, &kit.err), 0);
	ck_assert_int_eq(queue_accepted(kit.q, id, &payload, &len, &kit.err), -1);
}
END_TEST

static void
cases(Suite *suite)
{
	const TTest *const tests[] = {
		every_pair_of_state_and_event,
		names_of_states_and_events,
		the_manual_has_the_same_table,
		the_database_knows_the_same_states,
		transport_backoff_is_fully_jittered,
		agent_backoff_doubles_to_an_hour,
		backoff_does_not_overflow,
		retry_after_is_never_cut_short,
		one_key_is_one_job,
		a_key_is_taken_in_every_state_before_the_end,
		keys_may_hold_anything_but_bad_text,
		accepted_text_is_frozen,
	};
	TCase *tcase = suite_case(suite, "submit", kit_setup, kit_teardown);

	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tcase, tests[i]);
}

SUITE(cases)
