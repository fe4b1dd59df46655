/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ts of Slack's, "1503435956.000247": compared and moved by its two parts,
 * seconds and microseconds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#define TS_FRACTION 6
#define TS_SECONDS_MAX 12
#define SECONDS_END UINT64_C(1000000000000)
#define MICROS INT64_C(1000000)

static bool ts_parts(const char *, int64_t *, int64_t *);
static void ts_format(char *, int64_t, int64_t);

static bool
ts_parts(const char *ts, int64_t *seconds, int64_t *micros)
{
	size_t whole, fraction;

	if (ts == NULL)
		return false;
	whole = strspn(ts, "0123456789");
	if (whole == 0 || whole > TS_SECONDS_MAX || ts[whole] != '.')
		return false;
	fraction = strspn(ts + whole + 1, "0123456789");
	if (fraction != TS_FRACTION || ts[whole + 1 + fraction] != '\0')
		return false;
	*seconds = strtoll(ts, NULL, 10);
	*micros = strtoll(ts + whole + 1, NULL, 10);
	return true;
}

static void
ts_format(char *out, int64_t seconds, int64_t micros)
{
	if (seconds < 0)
		seconds = micros = 0;
	snprintf(out, SLACK_TS_MAX, "%" PRIu64 ".%06u", (uint64_t)seconds % SECONDS_END,
	    (unsigned)(micros % MICROS));
}

bool
ts_valid(const char *ts)
{
	int64_t seconds, micros;

	return ts_parts(ts, &seconds, &micros);
}

int
ts_compare(const char *a, const char *b)
{
	int64_t as = -1, au = 0, bs = -1, bu = 0;

	if (!ts_parts(a, &as, &au))
		as = -1;
	if (!ts_parts(b, &bs, &bu))
		bs = -1;
	if (as != bs)
		return as < bs ? -1 : 1;
	if (au != bu)
		return au < bu ? -1 : 1;
	return 0;
}

void
ts_from_ms(char out[SLACK_TS_MAX], int64_t ms)
{
	ts_format(out, ms / 1000, ms % 1000 * 1000);
}

int64_t
ts_to_ms(const char *ts)
{
	int64_t seconds, micros;

	return ts_parts(ts, &seconds, &micros) ? seconds * 1000 + micros / 1000 : 0;
}

void
ts_earlier(char out[SLACK_TS_MAX], const char *ts, int64_t ms)
{
	int64_t seconds = 0, micros = 0, all;

	if (!ts_parts(ts, &seconds, &micros))
		seconds = micros = 0;
	all = seconds * MICROS + micros - ms * 1000;
	if (all < 0)
		all = 0;
	ts_format(out, all / MICROS, all % MICROS);
}

void
ts_before(char out[SLACK_TS_MAX], const char *ts)
{
	int64_t seconds = 0, micros = 0, all;

	if (!ts_parts(ts, &seconds, &micros))
		seconds = micros = 0;
	all = seconds * MICROS + micros - 1;
	if (all < 0)
		all = 0;
	ts_format(out, all / MICROS, all % MICROS);
}

void
ts_copy(char out[SLACK_TS_MAX], const char *ts)
{
	snprintf(out, SLACK_TS_MAX, "%s", ts_valid(ts) ? ts : "");
}
