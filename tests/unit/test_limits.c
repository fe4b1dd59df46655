/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates, pauses and breakers of requests to the outside, on a clock of the
 * test's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "suite.h"
#include "super/limits.h"

#define ORIGIN "https://api.example:443"
#define START 10000000

static struct limits *limits;
static struct error err;

static void
setup(void)
{
	limits = limits_new(START - 3600000);
	memset(&err, 0, sizeof err);
}

static void
teardown(void)
{
	limits_free(limits);
}

static int64_t
take(const char *credential, uint32_t count, int64_t per_ms, uint32_t burst, bool critical,
    int64_t patience, int64_t now)
{
	struct limits_ask ask = { .plugin = "p",
		.origin = ORIGIN,
		.credential = credential,
		.rates = { { "core", count, burst, per_ms } },
		.rates_len = count > 0 ? 1 : 0,
		.critical = critical,
		.patience_ms = patience };

	return limits_take(limits, &ask, now, &err);
}

static int
tell(const char *credential, int code, const char *limit, int64_t pause, int64_t now)
{
	struct limits_tell t = { .plugin = "p",
		.origin = ORIGIN,
		.credential = credential,
		.code = code,
		.limit = limit,
		.pause_ms = pause,
		.requests = 1,
		.rates = "",
		.text = "answered 503" };

	return limits_tell(limits, &t, now);
}

START_TEST(a_class_from_outside_of_the_range_is_internal)
{
	static const int codes[] = { INT32_MIN, INT32_MAX, -10, -11, 1 };
	cJSON *status;
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		(void)tell("a", codes[i], "", 0, START);
	status = limits_status(limits, START, START);
	text = json_print(status);
	ck_assert_msg(strstr(text, "\"class\":\"internal\",\"count\":5") != NULL, "%s", text);
	free(text);
	cJSON_Delete(status);
}
END_TEST

START_TEST(a_burst_goes_at_once_and_the_rest_at_its_rate)
{
	/* 60 a minute, 4 at once. */
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(take("a", 60, 60000, 4, false, 60000, START), 0);
	ck_assert_int_eq(take("a", 60, 60000, 4, false, 60000, START), 1000);
	ck_assert_int_eq(take("a", 60, 60000, 4, false, 60000, START), 2000);
	/*
	 * Who waits is counted already: a second later the third one stands
	 * behind the two.
	 */
	ck_assert_int_eq(take("a", 60, 60000, 4, false, 60000, START + 1000), 2000);
	/* Another credential and another origin have their own. */
	ck_assert_int_eq(take("b", 60, 60000, 4, false, 60000, START), 0);
	/* After long enough the burst is whole again, and no more than that. */
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(take("a", 60, 60000, 4, false, 60000, START + 600000), 0);
	ck_assert_int_eq(take("a", 60, 60000, 4, false, 60000, START + 600000), 1000);
}
END_TEST

START_TEST(a_kept_answer_gives_its_place_back)
{
	struct limits_tell kept = { .plugin = "p",
		.origin = ORIGIN,
		.credential = "a",
		.limit = "",
		.requests = 1,
		.kept = 1,
		.rates = "core\n",
		.text = "" };

	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(take("a", 60, 60000, 2, false, 60000, START), 0);
		limits_tell(limits, &kept, START);
	}
	ck_assert_int_eq(take("a", 60, 60000, 2, false, 60000, START), 0);
	ck_assert_int_eq(take("a", 60, 60000, 2, false, 60000, START), 0);
	ck_assert_int_eq(take("a", 60, 60000, 2, false, 60000, START), 1000);
}
END_TEST

/* An earlier core may have sent one just before it was killed. */
START_TEST(what_keeps_a_distance_keeps_it_over_a_restart)
{
	limits_free(limits);
	limits = limits_new(START);
	ck_assert_int_eq(take("a", 1, 1000, 1, true, 60000, START + 100), 900);
	ck_assert_int_eq(take("b", 1, 1000, 1, true, 60000, START + 5000), 0);
}
END_TEST

START_TEST(no_more_go_out_than_the_rate_allows)
{
	int sent = 0;

	/*
	 * An hour of someone who asks each 100 ms and waits for at most a
	 * second: 100 in a minute, 10 at once.
	 */
	for (int64_t now = START; now < START + 3600000; now += 100)
		sent += take("a", 100, 60000, 10, false, 0, now) == 0;
	ck_assert_int_le(sent, 6000 + 10);
	ck_assert_int_ge(sent, 5900);
}
END_TEST

START_TEST(who_would_wait_for_too_long_is_refused_and_not_counted)
{
	ck_assert_int_eq(take("a", 1, 60000, 1, false, 0, START), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(take("a", 1, 60000, 1, false, 20000, START), -1);
		ck_assert_int_eq(err.code, DROVER_QUOTA);
		ck_assert_int_eq(err.retry_after_ms, 60000);
	}
	ck_assert_int_eq(take("a", 1, 60000, 1, false, 20000, START + 60000), 0);
}
END_TEST

START_TEST(a_fifth_of_the_burst_is_kept_for_the_critical)
{
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(take("a", 10, 60000, 10, false, 0, START), 0);
	ck_assert_int_eq(take("a", 10, 60000, 10, false, 0, START), -1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(take("a", 10, 60000, 10, true, 0, START), 0);
	ck_assert_int_eq(take("a", 10, 60000, 10, true, 0, START), -1);
}
END_TEST

START_TEST(a_burst_beyond_measure_is_a_burst)
{
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(take("a", 1, 86400000, UINT32_MAX, i % 2 == 0, 0, START), 0);
}
END_TEST

START_TEST(a_request_keeps_all_its_limits)
{
	struct limits_ask ask = { .plugin = "p",
		.origin = ORIGIN,
		.credential = "a",
		.patience_ms = 60000,
		.rates = { { "core", 100, 100, 60000 }, { "write", 1, 1, 1000 } },
		.rates_len = 2 };

	ck_assert_int_eq(limits_take(limits, &ask, START, &err), 0);
	ck_assert_int_eq(limits_take(limits, &ask, START, &err), 1000);
	ask.patience_ms = 100;
	ck_assert_int_eq(limits_take(limits, &ask, START, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "write"));
	ask.rates_len = 1;
	ck_assert_int_eq(limits_take(limits, &ask, START, &err), 0);
}
END_TEST

START_TEST(who_waits_counts_when_he_goes)
{
	struct limits_ask ask = { .plugin = "p",
		.origin = ORIGIN,
		.credential = "a",
		.patience_ms = 60000,
		.rates = { { "core", 10, 2, 60000 }, { "write", 1, 1, 60000 } },
		.rates_len = 2 };

	ck_assert_int_eq(limits_take(limits, &ask, START, &err), 0);
	ck_assert_int_eq(limits_take(limits, &ask, START, &err), 60000);
	/* It goes now, and with it one of the two that may go at once. */
	ask.rates_len = 1;
	ck_assert_int_eq(limits_take(limits, &ask, START + 60000, &err), 0);
	ck_assert_int_eq(limits_take(limits, &ask, START + 60000, &err), 6000);
}
END_TEST

START_TEST(a_pause_holds_a_limit_or_all_of_a_credential)
{
	tell("a", DROVER_QUOTA, "core", 30000, START);
	ck_assert_int_eq(take("a", 100, 60000, 10, true, 20000, START), -1);
	ck_assert_int_eq(err.code, DROVER_QUOTA);
	ck_assert_int_eq(err.retry_after_ms, 30000);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, START), 0);
	ck_assert_int_eq(take("a", 100, 60000, 10, false, 20000, START + 15000), 15000);
	tell("a", DROVER_QUOTA, "", 50000, START);
	ck_assert_int_eq(take("a", 0, 0, 0, true, 20000, START), -1);
	ck_assert_int_eq(err.retry_after_ms, 50000);
	ck_assert_int_eq(take("b", 0, 0, 0, false, 0, START), 0);
	/* A shorter one does not end a longer one. */
	tell("a", DROVER_QUOTA, "", 1000, START);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, START + 49999), -1);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, START + 50000), 0);
}
END_TEST

START_TEST(five_failures_in_a_row_open_the_breaker)
{
	int64_t now = START, open = 30000;

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(tell("a", DROVER_AGAIN, "", 0, now), 0);
	ck_assert_int_eq(tell("a", DROVER_OK, "", 0, now), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(tell("a", DROVER_AGAIN, "", 0, now), 0);
	ck_assert_int_eq(take("a", 0, 0, 0, true, 60000, now), 0);
	ck_assert_int_eq(tell("a", DROVER_AGAIN, "", 0, now), LIMITS_OPENED);
	ck_assert_int_eq(take("b", 0, 0, 0, false, 0, now), 0);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(take("a", 0, 0, 0, true, 600000, now), -1);
		ck_assert_int_eq(err.code, DROVER_AGAIN);
		ck_assert_int_eq(err.retry_after_ms, open);
		ck_assert_ptr_nonnull(strstr(err.text, "answered 503"));
		now += open;
		/* One probe, and nobody else meanwhile. */
		ck_assert_int_eq(take("a", 0, 0, 0, false, 0, now), 0);
		ck_assert_int_eq(take("a", 0, 0, 0, false, 0, now), -1);
		ck_assert_int_eq(err.retry_after_ms, 1000);
		ck_assert_int_eq(tell("a", DROVER_AGAIN, "", 0, now), 0);
		open = open * 2 > 300000 ? 300000 : open * 2;
	}
	now += open;
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, now), 0);
	/* Any answer will do: somebody is there. */
	ck_assert_int_eq(tell("a", DROVER_AUTH, "", 0, now), LIMITS_CLOSED);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, now), 0);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, now), 0);
}
END_TEST

START_TEST(a_probe_that_ends_without_a_word_is_replaced)
{
	for (int i = 0; i < 5; i++)
		tell("a", DROVER_AGAIN, "", 0, START);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, START + 30000), 0);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, START + 89999), -1);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, START + 90000), 0);
	tell("a", DROVER_CANCELLED, "", 0, START + 90001);
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, START + 90001), 0);
}
END_TEST

START_TEST(a_down_tracker_costs_less_than_a_request_in_30_seconds)
{
	int sent = 0;

	/*
	 * A source that polls every 5 s, each poll trying as often as it is
	 * let: an hour.
	 */
	for (int64_t now = START; now < START + 3600000; now += 5000) {
		for (int try = 0; try < 10; try++) {
			if (take("a", 0, 0, 0, false, 20000, now) < 0)
				break;
			sent++;
			tell("a", DROVER_AGAIN, "", 0, now);
		}
	}
	ck_assert_int_le(sent, 120);
	ck_assert_int_ge(sent, 10);
}
END_TEST

START_TEST(long_pauses_outlive_the_core)
{
	struct limits *next = limits_new(0);
	char *saved;

	ck_assert_int_eq(tell("a", DROVER_QUOTA, "", 60000, START), 0);
	ck_assert_int_eq(tell("b", DROVER_QUOTA, "", 3600000, START), LIMITS_KEEP);
	ck_assert_int_eq(tell("c", DROVER_QUOTA, "write\"", 7200000, START), LIMITS_KEEP);
	saved = limits_save(limits, START, 1700000000000, 65536);
	/*
	 * The next core starts 30 minutes later; its monotonic clock counts
	 * from elsewhere.
	 */
	limits_load(next, saved, 5000, 1700000000000 + 1800000);
	free(saved);
	limits_free(limits);
	limits = next;
	ck_assert_int_eq(take("a", 0, 0, 0, false, 0, 5000), 0);
	ck_assert_int_eq(take("b", 0, 0, 0, false, 0, 5000), -1);
	ck_assert_int_eq(err.retry_after_ms, 1800000);
	struct limits_ask ask = { .plugin = "p",
		.origin = ORIGIN,
		.credential = "c",
		.rates = { { "write\"", 1, 1, 1 } },
		.rates_len = 1 };
	ck_assert_int_eq(limits_take(limits, &ask, 5000, &err), -1);
	ck_assert_int_eq(err.retry_after_ms, 5400000);
	limits_load(limits, "{\"no\": \"list\"}", 5000, 5000);
	limits_load(limits, "not JSON", 5000, 5000);
	limits_load(limits, "[1, {}, {\"origin\": \"x\", \"until\": \"99999999999999999\"}]", 5000,
	    5000);
}
END_TEST

START_TEST(what_is_kept_is_bounded)
{
	struct limits_ask ask = { .plugin = "p",
		.origin = ORIGIN,
		.rates = { { "core", 1, 1, 3600000 } },
		.rates_len = 1 };
	char credential[32];
	cJSON *status;

	for (int i = 0; i < 10500; i++) {
		snprintf(credential, sizeof credential, "%d", i);
		ask.credential = credential;
		ck_assert_int_eq(limits_take(limits, &ask, START, &err), 0);
	}
	status = limits_status(limits, START, START);
	ck_assert_int_eq(json_int(status, "accounts", 0), 10000);
	ck_assert_int_eq(json_int(status, "rates", 0), 10000);
	cJSON_Delete(status);
	ask.credential = "10499";
	ck_assert_int_eq(limits_take(limits, &ask, START, &err), -1);
	ask.credential = "3";
	ck_assert_int_eq(limits_take(limits, &ask, START, &err), 0);
}
END_TEST

START_TEST(an_operator_sees_what_is_held_back)
{
	cJSON *list = cJSON_CreateArray(), *status;
	char *text;

	for (int i = 0; i < 5; i++)
		tell("a", DROVER_AGAIN, "", 0, START);
	tell("b", DROVER_QUOTA, "", 90000, START);
	tell("", DROVER_OK, "", 0, START);
	limits_warnings(limits, START, list);
	ck_assert_int_eq(cJSON_GetArraySize(list), 2);
	ck_assert_str_eq(cJSON_GetArrayItem(list, 0)->valuestring,
	    ORIGIN " as a: 5 failures in a row, asked again in 30 s: answered 503");
	ck_assert_str_eq(cJSON_GetArrayItem(list, 1)->valuestring,
	    ORIGIN " as b: paused for 90 s: answered 503");
	cJSON_Delete(list);
	status = limits_status(limits, START, 1700000000000);
	text = json_print(status);
	ck_assert_ptr_nonnull(strstr(text, "\"class\":\"again\",\"count\":5"));
	ck_assert_ptr_nonnull(strstr(text, "\"class\":\"ok\",\"count\":1"));
	ck_assert_ptr_nonnull(strstr(text, "\"until\":1700000030000"));
	free(text);
	cJSON_Delete(status);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tcase = suite_case(suite, "limits", setup, teardown);

	tcase_add_test(tcase, a_burst_goes_at_once_and_the_rest_at_its_rate);
	tcase_add_test(tcase, a_kept_answer_gives_its_place_back);
	tcase_add_test(tcase, what_keeps_a_distance_keeps_it_over_a_restart);
	tcase_add_test(tcase, no_more_go_out_than_the_rate_allows);
	tcase_add_test(tcase, who_would_wait_for_too_long_is_refused_and_not_counted);
	tcase_add_test(tcase, a_fifth_of_the_burst_is_kept_for_the_critical);
	tcase_add_test(tcase, a_burst_beyond_measure_is_a_burst);
	tcase_add_test(tcase, a_request_keeps_all_its_limits);
	tcase_add_test(tcase, who_waits_counts_when_he_goes);
	tcase_add_test(tcase, a_pause_holds_a_limit_or_all_of_a_credential);
	tcase_add_test(tcase, five_failures_in_a_row_open_the_breaker);
	tcase_add_test(tcase, a_probe_that_ends_without_a_word_is_replaced);
	tcase_add_test(tcase, a_down_tracker_costs_less_than_a_request_in_30_seconds);
	tcase_add_test(tcase, long_pauses_outlive_the_core);
	tcase_add_test(tcase, what_is_kept_is_bounded);
	tcase_add_test(tcase, an_operator_sees_what_is_held_back);
	tcase_add_test(tcase, a_class_from_outside_of_the_range_is_internal);
}

SUITE(cases)
