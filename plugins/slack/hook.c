/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles Slack's Events API over HTTP: a signed request makes the next poll
 * come at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#include "common/hook.h"

#define AGE_MAX 300 /* seconds, as Slack recommends */
#define TS_MAX        12  /* digits */
#define CHALLENGE_MAX 1024

static bool hook_fresh(const char *, int64_t);
static int hook_challenge(const cJSON *, struct drover_receipt *, struct drover_error *);

/*
 * The time is part of what is signed, so an old delivery that is sent again is
 * found by its age.
 */
static bool
hook_fresh(const char *ts, int64_t now_ms)
{
	long long seconds;

	if (!text_is_of(ts, TEXT_DIGITS) || strlen(ts) > TS_MAX)
		return false;
	seconds = strtoll(ts, NULL, 10);
	return now_ms / 1000 - seconds <= AGE_MAX && seconds - now_ms / 1000 <= AGE_MAX;
}

static int
hook_challenge(const cJSON *json, struct drover_receipt *receipt, struct drover_error *err)
{
	const char *challenge = json_text(json, "challenge");

	/*
	 * The challenge is sent back as it is, so it must not look like a page
	 * to a browser.
	 */
	if (strlen(challenge) > CHALLENGE_MAX || !text_is_of(challenge, TEXT_ALNUM "+/=_.-"))
		return plugin_fail(err, DROVER_PERMANENT, "url_verification: bad challenge");
	receipt->status = 200;
	snprintf(receipt->body, sizeof(receipt->body), "%s", challenge);
	return 0;
}

int
slack_hook(struct drover_scope *scope, void *plugin, const struct drover_delivery *delivery,
    struct drover_receipt *receipt, struct drover_error *err)
{
	const struct drover_host *host = scope->host;
	const char *type, *self, *ts = hook_header(delivery, "x-slack-request-timestamp");
	char before[TS_MAX + 8];
	struct hook_signature signature = { .option = "signing_secret",
		.header = "x-slack-signature",
		.scheme = "v0=",
		.before = before };
	struct hint hint;
	cJSON *json;
	int code;

	if (!hook_fresh(ts, host->time->now(scope)))
		return plugin_fail(err, DROVER_AUTH,
		    "slack: an event is more than %d s old: it was sent again, or a clock is wrong",
		    AGE_MAX);
	snprintf(before, sizeof(before), "v0:%s:", ts);
	if ((code = hook_prove(scope, delivery, &signature, err)) != 0)
		return code;
	if ((json = json_read(delivery->body, (size_t)delivery->body_len, err)) == NULL)
		return plugin_fail(err, DROVER_PERMANENT, "slack: an event is not JSON");
	type = json_text(json, "type");
	receipt->status = 200;
	if (strcmp(type, "url_verification") == 0) {
		code = hook_challenge(json, receipt, err);
	} else if (strcmp(type, "event_callback") == 0) {
		snprintf(receipt->id, sizeof(receipt->id), "%.200s", json_text(json, "event_id"));
		self = json_text(cJSON_GetArrayItem(json_at(json, "authorizations"), 0), "user_id");
		if (hint_from_event(json_at(json, "event"), self, &hint))
			code = hint_leave(scope, &hint, err);
		if (*hook_header(delivery, "x-slack-retry-num") != '\0')
			plugin_log(scope, DROVER_INFO, "slack: an event came again: %.80s",
			    hook_header(delivery, "x-slack-retry-reason"));
	} else if (strcmp(type, "app_rate_limited") == 0) {
		/* Polling finds what the dropped events would have told. */
		plugin_log(scope, DROVER_WARN,
		    "slack: there are too many events, and Slack drops some");
		code = host->queue->wake(scope, SLACK_SOURCE, err);
	}
	cJSON_Delete(json);
	return code;
}
