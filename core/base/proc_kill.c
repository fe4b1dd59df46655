/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills what is left of a job whose worker is dead. The processes are found by
 * their identity, and by the marker in their environment.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"

#define ENVIRON_MAX (256 * 1024)
/* A process that forks during one round is found in a later one. */
#define SWEEPS 5

void
proc_kill(const struct proc_id *id)
{
	int pidfd = pidfd_open(id->pid, 0);

	if (pidfd < 0)
		return;
	if (proc_alive(id))
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}

static bool
proc_is_marked(const char *pid, const char *marker)
{
	char path[64], chunk[8192];
	struct buf env = BUF_INIT;
	const char *p;
	ssize_t n;
	bool found = false;
	int fd;

	snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (env.len < ENVIRON_MAX && (n = read(fd, chunk, sizeof chunk)) > 0)
		buf_add(&env, chunk, (size_t)n);
	close(fd);
	for (p = env.data; p != NULL && p < env.data + env.len && !found; p += strlen(p) + 1)
		found = strncmp(p, marker, strlen(marker)) == 0;
	buf_free(&env);
	return found;
}

static int
proc_sweep_once(const char *marker)
{
	struct dirent *e;
	DIR *dir = opendir("/proc");
	int pidfd, killed = 0;
	pid_t pid;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]) || !proc_is_marked(e->d_name, marker))
			continue;
		pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (pid == getpid() || (pidfd = pidfd_open(pid, 0)) < 0)
			continue;
		if (proc_is_marked(e->d_name, marker) &&
		    pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0)
			killed++;
		close(pidfd);
	}
	closedir(dir);
	return killed;
}

int
proc_sweep_marked(const char *marker)
{
	int i, n, killed = 0;

	for (i = 0; i < SWEEPS && (n = proc_sweep_once(marker)) > 0; i++)
		killed += n;
	return killed;
}
