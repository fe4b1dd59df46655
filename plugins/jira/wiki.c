/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a document of drover's into the wiki markup of Jira Data Center. Every
 * character that markup is made of is escaped in text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adf.h"

#define SIGNS_MAX 16 /* signs of nested lists; adf_write() makes fewer lists */

static bool wiki_has_mark(const cJSON *, const char *, const char **);
static void wiki_text(struct text_buf *, const char *, bool *);
static void wiki_url(struct text_buf *, const char *);
static void wiki_marks(struct text_buf *, unsigned *, unsigned);
static void wiki_linked(struct text_buf *, const char *, const char *);
static void wiki_inline(struct text_buf *, const cJSON *);
static void wiki_code(struct text_buf *, const cJSON *);
static void wiki_list(struct text_buf *, const cJSON *, const char *);
static void wiki_row(struct text_buf *, const cJSON *);
static void wiki_block(struct text_buf *, const cJSON *, const char *);

static bool
wiki_has_mark(const cJSON *node, const char *type, const char **href)
{
	const cJSON *mark, *marks = cJSON_GetObjectItemCaseSensitive(node, "marks");

	cJSON_ArrayForEach(mark, marks)
		if (strcmp(json_text(mark, "type"), type) == 0) {
			if (href != NULL)
				*href = json_text_at(mark, "attrs.href");
			return true;
		}
	return false;
}

/*
 * Appends escaped text. start says that the text begins a line, where "#",
 * "h1." and "bq." are markup as well.
 */
static void
wiki_text(struct text_buf *out, const char *text, bool *start)
{
	const char *p;

	if (*start &&
	    ((text[0] == 'h' && text[1] >= '1' && text[1] <= '6' && text[2] == '.') ||
		strncmp(text, "bq.", 3) == 0)) {
		text_add(out, text, 2);
		text_add(out, "\\", 1);
		text += 2;
	}
	for (p = text; *p != '\0'; p++) {
		if (*p == '\n') {
			text_add(out, " ", 1);
			continue;
		}
		if (strchr("\\{}[]*_-+^~|!?@", *p) != NULL || (*start && p == text && *p == '#'))
			text_add(out, "\\", 1);
		text_add(out, p, 1);
	}
	if (*text != '\0')
		*start = false;
}

/* Appends an address in which no character can end the link. */
static void
wiki_url(struct text_buf *out, const char *url)
{
	for (; *url != '\0'; url++) {
		if (strchr("[]{}|\\^\"`<>", *url) != NULL)
			text_addf(out, "%%%02X", (unsigned)(unsigned char)*url);
		else
			text_add(out, url, 1);
	}
}

/* The signs of marks, the outer ones first. */
static const struct {
	const char *mark, *opens, *closes;
} signs[] = { { "strong", "*", "*" }, { "em", "_", "_" }, { "strike", "-", "-" },
	{ "code", "{{", "}}" } };

/*
 * Closes marks that are open and not wanted, and opens those that are wanted.
 * Both are bits of signs.
 */
static void
wiki_marks(struct text_buf *out, unsigned *open, unsigned want)
{
	size_t first = 0, i;

	while (first < ARRAY_LEN(signs) && ((*open ^ want) >> first & 1) == 0)
		first++;
	for (i = ARRAY_LEN(signs); i-- > first;)
		if ((*open >> i & 1) != 0)
			text_addf(out, "%s", signs[i].closes);
	for (i = first; i < ARRAY_LEN(signs); i++)
		if ((want >> i & 1) != 0)
			text_addf(out, "%s", signs[i].opens);
	*open = want;
}

static void
wiki_linked(struct text_buf *out, const char *text, const char *href)
{
	bool start = false;

	text_add(out, "[", 1);
	if (strcmp(text, href) != 0) {
		wiki_text(out, text, &start);
		text_add(out, "|", 1);
	}
	wiki_url(out, href);
	text_add(out, "]", 1);
}

static void
wiki_inline(struct text_buf *out, const cJSON *content)
{
	const cJSON *node;
	const char *href;
	unsigned open = 0, want;
	bool start = true;
	size_t i;

	cJSON_ArrayForEach(node, content) {
		for (i = want = 0; i < ARRAY_LEN(signs); i++)
			want |= (unsigned)wiki_has_mark(node, signs[i].mark, NULL) << i;
		wiki_marks(out, &open, want);
		start = start && want == 0;
		if (strcmp(json_text(node, "type"), "hardBreak") == 0) {
			text_add(out, "\n", 1);
			start = true;
		} else if (wiki_has_mark(node, "link", &href)) {
			wiki_linked(out, json_text(node, "text"), href);
			start = false;
		} else
			wiki_text(out, json_text(node, "text"), &start);
	}
	wiki_marks(out, &open, 0);
}

/*
 * No text can be escaped between two {noformat}. If the text contains that
 * word, a blank is put into the brace.
 */
static void
wiki_code(struct text_buf *out, const cJSON *content)
{
	const char *text = json_text(cJSON_GetArrayItem(content, 0), "text"), *at;

	text_addf(out, "{noformat}\n");
	for (at = text; *at != '\0'; at++) {
		text_add(out, at, 1);
		if (strncasecmp(at, "{noformat", 9) == 0)
			text_add(out, " ", 1);
	}
	text_addf(out, "\n{noformat}");
}

/*
 * Writes a list. around has the signs of the lists around it. Wiki markup
 * counts from 1, so a list that begins with another number has its numbers as
 * text.
 */
static void
wiki_list(struct text_buf *out, const cJSON *list, const char *around)
{
	const cJSON *attrs = cJSON_GetObjectItemCaseSensitive(list, "attrs"),
		    *items = cJSON_GetObjectItemCaseSensitive(list, "content"), *item, *blocks,
		    *block;
	bool numbers = strcmp(json_text(list, "type"), "orderedList") == 0;
	int number = attrs != NULL ? (int)json_number(attrs, "order") : 1;
	char sign[SIGNS_MAX];

	snprintf(sign, sizeof(sign), "%s%c", around, numbers ? '#' : '*');
	if (attrs != NULL)
		sign[0] = '\0';
	cJSON_ArrayForEach(item, items) {
		if (item != items->child)
			text_add(out, "\n", 1);
		if (attrs != NULL)
			text_addf(out, "%d. ", number++);
		else
			text_addf(out, "%s ", sign);
		blocks = cJSON_GetObjectItemCaseSensitive(item, "content");
		cJSON_ArrayForEach(block, blocks) {
			if (block != blocks->child)
				text_add(out, "\n", 1);
			wiki_block(out, block, sign);
		}
	}
}

static void
wiki_row(struct text_buf *out, const cJSON *row)
{
	const cJSON *cell, *block;
	const char *bar = "|";

	cJSON_ArrayForEach(cell, cJSON_GetObjectItemCaseSensitive(row, "content")) {
		bar = strcmp(json_text(cell, "type"), "tableHeader") == 0 ? "||" : "|";
		text_addf(out, "%s ", bar);
		cJSON_ArrayForEach(block, cJSON_GetObjectItemCaseSensitive(cell, "content"))
			wiki_inline(out, cJSON_GetObjectItemCaseSensitive(block, "content"));
		text_add(out, " ", 1);
	}
	text_addf(out, "%s", bar);
}

static void
wiki_block(struct text_buf *out, const cJSON *node, const char *around)
{
	const cJSON *content = cJSON_GetObjectItemCaseSensitive(node, "content"), *block;
	const char *type = json_text(node, "type");

	if (strcmp(type, "heading") == 0) {
		text_addf(out, "h%d. ",
		    (int)json_number(cJSON_GetObjectItemCaseSensitive(node, "attrs"), "level"));
		wiki_inline(out, content);
	} else if (strcmp(type, "rule") == 0)
		text_addf(out, "----");
	else if (strcmp(type, "codeBlock") == 0)
		wiki_code(out, content);
	else if (strcmp(type, "bulletList") == 0 || strcmp(type, "orderedList") == 0)
		wiki_list(out, node, around);
	else if (strcmp(type, "table") == 0)
		cJSON_ArrayForEach(block, content) {
			if (block != content->child)
				text_add(out, "\n", 1);
			wiki_row(out, block);
		}
	else if (strcmp(type, "blockquote") == 0) {
		text_addf(out, "{quote}\n");
		cJSON_ArrayForEach(block, content) {
			wiki_block(out, block, "");
			text_add(out, "\n", 1);
		}
		text_addf(out, "{quote}");
	} else
		wiki_inline(out, content);
}

void
wiki_write(const cJSON *document, struct text_buf *out)
{
	const cJSON *node, *content = cJSON_GetObjectItemCaseSensitive(document, "content");

	cJSON_ArrayForEach(node, content) {
		if (node != content->child)
			text_addf(out, "\n\n");
		wiki_block(out, node, "");
	}
}
