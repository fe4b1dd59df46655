/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What host->http keeps of answers, and how it reads the headers that vendors
 * write.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/path.h"
#include "suite.h"
#include "test_http.h"

static bool
conditional(int n)
{
	return strstr(server_request(&server, n), "If-None-Match:") != NULL;
}

static int
cached(const char *path)
{
	request.flags = DROVER_HTTP_CACHED;
	request.path = path;
	return ask();
}

/*
 * The files of the cache; the path of one of them, where asked for, is the
 * caller's to free.
 */
static int
files(char **one, int64_t *bytes)
{
	char *dir = path_join(scope.config->state_dir, "http/plug"), *path;
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		path = path_join(dir, e->d_name);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 0777, 0600);
		if (bytes != NULL)
			*bytes += st.st_size;
		if (one != NULL && n == 0)
			*one = path;
		else
			free(path);
		n++;
	}
	if (d != NULL)
		closedir(d);
	free(dir);
	return n;
}

START_TEST(a_304_gives_what_was_kept)
{
	char link[256];

	snprintf(link, sizeof link,
	    "ETag: W/\"abc\"\r\nX-Left: 9\r\nLink: <%s/a?page=2>; rel=\"next\"\r\n", server.base);
	queue(SERVER_KEEP, "200 OK", link, "[1, 2]");
	ck_assert_int_eq(cached("/a"), 0);
	ck_assert_int_eq(response.not_modified, 0);
	ck_assert(!conditional(0));
	server_answer(&server, SERVER_KEEP,
	    "HTTP/1.1 304 Not Modified\r\nETag: W/\"abc\"\r\nX-Left: 8\r\n\r\n", 0);
	ck_assert_int_eq(cached("/a"), 0);
	ck_assert_ptr_nonnull(
	    strstr(server_request(&server, 1), "\r\nIf-None-Match: W/\"abc\"\r\n"));
	ck_assert_int_eq(response.not_modified, 1);
	ck_assert_int_eq(response.status, 200);
	ck_assert_str_eq(response.body, "[1, 2]");
	ck_assert_ptr_nonnull(strstr(response.next, "/a?page=2"));
	ck_assert_str_eq(host_http.header(&scope.public, &response, "x-left"), "8");
	/* Changed: the new one is kept instead. */
	queue(SERVER_KEEP, "200 OK", "ETag: \"new\"\r\n", "[3]");
	ck_assert_int_eq(cached("/a"), 0);
	ck_assert(conditional(2));
	ck_assert_str_eq(response.body, "[3]");
	server_answer(&server, SERVER_KEEP, "HTTP/1.1 304 Not Modified\r\n\r\n", 0);
	ck_assert_int_eq(cached("/a"), 0);
	ck_assert_ptr_nonnull(strstr(server_request(&server, 3), "If-None-Match: \"new\"\r\n"));
	ck_assert_str_eq(response.body, "[3]");
	ck_assert_int_eq(files(NULL, NULL), 1);
}
END_TEST

START_TEST(what_is_kept_is_for_the_same_question)
{
	const struct drover_field accept = { "Accept", "text/plain" };

	for (int i = 0; i < 5; i++)
		queue(SERVER_KEEP, "200 OK", "ETag: \"a\"\r\n", "x");
	ck_assert_int_eq(cached("/a"), 0);
	ck_assert_int_eq(cached("/a?b"), 0);
	request.credential = "someone else";
	ck_assert_int_eq(cached("/a"), 0);
	request.credential = "bot";
	request.headers = &accept;
	request.headers_len = 1;
	ck_assert_int_eq(cached("/a"), 0);
	request.headers_len = 0;
	request.flags = 0;
	ck_assert_int_eq(ask(), 0);
	for (int i = 0; i < 5; i++)
		ck_assert(!conditional(i));
}
END_TEST

START_TEST(a_spoiled_file_is_dropped)
{
	struct error err = { 0 };
	struct buf text = BUF_INIT;
	char *path = NULL;

	for (int i = 0; i < 4; i++)
		queue(SERVER_KEEP, "200 OK", "ETag: \"a\"\r\n", "body");
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(cached("/a"), 0);
		ck_assert(!conditional(i));
		ck_assert_int_eq(files(&path, NULL), 1);
		buf_clear(&text);
		ck_assert_int_eq(path_read(path, 65536, &text, &err), 0);
		if (i == 0)
			text.data[text.len - 1] ^= 1;
		else if (i == 1)
			text.len /= 2;
		else
			text.len = 0;
		ck_assert_int_eq(path_write(path, text.data, text.len, 0600, &err), 0);
		free(path);
	}
	ck_assert_int_eq(cached("/a"), 0);
	ck_assert(!conditional(3));
	buf_free(&text);
}
END_TEST

START_TEST(a_304_that_nobody_asked_for_is_trouble)
{
	request.patience_ms = 100;
	server_answer(&server, SERVER_KEEP, "HTTP/1.1 304 Not Modified\r\nRetry-After: 60\r\n\r\n",
	    0);
	ck_assert_int_eq(cached("/a"), DROVER_AGAIN);
	ck_assert_ptr_nonnull(strstr(why.text, "without a condition"));
}
END_TEST

START_TEST(what_cannot_be_asked_for_again_is_not_kept)
{
	static char raw[11 * 1024 + 256];
	size_t n =
	    (size_t)snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: \"");

	memset(raw + n, 'x', 10 * 1024);
	memcpy(raw + n + 10 * 1024, "\"\r\n\r\ny", 7);
	server_answer(&server, SERVER_KEEP, raw, 0);
	queue(SERVER_KEEP, "200 OK", "ETag: \"a\"\r\n", "");
	queue(SERVER_KEEP, "404 Not Found", "ETag: \"a\"\r\n", "none");
	queue(SERVER_KEEP, "200 OK", "", "no tag");
	ck_assert_int_eq(cached("/long"), 0);
	ck_assert_int_eq(cached("/empty"), 0);
	ck_assert_int_eq(cached("/404"), 0);
	ck_assert_int_eq(cached("/untagged"), 0);
	ck_assert_int_eq(files(NULL, NULL), 1);
}
END_TEST

START_TEST(the_cache_is_bounded)
{
	struct config *config = (struct config *)(uintptr_t)scope.config;
	static char body[4000];
	char path[32];
	int64_t bytes = 0;

	config->http_cache_max = 20000;
	memset(body, 'b', sizeof body - 1);
	for (int i = 0; i < 17; i++) {
		queue(SERVER_KEEP, "200 OK", "ETag: \"a\"\r\n", body);
		snprintf(path, sizeof path, "/%d", i);
		ck_assert_int_eq(cached(path), 0);
	}
	ck_assert_int_gt(files(NULL, &bytes), 0);
	ck_assert_int_le(bytes, 20000);
	config->http_cache_max = 0;
	queue(SERVER_KEEP, "200 OK", "ETag: \"a\"\r\n", body);
	ck_assert_int_eq(cached("/16"), 0);
	ck_assert(!conditional(17));
}
END_TEST

static void
next_is(const char *header, const char *expected)
{
	char *next = http_link_next(header);

	if (expected == NULL)
		ck_assert_msg(next == NULL, "%s: %s", header, next);
	else
		ck_assert_msg(next != NULL && strcmp(next, expected) == 0, "%s: %s", header,
		    next != NULL ? next : "none");
	free(next);
}

START_TEST(links_are_read)
{
	next_is("<https://a/b?page=2>; rel=\"next\", <https://a/b?page=9>; rel=\"last\"",
	    "https://a/b?page=2");
	next_is("<https://a/1>; rel=\"prev\",<https://a/2>;rel=next", "https://a/2");
	next_is("<https://a/1>; title=\"a; rel=\\\"next\\\", <x>\"; rel=\"last\", </2>; REL = "
		"\"first Next\"",
	    "/2");
	next_is("<a,b>; rel=next", "a,b");
	next_is("<a>; rel=prev; rel=next", NULL);
	next_is("<a>; rel=\"nextish\"", NULL);
	next_is("<a>; rev=next", NULL);
	next_is("<>; rel=next", NULL);
	next_is("a; rel=next", NULL);
	next_is("<a; rel=next", NULL);
	next_is("<a> rel=next", NULL);
	next_is("<a>; rel=\"next", "a");
	next_is("<a>; rel", NULL);
	next_is("", NULL);
	next_is(",,, <a>;;; rel=next", "a");
}
END_TEST

#define NOW 1795000000000ll  /* 2026-11-18T11:06:40Z */

START_TEST(waits_are_read)
{
	static const struct { const char *text; int64_t after, reset;
	} table[] = {
		{ "120", 120000, 120000 },
		{ "0", 0, 0 },
		{ " 7 ", 7000, 7000 },
		{ "1.5", 2000, 1000 },
		{ "99999999999999999999", 86400000, 86400000 },
		{ "-1", -1, -1 },
		{ "", -1, -1 },
		{ "soon", -1, -1 },
		{ "12x", -1, -1 },
		{ "Wed, 18 Nov 2026 11:07:40 GMT", 60000, -1 },
		{ "Wed, 18 Nov 2026 10:00:00 GMT", 0, -1 },
		{ "Fri, 18 Nov 2033 10:00:00 GMT", 86400000, -1 },
		{ "1795000090", 86400000, 90000 },
		{ "1795000090000", 86400000, 90000 },
		{ "1794999999", 86400000, 0 },
		{ "2026-11-18T11:07:40Z", -1, 60000 },
		{ "2026-11-18T11:07Z", -1, 80000 },
		{ "2026-11-18T11:07:40.250Z", -1, 60000 },
		{ "2026-11-18T12:07:40+01:00", -1, 60000 },
		{ "2026-11-18T09:37:40-0130", -1, 60000 },
		{ "2026-11-18T10:00Z", -1, 0 },
		{ "2026-13-18T11:07Z", -1, -1 },
		{ "2026-11-18", -1, -1 },
		{ "9999-12-31T23:59Z", -1, 86400000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].after >= 0)
			ck_assert_msg(http_retry_after(table[i].text, 0, NOW) == table[i].after,
			    "%s: %lld", table[i].text,
			    (long long)http_retry_after(table[i].text, 0, NOW));
		ck_assert_msg(http_reset(table[i].text, 0, NOW) == table[i].reset, "%s: %lld",
		    table[i].text, (long long)http_reset(table[i].text, 0, NOW));
	}
	/* A server whose clock is an hour ahead speaks of its own time. */
	ck_assert_int_eq(http_reset("1795003690", NOW + 3600000, NOW), 90000);
	ck_assert_int_eq(http_retry_after("Wed, 18 Nov 2026 12:07:40 GMT", NOW + 3600000, NOW),
	    60000);
	/* A difference of seconds is the answer's age. */
	ck_assert_int_eq(http_reset("1795000090", NOW + 3000, NOW), 90000);
}
END_TEST

START_TEST(origins_are_compared_whole)
{
	static const char *const table[][2] = {
		{ "https://API.example/x", "https://api.example:443" },
		{ "https://api.example:443", "https://api.example:443" },
		{ "http://127.0.0.1:80/", "http://127.0.0.1:80" },
		{ "https://[::1]/x", "https://[::1]:443" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char *origin = http_origin(table[i][0]);

		ck_assert_str_eq(origin, table[i][1]);
		free(origin);
	}
	ck_assert_ptr_null(http_origin("nothing at all"));
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tcase = suite_case(suite, "cache", http_setup, http_teardown);

	tcase_add_test(tcase, a_304_gives_what_was_kept);
	tcase_add_test(tcase, what_is_kept_is_for_the_same_question);
	tcase_add_test(tcase, a_spoiled_file_is_dropped);
	tcase_add_test(tcase, a_304_that_nobody_asked_for_is_trouble);
	tcase_add_test(tcase, what_cannot_be_asked_for_again_is_not_kept);
	tcase_add_test(tcase, the_cache_is_bounded);
	tcase = suite_case(suite, "headers", NULL, NULL);
	tcase_add_test(tcase, links_are_read);
	tcase_add_test(tcase, waits_are_read);
	tcase_add_test(tcase, origins_are_compared_whole);
}

SUITE(cases)
