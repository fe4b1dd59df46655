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
	bool failed, parked;         /* the last time; for good */
	uint64_t call;               /* 0 while it does not run */
	int64_t since;               /* monotonic: up, or down */
	int64_t due;                 /* monotonic: next start; 0: not again */
	int64_t backoff_ms;
	struct retry_defects defects;
	char why[DROVER_ERROR_MAX];
};

/* Starts it when it is due; ms until then, -1 when nothing is due. */
int64_t listener_tick(struct runner_handle *, struct source *, int64_t now);
/* Ends it without a word. */
void listener_forget(struct runner_handle *, struct source *);

#endif
