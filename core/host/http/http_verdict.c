/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges an answer by its status and headers, and reads the forms in which
 * vendors say when a limit ends.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/mem.h"
#include "host/http/http.h"

#define DAY_MS (24 * 60 * 60 * 1000ll)
#define EPOCH_LEAST 1000000000ll    /* a smaller number is seconds from now */
/* If the server's clock differs by more, its own times are measured by it. */
#define SKEW_MS (10 * 60 * 1000ll)

static int64_t http_whole_number(const char *, const char **end);
static int64_t http_iso_time(const char *);
static time_t http_date(const char *);
static int64_t http_wait_until(int64_t at, int64_t date, int64_t now);
static bool http_limit_spent(const struct http_answer *);
static int64_t http_limit_wait(const struct http_answer *, int64_t date, int64_t now);

const char *
http_header(const struct http_answer *answer, const char *name)
{
	const char *p = answer->headers.data, *end = p + answer->headers.len, *value;

	while (p != NULL && p < end) {
		value = p + strlen(p) + 1;
		if (strcasecmp(p, name) == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

/*
 * Reads a whole number, which may be as large as a date in ms. -1 if there is
 * none.
 */
static int64_t
http_whole_number(const char *s, const char **end)
{
	int64_t n = 0;

	s += strspn(s, " \t");
	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++) {
		if (n < 100000000000000ll)
			n = n * 10 + (*s - '0');
	}
	*end = s;
	return n;
}

/* Wall ms of an ISO time; -1 when s is not one, or lies before 1970. */
static int64_t
http_iso_time(const char *s)
{
	struct clock_iso iso;

	if (clock_parse_iso(s + strspn(s, " \t"), &iso) == NULL || iso.wall_ms <= 0)
		return -1;
	/*
	 * A time to the minute: the limit may last until that minute is over.
	 */
	return iso.has_seconds ? iso.wall_ms : iso.wall_ms + 60000;
}

/* No limit lasts longer than a day: a later time comes from a wrong clock. */
static int64_t
http_wait_until(int64_t at, int64_t date, int64_t now)
{
	int64_t reference =
	    date != 0 && (date > now + SKEW_MS || date < now - SKEW_MS) ? date : now;

	if (at <= reference)
		return 0;
	return at - reference > DAY_MS ? DAY_MS : at - reference;
}

/* Epoch seconds of a date of HTTP; -1 when s is not one. */
static time_t
http_date(const char *s)
{
	const struct http_curl *curl = http_curl(NULL);

	return curl != NULL ? curl->getdate(s, NULL) : -1;
}

int64_t
http_retry_after(const char *value, int64_t date, int64_t now)
{
	const char *end = NULL;
	int64_t n = http_whole_number(value, &end);
	time_t at;

	if (n >= 0) {
		if (*end == '.') {
			n++;
			end += 1 + strspn(end + 1, "0123456789");
		}
		if (end[strspn(end, " \t")] != '\0')
			return -1;
		return n > DAY_MS / 1000 ? DAY_MS : n * 1000;
	}
	if ((at = http_date(value)) == -1)
		return -1;
	return http_wait_until((int64_t)at * 1000, date, now);
}

int64_t
http_reset(const char *value, int64_t date, int64_t now)
{
	const char *end = NULL;
	int64_t n = http_whole_number(value, &end), at;

	if (n < 0)
		return -1;
	if (*end == '-')
		return (at = http_iso_time(value)) < 0 ? -1 : http_wait_until(at, date, now);
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (end[strspn(end, " \t")] != '\0')
		return -1;
	if (n < EPOCH_LEAST)
		return n > DAY_MS / 1000 ? DAY_MS : n * 1000;
	return http_wait_until(n > EPOCH_LEAST * 1000 ? n : n * 1000, date, now);
}

/*
 * Some vendors name a reset in every answer. It means something only when
 * nothing remains of the limit.
 */
static bool
http_limit_spent(const struct http_answer *answer)
{
	static const char *const names[] = { "x-ratelimit-remaining", "ratelimit-remaining" };
	const char *value, *end;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((value = http_header(answer, names[i])) != NULL)
			return http_whole_number(value, &end) == 0;
	}
	return true;
}

static int64_t
http_limit_wait(const struct http_answer *answer, int64_t date, int64_t now)
{
	static const char *const resets[] = { "x-ratelimit-reset", "ratelimit-reset" };
	const char *value = http_header(answer, "retry-after");
	int64_t wait;

	if (value != NULL && (wait = http_retry_after(value, date, now)) >= 0)
		return wait;
	for (size_t i = 0; i < ARRAY_LEN(resets); i++) {
		if ((value = http_header(answer, resets[i])) != NULL && http_limit_spent(answer) &&
		    (wait = http_reset(value, date, now)) >= 0)
			return wait;
	}
	return -1;
}

void
http_verdict(const struct http_answer *answer, int64_t now, struct drover_http_verdict *v)
{
	const char *date_text = http_header(answer, "date"),
		   *reason = http_header(answer, "ratelimit-reason");
	time_t date = date_text != NULL ? http_date(date_text) : -1;
	int64_t wait = http_limit_wait(answer, date > 0 ? (int64_t)date * 1000 : 0, now);
	int status = answer->status;

	memset(v, 0, sizeof *v);
	v->size = sizeof *v;
	if (status >= 200 && status <= 299)
		return;
	if (status == 401)
		v->code = DROVER_AUTH;
	else if (status == 429 || (status == 403 && wait >= 0))
		v->code = DROVER_QUOTA;
	else if (status == 408 || status == 425 || status >= 500 || status < 400)
		v->code = DROVER_AGAIN;
	if (v->code == DROVER_QUOTA || v->code == DROVER_AGAIN)
		v->retry_after_ms = wait > 0 ? wait : 0;
	if (v->code == DROVER_QUOTA)
		(void)snprintf(v->text, sizeof v->text, "answered %d: a limit is reached%s%.60s",
		    status, reason != NULL ? ": " : "", reason != NULL ? reason : "");
	else if (v->code != 0)
		(void)snprintf(v->text, sizeof v->text, "answered %d%s", status,
		    status == 304     ? " to a request without a condition" :
			status == 401 ? ": the credential was refused" :
					"");
}
