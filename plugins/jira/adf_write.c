/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Markdown as a document of Jira Cloud. What comes out validates against
 * Atlassian's schema whatever goes in: no text node is empty, a line end is a
 * hardBreak, a list item holds a paragraph, code has no marks. Nothing becomes
 * a mention, and only http(s) and mailto become links, so that a text of an
 * agent's can neither call people nor hide where a link leads.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adf.h"

#define HREF_MAX 2000

enum line_kind {
	LINE_TEXT,
	LINE_EMPTY,
	LINE_HEADING,
	LINE_BULLET,
	LINE_NUMBER,
	LINE_QUOTE,
	LINE_RULE,
	LINE_FENCE
};

struct line {
	enum line_kind kind;
	int level;               /* of a heading; ticks of a fence */
	const char *text;        /* behind its sign */
	size_t len;
};

struct writer {
	cJSON *blocks;           /* of the document */
	cJSON *open;             /* content of the block that lines go on in, or NULL */
	cJSON *list;             /* content of the list that items go on in, or NULL */
	enum line_kind kind;     /* of the open block */
	bool bad;                /* out of memory */
};

static cJSON *node_new(struct writer *, cJSON *, const char *);
static cJSON *node_content(struct writer *, cJSON *, const char *);
static void node_mark(struct writer *, cJSON *, const char *, const char *, size_t);
static void text_put(struct writer *, cJSON *, const char *, size_t, const char *, const char *,
    size_t);
static size_t url_length(const char *, size_t);
static size_t inline_code(const char *, size_t);
static size_t inline_strong(const char *, size_t);
static size_t inline_link(const char *, size_t, size_t *);
static void inline_put(struct writer *, cJSON *, const char *, size_t);
static struct line line_read(const char *, size_t);
static void line_put(struct writer *, const struct line *);
static const char *code_put(struct writer *, const struct line *, const char *);

static cJSON *
node_new(struct writer *w, cJSON *parent, const char *type)
{
	cJSON *node = cJSON_CreateObject();

	if (node == NULL || cJSON_AddStringToObject(node, "type", type) == NULL ||
	    !cJSON_AddItemToArray(parent, node)) {
		cJSON_Delete(node);
		w->bad = true;
		return NULL;
	}
	return node;
}

/* A node of the type in parent; its empty content. */
static cJSON *
node_content(struct writer *w, cJSON *parent, const char *type)
{
	cJSON *node = parent != NULL ? node_new(w, parent, type) : NULL, *content;

	if (node == NULL || (content = cJSON_AddArrayToObject(node, "content")) == NULL) {
		w->bad = true;
		return NULL;
	}
	return content;
}

static void
node_mark(struct writer *w, cJSON *node, const char *type, const char *href, size_t len)
{
	cJSON *marks = cJSON_AddArrayToObject(node, "marks"), *mark, *attrs;
	char *copy;

	if (marks == NULL || (mark = node_new(w, marks, type)) == NULL) {
		w->bad = true;
		return;
	}
	if (href == NULL)
		return;
	if ((copy = strndup(href, len)) == NULL ||
	    (attrs = cJSON_AddObjectToObject(mark, "attrs")) == NULL ||
	    cJSON_AddStringToObject(attrs, "href", copy) == NULL)
		w->bad = true;
	free(copy);
}

static void
text_put(struct writer *w, cJSON *to, const char *text, size_t len, const char *mark,
    const char *href, size_t href_len)
{
	cJSON *node;
	char *copy;

	if (len == 0 || to == NULL)
		return;
	if ((copy = strndup(text, len)) == NULL || (node = node_new(w, to, "text")) == NULL) {
		w->bad = true;
		free(copy);
		return;
	}
	if (cJSON_AddStringToObject(node, "text", copy) == NULL)
		w->bad = true;
	else if (mark != NULL)
		node_mark(w, node, mark, href, href_len);
	free(copy);
}

/* Length of an http(s) or mailto URL at text, 0 where there is none. */
static size_t
url_length(const char *text, size_t len)
{
	static const char *const schemes[] = { "https://", "http://", "mailto:" };
	size_t i, n = 0, scheme;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		scheme = strlen(schemes[i]);
		if (len <= scheme || strncasecmp(text, schemes[i], scheme) != 0)
			continue;
		for (n = scheme; n < len && n < HREF_MAX && (unsigned char)text[n] > ' ' &&
		     strchr("<>\"`()[]{}|\\^", text[n]) == NULL;)
			n++;
		while (n > scheme && strchr(".,;:!?'*_", text[n - 1]) != NULL)
			n--;
		return n > scheme ? n : 0;
	}
	return 0;
}

/* Length of "`code`" at text. */
static size_t
inline_code(const char *text, size_t len)
{
	const char *end;

	if (len < 3 || *text != '`' || text[1] == '`' ||
	    (end = memchr(text + 1, '`', len - 1)) == NULL)
		return 0;
	return (size_t)(end - text) + 1;
}

/* Length of "**text**" at text, whose text holds no other sign. */
static size_t
inline_strong(const char *text, size_t len)
{
	size_t n;

	if (len < 5 || memcmp(text, "**", 2) != 0 || text[2] == ' ' || text[2] == '*')
		return 0;
	for (n = 2; n + 1 < len && strchr("*`[", text[n]) == NULL;)
		n++;
	return n + 1 < len && text[n] == '*' && text[n + 1] == '*' && text[n - 1] != ' ' ? n + 2 :
											   0;
}

/* Length of "[label](url)" at text. */
static size_t
inline_link(const char *text, size_t len, size_t *label)
{
	size_t n = 1, url;

	if (len < 5 || *text != '[')
		return 0;
	while (n < len && text[n] != ']' && text[n] != '[')
		n++;
	if (n == 1 || n + 2 >= len || text[n] != ']' || text[n + 1] != '(')
		return 0;
	*label = n - 1;
	url = url_length(text + n + 2, len - n - 2);
	return url > 0 && n + 2 + url < len && text[n + 2 + url] == ')' ? n + 3 + url : 0;
}

static void
inline_put(struct writer *w, cJSON *to, const char *text, size_t len)
{
	size_t plain = 0, n, label;

	while (plain < len) {
		const char *at = text + plain;
		size_t left = len - plain;

		if ((n = inline_code(at, left)) > 0) {
			text_put(w, to, text, plain, NULL, NULL, 0);
			text_put(w, to, at + 1, n - 2, "code", NULL, 0);
		} else if ((n = inline_strong(at, left)) > 0) {
			text_put(w, to, text, plain, NULL, NULL, 0);
			text_put(w, to, at + 2, n - 4, "strong", NULL, 0);
		} else if ((n = inline_link(at, left, &label)) > 0) {
			text_put(w, to, text, plain, NULL, NULL, 0);
			text_put(w, to, at + 1, label, "link", at + label + 3, n - label - 4);
		} else if ((n = url_length(at, left)) > 0) {
			text_put(w, to, text, plain, NULL, NULL, 0);
			text_put(w, to, at, n, "link", at, n);
		} else {
			plain++;
			continue;
		}
		text = at + n;
		len = left - n;
		plain = 0;
	}
	text_put(w, to, text, len, NULL, NULL, 0);
}

static struct line
line_read(const char *text, size_t len)
{
	struct line line = { LINE_TEXT, 0, text, len };
	size_t n = 0;

	while (line.len > 0 && strchr(" \t\r", line.text[line.len - 1]) != NULL)
		line.len--;
	while (line.len > 0 && (*line.text == ' ' || *line.text == '\t')) {
		line.text++;
		line.len--;
	}
	if (line.len == 0) {
		line.kind = LINE_EMPTY;
		return line;
	}
	while (n < line.len && line.text[n] == *line.text)
		n++;
	if (*line.text == '`' && n >= 3 && memchr(line.text + n, '`', line.len - n) == NULL) {
		line.kind = LINE_FENCE;
		line.level = (int)n;
	} else if (*line.text == '#' && n <= 6 && n < line.len && line.text[n] == ' ') {
		line.kind = LINE_HEADING;
		line.level = (int)n++;
	} else if (n >= 3 && n == line.len &&
	    (*line.text == '-' || *line.text == '*' || *line.text == '_'))
		line.kind = LINE_RULE;
	else if ((*line.text == '-' || *line.text == '*' || *line.text == '+') && line.len > 2 &&
	    line.text[1] == ' ') {
		line.kind = LINE_BULLET;
		n = 2;
	} else if (*line.text == '>') {
		line.kind = LINE_QUOTE;
		n = line.len > 1 && line.text[1] == ' ' ? 2 : 1;
	} else {
		for (n = 0; n < line.len && n < 4 && line.text[n] >= '0' && line.text[n] <= '9';)
			n++;
		if (n > 0 && n + 2 < line.len && (line.text[n] == '.' || line.text[n] == ')') &&
		    line.text[n + 1] == ' ') {
			line.kind = LINE_NUMBER;
			n += 2;
		} else
			n = 0;
	}
	line.text += n;
	line.len -= n;
	return line;
}

static void
line_put(struct writer *w, const struct line *line)
{
	cJSON *attrs, *node;

	if (line->kind == LINE_EMPTY) {
		w->open = NULL;
		if (w->kind == LINE_QUOTE)
			w->list = NULL;
		return;
	}
	if (line->kind == LINE_RULE || line->kind == LINE_HEADING) {
		w->open = w->list = NULL;
		if (line->kind == LINE_RULE) {
			node_new(w, w->blocks, "rule");
			return;
		}
		if ((node = node_new(w, w->blocks, "heading")) == NULL ||
		    (attrs = cJSON_AddObjectToObject(node, "attrs")) == NULL ||
		    cJSON_AddNumberToObject(attrs, "level", line->level) == NULL ||
		    (node = cJSON_AddArrayToObject(node, "content")) == NULL) {
			w->bad = true;
			return;
		}
		inline_put(w, node, line->text, line->len);
		return;
	}
	if (line->kind == LINE_BULLET || line->kind == LINE_NUMBER) {
		if (w->list == NULL || w->kind != line->kind)
			w->list = node_content(w, w->blocks,
			    line->kind == LINE_BULLET ? "bulletList" : "orderedList");
		w->open = node_content(w, node_content(w, w->list, "listItem"), "paragraph");
	} else if (line->kind == LINE_QUOTE && line->len == 0 && w->kind == LINE_QUOTE &&
	    w->list != NULL) {
		w->open = NULL;
		return;
	} else if (w->open != NULL && (line->kind == LINE_TEXT || line->kind == w->kind)) {
		node_new(w, w->open, "hardBreak");
		inline_put(w, w->open, line->text, line->len);
		return;
	} else if (line->kind == LINE_QUOTE) {
		if (w->list == NULL || w->kind != LINE_QUOTE)
			w->list = node_content(w, w->blocks, "blockquote");
		w->open = node_content(w, w->list, "paragraph");
	} else {
		w->list = NULL;
		w->open = node_content(w, w->blocks, "paragraph");
	}
	w->kind = line->kind;
	inline_put(w, w->open, line->text, line->len);
}

/* A block of code from behind its first fence. Gives what follows its last. */
static const char *
code_put(struct writer *w, const struct line *fence, const char *text)
{
	cJSON *node = node_new(w, w->blocks, "codeBlock"), *content;
	const char *end, *code = text, *last = text;
	struct line line;

	w->open = w->list = NULL;
	while (*text != '\0') {
		end = text + strcspn(text, "\n");
		line = line_read(text, (size_t)(end - text));
		text = *end != '\0' ? end + 1 : end;
		if (line.kind == LINE_FENCE && line.level >= fence->level && line.len == 0)
			break;
		last = end;
	}
	if (node == NULL || last <= code)
		return text;
	if ((content = cJSON_AddArrayToObject(node, "content")) == NULL)
		w->bad = true;
	text_put(w, content, code, (size_t)(last - code), NULL, NULL, 0);
	return text;
}

cJSON *
adf_write(const char *markdown)
{
	cJSON *doc = cJSON_CreateObject();
	struct writer w = { .kind = LINE_EMPTY };
	size_t len = strlen(markdown);
	const char *at, *end;
	char *text = malloc(ADF_WRITE_MAX + 64);
	struct line line;
	bool cut;

	if (text == NULL || doc == NULL || cJSON_AddStringToObject(doc, "type", "doc") == NULL ||
	    cJSON_AddNumberToObject(doc, "version", 1) == NULL ||
	    (w.blocks = cJSON_AddArrayToObject(doc, "content")) == NULL)
		w.bad = true;
	if (!w.bad) {
		cut = len > ADF_WRITE_MAX;
		len = text_clean(text, ADF_WRITE_MAX + 1, markdown,
		    text_cut(markdown, len, ADF_WRITE_MAX), "\n\t");
		memcpy(text + len, cut ? "\n\n(cut)" : "", cut ? 8 : 1);
		for (at = text; *at != '\0' && !w.bad;) {
			end = at + strcspn(at, "\n");
			line = line_read(at, (size_t)(end - at));
			at = *end != '\0' ? end + 1 : end;
			if (line.kind == LINE_FENCE)
				at = code_put(&w, &line, at);
			else
				line_put(&w, &line);
		}
		if (!w.bad && cJSON_GetArraySize(w.blocks) == 0)
			node_content(&w, w.blocks, "paragraph");
	}
	free(text);
	if (!w.bad)
		return doc;
	cJSON_Delete(doc);
	return NULL;
}
