/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a webhook to a plugin's hook, and the hook's answer back to the API. */
#ifndef SUPER_HOOKS_H
#define SUPER_HOOKS_H

#include <stddef.h>

#include "base/buf.h"
#include "super/calls.h"

struct hook_answer {
	int status;                  /* HTTP status */
	int retry_s;                 /* seconds of the header Retry-After; 0 leaves it out */
	const char *type, *body;     /* both "" if the answer has no body */
};

/*
 * Hands a delivery to the plugin's hook. headers is JSON, [[name, value], ...].
 * fn is called once with the answer, now or later.
 */
void hooks_deliver(struct supervisor *, const char *plugin, const char *headers, const char *body,
    size_t len, void (*fn)(void *arg, const struct hook_answer *), void *arg);
/* Answers HOOK_BODY: appends the next piece of the body to out. */
void hooks_body(const struct call *, struct message *, struct buf *out, struct error *);
/*
 * Has the source polled once the hook's answer says that the delivery counts.
 * Returns false if the call is not that of a hook.
 */
bool hooks_wake(struct call *, const char *source, struct error *);
void hooks_close(struct supervisor *);

#endif
