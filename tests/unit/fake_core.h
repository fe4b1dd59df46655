/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core for tests of what asks it: speaks the messages of a job's services
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
	bool done;                   /* of an effect */
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
	uint64_t epoch;              /* of the running attempt: another one is fenced */
	enum message_type
	    fence_at; /* the attempt is found to be stale with this request; NONE: never */
	int64_t capacity;            /* what CAPACITY_ASK is told */
	const char *reply;           /* what CALL is told */
	struct fake_row kv[FAKE_ROWS], effects[FAKE_ROWS], results[FAKE_ROWS];
	struct fake_tree trees[FAKE_ROWS];
	int kv_len, effects_len, results_len, trees_len;
	int emitted, released;
	char answered[256];          /* OPERATION_REPLY */
	char last_kind[64], last_title[600];
	/*
	 * The job is killed when this many requests were carried out, before
	 * the last one is answered; 0: never.
	 */
	int kill_after, requests;
	enum message_type killed_at;
	pid_t child;
};

void fake_core_start(struct fake_core *, const char *dir);
void fake_core_stop(struct fake_core *);
/*
 * Runs job in a process of its own and serves it until it ends. What the dead
 * process held is dirty then. Returns its exit status, 128 + the signal when
 * one ended it. Memory that it lost is status 99.
 */
int fake_core_run(struct fake_core *, int (*job)(struct fake_core *, void *), void *arg);
/* NULL: there is none. */
const char *fake_core_result(const struct fake_core *, const char *key);
const char *fake_core_kv(const struct fake_core *, const char *key);

/* In a job: fails it where it stands. */
#define NEED(x) do { \
	if (!(x)) { \
		fprintf(stderr, "%s:%d: needs %s\n", __FILE__, __LINE__, #x); \
		return (1); \
	} \
} while (0)

#endif
