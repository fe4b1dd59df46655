/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a poll brought, item by item: refused at the gate, held, or taken as a
 * job.
 */
#ifndef SUPER_ACCEPT_H
#define SUPER_ACCEPT_H

#include "super/sources.h"

/* Its strings point into bytes, which it owns. */
struct source_item {
	STAILQ_ENTRY(source_item) link;
	struct buf bytes;            /* of the SOURCE_ITEM */
	struct job_ask ask;          /* without a source and a digest */
	struct drover_person author; /* without marks; id is "" where the plugin names no person */
	const char *marks;           /* of the author, one a line */
};

/* Takes the bytes of a SOURCE_ITEM over. */
struct source_item *accept_item(struct message *);
void accept_free(struct source_item *);
/*
 * In the tick's transaction. 1: a new job, 0: one that is known, or refused and
 * on record, -1: nothing of it is kept.
 */
int accept_take(struct runner_handle *, struct source *, struct source_item *, struct error *);

#endif
