/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that does not fail: if there is no memory, the process prints a
 * message and aborts. A plugin may do that. Its code runs in a runner or in the
 * process of one job, and drover handles the end of either like any crash: it
 * starts another, counts the attempt, and other plugins are not affected. Linux
 * hardly ever reports that memory is short, so error paths for it would never
 * be tested.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

void *xmalloc(size_t);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *, size_t);
char *xstrdup(const char *);
char *xstrndup(const char *, size_t max);
/*
 * Returns the array with room for one more element of this size after the first
 * len. *room is how many elements it has room for.
 */
void *xgrow(void *array, size_t len, size_t *room, size_t size);

/* Returns the pointer; ends the process if it is NULL. */
void *mem_check(void *);
/* Checks what a cJSON call made: it is NULL only if there is no memory. */
#define xjson(made) ((__typeof__(made))mem_check(made))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
