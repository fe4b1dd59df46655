/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of secrets and of their spellings, found in one pass over a text. Only
 * secrets.c fills it.
 */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include <stddef.h>
#include <stdint.h>

struct pattern;

#define MASK_LEAST 6   /* bytes; masking shorter secrets would blank out ordinary words */
#define MASK_ENCODED 8 /* bytes; a shorter secret is found only as it is */

struct mask {
	size_t count, longest;
	uint8_t skip[1 << 15];         /* by three bytes: how far the search may move on */
	struct pattern *buckets[4096]; /* patterns by the same three bytes, their fourth to sixth */
	struct pattern *all;
	uint8_t first[256];            /* 1 for a byte that a pattern begins with */
};

/* Adds a secret in all its spellings. It is copied; a short one is ignored. */
void mask_add(struct mask *, const char *secret);
/* Wipes and frees all patterns. */
void mask_clear(struct mask *);
/*
 * Finds the first stretch of text that patterns cover, at or after from.
 * Returns where it begins, with its length in *len; text_len if there is none.
 */
size_t mask_find(const struct mask *, const char *text, size_t text_len, size_t from, size_t *len);
/*
 * Where the end of the text begins that may be the beginning of a pattern;
 * text_len if no such end is there.
 */
size_t mask_find_begun(const struct mask *, const char *text, size_t text_len);

#endif
