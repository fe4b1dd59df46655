/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline exec.command: what it runs, where, and what it makes of the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_host.h"
#include "suite.h"

static struct fake *fake;
static const struct drover_pipeline *pipeline;
static struct drover_error err;

static void
setup(void)
{
	fake = fake_new();
	pipeline = fake_load("exec")->pipelines[0];
}

static void
teardown(void)
{
	fake_free(fake);
}

static int
run_bytes(const char *payload, size_t len, const char *repo)
{
	struct drover_job job = {
		.size = sizeof(job),
		.attempt = 1,
		.id = 1,
		.epoch = 1,
		.kind = "exec.command",
		.key = "k",
		.trace = "t",
		.title = "t",
		.repo = repo,
		.agent = "",
		.payload = payload,
		.payload_len = len,
	};

	memset(&err, 0, sizeof(err));
	return pipeline->run(&fake->scope, NULL, &job, &err);
}

static int
run(const char *payload, const char *repo)
{
	return run_bytes(payload, strlen(payload), repo);
}

START_TEST(a_list_is_a_command_and_one_call)
{
	ck_assert_int_eq(run("[\"echo\", \"a b\", \"$(c)\", \"\"]", ""), 0);
	ck_assert_str_eq(fake->argv, "[echo][a b][$(c)][]");
	ck_assert_str_eq(fake->cwd, "/");
	ck_assert_str_eq(fake->env, "");
	ck_assert_int_eq(fake->timeout_ms, 0);
	ck_assert_uint_eq(fake->calls, 1);
}
END_TEST

START_TEST(an_object_says_more)
{
	ck_assert_int_eq(run("{\"argv\": [\"cat\"], \"env\": {\"A\": \"1\", \"_b2\": \"x=y\"}, "
			     "\"input\": \"hi\\n\", \"timeout\": \"10m\"}\n",
			     ""),
	    0);
	ck_assert_str_eq(fake->argv, "[cat]");
	ck_assert_str_eq(fake->env, "[A=1][_b2=x=y]");
	ck_assert_str_eq(fake->input, "hi\n");
	ck_assert_int_eq(fake->timeout_ms, 600000);
	ck_assert_uint_eq(fake->calls, 1);
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = { { "1ms", 1 }, { "90s", 90000 }, { "2h", 7200000 }, { "0s", -1 }, { "", -1 },
		{ "5", -1 }, { "-5s", -1 }, { "5d", -1 }, { "5 s", -1 }, { "9999999999s", -1 },
		{ "5sx", -1 } };
	char payload[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(payload, sizeof(payload), "{\"argv\":[\"x\"],\"timeout\":\"%s\"}",
		    cases[i].text);
		ck_assert_int_eq(run(payload, ""), cases[i].ms < 0 ? DROVER_PERMANENT : 0);
		if (cases[i].ms > 0)
			ck_assert_int_eq(fake->timeout_ms, cases[i].ms);
	}
}
END_TEST

START_TEST(a_repo_is_leased_and_its_diff_reported)
{
	ck_assert_int_eq(run("[\"make\"]", "web"), 0);
	ck_assert_str_eq(fake->leased, "web");
	ck_assert_str_eq(fake->cwd, "/leased");
	ck_assert_str_eq(fake_result(fake, "files"), "2");
	ck_assert_str_eq(fake_result(fake, "added"), "10");
	ck_assert_str_eq(fake_result(fake, "removed"), "3");
	fake_forget(fake);
	fake->lease_code = DROVER_AGAIN;
	ck_assert_int_eq(run("[\"make\"]", "web"), DROVER_AGAIN);
	ck_assert_str_eq(fake->argv, "");
}
END_TEST

START_TEST(scratch_is_made_when_asked_for)
{
	ck_assert_int_eq(run("{\"argv\":[\"x\"],\"scratch\":true}", ""), 0);
	ck_assert_str_eq(fake->cwd, "/scratch");
	ck_assert_int_eq(run("{\"argv\":[\"x\"],\"scratch\":false}", ""), 0);
	ck_assert_str_eq(fake->cwd, "/");
}
END_TEST

START_TEST(a_failure_says_how_and_what_was_last_written)
{
	fake->outcome.status = 3;
	memcpy(fake->outcome.tail, "warning\nno such \xff" "file\n\n", 23);
	ck_assert_int_eq(run("[\"make\"]", ""), DROVER_INTERNAL);
	ck_assert_str_eq(err.text, "make: exit status 3: warning\nno such file");
	ck_assert_str_eq(fake_result(fake, "exit"), "3");

	memset(&fake->outcome, 0, sizeof(fake->outcome));
	fake->outcome.status = -1;
	fake->outcome.signal = 11;
	ck_assert_int_eq(run("[\"make\"]", ""), DROVER_INTERNAL);
	ck_assert_str_eq(err.text, "make: ended by signal 11");

	fake->outcome.signal = 9;
	fake->outcome.timed_out = 1;
	ck_assert_int_eq(run("[\"make\"]", ""), DROVER_INTERNAL);
	ck_assert_str_eq(err.text, "make: stopped after its timeout");

	memset(fake->outcome.tail, 'x', sizeof(fake->outcome.tail) - 1);
	memcpy(fake->outcome.tail + sizeof(fake->outcome.tail) - 10, "the end.\n", 10);
	ck_assert_int_eq(run("[\"make\"]", ""), DROVER_INTERNAL);
	ck_assert_str_eq(err.text + strlen(err.text) - 8, "the end.");
	memset(fake->outcome.tail, 0xe2, sizeof(fake->outcome.tail));
	ck_assert_int_eq(run("[\"make\"]", ""), DROVER_INTERNAL);
	ck_assert_str_eq(err.text, "make: stopped after its timeout");
}
END_TEST

START_TEST(a_command_that_cannot_run_keeps_its_class)
{
	fake->exec_code = DROVER_CONFIG;
	ck_assert_int_eq(run("[\"nowhere\"]", ""), DROVER_CONFIG);
	ck_assert_str_eq(err.text, "no such command");
	fake->exec_code = DROVER_CANCELLED;
	ck_assert_int_eq(run("[\"nowhere\"]", "web"), DROVER_CANCELLED);
	ck_assert_ptr_null(fake_result(fake, "files"));
}
END_TEST

START_TEST(allow_bounds_what_may_run)
{
	fake_option(fake, "allow", "make");
	fake_option(fake, "allow", "/usr/bin/true");
	ck_assert_int_eq(run("[\"make\", \"all\"]", ""), 0);
	ck_assert_int_eq(run("[\"/usr/bin/true\"]", ""), 0);
	fake_forget(fake);
	ck_assert_int_eq(run("[\"/tmp/make\"]", "web"), DROVER_PERMANENT);
	ck_assert_int_eq(run("[\"mak\"]", ""), DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(err.text, "allow"));
	ck_assert_uint_eq(fake->calls, 0);
}
END_TEST

static const struct {
	const char *payload, *why;
} malformed[] = {
	{ "", "not valid JSON" },
	{ "{", "not valid JSON" },
	{ "[\"a\"] x", "not valid JSON" },
	{ "[\"a\"],", "not valid JSON" },
	{ "\"a\"", "a list or an object" },
	{ "3", "a list or an object" },
	{ "null", "a list or an object" },
	{ "[]", "argv must be a list" },
	{ "[1]", "argv[0]" },
	{ "[\"a\", null]", "argv[1]" },
	{ "[\"\"]", "argv[0] is empty" },
	{ "[[\"a\"]]", "argv[0]" },
	{ "{}", "argv is missing" },
	{ "{\"argv\": \"ls\"}", "argv must be a list" },
	{ "{\"argv\":[\"a\"],\"cwd\":\"/etc\"}", "\"cwd\" is unknown" },
	{ "{\"argv\":[\"a\"],\"argv\":[\"b\"]}", "\"argv\" is given twice" },
	{ "{\"argv\":[\"a\"],\"env\":[\"A=1\"]}", "env must be an object" },
	{ "{\"argv\":[\"a\"],\"env\":{\"A B\":\"1\"}}", "\"A B\"" },
	{ "{\"argv\":[\"a\"],\"env\":{\"\":\"1\"}}", "\"\"" },
	{ "{\"argv\":[\"a\"],\"env\":{\"A\":1}}", "A is not a string" },
	{ "{\"argv\":[\"a\"],\"env\":{\"A\":\"1\",\"env\":\"x\",\"B=\":\"1\"}}", "\"B=\"" },
	{ "{\"argv\":[\"a\"],\"input\":3}", "input must be a string" },
	{ "{\"argv\":[\"a\"],\"timeout\":10}", "timeout must be a duration" },
	{ "{\"argv\":[\"a\"],\"scratch\":\"yes\"}", "scratch must be true or false" },
	{ "[\"a\\u0000b\"]", "NUL" },
};

START_TEST(what_is_malformed_is_refused)
{
	ck_assert_int_eq(run(malformed[_i].payload, "web"), DROVER_PERMANENT);
	ck_assert_msg(strstr(err.text, malformed[_i].why) != NULL, "%s: %s", malformed[_i].payload,
	    err.text);
	ck_assert_uint_eq(fake->calls, 0);
}
END_TEST

START_TEST(depth_and_length_are_bounded)
{
	char *payload = malloc(DROVER_PAYLOAD_MAX + 1);

	memset(payload, '[', DROVER_PAYLOAD_MAX + 1);
	ck_assert_int_eq(run_bytes(payload, DROVER_PAYLOAD_MAX, ""), DROVER_PERMANENT);
	memset(payload, ' ', DROVER_PAYLOAD_MAX + 1);
	memcpy(payload, "[\"a\"]", 5);
	ck_assert_int_eq(run_bytes(payload, DROVER_PAYLOAD_MAX, ""), 0);
	ck_assert_int_eq(run_bytes(payload, DROVER_PAYLOAD_MAX + 1, ""), DROVER_PERMANENT);
	free(payload);
}
END_TEST

START_TEST(any_bytes_are_run_or_refused)
{
	static const char seed[] = "{\"argv\": [\"cat\", \"\\u00e4\"], \"env\": {\"A\": \"1\", "
				   "\"_b2\": \"x\"}, \"input\": \"hi\", "
				   "\"timeout\": \"10m\", \"scratch\": true}";
	uint32_t random = 99;
	int round, good = 0;

	for (round = 0; round < 20000; round++) {
		size_t len = sizeof(seed) - 1, i, n;
		char *text;

		n = (random = random * 1664525u + 1013904223u) >> 24 & 3;
		if ((random >> 20 & 7) == 0)
			len = (random >> 8) % (len + 1);
		text = malloc(len > 0 ? len : 1);
		memcpy(text, seed, len);
		for (i = 0; i < n && len > 0; i++) {
			random = random * 1664525u + 1013904223u;
			text[(random >> 8) % len] = (char)(random >> 24);
		}
		fake_forget(fake);
		if (run_bytes(text, len, "") == 0) {
			good++;
			ck_assert_uint_gt(strlen(fake->argv), 0);
		} else
			ck_assert_int_eq(err.code, DROVER_PERMANENT);
		free(text);
	}
	ck_assert_int_gt(good, 1000);
	ck_assert_int_lt(good, 19000);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "command", setup, teardown);

	tcase_add_test(t, a_list_is_a_command_and_one_call);
	tcase_add_test(t, an_object_says_more);
	tcase_add_test(t, durations);
	tcase_add_test(t, a_repo_is_leased_and_its_diff_reported);
	tcase_add_test(t, scratch_is_made_when_asked_for);
	tcase_add_test(t, a_failure_says_how_and_what_was_last_written);
	tcase_add_test(t, a_command_that_cannot_run_keeps_its_class);
	tcase_add_test(t, allow_bounds_what_may_run);
	tcase_add_loop_test(t, what_is_malformed_is_refused, 0,
	    (int)(sizeof(malformed) / sizeof(malformed[0])));
	tcase_add_test(t, depth_and_length_are_bounded);
	tcase_add_test(t, any_bytes_are_run_or_refused);
}

SUITE(cases)
