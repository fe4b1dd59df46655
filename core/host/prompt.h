/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts: fills in a template, and keeps what other people wrote apart from
 * what drover and its operator say.
 */
#ifndef HOST_PROMPT_H
#define HOST_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include <drover/plugin.h>

#include "base/buf.h"
#include "base/error.h"

/* Bytes of an untrusted value; the rest is cut, and the prompt says so. */
#define PROMPT_VALUE_MAX (64 * 1024)
#define PROMPT_MAX (1024 * 1024)       /* bytes of a whole prompt */
#define PROMPT_DELIMITER 33            /* 128 bits in hexadecimal, and a NUL */

/*
 * Fills in the template text and appends the prompt to out. Untrusted values
 * stand between the lines "<<<NAME DELIMITER" and "DELIMITER>>>", and a
 * paragraph at the head says what these lines mean. draw makes a delimiter and
 * is called again while a value contains it. file is for messages. 0, or -1:
 * CONFIG "FILE:LINE: ..." when the template is wrong, PERMANENT when a value
 * is, or when the prompt would be too large.
 */
int prompt_fill(const char *text, size_t len, const char *file, const struct drover_variable *,
    size_t n, void (*draw)(char delimiter[PROMPT_DELIMITER]), struct buf *out, struct error *err);
/*
 * Appends what a person would see of text: without HTML comments, without
 * control characters other than newline and tab, and without invisible or
 * reordering characters; invalid UTF-8 becomes U+FFFD. After PROMPT_VALUE_MAX
 * bytes it is cut, and a note says so.
 */
void prompt_clean(struct buf *out, const char *text);

#endif
