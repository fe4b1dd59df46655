/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: makes a job in memory, finds it, and counts it in its buckets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "queue/inside.h"

static char *entry_put(char **, const char *);
static void entry_count(struct entry *, size_t, int);

static char *
entry_put(char **at, const char *text)
{
	char *start = *at;
	size_t len = strlen(text) + 1;

	memcpy(start, text, len);
	*at += len;
	return start;
}

struct entry *
entry_new(struct queue *q, const struct job_ask *w, const char *trace)
{
	const char *serial = w->serial != NULL ? w->serial : "",
		   *title = w->title != NULL ? w->title : "";
	struct bucket *source = bucket_get(q, "source", w->source);
	size_t kind_len = strlen(w->kind), name_len = kind_len + 1 + strlen(w->key);
	struct entry *e;
	char *at;

	e = xcalloc(1, sizeof *e + name_len + 1 + strlen(serial) + 1 + strlen(title) + 1);
	at = e->name;
	memcpy(at, w->kind, kind_len);
	at[kind_len] = '/';
	at += kind_len + 1;
	e->name_len = name_len;
	e->job.key = entry_put(&at, w->key);
	e->job.serial = entry_put(&at, serial);
	e->job.title = entry_put(&at, title);
	e->in[IN_ALL] = q->all;
	e->in[IN_KIND] = bucket_get(q, "kind", w->kind);
	e->in[IN_REPO] = bucket_get(q, "repo", w->repo);
	e->in[IN_POOL] = bucket_get(q, "pool", w->pool);
	e->in[IN_AGENT] = bucket_get(q, "agent", w->agent);
	e->own_pool = e->in[IN_POOL] != NULL;
	e->own_agent = e->in[IN_AGENT] != NULL;
	e->job.kind = e->in[IN_KIND]->name;
	e->job.repo = e->in[IN_REPO] != NULL ? e->in[IN_REPO]->name : q->all->name;
	e->job.source = source != NULL ? source->name : q->all->name;
	entry_set_text(&e->held_why, &e->job.held_why, NULL);
	entry_set_text(&e->worker, &e->job.worker, NULL);
	text_copy(e->job.trace, sizeof e->job.trace, trace);
	entry_follow(q, e);
	return e;
}

void
entry_follow(struct queue *q, struct entry *e)
{
	const struct kind_traits *t = e->in[IN_KIND]->traits;

	if (!e->own_pool)
		e->in[IN_POOL] =
		    bucket_get(q, "pool", t != NULL && t->pool != NULL ? t->pool : QUEUE_POOL);
	if (!e->own_agent)
		e->in[IN_AGENT] = t != NULL ? bucket_get(q, "agent", t->agent) : NULL;
	e->job.pool = e->in[IN_POOL]->name;
	e->job.agent = e->in[IN_AGENT] != NULL ? e->in[IN_AGENT]->name : q->all->name;
}

void
entry_free(struct queue *q, struct entry *e)
{
	dependency_detach(q, e);
	free(e->held_why);
	free(e->worker);
	free(e);
}

void
entry_set_text(char **owned, char **shown, const char *text)
{
	static char empty[1];
	char *copy = text != NULL && text[0] != '\0' ? xstrdup(text) : NULL;

	free(*owned);
	*owned = copy;
	*shown = copy != NULL ? copy : empty;
}

void
entry_index(struct queue *q, struct entry *e)
{
	HASH_ADD(by_id, q->by_id, job.id, sizeof e->job.id, e);
	HASH_ADD_KEYPTR(by_key, q->by_key, e->name, e->name_len, e);
}

void
entry_unindex(struct queue *q, struct entry *e)
{
	HASH_DELETE(by_id, q->by_id, e);
	HASH_DELETE(by_key, q->by_key, e);
}

struct entry *
entry_find(struct queue *q, uint64_t id)
{
	struct entry *e;

	HASH_FIND(by_id, q->by_id, &id, sizeof id, e);
	return e;
}

struct entry *
entry_same(struct queue *q, const char *kind, const char *key)
{
	char name[2 * DROVER_NAME_MAX + 2 + DROVER_KEY_MAX + 1];
	struct entry *e;
	int len;

	len = snprintf(name, sizeof name, "%s/%s", kind, key);
	if (len < 0 || (size_t)len >= sizeof name)
		return NULL;
	HASH_FIND(by_key, q->by_key, name, (size_t)len, e);
	return e;
}

/* Adds n to a counter of each of the entry's buckets. */
static void
entry_count(struct entry *e, size_t counter, int n)
{
	for (int i = 0; i < PLACES; i++) {
		if (e->in[i] != NULL)
			*(int *)((char *)e->in[i] + counter) += n;
	}
}

void
entry_enter(struct queue *q, struct entry *e)
{
	q->counts[e->job.state]++;
	switch (e->job.state) {
	case JOB_QUEUED:
		entry_count(e, offsetof(struct bucket, waiting), 1);
		ready_enter(q, e);
		break;
	case JOB_RUNNING:
		entry_count(e, offsetof(struct bucket, running), 1);
		TAILQ_INSERT_TAIL(&q->running, e, run);
		serial_take(q, e);
		break;
	case JOB_DELAYED:
		entry_count(e, offsetof(struct bucket, delayed), 1);
		heap_insert(&q->due, e);
		break;
	default:
		break;
	}
}

void
entry_leave(struct queue *q, struct entry *e)
{
	q->counts[e->job.state]--;
	switch (e->job.state) {
	case JOB_QUEUED:
		entry_count(e, offsetof(struct bucket, waiting), -1);
		ready_leave(q, e);
		break;
	case JOB_RUNNING:
		entry_count(e, offsetof(struct bucket, running), -1);
		TAILQ_REMOVE(&q->running, e, run);
		serial_give(q, e);
		break;
	case JOB_DELAYED:
		entry_count(e, offsetof(struct bucket, delayed), -1);
		heap_remove(&q->due, e->by_due);
		break;
	default:
		break;
	}
}
