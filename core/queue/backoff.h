/* SPDX-License-Identifier: Apache-2.0 */
/* How long a job waits before its next attempt. */
#ifndef QUEUE_BACKOFF_H
#define QUEUE_BACKOFF_H

#include <stdint.h>

enum backoff {
	BACKOFF_TRANSPORT, /* full jitter from 1 s, its bound doubling from 2 s to 5 min */
	BACKOFF_AGENT,     /* 30 s doubling to 1 h, +-10 % */
	BACKOFF_QUOTA, /* 5 min doubling to 1 h, +-10 %; used if the provider names no time */
};

#define BACKOFF_MAX_MS \
	(INT64_C(366) * 24 * 3600 * 1000) /* a provider's longer wait is cut to this */

/*
 * The ms to wait after the nth failure; n counts from 1. A positive
 * retry_after_ms is a lower bound. Up to a tenth of it, at most 30 s, is added
 * so that many jobs do not come back at once. random is the state of the
 * generator and may have any value.
 */
int64_t backoff_delay(enum backoff, int n, int64_t retry_after_ms, uint64_t *random);
/* The next number of the generator (splitmix64). */
uint64_t backoff_random(uint64_t *random);

#endif
