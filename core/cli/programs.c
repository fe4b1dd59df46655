/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs that drover asks: git, and the daemon's executable. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/spawn.h"
#include "cli/cli.h"

#define OUTPUT_MAX (1024 * 1024)

int
cli_capture(const char *const *argv, bool quiet, struct buf *out)
{
	struct spawn child = { .argv = argv,
		.fd = { [STDERR_FILENO] = quiet ? SPAWN_NULL : SPAWN_KEEP } };
	int status;

	if (spawn_capture(&child, 0, OUTPUT_MAX, out, &status) == -1)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * Looks at $DROVERD, beside this program (installed or built), where it is
 * installed to, and in PATH.
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
