/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a document of Jira Cloud into Markdown. Of a node type that this file
 * does not know it takes the text, because Atlassian adds types without notice.
 * Depth and size are bounded, since anyone who may comment can write such a
 * document.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adf.h"
#include "common/markdown.h"

#define PREFIX_MAX 160

struct adf {
	struct text_buf *out;
	size_t from;                 /* where the document begins in out */
	/* prefix of each line, for the quotes and list items that are open */
	char prefix[PREFIX_MAX];
	/*
	 * length of out right after a line's prefix; if out still has it, the
	 * line is empty
	 */
	size_t fresh;
	bool cut;
};

struct node_type {
	const char *name;
	void (*read)(struct adf *, const cJSON *, int);
};

static void read_text(struct adf *, const cJSON *, int);
static void read_break(struct adf *, const cJSON *, int);
static void read_mention(struct adf *, const cJSON *, int);
static void read_label(struct adf *, const cJSON *, int);
static void read_date(struct adf *, const cJSON *, int);
static void read_card(struct adf *, const cJSON *, int);
static void read_media(struct adf *, const cJSON *, int);
static void read_paragraph(struct adf *, const cJSON *, int);
static void read_heading(struct adf *, const cJSON *, int);
static void read_rule(struct adf *, const cJSON *, int);
static void read_code(struct adf *, const cJSON *, int);
static void read_quote(struct adf *, const cJSON *, int);
static void read_bullets(struct adf *, const cJSON *, int);
static void read_numbers(struct adf *, const cJSON *, int);
static void read_task(struct adf *, const cJSON *, int);
static void read_expand(struct adf *, const cJSON *, int);
static void read_row(struct adf *, const cJSON *, int);
static void read_cell(struct adf *, const cJSON *, int);
static void read_table(struct adf *, const cJSON *, int);
static void read_nothing(struct adf *, const cJSON *, int);

static const struct node_type node_types[] = {
	{ "text", read_text },
	{ "hardBreak", read_break },
	{ "mention", read_mention },
	{ "emoji", read_label },
	{ "status", read_label },
	{ "date", read_date },
	{ "inlineCard", read_card },
	{ "blockCard", read_card },
	{ "embedCard", read_card },
	{ "media", read_media },
	{ "mediaInline", read_media },
	{ "paragraph", read_paragraph },
	{ "heading", read_heading },
	{ "rule", read_rule },
	{ "codeBlock", read_code },
	{ "blockquote", read_quote },
	{ "panel", read_quote },
	{ "bulletList", read_bullets },
	{ "decisionList", read_bullets },
	{ "orderedList", read_numbers },
	{ "taskItem", read_task },
	{ "blockTaskItem", read_task },
	{ "expand", read_expand },
	{ "nestedExpand", read_expand },
	{ "table", read_table },
	{ "tableRow", read_row },
	{ "tableCell", read_cell },
	{ "tableHeader", read_cell },
	{ "placeholder", read_nothing },
};

static void put(struct adf *, const char *, size_t);
static void puts_(struct adf *, const char *);
static void put_line(struct adf *);
static void put_gap(struct adf *);
static bool push(struct adf *, const char *, size_t *);
static void pop(struct adf *, size_t);
static void read_node(struct adf *, const cJSON *, int);
static void read_content(struct adf *, const cJSON *, int);
static void read_items(struct adf *, const cJSON *, int, bool);

/*
 * Appends text without hidden characters. The prefix follows each of its line
 * breaks.
 */
static void
put(struct adf *a, const char *text, size_t len)
{
	size_t n, room = ADF_READ_MAX, used = a->out->len - a->from;
	char clean[512];

	while (len > 0 && !a->cut) {
		const char *end = memchr(text, '\n', len);
		size_t piece = end != NULL ? (size_t)(end - text) : len;

		if (piece > sizeof(clean) - 1)
			piece = text_cut(text, len, sizeof(clean) - 1);
		if (piece == 0 && end != text)
			piece = 1;
		n = text_clean(clean, sizeof(clean), text, piece, "\t");
		if (used + n > room) {
			a->cut = true;
			return;
		}
		text_add(a->out, clean, n);
		text += piece;
		len -= piece;
		if (end == text && len > 0) {
			put_line(a);
			text++;
			len--;
		}
		used = a->out->len - a->from;
	}
}

static void
puts_(struct adf *a, const char *text)
{
	put(a, text, strlen(text));
}

static void
put_line(struct adf *a)
{
	if (a->out->len - a->from + strlen(a->prefix) + 1 > ADF_READ_MAX) {
		a->cut = true;
		return;
	}
	text_add(a->out, "\n", 1);
	text_add(a->out, a->prefix, strlen(a->prefix));
	a->fresh = a->out->len;
}

/*
 * Appends an empty line before a block, unless the block is the first on its
 * line.
 */
static void
put_gap(struct adf *a)
{
	if (a->out->len == a->fresh || a->cut)
		return;
	put_line(a);
	put_line(a);
}

static bool
push(struct adf *a, const char *more, size_t *before)
{
	*before = strlen(a->prefix);
	if (*before + strlen(more) >= sizeof(a->prefix))
		return false;
	memcpy(a->prefix + *before, more, strlen(more) + 1);
	return true;
}

static void
pop(struct adf *a, size_t before)
{
	a->prefix[before] = '\0';
}

static void
read_text(struct adf *a, const cJSON *node, int depth)
{
	const char *text = json_text(node, "text"), *href = "";
	const cJSON *mark, *marks = cJSON_GetObjectItemCaseSensitive(node, "marks");
	struct text_buf sign = { 0 };
	bool code = false, strong = false;

	cJSON_ArrayForEach(mark, marks) {
		const char *type = json_text(mark, "type");

		code = code || strcmp(type, "code") == 0;
		strong = strong || strcmp(type, "strong") == 0;
		if (strcmp(type, "link") == 0)
			href = json_text_at(mark, "attrs.href");
	}
	if (*href != '\0' && strcmp(href, text) != 0)
		puts_(a, "[");
	if (code)
		text_fill(&sign, '`', markdown_run(text, '`') + 1);
	else if (strong)
		text_addf(&sign, "**");
	/*
	 * A blank keeps the fence of a code span apart from its content;
	 * readers do not see it.
	 */
	puts_(a, text_of(&sign));
	puts_(a, sign.len > 1 && code ? " " : "");
	puts_(a, text);
	puts_(a, sign.len > 1 && code ? " " : "");
	puts_(a, text_of(&sign));
	text_free(&sign);
	if (*href != '\0' && strcmp(href, text) != 0) {
		puts_(a, "](");
		puts_(a, href);
		puts_(a, ")");
	}
}

static void
read_break(struct adf *a, const cJSON *node, int depth)
{
	put_line(a);
}

static void
read_mention(struct adf *a, const cJSON *node, int depth)
{
	const char *name = json_text_at(node, "attrs.text");

	if (*name == '\0')
		name = json_text_at(node, "attrs.id");
	puts_(a, *name == '@' ? "" : "@");
	puts_(a, name);
}

static void
read_label(struct adf *a, const cJSON *node, int depth)
{
	const char *text = json_text_at(node, "attrs.text");

	puts_(a, *text != '\0' ? text : json_text_at(node, "attrs.shortName"));
}

static void
read_date(struct adf *a, const cJSON *node, int depth)
{
	const char *text = json_text_at(node, "attrs.timestamp");
	char day[32], *end;
	long long ms = strtoll(text, &end, 10);
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (end == text || *end != '\0' || ms < 0 || ms > INT64_C(253402300799000) ||
	    gmtime_r(&seconds, &tm) == NULL)
		return;
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	puts_(a, day);
}

static void
read_card(struct adf *a, const cJSON *node, int depth)
{
	if (strcmp(json_text(node, "type"), "inlineCard") != 0)
		put_gap(a);
	puts_(a, json_text_at(node, "attrs.url"));
}

static void
read_media(struct adf *a, const cJSON *node, int depth)
{
	const char *name = json_text_at(node, "attrs.alt");

	if (*name == '\0')
		name = json_text_at(node, "attrs.id");
	if (*name == '\0')
		name = json_text_at(node, "attrs.url");
	if (strcmp(json_text(node, "type"), "media") == 0)
		put_gap(a);
	puts_(a, "[media: ");
	puts_(a, name);
	puts_(a, "]");
}

static void
read_paragraph(struct adf *a, const cJSON *node, int depth)
{
	put_gap(a);
	read_content(a, node, depth);
}

static void
read_heading(struct adf *a, const cJSON *node, int depth)
{
	const cJSON *attrs = cJSON_GetObjectItemCaseSensitive(node, "attrs");
	double level = json_number(attrs, "level");
	int i, n = level >= 1 && level <= 6 ? (int)level : 1;

	put_gap(a);
	for (i = 0; i < n; i++)
		puts_(a, "#");
	puts_(a, " ");
	read_content(a, node, depth);
}

static void
read_rule(struct adf *a, const cJSON *node, int depth)
{
	put_gap(a);
	puts_(a, "---");
}

/*
 * The fence is longer than any run of its own characters in the code, so that
 * the code cannot close it.
 */
static void
read_code(struct adf *a, const cJSON *node, int depth)
{
	const cJSON *part, *content = cJSON_GetObjectItemCaseSensitive(node, "content");
	const char *language = json_text_at(node, "attrs.language");
	struct text_buf code = { 0 }, fence = { 0 };
	size_t longest;

	cJSON_ArrayForEach(part, content)
		text_addf(&code, "%s", json_text(part, "text"));
	longest = markdown_run(text_of(&code), '`');
	text_fill(&fence, '`', longest < 3 ? 3 : longest + 1);
	put_gap(a);
	puts_(a, text_of(&fence));
	put(a, language, strcspn(language, "` \t\r\n"));
	put_line(a);
	puts_(a, text_of(&code));
	put_line(a);
	puts_(a, text_of(&fence));
	text_free(&code);
	text_free(&fence);
}

static void
read_quote(struct adf *a, const cJSON *node, int depth)
{
	size_t before;

	put_gap(a);
	if (!push(a, "> ", &before)) {
		read_content(a, node, depth);
		return;
	}
	text_add(a->out, "> ", 2);
	a->fresh = a->out->len;
	read_content(a, node, depth);
	pop(a, before);
}

static void
read_items(struct adf *a, const cJSON *node, int depth, bool numbered)
{
	const cJSON *item, *content = cJSON_GetObjectItemCaseSensitive(node, "content");
	const cJSON *attrs = cJSON_GetObjectItemCaseSensitive(node, "attrs");
	double order = json_number(attrs, "order");
	int number =
	    order >= 0 && order < 1000000 && cJSON_HasObjectItem(attrs, "order") ? (int)order : 1;
	char label[16];
	size_t before;
	bool pushed;

	put_gap(a);
	cJSON_ArrayForEach(item, content) {
		if (item != content->child)
			put_line(a);
		if (numbered)
			snprintf(label, sizeof(label), "%d. ", number++);
		else
			snprintf(label, sizeof(label), "- ");
		puts_(a, label);
		a->fresh = a->out->len;
		pushed = push(a, numbered ? "   " : "  ", &before);
		read_node(a, item, depth + 1);
		if (pushed)
			pop(a, before);
	}
}

static void
read_bullets(struct adf *a, const cJSON *node, int depth)
{
	read_items(a, node, depth, false);
}

static void
read_numbers(struct adf *a, const cJSON *node, int depth)
{
	read_items(a, node, depth, true);
}

static void
read_task(struct adf *a, const cJSON *node, int depth)
{
	if (a->out->len != a->fresh)
		put_line(a);
	puts_(a, strcmp(json_text_at(node, "attrs.state"), "DONE") == 0 ? "- [x] " : "- [ ] ");
	read_content(a, node, depth);
}

static void
read_expand(struct adf *a, const cJSON *node, int depth)
{
	const char *title = json_text_at(node, "attrs.title");

	if (*title != '\0') {
		put_gap(a);
		puts_(a, title);
	}
	read_content(a, node, depth);
}

static void
read_table(struct adf *a, const cJSON *node, int depth)
{
	put_gap(a);
	read_content(a, node, depth);
}

static void
read_row(struct adf *a, const cJSON *node, int depth)
{
	if (a->out->len != a->fresh)
		put_line(a);
	puts_(a, "|");
	read_content(a, node, depth);
}

/* A cell stands on one line, so its blocks follow one another. */
static void
read_cell(struct adf *a, const cJSON *node, int depth)
{
	size_t from, i;

	puts_(a, " ");
	from = a->fresh = a->out->len;
	read_content(a, node, depth);
	for (i = from; i < a->out->len && a->out->data != NULL; i++)
		if (a->out->data[i] == '\n')
			a->out->data[i] = ' ';
	puts_(a, " |");
	a->fresh = 0;
}

static void
read_nothing(struct adf *a, const cJSON *node, int depth)
{
}

static void
read_content(struct adf *a, const cJSON *node, int depth)
{
	const cJSON *child, *content = cJSON_GetObjectItemCaseSensitive(node, "content");

	if (!cJSON_IsArray(content))
		return;
	cJSON_ArrayForEach(child, content)
		read_node(a, child, depth + 1);
}

static void
read_node(struct adf *a, const cJSON *node, int depth)
{
	const char *type = json_text(node, "type");
	size_t i;

	if (a->cut || !cJSON_IsObject(node))
		return;
	if (depth > ADF_DEPTH_MAX) {
		a->cut = true;
		return;
	}
	for (i = 0; i < sizeof(node_types) / sizeof(node_types[0]); i++)
		if (strcmp(node_types[i].name, type) == 0) {
			node_types[i].read(a, node, depth);
			return;
		}
	puts_(a, json_text(node, "text"));
	read_content(a, node, depth);
}

bool
adf_read(const cJSON *document, struct text_buf *out)
{
	struct adf a = { .out = out, .from = out->len, .fresh = out->len };

	if (cJSON_IsString(document))
		puts_(&a, document->valuestring);
	else
		read_node(&a, document, 0);
	if (a.cut)
		text_addf(out,
		    "\n\n(The rest of this text is left out: it is too long or too deeply "
		    "nested.)");
	return !a.cut;
}
