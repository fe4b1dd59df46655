/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential backoff with jitter; see backoff.h for the bounds. */
#include "base/mem.h"
#include "base/retry.h"
#include "queue/backoff.h"

static const struct {
	int64_t first, most; /* ms */
	int64_t least;       /* full jitter begins here; 0 means jitter of +-10 % */
} rules[] = {
	[BACKOFF_TRANSPORT] = { 2000, 300000, 1000 },
	[BACKOFF_AGENT] = { 30000, 3600000, 0 },
	[BACKOFF_QUOTA] = { 300000, 3600000, 0 },
};

uint64_t
backoff_random(uint64_t *random)
{
	uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* A number in [least, most], each as likely. */
static int64_t
backoff_between(int64_t least, int64_t most, uint64_t *random)
{
	return least + (int64_t)(backoff_random(random) % (uint64_t)(most - least + 1));
}

int64_t
backoff_delay(enum backoff which, int n, int64_t retry_after_ms, uint64_t *random)
{
	int64_t bound, delay, asked;

	MUST((size_t)which < ARRAY_LEN(rules));
	bound = retry_delay(rules[which].first, rules[which].most, n);
	if (rules[which].least > 0)
		delay = backoff_between(rules[which].least, bound, random);
	else
		delay = backoff_between(bound - bound / 10, bound + bound / 10, random);
	if (retry_after_ms <= 0)
		return delay;
	asked = retry_after_ms < BACKOFF_MAX_MS ? retry_after_ms : BACKOFF_MAX_MS;
	asked = backoff_between(asked, asked + (asked / 10 < 30000 ? asked / 10 : 30000), random);
	return which == BACKOFF_QUOTA || asked > delay ? asked : delay;
}
