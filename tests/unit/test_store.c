/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on real files: what was committed survives kill -9, what was not is
 * gone, and a full disk is no disaster.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "store/engine.h"

#include "suite.h"
#include "temp.h"

static char *dir;
static struct store *s;
static struct error err;

static void
setup(void)
{
	memset(&err, 0, sizeof err);
	dir = temp_make();
	ck_assert_msg(store_open(dir, &s, &err) == 0, "%s", err.text);
}

static void
teardown(void)
{
	store_close(s);
	s = NULL;
	temp_remove(dir);
}

static void
reopen(void)
{
	store_close(s);
	s = NULL;
	ck_assert_msg(store_open(dir, &s, &err) == 0, "%s", err.text);
}

static int
one_int(void *arg, const struct store_row *row)
{
	*(int64_t *)arg = store_row_int(row, 0);
	return 1;
}

static int64_t
count(const char *sql)
{
	int64_t n = -1;

	ck_assert_msg(store_read(s, sql, NULL, 0, one_int, &n, &err) >= 0, "%s", err.text);
	return n;
}

static void
commit(void)
{
	ck_assert_msg(store_commit(s, &err) == 0, "%s", err.text);
}

/* A job with its first event, as the queue would make it. */
static int
add_job(int64_t key, struct error *e)
{
	char name[32];
	struct store_value values[2];

	snprintf(name, sizeof name, "%lld", (long long)key);
	values[0] = store_text(name);
	if (store_run(s, "insert into job (kind, key, trace, priority, state, queued_at, ready_at) "
	    "values ('a.b', $1, 't', 0, 'queued', 1, 1)", values, 1, NULL, NULL, e) != 1)
		return -1;
	values[0] = SV_INT(store_last_id(s));
	return store_run(s,
		   "insert into event (job, at, event, to_state, attempt, epoch) values ($1, 1, "
		   "'submit', "
		   "'queued', 0, 0)",
		   values, 1, NULL, NULL, e) == 1 ?
	    0 :
	    -1;
}

START_TEST(values_come_back_as_they_went_in)
{
	static const char bytes[] = { 'a', '\0', '\xff' };
	struct store_value values[] = { SV_INT(INT64_MIN), store_text("\xc3\xa9"), store_text(NULL),
		store_blob(bytes, sizeof bytes) };

	ck_assert_int_eq(add_job(1, &err), 0);
	ck_assert_int_eq(store_run(s,
			     "update job set ended_at = $1, title = $2, error = $3 where id = 1",
			     values, 3, NULL, NULL, &err),
	    1);
	values[0] = SV_INT(1);
	values[1] = values[3];
	ck_assert_int_eq(store_run(s, "insert into payload (job, data) values ($1, $2)", values, 2,
			     NULL, NULL, &err),
	    1);
	commit();
	reopen();
	ck_assert_int_eq(count("select ended_at from job"), INT64_MIN);
	ck_assert_int_eq(count("select title = '\xc3\xa9' and error is null from job"), 1);
	ck_assert_int_eq(count("select data = x'6100ff' from payload"), 1);
}
END_TEST

/* $2 before $1 in the text: the number counts, not the place. */
START_TEST(parameters_go_by_their_number)
{
	const struct store_value values[] = { store_text("k"), store_text("v") };
	char *value;

	ck_assert_int_eq(store_run(s, "insert into kv (value, key, scope) values ($2, $1, $1)",
			     values, 2, NULL, NULL, &err),
	    1);
	ck_assert_int_eq(store_kv_get(s, "k", "k", &value, &err), 1);
	ck_assert_str_eq(value, "v");
	free(value);
}
END_TEST

START_TEST(only_what_is_committed_stays)
{
	ck_assert(!store_dirty(s));
	ck_assert_int_eq(add_job(1, &err), 0);
	ck_assert(store_dirty(s));
	commit();
	ck_assert(!store_dirty(s));
	ck_assert_int_eq(add_job(2, &err), 0);
	store_rollback(s);
	ck_assert(!store_dirty(s));
	ck_assert_int_eq(add_job(3, &err), 0);
	reopen();
	ck_assert_int_eq(count("select count(*) from job"), 1);
	ck_assert_int_eq(count("select cast(key as integer) from job"), 1);
}
END_TEST

/* Half of a change must not be committed because the caller did not look. */
START_TEST(a_failed_statement_spoils_its_transaction)
{
	ck_assert_int_eq(add_job(1, &err), 0);
	ck_assert_int_eq(add_job(1, &err), -1);
	ck_assert_int_eq(err.code, DROVER_INTERNAL);
	ck_assert_int_eq(add_job(2, &err), -1);
	ck_assert_int_eq(store_commit(s, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "UNIQUE"));
	ck_assert_int_eq(count("select count(*) from job"), 0);
	ck_assert_int_eq(add_job(2, &err), 0);
	commit();
	ck_assert_int_eq(count("select count(*) from job"), 1);
}
END_TEST

START_TEST(ids_never_come_again)
{
	int64_t first;

	ck_assert_int_eq(add_job(1, &err), 0);
	first = store_last_id(s);
	ck_assert_int_ge(store_run(s, "delete from job", NULL, 0, NULL, NULL, &err), 1);
	commit();
	reopen();
	ck_assert_int_eq(count("select count(*) from event"), 0);
	ck_assert_int_eq(add_job(1, &err), 0);
	ck_assert_int_gt(store_last_id(s), first);
}
END_TEST

START_TEST(states_outside_of_the_table_are_refused)
{
	ck_assert_int_eq(add_job(1, &err), 0);
	ck_assert_int_lt(store_run(s, "update job set state = 'bored'", NULL, 0, NULL, NULL, &err),
	    0);
}
END_TEST

START_TEST(a_second_opener_is_told_the_pid)
{
	struct store *other = NULL;
	char pid[16];
	pid_t child;
	int status;

	snprintf(pid, sizeof pid, "%d", (int)getpid());
	ck_assert_int_ge(child = fork(), 0);
	if (child == 0) {
		bool good = store_open(dir, &other, &err) == -1 && err.code == DROVER_CONFIG &&
		    strstr(err.text, pid) != NULL;

		_exit(good && other == NULL ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(nobody_else_may_read_it)
{
	char *path = path_join(dir, "drover.db");
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	free(path);
}
END_TEST

START_TEST(every_commit_is_flushed)
{
	ck_assert_int_eq(count("pragma synchronous"), 2);
	ck_assert_int_eq(count("pragma foreign_keys"), 1);
	ck_assert_int_eq(count("select journal_mode = 'wal' from pragma_journal_mode"), 1);
}
END_TEST

START_TEST(network_file_systems_are_refused)
{
	ck_assert_str_eq(sqlite_refused_fs(0x6969), "NFS");
	ck_assert_str_eq(sqlite_refused_fs(0xff534d42), "CIFS");
	ck_assert_str_eq(sqlite_refused_fs((uint64_t)(int32_t)0xff534d42),
	    "CIFS"); /* as a signed f_type has it */
	ck_assert_ptr_null(sqlite_refused_fs(0xef53));
	ck_assert_ptr_null(sqlite_refused_fs(0x01021994));
}
END_TEST

START_TEST(a_newer_database_is_refused)
{
	struct store *other = NULL;

	ck_assert_int_eq(store_run(s, "insert into schema (version) values (99)", NULL, 0, NULL,
			     NULL, &err),
	    1);
	commit();
	store_close(s);
	s = NULL;
	ck_assert_int_eq(store_open(dir, &other, &err), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "schema 99"));
	ck_assert_ptr_null(other);
}
END_TEST

static int
plan_row(void *arg, const struct store_row *row)
{
	buf_adds(arg, store_row_text(row, 3));
	return 0;
}

/* Both are read with each job, from however many there are. */
static void
indexes_serve(void)
{
	static const char *const queries[][2] = {
		{ "job_active", "explain query plan select id from job "
				"where kind = 'x' and key >= 'a' and " STORE_JOB_ACTIVE },
		{ "job_aside", "explain query plan select id from job "
			       "where state = 'dead' and " STORE_JOB_ASIDE },
	};
	struct buf plan = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		buf_clear(&plan);
		ck_assert_int_gt(store_read(s, queries[i][1], NULL, 0, plan_row, &plan, &err), 0);
		ck_assert_msg(strstr(buf_str(&plan), queries[i][0]) != NULL, "%s: %s",
		    queries[i][0], buf_str(&plan));
	}
	buf_free(&plan);
}

START_TEST(an_older_database_gets_the_indexes_of_a_new_one)
{
	static const char *const older[] = {
		"delete from schema where version > 3",
		"drop index job_active",
		"create unique index job_active on job (kind, key) "
		"where state in ('queued', 'delayed', 'held', 'running')",
		"drop index job_aside",
		"create index job_aside on job (state) "
		"where state in ('delayed', 'held', 'dead', 'cancelled')",
	};
	static const char lists[] = "select count(*) from sqlite_master "
				    "where type = 'index' and sql like '% in (%'";

	indexes_serve();
	ck_assert_int_eq(count(lists), 0);
	for (size_t i = 0; i < ARRAY_LEN(older); i++)
		ck_assert_msg(store_once(s, older[i], &err) == 0, "%s", err.text);
	commit();
	ck_assert_int_eq(count(lists), 2);
	reopen();
	ck_assert_int_eq(count(lists), 0);
	indexes_serve();
}
END_TEST

START_TEST(a_damaged_file_is_named)
{
	char *path = path_join(dir, "drover.db");
	struct store *other = NULL;
	int fd;

	store_close(s);
	s = NULL;
	ck_assert_int_ge(fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), 0);
	ck_assert_int_eq(path_write_all(fd, "this is no database, and was never one ....", 43), 0);
	close(fd);
	ck_assert_int_eq(store_open(dir, &other, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "damaged"));
	free(path);
}
END_TEST

START_TEST(check_compares_events_with_states)
{
	ck_assert_int_eq(add_job(1, &err), 0);
	ck_assert_int_eq(add_job(2, &err), 0);
	ck_assert_msg(store_check(s, &err) == 0, "%s", err.text);
	ck_assert_int_eq(store_run(s, "update job set state = 'held' where id = 2", NULL, 0, NULL,
			     NULL, &err),
	    1);
	ck_assert_int_eq(store_check(s, &err), -1);
	ck_assert_str_eq(err.text, "job 2 is held, but its events say queued");
	store_rollback(s);
	ck_assert_int_eq(add_job(1, &err), 0);
	ck_assert_int_eq(store_run(s,
			     "insert into event (job, at, event, from_state, to_state, attempt, "
			     "epoch) "
			     "values (1, 1, 'claim', 'held', 'queued', 0, 0)",
			     NULL, 0, NULL, NULL, &err),
	    1);
	ck_assert_int_eq(store_check(s, &err), -1);
}
END_TEST

START_TEST(kv_is_kept_by_scope)
{
	char *value;
	char *big = xmalloc(DROVER_VALUE_MAX + 2);

	ck_assert_int_eq(store_kv_get(s, "plugin/a", "k", &value, &err), 0);
	ck_assert_ptr_null(value);
	ck_assert_int_eq(store_kv_set(s, "plugin/a", "k", "1", &err), 0);
	ck_assert_int_eq(store_kv_set(s, "plugin/a", "k", "2", &err), 0);
	ck_assert_int_eq(store_kv_set(s, "job/1", "k", "other", &err), 0);
	ck_assert_int_eq(store_kv_remove(s, "job/1", NULL, &err), 0);
	ck_assert_int_eq(store_kv_get(s, "job/1", "k", &value, &err), 0);
	ck_assert_int_eq(store_kv_get(s, "plugin/a", "k", &value, &err), 1);
	ck_assert_str_eq(value, "2");
	free(value);
	ck_assert_int_eq(store_kv_remove(s, "plugin/a", "k", &err), 0);
	ck_assert_int_eq(store_kv_get(s, "plugin/a", "k", &value, &err), 0);
	memset(big, 'x', DROVER_VALUE_MAX + 1);
	big[DROVER_VALUE_MAX + 1] = '\0';
	ck_assert_int_eq(store_kv_set(s, "plugin/a", "k", big, &err), -1);
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
	commit();
	free(big);
}
END_TEST

START_TEST(cursors_survive)
{
	char *cursor;

	ck_assert_int_eq(store_cursor_get(s, "inbox.ticket", &cursor, &err), 0);
	ck_assert_int_eq(store_cursor_set(s, "inbox.ticket", "1", &err), 0);
	ck_assert_int_eq(store_cursor_set(s, "inbox.ticket", "2", &err), 0);
	commit();
	reopen();
	ck_assert_int_eq(store_cursor_get(s, "inbox.ticket", &cursor, &err), 1);
	ck_assert_str_eq(cursor, "2");
	free(cursor);
}
END_TEST

START_TEST(effects_happen_once)
{
	char *result;

	ck_assert_int_eq(store_effect_begin(s, "pr/1", 7, 1, &result, &err), DROVER_EFFECT_NEW);
	ck_assert_int_eq(store_effect_begin(s, "pr/1", 7, 2, &result, &err), DROVER_EFFECT_UNSURE);
	ck_assert_int_eq(store_effect_done(s, "pr/1", 7, 1, "late", &err), -1);
	ck_assert_int_eq(err.code, DROVER_FENCED);
	ck_assert_int_eq(store_effect_begin(s, "pr/1", 7, 1, &result, &err), -1);
	ck_assert_int_eq(err.code, DROVER_FENCED);
	ck_assert_int_eq(store_effect_done(s, "pr/1", 7, 2, "#12", &err), 0);
	ck_assert_int_eq(store_effect_done(s, "pr/1", 7, 2, "#13", &err), 0);
	commit();
	reopen();
	ck_assert_int_eq(store_effect_begin(s, "pr/1", 8, 1, &result, &err), DROVER_EFFECT_DONE);
	ck_assert_str_eq(result, "#12");
	free(result);
	ck_assert_int_eq(store_effect_done(s, "pr/2", 7, 2, "", &err), -1);
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
}
END_TEST

START_TEST(old_effects_of_operations_go)
{
	char *result;

	ck_assert_int_eq(store_effect_begin(s, "notify/1", 0, 0, &result, &err), DROVER_EFFECT_NEW);
	ck_assert_int_eq(store_effect_begin(s, "pr/1", 7, 1, &result, &err), DROVER_EFFECT_NEW);
	ck_assert_int_eq(store_effect_prune(s, clock_wall() - 3600000, &err), 0);
	ck_assert_int_eq(store_effect_begin(s, "notify/1", 0, 0, &result, &err),
	    DROVER_EFFECT_UNSURE);
	ck_assert_int_eq(store_effect_prune(s, clock_wall() + 1000, &err), 1);
	ck_assert_int_eq(store_effect_begin(s, "notify/1", 0, 0, &result, &err), DROVER_EFFECT_NEW);
	ck_assert_int_eq(store_effect_begin(s, "pr/1", 7, 1, &result, &err), DROVER_EFFECT_UNSURE);
}
END_TEST

/* A file size limit stands for a full disk: the write fails the same way. */
START_TEST(a_full_disk_is_again_and_loses_nothing)
{
	struct rlimit old, tight;
	int rc = 0, n;

	for (n = 0; n < 50; n++)
		ck_assert_int_eq(add_job(n, &err), 0);
	commit();
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = (rlim_t)256 * 1024;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
	while (rc == 0 && n < 1000000) {
		for (int i = 0; i < 50 && rc == 0; i++)
			rc = add_job(1000 + n + i, &err);
		if (rc != 0)
			store_rollback(s);
		else if ((rc = store_commit(s, &err)) == 0)
			n += 50;
	}
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_int_eq(rc, -1);
	ck_assert_msg(err.code == DROVER_AGAIN, "%s", err.text);
	ck_assert_ptr_nonnull(strstr(err.text, "free some space"));
	ck_assert_int_eq(count("select count(*) from job"), n);
	ck_assert_int_eq(add_job(0x7fffffff, &err), 0);
	commit();
	ck_assert_msg(store_check(s, &err) == 0, "%s", err.text);
	ck_assert_int_eq(count("select count(*) from job"), n + 1);
}
END_TEST

/*
 * The child writes the number of each committed job to a pipe; it dies wherever
 * it happens to be.
 */
static void
crash_child(int out)
{
	for (int64_t n = count("select coalesce(max(cast(key as integer)), 0) from job") + 1;;
	     n++) {
		if (add_job(n, &err) != 0 || store_commit(s, &err) != 0 ||
		    path_write_all(out, &n, sizeof n) != 0)
			_exit(1);
	}
}

START_TEST(what_was_acknowledged_survives_kill_9)
{
	int64_t acknowledged = 0, n;
	int fds[2], status;
	pid_t child;

	store_close(s);
	s = NULL;
	srand(20261121);
	for (int round = 0; round < 12; round++) {
		int reads = 1 + rand() % 40;

		ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
		ck_assert_int_ge(child = fork(), 0);
		if (child == 0) {
			if (store_open(dir, &s, &err) != 0)
				_exit(2);
			crash_child(fds[1]);
		}
		close(fds[1]);
		while (reads-- > 0 && read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
			acknowledged = n;
		ck_assert_int_lt(reads, 0);
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
			acknowledged = n;
		close(fds[0]);
		ck_assert_msg(store_open(dir, &s, &err) == 0, "%s", err.text);
		ck_assert_msg(store_check(s, &err) == 0, "%s", err.text);
		n = count("select max(cast(key as integer)) from job");
		ck_assert_msg(n == acknowledged || n == acknowledged + 1,
		    "%lld acknowledged, %lld there", (long long)acknowledged, (long long)n);
		ck_assert_int_eq(count("select count(*) from job"), n);
		store_close(s);
		s = NULL;
	}
}
END_TEST

static void
cases(Suite *suite)
{
	const TTest *const tests[] = {
		values_come_back_as_they_went_in,
		parameters_go_by_their_number,
		only_what_is_committed_stays,
		a_failed_statement_spoils_its_transaction,
		ids_never_come_again,
		states_outside_of_the_table_are_refused,
		a_second_opener_is_told_the_pid,
		nobody_else_may_read_it,
		every_commit_is_flushed,
		network_file_systems_are_refused,
		a_newer_database_is_refused,
		an_older_database_gets_the_indexes_of_a_new_one,
		a_damaged_file_is_named,
		check_compares_events_with_states,
		kv_is_kept_by_scope,
		cursors_survive,
		effects_happen_once,
		old_effects_of_operations_go,
		a_full_disk_is_again_and_loses_nothing,
		what_was_acknowledged_survives_kill_9,
	};
	TCase *tcase = suite_case(suite, "sqlite", setup, teardown);

	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tcase, tests[i]);
}

SUITE(cases)
