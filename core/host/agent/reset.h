/* SPDX-License-Identifier: Apache-2.0 */
/* Reads when a limit resets, in the forms in which vendors write it. */
#ifndef HOST_AGENT_RESET_H
#define HOST_AGENT_RESET_H

#include <stdint.h>

enum reset {
	RESET_NONE,
	RESET_CLOCK,     /* "3:40 AM", "15:40", "Nov 22nd, 2026 3:40 AM", "Nov 22 at 3pm" */
	RESET_RELATIVE,  /* "5 days 3 hours", "6m0s", "32.5s"; a bare number means seconds */
	RESET_EPOCH,     /* seconds or milliseconds since 1970 */
	RESET_ISO,       /* "2026-11-22T03:40:00Z" */
};

/* The enum reset that a name in the catalogue means; -1 if there is none. */
int reset_kind(const char *name);
/*
 * Wall ms of the reset that text names, read at now (wall ms). 0 when the text
 * names none, or one that is past or more than 35 days ahead. zone is the IANA
 * name of the time zone that a time of day is in; NULL or an unknown name means
 * local time. A time of day without a date means its next occurrence, or right
 * now if that was less than two minutes ago.
 */
int64_t reset_time(enum reset kind, const char *text, const char *zone, int64_t now);

#endif
