/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Untrusted text: checking it, bounding it, making it safe to show, and making
 * names of it.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Decodes the UTF-8 character that text begins with. Returns its length, 1 to
 * 4, with its number in *cp; 0 if it is not well formed or NUL. Over-long
 * forms, surrogates and numbers beyond U+10FFFF are not well formed.
 */
size_t text_decode(const void *text, size_t len, uint32_t *cp);
/* True for well-formed UTF-8 without NUL. */
bool text_is_utf8(const char *s, size_t len);
/*
 * True for a name of a plugin, pool, repo or agent: [a-z0-9][a-z0-9_-]{0,63}.
 */
bool text_is_name(const char *s);
/* True for two names joined by a dot, such as "inbox.ticket". */
bool text_is_kind(const char *s);
/*
 * Appends text as one line for a person. A line break with the blanks around it
 * becomes one space (none at either end), and a tab becomes a space. Other
 * control characters, bidirectional marks and bad bytes become \xNN or
 * \u{NNNN}. The result is cut at max bytes and then ends with "...".
 */
void text_show(struct buf *out, const char *s, size_t len, size_t max);
/*
 * Like text_show(), into an array; the result is cut at size - 1 bytes. Returns
 * out.
 */
char *text_show_in(char *out, size_t size, const char *s, size_t len);
/*
 * Makes a name for branches: "Fix the <b>login</b> page!" becomes
 * "fix-the-b-login-b-page". It has the characters [a-z0-9-] and at most size -
 * 1 bytes, and is never empty ("change" then). Returns out.
 */
char *text_slug(const char *s, char *out, size_t size);
/* Appends s as a JSON string with quotes; bad UTF-8 becomes U+FFFD. */
void text_json(struct buf *out, const char *s, size_t len);
void text_escape(struct buf *out, const char *s, size_t len); /* without the quotes */
/* Appends s, with U+FFFD in place of each bad byte. */
void text_clean(struct buf *out, const char *s, size_t len);
/*
 * True for a branch name that git accepts (git-check-ref-format) and that
 * begins with prefix, which may be NULL.
 */
bool text_is_branch(const char *s, const char *prefix);
/*
 * FNV-1a with 64 bits, for names of files and branches. It gives no security.
 */
uint64_t text_hash(const char *s, size_t len);
/*
 * Writes n random bytes to out as 2n hexadecimal digits and a NUL. Returns out.
 */
char *text_random_hex(char *out, size_t n);
/*
 * Copies s into an array, cut at a whole character. Returns false if it was
 * cut.
 */
bool text_copy(char *out, size_t size, const char *s);
/*
 * How many bytes of s can be kept, at most max, to end with a whole character.
 */
size_t text_fit(const char *s, size_t len, size_t max);
/* Where the last max bytes of s begin, moved on to a whole character. */
size_t text_fit_end(const char *s, size_t len, size_t max);
/*
 * Appends s percent-encoded (RFC 3986). ASCII letters, digits and the bytes in
 * keep are copied; every other byte, even NUL, becomes %XX in upper case.
 */
#define TEXT_UNRESERVED "-._~"
void text_percent(struct buf *out, const char *s, size_t len, const char *keep);

#endif
