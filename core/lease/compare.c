/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a commit changes, for the guard: tree_compare() and tree_count(). They
 * read the mirror, which no job can write, and from which the commit is pushed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lease/files.h"

#define LINK_MAX 4096
#define PATCH_BYTES_MAX (64 * 1024 * 1024)
#define MODE_TYPE 0170000u
#define MODE_LINK 0120000u

static int compare_file(git_repository *, const git_diff_delta *, struct drover_diff *,
    void (*)(void *, const struct tree_file *), void *, struct error *);
static char *compare_target(git_repository *, const git_oid *);
static int compare_count(const char *folder, const git_tree_entry *, void *files);
static bool compare_changes(git_diff *, const char *);
static int compare_keep_changed(git_repository *, git_tree *, const git_oid *, git_strarray *,
    struct error *);
static int compare_trees(git_repository *, git_tree *, const git_oid *, git_diff **,
    struct error *);

/*
 * Returns the target of a link. One that cannot be read is "", never NULL, and
 * the guard refuses it.
 */
static char *
compare_target(git_repository *repo, const git_oid *oid)
{
	git_blob *blob = NULL;
	char *target = NULL;
	size_t len;

	if (git2.blob_lookup(&blob, repo, oid) == 0) {
		len = (size_t)git2.blob_rawsize(blob);
		if (len < LINK_MAX && memchr(git2.blob_rawcontent(blob), '\0', len) == NULL)
			target = xstrndup(git2.blob_rawcontent(blob), len);
		git2.blob_free(blob);
	}
	return target != NULL ? target : xstrdup("");
}

static int
compare_file(git_repository *repo, const git_diff_delta *delta, struct drover_diff *diff,
    void (*visit)(void *, const struct tree_file *), void *arg, struct error *err)
{
	struct tree_file file = {
		.path = delta->new_file.path != NULL ? delta->new_file.path : delta->old_file.path,
		.mode = delta->status == GIT_DELTA_DELETED ? 0 : delta->new_file.mode,
		.old_mode = delta->status == GIT_DELTA_ADDED ? 0 : delta->old_file.mode,
	};
	git_odb *odb = NULL;
	git_object_t type;
	char *target = NULL;
	size_t len;

	if (file.mode != 0 && file.mode != GIT_FILEMODE_COMMIT) {
		if (git2.repository_odb(&odb, repo) != 0 ||
		    git2.odb_read_header(&len, &type, odb, &delta->new_file.id) != 0) {
			git2.odb_free(odb);
			return git_fail(DROVER_INTERNAL, err, "cannot read a changed file");
		}
		git2.odb_free(odb);
		diff->bytes += len;
	}
	if ((file.mode & MODE_TYPE) == MODE_LINK)
		file.target = target = compare_target(repo, &delta->new_file.id);
	if (visit != NULL)
		visit(arg, &file);
	free(target);
	return 0;
}

/* True when the diff changes path; a diff is sorted by path. */
static bool
compare_changes(git_diff *diff, const char *path)
{
	size_t low = 0, high = git2.diff_num_deltas(diff);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(git2.diff_get_delta(diff, middle)->new_file.path, path);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Removes the paths that are the same in a tree object and another parent. */
static int
compare_keep_changed(git_repository *repo, git_tree *files, const git_oid *parent,
    git_strarray *paths, struct error *err)
{
	git_tree *from = NULL;
	git_diff *diff = NULL;
	size_t len = 0;
	int r = gitdir_tree_of(repo, parent, &from, err);

	if (r == 0 && git2.diff_tree_to_tree(&diff, repo, from, files, NULL) != 0)
		r = git_fail(DROVER_INTERNAL, err, "cannot read a merge");
	for (size_t i = 0; i < paths->count && r == 0; i++) {
		if (compare_changes(diff, paths->strings[i]))
			paths->strings[len++] = paths->strings[i];
		else
			free(paths->strings[i]);
	}
	if (r == 0)
		paths->count = len;
	git2.diff_free(diff);
	git2.tree_free(from);
	return r;
}

/*
 * Compares a commit with the base. A file of a merge that is as in another
 * parent was taken in as it is, and does not count. *diff is NULL when no file
 * is left.
 */
static int
compare_trees(git_repository *repo, git_tree *from, const git_oid *head, git_diff **diff,
    struct error *err)
{
	git_diff_options options;
	git_strarray paths = { NULL, 0 };
	git_tree *to = NULL;
	git_commit *commit = NULL;
	int r = -1;

	git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE | GIT_DIFF_DISABLE_PATHSPEC_MATCH;
	options.max_size = PATCH_BYTES_MAX;
	if (gitdir_tree_of(repo, head, &to, err) != 0)
		return -1;
	if (git2.commit_lookup(&commit, repo, head) != 0 ||
	    git2.diff_tree_to_tree(diff, repo, from, to, &options) != 0)
		goto fail;
	r = 0;
	if (git2.commit_parentcount(commit) < 2)
		goto out;
	paths.count = git2.diff_num_deltas(*diff);
	paths.strings = xreallocarray(NULL, paths.count + 1, sizeof *paths.strings);
	for (size_t i = 0; i < paths.count; i++)
		paths.strings[i] = xstrdup(git2.diff_get_delta(*diff, i)->new_file.path);
	git2.diff_free(*diff);
	*diff = NULL;
	for (unsigned i = 1; i < git2.commit_parentcount(commit) && r == 0; i++)
		r = compare_keep_changed(repo, to, git2.commit_parent_id(commit, i), &paths, err);
	options.pathspec = paths;
	if (r != 0 || paths.count == 0 ||
	    git2.diff_tree_to_tree(diff, repo, from, to, &options) == 0)
		goto out;
fail:
	r = git_fail(DROVER_INTERNAL, err, "cannot read the changes of a commit");
out:
	for (size_t i = 0; i < paths.count; i++)
		free(paths.strings[i]);
	free(paths.strings);
	git2.commit_free(commit);
	git2.tree_free(to);
	return r;
}

static int
compare_count(const char *folder, const git_tree_entry *entry, void *files)
{
	(void)folder;
	*(size_t *)files += git2.tree_entry_type(entry) != GIT_OBJECT_TREE;
	return 0;
}

int
tree_count(struct tree *tree, const char *commit, size_t *files, struct error *err)
{
	git_repository *repo = NULL;
	git_tree *top = NULL;
	git_oid oid;
	int r = -1;

	*files = 0;
	if (git2.oid_fromstr(&oid, commit) != 0)
		return error_set(err, DROVER_INTERNAL, "\"%.64s\" is not a commit hash", commit);
	if (mirror_open(tree, &repo, err) == 0 && gitdir_tree_of(repo, &oid, &top, err) == 0)
		r = git2.tree_walk(top, GIT_TREEWALK_PRE, compare_count, files) == 0 ?
		    0 :
		    git_fail(DROVER_INTERNAL, err, "cannot count the files of %.12s", commit);
	git2.tree_free(top);
	git2.repository_free(repo);
	return r;
}

int
tree_compare(struct tree *tree, const char *commit, struct drover_diff *result,
    void (*visit)(void *, const struct tree_file *), void *arg, struct error *err)
{
	git_repository *repo = NULL;
	git_tree *from = NULL;
	git_diff *diff = NULL;
	git_diff_stats *stats = NULL;
	git_oid base, head;
	int r = -1;

	memset(result, 0, sizeof *result);
	result->size = sizeof *result;
	if (git2.oid_fromstr(&base, tree->base) != 0 || git2.oid_fromstr(&head, commit) != 0)
		return error_set(err, DROVER_INTERNAL,
		    "\"%.64s\" or \"%.64s\" is not a commit hash", tree->base, commit);
	if (mirror_open(tree, &repo, err) != 0)
		return -1;
	if (gitdir_tree_of(repo, &base, &from, err) != 0 ||
	    compare_trees(repo, from, &head, &diff, err) != 0)
		goto out;
	if (diff != NULL && git2.diff_get_stats(&stats, diff) != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot compare %.12s with %.12s", tree->base,
		    commit);
		goto out;
	}
	r = 0;
	if (diff == NULL)
		goto out;
	result->files = (uint32_t)git2.diff_num_deltas(diff);
	result->added = git2.diff_stats_insertions(stats);
	result->removed = git2.diff_stats_deletions(stats);
	for (size_t i = 0; i < git2.diff_num_deltas(diff) && r == 0; i++)
		r = compare_file(repo, git2.diff_get_delta(diff, i), result, visit, arg, err);
out:
	git2.diff_stats_free(stats);
	git2.diff_free(diff);
	git2.tree_free(from);
	git2.repository_free(repo);
	return r;
}
