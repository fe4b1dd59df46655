/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds integers that do not fit the type that libconfig gives them. It reads
 * just enough of libconfig's grammar to tell a number from a name, a string and
 * a comment.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/numbers.h"

#define DIGITS "0123456789"
/* What a name or a number consists of, by the grammar in libconfig's manual. */
#define WORD DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_*-+."

static const char *numbers_skip(const char *);
static bool numbers_fit(const char *, size_t);

/* Returns the end of the string or comment at p, or p when there is none. */
static const char *
numbers_skip(const char *p)
{
	const char *end;

	if (*p == '#' || (p[0] == '/' && p[1] == '/'))
		return p + strcspn(p, "\n");
	if (p[0] == '/' && p[1] == '*')
		return (end = strstr(p + 2, "*/")) != NULL ? end + 2 : p + strlen(p);
	if (*p != '"')
		return p;
	for (p++; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

/*
 * Whether libconfig keeps the word's number. True for a word that is not an
 * integer, such as a name or 1.5e3.
 */
static bool
numbers_fit(const char *word, size_t len)
{
	const char *digits = word + strspn(word, "+-");
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *end;
	long long n;

	if (strchr(DIGITS, *digits) == NULL)
		return true;
	errno = 0;
	n = strtoll(word, &end, hex ? 16 : 10);
	if (end == word + len)
		return errno == 0 && n >= INT32_MIN && n <= INT32_MAX;
	if ((*end == 'L' && end + 1 == word + len) || (end[0] == 'L' && end[1] == 'L'))
		return errno == 0;
	return true;
}

int
numbers_check(const char *text, const char *name, struct error *err)
{
	const char *p = text, *next;
	int line = 1;
	size_t len;

	while (*p != '\0') {
		len = strspn(p, WORD);
		if (len > 0 && !numbers_fit(p, len))
			return error_set(err, DROVER_CONFIG,
			    "%s:%d: libconfig would read %.*s as another number: write it with an "
			    "L at its end (at most 9223372036854775807L), or a size as text such "
			    "as \"4G\"",
			    name, line, len > 40 ? 40 : (int)len, p);
		next = len > 0 ? p + len : numbers_skip(p);
		if (next == p)
			next++;
		for (; p < next; p++)
			line += *p == '\n';
	}
	return 0;
}
