/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates, in the order in which they are asked. A gate is open, or says in
 * one sentence what it waits for; a claim needs no sentence and passes no
 * buffer. Gates of REACH_ALL are asked once a claim, those of REACH_GROUP once
 * a group. Gates of REACH_JOB close for single jobs, which ready.c and the
 * states keep out of the groups already; they are here to answer `drover why`.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "queue/inside.h"

static bool gate_drain(const struct gate_ask *, struct buf *);
static bool gate_pause(const struct gate_ask *, struct buf *);
static bool gate_hold(const struct gate_ask *, struct buf *);
static bool gate_delay(const struct gate_ask *, struct buf *);
static bool gate_dependency(const struct gate_ask *, struct buf *);
static bool gate_yield(const struct gate_ask *, struct buf *);
static bool gate_serial(const struct gate_ask *, struct buf *);
static bool gate_kind(const struct gate_ask *, struct buf *);
static bool gate_repo(const struct gate_ask *, struct buf *);
static bool gate_pool(const struct gate_ask *, struct buf *);
static bool gate_slots(const struct gate_ask *, struct buf *);
static bool gate_memory(const struct gate_ask *, struct buf *);
static bool gate_disk(const struct gate_ask *, struct buf *);
static bool gate_agent(const struct gate_ask *, struct buf *);
static bool gate_plugin(const struct gate_ask *, struct buf *);
static int64_t gate_promised(const struct queue *);

static const struct gate {
	const char *name;
	enum reach reach;
	bool (*open)(const struct gate_ask *, struct buf *);
} gates[] = {
	{ "drain", REACH_ALL, gate_drain },
	{ "pause", REACH_GROUP, gate_pause },
	{ "hold", REACH_JOB, gate_hold },
	{ "delay", REACH_JOB, gate_delay },
	{ "dependency", REACH_JOB, gate_dependency },
	{ "yield", REACH_GROUP, gate_yield },
	{ "serial", REACH_JOB, gate_serial },
	{ "kind", REACH_GROUP, gate_kind },
	{ "repo", REACH_GROUP, gate_repo },
	{ "pool", REACH_GROUP, gate_pool },
	{ "slots", REACH_ALL, gate_slots },
	{ "memory", REACH_GROUP, gate_memory },
	{ "disk", REACH_ALL, gate_disk },
	{ "agent", REACH_GROUP, gate_agent },
	{ "plugin", REACH_GROUP, gate_plugin },
};

/*
 * Writes the sentence, if the caller wants one; returns false, since the gate
 * is closed.
 */
#define CLOSED(why, ...) ((why) != NULL ? buf_addf((why), __VA_ARGS__) : (void)0, false)

static bool
gate_drain(const struct gate_ask *ask, struct buf *why)
{
	if (ask->view->stopping)
		return CLOSED(why, "the daemon is stopping");
	if (ask->view->draining)
		return CLOSED(why,
		    "the daemon is draining: running jobs end, nothing new starts (drover undrain "
		    "takes it back)");
	return true;
}

static bool
gate_closed_by_pause(const struct bucket *b, int64_t now, struct buf *why)
{
	char time[32];

	if (why == NULL)
		return false;
	buf_addf(why, "%s is paused", b->path[0] != '\0' ? b->path : "everything");
	if (b->until != 0)
		buf_addf(why, " for another %s",
		    units_format_duration(b->until - now, time, sizeof time));
	if (b->why[0] != '\0') {
		buf_adds(why, ": ");
		text_show(why, b->why, strlen(b->why), DROVER_ERROR_MAX);
	}
	return false;
}

static bool
gate_pause(const struct gate_ask *ask, struct buf *why)
{
	static const enum place places[] = { IN_ALL, IN_KIND, IN_REPO, IN_POOL };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (bucket_paused(ask->e->in[places[i]], ask->now))
			return gate_closed_by_pause(ask->e->in[places[i]], ask->now, why);
	}
	return true;
}

static bool
gate_hold(const struct gate_ask *ask, struct buf *why)
{
	if (ask->e->job.state != JOB_HELD)
		return true;
	if (why != NULL) {
		buf_adds(why, "held: ");
		text_show(why, ask->e->job.held_why, strlen(ask->e->job.held_why),
		    DROVER_ERROR_MAX);
	}
	return false;
}

static bool
gate_delay(const struct gate_ask *ask, struct buf *why)
{
	int64_t left = ask->e->job.ready_at - ask->now;
	char time[32];

	if (ask->e->job.state != JOB_DELAYED)
		return true;
	if (why == NULL)
		return false;
	units_format_duration(left > 0 ? left : 0, time, sizeof time);
	return CLOSED(why,
	    "tries again in %s, after %d failures, %d transport troubles and %d quota pauses", time,
	    ask->e->job.failures, ask->e->job.agains, ask->e->job.quota_pauses);
}

static bool
gate_dependency(const struct gate_ask *ask, struct buf *why)
{
	const struct dependency *d = ask->e->needs;
	const struct entry *other;

	if (d == NULL)
		return true;
	if (why == NULL)
		return false;
	other = entry_find((struct queue *)ask->q, d->id);
	return CLOSED(why, "comes after job %llu, which is %s", (unsigned long long)d->id,
	    state_name(other != NULL ? other->job.state : d->ended));
}

static int64_t
gate_yield_left(const struct entry *e, int64_t now)
{
	return e->job.ready_at + e->in[IN_KIND]->traits->yield_max_ms - now;
}

static bool
gate_yield(const struct gate_ask *ask, struct buf *why)
{
	struct bucket **first = ask->e->in[IN_KIND]->yields;
	char time[32];

	if (first == NULL || gate_yield_left(ask->e, ask->now) <= 0)
		return true;
	for (; *first != NULL; first++) {
		if ((*first)->running + (*first)->waiting > 0)
			return CLOSED(why,
			    "yields to %s (%d running, %d waiting) for another %s at most",
			    (*first)->name, (*first)->running, (*first)->waiting,
			    units_format_duration(gate_yield_left(ask->e, ask->now), time,
				sizeof time));
	}
	return true;
}

static bool
gate_serial(const struct gate_ask *ask, struct buf *why)
{
	struct serial *s;

	if (ask->e->job.serial[0] == '\0' || ask->e->job.state == JOB_RUNNING)
		return true;
	HASH_FIND_STR(ask->q->serials, ask->e->job.serial, s);
	if (s == NULL || s->running == 0)
		return true;
	if (why == NULL)
		return false;
	buf_adds(why, "one at a time for ");
	text_show(why, s->name, strlen(s->name), DROVER_KEY_MAX);
	return CLOSED(why, ": job %llu runs", (unsigned long long)s->holder);
}

static bool
gate_slot_free(const struct bucket *b, const char *of, struct buf *why)
{
	if (b == NULL || b->slots == 0 || b->running < b->slots)
		return true;
	return CLOSED(why, "all %d slots of %s%s are taken", b->slots, of, b->name);
}

static bool
gate_kind(const struct gate_ask *ask, struct buf *why)
{
	return gate_slot_free(ask->e->in[IN_KIND], "kind ", why);
}

static bool
gate_repo(const struct gate_ask *ask, struct buf *why)
{
	return gate_slot_free(ask->e->in[IN_REPO], "repo ", why);
}

static bool
gate_pool(const struct gate_ask *ask, struct buf *why)
{
	const struct bucket *pool = ask->e->in[IN_POOL];

	if (!pool->configured)
		return CLOSED(why,
		    "pool %s is not in the configuration: add it, or submit the job to another one",
		    pool->name);
	return gate_slot_free(pool, "pool ", why);
}

static bool
gate_slots(const struct gate_ask *ask, struct buf *why)
{
	return gate_slot_free(ask->q->all, "the daemon", why);
}

static bool
gate_memory(const struct gate_ask *ask, struct buf *why)
{
	int64_t has = ask->view->memory_available, need = ask->e->in[IN_POOL]->memory;
	char a[32], b[32], c[32], d[32];

	if (has < 0 || has - ask->promised - need >= ask->q->memory_floor)
		return true;
	if (why == NULL)
		return false;
	return CLOSED(why,
	    "%s of memory is available, %s of it promised to running jobs; this one needs %s and "
	    "%s must stay free",
	    units_format_size(has, a, sizeof a), units_format_size(ask->promised, b, sizeof b),
	    units_format_size(need, c, sizeof c),
	    units_format_size(ask->q->memory_floor, d, sizeof d));
}

static bool
gate_disk(const struct gate_ask *ask, struct buf *why)
{
	char a[32], b[32];

	if (ask->view->disk_free < 0 || ask->view->disk_free >= ask->q->disk_floor)
		return true;
	if (why == NULL)
		return false;
	return CLOSED(why, "%s of disk is free, disk_floor is %s",
	    units_format_size(ask->view->disk_free, a, sizeof a),
	    units_format_size(ask->q->disk_floor, b, sizeof b));
}

static bool
gate_agent(const struct gate_ask *ask, struct buf *why)
{
	return !bucket_paused(ask->e->in[IN_AGENT], ask->now) ||
	    gate_closed_by_pause(ask->e->in[IN_AGENT], ask->now, why);
}

static bool
gate_plugin(const struct gate_ask *ask, struct buf *why)
{
	const struct kind_traits *t = ask->e->in[IN_KIND]->traits;

	if (t == NULL)
		return CLOSED(why, "no plugin that runs offers %s", ask->e->job.kind);
	if (!t->ready)
		return CLOSED(why, "the plugin of %s is not ready%s%s", ask->e->job.kind,
		    t->why_not != NULL ? ": " : "", t->why_not != NULL ? t->why_not : "");
	return true;
}

static int64_t
gate_promised(const struct queue *q)
{
	const struct entry *e;
	int64_t sum = 0;

	TAILQ_FOREACH(e, &q->running, run) {
		if (e->in[IN_POOL]->memory > e->rss)
			sum += e->in[IN_POOL]->memory - e->rss;
	}
	return sum;
}

void
gate_ask_init(struct gate_ask *ask, const struct queue *q, const struct queue_view *view)
{
	static const struct queue_view unknown = { .memory_available = -1, .disk_free = -1 };

	*ask = (struct gate_ask){ .q = q,
		.view = view != NULL ? view : &unknown,
		.now = clock_wall() };
	ask->promised = gate_promised(q);
}

bool
gate_open(const struct gate_ask *ask, enum reach reach)
{
	for (size_t i = 0; i < ARRAY_LEN(gates); i++) {
		if (gates[i].reach == reach && !gates[i].open(ask, NULL))
			return false;
	}
	return true;
}

int64_t
gate_next_ageing(const struct queue *q, int64_t now)
{
	const struct group *g;
	int64_t next = -1, left;

	TAILQ_FOREACH(g, &q->ready, link) {
		if (g->in[IN_KIND]->yields == NULL ||
		    (left = gate_yield_left(heap_first(&g->age), now)) <= 0)
			continue;
		if (next < 0 || left < next)
			next = left;
	}
	return next;
}

static int
why_error_row(void *arg, const struct store_row *row)
{
	(void)text_copy(arg, DROVER_ERROR_MAX, store_row_text(row, 0));
	return 1;
}

/*
 * Gives the reason for a job that is running or has ended, which passes no
 * gates. Returns false for any other job.
 */
static bool
why_asks_no_gate(struct queue *q, const struct entry *e, cJSON *out)
{
	const struct store_value id = SV_INT(e->job.id);
	char error[DROVER_ERROR_MAX] = "";
	struct buf reason = BUF_INIT;

	if (e->job.state == JOB_RUNNING)
		buf_addf(&reason, "it runs on %s", e->job.worker);
	else if (e->job.state == JOB_DEAD) {
		/*
		 * The job's error is only in the database. If it cannot be
		 * read, the sentence does without it.
		 */
		(void)store_read(q->store, "select error from job where id = $1", &id, 1,
		    why_error_row, error, NULL);
		buf_addf(&reason, "it is dead: %s%sretry or discard it", error,
		    error[0] != '\0' ? "; " : "");
	} else if (state_is_final(e->job.state))
		buf_addf(&reason, "it is %s", state_name(e->job.state));
	else
		return false;
	json_add_str(out, "reason", buf_str(&reason));
	buf_free(&reason);
	return true;
}

cJSON *
queue_why(struct queue *q, uint64_t id, const struct queue_view *view, struct error *err)
{
	struct entry *known, *e;
	struct gate_ask ask;
	const char *first = NULL;
	cJSON *out, *list;

	OBJ_CHECK(q, QUEUE_MAGIC);
	known = entry_find(q, id);
	if ((e = known != NULL ? known : row_load(q, id, err)) == NULL)
		return NULL;
	out = cJSON_CreateObject();
	json_add_int(out, "job", (int64_t)id);
	json_add_str(out, "state", state_name(e->job.state));
	list = cJSON_AddArrayToObject(out, "gates");
	if (why_asks_no_gate(q, e, out))
		goto done;
	gate_ask_init(&ask, q, view);
	ask.e = e;
	for (size_t i = 0; i < ARRAY_LEN(gates); i++) {
		struct buf why = BUF_INIT;
		cJSON *item = cJSON_CreateObject();
		bool open = gates[i].open(&ask, &why);

		json_add_str(item, "gate", gates[i].name);
		json_add_bool(item, "open", open);
		json_add_str(item, "reason", buf_str(&why));
		cJSON_AddItemToArray(list, item);
		if (!open && first == NULL)
			first = json_str(item, "reason", "");
		buf_free(&why);
	}
	json_add_str(out, "reason", first != NULL ? first : "it is next in line for a worker");
done:
	if (known == NULL)
		entry_free(q, e);
	return out;
}
