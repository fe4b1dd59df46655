/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns Markdown, as agents write it, into Slack's markup, which has no
 * headings, no tables, no nested quotes and no sign that escapes another. What
 * Slack has no sign for becomes plain text. All text is escaped, so that no
 * text notifies a person or a channel; only http(s) and mailto become links.
 *
 * Code and addresses keep their bytes, with one exception: three backticks end
 * or begin a code block wherever they stand, so a space without width is put
 * between them. Code within a list or a quote has neither indent nor quote
 * signs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/markdown.h"
#include "common/mem.h"
#include "slack.h"

#define CUT_NOTE   "\n_(cut: the whole text is with the job)_"
#define CLOSE_ROOM sizeof("*_~ ```") /* the most bytes that close what is open at the cut */
#define CUT_ROOM   (sizeof(CUT_NOTE) + CLOSE_ROOM)
#define QUOTE_SIGN "&gt; "

enum mark { STRONG, EM, STRIKE, MARKS };

static const char signs[] = "*_~"; /* indexed by enum mark */

struct writer {
	struct text_buf out;
	size_t room; /* how long out may become, without the signs that close others */
	bool full;   /* from now on only open signs are closed */

	bool begins;     /* the line is still empty */
	char marker[16]; /* the bullet or number to begin the next text with, or "" */
	size_t indent;   /* the columns before each line of the open list items */
	int quotes;      /* number of open list items */

	/*
	 * A sign ends with its line, so it is closed there and opened again on
	 * the next.
	 */
	int depth[MARKS]; /* how many of each are open; Slack nests none in itself */
	enum mark marks[MARKS];
	size_t marks_len; /* open marks, the outermost first */
	size_t written;   /* how many of them are written to out */

	cmark_node *link;      /* the open link or image, or NULL */
	struct text_buf label; /* the text that it shows */
};

static void escape(struct text_buf *, const char *, size_t);
static size_t escaped_fit(const char *, size_t, size_t);
static bool put(struct writer *, const char *, size_t);
static void put_close(struct writer *, const char *, size_t);
static void line_begin(struct writer *);
static void line_finish(struct writer *);
static void words_put(struct writer *, const char *, size_t);
static void lines_put(struct writer *, const char *);
static void mark_put(struct writer *, enum mark, bool);
static bool is_link(const char *);
static void link_end(struct writer *, const char *);
static void link_put(struct writer *, cmark_node *, bool);
static void code_span_put(struct writer *, const char *);
static void inline_put(struct writer *, cmark_node *, bool);
static void inlines_put(struct writer *, cmark_node *, bool);
static bool blank_before(const struct markdown *, cmark_node *);
static void block_begin(struct writer *, const struct markdown *, cmark_node *);
static void code_put(struct writer *, const char *);
static void list_put(struct writer *, const struct markdown *, cmark_node *);
static void table_put(struct writer *, const struct markdown *, cmark_node *);
static void blocks_put(struct writer *, const struct markdown *, cmark_node *);
static void text_put(struct writer *, const struct markdown *, size_t);

static void
escape(struct text_buf *out, const char *text, size_t len)
{
	size_t i, from = 0;

	for (i = 0; i < len; i++) {
		const char *entity = text[i] == '&' ? "&amp;" :
		    text[i] == '<'                  ? "&lt;" :
		    text[i] == '>'                  ? "&gt;" :
						      NULL;

		if (entity == NULL)
			continue;
		text_add(out, text + from, i - from);
		text_add(out, entity, strlen(entity));
		from = i + 1;
	}
	text_add(out, text + from, len - from);
}

void
mrkdwn_escape(struct text_buf *out, const char *text)
{
	escape(out, text, strlen(text));
}

/* Returns how much of the text fits into so many bytes when it is escaped. */
static size_t
escaped_fit(const char *text, size_t len, size_t max)
{
	size_t i, used = 0;

	for (i = 0; i < len; i++) {
		used += text[i] == '&' ? 5 : text[i] == '<' || text[i] == '>' ? 4 : 1;
		if (used > max)
			return text_cut(text, len, i);
	}
	return len;
}

/* Writes markup, whole or not at all. */
static bool
put(struct writer *w, const char *markup, size_t len)
{
	w->full = w->full || w->out.len + len > w->room;
	if (!w->full)
		text_add(&w->out, markup, len);
	return !w->full;
}

/* Writes the sign that closes a mark, for which there is always room. */
static void
put_close(struct writer *w, const char *sign, size_t len)
{
	text_add(&w->out, sign, len);
	w->full = w->full || w->out.len > w->room;
}

/* Writes what stands before the next text of the line. */
static void
line_begin(struct writer *w)
{
	size_t i;

	if (w->begins) {
		put(w, QUOTE_SIGN, w->quotes > 0 ? strlen(QUOTE_SIGN) : 0);
		for (i = 0; i < w->indent; i++)
			put(w, " ", 1);
		w->begins = false;
	}
	if (w->marker[0] != '\0') {
		put(w, w->marker, strlen(w->marker));
		/* The bullet is one character of three bytes. */
		w->indent += w->marker[0] == '\xe2' ? 2 : strlen(w->marker);
		w->marker[0] = '\0';
	}
	while (w->written < w->marks_len && put(w, &signs[w->marks[w->written]], 1))
		w->written++;
}

static void
line_finish(struct writer *w)
{
	while (w->written > 0)
		put_close(w, &signs[w->marks[--w->written]], 1);
	put(w, "\n", 1);
	w->begins = true;
}

/* Writes text of one line, as much as there is room for. */
static void
words_put(struct writer *w, const char *text, size_t len)
{
	size_t piece, fit;

	for (; len > 0 && !w->full; text += piece, len -= piece) {
		const char *fence = memmem(text, len, "```", 3);

		piece = fence != NULL ? (size_t)(fence - text) + 2 : len;
		fit = escaped_fit(text, piece, w->room - w->out.len);
		escape(&w->out, text, fit);
		w->full = fit < piece;
		if (fence != NULL)
			put(w, "\xe2\x80\x8b", 3);
	}
}

/* A line end comes from what was HTML, or was not parsed. */
static void
lines_put(struct writer *w, const char *text)
{
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, "\n");
		if (w->link != NULL)
			text_add(&w->label, text, len);
		else if (len > 0) {
			line_begin(w);
			words_put(w, text, len);
		}
		if (text[len] == '\0' || text[len + 1] == '\0')
			return;
		if (w->link != NULL)
			text_add(&w->label, " ", 1);
		else
			line_finish(w);
	}
}

/* Begins or ends emphasis. Its sign is written with the text that follows. */
static void
mark_put(struct writer *w, enum mark mark, bool begins)
{
	if (begins && w->depth[mark]++ == 0)
		w->marks[w->marks_len++] = mark;
	if (begins || --w->depth[mark] > 0)
		return;
	if (w->written == w->marks_len)
		put_close(w, &signs[w->marks[--w->written]], 1);
	w->marks_len--;
}

static bool
is_link(const char *url)
{
	return markdown_leads(url) && strpbrk(url, "<>|") == NULL;
}

static void
link_end(struct writer *w, const char *url)
{
	const char *label = text_of(&w->label);
	struct text_buf link = { 0 };

	/*
	 * A label must not contain the sign that separates it from its address.
	 */
	if (strchr(label, '|') != NULL) {
		mrkdwn_escape(&link, label);
		text_add(&link, " ", 1);
	}
	text_add(&link, "<", 1);
	mrkdwn_escape(&link, url);
	if (link.data[0] == '<' && *label != '\0' && strcmp(label, url) != 0) {
		text_add(&link, "|", 1);
		mrkdwn_escape(&link, label);
	}
	text_add(&link, ">", 1);
	line_begin(w);
	put(w, text_of(&link), link.len);
	text_free(&link);
}

/*
 * Begins or ends a link or image. One that Slack would not follow is shown as
 * it was written.
 */
static void
link_put(struct writer *w, cmark_node *node, bool begins)
{
	const char *url = cmark_node_get_url(node), *text;
	cmark_node *child = cmark_node_first_child(node);

	if (w->link == node) {
		w->link = NULL;
		link_end(w, url);
		text_free(&w->label);
	} else if (w->link != NULL)
		return;
	else if (is_link(url))
		w->link = node;
	else {
		text = child != NULL ? cmark_node_get_literal(child) : NULL;
		/* "<ftp://...>" */
		if (text != NULL && strcmp(text, url) == 0)
			return;
		if (begins)
			lines_put(w, cmark_node_get_type(node) == CMARK_NODE_IMAGE ? "![" : "[");
		else {
			lines_put(w, "](");
			lines_put(w, url);
			lines_put(w, ")");
		}
	}
}

/* Single backticks cannot contain another one. */
static void
code_span_put(struct writer *w, const char *code)
{
	const char *sign = strchr(code, '`') != NULL ? "```" : "`";
	size_t len = strlen(code), sign_len = strlen(sign), from;

	if (w->link != NULL) {
		text_add(&w->label, code, len);
		return;
	}
	line_begin(w);
	from = w->out.len;
	if (!put(w, sign, sign_len))
		return;
	put(w, " ", code[0] == '`');
	words_put(w, code, len);
	if (w->full && w->out.len <= from + sign_len + 1) {
		w->out.len = from;
		return;
	}
	if (w->out.data[w->out.len - 1] == '`')
		put_close(w, " ", 1);
	put_close(w, sign, sign_len);
}

static void
inline_put(struct writer *w, cmark_node *node, bool begins)
{
	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_CODE:
		code_span_put(w, cmark_node_get_literal(node));
		break;
	case CMARK_NODE_SOFTBREAK:
	case CMARK_NODE_LINEBREAK:
		if (w->link != NULL)
			text_add(&w->label, " ", 1);
		else
			line_finish(w);
		break;
	case CMARK_NODE_LINK:
	case CMARK_NODE_IMAGE:
		link_put(w, node, begins);
		break;
	case CMARK_NODE_STRONG:
		mark_put(w, STRONG, begins);
		break;
	case CMARK_NODE_EMPH:
		mark_put(w, EM, begins);
		break;
	default:
		if (markdown_is(node, "strikethrough"))
			mark_put(w, STRIKE, begins);
		else if (cmark_node_get_literal(node) != NULL)
			lines_put(w, cmark_node_get_literal(node));
	}
}

/*
 * Writes the content of a paragraph, a heading, a cell or a block of HTML. It
 * can be nested without bounds, so it is walked without recursion.
 */
static void
inlines_put(struct writer *w, cmark_node *block, bool strong)
{
	cmark_iter *iter = cmark_iter_new(block);
	cmark_event_type event;

	if (strong)
		mark_put(w, STRONG, true);
	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE)
		if (cmark_iter_get_node(iter) != block || event == CMARK_EVENT_ENTER)
			inline_put(w, cmark_iter_get_node(iter), event == CMARK_EVENT_ENTER);
	if (strong)
		mark_put(w, STRONG, false);
	cmark_iter_free(iter);
}

/* True if the line before is empty, or has only a quote's sign. */
static bool
blank_before(const struct markdown *m, cmark_node *node)
{
	size_t line = (size_t)cmark_node_get_start_line(node), begin;

	if (line < 2 || line > m->lines_len)
		return false;
	begin = m->lines[line - 2];
	return begin + strspn(m->text + begin, " \t>\r\n") >= m->lines[line - 1];
}

/*
 * Begins a block on a line of its own, after an empty line if the text had one.
 */
static void
block_begin(struct writer *w, const struct markdown *m, cmark_node *node)
{
	if (w->marker[0] != '\0' || w->out.len == 0)
		return;
	line_finish(w);
	if (!blank_before(m, node))
		return;
	put(w, QUOTE_SIGN "\n", w->quotes > 0 ? strlen(QUOTE_SIGN "\n") : 0);
	put(w, "\n", w->quotes == 0);
}

static void
code_put(struct writer *w, const char *code)
{
	size_t len = strlen(code), from;

	if (w->marker[0] != '\0') {
		line_begin(w);
		line_finish(w);
	}
	from = w->out.len;
	w->begins = false;
	if (!put(w, "```\n", 4))
		return;
	/* The end of the last line is part of the code. */
	words_put(w, code, len > 0 ? len - 1 : 0);
	if (w->full && w->out.len == from + 4)
		w->out.len = from;
	else
		put_close(w, len > 0 ? "\n```" : "```", len > 0 ? 4 : 3);
}

static void
list_put(struct writer *w, const struct markdown *m, cmark_node *list)
{
	bool numbers = cmark_node_get_list_type(list) == CMARK_ORDERED_LIST;
	char sign = cmark_node_get_list_delim(list) == CMARK_PAREN_DELIM ? ')' : '.';
	unsigned number = (unsigned)cmark_node_get_list_start(list);
	cmark_node *item;
	size_t indent = w->indent;

	for (item = cmark_node_first_child(list); item != NULL; item = cmark_node_next(item)) {
		/* Items of two lists may begin on one line. */
		if (w->marker[0] != '\0')
			line_begin(w);
		else
			block_begin(w, m, item);
		if (numbers)
			snprintf(w->marker, sizeof(w->marker), "%u%c ", number++, sign);
		else
			snprintf(w->marker, sizeof(w->marker), "\xe2\x80\xa2 ");
		blocks_put(w, m, item);
		if (w->marker[0] != '\0')
			line_begin(w);
		w->indent = indent;
	}
}

static void
table_put(struct writer *w, const struct markdown *m, cmark_node *table)
{
	cmark_node *row, *cell;

	for (row = cmark_node_first_child(table); row != NULL; row = cmark_node_next(row)) {
		if (cmark_node_previous(row) == NULL)
			block_begin(w, m, table);
		else
			line_finish(w);
		for (cell = cmark_node_first_child(row); cell != NULL;
		     cell = cmark_node_next(cell)) {
			if (cmark_node_previous(cell) != NULL)
				lines_put(w, " | ");
			inlines_put(w, cell, markdown_is(row, "table_header"));
		}
	}
}

/* Writes the content of the document, a list item or a quote. */
static void
blocks_put(struct writer *w, const struct markdown *m, cmark_node *parent)
{
	cmark_node *node;

	for (node = cmark_node_first_child(parent); node != NULL; node = cmark_node_next(node)) {
		cmark_node_type type = cmark_node_get_type(node);

		if (type == CMARK_NODE_LIST)
			list_put(w, m, node);
		else if (type == CMARK_NODE_BLOCK_QUOTE) {
			w->quotes++;
			blocks_put(w, m, node);
			w->quotes--;
		} else if (markdown_is(node, "table"))
			table_put(w, m, node);
		else {
			block_begin(w, m, node);
			if (type == CMARK_NODE_CODE_BLOCK)
				code_put(w, cmark_node_get_literal(node));
			else if (type == CMARK_NODE_THEMATIC_BREAK)
				lines_put(w, "---");
			else
				inlines_put(w, node, type == CMARK_NODE_HEADING);
		}
	}
}

static void
text_put(struct writer *w, const struct markdown *m, size_t room)
{
	text_free(&w->out);
	*w = (struct writer){ .room = room, .begins = true };
	if (m->root != NULL)
		blocks_put(w, m, m->root);
	else
		lines_put(w, m->text);
}

char *
mrkdwn_write(struct drover_scope *scope, const char *markdown, size_t max)
{
	size_t len = strlen(markdown);
	char *clean = xmalloc(len + 1);
	struct writer w = { .room = 0 };
	struct markdown m;

	/* Characters that a reader cannot see are not sent. */
	text_clean(clean, len + 1, markdown, len, "\n\t");
	markdown_read(&m, scope, clean);
	text_put(&w, &m, max);
	if (w.full || w.out.len > max) {
		text_put(&w, &m, max > CUT_ROOM ? max - CUT_ROOM : 0);
		text_add(&w.out, CUT_NOTE, strlen(CUT_NOTE));
	}
	markdown_free(&m);
	free(clean);
	return text_take(&w.out);
}
