/* SPDX-License-Identifier: Apache-2.0 */
/* Functions with which a test looks at its results. */
#ifndef UNIT_PROBE_H
#define UNIT_PROBE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Runs git in a folder; the words end with NULL. out (may be NULL) gets what it
 * prints, without the last newline. Returns its exit status.
 */
int git(const char *where, struct buf *out, const char *first, ...);
/* The test fails unless git succeeds and prints exactly this. */
void git_is(const char *where, const char *expected, const char *a, const char *b, const char *c,
    const char *d);
/* The number of lines of a file; 0 if it does not exist. */
int probe_lines(const char *dir, const char *name);
bool probe_has(const char *dir, const char *name, const char *text);

#endif
