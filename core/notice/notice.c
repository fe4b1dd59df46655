/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices. An event of a job becomes a row for each entry of `notify` that
 * wants it, in the event's own transaction. notices_tick() sends the rows as
 * calls of operations, and again with backoff until an operation takes them.
 */
#include <sys/queue.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/retry.h"
#include "base/text.h"
#include "notice/notice.h"
#include "notice/outbox.h"

#define NOTICE_MAGIC 0x4e071ceu
#define NOTICE_AT_ONCE 4
#define NOTICE_BACKOFF_MS 5000            /* doubles up to NOTICE_BACKOFF_MAX_MS */
#define NOTICE_BACKOFF_MAX_MS (3600 * 1000)
#define NOTICE_GIVE_UP_MS (24 * 3600 * 1000)
#define NOTICE_TROUBLE_MS 1000
#define NOTICE_LISTED 20
#define NOTICE_KEY_MAX 80                 /* bytes of a job's kind, and of its key, in a text */
#define NOTICE_TITLE_MAX 200
#define NOTICE_DETAIL_MAX 300

enum notice_result { NOTICE_SENT, NOTICE_FAILED, NOTICE_DROPPED, NOTICE_RESULTS };

static const char *const result_names[] = { "sent", "failed", "dropped" };

/* A notice that is being sent. */
struct notice_flight {
	LIST_ENTRY(notice_flight) link;
	struct notices *notices;
	struct outbox_row row;
};

struct notice_count {
	char *operation, *event;
	uint64_t n[NOTICE_RESULTS];
};

struct notices {
	uint32_t magic;
	struct store *store;
	struct queue *queue;
	const struct config *config;
	notice_ready *ready;
	notice_send *send;
	void *arg;
	/* wall; when the next notice is due; INT64_MAX if no notice waits */
	int64_t due;
	bool look;                        /* due must be read from the store again */
	/*
	 * Wall time of the last tick. An earlier time now means that the clock
	 * was set back.
	 */
	int64_t seen;
	LIST_HEAD(, notice_flight) flights;
	int flights_len;
	struct notice_count *counts;
	int counts_len;
};

static const struct log_scope notice_scope = { .part = "core" };

/* The words for each event, which its detail follows. */
static const struct {
	const char *event, *said;
	bool tries;                       /* the number of attempts is told too */
} phrases[] = {
	{ "start", "started", false },
	{ "pull", "pull request", false },
	{ "needs-info", "a person must look at it", false },
	{ "dead", "dead", true },
};

static int notice_news(void *arg, const struct job_news *, struct error *);
static bool notice_wants(const struct config_notify *, const struct job_news *);
static char *notice_request(const struct config_notify *, const char *text, const char *key);
static void notice_key(const struct job_news *, int place, char *out, size_t size);
static bool notice_fly(void *arg, struct outbox_row *);
static void notice_landed(void *arg, int code, const char *text, size_t len);
static void notice_counted(struct notices *, const struct outbox_row *, enum notice_result);
static void notice_row_free(struct outbox_row *);

struct notices *
notices_new(struct store *store, struct queue *queue, const struct config *config,
    notice_ready *ready, notice_send *send, void *arg)
{
	struct notices *n;

	OBJ_NEW(n, NOTICE_MAGIC);
	n->store = store;
	n->queue = queue;
	n->config = config;
	n->ready = ready;
	n->send = send;
	n->arg = arg;
	n->look = true;
	n->seen = INT64_MAX;
	LIST_INIT(&n->flights);
	queue_on_news(queue, notice_news, n);
	return n;
}

void
notices_free(struct notices *n)
{
	struct notice_flight *flight;

	if (n == NULL)
		return;
	OBJ_CHECK(n, NOTICE_MAGIC);
	queue_on_news(n->queue, NULL, NULL);
	while ((flight = LIST_FIRST(&n->flights)) != NULL) {
		LIST_REMOVE(flight, link);
		notice_row_free(&flight->row);
		free(flight);
	}
	for (int i = 0; i < n->counts_len; i++) {
		free(n->counts[i].operation);
		free(n->counts[i].event);
	}
	free(n->counts);
	OBJ_FREE(n);
}

void
notices_configure(struct notices *n, const struct config *config)
{
	OBJ_CHECK(n, NOTICE_MAGIC);
	n->config = config;
}

void
notices_look(struct notices *n)
{
	OBJ_CHECK(n, NOTICE_MAGIC);
	n->look = true;
}

static void
notice_row_free(struct outbox_row *row)
{
	free(row->operation);
	free(row->event);
	free(row->request);
}

void
notice_text(const struct job_news *news, struct buf *out)
{
	const struct job *job = news->job;
	size_t i = 0;

	buf_adds(out, "drover: ");
	text_show(out, job->kind, strlen(job->kind), NOTICE_KEY_MAX);
	buf_addc(out, ' ');
	text_show(out, job->key, strlen(job->key), NOTICE_KEY_MAX);
	if (*job->title != '\0') {
		buf_adds(out, ": ");
		text_show(out, job->title, strlen(job->title), NOTICE_TITLE_MAX);
	}
	while (i + 1 < ARRAY_LEN(phrases) && strcmp(phrases[i].event, news->event) != 0)
		i++;
	buf_addf(out, " - %s", phrases[i].said);
	if (phrases[i].tries)
		buf_addf(out, " after %u attempt%s", job->attempt, job->attempt == 1 ? "" : "s");
	if (news->detail != NULL && *news->detail != '\0') {
		buf_adds(out, ": ");
		text_show(out, news->detail, strlen(news->detail), NOTICE_DETAIL_MAX);
	}
	buf_addf(out, " (trace %s)", job->trace);
}

static bool
notice_wants(const struct config_notify *notify, const struct job_news *news)
{
	int i = 0;

	while (notify->on[i] != NULL && strcmp(notify->on[i], news->event) != 0)
		i++;
	if (notify->on[i] == NULL)
		return false;
	for (i = 0; notify->kinds != NULL && notify->kinds[i] != NULL; i++)
		if (strcmp(notify->kinds[i], news->job->kind) == 0)
			return true;
	return i == 0;
}

static char *
notice_request(const struct config_notify *notify, const char *text, const char *key)
{
	cJSON *request = cJSON_CreateObject();
	const cJSON *field;
	char *out;

	cJSON_ArrayForEach(field, notify->fields)
		cJSON_AddItemToObject(request, field->string,
		    cJSON_Duplicate(json_get(field, "value"), true));
	cJSON_DeleteItemFromObjectCaseSensitive(request, "text");
	cJSON_DeleteItemFromObjectCaseSensitive(request, "key");
	json_add_str(request, "text", text);
	json_add_str(request, "key", key);
	out = json_print(request);
	cJSON_Delete(request);
	return out;
}

/*
 * Makes the key of a notice. An event that happens to a job again, after a
 * release or a retry, is told again, so the key contains the attempt or the
 * pull request.
 */
static void
notice_key(const struct job_news *news, int place, char *out, size_t size)
{
	int n = snprintf(out, size, "notify/%" PRIu64 "/%s/%d", news->job->id, news->event, place);

	MUST(n > 0 && (size_t)n < size);
	if (strcmp(news->event, "pull") == 0)
		(void)snprintf(out + n, size - (size_t)n, "/%016" PRIx64,
		    text_hash(news->detail, strlen(news->detail)));
	else if (strcmp(news->event, "start") != 0)
		(void)snprintf(out + n, size - (size_t)n, "/%u", news->job->attempt);
}

static int
notice_news(void *arg, const struct job_news *news, struct error *err)
{
	struct notices *n = arg;
	struct buf text = BUF_INIT;
	char key[DROVER_KEY_MAX], *request;
	int64_t now = clock_wall();
	int rc = 0;

	OBJ_CHECK(n, NOTICE_MAGIC);
	for (int i = 0; i < n->config->notify_len && rc >= 0; i++) {
		if (!notice_wants(&n->config->notify[i], news))
			continue;
		if (text.len == 0)
			notice_text(news, &text);
		notice_key(news, i, key, sizeof key);
		request = notice_request(&n->config->notify[i], buf_str(&text), key);
		rc = outbox_add(n->store, news->job->id, key, n->config->notify[i].operation,
		    news->event, request, now, err);
		free(request);
		n->look = true;
	}
	buf_free(&text);
	return rc < 0 ? -1 : 0;
}

/*
 * Takes a notice that is due, unless it is under way or the plugin of its
 * operation is not ready. Returns false if no more can be taken.
 */
static bool
notice_fly(void *arg, struct outbox_row *row)
{
	struct notices *n = arg;
	struct notice_flight *flight;

	LIST_FOREACH(flight, &n->flights, link)
		if (flight->row.id == row->id)
			break;
	if (flight != NULL || n->flights_len >= NOTICE_AT_ONCE ||
	    !n->ready(n->arg, row->operation)) {
		notice_row_free(row);
		return n->flights_len < NOTICE_AT_ONCE;
	}
	flight = xcalloc(1, sizeof *flight);
	flight->notices = n;
	flight->row = *row;
	LIST_INSERT_HEAD(&n->flights, flight, link);
	return ++n->flights_len < NOTICE_AT_ONCE;
}

static void
notice_landed(void *arg, int code, const char *text, size_t len)
{
	struct notice_flight *flight = arg;
	struct notices *n = flight->notices;
	struct outbox_row *row = &flight->row;
	int64_t now = clock_wall(),
		wait = retry_delay(NOTICE_BACKOFF_MS, NOTICE_BACKOFF_MAX_MS, row->tries + 1);
	char why[DROVER_ERROR_MAX];
	struct error err = { 0 };
	int rc;

	OBJ_CHECK(n, NOTICE_MAGIC);
	text_copy(why, sizeof why, text);
	if (code == DROVER_OK) {
		rc = outbox_sent(n->store, row->id, &err);
		notice_counted(n, row, NOTICE_SENT);
	} else if (now - row->created_at + wait < NOTICE_GIVE_UP_MS) {
		rc = outbox_later(n->store, row->id, now + wait, why, &err);
		notice_counted(n, row, NOTICE_FAILED);
		log_printf(&notice_scope, DROVER_WARN, "notice %s of job %" PRIu64 " by %s: %s",
		    row->event, row->job, row->operation, why);
	} else {
		rc = outbox_drop(n->store, row->id, why, &err);
		if (rc == 0)
			rc = queue_note(n->queue, row->job, "notice-dropped", "notify", why, &err);
		notice_counted(n, row, NOTICE_DROPPED);
		log_printf(&notice_scope, DROVER_ERR,
		    "notice %s of job %" PRIu64 " by %s was given up after a day: %s", row->event,
		    row->job, row->operation, why);
	}
	if (rc != 0)
		log_printf(&notice_scope, DROVER_ERR, "notices: %s", err.text);
	n->look = true;
	n->flights_len--;
	LIST_REMOVE(flight, link);
	notice_row_free(row);
	free(flight);
}

/* Sends the notices that were just listed, in the order of their rows. */
static void
notices_send(struct notices *n, const struct notice_flight *had)
{
	struct notice_flight *ready[NOTICE_AT_ONCE], *flight;
	int len = 0;

	for (flight = LIST_FIRST(&n->flights); flight != had && len < NOTICE_AT_ONCE;
	     flight = LIST_NEXT(flight, link))
		ready[len++] = flight;
	while (len > 0) {
		flight = ready[--len];
		n->send(n->arg, flight->row.operation, flight->row.request,
		    strlen(flight->row.request), notice_landed, flight);
	}
}

int64_t
notices_tick(struct notices *n, struct error *err)
{
	const struct notice_flight *had = LIST_FIRST(&n->flights);
	int64_t now = clock_wall();

	OBJ_CHECK(n, NOTICE_MAGIC);
	/*
	 * The clock was set back, or the clock of an earlier core was ahead. By
	 * how much is not known.
	 */
	if (now < n->seen) {
		if (outbox_clip(n->store, now + NOTICE_BACKOFF_MAX_MS, err) < 0)
			return NOTICE_TROUBLE_MS;
		n->look = true;
	}
	n->seen = now;
	/* An event that is not committed has not happened yet. */
	if (store_dirty(n->store))
		return n->look || n->due <= now ? 1 : n->due == INT64_MAX ? -1 : n->due - now;
	if (n->look && outbox_next(n->store, &n->due, err) < 0)
		return NOTICE_TROUBLE_MS;
	n->look = false;
	if (n->due <= now && n->flights_len < NOTICE_AT_ONCE) {
		if (outbox_due(n->store, now, notice_fly, n, err) < 0)
			return NOTICE_TROUBLE_MS;
		notices_send(n, had);
	}
	if (n->look)
		return 1;
	if (n->due == INT64_MAX || n->due > now)
		return n->due == INT64_MAX ? -1 : n->due - now;
	/*
	 * The answers to notices that are under way wake the loop. Otherwise
	 * the operation's plugin is still being started, so look again soon.
	 */
	return n->flights_len > 0 ? -1 : NOTICE_TROUBLE_MS;
}

static void
notice_counted(struct notices *n, const struct outbox_row *row, enum notice_result result)
{
	int i = 0;

	while (i < n->counts_len &&
	    (strcmp(n->counts[i].operation, row->operation) != 0 ||
		strcmp(n->counts[i].event, row->event) != 0))
		i++;
	if (i == n->counts_len) {
		n->counts = xreallocarray(n->counts, (size_t)++n->counts_len, sizeof *n->counts);
		n->counts[i] = (struct notice_count){ .operation = xstrdup(row->operation),
			.event = xstrdup(row->event) };
	}
	n->counts[i].n[result]++;
}

void
notices_metrics(const struct notices *n, struct buf *out)
{
	if (n == NULL || n->counts_len == 0)
		return;
	buf_adds(out,
	    "# HELP drover_notices_total Notices by what became of them; failed ones are sent "
	    "again.\n"
	    "# TYPE drover_notices_total counter\n");
	for (int i = 0; i < n->counts_len; i++)
		for (int r = 0; r < NOTICE_RESULTS; r++)
			buf_addf(out,
			    "drover_notices_total{operation=\"%s\",event=\"%s\",result=\"%s\"} "
			    "%" PRIu64 "\n",
			    n->counts[i].operation, n->counts[i].event, result_names[r],
			    n->counts[i].n[r]);
}

cJSON *
notices_status(struct notices *n)
{
	OBJ_CHECK(n, NOTICE_MAGIC);
	return outbox_status(n->store, NOTICE_LISTED);
}

int
notices_test(struct notices *n, int place, void (*fn)(void *, int, const char *, size_t), void *arg,
    struct error *err)
{
	char key[64], *request;

	OBJ_CHECK(n, NOTICE_MAGIC);
	if (place < 0 || place >= n->config->notify_len)
		return error_set(err, DROVER_PERMANENT,
		    "there is no entry %d in notify: the configuration has %d, counted from 0",
		    place, n->config->notify_len);
	(void)snprintf(key, sizeof key, "notify/test/%d/%" PRId64, place, clock_wall());
	request = notice_request(&n->config->notify[place],
	    "drover: a test of notifications - nothing has happened", key);
	n->send(n->arg, n->config->notify[place].operation, request, strlen(request), fn, arg);
	free(request);
	return 0;
}
