/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on what came from people: who was refused, and what plugins remember
 * of what was said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"

static void print_refusals(struct cli *, const cJSON *answer);
static void print_subjects(struct cli *, const cJSON *answer);
static void print_text(struct cli *, const char *text);

int
cmd_source_refused(struct cli *cli)
{
	char *source = cli_encode(cli->args_len > 0 ? cli->args[0] : "");
	int64_t limit, before;
	cJSON *answer = NULL;
	int status;

	if ((status = cli_number(cli, OPT_LIMIT, 1, 1000, 50, &limit)) == CLI_OK &&
	    (status = cli_number(cli, OPT_BEFORE, 1, INT64_MAX, 0, &before)) == CLI_OK)
		status = cli_get(cli, &answer, "/api/v1/refusals?source=%s&limit=%lld&before=%lld",
		    source, (long long)limit, (long long)before);
	free(source);
	if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
		cli_json(cli, answer);
	else if (status == CLI_OK)
		print_refusals(cli, answer);
	cJSON_Delete(answer);
	return status;
}

static void
print_refusals(struct cli *cli, const cJSON *answer)
{
	static const struct table_column columns[] = { { "WHEN", false, false },
		{ "SOURCE", false, true }, { "AUTHOR", false, false }, { "WHY", false, true },
		{ "KEY", false, true }, { "TITLE", false, true } };
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	const cJSON *one;
	char text[64];

	cJSON_ArrayForEach(one, json_get(answer, "refusals")) {
		table_add(t, cli_when(json_int(one, "at", 0), text, sizeof text));
		table_add(t, json_str(one, "source", ""));
		table_add(t, json_str(one, "author", ""));
		table_add(t, json_str(one, "why", ""));
		table_add(t, json_str(one, "key", ""));
		table_add(t, json_str(one, "title", ""));
	}
	if (table_rows(t) > 0)
		table_print(t, cli->out, cli->width, cli->colour, true);
	else
		cli_say(cli, "nobody was refused");
	table_free(t);
	if (json_int(answer, "before", 0) > 0)
		cli_say(cli, "there may be more: add --before %lld",
		    (long long)json_int(answer, "before", 0));
}

int
cmd_memory_list(struct cli *cli)
{
	char *plugin = cli_encode(cli->args_len > 0 ? cli->args[0] : "");
	cJSON *answer = NULL;
	int64_t limit;
	int status;

	if ((status = cli_number(cli, OPT_LIMIT, 1, 1000, 1000, &limit)) == CLI_OK)
		status = cli_get(cli, &answer, "/api/v1/memory?plugin=%s&limit=%lld", plugin,
		    (long long)limit);
	free(plugin);
	if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
		cli_json(cli, answer);
	else if (status == CLI_OK)
		print_subjects(cli, answer);
	cJSON_Delete(answer);
	return status;
}

static void
print_subjects(struct cli *cli, const cJSON *answer)
{
	static const struct table_column columns[] = { { "PLUGIN", false, false },
		{ "SUBJECT", false, true }, { "ENTRIES", true, false }, { "BYTES", true, false },
		{ "SINCE", false, false }, { "LAST", false, false } };
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	const cJSON *one;
	char text[64];

	cJSON_ArrayForEach(one, json_get(answer, "subjects")) {
		table_add(t, json_str(one, "plugin", ""));
		table_add(t, json_str(one, "subject", ""));
		table_add_int(t, json_int(one, "entries", 0));
		table_add_int(t, json_int(one, "bytes", 0));
		table_add(t, cli_when(json_int(one, "first_at", 0), text, sizeof text));
		table_add(t, cli_when(json_int(one, "last_at", 0), text, sizeof text));
	}
	if (table_rows(t) > 0)
		table_print(t, cli->out, cli->width, cli->colour, true);
	else
		cli_say(cli, "nothing is remembered");
	table_free(t);
}

/* Prints text line by line, each made safe. */
static void
print_text(struct cli *cli, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		fputs("    ", cli->out);
		cli_print(cli, line);
	}
	free(copy);
}

int
cmd_memory_show(struct cli *cli)
{
	char *plugin = cli_encode(cli->args[0]), *subject = cli_encode(cli->args[1]), text[64];
	cJSON *answer = NULL;
	const cJSON *one;
	int status = cli_get(cli, &answer, "/api/v1/memory?plugin=%s&subject=%s", plugin, subject);

	free(plugin);
	free(subject);
	if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
		cli_json(cli, answer);
	else if (status == CLI_OK) {
		if (json_int(answer, "dropped", 0) > 0)
			fprintf(cli->out, "%lld earlier entries were dropped\n",
			    (long long)json_int(answer, "dropped", 0));
		cJSON_ArrayForEach(one, json_get(answer, "entries")) {
			fprintf(cli->out, "%s, ",
			    cli_when(json_int(one, "at", 0), text, sizeof text));
			cli_print(cli, json_str(one, "role", ""));
			print_text(cli, json_str(one, "text", ""));
		}
	}
	cJSON_Delete(answer);
	return status;
}

int
cmd_memory_forget(struct cli *cli)
{
	cJSON *body = cJSON_CreateObject();

	json_add_str(body, "plugin", cli->args[0]);
	json_add_str(body, "subject", cli->args[1]);
	return cli_done(cli, cli_post(cli, body, NULL, "/api/v1/memory/forget"),
	    "plugin %s remembers nothing about %s now", cli->args[0], cli->args[1]);
}
