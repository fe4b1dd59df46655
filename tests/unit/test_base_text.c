/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Untrusted text: UTF-8, names, slugs, branches, what is shown and what is
 * quoted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"

#include "suite.h"

static const struct {
	const char *text;
	bool good;
} utf8[] = {
	{ "", true },
	{ "plain", true },
	{ "\xc3\xa9", true },
	{ "\xe2\x82\xac", true },
	{ "\xf0\x9f\x90\x91", true },
	{ "\xf4\x8f\xbf\xbf", true },
	{ "\xed\x9f\xbf", true },
	{ "\xc0\x80", false },
	{ "\xc1\xbf", false },
	{ "\xe0\x80\x80", false },
	{ "\xe0\x9f\xbf", false },
	{ "\xf0\x80\x80\x80", false },
	{ "\xed\xa0\x80", false },
	{ "\xed\xbf\xbf", false },
	{ "\xf4\x90\x80\x80", false },
	{ "\xf5\x80\x80\x80", false },
	{ "\x80", false },
	{ "\xc3", false },
	{ "\xe2\x82", false },
	{ "a\xc3\x28", false },
	{ "\xff", false },
};

START_TEST(text_utf8)
{
	ck_assert_msg(text_is_utf8(utf8[_i].text, strlen(utf8[_i].text)) == utf8[_i].good,
	    "case %d", _i);
	ck_assert(!text_is_utf8("a\0b", 3));
}
END_TEST

START_TEST(text_is_decoded)
{
	uint32_t cp = 7;

	ck_assert_uint_eq(text_decode("A\xc3", 2, &cp), 1);
	ck_assert_uint_eq(cp, 'A');
	ck_assert_uint_eq(text_decode("\xc3\xa9x", 3, &cp), 2);
	ck_assert_uint_eq(cp, 0xe9);
	ck_assert_uint_eq(text_decode("\xe2\x82\xac", 3, &cp), 3);
	ck_assert_uint_eq(cp, 0x20ac);
	ck_assert_uint_eq(text_decode("\xf4\x8f\xbf\xbf", 4, &cp), 4);
	ck_assert_uint_eq(cp, 0x10ffff);
	ck_assert_uint_eq(text_decode("\xf4\x8f\xbf\xbf", 3, &cp), 0);
	ck_assert_uint_eq(text_decode("\0", 1, &cp), 0);
	ck_assert_uint_eq(text_decode("", 0, &cp), 0);
}
END_TEST

START_TEST(text_ends_on_whole_characters)
{
	ck_assert_uint_eq(text_fit_end("abc", 3, 3), 0);
	ck_assert_uint_eq(text_fit_end("abc", 3, 2), 1);
	ck_assert_uint_eq(text_fit_end("a\xe2\x82\xac", 4, 3), 1);
	ck_assert_uint_eq(text_fit_end("a\xe2\x82\xac", 4, 2), 4);
	ck_assert_uint_eq(text_fit_end("\x80\x80", 2, 1), 2);
	ck_assert_uint_eq(text_fit_end(NULL, 0, 5), 0);
}
END_TEST

START_TEST(text_is_percent_encoded)
{
	struct buf out = BUF_INIT;

	text_percent(&out, "aZ09-._~ /%\0\xc3\xa9", 14, TEXT_UNRESERVED);
	ck_assert_str_eq(buf_str(&out), "aZ09-._~%20%2F%25%00%C3%A9");
	buf_clear(&out);
	text_percent(&out, "a/b-c", 5, "/");
	ck_assert_str_eq(buf_str(&out), "a/b%2Dc");
	buf_free(&out);
}
END_TEST

START_TEST(text_names)
{
	char longest[66];

	memset(longest, 'a', sizeof longest);
	longest[64] = '\0';
	ck_assert(text_is_name(longest));
	longest[64] = 'a';
	longest[65] = '\0';
	ck_assert(!text_is_name(longest));
	ck_assert(text_is_name("web-2_x"));
	ck_assert(!text_is_name(""));
	ck_assert(!text_is_name("-x"));
	ck_assert(!text_is_name("../x"));
	ck_assert(!text_is_name("Web"));
	ck_assert(!text_is_name("a.b"));
	ck_assert(text_is_kind("inbox.ticket"));
	ck_assert(!text_is_kind("inbox"));
	ck_assert(!text_is_kind("inbox."));
	ck_assert(!text_is_kind(".ticket"));
	ck_assert(!text_is_kind("a.b.c"));
}
END_TEST

static const struct {
	const char *text, *slug;
} slugs[] = {
	{ "Fix the <b>login</b> page!", "fix-the-b-login-b-page" },
	{ "", "change" },
	{ "!!!", "change" },
	{ "\xe4\xbf\xae", "change" },
	{ "  a  ", "a" },
	{ "../../etc/passwd", "etc-passwd" },
	{ "A-B--C", "a-b-c" },
};

START_TEST(text_slugs)
{
	char out[64], small[8];

	ck_assert_str_eq(text_slug(slugs[_i].text, out, sizeof out), slugs[_i].slug);
	ck_assert_str_eq(text_slug("abcdef ghi", small, sizeof small), "abcdef");
}
END_TEST

static const struct {
	const char *branch;
	bool good;
} branches[] = {
	{ "drover/a", true },
	{ "drover/PROJ-1/fix", true },
	{ "drover/\xc3\xa9", true },
	{ "drover/@", true },
	{ "drover/", false },
	{ "main", false },
	{ "drover/a..b", false },
	{ "drover/.a", false },
	{ "drover/a/.b", false },
	{ "drover/a.lock", false },
	{ "drover/a.lock/b", false },
	{ "drover/a.locks", true },
	{ "drover/a.", false },
	{ "drover/a/", false },
	{ "drover//a", false },
	{ "drover/a b", false },
	{ "drover/a~1", false },
	{ "drover/a^", false },
	{ "drover/a:b", false },
	{ "drover/a?", false },
	{ "drover/a*", false },
	{ "drover/a[", false },
	{ "drover/a\\b", false },
	{ "drover/a@{1}", false },
	{ "drover/a\x7f", false },
	{ "drover/a\tb", false },
	{ "drover/\xff", false },
};

START_TEST(text_branches)
{
	ck_assert_msg(text_is_branch(branches[_i].branch, "drover/") == branches[_i].good, "%s",
	    branches[_i].branch);
	ck_assert(!text_is_branch("-f", NULL));
	ck_assert(!text_is_branch("@", NULL));
	ck_assert(!text_is_branch("HEAD", NULL));
	ck_assert(text_is_branch("main", NULL));
}
END_TEST

static const struct {
	const char *text;
	size_t max;
	const char *shown;
} shown[] = {
	{ "plain", 100, "plain" },
	{ "a\x1b[31m", 100, "a\\x1b[31m" },
	{ "\xe2\x80\xae"
	  "x",
	    100, "\\u{202e}x" },
	{ "\xc2\x9b"
	  "x",
	    100, "\\u{009b}x" },
	{ "a\nb", 100, "a b" },
	{ "\r\n  a \t\r\n\n\tb\n", 100, "a b" },
	{ "\n \v\f\r", 100, "" },
	{ "\ta\t\tb  c\t", 100, " a  b  c " },
	{ "a\n\nb\x7f\x08", 100, "a b\\x7f\\x08" },
	{ "abcd \n\n ef", 6, "abc..." },
	{ "ab   \ncdef", 6, "ab ..." },
	{ "abc  \n", 6, "abc" },
	{ "\xff\xc3", 100, "\\xff\\xc3" },
	{ "caf\xc3\xa9", 100, "caf\xc3\xa9" },
	{ "abcdef", 6, "abcdef" },
	{ "abcdefg", 6, "abc..." },
	{ "ab\xc3\xa9"
	  "defg",
	    6, "ab..." },
	{ "abcdefg", 2, ".." },
	{ "a\x1b\x1b", 6, "a..." },
};

START_TEST(text_shown)
{
	struct buf out = BUF_INIT;

	text_show(&out, shown[_i].text, strlen(shown[_i].text), shown[_i].max);
	ck_assert_str_eq(buf_str(&out), shown[_i].shown);
	ck_assert_uint_le(out.len, shown[_i].max);
	buf_free(&out);
}
END_TEST

START_TEST(text_json_quotes)
{
	struct buf out = BUF_INIT;

	text_json(&out, "a\"b\\\n\t\x01\x7f\xff\xc2\x9b\xe2\x80\xae\xc3\xa9\0z", 18);
	ck_assert_str_eq(buf_str(&out),
	    "\"a\\\"b\\\\\\n\\t\\u0001\\u007f\xef\xbf\xbd\\u009b\\u202e\xc3\xa9\\u0000z\"");
	buf_free(&out);
}
END_TEST

/*
 * Whatever the bytes, what comes out is JSON, and of good text it is the same
 * text.
 */
START_TEST(text_json_survives_any_bytes)
{
	struct buf out = BUF_INIT;
	char text[32];
	size_t len, j;
	cJSON *json;

	srand(5);
	for (int i = 0; i < 20000; i++) {
		len = (size_t)rand() % sizeof text;
		for (j = 0; j < len; j++)
			text[j] = (char)(rand() % 3 == 0 ? rand() : 0xc0 + rand() % 64);
		buf_clear(&out);
		text_json(&out, text, len);
		json = json_parse(out.data, out.len, 1000, NULL);
		ck_assert_ptr_nonnull(json);
		if (text_is_utf8(text, len)) {
			ck_assert_uint_eq(strlen(json->valuestring), len);
			ck_assert_mem_eq(json->valuestring, text, len);
		}
		cJSON_Delete(json);
		buf_clear(&out);
		text_show(&out, text, len, 20);
		ck_assert_uint_le(out.len, 20);
		ck_assert(out.len == 0 || text_is_utf8(out.data, out.len));
		ck_assert_uint_le(text_fit(text, len, 7), 7);
	}
	buf_free(&out);
}
END_TEST

START_TEST(text_copies_whole_characters)
{
	char out[5];

	ck_assert(text_copy(out, sizeof out, "abcd"));
	ck_assert(!text_copy(out, sizeof out, "abc\xc3\xa9"));
	ck_assert_str_eq(out, "abc");
	ck_assert(!text_copy(out, sizeof out, "\xf0\x9f\x90\x91\xf0\x9f\x90\x91"));
	ck_assert_str_eq(out, "\xf0\x9f\x90\x91");
	ck_assert(!text_copy(out, sizeof out, "a\xf0\x9f\x90\x91"));
	ck_assert_str_eq(out, "a");
}
END_TEST

START_TEST(text_random_differs)
{
	char a[81], b[81];

	ck_assert_uint_eq(strlen(text_random_hex(a, 40)), 80);
	ck_assert_uint_eq(strspn(a, "0123456789abcdef"), 80);
	ck_assert_str_ne(a, text_random_hex(b, 40));
	ck_assert_uint_eq(text_hash("a", 1), UINT64_C(0xaf63dc4c8601ec8c));
}
END_TEST

START_TEST(digest_of_known_texts)
{
	char out[DIGEST_HEX];

	digest_sha256(NULL, 0, out);
	ck_assert_str_eq(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_sha256("abc", 3, out);
	ck_assert_str_eq(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

static const struct {
	const char *url, *origin;    /* "" if it has no origin */
} origins[] = {
	{ "https://example.org/a.git", "https example.org 443" },
	{ "HTTP://Example.ORG", "http example.org 80" },
	{ "https://h:8443?a=b@c", "https h 8443" },
	{ "https://h:#@other", "https h 443" },
	{ "http://[::1]:80/r", "http ::1 80" },
	{ "https://[FE80::1]/", "https fe80::1 443" },
	{ "https://me@h/", "" },
	{ "https://h\\@other/", "" },
	{ "https://h:80:90/", "" },
	{ "https://h:123456/", "" },
	{ "https://h:8a/", "" },
	{ "https://[::1]x/", "" },
	{ "https://h%2eother/", "" },
	{ "https:///r", "" },
	{ "ssh://h/r", "" },
	{ "/srv/r", "" },
};

START_TEST(url_origins)
{
	struct url_origin origin;
	char said[300] = "";

	if (url_origin(origins[_i].url, &origin))
		snprintf(said, sizeof said, "%s %s %s", origin.scheme, origin.host, origin.port);
	ck_assert_str_eq(said, origins[_i].origin);
}
END_TEST

START_TEST(url_users_and_loopback)
{
	ck_assert(url_has_userinfo("https://token@h/r"));
	ck_assert(url_has_userinfo("http://a:b@h"));
	ck_assert(!url_has_userinfo("https://h/a@b"));
	ck_assert(!url_has_userinfo("ssh://git@h/r"));
	ck_assert(url_is_loopback("LOCALHOST"));
	ck_assert(url_is_loopback("127.1.2.3"));
	ck_assert(url_is_loopback("::1"));
	ck_assert(!url_is_loopback("127.0.0.1.example.org"));
	ck_assert(!url_is_loopback("localhost.example.org"));
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "text", NULL, NULL);

	tcase_add_loop_test(tc, text_utf8, 0, (int)ARRAY_LEN(utf8));
	tcase_add_test(tc, text_is_decoded);
	tcase_add_test(tc, text_ends_on_whole_characters);
	tcase_add_test(tc, text_is_percent_encoded);
	tcase_add_test(tc, text_names);
	tcase_add_loop_test(tc, text_slugs, 0, (int)ARRAY_LEN(slugs));
	tcase_add_loop_test(tc, text_branches, 0, (int)ARRAY_LEN(branches));
	tcase_add_loop_test(tc, text_shown, 0, (int)ARRAY_LEN(shown));
	tcase_add_test(tc, text_json_quotes);
	tcase_add_test(tc, text_json_survives_any_bytes);
	tcase_add_test(tc, text_copies_whole_characters);
	tcase_add_test(tc, text_random_differs);
	tcase_add_test(tc, digest_of_known_texts);
	tcase_add_loop_test(tc, url_origins, 0, (int)ARRAY_LEN(origins));
	tcase_add_test(tc, url_users_and_loopback);
}

SUITE(cases)
