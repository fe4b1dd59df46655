/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every plugin of ours needs: errors, options, and text of unknown origin.
 * Linked into each plugin, exported by none.
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
/* A string option of the scope; "" where it has neither value nor default. */
const char *plugin_option(struct drover_scope *, const char *key);
/* A line in drover's log, at DROVER_INFO and the like. */
#define plugin_log(scope, level, ...) (scope)->host->log->printf((scope), (level), __VA_ARGS__)

#define TEXT_DIGITS "0123456789"
#define TEXT_ALNUM  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" TEXT_DIGITS
/* Whether s has a character, and none but these. */
bool text_is_of(const char *s, const char *characters);
/* Length of the valid UTF-8 sequence at s, 0 where there is none. */
size_t text_sequence(const char *s, size_t len);
bool text_is_utf8(const char *s, size_t len);
/*
 * Copies UTF-8 without what a reader cannot see: controls (but those in keep),
 * zero-width and bidirectional marks. Cuts between characters.
 */
size_t text_clean(char *out, size_t size, const char *s, size_t len, const char *keep);
/* As text_clean for a whole string that is to stand on one line. */
size_t text_line(char *out, size_t size, const char *s);
/*
 * Length of the longest beginning of at most max bytes that cuts no character.
 */
size_t text_cut(const char *s, size_t len, size_t max);
/* The longest end of at most max bytes that cuts no character. */
const char *text_end(const char *s, size_t max);
/* FNV-1a; seed 0 begins. Tells texts apart, proves nothing. */
uint64_t text_hash(uint64_t seed, const void *data, size_t len);

/*
 * A growing string, which begins as zeros. len may be set lower and data be
 * changed in place; data is NULL as long as nothing was added.
 */
struct text_buf {
	char *data;
	size_t len, size;
};
void text_add(struct text_buf *, const char *data, size_t len);
void text_addf(struct text_buf *, const char *format, ...) DROVER_PRINTF(2, 3);
void text_fill(struct text_buf *, char, size_t times);
/*
 * The value percent-encoded: only letters, digits and "-._~" stay as they are.
 */
void text_add_url(struct text_buf *, const char *value);
/* What it holds, "" at the beginning; valid until the next addition. */
const char *text_of(const struct text_buf *);
/*
 * As text_of, but the string becomes the caller's to free, and the buffer is
 * empty again.
 */
char *text_take(struct text_buf *);
void text_free(struct text_buf *);

#endif
