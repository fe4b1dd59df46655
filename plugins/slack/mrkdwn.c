/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads Slack's markup: & < > are entities, and people, channels and links
 * stand between < and >. A mention counts only where a reader sees one: outside
 * code and quotes.
 *
 * Slack's rules decide what is code or a quote, since that is what people see.
 * A CommonMark parser would be wrong: in Slack a code block may begin and end
 * in the middle of a line, ends with the next three backticks, and is no block
 * without an end. Blanks and "~~~" make no code, a backslash escapes nothing,
 * and a code span ends with its line. A quote does not go on in a line without
 * its sign, but ">>>" quotes all that follows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

/* Walks over what stands between < and > outside code and quotes. */
struct walk {
	const char *at;
	bool line_begins;
};

static bool walk_next(struct walk *, const char **, size_t *);
static const char *walk_code_end(const char *);
static bool tag_is_user(const char *, size_t, const char *);
static void read_text(struct text_buf *, const char *, size_t);
static void read_tag(struct text_buf *, const char *, size_t, const char *);

bool
slack_id_valid(const char *id)
{
	size_t len = id != NULL ? strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") : 0;

	return len > 1 && len < SLACK_ID_MAX && id[len] == '\0';
}

/*
 * Returns the end of the code that begins here, or NULL if no code does. Code
 * that is not closed is text.
 */
static const char *
walk_code_end(const char *at)
{
	const char *end;

	if (strncmp(at, "```", 3) == 0)
		return (end = strstr(at + 3, "```")) != NULL ? end + 3 : NULL;
	if (*at != '`' || at[1] == '`')
		return NULL;
	end = at + 1 + strcspn(at + 1, "`\n");
	return *end == '`' ? end + 1 : NULL;
}

static bool
walk_next(struct walk *w, const char **tag, size_t *len)
{
	const char *end;

	while (*w->at != '\0') {
		if (w->line_begins && strncmp(w->at, "&gt;", 4) == 0) {
			/* ">>>" quotes all that follows. */
			end = strncmp(w->at, "&gt;&gt;&gt;", 12) == 0 ? NULL : strchr(w->at, '\n');
			w->at = end != NULL ? end : w->at + strlen(w->at);
			continue;
		}
		w->line_begins = *w->at == '\n';
		if ((end = walk_code_end(w->at)) != NULL) {
			w->at = end;
			continue;
		}
		if (*w->at == '<' && (end = strchr(w->at, '>')) != NULL) {
			*tag = w->at + 1;
			*len = (size_t)(end - *tag);
			w->at = end + 1;
			return true;
		}
		w->at++;
	}
	return false;
}

static bool
tag_is_user(const char *tag, size_t len, const char *user)
{
	size_t n = strlen(user);

	return len > n && tag[0] == '@' && memcmp(tag + 1, user, n) == 0 &&
	    (len == n + 1 || tag[n + 1] == '|');
}

bool
mrkdwn_mentions(const char *text, const char *user)
{
	struct walk w = { text, true };
	const char *tag;
	size_t len;

	while (*user != '\0' && walk_next(&w, &tag, &len))
		if (tag_is_user(tag, len, user))
			return true;
	return false;
}

bool
mrkdwn_calls_anyone(const char *text)
{
	struct walk w = { text, true };
	const char *tag;
	size_t len;

	while (walk_next(&w, &tag, &len))
		if (len > 0 &&
		    (tag[0] == '@' || (tag[0] == '!' && (len < 5 || memcmp(tag, "!date", 5) != 0))))
			return true;
	return false;
}

static void
read_text(struct text_buf *out, const char *text, size_t len)
{
	static const struct {
		const char *entity, *text;
	} entities[] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" } };
	size_t i, j, n, from = 0;

	for (i = 0; i < len; i++) {
		if (text[i] != '&')
			continue;
		for (j = 0; j < sizeof(entities) / sizeof(entities[0]); j++) {
			n = strlen(entities[j].entity);
			if (len - i < n || memcmp(text + i, entities[j].entity, n) != 0)
				continue;
			text_add(out, text + from, i - from);
			text_add(out, entities[j].text, 1);
			from = i + n;
			i = from - 1;
			break;
		}
	}
	text_add(out, text + from, len - from);
}

static void
read_tag(struct text_buf *out, const char *tag, size_t len, const char *self)
{
	const char *bar = memchr(tag, '|', len);
	size_t id = bar != NULL ? (size_t)(bar - tag) : len, label = bar != NULL ? len - id - 1 : 0;
	char sign[2] = { tag[0], '\0' };

	if (self != NULL && *self != '\0' && tag_is_user(tag, len, self))
		return;
	if (len > 0 && strchr("@#!", tag[0]) != NULL) {
		if (tag[0] == '!')
			sign[0] = '@';
		if (label > 0 && tag[0] == '!' &&
		    (bar[1] == '@' || (id > 5 && memcmp(tag, "!date", 5) == 0)))
			sign[0] = '\0';
		text_add(out, sign, strlen(sign));
		if (label > 0)
			read_text(out, bar + 1, label);
		else if (id > 9 && memcmp(tag, "!subteam^", 9) == 0)
			text_add(out, tag + 9, id - 9);
		else
			text_add(out, tag + 1, id - 1);
		return;
	}
	if (label == 0) {
		read_text(out, tag, id);
		return;
	}
	read_text(out, bar + 1, label);
	/* A link that shows its own address is written once. */
	if (id >= label && memcmp(tag + id - label, bar + 1, label) == 0)
		return;
	text_add(out, " (", 2);
	read_text(out, tag, id);
	text_add(out, ")", 1);
}

char *
mrkdwn_read(const char *text, const char *self)
{
	struct text_buf buf = { 0 };
	const char *open, *close;
	char *out;
	size_t len;

	while ((open = strchr(text, '<')) != NULL && (close = strchr(open, '>')) != NULL) {
		read_text(&buf, text, (size_t)(open - text));
		read_tag(&buf, open + 1, (size_t)(close - open - 1), self);
		text = close + 1;
	}
	read_text(&buf, text, strlen(text));
	if (text_of(&buf) == NULL || (out = malloc(buf.len + 1)) == NULL) {
		text_free(&buf);
		return NULL;
	}
	len = text_clean(out, buf.len + 1, text_of(&buf), buf.len, "\n\t");
	text_free(&buf);
	while (len > 0 && strchr(" \t\n", out[len - 1]) != NULL)
		out[--len] = '\0';
	memmove(out, out + strspn(out, " \t\n"), len - strspn(out, " \t\n") + 1);
	return out;
}
