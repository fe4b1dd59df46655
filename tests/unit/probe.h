/* SPDX-License-Identifier: Apache-2.0 */
/* What a test looks at when all is over. */
#ifndef UNIT_PROBE_H
#define UNIT_PROBE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Runs git in a folder, words up to a NULL; what it prints goes to out (may be
 * NULL), without the last newline. Returns its status.
 */
int git(const char *where, struct buf *out, const char *first, ...);
/* Fails the test unless git succeeds and prints just that. */
void git_is(const char *where, const char *expected, const char *a, const char *b, const char *c,
    const char *d);
/* Lines of a file, 0 when there is none. */
int probe_lines(const char *dir, const char *name);
bool probe_has(const char *dir, const char *name, const char *text);

#endif
