/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as Markdown: it is parsed or refused in time, each of its bytes has
 * a part, and what was closed once is closed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/markdown.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
static bool says(const struct markdown *);

/* Checks each byte's part; whether any is more than a sign. */
static bool
says(const struct markdown *m)
{
	size_t i;

	for (i = 0; i < m->len; i++)
		if ((m->parts[i] & ~MARKDOWN_QUOTED) > MARKDOWN_COMMENT)
			abort();
	for (i = 0; i < m->len; i++)
		if (m->parts[i] != MARKDOWN_SIGN)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct text_buf closed = { 0 };
	struct markdown m;
	size_t once;

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	markdown_read(&m, NULL, text);
	if (m.lines[m.lines_len] != m.len || (m.root == NULL && says(&m)))
		abort();
	says(&m);
	markdown_free(&m);
	text_addf(&closed, "%s", text);
	markdown_close(&closed);
	if (strncmp(text_of(&closed), text, strlen(text)) != 0)
		abort();
	once = closed.len;
	markdown_close(&closed);
	if (closed.len != once)
		abort();
	text_free(&closed);
	free(text);
	return 0;
}
