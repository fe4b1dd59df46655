/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the time of a limit's reset from a vendor's text: a time of day, a
 * span, a number or a timestamp. A time that makes no sense, is past, or is too
 * far ahead to believe counts as no time.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "host/agent/reset.h"

#define SECOND INT64_C(1000)
#define DAY (86400 * SECOND)
#define FAR (35 * DAY)
#define JUST_NOW (120 * SECOND)  /* vendors write times of day to the minute */
#define ZONEINFO "/usr/share/zoneinfo"

struct reset_moment {
	int year, month, day;        /* -1 if the text does not say; month counts from 0 */
	int hour, minute;
};

static int64_t reset_clock_next(const char *text, const char *zone, int64_t now);
static bool reset_clock_parse(const char *s, struct reset_moment *);
static bool reset_clock_parse_date(const char **s, struct reset_moment *);
static int64_t reset_clock_pick(const struct reset_moment *, int64_t now);
static int64_t reset_clock_on_day(const struct reset_moment *, const struct tm *day, int64_t after);
static int64_t reset_parse_relative(const char *s, int64_t now);
static int64_t reset_relative_unit(const char **s);
static int64_t reset_parse_epoch(const char *s);
static int64_t reset_parse_iso(const char *s, const char *zone);
static char *reset_zone_enter(const char *zone);
static void reset_zone_leave(char *saved);
static void reset_skip(const char **s, const char *set);
static bool reset_take_number(const char **s, size_t digits, int *value);
static bool reset_take_word(const char **s, const char *w);

static const char *const kind_names[] = { "none", "clock", "relative", "epoch", "iso" };

int
reset_kind(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kind_names); i++) {
		if (strcmp(kind_names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

int64_t
reset_time(enum reset kind, const char *text, const char *zone, int64_t now)
{
	int64_t at = 0;

	switch (kind) {
	case RESET_NONE:
		break;
	case RESET_CLOCK:
		at = reset_clock_next(text, zone, now);
		break;
	case RESET_RELATIVE:
		at = reset_parse_relative(text, now);
		break;
	case RESET_EPOCH:
		at = reset_parse_epoch(text);
		break;
	case RESET_ISO:
		at = reset_parse_iso(text, zone);
		break;
	}
	return at > now && at <= now + FAR ? at : 0;
}

static int64_t
reset_clock_next(const char *text, const char *zone, int64_t now)
{
	struct reset_moment m;
	char *saved;
	int64_t at;

	if (!reset_clock_parse(text, &m))
		return 0;
	saved = reset_zone_enter(zone);
	at = reset_clock_pick(&m, now);
	reset_zone_leave(saved);
	return at > now - JUST_NOW && at <= now ? now + JUST_NOW / 2 : at;
}

static bool
reset_clock_parse(const char *s, struct reset_moment *m)
{
	*m = (struct reset_moment){ .year = -1, .month = -1, .day = -1 };
	if (!reset_clock_parse_date(&s, m) || !reset_take_number(&s, 2, &m->hour))
		return false;
	if (*s == ':') {
		s++;
		if (!reset_take_number(&s, 2, &m->minute))
			return false;
	}
	/* Some locales put a narrow no-break space (three bytes) before AM. */
	reset_skip(&s, " \xc2\xa0\xe2\x80\xaf");
	if (*s != '\0' && strchr("aApP", *s) != NULL) {
		if (m->hour < 1 || m->hour > 12)
			return false;
		m->hour = m->hour % 12 + (tolower((unsigned char)*s) == 'p' ? 12 : 0);
	}
	return m->hour <= 23 && m->minute <= 59;
}

/* A month and a day may precede the time of day, and a year may follow them. */
static bool
reset_clock_parse_date(const char **s, struct reset_moment *m)
{
	static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul",
		"aug", "sep", "oct", "nov", "dec" };
	const char *before;
	int i;

	reset_skip(s, " ");
	if (!isalpha((unsigned char)**s))
		return true;
	for (i = 0; i < 12; i++) {
		if (strncasecmp(*s, months[i], 3) == 0)
			m->month = i;
	}
	while (isalpha((unsigned char)**s))
		(*s)++;
	reset_skip(s, ". ");
	if (m->month < 0 || !reset_take_number(s, 2, &m->day) || m->day < 1 || m->day > 31)
		return false;
	if (!reset_take_word(s, "st") && !reset_take_word(s, "nd") && !reset_take_word(s, "rd"))
		reset_take_word(s, "th");
	reset_skip(s, ", ");
	before = *s;
	if (!reset_take_number(s, 4, &m->year) || m->year < 1970) {
		*s = before;
		m->year = -1;
	}
	reset_skip(s, ", ");
	reset_take_word(s, "at");
	reset_skip(s, " ");
	return true;
}

static int64_t
reset_clock_pick(const struct reset_moment *m, int64_t now)
{
	time_t seconds = (time_t)((now - JUST_NOW) / SECOND);
	struct tm day;
	int64_t at;
	int i;

	if (localtime_r(&seconds, &day) == NULL)
		return 0;
	if (m->month >= 0) {
		day.tm_mon = m->month;
		day.tm_mday = m->day;
		if (m->year >= 0)
			day.tm_year = m->year - 1900;
		at = reset_clock_on_day(m, &day, now - JUST_NOW);
		if (at != 0 || m->year >= 0)
			return at;
		day.tm_year++;
		return reset_clock_on_day(m, &day, now - JUST_NOW);
	}
	for (i = 0; i < 3; i++) {
		at = reset_clock_on_day(m, &day, now - JUST_NOW);
		if (at != 0)
			return at;
		day.tm_mday++;
	}
	return 0;
}

/*
 * The first moment later than after at which the clock shows m on that day. An
 * hour that occurs twice has two such moments; one that is skipped is shifted.
 */
static int64_t
reset_clock_on_day(const struct reset_moment *m, const struct tm *day, int64_t after)
{
	int64_t at, best = 0;
	struct tm tm;
	int dst;

	for (dst = 1; dst >= -1; dst--) {
		tm = *day;
		tm.tm_hour = m->hour;
		tm.tm_min = m->minute;
		tm.tm_sec = 0;
		tm.tm_isdst = dst;
		at = (int64_t)mktime(&tm) * SECOND;
		if (dst >= 0 &&
		    (tm.tm_isdst != dst || tm.tm_hour != m->hour || tm.tm_min != m->minute))
			continue;
		if (at > after && (best == 0 || at < best))
			best = at;
	}
	return best;
}

static int64_t
reset_parse_relative(const char *s, int64_t now)
{
	int64_t sum = 0, unit;
	double value;
	char *end;
	bool any = false;

	for (;;) {
		reset_skip(&s, " ,\t");
		if (reset_take_word(&s, "and"))
			reset_skip(&s, " ");
		if (!isdigit((unsigned char)*s))
			break;
		value = strtod(s, &end);
		s = end;
		reset_skip(&s, " ");
		unit = reset_relative_unit(&s);
		if (unit == 0 || !(value * (double)unit <= (double)FAR))
			return 0;
		sum += (int64_t)(value * (double)unit);
		any = true;
		if (sum > FAR)
			return 0;
	}
	return any ? now + (sum > 0 ? sum : 1) : 0;
}

/* Length of the unit in ms; 0 when the word is not a unit. */
static int64_t
reset_relative_unit(const char **s)
{
	static const struct { const char *name; int64_t ms;
	} units[] = {
		{ "", SECOND },
		{ "ms", 1 },
		{ "millisecond", 1 },
		{ "milliseconds", 1 },
		{ "s", SECOND },
		{ "sec", SECOND },
		{ "secs", SECOND },
		{ "second", SECOND },
		{ "seconds", SECOND },
		{ "m", 60 * SECOND },
		{ "min", 60 * SECOND },
		{ "mins", 60 * SECOND },
		{ "minute", 60 * SECOND },
		{ "minutes", 60 * SECOND },
		{ "h", 3600 * SECOND },
		{ "hr", 3600 * SECOND },
		{ "hrs", 3600 * SECOND },
		{ "hour", 3600 * SECOND },
		{ "hours", 3600 * SECOND },
		{ "d", DAY },
		{ "day", DAY },
		{ "days", DAY },
		{ "w", 7 * DAY },
		{ "week", 7 * DAY },
		{ "weeks", 7 * DAY },
	};
	size_t i, len = 0;

	while (isalpha((unsigned char)(*s)[len]))
		len++;
	for (i = 0; i < ARRAY_LEN(units); i++) {
		if (strlen(units[i].name) == len && strncasecmp(units[i].name, *s, len) == 0) {
			*s += len;
			return units[i].ms;
		}
	}
	return 0;
}

static int64_t
reset_parse_epoch(const char *s)
{
	size_t len = strspn(s, "0123456789");
	int64_t value;

	if (len < 9 || len > 13)
		return 0;
	value = strtoll(s, NULL, 10);
	return len > 10 ? value : value * SECOND;
}

static int64_t
reset_parse_iso(const char *s, const char *zone)
{
	struct clock_iso iso;
	char *saved;
	int64_t at;

	if (clock_parse_iso(s, &iso) == NULL)
		return 0;
	if (iso.has_zone)
		return iso.wall_ms;
	saved = reset_zone_enter(zone);
	at = (int64_t)mktime(&iso.tm) * SECOND;
	reset_zone_leave(saved);
	return at;
}

/*
 * Sets the process's local time to the zone's and returns what
 * reset_zone_leave() needs to set it back. The C library has no other way, and
 * a job's process has one thread. The name is not trusted: it must be that of a
 * file of the zone database.
 */
static char *
reset_zone_enter(const char *zone)
{
	const char *was = getenv("TZ");
	char *file, *saved;
	bool known;

	if (zone == NULL || *zone == '\0' || *zone == '/' || strstr(zone, "..") != NULL ||
	    zone[strspn(zone,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/")] != '\0') {
		tzset();
		return NULL;
	}
	file = xasprintf("%s/%s", ZONEINFO, zone);
	known = access(file, R_OK) == 0;
	free(file);
	if (!known) {
		tzset();
		return NULL;
	}
	saved = xasprintf("%c%s", was != NULL ? '=' : '-', was != NULL ? was : "");
	setenv("TZ", zone, 1);
	tzset();
	return saved;
}

static void
reset_zone_leave(char *saved)
{
	if (saved == NULL)
		return;
	if (*saved == '=')
		setenv("TZ", saved + 1, 1);
	else
		unsetenv("TZ");
	tzset();
	free(saved);
}

static void
reset_skip(const char **s, const char *set)
{
	*s += strspn(*s, set);
}

/* Reads a number of at most digits digits that no further digit follows. */
static bool
reset_take_number(const char **s, size_t digits, int *value)
{
	size_t len = strspn(*s, "0123456789");

	if (len == 0 || len > digits)
		return false;
	*value = (int)strtol(*s, NULL, 10);
	*s += len;
	return true;
}

static bool
reset_take_word(const char **s, const char *w)
{
	size_t len = strlen(w);

	if (strncasecmp(*s, w, len) != 0 || isalpha((unsigned char)(*s)[len]))
		return false;
	*s += len;
	return true;
}
