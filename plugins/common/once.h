/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes to the outside that happen once, whatever crashes in between. This is
 * struct drover_host_effect with the two functions that a vendor adds to it.
 */
#ifndef COMMON_ONCE_H
#define COMMON_ONCE_H

#include <stddef.h>

#include <drover/plugin.h>

/*
 * Both functions write what identifies the thing (one line, an id or a URL) to
 * made, and return 0 or a class.
 */
struct once {
	const char *what; /* kind of write, the beginning of the effect's key: "slack/post" */
	/*
	 * Looks for the thing outside, by a marker of drover's. made stays ""
	 * if it is not there. NULL if make() looks for it first.
	 */
	int (*find)(void *arg, char *made, size_t size, struct drover_error *);
	/* Makes the thing. made stays "" if nothing had to be made. */
	int (*make)(void *arg, char *made, size_t size, struct drover_error *);
};

/*
 * Makes the thing unless that was done already. The same key stands for the
 * same write and may have any length; without a key (NULL or "") the write
 * happens at every call. made gets what find(), make() or an earlier call with
 * this key has written, and is size bytes long. Returns 0 or a class.
 */
int once_do(struct drover_scope *, const struct once *, const char *key, void *arg, char *made,
    size_t size, struct drover_error *);

#endif
