/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many processes on one repo at once, processes that are killed in the middle,
 * and what others find then.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "run/keeper.h"
#include "wire/message.h"

#include "suite.h"
#include "test_tree.h"

#define RACERS 32

static int
reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Waits until a byte tells it to begin, does a whole lease, ends with 0 when
 * all went well.
 */
static void
racer(uint64_t id, int begin)
{
	struct tree t;
	char byte, saved[256], commit[65], branch[64];
	struct error err = { .code = 0 };

	if (read(begin, &byte, 1) != 0)
		_exit(10);
	gitrepo_tree(&up, &t, id);
	if (tree_fetch(&t, &err) != 0 ||
	    tree_prepare(&t, "new", NULL, saved, sizeof saved, &err) != 0)
		goto fail;
	if (shell(t.path,
		"test \"$(git rev-parse HEAD)\" = %s && test -z \"$(git status --porcelain)\" && "
		"echo %d >mine.txt",
		t.base, (int)id) != 0)
		_exit(11);
	snprintf(branch, sizeof branch, "drover/%d", (int)id);
	if (tree_commit(&t, "mine", commit, sizeof commit, &err) != 1 ||
	    tree_push(&t, commit, branch, &err) != 0 ||
	    tree_return(&t, saved, sizeof saved, &err) != 0)
		goto fail;
	if (saved[0] != '\0')
		_exit(12);
	tree_free(&t);
	_exit(0);
fail:
	fprintf(stderr, "%d: %s\n", (int)id, err.text);
	_exit(13);
}

START_TEST(many_at_once_without_a_failure)
{
	pid_t pids[RACERS];
	int begin[2], failed = 0;

	ck_assert_int_eq(pipe(begin), 0);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			close(begin[1]);
			racer((uint64_t)i + 1, begin[0]);
		}
	}
	close(begin[0]);
	close(begin[1]);
	for (int i = 0; i < RACERS; i++)
		failed += reap(pids[i]) != 0;
	ck_assert_int_eq(failed, 0);
	ck_assert_int_eq(atoi(shell_out(up.up, "git for-each-ref refs/heads/drover | wc -l")),
	    RACERS);
	ck_assert_int_eq(atoi(shell_out(up.state, "ls -d trees/web/*/.git | wc -l")), RACERS);
	ck_assert_int_eq(shell(up.mirror, "git fsck --strict >/dev/null 2>&1"), 0);
}
END_TEST

/*
 * A git before the real one counts fetches, and holds the first back until all
 * others have asked.
 */
START_TEST(fetches_are_coalesced)
{
	pid_t pids[RACERS];
	struct tree t;
	char *path, *real = xstrdup(shell_out(up.dir, "command -v git"));
	int fetches;

	ck_assert_int_eq(shell(up.dir,
			     "mkdir bin; mkfifo gate; cat >bin/git <<'E'\n#!/bin/sh\ncase \" $* \" "
			     "in *' fetch '*) echo f >>%s/fetches; "
			     "test -e %s/open || { : >%s/begun; read x <%s/gate; } ;; esac\nexec "
			     "%s \"$@\"\nE\nchmod +x bin/git",
			     up.dir, up.dir, up.dir, up.dir, real),
	    0);
	path = xasprintf("%s/bin:%s", up.dir, getenv("PATH"));
	setenv("PATH", path, 1);
	free(up.repo.transport);
	up.repo.transport = xstrdup("git");
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct error err = { .code = 0 };

			gitrepo_tree(&up, &t, (uint64_t)i + 1);
			if (tree_fetch(&t, &err) != 0)
				fprintf(stderr, "%s\n", err.text);
			tree_free(&t);
			_exit(err.code == 0 ? 0 : 1);
		}
	}
	/*
	 * The writer's open of the gate waits for the first fetch. It goes on
	 * when all others wait for its lock, and they share the second.
	 */
	ck_assert_int_eq(shell(up.dir,
			     "exec 3>gate; : >open; i=$(stat -c %%i '%s.fetch'); "
			     "until [ \"$(grep -c -e \"->.*:$i \" /proc/locks)\" = %d ]; do "
			     "sleep 0.05; done; echo go >&3",
			     up.mirror, RACERS - 1),
	    0);
	for (int i = 0; i < RACERS; i++)
		ck_assert_int_eq(reap(pids[i]), 0);
	fetches = atoi(shell_out(up.dir, "grep -c f fetches"));
	ck_assert_int_ge(fetches, 1);
	ck_assert_int_le(fetches, 2);
	free(path);
	free(real);
}
END_TEST

/* Killed at the n-th command that git is asked for, while that command runs. */
START_TEST(killed_in_the_middle_of_a_prepare)
{
	struct tree t;
	char saved[256], *path, *old = xstrdup(getenv("PATH")),
				*real = xstrdup(shell_out(up.dir, "command -v git"));
	const char *state = _i < 4 ? "new" : "dirty";
	struct error why = { .code = 0 };
	pid_t pid;

	ck_assert_int_eq(shell(up.dir,
			     "mkdir bin; cat >bin/git <<'E'\n#!/bin/sh\nn=$(cat %s/n); echo $((n + "
			     "1)) >%s/n\n"
			     "test $n -ne %d || { touch %s/trees_git_lock; g=; for a; do case $a "
			     "in --git-dir=*) g=${a#--git-dir=};; esac; done; touch $g/index.lock; "
			     "kill -9 $PPID; }\n"
			     "exec %s \"$@\"\nE\nchmod +x bin/git; echo 100 >n",
			     up.dir, up.dir, _i % 4, up.dir, real),
	    0);
	path = xasprintf("%s/bin:%s", up.dir, old);
	setenv("PATH", path, 1);
	gitrepo_tree(&up, &t, 5);
	OK(tree_fetch(&t, err));
	if (_i >= 4) {
		OK(tree_prepare(&t, "new", NULL, saved, sizeof saved, err));
		ck_assert_int_eq(shell(t.path, "echo precious >p.txt; echo more >>a.txt"), 0);
	}
	ck_assert_int_eq(shell(up.dir, "echo 0 >n"), 0);
	pid = fork();
	if (pid == 0)
		_exit(tree_prepare(&t, state, "side", saved, sizeof saved, &why) == 0 ? 0 : 1);
	reap(pid);
	setenv("PATH", old, 1);
	OK(tree_prepare(&t, "dirty", NULL, saved, sizeof saved, err));
	ck_assert_str_eq(shell_out(t.path, "git rev-parse HEAD; git status --porcelain --ignored"),
	    shell_out(up.up, "git rev-parse main"));
	if (_i < 4)
		ck_assert_str_eq(shell_out(up.mirror, "git for-each-ref refs/drover/wip"), "");
	else
		ck_assert_str_eq(shell_out(up.mirror,
				     "git show $(git for-each-ref --format='%%(refname)' "
				     "refs/drover/wip | head -1):p.txt"),
		    "precious");
	tree_free(&t);
	free(path);
	free(old);
	free(real);
}
END_TEST

START_TEST(locks_of_the_dead_are_taken_away)
{
	struct tree t;
	char commit[65];

	gitrepo_tree(&up, &t, 6);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path, "echo x >>a.txt"), 0);
	ck_assert_int_eq(tree_commit(&t, "x", commit, sizeof commit, NULL), 1);
	ck_assert_int_eq(shell(up.mirror,
			     "mkdir -p refs/drover/job refs/remotes/origin refs/tags; touch "
			     "refs/drover/job/9.lock refs/remotes/origin/main.lock "
			     "refs/tags/v2.lock"),
	    0);
	OK(tree_keep(&t, commit, 9, err));
	ck_assert_int_eq(shell(up.up, "echo 2 >>a.txt; git commit -qam third; git tag v2"), 0);
	OK(tree_fetch(&t, err));
	ck_assert_str_eq(shell_out(up.mirror,
			     "git rev-parse refs/remotes/origin/main refs/tags/v2"),
	    shell_out(up.up, "git rev-parse main main"));
	tree_free(&t);
}
END_TEST

START_TEST(fetch_follows_the_remote)
{
	struct tree t;

	if (_i == 1) {
		free(up.repo.transport);
		up.repo.transport = xstrdup("git");
	}
	gitrepo_tree(&up, &t, 7);
	OK(tree_fetch(&t, err));
	ck_assert_int_eq(shell(up.up,
			     "git branch -D side >/dev/null; git branch side/a; git tag -d light "
			     ">/dev/null; git tag -f v1 main >/dev/null 2>&1; "
			     "git commit -q --amend -m forced"),
	    0);
	OK(tree_fetch(&t, err));
	ck_assert_str_eq(shell_out(up.mirror,
			     "git for-each-ref --format='%%(objectname) %%(refname:lstrip=2)' "
			     "refs/remotes/origin | grep -v HEAD; git for-each-ref "
			     "--format='%%(refname)' refs/tags"),
	    shell_out(up.up,
		"git for-each-ref --format='%%(objectname) origin/%%(refname:lstrip=2)' "
		"refs/heads; git for-each-ref --format='%%(refname)' refs/tags"));
	tree_free(&t);
}
END_TEST

static void
tidy(int fd, const char *action, const struct tree *t, const char *path, struct message *answer)
{
	struct message_out out;
	struct error err = { .code = 0 };

	message_begin(&out, MESSAGE_TREE_TIDY, 5);
	message_put_u(&out, t->lease);
	message_put_s(&out, action);
	message_put_s(&out, "web");
	message_put_s(&out, path);
	message_put_s(&out, t->mirror);
	message_put_s(&out, "");
	ck_assert_int_eq(message_send(fd, &out, &err), 0);
	ck_assert_int_eq(message_recv(fd, answer, &err), 1);
	ck_assert_int_eq(answer->type, MESSAGE_TREE_TIDIED);
	ck_assert_uint_eq(answer->id, 5);
}

START_TEST(keeper_does_what_it_is_told)
{
	struct tree t;
	struct message m;
	struct error err = { .code = 0 };
	int fds[2];
	pid_t pid;

	gitrepo_tree(&up, &t, 8);
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path, "echo w >w.txt"), 0);
	ck_assert_int_eq(message_pair(fds, &err), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		_exit(keeper_main(fds[1]));
	}
	close(fds[1]);
	tidy(fds[0], "clean", &t, t.path, &m);
	ck_assert_str_eq(message_s(&m, "text"), "");
	ck_assert_str_eq(message_s(&m, "state"), "warm");
	ck_assert_str_eq(shell_out(up.mirror, "git show %s:w.txt", message_s(&m, "wip")), "w");
	ck_assert_int_gt(message_i(&m, "bytes"), 0);
	message_free(&m);
	tidy(fds[0], "measure", &t, t.path, &m);
	ck_assert_int_gt(message_i(&m, "bytes"), 0);
	message_free(&m);
	tidy(fds[0], "remove", &t, t.path, &m);
	ck_assert_str_eq(message_s(&m, "state"), "gone");
	message_free(&m);
	ck_assert_int_ne(access(t.path, F_OK), 0);
	tidy(fds[0], "clean", &t, t.path, &m);
	ck_assert_str_eq(message_s(&m, "state"), "gone");
	message_free(&m);
	tidy(fds[0], "sweep", &t, up.state, &m);
	ck_assert_int_gt(message_i(&m, "bytes"), 0);
	message_free(&m);
	ck_assert_int_eq(shell(up.mirror,
			     "for i in $(seq 45); do echo $i | git hash-object -w --stdin | git "
			     "pack-objects -q objects/pack/pack >/dev/null; done"),
	    0);
	tidy(fds[0], "sweep", &t, up.state, &m);
	ck_assert_int_eq((int)message_i(&m, "class"), DROVER_OK);
	message_free(&m);
	ck_assert_int_lt(atoi(shell_out(up.mirror, "ls objects/pack/*.pack | wc -l")), 10);
	ck_assert_str_eq(shell_out(up.mirror,
			     "git cat-file -p $(echo 7 | git hash-object --stdin)"),
	    "7");
	/*
	 * What was kept for a job goes when the job's outputs have gone; where
	 * there are no outputs at all nobody can tell.
	 */
	ck_assert_int_eq(shell(up.mirror,
			     "for i in 7 8; do git update-ref refs/drover/job/$i "
			     "refs/remotes/origin/side; done"),
	    0);
	tidy(fds[0], "sweep", &t, up.state, &m);
	message_free(&m);
	ck_assert_str_eq(shell_out(up.mirror,
			     "git for-each-ref --format='%%(refname)' refs/drover/job"),
	    "refs/drover/job/7\nrefs/drover/job/8");
	ck_assert_int_eq(shell(up.state, "mkdir -p jobs/8"), 0);
	tidy(fds[0], "sweep", &t, up.state, &m);
	message_free(&m);
	ck_assert_str_eq(shell_out(up.mirror,
			     "git for-each-ref --format='%%(refname)' refs/drover/job"),
	    "refs/drover/job/8");
	tidy(fds[0], "dance", &t, up.state, &m);
	ck_assert_int_eq((int)message_i(&m, "class"), DROVER_INTERNAL);
	message_free(&m);
	close(fds[0]);
	ck_assert_int_eq(reap(pid), 0);
	tree_free(&t);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "race", tree_setup, tree_teardown);

	tcase_add_test(tc, many_at_once_without_a_failure);
	tcase_add_test(tc, fetches_are_coalesced);
	tcase_add_loop_test(tc, killed_in_the_middle_of_a_prepare, 0, 8);
	tcase_add_test(tc, locks_of_the_dead_are_taken_away);
	tcase_add_loop_test(tc, fetch_follows_the_remote, 0, 2);
	tcase_add_test(tc, keeper_does_what_it_is_told);
}

SUITE(cases)
