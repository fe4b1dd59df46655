/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's side of everything that runs plugin code: runners and their
 * sources, the slots and the workers in them, the connections of jobs and
 * operations. One struct, a few files, each one idea: runners.c, sources.c,
 * accept.c, listeners.c, slots.c, adopt.c, peers.c, services.c, calls.c,
 * hooks.c, probes.c, checks.c, warnings.c, tidy.c.
 */
#ifndef SUPER_SUPERVISOR_H
#define SUPER_SUPERVISOR_H

#include <sys/queue.h>
#include <sys/types.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/log.h"
#include "base/proc.h"
#include "daemon.h"
#include "wire/channel.h"

#define RUNNER_START_MS 30000        /* to say READY or REFUSED */
#define RUNNER_BACKOFF_MS 1000       /* doubling, to RUNNER_BACKOFF_MAX_MS */
#define RUNNER_BACKOFF_MAX_MS 300000
#define RUNNER_FORK_MS 1000          /* after a fork that failed, doubling, to RUNNER_FORK_MAX_MS */
#define RUNNER_FORK_MAX_MS 60000
#define RUNNER_HEALTHY_MS 600000     /* so long up: the backoff begins anew */
#define RUNNER_CRASHES 5             /* within RUNNER_HEALTHY_MS: parked */
#define STORE_TROUBLE_MS 1000
#define CALL_WAKES_MAX 16
#define WORKER_FORK_MS 10000         /* from WORKER_FORK to its hello */
#define WORKER_SPARE_MS \
	50000 /* idle so long: told to leave, before it leaves by itself and a job could be on its \
		 way to it */
#define WORKER_SILENT_MS \
	60000 /* a worker that is alive and says nothing is frozen: fenced and killed */

enum runner_state {
	RUNNER_DOWN,
	RUNNER_STARTING,
	RUNNER_READY,
	RUNNER_BACKOFF,
	RUNNER_PARKED,
	RUNNER_REFUSED,
	RUNNER_STOPPING
};

struct source_item;

/* Of a source that waits for word from outside. */
struct listener {
	bool wanted;
	bool failed, parked;         /* the last time; for good */
	uint64_t call;               /* 0: it does not run */
	int64_t since;               /* monotonic: up, or down */
	int64_t due;                 /* monotonic: next start; 0: none */
	int64_t backoff_ms;
	int64_t defects[RUNNER_CRASHES]; /* monotonic times, a ring */
	int defects_len;
	char why[DROVER_ERROR_MAX];
};

struct source {
	char *name;                  /* "inbox.folder" */
	const char *local;           /* "folder", within name */
	int64_t interval_ms, poll_timeout_ms;
	int64_t next_poll;           /* monotonic */
	int64_t polled_at;           /* wall, of the last answer; 0: never */
	int64_t poll_began;          /* monotonic; 0: none under way */
	uint64_t poll_id;
	bool poll_again;             /* changed while it was polled */
	int64_t wake_at; /* monotonic: polled then, before its time; 0: nobody has woken it */
	int64_t began_at;            /* monotonic, of the last poll */
	struct listener listener;
	int failures;                /* polls in a row */
	char error[DROVER_ERROR_MAX];
	uint64_t items_taken;
	char *
	    *authors; /* the plugin's own choice, NULL-terminated; NULL: it has none, and no gate */
	uint64_t refused;            /* since the runner started */
	STAILQ_HEAD(, source_item) items; /* of the poll under way */
	uint64_t settling;           /* job whose settle is under way; 0: none */
	bool settle_due;
	int64_t settle_at;           /* monotonic: not before */
};

struct runner_handle {
	TAILQ_ENTRY(runner_handle) link;
	struct supervisor *supervisor;
	char *plugin;
	uint64_t generation;
	uint64_t serial;             /* names it in deferred answers, as a peer's */
	enum runner_state state;
	pid_t pid;                   /* 0: none, or a thread */
	pthread_t thread;
	bool threaded;
	struct channel *channel;
	int64_t since;               /* monotonic, of this state */
	int64_t due;                 /* monotonic: next start, or deadline; 0: none */
	int64_t crashes[RUNNER_CRASHES]; /* monotonic times, a ring */
	int crashes_len;
	unsigned starts;
	int64_t backoff_ms;
	int64_t fork_at;             /* monotonic: no worker is forked before; 0: no matter */
	int64_t fork_backoff_ms;
	char fork_why[DROVER_ERROR_MAX];
	char why[DROVER_ERROR_MAX];
	cJSON *exports;              /* of RUNNER_READY */
	struct {
		cJSON *reply;        /* of the last probe; NULL: none yet */
		int64_t at;          /* wall */
		int64_t due;         /* monotonic; 0: not again */
	} probe;
	struct source *sources;
	int sources_len;
};

enum slot_state { SLOT_FREE, SLOT_FORKING, SLOT_IDLE, SLOT_BUSY, SLOT_LEAVING, SLOT_LOST };

/* A worker: a stable name and the process that holds it now. */
struct slot {
	char name[16];               /* "w1" */
	enum slot_state state;
	char *plugin;
	uint64_t generation;
	char token[33];
	struct proc_id id;
	struct peer *peer;           /* NULL while it is not connected */
	uint64_t job, epoch;         /* what it runs; 0: nothing */
	uint64_t next, next_epoch;   /* claimed in this tick, sent after the commit */
	uint64_t done,
	    done_epoch; /* JOB_DONE came in this tick, JOB_SETTLED goes after the commit */
	bool restored;               /* the job was found running: its worker may come back */
	bool cancelled;              /* its worker was told to stop the job */
	bool interrupting;           /* it was told to stop because drover stops */
	int64_t since, heard;        /* monotonic */
	int64_t cpu_ms, rss, output; /* of the last beat */
};

enum peer_role { PEER_NEW, PEER_WORKER, PEER_JOB, PEER_OPERATION };

/* A connection on the core's socket. */
struct peer {
	TAILQ_ENTRY(peer) link;
	struct supervisor *supervisor;
	struct channel *channel;
	enum peer_role role;
	struct slot *slot;           /* PEER_WORKER */
	uint64_t job, epoch;         /* PEER_JOB */
	uint64_t call;               /* PEER_OPERATION */
	char *plugin;
	uint64_t serial;             /* names it in deferred answers: a peer may be gone by then */
};

enum call_kind { CALL_OPERATION, CALL_HOOK, CALL_LISTEN };

/*
 * What a runner was asked to do in a process of its own, which shows the token.
 */
struct call {
	TAILQ_ENTRY(call) link;
	enum call_kind kind;
	uint64_t id;
	char token[33];
	char *plugin;
	uint64_t runner;             /* serial of the one that was asked */
	int64_t deadline;            /* monotonic; 0: none */
	void (*fn)(void *arg, int code, const char *text, size_t len); /* NULL: nobody waits */
	void *arg;
	struct buf body;             /* of a hook */
	char *wakes[CALL_WAKES_MAX]; /* sources that a hook wants woken */
	int wakes_len;
};

struct supervisor {
	uint32_t magic;
	struct daemon *daemon;
	struct log_scope log;
	char *socket;                /* STATE/core.sock */
	struct event *listening;
	int listen_fd;
	TAILQ_HEAD(runner_list, runner_handle) runners;
	TAILQ_HEAD(peer_list, peer) peers;
	TAILQ_HEAD(call_list, call) calls;
	TAILQ_HEAD(hook_list, hook_memory) hooks;
	TAILQ_HEAD(check_list, check_run) checks;
	struct slot **slots;
	int slots_len;               /* config running, more while a shrink waits for jobs to end */
	uint64_t generation;         /* counts configurations */
	uint64_t last_id;
	struct keeper *keeper;
	struct limits *limits;       /* of plugins' requests to the outside */
	int64_t chores_at;           /* monotonic: when leases are looked at next */
	int64_t trouble_until; /* monotonic: the store refused a commit; what is lost is looked at
				  again then */
	int64_t records_at;          /* monotonic: when old refusals and memory are looked for */
	int64_t expire_at;           /* monotonic: when dead owners of leases are looked for */
	bool dispatch_again;         /* a slot was passed over that is free after this commit */
};

/*
 * Listens, starts a runner per configured plugin, waits for workers of an
 * earlier core.
 */
int supervisor_open(struct daemon *, struct supervisor **, struct error *);
void supervisor_close(struct supervisor *);
/*
 * A new configuration: changed plugins get new runners, old ones go when their
 * poll ends.
 */
void supervisor_configure(struct supervisor *);
/*
 * What is due: restarts, polls, settles, lost workers, chores. Returns ms until
 * the next thing is (-1: none).
 */
int64_t supervisor_tick(struct supervisor *);
/* Claims jobs for free slots; called once a tick before the commit. */
void supervisor_dispatch(struct supervisor *);
/*
 * After the commit: assignments and acknowledgements go out; or, when it
 * failed, are taken back.
 */
void supervisor_flush(struct supervisor *, const struct error *failed);
/* A child of the core has ended. */
void supervisor_reap(struct supervisor *, pid_t pid, int status);
/*
 * Tells all running attempts to stop; they are queued again without using an
 * attempt.
 */
void supervisor_interrupt(struct supervisor *);
/* Stops runners (they close their plugins) and, unless leave, idle workers. */
void supervisor_stop(struct supervisor *);
bool supervisor_stopped(const struct supervisor *);
int supervisor_busy(const struct supervisor *); /* slots with a job */
/* Adds http (limits_status) to a status, and its warnings to a list. */
void supervisor_http(const struct supervisor *, cJSON *status, cJSON *warnings);

/* runners.c */
struct runner_handle *runner_find(struct supervisor *, const char *plugin);
void runner_start(struct runner_handle *);
void runner_kill(struct runner_handle *, const char *why);
void runner_traits(struct runner_handle *);
void runner_fork_failed(struct runner_handle *, const char *why);
const char *runner_state_name(enum runner_state);
int64_t runner_tick(struct runner_handle *, int64_t now);

/* sources.c */
void sources_ready(struct runner_handle *);
void sources_forget(struct runner_handle *);
int64_t sources_tick(struct runner_handle *, int64_t now);
void sources_message(struct runner_handle *, struct message *);
void sources_job_ended(struct supervisor *, const char *source); /* NULL: of any */
cJSON *sources_refused(struct supervisor
	*); /* {source: how many since its runner started}, of those that have authors */
int sources_poll(struct supervisor *, const char *name, struct error *);
/*
 * Polls it now, or as soon as it may be; at most once a second. Nothing where
 * it is not enabled.
 */
void sources_wake(struct runner_handle *, const char *local);

/* listeners.c */
/* Starts it when it is due; ms until then, -1: not for its own sake. */
int64_t listener_tick(struct runner_handle *, struct source *, int64_t now);
void listener_forget(struct runner_handle *, struct source *);
void listeners_ended(struct supervisor *, uint64_t call, int code, const char *text,
    int64_t retry_ms);

/* slots.c */
struct slot *slot_find(struct supervisor *, const char *name);
void slots_resize(struct supervisor *);
void slots_message(struct peer *, struct message *);
void slots_peer_closed(struct peer *);
void slots_forked(struct supervisor *, struct message *);
void slots_runner_lost(const struct runner_handle *, const char *why);
int64_t slots_tick(struct supervisor *, int64_t now);
int slots_cancel(struct supervisor *, uint64_t job, uint64_t epoch, int code, const char *text);

void slots_grow(struct supervisor *, int want);
struct slot *slot_of_job(struct supervisor *, uint64_t job, uint64_t epoch);
void slot_assign(struct supervisor *, struct slot *);
void slot_clear(struct slot *);
void slot_log(struct supervisor *, const struct slot *, enum drover_level, const char *text);

/* adopt.c */
void slots_hello(struct peer *, struct message *);
void slots_welcome(struct peer *, uint64_t job, bool keep);
/*
 * A worker that is lost, or silent for too long; ms until it must be looked at
 * again.
 */
int64_t slot_watch(struct supervisor *, struct slot *, int64_t now);
/* Once, at the start. */
void slots_restore(struct supervisor *);

/* peers.c */
int peers_open(struct supervisor *, struct error *);
void peers_close(struct supervisor *);
void peer_free(struct peer *);
/*
 * Answers the request id of the peer or runner with this serial after the next
 * commit. err and data may be NULL.
 */
void reply_later(struct supervisor *, uint64_t serial, uint64_t id, const struct error *err,
    int64_t number, const char *data, size_t len);

/* services.c */
void services_message(struct peer *, struct message *);
bool services_runner(struct runner_handle *, struct message *); /* false: no request */
void services_open(struct supervisor *); /* takes up the pauses of an earlier core */

/* calls.c */
/* A new one, to be sent by the caller; timeout_ms 0: none. */
struct call *call_open(struct runner_handle *, enum call_kind, int64_t timeout_ms);
struct call *call_find(struct supervisor *, uint64_t id); /* NULL: over */
/* The operation NAME as the plugin describes it; NULL: it offers none. */
const cJSON *call_operation(const struct runner_handle *, const char *name);
/* Tells whoever waits, and frees it. */
void call_close(struct supervisor *, struct call *, int code, const char *text, size_t len);
/* Takes the message when it is an answer to a call. */
bool calls_reply(struct peer *, struct message *);
/*
 * Asks the plugin of the repo's token_from for a token; as daemon_call.
 * refused: the remote did not take the last one.
 */
void calls_git_token(struct supervisor *, const struct config_repo *, bool refused,
    void (*fn)(void *, int code, const char *text, size_t len), void *arg);
/* Whether a runner that is ready offers what token_from needs. */
bool calls_offers_git_token(const struct runner_handle *);
int calls_hello(struct peer *, uint64_t call, const char *token);
int64_t calls_tick(struct supervisor *, int64_t now);
void calls_close(struct supervisor *, const char *why);
void calls_runner_lost(struct runner_handle *, const char *why);

/* hooks.c */
void hooks_reply(struct supervisor *, struct call *, struct message *);
void hooks_body(const struct call *, struct message *, struct buf *out, struct error *);
void hooks_close(struct supervisor *);

/* probes.c */
void probe_start(struct runner_handle *);
int64_t probe_tick(struct runner_handle *, int64_t now);
/*
 * An answer of the operation as {ok, checks, ...}, whatever it was. The caller
 * deletes.
 */
cJSON *probe_read(int code, const char *text, size_t len);
void probe_result(struct runner_handle *, cJSON *reply); /* takes it over */
void probe_missing(const struct runner_handle *, struct buf *out); /* "what: text; what: text" */
void probe_forget(struct runner_handle *);

/* checks.c */
int64_t checks_tick(struct supervisor *, int64_t now);
void checks_close(struct supervisor *);

/* warnings.c */
void warnings_ready(struct runner_handle *);

/* tidy.c */
void tidy_scratch(struct supervisor *); /* at start, once it is known what runs */
void tidy_pruned(void *supervisor, uint64_t job); /* for queue_on_prune */
int64_t tidy_tick(struct supervisor *, int64_t now);
bool tidy_reap(struct supervisor *, pid_t pid, int status);
pid_t tidy_pid(const struct supervisor *); /* of the keeper; 0: none */
void tidy_close(struct supervisor *);

/* Earlier of two waits in ms; -1 is never. */
static inline int64_t
wait_min(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	if (b < 0)
		return a;
	return a < b ? a : b;
}

#endif
