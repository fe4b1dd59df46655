/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer that always ends with a NUL. Begin with struct buf b =
 * BUF_INIT, end with buf_free(). No call fails.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while empty; buf_str() never is */
	size_t len, cap;
};

#define BUF_INIT { NULL, 0, 0 }

void buf_add(struct buf *, const void *data, size_t len);
void buf_adds(struct buf *, const char *s);
void buf_addc(struct buf *, char c);
void buf_addf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Appends to a buffer of which only the last bytes count: it keeps at least
 * the last max of them, and never holds more than 4 * max.
 */
void buf_add_end(struct buf *, const char *data, size_t len, size_t max);
/* Removes the first n bytes; n is at most len. */
void buf_drop(struct buf *, size_t n);
void buf_clear(struct buf *);           /* keeps the memory */
void buf_free(struct buf *);
const char *buf_str(const struct buf *); /* borrowed; "" while empty */
/*
 * Empties the buffer and returns its bytes, never NULL. The caller frees them.
 */
char *buf_take(struct buf *);

#endif
