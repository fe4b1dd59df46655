/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pipelines share. Each opens its ask, looks whether the subject is
 * still open, begins, works and answers. An attempt after a crash does all of
 * it again: the change resumes, and memory and posts know their key.
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
	size_t start = strspn(ask->text, " \t\n"), len = strcspn(ask->text + start, "\n");
	char line[DROVER_TITLE_MAX], words[128];

	/*
	 * Both parts are cut, so that the words of the ask show beside a long
	 * title.
	 */
	text_clean(words, sizeof(words), ask->text + start, len, "");
	text_line(line, sizeof(line), ask->title);
	line[text_cut(line, strlen(line), 200)] = '\0';
	snprintf(out, size, "#%s %s%s%s", ask->number, line, *words != '\0' ? ": " : "", words);
}

int
work_note(struct work *w, const char *note, struct drover_error *err)
{
	plugin_log(w->scope, DROVER_INFO, "%s", note);
	return w->scope->host->queue->result(w->scope, "note", note, err);
}

/* Prompts about one pull request or issue share a memory. */
static void
work_subject(const struct ask *ask, char subject[DROVER_KEY_MAX])
{
	snprintf(subject, DROVER_KEY_MAX, "%s#%s", ask->slug, ask->number);
}

int
work_open(struct work *w, struct drover_error *err)
{
	int code;

	if ((code = ask_parse(&w->ask, w->job->payload, w->job->payload_len, err)) != 0 ||
	    (code = account_who(w->github, w->scope, err)) != 0)
		return code;
	return hub_open(&w->hub, w->github, w->scope, w->ask.slug, DROVER_HTTP_CRITICAL, err);
}

void
work_free(struct work *w)
{
	thread_free(&w->thread);
	hub_close(&w->hub);
	ask_free(&w->ask);
	free(w->memory);
	free(w->made);
}

int
work_begin(struct work *w, bool open, bool pull, struct drover_error *err)
{
	char subject[DROVER_KEY_MAX];
	int code;

	if (!open)
		return work_note(w,
		    pull ? "the pull request was closed or merged meanwhile: nothing was done" :
			   "the issue was closed meanwhile: nothing was done",
		    err);
	if ((code = thread_read(&w->thread, &w->hub, &w->ask, pull, err)) != 0)
		return code;
	if (w->thread.answered)
		return work_note(w, "answered already", err);
	post_eyes(&w->hub, &w->ask);
	work_subject(&w->ask, subject);
	w->memory = xcalloc(1, MEMORY_MAX);
	if (w->scope->host->memory->read(w->scope, subject, w->memory, MEMORY_MAX, err) < 0)
		return err->code;
	return 1;
}

int
work_change(struct work *w, const struct drover_change *change, struct drover_error *err)
{
	w->made = xcalloc(1, sizeof(*w->made));
	w->made->size = sizeof(*w->made);
	return w->scope->host->change->run(w->scope, change, w->made, err);
}

char *
work_said(struct work *w, const char *agent_text)
{
	char *reply = talk_reply(agent_text, GITHUB_TEXT_MAX),
	     *tame = post_tame(w->scope, reply, GITHUB_TEXT_MAX - 4096);

	free(reply);
	return tame;
}

int
work_answer(struct work *w, const char *text, struct drover_error *err)
{
	const struct drover_host_memory *memory = w->scope->host->memory;
	char subject[DROVER_KEY_MAX], key[DROVER_KEY_MAX], role[DROVER_NAME_MAX + 1],
	    asked[DROVER_KEY_MAX + 16], answered[DROVER_KEY_MAX + 16];
	int code;

	work_subject(&w->ask, subject);
	ask_key(&w->ask, key);
	talk_role(role, w->ask.author);
	snprintf(asked, sizeof(asked), "asked/%s", key);
	snprintf(answered, sizeof(answered), "answered/%s", key);
	/*
	 * The memory is written first, because the next attempt ends the job if
	 * it finds the post. An ask by a label has no words.
	 */
	if ((code = memory->append(w->scope, subject, asked, role,
		 w->ask.text[0] != '\0' ? w->ask.text : "(without a word)", err)) != 0 ||
	    (code = memory->append(w->scope, subject, answered, "drover", text, err)) != 0)
		return code;
	return post_answer(&w->hub, &w->ask, text, w->job->trace, err);
}
