/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows jobs as JSON, read from their rows: lists, and one job with its
 * history.
 */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "queue/inside.h"

#define LIST_DEFAULT 50
#define LIST_MAX 1000
#define HISTORY_LIMIT "5000" /* how many events of a job are shown; the newest ones are */
#define TRACE_MIN 8      /* the digits of a trace id that name a job are at least so many */

/*
 * A column and the member that shows it. Zeros and missing texts are shown too,
 * so that readers can rely on each member.
 */
struct column {
	const char *name, *shown;
	enum { AS_INT, AS_TEXT, AS_JSON } type;
};

/* clang-format off */
#define JOB_COLUMNS(X) \
	X("id", id, AS_INT) \
	X("kind", kind, AS_TEXT) \
	X("key", key, AS_TEXT) \
	X("serial", serial, AS_TEXT) \
	X("title", title, AS_TEXT) \
	X("repo", repo, AS_TEXT) \
	X("agent", agent, AS_TEXT) \
	X("pool", pool, AS_TEXT) \
	X("source", source, AS_TEXT) \
	X("author", author, AS_TEXT) \
	X("sha256", sha256, AS_TEXT) \
	X("trace", trace, AS_TEXT) \
	X("priority", priority, AS_INT) \
	X("state", state, AS_TEXT) \
	X("epoch", epoch, AS_INT) \
	X("attempt", attempt, AS_INT) \
	X("failures", failures, AS_INT) \
	X("agains", agains, AS_INT) \
	X("quota_pauses", quota_pauses, AS_INT) \
	X("interruptions", interruptions, AS_INT) \
	X("crashes", crashes, AS_INT) \
	X("queued_at", queued_at, AS_INT) \
	X("ready_at", ready_at, AS_INT) \
	X("started_at", started_at, AS_INT) \
	X("ended_at", ended_at, AS_INT) \
	X("held_why", held_why, AS_TEXT) \
	X("error", error, AS_TEXT) \
	X("error_class", error_class, AS_TEXT) \
	X("after", after_job, AS_INT) \
	X("worker", worker, AS_TEXT) \
	X("result", result, AS_JSON) \
	USAGE_COLUMNS(X)
#define USAGE_COLUMNS(X) \
	X("input", usage_input, AS_INT) \
	X("cached", usage_cached, AS_INT) \
	X("output", usage_output, AS_INT) \
	X("turns", usage_turns, AS_INT) \
	X("cost_microusd", usage_cost, AS_INT)
#define ATTEMPT_COLUMNS(X) \
	X("number", number, AS_INT) \
	X("epoch", epoch, AS_INT) \
	X("worker", worker, AS_TEXT) \
	X("agent", agent, AS_TEXT) \
	X("started_at", started_at, AS_INT) \
	X("ended_at", ended_at, AS_INT) \
	X("class", class, AS_TEXT) \
	X("text", text, AS_TEXT) \
	X("wall_ms", wall_ms, AS_INT) \
	X("cpu_ms", cpu_ms, AS_INT) \
	X("rss", rss, AS_INT) \
	X("output_bytes", output, AS_INT) \
	USAGE_COLUMNS(X)
#define EVENT_COLUMNS(X) \
	X("id", id, AS_INT) \
	X("job", job, AS_INT) \
	X("at", at, AS_INT) \
	X("event", event, AS_TEXT) \
	X("from", from_state, AS_TEXT) \
	X("to", to_state, AS_TEXT) \
	X("attempt", attempt, AS_INT) \
	X("epoch", epoch, AS_INT) \
	X("who", who, AS_TEXT) \
	X("detail", detail, AS_TEXT)
/* clang-format on */

#define NAME(shown, column, type) #column ", "
#define COLUMN(shown, column, type) { #column, shown, type },
#define SELECT_JOB "select " JOB_COLUMNS(NAME) "0 from job "
#define SELECT_EVENT "select " EVENT_COLUMNS(NAME) "0 from event "
#define USAGE_FIRST "input" /* this column and those behind it are members of "usage" */

/*
 * The last condition is that of the partial index, which is used only if the
 * query repeats it.
 */
static const char sql_list_aside[] =
    SELECT_JOB
    "where id < $1 and state = $2 and " STORE_JOB_ASIDE " "
    "order by id desc";

static const char sql_list[] =
    SELECT_JOB
    "where id < $1 "
    "order by id desc";

static const char sql_list_state[] =
    SELECT_JOB
    "where id < $1 and state = $2 "
    "order by id desc";

static const char sql_job[] =
    SELECT_JOB
    "where id = $1";


static const char sql_attempts[] =
    "select " ATTEMPT_COLUMNS(NAME) "0 from attempt "
    "where job = $1 "
    "order by number";

static const char sql_events[] =
    SELECT_EVENT
    "where id > $1 "
    "order by id "
    "limit $2";

/* The newest events of a job, in the order in which they happened. */
static const char sql_history[] =
    "select * "
    "from (" SELECT_EVENT
    "where job = $1 "
    "order by id desc "
    "limit " HISTORY_LIMIT ") as newest "
    "order by id";

static const struct column job_columns[] = { JOB_COLUMNS(COLUMN) };
static const struct column attempt_columns[] = { ATTEMPT_COLUMNS(COLUMN) };
static const struct column event_columns[] = { EVENT_COLUMNS(COLUMN) };

struct listing {
	const struct queue *q;
	const struct queue_filter *filter;
	const struct column *columns;
	size_t columns_len;
	cJSON *list;
	int left;
};

static cJSON *listing_json(const struct column *, size_t, const struct store_row *);
static int listing_row(void *, const struct store_row *);

static cJSON *
listing_json(const struct column *columns, size_t len, const struct store_row *row)
{
	cJSON *out = cJSON_CreateObject(), *into = out;

	for (size_t i = 0; i < len; i++) {
		const char *shown = columns[i].shown;
		const char *text;
		cJSON *parsed;

		if (strcmp(shown, USAGE_FIRST) == 0)
			into = cJSON_AddObjectToObject(out, "usage");
		switch (columns[i].type) {
		case AS_INT:
			json_add_int(into, shown, store_row_int(row, (int)i));
			break;
		case AS_TEXT:
			json_add_str(into, shown, store_row_text(row, (int)i));
			break;
		case AS_JSON:
			text = store_row_text(row, (int)i);
			parsed = text[0] != '\0' ?
			    json_parse(text, strlen(text), 2 * DROVER_VALUE_MAX, NULL) :
			    NULL;
			cJSON_AddItemToObject(into, shown,
			    parsed != NULL ? parsed : cJSON_CreateObject());
			break;
		}
	}
	return out;
}

/* A job that named no pool or agent shows those of its kind. */
static void
listing_follow_kind(const struct queue *q, cJSON *job)
{
	const struct kind_traits *t = queue_kind(q, json_str(job, "kind", ""));

	if (json_str(job, "pool", "")[0] == '\0')
		cJSON_ReplaceItemInObjectCaseSensitive(job, "pool",
		    cJSON_CreateString(t != NULL && t->pool != NULL ? t->pool : QUEUE_POOL));
	if (json_str(job, "agent", "")[0] == '\0' && t != NULL && t->agent != NULL)
		cJSON_ReplaceItemInObjectCaseSensitive(job, "agent", cJSON_CreateString(t->agent));
}

static bool
listing_takes(const char *wanted, const char *has)
{
	return wanted == NULL || strcmp(wanted, has) == 0;
}

static int
listing_row(void *arg, const struct store_row *row)
{
	struct listing *l = arg;
	const struct queue_filter *f = l->filter;
	cJSON *item;

	if (f != NULL &&
	    (!listing_takes(f->kind, store_row_text(row, 1)) ||
		!listing_takes(f->repo, store_row_text(row, 5)) ||
		!listing_takes(f->source, store_row_text(row, 8))))
		return 0;
	item = listing_json(l->columns, l->columns_len, row);
	if (l->columns == job_columns)
		listing_follow_kind(l->q, item);
	if (f != NULL && !listing_takes(f->pool, json_str(item, "pool", ""))) {
		cJSON_Delete(item);
		return 0;
	}
	cJSON_AddItemToArray(l->list, item);
	return --l->left == 0;
}

static int
listing_limit(int asked)
{
	if (asked <= 0)
		return LIST_DEFAULT;
	return asked < LIST_MAX ? asked : LIST_MAX;
}

static int
listing_newest_first(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

static int
listing_ids(struct queue *q, struct listing *l, const uint64_t *ids, size_t n, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && l->left > 0 && rc >= 0; i++) {
		const struct store_value id = SV_INT(ids[i]);

		rc = store_read(q->store, sql_job, &id, 1, listing_row, l, err);
	}
	return rc < 0 ? -1 : 0;
}

/* Running jobs are few and in memory, and no index lists them. */
static int
listing_running(struct queue *q, struct listing *l, uint64_t before, struct error *err)
{
	uint64_t *ids = xcalloc((size_t)q->counts[JOB_RUNNING] + 1, sizeof *ids);
	const struct entry *e;
	size_t n = 0;
	int rc;

	TAILQ_FOREACH(e, &q->running, run) {
		if (e->job.id < before)
			ids[n++] = e->job.id;
	}
	qsort(ids, n, sizeof *ids, listing_newest_first);
	rc = listing_ids(q, l, ids, n, err);
	free(ids);
	return rc;
}

cJSON *
queue_list(struct queue *q, const struct queue_filter *f, struct error *err)
{
	struct listing l = { .q = q,
		.filter = f,
		.columns = job_columns,
		.columns_len = ARRAY_LEN(job_columns) };
	uint64_t before = f != NULL && f->before > 0 ? f->before : INT64_MAX;
	int state = f != NULL ? f->state : -1, rc;
	struct store_value values[2] = { SV_INT(before) };

	OBJ_CHECK(q, QUEUE_MAGIC);
	l.list = cJSON_CreateArray();
	l.left = listing_limit(f != NULL ? f->limit : 0);
	if (state >= 0)
		values[1] = store_text(state_name((enum job_state)state));
	if (f != NULL && f->ids_len > 0) {
		l.left = (int)f->ids_len;
		rc = listing_ids(q, &l, f->ids, f->ids_len, err);
	} else if (state < 0)
		rc = store_read(q->store, sql_list, values, 1, listing_row, &l, err);
	else if (state == JOB_RUNNING)
		rc = listing_running(q, &l, before, err);
	else if (state == JOB_QUEUED || state == JOB_SUCCEEDED)
		rc = store_read(q->store, sql_list_state, values, 2, listing_row, &l, err);
	else
		rc = store_read(q->store, sql_list_aside, values, 2, listing_row, &l, err);
	if (rc >= 0)
		return l.list;
	cJSON_Delete(l.list);
	return NULL;
}

struct found {
	int n;
	uint64_t id;
};

static int
listing_found_row(void *arg, const struct store_row *row)
{
	struct found *f = arg;

	f->n++;
	f->id = (uint64_t)store_row_int(row, 0);
	return 0;
}

static int
listing_find_by_trace(struct queue *q, const char *which, struct found *f, struct error *err)
{
	char end[34];
	size_t len = strlen(which);
	struct store_value values[2];

	if (len < TRACE_MIN || len > 32 || strspn(which, "0123456789abcdef") != len)
		return 0;
	/* 'g' sorts behind every hexadecimal digit. */
	memcpy(end, which, len);
	end[len] = 'g';
	end[len + 1] = '\0';
	values[0] = store_text(which);
	values[1] = store_text(end);
	return store_read(q->store,
	    "select id "
	    "from job "
	    "where trace >= $1 and trace < $2 "
	    "order by trace "
	    "limit 2",
	    values, 2, listing_found_row, f, err);
}

static int
listing_find_by_key(struct queue *q, const char *which, struct found *f, struct error *err)
{
	const char *slash = strchr(which, '/');
	char *kind;
	struct entry *e;
	int rc;

	if (slash == NULL)
		return 0;
	kind = xstrndup(which, (size_t)(slash - which));
	if ((e = entry_same(q, kind, slash + 1)) != NULL) {
		*f = (struct found){ 1, e->job.id };
		rc = 0;
	} else {
		const struct store_value values[] = { store_text(kind), store_text(slash + 1) };

		rc = store_read(q->store,
		    "select id "
		    "from job "
		    "where key = $2 and kind = $1 "
		    "order by id desc "
		    "limit 1",
		    values, 2, listing_found_row, f, err);
	}
	free(kind);
	return rc;
}

int
queue_find(struct queue *q, const char *which, uint64_t *id, struct error *err)
{
	struct found f = { 0 };
	int64_t number;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if (units_parse_int(which, 1, INT64_MAX, &number) == 0) {
		const struct store_value value = SV_INT(number);

		if (store_read(q->store, "select id from job where id = $1", &value, 1,
			listing_found_row, &f, err) < 0)
			return -1;
	}
	if (f.n == 0 &&
	    (listing_find_by_trace(q, which, &f, err) < 0 ||
		(f.n == 0 && listing_find_by_key(q, which, &f, err) < 0)))
		return -1;
	if (f.n == 0)
		return error_set(err, DROVER_PERMANENT,
		    "there is no job \"%.80s\": give its number, 8 digits or more of its trace id, "
		    "or KIND/KEY",
		    which);
	if (f.n > 1)
		return error_set(err, DROVER_PERMANENT,
		    "more than one trace id begins with %.32s: give more digits", which);
	*id = f.id;
	return 0;
}

static int
listing_state_row(void *arg, const struct store_row *row)
{
	*(struct job_standing *)arg =
	    (struct job_standing){ (enum job_state)state_parse(store_row_text(row, 0)),
		    (uint32_t)store_row_int(row, 1), (uint64_t)store_row_int(row, 2) };
	return 1;
}

int
queue_state(struct queue *q, uint64_t id, struct job_standing *out, struct error *err)
{
	const struct store_value value = SV_INT(id);
	const struct entry *e;
	int rc;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if ((e = entry_find(q, id)) != NULL) {
		*out = (struct job_standing){ e->job.state, e->job.attempt, e->job.epoch };
		return 0;
	}
	rc = store_read(q->store, "select state, attempt, epoch from job where id = $1", &value, 1,
	    listing_state_row, out, err);
	if (rc == 0)
		error_set(err, DROVER_PERMANENT, "there is no job %llu", (unsigned long long)id);
	return rc == 1 ? 0 : -1;
}

static int
listing_payload_row(void *arg, const struct store_row *row)
{
	size_t len;
	const void *data = store_row_blob(row, 0, &len);

	buf_add(arg, data, len);
	return 1;
}

int
queue_payload(struct queue *q, uint64_t id, char **payload, size_t *len, struct error *err)
{
	const struct store_value value = SV_INT(id);
	struct buf bytes = BUF_INIT;

	OBJ_CHECK(q, QUEUE_MAGIC);
	if (store_read(q->store, "select data from payload where job = $1", &value, 1,
		listing_payload_row, &bytes, err) < 0)
		return -1;
	*len = bytes.len;
	*payload = buf_take(&bytes);
	return 0;
}

struct accepted {
	struct buf payload;
	char sha256[DIGEST_HEX];
};

static int
listing_accepted_row(void *arg, const struct store_row *row)
{
	struct accepted *a = arg;

	(void)text_copy(a->sha256, sizeof a->sha256, store_row_text(row, 1));
	return listing_payload_row(&a->payload, row);
}

int
queue_accepted(struct queue *q, uint64_t id, char **payload, size_t *len, struct error *err)
{
	const struct store_value value = SV_INT(id);
	struct accepted a = { .payload = BUF_INIT };
	char is[DIGEST_HEX];
	int rc;

	OBJ_CHECK(q, QUEUE_MAGIC);
	rc = store_read(q->store,
	    "select payload.data, job.sha256 "
	    "from job "
	    "left join payload on payload.job = job.id "
	    "where job.id = $1",
	    &value, 1, listing_accepted_row, &a, err);
	if (rc >= 0 && a.sha256[0] != '\0') {
		digest_sha256(buf_str(&a.payload), a.payload.len, is);
		if (strcmp(is, a.sha256) != 0)
			rc = error_set(err, DROVER_PERMANENT,
			    "the payload of job %llu is not what was accepted (sha256 is %.12s..., "
			    "was %.12s...): the database was changed by hand",
			    (unsigned long long)id, is, a.sha256);
	}
	if (rc < 0) {
		buf_free(&a.payload);
		return -1;
	}
	*len = a.payload.len;
	*payload = buf_take(&a.payload);
	return 0;
}

/*
 * Shows a payload as a string when it is UTF-8; otherwise only its length is
 * shown.
 */
static int
listing_payload(struct queue *q, cJSON *job, uint64_t id, struct error *err)
{
	char *payload;
	size_t len;

	if (queue_payload(q, id, &payload, &len, err) != 0)
		return -1;
	json_add_str(job, "payload", text_is_utf8(payload, len) ? payload : "");
	json_add_int(job, "payload_bytes", (int64_t)len);
	free(payload);
	return 0;
}

static int
listing_history(struct queue *q, cJSON *job, const char *name, const char *sql, uint64_t id,
    struct listing *l, struct error *err)
{
	const struct store_value value = SV_INT(id);

	l->q = q;
	l->list = cJSON_AddArrayToObject(job, name);
	return store_read(q->store, sql, &value, 1, listing_row, l, err);
}

cJSON *
queue_show(struct queue *q, const char *which, struct error *err)
{
	struct listing jobs = { .q = q,
		.columns = job_columns,
		.columns_len = ARRAY_LEN(job_columns) };
	struct listing attempts = { .columns = attempt_columns,
		.columns_len = ARRAY_LEN(attempt_columns) };
	struct listing events = { .columns = event_columns,
		.columns_len = ARRAY_LEN(event_columns) };
	struct store_value value;
	cJSON *job = NULL;
	uint64_t id;

	if (queue_find(q, which, &id, err) != 0)
		return NULL;
	value = SV_INT(id);
	jobs.list = cJSON_CreateArray();
	if (store_read(q->store, sql_job, &value, 1, listing_row, &jobs, err) >= 0)
		job = cJSON_DetachItemFromArray(jobs.list, 0);
	cJSON_Delete(jobs.list);
	if (job == NULL)
		return NULL;
	if (listing_payload(q, job, id, err) == 0 &&
	    listing_history(q, job, "attempts", sql_attempts, id, &attempts, err) >= 0 &&
	    listing_history(q, job, "events", sql_history, id, &events, err) >= 0)
		return job;
	cJSON_Delete(job);
	return NULL;
}

cJSON *
queue_events(struct queue *q, uint64_t after, int limit, struct error *err)
{
	struct listing l = { .q = q,
		.columns = event_columns,
		.columns_len = ARRAY_LEN(event_columns) };
	const struct store_value values[] = { SV_INT(after), SV_INT(listing_limit(limit)) };

	OBJ_CHECK(q, QUEUE_MAGIC);
	l.list = cJSON_CreateArray();
	if (store_read(q->store, sql_events, values, 2, listing_row, &l, err) >= 0)
		return l.list;
	cJSON_Delete(l.list);
	return NULL;
}

struct unsettled {
	void (*fn)(void *, const struct drover_settled *);
	void *arg;
};

static int
listing_unsettled_row(void *arg, const struct store_row *row)
{
	struct unsettled *u = arg;
	size_t len;
	const char *payload = store_row_blob(row, 7, &len), *result = store_row_text(row, 8);
	const struct drover_settled settled = { .size = sizeof settled,
		.job = (uint64_t)store_row_int(row, 0),
		.attempts = (uint32_t)store_row_int(row, 1),
		.kind = store_row_text(row, 2),
		.key = store_row_text(row, 3),
		.trace = store_row_text(row, 4),
		.state = store_row_text(row, 5),
		.error = store_row_text(row, 6),
		.payload = payload,
		.payload_len = len,
		.result = result[0] != '\0' ? result : "{}",
		.queued_at = store_row_int(row, 9),
		.started_at = store_row_int(row, 10),
		.ended_at = store_row_int(row, 11) };

	u->fn(u->arg, &settled);
	return 1;
}

int
queue_unsettled(struct queue *q, const char *source,
    void (*fn)(void *arg, const struct drover_settled *), void *arg, struct error *err)
{
	const struct store_value value = store_text(source);
	struct unsettled u = { fn, arg };

	OBJ_CHECK(q, QUEUE_MAGIC);
	return store_read(q->store,
	    "select id, attempt, kind, key, trace, state, error, data, result, queued_at, "
	    "started_at, ended_at "
	    "from job "
	    "left join payload on payload.job = job.id "
	    "where source = $1 and settled = 0 "
	    "order by ended_at, id "
	    "limit 1",
	    &value, 1, listing_unsettled_row, &u, err);
}

int
queue_settled(struct queue *q, uint64_t id, struct error *err)
{
	const struct store_value value = SV_INT(id);

	OBJ_CHECK(q, QUEUE_MAGIC);
	return store_do(q->store, "update job set settled = 1 where id = $1 and settled = 0",
	    &value, 1, err);
}
