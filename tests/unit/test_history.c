/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent does with git in its tree: commits, merges and rebases. The
 * change that drover makes of it is the agent's own, whatever came in from the
 * remote beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "suite.h"
#include "test_tree.h"

static const struct buf nothing;
static char made[65];

static int
squash(struct tree *t, const char *onto)
{
	const struct squash ask = { .without = &nothing, .message = "ours\n", .onto = onto };
	struct error err = { .code = 0 };
	int r = tree_squash(t, &ask, made, sizeof made, &err);

	if (r < 0)
		ck_abort_msg("%s", err.text);
	return r;
}

/* A person's commit of a new file on a branch of the remote. */
static void
upstream(const char *branch, const char *file)
{
	ck_assert_int_eq(shell(up.up,
			     "git checkout -q %s; echo %s >%s; git add -A; git commit -qm 'add "
			     "%s'; "
			     "git checkout -q main",
			     branch, file, file, file),
	    0);
}

static void
agent(struct tree *t, const char *script)
{
	ck_assert_int_eq(shell(t->path, "%s", script), 0);
}

static void
changes(struct tree *t, const char *paths)
{
	ck_assert_str_eq(shell_out(t->path, "git diff-tree -c -r --name-only --no-commit-id %s",
			     made),
	    paths);
}

static const char *
hash(const char *name)
{
	return shell_out(up.up, "git rev-parse %s", name);
}

static void
parents(struct tree *t, const char *hashes)
{
	ck_assert_str_eq(shell_out(t->path, "git log -1 --format=%%P %s", made), hashes);
}

/* What agents do to get hold of work that came in meanwhile. */
static const char *const takes[] = {
	"git pull -q --ff-only origin main; echo m >mine",
	"git fetch -q origin main; git merge -q FETCH_HEAD; echo m >mine",
	"echo m >mine; git add mine; git commit -qm m; git pull -q --rebase origin main",
	"echo m >mine; git add mine; git commit -qm m; git pull -q --no-rebase origin main",
	("echo m >mine; git add mine; git commit -qm m; git fetch -q origin; "
	 "git merge -q --no-commit origin/main"),
	"git fetch -q origin main; git checkout -q -b fix FETCH_HEAD; echo m >mine",
};

START_TEST(upstream_is_no_work_of_the_agent)
{
	struct drover_diff diff;
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	upstream("main", "theirs");
	agent(&t, takes[_i]);
	ck_assert_int_eq(squash(&t, NULL), 1);
	parents(&t, hash("main"));
	ck_assert_str_eq(t.base, hash("main"));
	changes(&t, "mine");
	OK(tree_keep(&t, made, 7, err));
	OK(tree_compare(&t, made, &diff, NULL, NULL, err));
	ck_assert_uint_eq(diff.files, 1);
	ck_assert_str_eq(shell_out(t.path, "git status --porcelain; git rev-parse HEAD"), made);
	tree_free(&t);
}
END_TEST

START_TEST(resolved_conflicts_stay_resolved)
{
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(up.up, "echo theirs >a.txt; git commit -qam theirs"), 0);
	agent(&t,
	    "echo ours >a.txt; git commit -qam ours; git fetch -q origin main; "
	    "git merge -q FETCH_HEAD >/dev/null || :; echo both >a.txt; git commit -qam merged");
	ck_assert_int_eq(squash(&t, NULL), 1);
	parents(&t, hash("main"));
	OK(tree_push(&t, made, "drover/x", err));
	ck_assert_int_eq(shell(up.up, "git merge -q drover/x && grep -qx both a.txt"), 0);
	tree_free(&t);
}
END_TEST

START_TEST(without_a_change_nothing_is_made)
{
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	upstream("main", "theirs");
	agent(&t, "git pull -q origin main");
	ck_assert_int_eq(squash(&t, NULL), 0);
	ck_assert_str_eq(t.base, hash("main"));
	ck_assert_str_eq(shell_out(t.path, "git rev-parse HEAD"), hash("main"));
	tree_free(&t);
}
END_TEST

/* A second run of the agent goes on from the commit of the first. */
START_TEST(a_second_run_takes_in_more)
{
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	agent(&t, "echo 1 >one");
	ck_assert_int_eq(squash(&t, NULL), 1);
	OK(tree_keep(&t, made, 7, err));
	upstream("main", "theirs");
	agent(&t, "git pull -q --no-rebase --no-edit origin main; echo 2 >two");
	ck_assert_int_eq(squash(&t, NULL), 1);
	parents(&t, hash("main"));
	changes(&t, "one\ntwo");
	tree_free(&t);
}
END_TEST

START_TEST(commits_of_other_branches_are_not_brought_along)
{
	const struct squash ask = { .without = &nothing, .message = "ours\n" };
	struct tree t;

	upstream("side", "more");
	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	agent(&t, "git merge -q origin/side; echo m >mine");
	FAILS(tree_squash(&t, &ask, made, sizeof made, err), DROVER_HUMAN,
	    "the agent took in 2 commits of side, which are not in main");
	/* Nor through a branch of its own, or by a rebase. */
	agent(&t, "git reset -q --hard origin/side; echo m >mine; git add mine; git commit -qm m");
	FAILS(tree_squash(&t, &ask, made, sizeof made, err), DROVER_HUMAN, "2 commits of side");
	tree_free(&t);
}
END_TEST

START_TEST(commits_of_nowhere_are_its_own)
{
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	agent(&t,
	    "git init -q ../other; cd ../other; echo o >other; git add other; git commit -qm o; "
	    "cd \"$OLDPWD\"; git pull -q --no-rebase --no-edit --allow-unrelated-histories "
	    "../other");
	ck_assert_int_eq(squash(&t, NULL), 1);
	parents(&t, hash("main"));
	changes(&t, "other");
	tree_free(&t);
}
END_TEST

START_TEST(work_on_an_older_state_stays_there)
{
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	agent(&t, "git checkout -q -b old v1; echo m >mine; git add mine; git commit -qm m");
	ck_assert_int_eq(squash(&t, NULL), 1);
	parents(&t, hash("v1^{}"));
	changes(&t, "mine");
	/* HEAD only moved back: that takes the newer commits out again. */
	gitrepo_prepare(&t, "dirty", NULL);
	agent(&t, "git reset -q --hard HEAD^");
	ck_assert_int_eq(squash(&t, NULL), 1);
	parents(&t, hash("main"));
	changes(&t, "a.txt");
	tree_free(&t);
}
END_TEST

START_TEST(a_branch_without_a_past_is_a_change_of_the_base)
{
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	agent(&t, "git checkout -q --orphan x; echo m >mine");
	if (_i == 1)
		agent(&t, "git add -A; git commit -qm all");
	ck_assert_int_eq(squash(&t, NULL), 1);
	parents(&t, hash("main"));
	changes(&t, "mine");
	tree_free(&t);
}
END_TEST

START_TEST(a_removed_repository_is_made_anew)
{
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	agent(&t, "echo m >mine; rm src/b.txt; rm -rf .git");
	if (_i == 1)
		agent(&t, "git init -q; git add .; git commit -qm new");
	ck_assert_int_eq(squash(&t, NULL), 1);
	parents(&t, hash("main"));
	changes(&t, "mine\nsrc/b.txt");
	tree_free(&t);
}
END_TEST

START_TEST(a_moved_tree_is_found)
{
	const struct squash ask = { .without = &nothing, .message = "ours\n" };
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	agent(&t, _i == 0 ? "mv \"$PWD\" \"$PWD.x\"" : "rm -r \"$PWD\"");
	FAILS(tree_squash(&t, &ask, made, sizeof made, err), DROVER_INTERNAL,
	    _i == 0 ? "the job moved it, with its work, to " : "the job removed or moved it");
	tree_free(&t);
}
END_TEST

/* A merge that was asked for on a pull request. */
START_TEST(onto_a_branch_a_merge_is_a_merge)
{
	struct drover_diff diff;
	struct tree t;
	char *both;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", "refs/heads/side");
	upstream("main", "theirs");
	both = xasprintf("%s %s", hash("side"), hash("main"));
	agent(&t,
	    _i == 0 ? "git pull -q --no-rebase --no-edit origin main; echo m >mine" :
		      "git pull -q --rebase origin main; echo m >mine");
	ck_assert_int_eq(squash(&t, "side"), 1);
	parents(&t, both);
	ck_assert_str_eq(t.base, hash("side"));
	OK(tree_keep(&t, made, 7, err));
	OK(tree_compare(&t, made, &diff, NULL, NULL, err));
	ck_assert_uint_eq(diff.files, 1);
	ck_assert_uint_eq(diff.added, 1);
	OK(tree_push_onto(&t, made, "side", err));
	ck_assert_str_eq(shell_out(up.up, "git rev-parse side"), made);
	free(both);
	tree_free(&t);
}
END_TEST

START_TEST(onto_a_branch_its_own_news_are_the_base)
{
	struct tree t;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", "refs/heads/side");
	upstream("side", "theirs");
	agent(&t, "git pull -q origin side; echo m >mine");
	ck_assert_int_eq(squash(&t, "side"), 1);
	parents(&t, hash("side"));
	OK(tree_push_onto(&t, made, "side", err));
	ck_assert_str_eq(shell_out(up.up, "git rev-parse side"), made);
	tree_free(&t);
}
END_TEST

START_TEST(onto_a_branch_a_stacked_one_is_merged)
{
	struct tree t;
	char *both;

	ck_assert_int_eq(shell(up.up, "git branch stacked side"), 0);
	upstream("stacked", "more");
	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", "refs/heads/side");
	both = xasprintf("%s %s", hash("side"), hash("stacked"));
	agent(&t, "git merge -q origin/stacked");
	ck_assert_int_eq(squash(&t, "side"), 1);
	parents(&t, both);
	OK(tree_push_onto(&t, made, "side", err));
	free(both);
	tree_free(&t);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *history = suite_case(suite, "history", tree_setup, tree_teardown);

	tcase_add_loop_test(history, upstream_is_no_work_of_the_agent, 0,
	    sizeof takes / sizeof *takes);
	tcase_add_test(history, resolved_conflicts_stay_resolved);
	tcase_add_test(history, without_a_change_nothing_is_made);
	tcase_add_test(history, a_second_run_takes_in_more);
	tcase_add_test(history, commits_of_other_branches_are_not_brought_along);
	tcase_add_test(history, commits_of_nowhere_are_its_own);
	tcase_add_test(history, work_on_an_older_state_stays_there);
	tcase_add_loop_test(history, a_branch_without_a_past_is_a_change_of_the_base, 0, 2);
	tcase_add_loop_test(history, a_removed_repository_is_made_anew, 0, 2);
	tcase_add_loop_test(history, a_moved_tree_is_found, 0, 2);
	tcase_add_loop_test(history, onto_a_branch_a_merge_is_a_merge, 0, 2);
	tcase_add_test(history, onto_a_branch_its_own_news_are_the_base);
	tcase_add_test(history, onto_a_branch_a_stacked_one_is_merged);
}

SUITE(cases)
