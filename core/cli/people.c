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
	return cli_show(cli, status, answer, print_refusals);
}

static void
print_refusals(struct cli *cli, const cJSON *answer)
{
	static const struct rows_column columns[] = {
		{ { "WHEN", false, false }, "at", rows_when },
		{ { "SOURCE", false, true }, "source", rows_text },
		{ { "AUTHOR", false, false }, "author", rows_text },
		{ { "WHY", false, true }, "why", rows_text },
		{ { "KEY", false, true }, "key", rows_text },
		{ { "TITLE", false, true }, "title", rows_text },
		{ .key = NULL },
	};

	rows_print(cli, columns, json_get(answer, "refusals"), "nobody was refused");
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
	return cli_show(cli, status, answer, print_subjects);
}

static void
print_subjects(struct cli *cli, const cJSON *answer)
{
	static const struct rows_column columns[] = {
		{ { "PLUGIN", false, false }, "plugin", rows_text },
		{ { "SUBJECT", false, true }, "subject", rows_text },
		{ { "ENTRIES", true, false }, "entries", rows_number },
		{ { "BYTES", true, false }, "bytes", rows_number },
		{ { "SINCE", false, false }, "first_at", rows_when },
		{ { "LAST", false, false }, "last_at", rows_when },
		{ .key = NULL },
	};

	rows_print(cli, columns, json_get(answer, "subjects"), "nothing is remembered");
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

static void
print_memory(struct cli *cli, const cJSON *answer)
{
	const cJSON *one;
	char text[64];

	if (json_int(answer, "dropped", 0) > 0)
		fprintf(cli->out, "%lld earlier entries were dropped\n",
		    (long long)json_int(answer, "dropped", 0));
	cJSON_ArrayForEach(one, json_get(answer, "entries")) {
		fprintf(cli->out, "%s, ", cli_when(json_int(one, "at", 0), text, sizeof text));
		cli_print(cli, json_str(one, "role", ""));
		print_text(cli, json_str(one, "text", ""));
	}
}

int
cmd_memory_show(struct cli *cli)
{
	char *plugin = cli_encode(cli->args[0]), *subject = cli_encode(cli->args[1]);
	cJSON *answer = NULL;
	int status = cli_get(cli, &answer, "/api/v1/memory?plugin=%s&subject=%s", plugin, subject);

	free(plugin);
	free(subject);
	return cli_show(cli, status, answer, print_memory);
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
