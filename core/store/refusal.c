/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals: one row for each source and key. Only the newest are kept, so that
 * many strangers cannot fill the disk.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/store.h"

static const char sql_add[] =
    "insert into refusal (at, source, key, author, name, why, sha256, title) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8) "
    "on conflict (source, key) do nothing";

static const char sql_bound[] =
    "delete from refusal where id <= (select max(id) from refusal) - $1";

#define SELECT \
	"select id, at, source, key, author, name, why, sha256, title " \
	"from refusal " \
	"where id < $1 "

static int
refusal_row(void *arg, const struct store_row *row)
{
	cJSON *list = arg, *one = cJSON_CreateObject();
	static const char *const texts[] = { "source", "key", "author", "name", "why", "sha256",
		"title" };

	json_add_int(one, "id", store_row_int(row, 0));
	json_add_int(one, "at", store_row_int(row, 1));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_add_str(one, texts[i], store_row_text(row, (int)i + 2));
	cJSON_AddItemToArray(list, one);
	return 0;
}

int
store_refusal_add(struct store *s, const struct store_refusal *r, struct error *err)
{
	const struct store_value values[] = {
		SV_INT(clock_wall()),
		store_text(r->source),
		store_text(r->key),
		store_text(r->author),
		store_text(r->name),
		store_text(r->why),
		store_text(r->sha256),
		store_text(r->title),
	};
	const struct store_value most = SV_INT(STORE_REFUSALS_MAX);
	int fresh;

	if ((fresh = store_run(s, sql_add, values, ARRAY_LEN(values), NULL, NULL, err)) <= 0)
		return fresh;
	return store_do(s, sql_bound, &most, 1, err) == 0 ? 1 : -1;
}

int
store_refusal_list(struct store *s, const char *source, int64_t before, int limit, cJSON **list,
    struct error *err)
{
	const struct store_value values[] = { SV_INT(before > 0 ? before : INT64_MAX),
		SV_INT(limit), store_text(source) };
	int rc;

	*list = cJSON_CreateArray();
	if (source == NULL)
		rc = store_read(s, SELECT "order by id desc limit $2", values, 2, refusal_row,
		    *list, err);
	else
		rc = store_read(s, SELECT "and source = $3 order by id desc limit $2", values, 3,
		    refusal_row, *list, err);
	if (rc >= 0)
		return 0;
	cJSON_Delete(*list);
	*list = NULL;
	return -1;
}

int
store_refusal_prune(struct store *s, int64_t before, struct error *err)
{
	const struct store_value value = SV_INT(before);

	return store_run(s, "delete from refusal where at < $1", &value, 1, NULL, NULL, err);
}
