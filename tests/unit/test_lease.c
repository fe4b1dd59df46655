/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds which tree: granting, fencing, expiry, breaking, and what is to be
 * tidied.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "lease/lease.h"

#include "suite.h"
#include "temp.h"

#define START 1000000

static char *dir;
static struct store *store;
static struct config *config;
static struct leases *leases;
static struct proc_id self, dead;

static void
load(void)
{
	struct error err = { .code = 0 };

	leases = leases_new(store, config);
	ck_assert_msg(leases_load(leases, &err) == 0, "%s", err.text);
}

static void
setup(void)
{
	struct error err = { .code = 0 };
	char *text;
	pid_t pid;

	dir = temp_make();
	text = xasprintf("state_dir = \"%s\"; repos = ( { name = \"web\"; url = \"/up\"; }, { name "
			 "= \"api\"; url = \"/api\"; } ); "
			 "trees = { warm = 2; max_age = \"1h\"; };",
	    dir);
	config = config_parse(text, "test", &err);
	ck_assert_msg(config != NULL, "%s", err.text);
	free(text);
	ck_assert_msg(store_open(dir, &store, &err) == 0, "%s", err.text);
	clock_fake(START, START);
	load();
	ck_assert_int_eq(proc_identify(getpid(), &self), 0);
	pid = fork();
	if (pid == 0)
		pause();
	ck_assert_int_eq(proc_identify(pid, &dead), 0);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
}

static void
teardown(void)
{
	leases_free(leases);
	store_close(store);
	config_free(config);
	clock_fake(-1, -1);
	temp_remove(dir);
}

static uint64_t
acquire(const char *repo, uint64_t job, const struct proc_id *owner, const char *state)
{
	struct lease_grant grant;
	struct error err = { .code = 0 };

	ck_assert_msg(leases_acquire(leases, repo, job, job + 100, owner, &grant, &err) == 0, "%s",
	    err.text);
	ck_assert_str_eq(grant.state, state);
	return grant.id;
}

static void
later(int64_t ms)
{
	clock_fake(clock_wall() + ms, clock_mono() + ms);
}

/* The chores of a tick as text: "clean 1 remove 2 sweep 0 ". */
static char *
tick(int64_t disk_free, bool all)
{
	static char out[1024];
	int n;
	struct lease_chore *chores = leases_tick(leases, disk_free, all, &n);

	out[0] = '\0';
	for (int i = 0; i < n; i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s %llu ", chores[i].action,
		    (unsigned long long)chores[i].id);
	free(chores);
	return out;
}

static const char *
state_of(uint64_t id)
{
	static char out[16];
	cJSON *o = leases_show(leases, id);

	snprintf(out, sizeof out, "%s", o != NULL ? json_str(o, "state", "") : "none");
	cJSON_Delete(o);
	return out;
}

START_TEST(warm_tree_is_taken_first)
{
	struct lease_grant grant;
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &self, "new"), b = acquire("web", 2, &self, "new"),
		 c = acquire("api", 3, &self, "new");
	char *path = xasprintf("%s/trees/web/%llu", dir, (unsigned long long)a),
	     *mirror = xasprintf("%s/mirrors/web.git", dir);

	ck_assert_uint_ne(a, b);
	ck_assert_int_eq(leases_release(leases, c, 3, 103, "warm", "", &err), 0);
	acquire("web", 4, &self, "new");
	ck_assert_int_eq(leases_release(leases, b, 2, 102, "warm", "", &err), 0);
	later(10);
	ck_assert_int_eq(leases_release(leases, a, 1, 101, "warm", "refs/drover/wip/1-1", &err), 0);
	ck_assert_int_eq(leases_acquire(leases, "web", 5, 105, &self, &grant, &err), 0);
	ck_assert_uint_eq(grant.id, a);
	ck_assert_str_eq(grant.state, "warm");
	ck_assert_str_eq(grant.path, path);
	ck_assert_str_eq(grant.mirror, mirror);
	ck_assert_uint_eq(acquire("web", 6, &self, "warm"), b);
	ck_assert_int_lt(leases_acquire(leases, "nosuch", 7, 107, &self, &grant, &err), 0);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	free(path);
	free(mirror);
}
END_TEST

START_TEST(only_the_attempt_that_holds_it_releases)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &self, "new");

	ck_assert_int_lt(leases_release(leases, a, 1, 100, "warm", "", &err), 0);
	ck_assert_int_eq(err.code, DROVER_FENCED);
	ck_assert_int_lt(leases_release(leases, a, 2, 101, "warm", "", &err), 0);
	ck_assert_int_lt(leases_release(leases, a + 1, 1, 101, "warm", "", &err), 0);
	ck_assert_int_eq(leases_end(leases, 1, 99, &err), 0);
	ck_assert_str_eq(state_of(a), "leased");
	ck_assert_int_eq(leases_end(leases, 1, 101, &err), 0);
	ck_assert_str_eq(state_of(a), "dirty");
	ck_assert_int_lt(leases_release(leases, a, 1, 101, "warm", "", &err), 0);
	ck_assert_int_eq(err.code, DROVER_FENCED);
}
END_TEST

START_TEST(dirty_tree_waits_for_its_owners_death)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &self, "new"), b = acquire("web", 2, &dead, "new");

	ck_assert_int_eq(leases_release(leases, a, 1, 101, "dirty", "", &err), 0);
	ck_assert_int_eq(leases_end(leases, 2, 102, &err), 0);
	ck_assert_uint_eq(acquire("web", 3, &self, "dirty"), b);
	ck_assert_uint_ne(acquire("web", 4, &self, "new"), a);
	/* Neither does the keeper touch the tree of a live one. */
	later(1000);
	ck_assert_ptr_null(strstr(tick(-1, false), "clean"));
}
END_TEST

START_TEST(silent_and_dead_is_expired_silent_and_alive_is_not)
{
	uint64_t a = acquire("web", 1, &dead, "new"), b = acquire("web", 2, &self, "new"),
		 c = acquire("web", 3, &dead, "new");

	later(LEASE_TTL_MS);
	tick(-1, false);
	ck_assert_str_eq(state_of(a), "leased");
	leases_beat(leases, 3, 103);
	leases_beat(leases, 1, 100);
	later(1);
	ck_assert_str_eq(tick(-1, false), "clean 1 ");
	ck_assert_str_eq(state_of(a), "dirty");
	ck_assert_str_eq(state_of(b), "leased");
	ck_assert_str_eq(state_of(c), "leased");
	/* A day that the wall clock jumps is no silence. */
	clock_fake(clock_wall() + 86400000, clock_mono());
	tick(-1, false);
	ck_assert_str_eq(state_of(c), "leased");
}
END_TEST

START_TEST(restart_keeps_the_rows_and_gives_a_new_term)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &dead, "new"), b = acquire("web", 2, &self, "new");

	ck_assert_int_eq(leases_release(leases, b, 2, 102, "warm", "refs/drover/wip/2-2", &err), 0);
	ck_assert_int_eq(store_commit(store, &err), 0);
	leases_free(leases);
	later(LEASE_TTL_MS * 10);
	load();
	tick(-1, false);
	ck_assert_str_eq(state_of(a), "leased");
	later(LEASE_TTL_MS + 1);
	tick(-1, false);
	ck_assert_str_eq(state_of(a), "dirty");
	ck_assert_uint_eq(acquire("web", 5, &self, "warm"), b);
	ck_assert_uint_gt(acquire("web", 6, &self, "new"), b);
	/* A commit that failed: memory is what the store has. */
	store_rollback(store);
	ck_assert_int_eq(leases_load(leases, &err), 0);
	ck_assert_str_eq(state_of(a), "leased");
	ck_assert_str_eq(state_of(b), "warm");
}
END_TEST

START_TEST(break_spares_a_live_owner)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &self, "new"), b = acquire("web", 2, &dead, "new");

	ck_assert_int_lt(leases_break(leases, a, false, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "job 1"));
	ck_assert_str_eq(state_of(a), "leased");
	ck_assert_int_eq(leases_break(leases, b, false, &err), 0);
	ck_assert_int_eq(leases_break(leases, a, true, &err), 0);
	ck_assert_str_eq(state_of(a), "dirty");
	ck_assert_int_lt(leases_release(leases, a, 1, 101, "warm", "", &err), 0);
	ck_assert_int_eq(err.code, DROVER_FENCED);
	/* Broken by force, but its owner may still write to it. */
	ck_assert_uint_eq(acquire("web", 3, &self, "dirty"), b);
	acquire("web", 4, &self, "new");
	ck_assert_int_lt(leases_break(leases, 99, true, &err), 0);
}
END_TEST

START_TEST(too_many_and_too_old_are_removed)
{
	struct error err = { .code = 0 };
	uint64_t ids[4];

	for (uint64_t i = 0; i < 4; i++)
		ids[i] = acquire("web", i, &self, "new");
	acquire("api", 9, &self, "new");
	for (uint64_t i = 0; i < 4; i++) {
		later(10);
		ck_assert_int_eq(leases_release(leases, ids[i], i, i + 100, "warm", "", &err), 0);
	}
	ck_assert_str_eq(tick(-1, false), "remove 1 remove 2 ");
	/* In hand: neither given out again nor leased. */
	ck_assert_str_eq(tick(-1, false), "");
	ck_assert_uint_eq(acquire("web", 11, &self, "warm"), ids[3]);
	ck_assert_uint_eq(acquire("web", 12, &self, "warm"), ids[2]);
	acquire("web", 13, &self, "new");
	ck_assert_int_eq(leases_tidied(leases, ids[0], "gone", "refs/drover/wip/1-1", &err), 0);
	ck_assert_str_eq(state_of(ids[0]), "none");
	leases_keeper_gone(leases);
	ck_assert_str_eq(tick(-1, false), "");
	ck_assert_int_eq(leases_release(leases, ids[2], 12, 112, "warm", "", &err), 0);
	later(3600001);
	ck_assert_str_eq(tick(-1, false), "remove 2 remove 3 sweep 0 ");
}
END_TEST

START_TEST(disk_decides)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &self, "new"), b = acquire("web", 2, &self, "new"),
		 c = acquire("api", 3, &self, "new");

	ck_assert_int_eq(leases_release(leases, a, 1, 101, "warm", "", &err), 0);
	later(10);
	ck_assert_int_eq(leases_release(leases, b, 2, 102, "warm", "", &err), 0);
	config->disk_floor = 1000;
	ck_assert_str_eq(tick(1000, false), "");
	ck_assert_str_eq(tick(999, false), "remove 1 remove 2 sweep 0 ");
	ck_assert_str_eq(state_of(c), "leased");
	leases_keeper_gone(leases);
	config->trees_max_bytes = 100;
	later(60000);
	ck_assert_str_eq(tick(5000, false), "measure 1 measure 2 ");
	ck_assert_int_eq(leases_tidied(leases, a, "warm", "", &err), 0);
	ck_assert_int_eq(leases_tidied(leases, b, "warm", "", &err), 0);
	leases_sized(leases, a, 60);
	leases_sized(leases, b, 60);
	ck_assert_str_eq(tick(5000, false), "remove 1 ");
}
END_TEST

START_TEST(failed_cleaning_is_tried_later_then_given_up)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &dead, "new");

	ck_assert_int_eq(leases_end(leases, 1, 101, &err), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(strstr(tick(-1, false), "clean 1"));
		ck_assert_int_eq(leases_tidied(leases, a, "dirty", "", &err), 0);
		ck_assert_ptr_null(strstr(tick(-1, false), "clean 1"));
		later(60000 << (i + 1));
	}
	ck_assert_ptr_nonnull(strstr(tick(-1, false), "remove 1"));
	ck_assert_int_eq(leases_tidied(leases, a, "gone", "refs/drover/wip/1-9", &err), 0);
	ck_assert_int_eq(store_commit(store, &err), 0);
	leases_free(leases);
	load();
	ck_assert_uint_eq(acquire("web", 2, &self, "new"), a + 1);
}
END_TEST

START_TEST(saved_work_is_listed_after_its_tree)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &self, "new"), b = acquire("web", 2, &self, "new");
	cJSON *list;

	ck_assert_int_eq(leases_release(leases, a, 1, 101, "warm", "refs/drover/wip/1-7", &err), 0);
	ck_assert_int_eq(leases_release(leases, b, 2, 102, "warm", "", &err), 0);
	ck_assert_int_eq(leases_tidied(leases, a, "gone", "", &err), 0);
	ck_assert_int_eq(leases_tidied(leases, b, "gone", "", &err), 0);
	list = leases_list(leases);
	ck_assert_int_eq(cJSON_GetArraySize(list), 1);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(list, 0), "state", ""), "gone");
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(list, 0), "wip", ""), "refs/drover/wip/1-7");
	cJSON_Delete(list);
	later(config->keep_jobs_ms + 1);
	ck_assert_str_eq(tick(-1, false), "sweep 0 ");
	list = leases_list(leases);
	ck_assert_int_eq(cJSON_GetArraySize(list), 0);
	cJSON_Delete(list);
	ck_assert_uint_gt(acquire("web", 3, &self, "new"), b);
}
END_TEST

/* Fetches and refs of many jobs slow a mirror down; the sweep tends it. */
START_TEST(a_sweep_is_due_after_many_leases)
{
	struct error err = { .code = 0 };
	uint64_t id;

	ck_assert_str_eq(tick(-1, true), "sweep 0 ");
	for (int i = 0; i < 100; i++) {
		later(1000);
		ck_assert_str_eq(tick(-1, false), "");
		id = acquire("web", 1, &self, i == 0 ? "new" : "warm");
		ck_assert_int_eq(leases_release(leases, id, 1, 101, "warm", "", &err), 0);
	}
	later(1000);
	ck_assert_str_eq(tick(-1, false), "sweep 0 ");
	ck_assert_str_eq(tick(-1, false), "");
}
END_TEST

START_TEST(gc_takes_all_that_nobody_holds)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("web", 1, &self, "new"), b = acquire("web", 2, &dead, "new"),
		 c = acquire("web", 3, &self, "new");
	cJSON *list;

	ck_assert_int_eq(leases_release(leases, a, 1, 101, "warm", "", &err), 0);
	ck_assert_int_eq(leases_end(leases, 2, 102, &err), 0);
	ck_assert_str_eq(tick(-1, true), "remove 2 remove 1 sweep 0 ");
	list = leases_list(leases);
	ck_assert_int_eq(cJSON_GetArraySize(list), 3);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(list, 2), "job", ""), "3");
	ck_assert(json_bool(cJSON_GetArrayItem(list, 2), "alive", false));
	ck_assert_int_eq(json_int(cJSON_GetArrayItem(list, 2), "expires_at", 0) -
		json_int(cJSON_GetArrayItem(list, 2), "beat_at", 0),
	    LEASE_TTL_MS);
	cJSON_Delete(list);
	ck_assert_str_eq(state_of(c), "leased");
	(void)b;
}
END_TEST

START_TEST(repo_that_is_no_longer_configured)
{
	struct error err = { .code = 0 };
	uint64_t a = acquire("api", 1, &self, "new");
	struct config *fresh = config_parse("", "default", NULL);

	ck_assert_int_eq(leases_release(leases, a, 1, 101, "warm", "", &err), 0);
	leases_configure(leases, fresh);
	ck_assert_str_eq(tick(-1, false), "remove 1 sweep 0 ");
	leases_configure(leases, config);
	config_free(fresh);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "rows", setup, teardown);

	tcase_add_test(tc, warm_tree_is_taken_first);
	tcase_add_test(tc, only_the_attempt_that_holds_it_releases);
	tcase_add_test(tc, dirty_tree_waits_for_its_owners_death);
	tcase_add_test(tc, silent_and_dead_is_expired_silent_and_alive_is_not);
	tcase_add_test(tc, restart_keeps_the_rows_and_gives_a_new_term);
	tcase_add_test(tc, break_spares_a_live_owner);
	tcase_add_test(tc, too_many_and_too_old_are_removed);
	tcase_add_test(tc, disk_decides);
	tcase_add_test(tc, failed_cleaning_is_tried_later_then_given_up);
	tcase_add_test(tc, saved_work_is_listed_after_its_tree);
	tcase_add_test(tc, gc_takes_all_that_nobody_holds);
	tcase_add_test(tc, a_sweep_is_due_after_many_leases);
	tcase_add_test(tc, repo_that_is_no_longer_configured);
}

SUITE(cases)
