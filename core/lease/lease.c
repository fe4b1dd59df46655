/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which attempt holds which tree. The core calls this within a tick:
 * super/services.c acquires and releases for jobs, super/slots.c and adopt.c
 * pass on the beats of workers and the ends of attempts, super/chores.c the
 * reports of the keeper; the API lists and breaks leases.
 *
 * The rows are kept in memory and written through to the store; after a
 * rollback leases_load() reads them anew. Beats stay in memory, because a
 * restart gives every holder a whole term again. Terms are measured by the
 * monotonic clock, and a silent owner that still lives keeps its tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/retry.h"
#include "base/text.h"
#include "lease/rows.h"

#define LEASES_MAGIC 0x1ea5e501u
#define CHORE_RETRY_MS INT64_C(120000) /* the wait after a chore that failed; doubles */
#define CHORE_RETRY_MAX_MS (32 * CHORE_RETRY_MS)
#define COLUMNS \
	"id, repo, path, mirror, state, job, epoch, pid, start_time, boot, beat_at, expires_at, " \
	"wip, created_at, used_at"

static const char *const state_names[] = { "leased", "warm", "dirty", "gone" };

static struct lease *lease_row_read(const struct store_row *);
static void lease_row_free(struct lease *);
static int lease_load_row(void *, const struct store_row *);
static int lease_list_row(void *, const struct store_row *);
static int lease_load_last(void *, const struct store_row *);
static struct lease *lease_find(struct leases *, uint64_t id);
static struct lease *lease_pick(struct leases *, const char *repo);
static struct lease *lease_new(struct leases *, const struct config_repo *);
static int lease_insert(struct leases *, const struct lease *, struct error *);
static int lease_save(struct leases *, const struct lease *, struct error *);
static void lease_forget(struct leases *, struct lease *);
static void lease_saved(struct lease *, const char *wip);
static cJSON *lease_json(const struct lease *);
static int lease_by_id(struct lease *, struct lease *);

struct leases *
leases_new(struct store *store, const struct config *config)
{
	struct leases *l;

	OBJ_NEW(l, LEASES_MAGIC);
	l->store = store;
	l->config = config;
	l->untidy_since = clock_mono();
	l->swept_at = INT64_MIN / 2;
	return l;
}

void
leases_configure(struct leases *l, const struct config *config)
{
	l->config = config;
}

void
leases_free(struct leases *l)
{
	struct lease *row, *next;

	if (l == NULL)
		return;
	OBJ_CHECK(l, LEASES_MAGIC);
	HASH_ITER(hh, l->rows, row, next)
		lease_forget(l, row);
	OBJ_FREE(l);
}

int
leases_load(struct leases *l, struct error *err)
{
	struct lease *row, *next;

	HASH_ITER(hh, l->rows, row, next)
		lease_forget(l, row);
	if (store_read(l->store, "select coalesce(max(id), 0) from lease", NULL, 0, lease_load_last,
		l, err) < 0)
		return -1;
	return store_read(l->store,
		   "select " COLUMNS " "
		   "from lease "
		   "where state <> 'gone' "
		   "order by id",
		   NULL, 0, lease_load_row, l, err) < 0 ?
	    -1 :
	    0;
}

static int
lease_load_last(void *arg, const struct store_row *row)
{
	struct leases *l = arg;

	l->last_id = (uint64_t)store_row_int(row, 0);
	return 0;
}

static int
lease_load_row(void *arg, const struct store_row *from)
{
	struct leases *l = arg;
	struct lease *row = lease_row_read(from);

	HASH_ADD(hh, l->rows, id, sizeof row->id, row);
	return 0;
}

static struct lease *
lease_row_read(const struct store_row *from)
{
	struct lease *row = xcalloc(1, sizeof *row);
	int state = 0;

	while (state < LEASE_GONE && strcmp(store_row_text(from, 4), state_names[state]) != 0)
		state++;
	row->id = (uint64_t)store_row_int(from, 0);
	row->repo = xstrdup(store_row_text(from, 1));
	row->path = xstrdup(store_row_text(from, 2));
	row->mirror = xstrdup(store_row_text(from, 3));
	row->state = (enum lease_state)state;
	row->job = (uint64_t)store_row_int(from, 5);
	row->epoch = (uint64_t)store_row_int(from, 6);
	row->owner.pid = (int32_t)store_row_int(from, 7);
	row->owner.start = (uint64_t)store_row_int(from, 8);
	text_copy(row->owner.boot, sizeof row->owner.boot, store_row_text(from, 9));
	row->beat_at = store_row_int(from, 10);
	row->expires_at = store_row_int(from, 11);
	row->wip = xstrdup(store_row_text(from, 12));
	row->created_at = store_row_int(from, 13);
	row->used_at = store_row_int(from, 14);
	row->silent_since = clock_mono();
	row->bytes = -1;
	return row;
}

int
leases_acquire(struct leases *l, const char *repo, uint64_t job, uint64_t epoch,
    const struct proc_id *owner, struct lease_grant *grant, struct error *err)
{
	const struct config_repo *configured = config_repo(l->config, repo);
	struct lease *row;
	bool fresh;

	OBJ_CHECK(l, LEASES_MAGIC);
	if (configured == NULL)
		return error_set(err, DROVER_CONFIG, "no repo \"%.64s\" is configured", repo);
	row = lease_pick(l, repo);
	fresh = row == NULL;
	if (fresh)
		row = lease_new(l, configured);
	memset(grant, 0, sizeof *grant);
	grant->id = row->id;
	snprintf(grant->state, sizeof grant->state, "%s", fresh ? "new" : state_names[row->state]);
	if (!text_copy(grant->path, sizeof grant->path, row->path) ||
	    !text_copy(grant->mirror, sizeof grant->mirror, row->mirror)) {
		if (fresh)
			lease_forget(l, row);
		return error_set(err, DROVER_CONFIG,
		    "the path of state_dir %s is too long for worktrees", l->config->state_dir);
	}
	row->state = LEASE_LEASED;
	row->job = job;
	row->epoch = epoch;
	row->owner = *owner;
	row->beat_at = row->used_at = clock_wall();
	row->expires_at = row->beat_at + LEASE_TTL_MS;
	row->silent_since = clock_mono();
	row->bytes = -1;
	row->failures = 0;
	if (fresh ? lease_insert(l, row, err) == 0 : lease_save(l, row, err) == 0)
		return 0;
	/*
	 * If the transaction has already written the row, the rollback removes
	 * that as well.
	 */
	row->state = LEASE_DIRTY;
	return -1;
}

/*
 * The warm tree that was used last, because its files are still in memory; else
 * a dirty one to which no process can be writing.
 */
static struct lease *
lease_pick(struct leases *l, const char *repo)
{
	struct lease *row, *next, *warm = NULL, *dirty = NULL;
	int64_t now = clock_mono();

	HASH_ITER(hh, l->rows, row, next) {
		if (row->busy_until > now || strcmp(row->repo, repo) != 0)
			continue;
		if (row->state == LEASE_WARM && (warm == NULL || row->used_at > warm->used_at))
			warm = row;
		if (row->state == LEASE_DIRTY && dirty == NULL && !proc_alive(&row->owner))
			dirty = row;
	}
	return warm != NULL ? warm : dirty;
}

static struct lease *
lease_new(struct leases *l, const struct config_repo *repo)
{
	struct lease *row = xcalloc(1, sizeof *row);

	row->id = ++l->last_id;
	row->repo = xstrdup(repo->name);
	row->path = xasprintf("%s/trees/%s/%llu", l->config->state_dir, repo->name,
	    (unsigned long long)row->id);
	row->mirror = xasprintf("%s/mirrors/%s.git", l->config->state_dir, repo->name);
	row->wip = xstrdup("");
	row->created_at = clock_wall();
	HASH_ADD(hh, l->rows, id, sizeof row->id, row);
	return row;
}

static int
lease_insert(struct leases *l, const struct lease *row, struct error *err)
{
	const struct store_value values[] = {
		SV_INT(row->id),
		store_text(row->repo),
		store_text(row->path),
		store_text(row->mirror),
		store_text(state_names[row->state]),
		SV_INT(row->job),
		SV_INT(row->epoch),
		SV_INT(row->owner.pid),
		SV_INT(row->owner.start),
		store_text(row->owner.boot),
		SV_INT(row->beat_at),
		SV_INT(row->expires_at),
		store_text(row->wip),
		SV_INT(row->created_at),
		SV_INT(row->used_at),
	};

	return store_run(l->store,
		   "insert into lease (" COLUMNS
		   ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		   values, (int)ARRAY_LEN(values), NULL, NULL, err) < 0 ?
	    -1 :
	    0;
}

static int
lease_save(struct leases *l, const struct lease *row, struct error *err)
{
	const struct store_value values[] = {
		SV_INT(row->id),
		store_text(state_names[row->state]),
		SV_INT(row->job),
		SV_INT(row->epoch),
		SV_INT(row->owner.pid),
		SV_INT(row->owner.start),
		store_text(row->owner.boot),
		SV_INT(row->beat_at),
		SV_INT(row->expires_at),
		store_text(row->wip),
		SV_INT(row->used_at),
	};

	return store_run(l->store,
		   "update lease "
		   "set state = $2, job = $3, epoch = $4, pid = $5, start_time = $6, boot = $7, "
		   "beat_at = $8, expires_at = $9, wip = $10, used_at = $11 "
		   "where id = $1",
		   values, (int)ARRAY_LEN(values), NULL, NULL, err) < 0 ?
	    -1 :
	    0;
}

int
leases_release(struct leases *l, uint64_t id, uint64_t job, uint64_t epoch, const char *state,
    const char *wip, struct error *err)
{
	struct lease *row = lease_find(l, id);

	if (row == NULL || row->state != LEASE_LEASED || row->job != job || row->epoch != epoch)
		return error_set(err, DROVER_FENCED, "lease %llu no longer belongs to job %llu",
		    (unsigned long long)id, (unsigned long long)job);
	lease_saved(row, wip);
	if (++l->released >= SWEEP_RELEASES)
		leases_trashed(l);
	if (strcmp(state, state_names[LEASE_WARM]) != 0)
		return lease_quarantine(l, row, err);
	row->state = LEASE_WARM;
	row->job = row->epoch = 0;
	row->owner = (struct proc_id){ .pid = 0 };
	row->used_at = clock_wall();
	return lease_save(l, row, err);
}

int
lease_quarantine(struct leases *l, struct lease *row, struct error *err)
{
	row->state = LEASE_DIRTY;
	row->job = row->epoch = 0;
	row->used_at = clock_wall();
	row->retry_at = 0;
	return lease_save(l, row, err);
}

void
leases_beat(struct leases *l, uint64_t job, uint64_t epoch)
{
	struct lease *row, *next;

	HASH_ITER(hh, l->rows, row, next) {
		if (row->state != LEASE_LEASED || row->job != job || row->epoch != epoch)
			continue;
		row->beat_at = clock_wall();
		row->expires_at = row->beat_at + LEASE_TTL_MS;
		row->silent_since = clock_mono();
	}
}

int
leases_end(struct leases *l, uint64_t job, uint64_t epoch, struct error *err)
{
	struct lease *row, *next;
	int result = 0;

	HASH_ITER(hh, l->rows, row, next) {
		if (row->state == LEASE_LEASED && row->job == job && row->epoch == epoch &&
		    lease_quarantine(l, row, err) != 0)
			result = -1;
	}
	return result;
}

int
leases_tidied(struct leases *l, uint64_t id, const char *state, const char *wip, struct error *err)
{
	struct lease *row = lease_find(l, id);
	int result;

	/*
	 * A sweep has no row. If the row is leased, the lease was broken and
	 * the tree leased again while the keeper worked.
	 */
	if (row == NULL || row->state == LEASE_LEASED)
		return 0;
	row->busy_until = 0;
	lease_saved(row, wip);
	if (strcmp(state, state_names[LEASE_WARM]) == 0 ||
	    strcmp(state, state_names[LEASE_GONE]) == 0) {
		row->state = strcmp(state, state_names[LEASE_WARM]) == 0 ? LEASE_WARM : LEASE_GONE;
		row->owner = (struct proc_id){ .pid = 0 };
		row->failures = 0;
		if (row->state == LEASE_GONE)
			row->used_at = clock_wall();
	} else {
		row->state = LEASE_DIRTY;
		row->failures++;
		row->retry_at =
		    clock_mono() + retry_delay(CHORE_RETRY_MS, CHORE_RETRY_MAX_MS, row->failures);
	}
	result = lease_save(l, row, err);
	if (row->state == LEASE_GONE) {
		leases_trashed(l);
		lease_forget(l, row);
	}
	return result;
}

void
leases_sized(struct leases *l, uint64_t id, int64_t bytes)
{
	struct lease *row = lease_find(l, id);

	if (row != NULL && row->state == LEASE_WARM)
		row->bytes = bytes;
}

void
leases_keeper_gone(struct leases *l)
{
	struct lease *row, *next;

	HASH_ITER(hh, l->rows, row, next)
		row->busy_until = 0;
}

int
leases_break(struct leases *l, uint64_t id, bool force, struct error *err)
{
	struct lease *row = lease_find(l, id);

	if (row == NULL)
		return error_set(err, DROVER_PERMANENT, "there is no lease %llu",
		    (unsigned long long)id);
	if (row->state != LEASE_LEASED)
		return error_set(err, DROVER_PERMANENT, "no job holds lease %llu",
		    (unsigned long long)id);
	if (!force && proc_alive(&row->owner))
		return error_set(err, DROVER_PERMANENT,
		    "lease %llu is held by job %llu, whose process %d is alive: cancel the job, or "
		    "use force",
		    (unsigned long long)id, (unsigned long long)row->job, row->owner.pid);
	return lease_quarantine(l, row, err);
}

cJSON *
leases_list(struct leases *l)
{
	cJSON *list = cJSON_CreateArray();
	struct lease *row, *next;

	HASH_SORT(l->rows, lease_by_id);
	HASH_ITER(hh, l->rows, row, next)
		cJSON_AddItemToArray(list, lease_json(row));
	/* Saved work whose tree is gone is listed as well. */
	store_read(l->store,
	    "select " COLUMNS " "
	    "from lease "
	    "where state = 'gone' and wip <> '' "
	    "order by used_at desc "
	    "limit 100",
	    NULL, 0, lease_list_row, list, NULL);
	return list;
}

static int
lease_list_row(void *arg, const struct store_row *from)
{
	struct lease *row = lease_row_read(from);

	cJSON_AddItemToArray(arg, lease_json(row));
	lease_row_free(row);
	return 0;
}

cJSON *
leases_show(struct leases *l, uint64_t id)
{
	struct lease *row = lease_find(l, id);

	return row != NULL ? lease_json(row) : NULL;
}

static cJSON *
lease_json(const struct lease *row)
{
	cJSON *o = cJSON_CreateObject();
	char number[24];

	snprintf(number, sizeof number, "%llu", (unsigned long long)row->id);
	json_add_str(o, "id", number);
	json_add_str(o, "repo", row->repo);
	json_add_str(o, "path", row->path);
	json_add_str(o, "mirror", row->mirror);
	json_add_str(o, "state", state_names[row->state]);
	snprintf(number, sizeof number, "%llu", (unsigned long long)row->job);
	json_add_str(o, "job", row->job != 0 ? number : "");
	snprintf(number, sizeof number, "%llu", (unsigned long long)row->epoch);
	json_add_str(o, "epoch", row->job != 0 ? number : "");
	json_add_int(o, "pid", row->owner.pid);
	json_add_bool(o, "alive", row->owner.pid != 0 && proc_alive(&row->owner));
	json_add_int(o, "beat_at", row->beat_at);
	json_add_int(o, "expires_at", row->state == LEASE_LEASED ? row->expires_at : 0);
	json_add_str(o, "wip", row->wip);
	json_add_int(o, "created_at", row->created_at);
	json_add_int(o, "used_at", row->used_at);
	json_add_int(o, "bytes", row->bytes);
	json_add_int(o, "failures", row->failures);
	return o;
}

void
lease_prune(struct leases *l)
{
	const struct store_value before = SV_INT(clock_wall() - l->config->keep_jobs_ms);

	if (l->config->keep_jobs_ms > 0)
		store_run(l->store, "delete from lease where state = 'gone' and used_at < $1",
		    &before, 1, NULL, NULL, NULL);
}

static int
lease_by_id(struct lease *a, struct lease *b)
{
	return (a->id > b->id) - (a->id < b->id);
}

static struct lease *
lease_find(struct leases *l, uint64_t id)
{
	struct lease *row;

	OBJ_CHECK(l, LEASES_MAGIC);
	HASH_FIND(hh, l->rows, &id, sizeof id, row);
	return row;
}

static void
lease_saved(struct lease *row, const char *wip)
{
	if (wip == NULL || *wip == '\0')
		return;
	free(row->wip);
	row->wip = xstrdup(wip);
}

static void
lease_forget(struct leases *l, struct lease *row)
{
	HASH_DEL(l->rows, row);
	lease_row_free(row);
}

static void
lease_row_free(struct lease *row)
{
	free(row->repo);
	free(row->path);
	free(row->mirror);
	free(row->wip);
	free(row);
}
