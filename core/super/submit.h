/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way into the queue for jobs that sources, jobs and people ask for.
 */
#ifndef SUPER_SUBMIT_H
#define SUPER_SUBMIT_H

#include <stdint.h>

#include "super/inside.h"

/*
 * Checks that what a job names is configured, and queues it. 1 and its id: a
 * new job, 0 and its id: it is known already, -1: refused (DROVER_CONFIG when a
 * name is not configured).
 */
int job_submit(struct supervisor *, const struct job_ask *, uint64_t *id, struct error *);

#endif
