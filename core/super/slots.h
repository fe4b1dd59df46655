/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots, and the workers that hold them. slots.c gives jobs to workers and
 * takes what they report; adopt.c finds workers again after restarts and
 * deaths.
 */
#ifndef SUPER_SLOTS_H
#define SUPER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/proc.h"
#include "super/fleet.h"
#include "super/peer.h"

enum slot_state { SLOT_FREE, SLOT_FORKING, SLOT_IDLE, SLOT_BUSY, SLOT_LOST };

/* A worker: a stable name and the process that holds it now. */
struct slot {
	char name[16];               /* "w1" */
	enum slot_state state;
	char *plugin;
	uint64_t generation;
	char token[33];
	struct proc_id id;
	struct peer *peer;           /* NULL while it is not connected */
	uint64_t job, epoch;         /* what it runs; 0 while it runs nothing */
	uint64_t next, next_epoch;   /* claimed in this tick, sent after the commit */
	uint64_t outcome_job,
	    outcome_epoch; /* JOB_OUTCOME came in this tick, JOB_OUTCOME_KEPT follows the commit */
	bool restored;               /* the job was found running: its worker may come back */
	bool cancelled;              /* its worker was told to stop the job */
	bool interrupting;           /* the same, because drover stops */
	int64_t since, heard;        /* monotonic */
	int64_t cpu_ms, rss, output; /* of the last beat */
};

const char *slot_state_name(enum slot_state);
struct slot *slot_find(struct supervisor *, const char *name);
struct slot *slot_of_job(struct supervisor *, uint64_t job, uint64_t epoch);
void slots_resize(struct supervisor *);
void slots_close(struct supervisor *);
int64_t slots_tick(struct supervisor *, int64_t now);
/* The runner answers a WORKER_FORK. */
void slots_forked(struct supervisor *, struct message *);
void slots_runner_lost(const struct runner_handle *, const char *why);
/*
 * Tells the worker of a running attempt to stop it. -1: it cannot be told now.
 */
int slots_cancel(struct supervisor *, uint64_t job, uint64_t epoch, int code, const char *text);
/* Tells idle workers to leave. */
void slots_dismiss(struct supervisor *);

/* adopt.c */
/* A worker says who it is: from now on its messages are slots.c's. */
void slots_hello(struct peer *, struct message *);
/* Tells a worker whether its job is still wanted. */
void slots_welcome(struct peer *, uint64_t job, bool keep);
/*
 * Gives each running job of the database the slot of the worker that may come
 * back with it.
 */
void slots_restore(struct supervisor *);
/*
 * A worker that is lost, or silent for too long; ms until it must be looked at
 * again.
 */
int64_t slot_watch(struct supervisor *, struct slot *, int64_t now);

/* For adopt.c. */
void slots_message(struct peer *, struct message *);
void slots_peer_closed(struct peer *);
void slots_grow(struct supervisor *, int want);
void slot_assign(struct supervisor *, struct slot *);
void slot_clear(struct slot *);
void slot_log(struct supervisor *, const struct slot *, enum drover_level, const char *text);

#endif
