/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs that drover asks: git, and the daemon's executable. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"

#define OUTPUT_MAX (1024 * 1024)

extern char **environ;

int
cli_capture(char *const *argv, bool quiet, struct buf *out)
{
	posix_spawn_file_actions_t actions;
	char chunk[4096];
	int fds[2], status = -1;
	ssize_t got;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	if (quiet)
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	while (pid != -1 &&
	    ((got = read(fds[0], chunk, sizeof chunk)) > 0 || (got == -1 && errno == EINTR)))
		if (got > 0 && out->len < OUTPUT_MAX)
			buf_add(out, chunk, (size_t)got);
	close(fds[0]);
	while (pid != -1 && waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return pid != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * $DROVERD, then beside this program (installed or built), then where it was
 * installed to, then PATH.
 */
char *
cli_droverd(void)
{
	static const char *const places[] = { "../sbin/droverd", "droverd" };
	const char *given = getenv("DROVERD");
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n;

	if (given != NULL && *given != '\0')
		return xstrdup(given);
	if ((n = readlink("/proc/self/exe", self, sizeof self - 1)) > 0) {
		self[n] = '\0';
		*strrchr(self, '/') = '\0';
		for (size_t i = 0; i < ARRAY_LEN(places); i++) {
			snprintf(path, sizeof path, "%s/%s", self, places[i]);
			if (access(path, X_OK) == 0)
				return xstrdup(path);
		}
	}
	return xstrdup(access(SBINDIR "/droverd", X_OK) == 0 ? SBINDIR "/droverd" : "droverd");
}
