/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: identity, what a tree uses, and a sweep that finds whoever tries
 * to get away.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/leaf.h"
#include "base/mem.h"
#include "base/proc.h"

#include "suite.h"

/* The child says on fd that it stands, then waits for ever. */
static void
stand(int fd)
{
	pid_t self = getpid();

	MUST(write(fd, &self, sizeof self) == sizeof self);
	for (;;)
		pause();
}

static pid_t
read_pid(int fd)
{
	pid_t pid;

	ck_assert_int_eq(read(fd, &pid, sizeof pid), sizeof pid);
	return pid;
}

START_TEST(proc_knows_who_is_who)
{
	struct proc_id self, child;
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(proc_identify(getpid(), &self), 0);
	ck_assert(proc_alive(&self));
	self.start++;
	ck_assert(!proc_alive(&self));
	self.start--;
	self.boot[0] ^= 1;
	ck_assert(!proc_alive(&self));
	ck_assert_int_eq(proc_identify(0, &self), -1);
	ck_assert_int_eq(proc_identify(-1, &self), -1);
	ck_assert_int_eq(pipe(fds), 0);
	if ((pid = fork()) == 0)
		stand(fds[1]);
	read_pid(fds[0]);
	ck_assert_int_eq(proc_identify(pid, &child), 0);
	ck_assert(proc_alive(&child));
	kill(pid, SIGKILL);
	siginfo_t info;
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_msg(!proc_alive(&child), "ended, though nobody has reaped it");
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!proc_alive(&child));
	ck_assert_int_eq(proc_identify(pid, &child), -1);
}
END_TEST

/* A name with brackets and spaces must not shift the numbers behind it. */
START_TEST(proc_reads_odd_names)
{
	struct proc_id before, after;

	ck_assert_int_eq(proc_identify(getpid(), &before), 0);
	ck_assert_int_eq(prctl(PR_SET_NAME, ") Z 1 1 (x"), 0);
	ck_assert_int_eq(proc_identify(getpid(), &after), 0);
	ck_assert_uint_eq(before.start, after.start);
	ck_assert(proc_alive(&before));
}
END_TEST

/*
 * A family of three generations: the middle one forks twice, into a session of
 * its own, and ignores SIGTERM.
 */
static void
make_runaway(int fd)
{
	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (fork() == 0)
		stand(fd);
	stand(fd);
}

START_TEST(proc_signals_a_tree_and_nobody_else)
{
	int fds[2], status;
	pid_t child, stranger;

	signal(SIGTERM, SIG_DFL); /* Check has a handler, which would take the group along */
	ck_assert_int_eq(pipe(fds), 0);
	if ((child = fork()) == 0) {
		if (fork() == 0) {
			setsid();
			alarm(600);
			stand(fds[1]);
		}
		stand(fds[1]);
	}
	(void)read_pid(fds[0]);
	(void)read_pid(fds[0]);
	ck_assert_int_eq(proc_signal_tree(child, 0), 1);
	if ((stranger = fork()) == 0)
		stand(fds[1]);
	ck_assert_int_eq(read_pid(fds[0]), stranger);
	ck_assert_int_eq(proc_signal_tree(getpid(), 0), 3);
	ck_assert_int_eq(proc_signal_tree(child, SIGTERM), 1);
	ck_assert_int_eq(waitpid(stranger, &status, WNOHANG), 0);
	ck_assert_int_eq(waitpid(child, &status, WNOHANG), 0);
	ck_assert_int_ge(proc_signal_tree(getpid(), SIGTERM), 2);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WTERMSIG(status), SIGTERM);
	ck_assert_int_eq(waitpid(stranger, &status, 0), stranger);
}
END_TEST

START_TEST(proc_sweeps_runaways)
{
	struct proc_id family[20];
	struct proc_usage usage;
	int fds[2], i;
	pid_t pid;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe(fds), 0);
	for (i = 0; i < 10; i++) {
		if ((pid = fork()) == 0)
			make_runaway(fds[1]);
		ck_assert_int_gt(pid, 0);
	}
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(proc_identify(read_pid(fds[0]), &family[i]), 0);
	ck_assert_int_eq(proc_tree_usage(getpid(), &usage), 0);
	ck_assert_int_ge(usage.count, 20);
	ck_assert_int_gt(usage.rss, 0);
	ck_assert_int_ge(proc_sweep_children(20000), 20);
	for (i = 0; i < 20; i++)
		ck_assert(!proc_alive(&family[i]));
	ck_assert_int_eq(proc_sweep_children(0), 0);
	ck_assert_int_eq(proc_tree_usage(getpid(), &usage), 0);
	ck_assert_int_eq(usage.count, 0);
}
END_TEST

/*
 * A line of processes in which each starts the next and leaves; it ends by
 * itself should nobody catch it.
 */
START_TEST(proc_sweeps_a_relay)
{
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		for (int n = 0; n < 100000; n++) {
			if (fork() != 0)
				_exit(0);
			setsid();
			if (n == 20)
				MUST(write(fds[1], "x", 1) == 1);
		}
		_exit(0);
	}
	ck_assert_int_eq(read(fds[0], &(char){ 0 }, 1), 1);
	ck_assert_int_ge(proc_sweep_children(20000), 1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(proc_sweep_gives_up_in_time)
{
	char name[16];
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(proc_child_left(name, sizeof name), 0);
	if ((pid = fork()) == 0) {
		(void)prctl(PR_SET_NAME, "one that stands");
		stand(fds[1]);
	}
	read_pid(fds[0]);
	ck_assert_int_eq(proc_sweep_children(0), -1);
	ck_assert_int_eq(proc_child_left(name, sizeof name), pid);
	ck_assert_str_eq(name, "one that stands");
	ck_assert_int_eq(proc_sweep_children(20000), 1);
}
END_TEST

START_TEST(proc_kills_only_the_one_it_means)
{
	struct proc_id id, other;
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	if ((pid = fork()) == 0)
		stand(fds[1]);
	read_pid(fds[0]);
	ck_assert_int_eq(proc_identify(pid, &id), 0);
	other = id;
	other.start++;
	proc_kill(&other);
	ck_assert(proc_alive(&id));
	proc_kill(&id);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

static bool
is_that(const void *arg, pid_t pid, uint64_t start)
{
	const struct proc_id *id = arg;

	return pid == id->pid && start == id->start;
}

/* Forks depth generations; the last one is the process that stands. */
static void
descend(int depth, int fd)
{
	pid_t pid = 0;

	while (depth-- > 0 && (pid = fork()) == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pid == 0)
		stand(fd);
	(void)waitpid(pid, NULL, 0);
	_exit(0);
}

START_TEST(proc_finds_who_stands_above)
{
	static const struct {
		int depth, found;
	} rows[] = { { 1, 1 }, { 5, 1 }, { 300, -1 } };
	struct proc_id self, other;
	pid_t top, pid;
	int fds[2];

	ck_assert_int_eq(proc_identify(getpid(), &self), 0);
	other = self;
	other.start++;
	ck_assert_int_eq(pipe(fds), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if ((top = fork()) == 0)
			descend(rows[i].depth - 1, fds[1]);
		pid = read_pid(fds[0]);
		ck_assert_int_eq(proc_descends(pid, is_that, &self), rows[i].found);
		ck_assert_int_eq(proc_descends(pid, is_that, &other),
		    rows[i].found == 1 ? 0 : -1);
		kill(top, SIGKILL);
		waitpid(top, NULL, 0);
	}
	ck_assert_int_eq(proc_descends(getpid(), is_that, &self), 1);
	ck_assert_int_eq(proc_descends(top, is_that, &self), -1);
	ck_assert_int_eq(proc_descends(0, is_that, &self), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* The child is in the leaf; the folder beside it has another name. */
START_TEST(a_leaf_ends_with_all_that_is_in_it)
{
	char *own = leaf_cgroup(getpid()), *leaf, *procs, *other;
	int fds[2], status;
	pid_t pid;

	leaf_kill(NULL);
	leaf_kill("/nonexistent/drover-w1-1");
	ck_assert_ptr_null(leaf_of(getpid(), "w1"));
	if (own == NULL)
		return;
	leaf = xasprintf("%s/" LEAF_PREFIX "test-%d", own, (int)getpid());
	other = xasprintf("%s/test-%d", own, (int)getpid());
	procs = xasprintf("%s/cgroup.procs", leaf);
	if (mkdir(leaf, 0755) != 0 || mkdir(other, 0755) != 0)
		goto out;
	ck_assert_int_eq(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		int fd = open(procs, O_WRONLY | O_CLOEXEC);

		MUST(fd != -1 && write(fd, "0", 1) == 1);
		stand(fds[1]);
	}
	ck_assert_int_eq(read_pid(fds[0]), pid);
	ck_assert_ptr_null(leaf_of(pid, "test"));
	leaf_kill(other);
	ck_assert_int_eq(rmdir(other), 0);
	leaf_kill(leaf);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	(void)rmdir(leaf);
	ck_assert_int_ne(access(leaf, F_OK), 0);
out:
	free(procs);
	free(other);
	free(leaf);
	free(own);
}
END_TEST

START_TEST(proc_tells_memory)
{
	ck_assert_int_gt(proc_memory_available(), 1 << 20);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "proc", NULL, NULL);

	tcase_add_test(tc, proc_knows_who_is_who);
	tcase_add_test(tc, proc_reads_odd_names);
	tcase_add_test(tc, proc_signals_a_tree_and_nobody_else);
	tcase_add_test(tc, proc_sweeps_runaways);
	tcase_add_test(tc, proc_sweeps_a_relay);
	tcase_add_test(tc, proc_sweep_gives_up_in_time);
	tcase_add_test(tc, proc_kills_only_the_one_it_means);
	tcase_add_test(tc, proc_finds_who_stands_above);
	tcase_add_test(tc, a_leaf_ends_with_all_that_is_in_it);
	tcase_add_test(tc, proc_tells_memory);
}

SUITE(cases)
