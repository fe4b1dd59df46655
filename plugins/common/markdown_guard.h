/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps a hostile text from costing more than a long one. The cmark-gfm of
 * Debian 12 needs minutes, or gigabytes, for some texts of 64 KiB.
 */
#ifndef COMMON_MARKDOWN_GUARD_H
#define COMMON_MARKDOWN_GUARD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmark-gfm.h>

#include "common/markdown.h"

/*
 * Whether no shape in the text is one that the parser takes too long for. These
 * are shapes that no person writes; the answer depends on nothing but the text.
 */
bool guard_fits(const struct markdown *);

/* All memory of one parsed text. */
struct arena {
	struct arena_chunk *chunks; /* the newest first */
	size_t bytes, max;
	bool bounded; /* until the text is parsed; then longjmp(full) when max is reached */
	jmp_buf full;
};

/* For a text of so many bytes; it serves guard_mem until it is freed. */
struct arena *arena_new(size_t len);
void arena_free(struct arena *);
extern cmark_mem guard_mem;

#endif
