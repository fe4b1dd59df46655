/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's half of everything that runs plugin code: runners and their
 * sources, slots and the workers in them, the connections of jobs and
 * operations. No plugin code is ever run here.
 */
#ifndef SUPER_SUPERVISOR_H
#define SUPER_SUPERVISOR_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "core.h"

struct supervisor;

/*
 * Listens, starts a runner for each configured plugin, and waits for workers of
 * an earlier core. *out must be closed even after -1.
 */
int supervisor_open(struct core *, struct supervisor **out, struct error *);
/*
 * Kills the runners and the keeper if they still run, and frees everything.
 * NULL is allowed.
 */
void supervisor_close(struct supervisor *);
/*
 * Applies a new configuration: each plugin gets a new runner, and the old one
 * ends when its poll has ended.
 */
void supervisor_configure(struct supervisor *);
/*
 * Does what is due: restarts, polls, settles, lost workers, chores. Returns the
 * ms until the next is due, or -1 if nothing is due.
 */
int64_t supervisor_tick(struct supervisor *);
/* Claims jobs for free slots; called once a tick, before the commit. */
void supervisor_dispatch(struct supervisor *);
/*
 * True if dispatching passed over a slot that is free after this commit, so
 * that it must be called once more.
 */
bool supervisor_dispatch_again(const struct supervisor *);
/*
 * Call it after the commit: sends assignments and acknowledgements, or takes
 * them back if the commit failed.
 */
void supervisor_flush(struct supervisor *, const struct error *failed);
/* Handles the end of a child of the core. */
void supervisor_reap(struct supervisor *, pid_t pid, int status);
/*
 * Tells the workers of all running attempts to stop. The jobs are queued again
 * and do not use up an attempt.
 */
void supervisor_interrupt(struct supervisor *);
/* Stops runners, which close their plugins, and idle workers. */
void supervisor_stop(struct supervisor *);
bool supervisor_stopped(const struct supervisor *);
/* The number of slots that have a job. */
int supervisor_busy(const struct supervisor *);

#endif
