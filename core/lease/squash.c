/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees of code changes, in which an agent and the repo's own commands take
 * turns. host/change/ calls tree_restore() to undo what the commands did,
 * tree_squash() to make the agent's work one commit on what it took in of the
 * remote (history.c), and tree_discard() to throw it away. Commits are made
 * from objects; nothing that lies in the tree is trusted to say what is in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"
#include "lease/filters.h"

/* The parents of the commit that tree_squash() makes. */
struct parents {
	git_commit *commits[HISTORY_PARENTS_MAX];
	git_tree *files[HISTORY_PARENTS_MAX];
	size_t len;
};

static int squash_oid(git_oid *, const char *, struct error *);
static bool squash_has(const struct parents *, const char *);
static int squash_without(git_repository *, git_oid *, const char *, const struct buf *,
    const struct parents *, struct error *);
static int squash_stand(struct tree *, const git_oid *, const char *, struct error *);
static int squash_read_parents(struct tree *, git_repository *, const char *onto, struct parents *,
    struct error *);
static void squash_free_parents(struct parents *);
static void squash_leave(struct buf *, const char *);
static int squash_save_refs(struct tree *, git_repository *, bool same, struct buf *,
    struct error *);
static int squash_enter(struct tree *, git_repository **, struct error *);

static int
squash_oid(git_oid *oid, const char *text, struct error *err)
{
	if (git2.oid_fromstr(oid, text) != 0)
		return error_set(err, DROVER_INTERNAL, "\"%.64s\" is not a commit hash", text);
	return 0;
}

int
tree_restore(struct tree *tree, const char *commit, struct buf *fresh, struct error *err)
{
	git_repository *repo = NULL;
	git_diff *diff = NULL;
	struct takeup up = { .inner = false };
	git_oid at;
	bool hidden;
	int r = -1;

	if (squash_oid(&at, commit, err) != 0 || gitdir_enter(tree, &repo, err) != 0)
		return -1;
	if (submodules_guard(tree, err) != 0 ||
	    wip_diff(tree, repo, &at, GIT_DIFF_NORMAL, &up, &diff, &hidden, err) != 0)
		goto out;
	buf_clear(fresh);
	for (size_t i = 0; i < git2.diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git2.diff_get_delta(diff, i);

		if (delta->status == GIT_DELTA_ADDED)
			buf_add(fresh, delta->new_file.path, strlen(delta->new_file.path) + 1);
	}
	for (size_t i = 0; i < up.missed_len; i++)
		buf_add(fresh, up.missed[i].path, strlen(up.missed[i].path) + 1);
	/*
	 * The index is removed, so that the reset writes every file, even a
	 * hidden one.
	 */
	if (hidden)
		file_drop(tree->gitdir, "index");
	if (gitdir_scrub(tree, &at, err) == 0 && fill_reset(tree, err) == 0)
		r = submodules_restore(tree, err);
	tree_settle(tree);
out:
	takeup_free(&up);
	git2.diff_free(diff);
	git2.repository_free(repo);
	return r;
}

/* True when one of the parents has something at path. */
static bool
squash_has(const struct parents *parents, const char *path)
{
	bool has = false;

	for (size_t i = 0; i < parents->len && !has; i++) {
		git_tree_entry *entry = NULL;

		has = git2.tree_entry_bypath(&entry, parents->files[i], path) == 0;
		git2.tree_entry_free(entry);
	}
	return has;
}

/*
 * Removes paths from the index of a snapshot, unless a parent has them, and
 * makes its tree object again.
 */
static int
squash_without(git_repository *repo, git_oid *oid, const char *place, const struct buf *without,
    const struct parents *parents, struct error *err)
{
	git_index *index = NULL;
	int r = 0;

	if (without->len == 0)
		return 0;
	if (git2.index_open(&index, place) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read %s", place);
	for (const char *path = without->data; path < without->data + without->len;
	     path += strlen(path) + 1) {
		if (!squash_has(parents, path))
			(void)git2.index_remove(index, path, 0);
	}
	if (git2.index_write(index) != 0 || git2.index_write_tree_to(oid, index, repo) != 0)
		r = git_fail(DROVER_INTERNAL, err, "cannot write %s", place);
	git2.index_free(index);
	return r;
}

/* Moves HEAD to the commit of the index at place, and leaves the files. */
static int
squash_stand(struct tree *tree, const git_oid *oid, const char *place, struct error *err)
{
	char *index = path_join(tree->gitdir, "index");
	int r;

	if (rename(place, index) != 0)
		r = error_errno(err, DROVER_INTERNAL, "cannot rename %s to %s", place, index);
	else
		r = gitdir_scrub(tree, oid, err);
	free(index);
	return r;
}

static int
squash_read_parents(struct tree *tree, git_repository *repo, const char *onto,
    struct parents *parents, struct error *err)
{
	struct history history;
	git_oid base;

	memset(parents, 0, sizeof *parents);
	if (squash_oid(&base, tree->base, err) != 0 ||
	    history_read(tree, repo, &base, onto, &history, err) != 0)
		return -1;
	for (size_t i = 0; i < history.len; i++) {
		if (git2.commit_lookup(&parents->commits[i], repo, &history.parents[i]) != 0 ||
		    git2.commit_tree(&parents->files[i], parents->commits[i]) != 0)
			return git_fail(DROVER_INTERNAL, err, "cannot commit in %s", tree->path);
		parents->len++;
	}
	return 0;
}

static void
squash_free_parents(struct parents *parents)
{
	for (size_t i = 0; i < ARRAY_LEN(parents->commits); i++) {
		git2.tree_free(parents->files[i]);
		git2.commit_free(parents->commits[i]);
	}
}

/* Opens the tree's repository. One that the agent removed is made anew. */
static int
squash_enter(struct tree *tree, git_repository **repo, struct error *err)
{
	git_oid base;

	*repo = NULL;
	if (squash_oid(&base, tree->base, err) != 0 ||
	    (gitdir_probe(tree) == TREE_BROKEN && tree_recover(tree, &base, err) != 0))
		return -1;
	return gitdir_enter(tree, repo, err);
}

static void
squash_leave(struct buf *left, const char *what)
{
	if (left != NULL)
		buf_addf(left, "%s%s", left->len > 0 ? "; " : "", what);
}

/*
 * Saves what is in the agent's stash and in branches apart from its work, which
 * the next step drops from the tree. When there is no change, that may be the
 * work itself.
 */
static int
squash_save_refs(struct tree *tree, git_repository *repo, bool same, struct buf *left,
    struct error *err)
{
	struct buf what = BUF_INIT;
	int r = wip_save_refs(tree, repo, &what, err);

	if (r == 0 && what.len > 0 && same)
		r = error_set(err, DROVER_HUMAN,
		    "the agent changed no file, but left %s: apply that by hand, or release the "
		    "job to run it anew",
		    buf_str(&what));
	else if (r == 0 && what.len > 0)
		squash_leave(left, buf_str(&what));
	buf_free(&what);
	return r;
}

int
tree_squash(struct tree *tree, const struct squash *ask, char *commit, size_t size,
    struct error *err)
{
	struct parents parents = { .len = 0 };
	git_repository *repo = NULL;
	struct takeup up = { .inner = false };
	const git_oid *stand;
	git_oid made;
	char *index = NULL;
	bool hidden, same;
	int r = -1;

	if (squash_enter(tree, &repo, err) != 0)
		return -1;
	if (submodules_guard(tree, err) != 0 || submodules_check(tree, err) != 0 ||
	    squash_read_parents(tree, repo, ask->onto, &parents, err) != 0 ||
	    wip_snapshot_now(tree, &up, &made, &index, &hidden, err) != 0 ||
	    takeup_refuse(tree, &up, ask->without, err) != 0 ||
	    squash_without(repo, &made, index, ask->without, &parents, err) != 0 ||
	    submodules_settle(tree, repo, index, parents.files, parents.len, &made, err) != 0 ||
	    unfiltered_check(tree, tree->gitdir, &made, parents.files, parents.len, err) != 0)
		goto out;
	if (up.links.len > 0)
		squash_leave(ask->left, buf_str(&up.links));
	same = parents.len == 1 && git2.oid_equal(&made, git2.tree_id(parents.files[0]));
	if (squash_save_refs(tree, repo, same, ask->left, err) != 0)
		goto out;
	stand = same ? git2.commit_id(parents.commits[0]) : &made;
	if ((!same &&
		author_commit(tree, repo, &made, (const git_commit *const *)parents.commits,
		    parents.len, ask->message, &made, err) != 0) ||
	    squash_stand(tree, stand, index, err) != 0)
		goto out;
	git2.oid_tostr(tree->base, sizeof tree->base, git2.commit_id(parents.commits[0]));
	if (gitdir_mark(tree, false, err) != 0)
		goto out;
	if (!same)
		git2.oid_tostr(commit, size, &made);
	r = !same;
out:
	if (index != NULL)
		(void)unlink(index);
	free(index);
	takeup_free(&up);
	squash_free_parents(&parents);
	git2.repository_free(repo);
	return r;
}

int
tree_discard(struct tree *tree, const char *commit, struct error *err)
{
	struct fill_status status = { 0 };
	git_oid at;
	int r;

	if (squash_oid(&at, commit, err) != 0 || gitdir_guard(tree, err) != 0 ||
	    fill_status(tree, &status, err) != 0)
		return -1;
	r = tree_order(tree, &status, &at, err);
	fill_status_free(&status);
	return r;
}
