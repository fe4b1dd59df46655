/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each byte of a Markdown text is, as GitHub reads it: said, code, a
 * quote, HTML. The text itself is never written anew from what was parsed, so
 * whatever is passed on stays as it was, byte for byte.
 *
 * cmark-gfm does the parsing. md4c would give the place of each piece of text
 * without further work, but it is another parser: what it calls code GitHub
 * need not, and then a quoted command would be carried out.
 *
 * It is linked into each plugin, and each process pays for the pages that it
 * touches. To see what that costs, compare a runner at rest, and its forks (a
 * probe makes two), with those of a build that has no parser:
 *
 *	awk '/^Pss/' /proc/PID/smaps_rollup
 *	strace -T -e trace=clone -p PID & drover call github.probe '{}'
 */
#ifndef COMMON_MARKDOWN_H
#define COMMON_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

#include <cmark-gfm.h>

#include "common/text.h"

/* What a byte is part of. */
enum markdown_part {
	MARKDOWN_SIGN, /* what the parser reads and a reader does not: signs, link addresses */
	MARKDOWN_PROSE,
	MARKDOWN_URL, /* an address without signs around it, which is a link to itself */
	MARKDOWN_CODE,
	MARKDOWN_HTML,
	MARKDOWN_COMMENT,
	/* Set in addition to one of these in each line of a block quote. */
	MARKDOWN_QUOTED = 0x80,
};

struct markdown {
	const char *text; /* borrowed */
	size_t len;
	unsigned char *parts; /* enum markdown_part of each of the len bytes */
	size_t *lines;        /* where each line begins, and finally the end of the text */
	size_t lines_len;     /* number of lines */
	cmark_node *root;     /* NULL if the text was refused */
	struct arena *arena;
};

/*
 * Parses a text that may be hostile. It is refused when the parser would take
 * too much time or memory for it; then no byte is anything but MARKDOWN_SIGN,
 * and the log says so once, unless scope is NULL. Only one text of a process
 * can be open, until markdown_free(): other threads wait, and a second text of
 * the same thread is a mistake that ends the process.
 */
void markdown_read(struct markdown *, struct drover_scope *, const char *text);
void markdown_free(struct markdown *);

/* The types of nodes for which cmark-gfm has no constant. */
bool markdown_is(cmark_node *, const char *type);
/* True if people may be led to an address: http(s) or mailto, and no blanks. */
bool markdown_leads(const char *url);
/*
 * Closes the fenced block that a text leaves open at its end, so that what is
 * put behind it is not taken for code. No other text may be open.
 */
void markdown_close(struct text_buf *text);
/* The longest run of a character in a text: a fence must be longer. */
size_t markdown_run(const char *text, char mark);

#endif
