/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the queue, private to core/queue. Each job that is not final is
 * an entry. It is counted in buckets: the one for everything, and those of its
 * kind, repo, pool and agent; a bucket may be paused or full. Waiting entries
 * with the same buckets form a group, whose gates are asked once for all of
 * them. A group's heaps hold only jobs that could start now. A job that waits
 * for another job is kept with its dependency. Of the jobs that share a serial
 * key only the first is in a heap, and while one of them runs, no other is.
 */
#ifndef QUEUE_INSIDE_H
#define QUEUE_INSIDE_H

#include <sys/queue.h>

#include "base/mem.h"
#define uthash_fatal(what) panic(__FILE__, __LINE__, what)
#include <uthash.h>

#include "base/heap.h"
#include "queue/backoff.h"
#include "queue/queue.h"

#define QUEUE_MAGIC 0x51554555u /* "QUEU" */
#define QUEUE_POOL "light"      /* pool of a kind that names no pool */
#define QUEUE_RETRIES 2         /* retries of a kind that its plugin has not described yet */
#define QUEUE_YIELD_MAX_MS (30 * 60 * 1000)
/* delays that end in one tick at most, so that a tick stays short */
#define QUEUE_DUE_MAX 1000
#define QUEUE_TROUBLE_MS 1000   /* the wait after a failure of the store */
#define QUEUE_CRASHES_MAX 3
#define QUEUE_AGAIN_MS \
	(24 * 3600 * 1000) /* a job that fails with nothing but AGAIN dies after this long */
#define QUEUE_AGAIN_MIN 20                /* and after at least this many tries in a row */
#define QUEUE_PATH_MAX (8 + 2 * DROVER_NAME_MAX + 2) /* "agent/" and a kind's name */

enum place { IN_ALL, IN_KIND, IN_REPO, IN_POOL, IN_AGENT, PLACES };

struct bucket {
	char *path;               /* "pool/heavy"; "" for everything */
	char *name;               /* the part of path behind the slash */
	int slots;                /* 0 means no limit */
	bool configured;          /* of a pool or repo: it is in the configuration */
	int64_t memory;           /* of a pool: what one job is expected to need */
	int running, waiting, delayed;
	bool paused;
	int64_t until, since;
	char *why;
	uint64_t passed;          /* of a kind: number of the last walk in which it had no worker */
	struct kind_traits *traits; /* of a kind; NULL if it is not described yet */
	struct bucket **yields;   /* NULL-terminated, or NULL */
	UT_hash_handle hh;
};

struct group {
	struct bucket *in[PLACES]; /* the group's key */
	int refs;
	struct heap rank, age;
	TAILQ_ENTRY(group) link;
	UT_hash_handle hh;
};

/* The waiting jobs of one group that share a serial key. */
struct lane {
	struct group *group;
	struct heap heap;
	struct entry *shown;      /* the job that is in the group's heaps, or NULL */
	LIST_ENTRY(lane) link;
};

struct serial {
	char *name;
	int running;
	uint64_t holder;          /* the job that runs; valid if running is not 0 */
	LIST_HEAD(, lane) lanes;
	UT_hash_handle hh;
};

/* A job that has not succeeded and that other jobs wait for. */
struct dependency {
	uint64_t id;
	enum job_state ended;     /* state in which it ended; valid only if no entry has this id */
	LIST_HEAD(, entry) needers;
	UT_hash_handle hh;
};

struct entry {
	struct job job;           /* must be first: a struct job of the queue is also its entry */
	bool own_pool, own_agent; /* the job itself named them; otherwise they follow its kind */
	struct bucket *in[PLACES]; /* IN_REPO and IN_AGENT may be NULL */
	struct group *group;      /* the group that it waits in, or NULL */
	struct lane *lane;
	struct serial *serial;
	struct dependency *needs;
	int64_t rss;              /* of the running attempt, as last seen */
	size_t by_rank, by_age, by_lane, by_due;
	LIST_ENTRY(entry) needer;
	TAILQ_ENTRY(entry) run;
	UT_hash_handle by_id, by_key;
	char *held_why, *worker;  /* owned; the job's members point here, or to "" */
	size_t name_len;
	char name[];              /* "kind/key", then serial and title */
};

struct queue {
	uint32_t magic;
	struct store *store;
	struct bucket *buckets, *all;
	struct group *groups;
	TAILQ_HEAD(group_list, group) ready; /* groups whose heaps are not empty */
	struct serial *serials;
	struct dependency *dependencies;
	struct entry *by_id, *by_key;
	TAILQ_HEAD(entry_list, entry) running;
	struct heap due;
	int counts[JOB_STATES_LEN];
	int64_t memory_floor, disk_floor;
	uint64_t random, walk, looks; /* looks counts the groups whose gates were asked */
	uint64_t prune_from;
	void (*pruned)(void *, uint64_t);
	void *pruned_arg;
	int (*news)(void *, const struct job_news *, struct error *);
	void *news_arg;
};

/* What a change of state records besides the state and the counters. */
struct transition {
	const char *who, *detail;   /* who made the change and why, for the event */
	const char *error;          /* text of the failure; NULL keeps the job's present one */
	int code;                   /* class of the failure */
};

/* bucket.c */
struct bucket *bucket_get(struct queue *, const char *type,
    const char *name); /* makes it if it is missing; NULL if name is NULL or "" */
struct bucket *bucket_find(struct queue *, const char *type, const char *name);
bool bucket_paused(const struct bucket *, int64_t now);
void bucket_forget_kind(struct bucket *);
void bucket_free_all(struct queue *);
int pause_load(struct queue *, struct error *);
/*
 * Ends the pauses that are over. Returns the ms until the next one ends, or -1
 * if no pause has an end.
 */
int64_t pause_tick(struct queue *, int64_t now, struct error *);

/* entry.c */
/*
 * Makes an entry with the strings of ask; NULL counts as "". The caller sets
 * the rest.
 */
struct entry *entry_new(struct queue *, const struct job_ask *, const char *trace);
/*
 * Sets pool and agent to those of the kind unless the job itself named them.
 * Call it only while the entry is not entered.
 */
void entry_follow(struct queue *, struct entry *);
void entry_free(struct queue *, struct entry *);
void entry_index(struct queue *, struct entry *);
void entry_unindex(struct queue *, struct entry *);
struct entry *entry_find(struct queue *, uint64_t id);
struct entry *entry_same(struct queue *, const char *kind, const char *key);
void entry_set_text(char **owned, char **shown, const char *text);
/*
 * Put the entry where its state belongs (group, heap of delays, list of running
 * jobs), and take it out again.
 */
void entry_enter(struct queue *, struct entry *);
void entry_leave(struct queue *, struct entry *);

/* ready.c */
void ready_enter(struct queue *, struct entry *);
void ready_leave(struct queue *, struct entry *);
void serial_take(struct queue *, struct entry *);
void serial_give(struct queue *, struct entry *);
void ready_init_due(struct heap *);
bool ready_before(const struct entry *, const struct entry *);
/*
 * Makes an entry wait for the job that it comes after, unless that job has
 * succeeded. Returns -1 if there is no such job and must_exist is set.
 */
int dependency_attach(struct queue *, struct entry *, bool must_exist, struct error *);
void dependency_ended(struct queue *, uint64_t id, enum job_state);
void dependency_detach(struct queue *, struct entry *);

/* operate.c, replace.c */
int operate_cancel(struct queue *, uint64_t id, const char *why, const char *by, struct error *);
/*
 * Cancels the jobs that wait or are held for an older revision: those with the
 * same kind, and the same key up to its last "@".
 */
int replace_older(struct queue *, const struct job *, struct error *);

/* row.c */
int row_insert(struct queue *, struct entry *, const struct job_ask *, int64_t now, struct error *);
int row_event(struct queue *, const struct job *, const char *event, const char *from,
    const char *to, int64_t now, const struct transition *, struct error *);
int row_save(struct queue *, const struct job *, int64_t now, const struct transition *,
    struct error *);
int row_attempt(struct queue *, const struct job *, const struct job_outcome *,
    const char *class_name, int64_t now, struct error *);
/* Makes entries from rows. They are not yet indexed or entered. */
int row_load_active(struct queue *, void (*fn)(struct queue *, struct entry *), struct error *);
struct entry *row_load(struct queue *, uint64_t id,
    struct error *); /* NULL and PERMANENT if there is no such row */
int row_counts(struct queue *, struct error *);

/* transition.c */
/*
 * Applies an event to the row, the event log and memory. next is the job as it
 * will be, except for its state. If the job becomes final, its entry is freed.
 */
int transition_apply(struct queue *, struct entry *, enum job_event, struct job *next,
    const struct transition *, struct error *);
int transition_announce(struct queue *, const char *event, const struct job *, const char *detail,
    struct error *);
/*
 * Copies text as valid UTF-8 of at most size - 1 bytes. Returns out, or NULL if
 * text is NULL.
 */
char *job_text(const char *text, char *out, size_t size);
/*
 * The reason for which a job is held, for held_why of struct job: text, or
 * otherwise if text is empty. Borrowed until transition_apply() has copied it.
 */
char *job_why(const char *text, const char *otherwise);

/* gate.c */
enum reach { REACH_ALL, REACH_GROUP, REACH_JOB };
struct gate_ask {
	const struct queue *q;
	const struct entry *e;       /* NULL in a gate of REACH_ALL */
	const struct queue_view *view;
	int64_t now;
	int64_t promised; /* memory that running jobs are expected to need and do not use yet */
};
void gate_ask_init(struct gate_ask *, const struct queue *, const struct queue_view *);
bool gate_open(const struct gate_ask *, enum reach);
/*
 * Returns the ms until a job that yields now has waited long enough, or -1 if
 * no job yields.
 */
int64_t gate_next_ageing(const struct queue *, int64_t now);

#endif
