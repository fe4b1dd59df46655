/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a commit changes, for the guard: tree_compare(), tree_read_changes() and
 * tree_count(). They read the mirror, which no job can write, and from which
 * the commit is pushed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lease/files.h"

#define PATCH_BYTES_MAX (64 * 1024 * 1024)
#define MODE_TYPE 0170000u
#define MODE_LINK 0120000u

/* The trees of the base and the commit in the mirror, and what differs. */
struct comparison {
	git_repository *repo;
	git_tree *from, *to;
	git_diff *diff;         /* NULL when nothing differs */
};

struct visit {
	void (*file)(void *, const struct tree_file *);
	void *arg;
};

static int compare_file(git_repository *, const git_diff_delta *, struct drover_diff *,
    void (*)(void *, const struct tree_file *), void *, struct error *);
static int compare_count(const char *folder, const git_tree_entry *, void *files);
static bool compare_changes(git_diff *, const char *);
static int compare_keep_changed(git_repository *, git_tree *, const git_oid *, git_strarray *,
    struct error *);
static int compare_trees(git_repository *, git_tree *, const git_oid *, git_diff **,
    struct error *);
static void compare_close(struct comparison *);
static int compare_open(struct comparison *, const struct tree *, const char *, struct error *);
static void compare_link(void *, const char *, const char *);
static int compare_contents(git_repository *, const git_diff_delta *,
    void (*)(void *, const struct tree_contents *), void *, struct error *);

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
		file.target = target = links_target(repo, &delta->new_file.id);
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

static void
compare_close(struct comparison *c)
{
	git2.diff_free(c->diff);
	git2.tree_free(c->from);
	git2.tree_free(c->to);
	git2.repository_free(c->repo);
}

/* compare_close() is due in each case. */
static int
compare_open(struct comparison *c, const struct tree *tree, const char *commit, struct error *err)
{
	git_oid base, head;

	*c = (struct comparison){ .repo = NULL };
	if (git2.oid_fromstr(&base, tree->base) != 0 || git2.oid_fromstr(&head, commit) != 0)
		return error_set(err, DROVER_INTERNAL,
		    "\"%.64s\" or \"%.64s\" is not a commit hash", tree->base, commit);
	if (mirror_open(tree, &c->repo, err) != 0 ||
	    gitdir_tree_of(c->repo, &base, &c->from, err) != 0 ||
	    gitdir_tree_of(c->repo, &head, &c->to, err) != 0)
		return -1;
	return compare_trees(c->repo, c->from, &head, &c->diff, err);
}

static void
compare_link(void *arg, const char *path, const char *target)
{
	struct visit *visit = arg;
	struct tree_file file = { .path = path,
		.mode = GIT_FILEMODE_LINK,
		.old_mode = GIT_FILEMODE_LINK,
		.target = target,
		.escapes = true };

	visit->file(visit->arg, &file);
}

int
tree_compare(struct tree *tree, const char *commit, struct drover_diff *result,
    void (*visit)(void *, const struct tree_file *), void *arg, struct error *err)
{
	struct visit links = { visit, arg };
	struct comparison c;
	git_diff_stats *stats = NULL;
	bool linked = false;
	int r;

	memset(result, 0, sizeof *result);
	result->size = sizeof *result;
	r = compare_open(&c, tree, commit, err);
	if (r != 0 || c.diff == NULL)
		goto out;
	if (git2.diff_get_stats(&stats, c.diff) != 0) {
		r = git_fail(DROVER_INTERNAL, err, "cannot compare %.12s with %.12s", tree->base,
		    commit);
		goto out;
	}
	result->files = (uint32_t)git2.diff_num_deltas(c.diff);
	result->added = git2.diff_stats_insertions(stats);
	result->removed = git2.diff_stats_deletions(stats);
	for (size_t i = 0; i < git2.diff_num_deltas(c.diff) && r == 0; i++) {
		const git_diff_delta *delta = git2.diff_get_delta(c.diff, i);

		linked = linked || delta->new_file.mode == GIT_FILEMODE_LINK ||
		    delta->old_file.mode == GIT_FILEMODE_LINK;
		r = compare_file(c.repo, delta, result, visit, arg, err);
	}
	/* A link leads elsewhere when one that it leads through has changed. */
	if (r == 0 && linked)
		r = links_find_new(c.repo, c.from, c.to, compare_link, &links, err);
out:
	git2.diff_stats_free(stats);
	compare_close(&c);
	return r;
}

static int
compare_contents(git_repository *repo, const git_diff_delta *delta,
    void (*visit)(void *, const struct tree_contents *), void *arg, struct error *err)
{
	struct tree_contents file = { .path = delta->new_file.path, .data = "", .old = "" };
	git_blob *old = NULL, *new = NULL;

	if (delta->status == GIT_DELTA_DELETED || delta->new_file.mode == GIT_FILEMODE_COMMIT)
		return 0;
	if (git2.blob_lookup(&new, repo, &delta->new_file.id) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read a changed file");
	file.len = (size_t)git2.blob_rawsize(new);
	if (file.len > 0)
		file.data = git2.blob_rawcontent(new);
	if (delta->status != GIT_DELTA_ADDED &&
	    git2.blob_lookup(&old, repo, &delta->old_file.id) == 0 && git2.blob_rawsize(old) > 0) {
		file.old = git2.blob_rawcontent(old);
		file.old_len = (size_t)git2.blob_rawsize(old);
	}
	visit(arg, &file);
	git2.blob_free(old);
	git2.blob_free(new);
	return 0;
}

int
tree_read_changes(struct tree *tree, const char *commit,
    void (*visit)(void *, const struct tree_contents *), void *arg, struct error *err)
{
	struct comparison c;
	int r = compare_open(&c, tree, commit, err);

	for (size_t i = 0; r == 0 && c.diff != NULL && i < git2.diff_num_deltas(c.diff); i++)
		r = compare_contents(c.repo, git2.diff_get_delta(c.diff, i), visit, arg, err);
	compare_close(&c);
	return r;
}
