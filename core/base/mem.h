/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that never returns NULL: the process aborts with a message
 * instead. Also magic numbers for structs that are passed as void *.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
/*
 * Like xrealloc(), for n elements of size bytes. Aborts if the product
 * overflows.
 */
void *xreallocarray(void *p, size_t n, size_t size);
/*
 * Makes room for n elements in an array that has room for *cap. If it must
 * grow, it at least doubles. Returns the array.
 */
void *xgrow(void *p, size_t n, size_t *cap, size_t size);
char *xstrdup(const char *s);                 /* NULL stays NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));
/* Wipes a string before it frees it; for secrets. NULL is allowed. */
void free_wiped(char *s);
/* Frees a list that ends with NULL, and its strings. NULL is fine. */
void free_strings(char **list);

/* Prints "panic: FILE:LINE: WHAT" to stderr and aborts. */
void panic(const char *file, int line, const char *what) __attribute__((noreturn));

/*
 * Checks an invariant, which can only be false if drover has a defect. Never
 * use it for input.
 */
#define MUST(x) ((x) ? (void)0 : panic(__FILE__, __LINE__, #x))

/*
 * The first member of such a struct is `uint32_t magic`, so a stale or wrong
 * pointer ends the process at once.
 */
#define OBJ_NEW(p, m) ((p) = xcalloc(1, sizeof *(p)), (p)->magic = (m), (void)0)
#define OBJ_CAST(to, from, m) ((to) = (from), MUST((to) != NULL), MUST((to)->magic == (m)))
#define OBJ_CHECK(p, m) (MUST((p) != NULL), MUST((p)->magic == (m)))
#define OBJ_FREE(p) ((p)->magic = 0, free(p), (p) = NULL, (void)0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
