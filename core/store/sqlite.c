/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite as the store's engine: one file and one connection, WAL with exclusive
 * locking, flushed at each commit. The WAL-reset defect of SQLite before 3.51.3
 * needs two connections, so it cannot happen here.
 */
#include <sys/types.h>
#include <sys/statfs.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>
#include <uthash.h>

#include "base/mem.h"
#include "base/path.h"
#include "store/engine.h"

#define SQLITE_DB_MAGIC 0x53514c49u /* "SQLI" */
#define PARAMETERS_MAX 40

/* A prepared statement, found by the address of its text. */
struct statement {
	const char *sql;
	sqlite3_stmt *stmt;
	int parameters;
	unsigned char order[PARAMETERS_MAX]; /* SQLite's i-th parameter is $order[i] */
	bool busy;
	UT_hash_handle hh;
};

struct sqlite {
	uint32_t magic;
	sqlite3 *db;
	char *path;
	int lock_fd;
	struct statement *statements;
};

static int sqlite_open(const char *, void **, struct error *);
static void sqlite_close(void *);
static int sqlite_once(void *, const char *, struct error *);
static int sqlite_run(void *, const char *, const struct store_value *, int,
    int (*)(void *, const struct store_row *), void *, struct error *);
static int sqlite_begin(void *, struct error *);
static int sqlite_commit(void *, struct error *);
static void sqlite_rollback(void *);
static int64_t sqlite_last_id(void *);
static int sqlite_check(void *, struct error *);
static int64_t sqlite_column_int(void *, int);
static const void *sqlite_column_bytes(void *, int, size_t *);

const struct store_engine store_sqlite = {
	.name = "sqlite",
	.words = { .id = "integer primary key autoincrement",
	    .key = "integer primary key",
	    .blob = "blob",
	    .keyed = "without rowid" },
	.open = sqlite_open,
	.close = sqlite_close,
	.once = sqlite_once,
	.run = sqlite_run,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.last_id = sqlite_last_id,
	.check = sqlite_check,
	.column_int = sqlite_column_int,
	.column_bytes = sqlite_column_bytes,
};

const char *
sqlite_refused_fs(uint64_t type)
{
	static const struct { uint32_t type; const char *name;
	} refused[] = {
		{ 0x6969, "NFS" },
		{ 0x517b, "SMB" },
		{ 0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB2" },
		{ 0x5346414f, "AFS" },
		{ 0x00c36400, "Ceph" },
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (refused[i].type == (uint32_t)type)
			return refused[i].name;
	}
	return NULL;
}

/*
 * True if a write failed for want of room. SQLite itself only tells ENOSPC
 * apart; a quota or a size limit shows in the last error of the file.
 */
static bool
sqlite_no_room(struct sqlite *s)
{
	static const int files[] = { SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		sqlite3_file *file = NULL;
		int last = 0;

		if (sqlite3_file_control(s->db, "main", files[i], &file) != SQLITE_OK ||
		    file == NULL || file->pMethods == NULL)
			continue;
		file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &last);
		if (last == ENOSPC || last == EDQUOT || last == EFBIG)
			return true;
	}
	return false;
}

/* Fills err from the connection's last failure. */
static int
sqlite_fail(struct sqlite *s, int rc, const char *doing, struct error *err)
{
	int system = sqlite3_system_errno(s->db);

	if ((rc & 0xff) == SQLITE_FULL || (rc == SQLITE_IOERR_WRITE && sqlite_no_room(s)))
		return error_set(err, DROVER_AGAIN,
		    "no room for %s: " STORE_FULL ", free some space", s->path);
	if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
		return error_set(err, DROVER_AGAIN, "%s is locked by another program: close it",
		    s->path);
	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
		return error_set(err, DROVER_INTERNAL,
		    "%s is damaged (%s): stop droverd and bring back a backup", s->path,
		    sqlite3_errmsg(s->db));
	if ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_PERM ||
	    (rc & 0xff) == SQLITE_READONLY)
		return error_set(err, DROVER_CONFIG,
		    "cannot %s %s: %s: the daemon's user must own it", doing, s->path,
		    system != 0 ? strerror(system) : sqlite3_errmsg(s->db));
	return error_set(err, DROVER_INTERNAL, "cannot %s %s: %s (SQLite %d)", doing, s->path,
	    sqlite3_errmsg(s->db), rc);
}

static int
sqlite_exec(struct sqlite *s, const char *sql, const char *doing, struct error *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sqlite_fail(s, rc, doing, err);
}

/*
 * Makes the folder, the lock and an empty file with the right mode, before
 * SQLite touches any of them.
 */
static int
sqlite_prepare_folder(struct sqlite *s, const char *state_dir, struct error *err)
{
	struct statfs fs;
	const char *refused;
	char *lock;
	int fd, rc;

	if (path_mkdirs(state_dir, 0700, err) != 0)
		return -1;
	if (statfs(state_dir, &fs) != 0)
		return error_errno(err, DROVER_CONFIG, "cannot look at %s", state_dir);
	if ((refused = sqlite_refused_fs((uint64_t)fs.f_type)) != NULL)
		return error_set(err, DROVER_CONFIG,
		    "state_dir %s lies on %s, which cannot keep a database safe: use a local disk",
		    state_dir, refused);
	lock = path_join(state_dir, "drover.lock");
	rc = path_lock(lock, &s->lock_fd, err);
	free(lock);
	if (rc != 0)
		return -1;
	if ((fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return error_errno(err, DROVER_CONFIG, "cannot open %s", s->path);
	close(fd);
	return 0;
}

static int
sqlite_open(const char *state_dir, void **out, struct error *err)
{
	/*
	 * locking_mode comes first: if it is set before the WAL is opened,
	 * SQLite needs no file of shared memory.
	 */
	static const char settings[] =
	    "pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full;"
	    "pragma foreign_keys = on; pragma trusted_schema = off; pragma temp_store = memory;"
	    "pragma wal_autocheckpoint = 4000; pragma journal_size_limit = 33554432;";
	struct sqlite *s;
	int rc;

	/*
	 * SQLite's memory statistics are not used, and cost a lock for each
	 * allocation.
	 */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	OBJ_NEW(s, SQLITE_DB_MAGIC);
	s->lock_fd = -1;
	s->path = path_join(state_dir, "drover.db");
	if (sqlite_prepare_folder(s, state_dir, err) != 0)
		goto fail;
	rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		sqlite_fail(s, rc, "open", err);
		goto fail;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, 0);
	if (sqlite_exec(s, settings, "set up", err) != 0)
		goto fail;
	*out = s;
	return 0;

fail:
	sqlite_close(s);
	return -1;
}

static void
sqlite_close(void *arg)
{
	struct sqlite *s;
	struct statement *st, *next;

	OBJ_CAST(s, arg, SQLITE_DB_MAGIC);
	HASH_ITER(hh, s->statements, st, next) {
		HASH_DEL(s->statements, st);
		sqlite3_finalize(st->stmt);
		free(st);
	}
	sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	OBJ_FREE(s);
}

static int
sqlite_once(void *arg, const char *sql, struct error *err)
{
	struct sqlite *s;

	OBJ_CAST(s, arg, SQLITE_DB_MAGIC);
	return sqlite_exec(s, sql, "write to", err);
}

static struct statement *
sqlite_statement(struct sqlite *s, const char *sql, struct error *err)
{
	struct statement *st;
	int rc;

	HASH_FIND_PTR(s->statements, &sql, st);
	if (st != NULL)
		return st;
	st = xcalloc(1, sizeof *st);
	st->sql = sql;
	rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->stmt, NULL);
	if (rc != SQLITE_OK) {
		sqlite_fail(s, rc, "prepare a statement for", err);
		free(st);
		return NULL;
	}
	st->parameters = sqlite3_bind_parameter_count(st->stmt);
	MUST(st->parameters < PARAMETERS_MAX);
	for (int i = 1; i <= st->parameters; i++) {
		const char *name = sqlite3_bind_parameter_name(st->stmt, i);

		MUST(name != NULL && name[0] == '$');
		st->order[i] = (unsigned char)strtoul(name + 1, NULL, 10);
	}
	HASH_ADD_PTR(s->statements, sql, st);
	return st;
}

static void
sqlite_bind(struct statement *st, const struct store_value *values, int values_len)
{
	int rc = SQLITE_OK;

	MUST(st->parameters == values_len);
	for (int i = 1; i <= values_len && rc == SQLITE_OK; i++) {
		const struct store_value *v;

		MUST(st->order[i] >= 1 && st->order[i] <= values_len);
		v = &values[st->order[i] - 1];
		switch (v->type) {
		case STORE_NULL:
			rc = sqlite3_bind_null(st->stmt, i);
			break;
		case STORE_INT:
			rc = sqlite3_bind_int64(st->stmt, i, v->number);
			break;
		case STORE_TEXT:
			rc = sqlite3_bind_text64(st->stmt, i, v->data, v->len, SQLITE_STATIC,
			    SQLITE_UTF8);
			break;
		case STORE_BLOB:
			rc = sqlite3_bind_blob64(st->stmt, i, v->data, v->len, SQLITE_STATIC);
			break;
		}
	}
	MUST(rc == SQLITE_OK);
}

static int
sqlite_run(void *arg, const char *sql, const struct store_value *values, int values_len,
    int (*row)(void *, const struct store_row *), void *row_arg, struct error *err)
{
	struct sqlite *s;
	struct statement *st;
	struct store_row current = { .engine = &store_sqlite };
	int rc, n = 0;

	OBJ_CAST(s, arg, SQLITE_DB_MAGIC);
	if ((st = sqlite_statement(s, sql, err)) == NULL)
		return -1;
	MUST(!st->busy);
	st->busy = true;
	sqlite_bind(st, values, values_len);
	current.cursor = st->stmt;
	while ((rc = sqlite3_step(st->stmt)) == SQLITE_ROW) {
		n++;
		if (row != NULL && row(row_arg, &current) != 0)
			break;
	}
	if (rc == SQLITE_DONE && sqlite3_column_count(st->stmt) == 0)
		n = sqlite3_changes(s->db);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		n = sqlite_fail(s, rc, "write to", err);
	sqlite3_reset(st->stmt);
	st->busy = false;
	return n;
}

static int
sqlite_begin(void *arg, struct error *err)
{
	return sqlite_run(arg, "begin immediate", NULL, 0, NULL, NULL, err) < 0 ? -1 : 0;
}

static int
sqlite_commit(void *arg, struct error *err)
{
	return sqlite_run(arg, "commit", NULL, 0, NULL, NULL, err) < 0 ? -1 : 0;
}

static void
sqlite_rollback(void *arg)
{
	struct sqlite *s;

	OBJ_CAST(s, arg, SQLITE_DB_MAGIC);
	/*
	 * SQLite rolls back by itself when the disk is full, so there may be no
	 * transaction left.
	 */
	if (!sqlite3_get_autocommit(s->db))
		sqlite_run(s, "rollback", NULL, 0, NULL, NULL, NULL);
}

static int64_t
sqlite_last_id(void *arg)
{
	struct sqlite *s;

	OBJ_CAST(s, arg, SQLITE_DB_MAGIC);
	return sqlite3_last_insert_rowid(s->db);
}

static int
sqlite_check_row(void *arg, const struct store_row *row)
{
	struct error *found = arg;
	const char *text = store_row_text(row, 0);

	if (strcmp(text, "ok") == 0)
		return 0;
	error_set(found, DROVER_INTERNAL, "the database is damaged: %s", text);
	return 1;
}

static int
sqlite_check(void *arg, struct error *err)
{
	struct error found = { 0 };

	if (sqlite_run(arg, "pragma integrity_check(1)", NULL, 0, sqlite_check_row, &found, err) <
		0 ||
	    sqlite_run(arg, "pragma foreign_key_check", NULL, 0, sqlite_check_row, &found, err) < 0)
		return -1;
	return found.code == 0 ? 0 : error_set(err, found.code, "%s", found.text);
}

static int64_t
sqlite_column_int(void *cursor, int column)
{
	return sqlite3_column_int64(cursor, column);
}

static const void *
sqlite_column_bytes(void *cursor, int column, size_t *len)
{
	const void *data = sqlite3_column_type(cursor, column) == SQLITE_BLOB ?
	    sqlite3_column_blob(cursor, column) : (const void *)sqlite3_column_text(cursor, column);

	if (len != NULL)
		*len = data != NULL ? (size_t)sqlite3_column_bytes(cursor, column) : 0;
	return data;
}
