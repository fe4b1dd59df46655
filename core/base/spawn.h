/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts another program. All signals are unblocked and at their defaults in
 * it, and it has only the descriptors that it is given: what this process
 * ignores, blocks or has open never reaches it.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define SPAWN_FDS 5     /* the program can be given descriptors 0 to 4 */
#define SPAWN_NULL 0    /* /dev/null at 0 to 2, closed at 3 and 4 */
#define SPAWN_KEEP (-1) /* the descriptor that this process has at that number */

/*
 * All members are borrowed for the call. Zero is a good default for each of
 * them except argv.
 */
struct spawn {
	const char *file;        /* searched in PATH if it has no '/'; NULL means argv[0] */
	const char *const *argv; /* NULL-terminated */
	char *const *env;        /* NULL-terminated; NULL means this process's environment */
	const char *cwd;         /* NULL means this process's working folder */
	/*
	 * What the program has at each number: a descriptor of this process
	 * (not 0), SPAWN_NULL or SPAWN_KEEP.
	 */
	int fd[SPAWN_FDS];
	bool group;              /* the program leads a process group of its own */
	bool session;            /* the program leads a session of its own */
};

/*
 * Starts the program; the caller reaps *pid. Returns 0, or -1 with errno and
 * *pid 0, also if the program or the folder does not exist.
 */
int spawn_start(const struct spawn *, pid_t *pid);
/*
 * Starts the program, appends its standard output to out and waits for its end;
 * fd[1] is ignored. limit_ms bounds all of it, 0 for no limit. Returns 0 with
 * the program's wait status. Returns -1 with errno if it could not start, after
 * limit_ms (ETIMEDOUT), or after more than max bytes (EFBIG); the program, or
 * its whole group if it leads one, is killed then.
 */
int spawn_capture(const struct spawn *, int64_t limit_ms, size_t max, struct buf *out, int *status);

#endif
