/* SPDX-License-Identifier: Apache-2.0 */
/* What each byte of a Markdown text is part of, and what closes a fence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/markdown.h"
#include "suite.h"

/*
 * The map has a letter for each byte of the text: Prose, Code, Html, coMment or
 * "-" for a sign; in a quote they are capitals and "=".
 */
static const struct {
	const char *text, *map;
} maps[] = {
	{ "", "" },
	{ "say it", "pppppp" },
	{ "a *b* c", "pp-p-pp" },
	{ "a `b` c", "ppcccpp" },
	{ "a \\`b\\` c", "pp--p--pp" },
	{ "``a`b`` `c`",
	    "ccccccc"
	    "p"
	    "ccc" },
	{ "a `b\nc` d",
	    "ppcc-cc"
	    "pp" },
	{ "a ` b", "pp-pp" },
	{ "a\n\n    b\n\tc",
	    "p--"
	    "cccccc"
	    "cc" },
	{ "a\n    b",
	    "p-"
	    "----p" },
	{ "- a\n\n      b",
	    "--p--"
	    "ccccccc" },
	{ "x\n```sh\na\n```\ny",
	    "p-"
	    "------"
	    "cc"
	    "----"
	    "p" },
	{ "~~~\na\n```\n",
	    "----"
	    "cc"
	    "cccc" },
	{ "1. x\n\n    ```\n    a\n    ```\n2. y",
	    "---p--"
	    "--------"
	    "cccccc"
	    "--------"
	    "---p" },
	{ "> a\n> b\n\nc",
	    "==P="
	    "==P="
	    "-"
	    "p" },
	{ "> a\nb",
	    "==P="
	    "P" },
	{ "- > a", "====P" },
	{ "> ```\n> a\n> ```\n",
	    "======"
	    "CCCC"
	    "======" },
	{ "<pre>\na\n</pre>\nb",
	    "hhhhhh"
	    "hh"
	    "hhhhhhh"
	    "p" },
	{ "<div>\n```\na\n```\n\n`b`",
	    "hhhhhh"
	    "hhhh"
	    "hh"
	    "hhhh"
	    "-"
	    "ccc" },
	{ "a <b>c</b> d", "pphhhphhhhpp" },
	{ "a <!-- b\nc --> d", "ppmmmmmm-mmmmmpp" },
	{ "<!-- a\n\nb --> c\nd",
	    "mmmmmmm"
	    "m"
	    "mmmmmhhh"
	    "p" },
	{ "a <!-- b", "pp----pp" },
	{ "[a](http://b/`c`)", "-p---------------" },
	{ "[a]\n\n[a]: /b 'c'", "-p--------------" },
	{ "<http://a/@b> c", "-------------pp" },
	{ "# a `b` #", "--ppccc--" },
	{ "[l]: /u\na `b`\n===",
	    "--------"
	    "pp"
	    "ccc"
	    "----" },
	{ "a\r\n`b`\rc",
	    "p--"
	    "ccc"
	    "-"
	    "p" },
	{ "| a\\|b | `c\\|d` |\n|---|---|\n| e | f |",
	    "--p-pp---cc-ccc---"
	    "----------"
	    "--p---p--" },
	{ "&amp; a", "-----pp" },
	{ "\xef\xbb\xbf"
	  "a",
	    "---p" },
};

static char
letter(unsigned char part)
{
	char c = "-pchm"[part & ~MARKDOWN_QUOTED];

	if ((part & MARKDOWN_QUOTED) == 0)
		return c;
	return c == '-' ? '=' : (char)(c - 'a' + 'A');
}

START_TEST(each_byte_is_what_a_reader_takes_it_for)
{
	struct markdown m;
	char map[200];
	size_t i;

	markdown_read(&m, maps[_i].text);
	for (i = 0; i < m.len; i++)
		map[i] = letter(m.parts[i]);
	map[i] = '\0';
	ck_assert_msg(strcmp(map, maps[_i].map) == 0, "%s\n%s\nexpected\n%s", maps[_i].text, map,
	    maps[_i].map);
	markdown_free(&m);
}
END_TEST

static const char *const pieces[] = { "> ", "- ", "1. ", "2) ", "* ", "\n", "\n", "\n", "\n\n",
	"  ", "    ", "\t", " ", "*", "_", "~~", "**", "`", "``", "```\n", "~~~\n", "````\n", "[",
	"]", "](", "![", "[a]", "[a]: b\n", "(", ")", "<", "<a ", ">", "<!--", "-->", "<?", "?>",
	"<div>\n", "<pre>\n", "</pre>", "</", "<b>", "|", "| a | b |\n|---|---|\n", "|-|\n", "\\|",
	"-|-\n", "&", "&amp;", "\\", "http://", "@", "\"", "#", "## ", "---\n", "===\n", "\r\n",
	"\r", "\xc3\xa9", "a", " #\n" };

static cmark_node *
after(cmark_node *node)
{
	cmark_node *next = cmark_node_first_child(node);

	for (; next == NULL && node != NULL; node = cmark_node_parent(node))
		next = cmark_node_next(node);
	return next;
}

/* What the parser's tree says of a word that stands in the text once. */
static int
part_of(cmark_node *root, const char *word)
{
	cmark_node *node, *parent;
	const char *literal;
	int part;

	for (node = root; node != NULL; node = after(node)) {
		literal = cmark_node_get_literal(node);
		if (literal == NULL || strstr(literal, word) == NULL)
			continue;
		switch (cmark_node_get_type(node)) {
		case CMARK_NODE_CODE:
		case CMARK_NODE_CODE_BLOCK:
			part = MARKDOWN_CODE;
			break;
		case CMARK_NODE_HTML_BLOCK:
		case CMARK_NODE_HTML_INLINE:
			part = MARKDOWN_HTML;
			break;
		default:
			part = MARKDOWN_PROSE;
		}
		for (parent = node; parent != NULL; parent = cmark_node_parent(parent)) {
			if (cmark_node_get_type(parent) == CMARK_NODE_BLOCK_QUOTE)
				part |= MARKDOWN_QUOTED;
			/* "<https://word>" shows where it leads. */
			if (cmark_node_get_type(parent) == CMARK_NODE_LINK &&
			    strstr(cmark_node_get_url(parent), word) != NULL)
				return MARKDOWN_SIGN;
		}
		return part;
	}
	return MARKDOWN_SIGN;
}

START_TEST(the_parts_are_those_of_the_parsers_tree)
{
	size_t places[64], len, i, words;
	char text[2048], word[32];
	struct markdown m;
	int n, part, got;

	srandom((unsigned)_i);
	for (n = 0; n < 2500; n++) {
		len = words = 0;
		for (i = (size_t)random() % 60 + 1; i > 0; i--) {
			if (random() % 11 == 0) {
				places[words] = len;
				len += (size_t)sprintf(text + len, "Word%zux", words++);
			} else
				len += (size_t)sprintf(text + len, "%s",
				    pieces[(size_t)random() %
					(sizeof(pieces) / sizeof(pieces[0]))]);
		}
		markdown_read(&m, text);
		ck_assert_msg(m.root != NULL, "refused: %s", text);
		for (i = 0; i < words; i++) {
			snprintf(word, sizeof(word), "Word%zux", i);
			part = part_of(m.root, word);
			got = m.parts[places[i]];
			if ((got & ~MARKDOWN_QUOTED) == MARKDOWN_COMMENT)
				got += MARKDOWN_HTML - MARKDOWN_COMMENT;
			/*
			 * What nobody sees may stand in the lines of a quote.
			 */
			if (part == MARKDOWN_SIGN)
				got &= ~MARKDOWN_QUOTED;
			ck_assert_msg(got == part, "%s in\n%s\nis %d, and %d to the parser", word,
			    text, got, part);
		}
		markdown_free(&m);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t close;
	char mark;
} opens[] = {
	{ "", 0, 0 },
	{ "a", 0, 0 },
	{ "```\na", 3, '`' },
	{ "```", 3, '`' },
	{ "```\na\n```", 0, 0 },
	{ "```\na\n```\n", 0, 0 },
	{ "```\na\n```\nb", 0, 0 },
	{ "`````c\na\n```\n", 5, '`' },
	{ "~~~~\na\n```\n\n", 4, '~' },
	{ "  ```\na\n    ```", 3, '`' },
	{ "```a`\nb", 0, 0 },
	{ "    ```\na", 0, 0 },
	{ "- ```\n  a", 0, 0 },
	{ "> ```\n> a", 0, 0 },
	{ "<div>\n```\na", 0, 0 },
};

START_TEST(a_fence_that_a_text_leaves_open_is_known)
{
	struct markdown m;
	char mark = '\0';

	markdown_read(&m, opens[_i].text);
	ck_assert_uint_eq(markdown_open_fence(&m, &mark), opens[_i].close);
	if (opens[_i].close > 0)
		ck_assert_int_eq(mark, opens[_i].mark);
	markdown_free(&m);
}
END_TEST

START_TEST(a_fence_is_longer_than_any_within)
{
	ck_assert_uint_eq(markdown_fence("", '`'), 3);
	ck_assert_uint_eq(markdown_fence("a `b` ``c``", '`'), 3);
	ck_assert_uint_eq(markdown_fence("```\na\n```", '`'), 4);
	ck_assert_uint_eq(markdown_fence("a ``````", '`'), 7);
	ck_assert_uint_eq(markdown_fence("~~~~", '`'), 3);
}
END_TEST

START_TEST(what_is_nested_too_deeply_is_refused)
{
	char text[1000];
	struct markdown m;
	size_t i;

	memset(text, '>', 400);
	strcpy(text + 400, " @bot");
	markdown_read(&m, text);
	ck_assert_ptr_null(m.root);
	for (i = 0; i < m.len; i++)
		ck_assert_int_eq(m.parts[i], MARKDOWN_SIGN);
	markdown_free(&m);
	/* A line across the page is no list of lists. */
	for (i = 0; i < 900; i += 2)
		memcpy(text + i, "- ", 2);
	strcpy(text + 900, "\n\na");
	markdown_read(&m, text);
	ck_assert_int_eq(m.parts[902], MARKDOWN_PROSE);
	markdown_free(&m);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "markdown", NULL, NULL);

	tcase_add_loop_test(tc, each_byte_is_what_a_reader_takes_it_for, 0,
	    sizeof(maps) / sizeof(maps[0]));
	tcase_add_loop_test(tc, the_parts_are_those_of_the_parsers_tree, 0, 4);
	tcase_add_loop_test(tc, a_fence_that_a_text_leaves_open_is_known, 0,
	    sizeof(opens) / sizeof(opens[0]));
	tcase_add_test(tc, a_fence_is_longer_than_any_within);
	tcase_add_test(tc, what_is_nested_too_deeply_is_refused);
}

SUITE(cases)
