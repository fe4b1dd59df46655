/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying again: how long to wait after so many failures, and when there have
 * been too many. Both are pure: the caller brings the time.
 */
#ifndef BASE_RETRY_H
#define BASE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The wait that follows delay: twice as long, or first after 0, and never more
 * than most. All are of one unit.
 */
int64_t retry_next(int64_t delay, int64_t first, int64_t most);
/*
 * The wait after that many failures in a row, of which there is at least one.
 */
int64_t retry_delay(int64_t first, int64_t most, int64_t failures);

#define RETRY_DEFECTS 5

/* The last defects of one thing. Zero-initialise to begin. */
struct retry_defects {
	int64_t at[RETRY_DEFECTS];
	int64_t count; /* ever */
};

/*
 * Notes a defect at now, which never goes back. True when it makes
 * RETRY_DEFECTS of them within window, both ends included: one too many.
 */
bool retry_defect(struct retry_defects *, int64_t now, int64_t window);

#endif
