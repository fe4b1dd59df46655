/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices in the store: a row for each, kept as long as its job, so that no
 * notice is sent twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "notice/outbox.h"

struct outbox_each {
	bool (*fn)(void *, struct outbox_row *);
	void *arg;
};

int
outbox_add(struct store *s, uint64_t job, const char *key, const char *operation, const char *event,
    const char *request, int64_t now, struct error *err)
{
	const struct store_value values[] = { SV_INT(job), store_text(key), store_text(operation),
		store_text(event), store_text(request), SV_INT(now) };

	return store_run(s,
	    "insert into notice (job, key, operation, event, request, state, created_at, next_at) "
	    "values ($1, $2, $3, $4, $5, 'waiting', $6, $6) "
	    "on conflict (key) do nothing",
	    values, ARRAY_LEN(values), NULL, NULL, err);
}

static int
outbox_due_row(void *arg, const struct store_row *row)
{
	const struct outbox_each *each = arg;
	struct outbox_row r = {
		.id = (uint64_t)store_row_int(row, 0),
		.job = (uint64_t)store_row_int(row, 1),
		.operation = xstrdup(store_row_text(row, 2)),
		.event = xstrdup(store_row_text(row, 3)),
		.request = xstrdup(store_row_text(row, 4)),
		.tries = store_row_int(row, 5),
		.created_at = store_row_int(row, 6),
		.next_at = store_row_int(row, 7),
	};

	return each->fn(each->arg, &r) ? 0 : 1;
}

int
outbox_due(struct store *s, int64_t now, bool (*fn)(void *, struct outbox_row *), void *arg,
    struct error *err)
{
	const struct store_value values[] = { SV_INT(now) };
	struct outbox_each each = { fn, arg };

	return store_read(s,
	    "select id, job, operation, event, request, tries, created_at, next_at "
	    "from notice "
	    "where state = 'waiting' and next_at <= $1 "
	    "order by next_at, id",
	    values, 1, outbox_due_row, &each, err);
}

static int
outbox_next_row(void *arg, const struct store_row *row)
{
	*(int64_t *)arg = store_row_int(row, 0);
	return 1;
}

int
outbox_next(struct store *s, int64_t *when, struct error *err)
{
	*when = INT64_MAX;
	return store_read(s,
	    "select next_at "
	    "from notice "
	    "where state = 'waiting' "
	    "order by next_at "
	    "limit 1",
	    NULL, 0, outbox_next_row, when, err);
}

int
outbox_clip(struct store *s, int64_t latest, struct error *err)
{
	const struct store_value values[] = { SV_INT(latest) };
	int n =
	    store_read(s, "select 1 from notice where state = 'waiting' and next_at > $1 limit 1",
		values, 1, NULL, NULL, err);

	/* Look before writing: there is nearly always nothing to do. */
	if (n <= 0)
		return n;
	return store_do(s,
	    "update notice "
	    "set next_at = $1 "
	    "where state = 'waiting' and next_at > $1",
	    values, 1, err);
}

int
outbox_sent(struct store *s, uint64_t id, struct error *err)
{
	const struct store_value values[] = { SV_INT(id) };

	return store_do(s,
	    "update notice "
	    "set state = 'sent', tries = tries + 1, error = null "
	    "where id = $1",
	    values, 1, err);
}

int
outbox_later(struct store *s, uint64_t id, int64_t when, const char *why, struct error *err)
{
	const struct store_value values[] = { SV_INT(id), SV_INT(when), store_text(why) };

	return store_do(s,
	    "update notice "
	    "set tries = tries + 1, next_at = $2, error = $3 "
	    "where id = $1",
	    values, 3, err);
}

int
outbox_drop(struct store *s, uint64_t id, const char *why, struct error *err)
{
	const struct store_value values[] = { SV_INT(id), store_text(why) };

	return store_do(s,
	    "update notice "
	    "set state = 'dropped', tries = tries + 1, error = $2 "
	    "where id = $1",
	    values, 2, err);
}

static int
outbox_count_row(void *arg, const struct store_row *row)
{
	json_add_int(arg, store_row_text(row, 0), store_row_int(row, 1));
	return 0;
}

static int
outbox_status_row(void *arg, const struct store_row *row)
{
	static const char *const texts[] = { "event", "operation", "state", "error" };
	cJSON *one = cJSON_CreateObject();

	json_add_int(one, "job", store_row_int(row, 0));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_add_str(one, texts[i], store_row_text(row, (int)i + 1));
	json_add_int(one, "tries", store_row_int(row, 5));
	json_add_int(one, "next_at", store_row_int(row, 6));
	cJSON_AddItemToArray(arg, one);
	return 0;
}

cJSON *
outbox_status(struct store *s, int most)
{
	const struct store_value values[] = { SV_INT(most) };
	cJSON *status = cJSON_CreateObject(), *list;

	(void)store_read(s,
	    "select 'waiting', count(*) "
	    "from notice "
	    "where state = 'waiting' "
	    "union all select 'dropped', count(*) "
	    "from notice "
	    "where state = 'dropped'",
	    NULL, 0, outbox_count_row, status, NULL);
	list = cJSON_AddArrayToObject(status, "list");
	(void)store_read(s,
	    "select job, event, operation, state, coalesce(error, ''), tries, next_at "
	    "from notice "
	    "where state <> 'sent' "
	    "order by id desc "
	    "limit $1",
	    values, 1, outbox_status_row, list, NULL);
	return status;
}
