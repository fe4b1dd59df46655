/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files that handle leases on disk: locks, git's command line,
 * mirrors and the inside of a tree.
 */
#ifndef LEASE_FILES_H
#define LEASE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "lease/libgit2.h"
#include "lease/tree.h"

/*
 * Waits for an exclusive flock on path, which is made when missing. If path was
 * unlinked meanwhile, the file that is there now is locked instead.
 * path_close() drops the lock.
 */
int lock_take(const char *path, int *fd, struct error *);

/*
 * Replaces a small file by a rename and never follows a symbolic link at path.
 * It does not fsync: use it for what can be made again.
 */
int file_put(const char *path, const char *text, struct error *);
/* True when path is a regular file, not a link, with exactly this text. */
bool file_is(const char *path, const char *text);
/*
 * Reads the first line of a small regular file into out; false when there is no
 * such file or line, or when the file does not fit.
 */
bool file_line(const char *path, char *out, size_t size);
/* Removes a file or folder as far as it can; links are not followed. */
void file_drop(const char *dir, const char *name);

/* One run of git. All members but tree may be NULL or 0. */
struct git_run {
	const struct tree *tree;
	const char *gitdir;         /* --git-dir */
	bool inside;                /* with --work-tree and the tree's folder as cwd */
	/*
	 * With the git settings of drover's user. For a remote that git's own
	 * transport reaches; in a tree they could run what a job has put there.
	 */
	bool user;
	const char *index;          /* GIT_INDEX_FILE */
	const char *secret;         /* the credential helper's answer, in memory */
	/*
	 * Settings: key, value, key, ..., NULL. They hold before those of the
	 * repository. The commands that they name get the user's HOME.
	 */
	const char *const *config;
	const struct buf *in;       /* stdin */
	struct buf *out;            /* gets stdout; NULL drops it */
	struct buf err;             /* gets stderr, up to 4 KiB */
};

/* True when git is in PATH. */
bool git_found(void);
/* The same of another program. */
bool git_program_found(const char *name);
/*
 * Runs git with args (NULL-terminated, without "git"), without the hooks,
 * monitors and helpers of the repository. Returns its exit status, or -1 when
 * it could not run.
 */
int git_run(struct git_run *, const char *const *args, struct error *);
/*
 * Like git_run(), but a status other than 0 is an error of class code whose
 * text begins with what. Frees run->err.
 */
int git_must(struct git_run *, const char *const *args, int code, const char *what, struct error *);
/* Fills err with the text given and libgit2's last error. Returns -1. */
int git_fail(int code, struct error *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Remote ends: urls, credentials, and what their errors mean. */
char *remote_url_public(const char *url);       /* without a password or token; the caller frees */
const char *remote_local_path(const char *url); /* borrowed; NULL unless it is a path or file:// */
bool remote_by_cli(const struct config_repo *);     /* needs git's own transport */
/*
 * Fills err with the class and text of a failed exchange. said is git's stderr;
 * when it is NULL, libgit2's last error and its code rc are used. verb is
 * "fetch" or "push to". Returns -1.
 */
int remote_fail(const struct config_repo *, const char *verb, const char *said, int rc,
    struct error *);
struct remote_auth {
	const struct tree *tree;
	int asked;
	struct error error;         /* why the token could not be read */
};
/*
 * Makes a remote without a name, which ignores url.*.insteadOf. Returns
 * libgit2's code.
 */
int remote_open(git_remote **, git_repository *, const char *url);
void remote_callbacks(git_remote_callbacks *, struct remote_auth *);
/*
 * Sets *secret to the lines with user and token that a credential helper
 * prints, or to NULL when no token is configured. The caller frees it with
 * free_wiped().
 */
int remote_secret(const struct tree *, char **secret, struct error *);
/*
 * True when why says that the remote refused a token which a plugin handed out.
 * The plugin is asked for another, so a second try is worth it.
 */
bool remote_renew(const struct tree *, const struct error *why);

/* The mirror. */
/*
 * Renames a mirror that does not open, because an agent broke it, to
 * MIRROR.broken-TIME, for the sake of the work saved in it; the next
 * mirror_open() makes a new one. Takes the repo's lock.
 */
int mirror_mend(const struct tree *, struct error *);
int mirror_open(const struct tree *, git_repository **, struct error *);
int mirror_lock(const struct tree *, int *fd, struct error *);
/*
 * Puts the mirror's config, hooks and info back as drover wrote them, whatever
 * a job did to them.
 */
int mirror_guard(const struct tree *, struct error *);
/* Fetches one more ref of the remote into refs/drover/fetch/. */
int mirror_fetch_ref(const struct tree *, const char *ref, struct error *);
/*
 * Finds the commit that a branch, tag, full ref or hash names; ref NULL means
 * the base branch.
 */
int mirror_resolve(const struct tree *, const char *ref, git_oid *, struct error *);
/*
 * Sets a ref of the mirror, or removes it when the commit is NULL, under the
 * mirror's lock. A lock file that a dead process left is removed.
 */
int mirror_ref_set(const struct tree *, const char *name, const git_oid *, struct error *);
/* Returns 1 and the commit of the ref, or 0 when it does not exist. */
int mirror_ref_get(git_repository *, const char *name, git_oid *);
/* Removes a lock on packed-refs that is too old to be held still. */
void mirror_unlock_packed(const struct tree *);
/*
 * Packs and prunes what many jobs left in the mirror. Work that was saved is
 * kept for 30 days at least, and the newest 200 for ever; there are never more
 * than 2,000. Slow; for the keeper.
 */
int mirror_tend(const struct tree *, struct error *);

/*
 * Appends the branches and tags of the remote, as the mirror has them now, in
 * the form of a file packed-refs.
 */
int refs_of_remote(const struct tree *, struct buf *, struct error *);

/* Links of a commit (links.c). */
/*
 * The target of a link. One that cannot be read is "", which leads nowhere that
 * the guard accepts. The caller frees it.
 */
char *links_target(git_repository *, const git_oid *);
/*
 * Calls found for each link of `to` that leads out of the tree or into .git,
 * unless the same link did so in `from`.
 */
int links_find_new(git_repository *, git_tree *from, git_tree *to,
    void (*found)(void *, const char *path, const char *target), void *arg, struct error *);

/* The inside of a tree. A broken one has files, but no repository. */
enum tree_kind { TREE_NONE, TREE_WHOLE, TREE_BROKEN };
enum tree_kind gitdir_probe(const struct tree *);
/* Makes the repository of a tree, with HEAD detached at the commit. */
int gitdir_add(struct tree *, const git_oid *, struct error *);
/*
 * Puts the repository's links, config, hooks and info back as drover wrote
 * them.
 */
int gitdir_guard(struct tree *, struct error *);
/*
 * Removes lock files, unfinished merges and rebases and anything else that a
 * job may have left, and detaches HEAD at the commit.
 */
int gitdir_scrub(struct tree *, const git_oid *, struct error *);
/*
 * True when HEAD has a form that git accepts; otherwise git sees no repository
 * in the folder.
 */
bool gitdir_readable(const struct tree *);
/* Opens the repository with the tree's objects as a bare one. */
int gitdir_open(const struct tree *, git_repository **, struct error *);
/* The tree object of a commit. */
int gitdir_tree_of(git_repository *, const git_oid *commit, git_tree **, struct error *);
/*
 * Like gitdir_open(), for a tree in which a job has worked: whatever the job
 * may have changed of its links, config and hooks is put right first.
 */
int gitdir_enter(struct tree *, git_repository **, struct error *);
/*
 * Returns 1 and the commit of HEAD, or 0 when HEAD names none. branch (may be
 * NULL) gets "refs/heads/..." when HEAD is attached, else "".
 */
int gitdir_head(const struct tree *, git_repository *, git_oid *, char *branch, size_t size);
/*
 * Sets or removes the mark that says that drover itself is writing the tree, so
 * that its files are not saved as work. Removing it also records t->base.
 */
int gitdir_mark(struct tree *, bool on, struct error *);
bool gitdir_marked(const struct tree *);
/* The commit that the tree was last prepared at; false when unknown. */
bool gitdir_base(const struct tree *, git_oid *);

/* Filling and cleaning. */
struct fill_status {
	/*
	 * Tracked files differ, there are new ones that are not ignored, or
	 * there is a folder that cannot be opened.
	 */
	bool changed;
	bool ignored;    /* there are ignored files */
	/* The index is unreadable, or hides files (by skip-worktree, say). */
	bool hidden;
	char **links;    /* paths of submodules */
	size_t links_len;
};
int fill_status(struct tree *, struct fill_status *, struct error *); /* refreshes the index, too */
void fill_status_free(struct fill_status *);
/* Makes the tracked files as they are in HEAD. */
int fill_reset(struct tree *, struct error *);
/* Removes untracked and ignored files, and what is in submodules. */
int fill_clean(struct tree *, const struct fill_status *, struct error *);
int fill_clean_untracked(struct tree *, struct error *); /* keeps ignored files */

/* What a snapshot of a tree lacks. Begin with all members 0. */
struct takeup_miss {
	char *path;             /* that of a folder ends in "/" */
	const char *why;        /* such as "cannot be read" */
};
struct takeup {
	bool inner;             /* the caller wants the files of inner repositories, too */
	struct takeup_miss *missed;
	size_t missed_len, missed_cap;
	bool lost;              /* some of it can be saved in no commit at all */
	struct buf links;       /* links that are left out, since they are ignored as folders */
};
void takeup_free(struct takeup *); /* what is missed; the struct can be used again */
/*
 * Fills the index at path with the files as they are, and writes the tree
 * object of it. fresh: the index is made anew, from HEAD.
 */
int takeup_index(struct tree *, const char *path, bool fresh, struct takeup *, git_oid *,
    struct error *);
/*
 * Adds what libgit2 does not even see, which takes a folder that it cannot open
 * for an empty one.
 */
void takeup_find_unseen(struct tree *, git_repository *, struct takeup *);
/*
 * 0 when nothing is missed, apart from the paths in without, which each have a
 * NUL behind them. Else -1 and HUMAN with the first paths and their reasons.
 */
int takeup_refuse(struct tree *, const struct takeup *, const struct buf *without,
    struct error *);

/*
 * Puts entries of the index back to the base when the files are as a checkout
 * of the base leaves them, and removes new links that are ignored as folders;
 * links gets their names, NULL keeps them. Returns the number of entries that
 * it changed, -1 with libgit2's error.
 */
int sift_index(const struct tree *, git_repository *, git_tree *base, git_index *,
    struct buf *links);

/* Repositories within a tree. Begin with all members but tree 0. */
struct inner {
	const struct tree *tree;
	char **moved;           /* where each .git was that is moved */
	size_t len, cap;
};
/* Whether there is something in a folder of the tree. */
bool inner_has_files(const struct tree *, const char *folder);
/* The same for the folders that are links to commits in the index. */
bool inner_may_be(const struct tree *, const struct fill_status *);
bool inner_has_commit(const struct tree *, const char *folder);
/*
 * Makes plain folders of the missed ones that are repositories, and takes them
 * out of the index at index_path. True when there was any.
 */
bool inner_open(struct inner *, const char *index_path, const struct takeup_miss *missed,
    size_t len);
/*
 * Hides the repositories that the index at index_path has links to: `git add`
 * runs git within each of them, and in those that they have links to, with
 * settings that a job may have written. A link to another commit than that of
 * its repository is set to that one, as git would do it.
 */
int inner_hide(struct inner *, const char *index_path, struct error *);
void inner_close(struct inner *); /* makes them repositories again */

/* Work in a tree. */
/*
 * Makes a tree object of the files as they are, without ignored ones; hidden is
 * that of fill_status(). index (may be NULL) gets the path of the index made
 * for it: the caller frees the path, and removes or renames the file. up says
 * how, and gets what is not in the snapshot; NULL: nothing is said about that.
 */
int wip_snapshot(struct tree *, bool hidden, struct takeup *up, git_oid *, char **index,
    struct error *);
/*
 * The same of a tree whose status is not read yet: *hidden gets whether the
 * index hides files from git.
 */
int wip_snapshot_now(struct tree *, struct takeup *up, git_oid *, char **index, bool *hidden,
    struct error *);
/* Takes a commit and what it needs into the mirror. */
int wip_transfer(struct tree *, const git_oid *, struct error *);
/* Saves work that is nowhere else to a wip ref; saved gets its name, or "". */
int wip_save(struct tree *, const struct fill_status *, char *saved, size_t size, struct error *);
/*
 * Saves the stash, and the branches whose commits neither HEAD nor the mirror
 * has. what gets them and where they are ("1 stash entry, branch x: refs/...");
 * it stays empty when there is nothing to save.
 */
int wip_save_refs(struct tree *, git_repository *, struct buf *what, struct error *);
/* Whether the files are those of HEAD, or as a checkout of it leaves them. */
bool wip_is_clean(struct tree *, git_repository *);
/*
 * Makes a commit of a tree object, which no ref names, in the author's name. It
 * is not for pushing: it has no sign-off and no signature. parent may be NULL.
 */
int wip_commit(const struct tree *, git_repository *, const git_oid *files,
    const git_commit *parent, const char *message, git_oid *made, struct error *);
/*
 * Compares a commit with the files as they are; up and hidden as in
 * wip_snapshot_now(). flags are libgit2's, for the diff.
 */
int wip_diff(struct tree *, git_repository *, const git_oid *commit, uint32_t flags,
    struct takeup *up, git_diff **, bool *hidden, struct error *);

/* What the agent's history took in (history.c). */
#define HISTORY_PARENTS_MAX 8
struct history {
	git_oid parents[HISTORY_PARENTS_MAX];
	size_t len;
};
/*
 * Finds the parents for a commit of what an agent left: one, unless it merged.
 * base is where its work began. onto is the branch that the commit goes on top
 * of, or NULL for a branch of its own; then HUMAN when the agent took in
 * commits of the remote that are not in the base branch. Fetches when the agent
 * has fetched.
 */
int history_read(struct tree *, git_repository *, const git_oid *base, const char *onto,
    struct history *, struct error *);

/* Submodules (submodule_tree.c). */
/*
 * Fetches and checks out the submodules of a commit, at which the tree stands,
 * and notes them in the tree. Nothing is done where the repo wants none.
 */
int submodules_fill(struct tree *, const git_oid *, struct error *);
/*
 * Puts their repositories as drover wrote them: git runs in them where it works
 * on the tree, by their settings.
 */
int submodules_guard(struct tree *, struct error *);
/* Puts their tracked files back; new ones then belong to them like these. */
int submodules_restore(struct tree *, struct error *);
/* 0, or -1 and HUMAN when one has changes that are not at its remote. */
int submodules_check(struct tree *, struct error *);
/*
 * Corrects the links to submodules in the index of a snapshot at place, whose
 * tree object is *made, after submodules_check(). HUMAN when one leads to a
 * commit that is not known to be at its remote.
 */
int submodules_settle(struct tree *, git_repository *, const char *place, git_tree *const *parents,
    size_t n, git_oid *made, struct error *);
/* Saves like wip_save() what is in the submodules. */
int submodules_save(struct tree *, const struct fill_status *, char *saved, size_t size,
    struct error *);
void submodules_free(struct submodules *);

/*
 * Makes a repository for files that have none, with HEAD at the commit. What is
 * no folder at all goes into the trash.
 */
int tree_recover(struct tree *, const git_oid *, struct error *);

/* Commits in drover's name, by the identity of the tree. */
int author_signature(const struct tree *, git_signature **, struct error *);
/*
 * Makes a commit of a tree object for pushing, which no ref names, with the
 * sign-off and the signature that the identity asks for.
 */
int author_commit(const struct tree *, git_repository *, const git_oid *files,
    const git_commit *const *parents, size_t n, const char *message, git_oid *made,
    struct error *);

void tree_settle(struct tree *); /* notes that the tree is in order */
/* Makes a tree clean, at a commit. Its work must be saved already. */
int tree_order(struct tree *, const struct fill_status *, const git_oid *, struct error *);

/*
 * Where the tree goes when something in it can be saved in no commit:
 * STATE/aside/REPO-ID-TIME. Borrowed from the tree.
 */
const char *tree_aside(struct tree *);

/* The trash. */
int trash_put(const struct tree *, const char *path, struct error *); /* a missing path is fine */
void trash_writable(const char *path); /* lets its files be removed */

#endif
