/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts: a template filled in, with what other people wrote kept apart from
 * what drover says.
 */
#ifndef HOST_PROMPT_H
#define HOST_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include <drover/plugin.h>

#include "base/buf.h"
#include "base/error.h"

#define PROMPT_VALUE_MAX \
	(64 * 1024) /* of an untrusted value: the rest is cut, and the prompt says so */
#define PROMPT_MAX (1024 * 1024)       /* of a whole prompt */
#define PROMPT_DELIMITER 33            /* 128 bits in hexadecimal, and a NUL */

/*
 * Fills text in and appends it to out. Untrusted values stand between lines
 * "<<<NAME DELIMITER" and "DELIMITER>>>", and a paragraph at the head tells
 * what that means. draw makes a delimiter, again while a value holds it. -1:
 * CONFIG with "FILE:LINE: ..." where text is wrong, PERMANENT where a value or
 * the whole is.
 */
int prompt_fill(const char *text, size_t len, const char *file, const struct drover_variable *,
    size_t n, void (*draw)(char delimiter[PROMPT_DELIMITER]), struct buf *out, struct error *err);
/*
 * Appends what a person would see of text: no control characters but newline
 * and tab, no HTML comments, nothing invisible or reordering; bad UTF-8 becomes
 * U+FFFD. At most PROMPT_VALUE_MAX bytes, then a note.
 */
void prompt_clean(struct buf *out, const char *text);

#endif
