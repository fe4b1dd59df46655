/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a tree. The process of a job calls tree_prepare() when the core
 * has granted it the lease and tree_return() before it releases it; the keeper
 * returns or removes trees that no attempt holds. Each call holds the lock
 * PATH.lock.
 *
 * The last process may have been killed at any point, so a call finds the tree
 * in any state: it first looks what is there, saves work that is nowhere else,
 * and then puts the rest in order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"
#include "lease/filters.h"

static int tree_enter(struct tree *, struct error *);
static int tree_find(struct tree *, const git_oid *, enum tree_kind *, struct error *);
static int tree_new(struct tree *, const git_oid *, struct error *);
static int tree_reuse(struct tree *, bool warm, const git_oid *, char *saved, size_t size,
    struct error *);
static int tree_save_all(struct tree *, const struct fill_status *, char *, size_t, struct error *);
static int tree_save(struct tree *, char *, size_t, struct error *);
static int tree_put_away(struct tree *, struct error *);
static int tree_any_commit(const struct tree *, git_oid *, struct error *);

int
tree_init(struct tree *t, uint64_t lease, const struct config_repo *repo, const char *path,
    const char *mirror, const char *state_dir, struct error *err)
{
	static const int levels[] = { GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_GLOBAL,
		GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_PROGRAMDATA };

	*t = (struct tree){ .lease = lease, .repo = repo, .lock = -1 };
	if (libgit2_open(err) != 0)
		return -1;
	t->path = xstrdup(path);
	t->mirror = xstrdup(mirror);
	t->trash = path_join(state_dir, "trash");
	t->gitdir = xasprintf("%s/.git", path);
	git2.libgit2_init();
	/* drover's own git work ignores the git settings of its user. */
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		git2.libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	return 0;
}

int
tree_hold(struct error *err)
{
	if (libgit2_open(err) != 0)
		return -1;
	git2.libgit2_init();
	return 0;
}

void
tree_free(struct tree *t)
{
	if (t->path != NULL)
		git2.libgit2_shutdown();
	path_close(&t->lock);
	filters_forget(t);
	free(t->path);
	free(t->mirror);
	free(t->trash);
	free(t->gitdir);
	free(t->aside);
	submodules_free(t->submodules);
	*t = (struct tree){ .lock = -1 };
}

static int
tree_enter(struct tree *t, struct error *err)
{
	char *lock = xasprintf("%s.lock", t->path), *dir = xstrdup(t->path);
	int result;

	*strrchr(dir, '/') = '\0';
	result = path_mkdirs(dir, 0700, err) == 0 ? lock_take(lock, &t->lock, err) : -1;
	free(lock);
	free(dir);
	return result;
}

int
tree_prepare(struct tree *t, const char *state, const char *ref, char *saved, size_t size,
    struct error *err)
{
	enum tree_kind kind;
	struct error why = { .code = 0 };
	struct stat st;
	git_oid oid;
	int result = -1;

	saved[0] = '\0';
	if (mirror_guard(t, err) != 0 || mirror_resolve(t, ref, &oid, err) != 0 ||
	    filters_ready(t, &oid, err) != 0 || tree_enter(t, err) != 0)
		return -1;
	filters_forget(t);
	git2.oid_tostr(t->base, sizeof t->base, &oid);
	if (tree_find(t, &oid, &kind, err) != 0)
		goto out;
	if (kind == TREE_WHOLE) {
		result = tree_reuse(t, strcmp(state, "warm") == 0, &oid, saved, size, &why);
		if (result == 0 || why.code == DROVER_AGAIN) {
			if (result != 0 && err != NULL)
				*err = why;
			goto out;
		}
	}
	/*
	 * The tree is beyond repair: save its work unless that is done, and
	 * make a new one. The old files go into the trash, or aside.
	 */
	if (kind != TREE_NONE && saved[0] == '\0' && tree_save(t, saved, size, err) != 0)
		goto out;
	result = tree_put_away(t, err) == 0 ? tree_new(t, &oid, err) : -1;
out:
	if (result == 0)
		result = submodules_fill(t, &oid, err);
	t->inode = result == 0 && lstat(t->path, &st) == 0 ? st.st_ino : 0;
	if (result == 0)
		tree_settle(t);
	path_close(&t->lock);
	return result;
}

/*
 * Probes the tree and puts its repository right. Files without one get a new
 * one with HEAD at oid, or for NULL at any commit.
 */
static int
tree_find(struct tree *t, const git_oid *oid, enum tree_kind *kind, struct error *err)
{
	git_oid any;

	*kind = gitdir_probe(t);
	if (*kind == TREE_NONE)
		return 0;
	if (*kind != TREE_BROKEN) {
		if (gitdir_guard(t, err) != 0)
			return -1;
		/*
		 * No process holds these lock files: a tree is leased again
		 * only after the processes of its last owner have ended.
		 */
		file_drop(t->gitdir, "index.lock");
		file_drop(t->gitdir, "HEAD.lock");
		if (gitdir_readable(t))
			return 0;
	}
	if (oid == NULL) {
		if ((*kind == TREE_BROKEN || !gitdir_base(t, &any)) &&
		    tree_any_commit(t, &any, err) != 0)
			return -1;
		oid = &any;
	}
	if (*kind != TREE_BROKEN)
		return gitdir_scrub(t, oid, err);
	if (tree_recover(t, oid, err) != 0)
		return -1;
	*kind = gitdir_probe(t);
	return 0;
}

int
tree_recover(struct tree *t, const git_oid *oid, struct error *err)
{
	struct stat st;

	if (lstat(t->path, &st) == 0 && !S_ISDIR(st.st_mode))
		return trash_put(t, t->path, err);
	if (gitdir_add(t, oid, err) != 0)
		return -1;
	file_drop(t->gitdir, "drover-filling");
	return 0;
}

/*
 * Finds a commit for a tree whose own is unknown: that of the default branch,
 * else that of any branch.
 */
static int
tree_any_commit(const struct tree *t, git_oid *oid, struct error *err)
{
	git_reference_iterator *all = NULL;
	git_repository *mirror = NULL;
	git_reference *ref;
	int found;

	if (t->base[0] != '\0')
		return git2.oid_fromstr(oid, t->base);
	if (mirror_open(t, &mirror, err) != 0)
		return -1;
	found = git2.reference_name_to_id(oid, mirror, "refs/remotes/origin/HEAD") == 0;
	if (!found && git2.reference_iterator_glob_new(&all, mirror, "refs/remotes/*") == 0) {
		while (!found && git2.reference_next(&ref, all) == 0) {
			found = git2.reference_name_to_id(oid, mirror,
				    git2.reference_name(ref)) == 0;
			git2.reference_free(ref);
		}
		git2.reference_iterator_free(all);
	}
	git2.repository_free(mirror);
	return found ? 0 :
		       error_set(err, DROVER_INTERNAL, "the mirror %s has no branch", t->mirror);
}

static int
tree_new(struct tree *t, const git_oid *oid, struct error *err)
{
	if (gitdir_add(t, oid, err) != 0 || fill_reset(t, err) != 0 ||
	    gitdir_mark(t, false, err) != 0)
		return -1;
	return 0;
}

static int
tree_reuse(struct tree *t, bool warm, const git_oid *oid, char *saved, size_t size,
    struct error *err)
{
	struct fill_status status;
	int result = -1;

	if (fill_status(t, &status, err) != 0)
		return -1;
	if (((warm && !status.changed) || tree_save_all(t, &status, saved, size, err) == 0) &&
	    !t->unsaved)
		result = tree_order(t, &status, oid, err);
	fill_status_free(&status);
	return result;
}

int
tree_order(struct tree *t, const struct fill_status *status, const git_oid *oid, struct error *err)
{
	git_repository *repo = NULL;
	git_oid head;
	bool marked = gitdir_marked(t), there;

	if (gitdir_open(t, &repo, err) != 0)
		return -1;
	there = gitdir_head(t, repo, &head, NULL, 0) && git2.oid_equal(&head, oid) && !marked &&
	    !status->changed && !status->hidden;
	git2.repository_free(repo);
	if (gitdir_mark(t, true, err) != 0 || gitdir_scrub(t, oid, err) != 0)
		return -1;
	/* Their folders are emptied below. */
	file_drop(t->gitdir, "modules");
	if (status->hidden || marked)
		file_drop(t->gitdir, "index");
	if (!there && fill_reset(t, err) != 0)
		return -1;
	if ((status->changed || status->ignored || marked || status->links_len > 0) &&
	    fill_clean(t, status, err) != 0)
		return -1;
	return gitdir_mark(t, false, err);
}

/* Saves the work in the tree and its submodules; saved gets one ref of it. */
static int
tree_save_all(struct tree *t, const struct fill_status *status, char *saved, size_t size,
    struct error *err)
{
	char within[256];

	if (submodules_save(t, status, within, sizeof within, err) != 0 ||
	    wip_save(t, status, saved, size, err) != 0)
		return -1;
	if (saved[0] == '\0')
		snprintf(saved, size, "%s", within);
	return 0;
}

/* Saves what is in the tree, unless it is half of what drover puts there. */
static int
tree_save(struct tree *t, char *saved, size_t size, struct error *err)
{
	struct fill_status status;
	int rc;

	if (gitdir_marked(t))
		return 0;
	if (fill_status(t, &status, err) != 0)
		return -1;
	rc = tree_save_all(t, &status, saved, size, err);
	fill_status_free(&status);
	return rc;
}

const char *
tree_aside(struct tree *t)
{
	const char *id = strrchr(t->path, '/') + 1, *repo = id - 1;

	while (repo > t->path && repo[-1] != '/')
		repo--;
	if (t->aside == NULL)
		t->aside = xasprintf("%.*saside/%.*s-%s-%lld",
		    (int)(strrchr(t->trash, '/') + 1 - t->trash), t->trash, (int)(id - 1 - repo),
		    repo, id, (long long)clock_wall());
	return t->aside;
}

/* Moves the tree into the trash, or aside if something in it is not saved. */
static int
tree_put_away(struct tree *t, struct error *err)
{
	const char *to = tree_aside(t);
	char *folder = xstrndup(to, (size_t)(strrchr(to, '/') - to));
	int result = -1;

	if (!t->unsaved)
		result = trash_put(t, t->path, err);
	else if (path_mkdirs(folder, 0700, err) == 0) {
		/* A folder that is moved must be writable. */
		(void)chmod(t->path, 0700);
		result = rename(t->path, to) == 0 || errno == ENOENT ?
		    0 :
		    error_errno(err, DROVER_INTERNAL, "cannot put %s aside as %s", t->path, to);
		t->unsaved = false;
	}
	free(folder);
	return result;
}

int
tree_return(struct tree *t, char *saved, size_t size, struct error *err)
{
	struct fill_status status = { .changed = false }, after = { .changed = false };
	git_repository *repo = NULL;
	enum tree_kind kind;
	git_oid base;
	int result = -1;

	saved[0] = '\0';
	if (tree_enter(t, err) != 0)
		return -1;
	if (tree_find(t, NULL, &kind, err) != 0)
		goto out;
	if (kind != TREE_WHOLE) {
		error_set(err, DROVER_INTERNAL, "the tree %s does not exist", t->path);
		goto out;
	}
	if (fill_status(t, &status, err) != 0 || tree_save_all(t, &status, saved, size, err) != 0 ||
	    gitdir_open(t, &repo, err) != 0)
		goto out;
	if (t->unsaved) {
		if (tree_put_away(t, err) == 0)
			error_set(err, DROVER_INTERNAL,
			    "some of its files could not be saved, so it is put aside as %s",
			    t->aside);
		goto out;
	}
	if (!gitdir_base(t, &base) && !gitdir_head(t, repo, &base, NULL, 0) &&
	    tree_any_commit(t, &base, err) != 0)
		goto out;
	git2.oid_tostr(t->base, sizeof t->base, &base);
	if (tree_order(t, &status, &base, err) != 0)
		goto out;
	if (status.changed || status.ignored) {
		if (fill_status(t, &after, err) != 0)
			goto out;
		/* A file can differ from its commit just after its checkout. */
		if (after.ignored || (after.changed && !wip_is_clean(t, repo))) {
			error_set(err, DROVER_INTERNAL, "the tree %s is not clean after a reset",
			    t->path);
			goto out;
		}
	}
	result = 0;
out:
	fill_status_free(&status);
	fill_status_free(&after);
	git2.repository_free(repo);
	path_close(&t->lock);
	return result;
}

int
tree_remove(struct tree *t, char *saved, size_t size, struct error *err)
{
	enum tree_kind kind;
	char *lock = xasprintf("%s.lock", t->path), *half = xasprintf("%s.new", t->path),
	     *pack = xasprintf("%s.in", t->path);
	int result = -1;

	saved[0] = '\0';
	if (tree_enter(t, err) != 0)
		goto out;
	if (tree_find(t, NULL, &kind, err) != 0)
		goto out;
	if (kind == TREE_WHOLE && tree_save(t, saved, size, err) != 0)
		goto out;
	result = tree_put_away(t, err);
	/* What a killed process had not finished goes, too. */
	if (result == 0 && path_remove_tree(half, err) == 0 && path_remove_tree(pack, err) == 0)
		unlink(lock);
out:
	path_close(&t->lock);
	free(lock);
	free(half);
	free(pack);
	return result;
}

int
tree_head(struct tree *t, char *commit, size_t size, struct error *err)
{
	git_repository *repo = NULL;
	enum tree_kind kind = gitdir_probe(t);
	git_oid oid;
	int result = -1;

	if (kind != TREE_WHOLE)
		return error_set(err, DROVER_INTERNAL, "the tree %s does not exist", t->path);
	if (gitdir_guard(t, err) != 0 || gitdir_open(t, &repo, err) != 0)
		return -1;
	if (gitdir_head(t, repo, &oid, NULL, 0)) {
		git2.oid_tostr(commit, size, &oid);
		result = 0;
	} else
		error_set(err, DROVER_INTERNAL, "HEAD of the tree %s names no commit", t->path);
	git2.repository_free(repo);
	return result;
}

int
tree_keep(struct tree *t, const char *commit, uint64_t job, struct error *err)
{
	char name[64];
	git_oid oid;

	snprintf(name, sizeof name, "refs/drover/job/%llu", (unsigned long long)job);
	if (git2.oid_fromstr(&oid, commit) != 0)
		return error_set(err, DROVER_INTERNAL, "\"%.64s\" is not a commit hash", commit);
	if (wip_transfer(t, &oid, err) != 0)
		return -1;
	return mirror_ref_set(t, name, &oid, err);
}

int
tree_unkeep(struct tree *t, uint64_t job, struct error *err)
{
	char name[64];

	snprintf(name, sizeof name, "refs/drover/job/%llu", (unsigned long long)job);
	return mirror_ref_set(t, name, NULL, err);
}
