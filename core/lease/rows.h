/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of leases in memory, shared by lease.c, which changes them, and
 * upkeep.c, which decides what is done with their trees.
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
	uint64_t job, epoch;             /* 0 when no attempt holds it */
	struct proc_id owner;            /* pid 0 when it has no owner */
	int64_t beat_at, expires_at, created_at, used_at; /* wall clock */
	int64_t silent_since;            /* monotonic, of the last beat */
	int64_t bytes;                   /* on disk; -1 until it is measured */
	int64_t busy_until;              /* monotonic; 0 unless the keeper works on it */
	int64_t retry_at;                /* monotonic; no chore before that */
	int failures;                    /* of chores, in a row */
};

/* A sweep is due after so many leases: their refs slow a mirror down. */
#define SWEEP_RELEASES 100

struct leases {
	uint32_t magic;
	struct store *store;
	const struct config *config;
	struct lease *rows;              /* by id, those that are not gone */
	uint64_t last_id;
	int64_t swept_at, untidy_since;  /* monotonic; untidy_since is 0 after a sweep */
	int released;                    /* leases since the last sweep */
};

/*
 * Makes a tree dirty whose attempt is over or silent. It stays unused while its
 * owner lives.
 */
int lease_quarantine(struct leases *, struct lease *, struct error *);
/* Deletes rows of trees that have been gone for longer than jobs are kept. */
void lease_prune(struct leases *);

#endif
