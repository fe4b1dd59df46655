/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes onto a branch that other people use: what stood there still stands
 * there afterwards, whoever pushed at the same time, whatever was killed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "change_kit.h"
#include "gitrepo.h"
#include "probe.h"
#include "suite.h"
#include "temp.h"

#define PERSON "git -C $D/work -c user.name=p -c user.email=p@p "
/* A person's commit FILE on top of what the branch has at the remote. */
#define PUSHES(file) \
	"cd $D/work && git fetch -q $D/origin.git topic && git checkout -q FETCH_HEAD && echo x " \
	"> " file " && git add " file " && " PERSON "commit -qm " file \
	" && git push -q $D/origin.git HEAD:topic && cd - >/dev/null"

/* Runs a script with $D. */
static void
sh(const char *script)
{
	ck_assert_int_eq(shell(dir, "D=%s; %s", dir, script), 0);
}

static void
setup(void)
{
	change_setup_kit();
	sh("cd $D/work && git checkout -q -b topic && echo t > topic.txt && git add topic.txt "
	   "&& " PERSON "commit -qm theirs && "
	   "git push -q $D/origin.git topic && git checkout -q main");
	ask.branch = "topic";
	ask.flags = DROVER_CHANGE_ONTO;
}

static char *
tip(void)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(git(origin, &out, "rev-parse", "topic", NULL), 0);
	return buf_take(&out);
}

/* What the branch has on top of main, newest first. */
static void
topic_is(const char *subjects)
{
	git_is(origin, subjects, "log", "--format=%s", "main..topic", NULL);
}

START_TEST(one_commit_on_top)
{
	struct outcome o;
	char *before = tip(), *path = xstrdup(getenv("PATH")), *bin;

	repo.transport = _i == 1 ? transport_git : transport;
	/* Without git in PATH libgit2 does all of it. */
	if (_i == 2) {
		bin = path_join(dir, "bin");
		sh("mkdir $D/bin && ln -s $(command -v cat) $(command -v cp) $(command -v grep) "
		   "$D/bin/");
		ck_assert_int_eq(setenv("PATH", bin, 1), 0);
		free(bin);
	}
	o = run();
	ck_assert_int_eq(setenv("PATH", path, 1), 0);
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(o.result.changed, 1);
	ck_assert_str_eq(o.result.branch, "topic");
	ck_assert_uint_eq(o.result.diff.files, 2);
	topic_is("Fix the login\ntheirs");
	git_is(origin, before, "rev-parse", "topic^", NULL, NULL);
	git_is(origin, o.result.commit, "rev-parse", "topic", NULL, NULL);
	ck_assert_str_eq(core.trees[0].state, "warm");
	ck_assert_str_eq(core.trees[0].wip, "");
	/*
	 * Somebody goes on from there, and the attempt is run again: nothing is
	 * done twice, nothing is complained about.
	 */
	sh(PUSHES("after"));
	job.attempt = 2;
	job.epoch = core.epoch = 2;
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(agent_runs(), 1);
	topic_is("after\nFix the login\ntheirs");
	free(before);
	free(path);
}
END_TEST

START_TEST(the_tip_is_fetched_anew)
{
	struct outcome o;

	ask.title = "first";
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	sh(PUSHES("between"));
	job.id = 8;
	ask.title = "second";
	agent_does("test -f between && test -f topic.txt && echo y > y");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	topic_is("second\nbetween\nfirst\ntheirs");
}
END_TEST

START_TEST(some_branches_are_not_pushed_onto)
{
	static const char *const names[] = { "main", "", "refs/heads/topic", "HEAD", "-x", "a..b",
		"a b", "topic:main", "+topic", "*" };
	struct outcome o;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ask.branch = names[i];
		o = run();
		ck_assert_msg(o.code == DROVER_PERMANENT, "%s: %d %s", names[i], o.code, o.text);
	}
	ask.branch = NULL;
	o = run();
	ck_assert_int_eq(o.code, DROVER_PERMANENT);
	ask.branch = "topic";
	ask.ref = "main";
	o = run();
	ck_assert_int_eq(o.code, DROVER_PERMANENT);
	ask.ref = NULL;
	/*
	 * The remote's main branch, also where the configuration works from
	 * another.
	 */
	ck_assert_int_eq(git(origin, NULL, "symbolic-ref", "HEAD", "refs/heads/topic", NULL), 0);
	for (int i = 0; i < 2; i++) {
		repo.transport = i == 0 ? transport : transport_git;
		o = run();
		ck_assert_int_eq(o.code, DROVER_PERMANENT);
		ck_assert_msg(strstr(o.text, "topic is the main branch of repo web") != NULL, "%s",
		    o.text);
	}
	repo.base = NULL;
	o = run();
	ck_assert_int_eq(o.code, DROVER_PERMANENT);
	ck_assert_int_eq(agent_runs(), 0);
	topic_is("theirs");
	ask.flags = 0x80;
	o = run();
	ck_assert_int_eq(o.code, DROVER_PERMANENT);
}
END_TEST

START_TEST(who_pushed_meanwhile_is_built_upon)
{
	struct outcome o;

	repo.transport = _i == 0 ? transport : transport_git;
	agent_does("test $N -gt 1 || { " PUSHES("meanwhile") "; }; ls > seen; echo done");
	o = run();
	ck_assert_int_eq(o.code, DROVER_AGAIN);
	ck_assert_msg(strstr(o.text, "branch topic of repo web moved") != NULL, "%s", o.text);
	topic_is("meanwhile\ntheirs");
	job.attempt = 2;
	job.epoch = core.epoch = 2;
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(agent_runs(), 2);
	topic_is("Fix the login\nmeanwhile\ntheirs");
	git_is(origin, "README\nlock.json\nmeanwhile\nseen\nsrc\ntopic.txt", "show", "topic:seen",
	    NULL, NULL);
}
END_TEST

/* The branch moves under the very push, in the remote. */
START_TEST(a_race_at_the_remote)
{
	struct outcome o;
	char *hook;

	sh(PUSHES("later") "; git -C $D/origin.git update-ref refs/heads/later topic; git -C "
			   "$D/origin.git update-ref refs/heads/topic topic^");
	repo.transport = _i == 0 ? transport : transport_git;
	hook = temp_file(dir, "origin.git/hooks/pre-receive",
	    "#!/bin/sh\ntest -f moved || { touch moved; cp refs/heads/later refs/heads/topic; }\n");
	ck_assert_int_eq(chmod(hook, 0755), 0);
	free(hook);
	o = run();
	ck_assert(probe_has(origin, "refs/heads/topic", ""));
	ck_assert_int_eq(o.code, DROVER_AGAIN);
	topic_is("later\ntheirs");
	job.attempt = 2;
	job.epoch = core.epoch = 2;
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	topic_is("Fix the login\nlater\ntheirs");
}
END_TEST

/*
 * The branch moves, or goes, when git has looked at it and not yet begun to
 * push.
 */
START_TEST(a_race_before_the_push)
{
	char *old = xstrdup(getenv("PATH")), *bin = path_join(dir, "bin"),
	     *whole = xasprintf("%s:%s", bin, old);
	struct outcome o;

	sh(PUSHES("later") "; git -C $D/origin.git update-ref refs/heads/later topic; git -C "
			   "$D/origin.git update-ref refs/heads/topic topic^");
	sh("mkdir $D/bin && cat >$D/bin/git <<EOF\n"
	   "#!/bin/sh\n"
	   "PATH=$PATH\n"
	   "case \" \\$* \" in *\" push \"*) test -f $D/raced || { touch $D/raced; . $D/race; } ;; "
	   "esac\n"
	   "exec git \"\\$@\"\n"
	   "EOF\n"
	   "chmod 755 $D/bin/git");
	if (_i == 0)
		sh("echo 'git -C '$D'/origin.git update-ref refs/heads/topic later' >$D/race");
	else
		sh("echo 'git -C '$D'/origin.git update-ref -d refs/heads/topic' >$D/race");
	ck_assert_int_eq(setenv("PATH", whole, 1), 0);
	o = run();
	ck_assert_int_eq(setenv("PATH", old, 1), 0);
	ck_assert_msg(o.code == (_i == 0 ? DROVER_AGAIN : DROVER_PERMANENT), "%s", o.text);
	if (_i == 0)
		topic_is("later\ntheirs");
	else
		ck_assert_int_eq(git(origin, NULL, "show-ref", "-q", "--verify", "refs/heads/topic",
				     NULL),
		    1);
	free(old);
	free(bin);
	free(whole);
}
END_TEST

START_TEST(a_branch_that_is_gone)
{
	struct outcome o;
	char *hook;

	ask.branch = "nowhere";
	o = run();
	ck_assert_int_eq(o.code, DROVER_PERMANENT);
	ck_assert_int_eq(strncmp(o.text, "branch nowhere is gone", 22), 0);
	ck_assert_int_eq(agent_runs(), 0);
	ask.branch = "topic";
	repo.transport = (_i & 1) == 0 ? transport : transport_git;
	if (_i < 2)
		agent_does("git -C $D/origin.git branch -qD topic; echo x > x");
	else {
		hook = temp_file(dir, "origin.git/hooks/pre-receive",
		    "#!/bin/sh\nrm refs/heads/topic\n");
		ck_assert_int_eq(chmod(hook, 0755), 0);
		free(hook);
	}
	o = run();
	ck_assert_int_eq(o.code, DROVER_PERMANENT);
	ck_assert_msg(strstr(o.text, "branch topic of repo web is gone") != NULL, "%s", o.text);
	ck_assert_int_eq(git(origin, NULL, "show-ref", "-q", "--verify", "refs/heads/topic", NULL),
	    1);
}
END_TEST

START_TEST(a_rewritten_branch_is_not_written_over)
{
	struct outcome o;

	agent_does(
	    "test $N -gt 1 || git -C $D/origin.git update-ref refs/heads/topic main; echo x > x");
	o = run();
	ck_assert_int_eq(o.code, DROVER_AGAIN);
	git_is(origin, "", "log", "--format=%s", "main..topic", NULL);
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	topic_is("Fix the login");
}
END_TEST

/*
 * Killed after each request to the core, among them the one between the push
 * and its record; then it runs again.
 */
START_TEST(killed_anywhere)
{
	struct outcome o;
	int crashes, pushed = 0;

	for (crashes = 1; crashes < CRASHES_MAX; crashes++) {
		if (crashes > 1) {
			change_teardown_kit();
			setup();
		}
		core.kill_after = crashes;
		o = run();
		if (o.code == 0)
			break;
		core.kill_after = 0;
		job.attempt = 2;
		job.epoch = core.epoch = 2;
		/*
		 * In every other round somebody has gone on from there, or from
		 * what was there before.
		 */
		if ((crashes & 1) != 0)
			sh(PUSHES("between"));
		pushed +=
		    git(origin, NULL, "diff", "--quiet", "topic", "main", "--", "src", NULL) == 1;
		o = run();
		ck_assert_msg(o.code == 0, "killed at %d (%s): %s", crashes,
		    message_name(core.killed_at), o.text);
		git_is(origin, "1", "rev-list", "--count", "--grep=Fix the login", "topic");
		git_is(origin, (crashes & 1) != 0 ? "3" : "2", "rev-list", "--count", "main..topic",
		    NULL);
	}
	ck_assert_int_gt(crashes, 6);
	ck_assert_int_lt(crashes, CRASHES_MAX);
	/* Some were killed when the push was done and not yet written down. */
	ck_assert_int_ge(pushed, 2);
}
END_TEST

/*
 * What was pushed and written down is done, also where somebody has taken it
 * off the branch since.
 */
START_TEST(done_is_done)
{
	struct outcome o;

	for (int crashes = 1; crashes < CRASHES_MAX && core.killed_at != MESSAGE_EFFECT_DONE;
	     crashes++) {
		if (crashes > 1) {
			change_teardown_kit();
			setup();
		}
		core.kill_after = crashes;
		o = run();
		ck_assert_int_eq(o.code, 1);
	}
	core.kill_after = 0;
	job.attempt = 2;
	job.epoch = core.epoch = 2;
	topic_is("Fix the login\ntheirs");
	ck_assert_int_eq(git(origin, NULL, "update-ref", "refs/heads/topic", "topic^", NULL), 0);
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(agent_runs(), 1);
	topic_is("theirs");
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *onto = suite_case(suite, "onto", setup, change_teardown_kit);

	tcase_add_loop_test(onto, one_commit_on_top, 0, 3);
	tcase_add_test(onto, the_tip_is_fetched_anew);
	tcase_add_test(onto, some_branches_are_not_pushed_onto);
	tcase_add_loop_test(onto, who_pushed_meanwhile_is_built_upon, 0, 2);
	tcase_add_loop_test(onto, a_race_at_the_remote, 0, 2);
	tcase_add_loop_test(onto, a_race_before_the_push, 0, 2);
	tcase_add_loop_test(onto, a_branch_that_is_gone, 0, 4);
	tcase_add_test(onto, a_rewritten_branch_is_not_written_over);
	tcase_add_test(onto, killed_anywhere);
	tcase_add_test(onto, done_is_done);
}

SUITE(cases)
