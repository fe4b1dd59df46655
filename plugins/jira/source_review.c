/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source jira.review: tickets whose text is judged before work on them
 * begins, once for each wording.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jira/jira.h"

static int review_open(struct drover_scope *, void *, void **, struct drover_error *);
static bool review_edits(const struct scan *, const cJSON *);
static int review_revision(struct scan *, const cJSON *, char *, size_t, const cJSON **,
    struct drover_error *);

static const struct drover_option options[] = {
	{ "projects", DROVER_LIST, 0, NULL, "Keys of projects; required unless there is jql." },
	{ "status", DROVER_STRING, 0, "To Do", "Status of the tickets that are judged." },
	{ "jql", DROVER_STRING, 0, NULL,
	    "A query of your own instead of status and projects; it must be bounded." },
	{ 0 },
};

static const struct scan_kind kind = {
	.source = "review",
	.kind = "jira.review",
	.property = JIRA_PROPERTY_REVIEW,
	.assigned = false,
	.revision = review_revision,
};

const struct drover_source jira_source_review = {
	.size = sizeof(struct drover_source),
	.name = "review",
	.summary = "Tickets that are judged for readiness.",
	.options = options,
	.interval_ms = 30000,
	.open = review_open,
	.poll = scan_poll,
	.close = scan_close,
	.authors = jira_authors,
};

static int
review_open(struct drover_scope *scope, void *plugin, void **source, struct drover_error *err)
{
	return scan_open(scope, &kind, source, err);
}

static bool
review_edits(const struct scan *s, const cJSON *item)
{
	const char *field = json_text(item, "field");

	return strcmp(field, "summary") == 0 || strcmp(field, "description") == 0;
}

static int
review_revision(struct scan *s, const cJSON *issue, char *revision, size_t size,
    const cJSON **author, struct drover_error *err)
{
	const cJSON *history = scan_history(s, issue, review_edits);
	const char *summary = json_text_at(issue, "fields.summary"), *text;
	struct text_buf description = { 0 };
	uint64_t h = text_hash(0, summary, strlen(summary) + 1);

	issue_text(issue, "description", &description);
	text = text_of(&description);
	snprintf(revision, size, "%016" PRIx64, text_hash(h, text, strlen(text)));
	text_free(&description);
	*author = history != NULL ? json_get(history, "author") : scan_creator(issue);
	return 0;
}
