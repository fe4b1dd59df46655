/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are too large for a change. They are found by their size before a
 * snapshot is taken, so that git neither reads nor stores them, and are put
 * aside, so that neither does saving the rest of the work.
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/units.h"
#include "lease/files.h"

#define PATH_SHOWN_MAX 60

struct large {
	struct tree *tree;
	git_repository *repo;
	git_tree *base;
	const struct buf *without;
	char *aside;            /* the folder that gets the files */
};

static bool large_counts(const struct large *, const char *path, const struct stat *);
static int large_open(struct large *, struct error *);
static int large_put_aside(const struct large *, const char *path, struct error *);

/* False for what no commit gets, and for a file as large as in the base. */
static bool
large_counts(const struct large *large, const char *path, const struct stat *st)
{
	const struct buf *without = large->without;
	git_tree_entry *entry = NULL;
	const char *filter = NULL;
	git_odb *odb = NULL;
	git_object_t type;
	size_t size = 0;
	int ignored = 0;
	bool counts = true;

	for (const char *p = without->data; p < without->data + without->len; p += strlen(p) + 1)
		counts = counts && strcmp(p, path) != 0;
	if (!counts)
		return false;
	if (git2.tree_entry_bypath(&entry, large->base, path) == 0) {
		counts = git2.repository_odb(&odb, large->repo) != 0 ||
		    git2.odb_read_header(&size, &type, odb, git2.tree_entry_id(entry)) != 0 ||
		    size != (size_t)st->st_size;
		git2.odb_free(odb);
	} else if (git2.ignore_path_is_ignored(&ignored, large->repo, path) == 0)
		counts = ignored == 0;
	/* What a filter such as Git LFS makes of it is small. */
	if (counts && git2.attr_get(&filter, large->repo, 0, path, "filter") == 0)
		counts = git2.attr_value(filter) != GIT_ATTR_VALUE_STRING;
	git2.tree_entry_free(entry);
	return counts;
}

static int
large_open(struct large *large, struct error *err)
{
	struct tree *t = large->tree;
	git_oid base;

	if (large->repo != NULL)
		return 0;
	if (gitdir_enter(t, &large->repo, err) != 0)
		return -1;
	if (git2.repository_set_workdir(large->repo, t->path, 0) != 0 ||
	    git2.oid_fromstr(&base, t->base) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read %s", t->path);
	large->aside = xasprintf("%.*saside/%s-%llu-%lld-large",
	    (int)(strrchr(t->trash, '/') + 1 - t->trash), t->trash, t->repo->name,
	    (unsigned long long)t->lease, (long long)clock_wall());
	return gitdir_tree_of(large->repo, &base, &large->base, err);
}

static int
large_put_aside(const struct large *large, const char *path, struct error *err)
{
	char *from = path_join(large->tree->path, path), *to = path_join(large->aside, path),
	     *folder = xstrndup(to, (size_t)(strrchr(to, '/') - to));
	int result = path_mkdirs(folder, 0700, err);

	if (result == 0 && rename(from, to) != 0)
		result = error_errno(err, DROVER_INTERNAL, "cannot put %s aside as %s", from, to);
	free(folder);
	free(to);
	free(from);
	return result;
}

int
tree_refuse_large(struct tree *t, int64_t limit, const struct buf *without, struct error *err)
{
	char *const roots[] = { t->path, NULL };
	struct large large = { .tree = t, .without = without };
	FTS *walk = limit > 0 ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
	char shown[PATH_SHOWN_MAX + 1], is[UNITS_MAX], most[UNITS_MAX];
	struct error why = { .code = 0 };
	FTSENT *entry;
	int found = 0, r = 0;

	while (walk != NULL && r == 0 && (entry = fts_read(walk)) != NULL) {
		const char *path = entry->fts_path + strlen(t->path) + 1;

		if (entry->fts_info == FTS_D && strcmp(entry->fts_name, ".git") == 0)
			fts_set(walk, entry, FTS_SKIP);
		if (entry->fts_info != FTS_F || entry->fts_statp->st_size <= limit)
			continue;
		if ((r = large_open(&large, err)) != 0 ||
		    !large_counts(&large, path, entry->fts_statp) ||
		    (r = large_put_aside(&large, path, err)) != 0 || found++ > 0)
			continue;
		error_set(&why, DROVER_HUMAN,
		    "%s takes %s, max_bytes of repo %s is %s: it is put aside in %s",
		    text_show_in(shown, sizeof shown, path, strlen(path)),
		    units_format_size(entry->fts_statp->st_size, is, sizeof is), t->repo->name,
		    units_format_size(limit, most, sizeof most), large.aside);
	}
	if (r == 0 && found > 0) {
		error_prefix(&why, "the guard stopped this change (%d %s)", found,
		    found == 1 ? "file is too large" : "files are too large");
		*err = why;
		r = -1;
	}
	if (walk != NULL)
		fts_close(walk);
	git2.tree_free(large.base);
	git2.repository_free(large.repo);
	free(large.aside);
	return r;
}
