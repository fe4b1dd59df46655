/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard's rule for changes that delete much: an agent that lost the
 * history, or cleared its folder, must not clear the branch. The guard calls
 * change_deleted_count() for each file of the commit, and then
 * change_deleted_check().
 */
#include "host/change/change.h"

#define DELETED_FREE 10 /* fewer deleted files are never too many */

void
change_deleted_count(struct change_deleted *deleted, const struct tree_file *file)
{
	deleted->deleted += file->mode == 0;
	deleted->added += file->old_mode == 0;
}

/* A file that is added makes up for a deleted one: files may be moved. */
int
change_deleted_check(const struct change *change, const struct change_deleted *deleted,
    struct error *err)
{
	const int64_t most = change->repo->max_deleted;
	size_t files;

	if (deleted->deleted < deleted->added + DELETED_FREE)
		return 0;
	if (tree_count(change->tree, change->tree->base, &files, err) != 0)
		return -1;
	if ((int64_t)(deleted->deleted - deleted->added) * 100 <= (int64_t)files * most)
		return 0;
	return error_set(err, DROVER_HUMAN,
	    "the guard stopped this change: it deletes %zu of %zu files, max_deleted of repo %s is "
	    "%lld %%; the commit %.12s is kept",
	    deleted->deleted, files, change->repo->name, (long long)most, change->point.commit);
}
