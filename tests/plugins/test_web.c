/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the plugins of vendors share: what an answer becomes and what of it is
 * refused (web), times, secrets, and the marks that `authors` name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/authors.h"
#include "common/secret.h"
#include "common/web.h"
#include "common/when.h"
#include "fake_host.h"
#include "suite.h"

#define NOW INT64_C(1795255200) /* 2026-11-21T10:00:00Z */

static struct fake *fake;
static struct web web;
static struct web_answer answer;
static struct drover_error err;

static void
setup(void)
{
	fake = fake_new();
	web = (struct web){ .scope = &fake->scope,
		.base = "https://api.example/v3",
		.credential = "bot",
		.authorization = "Bearer s3cret" };
	memset(&err, 0, sizeof(err));
}

static void
teardown(void)
{
	fake_free(fake);
}

static int
get(const char *path)
{
	struct web_ask ask = { .path = path };

	return web_send(&web, &ask, &answer, &err);
}

START_TEST(an_answer_is_a_tree)
{
	fake_answer(fake, "GET", "/a", 200, NULL,
	    "{\"id\": 9007199254740993, \"small\": 12, \"user\": {\"login\": \"ann\"}, \"ok\": "
	    "true}");
	ck_assert_int_eq(get("/a?x=1"), 0);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(json_text_at(answer.json, "user.login"), "ann");
	ck_assert_str_eq(json_text_at(answer.json, "user.none.deeper"), "");
	ck_assert(json_true(answer.json, "ok") && !json_true(answer.json, "small"));
	char id[32];
	json_id(answer.json, "id", id, sizeof(id));
	ck_assert_str_eq(id, "9007199254740993");
	json_id(answer.json, "small", id, sizeof(id));
	ck_assert_str_eq(id, "12");
	json_id(answer.json, "small", id, 2);
	ck_assert_str_eq(id, "");
	json_id(answer.json, "user", id, sizeof(id));
	ck_assert_str_eq(id, "");
	web_answer_free(&answer);
	ck_assert_ptr_nonnull(
	    strstr(fake->outside.requests[0].headers, "Authorization: Bearer s3cret\n"));
	ck_assert_ptr_nonnull(
	    strstr(fake->outside.requests[0].headers, "Accept: application/json\n"));
	ck_assert_str_eq(fake->outside.requests[0].credential, "bot");
}
END_TEST

START_TEST(numbers_and_strings_keep_what_cjson_would_lose)
{
	static const char text[] = "[1e3, -9007199254740992, 9007199254740992, "
				   "-123456789012345678901, 0.5, \"a\\u0000b\", \"\\\\u0000\", "
				   "\"9007199254740999\", \"q\\\"12345678901234567890\"]";
	cJSON *json = json_read(text, sizeof(text) - 1, &err);

	ck_assert_ptr_nonnull(json);
	ck_assert_double_eq(cJSON_GetArrayItem(json, 0)->valuedouble, 1000);
	ck_assert_double_eq(cJSON_GetArrayItem(json, 1)->valuedouble, -0x1p53);
	ck_assert_double_eq(cJSON_GetArrayItem(json, 2)->valuedouble, 0x1p53);
	ck_assert_str_eq(cJSON_GetArrayItem(json, 3)->valuestring, "-123456789012345678901");
	ck_assert_double_eq(cJSON_GetArrayItem(json, 4)->valuedouble, 0.5);
	ck_assert_str_eq(cJSON_GetArrayItem(json, 5)->valuestring, "a\xef\xbf\xbd" "b");
	ck_assert_str_eq(cJSON_GetArrayItem(json, 6)->valuestring, "\\u0000");
	ck_assert_str_eq(cJSON_GetArrayItem(json, 7)->valuestring, "9007199254740999");
	ck_assert_str_eq(cJSON_GetArrayItem(json, 8)->valuestring, "q\"12345678901234567890");
	cJSON_Delete(json);
}
END_TEST

START_TEST(json_out_of_bounds_is_refused)
{
	struct text_buf deep = { 0 };

	for (int i = 0; i < WEB_DEPTH_MAX; i++)
		text_add(&deep, "[", 1);
	for (int i = 0; i < WEB_DEPTH_MAX; i++)
		text_add(&deep, "]", 1);
	cJSON *json = json_read(text_of(&deep), deep.len, &err);
	ck_assert_ptr_nonnull(json);
	cJSON_Delete(json);
	text_free(&deep);
	for (int i = 0; i < 100000; i++)
		text_add(&deep, "[", 1);
	ck_assert_ptr_null(json_read(text_of(&deep), deep.len, &err));
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
	text_free(&deep);
	text_add(&deep, "[0", 2);
	for (int i = 0; i < 1000000; i++)
		text_add(&deep, ",0", 2);
	text_add(&deep, "]", 1);
	ck_assert_ptr_null(json_read(text_of(&deep), deep.len, &err));
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
	text_free(&deep);
	static const char *const none[] = { "", "{", "[1,", "{\"a\":}", "\"abc", "[1] x", "{} {}",
		"nul", "\xff", "-", "{\"a\":1}\x01" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		ck_assert_msg(json_read(none[i], strlen(none[i]), &err) == NULL, "%s", none[i]);
		ck_assert_int_eq(err.code, DROVER_AGAIN);
	}
	ck_assert_ptr_null(json_read("{}\0{}", 5, &err));
}
END_TEST

START_TEST(a_page_instead_of_json_is_trouble_on_the_way)
{
	fake_answer(fake, "GET", "/a", 200, NULL, " <!doctype html><title>Log in</title>");
	ck_assert_int_eq(get("/a?token=s3cret"), DROVER_AGAIN);
	ck_assert_ptr_nonnull(
	    strstr(err.text, "https://api.example/v3/a: answered HTML, not JSON"));
	ck_assert_ptr_null(strstr(err.text, "s3cret"));
	fake_answer(fake, "GET", "/a", 200, NULL, "{\"items\": [1, 2");
	ck_assert_int_eq(get("/a"), DROVER_AGAIN);
	fake_answer(fake, "GET", "/a", 404, NULL, "<html>not here</html>");
	ck_assert_int_eq(get("/a"), 0);
	ck_assert_int_eq(answer.status, 404);
	ck_assert_ptr_null(answer.json);
	web_answer_free(&answer);
	fake_answer(fake, "DELETE", "/a", 204, NULL, "");
	struct web_ask ask = { .method = "DELETE", .path = "/a" };
	ck_assert_int_eq(web_send(&web, &ask, &answer, &err), 0);
	ck_assert_ptr_null(answer.json);
	web_answer_free(&answer);
	struct web_ask raw = { .path = "/a", .accept = "text/plain" };
	fake_answer(fake, "GET", "/a", 200, NULL, "{ plain");
	ck_assert_int_eq(web_send(&web, &raw, &answer, &err), 0);
	ck_assert_str_eq(answer.body, "{ plain");
	web_answer_free(&answer);
}
END_TEST

START_TEST(bodies_go_out_as_json_or_as_a_form)
{
	cJSON *body = cJSON_CreateObject();
	struct text_buf form = { 0 };

	cJSON_AddStringToObject(body, "text", "a \"b\"");
	struct web_ask ask = { .method = "POST", .path = "/a", .body = body };
	fake_serve(fake, "POST", "/a", 201, NULL, "{}");
	ck_assert_int_eq(web_send(&web, &ask, &answer, &err), 0);
	web_answer_free(&answer);
	ck_assert_str_eq(fake->outside.requests[0].body, "{\"text\":\"a \\\"b\\\"\"}");
	ck_assert_ptr_nonnull(
	    strstr(fake->outside.requests[0].headers, "Content-Type: application/json"));
	text_addf(&form, "q=");
	text_add_url(&form, "a b&c=\xc3\xa9/~");
	struct web_ask sheet = { .method = "POST", .path = "/a", .form = text_of(&form) };
	ck_assert_int_eq(web_send(&web, &sheet, &answer, &err), 0);
	web_answer_free(&answer);
	ck_assert_str_eq(fake->outside.requests[1].body, "q=a%20b%26c%3D%C3%A9%2F~");
	ck_assert_ptr_nonnull(strstr(fake->outside.requests[1].headers,
	    "Content-Type: application/x-www-form-urlencoded"));
	text_free(&form);
	cJSON_Delete(body);
}
END_TEST

START_TEST(extra_headers_are_names_and_values)
{
	fake_option(fake, "extra_headers", "X-One: 1");
	fake_option(fake, "extra_headers", "X-Two:a: b");
	ck_assert_int_eq(web_extra_headers(&web, &err), 0);
	struct web copy = web;
	fake_answer(fake, "GET", "/a", 200, NULL, "{}");
	struct web_ask ask = { .path = "/a" };
	ck_assert_int_eq(web_send(&copy, &ask, &answer, &err), 0);
	web_answer_free(&answer);
	ck_assert_ptr_nonnull(strstr(fake->outside.requests[0].headers, "X-One: 1\nX-Two: a: b\n"));
	fake_option(fake, "extra_headers", "no colon");
	ck_assert_int_eq(web_extra_headers(&web, &err), DROVER_CONFIG);
}
END_TEST

static int
collect(void *arg, const cJSON *element, struct drover_error *e)
{
	int *sum = arg;

	*sum = *sum * 10 + element->valueint;
	return element->valueint == 9;
}

START_TEST(lists_are_walked_over_empty_pages)
{
	int sum = 0;
	struct web_ask ask = { .path = "/list?page=1" };

	fake_answer(fake, "GET", "/list?page=1", 200,
	    "Link: <https://api.example/v3/list?page=2>; rel=\"next\"", "[1,2]");
	fake_answer(fake, "GET", "/list?page=2", 200,
	    "Link: <https://api.example/v3/list?page=3>; rel=\"next\"", "[]");
	fake_answer(fake, "GET", "/list?page=3", 200, NULL, "[3]");
	ck_assert_int_eq(web_pages(&web, &ask, NULL, 0, collect, &sum, &err), 0);
	ck_assert_int_eq(sum, 123);
	ck_assert_int_eq(fake_requests(fake, "GET", "/list"), 3);
	sum = 0;
	fake_answer(fake, "GET", "/list?page=1", 200,
	    "Link: <https://api.example/v3/list?page=2>; rel=\"next\"",
	    "{\"d\":{\"items\":[1,9,3]}}");
	ck_assert_int_eq(web_pages(&web, &ask, "d.items", 0, collect, &sum, &err), 0);
	ck_assert_int_eq(sum, 19);
	fake_answer(fake, "GET", "/list", 200, NULL, "{\"message\": \"moved\"}");
	ck_assert_int_eq(web_pages(&web, &ask, NULL, 0, collect, &sum, &err), DROVER_PERMANENT);
	fake_answer(fake, "GET", "/list", 404, NULL, "{\"message\": \"Not Found\"}");
	ck_assert_int_eq(web_pages(&web, &ask, NULL, 0, collect, &sum, &err), DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(err.text, "Not Found"));
	fake_answer(fake, "GET", "/list", 200, NULL, "");
	ck_assert_int_eq(web_pages(&web, &ask, NULL, 0, collect, &sum, &err), DROVER_AGAIN);
	ck_assert_ptr_nonnull(strstr(err.text, "the answer is empty"));
	/*
	 * A list that names itself as its next page ends, and says that it goes
	 * on.
	 */
	fake_serve(fake, "GET", "/list", 200,
	    "Link: <https://api.example/v3/list?page=1>; rel=\"next\"", "[1]");
	fake_forget(fake);
	ck_assert_int_eq(web_pages(&web, &ask, NULL, 3, collect, &sum, &err), 0);
	ck_assert_ptr_nonnull(strstr(fake->log, "more than 3 pages"));
}
END_TEST

static int
refused(int status, const char *body)
{
	fake_answer(fake, "GET", "/r", status, NULL, body);
	ck_assert_int_eq(get("/r"), 0);
	int code = web_refused(&answer, "the comment", &err);
	web_answer_free(&answer);
	return code;
}

START_TEST(a_refusal_says_what_the_vendor_said)
{
	ck_assert_int_eq(refused(404, "{\"message\":\"Not Found\"}"), DROVER_PERMANENT);
	ck_assert_str_eq(err.text, "the comment: https://api.example/v3/r answered 404: Not Found");
	ck_assert_int_eq(refused(410, ""), DROVER_PERMANENT);
	ck_assert_int_eq(refused(403, "{\"message\":\"Resource not accessible\"}"), DROVER_AUTH);
	ck_assert_int_eq(refused(409, "<html>"), DROVER_AGAIN);
	ck_assert_int_eq(refused(422,
			     "{\"message\":\"Validation "
			     "Failed\",\"errors\":[{\"code\":\"custom\",\"message\":\"A pull "
			     "request already exists\"}]}"),
	    DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(err.text, "Validation Failed: A pull request already exists"));
	ck_assert_int_eq(refused(400,
			     "{\"errorMessages\":[],\"errors\":{\"summary\":\"is required\"}}"),
	    DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(err.text, "summary: is required"));
	ck_assert_int_eq(refused(400, "{\"message\":\"\\u001b[31mred\\nline\"}"), DROVER_PERMANENT);
	ck_assert_ptr_null(strchr(err.text, '\n'));
	ck_assert_ptr_null(strchr(err.text, 0x1b));
}
END_TEST

static const struct {
	const char *text;
	int64_t at;
	const char *written; /* NULL: as it was read */
} times[] = {
	{ "1970-01-01T00:00:00Z", 0, NULL },
	{ "2026-11-21T10:00:00Z", NOW, NULL },
	{ "2024-02-29T23:59:59Z", 1709251199, NULL },
	{ "2024-03-01T00:00:00Z", 1709251200, NULL },
	{ "2000-02-29T00:00:00Z", 951782400, NULL },
	{ "2100-02-28T00:00:00Z", 4107456000, NULL },
	{ "9999-12-31T23:59:59Z", INT64_C(253402300799), NULL },
	{ "2026-11-21T10:00:00.123Z", NOW, "2026-11-21T10:00:00Z" },
	{ "2016-12-31T23:59:60Z", 1483228800, "2017-01-01T00:00:00Z" },
	{ "1970-01-01T00:01Z", 60, "1970-01-01T00:01:00Z" },
	{ "2026-01-01T00:00Z", 1767225600, "2026-01-01T00:00:00Z" },
	{ "2026-01-01T01:00:30.123+0100", 1767225630, "2026-01-01T00:00:30Z" },
	{ "2026-01-01T01:00:30+01:00", 1767225630, "2026-01-01T00:00:30Z" },
	{ "2025-12-31T23:30-0030", 1767225600, "2026-01-01T00:00:00Z" },
	{ "", -1, NULL },
	{ "null", -1, NULL },
	{ "tomorrow at noon", -1, NULL },
	{ "2026-11-21", -1, NULL },
	{ "2026-11-21T10:00:00", -1, NULL },
	{ "2026-11-21T10:00:00Zx", -1, NULL },
	{ "2026-01-01T00:00Zx", -1, NULL },
	{ "2026-01-01T00:00+1", -1, NULL },
	{ "2026-01-01T00:00+01", -1, NULL },
	{ "2026-01-01T00:00+24:00", -1, NULL },
	{ "2026-11-21T10:00:61Z", -1, NULL },
	{ "2026-11-21T24:00:00Z", -1, NULL },
	{ "2026-00-21T10:00:00Z", -1, NULL },
	{ "2026-13-01T00:00Z", -1, NULL },
	{ "2026-13-21T10:00:00Z", -1, NULL },
	{ "2026-02-29T00:00:00Z", -1, NULL },
	{ "1900-01-01T00:00:00Z", -1, NULL },
	{ "1970-01-01T00:00:00+01:00", -1, NULL },
	{ "20x6-11-21T10:00:00Z", -1, NULL },
};

START_TEST(times_are_read_and_written)
{
	char text[32];

	ck_assert_msg(when_read(times[_i].text) == times[_i].at, "%s: %lld", times[_i].text,
	    (long long)when_read(times[_i].text));
	if (times[_i].at < 0)
		return;
	when_write(times[_i].at, text, sizeof(text));
	ck_assert_str_eq(text, times[_i].written != NULL ? times[_i].written : times[_i].text);
}
END_TEST

START_TEST(each_day_comes_back_as_it_was)
{
	char text[32];
	int64_t at;

	for (at = 12345; at < INT64_C(7000000000); at += 86400 * 3 + 61) {
		when_write(at, text, sizeof(text));
		ck_assert_int_eq(when_read(text), at);
	}
	when_write(-1, text, sizeof(text));
	ck_assert_str_eq(text, "1970-01-01T00:00:00Z");
	when_write(INT64_MAX, text, sizeof(text));
	ck_assert_str_eq(text, "9999-12-31T23:59:59Z");
}
END_TEST

static void
no_secret(const char *option, bool lines, const char *says)
{
	ck_assert_ptr_null(secret_read(&fake->scope, option, lines, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
}

START_TEST(a_secret_is_one_line_unless_lines_are_allowed)
{
	char *secret;

	fake_secret(fake, "token", "t0ken \r\n");
	fake_secret(fake, "key", "one\ntwo\n");
	fake_secret(fake, "blank", " \n");
	ck_assert_ptr_nonnull(secret = secret_read(&fake->scope, "token", false, &err));
	ck_assert_str_eq(secret, "t0ken");
	secret_free(secret);
	ck_assert_ptr_nonnull(secret = secret_read(&fake->scope, "key", true, &err));
	ck_assert_str_eq(secret, "one\ntwo");
	secret_free(secret);
	no_secret("key", false, "key is more than one line: does key_file name the right file?");
	no_secret("blank", true, "blank is empty");
	no_secret("other", true, "other is not configured: give other_file");
	secret_free(NULL);
}
END_TEST

START_TEST(a_token_becomes_a_header)
{
	char *header = secret_bearer("t0ken");

	ck_assert_str_eq(header, "Bearer t0ken");
	secret_free(header);
}
END_TEST

START_TEST(authors_name_marks_to_the_letter)
{
	fake_trust(fake, "Ann");
	fake_trust(fake, "permission:write");
	fake_trust(fake, "@acme/devs");
	ck_assert(authors_name(&fake->scope, NULL, "permission:write"));
	ck_assert(authors_name(&fake->scope, NULL, "permission:"));
	ck_assert(authors_name(&fake->scope, NULL, "@"));
	ck_assert(!authors_name(&fake->scope, NULL, "permission"));
	ck_assert(!authors_name(&fake->scope, NULL, "Permission:"));
	ck_assert(!authors_name(&fake->scope, NULL, "project-role:"));
	ck_assert(!authors_name(&fake->scope, NULL, "@acme"));
	ck_assert(!authors_name(&fake->scope, NULL, "ann"));
	ck_assert(!authors_name(&fake->scope, NULL, ""));
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tcase = suite_case(suite, "web", setup, teardown);

	tcase_add_test(tcase, an_answer_is_a_tree);
	tcase_add_test(tcase, numbers_and_strings_keep_what_cjson_would_lose);
	tcase_add_test(tcase, json_out_of_bounds_is_refused);
	tcase_add_test(tcase, a_page_instead_of_json_is_trouble_on_the_way);
	tcase_add_test(tcase, bodies_go_out_as_json_or_as_a_form);
	tcase_add_test(tcase, extra_headers_are_names_and_values);
	tcase_add_test(tcase, lists_are_walked_over_empty_pages);
	tcase_add_test(tcase, a_refusal_says_what_the_vendor_said);
	tcase_add_loop_test(tcase, times_are_read_and_written, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(tcase, each_day_comes_back_as_it_was);
	tcase_add_test(tcase, a_secret_is_one_line_unless_lines_are_allowed);
	tcase_add_test(tcase, a_token_becomes_a_header);
	tcase_add_test(tcase, authors_name_marks_to_the_letter);
}

SUITE(cases)
