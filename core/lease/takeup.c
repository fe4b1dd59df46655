/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a tree gets into a snapshot, and what does not, with the reason.
 * wip.c calls takeup_index() to fill an index with the files as they are.
 * Neither git nor libgit2 stops at what it cannot take, so the tree is compared
 * with the index afterwards: the facts decide, not an exit status.
 *
 * A repository within the tree is one entry to git, or nothing at all while it
 * has no commit. For a snapshot that is to save everything its .git is out of
 * the way meanwhile (inner.c), so that its files are taken up like all others.
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/files.h"
#include "lease/filters.h"

#define INNER_DEPTH_MAX 16 /* repositories within repositories */
#define SHOWN_MAX       4
#define PATH_SHOWN_MAX  60
#define NOT_OPENED      "could not open directory '"

static const char unreadable[] = "cannot be read";
static const char no_commit[] = "a repository without a commit";
static const char bad_name[] = "a name that git refuses";
static const char within[] = "a repository within the repository";

/* A snapshot that is being made. */
struct takeup_work {
	struct tree *tree;
	const char *path; /* of the index that is filled */
	struct takeup *up;
	git_repository *repo;
	git_tree *base; /* files of the commit that the job began with; NULL if unknown */
	struct inner inner;
};

static void takeup_miss(struct takeup *, const char *path, size_t len, const char *why);
static bool takeup_bad_name(const char *path);
static const char *takeup_why(const struct takeup_work *, const char *path, bool untracked);
static int takeup_links(struct takeup_work *, struct error *);
static int takeup_look_by_cli(struct takeup_work *, struct error *);
static int takeup_add_once(struct takeup_work *, struct error *);
static int takeup_add_by_cli(struct takeup_work *, struct error *);
static int takeup_look_by_libgit2(struct takeup_work *);
static int takeup_may_add(const char *path, const char *pathspec, void *arg);
static int takeup_add_by_libgit2(struct takeup_work *, struct error *);
static int takeup_begin_by_cli(struct takeup_work *, struct error *);
static int takeup_begin_by_libgit2(struct takeup_work *, struct error *);
static void takeup_find_base(struct takeup_work *);
static int takeup_sift(struct takeup_work *, git_oid *, struct error *);

void
takeup_free(struct takeup *up)
{
	for (size_t i = 0; i < up->missed_len; i++)
		free(up->missed[i].path);
	free(up->missed);
	up->missed = NULL;
	up->missed_len = up->missed_cap = 0;
	up->lost = false;
	buf_free(&up->links);
}

static void
takeup_miss(struct takeup *up, const char *path, size_t len, const char *why)
{
	up->missed = xgrow(up->missed, up->missed_len + 1, &up->missed_cap, sizeof *up->missed);
	up->missed[up->missed_len++] = (struct takeup_miss){ xstrndup(path, len), why };
	up->lost = up->lost || (why != no_commit && why != within);
}

/* git refuses these names, because some file systems take them for ".git". */
static bool
takeup_bad_name(const char *path)
{
	for (const char *s = path; *s != '\0';) {
		size_t len = strcspn(s, "/");

		if ((len == 4 && strncasecmp(s, ".git", 4) == 0) ||
		    (len == 5 && strncasecmp(s, "git~1", 5) == 0))
			return true;
		s += len + (s[len] == '/');
	}
	return false;
}

/*
 * Says why a path is not in the index as it is on disk; NULL if that is fine. A
 * filter need not give the same bytes twice.
 */
static const char *
takeup_why(const struct takeup_work *work, const char *path, bool untracked)
{
	char *file = path_join(work->tree->path, path);
	const char *why = "changed while it was being read", *filter = NULL;
	struct stat st;

	if (lstat(file, &st) != 0)
		why = errno == ENOENT ? NULL : unreadable;
	else if (S_ISDIR(st.st_mode))
		/* A tracked folder is a submodule. */
		why = !untracked ? NULL : inner_has_commit(work->tree, path) ? within : no_commit;
	else if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		why = untracked ? NULL : "neither a file nor a link";
	else if (S_ISREG(st.st_mode) && access(file, R_OK) != 0)
		why = unreadable;
	else if (takeup_bad_name(path))
		why = bad_name;
	else if (git2.attr_get(&filter, work->repo, 0, path, "filter") == 0 &&
	    git2.attr_value(filter) == GIT_ATTR_VALUE_STRING)
		why = NULL;
	free(file);
	return why;
}

static void
takeup_find_base(struct takeup_work *work)
{
	git_oid base;

	if ((git2.oid_fromstr(&base, work->tree->base) == 0 || gitdir_base(work->tree, &base)) &&
	    gitdir_tree_of(work->repo, &base, &work->base, NULL) != 0)
		work->base = NULL;
}

/*
 * Finds links to commits that are no submodules of the base: the job has added
 * repositories. Their files would be in no snapshot.
 */
static int
takeup_links(struct takeup_work *work, struct error *err)
{
	git_index *index = NULL;

	if (work->base == NULL)
		return 0;
	if (git2.index_open(&index, work->path) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read %s", work->path);
	for (size_t i = 0; i < git2.index_entrycount(index); i++) {
		const git_index_entry *entry = git2.index_get_byindex(index, i);
		git_tree_entry *before = NULL;
		char *folder;

		if (entry->mode != GIT_FILEMODE_COMMIT)
			continue;
		folder = xasprintf("%s/", entry->path);
		if ((git2.tree_entry_bypath(&before, work->base, entry->path) != 0 ||
			git2.tree_entry_type(before) != GIT_OBJECT_COMMIT) &&
		    inner_has_files(work->tree, entry->path))
			takeup_miss(work->up, folder, strlen(folder), within);
		git2.tree_entry_free(before);
		free(folder);
	}
	git2.index_free(index);
	return 0;
}

/* Compares the tree with the index. */
static int
takeup_look_by_cli(struct takeup_work *work, struct error *err)
{
	static const char *const args[] = { "status", "--porcelain", "-z", "--untracked-files=all",
		"--no-renames", "--ignore-submodules=dirty", NULL };
	struct buf out = BUF_INIT;
	struct git_run run = { .tree = work->tree,
		.gitdir = work->tree->gitdir,
		.inside = true,
		.index = work->path,
		.out = &out };
	const char *p, *end, *why;
	int status = filters_run(work->tree, &run, args, err);

	takeup_free(work->up);
	for (p = buf_str(&out); status == 0 && p < buf_str(&out) + out.len; p += strlen(p) + 1) {
		if (strlen(p) > 3 && p[1] != ' ' && p[1] != 'D' &&
		    (why = takeup_why(work, p + 3, p[1] == '?')) != NULL)
			takeup_miss(work->up, p + 3, strlen(p + 3), why);
	}
	for (p = buf_str(&run.err); (p = strstr(p, NOT_OPENED)) != NULL; p = end) {
		p += strlen(NOT_OPENED);
		if ((end = strstr(p, "': ")) == NULL)
			end = p + strlen(p);
		takeup_miss(work->up, p, (size_t)(end - p), unreadable);
	}
	if (status > 0)
		error_set(err, DROVER_INTERNAL, "cannot read the state of %s: %.200s",
		    work->tree->path, buf_str(&run.err));
	buf_free(&run.err);
	buf_free(&out);
	return status == 0 ? takeup_links(work, err) : -1;
}

/*
 * git gives up at a file that it cannot even stat, so all that cannot be read
 * is left out by name then.
 */
static int
takeup_add_once(struct takeup_work *work, struct error *err)
{
	static const char *const all[] = { "add", "--all", "--ignore-errors", "--", ".", NULL };
	char *list = xasprintf("%s.paths", work->path),
	     *from = xasprintf("--pathspec-from-file=%s", list);
	const char *const some[] = { "add", "--all", "--ignore-errors", from, "--pathspec-file-nul",
		NULL };
	struct buf paths = BUF_INIT;
	struct git_run run = { .tree = work->tree,
		.gitdir = work->tree->gitdir,
		.inside = true,
		.index = work->path };
	int status = inner_hide(&work->inner, work->path, err);

	if (status == 0)
		status = filters_run(work->tree, &run, all, err);
	if (status > 1 && takeup_look_by_cli(work, NULL) == 0 && work->up->lost) {
		buf_free(&run.err);
		buf_add(&paths, ".", 2);
		for (size_t i = 0; i < work->up->missed_len; i++) {
			if (work->up->missed[i].why == unreadable)
				buf_addf(&paths, ":(exclude,top,literal)%s%c",
				    work->up->missed[i].path, '\0');
		}
		status = path_write(list, paths.data, paths.len, 0600, err) == 0 ?
		    filters_run(work->tree, &run, some, err) :
		    -1;
		unlink(list);
	}
	if (status > 1)
		error_set(err, DROVER_INTERNAL, "cannot take a snapshot of %s: %.200s",
		    work->tree->path, buf_str(&run.err));
	buf_free(&run.err);
	buf_free(&paths);
	free(from);
	free(list);
	return status < 0 || status > 1 ? -1 : takeup_look_by_cli(work, err);
}

/*
 * What a job has put into the index went past the filters, so it is read from
 * the files again. New attribute files may bring filters along: then once more.
 */
static int
takeup_add_by_cli(struct takeup_work *work, struct error *err)
{
	int again;

	do {
		if (filters_unsettle(work->tree, work->path, err) != 0 ||
		    takeup_add_once(work, err) != 0)
			return -1;
		again = filters_learn(work->tree, work->path, err);
	} while (again > 0);
	return again;
}

static int
takeup_begin_by_cli(struct takeup_work *work, struct error *err)
{
	static const char *const read_head[] = { "read-tree", "HEAD", NULL };
	static const char *const read_none[] = { "read-tree", "--empty", NULL };
	struct git_run run = { .tree = work->tree,
		.gitdir = work->tree->gitdir,
		.inside = true,
		.index = work->path };
	int status = git_run(&run, read_head, err);

	buf_free(&run.err);
	return status == 0 ? 0 : git_must(&run, read_none, DROVER_INTERNAL, work->tree->path, err);
}

/* Leaves out what libgit2 would fail at. A path that is gone may go. */
static int
takeup_may_add(const char *path, const char *pathspec, void *arg)
{
	const struct takeup_work *work = arg;
	const char *why = takeup_why(work, path, true);

	(void)pathspec;
	return why == unreadable || why == no_commit || why == within || takeup_bad_name(path);
}

static int
takeup_look_by_libgit2(struct takeup_work *work)
{
	git_diff_options options;
	git_diff *diff = NULL;
	int rc;

	takeup_free(work->up);
	git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_INCLUDE_UNTRACKED | GIT_DIFF_RECURSE_UNTRACKED_DIRS |
	    GIT_DIFF_INCLUDE_TYPECHANGE;
	options.ignore_submodules = GIT_SUBMODULE_IGNORE_DIRTY;
	rc = git2.diff_index_to_workdir(&diff, work->repo, NULL, &options);
	for (size_t i = 0; rc == 0 && i < git2.diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git2.diff_get_delta(diff, i);
		const char *path = delta->new_file.path, *why;
		bool untracked = delta->status == GIT_DELTA_UNTRACKED;

		why = delta->status != GIT_DELTA_DELETED ? takeup_why(work, path, untracked) : NULL;
		if (why != NULL)
			takeup_miss(work->up, path, strlen(path), why);
	}
	git2.diff_free(diff);
	if (rc == 0)
		takeup_find_unseen(work->tree, work->repo, work->up);
	return rc;
}

void
takeup_find_unseen(struct tree *t, git_repository *repo, struct takeup *up)
{
	char *const roots[] = { t->path, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	size_t skip = strlen(t->path) + 1;
	FTSENT *entry;
	int ignored;

	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		bool folder = entry->fts_info == FTS_D || entry->fts_info == FTS_DNR,
		     closed = entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS;
		char *path;

		if (entry->fts_level == 0 || entry->fts_info == FTS_DP)
			continue;
		path = xasprintf("%s%s", entry->fts_path + skip, folder ? "/" : "");
		if (strcmp(entry->fts_name, ".git") == 0 ||
		    (folder && git2.ignore_path_is_ignored(&ignored, repo, path) == 0 && ignored))
			fts_set(walk, entry, FTS_SKIP);
		else if (closed || (!folder && takeup_bad_name(path)))
			takeup_miss(up, path, strlen(path), closed ? unreadable : bad_name);
		free(path);
	}
	if (walk != NULL)
		fts_close(walk);
}

static int
takeup_begin_by_libgit2(struct takeup_work *work, struct error *err)
{
	git_index *index = NULL;
	git_tree *tree = NULL;
	git_oid head;
	int rc;

	if (!gitdir_head(work->tree, work->repo, &head, NULL, 0))
		return 0;
	if (gitdir_tree_of(work->repo, &head, &tree, err) != 0)
		return -1;
	rc = git2.index_open(&index, work->path);
	if (rc == 0)
		rc = git2.index_read_tree(index, tree);
	if (rc == 0)
		rc = git2.index_write(index);
	git2.index_free(index);
	git2.tree_free(tree);
	return rc == 0 ? 0 : git_fail(DROVER_INTERNAL, err, "cannot write %s", work->path);
}

static int
takeup_add_by_libgit2(struct takeup_work *work, struct error *err)
{
	git_index *index = NULL;
	int rc = git2.index_open(&index, work->path);

	if (rc == 0)
		rc = git2.repository_set_index(work->repo, index);
	if (rc == 0)
		rc = git2.index_add_all(index, NULL, GIT_INDEX_ADD_DEFAULT, takeup_may_add, work);
	if (rc == 0)
		rc = git2.index_write(index);
	if (rc == 0)
		rc = takeup_look_by_libgit2(work);
	git2.index_free(index);
	if (rc != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot take a snapshot of %s",
		    work->tree->path);
	return takeup_links(work, err);
}

/* Sifts the index and writes its tree object. */
static int
takeup_sift(struct takeup_work *work, git_oid *oid, struct error *err)
{
	git_index *index = NULL;
	int rc = git2.index_open(&index, work->path);

	if (rc == 0 && work->base != NULL)
		rc = sift_index(work->tree, work->repo, work->base, index,
		    work->up->inner ? NULL : &work->up->links);
	if (rc >= 0)
		rc = git2.index_write_tree_to(oid, index, work->repo);
	git2.index_free(index);
	return rc >= 0 ?
	    0 :
	    git_fail(DROVER_INTERNAL, err, "cannot take a snapshot of %s", work->tree->path);
}

int
takeup_index(struct tree *t, const char *path, bool fresh, struct takeup *up, git_oid *oid,
    struct error *err)
{
	struct takeup_work work = { .tree = t, .path = path, .up = up, .inner = { .tree = t } };
	bool by_cli = git_found();
	int rounds = INNER_DEPTH_MAX, result = -1;

	if (gitdir_open(t, &work.repo, err) != 0)
		return -1;
	takeup_find_base(&work);
	if (git2.repository_set_workdir(work.repo, t->path, 0) != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot open the tree %s", t->path);
		goto out;
	}
	if (fresh &&
	    (by_cli ? takeup_begin_by_cli(&work, err) : takeup_begin_by_libgit2(&work, err)) != 0)
		goto out;
	do
		result = by_cli ? takeup_add_by_cli(&work, err) : takeup_add_by_libgit2(&work, err);
	while (result == 0 && up->inner && rounds-- > 0 &&
	    inner_open(&work.inner, path, up->missed, up->missed_len));
	if (result == 0)
		result = takeup_sift(&work, oid, err);
out:
	inner_close(&work.inner);
	git2.tree_free(work.base);
	git2.repository_free(work.repo);
	return result;
}

int
takeup_refuse(struct tree *t, const struct takeup *up, const struct buf *without, struct error *err)
{
	struct buf shown = BUF_INIT;
	size_t n = 0;

	for (size_t i = 0; i < up->missed_len; i++) {
		const char *path = up->missed[i].path, *p = buf_str(without),
			   *end = p + without->len;

		while (p < end && strcmp(p, path) != 0)
			p += strlen(p) + 1;
		if (p < end || n++ >= SHOWN_MAX)
			continue;
		buf_adds(&shown, n > 1 ? ", " : "");
		text_show(&shown, path, strlen(path), PATH_SHOWN_MAX);
		buf_addf(&shown, " (%s)", up->missed[i].why);
	}
	if (n > 0)
		error_set(err, DROVER_HUMAN, "could not take up: %s%s; nothing is pushed%s%s",
		    buf_str(&shown), n > SHOWN_MAX ? ", ..." : "",
		    up->lost ? "; the whole tree is put aside as " : "",
		    up->lost ? tree_aside(t) : "");
	buf_free(&shown);
	return n > 0 ? -1 : 0;
}
