/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ts of Slack's, such as "1503435956.000247", is compared and moved as a
 * number of microseconds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#define FRACTION_DIGITS 6
#define SECONDS_DIGITS  12
#define MICROS INT64_C(1000000)

static int64_t ts_micros(const char *);
static void ts_write(char *, int64_t);

/* Returns the microseconds since 1970, or -1 if the text is not a ts. */
static int64_t
ts_micros(const char *ts)
{
	size_t whole = ts != NULL ? strspn(ts, TEXT_DIGITS) : 0;

	if (whole == 0 || whole > SECONDS_DIGITS || ts[whole] != '.' ||
	    strlen(ts + whole + 1) != FRACTION_DIGITS || !text_is_of(ts + whole + 1, TEXT_DIGITS))
		return -1;
	return strtoll(ts, NULL, 10) * MICROS + strtoll(ts + whole + 1, NULL, 10);
}

static void
ts_write(char *out, int64_t micros)
{
	if (micros < 0)
		micros = 0;
	snprintf(out, SLACK_TS_MAX, "%" PRId64 ".%06" PRId64, micros / MICROS, micros % MICROS);
}

bool
ts_valid(const char *ts)
{
	return ts_micros(ts) >= 0;
}

int
ts_compare(const char *a, const char *b)
{
	int64_t x = ts_micros(a), y = ts_micros(b);

	return x < y ? -1 : x > y;
}

void
ts_from_ms(char out[SLACK_TS_MAX], int64_t ms)
{
	ts_write(out, ms * 1000);
}

int64_t
ts_to_ms(const char *ts)
{
	int64_t micros = ts_micros(ts);

	return micros >= 0 ? micros / 1000 : 0;
}

void
ts_earlier(char out[SLACK_TS_MAX], const char *ts, int64_t ms)
{
	ts_write(out, ts_micros(ts) - ms * 1000);
}

void
ts_before(char out[SLACK_TS_MAX], const char *ts)
{
	ts_write(out, ts_micros(ts) - 1);
}

void
ts_copy(char out[SLACK_TS_MAX], const char *ts)
{
	snprintf(out, SLACK_TS_MAX, "%s", ts_valid(ts) ? ts : "");
}
