/* SPDX-License-Identifier: Apache-2.0 */
/* Fills errors and names their classes. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"

_Static_assert(sizeof(struct error) == sizeof(struct drover_error),
    "struct error is struct drover_error");
_Static_assert(offsetof(struct error, code) == offsetof(struct drover_error, code), "code");
_Static_assert(offsetof(struct error, retry_after_ms) ==
	offsetof(struct drover_error, retry_after_ms),
    "retry_after_ms");
_Static_assert(offsetof(struct error, text) == offsetof(struct drover_error, text), "text");

static const char *const class_names[] = {
	[-DROVER_OK] = "ok",
	[-DROVER_AGAIN] = "again",
	[-DROVER_QUOTA] = "quota",
	[-DROVER_AUTH] = "auth",
	[-DROVER_CONFIG] = "config",
	[-DROVER_PERMANENT] = "permanent",
	[-DROVER_HUMAN] = "human",
	[-DROVER_CANCELLED] = "cancelled",
	[-DROVER_FENCED] = "fenced",
	[-DROVER_INTERNAL] = "internal",
};

static void error_fill(struct error *, int, const char *);
static void error_format(char *, size_t, const char *, va_list)
    __attribute__((format(printf, 3, 0)));

static void
error_fill(struct error *err, int code, const char *text)
{
	err->code = code;
	err->reserved = 0;
	err->retry_after_ms = 0;
	text_copy(err->text, sizeof err->text, text);
}

/*
 * out has twice the size of an error, so that text_copy() can cut it at a whole
 * character.
 */
static void
error_format(char *out, size_t size, const char *format, va_list ap)
{
	if (vsnprintf(out, size, format, ap) < 0)
		text_copy(out, size, format);
}

int
error_set(struct error *err, int code, const char *format, ...)
{
	char text[2 * DROVER_ERROR_MAX];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, format);
	error_format(text, sizeof text, format, ap);
	va_end(ap);
	error_fill(err, code, text);
	return -1;
}

int
error_errno(struct error *err, int code, const char *format, ...)
{
	char text[2 * DROVER_ERROR_MAX];
	int saved = errno;
	size_t len;
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, format);
	error_format(text, sizeof text, format, ap);
	va_end(ap);
	len = strlen(text);
	snprintf(text + len, sizeof text - len, ": %s", strerror(saved));
	if (saved == ENOSPC || saved == EDQUOT || saved == EAGAIN || saved == EMFILE)
		code = DROVER_AGAIN;
	error_fill(err, code, text);
	return -1;
}

int
error_prefix(struct error *err, const char *format, ...)
{
	char text[2 * DROVER_ERROR_MAX];
	size_t len;
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, format);
	error_format(text, DROVER_ERROR_MAX, format, ap);
	va_end(ap);
	len = strlen(text);
	snprintf(text + len, sizeof text - len, ": %s", err->text);
	text_copy(err->text, sizeof err->text, text);
	return -1;
}

const char *
error_class_name(int code)
{
	if (code > 0 || code <= -(int)ARRAY_LEN(class_names))
		return "internal";
	return class_names[-code];
}

int
error_class_parse(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(class_names); i++)
		if (strcmp(name, class_names[i]) == 0)
			return -(int)i;
	return DROVER_INTERNAL;
}
