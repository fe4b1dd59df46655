/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Markdown, as agents write it, in Slack's markup: modestly, a line at a time.
 * What is not understood goes out as it is, escaped, so that nothing in it
 * calls a person or a channel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#define CUT_NOTE "\n_(cut: the whole text is with the job)_"
#define CUT_ROOM (sizeof(CUT_NOTE) + sizeof("\n```"))

static void escape(struct text_buf *, const char *, size_t);
static size_t escaped_fit(const char *, size_t, size_t);
static bool is_fence(const char *, size_t);
static size_t span_end(const char *, size_t, const char *);
static size_t write_pair(struct text_buf *, const char *, size_t);
static size_t write_link(struct text_buf *, const char *, size_t);
static void write_inline(struct text_buf *, const char *, size_t);
static void write_line(struct text_buf *, const char *, size_t);

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

/* How much of the text, escaped, fits in so many bytes. */
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

static bool
is_fence(const char *line, size_t len)
{
	size_t i = 0;

	while (i < len && i < 4 && line[i] == ' ')
		i++;
	return len - i >= 3 && (memcmp(line + i, "```", 3) == 0 || memcmp(line + i, "~~~", 3) == 0);
}

/*
 * Where the mark that closes begins, when it hugs text on both sides; 0:
 * nowhere.
 */
static size_t
span_end(const char *s, size_t len, const char *mark)
{
	size_t n = strlen(mark), i;

	if (len < 2 * n + 1 || memcmp(s, mark, n) != 0 || s[n] == ' ' || s[n] == mark[0])
		return 0;
	for (i = n + 1; i + n <= len; i++)
		if (memcmp(s + i, mark, n) == 0 && s[i - 1] != ' ')
			return i;
	return 0;
}

/* Emphasis that begins here; how much of the text it took, 0: none does. */
static size_t
write_pair(struct text_buf *out, const char *s, size_t len)
{
	static const struct {
		const char *from, *to;
	} pairs[] = { { "**", "*" }, { "__", "*" }, { "~~", "~" }, { "*", "_" } };
	size_t i, n, end;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		n = strlen(pairs[i].from);
		if ((end = span_end(s, len, pairs[i].from)) == 0)
			continue;
		text_add(out, pairs[i].to, 1);
		escape(out, s + n, end - n);
		text_add(out, pairs[i].to, 1);
		return end + n;
	}
	return 0;
}

/* "[text](https://...)" or an image. */
static size_t
write_link(struct text_buf *out, const char *s, size_t len)
{
	size_t from = s[0] == '!' ? 1 : 0, label, url, end;

	if (len < from + 4 || s[from] != '[')
		return 0;
	for (label = from + 1; label < len && s[label] != ']' && s[label] != '['; label++)
		;
	if (label + 1 >= len || s[label] != ']' || s[label + 1] != '(')
		return 0;
	url = label + 2;
	for (end = url; end < len && s[end] != ')' && strchr(" <>|\t", s[end]) == NULL; end++)
		;
	if (end >= len || s[end] != ')' || memchr(s + from, '|', label - from) != NULL ||
	    (strncmp(s + url, "https://", 8) != 0 && strncmp(s + url, "http://", 7) != 0))
		return 0;
	text_add(out, "<", 1);
	escape(out, s + url, end - url);
	if (label > from + 1) {
		text_add(out, "|", 1);
		escape(out, s + from + 1, label - from - 1);
	}
	text_add(out, ">", 1);
	return end + 1;
}

static void
write_inline(struct text_buf *out, const char *s, size_t len)
{
	size_t i = 0, n;
	const char *end;

	while (i < len) {
		if (s[i] == '`' && (end = memchr(s + i + 1, '`', len - i - 1)) != NULL)
			n = (size_t)(end - s) + 1 - i;
		else
			n = 0;
		if (n > 0)
			escape(out, s + i, n);
		else if (s[i] == '[' || s[i] == '!')
			n = write_link(out, s + i, len - i);
		else if (s[i] == '*' || s[i] == '~' || (s[i] == '_' && (i == 0 || s[i - 1] == ' ')))
			n = write_pair(out, s + i, len - i);
		if (n == 0) {
			/*
			 * A mark that opens nothing is passed whole: half of
			 * "**" would open the other sort.
			 */
			for (n = 1; i + n < len && s[i + n] == s[i] && strchr("*~_", s[i]) != NULL;
			     n++)
				;
			escape(out, s + i, n);
		}
		i += n;
	}
}

static void
write_line(struct text_buf *out, const char *line, size_t len)
{
	size_t indent = 0, level = 0;

	while (indent < len && (line[indent] == ' ' || line[indent] == '\t'))
		indent++;
	while (indent + level < len && line[indent + level] == '#')
		level++;
	if (level > 0 && level <= 6 && indent + level < len && line[indent + level] == ' ' &&
	    memchr(line, '*', len) == NULL && memchr(line, '`', len) == NULL) {
		indent += level + 1;
		while (len > indent && strchr(" #", line[len - 1]) != NULL)
			len--;
		text_add(out, "*", 1);
		escape(out, line + indent, len - indent);
		text_add(out, "*", 1);
		return;
	}
	text_add(out, line, indent);
	if (indent + 1 < len && strchr("-*+", line[indent]) != NULL && line[indent + 1] == ' ') {
		text_addf(out, "\xe2\x80\xa2 ");
		indent += 2;
	}
	write_inline(out, line + indent, len - indent);
}

char *
mrkdwn_write(const char *markdown, size_t max)
{
	struct text_buf out = { 0 }, line = { 0 };
	size_t len, total = strlen(markdown), room = max > CUT_ROOM ? max - CUT_ROOM : 0, fit;
	const char *at = markdown, *end = markdown + total;
	bool code = false, cut = false;
	char *copy, *result;

	/* What a reader cannot see is not sent. */
	if ((copy = malloc(total + 1)) == NULL)
		return NULL;
	total = text_clean(copy, total + 1, markdown, total, "\n\t");
	for (at = copy, end = copy + total; at < end && !cut; at += len + 1) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		len = newline != NULL ? (size_t)(newline - at) : (size_t)(end - at);
		text_free(&line);
		if (is_fence(at, len)) {
			text_add(&line, "```", 3);
			code = !code;
		} else if (code) {
			escape(&line, at, len);
		} else {
			write_line(&line, at, len);
		}
		if (text_of(&line) == NULL)
			break;
		/* The last line may use the room that is kept for the note. */
		if (out.len + line.len + 1 <= room ||
		    (newline == NULL && out.len + line.len + (code ? 4 : 0) <= max)) {
			text_add(&out, text_of(&line), line.len);
			text_add(&out, "\n", newline != NULL ? 1 : 0);
			continue;
		}
		cut = true;
		if (is_fence(at, len)) {
			code = !code;
		} else if (out.len < room) {
			fit = escaped_fit(at, len, room - out.len);
			escape(&out, at, fit);
		}
	}
	if (code)
		text_add(&out, "\n```", 4);
	if (cut)
		text_add(&out, CUT_NOTE, strlen(CUT_NOTE));
	result = text_of(&out) != NULL && text_of(&line) != NULL ? strdup(text_of(&out)) : NULL;
	text_free(&out);
	text_free(&line);
	free(copy);
	return result;
}
