/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check that nothing leaves unfiltered, made before a commit exists and
 * once more before a push: a file that the job changed and to which the
 * repository gives a filter, before the change or after it, must have gone
 * through that filter. An unchanged file stays as it is, filter or not.
 *
 * Whether a file went through a filter is known from how drover adds files,
 * which runs every filter that is defined; where the result has a form that can
 * be told, it is looked at as well.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "lease/filters.h"

#define SHOWN_MAX 4
#define NAME_SHOWN 120

/* How files begin that have gone through a filter. */
static const struct form {
	const char *filter, *begin;
	size_t len;
} forms[] = {
	{ "git-crypt", "\0GITCRYPT\0", 10 },
	{ "lfs", "version https://git-lfs.github.com/spec/v1\n", 43 },
};

struct unfiltered {
	struct tree *tree;
	git_repository *repo;
	git_tree *const *parents;
	size_t parents_len;
	struct buf paths;       /* of the changed files, each with a NUL behind it */
	struct buf shown;       /* what is wrong, for the job's reason */
	int len;
};

static bool unfiltered_is_jobs(const struct unfiltered *, const git_diff_delta *);
static int unfiltered_changed(struct unfiltered *, git_tree *from, git_tree *to, git_diff **,
    struct error *);
static bool unfiltered_form(git_repository *, const git_oid *, const char *filter);
static void unfiltered_show(struct unfiltered *, const char *path, const char *filter,
    const char *what);
static void unfiltered_look(struct unfiltered *, git_diff *, const struct buf *before,
    const struct buf *after);

static bool
unfiltered_is_jobs(const struct unfiltered *u, const git_diff_delta *delta)
{
	const char *path = delta->new_file.path;
	bool its = delta->status != GIT_DELTA_DELETED &&
	    (delta->new_file.mode == GIT_FILEMODE_BLOB ||
		delta->new_file.mode == GIT_FILEMODE_BLOB_EXECUTABLE) &&
	    !git2.oid_equal(&delta->new_file.id, &delta->old_file.id);

	for (size_t i = 0; i < u->parents_len && its; i++) {
		git_tree_entry *entry = NULL;

		if (git2.tree_entry_bypath(&entry, u->parents[i], path) == 0)
			its = !git2.oid_equal(git2.tree_entry_id(entry), &delta->new_file.id);
		git2.tree_entry_free(entry);
	}
	return its;
}

static int
unfiltered_changed(struct unfiltered *u, git_tree *from, git_tree *to, git_diff **diff,
    struct error *err)
{
	git_diff_options options;

	git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
	if (git2.diff_tree_to_tree(diff, u->repo, from, to, &options) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot compare the files in %s",
		    u->tree->path);
	for (size_t i = 0; i < git2.diff_num_deltas(*diff); i++) {
		const git_diff_delta *delta = git2.diff_get_delta(*diff, i);

		if (unfiltered_is_jobs(u, delta))
			buf_add(&u->paths, delta->new_file.path,
			    strlen(delta->new_file.path) + 1);
	}
	return 0;
}

/*
 * False when the file should have a form that it has not. These filters leave
 * empty files empty.
 */
static bool
unfiltered_form(git_repository *repo, const git_oid *oid, const char *filter)
{
	git_blob *blob = NULL;
	bool good = true;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t size;

		if (strcmp(forms[i].filter, filter) != 0)
			continue;
		if (git2.blob_lookup(&blob, repo, oid) != 0)
			return false;
		size = (size_t)git2.blob_rawsize(blob);
		good = size == 0 || (size >= forms[i].len &&
		    memcmp(git2.blob_rawcontent(blob), forms[i].begin, forms[i].len) == 0);
		git2.blob_free(blob);
	}
	return good;
}

static void
unfiltered_show(struct unfiltered *u, const char *path, const char *filter, const char *what)
{
	char name[NAME_SHOWN + 1], called[65];

	text_show_in(name, sizeof name, path, strlen(path));
	text_show_in(called, sizeof called, filter, strlen(filter));
	if (u->len++ < SHOWN_MAX)
		buf_addf(&u->shown, "%s%s has filter=%s, which %s", u->shown.len > 0 ? "; " : "",
		    name, called, what);
}

static void
unfiltered_look(struct unfiltered *u, git_diff *diff, const struct buf *before,
    const struct buf *after)
{
	const char *was = buf_str(before), *is = buf_str(after);

	for (size_t i = 0; i < git2.diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git2.diff_get_delta(diff, i);
		const char *path = delta->new_file.path;

		if (!unfiltered_is_jobs(u, delta))
			continue;
		if (*is != '\0' && !filters_defined(u->tree, is))
			unfiltered_show(u, path, is, "is not configured here");
		else if (*is != '\0' && !unfiltered_form(u->repo, &delta->new_file.id, is))
			unfiltered_show(u, path, is, "did not run on it");
		else if (*is == '\0' && *was != '\0')
			unfiltered_show(u, path, was, "the job took away from it");
		was += strlen(was) + 1;
		is += strlen(is) + 1;
	}
}

int
unfiltered_check(struct tree *t, const char *gitdir, const git_oid *files,
    git_tree *const *parents, size_t parents_len, struct error *err)
{
	struct unfiltered u = { .tree = t, .parents = parents, .parents_len = parents_len };
	struct buf before = BUF_INIT, after = BUF_INIT;
	git_tree *from = NULL, *to = NULL;
	git_diff *diff = NULL;
	git_oid base;
	int result = filters_in_use(t, err);

	if (result != 1)
		return result;
	result = -1;
	if (git2.repository_open_bare(&u.repo, gitdir) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot open %s", gitdir);
	if (!filters_base(t, &base)) {
		error_set(err, DROVER_INTERNAL, "the base of the tree %s is unknown", t->path);
		goto out;
	}
	if (gitdir_tree_of(u.repo, &base, &from, err) != 0)
		goto out;
	if (git2.tree_lookup(&to, u.repo, files) != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot read the files of %s", t->path);
		goto out;
	}
	if (unfiltered_changed(&u, from, to, &diff, err) != 0 ||
	    (u.paths.len > 0 &&
		(attributes_ask(t, gitdir, &base, &u.paths, &before, err) != 0 ||
		    attributes_ask(t, gitdir, files, &u.paths, &after, err) != 0)))
		goto out;
	if (u.paths.len > 0)
		unfiltered_look(&u, diff, &before, &after);
	result = u.len == 0 ? 0 :
	    error_set(err, DROVER_HUMAN,
		"%s (%d in all): nothing is committed or pushed unfiltered; define the filter in "
		"the git settings of drover's user (git config --global filter.NAME.clean ...), or "
		"finish this by hand",
		buf_str(&u.shown), u.len);
out:
	git2.diff_free(diff);
	git2.tree_free(from);
	git2.tree_free(to);
	git2.repository_free(u.repo);
	buf_free(&u.paths);
	buf_free(&u.shown);
	buf_free(&before);
	buf_free(&after);
	return result;
}
