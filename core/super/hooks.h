/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks on their way to a plugin's hook, and its answer back.
 */
#ifndef SUPER_HOOKS_H
#define SUPER_HOOKS_H

#include <stddef.h>

#include "base/buf.h"
#include "super/calls.h"

struct hook_answer {
	int status;                  /* of HTTP */
	int retry_s;                 /* for Retry-After; 0: the header is left out */
	const char *type, *body;     /* "" for an empty answer */
};

/*
 * Hands a delivery to the plugin's hook. headers: JSON [[name, value], ...].
 * fn gets the answer, once, now or later.
 */
void hooks_deliver(struct supervisor *, const char *plugin, const char *headers, const char *body,
    size_t len, void (*fn)(void *arg, const struct hook_answer *), void *arg);
/* The next piece of the body, for HOOK_BODY. */
void hooks_body(const struct call *, struct message *, struct buf *out, struct error *);
/*
 * The source is to be polled when the hook's answer says that the delivery
 * counts. False when the call is no hook's.
 */
bool hooks_wake(struct call *, const char *source, struct error *);
void hooks_close(struct supervisor *);

#endif
