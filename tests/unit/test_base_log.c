/* SPDX-License-Identifier: Apache-2.0 */
/* The log: the form of a line, masking in every spelling, sinks that fail. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/secrets.h"
#include "base/text.h"

#include "temp.h"
#include "suite.h"

#define SECRET "p/4s+\"w rd&\xc3\xa9K"

static char *dir, *path;

static void
setup(void)
{
	dir = temp_make();
	path = path_join(dir, "log");
	clock_fake(1795244971123, 0);
	ck_assert_int_eq(log_open(path, DROVER_INFO, NULL), 0);
}

static void
teardown(void)
{
	log_close();
	secrets_clear();
	clock_fake(-1, -1);
	free(path);
	temp_remove(dir);
}

/* What the log holds; the caller frees. */
static char *
logged(void)
{
	struct buf text = BUF_INIT;

	ck_assert_int_eq(path_read(path, 1 << 24, &text, NULL), 0);
	return buf_take(&text);
}

static void
ck_logged(const char *expected)
{
	char *text = logged();

	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(log_has_one_order)
{
	static const struct log_scope scope = { .part = "job",
		.plugin = "inbox",
		.source = "ticket",
		.trace = "4bf9",
		.kind = "inbox.ticket",
		.key = "K-1",
		.worker = "w1",
		.job = UINT64_MAX,
		.attempt = 2 };
	static const struct drover_field fields[] = { { "state", "ok\x1b" }, { "job", "7" },
		{ "none", NULL } };

	log_line(&scope, DROVER_WARN, "a \"b\"\n", fields, ARRAY_LEN(fields));
	log_printf(NULL, DROVER_INFO, "%d", 5);
	log_printf(NULL, DROVER_DEBUG, "too small");
	ck_logged("{\"ts\":\"2026-11-21T07:09:31.123Z\",\"level\":\"warn\",\"msg\":\"a "
		  "\\\"b\\\"\\n\",\"part\":\"job\",\"plugin\":\"inbox\","
		  "\"source\":\"ticket\",\"job\":18446744073709551615,\"kind\":\"inbox.ticket\","
		  "\"key\":\"K-1\",\"trace\":\"4bf9\",\"attempt\":2,"
		  "\"worker\":\"w1\",\"state\":\"ok\\u001b\",\"field_job\":\"7\",\"none\":\"\"}\n"
		  "{\"ts\":\"2026-11-21T07:09:31.123Z\",\"level\":\"info\",\"msg\":\"5\"}\n");
}
END_TEST

START_TEST(log_time_goes_on)
{
	char *text;

	log_printf(NULL, DROVER_INFO, "a");
	clock_fake(1795244972007, 0);
	log_printf(NULL, DROVER_INFO, "b");
	text = logged();
	ck_assert_ptr_nonnull(strstr(text, ":31.123Z\",\"level\":\"info\",\"msg\":\"a\"}"));
	ck_assert_ptr_nonnull(strstr(text, ":32.007Z\",\"level\":\"info\",\"msg\":\"b\"}"));
	free(text);
}
END_TEST

START_TEST(log_values_are_bounded)
{
	char *large = xmalloc(1 << 20), *text;

	memset(large, 'x', 1 << 20);
	large[(1 << 20) - 1] = '\0';
	log_printf(NULL, DROVER_INFO, "%s", large);
	text = logged();
	ck_assert_uint_lt(strlen(text), 20000);
	ck_assert_ptr_nonnull(strstr(text, "xxx...\"}\n"));
	free(text);
	free(large);
}
END_TEST

/* printf '%s' SECRET | the tool named. */
static const struct {
	const char *how, *text;
} spellings[] = {
	{ "raw", "x " SECRET " y" },
	{ "JSON", "{\"a\":\"p/4s+\\\"w rd&\xc3\xa9K\"}" },
	{ "JSON with escaped slashes", "{\"a\":\"p\\/4s+\\\"w rd&\xc3\xa9K\"}" },
	{ "URL", "?q=p%2F4s%2B%22w%20rd%26%C3%A9K&" },
	{ "URL, lower case", "?q=p%2f4s%2b%22w%20rd%26%c3%a9K&" },
	{ "form", "?q=p%2F4s%2B%22w+rd%26%C3%A9K&" },
	{ "base64 -w0", "cC80cysidyByZCbDqUs=" },
	{ "(printf u; cat) | base64", "dXAvNHMrIncgcmQmw6lL" },
	{ "(printf u:; cat) | base64", "dTpwLzRzKyJ3IHJkJsOpSw==" },
	{ "xxd -p", "702f34732b227720726426c3a94b" },
	{ "xxd -p -u", "702F34732B227720726426C3A94B" },
};

/*
 * What may still be seen of each spelling: at most the bits that neighbours
 * share.
 */
static const char *const remains[] = { "p/4s", "w rd", "rd%26", "wrd", "NHMr", "cysi", "RzKyJ",
	"34732", "ncgcm", "IHJk", "yZCbD" };

START_TEST(log_masks_every_spelling)
{
	struct buf text = BUF_INIT;
	struct drover_field field = { "value", spellings[_i].text };
	char *lines;
	size_t i;

	secrets_add(SECRET "\n");
	log_line(NULL, DROVER_INFO, spellings[_i].text, &field, 1);
	lines = logged();
	buf_adds(&text, spellings[_i].text);
	secrets_hide(&text);
	ck_assert_ptr_nonnull(strstr(lines, "***"));
	ck_assert_ptr_nonnull(strstr(text.data, "***"));
	for (i = 0; i < ARRAY_LEN(remains); i++) {
		ck_assert_msg(strstr(lines, remains[i]) == NULL, "%s: %s", spellings[_i].how,
		    lines);
		ck_assert_msg(strstr(text.data, remains[i]) == NULL, "%s: %s", spellings[_i].how,
		    text.data);
	}
	free(lines);
	buf_free(&text);
}
END_TEST

/*
 * A secret whose base64 tells the two alphabets apart, at each of the three
 * shifts.
 */
static const char *const alphabets[] = {
	"fn5+Pz8/Pj4+fn5+Pz8/Pg==",
	"fn5-Pz8_Pj4-fn5-Pz8_Pg==",
	"dX5+fj8/Pz4+Pn5+fj8/Pz4=",
	"dX5-fj8_Pz4-Pn5-fj8_Pz4=",
	"dTp+fn4/Pz8+Pj5+fn4/Pz8+",
	"dTp-fn4_Pz8-Pj5-fn4_Pz8-",
};

START_TEST(log_masks_both_base64_alphabets)
{
	struct buf text = BUF_INIT;

	secrets_add("~~~???" ">>>~~~???" ">");
	buf_adds(&text, alphabets[_i]);
	secrets_hide(&text);
	ck_assert_msg(strstr(text.data, "***") != NULL && text.len <= 9, "%s", text.data);
	buf_free(&text);
}
END_TEST

START_TEST(log_masks_a_json_text_in_a_json_line)
{
	char *text;

	secrets_add("quo\"te\\d");
	log_printf(NULL, DROVER_INFO, "said {\"x\":\"quo\\\"te\\\\d\"}");
	text = logged();
	ck_assert_ptr_null(strstr(text, "te"));
	free(text);
}
END_TEST

START_TEST(log_masks_overlaps_whole)
{
	struct buf text = BUF_INIT;

	secrets_add("abcdefgh");
	secrets_add("efghijkl");
	secrets_add("short");
	buf_adds(&text, "<abcdefghijkl> abcdefghabcdefgh short");
	secrets_hide(&text);
	ck_assert_str_eq(buf_str(&text), "<***> ****** short");
	buf_free(&text);
}
END_TEST

START_TEST(log_masks_lines_of_a_key)
{
	struct buf text = BUF_INIT;

	secrets_add(
	    "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\nshort\n-----END KEY-----\n");
	buf_adds(&text, "got hkiG9w0BAQEFAASC, short, -----BEGIN KEY-----");
	secrets_hide(&text);
	ck_assert_str_eq(buf_str(&text), "got ***, short, -----BEGIN KEY-----");
	buf_free(&text);
}
END_TEST

/*
 * A value that is cut must not show the front of a secret that the cut would
 * have hidden from the search.
 */
START_TEST(log_masks_before_it_cuts)
{
	char *large = xmalloc(20000), *text;

	secrets_add("secret-value-1234");
	memset(large, 'x', 20000);
	memcpy(large + 16384 - 8, "secret-value-1234", 18);
	log_printf(NULL, DROVER_INFO, "%s", large);
	text = logged();
	ck_assert_ptr_null(strstr(text, "secr"));
	free(text);
	free(large);
}
END_TEST

/*
 * Random secrets among random bytes, in any of the spellings that we write
 * ourselves.
 */
START_TEST(log_masks_random_secrets)
{
	struct buf text = BUF_INIT, json = BUF_INIT;
	char secret[17];
	size_t j, at;

	srand(6);
	for (int i = 0; i < 5000; i++) {
		secrets_clear();
		for (j = 0; j < 16; j++)
			secret[j] = (char)(1 + rand() % 127);
		secret[15] = 'x'; /* no line end, which is trimmed */
		secret[16] = '\0';
		secrets_add(secret);
		buf_clear(&text);
		for (at = (size_t)rand() % 40, j = 0; j < at; j++)
			buf_addc(&text, (char)rand());
		if (i % 2 == 0)
			buf_adds(&text, secret);
		else
			text_json(&text, secret, 16);
		buf_adds(&text, "tail");
		secrets_hide(&text);
		ck_assert_ptr_null(memmem(text.data, text.len, secret, 16));
		ck_assert_ptr_nonnull(memmem(text.data, text.len, "***", 3));
		ck_assert_int_eq(memcmp(text.data + text.len - 4, "tail", 4), 0);
	}
	buf_free(&text);
	buf_free(&json);
}
END_TEST

START_TEST(log_reopens_after_rotation)
{
	char *rotated = path_join(dir, "log.1"), *text;

	log_printf(NULL, DROVER_INFO, "first");
	ck_assert_int_eq(rename(path, rotated), 0);
	log_printf(NULL, DROVER_INFO, "second");
	ck_assert_int_eq(log_reopen(NULL), 0);
	log_printf(NULL, DROVER_INFO, "third");
	text = logged();
	ck_assert_ptr_null(strstr(text, "second"));
	ck_assert_ptr_nonnull(strstr(text, "third"));
	free(text);
	free(rotated);
}
END_TEST

START_TEST(log_keeps_its_file_when_the_new_one_fails)
{
	struct error err;

	ck_assert_int_eq(log_open(dir, DROVER_INFO, &err), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	log_printf(NULL, DROVER_INFO, "still here");
	ck_logged(
	    "{\"ts\":\"2026-11-21T07:09:31.123Z\",\"level\":\"info\",\"msg\":\"still here\"}\n");
}
END_TEST

/*
 * A reader that left raises no SIGPIPE; one that stalls costs lines, which are
 * told of later.
 */
START_TEST(log_survives_its_pipe)
{
	char text[8192];
	int fds[2], n, i;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(log_open(NULL, DROVER_INFO, NULL), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	ck_assert_int_gt(n = fcntl(fds[0], F_GETPIPE_SZ), 0);
	for (i = 0; i < 3 * n / 100; i++)
		log_printf(NULL, DROVER_INFO, "%060d", i);
	while (fcntl(fds[0], F_SETFL, O_NONBLOCK), read(fds[0], text, sizeof text) > 0)
		;
	log_printf(NULL, DROVER_INFO, "again");
	ck_assert_int_gt(n = (int)read(fds[0], text, sizeof text - 1), 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "lines of the log were lost"));
	ck_assert_ptr_nonnull(strstr(text, "\"again\""));
	close(fds[0]);
	log_printf(NULL, DROVER_INFO, "nobody reads");
	log_printf(NULL, DROVER_INFO, "nobody reads");
}
END_TEST

static void *
write_lines(void *letter)
{
	char text[1000];

	memset(text, *(const char *)letter, sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 2000; i++)
		log_line(NULL, DROVER_INFO, text, NULL, 0);
	return NULL;
}

START_TEST(log_lines_of_threads_do_not_mix)
{
	char letters[] = "ab";
	pthread_t threads[2];
	char *text, *line, *rest, *at;
	int n = 0;

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, &letters[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	text = rest = logged();
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		at = strstr(line, "\"msg\":\"");
		ck_assert_msg(at != NULL && (at[7] == 'a' || at[7] == 'b'), "%s", line);
		ck_assert_msg(strspn(at + 7, (const char[]){ at[7], '\0' }) == 999 &&
			strcmp(at + 7 + 999, "\"}") == 0, "%s", line);
		n++;
	}
	ck_assert_int_eq(n, 4000);
	free(text);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "log", setup, teardown);

	tcase_add_test(tc, log_has_one_order);
	tcase_add_test(tc, log_time_goes_on);
	tcase_add_test(tc, log_values_are_bounded);
	tcase_add_loop_test(tc, log_masks_every_spelling, 0, (int)ARRAY_LEN(spellings));
	tcase_add_loop_test(tc, log_masks_both_base64_alphabets, 0, (int)ARRAY_LEN(alphabets));
	tcase_add_test(tc, log_masks_a_json_text_in_a_json_line);
	tcase_add_test(tc, log_masks_overlaps_whole);
	tcase_add_test(tc, log_masks_lines_of_a_key);
	tcase_add_test(tc, log_masks_before_it_cuts);
	tcase_add_test(tc, log_masks_random_secrets);
	tcase_add_test(tc, log_reopens_after_rotation);
	tcase_add_test(tc, log_keeps_its_file_when_the_new_one_fails);
	tcase_add_test(tc, log_survives_its_pipe);
	tcase_add_test(tc, log_lines_of_threads_do_not_mix);
}

SUITE(cases)
