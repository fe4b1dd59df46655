/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents that only read, such as reviewers, must not change the tree.
 * host/agent/readonly.c calls tree_freeze() before such an agent runs and
 * tree_thaw() after it: that compares files, HEAD and index with what they
 * were, and puts them back. Ignored files are not compared one by one; when
 * there were none before, all of them are removed.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/files.h"

#define INDEX_MAX (512u << 20)

struct frozen {
	/* HEAD's commit; the tree object of the files, without ignored ones */
	git_oid head, files;
	bool ignored;             /* there were ignored files */
	struct buf index;         /* the index as it was, byte by byte */
};

struct tree_now {
	struct fill_status status;
	git_oid head, files;
	char branch[256];         /* the branch to which HEAD is attached, or "" */
};

static int frozen_read_now(struct tree *, git_repository *, struct tree_now *, struct error *);
static int frozen_differs(git_repository *, const struct frozen *, const struct tree_now *,
    struct buf *what);
static int frozen_commit(const struct tree *, git_repository *, const struct frozen *, git_oid *,
    struct error *);
static int frozen_put_back(struct tree *, git_repository *, const struct frozen *,
    struct tree_now *, struct error *);

static int
frozen_read_now(struct tree *t, git_repository *repo, struct tree_now *look, struct error *err)
{
	memset(look, 0, sizeof *look);
	if (!gitdir_head(t, repo, &look->head, look->branch, sizeof look->branch))
		return error_set(err, DROVER_INTERNAL, "HEAD of the tree %s names no commit",
		    t->path);
	if (fill_status(t, &look->status, err) != 0)
		return -1;
	return wip_snapshot(t, look->status.hidden, NULL, &look->files, NULL, err);
}

int
tree_freeze(struct tree *t, struct frozen **out, struct error *err)
{
	struct frozen *f = xcalloc(1, sizeof *f);
	git_repository *repo = NULL;
	struct tree_now look = { .branch = "" };
	char *index = NULL;
	int result = -1;

	if (gitdir_probe(t) != TREE_WHOLE)
		error_set(err, DROVER_INTERNAL, "the tree %s does not exist", t->path);
	else if (gitdir_guard(t, err) == 0 && gitdir_open(t, &repo, err) == 0 &&
	    frozen_read_now(t, repo, &look, err) == 0) {
		f->head = look.head;
		f->files = look.files;
		f->ignored = look.status.ignored;
		index = path_join(t->gitdir, "index");
		result = access(index, F_OK) == 0 ? path_read(index, INDEX_MAX, &f->index, err) : 0;
	}
	fill_status_free(&look.status);
	git2.repository_free(repo);
	free(index);
	if (result == 0)
		*out = f;
	else
		tree_frozen_free(f);
	return result;
}

void
tree_frozen_free(struct frozen *f)
{
	if (f == NULL)
		return;
	buf_free(&f->index);
	free(f);
}

/* Returns true if anything has changed. what gets the list. */
static int
frozen_differs(git_repository *repo, const struct frozen *f, const struct tree_now *now,
    struct buf *what)
{
	git_diff_options options;
	git_tree *from = NULL, *to = NULL;
	git_diff *diff = NULL;
	size_t n = 0;
	int rc;

	if (!git2.oid_equal(&f->files, &now->files)) {
		git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
		rc = git2.tree_lookup(&from, repo, &f->files);
		if (rc == 0)
			rc = git2.tree_lookup(&to, repo, &now->files);
		if (rc == 0)
			rc = git2.diff_tree_to_tree(&diff, repo, from, to, &options);
		n = rc == 0 ? git2.diff_num_deltas(diff) : 0;
		buf_addf(what, "%zu files", n);
		if (n > 0) {
			const char *path = git2.diff_get_delta(diff, 0)->new_file.path;

			buf_adds(what, " (");
			text_show(what, path, strlen(path), 80);
			buf_adds(what, n > 1 ? ", ...)" : ")");
		}
		git2.diff_free(diff);
		git2.tree_free(to);
		git2.tree_free(from);
	}
	if (now->branch[0] != '\0' || !git2.oid_equal(&f->head, &now->head))
		buf_addf(what, "%sHEAD", what->len > 0 ? ", " : "");
	if (!f->ignored && now->status.ignored)
		buf_addf(what, "%signored files", what->len > 0 ? ", " : "");
	else if (now->status.hidden && what->len == 0)
		buf_adds(what, "the index");
	return what->len > 0;
}

/*
 * Makes a commit of the frozen files; it is HEAD's if there was no other work.
 */
static int
frozen_commit(const struct tree *t, git_repository *repo, const struct frozen *f, git_oid *oid,
    struct error *err)
{
	git_commit *head = NULL;
	int result = 0;

	if (git2.commit_lookup(&head, repo, &f->head) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read the commit of %s", t->path);
	git2.oid_cpy(oid, &f->head);
	if (!git2.oid_equal(git2.commit_tree_id(head), &f->files))
		result = wip_commit(t, repo, &f->files, head, "drover: work in a tree\n", oid, err);
	git2.commit_free(head);
	return result;
}

static int
frozen_put_back(struct tree *t, git_repository *repo, const struct frozen *f, struct tree_now *now,
    struct error *err)
{
	char *index = path_join(t->gitdir, "index");
	git_oid files;
	int result = -1;

	if (frozen_commit(t, repo, f, &files, err) != 0 || gitdir_mark(t, true, err) != 0 ||
	    gitdir_scrub(t, &files, err) != 0)
		goto out;
	/*
	 * The index is removed, so that the reset writes every file, even a
	 * hidden one.
	 */
	file_drop(t->gitdir, "index");
	if (fill_reset(t, err) != 0 ||
	    (f->ignored ? fill_clean_untracked(t, err) : fill_clean(t, &now->status, err)) != 0 ||
	    gitdir_scrub(t, &f->head, err) != 0)
		goto out;
	file_drop(t->gitdir, "index");
	if (f->index.len > 0 && path_write(index, f->index.data, f->index.len, 0600, err) != 0)
		goto out;
	result = gitdir_mark(t, false, err);
out:
	free(index);
	return result;
}

int
tree_thaw(struct tree *t, const struct frozen *f, struct buf *undone, struct error *err)
{
	git_repository *repo = NULL;
	struct tree_now now = { .branch = "" };
	int result = -1;

	if (gitdir_probe(t) != TREE_WHOLE)
		return error_set(err, DROVER_INTERNAL, "the tree %s no longer exists", t->path);
	if (gitdir_guard(t, err) != 0 || gitdir_open(t, &repo, err) != 0)
		goto out;
	file_drop(t->gitdir, "index.lock");
	file_drop(t->gitdir, "HEAD.lock");
	if (!gitdir_readable(t) || !gitdir_head(t, repo, &now.head, NULL, 0)) {
		/* Mend HEAD first: without it git sees no repository. */
		if (gitdir_scrub(t, &f->head, err) != 0)
			goto out;
		buf_adds(undone, "HEAD");
	}
	if (frozen_read_now(t, repo, &now, err) != 0)
		goto out;
	result = frozen_differs(repo, f, &now, undone);
	if (result == 1 && frozen_put_back(t, repo, f, &now, err) != 0)
		result = -1;
out:
	fill_status_free(&now.status);
	git2.repository_free(repo);
	return result;
}
