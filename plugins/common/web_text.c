/* SPDX-License-Identifier: Apache-2.0 */
/* A growing string whose failure to grow shows once, at its end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/web.h"

#define TEXT_LEAST 256

static bool text_grow(struct text_buf *, size_t);

static bool
text_grow(struct text_buf *buf, size_t more)
{
	size_t want = buf->size != 0 ? buf->size : TEXT_LEAST;
	char *data;

	if (buf->bad || more >= SIZE_MAX / 4 - buf->len) {
		buf->bad = true;
		return false;
	}
	while (want <= buf->len + more)
		want *= 2;
	if (want == buf->size)
		return true;
	if ((data = realloc(buf->data, want)) == NULL) {
		buf->bad = true;
		return false;
	}
	buf->data = data;
	buf->size = want;
	return true;
}

void
text_add(struct text_buf *buf, const char *data, size_t len)
{
	if (len == 0 || !text_grow(buf, len))
		return;
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
	if (len < 0) {
		buf->bad = true;
		return;
	}
	if (!text_grow(buf, (size_t)len))
		return;
	va_start(ap, format);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, format, ap);
	va_end(ap);
	buf->len += (size_t)len;
}

void
text_add_url(struct text_buf *buf, const char *value)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *value != '\0'; value++) {
		if (strchr(plain, *value) != NULL)
			text_add(buf, value, 1);
		else
			text_addf(buf, "%%%02X", (unsigned)(unsigned char)*value);
	}
}

const char *
text_of(const struct text_buf *buf)
{
	if (buf->bad)
		return NULL;
	return buf->data != NULL ? buf->data : "";
}

void
text_free(struct text_buf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}
