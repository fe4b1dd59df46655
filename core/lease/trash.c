/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree is removed by a rename into STATE/trash, which is emptied later and
 * slowly. After many deletions ext4 creates files slowly for some seconds, and
 * no job should wait for either.
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/files.h"

#define SWEEP_BATCH 500
#define SWEEP_PAUSE_MS 10

int
trash_put(const struct tree *t, const char *path, struct error *err)
{
	char random[17], *to;
	struct stat st;
	int rc;

	if (lstat(path, &st) != 0 && errno == ENOENT)
		return 0;
	if (path_mkdirs(t->trash, 0700, err) != 0)
		return -1;
	to = xasprintf("%s/%s", t->trash, text_random_hex(random, 8));
	rc = rename(path, to);
	if (rc != 0 && errno == EACCES && S_ISDIR(st.st_mode) && chmod(path, 0700) == 0)
		rc = rename(path, to);
	if (rc != 0)
		error_errno(err, DROVER_INTERNAL, "cannot move %s to the trash %s", path, t->trash);
	free(to);
	return rc;
}

void
trash_writable(const char *path)
{
	char *root = xstrdup(path);
	char *const roots[] = { root, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_D && (entry->fts_statp->st_mode & S_IRWXU) != S_IRWXU)
			chmod(entry->fts_path, S_IRWXU);
		/* The folder may have been opened before its chmod. */
		if (entry->fts_info == FTS_DNR && entry->fts_number == 0 &&
		    chmod(entry->fts_path, S_IRWXU) == 0) {
			entry->fts_number = 1;
			fts_set(walk, entry, FTS_AGAIN);
		}
	}
	if (walk != NULL)
		fts_close(walk);
	free(root);
}

int64_t
tree_sweep(const char *state_dir, struct error *err)
{
	char *trash = path_join(state_dir, "trash");
	char *const roots[] = { trash, NULL };
	const struct timespec pause = { 0, SWEEP_PAUSE_MS * 1000000L };
	FTS *walk;
	FTSENT *entry;
	int64_t freed = 0;
	int removed = 0, left = 0;

	trash_writable(trash);
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_D || entry->fts_level == 0)
			continue;
		if ((entry->fts_info == FTS_DP ? rmdir(entry->fts_path) :
						 unlink(entry->fts_path)) != 0) {
			left += errno != ENOENT;
			continue;
		}
		if (entry->fts_statp->st_nlink <= 1 || entry->fts_info == FTS_DP)
			freed += (int64_t)entry->fts_statp->st_blocks * 512;
		if (++removed % SWEEP_BATCH == 0)
			nanosleep(&pause, NULL);
	}
	if (walk != NULL)
		fts_close(walk);
	/* fts cannot remove very long paths; path_remove_tree() can. */
	if (left > 0 && path_remove_tree(trash, err) != 0)
		freed = -1;
	free(trash);
	return freed;
}

int64_t
tree_size(const struct tree *t)
{
	char *const roots[] = { t->path, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int64_t bytes = 0;
	bool found = false;

	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_DP || entry->fts_info == FTS_NS ||
		    entry->fts_info == FTS_ERR)
			continue;
		found = true;
		bytes += (int64_t)entry->fts_statp->st_blocks * 512;
	}
	if (walk != NULL)
		fts_close(walk);
	return found ? bytes : -1;
}
