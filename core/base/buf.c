/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing byte buffers. The capacity doubles, and a NUL always stands after the
 * last byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define BUF_LEAST 64

static void buf_reserve(struct buf *, size_t);
static void buf_addv(struct buf *, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap;

	if (__builtin_add_overflow(b->len, more, &need) || need == SIZE_MAX)
		panic(__FILE__, __LINE__, "a buffer is larger than memory");
	need++;
	if (need <= b->cap)
		return;
	cap = b->cap > SIZE_MAX / 2 ? need : b->cap * 2;
	if (cap < need)
		cap = need;
	if (cap < BUF_LEAST)
		cap = BUF_LEAST;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	buf_reserve(b, len);
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

void
buf_addf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_addv(b, format, ap);
	va_end(ap);
}

static void
buf_addv(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	buf_reserve(b, BUF_LEAST);
	n = vsnprintf(b->data + b->len, b->cap - b->len, format, ap);
	MUST(n >= 0);
	if ((size_t)n >= b->cap - b->len) {
		buf_reserve(b, (size_t)n);
		n = vsnprintf(b->data + b->len, b->cap - b->len, format, again);
		MUST(n >= 0);
	}
	va_end(again);
	b->len += (size_t)n;
}

void
buf_add_end(struct buf *b, const char *data, size_t len, size_t max)
{
	if (len > max) {
		data += len - max;
		len = max;
	}
	buf_add(b, data, len);
	if (b->len > 4 * max)
		buf_drop(b, b->len - max);
}

void
buf_drop(struct buf *b, size_t n)
{
	MUST(n <= b->len);
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = '\0';
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

const char *
buf_str(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

char *
buf_take(struct buf *b)
{
	char *s = b->data == NULL ? xstrdup("") : b->data;

	*b = (struct buf)BUF_INIT;
	return s;
}
