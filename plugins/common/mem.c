/* SPDX-License-Identifier: Apache-2.0 */
/* The checked allocations of mem.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define GROW_LEAST 16

void *
mem_check(void *p)
{
	if (p == NULL) {
		fputs("plugin: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
xmalloc(size_t size)
{
	return mem_check(malloc(size > 0 ? size : 1));
}

void *
xcalloc(size_t n, size_t size)
{
	return mem_check(n > 0 && size > 0 ? calloc(n, size) : calloc(1, 1));
}

void *
xrealloc(void *p, size_t size)
{
	return mem_check(realloc(p, size > 0 ? size : 1));
}

char *
xstrdup(const char *s)
{
	return mem_check(strdup(s));
}

char *
xstrndup(const char *s, size_t max)
{
	return mem_check(strndup(s, max));
}

void *
xgrow(void *array, size_t len, size_t *room, size_t size)
{
	if (len < *room)
		return array;
	*room = *room > 0 ? *room * 2 : GROW_LEAST;
	return mem_check(reallocarray(array, *room, size));
}
