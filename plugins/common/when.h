/* SPDX-License-Identifier: Apache-2.0 */
/* Times as vendors write them (ISO 8601 with a zone), in seconds since 1970. */
#ifndef COMMON_WHEN_H
#define COMMON_WHEN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads "2026-11-21T10:00:00.123+01:00". The seconds may be missing, a fraction
 * is dropped, and the zone is "Z" or an offset with or without a colon. Returns
 * -1 for anything else, and for years before 1970.
 */
int64_t when_read(const char *);
/*
 * Writes "2026-11-21T10:00:00Z", which is 21 bytes. A time outside 1970 to 9999
 * is written as the nearest one inside.
 */
void when_write(int64_t seconds, char *, size_t);

#endif
