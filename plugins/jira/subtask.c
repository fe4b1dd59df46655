/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sub-tasks: one for each repo where a ticket needs several. The project's own type of sub-task is looked up; a project without one,
 * or one whose screens want more than a summary, gets none, which is said and stops nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jira/fix.h"

static int subtask_type(struct fix *, char *, size_t, struct drover_error *);
static int subtask_find(struct fix *, const char *, char *, size_t, struct drover_error *);
static int subtask_make(struct fix *, const struct fix_work *, const char *, const char *, char *, size_t, struct drover_error *);

static int
subtask_type(struct fix *f, char *type, size_t size, struct drover_error *err)
{
	struct jira_request request = { .endpoint = "project" };
	struct web_answer answer;
	const cJSON *one;
	int code;

	type[0] = '\0';
	if (!jira_is_key(json_text_at(f->issue, "fields.project.key")))
		return 0;
	if ((code = jira_must(&f->jira, &request, "project", &answer, err, "/project/%s", json_text_at(f->issue, "fields.project.key"))) != 0)
		return code;
	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(answer.json, "issueTypes"))
		if (json_true(one, "subtask")) {
			json_id(one, "id", type, size);
			break;
		}
	web_answer_free(&answer);
	return 0;
}

/* After a crash: the sub-task that carries our property with this id. */
static int
subtask_find(struct fix *f, const char *id, char *key, size_t size, struct drover_error *err)
{
	const cJSON *one;
	cJSON *issue, *property;
	int code = issue_get(&f->jira, f->p.issue, "subtasks", false, &issue, err);

	if (code <= 0)
		return code;
	cJSON_ArrayForEach(one, json_at(issue, "fields.subtasks")) {
		const char *candidate = json_text(one, "key");

		if (!jira_is_key(candidate) || (code = issue_property(&f->jira, candidate, JIRA_PROPERTY, &property, err)) == 0)
			continue;
		if (code < 0)
			break;
		if (strcmp(json_text(property, "id"), id) == 0)
			snprintf(key, size, "%s", candidate);
		cJSON_Delete(property);
		if (key[0] != '\0')
			break;
	}
	cJSON_Delete(issue);
	return code < 0 ? code : 0;
}

static int
subtask_make(struct fix *f, const struct fix_work *work, const char *type, const char *id, char *key, size_t size, struct drover_error *err)
{
	struct jira_request request = { .method = "POST", .endpoint = "create", .once = true };
	cJSON *body = cJSON_CreateObject(), *fields = cJSON_AddObjectToObject(body, "fields"), *property, *value;
	char summary[255];
	struct web_answer answer;
	int code;

	snprintf(summary, sizeof(summary), "%.*s (%s)", (int)text_cut(f->p.summary, strlen(f->p.summary), 180), f->p.summary, work->repo);
	cJSON_AddStringToObject(cJSON_AddObjectToObject(fields, "project"), "key", json_text_at(f->issue, "fields.project.key"));
	cJSON_AddStringToObject(cJSON_AddObjectToObject(fields, "parent"), "key", f->p.issue);
	cJSON_AddStringToObject(cJSON_AddObjectToObject(fields, "issuetype"), "id", type);
	cJSON_AddStringToObject(fields, "summary", summary);
	property = cJSON_CreateObject();
	cJSON_AddStringToObject(property, "key", JIRA_PROPERTY);
	value = cJSON_AddObjectToObject(property, "value");
	cJSON_AddStringToObject(value, "id", id);
	cJSON_AddStringToObject(value, "trace", f->job->trace);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "properties"), property);
	request.body = body;
	if ((code = jira_send(&f->jira, &request, &answer, err, "/issue")) == 0) {
		if (answer.status == 400 || answer.status == 403) {
			(void)web_refused(&answer, "sub-task", err);
			f->scope->host->log->printf(f->scope, DROVER_WARN, "%s: goes on without sub-tasks: %s", f->p.issue, err->text);
		} else if (answer.status < 200 || answer.status > 299)
			code = web_refused(&answer, "sub-task", err);
		else
			snprintf(key, size, "%.100s", json_text(answer.json, "key"));
		web_answer_free(&answer);
	}
	cJSON_Delete(body);
	return code;
}

int
fix_subtask(struct fix *f, struct fix_work *work, struct drover_error *err)
{
	const struct drover_host_effect *effect = f->scope->host->effect;
	char id[DROVER_KEY_MAX], effect_key[DROVER_KEY_MAX + 16], type[JIRA_ID_MAX];
	int state, code = 0;

	snprintf(id, sizeof(id), "%.80s/%.60s/%s", f->p.issue, f->p.revision, work->repo);
	if (snprintf(effect_key, sizeof(effect_key), "jira/subtask/%s", id) >= DROVER_KEY_MAX)
		return plugin_fail(err, DROVER_INTERNAL, "%s: the key of its sub-task is too long", f->p.issue);
	if ((state = effect->begin(f->scope, effect_key, work->subtask, sizeof(work->subtask), err)) < 0)
		return state;
	if (state == DROVER_EFFECT_DONE)
		return 0;
	work->subtask[0] = '\0';
	if ((code = subtask_type(f, type, sizeof(type), err)) != 0)
		return code;
	if (state == DROVER_EFFECT_UNSURE)
		code = subtask_find(f, id, work->subtask, sizeof(work->subtask), err);
	if (code == 0 && work->subtask[0] == '\0' && type[0] != '\0')
		code = subtask_make(f, work, type, id, work->subtask, sizeof(work->subtask), err);
	return code != 0 ? code : effect->done(f->scope, effect_key, work->subtask, err);
}
