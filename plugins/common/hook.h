/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of webhooks: their headers, and whether the sender knew the
 * secret.
 */
#ifndef COMMON_HOOK_H
#define COMMON_HOOK_H

#include <stdbool.h>
#include <stddef.h>

#include <drover/plugin.h>

/*
 * How a vendor signs: a header contains SCHEME and the HMAC-SHA256 of the value
 * of `before` followed by the body.
 */
struct hook_signature {
	const char *option;                    /* name of the SECRET option that holds the key */
	const char *header;                    /* its name in lower case */
	const char *scheme;                    /* such as "sha256=" */
	const char *before;                    /* signed in front of the body, or NULL */
};

/*
 * The first header with this name, which is in lower case; "" if there is none.
 * Lives as long as the delivery.
 */
const char *hook_header(const struct drover_delivery *, const char *name);
/*
 * Returns 0 if the signature is right, DROVER_AUTH if it is missing or wrong or
 * no secret is configured, or the class with which the secret could not be
 * read.
 */
int hook_prove(struct drover_scope *, const struct drover_delivery *, const struct hook_signature *,
    struct drover_error *);

/* Has the source polled now. A source that is not configured is left alone. */
void hook_wake(struct drover_scope *, const char *source);
/*
 * Writes the HMAC-SHA256 of data in lower-case hexadecimal, with a NUL. Returns
 * 0, or -1 on failure.
 */
int hook_hmac(const char *key, size_t key_len, const void *data, size_t len, char out[65]);
/* Compares two strings in a time that does not depend on where they differ. */
bool hook_same(const char *a, const char *b);

#endif
