/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON Web Token by which a GitHub App asks for its installations' tokens:
 * RS256, good for nine minutes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "github.h"

/*
 * Begin and end of a token, in seconds from now. GitHub refuses a token from
 * its future, and clocks differ. The whole span stays below the ten minutes
 * that GitHub allows.
 */
#define JWT_BACK 60
#define JWT_LIFE 480

static void base64url(struct text_buf *, const unsigned char *, size_t);
static int no_password(char *, int, int, void *);
static EVP_PKEY *jwt_key(const char *);
static int jwt_sign(EVP_PKEY *, const char *, size_t, unsigned char **, size_t *);

static void
base64url(struct text_buf *out, const unsigned char *data, size_t len)
{
	char *text = xmalloc(len / 3 * 4 + 5), *p;

	EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	for (p = text; *p != '\0' && *p != '='; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	text_add(out, text, (size_t)(p - text));
	free(text);
}

/* Without this OpenSSL would ask for a password at the terminal. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	return 0;
}

static EVP_PKEY *
jwt_key(const char *pem)
{
	size_t len = strlen(pem), used = 0, i;
	char *text = xmalloc(len + 1);
	EVP_PKEY *key = NULL;
	BIO *in;

	/* Environment variables and vaults often hold the file on one line. */
	for (i = 0; i < len; i++) {
		if (pem[i] == '\\' && pem[i + 1] == 'n') {
			text[used++] = '\n';
			i++;
		} else
			text[used++] = pem[i];
	}
	if ((in = BIO_new_mem_buf(text, (int)used)) != NULL)
		key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
	BIO_free(in);
	text[used] = '\0';
	secret_free(text);
	if (key != NULL && EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

static int
jwt_sign(EVP_PKEY *key, const char *data, size_t len, unsigned char **sum, size_t *sum_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int r = -1;

	*sum = NULL;
	if (context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(context, NULL, sum_len, (const unsigned char *)data, len) == 1) {
		*sum = xmalloc(*sum_len);
		r = EVP_DigestSign(context, *sum, sum_len, (const unsigned char *)data, len) == 1 ?
		    0 :
		    -1;
	}
	EVP_MD_CTX_free(context);
	return r;
}

char *
jwt_make(const char *app_id, const char *pem, int64_t now, struct drover_error *err)
{
	static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	struct text_buf token = { 0 };
	unsigned char *sum = NULL;
	size_t sum_len = 0;
	EVP_PKEY *key;
	char claims[160];

	if (strlen(app_id) > 64 || !text_is_of(app_id, TEXT_ALNUM "._-")) {
		plugin_fail(err, DROVER_CONFIG, "app_id: \"%.64s\" is not the id of a GitHub App",
		    app_id);
		return NULL;
	}
	if ((key = jwt_key(pem)) == NULL) {
		plugin_fail(err, DROVER_CONFIG,
		    "private_key: must be an RSA key in PEM without a password, as GitHub makes "
		    "it");
		return NULL;
	}
	snprintf(claims, sizeof(claims), "{\"iat\":%" PRId64 ",\"exp\":%" PRId64 ",\"iss\":\"%s\"}",
	    now - JWT_BACK, now + JWT_LIFE, app_id);
	base64url(&token, (const unsigned char *)head, sizeof(head) - 1);
	text_add(&token, ".", 1);
	base64url(&token, (const unsigned char *)claims, strlen(claims));
	if (jwt_sign(key, token.data, token.len, &sum, &sum_len) != 0) {
		plugin_fail(err, DROVER_INTERNAL, "private_key: signing failed");
		text_free(&token);
	} else {
		text_add(&token, ".", 1);
		base64url(&token, sum, sum_len);
	}
	free(sum);
	EVP_PKEY_free(key);
	return token.data;
}
