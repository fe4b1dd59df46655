/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: every job that is not final, in memory, over its rows in the
 * store. All changes of a job go through here: state, row and event together,
 * in the store's open transaction.
 *
 * Claiming walks the pools' ready jobs by priority, then age, in groups that
 * share the answer of the gates (pool, kind, repo, agent), so that a closed
 * gate costs one look however many jobs wait behind it.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/proc.h"
#include "config/config.h"
#include "queue/state.h"
#include "store/store.h"

struct queue;

/* What a job is, as it was asked for. Strings are borrowed. */
struct job_ask {
	const char *kind, *key;
	const char *serial, *title, *repo, *agent, *pool; /* NULL or "": none / the default */
	const char *source;          /* "inbox.ticket" that emitted it, NULL: by hand */
	const char *author;          /* who asked for it there; NULL: nobody is known */
	const char *sha256; /* of the payload, DIGEST_HEX: no attempt starts on anything else. NULL:
			       not said */
	const char *payload;
	size_t payload_len;
	int priority;
	uint64_t after;              /* waits until this job has succeeded; 0: none */
	const char *held_why;        /* begins held, for this reason; NULL: not */
	bool replaces; /* a new one cancels what waits, or is held, of the same kind with the same
			  key up to its last "@" */
};

/*
 * What pipelines say of their kind (from RUNNER_READY and the configuration).
 */
struct kind_traits {
	const char *pool;
	int retries;
	int slots;                   /* 0: no limit */
	int64_t timeout_ms, silence_ms;
	const char *agent;
	char *const *yield_to;       /* NULL-terminated, or NULL */
	int64_t yield_max_ms;
	bool ready;                  /* its runner runs */
	const char *why_not;         /* when not ready: for people */
};

/*
 * A claimed job, borrowed from the queue until it leaves RUNNING or
 * queue_load() is called. No string is NULL.
 */
struct job {
	uint64_t id, epoch, after;
	char *kind, *key, *serial, *title, *repo, *agent, *pool, *source;
	char trace[33];
	char token[33];              /* of the running attempt */
	enum job_state state;
	int priority;
	uint32_t attempt;            /* number of the running or last attempt */
	int failures, agains, quota_pauses, interruptions, crashes; /* separate counters */
	int64_t again_since;         /* since then nothing but AGAIN; 0: not so */
	int64_t queued_at, ready_at, started_at;
	char *worker;                /* of the running attempt */
	char *held_why;
};

/* How an attempt ended. */
struct job_outcome {
	int code;                    /* enum drover_class */
	int64_t retry_after_ms;
	const char *text;
	int64_t wall_ms, cpu_ms, rss, output;
};

/*
 * Free slots, closed doors and such, asked by the gates at each walk; the
 * daemon fills it. All borrowed.
 */
struct queue_view {
	int64_t memory_available, disk_free; /* bytes; -1: unknown */
	bool draining, stopping;
};

struct queue *queue_new(struct store *);
void queue_free(struct queue *);
/*
 * Reads all jobs that are not final, and pauses; kinds and limits stay. Also
 * after a failed commit: what was in memory is dropped, with every struct job
 * handed out. Jobs found running are left so: see queue_running and
 * queue_interrupt.
 */
int queue_load(struct queue *, struct error *);
/*
 * Pools, limits, floors. Copies what it keeps. Until it was called nothing can
 * be claimed.
 */
void queue_configure(struct queue *, const struct config *);
/*
 * Copies. NULL: the kind is unknown from now on. Waiting jobs that did not ask
 * for a pool or agent follow their kind.
 */
void queue_kind_set(struct queue *, const char *kind, const struct kind_traits *);
/*
 * Kinds of a plugin are not ready for this reason, those too that nobody has
 * described yet. NULL: those that are not ready are unknown from now on.
 */
void queue_plugin_down(struct queue *, const char *plugin, const char *why_not);
bool queue_kind_known(const struct queue *, const char *kind);

/*
 * 1: a new job, 0: one with this (kind, key) is active already (id is that
 * one's), -1: refused.
 */
int queue_submit(struct queue *, const struct job_ask *, uint64_t *id, struct error *);
/*
 * Claims the next job that passes all gates: RUNNING, attempt and epoch counted
 * up, a fresh token. place chooses its worker by its kind (borrowed; NULL: none
 * for this kind now, it is passed over). NULL: nothing may start now (code 0),
 * or an error.
 */
struct job *queue_claim(struct queue *, const char *(*place)(void *arg, const char *kind),
    void *arg, const struct queue_view *, struct error *);
/* What queue_kind_set said; NULL when unknown. Borrowed. */
const struct kind_traits *queue_kind(const struct queue *, const char *kind);
/*
 * The job of a live attempt; NULL when id is not running or the epoch is not
 * the running one (fenced).
 */
struct job *queue_running(struct queue *, uint64_t id, uint64_t epoch);
/*
 * What the running attempt uses of memory now: the memory gate reckons with the
 * rest of what its pool says.
 */
void queue_seen(struct queue *, uint64_t id, uint64_t epoch, int64_t rss);
/*
 * Payload and the like that are not kept in memory; the caller frees payload.
 */
int queue_payload(struct queue *, uint64_t id, char **payload, size_t *len, struct error *);
/*
 * As queue_payload, for an attempt: -1 with DROVER_PERMANENT when it is not
 * what was accepted.
 */
int queue_accepted(struct queue *, uint64_t id, char **payload, size_t *len, struct error *);
/*
 * Settles an attempt by its class: see doc/jobs.md for class -> event. -1 with
 * FENCED when the epoch is stale.
 */
int queue_finish(struct queue *, uint64_t id, uint64_t epoch, const struct job_outcome *,
    struct error *);
/*
 * The core or its machine went away under a running attempt: queued again.
 * crash: the core itself died (3 = quarantine).
 */
int queue_interrupt(struct queue *, uint64_t id, bool crash, const char *why, struct error *);
/* Adds to the job's result object; usage adds up. Fenced. */
int queue_result(struct queue *, uint64_t id, uint64_t epoch, const char *key, const char *value,
    struct error *);
int queue_usage(struct queue *, uint64_t id, uint64_t epoch, const char *agent,
    const struct drover_usage *, struct error *);

/*
 * By an operator. -1 with DROVER_PERMANENT when the state does not allow it
 * (names the state). by: who, for the event.
 */
int queue_hold(struct queue *, uint64_t id, const char *why, const char *by, struct error *);
int queue_release(struct queue *, uint64_t id, const char *by, struct error *);
int queue_retry(struct queue *, uint64_t id, const char *by, struct error *);
int queue_discard(struct queue *, uint64_t id, const char *by, struct error *);
int queue_cancel(struct queue *, uint64_t id, const char *by,
    struct error
	*); /* a running one: the caller stops the worker first and finishes it with CANCELLED */
int queue_priority(struct queue *, uint64_t id, int priority, const char *by, struct error *);

/*
 * Pausing: what is NULL (everything), "pool/NAME", "kind/NAME", "repo/NAME",
 * "agent/NAME". Durable. until 0: until resumed.
 */
int queue_pause(struct queue *, const char *what, int64_t until, const char *why, struct error *);
int queue_resume(struct queue *, const char *what, struct error *);
cJSON *queue_pauses(const struct queue *); /* [{what, until, why}] */

/*
 * Delayed jobs that are due become queued, pauses end; returns ms until
 * something is to be done or tried again (-1: nothing). On an error err is
 * filled.
 */
int64_t queue_tick(struct queue *, struct error *);
/*
 * How many jobs of a kind a source may hand over now: free places of its pool
 * and kind, less what of the kind waits already. Where no place is free, one
 * job may wait. 0 while paused or unknown.
 */
int queue_capacity(const struct queue *, const char *kind);
/* Removes old final jobs in small batches; returns how many. */
int queue_prune(struct queue *, int64_t older_than_ms, int most, struct error *);

/* What became of a job, in the words of people; borrowed. */
struct job_news {
	const char *event;           /* "start", "pull", "needs-info", "dead" */
	const struct job *job;
	const char *detail;          /* its reason, or the pull request's address; may be NULL */
};
/* fn is told of each, in the transaction that makes it true; -1 fails that. */
void queue_on_news(struct queue *, int (*fn)(void *arg, const struct job_news *, struct error *),
    void *arg);
/*
 * An event of a job, whatever its state, that changes nothing. by and detail
 * may be NULL.
 */
int queue_note(struct queue *, uint64_t id, const char *event, const char *by, const char *detail,
    struct error *);

/* fn is told of each job that queue_prune() has removed, before the commit. */
void queue_on_prune(struct queue *, void (*fn)(void *arg, uint64_t id), void *arg);

int queue_count(const struct queue *, enum job_state);
/*
 * Each running job. Stops when fn returns non-zero. Jobs may be finished
 * within.
 */
void queue_each_running(struct queue *, int (*fn)(void *arg, struct job *), void *arg);
/*
 * Ended jobs of a source that it has not settled yet, oldest first, at most n:
 * as queue_list has them, with job (the id), attempts (how many), payload (""
 * where it is no UTF-8: then queue_payload()) and payload_bytes. result is an
 * object.
 */
int queue_unsettled(struct queue *, const char *source, int n, cJSON **list, struct error *);
int queue_settled(struct queue *, uint64_t id, struct error *);

/*
 * For people and the API: doc/jobs.md names the members. Filters: NULL or -1:
 * all. Newest first; before: only ids below it (0: all); limit: 0 is 50, at
 * most 1000. ids: only these, in their order; the other members but kind, repo,
 * source and pool are not asked then.
 */
struct queue_filter {
	int state;
	const char *kind, *repo, *source, *pool;
	uint64_t before;
	int limit;
	const uint64_t *ids;
	size_t ids_len;
};
cJSON *queue_list(struct queue *, const struct queue_filter *, struct error *);
/*
 * As one of queue_list, and its payload, attempts[] and events[] (the newest
 * 5000). which is an id, a unique start of a trace id (8 digits or more), or
 * "kind/key". NULL + DROVER_PERMANENT when there is none.
 */
cJSON *queue_show(struct queue *, const char *which, struct error *);
int queue_find(struct queue *, const char *which, uint64_t *id, struct error *);
/*
 * {job, state, gates: [{gate, open, reason}] in their order (none while it runs
 * or when it is over), reason: of the first closed one, or what else it waits
 * for}.
 */
cJSON *queue_why(struct queue *, uint64_t id, const struct queue_view *, struct error *);
/*
 * {states: {queued: n, ...}, total: {slots, used, waiting, delayed, paused},
 * pools: [{name, as total, memory}], kinds: [{name, as total, known, ready,
 * why_not, pool, agent, retries, timeout_ms}], repos[], agents[]}.
 */
cJSON *queue_status(const struct queue *);
/*
 * Events after an id, oldest first: [{id, job, at, event, from, to, attempt,
 * epoch, who, detail}]; from is "" for "submit".
 */
cJSON *queue_events(struct queue *, uint64_t after, int limit, struct error *);

#endif
