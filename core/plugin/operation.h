/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: one call in a fork of the runner (or a thread), which answers the core itself. */
#ifndef PLUGIN_OPERATION_H
#define PLUGIN_OPERATION_H

#include <stdint.h>
#include <sys/queue.h>

#include "plugin/job.h"

struct operation {
	LIST_ENTRY(operation) link;
	struct runner *runner;
	struct message request;          /* OPERATION_CALL, owned */
	struct job_report *report;       /* done: it has answered */
	int ended;                       /* pidfd */
	pid_t pid;
	int64_t kill_at;                 /* monotonic */
};

/* Takes the message over. NULL in out: a thread does it, and there is nothing to wait for. */
int operation_start(struct runner *, struct message *request, struct operation **out, struct error *);
void operation_kill(struct operation *);
/* Once ended is readable: reaps and frees it, and answers for one that died without an answer; stopped: why it was killed, NULL: it was not. */
void operation_end(struct operation *, const char *stopped);

#endif
