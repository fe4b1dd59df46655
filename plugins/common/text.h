/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every plugin of drover's needs: errors, options, and text of unknown
 * origin. These functions are linked into each plugin and exported by none.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drover/plugin.h>

/* Fills err and returns the class. */
int plugin_fail(struct drover_error *, enum drover_class, const char *format, ...)
    DROVER_PRINTF(3, 4);
/* A string option of the scope; "" if it has neither a value nor a default. */
const char *plugin_option(struct drover_scope *, const char *key);
/* Writes a line to drover's log; level is DROVER_INFO and so on. */
#define plugin_log(scope, level, ...) (scope)->host->log->printf((scope), (level), __VA_ARGS__)

#define TEXT_DIGITS "0123456789"
#define TEXT_ALNUM  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" TEXT_DIGITS
/* True if s is not empty and contains only these characters. */
bool text_is_of(const char *s, const char *characters);
/* The length of the valid UTF-8 sequence at s; 0 if there is none. */
size_t text_sequence(const char *s, size_t len);
bool text_is_utf8(const char *s, size_t len);
/*
 * Copies UTF-8 without characters that a reader cannot see: control characters
 * (except those in keep), zero-width characters and bidirectional marks. It is
 * cut at a whole character. Returns the length.
 */
size_t text_clean(char *out, size_t size, const char *s, size_t len, const char *keep);
/* Like text_clean(), for a whole string that must fit on one line. */
size_t text_line(char *out, size_t size, const char *s);
/*
 * The length of the longest beginning that has at most max bytes and ends with
 * a whole character.
 */
size_t text_cut(const char *s, size_t len, size_t max);
/*
 * The longest end of s that has at most max bytes and begins with a whole
 * character.
 */
const char *text_end(const char *s, size_t max);
/* FNV-1a, begun with the seed 0. It tells texts apart but gives no security. */
uint64_t text_hash(uint64_t seed, const void *data, size_t len);

/*
 * A growing string. Begin with zeros and end with text_free(). len may be
 * lowered and data changed in place; data is NULL until something is added.
 */
struct text_buf {
	char *data;
	size_t len, size;
};
void text_add(struct text_buf *, const char *data, size_t len);
void text_addf(struct text_buf *, const char *format, ...) DROVER_PRINTF(2, 3);
void text_fill(struct text_buf *, char, size_t times);
/*
 * Adds the value percent-encoded; only letters, digits and "-._~" stay as they
 * are.
 */
void text_add_url(struct text_buf *, const char *value);
/* The string, "" at the beginning. Valid until the next addition. */
const char *text_of(const struct text_buf *);
/*
 * Like text_of(), but the caller owns and frees the string, and the buffer is
 * empty again.
 */
char *text_take(struct text_buf *);
void text_free(struct text_buf *);

#endif
