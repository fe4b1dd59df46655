/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of the process and the fake clocks of tests. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

static int64_t read_us(clockid_t);
static bool clock_take(const char **, const char *mark, int digits, int least, int most, int *);
static bool clock_take_zone(const char **, bool *has, int *east);

/*
 * What clock_fake() set. This is global because a clock belongs to the process.
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

/*
 * Reads one of the characters in mark (or none if mark is empty) and then
 * exactly that many digits, whose value must lie in the range.
 */
static bool
clock_take(const char **s, const char *mark, int digits, int least, int most, int *value)
{
	const char *p = *s;

	*value = 0;
	if (*mark != '\0' && (*p == '\0' || strchr(mark, *p++) == NULL))
		return false;
	for (int i = 0; i < digits; i++, p++) {
		if (*p < '0' || *p > '9')
			return false;
		*value = 10 * *value + (*p - '0');
	}
	*s = p;
	return *value >= least && *value <= most;
}

/*
 * Reads an optional zone; *east is its seconds east of UTC. Returns false if a
 * zone begins here but is malformed.
 */
static bool
clock_take_zone(const char **s, bool *has, int *east)
{
	int hours = 0, minutes = 0, sign = **s == '-' ? -1 : 1;

	*has = **s != '\0' && strchr("Zz+-", **s) != NULL;
	*east = 0;
	if (!*has)
		return true;
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return true;
	}
	if (!clock_take(s, "+-", 2, 0, 23, &hours))
		return false;
	if ((**s == ':' || (**s >= '0' && **s <= '9')) &&
	    !clock_take(s, **s == ':' ? ":" : "", 2, 0, 59, &minutes))
		return false;
	*east = sign * (hours * 3600 + minutes * 60);
	return true;
}

const char *
clock_parse_iso(const char *text, struct clock_iso *iso)
{
	struct tm *tm = &iso->tm, day;
	int year, month, east;

	memset(iso, 0, sizeof *iso);
	tm->tm_isdst = -1;
	if (!clock_take(&text, "", 4, 0, 9999, &year) ||
	    !clock_take(&text, "-", 2, 1, 12, &month) ||
	    !clock_take(&text, "-", 2, 1, 31, &tm->tm_mday) ||
	    !clock_take(&text, "Tt ", 2, 0, 23, &tm->tm_hour) ||
	    !clock_take(&text, ":", 2, 0, 59, &tm->tm_min))
		return NULL;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	if (*text == ':') {
		if (!clock_take(&text, ":", 2, 0, 60, &tm->tm_sec))
			return NULL;
		iso->has_seconds = true;
		if (*text == '.' && text[1] >= '0' && text[1] <= '9')
			text += 1 + strspn(text + 1, "0123456789");
	}
	if (!clock_take_zone(&text, &iso->has_zone, &east))
		return NULL;
	day = (struct tm){ .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday };
	iso->wall_ms = (int64_t)timegm(&day) * 1000 +
	    (tm->tm_hour * 3600 + tm->tm_min * 60 + tm->tm_sec - east) * INT64_C(1000);
	/*
	 * timegm() turns a day that its month does not have into one of the
	 * next month.
	 */
	return day.tm_mday == tm->tm_mday ? text : NULL;
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
