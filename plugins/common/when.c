/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the times of when.h. */
#include <string.h>
#include <time.h>

#include "common/when.h"

#define LAST INT64_C(253402300799) /* the end of the year 9999 */

static int number(const char *, int, int, int);
static const char *zone(const char *, int64_t *);

/*
 * Reads a number of exactly this many digits within these bounds; -1 if there
 * is none.
 */
static int
number(const char *text, int digits, int min, int max)
{
	int value = 0;

	for (; digits > 0; digits--, text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
	}
	return value >= min && value <= max ? value : -1;
}

/*
 * Reads "Z", "+01:00" or "+0100". Returns what follows, or NULL if there is no
 * zone.
 */
static const char *
zone(const char *text, int64_t *offset)
{
	int sign = *text == '-' ? -1 : 1, hours, minutes;

	*offset = 0;
	if (*text == 'Z')
		return text + 1;
	if ((*text != '+' && *text != '-') || (hours = number(text + 1, 2, 0, 23)) < 0)
		return NULL;
	text += text[3] == ':' ? 4 : 3;
	if ((minutes = number(text, 2, 0, 59)) < 0)
		return NULL;
	*offset = sign * (hours * 3600 + minutes * 60);
	return text + 2;
}

int64_t
when_read(const char *text)
{
	static const char shape[] = "dddd-dd-ddTdd:dd";
	struct tm tm = { .tm_sec = 0 };
	int64_t offset, at;
	int day, second = 0;

	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return -1;
	tm.tm_year = number(text, 4, 1970, 9999) - 1900;
	tm.tm_mon = number(text + 5, 2, 1, 12) - 1;
	tm.tm_mday = day = number(text + 8, 2, 1, 31);
	tm.tm_hour = number(text + 11, 2, 0, 23);
	tm.tm_min = number(text + 14, 2, 0, 59);
	text += sizeof(shape) - 1;
	if (*text == ':') {
		/* 60 is a leap second. */
		if ((second = number(text + 1, 2, 0, 60)) < 0)
			return -1;
		text += 3;
		if (*text == '.')
			text += 1 + strspn(text + 1, "0123456789");
	}
	if (tm.tm_year < 0 || tm.tm_mon < 0 || day < 0 || tm.tm_hour < 0 || tm.tm_min < 0 ||
	    (text = zone(text, &offset)) == NULL || *text != '\0')
		return -1;
	at = (int64_t)timegm(&tm) + second - offset;
	/* timegm() turns 31 February into 3 March. */
	return at < 0 || tm.tm_mday != day ? -1 : at;
}

void
when_write(int64_t seconds, char *out, size_t size)
{
	time_t at = (time_t)(seconds < 0 ? 0 : seconds > LAST ? LAST : seconds);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
