/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mirrors of several repos brought up to date side by side, and leases at refs
 * that are no branch.
 */
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

#define REPOS 7

static struct config_repo repos[REPOS];
static const char *const names[REPOS] = { "r0", "r1", "r2", "r3", "r4", "r5", "r6" };
static char *path;

static void
sh(const char *script)
{
	ck_assert_int_eq(shell(dir, "D=%s; %s", dir, script), 0);
}

/*
 * A git that writes down each fetch and how many there are at once. The first
 * ones wait until four are there: that they go on at all shows that they run
 * side by side.
 */
static void
setup(void)
{
	char *bin, *whole;

	change_setup_kit();
	for (size_t i = 0; i < REPOS; i++) {
		repos[i] = repo;
		repos[i].name = (char *)(uintptr_t)names[i];
		repos[i].transport = transport_git;
	}
	config.repos = repos;
	config.repos_len = REPOS;
	sh("mkdir $D/bin $D/in && cat >$D/bin/git <<EOF\n"
	   "#!/bin/sh\n"
	   "PATH=$PATH\n"
	   "case \" \\$* \" in *\" fetch \"*) ;; *) exec git \"\\$@\" ;; esac\n"
	   "mkdir $D/in/\\$\\$; ls $D/in | wc -l >>$D/seen; echo fetch >>$D/fetches\n"
	   "test ! -f $D/wait || for i in \\$(seq 500); do test \\$(ls $D/in | wc -l) -ge 4 && rm "
	   "-f $D/wait; test -f $D/wait || break; sleep 0.02; done\n"
	   "git \"\\$@\"; status=\\$?; rmdir $D/in/\\$\\$; exit \\$status\n"
	   "EOF\n"
	   "chmod 755 $D/bin/git");
	path = xstrdup(getenv("PATH"));
	bin = path_join(dir, "bin");
	whole = xasprintf("%s:%s", bin, path);
	ck_assert_int_eq(setenv("PATH", whole, 1), 0);
	free(bin);
	free(whole);
}

static void
teardown(void)
{
	ck_assert_int_eq(setenv("PATH", path, 1), 0);
	free(path);
	change_teardown_kit();
}

static void
scope_begin(struct scope *scope, struct fake_core *c)
{
	scope_init(scope, SCOPE_JOB, &plugin_services);
	scope->config = &config;
	scope->job = &job;
	scope->link = link_new(c->socket, job.id, 1, "token", 10000);
}

static void
scope_finish(struct scope *scope)
{
	struct link *link = scope->link;

	scope_end(scope);
	link_free(link);
}

static int
job_fetches(struct fake_core *c, void *arg)
{
	struct drover_error err = { 0 };
	struct drover_lease lease = { .size = sizeof lease };
	struct scope scope;

	scope_begin(&scope, c);
	NEED(host_lease.fetch(&scope.public, names, REPOS, &err) == 0);
	NEED(probe_lines(dir, "fetches") == REPOS);
	/*
	 * A lease is quick afterwards; what names a full ref is fetched all the
	 * same.
	 */
	NEED(host_lease.acquire(&scope.public, "r3", NULL, &lease, &err) == 0);
	NEED(probe_lines(dir, "fetches") == REPOS);
	NEED(host_lease.acquire(&scope.public, "r3", "refs/heads/main", &lease, &err) == 0);
	NEED(probe_lines(dir, "fetches") == REPOS + 1);
	NEED(host_lease.fetch(&scope.public, NULL, 0, &err) == 0);
	scope_finish(&scope);
	return 0;
}

START_TEST(four_at_a_time)
{
	sh("touch $D/wait");
	ck_assert_int_eq(fake_core_run(&core, job_fetches, NULL), 0);
	sh("test ! -f $D/wait && test $(sort -n $D/seen | tail -1) -eq 4");
}
END_TEST

static int
job_fails(struct fake_core *c, void *arg)
{
	static const char *const with_none[] = { "r0", "nowhere" };
	volatile sig_atomic_t cancelled = 1;
	struct drover_error err = { 0 };
	struct drover_lease lease = { .size = sizeof lease };
	struct scope scope;

	scope_begin(&scope, c);
	NEED(host_lease.fetch(&scope.public, names, REPOS, &err) == DROVER_CONFIG);
	NEED(strstr(err.text, "cannot fetch repo r2") != NULL);
	/* The others are there. */
	NEED(host_lease.acquire(&scope.public, "r6", NULL, &lease, &err) == 0);
	NEED(probe_lines(dir, "fetches") == REPOS - 2);
	NEED(host_lease.fetch(&scope.public, with_none, 2, &err) == DROVER_CONFIG &&
	    strstr(err.text, "nowhere") != NULL);
	NEED(host_lease.fetch(&scope.public, NULL, 1, &err) == DROVER_PERMANENT);
	NEED(host_lease.fetch(&scope.public, names, 100000, &err) == DROVER_PERMANENT);
	scope.cancelled = &cancelled;
	NEED(host_lease.fetch(&scope.public, names, 2, &err) == DROVER_CANCELLED);
	scope_finish(&scope);
	scope_init(&scope, SCOPE_SOURCE, &plugin_services);
	NEED(host_lease.fetch(&scope.public, names, 1, &err) == DROVER_PERMANENT);
	scope_end(&scope);
	return 0;
}

START_TEST(the_first_that_fails_is_told)
{
	char missing[] = "/no/such/repo.git", other[] = "/neither/this.git";

	repos[2].url = missing;
	repos[4].url = other;
	ck_assert_int_eq(fake_core_run(&core, job_fails, NULL), 0);
}
END_TEST

static int
job_pull(struct fake_core *c, void *arg)
{
	struct drover_error err = { 0 };
	struct drover_lease lease = { .size = sizeof lease };
	struct scope scope;
	struct buf want = BUF_INIT;
	char *file;

	scope_begin(&scope, c);
	for (int i = 0; i < 2; i++) {
		if (i == 1)
			NEED(git(origin, NULL, "update-ref", "refs/pull/12/head",
				 "refs/heads/newer", NULL) == 0);
		buf_clear(&want);
		NEED(git(origin, &want, "rev-parse", "refs/pull/12/head", NULL) == 0);
		NEED(host_lease.acquire(&scope.public, "r0", "refs/pull/12/head", &lease, &err) ==
		    0);
		NEED(strcmp(lease.base, buf_str(&want)) == 0);
		file = path_join(lease.path, i == 0 ? "fork" : "fork2");
		NEED(access(file, F_OK) == 0);
		free(file);
		NEED(host_lease.release(&scope.public, lease.handle, &err) == 0);
	}
	NEED(host_lease.acquire(&scope.public, "r0", "refs/pull/13/head", &lease, &err) ==
	    DROVER_PERMANENT);
	buf_free(&want);
	scope_finish(&scope);
	return 0;
}

START_TEST(a_pull_request_of_a_fork_can_be_looked_at)
{
	repos[0].transport = _i == 0 ? transport : transport_git;
	sh("cd $D/work && echo x >fork && git add fork && git commit -qm fork && git push -q "
	   "$D/origin.git HEAD:refs/pull/12/head && "
	   "echo x >fork2 && git add fork2 && git commit -qm fork2 && git push -q $D/origin.git "
	   "HEAD:refs/heads/newer");
	ck_assert_int_eq(fake_core_run(&core, job_pull, NULL), 0);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *fetch = suite_case(suite, "fetch", setup, teardown);

	tcase_add_test(fetch, four_at_a_time);
	tcase_add_test(fetch, the_first_that_fails_is_told);
	tcase_add_loop_test(fetch, a_pull_request_of_a_fork_can_be_looked_at, 0, 2);
}

SUITE(cases)
