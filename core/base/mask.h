/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of secrets and of the forms in which they may be written, found in one
 * pass over a text. Only log.c uses it.
 */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include <stddef.h>
#include <stdint.h>

struct pattern;

struct mask {
	size_t count;
	uint64_t pairs[1024]; /* one bit for each pair of bytes that a pattern begins with */
	struct pattern *buckets[256];  /* patterns by their first two bytes */
};

#define MASK_LEAST 6 /* bytes; masking shorter secrets would blank out ordinary words */

/* Adds a secret in all its forms. It is copied; a short one is ignored. */
void mask_add(struct mask *, const char *secret);
/* Wipes and frees all patterns. */
void mask_clear(struct mask *);
/*
 * Finds the first stretch of text that patterns cover, at or after from.
 * Returns where it begins, with its length in *len; text_len if there is none.
 */
size_t mask_find(const struct mask *, const char *text, size_t text_len, size_t from, size_t *len);

#endif
