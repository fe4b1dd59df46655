/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns Markdown into a document of Jira Cloud. Whatever goes in, the document
 * validates against Atlassian's schema: no text node is empty, a line end is a
 * hardBreak, code has no other marks, and blocks that the schema does not allow
 * in a list or a quote become paragraphs there. No text becomes a mention, and
 * only http(s) and mailto become links, so that an agent's text can neither
 * notify people nor hide where a link leads.
 */
#include <stdlib.h>
#include <string.h>

#include "adf.h"
#include "common/markdown.h"

#define HREF_MAX       2000
#define LANGUAGE_MAX   32
/*
 * depth of lists, as in Atlassian's editor; also keeps drover's own texts
 * shallow when they are read
 */
#define LIST_DEPTH_MAX 6

/* The inline content of one block while it is written. */
struct writer {
	cJSON *to;
	struct text_buf text;   /* text that is not written yet */
	int strong, em, strike; /* how many of each mark are open */
	cmark_node *link;       /* the open link, or NULL */
	int link_from;          /* length of `to` when the link began */
};

static cJSON *node_put(cJSON *, const char *);
static cJSON *content_put(cJSON *, const char *);
static void mark_put(cJSON *, const char *, const char *);
static void text_flush(struct writer *, bool);
static void text_say(struct writer *, const char *);
static bool is_link(const char *);
static void link_put(struct writer *, cmark_node *, bool);
static void inline_put(struct writer *, cmark_node *, bool);
static void inlines_put(cJSON *, cmark_node *, bool);
static void code_put(cJSON *, cmark_node *);
static void list_put(cJSON *, cmark_node *, int);
static void table_put(cJSON *, cmark_node *, bool);
static void blocks_put(cJSON *, cmark_node *, int);
static void block_put(cJSON *, cmark_node *, int);

static cJSON *
node_put(cJSON *to, const char *type)
{
	cJSON *node = json_object();

	json_put_text(node, "type", type);
	json_push(to, node);
	return node;
}

/* Adds a node and returns its content. */
static cJSON *
content_put(cJSON *to, const char *type)
{
	return json_put(node_put(to, type), "content", json_array());
}

static void
mark_put(cJSON *marks, const char *type, const char *href)
{
	cJSON *mark = node_put(marks, type);

	if (href != NULL)
		json_put_text(json_put(mark, "attrs", json_object()), "href", href);
}

/* Turns the collected text into a text node with the marks that are open. */
static void
text_flush(struct writer *w, bool code)
{
	cJSON *node, *marks;

	if (w->text.len == 0)
		return;
	node = node_put(w->to, "text");
	json_put_text(node, "text", text_of(&w->text));
	text_free(&w->text);
	if (!code && w->strong + w->em + w->strike == 0 && w->link == NULL)
		return;
	marks = json_put(node, "marks", json_array());
	if (code)
		mark_put(marks, "code", NULL);
	if (w->strong > 0 && !code)
		mark_put(marks, "strong", NULL);
	if (w->em > 0 && !code)
		mark_put(marks, "em", NULL);
	if (w->strike > 0 && !code)
		mark_put(marks, "strike", NULL);
	if (w->link != NULL)
		mark_put(marks, "link", cmark_node_get_url(w->link));
}

/* A line end comes from what was HTML. */
static void
text_say(struct writer *w, const char *text)
{
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, "\n");
		text_add(&w->text, text, len);
		if (text[len] == '\0' || text[len + 1] == '\0')
			return;
		text_flush(w, false);
		node_put(w->to, "hardBreak");
	}
}

static bool
is_link(const char *url)
{
	return markdown_leads(url) && strlen(url) <= HREF_MAX;
}

/*
 * Begins or ends a link or image. One that leads elsewhere is shown as it was
 * written.
 */
static void
link_put(struct writer *w, cmark_node *node, bool begins)
{
	const char *url = cmark_node_get_url(node);

	if (!is_link(url)) {
		if (begins)
			text_say(w, cmark_node_get_type(node) == CMARK_NODE_IMAGE ? "![" : "[");
		else {
			text_say(w, "](");
			text_say(w, url);
			text_say(w, ")");
		}
	} else if (begins && w->link == NULL) {
		text_flush(w, false);
		w->link = node;
		w->link_from = cJSON_GetArraySize(w->to);
	} else if (w->link == node) {
		if (w->text.len == 0 && cJSON_GetArraySize(w->to) == w->link_from)
			text_say(w, url);
		text_flush(w, false);
		w->link = NULL;
	}
}

static void
inline_put(struct writer *w, cmark_node *node, bool begins)
{
	int *open = NULL;

	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_CODE:
		text_flush(w, false);
		text_say(w, cmark_node_get_literal(node));
		text_flush(w, true);
		return;
	case CMARK_NODE_SOFTBREAK:
	case CMARK_NODE_LINEBREAK:
		text_flush(w, false);
		node_put(w->to, "hardBreak");
		return;
	case CMARK_NODE_LINK:
	case CMARK_NODE_IMAGE:
		link_put(w, node, begins);
		return;
	case CMARK_NODE_STRONG:
		open = &w->strong;
		break;
	case CMARK_NODE_EMPH:
		open = &w->em;
		break;
	default:
		if (markdown_is(node, "strikethrough"))
			open = &w->strike;
		else if (cmark_node_get_literal(node) != NULL)
			text_say(w, cmark_node_get_literal(node));
	}
	if (open != NULL) {
		text_flush(w, false);
		*open += begins ? 1 : -1;
	}
}

/*
 * Writes the content of a paragraph, a heading, a cell or a block of HTML. It
 * can be nested without bounds, so it is walked without recursion.
 */
static void
inlines_put(cJSON *to, cmark_node *block, bool strong)
{
	cmark_iter *iter = cmark_iter_new(block);
	struct writer w = { .to = to, .strong = strong };
	cmark_event_type event;

	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE)
		if (cmark_iter_get_node(iter) != block || event == CMARK_EVENT_ENTER)
			inline_put(&w, cmark_iter_get_node(iter), event == CMARK_EVENT_ENTER);
	text_flush(&w, false);
	cmark_iter_free(iter);
}

static void
code_put(cJSON *to, cmark_node *node)
{
	const char *info = cmark_node_get_fence_info(node), *code = cmark_node_get_literal(node);
	size_t len = strlen(code), word = strcspn(info != NULL ? info : "", " \t{");
	cJSON *block = node_put(to, "codeBlock");
	char *text;

	if (word > 0 && word <= LANGUAGE_MAX) {
		text = xstrndup(info, word);
		json_put_text(json_put(block, "attrs", json_object()), "language", text);
		free(text);
	}
	if (len <= 1)
		return;
	text = xstrndup(code, len - 1);
	json_put_text(node_put(json_put(block, "content", json_array()), "text"), "text", text);
	free(text);
}

/* The items of a list that is too deep are written into the item around it. */
static void
list_put(cJSON *to, cmark_node *list, int depth)
{
	bool numbers = cmark_node_get_list_type(list) == CMARK_ORDERED_LIST;
	cJSON *node, *items = NULL;
	cmark_node *item;

	if (depth <= LIST_DEPTH_MAX) {
		node = node_put(to, numbers ? "orderedList" : "bulletList");
		if (numbers && cmark_node_get_list_start(list) != 1)
			json_put_number(json_put(node, "attrs", json_object()), "order",
			    cmark_node_get_list_start(list));
		items = json_put(node, "content", json_array());
	}
	for (item = cmark_node_first_child(list); item != NULL; item = cmark_node_next(item))
		blocks_put(items != NULL ? content_put(items, "listItem") : to, item, depth);
}

/* Within a list or a quote a row of a table becomes a paragraph. */
static void
table_put(cJSON *to, cmark_node *table, bool within)
{
	cJSON *rows = within ? to : content_put(to, "table"), *cells;
	cmark_node *row, *cell;
	bool head;

	for (row = cmark_node_first_child(table); row != NULL; row = cmark_node_next(row)) {
		head = markdown_is(row, "table_header");
		cells = content_put(rows, within ? "paragraph" : "tableRow");
		for (cell = cmark_node_first_child(row); cell != NULL;
		     cell = cmark_node_next(cell)) {
			if (!within) {
				inlines_put(content_put(content_put(cells,
							    head ? "tableHeader" : "tableCell"),
						"paragraph"),
				    cell, false);
				continue;
			}
			json_put_text(node_put(cells, "text"), "text",
			    cell == cmark_node_first_child(row) ? "| " : " | ");
			inlines_put(cells, cell, head);
		}
	}
}

/*
 * Writes the content of a list item, a quote or the document. It must not be
 * empty.
 */
static void
blocks_put(cJSON *to, cmark_node *parent, int depth)
{
	cmark_node *child;

	for (child = cmark_node_first_child(parent); child != NULL; child = cmark_node_next(child))
		block_put(to, child, depth);
	if (cJSON_GetArraySize(to) == 0)
		content_put(to, "paragraph");
}

/*
 * Within a list or a quote, at depth 1 and more, only paragraphs, lists and
 * code are allowed.
 */
static void
block_put(cJSON *to, cmark_node *node, int depth)
{
	cmark_node_type type = cmark_node_get_type(node);
	cJSON *block;

	if (type == CMARK_NODE_CODE_BLOCK)
		code_put(to, node);
	else if (type == CMARK_NODE_LIST)
		list_put(to, node, depth + 1);
	else if (type == CMARK_NODE_BLOCK_QUOTE)
		blocks_put(depth > 0 ? to : content_put(to, "blockquote"), node, depth + 1);
	else if (markdown_is(node, "table"))
		table_put(to, node, depth > 0);
	else if (type == CMARK_NODE_THEMATIC_BREAK) {
		if (depth == 0)
			node_put(to, "rule");
	} else if (type == CMARK_NODE_HEADING && depth == 0) {
		block = node_put(to, "heading");
		json_put_number(json_put(block, "attrs", json_object()), "level",
		    cmark_node_get_heading_level(node));
		inlines_put(json_put(block, "content", json_array()), node, false);
	} else
		inlines_put(content_put(to, "paragraph"), node, type == CMARK_NODE_HEADING);
}

cJSON *
adf_write(struct drover_scope *scope, const char *markdown)
{
	cJSON *doc = json_object(), *content;
	size_t len = strlen(markdown), most = text_cut(markdown, len, ADF_WRITE_MAX);
	struct text_buf text = { 0 };
	struct writer plain = { 0 };
	char *clean = xmalloc(most + 1);
	struct markdown m;

	json_put_text(doc, "type", "doc");
	json_put_number(doc, "version", 1);
	content = json_put(doc, "content", json_array());
	text_add(&text, clean, text_clean(clean, most + 1, markdown, most, "\n\t"));
	free(clean);
	if (most < len) {
		markdown_close(&text);
		text_addf(&text, "\n\n(cut)");
	}
	markdown_read(&m, scope, text_of(&text));
	if (m.root != NULL)
		blocks_put(content, m.root, 0);
	else {
		/* A text that cannot be parsed is shown as it is. */
		plain.to = content_put(content, "paragraph");
		text_say(&plain, m.text);
		text_flush(&plain, false);
	}
	markdown_free(&m);
	text_free(&text);
	return doc;
}
