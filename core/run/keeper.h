/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process of the core's that does with worktrees what it is told
 * by TREE_TIDY.
 */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

/* The keeper's whole life over its socket; returns an exit status. */
int keeper_main(int fd);

#endif
