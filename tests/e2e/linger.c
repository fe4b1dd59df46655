/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For linger.sh: "linger KIND FOLDER" leaves one process behind in the way that
 * KIND numbers, from 1 to 17. What is left behind is named kKIND, so that it is
 * found whatever else it hides; it has made the file FOLDER/KIND when it is as
 * it is going to stay. It lives for ten minutes at most.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_S 600

static char name[16], *self, *file_name, *argv0;
static int folder;

static void
in_child(void)
{
	pid_t pid = fork();

	if (pid != 0)
		_exit(pid < 0);
	alarm(LIFE_S);
}

static void
must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	_exit(1);
}

static void
is_up(void)
{
	prctl(PR_SET_NAME, name);
	must(openat(folder, file_name, O_CREAT | O_WRONLY, 0600) >= 0, file_name);
}

static void
remain(void)
{
	is_up();
	for (;;)
		pause();
}

/* Executes this program again, to remain with that environment. */
static void
again(char *const *env)
{
	char number[16];
	char *argv[] = { self, "remain", number, file_name, NULL };

	snprintf(number, sizeof number, "%d", folder);
	execve(self, argv, env);
	_exit(127);
}

static void
double_fork(void)
{
	in_child();
	in_child();
	remain();
}

static void
session(void)
{
	in_child();
	setsid();
	remain();
}

static void
nohup(void)
{
	in_child();
	signal(SIGHUP, SIG_IGN);
	remain();
}

static void
clear_environment(void)
{
	static char *none[] = { NULL };

	in_child();
	setsid();
	again(none);
}

static void
ignore_signals(void)
{
	in_child();
	for (int i = 1; i < 32; i++)
		signal(i, SIG_IGN);
	remain();
}

static void
stopped(void)
{
	in_child();
	is_up();
	for (;;)
		raise(SIGSTOP);
}

static void
daemon_closed(void)
{
	in_child();
	setsid();
	in_child();
	must(chdir("/") == 0, "chdir");
	is_up();
	syscall(SYS_close_range, 0, ~0u, 0);
	for (;;)
		pause();
}

static void
vfork_child(void)
{
	in_child();
	if (vfork() == 0)
		remain();
	_exit(0);
}

static void *
thread(void *arg)
{
	remain();
	return arg;
}

/* The first thread ends, so that the process is a zombie with a live thread. */
static void
thread_alone(void)
{
	pthread_t t;

	in_child();
	must(pthread_create(&t, NULL, thread, NULL) == 0, "pthread_create");
	syscall(SYS_exit, 0);
}

static void namespace(void)
{
	in_child();
	setsid();
	must(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) == 0, "unshare");
	in_child();
	remain();
}

static void
traced_pair(void)
{
	pid_t pid;
	int status;

	in_child();
	if ((pid = fork()) == 0) {
		prctl(PR_SET_NAME, name);
		must(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0, "ptrace");
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "waitpid");
	remain();
}

/* Changes its pid ten times in a second, and 50 times at most. */
static void
fork_loop(void)
{
	in_child();
	setsid();
	is_up();
	for (int i = 0; i < 50; i++) {
		usleep(100000);
		in_child();
	}
	for (;;)
		pause();
}

static void
zombie_parent(void)
{
	pid_t pid;

	in_child();
	if ((pid = fork()) == 0)
		_exit(0);
	must(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT) == 0, "waitid");
	remain();
}

static void
other_root(void)
{
	in_child();
	must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare");
	must(fchdir(folder) == 0 && chroot(".") == 0 && chdir("/") == 0, "chroot");
	remain();
}

static void
other_argv(void)
{
	in_child();
	setsid();
	memcpy(argv0, "[kworker]", strlen(argv0) < 9 ? strlen(argv0) : 9);
	remain();
}

static void
other_group(void)
{
	in_child();
	setpgid(0, 0);
	remain();
}

/* By a timer it starts another of itself whenever that one is gone. */
static void
respawner(void)
{
	in_child();
	setsid();
	signal(SIGCHLD, SIG_IGN);
	for (int made = 0; made < 500; made++) {
		if (fork() == 0)
			remain();
		is_up();
		while (waitpid(-1, NULL, 0) > 0)
			;
		usleep(20000);
	}
}

int
main(int argc, char **argv)
{
	static void (*const kinds[])(void) = { double_fork, session, nohup, clear_environment,
		ignore_signals, stopped, daemon_closed, vfork_child, thread_alone, namespace,
		traced_pair, fork_loop, zombie_parent, other_root, other_argv, other_group,
		respawner };
	int kind;

	if (argc == 4 && strcmp(argv[1], "remain") == 0) {
		folder = atoi(argv[2]);
		file_name = argv[3];
		snprintf(name, sizeof name, "k%s", file_name);
		remain();
	}
	kind = argc == 3 ? atoi(argv[1]) : 0;
	if (kind < 1 || kind > (int)(sizeof kinds / sizeof *kinds))
		return 2;
	self = strdup(argv[0]);
	argv0 = argv[0];
	file_name = strdup(argv[1]);
	snprintf(name, sizeof name, "k%s", file_name);
	folder = open(argv[2], O_RDONLY | O_DIRECTORY);
	must(folder >= 0, argv[2]);
	kinds[kind - 1]();
	return 0;
}
