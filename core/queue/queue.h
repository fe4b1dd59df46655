/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: every job that is not final, in memory, and its row in the store.
 * All changes of a job are made here: state, row and event together, in the
 * store's open transaction.
 *
 * A claim walks the ready jobs by priority, then age, in groups that pass the
 * same gates (same pool, kind, repo and agent), so that a closed gate costs one
 * look however many jobs wait behind it.
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

/* A job as it is asked for. Strings are borrowed. */
struct job_ask {
	const char *kind, *key;
	const char *serial, *title, *repo, *agent, *pool; /* NULL or "" for the default */
	const char *source;          /* that emitted it, "inbox.folder"; NULL when a person did */
	const char *author;          /* who asked for it there; NULL when the source does not say */
	/*
	 * Of the payload, DIGEST_HEX: an attempt on another one is refused.
	 * NULL: not checked.
	 */
	const char *sha256;
	const char *payload;
	size_t payload_len;
	int priority;
	uint64_t after;              /* it waits until this job has succeeded; 0: it need not */
	const char *held_why;        /* begins held, for this reason; NULL when it begins queued */
	bool replaces; /* cancels jobs that wait or are held for an older revision of its key */
};

/*
 * What a pipeline says about its kind, in RUNNER_READY and the configuration.
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
	const char *why_not;         /* reason for people, when it is not ready */
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
	int failures, agains, quota_pauses, interruptions, crashes; /* counted separately */
	int64_t again_since;         /* when its present row of AGAINs began; 0 outside of one */
	int64_t queued_at, ready_at, started_at;
	char *worker;                /* of the running attempt */
	char *held_why;
};

/*
 * What the gates ask about the machine and the daemon at each claim;
 * core_view() fills it.
 */
struct queue_view {
	int64_t memory_available, disk_free; /* bytes; -1 when not known */
	bool draining, stopping;
};

struct queue *queue_new(struct store *);
void queue_free(struct queue *);
/*
 * Reads all jobs that are not final, and the pauses; kinds and limits stay.
 * Called again after a failed commit: all in memory is dropped, with every
 * struct job that was handed out. Jobs found running stay running: see
 * queue_each_running() and queue_interrupt().
 */
int queue_load(struct queue *, struct error *);
/*
 * Takes pools, limits and floors, which it copies. Nothing can be claimed
 * before the first call.
 */
void queue_configure(struct queue *, const struct config *);
/*
 * Describes a kind; the traits are copied. NULL makes it unknown. Waiting jobs
 * that asked for no pool or agent follow their kind.
 */
void queue_kind_set(struct queue *, const char *kind, const struct kind_traits *);
/*
 * Marks all kinds of a plugin as not ready, for this reason; also those that it
 * has not described yet. NULL makes those that are not ready unknown.
 */
void queue_plugin_down(struct queue *, const char *plugin, const char *why_not);
bool queue_kind_known(const struct queue *, const char *kind);
/* Calls fn for each known kind. */
void queue_each_kind(const struct queue *, void (*fn)(void *arg, const char *kind), void *arg);

/*
 * 1: a new job, 0: a job with this kind and key is active already and id is its
 * id, -1: refused.
 */
int queue_submit(struct queue *, const struct job_ask *, uint64_t *id, struct error *);
/*
 * Claims the next job that passes all gates: it is running, with attempt and
 * epoch counted up and a new token. place names a worker for its kind
 * (borrowed), or NULL when there is no worker for that kind now. NULL with code
 * 0: no job may start now; NULL with another code: an error.
 */
struct job *queue_claim(struct queue *, const char *(*place)(void *arg, const char *kind),
    void *arg, const struct queue_view *, struct error *);
/* The traits of a kind, borrowed; NULL when it is unknown. */
const struct kind_traits *queue_kind(const struct queue *, const char *kind);
/*
 * The job of a running attempt; NULL when the job is not running or the epoch
 * is stale.
 */
struct job *queue_running(struct queue *, uint64_t id, uint64_t epoch);
/*
 * Memory that the running attempt uses now. The memory gate reserves the rest
 * of what its pool says.
 */
void queue_seen(struct queue *, uint64_t id, uint64_t epoch, int64_t rss);
/* Reads the payload, which is not kept in memory; the caller frees it. */
int queue_payload(struct queue *, uint64_t id, char **payload, size_t *len, struct error *);
/*
 * As queue_payload(), for an attempt: -1 with DROVER_PERMANENT when the payload
 * is not the accepted one.
 */
int queue_accepted(struct queue *, uint64_t id, char **payload, size_t *len, struct error *);
/*
 * Ends an attempt with its outcome: doc/jobs.md says what each class leads to.
 * -1 with FENCED when the epoch is stale.
 */
int queue_finish(struct queue *, uint64_t id, uint64_t epoch, const struct job_outcome *,
    struct error *);
/*
 * Queues a job again whose attempt was interrupted. crash: the core died, and
 * the third time the job is held.
 */
int queue_interrupt(struct queue *, uint64_t id, bool crash, const char *why, struct error *);
/*
 * Adds a member to the job's result, or to its usage. -1 with FENCED when the
 * epoch is stale.
 */
int queue_result(struct queue *, uint64_t id, uint64_t epoch, const char *key, const char *value,
    struct error *);
int queue_usage(struct queue *, uint64_t id, uint64_t epoch, const char *agent,
    const struct drover_usage *, struct error *);

/*
 * An operator's verbs. -1 with DROVER_PERMANENT when the job's state does not
 * allow it. by: who asked, for the event.
 */
int queue_hold(struct queue *, uint64_t id, const char *why, const char *by, struct error *);
int queue_release(struct queue *, uint64_t id, const char *by, struct error *);
int queue_retry(struct queue *, uint64_t id, const char *by, struct error *);
int queue_discard(struct queue *, uint64_t id, const char *by, struct error *);
int queue_cancel(struct queue *, uint64_t id, const char *by,
    struct error
	*); /* not for a running job: stop its worker, then finish it with CANCELLED */
int queue_priority(struct queue *, uint64_t id, int priority, const char *by, struct error *);

/*
 * Pauses everything (what is NULL), or "pool/NAME", "kind/NAME", "repo/NAME",
 * "agent/NAME", until a wall time; until 0: until it is resumed. Kept in the
 * store.
 */
int queue_pause(struct queue *, const char *what, int64_t until, const char *why, struct error *);
int queue_resume(struct queue *, const char *what, struct error *);
cJSON *queue_pauses(const struct queue *); /* [{what, until, why}] */

/*
 * Queues delayed jobs that are due and ends pauses. Returns the ms until the
 * next is due, -1: nothing is. On an error err is filled.
 */
int64_t queue_tick(struct queue *, struct error *);
/*
 * How many jobs of a kind a source may emit now: free places of its pool and
 * kind, less the jobs of the kind that wait already. With no free place one job
 * may wait. 0 while the kind is paused or unknown.
 */
int queue_capacity(const struct queue *, const char *kind);
/* Removes old final jobs in small batches; returns how many. */
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
 * Has fn called for each, in the transaction that makes it true; -1 from fn
 * fails the change.
 */
void queue_on_news(struct queue *, int (*fn)(void *arg, const struct job_news *, struct error *),
    void *arg);
/*
 * Writes an event that changes nothing, in any state. by and detail may be
 * NULL.
 */
int queue_note(struct queue *, uint64_t id, const char *event, const char *by, const char *detail,
    struct error *);

/* Has fn called for each job that queue_prune() removes, before the commit. */
void queue_on_prune(struct queue *, void (*fn)(void *arg, uint64_t id), void *arg);

int queue_count(const struct queue *, enum job_state);
/*
 * Calls fn for each running job until it returns non-zero. fn may finish jobs.
 */
void queue_each_running(struct queue *, int (*fn)(void *arg, struct job *), void *arg);
/*
 * Hands fn the job of a source that ended first among those that the source has
 * not settled yet. What the struct points to is gone when fn returns; fn must
 * not call the queue. 1 when there is such a job, 0 when there is none, -1.
 */
int queue_unsettled(struct queue *, const char *source,
    void (*fn)(void *arg, const struct drover_settled *), void *arg, struct error *);
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
 * A job as queue_list() has it, with payload, attempts[] and events[] (the
 * newest 5000). which: an id, a unique start of a trace id (8 digits or more),
 * or "kind/key". NULL with DROVER_PERMANENT when there is no such job.
 */
cJSON *queue_show(struct queue *, const char *which, struct error *);
int queue_find(struct queue *, const char *which, uint64_t *id, struct error *);
/* Where a job stands, whether it has ended or not. */
struct job_standing {
	enum job_state state;
	uint32_t attempt;            /* number of the running or last one; 0 before the first */
	uint64_t epoch;
};
/* -1 with DROVER_PERMANENT when there is no such job. */
int queue_state(struct queue *, uint64_t id, struct job_standing *, struct error *);
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
