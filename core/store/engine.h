/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a database engine gives the store. Private to core/store: other code
 * includes store.h. All statements are written in the SQL that SQLite and
 * PostgreSQL share, with $1, $2, ... for parameters; what differs is in struct
 * store_words, so an engine has no statements of its own.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/store.h"

/*
 * The words in which engines differ. schema.c puts them in place of {id},
 * {key}, {blob} and {keyed}.
 */
struct store_words {
	const char *id;    /* type of a primary key that counts up and never repeats */
	const char *key;   /* type of a primary key that is given */
	const char *blob;
	const char *keyed; /* added to a table whose rows are found by primary key only */
};

struct store_engine {
	const char *name;
	struct store_words words;
	int (*open)(const char *state_dir, void **db, struct error *);
	void (*close)(void *db);
	/*
	 * Runs a statement that is run once only, such as those of a migration.
	 */
	int (*once)(void *db, const char *sql, struct error *);
	/* Like store_run(), but opens no transaction. */
	int (*run)(void *db, const char *sql, const struct store_value *, int values_len,
	    int (*row)(void *arg, const struct store_row *), void *arg, struct error *);
	int (*begin)(void *db, struct error *);
	int (*commit)(void *db, struct error *);
	void (*rollback)(void *db);
	int64_t (*last_id)(void *db);
	int (*check)(void *db, struct error *);
	int64_t (*column_int)(void *cursor, int column);
	const void *(*column_bytes)(void *cursor, int column,
	    size_t *len); /* ends with a NUL; NULL if the column is NULL */
};

struct store_row {
	const struct store_engine *engine;
	void *cursor;
};

extern const struct store_engine store_sqlite;

/*
 * The name of a file system that cannot hold a database, by its type in
 * statfs(2); NULL for any other type.
 */
const char *sqlite_refused_fs(uint64_t type);
/*
 * Migrates the tables to the newest version. Returns -1 with DROVER_CONFIG if a
 * newer drover made them.
 */
int schema_migrate(struct store *, const struct store_words *, struct error *);
/*
 * Like store_run(), for a statement that is run once only. It is not cached, so
 * sql may be freed afterwards.
 */
int store_once(struct store *, const char *sql, struct error *);

#endif
