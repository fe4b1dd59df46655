/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people write to drover and drover writes to people. Texts of people are
 * Markdown as GitHub reads it, near enough: whatever shows as a code block, a
 * code span, a quote or not at all is not said to drover.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/talk.h"
#include "common/text.h"

#define MARKER_PART_MAX 200

/* Walks over Markdown; out is as long as text at most. */
struct plain {
	const char *text;
	size_t at, len;
	char *out;
	size_t used;
	char fence;              /* '`' or '~' while in a fenced block */
	size_t fence_len;
	bool after_text; /* a line of a paragraph came before: what is indented now goes on with it
			  */
	bool in_list;
};

static size_t plain_line_end(const struct plain *, size_t);
static size_t plain_run(const struct plain *, size_t);
static size_t plain_indent(const struct plain *, size_t, size_t, size_t *);
static bool plain_list_item(const struct plain *, size_t, size_t);
static bool plain_skips_line(struct plain *, size_t);
static bool plain_fence(struct plain *, size_t, size_t, size_t);
static size_t plain_span_end(const struct plain *, size_t, size_t);
static void plain_put(struct plain *, char);
static bool plain_comment(struct plain *);
static void plain_inline(struct plain *);
static size_t comment_end(const char *, size_t);
static bool is_word(unsigned char);
static const char *line_blank_skip(const char *, const char *);
static bool command_prompt(const char **, const char *, char *, size_t);
static void marker_part(char *, size_t, const char *);
static bool line_is(const char *, size_t, const char *);

static size_t
plain_line_end(const struct plain *p, size_t at)
{
	const char *end = memchr(p->text + at, '\n', p->len - at);

	return end != NULL ? (size_t)(end - p->text) : p->len;
}

/* How often the character at this place stands there in a row. */
static size_t
plain_run(const struct plain *p, size_t at)
{
	size_t n = 1;

	while (at + n < p->len && p->text[at + n] == p->text[at])
		n++;
	return n;
}

/*
 * Columns of blanks at the start of a line; first becomes the place behind
 * them.
 */
static size_t
plain_indent(const struct plain *p, size_t at, size_t end, size_t *first)
{
	size_t columns = 0;

	for (; at < end && (p->text[at] == ' ' || p->text[at] == '\t'); at++)
		columns = p->text[at] == '\t' ? (columns / 4 + 1) * 4 : columns + 1;
	*first = at;
	return columns;
}

static bool
plain_list_item(const struct plain *p, size_t at, size_t end)
{
	size_t digits = 0;

	while (at < end && digits < 9 && isdigit((unsigned char)p->text[at])) {
		at++;
		digits++;
	}
	if (at >= end || strchr(digits > 0 ? ".)" : "-*+", p->text[at]) == NULL)
		return false;
	return at + 1 == end || p->text[at + 1] == ' ' || p->text[at + 1] == '\t';
}

/*
 * Opens or closes a fenced block; true when the line is one of its two fences.
 */
static bool
plain_fence(struct plain *p, size_t first, size_t end, size_t columns)
{
	size_t run, i;

	if (columns > 3 || first >= end || (p->text[first] != '`' && p->text[first] != '~'))
		return false;
	run = plain_run(p, first);
	if (p->fence != '\0') {
		if (p->text[first] != p->fence || run < p->fence_len)
			return false;
		for (i = first + run; i < end; i++)
			if (!isspace((unsigned char)p->text[i]))
				return false;
		p->fence = '\0';
		return true;
	}
	if (run < 3)
		return false;
	/* "```x```" on one line is a code span. */
	if (p->text[first] == '`' && memchr(p->text + first + run, '`', end - first - run) != NULL)
		return false;
	p->fence = p->text[first];
	p->fence_len = run;
	return true;
}

/*
 * True for a line that counts for nothing: of a fenced or indented block, or a
 * quote.
 */
static bool
plain_skips_line(struct plain *p, size_t end)
{
	size_t first, columns = plain_indent(p, p->at, end, &first);
	bool blank = first == end || (p->text[first] == '\r' && first + 1 == end);

	if (plain_fence(p, first, end, columns) || p->fence != '\0') {
		p->after_text = false;
		return true;
	}
	if (blank) {
		p->after_text = false;
		return false;
	}
	if (columns > 3 && !p->after_text && !p->in_list)
		return true;
	if (columns <= 3 && p->text[first] == '>') {
		p->after_text = false;
		return true;
	}
	if (plain_list_item(p, first, end))
		p->in_list = true;
	else if (columns == 0 && !p->after_text)
		p->in_list = false;
	p->after_text = true;
	return false;
}

/*
 * Where a code span that n backticks open at this place ends; 0: it does not,
 * before its paragraph does.
 */
static size_t
plain_span_end(const struct plain *p, size_t at, size_t n)
{
	size_t i = at + n, run, line;

	while (i < p->len) {
		if (p->text[i] == '`') {
			run = plain_run(p, i);
			if (run == n)
				return i + n;
			i += run;
			continue;
		}
		if (p->text[i] == '\n') {
			for (line = i + 1; line < p->len &&
			     strchr(" \t\r", p->text[line]) != NULL && p->text[line] != '\0';)
				line++;
			if (line >= p->len || p->text[line] == '\n')
				return 0;
		}
		i++;
	}
	return 0;
}

static void
plain_put(struct plain *p, char c)
{
	p->out[p->used++] = c;
}

/*
 * Length of the HTML comment that begins at text, to the end where nothing
 * closes it.
 */
static size_t
comment_end(const char *text, size_t len)
{
	size_t i;

	/* "<!-->" and "<!--->" are whole ones. */
	for (i = 2; i + 2 < len; i++)
		if (memcmp(text + i, "-->", 3) == 0)
			return i + 3;
	return len;
}

static bool
plain_comment(struct plain *p)
{
	if (p->len - p->at < 4 || memcmp(p->text + p->at, "<!--", 4) != 0)
		return false;
	p->at += comment_end(p->text + p->at, p->len - p->at);
	plain_put(p, ' ');
	return true;
}

/*
 * What stands on one line, from p->at; code spans and comments may end on a
 * later one.
 */
static void
plain_inline(struct plain *p)
{
	size_t n, end;

	while (p->at < p->len && p->text[p->at] != '\n') {
		if (p->text[p->at] == '\\' && p->at + 1 < p->len &&
		    strchr("`<", p->text[p->at + 1]) != NULL && p->text[p->at + 1] != '\0') {
			plain_put(p, p->text[p->at++]);
			plain_put(p, p->text[p->at++]);
			continue;
		}
		if (plain_comment(p))
			continue;
		if (p->text[p->at] != '`') {
			plain_put(p, p->text[p->at++]);
			continue;
		}
		n = plain_run(p, p->at);
		if ((end = plain_span_end(p, p->at, n)) != 0) {
			plain_put(p, ' ');
			p->at = end;
			continue;
		}
		for (; n > 0; n--)
			plain_put(p, p->text[p->at++]);
	}
	if (p->at < p->len)
		plain_put(p, p->text[p->at++]);
}

char *
talk_plain(const char *markdown)
{
	struct plain p = { .text = markdown, .len = strlen(markdown) };
	size_t end;

	if ((p.out = malloc(p.len + 1)) == NULL)
		return NULL;
	while (p.at < p.len) {
		end = plain_line_end(&p, p.at);
		if (plain_skips_line(&p, end)) {
			p.at = end;
			if (p.at < p.len)
				plain_put(&p, p.text[p.at++]);
			continue;
		}
		plain_inline(&p);
	}
	p.out[p.used] = '\0';
	return p.out;
}

static bool
is_word(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '-';
}

bool
talk_mentions(const char *plain, const char *name)
{
	size_t len = strlen(name);
	const char *at;

	if (len == 0)
		return false;
	for (at = strchr(plain, '@'); at != NULL; at = strchr(at + 1, '@')) {
		unsigned char before = at > plain ? (unsigned char)at[-1] : ' ', after;

		/* "me@host", "/@name" and "@@name" speak to nobody. */
		if (is_word(before) || strchr("@/.", before) != NULL ||
		    strncasecmp(at + 1, name, len) != 0)
			continue;
		after = (unsigned char)at[1 + len];
		if (isalnum(after) || after == '_' || after == '-' || after == '/' || after == '@')
			continue;
		if (after == '.' && isalnum((unsigned char)at[2 + len]))
			continue;
		return true;
	}
	return false;
}

static const char *
line_blank_skip(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/*
 * Takes "--prompt NAME" off the start of a command; true when it was there and
 * NAME can be one.
 */
static bool
command_prompt(const char **at, const char *end, char *prompt, size_t size)
{
	static const char *const words[] = { "--prompt", "-p" };
	const char *name = NULL, *last;
	size_t i, len;

	for (i = 0; i < sizeof(words) / sizeof(words[0]) && name == NULL; i++) {
		len = strlen(words[i]);
		if ((size_t)(end - *at) > len && strncmp(*at, words[i], len) == 0 &&
		    strchr(" \t=", (*at)[len]) != NULL)
			name = (*at)[len] == '=' ? *at + len + 1 : line_blank_skip(*at + len, end);
	}
	if (name == NULL)
		return false;
	for (last = name; last < end &&
	     (islower((unsigned char)*last) || isdigit((unsigned char)*last) || *last == '-');)
		last++;
	len = (size_t)(last - name);
	if (len == 0 || len >= size || *name == '-' ||
	    (last < end && *last != ' ' && *last != '\t'))
		return false;
	memcpy(prompt, name, len);
	prompt[len] = '\0';
	*at = line_blank_skip(last, end);
	return true;
}

int
talk_command(const char *plain, char *prompt, size_t prompt_size, char *text, size_t text_size,
    int *more)
{
	static const char word[] = "/drover";
	const char *line = plain, *at, *end, *next;
	size_t len;
	int found = 0;

	*more = 0;
	for (; line != NULL; line = next) {
		end = strchr(line, '\n');
		next = end != NULL ? end + 1 : NULL;
		if (end == NULL)
			end = line + strlen(line);
		while (end > line && isspace((unsigned char)end[-1]))
			end--;
		at = line_blank_skip(line, end);
		if ((size_t)(end - at) < sizeof(word) - 1 ||
		    strncmp(at, word, sizeof(word) - 1) != 0)
			continue;
		at += sizeof(word) - 1;
		if (at < end && *at != ' ' && *at != '\t')
			continue;
		if (found) {
			(*more)++;
			continue;
		}
		found = 1;
		prompt[0] = '\0';
		at = line_blank_skip(at, end);
		command_prompt(&at, end, prompt, prompt_size);
		len = text_cut(at, (size_t)(end - at), text_size - 1);
		memcpy(text, at, len);
		text[len] = '\0';
	}
	return found;
}

static void
marker_part(char *out, size_t size, const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0' && i + 1 < size; i++)
		out[i] = isalnum((unsigned char)text[i]) || strchr("._@/-", text[i]) != NULL ?
		    text[i] :
		    '_';
	out[i] = '\0';
}

void
talk_marker_add(struct text_buf *out, const char *kind, const char *id, const char *trace)
{
	char k[MARKER_PART_MAX], i[MARKER_PART_MAX], t[MARKER_PART_MAX];

	marker_part(k, sizeof(k), kind);
	marker_part(i, sizeof(i), id);
	marker_part(t, sizeof(t), trace);
	text_addf(out, "\n\n<!-- drover:%s:%s trace=%s -->", k, i, t);
}

bool
talk_marker_has(const char *text, const char *kind, const char *id)
{
	char want[2 * MARKER_PART_MAX + 32], k[MARKER_PART_MAX], i[MARKER_PART_MAX];

	marker_part(k, sizeof(k), kind);
	marker_part(i, sizeof(i), id);
	snprintf(want, sizeof(want), "<!-- drover:%s:%s trace=", k, i);
	return strstr(text, want) != NULL;
}

bool
talk_marker_ends(const char *text)
{
	static const char begin[] = "<!-- drover:", end[] = "-->";
	size_t len = strlen(text), line;

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	for (line = len; line > 0 && text[line - 1] != '\n'; line--)
		continue;
	return len - line >= sizeof(begin) + sizeof(end) - 2 &&
	    memcmp(text + line, begin, sizeof(begin) - 1) == 0 &&
	    memcmp(text + len - sizeof(end) + 1, end, sizeof(end) - 1) == 0;
}

void
talk_marker_strip(char *text)
{
	size_t len = strlen(text), at = 0, used = 0;

	while (at < len) {
		text[used++] = text[at++];
		/*
		 * Looked for in what is left: two halves around a comment must
		 * not make another.
		 */
		if (used < 4 || memcmp(text + used - 4, "<!--", 4) != 0)
			continue;
		used -= 4;
		if (len - at >= 1 && text[at] == '>')
			at++;
		else if (len - at >= 2 && memcmp(text + at, "->", 2) == 0)
			at += 2;
		else {
			char *close = strstr(text + at, "-->");

			at = close != NULL ? (size_t)(close - text) + 3 : len;
		}
	}
	while (used > 0 && isspace((unsigned char)text[used - 1]))
		used--;
	text[used] = '\0';
}

static bool
line_is(const char *line, size_t len, const char *word)
{
	while (len > 0 && isspace((unsigned char)*line)) {
		line++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	return len == strlen(word) && memcmp(line, word, len) == 0;
}

char *
talk_reply(const char *agent_text, size_t max)
{
	const char *line = agent_text, *from = agent_text, *to = NULL, *end, *start = NULL;
	size_t len;
	char *reply;

	/*
	 * The last whole pair: before it an agent may have repeated what it was
	 * told to do.
	 */
	for (; *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		if ((end = strchr(line, '\n')) == NULL)
			end = line + strlen(line);
		if (line_is(line, (size_t)(end - line), "REPLY_START"))
			start = *end != '\0' ? end + 1 : end;
		else if (start != NULL && line_is(line, (size_t)(end - line), "REPLY_END")) {
			from = start;
			to = line;
			start = NULL;
		}
	}
	if (to == NULL) {
		from = start != NULL ? start : agent_text;
		to = from + strlen(from);
	}
	while (from < to && isspace((unsigned char)*from))
		from++;
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	len = text_cut(from, (size_t)(to - from), max);
	if ((reply = malloc(len + 1)) == NULL)
		return NULL;
	memcpy(reply, from, len);
	reply[len] = '\0';
	return reply;
}

void
talk_role(char out[DROVER_NAME_MAX + 1], const char *name)
{
	size_t len = text_cut(name, strlen(name), DROVER_NAME_MAX - 1);

	snprintf(out, DROVER_NAME_MAX + 1, "@%.*s", (int)len, name);
}
