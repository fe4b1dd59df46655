/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes to the outside that happen once, whatever crashes in between: struct
 * drover_host_effect with a vendor's two answers to it.
 */
#ifndef COMMON_ONCE_H
#define COMMON_ONCE_H

#include <stddef.h>

#include <drover/plugin.h>

/*
 * Both fill in what names the thing (one line; an id, a URL) and return 0 or a
 * class.
 */
struct once {
	const char *what; /* kind of write, begins the effect's key: "slack/post" */
	/*
	 * Looks for it outside, by a marker of ours; made stays "" where it is
	 * not there. NULL: make looks first itself.
	 */
	int (*find)(void *arg, char *made, size_t size, struct drover_error *);
	/* made stays "" where it turned out that there is nothing to make. */
	int (*make)(void *arg, char *made, size_t size, struct drover_error *);
};

/*
 * key: the same one is the same write, of any length; NULL or "": it happens
 * each time. made gets what find, make or an earlier call with this key filled
 * in, and has room for it. 0 or a class.
 */
int once_do(struct drover_scope *, const struct once *, const char *key, void *arg, char *made,
    size_t size, struct drover_error *);

#endif
