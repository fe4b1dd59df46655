/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Untrusted text. All functions use one decoder of UTF-8; bytes that it refuses
 * are escaped or replaced.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/text.h"

#define NAME_MAX_BYTES 64
#define BRANCH_MAX_BYTES 244 /* with "refs/heads/" in front it fits into one file name */

static bool is_hidden(uint32_t);
static size_t name_length(const char *);
static bool is_branch_char(unsigned char);

size_t
text_decode(const void *text, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = text;
	size_t i, n;

	if (len == 0 || s[0] == 0)
		return 0;
	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	n = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 :
	    s[0] >= 0xe0 && s[0] < 0xf0  ? 3 :
	    s[0] >= 0xc2 && s[0] < 0xe0  ? 2 :
					   0;
	if (n == 0 || n > len)
		return 0;
	*cp = s[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3f);
	}
	if (*cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return n;
}

/*
 * Characters that steer a terminal, or that hide or reorder what a person
 * reads. Joiners (200c, 200d) are allowed: scripts and emoji need them.
 */
static bool
is_hidden(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x61c || cp == 0x200b ||
	    cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || (cp >= 0xfff9 && cp <= 0xfffb);
}

bool
text_is_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	uint32_t cp;
	size_t n;

	for (; p < end; p += n)
		if ((n = text_decode(p, (size_t)(end - p), &cp)) == 0)
			return false;
	return true;
}

/* The length of the name that s begins with; 0 if it begins with none. */
static size_t
name_length(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > NAME_MAX_BYTES || s[0] == '-' || s[0] == '_' ? 0 : n;
}

bool
text_is_name(const char *s)
{
	size_t n = name_length(s);

	return n > 0 && s[n] == '\0';
}

bool
text_is_kind(const char *s)
{
	size_t n = name_length(s);

	return n > 0 && s[n] == '.' && text_is_name(s + n + 1);
}

/*
 * Turns a line break at p, with the blanks on both sides of it, into one space.
 * The text's own bytes begin at begin in out. Returns how many bytes of p were
 * read.
 */
static size_t
text_show_break(struct buf *out, size_t begin, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *next = p;

	while (next < end && (*next == ' ' || (*next >= '\t' && *next <= '\r')))
		next++;
	while (out->len > begin && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	if (out->len > begin && next < end)
		buf_addc(out, ' ');
	return (size_t)(next - p);
}

void
text_show(struct buf *out, const char *s, size_t len, size_t max)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	size_t begin = out->len, whole = begin, n;
	uint32_t cp = 0;

	for (; p < end; p += n) {
		if (out->len - begin + 3 <= max)
			whole = out->len;
		n = text_decode(p, (size_t)(end - p), &cp);
		if (n == 0) {
			buf_addf(out, "\\x%02x", *p);
			n = 1;
		} else if (cp == '\t')
			buf_addc(out, ' ');
		else if (cp >= '\n' && cp <= '\r') {
			n = text_show_break(out, begin, p, end);
			whole = whole < out->len ? whole : out->len;
		} else if (is_hidden(cp))
			buf_addf(out, cp < 0x80 ? "\\x%02x" : "\\u{%04x}", cp);
		else
			buf_add(out, p, n);
		if (out->len - begin > max) {
			out->len = whole;
			buf_add(out, "...", max < 3 ? max : 3);
			return;
		}
	}
}

char *
text_show_in(char *out, size_t size, const char *s, size_t len)
{
	struct buf shown = BUF_INIT;

	MUST(size > 0);
	text_show(&shown, s, len, size - 1);
	memcpy(out, buf_str(&shown), shown.len + 1);
	buf_free(&shown);
	return out;
}

char *
text_slug(const char *s, char *out, size_t size)
{
	size_t n = 0;
	char c;

	MUST(size > 0);
	for (; *s != '\0' && n + 1 < size; s++) {
		c = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[n++] = c;
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0)
		text_copy(out, size, "change");
	return out;
}

void
text_json(struct buf *out, const char *s, size_t len)
{
	buf_addc(out, '"');
	text_escape(out, s, len);
	buf_addc(out, '"');
}

void
text_escape(struct buf *out, const char *s, size_t len)
{
	/*
	 * One bit for each byte that is copied as it is: ASCII without control
	 * characters, quote, backslash and DEL.
	 */
	static const uint32_t plain[8] = { 0, 0xfffffffb, 0xefffffff, 0x7fffffff, 0, 0, 0, 0 };
	static const char
	    names[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
	const unsigned char *p = (const unsigned char *)s, *end = p + len, *run;
	uint32_t cp = 0;
	size_t n;

	while (p < end) {
		for (run = p; p < end && (plain[*p / 32] >> *p % 32 & 1) != 0; p++)
			;
		buf_add(out, run, (size_t)(p - run));
		if (p == end)
			break;
		n = text_decode(p, (size_t)(end - p), &cp);
		if (n == 0) {
			if (*p == 0)
				buf_adds(out, "\\u0000");
			else
				buf_adds(out, "\xef\xbf\xbd");
			n = 1;
		} else if (cp == '"' || cp == '\\') {
			buf_addc(out, '\\');
			buf_addc(out, (char)cp);
		} else if (cp < sizeof names && names[cp] != 0) {
			buf_addc(out, '\\');
			buf_addc(out, names[cp]);
		} else if (is_hidden(cp))
			buf_addf(out, "\\u%04x", cp);
		else
			buf_add(out, p, n);
		p += n;
	}
}

void
text_clean(struct buf *out, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	uint32_t cp;
	size_t n;

	for (; p < end; p += n > 0 ? n : 1) {
		if ((n = text_decode(p, (size_t)(end - p), &cp)) > 0)
			buf_add(out, p, n);
		else
			buf_adds(out, "\xef\xbf\xbd");
	}
}

static bool
is_branch_char(unsigned char c)
{
	return c > ' ' && c != 0x7f && strchr("~^:?*[\\", c) == NULL;
}

bool
text_is_branch(const char *s, const char *prefix)
{
	size_t i, len = strlen(s), skip = prefix == NULL ? 0 : strlen(prefix);

	if (len == 0 || len > BRANCH_MAX_BYTES || len <= skip ||
	    strncmp(s, prefix == NULL ? "" : prefix, skip) != 0)
		return false;
	if (s[0] == '-' || s[len - 1] == '.' || s[len - 1] == '/' || strcmp(s, "@") == 0 ||
	    strcmp(s, "HEAD") == 0)
		return false;
	if (strstr(s, "..") != NULL || strstr(s, "@{") != NULL || !text_is_utf8(s, len))
		return false;
	for (i = 0; i < len; i++) {
		if (!is_branch_char((unsigned char)s[i]))
			return false;
		if ((i == 0 || s[i - 1] == '/') && (s[i] == '/' || s[i] == '.'))
			return false;
		if (strncmp(s + i, ".lock", 5) == 0 && (s[i + 5] == '/' || s[i + 5] == '\0'))
			return false;
	}
	return true;
}

uint64_t
text_hash(const char *s, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	return hash;
}

char *
text_random_hex(char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[32];
	size_t i, part, done;

	for (done = 0; done < n; done += part) {
		part = n - done < sizeof bytes ? n - done : sizeof bytes;
		while (getrandom(bytes, part, 0) != (ssize_t)part)
			MUST(errno == EINTR);
		for (i = 0; i < part; i++) {
			out[2 * (done + i)] = digits[bytes[i] >> 4];
			out[2 * (done + i) + 1] = digits[bytes[i] & 15];
		}
	}
	out[2 * n] = '\0';
	return out;
}

void
text_percent(struct buf *out, const char *s, size_t len, const char *keep)
{
	for (; len > 0; s++, len--) {
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || (*s != '\0' && strchr(keep, *s) != NULL))
			buf_addc(out, *s);
		else
			buf_addf(out, "%%%02X", (unsigned char)*s);
	}
}

size_t
text_fit_end(const char *s, size_t len, size_t max)
{
	size_t from = len > max ? len - max : 0;

	while (from > 0 && from < len && ((unsigned char)s[from] & 0xc0) == 0x80)
		from++;
	return from;
}

size_t
text_fit(const char *s, size_t len, size_t max)
{
	size_t n = max, back;
	uint32_t cp;

	if (len <= max)
		return len;
	for (back = 0; back < 4 && n > 0; back++, n--)
		if (((unsigned char)s[n] & 0xc0) != 0x80)
			return text_decode(s + n, len - n, &cp) == 0 && back > 0 ?
			    max :
			    n;
	return max;
}

bool
text_copy(char *out, size_t size, const char *s)
{
	size_t len = strlen(s), fit;

	MUST(size > 0);
	fit = text_fit(s, len, size - 1);
	memmove(out, s, fit);
	out[fit] = '\0';
	return fit == len;
}
