/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place that calls posix_spawn(). It orders the duplication of
 * descriptors so that no dup2() overwrites one that is still needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"

static int spawn_sources_open(const struct spawn *, int *sources);
static void spawn_sources_close(const struct spawn *, const int *sources);
static int spawn_add_descriptors(posix_spawn_file_actions_t *, const struct spawn *, const int *);
static int spawn_set_attributes(posix_spawnattr_t *, const struct spawn *);
static int spawn_run(const struct spawn *, const int *sources, pid_t *);

/*
 * Duplicates the descriptors with a low number, since a dup2() could overwrite
 * them before their turn.
 */
static int
spawn_sources_open(const struct spawn *s, int *sources)
{
	memcpy(sources, s->fd, sizeof s->fd);
	for (int i = 0; i < SPAWN_FDS; i++) {
		if (s->fd[i] <= 0 || s->fd[i] >= SPAWN_FDS || s->fd[i] == i)
			continue;
		if ((sources[i] = fcntl(s->fd[i], F_DUPFD_CLOEXEC, SPAWN_FDS)) == -1) {
			memcpy(sources + i, s->fd + i, sizeof *sources * (size_t)(SPAWN_FDS - i));
			return -1;
		}
	}
	return 0;
}

static void
spawn_sources_close(const struct spawn *s, const int *sources)
{
	int saved = errno;

	for (int i = 0; i < SPAWN_FDS; i++)
		if (sources[i] != s->fd[i])
			close(sources[i]);
	errno = saved;
}

/* Returns an error number, like the calls that it makes. */
static int
spawn_add_descriptors(posix_spawn_file_actions_t *actions, const struct spawn *s,
    const int *sources)
{
	int rc = 0, n = SPAWN_FDS;

	while (n > STDERR_FILENO + 1 && sources[n - 1] == SPAWN_NULL)
		n--;
	for (int i = 0; i < n && rc == 0; i++) {
		if (sources[i] == SPAWN_KEEP)
			continue;
		if (sources[i] != SPAWN_NULL)
			rc = posix_spawn_file_actions_adddup2(actions, sources[i], i);
		else if (i <= STDERR_FILENO)
			rc = posix_spawn_file_actions_addopen(actions, i, "/dev/null",
			    i == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0);
		else
			rc = posix_spawn_file_actions_addclose(actions, i);
	}
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(actions, n);
	if (rc == 0 && s->cwd != NULL)
		rc = posix_spawn_file_actions_addchdir_np(actions, s->cwd);
	return rc;
}

static int
spawn_set_attributes(posix_spawnattr_t *attr, const struct spawn *s)
{
	int rc, flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	if (s->group)
		flags |= POSIX_SPAWN_SETPGROUP; /* its group number stays 0: a new group */
	if (s->session)
		flags |= POSIX_SPAWN_SETSID;
	if ((rc = posix_spawnattr_setsigmask(attr, &none)) == 0 &&
	    (rc = posix_spawnattr_setsigdefault(attr, &all)) == 0)
		rc = posix_spawnattr_setflags(attr, (short)flags);
	return rc;
}

static int
spawn_run(const struct spawn *s, const int *sources, pid_t *pid)
{
	const char *file = s->file != NULL ? s->file : s->argv[0];
	char *const *env = s->env != NULL ? s->env : environ;
	char *const *argv = (char *const *)(uintptr_t)s->argv;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc;

	if ((rc = posix_spawn_file_actions_init(&actions)) != 0)
		return rc;
	if ((rc = posix_spawnattr_init(&attr)) == 0) {
		if ((rc = spawn_add_descriptors(&actions, s, sources)) == 0 &&
		    (rc = spawn_set_attributes(&attr, s)) == 0)
			rc = posix_spawnp(pid, file, &actions, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

int
spawn_start(const struct spawn *s, pid_t *pid)
{
	int sources[SPAWN_FDS], rc;

	rc = spawn_sources_open(s, sources) == 0 ? spawn_run(s, sources, pid) : errno;
	spawn_sources_close(s, sources);
	if (rc == 0)
		return 0;
	*pid = 0;
	errno = rc;
	return -1;
}

int
spawn_capture(const struct spawn *s, int64_t limit_ms, size_t max, struct buf *out, int *status)
{
	int64_t until = limit_ms > 0 ? clock_mono() + limit_ms : 0;
	struct spawn child = *s;
	int fds[2], rc, saved;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	child.fd[STDOUT_FILENO] = fds[1];
	rc = spawn_start(&child, &pid);
	saved = errno;
	close(fds[1]);
	if (rc == 0) {
		if ((rc = path_read_all(fds[0], max, until, out)) == 0)
			rc = proc_wait(pid, until);
		saved = errno;
		if (rc == -1)
			kill(s->group || s->session ? -pid : pid, SIGKILL);
		if (proc_reap(pid, status) == -1 && rc == 0) {
			rc = -1;
			saved = errno;
		}
	}
	close(fds[0]);
	errno = saved;
	return rc;
}
