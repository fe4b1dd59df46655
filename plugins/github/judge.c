/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What GitHub's answers mean, and how often it may be asked. The host calls the
 * judge for every answer, and keeps the limits for all runners and jobs.
 *
 * GitHub publishes 5,000 requests an hour, 900 points a minute (a read costs 1,
 * a write 5), 80 new contents a minute and 500 an hour, and a second between
 * writes. The limits here are lower by what a bucket can give at once.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "github.h"

#define SECONDARY_MS 60000 /* GitHub asks for at least this where it sends no Retry-After */

static const struct drover_http_limit limits[] = {
	{ "core", 4000, 1000, 3600 * 1000 },
	{ "minute", 400, 150, 60 * 1000 },
	/*
	 * These two limits are for writes only. Writes must arrive a second
	 * apart, and some take longer on their way than the next one.
	 */
	{ "writes", 4, 1, 5000 },
	{ "content", 400, 70, 3600 * 1000 },
};

const struct drover_http_limit *
github_limits(const char *method, uint64_t *len)
{
	*len = strcmp(method, "GET") == 0 ? 2 : 4;
	return limits;
}

void
github_judge(void *arg, struct drover_scope *scope, const struct drover_http_response *response,
    struct drover_http_verdict *verdict)
{
	const char *body = response->body != NULL ? response->body : "";
	bool secondary =
	    strstr(body, "secondary rate limit") != NULL || strstr(body, "abuse detection") != NULL;

	if (response->status == 401) {
		verdict->code = DROVER_AUTH;
		return;
	}
	/*
	 * The caller decides what a missing object or a moved repository means.
	 */
	if (response->status < 500 && response->status != 403 && response->status != 429 &&
	    response->status != 408 && response->status != 425) {
		verdict->code = DROVER_OK;
		return;
	}
	if (response->status != 403 && response->status != 429)
		return;
	/*
	 * 403 is a limit or a missing permission. The host tells them apart by
	 * the headers, but some limits show in the message only.
	 */
	if (secondary || strstr(body, "API rate limit exceeded") != NULL)
		verdict->code = DROVER_QUOTA;
	if (verdict->code != DROVER_QUOTA)
		return;
	verdict->limit = NULL;
	if (verdict->retry_after_ms <= 0 || (secondary && verdict->retry_after_ms < SECONDARY_MS))
		verdict->retry_after_ms = SECONDARY_MS;
	snprintf(verdict->text, sizeof(verdict->text), "GitHub's %s rate limit is reached (%d)",
	    secondary ? "secondary" : "primary", response->status);
}
