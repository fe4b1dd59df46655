/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a new job, and queues it unless the same job is active already. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/inside.h"

static int submit_check(const struct job_ask *, struct error *);

/* The rules for the strings of a struct job_ask. */
static const struct field {
	const char *name;
	size_t offset, max;
	bool required;
	bool (*valid)(const char *); /* NULL allows any text */
	const char *rule;
} fields[] = {
	{ "kind", offsetof(struct job_ask, kind), 2 * DROVER_NAME_MAX + 1, true, text_is_kind,
	    "PLUGIN.PIPELINE" },
	{ "key", offsetof(struct job_ask, key), DROVER_KEY_MAX, true, NULL, NULL },
	{ "serial", offsetof(struct job_ask, serial), DROVER_KEY_MAX, false, NULL, NULL },
	{ "title", offsetof(struct job_ask, title), DROVER_TITLE_MAX, false, NULL, NULL },
	{ "repo", offsetof(struct job_ask, repo), DROVER_NAME_MAX, false, text_is_name,
	    "[a-z0-9_-]" },
	{ "agent", offsetof(struct job_ask, agent), DROVER_NAME_MAX, false, text_is_name,
	    "[a-z0-9_-]" },
	{ "pool", offsetof(struct job_ask, pool), DROVER_NAME_MAX, false, text_is_name,
	    "[a-z0-9_-]" },
	{ "source", offsetof(struct job_ask, source), 2 * DROVER_NAME_MAX + 1, false, text_is_kind,
	    "PLUGIN.SOURCE" },
	{ "author", offsetof(struct job_ask, author), DROVER_KEY_MAX, false, NULL, NULL },
};

static int
submit_check(const struct job_ask *ask, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct field *f = &fields[i];
		const char *text = *(const char *const *)((const char *)ask + f->offset);
		size_t len = text != NULL ? strlen(text) : 0;

		if (len == 0) {
			if (f->required)
				return error_set(err, DROVER_PERMANENT, "a job needs a %s",
				    f->name);
			continue;
		}
		if (len > f->max)
			return error_set(err, DROVER_PERMANENT,
			    "the %s of a job has %zu bytes; at most %zu are allowed", f->name, len,
			    f->max);
		if (!text_is_utf8(text, len))
			return error_set(err, DROVER_PERMANENT, "the %s of a job is not UTF-8",
			    f->name);
		if (f->valid != NULL && !f->valid(text))
			return error_set(err, DROVER_PERMANENT, "the %s of a job must be like %s",
			    f->name, f->rule);
	}
	if (ask->priority < -100 || ask->priority > 100)
		return error_set(err, DROVER_PERMANENT,
		    "the priority of a job is from -100 to 100, not %d", ask->priority);
	if (ask->payload_len > DROVER_PAYLOAD_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "the payload of a job has %zu bytes; at most %d are allowed", ask->payload_len,
		    DROVER_PAYLOAD_MAX);
	return 0;
}

int
queue_submit(struct queue *q, const struct job_ask *ask, uint64_t *id, struct error *err)
{
	char trace[33], held_why[DROVER_ERROR_MAX], accepted[DROVER_KEY_MAX + DIGEST_HEX + 32];
	struct job_ask clean = *ask;
	struct transition transition = { .who = ask->source };
	struct entry *e;
	int64_t now = clock_wall();

	OBJ_CHECK(q, QUEUE_MAGIC);
	if (submit_check(ask, err) != 0)
		return -1;
	if ((e = entry_same(q, ask->kind, ask->key)) != NULL) {
		*id = e->job.id;
		return 0;
	}
	text_random_hex(trace, 16);
	clean.held_why = transition.detail = job_text(ask->held_why, held_why, sizeof held_why);
	if (ask->author != NULL && ask->sha256 != NULL && transition.detail == NULL) {
		(void)snprintf(accepted, sizeof accepted, "accepted: author %s, sha256 %s",
		    ask->author, ask->sha256);
		transition.detail = accepted;
	}
	e = entry_new(q, ask, trace);
	e->job.state = ask->held_why != NULL ? JOB_HELD : JOB_QUEUED;
	e->job.priority = ask->priority;
	e->job.after = ask->after;
	e->job.queued_at = e->job.ready_at = now;
	entry_set_text(&e->held_why, &e->job.held_why, clean.held_why);
	if (dependency_attach(q, e, true, err) != 0 || row_insert(q, e, &clean, now, err) != 0 ||
	    row_event(q, &e->job, "submit", NULL, state_name(e->job.state), now, &transition,
		err) != 0) {
		entry_free(q, e);
		return -1;
	}
	*id = e->job.id;
	entry_index(q, e);
	entry_enter(q, e);
	if (ask->replaces && replace_older(q, &e->job, err) != 0)
		return -1;
	return 1;
}
