/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the queue, private to core/queue. Each job that is not final is
 * an entry. It stands in buckets (everything, its kind, repo, pool, agent),
 * which count and may be paused or full. Entries that wait and have the same
 * buckets form a group: its gates are asked once for all of them. Only what
 * nothing of its own holds back is in a group's heaps: a job that waits for
 * another one is with its dependency, and of the jobs of one serial only the
 * first is shown, and none while one runs.
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
#define QUEUE_POOL "light"      /* of kinds that do not say */
#define QUEUE_RETRIES 2         /* of kinds that nobody has described yet */
#define QUEUE_YIELD_MAX_MS (30 * 60 * 1000)
#define QUEUE_DUE_MAX 1000      /* delays that end in one tick: it must not last */
#define QUEUE_TROUBLE_MS 1000   /* until the next tick after the store refused one */
#define QUEUE_CRASHES_MAX 3
#define QUEUE_AGAIN_MS \
	(24 * 3600 * 1000) /* transport trouble alone kills a job after so long ... */
#define QUEUE_AGAIN_MIN 20                /* ... and so many tries in a row */
#define QUEUE_PATH_MAX (8 + 2 * DROVER_NAME_MAX + 2) /* "agent/" and a kind's name */

enum place { IN_ALL, IN_KIND, IN_REPO, IN_POOL, IN_AGENT, PLACES };

struct bucket {
	char *path;               /* "pool/heavy"; "" for everything */
	char *name;               /* its part behind the slash */
	int slots;                /* 0: no limit */
	bool configured;          /* pools */
	int64_t memory;           /* pools: what one job is reckoned with */
	int running, waiting, delayed;
	bool paused;
	int64_t until, since;
	char *why;
	uint64_t passed;          /* kinds: the walk in which there was no worker for it */
	struct kind_traits *traits; /* kinds; NULL: unknown */
	struct bucket **yields;   /* NULL-terminated, or NULL */
	UT_hash_handle hh;
};

struct group {
	struct bucket *in[PLACES]; /* its key */
	int refs;
	struct heap rank, age;
	TAILQ_ENTRY(group) link;
	UT_hash_handle hh;
};

/* The waiting jobs of one serial in one group. */
struct lane {
	struct group *group;
	struct heap heap;
	struct entry *shown;      /* the one that stands in the group's heaps */
	LIST_ENTRY(lane) link;
};

struct serial {
	char *name;
	int running;
	uint64_t holder;          /* job that runs */
	LIST_HEAD(, lane) lanes;
	UT_hash_handle hh;
};

/* A job that others wait for and that has not succeeded. */
struct dependency {
	uint64_t id;
	enum job_state ended;     /* counts only when no entry has this id */
	LIST_HEAD(, entry) needers;
	UT_hash_handle hh;
};

struct entry {
	struct job job;           /* first: a struct job of ours is an entry */
	bool own_pool, own_agent; /* asked for; otherwise they follow the kind */
	struct bucket *in[PLACES]; /* IN_REPO and IN_AGENT may be NULL */
	struct group *group;      /* while it waits */
	struct lane *lane;
	struct serial *serial;
	struct dependency *needs;
	int64_t rss;              /* of the running attempt, as last seen */
	size_t by_rank, by_age, by_lane, by_due;
	LIST_ENTRY(entry) needer;
	TAILQ_ENTRY(entry) run;
	UT_hash_handle by_id, by_key;
	char *held_why, *worker;  /* owned; the job's point here or to "" */
	size_t name_len;
	char name[];              /* "kind/key", then serial and title */
};

struct queue {
	uint32_t magic;
	struct store *store;
	struct bucket *buckets, *all;
	struct group *groups;
	TAILQ_HEAD(group_list, group) ready; /* groups with something in their heaps */
	struct serial *serials;
	struct dependency *dependencies;
	struct entry *by_id, *by_key;
	TAILQ_HEAD(entry_list, entry) running;
	struct heap due;
	int counts[JOB_STATES_LEN];
	int64_t memory_floor, disk_floor;
	uint64_t random, walk, looks; /* looks: groups whose gates were asked, ever */
	uint64_t prune_from;
	void (*pruned)(void *, uint64_t);
	void *pruned_arg;
	int (*news)(void *, const struct job_news *, struct error *);
	void *news_arg;
};

/* What a job is made of, from a row or from somebody's wish. NULL is "". */
struct entry_strings {
	const char *kind, *key, *serial, *title, *repo, *agent, *pool, *source, *trace;
};

/* A change of a job beyond its state and counters. */
struct transition {
	const char *who, *detail;   /* for the event */
	const char *error;          /* text of the failure, or NULL: what was there stays */
	int code;                   /* its class */
};

/* bucket.c */
struct bucket *bucket_get(struct queue *, const char *type,
    const char *name); /* made when missing; NULL for no name */
struct bucket *bucket_find(struct queue *, const char *type, const char *name);
bool bucket_paused(const struct bucket *, int64_t now);
void bucket_forget_kind(struct bucket *);
void bucket_free_all(struct queue *);
int pause_load(struct queue *, struct error *);
/* Takes pauses away that are over; ms until the next one is, -1: none. */
int64_t pause_tick(struct queue *, int64_t now, struct error *);

/* entry.c */
struct entry *entry_new(struct queue *, const struct entry_strings *);
/*
 * Pool and agent, where they are the kind's to say. The entry must not be in
 * its place meanwhile.
 */
void entry_follow(struct queue *, struct entry *);
void entry_free(struct queue *, struct entry *);
void entry_index(struct queue *, struct entry *);
void entry_unindex(struct queue *, struct entry *);
struct entry *entry_find(struct queue *, uint64_t id);
struct entry *entry_same(struct queue *, const char *kind, const char *key);
void entry_set_text(char **owned, char **shown, const char *text);
/* Takes its place among the others by its state, and leaves it. */
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
 * Makes an entry wait for the job that it comes after, unless that has
 * succeeded. must_exist: refuses one that nobody knows.
 */
int dependency_attach(struct queue *, struct entry *, bool must_exist, struct error *);
void dependency_ended(struct queue *, uint64_t id, enum job_state);
void dependency_detach(struct queue *, struct entry *);

/* operate.c, replace.c */
int operate_cancel(struct queue *, uint64_t id, const char *why, const char *by, struct error *);
/*
 * Cancels what waits or is held for an older revision of job: the same kind,
 * the same key up to its last "@".
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
/* Rows to entries, outside of all indexes. */
int row_load_active(struct queue *, void (*fn)(struct queue *, struct entry *), struct error *);
struct entry *row_load(struct queue *, uint64_t id,
    struct error *); /* NULL + PERMANENT when there is none */
int row_counts(struct queue *, struct error *);

/* transition.c */
/*
 * Applies an event: row, event and memory. next is what the job becomes, but
 * for its state; a final job's entry is gone afterwards.
 */
int transition_apply(struct queue *, struct entry *, enum job_event, struct job *next,
    const struct transition *, struct error *);
int transition_announce(struct queue *, const char *event, const struct job *, const char *detail,
    struct error *);
/*
 * text fit for a column: valid, at most size - 1 bytes. Returns out; NULL stays
 * NULL.
 */
char *job_text(const char *text, char *out, size_t size);
/*
 * A reason to hold a job, for struct job's held_why: borrowed until
 * transition_apply() has copied it.
 */
char *job_why(const char *text, const char *otherwise);

/* gate.c */
enum reach { REACH_ALL, REACH_GROUP, REACH_JOB };
struct gate_ask {
	const struct queue *q;
	const struct entry *e;       /* NULL for REACH_ALL */
	const struct queue_view *view;
	int64_t now,
	    promised; /* promised: memory that running jobs are reckoned with and do not use yet */
};
void gate_ask_init(struct gate_ask *, const struct queue *, const struct queue_view *);
bool gate_open(const struct gate_ask *, enum reach);
/* ms until a job that yields now will yield no more; -1: none does. */
int64_t gate_next_ageing(const struct queue *, int64_t now);

#endif
