/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a secret may be written in text, so that it is found in each of these
 * forms.
 */
#ifndef BASE_SPELLING_H
#define BASE_SPELLING_H

#include <stddef.h>

/*
 * Calls each() for the secret of len bytes as it is, and for its spellings:
 * base64 and base64url at each of three offsets, hexadecimal in both cases,
 * percent-encoded, escaped for JSON, HTML, a shell and C, and in UTF-16 of both
 * byte orders. Of a long secret, lines as base64 and xxd wrap them come as
 * well. The text that each() gets is borrowed, and may come twice.
 */
void spelling_each(const char *secret, size_t len,
    void (*each)(void *arg, const char *text, size_t len), void *arg);

#endif
