/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes one issue: its fields, the property that drover keeps on it,
 * and links to pull requests.
 */
#include <stdlib.h>
#include <string.h>

#include "jira/jira.h"

#define LINK_ID_MAX 255

int
issue_get(struct jira *j, const char *key, const char *fields, bool changelog, cJSON **issue,
    struct drover_error *err)
{
	struct jira_request request = { .endpoint = "issue" };
	struct web_answer answer;
	int code;

	*issue = NULL;
	if (!jira_is_key(key))
		return plugin_fail(err, DROVER_PERMANENT, "\"%.80s\" is not the key of an issue",
		    key);
	code = jira_send(j, &request, &answer, err,
	    "/issue/%s?fields=%s&properties=" JIRA_PROPERTY "&properties=" JIRA_PROPERTY_REVIEW
	    "%s",
	    key, fields, changelog ? "&expand=changelog" : "");
	if (code != 0)
		return code;
	if (answer.status == 404) {
		web_answer_free(&answer);
		/*
		 * Jira gives this answer to a token that it no longer knows as
		 * well.
		 */
		return jira_me(j, true, err);
	}
	if (!web_is_good(&answer) || !cJSON_IsObject(json_get(answer.json, "fields"))) {
		code = !web_is_good(&answer) ?
		    web_refused(&answer, key, err) :
		    plugin_fail(err, DROVER_AGAIN, "%s: Jira's answer is not an issue", key);
		/* The account may not see this issue; the token is good. */
		if (answer.status == 403)
			err->code = code = DROVER_PERMANENT;
		web_answer_free(&answer);
		return code;
	}
	*issue = answer.json;
	answer.json = NULL;
	web_answer_free(&answer);
	return 1;
}

int
issue_property(struct jira *j, const char *key, const char *name, cJSON **value,
    struct drover_error *err)
{
	struct jira_request request = { .endpoint = "property" };
	struct web_answer answer;
	int code;

	*value = NULL;
	if ((code = jira_send(j, &request, &answer, err, "/issue/%s/properties/%s", key, name)) !=
	    0)
		return code;
	if (answer.status == 200)
		*value = cJSON_DetachItemFromObjectCaseSensitive(answer.json, "value");
	code = answer.status == 200 || answer.status == 404 ? *value != NULL :
							      web_refused(&answer, key, err);
	web_answer_free(&answer);
	return code;
}

int
issue_property_set(struct jira *j, const char *key, const char *name, const cJSON *value,
    struct drover_error *err)
{
	struct jira_request request = { .method = "PUT",
		.endpoint = "property-write",
		.issue = key,
		.body = value };
	struct web_answer answer;
	int code;

	if ((code = jira_must(j, &request, key, &answer, err, "/issue/%s/properties/%s", key,
		 name)) != 0)
		return code;
	web_answer_free(&answer);
	return 0;
}

int
issue_link(struct jira *j, const char *key, const char *id, const char *url, const char *title,
    struct drover_error *err)
{
	struct jira_request request = { .method = "POST", .endpoint = "remotelink", .issue = key };
	cJSON *body = json_object(), *part;
	char global[LINK_ID_MAX + 1], shown[DROVER_TITLE_MAX];
	struct web_answer answer;
	int code;

	text_line(global, sizeof(global), id);
	text_line(shown, sizeof(shown), title);
	json_put_text(body, "globalId", global);
	part = json_put(body, "application", json_object());
	json_put_text(part, "type", "drover");
	json_put_text(part, "name", "drover");
	json_put_text(body, "relationship", "pull request");
	part = json_put(body, "object", json_object());
	json_put_text(part, "url", url);
	json_put_text(part, "title", shown);
	request.body = body;
	if ((code = jira_must(j, &request, key, &answer, err, "/issue/%s/remotelink", key)) == 0)
		web_answer_free(&answer);
	cJSON_Delete(body);
	return code;
}

const char *
issue_status(const cJSON *issue)
{
	return json_text_at(issue, "fields.status.name");
}

void
issue_text(const cJSON *issue, const char *field, struct text_buf *out)
{
	const cJSON *fields = json_get(issue, "fields");

	adf_read(json_get(fields, field), out);
}
