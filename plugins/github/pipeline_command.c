/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline issue-command: an issue becomes a pull request, and a comment on
 * the issue links to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define CONVERSATION_MAX (64 * 1024)

static int command_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);
static int issue_is_open(struct work *, bool *, struct drover_error *);
static const char *command_prompt(struct work *, struct drover_error *);
static int command_no_prompt(struct work *, struct drover_error *);
static const char *command_title(const struct work *);
static int command_change(struct work *, struct drover_error *);
static cJSON *command_labels(struct drover_scope *);
static int command_pull(struct work *, const char *, char[GITHUB_URL_MAX], struct drover_error *);
static int command_finish(struct work *, struct drover_error *);
static int command_do(struct work *, struct drover_error *);

static const struct drover_option options[] = {
	{ "labels", DROVER_LIST, 0, NULL,
	    "Labels for its pull requests; those that do not exist are left out." },
	{ "draft", DROVER_BOOL, 0, "false", "Whether its pull requests are drafts." },
	{ 0 },
};

static const char *const variables[] = { "repository", "number", "title", "issue", "author",
	"request", "conversation", "memory", NULL };

static const struct drover_prompt prompt = { .size = sizeof(struct drover_prompt),
	.name = "issue-command",
	.variables = variables };
static const struct drover_prompt *const prompts[] = { &prompt, NULL };

const struct drover_pipeline pipeline_issue_command = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "issue-command",
	.summary = "Has an agent carry out an issue, and opens a pull request.",
	.options = options,
	.pool = "heavy",
	.run = command_run,
	.prompts = prompts,
};

static int
issue_is_open(struct work *w, bool *open, struct drover_error *err)
{
	struct web_answer answer;
	int code;

	*open = false;
	if ((code = hub_get(&w->hub, &answer, 0, err, "/repos/%s/issues/%s", w->ask.slug,
		 w->ask.number)) != 0)
		return code;
	if (answer.status == 200)
		*open = strcmp(json_text(answer.json, "state"), "open") == 0;
	else if (answer.status != 404 && answer.status != 410)
		code = web_refused(&answer, "the issue", err);
	web_answer_free(&answer);
	return code;
}

static const char *
command_prompt(struct work *w, struct drover_error *err)
{
	const struct drover_variable values[] = {
		{ "repository", w->ask.slug, DROVER_TRUSTED, 0 },
		{ "number", w->ask.number, DROVER_TRUSTED, 0 },
		{ "title", w->ask.title, 0, 0 },
		{ "issue", w->ask.context, 0, 0 },
		{ "author", w->ask.author, 0, 0 },
		{ "request", w->ask.text, 0, 0 },
		{ "conversation", thread_text(&w->thread, CONVERSATION_MAX), 0, 0 },
		{ "memory", w->memory, 0, 0 },
	};

	return w->scope->host->prompt->render(w->scope,
	    w->ask.prompt[0] != '\0' ? w->ask.prompt : prompt.name, NULL, values, ARRAY_LEN(values),
	    err);
}

/*
 * Tells the person who named the prompt that it does not exist. No retry would
 * find it.
 */
static int
command_no_prompt(struct work *w, struct drover_error *err)
{
	char text[DROVER_NAME_MAX + 128];
	int code;

	snprintf(text, sizeof(text),
	    "There is no prompt called `%s` here, so I did nothing. Ask again without `--prompt`, "
	    "or with another.",
	    w->ask.prompt);
	if ((code = post_answer(&w->hub, &w->ask, text, w->job->trace, err)) != 0)
		return code;
	return work_note(w, "the prompt that was asked for does not exist", err);
}

static const char *
command_title(const struct work *w)
{
	return w->ask.title[0] != '\0' ? w->ask.title : w->job->title;
}

static int
command_change(struct work *w, struct drover_error *err)
{
	struct drover_change change = { .size = sizeof(change), .title = command_title(w) };
	char trailers[GITHUB_URL_MAX + 32];

	if ((change.prompt = command_prompt(w, err)) == NULL)
		return err->code;
	snprintf(trailers, sizeof(trailers), "Issue: %s#%s\n", w->ask.slug, w->ask.number);
	change.trailers = trailers;
	return work_change(w, &change, err);
}

/* Makes an array of an option of the pipeline. */
static cJSON *
command_labels(struct drover_scope *scope)
{
	size_t n = scope->host->option->count(scope, "labels"), i;
	cJSON *labels = json_array();

	for (i = 0; i < n; i++)
		json_push_text(labels, scope->host->option->item(scope, "labels", i));
	return labels;
}

static int
command_pull(struct work *w, const char *said, char url[GITHUB_URL_MAX], struct drover_error *err)
{
	struct drover_repo repo = { .size = sizeof(repo) };
	char key[DROVER_KEY_MAX], title[256];
	struct text_buf body = { 0 };
	cJSON *labels = command_labels(w->scope);
	struct pull_ask ask = { .slug = w->ask.slug,
		.branch = w->made->branch,
		.title = title,
		.key = key,
		.trace = w->job->trace,
		.labels = labels,
		.draft = w->scope->host->option->integer(w->scope, "draft") != 0 };
	struct pull_made made = { .created = false };
	bool link = w->ask.url[0] != '\0';
	int code;

	ask_key(&w->ask, key);
	snprintf(title, sizeof(title), "%s", command_title(w));
	text_addf(&body, "%s\n\nCloses #%s. Asked for by %s%s%s%s.", said, w->ask.number,
	    w->ask.author, link ? " [here](" : "", w->ask.url, link ? ")" : "");
	talk_checks(&body, w->made);
	ask.body = text_of(&body);
	if (w->scope->host->repo->find(w->scope, w->job->repo, &repo) == 0)
		ask.base = repo.base;
	code = pull_open(&w->hub, &ask, &made, err);
	snprintf(url, GITHUB_URL_MAX, "%s", made.url);
	cJSON_Delete(made.labels);
	cJSON_Delete(labels);
	text_free(&body);
	if (code == 0)
		code = w->scope->host->queue->result(w->scope, "pull", url, err);
	return code;
}

static int
command_finish(struct work *w, struct drover_error *err)
{
	struct text_buf out = { 0 };
	char url[GITHUB_URL_MAX], *tame = work_said(w, w->made->text);
	int code = 0;

	if (!w->made->changed)
		text_addf(&out, "I changed nothing.\n\n%s", tame);
	else if ((code = command_pull(w, tame, url, err)) == 0) {
		text_addf(&out, "I opened %s.", url);
		talk_checks(&out, w->made);
	}
	if (code == 0)
		code = work_answer(w, text_of(&out), err);
	text_free(&out);
	free(tame);
	return code;
}

static int
command_do(struct work *w, struct drover_error *err)
{
	bool open;
	int code;

	if ((code = work_open(w, err)) != 0 || (code = issue_is_open(w, &open, err)) != 0 ||
	    (code = work_begin(w, open, false, err)) <= 0)
		return code;
	if ((code = command_change(w, err)) == 0)
		return command_finish(w, err);
	return code == DROVER_PERMANENT && w->ask.prompt[0] != '\0' && w->made == NULL ?
	    command_no_prompt(w, err) :
	    code;
}

static int
command_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	struct work w = { .scope = scope, .github = plugin, .job = job };
	int code = command_do(&w, err);

	work_free(&w);
	return code;
}
