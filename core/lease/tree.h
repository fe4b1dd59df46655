/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files' half of leases: mirrors and trees. It runs in a job's process or
 * in the keeper. Each repo has one bare mirror; each tree has a repository of
 * its own, which borrows the mirror's objects. What a job made is copied into
 * the mirror when it has to outlive the tree.
 */
#ifndef LEASE_TREE_H
#define LEASE_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <drover/plugin.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "config/identity.h"

/* Gets the token of a repo that has token_from; the host asks the plugin. */
struct tree_credentials {
	/*
	 * user goes with the token; NULL means the repo's user. The caller
	 * frees it, and the token with free_wiped().
	 */
	int (*ask)(void *arg, const struct config_repo *, char **user, char **token,
	    struct error *);
	/*
	 * Says that the remote refused the last token, so that ask() gets
	 * another. False when no token was handed out.
	 */
	bool (*refused)(void *arg, const struct config_repo *);
	void *arg;
};

struct submodules;

struct tree {
	uint64_t lease;
	const struct config_repo *repo;
	char *path, *mirror, *trash; /* absolute */
	char base[65];               /* commit it was prepared at */
	char made[65];               /* commit that host->git pushes; "" while it has none */
	char *gitdir;                /* PATH/.git */
	struct submodules *submodules; /* as tree_prepare() has filled them, or NULL */
	uint64_t inode;              /* of path, to find it when it was moved; 0: unknown */
	int lock;                    /* held, and inherited by git, during a call; -1 else */
	struct identity identity;    /* of its commits; zero is drover's own */
	/*
	 * There is something in it that could not be saved, so it is put aside
	 * and never removed; aside (may be NULL) is where it goes.
	 */
	bool unsaved;
	char *aside;
	struct timespec settled;     /* when tree_settle() was called last */
	/* For fetch and push. NULL: repos with token_from are out of reach. */
	const struct tree_credentials *credentials;
	struct filters *filters;     /* of filters.c; NULL until read */
};

/*
 * Copies the paths, borrows the repo. Returns -1 and DROVER_CONFIG when libgit2
 * cannot be opened; tree_free() is then not needed, and does no harm.
 */
int tree_init(struct tree *, uint64_t lease, const struct config_repo *, const char *path,
    const char *mirror, const char *state_dir, struct error *);
void tree_free(struct tree *);
/*
 * For processes whose threads have trees: keeps libgit2 up for good. It leaks
 * the errors of other threads when its last user shuts it down.
 */
int tree_hold(struct error *);

/*
 * Fetches the repo into its mirror (made when missing). Fetches are coalesced:
 * one that another process began after this call serves it, too.
 */
int tree_fetch(struct tree *, struct error *);
/*
 * Checks out ref (NULL: base branch), detached and clean, whatever state the
 * tree is in; work in it is saved first. saved gets the wip ref of that work,
 * or "".
 */
int tree_prepare(struct tree *, const char *state, const char *ref, char *saved, size_t saved_size,
    struct error *);
/*
 * Ends the use of a tree: saves work that is nowhere else, resets, cleans and
 * refreshes the index. saved gets the wip ref, or "". 0 means that it is warm.
 */
int tree_return(struct tree *, char *saved, size_t saved_size, struct error *);
/* Saves work and moves the tree into the trash. */
int tree_remove(struct tree *, char *saved, size_t saved_size, struct error *);
/* Empties the trash slowly; returns the bytes that this freed, or -1. */
int64_t tree_sweep(const char *state_dir, struct error *);

/*
 * Work in the tree. tree_diff() compares with base. tree_commit() returns 1
 * when it made a commit, 0 when there was nothing to commit.
 */
int tree_diff(struct tree *, struct drover_diff *, struct error *);
int tree_commit(struct tree *, const char *message, char *commit, size_t size, struct error *);
int tree_head(struct tree *, char *commit, size_t size, struct error *);
/*
 * Copies a commit into the mirror and keeps it there as refs/drover/job/ID: a
 * retry goes on from it, and what is checked and pushed is this copy.
 */
int tree_keep(struct tree *, const char *commit, uint64_t job, struct error *);
int tree_unkeep(struct tree *, uint64_t job, struct error *);
/*
 * Pushes a commit to refs/heads/BRANCH of the repo's url; 0 when it is there
 * already. Another commit there is overwritten only when drover pushed it (the
 * mirror's refs/drover/pushed/BRANCH) or ours contains it; otherwise PERMANENT.
 */
int tree_push(struct tree *, const char *commit, const char *branch, struct error *);
/*
 * Pushes a commit on top of a branch that is at the tree's base; no commit is
 * ever taken from it, and the remote's HEAD is refused. 0: the branch has the
 * commit; 1: it has moved and was left alone; -1: an error, PERMANENT when it
 * is gone.
 */
int tree_push_onto(struct tree *, const char *commit, const char *branch, struct error *);
/*
 * Tells where the last fetch saw the branch. 0: it is at base, or contains
 * commit (which may be ""); 1: it has moved; -1: an error, PERMANENT when it is
 * gone or is the remote's HEAD.
 */
int tree_onto(struct tree *, const char *branch, const char *base, const char *commit,
    struct error *);

/* For changes that run the repo's own commands in the tree (squash.c). */
/*
 * Resets HEAD and the tracked files to commit. fresh gets the paths of new
 * files that are not ignored, each with a NUL behind it.
 */
int tree_restore(struct tree *, const char *commit, struct buf *fresh, struct error *);
struct squash {
	const struct buf *without; /* paths that the commit leaves out, in tree_restore()'s form */
	const char *message;
	const char *onto; /* branch of other people that it goes on top of, or NULL */
	struct buf *left; /* gets, for people, what is left out of the commit */
};
/*
 * Makes one commit of all changes since the base, committed or not, and moves
 * HEAD to it. What the agent took in of the remote is not part of the change:
 * the commit stands on it, which moves t->base, or merges it. 1: commit gets
 * its hash; 0: nothing has changed, and HEAD is at the base. HUMAN when the
 * agent took in commits that are not in the base branch, when some of its work
 * cannot be in a commit, or when all of it is in a stash or another branch.
 */
int tree_squash(struct tree *, const struct squash *, char *commit, size_t size, struct error *);
/*
 * Calls visit() for each ignored file that was made or changed since the tree
 * was prepared or restored. entry is what git ignores, a file or a folder with
 * "/" at the end; path is a file in it. It looks at 200,000 files at most.
 */
int tree_ignored(struct tree *, void (*visit)(void *arg, const char *entry, const char *path),
    void *arg, struct error *);
/* Whether the index has a file whose last part is name. */
bool tree_tracks_name(struct tree *, const char *name);
/* Adds an ignored file to the index, so that it is saved with the work. */
int tree_track(struct tree *, const char *path, struct error *);
/* Throws the work away: leaves the files of commit and nothing else. */
int tree_discard(struct tree *, const char *commit, struct error *);
/*
 * A file that base..commit changes; a rename counts as two. In a merge, files
 * that are as in another parent do not count.
 */
struct tree_file {
	const char *path;        /* as git has it, untrusted */
	unsigned mode, old_mode; /* git's file modes; 0 where there is no file */
	const char *target;      /* of a symbolic link, else NULL; untrusted */
	/* a link out of the tree or into .git, which may be unchanged itself */
	bool escapes;
};
/* Compares a commit that tree_keep() has copied to the mirror with the base. */
int tree_compare(struct tree *, const char *commit, struct drover_diff *,
    void (*visit)(void *arg, const struct tree_file *), void *arg, struct error *);
/* What a file of such a commit has in it, and had in the base: any bytes. */
struct tree_contents {
	const char *path, *data, *old;
	size_t len, old_len;     /* of data and old */
};
/* Reads each changed file but submodules, one at a time, into memory. */
int tree_read_changes(struct tree *, const char *commit,
    void (*visit)(void *arg, const struct tree_contents *), void *arg, struct error *);
/*
 * Whether a link at path leads out of the tree or into .git. The links that it
 * leads through are looked up in files, a tree object of repo; NULL: there are
 * no others.
 */
struct git_repository;
struct git_tree;
bool tree_link_escapes(struct git_repository *repo, const struct git_tree *files, const char *path,
    const char *target);
/*
 * Call it before tree_squash(): files over limit bytes (0: no limit) that would
 * be part of the change are moved aside, before git stores them. 0 when there
 * is none; else -1, HUMAN with the first path, unless something else failed.
 */
int tree_refuse_large(struct tree *, int64_t limit, const struct buf *without, struct error *);

/* Counts the files of a commit that the mirror has. */
int tree_count(struct tree *, const char *commit, size_t *files, struct error *);

/*
 * For agents that must not change the tree (frozen.c). Of ignored files only
 * their presence is compared.
 */
struct frozen;
int tree_freeze(struct tree *, struct frozen **, struct error *); /* the caller frees */
void tree_frozen_free(struct frozen *);
/*
 * 1: the tree had changed since it was frozen and has been put back; undone
 * says what had changed ("2 files (a, ...), HEAD"). 0: nothing had changed.
 */
int tree_thaw(struct tree *, const struct frozen *, struct buf *undone, struct error *);

/* Bytes on disk of the tree and its repository; -1 when it does not exist. */
int64_t tree_size(const struct tree *);
/*
 * Environment ("NAME=value", NULL-terminated) that points package managers at
 * caches; they are made below folder. NULL on error; free_strings() frees it.
 */
char **tree_cache_env(const char *folder, struct error *);

#endif
