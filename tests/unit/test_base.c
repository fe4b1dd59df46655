/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors, buffers, clocks, units, the heap and JSON, and the runner of all
 * groups of base.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/retry.h"
#include "base/text.h"
#include "base/units.h"

#include "suite.h"

START_TEST(error_keeps_whole_characters)
{
	char longer[DROVER_ERROR_MAX + 2];
	struct error err;

	memset(longer, 'a', sizeof longer);
	memcpy(longer + DROVER_ERROR_MAX - 2, "\xc3\xa9", 3);
	ck_assert_int_eq(error_set(&err, DROVER_CONFIG, "%s", longer), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_uint_eq(strlen(err.text), DROVER_ERROR_MAX - 2);
	ck_assert_int_eq(error_set(NULL, DROVER_CONFIG, "nobody listens"), -1);
}
END_TEST

START_TEST(error_may_quote_itself)
{
	struct error err;

	error_set(&err, DROVER_QUOTA, "limit");
	error_set(&err, DROVER_AGAIN, "poll: %s", err.text);
	ck_assert_str_eq(err.text, "poll: limit");
	error_prefix(&err, "source %s", "a.b");
	ck_assert_str_eq(err.text, "source a.b: poll: limit");
	ck_assert_int_eq(err.code, DROVER_AGAIN);
}
END_TEST

START_TEST(error_of_a_full_disk_is_tried_again)
{
	struct error err;

	errno = ENOSPC;
	error_errno(&err, DROVER_PERMANENT, "%s: cannot write", "/x");
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	ck_assert_ptr_nonnull(strstr(err.text, "/x: cannot write: No space"));
	errno = ENOENT;
	error_errno(&err, DROVER_PERMANENT, "x");
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
}
END_TEST

START_TEST(error_classes_have_names)
{
	int code;

	for (code = 0; code >= DROVER_INTERNAL; code--)
		ck_assert_int_eq(error_class_parse(error_class_name(code)), code);
	ck_assert_str_eq(error_class_name(-10), "internal");
	ck_assert_str_eq(error_class_name(1), "internal");
	ck_assert_str_eq(error_class_name(INT32_MIN + 1), "internal");
	ck_assert_int_eq(error_class_parse("nonsense"), DROVER_INTERNAL);
}
END_TEST

START_TEST(buf_grows_and_drops)
{
	struct buf b = BUF_INIT;
	char *s;
	int i;

	ck_assert_str_eq(buf_str(&b), "");
	for (i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i);
	ck_assert_uint_eq(b.len, 3890);
	buf_drop(&b, 3886);
	ck_assert_str_eq(buf_str(&b), "999,");
	buf_add(&b, "\0x", 2);
	ck_assert_uint_eq(b.len, 6);
	s = buf_take(&b);
	ck_assert_str_eq(s, "999,");
	free(s);
	s = buf_take(&b);
	ck_assert_str_eq(s, "");
	free(s);
	buf_add(&b, NULL, 0);
	ck_assert_str_eq(b.data, "");
	buf_free(&b);
}
END_TEST

START_TEST(clock_stands_when_faked)
{
	char text[25];

	clock_fake(1795244971123, 5);
	ck_assert_int_eq(clock_wall(), 1795244971123);
	ck_assert_int_eq(clock_mono(), 5);
	ck_assert_int_eq(clock_mono_us(), 5000);
	ck_assert_str_eq(clock_format(clock_wall(), text, sizeof text), "2026-11-21T07:09:31.123Z");
	ck_assert_str_eq(clock_format(-1, text, sizeof text), "1969-12-31T23:59:59.999Z");
	ck_assert_uint_eq(strlen(clock_format(INT64_MAX, text, sizeof text)), 24);
	clock_fake(-1, -1);
	ck_assert_int_gt(clock_wall(), 1600000000000);
}
END_TEST

static const struct {
	const char *text;
	int64_t ms;              /* -1: refused */
	const char *behind;
	bool has_seconds, has_zone;
} moments[] = {
	{ "2026-11-21T07:09:31.123Z", 1795244971000, "", true, true },
	{ "2026-11-21t07:09:31z, then", 1795244971000, ", then", true, true },
	{ "2026-11-21 07:09", 1795244940000, "", false, false },
	{ "2026-11-21T08:39:31+0130", 1795244971000, "", true, true },
	{ "2026-11-21T08:39:31+01:30", 1795244971000, "", true, true },
	{ "2026-11-21T04:09:31.5-03", 1795244971000, "", true, true },
	{ "2026-11-21T07:09:31 GMT", 1795244971000, " GMT", true, false },
	{ "2026-11-21T07:09:31.", 1795244971000, ".", true, false },
	{ "2024-02-29T00:00:60Z", 1709164860000, "", true, true },
	{ "1969-12-31T23:59:59Z", -1000, "", true, true },
	{ "2023-02-29T00:00Z", -1, NULL, false, false },
	{ "2026-11-31T00:00Z", -1, NULL, false, false },
	{ "2026-13-01T00:00Z", -1, NULL, false, false },
	{ "2026-00-01T00:00Z", -1, NULL, false, false },
	{ "2026-01-00T00:00Z", -1, NULL, false, false },
	{ "2026-01-01T24:00Z", -1, NULL, false, false },
	{ "2026-01-01T00:60Z", -1, NULL, false, false },
	{ "2026-01-01T00:00:61Z", -1, NULL, false, false },
	{ "2026-01-01T00:00:1Z", -1, NULL, false, false },
	{ "2026-01-01T00:00+1", -1, NULL, false, false },
	{ "2026-01-01T00:00+01:", -1, NULL, false, false },
	{ "2026-01-01T00:00+01:60", -1, NULL, false, false },
	{ "2026-01-01T00:00+24", -1, NULL, false, false },
	{ "2026-1-01T00:00Z", -1, NULL, false, false },
	{ " 2026-01-01T00:00Z", -1, NULL, false, false },
	{ "20260101T000000Z", -1, NULL, false, false },
	{ "2026-01-01", -1, NULL, false, false },
	{ "", -1, NULL, false, false },
};

START_TEST(clock_reads_iso_times)
{
	struct clock_iso iso;
	const char *behind = clock_parse_iso(moments[_i].text, &iso);

	if (moments[_i].behind == NULL) {
		ck_assert_msg(behind == NULL, "\"%s\"", moments[_i].text);
		return;
	}
	ck_assert_msg(behind != NULL, "\"%s\"", moments[_i].text);
	ck_assert_str_eq(behind, moments[_i].behind);
	ck_assert_int_eq(iso.wall_ms, moments[_i].ms);
	ck_assert(iso.has_seconds == moments[_i].has_seconds);
	ck_assert(iso.has_zone == moments[_i].has_zone);
}
END_TEST

static const struct {
	const char *text;
	int64_t ms; /* -1: refused */
} durations[] = {
	{ "250ms", 250 },
	{ "30s", 30000 },
	{ "50m", 3000000 },
	{ "2h", 7200000 },
	{ "7d", 604800000 },
	{ "1h30m", 5400000 },
	{ "0s", 0 },
	{ "3650d", INT64_C(315360000000) },
	{ "3651d", -1 },
	{ "3650d1ms", -1 },
	{ "9223372036854775807d", -1 },
	{ "9223372036854775808s", -1 },
	{ "99999999999999999999999s", -1 },
	{ "", -1 },
	{ "10", -1 },
	{ "s", -1 },
	{ "-1s", -1 },
	{ "1.5h", -1 },
	{ "1 h", -1 },
	{ " 1h", -1 },
	{ "1h ", -1 },
	{ "30m1h", -1 },
	{ "1h1h", -1 },
	{ "1sm", -1 },
	{ "1mss", -1 },
	{ "1hms", -1 },
	{ "1H", -1 },
	{ "1y", -1 },
};

START_TEST(units_durations)
{
	int64_t ms = -1;
	int rc = units_parse_duration(durations[_i].text, &ms);

	ck_assert_msg(rc == (durations[_i].ms < 0 ? -1 : 0), "%s: %d", durations[_i].text, rc);
	ck_assert_int_eq(ms, durations[_i].ms);
}
END_TEST

static const struct {
	const char *text;
	int64_t bytes;
} sizes[] = {
	{ "512", 512 },
	{ "0", 0 },
	{ "64K", 65536 },
	{ "2G", INT64_C(2147483648) },
	{ "1T", INT64_C(1099511627776) },
	{ "8388607T", INT64_C(9223370937343148032) },
	{ "8388608T", -1 },
	{ "9223372036854775808", -1 },
	{ "", -1 },
	{ "K", -1 },
	{ "1KB", -1 },
	{ "-1", -1 },
	{ "1.5G", -1 },
	{ "1 G", -1 },
	{ "1g", -1 },
};

START_TEST(units_sizes)
{
	int64_t bytes = -1;
	int rc = units_parse_size(sizes[_i].text, &bytes);

	ck_assert_msg(rc == (sizes[_i].bytes < 0 ? -1 : 0), "%s: %d", sizes[_i].text, rc);
	if (rc == 0)
		ck_assert_int_eq(bytes, sizes[_i].bytes);
}
END_TEST

START_TEST(units_integers)
{
	int64_t n = 7;

	ck_assert_int_eq(units_parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &n), 0);
	ck_assert_int_eq(n, INT64_MIN);
	ck_assert_int_eq(units_parse_int("9223372036854775808", INT64_MIN, INT64_MAX, &n), -1);
	ck_assert_int_eq(units_parse_int("10", 0, 9, &n), -1);
	ck_assert_int_eq(units_parse_int("9", 0, 9, &n), 0);
	ck_assert_int_eq(n, 9);
	ck_assert_int_eq(units_parse_int("", 0, 9, &n), -1);
	ck_assert_int_eq(units_parse_int("-", -9, 9, &n), -1);
	ck_assert_int_eq(units_parse_int("+1", -9, 9, &n), -1);
	ck_assert_int_eq(units_parse_int("1x", 0, 9, &n), -1);
	ck_assert_int_eq(units_parse_int("0x1", 0, 9, &n), -1);
}
END_TEST

START_TEST(units_for_people)
{
	char out[UNITS_MAX];

	ck_assert_str_eq(units_format_duration(3720000, out, sizeof out), "1h 2m");
	ck_assert_str_eq(units_format_duration(35000, out, sizeof out), "35s");
	ck_assert_str_eq(units_format_duration(120, out, sizeof out), "120ms");
	ck_assert_str_eq(units_format_duration(0, out, sizeof out), "0ms");
	ck_assert_str_eq(units_format_duration(3600000, out, sizeof out), "1h");
	ck_assert_str_eq(units_format_duration(61500, out, sizeof out), "1m 1s");
	ck_assert_str_eq(units_format_duration(90061000, out, sizeof out), "1d 1h");
	ck_assert_str_eq(units_format_duration(INT64_MIN, out, sizeof out), "-106751991167d 7h");
	ck_assert_str_eq(units_format_size(INT64_C(2147483648), out, sizeof out), "2.0G");
	ck_assert_str_eq(units_format_size(512 * 1024, out, sizeof out), "512K");
	ck_assert_str_eq(units_format_size(511, out, sizeof out), "511");
}
END_TEST

START_TEST(units_written_parse_back)
{
	char out[UNITS_MAX];
	int64_t value, back;

	srand(1);
	for (int i = 0; i < 2000; i++) {
		value = (int64_t)rand() * (i % 2 == 0 ? 1 : 60000) % INT64_C(315360000000);
		ck_assert_int_eq(units_parse_duration(units_write_duration(value, out, sizeof out),
				     &back),
		    0);
		ck_assert_int_eq(back, value);
		value = (int64_t)rand() << i % 30;
		ck_assert_int_eq(units_parse_size(units_write_size(value, out, sizeof out), &back),
		    0);
		ck_assert_int_eq(back, value);
	}
	ck_assert_str_eq(units_write_duration(5400000, out, sizeof out), "1h30m");
	ck_assert_str_eq(units_write_size(INT64_C(1610612736), out, sizeof out), "1536M");
}
END_TEST

START_TEST(units_survive_any_text)
{
	static const char alphabet[] = "0123456789999dhmsKMGT- .\xff";
	char text[24];
	int64_t value;
	size_t len;

	srand(2);
	for (int i = 0; i < 20000; i++) {
		len = (size_t)rand() % (sizeof text - 1);
		for (size_t j = 0; j < len; j++)
			text[j] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
		text[len] = '\0';
		if (units_parse_duration(text, &value) == 0)
			ck_assert(value >= 0 && value <= INT64_C(315360000000));
		if (units_parse_size(text, &value) == 0)
			ck_assert_int_ge(value, 0);
		if (units_parse_int(text, -50, 50, &value) == 0)
			ck_assert(value >= -50 && value <= 50);
	}
}
END_TEST

struct ranked {
	int rank;
	size_t index;
	bool in;
};

static bool
ranked_less(const void *a, const void *b)
{
	return ((const struct ranked *)a)->rank < ((const struct ranked *)b)->rank;
}

static void
ranked_moved(void *item, size_t index)
{
	((struct ranked *)item)->index = index;
}

START_TEST(heap_keeps_its_order)
{
	struct ranked items[200] = { 0 }, *item, *least;
	struct heap heap;
	size_t in = 0, i;

	srand(3);
	heap_init(&heap, ranked_less, ranked_moved);
	ck_assert_ptr_null(heap_first(&heap));
	for (int step = 0; step < 20000; step++) {
		item = &items[(size_t)rand() % ARRAY_LEN(items)];
		if (!item->in) {
			item->rank = rand() % 50;
			heap_insert(&heap, item);
			item->in = true;
			in++;
		} else if (rand() % 2 == 0) {
			item->rank = rand() % 50;
			heap_update(&heap, item->index);
		} else {
			ck_assert_ptr_eq(heap_remove(&heap, item->index), item);
			item->in = false;
			in--;
		}
		ck_assert_uint_eq(heap.len, in);
		least = NULL;
		for (i = 0; i < ARRAY_LEN(items); i++) {
			if (!items[i].in)
				continue;
			if (heap.items[items[i].index] != &items[i])
				ck_abort_msg("an item does not know its place");
			if (ranked_less(&items[i],
				heap.items[items[i].index == 0 ? 0 : (items[i].index - 1) / 2]))
				ck_abort_msg("an item stands below a greater one");
			if (least == NULL || items[i].rank < least->rank)
				least = &items[i];
		}
		item = heap_first(&heap);
		ck_assert(least == NULL ? item == NULL : item->rank == least->rank);
	}
	heap_free(&heap);
}
END_TEST

START_TEST(json_getters_fall_back)
{
	static const char text[] =
	    " {\"a\": {\"b\": {\"c\": \"x\"}}, \"n\": 42, \"s\": \"9223372036854775807\", \"f\": "
	    "1.5, \"t\": true, \"z\": null} \n";
	struct error err;
	cJSON *json = json_parse(text, strlen(text), 1000, &err);
	char *printed;

	ck_assert_ptr_nonnull(json);
	ck_assert_int_eq(json_int(json, "n", -1), 42);
	ck_assert_int_eq(json_int(json, "s", -1), INT64_MAX);
	ck_assert_int_eq(json_int(json, "f", -1), -1);
	ck_assert_int_eq(json_int(json, "a", -1), -1);
	ck_assert_int_eq(json_int(NULL, "a", -1), -1);
	ck_assert_str_eq(json_str(json, "n", "none"), "none");
	ck_assert_str_eq(json_str(json, "S", "none"), "none");
	ck_assert(json_bool(json, "t", false));
	ck_assert_str_eq(cJSON_GetStringValue(json_path(json, "a.b.c")), "x");
	ck_assert_ptr_null(json_path(json, "a.b.c.d"));
	ck_assert_ptr_null(json_path(json, "a.x.c"));
	ck_assert_ptr_null(json_get(json, "b"));
	cJSON_Delete(json);
	json = cJSON_CreateObject();
	json_add_int(json, "big", INT64_MIN);
	json_add_int(json, "small", -3);
	json_add_str(json, "none", NULL);
	json_add_str(json, "bad", "a\xff" "b");
	printed = json_print(json);
	ck_assert_str_eq(printed,
	    "{\"big\":\"-9223372036854775808\",\"small\":-3,\"bad\":\"a\xef\xbf\xbd"
	    "b\"}");
	ck_assert_int_eq(json_int(json, "big", 0), INT64_MIN);
	free(printed);
	cJSON_Delete(json);
}
END_TEST

static const char *const bad_json[] = { "", " ", "{", "{\"a\":1}x", "{} {}", "[1,]",
	"{\"a\":\"\xff\"}", "nul", "\"\\ud800\"" };

START_TEST(json_refuses)
{
	struct error err = { 0 };

	ck_assert_ptr_null(json_parse(bad_json[_i], strlen(bad_json[_i]), 1000, &err));
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
}
END_TEST

START_TEST(json_is_bounded)
{
	char deep[2 * JSON_DEPTH_MAX + 2];
	struct error err;
	cJSON *json;

	ck_assert_ptr_null(json_parse("[1,2]", 5, 4, &err));
	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	json = json_parse(deep, 2 * JSON_DEPTH_MAX, 1000, &err);
	ck_assert_ptr_nonnull(json);
	cJSON_Delete(json);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	ck_assert_ptr_null(json_parse(deep, sizeof deep, 1000, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "deeper"));
	/*
	 * Brackets in strings are text, and a length ends the text without a
	 * NUL.
	 */
	json = json_parse("\"[[[[\\\"{{{\"garbage", 11, 11, &err);
	ck_assert_ptr_nonnull(json);
	cJSON_Delete(json);
}
END_TEST

START_TEST(json_survives_any_text)
{
	static const char seed[] =
	    "{\"a\":[1,-2.5e3,true,null,\"x\\n\\u00e9\"],\"b\":{\"c\":\"\xc3\xa9\"}}";
	char *text, *printed;
	size_t len;
	cJSON *json;

	srand(4);
	for (int i = 0; i < 20000; i++) {
		len = (size_t)rand() % sizeof seed;
		text = xmalloc(len);
		memcpy(text, seed, len);
		for (int j = rand() % 4; j > 0 && len > 0; j--)
			text[(size_t)rand() % len] =
			    (char)(rand() % 2 == 0 ? rand() :
						     seed[(size_t)rand() % (sizeof seed - 1)]);
		json = json_parse(text, len, sizeof seed, NULL);
		if (json != NULL) {
			printed = json_print(json);
			free(printed);
			cJSON_Delete(json);
		}
		free(text);
	}
}
END_TEST

START_TEST(arrays_grow)
{
	size_t cap = 0;
	int *p = xgrow(NULL, 0, &cap, sizeof *p), *same;

	ck_assert_ptr_null(p);
	p = xgrow(p, 1, &cap, sizeof *p);
	ck_assert_uint_eq(cap, 16);
	p[15] = 7;
	same = xgrow(p, 16, &cap, sizeof *p);
	ck_assert_ptr_eq(same, p);
	p = xgrow(p, 17, &cap, sizeof *p);
	ck_assert_uint_eq(cap, 32);
	ck_assert_int_eq(p[15], 7);
	p = xgrow(p, 100, &cap, sizeof *p);
	ck_assert_uint_eq(cap, 100);
	p[99] = 1;
	free(p);
}
END_TEST

START_TEST(retry_waits_double)
{
	int64_t wait = 0;

	ck_assert_int_eq(wait = retry_next(wait, 3, 20), 3);
	ck_assert_int_eq(wait = retry_next(wait, 3, 20), 6);
	ck_assert_int_eq(wait = retry_next(wait, 3, 20), 12);
	ck_assert_int_eq(wait = retry_next(wait, 3, 20), 20);
	ck_assert_int_eq(retry_next(wait, 3, 20), 20);
	ck_assert_int_eq(retry_next(0, 30, 20), 20);
	ck_assert_int_eq(retry_next(INT64_MAX / 2 + 1, 1, INT64_MAX), INT64_MAX);
	ck_assert_int_eq(retry_delay(3, 20, 1), 3);
	ck_assert_int_eq(retry_delay(3, 20, 3), 12);
	ck_assert_int_eq(retry_delay(3, 20, 4), 20);
	ck_assert_int_eq(retry_delay(3, 20, INT64_MAX), 20);
	ck_assert_int_eq(retry_delay(30, 20, 1), 20);
}
END_TEST

START_TEST(retry_counts_recent_defects)
{
	struct retry_defects d = { .count = 0 };

	/* Four at once, and the fifth is too late for the first of them. */
	for (int i = 0; i < RETRY_DEFECTS - 1; i++)
		ck_assert(!retry_defect(&d, 0, 100));
	ck_assert(!retry_defect(&d, 101, 100));
	ck_assert(!retry_defect(&d, 102, 100));
	ck_assert(!retry_defect(&d, 103, 100));
	ck_assert(!retry_defect(&d, 104, 100));
	ck_assert(retry_defect(&d, 201, 100));
	ck_assert(!retry_defect(&d, 203, 100));
	ck_assert_int_eq(d.count, 10);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "values", NULL, NULL);

	tcase_add_test(tc, error_keeps_whole_characters);
	tcase_add_test(tc, error_may_quote_itself);
	tcase_add_test(tc, error_of_a_full_disk_is_tried_again);
	tcase_add_test(tc, error_classes_have_names);
	tcase_add_test(tc, buf_grows_and_drops);
	tcase_add_test(tc, clock_stands_when_faked);
	tcase_add_loop_test(tc, clock_reads_iso_times, 0, (int)ARRAY_LEN(moments));
	tcase_add_loop_test(tc, units_durations, 0, (int)ARRAY_LEN(durations));
	tcase_add_loop_test(tc, units_sizes, 0, (int)ARRAY_LEN(sizes));
	tcase_add_test(tc, units_integers);
	tcase_add_test(tc, units_for_people);
	tcase_add_test(tc, units_written_parse_back);
	tcase_add_test(tc, units_survive_any_text);
	tcase_add_test(tc, arrays_grow);
	tcase_add_test(tc, retry_waits_double);
	tcase_add_test(tc, retry_counts_recent_defects);
	tcase_add_test(tc, heap_keeps_its_order);
	tcase_add_test(tc, json_getters_fall_back);
	tcase_add_loop_test(tc, json_refuses, 0, (int)ARRAY_LEN(bad_json));
	tcase_add_test(tc, json_is_bounded);
	tcase_add_test(tc, json_survives_any_text);
}

SUITE(cases)
