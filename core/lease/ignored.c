/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ignored files that an agent has made. They are in no commit, so host/change/
 * asks for them after the agent has run. What was there before, for instance
 * what setup installed, is told from it by its time: tree_settle() notes the
 * moment when the tree was last in order.
 */
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"

#define FILES_MAX 200000

static int ignored_list_by_cli(struct tree *, struct buf *, struct error *);
static int ignored_list_by_libgit2(struct tree *, git_repository *, struct buf *, struct error *);
static bool ignored_is_new(const struct tree *, const struct stat *);
static void ignored_walk(const struct tree *, const char *entry, size_t *left,
    void (*visit)(void *, const char *, const char *), void *arg);

/* The time of a new file is that of the file system, which is what counts. */
void
tree_settle(struct tree *t)
{
	char *path = path_join(t->gitdir, "drover-settled");
	struct stat st;
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && fstat(fd, &st) == 0)
		t->settled = st.st_ctim;
	path_close(&fd);
	(void)unlink(path);
	free(path);
}

static bool
ignored_is_new(const struct tree *t, const struct stat *st)
{
	return st->st_ctim.tv_sec > t->settled.tv_sec ||
	    (st->st_ctim.tv_sec == t->settled.tv_sec && st->st_ctim.tv_nsec > t->settled.tv_nsec);
}

static int
ignored_list_by_cli(struct tree *t, struct buf *list, struct error *err)
{
	static const char *const args[] = { "status", "--porcelain", "-z",
		"--untracked-files=normal", "--ignored=matching", "--no-renames",
		"--ignore-submodules=all", NULL };
	struct buf out = BUF_INIT;
	struct git_run run = { .tree = t, .gitdir = t->gitdir, .inside = true, .out = &out };
	int result = git_must(&run, args, DROVER_INTERNAL, t->path, err);

	for (const char *p = buf_str(&out), *end = p + out.len; p < end; p += strlen(p) + 1) {
		if (strncmp(p, "!! ", 3) == 0)
			buf_add(list, p + 3, strlen(p + 3) + 1);
	}
	buf_free(&out);
	return result;
}

static int
ignored_list_by_libgit2(struct tree *t, git_repository *repo, struct buf *list, struct error *err)
{
	char *path = path_join(t->gitdir, "index");
	git_diff_options options;
	git_index *index = NULL;
	git_diff *diff = NULL;
	int rc;

	git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_INCLUDE_IGNORED;
	rc = git2.repository_set_workdir(repo, t->path, 0);
	if (rc == 0)
		rc = git2.index_open(&index, path);
	if (rc == 0)
		rc = git2.repository_set_index(repo, index);
	if (rc == 0)
		rc = git2.diff_index_to_workdir(&diff, repo, NULL, &options);
	for (size_t i = 0; rc == 0 && i < git2.diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git2.diff_get_delta(diff, i);

		if (delta->status == GIT_DELTA_IGNORED)
			buf_add(list, delta->new_file.path, strlen(delta->new_file.path) + 1);
	}
	git2.diff_free(diff);
	git2.index_free(index);
	free(path);
	return rc == 0 ? 0 : git_fail(DROVER_INTERNAL, err, "cannot read the state of %s", t->path);
}

static void
ignored_walk(const struct tree *t, const char *entry, size_t *left,
    void (*visit)(void *, const char *, const char *), void *arg)
{
	char *root = path_join(t->path, entry);
	char *const roots[] = { root, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *at;

	while (walk != NULL && *left > 0 && (at = fts_read(walk)) != NULL) {
		if (at->fts_info != FTS_F && at->fts_info != FTS_SL)
			continue;
		--*left;
		if (ignored_is_new(t, at->fts_statp)) {
			const char *path = at->fts_path + strlen(t->path);

			visit(arg, entry, path + strspn(path, "/"));
		}
	}
	if (walk != NULL)
		fts_close(walk);
	free(root);
}

int
tree_ignored(struct tree *t, void (*visit)(void *, const char *, const char *), void *arg,
    struct error *err)
{
	git_repository *repo = NULL;
	struct buf list = BUF_INIT;
	size_t left = FILES_MAX;
	int result;

	if (gitdir_enter(t, &repo, err) != 0)
		return -1;
	result = git_found() ? ignored_list_by_cli(t, &list, err) :
			       ignored_list_by_libgit2(t, repo, &list, err);
	for (const char *p = buf_str(&list), *end = p + list.len; result == 0 && p < end;
	     p += strlen(p) + 1)
		ignored_walk(t, p, &left, visit, arg);
	buf_free(&list);
	git2.repository_free(repo);
	return result;
}

bool
tree_tracks_name(struct tree *t, const char *name)
{
	char *path = path_join(t->gitdir, "index");
	git_index *index = NULL;
	bool found = false;

	if (git2.index_open(&index, path) == 0) {
		for (size_t i = 0; i < git2.index_entrycount(index) && !found; i++) {
			const char *file = git2.index_get_byindex(index, i)->path,
				   *slash = strrchr(file, '/');

			found = strcmp(slash != NULL ? slash + 1 : file, name) == 0;
		}
		git2.index_free(index);
	}
	free(path);
	return found;
}

int
tree_track(struct tree *t, const char *file, struct error *err)
{
	char *path = path_join(t->gitdir, "index");
	git_repository *repo = NULL;
	git_index *index = NULL;
	int rc;

	if (gitdir_enter(t, &repo, err) != 0) {
		free(path);
		return -1;
	}
	rc = git2.repository_set_workdir(repo, t->path, 0);
	if (rc == 0)
		rc = git2.index_open(&index, path);
	if (rc == 0)
		rc = git2.repository_set_index(repo, index);
	if (rc == 0)
		rc = git2.index_add_bypath(index, file);
	if (rc == 0)
		rc = git2.index_write(index);
	git2.index_free(index);
	git2.repository_free(repo);
	free(path);
	return rc == 0 ? 0 : git_fail(DROVER_INTERNAL, err, "cannot add %s to the index", file);
}
