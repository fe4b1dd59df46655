/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds secrets in text. Each secret becomes some dozens of patterns. The
 * search looks at three bytes and learns from a table how far no pattern can
 * begin; only when that is no distance at all are patterns compared (the
 * algorithm of Wu and Manber). Matches that overlap are reported as one, so the
 * end of a second secret never shows.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "base/mem.h"
#include "base/spelling.h"

/* A line of a key file is masked by itself if it has this many bytes. */
#define LINE_LEAST 16
/* The table is asked for the last of the MASK_LEAST first bytes. */
#define BLOCK 3
#define BLOCK_AT (MASK_LEAST - BLOCK)

struct pattern {
	struct pattern *next, *older; /* in its bucket, and of all */
	size_t len;
	char *text;
};

static void mask_add_pattern(void *, const char *, size_t);
static void mask_add_lines(struct mask *, const char *);

static inline size_t
mask_block(const char *s)
{
	uint32_t three = (uint32_t)(unsigned char)s[0] << 16 |
	    (uint32_t)(unsigned char)s[1] << 8 | (unsigned char)s[2];

	return three * 2654435761u >> 17;
}

static inline struct pattern *
mask_bucket(const struct mask *m, size_t block)
{
	return m->buckets[block % ARRAY_LEN(m->buckets)];
}

static void
mask_add_pattern(void *arg, const char *text, size_t len)
{
	struct mask *m = arg;
	struct pattern *p, **bucket;
	size_t block;

	if (len < MASK_LEAST)
		return;
	if (m->count == 0)
		memset(m->skip, BLOCK_AT + 1, sizeof m->skip);
	block = mask_block(text + BLOCK_AT);
	for (p = mask_bucket(m, block); p != NULL; p = p->next)
		if (p->len == len && memcmp(p->text, text, len) == 0)
			return;
	p = xcalloc(1, sizeof *p);
	p->len = len;
	p->text = xmalloc(len);
	memcpy(p->text, text, len);
	bucket = &m->buckets[block % ARRAY_LEN(m->buckets)];
	p->next = *bucket;
	*bucket = p;
	p->older = m->all;
	m->all = p;
	for (size_t at = 0; at <= BLOCK_AT; at++) {
		block = mask_block(text + at);
		if (m->skip[block] > BLOCK_AT - at)
			m->skip[block] = (uint8_t)(BLOCK_AT - at);
	}
	m->first[(unsigned char)text[0]] = 1;
	m->count++;
	if (len > m->longest)
		m->longest = len;
}

/* The lines around a key, such as "-----BEGIN PRIVATE KEY-----", are public. */
static void
mask_add_lines(struct mask *m, const char *secret)
{
	size_t line;

	for (; *secret != '\0'; secret += line + (secret[line] == '\n')) {
		line = strcspn(secret, "\n");
		if (line >= LINE_LEAST && strncmp(secret, "-----", 5) != 0)
			mask_add_pattern(m, secret, line - (secret[line - 1] == '\r'));
	}
}

void
mask_add(struct mask *m, const char *secret)
{
	size_t len = strlen(secret);

	while (len > 0 && (secret[len - 1] == '\n' || secret[len - 1] == '\r'))
		len--;
	if (len >= MASK_ENCODED)
		spelling_each(secret, len, mask_add_pattern, m);
	else
		mask_add_pattern(m, secret, len);
	if (memchr(secret, '\n', len) != NULL)
		mask_add_lines(m, secret);
}

void
mask_clear(struct mask *m)
{
	struct pattern *p, *older;

	for (p = m->all; p != NULL; p = older) {
		older = p->older;
		explicit_bzero(p->text, p->len);
		free(p->text);
		free(p);
	}
	memset(m, 0, sizeof *m);
}

size_t
mask_find(const struct mask *m, const char *text, size_t text_len, size_t from, size_t *len)
{
	size_t i = from, block, begin = text_len, end = text_len;
	const struct pattern *p;
	bool found = false;

	while (m->count > 0 && i + MASK_LEAST <= text_len && (!found || i < end)) {
		block = mask_block(text + i + BLOCK_AT);
		if (m->skip[block] > 0) {
			i += m->skip[block];
			continue;
		}
		for (p = mask_bucket(m, block); p != NULL; p = p->next) {
			if (p->len > text_len - i || memcmp(text + i, p->text, p->len) != 0)
				continue;
			if (!found)
				begin = i;
			if (!found || i + p->len > end)
				end = i + p->len;
			found = true;
		}
		i++;
	}
	*len = end - begin;
	return begin;
}

size_t
mask_find_begun(const struct mask *m, const char *text, size_t text_len)
{
	size_t i = text_len < m->longest ? 0 : text_len - m->longest + 1, left, block;
	const struct pattern *p;

	if (m->count == 0)
		return text_len;
	while (i + MASK_LEAST <= text_len) {
		block = mask_block(text + i + BLOCK_AT);
		left = text_len - i;
		for (p = m->skip[block] == 0 ? mask_bucket(m, block) : NULL; p != NULL; p = p->next)
			if (p->len > left && memcmp(text + i, p->text, left) == 0)
				return i;
		i += m->skip[block] > 0 ? m->skip[block] : 1;
	}
	/* Where too few bytes are left to ask the table. */
	for (i = text_len < MASK_LEAST ? 0 : text_len - MASK_LEAST + 1; i < text_len; i++) {
		left = text_len - i;
		p = m->first[(unsigned char)text[i]] == 1 ? m->all : NULL;
		for (; p != NULL; p = p->older)
			if (memcmp(text + i, p->text, left) == 0)
				return i;
	}
	return text_len;
}
