/* SPDX-License-Identifier: Apache-2.0 */
/* When a limit resets, as vendors write it. */
#ifndef HOST_AGENT_RESET_H
#define HOST_AGENT_RESET_H

#include <stdint.h>

enum reset {
	RESET_NONE,
	RESET_CLOCK,     /* "3:40 AM", "15:40", "Nov 22nd, 2026 3:40 AM", "Nov 22 at 3pm" */
	RESET_RELATIVE,  /* "5 days 3 hours", "6m0s", "32.5s"; a bare number is seconds */
	RESET_EPOCH,     /* seconds or milliseconds since 1970 */
	RESET_ISO,       /* "2026-11-22T03:40:00Z" */
};

/* -1 when there is no such kind. */
int reset_kind(const char *name);
/*
 * Wall ms of the reset that text names, seen at now; 0 when it names none, or
 * one that is over or more than 35 days ahead. zone: where a clock hangs (an
 * IANA name), NULL or unknown: here. A clock without a date means the next such
 * time, or just now.
 */
int64_t reset_time(enum reset kind, const char *text, const char *zone, int64_t now);

#endif
