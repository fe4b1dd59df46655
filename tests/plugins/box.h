/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of tickets in a temporary place, with the source inbox.folder opened
 * on it.
 */
#ifndef BOX_H
#define BOX_H

#include <stddef.h>
#include <stdint.h>

#include "fake_host.h"

struct box {
	char path[256];
	struct fake *fake;
	const struct drover_source *source;
	void *state;
	struct drover_error err;
};

/* With "repo" set to "web" where repo is NULL; "": none. */
void box_open(struct box *, const char *repo);
/* Closes the source and removes the folder. */
void box_close(struct box *);
/* Writes a file below the folder, changed at fake time minus age_ms. */
void box_put(struct box *, const char *name, const char *text, size_t len, int64_t age_ms);
void box_ticket(struct box *, const char *name, const char *text);
int box_has(struct box *, const char *dir, const char *name);
/* How many entries whose name does not begin with "." dir has. */
int box_count(struct box *, const char *dir);
/* Text of a file; the caller frees. Fails the test when it is not there. */
char *box_read(struct box *, const char *dir, const char *name);
/* The whole text of a file has the string. */
int box_says(struct box *, const char *dir, const char *name, const char *text);
int box_poll(struct box *);

#endif
