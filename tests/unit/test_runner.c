/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runners against a fake core: refusals, polls, settles, watches, operations,
 * and a plugin that crashes.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "wire/fields.h"
#include "acting_core.h"
#include "temp.h"
#include "suite.h"

#define SOURCE(settings) "sources = { items = { " settings " }; };"

static void
poll_source(struct core *core, uint64_t id)
{
	struct message_out out;

	message_begin(&out, MESSAGE_SOURCE_POLL, id);
	message_put_s(&out, "items");
	message_put_s(&out, "");
	core_send(core->runner, &out);
}

static void
polled(struct core *core, uint64_t id, int class, const char *text, bool moved)
{
	struct message m;

	core_expect(core->runner, MESSAGE_SOURCE_POLLED, &m);
	ck_assert_uint_eq(m.id, id);
	ck_assert_msg(message_i(&m, "class") == class &&
		strstr(message_s(&m, "text"), text) != NULL,
	    "class %d, \"%s\"", (int)message_i(&m, "class"), message_s(&m, "text"));
	ck_assert_uint_eq(message_u(&m, "moved"), moved);
	ck_assert_str_eq(message_s(&m, "cursor"), moved ? "next" : "");
	message_free(&m);
}

START_TEST(a_runner_says_what_it_offers)
{
	struct core core;
	struct message m;
	struct error err;
	cJSON *exports;

	ck_assert_int_eq(core_start(&core, SOURCE("poll = \"item\";"), false, &m),
	    MESSAGE_RUNNER_READY);
	exports =
	    json_parse(message_s(&m, "exports"), strlen(message_s(&m, "exports")), 1 << 20, &err);
	ck_assert_str_eq(json_str(exports, "name", ""), "hostile");
	ck_assert_str_eq(json_str(exports, "abi", ""), "1.1");
	ck_assert(json_bool(cJSON_GetArrayItem(json_get(exports, "sources"), 0), "enabled", false));
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(json_get(exports, "pipelines"), 0), "pool",
			     ""),
	    "light");
	ck_assert_int_eq(json_int(cJSON_GetArrayItem(json_get(exports, "operations"), 0),
			     "timeout_ms", 0),
	    60000);
	cJSON_Delete(exports);
	message_free(&m);
	core_close(&core);
}
END_TEST

static void
refused(const char *settings, int class, const char *text)
{
	struct core core;
	struct message m;

	ck_assert_int_eq(core_start(&core, settings, false, &m), MESSAGE_RUNNER_REFUSED);
	ck_assert_msg(message_i(&m, "class") == class &&
		strstr(message_s(&m, "text"), text) != NULL,
	    "class %d, \"%s\"", (int)message_i(&m, "class"), message_s(&m, "text"));
	message_free(&m);
	ck_assert(core_closed(core.runner));
	core_close(&core);
}

START_TEST(refusals_name_the_fault)
{
	refused("options = { open = \"fail\"; };", DROVER_AGAIN,
	    "plugin hostile: the weather is bad");
	refused("options = { open = \"unended\"; };", DROVER_AGAIN, "plugin hostile: xxx");
	refused("options = { opne = \"fail\"; };", DROVER_CONFIG, "opne");
	refused("sources = { itmes = { }; };", DROVER_CONFIG, "plugin hostile has no source itmes");
	refused("pipelines = { rnu = { }; };", DROVER_CONFIG, "plugin hostile has no pipeline rnu");
	refused(SOURCE("watch = \"/nonexistent\";"), DROVER_CONFIG,
	    "source hostile.items: cannot watch /nonexistent");
}
END_TEST

START_TEST(items_and_cursor_come_when_poll_returns_well)
{
	struct core core;
	struct message m;

	core_open(&core, SOURCE("poll = \"item\";"), false);
	poll_source(&core, 31);
	core_expect(core.runner, MESSAGE_SOURCE_ITEM, &m);
	ck_assert_uint_eq(m.id, 31);
	ck_assert_str_eq(message_s(&m, "source"), "items");
	ck_assert_str_eq(message_s(&m, "kind"), "hostile.run");
	ck_assert_str_eq(message_s(&m, "key"), "emitted");
	message_free(&m);
	polled(&core, 31, DROVER_OK, "", true);
	core_close(&core);
	core_open(&core, SOURCE("poll = \"item fail\";"), false);
	poll_source(&core, 32);
	polled(&core, 32, DROVER_AUTH, "who are you", false);
	core_close(&core);
}
END_TEST

START_TEST(a_poll_that_crashes_ends_the_runner_with_last_words)
{
	struct core core;
	struct buf words = BUF_INIT;
	struct error err;
	int status;

	core_open(&core, SOURCE("poll = \"segv\";"), false);
	poll_source(&core, 1);
	ck_assert(core_closed(core.runner));
	ck_assert_int_eq(waitpid(core.pid, &status, 0), core.pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	ck_assert_int_eq(path_read(core.stderr_file, 1 << 20, &words, &err), 0);
	ck_assert_msg(strstr(buf_str(&words),
			  "plugin hostile: signal 11 in poll of source hostile.items\n") != NULL,
	    "%s", buf_str(&words));
	buf_free(&words);
	core_close(&core);
}
END_TEST

START_TEST(a_poll_that_exits_is_the_end_of_the_runner)
{
	struct core core;

	core_open(&core, SOURCE("poll = \"exit\";"), false);
	poll_source(&core, 1);
	ck_assert(core_closed(core.runner));
	core_close(&core);
}
END_TEST

START_TEST(a_source_that_is_not_open_cannot_be_polled)
{
	struct core core;

	core_open(&core, "", false);
	poll_source(&core, 1);
	polled(&core, 1, DROVER_CONFIG, "no open source items", false);
	core_close(&core);
}
END_TEST

static void
settle(struct core *core, uint64_t job, const char *key)
{
	const struct drover_settled settled = { .attempts = 2,
		.job = job,
		.kind = "hostile.run",
		.key = key,
		.state = "succeeded",
		.result = "{}" };
	struct message_out out;

	message_begin(&out, MESSAGE_SOURCE_SETTLE, job);
	message_put_s(&out, "items");
	SETTLED_FIELDS(FIELD_PUT, &out, &settled);
	core_send(core->runner, &out);
}

START_TEST(settling_answers_with_the_plugins_class)
{
	struct core core;
	struct message m;

	core_open(&core, SOURCE(""), false);
	settle(&core, 5, "ok");
	core_expect(core.runner, MESSAGE_SOURCE_SETTLED, &m);
	ck_assert_uint_eq(message_u(&m, "job"), 5);
	ck_assert_int_eq(message_i(&m, "class"), DROVER_OK);
	message_free(&m);
	settle(&core, 6, "fail");
	core_expect(core.runner, MESSAGE_SOURCE_SETTLED, &m);
	ck_assert_uint_eq(message_u(&m, "job"), 6);
	ck_assert_int_eq(message_i(&m, "class"), DROVER_AGAIN);
	ck_assert_int_eq(message_i(&m, "retry"), 7000);
	message_free(&m);
	core_close(&core);
}
END_TEST

START_TEST(a_change_in_a_watched_folder_is_told_once)
{
	struct core core;
	struct message m;
	char *dir = temp_make(),
	     *settings = xasprintf(SOURCE("watch = \"%s\"; poll = \"ok\";"), dir), *file;

	core_open(&core, settings, false);
	for (int i = 0; i < 3; i++) {
		file = temp_file(dir, "ticket.md", "text");
		free(file);
	}
	core_expect(core.runner, MESSAGE_SOURCE_CHANGED, &m);
	ck_assert_str_eq(message_s(&m, "source"), "items");
	message_free(&m);
	poll_source(&core, 1);
	polled(&core, 1, DROVER_OK, "", false);
	core_close(&core);
	free(settings);
	temp_remove(dir);
}
END_TEST

static void
call(struct core *core, const char *request, int64_t timeout)
{
	struct message_out out;

	message_begin(&out, MESSAGE_OPERATION_CALL, 70);
	message_put_s(&out, "call");
	message_put_u(&out, 70);
	message_put_s(&out, "token");
	message_put_i(&out, timeout);
	message_put_b(&out, request, strlen(request));
	core_send(core->runner, &out);
}

static void
answered(struct core *core, int class, const char *text, const char *reply)
{
	struct message m;
	size_t len;
	int fd = core_admit(core, 0, 70, DROVER_OK);

	core_expect(fd, MESSAGE_OPERATION_REPLY, &m);
	ck_assert_uint_eq(message_u(&m, "call"), 70);
	ck_assert_msg(message_i(&m, "class") == class &&
		strstr(message_s(&m, "text"), text) != NULL,
	    "class %d, \"%s\"", (int)message_i(&m, "class"), message_s(&m, "text"));
	ck_assert_str_eq(message_b(&m, "reply", &len), reply);
	core_reply(fd, m.id, DROVER_OK, "", 0, "");
	message_free(&m);
	close(fd);
}

START_TEST(operations_are_always_answered)
{
	struct core core;

	core_open(&core, "", false);
	call(&core, "reply hello", 60000);
	answered(&core, DROVER_OK, "", "hello");
	call(&core, "ok", 60000);
	answered(&core, DROVER_OK, "", "");
	call(&core, "fail", 60000);
	answered(&core, DROVER_AGAIN, "the weather is bad", "");
	call(&core, "segv", 60000);
	answered(&core, DROVER_INTERNAL, "plugin hostile: signal 11 in call of operation call", "");
	call(&core, "exit", 60000);
	answered(&core, DROVER_INTERNAL, "the plugin ended the process", "");
	call(&core, "stubborn", 50);
	answered(&core, DROVER_INTERNAL, "ended by signal 9", "");
	core_close(&core);
}
END_TEST

START_TEST(closing_is_called_at_a_stop)
{
	struct core core;
	struct message_out out;
	char *dir = temp_make(),
	     *settings = xasprintf("options = { close = \"write %s/closed\"; };", dir),
	     *path = path_join(dir, "closed");

	core_open(&core, settings, false);
	ck_assert_int_eq(access(path, F_OK), -1);
	message_begin(&out, MESSAGE_RUNNER_STOP, 0);
	core_send(core.runner, &out);
	ck_assert(core_closed(core.runner));
	core_close(&core);
	ck_assert_int_eq(access(path, F_OK), 0);
	free(settings);
	free(path);
	temp_remove(dir);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "runner", NULL, NULL);

	tcase_add_test(tc, a_runner_says_what_it_offers);
	tcase_add_test(tc, refusals_name_the_fault);
	tcase_add_test(tc, items_and_cursor_come_when_poll_returns_well);
	tcase_add_test(tc, a_poll_that_crashes_ends_the_runner_with_last_words);
	tcase_add_test(tc, a_poll_that_exits_is_the_end_of_the_runner);
	tcase_add_test(tc, a_source_that_is_not_open_cannot_be_polled);
	tcase_add_test(tc, settling_answers_with_the_plugins_class);
	tcase_add_test(tc, a_change_in_a_watched_folder_is_told_once);
	tcase_add_test(tc, operations_are_always_answered);
	tcase_add_test(tc, closing_is_called_at_a_stop);
}

SUITE(cases)
