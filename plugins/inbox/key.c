/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of tickets. settle() may come days later, after restarts, and gets only
 * the key, so the key must lead back to the file. The same name with the same
 * text makes the same key, so a ticket that is read twice before the daemon has
 * kept it becomes only one job.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "inbox.h"

static size_t key_encode(char *, size_t, const char *);
static int key_digit(char);

/*
 * Writes as much of the encoded name as fits, in whole characters. Returns the
 * length that the whole name needs.
 */
static size_t
key_encode(char *out, size_t size, const char *name)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t len = strlen(name), need = 0, n, step;
	bool full = false;
	char piece[4];

	for (; len > 0; name += n, len -= n) {
		n = text_sequence(name, len);
		if (n > 1 || (n == 1 && *name >= ' ' && *name != 0x7f && *name != '%')) {
			memcpy(piece, name, n);
			step = n;
		} else {
			n = 1;
			piece[0] = '%';
			piece[1] = hex[(unsigned char)*name >> 4];
			piece[2] = hex[(unsigned char)*name & 15];
			step = 3;
		}
		full = full || need + step >= size;
		if (!full) {
			memcpy(out + need, piece, step);
			out[need + step] = '\0';
		}
		need += step;
	}
	if (need == 0 && size > 0)
		out[0] = '\0';
	return need;
}

void
key_show(char *out, size_t size, const char *name)
{
	out[0] = '\0';
	key_encode(out, size, name);
}

int
key_make(char key[DROVER_KEY_MAX], const char *name, const char *text, size_t len)
{
	uint64_t h = text_hash(text_hash(0, name, strlen(name) + 1), text, len);
	size_t room =
	/*
	 * Room for the name and its NUL, so that "@", sixteen digits and a NUL
	 * still fit after the name.
	 */
	    DROVER_KEY_MAX - HASH_SIZE;
	size_t need = key_encode(key, room, name);

	if (need >= room)
		return -1;
	snprintf(key + need, DROVER_KEY_MAX - need, "@%016" PRIx64, h);
	return 0;
}

static int
key_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
key_split(const char *key, char name[DROVER_KEY_MAX], char hash[HASH_SIZE])
{
	const char *at = strrchr(key, '@');
	size_t used = 0;

	if (at == NULL || at == key || (size_t)(at - key) >= DROVER_KEY_MAX)
		return -1;
	if (strlen(at + 1) != HASH_SIZE - 1 || strspn(at + 1, "0123456789abcdef") != HASH_SIZE - 1)
		return -1;
	memcpy(hash, at + 1, HASH_SIZE);
	for (; key < at; key++) {
		int c = (unsigned char)*key;

		if (*key == '%') {
			int high, low;

			if (at - key < 3 || (high = key_digit(key[1])) < 0 ||
			    (low = key_digit(key[2])) < 0)
				return -1;
			c = high * 16 + low;
			key += 2;
		}
		if (c == '\0' || c == '/')
			return -1;
		name[used++] = (char)c;
	}
	name[used] = '\0';
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -1 : 0;
}
