/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing bytes, always NUL-terminated. Zero-initialise to begin: struct buf b
 * = BUF_INIT.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while empty; see buf_str() */
	size_t len, cap;
};

#define BUF_INIT { NULL, 0, 0 }

void buf_add(struct buf *, const void *data, size_t len);
void buf_adds(struct buf *, const char *s);
void buf_addc(struct buf *, char c);
void buf_addf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Removes n bytes from the front; n <= len. */
void buf_drop(struct buf *, size_t n);
void buf_clear(struct buf *);           /* keeps the memory */
void buf_free(struct buf *);
const char *buf_str(const struct buf *); /* "" while empty; borrowed */
char *buf_take(struct buf *); /* the caller's to free; the buffer is empty then; never NULL */

#endif
