/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources in the core: the items of a poll, and the settlements that they
 * cause. The queue and the store are real; the test is the runner.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "super/fleet.h"
#include "super/sources.h"

#include "queue_kit.h"
#include "suite.h"

static struct core core;
static struct supervisor s;
static struct runner_handle runner;
static int far; /* the runner's end of its channel */
static char plugin[] = "a", local[] = "in";
static struct config_source configured = { .name = local,
	.enabled = true,
	.interval_ms = 1000,
	.poll_timeout_ms = 60000 };
static struct config_plugin plugins[] = {
	{ .name = plugin, .sources = &configured, .sources_len = 1 }
};

static void
ignore_message(void *arg, struct message *m)
{
}

static void
ignore_end(void *arg, const char *why)
{
}

static const struct channel_calls calls = { .message = ignore_message, .closed = ignore_end };

static void
setup(void)
{
	static const char exports[] = "{\"sources\":[{\"name\":\"in\"}]}";
	int fds[2];

	kit_setup();
	kit.config.plugins = plugins;
	kit.config.plugins_len = 1;
	core_init(&core);
	core.mode = CORE_RUNNING;
	core.base = event_base_new();
	core.config = &kit.config;
	core.store = kit.store;
	core.queue = kit.q;
	memset(&s, 0, sizeof s);
	s.core = &core;
	TAILQ_INIT(&s.runners);
	TAILQ_INIT(&s.peers);
	TAILQ_INIT(&s.calls);
	memset(&runner, 0, sizeof runner);
	runner.supervisor = &s;
	runner.plugin = plugin;
	runner.state = RUNNER_READY;
	runner.exports = json_parse(exports, sizeof exports - 1, sizeof exports, &kit.err);
	ck_assert_int_eq(message_pair(fds, &kit.err), 0);
	far = fds[1];
	ck_assert_int_eq(fcntl(far, F_SETFL, O_NONBLOCK), 0);
	runner.channel = channel_new(core.base, fds[0], &calls, NULL);
	TAILQ_INSERT_TAIL(&s.runners, &runner, link);
	sources_ready(&runner);
	ck_assert_int_eq(runner.sources_len, 1);
}

static void
teardown(void)
{
	sources_forget(&runner);
	cJSON_Delete(runner.exports);
	channel_free(runner.channel);
	close(far);
	event_base_free(core.base);
	kit.config.plugins = NULL;
	kit.config.plugins_len = 0;
	kit_teardown();
}

/* Hands a message to the core as if the runner had sent it. */
static void
deliver(struct message_out *out)
{
	struct message m;

	ck_assert_msg(message_decode(&m, out->bytes.data, out->bytes.len, &kit.err) == 0, "%s",
	    kit.err.text);
	message_out_free(out);
	sources_message(&runner, &m);
	message_free(&m);
}

static void
item(const char *key, uint64_t flags)
{
	static const char *const rest[] = { "", "", "", "", "" };
	struct message_out out;

	message_begin(&out, MESSAGE_SOURCE_ITEM, runner.sources[0].poll_id);
	message_put_s(&out, "in");
	message_put_s(&out, "a.b");
	message_put_s(&out, key);
	for (size_t i = 0; i < ARRAY_LEN(rest); i++)
		message_put_s(&out, rest[i]);
	message_put_i(&out, 0);
	message_put_b(&out, "", 0);
	message_put_s(&out, "");
	message_put_s(&out, "");
	message_put_s(&out, "");
	message_put_u(&out, 0);
	message_put_u(&out, flags);
	deliver(&out);
}

static void
begin_poll(void)
{
	kit_pass(1000);
	(void)sources_tick(&runner, clock_mono());
	ck_assert_int_ne(runner.sources[0].poll_began, 0);
}

static void
end_poll(void)
{
	struct message_out out;
	struct error none = { 0 };

	message_begin(&out, MESSAGE_SOURCE_POLLED, runner.sources[0].poll_id);
	message_put_s(&out, "in");
	message_put_error(&out, &none);
	message_put_u(&out, 0);
	message_put_s(&out, "");
	message_put_i(&out, 0);
	deliver(&out);
	kit_commit();
}

START_TEST(a_replaced_job_is_settled_at_once)
{
	struct message m;

	begin_poll();
	item("K@1", 0);
	end_poll();
	(void)sources_tick(&runner, clock_mono());
	begin_poll();
	item("K@2", DROVER_ITEM_REPLACES);
	end_poll();
	while (message_recv(far, &m, &kit.err) == 1)
		message_free(&m);
	(void)sources_tick(&runner, clock_mono());
	ck_assert_int_eq(message_recv(far, &m, &kit.err), 1);
	ck_assert_int_eq(m.type, MESSAGE_SOURCE_SETTLE);
	ck_assert_str_eq(message_s(&m, "key"), "K@1");
	ck_assert_str_eq(message_s(&m, "state"), "cancelled");
	message_free(&m);
}
END_TEST

START_TEST(a_poll_with_too_many_items_condemns_its_runner)
{
	char key[16];

	begin_poll();
	for (int i = 0; i < 1001; i++) {
		ck_assert_str_eq(runner.condemned, "");
		(void)snprintf(key, sizeof key, "%d", i);
		item(key, 0);
	}
	ck_assert_ptr_nonnull(
	    strstr(runner.condemned, "the poll of a.in sent more than 1000 items"));
	for (int i = 0; i < 1001; i++)
		item("more", 0);
	ck_assert_int_le(runner.sources[0].items_len, 1000);
	end_poll();
	ck_assert_int_eq(kit_number("select count(*) from job"), 0);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "sources", setup, teardown);

	tcase_add_test(tc, a_replaced_job_is_settled_at_once);
	tcase_add_test(tc, a_poll_with_too_many_items_condemns_its_runner);
}

SUITE(cases)
