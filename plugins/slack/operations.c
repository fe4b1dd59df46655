/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations for other plugins and operators: post a message, and check
 * whether that would work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#include "common/authors.h"
#include "common/reply.h"

static int post_call(struct drover_scope *, void *, const char *, uint64_t, struct drover_error *);
static int probe_call(struct drover_scope *, void *, const char *, uint64_t, struct drover_error *);
static void probe_scopes(struct drover_scope *, const struct account *, struct probe *);
static void probe_channels(struct account *, struct probe *);
static void probe_app(struct drover_scope *, struct probe *);

const struct drover_operation slack_post = {
	.size = sizeof(struct drover_operation),
	.name = "post",
	.summary = "Posts a message, once for a key: {channel, text (Markdown), thread, key}.",
	.call = post_call,
};

const struct drover_operation slack_probe = {
	.size = sizeof(struct drover_operation),
	.name = "probe",
	.summary = "Says whether the tokens work and what they lack: {}.",
	.call = probe_call,
};

static int
post_call(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	cJSON *json = json_read(request, (size_t)len, err), *reply;
	const char *thread = json_text(json, "thread");
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX], *text = NULL;
	struct post post = { .channel = channel, .key = json_text(json, "key") };
	struct account account;
	int code;

	if (json == NULL)
		return plugin_fail(err, DROVER_PERMANENT, "slack.post: the request is not JSON");
	if (*json_text(json, "text") == '\0' || *post.key == '\0' ||
	    *json_text(json, "channel") == '\0') {
		code = plugin_fail(err, DROVER_PERMANENT,
		    "slack.post takes channel, text, key and, where it is a reply, thread");
		goto out;
	}
	if (strlen(post.key) >= DROVER_KEY_MAX || (*thread != '\0' && !ts_valid(thread))) {
		code = plugin_fail(err, DROVER_PERMANENT, "slack.post: %s",
		    *thread != '\0' && !ts_valid(thread) ?
			"thread is not a ts like 1503435956.000247" :
			"key is too long");
		goto out;
	}
	post.thread = *thread != '\0' ? thread : NULL;
	post.text = text = mrkdwn_write(scope, json_text(json, "text"), SLACK_POST_MAX);
	if ((code = account_open(&account, scope, "bot_token", err)) != 0)
		goto out;
	account.critical = true;
	if ((code = account_who(&account, err)) == 0 &&
	    (code = channel_find(&account, json_text(json, "channel"), channel, err)) == 0)
		code = post_once(&account, &post, ts, err);
	account_close(&account);
	if (code != 0)
		goto out;
	reply = json_object();
	json_put_text(reply, "channel", channel);
	json_put_text(reply, "ts", ts);
	code = reply_send(scope, reply, err);
out:
	cJSON_Delete(json);
	free(text);
	return code;
}

/* Names the scopes that the configuration needs and the token does not have. */
static void
probe_scopes(struct drover_scope *scope, const struct account *a, struct probe *probe)
{
	static const struct {
		const char *scope, *other, *why;
		/*
		 * when it is needed: always, or if authors name the workspace
		 * (w) or a group (g), or for reactions (r)
		 */
		char when;
	} needs[] = {
		{ "chat:write", NULL, "to answer", 0 },
		{ "channels:history", "groups:history", "to read messages", 0 },
		{ "channels:read", "groups:read", "to find its channels", 0 },
		{ "reactions:write", NULL, "for reactions", 'r' },
		{ "users:read", NULL, "to tell members of the workspace by authors", 'w' },
		{ "usergroups:read", NULL, "to tell members of user groups by authors", 'g' },
	};
	const struct drover_host *host = scope->host;
	bool workspace = authors_name(scope, SLACK_SOURCE, "workspace"),
	     group = authors_name(scope, SLACK_SOURCE, "@");
	struct text_buf missing = { 0 };
	size_t i;

	if (a->scopes[0] == '\0') {
		probe_say(probe, "scopes", true, "Slack does not say which scopes the token has");
		return;
	}
	for (i = 0; i < ARRAY_LEN(needs); i++) {
		if ((needs[i].when == 'r' && host->option->integer(scope, "reactions") == 0) ||
		    (needs[i].when == 'w' && !workspace) || (needs[i].when == 'g' && !group))
			continue;
		if (account_lacks(a, needs[i].scope) &&
		    (needs[i].other == NULL || account_lacks(a, needs[i].other)))
			text_addf(&missing, "%s%s (%s)", missing.len > 0 ? ", " : "",
			    needs[i].scope, needs[i].why);
	}
	if (missing.len > 0)
		probe_say(probe, "scopes", false, "add to the app and install it again: %s",
		    text_of(&missing));
	else
		probe_say(probe, "scopes", true, "%s", a->scopes);
	text_free(&missing);
}

static void
probe_channels(struct account *a, struct probe *probe)
{
	const struct drover_host_option *option = a->scope->host->option;
	char id[SLACK_ID_MAX];
	struct drover_error err;
	struct web_answer answer;
	size_t i, n = option->count(a->scope, "channels"), found;
	char (*ids)[SLACK_ID_MAX];

	if (n == 0) {
		if (channel_list(a, &ids, &found, &err) != 0) {
			probe_say(probe, "channels", false, "%s", err.text);
			return;
		}
		free(ids);
		probe_say(probe, "channels", found > 0, "the bot is in %zu%s%s", found,
		    found > 0 ? "" : ": invite it, /invite @", found > 0 ? "" : a->name);
		return;
	}
	for (i = 0; i < n; i++) {
		const char *name = option->item(a->scope, "channels", i);
		const struct param params[] = { { "channel", id }, { NULL, NULL } };

		if (channel_find(a, name, id, &err) != 0 ||
		    account_call(a, "conversations.info", NULL, params, &answer, &err) != 0) {
			probe_say(probe, "channel", false, "%.80s: %s", name, err.text);
			continue;
		}
		if (json_true(json_at(answer.json, "channel"), "is_member"))
			probe_say(probe, "channel", true, "%.80s", name);
		else
			probe_say(probe, "channel", false, "%.80s: the bot is not in it: invite it",
			    name);
		web_answer_free(&answer);
	}
}

static void
probe_app(struct drover_scope *scope, struct probe *probe)
{
	struct web_answer answer;
	struct drover_error err;
	struct account app;

	if (!scope->host->secret->given(scope, "app_token"))
		return;
	if (account_open(&app, scope, "app_token", &err) != 0) {
		probe_say(probe, "app_token", false, "%s", err.text);
		return;
	}
	/*
	 * The connection that the call offers is not used, and expires by
	 * itself.
	 */
	if (account_call(&app, "apps.connections.open", NULL, NULL, &answer, &err) == 0) {
		web_answer_free(&answer);
		probe_say(probe, "app_token", true, "Socket Mode is on");
	} else {
		probe_say(probe, "app_token", false, "%s", err.text);
	}
	account_close(&app);
}

static int
probe_call(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	struct account account = { .scope = scope };
	struct drover_error why = { 0 };
	struct probe probe = { 0 };
	int code;

	if (account_open(&account, scope, "bot_token", &why) != 0 ||
	    account_who(&account, &why) != 0) {
		probe_say(&probe, "token", false, "%s", why.text);
	} else {
		probe_say(&probe, "token", true, "%s in %s", account.name,
		    account.url[0] != '\0' ? account.url : account.team);
		probe_scopes(scope, &account, &probe);
		probe_channels(&account, &probe);
	}
	probe_app(scope, &probe);
	code = probe_reply(scope, &probe, account.name,
	    account.web.base != NULL ? account.web.base : "", err);
	account_close(&account);
	return code;
}
