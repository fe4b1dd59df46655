/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes out of a snapshot's index what is no work of the job's. takeup.c calls
 * sift_index() when the index has all files of the tree.
 *
 * Some files differ from their commit as soon as they are checked out: one with
 * CRLF that .gitattributes want with LF, one whose $Id$ is filled in, one that
 * should be a pointer of LFS. If the job left their bytes as they were, they
 * stay in the index as the base has them.
 *
 * A pattern such as "node_modules/" ignores folders only, so git does not
 * ignore a link of that name, which an agent or setup makes to share a folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/files.h"

#define FILE_MAX       (64u << 20)
#define PATH_SHOWN_MAX 120

static bool sift_is(const struct buf *, const void *, size_t);
static bool sift_as_checked_out(const struct tree *, git_repository *, const git_diff_file *);
static bool sift_is_attributes(const git_diff_delta *);
static bool sift_is_ignored_link(git_repository *, const git_diff_delta *);
static int sift_restore(git_index *, const git_diff_file *);
static int sift_diff(git_repository *, git_tree *, git_index *, git_diff **);

static bool
sift_is(const struct buf *file, const void *data, size_t len)
{
	return file->len == len && (len == 0 || memcmp(file->data, data, len) == 0);
}

/* Whether the file on disk is what a checkout of the base's blob writes. */
static bool
sift_as_checked_out(const struct tree *t, git_repository *repo, const git_diff_file *base)
{
	char *path = path_join(t->path, base->path);
	struct buf file = BUF_INIT;
	git_buf made = GIT_BUF_INIT;
	git_blob *blob = NULL;
	struct stat st;
	bool same = false;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    git2.blob_lookup(&blob, repo, &base->id) == 0 &&
	    path_read(path, FILE_MAX, &file, NULL) == 0)
		same =
		    sift_is(&file, git2.blob_rawcontent(blob), (size_t)git2.blob_rawsize(blob)) ||
		    (git2.blob_filter(&made, blob, base->path, NULL) == 0 &&
			sift_is(&file, made.ptr, made.size));
	git2.buf_dispose(&made);
	git2.blob_free(blob);
	buf_free(&file);
	free(path);
	return same;
}

static bool
sift_is_attributes(const git_diff_delta *delta)
{
	const char *path = delta->new_file.path, *slash = strrchr(path, '/');

	return strcmp(slash != NULL ? slash + 1 : path, ".gitattributes") == 0;
}

static bool
sift_is_ignored_link(git_repository *repo, const git_diff_delta *delta)
{
	char *folder;
	int ignored = 0;

	if (delta->status != GIT_DELTA_ADDED || delta->new_file.mode != GIT_FILEMODE_LINK)
		return false;
	folder = xasprintf("%s/", delta->new_file.path);
	(void)git2.ignore_path_is_ignored(&ignored, repo, folder);
	free(folder);
	return ignored != 0;
}

/* The times of the file stay in the entry, so that git takes it for clean. */
static int
sift_restore(git_index *index, const git_diff_file *base)
{
	const git_index_entry *now = git2.index_get_bypath(index, base->path, 0);
	git_index_entry entry;

	if (now == NULL)
		return 0;
	entry = *now;
	git2.oid_cpy(&entry.id, &base->id);
	return git2.index_add(index, &entry);
}

static int
sift_diff(git_repository *repo, git_tree *base, git_index *index, git_diff **diff)
{
	git_diff_options options;

	git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
	return git2.diff_tree_to_index(diff, repo, base, index, &options);
}

int
sift_index(const struct tree *t, git_repository *repo, git_tree *base, git_index *index,
    struct buf *links)
{
	git_diff *diff = NULL;
	/* With other attributes the conversion is the job's work. */
	bool converted = false;
	int sifted = 0, rc = sift_diff(repo, base, index, &diff);

	for (size_t i = 0; rc == 0 && i < git2.diff_num_deltas(diff) && !converted; i++)
		converted = sift_is_attributes(git2.diff_get_delta(diff, i));
	for (size_t i = 0; rc == 0 && i < git2.diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git2.diff_get_delta(diff, i);

		if (delta->status == GIT_DELTA_MODIFIED && !converted &&
		    delta->old_file.mode == delta->new_file.mode &&
		    delta->new_file.mode != GIT_FILEMODE_COMMIT &&
		    sift_as_checked_out(t, repo, &delta->old_file)) {
			rc = sift_restore(index, &delta->old_file);
			sifted++;
		} else if (links != NULL && sift_is_ignored_link(repo, delta)) {
			rc = git2.index_remove(index, delta->new_file.path, 0);
			buf_adds(links, links->len > 0 ? ", " : "");
			text_show(links, delta->new_file.path, strlen(delta->new_file.path),
			    PATH_SHOWN_MAX);
			buf_adds(links, " (a link of an ignored name)");
			sifted++;
		}
	}
	git2.diff_free(diff);
	if (rc == 0 && sifted > 0)
		rc = git2.index_write(index);
	return rc != 0 ? -1 : sifted;
}
