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

/* A slot: a stable name, and the worker that holds it now. */
struct slot {
	char name[16];               /* "w1" */
	enum slot_state state;
	char *plugin;
	uint64_t generation;
	char token[33];
	struct proc_id id;
	char *leaf;                  /* its worker's leaf cgroup (base/leaf.h), or NULL */
	struct peer *peer;           /* NULL if its worker is not connected */
	uint64_t job, epoch;         /* the attempt that its worker runs; 0 if it runs nothing */
	uint64_t next, next_epoch;   /* claimed in this tick; sent to the worker after the commit */
	/*
	 * its JOB_OUTCOME came in this tick; JOB_OUTCOME_KEPT follows the
	 * commit
	 */
	uint64_t outcome_job, outcome_epoch;
	bool freed;                  /* by that outcome, which may be a repeated one */
	/* the database has its job running, and its worker may come back */
	bool restored;
	/* its worker was told to stop the job */
	bool cancelled;
	bool interrupting;           /* it was told so because drover stops */
	/* how many secrets its worker was told when it got the attempt */
	size_t told;
	int64_t since, heard;        /* monotonic */
	int64_t cpu_ms, rss, output; /* as of the last beat */
};

const char *slot_state_name(enum slot_state);
struct slot *slot_find(struct supervisor *, const char *name);
/*
 * True if the process, told by its pid and its start (struct proc_id), is the
 * worker of a slot.
 */
bool slots_have(const struct supervisor *, pid_t pid, uint64_t start);
struct slot *slot_of_job(struct supervisor *, uint64_t job, uint64_t epoch);
void slots_resize(struct supervisor *);
void slots_close(struct supervisor *);
int64_t slots_tick(struct supervisor *, int64_t now);
/* Handles WORKER_FORKED, a runner's answer to WORKER_FORK. */
void slots_forked(struct supervisor *, struct message *);
void slots_runner_lost(const struct runner_handle *, const char *why);
/*
 * Tells the worker of a running attempt to stop it. Returns -1 if the worker
 * cannot be told now.
 */
int slots_cancel(struct supervisor *, uint64_t job, uint64_t epoch, int code, const char *text);
/* Tells idle workers to leave. */
void slots_dismiss(struct supervisor *);

/* adopt.c */
/* Handles WORKER_HELLO. From then on slots.c handles the peer's messages. */
void slots_hello(struct peer *, struct message *);
/* Tells a worker whether its job is still wanted. */
void slots_welcome(struct peer *, uint64_t job, bool keep);
/*
 * Gives each running job of the database the slot of the worker that may come
 * back with it.
 */
void slots_restore(struct supervisor *);
/*
 * Gives up a worker that is dead, lost or silent for too long. Returns the ms
 * until it must be checked again.
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
