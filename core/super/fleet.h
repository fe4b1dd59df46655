/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runners as the rest of core/super sees them: a handle for each, found by the
 * plugin's name. supervisor.c gives them life; nothing here starts or ends one.
 */
#ifndef SUPER_FLEET_H
#define SUPER_FLEET_H

#include <sys/queue.h>
#include <sys/types.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/retry.h"
#include "drover/plugin.h"
#include "super/inside.h"
#include "wire/channel.h"

#define RUNNER_HEALTHY_MS 600000    /* after this long up, backoff begins anew */

enum runner_state {
	RUNNER_DOWN,
	RUNNER_STARTING,
	RUNNER_READY,
	RUNNER_BACKOFF,
	RUNNER_PARKED,
	RUNNER_REFUSED,
	RUNNER_STOPPING
};

struct source;

struct runner_handle {
	TAILQ_ENTRY(runner_handle) link;
	struct supervisor *supervisor;
	char *plugin;
	uint64_t generation;
	uint64_t serial;             /* names it in deferred answers, as a peer's does */
	enum runner_state state;
	pid_t pid;                   /* 0 while there is no process, or it is a thread */
	pthread_t thread;
	bool threaded;
	struct channel *channel;
	int64_t since;               /* monotonic, of this state */
	int64_t due;                 /* monotonic: next start, or deadline; 0 when nothing is due */
	struct retry_defects defects;
	unsigned starts;
	int64_t backoff_ms;
	int64_t fork_at;             /* monotonic: no worker is forked before; 0: no restriction */
	int64_t fork_backoff_ms;
	char fork_why[DROVER_ERROR_MAX];
	char why[DROVER_ERROR_MAX];
	char condemned[DROVER_ERROR_MAX]; /* why its next tick kills it; "" when it may live */
	cJSON *exports;              /* of RUNNER_READY */
	struct {
		cJSON *reply;        /* of the last probe; NULL before the first */
		int64_t at;          /* wall */
		int64_t due;         /* monotonic; 0: not again */
	} probe;
	struct source *sources;
	int sources_len;
};

/*
 * The runner of a plugin that is not on its way out; NULL when there is none.
 */
struct runner_handle *fleet_find(struct supervisor *, const char *plugin);
const char *fleet_state_name(enum runner_state);
void fleet_log(const struct runner_handle *, enum drover_level, const char *text);
/*
 * Enters a state; due: monotonic ms of its deadline, 0 when it has none. Tells
 * the queue.
 */
void fleet_enter(struct runner_handle *, enum runner_state, int64_t due);
/*
 * Tells the queue what the plugin's kinds are like, or why they cannot run now.
 */
void fleet_tell_traits(struct runner_handle *);
/*
 * A worker could not be forked: the plugin's jobs wait a little, longer each
 * time, and say why.
 */
void fleet_fork_failed(struct runner_handle *, const char *why);
/*
 * Has it killed by its own next tick, so that a caller may go on walking its
 * sources.
 */
void fleet_condemn(struct runner_handle *, const char *why);

#endif
