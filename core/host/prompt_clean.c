/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reduces text from outside to what a person sees of it. What is invisible
 * (comments, characters without width, tags) can smuggle instructions past the
 * person who approves a ticket, so an agent must not get it either.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "host/prompt.h"

/*
 * Characters without width or glyph, and those that reorder what follows.
 * Sorted.
 */
static const struct {
	uint32_t first, last;
} invisible[] = {
	{ 0x00, 0x08 },
	{ 0x0b, 0x1f },
	{ 0x7f, 0x9f },
	{ 0xad, 0xad },
	{ 0x34f, 0x34f },
	{ 0x61c, 0x61c },
	{ 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x200b, 0x200f },
	{ 0x202a, 0x202e },
	{ 0x2060, 0x206f },
	{ 0x3164, 0x3164 },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

static bool prompt_is_invisible(uint32_t);
static void prompt_drop_invisible(struct buf *out, const char *, size_t);
static void prompt_drop_comments(struct buf *out, const char *, size_t);

static bool
prompt_is_invisible(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_LEN(invisible) && invisible[i].first <= c; i++)
		if (c <= invisible[i].last)
			return true;
	return false;
}

static void
prompt_drop_invisible(struct buf *out, const char *text, size_t size)
{
	uint32_t c;
	size_t len;

	/* prompt_clean() has made the text UTF-8. */
	for (size_t i = 0; i < size; i += len) {
		len = text_decode(text + i, size - i, &c);
		if (c == 0x2028 || c == 0x2029)
			buf_addc(out, '\n');
		else if (!prompt_is_invisible(c))
			buf_add(out, text + i, len);
	}
}

/*
 * Whether an unclosed comment hides all that follows, or nothing, depends on
 * the HTML around it. So the rest is left out, and the prompt says so.
 */
static void
prompt_drop_comments(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len, *p = text, *open, *close;

	while ((open = memmem(p, (size_t)(end - p), "<!--", 4)) != NULL) {
		buf_add(out, p, (size_t)(open - p));
		/* Browsers take "<!-->" for a whole comment. */
		close = memmem(open + 2, (size_t)(end - open - 2), "-->", 3);
		if (close == NULL) {
			buf_adds(out,
			    "[drover left out the rest: an HTML comment begins here and does not "
			    "end]");
			return;
		}
		p = close + 3;
		/*
		 * The text before and after the comment must not join to form
		 * the start of another.
		 */
		if (out->len > 0 && strchr("<!-", out->data[out->len - 1]) != NULL)
			buf_addc(out, ' ');
	}
	buf_add(out, p, (size_t)(end - p));
}

void
prompt_clean(struct buf *out, const char *text)
{
	struct buf good = BUF_INIT, seen = BUF_INIT, whole = BUF_INIT;
	size_t fits;

	text_clean(&good, text, strlen(text));
	prompt_drop_invisible(&seen, buf_str(&good), good.len);
	prompt_drop_comments(&whole, buf_str(&seen), seen.len);
	fits = text_fit(buf_str(&whole), whole.len, PROMPT_VALUE_MAX);
	buf_add(out, buf_str(&whole), fits);
	if (fits < whole.len)
		buf_addf(out, "\n[drover cut this here: %zu more bytes]", whole.len - fits);
	buf_free(&good);
	buf_free(&seen);
	buf_free(&whole);
}
