/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a tree: prepared, used, returned, removed. And the runner of all
 * groups about trees.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"

#include "suite.h"
#include "test_tree.h"

struct gitrepo up;

void
tree_setup(void)
{
	gitrepo_make(&up);
}

void
tree_teardown(void)
{
	gitrepo_free(&up);
}

static const char *
status(const struct tree *t)
{
	return shell_out(t->path, "git status --porcelain --ignored");
}

/*
 * Each is a kind of tree and whether git is there: the same must hold for all.
 */
static const struct {
	const char *lease;
	bool git;
} kinds[] = { { "worktree", true }, { "clone", true }, { "worktree", false }, { "clone", false } };

static void
kind_set(int i)
{
	free(up.repo.lease);
	up.repo.lease = xstrdup(kinds[i].lease);
	if (!kinds[i].git) {
		setenv("SHELL_PATH", getenv("PATH"), 1);
		setenv("PATH", "/nonexistent", 1);
	}
}

START_TEST(new_tree_is_at_the_base_detached_and_clean)
{
	struct tree t;

	kind_set(_i);
	gitrepo_tree(&up, &t, 1);
	ck_assert_str_eq(gitrepo_prepare(&t, "new", NULL), "");
	ck_assert_str_eq(shell_out(t.path, "git rev-parse HEAD"),
	    shell_out(up.up, "git rev-parse main"));
	ck_assert_str_eq(t.base, shell_out(up.up, "git rev-parse main"));
	ck_assert_str_eq(shell_out(t.path, "git rev-parse --abbrev-ref HEAD"), "HEAD");
	ck_assert_str_eq(status(&t), "");
	ck_assert_str_eq(shell_out(t.path, "cat a.txt src/deep/c.txt"), "one\n1\nthree");
	ck_assert_int_eq(shell(t.path, "git fsck --strict >/dev/null"), 0);
	tree_free(&t);
}
END_TEST

START_TEST(ref_is_a_branch_a_tag_or_a_commit)
{
	static const char *const refs[] = { "main", "side", "v1", "light", "refs/heads/side",
		"refs/tags/v1" };
	struct tree t;
	char *hash = xstrdup(shell_out(up.up, "git rev-parse side")), saved[256];

	gitrepo_tree(&up, &t, 1);
	for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
		gitrepo_prepare(&t, i == 0 ? "new" : "warm", refs[i]);
		ck_assert_str_eq(shell_out(t.path, "git rev-parse HEAD"),
		    shell_out(up.up, "git rev-parse %s^{commit}", refs[i]));
		ck_assert_str_eq(status(&t), "");
	}
	OK(tree_prepare(&t, "warm", hash, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(t.path, "cat side.txt"), "side");
	hash[12] = '\0';
	OK(tree_prepare(&t, "warm", hash, saved, sizeof saved, err));
	FAILS(tree_prepare(&t, "warm", "nosuch", saved, sizeof saved, err), DROVER_PERMANENT,
	    "\"nosuch\"");
	FAILS(tree_prepare(&t, "warm", "--upload-pack=x", saved, sizeof saved, err),
	    DROVER_PERMANENT, "no branch");
	FAILS(tree_prepare(&t, "warm", "../../etc", saved, sizeof saved, err), DROVER_PERMANENT,
	    "no branch");
	FAILS(tree_prepare(&t, "warm", "a\nb", saved, sizeof saved, err), DROVER_PERMANENT,
	    "no branch");
	free(hash);
	free(up.repo.base);
	up.repo.base = NULL;
	gitrepo_prepare(&t, "warm", NULL);
	ck_assert_str_eq(t.base, shell_out(up.up, "git rev-parse main"));
	free(up.repo.transport);
	up.repo.transport = xstrdup("git");
	shell(up.up, "git checkout -q side");
	gitrepo_prepare(&t, "warm", NULL);
	ck_assert_str_eq(t.base, shell_out(up.up, "git rev-parse side"));
	shell(up.up, "git update-ref refs/pull/7/head main");
	gitrepo_prepare(&t, "warm", "refs/pull/7/head");
	ck_assert_str_eq(t.base, shell_out(up.up, "git rev-parse main"));
	tree_free(&t);
}
END_TEST

START_TEST(returned_tree_is_clean_and_its_work_saved)
{
	struct tree t;
	char saved[256];

	kind_set(_i);
	gitrepo_tree(&up, &t, 3);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path,
			     "echo mine >>a.txt; echo new >new.txt; rm src/b.txt; mkdir -p "
			     "node_modules/x; echo j >node_modules/x/j; "
			     "echo obj >z.o; ln -s /etc/passwd link"),
	    0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_int_eq(strncmp(saved, "refs/drover/wip/3-", 18), 0);
	ck_assert_str_eq(status(&t), "");
	ck_assert_str_eq(shell_out(t.path, "cat a.txt; ls"), "one\n1\na.txt\nsrc");
	ck_assert_str_eq(shell_out(up.mirror, "git show %s:a.txt %s:new.txt", saved, saved),
	    "one\n1\nmine\nnew");
	ck_assert_str_eq(shell_out(up.mirror, "git ls-tree -r --name-only %s", saved),
	    ".gitignore\na.txt\nlink\nnew.txt\nsrc/deep/c.txt");
	ck_assert_str_eq(shell_out(up.mirror, "git log -1 --format='%%an %%ae %%P' %s", saved),
	    shell_out(up.up, "echo drover drover@localhost $(git rev-parse main)"));
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(saved, "");
	ck_assert_str_eq(gitrepo_prepare(&t, "warm", "side"), "");
	ck_assert_str_eq(status(&t), "");
	ck_assert_str_eq(shell_out(t.path, "cat side.txt a.txt"), "side\none");
	tree_free(&t);
}
END_TEST

START_TEST(unpushed_commits_are_saved_pushed_ones_are_not)
{
	struct tree t;
	char saved[256], *tip;

	kind_set(_i);
	gitrepo_tree(&up, &t, 4);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path,
			     "git checkout -q -b fix; echo x >x; git add x; git commit -qm x"),
	    0);
	tip = xstrdup(shell_out(t.path, "git rev-parse HEAD"));
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(up.mirror, "git rev-parse %s", saved), tip);
	ck_assert_str_eq(shell_out(t.path,
			     "git rev-parse --abbrev-ref HEAD; git for-each-ref refs/heads"),
	    "HEAD");
	gitrepo_prepare(&t, "warm", NULL);
	ck_assert_int_eq(shell(t.path,
			     "git checkout -q -b fix; git checkout -q --detach main 2>/dev/null || "
			     "git checkout -q --detach origin/main"),
	    0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(saved, "");
	free(tip);
	tree_free(&t);
}
END_TEST

START_TEST(interrupted_work_of_git_is_tidied)
{
	struct tree t;
	char saved[256];

	kind_set(_i);
	gitrepo_tree(&up, &t, 5);
	gitrepo_prepare(&t, "new", NULL);
	shell(t.path,
	    "git config user.name A; git config user.email a@b; echo c >a.txt; git commit -qam c; "
	    "git checkout -q --detach origin/side; "
	    "echo d >a.txt; git commit -qam d; git merge -q $(git rev-parse ORIG_HEAD 2>/dev/null "
	    "|| git rev-parse @{1}) >/dev/null 2>&1 || true");
	ck_assert_int_eq(shell(t.path,
			     "touch \"$(git rev-parse --git-dir)/index.lock\" \"$(git rev-parse "
			     "--git-dir)/HEAD.lock\"; "
			     "mkdir \"$(git rev-parse --git-dir)/rebase-merge\""),
	    0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_ne(saved, "");
	ck_assert_str_eq(status(&t), "");
	ck_assert_str_eq(shell_out(t.path,
			     "d=$(git rev-parse --git-dir); ls $d | grep -v -e drover -e '^index$' "
			     "-e ORIG_HEAD | LC_ALL=C sort"),
	    strcmp(kinds[_i].lease, "clone") == 0 ? "HEAD\nconfig\nobjects\npacked-refs\nrefs" :
						    "HEAD\ncommondir\ngitdir\nlocked");
	tree_free(&t);
}
END_TEST

/*
 * Whatever a job plants, neither the next job's git nor drover's own runs it or
 * follows it out of the tree.
 */
START_TEST(planted_traps_do_not_spring)
{
	struct tree t;
	char saved[256], *victim = path_join(up.dir, "victim"),
			 *sprung = path_join(up.dir, "sprung");

	kind_set(_i);
	gitrepo_tree(&up, &t, 6);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(up.dir,
			     "git init -q victim; cd victim; echo v >v; git add v; git commit -qm "
			     "v; echo w >>v"),
	    0);
	ck_assert_int_eq(shell(t.path,
			     "g=$(git rev-parse --absolute-git-dir); c=$(realpath $(git rev-parse "
			     "--git-common-dir)); for d in $g $c; do mkdir -p $d/hooks $d/info; "
			     "for h in post-checkout pre-commit reference-transaction "
			     "post-index-change; do printf '#!/bin/sh\\ntouch %s\\n' >$d/hooks/$h; "
			     "chmod +x $d/hooks/$h; done; "
			     "echo '* filter=evil' >$d/info/attributes; done; git config "
			     "core.hooksPath $c/hooks; git config filter.evil.clean 'touch %s'; "
			     "git config filter.evil.smudge 'touch %s'; "
			     "git config core.fsmonitor 'touch %s'; git config core.sshCommand "
			     "'touch %s'; git config extensions.worktreeConfig true; "
			     "git config --worktree filter.evil.clean 'touch %s'; "
			     "echo '*.txt filter=evil' >.gitattributes; rm -rf src; ln -s %s src; "
			     "echo q >q.txt",
			     sprung, sprung, sprung, sprung, sprung, sprung, victim),
	    0);
	unlink(sprung);
	if (strcmp(kinds[_i].lease, "worktree") == 0)
		ck_assert_int_eq(shell(t.path,
				     "rm .git; echo 'gitdir: %s/.git' >.git; echo %s/.git "
				     ">%s/worktrees/6/commondir",
				     victim, victim, up.mirror),
		    0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_ne(saved, "");
	ck_assert_int_ne(access(sprung, F_OK), 0);
	ck_assert_str_eq(shell_out(victim, "cat v; git log --format=%%s; git status --porcelain"),
	    "v\nw\nv\n M v");
	ck_assert_str_eq(shell_out(t.path, "cat src/b.txt; git status --porcelain"), "two");
	ck_assert_str_eq(shell_out(t.path,
			     "git config core.hooksPath; git config --get-regexp 'filter.*' || "
			     "true"),
	    "/dev/null");
	ck_assert_int_ne(access(sprung, F_OK), 0);
	free(victim);
	free(sprung);
	tree_free(&t);
}
END_TEST

START_TEST(hidden_changes_are_found)
{
	struct tree t;
	char saved[256];

	kind_set(_i);
	gitrepo_tree(&up, &t, 7);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path,
			     "git update-index --skip-worktree a.txt; git update-index "
			     "--assume-unchanged src/b.txt; echo h >a.txt; echo i >src/b.txt"),
	    0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(up.mirror, "git show %s:a.txt %s:src/b.txt", saved, saved),
	    "h\ni");
	ck_assert_str_eq(shell_out(t.path,
			     "cat a.txt src/b.txt; git ls-files -v | cut -c1 | sort -u"),
	    "one\n1\ntwo\nH");
	tree_free(&t);
}
END_TEST

START_TEST(a_mirror_that_is_none_any_more_is_made_anew)
{
	struct tree t, next;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell("/",
			     _i % 3 == 0     ? "rm -rf %s/objects" :
				 _i % 3 == 1 ? "rm %s/HEAD" :
					       "rm -rf %s/refs",
			     up.mirror),
	    0);
	gitrepo_tree(&up, &next, 2);
	ck_assert_str_eq(gitrepo_prepare(&next, "new", NULL), "");
	ck_assert_str_eq(shell_out(next.path, "git rev-parse HEAD"),
	    shell_out(up.up, "git rev-parse main"));
	ck_assert_str_eq(status(&next), "");
	/*
	 * What was saved in the old one can still be taken out of it by hand.
	 */
	ck_assert_int_eq(shell("/", "ls -d %s.broken-*", up.mirror), 0);
	tree_free(&t);
	tree_free(&next);
}
END_TEST

START_TEST(broken_metadata_do_not_lose_work)
{
	static const char *const breaks[] = { "rm .git; rm -rf %s/worktrees/8",
		"rm -rf .git; git init -q .; rm -rf %s/worktrees/8/[!i]*",
		"echo junk >%s/worktrees/8/index", "echo junk >%s/worktrees/8/HEAD; true",
		"rm %s/worktrees/8/gitdir; ln -sf /etc/passwd %s/worktrees/8/index",
		"printf 'ref: refs/heads/nosuch\\n' >%s/worktrees/8/HEAD; git add -A" };
	struct tree t;
	char saved[256], *script;

	gitrepo_tree(&up, &t, 8);
	gitrepo_prepare(&t, "new", NULL);
	script = _i == 4 ?
	    xasprintf("rm %s/worktrees/8/gitdir; ln -sf /etc/passwd %s/worktrees/8/index",
		up.mirror, up.mirror) :
	    NULL;
	ck_assert_int_eq(shell(t.path, "echo precious >p.txt"), 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (script == NULL)
		script = xasprintf(breaks[_i], up.mirror);
#pragma GCC diagnostic pop
	ck_assert_int_eq(shell(t.path, "%s", script), 0);
	free(script);
	OK(tree_prepare(&t, "dirty", NULL, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(up.mirror, "git show %s:p.txt %s:src/b.txt", saved, saved),
	    "precious\ntwo");
	ck_assert_str_eq(status(&t), "");
	ck_assert_str_eq(shell_out(t.path, "git rev-parse HEAD"), t.base);
	tree_free(&t);
}
END_TEST

START_TEST(tree_that_vanished_is_made_anew)
{
	struct tree t;

	kind_set(_i);
	gitrepo_tree(&up, &t, 8);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(up.dir, "rm -rf %s", t.path), 0);
	ck_assert_str_eq(gitrepo_prepare(&t, "warm", NULL), "");
	ck_assert_str_eq(status(&t), "");
	ck_assert_int_eq(shell(up.dir, "rm -rf %s; ln -s /etc %s", t.path, t.path), 0);
	ck_assert_str_eq(gitrepo_prepare(&t, "dirty", NULL), "");
	ck_assert_str_eq(status(&t), "");
	tree_free(&t);
}
END_TEST

START_TEST(remote_without_commits)
{
	struct tree t;
	char saved[256];

	if (_i == 1) {
		free(up.repo.transport);
		up.repo.transport = xstrdup("git");
	}
	ck_assert_int_eq(shell(up.dir, "rm -rf up; git init -q up"), 0);
	gitrepo_tree(&up, &t, 8);
	OK(tree_fetch(&t, err));
	FAILS(tree_prepare(&t, "new", NULL, saved, sizeof saved, err), DROVER_CONFIG,
	    "no branch \"main\"");
	tree_free(&t);
}
END_TEST

START_TEST(odd_names_survive)
{
	struct tree t;
	char saved[256];

	kind_set(_i);
	ck_assert_int_eq(shell(up.up,
			     "printf x >\"$(printf 'new\\nline')\"; printf y >-dash; printf z "
			     ">'quo\"te '; printf u >\"$(printf '\\303\\251')\"; "
			     "n=$(printf '%%0200d' 7); mkdir -p $n/$n/$n; echo deep >$n/$n/$n/$n; "
			     "git add -A; git commit -qm odd"),
	    0);
	gitrepo_tree(&up, &t, 9);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_str_eq(status(&t), "");
	ck_assert_int_eq(shell(t.path,
			     "for f in * ; do test -d \"$f\" || echo more >>\"./$f\"; done; printf "
			     "n >\"$(printf 'un\\ntracked')\""),
	    0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(status(&t), "");
	ck_assert_str_eq(shell_out(up.mirror, "git diff --name-only %s~ %s | wc -l", saved, saved),
	    "6");
	OK(tree_remove(&t, saved, sizeof saved, err));
	ck_assert_int_gt(tree_sweep(up.state, NULL), 4096);
	ck_assert_str_eq(shell_out(up.state, "ls trash"), "");
	tree_free(&t);
}
END_TEST

START_TEST(submodules_are_left_out)
{
	struct tree t;
	char saved[256];

	ck_assert_int_eq(shell(up.dir,
			     "git init -q sub; cd sub; echo s >s; git add s; git commit -qm s; cd "
			     "../up; "
			     "git -c protocol.file.allow=always submodule --quiet add %s/sub mod; "
			     "git commit -qm mod",
			     up.dir),
	    0);
	gitrepo_tree(&up, &t, 10);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_str_eq(shell_out(t.path, "ls mod; git status --porcelain"), "");
	ck_assert_int_eq(shell(t.path,
			     "git -c protocol.file.allow=always submodule --quiet update --init; "
			     "cat mod/s >/dev/null"),
	    0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(saved, "");
	ck_assert_str_eq(shell_out(t.path, "ls -A mod; git status --porcelain"), "");
	tree_free(&t);
}
END_TEST

START_TEST(removed_tree_leaves_nothing)
{
	struct tree t;
	char saved[256];

	kind_set(_i);
	gitrepo_tree(&up, &t, 11);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path, "echo w >w.txt; mkdir ro; echo r >ro/r; chmod 500 ro"), 0);
	ck_assert_int_gt(tree_size(&t), 0);
	OK(tree_remove(&t, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(up.mirror, "git show %s:w.txt %s:ro/r", saved, saved), "w\nr");
	ck_assert_int_eq(tree_size(&t), -1);
	ck_assert_str_eq(shell_out(up.mirror, "ls worktrees; ls -A %s/trees/web", up.state), "");
	ck_assert_int_gt(tree_sweep(up.state, NULL), 0);
	ck_assert_str_eq(shell_out(up.state, "ls -A trash"), "");
	OK(tree_remove(&t, saved, sizeof saved, err));
	ck_assert_str_eq(saved, "");
	tree_free(&t);
}
END_TEST

START_TEST(kind_of_lease_may_change)
{
	struct tree t;

	gitrepo_tree(&up, &t, 12);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path, "echo w >w.txt"), 0);
	tree_free(&t);
	kind_set(1);
	gitrepo_tree(&up, &t, 12);
	ck_assert_str_ne(gitrepo_prepare(&t, "warm", NULL), "");
	ck_assert_int_eq(shell(t.path, "test -d .git && test ! -e w.txt"), 0);
	tree_free(&t);
}
END_TEST

START_TEST(clone_keeps_to_itself)
{
	struct tree t;
	char *before, saved[256];

	kind_set(1);
	gitrepo_tree(&up, &t, 13);
	gitrepo_prepare(&t, "new", NULL);
	before = xstrdup(shell_out(up.mirror, "find . -type f | sort | xargs sha256sum"));
	ck_assert_int_eq(shell(t.path,
			     "git checkout -q -b one; echo 1 >1; git add 1; git commit -qm 1; git "
			     "checkout -q -b two origin/main; echo 2 >2; git add 2; "
			     "git commit -qm 2; git tag t; git config user.name Eve; git gc -q; "
			     "git checkout -q --detach origin/main"),
	    0);
	ck_assert_str_eq(shell_out(up.mirror, "find . -type f | sort | xargs sha256sum"), before);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(up.mirror,
			     "for r in $(git for-each-ref --format='%%(refname)' refs/drover/wip); "
			     "do git log -1 --format=%%s $r; done | sort"),
	    "1\n2");
	ck_assert_str_eq(shell_out(t.path,
			     "git branch --list one two; git config user.name || true; git log -1 "
			     "--format=%%s origin/side"),
	    "side");
	free(before);
	tree_free(&t);
}
END_TEST

START_TEST(caches_are_shared)
{
	char *dir = path_join(up.dir, "cache"), **env;
	struct error err = { .code = 0 };
	int found = 0;

	env = tree_cache_env(dir, &err);
	ck_assert_ptr_nonnull(env);
	for (int i = 0; env[i] != NULL; i++) {
		ck_assert_int_eq(strncmp(strchr(env[i], '=') + 1, dir, strlen(dir)), 0);
		ck_assert_int_eq(access(strchr(env[i], '=') + 1, F_OK), 0);
		found += strncmp(env[i], "npm_config_cache=", 17) == 0 ||
		    strncmp(env[i], "CARGO_HOME=", 11) == 0;
	}
	ck_assert_int_eq(found, 2);
	free_strings(env);
	env = tree_cache_env(dir, &err);
	ck_assert_ptr_nonnull(env);
	free_strings(env);
	free(dir);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "life", tree_setup, tree_teardown);
	int all = (int)ARRAY_LEN(kinds);

	tcase_add_loop_test(tc, new_tree_is_at_the_base_detached_and_clean, 0, all);
	tcase_add_test(tc, ref_is_a_branch_a_tag_or_a_commit);
	tcase_add_loop_test(tc, returned_tree_is_clean_and_its_work_saved, 0, all);
	tcase_add_loop_test(tc, unpushed_commits_are_saved_pushed_ones_are_not, 0, all);
	tcase_add_loop_test(tc, interrupted_work_of_git_is_tidied, 0, all);
	tcase_add_loop_test(tc, planted_traps_do_not_spring, 0, all);
	tcase_add_loop_test(tc, hidden_changes_are_found, 0, all);
	tcase_add_loop_test(tc, broken_metadata_do_not_lose_work, 0, 6);
	tcase_add_loop_test(tc, a_mirror_that_is_none_any_more_is_made_anew, 0, 3);
	tcase_add_loop_test(tc, tree_that_vanished_is_made_anew, 0, all);
	tcase_add_loop_test(tc, remote_without_commits, 0, 2);
	tcase_add_loop_test(tc, odd_names_survive, 0, all);
	tcase_add_test(tc, submodules_are_left_out);
	tcase_add_loop_test(tc, removed_tree_leaves_nothing, 0, all);
	tcase_add_test(tc, kind_of_lease_may_change);
	tcase_add_test(tc, clone_keeps_to_itself);
	tcase_add_test(tc, caches_are_shared);
}

SUITE(cases)
