/* SPDX-License-Identifier: Apache-2.0 */
/* Waits that double, and a ring of the last defects' times. */
#include "base/retry.h"

int64_t
retry_next(int64_t delay, int64_t first, int64_t most)
{
	int64_t next = delay == 0 ? first : delay > most / 2 ? most : delay * 2;

	return next < most ? next : most;
}

int64_t
retry_delay(int64_t first, int64_t most, int64_t failures)
{
	int64_t delay = retry_next(0, first, most);

	for (; failures > 1 && delay < most; failures--)
		delay = retry_next(delay, first, most);
	return delay;
}

bool
retry_defect(struct retry_defects *d, int64_t now, int64_t window)
{
	d->at[d->count++ % RETRY_DEFECTS] = now;
	return d->count >= RETRY_DEFECTS && now - d->at[d->count % RETRY_DEFECTS] <= window;
}
