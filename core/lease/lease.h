/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases, the core's half: which attempt holds which worktree. Rows only; the
 * files are handled by tree.h in the job's process and by the keeper. The row
 * is written before the tree is touched.
 *
 * A tree is leased, warm (clean, next lease takes it), dirty (its owner died or
 * could not clean it: quarantined until it was saved and reset, by its next
 * owner or the keeper) or gone.
 */
#ifndef LEASE_LEASE_H
#define LEASE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "base/proc.h"
#include "config/config.h"
#include "store/store.h"

#define LEASE_TTL_MS 20000

struct leases;

struct lease_grant {
	uint64_t id;
	char path[1024];       /* STATE/trees/REPO/ID */
	char mirror[1024];     /* STATE/mirrors/REPO.git */
	char state[8];         /* what is there: "new" (nothing), "warm", "dirty" */
};

/*
 * What the core must have done with files; the daemon hands it to the keeper
 * (TREE_TIDY).
 */
struct lease_chore {
	uint64_t id;
	const char *action;    /* "clean", "remove", "measure", "sweep" */
	char repo[65], path[1024], mirror[1024], wip[256]; /* sweep: path is the state folder */
};

struct leases *leases_new(struct store *, const struct config *);
void leases_configure(struct leases *, const struct config *);
void leases_free(struct leases *);
int leases_load(struct leases *, struct error *);

/*
 * One tree for an attempt; a warm one of the repo first, then a dirty one whose
 * owner is dead, then a new one.
 */
int leases_acquire(struct leases *, const char *repo, uint64_t job, uint64_t epoch,
    const struct proc_id *owner, struct lease_grant *, struct error *);
/*
 * state: "warm" or "dirty". FENCED when the lease is not this attempt's any
 * more.
 */
int leases_release(struct leases *, uint64_t id, uint64_t job, uint64_t epoch, const char *state,
    const char *wip, struct error *);
/* The attempt's worker was heard of. */
void leases_beat(struct leases *, uint64_t job, uint64_t epoch);
/* The attempt is over: what it still holds becomes dirty. */
int leases_end(struct leases *, uint64_t job, uint64_t epoch, struct error *);
/*
 * Expires what was silent for LEASE_TTL_MS and whose owner is dead; picks
 * chores by age, number and disk. Returns chores (the caller frees), *n how
 * many.
 */
struct lease_chore *leases_tick(struct leases *, int64_t disk_free, bool all, int *n);
/* The first of these alone: it costs nothing and wants no chore. */
void leases_expire(struct leases *);
/* Something else was put into the trash: it is emptied in its time. */
void leases_trashed(struct leases *);
/*
 * A chore ended: state "warm", "gone", or "dirty" where it failed; wip: the ref
 * that saved work, or "".
 */
int leases_tidied(struct leases *, uint64_t id, const char *state, const char *wip, struct error *);
/*
 * What a chore found a tree to take on disk; trees_max_bytes goes by it. After
 * leases_tidied().
 */
void leases_sized(struct leases *, uint64_t id, int64_t bytes);
/*
 * The keeper has ended: what it had in hand may be leased, and given out,
 * again.
 */
void leases_keeper_gone(struct leases *);

/* By an operator. break refuses a live owner unless force. */
int leases_break(struct leases *, uint64_t id, bool force, struct error *);
cJSON *leases_list(
    struct leases *); /* those that are not gone, and gone ones whose work was saved: [{id, repo,
			 path, mirror, state, job, epoch, pid, alive, beat_at, expires_at, wip,
			 created_at, used_at, bytes, failures}] */
cJSON *leases_show(struct leases *, uint64_t id);  /* NULL when there is none */

#endif
