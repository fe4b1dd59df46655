/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every part of the core may know: the configuration, the event loop, the
 * database and what is built on it. The daemon owns a struct core and hands it
 * to the supervisor, the API and the notices; they share nothing else.
 *
 * The core is one thread with one loop. A tick handles the events that are
 * ready, commits once, and then calls what was deferred. Code that changes
 * something and must tell a peer or a user about it defers the telling, so that
 * no answer is sent for a change that is not on disk.
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

#define CORE_VIEW_MS 1000 /* how long a reading of free memory and disk is used */

struct notices; /* notice/notice.h */
struct deferred;

enum core_mode { CORE_STARTING, CORE_RUNNING, CORE_DRAINING, CORE_STOPPING };

struct core {
	enum core_mode mode;
	bool in_process;         /* plugins run as threads of this process */
	const char *self;        /* path of this executable, to start other roles */
	int64_t started_at;      /* wall, ms */
	struct config *config;
	struct event_base *base;
	struct store *store;
	struct queue *queue;
	struct leases *leases;
	struct notices *notices;
	char store_error[DROVER_ERROR_MAX]; /* why the last commit failed; "" if it did not */
	struct deferred *deferred, **deferred_tail;
	struct queue_view view;
	int64_t viewed_at;       /* monotonic, ms; 0 before the first reading */
};

/* Zeroes the struct; the mode is CORE_STARTING. */
void core_init(struct core *);
/* "starting", "running", "draining" or "stopping". */
const char *core_mode_name(enum core_mode);
/*
 * Has fn called once, after the next commit, from daemon_tick(). failed is NULL
 * when the commit succeeded; otherwise it says why this tick's changes are
 * rolled back.
 */
void core_defer(struct core *, void (*fn)(void *arg, const struct error *failed), void *arg);
/* Whether a call is deferred. */
bool core_owes(const struct core *);
/*
 * Takes the calls that were deferred so far, for deferred_run(). NULL when
 * there are none.
 */
struct deferred *core_deferred(struct core *);
/*
 * Makes the calls in the order in which they were deferred, and frees the list.
 */
void deferred_run(struct deferred *, const struct error *failed);
/*
 * The state of the machine for the gates. Memory and disk are read at most once
 * in CORE_VIEW_MS.
 */
void core_view(struct core *, struct queue_view *);

#endif
