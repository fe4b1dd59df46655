/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's half of leases: which attempt holds which worktree. It keeps rows
 * only; a job's process and the keeper handle the files, through tree.h. A row
 * is written before its tree is touched.
 *
 * A tree is leased, warm (clean, ready for the next lease), dirty (its owner
 * died or could not clean it; the next owner or the keeper saves its work and
 * resets it) or gone.
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
	char state[8];         /* "new" (there are no files yet), "warm" or "dirty" */
};

/* Work on a tree's files, which the daemon sends the keeper as TREE_TIDY. */
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
 * Gives an attempt a tree of the repo: a warm one, else a dirty one whose owner
 * is dead, else a new one.
 */
int leases_acquire(struct leases *, const char *repo, uint64_t job, uint64_t epoch,
    const struct proc_id *owner, struct lease_grant *, struct error *);
/* state is "warm" or "dirty". FENCED when it is not the attempt's lease. */
int leases_release(struct leases *, uint64_t id, uint64_t job, uint64_t epoch, const char *state,
    const char *wip, struct error *);
/* Notes that the attempt's worker is alive. */
void leases_beat(struct leases *, uint64_t job, uint64_t epoch);
/* Call it after an attempt: the trees that it still holds become dirty. */
int leases_end(struct leases *, uint64_t job, uint64_t epoch, struct error *);
/*
 * Expires leases that were silent for LEASE_TTL_MS and whose owner is dead;
 * picks chores by age, number and disk space. disk_free is in bytes, -1 when
 * unknown; all removes every tree that no attempt holds. Returns the chores,
 * which the caller frees, and their number in *n.
 */
struct lease_chore *leases_tick(struct leases *, int64_t disk_free, bool all, int *n);
/* Expires leases as leases_tick() does, but is cheap: it makes no chores. */
void leases_expire(struct leases *);
/* Notes that the trash is not empty, so that a later tick sweeps it. */
void leases_trashed(struct leases *);
/*
 * Records the end of a chore: state is "warm", "gone", or "dirty" when it
 * failed; wip is the ref under which work was saved, or "".
 */
int leases_tidied(struct leases *, uint64_t id, const char *state, const char *wip, struct error *);
/*
 * Records the bytes that a tree takes on disk, for trees_max_bytes. Call it
 * after leases_tidied().
 */
void leases_sized(struct leases *, uint64_t id, int64_t bytes);
/*
 * The keeper has ended: the trees that it worked on may be leased, or given to
 * the next keeper.
 */
void leases_keeper_gone(struct leases *);

/*
 * For operators: quarantines a leased tree. Refuses while the owner lives,
 * unless force.
 */
int leases_break(struct leases *, uint64_t id, bool force, struct error *);
/*
 * [{id, repo, path, mirror, state, job, epoch, pid, alive, beat_at, expires_at,
 * wip, created_at, used_at, bytes, failures}]: every tree that is not gone, and
 * those gone whose work was saved.
 */
cJSON *leases_list(struct leases *);
/* One such object; NULL when the lease does not exist. */
cJSON *leases_show(struct leases *, uint64_t id);

#endif
