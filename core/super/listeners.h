/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners: a process for each source that waits for word from outside.
 */
#ifndef SUPER_LISTENERS_H
#define SUPER_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "super/fleet.h"

struct listener {
	bool wanted;                 /* the source has a listen callback */
	/* the last run failed; it crashed too often and is not started again */
	bool failed, parked;
	uint64_t call;               /* the call that it serves; 0 if it does not run */
	int64_t since;               /* monotonic; since when it runs, or does not run */
	int64_t due;                 /* monotonic; its next start; 0 if it is not started again */
	int64_t backoff_ms;
	struct retry_defects defects;
	char why[DROVER_ERROR_MAX];
};

/*
 * Starts the listener if it is due. Returns the ms until it is due, or -1 if
 * nothing is due.
 */
int64_t listener_tick(struct runner_handle *, struct source *, int64_t now);
/* Closes the listener's call, so that its end is ignored. */
void listener_forget(struct runner_handle *, struct source *);

#endif
