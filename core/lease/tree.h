/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mirrors and worktrees, the files' half: runs in a job's process or in the
 * keeper. One bare mirror per repo; worktree metadata changes under the repo's
 * lock, filling a tree outside it.
 */
#ifndef LEASE_TREE_H
#define LEASE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include <drover/plugin.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"

/*
 * Where the token comes from of a repo that has token_from: the host knows the
 * way to the plugin.
 */
struct tree_credentials {
	/*
	 * user: that goes with the token, or NULL for the repo's. The caller
	 * frees it, and the token with free_wiped.
	 */
	int (
	    *ask)(void *arg, const struct config_repo *, char **user, char **token, struct error *);
	/*
	 * The remote refused what ask gave: the next one gives another. False
	 * when there was nothing to refuse.
	 */
	bool (*refused)(void *arg, const struct config_repo *);
	void *arg;
};

struct tree {
	uint64_t lease;
	const struct config_repo *repo;
	char *path, *mirror, *trash; /* absolute */
	char base[65];               /* commit it was prepared at */
	char *gitdir; /* what git keeps for this tree: in the mirror, or PATH/.git of a clone */
	int lock;     /* held while a call works on the tree, -1 else; git's processes inherit it */
	const struct tree_credentials *
	    credentials; /* set by whoever fetches or pushes; NULL: such a repo cannot be reached */
};

void tree_init(struct tree *, uint64_t lease, const struct config_repo *, const char *path,
    const char *mirror, const char *state_dir);
void tree_free(struct tree *);
/*
 * Where threads have trees: libgit2 stays up between them, for when the last
 * one lets it go the others' errors leak.
 */
void tree_hold(void);

/*
 * Fetches the repo into its mirror (made when missing). Coalesced: a fetch that
 * another process began after this call serves it too.
 */
int tree_fetch(struct tree *, struct error *);
/*
 * Makes the tree stand at ref (NULL: base branch) detached and clean, whatever
 * state it is in; a dirty one is saved first. saved gets the wip ref or "".
 */
int tree_prepare(struct tree *, const char *state, const char *ref, char *saved, size_t saved_size,
    struct error *);
/*
 * On return: saves work that is nowhere else, resets, cleans, refreshes the
 * index. saved gets the wip ref or "". 0: warm.
 */
int tree_return(struct tree *, char *saved, size_t saved_size, struct error *);
/* Saves, prunes the metadata, renames into the trash. */
int tree_remove(struct tree *, char *saved, size_t saved_size, struct error *);
/* Empties the trash, slowly; returns bytes freed or -1. */
int64_t tree_sweep(const char *state_dir, struct error *);

/*
 * Work in the tree. diff is against base. commit: 1 made, 0 nothing to commit.
 */
int tree_diff(struct tree *, struct drover_diff *, struct error *);
int tree_commit(struct tree *, const char *message, char *commit, size_t size, struct error *);
int tree_head(struct tree *, char *commit, size_t size, struct error *);
/* Keeps a commit alive in the mirror under refs/drover/job/ID, for resuming. */
int tree_keep(struct tree *, uint64_t job, struct error *);
int tree_unkeep(struct tree *, uint64_t job, struct error *);
/*
 * Pushes HEAD to refs/heads/BRANCH of the repo's url. Already there: 0. Another
 * commit there: overwritten only when drover put it there (the mirror's
 * refs/drover/pushed/BRANCH), else PERMANENT.
 */
int tree_push(struct tree *, const char *branch, struct error *);
/*
 * Pushes HEAD onto a branch that stands at the tree's base, any but the
 * remote's HEAD; nothing is ever taken away. 0: the branch has the commit; 1:
 * it has moved, and was left alone; -1: PERMANENT when it is gone.
 */
int tree_push_onto(struct tree *, const char *branch, struct error *);
/*
 * As the last fetch saw the branch: 0: it is at base, or has the commit ("":
 * none); 1: it has moved; -1: PERMANENT when it is gone or the remote's HEAD.
 */
int tree_onto(struct tree *, const char *branch, const char *base, const char *commit,
    struct error *);

/*
 * For a change that runs the repo's own commands in the tree (squash.c).
 */
/*
 * Stands at commit again, tracked files as they are in it. fresh gets the paths
 * of new files that are not ignored, each with a NUL behind it.
 */
int tree_restore(struct tree *, const char *commit, struct buf *fresh, struct error *);
/*
 * One commit on the base of all that was changed since, whoever committed what,
 * but for the paths in without (as tree_restore has them). HEAD stands at it.
 * 1: commit gets it; 0: nothing is changed, HEAD stands at the base.
 */
int tree_squash(struct tree *, const struct buf *without, const char *message, char *commit,
    size_t size, struct error *);
/* What lies there is nobody's work: files as in commit and nothing else. */
int tree_discard(struct tree *, const char *commit, struct error *);
/* A file that base..commit changes; a rename is two of them. */
struct tree_file {
	const char *path;        /* as git has it, untrusted */
	unsigned mode, old_mode; /* git's file modes, 0: not there */
	const char *target;      /* of a symbolic link, else NULL; untrusted */
};
int tree_compare(struct tree *, const char *commit, struct drover_diff *,
    void (*visit)(void *arg, const struct tree_file *), void *arg, struct error *);

/*
 * For who is to change nothing in the tree (frozen.c). What git ignores is only
 * told apart from none of it.
 */
struct frozen;
int tree_freeze(struct tree *, struct frozen **, struct error *); /* the caller frees */
void tree_frozen_free(struct frozen *);
/*
 * 1: the tree was other than it was when it was frozen, undone says how ("2
 * files (a, ...), HEAD"), and is as it was again; 0: it is the same.
 */
int tree_thaw(struct tree *, const struct frozen *, struct buf *undone, struct error *);

/*
 * Bytes that the tree and what git keeps for it alone take on disk; -1 when it
 * is not there.
 */
int64_t tree_size(const struct tree *);
/*
 * What points package managers at caches that all jobs share, made below
 * cache_dir: "NAME=value", NULL-terminated. NULL on error; tree_cache_env_free
 * frees.
 */
char **tree_cache_env(const char *cache_dir, struct error *);
void tree_cache_env_free(char **env);

#endif
