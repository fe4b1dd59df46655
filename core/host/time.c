/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->time: the daemon's clocks, so that a plugin's tests can set them too.
 */
#include "base/clock.h"
#include "host/service.h"

static int64_t host_time_now(struct drover_scope *);
static int64_t host_time_monotonic(struct drover_scope *);
static int64_t host_time_remaining(struct drover_scope *);

const struct drover_host_time host_time = {
	.size = sizeof host_time,
	.now = host_time_now,
	.monotonic = host_time_monotonic,
	.remaining = host_time_remaining,
};

static int64_t
host_time_now(struct drover_scope *public)
{
	scope_of(public);
	return clock_wall();
}

static int64_t
host_time_monotonic(struct drover_scope *public)
{
	scope_of(public);
	return clock_mono();
}

static int64_t
host_time_remaining(struct drover_scope *public)
{
	struct scope *scope = scope_of(public);
	int64_t left;

	if (scope->deadline_ms == 0)
		return INT64_MAX;
	left = scope->deadline_ms - clock_mono();
	return left > 0 ? left : 0;
}
