/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of git: commands that convert files on their way between a commit and
 * the tree, as git-crypt, sops and Git LFS do. .gitattributes files of the
 * repository give paths a filter's name (attributes.c); only the git settings
 * of drover's user say what the name runs (filters.c); and what was not
 * filtered never leaves (unfiltered.c).
 */
#ifndef LEASE_FILTERS_H
#define LEASE_FILTERS_H

#include "lease/files.h"

/* Names of filters, each with a NUL behind it, in the order they were found. */
bool attributes_has(const struct buf *names, const char *name);
void attributes_note(struct buf *names, const char *name); /* adds it once */
/*
 * Adds the names that .gitattributes files of a commit mention, in any folder.
 * The answers for the last commits are kept beside the mirror.
 */
int attributes_of_commit(const struct tree *, git_repository *, const git_oid *commit,
    struct buf *names, struct error *);
/* The same of an index. */
int attributes_of_index(git_repository *, const char *index, struct buf *names, struct error *);
/*
 * Asks git for the filter of paths, each with a NUL behind it, by the attribute
 * files of a commit or tree object of that repository. filters gets a name for
 * each path in the same form, "" for a path without one.
 */
int attributes_ask(const struct tree *, const char *gitdir, const git_oid *,
    const struct buf *paths, struct buf *filters, struct error *);

/* What is known of a tree's filters at the commit where it stands. */
struct filters;
/*
 * The one place that runs a git which filters files: like git_run() and
 * git_must(), with the filters that the user has defined. Those of a job never
 * run.
 */
int filters_run(struct tree *, struct git_run *, const char *const *args, struct error *);
int filters_must(struct tree *, struct git_run *, const char *const *args, struct error *);
/*
 * Like filters_must(), for the git that writes the files of HEAD: with Git LFS
 * their contents are fetched first, and read from the mirror.
 */
int filters_fill(struct tree *, struct git_run *, const char *const *args, struct error *);
/* Forgets what was read, because the tree stands at another commit now. */
void filters_forget(struct tree *);
/*
 * Refuses a repo whose filters cannot work here at all, with the mend; for a
 * commit before the tree is filled.
 */
int filters_ready(const struct tree *, const git_oid *commit, struct error *);
/*
 * 1 when the tree's commit, its base or what filters_learn() was shown mentions
 * a filter, else 0; -1 when that cannot be read.
 */
int filters_in_use(struct tree *, struct error *);
/*
 * True when the user has defined this filter and it was not given up. Only
 * after filters_in_use().
 */
bool filters_defined(const struct tree *, const char *name);
/* True when attribute files mention it. Only after filters_in_use(). */
bool filters_mention(const struct tree *, const char *name);
/*
 * Goes on without filters after one has failed, so that the work in the tree
 * can still be saved; unfiltered_check() then refuses what they should have
 * filtered. False when no filter is in use, or all were given up before.
 */
bool filters_give_up(struct tree *);
/* The commit that the job's changes are compared with; false when unknown. */
bool filters_base(const struct tree *, git_oid *);
/*
 * Makes `git add` read what the job has put into this index by itself, past the
 * filters, from the files again.
 */
int filters_unsettle(struct tree *, const char *index, struct error *);
/*
 * Returns 1 when the index has attribute files with filters that were unknown
 * before, so that files must be added again; 0 when it has none.
 */
int filters_learn(struct tree *, const char *index, struct error *);
/* The same of the attribute files of a commit. */
int filters_learn_commit(struct tree *, git_repository *, const git_oid *, struct error *);

/*
 * DROVER_HUMAN when a file that the job changed should have been filtered and
 * was not, with the path. files is a tree object in the repository gitdir,
 * which is the tree's or the mirror. A file that is the same in one of the
 * parents is not the job's.
 */
int unfiltered_check(struct tree *, const char *gitdir, const git_oid *files,
    git_tree *const *parents, size_t parents_len, struct error *);

#endif
