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
 * an earlier core. On -1 *out still has to be closed.
 */
int supervisor_open(struct core *, struct supervisor **out, struct error *);
/*
 * Kills what still runs, and ends the calls that are left with DROVER_AGAIN.
 * NULL is fine.
 */
void supervisor_close(struct supervisor *);
/*
 * A new configuration: each plugin gets a new runner, the old one goes when its
 * poll ends.
 */
void supervisor_configure(struct supervisor *);
/*
 * Does what is due: restarts, polls, settles, lost workers, chores. ms until
 * the next; -1: never.
 */
int64_t supervisor_tick(struct supervisor *);
/* Claims jobs for free slots; called once a tick, before the commit. */
void supervisor_dispatch(struct supervisor *);
/*
 * Whether a slot was passed over that is free after this commit: dispatch once
 * more.
 */
bool supervisor_dispatch_again(const struct supervisor *);
/*
 * After the commit: assignments and acknowledgements go out, or are taken back
 * when it failed.
 */
void supervisor_flush(struct supervisor *, const struct error *failed);
/* A child of the core has ended. */
void supervisor_reap(struct supervisor *, pid_t pid, int status);
/*
 * Tells all running attempts to stop; they are queued again without using an
 * attempt.
 */
void supervisor_interrupt(struct supervisor *);
/* Stops runners, which close their plugins, and idle workers. */
void supervisor_stop(struct supervisor *);
bool supervisor_stopped(const struct supervisor *);
/* Slots with a job. */
int supervisor_busy(const struct supervisor *);

#endif
