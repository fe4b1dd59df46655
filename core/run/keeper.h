/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process that tidies worktrees (TREE_TIDY) and checks tokens
 * (TOKEN_CHECK) for the core. core/super/chores.c starts it.
 */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

/* Serves requests from fd until the core closes it. Returns an exit status. */
int keeper_main(int fd);

#endif
