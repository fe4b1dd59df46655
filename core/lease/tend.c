/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a mirror as fast after thousands of jobs as after a few. The keeper
 * calls mirror_tend() in a sweep, when no job waits for the mirror: the packs
 * of many fetches become one, refs are packed, old records go, and so does what
 * dead processes left among the objects. Objects are never pruned, because
 * trees borrow them.
 */
#include <dirent.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"

#define PACKS_MAX 40       /* each fetch adds one, and a lookup may have to search all */
#define LOOSE_MAX 100      /* a list of refs opens the file of each loose one */
#define DAY_S (24 * 60 * 60)
#define WIP_SURE 200       /* so many saved works are kept, whatever their age */
#define WIP_MAX 2000
#define WIP_S (30 * DAY_S)
#define PUSHED_S (7 * DAY_S)
#define TEMPORARY_S (60 * 60)
#define PUSHED_REFS "refs/drover/pushed/"
#define PUSHING_REFS "refs/drover/pushing/"

struct tend_ref {
	char *name;
	int64_t at;        /* time of its commit, in seconds since 1970 */
};

struct tend_refs {
	struct tend_ref *list;
	size_t len;
};

static int tend_packs(const struct tree *, struct error *);
static int tend_pack_refs(const struct tree *, struct error *);
static int tend_locked(const struct tree *, const char *const *args, struct error *);
static int tend_count(const char *folder, const char *end, int max);
static int tend_wip(const struct tree *, git_repository *, struct error *);
static int tend_pushed(const struct tree *, git_repository *, const char *folder, struct error *);
static void tend_refs_read(struct tend_refs *, git_repository *, const char *folder);
static void tend_refs_free(struct tend_refs *);
static int tend_newer_first(const void *, const void *);
static void tend_temporary(const struct tree *);

int
mirror_tend(const struct tree *t, struct error *err)
{
	git_repository *repo = NULL;
	int result = mirror_guard(t, err);

	if (result == 0 && mirror_open(t, &repo, err) == 0 && tend_wip(t, repo, err) == 0 &&
	    tend_pushed(t, repo, PUSHED_REFS, err) == 0 &&
	    tend_pushed(t, repo, PUSHING_REFS, err) == 0 && tend_pack_refs(t, err) == 0)
		result = tend_packs(t, err);
	else
		result = -1;
	git2.repository_free(repo);
	tend_temporary(t);
	return result;
}

static int
tend_packs(const struct tree *t, struct error *err)
{
	static const char *const args[] = { "repack", "--quiet", "--geometric=2", "-d",
		"--no-write-bitmap-index", NULL };
	char *packs = path_join(t->mirror, "objects/pack");
	int result = 0;

	if (tend_count(packs, ".pack", PACKS_MAX) > PACKS_MAX)
		result = tend_locked(t, args, err);
	free(packs);
	return result;
}

static int
tend_pack_refs(const struct tree *t, struct error *err)
{
	static const char *const args[] = { "pack-refs", "--all", NULL };
	char *refs = path_join(t->mirror, "refs");
	int result = 0;

	if (tend_count(refs, "", LOOSE_MAX) > LOOSE_MAX)
		result = tend_locked(t, args, err);
	free(refs);
	return result;
}

/* Runs git while neither a fetch nor another process of drover writes refs. */
static int
tend_locked(const struct tree *t, const char *const *args, struct error *err)
{
	struct git_run run = { .tree = t, .gitdir = t->mirror };
	char *lock = xasprintf("%s.fetch", t->mirror);
	int fetch = -1, refs = -1, result = 0;

	if (git_found()) {
		result = lock_take(lock, &fetch, err);
		if (result == 0)
			result = mirror_lock(t, &refs, err);
		if (result == 0)
			result = git_must(&run, args, DROVER_INTERNAL, t->mirror, err);
	}
	path_close(&refs);
	path_close(&fetch);
	free(lock);
	return result;
}

/* Counts the files below a folder whose names end so, up to max + 1. */
static int
tend_count(const char *folder, const char *end, int max)
{
	char *const roots[] = { (char *)(uintptr_t)folder, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *entry;
	size_t len = strlen(end);
	int n = 0;

	while (walk != NULL && n <= max && (entry = fts_read(walk)) != NULL)
		n += entry->fts_info != FTS_D && entry->fts_info != FTS_DP &&
		    entry->fts_namelen >= len &&
		    strcmp(entry->fts_name + entry->fts_namelen - len, end) == 0;
	if (walk != NULL)
		fts_close(walk);
	return n;
}

static int
tend_wip(const struct tree *t, git_repository *repo, struct error *err)
{
	struct tend_refs refs = { .len = 0 };
	int64_t now = clock_wall() / 1000;
	int result = 0;

	tend_refs_read(&refs, repo, "refs/drover/wip/");
	if (refs.len > 0)
		qsort(refs.list, refs.len, sizeof *refs.list, tend_newer_first);
	for (size_t i = WIP_SURE; i < refs.len && result == 0; i++) {
		if (i >= WIP_MAX || now - refs.list[i].at > WIP_S)
			result = mirror_ref_set(t, refs.list[i].name, NULL, err);
	}
	tend_refs_free(&refs);
	return result;
}

/*
 * Forgets that drover pushed a branch which the remote does not have any more.
 * A young record stays, since the next fetch may bring the branch.
 */
static int
tend_pushed(const struct tree *t, git_repository *repo, const char *folder, struct error *err)
{
	struct tend_refs refs = { .len = 0 };
	int64_t now = clock_wall() / 1000;
	int result = 0;

	tend_refs_read(&refs, repo, folder);
	for (size_t i = 0; i < refs.len && result == 0; i++) {
		char *remote =
		    xasprintf("refs/remotes/origin/%s", refs.list[i].name + strlen(folder));
		git_oid there;

		if (now - refs.list[i].at > PUSHED_S && !mirror_ref_get(repo, remote, &there))
			result = mirror_ref_set(t, refs.list[i].name, NULL, err);
		free(remote);
	}
	tend_refs_free(&refs);
	return result;
}

/* Reads the refs of a folder that name commits. */
static void
tend_refs_read(struct tend_refs *refs, git_repository *repo, const char *folder)
{
	git_reference_iterator *all = NULL;
	git_reference *ref;
	git_commit *commit;
	char *glob = xasprintf("%s*", folder);

	if (git2.reference_iterator_glob_new(&all, repo, glob) == 0) {
		while (git2.reference_next(&ref, all) == 0) {
			commit = NULL;
			if (git2.reference_target(ref) != NULL &&
			    git2.commit_lookup(&commit, repo, git2.reference_target(ref)) == 0) {
				refs->list = xreallocarray(refs->list, refs->len + 1,
				    sizeof *refs->list);
				refs->list[refs->len++] =
				    (struct tend_ref){ xstrdup(git2.reference_name(ref)),
					    git2.commit_time(commit) };
			}
			git2.commit_free(commit);
			git2.reference_free(ref);
		}
		git2.reference_iterator_free(all);
	}
	free(glob);
}

static void
tend_refs_free(struct tend_refs *refs)
{
	for (size_t i = 0; i < refs->len; i++)
		free(refs->list[i].name);
	free(refs->list);
}

static int
tend_newer_first(const void *a, const void *b)
{
	const struct tend_ref *x = a, *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* git names its unfinished files tmp_*. */
static void
tend_temporary(const struct tree *t)
{
	char *objects = path_join(t->mirror, "objects");
	char *const roots[] = { objects, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int64_t now = clock_wall() / 1000;

	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_F && strncmp(entry->fts_name, "tmp_", 4) == 0 &&
		    now - (int64_t)entry->fts_statp->st_mtim.tv_sec > TEMPORARY_S)
			unlink(entry->fts_path);
	}
	if (walk != NULL)
		fts_close(walk);
	free(objects);
}
