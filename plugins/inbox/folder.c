/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watched folder and the files in it. Other users write here, so nothing is
 * taken for granted: files are opened relative to their folder, links are not
 * followed, only regular files are read, and a move never replaces a file.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inbox.h"

#define FOLDER_ENTRIES_MAX 16384
#define FOLDER_STEM_MAX 200

static int folder_sub(struct folder *, const char *, int *, struct drover_error *);
static bool folder_is_ticket(const char *);
static int folder_compare(const void *, const void *);
static bool folder_written(int);

static int
folder_sub(struct folder *folder, const char *name, int *fd, struct drover_error *err)
{
	if (mkdirat(folder->root, name, 0777) != 0 && errno != EEXIST)
		return plugin_fail(err, DROVER_CONFIG,
		    "%s/%s: cannot be made: %s; the daemon's user must be able to write there",
		    folder->path, name, strerror(errno));
	if ((*fd = openat(folder->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) ==
	    -1)
		return plugin_fail(err, DROVER_CONFIG,
		    "%s/%s: cannot be opened: %s; it must be a folder, not a link", folder->path,
		    name, strerror(errno));
	if (faccessat(*fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return plugin_fail(err, DROVER_CONFIG,
		    "%s/%s: cannot be written to: %s; the daemon's user must be able to write "
		    "there",
		    folder->path, name, strerror(errno));
	return 0;
}

int
folder_open(struct folder *folder, const char *path, struct drover_error *err)
{
	*folder = (struct folder){ path, -1, -1, -1, -1, -1 };
	folder->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->root == -1)
		return plugin_fail(err, DROVER_CONFIG,
		    "%s: cannot be opened: %s; \"path\" must name an existing folder", path,
		    strerror(errno));
	if (faccessat(folder->root, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
		plugin_fail(err, DROVER_CONFIG,
		    "%s: cannot be written to: %s; the daemon's user must be able to write there "
		    "to move tickets",
		    path, strerror(errno));
		goto fail;
	}
	if (folder_sub(folder, "working", &folder->working, err) == 0 &&
	    folder_sub(folder, "done", &folder->done, err) == 0 &&
	    folder_sub(folder, "failed", &folder->failed, err) == 0 &&
	    folder_sub(folder, "rejected", &folder->rejected, err) == 0)
		return 0;
fail:
	folder_close(folder);
	return err->code;
}

void
folder_close(struct folder *folder)
{
	int *fds[] = { &folder->root, &folder->working, &folder->done, &folder->failed,
		&folder->rejected };
	size_t i;

	for (i = 0; i < ARRAY_LEN(fds); i++) {
		if (*fds[i] != -1)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static bool
folder_is_ticket(const char *name)
{
	size_t len = strlen(name);

	if (len <= 3 || name[0] == '.' || strcmp(name + len - 3, ".md") != 0)
		return false;
	/*
	 * A person who moves a corrected ticket back may move its report, too.
	 */
	return len <= 10 || strcmp(name + len - 10, ".report.md") != 0;
}

static int
folder_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->st.st_mtim.tv_sec != y->st.st_mtim.tv_sec)
		return x->st.st_mtim.tv_sec < y->st.st_mtim.tv_sec ? -1 : 1;
	if (x->st.st_mtim.tv_nsec != y->st.st_mtim.tv_nsec)
		return x->st.st_mtim.tv_nsec < y->st.st_mtim.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

int
folder_list(const struct folder *folder, struct entry **list, size_t *n, struct drover_error *err)
{
	struct dirent *d;
	size_t room = 0;
	DIR *dir;
	int fd;

	*list = NULL;
	*n = 0;
	if ((fd = openat(folder->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    (dir = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return plugin_fail(err, DROVER_CONFIG, "%s: cannot be listed: %s", folder->path,
		    strerror(errno));
	}
	while (*n < FOLDER_ENTRIES_MAX && (d = readdir(dir)) != NULL) {
		if (!folder_is_ticket(d->d_name))
			continue;
		*list = xgrow(*list, *n, &room, sizeof(**list));
		if (fstatat(folder->root, d->d_name, &(*list)[*n].st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		(*list)[(*n)++].name = xstrdup(d->d_name);
	}
	closedir(dir);
	if (*n > 1)
		qsort(*list, *n, sizeof(**list), folder_compare);
	return 0;
}

void
folder_list_free(struct entry *list, size_t n)
{
	while (n > 0)
		free(list[--n].name);
	free(list);
}

/*
 * True if a process has the file open for writing: then the kernel refuses a
 * read lease. Where leases do not work, the answer is false.
 */
static bool
folder_written(int fd)
{
	/*
	 * If a process opens the file for writing while the lease is held, the
	 * kernel signals the holder. SIGURG does nothing by default.
	 */
	if (fcntl(fd, F_SETSIG, SIGURG) != 0)
		return false;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	return errno == EAGAIN;
}

enum folder_read
folder_read(int dir, const char *name, char *text, size_t *len, struct stat *st)
{
	enum folder_read result = FOLDER_READ;
	struct stat own;
	char beyond;
	ssize_t got = 0;
	int fd;

	if (st == NULL)
		st = &own;
	*len = 0;
	/*
	 * The file's type is checked before it is opened, because opening a
	 * device can have side effects.
	 */
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) != 0)
		return FOLDER_GONE;
	if (!S_ISREG(st->st_mode))
		return FOLDER_ODD;
	if ((fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) ==
	    -1)
		return errno == ENOENT ? FOLDER_GONE : errno == ELOOP ? FOLDER_ODD : FOLDER_DENIED;
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))
		result = FOLDER_ODD;
	else if (folder_written(fd))
		result = FOLDER_BUSY;
	else if (st->st_size > (off_t)TICKET_MAX)
		result = FOLDER_LARGE;
	while (result == FOLDER_READ && *len < TICKET_MAX &&
	    (got = read(fd, text + *len, TICKET_MAX - *len)) != 0) {
		if (got > 0)
			*len += (size_t)got;
		else if (errno != EINTR)
			result = FOLDER_DENIED;
	}
	if (result == FOLDER_READ && *len == TICKET_MAX && read(fd, &beyond, 1) > 0)
		result = FOLDER_LARGE;
	close(fd);
	return result;
}

void
folder_name(char out[256], const char *name, const char *tag, const char *suffix)
{
	size_t len = strlen(name);

	if (len > 3 && strcmp(name + len - 3, ".md") == 0)
		len -= 3;
	len = text_cut(name, len, FOLDER_STEM_MAX);
	snprintf(out, 256, "%.*s%s%s%s", (int)len, name, tag != NULL ? "." : "",
	    tag != NULL ? tag : "", suffix);
}

bool
folder_has(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int
folder_move(int from, const char *name, int to, const char *target)
{
	if (renameat2(from, name, to, target, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/*
	 * NFS and some other file systems do not know the flag. Only a person
	 * could put a file there between these two calls.
	 */
	if (folder_has(to, target)) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from, name, to, target);
}

int
folder_write(int dir, const char *name, const char *text, size_t len)
{
	static const char temporary[] = ".drover-report";
	ssize_t put = 0;
	int fd, saved;

	if (unlinkat(dir, temporary, 0) != 0 && errno != ENOENT)
		return -1;
	if ((fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		 0666)) == -1)
		return -1;
	for (; len > 0; text += put, len -= (size_t)put) {
		if ((put = write(fd, text, len)) < 0 && errno != EINTR)
			goto fail;
		if (put < 0)
			put = 0;
	}
	if (fsync(fd) != 0)
		goto fail;
	if (close(fd) != 0 || renameat(dir, temporary, dir, name) != 0)
		return -1;
	return 0;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
