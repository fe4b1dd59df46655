/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of webhooks: what their headers say, and whether somebody who
 * knows the secret sent them.
 */
#ifndef COMMON_HOOK_H
#define COMMON_HOOK_H

#include <stdbool.h>
#include <stddef.h>

#include <drover/plugin.h>

/*
 * How a vendor signs: a header with SCHEME and the HMAC-SHA256 of what stands
 * before the body and of the body.
 */
struct hook_signature {
	const char *option;                    /* SECRET, the key */
	const char *header;                    /* name in lower case */
	const char *scheme;                    /* "sha256=" */
	const char *before;                    /* NULL: nothing */
};

/*
 * The first of that name, in lower case; "" where there is none. Lives as long
 * as the delivery.
 */
const char *hook_header(const struct drover_delivery *, const char *name);
/*
 * 0; AUTH: not signed so, or there is no secret to tell; else why the secret
 * cannot be had.
 */
int hook_prove(struct drover_scope *, const struct drover_delivery *, const struct hook_signature *,
    struct drover_error *);

/* Has the source polled now; one that is not configured is left alone. */
void hook_wake(struct drover_scope *, const char *source);
/*
 * HMAC-SHA256 of data as lower-case hexadecimal (65 bytes with NUL). 0, or -1.
 */
int hook_hmac(const char *key, size_t key_len, const void *data, size_t len, char out[65]);
/* In time that does not depend on where they differ. */
bool hook_same(const char *a, const char *b);

#endif
