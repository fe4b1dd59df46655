/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin github: comments, mentions and commands become jobs, and jobs
 * become answers and pull requests. source_pull.c and source_command.c find
 * work, by watch.c, poll.c and track.c; pipeline_pull.c and pipeline_command.c
 * do it, by work.c, thread.c, post.c and pull.c. Whatever asks GitHub goes
 * through account.c.
 */
#include <stdlib.h>

#include "github.h"

static int github_open(struct drover_scope *, void **, struct drover_error *);
static void github_close(struct drover_scope *, void *);

static const struct drover_option options[] = {
	{ "api_url", DROVER_STRING, 0, "https://api.github.com",
	    "Base URL of the REST API; of GitHub Enterprise Server https://HOST/api/v3." },
	{ "token", DROVER_STRING, DROVER_SECRET, NULL,
	    "Personal access token of the account that drover works as; instead of a GitHub App." },
	{ "app_id", DROVER_STRING, 0, NULL, "Id of the GitHub App that drover works as." },
	{ "installation_id", DROVER_STRING, 0, NULL,
	    "The App's one installation; found for each repository unless given." },
	{ "private_key", DROVER_STRING, DROVER_SECRET, NULL, "The App's private key, PEM." },
	{ "user", DROVER_STRING, 0, NULL,
	    "drover's own login, \"slug[bot]\" for an App; asked of GitHub unless given." },
	{ "webhook_secret", DROVER_STRING, DROVER_SECRET, NULL,
	    "Secret of the webhook that makes polls come at once." },
	{ "extra_headers", DROVER_LIST, 0, NULL,
	    "Headers of every request, each \"Name: value\"." },
	{ "marker", DROVER_BOOL, 0, "true",
	    "Whether posts end in a hidden comment by which they are found again after a crash." },
	{ "slugs", DROVER_LIST, 0, NULL,
	    "Each \"REPO=owner/name\", for repos whose url does not end in owner/name." },
	{ 0 },
};

static const struct drover_source *const sources[] = { &github_pr_comment, &github_pr_mention,
	&github_issue_command, NULL };
static const struct drover_pipeline *const pipelines[] = { &pipeline_pr_comment,
	&pipeline_pr_mention, &pipeline_issue_command, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.needs_minor = 1,
	.name = "github",
	.version = "1.0",
	.summary = "GitHub: answers on pull requests, issues to pull requests.",
	.options = options,
	.sources = sources,
	.pipelines = pipelines,
	.operations = github_operations,
	.open = github_open,
	.close = github_close,
	.hook = github_hook,
};

static int
github_open(struct drover_scope *scope, void **plugin, struct drover_error *err)
{
	int code;

	if ((code = account_check(scope, err)) != 0)
		return code;
	*plugin = xcalloc(1, sizeof(struct github));
	return 0;
}

static void
github_close(struct drover_scope *scope, void *plugin)
{
	struct github *github = plugin;
	size_t i;

	for (i = 0; i < TOKENS; i++)
		secret_free(github->tokens[i].text);
	free(github);
}
