/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks of a running attempt, and the ladder that stops it: SIGTERM to its
 * tree, a grace, SIGKILL. Silence is no output and no CPU: an agent that thinks
 * without a word for an hour is alive.
 */
#ifndef RUN_CLOCKS_H
#define RUN_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/proc.h"
#include "run/job.h"

#define CLOCKS_GRACE_MS 10000

struct clocks {
	struct job_run *run;
	int64_t timeout_ms, silence_ms;  /* 0: no such clock */
	int64_t grace_ms;
	int64_t started_at, total_at;    /* monotonic, as all that end with _at; 0: not set */
	int64_t look_at, looked_at, quiet_since;
	int64_t kill_at;
	bool stopping;
	int stop_code;                   /* what the attempt ends with once it was told to stop */
	char stop_text[DROVER_ERROR_MAX];
	struct proc_usage usage;         /* as of the last look */
	int64_t output;                  /* bytes */
};

void clocks_start(struct clocks *, struct job_run *, int64_t now);
/*
 * Looks at the clocks that are due, and stops the attempt where one has run
 * out.
 */
void clocks_tick(struct clocks *, int64_t now);
/* When clocks_tick has something to do next; INT64_MAX: never. */
int64_t clocks_next(const struct clocks *);
/* Reads usage and output now. */
void clocks_look(struct clocks *);
/* The output alone: the usage of a tree that has ended is wait4's to tell. */
void clocks_measure_output(struct clocks *);
/* Begins the ladder; the first reason stays. */
void clocks_stop(struct clocks *, int code, const char *text, int64_t now);
/* No ladder: SIGKILL. */
void clocks_kill(struct clocks *, int64_t now);

#endif
