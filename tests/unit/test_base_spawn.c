/* SPDX-License-Identifier: Apache-2.0 */
/* Starting programs: their signals, their descriptors, and their limits. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"

#include "temp.h"
#include "suite.h"

#define SHELL(...) ((const char *const[]){ "/bin/sh", "-c", __VA_ARGS__, NULL })

static struct buf said;

static const char *
capture(const struct spawn *s)
{
	int status = -1;

	buf_free(&said);
	ck_assert_int_eq(spawn_capture(s, 0, 65536, &said, &status), 0);
	ck_assert_int_eq(status, 0);
	return buf_str(&said);
}

START_TEST(spawn_signals_are_at_their_defaults)
{
	static const char *const argv[] = { "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status",
		NULL };
	struct spawn s = { .argv = argv };
	uint64_t blocked, ignored, own = UINT64_C(3) << 31; /* 32 and 33 are the C library's */
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	ck_assert_int_eq(sscanf(capture(&s), "SigBlk: %" SCNx64 " SigIgn: %" SCNx64, &blocked,
			     &ignored),
	    2);
	ck_assert_uint_eq(blocked, 0);
	ck_assert_uint_eq(ignored & ~own, 0);
}
END_TEST

/*
 * With these numbers in use here, which may be the test library's own: so in a
 * process of its own. Its status is 0 when the program said what is expected.
 */
static int
says_with_low_descriptors(const struct spawn *s, const char *expected)
{
	char text[] = "0";
	int status, fds[2];
	pid_t pid = fork();

	if (pid == 0) {
		for (int fd = 3; fd <= 9; fd++) {
			text[0] = (char)('0' + fd);
			if (pipe(fds) != 0 || write(fds[1], text, 1) != 1)
				_exit(1);
			close(fds[1]);
			if (fds[0] != fd && dup2(fds[0], fd) == -1)
				_exit(2);
		}
		if (spawn_capture(s, 0, 100, &said, &status) != 0)
			_exit(3);
		_exit(strcmp(buf_str(&said), expected) == 0 ? 0 : 4);
	}
	proc_reap(pid, &status);
	return status;
}

/* Each of these would be overwritten by a list of plain dup2() calls. */
START_TEST(spawn_descriptors_may_change_places)
{
	struct spawn s = { .argv = SHELL("cat; cat <&3; cat <&4"), .fd = { 4, 0, 0, 4, 3 } };

	ck_assert_int_eq(says_with_low_descriptors(&s, "43"), 0);
	s.fd[3] = 5;
	ck_assert_int_eq(says_with_low_descriptors(&s, "453"), 0);
	s.fd[3] = 3;
	s.fd[4] = 9;
	ck_assert_int_eq(says_with_low_descriptors(&s, "439"), 0);
}
END_TEST

START_TEST(spawn_hands_on_no_other_descriptors)
{
	struct spawn s = { .argv = SHELL("for fd in 0 1 2 3 4 5 6 7 8 9; do "
					 "test -e /proc/$$/fd/$fd && echo -n $fd; done; "
					 "readlink /proc/$$/fd/0 /proc/$$/fd/2") };

	ck_assert_int_eq(says_with_low_descriptors(&s, "012/dev/null\n/dev/null\n"), 0);
	s.fd[4] = 7;
	ck_assert_int_eq(says_with_low_descriptors(&s, "0124/dev/null\n/dev/null\n"), 0);
}
END_TEST

START_TEST(spawn_keeps_what_it_is_told_to)
{
	char *const env[] = { (char *)(uintptr_t) "A=b", NULL };
	struct spawn s = { .argv = SHELL("echo $A; pwd; read x <&2; echo $x"),
		.cwd = "/usr",
		.env = env,
		.fd = { [STDERR_FILENO] = SPAWN_KEEP } };
	char *dir = temp_make(), *path = temp_file(dir, "f", "kept\n");

	ck_assert_int_eq(dup2(open(path, O_RDONLY), STDERR_FILENO), STDERR_FILENO);
	ck_assert_str_eq(capture(&s), "b\n/usr\nkept\n");
	free(path);
	temp_remove(dir);
}
END_TEST

START_TEST(spawn_groups_and_sessions)
{
	struct spawn s = { .argv = SHELL("kill -9 $$") };
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		s.argv = SHELL("read x <&3");
		s.group = i == 1;
		s.session = i == 2;
		int fds[2];

		ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
		s.fd[3] = fds[0];
		ck_assert_int_eq(spawn_start(&s, &pid), 0);
		ck_assert_int_eq(getpgid(pid), i == 0 ? getpgrp() : pid);
		ck_assert_int_eq(getsid(pid), i == 2 ? pid : getsid(0));
		ck_assert_int_eq(proc_wait(pid, clock_mono() + 1), -1);
		ck_assert_int_eq(errno, ETIMEDOUT);
		close(fds[1]);
		ck_assert_int_eq(proc_wait(pid, 0), 0);
		proc_reap(pid, NULL);
		ck_assert_int_eq(proc_wait(pid, 0), -1);
		close(fds[0]);
	}
}
END_TEST

START_TEST(spawn_says_why_it_could_not)
{
	struct spawn s = { .argv = SHELL("true"), .cwd = "/nowhere/at/all" };
	pid_t pid = 1;

	ck_assert_int_eq(spawn_start(&s, &pid), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(pid, 0);
	s.cwd = NULL;
	s.file = "no-program-has-this-name";
	ck_assert_int_eq(spawn_start(&s, &pid), -1);
	ck_assert_int_eq(errno, ENOENT);
	s.file = NULL;
	s.fd[3] = 999;
	ck_assert_int_eq(spawn_start(&s, &pid), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* What is past a limit is killed, with all of its group, and reaped. */
START_TEST(spawn_capture_is_bounded)
{
	struct spawn s = { .argv = SHELL("sleep 1000 & wait"), .group = true };
	struct buf out = BUF_INIT;
	int status;

	ck_assert_int_eq(spawn_capture(&s, 50, 10, &out, &status), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	s.argv = SHELL("exec >&-; sleep 1000");
	ck_assert_int_eq(spawn_capture(&s, 50, 10, &out, &status), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	s.argv = SHELL("echo 0123456789; sleep 1000");
	ck_assert_int_eq(spawn_capture(&s, 0, 10, &out, &status), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(spawn_capture(&s, 0, 10, &out, &status), -1);
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
	buf_clear(&out);
	s.argv = SHELL("echo 012345678; exit 7");
	ck_assert_int_eq(spawn_capture(&s, 60000, 10, &out, &status), 0);
	ck_assert_str_eq(buf_str(&out), "012345678\n");
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	buf_free(&out);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "spawn", NULL, NULL);

	tcase_add_test(tc, spawn_signals_are_at_their_defaults);
	tcase_add_test(tc, spawn_descriptors_may_change_places);
	tcase_add_test(tc, spawn_hands_on_no_other_descriptors);
	tcase_add_test(tc, spawn_keeps_what_it_is_told_to);
	tcase_add_test(tc, spawn_groups_and_sessions);
	tcase_add_test(tc, spawn_says_why_it_could_not);
	tcase_add_test(tc, spawn_capture_is_bounded);
}

SUITE(cases)
