/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files' half of the leases shares: locks, git's command line,
 * mirrors, the inside of a worktree.
 */
#ifndef LEASE_FILES_H
#define LEASE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <git2.h>

#include "base/buf.h"
#include "base/error.h"
#include "lease/tree.h"

/*
 * Takes an exclusive flock on path (made when missing), waiting for it. A file
 * that was unlinked meanwhile is not taken for the lock.
 */
int lock_take(const char *path, int *fd, struct error *);
void lock_drop(int *fd);

/*
 * Replaces a small file by a rename; never through a symbolic link at path. No
 * fsync: for what can be made again.
 */
int file_put(const char *path, const char *text, struct error *);
/* True when path is a regular file, not a link, with just this text. */
bool file_is(const char *path, const char *text);
/*
 * First line of a small regular file into out; false when there is none or it
 * does not fit.
 */
bool file_line(const char *path, char *out, size_t size);
/* Removes whatever is there, best effort; links are not followed. */
void file_drop(const char *dir, const char *name);

/* One run of git. Members may be NULL, but for tree. */
struct git_run {
	const struct tree *tree;
	const char *gitdir;         /* --git-dir */
	bool inside;                /* with --work-tree and the tree's folder as cwd */
	const char *index;          /* GIT_INDEX_FILE */
	const char *secret; /* what a credential helper is to answer; reaches git by a pipe */
	struct buf *out;            /* stdout; NULL: dropped */
	struct buf err;             /* stderr, up to 4 KiB */
};

/* "git" is in PATH. */
bool git_found(void);
/*
 * Runs git with args (NULL-terminated, without "git"); repositories' hooks,
 * monitors and helpers stay off. Returns its exit status, -1 when it could not
 * run.
 */
int git_run(struct git_run *, const char *const *args, struct error *);
/*
 * As git_run, and a status other than 0 is an error of the class given, what
 * says at what. Frees run->err.
 */
int git_must(struct git_run *, const char *const *args, int code, const char *what, struct error *);
/* Fills err from libgit2's last error, with what in front. Returns -1. */
int git_fail(int code, struct error *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Remote ends: urls, credentials, and what their errors mean. */
char *remote_url_public(const char *url);       /* without a password or token; the caller frees */
const char *remote_local_path(const char *url); /* of a path or file:// url, else NULL; borrowed */
bool remote_by_cli(const struct config_repo *);     /* git's own transport is wanted or needed */
/*
 * Class and text of a failed exchange; said is git's stderr or NULL (libgit2's
 * error then, rc its code). verb: "fetch", "push".
 */
int remote_fail(const struct config_repo *, const char *verb, const char *said, int rc,
    struct error *);
struct remote_auth {
	const struct tree *tree;
	int asked;
	struct error error;         /* of reading the token */
};
/* A remote that has no name and heeds no url.*.insteadOf. libgit2's code. */
int remote_open(git_remote **, git_repository *, const char *url);
void remote_callbacks(git_remote_callbacks *, struct remote_auth *);
/*
 * Lines for a credential helper: user and token; *secret NULL when none is
 * configured. The caller frees with free_wiped.
 */
int remote_secret(const struct tree *, char **secret, struct error *);
/*
 * True when why is a refusal of a token that a plugin handed out: another one
 * is worth a second try.
 */
bool remote_renew(const struct tree *, const struct error *why);

/*
 * In a mirror whose repo says transport = "git": tells the keeper, which has no
 * configuration, that filters need the user's.
 */
#define TREE_BY_GIT "drover-transport-git"

/* The mirror. */
/*
 * A mirror that an agent has broken beyond opening is kept beside as
 * MIRROR.broken-TIME, for what was saved in it; the next mirror_open() makes it
 * anew. Takes the repo's lock.
 */
int mirror_mend(const struct tree *, struct error *);
int mirror_open(const struct tree *, git_repository **, struct error *);
int mirror_lock(const struct tree *, int *fd, struct error *);
/*
 * Config, hooks and info of the mirror as drover wrote them, whatever a job did
 * to them.
 */
int mirror_guard(const struct tree *, struct error *);
/* Fetches one more ref of the remote into refs/drover/fetch/. */
int mirror_fetch_ref(const struct tree *, const char *ref, struct error *);
/* Commit that a branch, tag, full ref or hash means; ref NULL: base branch. */
int mirror_resolve(const struct tree *, const char *ref, git_oid *, struct error *);
/*
 * Sets a ref of the mirror (NULL: removes it) under its lock; a lock file that
 * a dead process left is taken away.
 */
int mirror_ref_set(const struct tree *, const char *name, const git_oid *, struct error *);
/* 1 and its commit, or 0. */
int mirror_ref_get(git_repository *, const char *name, git_oid *);
/* Takes away a lock on packed-refs that nobody can be holding any more. */
void mirror_unlock_packed(const struct tree *);
/*
 * Puts the packs of many fetches into few. Nothing is ever pruned: clones
 * borrow from here.
 */
int mirror_tend(const struct tree *, struct error *);

/*
 * The inside of a tree. kept_clone tells what is on disk, not what the
 * configuration says.
 */
enum tree_kind { TREE_NONE, TREE_WORKTREE, TREE_CLONE, TREE_BROKEN };
enum tree_kind gitdir_probe(struct tree *);
/*
 * Makes the metadata of a tree that is not there yet, HEAD detached at the
 * commit, locked.
 */
int gitdir_add(struct tree *, const git_oid *, struct error *);
/* Links, config, hooks and info of this tree as drover wrote them. */
int gitdir_guard(struct tree *, struct error *);
/*
 * Takes lock files, merges and rebases under way and all else away that a job
 * may have left, and detaches HEAD at the commit.
 */
int gitdir_scrub(struct tree *, const git_oid *, struct error *);
/*
 * True when HEAD reads as git has it; else git takes the folder for no
 * repository at all.
 */
bool gitdir_readable(const struct tree *);
int gitdir_prune(struct tree *, struct error *);
/* The repository that the tree's objects are in, bare. */
int gitdir_open(const struct tree *, git_repository **, struct error *);
/*
 * As gitdir_open, for a tree that a job has worked in: what the job may have
 * changed of its links, config and hooks is put right first.
 */
int gitdir_enter(struct tree *, git_repository **, struct error *);
/*
 * Commit of HEAD: 1, or 0 when there is none. branch (may be NULL) gets
 * "refs/heads/..." when HEAD is attached, else "".
 */
int gitdir_head(const struct tree *, git_repository *, git_oid *, char *branch, size_t size);
/*
 * While the mark stands drover itself is writing the tree: what lies there is
 * nobody's work.
 */
int gitdir_mark(struct tree *, bool on, struct error *);
bool gitdir_marked(const struct tree *);
/* The commit that the tree was last prepared at; false when it is not known. */
bool gitdir_base(const struct tree *, git_oid *);

/* Filling and cleaning. */
struct fill_status {
	bool changed;    /* tracked files differ, or there are new ones that are not ignored */
	bool ignored;    /* there are ignored files */
	bool hidden; /* the index hides files from git (skip-worktree, assume-unchanged) or cannot
			be read */
	char **links;    /* paths of submodules */
	size_t links_len;
};
int fill_status(struct tree *, struct fill_status *, struct error *); /* refreshes the index, too */
void fill_status_free(struct fill_status *);
/* Tracked files as in HEAD. */
int fill_reset(struct tree *, struct error *);
/* Removes what is not tracked, and what is in submodules. */
int fill_clean(struct tree *, const struct fill_status *, struct error *);
int fill_clean_untracked(struct tree *, struct error *); /* what is ignored stays */

/* Work in a tree. */
/*
 * The tree object of the files as they are, ignored ones left out. index (may
 * be NULL) gets the path of the index made for it: the caller frees and removes
 * or uses it.
 */
int wip_snapshot(struct tree *, bool hidden, git_oid *, char **index, struct error *);
/* Brings a commit of a clone into the mirror; nothing to do for a worktree. */
int wip_transfer(struct tree *, const git_oid *, struct error *);
/* Saves what is nowhere else to a wip ref; saved gets it, or "". */
int wip_save(struct tree *, const struct fill_status *, char *saved, size_t size, struct error *);
/* drover's own, or the repository's where the mirror's config names one. */
int wip_signature(const struct tree *, git_signature **, struct error *);

/* Makes a tree whose work is saved stand at a commit, clean. */
int tree_order(struct tree *, const struct fill_status *, const git_oid *, struct error *);

/* The trash. */
int trash_put(const struct tree *, const char *path, struct error *); /* a missing path is fine */
void trash_writable(const char *path); /* so that what is in there can be removed */

#endif
