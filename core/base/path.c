/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders: reading whole files, atomic writes, locks, and removing
 * trees that other programs have filled.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"

/*
 * Folders that are open at once. A folder that lies deeper is moved up to the
 * top first.
 */
#define REMOVE_DEPTH 32

struct removal {
	int top;           /* the folder being emptied */
	unsigned int moved; /* number of folders moved up to it so far */
};

static const char *home_dir(void);
static int sync_parent(const char *);
static int remove_entry(struct removal *, int, const char *, int);
static int remove_contents(struct removal *, int, int);
static int remove_rounds(int);
static bool dir_is_empty(int);
static int open_dir(int, const char *);
static int unlink_forced(int, const char *, int);

static const char *
home_dir(void)
{
	const char *home = getenv("HOME");
	struct passwd *pw;

	if (home != NULL && home[0] == '/')
		return home;
	pw = getpwuid(getuid());
	return pw == NULL || pw->pw_dir == NULL ? "/" : pw->pw_dir;
}

char *
path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);

	return xasprintf("%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name);
}

char *
path_resolve(const char *dir, const char *path)
{
	if (path[0] == '/')
		return xstrdup(path);
	if (strcmp(path, "~") == 0)
		return xstrdup(home_dir());
	if (strncmp(path, "~/", 2) == 0)
		return path_join(home_dir(), path + 2);
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	return path_join(dir, path);
}

int
path_mkdirs(const char *path, mode_t mode, struct error *err)
{
	char *copy, *slash;
	struct stat st;
	int rc = 0;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	copy = slash = xstrdup(path);
	do {
		slash = strchr(slash + 1, '/');
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(copy, mode) == -1 && errno != EEXIST &&
		    (stat(copy, &st) == -1 || !S_ISDIR(st.st_mode)))
			rc = error_errno(err, DROVER_CONFIG, "%s: cannot make folder %s", path,
			    copy);
		if (slash != NULL)
			*slash = '/';
	} while (rc == 0 && slash != NULL && slash[1] != '\0');
	if (rc == 0 && stat(path, &st) == -1)
		rc = error_errno(err, DROVER_CONFIG, "%s", path);
	else if (rc == 0 && !S_ISDIR(st.st_mode))
		rc = error_set(err, DROVER_CONFIG,
		    "%s: exists already but is not a folder: move it away", path);
	free(copy);
	return rc;
}

int
path_read(const char *path, size_t max, struct buf *out, struct error *err)
{
	int fd, rc;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return error_errno(err, DROVER_CONFIG, "%s: cannot open", path);
	rc = path_read_all(fd, max, 0, out);
	if (rc == -1 && errno == EFBIG)
		error_set(err, DROVER_PERMANENT, "%s: the file is larger than %zu bytes", path,
		    max);
	else if (rc == -1)
		error_errno(err, DROVER_CONFIG, "%s: cannot read", path);
	close(fd);
	return rc;
}

int
path_read_all(int fd, size_t max, int64_t until, struct buf *out)
{
	char block[16384];
	size_t begin = out->len;
	ssize_t n;

	do {
		n = until == 0 || clock_poll(fd, until) == 0 ? read(fd, block, sizeof block) : -1;
		if (n > 0 && (size_t)n > max - (out->len - begin)) {
			errno = EFBIG;
			n = -1;
		}
		if (n > 0)
			buf_add(out, block, (size_t)n);
	} while (n > 0 || (n == -1 && errno == EINTR));
	explicit_bzero(block, sizeof block);
	return n == 0 ? 0 : -1;
}

void
path_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int
path_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Syncs the folder of path, because a rename is durable only after that. */
static int
sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? xstrdup(".") :
				    xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	int rc, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(dir);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

int
path_write(const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	char *tmp = xasprintf("%s.XXXXXX", path);
	int fd, rc = -1;

	if ((fd = mkostemp(tmp, O_CLOEXEC)) == -1) {
		error_errno(err, DROVER_INTERNAL, "%s: cannot make a temporary file beside it",
		    path);
		goto out;
	}
	if (fchmod(fd, mode) == -1 || path_write_all(fd, data, len) == -1 || fsync(fd) == -1) {
		error_errno(err, DROVER_INTERNAL, "%s: cannot write", path);
		goto out;
	}
	if (rename(tmp, path) == -1) {
		error_errno(err, DROVER_INTERNAL, "%s: cannot replace", path);
		goto out;
	}
	if ((rc = sync_parent(path)) == -1)
		error_errno(err, DROVER_INTERNAL, "%s: cannot sync its folder", path);
out:
	if (rc == -1 && fd != -1)
		unlink(tmp);
	if (fd != -1)
		close(fd);
	free(tmp);
	return rc;
}

/*
 * Opens a folder. A build may have removed the permissions of its folders, as
 * Go's module cache does; since they belong to this user, they are given back.
 */
static int
open_dir(int at, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, fd = openat(at, name, flags);

	if (fd == -1 && errno == EACCES && fchmodat(at, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		fd = openat(at, name, flags);
	return fd;
}

static int
unlink_forced(int at, const char *name, int flags)
{
	if (unlinkat(at, name, flags) == 0 || errno == ENOENT)
		return 0;
	if (errno != EACCES || fchmod(at, 0700) == -1)
		return -1;
	return unlinkat(at, name, flags) == 0 || errno == ENOENT ? 0 : -1;
}

static int
remove_entry(struct removal *r, int at, const char *name, int depth)
{
	char moved[32];
	int fd, rc;

	if (unlink_forced(at, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (depth >= REMOVE_DEPTH) {
		snprintf(moved, sizeof moved, ".deep-%d-%u", (int)getpid(), r->moved++);
		return renameat(at, name, r->top, moved);
	}
	if ((fd = open_dir(at, name)) == -1)
		return errno == ENOENT ? 0 : -1;
	rc = remove_contents(r, fd, depth + 1);
	return rc == 0 ? unlink_forced(at, name, AT_REMOVEDIR) : -1;
}

/* Closes fd in all cases. */
static int
remove_contents(struct removal *r, int fd, int depth)
{
	struct dirent *e;
	DIR *dir;
	int saved, rc = 0;

	if ((dir = fdopendir(fd)) == NULL) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	while (rc == 0 && (errno = 0, e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = remove_entry(r, fd, e->d_name, depth);
	saved = errno;
	if (rc == 0 && saved != 0)
		rc = -1;
	closedir(dir);
	errno = saved;
	return rc;
}

/*
 * Empties the folder top and closes it. Folders that lay too deep and were
 * moved up are removed in a further round.
 */
static int
remove_rounds(int top)
{
	struct removal r = { .top = top };
	unsigned int before;
	int fd, saved, rc;

	do {
		before = r.moved;
		fd = openat(r.top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = fd == -1 ? -1 : remove_contents(&r, fd, 0);
	} while (rc == 0 && r.moved != before);
	saved = errno;
	close(r.top);
	errno = saved;
	return rc;
}

int
path_remove_tree(const char *path, struct error *err)
{
	int top;

	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || (top = open_dir(AT_FDCWD, path)) == -1 ||
	    remove_rounds(top) == -1 || rmdir(path) == -1)
		return error_errno(err, DROVER_INTERNAL, "%s: cannot remove", path);
	return 0;
}

/*
 * A short job empties its folder twice, and finds it empty as a rule: this look
 * needs no memory and half the calls of a walk.
 */
static bool
dir_is_empty(int fd)
{
	_Alignas(struct dirent64) char entries[1024];
	const struct dirent64 *entry;
	ssize_t n;

	while ((n = getdents64(fd, entries, sizeof entries)) > 0) {
		for (ssize_t at = 0; at < n; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(const void *)(entries + at);
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
				return false;
		}
	}
	return n == 0;
}

int
path_empty(const char *path, mode_t mode, struct error *err)
{
	int top = open_dir(AT_FDCWD, path);
	struct stat st;

	if (top != -1) {
		if (fstat(top, &st) == 0 && (st.st_mode & 07777) != mode)
			(void)fchmod(top, mode);
		if (dir_is_empty(top)) {
			close(top);
			return 0;
		}
		return remove_rounds(top) == 0 ?
		    0 :
		    error_errno(err, DROVER_INTERNAL, "%s: cannot empty", path);
	}
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return error_errno(err, DROVER_INTERNAL, "%s: cannot empty", path);
	if ((errno != ENOENT && unlink(path) == -1) || mkdir(path, mode) == -1)
		return error_errno(err, errno == ENOENT ? DROVER_AGAIN : DROVER_INTERNAL,
		    "%s: cannot make the folder", path);
	return 0;
}

int64_t
path_free_bytes(const char *path)
{
	struct statvfs fs;
	int64_t bytes;

	if (statvfs(path, &fs) == -1)
		return -1;
	return __builtin_mul_overflow(fs.f_bavail, fs.f_frsize, &bytes) ? INT64_MAX : bytes;
}

int
path_lock(const char *path, int *fd, struct error *err)
{
	char text[24] = "";
	int n;

	*fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd == -1)
		return error_errno(err, DROVER_CONFIG, "%s: cannot open", path);
	if (flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK) {
			error_errno(err, DROVER_CONFIG, "%s: cannot lock", path);
		} else {
			if (pread(*fd, text, sizeof text - 1, 0) < 1)
				text[0] = '\0';
			text[strspn(text, "0123456789")] = '\0';
			error_set(err, DROVER_CONFIG,
			    "%s: held by process %s: stop it, or use another state_dir", path,
			    text[0] == '\0' ? "unknown" : text);
		}
		goto fail;
	}
	n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(*fd, 0) == -1 || pwrite(*fd, text, (size_t)n, 0) != n) {
		error_errno(err, DROVER_CONFIG, "%s: cannot write", path);
		goto fail;
	}
	return 0;
fail:
	close(*fd);
	*fd = -1;
	return -1;
}

char *
path_data(const char *name)
{
	const char *dir = getenv("DROVER_DATADIR");
	char self[PATH_MAX], *path, *slash;
	ssize_t n;

	if (dir != NULL && *dir == '/')
		return path_join(dir, name);
	path = path_join(PKGDATADIR, name);
	if (access(path, R_OK) == 0 || (n = readlink("/proc/self/exe", self, sizeof self - 1)) <= 0)
		return path;
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) == NULL)
		return path;
	*slash = '\0';
	free(path);
	return xasprintf("%s/data/%s", self, name);
}
