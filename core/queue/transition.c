/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place where a job changes its state: first row and event in the
 * store, then memory.
 */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/inside.h"

char *
job_text(const char *text, char *out, size_t size)
{
	if (text == NULL)
		return NULL;
	if (text_is_utf8(text, strlen(text))) {
		text_copy(out, size, text);
		return out;
	}
	return text_show_in(out, size, text, strlen(text));
}

char *
job_why(const char *text, const char *otherwise)
{
	return (char *)(uintptr_t)(text != NULL && text[0] != '\0' ? text : otherwise);
}

int
transition_announce(struct queue *q, const char *event, const struct job *job, const char *detail,
    struct error *err)
{
	const struct job_news news = { event, job, detail };

	return q->news != NULL ? q->news(q->news_arg, &news, err) : 0;
}

/* The changes that notifications tell people about. */
static int
transition_announce_event(struct queue *q, enum job_event event, enum job_state from,
    const struct job *next, const struct transition *c, struct error *err)
{
	if (event == EVENT_CLAIM && next->attempt == 1)
		return transition_announce(q, "start", next, NULL, err);
	if (event == EVENT_HUMAN)
		return transition_announce(q, "needs-info", next, c->detail, err);
	if (next->state == JOB_DEAD && from != JOB_DEAD)
		return transition_announce(q, "dead", next, c->detail, err);
	return 0;
}

int
transition_apply(struct queue *q, struct entry *e, enum job_event event, struct job *next,
    const struct transition *c, struct error *err)
{
	enum job_state from = e->job.state;
	int to = state_next(from, event);
	int64_t now = clock_wall();
	char *held_why, *worker;

	if (to < 0)
		return error_set(err, DROVER_PERMANENT, "job %llu is %s: %s is not possible",
		    (unsigned long long)e->job.id, state_name(from), event_name(event));
	next->state = (enum job_state)to;
	if (to != JOB_HELD)
		next->held_why = q->all->name;
	if (to != JOB_RUNNING) {
		next->worker = q->all->name;
		next->token[0] = '\0';
	}
	if (row_save(q, next, now, c, err) != 0 ||
	    row_event(q, next, event_name(event), state_name(from), state_name(next->state), now, c,
		err) != 0 ||
	    transition_announce_event(q, event, from, next, c, err) != 0)
		return -1;

	entry_leave(q, e);
	held_why = next->held_why;
	worker = next->worker;
	e->job = *next;
	entry_set_text(&e->held_why, &e->job.held_why, held_why);
	entry_set_text(&e->worker, &e->job.worker, worker);
	if (state_is_final(from) && !state_is_final(e->job.state))
		entry_index(q, e);
	else if (!state_is_final(from) && state_is_final(e->job.state))
		entry_unindex(q, e);
	entry_enter(q, e);
	if (state_is_final(e->job.state)) {
		dependency_ended(q, e->job.id, e->job.state);
		entry_free(q, e);
	}
	return 0;
}
