/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slack answers with HTTP 200 and {"ok":false,"error":"..."} when it fails. The
 * tables here say what each error means to drover, and how often each method
 * may be called. The host calls the judge for every answer.
 */
#include <stdio.h>
#include <string.h>

#include "slack.h"

#define RATE_PAUSE 30000 /* the pause if Slack does not say how long */

/* The tiers that Slack has published, for the methods that are called. */
static const struct method methods[] = {
	/* name                    read   once   channel count per_ms */
	{ "apps.connections.open", false, false, false, 5, SLACK_MINUTE },
	{ "auth.test", false, false, false, 100, SLACK_MINUTE },
	{ "chat.postMessage", false, true, true, 1, 1000 },
	{ "chat.update", false, false, false, 50, SLACK_MINUTE },
	{ "conversations.history", true, false, false, 50, SLACK_MINUTE },
	{ "conversations.info", true, false, false, 50, SLACK_MINUTE },
	{ "conversations.replies", true, false, false, 50, SLACK_MINUTE },
	{ "reactions.add", false, false, false, 50, SLACK_MINUTE },
	{ "reactions.remove", false, false, false, 20, SLACK_MINUTE },
	{ "usergroups.list", true, false, false, 20, SLACK_MINUTE },
	{ "users.conversations", true, false, false, 50, SLACK_MINUTE },
	{ "users.info", true, false, false, 100, SLACK_MINUTE },
};

/* What each error means. An error that is not listed is PERMANENT. */
static const struct {
	const char *error;
	int class;
	const char *help;
} errors[] = {
	{ "access_denied", DROVER_CONFIG, "" },
	{ "accesslimited", DROVER_CONFIG, "" },
	{ "account_inactive", DROVER_AUTH,
	    "the app was removed from the workspace: install it again" },
	{ "ekm_access_denied", DROVER_CONFIG, "" },
	{ "fatal_error", DROVER_AGAIN, "" },
	{ "internal_error", DROVER_AGAIN, "" },
	{ "invalid_auth", DROVER_AUTH, "the token is refused: check it" },
	{ "missing_scope", DROVER_CONFIG, "add the scope to the app and install it again" },
	{ "no_permission", DROVER_CONFIG, "" },
	{ "not_allowed_token_type", DROVER_CONFIG,
	    "bot_token begins with xoxb-, app_token with xapp-" },
	{ "not_authed", DROVER_AUTH, "no token arrived" },
	{ "org_login_required", DROVER_CONFIG, "" },
	{ "rate_limited", DROVER_QUOTA, "" },
	{ "ratelimited", DROVER_QUOTA, "" },
	{ "request_timeout", DROVER_AGAIN, "" },
	{ "service_unavailable", DROVER_AGAIN, "" },
	{ "team_access_not_granted", DROVER_CONFIG, "" },
	{ "team_added_to_org", DROVER_AGAIN, "" },
	{ "token_expired", DROVER_AUTH,
	    "the token has expired: drover takes tokens without rotation" },
	{ "token_revoked", DROVER_AUTH, "the token was revoked: make a new one" },
	{ "channel_not_found", DROVER_PERMANENT,
	    "there is no such channel, or the bot may not see it: invite it" },
	{ "not_in_channel", DROVER_PERMANENT, "invite the bot to the channel" },
	{ "is_archived", DROVER_PERMANENT, "the channel is archived" },
};

static const struct {
	const char *method, *error;
} done[] = {
	{ "reactions.add", "already_reacted" },
	{ "reactions.remove", "no_reaction" },
};

static const char *const of_channel[] = {
	"channel_not_found",
	"not_in_channel",
	"is_archived",
	"method_not_supported_for_channel_type",
	"channel_is_limited_access",
	"no_permission",
	"missing_scope",
	"access_denied",
};

static void judge_text(const char *, const char *, const cJSON *, char *, size_t);

const struct method *
method_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

/* Finds the class of an error, and what to do about it, or "". */
static int
judge_class(const char *error, const char **help)
{
	size_t i;

	*help = "";
	for (i = 0; i < ARRAY_LEN(errors); i++) {
		if (strcmp(errors[i].error, error) != 0)
			continue;
		*help = errors[i].help;
		return errors[i].class;
	}
	return DROVER_PERMANENT;
}

/* True if the error says that things are already as they were asked to be. */
static bool
judge_is_done(const char *method, const char *error)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(done); i++)
		if (strcmp(done[i].method, method) == 0 && strcmp(done[i].error, error) == 0)
			return true;
	return false;
}

bool
judge_is_of_channel(const char *error)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(of_channel); i++)
		if (strcmp(of_channel[i], error) == 0)
			return true;
	return false;
}

static void
judge_text(const char *error, const char *help, const cJSON *json, char *out, size_t size)
{
	char shown[64], needed[128], provided[256];

	text_line(shown, sizeof(shown), error);
	if (strcmp(error, "missing_scope") != 0) {
		snprintf(out, size, "%s%s%s", shown, *help != '\0' ? ": " : "", help);
		return;
	}
	text_line(needed, sizeof(needed), json_text(json, "needed"));
	text_line(provided, sizeof(provided), json_text(json, "provided"));
	snprintf(out, size, "missing_scope: needs %s, the token has %s: %s",
	    needed[0] != '\0' ? needed : "another scope", provided[0] != '\0' ? provided : "others",
	    help);
}

void
judge_answer(void *arg, struct drover_scope *scope, const struct drover_http_response *response,
    struct drover_http_verdict *verdict)
{
	static const char good[] = "{\"ok\":true";
	struct judged *j = arg;
	struct drover_error ignored;
	const char *error, *help;
	cJSON *json;

	j->error[0] = '\0';
	j->unsure = false;
	if (response->status == 429) {
		/* Slack counts each method by itself. */
		verdict->code = DROVER_QUOTA;
		verdict->limit = j->limit;
		snprintf(verdict->text, sizeof(verdict->text), "rate limited");
		return;
	}
	j->unsure = response->status >= 500;
	/* Most answers are good and long, so they are not parsed twice. */
	if (response->status != 200 || response->body == NULL ||
	    strncmp(response->body, good, sizeof(good) - 1) == 0)
		goto out;
	if ((json = json_read(response->body, (size_t)response->body_len, &ignored)) == NULL) {
		j->unsure = true;
		goto out;
	}
	error = json_text(json, "error");
	/* account_call() refuses an answer without an error. */
	if (!json_true(json, "ok") && *error != '\0') {
		snprintf(j->error, sizeof(j->error), "%s", error);
		if (!judge_is_done(j->method->name, j->error)) {
			verdict->code = judge_class(j->error, &help);
			judge_text(j->error, help, json, verdict->text, sizeof(verdict->text));
			if (verdict->code == DROVER_QUOTA) {
				verdict->limit = j->limit;
				if (verdict->retry_after_ms == 0)
					verdict->retry_after_ms = RATE_PAUSE;
			}
			/*
			 * Slack says that such an operation may have succeeded
			 * in part.
			 */
			j->unsure = verdict->code == DROVER_AGAIN;
		}
	}
	cJSON_Delete(json);
out:
	/*
	 * With AGAIN the host would post again. account_call() turns the class
	 * into AGAIN for its caller.
	 */
	if (j->unsure && j->method->once && verdict->code == DROVER_AGAIN)
		verdict->code = DROVER_INTERNAL;
}
