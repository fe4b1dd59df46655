/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of agents' errors: its own examples, times of all shapes, and
 * files that are refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "host/agent/agent.h"
#include "host/agent/reset.h"

#include "suite.h"
#include "temp.h"

#define CATALOGUE SOURCE_DIR "/data/agent-errors.conf"
#define NOW INT64_C(1699990000000) /* 2023-11-14 19:26:40 UTC */

static struct catalogue *catalogue;

static int64_t wall(const char *iso);
static void zone(const char *name);

static void
setup(void)
{
	struct error err;

	zone("UTC");
	catalogue = catalogue_load(CATALOGUE, &err);
	ck_assert_msg(catalogue != NULL, "%s", err.text);
}

static void
teardown(void)
{
	catalogue_free(catalogue);
}

START_TEST(every_entry_matches_its_examples)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin", "America/Los_Angeles",
		"Asia/Kolkata", "Pacific/Chatham" };
	struct error err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(zones); i++) {
		zone(zones[i]);
		ck_assert_msg(catalogue_verify(catalogue, NOW, &err) == 0, "%s", err.text);
	}
}
END_TEST

START_TEST(a_reset_is_read)
{
	static const struct { const char *text; int class; const char *until;
	} cases[] = {
		{ "You’ve hit your usage limit. Visit x or try again at 3:40 AM.", DROVER_QUOTA,
		    "2023-11-15T03:40:00.000Z" },
		{ "You've hit your usage limit. Try again at 11:05 PM.", DROVER_QUOTA,
		    "2023-11-14T23:05:00.000Z" },
		{ "You've hit your usage limit. Try again at Nov 17th, 2023 3:40 AM.", DROVER_QUOTA,
		    "2023-11-17T03:40:00.000Z" },
		{ "You've hit your usage limit. Upgrade or try again in 5 days 3 hours.",
		    DROVER_QUOTA, "2023-11-19T22:26:40.000Z" },
		{ "Claude AI usage limit reached|1700000000", DROVER_QUOTA,
		    "2023-11-14T22:13:20.000Z" },
		{ "5-hour limit reached ∙ resets 3am", DROVER_QUOTA, "2023-11-15T03:00:00.000Z" },
		{ "You've hit your limit · resets 3:10am (Europe/Berlin)", DROVER_QUOTA,
		    "2023-11-15T02:10:00.000Z" },
		{ "You've hit your weekly limit · resets Nov 17, 3pm (Asia/Tokyo)", DROVER_QUOTA,
		    "2023-11-17T06:00:00.000Z" },
		{ "You've hit your weekly limit · resets Nov 17 at 3pm", DROVER_QUOTA,
		    "2023-11-17T15:00:00.000Z" },
		{ "429 RESOURCE_EXHAUSTED quota, please retry in 32.5s.", DROVER_QUOTA,
		    "2023-11-14T19:27:12.500Z" },
		{ "Rate limit reached for gpt-5. Please try again in 6m0s.", DROVER_QUOTA,
		    "2023-11-14T19:32:40.000Z" },
		{ "You've hit your limit (limit, resetsAt 1700000000)", DROVER_QUOTA,
		    "2023-11-14T22:13:20.000Z" },
		{ "You've hit your limit · resets 10pm (UTC) (limit, resetsAt 1700000000)",
		    DROVER_QUOTA, "2023-11-14T22:13:20.000Z" },
		{ "You've hit your usage limit. Try again later.", DROVER_QUOTA, NULL },
		{ "Invalid API key · Please run /login", DROVER_AUTH, NULL },
		{ "OAuth token has expired", DROVER_AUTH, NULL },
		{ "API Error: 529 overloaded_error", DROVER_AGAIN, NULL },
		{ "I have limited the rate at which the form reconnects.", 0, NULL },
		{ "Fixed 401 lines; tests pass.", 0, NULL },
		{ "", 0, NULL },
	};
	char text[32];
	int64_t until;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(catalogue_match(catalogue, cases[i].text, strlen(cases[i].text), NOW,
				  &until) == cases[i].class,
		    "%s", cases[i].text);
		ck_assert_msg(strcmp(until == 0 ? "" : clock_format(until, text, sizeof text),
				  cases[i].until != NULL ? cases[i].until : "") == 0,
		    "%s: %s", cases[i].text, until == 0 ? "none" : text);
	}
}
END_TEST

START_TEST(talk_about_errors_is_no_error)
{
	static const char talk[] =
	    "Fixed: the client now survives ECONNRESET and 503 Service Unavailable.";
	static const char error[] = "Claude AI usage limit reached|1700000000";
	int64_t until;

	ck_assert_int_eq(catalogue_match(catalogue, talk, strlen(talk), NOW, &until), DROVER_AGAIN);
	ck_assert_int_eq(catalogue_match_start(catalogue, talk, strlen(talk), NOW, &until), 0);
	ck_assert_int_eq(catalogue_match_start(catalogue, error, strlen(error), NOW, &until),
	    DROVER_QUOTA);
	ck_assert_int_eq(until, INT64_C(1700000000000));
}
END_TEST

START_TEST(a_clock_means_the_next_such_time)
{
	static const struct { const char *zone, *now, *text, *named, *until;
	} cases[] = {
		/* around midnight */
		{ "UTC", "2023-11-14T23:59:30Z", "12:10 AM", NULL, "2023-11-15T00:10:00Z" },
		{ "UTC", "2023-11-14T00:05:00Z", "11:59 PM", NULL, "2023-11-14T23:59:00Z" },
		{ "UTC", "2023-12-31T22:00:00Z", "3am", NULL, "2024-01-01T03:00:00Z" },
		{ "UTC", "2023-11-14T12:00:00Z", "12pm", NULL, "2023-11-14T12:01:00Z" },
		{ "UTC", "2023-11-14T12:00:00Z", "12:00 a.m.", NULL, "2023-11-15T00:00:00Z" },
		{ "UTC", "2023-11-14T12:00:00Z", "15:40", NULL, "2023-11-14T15:40:00Z" },
		/* written to the minute, seen a moment later */
		{ "UTC", "2023-11-14T03:40:40Z", "3:40 AM", NULL, "2023-11-14T03:41:40Z" },
		{ "UTC", "2023-11-14T03:43:00Z", "3:40 AM", NULL, "2023-11-15T03:40:00Z" },
		/* here, there, and nowhere */
		{ "Europe/Berlin", "2023-11-14T19:00:00Z", "3am", NULL, "2023-11-15T02:00:00Z" },
		{ "Europe/Berlin", "2023-11-14T19:00:00Z", "3am", "America/New_York",
		    "2023-11-15T08:00:00Z" },
		{ "Asia/Kolkata", "2023-11-14T19:00:00Z", "3am", "UTC", "2023-11-15T03:00:00Z" },
		{ "Europe/Berlin", "2023-11-14T19:00:00Z", "3am", "Mars/Olympus",
		    "2023-11-15T02:00:00Z" },
		{ "Europe/Berlin", "2023-11-14T19:00:00Z", "3am", "../../etc/passwd",
		    "2023-11-15T02:00:00Z" },
		/* the hour that comes twice: both are tried */
		{ "Europe/Berlin", "2023-10-28T23:50:00Z", "2:30am", NULL, "2023-10-29T00:30:00Z" },
		{ "Europe/Berlin", "2023-10-29T00:40:00Z", "2:30am", NULL, "2023-10-29T01:30:00Z" },
		{ "Europe/Berlin", "2023-10-29T01:40:00Z", "2:30am", NULL, "2023-10-30T01:30:00Z" },
		/* the hour that does not come: moved, within the hour */
		{ "Europe/Berlin", "2023-03-26T00:30:00Z", "2:30am", NULL, "2023-03-26T01:30:00Z" },
		/* the day after is an hour shorter or longer */
		{ "America/New_York", "2024-03-09T20:00:00Z", "6am", NULL, "2024-03-10T10:00:00Z" },
		{ "America/New_York", "2024-11-02T20:00:00Z", "6am", NULL, "2024-11-03T11:00:00Z" },
		/* dates */
		{ "UTC", "2023-12-30T10:00:00Z", "Jan 2, 3pm", NULL, "2024-01-02T15:00:00Z" },
		{ "UTC", "2023-11-14T10:00:00Z", "November 21st, 2023 9:05 PM", NULL,
		    "2023-11-21T21:05:00Z" },
		{ "UTC", "2023-11-14T10:00:00Z", "Nov 1, 2023 3pm", NULL, NULL },
		{ "UTC", "2023-11-14T10:00:00Z", "Nov 1, 2033 3pm", NULL, NULL },
		{ "UTC", "2023-11-14T10:00:00Z", "25:00", NULL, NULL },
		{ "UTC", "2023-11-14T10:00:00Z", "13pm", NULL, NULL },
		{ "UTC", "2023-11-14T10:00:00Z", "never", NULL, NULL },
		{ "UTC", "2023-11-14T10:00:00Z", "", NULL, NULL },
	};
	char text[32];
	int64_t until;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		zone(cases[i].zone);
		until = reset_time(RESET_CLOCK, cases[i].text, cases[i].named, wall(cases[i].now));
		ck_assert_msg(until == (cases[i].until != NULL ? wall(cases[i].until) : 0),
		    "%s at %s in %s: %s", cases[i].text, cases[i].now, cases[i].zone,
		    clock_format(until, text, sizeof text));
		ck_assert_str_eq(getenv("TZ"), cases[i].zone);
	}
}
END_TEST

START_TEST(spans_and_stamps_are_read)
{
	static const struct { enum reset kind; const char *text; int64_t after;
	} cases[] = {
		{ RESET_RELATIVE, "32.5s", 32500 },
		{ RESET_RELATIVE, "1d 2h", 26 * 3600000 },
		{ RESET_RELATIVE, "6m0s", 360000 },
		{ RESET_RELATIVE, "5 days 3 hours 12 minutes.",
		    ((5 * 24 + 3) * 60 + 12) * INT64_C(60000) },
		{ RESET_RELATIVE, "1 hour, and 30 seconds", 3630000 },
		{ RESET_RELATIVE, "250ms", 250 },
		{ RESET_RELATIVE, "45", 45000 },
		{ RESET_RELATIVE, "0s", 1 },
		{ RESET_RELATIVE, "5 parsecs", 0 },
		{ RESET_RELATIVE, "9999999 weeks", 0 },
		{ RESET_RELATIVE, "soon", 0 },
		{ RESET_EPOCH, "1700000000", INT64_C(1700000000000) - NOW },
		{ RESET_EPOCH, "1700000000123", INT64_C(1700000000123) - NOW },
		{ RESET_EPOCH, "1600000000", 0 },
		{ RESET_EPOCH, "9999999999", 0 },
		{ RESET_EPOCH, "17", 0 },
		{ RESET_ISO, "2023-11-15T03:40:00Z", INT64_C(1700019600000) - NOW },
		{ RESET_ISO, "2023-11-15T03:40:00.5+01:00", INT64_C(1700016000000) - NOW },
		{ RESET_ISO, "2023-11-15 03:40", INT64_C(1700019600000) - NOW },
		{ RESET_ISO, "2023-11-15", 0 },
		{ RESET_NONE, "3am", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(reset_time(cases[i].kind, cases[i].text, NULL, NOW) ==
			(cases[i].after != 0 ? NOW + cases[i].after : 0),
		    "%s: %lld", cases[i].text,
		    (long long)reset_time(cases[i].kind, cases[i].text, NULL, NOW) - NOW);
}
END_TEST

START_TEST(a_bad_file_is_refused)
{
	static const struct { const char *text, *error;
	} cases[] = {
		{ "errors = (", ":1: syntax error" },
		{ "mistakes = ();", "the file has no list \"errors\"" },
		{ "errors = ();", "the file has no list \"errors\"" },
		{ "errors = ( 7 );", "an entry needs" },
		{ "\n\nerrors = ( { agent = \"x\"; pattern = \"a\"; class = \"again\"; } );",
		    ":3: an entry needs" },
		{ "errors = ( { agent = \"x\"; pattern = \"a\"; class = \"fenced\"; example = "
		  "\"a\"; } );",
		    "class \"fenced\"" },
		{ "errors = ( { agent = \"x\"; pattern = \"(\"; class = \"again\"; example = "
		  "\"a\"; } );",
		    "pattern: missing closing parenthesis" },
		{ "errors = ( { agent = \"x\"; pattern = \"a\"; class = \"quota\"; reset = "
		  "\"soon\"; example = \"a\"; } );",
		    "reset \"soon\"" },
		{ "errors = ( { agent = \"x\"; pattern = \"a\"; class = \"quota\"; reset = "
		  "\"clock\"; example = \"a\"; } );",
		    "(?<reset>...)" },
		{ "errors = ( { agent = \"x\"; pattern = \"a\"; class = \"quota\"; example = ( 1 "
		  "); } );",
		    "example must be a string" },
	};
	char *dir = temp_make(), *path;
	struct error err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		path = temp_file(dir, "errors.conf", cases[i].text);
		ck_assert(catalogue_load(path, &err) == NULL);
		ck_assert_int_eq(err.code, DROVER_CONFIG);
		ck_assert_msg(strstr(err.text, cases[i].error) != NULL, "%s", err.text);
		ck_assert(strncmp(err.text, path, strlen(path)) == 0);
		free(path);
	}
	ck_assert(catalogue_load("/nonexistent/errors.conf", &err) == NULL);
	temp_remove(dir);
}
END_TEST

START_TEST(an_example_must_be_its_own_entrys)
{
	char *dir = temp_make(), *path;
	struct catalogue *c;
	struct error err;

	path = temp_file(dir, "errors.conf",
	    "errors = ( { agent = \"x\"; pattern = \"limit\"; class = \"quota\"; example = "
	    "\"limit\"; },\n"
	    "           { agent = \"x\"; pattern = \"my limit\"; class = \"auth\"; example = \"my "
	    "limit\"; } );");
	c = catalogue_load(path, &err);
	ck_assert(c != NULL);
	ck_assert_int_eq(catalogue_verify(c, NOW, &err), -1);
	ck_assert_msg(strstr(err.text,
			  ":2: the example \"my limit\" is matched first by the entry of line 1") !=
		NULL,
	    "%s", err.text);
	catalogue_free(c);
	free(path);
	temp_remove(dir);
}
END_TEST

/*
 * A pattern that would search for years gives up, and so does one that is fed a
 * megabyte.
 */
START_TEST(hostile_text_is_bounded)
{
	char *dir = temp_make(), *path;
	size_t len = 1024 * 1024;
	char *text = xmalloc(len);
	struct catalogue *c;
	struct error err;
	int64_t until;

	memset(text, 'a', len);
	path = temp_file(dir, "errors.conf",
	    "errors = ( { agent = \"x\"; pattern = \"(?:a|a)+[xy]\"; class = \"again\"; example = "
	    "\"ax\"; } );");
	c = catalogue_load(path, &err);
	ck_assert(c != NULL);
	ck_assert_int_eq(catalogue_match(c, text, len, NOW, &until), 0);
	ck_assert_int_eq(catalogue_match(catalogue, text, len, NOW, &until), 0);
	memcpy(text + len - 20, "Invalid API key, oh ", 20);
	ck_assert_int_eq(catalogue_match(catalogue, text, len, NOW, &until), DROVER_AUTH);
	catalogue_free(c);
	free(text);
	free(path);
	temp_remove(dir);
}
END_TEST

START_TEST(no_words_do_harm)
{
	static const char *const parts[] = { "You've hit your usage limit", " try again at ",
		" try again in ", "resets ", "3", ":", "40 AM", " Nov 31st, ", "2023", "9999999999",
		" days", "|", " (Europe/Berlin)", " (", "T", "-", "\xe2\x80", "\xff", "limit",
		"rate limit", "\n", "quota", ".5s" };
	char text[512];
	int64_t until;
	size_t len, n;
	int i;

	srand(20231115);
	for (i = 0; i < 20000; i++) {
		for (len = 0; len < 200 && rand() % 12 != 0; len += n) {
			snprintf(text + len, sizeof text - len, "%s",
			    parts[(size_t)rand() % ARRAY_LEN(parts)]);
			n = strlen(text + len);
		}
		text[len] = '\0';
		catalogue_match(catalogue, text, len, NOW, &until);
		ck_assert(until == 0 || (until > NOW && until <= NOW + INT64_C(35) * 86400000));
		reset_time(RESET_CLOCK, text, text, NOW);
		reset_time(RESET_RELATIVE, text, NULL, NOW);
		reset_time(RESET_ISO, text, NULL, NOW);
	}
}
END_TEST

static int64_t
wall(const char *iso)
{
	struct tm tm = { .tm_isdst = 0 };

	ck_assert_ptr_nonnull(strptime(iso, "%Y-%m-%dT%H:%M:%SZ", &tm));
	return (int64_t)timegm(&tm) * 1000;
}

static void
zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "catalogue", setup, teardown);

	tcase_add_test(tc, every_entry_matches_its_examples);
	tcase_add_test(tc, a_reset_is_read);
	tcase_add_test(tc, talk_about_errors_is_no_error);
	tcase_add_test(tc, a_clock_means_the_next_such_time);
	tcase_add_test(tc, spans_and_stamps_are_read);
	tcase_add_test(tc, a_bad_file_is_refused);
	tcase_add_test(tc, an_example_must_be_its_own_entrys);
	tcase_add_test(tc, hostile_text_is_bounded);
	tcase_add_test(tc, no_words_do_harm);
}

SUITE(cases)
