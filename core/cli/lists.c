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

struct list_view {
	const char *path, *member;
	struct rows_column columns[ROWS_COLUMNS_MAX + 1];
};

static int list_print(struct cli *, const struct list_view *);
static void list_add_owner(struct table *, const cJSON *row, const char *key);
static void list_add_listener(struct table *, const cJSON *row, const char *key);
static void list_add_probe(struct table *, const cJSON *row, const char *key);
static void list_add_checked(struct table *, const cJSON *row, const char *key);
static void list_add_default(struct table *, const cJSON *row, const char *key);
static void print_lease(struct cli *, const cJSON *lease);
static void print_words(struct cli *, const char *name, const cJSON *words);
static void print_exports(struct cli *, const cJSON *plugin, const char *member);
static void print_options(struct cli *, const cJSON *options);
static void print_checks(struct cli *, const cJSON *checked);

int
cmd_lease_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/leases", "leases",
		{ { { "LEASE", true, false }, "id", rows_text },
		    { { "REPO", false, true }, "repo", rows_text },
		    { { "STATE", false, false }, "state", rows_text },
		    { { "JOB", true, false }, "job", rows_text },
		    { { "OWNER", false, false }, "alive", list_add_owner },
		    { { "LAST BEAT", false, false }, "beat_at", rows_when },
		    { { "PATH", false, true }, "path", rows_text } } };

	return list_print(cli, &listing);
}

int
cmd_source_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/sources", "sources",
		{ { { "SOURCE", false, true }, "name", rows_text },
		    { { "STATE", false, false }, "state", rows_text },
		    { { "EVERY", true, false }, "interval_ms", rows_span },
		    { { "LAST", false, false }, "last_poll", rows_when },
		    { { "NEXT", false, false }, "next_poll", rows_when },
		    { { "ITEMS", true, false }, "items", rows_number },
		    { { "LISTEN", false, true }, "listen", list_add_listener },
		    { { "ERROR", false, true }, "error", rows_text } } };

	return list_print(cli, &listing);
}

int
cmd_plugin_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/plugins", "plugins",
		{ { { "PLUGIN", false, true }, "name", rows_text },
		    { { "VERSION", false, false }, "version", rows_text },
		    { { "STATE", false, false }, "state", rows_text },
		    { { "PID", true, false }, "pid", rows_some },
		    { { "STARTS", true, false }, "starts", rows_number },
		    { { "SINCE", false, false }, "since", rows_when },
		    { { "PROBE", false, false }, "probe", list_add_probe },
		    { { "WHY", false, true }, "why", rows_text } } };

	return list_print(cli, &listing);
}

int
cmd_repo_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/repos", "repos",
		{ { { "REPO", false, true }, "name", rows_text },
		    { { "BASE", false, true }, "base", rows_text },
		    { { "FORGE", false, false }, "forge", rows_text },
		    { { "LEASE", false, false }, "lease", rows_text },
		    { { "URL", false, true }, "url", rows_text } } };

	return list_print(cli, &listing);
}

int
cmd_agent_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/agents", "agents",
		{ { { "AGENT", false, true }, "name", rows_text },
		    { { "PROMPT", false, false }, "prompt", rows_text },
		    { { "OUTPUT", false, false }, "output", rows_text },
		    { { "COMMAND", false, true }, "command", rows_text } } };

	return list_print(cli, &listing);
}

int
cmd_worker_list(struct cli *cli)
{
	static const struct list_view listing = { "/api/v1/workers", "workers",
		{ { { "WORKER", false, false }, "name", rows_text },
		    { { "STATE", false, false }, "state", rows_text },
		    { { "PLUGIN", false, true }, "plugin", rows_text },
		    { { "PID", true, false }, "pid", rows_some },
		    { { "JOB", true, false }, "job", rows_some },
		    { { "SINCE", false, false }, "since", rows_when } } };

	return list_print(cli, &listing);
}

int
cmd_lease_show(struct cli *cli)
{
	char *which = cli_encode(cli->args[0]);
	cJSON *lease = NULL;
	int status = cli_get(cli, &lease, "/api/v1/leases/%s", which);

	free(which);
	return cli_show(cli, status, lease, print_lease);
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

static void
print_plugin(struct cli *cli, const cJSON *plugin)
{
	static const char *const exports[] = { "sources", "pipelines", "operations" };
	static const char *const fields[] = { "name", "version", "summary", "abi", "path", "state",
		"why" };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		cli_field(cli, fields[i], json_str(plugin, fields[i], NULL));
	if (json_bool(plugin, "hook", false))
		cli_field(cli, "hook", "takes webhooks");
	if (json_get(plugin, "probe") != NULL) {
		fputc('\n', cli->out);
		print_checks(cli, json_path(plugin, "probe"));
	}
	if (cJSON_GetArraySize(json_get(plugin, "options")) > 0)
		fputc('\n', cli->out);
	print_options(cli, json_get(plugin, "options"));
	for (size_t i = 0; i < ARRAY_LEN(exports); i++)
		print_exports(cli, plugin, exports[i]);
}

int
cmd_plugin_info(struct cli *cli)
{
	char *which = cli_encode(cli->args[0]);
	cJSON *plugin = NULL;
	int status = cli_get(cli, &plugin, "/api/v1/plugins/%s", which);

	free(which);
	return cli_show(cli, status, plugin, print_plugin);
}

int
cmd_secret_check(struct cli *cli)
{
	cJSON *body = cJSON_CreateObject(), *plugins, *answer = NULL;
	int status;
	bool ok;

	plugins = cJSON_AddArrayToObject(body, "plugins");
	for (int i = 0; i < cli->args_len; i++)
		cJSON_AddItemToArray(plugins, cJSON_CreateString(cli->args[i]));
	status = cli_post(cli, body, &answer, "/api/v1/secrets/check");
	ok = json_bool(answer, "ok", false);
	status = cli_show(cli, status, answer, print_checks);
	return status == CLI_OK && !ok ? CLI_FAILED : status;
}

static void
print_checks(struct cli *cli, const cJSON *checked)
{
	static const struct rows_column columns[] = {
		{ { "WHOSE", false, true }, "plugin", list_add_checked },
		{ { "WHAT", false, true }, "what", rows_text },
		{ { "IS", false, false }, "ok", rows_ok },
		{ { "WHY", false, true }, "text", rows_text },
		{ .key = NULL },
	};

	rows_print(cli, columns, json_get(checked, "checks"), "nothing to check");
}

static int
list_print(struct cli *cli, const struct list_view *listing)
{
	cJSON *answer = NULL;
	int status = cli_get(cli, &answer, "%s", listing->path);
	char none[64];

	snprintf(none, sizeof none, "no %s", listing->member);
	if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
		cli_json(cli, answer);
	else if (status == CLI_OK)
		rows_print(cli, listing->columns, json_get(answer, listing->member), none);
	cJSON_Delete(answer);
	return status;
}

static void
list_add_owner(struct table *t, const cJSON *row, const char *key)
{
	const cJSON *alive = json_get(row, key);

	/* A warm worktree has no owner. */
	if (!cJSON_IsBool(alive) || json_int(row, "pid", 1) == 0)
		table_add(t, NULL);
	else
		table_add(t, cJSON_IsTrue(alive) ? "alive" : "gone");
}

static void
list_add_listener(struct table *t, const cJSON *row, const char *key)
{
	const cJSON *listener = json_get(row, key);
	const char *why = json_str(listener, "why", "");
	struct buf words = BUF_INIT;
	char text[64];

	if (cJSON_IsObject(listener))
		buf_addf(&words, "%s since %s%s%s", json_str(listener, "state", ""),
		    cli_when(json_int(listener, "since", 0), text, sizeof text),
		    *why != '\0' ? ": " : "", why);
	table_add(t, buf_str(&words));
	buf_free(&words);
}

static void
list_add_probe(struct table *t, const cJSON *row, const char *key)
{
	if (cJSON_IsObject(json_get(row, key)))
		rows_ok(t, json_get(row, key), "ok");
	else
		table_add(t, NULL);
}

/* A check names its repo or its plugin; a plugin's own probe names neither. */
static void
list_add_checked(struct table *t, const cJSON *row, const char *key)
{
	char *repo = NULL;

	if (json_get(row, "repo") != NULL)
		repo = xasprintf("repo %s", json_str(row, "repo", ""));
	table_add(t, repo != NULL ? repo : json_str(row, key, "probe"));
	free(repo);
}

static void
list_add_default(struct table *t, const cJSON *row, const char *key)
{
	table_add(t, json_bool(row, "required", false) ? "required" : json_str(row, key, ""));
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
	static const struct rows_column columns[] = {
		{ { "OPTION", false, false }, "key", rows_text },
		{ { "TYPE", false, false }, "type", rows_text },
		{ { "DEFAULT", false, false }, "default", list_add_default },
		{ { "MEANING", false, true }, "help", rows_text },
		{ .key = NULL },
	};

	rows_print(cli, columns, options, NULL);
}
