/* SPDX-License-Identifier: Apache-2.0 */
/* Plain durable text by scope and key, and the cursors of sources. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

static const char sql_kv_set[] =
    "insert into kv (scope, key, value) "
    "values ($1, $2, $3) "
    "on conflict (scope, key) do update "
    "set value = excluded.value";

static const char sql_cursor_set[] =
    "insert into source_cursor (source, value, moved_at) "
    "values ($1, $2, $3) "
    "on conflict (source) do update "
    "set value = excluded.value, moved_at = excluded.moved_at";

static int
kv_row(void *arg, const struct store_row *row)
{
	*(char **)arg = xstrdup(store_row_text(row, 0));
	return 1;
}

static int
kv_bounded(const char *key, const char *value, struct error *err)
{
	if (key[0] == '\0' || strlen(key) > DROVER_KEY_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "a key must have 1 to %d bytes; this one has %zu", DROVER_KEY_MAX, strlen(key));
	if (value != NULL && strlen(value) > DROVER_VALUE_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "the value of %s has %zu bytes; at most %d are allowed", key, strlen(value),
		    DROVER_VALUE_MAX);
	return 0;
}

int
store_kv_get(struct store *s, const char *scope, const char *key, char **value, struct error *err)
{
	const struct store_value values[] = { store_text(scope), store_text(key) };

	*value = NULL;
	return store_read(s, "select value from kv where scope = $1 and key = $2", values, 2,
	    kv_row, value, err);
}

int
store_kv_set(struct store *s, const char *scope, const char *key, const char *value,
    struct error *err)
{
	const struct store_value values[] = { store_text(scope), store_text(key),
		store_text(value) };

	if (kv_bounded(key, value, err) != 0)
		return -1;
	return store_do(s, sql_kv_set, values, ARRAY_LEN(values), err);
}

int
store_kv_remove(struct store *s, const char *scope, const char *key, struct error *err)
{
	const struct store_value values[] = { store_text(scope), store_text(key) };

	if (key == NULL)
		return store_do(s, "delete from kv where scope = $1", values, 1, err);
	return store_do(s, "delete from kv where scope = $1 and key = $2", values, 2, err);
}

int
store_cursor_get(struct store *s, const char *source, char **cursor, struct error *err)
{
	const struct store_value value = store_text(source);

	*cursor = NULL;
	return store_read(s, "select value from source_cursor where source = $1", &value, 1, kv_row,
	    cursor, err);
}

int
store_cursor_set(struct store *s, const char *source, const char *cursor, struct error *err)
{
	const struct store_value values[] = { store_text(source), store_text(cursor),
		SV_INT(clock_wall()) };

	if (kv_bounded(source, cursor, err) != 0)
		return -1;
	return store_do(s, sql_cursor_set, values, ARRAY_LEN(values), err);
}
