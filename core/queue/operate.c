/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator does to jobs, and the removal of old jobs. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "queue/inside.h"

#define PRUNE_MAX 10000 /* jobs that one call removes */
#define PRUNE_LOOKS 64  /* rows that are read for each job that may be removed */

struct pruning {
	const struct queue *q;
	int64_t ended_before;
	int len, most, looks;
	bool more;               /* there are more rows; the next call goes on after `from` */
	uint64_t from;
	struct pruned_job {
		uint64_t id;
		enum job_state state;
	} * jobs;
};

static const char sql_oldest[] =
    "select id, state, queued_at, ended_at "
    "from job "
    "where id > $1 "
    "order by id";

static struct entry *operate_entry(struct queue *, uint64_t, bool *, struct error *);
static int operate_apply(struct queue *, uint64_t, enum job_event, const char *, const char *,
    struct error *);

/*
 * Returns the job's entry, or makes one from the row of a final job and sets
 * *loaded. The caller then frees it unless a change has made the job active.
 */
static struct entry *
operate_entry(struct queue *q, uint64_t id, bool *loaded, struct error *err)
{
	struct entry *e = entry_find(q, id);

	*loaded = e == NULL;
	return e != NULL ? e : row_load(q, id, err);
}

static int
operate_apply(struct queue *q, uint64_t id, enum job_event event, const char *why, const char *by,
    struct error *err)
{
	char text[DROVER_ERROR_MAX];
	struct transition transition = { .who = by, .detail = job_text(why, text, sizeof text) };
	struct entry *e, *other;
	struct job next;
	bool loaded;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if ((e = operate_entry(q, id, &loaded, err)) == NULL)
		return -1;
	if (event == EVENT_RETRY && loaded &&
	    (other = entry_same(q, e->job.kind, e->job.key)) != NULL) {
		error_set(err, DROVER_PERMANENT,
		    "job %llu cannot be retried: job %llu has the same kind and key and is %s",
		    (unsigned long long)id, (unsigned long long)other->job.id,
		    state_name(other->job.state));
		goto fail;
	}
	if (event == EVENT_RETRY && loaded && dependency_attach(q, e, false, err) != 0)
		goto fail;
	next = e->job;
	if (event == EVENT_HOLD)
		next.held_why = job_why(transition.detail, "by an operator");
	if (event == EVENT_RELEASE || event == EVENT_RETRY) {
		next.ready_at = clock_wall();
		next.crashes = 0;
	}
	if (event == EVENT_RETRY) {
		next.failures = next.agains = next.quota_pauses = next.interruptions = 0;
		next.again_since = 0;
	}
	if (transition_apply(q, e, event, &next, &transition, err) == 0)
		return 0;
fail:
	if (loaded)
		entry_free(q, e);
	return -1;
}

int
queue_hold(struct queue *q, uint64_t id, const char *why, const char *by, struct error *err)
{
	return operate_apply(q, id, EVENT_HOLD, why, by, err);
}

int
queue_release(struct queue *q, uint64_t id, const char *by, struct error *err)
{
	return operate_apply(q, id, EVENT_RELEASE, NULL, by, err);
}

int
queue_retry(struct queue *q, uint64_t id, const char *by, struct error *err)
{
	return operate_apply(q, id, EVENT_RETRY, NULL, by, err);
}

int
queue_discard(struct queue *q, uint64_t id, const char *by, struct error *err)
{
	return operate_apply(q, id, EVENT_DISCARD, NULL, by, err);
}

int
operate_cancel(struct queue *q, uint64_t id, const char *why, const char *by, struct error *err)
{
	return operate_apply(q, id, EVENT_CANCEL, why, by, err);
}

int
queue_cancel(struct queue *q, uint64_t id, const char *by, struct error *err)
{
	const struct entry *e = entry_find(q, id);

	if (e != NULL && e->job.state == JOB_RUNNING)
		return error_set(err, DROVER_PERMANENT,
		    "job %llu is running on %s: its worker must stop it first",
		    (unsigned long long)id, e->job.worker);
	return operate_apply(q, id, EVENT_CANCEL, NULL, by, err);
}

int
queue_priority(struct queue *q, uint64_t id, int priority, const char *by, struct error *err)
{
	struct store_value values[2] = { SV_INT(id), SV_INT(priority) };
	struct entry *e = entry_find(q, id);
	const char *state;
	char detail[64];
	struct transition transition = { .who = by, .detail = detail };

	OBJ_CHECK(q, QUEUE_MAGIC);
	if (e == NULL)
		return error_set(err, DROVER_PERMANENT, "there is no job %llu, or it has ended",
		    (unsigned long long)id);
	if (priority < -100 || priority > 100)
		return error_set(err, DROVER_PERMANENT,
		    "the priority of a job is from -100 to 100, not %d", priority);
	snprintf(detail, sizeof detail, "%d -> %d", e->job.priority, priority);
	state = state_name(e->job.state);
	if (store_do(q->store, "update job set priority = $2 where id = $1", values, 2, err) != 0 ||
	    row_event(q, &e->job, "priority", state, state, clock_wall(), &transition, err) != 0)
		return -1;
	entry_leave(q, e);
	e->job.priority = priority;
	entry_enter(q, e);
	return 0;
}

/*
 * Rows come in the order of their ids, and so of their age: the first job that
 * is too young ends the search.
 */
static int
operate_prune_row(void *arg, const struct store_row *row)
{
	struct pruning *p = arg;
	uint64_t id = (uint64_t)store_row_int(row, 0);
	int state = state_parse(store_row_text(row, 1));
	const struct dependency *d;

	if (store_row_int(row, 2) > p->ended_before)
		return 1;
	p->from = id;
	HASH_FIND(hh, p->q->dependencies, &id, sizeof id, d);
	if ((state == JOB_SUCCEEDED || state == JOB_CANCELLED) &&
	    store_row_int(row, 3) <= p->ended_before && d == NULL)
		p->jobs[p->len++] = (struct pruned_job){ id, (enum job_state)state };
	p->more = p->len == p->most || ++p->looks == PRUNE_LOOKS * p->most;
	return p->more;
}

static int
operate_prune_one(struct queue *q, uint64_t id, struct error *err)
{
	const struct store_value value = SV_INT(id);
	char scope[32];

	snprintf(scope, sizeof scope, "job/%llu", (unsigned long long)id);
	if (store_do(q->store, "delete from effect where job = $1", &value, 1, err) != 0 ||
	    store_kv_remove(q->store, scope, NULL, err) != 0)
		return -1;
	return store_do(q->store, "delete from job where id = $1", &value, 1, err);
}

void
queue_on_prune(struct queue *q, void (*fn)(void *, uint64_t), void *arg)
{
	OBJ_CHECK(q, QUEUE_MAGIC);
	q->pruned = fn;
	q->pruned_arg = arg;
}

void
queue_on_news(struct queue *q, int (*fn)(void *, const struct job_news *, struct error *),
    void *arg)
{
	OBJ_CHECK(q, QUEUE_MAGIC);
	q->news = fn;
	q->news_arg = arg;
}

int
queue_prune(struct queue *q, int64_t older_than_ms, int most, struct error *err)
{
	struct pruning p = { .q = q, .ended_before = clock_wall() - older_than_ms };
	struct store_value value = SV_INT(q->prune_from);
	int n = -1;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if (most <= 0)
		return 0;
	p.most = most < PRUNE_MAX ? most : PRUNE_MAX;
	p.jobs = xcalloc((size_t)p.most, sizeof *p.jobs);
	if (store_read(q->store, sql_oldest, &value, 1, operate_prune_row, &p, err) < 0)
		goto done;
	for (int i = 0; i < p.len; i++) {
		if (operate_prune_one(q, p.jobs[i].id, err) != 0)
			goto done;
		q->counts[p.jobs[i].state]--;
		if (q->pruned != NULL)
			q->pruned(q->pruned_arg, p.jobs[i].id);
	}
	q->prune_from = p.more ? p.from : 0;
	n = p.len;
done:
	free(p.jobs);
	return n;
}

int
queue_note(struct queue *q, uint64_t id, const char *event, const char *by, const char *detail,
    struct error *err)
{
	const struct store_value values[] = { SV_INT(id), SV_INT(clock_wall()), store_text(event),
		store_text(by), store_text(detail) };

	OBJ_CHECK(q, QUEUE_MAGIC);
	return store_do(q->store,
	    "insert into event (job, at, event, from_state, to_state, attempt, epoch, who, "
	    "detail) "
	    "select id, $2, $3, state, state, attempt, epoch, $4, $5 "
	    "from job "
	    "where id = $1",
	    values, ARRAY_LEN(values), err);
}
