/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin for the end-to-end tests: its pipelines render a prompt and report
 * it, change a branch that is there, and let an agent look at a worktree; one
 * fetches repos. The payload is the name of the prompt or branch, or of the
 * repos.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drover/plugin.h>

static const char *
render(struct drover_scope *scope, const struct drover_job *job, const char *name,
    struct drover_error *err)
{
	const struct drover_variable variables[] = {
		{ .name = "task", .value = job->title },
		{ .name = "repo", .value = job->repo, .flags = DROVER_TRUSTED },
	};

	return scope->host->prompt->render(scope, name, NULL, variables,
	    sizeof(variables) / sizeof(*variables), err);
}

static int
write_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	const char *prompt = render(scope, job, job->payload, err);

	return prompt == NULL ? err->code :
				scope->host->queue->result(scope, "prompt", prompt, err);
}

static int
onto_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	const char *prompt = render(scope, job, "brief", err);
	struct drover_change_result *result;
	struct drover_change change = { .size = sizeof(change),
		.flags = DROVER_CHANGE_ONTO,
		.branch = job->payload,
		.prompt = prompt };
	int rc;

	if (prompt == NULL)
		return err->code;
	result = calloc(1, sizeof(*result));
	if (result == NULL)
		return DROVER_AGAIN;
	result->size = sizeof(*result);
	rc = scope->host->change->run(scope, &change, result, err);
	free(result);
	return rc;
}

static int
look_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	struct drover_lease lease = { .size = sizeof(lease) };
	struct drover_diff diff = { .size = sizeof(diff) };
	struct drover_agent_run run = { .size = sizeof(run),
		.flags = DROVER_AGENT_READ_ONLY,
		.prompt = "Look.",
		.cwd = lease.path };
	struct drover_agent_result *result;
	char files[16];
	int rc;

	rc = scope->host->lease->acquire(scope, NULL, NULL, &lease, err);
	if (rc != 0)
		return rc;
	result = calloc(1, sizeof(*result));
	if (result == NULL)
		return DROVER_AGAIN;
	result->size = sizeof(*result);
	rc = scope->host->agent->run(scope, &run, result, err);
	free(result);
	if (rc == 0)
		rc = scope->host->git->diff(scope, lease.handle, &diff, err);
	if (rc != 0)
		return rc;
	snprintf(files, sizeof(files), "%u", diff.files);
	return scope->host->queue->result(scope, "files", files, err);
}

/*
 * Fetches the repos, and reports what is said to who asks for a credential by
 * name.
 */
static int
gather_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	char names[256], reply[256], *list[8], *rest = names;
	struct drover_error refusal = { 0 };
	size_t n = 0;
	int rc;

	snprintf(names, sizeof(names), "%s", job->payload);
	while (n < sizeof(list) / sizeof(*list) && (list[n] = strsep(&rest, " ")) != NULL)
		n++;
	rc = scope->host->lease->fetch(scope, (const char *const *)list, n, err);
	if (rc != 0)
		return rc;
	if (scope->host->call->call(scope, "github.git-token", "{}", 2, reply, sizeof(reply),
		&refusal) >= 0)
		snprintf(refusal.text, sizeof(refusal.text), "answered");
	return scope->host->queue->result(scope, "refusal", refusal.text, err);
}

static const char *const brief_variables[] = { "task", "repo", NULL };
static const struct drover_prompt brief = { .size = sizeof(brief),
	.name = "brief",
	.variables = brief_variables };
static const struct drover_prompt *const prompts[] = { &brief, NULL };
static const struct drover_pipeline write_pipeline = {
	.size = sizeof(write_pipeline),
	.name = "write",
	.summary = "Renders a prompt.",
	.run = write_run,
	.prompts = prompts,
};
static const struct drover_pipeline onto_pipeline = {
	.size = sizeof(onto_pipeline),
	.name = "onto",
	.summary = "Changes a branch.",
	.retries = 3,
	.run = onto_run,
	.prompts = prompts,
};
static const struct drover_pipeline look_pipeline = {
	.size = sizeof(look_pipeline),
	.name = "look",
	.summary = "Looks at a worktree.",
	.run = look_run,
};
static const struct drover_pipeline gather_pipeline = {
	.size = sizeof(gather_pipeline),
	.name = "gather",
	.summary = "Fetches repos.",
	.run = gather_run,
};
static const struct drover_pipeline *const pipelines[] = { &write_pipeline, &onto_pipeline,
	&look_pipeline, &gather_pipeline, NULL };

DROVER_EXPORT const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.needs_minor = 1,
	.name = "scribe",
	.version = "1",
	.summary = "Prompts and branches, for tests.",
	.pipelines = pipelines,
};
