/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on jobs: submit, list, show, why, and what operators do to jobs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drover/plugin.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cli.h"

static int payload_read(struct cli *, struct buf *);
static int each_job(struct cli *, const char *verb, const char *done);
static void print_jobs(struct cli *, const cJSON *answer);
static void print_dead(struct cli *, const cJSON *answer);
static void print_job(struct cli *, const cJSON *job);
static void print_attempts(struct cli *, const cJSON *attempts);
static void print_events(struct cli *, const cJSON *events);
static void query_add(struct cli *, struct buf *query, const char *name, enum cli_option);
static int wait_event(void *arg, const char *data, size_t len);
/* Waits until the job has ended; CLI_OK when it succeeded. */
static int wait_for(struct cli *, int64_t id);

int
cmd_submit(struct cli *cli)
{
	static const struct {
		enum cli_option option;
		const char *name;
	} texts[] = {
		{ OPT_REPO, "repo" },
		{ OPT_AGENT, "agent" },
		{ OPT_POOL, "pool" },
		{ OPT_TITLE, "title" },
		{ OPT_SERIAL, "serial" },
		{ OPT_AFTER, "after" },
	};
	struct buf payload = BUF_INIT;
	cJSON *ask, *answer = NULL;
	char random[17];
	int64_t priority;
	int status;

	if ((status = cli_number(cli, OPT_PRIORITY, -100, 100, 0, &priority)) != CLI_OK ||
	    (status = payload_read(cli, &payload)) != CLI_OK)
		goto out;
	ask = cJSON_CreateObject();
	json_add_str(ask, "kind", cli->args[0]);
	/* Without a key every submission is a new job. */
	json_add_str(ask, "key",
	    cli->value[OPT_KEY] != NULL ? cli->value[OPT_KEY] : text_random_hex(random, 8));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_add_str(ask, texts[i].name, cli->value[texts[i].option]);
	json_add_int(ask, "priority", priority);
	if (payload.len > 0)
		json_add_str(ask, "payload", buf_str(&payload));
	if (cli->value[OPT_HOLD] != NULL)
		json_add_bool(ask, "hold", true);
	if (cli->value[OPT_NEW] != NULL)
		json_add_bool(ask, "new", true);
	if ((status = cli_post(cli, ask, &answer, "/api/v1/jobs")) != CLI_OK)
		goto out;
	if (cli->value[OPT_JSON] != NULL)
		cli_json(cli, answer);
	else
		fprintf(cli->out, "%lld\n", (long long)json_int(answer, "id", 0));
	if (!json_bool(answer, "fresh", true))
		cli_say(cli, "this job exists already");
	if (cli->value[OPT_WAIT] != NULL) {
		fflush(cli->out);
		status = wait_for(cli, json_int(answer, "id", 0));
	}
out:
	cJSON_Delete(answer);
	buf_free(&payload);
	return status;
}

int
cmd_list(struct cli *cli)
{
	struct buf query = BUF_INIT;
	cJSON *answer = NULL;
	int status;

	query_add(cli, &query, "state", OPT_STATE);
	query_add(cli, &query, "kind", OPT_KIND);
	query_add(cli, &query, "repo", OPT_REPO);
	query_add(cli, &query, "source", OPT_SOURCE);
	query_add(cli, &query, "pool", OPT_POOL);
	query_add(cli, &query, "limit", OPT_LIMIT);
	query_add(cli, &query, "before", OPT_BEFORE);
	status = cli_get(cli, &answer, "/api/v1/jobs%s", buf_str(&query));
	buf_free(&query);
	return cli_show(cli, status, answer, print_jobs);
}

int
cmd_dead_list(struct cli *cli)
{
	struct buf query = BUF_INIT;
	cJSON *answer = NULL;
	int status;

	query_add(cli, &query, "kind", OPT_KIND);
	query_add(cli, &query, "limit", OPT_LIMIT);
	query_add(cli, &query, "before", OPT_BEFORE);
	status = cli_get(cli, &answer, "/api/v1/dead%s", buf_str(&query));
	buf_free(&query);
	return cli_show(cli, status, answer, print_dead);
}

int
cmd_show(struct cli *cli)
{
	char *which = cli_encode(cli->args[0]);
	cJSON *job = NULL;
	int status = cli_get(cli, &job, "/api/v1/jobs/%s", which);

	free(which);
	return cli_show(cli, status, job, print_job);
}

static void
job_add_gate(struct table *t, const cJSON *row, const char *key)
{
	bool open = json_bool(row, key, true);

	table_add(t, open ? "open" : "closed");
	table_colour(t, open ? "" : "\033[33m");
}

static void
print_gates(struct cli *cli, const cJSON *why)
{
	static const struct rows_column columns[] = {
		{ { "", false, false }, "gate", rows_text },
		{ { "", false, false }, "open", job_add_gate },
		{ { "", false, true }, "reason", rows_text },
		{ .key = NULL },
	};

	cli_print(cli, json_str(why, "reason", "every gate is open"));
	rows_print(cli, columns, json_get(why, "gates"), NULL);
}

int
cmd_why(struct cli *cli)
{
	char *which = cli_encode(cli->args[0]);
	cJSON *why = NULL;
	int status = cli_get(cli, &why, "/api/v1/jobs/%s/why", which);

	free(which);
	return cli_show(cli, status, why, print_gates);
}

int
cmd_act(struct cli *cli)
{
	static const struct {
		const char *command, *verb, *done;
	} verbs[] = {
		{ "cancel", "cancel", "cancelled" },
		{ "retry", "retry", "queued again" },
		{ "hold", "hold", "held" },
		{ "release", "release", "released" },
		{ "dead discard", "discard", "discarded" },
		{ "dead retry", "retry", "queued again" },
	};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].command, cli->command->name) == 0)
			return each_job(cli, verbs[i].verb, verbs[i].done);
	return CLI_USAGE;
}

int
cmd_priority(struct cli *cli)
{
	int64_t priority;
	char *which;
	cJSON *body;
	int status;

	if (units_parse_int(cli->args[1], -100, 100, &priority) != 0)
		return cli_usage(cli, "priority: a number from -100 to 100 is needed");
	body = cJSON_CreateObject();
	json_add_int(body, "priority", priority);
	which = cli_encode(cli->args[0]);
	status = cli_post(cli, body, NULL, "/api/v1/jobs/%s/priority", which);
	free(which);
	return cli_done(cli, status, "job %s has priority %lld", cli->args[0], (long long)priority);
}

int
cmd_dead_retry(struct cli *cli)
{
	cJSON *body, *answer = NULL;
	int status;

	if (cli->args_len > 0)
		return cmd_act(cli);
	if (cli->value[OPT_ALL] == NULL && cli->value[OPT_KIND] == NULL)
		return cli_usage(cli, "dead retry: name jobs, a --kind, or --all");
	body = cJSON_CreateObject();
	json_add_str(body, "kind", cli->value[OPT_KIND]);
	if ((status = cli_post(cli, body, &answer, "/api/v1/dead/retry")) == CLI_OK) {
		int n = cJSON_GetArraySize(json_get(answer, "retried"));

		if (cli->value[OPT_JSON] != NULL)
			cli_json(cli, answer);
		else
			cli_say(cli, "%d %s queued again", n, n == 1 ? "job is" : "jobs are");
	}
	cJSON_Delete(answer);
	return status;
}

static int
wait_for(struct cli *cli, int64_t id)
{
	static const struct {
		const char *state;
		int status;
	} ends[] = { { "succeeded", CLI_OK }, { "dead", CLI_FAILED }, { "cancelled", CLI_FAILED } };
	cJSON *job = NULL;
	int status, result = -1;

	while (result == -1) {
		if ((status = cli_get(cli, &job, "/api/v1/jobs/%lld", (long long)id)) != CLI_OK)
			return status;
		for (size_t i = 0; i < ARRAY_LEN(ends); i++)
			if (strcmp(json_str(job, "state", ""), ends[i].state) == 0)
				result = ends[i].status;
		if (result != CLI_OK && result != -1 && *json_str(job, "error", "") != '\0')
			cli_say(cli, "job %lld: %s", (long long)id, json_str(job, "error", ""));
		if (result == -1) {
			const cJSON *events = json_get(job, "events"),
				    *last =
					cJSON_GetArrayItem(events, cJSON_GetArraySize(events) - 1);

			/*
			 * Starts after the last event that was seen, so that no
			 * event is missed between the two requests.
			 */
			status =
			    cli_stream(cli, wait_event, NULL, "/api/v1/events?job=%lld&after=%lld",
				(long long)id, (long long)json_int(last, "id", 0));
		}
		cJSON_Delete(job);
		if (result == -1 && status != CLI_OK)
			return status;
	}
	return result;
}

/*
 * Reads --payload: standard input for -, a file when one has that name, or else
 * the text itself.
 */
static int
payload_read(struct cli *cli, struct buf *payload)
{
	const char *from = cli->value[OPT_PAYLOAD];
	struct error err = { 0 };
	char chunk[4096];
	size_t n;

	if (from == NULL)
		return CLI_OK;
	if (strcmp(from, "-") == 0) {
		while (payload->len <= DROVER_PAYLOAD_MAX &&
		    (n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
			buf_add(payload, chunk, n);
	} else if (access(from, F_OK) == 0) {
		if (path_read(from, DROVER_PAYLOAD_MAX, payload, &err) != 0)
			return cli_fail(cli, &err);
	} else
		buf_adds(payload, from);
	if (payload->len > DROVER_PAYLOAD_MAX)
		return cli_usage(cli, "--payload: more than %d bytes", DROVER_PAYLOAD_MAX);
	if (!text_is_utf8(buf_str(payload), payload->len))
		return cli_usage(cli, "--payload: the text is not UTF-8");
	return CLI_OK;
}

static int
each_job(struct cli *cli, const char *verb, const char *done)
{
	int failed = 0, last = CLI_OK;

	for (int i = 0; i < cli->args_len; i++) {
		char *which = cli_encode(cli->args[i]);
		cJSON *body = cJSON_CreateObject(), *answer = NULL;
		int status;

		json_add_str(body, "why", cli->value[OPT_WHY]);
		status = cli_post(cli, body, &answer, "/api/v1/jobs/%s/%s", which, verb);
		free(which);
		if (status == CLI_OK && cli->value[OPT_JSON] != NULL)
			cli_json(cli, answer);
		else if (status == CLI_OK)
			cli_say(cli, "job %lld is %s", (long long)json_int(answer, "id", 0),
			    json_bool(answer, "ended", true) ? done : "told to stop");
		cJSON_Delete(answer);
		if (status == CLI_DOWN)
			return status;
		if (status != CLI_OK) {
			failed++;
			last = status;
		}
	}
	return failed > 0 && failed < cli->args_len ? CLI_PARTIAL : last;
}

static void
job_add_state(struct table *t, const cJSON *row, const char *key)
{
	table_add(t, json_str(row, key, ""));
	table_colour(t, cli_state_colour(json_str(row, key, "")));
}

static void
job_add_title(struct table *t, const cJSON *row, const char *key)
{
	const char *title = json_str(row, key, "");

	table_add(t, *title != '\0' ? title : json_str(row, "key", ""));
}

/*
 * Prints a table of the jobs in answer, or says none when it is empty, and says
 * how to see more.
 */
static void
print_rows(struct cli *cli, const struct rows_column *columns, const cJSON *answer,
    const char *none)
{
	rows_print(cli, columns, json_get(answer, "jobs"), none);
	if (json_int(answer, "before", 0) > 0)
		cli_say(cli, "there may be more: add --before %lld",
		    (long long)json_int(answer, "before", 0));
}

static void
print_jobs(struct cli *cli, const cJSON *answer)
{
	static const struct rows_column columns[] = {
		{ { "JOB", true, false }, "id", rows_number },
		{ { "STATE", false, false }, "state", job_add_state },
		{ { "KIND", false, true }, "kind", rows_text },
		{ { "TRY", true, false }, "attempt", rows_number },
		{ { "QUEUED", false, false }, "queued_at", rows_when },
		{ { "TITLE", false, true }, "title", job_add_title },
		{ .key = NULL },
	};

	print_rows(cli, columns, answer, "no jobs");
}

/* Like print_jobs(), with the error that each job died of. */
static void
print_dead(struct cli *cli, const cJSON *answer)
{
	static const struct rows_column columns[] = {
		{ { "JOB", true, false }, "id", rows_number },
		{ { "KIND", false, true }, "kind", rows_text },
		{ { "TRY", true, false }, "attempt", rows_number },
		{ { "DIED", false, false }, "ended_at", rows_when },
		{ { "TITLE", false, true }, "title", job_add_title },
		{ { "WHY", false, true }, "error", rows_text },
		{ .key = NULL },
	};

	print_rows(cli, columns, answer, "no dead jobs");
}

static void
print_job(struct cli *cli, const cJSON *job)
{
	static const char *const fields[][2] = {
		{ "state", "state" },
		{ "kind", "kind" },
		{ "key", "key" },
		{ "title", "title" },
		{ "trace", "trace" },
		{ "repo", "repo" },
		{ "agent", "agent" },
		{ "pool", "pool" },
		{ "source", "source" },
		{ "author", "author" },
		{ "sha256", "sha256" },
		{ "worker", "worker" },
		{ "held", "held_why" },
		{ "error", "error" },
	};
	static const char *const times[][2] = { { "queued", "queued_at" },
		{ "started", "started_at" }, { "ended", "ended_at" } };
	const cJSON *result = json_get(job, "result"), *one;
	char when[64];

	fprintf(cli->out, "%-13s %lld\n", "job", (long long)json_int(job, "id", 0));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		cli_field(cli, fields[i][0], json_str(job, fields[i][1], NULL));
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (json_int(job, times[i][1], 0) > 0)
			cli_field(cli, times[i][0],
			    cli_when(json_int(job, times[i][1], 0), when, sizeof when));
	cJSON_ArrayForEach(one, result) {
		char *text = cJSON_IsString(one) ? xstrdup(one->valuestring) : json_print(one);
		char name[61];

		cli_field(cli,
		    text_show_in(name, sizeof name, one->string, strlen(one->string)), text);
		free(text);
	}
	print_attempts(cli, json_get(job, "attempts"));
	print_events(cli, json_get(job, "events"));
}

static void
job_add_class(struct table *t, const cJSON *row, const char *key)
{
	table_add(t, json_int(row, "ended_at", 0) > 0 ? json_str(row, key, "") : "running");
}

static void
print_attempts(struct cli *cli, const cJSON *attempts)
{
	static const struct rows_column columns[] = {
		{ { "TRY", true, false }, "number", rows_number },
		{ { "BEGAN", false, false }, "started_at", rows_when },
		{ { "TIME", true, false }, "wall_ms", rows_span },
		{ { "CPU", true, false }, "cpu_ms", rows_span },
		{ { "END", false, false }, "class", job_add_class },
		{ { "WHY", false, true }, "text", rows_text },
		{ .key = NULL },
	};

	if (cJSON_GetArraySize(attempts) > 0)
		fputc('\n', cli->out);
	rows_print(cli, columns, attempts, NULL);
}

static void
job_add_time(struct table *t, const cJSON *row, const char *key)
{
	char text[32];

	table_add(t, clock_format(json_int(row, key, 0), text, sizeof text));
}

static void
print_events(struct cli *cli, const cJSON *events)
{
	static const struct rows_column columns[] = {
		{ { "AT", false, false }, "at", job_add_time },
		{ { "EVENT", false, false }, "event", rows_text },
		{ { "STATE", false, false }, "to", rows_text },
		{ { "DETAIL", false, true }, "detail", rows_text },
		{ .key = NULL },
	};

	if (cJSON_GetArraySize(events) > 0)
		fputc('\n', cli->out);
	rows_print(cli, columns, events, NULL);
}

static void
query_add(struct cli *cli, struct buf *query, const char *name, enum cli_option option)
{
	char *value;

	if (cli->value[option] == NULL)
		return;
	value = cli_encode(cli->value[option]);
	buf_addf(query, "%c%s=%s", query->len == 0 ? '?' : '&', name, value);
	free(value);
}

/* Stops at any event, but not at comments that keep the connection alive. */
static int
wait_event(void *arg, const char *data, size_t len)
{
	return len > 0 && data[0] != ':';
}
