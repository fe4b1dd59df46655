/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's side of a scope: what a plugin's struct drover_scope * points to.
 * run/ makes one for each plugin, source, job, operation, hook and listener,
 * fills in what it lends to the services (log, config, options, link, job), and
 * ends it with scope_end(). In between it belongs to one thread. The services
 * keep on it what must not outlive it.
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
	/* options of the source or pipeline; borrowed, may be NULL */
	const struct options *options;
	const struct options *plugin_options;
	/* sources of the scope's plugin, for trust; borrowed */
	const struct drover_source *sources;
	int sources_len;
	struct link *link;
	/* connections and last answer; NULL until host->http is used */
	struct http *http;
	int64_t deadline_ms;                 /* monotonic; 0 when the scope has no deadline */

	/*
	 * SCOPE_SOURCE. The runner sets these callbacks for the time of a
	 * poll() (emit, cursor) or an open() (watch); otherwise they are NULL.
	 */
	int (*emit)(struct scope *, const struct drover_item *, struct error *);
	int (*cursor)(struct scope *, const char *cursor, struct error *);
	int (*watch)(struct scope *, const char *path, struct error *);
	/* the delay that queue->again asked for; 0 if it was not called */
	int64_t again_ms;
	void *runner;                        /* for the three callbacks: the runner's source */
	/*
	 * A service that waits during poll() also watches wait_fd (-1 if there
	 * is nothing to watch) and calls wait_ready when the fd is readable.
	 * The runner may fork then, so the process must have no other thread at
	 * that moment. After the call *cancelled may be set, because the runner
	 * was asked to stop.
	 */
	int wait_fd;
	void (*wait_ready)(struct scope *);

	/* SCOPE_JOB */
	const struct drover_job *job;
	/* configured for the job or its kind; "" if there is none */
	const char *agent;
	/*
	 * path of the attempt's output file, which is created with its first
	 * byte; NULL once it is open, or if there is none
	 */
	const char *output_path;
	int output;                          /* fd of the output file; -1 while it is not open */
	/* bytes that may still be written to it; -1 once it was cut */
	int64_t output_left;
	/*
	 * set when the job must stop (by the worker's signal), or when the
	 * runner of a source or listener must; NULL if nothing can set it
	 */
	volatile sig_atomic_t *cancelled;
	/*
	 * This process runs for the scope alone and is a subreaper: whatever a
	 * command leaves behind becomes its child, and is killed.
	 */
	bool reaps;
	/* the leases end with this process (the worker); 0 for this one */
	int32_t owner;
	struct scope_lease *leases;          /* leases that the scope holds */
	struct scope_fetch *fetches;         /* repos that lease->fetch has fetched */
	struct scope_credential *tokens;     /* tokens that plugins handed out for repos */
	struct tree_credentials credentials; /* lets trees ask for those tokens */
	char *scratch;                       /* folder of lease->scratch, or NULL */
	/*
	 * $TMPDIR of the scope's commands. exec makes it for the first command;
	 * scope_end() removes it. NULL before.
	 */
	char *tmp;
	/* tmp is the worker's: scope_end() empties it and leaves it in place */
	bool tmp_stays;
	/* HOME of its commands in the sandbox, as tmp; NULL before */
	char *home;
	bool sandbox_told;                   /* the log says that there is no sandbox */
	char *prompt;                        /* the prompt that was rendered last, or NULL */

	/* Functions that scope_end() calls; see scope_on_end(). */
	void (*ends[SCOPE_ENDS_MAX])(struct scope *);
	size_t ends_len;

	/* SCOPE_OPERATION */
	uint64_t call;
	bool replied;
};

/*
 * Returns the scope that a plugin's pointer stands for. Panics when the pointer
 * is not that of a live scope.
 */
struct scope *scope_of(struct drover_scope *);
/* Zeroes the scope and gives it the table of services, which is borrowed. */
void scope_init(struct scope *, enum scope_role, const struct drover_host *);
/*
 * Releases what the services keep on the scope: leases go back cleaned; scratch
 * folders, tokens and connections are removed. The link, config and options
 * stay the caller's.
 */
void scope_end(struct scope *);
/*
 * Has scope_end() call end. Functions are called in reverse order of their
 * registration, and each once, however often it is registered. A service
 * registers its own when it first keeps something on the scope.
 */
void scope_on_end(struct scope *, void (*end)(struct scope *));
/*
 * Copies err to the plugin's error, which may be NULL, and returns its code.
 * The code is never 0: an error without one becomes INTERNAL.
 */
int scope_fail(struct drover_error *out, const struct error *err);

/*
 * The tables of services, one in each file; run/services.c puts them together.
 */
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
 * For a fork of the process that used the scope. The connections are the
 * parent's: closes this process's copies of their sockets and sends nothing to
 * the peers.
 */
void http_forked(struct scope *);

/*
 * The tree of a lease that this scope holds; NULL if it holds no such lease.
 * Borrowed.
 */
struct tree *lease_tree(struct scope *, uint64_t handle);

#endif
