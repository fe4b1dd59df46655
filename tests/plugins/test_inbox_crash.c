/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at every step of a ticket's life: each call of the host, each change of the folder, before and
 * after the daemon's transaction. Whatever step it was, a process that carries on afterwards leaves each
 * ticket done once.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "box.h"

#define GOOD "# Good\n"
#define ALSO "# Also good\n"

/* Whose steps the wrapped calls below count; NULL in the parent. */
static struct fake *stepping;

/* The plugin's calls arrive here, as the program comes before libc in the order of lookup. */
int renameat2(int, const char *, int, const char *, unsigned int);
int renameat(int, const char *, int, const char *);
int unlinkat(int, const char *, int);
int mkdirat(int, const char *, mode_t);
int fsync(int);
int openat(int, const char *, int, ...);

static int
stepped(long result)
{
	fake_step(stepping);
	return (int)result;
}

int
renameat2(int from, const char *name, int to, const char *target, unsigned int flags)
{
	fake_step(stepping);
	return stepped(syscall(SYS_renameat2, from, name, to, target, flags));
}

int
renameat(int from, const char *name, int to, const char *target)
{
	fake_step(stepping);
	return stepped(syscall(SYS_renameat2, from, name, to, target, 0));
}

int
unlinkat(int dir, const char *name, int flags)
{
	fake_step(stepping);
	return stepped(syscall(SYS_unlinkat, dir, name, flags));
}

int
mkdirat(int dir, const char *name, mode_t mode)
{
	fake_step(stepping);
	return stepped(syscall(SYS_mkdirat, dir, name, mode));
}

int
fsync(int fd)
{
	fake_step(stepping);
	return stepped(syscall(SYS_fsync, fd));
}

int
openat(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) == 0)
		return (int)syscall(SYS_openat, dir, name, flags, 0);
	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	fake_step(stepping);
	return stepped(syscall(SYS_openat, dir, name, flags, mode));
}

/* A runner's and its core's life until there is nothing left to do. early: jobs end before the next poll. */
static void
live(struct box *b, bool early)
{
	struct fake *f = b->fake;
	void *state = NULL;
	int round, i;

	if (b->source->open(&f->scope, NULL, &state, &b->err) != 0)
		_exit(2);
	for (round = 0; round < 4; round++) {
		if (fake_poll(f, b->source, state, &b->err) != 0)
			_exit(3);
		if (!early && fake_poll(f, b->source, state, &b->err) != 0)
			_exit(4);
		for (i = 0; i < f->njobs; i++)
			if (f->jobs[i].state != FAKE_SETTLED &&
			    fake_settle(f, b->source, state, i, i % 2 == 0 ? "succeeded" : "dead", "{\"branch\":\"x\"}", &b->err) != 0)
				_exit(5);
	}
	b->source->close(&f->scope, state);
}

/* Runs live() in a child that is killed at step kill_at. Returns 1 when it came to its own end. */
static int
run(struct box *b, bool early, unsigned kill_at)
{
	int status;
	pid_t pid;

	b->fake->step = 0;
	b->fake->kill_at = kill_at;
	ck_assert_int_ne(pid = fork(), -1);
	if (pid == 0) {
		stepping = b->fake;
		live(b, early);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
		return 0;
	}
	ck_assert_msg(WEXITSTATUS(status) == 0, "step %u: exit %d: %s", kill_at, WEXITSTATUS(status), b->err.text);
	return 1;
}

static void
check_all_done_once(struct box *b, unsigned step)
{
	int i;

	ck_assert_msg(b->fake->njobs == 2, "step %u: %d jobs", step, b->fake->njobs);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(b->fake->jobs[i].state, FAKE_SETTLED);
	ck_assert_msg(box_count(b, ".") == 4, "step %u: something stays in the folder", step);
	ck_assert_msg(box_count(b, "working") == 0, "step %u: something stays in working", step);
	ck_assert_int_eq(box_count(b, "done") + box_count(b, "failed"), 4);
	ck_assert(box_says(b, "done", "a.md", GOOD));
	ck_assert(box_says(b, "done", "a.report.md", "- Job: 1\n"));
	ck_assert(box_says(b, "failed", "b.md", ALSO));
	ck_assert(box_says(b, "failed", "b.report.md", "- Job: 2\n"));
	ck_assert(box_has(b, "rejected", "c.md"));
	ck_assert(box_has(b, "rejected", "c.report.md"));
	ck_assert_int_eq(box_count(b, "rejected"), 2);
}

/* _i & 1: jobs end before the next poll. _i & 2: the process that carries on is killed at the same step, and a third one carries on. */
START_TEST(no_step_loses_or_doubles_a_ticket)
{
	bool early = (_i & 1) != 0, ended = false;
	unsigned step;
	struct box b;

	for (step = 1; !ended; step++) {
		box_open(&b, NULL);
		box_put(&b, "a.md", GOOD, strlen(GOOD), 9000);
		box_put(&b, "b.md", ALSO, strlen(ALSO), 8000);
		box_put(&b, "c.md", "Bad: x\n", 7, 7000);
		ended = run(&b, early, step);
		if (!ended && (_i & 2) != 0)
			run(&b, early, step);
		run(&b, early, 0);
		check_all_done_once(&b, step);
		box_close(&b);
	}
	ck_assert_uint_gt(step, 60);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("inbox_crash");
	TCase *t = tcase_create("steps");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, no_step_loses_or_doubles_a_ticket, 0, 4);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
