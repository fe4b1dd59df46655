/* SPDX-License-Identifier: Apache-2.0 */
/* What each byte of a Markdown text is part of, and what closes a fence. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/markdown.h"
#include "suite.h"

/*
 * The map has a letter for each byte: Prose, Url, Code, Html, coMment or
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
	{ "``a`b`` `c`", "cccccccpccc" },
	{ "a `b\nc` d", "ppcc-ccpp" },
	{ "a ` b", "pp-pp" },
	{ "a\n\n    b\n\tc", "p--cccccccc" },
	{ "a\n    b", "p-----p" },
	{ "- a\n\n      b", "--p--ccccccc" },
	{ "x\n```sh\na\n```\ny", "p-------cc----p" },
	{ "~~~\na\n```\n", "----cccccc" },
	{ "1. x\n\n    ```\n    a\n    ```\n2. y", "---p----------cccccc-----------p" },
	{ "> a\n> b\n\nc", "==P===P=-p" },
	{ "> a\nb", "==P=P" },
	{ "- > a", "====P" },
	{ "> ```\n> a\n> ```\n", "======CCCC======" },
	{ "<pre>\na\n</pre>\nb", "hhhhhhhhhhhhhhhp" },
	{ "<div>\n```\na\n```\n\n`b`", "hhhhhhhhhhhhhhhh-ccc" },
	{ "a <b>c</b> d", "pphhhphhhhpp" },
	{ "a <!-- b\nc --> d", "ppmmmmmm-mmmmmpp" },
	{ "<!-- a\n\nb --> c\nd", "mmmmmmmmmmmmmhhhp" },
	{ "a <!-- b", "pp----pp" },
	{ "[a](http://b/`c`)", "-p---------------" },
	{ "[a]\n\n[a]: /b 'c'", "-p--------------" },
	{ "<http://a/@b> c", "-------------pp" },
	{ "see http://a.b/__c__.", "ppppuuuuuuuuuuuuuu---" },
	{ "(https://a/(b)), c", "puuuuuuuuuuuuupppp" },
	{ "_http://a/b_ c", "-uuuuuuuuuu-pp" },
	{ "http://a/\\`b`", "uuuuuuuuuuuuu" },
	{ "xhttp://a/@b http://@c", "pppppppppppppppppppppp" },
	{ "[http://a/`b`](c)", "-pppppppppccc----" },
	{ "http://a_b/*c*", "pppppppp-pp-p-" },
	{ "# a `b` #", "--ppccc--" },
	{ "[l]: /u\na `b`\n===", "--------ppccc----" },
	{ "a\r\n`b`\rc", "p--ccc-p" },
	{ "| a\\|b | `c\\|d` |\n|---|---|\n| e | f |", "--p-pp---cc-ccc---------------p---p--" },
	{ "&amp; a", "-----pp" },
	{ "\xef\xbb\xbf"
	  "a",
	    "---p" },
};

static char
letter(unsigned char part)
{
	char c = "-puchm"[part & ~MARKDOWN_QUOTED];

	if ((part & MARKDOWN_QUOTED) == 0)
		return c;
	return c == '-' ? '=' : (char)(c - 'a' + 'A');
}

START_TEST(each_byte_is_what_a_reader_takes_it_for)
{
	struct markdown m;
	char map[200];
	size_t i;

	markdown_read(&m, NULL, maps[_i].text);
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
			/* An address shows where it leads. */
			if (cmark_node_get_type(parent) == CMARK_NODE_LINK &&
			    strstr(cmark_node_get_url(parent), word) != NULL)
				return MARKDOWN_URL;
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
		markdown_read(&m, NULL, text);
		ck_assert_msg(m.root != NULL, "refused: %s", text);
		for (i = 0; i < words; i++) {
			snprintf(word, sizeof(word), "Word%zux", i);
			part = part_of(m.root, word);
			got = m.parts[places[i]];
			if ((got & ~MARKDOWN_QUOTED) == MARKDOWN_COMMENT)
				got += MARKDOWN_HTML - MARKDOWN_COMMENT;
			if ((got & ~MARKDOWN_QUOTED) == MARKDOWN_URL ||
			    (part == MARKDOWN_URL && (got & ~MARKDOWN_QUOTED) == MARKDOWN_SIGN))
				got = part;
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
	const char *text, *closed;
} opens[] = {
	{ "", "" },
	{ "a", "a" },
	{ "```\na", "```\na\n```" },
	{ "```", "```\n```" },
	{ "```\na\n```", "```\na\n```" },
	{ "```\na\n```\n", "```\na\n```\n" },
	{ "```\na\n```\nb", "```\na\n```\nb" },
	{ "`````c\na\n```\n", "`````c\na\n```\n`````" },
	{ "~~~~\na\n```\n\n", "~~~~\na\n```\n\n~~~~" },
	{ "  ```\na\n    ```", "  ```\na\n    ```\n```" },
	{ "```a`\nb", "```a`\nb" },
	{ "    ```\na", "    ```\na" },
	{ "- ```\n  a", "- ```\n  a" },
	{ "> ```\n> a", "> ```\n> a" },
	{ "<div>\n```\na", "<div>\n```\na" },
};

START_TEST(a_fence_that_a_text_leaves_open_is_closed)
{
	struct text_buf text = { 0 };

	text_addf(&text, "%s", opens[_i].text);
	markdown_close(&text);
	ck_assert_str_eq(text_of(&text), opens[_i].closed);
	text_free(&text);
}
END_TEST

START_TEST(the_longest_run_is_found)
{
	ck_assert_uint_eq(markdown_run("", '`'), 0);
	ck_assert_uint_eq(markdown_run("a `b` ``c``", '`'), 2);
	ck_assert_uint_eq(markdown_run("``\n```", '`'), 3);
	ck_assert_uint_eq(markdown_run("~~~~", '`'), 0);
}
END_TEST

START_TEST(what_is_nested_too_deeply_is_refused)
{
	char text[1000];
	struct markdown m;
	size_t i;

	memset(text, '>', 400);
	strcpy(text + 400, " @bot");
	markdown_read(&m, NULL, text);
	ck_assert_ptr_null(m.root);
	for (i = 0; i < m.len; i++)
		ck_assert_int_eq(m.parts[i], MARKDOWN_SIGN);
	markdown_free(&m);
	/* A line across the page is no list of lists. */
	for (i = 0; i < 900; i += 2)
		memcpy(text + i, "- ", 2);
	strcpy(text + 900, "\n\na");
	markdown_read(&m, NULL, text);
	ck_assert_int_eq(m.parts[902], MARKDOWN_PROSE);
	markdown_free(&m);
}
END_TEST

/* Whether the text was read right each time. */
static void *
reads_often(void *text)
{
	struct markdown m;
	bool right = true;
	int i;

	for (i = 0; i < 500; i++) {
		markdown_read(&m, NULL, text);
		right = right && m.text == text && m.root != NULL && m.parts[2] == MARKDOWN_PROSE &&
		    (m.parts[m.len - 2] & ~MARKDOWN_QUOTED) == MARKDOWN_CODE;
		markdown_free(&m);
	}
	return right ? text : NULL;
}

START_TEST(threads_read_in_turn)
{
	static char one[] = "~~a~~ b\n\n> `c`", other[] = "* a\n  * b\n\n```\nc\n```\n\n    d\n";
	pthread_t threads[2];
	void *read;
	size_t i;

	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, reads_often,
				     i == 0 ? one : other),
		    0);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &read);
		ck_assert_ptr_eq(read, i == 0 ? one : other);
	}
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "markdown", NULL, NULL);

	tcase_add_loop_test(tc, each_byte_is_what_a_reader_takes_it_for, 0,
	    sizeof(maps) / sizeof(maps[0]));
	tcase_add_loop_test(tc, the_parts_are_those_of_the_parsers_tree, 0, 4);
	tcase_add_loop_test(tc, a_fence_that_a_text_leaves_open_is_closed, 0,
	    sizeof(opens) / sizeof(opens[0]));
	tcase_add_test(tc, the_longest_run_is_found);
	tcase_add_test(tc, what_is_nested_too_deeply_is_refused);
	tcase_add_test(tc, threads_read_in_turn);
}

SUITE(cases)
