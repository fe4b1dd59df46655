/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may start: every gate shut and opened, order, ageing, and the price of a
 * closed gate.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

#include "queue_kit.h"
#include "suite.h"

/* The job cannot be claimed for this reason. */
static void
shut(uint64_t id, const char *gate, const char *words)
{
	const char *reason, *got = kit_gate(id, &reason);

	ck_assert_msg(strcmp(got, gate) == 0, "gate \"%s\" is closed (%s), not %s", got, reason,
	    gate);
	ck_assert_msg(strstr(reason, words) != NULL, "\"%s\" does not say \"%s\"", reason, words);
	ck_assert_ptr_null(kit_claim());
}

static void
open_for(uint64_t id)
{
	ck_assert_str_eq(kit_gate(id, NULL), "");
	kit_finish(kit_claim_id(id), DROVER_OK);
}

START_TEST(draining_starts_nothing)
{
	uint64_t id = kit_submit("a.b", "1");

	kit.view.draining = true;
	shut(id, "drain", "draining");
	kit.view.draining = false;
	kit.view.stopping = true;
	shut(id, "drain", "stopping");
	kit.view.stopping = false;
	open_for(id);
}
END_TEST

START_TEST(pauses_by_place)
{
	static const struct { const char *what, *gate;
	} pauses[] = {
		{ NULL, "pause" },
		{ "kind/a.b", "pause" },
		{ "repo/web", "pause" },
		{ "pool/light", "pause" },
		{ "agent/codex", "agent" },
	};
	uint64_t id = kit_submit_ask(
	    &(struct job_ask){ .kind = "a.b", .key = "1", .repo = "web", .agent = "codex" });

	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		ck_assert_int_eq(queue_pause(kit.q, pauses[i].what, 0, "lunch", &kit.err), 0);
		shut(id, pauses[i].gate, ": lunch");
		ck_assert_int_eq(queue_resume(kit.q, pauses[i].what, &kit.err), 0);
		ck_assert_int_eq(queue_resume(kit.q, pauses[i].what, &kit.err), -1);
	}
	ck_assert_int_eq(queue_pause(kit.q, "colour/red", 0, "", &kit.err), -1);
	ck_assert_int_eq(queue_pause(kit.q, "pool/", 0, "", &kit.err), -1);
	ck_assert_int_eq(queue_pause(kit.q, "pool/light", KIT_NOW - 1, "", &kit.err), -1);
	open_for(id);
}
END_TEST

START_TEST(pauses_survive_and_end)
{
	uint64_t id =
	    kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = "1", .agent = "codex" });
	cJSON *list;

	ck_assert_int_eq(queue_pause(kit.q, "agent/codex", KIT_NOW + 60000, "quota", &kit.err), 0);
	ck_assert_int_eq(queue_pause(kit.q, "pool/heavy", 0, "broken", &kit.err), 0);
	kit_commit();
	kit_restart();
	shut(id, "agent", "for another 1m");
	list = queue_pauses(kit.q);
	ck_assert_int_eq(cJSON_GetArraySize(list), 2);
	cJSON_Delete(list);
	ck_assert_int_eq(queue_tick(kit.q, &kit.err), 60000);
	kit_pass(60000);
	ck_assert_str_eq(kit_gate(id, NULL), "");
	ck_assert_int_eq(queue_tick(kit.q, &kit.err), -1);
	ck_assert_int_eq(kit_number("select count(*) from pause"), 1);
	open_for(id);
}
END_TEST

START_TEST(held_and_delayed_jobs_wait)
{
	uint64_t id = kit_submit_ask(
	    &(struct job_ask){ .kind = "a.b", .key = "1", .held_why = "not trusted" });

	shut(id, "hold", "not trusted");
	ck_assert_int_eq(queue_release(kit.q, id, "me", &kit.err), 0);
	kit_finish_after(kit_claim_id(id), DROVER_AGAIN, 90000);
	shut(id, "delay", "tries again in 1m 3");
	kit_pass(90000 * 2);
	ck_assert_int_eq(queue_tick(kit.q, &kit.err), -1);
	open_for(id);
}
END_TEST

START_TEST(a_dependency_must_succeed)
{
	uint64_t first = kit_submit("a.b", "1"), id;
	struct job *j = kit_claim_id(first);

	id = kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = "2", .after = first });
	shut(id, "dependency", "comes after job 1, which is running");
	kit_finish(j, DROVER_PERMANENT);
	shut(id, "dependency", "which is dead");
	kit_commit();
	kit_restart();
	shut(id, "dependency", "which is dead");
	ck_assert_int_eq(queue_retry(kit.q, first, "me", &kit.err), 0);
	kit_finish(kit_claim_id(first), DROVER_OK);
	open_for(id);
	/* One that has succeeded already holds nobody back. */
	open_for(kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = "3", .after = first }));
}
END_TEST

START_TEST(a_dependency_wakes_all_who_wait)
{
	uint64_t first = kit_submit("a.b", "1");
	struct job *j = kit_claim_id(first);
	char key[16];

	for (int i = 0; i < 5; i++) {
		snprintf(key, sizeof key, "n%d", i);
		kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = key, .after = first,
		    .serial = i % 2 == 0 ? "pr" : NULL });
	}
	ck_assert_int_eq(queue_cancel(kit.q, first + 5, "me", &kit.err), 0);
	ck_assert_ptr_null(kit_claim());
	kit_finish(j, DROVER_OK);
	ck_assert_int_eq(kit_drain(), 4);
	ck_assert_ptr_null(kit.q->dependencies);
	ck_assert_ptr_null(kit.q->serials);
	ck_assert_ptr_null(kit.q->groups);
}
END_TEST

static void
yield_kind(int64_t most)
{
	static char first[] = "a.b";
	char *const first_list[] = { first, NULL };
	const struct kind_traits traits = { .pool = "light",
		.retries = 2,
		.ready = true,
		.yield_to = first_list,
		.yield_max_ms = most };

	queue_kind_set(kit.q, "a.c", &traits);
}

START_TEST(yielding_lets_the_other_kind_go_first)
{
	uint64_t id, other;
	struct job *j;

	yield_kind(600000);
	id = kit_submit("a.c", "1");
	kit_pass(1);
	other = kit_submit("a.b", "1");
	ck_assert_str_eq(kit_gate(id, NULL), "yield");
	j = kit_claim_id(other);
	shut(id, "yield", "yields to a.b (1 running, 0 waiting)");
	kit_finish(j, DROVER_OK);
	open_for(id);
}
END_TEST

START_TEST(yielding_ends_with_age)
{
	uint64_t id;

	yield_kind(600000);
	id = kit_submit("a.c", "1");
	kit_pass(100000);
	kit_claim_id(kit_submit("a.b", "1"));
	shut(id, "yield", "for another 8m 20s at most");
	ck_assert_int_eq(queue_tick(kit.q, &kit.err), 500000);
	kit_pass(500000);
	open_for(id);
}
END_TEST

/*
 * Younger jobs of higher priority of the same kind must not hide one that has
 * waited long enough.
 */
START_TEST(ageing_sees_past_the_first)
{
	uint64_t old;

	yield_kind(600000);
	old = kit_submit("a.c", "old");
	kit_claim_id(kit_submit("a.b", "1"));
	kit_pass(599999);
	kit_submit_ask(&(struct job_ask){ .kind = "a.c", .key = "young", .priority = 50 });
	ck_assert_ptr_null(kit_claim());
	kit_pass(1);
	kit_claim_id(old);
	ck_assert_ptr_null(kit_claim());
}
END_TEST

/*
 * With work for the first kind arriving without end, the second still gets its
 * turn.
 */
START_TEST(yielding_starves_nobody)
{
	uint64_t id;
	struct job *j;
	char key[16];
	int i;

	yield_kind(60000);
	id = kit_submit("a.c", "1");
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof key, "n%d", i);
		kit_submit("a.b", key);
		j = kit_claim();
		if (j->id == id)
			break;
		kit_pass(1000);
		kit_finish(j, DROVER_OK);
	}
	ck_assert_int_eq(i, 60);
}
END_TEST

START_TEST(one_job_a_serial)
{
	const struct job_ask one = { .kind = "a.b", .key = "1", .serial = "pr/7" };
	const struct job_ask two = { .kind = "a.heavy", .key = "2", .serial = "pr/7" };
	uint64_t first = kit_submit_ask(&one), second = kit_submit_ask(&two);
	struct job *j = kit_claim_id(first);

	shut(second, "serial", "one at a time for pr/7: job 1 runs");
	kit_finish(j, DROVER_AGAIN);
	kit_claim_id(second);
	kit_commit();
	kit_restart();
	kit_pass(300001);
	queue_tick(kit.q, &kit.err);
	shut(first, "serial", "job 2 runs");
	kit_finish(queue_running(kit.q, second, 1), DROVER_OK);
	open_for(first);
}
END_TEST

/*
 * A serial's first job waits at a closed gate; one of another kind behind it
 * goes.
 */
START_TEST(a_closed_gate_blocks_nobody_behind)
{
	uint64_t second;

	kit_submit_ask(
	    &(struct job_ask){ .kind = "a.b", .key = "1", .serial = "pr/7", .priority = 9 });
	second =
	    kit_submit_ask(&(struct job_ask){ .kind = "a.heavy", .key = "2", .serial = "pr/7" });
	ck_assert_int_eq(queue_pause(kit.q, "kind/a.b", 0, "", &kit.err), 0);
	open_for(second);
}
END_TEST

START_TEST(slots_of_kind_repo_pool_and_all)
{
	struct kind_traits traits = { .pool = "light", .slots = 1, .ready = true };
	struct job *a, *b;
	uint64_t id;

	queue_kind_set(kit.q, "a.b", &traits);
	kit_submit("a.b", "1");
	a = kit_claim();
	id = kit_submit("a.b", "2");
	shut(id, "kind", "all 1 slots of kind a.b are taken");
	kit_finish(a, DROVER_OK);
	open_for(id);

	kit.config.running = 10;
	kit.pools[0].slots = 5;
	queue_configure(kit.q, &kit.config);
	kit_submit_ask(&(struct job_ask){ .kind = "a.c", .key = "1", .repo = "web" });
	kit_submit_ask(&(struct job_ask){ .kind = "a.c", .key = "2", .repo = "web" });
	a = kit_claim();
	b = kit_claim();
	id = kit_submit_ask(&(struct job_ask){ .kind = "a.c", .key = "3", .repo = "web" });
	shut(id, "repo", "all 2 slots of repo web");
	kit_finish(a, DROVER_OK);
	open_for(id);

	kit.pools[0].slots = 1;
	queue_configure(kit.q, &kit.config);
	id = kit_submit("a.c", "4");
	shut(id, "pool", "all 1 slots of pool light");
	kit.pools[0].slots = 5;
	kit.config.running = 1;
	queue_configure(kit.q, &kit.config);
	shut(id, "slots", "all 1 slots of the daemon");
	kit_finish(b, DROVER_OK);
	open_for(id);
	shut(kit_submit_ask(&(struct job_ask){ .kind = "a.c", .key = "5", .pool = "huge" }), "pool",
	    "pool huge is not in the configuration");
}
END_TEST

START_TEST(memory_counts_what_was_promised)
{
	uint64_t id;
	struct job *j;

	kit.config.running = 10;
	kit.pools[1].slots = 10;
	queue_configure(kit.q, &kit.config);
	kit.view.memory_available = 3 * GIB - 1;
	id = kit_submit("a.heavy", "1");
	shut(id, "memory", "this one needs 2.0G and 1.0G must stay free");
	kit.view.memory_available = 6 * GIB;
	j = kit_claim_id(id);
	id = kit_submit("a.heavy", "2");
	kit.view.memory_available = 5 * GIB - 1;
	shut(id, "memory", "2.0G of it promised to running jobs");
	queue_seen(kit.q, j->id, j->epoch, 1);
	open_for(id);
	id = kit_submit("a.heavy", "3");
	queue_seen(kit.q, j->id, j->epoch, 3 * GIB);
	kit.view.memory_available = 3 * GIB;
	kit_claim_id(id);
	kit.view.memory_available = -1;
	kit_claim_id(kit_submit("a.heavy", "4"));
}
END_TEST

START_TEST(disk_and_plugin)
{
	struct kind_traits traits = { .pool = "light",
		.ready = false,
		.why_not = "crashed 5 times" };
	uint64_t id = kit_submit("a.b", "1");

	kit.view.disk_free = GIB - 1;
	shut(id, "disk", "disk_floor is 1.0G");
	kit.view.disk_free = GIB;
	queue_kind_set(kit.q, "a.b", &traits);
	shut(id, "plugin", "the plugin of a.b is not ready: crashed 5 times");
	queue_kind_set(kit.q, "a.b", NULL);
	ck_assert(!queue_kind_known(kit.q, "a.b"));
	shut(id, "plugin", "no plugin that runs offers a.b");
	kit_kinds();
	kit.refused = "a.b";
	ck_assert_ptr_null(kit_claim());
	kit_finish(kit_claim_id(kit_submit("a.c", "1")), DROVER_OK);
	kit.refused = NULL;
	open_for(id);
}
END_TEST

START_TEST(a_kind_may_change_its_own_traits)
{
	struct kind_traits traits;
	uint64_t id;

	yield_kind(600000);
	id = kit_submit("a.c", "1");
	traits = *queue_kind(kit.q, "a.c");
	traits.ready = false;
	traits.why_not = "reloading";
	queue_kind_set(kit.q, "a.c", &traits);
	shut(id, "plugin", "reloading");
	traits = *queue_kind(kit.q, "a.c");
	traits.ready = true;
	queue_kind_set(kit.q, "a.c", &traits);
	ck_assert_str_eq(queue_kind(kit.q, "a.c")->yield_to[0], "a.b");
	open_for(id);
}
END_TEST

/*
 * Submitted before anybody knew its kind: it goes to the kind's pool and agent,
 * not to the default ones.
 */
START_TEST(waiting_jobs_follow_their_kind)
{
	const struct kind_traits traits = { .pool = "heavy", .agent = "codex", .ready = true };
	uint64_t id, own;
	struct job *j;

	queue_kind_set(kit.q, "a.c", NULL);
	id = kit_submit("a.c", "1");
	own = kit_submit_ask(
	    &(struct job_ask){ .kind = "a.c", .key = "2", .pool = "light", .agent = "other" });
	kit_commit();
	kit_restart();
	queue_kind_set(kit.q, "a.c", &traits);
	j = kit_claim_id(id);
	ck_assert_str_eq(j->pool, "heavy");
	ck_assert_str_eq(j->agent, "codex");
	j = kit_claim_id(own);
	ck_assert_str_eq(j->pool, "light");
	ck_assert_str_eq(j->agent, "other");
}
END_TEST

START_TEST(priority_then_age)
{
	uint64_t a = kit_submit("a.b", "1"), b, c, d;

	kit_pass(10);
	b = kit_submit("a.c", "2");
	c = kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = "3", .priority = 5 });
	d = kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = "4", .priority = -5 });
	ck_assert_int_eq(queue_priority(kit.q, d, 6, "me", &kit.err), 0);
	kit_finish(kit_claim_id(d), DROVER_OK);
	kit_finish(kit_claim_id(c), DROVER_OK);
	kit_finish(kit_claim_id(a), DROVER_OK);
	kit_finish(kit_claim_id(b), DROVER_OK);
	ck_assert_int_eq(queue_priority(kit.q, b, 1, "me", &kit.err), -1);
}
END_TEST

START_TEST(a_retry_goes_behind_waiting_work)
{
	uint64_t a = kit_submit("a.b", "1"), b;

	kit_finish(kit_claim_id(a), DROVER_AGAIN);
	kit_pass(200000);
	b = kit_submit("a.b", "2");
	kit_pass(200000);
	queue_tick(kit.q, &kit.err);
	kit_claim_id(b);
	kit_claim_id(a);
}
END_TEST

START_TEST(a_closed_gate_costs_one_look)
{
	uint64_t looks, id;
	char key[16];

	ck_assert_int_eq(queue_pause(kit.q, "kind/a.b", 0, "", &kit.err), 0);
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof key, "n%d", i);
		kit_submit_ask(&(struct job_ask){ .kind = "a.b", .key = key, .priority = 10,
		    .serial = i % 3 == 0 ? key : i % 3 == 1 ? "one" : NULL });
	}
	id = kit_submit("a.c", "1");
	looks = kit.q->looks;
	kit_finish(kit_claim_id(id), DROVER_OK);
	ck_assert_uint_le(kit.q->looks - looks, 2);
	looks = kit.q->looks;
	ck_assert_ptr_null(kit_claim());
	ck_assert_uint_le(kit.q->looks - looks, 1);
	kit_commit();
	kit_restart();
	ck_assert_int_eq(queue_count(kit.q, JOB_QUEUED), 100000);
	ck_assert_int_eq(queue_count(kit.q, JOB_SUCCEEDED), 1);
	ck_assert_ptr_null(kit_claim());
	ck_assert_uint_le(kit.q->looks, 1);
}
END_TEST

START_TEST(capacity_counts_free_places)
{
	struct job *j;

	ck_assert_int_eq(queue_capacity(kit.q, "no.kind"), 0);
	ck_assert_int_eq(queue_capacity(kit.q, "a.b"), 2);
	ck_assert_int_eq(queue_capacity(kit.q, "a.heavy"), 1);
	kit_submit("a.b", "1");
	ck_assert_int_eq(queue_capacity(kit.q, "a.b"), 1);
	ck_assert_int_eq(queue_capacity(kit.q, "a.c"), 2);
	j = kit_claim();
	ck_assert_int_eq(queue_capacity(kit.q, "a.b"), 1);
	kit_submit("a.b", "2");
	kit_claim();
	/*
	 * All places are taken, one may wait; with that one waiting there is
	 * room for none.
	 */
	ck_assert_int_eq(queue_capacity(kit.q, "a.b"), 1);
	kit_submit("a.b", "3");
	ck_assert_int_eq(queue_capacity(kit.q, "a.b"), 0);
	ck_assert_int_eq(queue_capacity(kit.q, "a.c"), 1);
	kit_finish(j, DROVER_OK);
	ck_assert_int_eq(queue_pause(kit.q, "pool/heavy", 0, "", &kit.err), 0);
	ck_assert_int_eq(queue_capacity(kit.q, "a.heavy"), 0);
}
END_TEST

static void
cases(Suite *suite)
{
	const TTest *const tests[] = {
		draining_starts_nothing,
		pauses_by_place,
		pauses_survive_and_end,
		held_and_delayed_jobs_wait,
		a_dependency_must_succeed,
		a_dependency_wakes_all_who_wait,
		yielding_lets_the_other_kind_go_first,
		yielding_ends_with_age,
		ageing_sees_past_the_first,
		yielding_starves_nobody,
		one_job_a_serial,
		a_closed_gate_blocks_nobody_behind,
		slots_of_kind_repo_pool_and_all,
		memory_counts_what_was_promised,
		disk_and_plugin,
		a_kind_may_change_its_own_traits,
		waiting_jobs_follow_their_kind,
		priority_then_age,
		a_retry_goes_behind_waiting_work,
		a_closed_gate_costs_one_look,
		capacity_counts_free_places,
	};
	TCase *tcase = suite_case(suite, "gates", kit_setup, kit_teardown);

	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tcase, tests[i]);
}

SUITE(cases)
