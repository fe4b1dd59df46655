/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jobs that a claim looks at: groups with their two orders, by rank and by
 * age, and the lanes of serial keys. Jobs that wait for another job are kept
 * out until that job has succeeded.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/inside.h"

static bool age_less(const void *, const void *);
static bool rank_less(const void *, const void *);
static void rank_moved(void *, size_t);
static void age_moved(void *, size_t);
static void lane_moved(void *, size_t);
static void due_moved(void *, size_t);
static struct group *group_of(struct queue *, struct entry *);
static void group_insert(struct queue *, struct group *, struct entry *);
static void group_remove(struct queue *, struct group *, struct entry *);
static void lane_show(struct queue *, struct serial *, struct lane *);

/* Orders by the time since a job was queued or due, longest first. */
static bool
age_less(const void *a, const void *b)
{
	const struct job *x = &((const struct entry *)a)->job, *y = &((const struct entry *)b)->job;

	return x->ready_at != y->ready_at ? x->ready_at < y->ready_at : x->id < y->id;
}

static bool
rank_less(const void *a, const void *b)
{
	const struct job *x = &((const struct entry *)a)->job, *y = &((const struct entry *)b)->job;

	return x->priority != y->priority ? x->priority > y->priority : age_less(a, b);
}

bool
ready_before(const struct entry *a, const struct entry *b)
{
	return rank_less(a, b);
}

static void
rank_moved(void *item, size_t index)
{
	((struct entry *)item)->by_rank = index;
}

static void
age_moved(void *item, size_t index)
{
	((struct entry *)item)->by_age = index;
}

static void
lane_moved(void *item, size_t index)
{
	((struct entry *)item)->by_lane = index;
}

static void
due_moved(void *item, size_t index)
{
	((struct entry *)item)->by_due = index;
}

void
ready_init_due(struct heap *h)
{
	heap_init(h, age_less, due_moved);
}

static struct group *
group_of(struct queue *q, struct entry *e)
{
	struct group *g;

	HASH_FIND(hh, q->groups, e->in, sizeof e->in, g);
	if (g != NULL)
		return g;
	g = xcalloc(1, sizeof *g);
	memcpy(g->in, e->in, sizeof g->in);
	heap_init(&g->rank, rank_less, rank_moved);
	heap_init(&g->age, age_less, age_moved);
	HASH_ADD(hh, q->groups, in, sizeof g->in, g);
	return g;
}

static void
group_insert(struct queue *q, struct group *g, struct entry *e)
{
	if (g->rank.len == 0)
		TAILQ_INSERT_TAIL(&q->ready, g, link);
	heap_insert(&g->rank, e);
	heap_insert(&g->age, e);
}

static void
group_remove(struct queue *q, struct group *g, struct entry *e)
{
	heap_remove(&g->rank, e->by_rank);
	heap_remove(&g->age, e->by_age);
	if (g->rank.len == 0)
		TAILQ_REMOVE(&q->ready, g, link);
}

/*
 * Shows the lane's first job to its group, or no job while one with the same
 * serial key runs.
 */
static void
lane_show(struct queue *q, struct serial *s, struct lane *l)
{
	struct entry *first = s->running > 0 ? NULL : heap_first(&l->heap);

	if (l->shown == first)
		return;
	if (l->shown != NULL)
		group_remove(q, l->group, l->shown);
	if (first != NULL)
		group_insert(q, l->group, first);
	l->shown = first;
}

static struct serial *
serial_get(struct queue *q, const char *name)
{
	struct serial *s;

	HASH_FIND_STR(q->serials, name, s);
	if (s != NULL)
		return s;
	s = xcalloc(1, sizeof *s);
	s->name = xstrdup(name);
	LIST_INIT(&s->lanes);
	HASH_ADD_KEYPTR(hh, q->serials, s->name, strlen(s->name), s);
	return s;
}

static void
serial_drop(struct queue *q, struct serial *s)
{
	if (s->running > 0 || !LIST_EMPTY(&s->lanes))
		return;
	HASH_DEL(q->serials, s);
	free(s->name);
	free(s);
}

static struct lane *
lane_get(struct serial *s, struct group *g)
{
	struct lane *l;

	LIST_FOREACH(l, &s->lanes, link) {
		if (l->group == g)
			return l;
	}
	l = xcalloc(1, sizeof *l);
	l->group = g;
	heap_init(&l->heap, rank_less, lane_moved);
	LIST_INSERT_HEAD(&s->lanes, l, link);
	return l;
}

void
ready_enter(struct queue *q, struct entry *e)
{
	if (e->needs != NULL)
		return;
	e->group = group_of(q, e);
	e->group->refs++;
	if (e->job.serial[0] == '\0') {
		group_insert(q, e->group, e);
		return;
	}
	e->serial = serial_get(q, e->job.serial);
	e->lane = lane_get(e->serial, e->group);
	heap_insert(&e->lane->heap, e);
	lane_show(q, e->serial, e->lane);
}

void
ready_leave(struct queue *q, struct entry *e)
{
	struct group *g = e->group;
	struct lane *l = e->lane;

	if (g == NULL)
		return;
	if (l == NULL)
		group_remove(q, g, e);
	else {
		heap_remove(&l->heap, e->by_lane);
		lane_show(q, e->serial, l);
		if (l->heap.len == 0) {
			LIST_REMOVE(l, link);
			heap_free(&l->heap);
			free(l);
		}
		serial_drop(q, e->serial);
	}
	e->group = NULL;
	e->lane = NULL;
	e->serial = NULL;
	if (--g->refs == 0) {
		HASH_DEL(q->groups, g);
		heap_free(&g->rank);
		heap_free(&g->age);
		free(g);
	}
}

void
serial_take(struct queue *q, struct entry *e)
{
	struct lane *l;

	if (e->job.serial[0] == '\0')
		return;
	e->serial = serial_get(q, e->job.serial);
	e->serial->running++;
	e->serial->holder = e->job.id;
	LIST_FOREACH(l, &e->serial->lanes, link)
		lane_show(q, e->serial, l);
}

void
serial_give(struct queue *q, struct entry *e)
{
	struct serial *s = e->serial;
	struct lane *l;

	if (s == NULL)
		return;
	e->serial = NULL;
	s->running--;
	LIST_FOREACH(l, &s->lanes, link)
		lane_show(q, s, l);
	serial_drop(q, s);
}

static int
dependency_row(void *arg, const struct store_row *row)
{
	*(int *)arg = state_parse(store_row_text(row, 0));
	return 1;
}

int
dependency_attach(struct queue *q, struct entry *e, bool must_exist, struct error *err)
{
	const struct store_value id = SV_INT(e->job.after);
	struct dependency *d;
	int state = -1;

	if (e->job.after == 0)
		return 0;
	if (entry_find(q, e->job.after) == NULL) {
		if (store_read(q->store, "select state from job where id = $1", &id, 1,
			dependency_row, &state, err) < 0)
			return -1;
		if (state == -1 && must_exist)
			return error_set(err, DROVER_PERMANENT, "there is no job %llu to wait for",
			    (unsigned long long)e->job.after);
		if (state == -1 || state == JOB_SUCCEEDED)
			return 0;
	}
	HASH_FIND(hh, q->dependencies, &e->job.after, sizeof e->job.after, d);
	if (d == NULL) {
		d = xcalloc(1, sizeof *d);
		d->id = e->job.after;
		LIST_INIT(&d->needers);
		HASH_ADD(hh, q->dependencies, id, sizeof d->id, d);
	}
	if (state != -1)
		d->ended = (enum job_state)state;
	LIST_INSERT_HEAD(&d->needers, e, needer);
	e->needs = d;
	return 0;
}

void
dependency_detach(struct queue *q, struct entry *e)
{
	struct dependency *d = e->needs;

	if (d == NULL)
		return;
	LIST_REMOVE(e, needer);
	e->needs = NULL;
	if (LIST_EMPTY(&d->needers)) {
		HASH_DEL(q->dependencies, d);
		free(d);
	}
}

void
dependency_ended(struct queue *q, uint64_t id, enum job_state state)
{
	struct dependency *d;

	HASH_FIND(hh, q->dependencies, &id, sizeof id, d);
	if (d == NULL)
		return;
	d->ended = state;
	while (state == JOB_SUCCEEDED && d != NULL) {
		struct entry *e = LIST_FIRST(&d->needers);

		if (LIST_NEXT(e, needer) == NULL)
			d = NULL;
		dependency_detach(q, e);
		if (e->job.state == JOB_QUEUED)
			ready_enter(q, e);
	}
}
