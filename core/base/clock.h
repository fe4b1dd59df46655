/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall clock and the monotonic clock, in milliseconds. Tests can set both,
 * so nothing else in drover calls time() or clock_gettime().
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

int64_t clock_wall(void);      /* ms since 1970 UTC */
/* ms of CLOCK_MONOTONIC; only differences mean something. */
int64_t clock_mono(void);
int64_t clock_mono_us(void);
/*
 * Waits until fd is readable or at its end, and goes on after signals. until is
 * a time on clock_mono(), 0 for no limit. Returns 0, or -1 with errno:
 * ETIMEDOUT when that time has come.
 */
int clock_poll(int fd, int64_t until);
/*
 * Sets both clocks, which stand still until the next call. A negative value
 * brings the real clocks back. For tests only.
 */
void clock_fake(int64_t wall_ms, int64_t mono_ms);
/* A date and time that clock_parse_iso() has read. */
struct clock_iso {
	int64_t wall_ms;         /* if it has no zone, read as UTC */
	struct tm tm;            /* as written; tm_isdst is -1 */
	bool has_seconds, has_zone;
};
/*
 * Reads ISO 8601 as vendors write it: YYYY-MM-DD, then 'T', 't' or a blank,
 * then HH:MM or HH:MM:SS, the latter perhaps with a fraction, which is ignored.
 * A zone may follow: 'Z', 'z', +HH, +HHMM, +HH:MM, or the same with '-'. Each
 * part must have all its digits and lie in its range; second 60 counts as the
 * first of the next minute. Returns the rest of the text, or NULL if the text
 * does not begin with such a time.
 */
const char *clock_parse_iso(const char *text, struct clock_iso *);
/*
 * Writes a time as "2026-11-21T07:09:31.123Z" to out, which has 25 bytes or
 * more. Returns out.
 */
char *clock_format(int64_t wall_ms, char *out, size_t size);

/* The shorter of two waits in ms; -1 stands for a wait without end. */
static inline int64_t
wait_min(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	if (b < 0)
		return a;
	return a < b ? a : b;
}

#endif
