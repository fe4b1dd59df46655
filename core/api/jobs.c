/* SPDX-License-Identifier: Apache-2.0 */
/* The routes for jobs: list, submit, show, and what an operator does to one. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"

static int jobs_parse_ids(const char *text, uint64_t *ids, size_t *n, struct error *);
static int jobs_select(struct request *, int state, struct error *);
static int jobs_submit_one(struct request *, const cJSON *, cJSON *answers, struct error *);
static int jobs_ask_read(struct request *, const cJSON *, struct job_ask *, char **payload,
    bool *only_new, struct error *);
static int jobs_ask_after(struct request *, const cJSON *, uint64_t *after, struct error *);
static int job_act(struct request *,
    int (*act)(struct queue *, uint64_t, const char *by, struct error *), struct error *);
static int job_answer(struct request *, uint64_t id);
static cJSON *jobs_id_object(uint64_t id);

int
jobs_list(struct request *r, struct error *err)
{
	const char *state = request_query(r, "state", NULL);
	int wanted = -1;

	if (state != NULL && (wanted = state_parse(state)) == -1)
		return error_set(err, DROVER_PERMANENT,
		    "state must be queued, running, delayed, held, succeeded, dead or cancelled");
	return jobs_select(r, wanted, err);
}

int
jobs_dead(struct request *r, struct error *err)
{
	return jobs_select(r, JOB_DEAD, err);
}

int
jobs_submit(struct request *r, struct error *err)
{
	cJSON *answers;
	const cJSON *one;
	int n, fresh = 0, failed = 0;

	if (cJSON_IsArray(r->body)) {
		n = cJSON_GetArraySize(r->body);
		if (n < 1 || n > API_BATCH_MAX)
			return error_set(err, DROVER_PERMANENT, "a batch must have 1 to %d jobs",
			    API_BATCH_MAX);
		answers = cJSON_CreateArray();
		cJSON_ArrayForEach(one, r->body) {
			struct error why = { 0 };
			int rc = jobs_submit_one(r, one, answers, &why);

			/*
			 * A failing store fails the whole batch; a wrong job
			 * fails alone.
			 */
			if (rc < 0 && (why.code == DROVER_AGAIN || why.code == DROVER_INTERNAL)) {
				cJSON_Delete(answers);
				*err = why;
				return -1;
			}
			if (rc < 0) {
				cJSON *answer = cJSON_CreateObject();

				json_add_str(answer, "error", why.text);
				cJSON_AddItemToArray(answers, answer);
				failed++;
			}
			fresh += rc > 0;
		}
		return reply_committed(r, failed == n ? 422 : fresh > 0 ? 201 : 200, answers);
	}
	answers = cJSON_CreateArray();
	if ((fresh = jobs_submit_one(r, r->body, answers, err)) == -1) {
		cJSON_Delete(answers);
		return -1;
	}
	one = cJSON_DetachItemFromArray(answers, 0);
	cJSON_Delete(answers);
	return reply_committed(r, fresh ? 201 : 200, (cJSON *)one);
}

int
jobs_show(struct request *r, struct error *err)
{
	cJSON *job = queue_show(r->api->core->queue, r->args[0], err);

	if (job == NULL)
		return -1;
	reply_json(r, 200, job);
	return 0;
}

int
jobs_why(struct request *r, struct error *err)
{
	struct queue_view view = { 0 };
	uint64_t id;
	cJSON *why;

	if (request_job(r, &id, err) != 0)
		return -1;
	core_view(r->api->core, &view);
	if ((why = queue_why(r->api->core->queue, id, &view, err)) == NULL)
		return -1;
	reply_json(r, 200, why);
	return 0;
}

int
jobs_cancel(struct request *r, struct error *err)
{
	uint64_t id;
	int rc;
	cJSON *answer;

	if (request_job(r, &id, err) != 0 ||
	    (rc = r->api->verbs->cancel(r->api->daemon, id, r->by, err)) == -1)
		return -1;
	answer = jobs_id_object(id);
	json_add_bool(answer, "ended", rc == 0);
	return reply_committed(r, rc == 0 ? 200 : 202, answer);
}

int
jobs_retry(struct request *r, struct error *err)
{
	return job_act(r, queue_retry, err);
}

int
jobs_release(struct request *r, struct error *err)
{
	return job_act(r, queue_release, err);
}

int
jobs_discard(struct request *r, struct error *err)
{
	return job_act(r, queue_discard, err);
}

int
jobs_hold(struct request *r, struct error *err)
{
	uint64_t id;

	if (request_job(r, &id, err) != 0 ||
	    queue_hold(r->api->core->queue, id, json_str(r->body, "why", "held by an operator"),
		r->by, err) != 0)
		return -1;
	return job_answer(r, id);
}

int
jobs_priority(struct request *r, struct error *err)
{
	const cJSON *priority = json_get(r->body, "priority");
	uint64_t id;

	if (!cJSON_IsNumber(priority) || priority->valuedouble != (double)priority->valueint ||
	    priority->valueint < -100 || priority->valueint > 100) {
		r->status = 422;
		return error_set(err, DROVER_PERMANENT,
		    "priority must be a whole number from -100 to 100");
	}
	if (request_job(r, &id, err) != 0 ||
	    queue_priority(r->api->core->queue, id, priority->valueint, r->by, err) != 0)
		return -1;
	return job_answer(r, id);
}

int
jobs_retry_dead(struct request *r, struct error *err)
{
	struct queue *queue = r->api->core->queue;
	const char *kind = json_str(r->body, "kind", NULL);
	struct queue_filter filter = { .state = JOB_DEAD, .kind = kind, .limit = API_LIST_MAX };
	cJSON *list, *ids = cJSON_CreateArray(), *answer;
	const cJSON *job;

	if ((list = queue_list(queue, &filter, err)) == NULL) {
		cJSON_Delete(ids);
		return -1;
	}
	cJSON_ArrayForEach(job, list) {
		uint64_t id = (uint64_t)json_int(job, "id", 0);
		struct error ignored;

		/*
		 * A job that may not be retried, because its key is active
		 * again, stays dead and does not stop the others.
		 */
		if (queue_retry(queue, id, r->by, &ignored) != 0)
			continue;
		cJSON_AddItemToArray(ids, cJSON_CreateNumber((double)id));
	}
	cJSON_Delete(list);
	answer = cJSON_CreateObject();
	cJSON_AddItemToObject(answer, "retried", ids);
	return reply_committed(r, 200, answer);
}

static int
jobs_select(struct request *r, int state, struct error *err)
{
	struct queue_filter filter = { .state = state };
	uint64_t ids[API_IDS_MAX];
	int64_t before, limit;
	cJSON *list, *answer;
	const cJSON *last;

	if (request_number(r, "before", 0, INT64_MAX, 0, &before, err) != 0 ||
	    request_number(r, "limit", 1, API_LIST_MAX, 50, &limit, err) != 0)
		return -1;
	if (jobs_parse_ids(request_query(r, "ids", ""), ids, &filter.ids_len, err) != 0)
		return -1;
	filter.ids = ids;
	filter.kind = request_query(r, "kind", NULL);
	filter.repo = request_query(r, "repo", NULL);
	filter.source = request_query(r, "source", NULL);
	filter.pool = request_query(r, "pool", NULL);
	filter.before = (uint64_t)before;
	filter.limit = (int)limit;
	if ((list = queue_list(r->api->core->queue, &filter, err)) == NULL)
		return -1;
	answer = cJSON_CreateObject();
	last = filter.ids_len == 0 && cJSON_GetArraySize(list) == (int)limit ?
	    cJSON_GetArrayItem(list, (int)limit - 1) :
	    NULL;
	if (last != NULL)
		json_add_int(answer, "before", json_int(last, "id", 0));
	cJSON_AddItemToObject(answer, "jobs", list);
	reply_json(r, 200, answer);
	return 0;
}

/* Parses ids such as "1,2,3". */
static int
jobs_parse_ids(const char *text, uint64_t *ids, size_t *n, struct error *err)
{
	char *copy = xstrdup(text), *one;
	int64_t id;
	int rc = 0;

	for (char *rest = copy; rc == 0 && *text != '\0' && (one = strsep(&rest, ",")) != NULL;) {
		if (*n == API_IDS_MAX || units_parse_int(one, 1, INT64_MAX, &id) != 0)
			rc = error_set(err, DROVER_PERMANENT,
			    "ids must be at most %d numbers of jobs, such as 7,8", API_IDS_MAX);
		else
			ids[(*n)++] = (uint64_t)id;
	}
	free(copy);
	return rc;
}

/*
 * Submits one job. 1 when it is new, 0 when it is known, in both cases with one
 * more answer; -1 on error.
 */
static int
jobs_submit_one(struct request *r, const cJSON *object, cJSON *answers, struct error *err)
{
	struct job_ask ask;
	uint64_t id;
	char *payload = NULL;
	bool only_new = false;
	cJSON *answer;
	int rc = -1;

	if (jobs_ask_read(r, object, &ask, &payload, &only_new, err) != 0)
		goto out;
	if ((rc = r->api->verbs->submit(r->api->daemon, &ask, &id, err)) == -1)
		goto out;
	if (rc == 0 && only_new) {
		r->status = 409;
		r->code = "conflict";
		rc = error_set(err, DROVER_PERMANENT, "a job with this kind and key has not ended");
		goto out;
	}
	answer = jobs_id_object(id);
	json_add_bool(answer, "fresh", rc == 1);
	cJSON_AddItemToArray(answers, answer);
out:
	free(payload);
	return rc;
}

static int
jobs_ask_read(struct request *r, const cJSON *object, struct job_ask *ask, char **payload,
    bool *only_new, struct error *err)
{
	static const struct {
		const char *key;
		size_t at;
	} texts[] = {
		{ "kind", offsetof(struct job_ask, kind) },
		{ "key", offsetof(struct job_ask, key) },
		{ "serial", offsetof(struct job_ask, serial) },
		{ "title", offsetof(struct job_ask, title) },
		{ "repo", offsetof(struct job_ask, repo) },
		{ "agent", offsetof(struct job_ask, agent) },
		{ "pool", offsetof(struct job_ask, pool) },
	};
	static const char *const others[] = { "payload", "priority", "after", "hold", "new" },
				 *const switches[] = { "hold", "new" };
	const cJSON *member, *priority = json_get(object, "priority"),
			     *body = json_get(object, "payload");

	*ask = (struct job_ask){ 0 };
	if (!cJSON_IsObject(object))
		return error_set(err, DROVER_PERMANENT,
		    "a job must be an object: {\"kind\", \"key\", \"payload\", ...}");
	cJSON_ArrayForEach(member, object) {
		const char **to = NULL;
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(texts); i++)
			if (strcmp(member->string, texts[i].key) == 0)
				to = (const char **)(void *)((char *)ask + texts[i].at);
		for (size_t i = 0; i < ARRAY_LEN(others); i++)
			known |= strcmp(member->string, others[i]) == 0;
		if (to == NULL && !known)
			return error_set(err, DROVER_PERMANENT, "a job has no member \"%.60s\"",
			    member->string);
		if (to != NULL && !cJSON_IsString(member) && !cJSON_IsNull(member))
			return error_set(err, DROVER_PERMANENT, "%s must be a string",
			    member->string);
		if (to != NULL)
			*to = member->valuestring;
	}
	if (ask->kind == NULL || ask->key == NULL)
		return error_set(err, DROVER_PERMANENT, "a job needs \"kind\" and \"key\"");
	if (priority != NULL &&
	    (!cJSON_IsNumber(priority) || json_int(object, "priority", INT64_MIN) < -100 ||
		json_int(object, "priority", INT64_MAX) > 100))
		return error_set(err, DROVER_PERMANENT,
		    "priority must be a whole number from -100 to 100");
	ask->priority = (int)json_int(object, "priority", 0);
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		member = json_get(object, switches[i]);
		if (member != NULL && !cJSON_IsBool(member))
			return error_set(err, DROVER_PERMANENT, "%s must be true or false",
			    switches[i]);
	}
	if (json_bool(object, "hold", false))
		ask->held_why = "submitted on hold";
	*only_new = json_bool(object, "new", false);
	if (body != NULL && !cJSON_IsNull(body)) {
		*payload = cJSON_IsString(body) ? xstrdup(body->valuestring) : json_print(body);
		ask->payload = *payload;
		ask->payload_len = strlen(*payload);
	}
	return jobs_ask_after(r, object, &ask->after, err);
}

static int
jobs_ask_after(struct request *r, const cJSON *object, uint64_t *after, struct error *err)
{
	const cJSON *value = json_get(object, "after");
	char number[24];
	const char *which;

	if (value == NULL || cJSON_IsNull(value))
		return 0;
	if (!cJSON_IsString(value) && !cJSON_IsNumber(value))
		return error_set(err, DROVER_PERMANENT, "after must name a job");
	snprintf(number, sizeof number, "%.0f", value->valuedouble);
	which = cJSON_IsString(value) ? value->valuestring : number;
	if (queue_find(r->api->core->queue, which, after, err) != 0)
		return error_prefix(err, "after");
	return 0;
}

static int
job_act(struct request *r, int (*act)(struct queue *, uint64_t, const char *by, struct error *),
    struct error *err)
{
	uint64_t id;

	if (request_job(r, &id, err) != 0 || act(r->api->core->queue, id, r->by, err) != 0)
		return -1;
	return job_answer(r, id);
}

static int
job_answer(struct request *r, uint64_t id)
{
	return reply_committed(r, 200, jobs_id_object(id));
}

static cJSON *
jobs_id_object(uint64_t id)
{
	cJSON *object = cJSON_CreateObject();

	json_add_int(object, "id", (int64_t)id);
	return object;
}
