/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chores: starts the keeper and gives it worktrees to clean or remove, moves
 * scratch folders and old output to the trash, and removes old records.
 */
#ifndef SUPER_CHORES_H
#define SUPER_CHORES_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "super/inside.h"

/*
 * Moves to the trash what killed attempts left in scratch/. Call it at the
 * start, when it is known which jobs run.
 */
void chores_scratch(struct supervisor *);
/* For queue_on_prune(): removes the output of a job that is removed. */
void chores_pruned(void *supervisor, uint64_t job);
int64_t chores_tick(struct supervisor *, int64_t now);
/* Tells the keeper the secrets that it does not know. */
void chores_spread(struct supervisor *);
/*
 * Has the worktrees that may go cleaned or removed at once instead of when they
 * are due.
 */
void chores_now(struct supervisor *);
/* Handles the end of a child. Returns false if the child was not the keeper. */
bool chores_reap(struct supervisor *, pid_t pid, int status);
/* The pid of the keeper; 0 if no keeper runs. */
pid_t chores_pid(const struct supervisor *);
void chores_close(struct supervisor *);

#endif
