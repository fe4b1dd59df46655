/* SPDX-License-Identifier: Apache-2.0 */
/* Slack's Events API over HTTP: a signed request only makes the next poll come sooner. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "slack.h"

#include "common/talk.h"

#define AGE_MAX 300 /* seconds, as Slack recommends */
#define CHALLENGE_MAX 1024

static const char *header_of(const struct drover_delivery *, const char *);
static int hook_challenge(const cJSON *, struct drover_receipt *, struct drover_error *);

static const char *
header_of(const struct drover_delivery *d, const char *name)
{
	uint64_t i;

	for (i = 0; i < d->headers_len; i++)
		if (strcmp(d->headers[i].key, name) == 0)
			return d->headers[i].value;
	return "";
}

bool
hook_signed(const char *secret, const char *ts, const char *body, size_t len, const char *signature, int64_t now_ms)
{
	char mac[65], want[72], *base, *rest;
	long long seconds;
	int prefix;
	bool good;

	if (*secret == '\0' || strspn(ts, "0123456789") != strlen(ts) || *ts == '\0' || strlen(ts) > 12)
		return false;
	seconds = strtoll(ts, &rest, 10);
	if (now_ms / 1000 - seconds > AGE_MAX || seconds - now_ms / 1000 > AGE_MAX)
		return false;
	if ((base = malloc(len + 32)) == NULL)
		return false;
	prefix = snprintf(base, 32, "v0:%s:", ts);
	memcpy(base + prefix, body, len);
	good = talk_hmac(secret, strlen(secret), base, len + (size_t)prefix, mac) == 0;
	free(base);
	snprintf(want, sizeof(want), "v0=%s", mac);
	return good && talk_same(want, signature);
}

static int
hook_challenge(const cJSON *json, struct drover_receipt *receipt, struct drover_error *err)
{
	const char *challenge = json_text(json, "challenge");
	size_t len = strlen(challenge);

	/* Given back as it is, so nothing that a browser would take for a page. */
	if (len == 0 || len > CHALLENGE_MAX || strspn(challenge, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_.-") != len)
		return plugin_fail(err, DROVER_PERMANENT, "url_verification: the challenge is none");
	receipt->status = 200;
	snprintf(receipt->body, sizeof(receipt->body), "%s", challenge);
	return 0;
}

int
slack_hook(struct drover_scope *scope, void *plugin, const struct drover_delivery *delivery, struct drover_receipt *receipt,
    struct drover_error *err)
{
	const struct drover_host *host = scope->host;
	char secret[256];
	const char *type, *self;
	struct hint hint;
	int64_t len;
	cJSON *json;
	bool good;
	int code = 0;

	if ((len = host->secret->get(scope, "signing_secret", secret, sizeof(secret), err)) < 0)
		return err->code != 0 ? err->code : plugin_fail(err, DROVER_CONFIG, "slack: events came, and there is no signing_secret to check them");
	good = len > 0 && (size_t)len < sizeof(secret) && hook_signed(secret, header_of(delivery, "x-slack-request-timestamp"), delivery->body,
	    (size_t)delivery->body_len, header_of(delivery, "x-slack-signature"), host->time->now(scope));
	OPENSSL_cleanse(secret, sizeof(secret));
	if (!good)
		return plugin_fail(err, DROVER_AUTH, "slack: an event is not signed by signing_secret, or is older than %d s", AGE_MAX);
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
		if (*header_of(delivery, "x-slack-retry-num") != '\0')
			host->log->printf(scope, DROVER_INFO, "slack: an event came again: %.80s", header_of(delivery, "x-slack-retry-reason"));
	} else if (strcmp(type, "app_rate_limited") == 0) {
		/* Events are being dropped: polling sees what they would have said. */
		host->log->printf(scope, DROVER_WARN, "slack: events are being dropped, there are too many of them");
		code = host->queue->wake(scope, SLACK_SOURCE, err);
	}
	cJSON_Delete(json);
	return code;
}
