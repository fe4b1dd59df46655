/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: the signature over the raw bytes, then a word to the sources that have something to look for. What the
 * delivery says is not used for anything else; polling finds it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "github.h"

#define COMMENT 0x1u
#define MENTION 0x2u
#define COMMAND 0x4u

static const struct {
	const char *event;
	unsigned sources;
} events[] = {
	{ "issue_comment", COMMENT | MENTION | COMMAND },
	{ "issues", COMMAND },
	{ "pull_request", COMMENT | MENTION },
	{ "pull_request_review", COMMENT | MENTION },
	{ "pull_request_review_comment", COMMENT | MENTION },
};

static const char *delivery_header(const struct drover_delivery *, const char *);
static int hook_prove(struct drover_scope *, const struct drover_delivery *, struct drover_error *);
static unsigned hook_narrow(const struct drover_delivery *, unsigned);

static const char *
delivery_header(const struct drover_delivery *delivery, const char *name)
{
	uint64_t i;

	for (i = 0; i < delivery->headers_len; i++)
		if (strcmp(delivery->headers[i].key, name) == 0)
			return delivery->headers[i].value;
	return "";
}

static int
hook_prove(struct drover_scope *scope, const struct drover_delivery *delivery, struct drover_error *err)
{
	static const char scheme[] = "sha256=";
	const char *given = delivery_header(delivery, "x-hub-signature-256");
	char secret[4096], sum[65], want[sizeof(scheme) + 64];
	int64_t len;
	int r;

	err->code = 0;
	len = scope->host->secret->get(scope, "webhook_secret", secret, sizeof(secret), err);
	if (len < 0 || (size_t)len >= sizeof(secret))
		return err->code != 0 ? err->code : plugin_fail(err, DROVER_AUTH, "no webhook_secret is configured, so no delivery can be proven");
	while (len > 0 && strchr("\r\n", secret[len - 1]) != NULL)
		len--;
	/* An empty secret is everybody's. */
	r = len > 0 ? talk_hmac(secret, (size_t)len, delivery->body, delivery->body_len, sum) : -1;
	OPENSSL_cleanse(secret, sizeof(secret));
	if (r != 0)
		return plugin_fail(err, DROVER_AUTH, "webhook_secret is empty or unusable");
	snprintf(want, sizeof(want), "%s%s", scheme, sum);
	if (!talk_same(given, want))
		return plugin_fail(err, DROVER_AUTH, *given == '\0' ? "a delivery without a signature" : "a delivery whose signature is wrong");
	return 0;
}

/* A comment on a pull request is no command, one on an issue nothing else. */
static unsigned
hook_narrow(const struct drover_delivery *delivery, unsigned sources)
{
	struct drover_error why;
	cJSON *json;

	if (strstr(delivery_header(delivery, "content-type"), "json") == NULL || (sources & COMMAND) == 0 || sources == COMMAND)
		return sources;
	json = json_read(delivery->body, delivery->body_len, &why);
	if (cJSON_IsObject(json_at(json, "issue")))
		sources &= cJSON_IsObject(json_at(json, "issue.pull_request")) ? ~COMMAND : COMMAND;
	cJSON_Delete(json);
	return sources;
}

int
github_hook(struct drover_scope *scope, void *plugin, const struct drover_delivery *delivery, struct drover_receipt *receipt,
    struct drover_error *err)
{
	static const char *const names[] = { "pr-comment", "pr-mention", "issue-command" };
	const char *event = delivery_header(delivery, "x-github-event"), *id = delivery_header(delivery, "x-github-delivery");
	struct drover_error why = { 0 };
	unsigned sources = 0;
	size_t i;
	int code;

	if ((code = hook_prove(scope, delivery, err)) != 0)
		return code;
	if (*id == '\0' || strlen(id) >= sizeof(receipt->id) || *event == '\0')
		return plugin_fail(err, DROVER_PERMANENT, "a delivery without X-GitHub-Event or X-GitHub-Delivery");
	snprintf(receipt->id, sizeof(receipt->id), "%s", id);
	if (strcmp(event, "ping") == 0) {
		receipt->status = 200;
		snprintf(receipt->body, sizeof(receipt->body), "pong\n");
		return 0;
	}
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (strcmp(events[i].event, event) == 0)
			sources = hook_narrow(delivery, events[i].sources);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((sources & 1u << i) != 0 && scope->host->queue->wake(scope, names[i], &why) != 0)
			/* A source that is not configured has nothing to poll. */
			scope->host->log->printf(scope, DROVER_DEBUG, "%s was not woken: %s", names[i], why.text);
	return 0;
}
