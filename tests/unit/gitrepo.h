/* SPDX-License-Identifier: Apache-2.0 */
/* Real repositories for tests, made with git's command line. */
#ifndef UNIT_GITREPO_H
#define UNIT_GITREPO_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "lease/tree.h"

struct gitrepo {
	char *dir; /* all of it; "up" is the remote, a repository with a work tree, "state" drover's
		    */
	char *up, *state, *mirror;
	struct config_repo repo;   /* over "up" */
};

/*
 * Three files in two folders, a branch "side", tags "v1" (annotated) and
 * "light".
 */
void gitrepo_make(struct gitrepo *);
void gitrepo_free(struct gitrepo *);
/* A tree of that repo for lease id. */
void gitrepo_tree(const struct gitrepo *, struct tree *, uint64_t id);
/* Fetches and prepares; aborts when it fails. Gives the tree's saved ref. */
const char *gitrepo_prepare(struct tree *, const char *state, const char *ref);

/*
 * Runs a shell script in a folder, with an identity for git and without
 * anybody's settings. Returns its exit status.
 */
int shell(const char *dir, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * The same, aborts unless the status is 0, and gives what it printed without
 * the last newline; valid until the next four calls.
 */
const char *shell_out(const char *dir, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
