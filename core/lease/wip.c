/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No work is ever lost: what is in a tree and nowhere else becomes a commit
 * under refs/drover/wip/ in the mirror before tree.c resets or removes the
 * tree. The commit is made through an index of its own, so that neither the
 * tree nor its index changes, whatever state a job left them in.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/files.h"
#include "lease/filters.h"
#include "lease/lfs.h"

#define STASH_MAX (1u << 20)
#define NAMES_MAX 200
#define NAME_SHOWN_MAX 60

/* Commits that these refs reach outlive the tree. */
static const char *const safe_refs[] = { "refs/remotes/*", "refs/tags/*", "refs/drover/pushed/*",
	"refs/drover/wip/*", "refs/drover/fetch/*" };

/* Saving what else is in a tree's repository. */
struct wip_more {
	struct tree *tree;
	git_repository *repo;
	int nth;                    /* number of the next wip ref of this lease */
	char *saved;                /* gets the first ref's name if it is empty */
	size_t size;
	const git_oid *known;       /* what it reaches is saved elsewhere; NULL: nothing is */
	int done;                   /* number of commits that were saved */
};

static int wip_copy_file(const char *from, const char *to, struct error *);
static int wip_snapshot_all(struct tree *, bool hidden, git_oid *, struct error *);
static int wip_unsaved(const struct tree *, git_repository *, const git_oid *,
    const git_oid *known);
static int wip_hide_known(const struct tree *, git_repository *mirror, git_revwalk *);
static int wip_take_in(struct tree *, const char *folder, const char *name, struct error *);
static int wip_commit_left(struct tree *, git_repository *, const git_oid *files,
    git_commit *parent, git_oid *made, struct error *);
static int wip_save_files(struct tree *, git_repository *, bool hidden, char *saved, size_t size,
    struct error *);
static int wip_save_commit(struct tree *, const git_oid *, int nth, char *saved, size_t size,
    struct error *);
static int wip_save_more(struct wip_more *, const git_oid *, struct error *);
static int wip_save_branches(struct wip_more *, struct buf *names, struct error *);
static int wip_save_stash(struct wip_more *, struct error *);

int
wip_snapshot(struct tree *t, bool hidden, struct takeup *up, git_oid *oid, char **index,
    struct error *err)
{
	char *from = path_join(t->gitdir, "index"),
	     *to = xasprintf("%s/drover-index.%ld", t->gitdir, (long)getpid());
	bool fresh = hidden || access(from, F_OK) != 0;
	struct takeup unsaid = { .inner = false };
	int result = -1;

	if (up == NULL)
		up = &unsaid;
	unlink(to);
	if (!fresh && wip_copy_file(from, to, err) != 0)
		goto out;
	result = takeup_index(t, to, fresh, up, oid, err);
	if (result != 0 && !fresh) {
		unlink(to);
		result = takeup_index(t, to, true, up, oid, err);
	}
	if (result != 0 && filters_give_up(t)) {
		unlink(to);
		result = takeup_index(t, to, true, up, oid, err);
	}
out:
	if (result == 0 && index != NULL)
		*index = to;
	else {
		unlink(to);
		free(to);
	}
	takeup_free(&unsaid);
	free(from);
	return result;
}

static int
wip_copy_file(const char *from, const char *to, struct error *err)
{
	struct buf data = BUF_INIT;
	int fd, result = path_read(from, 512u << 20, &data, err);

	if (result == 0) {
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 || path_write_all(fd, data.data, data.len) != 0)
			result = error_errno(err, DROVER_INTERNAL, "cannot write %s", to);
		path_close(&fd);
	}
	buf_free(&data);
	return result;
}

int
wip_snapshot_now(struct tree *t, struct takeup *up, git_oid *oid, char **index, bool *hidden,
    struct error *err)
{
	struct fill_status status = { 0 };
	int rc;

	if (fill_status(t, &status, err) != 0)
		return -1;
	*hidden = status.hidden;
	rc = wip_snapshot(t, status.hidden, up, oid, index, err);
	fill_status_free(&status);
	return rc;
}

int
wip_commit(const struct tree *t, git_repository *repo, const git_oid *files,
    const git_commit *parent, const char *message, git_oid *made, struct error *err)
{
	const git_commit *parents[] = { parent };
	git_signature *who = NULL;
	git_tree *tree = NULL;
	int r = author_signature(t, &who, err);

	if (r == 0 &&
	    (git2.tree_lookup(&tree, repo, files) != 0 ||
		git2.commit_create(made, repo, NULL, who, who, NULL, message, tree,
		    parent != NULL ? 1 : 0, parents) != 0))
		r = git_fail(DROVER_INTERNAL, err, "cannot commit in %s", t->path);
	git2.tree_free(tree);
	git2.signature_free(who);
	return r;
}

int
wip_diff(struct tree *t, git_repository *repo, const git_oid *commit, uint32_t flags,
    struct takeup *up, git_diff **diff, bool *hidden, struct error *err)
{
	git_diff_options options;
	git_tree *from = NULL, *to = NULL;
	git_oid now;
	int r = -1;

	git2.diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = flags;
	if (wip_snapshot_now(t, up, &now, NULL, hidden, err) == 0 &&
	    gitdir_tree_of(repo, commit, &from, err) == 0)
		r = git2.tree_lookup(&to, repo, &now) == 0 &&
			git2.diff_tree_to_tree(diff, repo, from, to, &options) == 0 ?
		    0 :
		    git_fail(DROVER_INTERNAL, err, "cannot compare the files in %s", t->path);
	git2.tree_free(from);
	git2.tree_free(to);
	return r;
}

/*
 * Returns 1 if neither a ref that outlives the tree nor the commit known, which
 * may be NULL, reaches the commit.
 */
static int
wip_unsaved(const struct tree *t, git_repository *repo, const git_oid *oid, const git_oid *known)
{
	git_revwalk *walk = NULL;
	git_reference_iterator *all = NULL;
	git_repository *mirror = NULL;
	git_commit *commit = NULL;
	git_reference *ref;
	git_oid base, next;
	int result = 1;

	if (git2.revwalk_new(&walk, repo) != 0 || git2.revwalk_push(walk, oid) != 0)
		goto out;
	if (gitdir_base(t, &base) && git2.commit_lookup(&commit, repo, &base) == 0)
		git2.revwalk_hide(walk, &base);
	git2.commit_free(commit);
	if (known != NULL)
		git2.revwalk_hide(walk, known);
	/* Only the mirror's refs count: a job can write its own. */
	if (mirror_open(t, &mirror, NULL) != 0)
		goto out;
	for (size_t i = 0; i < ARRAY_LEN(safe_refs); i++) {
		if (git2.reference_iterator_glob_new(&all, mirror, safe_refs[i]) != 0)
			continue;
		while (git2.reference_next(&ref, all) == 0) {
			git_object *tip = NULL;
			if (git2.reference_peel(&tip, ref, GIT_OBJECT_COMMIT) == 0)
				git2.revwalk_hide(walk, git2.object_id(tip));
			git2.object_free(tip);
			git2.reference_free(ref);
		}
		git2.reference_iterator_free(all);
	}
	result = git2.revwalk_next(&next, walk) == 0;
out:
	git2.revwalk_free(walk);
	git2.repository_free(mirror);
	return result;
}

/*
 * Hides the commits that the mirror has, with all that they reach. The tree's
 * own refs are not asked: a job could make them name what the mirror lacks.
 */
static int
wip_hide_known(const struct tree *t, git_repository *mirror, git_revwalk *walk)
{
	git_reference_iterator *all = NULL;
	git_commit *there = NULL;
	git_reference *ref;
	git_oid base;
	int rc = 0;

	if (gitdir_base(t, &base) && git2.commit_lookup(&there, mirror, &base) == 0)
		rc = git2.revwalk_hide(walk, &base);
	git2.commit_free(there);
	if (rc != 0 || git2.reference_iterator_glob_new(&all, mirror, "refs/remotes/*") != 0)
		return rc;
	while (git2.reference_next(&ref, all) == 0) {
		if (git2.reference_target(ref) != NULL)
			git2.revwalk_hide(walk, git2.reference_target(ref));
		git2.reference_free(ref);
	}
	git2.reference_iterator_free(all);
	return 0;
}

/*
 * Moves the pack that lies in the folder into the mirror. git first verifies it
 * as it does with a pack that a stranger sends: every object is well-formed,
 * and what it refers to is in the pack or in the mirror.
 */
static int
wip_take_in(struct tree *t, const char *folder, const char *name, struct error *err)
{
	static const char *const ends[] = { "pack", "idx" };
	char *file = xasprintf("%s/pack-%s.pack", folder, name);
	const char *const args[] = { "index-pack", "--strict", file, NULL };
	struct git_run run = { .tree = t, .gitdir = t->mirror };
	int result = git_found() ?
	    git_must(&run, args, DROVER_PERMANENT, "the job's commits are not valid", err) :
	    0;

	for (size_t i = 0; i < ARRAY_LEN(ends) && result == 0; i++) {
		char *from = xasprintf("%s/pack-%s.%s", folder, name, ends[i]),
		     *to = xasprintf("%s/objects/pack/pack-%s.%s", t->mirror, name, ends[i]);

		if (rename(from, to) != 0)
			result = error_errno(err, DROVER_INTERNAL, "cannot rename %s to %s", from,
			    to);
		free(from);
		free(to);
	}
	free(file);
	return result;
}

int
wip_transfer(struct tree *t, const git_oid *oid, struct error *err)
{
	git_repository *from = NULL, *mirror = NULL;
	git_packbuilder *pack = NULL;
	git_revwalk *walk = NULL;
	git_commit *there = NULL;
	char *folder = xasprintf("%s.in", t->path);
	int rc, result = -1;

	if (lfs_take_in(t, err) != 0 || mirror_open(t, &mirror, err) != 0 ||
	    gitdir_open(t, &from, err) != 0)
		goto out;
	if (git2.commit_lookup(&there, mirror, oid) == 0) {
		result = 0;
		goto out;
	}
	if (path_remove_tree(folder, err) != 0 || path_mkdirs(folder, 0700, err) != 0)
		goto out;
	rc = git2.revwalk_new(&walk, from);
	if (rc == 0)
		rc = git2.revwalk_push(walk, oid);
	if (rc == 0)
		rc = wip_hide_known(t, mirror, walk);
	if (rc == 0)
		rc = git2.packbuilder_new(&pack, from);
	if (rc == 0)
		rc = git2.packbuilder_insert_walk(pack, walk);
	if (rc == 0)
		rc = git2.packbuilder_write(pack, folder, 0, NULL, NULL);
	if (rc != 0)
		git_fail(DROVER_INTERNAL, err, "cannot copy the commits of %s into %s", t->path,
		    t->mirror);
	else
		result = wip_take_in(t, folder, git2.packbuilder_name(pack), err);
	(void)path_remove_tree(folder, NULL);
out:
	git2.commit_free(there);
	git2.packbuilder_free(pack);
	git2.revwalk_free(walk);
	git2.repository_free(from);
	git2.repository_free(mirror);
	free(folder);
	return result;
}

/* Takes up all that git can hold, and notes whether there is more. */
static int
wip_snapshot_all(struct tree *t, bool hidden, git_oid *oid, struct error *err)
{
	struct takeup up = { .inner = true };
	int result = wip_snapshot(t, hidden, &up, oid, NULL, err);

	t->unsaved = t->unsaved || up.missed_len > 0;
	takeup_free(&up);
	return result;
}

/* Makes a commit of the files as they are; parent may be NULL. */
static int
wip_commit_left(struct tree *t, git_repository *repo, const git_oid *files, git_commit *parent,
    git_oid *made, struct error *err)
{
	char *message = xasprintf("drover: what lease %llu left behind\n",
	    (unsigned long long)t->lease);
	int result = wip_commit(t, repo, files, parent, message, made, err);

	free(message);
	return result;
}

/*
 * Saves the files on the commit that the tree was prepared at: the job's own
 * commits are damaged or malformed, and do not get into the mirror.
 */
static int
wip_save_files(struct tree *t, git_repository *repo, bool hidden, char *saved, size_t size,
    struct error *err)
{
	git_commit *parent = NULL;
	git_oid base, snapshot, made;
	int result = -1;

	if (gitdir_base(t, &base))
		(void)git2.commit_lookup(&parent, repo, &base);
	if (wip_snapshot_all(t, hidden, &snapshot, err) == 0 &&
	    wip_commit_left(t, repo, &snapshot, parent, &made, err) == 0)
		result = wip_save_commit(t, &made, 0, saved, size, err);
	git2.commit_free(parent);
	return result;
}

int
wip_save(struct tree *t, const struct fill_status *status, char *saved, size_t size,
    struct error *err)
{
	git_repository *repo = NULL;
	git_commit *head = NULL;
	git_oid at, snapshot;
	struct wip_more more = { .tree = t, .nth = 1, .saved = saved, .size = size };
	int known, result = -1;
	bool changed = status->changed || status->hidden;
	struct error why = { .code = 0 };

	saved[0] = '\0';
	if (gitdir_marked(t))
		return 0;
	if (gitdir_open(t, &repo, err) != 0)
		return -1;
	more.repo = repo;
	known = gitdir_head(t, repo, &at, NULL, 0);
	if (known && git2.commit_lookup(&head, repo, &at) != 0)
		known = 0;
	/* git sees no change in a repository that the job has committed. */
	changed = changed || inner_may_be(t, status);
	if (changed) {
		if (wip_snapshot_all(t, status->hidden, &snapshot, err) != 0)
			goto out;
		changed = !known || !git2.oid_equal(git2.commit_tree_id(head), &snapshot);
	}
	if (changed && wip_commit_left(t, repo, &snapshot, head, &at, err) != 0)
		goto out;
	if ((changed || (known && wip_unsaved(t, repo, &at, NULL))) &&
	    wip_save_commit(t, &at, 0, saved, size, &why) != 0 &&
	    (why.code == DROVER_AGAIN ||
		wip_save_files(t, repo, status->hidden, saved, size, NULL) != 0)) {
		if (err != NULL)
			*err = why;
		goto out;
	}
	result = wip_save_branches(&more, NULL, err);
	if (result == 0)
		result = wip_save_stash(&more, err);
out:
	git2.commit_free(head);
	git2.repository_free(repo);
	return result;
}

/*
 * Saves one more commit of the tree unless it is safe already, or damaged and
 * does not get into the mirror.
 */
static int
wip_save_more(struct wip_more *more, const git_oid *oid, struct error *err)
{
	struct error why = { .code = 0 };
	char name[256];

	if (!wip_unsaved(more->tree, more->repo, oid, more->known))
		return 0;
	if (wip_save_commit(more->tree, oid, more->nth++, name, sizeof name, &why) == 0) {
		if (more->saved[0] == '\0')
			snprintf(more->saved, more->size, "%s", name);
		more->done++;
	} else if (why.code == DROVER_AGAIN) {
		if (err != NULL)
			*err = why;
		return -1;
	}
	return 0;
}

/* names (may be NULL) gets the branches that were saved. */
static int
wip_save_branches(struct wip_more *more, struct buf *names, struct error *err)
{
	git_reference_iterator *all = NULL;
	git_reference *ref;
	int result = 0, before;

	if (git2.reference_iterator_glob_new(&all, more->repo, "refs/heads/*") != 0)
		return 0;
	while (result == 0 && git2.reference_next(&ref, all) == 0) {
		const char *name = git2.reference_name(ref) + strlen("refs/heads/");

		before = more->done;
		if (git2.reference_target(ref) != NULL)
			result = wip_save_more(more, git2.reference_target(ref), err);
		if (names != NULL && more->done > before && names->len < NAMES_MAX) {
			buf_adds(names, names->len > 0 ? ", branch " : "branch ");
			text_show(names, name, strlen(name), NAME_SHOWN_MAX);
		}
		git2.reference_free(ref);
	}
	git2.reference_iterator_free(all);
	return result;
}

/* The stash is a log: each line begins with the commit before and the commit. */
static int
wip_save_stash(struct wip_more *more, struct error *err)
{
	char *path = path_join(more->tree->gitdir, "logs/refs/stash"), *line, *end;
	struct buf log = BUF_INIT;
	struct stat st;
	git_oid oid;
	int result = 0;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    path_read(path, STASH_MAX, &log, NULL) == 0) {
		for (line = log.data; result == 0 && line != NULL; line = end) {
			end = strchr(line, '\n');
			if (end != NULL && end++ - line > 2 * GIT_OID_HEXSZ &&
			    git2.oid_fromstrn(&oid, line + GIT_OID_HEXSZ + 1, GIT_OID_HEXSZ) == 0)
				result = wip_save_more(more, &oid, err);
		}
	}
	buf_free(&log);
	free(path);
	return result;
}

int
wip_save_refs(struct tree *t, git_repository *repo, struct buf *what, struct error *err)
{
	char first[256] = "";
	struct wip_more more = { .tree = t, .repo = repo, .saved = first, .size = sizeof first };
	struct buf names = BUF_INIT;
	git_oid head;
	int result, stashes;

	if (gitdir_head(t, repo, &head, NULL, 0))
		more.known = &head;
	result = wip_save_stash(&more, err);
	stashes = more.done;
	if (result == 0)
		result = wip_save_branches(&more, &names, err);
	if (stashes > 0)
		buf_addf(what, "%d stash %s%s", stashes, stashes == 1 ? "entry" : "entries",
		    names.len > 0 ? ", " : "");
	if (more.done > 0)
		buf_addf(what, "%s, saved as %s%s", buf_str(&names), first,
		    more.done > 1 ? " and the next" : "");
	buf_free(&names);
	return result;
}

bool
wip_is_clean(struct tree *t, git_repository *repo)
{
	git_commit *commit = NULL;
	git_oid head, now;
	bool clean = gitdir_head(t, repo, &head, NULL, 0) &&
	    git2.commit_lookup(&commit, repo, &head) == 0 &&
	    wip_snapshot(t, false, NULL, &now, NULL, NULL) == 0 &&
	    git2.oid_equal(git2.commit_tree_id(commit), &now);

	git2.commit_free(commit);
	return clean;
}

static int
wip_save_commit(struct tree *t, const git_oid *oid, int nth, char *saved, size_t size,
    struct error *err)
{
	git_repository *mirror = NULL;
	git_oid there;
	int64_t now = clock_wall();
	int result = -1;

	if (wip_transfer(t, oid, err) != 0 || mirror_open(t, &mirror, err) != 0)
		return -1;
	for (int i = nth;; i++) {
		if (i == 0)
			snprintf(saved, size, "refs/drover/wip/%llu-%lld",
			    (unsigned long long)t->lease, (long long)now);
		else
			snprintf(saved, size, "refs/drover/wip/%llu-%lld-%d",
			    (unsigned long long)t->lease, (long long)now, i);
		if (!mirror_ref_get(mirror, saved, &there) || git2.oid_equal(&there, oid))
			break;
	}
	result = mirror_ref_set(t, saved, oid, err);
	if (result != 0)
		saved[0] = '\0';
	git2.repository_free(mirror);
	return result;
}
