/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors and options, and UTF-8 of unknown origin: checking it, cutting it, and
 * removing characters that a reader would not see.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

static uint32_t text_decode(const char *, size_t);
static bool text_hidden(uint32_t);

int
plugin_fail(struct drover_error *err, enum drover_class code, const char *format, ...)
{
	va_list ap;

	err->code = code;
	err->retry_after_ms = 0;
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return code;
}

const char *
plugin_option(struct drover_scope *scope, const char *key)
{
	const char *value = scope->host->option->string(scope, key);

	return value != NULL ? value : "";
}

bool
text_is_of(const char *s, const char *characters)
{
	size_t len = strspn(s, characters);

	return len > 0 && s[len] == '\0';
}

size_t
text_sequence(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n, i;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	/*
	 * Overlong forms, surrogates and numbers beyond U+10FFFF show in the
	 * second byte.
	 */
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
text_is_utf8(const char *s, size_t len)
{
	size_t n;

	while (len > 0) {
		if ((n = text_sequence(s, len)) == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static uint32_t
text_decode(const char *s, size_t n)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)s[0] & first[n];
	size_t i;

	for (i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

static bool
text_hidden(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x0000, 0x001f },
		{ 0x007f, 0x009f },
		{ 0x00ad, 0x00ad },
		{ 0x061c, 0x061c },
		{ 0x180e, 0x180e },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb },
		{ 0xe0000, 0xe007f },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	return false;
}

size_t
text_clean(char *out, size_t size, const char *s, size_t len, const char *keep)
{
	size_t used = 0, n;

	for (; len > 0; s += n, len -= n) {
		if ((n = text_sequence(s, len)) == 0) {
			n = 1;
			continue;
		}
		if (text_hidden(text_decode(s, n)) &&
		    (n > 1 || *s == '\0' || strchr(keep, *s) == NULL))
			continue;
		if (used + n >= size)
			break;
		memcpy(out + used, s, n);
		used += n;
	}
	out[used] = '\0';
	return used;
}

size_t
text_line(char *out, size_t size, const char *s)
{
	return text_clean(out, size, s, strlen(s), "");
}

size_t
text_cut(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)s[max] & 0xc0) == 0x80)
		max--;
	return max;
}

const char *
text_end(const char *s, size_t max)
{
	size_t len = strlen(s);

	if (len > max)
		s += len - max;
	while (len > max && ((unsigned char)*s & 0xc0) == 0x80)
		s++;
	return s;
}

uint64_t
text_hash(uint64_t seed, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = seed != 0 ? seed : UINT64_C(0xcbf29ce484222325);

	while (len-- > 0)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}
