/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushing a commit of a tree to its repo, for host/git.c and the last step of a
 * change. The commit is named by its id and pushed from the mirror: what a
 * job's processes do to HEAD meanwhile has no effect. A push looks at the
 * remote's branch, decides whether it may change it, and pushes with the commit
 * that it saw: the remote compares that itself, so a push by someone else in
 * between is never overwritten.
 *
 * tree_push() pushes to a branch under drover/. It records in
 * refs/drover/pushing/BRANCH of the mirror what it is about to push and in
 * refs/drover/pushed/BRANCH what it has pushed, and overwrites nothing else.
 * tree_push_onto() adds commits on top of a branch of other people and starts
 * again when it lost a race.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "lease/files.h"
#include "lease/filters.h"
#include "lease/lfs.h"

#define PUSH_RACES_MAX 3

struct push {
	struct tree *tree;
	git_repository *mirror;
	const char *branch;
	char *remote_ref;               /* refs/heads/BRANCH */
	char *pushed, *pushing, *local; /* refs of the mirror */
	git_oid commit;
	/* the branch's commit at the remote now; zero if there is no branch */
	git_oid there;
	bool onto;                      /* the push goes on top of a branch of other people */
	bool head;                      /* the branch is the remote's HEAD */
	bool moved;                     /* the branch is no longer at the tree's base */
	bool raced;                     /* the branch changed between look and push */
	char *refused;                  /* why the remote refused the branch, or NULL */
};

/* For libgit2's callbacks, which share one argument. */
struct remote_push {
	struct remote_auth auth;
	struct push *push;
};

static int push_init(struct push *, struct tree *, const char *commit, const char *branch,
    struct error *);
static int push_check(struct push *, struct error *);
static void push_free(struct push *);
static int push_run(struct push *, struct error *);
static int push_once(struct push *, bool by_cli, struct error *);
static int push_allowed(struct push *, struct error *);
static int push_allowed_onto(struct push *, struct error *);
static bool push_names_head(git_repository *, const char *branch);
static int push_by_cli(struct push *, struct error *);
static int push_cli_look(struct push *, const char *secret, struct error *);
static int push_by_libgit2(struct push *, struct error *);
static int push_status(const char *ref, const char *status, void *arg);
static int push_refused(struct push *, const char *said, struct error *);

static int
push_init(struct push *push, struct tree *t, const char *commit, const char *branch,
    struct error *err)
{
	*push = (struct push){ .tree = t, .branch = branch };
	if (git2.oid_fromstr(&push->commit, commit) != 0)
		return error_set(err, DROVER_INTERNAL, "\"%.64s\" is not a commit hash", commit);
	if (wip_transfer(t, &push->commit, err) != 0 || mirror_open(t, &push->mirror, err) != 0 ||
	    push_check(push, err) != 0)
		return -1;
	push->remote_ref = xasprintf("refs/heads/%s", branch);
	push->pushed = xasprintf("refs/drover/pushed/%s", branch);
	push->pushing = xasprintf("refs/drover/pushing/%s", branch);
	push->local = xasprintf("refs/drover/push/%llu", (unsigned long long)t->lease);
	return 0;
}

/* The commit may be one that the agent made by itself. */
static int
push_check(struct push *push, struct error *err)
{
	struct tree *t = push->tree;
	git_tree *files = NULL, *parents[HISTORY_PARENTS_MAX] = { NULL };
	git_commit *commit = NULL;
	size_t n = 0;
	int result = filters_learn_commit(t, push->mirror, &push->commit, err) < 0 ? -1 : 0;

	if (result == 0 && git2.commit_lookup(&commit, push->mirror, &push->commit) != 0)
		result = git_fail(DROVER_INTERNAL, err, "reading a commit");
	/*
	 * The first parent may be the agent's own, the others are the remote's.
	 */
	for (unsigned i = 1; result == 0 && i < git2.commit_parentcount(commit) &&
	     n < HISTORY_PARENTS_MAX; i++, n++)
		result = gitdir_tree_of(push->mirror, git2.commit_parent_id(commit, i), &parents[n],
		    err);
	if (result == 0)
		result = gitdir_tree_of(push->mirror, &push->commit, &files, err);
	if (result == 0)
		result = unfiltered_check(t, t->mirror, git2.tree_id(files), parents, n, err);
	for (size_t i = 0; i < n; i++)
		git2.tree_free(parents[i]);
	git2.tree_free(files);
	git2.commit_free(commit);
	return result;
}

static void
push_free(struct push *push)
{
	git2.repository_free(push->mirror);
	free(push->remote_ref);
	free(push->pushed);
	free(push->pushing);
	free(push->local);
	free(push->refused);
}

static int
push_run(struct push *push, struct error *err)
{
	const struct config_repo *repo = push->tree->repo;
	const char *local = remote_local_path(repo->url);
	bool by_cli = git_found() && (remote_by_cli(repo) || local != NULL);
	struct error why = { .code = 0 };
	int result;

	if (local != NULL && access(local, F_OK) != 0)
		return error_errno(err, DROVER_CONFIG, "cannot push to repo %s: %s", repo->name,
		    local);
	if (!by_cli && remote_by_cli(repo))
		return error_set(err, DROVER_CONFIG,
		    "repo %s needs git to push, which is not in PATH: "
		    "install it, or use an https url",
		    repo->name);
	result = push_once(push, by_cli, &why);
	if (result != 0 && remote_renew(push->tree, &why))
		result = push_once(push, by_cli, &why);
	if (result != 0 && err != NULL)
		*err = why;
	return result;
}

static int
push_once(struct push *push, bool by_cli, struct error *err)
{
	/* Pointers that are pushed must have their objects at the remote. */
	if (filters_mention(push->tree, LFS_FILTER) &&
	    lfs_push(push->tree, &push->commit, err) != 0)
		return -1;
	return by_cli ? push_by_cli(push, err) : push_by_libgit2(push, err);
}

int
tree_push(struct tree *t, const char *commit, const char *branch, struct error *err)
{
	struct push push;
	int result = -1;

	if (!text_is_branch(branch, "drover/"))
		return error_set(err, DROVER_PERMANENT, "\"%.100s\" is not a branch under drover/",
		    branch);
	if (push_init(&push, t, commit, branch, err) == 0)
		result = push_run(&push, err);
	if (result == 0 && mirror_ref_set(t, push.pushed, &push.commit, err) != 0)
		result = -1;
	if (result == 0)
		result = mirror_ref_set(t, push.pushing, NULL, err);
	push_free(&push);
	return result;
}

int
tree_push_onto(struct tree *t, const char *commit, const char *branch, struct error *err)
{
	struct push push;
	int result;

	if (!text_is_branch(branch, NULL))
		return error_set(err, DROVER_PERMANENT, "\"%.100s\" is not a valid branch name",
		    branch);
	result = push_init(&push, t, commit, branch, err);
	push.onto = true;
	/*
	 * After a lost race look again: the branch has moved, is gone, or has
	 * the commit already.
	 */
	for (int i = 0; result == 0 && i < PUSH_RACES_MAX; i++) {
		push.moved = push.raced = false;
		free(push.refused);
		push.refused = NULL;
		result = push_run(&push, err);
		if (result == 0 || !push.raced)
			break;
		result = i + 1 < PUSH_RACES_MAX ? 0 : -1;
	}
	if (result != 0 && push.moved)
		result = tree_fetch(t, err) == 0 ? tree_onto(t, branch, commit, commit, err) : -1;
	/*
	 * If this fails, the commit is only saved once more when the tree comes
	 * back: the remote has it.
	 */
	if (result == 0)
		(void)mirror_ref_set(t, push.pushed, &push.commit, NULL);
	push_free(&push);
	return result;
}

int
tree_onto(struct tree *t, const char *branch, const char *base, const char *commit,
    struct error *err)
{
	git_repository *mirror = NULL;
	git_oid tip, ours;
	char *name;
	int result = -1;

	if (mirror_open(t, &mirror, err) != 0)
		return -1;
	name = xasprintf("refs/remotes/origin/%s", branch);
	if (push_names_head(mirror, branch))
		error_set(err, DROVER_PERMANENT,
		    "%s is the main branch of repo %s: drover does not push onto it", branch,
		    t->repo->name);
	else if (!mirror_ref_get(mirror, name, &tip))
		error_set(err, DROVER_PERMANENT, "branch %s of repo %s is gone", branch,
		    t->repo->name);
	else if (git2.oid_fromstr(&ours, base) == 0 && git2.oid_equal(&tip, &ours))
		result = 0;
	else if (commit[0] != '\0' && git2.oid_fromstr(&ours, commit) == 0 &&
	    (git2.oid_equal(&tip, &ours) || git2.graph_descendant_of(mirror, &tip, &ours) == 1))
		result = 0;
	else
		result = 1;
	git2.repository_free(mirror);
	free(name);
	return result;
}

static bool
push_names_head(git_repository *mirror, const char *branch)
{
	git_reference *head = NULL;
	const char *target;
	bool yes = false;

	if (git2.reference_lookup(&head, mirror, "refs/remotes/origin/HEAD") == 0 &&
	    (target = git2.reference_symbolic_target(head)) != NULL)
		yes = strncmp(target, "refs/remotes/origin/", 20) == 0 &&
		    strcmp(target + 20, branch) == 0;
	git2.reference_free(head);
	return yes;
}

/* Like push_allowed(), but returns -1 without an error if it sets moved. */
static int
push_allowed_onto(struct push *push, struct error *err)
{
	const char *repo = push->tree->repo->name;
	git_oid base;

	if (push->head || push_names_head(push->mirror, push->branch))
		return error_set(err, DROVER_PERMANENT,
		    "%s is the main branch of repo %s: drover does not push onto it", push->branch,
		    repo);
	if (git2.oid_is_zero(&push->there))
		return error_set(err, DROVER_PERMANENT, "branch %s of repo %s is gone",
		    push->branch, repo);
	if (git2.oid_equal(&push->there, &push->commit))
		return 0;
	/*
	 * Only the base itself is accepted: a commit of drover's that was taken
	 * off the branch meanwhile must not come back.
	 */
	push->moved =
	    git2.oid_fromstr(&base, push->tree->base) != 0 || !git2.oid_equal(&push->there, &base);
	return push->moved ? -1 : 1;
}

/*
 * Returns 1 if the push is allowed, 0 if the branch has the commit already, or
 * -1 if the branch is not drover's.
 */
static int
push_allowed(struct push *push, struct error *err)
{
	git_oid ours;
	git_commit *there = NULL;
	int onto = 0;

	if (push->onto)
		return push_allowed_onto(push, err);
	if (git2.oid_equal(&push->there, &push->commit))
		return 0;
	if (!git2.oid_is_zero(&push->there)) {
		onto = (mirror_ref_get(push->mirror, push->pushed, &ours) &&
			   git2.oid_equal(&ours, &push->there)) ||
		    (mirror_ref_get(push->mirror, push->pushing, &ours) &&
			git2.oid_equal(&ours, &push->there));
		/*
		 * A commit that ours contains is not lost by the push either.
		 */
		if (!onto && git2.commit_lookup(&there, push->mirror, &push->there) == 0)
			onto = git2.graph_descendant_of(push->mirror, &push->commit,
				   &push->there) == 1;
		git2.commit_free(there);
		if (!onto) {
			char hex[GIT_OID_HEXSZ + 1];

			return error_set(err, DROVER_PERMANENT,
			    "branch %s of repo %s is at %.12s, which drover did not push: "
			    "remove the branch, or merge that commit",
			    push->branch, push->tree->repo->name,
			    git2.oid_tostr(hex, sizeof hex, &push->there));
		}
	}
	/*
	 * The record comes first: after a crash between it and the push, the
	 * branch is still known to be drover's.
	 */
	return mirror_ref_set(push->tree, push->pushing, &push->commit, err) == 0 ? 1 : -1;
}

static int
push_by_cli(struct push *push, struct error *err)
{
	char commit[GIT_OID_HEXSZ + 1], there[GIT_OID_HEXSZ + 1], *lease = NULL, *spec = NULL,
								  *secret = NULL;
	const struct tree *t = push->tree;
	struct buf out = BUF_INIT;
	struct git_run run = { .tree = t,
		.gitdir = t->mirror,
		.user = remote_by_cli(t->repo),
		.out = &out };
	int result;

	if (remote_secret(t, &secret, err) != 0)
		return -1;
	result = push_cli_look(push, secret, err);
	if (result == 0)
		result = push_allowed(push, err);
	if (result == 1) {
		git2.oid_tostr(commit, sizeof commit, &push->commit);
		git2.oid_tostr(there, sizeof there, &push->there);
		/*
		 * The remote compares and sets: otherwise a branch that was
		 * deleted meanwhile would be made again.
		 */
		lease = xasprintf("--force-with-lease=%s:%s", push->remote_ref,
		    git2.oid_is_zero(&push->there) ? "" : there);
		spec = xasprintf("%s:%s", commit, push->remote_ref);
		const char *const args[] = { "push", "--porcelain", "--no-verify",
			"--no-recurse-submodules", lease, "--", t->repo->url, spec, NULL };

		run.secret = secret;
		result = git_run(&run, args, err);
		if (result > 0 && strstr(buf_str(&out), "!\t") != NULL)
			result = push_refused(push, strstr(buf_str(&out), "!\t"), err);
		else if (result > 0)
			result = remote_fail(t->repo, "push to", buf_str(&run.err), 0, err);
	}
	buf_free(&out);
	buf_free(&run.err);
	free(lease);
	free(spec);
	free_wiped(secret);
	return result;
}

static int
push_cli_look(struct push *push, const char *secret, struct error *err)
{
	const struct tree *t = push->tree;
	const char *const args[] = { "ls-remote", "--symref", "--", t->repo->url, push->remote_ref,
		"HEAD", NULL };
	struct buf out = BUF_INIT;
	struct git_run run = { .tree = t,
		.gitdir = t->mirror,
		.user = remote_by_cli(t->repo),
		.secret = secret,
		.out = &out };
	int status = git_run(&run, args, err);

	if (status > 0)
		remote_fail(t->repo, "push to", buf_str(&run.err), 0, err);
	memset(&push->there, 0, sizeof push->there);
	push->head = false;
	/*
	 * The pattern also matches "x/refs/heads/BRANCH": only the line with
	 * the exact name counts.
	 */
	for (char *line = out.data; status == 0 && line != NULL && *line != '\0';) {
		char *end = strchrnul(line, '\n'), *name = memchr(line, '\t', (size_t)(end - line));

		if (name != NULL && (size_t)(end - name - 1) == strlen(push->remote_ref) &&
		    strncmp(name + 1, push->remote_ref, strlen(push->remote_ref)) == 0)
			git2.oid_fromstrn(&push->there, line, GIT_OID_HEXSZ);
		if (name != NULL && strncmp(line, "ref: ", 5) == 0 &&
		    (size_t)(end - name - 1) == 4 && strncmp(name + 1, "HEAD", 4) == 0)
			push->head = (size_t)(name - line - 5) == strlen(push->remote_ref) &&
			    strncmp(line + 5, push->remote_ref, strlen(push->remote_ref)) == 0;
		line = *end == '\n' ? end + 1 : end;
	}
	buf_free(&out);
	buf_free(&run.err);
	return status == 0 ? 0 : -1;
}

/*
 * Uses one connection, so that the old commit that goes with the push is the
 * one that was looked at.
 */
static int
push_by_libgit2(struct push *push, struct error *err)
{
	git_push_options options;
	struct remote_push payload = { { .tree = push->tree }, push };
	git_remote *remote = NULL;
	const git_remote_head **heads;
	char *spec = xasprintf("%s%s:%s", push->onto ? "" : "+", push->local, push->remote_ref);
	git_strarray specs = { &spec, 1 };
	size_t n;
	int rc, result = -1;

	git2.push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
	remote_callbacks(&options.callbacks, &payload.auth);
	options.callbacks.push_update_reference = push_status;
	options.proxy_opts.type = GIT_PROXY_AUTO;
	rc = remote_open(&remote, push->mirror, push->tree->repo->url);
	if (rc == 0)
		rc = git2.remote_connect(remote, GIT_DIRECTION_PUSH, &options.callbacks,
		    &options.proxy_opts, NULL);
	if (rc == 0)
		rc = git2.remote_ls(&heads, &n, remote);
	if (rc != 0)
		goto out;
	memset(&push->there, 0, sizeof push->there);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(heads[i]->name, push->remote_ref) == 0)
			git2.oid_cpy(&push->there, &heads[i]->oid);
	}
	result = push_allowed(push, err);
	if (result != 1)
		goto done;
	result = mirror_ref_set(push->tree, push->local, &push->commit, err);
	if (result != 0)
		goto done;
	rc = git2.remote_upload(remote, &specs, &options);
	mirror_ref_set(push->tree, push->local, NULL, NULL);
	if (rc == 0 && push->refused != NULL)
		result = push_refused(push, push->refused, err);
out:
	if (rc != 0) {
		if (payload.auth.error.code != 0 && err != NULL)
			*err = payload.auth.error;
		else
			remote_fail(push->tree->repo, "push to", NULL, rc, err);
		result = -1;
	}
done:
	git2.remote_free(remote);
	free(spec);
	return result;
}

static int
push_status(const char *ref, const char *status, void *arg)
{
	struct remote_push *payload = arg;

	if (status != NULL && payload->push->refused == NULL)
		payload->push->refused = xasprintf("%s: %s", ref, status);
	return 0;
}

static int
push_refused(struct push *push, const char *said, struct error *err)
{
	char shown[251];
	bool moved = strstr(said, "stale info") != NULL || strstr(said, "fetch first") != NULL ||
	    strstr(said, "failed to update ref") != NULL ||
	    strstr(said, "reference already exists") != NULL ||
	    strstr(said, "cannot lock ref") != NULL ||
	    (push->onto && strstr(said, "non-fast-forward") != NULL);

	push->raced = moved;
	error_set(err, moved ? DROVER_AGAIN : DROVER_PERMANENT,
	    "repo %s did not take branch %s: %s", push->tree->repo->name, push->branch,
	    text_show_in(shown, sizeof shown, said, strcspn(said, "\n")));
	return -1;
}
