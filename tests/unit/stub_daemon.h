/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core without runners: a real loop, store, queue and API, and what the
 * daemon would do otherwise written down.
 */
#ifndef UNIT_STUB_DAEMON_H
#define UNIT_STUB_DAEMON_H

#include <stdbool.h>

#include "api/api.h"
#include "core.h"

struct stub {
	struct core core;
	const struct api_verbs *verbs;
	struct api *api;
	char config_error[DROVER_ERROR_MAX]; /* what the next reload is refused with; "": it is
						taken */
	char *dir;                   /* state folder; the socket is in it */
	bool fail_commits;           /* the next commits fail as on a full disk */
	char said[512];              /* what the last verb was told */
	int polls;
	void (*call_fn)(void *, int, const char *,
	    size_t); /* of the call that waits for its answer */
	void *call_arg;
	void (*hook_fn)(void *,
	    const struct hook_answer *); /* of the delivery that waits for its answer */
	void *hook_arg;
};

/*
 * Opens everything on a folder of its own; the kind "stub.work" is known. Ends
 * the test when it cannot.
 */
struct stub *stub_open(void);
void stub_close(struct stub *);
/* Events that are ready or come, then the commit and what was deferred. */
void stub_turn(struct stub *);
/* A job in the queue, committed. */
uint64_t stub_job(struct stub *, const char *key, const char *title);
/* Claims and commits; the running job. */
struct job *stub_claim(struct stub *);
/* Writes dir/jobs/ID/ATTEMPT.log, or adds to it. */
void stub_output(struct stub *, uint64_t job, unsigned attempt, const char *text);

#endif
