/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the plugin jira share: a fake host with an account, and
 * issues as Jira Cloud shows them.
 */
#ifndef JIRA_KIT_H
#define JIRA_KIT_H

#include "fake_host.h"

#define ME "bot-1"
#define MIA "mia-1"
#define EVE "eve-1"
#define NOW INT64_C(1767225600000) /* 2026-01-01T00:00Z */

struct kit {
	struct fake *fake;
	const struct drover_plugin *plugin;
	void *source;
	struct drover_error err;
};

void kit_setup(struct kit *);          /* of Jira Cloud, with the defaults of all options */
void kit_teardown(struct kit *);
/* Text that lives as long as the test. */
const char *kit_text(const char *format, ...) DROVER_PRINTF(1, 2);
/* {"accountId": ...} of a person. */
const char *kit_user(const char *id);
/*
 * JSON of an issue: fields has members to add or "", histories the changelog's
 * entries, properties a JSON object.
 */
const char *kit_issue(const char *key, const char *id, const char *status, const char *assignee,
    const char *fields, const char *histories, const char *properties);
const char *kit_history(const char *id, const char *author, const char *field, const char *to,
    const char *to_string);
/* Replaces whatever is served for GET of the issue, or for the search. */
void kit_serve_issue(struct kit *, const char *key, const char *json);
void kit_serve_found(struct kit *, const char *key, const char *id, const char *updated);
int kit_poll(struct kit *, const char *source);
/* The pipeline of that name over a payload. */
int kit_run(struct kit *, const char *pipeline, const char *repo, const char *payload);

#endif
