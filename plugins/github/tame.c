/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent's text before it is posted under our name: no HTML comments, which
 * may look like a marker of ours, no "@name" that would send mail to people and
 * teams, nothing invisible, and not longer than GitHub takes. Code stays as it
 * is, since it is copied from comments; GitHub pings nobody there.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/markdown.h"
#include "github.h"

#define FENCE_MAX 255 /* as long as one counts for the parser */

static const char cut_note[] = "\n\n[... cut: too long for a comment]";

static size_t drop_comments(char *);
static bool pings(const struct markdown *, size_t);
static void close_fence(struct text_buf *);

/* Returns how many bytes were dropped. */
static size_t
drop_comments(char *text)
{
	struct markdown m;
	size_t i, used = 0, dropped;

	markdown_read(&m, text);
	for (i = 0; i < m.len; i++)
		if ((m.parts[i] & ~MARKDOWN_QUOTED) != MARKDOWN_COMMENT)
			text[used++] = text[i];
	text[used] = '\0';
	dropped = m.root != NULL ? m.len - used : 1;
	markdown_free(&m);
	return dropped;
}

/* Whether the "@" at this place may be read as the start of a name. */
static bool
pings(const struct markdown *m, size_t at)
{
	return m->text[at] == '@' && (m->parts[at] & ~MARKDOWN_QUOTED) != MARKDOWN_CODE &&
	    isalnum((unsigned char)m->text[at + 1]) &&
	    (at == 0 || !isalnum((unsigned char)m->text[at - 1]));
}

/* What follows, the marker too, must not become code. */
static void
close_fence(struct text_buf *out)
{
	struct markdown m;
	char mark;
	size_t n;

	markdown_read(&m, text_of(out));
	n = markdown_open_fence(&m, &mark);
	markdown_free(&m);
	if (n == 0)
		return;
	if (out->data[out->len - 1] != '\n')
		text_add(out, "\n", 1);
	text_fill(out, mark, n);
}

char *
post_tame(const char *given, size_t max)
{
	size_t len = strlen(given), at, n, fence, most;
	struct text_buf out = { 0 };
	struct markdown m;
	char *text = xmalloc(len + 1);

	text_clean(text, len + 1, given, len, "\n\t");
	/*
	 * What stood on both sides of a comment may have become one, or a
	 * marker.
	 */
	if ((drop_comments(text) > 0 && drop_comments(text) > 0) ||
	    strstr(text, "<!-- drover:") != NULL)
		talk_marker_strip(text);
	for (len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]);)
		text[--len] = '\0';
	fence = markdown_fence(text, '`') + markdown_fence(text, '~');
	most = max - sizeof(cut_note) - (fence < FENCE_MAX ? fence : FENCE_MAX) - 1;
	markdown_read(&m, text);
	for (at = 0; at < len; at += n) {
		if ((n = text_sequence(text + at, len - at)) == 0)
			n = 1;
		if (out.len + n + 3 > most)
			break;
		text_add(&out, text + at, n);
		if (pings(&m, at))
			text_add(&out, "\xe2\x80\x8b", 3);
	}
	markdown_free(&m);
	free(text);
	close_fence(&out);
	if (at < len)
		text_add(&out, cut_note, sizeof(cut_note) - 1);
	return text_take(&out);
}
