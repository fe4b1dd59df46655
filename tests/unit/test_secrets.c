/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in text: every spelling, text in pieces, and what is too short. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secrets.h"

#include "suite.h"

#define SECRET "p/4s+\"w rd&\303\251<K>'$x"
#define TEXT(how, text) { how, text, sizeof text - 1 }

static void
teardown(void)
{
	secrets_clear();
}

/* The secret as the named encoder wrote it, sometimes among other bytes. */
static const struct {
	const char *how, *text;
	size_t len;
} spellings[] = {
	TEXT("as it is", "p/4s+\"w rd&\303\251<K>'$x"),
	TEXT("base64, offset 0", "cC80cysidyByZCbDqTxLPickeC8/"),
	TEXT("base64url, offset 0", "cC80cysidyByZCbDqTxLPickeD8v"),
	TEXT("base64, offset 1", "dXAvNHMrIncgcmQmw6k8Sz4nJHgvPw=="),
	TEXT("base64url, offset 1", "dXAvNHMrIncgcmQmw6k8Sz4nJHg_Lw"),
	TEXT("base64, offset 2", "dTpwLzRzKyJ3IHJkJsOpPEs+JyR4Lz8="),
	TEXT("base64url, offset 2", "dTpwLzRzKyJ3IHJkJsOpPEs-JyR4Py8"),
	TEXT("xxd -p", "702f34732b227720726426c3a93c4b3e272478"),
	TEXT("xxd -p -u", "702F34732B227720726426C3A93C4B3E272478"),
	TEXT("quote() of Python", "p/4s%2B%22w%20rd%26%C3%A9%3CK%3E%27%24x"),
	TEXT("quote(safe='')", "p%2F4s%2B%22w%20rd%26%C3%A9%3CK%3E%27%24x"),
	TEXT("quote_plus()", "p%2F4s%2B%22w+rd%26%C3%A9%3CK%3E%27%24x"),
	TEXT("percent, lower case", "p%2f4s%2b%22w%20rd%26%c3%a9%3cK%3e%27%24x"),
	TEXT("encodeURI()", "p/4s+%22w%20rd&%C3%A9%3CK%3E'$x"),
	TEXT("encodeURIComponent()", "p%2F4s%2B%22w%20rd%26%C3%A9%3CK%3E'%24x"),
	TEXT("json.dumps()", "\"p/4s+\\\"w rd&\\u00e9<K>'$x\""),
	TEXT("json.dumps(ensure_ascii=False)", "\"p/4s+\\\"w rd&\303\251<K>'$x\""),
	TEXT("JSON in JSON", "\"\\\"p/4s+\\\\\\\"w rd&\303\251<K>'$x\\\"\""),
	TEXT("JSON of Go", "\"p/4s+\\\"w rd\\u0026\303\251\\u003cK\\u003e'$x\""),
	TEXT("JSON of PHP", "\"p\\/4s+\\\"w rd&\303\251<K>'$x\""),
	TEXT("html.escape()", "p/4s+&quot;w rd&amp;\303\251&lt;K&gt;&#x27;$x"),
	TEXT("html.escape(quote=False)", "p/4s+\"w rd&amp;\303\251&lt;K&gt;'$x"),
	TEXT("HTML of Go", "p/4s+&#34;w rd&amp;\303\251&lt;K&gt;&#39;$x"),
	TEXT("shlex.quote()", "'p/4s+\"w rd&\303\251<K>'\"'\"'$x'"),
	TEXT("single quotes", "'p/4s+\"w rd&\303\251<K>'\\''$x'"),
	TEXT("printf %q", "p/4s+\\\"w\\ rd\\&\303\251\\<K\\>\\'\\$x"),
	TEXT("double quotes", "\"p/4s+\\\"w rd&\303\251<K>'\\$x\""),
	TEXT("C, octal", "p/4s+\\\"w rd&\\303\\251<K>'$x"),
	TEXT("C, hexadecimal", "p/4s+\\\"w rd&\\xc3\\xa9<K>'$x"),
	TEXT("repr() of Python", "'p/4s+\"w rd&\303\251<K>\\'$x'"),
	TEXT("UTF-16LE",
	    "p\000/\0004\000s\000+\000\"\000w\000 \000r\000d"
	    "\000&\000\351\000<\000K\000>\000'\000$\000x\000"),
	TEXT("UTF-16BE",
	    "\000p\000/\0004\000s\000+\000\"\000w\000 \000r"
	    "\000d\000&\000\351\000<\000K\000>\000'\000$\000x"),
};

START_TEST(secrets_are_hidden_in_every_spelling)
{
	struct buf text = BUF_INIT;
	size_t at;

	secrets_add(SECRET "\n");
	buf_add(&text, spellings[_i].text, spellings[_i].len);
	ck_assert_msg(secrets_find(text.data, text.len, &at) > 0, "%s", spellings[_i].how);
	ck_assert_uint_le(at, 4);
	secrets_hide(&text);
	ck_assert_ptr_nonnull(memmem(text.data, text.len, "***", 3));
	/* Quotes and the bits that neighbours share are left. */
	ck_assert_msg(text.len <= 3 + 8, "%s: %s", spellings[_i].how, text.data);
	buf_free(&text);
}
END_TEST

/* base64 and xxd break their lines. */
static const struct {
	const char *text, *hidden;
} wrapped[] = {
	{ "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktMTU5PUFFSU1RV\n"
	  "VldYWVohIyQlJigpKissLS4vOjs8PT4/QA==\n",
	    "***\n***==\n" },
	{ "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktM\n"
	  "TU5PUFFSU1RVVldYWVohIyQlJigpKissLS4vOjs8PT4/QA==\n",
	    "***\n***==\n" },
	{ "303132333435363738396162636465666768696a6b6c6d6e6f7071727374\n"
	  "75767778797a4142434445464748494a4b4c4d4e4f505152535455565758\n"
	  "595a212324252628292a2b2c2d2e2f3a3b3c3d3e3f40\n",
	    "***\n***\n***\n" },
};

START_TEST(secrets_are_hidden_in_wrapped_lines)
{
	struct buf text = BUF_INIT;

	secrets_add("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "!#$%&()*+,-./:;<=>?@");
	buf_adds(&text, wrapped[_i].text);
	secrets_hide(&text);
	ck_assert_ptr_nonnull(strstr(text.data, "***\n***"));
	ck_assert_uint_le(text.len, strlen(wrapped[_i].hidden) + 4);
	buf_free(&text);
}
END_TEST

START_TEST(secrets_that_are_short_are_hidden_as_they_are)
{
	struct buf text = BUF_INIT;

	secrets_add("short");
	secrets_add("sesame");
	secrets_add("sesames!");
	buf_adds(&text, "short sesame 736573616d65 sesames! 736573616d657321");
	secrets_hide(&text);
	ck_assert_str_eq(text.data, "short *** 736573616d65 *** ***");
	buf_free(&text);
}
END_TEST

START_TEST(secrets_find_says_where)
{
	size_t at;

	ck_assert_uint_eq(secrets_find("a secret-value", 14, &at), 0);
	secrets_add("secret-value");
	ck_assert_uint_eq(secrets_find("\0a secret-value, secret-value", 29, &at), 12);
	ck_assert_uint_eq(at, 3);
	ck_assert_uint_eq(secrets_find("a secret-valu", 13, &at), 0);
	ck_assert_uint_eq(at, 13);
	ck_assert_uint_eq(secrets_find("", 0, &at), 0);
}
END_TEST

START_TEST(secrets_in_an_array_are_cut)
{
	char text[9] = "sesame!!", *large;

	secrets_add("sesame");
	ck_assert_str_eq(secrets_hide_text(text, sizeof text), "***!!");
	large = xstrdup("no such word");
	ck_assert_ptr_eq(secrets_hide_text(large, 13), large);
	ck_assert_str_eq(large, "no such word");
	free(large);
}
END_TEST

START_TEST(secrets_are_listed_once)
{
	struct buf list = BUF_INIT;

	secrets_add("first-value");
	secrets_add("second-value");
	secrets_add("first-value");
	secrets_add("tiny");
	ck_assert_uint_eq(secrets_count(), 2);
	ck_assert_uint_eq(secrets_list(0, 24, &list), 1);
	ck_assert_uint_eq(list.len, 12);
	ck_assert_uint_eq(secrets_list(1, 24 + 12, &list), 2);
	ck_assert_mem_eq(list.data, "first-value\0second-value\0", 25);
	buf_free(&list);
}
END_TEST

/* Fills out with 1 where a secret covers the text, found the slow way. */
static void
cover(const char *text, size_t len, char secrets[][12], size_t n, char *out)
{
	memset(out, 0, len);
	for (size_t s = 0; s < n; s++)
		for (size_t at = 0; at + strlen(secrets[s]) <= len; at++)
			if (memcmp(text + at, secrets[s], strlen(secrets[s])) == 0)
				memset(out + at, 1, strlen(secrets[s]));
}

/*
 * Texts of two letters, in which secrets overlap and nearly begin all the time:
 * whole, and cut into random pieces.
 */
START_TEST(secrets_are_hidden_in_pieces_as_in_the_whole)
{
	char secrets[4][12], text[200], covered[200];
	struct buf whole = BUF_INIT, pieces = BUF_INIT, expected = BUF_INIT;
	struct secrets_stream stream = { BUF_INIT };
	size_t i, at, len, n;

	srand((unsigned)_i);
	for (int round = 0; round < 300; round++) {
		secrets_clear();
		for (i = 0; i < ARRAY_LEN(secrets); i++) {
			len = 6 + (size_t)rand() % 6;
			for (at = 0; at < len; at++)
				secrets[i][at] = "ab"[rand() % 2];
			secrets[i][len] = '\0';
			secrets_add(secrets[i]);
		}
		for (i = 0; i < sizeof text; i++)
			text[i] = "ab"[rand() % 2];
		cover(text, sizeof text, secrets, ARRAY_LEN(secrets), covered);
		buf_clear(&expected);
		for (i = 0; i < sizeof text; i++)
			if (covered[i] == 0)
				buf_addc(&expected, text[i]);
		buf_clear(&whole);
		buf_add(&whole, text, sizeof text);
		secrets_hide(&whole);
		buf_clear(&pieces);
		for (i = 0; i < sizeof text; i += n) {
			n = 1 + (size_t)rand() % 9;
			n = n < sizeof text - i ? n : sizeof text - i;
			secrets_stream(&stream, text + i, n, i + n == sizeof text, &pieces);
		}
		ck_assert_uint_eq(whole.len, pieces.len);
		ck_assert_mem_eq(whole.data, pieces.data, whole.len);
		for (i = n = 0; i < whole.len; i++)
			if (whole.data[i] != '*')
				ck_assert_int_eq(whole.data[i], expected.data[n++]);
		ck_assert_uint_eq(n, expected.len);
	}
	secrets_stream_free(&stream);
	buf_free(&whole);
	buf_free(&pieces);
	buf_free(&expected);
}
END_TEST

START_TEST(secrets_keep_back_only_what_may_be_one)
{
	struct secrets_stream stream = { BUF_INIT };
	struct buf out = BUF_INIT;

	secrets_add("secret-value");
	secrets_stream(&stream, "a line\nand sec", 14, false, &out);
	ck_assert_str_eq(out.data, "a line\nand ");
	secrets_stream(&stream, "ond", 3, false, &out);
	ck_assert_str_eq(out.data, "a line\nand second");
	secrets_stream(&stream, " secret-val", 11, false, &out);
	secrets_stream(&stream, "", 0, true, &out);
	ck_assert_str_eq(out.data, "a line\nand second secret-val");
	secrets_stream_free(&stream);
	buf_free(&out);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "secrets", NULL, teardown);

	tcase_add_loop_test(tc, secrets_are_hidden_in_every_spelling, 0, (int)ARRAY_LEN(spellings));
	tcase_add_loop_test(tc, secrets_are_hidden_in_wrapped_lines, 0, (int)ARRAY_LEN(wrapped));
	tcase_add_test(tc, secrets_that_are_short_are_hidden_as_they_are);
	tcase_add_test(tc, secrets_find_says_where);
	tcase_add_test(tc, secrets_in_an_array_are_cut);
	tcase_add_test(tc, secrets_are_listed_once);
	tcase_add_loop_test(tc, secrets_are_hidden_in_pieces_as_in_the_whole, 0, 4);
	tcase_add_test(tc, secrets_keep_back_only_what_may_be_one);
}

SUITE(cases)
