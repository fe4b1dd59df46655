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
 * True if the parser does not take too long for any shape in the text. The
 * shapes that it refuses are such as no person writes. The answer depends on
 * nothing but the text.
 */
bool guard_fits(const struct markdown *);

/* The memory of one parsed text. */
struct arena {
	struct arena_chunk *chunks; /* list of blocks, the newest first */
	size_t bytes, max;
	/*
	 * true while the text is parsed: then an allocation past max does
	 * longjmp(full)
	 */
	bool bounded;
	jmp_buf full;
};

/*
 * Makes an arena for a text of so many bytes. It serves guard_mem until it is
 * freed.
 */
struct arena *arena_new(size_t len);
void arena_free(struct arena *);
extern cmark_mem guard_mem;

#endif
