/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that a delivery to a webhook comes from the vendor: its raw bytes must
 * be signed with a secret that only the vendor and drover know.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/hook.h"
#include "common/text.h"

#define SECRET_MAX 4096

static int hook_sum(const char *, size_t, const struct drover_delivery *, const char *, char[65]);

const char *
hook_header(const struct drover_delivery *delivery, const char *name)
{
	uint64_t i;

	for (i = 0; i < delivery->headers_len; i++)
		if (strcmp(delivery->headers[i].key, name) == 0)
			return delivery->headers[i].value;
	return "";
}

int
hook_hmac(const char *key, size_t key_len, const void *data, size_t len, char out[65])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int sum_len = 0, i;

	if (key_len > INT_MAX ||
	    HMAC(EVP_sha256(), key, (int)key_len, data, len, sum, &sum_len) == NULL ||
	    sum_len != 32)
		return -1;
	for (i = 0; i < sum_len; i++) {
		out[2 * i] = hex[sum[i] >> 4];
		out[2 * i + 1] = hex[sum[i] & 15];
	}
	out[64] = '\0';
	return 0;
}

bool
hook_same(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len == strlen(b) && CRYPTO_memcmp(a, b, len) == 0;
}

static int
hook_sum(const char *secret, size_t len, const struct drover_delivery *delivery, const char *before,
    char sum[65])
{
	struct text_buf all = { 0 };
	int r;

	if (before == NULL)
		return hook_hmac(secret, len, delivery->body, delivery->body_len, sum);
	text_addf(&all, "%s", before);
	text_add(&all, delivery->body, delivery->body_len);
	r = hook_hmac(secret, len, text_of(&all), all.len, sum);
	text_free(&all);
	return r;
}

int
hook_prove(struct drover_scope *scope, const struct drover_delivery *delivery,
    const struct hook_signature *signature, struct drover_error *err)
{
	const char *given = hook_header(delivery, signature->header);
	char secret[SECRET_MAX], sum[65];
	size_t scheme = strlen(signature->scheme);
	int64_t len;
	int r;

	err->code = 0;
	len = scope->host->secret->get(scope, signature->option, secret, sizeof(secret), err);
	if (len < 0 && err->code != 0)
		return err->code;
	/* Everyone could sign with an empty secret. */
	if (len <= 0 || len >= SECRET_MAX)
		return plugin_fail(err, DROVER_AUTH, "deliveries cannot be checked: %s is %s",
		    signature->option, len <= 0 ? "not configured" : "too long");
	r = hook_sum(secret, (size_t)len, delivery, signature->before, sum);
	OPENSSL_cleanse(secret, sizeof(secret));
	if (r != 0)
		return plugin_fail(err, DROVER_INTERNAL, "the signature cannot be computed");
	if (strncmp(given, signature->scheme, scheme) != 0 || !hook_same(given + scheme, sum))
		return plugin_fail(err, DROVER_AUTH,
		    *given == '\0' ?
			"the delivery has no signature: give the vendor the secret in %s" :
			"the delivery's signature is wrong: %s must be the secret that the vendor "
			"has",
		    signature->option);
	return 0;
}

void
hook_wake(struct drover_scope *scope, const char *source)
{
	struct drover_error why = { 0 };

	if (scope->host->queue->wake(scope, source, &why) != 0)
		plugin_log(scope, DROVER_DEBUG, "source %s is not woken: %s", source, why.text);
}
