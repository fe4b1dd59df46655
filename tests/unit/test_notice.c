/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices: what is written down with an event, when it is sent, how often, and
 * when it is given up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "notice/notice.h"

#include "queue_kit.h"
#include "suite.h"

#define SENT_MAX 16
#define HOUR_MS (3600 * 1000)

/* An operation that the test answers for. */
static struct {
	struct notices *notices;
	char *requests[SENT_MAX], operation[64];
	void (*fn[SENT_MAX])(void *, int, const char *, size_t);
	void *arg[SENT_MAX];
	int len, answered;
	bool starting; /* the operation's plugin */
	const char *starting_only; /* only this operation's; NULL means all */
} sent;

static char *both[] = { (char *)(uintptr_t)"start", (char *)(uintptr_t)"dead", NULL };
static char *others[] = { (char *)(uintptr_t)"pull", (char *)(uintptr_t)"needs-info", NULL };
static char *kinds[] = { (char *)(uintptr_t)"a.c", NULL };
static struct config_notify entries[] = {
	{ .operation = (char *)(uintptr_t)"talk.say", .on = both },
	{ .operation = (char *)(uintptr_t)"talk.ask", .on = others, .kinds = kinds },
};

static bool
note_ready(void *arg, const char *operation)
{
	return !sent.starting ||
	    (sent.starting_only != NULL && strcmp(operation, sent.starting_only) != 0);
}

static void
note_send(void *arg, const char *operation, const char *request, size_t len,
    void (*fn)(void *, int, const char *, size_t), void *fn_arg)
{
	ck_assert_int_lt(sent.len, SENT_MAX);
	snprintf(sent.operation, sizeof sent.operation, "%s", operation);
	sent.requests[sent.len] = xstrndup(request, len);
	sent.fn[sent.len] = fn;
	sent.arg[sent.len++] = fn_arg;
}

static void
setup(void)
{
	static const char fields[] =
	    "{\"channel\":{\"value\":\"C1\",\"at\":\"x:1\"},\"key\":{\"value\":\"mine\"}}";

	kit_setup();
	entries[0].fields = json_parse(fields, sizeof fields - 1, sizeof fields, NULL);
	ck_assert_ptr_nonnull(entries[0].fields);
	kit.config.notify = entries;
	kit.config.notify_len = 2;
	memset(&sent, 0, sizeof sent);
	sent.notices = notices_new(kit.store, kit.q, &kit.config, note_ready, note_send, NULL);
}

static void
teardown(void)
{
	notices_free(sent.notices);
	for (int i = 0; i < sent.len; i++)
		free(sent.requests[i]);
	cJSON_Delete(entries[0].fields);
	kit_teardown();
}

static void
answer(int code)
{
	ck_assert_int_lt(sent.answered, sent.len);
	sent.fn[sent.answered](sent.arg[sent.answered], code, code == DROVER_OK ? "{}" : "not now",
	    code == DROVER_OK ? 2 : 7);
	sent.answered++;
	kit_commit();
}

static int64_t
tick(void)
{
	return notices_tick(sent.notices, &kit.err);
}

static cJSON *
request(int i)
{
	cJSON *json = json_parse(sent.requests[i], strlen(sent.requests[i]), 4096, NULL);

	ck_assert_ptr_nonnull(json);
	return json;
}

START_TEST(nothing_is_sent_before_its_commit)
{
	uint64_t id = kit_submit("a.b", "1");
	cJSON *json;
	char key[64];

	kit_claim_id(id);
	ck_assert_int_eq((int)tick(), 1);
	ck_assert_int_eq(sent.len, 0);
	kit_commit();
	tick();
	ck_assert_int_eq(sent.len, 1);
	ck_assert_str_eq(sent.operation, "talk.say");
	json = request(0);
	snprintf(key, sizeof key, "notify/%llu/start/0", (unsigned long long)id);
	ck_assert_str_eq(json_str(json, "key", ""), key);
	ck_assert_str_eq(json_str(json, "channel", ""), "C1");
	ck_assert_ptr_nonnull(strstr(json_str(json, "text", ""), "drover: a.b 1"));
	ck_assert_ptr_nonnull(strstr(json_str(json, "text", ""), " - started (trace "));
	cJSON_Delete(json);
	tick();
	ck_assert_int_eq(sent.len, 1);
	answer(DROVER_OK);
	tick();
	ck_assert_int_eq(sent.len, 1);
	ck_assert_int_eq(kit_number("select count(*) from notice where state = 'sent'"), 1);
}
END_TEST

START_TEST(what_is_rolled_back_has_not_happened)
{
	uint64_t id = kit_submit("a.b", "1");

	kit_commit();
	kit_claim_id(id);
	store_rollback(kit.store);
	ck_assert_int_eq(queue_load(kit.q, &kit.err), 0);
	notices_look(sent.notices);
	ck_assert_int_eq(tick(), -1);
	ck_assert_int_eq(sent.len, 0);
}
END_TEST

START_TEST(only_what_is_asked_for_is_told)
{
	uint64_t b = kit_submit("a.b", "1"), c = kit_submit("a.c", "2");
	struct job *job;
	cJSON *json;

	job = kit_claim_id(b);
	ck_assert_int_eq(queue_result(kit.q, b, job->epoch, "pull", "https://x/1", &kit.err), 0);
	kit_finish(job, DROVER_HUMAN);
	job = kit_claim_id(c);
	ck_assert_int_eq(queue_result(kit.q, c, job->epoch, "pull", "https://x/1", &kit.err), 0);
	ck_assert_int_eq(queue_result(kit.q, c, job->epoch, "pull", "https://x/1", &kit.err), 0);
	ck_assert_int_eq(queue_result(kit.q, c, job->epoch, "pull", "https://x/2", &kit.err), 0);
	ck_assert_int_eq(queue_result(kit.q, c, job->epoch, "url", "https://x/3", &kit.err), 0);
	kit_commit();
	ck_assert_int_eq(kit_number("select count(*) from notice where event = 'start'"), 2);
	ck_assert_int_eq(kit_number("select count(*) from notice where event = 'pull'"), 2);
	ck_assert_int_eq(kit_number("select count(*) from notice where event = 'needs-info'"), 0);
	tick();
	ck_assert_int_eq(sent.len, 4);
	json = request(2);
	ck_assert_ptr_nonnull(
	    strstr(json_str(json, "text", ""), " - pull request: https://x/1 (trace "));
	cJSON_Delete(json);
	for (int i = 0; i < 4; i++)
		answer(DROVER_OK);
}
END_TEST

START_TEST(four_are_on_their_way_at_once)
{
	for (int i = 0; i < 6; i++) {
		char key[16];

		snprintf(key, sizeof key, "%d", i);
		kit_submit("a.b", key);
		kit_finish(kit_claim(), DROVER_OK);
	}
	kit_commit();
	tick();
	tick();
	ck_assert_int_eq(sent.len, 4);
	answer(DROVER_OK);
	tick();
	ck_assert_int_eq(sent.len, 5);
	while (sent.answered < 5)
		answer(DROVER_OK);
	tick();
	answer(DROVER_OK);
	ck_assert_int_eq(sent.len, 6);
	ck_assert_int_eq(kit_number("select count(*) from notice where state = 'sent'"), 6);
}
END_TEST

START_TEST(what_nobody_takes_comes_again_and_is_given_up_after_a_day)
{
	uint64_t id = kit_submit("a.b", "1");
	struct buf metrics = BUF_INIT;
	int64_t began = clock_wall(), wait;
	cJSON *status;

	kit_claim_id(id);
	kit_commit();
	tick();
	answer(DROVER_AGAIN);
	ck_assert_int_eq((int)tick(), 5000);
	kit_pass(4999);
	tick();
	ck_assert_int_eq(sent.len, 1);
	kit_pass(1);
	tick();
	ck_assert_int_eq(sent.len, 2);
	answer(DROVER_PERMANENT);
	ck_assert_int_eq((int)tick(), 10000);
	status = notices_status(sent.notices);
	ck_assert_int_eq((int)json_int(status, "waiting", 0), 1);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(json_get(status, "list"), 0), "error", ""),
	    "not now");
	cJSON_Delete(status);
	while (kit_number("select count(*) from notice where state = 'waiting'") == 1) {
		ck_assert_int_le(clock_wall() - began, 25 * (int64_t)HOUR_MS);
		wait = tick();
		if (sent.len == sent.answered) {
			ck_assert_int_gt(wait, 0);
			ck_assert_int_le(wait, HOUR_MS);
			kit_pass(wait);
			continue;
		}
		/* The list of what was sent is short. */
		free(sent.requests[--sent.len]);
		sent.fn[sent.len](sent.arg[sent.len], DROVER_AGAIN, "not now", 7);
		kit_commit();
	}
	ck_assert_int_ge(clock_wall() - began, 22 * (int64_t)HOUR_MS);
	ck_assert_int_eq(kit_number("select count(*) from notice where state = 'dropped'"), 1);
	ck_assert_int_eq(kit_number("select count(*) from event where event = 'notice-dropped' and "
				    "from_state = to_state"),
	    1);
	notices_metrics(sent.notices, &metrics);
	ck_assert_ptr_nonnull(strstr(buf_str(&metrics),
	    "{operation=\"talk.say\",event=\"start\",result=\"dropped\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(buf_str(&metrics),
	    "{operation=\"talk.say\",event=\"start\",result=\"sent\"} 0\n"));
	buf_free(&metrics);
}
END_TEST

START_TEST(a_clock_that_is_set_back_keeps_no_notice_for_hours)
{
	kit_submit("a.b", "1");
	kit_claim();
	kit_commit();
	tick();
	kit_pass(100 * (int64_t)HOUR_MS);
	tick();
	kit_submit("a.b", "2");
	kit_claim();
	kit_commit();
	tick();
	while (sent.answered < sent.len)
		answer(DROVER_AGAIN);
	kit_commit();
	kit_pass(-100 * (int64_t)HOUR_MS);
	tick();
	kit_commit();
	ck_assert_int_gt(tick(), 0);
	ck_assert_int_le(tick(), HOUR_MS);
	ck_assert_int_eq(sent.len, 2);
	kit_pass(HOUR_MS);
	tick();
	ck_assert_int_ge(sent.len, 3);
	while (sent.answered < sent.len)
		answer(DROVER_OK);
}
END_TEST

START_TEST(a_restart_sends_what_waits)
{
	uint64_t id = kit_submit("a.b", "1");

	kit_claim_id(id);
	kit_commit();
	notices_free(sent.notices);
	kit_restart();
	sent.notices = notices_new(kit.store, kit.q, &kit.config, note_ready, note_send, NULL);
	tick();
	ck_assert_int_eq(sent.len, 1);
	answer(DROVER_OK);
}
END_TEST

START_TEST(what_waits_for_a_plugin_that_starts_uses_up_no_try)
{
	kit_submit("a.b", "1");
	kit_claim();
	kit_commit();
	sent.starting = true;
	ck_assert_int_gt((int)tick(), 0);
	kit_pass(HOUR_MS);
	ck_assert_int_gt((int)tick(), 0);
	ck_assert_int_eq(sent.len, 0);
	ck_assert_int_eq(kit_number("select tries from notice"), 0);
	sent.starting = false;
	tick();
	ck_assert_int_eq(sent.len, 1);
	answer(DROVER_OK);
	ck_assert_int_eq(kit_number("select tries from notice where state = 'sent'"), 1);
}
END_TEST

START_TEST(what_waits_for_a_plugin_that_starts_stops_no_other)
{
	struct job *job;
	char key[16];

	sent.starting = true;
	sent.starting_only = "talk.say";
	for (int i = 0; i < 20; i++) {
		(void)snprintf(key, sizeof key, "%d", i);
		kit_submit("a.b", key);
		kit_finish(kit_claim(), DROVER_OK);
	}
	job = kit_claim_id(kit_submit("a.c", "asks"));
	kit_finish(job, DROVER_HUMAN);
	kit_commit();
	tick();
	ck_assert_int_eq(sent.len, 1);
	ck_assert_str_eq(sent.operation, "talk.ask");
	answer(DROVER_OK);
}
END_TEST

START_TEST(text_is_one_short_line)
{
	struct job job = { .kind = (char *)(uintptr_t) "a.b",
		.key = (char *)(uintptr_t) "K\n1",
		.title = NULL,
		.attempt = 3,
		.trace = "0123" };
	struct job_news word = { "dead", &job, "first\nsecond \033[31m" };
	char title[1000];
	struct buf out = BUF_INIT;

	memset(title, 't', sizeof title - 1);
	title[sizeof title - 1] = '\0';
	job.title = title;
	notice_text(&word, &out);
	ck_assert_ptr_null(strpbrk(buf_str(&out), "\n\033"));
	ck_assert_ptr_nonnull(strstr(buf_str(&out),
	    " - dead after 3 attempts: first second \\x1b[31m (trace 0123)"));
	ck_assert_int_lt((int)out.len, 700);
	buf_free(&out);
}
END_TEST

START_TEST(a_test_goes_by_the_entry_of_its_place)
{
	int said = 0;

	ck_assert_int_eq(notices_test(sent.notices, 2, NULL, &said, &kit.err), -1);
	ck_assert_int_eq(notices_test(sent.notices, 1, NULL, &said, &kit.err), 0);
	ck_assert_str_eq(sent.operation, "talk.ask");
	ck_assert_ptr_eq(sent.arg[0], &said);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "notice", setup, teardown);

	tcase_add_test(tc, nothing_is_sent_before_its_commit);
	tcase_add_test(tc, what_is_rolled_back_has_not_happened);
	tcase_add_test(tc, only_what_is_asked_for_is_told);
	tcase_add_test(tc, four_are_on_their_way_at_once);
	tcase_add_test(tc, what_nobody_takes_comes_again_and_is_given_up_after_a_day);
	tcase_add_test(tc, a_clock_that_is_set_back_keeps_no_notice_for_hours);
	tcase_add_test(tc, a_restart_sends_what_waits);
	tcase_add_test(tc, what_waits_for_a_plugin_that_starts_uses_up_no_try);
	tcase_add_test(tc, what_waits_for_a_plugin_that_starts_stops_no_other);
	tcase_add_test(tc, text_is_one_short_line);
	tcase_add_test(tc, a_test_goes_by_the_entry_of_its_place);
}

SUITE(cases)
