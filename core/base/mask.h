/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of secrets and of the ways they are written down, found in one pass
 * over a text. Belongs to log.c.
 */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include <stddef.h>
#include <stdint.h>

struct pattern;

struct mask {
	size_t count;
	uint64_t pairs[1024]; /* a bit for every first two bytes that a pattern begins with */
	struct pattern *buckets[256];  /* by the first two bytes */
};

#define MASK_LEAST 6 /* shorter secrets would blank out ordinary words */

void mask_add(struct mask *, const char *secret);
void mask_clear(struct mask *);
/*
 * The first stretch of text at or after from that patterns cover: its begin,
 * and its length in *len; text_len where there is none.
 */
size_t mask_find(const struct mask *, const char *text, size_t text_len, size_t from, size_t *len);

#endif
