/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin jira. scan.c with source_ticket.c and source_review.c finds work;
 * pipeline_fix.c, with fix_*.c, and pipeline_review.c do it; operations.c is
 * for other plugins and operators, hook.c for Jira's webhooks. All of them ask
 * Jira through account.c: search.c, issue.c, transition.c, comment.c and
 * person.c say what is asked, judge.c what refusals mean, and adf.c, wiki.c and
 * their companions read and write Jira's texts.
 */
#include "jira/jira.h"

static const struct drover_option options[] = {
	{ "base_url", DROVER_STRING, DROVER_REQUIRED, NULL,
	    "Address of the Jira: https://SITE.atlassian.net, or "
	    "https://api.atlassian.com/ex/jira/CLOUD-ID for scoped tokens." },
	{ "flavor", DROVER_STRING, 0, "cloud", "\"cloud\", or \"server\" for Data Center." },
	{ "email", DROVER_STRING, 0, NULL,
	    "E-mail of the account on Cloud; without it the token is sent as a bearer token." },
	{ "token", DROVER_STRING, DROVER_SECRET | DROVER_REQUIRED, NULL,
	    "API token (Cloud) or personal access token (Data Center)." },
	{ "account", DROVER_STRING, 0, NULL,
	    "Account id (Data Center: name) that the token must be of." },
	{ "browse_url", DROVER_STRING, 0, NULL,
	    "Where people see issues, when base_url is not that." },
	{ "webhook_secret", DROVER_STRING, DROVER_SECRET, NULL,
	    "Secret of the webhook that points to /hooks/jira." },
	{ "extra_headers", DROVER_LIST, 0, NULL, "Headers of every request, \"Name: value\"." },
	{ "marker", DROVER_BOOL, 0, "true",
	    "Keep properties on issues and comments, which people do not see." },
	{ 0 },
};

static const struct drover_source *const sources[] = { &jira_source_ticket, &jira_source_review,
	NULL };
static const struct drover_pipeline *const pipelines[] = { &jira_pipeline_fix,
	&jira_pipeline_review, NULL };
static const struct drover_operation *const operations[] = {
	&jira_operation_comment, &jira_operation_transition, &jira_operation_probe, NULL,
};

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.needs_minor = 1,
	.name = "jira",
	.version = "1.0",
	.summary = "Tickets of Jira Cloud and Data Center.",
	.options = options,
	.sources = sources,
	.pipelines = pipelines,
	.operations = operations,
	.hook = jira_hook,
};
