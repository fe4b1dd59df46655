/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders. Paths are absolute unless a comment says otherwise. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Joins "a" and "b" to "a/b". The caller frees the path. */
char *path_join(const char *dir, const char *name);
/*
 * Makes a relative path absolute against dir; "~/" is the user's home. The
 * caller frees the path.
 */
char *path_resolve(const char *dir, const char *path);
/* Makes a folder and its missing parents. It may exist already. */
int path_mkdirs(const char *path, mode_t mode, struct error *);
/* Appends the whole file to out. A file larger than max bytes is an error. */
int path_read(const char *path, size_t max, struct buf *out, struct error *);
/*
 * Replaces a file atomically: writes a temporary file beside it, syncs and
 * renames it, so the file has either the old or the new contents.
 */
int path_write(const char *path, const void *data, size_t len, mode_t mode, struct error *);
/*
 * The path of one of drover's own data files: in $DROVER_DATADIR if that is
 * absolute, else in the installed data folder, else in data/ beside this
 * executable (in a build folder). The caller frees the path.
 */
char *path_data(const char *name);
/*
 * Removes a file or a whole tree without following links. It is no error if
 * path does not exist.
 */
int path_remove_tree(const char *path, struct error *);
/*
 * Empties a folder and keeps it. If path is not a folder, it is replaced by an
 * empty one.
 */
int path_empty(const char *path, mode_t mode, struct error *);
/*
 * Appends everything that fd gives until its end. until is a time on
 * clock_mono(), 0 for no limit. Returns 0, or -1 with errno: EFBIG after more
 * than max bytes, ETIMEDOUT when that time has come; out keeps what was read
 * before. The function wipes its own buffer. A caller that reads a secret
 * reserves max bytes in out beforehand, so that no copy stays behind when out
 * grows.
 */
int path_read_all(int fd, size_t max, int64_t until, struct buf *out);
/* Closes *fd unless it is negative, and sets it to -1. */
void path_close(int *fd);
/* Writes all len bytes. Returns 0, or -1 with errno. */
int path_write_all(int fd, const void *data, size_t len);
/*
 * Free bytes for this user on the file system of path; -1 with errno on
 * failure.
 */
int64_t path_free_bytes(const char *path);
/*
 * Opens and locks a file for the life of this process. *fd is the caller's; the
 * file is never unlinked. If another process holds the lock, the error is
 * DROVER_CONFIG and names that process's pid.
 */
int path_lock(const char *path, int *fd, struct error *);

#endif
