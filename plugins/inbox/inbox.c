/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin inbox, for tickets that are files. The source folder finds them,
 * and the pipeline ticket has an agent carry them out.
 */
#include <stdlib.h>

#include "inbox.h"

static int ticket_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);

static const struct drover_pipeline pipeline_ticket = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "ticket",
	.summary = "Has an agent make the change that a Markdown ticket asks for, checks it and "
		   "pushes a branch.",
	.pool = "heavy",
	.run = ticket_run,
};

static const struct drover_source *const sources[] = { &inbox_folder, NULL };
static const struct drover_pipeline *const pipelines[] = { &pipeline_ticket, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.name = "inbox",
	.version = "1.0",
	.summary = "A folder of Markdown tickets.",
	.sources = sources,
	.pipelines = pipelines,
};

static int
ticket_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	struct drover_change change = { .size = sizeof(change) };
	struct drover_change_result *result;
	struct ticket ticket;
	char why[DROVER_ERROR_MAX], *prompt;
	int code;

	if (ticket_parse(scope, job->payload, job->payload_len, &ticket, why, sizeof(why)) != 0)
		return plugin_fail(err, DROVER_PERMANENT, "not a ticket: %s", why);
	if (job->repo[0] == '\0')
		return plugin_fail(err, DROVER_PERMANENT,
		    "the job has no repository: submit it with one");
	prompt = ticket_prompt(&ticket, job);
	result = xcalloc(1, sizeof(*result));
	result->size = sizeof(*result);
	change.title = ticket.title;
	change.prompt = prompt;
	/*
	 * change->run() itself reports the branch, the commit, the checks and
	 * the tokens.
	 */
	code = scope->host->change->run(scope, &change, result, err);
	free(prompt);
	free(result);
	return code;
}
