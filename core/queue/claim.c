/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claiming: finds the best job whose gates are open. It looks at the first job
 * of each group, never at those behind it.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/inside.h"

static bool claim_may(struct gate_ask *, struct entry *);
static struct entry *claim_pick(struct queue *, struct gate_ask *);

static bool
claim_may(struct gate_ask *ask, struct entry *e)
{
	ask->e = e;
	return gate_open(ask, REACH_GROUP);
}

static struct entry *
claim_pick(struct queue *q, struct gate_ask *ask)
{
	struct entry *best = NULL, *e;
	struct group *g;

	TAILQ_FOREACH(g, &q->ready, link) {
		if (g->in[IN_KIND]->passed == q->walk)
			continue;
		e = heap_first(&g->rank);
		if (best != NULL && !ready_before(e, best))
			continue;
		q->looks++;
		if (claim_may(ask, e)) {
			best = e;
			continue;
		}
		/*
		 * In a kind that yields, the oldest job may have waited long
		 * enough although the first one has not.
		 */
		if (g->in[IN_KIND]->yields == NULL || heap_first(&g->age) == e)
			continue;
		e = heap_first(&g->age);
		if ((best == NULL || ready_before(e, best)) && claim_may(ask, e))
			best = e;
	}
	return best;
}

struct job *
queue_claim(struct queue *q, const char *(*place)(void *, const char *), void *arg,
    const struct queue_view *view, struct error *err)
{
	struct gate_ask ask;
	struct transition transition = { 0 };
	struct entry *e;
	const char *worker = NULL;
	struct job next;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if (err != NULL)
		err->code = DROVER_OK;
	if (TAILQ_EMPTY(&q->ready))
		return NULL;
	gate_ask_init(&ask, q, view);
	if (!gate_open(&ask, REACH_ALL))
		return NULL;
	q->walk++;
	while ((e = claim_pick(q, &ask)) != NULL && (worker = place(arg, e->job.kind)) == NULL)
		e->in[IN_KIND]->passed = q->walk;
	if (e == NULL)
		return NULL;

	next = e->job;
	next.epoch++;
	next.attempt++;
	next.started_at = ask.now;
	next.worker = (char *)(uintptr_t)worker;
	text_random_hex(next.token, 16);
	transition.who = worker;
	if (transition_apply(q, e, EVENT_CLAIM, &next, &transition, err) != 0)
		return NULL;
	e->rss = 0;
	return &e->job;
}
