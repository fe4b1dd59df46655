/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fleet: the runners as the rest of core/super sees them, a handle for
 * each, found by the plugin's name. supervisor.c starts and ends them; no
 * function here does.
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

/* a runner that was ready for this long begins with the first backoff again */
#define RUNNER_HEALTHY_MS 600000

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
	/* names it in deferred answers, as the serial of a peer does */
	uint64_t serial;
	size_t told;                 /* how many of the known secrets it was told */
	enum runner_state state;
	pid_t pid;                   /* 0 if it has no process, or is a thread */
	pthread_t thread;
	bool threaded;
	struct channel *channel;
	int64_t since;               /* monotonic; when it entered this state */
	/*
	 * monotonic; its next start, or the state's deadline; 0 if nothing is
	 * due
	 */
	int64_t due;
	struct retry_defects defects;
	unsigned starts;
	int64_t backoff_ms;
	/*
	 * monotonic; no worker is forked before this time; 0 means no
	 * restriction
	 */
	int64_t fork_at;
	int64_t fork_backoff_ms;
	char fork_why[DROVER_ERROR_MAX];
	char why[DROVER_ERROR_MAX];
	/* why its next tick kills it; "" if it is not condemned */
	char condemned[DROVER_ERROR_MAX];
	cJSON *exports;              /* what RUNNER_READY said that the plugin offers */
	struct {
		cJSON *reply;        /* reply to the last probe; NULL before the first one */
		int64_t at;          /* wall */
		int64_t due;         /* monotonic; the next probe; 0 if no probe is due */
	} probe;
	struct source *sources;
	int sources_len;
};

/*
 * The runner of a plugin, unless it is stopping; NULL if the plugin has no such
 * runner.
 */
struct runner_handle *fleet_find(struct supervisor *, const char *plugin);
const char *fleet_state_name(enum runner_state);
void fleet_log(const struct runner_handle *, enum drover_level, const char *text);
/*
 * Enters a state and tells the queue. due is the monotonic time at which the
 * state ends; 0 means no deadline.
 */
void fleet_enter(struct runner_handle *, enum runner_state, int64_t due);
/*
 * Tells the queue the traits of the plugin's kinds, or why they cannot run now.
 */
void fleet_tell_traits(struct runner_handle *);
/*
 * Records that a worker could not be forked. The plugin's jobs wait, longer
 * after each failure, and `drover why` shows the reason.
 */
void fleet_fork_failed(struct runner_handle *, const char *why);
/*
 * Has the runner killed by its own next tick, so that a caller may go on
 * walking its sources.
 */
void fleet_condemn(struct runner_handle *, const char *why);

#endif
