/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submodules of a tree: from where they may be fetched, what an agent may do in
 * them, and that no job finds what another left there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lease/submodule.h"

#include "suite.h"
#include "test_tree.h"

static const struct buf nothing;
static char made[65];

/*
 * Gives the repository the submodule "lib", which has the file f.c and in it
 * the submodule "deep". Both lie beside it.
 */
static void
setup(void)
{
	tree_setup();
	ck_assert_int_eq(shell(up.dir,
			     "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=protocol.file.allow "
			     "GIT_CONFIG_VALUE_0=always; "
			     "for n in deep lib; do git init -q -b main $n; echo $n >$n/f.c; "
			     "git -C $n add .; git -C $n commit -qm $n; done; "
			     "git -C lib submodule --quiet add \"$PWD/deep\" sub/deep; "
			     "git -C lib config -f .gitmodules submodule.sub/deep.url ../deep; "
			     "git -C lib commit -qam deep; "
			     "git -C up submodule --quiet add \"$PWD/lib\" lib; "
			     "git -C up commit -qm lib"),
	    0);
}

static void
lease(struct tree *t)
{
	gitrepo_tree(&up, t, 1);
	gitrepo_prepare(t, "new", NULL);
}

static int
squash(struct tree *t, struct error *err)
{
	const struct squash ask = { .without = &nothing, .message = "ours\n" };

	return tree_squash(t, &ask, made, sizeof made, err);
}

static void
agent(struct tree *t, const char *script)
{
	ck_assert_int_eq(shell(t->path, "%s", script), 0);
}

START_TEST(the_files_are_there)
{
	struct tree t;
	char saved[256];

	lease(&t);
	ck_assert_str_eq(shell_out(t.path,
			     "cat lib/f.c lib/sub/deep/f.c; git status --porcelain; "
			     "git -C lib log -1 --format=%%s origin/main; git -C lib/sub/deep "
			     "status "
			     "--porcelain"),
	    "lib\ndeep\ndeep");
	ck_assert_int_eq(squash(&t, NULL), 0);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_eq(saved, "");
	ck_assert_str_eq(shell_out(t.path, "ls -A lib; ls .git | grep modules || :"), "");
	gitrepo_prepare(&t, "warm", NULL);
	ck_assert_str_eq(shell_out(t.path, "cat lib/sub/deep/f.c"), "deep");
	tree_free(&t);
}
END_TEST

START_TEST(none_leaves_them_empty)
{
	struct error why = { .code = 0 };
	struct tree t;

	up.repo.submodules = SUBMODULES_NONE;
	lease(&t);
	ck_assert_str_eq(shell_out(t.path, "ls -A lib"), "");
	agent(&t, "echo z >>a.txt");
	ck_assert_int_eq(squash(&t, NULL), 1);
	agent(&t, "git update-index --cacheinfo 160000,$(git rev-parse HEAD),lib");
	ck_assert_int_lt(squash(&t, &why), 0);
	ck_assert_int_eq(why.code, DROVER_HUMAN);
	ck_assert_ptr_nonnull(
	    strstr(why.text, "lib is a submodule, and the change moves its link"));
	tree_free(&t);
}
END_TEST

START_TEST(without_git_a_repo_with_submodules_is_refused)
{
	struct tree t;
	char saved[256];

	gitrepo_tree(&up, &t, 1);
	OK(tree_fetch(&t, err));
	setenv("SHELL_PATH", getenv("PATH"), 1);
	setenv("PATH", "/nonexistent", 1);
	FAILS(tree_prepare(&t, "new", NULL, saved, sizeof saved, err), DROVER_CONFIG,
	    "install it, or set submodules = \"none\"");
	tree_free(&t);
}
END_TEST

/* What an agent does, and the submodule that is named. */
static const struct {
	const char *does, *named;
} edits[] = {
	{ "echo z >>lib/f.c", "lib is a submodule" },
	{ "echo new >lib/new.c; echo y >>a.txt", "lib is a submodule" },
	{ "echo z >>lib/f.c; git -C lib commit -qam z", "lib is a submodule" },
	{ "echo z >>lib/f.c; git -C lib commit -qam z; git add lib; git commit -qm l",
	    "lib is a submodule" },
	{ "echo z >>lib/sub/deep/f.c", "lib/sub/deep is a submodule" },
	{ "echo z >>lib/f.c; rm -rf lib/.git .git/modules", "lib is a submodule" },
	{ "rm lib/.git; git init -q lib; echo z >>lib/f.c", "lib is a submodule" },
};

START_TEST(work_in_a_submodule_is_held_and_saved)
{
	struct tree t;
	char saved[256];
	struct error why = { .code = 0 };

	lease(&t);
	agent(&t, edits[_i].does);
	ck_assert_int_lt(squash(&t, &why), 0);
	ck_assert_int_eq(why.code, DROVER_HUMAN);
	ck_assert_msg(strncmp(why.text, edits[_i].named, strlen(edits[_i].named)) == 0, "%s",
	    why.text);
	ck_assert_ptr_nonnull(strstr(why.text, "changes that are not at"));
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_str_ne(saved, "");
	ck_assert_str_ne(shell_out(up.mirror,
			     "for r in $(git for-each-ref --format='%%(refname)' refs/drover/wip); "
			     "do "
			     "git grep -hE '^(z|new)$' $r -- f.c new.c; done || :"),
	    "");
	/* The next job finds nothing of it. */
	gitrepo_prepare(&t, "warm", NULL);
	ck_assert_str_eq(shell_out(t.path,
			     "cat lib/f.c; ls lib; git status --porcelain; git -C lib log "
			     "--format=%%s"),
	    "lib\nf.c\nsub\ndeep\nlib");
	tree_free(&t);
}
END_TEST

START_TEST(a_commit_of_its_remote_is_pushed)
{
	struct tree t;

	ck_assert_int_eq(shell(up.dir, "echo 2 >>lib/f.c; git -C lib commit -qam two"), 0);
	lease(&t);
	/* Newer than what drover has fetched. */
	ck_assert_int_eq(shell(up.dir, "echo 3 >>lib/f.c; git -C lib commit -qam three"), 0);
	agent(&t,
	    _i == 0 ? "git -C lib checkout -q origin/main" :
		      "git -C lib pull -q origin main 2>/dev/null");
	ck_assert_int_eq(squash(&t, NULL), 1);
	ck_assert_str_eq(shell_out(t.path, "git rev-parse %s:lib", made),
	    shell_out(up.dir, "git -C lib rev-parse main%s", _i == 0 ? "^" : ""));
	OK(tree_push(&t, made, "drover/x", err));
	tree_free(&t);
}
END_TEST

START_TEST(upstream_moves_a_link)
{
	struct tree t;

	lease(&t);
	ck_assert_int_eq(shell(up.dir,
			     "echo 2 >>lib/f.c; git -C lib commit -qam two; git -C up/lib pull -q "
			     "2>/dev/null; git -C up commit -qam moved"),
	    0);
	agent(&t, "git pull -q origin main; echo m >mine");
	ck_assert_int_eq(squash(&t, NULL), 1);
	ck_assert_str_eq(shell_out(t.path, "git diff-tree --no-commit-id --name-only -r %s", made),
	    "mine");
	tree_free(&t);
}
END_TEST

START_TEST(setup_may_write_in_them)
{
	struct buf fresh = BUF_INIT;
	struct tree t;

	lease(&t);
	agent(&t, "echo o >lib/built; echo o >lib/sub/deep/built; echo z >>lib/f.c");
	OK(tree_restore(&t, t.base, &fresh, err));
	ck_assert_str_eq(shell_out(t.path, "cat lib/f.c lib/built"), "lib\no");
	ck_assert_int_eq(squash(&t, NULL), 0);
	agent(&t, "echo p >>lib/built");
	ck_assert_int_lt(squash(&t, NULL), 0);
	buf_free(&fresh);
	tree_free(&t);
}
END_TEST

/* git runs in a submodule where drover works on the tree around it. */
START_TEST(settings_of_a_submodule_run_nothing)
{
	struct tree t;
	char saved[256];

	lease(&t);
	agent(&t,
	    "printf '#!/bin/sh\\ntouch %s/ran\\n' \"$PWD/../../..\" >m; chmod +x m; "
	    "git -C lib config core.fsmonitor \"$PWD/m\"; "
	    "git -C lib config filter.x.clean \"$PWD/m\"; mkdir -p .git/modules/x; "
	    "echo '* filter=x' >$(git -C lib rev-parse --git-dir)/info/attributes || :");
	ck_assert_int_eq(squash(&t, NULL), 1);
	OK(tree_return(&t, saved, sizeof saved, err));
	ck_assert_int_ne(shell(up.state, "test -e ran || test -e ../ran"), 0);
	tree_free(&t);
}
END_TEST

/* A .gitmodules that other people wrote. */
static const struct {
	const char *set, *says;
} wicked[] = {
	{ "submodule.lib.url 'ext::sh -c touch% x'", "is no url that drover uses" },
	{ "submodule.lib.url ext::x", "has a scheme that drover does not use" },
	{ "submodule.lib.url --upload-pack=x", "is no url that drover uses" },
	{ "submodule.lib.url /etc", "is not in the folder that the repo lies in" },
	{ "submodule.lib.url https://u:p@example.org/x", "has a user or password in it" },
	{ "submodule.lib.url git@example.org:x/y", "drover's ssh key" },
};

START_TEST(wicked_urls_are_refused)
{
	struct tree t;
	char saved[256];

	ck_assert_int_eq(shell(up.up, "git config -f .gitmodules %s; git commit -qam w",
			     wicked[_i].set),
	    0);
	gitrepo_tree(&up, &t, 1);
	OK(tree_fetch(&t, err));
	FAILS(tree_prepare(&t, "new", NULL, saved, sizeof saved, err), DROVER_CONFIG,
	    wicked[_i].says);
	tree_free(&t);
}
END_TEST

/* A path that leads elsewhere is no submodule of the commit. */
START_TEST(wicked_paths_are_none)
{
	static const char *const paths[] = { "../x", "lib/../../x", ".git/hooks", "/etc" };
	struct tree t;

	ck_assert_int_eq(shell(up.up,
			     "git config -f .gitmodules submodule.lib.path %s; "
			     "git commit -qam w",
			     paths[_i]),
	    0);
	lease(&t);
	ck_assert_str_eq(shell_out(t.path, "ls -A lib"), "");
	tree_free(&t);
}
END_TEST

static const struct {
	const char *origin, *given, *url; /* url is NULL when it is refused */
	bool own;
} urls[] = {
	{ "https://h/a/web.git", "../lib.git", "https://h/a/lib.git", true },
	{ "https://h/a/web.git/", "../../b/lib", "https://h/b/lib", true },
	{ "https://h/web.git", "../lib", "https://h/lib", true },
	{ "https://h/web.git", "../../lib", NULL, false },
	{ "https://h/web.git", "https://H/lib", "https://H/lib", true },
	{ "https://h/web.git", "https://h:8443/lib", "https://h:8443/lib", false },
	{ "https://h/web.git", "http://h/lib", "http://h/lib", false },
	{ "https://h/web.git", "https://h.evil/lib", "https://h.evil/lib", false },
	{ "https://h/web.git", "https://t@h/lib", NULL, false },
	{ "https://h/web.git", "/srv/lib", NULL, false },
	{ "https://h/web.git", "file:///srv/lib", NULL, false },
	{ "https://h/web.git", "git@h:lib", NULL, false },
	{ "https://h/web.git", "git://h/lib", NULL, false },
	{ "git@h:a/web.git", "../lib.git", "git@h:a/lib.git", false },
	{ "git@h:web.git", "../lib.git", "git@h:lib.git", false },
	{ "git@h:web.git", "../../lib.git", NULL, false },
	{ "git@h:web.git", "git@h:other", "git@h:other", false },
	{ "git@h:web.git", "root@h:other", NULL, false },
	{ "ssh://git@h/a/web", "../lib", "ssh://git@h/a/lib", false },
	{ "/nowhere/web", "../lib", NULL, false },
};

START_TEST(urls_are_resolved_and_judged)
{
	struct error why = { .code = 0 };
	char *url;
	bool own = false;
	int r = submodule_url(urls[_i].origin, urls[_i].origin, urls[_i].given, &url, &own, &why);

	ck_assert_msg((r == 0) == (urls[_i].url != NULL), "%s", r == 0 ? url : why.text);
	if (r == 0) {
		ck_assert_str_eq(url, urls[_i].url);
		ck_assert(own == urls[_i].own);
		free(url);
	}
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "submodule", setup, tree_teardown);
	TCase *words = suite_case(suite, "url", NULL, NULL);

	tcase_add_test(tc, the_files_are_there);
	tcase_add_test(tc, none_leaves_them_empty);
	tcase_add_test(tc, without_git_a_repo_with_submodules_is_refused);
	tcase_add_loop_test(tc, work_in_a_submodule_is_held_and_saved, 0, (int)ARRAY_LEN(edits));
	tcase_add_loop_test(tc, a_commit_of_its_remote_is_pushed, 0, 2);
	tcase_add_test(tc, upstream_moves_a_link);
	tcase_add_test(tc, setup_may_write_in_them);
	tcase_add_test(tc, settings_of_a_submodule_run_nothing);
	tcase_add_loop_test(tc, wicked_urls_are_refused, 0, (int)ARRAY_LEN(wicked));
	tcase_add_loop_test(tc, wicked_paths_are_none, 0, 4);
	tcase_add_loop_test(words, urls_are_resolved_and_judged, 0, (int)ARRAY_LEN(urls));
}

SUITE(cases)
