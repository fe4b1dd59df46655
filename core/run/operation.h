/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin does in a fork of its runner (or a thread) besides jobs: one
 * call of an operation, one delivery of a hook, one turn of a listener. Each
 * answers the core itself.
 */
#ifndef RUN_OPERATION_H
#define RUN_OPERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "run/job.h"

struct operation_row;

struct operation {
	LIST_ENTRY(operation) link;
	struct runner *runner;
	const struct operation_row *row;
	struct message request;          /* OPERATION_CALL, HOOK_CALL or LISTEN_START, owned */
	struct job_shared *shared;       /* done: it has answered */
	int ended;                       /* pidfd */
	pid_t pid;
	int64_t kill_at;                 /* monotonic; INT64_MAX: never, or done already */
	bool lasts;                      /* a listener: nobody waits for its end */
};

/* True for the messages that operation_start() takes. */
bool operation_is(enum message_type);
/*
 * Takes the message over. NULL in out: a thread does it, and there is nothing
 * to wait for.
 */
int operation_start(struct runner *, struct message *request, struct operation **out,
    struct error *);
void operation_kill(struct operation *);
/*
 * Once ended is readable: reaps and frees it, and answers for one that died
 * without an answer; stopped: why it was killed, NULL: it was not.
 */
void operation_end(struct operation *, const char *stopped);

#endif
