/* SPDX-License-Identifier: Apache-2.0 */
/* host->git: what a job does with the commits of a tree that it holds. */
#include <stdio.h>

#include "base/text.h"
#include "host/service.h"

#define GIT_MESSAGE_MAX 65536
#define GIT_BRANCH_MAX 255

static int host_git_diff(struct drover_scope *, uint64_t, struct drover_diff *,
    struct drover_error *);
static int host_git_commit(struct drover_scope *, uint64_t, const char *, char *, size_t,
    struct drover_error *);
static int host_git_push(struct drover_scope *, uint64_t, const char *, struct drover_error *);
static struct tree *host_git_tree(struct scope *, uint64_t, const char *, struct error *);

const struct drover_host_git host_git = {
	.size = sizeof host_git,
	.diff = host_git_diff,
	.commit = host_git_commit,
	.push = host_git_push,
};

static struct tree *
host_git_tree(struct scope *scope, uint64_t handle, const char *what, struct error *err)
{
	struct tree *tree;

	if (service_role(scope, ROLE_JOB, what, "run", err) != 0)
		return NULL;
	if ((tree = lease_tree(scope, handle)) == NULL)
		error_set(err, DROVER_PERMANENT, "%s: this job holds no lease %llu", what,
		    (unsigned long long)handle);
	return tree;
}

static int
host_git_diff(struct drover_scope *public, uint64_t handle, struct drover_diff *out_diff,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct drover_diff diff = { .size = sizeof diff };
	struct error err = { 0 };
	struct tree *tree;

	if ((tree = host_git_tree(scope, handle, "git.diff", &err)) == NULL ||
	    service_out_check(out_diff, "drover_diff", &err) != 0 ||
	    tree_diff(tree, &diff, &err) != 0)
		return scope_fail(out, &err);
	service_out(out_diff, &diff, sizeof diff, "drover_diff", &err);
	return 0;
}

static int
host_git_commit(struct drover_scope *public, uint64_t handle, const char *message, char *commit,
    size_t size, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };
	struct tree *tree;
	char made[65] = "";
	int r;

	if ((tree = host_git_tree(scope, handle, "git.commit", &err)) == NULL ||
	    service_text(message, "message of a commit", GIT_MESSAGE_MAX, false, &err) != 0)
		return scope_fail(out, &err);
	if (commit != NULL && size < 41) {
		error_set(&err, DROVER_PERMANENT,
		    "git.commit: the id of a commit needs 41 bytes, but there is room for %zu",
		    size);
		return scope_fail(out, &err);
	}
	if ((r = tree_commit(tree, message, made, sizeof made, &err)) < 0)
		return scope_fail(out, &err);
	text_copy(tree->made, sizeof tree->made, made);
	if (commit != NULL)
		text_copy(commit, size, made);
	return r;
}

int
git_push_branch(struct scope *scope, struct tree *tree, const char *commit, const char *branch,
    bool onto, struct error *err)
{
	struct buf what = BUF_INIT, result = BUF_INIT;
	char key[DROVER_KEY_MAX + 1];
	int state, r = -1;

	buf_addf(&what, "%s\n%s\n%s", tree->repo->name, branch, commit);
	snprintf(key, sizeof key, "push:%.160s:%016llx", branch,
	    (unsigned long long)text_hash(buf_str(&what), what.len));
	if ((state = effect_start(scope, key, &result, err)) < 0)
		goto out;
	/*
	 * Other people push to this branch too: what was pushed once need not
	 * be its tip now, so it is not pushed again.
	 */
	if (onto && state == DROVER_EFFECT_DONE) {
		r = 0;
		goto out;
	}
	/*
	 * Pushing the same commit again changes nothing. The effect is there to
	 * fence off a stale attempt, and to record when the push was done.
	 */
	r = onto ? tree_push_onto(tree, commit, branch, err) :
		   tree_push(tree, commit, branch, err);
	if (r == 0 && state != DROVER_EFFECT_DONE && effect_finish(scope, key, commit, err) != 0)
		r = -1;
out:
	buf_free(&what);
	buf_free(&result);
	return r;
}

static int
host_git_push(struct drover_scope *public, uint64_t handle, const char *branch,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };
	struct tree *tree;

	if ((tree = host_git_tree(scope, handle, "git.push", &err)) == NULL ||
	    service_line(branch, "branch", GIT_BRANCH_MAX, false, &err) != 0)
		return scope_fail(out, &err);
	if (!text_is_branch(branch, "drover/")) {
		error_set(&err, DROVER_PERMANENT,
		    "\"%s\" is not the name of a branch under drover/", branch);
		return scope_fail(out, &err);
	}
	/* Without a git.commit, it is the last commit of the job's commands. */
	if ((*tree->made == '\0' && tree_head(tree, tree->made, sizeof tree->made, &err) != 0) ||
	    git_push_branch(scope, tree, tree->made, branch, false, &err) != 0)
		return scope_fail(out, &err);
	return 0;
}
