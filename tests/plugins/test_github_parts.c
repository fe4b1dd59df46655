/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the plugin github that need no host: tokens, times, names,
 * texts, payloads, cursors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "github/github.h"
#include "fake_host.h"
#include "suite.h"

#define NOW INT64_C(1795255200) /* 2026-11-21T10:00:00Z */

static struct drover_error err;

static char *
pem_of(EVP_PKEY *key, const char *password)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *data, *text;
	long len;

	ck_assert_int_eq(PEM_write_bio_PrivateKey(out, key,
			     password != NULL ? EVP_aes_128_cbc() : NULL,
			     (const unsigned char *)password,
			     password != NULL ? (int)strlen(password) : 0, NULL, NULL),
	    1);
	len = BIO_get_mem_data(out, &data);
	text = calloc(1, (size_t)len + 1);
	memcpy(text, data, (size_t)len);
	BIO_free(out);
	return text;
}

static size_t
unbase64url(const char *text, size_t len, unsigned char *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	size_t n = 0;
	int have = 0;

	for (; len > 0; len--, text++) {
		const char *at = strchr(digits, *text);

		ck_assert_msg(at != NULL && *text != '\0', "\"%c\" is no base64url", *text);
		bits = bits << 6 | (uint32_t)(at - digits);
		if ((have += 6) >= 8)
			out[n++] = (unsigned char)(bits >> (have -= 8));
	}
	return n;
}

/*
 * Checks the signature with the public half, as GitHub does, and gives the
 * claims.
 */
static void
verify(const char *jwt, EVP_PKEY *key, char *head, char *claims)
{
	const char *dot = strchr(jwt, '.'), *last = strrchr(jwt, '.');
	unsigned char sum[1024], text[2048];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t n;

	ck_assert_ptr_nonnull(dot);
	ck_assert_ptr_ne(dot, last);
	n = unbase64url(jwt, (size_t)(dot - jwt), text);
	snprintf(head, 256, "%.*s", (int)n, text);
	n = unbase64url(dot + 1, (size_t)(last - dot - 1), text);
	snprintf(claims, 256, "%.*s", (int)n, text);
	n = unbase64url(last + 1, strlen(last + 1), sum);
	ck_assert_int_eq(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
	ck_assert_int_eq(EVP_DigestVerify(context, sum, n, (const unsigned char *)jwt,
			     (size_t)(last - jwt)),
	    1);
	EVP_MD_CTX_free(context);
}

START_TEST(an_app_proves_itself_by_a_signature)
{
	EVP_PKEY *key = EVP_RSA_gen(2048), *curve = EVP_EC_gen("P-256");
	char *pem = pem_of(key, NULL), *locked = pem_of(key, "x"), *other = pem_of(curve, NULL),
	     head[256], claims[256], *jwt, *line;
	size_t i, n = 0;

	jwt = jwt_make("12345", pem, NOW, &err);
	ck_assert_msg(jwt != NULL, "%s", err.text);
	verify(jwt, key, head, claims);
	ck_assert_str_eq(head, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
	ck_assert_str_eq(claims, "{\"iat\":1795255140,\"exp\":1795255680,\"iss\":\"12345\"}");
	free(jwt);

	/* As environment variables hold it. */
	line = calloc(1, 2 * strlen(pem) + 1);
	for (i = 0; pem[i] != '\0'; i++) {
		if (pem[i] == '\n') {
			line[n++] = '\\';
			line[n++] = 'n';
		} else
			line[n++] = pem[i];
	}
	jwt = jwt_make("Iv1.8a61f9b3a7aba766", line, NOW, &err);
	ck_assert_ptr_nonnull(jwt);
	verify(jwt, key, head, claims);
	free(jwt);

	ck_assert_ptr_null(jwt_make("12345", locked, NOW, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_null(jwt_make("12345", other, NOW, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_null(jwt_make("12345", "ghp_token", NOW, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_null(strstr(err.text, "ghp_token"));
	ck_assert_ptr_null(jwt_make("1\",\"x\":\"", pem, NOW, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	free(line);
	free(pem);
	free(locked);
	free(other);
	EVP_PKEY_free(key);
	EVP_PKEY_free(curve);
}
END_TEST

static const struct {
	const char *url, *slug;
} urls[] = {
	{ "https://github.com/acme/web.git", "acme/web" },
	{ "https://github.com/acme/web", "acme/web" },
	{ "https://github.com/acme/web/", "acme/web" },
	{ "git@github.com:acme/web.git", "acme/web" },
	{ "ssh://git@github.com:22/acme/web.git", "acme/web" },
	{ "https://ghe.example.org/git/acme/web.js.git", "acme/web.js" },
	{ "/srv/git/acme/web.git", "acme/web" },
	{ "acme/web", "acme/web" },
	{ "https://github.com/acme/web.git?x=1", "acme/web" },
	{ "web.git", NULL },
	{ "", NULL },
	{ "/", NULL },
	{ "https://github.com/acme/..", NULL },
	{ "https://github.com/../web", NULL },
	{ "https://github.com/ac me/web", NULL },
	{ "https://github.com/acme/we%62", NULL },
};

START_TEST(a_url_ends_in_owner_and_name)
{
	char slug[SLUG_MAX];

	if (urls[_i].slug == NULL) {
		ck_assert_int_eq(slug_of_url(urls[_i].url, slug), -1);
		return;
	}
	ck_assert_int_eq(slug_of_url(urls[_i].url, slug), 0);
	ck_assert_str_eq(slug, urls[_i].slug);
}
END_TEST

#define Z "\xe2\x80\x8b"

static const struct {
	const char *text, *tame;
} tames[] = {
	{ "plain", "plain" },
	{ "", "" },
	{ "ask @alice and @acme/devs", "ask @" Z "alice and @" Z "acme/devs" },
	{ "mail me@example.org, a @ b", "mail me@example.org, a @ b" },
	{ "x `@alice` y", "x `@alice` y" },
	{ "x \\`@alice\\` y", "x \\`@" Z "alice\\` y" },
	{ "1. so:\n\n    ```\n    @a\n    ```\n@b", "1. so:\n\n    ```\n    @a\n    ```\n@" Z "b" },
	{ "> ```\n> @a\n> ```\n> @b", "> ```\n> @a\n> ```\n> @" Z "b" },
	{ "https://x.y/@alice/z_@b_ (http://x/@c)", "https://x.y/@alice/z_@b_ (http://x/@c)" },
	{ "http://@alice http://a_b/@alice [http://x/@alice]",
	    "http://@" Z "alice http://a_b/@" Z "alice [http://x/@" Z "alice]" },
	{ "    @a\n\n@b", "    @a\n\n@" Z "b" },
	{ "see\n```py\n@decorator\ndef f(): pass\n```\n@alice",
	    "see\n```py\n@decorator\ndef f(): pass\n```\n@" Z "alice" },
	{ "~~~\n@a\n```\n@b\n~~~~\n@c", "~~~\n@a\n```\n@b\n~~~~\n@" Z "c" },
	{ "````\n```\ncode", "````\n```\ncode\n````" },
	{ "~~~\ncode\n", "~~~\ncode\n~~~" },
	{ "```@a\n@b", "```@" Z "a\n@b\n```" },
	{ "```x``` \n@b", "```x``` \n@" Z "b" },
	{ "<div>\n```\n@team\n```", "<div>\n```\n@" Z "team\n```" },
	{ "  <details>\n\n```\n@team\n```", "  <details>\n\n```\n@team\n```" },
	{ "- ```\n@team", "- ```\n@" Z "team" },
	{ "done <!-- drover:answer:x trace=1 -->", "done" },
	{ "a <!<!-- x -->-- drover:answer:x trace=1 --> b", "a  b" },
	{ "```html\n<!-- kept -->\n```", "```html\n<!-- kept -->\n```" },
	{ "`<!-- kept -->`<!-- not -->", "`<!-- kept -->`" },
	{ "a <!<!-- x -->-- y --> `<!-- z -->`", "a  ``" },
	{ "`<!-- drover:answer:x trace=1 -->`", "``" },
	{ "a\n<!-- not closed\n\n@b", "a" },
	{ "a\xe2\x80\xae"
	  "b\x1b[31m\xff",
	    "ab[31m" },
};

START_TEST(what_an_agent_says_pings_nobody_and_proves_nothing)
{
	char *tame = post_tame(NULL, tames[_i].text, 1000);

	ck_assert_str_eq(tame, tames[_i].tame);
	free(tame);
}
END_TEST

START_TEST(what_is_nested_too_deeply_is_tamed_and_logged)
{
	struct fake *fake = fake_new();
	char text[500], *tame;

	memset(text, '>', 200);
	strcpy(text + 200, " `@a` <!-- b -->c \n");
	tame = post_tame(&fake->scope, text, 1000);
	ck_assert_str_eq(tame + 200,
	    " `@\xe2\x80\x8b"
	    "a` c");
	free(tame);
	ck_assert_ptr_nonnull(strstr(fake->log, "a text of 219 bytes is nested too deeply"));
	ck_assert_ptr_eq(strchr(fake->log, '\n') + 1, strchr(fake->log, '\0'));
	fake_free(fake);
}
END_TEST

START_TEST(a_long_text_is_cut_and_says_so)
{
	char *text = calloc(1, 200001), *tame;
	size_t i;

	for (i = 0; i < 200000; i += 2)
		memcpy(text + i, "@a", 2);
	tame = post_tame(NULL, text, GITHUB_TEXT_MAX);
	ck_assert_uint_le(strlen(tame), GITHUB_TEXT_MAX);
	ck_assert_ptr_nonnull(strstr(tame, "too long"));
	ck_assert(text_is_utf8(tame, strlen(tame)));
	free(tame);
	memcpy(text, "```\n", 4);
	tame = post_tame(NULL, text, GITHUB_TEXT_MAX);
	ck_assert_uint_le(strlen(tame), GITHUB_TEXT_MAX);
	/* The block is closed: what follows it is text again. */
	ck_assert_ptr_nonnull(strstr(tame, "\n```\n\n[..."));
	free(tame);
	free(text);
}
END_TEST

static struct ask
an_ask(const char *text)
{
	struct ask ask = { .slug = "acme/web",
		.number = "12",
		.type = "issuecomment",
		.id = "900719925474099312",
		.author = "alice",
		.association = "member",
		.url = "https://github.com/acme/web/pull/12#issuecomment-1",
		.title = "T",
		.line = 7,
		.at = NOW };

	ask.text = strdup(text);
	ask_revise(&ask);
	return ask;
}

START_TEST(an_ask_is_known_by_its_id_and_the_revision_of_its_text)
{
	struct ask ask = an_ask("fix it"), edited = an_ask("fix it!"), again = an_ask("fix it");
	char key[DROVER_KEY_MAX], other[DROVER_KEY_MAX], serial[DROVER_KEY_MAX];

	ask_key(&ask, key);
	ck_assert_int_eq(strncmp(key, "github/acme/web/issuecomment/900719925474099312@", 48), 0);
	ask_key(&again, other);
	ck_assert_str_eq(key, other);
	ask_key(&edited, other);
	ck_assert_str_ne(key, other);
	ask_serial(&ask, serial);
	ck_assert_str_eq(serial, "github/acme/web#12");
	ask_free(&ask);
	ask_free(&edited);
	ask_free(&again);
}
END_TEST

START_TEST(a_payload_comes_back_whole)
{
	struct ask ask = an_ask("say \"hi\"\n\xc3\xa4"), back;
	char *payload;

	ask_context(&ask, "@@ -1 +1 @@\n-a\n+b");
	payload = ask_payload(&ask);
	ck_assert_int_eq(ask_parse(&back, payload, strlen(payload), &err), 0);
	ck_assert_str_eq(back.slug, ask.slug);
	ck_assert_str_eq(back.number, ask.number);
	ck_assert_str_eq(back.id, ask.id);
	ck_assert_str_eq(back.rev, ask.rev);
	ck_assert_str_eq(back.text, ask.text);
	ck_assert_str_eq(back.context, ask.context);
	ck_assert_int_eq(back.line, 7);
	ck_assert_int_eq(back.at, NOW);
	cJSON_free(payload);
	ask_free(&ask);
	ask_free(&back);
}
END_TEST

START_TEST(a_payload_of_any_text_fits)
{
	char *text = malloc(200001), *payload;
	struct ask ask, back;

	memset(text, "\"\n\\a"[_i], 200000);
	text[200000] = '\0';
	ask = an_ask(text);
	ask_context(&ask, text);
	payload = ask_payload(&ask);
	ck_assert_uint_le(strlen(payload), DROVER_PAYLOAD_MAX);
	ck_assert_int_eq(ask_parse(&back, payload, strlen(payload), &err), 0);
	ck_assert_ptr_nonnull(strstr(back.text, "was cut]"));
	ck_assert_uint_gt(strlen(back.text), 4000);
	cJSON_free(payload);
	ask_free(&ask);
	ask_free(&back);
	free(text);
}
END_TEST

static const char *const payloads[] = {
	"",
	"[]",
	"{}",
	"null",
	"{\"slug\":\"acme/web\"",
	"{\"slug\":\"acme/..\",\"number\":\"1\",\"id\":\"1\"}",
	"{\"slug\":\"acme/web\",\"number\":\"1/../../user\",\"id\":\"1\"}",
	"{\"slug\":\"acme/web\",\"number\":\"1\",\"id\":\"x\"}",
	"{\"slug\":\"acme/web\",\"number\":\"1\",\"id\":\"1\",\"top\":\"../1\"}",
	"{\"slug\":\"acme/web\",\"number\":\"123456789012345678901234567890\",\"id\":\"1\"}",
};

START_TEST(what_is_no_payload_of_ours_is_refused)
{
	struct ask ask;

	ck_assert_int_eq(ask_parse(&ask, payloads[_i], strlen(payloads[_i]), &err),
	    DROVER_PERMANENT);
	ask_free(&ask);
}
END_TEST

START_TEST(a_track_stands_still_until_something_is_handled)
{
	cJSON *repo = cJSON_CreateObject();
	struct track track;

	track_load(&track, repo, "comments", NOW, 60);
	ck_assert_int_eq(track_from(&track), NOW - 60);
	track_save(&track, repo);
	track_free(&track);

	track_load(&track, repo, "comments", NOW + 1000, 60);
	ck_assert_int_eq(track_from(&track), NOW - 60);
	track_handled(&track, "1", NOW + 10);
	track_handled(&track, "2", NOW + 100);
	track_save(&track, repo);
	track_free(&track);

	track_load(&track, repo, "comments", NOW, 60);
	ck_assert_int_eq(track_from(&track), NOW + 40);
	ck_assert(track_has(&track, "2", NOW + 100));
	ck_assert(!track_has(&track, "2", NOW + 101));
	/* Before the overlap nobody asks again. */
	ck_assert(!track_has(&track, "1", NOW + 10));
	track_free(&track);
	cJSON_Delete(repo);
}
END_TEST

START_TEST(a_track_waits_for_what_was_left)
{
	cJSON *repo = cJSON_CreateObject();
	struct track track;

	track_load(&track, repo, "comments", NOW, 60);
	track_handled(&track, "1", NOW + 10);
	track_deferred(&track, NOW + 500);
	track_deferred(&track, NOW + 200);
	track_handled(&track, "9", NOW + 900);
	track_save(&track, repo);
	track_free(&track);
	track_load(&track, repo, "comments", NOW, 60);
	ck_assert_int_eq(track_from(&track), NOW + 140);
	ck_assert(track_has(&track, "9", NOW + 900));
	track_free(&track);
	cJSON_Delete(repo);
}
END_TEST

START_TEST(a_cursor_fits_and_a_broken_one_begins_anew)
{
	static const char *const broken[] = { NULL, "", "[]", "{\"acme/web\":", "42" };
	cJSON *cursor, *repo;
	char name[64], mark[64], *text;
	bool fresh;
	int i, j;

	for (i = 0; i < 5; i++) {
		cursor = cursor_read(broken[i]);
		repo = cursor_repo(cursor, "acme/web", NOW, &fresh);
		ck_assert(fresh);
		ck_assert_ptr_nonnull(repo);
		cJSON_Delete(cursor);
	}
	cursor = cursor_read("");
	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "acme/repository-%d", i);
		repo = cursor_repo(cursor, name, NOW, &fresh);
		for (j = 0; j < 500; j++) {
			snprintf(mark, sizeof(mark), "r.%d.abcdef%02d", j, i);
			cursor_done_add(repo, mark);
		}
	}
	text = cursor_write(cursor);
	ck_assert_uint_lt(strlen(text), DROVER_VALUE_MAX);
	cJSON_Delete(cursor);
	cursor = cursor_read(text);
	repo = cursor_repo(cursor, "acme/repository-7", NOW, &fresh);
	ck_assert(!fresh);
	/* The newest are kept. */
	ck_assert(cursor_done(repo, "r.499.abcdef07"));
	ck_assert(!cursor_done(repo, "r.0.abcdef07"));
	cJSON_free(text);
	cJSON_Delete(cursor);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "parts", NULL, NULL);

	tcase_add_test(tc, an_app_proves_itself_by_a_signature);
	tcase_add_loop_test(tc, a_url_ends_in_owner_and_name, 0, sizeof(urls) / sizeof(urls[0]));
	tcase_add_loop_test(tc, what_an_agent_says_pings_nobody_and_proves_nothing, 0,
	    sizeof(tames) / sizeof(tames[0]));
	tcase_add_test(tc, what_is_nested_too_deeply_is_tamed_and_logged);
	tcase_add_test(tc, a_long_text_is_cut_and_says_so);
	tcase_add_test(tc, an_ask_is_known_by_its_id_and_the_revision_of_its_text);
	tcase_add_test(tc, a_payload_comes_back_whole);
	tcase_add_loop_test(tc, a_payload_of_any_text_fits, 0, 4);
	tcase_add_loop_test(tc, what_is_no_payload_of_ours_is_refused, 0,
	    sizeof(payloads) / sizeof(payloads[0]));
	tcase_add_test(tc, a_track_stands_still_until_something_is_handled);
	tcase_add_test(tc, a_track_waits_for_what_was_left);
	tcase_add_test(tc, a_cursor_fits_and_a_broken_one_begins_anew);
}

SUITE(cases)
