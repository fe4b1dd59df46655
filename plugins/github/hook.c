/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: a delivery whose signature is good wakes the sources that may find
 * something by polling. Nothing else that it says is used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#include "common/hook.h"

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

static unsigned hook_narrow(const struct drover_delivery *, unsigned);

/*
 * A comment on an issue can only be a command, one on a pull request never is.
 */
static unsigned
hook_narrow(const struct drover_delivery *delivery, unsigned sources)
{
	struct drover_error why;
	cJSON *json;

	if (strstr(hook_header(delivery, "content-type"), "json") == NULL ||
	    (sources & COMMAND) == 0 || sources == COMMAND)
		return sources;
	json = json_read(delivery->body, delivery->body_len, &why);
	if (cJSON_IsObject(json_at(json, "issue")))
		sources &= cJSON_IsObject(json_at(json, "issue.pull_request")) ? ~COMMAND : COMMAND;
	cJSON_Delete(json);
	return sources;
}

int
github_hook(struct drover_scope *scope, void *plugin, const struct drover_delivery *delivery,
    struct drover_receipt *receipt, struct drover_error *err)
{
	static const struct hook_signature signature = { .option = "webhook_secret",
		.header = "x-hub-signature-256",
		.scheme = "sha256=" };
	static const char *const names[] = { "pr-comment", "pr-mention", "issue-command" };
	const char *event = hook_header(delivery, "x-github-event"),
		   *id = hook_header(delivery, "x-github-delivery");
	unsigned sources = 0;
	size_t i;
	int code;

	if ((code = hook_prove(scope, delivery, &signature, err)) != 0)
		return code;
	if (*id == '\0' || strlen(id) >= sizeof(receipt->id) || *event == '\0')
		return plugin_fail(err, DROVER_PERMANENT,
		    "the delivery has no X-GitHub-Event or no X-GitHub-Delivery");
	snprintf(receipt->id, sizeof(receipt->id), "%s", id);
	if (strcmp(event, "ping") == 0) {
		receipt->status = 200;
		snprintf(receipt->body, sizeof(receipt->body), "pong\n");
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(events); i++)
		if (strcmp(events[i].event, event) == 0)
			sources = hook_narrow(delivery, events[i].sources);
	for (i = 0; i < ARRAY_LEN(names); i++)
		if ((sources & 1u << i) != 0)
			hook_wake(scope, names[i]);
	return 0;
}
