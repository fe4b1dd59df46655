/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of the test's own over a real database, with a clock that stands
 * still.
 */
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
	    config; /* pools light (2 slots), heavy (1 slot, 2 GiB); repo web (2 slots); 3 in all */
	struct config_pool pools[2];
	struct config_repo repos[1];
	struct queue_view view;      /* everything free */
	struct error err;
	const char *refused;         /* kind that the place callback has no worker for */
} kit;

void kit_setup(void);
void kit_teardown(void);
/*
 * The same database in a new queue, as after a restart. Kinds are known again.
 */
void kit_restart(void);
/* Kinds a.b, a.c (light) and a.heavy (heavy): 2 retries, ready. */
void kit_kinds(void);
void kit_commit(void);
void kit_pass(int64_t ms); /* time */

/* A new job, or the test fails. */
uint64_t kit_submit(const char *kind, const char *key);
uint64_t kit_submit_ask(const struct job_ask *);
/* The next job, or NULL; an error fails the test. */
struct job *kit_claim(void);
/* Claims and expects this job. */
struct job *kit_claim_id(uint64_t id);
void kit_finish(struct job *, int code);
void kit_finish_after(struct job *, int code, int64_t retry_after_ms);
enum job_state kit_state(uint64_t id);
/* The first closed gate of a job, "" when all are open, and its reason. */
const char *kit_gate(uint64_t id, const char **reason);
/* One number of the database. */
int64_t kit_number(const char *sql);
/* Claims and finishes with OK until nothing is left; returns how many. */
int kit_drain(void);


#endif
