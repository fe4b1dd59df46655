/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a tree gets into a change, what is saved, and what is told about the
 * rest. As root the tests give up its rights, since root can read every file.
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
#include "temp.h"
#include "test_tree.h"

#define PLAIN_USER 65534

static const struct buf nothing = BUF_INIT;
static const struct squash ask = { .without = &nothing, .message = "x" };
static char commit[65], saved[256];

static void
setup(void)
{
	tree_setup();
	if (getuid() == 0) {
		ck_assert_int_eq(shell(up.dir, "chown -R %d:%d .", PLAIN_USER, PLAIN_USER), 0);
		ck_assert_int_eq(setresgid(PLAIN_USER, PLAIN_USER, PLAIN_USER), 0);
		ck_assert_int_eq(setresuid(PLAIN_USER, PLAIN_USER, PLAIN_USER), 0);
	}
}

static void
teardown(void)
{
	ck_assert_int_eq(shell(up.dir, "chmod -R u+rwX ."), 0);
	tree_teardown();
}

/* The same must hold with git (i is 0) and without. */
static void
make_tree(int i, struct tree *t)
{
	if (i != 0) {
		setenv("SHELL_PATH", getenv("PATH"), 1);
		setenv("PATH", "/nonexistent", 1);
	}
	gitrepo_tree(&up, t, 1);
	gitrepo_prepare(t, "new", NULL);
}

/* Whether a ref in which work was saved has the file. */
static bool
is_saved(const char *path)
{
	return shell(up.mirror,
		   "for r in $(git for-each-ref --format='%%(refname)' refs/drover/wip); do git "
		   "ls-tree -r --name-only $r; done | grep -qxF '%s'",
		   path) == 0;
}

/* A deed of the agent, what is said of it, and a file that is saved. */
static const struct {
	const char *deed, *said, *file;
	bool aside;
} left_out[] = {
	{ "mkdir app; cd app; git init -q; echo c >main.c",
	    "could not take up: app/ (a repository without a commit); nothing is pushed",
	    "app/main.c", false },
	{ "mkdir -p p/q/app; cd p/q/app; git init -q; echo c >main.c; echo s >../side",
	    "p/q/app/ (a repository without a commit)", "p/q/app/main.c", false },
	{ "mkdir app; cd app; git init -q; echo c >main.c; git add .; git commit -qm i",
	    "app/ (a repository within the repository)", "app/main.c", false },
	{ "mkdir app; cd app; git init -q; echo c >main.c; git add .; git commit -qm i; cd ..; "
	  "git add -A; git commit -qm all; rm -rf app/.git",
	    "app/ (a repository within the repository)", "app/main.c", false },
	{ "mkdir app; cd app; git init -q; echo c >main.c; mkdir deep; cd deep; git init -q; echo "
	  "d >deep.c; git add .; git commit -qm i",
	    "app/ (a repository without a commit)", "app/deep/deep.c", false },
	{ "echo s >new.c; chmod 000 new.c; echo t >two.c", "new.c (cannot be read)", "two.c",
	    true },
	{ "mkdir gen; echo s >gen/new.c; chmod 000 gen; echo t >two.c", "gen/ (cannot be read)",
	    "two.c", true },
	{ "mkdir gen; echo s >gen/new.c; chmod 311 gen; echo t >two.c", "gen/ (cannot be read)",
	    "two.c", true },
	{ "mkdir gen; echo s >gen/new.c; chmod 444 gen; echo t >two.c",
	    "gen/new.c (cannot be read)", "two.c", true },
	{ "mkdir -p sub/.GIT; echo s >sub/.GIT/x; echo t >two.c",
	    "sub/.GIT/x (a name that git refuses)", "two.c", true },
};

START_TEST(what_is_left_out_holds_the_change_and_is_saved)
{
	size_t i = (size_t)_i / 2;
	struct tree t;
	struct error why = { .code = 0 };

	make_tree(_i % 2, &t);
	ck_assert_int_eq(shell(t.path, "echo y >>a.txt; %s", left_out[i].deed), 0);
	FAILS(tree_squash(&t, &ask, commit, sizeof commit, err), DROVER_HUMAN, left_out[i].said);
	FAILS(tree_commit(&t, "x", commit, sizeof commit, err), DROVER_HUMAN, left_out[i].said);
	ck_assert_msg(tree_return(&t, saved, sizeof saved, &why) == (left_out[i].aside ? -1 : 0),
	    "%s", why.text);
	ck_assert(is_saved(left_out[i].file));
	ck_assert(is_saved("a.txt"));
	if (left_out[i].aside) {
		ck_assert_ptr_nonnull(strstr(why.text, tree_aside(&t)));
		ck_assert_int_ne(access(t.path, F_OK), 0);
		ck_assert_int_eq(access(t.aside, F_OK), 0);
	}
	gitrepo_prepare(&t, left_out[i].aside ? "dirty" : "warm", NULL);
	ck_assert_str_eq(shell_out(t.path, "ls -A; git status --porcelain --ignored"),
	    ".git\n.gitignore\na.txt\nsrc");
	tree_free(&t);
}
END_TEST

/*
 * git runs the filter of an inner repository to see whether its file has
 * changed: its size is the same, and its time is not.
 */
#define INNER \
	"mkdir app; cd app; git init -q; echo c >main.c; git add .; git commit -qm i; echo '* " \
	"filter=f' >.git/info/attributes; git config filter.f.clean \"touch ${PWD%/*}.ran; " \
	"cat\"; cd ..;"

static const char *const with_settings[] = {
	INNER,
	INNER "git add app; git commit -qm all",
	INNER "git add app; git commit -qm all; git -C app commit -qm 2 --allow-empty",
	(INNER "git add app; git commit -qm all; mv app/.git .git/inner; echo 'gitdir: "
	       "../.git/inner' >app/.git"),
};

START_TEST(settings_of_an_inner_repository_run_nothing)
{
	struct tree t;
	char *ran;

	make_tree(_i % 2, &t);
	ran = xasprintf("%s.ran", t.path);
	ck_assert_int_eq(shell(t.path, "%s", with_settings[_i / 2]), 0);
	ck_assert_int_eq(shell(t.path, "echo d >app/main.c; touch -d 2020-01-01 app/main.c"), 0);
	ck_assert_int_eq(shell(t.path, "git -C app status"), 0);
	ck_assert_msg(unlink(ran) == 0, "git in the inner repository does not run the filter");
	ck_assert_int_eq(shell(t.path, "touch -d 2021-01-01 app/main.c"), 0);
	FAILS(tree_squash(&t, &ask, commit, sizeof commit, err), DROVER_HUMAN,
	    "app/ (a repository within the repository)");
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert(is_saved("app/main.c"));
	ck_assert_int_ne(access(ran, F_OK), 0);
	free(ran);
	tree_free(&t);
}
END_TEST

START_TEST(what_is_put_aside_is_whole)
{
	struct tree t;
	struct error why = { .code = 0 };

	make_tree(_i, &t);
	ck_assert_int_eq(shell(t.path, "mkdir gen; echo s >gen/new.c; chmod 000 gen"), 0);
	if (_i == 0)
		ck_assert_int_lt(tree_return(&t, saved, sizeof saved, &why), 0);
	else
		OK(tree_remove(&t, saved, sizeof saved, err));
	ck_assert_int_eq(shell(up.state, "chmod -R u+rwX aside; cat aside/web-1-*/gen/new.c"), 0);
	tree_free(&t);
}
END_TEST

START_TEST(a_dirty_tree_that_cannot_be_read_is_put_aside_by_the_next_owner)
{
	struct tree t;

	make_tree(_i, &t);
	ck_assert_int_eq(shell(t.path, "mkdir gen; echo s >gen/new.c; chmod 000 gen"), 0);
	gitrepo_prepare(&t, "dirty", NULL);
	ck_assert_int_ne(shell(t.path, "test -e gen"), 0);
	ck_assert_int_eq(shell(up.state, "chmod -R u+rwX aside; cat aside/web-1-*/gen/new.c"), 0);
	tree_free(&t);
}
END_TEST

START_TEST(inner_repositories_stay_as_they_are)
{
	struct tree t;
	struct fill_status status;

	make_tree(_i, &t);
	ck_assert_int_eq(shell(t.path,
			     "mkdir app; cd app; git init -q; echo c >main.c; git add .; git "
			     "commit "
			     "-qm inner"),
	    0);
	OK(fill_status(&t, &status, err));
	OK(wip_save(&t, &status, saved, sizeof saved, err));
	fill_status_free(&status);
	ck_assert(is_saved("app/main.c"));
	ck_assert_str_eq(shell_out(t.path, "cd app; git log --format=%%s; git status --porcelain"),
	    "inner");
	ck_assert_str_eq(shell_out(t.path,
			     "git status --porcelain; ls .git | grep drover-inner "
			     "|| true"),
	    "?? app/");
	tree_free(&t);
}
END_TEST

/* git says nothing about these, and they are no work that is lost. */
START_TEST(what_is_no_work_does_not_hold)
{
	static const char *const deeds[] = {
		"mkfifo fifo",
		"mkdir -p node_modules/a; cd node_modules/a; git init -q; echo x >x",
		"mkdir -p node_modules/a; echo x >node_modules/a/x; chmod 000 node_modules/a",
		"echo x >x.o; chmod 000 x.o",
		"mkdir -p app/.git; mkdir empty; echo 'gitdir: /nonexistent' >src/.git",
		"ln -s /nonexistent/x link; ln -s . loop",
	};
	struct tree t;

	make_tree(_i % 2, &t);
	ck_assert_int_eq(shell(t.path, "echo y >>a.txt; %s", deeds[_i / 2]), 0);
	ck_assert_int_eq(tree_squash(&t, &ask, commit, sizeof commit, NULL), 1);
	tree_free(&t);
}
END_TEST

/* A tool that setup has cloned is no work of the agent's. */
START_TEST(what_setup_left_does_not_hold)
{
	struct buf fresh = BUF_INIT;
	const struct squash without = { .without = &fresh, .message = "x" };
	struct tree t;

	make_tree(_i, &t);
	ck_assert_int_eq(shell(t.path,
			     "mkdir one two; cd one; git init -q; echo x >x; cd ../two; git init "
			     "-q; "
			     "echo x >x; git add .; git commit -qm i"),
	    0);
	OK(tree_restore(&t, t.base, &fresh, err));
	ck_assert_int_eq(shell(t.path, "echo y >>a.txt"), 0);
	ck_assert_int_eq(tree_squash(&t, &without, commit, sizeof commit, NULL), 1);
	ck_assert_str_eq(shell_out(t.path, "git diff --name-only HEAD~ HEAD"), "a.txt");
	buf_free(&fresh);
	tree_free(&t);
}
END_TEST

/* Adds files to the remote that differ from their commit once checked out. */
static void
make_odd_files(void)
{
	ck_assert_int_eq(shell(up.up,
			     "printf 'one\\r\\ntwo\\r\\n' >w.txt; echo '$Id: x $ text' >i.id; git "
			     "add .; "
			     "git commit -qm odd; printf '*.txt text eol=lf\\n*.id ident\\n' "
			     ">.gitattributes; git add .gitattributes; git commit -qm attributes"),
	    0);
}

/* What an agent does, and the files of its commit; "" for no commit. */
static const struct {
	const char *deed, *files;
} odd[] = {
	{ "touch w.txt i.id; git status >/dev/null", "" },
	{ "touch w.txt; echo y >>src/b.txt", "src/b.txt" },
	{ "touch w.txt; echo y >>src/b.txt; git commit -qam all", "src/b.txt" },
	{ "printf 'three\\r\\n' >>w.txt", "w.txt" },
	{ "sed -i 's/\\r//' w.txt", "w.txt" },
	{ "echo '*.c text' >>.gitattributes; git add --renormalize .",
	    ".gitattributes\ni.id\nw.txt" },
};

START_TEST(a_file_that_only_a_checkout_changes_is_no_change)
{
	size_t i = (size_t)_i / 2;
	struct tree t;
	int r;

	make_odd_files();
	make_tree(_i % 2, &t);
	ck_assert_int_eq(shell(t.path, "%s", odd[i].deed), 0);
	r = tree_squash(&t, &ask, commit, sizeof commit, NULL);
	ck_assert_int_eq(r, odd[i].files[0] != '\0');
	if (r == 1)
		ck_assert_str_eq(shell_out(t.path, "git diff --name-only %s HEAD", t.base),
		    odd[i].files);
	else {
		ck_assert_int_eq(shell(t.path, "touch w.txt"), 0);
		OK(tree_return(&t, saved, sizeof saved, err));
		ck_assert_str_eq(saved, "");
	}
	tree_free(&t);
}
END_TEST

START_TEST(a_link_that_is_ignored_as_a_folder_is_left_out)
{
	struct buf left = BUF_INIT;
	const struct squash told = { .without = &nothing, .message = "x", .left = &left };
	struct tree t;

	make_tree(_i, &t);
	ck_assert_int_eq(shell(t.path,
			     "ln -s /nonexistent node_modules; ln -s a.txt b; echo y >>a.txt; git "
			     "add -A; git commit -qm all"),
	    0);
	ck_assert_int_eq(tree_squash(&t, &told, commit, sizeof commit, NULL), 1);
	ck_assert_str_eq(shell_out(t.path, "git diff --name-only %s HEAD", t.base), "a.txt\nb");
	ck_assert_str_eq(buf_str(&left), "node_modules (a link of an ignored name)");
	buf_free(&left);
	tree_free(&t);
}
END_TEST

/* Where work can hide, what is said of it, and a file of it. */
static const struct {
	const char *deed, *said;
} hidden_work[] = {
	{ "echo w >w; git add w; git stash -q", "1 stash entry, saved as refs/drover/wip/1-" },
	{ "echo w >w; git add w; git stash -q; echo x >>a.txt; git stash -q",
	    "2 stash entries, saved as refs/drover/wip/1-" },
	{ "git checkout -qb fix; echo w >w; git add w; git commit -qm w; git checkout -q --detach "
	  "HEAD~",
	    "branch fix, saved as refs/drover/wip/1-" },
};

START_TEST(work_in_a_stash_or_a_branch_is_saved_and_told)
{
	size_t i = (size_t)_i / 2;
	struct buf left = BUF_INIT;
	const struct squash told = { .without = &nothing, .message = "x", .left = &left };
	struct tree t;

	make_tree(_i % 2, &t);
	ck_assert_int_eq(shell(t.path, "%s", hidden_work[i].deed), 0);
	FAILS(tree_squash(&t, &told, commit, sizeof commit, err), DROVER_HUMAN,
	    hidden_work[i].said);
	ck_assert(is_saved("w"));
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(saved, "");
	/* Beside a change it is told, but does not hold. */
	gitrepo_prepare(&t, "warm", NULL);
	ck_assert_int_eq(shell(t.path,
			     "export GIT_COMMITTER_DATE=2001-01-01T00:00:00Z; %s; echo 2 "
			     ">>src/b.txt",
			     hidden_work[i].deed),
	    0);
	ck_assert_int_eq(tree_squash(&t, &told, commit, sizeof commit, NULL), 1);
	ck_assert_ptr_nonnull(strstr(buf_str(&left), hidden_work[i].said));
	buf_free(&left);
	tree_free(&t);
}
END_TEST

/* A branch on which the agent stands is the change. */
START_TEST(work_of_the_change_is_not_told_twice)
{
	struct buf left = BUF_INIT;
	const struct squash told = { .without = &nothing, .message = "x", .left = &left };
	struct tree t;

	make_tree(_i, &t);
	ck_assert_int_eq(shell(t.path,
			     "git branch old; git checkout -qb fix; echo w >w; git add w; git "
			     "commit -qm w; git branch same; echo v >>w; git stash -q; git stash "
			     "pop -q"),
	    0);
	ck_assert_int_eq(tree_squash(&t, &told, commit, sizeof commit, NULL), 1);
	ck_assert_str_eq(buf_str(&left), "");
	ck_assert_str_eq(shell_out(up.mirror, "git for-each-ref refs/drover/wip"), "");
	tree_free(&t);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "takeup", setup, teardown);

	tcase_add_loop_test(tc, what_is_left_out_holds_the_change_and_is_saved, 0,
	    2 * (int)ARRAY_LEN(left_out));
	tcase_add_loop_test(tc, settings_of_an_inner_repository_run_nothing, 0,
	    2 * (int)ARRAY_LEN(with_settings));
	tcase_add_loop_test(tc, what_is_put_aside_is_whole, 0, 2);
	tcase_add_loop_test(tc, a_dirty_tree_that_cannot_be_read_is_put_aside_by_the_next_owner, 0,
	    2);
	tcase_add_loop_test(tc, inner_repositories_stay_as_they_are, 0, 2);
	tcase_add_loop_test(tc, what_is_no_work_does_not_hold, 0, 12);
	tcase_add_loop_test(tc, what_setup_left_does_not_hold, 0, 2);
	tcase_add_loop_test(tc, a_file_that_only_a_checkout_changes_is_no_change, 0,
	    2 * (int)ARRAY_LEN(odd));
	tcase_add_loop_test(tc, a_link_that_is_ignored_as_a_folder_is_left_out, 0, 2);
	tcase_add_loop_test(tc, work_in_a_stash_or_a_branch_is_saved_and_told, 0,
	    2 * (int)ARRAY_LEN(hidden_work));
	tcase_add_loop_test(tc, work_of_the_change_is_not_told_twice, 0, 2);
}

SUITE(cases)
