/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins the ABI: every member of every struct in drover/plugin.h as it was
 * released in 1.0, for 64-bit machines. A line here is never changed, only
 * added: a moved member breaks every plugin that exists.
 */

#include <drover/plugin.h>

#include "suite.h"

#define AT(type, member, offset) \
	_Static_assert(offsetof(struct type, member) == (offset), #type "." #member " moved")
#define SIZE(type, size) _Static_assert(sizeof(struct type) >= (size), #type " shrank")

#if __SIZEOF_POINTER__ == 8
AT(drover_error, code, 0);
AT(drover_error, reserved, 4);
AT(drover_error, retry_after_ms, 8);
AT(drover_error, text, 16);
SIZE(drover_error, 528);

AT(drover_scope, host, 0);

AT(drover_option, key, 0);
AT(drover_option, type, 8);
AT(drover_option, flags, 12);
AT(drover_option, fallback, 16);
AT(drover_option, help, 24);
_Static_assert(sizeof(struct drover_option) == 32,
    "tables of options are arrays: their element never grows");

AT(drover_item, size, 0);
AT(drover_item, priority, 4);
AT(drover_item, kind, 8);
AT(drover_item, key, 16);
AT(drover_item, serial, 24);
AT(drover_item, title, 32);
AT(drover_item, repo, 40);
AT(drover_item, agent, 48);
AT(drover_item, pool, 56);
AT(drover_item, payload, 64);
AT(drover_item, payload_len, 72);
AT(drover_item, author, 80);
AT(drover_item, flags, 88);
SIZE(drover_item, 80);

AT(drover_settled, size, 0);
AT(drover_settled, attempts, 4);
AT(drover_settled, job, 8);
AT(drover_settled, kind, 16);
AT(drover_settled, key, 24);
AT(drover_settled, trace, 32);
AT(drover_settled, state, 40);
AT(drover_settled, error, 48);
AT(drover_settled, payload, 56);
AT(drover_settled, payload_len, 64);
AT(drover_settled, result, 72);
AT(drover_settled, queued_at, 80);
AT(drover_settled, started_at, 88);
AT(drover_settled, ended_at, 96);
SIZE(drover_settled, 104);

AT(drover_source, size, 0);
AT(drover_source, reserved, 4);
AT(drover_source, name, 8);
AT(drover_source, summary, 16);
AT(drover_source, options, 24);
AT(drover_source, interval_ms, 32);
AT(drover_source, open, 40);
AT(drover_source, poll, 48);
AT(drover_source, settle, 56);
AT(drover_source, close, 64);
SIZE(drover_source, 72);

AT(drover_job, size, 0);
AT(drover_job, attempt, 4);
AT(drover_job, id, 8);
AT(drover_job, epoch, 16);
AT(drover_job, kind, 24);
AT(drover_job, key, 32);
AT(drover_job, trace, 40);
AT(drover_job, title, 48);
AT(drover_job, repo, 56);
AT(drover_job, agent, 64);
AT(drover_job, payload, 72);
AT(drover_job, payload_len, 80);
AT(drover_job, queued_at, 88);
SIZE(drover_job, 96);

AT(drover_pipeline, size, 0);
AT(drover_pipeline, retries, 4);
AT(drover_pipeline, name, 8);
AT(drover_pipeline, summary, 16);
AT(drover_pipeline, options, 24);
AT(drover_pipeline, pool, 32);
AT(drover_pipeline, timeout_ms, 40);
AT(drover_pipeline, silence_ms, 48);
AT(drover_pipeline, run, 56);
SIZE(drover_pipeline, 64);

AT(drover_operation, size, 0);
AT(drover_operation, flags, 4); /* reserved in 1.0 */
AT(drover_operation, name, 8);
AT(drover_operation, summary, 16);
AT(drover_operation, timeout_ms, 24);
AT(drover_operation, call, 32);
SIZE(drover_operation, 40);

AT(drover_plugin, magic, 0);
AT(drover_plugin, size, 4);
AT(drover_plugin, major, 8);
AT(drover_plugin, minor, 10);
AT(drover_plugin, needs_minor, 12);
AT(drover_plugin, reserved, 14);
AT(drover_plugin, name, 16);
AT(drover_plugin, version, 24);
AT(drover_plugin, summary, 32);
AT(drover_plugin, options, 40);
AT(drover_plugin, sources, 48);
AT(drover_plugin, pipelines, 56);
AT(drover_plugin, operations, 64);
AT(drover_plugin, open, 72);
AT(drover_plugin, close, 80);
SIZE(drover_plugin, 88);

AT(drover_field, key, 0);
AT(drover_field, value, 8);
_Static_assert(sizeof(struct drover_field) == 16,
    "fields come as arrays: their element never grows");

AT(drover_host_log, size, 0);
AT(drover_host_log, line, 8);
AT(drover_host_log, printf, 16);

AT(drover_host_option, size, 0);
AT(drover_host_option, string, 8);
AT(drover_host_option, integer, 16);
AT(drover_host_option, count, 24);
AT(drover_host_option, item, 32);

AT(drover_host_capacity, size, 0);
AT(drover_host_capacity, available, 8);

AT(drover_host_queue, size, 0);
AT(drover_host_queue, emit, 8);
AT(drover_host_queue, cursor, 16);
AT(drover_host_queue, watch, 24);
AT(drover_host_queue, result, 32);
AT(drover_host_queue, cancelled, 40);
AT(drover_host_queue, again, 48);

AT(drover_lease, size, 0);
AT(drover_lease, reserved, 4);
AT(drover_lease, handle, 8);
AT(drover_lease, path, 16);
AT(drover_lease, base, 1040);
SIZE(drover_lease, 1168);

AT(drover_host_lease, size, 0);
AT(drover_host_lease, acquire, 8);
AT(drover_host_lease, release, 16);
AT(drover_host_lease, scratch, 24);

AT(drover_command, size, 0);
AT(drover_command, flags, 4);
AT(drover_command, argv, 8);
AT(drover_command, env, 16);
AT(drover_command, cwd, 24);
AT(drover_command, input, 32);
AT(drover_command, input_len, 40);
AT(drover_command, timeout_ms, 48);
AT(drover_command, line, 56);
AT(drover_command, arg, 64);
SIZE(drover_command, 72);

AT(drover_outcome, size, 0);
AT(drover_outcome, status, 4);
AT(drover_outcome, signal, 8);
AT(drover_outcome, timed_out, 12);
AT(drover_outcome, wall_ms, 16);
AT(drover_outcome, cpu_ms, 24);
AT(drover_outcome, output, 32);
AT(drover_outcome, tail, 40);
SIZE(drover_outcome, 4136);

AT(drover_host_exec, size, 0);
AT(drover_host_exec, run, 8);

AT(drover_usage, input, 0);
AT(drover_usage, cached, 8);
AT(drover_usage, output, 16);
AT(drover_usage, turns, 24);
AT(drover_usage, cost_microusd, 32);
_Static_assert(sizeof(struct drover_usage) == 40,
    "struct drover_usage lies inside others and never grows");

AT(drover_agent_run, size, 0);
AT(drover_agent_run, flags, 4);
AT(drover_agent_run, agent, 8);
AT(drover_agent_run, prompt, 16);
AT(drover_agent_run, cwd, 24);
AT(drover_agent_run, timeout_ms, 32);
SIZE(drover_agent_run, 40);

AT(drover_agent_result, size, 0);
AT(drover_agent_result, status, 4);
AT(drover_agent_result, usage, 8);
AT(drover_agent_result, text, 48);
SIZE(drover_agent_result, 16432);

AT(drover_host_agent, size, 0);
AT(drover_host_agent, run, 8);

AT(drover_diff, size, 0);
AT(drover_diff, files, 4);
AT(drover_diff, added, 8);
AT(drover_diff, removed, 16);
AT(drover_diff, bytes, 24);
_Static_assert(sizeof(struct drover_diff) == 32,
    "struct drover_diff lies inside others and never grows");

AT(drover_host_git, size, 0);
AT(drover_host_git, diff, 8);
AT(drover_host_git, commit, 16);
AT(drover_host_git, push, 24);

AT(drover_host_kv, size, 0);
AT(drover_host_kv, get, 8);
AT(drover_host_kv, set, 16);
AT(drover_host_kv, remove, 24);

AT(drover_host_secret, size, 0);
AT(drover_host_secret, get, 8);

AT(drover_host_effect, size, 0);
AT(drover_host_effect, begin, 8);
AT(drover_host_effect, done, 16);

AT(drover_change, size, 0);
AT(drover_change, flags, 4);
AT(drover_change, repo, 8);
AT(drover_change, ref, 16);
AT(drover_change, agent, 24);
AT(drover_change, title, 32);
AT(drover_change, prompt, 40);
AT(drover_change, branch, 48);
AT(drover_change, trailers, 56);
AT(drover_change, agent_timeout_ms, 64);
AT(drover_change, followup_timeout_ms, 72);
SIZE(drover_change, 80);

AT(drover_change_result, size, 0);
AT(drover_change_result, changed, 4);
AT(drover_change_result, checked, 8);
AT(drover_change_result, followups, 12);
AT(drover_change_result, usage, 16);
AT(drover_change_result, diff, 56);
AT(drover_change_result, branch, 88);
AT(drover_change_result, commit, 344);
AT(drover_change_result, text, 472);
SIZE(drover_change_result, 16856);

AT(drover_host_change, size, 0);
AT(drover_host_change, run, 8);

AT(drover_host_call, size, 0);
AT(drover_host_call, call, 8);
AT(drover_host_call, reply, 16);

AT(drover_host_time, size, 0);
AT(drover_host_time, now, 8);
AT(drover_host_time, monotonic, 16);
AT(drover_host_time, remaining, 24);

AT(drover_host, size, 0);
AT(drover_host, major, 4);
AT(drover_host, minor, 6);
AT(drover_host, log, 8);
AT(drover_host, option, 16);
AT(drover_host, capacity, 24);
AT(drover_host, queue, 32);
AT(drover_host, lease, 40);
AT(drover_host, exec, 48);
AT(drover_host, agent, 56);
AT(drover_host, http, 64);
AT(drover_host, git, 72);
AT(drover_host, kv, 80);
AT(drover_host, secret, 88);
AT(drover_host, effect, 96);
AT(drover_host, change, 104);
AT(drover_host, call, 112);
AT(drover_host, time, 120);
SIZE(drover_host, 128);
#endif

START_TEST(has_asks_for_the_size_and_the_member)
{
	struct drover_host host = { .size = offsetof(struct drover_host, time) };
	const struct drover_host *none = NULL;

	host.time = (const struct drover_host_time *)&host;
	ck_assert(!DROVER_HAS(&host, time));
	host.size = sizeof host;
	ck_assert(DROVER_HAS(&host, time));
	ck_assert(!DROVER_HAS(&host, kv));
	ck_assert(!DROVER_HAS(none, time));
}
END_TEST

START_TEST(classes_keep_their_numbers)
{
	ck_assert_int_eq(DROVER_OK, 0);
	ck_assert_int_eq(DROVER_AGAIN, -1);
	ck_assert_int_eq(DROVER_QUOTA, -2);
	ck_assert_int_eq(DROVER_AUTH, -3);
	ck_assert_int_eq(DROVER_CONFIG, -4);
	ck_assert_int_eq(DROVER_PERMANENT, -5);
	ck_assert_int_eq(DROVER_HUMAN, -6);
	ck_assert_int_eq(DROVER_CANCELLED, -7);
	ck_assert_int_eq(DROVER_FENCED, -8);
	ck_assert_int_eq(DROVER_INTERNAL, -9);
	ck_assert_int_eq(DROVER_LIST, 6);
	ck_assert_int_eq(DROVER_EFFECT_UNSURE, 2);
	ck_assert_uint_eq(DROVER_PLUGIN_MAGIC, 0x44525652u);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "abi", NULL, NULL);

	tcase_add_test(tc, has_asks_for_the_size_and_the_member);
	tcase_add_test(tc, classes_keep_their_numbers);
}

SUITE(cases)
