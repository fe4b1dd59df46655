/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks, in milliseconds. Tests set them; nothing else in drover calls
 * time() or clock_gettime().
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

int64_t clock_wall(void);      /* since 1970 UTC */
int64_t clock_mono(void);      /* CLOCK_MONOTONIC; only differences mean something */
int64_t clock_mono_us(void);
/*
 * Waits until fd is readable or at its end, through signals. until is on
 * clock_mono(), 0 for no limit. 0, or -1 with errno, ETIMEDOUT when that moment
 * has passed.
 */
int clock_poll(int fd, int64_t until);
/*
 * From now on both clocks stand at these values until the next call; negative:
 * the real clocks again. Tests only.
 */
void clock_fake(int64_t wall_ms, int64_t mono_ms);
/* A moment as somebody wrote it. */
struct clock_iso {
	int64_t wall_ms;         /* where it has no zone: as if it were UTC */
	struct tm tm;            /* as written; tm_isdst is -1 */
	bool has_seconds, has_zone;
};
/*
 * Reads ISO 8601 as vendors write it: YYYY-MM-DD, then 'T', 't' or a blank,
 * HH:MM or HH:MM:SS, the latter also with a fraction, which is read over, and
 * nothing, 'Z', 'z', or one of +HH, +HHMM, +HH:MM (or with '-') behind. Each
 * part has all its digits and lies in its range; second 60 is the next minute's
 * first. Returns what follows in text, NULL when it begins with no such moment.
 */
const char *clock_parse_iso(const char *text, struct clock_iso *);
/* "2026-11-21T07:09:31.123Z" into out, 25 bytes or more; returns out. */
char *clock_format(int64_t wall_ms, char *out, size_t size);

/* Earlier of two waits in ms; -1 is never. */
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
