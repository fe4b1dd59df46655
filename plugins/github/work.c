/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pipelines share: titles, notes, and what is remembered about a pull
 * request or issue.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define MEMORY_MAX (32 * 1024)

static void work_subject(const struct ask *, char[DROVER_KEY_MAX]);

void
work_title(const struct ask *ask, char *out, size_t size)
{
	size_t start = strspn(ask->text, " \t\n"), len = strcspn(ask->text + start, "\n"), used;
	char line[DROVER_TITLE_MAX], words[128];

	/*
	 * Both are cut so that the words of the ask show beside a long title.
	 */
	text_clean(words, sizeof(words), ask->text + start, len, "");
	text_line(line, sizeof(line), ask->title);
	used = text_cut(line, strlen(line), 200);
	line[used] = '\0';
	snprintf(out, size, "#%s %s%s%s", ask->number, line, *words != '\0' ? ": " : "", words);
}

int
work_note(struct drover_scope *scope, const char *note, struct drover_error *err)
{
	scope->host->log->printf(scope, DROVER_INFO, "%s", note);
	return scope->host->queue->result(scope, "note", note, err);
}

static void
work_subject(const struct ask *ask, char subject[DROVER_KEY_MAX])
{
	snprintf(subject, DROVER_KEY_MAX, "%s#%s", ask->slug, ask->number);
}

int
work_remember(struct drover_scope *scope, const struct ask *ask, const char *answer,
    struct drover_error *err)
{
	const struct drover_host_memory *memory = scope->host->memory;
	char subject[DROVER_KEY_MAX], key[DROVER_KEY_MAX], role[DROVER_NAME_MAX + 1],
	    asked[DROVER_KEY_MAX + 16], answered[DROVER_KEY_MAX + 16];
	int code;

	if (memory == NULL)
		return 0;
	work_subject(ask, subject);
	ask_key(ask, key);
	talk_role(role, ask->author);
	snprintf(asked, sizeof(asked), "asked/%s", key);
	snprintf(answered, sizeof(answered), "answered/%s", key);
	/* A label says nothing. */
	if ((code = memory->append(scope, subject, asked, role,
		 ask->text[0] != '\0' ? ask->text : "(without a word)", err)) != 0)
		return code;
	return memory->append(scope, subject, answered, "drover", answer, err);
}

char *
work_memory(struct drover_scope *scope, const struct ask *ask, struct drover_error *err)
{
	const struct drover_host_memory *memory = scope->host->memory;
	char subject[DROVER_KEY_MAX], *text = xcalloc(1, MEMORY_MAX);

	work_subject(ask, subject);
	if (memory != NULL && memory->read(scope, subject, text, MEMORY_MAX, err) < 0) {
		free(text);
		return NULL;
	}
	return text;
}
