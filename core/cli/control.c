/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on the daemon itself: status, pause, drain, reload, call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"

static void print_floor(struct cli *, const char *what, int64_t left, int64_t least);
static void print_pools(struct cli *, const cJSON *status);

int
cmd_status(struct cli *cli)
{
	cJSON *status = NULL;
	const cJSON *one;
	struct buf jobs = BUF_INIT;
	char text[64];
	int rc = cli_get(cli, &status, "/api/v1/status");

	if (rc != CLI_OK)
		return rc;
	if (cli->value[OPT_JSON] != NULL) {
		cli_json(cli, status);
		cJSON_Delete(status);
		return CLI_OK;
	}
	cli_field(cli, "droverd", json_str(status, "version", ""));
	cli_field(cli, "mode", json_str(status, "mode", ""));
	cli_field(cli, "started", cli_when(json_int(status, "started_at", 0), text, sizeof text));
	fprintf(cli->out, "%-13s %lld of %lld\n", "slots", (long long)json_int(status, "busy", 0),
	    (long long)json_int(status, "slots", 0));
	cJSON_ArrayForEach(one, json_path(status, "queue.states"))
		if (cJSON_IsNumber(one) && one->valuedouble > 0)
			buf_addf(&jobs, "%s%.0f %s", jobs.len > 0 ? " " : "", one->valuedouble,
			    one->string);
	cli_field(cli, "jobs", jobs.len > 0 ? buf_str(&jobs) : "none");
	buf_free(&jobs);
	cJSON_ArrayForEach(one, json_get(status, "pauses")) {
		const char *what = json_str(one, "what", "");

		cli_field(cli, "paused", *what != '\0' ? what : "everything (drover resume)");
		cli_field(cli, "", json_str(one, "why", NULL));
	}
	cli_field(cli, "sandbox", json_str(status, "sandbox", NULL));
	if (*json_str(status, "hooks", "") != '\0')
		cli_field(cli, "webhooks", json_str(status, "hooks", ""));
	if (json_int(json_get(status, "notices"), "waiting", 0) +
		json_int(json_get(status, "notices"), "dropped", 0) >
	    0)
		fprintf(cli->out, "%-13s %lld waiting, %lld given up\n", "notices",
		    (long long)json_int(json_get(status, "notices"), "waiting", 0),
		    (long long)json_int(json_get(status, "notices"), "dropped", 0));
	cJSON_ArrayForEach(one, json_get(status, "warnings"))
		if (cJSON_IsString(one))
			cli_field(cli, "warning", one->valuestring);
	cli_field(cli, "config", json_str(status, "config_error", NULL));
	cli_field(cli, "store", json_str(status, "store_error", NULL));
	print_floor(cli, "memory", json_int(status, "memory_available", -1),
	    json_int(status, "memory_floor", 0));
	print_floor(cli, "disk", json_int(status, "disk_free", -1),
	    json_int(status, "disk_floor", 0));
	print_pools(cli, status);
	cJSON_Delete(status);
	return CLI_OK;
}

int
cmd_pause(struct cli *cli)
{
	const char *what = cli->args[0] != NULL ? cli->args[0] : "any kind";
	cJSON *body;
	int64_t ms = 0;
	int status;

	if (cli->value[OPT_FOR] != NULL && units_parse_duration(cli->value[OPT_FOR], &ms) != 0)
		return cli_usage(cli, "--for: a time such as 30m is needed");
	body = cJSON_CreateObject();
	json_add_str(body, "what", cli->args[0]);
	json_add_str(body, "why", cli->value[OPT_WHY]);
	if (ms > 0)
		json_add_int(body, "for_ms", ms);
	status = cli_post(cli, body, NULL, "/api/v1/pause");
	if (ms > 0)
		return cli_done(cli, status, "no new job of %s starts for %s", what,
		    cli->value[OPT_FOR]);
	return cli_done(cli, status, "no new job of %s starts until drover resume%s%s", what,
	    cli->args[0] != NULL ? " " : "", cli->args[0] != NULL ? what : "");
}

int
cmd_resume(struct cli *cli)
{
	cJSON *body = cJSON_CreateObject();

	json_add_str(body, "what", cli->args[0]);
	return cli_done(cli, cli_post(cli, body, NULL, "/api/v1/resume"), "jobs of %s start again",
	    cli->args[0] != NULL ? cli->args[0] : "any kind");
}

int
cmd_drain(struct cli *cli)
{
	cJSON *body = cJSON_CreateObject();

	json_add_bool(body, "stop", cli->value[OPT_STOP] != NULL);
	return cli_done(cli, cli_post(cli, body, NULL, "/api/v1/drain"), "%s",
	    cli->value[OPT_STOP] != NULL ?
		"no new job starts; the daemon ends when no job runs, or after drain_timeout" :
		"no new job starts until drover undrain");
}

int
cmd_undrain(struct cli *cli)
{
	return cli_done(cli, cli_post(cli, NULL, NULL, "/api/v1/undrain"),
	    "waiting jobs start again");
}

static void
print_changes(struct cli *cli, const cJSON *answer)
{
	const cJSON *line;

	cJSON_ArrayForEach(line, json_get(answer, "changes"))
		if (cJSON_IsString(line))
			cli_print(cli, line->valuestring);
	if (cJSON_GetArraySize(json_get(answer, "changes")) == 0)
		cli_say(cli, "nothing has changed");
}

int
cmd_reload(struct cli *cli)
{
	cJSON *answer = NULL;
	int status = cli_post(cli, NULL, &answer, "/api/v1/reload");

	return cli_show(cli, status, answer, print_changes);
}

/*
 * Reads more than a request may have, so that a longer one is refused instead
 * of cut.
 */
static void
read_stdin(struct buf *out)
{
	char piece[4096];
	size_t n;

	while (out->len <= DROVER_PAYLOAD_MAX && (n = fread(piece, 1, sizeof piece, stdin)) > 0)
		buf_add(out, piece, n);
}

int
cmd_notify_test(struct cli *cli)
{
	char *place = cli_encode(cli->args_len > 0 ? cli->args[0] : "0");
	cJSON *answer = NULL;
	int status = cli_post(cli, NULL, &answer, "/api/v1/notify/%s/test", place);

	if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
		cli_json(cli, answer);
	cli_done(cli, status, "entry %s of notify has sent the test", place);
	free(place);
	cJSON_Delete(answer);
	return status;
}

int
cmd_call(struct cli *cli)
{
	cJSON *body = cJSON_CreateObject(), *request = NULL, *answer = NULL;
	struct error err = { 0 };
	struct buf text = BUF_INIT;
	int status;

	json_add_str(body, "operation", cli->args[0]);
	if (cli->args_len > 1) {
		if (strcmp(cli->args[1], "-") == 0)
			read_stdin(&text);
		else
			buf_adds(&text, cli->args[1]);
		request = json_parse(buf_str(&text), text.len, DROVER_PAYLOAD_MAX, &err);
		buf_free(&text);
		if (request == NULL) {
			cJSON_Delete(body);
			return cli_usage(cli, "call: %s", err.text);
		}
		cJSON_AddItemToObject(body, "request", request);
	}
	if ((status = cli_post(cli, body, &answer, "/api/v1/calls")) == CLI_OK)
		cli_json(cli,
		    json_get(answer, "reply") != NULL ? json_get(answer, "reply") : answer);
	cJSON_Delete(answer);
	return status;
}

/* Prints a floor only when less is left, because jobs do not start then. */
static void
print_floor(struct cli *cli, const char *what, int64_t left, int64_t least)
{
	char text[128], a[32], b[32];

	if (left < 0 || left >= least)
		return;
	(void)snprintf(text, sizeof text, "%s left, %s_floor is %s: nothing starts",
	    units_format_size(left, a, sizeof a), what, units_format_size(least, b, sizeof b));
	cli_field(cli, what, text);
}

static void
print_pools(struct cli *cli, const cJSON *status)
{
	static const struct rows_column columns[] = {
		{ { "POOL", false, true }, "name", rows_text },
		{ { "SLOTS", true, false }, "slots", rows_number },
		{ { "USED", true, false }, "used", rows_number },
		{ { "WAITING", true, false }, "waiting", rows_number },
		{ .key = NULL },
	};
	const cJSON *pools = json_path(status, "queue.pools");

	if (cJSON_GetArraySize(pools) > 0)
		fputc('\n', cli->out);
	rows_print(cli, columns, pools, NULL);
}
