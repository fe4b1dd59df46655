/* SPDX-License-Identifier: Apache-2.0 */
/* Leaf cgroups of workers: where they are, and their end. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/leaf.h"
#include "base/mem.h"
#include "base/path.h"

#define CGROUP2_FS 0x63677270 /* CGROUP2_SUPER_MAGIC of linux/magic.h */
#define KILL_MS    300        /* how long the killed processes may take to be gone */

static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

char *
leaf_cgroup(pid_t pid)
{
	struct buf text = BUF_INIT;
	struct statfs fs;
	char file[64], *line, *rest, *path = NULL;

	snprintf(file, sizeof file, "/proc/%d/cgroup", (int)pid);
	if (path_read(file, 64 * 1024, &text, NULL) == -1)
		return NULL;
	rest = text.data;
	while (path == NULL && (line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(mounts) && path == NULL; i++) {
			if (statfs(mounts[i], &fs) == 0 && fs.f_type == CGROUP2_FS)
				path = xasprintf("%s/%s", mounts[i], line + 4);
		}
	}
	buf_free(&text);
	return path;
}

char *
leaf_of(pid_t pid, const char *worker)
{
	char *path = leaf_cgroup(pid), *name = xasprintf("/" LEAF_PREFIX "%s-%d", worker, (int)pid);
	size_t len = path != NULL ? strlen(path) : 0;

	if (len < strlen(name) || strcmp(path + len - strlen(name), name) != 0) {
		free(path);
		path = NULL;
	}
	free(name);
	return path;
}

void
leaf_kill(const char *path)
{
	const char *name = path != NULL ? strrchr(path, '/') : NULL;
	int64_t until = clock_mono() + KILL_MS;
	char *file;
	int fd;

	if (name == NULL || strncmp(path, mounts[0], strlen(mounts[0])) != 0 ||
	    strncmp(name + 1, LEAF_PREFIX, strlen(LEAF_PREFIX)) != 0 ||
	    strstr(path, "/../") != NULL)
		return;
	file = path_join(path, "cgroup.kill");
	fd = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	free(file);
	if (fd == -1)
		return;
	(void)path_write_all(fd, "1", 1);
	close(fd);
	while (rmdir(path) != 0 && clock_mono() < until)
		(void)poll(NULL, 0, 2);
}
