/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of what the daemon consists of: leases, sources, plugins, repos,
 * agents, workers. A table for each says what it shows.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"

#define COLUMNS_MAX 8

/* How a cell is written; SOME is a number that is left out when it is 0. */
enum form { TEXT, NUMBER, SOME, WHEN, SPAN, OWNER, LISTENER, PROBE };

struct list_view {
	const char *path, *member;
	struct {
		struct table_column column;
		const char *key;
		enum form form;
	} columns[COLUMNS_MAX];
};

static int list_print(struct cli *, const struct list_view *);
static void list_add_cell(struct table *, const cJSON *row, const char *key, enum form);
static void print_lease(struct cli *, const cJSON *lease);
static void print_words(struct cli *, const char *name, const cJSON *words);
static void print_exports(struct cli *, const cJSON *plugin, const char *member);
static void print_options(struct cli *, const cJSON *options);
static void print_checks(struct cli *, const cJSON *checks);

int
cmd_lease_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/leases", "leases",
		{ { { "LEASE", true, false }, "id", TEXT },
		    { { "REPO", false, true }, "repo", TEXT },
		    { { "STATE", false, false }, "state", TEXT },
		    { { "JOB", true, false }, "job", TEXT },
		    { { "OWNER", false, false }, "alive", OWNER },
		    { { "LAST BEAT", false, false }, "beat_at", WHEN },
		    { { "PATH", false, true }, "path", TEXT } } };

	return list_print(cli, &listing);
}

int
cmd_source_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/sources", "sources",
		{ { { "SOURCE", false, true }, "name", TEXT },
		    { { "STATE", false, false }, "state", TEXT },
		    { { "EVERY", true, false }, "interval_ms", SPAN },
		    { { "LAST", false, false }, "last_poll", WHEN },
		    { { "NEXT", false, false }, "next_poll", WHEN },
		    { { "ITEMS", true, false }, "items", NUMBER },
		    { { "LISTEN", false, true }, "listen", LISTENER },
		    { { "ERROR", false, true }, "error", TEXT } } };

	return list_print(cli, &listing);
}

int
cmd_plugin_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/plugins", "plugins",
		{ { { "PLUGIN", false, true }, "name", TEXT },
		    { { "VERSION", false, false }, "version", TEXT },
		    { { "STATE", false, false }, "state", TEXT },
		    { { "PID", true, false }, "pid", SOME },
		    { { "STARTS", true, false }, "starts", NUMBER },
		    { { "SINCE", false, false }, "since", WHEN },
		    { { "PROBE", false, false }, "probe", PROBE },
		    { { "WHY", false, true }, "why", TEXT } } };

	return list_print(cli, &listing);
}

int
cmd_repo_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/repos", "repos",
		{ { { "REPO", false, true }, "name", TEXT },
		    { { "BASE", false, true }, "base", TEXT },
		    { { "FORGE", false, false }, "forge", TEXT },
		    { { "LEASE", false, false }, "lease", TEXT },
		    { { "URL", false, true }, "url", TEXT } } };

	return list_print(cli, &listing);
}

int
cmd_agent_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/agents", "agents",
		{ { { "AGENT", false, true }, "name", TEXT },
		    { { "PROMPT", false, false }, "prompt", TEXT },
		    { { "OUTPUT", false, false }, "output", TEXT },
		    { { "COMMAND", false, true }, "command", TEXT } } };

	return list_print(cli, &listing);
}

int
cmd_worker_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/workers", "workers",
		{ { { "WORKER", false, false }, "name", TEXT },
		    { { "STATE", false, false }, "state", TEXT },
		    { { "PLUGIN", false, true }, "plugin", TEXT },
		    { { "PID", true, false }, "pid", SOME },
		    { { "JOB", true, false }, "job", SOME },
		    { { "SINCE", false, false }, "since", WHEN } } };

	return list_print(cli, &listing);
}

int
cmd_lease_show(struct cli *cli)
{
	char *which = cli_encode(cli->args[0]);
	cJSON *lease = NULL;
	int status = cli_get(cli, &lease, "/api/v1/leases/%s", which);

	free(which);
	if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
		cli_json(cli, lease);
	else if (status == CLI_OK)
		print_lease(cli, lease);
	cJSON_Delete(lease);
	return status;
}

int
cmd_lease_act(struct cli *cli)
{
	char *which = cli_encode(cli->args[0]);
	cJSON *body = cJSON_CreateObject();
	int status;

	if (cli->value[OPT_FORCE] != NULL)
		json_add_bool(body, "force", true);
	status = cli_post(cli, body, NULL, "/api/v1/leases/%s/%s", which,
	    strchr(cli->command->name, ' ') + 1);
	free(which);
	return cli_done(cli, status,
	    strcmp(cli->command->name, "lease break") == 0 ? "lease %s is broken" :
							     "lease %s is given back",
	    cli->args[0]);
}

int
cmd_lease_gc(struct cli *cli)
{
	return cli_done(cli, cli_post(cli, NULL, NULL, "/api/v1/leases/gc"),
	    "worktrees are being tidied: see drover lease list");
}

int
cmd_source_poll(struct cli *cli)
{
	int status = CLI_OK;

	if (cli->args_len == 0)
		return cli_done(cli, cli_post(cli, NULL, NULL, "/api/v1/refresh"),
		    "all sources are being polled: see drover source list");
	for (int i = 0; i < cli->args_len && status == CLI_OK; i++) {
		char *which = cli_encode(cli->args[i]);

		status = cli_post(cli, NULL, NULL, "/api/v1/sources/%s/poll", which);
		free(which);
		cli_done(cli, status, "%s is being polled: see drover source list", cli->args[i]);
	}
	return status;
}

int
cmd_plugin_info(struct cli *cli)
{
	static const char *const exports[] = { "sources", "pipelines", "operations" };
	static const char *const fields[] = { "name", "version", "summary", "abi", "path", "state",
		"why" };
	char *which = cli_encode(cli->args[0]);
	cJSON *plugin = NULL;
	int status = cli_get(cli, &plugin, "/api/v1/plugins/%s", which);

	free(which);
	if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
		cli_json(cli, plugin);
	else if (status == CLI_OK) {
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			cli_field(cli, fields[i], json_str(plugin, fields[i], NULL));
		if (json_bool(plugin, "hook", false))
			cli_field(cli, "hook", "takes webhooks");
		if (json_get(plugin, "probe") != NULL) {
			fputc('\n', cli->out);
			print_checks(cli, json_path(plugin, "probe.checks"));
		}
		if (cJSON_GetArraySize(json_get(plugin, "options")) > 0)
			fputc('\n', cli->out);
		print_options(cli, json_get(plugin, "options"));
		for (size_t i = 0; i < ARRAY_LEN(exports); i++)
			print_exports(cli, plugin, exports[i]);
	}
	cJSON_Delete(plugin);
	return status;
}

int
cmd_secret_check(struct cli *cli)
{
	cJSON *body = cJSON_CreateObject(), *plugins, *answer = NULL;
	int status;

	plugins = cJSON_AddArrayToObject(body, "plugins");
	for (int i = 0; i < cli->args_len; i++)
		cJSON_AddItemToArray(plugins, cJSON_CreateString(cli->args[i]));
	if ((status = cli_post(cli, body, &answer, "/api/v1/secrets/check")) == CLI_OK) {
		if (cli->value[OPT_JSON] != NULL)
			cli_json(cli, answer);
		else
			print_checks(cli, json_get(answer, "checks"));
		status = json_bool(answer, "ok", false) ? CLI_OK : CLI_FAILED;
	}
	cJSON_Delete(answer);
	return status;
}

static void
print_checks(struct cli *cli, const cJSON *checks)
{
	static const struct table_column columns[] = {
		{ "WHOSE", false, true },
		{ "WHAT", false, true },
		{ "IS", false, false },
		{ "WHY", false, true },
	};
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	struct buf whose = BUF_INIT;
	const cJSON *check;

	cJSON_ArrayForEach(check, checks) {
		buf_clear(&whose);
		if (json_get(check, "repo") != NULL)
			buf_addf(&whose, "repo %s", json_str(check, "repo", ""));
		else
			buf_adds(&whose, json_str(check, "plugin", "probe"));
		table_add(t, buf_str(&whose));
		table_add(t, json_str(check, "what", ""));
		table_add(t, json_bool(check, "ok", false) ? "ok" : "failed");
		table_add(t, json_str(check, "text", ""));
	}
	if (table_rows(t) > 0)
		table_print(t, cli->out, cli->width, cli->colour, true);
	else
		cli_say(cli, "nothing to check");
	table_free(t);
	buf_free(&whose);
}

static int
list_print(struct cli *cli, const struct list_view *listing)
{
	struct table_column columns[COLUMNS_MAX];
	struct table *t;
	cJSON *answer = NULL;
	const cJSON *row;
	int n = 0, status = cli_get(cli, &answer, "%s", listing->path);

	if (status != CLI_OK || cli->value[OPT_JSON] != NULL) {
		if (status == CLI_OK)
			cli_json(cli, answer);
		cJSON_Delete(answer);
		return status;
	}
	for (; n < COLUMNS_MAX && listing->columns[n].key != NULL; n++)
		columns[n] = listing->columns[n].column;
	t = table_new(columns, n);
	cJSON_ArrayForEach(row, json_get(answer, listing->member))
		for (int c = 0; c < n; c++)
			list_add_cell(t, row, listing->columns[c].key, listing->columns[c].form);
	if (table_rows(t) > 0)
		table_print(t, cli->out, cli->width, cli->colour, true);
	else
		cli_say(cli, "no %s", listing->member);
	table_free(t);
	cJSON_Delete(answer);
	return CLI_OK;
}

static void
list_add_cell(struct table *t, const cJSON *row, const char *key, enum form form)
{
	const cJSON *value = json_get(row, key), *word;
	struct buf words = BUF_INIT;
	char text[64];

	switch (form) {
	case TEXT:
		if (cJSON_IsNumber(value)) {
			table_add_int(t, json_int(row, key, 0));
			return;
		}
		cJSON_ArrayForEach(word, value)
			if (cJSON_IsString(word))
				buf_addf(&words, "%s%s", words.len > 0 ? " " : "",
				    word->valuestring);
		table_add(t, cJSON_IsArray(value) ? buf_str(&words) : json_str(row, key, ""));
		buf_free(&words);
		break;
	case NUMBER:
		table_add_int(t, json_int(row, key, 0));
		break;
	case SOME:
		if (json_int(row, key, 0) > 0)
			table_add_int(t, json_int(row, key, 0));
		else
			table_add(t, NULL);
		break;
	case WHEN:
		table_add(t, cli_when(json_int(row, key, 0), text, sizeof text));
		break;
	case SPAN:
		table_add(t, units_format_duration(json_int(row, key, 0), text, sizeof text));
		break;
	case LISTENER:
		if (cJSON_IsObject(value)) {
			const char *why = json_str(value, "why", "");

			buf_addf(&words, "%s since %s%s%s", json_str(value, "state", ""),
			    cli_when(json_int(value, "since", 0), text, sizeof text),
			    *why != '\0' ? ": " : "", why);
		}
		table_add(t, buf_str(&words));
		buf_free(&words);
		break;
	case PROBE:
		table_add(t,
		    cJSON_IsObject(value) ? (json_bool(value, "ok", false) ? "ok" : "failed") : "");
		break;
	case OWNER:
		/* A warm worktree has no owner. */
		if (cJSON_IsBool(value) && json_int(row, "pid", 1) != 0)
			buf_adds(&words, cJSON_IsTrue(value) ? "alive" : "gone");
		table_add(t, buf_str(&words));
		buf_free(&words);
		break;
	}
}

/*
 * For people: times relative to now, sizes in units, and unknown values left
 * out.
 */
static void
print_lease(struct cli *cli, const cJSON *lease)
{
	static const char *const texts[][2] = {
		{ "lease", "id" },
		{ "repo", "repo" },
		{ "state", "state" },
		{ "job", "job" },
		{ "path", "path" },
		{ "mirror", "mirror" },
		{ "wip", "wip" },
	};
	static const char *const times[][2] = {
		{ "made", "created_at" },
		{ "used", "used_at" },
		{ "last beat", "beat_at" },
		{ "expires", "expires_at" },
	};
	int64_t pid = json_int(lease, "pid", 0), bytes = json_int(lease, "bytes", -1),
		failures = json_int(lease, "failures", 0);
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		cli_field(cli, texts[i][0], json_str(lease, texts[i][1], NULL));
	if (pid > 0)
		fprintf(cli->out, "%-13s %lld, %s\n", "owner", (long long)pid,
		    json_bool(lease, "alive", false) ? "alive" : "gone");
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (json_int(lease, times[i][1], 0) > 0)
			cli_field(cli, times[i][0],
			    cli_when(json_int(lease, times[i][1], 0), text, sizeof text));
	if (bytes >= 0)
		cli_field(cli, "size", units_format_size(bytes, text, sizeof text));
	if (failures > 0)
		fprintf(cli->out, "%-13s %lld\n", "failures", (long long)failures);
}

static void
print_words(struct cli *cli, const char *name, const cJSON *words)
{
	struct buf text = BUF_INIT;
	const cJSON *one;

	cJSON_ArrayForEach(one, words)
		buf_addf(&text, "%s%s", text.len > 0 ? " " : "",
		    cJSON_IsString(one) ? one->valuestring : "");
	cli_field(cli, name, buf_str(&text));
	buf_free(&text);
}

static void
print_exports(struct cli *cli, const cJSON *plugin, const char *member)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, json_get(plugin, member)) {
		fprintf(cli->out, "\n%.*s %s.%s\n", (int)strlen(member) - 1, member,
		    json_str(plugin, "name", ""), json_str(one, "name", ""));
		if (*json_str(one, "summary", "") != '\0')
			cli_print(cli, json_str(one, "summary", ""));
		print_words(cli, "authors", json_get(one, "authors"));
		print_options(cli, json_get(one, "options"));
	}
}

static void
print_options(struct cli *cli, const cJSON *options)
{
	static const struct table_column columns[] = {
		{ "OPTION", false, false },
		{ "TYPE", false, false },
		{ "DEFAULT", false, false },
		{ "MEANING", false, true },
	};
	struct table *t;
	const cJSON *one;

	if (cJSON_GetArraySize(options) == 0)
		return;
	t = table_new(columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(one, options) {
		table_add(t, json_str(one, "key", ""));
		table_add(t, json_str(one, "type", ""));
		table_add(t,
		    json_bool(one, "required", false) ? "required" : json_str(one, "default", ""));
		table_add(t, json_str(one, "help", ""));
	}
	table_print(t, cli->out, cli->width, cli->colour, true);
	table_free(t);
}
