/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of leases in memory, between lease.c, which changes them, and
 * chores.c, which says what is to be done with their trees.
 */
#ifndef LEASE_ROWS_H
#define LEASE_ROWS_H

#include <uthash.h>

#include "lease/lease.h"

enum lease_state { LEASE_LEASED, LEASE_WARM, LEASE_DIRTY, LEASE_GONE };

struct lease {
	UT_hash_handle hh;
	uint64_t id;
	enum lease_state state;
	char *repo, *path, *mirror, *wip;
	uint64_t job, epoch;             /* 0: no attempt's */
	struct proc_id owner;            /* pid 0: nobody's */
	int64_t beat_at, expires_at, created_at, used_at; /* wall */
	int64_t silent_since;            /* monotonic: of the last beat */
	int64_t bytes;                   /* on disk, -1: not measured */
	int64_t busy_until;              /* monotonic: the keeper has it in hand, 0: it has not */
	int64_t retry_at;                /* monotonic: no chore before */
	int failures;                    /* of chores, in a row */
};

struct leases {
	uint32_t magic;
	struct store *store;
	const struct config *config;
	struct lease *rows;              /* by id, those that are not gone */
	uint64_t last_id;
	int64_t swept_at, trash_since;   /* monotonic; trash_since 0: nothing is in the trash */
};

/*
 * The attempt that held it is over or silent: quarantined until its owner is
 * dead.
 */
int lease_quarantine(struct leases *, struct lease *, struct error *);
/* Forgets rows of trees that are gone for as long as jobs are kept. */
void lease_prune(struct leases *);

#endif
