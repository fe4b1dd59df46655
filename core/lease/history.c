/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the history of a tree took in while an agent worked in it. Agents
 * commit, merge, rebase and reset. squash.c makes one commit of all that, and
 * asks here what its parents are, so that commits of the remote never become
 * the agent's own work.
 *
 * A commit is the remote's when one of the remote's refs reaches it, as drover
 * itself has fetched them; every other commit is the agent's own. Names, dates
 * and refs in the tree's repository are not asked, because a job can write them
 * as it likes. The parents are the newest commits of the remote from which the
 * agent's own commits start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/files.h"

#define MERGE_HEAD_MAX 4096
#define BRANCH_PREFIX  "refs/remotes/origin/"

/* The refs of the remote, as the mirror has them. */
static const char *const remote_refs[] = { BRANCH_PREFIX "*", "refs/tags/*",
	"refs/drover/fetch/*" };

struct oids {
	git_oid *list;
	size_t len, size;
};

struct walk {
	struct tree *tree;
	git_repository *repo, *mirror;
	const git_oid *base;
	struct oids tips; /* HEAD, and what an unfinished merge takes in */
	struct oids own;  /* the agent's own commits, sorted */
	/*
	 * commits of the remote from which the own ones start, none of which
	 * another one contains
	 */
	struct oids starts;
};

static void oids_add(struct oids *, const git_oid *);
static bool oids_has(const struct oids *, const git_oid *);
static int oid_compare(const void *, const void *);
static bool history_contains(git_repository *, const git_oid *, const git_oid *);
static void history_read_tips(struct walk *);
static int history_each_ref(struct walk *,
    bool (*visit)(struct walk *, const char *name, const git_oid *, void *), void *arg);
static bool history_hide(struct walk *, const char *, const git_oid *, void *);
static int history_find_own(struct walk *, struct error *);
static int history_find_starts(struct walk *, struct error *);
static void history_reduce(struct walk *);
static bool history_shared_branch(struct walk *, const char *, const git_oid *, void *);
static bool history_on_base(struct walk *, const git_oid *, const git_oid *remote_base);
static bool history_name(struct walk *, const char *, const git_oid *, void *);
static int history_refuse(struct walk *, const git_oid *, const git_oid *remote_base,
    struct error *);
static int history_choose(struct walk *, struct history *, struct error *);
static int history_choose_onto(struct walk *, const char *branch, struct history *, struct error *);
static int history_put(struct history *, const git_oid *, struct error *);

static void
oids_add(struct oids *oids, const git_oid *oid)
{
	oids->list = xgrow(oids->list, oids->len + 1, &oids->size, sizeof *oids->list);
	oids->list[oids->len++] = *oid;
}

static int
oid_compare(const void *a, const void *b)
{
	return memcmp(((const git_oid *)a)->id, ((const git_oid *)b)->id, GIT_OID_RAWSZ);
}

/* For sorted ones. */
static bool
oids_has(const struct oids *oids, const git_oid *oid)
{
	return oids->len > 0 &&
	    bsearch(oid, oids->list, oids->len, sizeof *oids->list, oid_compare) != NULL;
}

/* True when the commit is the other one or descends from it. */
static bool
history_contains(git_repository *repo, const git_oid *commit, const git_oid *other)
{
	return git2.oid_equal(commit, other) || git2.graph_descendant_of(repo, commit, other) == 1;
}

/* An agent may have left a merge that is complete but for its commit. */
static void
history_read_tips(struct walk *w)
{
	char *path = path_join(w->tree->gitdir, "MERGE_HEAD");
	struct buf text = BUF_INIT;
	git_commit *commit = NULL;
	struct stat st;
	git_oid oid;

	if (gitdir_head(w->tree, w->repo, &oid, NULL, 0))
		oids_add(&w->tips, &oid);
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    path_read(path, MERGE_HEAD_MAX, &text, NULL) == 0) {
		for (const char *line = buf_str(&text); strlen(line) >= GIT_OID_HEXSZ;
		     line += strcspn(line, "\n"), line += *line == '\n') {
			if (git2.oid_fromstrn(&oid, line, GIT_OID_HEXSZ) != 0 ||
			    git2.commit_lookup(&commit, w->repo, &oid) != 0)
				break;
			git2.commit_free(commit);
			oids_add(&w->tips, &oid);
		}
	}
	buf_free(&text);
	free(path);
}

/*
 * Calls visit for the commit of each ref of the remote until it returns true.
 * Returns 1 in that case, else 0.
 */
static int
history_each_ref(struct walk *w,
    bool (*visit)(struct walk *, const char *, const git_oid *, void *), void *arg)
{
	git_reference_iterator *all;
	git_reference *ref;
	git_object *commit;
	int found = 0;

	for (size_t i = 0; i < ARRAY_LEN(remote_refs) && !found; i++) {
		all = NULL;
		if (git2.reference_iterator_glob_new(&all, w->mirror, remote_refs[i]) != 0)
			continue;
		while (!found && git2.reference_next(&ref, all) == 0) {
			commit = NULL;
			if (git2.reference_type(ref) != GIT_REFERENCE_SYMBOLIC &&
			    git2.reference_peel(&commit, ref, GIT_OBJECT_COMMIT) == 0)
				found =
				    visit(w, git2.reference_name(ref), git2.object_id(commit), arg);
			git2.object_free(commit);
			git2.reference_free(ref);
		}
		git2.reference_iterator_free(all);
	}
	return found;
}

static bool
history_hide(struct walk *w, const char *name, const git_oid *oid, void *arg)
{
	(void)w;
	(void)name;
	(void)git2.revwalk_hide(arg, oid);
	return false;
}

static int
history_find_own(struct walk *w, struct error *err)
{
	git_revwalk *walk = NULL;
	git_oid oid;
	int rc = git2.revwalk_new(&walk, w->repo);

	for (size_t i = 0; i < w->tips.len && rc == 0; i++)
		rc = git2.revwalk_push(walk, &w->tips.list[i]);
	if (rc == 0)
		rc = git2.revwalk_hide(walk, w->base);
	if (rc == 0)
		history_each_ref(w, history_hide, walk);
	while (rc == 0 && (rc = git2.revwalk_next(&oid, walk)) == 0)
		oids_add(&w->own, &oid);
	git2.revwalk_free(walk);
	if (rc != GIT_ITEROVER)
		return git_fail(DROVER_INTERNAL, err, "cannot read the commits of %s",
		    w->tree->path);
	if (w->own.len > 1)
		qsort(w->own.list, w->own.len, sizeof *w->own.list, oid_compare);
	return 0;
}

static int
history_find_starts(struct walk *w, struct error *err)
{
	git_commit *commit;

	for (size_t i = 0; i < w->tips.len; i++) {
		if (!oids_has(&w->own, &w->tips.list[i]))
			oids_add(&w->starts, &w->tips.list[i]);
	}
	for (size_t i = 0; i < w->own.len; i++) {
		if (git2.commit_lookup(&commit, w->repo, &w->own.list[i]) != 0)
			return git_fail(DROVER_INTERNAL, err, "cannot read the commits of %s",
			    w->tree->path);
		for (unsigned n = 0; n < git2.commit_parentcount(commit); n++) {
			const git_oid *parent = git2.commit_parent_id(commit, n);

			if (!oids_has(&w->own, parent))
				oids_add(&w->starts, parent);
		}
		git2.commit_free(commit);
	}
	history_reduce(w);
	return 0;
}

/* Removes the starts that another start contains. */
static void
history_reduce(struct walk *w)
{
	struct oids *s = &w->starts;
	size_t len = 0;

	if (s->len > 1)
		qsort(s->list, s->len, sizeof *s->list, oid_compare);
	for (size_t i = 0; i < s->len; i++) {
		if (len == 0 || !git2.oid_equal(&s->list[i], &s->list[len - 1]))
			s->list[len++] = s->list[i];
	}
	s->len = len;
	for (size_t i = 0; i < s->len;) {
		size_t other = 0;

		while (other < s->len &&
		    git2.graph_descendant_of(w->repo, &s->list[other], &s->list[i]) != 1)
			other++;
		if (other < s->len)
			s->list[i] = s->list[--s->len];
		else
			i++;
	}
}

/* True for a branch that contains the base, and the commit in arg. */
static bool
history_shared_branch(struct walk *w, const char *name, const git_oid *tip, void *arg)
{
	return strncmp(name, BRANCH_PREFIX, strlen(BRANCH_PREFIX)) == 0 &&
	    history_contains(w->mirror, tip, w->base) && history_contains(w->mirror, tip, arg);
}

/*
 * True when a commit of the remote is in the branch that the change goes to:
 * the base branch, or for work that began elsewhere a branch it began on.
 */
static bool
history_on_base(struct walk *w, const git_oid *oid, const git_oid *remote_base)
{
	git_oid commit = *oid;

	if (history_contains(w->mirror, remote_base, oid))
		return true;
	return !history_contains(w->mirror, remote_base, w->base) &&
	    history_each_ref(w, history_shared_branch, &commit);
}

struct history_named {
	const git_oid *commit;
	char name[101];
};

static bool
history_name(struct walk *w, const char *name, const git_oid *tip, void *arg)
{
	struct history_named *named = arg;
	const char *at = strncmp(name, BRANCH_PREFIX, strlen(BRANCH_PREFIX)) == 0 ?
	    name + strlen(BRANCH_PREFIX) :
	    name;

	if (!history_contains(w->mirror, tip, named->commit))
		return false;
	text_show_in(named->name, sizeof named->name, at, strlen(at));
	return true;
}

static int
history_refuse(struct walk *w, const git_oid *oid, const git_oid *remote_base, struct error *err)
{
	struct history_named named = { .commit = oid, .name = "the remote" };
	const char *base = w->tree->repo->base;
	git_revwalk *walk = NULL;
	size_t commits = 0;
	git_oid next;

	history_each_ref(w, history_name, &named);
	if (git2.revwalk_new(&walk, w->mirror) == 0 && git2.revwalk_push(walk, oid) == 0 &&
	    git2.revwalk_hide(walk, remote_base) == 0 && git2.revwalk_hide(walk, w->base) == 0) {
		while (git2.revwalk_next(&next, walk) == 0)
			commits++;
	}
	git2.revwalk_free(walk);
	return error_set(err, DROVER_HUMAN,
	    "the agent took in %zu commit%s of %s, which %s not in %s: the change would bring "
	    "them along. Run the job again when they are in, or push the kept work by hand",
	    commits, commits == 1 ? "" : "s", named.name, commits == 1 ? "is" : "are",
	    base != NULL ? base : "the default branch");
}

static int
history_put(struct history *history, const git_oid *oid, struct error *err)
{
	if (history->len == ARRAY_LEN(history->parents))
		return error_set(err, DROVER_HUMAN,
		    "the agent merged more than %zu branches at once",
		    ARRAY_LEN(history->parents) - 1);
	history->parents[history->len++] = *oid;
	return 0;
}

/*
 * Chooses the parents of a change with a branch of its own. The base stays one
 * only when nothing that was taken in contains it.
 */
static int
history_choose(struct walk *w, struct history *history, struct error *err)
{
	struct oids *starts = &w->starts;
	bool newer = false, has_base = false;
	git_oid remote_base;

	for (size_t i = 0; i < starts->len; i++) {
		has_base = has_base || git2.oid_equal(&starts->list[i], w->base);
		newer = newer || !history_contains(w->repo, w->base, &starts->list[i]);
	}
	/*
	 * Commits on an older state of the branch stay there. Where HEAD was
	 * only moved back, the older files are the change.
	 */
	if (!newer)
		return history_put(history,
		    starts->len == 1 && w->own.len > 0 ? &starts->list[0] : w->base, err);
	if (mirror_resolve(w->tree, NULL, &remote_base, err) != 0 ||
	    (has_base && history_put(history, w->base, err) != 0))
		return -1;
	for (size_t i = 0; i < starts->len; i++) {
		if (history_contains(w->repo, w->base, &starts->list[i]))
			continue;
		if (!history_on_base(w, &starts->list[i], &remote_base))
			return history_refuse(w, &starts->list[i], &remote_base, err);
		if (history_put(history, &starts->list[i], err) != 0)
			return -1;
	}
	return 0;
}

/*
 * Chooses the parents of a change onto a branch of other people: the tip of
 * that branch first, since it must not lose a commit, and then whatever else of
 * the remote was merged.
 */
static int
history_choose_onto(struct walk *w, const char *branch, struct history *history, struct error *err)
{
	char *name = xasprintf(BRANCH_PREFIX "%s", branch);
	const struct oids *starts = &w->starts;
	git_oid tip, first = *w->base;
	bool there = mirror_ref_get(w->mirror, name, &tip);
	int result;

	free(name);
	for (size_t i = 0; i < starts->len && there; i++) {
		if (history_contains(w->repo, &starts->list[i], &first) &&
		    history_contains(w->mirror, &tip, &starts->list[i]))
			first = starts->list[i];
	}
	result = history_put(history, &first, err);
	for (size_t i = 0; i < starts->len && result == 0; i++) {
		if (!history_contains(w->repo, &first, &starts->list[i]))
			result = history_put(history, &starts->list[i], err);
	}
	return result;
}

int
history_read(struct tree *t, git_repository *repo, const git_oid *base, const char *onto,
    struct history *history, struct error *err)
{
	char *fetched = path_join(t->gitdir, "FETCH_HEAD");
	struct walk w = { .tree = t, .repo = repo, .base = base };
	struct stat st;
	int result = -1;

	history->len = 0;
	history_read_tips(&w);
	if (w.tips.len == 0 || (w.tips.len == 1 && git2.oid_equal(&w.tips.list[0], base))) {
		result = history_put(history, base, err);
		goto out;
	}
	/*
	 * The agent may have fetched what is newer than the mirror, and only
	 * the remote can tell that from the agent's own commits.
	 */
	if (lstat(fetched, &st) == 0 && tree_fetch(t, err) != 0)
		goto out;
	if (mirror_open(t, &w.mirror, err) == 0 && history_find_own(&w, err) == 0 &&
	    history_find_starts(&w, err) == 0)
		result = onto != NULL ? history_choose_onto(&w, onto, history, err) :
					history_choose(&w, history, err);
out:
	git2.repository_free(w.mirror);
	free(w.tips.list);
	free(w.own.list);
	free(w.starts.list);
	free(fetched);
	return result;
}
