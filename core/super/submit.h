/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way into the queue for jobs that sources, jobs and people ask for.
 */
#ifndef SUPER_SUBMIT_H
#define SUPER_SUBMIT_H

#include <stdint.h>

#include "super/inside.h"

/*
 * Checks that what a job names is configured, and queues the job. Returns 1
 * with its id if it is new, 0 with its id if it is known already, or -1 if it
 * is refused, with DROVER_CONFIG if a name is not configured.
 */
int job_submit(struct supervisor *, const struct job_ask *, uint64_t *id, struct error *);

#endif
