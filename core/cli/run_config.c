/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of `drover run`. run_locate() asks git about the checkout;
 * run_configure() writes, at each start, the configuration of the private
 * daemon: this checkout as its only repo, one agent, and the pipeline
 * inbox.ticket.
 */
#include <limits.h>
#include <unistd.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/units.h"
#include "base/url.h"
#include "config/identity.h"
#include "cli/run.h"

static char *git_line(const char *dir, const char *a, const char *b, const char *c);
static char *state_folder(uint64_t hash);
static void add_built_plugins(cJSON *json);
static int add_repo(struct run *, cJSON *json);
static int add_agent(struct run *, const cJSON *own, cJSON *json);
static int add_identity(struct run *, const cJSON *own, cJSON *json);
static void add_plugin(struct run *, cJSON *json, int64_t retries);
static bool add_words(cJSON *array, const char *text);

int
run_locate(struct run *run)
{
	struct cli *cli = run->cli;
	const char *path = cli->value[OPT_REPO] != NULL ? cli->value[OPT_REPO] : ".";
	char real[PATH_MAX], name[65];

	free(run->top);
	if ((run->top = git_line(path, "rev-parse", "--show-toplevel", NULL)) == NULL ||
	    realpath(run->top, real) == NULL)
		return cli_usage(cli,
		    "%s is not in a git checkout: go to one, or name it with --repo", path);
	free(run->top);
	run->top = xstrdup(real);
	text_slug(strrchr(real, '/') + 1, name, sizeof name);
	run->name = xstrdup(name);
	run->state_dir = state_folder(text_hash(real, strlen(real)));
	if (run->state_dir == NULL) {
		cli_say(cli,
		    "neither XDG_STATE_HOME nor HOME is set: there is no place to keep the jobs");
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
	struct config *users = config_load(cli->value[OPT_CONFIG], NULL, &err), *config = NULL;
	cJSON *own = users != NULL ? config_to_json(users) : NULL, *json = cJSON_CreateObject();
	char *socket = path_join(run->state_dir, "drover.sock");
	int64_t timeout, retries = 1;
	int status = CLI_USAGE;

	if (users == NULL && cli->value[OPT_CONFIG] != NULL) {
		cli_fail(cli, &err);
		goto out;
	}
	if (cli->value[OPT_TIMEOUT] != NULL &&
	    units_parse_duration(cli->value[OPT_TIMEOUT], &timeout) != 0) {
		cli_usage(cli, "--timeout: a time such as 50m is needed");
		goto out;
	}
	if (cli->value[OPT_RETRIES] != NULL &&
	    units_parse_int(cli->value[OPT_RETRIES], 0, 100, &retries) != 0) {
		cli_usage(cli, "--retries: a number from 0 to 100 is needed");
		goto out;
	}
	json_add_str(json, "state_dir", run->state_dir);
	json_add_str(json, "socket", socket);
	json_add_int(json, "running", parallel);
	json_add_str(json, "sandbox", json_str(own, "sandbox", "off"));
	json_add_int(cJSON_AddObjectToObject(cJSON_AddObjectToObject(json, "pools"), "light"),
	    "slots", parallel);
	if (json_get(own, "plugin_dirs") != NULL)
		cJSON_AddItemToObject(json, "plugin_dirs",
		    cJSON_Duplicate(json_get(own, "plugin_dirs"), true));
	else
		add_built_plugins(json);
	if ((status = add_repo(run, json)) != CLI_OK ||
	    (status = add_identity(run, own, json)) != CLI_OK ||
	    (status = add_agent(run, own, json)) != CLI_OK)
		goto out;
	add_plugin(run, json, retries);
	if ((config = config_from_json(json, &err)) == NULL) {
		status = cli_fail(cli, &err);
		goto out;
	}
	buf_addf(&text, "# Written by `drover run` for %s at each start.\n", run->name);
	config_show(config, false, &text);
	if (path_mkdirs(run->state_dir, 0700, &err) != 0 ||
	    path_write(run->config_file, text.data, text.len, 0600, &err) != 0)
		status = cli_fail(cli, &err);
out:
	buf_free(&text);
	free(socket);
	cJSON_Delete(json);
	cJSON_Delete(own);
	config_free(config);
	config_free(users);
	return status;
}

/* A drover that is not installed takes the plugins that were built with it. */
static void
add_built_plugins(cJSON *json)
{
	char self[PATH_MAX], *plugin;
	ssize_t n;

	if ((n = readlink("/proc/self/exe", self, sizeof self - 1)) <= 0)
		return;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	plugin = path_join(self, ".libs/inbox.so");
	if (access(plugin, R_OK) == 0) {
		*strrchr(plugin, '/') = '\0';
		cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "plugin_dirs"),
		    cJSON_CreateString(plugin));
	}
	free(plugin);
}

char *
run_origin(const struct run *run)
{
	char *origin = git_line(run->top, "config", "--get", "remote.origin.url"), *full;

	/*
	 * git reads a relative path from the checkout; the daemon runs
	 * elsewhere.
	 */
	if (origin == NULL || origin[0] == '/' || strchr(origin, ':') != NULL)
		return origin;
	full = path_resolve(run->top, origin);
	free(origin);
	return full;
}

static int
add_repo(struct run *run, cJSON *json)
{
	struct cli *cli = run->cli;
	char *origin = run_origin(run), *base, *ref, *ahead;
	const char *url = origin != NULL ? origin : run->top;
	cJSON *repo = cJSON_CreateObject(), *checks;
	int status = CLI_OK;

	base = cli->value[OPT_BASE] != NULL ? xstrdup(cli->value[OPT_BASE]) :
					      git_line(run->top, "symbolic-ref", "--short", "HEAD");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "repos"), repo);
	json_add_str(repo, "name", run->name);
	json_add_str(repo, "url", url);
	json_add_str(repo, "base", base);
	/* The git of the user knows the right keys and credential helpers. */
	json_add_str(repo, "transport",
	    url[0] == '/' || strncmp(url, "file://", 7) == 0 ? "libgit2" : "git");
	checks = cJSON_AddArrayToObject(repo, "check");
	for (int i = 0; status == CLI_OK && i < cli->checks_len; i++)
		if (!add_words(checks, cli->checks[i]))
			status = cli_usage(cli, "--check: `%s` is empty or has an open quote",
			    cli->checks[i]);
	if (status == CLI_OK && url_has_userinfo(url))
		status = cli_usage(cli,
		    "the url of origin has a user or a password before its host: take it out by "
		    "`git remote set-url origin URL`, and let a credential helper of git keep it");
	if (status == CLI_OK && base == NULL)
		status = cli_usage(cli, "the checkout is not on a branch: name one with --base");
	if (status == CLI_OK && origin != NULL) {
		ref = xasprintf("refs/remotes/origin/%s..refs/heads/%s", base, base);
		if ((ahead = git_line(run->top, "rev-list", "--count", ref)) != NULL &&
		    strcmp(ahead, "0") != 0)
			cli_say(cli, "%s commits of %s are not pushed: the agents do not see them",
			    ahead, base);
		free(ahead);
		free(ref);
	}
	free(origin);
	free(base);
	return status;
}

/*
 * Commits are the user's own: by the name that git knows in the checkout, and
 * signed where the user signs. A signature needs a key that asks for nothing,
 * which only drover's configuration names.
 */
static int
add_identity(struct run *run, const cJSON *own, cJSON *json)
{
	char *name = git_line(run->top, "config", "--get", "user.name"),
	     *mail = git_line(run->top, "config", "--get", "user.email"),
	     *sign = git_line(run->top, "config", "--bool", "commit.gpgsign"),
	     *author = name != NULL && mail != NULL ? identity_join(name, mail) : NULL;
	const char *key = json_str(own, "sign_key_file", NULL);
	int status = CLI_OK;

	json_add_str(json, "author", author != NULL ? author : json_str(own, "author", NULL));
	json_add_bool(json, "signoff", json_bool(own, "signoff", false));
	json_add_str(json, "sign_key_file", key);
	if (sign != NULL && strcmp(sign, "true") == 0 && key == NULL)
		status = cli_usage(run->cli,
		    "commit.gpgsign is set for this checkout, but drover has no key to sign with: "
		    "name one without a passphrase by sign_key_file in drover.conf, or run "
		    "`git config commit.gpgsign false`");
	free(name);
	free(mail);
	free(sign);
	free(author);
	return status;
}

/*
 * Adds the agent of --agent-command, else of the user's configuration, else a
 * preset.
 */
static int
add_agent(struct run *run, const cJSON *own, cJSON *json)
{
	static const char *const prompts[] = { [PROMPT_STDIN] = "stdin",
		[PROMPT_ARGUMENT] = "argument",
		[PROMPT_FILE] = "file" };
	struct cli *cli = run->cli;
	const char *command = cli->value[OPT_AGENT_COMMAND], *output = cli->value[OPT_AGENT_OUTPUT];
	const struct run_preset *preset = run_preset(run->agent);
	const cJSON *configured = json_get(json_get(own, "agents"), run->agent);
	cJSON *agents = cJSON_AddObjectToObject(json, "agents"), *agent, *commands;
	struct buf names = BUF_INIT;
	enum config_prompt prompt;

	if (command == NULL && configured != NULL) {
		cJSON_AddItemToObject(agents, run->agent, cJSON_Duplicate(configured, true));
		return CLI_OK;
	}
	agent = cJSON_AddObjectToObject(agents, run->agent);
	if (command != NULL) {
		commands = cJSON_CreateArray();
		if (add_words(commands, command))
			cJSON_AddItemToObject(agent, "command",
			    cJSON_DetachItemFromArray(commands, 0));
		cJSON_Delete(commands);
		if (json_get(agent, "command") == NULL)
			return cli_usage(cli,
			    "--agent-command: `%s` is empty or has an open quote", command);
		prompt = strstr(command, "{prompt_file}") != NULL ? PROMPT_FILE :
		    strstr(command, "{prompt}") != NULL           ? PROMPT_ARGUMENT :
								    PROMPT_STDIN;
		json_add_str(agent, "prompt", prompts[prompt]);
		json_add_str(agent, "output", output != NULL ? output : "plain");
		return CLI_OK;
	}
	if (preset == NULL) {
		run_presets_list(&names);
		cli_usage(cli,
		    "agent %s is neither configured nor one of %s: "
		    "configure it, or give --agent-command",
		    run->agent, buf_str(&names));
		buf_free(&names);
		return CLI_USAGE;
	}
	json_add_str(agent, "prompt", prompts[preset->prompt]);
	json_add_str(agent, "output", preset->output);
	commands = cJSON_AddArrayToObject(agent, "command");
	for (size_t i = 0; preset->command[i] != NULL; i++)
		cJSON_AddItemToArray(commands, cJSON_CreateString(preset->command[i]));
	commands = cJSON_AddArrayToObject(agent, "read_only");
	for (size_t i = 0; preset->read_only[i] != NULL; i++)
		cJSON_AddItemToArray(commands, cJSON_CreateString(preset->read_only[i]));
	commands = cJSON_AddArrayToObject(agent, "home");
	for (size_t i = 0; preset->home[i] != NULL; i++)
		cJSON_AddItemToArray(commands, cJSON_CreateString(preset->home[i]));
	commands = cJSON_AddArrayToObject(agent, "env_pass");
	for (size_t i = 0; preset->pass[i] != NULL; i++)
		cJSON_AddItemToArray(commands, cJSON_CreateString(preset->pass[i]));
	return CLI_OK;
}

static void
add_plugin(struct run *run, cJSON *json, int64_t retries)
{
	cJSON *plugin = cJSON_CreateObject(), *ticket;

	cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "plugins"), plugin);
	json_add_str(plugin, "name", RUN_PLUGIN);
	ticket = cJSON_AddObjectToObject(cJSON_AddObjectToObject(plugin, "pipelines"), "ticket");
	json_add_str(ticket, "pool", "light");
	json_add_str(ticket, "agent", run->agent);
	json_add_str(ticket, "timeout", run->cli->value[OPT_TIMEOUT]);
	json_add_int(ticket, "retries", retries);
}

/* Adds text to array as one argv; false when it is empty or a quote is open. */
static bool
add_words(cJSON *array, const char *text)
{
	char **words = cli_words(text);
	cJSON *argv;
	bool some = words != NULL && words[0] != NULL;

	if (some) {
		argv = cJSON_CreateArray();
		for (size_t i = 0; words[i] != NULL; i++)
			cJSON_AddItemToArray(argv, cJSON_CreateString(words[i]));
		cJSON_AddItemToArray(array, argv);
	}
	free_strings(words);
	return some;
}

static char *
state_folder(uint64_t hash)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		return xasprintf("%s/drover/run/%016llx", state, (unsigned long long)hash);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.local/state/drover/run/%016llx", home,
		    (unsigned long long)hash);
	return NULL;
}

/* The first line that git prints; NULL when it fails or prints nothing. */
static char *
git_line(const char *dir, const char *a, const char *b, const char *c)
{
	const char *const argv[] = { "git", "-C", dir, a, b, c, NULL };
	struct buf out = BUF_INIT;
	char *line = NULL;

	if (cli_capture(argv, true, &out) == 0 && out.len > 0 && out.data[0] != '\n')
		line = xstrndup(out.data, strcspn(out.data, "\n"));
	buf_free(&out);
	return line;
}
