/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind a struct drover_scope, and the table of services it is
 * given.
 */
#ifndef HOST_SCOPE_H
#define HOST_SCOPE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <drover/plugin.h>

#include "base/log.h"
#include "config/config.h"
#include "config/options.h"
#include "wire/link.h"
#include "lease/tree.h"

#define SCOPE_MAGIC    0x5c09e001u
#define SCOPE_ENDS_MAX 8

enum scope_role {
	SCOPE_PLUGIN,
	SCOPE_SOURCE,
	SCOPE_JOB,
	SCOPE_OPERATION,
	SCOPE_HOOK,
	SCOPE_LISTENER
};

struct scope_lease;
struct scope_fetch;
struct scope_credential;
struct http;

struct scope {
	struct drover_scope public;          /* first: what the plugin sees */
	uint32_t magic;
	enum scope_role role;
	struct log_scope log;
	const struct config *config;         /* borrowed */
	const struct options *options;       /* of the source or pipeline; may be NULL */
	const struct options *plugin_options;
	const struct drover_source *sources; /* of its plugin, for trust; borrowed */
	int sources_len;
	struct link *link;
	struct http *http; /* connections and the last answer; NULL until host->http is used */
	int64_t deadline_ms;                 /* monotonic; 0: none */

	/*
	 * SCOPE_SOURCE, in poll(): what emit and cursor collect for the runner
	 */
	int (*emit)(struct scope *, const struct drover_item *, struct error *);
	int (*cursor)(struct scope *, const char *cursor, struct error *);
	int (*watch)(struct scope *, const char *path, struct error *); /* in open() */
	int64_t again_ms;                    /* of queue->again; 0: not asked */
	void *runner;                        /* theirs */
	/*
	 * A service that waits in poll() watches wait_fd (-1: none) too and
	 * calls wait_ready when it can be read: forks go on meanwhile, so no
	 * other thread may be in the process just then. Afterwards cancelled
	 * may be set: the runner is to stop.
	 */
	int wait_fd;
	void (*wait_ready)(struct scope *);

	/* SCOPE_JOB */
	const struct drover_job *job;
	const char *agent;                   /* of the job or its kind, "" */
	const char *output_path; /* of the attempt's output file, made with its first byte; NULL:
				    none, or open */
	int output;                          /* its fd, -1: none */
	int64_t output_left;                 /* bytes it may still take */
	volatile sig_atomic_t *cancelled;    /* set by the worker's signal; of a source or listener:
						its runner is to stop */
	int32_t owner; /* process whose life its leases hang on (the worker); 0: this one */
	struct scope_lease *leases;          /* list of what it holds */
	struct scope_fetch *fetches;         /* list of what lease->fetch has fetched */
	struct scope_credential *tokens;     /* list of what plugins handed out for repos */
	struct tree_credentials credentials; /* the way to them, for trees */
	char *scratch;                       /* folder, or NULL */
	char *tmp; /* $TMPDIR of its commands: made by exec with the first one, gone or empty after
		      scope_end; or NULL */
	bool tmp_stays;                      /* it is the worker's */
	char *prompt;                        /* rendered last, or NULL */

	/* What hangs on the scope ends with it: see scope_on_end(). */
	void (*ends[SCOPE_ENDS_MAX])(struct scope *);
	size_t ends_len;

	/* SCOPE_OPERATION */
	uint64_t call;
	bool replied;
};

/*
 * The scope behind what a plugin handed in; panics on a stale or foreign one.
 */
struct scope *scope_of(struct drover_scope *);
/* Zeroes it and gives it the table of services, which it borrows. */
void scope_init(struct scope *, enum scope_role, const struct drover_host *);
/*
 * Gives back what it holds: leases (cleaned), scratch. The link, config and
 * options stay the caller's.
 */
void scope_end(struct scope *);
/*
 * Has end called by scope_end(), the last one that was added first. A service
 * adds its own when it first hangs something on the scope; the same function is
 * called once, however often it is added.
 */
void scope_on_end(struct scope *, void (*end)(struct scope *));
/*
 * Fills the plugin's error from ours; returns its code. Never 0 for a failure.
 */
int scope_fail(struct drover_error *out, const struct error *err);

/* The tables, one a file; run/services.c puts them together. */
extern const struct drover_host_log host_log;
extern const struct drover_host_option host_option;
extern const struct drover_host_capacity host_capacity;
extern const struct drover_host_queue host_queue;
extern const struct drover_host_lease host_lease;
extern const struct drover_host_exec host_exec;
extern const struct drover_host_agent host_agent;
extern const struct drover_host_http host_http;
extern const struct drover_host_git host_git;
extern const struct drover_host_kv host_kv;
extern const struct drover_host_secret host_secret;
extern const struct drover_host_effect host_effect;
extern const struct drover_host_change host_change;
extern const struct drover_host_call host_call;
extern const struct drover_host_time host_time;
extern const struct drover_host_trust host_trust;
extern const struct drover_host_memory host_memory;
extern const struct drover_host_prompt host_prompt;
extern const struct drover_host_repo host_repo;

/*
 * In a fork of the process that used the scope: its connections are the
 * parent's, and are closed here without a word to the peer.
 */
void http_forked(struct scope *);

/* For the services among themselves. */
struct tree *lease_tree(struct scope *, uint64_t handle);  /* NULL: not held by this scope */

#endif
