/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that cannot fail, so that the code has no paths for a failure that
 * Linux hardly ever reports.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void *mem_check(void *);

static void *
mem_check(void *p)
{
	if (p == NULL)
		panic(__FILE__, __LINE__, "out of memory");
	return p;
}

void *
xmalloc(size_t size)
{
	return mem_check(malloc(size == 0 ? 1 : size));
}

void *
xcalloc(size_t n, size_t size)
{
	return mem_check(n == 0 || size == 0 ? calloc(1, 1) : calloc(n, size));
}

void *
xrealloc(void *p, size_t size)
{
	return mem_check(realloc(p, size == 0 ? 1 : size));
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		panic(__FILE__, __LINE__, "an array is larger than memory");
	return xrealloc(p, total);
}

void *
xgrow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n <= *cap)
		return p;
	*cap = n < 16 ? 16 : n > 2 * *cap ? n : 2 * *cap;
	return xreallocarray(p, *cap, size);
}

char *
xstrdup(const char *s)
{
	return s == NULL ? NULL : mem_check(strdup(s));
}

char *
xstrndup(const char *s, size_t n)
{
	return s == NULL ? NULL : mem_check(strndup(s, n));
}

char *
xasprintf(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	s = xvasprintf(format, ap);
	va_end(ap);
	return s;
}

char *
xvasprintf(const char *format, va_list ap)
{
	char *s;

	if (vasprintf(&s, format, ap) < 0)
		panic(__FILE__, __LINE__, "vasprintf failed");
	return s;
}

void
free_strings(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

void
free_wiped(char *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, strlen(s));
	free(s);
}

void
panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "panic: %s:%d: %s\n", file, line, what);
	abort();
}
