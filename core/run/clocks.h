/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks of a running attempt: how long it has run in total and how long it
 * has been silent. The worker starts them with the job, calls clocks_tick() on
 * each turn of its loop, and sleeps until clocks_next() at most. Silence means
 * no output and no CPU use, so an agent that computes for an hour without
 * printing is not silent.
 *
 * An attempt is stopped in steps: SIGTERM to all its processes, then grace_ms
 * later SIGKILL to the job's process, repeated until it is dead. The first
 * reason to stop is the one that the attempt ends with.
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
	int64_t timeout_ms, silence_ms;  /* 0 switches the clock off */
	int64_t grace_ms;
	/* Times that end in _at are monotonic milliseconds; 0 means not set. */
	int64_t started_at, total_at;
	int64_t look_at, looked_at, quiet_since;
	int64_t kill_at;
	bool stopping;
	struct error stop;               /* how the attempt ends if it is being stopped */
	struct proc_usage usage;         /* as of the last clocks_look() */
	int64_t output;                  /* bytes, as of the last look */
};

/*
 * Starts the clocks of an attempt that begins now, with the limits in its
 * assignment. run is borrowed until the attempt has ended.
 */
void clocks_start(struct clocks *, struct job_run *, int64_t now);
/*
 * Checks the clocks that are due, stops the attempt if one has run out, and
 * kills it when the grace after SIGTERM is over.
 */
void clocks_tick(struct clocks *, int64_t now);
/*
 * The monotonic time at which clocks_tick() next has something to do; INT64_MAX
 * if it has nothing to wait for.
 */
int64_t clocks_next(const struct clocks *);
/* Measures CPU, memory and output of the attempt now. */
void clocks_look(struct clocks *);
/*
 * Measures the output only. Once the processes have ended, their usage comes
 * from wait4() instead.
 */
void clocks_measure_output(struct clocks *);
/*
 * Sends SIGTERM and starts the grace. code and text are what the attempt will
 * end with; they are ignored if it is being stopped already.
 */
void clocks_stop(struct clocks *, int code, const char *text, int64_t now);
/*
 * Kills the attempt at once, without a grace. It ends with DROVER_FENCED unless
 * it was being stopped for another reason.
 */
void clocks_kill(struct clocks *, int64_t now);

#endif
