/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets that this process knows, and hiding them in text that leaves
 * drover or is stored. The core knows those of all processes and tells each of
 * them (wire/known.h), so the set is the same everywhere.
 *
 * A secret is found as it is and in each of its spellings (base/spelling.h),
 * and is shown as "***". If it has several lines, like a key file, each long
 * line is hidden as well. A secret shorter than 8 bytes is hidden only as it
 * is, and one shorter than 6 not at all, since ordinary words would vanish.
 * Values are never forgotten: after a rotation the old and the new one are
 * hidden.
 */
#ifndef BASE_SECRETS_H
#define BASE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct mask;

/* Adds a value, which is copied. */
void secrets_add(const char *value);
/* Forgets and wipes all secrets. */
void secrets_clear(void);
/*
 * Finds the first secret in text, which may hold any bytes. Returns its length
 * and sets *at to where it begins; 0 if there is no secret.
 */
size_t secrets_find(const char *text, size_t len, size_t *at);
/* Puts "***" in the place of each secret. */
void secrets_hide(struct buf *text);
/*
 * The same in an array of size bytes; the text is cut if it becomes too long.
 * Returns text.
 */
char *secrets_hide_text(char *text, size_t size);

/*
 * Hides secrets in text that comes in pieces, which may cut a secret anywhere.
 * What may be the beginning of a secret is kept until the next piece shows.
 */
struct secrets_stream {
	struct buf kept;
};

/*
 * Appends to out what may be shown after this piece. With `last`, that is
 * everything that was kept.
 */
void secrets_stream(struct secrets_stream *, const char *piece, size_t len, bool last,
    struct buf *out);
void secrets_stream_free(struct secrets_stream *);

/* How many values are known. It only grows, except in secrets_clear(). */
size_t secrets_count(void);
/*
 * Appends the values from number `from` on, each with a NUL behind it, until at
 * most max bytes are there. Returns the number of the first that is left out.
 * The caller wipes out.
 */
size_t secrets_list(size_t from, size_t max, struct buf *out);

/*
 * For log.c: locks the set until secrets_release(). secrets_prepare() is called
 * before the first fork of a process with threads.
 */
const struct mask *secrets_hold(void);
void secrets_release(void);
void secrets_prepare(void);

#endif
