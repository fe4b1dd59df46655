/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be done with trees that no attempt holds. super/chores.c calls
 * leases_tick() now and then and gives the chores to the keeper: dirty trees
 * are cleaned, too many, too old or too large ones are removed, and the trash
 * is emptied when no attempt is in the way. A leased tree is never touched, and
 * one on which the keeper works (busy_until) is not leased meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "lease/rows.h"

#define CHORES_MAX 16              /* chores in one tick; the keeper does one after the other */
#define CHORE_MS (60 * 60 * 1000)  /* a chore that takes longer counts as lost */
#define CHORE_CLEANS 3             /* a tree is removed after so many failures to clean it */
#define DISK_REMOVES 2             /* trees that are removed in one tick to free disk space */
#define SWEEP_EVERY_MS (60 * 1000)
#define SWEEP_LATEST_MS (30 * 60 * 1000)

struct upkeep {
	struct leases *leases;
	struct lease_chore *list;
	int len;
	int64_t now;                   /* monotonic */
	struct lease *warm[4096];      /* idle trees, least recently used first */
	int warm_len;
	bool held;                     /* an attempt holds a tree */
};

static bool upkeep_expire(struct leases *, int64_t now);
static void upkeep_add(struct upkeep *, struct lease *, const char *action);
static void upkeep_dirty(struct upkeep *, bool all);
static void upkeep_collect_warm(struct upkeep *);
static void upkeep_remove_warm(struct upkeep *, int index);
static int upkeep_used_first(const void *, const void *);
static void upkeep_number_and_age(struct upkeep *, bool all);
static void upkeep_disk(struct upkeep *, int64_t disk_free);
static void upkeep_sweep(struct upkeep *, int64_t disk_free, bool all);

struct lease_chore *
leases_tick(struct leases *l, int64_t disk_free, bool all, int *n)
{
	struct upkeep *c = xcalloc(1, sizeof *c);
	struct lease_chore *list;

	c->leases = l;
	c->now = clock_mono();
	c->list = xcalloc(CHORES_MAX + 1, sizeof *c->list);
	c->held = upkeep_expire(l, c->now);
	upkeep_dirty(c, all);
	upkeep_collect_warm(c);
	upkeep_number_and_age(c, all);
	upkeep_disk(c, disk_free);
	upkeep_sweep(c, disk_free, all);
	*n = c->len;
	list = c->list;
	free(c);
	return list;
}

/*
 * Takes the trees of attempts that were silent for a whole term and whose owner
 * is dead. True when an attempt still holds a tree.
 */
static bool
upkeep_expire(struct leases *l, int64_t now)
{
	struct lease *row, *next;
	bool held = false;

	HASH_ITER(hh, l->rows, row, next) {
		if (row->state != LEASE_LEASED)
			continue;
		if (now - row->silent_since > LEASE_TTL_MS && !proc_alive(&row->owner))
			lease_quarantine(l, row, NULL);
		else
			held = true;
	}
	return held;
}

void
leases_trashed(struct leases *l)
{
	if (l->untidy_since == 0)
		l->untidy_since = clock_mono();
}

void
leases_expire(struct leases *l)
{
	(void)upkeep_expire(l, clock_mono());
}

static void
upkeep_add(struct upkeep *c, struct lease *row, const char *action)
{
	struct lease_chore *chore;

	if (c->len >= CHORES_MAX)
		return;
	chore = &c->list[c->len];
	if (row == NULL) {
		chore->id = 0;
		text_copy(chore->path, sizeof chore->path, c->leases->config->state_dir);
	} else if (text_copy(chore->repo, sizeof chore->repo, row->repo) &&
	    text_copy(chore->path, sizeof chore->path, row->path) &&
	    text_copy(chore->mirror, sizeof chore->mirror, row->mirror)) {
		chore->id = row->id;
		text_copy(chore->wip, sizeof chore->wip, row->wip);
		row->busy_until = c->now + CHORE_MS;
	} else
		return;
	chore->action = action;
	c->len++;
}

static void
upkeep_dirty(struct upkeep *c, bool all)
{
	struct lease *row, *next;

	HASH_ITER(hh, c->leases->rows, row, next) {
		if (row->state != LEASE_DIRTY || row->busy_until > c->now ||
		    (row->retry_at > c->now && !all) || proc_alive(&row->owner))
			continue;
		upkeep_add(c, row,
		    all || row->failures >= CHORE_CLEANS ||
			    config_repo(c->leases->config, row->repo) == NULL ?
			"remove" :
			"clean");
	}
}

static void
upkeep_collect_warm(struct upkeep *c)
{
	struct lease *row, *next;

	HASH_ITER(hh, c->leases->rows, row, next) {
		if (row->state == LEASE_WARM && row->busy_until <= c->now &&
		    c->warm_len < (int)ARRAY_LEN(c->warm))
			c->warm[c->warm_len++] = row;
	}
	qsort(c->warm, (size_t)c->warm_len, sizeof *c->warm, upkeep_used_first);
}

static int
upkeep_used_first(const void *a, const void *b)
{
	const struct lease *x = *(struct lease *const *)a, *y = *(struct lease *const *)b;

	if (x->used_at != y->used_at)
		return x->used_at < y->used_at ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static void
upkeep_remove_warm(struct upkeep *c, int index)
{
	upkeep_add(c, c->warm[index], "remove");
	memmove(&c->warm[index], &c->warm[index + 1],
	    (size_t)(c->warm_len - index - 1) * sizeof *c->warm);
	c->warm_len--;
}

static void
upkeep_number_and_age(struct upkeep *c, bool all)
{
	const struct config *config = c->leases->config;
	int64_t now = clock_wall();

	for (int i = 0; i < c->warm_len && c->len < CHORES_MAX;) {
		const struct lease *row = c->warm[i];
		int same = 0;

		for (int j = 0; j < c->warm_len; j++)
			same += strcmp(c->warm[j]->repo, row->repo) == 0;
		if (all || same > config->warm_trees || config_repo(config, row->repo) == NULL ||
		    (config->tree_max_age_ms > 0 && now - row->used_at > config->tree_max_age_ms))
			upkeep_remove_warm(c, i);
		else
			i++;
	}
}

/*
 * Removes the least recently used trees, and only a few in a tick: the space
 * that they free is seen in the next.
 */
static void
upkeep_disk(struct upkeep *c, int64_t disk_free)
{
	const struct config *config = c->leases->config;
	int64_t bytes = 0;
	int removed = 0;

	for (int i = 0; i < c->warm_len && config->trees_max_bytes > 0; i++) {
		if (c->warm[i]->bytes < 0)
			upkeep_add(c, c->warm[i], "measure");
		else
			bytes += c->warm[i]->bytes;
	}
	for (int i = 0; i < c->warm_len && removed < DISK_REMOVES;) {
		int64_t size = c->warm[i]->bytes;
		bool full = disk_free >= 0 && disk_free < config->disk_floor;

		if (c->warm[i]->busy_until <= c->now &&
		    (full || (config->trees_max_bytes > 0 && bytes > config->trees_max_bytes))) {
			upkeep_remove_warm(c, i);
			bytes -= size > 0 ? size : 0;
			removed++;
		} else
			i++;
	}
}

/*
 * Deleting slows down the creation of files, so the sweep waits until no
 * attempt holds a tree, but not for ever.
 */
static void
upkeep_sweep(struct upkeep *c, int64_t disk_free, bool all)
{
	struct leases *l = c->leases;
	bool low = disk_free >= 0 && disk_free < l->config->disk_floor;
	bool removing = false;

	for (int i = 0; i < c->len; i++)
		removing = removing || strcmp(c->list[i].action, "remove") == 0;
	if (!all && !(low && removing)) {
		if (l->untidy_since == 0 || c->now - l->swept_at < SWEEP_EVERY_MS)
			return;
		if (c->held && !low && c->now - l->untidy_since < SWEEP_LATEST_MS)
			return;
	}
	if (c->len == CHORES_MAX)
		c->len--;
	upkeep_add(c, NULL, "sweep");
	lease_prune(l);
	l->swept_at = c->now;
	l->untidy_since = 0;
	l->released = 0;
}
