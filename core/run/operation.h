/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin does besides jobs in a fork of its runner (or in a thread): one
 * call of an operation, one delivery to a hook, or one run of a listener. Each
 * connects to the core and answers by itself. The runner starts them, also in
 * the middle of another callback, kills those that are out of time, and reaps
 * them.
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
	struct job_shared *shared;       /* done is set once the core has the answer */
	int ended;                       /* pidfd of the process */
	pid_t pid;
	int64_t kill_at; /* monotonic; INT64_MAX if it has no limit or is killed already */
	bool lasts;                      /* a listener: the core does not wait for its end */
};

/* True for the types of message that operation_start() takes. */
bool operation_is(enum message_type);
/*
 * Takes over the message and starts a process for it. out is NULL if a thread
 * does the work, since a thread needs no reaping. On failure an error is sent
 * to the core as the answer, and -1 is returned.
 */
int operation_start(struct runner *, struct message *request, struct operation **out,
    struct error *);
/*
 * Sends SIGKILL to the operation's process and to all that it started;
 * operation_end() reaps it.
 */
void operation_kill(struct operation *);
/*
 * Call this once `ended` is readable. Reaps and frees the operation, and
 * answers for one that died without an answer. stopped is why the runner killed
 * it, or NULL if it did not.
 */
void operation_end(struct operation *, const char *stopped);

#endif
