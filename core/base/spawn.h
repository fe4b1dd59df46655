/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting another program. It begins with every signal unblocked and at its
 * default, and has no descriptors but those that it is given: what this process
 * ignores, blocks or has open never reaches it.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define SPAWN_FDS 5     /* descriptors that can be handed on: 0 to 4 */
#define SPAWN_NULL 0    /* /dev/null for the first three, closed for the others */
#define SPAWN_KEEP (-1) /* the one that this process has at that number */

/* All members are borrowed for the call; zero is a fit default for each. */
struct spawn {
	const char *file;        /* looked for in PATH when it has no '/'; NULL: argv[0] */
	const char *const *argv; /* ends with NULL */
	char *const *env;        /* ends with NULL; NULL: this process's environment */
	const char *cwd;         /* NULL: this process's folder */
	/*
	 * What the program finds at each number: a descriptor of this process
	 * (not 0), SPAWN_NULL or SPAWN_KEEP.
	 */
	int fd[SPAWN_FDS];
	bool group;              /* the program leads a process group of its own */
	bool session;            /* the program leads a session of its own */
};

/*
 * Starts the program; the caller reaps *pid. 0, or -1 with errno and *pid 0,
 * also when the program or the folder does not exist.
 */
int spawn_start(const struct spawn *, pid_t *pid);
/*
 * Starts the program, appends what it writes to its standard output to out and
 * waits for its end; spawn->fd[1] is not looked at. limit_ms bounds all of it,
 * 0: there is no limit. 0 and a status of waitpid(); else -1 with errno:
 * ETIMEDOUT after limit_ms, EFBIG after more than max bytes (the program, or
 * its whole group if it has its own, is killed), or why it could not start.
 */
int spawn_capture(const struct spawn *, int64_t limit_ms, size_t max, struct buf *out, int *status);

#endif
