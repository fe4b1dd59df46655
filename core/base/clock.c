/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of the process, and the fake ones of tests. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

static int64_t read_us(clockid_t);

/*
 * What clock_fake() set; the only state, because a clock belongs to the
 * process.
 */
static struct {
	bool on;
	int64_t wall_ms, mono_ms;
} fake;

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	MUST(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_wall(void)
{
	return fake.on ? fake.wall_ms : read_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_mono(void)
{
	return fake.on ? fake.mono_ms : read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_mono_us(void)
{
	return fake.on ? fake.mono_ms * 1000 : read_us(CLOCK_MONOTONIC);
}

int
clock_poll(int fd, int64_t until)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t left = -1;
	int rc;

	do {
		if (until != 0 && (left = until - clock_mono()) < 0)
			left = 0;
		rc = poll(&pfd, 1, left < INT_MAX ? (int)left : INT_MAX);
	} while (rc == -1 && errno == EINTR);
	if (rc == 0)
		errno = ETIMEDOUT;
	return rc == 1 ? 0 : -1;
}

void
clock_fake(int64_t wall_ms, int64_t mono_ms)
{
	fake.on = wall_ms >= 0 && mono_ms >= 0;
	fake.wall_ms = wall_ms;
	fake.mono_ms = mono_ms;
}

char *
clock_format(int64_t wall_ms, char *out, size_t size)
{
	int64_t ms = wall_ms % 1000;
	struct tm tm;
	time_t sec;

	if (ms < 0)
		ms += 1000;
	sec = (time_t)((wall_ms - ms) / 1000);
	if (gmtime_r(&sec, &tm) == NULL || tm.tm_year + 1900 > 9999 || tm.tm_year + 1900 < 0) {
		snprintf(out, size, "9999-12-31T23:59:59.999Z");
		return out;
	}
	snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
	return out;
}
