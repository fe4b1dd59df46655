/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people write to drover, and what the plugin github reads back from
 * elsewhere: the first byte chooses the reader.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/markdown.h"
#include "github/github.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
said(char *text)
{
	char prompt[16], command[64], *tame = post_tame(NULL, text, 512),
				      *reply = talk_reply(text, 64);
	struct text_buf closed = { 0 };
	struct markdown m;
	size_t i;
	int more;

	if (strlen(tame) > 512 || strlen(reply) > 64)
		abort();
	if (talk_mentions(NULL, text, "bot") && !talk_says(NULL, text))
		abort();
	if (talk_command(NULL, text, prompt, sizeof(prompt), command, sizeof(command), &more) ==
		1 &&
	    strlen(prompt) + strlen(command) > strlen(text))
		abort();
	/* What was made tame hides nothing, calls nobody and does not go on. */
	markdown_read(&m, NULL, tame);
	for (i = 0; i < m.len; i++)
		if (m.parts[i] == MARKDOWN_COMMENT ||
		    (m.parts[i] == MARKDOWN_PROSE && strncmp(tame + i, "@a", 2) == 0 &&
			(i == 0 || !isalnum((unsigned char)tame[i - 1]))))
			abort();
	markdown_free(&m);
	text_addf(&closed, "%s", tame);
	markdown_close(&closed);
	if (strcmp(text_of(&closed), tame) != 0 || strstr(tame, "<!-- drover:") != NULL)
		abort();
	text_free(&closed);
	free(tame);
	free(reply);
	talk_marker_strip(text);
	if (strstr(text, "<!--") != NULL)
		abort();
}

static void
kept(const char *text, size_t len)
{
	struct drover_error err;
	struct ask ask;
	char *payload;

	if (ask_parse(&ask, text, len, &err) == 0) {
		if (!slug_is(ask.slug) || strchr(ask.number, '/') != NULL ||
		    (payload = ask_payload(&ask)) == NULL || strlen(payload) > DROVER_PAYLOAD_MAX)
			abort();
		cJSON_free(payload);
	}
	ask_free(&ask);
}

static void
cursor(const char *text)
{
	cJSON *root = cursor_read(text), *repo;
	struct track track;
	bool fresh;
	char *out;

	repo = cursor_repo(root, "acme/web", 1000, &fresh);
	track_load(&track, repo, "comments", 1000, 60);
	track_handled(&track, "1", 2000);
	cursor_done(repo, "r.1.x");
	cursor_done_add(repo, "r.1.x");
	track_save(&track, repo);
	out = cursor_write(root);
	free(out);
	track_free(&track);
	cJSON_Delete(root);
}

static void
names(const char *text)
{
	char slug[SLUG_MAX], number[GITHUB_ID_MAX], when[32];
	int64_t at = when_read(text);

	if (at >= 0) {
		when_write(at, when, sizeof(when));
		if (when_read(when) < 0)
			abort();
	}
	if (slug_of_url(text, slug) == 0 && !slug_is(slug))
		abort();
	url_number(text, number, sizeof(number));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text;

	if (len == 0 || (text = malloc(len)) == NULL)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		said(text);
		break;
	case 1:
		kept(text, strlen(text));
		break;
	case 2:
		cursor(text);
		break;
	default:
		names(text);
	}
	free(text);
	return 0;
}
