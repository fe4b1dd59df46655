/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue's rows: writes jobs, events and attempts, and makes entries from
 * the rows of jobs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/inside.h"

#define COLUMNS \
	"select id, kind, key, serial, title, repo, agent, pool, source, trace, priority, state, " \
	"epoch, attempt, failures, agains, again_since, quota_pauses, interruptions, crashes, " \
	"queued_at, ready_at, started_at, held_why, after_job, worker, token " \
	"from job "

static const char sql_job[] =
    "insert into job (kind, key, serial, title, repo, agent, pool, source, trace, priority, "
    "state, queued_at, ready_at, held_why, after_job, author, sha256) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14, $15, $16)";

static const char sql_payload[] =
    "insert into payload (job, data) values ($1, $2)";

static const char sql_event[] =
    "insert into event (job, at, event, from_state, to_state, attempt, epoch, who, detail) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

static const char sql_save[] =
    "update job "
    "set state = $2, epoch = $3, attempt = $4, failures = $5, agains = $6, again_since = $7, "
    "quota_pauses = $8, interruptions = $9, crashes = $10, ready_at = $11, started_at = $12, "
    "ended_at = $13, settled = $14, held_why = $15, error = coalesce($16, error), "
    "error_class = coalesce($17, error_class), worker = $18, token = $19 "
    "where id = $1";

static const char sql_attempt[] =
    "insert into attempt (job, number, epoch, worker, started_at, ended_at, class, text, "
    "wall_ms, cpu_ms, rss, output) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
    "on conflict (job, number) do update "
    "set ended_at = excluded.ended_at, class = excluded.class, text = excluded.text, "
    "wall_ms = excluded.wall_ms, cpu_ms = excluded.cpu_ms, rss = excluded.rss, "
    "output = excluded.output";

/*
 * The first condition is that of the partial index, which is used only if the
 * query repeats it.
 */
static const char sql_count_aside[] =
    "select state, count(*) "
    "from job "
    "where " STORE_JOB_ASIDE " and (state = 'dead' or state = 'cancelled') "
    "group by state";

struct loading {
	struct queue *q;
	void (*fn)(struct queue *, struct entry *);
	struct entry *entry;
};

static struct entry *row_entry(struct queue *, const struct store_row *);

static struct store_value
row_text_or_null(const char *text)
{
	return text[0] != '\0' ? store_text(text) : SV_NULL;
}

int
row_insert(struct queue *q, struct entry *e, const struct job_ask *ask, int64_t now,
    struct error *err)
{
	struct job *j = &e->job;
	const struct store_value values[] = {
		store_text(ask->kind),
		store_text(ask->key),
		store_text(ask->serial),
		store_text(ask->title),
		store_text(ask->repo),
		store_text(ask->agent),
		store_text(ask->pool),
		store_text(ask->source),
		store_text(j->trace),
		SV_INT(j->priority),
		store_text(state_name(j->state)),
		SV_INT(now),
		store_text(ask->held_why),
		j->after != 0 ? SV_INT(j->after) : SV_NULL,
		store_text(ask->author),
		store_text(ask->sha256),
	};
	struct store_value payload[2];

	if (store_do(q->store, sql_job, values, ARRAY_LEN(values), err) != 0)
		return -1;
	j->id = (uint64_t)store_last_id(q->store);
	if (ask->payload_len == 0)
		return 0;
	payload[0] = SV_INT(j->id);
	payload[1] = store_blob(ask->payload, ask->payload_len);
	return store_do(q->store, sql_payload, payload, ARRAY_LEN(payload), err);
}

int
row_event(struct queue *q, const struct job *j, const char *event, const char *from, const char *to,
    int64_t now, const struct transition *c, struct error *err)
{
	const struct store_value values[] = {
		SV_INT(j->id),
		SV_INT(now),
		store_text(event),
		store_text(from),
		store_text(to),
		SV_INT(j->attempt),
		SV_INT(j->epoch),
		store_text(c->who),
		store_text(c->detail),
	};

	return store_do(q->store, sql_event, values, ARRAY_LEN(values), err);
}

int
row_save(struct queue *q, const struct job *j, int64_t now, const struct transition *c,
    struct error *err)
{
	bool final = state_is_final(j->state);
	const struct store_value values[] = {
		SV_INT(j->id),
		store_text(state_name(j->state)),
		SV_INT(j->epoch),
		SV_INT(j->attempt),
		SV_INT(j->failures),
		SV_INT(j->agains),
		SV_INT(j->again_since),
		SV_INT(j->quota_pauses),
		SV_INT(j->interruptions),
		SV_INT(j->crashes),
		SV_INT(j->ready_at),
		j->started_at != 0 ? SV_INT(j->started_at) : SV_NULL,
		final ? SV_INT(now) : SV_NULL,
		final && j->source[0] != '\0' ? SV_INT(0) : SV_NULL,
		row_text_or_null(j->held_why),
		store_text(c->error),
		c->error != NULL ? store_text(error_class_name(c->code)) : SV_NULL,
		row_text_or_null(j->worker),
		row_text_or_null(j->token),
	};

	return store_do(q->store, sql_save, values, ARRAY_LEN(values), err);
}

int
row_attempt(struct queue *q, const struct job *j, const struct job_outcome *o,
    const char *class_name, int64_t now, struct error *err)
{
	char clean[DROVER_ERROR_MAX];
	const struct store_value values[] = {
		SV_INT(j->id),
		SV_INT(j->attempt),
		SV_INT(j->epoch),
		store_text(j->worker),
		SV_INT(j->started_at),
		SV_INT(now),
		store_text(class_name),
		store_text(job_text(o->error.text, clean, sizeof clean)),
		SV_INT(o->wall_ms),
		SV_INT(o->cpu_ms),
		SV_INT(o->rss),
		SV_INT(o->output),
	};

	return store_do(q->store, sql_attempt, values, ARRAY_LEN(values), err);
}

/* Makes an entry from a row with the columns of COLUMNS. */
static struct entry *
row_entry(struct queue *q, const struct store_row *row)
{
	const struct job_ask strings = {
		.kind = store_row_text(row, 1),
		.key = store_row_text(row, 2),
		.serial = store_row_text(row, 3),
		.title = store_row_text(row, 4),
		.repo = store_row_text(row, 5),
		.agent = store_row_text(row, 6),
		.pool = store_row_text(row, 7),
		.source = store_row_text(row, 8),
	};
	struct entry *e = entry_new(q, &strings, store_row_text(row, 9));
	struct job *j = &e->job;
	int state = state_parse(store_row_text(row, 11));

	MUST(state >= 0);
	j->id = (uint64_t)store_row_int(row, 0);
	j->priority = (int)store_row_int(row, 10);
	j->state = (enum job_state)state;
	j->epoch = (uint64_t)store_row_int(row, 12);
	j->attempt = (uint32_t)store_row_int(row, 13);
	j->failures = (int)store_row_int(row, 14);
	j->agains = (int)store_row_int(row, 15);
	j->again_since = store_row_int(row, 16);
	j->quota_pauses = (int)store_row_int(row, 17);
	j->interruptions = (int)store_row_int(row, 18);
	j->crashes = (int)store_row_int(row, 19);
	j->queued_at = store_row_int(row, 20);
	j->ready_at = store_row_int(row, 21);
	j->started_at = store_row_int(row, 22);
	entry_set_text(&e->held_why, &j->held_why, store_row_text(row, 23));
	j->after = (uint64_t)store_row_int(row, 24);
	entry_set_text(&e->worker, &j->worker, store_row_text(row, 25));
	text_copy(j->token, sizeof j->token, store_row_text(row, 26));
	return e;
}

static int
row_loaded(void *arg, const struct store_row *row)
{
	struct loading *l = arg;

	l->entry = row_entry(l->q, row);
	if (l->fn != NULL)
		l->fn(l->q, l->entry);
	return 0;
}

int
row_load_active(struct queue *q, void (*fn)(struct queue *, struct entry *), struct error *err)
{
	struct loading l = { .q = q, .fn = fn };

	return store_read(q->store,
		   COLUMNS "where " STORE_JOB_ACTIVE, NULL, 0,
		   row_loaded, &l, err) < 0 ?
	    -1 :
	    0;
}

struct entry *
row_load(struct queue *q, uint64_t id, struct error *err)
{
	const struct store_value value = SV_INT(id);
	struct loading l = { .q = q };

	if (store_read(q->store, COLUMNS "where id = $1", &value, 1, row_loaded, &l, err) < 0)
		return NULL;
	if (l.entry == NULL)
		error_set(err, DROVER_PERMANENT, "there is no job %llu", (unsigned long long)id);
	return l.entry;
}

static int
row_count(void *arg, const struct store_row *row)
{
	struct queue *q = arg;
	int state = state_parse(store_row_text(row, 0));

	MUST(state >= 0);
	q->counts[state] = (int)store_row_int(row, 1);
	return 0;
}

/*
 * Counts final jobs. No index lists the succeeded ones, so their number is that
 * of all jobs less the others.
 */
int
row_counts(struct queue *q, struct error *err)
{
	int active = q->counts[JOB_QUEUED] + q->counts[JOB_RUNNING] + q->counts[JOB_DELAYED] +
	    q->counts[JOB_HELD];

	if (store_read(q->store, sql_count_aside, NULL, 0, row_count, q, err) < 0 ||
	    store_read(q->store, "select 'succeeded', count(*) from job", NULL, 0, row_count, q,
		err) < 0)
		return -1;
	q->counts[JOB_SUCCEEDED] -= active + q->counts[JOB_DEAD] + q->counts[JOB_CANCELLED];
	return 0;
}
