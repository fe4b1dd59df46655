/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent's text before it is posted under our name: no HTML comments, which
 * may look like a marker of ours, no "@name" that would send mail to people and
 * teams, nothing invisible, and not longer than GitHub takes.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define FENCE_MAX 32

static const char cut_note[] = "\n\n[... cut: too long for a comment]";

static bool trusts_fences(const char *);
static bool is_fence(const char *, char *, size_t *);
static bool pings(const char *, const char *);
static bool tame_line(struct text_buf *, const char *, const char *, const char *, bool, size_t);

/*
 * Code copied from a comment must work, so that "@" in a fenced block stays as
 * it is, where GitHub pings nobody. But HTML that opens at the start of a line
 * can make a fence plain text: then nothing is taken for code.
 */
static bool
trusts_fences(const char *text)
{
	const char *line;

	for (line = text; line != NULL;
	     line = (line = strchr(line, '\n')) != NULL ? line + 1 : NULL)
		if (line[strspn(line, " \t>")] == '<')
			return false;
	return true;
}

/*
 * A line of three or more "`" or "~" at its very start; of more than FENCE_MAX
 * it is left to be plain, so that closing it takes no room.
 */
static bool
is_fence(const char *line, char *mark, size_t *len)
{
	size_t n;

	if (*line != '`' && *line != '~')
		return false;
	for (n = 1; line[n] == *line; n++)
		continue;
	if (n < 3 || n > FENCE_MAX ||
	    (*line == '`' && memchr(line + n, '`', strcspn(line + n, "\n")) != NULL))
		return false;
	*mark = *line;
	*len = n;
	return true;
}

/* Whether the "@" at this place may be read as the start of a name. */
static bool
pings(const char *text, const char *at)
{
	return isalnum((unsigned char)at[1]) && (at == text || !isalnum((unsigned char)at[-1]));
}

/* False when max is reached within the line. */
static bool
tame_line(struct text_buf *out, const char *text, const char *line, const char *end, bool code,
    size_t max)
{
	const char *at;
	size_t n;

	for (at = line; at < end; at += n) {
		if ((n = text_sequence(at, (size_t)(end - at))) == 0)
			n = 1;
		if (out->len + n + 3 > max)
			return false;
		text_add(out, at, n);
		if (*at == '@' && !code && pings(text, at))
			text_add(out, "\xe2\x80\x8b", 3);
	}
	return true;
}

char *
post_tame(const char *given, size_t max)
{
	size_t len = strlen(given), fence_len = 0, n = 0,
	       most = max - sizeof(cut_note) - FENCE_MAX - 1;
	struct text_buf out = { 0 };
	char *text = malloc(len + 1), fence = '\0', mark = '\0';
	const char *line, *end;
	bool fences, whole = true;

	if (text == NULL)
		return NULL;
	text_clean(text, len + 1, given, len, "\n\t");
	talk_marker_strip(text);
	fences = trusts_fences(text);
	for (line = text; *line != '\0' && whole; line = end) {
		bool edge = fences && is_fence(line, &mark, &n);

		end = line + strcspn(line, "\n");
		if (*end == '\n')
			end++;
		whole = tame_line(&out, text, line, end, fence != '\0' && !edge, most);
		if (edge && fence == '\0') {
			fence = mark;
			fence_len = n;
		} else if (edge && fence == mark && n >= fence_len &&
		    strchr("\n", line[n + strspn(line + n, " \t")]) != NULL)
			fence = '\0';
	}
	free(text);
	/* What follows, the marker too, must not become code. */
	if (fence != '\0') {
		if (out.len > 0 && out.data[out.len - 1] != '\n')
			text_add(&out, "\n", 1);
		for (n = 0; n < fence_len; n++)
			text_add(&out, &fence, 1);
	}
	if (!whole)
		text_add(&out, cut_note, sizeof(cut_note) - 1);
	return text_take(&out);
}
