/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a poll brought, item by item: refused at the gate, held, or taken as a
 * job.
 */
#ifndef SUPER_ACCEPT_H
#define SUPER_ACCEPT_H

#include "super/sources.h"

struct source_item {
	STAILQ_ENTRY(source_item) link;
	char *kind, *key, *serial, *title, *repo, *agent, *pool, *payload;
	size_t payload_len;
	int priority;
	char *author, *name;         /* "" where the plugin does not say */
	char *marks;                 /* one a line */
	uint32_t flags;              /* DROVER_PERSON_* */
	uint32_t item;               /* DROVER_ITEM_* */
};

/* A copy of a SOURCE_ITEM. */
struct source_item *accept_item(const struct message *);
void accept_free(struct source_item *);
/*
 * In the tick's transaction. 1: a new job, 0: one that is known, or refused and
 * on record, -1: nothing of it is kept.
 */
int accept_take(struct runner_handle *, struct source *, struct source_item *, struct error *);

#endif
