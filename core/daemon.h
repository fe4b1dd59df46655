/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core: one thread, one loop. A tick runs every event that is ready, then
 * claims what may start, then commits once, then lets the deferred answers out.
 * Whoever changes something in an event and wants to say so to the outside
 * defers the saying.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <event2/event.h>

#include "base/error.h"
#include "config/config.h"
#include "lease/lease.h"
#include "queue/queue.h"
#include "store/store.h"

struct supervisor; /* core/super/supervisor.h: runners and workers */
struct api;        /* core/api/api.h */
struct notices;    /* core/notice/notice.h */

enum daemon_mode { DAEMON_STARTING, DAEMON_RUNNING, DAEMON_DRAINING, DAEMON_STOPPING };

struct daemon {
	uint32_t magic;
	enum daemon_mode mode;
	bool in_process;
	const char *config_file;     /* as given; NULL: looked up */
	const char *self;            /* path of this executable, for roles */
	struct config *config;
	char config_error[DROVER_ERROR_MAX]; /* of the last reload; "": it was good */
	struct event_base *base;
	struct store *store;
	struct queue *queue;
	struct leases *leases;
	struct notices *notices;
	struct supervisor *supervisor;
	struct api *api;
	struct deferred *deferred;
	int64_t started_at;
	char store_error[DROVER_ERROR_MAX];  /* of the last commit; "": it was good */
	uint64_t commits;
};

/*
 * fn runs after the next commit: failed is NULL when it went well, else why
 * nothing of this tick is kept.
 */
void daemon_defer(struct daemon *, void (*fn)(void *arg, const struct error *failed), void *arg);
/* What the gates ask of the machine, read at most once a second. */
void daemon_view(struct daemon *, struct queue_view *);

/*
 * Operator's verbs that need more than the queue; used by the API. by: who
 * asked, for the events.
 */
int daemon_submit(struct daemon *, const struct job_ask *, uint64_t *id,
    struct error *); /* 1 new, 0 known, -1 */
int daemon_cancel(struct daemon *, uint64_t id, const char *by,
    struct error *); /* a running job's worker is told; 1: it will end soon, 0: it has ended */
int daemon_reload(struct daemon *, struct buf *changes,
    struct error *);                                /* the new file, or why it was refused */
void daemon_drain(struct daemon *, bool then_stop); /* nothing new starts; then_stop: exit when
						       nothing runs or drain_timeout is over */
void daemon_undrain(struct daemon *);
int daemon_poll(struct daemon *, const char *source, struct error *); /* NULL: all, now */
void daemon_tidy(struct daemon *); /* worktrees that may go are cleaned or removed now */
/* fn gets the reply later: code 0 and text, or a class and the reason. */
void daemon_call(struct daemon *, const char *operation, const char *request, size_t len,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *arg);

struct hook_answer {
	int status;                  /* of HTTP */
	int retry_s;                 /* for Retry-After; 0: none */
	const char *type, *body;     /* "": none */
};
/*
 * Hands a delivery to the plugin's hook. headers: JSON [[name, value], ...]. fn
 * gets the answer, once, now or later.
 */
void daemon_hook(struct daemon *, const char *plugin, const char *headers, const char *body,
    size_t len, void (*fn)(void *arg, const struct hook_answer *), void *arg);

/*
 * Asks the probes of plugins (NULL: of all; else a NULL-terminated list) and
 * reads the tokens of repos. fn gets [{plugin or repo, what, ok, text}], which
 * stays the caller's. -1: no such plugin.
 */
int daemon_check_secrets(struct daemon *, const char *const *plugins,
    void (*fn)(void *arg, const cJSON *checks), void *arg, struct error *);

/* Facts for the API; the caller deletes. */
cJSON *daemon_status(
    struct daemon *); /* mode, version, pid, uptime, slots, queue_status, store, warnings */
cJSON *daemon_warnings(struct daemon *);        /* ["what is wrong, and where to look"] */
cJSON *daemon_plugins(
    struct daemon *); /* [{name, version, state, why, pid, restarts, abi, exports...}] */
cJSON *daemon_sources(
    struct daemon *); /* [{name, interval_ms, state, last_poll, next_poll, items, error}] */
cJSON *daemon_workers(struct daemon *);         /* [{name, pid, plugin, job, since}] */

#endif
