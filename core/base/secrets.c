/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of secrets of this process: the values in the order in which they
 * came, so that others can be told what is new, and the patterns to find them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"

static struct {
	char **values;
	size_t cap;
	atomic_size_t len;
	struct mask mask;
} known;

/* With --in-process the core, the runners and the jobs are threads. */
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;

static void
known_acquire(void)
{
	MUST(pthread_mutex_lock(&known_lock) == 0);
}

void
secrets_release(void)
{
	MUST(pthread_mutex_unlock(&known_lock) == 0);
}

const struct mask *
secrets_hold(void)
{
	known_acquire();
	return &known.mask;
}

static void
secrets_at_fork(void)
{
	/* A fork must not inherit the lock of a thread that it lacks. */
	MUST(pthread_atfork(known_acquire, secrets_release, secrets_release) == 0);
}

void
secrets_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	MUST(pthread_once(&once, secrets_at_fork) == 0);
}

void
secrets_add(const char *value)
{
	size_t i, len = atomic_load(&known.len);

	if (strlen(value) < MASK_LEAST)
		return;
	secrets_prepare();
	known_acquire();
	len = atomic_load(&known.len);
	for (i = 0; i < len && strcmp(known.values[i], value) != 0; i++)
		;
	if (i == len) {
		known.values = xgrow(known.values, len + 1, &known.cap, sizeof *known.values);
		known.values[len] = xstrdup(value);
		mask_add(&known.mask, value);
		atomic_store(&known.len, len + 1);
	}
	secrets_release();
}

void
secrets_clear(void)
{
	known_acquire();
	for (size_t i = 0; i < atomic_load(&known.len); i++)
		free_wiped(known.values[i]);
	free(known.values);
	known.values = NULL;
	known.cap = 0;
	atomic_store(&known.len, 0);
	mask_clear(&known.mask);
	secrets_release();
}

size_t
secrets_count(void)
{
	return atomic_load(&known.len);
}

size_t
secrets_list(size_t from, size_t max, struct buf *out)
{
	size_t size;

	known_acquire();
	for (; from < atomic_load(&known.len); from++) {
		size = strlen(known.values[from]) + 1;
		if (out->len + size > max)
			break;
		buf_add(out, known.values[from], size);
	}
	secrets_release();
	return from;
}

size_t
secrets_find(const char *text, size_t len, size_t *at)
{
	size_t hit = 0;

	*at = len;
	if (atomic_load(&known.len) == 0)
		return 0;
	known_acquire();
	*at = mask_find(&known.mask, text, len, 0, &hit);
	secrets_release();
	return hit;
}

/*
 * Appends the text up to `end`, which no secret crosses, with "***" for
 * secrets.
 */
static void
secrets_copy(struct buf *out, const char *text, size_t end)
{
	size_t from, hit, len;

	for (from = 0; from < end; from = hit + len) {
		hit = mask_find(&known.mask, text, end, from, &len);
		buf_add(out, text + from, hit - from);
		if (hit < end)
			buf_add(out, "***", 3);
	}
}

void
secrets_hide(struct buf *text)
{
	struct buf out = BUF_INIT;
	size_t at;

	if (secrets_find(buf_str(text), text->len, &at) == 0)
		return;
	known_acquire();
	secrets_copy(&out, text->data, text->len);
	secrets_release();
	explicit_bzero(text->data, text->len);
	buf_free(text);
	*text = out;
}

char *
secrets_hide_text(char *text, size_t size)
{
	struct buf hidden = BUF_INIT;
	size_t at;

	if (secrets_find(text, strlen(text), &at) == 0)
		return text;
	buf_adds(&hidden, text);
	secrets_hide(&hidden);
	text_copy(text, size, buf_str(&hidden));
	buf_free(&hidden);
	return text;
}

/*
 * How much of the text can be shown: what follows may be the beginning of a
 * secret, or belong to a secret that overlaps such a beginning.
 */
static size_t
secrets_ready(const char *text, size_t len)
{
	size_t begun = mask_find_begun(&known.mask, text, len), from, hit, hit_len;

	for (from = 0; from < begun; from = hit + hit_len) {
		hit = mask_find(&known.mask, text, len, from, &hit_len);
		if (hit < begun && hit + hit_len > begun)
			return hit;
	}
	return begun;
}

void
secrets_stream(struct secrets_stream *s, const char *piece, size_t len, bool last, struct buf *out)
{
	struct buf *kept = &s->kept;
	const char *text = piece;
	size_t ready;

	if (kept->len > 0) {
		buf_add(kept, piece, len);
		text = kept->data;
		len = kept->len;
	}
	known_acquire();
	ready = last ? len : secrets_ready(text, len);
	secrets_copy(out, text, ready);
	secrets_release();
	if (text == kept->data)
		buf_drop(kept, ready);
	else
		buf_add(kept, piece + ready, len - ready);
}

void
secrets_stream_free(struct secrets_stream *s)
{
	if (s->kept.data != NULL)
		explicit_bzero(s->kept.data, s->kept.cap);
	buf_free(&s->kept);
}
