/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable state: one database with one read-write connection, which only
 * the core has. Statements are written once, in SQL that every engine takes; an
 * engine is the small table of functions in struct store_engine.
 *
 * A write outside of a transaction opens one. The daemon commits once a tick
 * and answers only then, so that what was acknowledged is on disk. If a commit
 * fails, all changes since the last one are gone, and what memory built on them
 * must be loaded anew. After a failed statement every further one fails, and so
 * does the commit, until store_rollback() or that commit has ended the
 * transaction. So half of a change is never kept.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

struct store;

/* A parameter: $1, $2, ... in the order given. */
struct store_value {
	enum { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BLOB } type;
	int64_t number;
	const char *data;
	size_t len;
};

/*
 * Part of the text of the DROVER_AGAIN that means a full disk, which has no
 * class of its own.
 */
#define STORE_FULL "the disk (or quota) is full"
#define SV_NULL ((struct store_value){ STORE_NULL, 0, NULL, 0 })
#define SV_INT(n) ((struct store_value){ STORE_INT, (int64_t)(n), NULL, 0 })
struct store_value store_text(const char *);                    /* NULL gives SV_NULL */
struct store_value store_blob(const void *, size_t);

/* A row of a result; valid during the callback only. */
struct store_row;
int64_t store_row_int(const struct store_row *, int column);    /* 0 for NULL */
const char *store_row_text(const struct store_row *, int column); /* "" for NULL */
const void *store_row_blob(const struct store_row *, int column, size_t *len);

/*
 * The conditions of the partial indexes of jobs. Such an index is used only for
 * a query that repeats its condition.
 */
#define STORE_JOB_ACTIVE \
	"(state = 'queued' or state = 'delayed' or state = 'held' or state = 'running')"
#define STORE_JOB_ASIDE \
	"(state = 'delayed' or state = 'held' or state = 'dead' or state = 'cancelled')"

/*
 * Opens the database of a state folder, and makes or migrates it if need be.
 * Takes the folder's lock: a second daemon gets DROVER_CONFIG with the pid of
 * the first. Network file systems are refused.
 */
int store_open(const char *state_dir, struct store **, struct error *);
void store_close(struct store *); /* rolls back an open transaction */

/*
 * Runs one prepared statement. sql is the key of the statement cache, so it
 * must be a string that lives for ever. row, which may be NULL, is called for
 * each row; a result other than 0 ends the run early. Returns the number of
 * rows changed or returned, or -1 on error: DROVER_AGAIN if the disk is full or
 * the database is locked.
 */
int store_run(struct store *, const char *sql, const struct store_value *, int values_len,
    int (*row)(void *arg, const struct store_row *), void *arg, struct error *);
/* Like store_run(), for a statement that returns no rows. Returns 0 or -1. */
int store_do(struct store *, const char *sql, const struct store_value *, size_t values_len,
    struct error *);
/* Like store_run(), for a statement that only reads: opens no transaction. */
int store_read(struct store *, const char *sql, const struct store_value *, int values_len,
    int (*row)(void *arg, const struct store_row *), void *arg, struct error *);

/* True if a transaction is open. */
bool store_dirty(const struct store *);
/*
 * Commits the open transaction, if there is one. Returns 0, or -1 after rolling
 * it back.
 */
int store_commit(struct store *, struct error *);
void store_rollback(struct store *);
/* The id that the last INSERT made. */
int64_t store_last_id(struct store *);
/*
 * Checks that the database is intact, and that the events of each job lead to
 * its state.
 */
int store_check(struct store *, struct error *);

/*
 * Durable text by scope and key; scope is "plugin/NAME", "job/ID" or "core".
 * store_kv_get() returns 1 with the value, which the caller frees, 0 if there
 * is no such key, or -1. store_kv_remove() removes the whole scope if key is
 * NULL.
 */
int store_kv_get(struct store *, const char *scope, const char *key, char **value, struct error *);
int store_kv_set(struct store *, const char *scope, const char *key, const char *value,
    struct error *);
int store_kv_remove(struct store *, const char *scope, const char *key, struct error *);

/*
 * Effects: writes to the outside. store_effect_begin() returns an enum
 * drover_effect_state, or -1. If the effect was done before, *result gets its
 * result, which the caller frees; otherwise NULL.
 */
int store_effect_begin(struct store *, const char *key, uint64_t job, uint64_t epoch, char **result,
    struct error *);
int store_effect_done(struct store *, const char *key, uint64_t job, uint64_t epoch,
    const char *result, struct error *);
/*
 * Removes the effects that belong to no job and began before a wall time.
 * Returns how many, or -1.
 */
int store_effect_prune(struct store *, int64_t before, struct error *);

#define STORE_REFUSALS_MAX 10000 /* of all sources together; older ones are dropped */

/*
 * An item that was refused because its author may not start work. Members may
 * be NULL; sha256 is that of the payload.
 */
struct store_refusal {
	const char *source, *key, *author, *name, *why, *sha256, *title;
};

/*
 * Returns 1 if the refusal is kept, 0 if this source and key have one already,
 * or -1.
 */
int store_refusal_add(struct store *, const struct store_refusal *, struct error *);
/*
 * Lists refusals, the newest first: [{id, at, source, key, author, name, why,
 * sha256, title}]. source NULL means all sources, before 0 all ids, else only
 * ids below it. The caller deletes the list.
 */
int store_refusal_list(struct store *, const char *source, int64_t before, int limit, cJSON **list,
    struct error *);
/* Removes refusals older than a wall time. Returns how many, or -1. */
int store_refusal_prune(struct store *, int64_t before, struct error *);

#define STORE_MEMORY_TEXT 16384            /* bytes of one entry; the rest is cut */
#define STORE_MEMORY_ENTRIES 200           /* of one subject; the oldest are dropped, and counted */
#define STORE_MEMORY_SUBJECT (256 * 1024)  /* bytes of one subject, in the same way */
#define STORE_MEMORY_READ (512 * 1024)     /* most bytes that one read gives */

/*
 * Adds an entry to what is remembered about a subject of a plugin. Returns 1 if
 * it is kept, 0 if the key is known already, or -1, with DROVER_PERMANENT if a
 * part is too long or not UTF-8.
 */
int store_memory_append(struct store *, const char *plugin, const char *subject, const char *key,
    const char *role, const char *text, struct error *);
/*
 * Appends the newest entries that fit into max bytes to out, oldest first, as
 * "ROLE: TEXT" with an empty line between two. Further lines of a text are
 * indented. If even the newest entry does not fit, its beginning is given.
 */
int store_memory_read(struct store *, const char *plugin, const char *subject, size_t max,
    struct buf *out, struct error *);
/* Removes a subject. Returns how many rows were removed, or -1. */
int store_memory_forget(struct store *, const char *plugin, const char *subject, struct error *);
/*
 * Removes the subjects to which nothing was added since a wall time. Returns
 * how many rows were removed, or -1.
 */
int store_memory_prune(struct store *, int64_t before, struct error *);
/*
 * Lists subjects, the one with the newest entry first: [{plugin, subject,
 * entries, bytes, first_at, last_at}]. plugin NULL means all plugins. The
 * caller deletes the list.
 */
int store_memory_subjects(struct store *, const char *plugin, int limit, cJSON **list,
    struct error *);
/*
 * Lists the entries of a subject, oldest first: [{key, role, text, at}].
 * *dropped gets the number of earlier ones that were dropped. The caller
 * deletes the list.
 */
int store_memory_entries(struct store *, const char *plugin, const char *subject, cJSON **list,
    int64_t *dropped, struct error *);

/*
 * The cursor of a source. store_cursor_get() returns 1 with the cursor, which
 * the caller frees, 0 if there is none yet, or -1.
 */
int store_cursor_get(struct store *, const char *source, char **cursor, struct error *);
int store_cursor_set(struct store *, const char *source, const char *cursor, struct error *);

#endif
