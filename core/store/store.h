/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable state: one database, one read-write connection, in the core only. The statements are
 * written once, in SQL that every engine takes; an engine is the small vtable of struct store_engine.
 *
 * Writing outside a transaction opens one. The daemon commits once a tick and answers only then, so
 * that what was acknowledged is on disk. When a commit fails everything since the last one is gone,
 * and what was built on it in memory must be loaded anew. After a failed statement every further one
 * and the commit fail as well, until store_rollback() or that commit: no half of a change is kept.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct store;

/* A parameter: $1, $2, ... in the order given. */
struct store_value {
	enum { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BLOB } type;
	int64_t number;
	const char *data;
	size_t len;
};

#define STORE_FULL "the disk (or quota) is full"        /* in the text of a DROVER_AGAIN: there is no other class for it */
#define SV_NULL ((struct store_value){ STORE_NULL, 0, NULL, 0 })
#define SV_INT(n) ((struct store_value){ STORE_INT, (int64_t)(n), NULL, 0 })
struct store_value store_text(const char *);                    /* NULL is NULL */
struct store_value store_blob(const void *, size_t);

/* A row of a result, valid within the callback. */
struct store_row;
int64_t store_row_int(const struct store_row *, int column);    /* 0 for NULL */
const char *store_row_text(const struct store_row *, int column); /* "" for NULL */
const void *store_row_blob(const struct store_row *, int column, size_t *len);

/* Opens (creates, migrates) the database of a state folder and takes its lock: a second daemon gets DROVER_CONFIG naming the first one's pid. Refuses network file systems. */
int store_open(const char *state_dir, struct store **, struct error *);
void store_close(struct store *); /* rolls back what is not committed */

/* Runs one prepared statement. sql must be a string that lives for ever (it is the key of the statement cache). row may be NULL; a non-zero return of it ends the run early. Returns the number of rows changed or returned, -1 on error (DROVER_AGAIN: disk full or busy). */
int store_run(struct store *, const char *sql, const struct store_value *, int values_len,
    int (*row)(void *arg, const struct store_row *), void *arg, struct error *);
/* As store_run, for a statement that returns no rows: 0 or -1. */
int store_do(struct store *, const char *sql, const struct store_value *, size_t values_len, struct error *);
/* As store_run, for statements that only read: opens no transaction. */
int store_read(struct store *, const char *sql, const struct store_value *, int values_len,
    int (*row)(void *arg, const struct store_row *), void *arg, struct error *);

bool store_dirty(const struct store *);                          /* a transaction is open */
int store_commit(struct store *, struct error *);                /* nothing open: 0. On failure it is rolled back */
void store_rollback(struct store *);
int64_t store_last_id(struct store *);                           /* of the last INSERT */
int store_check(struct store *, struct error *);                 /* integrity_check, and replayed events equal the states */

/* Plain durable text: scope is "plugin/NAME", "job/ID", "core". */
int store_kv_get(struct store *, const char *scope, const char *key, char **value, struct error *); /* 1 found (caller frees), 0 none, -1 */
int store_kv_set(struct store *, const char *scope, const char *key, const char *value, struct error *);
int store_kv_remove(struct store *, const char *scope, const char *key, struct error *); /* key NULL: the whole scope */

/* External writes. begin: enum drover_effect_state or -1; *result (caller frees) when done before. */
int store_effect_begin(struct store *, const char *key, uint64_t job, uint64_t epoch, char **result, struct error *);
int store_effect_done(struct store *, const char *key, uint64_t job, uint64_t epoch, const char *result, struct error *);

/* Cursors of sources. */
int store_cursor_get(struct store *, const char *source, char **cursor, struct error *); /* 1, 0, -1 */
int store_cursor_set(struct store *, const char *source, const char *cursor, struct error *);

#endif
