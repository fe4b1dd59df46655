/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the items of a poll one by one: each is refused by the trust gate, or
 * becomes a job, which may be held.
 */
#ifndef SUPER_ACCEPT_H
#define SUPER_ACCEPT_H

#include "super/sources.h"

/*
 * An item of a poll that is under way. Its strings point into bytes, which it
 * owns.
 */
struct source_item {
	STAILQ_ENTRY(source_item) link;
	struct buf bytes;            /* the SOURCE_ITEM message */
	struct job_ask ask;          /* the job; its source and its digest are not filled in yet */
	/* its marks are NULL; its id is "" if the plugin names no person */
	struct drover_person author;
	const char *marks;           /* the author's marks, one a line */
};

/* Makes an item of a SOURCE_ITEM and takes over the message's bytes. */
struct source_item *accept_item(struct message *);
void accept_free(struct source_item *);
/*
 * Takes an item, in the tick's transaction. Returns 1 if it is a new job, 0 if
 * the job is known already or the item is refused and recorded, and -1 if
 * nothing of it is kept.
 */
int accept_take(struct runner_handle *, struct source *, struct source_item *, struct error *);

#endif
