/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tames an agent's text before drover posts it: it removes HTML comments, which
 * may look like drover's markers, and what is invisible, breaks each "@name"
 * that would notify people and teams, and cuts the text to the length that
 * GitHub takes. Code and addresses stay as they are, since people copy and
 * follow them, and GitHub notifies no one there.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/markdown.h"
#include "github.h"

#define FENCE_MAX 255 /* the parser counts a longer fence as one of this length */

static const char cut_note[] = "\n\n[... cut: too long for a comment]";

static size_t drop_comments(struct drover_scope *, char *);
static bool pings(const struct markdown *, size_t);

/* Returns how many bytes were dropped. */
static size_t
drop_comments(struct drover_scope *scope, char *text)
{
	struct markdown m;
	size_t i, used = 0, dropped;

	markdown_read(&m, scope, text);
	for (i = 0; i < m.len; i++)
		if ((m.parts[i] & ~MARKDOWN_QUOTED) != MARKDOWN_COMMENT)
			text[used++] = text[i];
	text[used] = '\0';
	dropped = m.root != NULL ? m.len - used : 1;
	markdown_free(&m);
	return dropped;
}

/* True if the "@" at this place may be read as the start of a name. */
static bool
pings(const struct markdown *m, size_t at)
{
	int part = m->parts[at] & ~MARKDOWN_QUOTED;

	return m->text[at] == '@' && part != MARKDOWN_CODE && part != MARKDOWN_URL &&
	    isalnum((unsigned char)m->text[at + 1]) &&
	    (at == 0 || !isalnum((unsigned char)m->text[at - 1]));
}

char *
post_tame(struct drover_scope *scope, const char *given, size_t max)
{
	size_t len = strlen(given), at, n, fence, most;
	struct text_buf out = { 0 };
	struct markdown m;
	char *text = xmalloc(len + 1);

	text_clean(text, len + 1, given, len, "\n\t");
	/*
	 * The text on both sides of a removed comment may have become a
	 * comment, or a marker.
	 */
	if ((drop_comments(scope, text) > 0 && drop_comments(scope, text) > 0) ||
	    strstr(text, "<!-- drover:") != NULL)
		talk_marker_strip(text);
	for (len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]);)
		text[--len] = '\0';
	fence = markdown_run(text, '`') + markdown_run(text, '~');
	most = max - sizeof(cut_note) - (fence < FENCE_MAX ? fence : FENCE_MAX) - 1;
	markdown_read(&m, scope, text);
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
	/*
	 * An open fence must not turn what follows, such as the marker, into
	 * code.
	 */
	markdown_close(&out);
	if (at < len)
		text_add(&out, cut_note, sizeof(cut_note) - 1);
	return text_take(&out);
}
