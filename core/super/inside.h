/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that the files of this folder share. Private to core/super: the
 * daemon and the API know supervisor.h and the modules' own headers.
 */
#ifndef SUPER_INSIDE_H
#define SUPER_INSIDE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "core.h"

struct call;
struct secret_check_run;
struct hook_memory;
struct keeper;
struct limits;
struct peer;
struct runner_handle;
struct slot;

struct supervisor {
	uint32_t magic;
	struct core *core;
	struct log_scope log;
	char *socket;                /* STATE/core.sock */
	struct event *listening;
	int listen_fd;
	TAILQ_HEAD(runner_list, runner_handle) runners;
	TAILQ_HEAD(peer_list, peer) peers;
	TAILQ_HEAD(call_list, call) calls;
	TAILQ_HEAD(hook_list, hook_memory) hooks;
	TAILQ_HEAD(check_list, secret_check_run) checks;
	struct slot **slots;
	/*
	 * `running` of the configuration; more while slots above it still have
	 * jobs
	 */
	int slots_len;
	/* wall ms of the configuration in force; tells it from earlier ones */
	uint64_t generation;
	uint64_t last_id;
	struct keeper *keeper;       /* NULL if no keeper runs */
	struct limits *limits;       /* limits of plugins' HTTP requests */
	int64_t chores_at;           /* monotonic; when leases_tick() is asked for chores next */
	int64_t records_at;          /* monotonic; when old records are removed next */
	int64_t expire_at;           /* monotonic; when leases of dead owners are ended next */
	/*
	 * monotonic; after a failed commit no lost worker is given up before
	 * this time
	 */
	int64_t trouble_until;
	/* slot_choose() passed over a slot that is free after this commit */
	bool dispatch_again;
};

#endif
