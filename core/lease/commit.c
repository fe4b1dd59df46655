/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job has changed in its tree since the tree was prepared, and a commit
 * of it: tree_diff() and tree_commit(), which host/git.c calls for pipelines.
 * Both work on a snapshot (wip.c), so that neither the index nor git's settings
 * that a job may have spoiled have a say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"
#include "lease/filters.h"

static const char *const commit_under_way[] = { "MERGE_HEAD", "MERGE_MSG", "MERGE_MODE",
	"AUTO_MERGE", "SQUASH_MSG", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD",
	"rebase-merge", "rebase-apply", "sequencer", "index.lock", "HEAD.lock" };

static int commit_count(const struct tree *, git_repository *, git_diff *, struct drover_diff *,
    struct error *);
static int commit_stand(struct tree *, const git_oid *, const char *index, struct error *);
static int commit_diff(struct tree *, git_repository *, git_diff **, struct error *);

static int
commit_diff(struct tree *t, git_repository *repo, git_diff **diff, struct error *err)
{
	git_oid base;
	bool hidden;

	if (git2.oid_fromstr(&base, t->base) != 0 && !gitdir_base(t, &base))
		return error_set(err, DROVER_INTERNAL,
		    "the tree %s was never prepared: its base is unknown", t->path);
	return wip_diff(t, repo, &base, GIT_DIFF_INCLUDE_TYPECHANGE, NULL, diff, &hidden, err);
}

int
tree_diff(struct tree *t, struct drover_diff *out, struct error *err)
{
	git_repository *repo = NULL;
	git_diff *diff = NULL;
	int result = -1;

	if (gitdir_enter(t, &repo, err) == 0 && commit_diff(t, repo, &diff, err) == 0)
		result = commit_count(t, repo, diff, out, err);
	git2.diff_free(diff);
	git2.repository_free(repo);
	return result;
}

static int
commit_count(const struct tree *t, git_repository *repo, git_diff *diff, struct drover_diff *out,
    struct error *err)
{
	git_diff_stats *stats = NULL;
	git_odb *odb = NULL;
	git_object_t type;
	size_t size;
	int result = -1;

	*out = (struct drover_diff){ .size = sizeof *out };
	if (git2.diff_get_stats(&stats, diff) != 0 || git2.repository_odb(&odb, repo) != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot count the change in %s", t->path);
		goto out;
	}
	out->files = (uint32_t)git2.diff_num_deltas(diff);
	out->added = git2.diff_stats_insertions(stats);
	out->removed = git2.diff_stats_deletions(stats);
	for (size_t i = 0; i < git2.diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git2.diff_get_delta(diff, i);

		if (delta->status != GIT_DELTA_DELETED &&
		    delta->new_file.mode != GIT_FILEMODE_COMMIT &&
		    git2.odb_read_header(&size, &type, odb, &delta->new_file.id) == 0)
			out->bytes += size;
	}
	result = 0;
out:
	git2.odb_free(odb);
	git2.diff_stats_free(stats);
	return result;
}

static int
commit_stand(struct tree *t, const git_oid *oid, const char *index, struct error *err)
{
	char *head = path_join(t->gitdir, "HEAD"), *place = path_join(t->gitdir, "index"),
	     line[GIT_OID_HEXSZ + 2];
	int result;

	git2.oid_tostr(line, sizeof line, oid);
	memcpy(line + GIT_OID_HEXSZ, "\n", 2);
	result = file_put(head, line, err);
	filters_forget(t);
	for (size_t i = 0; i < ARRAY_LEN(commit_under_way) && result == 0; i++)
		file_drop(t->gitdir, commit_under_way[i]);
	if (result == 0 && index != NULL && rename(index, place) != 0)
		result = error_errno(err, DROVER_INTERNAL, "cannot rename %s to %s", index, place);
	free(head);
	free(place);
	return result;
}

int
tree_commit(struct tree *t, const char *message, char *commit, size_t size, struct error *err)
{
	struct fill_status status = { .changed = false };
	struct takeup up = { .inner = false };
	const struct buf all = BUF_INIT;
	git_repository *repo = NULL;
	git_commit *head = NULL;
	git_buf text = GIT_BUF_INIT;
	git_oid at, snapshot, made;
	char *index = NULL;
	bool known;
	int result = -1;

	if (gitdir_enter(t, &repo, err) != 0 || fill_status(t, &status, err) != 0)
		goto out;
	known = gitdir_head(t, repo, &at, NULL, 0) && git2.commit_lookup(&head, repo, &at) == 0;
	if (commit != NULL && known)
		git2.oid_tostr(commit, size, &at);
	if (!status.changed && !inner_may_be(t, &status)) {
		result = 0;
		goto out;
	}
	if (wip_snapshot(t, status.hidden, &up, &snapshot, &index, err) != 0 ||
	    takeup_refuse(t, &up, &all, err) != 0)
		goto out;
	if (known && git2.oid_equal(git2.commit_tree_id(head), &snapshot)) {
		result = 0;
		goto out;
	}
	if (unfiltered_check(t, t->gitdir, &snapshot, NULL, 0, err) != 0)
		goto out;
	if (git2.message_prettify(&text, message, 0, '#') != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot commit in %s", t->path);
		goto out;
	}
	/* The snapshot's index fits the new commit. */
	if (author_commit(t, repo, &snapshot, (const git_commit *const *)&head, known ? 1 : 0,
		text.ptr, &made, err) != 0 ||
	    commit_stand(t, &made, index, err) != 0)
		goto out;
	if (commit != NULL)
		git2.oid_tostr(commit, size, &made);
	result = 1;
out:
	if (index != NULL)
		unlink(index);
	free(index);
	fill_status_free(&status);
	takeup_free(&up);
	git2.buf_dispose(&text);
	git2.commit_free(head);
	git2.repository_free(repo);
	return result;
}
