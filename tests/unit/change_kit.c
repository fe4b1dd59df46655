/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A remote, a repo, a scripted agent and a job's process, for the tests of code
 * changes; see change_kit.h.
 */
#include <check.h>
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
#include "probe.h"
#include "temp.h"

char *dir, *origin;
struct fake_core core;
struct config config;
struct config_repo repo;
char *nothing[1];
struct config_agent agent;
struct drover_job job;
struct drover_change ask;
size_t result_size;
char *agent_argv[2], *setup_argv[4], *check_argv[4], *forbidden[2];
char **setups[2], **checks[2];
char transport[] = "libgit2", transport_git[] = "git";
static char word_sh[] = "/bin/sh", word_c[] = "-c", name_web[] = "web", name_agent[] = "script",
	    base_main[] = "main", output_plain[] = "plain";

void
agent_does(const char *body)
{
	char *text = xasprintf("#!/bin/sh\nD=%s\ncat > $D/prompt\necho run >> $D/runs\nN=$(grep -c "
			       ". $D/runs)\ncp $D/prompt $D/prompt.$N\n%s\n",
	    dir, body);
	char *path = temp_file(dir, "agent.sh", text);

	MUST(chmod(path, 0700) == 0);
	free(path);
	free(text);
}

void
command_is(char **argv, char ***list, const char *script)
{
	argv[0] = word_sh;
	argv[1] = word_c;
	free(argv[2]);
	argv[2] = xasprintf("D=%s; %s", dir, script);
	list[0] = argv;
}

void
change_setup_kit(void)
{
	char *work, *file;

	dir = temp_make();
	origin = path_join(dir, "origin.git");
	work = path_join(dir, "work");
	MUST(mkdir(work, 0700) == 0);
	MUST(setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1) == 0 &&
	    setenv("GIT_CONFIG_NOSYSTEM", "1", 1) == 0);
	ck_assert_int_eq(git(dir, NULL, "init", "-q", "--bare", "-b", "main", origin, NULL), 0);
	ck_assert_int_eq(git(work, NULL, "init", "-q", "-b", "main", NULL), 0);
	free(temp_file(work, "README", "one\n"));
	free(temp_file(work, "src/a.c", "int a;\n"));
	free(temp_file(work, "lock.json", "{}\n"));
	free(temp_file(work, ".gitignore", "ignored/\n"));
	ck_assert_int_eq(git(work, NULL, "add", "-A", NULL), 0);
	ck_assert_int_eq(git(work, NULL, "-c", "user.name=t", "-c", "user.email=t@t", "commit",
			     "-qm", "base", NULL),
	    0);
	ck_assert_int_eq(git(work, NULL, "push", "-q", origin, "main", NULL), 0);
	free(work);

	fake_core_start(&core, dir);
	file = path_join(dir, "agent.sh");
	agent_argv[0] = file;
	memset(setups, 0, sizeof setups);
	memset(checks, 0, sizeof checks);
	agent = (struct config_agent){ .name = name_agent,
		.command = agent_argv,
		.prompt = PROMPT_STDIN,
		.output = output_plain };
	repo = (struct config_repo){ .name = name_web,
		.url = origin,
		.base = base_main,
		.transport = transport,
		.setup = setups,
		.check = checks,
		.setup_timeout_ms = 60000,
		.check_timeout_ms = 60000,
		.max_files = 100,
		.max_bytes = 1 << 20,
		.max_deleted = 50,
		.forbidden = nothing };
	config = (struct config){ .state_dir = dir,
		.cache_dir = dir,
		.repos = &repo,
		.repos_len = 1,
		.agents = &agent,
		.agents_len = 1,
		.running = 1,
		.output_max = 1 << 20 };
	job = (struct drover_job){ .size = sizeof job,
		.attempt = 1,
		.id = 7,
		.epoch = 1,
		.kind = "inbox.ticket",
		.key = "t-1",
		.trace = TRACE,
		.title = "A ticket",
		.repo = "web",
		.agent = "script",
		.payload = "" };
	ask = (struct drover_change){ .size = sizeof ask,
		.title = "Fix the login",
		.prompt = "Please fix it.",
		.trailers = "Refs: T-1" };
	result_size = sizeof(struct drover_change_result);
	agent_does("echo two >> README; echo 'int b;' > src/b.c; echo I fixed it");
}

void
change_teardown_kit(void)
{
	fake_core_stop(&core);
	free(agent_argv[0]);
	free(setup_argv[2]);
	free(check_argv[2]);
	setup_argv[2] = check_argv[2] = NULL;
	free(origin);
	temp_remove(dir);
}

static int
transition_apply(struct fake_core *c, void *arg)
{
	struct outcome *outcome = arg;
	struct drover_error err = { 0 };
	struct link *link;
	struct scope scope;
	char *path = path_join(dir, "output"), *log = path_join(dir, "log");

	NEED(log_open(log, DROVER_DEBUG, NULL) == 0);
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	link = link_new(c->socket, job.id, job.epoch, "token", 10000);
	scope.link = link;
	scope.config = &config;
	scope.job = &job;
	scope.agent = job.agent;
	scope.output = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	scope.output_left = 1 << 20;
	outcome->result.size = (uint32_t)result_size;
	outcome->code = host_change.run(&scope.public, &ask, &outcome->result, &err);
	memcpy(outcome->text, err.text, sizeof outcome->text);
	close(scope.output);
	scope_end(&scope);
	link_free(link);
	log_close();
	free(path);
	free(log);
	return 0;
}

/* The job is another process, so it writes its outcome to shared memory. */
static int
job_change_report(struct fake_core *c, void *arg)
{
	struct outcome *outcome = xcalloc(1, sizeof *outcome);
	char *path = path_join(dir, "outcome");
	int status = transition_apply(c, outcome);

	if (status == 0 && path_write(path, outcome, sizeof *outcome, 0600, NULL) != 0)
		status = 2;
	free(path);
	free(outcome);
	return status;
}

struct outcome
run(void)
{
	struct outcome outcome = { 0 };
	struct buf bytes = BUF_INIT;
	char *path = path_join(dir, "outcome");
	int status = fake_core_run(&core, job_change_report, NULL);

	if (status == 128 + SIGKILL)
		outcome.code = 1;
	else {
		ck_assert_int_eq(status, 0);
		ck_assert_int_eq(path_read(path, sizeof outcome, &bytes, NULL), 0);
		memcpy(&outcome, bytes.data, sizeof outcome);
	}
	buf_free(&bytes);
	free(path);
	return outcome;
}
