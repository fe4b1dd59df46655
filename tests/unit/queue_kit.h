/* SPDX-License-Identifier: Apache-2.0 */
/* A queue for a test: over a real database, with a clock that stands still. */
#ifndef UNIT_QUEUE_KIT_H
#define UNIT_QUEUE_KIT_H

#include <check.h>

#include "queue/inside.h"

#define KIT_NOW INT64_C(1800000000000)
#define GIB (INT64_C(1) << 30)

extern struct kit {
	char *dir;
	struct store *store;
	struct queue *q;
	struct config
	/*
	 * Pools light (2 slots) and heavy (1 slot, 2 GiB), repo web (2 slots),
	 * 3 jobs in all.
	 */
	    config;
	struct config_pool pools[2];
	struct config_repo repos[1];
	struct queue_view view;      /* memory and disk are free */
	struct error err;
	const char *refused;         /* kind for which the place callback finds no worker */
} kit;

void kit_setup(void);
void kit_teardown(void);
/*
 * Opens the same database in a new queue, as after a restart. The kinds are set
 * again.
 */
void kit_restart(void);
/*
 * Sets the kinds a.b and a.c (pool light) and a.heavy (pool heavy): 2 retries,
 * ready.
 */
void kit_kinds(void);
void kit_commit(void);
void kit_pass(int64_t ms); /* moves the clock on */

/* Submits a job. The test fails if it is refused. */
uint64_t kit_submit(const char *kind, const char *key);
uint64_t kit_submit_ask(const struct job_ask *);
/* Claims the next job, or returns NULL. The test fails on an error. */
struct job *kit_claim(void);
/* Claims a job, which must be this one. */
struct job *kit_claim_id(uint64_t id);
void kit_finish(struct job *, int code);
void kit_finish_after(struct job *, int code, int64_t retry_after_ms);
enum job_state kit_state(uint64_t id);
/* The first closed gate of a job and its reason; "" if all gates are open. */
const char *kit_gate(uint64_t id, const char **reason);
/* Reads one number from the database. */
int64_t kit_number(const char *sql);
/*
 * Claims jobs and finishes them with OK until no job can start. Returns how
 * many.
 */
int kit_drain(void);


#endif
