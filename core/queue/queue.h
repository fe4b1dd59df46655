/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: every job that is not final, in memory, and its row in the store.
 * All changes of a job are made here: state, row and event together, in the
 * store's open transaction.
 *
 * A claim walks the ready jobs by priority, then age. Jobs with the same pool,
 * kind, repo and agent pass the same gates and form a group, so that a closed
 * gate is asked once however many jobs wait behind it.
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

/* What a new job is to be. Strings are borrowed. */
struct job_ask {
	const char *kind, *key;
	const char *serial, *title, *repo, *agent, *pool; /* NULL or "" for the default */
	/*
	 * the source that emitted it, such as "inbox.folder"; NULL if a person
	 * submitted it
	 */
	const char *source;
	/* the person who asked for it there; NULL if the source does not say */
	const char *author;
	/*
	 * SHA-256 of the payload: an attempt with another payload is refused.
	 * NULL means that it is not checked.
	 */
	const char *sha256;
	const char *payload;
	size_t payload_len;
	int priority;
	/* the job that must have succeeded first; 0 if it waits for no job */
	uint64_t after;
	/* the reason for which it begins held; NULL if it begins queued */
	const char *held_why;
	bool replaces; /* it cancels jobs that wait or are held for an older revision of its key */
};

/* What RUNNER_READY and the configuration say about a kind. */
struct kind_traits {
	const char *pool;
	int retries;
	int slots;                   /* 0: no limit */
	int64_t timeout_ms, silence_ms;
	const char *agent;
	char *const *yield_to;       /* NULL-terminated, or NULL */
	int64_t yield_max_ms;
	bool ready;                  /* a worker can be started for it */
	const char *why_not;         /* for people: the reason if it is not ready */
};

/*
 * A claimed job, borrowed from the queue until it leaves RUNNING or
 * queue_load() is called. No string is NULL.
 */
struct job {
	uint64_t id, epoch, after;
	char *kind, *key, *serial, *title, *repo, *agent, *pool, *source;
	char trace[33];
	char token[33];              /* token of the running attempt */
	enum job_state state;
	int priority;
	uint32_t attempt;            /* number of the running or last attempt */
	/* each has a limit of its own */
	int failures, agains, quota_pauses, interruptions, crashes;
	/*
	 * when its present row of AGAINs began; 0 if the last outcome was
	 * another one
	 */
	int64_t again_since;
	int64_t queued_at, ready_at, started_at;
	char *worker;                /* worker of the running attempt */
	char *held_why;
};

/*
 * What the gates must know about the machine and the daemon. core_view() fills
 * it in.
 */
struct queue_view {
	int64_t memory_available, disk_free; /* bytes; -1 if not known */
	bool draining, stopping;
};

struct queue *queue_new(struct store *);
void queue_free(struct queue *);
/*
 * Reads all jobs that are not final, and the pauses; kinds and limits stay. It
 * is called again after a failed commit. All jobs in memory are dropped first,
 * with every struct job that was handed out. Jobs that are running in the
 * database stay running: see queue_each_running() and queue_interrupt().
 */
int queue_load(struct queue *, struct error *);
/*
 * Copies pools, limits and floors from the configuration. No job can be claimed
 * before the first call.
 */
void queue_configure(struct queue *, const struct config *);
/*
 * Describes a kind; the traits are copied. NULL makes the kind unknown. Waiting
 * jobs that named no pool or agent follow their kind.
 */
void queue_kind_set(struct queue *, const char *kind, const struct kind_traits *);
/*
 * Marks all kinds of a plugin as not ready, for this reason, even those that it
 * has not described yet. why_not NULL makes the kinds that are not ready
 * unknown.
 */
void queue_plugin_down(struct queue *, const char *plugin, const char *why_not);
bool queue_kind_known(const struct queue *, const char *kind);
/* Calls fn for each known kind. */
void queue_each_kind(const struct queue *, void (*fn)(void *arg, const char *kind), void *arg);

/*
 * Returns 1 with the id of a new job, 0 with the id of an active job that has
 * this kind and key, or -1 if the job is refused.
 */
int queue_submit(struct queue *, const struct job_ask *, uint64_t *id, struct error *);
/*
 * Claims the next job that passes all gates. It is then running, with attempt
 * and epoch counted up and a new token. place() names a worker for a kind
 * (borrowed), or returns NULL if that kind has no worker now. Returns NULL with
 * code 0 if no job may start now, or NULL with an error.
 */
struct job *queue_claim(struct queue *, const char *(*place)(void *arg, const char *kind),
    void *arg, const struct queue_view *, struct error *);
/* The traits of a kind, borrowed; NULL if it is unknown. */
const struct kind_traits *queue_kind(const struct queue *, const char *kind);
/*
 * The job of a running attempt; NULL if the job is not running or the epoch is
 * stale.
 */
struct job *queue_running(struct queue *, uint64_t id, uint64_t epoch);
/*
 * Records the memory that a running attempt uses now. The gate `memory`
 * reserves the rest of what the job's pool expects.
 */
void queue_seen(struct queue *, uint64_t id, uint64_t epoch, int64_t rss);
/* Reads a job's payload from the store. The caller frees it. */
int queue_payload(struct queue *, uint64_t id, char **payload, size_t *len, struct error *);
/*
 * Like queue_payload(), for an attempt. Returns -1 with DROVER_PERMANENT if the
 * payload is not the accepted one.
 */
int queue_accepted(struct queue *, uint64_t id, char **payload, size_t *len, struct error *);
/*
 * Ends an attempt with its outcome. doc/jobs.md says what each class leads to.
 * Returns -1 with FENCED if the epoch is stale.
 */
int queue_finish(struct queue *, uint64_t id, uint64_t epoch, const struct job_outcome *,
    struct error *);
/*
 * Queues a job again whose attempt was interrupted. crash says that the core
 * died; the third time this happens the job is held.
 */
int queue_interrupt(struct queue *, uint64_t id, bool crash, const char *why, struct error *);
/*
 * Add a member to the job's result, and numbers to its usage. Return -1 with
 * FENCED if the epoch is stale.
 */
int queue_result(struct queue *, uint64_t id, uint64_t epoch, const char *key, const char *value,
    struct error *);
int queue_usage(struct queue *, uint64_t id, uint64_t epoch, const char *agent,
    const struct drover_usage *, struct error *);

/*
 * What an operator does to a job. by is the operator's name, for the event.
 * Return -1 with DROVER_PERMANENT if the job's state does not allow it.
 */
int queue_hold(struct queue *, uint64_t id, const char *why, const char *by, struct error *);
int queue_release(struct queue *, uint64_t id, const char *by, struct error *);
int queue_retry(struct queue *, uint64_t id, const char *by, struct error *);
int queue_discard(struct queue *, uint64_t id, const char *by, struct error *);
/*
 * Refuses a running job: its worker must be stopped, and the attempt finished
 * with DROVER_CANCELLED.
 */
int queue_cancel(struct queue *, uint64_t id, const char *by, struct error *);
int queue_priority(struct queue *, uint64_t id, int priority, const char *by, struct error *);

/*
 * Pauses "pool/NAME", "kind/NAME", "repo/NAME" or "agent/NAME", or everything
 * if what is NULL, until a wall time, or until it is resumed if until is 0. The
 * pause is kept in the store.
 */
int queue_pause(struct queue *, const char *what, int64_t until, const char *why, struct error *);
int queue_resume(struct queue *, const char *what, struct error *);
cJSON *queue_pauses(const struct queue *); /* [{what, until, why}] */

/*
 * Queues delayed jobs that are due and ends pauses. Returns the ms until the
 * next is due, or -1 if nothing is due. On an error err is filled in.
 */
int64_t queue_tick(struct queue *, struct error *);
/*
 * How many jobs of a kind a source may emit now: the free places of its pool
 * and kind, less the jobs of the kind that wait already. If no place is free,
 * one job may wait. 0 while the kind is paused or unknown.
 */
int queue_capacity(const struct queue *, const char *kind);
/*
 * Removes at most `most` jobs that have ended and are old. Returns how many, or
 * -1.
 */
int queue_prune(struct queue *, int64_t older_than_ms, int most, struct error *);

/*
 * An event of a job, worded for notifications. Pointers are valid during the
 * callback only.
 */
struct job_news {
	const char *event;           /* "start", "pull", "needs-info", "dead" */
	const struct job *job;
	const char *detail;          /* the reason, or the pull request's address; may be NULL */
};
/*
 * Has fn called for each such event, in its transaction. If fn returns -1, the
 * change fails.
 */
void queue_on_news(struct queue *, int (*fn)(void *arg, const struct job_news *, struct error *),
    void *arg);
/*
 * Records an event that changes no state, whatever the state is. by and detail
 * may be NULL.
 */
int queue_note(struct queue *, uint64_t id, const char *event, const char *by, const char *detail,
    struct error *);

/* Has fn called for each job that queue_prune() removes, before the commit. */
void queue_on_prune(struct queue *, void (*fn)(void *arg, uint64_t id), void *arg);

int queue_count(const struct queue *, enum job_state);
/*
 * Calls fn for each running job until fn returns something else than 0. fn may
 * finish jobs.
 */
void queue_each_running(struct queue *, int (*fn)(void *arg, struct job *), void *arg);
/*
 * Hands fn the job that ended first among those that the source has not settled
 * yet. The struct's pointers are valid during the call only, and fn must not
 * call the queue. Returns 1 if there is such a job, 0 if not, or -1.
 */
int queue_unsettled(struct queue *, const char *source,
    void (*fn)(void *arg, const struct drover_settled *), void *arg, struct error *);
int queue_settled(struct queue *, uint64_t id, struct error *);

/*
 * Which jobs queue_list() shows, newest first. state -1 and strings that are
 * NULL match all jobs. before means only ids below it; 0 means all. limit is at
 * most 1000; 0 means 50. With ids only these jobs are shown, in their order,
 * and state, before and limit are ignored.
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
 * A job as queue_list() shows it, with payload, attempts[] and events[] (the
 * newest 5000). which is an id, the unique beginning of a trace id (8 digits or
 * more), or "kind/key". Returns NULL with DROVER_PERMANENT if there is no such
 * job.
 */
cJSON *queue_show(struct queue *, const char *which, struct error *);
int queue_find(struct queue *, const char *which, uint64_t *id, struct error *);
/* Where a job stands, whether it has ended or not. */
struct job_standing {
	enum job_state state;
	uint32_t attempt;            /* number of the running or last attempt; 0 before the first */
	uint64_t epoch;
};
/* Returns -1 with DROVER_PERMANENT if there is no such job. */
int queue_state(struct queue *, uint64_t id, struct job_standing *, struct error *);
/*
 * Says why a job does not run: {job, state, gates: [{gate, open, reason}],
 * reason}. The gates are in their order; there are no gates if the job runs or
 * has ended. reason is that of the first closed gate, or says what else the job
 * waits for.
 */
cJSON *queue_why(struct queue *, uint64_t id, const struct queue_view *, struct error *);
/*
 * Returns {states: {queued: n, ...}, total: {slots, used, waiting, delayed,
 * paused}, pools: [{name, as total, memory}], kinds: [{name, as total, known,
 * ready, why_not, pool, agent, retries, timeout_ms}], repos[], agents[]}.
 */
cJSON *queue_status(const struct queue *);
/*
 * Lists the events after an id, oldest first: [{id, job, at, event, from, to,
 * attempt, epoch, who, detail}]. from is "" for "submit".
 */
cJSON *queue_events(struct queue *, uint64_t after, int limit, struct error *);

#endif
