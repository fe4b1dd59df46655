/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people write to drover, and what drover writes to people. Text that
 * GitHub shows as a code block, a code span or a quote, or does not show at
 * all, is not addressed to drover.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/markdown.h"
#include "common/talk.h"
#include "common/text.h"

#define MARKER_PART_MAX 200

static bool mention_at(const char *, size_t, const char *);
static bool is_word(unsigned char);
static const char *line_blank_skip(const char *, const char *);
static char *command_line(const struct markdown *, size_t);
static bool talk_command_prompt(const char **, const char *, char *, size_t);
static void marker_part(char *, size_t, const char *);
static bool line_is(const char *, size_t, const char *);

static bool
is_word(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '-';
}

bool
talk_says(struct drover_scope *scope, const char *markdown)
{
	struct markdown m;
	bool said;
	size_t i, run;

	markdown_read(&m, scope, markdown);
	/* A text that cannot be parsed is taken to say something. */
	said = m.root == NULL && markdown[strspn(markdown, " \t\r\n")] != '\0';
	for (i = 0; i < m.len && !said; i += run) {
		for (run = 1; i + run < m.len && m.parts[i + run] == m.parts[i];)
			run++;
		if (m.parts[i] == MARKDOWN_PROSE || m.parts[i] == MARKDOWN_URL ||
		    (m.parts[i] == MARKDOWN_HTML && strncasecmp(markdown + i, "<pre", 4) != 0))
			said = strspn(markdown + i, " \t\r\n") < run;
	}
	markdown_free(&m);
	return said;
}

/* True if the "@" at this place begins a mention of the name. */
static bool
mention_at(const char *text, size_t at, const char *name)
{
	size_t len = strlen(name);
	unsigned char before = at > 0 ? (unsigned char)text[at - 1] : ' ', after;

	/* "me@host", "/@name" and "@@name" mention nobody. */
	if (is_word(before) || strchr("@/.", before) != NULL ||
	    strncasecmp(text + at + 1, name, len) != 0)
		return false;
	after = (unsigned char)text[at + 1 + len];
	if (is_word(after) || after == '/' || after == '@')
		return false;
	return after != '.' || !isalnum((unsigned char)text[at + 2 + len]);
}

bool
talk_mentions(struct drover_scope *scope, const char *markdown, const char *name)
{
	struct markdown m;
	bool found = false;
	size_t i;

	if (*name == '\0' || strchr(markdown, '@') == NULL)
		return false;
	markdown_read(&m, scope, markdown);
	for (i = 0; i < m.len && !found; i++)
		found = markdown[i] == '@' && m.parts[i] == MARKDOWN_PROSE &&
		    mention_at(markdown, i, name);
	markdown_free(&m);
	return found;
}

static const char *
line_blank_skip(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/*
 * Removes "--prompt NAME" from the start of a command. Returns true if it was
 * there and NAME is allowed as a name.
 */
static bool
talk_command_prompt(const char **at, const char *end, char *prompt, size_t size)
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

/*
 * The text after the word of the command that begins at this place. The caller
 * frees it.
 */
static char *
command_line(const struct markdown *m, size_t from)
{
	size_t end = from + strcspn(m->text + from, "\r\n"), i;
	struct text_buf line = { 0 };

	for (i = from; i < end; i++)
		if ((m->parts[i] & ~MARKDOWN_QUOTED) != MARKDOWN_COMMENT)
			text_add(&line, m->text + i, 1);
	while (line.len > 0 && isspace((unsigned char)line.data[line.len - 1]))
		line.data[--line.len] = '\0';
	return text_take(&line);
}

int
talk_command(struct drover_scope *scope, const char *markdown, char *prompt, size_t prompt_size,
    char *text, size_t text_size, int *more)
{
	static const char word[] = "/drover";
	struct markdown m;
	const char *at, *end;
	char *line;
	int found = 0;
	size_t i, start;

	*more = 0;
	if (strstr(markdown, word) == NULL)
		return 0;
	markdown_read(&m, scope, markdown);
	for (i = 0; i < m.lines_len; i++) {
		start = m.lines[i] + strspn(markdown + m.lines[i], " \t");
		if (strncmp(markdown + start, word, sizeof(word) - 1) != 0 ||
		    m.parts[start] != MARKDOWN_PROSE)
			continue;
		start += sizeof(word) - 1;
		if (markdown[start] != '\0' && !isspace((unsigned char)markdown[start]))
			continue;
		if (found++ > 0) {
			(*more)++;
			continue;
		}
		line = command_line(&m, start);
		end = line + strlen(line);
		at = line_blank_skip(line, end);
		prompt[0] = '\0';
		talk_command_prompt(&at, end, prompt, prompt_size);
		text_clean(text, text_size, at, (size_t)(end - at), "\t");
		free(line);
	}
	markdown_free(&m);
	return found > 0;
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
		 * This looks at the output, so that the halves of a "<!--"
		 * around a removed comment cannot make a new one.
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
	 * The last complete pair counts. In an earlier one, the agent may have
	 * repeated its instructions.
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

void
talk_checks(struct text_buf *out, const struct drover_change_result *result)
{
	if (result->checked && result->check_files[0] == '\0')
		text_addf(out, " The repository's checks pass.");
	else if (result->checked) {
		text_addf(out, " Checks pass as changed by this commit (`");
		/* A name must not end the code span. */
		for (const char *s = result->check_files; *s != '\0'; s++)
			text_addf(out, "%c", *s == '`' ? '\'' : *s);
		text_addf(out, "`).");
	}
}
