/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipelines pr-comment and pr-mention: what people ask on pull requests,
 * drover's own and those of others.
 */
#include "github.h"

static int comment_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);
static int mention_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);

static const char *const variables[] = {
	"repository",
	"number",
	"push",
	"title",
	"branch",
	"base",
	"description",
	"author",
	"request",
	"place",
	"context",
	"diff",
	"conversation",
	"memory",
	NULL,
};

static const struct drover_prompt prompt_comment = { .size = sizeof(struct drover_prompt),
	.name = "pr-comment",
	.variables = variables };
static const struct drover_prompt prompt_mention = { .size = sizeof(struct drover_prompt),
	.name = "pr-mention",
	.variables = variables };
static const struct drover_prompt *const prompts_comment[] = { &prompt_comment, NULL };
static const struct drover_prompt *const prompts_mention[] = { &prompt_mention, NULL };

const struct drover_pipeline pipeline_pr_comment = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "pr-comment",
	.summary = "Answers a comment on drover's own pull request, and pushes what it asks for.",
	.run = comment_run,
	.prompts = prompts_comment,
};

const struct drover_pipeline pipeline_pr_mention = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "pr-mention",
	.summary = "Answers who mentioned drover on a pull request, or changes it.",
	.run = mention_run,
	.prompts = prompts_mention,
};

static int
comment_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	return work_pull(scope, plugin, job, false, err);
}

static int
mention_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	return work_pull(scope, plugin, job, true, err);
}
