/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets count jobs: all of them, and those of each kind, repo, pool and
 * agent. Each bucket can be paused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "queue/inside.h"

static const char sql_pause[] =
    "insert into pause (what, until, why, since) "
    "values ($1, $2, $3, $4) "
    "on conflict (what) do update "
    "set until = excluded.until, why = excluded.why, since = excluded.since";

static struct bucket *bucket_by_path(struct queue *, const char *, bool);
static int bucket_set_pause(struct bucket *, int64_t, int64_t, const char *);
static int pause_row(void *, const struct store_row *);
static void bucket_unpause(struct bucket *);

static struct bucket *
bucket_by_path(struct queue *q, const char *path, bool make)
{
	struct bucket *b;
	const char *slash;

	HASH_FIND_STR(q->buckets, path, b);
	if (b != NULL || !make)
		return b;
	b = xcalloc(1, sizeof *b);
	b->path = xstrdup(path);
	slash = strchr(b->path, '/');
	b->name = slash != NULL ? b->path + (slash - b->path) + 1 : b->path;
	HASH_ADD_KEYPTR(hh, q->buckets, b->path, strlen(b->path), b);
	return b;
}

struct bucket *
bucket_get(struct queue *q, const char *type, const char *name)
{
	char path[QUEUE_PATH_MAX];

	if (type == NULL)
		return bucket_by_path(q, "", true);
	if (name == NULL || name[0] == '\0')
		return NULL;
	snprintf(path, sizeof path, "%s/%s", type, name);
	return bucket_by_path(q, path, true);
}

struct bucket *
bucket_find(struct queue *q, const char *type, const char *name)
{
	char path[QUEUE_PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", type, name);
	return bucket_by_path(q, path, false);
}

bool
bucket_paused(const struct bucket *b, int64_t now)
{
	return b != NULL && b->paused && (b->until == 0 || b->until > now);
}

static void
bucket_unpause(struct bucket *b)
{
	b->paused = false;
	free(b->why);
	b->why = NULL;
}

void
bucket_free_all(struct queue *q)
{
	struct bucket *b, *next;

	HASH_ITER(hh, q->buckets, b, next) {
		HASH_DEL(q->buckets, b);
		bucket_forget_kind(b);
		free(b->why);
		free(b->path);
		free(b);
	}
}

static int
bucket_set_pause(struct bucket *b, int64_t until, int64_t since, const char *why)
{
	bucket_unpause(b);
	b->paused = true;
	b->until = until;
	b->since = since;
	b->why = xstrdup(why != NULL ? why : "");
	return 0;
}

static int
pause_row(void *arg, const struct store_row *row)
{
	return bucket_set_pause(bucket_by_path(arg, store_row_text(row, 0), true),
	    store_row_int(row, 1), store_row_int(row, 3), store_row_text(row, 2));
}

int
pause_load(struct queue *q, struct error *err)
{
	for (struct bucket *b = q->buckets; b != NULL; b = b->hh.next)
		bucket_unpause(b);
	if (store_read(q->store, "select what, until, why, since from pause", NULL, 0, pause_row, q,
		err) < 0)
		return -1;
	return 0;
}

/*
 * True for the name of something that can be paused, such as "pool/heavy"; ""
 * means everything.
 */
static bool
pause_valid(const char *what)
{
	static const char *const types[] = { "pool/", "kind/", "repo/", "agent/" };

	if (what[0] == '\0')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const char *name = what + strlen(types[i]);

		if (strncmp(what, types[i], strlen(types[i])) == 0)
			return strcmp(types[i], "kind/") == 0 ? text_is_kind(name) :
								text_is_name(name);
	}
	return false;
}

int
queue_pause(struct queue *q, const char *what, int64_t until, const char *why, struct error *err)
{
	char clean[DROVER_ERROR_MAX];
	struct store_value values[4];
	int64_t now = clock_wall();

	OBJ_CHECK(q, QUEUE_MAGIC);
	what = what != NULL ? what : "";
	if (!pause_valid(what))
		return error_set(err, DROVER_PERMANENT,
		    "cannot pause \"%.80s\": give pool/NAME, kind/NAME, repo/NAME or agent/NAME",
		    what);
	if (until < 0 || (until > 0 && until <= now))
		return error_set(err, DROVER_PERMANENT, "a pause of %s must end in the future",
		    what[0] != '\0' ? what : "everything");
	why = job_text(why, clean, sizeof clean);
	values[0] = store_text(what);
	values[1] = SV_INT(until);
	values[2] = store_text(why);
	values[3] = SV_INT(now);
	if (store_do(q->store, sql_pause, values, ARRAY_LEN(values), err) != 0)
		return -1;
	return bucket_set_pause(bucket_by_path(q, what, true), until, now, why);
}

static int
pause_end(struct queue *q, struct bucket *b, struct error *err)
{
	const struct store_value value = store_text(b->path);

	if (store_do(q->store, "delete from pause where what = $1", &value, 1, err) != 0)
		return -1;
	bucket_unpause(b);
	return 0;
}

int
queue_resume(struct queue *q, const char *what, struct error *err)
{
	struct bucket *b;

	OBJ_CHECK(q, QUEUE_MAGIC);
	what = what != NULL ? what : "";
	if ((b = bucket_by_path(q, what, false)) == NULL || !b->paused)
		return error_set(err, DROVER_PERMANENT, "%.80s is not paused",
		    what[0] != '\0' ? what : "the queue");
	return pause_end(q, b, err);
}

int64_t
pause_tick(struct queue *q, int64_t now, struct error *err)
{
	int64_t next = -1;

	for (struct bucket *b = q->buckets; b != NULL; b = b->hh.next) {
		if (!b->paused || b->until == 0)
			continue;
		if (b->until <= now) {
			if (pause_end(q, b, err) != 0)
				return next;
		} else if (next < 0 || b->until - now < next)
			next = b->until - now;
	}
	return next;
}

cJSON *
queue_pauses(const struct queue *q)
{
	cJSON *list = cJSON_CreateArray();
	int64_t now = clock_wall();

	for (const struct bucket *b = q->buckets; b != NULL; b = b->hh.next) {
		cJSON *item;

		if (!bucket_paused(b, now))
			continue;
		item = cJSON_CreateObject();
		json_add_str(item, "what", b->path);
		json_add_int(item, "until", b->until);
		json_add_int(item, "since", b->since);
		json_add_str(item, "why", b->why);
		cJSON_AddItemToArray(list, item);
	}
	return list;
}
