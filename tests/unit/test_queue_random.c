/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Twenty thousand operations at random: the events, replayed through the state
 * table, give the states.
 */
#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"

#include "queue_kit.h"
#include "suite.h"

#define OPERATIONS 20000
#define KEYS 300

struct replay {
	int state[OPERATIONS + 1]; /* by job; -1: none yet */
	int wrong, events;
};

static uint64_t seed;

static uint64_t
below(uint64_t n)
{
	return backoff_random(&seed) % n;
}

static int
replay_event(void *arg, const struct store_row *row)
{
	struct replay *r = arg;
	int *state = &r->state[store_row_int(row, 0)];
	const char *event = store_row_text(row, 1);
	int from = state_parse(store_row_text(row, 2)), to = state_parse(store_row_text(row, 3));

	r->events++;
	if (from != *state)
		r->wrong++;
	else if (strcmp(event, "submit") == 0)
		r->wrong += from != -1;
	else if (strcmp(event, "priority") == 0)
		r->wrong += from != to;
	else
		r->wrong +=
		    state_next((enum job_state)from, (enum job_event)event_parse(event)) != to;
	*state = to;
	return 0;
}

static int
replay_job(void *arg, const struct store_row *row)
{
	struct replay *r = arg;
	uint64_t id = (uint64_t)store_row_int(row, 0);
	int state = state_parse(store_row_text(row, 1));

	if (r->state[id] != state ||
	    (entry_find(kit.q, id) == NULL) != state_is_final((enum job_state)state))
		r->wrong++;
	return 0;
}

static int
stored_row(void *arg, const struct store_row *row)
{
	*(int *)arg = (int)store_row_int(row, 0);
	return 1;
}

static int
stored(const char *state)
{
	const struct store_value value = store_text(state);
	int n = -1;

	ck_assert_int_eq(store_read(kit.store, "select count(*) from job where state = $1", &value,
			     1, stored_row, &n, &kit.err),
	    1);
	return n;
}

static void
check_all(void)
{
	struct replay *r = xmalloc(sizeof *r);

	memset(r, 0, sizeof *r);
	memset(r->state, 0xff, sizeof r->state);
	ck_assert_msg(store_check(kit.store, &kit.err) == 0, "%s", kit.err.text);
	ck_assert_int_ge(store_read(kit.store,
			     "select job, event, from_state, to_state from event order by id", NULL,
			     0, replay_event, r, &kit.err),
	    0);
	ck_assert_int_ge(store_read(kit.store, "select id, state from job", NULL, 0, replay_job, r,
			     &kit.err),
	    0);
	ck_assert_int_eq(r->wrong, 0);
	ck_assert_int_gt(r->events, 0);
	free(r);
	for (int i = 0; i < JOB_STATES_LEN; i++)
		ck_assert_int_eq(queue_count(kit.q, (enum job_state)i),
		    stored(state_name((enum job_state)i)));
}

/* Each number in memory against what the entries say. */
static void
check_buckets(void)
{
	for (const struct bucket *b = kit.q->buckets; b != NULL; b = b->hh.next) {
		int running = 0, waiting = 0, delayed = 0;

		for (const struct entry *e = kit.q->by_id; e != NULL; e = e->by_id.next) {
			for (int i = 0; i < PLACES; i++) {
				if (e->in[i] != b)
					continue;
				running += e->job.state == JOB_RUNNING;
				waiting += e->job.state == JOB_QUEUED;
				delayed += e->job.state == JOB_DELAYED;
			}
		}
		ck_assert_int_eq(running, b->running);
		ck_assert_int_eq(waiting, b->waiting);
		ck_assert_int_eq(delayed, b->delayed);
		ck_assert(b->slots == 0 || running <= b->slots);
	}
}

static void
random_submit(void)
{
	static const char *const kinds[] = { "a.b", "a.c", "a.heavy" };
	char key[16], serial[16];
	uint64_t id;
	struct job_ask ask = {
		.kind = kinds[below(3)],
		.key = key,
		.serial = below(2) == 0 ? serial : NULL,
		.repo = below(3) == 0 ? "web" : NULL,
		.priority = (int)below(5),
		.source = below(4) == 0 ? "a.src" : NULL,
		.held_why = below(20) == 0 ? "look" : NULL,
		.after = below(8) == 0 ? 1 + below(OPERATIONS) : 0,
	};

	snprintf(key, sizeof key, "%d", (int)below(KEYS));
	snprintf(serial, sizeof serial, "s%d", (int)below(20));
	if (queue_submit(kit.q, &ask, &id, &kit.err) == -1)
		ck_assert_int_eq(kit.err.code, DROVER_PERMANENT);
}

static int
any_running(void *arg, struct job *j)
{
	*(struct job **)arg = j;
	return below(2) == 0;
}

static void
random_end(void)
{
	struct job *j = NULL;

	queue_each_running(kit.q, any_running, &j);
	if (j == NULL)
		return;
	if (below(10) == 0)
		ck_assert_int_eq(queue_interrupt(kit.q, j->id, below(2) == 0, "stop", &kit.err), 0);
	else
		kit_finish_after(j, below(3) == 0 ? DROVER_OK : -(int)below(10),
		    (int64_t)below(5) * 1000);
}

static void
random_operator(void)
{
	uint64_t id = 1 + below((uint64_t)kit_number("select coalesce(max(id), 1) from job"));

	switch (below(7)) {
	case 0:
		queue_hold(kit.q, id, "hm", "op", &kit.err);
		break;
	case 1:
		queue_release(kit.q, id, "op", &kit.err);
		break;
	case 2:
		queue_retry(kit.q, id, "op", &kit.err);
		break;
	case 3:
		queue_discard(kit.q, id, "op", &kit.err);
		break;
	case 4:
		queue_cancel(kit.q, id, "op", &kit.err);
		break;
	case 5:
		queue_priority(kit.q, id, (int)below(5), "op", &kit.err);
		break;
	case 6:
		if (below(2) == 0)
			queue_pause(kit.q, "kind/a.c", 0, "", &kit.err);
		else
			queue_resume(kit.q, "kind/a.c", &kit.err);
		break;
	}
}

START_TEST(replay_gives_the_states)
{
	seed = 20261121;
	for (int i = 0; i < OPERATIONS; i++) {
		uint64_t what = below(100);

		kit_pass((int64_t)below(2000));
		if (what < 35)
			random_submit();
		else if (what < 60)
			kit_claim();
		else if (what < 85)
			random_end();
		else if (what < 95)
			random_operator();
		else
			queue_tick(kit.q, &kit.err);
		if (below(10) == 0)
			kit_commit();
		if (below(500) == 0) {
			store_rollback(kit.store);
			ck_assert_int_eq(queue_load(kit.q, &kit.err), 0);
		}
		if (i % 1000 == 999)
			check_buckets();
	}
	check_all();
	kit_commit();
	kit_restart();
	check_all();
	check_buckets();
}
END_TEST

/*
 * Works until it is killed; says after each commit how many jobs have
 * succeeded.
 */
static void
crash_child(int out)
{
	char key[32];

	kit_restart();
	for (int i = 0;; i++) {
		struct job *j;
		int succeeded;

		snprintf(key, sizeof key, "%d-%d", (int)getpid(), i);
		kit_submit("a.b", key);
		if ((j = kit_claim()) != NULL)
			kit_finish(j, i % 7 == 0 ? DROVER_HUMAN : DROVER_OK);
		if (i % 3 == 0)
			kit_claim();
		kit_commit();
		succeeded = queue_count(kit.q, JOB_SUCCEEDED);
		if (path_write_all(out, &succeeded, sizeof succeeded) != 0)
			_exit(1);
	}
}

static int
interrupt_one(void *arg, struct job *j)
{
	*(uint64_t *)arg = j->id;
	return 1;
}

START_TEST(a_killed_core_finds_all_that_it_had_said)
{
	int fds[2], n, acknowledged = 0;
	uint64_t id;
	pid_t child;

	kit_commit();
	seed = 9;
	for (int round = 0; round < 8; round++) {
		int reads = 1 + (int)below(30);

		queue_free(kit.q);
		store_close(kit.store);
		kit.q = NULL;
		kit.store = NULL;
		ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
		ck_assert_int_ge(child = fork(), 0);
		if (child == 0)
			crash_child(fds[1]);
		close(fds[1]);
		while (reads-- > 0 && read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
			acknowledged = n;
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
			acknowledged = n;
		close(fds[0]);
		kit_restart();
		ck_assert_msg(store_check(kit.store, &kit.err) == 0, "%s", kit.err.text);
		n = queue_count(kit.q, JOB_SUCCEEDED);
		ck_assert_msg(n == acknowledged || n == acknowledged + 1,
		    "%d had succeeded, %d have", acknowledged, n);
		ck_assert_int_gt(n, 0);
		while (queue_count(kit.q, JOB_RUNNING) > 0) {
			queue_each_running(kit.q, interrupt_one, &id);
			ck_assert_int_eq(queue_interrupt(kit.q, id, false, "killed", &kit.err), 0);
		}
		acknowledged = n;
		kit_commit();
		check_buckets();
	}
	check_all();
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tcase = suite_case(suite, "replay", kit_setup, kit_teardown);

	tcase_add_test(tcase, replay_gives_the_states);
	tcase_add_test(tcase, a_killed_core_finds_all_that_it_had_said);
}

SUITE(cases)
