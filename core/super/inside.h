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
	int slots_len;               /* config running, more while a shrink waits for jobs to end */
	uint64_t generation;         /* counts configurations */
	uint64_t last_id;
	struct keeper *keeper;       /* NULL while none runs */
	struct limits *limits;       /* of plugins' requests to the outside */
	int64_t chores_at;           /* monotonic: when worktrees are looked at next */
	int64_t records_at;          /* monotonic: when old refusals and memory are looked for */
	int64_t expire_at;           /* monotonic: when dead owners of leases are looked for */
	int64_t trouble_until; /* monotonic: after a failed commit lost workers wait until then */
	bool dispatch_again;         /* a slot was passed over that is free after this commit */
};

#endif
