/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in the sandbox: the words that bwrap is given, and that a command
 * ends as it would without.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bwrap.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "host/env.h"
#include "host/exec.h"
#include "host/sandbox.h"
#include "host/scope.h"
#include "run/services.h"

#include "suite.h"
#include "temp.h"

static char *dir;
static struct config config;
static struct drover_job job;
static struct scope scope;
static struct drover_outcome outcome;
static struct error err;
static struct sandbox sandbox;
static struct env env;
static struct sandbox_words words;
static struct buf errors;
static void (*on_ready)(void); /* called when the command says so */

static bool works(void);
static void line_of_output(void *arg, const char *line, size_t len);
static void end_time(void);
static void terminate_all(void);
static int run(int64_t timeout_ms, const char *program, const char *script);
static char *make(const char *name, const char *text);
static int wrap(void);
static bool has(const char *a, const char *b, const char *c);
static bool has_word(const char *);
static void bwrap_that_fails(void);

static void
setup(void)
{
	char *home;

	dir = temp_make();
	home = make("home/", NULL);
	setenv("HOME", home, 1);
	free(home);
	config = (struct config){ .state_dir = make("state/", NULL), .output_max = 1 << 20 };
	job = (struct drover_job){ .size = sizeof job, .id = 7, .attempt = 1, .repo = "" };
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.config = &config;
	scope.job = &job;
	scope.output = -1;
	sandbox = (struct sandbox){ .mode = SANDBOX_REQUIRED };
}

static void
teardown(void)
{
	sandbox_free(&words);
	env_free(&env);
	scope_end(&scope);
	free(config.state_dir);
	buf_free(&errors);
	temp_remove(dir);
}

/* ---- without bwrap ---- */

START_TEST(on_without_bwrap_runs_and_says_so_once)
{
	setenv("PATH", dir, 1);
	sandbox.mode = SANDBOX_ON;
	ck_assert_ptr_nonnull(strstr(bwrap_fault(), "install the package bubblewrap"));
	ck_assert_int_eq(run(0, "/bin/sh", "exit 3"), 0);
	ck_assert_int_eq(outcome.status, 3);
	ck_assert(scope.sandbox_told);
}
END_TEST

START_TEST(required_without_bwrap_does_not_run)
{
	setenv("PATH", dir, 1);
	ck_assert_int_eq(run(0, "/bin/sh", "exit 3"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "sandbox is \"required\""));
	ck_assert_ptr_nonnull(strstr(err.text, "install the package bubblewrap"));
	ck_assert(!scope.sandbox_told);
}
END_TEST

START_TEST(a_kernel_that_forbids_it_is_told_with_the_mend)
{
	bwrap_that_fails();
	ck_assert_int_eq(run(0, "/bin/sh", "exit 3"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "No permissions to create new namespace"));
	ck_assert_ptr_nonnull(strstr(err.text, "kernel.unprivileged_userns_clone"));
}
END_TEST

/* ---- what is configured ---- */

START_TEST(the_stricter_counts)
{
	struct config c = { .sandbox = SANDBOX_ON };
	struct config_agent agent = { .sandbox = -1 };
	struct config_repo repo = { .sandbox = -1 };

	ck_assert_int_eq(sandbox_mode(&c, NULL, NULL), SANDBOX_ON);
	ck_assert_int_eq(sandbox_mode(&c, &agent, &repo), SANDBOX_ON);
	agent.sandbox = SANDBOX_OFF;
	ck_assert_int_eq(sandbox_mode(&c, &agent, NULL), SANDBOX_OFF);
	ck_assert_int_eq(sandbox_mode(&c, &agent, &repo), SANDBOX_ON);
	repo.sandbox = SANDBOX_OFF;
	ck_assert_int_eq(sandbox_mode(&c, &agent, &repo), SANDBOX_OFF);
	ck_assert_int_eq(sandbox_mode(&c, NULL, &repo), SANDBOX_OFF);
	repo.sandbox = SANDBOX_REQUIRED;
	ck_assert_int_eq(sandbox_mode(&c, &agent, &repo), SANDBOX_REQUIRED);
	repo.sandbox = SANDBOX_OFF;
	agent.sandbox = SANDBOX_REQUIRED;
	ck_assert_int_eq(sandbox_mode(&c, &agent, &repo), SANDBOX_REQUIRED);
}
END_TEST

/* ---- the words ---- */

START_TEST(paths_are_words_whatever_is_in_them)
{
	char *tree = make("state/a b;'\"$(x)\n/", NULL), *tool = make("to ols/bin/tool", "#!");
	char *folder = make("to ols/bin/", NULL), *parent = make("to ols/", NULL);
	char *paths[] = { tree, NULL };

	if (!works())
		return;
	setenv("PATH", folder, 1);
	sandbox.paths = paths;
	ck_assert_int_eq(wrap(), 1);
	ck_assert(has("--bind", tree, tree));
	ck_assert(has("--ro-bind", parent, parent));
	ck_assert(has("--bind", scope.tmp, scope.tmp));
	ck_assert(has("--bind", scope.home, getenv("HOME")));
	ck_assert(has("--ro-bind", "/", "/"));
	ck_assert_str_eq(words.list[words.len - 2], "/bin/true");
	ck_assert_str_eq(words.list[words.len - 1], "a b");
	ck_assert_ptr_null(words.list[words.len]);
	ck_assert_msg(strncmp(scope.home, scope.tmp, strlen(scope.tmp)) != 0,
	    "the job could put a link in the place of its home");
	free(tree);
	free(tool);
	free(folder);
	free(parent);
}
END_TEST

START_TEST(secrets_are_covered_where_something_else_shows_them)
{
	char *shown = make("shown/", NULL), *token = make("shown/token", "x"),
	     *key = make("shown/key", "x"), *socket = make("shown/socket", "x"),
	     *file = make("shown/drover.conf", "x");
	char *paths[] = { shown, NULL };
	struct config_repo repo = { .token_file = token };
	struct config_plugin plugin = { .options = cJSON_Parse(
					    "{\"private_key_file\": {\"value\": \"key\"}}") };

	if (!works())
		return;
	config.file = file;
	config.socket = socket;
	config.repos = &repo;
	config.plugins = &plugin;
	config.repos_len = config.plugins_len = 1;
	sandbox.paths = paths;
	ck_assert_int_eq(wrap(), 1);
	ck_assert(has("--bind", shown, shown));
	ck_assert(has("--ro-bind", "/dev/null", token));
	ck_assert(has("--ro-bind", "/dev/null", key));
	ck_assert(has("--ro-bind", "/dev/null", socket));
	ck_assert(has("--ro-bind", "/dev/null", file));
	sandbox.paths = NULL;
	ck_assert_int_eq(wrap(), 1);
	ck_assert_msg(!has("--ro-bind", "/dev/null", token), "what is not there needs no cover");
	cJSON_Delete(plugin.options);
	free(shown);
	free(token);
	free(key);
	free(socket);
	free(file);
}
END_TEST

START_TEST(the_state_stays_hidden_where_PATH_leads_beside_it)
{
	char *bin = make("prefix/bin/", NULL), *state = make("prefix/state/", NULL);

	if (!works())
		return;
	setenv("PATH", bin, 1);
	free(config.state_dir);
	config.state_dir = state;
	ck_assert_int_eq(wrap(), 1);
	ck_assert(has("--tmpfs", state, NULL));
	free(bin);
}
END_TEST

START_TEST(no_network_takes_the_sandbox)
{
	struct config_agent agent = { .network = NETWORK_NONE };
	struct config_repo repo = { .network = NETWORK_ALL };

	ck_assert_int_eq(sandbox_network(NULL, NULL), NETWORK_ALL);
	ck_assert_int_eq(sandbox_network(NULL, &repo), NETWORK_ALL);
	ck_assert_int_eq(sandbox_network(&agent, &repo), NETWORK_NONE);
	sandbox = (struct sandbox){ .mode = SANDBOX_OFF, .network = NETWORK_NONE };
	ck_assert_int_eq(run(0, "/bin/sh", "exit 0"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "takes the sandbox"));
	if (!works())
		return;
	sandbox.mode = SANDBOX_ON;
	ck_assert_int_eq(wrap(), 1);
	ck_assert(has_word("--unshare-net"));
	ck_assert_int_eq(run(0, "/bin/sh", "test $(grep -c : /proc/net/dev) = 1"), 0);
	ck_assert_int_eq(outcome.status, 0);
	sandbox.network = NETWORK_ALL;
	ck_assert_int_eq(wrap(), 1);
	ck_assert(!has_word("--unshare-net"));
}
END_TEST

START_TEST(no_network_without_bwrap_does_not_run)
{
	setenv("PATH", dir, 1);
	sandbox = (struct sandbox){ .mode = SANDBOX_ON, .network = NETWORK_NONE };
	ck_assert_int_eq(run(0, "/bin/sh", "exit 0"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "network is \"none\", but there is no sandbox"));
}
END_TEST

/* ---- running ---- */

START_TEST(a_status_and_a_signal_are_told)
{
	if (!works())
		return;
	ck_assert_int_eq(run(0, "/bin/sh", "echo out; echo err >&2; exit 3"), 0);
	ck_assert_int_eq(outcome.status, 3);
	ck_assert_int_eq(outcome.signal, 0);
	ck_assert_str_eq(buf_str(&errors), "err\n");
	ck_assert_int_eq(run(0, "/bin/sh", "kill -SEGV $$"), 0);
	ck_assert_int_eq(outcome.status, -1);
	ck_assert_int_eq(outcome.signal, SIGSEGV);
	ck_assert_int_eq(run(0, "/bin/sh", "echo 'bwrap: execvp x: I lie' >&2; exit 1"), 0);
	ck_assert_int_eq(outcome.status, 1);
}
END_TEST

START_TEST(what_cannot_run_says_why)
{
	char *file = make("script", "#!/no/such/interpreter\n");

	if (!works())
		return;
	ck_assert_int_eq(chmod(file, 0700), 0);
	ck_assert_int_eq(run(0, file, "x"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "No such file or directory"));
	ck_assert_int_eq(run(0, "no-such-program", "x"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "not found in PATH"));
	free(file);
}
END_TEST

START_TEST(a_timeout_lets_it_tidy_up)
{
	if (!works())
		return;
	on_ready = end_time;
	clock_fake(1700000000000, 1000000);
	ck_assert_int_eq(run(60000, "/bin/sh",
			     "trap 'echo tidy >&2; exit 9' TERM; echo ready; sleep 60 & wait; exit "
			     "1"),
	    0);
	clock_fake(-1, -1);
	ck_assert_int_eq(outcome.timed_out, 1);
	ck_assert_int_eq(outcome.status, 9);
	ck_assert_str_eq(buf_str(&errors), "tidy\n");
}
END_TEST

START_TEST(a_signal_to_all_lets_it_tidy_up)
{
	if (!works())
		return;
	on_ready = terminate_all;
	ck_assert_int_eq(run(0, "/bin/sh",
			     "trap 'echo tidy >&2; exit 9' TERM; echo ready; sleep 60 & wait; exit "
			     "1"),
	    0);
	ck_assert_int_eq(outcome.status, 9);
	ck_assert_str_eq(buf_str(&errors), "tidy\n");
}
END_TEST

START_TEST(its_cpu_time_is_counted)
{
	if (!works())
		return;
	ck_assert_int_eq(run(0, "/bin/sh", "(ulimit -t 1; while :; do :; done); exit 0"), 0);
	ck_assert_int_ge(outcome.cpu_ms, 500);
}
END_TEST

START_TEST(nothing_is_left_when_it_has_ended)
{
	char *pipe = make("state/alive", ""), *script, *paths[] = { pipe, NULL };
	char *lock = xasprintf("flock -n '%s' true", pipe);

	if (!works())
		return;
	sandbox.paths = paths;
	script = xasprintf("exec 9<'%s'; flock 9; (setsid sh -c 'sleep 60 & sleep 60' &) ; exit 0",
	    pipe);
	ck_assert_int_eq(run(0, "/bin/sh", script), 0);
	ck_assert_int_eq(outcome.status, 0);
	ck_assert_msg(system(lock) == 0, "a process holds the lock");
	free(pipe);
	free(script);
	free(lock);
}
END_TEST

START_TEST(only_its_own_descriptors_are_open)
{
	if (!works())
		return;
	ck_assert_int_eq(run(0, "/bin/sh", "test ! -e /proc/self/fd/3"), 0);
	ck_assert_int_eq(outcome.status, 0);
}
END_TEST

/* True if there is a sandbox to test here. */
static bool
works(void)
{
	if (bwrap_fault() == NULL)
		return true;
	fprintf(stderr, "skipped: %s\n", bwrap_fault());
	return false;
}

static void
line_of_output(void *arg, const char *line, size_t len)
{
	(void)arg;
	if (len == 5 && memcmp(line, "ready", len) == 0 && on_ready != NULL)
		on_ready();
}

static void
end_time(void)
{
	clock_fake(clock_wall(), clock_mono() + 60001);
}

static void
terminate_all(void)
{
	ck_assert_int_gt(proc_signal_tree(getpid(), SIGTERM), 0);
}

static int
run(int64_t timeout_ms, const char *program, const char *script)
{
	const char *const argv[] = { program, "-c", script, NULL };
	struct drover_command command = { .size = sizeof command,
		.argv = argv,
		.cwd = "/",
		.timeout_ms = timeout_ms,
		.line = line_of_output };

	buf_clear(&errors);
	err = (struct error){ .code = 0 };
	return exec_run_split(&scope, &command, &sandbox, &outcome, &errors, &err);
}

/* Makes a file, or a folder if the name ends with a slash; the caller frees. */
static char *
make(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name), *slash = strrchr(path, '/');
	int fd;

	*slash = '\0';
	ck_assert_int_eq(path_mkdirs(path, 0700, NULL), 0);
	if (slash[1] == '\0')
		return path;
	*slash = '/';
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(path_write_all(fd, text, strlen(text)), 0);
	close(fd);
	return path;
}

static int
wrap(void)
{
	static const char *const argv[] = { "true", "a b", NULL };

	sandbox_free(&words);
	env_free(&env);
	ck_assert_int_eq(env_init(&env, &scope, &err), 0);
	return sandbox_wrap(&words, &scope, &sandbox, &env, "/bin/true", argv, "/", &err);
}

/* True if the words have these in a row; c may be NULL. */
static bool
has(const char *a, const char *b, const char *c)
{
	for (size_t i = 0; i + 2 < words.len; i++) {
		if (strcmp(words.list[i], a) == 0 && strcmp(words.list[i + 1], b) == 0 &&
		    (c == NULL || strcmp(words.list[i + 2], c) == 0))
			return true;
	}
	return false;
}

static bool
has_word(const char *word)
{
	for (size_t i = 0; i < words.len; i++) {
		if (strcmp(words.list[i], word) == 0)
			return true;
	}
	return false;
}

static void
bwrap_that_fails(void)
{
	free(make("bin/bwrap",
	    "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' "
	    ">&2\nexit 1\n"));
	char *bin = make("bin/", NULL);

	setenv("PATH", bin, 1);
	free(bin);
}

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "sandbox", setup, teardown);

	tcase_add_test(tc, on_without_bwrap_runs_and_says_so_once);
	tcase_add_test(tc, required_without_bwrap_does_not_run);
	tcase_add_test(tc, a_kernel_that_forbids_it_is_told_with_the_mend);
	tcase_add_test(tc, the_stricter_counts);
	tcase_add_test(tc, paths_are_words_whatever_is_in_them);
	tcase_add_test(tc, secrets_are_covered_where_something_else_shows_them);
	tcase_add_test(tc, the_state_stays_hidden_where_PATH_leads_beside_it);
	tcase_add_test(tc, no_network_takes_the_sandbox);
	tcase_add_test(tc, no_network_without_bwrap_does_not_run);
	tcase_add_test(tc, a_status_and_a_signal_are_told);
	tcase_add_test(tc, what_cannot_run_says_why);
	tcase_add_test(tc, a_timeout_lets_it_tidy_up);
	tcase_add_test(tc, a_signal_to_all_lets_it_tidy_up);
	tcase_add_test(tc, its_cpu_time_is_counted);
	tcase_add_test(tc, nothing_is_left_when_it_has_ended);
	tcase_add_test(tc, only_its_own_descriptors_are_open);
}

SUITE(cases)
