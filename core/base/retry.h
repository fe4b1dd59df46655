/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait before another try, and when there were too many failures.
 * No clock is read here: the caller gives the time.
 */
#ifndef BASE_RETRY_H
#define BASE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The wait after a wait of delay: first if delay is 0, otherwise twice delay,
 * and never more than most. All three have the same unit.
 */
int64_t retry_next(int64_t delay, int64_t first, int64_t most);
/* The wait after this many failures in a row, which must be at least 1. */
int64_t retry_delay(int64_t first, int64_t most, int64_t failures);

#define RETRY_DEFECTS 5

/* When one thing last failed through a defect. Begin with all zeros. */
struct retry_defects {
	int64_t at[RETRY_DEFECTS];
	int64_t count; /* of all defects so far */
};

/*
 * Records a defect at now, a clock that never goes back. Returns true if
 * RETRY_DEFECTS of them now lie within window, both ends included, which is one
 * too many.
 */
bool retry_defect(struct retry_defects *, int64_t now, int64_t window);

#endif
