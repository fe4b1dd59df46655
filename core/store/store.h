/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable state: one database, one read-write connection, in the core only.
 * The statements are written once, in SQL that every engine takes; an engine is
 * the small vtable of struct store_engine.
 *
 * Writing outside a transaction opens one. The daemon commits once a tick and
 * answers only then, so that what was acknowledged is on disk. When a commit
 * fails everything since the last one is gone, and what was built on it in
 * memory must be loaded anew. After a failed statement every further one and
 * the commit fail as well, until store_rollback() or that commit: no half of a
 * change is kept.
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
	 * Part of the text of such a DROVER_AGAIN, since it has no class of its
	 * own.
	 */
#define STORE_FULL \
	"the disk (or quota) is full"
#define SV_NULL ((struct store_value){ STORE_NULL, 0, NULL, 0 })
#define SV_INT(n) ((struct store_value){ STORE_INT, (int64_t)(n), NULL, 0 })
struct store_value store_text(const char *);                    /* NULL is NULL */
struct store_value store_blob(const void *, size_t);

/* A row of a result, valid within the callback. */
struct store_row;
int64_t store_row_int(const struct store_row *, int column);    /* 0 for NULL */
const char *store_row_text(const struct store_row *, int column); /* "" for NULL */
const void *store_row_blob(const struct store_row *, int column, size_t *len);

/*
 * What the partial indexes of jobs hold. A query that repeats the condition is
 * sure to be read by such an index.
 */
#define STORE_JOB_ACTIVE \
	"(state = 'queued' or state = 'delayed' or state = 'held' or state = 'running')"
#define STORE_JOB_ASIDE \
	"(state = 'delayed' or state = 'held' or state = 'dead' or state = 'cancelled')"

/*
 * Opens (creates, migrates) the database of a state folder and takes its lock:
 * a second daemon gets DROVER_CONFIG naming the first one's pid. Refuses
 * network file systems.
 */
int store_open(const char *state_dir, struct store **, struct error *);
void store_close(struct store *); /* rolls back an open transaction */

/*
 * Runs one prepared statement. sql must be a string that lives for ever (it is
 * the key of the statement cache). row may be NULL; a non-zero return of it
 * ends the run early. Returns the number of rows changed or returned, -1 on
 * error (DROVER_AGAIN: disk full or busy).
 */
int store_run(struct store *, const char *sql, const struct store_value *, int values_len,
    int (*row)(void *arg, const struct store_row *), void *arg, struct error *);
/* As store_run, for a statement that returns no rows: 0 or -1. */
int store_do(struct store *, const char *sql, const struct store_value *, size_t values_len,
    struct error *);
/* As store_run, for statements that only read: opens no transaction. */
int store_read(struct store *, const char *sql, const struct store_value *, int values_len,
    int (*row)(void *arg, const struct store_row *), void *arg, struct error *);

bool store_dirty(const struct store *);                          /* whether a transaction is open */
int store_commit(struct store *,
    struct error *); /* 0 when nothing is open; rolled back on failure */
void store_rollback(struct store *);
int64_t store_last_id(struct store *);                           /* of the last INSERT */
int store_check(struct store *,
    struct error *); /* integrity_check, and that replayed events give the states */

/* Plain durable text: scope is "plugin/NAME", "job/ID", "core". */
int store_kv_get(struct store *, const char *scope, const char *key, char **value,
    struct error *); /* 1 and the value, which the caller frees; 0: not there; -1 */
int store_kv_set(struct store *, const char *scope, const char *key, const char *value,
    struct error *);
int store_kv_remove(struct store *, const char *scope, const char *key,
    struct error *); /* key NULL removes the whole scope */

/*
 * Effects: writes to the outside. begin returns an enum drover_effect_state, or
 * -1; *result (the caller frees) is set when it was done before.
 */
int store_effect_begin(struct store *, const char *key, uint64_t job, uint64_t epoch, char **result,
    struct error *);
int store_effect_done(struct store *, const char *key, uint64_t job, uint64_t epoch,
    const char *result, struct error *);
int store_effect_prune(struct store *, int64_t before,
    struct error *); /* removes those without a job, begun before a wall time; how many, or -1 */

#define STORE_REFUSALS_MAX 10000 /* of all sources together; older ones are dropped */

/*
 * Work that was asked for by a person who is not among the authors. Members may
 * be NULL; sha256 is of the payload.
 */
struct store_refusal {
	const char *source, *key, *author, *name, *why, *sha256, *title;
};

/* 1: kept, 0: this source and key is on record already, -1. */
int store_refusal_add(struct store *, const struct store_refusal *, struct error *);
/*
 * The newest first, with ids below before (0: all): [{id, at, source, key,
 * author, name, why, sha256, title}]. source NULL: of all. The caller deletes.
 */
int store_refusal_list(struct store *, const char *source, int64_t before, int limit, cJSON **list,
    struct error *);
int store_refusal_prune(struct store *, int64_t before,
    struct error *); /* removes those older than a wall time; how many, or -1 */

#define STORE_MEMORY_TEXT 16384            /* bytes of one entry; the rest is cut */
#define STORE_MEMORY_ENTRIES 200 /* of one subject; the oldest past it are dropped, and counted */
#define STORE_MEMORY_SUBJECT (256 * 1024)  /* bytes of one subject, in the same way */
#define STORE_MEMORY_READ (512 * 1024)     /* most bytes that one read gives */

/*
 * Adds to what was said about a subject of a plugin. 1: kept, 0: the key is
 * known already, -1: PERMANENT when it is over a bound or not UTF-8.
 */
int store_memory_append(struct store *, const char *plugin, const char *subject, const char *key,
    const char *role, const char *text, struct error *);
/*
 * Adds the newest entries that fit max bytes to out, oldest first, "ROLE: TEXT"
 * with an empty line between two, further lines indented; the newest one alone
 * is cut.
 */
int store_memory_read(struct store *, const char *plugin, const char *subject, size_t max,
    struct buf *out, struct error *);
int store_memory_forget(struct store *, const char *plugin, const char *subject,
    struct error *); /* how many rows were removed, or -1 */
int store_memory_prune(struct store *, int64_t before,
    struct error *); /* removes subjects without an entry since; how many rows, or -1 */
/*
 * [{plugin, subject, entries, bytes, first_at, last_at}], last touched first;
 * plugin NULL: of all. The caller deletes.
 */
int store_memory_subjects(struct store *, const char *plugin, int limit, cJSON **list,
    struct error *);
/*
 * [{key, role, text, at}], oldest first, and how many were dropped before them.
 * The caller deletes.
 */
int store_memory_entries(struct store *, const char *plugin, const char *subject, cJSON **list,
    int64_t *dropped, struct error *);

/* Cursors of sources. */
int store_cursor_get(struct store *, const char *source, char **cursor,
    struct error *); /* 1, 0, -1 */
int store_cursor_set(struct store *, const char *source, const char *cursor, struct error *);

#endif
