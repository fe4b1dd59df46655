#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cmark-gfm 0.29.0.gfm.6 (Debian libcmark-gfm-dev 0.29.0.gfm.6-6): which inline nodes know where in
# the source they are depends on their kind.
#
# Guess: every node has the line and the columns of the text that it was made of, markers included,
# as **strong** has; and the nodes on both sides of a link end and begin where it does.
# Seen: a bare https:// link and its text are at 0:0, and the text before it ends within the link. A
# bare www. link has columns, but begins one too early. `code` starts behind its backtick and ends
# before the second.
#
# So a program that cuts or marks up the source by these positions loses or doubles text at links,
# and has to step back over the backticks: search for the literal in the line instead.
set -eu
version=0.29.0.gfm.6-6
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "libcmark-gfm-dev=$version" \
	"libcmark-gfm-extensions-dev=$version" gcc libc6-dev >install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >where.c <<'C'
#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <stdio.h>

int
main(void)
{
	char text[4096];
	size_t n = fread(text, 1, sizeof text, stdin);
	cmark_parser *parser;
	cmark_iter *iter;

	cmark_gfm_core_extensions_ensure_registered();
	parser = cmark_parser_new(CMARK_OPT_DEFAULT);
	cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension("autolink"));
	cmark_parser_feed(parser, text, n);
	iter = cmark_iter_new(cmark_parser_finish(parser));
	for (cmark_event_type e; (e = cmark_iter_next(iter)) != CMARK_EVENT_DONE;) {
		cmark_node *node = cmark_iter_get_node(iter);

		if (e == CMARK_EVENT_ENTER && cmark_node_get_start_column(node) >= 0 &&
		    cmark_node_parent(node) != NULL)
			printf("%s %d:%d-%d\n", cmark_node_get_type_string(node),
			    cmark_node_get_start_line(node), cmark_node_get_start_column(node),
			    cmark_node_get_end_column(node));
	}
	return 0;
}
C
gcc -o where where.c -lcmark-gfm -lcmark-gfm-extensions
for text in 'a `b` **c**' 'to www.b.example' 'to https://b.example'; do
	echo "$text"
	echo "$text" | ./where
done | tee seen
cat >expected <<'TEXT'
a `b` **c**
paragraph 1:1-11
text 1:1-2
code 1:4-4
text 1:6-6
strong 1:7-11
text 1:9-9
to www.b.example
paragraph 1:1-16
text 1:1-3
link 1:3-16
text 1:3-16
to https://b.example
paragraph 1:1-20
text 1:1-8
link 0:0-0
text 0:0-0
TEXT
cmp seen expected && echo "cmark-gfm $version behaves as described"
