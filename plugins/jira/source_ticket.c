/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source jira.ticket: tickets assigned to drover's account that wait in the
 * status To Do. A revision is the last thing that someone else did to ask for
 * the work: the assignment, the move to that status, an edit of the text, or,
 * once drover has asked questions, a comment of a person who may start work.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "jira/jira.h"

#define ANSWERS_MAX 50

struct answer {
	struct scan *scan;
	const char *question; /* id of drover's comment that waits for an answer, or "" */
	const char *project;
	char id[JIRA_ID_MAX]; /* id of the newest answer, or "" */
};

static int ticket_open(struct drover_scope *, void *, void **, struct drover_error *);
static int ticket_settle(struct drover_scope *, void *, const struct drover_settled *,
    struct drover_error *);
static bool ticket_asks(const struct scan *, const cJSON *);
static int ticket_answer(void *, const cJSON *, struct drover_error *);
static int ticket_revision(struct scan *, const cJSON *, char *, size_t, const cJSON **,
    struct drover_error *);

static const struct drover_option options[] = {
	{ "projects", DROVER_LIST, 0, NULL,
	    "Keys of projects; all that the account sees unless given." },
	{ "status", DROVER_STRING, 0, "To Do", "Status that a ticket waits in." },
	{ "jql", DROVER_STRING, 0, NULL,
	    "A query of your own instead of assignee, status and projects; it must be bounded." },
	{ 0 },
};

const char *const jira_authors[] = { "member", NULL };

static const struct scan_kind kind = {
	.source = "ticket",
	.kind = "jira.fix",
	.property = JIRA_PROPERTY,
	.assigned = true,
	.revision = ticket_revision,
};

const struct drover_source jira_source_ticket = {
	.size = sizeof(struct drover_source),
	.name = "ticket",
	.summary = "Tickets that are assigned to drover and wait in To Do.",
	.options = options,
	.interval_ms = 5000,
	.open = ticket_open,
	.poll = scan_poll,
	.settle = ticket_settle,
	.close = scan_close,
	.authors = jira_authors,
};

static int
ticket_open(struct drover_scope *scope, void *plugin, void **source, struct drover_error *err)
{
	return scan_open(scope, &kind, source, err);
}

static bool
ticket_asks(const struct scan *s, const cJSON *item)
{
	const char *field = json_text(item, "field"), *to = json_text(item, "to");

	if (strcmp(field, "assignee") == 0)
		return *to != '\0' &&
		    (strcmp(to, s->jira.me) == 0 || strcmp(to, s->jira.me_key) == 0);
	if (strcmp(field, "status") == 0)
		return strcasecmp(json_text(item, "toString"), s->status) == 0;
	return strcmp(field, "summary") == 0 || strcmp(field, "description") == 0;
}

/*
 * Finds the newest comment after drover's question that is by a person who may
 * start work, and keeps its author.
 */
static int
ticket_answer(void *arg, const cJSON *comment, struct drover_error *err)
{
	struct answer *a = arg;
	const cJSON *author = json_get(comment, "author");
	char id[JIRA_ID_MAX];
	int code;

	json_id(comment, "id", id, sizeof(id));
	if (!jira_is_key(id))
		return 0;
	if (a->question[0] != '\0' ? scan_compare(id, a->question) <= 0 :
				     jira_is_me(&a->scan->jira, author))
		return 1;
	if ((code = person_allowed(&a->scan->jira, NULL, author, a->project, err)) <= 0)
		return code;
	memcpy(a->id, id, sizeof(id));
	a->scan->kept = cJSON_Duplicate(author, 1);
	return 1;
}

static int
ticket_revision(struct scan *s, const cJSON *issue, char *revision, size_t size,
    const cJSON **author, struct drover_error *err)
{
	const cJSON *history = scan_history(s, issue, ticket_asks);
	const cJSON *ours = json_at(issue, "properties." JIRA_PROPERTY);
	const char *before = json_text(ours, "revision"), *state = json_text(ours, "state");
	struct answer answer = { .scan = s,
		.question = json_text(ours, "comment"),
		.project = json_text_at(issue, "fields.project.key") };
	char id[JIRA_ID_MAX] = "0";
	size_t len;
	int code;

	if (history != NULL)
		json_id(history, "id", id, sizeof(id));
	*author = history != NULL ? json_get(history, "author") : scan_creator(issue);
	snprintf(revision, size, "%.60s", id);
	len = strlen(revision);
	if (strcmp(state, "needs_info") != 0 || strncmp(before, revision, len) != 0 ||
	    (before[len] != '\0' && before[len] != '-'))
		return 0;
	snprintf(revision, size, "%.120s", before);
	if ((code = comment_each(&s->jira, json_text(issue, "key"), ANSWERS_MAX, ticket_answer,
		 &answer, err)) != 0)
		return code;
	if (answer.id[0] != '\0' && s->kept != NULL) {
		snprintf(revision, size, "%.60s-c%.60s", id, answer.id);
		*author = s->kept;
	}
	return 0;
}

/*
 * Comments on the ticket that its job was given up. Without this it would stay
 * in progress with no explanation.
 */
static int
ticket_settle(struct drover_scope *scope, void *state, const struct drover_settled *settled,
    struct drover_error *err)
{
	struct drover_job job = { .size = sizeof(job),
		.payload = settled->payload,
		.payload_len = settled->payload_len };
	struct drover_error why = { 0 };
	char text[1024], id[DROVER_KEY_MAX], error[400];
	struct payload payload;
	struct jira j;
	int code;

	if (strcmp(settled->state, "dead") != 0 || payload_read(&job, &payload, &why) != 0)
		return 0;
	if ((code = jira_open(&j, scope, false, err)) == 0) {
		j.trace = settled->trace;
		text_line(error, sizeof(error), settled->error);
		snprintf(text, sizeof(text),
		    "I could not do this and have stopped trying: %s\n\nAn operator finds it as "
		    "job %llu (trace %.64s). "
		    "Move the ticket to \"%.80s\" again to have it tried anew.",
		    error, (unsigned long long)settled->job, settled->trace, payload.status);
		snprintf(id, sizeof(id), "dead/%.100s/%llu", payload.issue,
		    (unsigned long long)settled->job);
		code = comment_post(&j, payload.issue, id, text, NULL, 0, err);
	}
	jira_close(&j);
	payload_free(&payload);
	/*
	 * A failure is tried again only after an outage, because the ticket may
	 * be gone or hidden.
	 */
	if (code != 0 && code != DROVER_AGAIN && code != DROVER_QUOTA && code != DROVER_AUTH) {
		plugin_log(scope, DROVER_WARN, "the ticket is not told that its job is dead: %s",
		    err->text);
		code = 0;
	}
	return code;
}
