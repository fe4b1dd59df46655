/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles a webhook of Jira's: if its signature and age are good, both sources
 * are polled. Its content is not used.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hook.h"
#include "jira/jira.h"

#define AGE_MS (5 * 60 * 1000)

static int hook_age(struct drover_scope *, const cJSON *, struct drover_error *);

/*
 * Jira puts its time, in milliseconds, into the body, which the signature
 * covers.
 */
static int
hook_age(struct drover_scope *scope, const cJSON *body, struct drover_error *err)
{
	double at = json_number(body, "timestamp"), now = (double)scope->host->time->now(scope);

	if (at > 0 && (at < now - AGE_MS || at > now + AGE_MS))
		return plugin_fail(err, DROVER_AUTH,
		    "the webhook is %.0f seconds old: it was sent again, or a clock is wrong",
		    (now - at) / 1000);
	return 0;
}

int
jira_hook(struct drover_scope *scope, void *plugin, const struct drover_delivery *delivery,
    struct drover_receipt *receipt, struct drover_error *err)
{
	static const struct hook_signature signature = { .option = "webhook_secret",
		.header = "x-hub-signature",
		.scheme = "sha256=" };
	const char *id = hook_header(delivery, "x-atlassian-webhook-identifier");
	struct drover_error why = { 0 };
	cJSON *body;
	int code;

	if ((code = hook_prove(scope, delivery, &signature, err)) != 0)
		return code;
	if ((body = json_read(delivery->body, delivery->body_len, &why)) == NULL)
		return plugin_fail(err, DROVER_PERMANENT, "the webhook is not JSON: %.200s",
		    why.text);
	code = hook_age(scope, body, err);
	cJSON_Delete(body);
	if (code != 0)
		return code;
	if (*id != '\0')
		text_line(receipt->id, sizeof(receipt->id), id);
	else
		snprintf(receipt->id, sizeof(receipt->id), "body/%016" PRIx64,
		    text_hash(0, delivery->body, delivery->body_len));
	hook_wake(scope, "ticket");
	hook_wake(scope, "review");
	return 0;
}
