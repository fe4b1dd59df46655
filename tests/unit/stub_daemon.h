/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core without runners: loop, store, queue and API are real, and what the
 * daemon would do is only recorded.
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
	char config_error[DROVER_ERROR_MAX]; /* error of the next reload; "" if it succeeds */
	char *dir;                   /* state folder, with the socket in it */
	bool fail_commits;           /* the next commits fail as on a full disk */
	char said[512];              /* the argument of the last verb */
	int polls;
	int started;                 /* what the verb of this name answers */
	pid_t asked;                 /* the process that it was asked about last */
	void (*call_fn)(void *, int, const char *,
	    size_t); /* of the call that waits for its answer */
	void *call_arg;
	void (*hook_fn)(void *,
	    const struct hook_answer *); /* of the delivery that waits for its answer */
	void *hook_arg;
};

/*
 * Opens everything in a folder of its own; the kind "stub.work" is known. The
 * test ends if that fails.
 */
struct stub *stub_open(void);
void stub_close(struct stub *);
/*
 * Runs the events that are ready or come, then commits and runs what was
 * deferred.
 */
void stub_turn(struct stub *);
/* Submits a job and commits. */
uint64_t stub_job(struct stub *, const char *key, const char *title);
/* Claims the next job, commits, and returns it. */
struct job *stub_claim(struct stub *);
/* Appends to dir/jobs/ID/ATTEMPT.log, or makes it. */
void stub_output(struct stub *, uint64_t job, unsigned attempt, const char *text);

#endif
