/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin for the end-to-end tests: its source reads who asks from a file, a
 * line each ("KEY AUTHOR MARKS FLAGS", "-" for nothing), its pipelines ask the
 * trust and memory services.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drover/plugin.h>

#define MARKS_MAX 8

static const struct drover_option people_options[] = {
	{ "people", DROVER_PATH, DROVER_REQUIRED, NULL, "File with a line for each item." },
	{ NULL, 0, 0, NULL, NULL },
};

static bool
given(const char *word)
{
	return strcmp(word, "-") != 0;
}

/* Marks are split at commas. */
static void
person_fill(struct drover_person *person, const char **marks, char *id, char *words,
    const char *flags)
{
	size_t n = 0;
	char *one;

	memset(person, 0, sizeof(*person));
	person->size = sizeof(*person);
	person->id = id;
	person->name = "Somebody";
	while (given(words) && n < MARKS_MAX && (one = strsep(&words, ",")) != NULL) {
		marks[n++] = one;
		if (words == NULL)
			break;
	}
	marks[n] = NULL;
	person->marks = marks;
	if (strstr(flags, "self") != NULL)
		person->flags |= DROVER_PERSON_SELF;
	if (strstr(flags, "bot") != NULL)
		person->flags |= DROVER_PERSON_BOT;
}

static int
people_emit(struct drover_scope *scope, char *line, struct drover_error *err)
{
	char key[64], author[64], words[256], flags[32], title[128];
	const char *marks[MARKS_MAX + 1];
	struct drover_person person;
	struct drover_item item = { .size = sizeof(item),
		.kind = "guest.greet",
		.key = key,
		.title = title,
		.payload = key };

	if (sscanf(line, "%63s %63s %255s %31s", key, author, words, flags) != 4)
		return 0;
	snprintf(title, sizeof(title), "Please do %s", key);
	item.payload_len = strlen(key);
	if (given(author)) {
		person_fill(&person, marks, author, words, flags);
		item.author = &person;
	}
	return scope->host->queue->emit(scope, &item, err);
}

/*
 * The whole file again whenever it has grown: the core tells what it has seen.
 */
static int
people_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	FILE *in = fopen(scope->host->option->string(scope, "people"), "re");
	char line[512], seen[32];
	int code = 0, n = 0;

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		n++;
	snprintf(seen, sizeof(seen), "%d", n);
	if (in != NULL && cursor != NULL && strcmp(cursor, seen) == 0) {
		fclose(in);
		return 0;
	}
	if (in != NULL)
		rewind(in);
	while (code == 0 && in != NULL && fgets(line, sizeof(line), in) != NULL)
		code = people_emit(scope, line, err);
	if (in != NULL)
		fclose(in);
	return code == 0 ? scope->host->queue->cursor(scope, seen, err) : code;
}

static int
greet_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	return scope->host->queue->result(scope, "source", job->source, err);
}

/* Payload: "SOURCE ID MARKS FLAGS"; result "allows" and "authors". */
static int
ask_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	const struct drover_host_trust *trust = scope->host->trust;
	char source[64], id[64], words[256], flags[32], answer[16], all[512] = "";
	const char *marks[MARKS_MAX + 1], *author;
	struct drover_person person;
	size_t i, len = 0;
	int code;

	if (sscanf(job->payload, "%63s %63s %255s %31s", source, id, words, flags) != 4)
		return DROVER_PERMANENT;
	person_fill(&person, marks, id, words, flags);
	if ((code = trust->allows(scope, given(source) ? source : NULL, &person, err)) < 0)
		return code;
	snprintf(answer, sizeof(answer), "%d", code);
	for (i = 0; (author = trust->author(scope, given(source) ? source : NULL, i)) != NULL; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? " " : "",
		    author);
	code = scope->host->queue->result(scope, "allows", answer, err);
	return code == 0 ? scope->host->queue->result(scope, "authors", all, err) : code;
}

/*
 * Payload: "SUBJECT FIRST COUNT": so many entries about it, from that number
 * on; what can be read then is the result.
 */
static int
remember_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	const struct drover_host_memory *memory = scope->host->memory;
	char subject[64], key[32], text[64], all[4096];
	int first, count, i, code;
	int64_t len;

	if (sscanf(job->payload, "%63s %d %d", subject, &first, &count) != 3)
		return DROVER_PERMANENT;
	for (i = first; i < first + count; i++) {
		snprintf(key, sizeof(key), "entry-%d", i);
		snprintf(text, sizeof(text), "this is number %d", i);
		if ((code = memory->append(scope, subject, key, i % 2 == 0 ? "user" : "drover",
			 text, err)) != 0)
			return code;
	}
	if ((len = memory->read(scope, subject, all, sizeof(all), err)) < 0)
		return (int)len;
	return scope->host->queue->result(scope, "memory", all, err);
}

static const char *const insiders[] = { "member", NULL };

static const struct drover_source people = {
	.size = sizeof(struct drover_source),
	.name = "people",
	.summary = "Whoever stands in a file.",
	.interval_ms = 1000,
	.options = people_options,
	.poll = people_poll,
	.authors = insiders,
};
static const struct drover_source nobody = {
	.size = sizeof(struct drover_source),
	.name = "nobody",
	.summary = "Items that no person asks for.",
	.interval_ms = 1000,
	.options = people_options,
	.poll = people_poll,
};
static const struct drover_pipeline greet = {
	.size = sizeof(struct drover_pipeline),
	.name = "greet",
	.summary = "Says which source it came from.",
	.run = greet_run,
};
static const struct drover_pipeline ask = {
	.size = sizeof(struct drover_pipeline),
	.name = "ask",
	.summary = "Asks whether a person may.",
	.run = ask_run,
};
static const struct drover_pipeline remember = {
	.size = sizeof(struct drover_pipeline),
	.name = "remember",
	.summary = "Remembers, and says what it remembers.",
	.run = remember_run,
};

static const struct drover_source *const sources[] = { &people, &nobody, NULL };
static const struct drover_pipeline *const pipelines[] = { &greet, &ask, &remember, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.name = "guest",
	.version = "0.1",
	.summary = "For tests: who may, and what was said.",
	.sources = sources,
	.pipelines = pipelines,
};
