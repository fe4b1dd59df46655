/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document of our own as the wiki markup of Jira Data Center. Every character
 * that markup is made of is escaped in text.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adf.h"

static bool wiki_has_mark(const cJSON *, const char *, const char **);
static void wiki_text(struct text_buf *, const char *, bool *);
static void wiki_inline(struct text_buf *, const cJSON *);
static void wiki_code(struct text_buf *, const cJSON *);
static void wiki_list(struct text_buf *, const cJSON *, char);
static void wiki_block(struct text_buf *, const cJSON *);

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
 * start: the text begins a line, where "#", "h1." and "bq." are markup as well.
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

static void
wiki_inline(struct text_buf *out, const cJSON *content)
{
	const cJSON *node;
	const char *href;
	bool start = true;

	cJSON_ArrayForEach(node, content) {
		const char *text = json_text(node, "text");

		if (strcmp(json_text(node, "type"), "hardBreak") == 0) {
			text_add(out, "\n", 1);
			start = true;
		} else if (wiki_has_mark(node, "link", &href)) {
			text_add(out, "[", 1);
			if (strcmp(text, href) != 0) {
				wiki_text(out, text, &start);
				text_add(out, "|", 1);
			}
			text_addf(out, "%s]", href);
			start = false;
		} else if (wiki_has_mark(node, "code", NULL)) {
			start = false;
			text_add(out, "{{", 2);
			wiki_text(out, text, &start);
			text_add(out, "}}", 2);
		} else if (wiki_has_mark(node, "strong", NULL)) {
			start = false;
			text_add(out, "*", 1);
			wiki_text(out, text, &start);
			text_add(out, "*", 1);
		} else
			wiki_text(out, text, &start);
	}
}

/*
 * Nothing can be escaped between two {noformat}: a text with that word in it
 * gets a blank into the brace.
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

static void
wiki_list(struct text_buf *out, const cJSON *list, char sign)
{
	const cJSON *item, *block;

	cJSON_ArrayForEach(item, list) {
		if (item != list->child)
			text_add(out, "\n", 1);
		text_add(out, &sign, 1);
		text_add(out, " ", 1);
		cJSON_ArrayForEach(block, cJSON_GetObjectItemCaseSensitive(item, "content"))
			wiki_inline(out, cJSON_GetObjectItemCaseSensitive(block, "content"));
	}
}

static void
wiki_block(struct text_buf *out, const cJSON *node)
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
	else if (strcmp(type, "bulletList") == 0)
		wiki_list(out, content, '*');
	else if (strcmp(type, "orderedList") == 0)
		wiki_list(out, content, '#');
	else if (strcmp(type, "blockquote") == 0) {
		text_addf(out, "{quote}\n");
		cJSON_ArrayForEach(block, content) {
			wiki_block(out, block);
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
		wiki_block(out, node);
	}
}
