/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds secrets in text. Each secret becomes about a dozen patterns: as it is,
 * its lines, and its JSON, URL, base64 and hexadecimal forms. For most
 * positions in a text, one look into a table of byte pairs shows that no
 * pattern begins there; only otherwise are patterns compared. Matches that
 * overlap are reported as one, so the end of a second secret never shows.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mask.h"
#include "base/mem.h"
#include "base/text.h"

/* A line of a key file is masked by itself if it has this many bytes. */
#define LINE_LEAST 16

struct pattern {
	struct pattern *next;
	size_t len;
	char *text;
};

static void mask_add_pattern(struct mask *, const char *, size_t);
static void mask_add_buf(struct mask *, struct buf *);
static void mask_add_json(struct mask *, const char *, size_t);
static void mask_add_url(struct mask *, const char *, size_t);
static void mask_add_base64(struct mask *, const char *, size_t, size_t, const char *);
static void mask_add_hex(struct mask *, const char *, size_t, const char *);
static void mask_add_encodings(struct mask *, const char *, size_t);
static void mask_wipe(struct buf *);

static const char hex_lower[] = "0123456789abcdef", hex_upper[] = "0123456789ABCDEF";
static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static inline size_t
mask_pair(const char *s)
{
	return (size_t)(unsigned char)s[0] << 8 | (unsigned char)s[1];
}

static inline size_t
mask_bucket(size_t pair)
{
	return (pair ^ pair >> 5) & 255;
}

static void
mask_add_pattern(struct mask *m, const char *text, size_t len)
{
	size_t pair, bucket;
	struct pattern *p;

	if (len < MASK_LEAST)
		return;
	pair = mask_pair(text);
	bucket = mask_bucket(pair);
	for (p = m->buckets[bucket]; p != NULL; p = p->next)
		if (p->len == len && memcmp(p->text, text, len) == 0)
			return;
	p = xcalloc(1, sizeof *p);
	p->len = len;
	p->text = xmalloc(len);
	memcpy(p->text, text, len);
	p->next = m->buckets[bucket];
	m->buckets[bucket] = p;
	m->pairs[pair / 64] |= UINT64_C(1) << pair % 64;
	m->count++;
}

static void
mask_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

static void
mask_add_buf(struct mask *m, struct buf *b)
{
	if (b->len > 0)
		mask_add_pattern(m, b->data, b->len);
	mask_wipe(b);
}

static void
mask_add_json(struct mask *m, const char *s, size_t len)
{
	struct buf quoted = BUF_INIT, slashes = BUF_INIT;
	size_t i;

	text_json(&quoted, s, len);
	mask_add_pattern(m, quoted.data + 1, quoted.len - 2);
	/* Some encoders write a slash as "\/". */
	for (i = 1; i + 1 < quoted.len; i++) {
		if (quoted.data[i] == '/')
			buf_addc(&slashes, '\\');
		buf_addc(&slashes, quoted.data[i]);
	}
	mask_add_buf(m, &slashes);
	mask_wipe(&quoted);
}

/*
 * Adds the percent-encoded forms: with digits of either case, and as in forms,
 * where a blank becomes a plus.
 */
static void
mask_add_url(struct mask *m, const char *s, size_t len)
{
	struct buf url = BUF_INIT, lower = BUF_INIT, form = BUF_INIT;

	text_percent(&url, s, len, TEXT_UNRESERVED);
	for (size_t i = 0; i < url.len; i++)
		if (url.data[i] == '%' && i + 2 < url.len) {
			buf_addf(&lower, "%%%c%c", tolower(url.data[i + 1]),
			    tolower(url.data[i + 2]));
			i += 2;
		} else
			buf_addc(&lower, url.data[i]);
	for (size_t i = 0; i < len; i++)
		if (s[i] == ' ')
			buf_addc(&form, '+');
		else
			text_percent(&form, s + i, 1, TEXT_UNRESERVED);
	mask_add_buf(m, &url);
	mask_add_buf(m, &lower);
	mask_add_buf(m, &form);
}

/*
 * Adds how the secret looks in base64 if `shift` bytes precede it in its group
 * of three. Only the characters that do not depend on neighbouring bytes are
 * used.
 */
static void
mask_add_base64(struct mask *m, const char *s, size_t len, size_t shift, const char *alphabet)
{
	size_t bit, bits = 8 * len, first = shift == 0 ? 0 : 6 * (shift + 1) - 8 * shift;
	struct buf out = BUF_INIT;
	unsigned int word;

	for (bit = first; bit + 6 <= bits; bit += 6) {
		word = (unsigned int)(unsigned char)s[bit / 8] << 8;
		if (bit / 8 + 1 < len)
			word |= (unsigned char)s[bit / 8 + 1];
		buf_addc(&out, alphabet[word >> (10 - bit % 8) & 63]);
	}
	mask_add_buf(m, &out);
}

static void
mask_add_hex(struct mask *m, const char *s, size_t len, const char *digits)
{
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < len; i++) {
		buf_addc(&out, digits[(unsigned char)s[i] >> 4]);
		buf_addc(&out, digits[(unsigned char)s[i] & 15]);
	}
	mask_add_buf(m, &out);
}

static void
mask_add_encodings(struct mask *m, const char *s, size_t len)
{
	size_t shift;

	mask_add_pattern(m, s, len);
	mask_add_json(m, s, len);
	mask_add_url(m, s, len);
	for (shift = 0; shift < 3; shift++) {
		mask_add_base64(m, s, len, shift, base64_standard);
		mask_add_base64(m, s, len, shift, base64_url);
	}
	mask_add_hex(m, s, len, hex_lower);
	mask_add_hex(m, s, len, hex_upper);
}

void
mask_add(struct mask *m, const char *secret)
{
	size_t len = strlen(secret), line;

	while (len > 0 && (secret[len - 1] == '\n' || secret[len - 1] == '\r'))
		len--;
	if (len < MASK_LEAST)
		return;
	mask_add_encodings(m, secret, len);
	if (memchr(secret, '\n', len) == NULL)
		return;
	for (; *secret != '\0'; secret += line + (secret[line] == '\n')) {
		line = strcspn(secret, "\n");
		if (line >= LINE_LEAST)
			mask_add_pattern(m, secret, line - (secret[line - 1] == '\r'));
	}
}

void
mask_clear(struct mask *m)
{
	struct pattern *p, *next;
	size_t i;

	for (i = 0; i < ARRAY_LEN(m->buckets); i++)
		for (p = m->buckets[i]; p != NULL; p = next) {
			next = p->next;
			explicit_bzero(p->text, p->len);
			free(p->text);
			free(p);
		}
	memset(m, 0, sizeof *m);
}

size_t
mask_find(const struct mask *m, const char *text, size_t text_len, size_t from, size_t *len)
{
	size_t i, pair, begin = text_len, end = text_len;
	const struct pattern *p;
	bool found = false;

	if (m->count == 0)
		from = text_len;
	for (i = from; i + 1 < (found ? end + 1 : text_len) && i + 1 < text_len; i++) {
		pair = mask_pair(text + i);
		if ((m->pairs[pair / 64] >> pair % 64 & 1) == 0)
			continue;
		for (p = m->buckets[mask_bucket(pair)]; p != NULL; p = p->next) {
			if (p->len > text_len - i || memcmp(text + i, p->text, p->len) != 0)
				continue;
			if (!found) {
				found = true;
				begin = i;
				end = i + p->len;
			} else if (i + p->len > end)
				end = i + p->len;
		}
	}
	*len = end - begin;
	return begin;
}
