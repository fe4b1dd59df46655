/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a commit changes, for the guard: tree_compare(). It reads the mirror,
 * which no job can write, and from which the commit is pushed.
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

int
tree_compare(struct tree *tree, const char *commit, struct drover_diff *result,
    void (*visit)(void *, const struct tree_file *), void *arg, struct error *err)
{
	git_diff_options options;
	git_repository *repo = NULL;
	git_tree *from = NULL, *to = NULL;
	git_diff *diff = NULL;
	git_diff_stats *stats = NULL;
	git_oid base, head;
	int r = -1;

	memset(result, 0, sizeof *result);
	result->size = sizeof *result;
	git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
	options.max_size = PATCH_BYTES_MAX;
	if (git2.oid_fromstr(&base, tree->base) != 0 || git2.oid_fromstr(&head, commit) != 0)
		return error_set(err, DROVER_INTERNAL,
		    "\"%.64s\" or \"%.64s\" is not a commit hash", tree->base, commit);
	if (mirror_open(tree, &repo, err) != 0)
		return -1;
	if (gitdir_tree_of(repo, &base, &from, err) != 0 ||
	    gitdir_tree_of(repo, &head, &to, err) != 0)
		goto out;
	if (git2.diff_tree_to_tree(&diff, repo, from, to, &options) != 0 ||
	    git2.diff_get_stats(&stats, diff) != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot compare %.12s with %.12s", tree->base,
		    commit);
		goto out;
	}
	result->files = (uint32_t)git2.diff_num_deltas(diff);
	result->added = git2.diff_stats_insertions(stats);
	result->removed = git2.diff_stats_deletions(stats);
	for (size_t i = 0; i < git2.diff_num_deltas(diff); i++) {
		if (compare_file(repo, git2.diff_get_delta(diff, i), result, visit, arg, err) != 0)
			goto out;
	}
	r = 0;
out:
	git2.diff_stats_free(stats);
	git2.diff_free(diff);
	git2.tree_free(to);
	git2.tree_free(from);
	git2.repository_free(repo);
	return r;
}
