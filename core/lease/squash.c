/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees of code changes, in which an agent and the repo's own commands take
 * turns. host/change/ calls tree_settle() to tell what the commands left from
 * the agent's work, tree_squash() to make that work one commit on the base,
 * and tree_discard() to throw it away. Commits are made from objects; nothing
 * that lies in the tree is trusted to say what is in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"

static int squash_oid(git_oid *, const char *, struct error *);
static int squash_without(git_repository *, git_oid *, const char *, const struct buf *, git_tree *,
    struct error *);
static int squash_stand(struct tree *, const git_oid *, const char *, struct error *);

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
	git_oid at;
	bool hidden;
	int r = -1;

	if (squash_oid(&at, commit, err) != 0 || gitdir_enter(tree, &repo, err) != 0)
		return -1;
	if (wip_diff(tree, repo, &at, GIT_DIFF_NORMAL, &diff, &hidden, err) != 0)
		goto out;
	buf_clear(fresh);
	for (size_t i = 0; i < git2.diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git2.diff_get_delta(diff, i);

		if (delta->status == GIT_DELTA_ADDED)
			buf_add(fresh, delta->new_file.path, strlen(delta->new_file.path) + 1);
	}
	/*
	 * The index is removed, so that the reset writes every file, even a
	 * hidden one.
	 */
	if (hidden)
		file_drop(tree->gitdir, "index");
	if (gitdir_scrub(tree, &at, err) == 0)
		r = fill_reset(tree, err);
out:
	git2.diff_free(diff);
	git2.repository_free(repo);
	return r;
}

/*
 * Removes paths from the index of a snapshot, unless the base has them, and
 * makes its tree object again.
 */
static int
squash_without(git_repository *repo, git_oid *oid, const char *place, const struct buf *without,
    git_tree *base, struct error *err)
{
	git_index *index = NULL;
	int r = 0;

	if (without->len == 0)
		return 0;
	if (git2.index_open(&index, place) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read %s", place);
	for (const char *path = without->data; path < without->data + without->len;
	     path += strlen(path) + 1) {
		git_tree_entry *entry = NULL;

		if (git2.tree_entry_bypath(&entry, base, path) != 0)
			(void)git2.index_remove(index, path, 0);
		git2.tree_entry_free(entry);
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

int
tree_squash(struct tree *tree, const struct buf *without, const char *message, char *commit,
    size_t size, struct error *err)
{
	git_repository *repo = NULL;
	git_commit *parent = NULL;
	git_tree *from = NULL;
	git_oid base, made;
	char *index = NULL;
	bool hidden;
	int r = -1;

	if (squash_oid(&base, tree->base, err) != 0 || gitdir_enter(tree, &repo, err) != 0)
		return -1;
	if (wip_snapshot_now(tree, &made, &index, &hidden, err) != 0 ||
	    gitdir_tree_of(repo, &base, &from, err) != 0 ||
	    squash_without(repo, &made, index, without, from, err) != 0)
		goto out;
	if (git2.oid_equal(&made, git2.tree_id(from))) {
		r = squash_stand(tree, &base, index, err);
		goto out;
	}
	if (git2.commit_lookup(&parent, repo, &base) != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot commit in %s", tree->path);
		goto out;
	}
	if (wip_commit(tree, repo, &made, parent, message, &made, err) != 0 ||
	    squash_stand(tree, &made, index, err) != 0)
		goto out;
	git2.oid_tostr(commit, size, &made);
	r = 1;
out:
	if (index != NULL)
		(void)unlink(index);
	free(index);
	git2.commit_free(parent);
	git2.tree_free(from);
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
