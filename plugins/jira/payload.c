/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a job: the issue as it was when the work was asked for. Later
 * edits of summary and description do not reach the job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jira/jira.h"

#define PAYLOAD_LIST_MAX 20
#define PAYLOAD_CUT "\n\n(The rest of the description is left out: it is too long.)"
#define REPO "repo:"

static void payload_text(cJSON *, const char *, const char *, size_t);
static void payload_names(cJSON *, const char *, const cJSON *);
static const char *repo_of(struct drover_scope *, const cJSON *);

static void
payload_text(cJSON *to, const char *key, const char *text, size_t max)
{
	char *copy = xmalloc(max + sizeof(PAYLOAD_CUT));
	size_t len = strlen(text);

	len = text_clean(copy, max + 1, text, text_cut(text, len, max), "\n\t");
	if (strlen(text) > max && max == PAYLOAD_TEXT_MAX)
		memcpy(copy + len, PAYLOAD_CUT, sizeof(PAYLOAD_CUT));
	json_put_text(to, key, copy);
	free(copy);
}

/* Labels are strings; components are objects with a name. */
static void
payload_names(cJSON *to, const char *key, const cJSON *list)
{
	cJSON *names = json_put(to, key, json_array());
	const cJSON *item;
	char name[128];
	int n = 0;

	cJSON_ArrayForEach(item, list) {
		const char *text =
		    cJSON_IsString(item) ? item->valuestring : json_text(item, "name");

		if (n++ < PAYLOAD_LIST_MAX && text_line(name, sizeof(name), text) > 0)
			json_push_text(names, name);
	}
}

char *
payload_write(const cJSON *issue, const char *revision, const char *status, bool assigned)
{
	const cJSON *fields = json_get(issue, "fields");
	cJSON *json = json_object();
	struct text_buf description = { 0 };
	char id[JIRA_ID_MAX], *text;

	json_id(issue, "id", id, sizeof(id));
	issue_text(issue, "description", &description);
	json_put_text(json, "issue", json_text(issue, "key"));
	json_put_text(json, "id", id);
	json_put_text(json, "revision", revision);
	json_put_text(json, "status", status);
	json_put_bool(json, "assigned", assigned);
	payload_text(json, "summary", json_text(fields, "summary"), 480);
	payload_text(json, "description", text_of(&description), PAYLOAD_TEXT_MAX);
	payload_text(json, "project", json_text_at(fields, "project.key"), 64);
	payload_text(json, "type", json_text_at(fields, "issuetype.name"), 64);
	payload_text(json, "priority", json_text_at(fields, "priority.name"), 64);
	payload_names(json, "labels", json_get(fields, "labels"));
	payload_names(json, "components", json_get(fields, "components"));
	text = json_print(json);
	text_free(&description);
	cJSON_Delete(json);
	return text;
}

int
payload_read(const struct drover_job *job, struct payload *p, struct drover_error *err)
{
	memset(p, 0, sizeof(*p));
	if ((p->json = json_read(job->payload, job->payload_len, err)) == NULL)
		return plugin_fail(err, DROVER_PERMANENT,
		    "the payload is not a JSON object {\"issue\": \"PROJ-1\", ...}");
	p->issue = json_text(p->json, "issue");
	p->id = json_text(p->json, "id");
	p->revision = json_text(p->json, "revision");
	p->summary = json_text(p->json, "summary");
	p->description = json_text(p->json, "description");
	p->status = json_text(p->json, "status");
	p->project = json_text(p->json, "project");
	p->type = json_text(p->json, "type");
	p->priority = json_text(p->json, "priority");
	p->labels = json_get(p->json, "labels");
	p->components = json_get(p->json, "components");
	p->assigned = json_true(p->json, "assigned");
	if (jira_is_key(p->issue) && jira_is_key(p->revision[0] != '\0' ? p->revision : "0"))
		return 0;
	payload_free(p);
	return plugin_fail(err, DROVER_PERMANENT,
	    "the payload names no issue: {\"issue\": \"PROJ-1\", \"revision\": \"...\", ...}");
}

void
payload_free(struct payload *p)
{
	cJSON_Delete(p->json);
	p->json = NULL;
}

static const char *
repo_of(struct drover_scope *scope, const cJSON *name)
{
	struct drover_repo repo = { .size = sizeof(repo) };

	if (!cJSON_IsString(name) || strncmp(name->valuestring, REPO, strlen(REPO)) != 0)
		return NULL;
	return scope->host->repo->find(scope, name->valuestring + strlen(REPO), &repo) == 0 ?
	    repo.name :
	    NULL;
}

const char *
payload_repo(struct drover_scope *scope, const cJSON *labels, const cJSON *components, size_t index,
    size_t *many)
{
	const cJSON *lists[] = { labels, components }, *name, *other;
	const char *repo, *found = NULL;
	size_t i, n = 0;

	for (i = 0; i < 2; i++)
		cJSON_ArrayForEach(name, lists[i]) {
			if ((repo = repo_of(scope, name)) == NULL)
				continue;
			/* A label and a component may name the same repo. */
			other = NULL;
			if (i == 1)
				cJSON_ArrayForEach(other, labels)
					if (cJSON_IsString(other) &&
					    strcmp(other->valuestring, name->valuestring) == 0)
						break;
			if (other != NULL)
				continue;
			if (n++ == index)
				found = repo;
		}
	*many = n;
	return found;
}
