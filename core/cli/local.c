/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that need no daemon: configuration, version, completion, help. */
#include <stdlib.h>
#include <string.h>

#include <drover/plugin.h>

#include "base/json.h"
#include "base/mem.h"
#include "build.h"
#include "cli/cli.h"
#include "config/confine.h"
#include "config/learn.h"
#include "config/sign.h"

static struct config *local_load_config(struct cli *, struct buf *warnings);
static bool settings_are_good(struct cli *, const struct config *, const char *plugin);
static void completion_words(struct cli *cli, const char *first);
static void completion_bash(struct cli *);
static void completion_fish(struct cli *);
static bool completion_begins(size_t);

/*
 * Whether the plugin accepts what is configured for it. droverd loads it, so
 * that its code does not run in this process.
 */
static bool
settings_are_good(struct cli *cli, const struct config *config, const char *plugin)
{
	struct buf out = BUF_INIT;
	char *program = cli_droverd(), *text, *line;
	const char *const argv[] = { program, "-x", "settings", plugin,
		config->file != NULL ? config->file : "", NULL };
	int status = cli_capture(argv, true, &out);

	if (status != 0 && out.len == 0)
		cli_say(cli, "plugin %s: cannot run %s, or the plugin crashed it", plugin, program);
	text = buf_take(&out);
	for (char *s = text; (line = strsep(&s, "\n")) != NULL;)
		if (*line != '\0')
			cli_say(cli, "%s", line);
	free(text);
	free(program);
	return status == 0;
}

static void
local_short_secrets(struct cli *cli, const struct config *config)
{
	struct buf notes = BUF_INIT;
	char *droverd = cli_droverd(), *text, *line;

	learn_secrets(config, droverd, NULL, NULL, &notes);
	text = buf_take(&notes);
	for (char *s = text; (line = strsep(&s, "\n")) != NULL;)
		if (*line != '\0')
			cli_say(cli, "%s", line);
	free(text);
	free(droverd);
}

int
cmd_config_check(struct cli *cli)
{
	struct buf warnings = BUF_INIT;
	struct config *config = local_load_config(cli, &warnings);
	char *text = buf_take(&warnings), *line;
	struct error err = { 0 };
	bool good = true;

	for (char *s = text; (line = strsep(&s, "\n")) != NULL;)
		if (*line != '\0')
			cli_say(cli, "%s", line);
	free(text);
	if (config == NULL)
		return CLI_FAILED;
	if (sign_check(config, true, &err) != 0) {
		cli_fail(cli, &err);
		good = false;
	}
	for (int i = 0; i < config->plugins_len; i++)
		good = settings_are_good(cli, config, config->plugins[i].name) && good;
	if (prompts_check_plugins(cli, config) != 0 || !good) {
		config_free(config);
		return CLI_FAILED;
	}
	confine_fault(config, &warnings);
	if (warnings.len > 0)
		cli_say(cli, "%s", buf_str(&warnings));
	buf_free(&warnings);
	local_short_secrets(cli, config);
	cli_say(cli, "%s is good: %d repo%s, %d agent%s, %d plugin%s%s",
	    config->file != NULL ? config->file : "the default configuration", config->repos_len,
	    config->repos_len == 1 ? "" : "s", config->agents_len,
	    config->agents_len == 1 ? "" : "s", config->plugins_len,
	    config->plugins_len == 1 ? "" : "s",
	    config->plugins_len > 0 ? "; credentials: drover secret check" : "");
	config_free(config);
	return CLI_OK;
}

int
cmd_config_show(struct cli *cli)
{
	struct config *config = local_load_config(cli, NULL);
	struct buf text = BUF_INIT;
	cJSON *json;

	if (config == NULL)
		return CLI_FAILED;
	if (cli->value[OPT_JSON] != NULL) {
		json = config_to_json(config);
		cli_json(cli, json);
		cJSON_Delete(json);
	} else {
		config_show(config, cli->value[OPT_ORIGIN] != NULL, &text);
		fputs(buf_str(&text), cli->out);
	}
	buf_free(&text);
	config_free(config);
	return CLI_OK;
}

/* Compares the file with the configuration that the daemon uses. */
int
cmd_config_diff(struct cli *cli)
{
	struct config *config = local_load_config(cli, NULL), *running = NULL;
	struct buf text = BUF_INIT;
	struct error err = { 0 };
	cJSON *json = NULL;
	int status = CLI_FAILED;

	if (config == NULL || (status = cli_get(cli, &json, "/api/v1/config")) != CLI_OK)
		goto out;
	if ((running = config_from_json(json, &err)) == NULL) {
		status = cli_fail(cli, &err);
		goto out;
	}
	if (config_diff(running, config, &text) == 0)
		cli_say(cli, "a reload would change nothing");
	fputs(buf_str(&text), cli->out);
out:
	buf_free(&text);
	cJSON_Delete(json);
	if (running != NULL)
		config_free(running);
	if (config != NULL)
		config_free(config);
	return status;
}

int
cmd_config_example(struct cli *cli)
{
	struct buf text = BUF_INIT;

	config_example(&text);
	fputs(buf_str(&text), cli->out);
	buf_free(&text);
	return CLI_OK;
}

int
cmd_version(struct cli *cli)
{
	cJSON *json;
	char abi[16];

	snprintf(abi, sizeof abi, "%d.%d", DROVER_ABI_MAJOR, DROVER_ABI_MINOR);
	if (cli->value[OPT_JSON] == NULL) {
		fprintf(cli->out, "drover %s (plugin interface %s)\n", PACKAGE_VERSION, abi);
		return CLI_OK;
	}
	json = cJSON_CreateObject();
	json_add_str(json, "version", PACKAGE_VERSION);
	json_add_str(json, "abi", abi);
	cli_json(cli, json);
	cJSON_Delete(json);
	return CLI_OK;
}

int
cmd_completion(struct cli *cli)
{
	static const struct {
		const char *shell, *head;
		void (*print)(struct cli *);
	} shells[] = {
		{ "bash", "# bash completion of drover; eval \"$(drover completion bash)\"\n",
		    completion_bash },
		{ "zsh",
		    "# zsh completion of drover; eval \"$(drover completion zsh)\"\n"
		    "autoload -U +X bashcompinit && bashcompinit\n",
		    completion_bash },
		{ "fish", "# fish completion of drover; drover completion fish | source\n",
		    completion_fish },
	};

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(shells[i].shell, cli->args[0]) == 0) {
			fputs(shells[i].head, cli->out);
			shells[i].print(cli);
			return CLI_OK;
		}
	return cli_usage(cli, "completion: the shell must be bash, zsh or fish");
}

static void
completion_bash(struct cli *cli)
{
	fputs("_drover()\n{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=\n"
	    "\tcase $COMP_CWORD in\n"
	    "\t1) words='", cli->out);
	completion_words(cli, NULL);
	fputs("' ;;\n\t2) case ${COMP_WORDS[1]} in\n", cli->out);
	for (size_t i = 0; i < cli_commands_len; i++)
		if (completion_begins(i)) {
			fprintf(cli->out, "\t\t%.*s) words='",
			    (int)strcspn(cli_commands[i].name, " "), cli_commands[i].name);
			completion_words(cli, cli_commands[i].name);
			fputs("' ;;\n", cli->out);
		}
	fputs("\t\tesac ;;\n\tesac\n"
	    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	    "\t[ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
	    "}\ncomplete -F _drover drover\n", cli->out);
}

static void
completion_fish(struct cli *cli)
{
	fputs("complete -c drover -n __fish_use_subcommand -f -a '", cli->out);
	completion_words(cli, NULL);
	fputs("'\n", cli->out);
	for (size_t i = 0; i < cli_commands_len; i++)
		if (completion_begins(i)) {
			int len = (int)strcspn(cli_commands[i].name, " ");

			fprintf(cli->out,
			    "complete -c drover -n '__fish_seen_subcommand_from %.*s' -f -a '", len,
			    cli_commands[i].name);
			completion_words(cli, cli_commands[i].name);
			fputs("'\n", cli->out);
		}
}

/* Whether the command is the first of those that share its first word. */
static bool
completion_begins(size_t i)
{
	const char *space = strchr(cli_commands[i].name, ' ');
	size_t len = space != NULL ? (size_t)(space - cli_commands[i].name) + 1 : 0;

	return len > 0 &&
	    (i == 0 || strncmp(cli_commands[i - 1].name, cli_commands[i].name, len) != 0);
}

int
cmd_help(struct cli *cli)
{
	struct cli asked = { .out = cli->out, .err = cli->err };
	char *words[5] = { (char *)"drover", NULL };
	bool help = false;
	int status;

	if (cli->args_len == 0) {
		cli->command = NULL;
		cli_help(cli);
		return CLI_OK;
	}
	for (int i = 0; i < cli->args_len; i++)
		words[1 + i] = cli->args[i];
	words[1 + cli->args_len] = (char *)"--help";
	status = cli_parse(&asked, 2 + cli->args_len, words, &help);
	if (status == CLI_OK)
		cli_help(&asked);
	free(asked.args);
	return status;
}

/* warnings is NULL where the configuration is only shown. */
static struct config *
local_load_config(struct cli *cli, struct buf *warnings)
{
	struct error err = { 0 };
	struct config *config = warnings != NULL ?
	    config_load(cli->value[OPT_CONFIG], warnings, &err) :
	    config_look(cli->value[OPT_CONFIG], &err);

	if (config == NULL)
		cli_fail(cli, &err);
	return config;
}

/*
 * Prints the first words of all commands, or the second words of those that
 * share their first word with first.
 */
static void
completion_words(struct cli *cli, const char *first)
{
	const char *last = "";

	for (size_t i = 0; i < cli_commands_len; i++) {
		const char *name = cli_commands[i].name;
		size_t len = strcspn(name, " ");

		if (first == NULL && strncmp(last, name, len) == 0 && strcspn(last, " ") == len)
			continue;
		if (first != NULL &&
		    (strncmp(first, name, len) != 0 || name[len] != ' ' || first[len] != ' '))
			continue;
		fprintf(cli->out, "%s%.*s", *last != '\0' ? " " : "",
		    first == NULL ? (int)len : (int)strlen(name + len + 1),
		    first == NULL ? name : name + len + 1);
		last = name;
	}
}
