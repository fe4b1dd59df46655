/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of Symphony's API, so that tools that watch Symphony can watch
 * drover. What it calls an issue is a job.
 */
#include <stdio.h>
#include <string.h>

#include "api/server.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

struct totals {
	int64_t input, output, total;
};

static int symphony_add_jobs(struct request *, cJSON *to, enum job_state,
    cJSON *(*row)(const cJSON *, struct totals *), struct totals *, struct error *);
static cJSON *symphony_running_row(const cJSON *job, struct totals *);
static cJSON *symphony_retrying_row(const cJSON *job, struct totals *);
static cJSON *symphony_blocked_row(const cJSON *job, struct totals *);
static cJSON *symphony_row(const cJSON *job);
static cJSON *symphony_tokens(const cJSON *job, struct totals *);
static void symphony_add_id(cJSON *, const cJSON *job);
static void symphony_add_time(cJSON *, const char *name, int64_t ms);

int
symphony_state(struct request *r, struct error *err)
{
	static const struct {
		const char *name;
		enum job_state state;
		cJSON *(*row)(const cJSON *, struct totals *);
	} lists[] = {
		{ "running", JOB_RUNNING, symphony_running_row },
		{ "retrying", JOB_DELAYED, symphony_retrying_row },
		{ "blocked", JOB_HELD, symphony_blocked_row },
	};
	cJSON *state = cJSON_CreateObject(), *counts, *totals_object;
	struct totals totals = { 0 };

	symphony_add_time(state, "generated_at", clock_wall());
	counts = cJSON_AddObjectToObject(state, "counts");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		json_add_int(counts, lists[i].name,
		    queue_count(r->api->core->queue, lists[i].state));
		if (symphony_add_jobs(r, cJSON_AddArrayToObject(state, lists[i].name),
			lists[i].state, lists[i].row, &totals, err) != 0) {
			cJSON_Delete(state);
			return -1;
		}
	}
	totals_object = cJSON_AddObjectToObject(state, "codex_totals");
	json_add_int(totals_object, "input_tokens", totals.input);
	json_add_int(totals_object, "output_tokens", totals.output);
	json_add_int(totals_object, "total_tokens", totals.total);
	json_add_int(totals_object, "seconds_running",
	    (clock_wall() - r->api->core->started_at) / 1000);
	cJSON_AddNullToObject(state, "rate_limits");
	reply_json(r, 200, state);
	return 0;
}

int
symphony_issue(struct request *r, struct error *err)
{
	cJSON *job = queue_show(r->api->core->queue, r->args[0], err), *answer, *attempts;
	const char *state;
	const cJSON *events;

	if (job == NULL)
		return -1;
	state = json_str(job, "state", "");
	answer = cJSON_CreateObject();
	json_add_str(answer, "issue_identifier", json_str(job, "key", ""));
	symphony_add_id(answer, job);
	json_add_str(answer, "status", state);
	attempts = cJSON_AddObjectToObject(answer, "attempts");
	json_add_int(attempts, "restart_count", json_int(job, "interruptions", 0));
	json_add_int(attempts, "current_retry_attempt", json_int(job, "attempt", 0));
	cJSON_AddItemToObject(answer, "running",
	    strcmp(state, "running") == 0 ? symphony_running_row(job, NULL) : cJSON_CreateNull());
	cJSON_AddItemToObject(answer, "retry",
	    strcmp(state, "delayed") == 0 ? symphony_retrying_row(job, NULL) : cJSON_CreateNull());
	events = json_get(job, "events");
	cJSON_AddItemToObject(answer, "recent_events",
	    events != NULL ? cJSON_Duplicate(events, true) : cJSON_CreateArray());
	if (json_str(job, "error", "")[0] != '\0')
		json_add_str(answer, "last_error", json_str(job, "error", NULL));
	else
		cJSON_AddNullToObject(answer, "last_error");
	cJSON_AddObjectToObject(answer, "tracked");
	cJSON_Delete(job);
	reply_json(r, 200, answer);
	return 0;
}

int
symphony_refresh(struct request *r, struct error *err)
{
	cJSON *answer, *operations;

	if (r->api->verbs->poll(r->api->daemon, NULL, err) != 0)
		return -1;
	answer = cJSON_CreateObject();
	json_add_bool(answer, "queued", true);
	json_add_bool(answer, "coalesced", false);
	symphony_add_time(answer, "requested_at", clock_wall());
	operations = cJSON_AddArrayToObject(answer, "operations");
	cJSON_AddItemToArray(operations, cJSON_CreateString("poll"));
	reply_json(r, 202, answer);
	return 0;
}

static int
symphony_add_jobs(struct request *r, cJSON *to, enum job_state state,
    cJSON *(*row)(const cJSON *, struct totals *), struct totals *totals, struct error *err)
{
	struct queue_filter filter = { .state = (int)state, .limit = API_LIST_MAX };
	cJSON *list = queue_list(r->api->core->queue, &filter, err);
	const cJSON *job;

	if (list == NULL)
		return -1;
	cJSON_ArrayForEach(job, list)
		cJSON_AddItemToArray(to, row(job, totals));
	cJSON_Delete(list);
	return 0;
}

static cJSON *
symphony_running_row(const cJSON *job, struct totals *totals)
{
	cJSON *row = symphony_row(job);

	json_add_str(row, "session_id", json_str(job, "trace", ""));
	json_add_str(row, "worker_host", json_str(job, "worker", NULL));
	symphony_add_time(row, "started_at", json_int(job, "started_at", 0));
	json_add_int(row, "turn_count", json_int(json_get(job, "usage"), "turns", 0));
	cJSON_AddItemToObject(row, "tokens", symphony_tokens(job, totals));
	return row;
}

static cJSON *
symphony_retrying_row(const cJSON *job, struct totals *totals)
{
	cJSON *row = symphony_row(job);

	json_add_int(row, "attempt", json_int(job, "attempt", 0));
	symphony_add_time(row, "due_at", json_int(job, "ready_at", 0));
	json_add_str(row, "error", json_str(job, "error", ""));
	return row;
}

static cJSON *
symphony_blocked_row(const cJSON *job, struct totals *totals)
{
	cJSON *row = symphony_row(job);

	json_add_str(row, "error", json_str(job, "held_why", ""));
	return row;
}

static cJSON *
symphony_row(const cJSON *job)
{
	cJSON *row = cJSON_CreateObject();

	symphony_add_id(row, job);
	json_add_str(row, "issue_identifier", json_str(job, "key", ""));
	json_add_str(row, "title", json_str(job, "title", ""));
	json_add_str(row, "state", json_str(job, "state", ""));
	return row;
}

static cJSON *
symphony_tokens(const cJSON *job, struct totals *totals)
{
	const cJSON *usage = json_get(job, "usage");
	struct totals one = { .input = json_int(usage, "input", 0),
		.output = json_int(usage, "output", 0) };
	cJSON *tokens = cJSON_CreateObject();

	one.total = one.input + one.output;
	json_add_int(tokens, "input_tokens", one.input);
	json_add_int(tokens, "output_tokens", one.output);
	json_add_int(tokens, "total_tokens", one.total);
	if (totals != NULL)
		*totals = (struct totals){ totals->input + one.input, totals->output + one.output,
			totals->total + one.total };
	return tokens;
}

/* Ids are text in Symphony. */
static void
symphony_add_id(cJSON *object, const cJSON *job)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)json_int(job, "id", 0));
	json_add_str(object, "issue_id", text);
}

static void
symphony_add_time(cJSON *object, const char *name, int64_t ms)
{
	char text[32];

	json_add_str(object, name, ms > 0 ? clock_format(ms, text, sizeof text) : NULL);
}
