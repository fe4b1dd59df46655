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
#include "lease/files.h"

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

/* The same must hold with git (i is 0) and without. */
static void
set_git(int i)
{
	if (i != 0) {
		setenv("SHELL_PATH", getenv("PATH"), 1);
		setenv("PATH", "/nonexistent", 1);
	}
}

START_TEST(new_tree_is_at_the_base_detached_and_clean)
{
	struct tree t;

	set_git(_i);
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

	set_git(_i);
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

	set_git(_i);
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

	set_git(_i);
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
	    "HEAD\nconfig\nobjects\npacked-refs\nrefs");
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

	set_git(_i);
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
	ck_assert_int_eq(shell(t.path, "echo %s/.git >.git/commondir", victim), 0);
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

	set_git(_i);
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

START_TEST(a_broken_repository_loses_no_work)
{
	static const char *const breaks[] = { "rm -rf .git",
		"rm -rf .git; mkdir .git; cd .git; ln -s /etc objects",
		"rm -rf .git; git init -q .", "rm -rf .git; echo gitdir: /etc >.git",
		"echo junk >.git/index", "echo junk >.git/HEAD", "rm .git/HEAD .git/config",
		"ln -sf /etc/passwd .git/index", "rm .git/packed-refs; mkdir -p .git/packed-refs/x",
		"rm -rf .git/objects; mkdir .git/objects",
		"printf 'ref: refs/heads/nosuch\\n' >.git/HEAD; git add -A" };
	struct tree t;
	char saved[256];

	gitrepo_tree(&up, &t, 8);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path, "echo precious >p.txt"), 0);
	ck_assert_int_eq(shell(t.path, "%s", breaks[_i]), 0);
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

	set_git(_i);
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

	set_git(_i);
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

START_TEST(submodules_come_and_go)
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
	ck_assert_str_eq(shell_out(t.path, "ls mod; git status --porcelain"), "s");
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

	set_git(_i);
	gitrepo_tree(&up, &t, 11);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path, "echo w >w.txt; mkdir ro; echo r >ro/r; chmod 500 ro"), 0);
	ck_assert_int_gt(tree_size(&t), 0);
	OK(tree_remove(&t, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(up.mirror, "git show %s:w.txt %s:ro/r", saved, saved), "w\nr");
	ck_assert_int_eq(tree_size(&t), -1);
	ck_assert_str_eq(shell_out(up.mirror, "ls -A %s/trees/web", up.state), "");
	ck_assert_int_gt(tree_sweep(up.state, NULL), 0);
	ck_assert_str_eq(shell_out(up.state, "ls -A trash"), "");
	OK(tree_remove(&t, saved, sizeof saved, err));
	ck_assert_str_eq(saved, "");
	tree_free(&t);
}
END_TEST

START_TEST(a_tree_keeps_to_itself)
{
	struct tree t;
	char *before, saved[256];

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

/*
 * A ref of the tree's own cannot make drover leave objects behind, and what is
 * malformed or damaged does not get into the mirror.
 */
START_TEST(what_a_job_forges_stays_out_of_the_mirror)
{
	static const char *const forgeries[] = {
		"git update-ref refs/remotes/origin/side HEAD~1; "
		"git update-ref refs/remotes/origin/evil HEAD~1",
		"t=$(printf '100644 b\\0%20s100644 a\\0%20s' x y | git hash-object -t tree "
		"--literally -w --stdin); b=$(echo bad | git commit-tree $t -p HEAD); "
		"git update-ref --no-deref HEAD $(echo good | git commit-tree HEAD^{tree} -p $b)",
		"o=$(git rev-parse HEAD~1^{tree}); f=.git/objects/$(echo $o | cut -c1-2)/$(echo $o "
		"| cut -c3-); chmod u+w $f; printf 'junk' >$f",
	};
	struct tree t;
	char saved[256];

	gitrepo_tree(&up, &t, 14);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path,
			     "for i in 1 2; do echo $i >$i; git add $i; git commit -qm $i; done"),
	    0);
	ck_assert_int_eq(shell(t.path, "%s", forgeries[_i]), 0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(up.mirror, "git show %s:1 %s:2", saved, saved), "1\n2");
	ck_assert_str_eq(shell_out(up.mirror,
			     "git fsck --strict --no-dangling 2>&1 | { grep -v ^notice || true; }; "
			     "git for-each-ref | grep -c evil || true"),
	    "0");
	tree_free(&t);
}
END_TEST

/*
 * Old records go, and refs are packed; what is young, or on a branch of the
 * remote, stays.
 */
START_TEST(a_mirror_is_tended)
{
	struct tree t;

	gitrepo_tree(&up, &t, 17);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(up.mirror,
			     "old() { d=\"$(($(date +%%s) - $1 * 86400)) +0000\"; "
			     "GIT_AUTHOR_DATE=$d GIT_COMMITTER_DATE=$d git commit-tree -m x "
			     "refs/remotes/origin/main^{tree}; }; "
			     "young=$(old 1) aged=$(old 40); { for i in $(seq 250); do "
			     "echo create refs/drover/wip/$i-1 $aged; done; "
			     "echo create refs/drover/wip/9999-1 $young; "
			     "for b in drover/gone main; do echo create refs/drover/pushed/$b "
			     "$aged; done; echo create refs/drover/pushed/drover/new $young; } | "
			     "git update-ref --stdin; touch objects/pack/tmp_pack_young; "
			     "touch -d '2 hours ago' objects/pack/tmp_pack_old"),
	    0);
	OK(mirror_tend(&t, err));
	ck_assert_str_eq(shell_out(up.mirror,
			     "git for-each-ref refs/drover/wip | wc -l; git for-each-ref "
			     "--format='%%(refname)' refs/drover/wip/9999-1 refs/drover/pushed; "
			     "find refs -type f | wc -l; ls objects/pack | grep tmp"),
	    "200\nrefs/drover/pushed/drover/new\nrefs/drover/pushed/main\nrefs/drover/wip/9999-1"
	    "\n1\ntmp_pack_young"); /* origin/HEAD is never packed */
	ck_assert_str_eq(gitrepo_prepare(&t, "warm", NULL), "");
	tree_free(&t);
}
END_TEST

/* Packed or loose, moved or new: a tree sees each ref once, as it is now. */
START_TEST(a_tree_sees_the_refs_of_the_remote)
{
	static const char *const list =
	    "git for-each-ref --format='%(objectname) %(refname)' refs/remotes/origin refs/tags | "
	    "grep -v origin/HEAD";
	struct tree t;
	char saved[256];

	ck_assert_int_eq(shell(up.up,
			     "for b in a a-b a.b ab aa/b-c z; do git branch x/$b; done; "
			     "git tag -a -m t t/annotated; git tag t/light"),
	    0);
	gitrepo_tree(&up, &t, 18);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(up.mirror, "git pack-refs --all; git update-ref refs/drover/wip/1-1 "
			     "refs/remotes/origin/main"),
	    0);
	ck_assert_int_eq(shell(up.up,
			     "git branch -f x/a.b main~1; git branch x/a---; git branch y; "
			     "git branch -D x/ab; git tag t/new; git branch zz"),
	    0);
	OK(tree_fetch(&t, err));
	/* What another fetch is writing is no ref yet. */
	ck_assert_int_eq(shell(up.mirror,
			     "git rev-parse refs/remotes/origin/main >refs/remotes/origin/zz.lock"),
	    0);
	OK(tree_prepare(&t, "warm", NULL, saved, sizeof saved, err));
	ck_assert_int_ne(shell(t.path, "grep -q lock .git/packed-refs"), 0);
	ck_assert_str_eq(shell_out(t.path, "%s", list), shell_out(up.mirror, "%s", list));
	ck_assert_str_eq(shell_out(t.path, "git rev-parse origin/x/a.b"),
	    shell_out(up.up, "git rev-parse main~1"));
	ck_assert_str_eq(shell_out(t.path, "git for-each-ref refs/drover; git fsck 2>&1"), "");
	tree_free(&t);
}
END_TEST

START_TEST(two_agents_that_stash_keep_their_work)
{
	struct tree one, two;
	char saved[256];

	gitrepo_tree(&up, &one, 15);
	gitrepo_tree(&up, &two, 16);
	gitrepo_prepare(&one, "new", NULL);
	gitrepo_prepare(&two, "new", NULL);
	ck_assert_int_eq(shell(one.path, "echo one >r; git add r; git stash -q"), 0);
	ck_assert_int_eq(shell(two.path, "echo two >r; git add r; git stash -q; git tag mine"), 0);
	ck_assert_int_eq(shell(one.path, "git stash pop -q"), 0);
	ck_assert_int_ne(shell(one.path, "git rev-parse -q --verify mine >/dev/null"), 0);
	ck_assert_int_eq(shell(two.path, "git stash pop -q"), 0);
	ck_assert_str_eq(shell_out(one.path, "cat r; git stash list"), "one");
	ck_assert_str_eq(shell_out(two.path, "cat r; git stash list"), "two");
	/* What is still stashed when the tree comes back is saved, too. */
	ck_assert_int_eq(shell(two.path,
			     "git stash -q; echo three >s; git add s; git stash -q"),
	    0);
	OK(tree_return(&two, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(up.mirror,
			     "for w in $(git for-each-ref --format='%%(refname)' refs/drover/wip); "
			     "do git show $w:r 2>/dev/null || git show $w:s; done | sort"),
	    "three\ntwo");
	ck_assert_str_eq(shell_out(two.path, "git stash list; git status --porcelain"), "");
	tree_free(&one);
	tree_free(&two);
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
	/* A cache that a job made a link to elsewhere is not followed. */
	ck_assert_int_eq(shell(dir,
			     "chmod 700 cargo; rm -r cargo npm; mkdir ../own; "
			     "ln -s ../own cargo; ln -s ../none npm"),
	    0);
	env = tree_cache_env(dir, &err);
	ck_assert_ptr_nonnull(env);
	free_strings(env);
	ck_assert_str_eq(shell_out(dir, "ls ../own; stat -c %%a ../own cargo; ls -d npm/."),
	    "755\n500\nnpm/.");
	free(dir);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "life", tree_setup, tree_teardown);

	tcase_add_loop_test(tc, new_tree_is_at_the_base_detached_and_clean, 0, 2);
	tcase_add_test(tc, ref_is_a_branch_a_tag_or_a_commit);
	tcase_add_loop_test(tc, returned_tree_is_clean_and_its_work_saved, 0, 2);
	tcase_add_loop_test(tc, unpushed_commits_are_saved_pushed_ones_are_not, 0, 2);
	tcase_add_loop_test(tc, interrupted_work_of_git_is_tidied, 0, 2);
	tcase_add_loop_test(tc, planted_traps_do_not_spring, 0, 2);
	tcase_add_loop_test(tc, hidden_changes_are_found, 0, 2);
	tcase_add_loop_test(tc, a_broken_repository_loses_no_work, 0, 11);
	tcase_add_loop_test(tc, a_mirror_that_is_none_any_more_is_made_anew, 0, 3);
	tcase_add_loop_test(tc, tree_that_vanished_is_made_anew, 0, 2);
	tcase_add_loop_test(tc, remote_without_commits, 0, 2);
	tcase_add_loop_test(tc, odd_names_survive, 0, 2);
	tcase_add_test(tc, submodules_come_and_go);
	tcase_add_loop_test(tc, removed_tree_leaves_nothing, 0, 2);
	tcase_add_test(tc, a_tree_keeps_to_itself);
	tcase_add_loop_test(tc, what_a_job_forges_stays_out_of_the_mirror, 0, 3);
	tcase_add_test(tc, a_mirror_is_tended);
	tcase_add_test(tc, a_tree_sees_the_refs_of_the_remote);
	tcase_add_test(tc, two_agents_that_stash_keep_their_work);
	tcase_add_test(tc, caches_are_shared);
}

SUITE(cases)
