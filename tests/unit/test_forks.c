/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runner forks beside its polls: in the middle of one, for hooks, and
 * for listeners.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
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
polled(struct core *core, uint64_t id, int class)
{
	struct message m;

	core_expect(core->runner, MESSAGE_SOURCE_POLLED, &m);
	ck_assert_uint_eq(m.id, id);
	ck_assert_msg(message_i(&m, "class") == class, "class %d, \"%s\"",
	    (int)message_i(&m, "class"), message_s(&m, "text"));
	message_free(&m);
}

static void
call(struct core *core, uint64_t id, const char *request, int64_t timeout)
{
	struct message_out out;

	message_begin(&out, MESSAGE_OPERATION_CALL, id);
	message_put_s(&out, "call");
	message_put_u(&out, id);
	message_put_s(&out, "token");
	message_put_i(&out, timeout);
	message_put_b(&out, request, strlen(request));
	core_send(core->runner, &out);
}

/* A fork that comes with its answer. */
static void
answered(struct core *core, uint64_t id, enum message_type type, int class, const char *text)
{
	struct message m;
	int fd = core_admit(core, 0, id, DROVER_OK);

	core_expect(fd, type, &m);
	ck_assert_uint_eq(message_u(&m, "call"), id);
	ck_assert_msg(message_i(&m, "class") == class &&
		strstr(message_s(&m, "text"), text) != NULL,
	    "class %d, \"%s\"", (int)message_i(&m, "class"), message_s(&m, "text"));
	core_reply(fd, m.id, DROVER_OK, "", 0, "");
	message_free(&m);
	close(fd);
}

static void
stop(struct core *core)
{
	struct message_out out;

	message_begin(&out, MESSAGE_RUNNER_STOP, 0);
	core_send(core->runner, &out);
}

START_TEST(forks_do_not_wait_for_a_poll_that_asks_the_core)
{
	struct core core;
	struct message m;
	uint64_t id;

	core_open(&core, SOURCE("poll = \"capacity\";"), false);
	poll_source(&core, 1);
	core_expect(core.runner, MESSAGE_CAPACITY_ASK, &m);
	ck_assert_str_eq(message_s(&m, "kind"), "hostile.run");
	id = m.id;
	message_free(&m);
	call(&core, 70, "ok", 60000);
	answered(&core, 70, MESSAGE_OPERATION_REPLY, DROVER_OK, "");
	poll_source(&core, 2);
	core_reply(core.runner, id, DROVER_OK, "", 2, "");
	for (int i = 0; i < 2; i++) {
		core_expect(core.runner, MESSAGE_SOURCE_ITEM, &m);
		ck_assert_uint_eq(m.id, 1);
		message_free(&m);
	}
	polled(&core, 1, DROVER_OK);
	core_expect(core.runner, MESSAGE_CAPACITY_ASK, &m);
	core_reply(core.runner, m.id, DROVER_OK, "", 0, "");
	message_free(&m);
	polled(&core, 2, DROVER_OK);
	core_close(&core);
}
END_TEST

/* in_process: threads instead of forks. */
static void
forks_during_a_poll(bool in_process)
{
	struct core core;
	char *dir = temp_make(), *gate = path_join(dir, "gate"), *settings;

	settings = xasprintf(SOURCE("poll = \"service %s\";"), gate);
	core_open(&core, settings, in_process);
	poll_source(&core, 1);
	call(&core, 70, "ok", 60000);
	answered(&core, 70, MESSAGE_OPERATION_REPLY, DROVER_OK, "");
	if (!in_process) {
		call(&core, 71, "segv", 60000);
		answered(&core, 71, MESSAGE_OPERATION_REPLY, DROVER_INTERNAL,
		    "plugin hostile: signal 11 in call of operation call");
		call(&core, 72, "stubborn", 50);
		answered(&core, 72, MESSAGE_OPERATION_REPLY, DROVER_INTERNAL, "ended by signal 9");
	}
	core_worker(&core);
	core_assign(&core, 5, "ok", 60000, 60000);
	core_done_with(&core, 5, DROVER_OK, "");
	free(temp_file(dir, "gate", ""));
	polled(&core, 1, DROVER_OK);
	core_close(&core);
	free(settings);
	free(gate);
	temp_remove(dir);
}

START_TEST(forks_do_not_wait_for_a_poll_that_waits_and_keep_nothing_of_it)
{
	forks_during_a_poll(false);
}
END_TEST

START_TEST(threads_do_not_wait_for_a_poll_either)
{
	forks_during_a_poll(true);
}
END_TEST

START_TEST(a_stop_ends_a_poll_that_waits)
{
	struct core core;

	core_open(&core, SOURCE("poll = \"service /nowhere\";"), false);
	poll_source(&core, 1);
	stop(&core);
	polled(&core, 1, DROVER_CANCELLED);
	ck_assert(core_closed(core.runner));
	core_close(&core);
}
END_TEST

static void
deliver(struct core *core, uint64_t id, const char *body, size_t len, size_t first)
{
	struct message_out out;

	message_begin(&out, MESSAGE_HOOK_CALL, id);
	message_put_u(&out, id);
	message_put_s(&out, "token");
	message_put_i(&out, 3000);
	message_put_s(&out, "[[\"x-id\",\"d-1\"],[\"host\",\"here\"]]");
	message_put_u(&out, len);
	message_put_b(&out, body, first);
	core_send(core->runner, &out);
}

START_TEST(a_hook_gets_its_delivery_whole_and_wakes)
{
	static char body[3000] = "wake\n";
	struct core core;
	struct message m;
	int fd;

	memset(body + 5, 'x', sizeof body - 6);
	core_open(&core, "", false);
	deliver(&core, 80, body, sizeof body - 1, 1000);
	fd = core_admit(&core, 0, 80, DROVER_OK);
	for (size_t at = 1000, n; at < sizeof body - 1; at += n) {
		core_expect(fd, MESSAGE_HOOK_BODY, &m);
		ck_assert_uint_eq(message_u(&m, "from"), at);
		n = at == 1000 ? 1500 : sizeof body - 1 - at;
		core_reply_bytes(fd, m.id, body + at, n);
		message_free(&m);
	}
	core_expect(fd, MESSAGE_SOURCE_WAKE, &m);
	ck_assert_str_eq(message_s(&m, "source"), "items");
	core_reply(fd, m.id, DROVER_OK, "", 0, "");
	message_free(&m);
	core_expect(fd, MESSAGE_HOOK_REPLY, &m);
	ck_assert_int_eq(message_i(&m, "class"), DROVER_OK);
	ck_assert_uint_eq(message_u(&m, "status"), 0);
	ck_assert_str_eq(message_s(&m, "id"), "d-1");
	ck_assert_str_eq(message_s(&m, "body"), "2999 bytes");
	core_reply(fd, m.id, DROVER_OK, "", 0, "");
	message_free(&m);
	close(fd);
	core_close(&core);
}
END_TEST

START_TEST(a_hook_that_fails_or_dies_is_answered_for)
{
	struct core core;

	core_open(&core, "", false);
	deliver(&core, 80, "fail", 4, 4);
	answered(&core, 80, MESSAGE_HOOK_REPLY, DROVER_AGAIN, "the weather is bad");
	deliver(&core, 81, "segv", 4, 4);
	answered(&core, 81, MESSAGE_HOOK_REPLY, DROVER_INTERNAL,
	    "signal 11 in hook of plugin hostile");
	deliver(&core, 82, "reply x", 7, 7);
	answered(&core, 82, MESSAGE_HOOK_REPLY, DROVER_PERMANENT,
	    "call.reply is allowed only in an operation");
	core_close(&core);
}
END_TEST

static void
listen_start(struct core *core, uint64_t id, const char *source)
{
	struct message_out out;

	message_begin(&out, MESSAGE_LISTEN_START, id);
	message_put_s(&out, source);
	message_put_u(&out, id);
	message_put_s(&out, "token");
	core_send(core->runner, &out);
}

START_TEST(a_listener_says_how_it_ended)
{
	struct core core;

	core_open(&core, SOURCE("listen = \"fail\";"), false);
	listen_start(&core, 90, "items");
	answered(&core, 90, MESSAGE_LISTEN_ENDED, DROVER_AGAIN, "the weather is bad");
	listen_start(&core, 91, "other");
	answered(&core, 91, MESSAGE_LISTEN_ENDED, DROVER_CONFIG, "no source other that listens");
	core_close(&core);
	core_open(&core, SOURCE("listen = \"segv\";"), false);
	listen_start(&core, 92, "items");
	answered(&core, 92, MESSAGE_LISTEN_ENDED, DROVER_INTERNAL,
	    "signal 11 in listen of source hostile.items");
	core_close(&core);
	core_open(&core, SOURCE("listen = \"item\";"), false);
	listen_start(&core, 93, "items");
	answered(&core, 93, MESSAGE_LISTEN_ENDED, DROVER_PERMANENT,
	    "queue.emit is allowed only in poll and run");
	core_close(&core);
}
END_TEST

START_TEST(an_end_that_the_core_did_not_take_is_told_again)
{
	struct core core;
	struct message m;
	int fd;

	core_open(&core, SOURCE("listen = \"fail\";"), false);
	listen_start(&core, 90, "items");
	fd = core_admit(&core, 0, 90, DROVER_OK);
	core_expect(fd, MESSAGE_LISTEN_ENDED, &m);
	core_reply(fd, m.id, DROVER_AGAIN, "the disk is full", 0, "");
	message_free(&m);
	answered(&core, 90, MESSAGE_LISTEN_ENDED, DROVER_AGAIN, "the weather is bad");
	close(fd);
	core_close(&core);
}
END_TEST

START_TEST(a_late_operation_is_killed_with_all_that_it_started)
{
	struct core core;
	char *request;

	core_open(&core, "", false);
	request = xasprintf("parent %s", core_path(&core, "lock"));
	call(&core, 70, request, 1000);
	answered(&core, 70, MESSAGE_OPERATION_REPLY, DROVER_INTERNAL, "ended by signal 9");
	core_await_free(&core, "lock");
	free(request);
	core_close(&core);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_a_listener)
{
	struct core core;

	core_open(&core, SOURCE("listen = \"wait\";"), _i == 1);
	listen_start(&core, 90, "items");
	call(&core, 70, "ok", 60000);
	answered(&core, 70, MESSAGE_OPERATION_REPLY, DROVER_OK, "");
	stop(&core);
	if (_i == 1)
		answered(&core, 90, MESSAGE_LISTEN_ENDED, DROVER_CANCELLED, "stopped");
	ck_assert(core_closed(core.runner));
	core_close(&core);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "forks", NULL, NULL);

	tcase_add_test(tc, forks_do_not_wait_for_a_poll_that_asks_the_core);
	tcase_add_test(tc, forks_do_not_wait_for_a_poll_that_waits_and_keep_nothing_of_it);
	tcase_add_test(tc, threads_do_not_wait_for_a_poll_either);
	tcase_add_test(tc, a_stop_ends_a_poll_that_waits);
	tcase_add_test(tc, a_hook_gets_its_delivery_whole_and_wakes);
	tcase_add_test(tc, a_hook_that_fails_or_dies_is_answered_for);
	tcase_add_test(tc, a_listener_says_how_it_ended);
	tcase_add_test(tc, an_end_that_the_core_did_not_take_is_told_again);
	tcase_add_test(tc, a_late_operation_is_killed_with_all_that_it_started);
	tcase_add_loop_test(tc, a_stop_does_not_wait_for_a_listener, 0, 2);
}

SUITE(cases)
