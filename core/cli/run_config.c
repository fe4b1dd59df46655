/* SPDX-License-Identifier: Apache-2.0 */
/* What `drover run` finds out of a checkout by asking git, and the configuration that it writes for its private daemon. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/run.h"

#define GIT_OUTPUT_MAX 65536

extern char **environ;

static int git_ask(const char *dir, const char *const *args, struct buf *out);
static char *git_line(const char *dir, const char *a, const char *b, const char *c);
static char *state_folder(uint64_t hash);
static int repo_fill(struct run *, struct config_repo *);
static int agent_fill(struct run *, const struct config *users, struct config_agent *);
static void agent_copy(struct config_agent *to, const struct config_agent *from);
static void plugin_fill(struct run *, struct config_plugin *, int64_t timeout_ms);
static char **words_copy(const char *const *);

int
run_locate(struct run *run)
{
	struct cli *cli = run->cli;
	const char *path = cli->value[OPT_REPO] != NULL ? cli->value[OPT_REPO] : ".";
	char real[PATH_MAX], name[65];

	free(run->top);
	if ((run->top = git_line(path, "rev-parse", "--show-toplevel", NULL)) == NULL || realpath(run->top, real) == NULL)
		return cli_usage(cli, "%s is not in a git checkout: go to one, or name it with --repo", path);
	free(run->top);
	run->top = xstrdup(real);
	text_slug(strrchr(real, '/') + 1, name, sizeof name);
	run->name = xstrdup(name);
	run->state_dir = state_folder(text_hash(real, strlen(real)));
	if (run->state_dir == NULL) {
		cli_say(cli, "neither XDG_STATE_HOME nor HOME is set: there is no place to keep the jobs");
		return CLI_FAILED;
	}
	run->config_file = path_join(run->state_dir, "drover.conf");
	return CLI_OK;
}

int
run_configure(struct run *run, int64_t parallel)
{
	struct cli *cli = run->cli;
	struct error err = { 0 };
	struct buf text = BUF_INIT;
	struct config *users = config_load(cli->value[OPT_CONFIG], NULL, &err), *config;
	int64_t timeout = -1;
	int status = CLI_USAGE;

	if (users == NULL && cli->value[OPT_CONFIG] != NULL)
		return cli_fail(cli, &err);
	config = config_default();
	if (cli->value[OPT_TIMEOUT] != NULL && units_parse_duration(cli->value[OPT_TIMEOUT], &timeout) != 0) {
		cli_usage(cli, "--timeout: a time such as 50m is needed");
		goto out;
	}
	free(config->state_dir);
	config->state_dir = xstrdup(run->state_dir);
	free(config->socket);
	config->socket = path_join(run->state_dir, "drover.sock");
	config->running = (int)parallel;
	for (int i = 0; i < config->pools_len; i++)
		config->pools[i].slots = (int)parallel;
	if (users != NULL && users->plugin_dirs != NULL) {
		cli_words_free(config->plugin_dirs);
		config->plugin_dirs = words_copy((const char *const *)users->plugin_dirs);
	}
	config->repos = xcalloc(1, sizeof *config->repos);
	config->repos_len = 1;
	config->agents = xreallocarray(config->agents, (size_t)config->agents_len + 1, sizeof *config->agents);
	config->agents[config->agents_len] = (struct config_agent){ 0 };
	config->plugins = xcalloc(1, sizeof *config->plugins);
	config->plugins_len = 1;
	if ((status = repo_fill(run, &config->repos[0])) != CLI_OK ||
	    (status = agent_fill(run, users, &config->agents[config->agents_len++])) != CLI_OK)
		goto out;
	plugin_fill(run, &config->plugins[0], timeout);
	buf_addf(&text, "# Written by `drover run` for %s at each start.\n", run->name);
	config_show(config, false, &text);
	if (path_mkdirs(run->state_dir, 0700, &err) != 0 || path_write(run->config_file, text.data, text.len, 0600, &err) != 0)
		status = cli_fail(cli, &err);
out:
	buf_free(&text);
	config_free(config);
	if (users != NULL)
		config_free(users);
	return status;
}

char *
run_origin(const struct run *run)
{
	char *origin = git_line(run->top, "config", "--get", "remote.origin.url"), *full;

	/* git takes a path relative to the checkout; a daemon stands elsewhere. */
	if (origin == NULL || origin[0] == '/' || strchr(origin, ':') != NULL)
		return origin;
	full = path_resolve(run->top, origin);
	free(origin);
	return full;
}

static int
repo_fill(struct run *run, struct config_repo *repo)
{
	struct cli *cli = run->cli;
	char *origin = run_origin(run), *ref, *ahead;

	repo->name = xstrdup(run->name);
	repo->lease = xstrdup("worktree");
	repo->base = cli->value[OPT_BASE] != NULL ? xstrdup(cli->value[OPT_BASE]) : git_line(run->top, "symbolic-ref", "--short", "HEAD");
	if (repo->base == NULL) {
		free(origin);
		return cli_usage(cli, "the checkout is on no branch: name one with --base");
	}
	repo->url = origin != NULL ? origin : xstrdup(run->top);
	/* The user's own git knows his keys, agents and credential helpers. */
	repo->transport = xstrdup(repo->url[0] == '/' || strncmp(repo->url, "file://", 7) == 0 ? "libgit2" : "git");
	if (origin != NULL) {
		ref = xasprintf("refs/remotes/origin/%s..refs/heads/%s", repo->base, repo->base);
		if ((ahead = git_line(run->top, "rev-list", "--count", ref)) != NULL && strcmp(ahead, "0") != 0)
			cli_say(cli, "%s commits of %s are not pushed: the agents do not see them", ahead, repo->base);
		free(ahead);
		free(ref);
	}
	repo->check = xcalloc((size_t)cli->checks_len + 1, sizeof *repo->check);
	for (int i = 0; i < cli->checks_len; i++)
		if ((repo->check[i] = cli_words(cli->checks[i])) == NULL || repo->check[i][0] == NULL)
			return cli_usage(cli, "--check: `%s` is not a command", cli->checks[i]);
	repo->setup = xcalloc(1, sizeof *repo->setup);
	return CLI_OK;
}

/* By --agent-command, else from the user's configuration, else a preset. */
static int
agent_fill(struct run *run, const struct config *users, struct config_agent *agent)
{
	struct cli *cli = run->cli;
	const char *command = cli->value[OPT_AGENT_COMMAND], *output = cli->value[OPT_AGENT_OUTPUT];
	const struct run_preset *preset;
	const struct config_agent *own;
	struct buf names = BUF_INIT;
	bool by_argument = false, by_file = false;

	if (command != NULL) {
		if ((agent->command = cli_words(command)) == NULL || agent->command[0] == NULL)
			return cli_usage(cli, "--agent-command: `%s` is not a command", command);
		for (int i = 0; agent->command[i] != NULL; i++) {
			by_argument |= strstr(agent->command[i], "{prompt}") != NULL;
			by_file |= strstr(agent->command[i], "{prompt_file}") != NULL;
		}
		agent->name = xstrdup(run->agent);
		agent->prompt = by_file ? PROMPT_FILE : by_argument ? PROMPT_ARGUMENT : PROMPT_STDIN;
		agent->output = xstrdup(output != NULL ? output : "plain");
		return CLI_OK;
	}
	if (users != NULL && (own = config_agent(users, run->agent)) != NULL) {
		agent_copy(agent, own);
		return CLI_OK;
	}
	if ((preset = run_preset(run->agent)) == NULL) {
		run_presets_list(&names);
		cli_usage(cli, "agent %s is neither configured nor one of %s: or give its --agent-command", run->agent, buf_str(&names));
		buf_free(&names);
		return CLI_USAGE;
	}
	agent->name = xstrdup(preset->name);
	agent->prompt = preset->prompt;
	agent->output = xstrdup(preset->output);
	agent->command = words_copy(preset->command);
	agent->env_pass = words_copy(preset->pass);
	return CLI_OK;
}

static void
agent_copy(struct config_agent *to, const struct config_agent *from)
{
	*to = (struct config_agent){ .name = xstrdup(from->name), .command = words_copy((const char *const *)from->command),
	    .prompt = from->prompt, .output = xstrdup(from->output), .timeout_ms = from->timeout_ms };
	to->env = from->env != NULL ? words_copy((const char *const *)from->env) : NULL;
	to->env_pass = from->env_pass != NULL ? words_copy((const char *const *)from->env_pass) : NULL;
}

static void
plugin_fill(struct run *run, struct config_plugin *plugin, int64_t timeout_ms)
{
	plugin->name = xstrdup("inbox");
	plugin->at = xstrdup("drover run");
	plugin->pipelines = xcalloc(1, sizeof *plugin->pipelines);
	plugin->pipelines_len = 1;
	plugin->pipelines[0] = (struct config_pipeline){ .name = xstrdup("ticket"), .pool = xstrdup("light"), .agent = xstrdup(run->agent),
	    .timeout_ms = timeout_ms, .silence_ms = -1, .retries = -1, .yield_max_ms = -1 };
}

static char **
words_copy(const char *const *words)
{
	size_t n = 0;
	char **copy;

	while (words[n] != NULL)
		n++;
	copy = xcalloc(n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(words[i]);
	return copy;
}

static char *
state_folder(uint64_t hash)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		return xasprintf("%s/drover/run/%016llx", state, (unsigned long long)hash);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.local/state/drover/run/%016llx", home, (unsigned long long)hash);
	return NULL;
}

/* The first line that git answers; NULL when it fails or says nothing. */
static char *
git_line(const char *dir, const char *a, const char *b, const char *c)
{
	const char *const args[] = { a, b, c, NULL };
	struct buf out = BUF_INIT;
	char *line = NULL;

	if (git_ask(dir, args, &out) == 0 && out.len > 0 && out.data[0] != '\n')
		line = xstrndup(out.data, strcspn(out.data, "\n"));
	buf_free(&out);
	return line;
}

static int
git_ask(const char *dir, const char *const *args, struct buf *out)
{
	char *argv[8] = { (char *)"git", (char *)"-C", (char *)dir };
	posix_spawn_file_actions_t actions;
	char chunk[4096];
	int fds[2], n = 3, status = -1;
	ssize_t got;
	pid_t pid;

	for (; *args != NULL; args++)
		argv[n++] = (char *)*args;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, "git", &actions, NULL, argv, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	while (pid != -1 && ((got = read(fds[0], chunk, sizeof chunk)) > 0 || (got == -1 && errno == EINTR)))
		if (got > 0 && out->len < GIT_OUTPUT_MAX)
			buf_add(out, chunk, (size_t)got);
	close(fds[0]);
	while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return pid != -1 && status == 0 ? 0 : -1;
}
