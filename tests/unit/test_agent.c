/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents as a job runs them: how the prompt goes in, what comes out, what the
 * core is told, and the verdict.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "host/agent/agent.h"
#include "host/scope.h"
#include "wire/message.h"
#include "run/services.h"

#include "suite.h"
#include "temp.h"

#define FIXTURES SOURCE_DIR "/tests/fixtures/agents/"
#define NOW INT64_C(1699990000000) /* 2023-11-14 19:26:40 UTC */

/* A core that answers each message and remembers what it was told. */
struct core {
	pthread_t thread;
	int fds[2];
	int class;                   /* of its answers */
	struct buf heard;
};

static char *dir, *catalogue_dir;
static struct config config;
static struct config_agent agent;
static struct drover_job job;
static struct scope scope;
static struct core core;
static struct drover_agent_result result;
static struct error err;
static char *no_words[] = { NULL };

static int run_agent(const char *prompt, const char *output, enum config_prompt how,
    const char *const *command);
static int run_script(const char *output, const char *script);
static const char *core_heard(void);
static void *core_main(void *arg);

#define RUN(prompt, how, ...) \
	run_agent(prompt, "plain", how, (const char *const[]){ __VA_ARGS__, NULL })

static void
setup(void)
{
	dir = temp_make();
	catalogue_dir = xstrdup(SOURCE_DIR "/data");
	setenv("DROVER_DATADIR", catalogue_dir, 1);
	setenv("TZ", "UTC", 1);
	tzset();
	agent = (struct config_agent){ .name = (char *)(uintptr_t) "robot",
		.env = no_words,
		.env_pass = no_words };
	config = (struct config){ .state_dir = dir, .agents = &agent, .agents_len = 1 };
	job = (struct drover_job){ .size = sizeof job,
		.id = 7,
		.attempt = 1,
		.trace = "",
		.kind = "inbox.ticket",
		.repo = "" };
	core = (struct core){ .class = DROVER_OK };
	ck_assert_int_eq(message_pair(core.fds, &err), 0);
	ck_assert_int_eq(pthread_create(&core.thread, NULL, core_main, &core), 0);
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.config = &config;
	scope.job = &job;
	scope.agent = "robot";
	scope.link = link_over(core.fds[0], NULL, NULL);
	clock_fake(NOW, 1000000);
	log_open("/dev/null", DROVER_DEBUG, &err);
}

static void
teardown(void)
{
	clock_fake(-1, -1);
	if (core.fds[0] >= 0)
		core_heard();
	link_free(scope.link);
	scope_end(&scope);
	buf_free(&core.heard);
	free(catalogue_dir);
	temp_remove(dir);
}

/* ---- the prompt ---- */

START_TEST(the_prompt_goes_in_by_stdin)
{
	ck_assert_int_eq(RUN("fix the\nform", PROMPT_STDIN, "cat"), 0);
	ck_assert_str_eq(result.text, "fix the\nform\n");
	ck_assert_int_eq(result.status, 0);
}
END_TEST

START_TEST(the_prompt_goes_in_as_an_argument)
{
	ck_assert_int_eq(RUN("fix $(it) {prompt_file}", PROMPT_ARGUMENT, "printf", "<%s>", "-p",
			     "--text={prompt}!", "{prompt}"),
	    0);
	ck_assert_str_eq(result.text,
	    "<-p><--text=fix $(it) {prompt_file}!><fix $(it) {prompt_file}>\n");
	ck_assert_int_eq(RUN("at the end", PROMPT_ARGUMENT, "printf", "<%s>"), 0);
	ck_assert_str_eq(result.text, "<at the end>\n");
}
END_TEST

START_TEST(a_prompt_is_no_option)
{
	ck_assert_int_eq(RUN("--version", PROMPT_ARGUMENT, "printf", "<%s>", "{prompt}"), 0);
	ck_assert_str_eq(result.text, "<\n--version>\n");
}
END_TEST

START_TEST(a_prompt_that_is_too_long_says_what_to_do)
{
	char *prompt = xmalloc(200001);

	memset(prompt, 'x', 200000);
	prompt[200000] = '\0';
	ck_assert_int_eq(RUN(prompt, PROMPT_ARGUMENT, "true", "{prompt}"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "agents.robot.prompt = \"stdin\""));
	prompt[131071] = '\0';
	ck_assert_int_eq(RUN(prompt, PROMPT_ARGUMENT, "true", "{prompt}"), 0);
	prompt[131071] = 'x';
	ck_assert_int_eq(RUN(prompt, PROMPT_STDIN, "wc", "-c"), 0);
	ck_assert_str_eq(result.text, "200000\n");
	free(prompt);
}
END_TEST

START_TEST(the_prompt_goes_in_by_a_file_of_its_own)
{
	struct stat st;
	char *path;

	ck_assert_int_eq(RUN("secret plan", PROMPT_FILE, "sh", "-c",
			     "cat $1; echo; stat -c %a $1; echo $1", "x", "{prompt_file}"),
	    0);
	ck_assert_int_eq(strncmp(result.text, "secret plan\n600\n/", 17), 0);
	path =
	    xstrdup(strrchr(result.text, '\n') > result.text ? strstr(result.text, "\n/") + 1 : "");
	path[strcspn(path, "\n")] = '\0';
	ck_assert_int_eq(stat(path, &st), -1);
	free(path);
	ck_assert_int_eq(RUN("plan", PROMPT_FILE, "cat"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
}
END_TEST

START_TEST(without_a_prompt_on_stdin_there_is_nothing_to_read)
{
	ck_assert_int_eq(RUN("x", PROMPT_ARGUMENT, "sh", "-c", "cat; readlink /proc/self/fd/0",
			     "{prompt}"),
	    0);
	ck_assert_str_eq(result.text, "/dev/null\n");
}
END_TEST

START_TEST(it_sees_its_own_variables_and_those_it_may)
{
	static char *env[] = { (char *)(uintptr_t) "MODEL=best", (char *)(uintptr_t) "REGION=agent",
		NULL };
	static char *pass[] = { (char *)(uintptr_t) "ROBOT_API_KEY",
		(char *)(uintptr_t) "NOT_SET_ANYWHERE", NULL };
	static char *repo_env[] = { (char *)(uintptr_t) "REGION=repo",
		(char *)(uintptr_t) "NODE_ENV=test", NULL };
	struct config_repo repo = { .name = (char *)(uintptr_t)"web", .env = repo_env };

	setenv("ROBOT_API_KEY", "sk-canary-123456", 1);
	setenv("OTHER_API_KEY", "sk-other", 1);
	agent.env = env;
	agent.env_pass = pass;
	config.repos = &repo;
	config.repos_len = 1;
	job.repo = "web";
	ck_assert_int_eq(RUN("x", PROMPT_STDIN, "sh", "-c",
			     "env | grep -E 'MODEL|REGION|NODE_ENV|_KEY|NOT_SET' | sort"),
	    0);
	ck_assert_str_eq(result.text,
	    "MODEL=best\nNODE_ENV=test\nREGION=agent\nROBOT_API_KEY=***\n");
	config.repos_len = 0;
}
END_TEST

START_TEST(a_key_is_masked_in_what_goes_on)
{
	static char *pass[] = { (char *)(uintptr_t)"ROBOT_API_KEY", NULL };

	setenv("ROBOT_API_KEY", "sk-canary-123456", 1);
	agent.env_pass = pass;
	ck_assert_int_eq(RUN("x", PROMPT_STDIN, "sh", "-c",
			     "echo \"bad key $ROBOT_API_KEY\" >&2; exit 1"),
	    -1);
	ck_assert_str_eq(err.text, "agent robot ended with status 1: bad key ***");
}
END_TEST

/* ---- which agent ---- */

START_TEST(the_agent_must_be_configured)
{
	struct drover_agent_run run = { .size = sizeof run,
		.agent = "gpt",
		.prompt = "x",
		.cwd = dir };

	ck_assert_int_eq(agent_run(&scope, &run, &result, &err), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "agents.gpt"));
	run.agent = NULL;
	scope.agent = "";
	ck_assert_int_eq(agent_run(&scope, &run, &result, &err), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "inbox.ticket"));
	ck_assert_str_eq(core_heard(), "");
}
END_TEST

START_TEST(an_agent_that_is_not_installed_used_nothing)
{
	ck_assert_int_eq(RUN("x", PROMPT_STDIN, "no-such-robot"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "agent robot: no-such-robot: not found in PATH ("));
	ck_assert_str_eq(core_heard(), "");
}
END_TEST

/* ---- the verdict ---- */

static const struct verdict_case {
	const char *output, *script;
	int code;                    /* 0: as good as its work */
	const char *text;            /* in the error */
	int64_t retry_after;
} verdicts[] = {
	{ "codex", "cat " FIXTURES "codex-work.jsonl", 0, "", 0 },
	{ "stream-json", "cat " FIXTURES "claude-work.jsonl", 0, "", 0 },
	{ "opencode", "cat " FIXTURES "opencode-work.jsonl", 0, "", 0 },
	{ "plain", "cat " FIXTURES "plain-work.txt", 0, "", 0 },
	/* limits: 19:26:40 to 03:40 */
	{ "codex", "cat " FIXTURES "codex-limit.jsonl; exit 1", DROVER_QUOTA,
	    "agent robot has hit a limit: You’ve hit your usage limit.",
	    ((8 * 60 + 13) * 60 + 20) * 1000 },
	{ "stream-json", "cat " FIXTURES "claude-limit.jsonl; exit 1", DROVER_QUOTA,
	    "You've hit your limit", INT64_C(1700000000000) - NOW },
	{ "plain", "echo '5-hour limit reached ∙ resets 3am'", DROVER_QUOTA, "5-hour limit",
	    ((7 * 60 + 33) * 60 + 20) * 1000 },
	{ "plain", "echo; echo 'Error: 429 RESOURCE_EXHAUSTED' >&2; exit 1", DROVER_QUOTA,
	    "RESOURCE_EXHAUSTED", 15 * 60 * 1000 },
	{ "codex",
	    "echo '{\"type\":\"turn.failed\",\"error\":{\"message\":\"Rate limit reached. Please "
	    "try again in 1.2s\"}}'; exit 1",
	    DROVER_QUOTA, "Rate limit", 60 * 1000 },
	/* refused keys, also with "success" and status 0 */
	{ "stream-json", "cat " FIXTURES "qwen-refused.jsonl", DROVER_AUTH,
	    "agent robot was refused: [API Error: 401", 0 },
	{ "opencode", "cat " FIXTURES "opencode-refused.jsonl", DROVER_AUTH, "Incorrect API key",
	    0 },
	{ "codex", "cat " FIXTURES "codex-refused.jsonl; exit 1", DROVER_AUTH, "401 Unauthorized",
	    0 },
	{ "stream-json", "echo 'Invalid API key · Please run /login'; exit 1", DROVER_AUTH,
	    "Please run /login", 0 },
	/* the provider */
	{ "codex",
	    "echo '{\"type\":\"turn.failed\",\"error\":{\"message\":\"unexpected status 503 "
	    "Service Unavailable\"}}'; exit 1",
	    DROVER_AGAIN, "503 Service Unavailable", 0 },
	{ "opencode", "echo 'Error: getaddrinfo EAI_AGAIN api.example.com' >&2; exit 1",
	    DROVER_AGAIN, "getaddrinfo", 0 },
	/* the configuration */
	{ "codex",
	    "echo '{\"type\":\"turn.failed\",\"error\":{\"message\":\"The model `x` does not "
	    "exist\"}}'; exit 1",
	    DROVER_CONFIG, "does not exist", 0 },
	/* its own failures */
	{ "codex",
	    "cat " FIXTURES "codex-work.jsonl; echo first >&2; echo 'boom \033[31m' >&2; exit 1",
	    DROVER_INTERNAL, "agent robot ended with status 1: boom \\x1b[31m", 0 },
	{ "stream-json", "cat " FIXTURES "claude-turns.jsonl", DROVER_INTERNAL,
	    "agent robot says that it failed: Reached maximum", 0 },
	{ "codex", "echo 'error: unexpected argument --jsn'; exit 2", DROVER_INTERNAL,
	    "ended with status 2: error: unexpected argument", 0 },
	{ "plain", "kill -SEGV $$", DROVER_INTERNAL, "ended by signal 11 (Segmentation fault", 0 },
	/* talk about errors is none */
	{ "plain", "echo 'Fixed: 429 and ECONNRESET are retried, Invalid API key is shown'", 0, "",
	    0 },
	{ "codex",
	    "echo "
	    "'{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"401 "
	    "Unauthorized is handled now\"}}';"
	    "echo "
	    "'{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}'; "
	    "echo 'ECONNRESET, retrying' >&2",
	    0, "", 0 },
};

START_TEST(the_end_is_judged)
{
	const struct verdict_case *v = &verdicts[_i];
	const char *heard;

	ck_assert_msg(run_script(v->output, v->script) == (v->code == 0 ? 0 : -1), "%s", err.text);
	ck_assert_msg(err.code == v->code, "%d: %s", err.code, err.text);
	ck_assert_msg(strstr(err.text, v->text) != NULL, "%s", err.text);
	ck_assert_int_eq(err.retry_after_ms, v->retry_after);
	heard = core_heard();
	ck_assert_ptr_nonnull(strstr(heard, "JOB_USAGE robot "));
	ck_assert_ptr_null(strstr(strstr(heard, "JOB_USAGE") + 1, "JOB_USAGE"));
	ck_assert_int_eq(strstr(heard, "AGENT_PAUSE") != NULL, v->code == DROVER_QUOTA);
}
END_TEST

START_TEST(the_core_hears_of_usage_and_limits)
{
	ck_assert_int_eq(run_script("stream-json", "cat " FIXTURES "claude-work.jsonl"), 0);
	ck_assert_str_eq(result.text, "Done: the form works again.");
	ck_assert_int_eq(result.usage.cost_microusd, 123456);
	ck_assert_int_eq(run_script("stream-json",
			     "cat " FIXTURES "claude-stopped.jsonl " FIXTURES
			     "claude-limit.jsonl; exit 1"),
	    -1);
	ck_assert_int_eq(result.usage.output, 150);
	ck_assert_str_eq(core_heard(),
	    "JOB_USAGE robot 3320 3150 150 4 123456\n"
	    "AGENT_PAUSE robot 1700000000000\n"
	    "JOB_USAGE robot 3320 3150 150 1 0\n");
}
END_TEST

/*
 * Opened for both, so that nobody waits for the other to open: the jump alone
 * may end the run.
 */
static void *
jump_when_there(void *arg)
{
	const int *fds = arg;
	char byte;

	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	clock_fake(NOW + 1800001, 1000000 + 1800001);
	ck_assert_int_eq(write(fds[1], "go on\n", 6), 6);
	return NULL;
}

START_TEST(who_takes_too_long_is_counted_too)
{
	char *up = path_join(dir, "up"), *down = path_join(dir, "down");
	char *script = xasprintf("cat %sclaude-stopped.jsonl; echo > %s; cat %s; exec sleep 1000",
	    FIXTURES, up, down);
	pthread_t thread;
	int fds[2];

	ck_assert_int_eq(mkfifo(up, 0600), 0);
	ck_assert_int_eq(mkfifo(down, 0600), 0);
	ck_assert_int_ge(fds[0] = open(up, O_RDWR | O_CLOEXEC), 0);
	ck_assert_int_ge(fds[1] = open(down, O_RDWR | O_CLOEXEC), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, jump_when_there, fds), 0);
	agent.timeout_ms = 1800000;
	ck_assert_int_eq(run_script("stream-json", script), -1);
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
	ck_assert_int_eq(err.code, DROVER_INTERNAL);
	ck_assert_ptr_nonnull(strstr(err.text, "agent robot was stopped: it took longer than 30m"));
	ck_assert_str_eq(core_heard(), "JOB_USAGE robot 3320 3150 150 3 0\n");
	free(script);
	free(up);
	free(down);
}
END_TEST

START_TEST(a_fenced_attempt_stops)
{
	core.class = DROVER_FENCED;
	ck_assert_int_eq(run_script("codex", "cat " FIXTURES "codex-work.jsonl"), -1);
	ck_assert_int_eq(err.code, DROVER_FENCED);
}
END_TEST

START_TEST(without_a_catalogue_it_still_fails)
{
	setenv("DROVER_DATADIR", "/no/such/folder", 1);
	ck_assert_int_eq(run_script("codex", "cat " FIXTURES "codex-limit.jsonl; exit 1"), -1);
	ck_assert_int_eq(err.code, DROVER_INTERNAL);
	ck_assert_ptr_nonnull(strstr(err.text, "usage limit"));
}
END_TEST

START_TEST(a_plugin_calls_it_with_its_own_structs)
{
	static char *command[] = { (char *)(uintptr_t)"cat", NULL };
	struct drover_agent_run run = { .size = sizeof run, .prompt = "hello", .cwd = dir };
	struct drover_agent_result out = { .size = sizeof out };
	struct drover_error error;

	agent.command = command;
	agent.output = (char *)(uintptr_t)"plain";
	ck_assert_int_eq(host_agent.run(&scope.public, &run, &out, &error), 0);
	ck_assert_str_eq(out.text, "hello\n");
	run.prompt = "";
	ck_assert_int_eq(host_agent.run(&scope.public, &run, &out, &error), DROVER_PERMANENT);
	scope.role = SCOPE_SOURCE;
	ck_assert_int_eq(host_agent.run(&scope.public, &run, &out, &error), DROVER_PERMANENT);
	scope.role = SCOPE_JOB;
}
END_TEST

static int
run_agent(const char *prompt, const char *output, enum config_prompt how,
    const char *const *command)
{
	struct drover_agent_run run = { .size = sizeof run, .prompt = prompt, .cwd = dir };

	agent.command = (char **)(uintptr_t)command;
	agent.output = (char *)(uintptr_t)output;
	agent.prompt = how;
	err = (struct error){ .code = 0 };
	return agent_run(&scope, &run, &result, &err);
}

static int
run_script(const char *output, const char *script)
{
	return run_agent("x", output, PROMPT_STDIN,
	    (const char *const[]){ "sh", "-c", script, NULL });
}

/* Ends the core; what it was told, a line each. */
static const char *
core_heard(void)
{
	close(core.fds[0]);
	core.fds[0] = -1;
	pthread_join(core.thread, NULL);
	close(core.fds[1]);
	link_free(scope.link);
	scope.link = NULL;
	return buf_str(&core.heard);
}

static void *
core_main(void *arg)
{
	struct core *c = arg;
	struct message m;
	struct message_out reply;
	struct error error;

	while (message_recv(c->fds[1], &m, &error) == 1) {
		if (m.type == MESSAGE_SECRETS) {
			message_free(&m);
			continue;
		}
		buf_addf(&c->heard, "%s %s", message_name(m.type), message_s(&m, "agent"));
		if (m.type == MESSAGE_JOB_USAGE)
			buf_addf(&c->heard, " %lld %lld %lld %lld %lld\n",
			    (long long)message_i(&m, "input"), (long long)message_i(&m, "cached"),
			    (long long)message_i(&m, "output"), (long long)message_i(&m, "turns"),
			    (long long)message_i(&m, "cost"));
		else
			buf_addf(&c->heard, " %lld\n", (long long)message_i(&m, "until"));
		message_begin(&reply, MESSAGE_REPLY, m.id);
		message_put_i(&reply, c->class);
		message_put_i(&reply, 0);
		message_put_s(&reply,
		    c->class == DROVER_OK ? "" : "a newer attempt has taken over");
		message_put_i(&reply, 0);
		message_put_b(&reply, "", 0);
		message_free(&m);
		if (message_send(c->fds[1], &reply, &error) != 0)
			break;
	}
	return NULL;
}

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "agent", setup, teardown);

	tcase_add_test(tc, the_prompt_goes_in_by_stdin);
	tcase_add_test(tc, the_prompt_goes_in_as_an_argument);
	tcase_add_test(tc, a_prompt_is_no_option);
	tcase_add_test(tc, a_prompt_that_is_too_long_says_what_to_do);
	tcase_add_test(tc, the_prompt_goes_in_by_a_file_of_its_own);
	tcase_add_test(tc, without_a_prompt_on_stdin_there_is_nothing_to_read);
	tcase_add_test(tc, it_sees_its_own_variables_and_those_it_may);
	tcase_add_test(tc, a_key_is_masked_in_what_goes_on);
	tcase_add_test(tc, the_agent_must_be_configured);
	tcase_add_test(tc, an_agent_that_is_not_installed_used_nothing);
	tcase_add_loop_test(tc, the_end_is_judged, 0, ARRAY_LEN(verdicts));
	tcase_add_test(tc, the_core_hears_of_usage_and_limits);
	tcase_add_test(tc, who_takes_too_long_is_counted_too);
	tcase_add_test(tc, a_fenced_attempt_stops);
	tcase_add_test(tc, without_a_catalogue_it_still_fails);
	tcase_add_test(tc, a_plugin_calls_it_with_its_own_structs);
}

SUITE(cases)
