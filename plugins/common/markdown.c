/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the parts of a Markdown text. cmark-gfm tells the lines of blocks. In a
 * paragraph, a heading or a cell of a table it asks its extensions at the
 * beginning of each run of plain text, so an extension of drover's hears
 * exactly what is said. Code and HTML lie between two such runs, and are looked
 * for there in their order.
 *
 * Footnotes are left out, and so is the parser's own extension for addresses
 * without signs, which is slow and has had more holes than the rest.
 */
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm-extension_api.h>

#include "common/markdown.h"
#include "common/markdown_guard.h"
#include "common/mem.h"

#define UNPLACED ((size_t)-1)
#define URL_MAX  2000
#define SHOWN_MAX 60 /* bytes of a text that the log shows */

/*
 * A paragraph, heading or cell while it is walked through. Its content is what
 * the parser holds: the text without the signs of the blocks around it.
 */
struct leaf {
	cmark_node *node;
	const char *content;
	size_t len, at; /* place in the content */
	size_t line;    /* line of the text in which `at` stands */
	size_t place;   /* place of `at` in the text, or UNPLACED */
	bool cell;      /* true in a cell, where "\|" of the text is "|" in the content */
};

struct reading {
	struct markdown *m;
	struct leaf leaf;
	cmark_node *row;  /* line of the last cell */
	size_t row_place; /* place behind the last cell */
};

/*
 * Held from markdown_read() to markdown_free(): the parser's tables are
 * globals, and so is the text that is open, since cmark-gfm gives extensions no
 * argument. Each plugin has a parser of its own in it.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct reading *reading_now;

/* Hashes of the beginnings of the texts that were last logged. */
static uint64_t refused[8];
static size_t refused_next;

static void lines_find(struct markdown *);
static size_t line_end(const struct markdown *, size_t);
static bool is_special(char);
static size_t newlines(const char *);
static size_t cell_match(const struct markdown *, size_t, size_t *, const char *, size_t);
static void leaf_place(struct reading *);
static bool is_content(const struct markdown *, size_t, const char *);
static size_t table_line(cmark_node *);
static size_t leaf_line(const struct reading *, cmark_node *);
static void leaf_enter(struct reading *, cmark_node *);
static void leaf_mark(struct reading *, size_t, size_t, enum markdown_part);
static size_t url_length(const char *);
static cmark_node *node_make(struct reading *, cmark_node_type, size_t, size_t);
static cmark_node *text_met(cmark_syntax_extension *, cmark_parser *, cmark_node *, unsigned char,
    cmark_inline_parser *);
static void parse(struct reading *);
static size_t code_match(const struct leaf *, size_t, const char *);
static void span_mark(struct reading *, cmark_node *);
static void lines_mark(struct markdown *, size_t, size_t, int);
static void html_mark(struct markdown *, size_t, size_t, size_t);
static void block_mark(struct reading *, cmark_node *);
static cmark_node *node_after(cmark_node *);
static void refused_say(const struct markdown *, struct drover_scope *);

/* A line ends where cmark-gfm says so: at "\n", "\r\n" or "\r". */
static void
lines_find(struct markdown *m)
{
	size_t i = 0, room = 0;

	while (i < m->len) {
		m->lines = xgrow(m->lines, m->lines_len, &room, sizeof(*m->lines));
		m->lines[m->lines_len++] = i;
		i += strcspn(m->text + i, "\r\n");
		if (m->text[i] == '\r' && m->text[i + 1] == '\n')
			i++;
		if (m->text[i] != '\0')
			i++;
	}
	m->lines = xgrow(m->lines, m->lines_len, &room, sizeof(*m->lines));
	m->lines[m->lines_len] = m->len;
}

/* The end of a line, before its line break. */
static size_t
line_end(const struct markdown *m, size_t line)
{
	size_t end = m->lines[line + 1];

	while (end > m->lines[line] && strchr("\r\n", m->text[end - 1]) != NULL)
		end--;
	return end;
}

/*
 * True for the characters that end a run of plain text because the parser looks
 * at them.
 */
static bool
is_special(char c)
{
	return c == '\0' || strchr("\r\n\\`&_*[]<!~", c) != NULL;
}

static size_t
newlines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

/*
 * Finds where the content of a cell stands between two places of a line; *end
 * gets the place behind it.
 */
static size_t
cell_match(const struct markdown *m, size_t from, size_t *end, const char *content, size_t len)
{
	size_t place, at, i;

	for (place = from; place < *end; place++) {
		for (i = 0, at = place; i < len && at < *end; i++, at++) {
			if (m->text[at] == '\\' && m->text[at + 1] == '|')
				at++;
			if (m->text[at] != content[i])
				break;
		}
		if (i == len) {
			*end = at;
			return place;
		}
	}
	return UNPLACED;
}

/* Finds where in its line of the text the content's line at `at` stands. */
static void
leaf_place(struct reading *r)
{
	struct leaf *l = &r->leaf;
	const struct markdown *m = r->m;
	size_t begin, end, len;

	l->at += strspn(l->content + l->at, " \t");
	l->place = UNPLACED;
	if (l->line >= m->lines_len)
		return;
	len = strcspn(l->content + l->at, "\n");
	begin = m->lines[l->line];
	end = line_end(m, l->line);
	if (l->cell) {
		if (cmark_node_parent(l->node) == r->row)
			begin = r->row_place;
		l->place = cell_match(m, begin, &end, l->content + l->at, len);
		r->row = cmark_node_parent(l->node);
		r->row_place = l->place != UNPLACED ? end : begin;
		return;
	}
	if (cmark_node_get_type(l->node) == CMARK_NODE_HEADING && newlines(l->content) == 0) {
		/*
		 * Skips the end of "## title ##", which is not in the content.
		 */
		begin += (size_t)cmark_node_get_start_column(l->node) - 1;
		begin += begin < end ? strspn(m->text + begin, "#") : 0;
		begin += begin < end ? strspn(m->text + begin, " \t") : 0;
		end = begin + len < end ? begin + len : end;
	}
	if (end - begin >= len && memcmp(m->text + end - len, l->content + l->at, len) == 0)
		l->place = end - len;
}

/*
 * True if each line of the content, from this one on, ends a line of the text.
 */
static bool
is_content(const struct markdown *m, size_t line, const char *content)
{
	size_t len, end;

	for (; *content != '\0'; content += len + 1, line++) {
		content += strspn(content, " \t");
		len = strcspn(content, "\n");
		end = line_end(m, line);
		if (end - m->lines[line] < len || memcmp(m->text + end - len, content, len) != 0)
			return false;
	}
	return true;
}

/*
 * The line, from 0, of a table's first row. The parser's own is too early when
 * the paragraph began with other lines.
 */
static size_t
table_line(cmark_node *table)
{
	cmark_node *second = cmark_node_next(cmark_node_first_child(table));

	return second != NULL ? (size_t)cmark_node_get_start_line(second) - 3 :
				(size_t)cmark_node_get_end_line(table) - 2;
}

/* The line, from 0, in which the content of a node begins. */
static size_t
leaf_line(const struct reading *r, cmark_node *node)
{
	const char *content = cmark_node_get_string_content(node);
	size_t lines = newlines(content), end = (size_t)cmark_node_get_end_line(node);
	cmark_node *row = cmark_node_parent(node);

	if (markdown_is(node, "table_cell"))
		return cmark_node_previous(row) == NULL ?
		    table_line(cmark_node_parent(row)) :
		    (size_t)cmark_node_get_start_line(row) - 1;
	if (r->leaf.cell)
		return table_line(cmark_node_next(node)) - lines - 1;
	if (lines == 0)
		return end - 1;
	/*
	 * Definitions of links may stand before the text, so the place is
	 * counted from the end. The end of a heading is its underline, or the
	 * line behind that.
	 */
	if (cmark_node_get_type(node) == CMARK_NODE_HEADING)
		end -= is_content(r->m, end - lines - 1, content) ? 1 : 2;
	return end - lines;
}

static void
leaf_enter(struct reading *r, cmark_node *node)
{
	struct leaf *l = &r->leaf;

	if (l->node == node)
		return;
	*l = (struct leaf){ .node = node, .content = cmark_node_get_string_content(node) };
	l->len = strlen(l->content);
	/* A paragraph without a line has become the first rows of a table. */
	l->cell = markdown_is(node, "table_cell") || cmark_node_get_start_line(node) == 0;
	l->line = leaf_line(r, node);
	leaf_place(r);
}

/*
 * Moves on to a place of the content. The bytes from `from` on become the part.
 */
static void
leaf_mark(struct reading *r, size_t from, size_t to, enum markdown_part part)
{
	struct leaf *l = &r->leaf;

	while (l->at < to) {
		if (l->content[l->at++] == '\n') {
			l->line++;
			leaf_place(r);
			continue;
		}
		if (l->place == UNPLACED)
			continue;
		if (l->cell && r->m->text[l->place] == '\\' && r->m->text[l->place + 1] == '|')
			l->place++;
		if (l->at > from)
			r->m->parts[l->place] = (unsigned char)part;
		l->place++;
	}
}

/*
 * The length of the address that begins here, as GitHub ends it; 0 if GitHub
 * might not make a link of it.
 */
static size_t
url_length(const char *text)
{
	static const char host[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t n = strncasecmp(text, "http://", 7) == 0 ? 7 : 8, least = n;
	int open = 0;

	if ((n == 8 && strncasecmp(text, "https://", 8) != 0) || !isalnum((unsigned char)text[n]))
		return 0;
	n += strspn(text + n, host);
	if (text[n] == '_' || (unsigned char)text[n] >= 0x80)
		return 0;
	for (n = least; (unsigned char)text[n] > ' ' && text[n] != '<' && n < URL_MAX; n++)
		open += (text[n] == '(') - (text[n] == ')');
	for (; strchr("?!.,:;*_~'\")", text[n - 1]) != NULL; n--) {
		if (text[n - 1] == ')' && open++ >= 0)
			break;
	}
	return n > least ? n : 0;
}

/* A node of a piece of the content, to which the parser goes on. */
static cmark_node *
node_make(struct reading *r, cmark_node_type type, size_t from, size_t to)
{
	cmark_node *node = cmark_node_new_with_mem(CMARK_NODE_TEXT, &guard_mem), *link;
	char *text = guard_mem.calloc(to - from + 1, 1);

	memcpy(text, r->leaf.content + from, to - from);
	cmark_node_set_literal(node, text);
	if (type == CMARK_NODE_LINK) {
		link = cmark_node_new_with_mem(CMARK_NODE_LINK, &guard_mem);
		cmark_node_set_url(link, text);
		cmark_node_append_child(link, node);
		node = link;
	}
	return node;
}

/*
 * cmark-gfm calls this at each run of plain text; NULL leaves the run to the
 * parser. An address becomes a link before the parser can find signs in it.
 */
static cmark_node *
text_met(cmark_syntax_extension *self, cmark_parser *parser, cmark_node *node, unsigned char c,
    cmark_inline_parser *place)
{
	struct reading *r = reading_now;
	size_t from = (size_t)cmark_inline_parser_get_offset(place), to = from, url = 0;
	const char *text;
	bool links;

	if (c == '~')
		return NULL;
	leaf_enter(r, node);
	text = r->leaf.content;
	links = !cmark_inline_parser_in_bracket(place, false) &&
	    !cmark_inline_parser_in_bracket(place, true);
	do
		if (links && (text[to] == 'h' || text[to] == 'H') &&
		    (to == 0 || !isalpha((unsigned char)text[to - 1])) &&
		    (url = url_length(text + to)) > 0)
			break;
	while (++to < r->leaf.len && !is_special(text[to]));
	leaf_mark(r, from, to, MARKDOWN_PROSE);
	if (url == 0)
		return NULL;
	if (to > from)
		url = 0;
	leaf_mark(r, to, to + url, MARKDOWN_URL);
	cmark_inline_parser_set_offset(place, (int)(to + url));
	return node_make(r, url > 0 ? CMARK_NODE_LINK : CMARK_NODE_TEXT, from, to + url);
}

static void
parse(struct reading *r)
{
	static cmark_syntax_extension *watch;
	cmark_parser *parser;

	reading_now = r;
	if (watch == NULL) {
		cmark_gfm_core_extensions_ensure_registered();
		watch = cmark_syntax_extension_new("parts");
		cmark_syntax_extension_set_match_inline_func(watch, text_met);
	}
	if (setjmp(r->m->arena->full) == 0) {
		parser = cmark_parser_new_with_mem(CMARK_OPT_DEFAULT, &guard_mem);
		cmark_parser_attach_syntax_extension(parser, watch);
		cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension("table"));
		cmark_parser_attach_syntax_extension(parser,
		    cmark_find_syntax_extension("strikethrough"));
		cmark_parser_feed(parser, r->m->text, r->m->len);
		r->m->root = cmark_parser_finish(parser);
	} else
		memset(r->m->parts, MARKDOWN_SIGN, r->m->len);
	r->m->arena->bounded = false;
}

/*
 * The end of the code span that begins at this place of the content, if it has
 * this code; 0 if it has not. The parser has made blanks of line ends, and
 * removed a blank at each end.
 */
static size_t
code_match(const struct leaf *l, size_t at, const char *code)
{
	size_t len = strlen(code), ticks = strspn(l->content + at, "`"), pad, end, i;

	for (pad = 0; pad < 2; pad++) {
		end = at + ticks + 2 * pad + len;
		if (end >= l->len || strspn(l->content + end, "`") != ticks ||
		    (pad == 1 &&
			(strchr(" \n", l->content[at + ticks]) == NULL ||
			    strchr(" \n", l->content[end - 1]) == NULL)))
			continue;
		for (i = 0; i < len; i++) {
			char c = l->content[at + ticks + pad + i];

			if (c != code[i] && (c != '\n' || code[i] != ' '))
				break;
		}
		if (i == len)
			return end + ticks;
	}
	return 0;
}

/*
 * Finds code and HTML within a line, which stand in the content in the order of
 * their nodes.
 */
static void
span_mark(struct reading *r, cmark_node *node)
{
	const char *literal = cmark_node_get_literal(node);
	bool code = cmark_node_get_type(node) == CMARK_NODE_CODE;
	struct leaf *l = &r->leaf;
	size_t at = l->at, end = 0, len = strlen(literal);

	for (; at < l->len && end == 0; at++) {
		/* The first backtick of "\\``" is escaped. */
		if (code && l->content[at] == '`' && (end = code_match(l, at, literal)) == 0 &&
		    (at == 0 || l->content[at - 1] != '\\'))
			at += strspn(l->content + at, "`") - 1;
		else if (!code && l->content[at] == '<' &&
		    strncmp(l->content + at, literal, len) == 0)
			end = at + len;
	}
	/*
	 * If the node is not found, the walk moves to the end of the content,
	 * so that no later node is searched for in vain.
	 */
	leaf_mark(r, end != 0 ? at - 1 : l->len, end != 0 ? end : l->len,
	    code                                 ? MARKDOWN_CODE :
		strncmp(literal, "<!--", 4) == 0 ? MARKDOWN_COMMENT :
						   MARKDOWN_HTML);
}

/* Lines are counted from 0; last is not one of them. */
static void
lines_mark(struct markdown *m, size_t first, size_t last, int part)
{
	size_t i;

	if (first >= m->lines_len)
		return;
	for (i = m->lines[first]; i < m->lines[last < m->lines_len ? last : m->lines_len]; i++)
		m->parts[i] =
		    part == MARKDOWN_QUOTED ? m->parts[i] | MARKDOWN_QUOTED : (unsigned char)part;
}

static void
html_mark(struct markdown *m, size_t line, size_t column, size_t lines)
{
	size_t at = m->lines[line] + column, end, i;
	bool comment = false;

	for (end = m->lines[line + lines < m->lines_len ? line + lines : m->lines_len]; at < end;) {
		i = 1;
		if (!comment && strncmp(m->text + at, "<!--", 4) == 0)
			comment = true;
		else if (comment && strncmp(m->text + at, "-->", 3) == 0)
			i = 3;
		memset(m->parts + at, comment ? MARKDOWN_COMMENT : MARKDOWN_HTML, i);
		comment = comment && i == 1;
		at += i;
	}
}

static void
block_mark(struct reading *r, cmark_node *node)
{
	size_t line = (size_t)cmark_node_get_start_line(node) - 1, lines;
	int length, offset;
	char mark;

	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_CODE_BLOCK:
		lines = newlines(cmark_node_get_literal(node));
		line += (size_t)cmark_node_get_fenced(node, &length, &offset, &mark);
		lines_mark(r->m, line, line + lines, MARKDOWN_CODE);
		break;
	case CMARK_NODE_HTML_BLOCK:
		lines = newlines(cmark_node_get_literal(node));
		html_mark(r->m, line, (size_t)cmark_node_get_start_column(node) - 1, lines);
		break;
	case CMARK_NODE_CODE:
	case CMARK_NODE_HTML_INLINE:
		span_mark(r, node);
		break;
	default:
		if (cmark_node_get_type(node) == CMARK_NODE_PARAGRAPH ||
		    cmark_node_get_type(node) == CMARK_NODE_HEADING ||
		    markdown_is(node, "table_cell"))
			leaf_enter(r, node);
	}
}

static cmark_node *
node_after(cmark_node *node)
{
	cmark_node *next = cmark_node_first_child(node);

	while (next == NULL && node != NULL) {
		next = cmark_node_next(node);
		node = cmark_node_parent(node);
	}
	return next;
}

/*
 * Logs that a text was refused, unless a text with the same beginning was
 * logged before. A text is read several times, and may differ a little each
 * time.
 */
static void
refused_say(const struct markdown *m, struct drover_scope *scope)
{
	char begin[SHOWN_MAX];
	uint64_t hash;
	size_t i;

	text_line(begin, sizeof(begin), m->text);
	hash = text_hash(0, begin, strlen(begin));
	for (i = 0; i < ARRAY_LEN(refused); i++)
		if (refused[i] == hash)
			return;
	refused[refused_next++ % ARRAY_LEN(refused)] = hash;
	plugin_log(scope, DROVER_WARN,
	    "a text of %zu bytes is nested too deeply or too long to be read as Markdown; "
	    "it counts as plain text without a mention or a command: \"%s\"",
	    m->len, begin);
}

void
markdown_read(struct markdown *m, struct drover_scope *scope, const char *text)
{
	struct reading r = { .m = m };
	cmark_node *node;

	(void)pthread_mutex_lock(&lock);
	*m = (struct markdown){ .text = text, .len = strlen(text) };
	m->parts = xcalloc(m->len, 1);
	m->arena = arena_new(m->len);
	lines_find(m);
	if (guard_fits(m))
		parse(&r);
	if (m->root == NULL && scope != NULL)
		refused_say(m, scope);
	r = (struct reading){ .m = m };
	for (node = m->root; node != NULL; node = node_after(node))
		block_mark(&r, node);
	for (node = m->root; node != NULL; node = node_after(node))
		if (cmark_node_get_type(node) == CMARK_NODE_BLOCK_QUOTE)
			lines_mark(m, (size_t)cmark_node_get_start_line(node) - 1,
			    (size_t)cmark_node_get_end_line(node), MARKDOWN_QUOTED);
}

void
markdown_free(struct markdown *m)
{
	arena_free(m->arena);
	free(m->lines);
	free(m->parts);
	*m = (struct markdown){ .text = NULL };
	(void)pthread_mutex_unlock(&lock);
}

bool
markdown_is(cmark_node *node, const char *type)
{
	return strcmp(cmark_node_get_type_string(node), type) == 0;
}

bool
markdown_leads(const char *url)
{
	static const char *const schemes[] = { "https://", "http://", "mailto:" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			break;
	if (i == ARRAY_LEN(schemes) || url[strlen(schemes[i])] == '\0')
		return false;
	while (*url != '\0' && (unsigned char)*url > ' ')
		url++;
	return *url == '\0';
}

void
markdown_close(struct text_buf *text)
{
	cmark_node *last;
	struct markdown m;
	int length = 0, offset;
	char mark;

	markdown_read(&m, NULL, text_of(text));
	last = m.root != NULL ? cmark_node_last_child(m.root) : NULL;
	/*
	 * A fence within a list or a quote ends with that, at the next empty
	 * line.
	 */
	if (last != NULL && cmark_node_get_type(last) == CMARK_NODE_CODE_BLOCK &&
	    cmark_node_get_fenced(last, &length, &offset, &mark) &&
	    (size_t)cmark_node_get_start_line(last) + newlines(cmark_node_get_literal(last)) >=
		m.lines_len) {
		if (text->data[text->len - 1] != '\n')
			text_add(text, "\n", 1);
		text_fill(text, mark, (size_t)length);
	}
	markdown_free(&m);
}

size_t
markdown_run(const char *text, char mark)
{
	size_t longest = 0, run;

	for (; *text != '\0'; text += run > 0 ? run : 1) {
		for (run = 0; text[run] == mark;)
			run++;
		if (run > longest)
			longest = run;
	}
	return longest;
}
