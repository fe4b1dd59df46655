/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent that was to change nothing: whatever it did to the trees of its job,
 * they are as they were before.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "run/services.h"
#include "change_kit.h"
#include "gitrepo.h"
#include "probe.h"
#include "suite.h"
#include "temp.h"

/* What there is to see of a tree, by git and without it. */
#define LOOK \
	"{ git rev-parse HEAD; git symbolic-ref -q HEAD || :; git status --porcelain --ignored " \
	"--untracked-files=all; git diff --cached; " \
	"find . -path ./.git -prune -o -type f -printf '%%p %%m\\n' -o -type l -printf '%%p " \
	"%%l\\n' | LC_ALL=C sort; " \
	"find . -path ./.git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 cat; }"

static const char *before, *does;      /* scripts in the tree: of the job, of the agent */
static char *path, *argv_read_only[2];

static void
setup(void)
{
	change_setup_kit();
	path = xstrdup(getenv("PATH"));
	MUST(setenv("SHELL_PATH", path, 1) == 0);
	before = "";
	does = "";
}

static void
teardown(void)
{
	MUST(setenv("PATH", path, 1) == 0);
	free(path);
	change_teardown_kit();
}

static int
job_asks(struct fake_core *c, void *arg)
{
	const uint32_t *flags = arg;
	struct drover_error err = { 0 };
	struct drover_lease lease = { .size = sizeof lease }, second = { .size = sizeof second };
	struct drover_agent_result *result = xcalloc(1, sizeof *result);
	struct drover_agent_run asked = { .size = sizeof asked,
		.flags = *flags,
		.prompt = "Look.",
		.timeout_ms = 60000 };
	struct scope scope;
	struct link *link;
	char *output = path_join(dir, "output"), *log = path_join(dir, "log");

	NEED(log_open(log, DROVER_DEBUG, NULL) == 0);
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.config = &config;
	scope.job = &job;
	scope.agent = job.agent;
	scope.link = link = link_new(c->socket, job.id, 1, "token", 10000);
	scope.output = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	scope.output_left = 1 << 20;
	result->size = sizeof *result;
	NEED(host_lease.acquire(&scope.public, "web", NULL, &lease, &err) == 0);
	NEED(host_lease.acquire(&scope.public, "web", NULL, &second, &err) == 0);
	NEED(shell(dir, "ln -sfn %s second", second.path) == 0);
	NEED(shell(lease.path, "%s", before) == 0);
	NEED(shell(lease.path, LOOK " >%s/was", dir) == 0);
	NEED(shell(second.path, LOOK " >>%s/was", dir) == 0);
	asked.cwd = lease.path;
	NEED(host_agent.run(&scope.public, &asked, result, &err) == 0);
	NEED(strstr(result->text, "I looked") != NULL);
	NEED(shell(lease.path, LOOK " >%s/is", dir) == 0);
	NEED(shell(second.path, LOOK " >>%s/is", dir) == 0);
	asked.flags = 0x40;
	NEED(host_agent.run(&scope.public, &asked, result, &err) == DROVER_PERMANENT);
	close(scope.output);
	scope_end(&scope);
	link_free(link);
	log_close();
	free(result);
	free(output);
	free(log);
	return 0;
}

static void
run_it(uint32_t flags)
{
	char *script = xasprintf("%s\necho I looked", does);

	agent_does(script);
	free(script);
	ck_assert_int_eq(fake_core_run(&core, job_asks, &flags), 0);
}

static bool
same(void)
{
	return shell(dir, "cmp was is") == 0;
}

static const struct {
	const char *does, *says;
} deeds[] = {
	{ "cat README src/a.c; ls -la; git log; git status", NULL },
	{ "echo evil >> README", "1 files (README)" },
	{ "rm README; mkdir new; echo x > new/x; chmod 755 src/a.c", "3 files (" },
	{ "echo x > x; git add -A; git -c user.name=a -c user.email=a@a commit -qm mine",
	    "1 files (x), HEAD" },
	{ "git checkout -q -b mine; echo x > x; git add x", "1 files (x), HEAD" },
	{ "git checkout -q -b only-a-name", "HEAD" },
	{ "git -c user.name=a -c user.email=a@a commit -q --allow-empty -m nothing", "HEAD" },
	{ "echo '*' > .gitignore; echo x > x", "1 files (.gitignore)" },
	{ "mkdir ignored; echo x > ignored/x", "ignored files" },
	{ "rm -r src; ln -s /etc src", "2 files (src" },
	{ "git update-index --skip-worktree README; echo evil >> README", "1 files (README)" },
	{ "echo garbage > $(git rev-parse --git-dir)/HEAD", "HEAD" },
	{ "echo evil > $D/second/src/a.c", "1 files (src/a.c)" },
	{ "touch $(git rev-parse --git-dir)/index.lock; echo x > x", "1 files (x)" },
};

/*
 * Where there was nothing before, where there was work, and where there were
 * things that git ignores.
 */
static const char *const states[] = {
	"",
	("echo work >> README; echo new > new.txt; mkdir deep; echo d > deep/d; "
	 "ln -s ../README deep/link; rm lock.json; echo staged > s; git add s"),
	"mkdir ignored; echo kept > ignored/kept",
};

START_TEST(undone)
{
	const char *says = deeds[_i].says;

	does = deeds[_i].does;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		/* What is ignored is told apart from none only. */
		if (i == 2 && says != NULL && strcmp(says, "ignored files") == 0)
			continue;
		before = states[i];
		run_it(DROVER_AGENT_READ_ONLY);
		ck_assert_msg(same(), "%s after %s", does, before);
		ck_assert_msg(probe_has(dir, "output", "was to change nothing") == (says != NULL),
		    "%s after %s", does, before);
		if (i == 0 && says != NULL) {
			ck_assert_msg(probe_has(dir, "output", says) &&
				probe_has(dir, "log", says),
			    "%s: no \"%s\"", does, says);
		}
		ck_assert_int_eq(git(dir, NULL, "-C", "mirrors/web.git", "show-ref", "--quiet",
				     "--verify", "refs/heads/mine", NULL),
		    1);
		ck_assert_int_eq(shell(dir, "rm -f output log; rm -rf trees mirrors"), 0);
		fake_core_stop(&core);
		fake_core_start(&core, dir);
	}
}
END_TEST

START_TEST(undone_without_git)
{
	char *bin = path_join(dir, "bin");

	does = "echo evil >> README; echo x > x; echo y > src/a.c";
	before = "echo work > w; echo more >> lock.json";
	ck_assert_int_eq(shell(dir,
			     "mkdir bin; ln -s $(command -v cat) $(command -v cp) $(command -v "
			     "grep) bin/"),
	    0);
	ck_assert_int_eq(setenv("PATH", bin, 1), 0);
	free(bin);
	run_it(DROVER_AGENT_READ_ONLY);
	ck_assert(same());
	ck_assert(probe_has(dir, "output", "changed 3 files (README, ...)"));
}
END_TEST

START_TEST(a_run_that_may_change_is_left_alone)
{
	does = "echo good >> README";
	run_it(0);
	ck_assert(shell(dir, "! cmp -s was is") == 0);
	ck_assert(!probe_has(dir, "output", "was to change nothing"));
}
END_TEST

START_TEST(the_read_only_command_is_used)
{
	char *looks = temp_file(dir, "looks.sh", "#!/bin/sh\ncat >/dev/null\necho I looked\n");

	ck_assert_int_eq(chmod(looks, 0700), 0);
	argv_read_only[0] = looks;
	agent.read_only = argv_read_only;
	does = "exit 1";
	run_it(DROVER_AGENT_READ_ONLY);
	ck_assert_int_eq(agent_runs(), 0);
	agent.read_only = NULL;
	does = "";
	run_it(DROVER_AGENT_READ_ONLY);
	ck_assert_int_eq(agent_runs(), 1);
	free(looks);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *readonly = suite_case(suite, "readonly", setup, teardown);

	tcase_add_loop_test(readonly, undone, 0, (int)ARRAY_LEN(deeds));
	tcase_add_test(readonly, undone_without_git);
	tcase_add_test(readonly, a_run_that_may_change_is_left_alone);
	tcase_add_test(readonly, the_read_only_command_is_used);
}

SUITE(cases)
