/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that does not fail: when there is no memory, the process prints a
 * message and aborts.
 *
 * That is right in a plugin. Its code runs in a runner or in the worker of one
 * job, and drover treats the death of either as it treats any crash: it starts
 * another, counts the attempt, and no other plugin notices. Linux hardly ever
 * reports that memory is short, so a path for it in every function would be
 * code that never ran.
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
 * The array with room for one more element of this size behind the first len;
 * *room is how many it has room for.
 */
void *xgrow(void *array, size_t len, size_t *room, size_t size);

/* Returns the pointer; ends the process when it is NULL. */
void *mem_check(void *);
/* What cJSON makes, which is NULL only when there is no memory. */
#define xjson(made) ((__typeof__(made))mem_check(made))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
