/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a tree: their status, reset and clean-up. tree.c and squash.c
 * call these after gitdir.c has put HEAD in its place and wip.c has saved what
 * must not be lost; nothing is kept between calls. git does the work, with
 * parallel checkout, where it is installed, else libgit2.
 *
 * Reading the status refreshes the index, and rewrites one whose times are too
 * young to be trusted, so that the next read need not hash every file again.
 */
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"
#include "lease/filters.h"

static int fill_scan_index(const struct tree *, struct fill_status *);
static int fill_status_by_cli(struct tree *, struct fill_status *, struct error *);
static int fill_status_by_libgit2(struct tree *, struct fill_status *, struct error *);
static int fill_open(struct tree *, git_repository **, struct error *);
static int fill_make_way(const char *folder, const git_tree_entry *, void *arg);
static int fill_checkout_by_libgit2(struct tree *, unsigned int strategy, struct error *);
static void fill_open_inner(const struct tree *);
static void fill_empty_submodule(const struct tree *, const char *link);

int
fill_status(struct tree *t, struct fill_status *status, struct error *err)
{
	memset(status, 0, sizeof *status);
	status->hidden = fill_scan_index(t, status) != 0;
	if (status->hidden) {
		status->changed = status->ignored = true;
		return 0;
	}
	if (git_found()) {
		if (fill_status_by_cli(t, status, err) == 0)
			return 0;
	} else if (fill_status_by_libgit2(t, status, err) == 0)
		return 0;
	fill_status_free(status);
	return -1;
}

void
fill_status_free(struct fill_status *status)
{
	for (size_t i = 0; i < status->links_len; i++)
		free(status->links[i]);
	free(status->links);
	status->links = NULL;
	status->links_len = 0;
}

/* Finds submodules; -1 when the index cannot be read or hides files. */
static int
fill_scan_index(const struct tree *t, struct fill_status *status)
{
	char *path = path_join(t->gitdir, "index");
	git_index *index = NULL;
	const git_index_entry *entry;
	int result = 0;

	if (access(path, F_OK) != 0 || git2.index_open(&index, path) != 0) {
		free(path);
		return -1;
	}
	free(path);
	for (size_t i = 0; i < git2.index_entrycount(index); i++) {
		entry = git2.index_get_byindex(index, i);
		if ((entry->flags & GIT_INDEX_ENTRY_VALID) ||
		    (entry->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE))
			result = -1;
		if (entry->mode == GIT_FILEMODE_COMMIT) {
			status->links = xreallocarray(status->links, status->links_len + 1,
			    sizeof *status->links);
			status->links[status->links_len++] = xstrdup(entry->path);
		}
	}
	git2.index_free(index);
	return result;
}

static int
fill_status_by_cli(struct tree *t, struct fill_status *status, struct error *err)
{
	static const char *const args[] = { "status", "--porcelain", "-z",
		"--untracked-files=normal", "--ignored=matching", "--no-renames",
		"--ignore-submodules=dirty", NULL };
	struct buf out = BUF_INIT;
	struct git_run run = { .tree = t, .gitdir = t->gitdir, .inside = true, .out = &out };
	const char *p, *end;
	int rc = filters_run(t, &run, args, err);

	if (rc > 0 && filters_give_up(t)) {
		buf_clear(&out);
		buf_free(&run.err);
		rc = filters_run(t, &run, args, err);
	}
	for (p = buf_str(&out), end = p + out.len; rc == 0 && p < end; p += strlen(p) + 1) {
		if (strncmp(p, "!! ", 3) == 0)
			status->ignored = true;
		else
			status->changed = true;
	}
	if (strstr(buf_str(&run.err), "could not open directory") != NULL)
		status->changed = true;
	if (rc > 0)
		error_set(err, DROVER_INTERNAL, "cannot read the state of %s: %.200s", t->path,
		    buf_str(&run.err));
	buf_free(&run.err);
	buf_free(&out);
	return rc == 0 ? 0 : -1;
}

/*
 * Opens the tree for libgit2: the bare repository with its objects, given the
 * tree's folder and index.
 */
static int
fill_open(struct tree *t, git_repository **repo, struct error *err)
{
	char *path = path_join(t->gitdir, "index");
	git_index *index = NULL;
	git_oid head;
	int rc;

	if (gitdir_open(t, repo, err) != 0) {
		free(path);
		return -1;
	}
	rc = git2.repository_set_workdir(*repo, t->path, 0);
	if (rc == 0)
		rc = git2.index_open(&index, path);
	if (rc == 0)
		git2.repository_set_index(*repo, index);
	git2.index_free(index);
	free(path);
	if (rc == 0 && gitdir_head(t, *repo, &head, NULL, 0))
		return 0;
	if (rc == 0)
		error_set(err, DROVER_INTERNAL, "HEAD of the tree %s names no commit", t->path);
	else
		git_fail(DROVER_INTERNAL, err, "cannot open the tree %s", t->path);
	git2.repository_free(*repo);
	*repo = NULL;
	return -1;
}

static int
fill_status_by_libgit2(struct tree *t, struct fill_status *status, struct error *err)
{
	git_diff_options options;
	git_repository *repo = NULL;
	git_commit *commit = NULL;
	git_tree *tree = NULL;
	git_diff *diff = NULL;
	struct takeup unseen = { .inner = false };
	git_oid head;
	int rc, result = -1;

	git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	if (fill_open(t, &repo, err) != 0)
		return -1;
	options.flags = GIT_DIFF_INCLUDE_UNTRACKED | GIT_DIFF_INCLUDE_IGNORED |
	    GIT_DIFF_UPDATE_INDEX | GIT_DIFF_INCLUDE_TYPECHANGE;
	options.ignore_submodules = GIT_SUBMODULE_IGNORE_DIRTY;
	gitdir_head(t, repo, &head, NULL, 0);
	rc = git2.commit_lookup(&commit, repo, &head);
	if (rc == 0)
		rc = git2.commit_tree(&tree, commit);
	if (rc == 0)
		rc = git2.diff_tree_to_workdir_with_index(&diff, repo, tree, &options);
	if (rc != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot read the state of %s", t->path);
		goto out;
	}
	for (size_t i = 0; i < git2.diff_num_deltas(diff); i++) {
		if (git2.diff_get_delta(diff, i)->status == GIT_DELTA_IGNORED)
			status->ignored = true;
		else
			status->changed = true;
	}
	takeup_find_unseen(t, repo, &unseen);
	if (unseen.missed_len > 0)
		status->changed = true;
	takeup_free(&unseen);
	result = 0;
out:
	git2.diff_free(diff);
	git2.tree_free(tree);
	git2.commit_free(commit);
	git2.repository_free(repo);
	return result;
}

/*
 * libgit2 does not replace a link or file where a folder belongs, so it is
 * removed first. Parents are visited before what is in them.
 */
static int
fill_make_way(const char *folder, const git_tree_entry *entry, void *arg)
{
	const struct tree *t = arg;
	struct stat st;
	char *path;

	if (git2.tree_entry_type(entry) == GIT_OBJECT_TREE) {
		path = xasprintf("%s/%s%s", t->path, folder, git2.tree_entry_name(entry));
		if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
			unlink(path);
		free(path);
	}
	return 0;
}

static int
fill_checkout_by_libgit2(struct tree *t, unsigned int strategy, struct error *err)
{
	git_checkout_options options;
	git_repository *repo = NULL;
	git_object *commit = NULL;
	git_tree *tree = NULL;
	git_oid head;
	int rc;

	git2.checkout_options_init(&options, GIT_CHECKOUT_OPTIONS_VERSION);
	options.checkout_strategy = strategy;
	if (fill_open(t, &repo, err) != 0)
		return -1;
	gitdir_head(t, repo, &head, NULL, 0);
	rc = git2.object_lookup(&commit, repo, &head, GIT_OBJECT_COMMIT);
	if (rc == 0)
		rc = git2.commit_tree(&tree, (git_commit *)commit);
	if (rc == 0)
		rc = git2.tree_walk(tree, GIT_TREEWALK_PRE, fill_make_way, t);
	if (rc == 0)
		rc = git2.checkout_tree(repo, commit, &options);
	if (rc != 0)
		git_fail(DROVER_INTERNAL, err, "cannot check out %s", t->path);
	git2.tree_free(tree);
	git2.object_free(commit);
	git2.repository_free(repo);
	return rc == 0 ? 0 : -1;
}

int
fill_reset(struct tree *t, struct error *err)
{
	static const char *const args[] = { "reset", "--hard", "--quiet", "--no-recurse-submodules",
		NULL };
	struct git_run run = { .tree = t, .gitdir = t->gitdir, .inside = true };

	if (!git_found())
		return fill_checkout_by_libgit2(t,
		    GIT_CHECKOUT_FORCE | GIT_CHECKOUT_RECREATE_MISSING, err);
	return filters_fill(t, &run, args, err);
}

/* libgit2 removes no repository, so each one within the tree loses its .git. */
static void
fill_open_inner(const struct tree *t)
{
	char *const roots[] = { t->path, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_DP || strcmp(entry->fts_name, ".git") != 0)
			continue;
		fts_set(walk, entry, FTS_SKIP);
		if (entry->fts_level > 1)
			(void)path_remove_tree(entry->fts_path, NULL);
	}
	if (walk != NULL)
		fts_close(walk);
}

int
fill_clean(struct tree *t, const struct fill_status *status, struct error *err)
{
	static const char *const args[] = { "clean", "-ffdxq", NULL };
	struct git_run run = { .tree = t, .gitdir = t->gitdir, .inside = true };
	int result;

	if (git_found()) {
		result = git_run(&run, args, err);
		if (result > 0) {
			buf_clear(&run.err);
			trash_writable(t->path);
			result = git_must(&run, args, DROVER_INTERNAL, t->path, err);
		}
		buf_free(&run.err);
	} else {
		fill_open_inner(t);
		result = fill_checkout_by_libgit2(t,
		    GIT_CHECKOUT_FORCE | GIT_CHECKOUT_REMOVE_UNTRACKED |
			GIT_CHECKOUT_REMOVE_IGNORED,
		    err);
	}
	for (size_t i = 0; i < status->links_len && result == 0; i++)
		fill_empty_submodule(t, status->links[i]);
	return result;
}

int
fill_clean_untracked(struct tree *t, struct error *err)
{
	static const char *const args[] = { "clean", "-ffdq", NULL };
	struct git_run run = { .tree = t, .gitdir = t->gitdir, .inside = true };
	int result;

	if (!git_found())
		return fill_checkout_by_libgit2(t,
		    GIT_CHECKOUT_FORCE | GIT_CHECKOUT_REMOVE_UNTRACKED, err);
	result = git_must(&run, args, DROVER_INTERNAL, t->path, err);
	buf_free(&run.err);
	return result;
}

/*
 * Empties a submodule that a job has checked out: git's clean leaves it, and
 * the next job must not see it.
 */
static void
fill_empty_submodule(const struct tree *t, const char *link)
{
	char *path = path_join(t->path, link), *real, *root;
	bool there = access(path, F_OK) == 0;

	if (rmdir(path) != 0 && errno == ENOTEMPTY) {
		real = realpath(path, NULL);
		root = realpath(t->path, NULL);
		/* Don't follow a link out of the tree. */
		if (real != NULL && root != NULL && strncmp(real, root, strlen(root)) == 0 &&
		    real[strlen(root)] == '/' && strcmp(real + strlen(root) + 1, link) == 0) {
			trash_writable(real);
			path_remove_tree(real, NULL);
		}
		free(real);
		free(root);
	}
	/* A link that a job has added is gone, with its folder. */
	if (there)
		mkdir(path, 0777);
	free(path);
}
