/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core for tests of the services: it speaks the messages of a job's services
 * over a real socket, and remembers what it was told.
 */
#ifndef UNIT_FAKE_CORE_H
#define UNIT_FAKE_CORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/message.h"

#define FAKE_PEERS 8
#define FAKE_ROWS 128

struct fake_row {
	char *key, *value;
	bool done;                   /* the effect is done */
};

struct fake_tree {
	char *repo;
	const char *state;           /* "leased", "warm", "dirty" */
	char wip[256];
};

struct fake_core {
	char *dir;                   /* state_dir */
	char *socket;
	int listener, peers[FAKE_PEERS];
	uint64_t epoch; /* of the running attempt; a hello with another one is fenced */
	enum message_type
	/* The attempt is fenced at this request; NONE if at none. */
	    fence_at;
	int64_t capacity;            /* what it answers to CAPACITY_ASK */
	const char *reply;           /* what it answers to CALL */
	struct fake_row kv[FAKE_ROWS], effects[FAKE_ROWS], results[FAKE_ROWS];
	struct fake_tree trees[FAKE_ROWS];
	int kv_len, effects_len, results_len, trees_len;
	int emitted, released;
	char answered[256];          /* the last OPERATION_REPLY */
	char last_kind[64], last_title[600];
	/*
	 * The job is killed at this request, after it was carried out and
	 * before it is answered; 0 means never.
	 */
	int kill_after, requests;
	enum message_type killed_at;
	pid_t child;
};

void fake_core_start(struct fake_core *, const char *dir);
void fake_core_stop(struct fake_core *);
/*
 * Runs job in a process of its own and serves it until it ends. What the dead
 * process had leased is dirty then. Returns its exit status, or 128 + the
 * signal that ended it. 99 means that it leaked memory.
 */
int fake_core_run(struct fake_core *, int (*job)(struct fake_core *, void *), void *arg);
/* NULL if there is no such result. */
const char *fake_core_result(const struct fake_core *, const char *key);
const char *fake_core_kv(const struct fake_core *, const char *key);

/* Used in a job: the job fails here if x is false. */
#define NEED(x) do { \
	if (!(x)) { \
		fprintf(stderr, "%s:%d: needs %s\n", __FILE__, __LINE__, #x); \
		return (1); \
	} \
} while (0)

#endif
