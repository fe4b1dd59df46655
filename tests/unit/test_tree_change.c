/* SPDX-License-Identifier: Apache-2.0 */
/* Work in a tree: differences, commits, pushes, and what remotes may answer. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include "suite.h"
#include "temp.h"
#include "test_tree.h"

static void
without_git(bool without)
{
	if (without) {
		setenv("SHELL_PATH", getenv("PATH"), 1);
		setenv("PATH", "/nonexistent", 1);
	}
}

START_TEST(diff_is_against_the_base)
{
	struct tree t;
	struct drover_diff diff;

	without_git(_i == 1);
	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	OK(tree_diff(&t, &diff, err));
	ck_assert_uint_eq(diff.files, 0);
	ck_assert_int_eq(shell(t.path,
			     "printf 'x\\ny\\n' >>a.txt; git add a.txt; git commit -qm x; rm "
			     "src/b.txt; printf 1234 >new; echo o >x.o"),
	    0);
	OK(tree_diff(&t, &diff, err));
	ck_assert_uint_eq(diff.files, 3);
	ck_assert_uint_eq(diff.added, 3);
	ck_assert_uint_eq(diff.removed, 1);
	ck_assert_uint_eq(diff.bytes, strlen("one\n1\nx\ny\n") + 4);
	ck_assert_str_eq(shell_out(t.path, "git status --porcelain"), " D src/b.txt\n?? new");
	tree_free(&t);
}
END_TEST

START_TEST(commit_takes_all_changes_once)
{
	struct tree t;
	char commit[65], head[65];

	without_git(_i == 1);
	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(tree_commit(&t, "nothing", commit, sizeof commit, NULL), 0);
	ck_assert_str_eq(commit, t.base);
	ck_assert_int_eq(shell(t.path,
			     "echo z >>a.txt; echo n >new; rm src/b.txt; git checkout -q -b topic"),
	    0);
	ck_assert_int_eq(tree_commit(&t, "Fix it\n\nBecause.\n\nTicket: T-1\n", commit,
			     sizeof commit, NULL),
	    1);
	OK(tree_head(&t, head, sizeof head, err));
	ck_assert_str_eq(commit, head);
	ck_assert_str_eq(shell_out(t.path,
			     "git log -1 --format='%%an <%%ae> %%cn %%P'; git log -1 "
			     "--format='%%(trailers)'; git status --porcelain"),
	    shell_out(up.up,
		"echo \"drover <drover@localhost> drover $(git rev-parse main)\"; echo Ticket: "
		"T-1; echo"));
	ck_assert_int_eq(tree_commit(&t, "again", commit, sizeof commit, NULL), 0);
	tree_free(&t);
}
END_TEST

START_TEST(kept_commit_can_be_resumed)
{
	struct tree t;
	char commit[65], saved[256];

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path, "echo z >>a.txt"), 0);
	ck_assert_int_eq(tree_commit(&t, "half", commit, sizeof commit, NULL), 1);
	OK(tree_keep(&t, commit, 77, err));
	OK(tree_return(&t, saved, sizeof saved, err));
	OK(tree_prepare(&t, "warm", "refs/drover/job/77", saved, sizeof saved, err));
	ck_assert_str_eq(t.base, commit);
	OK(tree_unkeep(&t, 77, err));
	OK(tree_unkeep(&t, 77, err));
	FAILS(tree_prepare(&t, "warm", "refs/drover/job/77", saved, sizeof saved, err),
	    DROVER_PERMANENT, "job/77");
	tree_free(&t);
}
END_TEST

/* Returns the commit's id, valid until the next call. */
static const char *
change_and_commit(struct tree *t, const char *text)
{
	static char commit[65];

	ck_assert_int_eq(shell(t->path, "echo %s >>a.txt", text), 0);
	ck_assert_int_eq(tree_commit(t, text, commit, sizeof commit, NULL), 1);
	return commit;
}

/* Each: transport, whether the remote is bare, whether git is in PATH. */
static const struct {
	const char *transport;
	bool bare, git;
} pushes[] = { { "libgit2", false, true }, { "git", true, true }, { "libgit2", true, false } };

START_TEST(push_twice_is_push_once_and_strangers_are_safe)
{
	struct tree t;
	const char *commit;
	char *first;

	free(up.repo.transport);
	up.repo.transport = xstrdup(pushes[_i].transport);
	if (pushes[_i].bare) {
		ck_assert_int_eq(shell(up.dir, "mv up work; git clone -q --bare work up"), 0);
		without_git(!pushes[_i].git);
	}
	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	commit = change_and_commit(&t, "p1");
	OK(tree_push(&t, commit, "drover/t-1", err));
	first = xstrdup(shell_out(up.up, "git rev-parse drover/t-1"));
	ck_assert_str_eq(first, shell_out(t.path, "git rev-parse HEAD"));
	OK(tree_push(&t, commit, "drover/t-1", err));
	/* Another try of drover's own, not on top of the first. */
	ck_assert_int_eq(shell(t.path, "git reset -q --hard %s", t.base), 0);
	commit = change_and_commit(&t, "p2");
	OK(tree_push(&t, commit, "drover/t-1", err));
	ck_assert_str_eq(shell_out(up.up, "git log --format=%%s drover/t-1"), "p2\nsecond\nfirst");
	/* A stranger's commit stays, unless ours contains it. */
	ck_assert_int_eq(shell(up.dir,
			     "git clone -q -b drover/t-1 up them; cd them; echo s >s; git add s; "
			     "git commit -qm stranger; git push -q origin HEAD:drover/t-1"),
	    0);
	commit = change_and_commit(&t, "p3");
	FAILS(tree_push(&t, commit, "drover/t-1", err), DROVER_PERMANENT, "did not push");
	ck_assert_str_eq(shell_out(up.up, "git log -1 --format=%%s drover/t-1"), "stranger");
	gitrepo_prepare(&t, "warm", "drover/t-1");
	commit = change_and_commit(&t, "p4");
	OK(tree_push(&t, commit, "drover/t-1", err));
	ck_assert_str_eq(shell_out(up.up, "git log --format=%%s drover/t-1"),
	    "p4\nstranger\np2\nsecond\nfirst");
	FAILS(tree_push(&t, commit, "main", err), DROVER_PERMANENT, "under drover/");
	FAILS(tree_push(&t, commit, "drover/../main", err), DROVER_PERMANENT, "under drover/");
	ck_assert_str_eq(shell_out(up.mirror,
			     "git for-each-ref refs/drover/pushing refs/drover/push"),
	    "");
	free(first);
	tree_free(&t);
}
END_TEST

/* The daemon died between the push and writing it down. */
START_TEST(push_after_a_crash_knows_its_own)
{
	struct tree t;
	const char *commit;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	commit = change_and_commit(&t, "p1");
	OK(tree_push(&t, commit, "drover/x", err));
	ck_assert_int_eq(shell(up.mirror,
			     "git update-ref refs/drover/pushing/drover/x "
			     "refs/drover/pushed/drover/x; git update-ref -d "
			     "refs/drover/pushed/drover/x"),
	    0);
	ck_assert_int_eq(shell(t.path, "git reset -q --hard %s", t.base), 0);
	commit = change_and_commit(&t, "p2");
	OK(tree_push(&t, commit, "drover/x", err));
	ck_assert_str_eq(shell_out(up.up, "git log -1 --format=%%s drover/x"), "p2");
	tree_free(&t);
}
END_TEST

START_TEST(refused_push_says_why)
{
	struct tree t;
	const char *commit;

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	commit = change_and_commit(&t, "p");
	ck_assert_int_eq(shell(up.up,
			     "printf '#!/bin/sh\\nexit 1\\n' >.git/hooks/pre-receive; chmod +x "
			     ".git/hooks/pre-receive"),
	    0);
	FAILS(tree_push(&t, commit, "drover/y", err), DROVER_PERMANENT, "hook declined");
	ck_assert_int_eq(shell(up.up, "rm .git/hooks/pre-receive; git checkout -q -b drover/z"), 0);
	FAILS(tree_push(&t, commit, "drover/z", err), DROVER_PERMANENT, "drover/z");
	tree_free(&t);
}
END_TEST

/*
 * A process that a job left behind moves HEAD, its branch and the files after
 * the commit was looked at.
 */
START_TEST(pushed_is_the_commit_that_was_named)
{
	struct tree t;
	char commit[65];

	gitrepo_tree(&up, &t, 1);
	gitrepo_prepare(&t, "new", NULL);
	text_copy(commit, sizeof commit, change_and_commit(&t, "seen"));
	if (_i == 1)
		OK(tree_keep(&t, commit, 5, err));
	ck_assert_int_eq(shell(t.path,
			     "echo evil >>a.txt; git commit -qam evil; git branch -f topic; "
			     "git symbolic-ref HEAD refs/heads/topic; rm -f .git/index"),
	    0);
	OK(tree_keep(&t, commit, 5, err));
	OK(tree_push(&t, commit, "drover/t-1", err));
	ck_assert_str_eq(shell_out(up.up, "git log -1 --format='%%H %%s' drover/t-1"),
	    shell_out(up.mirror, "git log -1 --format='%%H seen' refs/drover/job/5"));
	ck_assert_str_eq(shell_out(up.up, "git rev-parse drover/t-1"), commit);
	FAILS(tree_push(&t, "HEAD", "drover/t-1", err), DROVER_INTERNAL, "HEAD");
	FAILS(tree_keep(&t, "HEAD", 5, err), DROVER_INTERNAL, "HEAD");
	tree_free(&t);
}
END_TEST

START_TEST(remote_that_is_not_there)
{
	static const struct {
		const char *url, *transport, *words;
		int code;
	} cases[] = {
		{ "/nonexistent/repo.git", "libgit2", "/nonexistent/repo.git", DROVER_CONFIG },
		{ "file:///nonexistent/repo.git", "git", "/nonexistent/repo.git", DROVER_CONFIG },
		{ "http://user:hunter22@127.0.0.1:9/x.git", "libgit2", "(http://127.0.0.1:9/x.git)",
		    DROVER_AGAIN },
		{ "http://user:hunter22@127.0.0.1:9/x.git", "git", "(http://127.0.0.1:9/x.git)",
		    DROVER_AGAIN },
		{ "/", "libgit2", "repo web (/)", DROVER_CONFIG },
		{ "/", "git", "repo web (/)", DROVER_CONFIG },
	};
	struct tree t;

	free(up.repo.url);
	free(up.repo.transport);
	up.repo.url = xstrdup(cases[_i].url);
	up.repo.transport = xstrdup(cases[_i].transport);
	gitrepo_tree(&up, &t, 1);
	FAILS(tree_fetch(&t, err), cases[_i].code, cases[_i].words);
	ck_assert_str_eq(shell_out(up.state, "grep -rl hunter22 . || true"), "");
	tree_free(&t);
}
END_TEST

/*
 * Answers every request with the same status, and counts those that bring the
 * token.
 */
static pid_t
serve(const char *status, char **url)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	char request[8192];
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*url = xasprintf("http://127.0.0.1:%d/acme/web.git", ntohs(at.sin_port));
	pid = fork();
	while (pid == 0) {
		peer = accept(fd, NULL, NULL);
		n = read(peer, request, sizeof request - 1);
		if (n > 0) {
			request[n] = '\0';
			if (strstr(request, "eC1hY2Nlc3MtdG9rZW46czNjcjN0LXQwa2Vu") != NULL)
				dprintf(peer,
				    "HTTP/1.1 %s\r\nWWW-Authenticate: Basic "
				    "realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
				    status);
			else
				dprintf(peer,
				    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic "
				    "realm=\"x\"\r\nContent-Length: 0\r\nConnection: "
				    "close\r\n\r\n");
		}
		close(peer);
	}
	close(fd);
	return pid;
}

START_TEST(answers_of_a_server_have_a_class)
{
	static const struct {
		const char *status;
		bool token;
		int code;
	} cases[] = {
		{ "401 Unauthorized", true, DROVER_AUTH },
		{ "403 Forbidden", true, DROVER_AUTH },
		{ "404 Not Found", true, DROVER_CONFIG },
		{ "503 Service Unavailable", true, DROVER_AGAIN },
		{ "429 Too Many Requests", true, DROVER_AGAIN },
		{ "200 OK", false, DROVER_AUTH },
	};
	char *token = temp_file(up.dir, "token", "s3cr3t-t0ken"), *url;
	pid_t pid = serve(cases[_i / 2].status, &url);
	struct tree t;

	free(up.repo.url);
	free(up.repo.transport);
	up.repo.url = url;
	up.repo.transport = xstrdup(_i % 2 == 0 ? "libgit2" : "git");
	up.repo.token_file = cases[_i / 2].token ? token : NULL;
	gitrepo_tree(&up, &t, 1);
	FAILS(tree_fetch(&t, err), cases[_i / 2].code, "/acme/web.git");
	ck_assert_str_eq(shell_out(up.dir, "grep -rl s3cr3t-t0ken ."), "./token");
	up.repo.token_file = NULL;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	tree_free(&t);
	free(token);
}
END_TEST

/*
 * A helper named git that stands before the real one and writes down what it
 * sees of the token.
 */
START_TEST(token_reaches_git_by_a_pipe_alone)
{
	struct tree t;
	char *bin = path_join(up.dir, "bin"), *token = temp_file(up.dir, "token", "s3cr3t-t0ken"),
	     *path, saved[256];
	char *real = xstrdup(shell_out(up.dir, "command -v git"));

	ck_assert_int_eq(shell(up.dir,
			     "mkdir bin; cat >bin/git <<'E'\n#!/bin/sh\nprintf '%%s\\n' \"$*\" "
			     ">>%s/seen\nenv >>%s/seen\n"
			     "for a; do case $a in credential.helper=?*) "
			     "h=${a#credential.helper=!};; esac; done\n"
			     "test -z \"$h\" || sh -c \"$h get\" x >>%s/given </dev/null\nunset "
			     "h\nexec %s \"$@\"\nE\nchmod +x bin/git",
			     up.dir, up.dir, up.dir, real),
	    0);
	path = xasprintf("%s:%s", bin, getenv("PATH"));
	setenv("PATH", path, 1);
	free(up.repo.transport);
	up.repo.transport = xstrdup("git");
	up.repo.token_file = token;
	gitrepo_tree(&up, &t, 1);
	OK(tree_fetch(&t, err));
	OK(tree_prepare(&t, "new", NULL, saved, sizeof saved, err));
	ck_assert_ptr_nonnull(strstr(shell_out(up.dir, "cat given"),
	    "username=x-access-token\npassword=s3cr3t-t0ken"));
	ck_assert_str_eq(shell_out(up.dir, "grep -rl s3cr3t . | LC_ALL=C sort"),
	    "./given\n./token");
	up.repo.token_file = NULL;
	tree_free(&t);
	free(bin);
	free(path);
	free(real);
	free(token);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "change", tree_setup, tree_teardown);

	tcase_add_loop_test(tc, diff_is_against_the_base, 0, 2);
	tcase_add_loop_test(tc, commit_takes_all_changes_once, 0, 2);
	tcase_add_test(tc, kept_commit_can_be_resumed);
	tcase_add_loop_test(tc, push_twice_is_push_once_and_strangers_are_safe, 0,
	    (int)ARRAY_LEN(pushes));
	tcase_add_test(tc, push_after_a_crash_knows_its_own);
	tcase_add_loop_test(tc, pushed_is_the_commit_that_was_named, 0, 2);
	tcase_add_test(tc, refused_push_says_why);
	tcase_add_loop_test(tc, remote_that_is_not_there, 0, 6);
	tcase_add_loop_test(tc, answers_of_a_server_have_a_class, 0, 12);
	tcase_add_test(tc, token_reaches_git_by_a_pipe_alone);
}

SUITE(cases)
