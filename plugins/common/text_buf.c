/* SPDX-License-Identifier: Apache-2.0 */
/* The growing string of text.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define BUF_LEAST 256

static void buf_reserve(struct text_buf *, size_t);

/* Makes room for this many more bytes and a NUL. */
static void
buf_reserve(struct text_buf *buf, size_t more)
{
	size_t want = buf->size != 0 ? buf->size : BUF_LEAST;

	if (more >= SIZE_MAX / 4 - buf->len)
		mem_check(NULL);
	while (want <= buf->len + more)
		want *= 2;
	if (want == buf->size)
		return;
	buf->data = xrealloc(buf->data, want);
	buf->size = want;
}

void
text_add(struct text_buf *buf, const char *data, size_t len)
{
	if (len == 0)
		return;
	buf_reserve(buf, len);
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
text_addf(struct text_buf *buf, const char *format, ...)
{
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (len < 0)
		return;
	buf_reserve(buf, (size_t)len);
	va_start(ap, format);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, format, ap);
	va_end(ap);
	buf->len += (size_t)len;
}

void
text_fill(struct text_buf *buf, char c, size_t times)
{
	buf_reserve(buf, times);
	memset(buf->data + buf->len, c, times);
	buf->len += times;
	buf->data[buf->len] = '\0';
}

void
text_add_url(struct text_buf *buf, const char *value)
{
	for (; *value != '\0'; value++) {
		if (strchr(TEXT_ALNUM "-._~", *value) != NULL)
			text_add(buf, value, 1);
		else
			text_addf(buf, "%%%02X", (unsigned)(unsigned char)*value);
	}
}

const char *
text_of(const struct text_buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

char *
text_take(struct text_buf *buf)
{
	char *text = buf->data != NULL ? buf->data : xstrdup("");

	*buf = (struct text_buf){ 0 };
	return text;
}

void
text_free(struct text_buf *buf)
{
	free(buf->data);
	*buf = (struct text_buf){ 0 };
}
