/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes what a running attempt reports: results, usage, and its outcome. Each
 * report carries the attempt's epoch and is refused as FENCED if that is stale.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/inside.h"

/* The most that one report may add, so that sums cannot overflow. */
#define USAGE_MAX INT64_C(1000000000000000)

static const char sql_usage[] =
    "update job "
    "set usage_input = usage_input + $2, usage_cached = usage_cached + $3, "
    "usage_output = usage_output + $4, usage_turns = usage_turns + $5, "
    "usage_cost = usage_cost + $6 "
    "where id = $1";

static const char sql_attempt_usage[] =
    "insert into attempt (job, usage_input, usage_cached, usage_output, usage_turns, usage_cost, "
    "number, epoch, worker, agent, started_at) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
    "on conflict (job, number) do update "
    "set agent = excluded.agent, usage_input = attempt.usage_input + excluded.usage_input, "
    "usage_cached = attempt.usage_cached + excluded.usage_cached, "
    "usage_output = attempt.usage_output + excluded.usage_output, "
    "usage_turns = attempt.usage_turns + excluded.usage_turns, "
    "usage_cost = attempt.usage_cost + excluded.usage_cost";

static struct entry *finish_running(struct queue *, uint64_t, uint64_t, struct error *);

/*
 * The event for each class, as in doc/jobs.md. A class that is not listed
 * counts as INTERNAL.
 */
static const struct rule {
	int code;
	enum job_event event;
	enum backoff backoff;
	size_t counter; /* offset of the counter that goes up; 0 if no counter does */
} rules[] = {
	{ DROVER_OK, EVENT_SUCCEED, 0, 0 },
	{ DROVER_AGAIN, EVENT_FAIL, BACKOFF_TRANSPORT, offsetof(struct job, agains) },
	{ DROVER_QUOTA, EVENT_QUOTA, BACKOFF_QUOTA, offsetof(struct job, quota_pauses) },
	{ DROVER_AUTH, EVENT_REFUSE, 0, 0 },
	{ DROVER_CONFIG, EVENT_REFUSE, 0, 0 },
	{ DROVER_PERMANENT, EVENT_REFUSE, 0, 0 },
	{ DROVER_HUMAN, EVENT_HUMAN, 0, 0 },
	{ DROVER_CANCELLED, EVENT_CANCEL, 0, 0 },
	{ DROVER_INTERNAL, EVENT_FAIL, BACKOFF_AGENT, offsetof(struct job, failures) },
};

static struct entry *
finish_running(struct queue *q, uint64_t id, uint64_t epoch, struct error *err)
{
	struct entry *e = entry_find(q, id);

	if (e != NULL && e->job.state == JOB_RUNNING && e->job.epoch == epoch)
		return e;
	error_set(err, DROVER_FENCED,
	    "the attempt with epoch %llu of job %llu is over: a newer one has taken its place, "
	    "or the job has ended",
	    (unsigned long long)epoch, (unsigned long long)id);
	return NULL;
}

static const struct rule *
finish_rule(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].code == code)
			return &rules[i];
	}
	return &rules[ARRAY_LEN(rules) - 1];
}

/* Whether the job has used up its attempts with this failure. */
static bool
finish_exhausted(const struct entry *e, const struct job *next, const struct rule *rule,
    int64_t now)
{
	const struct kind_traits *t = e->in[IN_KIND]->traits;

	if (rule->code == DROVER_AGAIN)
		return next->agains >= QUEUE_AGAIN_MIN && now - next->again_since >= QUEUE_AGAIN_MS;
	return next->failures > (t != NULL ? t->retries : QUEUE_RETRIES);
}

int
queue_finish(struct queue *q, uint64_t id, uint64_t epoch, const struct job_outcome *outcome,
    struct error *err)
{
	const struct rule *rule = finish_rule(outcome->error.code);
	char text[DROVER_ERROR_MAX];
	struct transition transition = { 0 };
	enum job_event event = rule->event;
	struct entry *e;
	struct job next;
	int64_t now = clock_wall();
	int tries = 0;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if ((e = finish_running(q, id, epoch, err)) == NULL)
		return -1;
	next = e->job;
	if (rule->counter != 0)
		tries = ++*(int *)((char *)&next + rule->counter);
	if (rule->code != DROVER_AGAIN) {
		next.agains = 0;
		next.again_since = 0;
	} else if (next.again_since == 0)
		next.again_since = now;
	if (event == EVENT_FAIL && finish_exhausted(e, &next, rule, now))
		event = EVENT_EXHAUST;
	if (event == EVENT_FAIL || event == EVENT_QUOTA)
		next.ready_at = now +
		    backoff_delay(rule->backoff, tries, outcome->error.retry_after_ms, &q->random);

	transition.who = e->job.worker;
	transition.code = outcome->error.code;
	transition.detail = job_text(outcome->error.text, text, sizeof text);
	if (outcome->error.code != DROVER_OK)
		transition.error = transition.detail != NULL ? transition.detail : "";
	if (event == EVENT_HUMAN)
		next.held_why = job_why(transition.detail, "a person must decide");
	if (row_attempt(q, &e->job, outcome, error_class_name(outcome->error.code), now, err) != 0)
		return -1;
	return transition_apply(q, e, event, &next, &transition, err);
}

int
queue_interrupt(struct queue *q, uint64_t id, bool crash, const char *why, struct error *err)
{
	struct entry *e = entry_find(q, id);
	char text[DROVER_ERROR_MAX];
	struct transition transition = { 0 };
	struct job_outcome outcome = { 0 };
	enum job_event event = EVENT_INTERRUPT;
	struct job next;
	int64_t now = clock_wall();

	OBJ_CHECK(q, QUEUE_MAGIC);
	if (e == NULL || e->job.state != JOB_RUNNING)
		return error_set(err, DROVER_PERMANENT,
		    "job %llu is not running: there is nothing to interrupt",
		    (unsigned long long)id);
	next = e->job;
	next.interruptions++;
	if (crash && ++next.crashes >= QUEUE_CRASHES_MAX) {
		event = EVENT_QUARANTINE;
		next.held_why = job_why(NULL,
		    "quarantine: it was running each time when droverd crashed three times");
	}
	transition.who = e->job.worker;
	transition.detail = job_text(why, text, sizeof text);
	(void)text_copy(outcome.error.text, sizeof outcome.error.text, why);
	outcome.wall_ms = now > e->job.started_at ? now - e->job.started_at : 0;
	if (row_attempt(q, &e->job, &outcome, "interrupted", now, err) != 0)
		return -1;
	return transition_apply(q, e, event, &next, &transition, err);
}

static int
result_row(void *arg, const struct store_row *row)
{
	*(char **)arg = xstrdup(store_row_text(row, 0));
	return 1;
}

int
queue_result(struct queue *q, uint64_t id, uint64_t epoch, const char *key, const char *value,
    struct error *err)
{
	struct store_value values[2] = { SV_INT(id) };
	char *old = NULL, *text = NULL;
	struct entry *e;
	cJSON *object = NULL;
	int rc = -1;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if ((e = finish_running(q, id, epoch, err)) == NULL)
		return -1;
	if (key[0] == '\0' || strlen(key) > DROVER_KEY_MAX || !text_is_utf8(key, strlen(key)) ||
	    !text_is_utf8(value, strlen(value)))
		return error_set(err, DROVER_PERMANENT,
		    "a result needs a key of 1 to %d bytes and a value, both UTF-8",
		    DROVER_KEY_MAX);
	if (store_read(q->store, "select result from job where id = $1", values, 1, result_row,
		&old, err) < 0)
		goto done;
	if (old != NULL && old[0] != '\0')
		object = json_parse(old, strlen(old), 2 * DROVER_VALUE_MAX, err);
	else
		object = cJSON_CreateObject();
	if (object == NULL)
		goto done;
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	json_add_str(object, key, value);
	text = json_print(object);
	if (strlen(text) > DROVER_VALUE_MAX) {
		error_set(err, DROVER_PERMANENT,
		    "the results of job %llu would have %zu bytes; at most %d are allowed",
		    (unsigned long long)id, strlen(text), DROVER_VALUE_MAX);
		goto done;
	}
	values[1] = store_text(text);
	rc = store_do(q->store, "update job set result = $2 where id = $1", values, 2, err);
	if (rc == 0 && strcmp(key, "pull") == 0)
		rc = transition_announce(q, "pull", &e->job, value, err);
done:
	free(old);
	free(text);
	cJSON_Delete(object);
	return rc;
}

static struct store_value
usage_value(int64_t n)
{
	return SV_INT(n < 0 ? 0 : n > USAGE_MAX ? USAGE_MAX : n);
}

int
queue_usage(struct queue *q, uint64_t id, uint64_t epoch, const char *agent,
    const struct drover_usage *u, struct error *err)
{
	struct entry *e;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if ((e = finish_running(q, id, epoch, err)) == NULL)
		return -1;
	const struct store_value values[] = {
		SV_INT(id),
		usage_value(u->input),
		usage_value(u->cached),
		usage_value(u->output),
		usage_value(u->turns),
		usage_value(u->cost_microusd),
		SV_INT(e->job.attempt),
		SV_INT(epoch),
		store_text(e->job.worker),
		store_text(agent),
		SV_INT(e->job.started_at),
	};

	if (store_do(q->store, sql_usage, values, 6, err) != 0)
		return -1;
	return store_do(q->store, sql_attempt_usage, values, ARRAY_LEN(values), err);
}
