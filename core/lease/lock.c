/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks between processes, and the small files beside them. A lock is an flock:
 * it ends with the last process that holds it, so it is never stale.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"

int
lock_take(const char *path, int *fd, struct error *err)
{
	struct stat held, named;

	for (;;) {
		*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (*fd < 0)
			return error_errno(err, DROVER_INTERNAL, "cannot open the lock %s", path);
		while (flock(*fd, LOCK_EX) != 0) {
			if (errno != EINTR) {
				error_errno(err, DROVER_INTERNAL, "cannot lock %s", path);
				path_close(fd);
				return -1;
			}
		}
		if (fstat(*fd, &held) == 0 && stat(path, &named) == 0 &&
		    held.st_ino == named.st_ino && held.st_dev == named.st_dev)
			return 0;
		path_close(fd);
	}
}

int
file_put(const char *path, const char *text, struct error *err)
{
	char *tmp = xasprintf("%s.%ld~", path, (long)getpid());
	int fd, result = -1;

	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		error_errno(err, DROVER_INTERNAL, "cannot write %s", tmp);
		goto out;
	}
	if (path_write_all(fd, text, strlen(text)) != 0) {
		error_errno(err, DROVER_INTERNAL, "cannot write %s", tmp);
		goto out;
	}
	if (rename(tmp, path) != 0) {
		error_errno(err, DROVER_INTERNAL, "cannot rename %s to %s", tmp, path);
		goto out;
	}
	result = 0;
out:
	if (fd >= 0)
		close(fd);
	if (result != 0)
		unlink(tmp);
	free(tmp);
	return result;
}

static ssize_t
file_read(const char *path, char *out, size_t size)
{
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, out, size);
	close(fd);
	return n;
}

bool
file_is(const char *path, const char *text)
{
	size_t len = strlen(text);
	char *have = xmalloc(len + 1);
	bool same;

	same = file_read(path, have, len + 1) == (ssize_t)len && memcmp(have, text, len) == 0;
	free(have);
	return same;
}

bool
file_line(const char *path, char *out, size_t size)
{
	ssize_t n = file_read(path, out, size);
	char *end;

	if (n <= 0 || (size_t)n >= size)
		return false;
	out[n] = '\0';
	end = strchr(out, '\n');
	if (end != NULL)
		*end = '\0';
	return out[0] != '\0';
}

void
file_drop(const char *dir, const char *name)
{
	char *path = path_join(dir, name);

	if (unlink(path) != 0 && errno != ENOENT)
		path_remove_tree(path, NULL);
	free(path);
}
