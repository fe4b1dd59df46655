/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline issue-command: an issue to a pull request, and a comment with
 * its link on the issue.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define THREAD_MAX (64 * 1024)

static int command_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);

static const struct drover_option options[] = {
	{ "labels", DROVER_LIST, 0, NULL,
	    "Labels for its pull requests; those that do not exist are left out." },
	{ "draft", DROVER_BOOL, 0, "false", "Whether its pull requests are drafts." },
	{ NULL, 0, 0, NULL, NULL },
};

static const char *const variables[] = {
	"repository",
	"number",
	"title",
	"issue",
	"author",
	"request",
	"conversation",
	"memory",
	NULL,
};

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

struct command {
	struct drover_scope *scope;
	struct github *github;
	const struct drover_job *job;
	struct ask ask;
	struct hub hub;
	struct thread thread;
	struct drover_change_result *made;
	char *memory;
	bool open;
};

static int command_find(struct command *, struct drover_error *);
static const char *command_prompt_text(struct command *, struct drover_error *);
static int command_no_prompt(struct command *, struct drover_error *);
static int command_change(struct command *, struct drover_error *);
static int command_pull(struct command *, const char *, char[GITHUB_URL_MAX],
    struct drover_error *);
static int command_finish(struct command *, struct drover_error *);
static int command_do(struct command *, struct drover_error *);

static int
command_find(struct command *c, struct drover_error *err)
{
	struct web_answer answer;
	int code;

	if ((code = hub_get(&c->hub, &answer, 0, err, "/repos/%s/issues/%s", c->ask.slug,
		 c->ask.number)) != 0)
		return code;
	if (answer.status == 200)
		c->open = strcmp(json_text(answer.json, "state"), "open") == 0;
	else if (answer.status != 404 && answer.status != 410)
		code = web_refused(&answer, "the issue", err);
	web_answer_free(&answer);
	return code;
}

static const char *
command_prompt_text(struct command *c, struct drover_error *err)
{
	const struct drover_variable values[] = {
		{ "repository", c->ask.slug, DROVER_TRUSTED, 0 },
		{ "number", c->ask.number, DROVER_TRUSTED, 0 },
		{ "title", c->ask.title, 0, 0 },
		{ "issue", c->ask.context, 0, 0 },
		{ "author", c->ask.author, 0, 0 },
		{ "request", c->ask.text, 0, 0 },
		{ "conversation", thread_text(&c->thread, THREAD_MAX), 0, 0 },
		{ "memory", c->memory, 0, 0 },
	};

	return c->scope->host->prompt->render(c->scope,
	    c->ask.prompt[0] != '\0' ? c->ask.prompt : prompt.name, NULL, values, ARRAY_LEN(values),
	    err);
}

/* Who named it is told: no retry would find it. */
static int
command_no_prompt(struct command *c, struct drover_error *err)
{
	char text[DROVER_NAME_MAX + 128];
	int code;

	snprintf(text, sizeof(text),
	    "There is no prompt called `%s` here, so I did nothing. Ask again without `--prompt`, "
	    "or with another.",
	    c->ask.prompt);
	if ((code = post_answer(&c->hub, &c->ask, text, c->job->trace, err)) != 0)
		return code;
	return work_note(c->scope, "the prompt that was asked for does not exist", err);
}

static int
command_change(struct command *c, struct drover_error *err)
{
	struct drover_change change = { .size = sizeof(change) };
	char trailers[GITHUB_URL_MAX + 32];

	if ((change.prompt = command_prompt_text(c, err)) == NULL)
		return err->code;
	c->made = xcalloc(1, sizeof(*c->made));
	c->made->size = sizeof(*c->made);
	snprintf(trailers, sizeof(trailers), "Issue: %s#%s\n", c->ask.slug, c->ask.number);
	change.title = c->ask.title[0] != '\0' ? c->ask.title : c->job->title;
	change.trailers = trailers;
	return c->scope->host->change->run(c->scope, &change, c->made, err);
}

/* The option of the pipeline as an array. */
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
command_pull(struct command *c, const char *said, char url[GITHUB_URL_MAX],
    struct drover_error *err)
{
	struct drover_repo repo = { .size = sizeof(repo) };
	char key[DROVER_KEY_MAX], title[256];
	struct text_buf body = { 0 };
	cJSON *labels = command_labels(c->scope);
	struct pull_ask ask = { .slug = c->ask.slug,
		.branch = c->made->branch,
		.title = title,
		.key = key,
		.trace = c->job->trace,
		.labels = labels };
	struct pull_made made = { .created = false };
	int code;

	ask_key(&c->ask, key);
	snprintf(title, sizeof(title), "%s",
	    c->ask.title[0] != '\0' ? c->ask.title : c->job->title);
	text_addf(&body, "%s\n\nCloses #%s. Asked for by %s%s%s%s.", said, c->ask.number,
	    c->ask.author, c->ask.url[0] != '\0' ? " [here](" : "", c->ask.url,
	    c->ask.url[0] != '\0' ? ")" : "");
	ask.body = body.data;
	ask.draft = c->scope->host->option->integer(c->scope, "draft") != 0;
	if (c->scope->host->repo->find(c->scope, c->job->repo, &repo) == 0)
		ask.base = repo.base;
	code = pull_open(&c->hub, &ask, &made, err);
	snprintf(url, GITHUB_URL_MAX, "%s", made.url);
	cJSON_Delete(made.labels);
	cJSON_Delete(labels);
	text_free(&body);
	if (code == 0)
		code = c->scope->host->queue->result(c->scope, "pull", url, err);
	return code;
}

static int
command_finish(struct command *c, struct drover_error *err)
{
	char *reply = talk_reply(c->made->text, GITHUB_TEXT_MAX),
	     *tame = post_tame(reply, GITHUB_TEXT_MAX - 4096);
	struct text_buf out = { 0 };
	char url[GITHUB_URL_MAX];
	int code = 0;

	if (c->made->changed) {
		if ((code = command_pull(c, tame, url, err)) == 0)
			text_addf(&out, "I opened %s.%s", url,
			    c->made->checked ? " The repository's checks pass." : "");
	} else
		text_addf(&out, "I changed nothing.\n\n%s", tame);
	if (code == 0 && (code = work_remember(c->scope, &c->ask, out.data, err)) == 0)
		code = post_answer(&c->hub, &c->ask, out.data, c->job->trace, err);
	text_free(&out);
	free(tame);
	free(reply);
	return code;
}

static int
command_do(struct command *c, struct drover_error *err)
{
	int code;

	if ((code = ask_parse(&c->ask, c->job->payload, c->job->payload_len, err)) != 0 ||
	    (code = account_who(c->github, c->scope, err)) != 0 ||
	    (code = hub_open(&c->hub, c->github, c->scope, c->ask.slug, DROVER_HTTP_CRITICAL,
		 err)) != 0 ||
	    (code = command_find(c, err)) != 0)
		return code;
	if (!c->open)
		return work_note(c->scope, "the issue was closed meanwhile: nothing was done", err);
	if ((code = thread_read(&c->thread, &c->hub, &c->ask, false, err)) != 0)
		return code;
	if (c->thread.answered)
		return work_note(c->scope, "answered already", err);
	post_eyes(&c->hub, &c->ask);
	if ((c->memory = work_memory(c->scope, &c->ask, err)) == NULL)
		return err->code;
	if ((code = command_change(c, err)) != 0)
		return code == DROVER_PERMANENT && c->ask.prompt[0] != '\0' && c->made == NULL ?
		    command_no_prompt(c, err) :
		    code;
	return command_finish(c, err);
}

static int
command_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	struct command c = { .scope = scope, .github = plugin, .job = job };
	int code = command_do(&c, err);

	thread_free(&c.thread);
	hub_close(&c.hub);
	ask_free(&c.ask);
	free(c.made);
	free(c.memory);
	return code;
}
