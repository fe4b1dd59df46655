/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts, without the daemon: which file each comes from, and whether it uses
 * only variables that exist. The checks of `drover config check` that need the
 * descriptions of plugins are here, too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "config/prompts.h"

static cJSON *prompts_describe_plugin(const struct config *, const char *plugin);
static cJSON *prompts_declared(const cJSON *exports);
static void prompts_list_plugin(const struct config *, const struct prompt_for *,
    const cJSON *exports, cJSON *out);
static int prompts_fill_for(struct cli *, const struct config *, struct prompt_for *);
static int prompts_check_tokens(struct cli *, const struct config *, const cJSON *all);
static int prompts_show_one(struct cli *, const struct config *, const struct prompt_for *,
    const char *name);

static cJSON *
prompts_describe_plugin(const struct config *config, const char *plugin)
{
	char *program = cli_droverd();
	cJSON *json = config_describe(config, program, plugin);

	free(program);
	return json;
}

/*
 * Says which plugins of a token_from do not offer the operation, if they can be
 * loaded. Returns their number.
 */
static int
prompts_check_tokens(struct cli *cli, const struct config *config, const cJSON *all)
{
	const cJSON *exports, *operation;
	int n = 0;

	for (int i = 0; i < config->repos_len; i++) {
		const struct config_repo *repo = &config->repos[i];

		cJSON_ArrayForEach(exports, all) {
			if (repo->token_from == NULL ||
			    strcmp(json_str(exports, "name", ""), repo->token_from) != 0)
				continue;
			cJSON_ArrayForEach(operation, json_get(exports, "operations"))
				if (strcmp(json_str(operation, "name", ""), "git-token") == 0 &&
				    json_bool(operation, "credential", false))
					break;
			if (operation != NULL)
				continue;
			cli_say(cli,
			    "repos.%s: token_from: plugin %s has no operation git-token: take one "
			    "that has, or give the repo a token of its own",
			    repo->name, repo->token_from);
			n++;
		}
	}
	return n;
}

int
prompts_check_plugins(struct cli *cli, const struct config *config)
{
	cJSON *all = cJSON_CreateArray(), *one;
	struct buf faults = BUF_INIT;
	char *text, *line;
	int n;

	for (int i = 0; i < config->plugins_len; i++) {
		if ((one = prompts_describe_plugin(config, config->plugins[i].name)) != NULL)
			cJSON_AddItemToArray(all, one);
	}
	n = prompts_check(config, all, &faults);
	text = buf_take(&faults);
	for (char *s = text; (line = strsep(&s, "\n")) != NULL;)
		if (*line != '\0')
			cli_say(cli, "%s", line);
	free(text);
	n += prompts_check_tokens(cli, config, all);
	cJSON_Delete(all);
	return n;
}

/* Returns {"NAME": ["variable", ...]} of all prompts of the pipelines. */
static cJSON *
prompts_declared(const cJSON *exports)
{
	cJSON *names = cJSON_CreateObject();
	const cJSON *pipeline, *prompt;

	cJSON_ArrayForEach(pipeline, json_get(exports, "pipelines"))
		cJSON_ArrayForEach(prompt, json_get(pipeline, "prompts"))
			if (json_get(names, json_str(prompt, "name", "")) == NULL)
				cJSON_AddItemToObject(names, json_str(prompt, "name", ""),
				    cJSON_Duplicate(json_get(prompt, "variables"), true));
	return names;
}

static void
prompts_list_plugin(const struct config *config, const struct prompt_for *who, const cJSON *exports,
    cJSON *out)
{
	char **files = prompts_names(config, who);
	cJSON *known = prompts_declared(exports), *row;
	const cJSON *variables;
	struct prompt_text found;
	struct error err;

	/* A declared prompt without a file is listed, too, with its error. */
	for (size_t i = 0; files[i] != NULL; i++)
		if (json_get(known, files[i]) == NULL)
			cJSON_AddNullToObject(known, files[i]);
	cJSON_ArrayForEach(variables, known) {
		cJSON_AddItemToArray(out, row = cJSON_CreateObject());
		json_add_str(row, "plugin", who->plugin);
		json_add_str(row, "name", variables->string);
		json_add_bool(row, "declared", cJSON_IsArray(variables));
		if (prompts_find(config, who, variables->string, &found, &err) == 0) {
			json_add_str(row, "place", prompts_place_name(found.place));
			json_add_str(row, "path", found.path);
			prompts_free(&found);
		} else
			json_add_str(row, "error", err.text);
		cJSON_AddItemToObject(row, "variables",
		    cJSON_IsArray(variables) ? cJSON_Duplicate(variables, true) :
					       cJSON_CreateArray());
	}
	cJSON_Delete(known);
	free_strings(files);
}

/* Puts --repo and --source, which must be configured, into who. */
static int
prompts_fill_for(struct cli *cli, const struct config *config, struct prompt_for *who)
{
	who->repo = cli->value[OPT_REPO];
	who->source = cli->value[OPT_SOURCE];
	if (who->repo != NULL && config_repo(config, who->repo) == NULL)
		return cli_usage(cli, "there is no repo `%s` in the configuration", who->repo);
	if (who->source != NULL && config_source(config, who->source) == NULL)
		return cli_usage(cli,
		    "there is no source `%s` in the configuration: write it like github.pr-comment",
		    who->source);
	return CLI_OK;
}

static void
prompt_add_path(struct table *t, const cJSON *row, const char *key)
{
	table_add(t, json_str(row, key, json_str(row, "error", "")));
}

static void
print_prompts(struct cli *cli, const cJSON *answer)
{
	static const struct rows_column columns[] = {
		{ { .title = "PLUGIN" }, "plugin", rows_text },
		{ { .title = "PROMPT" }, "name", rows_text },
		{ { .title = "OF" }, "place", rows_text },
		{ { .title = "FILE", .gives = true }, "path", prompt_add_path },
		{ .key = NULL },
	};

	rows_print(cli, columns, json_get(answer, "prompts"), "no prompts");
}

int
cmd_prompt_list(struct cli *cli)
{
	struct error err = { 0 };
	struct config *config = config_look(cli->value[OPT_CONFIG], &err);
	struct prompt_for who = { .plugin = NULL };
	cJSON *rows, *exports, *answer;
	int status;

	if (config == NULL)
		return cli_fail(cli, &err);
	if ((status = prompts_fill_for(cli, config, &who)) != CLI_OK) {
		config_free(config);
		return status;
	}
	answer = cJSON_CreateObject();
	rows = cJSON_AddArrayToObject(answer, "prompts");
	for (int i = 0; i < config->plugins_len; i++) {
		who.plugin = config->plugins[i].name;
		exports = prompts_describe_plugin(config, who.plugin);
		prompts_list_plugin(config, &who, exports, rows);
		cJSON_Delete(exports);
	}
	config_free(config);
	return cli_show(cli, CLI_OK, answer, print_prompts);
}

static int
prompts_show_one(struct cli *cli, const struct config *config, const struct prompt_for *who,
    const char *name)
{
	struct prompt_text found;
	struct error err = { 0 };
	cJSON *json;

	if (prompts_find(config, who, name, &found, &err) != 0) {
		cli_fail(cli, &err);
		return err.code == DROVER_PERMANENT ? CLI_NOT_FOUND : CLI_FAILED;
	}
	if (cli->value[OPT_JSON] != NULL) {
		json = cJSON_CreateObject();
		json_add_str(json, "plugin", who->plugin);
		json_add_str(json, "name", name);
		json_add_str(json, "place", prompts_place_name(found.place));
		json_add_str(json, "path", found.path);
		json_add_str(json, "text", buf_str(&found.text));
		cli_json(cli, json);
		cJSON_Delete(json);
	} else {
		cli_say(cli, "%s (%s)", found.path, prompts_place_name(found.place));
		fputs(buf_str(&found.text), cli->out);
	}
	prompts_free(&found);
	return CLI_OK;
}

/* Shows PLUGIN/NAME, or NAME alone if only one plugin has it. */
int
cmd_prompt_show(struct cli *cli)
{
	struct error err = { 0 };
	struct config *config = config_look(cli->value[OPT_CONFIG], &err);
	struct prompt_for who = { .plugin = NULL };
	const char *asked = cli->args[0], *slash = strchr(asked, '/'),
		   *name = slash != NULL ? slash + 1 : asked;
	char *plugin = slash != NULL ? xstrndup(asked, (size_t)(slash - asked)) : NULL;
	struct prompt_text found;
	int status, hits = 0;

	if (config == NULL) {
		free(plugin);
		return cli_fail(cli, &err);
	}
	if ((status = prompts_fill_for(cli, config, &who)) != CLI_OK)
		goto out;
	if (plugin == NULL && who.source != NULL)
		plugin = xstrndup(who.source, strcspn(who.source, "."));
	for (int i = 0; plugin == NULL && i < config->plugins_len; i++) {
		struct prompt_for one = { .plugin = config->plugins[i].name,
			.source = who.source,
			.repo = who.repo };

		/*
		 * A file that exists but cannot be used is a hit, too: its
		 * error is shown.
		 */
		if (prompts_find(config, &one, name, &found, &err) == 0)
			prompts_free(&found);
		else if (err.code == DROVER_PERMANENT)
			continue;
		who.plugin = one.plugin;
		hits++;
	}
	if (plugin != NULL)
		who.plugin = plugin;
	if (hits > 1)
		status = cli_usage(cli, "several plugins have a prompt `%s`: write PLUGIN/%s", name,
		    name);
	else if (who.plugin == NULL) {
		cli_say(cli, "no such prompt %s: see drover prompt list", name);
		status = CLI_NOT_FOUND;
	} else
		status = prompts_show_one(cli, config, &who, name);
out:
	config_free(config);
	free(plugin);
	return status;
}
