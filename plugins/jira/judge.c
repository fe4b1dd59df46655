/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges answers of Jira's. Cloud says why it limits requests: a burst on one
 * endpoint, too many writes to one issue, or the quota of the whole site. Only
 * that limit is paused. Cloud gives the reset as a time to the minute.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/when.h"
#include "jira/jira.h"

#define WAIT_MAX_MS (60 * 60 * 1000)

static int64_t judge_seconds(const char *);
static int64_t judge_wait(struct jira *, const struct drover_http_response *);
static void judge_limit(struct jira *, const struct drover_http_response *,
    struct drover_http_verdict *);

static int64_t
judge_seconds(const char *text)
{
	char *end;
	long long n;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	n = strtoll(text, &end, 10);
	return *end != '\0' ? -1 : n > WAIT_MAX_MS / 1000 ? WAIT_MAX_MS : n * 1000;
}

/*
 * How many ms Jira asks to wait, or 0 if it does not say; at most an hour, in
 * case a clock is wrong.
 */
static int64_t
judge_wait(struct jira *j, const struct drover_http_response *response)
{
	const struct drover_host *host = j->scope->host;
	const char *reset;
	int64_t wait, at;

	if ((wait = judge_seconds(host->http->header(j->scope, response, "Retry-After"))) > 0)
		return wait;
	if ((reset = host->http->header(j->scope, response, "X-RateLimit-Reset")) != NULL &&
	    (at = when_read(reset)) > 0) {
		wait = at * 1000 - host->time->now(j->scope);
		return wait < 1000 ? 1000 : wait > WAIT_MAX_MS ? WAIT_MAX_MS : wait;
	}
	/* Data Center refills its bucket once in so many seconds. */
	wait =
	    judge_seconds(host->http->header(j->scope, response, "X-RateLimit-Interval-Seconds"));
	return wait > 0 ? wait : 0;
}

static void
judge_limit(struct jira *j, const struct drover_http_response *response,
    struct drover_http_verdict *verdict)
{
	const char *reason = j->scope->host->http->header(j->scope, response, "RateLimit-Reason");

	verdict->code = DROVER_QUOTA;
	verdict->retry_after_ms = judge_wait(j, response);
	verdict->limit = NULL;
	if (reason != NULL && strcmp(reason, "jira-burst-based") == 0)
		verdict->limit = j->limits[0].name;
	else if (reason != NULL && strcmp(reason, "jira-per-issue-on-write") == 0 &&
	    j->issue_limit[0] != '\0')
		verdict->limit = j->issue_limit;
	snprintf(verdict->text, sizeof(verdict->text), "Jira limits requests%s%.60s",
	    reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

void
jira_judge(void *arg, struct drover_scope *scope, const struct drover_http_response *response,
    struct drover_http_verdict *verdict)
{
	struct jira *j = arg;
	const char *login;

	switch (response->status) {
	case 401:
		verdict->code = DROVER_AUTH;
		snprintf(verdict->text, sizeof(verdict->text),
		    "Jira refuses the token (401): it has expired or is of another kind. A scoped "
		    "token needs https://api.atlassian.com/ex/jira/CLOUD-ID as base_url");
		break;
	case 403:
		login = scope->host->http->header(scope, response, "X-Seraph-LoginReason");
		if (login != NULL && strstr(login, "AUTHENTICATION_DENIED") != NULL) {
			verdict->code = DROVER_AUTH;
			snprintf(verdict->text, sizeof(verdict->text),
			    "Jira wants a CAPTCHA solved: log in as the account in a browser");
		} else if (scope->host->http->header(scope, response, "Retry-After") != NULL)
			judge_limit(j, response, verdict);
		else
			verdict->code = 0;
		break;
	case 409:
		verdict->code = DROVER_AGAIN;
		snprintf(verdict->text, sizeof(verdict->text),
		    "the issue is being changed by someone else (409)");
		break;
	case 410:
		verdict->code = DROVER_CONFIG;
		snprintf(verdict->text, sizeof(verdict->text),
		    "Jira has removed this part of its API (410): check option flavor");
		break;
	case 429:
		judge_limit(j, response, verdict);
		break;
	case 503:
		verdict->code = DROVER_AGAIN;
		verdict->retry_after_ms = judge_wait(j, response);
		break;
	default:
		break;
	}
}
