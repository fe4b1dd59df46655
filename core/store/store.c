/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on top of its engine. It opens a transaction at the first write,
 * and gives a transaction up once one of its statements has failed, so that
 * half of a change can never be committed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/engine.h"

#define STORE_MAGIC 0x53544f52u /* "STOR" */

struct store {
	uint32_t magic;
	bool open;           /* a transaction is open */
	struct error failed; /* code is 0, or why the open transaction is lost */
	const struct store_engine *engine;
	void *db;
};

static int store_begin(struct store *, struct error *);
static int store_check_row(void *, const struct store_row *);

struct store_value
store_text(const char *text)
{
	if (text == NULL)
		return SV_NULL;
	return (struct store_value){ STORE_TEXT, 0, text, strlen(text) };
}

struct store_value
store_blob(const void *data, size_t len)
{
	return (struct store_value){ STORE_BLOB, 0, len > 0 ? data : "", len };
}

int64_t
store_row_int(const struct store_row *row, int column)
{
	return row->engine->column_int(row->cursor, column);
}

const char *
store_row_text(const struct store_row *row, int column)
{
	const char *text = row->engine->column_bytes(row->cursor, column, NULL);

	return text != NULL ? text : "";
}

const void *
store_row_blob(const struct store_row *row, int column, size_t *len)
{
	return row->engine->column_bytes(row->cursor, column, len);
}

int
store_open(const char *state_dir, struct store **out, struct error *err)
{
	struct store *s;

	OBJ_NEW(s, STORE_MAGIC);
	s->engine = &store_sqlite;
	if (s->engine->open(state_dir, &s->db, err) != 0)
		goto fail;
	if (schema_migrate(s, &s->engine->words, err) != 0) {
		error_prefix(err, "the database in %s", state_dir);
		goto fail;
	}
	*out = s;
	return 0;

fail:
	store_close(s);
	return -1;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	OBJ_CHECK(s, STORE_MAGIC);
	if (s->db != NULL) {
		store_rollback(s);
		s->engine->close(s->db);
	}
	OBJ_FREE(s);
}

/*
 * Opens a transaction unless one is open. One that was given up refuses every
 * statement until its owner commits or rolls back.
 */
static int
store_begin(struct store *s, struct error *err)
{
	OBJ_CHECK(s, STORE_MAGIC);
	if (!s->open) {
		s->engine->begin(s->db, &s->failed);
		s->open = true;
	}
	return s->failed.code == 0 ? 0 : error_set(err, s->failed.code, "%s", s->failed.text);
}

int
store_once(struct store *s, const char *sql, struct error *err)
{
	if (store_begin(s, err) != 0)
		return -1;
	if (s->engine->once(s->db, sql, &s->failed) != 0)
		return error_set(err, s->failed.code, "%s", s->failed.text);
	return 0;
}

int
store_run(struct store *s, const char *sql, const struct store_value *values, int values_len,
    int (*row)(void *, const struct store_row *), void *arg, struct error *err)
{
	int n;

	if (store_begin(s, err) != 0)
		return -1;
	if ((n = s->engine->run(s->db, sql, values, values_len, row, arg, &s->failed)) < 0)
		error_set(err, s->failed.code, "%s", s->failed.text);
	return n;
}

int
store_do(struct store *s, const char *sql, const struct store_value *values, size_t values_len,
    struct error *err)
{
	return store_run(s, sql, values, (int)values_len, NULL, NULL, err) < 0 ? -1 : 0;
}

int
store_read(struct store *s, const char *sql, const struct store_value *values, int values_len,
    int (*row)(void *, const struct store_row *), void *arg, struct error *err)
{
	OBJ_CHECK(s, STORE_MAGIC);
	return s->engine->run(s->db, sql, values, values_len, row, arg, err);
}

bool
store_dirty(const struct store *s)
{
	return s->open;
}

int
store_commit(struct store *s, struct error *err)
{
	OBJ_CHECK(s, STORE_MAGIC);
	if (!s->open)
		return 0;
	if (s->failed.code == 0 && s->engine->commit(s->db, &s->failed) == 0) {
		s->open = false;
		return 0;
	}
	error_set(err, s->failed.code, "%s", s->failed.text);
	store_rollback(s);
	return -1;
}

void
store_rollback(struct store *s)
{
	OBJ_CHECK(s, STORE_MAGIC);
	if (s->open)
		s->engine->rollback(s->db);
	s->open = false;
	memset(&s->failed, 0, sizeof s->failed);
}

int64_t
store_last_id(struct store *s)
{
	return s->engine->last_id(s->db);
}

static int
store_check_row(void *arg, const struct store_row *row)
{
	struct error *err = arg;

	error_set(err, DROVER_INTERNAL, "job %lld is %s, but its events say %s",
	    (long long)store_row_int(row, 0), store_row_text(row, 1), store_row_text(row, 2));
	return 1;
}

/*
 * Each of the two statements finds a job whose events do not lead to its state.
 */
int
store_check(struct store *s, struct error *err)
{
	static const char *const checks[] = {
		"select job, coalesce(from_state, 'new'), coalesce(before, 'new') "
		"from "
		"(select job, from_state, "
		"lag(to_state) over (partition by job order by id) as before "
		"from event) as chain "
		"where coalesce(from_state, '') <> coalesce(before, '') "
		"limit 1",
		"select j.id, j.state, coalesce(e.to_state, 'nothing') "
		"from job j "
		"left join event e on e.id = "
		"(select max(id) "
		"from event "
		"where job = j.id) "
		"where coalesce(e.to_state, '') <> j.state "
		"limit 1",
	};
	struct error found = { 0 };

	OBJ_CHECK(s, STORE_MAGIC);
	if (s->engine->check(s->db, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		if (store_read(s, checks[i], NULL, 0, store_check_row, &found, err) < 0)
			return -1;
		if (found.code != 0)
			return error_set(err, found.code, "%s", found.text);
	}
	return 0;
}
