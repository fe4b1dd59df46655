/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code-change workflow with real repositories, real commands and a scripted
 * agent. What counts is what stands on the remote in the end, and how often the
 * agent had to run for it.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/secrets.h"
#include "base/text.h"
#include "change_kit.h"
#include "gitrepo.h"
#include "host/agent/agent.h"
#include "host/change/change.h"
#include "run/services.h"
#include "probe.h"
#include "suite.h"
#include "temp.h"

/* Branches of the remote but for main, one a line. */
static char *
branches(void)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(git(origin, &out, "for-each-ref", "--format=%(refname:short)",
			     "refs/heads/drover", NULL),
	    0);
	return buf_take(&out);
}

START_TEST(one_commit_on_one_branch)
{
	struct outcome o;
	struct buf message = BUF_INIT;
	char *list;

	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(o.result.changed, 1);
	ck_assert_int_eq(o.result.checked, 0);
	ck_assert_uint_eq(o.result.diff.files, 2);
	ck_assert_uint_eq(o.result.diff.added, 2);
	ck_assert(text_is_branch(o.result.branch, "drover/fix-the-login-"));
	list = branches();
	ck_assert_str_eq(list, o.result.branch);
	git_is(origin, "1", "rev-list", "--count", "main..", o.result.branch);
	git_is(origin, o.result.commit, "rev-parse", o.result.branch, NULL, NULL);
	git_is(origin, "README\nsrc/b.c", "diff", "--name-only", "main", o.result.branch);
	ck_assert_int_eq(git(origin, &message, "log", "-1", "--format=%B", o.result.branch, NULL),
	    0);
	ck_assert_ptr_nonnull(
	    strstr(buf_str(&message), "Fix the login\n\nDrover-Job: " TRACE "\nRefs: T-1"));
	ck_assert_str_eq(fake_core_result(&core, "branch"), o.result.branch);
	ck_assert_str_eq(fake_core_result(&core, "commit"), o.result.commit);
	ck_assert_str_eq(fake_core_result(&core, "changed"), "1");
	ck_assert_ptr_nonnull(strstr(fake_core_result(&core, "agent_text"), "I fixed it"));
	ck_assert(file_has("output", "drover: step agent: done"));
	ck_assert(file_has("output", "drover: step push: done"));
	ck_assert_str_eq(core.trees[0].state, "warm");
	ck_assert_str_eq(core.trees[0].wip, "");
	ck_assert_int_eq(git(dir, NULL, "-C", "mirrors/web.git", "show-ref", "--quiet", "--verify",
			     "refs/drover/job/7", NULL),
	    1);

	/*
	 * The pipeline failed behind it and runs again: the same answer, and
	 * nothing is done twice.
	 */
	job.attempt = 2;
	job.epoch = core.epoch = 2;
	o = run();
	ck_assert_int_eq(o.code, 0);
	ck_assert_str_eq(o.result.branch, list);
	ck_assert_int_eq(agent_runs(), 1);
	free(list);
	buf_free(&message);
}
END_TEST

START_TEST(no_change_pushes_nothing)
{
	struct outcome o;
	char *list;

	agent_does("touch README; git -c user.name=a -c user.email=a@a commit -q --allow-empty -m "
		   "nothing; echo nothing to do");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(o.result.changed, 0);
	ck_assert_str_eq(o.result.branch, "");
	list = branches();
	ck_assert_str_eq(list, "");
	free(list);
	ck_assert_str_eq(fake_core_result(&core, "changed"), "0");
	ck_assert_ptr_null(fake_core_result(&core, "branch"));
}
END_TEST

START_TEST(commits_of_the_agent_become_one)
{
	struct outcome o;

	agent_does("git config user.name a; git config user.email a@a; git checkout -q -b mine; "
		   "echo x > x; git add x; git commit -qm one;"
		   "echo y > y; git add y; git commit -qm two; echo z > z");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	git_is(origin, "1", "rev-list", "--count", "main..", o.result.branch);
	git_is(origin, "x\ny\nz", "diff", "--name-only", "main", o.result.branch);
	git_is(origin, "Fix the login", "log", "-1", "--format=%s", o.result.branch);
}
END_TEST

static void
held_with(const char *text)
{
	struct outcome o = run();
	char *list = branches();

	ck_assert_int_eq(o.code, DROVER_HUMAN);
	ck_assert_msg(strstr(o.text, text) != NULL, "\"%s\" has no \"%s\"", o.text, text);
	ck_assert_str_eq(list, "");
	free(list);
}

START_TEST(guard_holds_forbidden_paths)
{
	char pattern[] = "src/**";
	struct outcome o;

	agent_does("mkdir -p .github/workflows; echo evil > .github/workflows/x.yml; echo b > b");
	held_with(".github/workflows/x.yml is forbidden");
	ck_assert(file_has("log", ".github/workflows/x.yml"));
	/*
	 * A person looked, allowed it, and released the job: the agent does not
	 * run again.
	 */
	forbidden[0] = pattern;
	repo.forbidden = forbidden;
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(agent_runs(), 1);
	git_is(origin, ".github/workflows/x.yml\nb", "diff", "--name-only", "main",
	    o.result.branch);
}
END_TEST

static const struct {
	const char *does, *reason;
} guarded[] = {
	{ "rm -r src", "src/a.c is forbidden" },
	{ "ln -s ../../../etc/passwd z; ln -s README fine; ln -s /etc abs",
	    "abs is a link out of the tree, z is a link out of the tree (2 in all)" },
	{ "for i in 1 2 3 4; do echo $i > f$i; done",
	    "touches 4 files, max_files of repo web is 3" },
	{ "head -c 600 /dev/zero > big; cp big big2",
	    "its files take 1.2K, max_bytes of repo web" },
	{ "mkdir -p d/x/y; ln -s ../../.. d/x/y/up; ln -s d/x/y/up/../out z",
	    "z is a link out of the tree (1 in all)" },
	{ "ln -s b a; ln -s ../out b",
	    "a is a link out of the tree, b is a link out of the tree (2 in all)" },
	{ "printf '[submodule \"s\"]\n\tpath = s\n\turl = https://x.example/s\n' > .gitmodules",
	    ".gitmodules has another url of a submodule" },
};

START_TEST(guard_holds)
{
	char pattern[] = "src/**";

	forbidden[0] = pattern;
	repo.forbidden = forbidden;
	repo.max_files = 3;
	repo.max_bytes = 1000;
	agent_does(guarded[_i].does);
	held_with(guarded[_i].reason);
}
END_TEST

/* An agent that lost the history must not clear the branch. */
START_TEST(guard_holds_what_deletes_most)
{
	struct outcome o;

	ck_assert_int_eq(shell(dir,
			     "cd work && for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do echo "
			     "$i >f$i; done && git add . && git commit -qm many && git push -q "
			     "../origin.git HEAD:main"),
	    0);
	agent_does("git checkout -q --orphan x; git rm -rfq .; echo mine >mine");
	held_with("it deletes 20 of 20 files, max_deleted of repo web is 50 %");
	/* Half of them may go, and all may move. */
	job.attempt = 2;
	job.epoch = core.epoch = 2;
	repo.max_deleted = 100;
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	job.id = 8;
	ask.branch = "drover/fewer";
	repo.max_deleted = 50;
	agent_does("git rm -q f1 f2 f3 f4 f5 f6 f7 f8 f9 f10");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	job.id = 9;
	ask.branch = "drover/moved";
	agent_does("mkdir all; git mv f* all/");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
}
END_TEST

START_TEST(held_work_is_named)
{
	struct outcome o;

	ck_assert_int_eq(shell(dir,
			     "cd work && git checkout -qb side && echo s >s && git add s && git "
			     "commit "
			     "-qm s && git push -q ../origin.git side"),
	    0);
	agent_does("git merge -q origin/side; echo x >x");
	o = run();
	ck_assert_int_eq(o.code, DROVER_HUMAN);
	ck_assert_msg(strstr(o.text, "1 commit of side, which is not in main") != NULL, "%s",
	    o.text);
	ck_assert_msg(strstr(o.text, "the work is saved as refs/drover/wip/") != NULL, "%s",
	    o.text);
	ck_assert_str_eq(core.trees[0].wip, strstr(o.text, "refs/drover/wip/"));
}
END_TEST

/* Runs a script in the remote's checkout and pushes what it committed. */
static void
remote_gets(const char *script)
{
	char *work = path_join(dir, "work"),
	     *line = xasprintf("cd %s && %s && git add -A && git -c user.name=t -c user.email=t@t "
			       "commit -qm more && git push -q %s main",
		 work, script, origin);

	ck_assert_int_eq(system(line), 0);
	free(line);
	free(work);
}

/* The link is as it was, but what it leads through has changed. */
START_TEST(guard_holds_links_that_lead_elsewhere_now)
{
	remote_gets("mkdir -p in/side && echo 1 > in/side/f && ln -s in/side/../../note z");
	agent_does("mkdir low; mv in/side low/side; ln -s ../low/side/../.. in/side");
	held_with("z is a link out of the tree (1 in all)");
}
END_TEST

START_TEST(a_large_file_is_put_aside_unread)
{
	struct outcome o;
	char *list, *there, *mirror;

	agent_does("truncate -s 1G big; mkdir ignored; truncate -s 1G ignored/x; echo b > b");
	o = run();
	ck_assert_int_eq(o.code, DROVER_HUMAN);
	ck_assert_msg(strstr(o.text, "(1 file is too large): big takes 1.0G, max_bytes of repo web "
				     "is 1.0M: it is put aside in ") != NULL,
	    "%s", o.text);
	list = branches();
	ck_assert_str_eq(list, "");
	free(list);
	there = xasprintf("%s/big", strstr(o.text, "aside in ") + strlen("aside in "));
	there[strcspn(there, ";")] = '\0';
	ck_assert_int_eq(access(there, F_OK), 0);
	free(there);
	ck_assert_ptr_nonnull(strstr(core.trees[0].wip, "refs/drover/wip/"));
	mirror = path_join(dir, "mirrors/web.git");
	git_is(mirror, "b", "diff", "--name-only", "refs/remotes/origin/main", core.trees[0].wip);
	free(mirror);
	agent_does("test ! -e big; echo b > b");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
}
END_TEST

#define SECRET "s3cret-of-the-remote"

static const struct {
	const char *does, *where;
} leaks[] = {
	{ "printf 'a\nb = " SECRET "\n' > src/b.c", "src/b.c:2 has" },
	{ "printf 'a\n\n' > c; printf " SECRET " | base64 >> c", "c:3 has" },
	{ "printf x" SECRET " | base64 > c", "c:1 has" },
	{ "printf xy" SECRET " | base64 > c", "c:1 has" },
	{ "printf " SECRET " | od -An -v -tx1 | tr -d ' \n' > c", "c:1 has" },
	{ "printf 'a\\0b" SECRET "' > c", "c, byte 4, has" },
	{ "echo x > x" SECRET ".c", "x***.c has a secret of this configuration in its name" },
};

START_TEST(guard_holds_secrets_and_does_not_show_them)
{
	secrets_add(SECRET);
	agent_does(leaks[_i].does);
	held_with(leaks[_i].where);
	ck_assert(!file_has("log", SECRET));
	secrets_clear();
}
END_TEST

START_TEST(guard_holds_a_secret_in_the_message)
{
	secrets_add(SECRET);
	ask.trailers = "Refs: " SECRET;
	held_with("the commit's message has a secret of this configuration");
	secrets_clear();
}
END_TEST

/* What the base had already is not the change's fault. */
START_TEST(guard_lets_an_old_secret_be)
{
	struct outcome o;

	secrets_add("int a;");
	agent_does("echo 'int b;' >> src/a.c");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	secrets_clear();
}
END_TEST

static const struct {
	const char *check, *does, *files;
} made_of[] = {
	{ "make -f Makefile", "echo 'all:;true' > Makefile; echo x > x", "Makefile" },
	{ "sh ./src/t.sh", "echo true > src/t.sh; mkdir lib; echo > lib/Makefile", "src/t.sh" },
	{ "true; test \"$(echo npm)\"", "echo {} > package.json; mkdir a; echo {} > a/package.json",
	    "a/package.json, package.json" },
	{ "true", "echo 'all:;true' > Makefile", "" },
};

START_TEST(changed_files_of_the_checks_are_named)
{
	struct outcome o;

	command_is(check_argv, checks, made_of[_i].check);
	agent_does(made_of[_i].does);
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_str_eq(o.result.check_files, made_of[_i].files);
	if (*made_of[_i].files == '\0')
		ck_assert_ptr_null(fake_core_result(&core, "check_files"));
	else
		ck_assert_str_eq(fake_core_result(&core, "check_files"), made_of[_i].files);
}
END_TEST

START_TEST(configured_files_of_the_checks_are_named)
{
	char pattern[] = "src/*.c", *patterns[] = { pattern, NULL };
	struct outcome o;

	command_is(check_argv, checks, "test -f Makefile");
	repo.check_files = patterns;
	agent_does("echo > src/c.c; echo 'all:' > Makefile; for i in $(seq 10 60); do echo > "
		   "src/a-long-name-of-a-file-$i.c; done");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_ptr_nonnull(strstr(o.result.check_files, "src/a-long-name-of-a-file-10.c, src/"));
	ck_assert_ptr_null(strstr(o.result.check_files, "Makefile"));
	ck_assert_str_eq(o.result.check_files + strlen(o.result.check_files) - 5, ", ...");
}
END_TEST

START_TEST(setup_is_not_in_the_commit)
{
	struct outcome o;
	char *what;

	command_is(setup_argv, setups,
	    "echo changed > lock.json; mkdir -p gen ignored; echo 1 > gen/out; echo 2 > ignored/x; "
	    "echo s >> $D/setups");
	command_is(check_argv, checks,
	    "test -f gen/out && test -f ignored/x && echo report > report.xml && echo more >> "
	    "README &&"
	    "git -c user.name=c -c user.email=c@c commit -qam sneaky");
	agent_does("test \"$(cat lock.json)\" = '{}' || exit 9; echo two >> README; echo touched "
		   ">> gen/out; echo n > gen/new; git add -A");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(o.result.checked, 1);
	git_is(origin, "README\ngen/new", "diff", "--name-only", "main", o.result.branch);
	what = xasprintf("%s:README", o.result.branch);
	git_is(origin, "one\ntwo", "show", what, NULL, NULL);
	free(what);
	/* Nor is it saved as if it were work. */
	ck_assert_str_eq(core.trees[0].state, "warm");
	ck_assert_str_eq(core.trees[0].wip, "");
}
END_TEST

START_TEST(a_text_names_a_path)
{
	static const struct {
		const char *text, *path;
		enum change_named named;
	} cases[] = {
		{ "add src/lib/util.ts", "src/lib/util.ts", NAMED_PATH },
		{ "Add `lib/util.ts`.", "src/lib/util.ts", NAMED_PATH },
		{ "Make /src/lib/util.ts, please", "src/lib/util.ts", NAMED_PATH },
		{ "Make ./src/lib/util.ts", "src/lib/util.ts", NAMED_PATH },
		{ "Write it to util.ts.", "src/lib/util.ts", NAMED_LAST },
		{ "Write it to .env.", ".env", NAMED_PATH },
		{ "myutil.ts util.tsx util.ts-old old/util.ts", "src/lib/util.ts", NAMED_NOT },
		{ "xsrc/lib/util.ts", "src/lib/util.ts", NAMED_NOT },
		{ "util.ts is in src/lib/util.ts", "src/lib/util.ts", NAMED_PATH },
		{ "build it", "build", NAMED_NOT },
		{ "see bin/build", "bin/build", NAMED_PATH },
		{ "", "x.c", NAMED_NOT },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(change_names(cases[i].text, cases[i].path) == cases[i].named,
		    "\"%s\" and %s", cases[i].text, cases[i].path);
}
END_TEST

/* What the task says, what the agent makes beside README, and what is said. */
static const struct {
	const char *prompt, *does, *held, *left;
} ignored[] = {
	{ "Add ignored/util.c.", "mkdir ignored; echo u >ignored/util.c",
	    "ignored and not pushed: ignored/util.c;", NULL },
	{ "Add util.c.", "mkdir -p ignored/deep; echo u >ignored/deep/util.c; echo v >ignored/v",
	    "ignored and not pushed: ignored/deep/util.c;", NULL },
	{ "Fix it.", "mkdir ignored; echo u >ignored/util.c", NULL,
	    "ignored and not pushed: ignored/util.c" },
	{ "Fix it.",
	    "mkdir ignored; echo u >ignored/u; echo v >ignored/v; echo w >src/ignored/w", NULL,
	    "ignored and not pushed: ignored/ (2 files), src/ignored/w" },
	/* a.c is the one in src/, which is tracked. */
	{ "Fix a.c.", "mkdir ignored; echo a >ignored/a.c", NULL,
	    "ignored and not pushed: ignored/a.c" },
	/* A folder with many files is installed or built. */
	{ "Fix util.c.",
	    "mkdir ignored; for i in $(seq 101); do echo >ignored/$i.c; done; echo >ignored/util.c",
	    NULL, "ignored and not pushed: ignored/ (102 files)" },
	{ "Fix it.", "mkdir ignored; echo u >ignored/util.c; git add -f ignored/util.c", NULL,
	    NULL },
	{ "Fix it.", "ln -s /nonexistent ignored", NULL, "ignored (a link of an ignored name)" },
};

START_TEST(ignored_files_are_told_or_hold)
{
	const char *want = ignored[_i].left != NULL ? ignored[_i].left : "", *left;
	char *does = xasprintf("echo two >> README; %s", ignored[_i].does), *mirror;
	struct outcome o;

	ask.prompt = ignored[_i].prompt;
	agent_does(does);
	free(does);
	/* What setup and checks make is not the agent's. */
	command_is(setup_argv, setups, "mkdir src/ignored; echo 1 >src/ignored/setup");
	command_is(check_argv, checks, "echo 1 >src/ignored/check");
	if (ignored[_i].held != NULL) {
		held_with(ignored[_i].held);
		mirror = path_join(dir, "mirrors/web.git");
		ck_assert_int_eq(git(mirror, NULL, "grep", "-q", "u", core.trees[0].wip, "--",
				     "ignored", NULL),
		    0);
		free(mirror);
		return;
	}
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	left = fake_core_result(&core, "left_out");
	ck_assert_str_eq(left != NULL ? left : "", want);
}
END_TEST

START_TEST(setup_that_fails_is_told)
{
	struct outcome o;

	command_is(setup_argv, setups, "echo no such package >&2; exit 3");
	o = run();
	ck_assert_int_eq(o.code, DROVER_INTERNAL);
	ck_assert_ptr_nonnull(strstr(o.text, "setup of repo web"));
	ck_assert_ptr_nonnull(strstr(o.text, "ended with status 3"));
	ck_assert(file_has("log", "no such package"));
	ck_assert_int_eq(agent_runs(), 0);
}
END_TEST

START_TEST(followup_corrects_a_failed_check)
{
	struct outcome o;

	command_is(check_argv, checks,
	    "echo checking; grep -q good README || { echo README is not good >&2; exit 4; }");
	agent_does("if [ $N = 1 ]; then echo bad >> README; echo extra > extra; else echo good >> "
		   "README; rm extra; fi; echo run $N");
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(o.result.followups, 1);
	ck_assert_int_eq(o.result.checked, 1);
	ck_assert_int_eq(agent_runs(), 2);
	git_is(origin, "1", "rev-list", "--count", "main..", o.result.branch);
	git_is(origin, "README", "diff", "--name-only", "main", o.result.branch);
	ck_assert(file_has("prompt.2", "Please fix it."));
	ck_assert(file_has("prompt.2", "ended with status 4"));
	ck_assert(file_has("prompt.2", "README is not good"));
	ck_assert_str_eq(fake_core_result(&core, "followups"), "1");
}
END_TEST

START_TEST(followup_passes_the_guard_as_well)
{
	command_is(check_argv, checks, "grep -q good README");
	agent_does("if [ $N = 1 ]; then echo bad >> README; else echo good >> README; echo '* @me' "
		   "> CODEOWNERS; fi");
	held_with("CODEOWNERS is forbidden");
}
END_TEST

START_TEST(check_that_fails_twice_ends_the_attempt)
{
	struct outcome o;
	char *list;

	command_is(check_argv, checks, "test -f $D/weather-is-good");
	o = run();
	ck_assert_int_eq(o.code, DROVER_INTERNAL);
	ck_assert_ptr_nonnull(strstr(o.text, "weather-is-good"));
	ck_assert_int_eq(agent_runs(), 2);
	list = branches();
	ck_assert_str_eq(list, "");
	free(list);
	ck_assert_int_eq(git(dir, NULL, "-C", "mirrors/web.git", "show-ref", "--quiet", "--verify",
			     "refs/drover/job/7", NULL),
	    0);

	/*
	 * The next attempt begins with the checks, on the work that was kept.
	 */
	free(temp_file(dir, "weather-is-good", ""));
	job.attempt = 2;
	job.epoch = core.epoch = 2;
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(agent_runs(), 2);
	git_is(origin, "1", "rev-list", "--count", "main..", o.result.branch);
}
END_TEST

START_TEST(lost_commit_starts_over)
{
	struct outcome o;
	char *mirror;

	repo.max_files = 1;
	held_with("max_files");
	repo.max_files = 100;
	mirror = path_join(dir, "mirrors");
	ck_assert_int_eq(path_remove_tree(mirror, NULL), 0);
	free(mirror);
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(agent_runs(), 2);
	ck_assert(file_has("log", "starting over"));
	git_is(origin, "1", "rev-list", "--count", "main..", o.result.branch);
}
END_TEST

START_TEST(agent_that_fails_fails_the_attempt)
{
	struct outcome o;

	agent_does("echo half > half; echo cannot go on; exit 1");
	o = run();
	ck_assert_int_lt(o.code, 0);
	ck_assert_ptr_ne(strstr(core.trees[0].wip, "refs/drover/wip/"), NULL);
	agent_does("echo whole > whole");
	job.attempt = 2;
	job.epoch = core.epoch = 2;
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	git_is(origin, "whole", "diff", "--name-only", "main", o.result.branch);
}
END_TEST

START_TEST(bad_asks_are_refused)
{
	struct drover_change good = ask;
	char *big = xmalloc(1048578);

	memset(big, 'x', 1048577);
	big[1048577] = '\0';
#define REFUSED(member, is, expected) \
	ask = good; \
	ask.member = is; \
	ck_assert_int_eq(run().code, expected)
	REFUSED(size, 8, DROVER_PERMANENT);
	REFUSED(prompt, NULL, DROVER_PERMANENT);
	REFUSED(prompt, big, DROVER_PERMANENT);
	REFUSED(title, big, DROVER_PERMANENT);
	REFUSED(title, "\xff", DROVER_PERMANENT);
	REFUSED(branch, "main", DROVER_PERMANENT);
	REFUSED(branch, "drover/../main", DROVER_PERMANENT);
	REFUSED(ref, "-x", DROVER_PERMANENT);
	REFUSED(repo, "other", DROVER_CONFIG);
	REFUSED(trailers, "x\n\ny", DROVER_PERMANENT);
	REFUSED(agent_timeout_ms, -1, DROVER_PERMANENT);
#undef REFUSED
	ck_assert_int_eq(core.trees_len, 0);
	ask = good;
	free(big);
}
END_TEST

/*
 * A plugin built with an older header: what its structs do not have is neither
 * read nor written.
 */
START_TEST(older_structs_will_do)
{
	struct outcome o;

	ask.size = (uint32_t)SERVICE_LEAST(drover_change, prompt);
	ask.branch = (const char *)1;
	ask.trailers = (const char *)1;
	ask.agent_timeout_ms = -1;
	result_size = offsetof(struct drover_change_result, text);
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(o.result.changed, 1);
	ck_assert_str_ne(o.result.commit, "");
	ck_assert_str_eq(o.result.text, "");
}
END_TEST

START_TEST(stale_attempt_pushes_nothing)
{
	struct outcome o;
	char *list;

	core.epoch = 2;
	o = run();
	ck_assert_int_eq(o.code, DROVER_FENCED);
	list = branches();
	ck_assert_str_eq(list, "");
	free(list);
}
END_TEST

START_TEST(attempt_that_turns_stale_pushes_nothing)
{
	struct outcome o;
	char *list;

	core.fence_at = MESSAGE_EFFECT_BEGIN;
	o = run();
	ck_assert_int_eq(o.code, DROVER_FENCED);
	list = branches();
	ck_assert_str_eq(list, "");
	free(list);
	ck_assert_int_eq(agent_runs(), 1);
}
END_TEST

static int
job_pieces(struct fake_core *c, void *arg)
{
	struct drover_lease lease = { .size = sizeof lease }, second = { .size = sizeof second };
	struct drover_diff diff = { .size = sizeof diff };
	struct drover_error err = { 0 };
	struct scope scope;
	struct link *link = link_new(c->socket, job.id, job.epoch, "token", 10000);
	char commit[41];

	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.link = link;
	scope.config = &config;
	scope.job = &job;
	NEED(host_lease.acquire(&scope.public, "web", "nowhere", &lease, &err) < 0);
	NEED(host_lease.acquire(&scope.public, NULL, NULL, &lease, &err) == 0);
	NEED(host_lease.acquire(&scope.public, "web", "main", &second, &err) == 0 &&
	    second.handle != lease.handle);
	NEED(strlen(lease.base) == 40 && strcmp(lease.base, second.base) == 0 &&
	    strcmp(lease.path, second.path) != 0);
	NEED(host_git.commit(&scope.public, lease.handle, "nothing", commit, sizeof commit, &err) ==
	    0);
	free(temp_file(lease.path, "new", "1\n2\n"));
	NEED(host_git.diff(&scope.public, lease.handle, &diff, &err) == 0);
	NEED(diff.files == 1 && diff.added == 2 && diff.removed == 0 && diff.bytes == 4);
	NEED(host_git.commit(&scope.public, lease.handle, "By hand", commit, 40, &err) ==
	    DROVER_PERMANENT);
	NEED(host_git.commit(&scope.public, lease.handle, "By hand", commit, sizeof commit, &err) ==
	    1);
	/* What a process does to HEAD afterwards is not pushed. */
	NEED(git(lease.path, NULL, "-c", "user.name=a", "-c", "user.email=a@a", "commit", "-q",
		 "--allow-empty", "-m", "moved", NULL) == 0);
	NEED(host_git.push(&scope.public, lease.handle, "main", &err) == DROVER_PERMANENT);
	NEED(host_git.push(&scope.public, lease.handle, "drover/by-hand", &err) == 0);
	NEED(host_git.push(&scope.public, lease.handle, "drover/by-hand", &err) == 0);
	NEED(host_lease.release(&scope.public, lease.handle, &err) == 0);
	NEED(host_lease.release(&scope.public, lease.handle, &err) == DROVER_PERMANENT);
	NEED(host_git.diff(&scope.public, lease.handle, &diff, &err) == DROVER_PERMANENT);
	free(temp_file(second.path, "lost", "not lost\n"));
	scope_end(&scope);
	link_free(link);
	return 0;
}

START_TEST(pieces_work_alone)
{
	ck_assert_int_eq(fake_core_run(&core, job_pieces, NULL), 0);
	git_is(origin, "By hand", "log", "-1", "--format=%s", "drover/by-hand");
	/*
	 * The refused ref, the release, and the end of the scope: all trees are
	 * back, and work that was nowhere else is kept.
	 */
	ck_assert_int_eq(core.released, 3);
	for (int i = 0; i < core.trees_len; i++)
		ck_assert_str_ne(core.trees[i].state, "leased");
	ck_assert(strncmp(core.trees[0].wip, "refs/drover/wip/", 16) == 0 ||
	    strncmp(core.trees[1].wip, "refs/drover/wip/", 16) == 0);
}
END_TEST

START_TEST(broken_point_starts_over)
{
	static const char *const points[] = { "", "{", "[]", "{\"step\":\"push\",\"base\":\"--x\"}",
		"{\"step\":\"guard\",\"base\":\"../../x\",\"commit\":\"HEAD\"}" };
	struct outcome o;

	repo.max_files = 1;
	held_with("max_files");
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		free(core.kv[0].value);
		core.kv[0].value = xstrdup(points[i]);
		held_with("max_files");
		ck_assert_int_eq(agent_runs(), (int)i + 2);
	}
	repo.max_files = 100;
	o = run();
	ck_assert_msg(o.code == 0, "%s", o.text);
	ck_assert_int_eq(agent_runs(), (int)ARRAY_LEN(points) + 1);
}
END_TEST

/* Runs of the agent whose end the core knows. */
static int
runs_written(void)
{
	const char *point = NULL;
	cJSON *json;
	int runs;

	for (int i = 0; i < core.kv_len; i++) {
		if (strncmp(core.kv[i].key, "job/change/", 11) == 0)
			point = core.kv[i].value;
	}
	if (point == NULL)
		return 0;
	json = json_parse(point, strlen(point), DROVER_VALUE_MAX, NULL);
	ck_assert_ptr_nonnull(json);
	runs = 1 + (int)json_int(json, "followups", 0);
	cJSON_Delete(json);
	return runs;
}

/*
 * Killed behind each of its requests in turn: one branch, one commit, and no
 * agent run that was finished before.
 */
START_TEST(killed_anywhere_it_ends_well)
{
	int crashes, lost = 0;

	for (crashes = 1; crashes < CRASHES_MAX; crashes++) {
		struct outcome o;
		char *list;
		int unwritten;

		change_teardown_kit();
		change_setup_kit();
		command_is(setup_argv, setups, "echo changed > lock.json; echo left > left");
		command_is(check_argv, checks, "grep -q good README");
		agent_does(
		    "if grep -q bad README; then echo good >> README; else echo bad >> README; fi");
		core.kill_after = crashes;
		o = run();
		if (o.code == 0)
			break;
		unwritten = agent_runs() - runs_written();
		core.kill_after = 0;
		job.epoch = core.epoch = 2;
		o = run();
		ck_assert_msg(o.code == 0, "killed at %d (%s): %s", crashes,
		    message_name(core.killed_at), o.text);
		ck_assert_msg(agent_runs() == 2 + unwritten,
		    "killed at %d (%s): %d runs, %d had not been written down", crashes,
		    message_name(core.killed_at), agent_runs(), unwritten);
		lost += unwritten;
		list = branches();
		ck_assert_str_eq(list, o.result.branch);
		free(list);
		git_is(origin, "1", "rev-list", "--count", "main..", o.result.branch);
		git_is(origin, "README", "diff", "--name-only", "main", o.result.branch);
		ck_assert_int_eq(o.result.checked, 1);
		ck_assert_int_eq(o.result.followups, 1);
	}
	ck_assert_int_gt(crashes, 10);
	ck_assert_int_lt(crashes, CRASHES_MAX);
	/*
	 * Once for each of the two runs: a kill between an agent's end and the
	 * point behind it.
	 */
	ck_assert_int_ge(lost, 2);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *change = suite_case(suite, "change", change_setup_kit, change_teardown_kit);

	tcase_add_test(change, one_commit_on_one_branch);
	tcase_add_test(change, no_change_pushes_nothing);
	tcase_add_test(change, commits_of_the_agent_become_one);
	tcase_add_test(change, guard_holds_forbidden_paths);
	tcase_add_loop_test(change, guard_holds, 0, (int)ARRAY_LEN(guarded));
	tcase_add_test(change, guard_holds_what_deletes_most);
	tcase_add_test(change, held_work_is_named);
	tcase_add_test(change, guard_holds_links_that_lead_elsewhere_now);
	tcase_add_test(change, a_large_file_is_put_aside_unread);
	tcase_add_loop_test(change, guard_holds_secrets_and_does_not_show_them, 0,
	    (int)ARRAY_LEN(leaks));
	tcase_add_test(change, guard_holds_a_secret_in_the_message);
	tcase_add_test(change, guard_lets_an_old_secret_be);
	tcase_add_loop_test(change, changed_files_of_the_checks_are_named, 0,
	    (int)ARRAY_LEN(made_of));
	tcase_add_test(change, configured_files_of_the_checks_are_named);
	tcase_add_test(change, setup_is_not_in_the_commit);
	tcase_add_test(change, a_text_names_a_path);
	tcase_add_loop_test(change, ignored_files_are_told_or_hold, 0, (int)ARRAY_LEN(ignored));
	tcase_add_test(change, setup_that_fails_is_told);
	tcase_add_test(change, followup_corrects_a_failed_check);
	tcase_add_test(change, followup_passes_the_guard_as_well);
	tcase_add_test(change, check_that_fails_twice_ends_the_attempt);
	tcase_add_test(change, lost_commit_starts_over);
	tcase_add_test(change, agent_that_fails_fails_the_attempt);
	tcase_add_test(change, bad_asks_are_refused);
	tcase_add_test(change, older_structs_will_do);
	tcase_add_test(change, stale_attempt_pushes_nothing);
	tcase_add_test(change, attempt_that_turns_stale_pushes_nothing);
	tcase_add_test(change, pieces_work_alone);
	tcase_add_test(change, broken_point_starts_over);
	tcase_add_test(change, killed_anywhere_it_ends_well);
}

SUITE(cases)
