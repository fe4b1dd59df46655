/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at every step of a ticket's life: each call of the host, each change
 * of the folder, before and after the daemon's transaction. Whatever step it
 * was, a process that carries on afterwards leaves each ticket done once.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"
#include "suite.h"

#define EARLY 1u       /* jobs end before the next poll */
#define TWICE \
	2u /* the process that carries on is killed at the same step, and a third one carries on \
	    */
#define NO_REPLACE 4u  /* on a file system without RENAME_NOREPLACE */

#define GOOD "# Good\n"
#define ALSO "# Also good\n"

/* Whose steps the wrapped calls below count; NULL in the parent. */
static struct fake *stepping;
static unsigned fail_at;          /* the step whose change of the folder fails instead; 0: none */
static bool has_failed;
static bool no_replace;           /* the file system has no RENAME_NOREPLACE */

/*
 * The plugin's calls arrive here, as the program comes before libc in the order
 * of lookup.
 */
int renameat2(int, const char *, int, const char *, unsigned int);
int renameat(int, const char *, int, const char *);
int unlinkat(int, const char *, int);
int mkdirat(int, const char *, mode_t);
int fsync(int);
int openat(int, const char *, int, ...);

static bool
fails(void)
{
	fake_step(stepping);
	if (stepping == NULL || stepping->step != fail_at)
		return false;
	errno = EIO;
	return has_failed = true;
}

static int
stepped(long result)
{
	int saved = errno;

	fake_step(stepping);
	errno = saved;
	return (int)result;
}

int
renameat2(int from, const char *name, int to, const char *target, unsigned int flags)
{
	if (fails())
		return -1;
	if (no_replace && flags != 0) {
		errno = EINVAL;
		return -1;
	}
	return stepped(syscall(SYS_renameat2, from, name, to, target, flags));
}

int
renameat(int from, const char *name, int to, const char *target)
{
	if (fails())
		return -1;
	return stepped(syscall(SYS_renameat2, from, name, to, target, 0));
}

int
unlinkat(int dir, const char *name, int flags)
{
	if (fails())
		return -1;
	return stepped(syscall(SYS_unlinkat, dir, name, flags));
}

int
mkdirat(int dir, const char *name, mode_t mode)
{
	if (fails())
		return -1;
	return stepped(syscall(SYS_mkdirat, dir, name, mode));
}

int
fsync(int fd)
{
	if (fails())
		return -1;
	/* What a killed process wrote is there without it. */
	return stepped(0);
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
	if (fails())
		return -1;
	return stepped(syscall(SYS_openat, dir, name, flags, mode));
}

/*
 * A runner's and its core's life until there is nothing left to do. early: jobs
 * end before the next poll.
 */
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
			    fake_settle(f, b->source, state, i, i % 2 == 0 ? "succeeded" : "dead",
				"{\"branch\":\"x\"}", &b->err) != 0)
				_exit(5);
	}
	b->source->close(&f->scope, state);
}

/*
 * Runs live() in a child that is killed at step kill_at. Returns 1 when it came
 * to its own end.
 */
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
	ck_assert_msg(WEXITSTATUS(status) == 0, "step %u: exit %d: %s", kill_at,
	    WEXITSTATUS(status), b->err.text);
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

static void
fill(struct box *b)
{
	box_open(b, NULL);
	box_put(b, "a.md", GOOD, strlen(GOOD), 9000);
	box_put(b, "b.md", ALSO, strlen(ALSO), 8000);
	box_put(b, "c.md", "Bad: x\n", 7, 7000);
}

START_TEST(no_step_loses_or_doubles_a_ticket)
{
	static const unsigned variants[] = { 0, EARLY | TWICE, NO_REPLACE };
	bool early = (variants[_i] & EARLY) != 0, twice = (variants[_i] & TWICE) != 0,
	     ended = false;
	unsigned step;
	struct box b;

	no_replace = (variants[_i] & NO_REPLACE) != 0;
	for (step = 1; !ended; step++) {
		fill(&b);
		ended = run(&b, early, step);
		if (!ended && twice)
			run(&b, early, step);
		run(&b, early, 0);
		check_all_done_once(&b, step);
		box_close(&b);
	}
	ck_assert_uint_gt(step, 60);
}
END_TEST

/*
 * The call that fails is reported by its callback with a class and a text, and
 * doing it again does it.
 */
START_TEST(a_failing_disk_is_survived)
{
	unsigned step, failed = 0, last = 0;
	struct box b;
	int round, i, code;

	for (step = 1; step <= last || last == 0; step++) {
		fill(&b);
		b.fake->step = 0;
		stepping = b.fake;
		fail_at = step;
		has_failed = false;
		failed = 0;
		for (round = 0; round < 3; round++) {
			if ((code = fake_poll(b.fake, b.source, b.state, &b.err)) != 0) {
				failed++;
				ck_assert_msg(code == DROVER_AGAIN || code == DROVER_CONFIG,
				    "step %u: class %d", step, code);
				ck_assert_ptr_nonnull(strstr(b.err.text, b.path));
				ck_assert_ptr_nonnull(strstr(b.err.text, strerror(EIO)));
			}
			for (i = 0; i < b.fake->njobs; i++)
				if (b.fake->jobs[i].state != FAKE_SETTLED &&
				    (code = fake_settle(b.fake, b.source, b.state, i,
					 i % 2 == 0 ? "succeeded" : "dead", "{}", &b.err)) != 0) {
					failed++;
					ck_assert_int_ge(code, DROVER_CONFIG);
					ck_assert_ptr_nonnull(strstr(b.err.text, b.path));
				}
		}
		stepping = NULL;
		last = b.fake->step;
		ck_assert_msg(failed == has_failed, "step %u: %u failures were told", step, failed);
		check_all_done_once(&b, step);
		box_close(&b);
	}
	ck_assert_uint_gt(step, 60);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "steps", NULL, NULL);

	tcase_add_loop_test(t, no_step_loses_or_doubles_a_ticket, 0, 3);
	tcase_add_test(t, a_failing_disk_is_survived);
}

SUITE(cases)
