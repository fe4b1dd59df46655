/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue as a whole: made, loaded from the store, configured, and told about
 * kinds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/inside.h"

static void queue_forget(struct queue *);
static void queue_take_in(struct queue *, struct entry *);
static void queue_kind_follow(struct queue *, struct bucket *);

struct queue *
queue_new(struct store *store)
{
	struct queue *q;
	char seed[17];

	OBJ_NEW(q, QUEUE_MAGIC);
	q->store = store;
	q->all = bucket_get(q, NULL, NULL);
	TAILQ_INIT(&q->ready);
	TAILQ_INIT(&q->running);
	ready_init_due(&q->due);
	q->random = strtoull(text_random_hex(seed, 8), NULL, 16);
	return q;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	OBJ_CHECK(q, QUEUE_MAGIC);
	queue_forget(q);
	heap_free(&q->due);
	bucket_free_all(q);
	OBJ_FREE(q);
}

/* Drops all jobs from memory. */
static void
queue_forget(struct queue *q)
{
	struct entry *e, *next;

	HASH_ITER(by_id, q->by_id, e, next) {
		entry_leave(q, e);
		entry_unindex(q, e);
		entry_free(q, e);
	}
	memset(q->counts, 0, sizeof q->counts);
	q->prune_from = 0;
}

static void
queue_take_in(struct queue *q, struct entry *e)
{
	entry_index(q, e);
}

int
queue_load(struct queue *q, struct error *err)
{
	struct entry *e;

	OBJ_CHECK(q, QUEUE_MAGIC);
	queue_forget(q);
	if (row_load_active(q, queue_take_in, err) != 0)
		goto fail;
	/* Dependencies can be resolved only when all jobs are loaded. */
	for (e = q->by_id; e != NULL; e = e->by_id.next) {
		if (dependency_attach(q, e, false, err) != 0)
			goto fail;
	}
	for (e = q->by_id; e != NULL; e = e->by_id.next)
		entry_enter(q, e);
	if (row_counts(q, err) != 0 || pause_load(q, err) != 0)
		return -1;
	return 0;

fail:
	while ((e = q->by_id) != NULL) {
		entry_unindex(q, e);
		entry_free(q, e);
	}
	return -1;
}

void
queue_configure(struct queue *q, const struct config *c)
{
	struct bucket *b;

	OBJ_CHECK(q, QUEUE_MAGIC);
	for (b = q->buckets; b != NULL; b = b->hh.next) {
		if (b->traits == NULL)
			b->slots = 0;
		b->configured = false;
		b->memory = 0;
	}
	q->all->slots = c->running;
	q->memory_floor = c->memory_floor;
	q->disk_floor = c->disk_floor;
	for (int i = 0; i < c->pools_len; i++) {
		b = bucket_get(q, "pool", c->pools[i].name);
		b->slots = c->pools[i].slots;
		b->memory = c->pools[i].memory;
		b->configured = true;
	}
	for (int i = 0; i < c->repos_len; i++) {
		b = bucket_get(q, "repo", c->repos[i].name);
		b->slots = c->repos[i].slots;
		b->configured = true;
	}
}

void
bucket_forget_kind(struct bucket *kind)
{
	struct kind_traits *t = kind->traits;

	if (t == NULL)
		return;
	for (char *const *name = t->yield_to; name != NULL && *name != NULL; name++)
		free(*name);
	free((void *)t->yield_to);
	free((void *)t->pool);
	free((void *)t->agent);
	free((void *)t->why_not);
	free(t);
	free(kind->yields);
	kind->traits = NULL;
	kind->yields = NULL;
}

/*
 * Moves the kind's waiting jobs that named no pool or agent to those of the
 * kind.
 */
static void
queue_kind_follow(struct queue *q, struct bucket *kind)
{
	for (struct entry *e = q->by_id; e != NULL; e = e->by_id.next) {
		if (e->in[IN_KIND] != kind || (e->own_pool && e->own_agent))
			continue;
		entry_leave(q, e);
		entry_follow(q, e);
		entry_enter(q, e);
	}
}

static bool
queue_same_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

void
queue_kind_set(struct queue *q, const char *name, const struct kind_traits *traits)
{
	struct bucket *kind, **yields = NULL;
	struct kind_traits *t;
	char **names;
	size_t n = 0;
	bool moved;

	OBJ_CHECK(q, QUEUE_MAGIC);
	kind = bucket_get(q, "kind", name);
	if (traits == NULL) {
		bucket_forget_kind(kind);
		return;
	}
	moved = kind->traits == NULL || !queue_same_text(kind->traits->pool, traits->pool) ||
	    !queue_same_text(kind->traits->agent, traits->agent);
	t = xmalloc(sizeof *t);
	*t = *traits;
	t->pool = xstrdup(traits->pool);
	t->agent = xstrdup(traits->agent);
	t->why_not = xstrdup(traits->why_not);
	t->yield_max_ms = traits->yield_max_ms > 0 ? traits->yield_max_ms : QUEUE_YIELD_MAX_MS;
	t->yield_to = NULL;
	while (traits->yield_to != NULL && traits->yield_to[n] != NULL)
		n++;
	if (n > 0) {
		names = xcalloc(n + 1, sizeof *names);
		yields = xcalloc(n + 1, sizeof(struct bucket *));
		for (size_t i = 0; i < n; i++) {
			names[i] = xstrdup(traits->yield_to[i]);
			yields[i] = bucket_get(q, "kind", names[i]);
		}
		t->yield_to = names;
	}
	/* comes last, since the caller's traits may point into the old ones */
	bucket_forget_kind(kind);
	kind->yields = yields;
	kind->traits = t;
	kind->slots = traits->slots > 0 ? traits->slots : 0;
	if (moved)
		queue_kind_follow(q, kind);
}

void
queue_plugin_down(struct queue *q, const char *plugin, const char *why_not)
{
	size_t len = strlen(plugin);
	struct bucket *b;

	OBJ_CHECK(q, QUEUE_MAGIC);
	for (b = q->buckets; b != NULL; b = b->hh.next) {
		if (strncmp(b->path, "kind/", 5) != 0 || strncmp(b->name, plugin, len) != 0 ||
		    b->name[len] != '.')
			continue;
		if (why_not == NULL) {
			if (b->traits != NULL && !b->traits->ready)
				bucket_forget_kind(b);
			continue;
		}
		if (b->traits == NULL) {
			b->traits = xcalloc(1, sizeof *b->traits);
			b->traits->retries = QUEUE_RETRIES;
			b->traits->yield_max_ms = QUEUE_YIELD_MAX_MS;
		}
		b->traits->ready = false;
		free((void *)b->traits->why_not);
		b->traits->why_not = xstrdup(why_not);
	}
}

const struct kind_traits *
queue_kind(const struct queue *q, const char *name)
{
	const struct bucket *kind = bucket_find((struct queue *)q, "kind", name);

	return kind != NULL ? kind->traits : NULL;
}

bool
queue_kind_known(const struct queue *q, const char *name)
{
	return queue_kind(q, name) != NULL;
}

void
queue_each_kind(const struct queue *q, void (*fn)(void *, const char *), void *arg)
{
	for (const struct bucket *b = q->buckets; b != NULL; b = b->hh.next)
		if (strncmp(b->path, "kind/", 5) == 0 && b->traits != NULL)
			fn(arg, b->name);
}

int
queue_count(const struct queue *q, enum job_state state)
{
	return q->counts[state];
}

void
queue_each_running(struct queue *q, int (*fn)(void *, struct job *), void *arg)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&q->running); e != NULL; e = next) {
		next = TAILQ_NEXT(e, run);
		if (fn(arg, &e->job) != 0)
			return;
	}
}

struct job *
queue_running(struct queue *q, uint64_t id, uint64_t epoch)
{
	struct entry *e = entry_find(q, id);

	return e != NULL && e->job.state == JOB_RUNNING && e->job.epoch == epoch ? &e->job : NULL;
}

void
queue_seen(struct queue *q, uint64_t id, uint64_t epoch, int64_t rss)
{
	struct job *j = queue_running(q, id, epoch);

	if (j != NULL)
		((struct entry *)(void *)j)->rss = rss > 0 ? rss : 0;
}

/*
 * The free places of a bucket. It is at least 1, and a job for that place may
 * wait, so that one long job does not stop a source.
 */
static int
queue_places(const struct bucket *b)
{
	int vacant = b->slots - b->running;

	return b->slots == 0 ? INT32_MAX : vacant > 1 ? vacant : 1;
}

int
queue_capacity(const struct queue *q, const char *name)
{
	const struct bucket *kind = bucket_find((struct queue *)q, "kind", name), *pool;
	int64_t now = clock_wall();
	int n;

	if (kind == NULL || kind->traits == NULL)
		return 0;
	pool = bucket_find((struct queue *)q, "pool",
	    kind->traits->pool != NULL ? kind->traits->pool : QUEUE_POOL);
	if (pool == NULL || !pool->configured || bucket_paused(q->all, now) ||
	    bucket_paused(kind, now) || bucket_paused(pool, now))
		return 0;
	n = queue_places(kind) < queue_places(pool) ? queue_places(kind) : queue_places(pool);
	if (queue_places(q->all) < n)
		n = queue_places(q->all);
	n -= kind->waiting + kind->delayed;
	return n > 0 ? n : 0;
}

int64_t
queue_tick(struct queue *q, struct error *err)
{
	static const struct transition nobody = { 0 };
	int64_t now = clock_wall(), next, other;
	struct entry *e;

	OBJ_CHECK(q, QUEUE_MAGIC);
	next = pause_tick(q, now, err);
	for (int n = 0; (e = heap_first(&q->due)) != NULL && e->job.ready_at <= now; n++) {
		struct job due = e->job;

		if (n == QUEUE_DUE_MAX)
			return 0;
		due.ready_at = now;
		if (transition_apply(q, e, EVENT_DUE, &due, &nobody, err) != 0)
			return QUEUE_TROUBLE_MS;
	}
	if (e != NULL && (next < 0 || e->job.ready_at - now < next))
		next = e->job.ready_at - now;
	other = gate_next_ageing(q, now);
	return next < 0 || (other >= 0 && other < next) ? other : next;
}
