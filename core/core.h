/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every part of the core may know: the configuration, the event loop, the
 * database and what is built on it. The daemon owns a struct core and gives it
 * to runners, API and notices; no more than this is shared between them.
 *
 * The core is one thread with one loop. A tick handles the events that are
 * ready, commits once, and then sends what was deferred. Code that changes
 * something and has to tell somebody about it defers the telling, so that an
 * answer is never sent for a change that is not on disk.
 */
#ifndef CORE_H
#define CORE_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "base/error.h"
#include "config/config.h"
#include "lease/lease.h"
#include "queue/queue.h"
#include "store/store.h"

#define CORE_VIEW_MS 1000 /* how long a reading of free memory and disk is good for */

struct notices; /* notice/notice.h */
struct deferred;

enum core_mode { CORE_STARTING, CORE_RUNNING, CORE_DRAINING, CORE_STOPPING };

struct core {
	enum core_mode mode;
	bool in_process;         /* plugins run as threads of this process */
	const char *self;        /* path of this executable, for processes with other roles */
	int64_t started_at;      /* wall */
	struct config *config;
	struct event_base *base;
	struct store *store;
	struct queue *queue;
	struct leases *leases;
	struct notices *notices;
	char store_error[DROVER_ERROR_MAX]; /* why the last commit failed; "" when it went well */
	struct deferred *deferred, **deferred_tail;
	struct queue_view view;
	int64_t viewed_at;       /* monotonic; 0 before the first reading */
};

/* Zeroes it, in mode CORE_STARTING. */
void core_init(struct core *);
/* "starting", "running", "draining" or "stopping". */
const char *core_mode_name(enum core_mode);
/*
 * Calls fn once, after the next commit. failed is NULL when the commit went
 * well, else it says why this tick's changes were rolled back.
 */
void core_defer(struct core *, void (*fn)(void *arg, const struct error *failed), void *arg);
/* Whether anything is deferred. */
bool core_owes(const struct core *);
/*
 * Takes over all that was deferred so far, for deferred_run(); NULL when
 * nothing was.
 */
struct deferred *core_deferred(struct core *);
/* Calls and frees each in the order in which they were deferred. */
void deferred_run(struct deferred *, const struct error *failed);
/* What the gates ask about the machine, read at most once in CORE_VIEW_MS. */
void core_view(struct core *, struct queue_view *);

#endif
