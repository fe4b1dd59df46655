/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spellings of a secret. Encoders differ in which characters they escape
 * and how, so most encodings have several variants; for a secret of letters and
 * digits they are all the same text. Whatever is written here on the way is
 * wiped.
 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/spelling.h"
#include "base/text.h"

/* Bytes that a line of wrapped base64 or hexadecimal must have. */
#define LINE_LEAST 16

struct spelling {
	void (*each)(void *, const char *, size_t);
	void *arg;
};

/* What an encoder writes in place of one character. */
struct escape {
	char c;
	const char *text;
};

static void spelling_give(const struct spelling *, struct buf *);
static void spelling_give_wrapped(const struct spelling *, const struct buf *, size_t width);
static void spelling_percent(const struct spelling *, const char *, size_t);
static void spelling_base64(const struct spelling *, const char *, size_t, size_t shift,
    const char *alphabet);
static void spelling_hex(const struct spelling *, const char *, size_t, const char *digits);
static void spelling_json(const struct spelling *, const char *, size_t);
static void spelling_escapes(const struct spelling *, const char *, size_t);
static void spelling_backslashes(const struct spelling *, const char *, size_t);
static void spelling_bytes(const struct spelling *, const char *, size_t, const char *format);
static void spelling_utf16(const struct spelling *, const char *, size_t);

static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What percent-encoders leave as it is, beside letters and digits. */
static const char *const percent_kept[] = { "-._~", "-._~/", "-._~!*'()", "-._~!*'();,/?:@&=+$#" };

/*
 * HTML with several ways to write quotes, single and double quotes of a shell,
 * JSON with its slashes escaped, and JSON as encoders write it that care for
 * HTML.
 */
static const struct escape escapes[][7] = {
	{ { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" } },
	{ { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" } },
	{ { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
	    { '\'', "&#39;" } },
	{ { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
	    { '\'', "&#x27;" } },
	{ { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
	    { '\'', "&#039;" } },
	{ { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
	    { '\'', "&apos;" } },
	{ { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&#34;" }, { '\'', "&#39;" } },
	{ { '\'', "'\\''" } },
	{ { '\'', "'\"'\"'" } },
	{ { '$', "\\$" }, { '`', "\\`" }, { '"', "\\\"" }, { '\\', "\\\\" } },
	{ { '$', "\\$" }, { '`', "\\`" }, { '"', "\\\"" }, { '\\', "\\\\" }, { '!', "\\!" } },
	{ { '\\', "\\\\" }, { '\'', "\\'" }, { '\n', "\\n" }, { '\t', "\\t" }, { '\r', "\\r" } },
	{ { '\\', "\\\\" }, { '"', "\\\"" }, { '\n', "\\n" }, { '\t', "\\t" }, { '\r', "\\r" } },
	{ { '\\', "\\\\" }, { '"', "\\\"" }, { '\'', "\\'" }, { '\n', "\\n" }, { '\t', "\\t" },
	    { '\r', "\\r" } },
	{ { '\\', "\\\\" }, { '"', "\\\"" }, { '/', "\\/" }, { '\n', "\\n" }, { '\t', "\\t" },
	    { '\r', "\\r" } },
	{ { '\\', "\\\\" }, { '"', "\\\"" }, { '&', "\\u0026" }, { '<', "\\u003c" },
	    { '>', "\\u003e" }, { '\n', "\\n" }, { '\t', "\\t" } },
};

/* Hands over what b holds, and wipes it. */
static void
spelling_give(const struct spelling *to, struct buf *b)
{
	if (b->len > 0)
		to->each(to->arg, b->data, b->len);
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

static void
spelling_give_wrapped(const struct spelling *to, const struct buf *b, size_t width)
{
	for (size_t at = 0; b->len > width && at + LINE_LEAST <= b->len; at += width)
		to->each(to->arg, b->data + at, b->len - at < width ? b->len - at : width);
}

/* With digits of either case, and as in forms, where a blank becomes a plus. */
static void
spelling_percent(const struct spelling *to, const char *s, size_t len)
{
	for (size_t k = 0; k < ARRAY_LEN(percent_kept); k++) {
		struct buf url = BUF_INIT, lower = BUF_INIT, form = BUF_INIT;

		text_percent(&url, s, len, percent_kept[k]);
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
				text_percent(&form, s + i, 1, percent_kept[k]);
		spelling_give(to, &url);
		spelling_give(to, &lower);
		spelling_give(to, &form);
	}
}

/*
 * How the secret looks in base64 if `shift` bytes precede it in its group of
 * three. Only the characters that do not depend on neighbouring bytes are used.
 */
static void
spelling_base64(const struct spelling *to, const char *s, size_t len, size_t shift,
    const char *alphabet)
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
	if (shift == 0) {
		spelling_give_wrapped(to, &out, 64);
		spelling_give_wrapped(to, &out, 76);
	}
	spelling_give(to, &out);
}

static void
spelling_hex(const struct spelling *to, const char *s, size_t len, const char *digits)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		buf_addc(&out, digits[(unsigned char)s[i] >> 4]);
		buf_addc(&out, digits[(unsigned char)s[i] & 15]);
	}
	spelling_give_wrapped(to, &out, 60);
	spelling_give(to, &out);
}

/* As our own encoder writes it, and with \u for all that is not ASCII. */
static void
spelling_json(const struct spelling *to, const char *s, size_t len)
{
	struct buf own = BUF_INIT, inner = BUF_INIT, ascii = BUF_INIT, both = BUF_INIT;
	uint32_t cp;
	size_t n;

	text_escape(&own, s, len);
	for (size_t i = 0; i < own.len; i += n) {
		n = text_decode(own.data + i, own.len - i, &cp);
		if (n == 0)
			n = 1;
		if (n == 1)
			buf_addc(&ascii, own.data[i]);
		else if (cp < 0x10000)
			buf_addf(&ascii, "\\u%04x", (unsigned)cp);
		else
			buf_addf(&ascii, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (cp >> 10)),
			    (unsigned)(0xdc00 | (cp & 0x3ff)));
	}
	/* A JSON text in a string of another. */
	text_escape(&inner, own.data, own.len);
	text_escape(&both, ascii.data, ascii.len);
	spelling_give(to, &own);
	spelling_give(to, &inner);
	spelling_give(to, &both);
	spelling_give(to, &ascii);
}

static void
spelling_escapes(const struct spelling *to, const char *s, size_t len)
{
	for (size_t row = 0; row < ARRAY_LEN(escapes); row++) {
		struct buf out = BUF_INIT;

		for (size_t i = 0; i < len; i++) {
			const struct escape *e = escapes[row], *end = e + ARRAY_LEN(escapes[row]);

			while (e < end && e->text != NULL && e->c != s[i])
				e++;
			if (e < end && e->text != NULL)
				buf_adds(&out, e->text);
			else
				buf_addc(&out, s[i]);
		}
		spelling_give(to, &out);
	}
}

/* As printf %q of bash writes it. */
static void
spelling_backslashes(const struct spelling *to, const char *s, size_t len)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		if (strchr(" \t!\"$&'()*,;<>?[\\]^`{|}", s[i]) != NULL ||
		    (i == 0 && (s[i] == '#' || s[i] == '~')))
			buf_addc(&out, '\\');
		buf_addc(&out, s[i]);
	}
	spelling_give(to, &out);
}

/* C with numbers in place of what is not printable ASCII. */
static void
spelling_bytes(const struct spelling *to, const char *s, size_t len, const char *format)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < len; i++)
		if (s[i] >= ' ' && s[i] < 0x7f) {
			if (s[i] == '\\' || s[i] == '"')
				buf_addc(&out, '\\');
			buf_addc(&out, s[i]);
		} else if (s[i] == '\n' || s[i] == '\t' || s[i] == '\r')
			buf_adds(&out, s[i] == '\n' ? "\\n" : s[i] == '\t' ? "\\t" : "\\r");
		else
			buf_addf(&out, *format == 'x' ? "\\x%02x" : "\\%03o",
			    (unsigned)(unsigned char)s[i]);
	spelling_give(to, &out);
}

/* Nothing for a secret that is not UTF-8. */
static void
spelling_utf16(const struct spelling *to, const char *s, size_t len)
{
	struct buf little = BUF_INIT, big = BUF_INIT;
	uint32_t cp, units[2];
	size_t n, count;

	if (!text_is_utf8(s, len))
		return;
	for (size_t i = 0; i < len; i += n) {
		n = text_decode(s + i, len - i, &cp);
		count = cp < 0x10000 ? 1 : 2;
		units[0] = count == 1 ? cp : 0xd7c0 + (cp >> 10);
		units[1] = 0xdc00 | (cp & 0x3ff);
		for (size_t u = 0; u < count; u++) {
			buf_addc(&little, (char)(units[u] & 255));
			buf_addc(&little, (char)(units[u] >> 8));
			buf_addc(&big, (char)(units[u] >> 8));
			buf_addc(&big, (char)(units[u] & 255));
		}
	}
	spelling_give(to, &little);
	spelling_give(to, &big);
}

void
spelling_each(const char *secret, size_t len, void (*each)(void *arg, const char *text, size_t len),
    void *arg)
{
	const struct spelling to = { each, arg };

	each(arg, secret, len);
	spelling_json(&to, secret, len);
	spelling_percent(&to, secret, len);
	for (size_t shift = 0; shift < 3; shift++) {
		spelling_base64(&to, secret, len, shift, base64_standard);
		spelling_base64(&to, secret, len, shift, base64_url);
	}
	spelling_hex(&to, secret, len, "0123456789abcdef");
	spelling_hex(&to, secret, len, "0123456789ABCDEF");
	spelling_escapes(&to, secret, len);
	spelling_backslashes(&to, secret, len);
	spelling_bytes(&to, secret, len, "x");
	spelling_bytes(&to, secret, len, "o");
	spelling_utf16(&to, secret, len);
}
