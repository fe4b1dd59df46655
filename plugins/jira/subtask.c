/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes sub-tasks, one for each repo of a ticket that needs several. The
 * project's type of sub-task is looked up. If a project has no such type, or
 * wants more fields than a summary, the work goes on without sub-tasks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/once.h"
#include "jira/fix.h"

struct subtask {
	struct fix *f;
	const struct fix_work *work;
	char id[DROVER_KEY_MAX]; /* member with the id in the property of a sub-task */
};

static int subtask_type(struct fix *, char *, size_t, struct drover_error *);
static int subtask_find(void *, char *, size_t, struct drover_error *);
static int subtask_make(void *, char *, size_t, struct drover_error *);

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
	if ((code = jira_must(&f->jira, &request, "project", &answer, err, "/project/%s",
		 json_text_at(f->issue, "fields.project.key"))) != 0)
		return code;
	cJSON_ArrayForEach(one, json_get(answer.json, "issueTypes"))
		if (json_true(one, "subtask")) {
			json_id(one, "id", type, size);
			break;
		}
	web_answer_free(&answer);
	return 0;
}

/* After a crash, finds the sub-task whose property has this id. */
static int
subtask_find(void *arg, char *key, size_t size, struct drover_error *err)
{
	const struct subtask *subtask = arg;
	struct fix *f = subtask->f;
	const cJSON *one;
	cJSON *issue, *property;
	int code = issue_get(&f->jira, f->p.issue, "subtasks", false, &issue, err);

	if (code <= 0)
		return code;
	cJSON_ArrayForEach(one, json_at(issue, "fields.subtasks")) {
		const char *candidate = json_text(one, "key");

		if (!jira_is_key(candidate) ||
		    (code = issue_property(&f->jira, candidate, JIRA_PROPERTY, &property, err)) ==
			0)
			continue;
		if (code < 0)
			break;
		if (strcmp(json_text(property, "id"), subtask->id) == 0)
			snprintf(key, size, "%s", candidate);
		cJSON_Delete(property);
		if (key[0] != '\0')
			break;
	}
	cJSON_Delete(issue);
	return code < 0 ? code : 0;
}

static int
subtask_make(void *arg, char *key, size_t size, struct drover_error *err)
{
	const struct subtask *subtask = arg;
	struct fix *f = subtask->f;
	struct jira_request request = { .method = "POST", .endpoint = "create", .once = true };
	cJSON *body, *fields, *property, *value;
	char summary[255], type[JIRA_ID_MAX];
	struct web_answer answer;
	int code;

	if ((code = subtask_type(f, type, sizeof(type), err)) != 0 || type[0] == '\0')
		return code;
	body = json_object();
	fields = json_put(body, "fields", json_object());
	snprintf(summary, sizeof(summary), "%.*s (%s)",
	    (int)text_cut(f->p.summary, strlen(f->p.summary), 180), f->p.summary,
	    subtask->work->repo);
	json_put_text(json_put(fields, "project", json_object()), "key",
	    json_text_at(f->issue, "fields.project.key"));
	json_put_text(json_put(fields, "parent", json_object()), "key", f->p.issue);
	json_put_text(json_put(fields, "issuetype", json_object()), "id", type);
	json_put_text(fields, "summary", summary);
	property = json_object();
	json_put_text(property, "key", JIRA_PROPERTY);
	value = json_put(property, "value", json_object());
	json_put_text(value, "id", subtask->id);
	json_put_text(value, "trace", f->job->trace);
	json_push(json_put(body, "properties", json_array()), property);
	request.body = body;
	if ((code = jira_send(&f->jira, &request, &answer, err, "/issue")) == 0) {
		if (answer.status == 400 || answer.status == 403) {
			(void)web_refused(&answer, "sub-task", err);
			plugin_log(f->scope, DROVER_WARN, "%s: goes on without sub-tasks: %s",
			    f->p.issue, err->text);
		} else if (!web_is_good(&answer))
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
	static const struct once once = { "jira/subtask", subtask_find, subtask_make };
	struct subtask subtask = { .f = f, .work = work };

	snprintf(subtask.id, sizeof(subtask.id), "%.80s/%.60s/%s", f->p.issue, f->p.revision,
	    work->repo);
	return once_do(f->scope, &once, subtask.id, &subtask, work->subtask, sizeof(work->subtask),
	    err);
}
