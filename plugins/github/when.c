/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as GitHub writes them, in UTC to the second. Counted by hand: timegm()
 * is no standard and knows a time zone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "github.h"

static int64_t days_before(int64_t, int);
static int digits(const char *, int);

/*
 * Days from 1970-01-01 to the first of a month; years from March, so that the
 * leap day is the last.
 */
static int64_t
days_before(int64_t year, int month)
{
	int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int
digits(const char *text, int n)
{
	int value = 0;

	for (; n > 0; n--, text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
	}
	return value;
}

int64_t
when_read(const char *text)
{
	static const char form[] = "0000-00-00T00:00:00";
	static const int starts[] = { 0, 5, 8, 11, 14, 17 }, most[] = { 9999, 12, 31, 23, 59, 60 };
	int value[6], i;

	if (strlen(text) < sizeof(form))
		return -1;
	for (i = 0; i < 6; i++) {
		value[i] = digits(text + starts[i], i == 0 ? 4 : 2);
		if (value[i] < 0 || value[i] > most[i])
			return -1;
	}
	if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
	    text[16] != ':' || value[0] < 1970 || value[1] < 1 || value[2] < 1)
		return -1;
	/* Fractions are cut; another zone than UTC is none of GitHub's. */
	text += sizeof(form) - 1;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcmp(text, "Z") != 0)
		return -1;
	return ((days_before(value[0], value[1]) + value[2] - 1) * 24 + value[3]) * 3600 +
	    value[4] * 60 + value[5];
}

void
when_write(int64_t seconds, char *out, size_t size)
{
	int64_t days, year = 1970;
	int month = 1, rest;

	if (seconds < 0)
		seconds = 0;
	if (seconds > INT64_C(253402300799))
		seconds = INT64_C(253402300799);
	days = seconds / 86400;
	rest = (int)(seconds % 86400);
	year += days / 366;
	while (days_before(year + 1, 1) <= days)
		year++;
	while (month < 12 && days_before(year, month + 1) <= days)
		month++;
	snprintf(out, size, "%04" PRId64 "-%02d-%02" PRId64 "T%02d:%02d:%02dZ", year, month,
	    days - days_before(year, month) + 1, rest / 3600, rest / 60 % 60, rest % 60);
}
