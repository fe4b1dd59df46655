/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders. Paths are absolute unless said otherwise. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* "a" + "b" -> "a/b"; the caller frees. */
char *path_join(const char *dir, const char *name);
/*
 * A relative path made absolute against dir; "~/" is the user's home. The
 * caller frees.
 */
char *path_resolve(const char *dir, const char *path);
/* Makes a folder and its parents. An existing folder is fine. */
int path_mkdirs(const char *path, mode_t mode, struct error *);
/* Whole file into out; more than max bytes is an error. */
int path_read(const char *path, size_t max, struct buf *out, struct error *);
/*
 * Writes a temporary file beside it, fsyncs, renames: the file is the old one
 * or the new one.
 */
int path_write(const char *path, const void *data, size_t len, mode_t mode, struct error *);
/*
 * A file of drover's own data: in $DROVER_DATADIR when that is absolute, else
 * where it was installed to, else in data/ beside this executable (a build
 * folder). The caller frees.
 */
char *path_data(const char *name);
/*
 * Removes a file or a whole tree without following links; a missing one is
 * fine.
 */
int path_remove_tree(const char *path, struct error *);
/*
 * Empties a folder and keeps it; what is no folder is removed and replaced by
 * an empty one.
 */
int path_empty(const char *path, mode_t mode, struct error *);
/*
 * Appends all that fd gives until its end. until is on clock_mono(), 0 for no
 * limit. 0, or -1 with errno: EFBIG after more than max bytes, ETIMEDOUT when
 * that moment has passed; out has what came before. Its own buffer is wiped: to
 * keep a secret in one place, give out room for max bytes beforehand.
 */
int path_read_all(int fd, size_t max, int64_t until, struct buf *out);
/* Closes *fd unless it is negative, and makes it -1. */
void path_close(int *fd);
/* All of len, through EINTR and short writes. 0, or -1 with errno. */
int path_write_all(int fd, const void *data, size_t len);
/* Free bytes for this user on the file system of path; -1 with errno. */
int64_t path_free_bytes(const char *path);
/*
 * Opens and locks a file for this process's life (flock, never unlinked); *fd
 * is the caller's. A held lock is DROVER_CONFIG and names the holder's pid.
 */
int path_lock(const char *path, int *fd, struct error *);

#endif
