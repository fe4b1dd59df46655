/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper, and what is handed to it: worktrees, scratch folders, old output.
 */
#ifndef SUPER_CHORES_H
#define SUPER_CHORES_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "super/inside.h"

/*
 * At the start, once it is known what runs: what killed attempts left in
 * scratch/ goes.
 */
void chores_scratch(struct supervisor *);
/* For queue_on_prune(): the output of a job goes with it. */
void chores_pruned(void *supervisor, uint64_t job);
int64_t chores_tick(struct supervisor *, int64_t now);
/* Worktrees that may go are cleaned or removed now, not at their time. */
void chores_now(struct supervisor *);
/* True when the child was the keeper. */
bool chores_reap(struct supervisor *, pid_t pid, int status);
/* The keeper's process; 0 while none runs. */
pid_t chores_pid(const struct supervisor *);
void chores_close(struct supervisor *);

#endif
