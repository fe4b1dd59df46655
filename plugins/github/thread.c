/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what was written in a pull request or issue before. What trusted people
 * wrote goes into the prompt, and a post of drover's may show that the ask is
 * answered already.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

/* bytes kept while reading; the beginning of a longer thread is dropped */
#define KEPT_MAX    (256 * 1024)
#define COMMENT_MAX 8192

struct reader {
	struct thread *thread;
	struct hub *hub;
	const struct ask *ask;
	struct people *people;
	bool inline_comments;
};

static int reader_each(void *, const cJSON *, struct drover_error *);
static void reader_keep(struct reader *, const struct ask *, const cJSON *);

static void
reader_keep(struct reader *reader, const struct ask *one, const cJSON *json)
{
	struct text_buf *text = &reader->thread->text;
	size_t len = text_cut(one->text, strlen(one->text), COMMENT_MAX), keep;
	const char *line;

	/* Drop the older half. */
	if (text->len > KEPT_MAX && (line = strstr(text->data + text->len / 2, "\n\n")) != NULL) {
		keep = text->len - (size_t)(line + 2 - text->data);
		memmove(text->data, line + 2, keep + 1);
		text->len = keep;
	}
	text_addf(text, "%s%s, %s", text->len > 0 ? "\n\n" : "", one->author,
	    json_text(json, "created_at"));
	if (one->path[0] != '\0')
		text_addf(text, ", at %s", one->path);
	text_addf(text, ":\n%.*s%s", (int)len, one->text, one->text[len] != '\0' ? " [...]" : "");
}

static int
reader_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct reader *reader = arg;
	const char *type = reader->inline_comments ? "reviewcomment" : "issuecomment";
	struct drover_scope *scope = reader->hub->scope;
	struct ask one = { .line = 0 };
	int code = 0;

	json_id(json, "id", one.id, sizeof(one.id));
	snprintf(one.slug, sizeof(one.slug), "%s", reader->ask->slug);
	snprintf(one.type, sizeof(one.type), "%s", type);
	ask_read(&one, reader->hub->github, json, json_text(json, "body"));
	if (one.self)
		reader->thread->answered =
		    reader->thread->answered || post_is_answer(scope, json, reader->ask);
	else if ((strcmp(one.id, reader->ask->id) != 0 ||
		     strcmp(one.type, reader->ask->type) != 0) &&
	    (code = people_allow(reader->people, reader->hub, &one, err)) == 1) {
		/*
		 * A comment that is not closed would hide what others said
		 * after it.
		 */
		talk_marker_strip(one.text);
		reader_keep(reader, &one, json);
	}
	ask_free(&one);
	return code < 0 ? code : 0;
}

int
thread_read(struct thread *thread, struct hub *hub, const struct ask *ask, bool pull,
    struct drover_error *err)
{
	struct reader reader = { thread, hub, ask, people_new(), false };
	char path[GITHUB_URL_MAX];
	int code;

	memset(thread, 0, sizeof(*thread));
	snprintf(path, sizeof(path), "/repos/%s/issues/%s/comments?per_page=100", ask->slug,
	    ask->number);
	code = hub_pages(hub, path, 0, 20, reader_each, &reader, err);
	if (code == 0 && pull) {
		reader.inline_comments = true;
		snprintf(path, sizeof(path), "/repos/%s/pulls/%s/comments?per_page=100", ask->slug,
		    ask->number);
		code = hub_pages(hub, path, 0, 20, reader_each, &reader, err);
	}
	people_free(reader.people);
	return code;
}

const char *
thread_text(const struct thread *thread, size_t max)
{
	const char *text = text_of(&thread->text), *line;
	size_t len = strlen(text);

	if (len <= max)
		return text;
	text += len - max;
	return (line = strchr(text, '\n')) != NULL ? line + 1 : text + strlen(text);
}

void
thread_free(struct thread *thread)
{
	text_free(&thread->text);
}
