/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin slack: people mention the bot, and it answers in their thread.
 * source_mention.c and look.c find what was said, helped by hints from hook.c
 * and socket.c; pipeline_mention.c answers.
 */
#include <string.h>

#include "slack.h"

static int slack_open(struct drover_scope *, void **, struct drover_error *);

static const struct drover_option options[] = {
	{ "api_url", DROVER_STRING, 0, "https://slack.com/api", "Base of the Web API." },
	{ "bot_token", DROVER_STRING, DROVER_SECRET | DROVER_REQUIRED, NULL,
	    "Bot token, xoxb-..., of an app that was installed in the workspace." },
	{ "app_token", DROVER_STRING, DROVER_SECRET, NULL,
	    "App-level token, xapp-..., for Socket Mode, which makes polls come at once." },
	{ "signing_secret", DROVER_STRING, DROVER_SECRET, NULL,
	    "Signing secret of the app, where Slack sends events to /hooks/slack." },
	{ "channels", DROVER_LIST, 0, NULL,
	    "Channels by id (C024BE91L) or name (#web); unless given, all that the bot is in." },
	{ "repo", DROVER_STRING, 0, NULL,
	    "Repository of messages that name none; default: the only one that is configured." },
	{ "channel_repos", DROVER_LIST, 0, NULL,
	    "Repository by channel, \"C024BE91L=web\"; goes before repo." },
	{ "history_per_minute", DROVER_INT, 0, "0",
	    "Pages of history a minute, for apps that Slack allows but 1; 0 for the usual 50." },
	{ "reactions", DROVER_BOOL, 0, "true",
	    "Shows by reactions what was taken and what is done." },
	{ "marker", DROVER_BOOL, 0, "true",
	    "Gives messages metadata, by which they are found again after a crash." },
	{ "extra_headers", DROVER_LIST, 0, NULL, "Headers of each request, \"Name: value\"." },
	{ "ca_file", DROVER_PATH, 0, NULL,
	    "Certificates that Socket Mode trusts instead of the system's." },
	{ "ping_timeout", DROVER_DURATION, 0, "30s",
	    "Socket Mode begins anew when nothing was heard for so long." },
	{ 0 },
};

static const struct drover_source *const sources[] = { &slack_mention, NULL };
static const struct drover_pipeline *const pipelines[] = { &slack_pipeline, NULL };
static const struct drover_operation *const operations[] = { &slack_post, &slack_probe, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.needs_minor = 1,
	.name = "slack",
	.version = "1.0",
	.summary = "Mentions in Slack, answered in their thread.",
	.options = options,
	.sources = sources,
	.pipelines = pipelines,
	.operations = operations,
	.open = slack_open,
	.hook = slack_hook,
};

static int
slack_open(struct drover_scope *scope, void **plugin, struct drover_error *err)
{
	const struct drover_host_option *option = scope->host->option;
	int64_t pages = option->integer(scope, "history_per_minute");
	const char *text;
	size_t i;

	*plugin = NULL;
	if (pages < 0 || pages > 1000)
		return plugin_fail(err, DROVER_CONFIG,
		    "option history_per_minute: must be 0 to 1000");
	if (option->integer(scope, "ping_timeout") < 1000 ||
	    option->integer(scope, "ping_timeout") > SLACK_HOUR)
		return plugin_fail(err, DROVER_CONFIG, "option ping_timeout: must be 1s to 1h");
	for (i = 0; i < option->count(scope, "channel_repos"); i++) {
		text = option->item(scope, "channel_repos", i);
		if (strchr(text, '=') == NULL ||
		    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strcspn(text, "="))
			return plugin_fail(err, DROVER_CONFIG,
			    "option channel_repos: \"%.80s\" is not CHANNEL=REPO as C024BE91L=web",
			    text);
	}
	return 0;
}
