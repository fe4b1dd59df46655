/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a secret at the moment it is needed: from its owner's file, the
 * environment, or a command without a shell.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/options.h"

#define SECRET_MAX 65536
#define COMMAND_MS 10000

extern char **environ;

static int read_file(const char *, struct buf *, struct error *);
static int check_file(const char *, int, struct error *);
static int read_env(const char *, struct buf *, struct error *);
static int read_command(char *const *, struct buf *, struct error *);
static int spawn(char *const *, int, pid_t *);
static int drain(int, struct buf *, int64_t);
static int wait_end(pid_t, int *, int64_t);
static void wipe(struct buf *);

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

/*
 * systemd hands credentials out as 0440 with an access list: its folder is the
 * service's alone.
 */
static int
check_file(const char *path, int fd, struct error *err)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	size_t len = credentials == NULL ? 0 : strlen(credentials);
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_errno(err, DROVER_CONFIG, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, DROVER_CONFIG, "%s: is no plain file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return error_set(err, DROVER_CONFIG,
		    "%s: belongs to another user: a secret belongs to root or to the daemon's user",
		    path);
	if (len > 0 && strncmp(path, credentials, len) == 0 && path[len] == '/' &&
	    strstr(path, "/../") == NULL)
		return 0;
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return error_set(err, DROVER_CONFIG,
		    "%s: others than its owner may read or write it: chmod 600 %s", path, path);
	return 0;
}

static int
read_file(const char *path, struct buf *out, struct error *err)
{
	int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return error_errno(err, DROVER_CONFIG, "%s: cannot open", path);
	if (check_file(path, fd, err) == 0 && (rc = drain(fd, out, COMMAND_MS)) == -1)
		error_errno(err, DROVER_CONFIG, "%s: cannot read", path);
	close(fd);
	return rc;
}

static int
read_env(const char *name, struct buf *out, struct error *err)
{
	const char *value = getenv(name);

	if (value == NULL)
		return error_set(err, DROVER_CONFIG,
		    "the environment variable %s is not set: set it for the daemon", name);
	buf_adds(out, value);
	return 0;
}

static int
spawn(char *const *argv, int out, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawnp(pid, argv[0], &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	errno = rc;
	return rc == 0 ? 0 : -1;
}

/* All there is until the end; at most limit_ms from now. */
static int
drain(int fd, struct buf *out, int64_t limit_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t left, end = clock_mono() + limit_ms;
	char block[4096];
	ssize_t n = -1;

	for (;;) {
		left = end - clock_mono();
		if (left <= 0 || (n = poll(&pfd, 1, (int)left)) == 0) {
			errno = ETIMEDOUT;
			n = -1;
			break;
		}
		n = read(fd, block, sizeof block);
		if (n == -1 && errno == EINTR)
			continue;
		if (n > 0 && out->len + (size_t)n > SECRET_MAX) {
			errno = EFBIG;
			n = -1;
		}
		if (n <= 0)
			break;
		/*
		 * Room for all at once, so that no copy of a part stays behind
		 * in memory.
		 */
		if (out->cap == 0) {
			out->data = xmalloc(SECRET_MAX + 1);
			out->cap = SECRET_MAX + 1;
		}
		buf_add(out, block, (size_t)n);
	}
	explicit_bzero(block, sizeof block);
	return n == 0 ? 0 : -1;
}

static int
wait_end(pid_t pid, int *status, int64_t limit_ms)
{
	struct pollfd pfd = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int rc = 0;

	if (pfd.fd == -1 || poll(&pfd, 1, limit_ms < 0 ? 0 : (int)limit_ms) != 1)
		rc = -1;
	if (pfd.fd != -1)
		close(pfd.fd);
	if (rc == -1)
		kill(-pid, SIGKILL);
	while (waitpid(pid, status, 0) == -1 && errno == EINTR)
		;
	return rc;
}

static int
read_command(char *const *argv, struct buf *out, struct error *err)
{
	int64_t end = clock_mono() + COMMAND_MS;
	int fds[2], status = 0, read_rc, saved;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return error_errno(err, DROVER_AGAIN, "%s: cannot make a pipe", argv[0]);
	if (spawn(argv, fds[1], &pid) == -1) {
		error_errno(err, DROVER_CONFIG, "%s: cannot run", argv[0]);
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	close(fds[1]);
	read_rc = drain(fds[0], out, COMMAND_MS);
	saved = errno;
	close(fds[0]);
	if (read_rc == -1) {
		wait_end(pid, &status, -1);
		errno = saved;
		return error_errno(err, DROVER_AGAIN, "%s: gave no secret", argv[0]);
	}
	if (wait_end(pid, &status, end - clock_mono()) == -1)
		return error_set(err, DROVER_AGAIN, "%s: did not end within %d seconds", argv[0],
		    COMMAND_MS / 1000);
	if (WIFSIGNALED(status))
		return error_set(err, DROVER_AGAIN, "%s: killed by signal %d", argv[0],
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return error_set(err, DROVER_AGAIN,
		    "%s: gave no secret, exit status %d: run it by hand as the daemon's user",
		    argv[0], WEXITSTATUS(status));
	return 0;
}

char *
secret_read(const char *file, const char *env, char *const *command, struct error *err)
{
	const char *from = file != NULL ? file : env != NULL ? env : command[0];
	struct buf out = BUF_INIT;
	int rc;

	rc = file != NULL ? read_file(file, &out, err) :
	    env != NULL   ? read_env(env, &out, err) :
			    read_command(command, &out, err);
	while (rc == 0 && out.len > 0 &&
	    (out.data[out.len - 1] == '\n' || out.data[out.len - 1] == '\r'))
		out.data[--out.len] = '\0';
	if (rc == 0 && out.len == 0)
		rc = error_set(err, DROVER_CONFIG, "%s: the secret is empty", from);
	else if (rc == 0 && strlen(out.data) != out.len)
		rc = error_set(err, DROVER_CONFIG, "%s: the secret holds a NUL byte", from);
	if (rc == -1) {
		wipe(&out);
		return NULL;
	}
	log_mask_add(out.data);
	return buf_take(&out);
}
