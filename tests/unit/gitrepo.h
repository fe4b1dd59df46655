/* SPDX-License-Identifier: Apache-2.0 */
/* Real repositories for tests, made with git's command line. */
#ifndef UNIT_GITREPO_H
#define UNIT_GITREPO_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "lease/tree.h"

struct gitrepo {
	/*
	 * Folder with everything: "up" is the remote, a repository with a work
	 * tree, and "state" is drover's state_dir.
	 */
	char *dir;
	char *up, *state, *mirror;
	struct config_repo repo;   /* its remote is "up" */
};

/*
 * Makes three files in two folders, a branch "side", and the tags "v1"
 * (annotated) and "light".
 */
void gitrepo_make(struct gitrepo *);
void gitrepo_free(struct gitrepo *);
/* Makes a tree of that repo for the lease id. */
void gitrepo_tree(const struct gitrepo *, struct tree *, uint64_t id);
/*
 * Fetches and prepares the tree; aborts on failure. Returns the tree's saved
 * ref.
 */
const char *gitrepo_prepare(struct tree *, const char *state, const char *ref);

/*
 * Runs a shell script in a folder. git gets an identity, and nobody's own
 * settings. Returns the exit status.
 */
int shell(const char *dir, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Like shell(), but aborts unless the status is 0. Returns what it printed
 * without the last newline, valid for four calls.
 */
const char *shell_out(const char *dir, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
