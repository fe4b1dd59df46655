/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook of Jira's: signature, age, and word to both sources that there may be something. What it says is not looked at: polling stays the truth. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/talk.h"
#include "jira/jira.h"

#define SECRET_MAX 1024
#define AGE_MS (5 * 60 * 1000)

static const char *hook_header(const struct drover_delivery *, const char *);
static int hook_signature(struct drover_scope *, const struct drover_delivery *, struct drover_error *);
static int hook_age(struct drover_scope *, const cJSON *, struct drover_error *);

static const char *
hook_header(const struct drover_delivery *delivery, const char *name)
{
	uint64_t i;

	for (i = 0; i < delivery->headers_len; i++)
		if (strcmp(delivery->headers[i].key, name) == 0)
			return delivery->headers[i].value;
	return "";
}

static int
hook_signature(struct drover_scope *scope, const struct drover_delivery *delivery, struct drover_error *err)
{
	const char *given = hook_header(delivery, "x-hub-signature");
	char secret[SECRET_MAX], hex[65], wanted[80];
	int64_t len = scope->host->secret->get(scope, "webhook_secret", secret, sizeof(secret), err);
	bool same;

	if (len <= 0 || len >= (int64_t)sizeof(secret))
		return plugin_fail(err, DROVER_AUTH, "webhooks are refused: there is no webhook_secret");
	if (talk_hmac(secret, (size_t)len, delivery->body, delivery->body_len, hex) != 0) {
		OPENSSL_cleanse(secret, sizeof(secret));
		return plugin_fail(err, DROVER_INTERNAL, "the signature cannot be computed");
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	snprintf(wanted, sizeof(wanted), "sha256=%s", hex);
	same = talk_same(wanted, given);
	return same ? 0 : plugin_fail(err, DROVER_AUTH, "a webhook's signature is %s", *given == '\0' ? "missing: give the webhook a secret in Jira" : "wrong");
}

/* Jira puts its own time in milliseconds into the body, where the signature covers it. */
static int
hook_age(struct drover_scope *scope, const cJSON *body, struct drover_error *err)
{
	double at = json_number(body, "timestamp"), now = (double)scope->host->time->now(scope);

	if (at > 0 && (at < now - AGE_MS || at > now + AGE_MS))
		return plugin_fail(err, DROVER_AUTH, "a webhook is %.0f seconds off: sent again by somebody, or a clock is wrong", (now - at) / 1000);
	return 0;
}

int
jira_hook(struct drover_scope *scope, void *plugin, const struct drover_delivery *delivery, struct drover_receipt *receipt, struct drover_error *err)
{
	static const char *const sources[] = { "ticket", "review" };
	const char *id = hook_header(delivery, "x-atlassian-webhook-identifier");
	struct drover_error why = { 0 };
	cJSON *body;
	size_t i;
	int code;

	if ((code = hook_signature(scope, delivery, err)) != 0)
		return code;
	if ((body = json_read(delivery->body, delivery->body_len, &why)) == NULL)
		return plugin_fail(err, DROVER_PERMANENT, "a webhook is no JSON: %.200s", why.text);
	code = hook_age(scope, body, err);
	cJSON_Delete(body);
	if (code != 0)
		return code;
	if (*id != '\0')
		text_clean(receipt->id, sizeof(receipt->id), id, strlen(id), "");
	else
		snprintf(receipt->id, sizeof(receipt->id), "body/%016" PRIx64, text_hash(0, delivery->body, delivery->body_len));
	/* A source that is not configured has nothing to be woken for. */
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (scope->host->queue->wake(scope, sources[i], &why) != 0)
			scope->host->log->printf(scope, DROVER_DEBUG, "jira.%s is not woken: %s", sources[i], why.text);
	return 0;
}
