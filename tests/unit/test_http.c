/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->http against a server that answers byte by byte what the test wrote
 * down: every class, every refusal, every bad answer.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "run/services.h"
#include "suite.h"
#include "test_http.h"

static int get(const char *path);
static void ok(const char *headers, const char *body);

struct server server;
struct scope scope;
struct drover_http_request request;
struct drover_http_response response;
struct drover_error why;
static struct config *config;
static char *dir;
static volatile sig_atomic_t cancelled;
static char answers[SERVER_ANSWERS][8192];
static int answers_len;

void
http_setup(void)
{
	struct error err = { 0 };

	server_open(&server);
	dir = temp_make();
	config = config_parse("", "test", &err);
	ck_assert_msg(config != NULL, "%s", err.text);
	free(config->state_dir);
	config->state_dir = xstrdup(dir);
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.config = config;
	scope.log = (struct log_scope){ .part = "test", .plugin = "plug" };
	cancelled = 0;
	scope.cancelled = &cancelled;
	request = (struct drover_http_request){ .size = sizeof request,
		.method = "GET",
		.base = server.base,
		.path = "/a",
		.credential = "bot" };
	response = (struct drover_http_response){ .size = sizeof response };
	answers_len = 0;
}

void
http_teardown(void)
{
	scope_end(&scope);
	server_close(&server);
	config_free(config);
	temp_remove(dir);
}

/* Queues "HTTP/1.1 STATUS", these header lines and a body with its length. */
void
queue(enum server_deed deed, const char *status, const char *headers, const char *body)
{
	char *raw = answers[answers_len++];

	ck_assert_int_lt(snprintf(raw, sizeof answers[0],
			     "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body),
			     headers, body),
	    (int)sizeof answers[0]);
	server_answer(&server, deed, raw, 0);
}

static void
ok(const char *headers, const char *body)
{
	queue(SERVER_KEEP, "200 OK", headers, body);
}

int
ask(void)
{
	memset(&why, 0, sizeof why);
	return host_http.send(&scope.public, &request, &response, &why);
}

static int
get(const char *path)
{
	request.path = path;
	return ask();
}

START_TEST(an_answer_comes_back_whole)
{
	const struct drover_field headers[] = { { "Accept", "application/json" },
		{ "X-Empty", "" } };

	request.headers = headers;
	request.headers_len = 2;
	ok("X-Some: Thing\r\nX-Some: Other\r\n", "{\"a\": 1}");
	ck_assert_int_eq(get("/a?b=c"), 0);
	ck_assert_int_eq(response.status, 200);
	ck_assert_str_eq(response.body, "{\"a\": 1}");
	ck_assert_uint_eq(response.body_len, 8);
	ck_assert_int_eq(response.tries, 1);
	ck_assert_ptr_null(response.next);
	ck_assert_str_eq(host_http.header(&scope.public, &response, "x-SOME"), "Thing");
	ck_assert_ptr_null(host_http.header(&scope.public, &response, "X-None"));
	ck_assert_ptr_nonnull(strstr(server_request(&server, 0), "GET /a?b=c HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(server_request(&server, 0), "\r\nUser-Agent: drover/"));
	ck_assert_ptr_nonnull(
	    strstr(server_request(&server, 0), "\r\nAccept: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(server_request(&server, 0), "\r\nX-Empty:\r\n"));
	/* An answer that is gone has no headers any more. */
	struct drover_http_response old = response;
	ok("", "");
	ck_assert_int_eq(get("/b"), 0);
	ck_assert_ptr_null(host_http.header(&scope.public, &old, "x-some"));
	ck_assert_int_eq(server.connections, 1);
}
END_TEST

START_TEST(a_body_goes_out_as_it_is)
{
	const struct drover_field type = { "Content-Type", "application/json" };

	request.method = "PATCH";
	request.body = "{\"x\":\"\0\"}";
	request.body_len = 9;
	request.headers = &type;
	request.headers_len = 1;
	ok("", "{}");
	ck_assert_int_eq(ask(), 0);
	ck_assert_ptr_nonnull(strstr(server_request(&server, 0), "PATCH /a HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(server_request(&server, 0), "Content-Length: 9\r\n"));
	ck_assert_ptr_nonnull(
	    strstr(server_request(&server, 0), "Content-Type: application/json\r\n"));
	ck_assert_ptr_null(strstr(server_request(&server, 0), "Expect"));
	request.method = "POST";
	request.body = NULL;
	request.body_len = request.headers_len = 0;
	queue(SERVER_KEEP, "201 Created", "", "");
	ck_assert_int_eq(ask(), 0);
	ck_assert_ptr_nonnull(strstr(server_request(&server, 1), "Content-Length: 0\r\n"));
	ck_assert_ptr_null(strstr(server_request(&server, 1), "Content-Type"));
	request.method = "DELETE";
	server_answer(&server, SERVER_KEEP, "HTTP/1.1 204 No Content\r\n\r\n", 0);
	ck_assert_int_eq(ask(), 0);
	ck_assert_int_eq(response.status, 204);
	ck_assert_str_eq(response.body, "");
}
END_TEST

START_TEST(a_status_has_a_class)
{
	static const struct {
		const char *status, *headers;
		int class;
		int64_t least, most;
	} table[] = {
		{ "200 OK", "", 0, 0, 0 },
		{ "201 Created", "", 0, 0, 0 },
		{ "404 Not Found", "", 0, 0, 0 },
		{ "409 Conflict", "", 0, 0, 0 },
		{ "410 Gone", "", 0, 0, 0 },
		{ "422 Unprocessable", "", 0, 0, 0 },
		{ "403 Forbidden", "", 0, 0, 0 },
		{ "403 Forbidden",
		    "X-RateLimit-Remaining: 17\r\nX-RateLimit-Reset: 99999999999\r\n", 0, 0, 0 },
		{ "401 Unauthorized", "", DROVER_AUTH, 0, 0 },
		{ "408 Timeout", "Retry-After: 70\r\n", DROVER_AGAIN, 70000, 71000 },
		{ "425 Early", "Retry-After: 70\r\n", DROVER_AGAIN, 70000, 71000 },
		{ "500 Broken", "Retry-After: 70\r\n", DROVER_AGAIN, 70000, 71000 },
		{ "503 Busy", "Retry-After: 70\r\n", DROVER_AGAIN, 70000, 71000 },
		{ "429 Slow", "Retry-After: 70\r\n", DROVER_QUOTA, 70000, 71000 },
		{ "403 Forbidden", "Retry-After: 70\r\n", DROVER_QUOTA, 70000, 71000 },
		{ "429 Slow", "RateLimit-Reset: 120\r\nRateLimit-Reason: jira-burst-based\r\n",
		    DROVER_QUOTA, 120000, 121000 },
		{ "403 Forbidden", "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 3600\r\n",
		    DROVER_QUOTA, 3600000, 3601000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		queue(SERVER_KEEP, table[i].status, table[i].headers, "{}");
		ck_assert_msg(ask() == table[i].class, "%s: %d %s", table[i].status, why.code,
		    why.text);
		ck_assert_int_eq(response.status, (int)strtol(table[i].status, NULL, 10));
		ck_assert_int_ge(why.retry_after_ms, table[i].least);
		ck_assert_int_le(why.retry_after_ms, table[i].most);
		ck_assert_int_eq(response.tries, 1);
	}
	queue(SERVER_KEEP, "429 Slow",
	    "RateLimit-Reset: 120\r\nRateLimit-Reason: jira-burst-based\r\n", "");
	(void)get("/a?token=s3cret");
	ck_assert_ptr_nonnull(strstr(why.text, "jira-burst-based"));
	ck_assert_ptr_null(strstr(why.text, "s3cret"));
}
END_TEST

START_TEST(trouble_is_tried_again)
{
	queue(SERVER_KEEP, "503 Busy", "Retry-After: 0\r\n", "");
	server_answer(&server, SERVER_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut",
	    0);
	ok("", "whole");
	ck_assert_int_eq(ask(), 0);
	ck_assert_int_eq(response.tries, 3);
	ck_assert_str_eq(response.body, "whole");
	/*
	 * A connection that is closed without a word; what is no HTTP at all.
	 */
	server_answer(&server, SERVER_CLOSE, "", 1);
	ok("", "again");
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(response.body, "again");
	request.patience_ms = 300;
	server_answer(&server, SERVER_CLOSE, "SSH-2.0-OpenSSH\r\n\r\n", 0);
	ck_assert_int_eq(ask(), DROVER_AGAIN);
	ck_assert_int_eq(response.status, 0);
}
END_TEST

START_TEST(a_wait_leaves_time_for_an_answer)
{
	request.patience_ms = 1200;
	queue(SERVER_KEEP, "503 Busy", "Retry-After: 1\r\n", "");
	ck_assert_int_eq(ask(), DROVER_AGAIN);
	ck_assert_int_eq(server_count(&server), 1);
	ck_assert_int_ge(why.retry_after_ms, 1000);
}
END_TEST

START_TEST(nobody_there_is_trouble)
{
	char base[64];

	snprintf(base, sizeof base, "http://127.0.0.1:%d", 1);
	request.base = base;
	request.patience_ms = 200;
	ck_assert_int_eq(ask(), DROVER_AGAIN);
	ck_assert_ptr_nonnull(strstr(why.text, "127.0.0.1:1/a"));
	ck_assert_int_eq(response.status, 0);
}
END_TEST

static void
again(void *arg, struct drover_scope *s, const struct drover_http_response *r,
    struct drover_http_verdict *v)
{
	ck_assert_ptr_eq(arg, &server);
	ck_assert_uint_eq(v->size, sizeof *v);
	ck_assert_str_eq(s->host->http->header(s, r, "X-Id"), "7");
	if (strstr(r->body, "later") != NULL) {
		v->code = DROVER_AGAIN;
		snprintf(v->text, sizeof v->text, "the vendor says later");
	}
	if (strstr(r->body, "\"ok\":false") != NULL) {
		v->code = DROVER_AUTH;
		snprintf(v->text, sizeof v->text, "invalid_auth");
	}
	if (r->status == 503)
		v->code = DROVER_OK;
}

/* A judge that asks by itself, and names a limit that none can be. */
static void
meddle(void *arg, struct drover_scope *s, const struct drover_http_response *r,
    struct drover_http_verdict *v)
{
	struct drover_http_response other = { .size = sizeof other };
	struct drover_error error = { 0 };

	*(int *)arg = s->host->http->send(s, &request, &other, &error);
	v->limit = "a\nb";
}

static void
never(void *arg, struct drover_scope *s, const struct drover_http_response *r,
    struct drover_http_verdict *v)
{
	v->code = DROVER_AGAIN;
	v->retry_after_ms = INT64_MAX;
}

START_TEST(a_judge_may_not_put_off_for_ever)
{
	request.judge = never;
	ok("", "");
	ck_assert_int_eq(ask(), DROVER_AGAIN);
	ck_assert_int_eq(server_count(&server), 1);
	ck_assert_int_ge(why.retry_after_ms, 86400000);
	ck_assert_int_le(why.retry_after_ms, 86401000);
}
END_TEST

START_TEST(a_judge_does_not_replace_what_it_judges)
{
	int code = 0;

	request.judge = meddle;
	request.arg = &code;
	ok("", "mine");
	ck_assert_int_eq(ask(), 0);
	ck_assert_int_eq(code, DROVER_PERMANENT);
	ck_assert_str_eq(response.body, "mine");
	ck_assert_int_eq(server_count(&server), 1);
	request.judge = NULL;
	ok("", "again");
	ck_assert_int_eq(ask(), 0);
}
END_TEST

START_TEST(a_judge_decides)
{
	request.judge = again;
	request.arg = &server;
	ok("X-Id: 7\r\n", "later");
	ok("X-Id: 7\r\n", "now");
	ck_assert_int_eq(ask(), 0);
	ck_assert_int_eq(response.tries, 2);
	ok("X-Id: 7\r\n", "{\"ok\":false}");
	ck_assert_int_eq(ask(), DROVER_AUTH);
	ck_assert_ptr_nonnull(strstr(why.text, "invalid_auth"));
	ck_assert_str_eq(response.body, "{\"ok\":false}");
	queue(SERVER_KEEP, "503 Busy", "X-Id: 7\r\n", "");
	ck_assert_int_eq(ask(), 0);
}
END_TEST

START_TEST(once_is_once)
{
	request.method = "POST";
	request.body = "{}";
	request.body_len = 2;
	request.flags = DROVER_HTTP_ONCE;
	server_answer(&server, SERVER_CLOSE, "", 1);
	ck_assert_int_eq(ask(), DROVER_AGAIN);
	ck_assert_int_eq(server_count(&server), 1);
	queue(SERVER_KEEP, "502 Bad Gateway", "", "");
	ck_assert_int_eq(ask(), DROVER_AGAIN);
	ck_assert_int_eq(server_count(&server), 2);
	/* A limit says that it was not done, and so does a judge. */
	queue(SERVER_KEEP, "429 Slow", "Retry-After: 0\r\n", "");
	queue(SERVER_CLOSE, "201 Created", "", "");
	ck_assert_int_eq(ask(), 0);
	ck_assert_int_eq(server_count(&server), 4);
	request.judge = again;
	request.arg = &server;
	ok("X-Id: 7\r\n", "later");
	ok("X-Id: 7\r\n", "done");
	ck_assert_int_eq(ask(), 0);
	ck_assert_int_eq(server_count(&server), 6);
	/*
	 * No connection that was used before: the peer may have closed it, and
	 * libcurl would do it again by itself.
	 */
	ck_assert_int_eq(server.of_request[5], server.of_request[4] + 1);
}
END_TEST

START_TEST(a_dead_connection_does_not_do_it_twice)
{
	ok("", "");
	ck_assert_int_eq(ask(), 0);
	request.method = "POST";
	request.flags = DROVER_HTTP_ONCE;
	server_answer(&server, SERVER_CLOSE, "", 1);
	queue(SERVER_KEEP, "201 Created", "", "second");
	ck_assert_int_eq(ask(), DROVER_AGAIN);
	ck_assert_int_eq(server_count(&server), 2);
}
END_TEST

START_TEST(what_is_too_long_is_not_read)
{
	request.max = 1 << 20;
	server_answer(&server, SERVER_FLOOD, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n",
	    0);
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(why.text, "longer than 1048576 bytes"));
	ck_assert_str_eq(response.body, "");
	/* Without a length it is counted as it comes. */
	server_answer(&server, SERVER_FLOOD, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 0);
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	ck_assert_int_eq(server_count(&server), 2);
	/* Headers without end, too. */
	server_answer(&server, SERVER_FLOOD, "HTTP/1.1 200 OK\r\nX: ", 0);
	request.patience_ms = 500;
	ck_assert_int_ne(ask(), 0);
	ck_assert_uint_lt(server.flooded, 40u << 20);
}
END_TEST

/*
 * Deflate with fixed codes: one zero, then "258 bytes as the one before", 13
 * bits each.
 */
static size_t
bomb(unsigned char *out, size_t repeats)
{
	static const unsigned char head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	size_t bit = sizeof head * 8;

	memcpy(out, head, sizeof head);
#define BIT(b) \
	((b) ? (void)(out[bit / 8] = (unsigned char)(out[bit / 8] | 1u << bit % 8)) : (void)0, \
	    bit++)
	BIT(1); BIT(1); BIT(0);
	for (int i = 7; i >= 0; i--)
		BIT(0x30 >> i & 1);
	while (repeats-- > 0) {
		for (int i = 7; i >= 0; i--)
			BIT(0xc5 >> i & 1);
		bit += 5;
	}
	bit += 7;
#undef BIT
	return (bit + 7) / 8 + 8;
}

START_TEST(a_gzip_bomb_does_not_go_off)
{
	static unsigned char raw[512 * 1024];
	int head;
	size_t len = bomb(raw + 256, 200000);

	head = snprintf((char *)raw, 256,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", len);
	memmove(raw + head, raw + 256, len);
	server_answer(&server, SERVER_CLOSE, (char *)raw, (size_t)head + len);
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(why.text, "longer than"));
	/* A small one is unpacked. */
	static unsigned char small[512];
	memset(small, 0, sizeof small);
	len = bomb(small + 128, 3) - 8;
	memcpy(small + 128 + len, "\x61\xe7\x15\x50\x07\x03\x00\x00", 8);
	head = snprintf((char *)small, 128,
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", len + 8);
	memmove(small + head, small + 128, len + 8);
	server_answer(&server, SERVER_CLOSE, (char *)small, (size_t)head + len + 8);
	request.patience_ms = 400;
	(void)ask();
	ck_assert_ptr_nonnull(strstr(server_request(&server, 0), "Accept-Encoding: gzip\r\n"));
}
END_TEST

START_TEST(redirects_stay_on_the_origin)
{
	char other[256];

	queue(SERVER_KEEP, "301 Moved", "Location: /repositories/1/issues\r\n", "");
	snprintf(other, sizeof other, "Location: %s/repositories/2\r\n", server.base);
	queue(SERVER_KEEP, "307 Moved", other, "");
	ok("", "there");
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(response.body, "there");
	ck_assert_ptr_nonnull(strstr(response.url, "/repositories/2"));
	ck_assert_ptr_nonnull(strstr(server_request(&server, 1), "GET /repositories/1/issues "));
	for (int i = 0; i < 4; i++)
		queue(SERVER_KEEP, "302 Found", "Location: /a\r\n", "");
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	ck_assert_int_eq(server_count(&server), 7);
	static const char *const away[] = { "http://127.0.0.2/x", "https://127.0.0.1/x",
		"http://evil.example/x", "//evil.example/x", "ftp://127.0.0.1/" };
	for (size_t i = 0; i < ARRAY_LEN(away); i++) {
		snprintf(other, sizeof other, "Location: %s\r\n", away[i]);
		queue(SERVER_KEEP, "302 Found", other, "");
		ck_assert_int_eq(ask(), DROVER_PERMANENT);
	}
	queue(SERVER_KEEP, "301 Moved", "Location: http://evil.example/x?token=1\r\n", "");
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(why.text, "http://evil.example"));
	ck_assert_ptr_null(strstr(why.text, "token"));
	queue(SERVER_KEEP, "301 Moved", "", "");
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	request.method = "POST";
	queue(SERVER_KEEP, "307 Moved", "Location: /b\r\n", "");
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	ck_assert_int_eq(server_count(&server), 15);
}
END_TEST

START_TEST(requests_that_are_none_never_go_out)
{
	static const struct drover_field bad[] = { { "X-A\r\nX-B", "1" }, { "X-A", "1\r\nX-B: 2" },
		{ "X-A", "1\nX" }, { "X A", "1" }, { "", "1" }, { "X-A:", "1" }, { NULL, "1" },
		{ "X-A", NULL }, { "Host", "evil" }, { "content-length", "3" },
		{ "Transfer-Encoding", "chunked" }, { "User-Agent", "x" },
		{ "If-None-Match", "x" } };
	static const char *const methods[] = { "GET / HTTP/1.1\r\nX: y", "get", "", "G T",
		"CONNECT", NULL };
	static const char *const paths[] = { "/a b", "/a\r\nX: y", "/a\n", "a", "", "/\x80",
		"/a\\b", "/a#b", "/../a", "/a/%2e%2E/b", "/a/./b", "http://127.0.0.2/x",
		"https://evil.example/x", "http://127.0.0.1:1/x", "http://user@127.0.0.1/",
		"//evil.example/x/..", NULL };
	static const char *const bases[] = { "http://example.com", "http://10.0.0.1",
		"ftp://127.0.0.1", "file:///etc", "https://u:p@api.example",
		"https://api.example/?x=1", "https://api.example/#x", "https://", "api.example", "",
		"https://api.exam\r\nple", "http://127.evil.example",
		"http://localhost.evil.example", NULL };

	request.headers_len = 1;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		request.headers = &bad[i];
		ck_assert_int_eq(ask(), DROVER_PERMANENT);
	}
	request.headers_len = 0;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		request.method = methods[i];
		ck_assert_int_eq(ask(), DROVER_PERMANENT);
	}
	request.method = "GET";
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		request.path = paths[i];
		ck_assert_msg(ask() == DROVER_PERMANENT, "%s: %d %s",
		    paths[i] != NULL ? paths[i] : "none", why.code, why.text);
	}
	request.path = "/a";
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		request.base = bases[i];
		ck_assert_msg(ask() == DROVER_CONFIG || why.code == DROVER_PERMANENT, "%s: %d %s",
		    bases[i], why.code, why.text);
	}
	request.base = server.base;
	request.body = "x";
	request.body_len = 1;
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	request.body = NULL;
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	ck_assert_int_eq(server_count(&server), 0);
}
END_TEST

START_TEST(paths_go_behind_the_base)
{
	char base[128], path[128];

	snprintf(base, sizeof base, "%s/ex/jira/ID/", server.base);
	request.base = base;
	for (int i = 0; i < 4; i++)
		ok("", "");
	ck_assert_int_eq(get("/rest/api/3/myself?x=1"), 0);
	ck_assert_ptr_nonnull(
	    strstr(server_request(&server, 0), "GET /ex/jira/ID/rest/api/3/myself?x=1 "));
	/* A page elsewhere on the same origin, without the prefix. */
	snprintf(path, sizeof path, "%s/repositories/1?page=2", server.base);
	ck_assert_int_eq(get(path), 0);
	ck_assert_ptr_nonnull(strstr(server_request(&server, 1), "GET /repositories/1?page=2 "));
	snprintf(base, sizeof base, "http://LOCALHOST:%d", server.port);
	snprintf(path, sizeof path, "http://localhost:%d/x", server.port);
	ck_assert_int_eq(get(path), 0);
	ck_assert_int_eq(get("/a..b/...?q=../.."), 0);
}
END_TEST

START_TEST(the_next_page_is_on_the_origin)
{
	char link[256];

	snprintf(link, sizeof link,
	    "Link: <%s/a?page=1>; rel=\"prev\", <%s/a?page=3>; rel=\"next\"\r\n", server.base,
	    server.base);
	ok(link, "[]");
	ck_assert_int_eq(ask(), 0);
	snprintf(link, sizeof link, "%s/a?page=3", server.base);
	ck_assert_str_eq(response.next, link);
	ok("Link: </b?page=2>; rel=next\r\n", "[]");
	ck_assert_int_eq(ask(), 0);
	ck_assert_ptr_nonnull(strstr(response.next, "/b?page=2"));
	ok("Link: <https://evil.example/a?page=2>; rel=\"next\"\r\n", "[]");
	ck_assert_int_eq(ask(), DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(why.text, "https://evil.example"));
	ok("Link: <https://evil.example/docs>; rel=\"help\"\r\n", "[]");
	ck_assert_int_eq(ask(), 0);
	ck_assert_ptr_null(response.next);
}
END_TEST

START_TEST(garbage_headers_are_left_out)
{
	server_answer(&server, SERVER_KEEP,
	    "HTTP/1.1 200\r\n: nothing\r\n\xff\xfe: \x01\r\nX-Good:   yes \t\r\nX-Long: folded\r\n "
	    " line\r\n"
	    "Retry-After: soon\r\nx-ratelimit-reset: never\r\nETag:\r\nContent-Length: 2\r\n\r\n{}",
	    0);
	request.flags = DROVER_HTTP_CACHED;
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(response.body, "{}");
	ck_assert_str_eq(host_http.header(&scope.public, &response, "x-good"), "yes");
	request.patience_ms = 200;
	server_answer(&server, SERVER_KEEP, "HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}", 0);
	ck_assert_int_eq(ask(), DROVER_AGAIN);
}
END_TEST

START_TEST(a_slow_body_ends_in_time)
{
	request.timeout_ms = 200;
	request.patience_ms = 250;
	server_answer(&server, SERVER_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nslow",
	    0);
	ck_assert_int_eq(ask(), DROVER_AGAIN);
	ck_assert_ptr_nonnull(strstr(why.text, "in time"));
	server_let_go(&server);
	/* The callback's own deadline counts as well. */
	request.timeout_ms = request.patience_ms = 0;
	scope.deadline_ms = clock_mono() + 200;
	server_answer(&server, SERVER_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nslow",
	    0);
	ck_assert_int_eq(ask(), DROVER_AGAIN);
}
END_TEST

START_TEST(a_cancel_is_heeded)
{
	server.cancel = &cancelled;
	server_answer(&server, SERVER_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", 0);
	ck_assert_int_eq(ask(), DROVER_CANCELLED);
	server_let_go(&server);
	cancelled = 0;
	request.patience_ms = 600000;
	queue(SERVER_CLOSE, "503 Busy", "Retry-After: 300\r\n", "");
	ck_assert_int_eq(ask(), DROVER_CANCELLED);
	ck_assert_int_eq(server_count(&server), 2);
}
END_TEST

static int readied;

static void
ready(struct scope *s)
{
	char byte;

	ck_assert_int_eq(read(s->wait_fd, &byte, 1), 1);
	if (readied++ == 0)
		server_let_go(&server);
}

START_TEST(the_runner_works_while_a_request_waits)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	scope.wait_fd = fds[0];
	scope.wait_ready = ready;
	server.tell = fds[1];
	server_answer(&server, SERVER_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha", 0);
	queue(SERVER_KEEP, "200 OK", "", "next");
	/*
	 * The answer stalls until the runner's own work was done: all the time
	 * there is, otherwise.
	 */
	request.timeout_ms = request.patience_ms = 5000;
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(response.body, "next");
	ck_assert_int_ge(readied, 1);
	scope.wait_fd = -1;
	server.tell = -1;
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_fork_leaves_the_connection_alone)
{
	pid_t pid;
	int status, fd;

	for (int i = 0; i < 3; i++)
		ok("", "x");
	ck_assert_int_eq(ask(), 0);
	fd = scope.http->sockets[0];
	ck_assert_int_ge(fd, 0);
	if ((pid = fork()) == 0) {
		http_forked(&scope);
		_exit(fcntl(fd, F_GETFD) == -1 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(ask(), 0);
	ck_assert_int_eq(server.of_request[1], 1);
	if ((pid = fork()) == 0) {
		http_forked(&scope);
		_exit(ask() == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(server.of_request[2], 2);
}
END_TEST

START_TEST(a_line_of_the_log_names_no_secret)
{
	const struct drover_field secret = { "Authorization", "Bearer s3cret-header" };
	char *path = path_join(dir, "log");
	struct buf text = BUF_INIT;
	struct error err = { 0 };

	ck_assert_int_eq(log_open(path, DROVER_DEBUG, &err), 0);
	request.headers = &secret;
	request.headers_len = 1;
	ok("X-GitHub-Request-Id: ABCD:1234\r\n", "s3cret-body");
	ck_assert_int_eq(get("/a?token=s3cret-query"), 0);
	log_close();
	ck_assert_int_eq(path_read(path, 65536, &text, &err), 0);
	ck_assert_ptr_nonnull(strstr(buf_str(&text), "\"request_id\":\"ABCD:1234\""));
	ck_assert_ptr_nonnull(strstr(buf_str(&text), "\"status\":\"200\""));
	ck_assert_ptr_nonnull(strstr(buf_str(&text), "/a\""));
	ck_assert_ptr_null(strstr(buf_str(&text), "s3cret"));
	buf_free(&text);
	free(path);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tcase = suite_case(suite, "http", http_setup, http_teardown);

	tcase_add_test(tcase, an_answer_comes_back_whole);
	tcase_add_test(tcase, a_body_goes_out_as_it_is);
	tcase_add_test(tcase, a_status_has_a_class);
	tcase_add_test(tcase, trouble_is_tried_again);
	tcase_add_test(tcase, a_wait_leaves_time_for_an_answer);
	tcase_add_test(tcase, nobody_there_is_trouble);
	tcase_add_test(tcase, a_judge_decides);
	tcase_add_test(tcase, a_judge_does_not_replace_what_it_judges);
	tcase_add_test(tcase, a_judge_may_not_put_off_for_ever);
	tcase_add_test(tcase, once_is_once);
	tcase_add_test(tcase, a_dead_connection_does_not_do_it_twice);
	tcase_add_test(tcase, what_is_too_long_is_not_read);
	tcase_add_test(tcase, a_gzip_bomb_does_not_go_off);
	tcase_add_test(tcase, redirects_stay_on_the_origin);
	tcase_add_test(tcase, requests_that_are_none_never_go_out);
	tcase_add_test(tcase, paths_go_behind_the_base);
	tcase_add_test(tcase, the_next_page_is_on_the_origin);
	tcase_add_test(tcase, garbage_headers_are_left_out);
	tcase_add_test(tcase, a_slow_body_ends_in_time);
	tcase_add_test(tcase, a_cancel_is_heeded);
	tcase_add_test(tcase, the_runner_works_while_a_request_waits);
	tcase_add_test(tcase, a_fork_leaves_the_connection_alone);
	tcase_add_test(tcase, a_line_of_the_log_names_no_secret);
}

SUITE(cases)
