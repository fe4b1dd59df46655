/* SPDX-License-Identifier: Apache-2.0 */
/* Untrusted text: checked, bounded, made safe to show, made into names. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The one decoder of UTF-8: the length, 1 to 4, of the character that text
 * begins with, and its number in *cp. 0 when there is none that is well formed:
 * over-long forms, surrogates and what lies beyond U+10FFFF are refused, and so
 * is NUL.
 */
size_t text_decode(const void *text, size_t len, uint32_t *cp);
/* Well-formed UTF-8 without NUL, surrogates or over-long forms. */
bool text_is_utf8(const char *s, size_t len);
/* [a-z0-9][a-z0-9_-]{0,63}: names of plugins, pools, repos, agents. */
bool text_is_name(const char *s);
/* Two names with a dot between: "inbox.ticket". */
bool text_is_kind(const char *s);
/*
 * Appends text for one line that a person reads: a line break with the blanks
 * around it is one space (none at either end), a tab is a space, other control
 * and bidi characters and bad bytes become \xNN or \u{NNNN}; cut at max bytes
 * with "...".
 */
void text_show(struct buf *out, const char *s, size_t len, size_t max);
/* As text_show into an array, cut at size - 1 bytes. Returns out. */
char *text_show_in(char *out, size_t size, const char *s, size_t len);
/*
 * "Fix the <b>login</b> page!" -> "fix-the-b-login-b-page": [a-z0-9-], at most
 * max bytes, never empty ("change"). Returns out.
 */
char *text_slug(const char *s, char *out, size_t size);
/* Appends s as a JSON string with its quotes; bad UTF-8 becomes U+FFFD. */
void text_json(struct buf *out, const char *s, size_t len);
void text_escape(struct buf *out, const char *s, size_t len); /* the same without the quotes */
/* Appends s with U+FFFD for every bad byte. */
void text_clean(struct buf *out, const char *s, size_t len);
/*
 * A branch name that git would take (git-check-ref-format) and that begins with
 * prefix.
 */
bool text_is_branch(const char *s, const char *prefix);
/* FNV-1a, 64 bits: for names of files and branches, not for security. */
uint64_t text_hash(const char *s, size_t len);
/*
 * n random bytes as 2n hexadecimal digits and a NUL into out; aborts without
 * getrandom. Returns out.
 */
char *text_random_hex(char *out, size_t n);
/*
 * Copies into a fixed array, cut on a character; returns false when it was cut.
 */
bool text_copy(char *out, size_t size, const char *s);
/* How many bytes of s, at most max, end on a whole character. */
size_t text_fit(const char *s, size_t len, size_t max);
/* Where the end of s begins that has at most max bytes and whole characters. */
size_t text_fit_end(const char *s, size_t len, size_t max);
/*
 * Appends s percent-encoded (RFC 3986): ASCII letters, digits and the bytes of
 * keep stay, each other one, NUL too, becomes %XX in upper case.
 */
#define TEXT_UNRESERVED "-._~"
void text_percent(struct buf *out, const char *s, size_t len, const char *keep);

#endif
