/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks, in milliseconds. Tests set them; nothing else in drover calls
 * time() or clock_gettime().
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

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
