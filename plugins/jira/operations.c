/* SPDX-License-Identifier: Apache-2.0 */
/* What other plugins and people may ask of this one: a comment, a move to another status, and whether the account works. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jira/jira.h"

static int operation_comment(struct drover_scope *, void *, const char *, uint64_t, struct drover_error *);
static int operation_transition(struct drover_scope *, void *, const char *, uint64_t, struct drover_error *);
static int operation_probe(struct drover_scope *, void *, const char *, uint64_t, struct drover_error *);
static int request_read(const char *, uint64_t, const char *const *, cJSON **, struct drover_error *);
static int reply_json(struct drover_scope *, cJSON *, struct drover_error *);
static bool probe_check(cJSON *, const char *, bool, const char *);
static bool probe_permissions(struct jira *, cJSON *);

const struct drover_operation jira_operation_comment = {
	.size = sizeof(struct drover_operation),
	.name = "comment",
	.summary = "Comments on an issue, once for each key: {\"issue\", \"text\" (Markdown), \"key\"}.",
	.call = operation_comment,
};

const struct drover_operation jira_operation_transition = {
	.size = sizeof(struct drover_operation),
	.name = "transition",
	.summary = "Moves an issue to a status by its name: {\"issue\", \"to\"}.",
	.call = operation_transition,
};

const struct drover_operation jira_operation_probe = {
	.size = sizeof(struct drover_operation),
	.name = "probe",
	.summary = "Tries the account: who it is and what it may do.",
	.timeout_ms = 30000,
	.call = operation_probe,
};

/* An object whose members are texts that are not empty. */
static int
request_read(const char *request, uint64_t len, const char *const *members, cJSON **json, struct drover_error *err)
{
	size_t i;

	if ((*json = json_read(request, len, err)) == NULL)
		return plugin_fail(err, DROVER_PERMANENT, "the request is no JSON object");
	for (i = 0; members[i] != NULL; i++)
		if (*json_text(*json, members[i]) == '\0')
			break;
	if (members[i] == NULL && jira_is_key(json_text(*json, "issue")))
		return 0;
	cJSON_Delete(*json);
	*json = NULL;
	return plugin_fail(err, DROVER_PERMANENT, "the request needs \"%s\"%s", members[i] != NULL ? members[i] : "issue",
	    members[i] != NULL ? ", a text" : ", a key as PROJ-12");
}

static int
reply_json(struct drover_scope *scope, cJSON *json, struct drover_error *err)
{
	char *text = cJSON_PrintUnformatted(json);
	int code;

	cJSON_Delete(json);
	if (text == NULL)
		return plugin_fail(err, DROVER_INTERNAL, "out of memory");
	code = scope->host->call->reply(scope, text, strlen(text), err);
	cJSON_free(text);
	return code;
}

static int
operation_comment(struct drover_scope *scope, void *plugin, const char *request, uint64_t len, struct drover_error *err)
{
	static const char *const members[] = { "issue", "text", "key", NULL };
	char id[DROVER_KEY_MAX], comment[JIRA_ID_MAX] = "", url[1024];
	cJSON *ask, *reply;
	const char *issue;
	struct jira j = { .scope = scope };
	int code;

	if ((code = request_read(request, len, members, &ask, err)) != 0)
		return code;
	issue = json_text(ask, "issue");
	if (snprintf(id, sizeof(id), "call/%s", json_text(ask, "key")) >= DROVER_KEY_MAX - 16)
		code = plugin_fail(err, DROVER_PERMANENT, "key is longer than %d bytes", DROVER_KEY_MAX - 24);
	else if ((code = jira_open(&j, scope, true, err)) == 0)
		code = comment_post(&j, issue, id, json_text(ask, "text"), comment, sizeof(comment), err);
	if (code == 0) {
		snprintf(url, sizeof(url), "%s/browse/%s?focusedCommentId=%s", j.base, issue, comment);
		reply = cJSON_CreateObject();
		cJSON_AddStringToObject(reply, "id", comment);
		cJSON_AddStringToObject(reply, "url", url);
		code = reply_json(scope, reply, err);
	}
	jira_close(&j);
	cJSON_Delete(ask);
	return code;
}

static int
operation_transition(struct drover_scope *scope, void *plugin, const char *request, uint64_t len, struct drover_error *err)
{
	static const char *const members[] = { "issue", "to", NULL };
	cJSON *ask, *reply;
	struct jira j;
	int code, moved = 0;

	if ((code = request_read(request, len, members, &ask, err)) != 0)
		return code;
	if ((code = jira_open(&j, scope, true, err)) == 0 &&
	    (code = issue_transition(&j, json_text(ask, "issue"), json_text(ask, "to"), &moved, err)) == 0) {
		reply = cJSON_CreateObject();
		cJSON_AddBoolToObject(reply, "moved", moved);
		code = reply_json(scope, reply, err);
	}
	jira_close(&j);
	cJSON_Delete(ask);
	return code;
}

static bool
probe_check(cJSON *checks, const char *what, bool ok, const char *text)
{
	cJSON *check = cJSON_CreateObject();

	cJSON_AddStringToObject(check, "what", what);
	cJSON_AddBoolToObject(check, "ok", ok);
	cJSON_AddStringToObject(check, "text", text);
	cJSON_AddItemToArray(checks, check);
	return ok;
}

static bool
probe_permissions(struct jira *j, cJSON *checks)
{
	static const struct {
		const char *key, *text;
	} needed[] = {
		{ "BROWSE_PROJECTS", "see issues" }, { "ADD_COMMENTS", "comment" }, { "TRANSITION_ISSUES", "move issues to another status" },
		{ "EDIT_ISSUES", "keep its marks on issues" }, { "LINK_ISSUES", "link pull requests" }, { "CREATE_ISSUES", "make sub-tasks" },
	};
	struct jira_request request = { .endpoint = "permissions" };
	struct drover_error why = { 0 };
	struct web_answer answer;
	char text[256];
	bool all = true;
	size_t i;

	if (jira_must(j, &request, "permissions", &answer, &why,
	    "/mypermissions?permissions=BROWSE_PROJECTS,ADD_COMMENTS,TRANSITION_ISSUES,EDIT_ISSUES,LINK_ISSUES,CREATE_ISSUES") != 0)
		return probe_check(checks, "permissions", false, why.text);
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		const cJSON *permission = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(answer.json, "permissions"), needed[i].key);
		bool have = json_true(permission, "havePermission");

		snprintf(text, sizeof(text), have ? "may %s" : "may not %s in any project: give the account that permission", needed[i].text);
		all = probe_check(checks, needed[i].key, have, text) && all;
	}
	web_answer_free(&answer);
	return all;
}

static int
operation_probe(struct drover_scope *scope, void *plugin, const char *request, uint64_t len, struct drover_error *err)
{
	cJSON *reply = cJSON_CreateObject(), *checks;
	struct drover_error why = { 0 };
	struct jira j;
	bool ok;
	char text[256];

	if ((ok = jira_open(&j, scope, true, &why) == 0))
		ok = jira_me(&j, true, &why) == 0;
	cJSON_AddStringToObject(reply, "as", j.me[0] != '\0' ? j.me : "");
	cJSON_AddStringToObject(reply, "base", j.base);
	checks = cJSON_AddArrayToObject(reply, "checks");
	snprintf(text, sizeof(text), "is of %s", j.me_name[0] != '\0' ? j.me_name : j.me);
	probe_check(checks, "token", ok, ok ? text : why.text);
	if (ok)
		ok = probe_permissions(&j, checks);
	if (DROVER_HAS(scope->host->secret, given) && !scope->host->secret->given(scope, "webhook_secret"))
		probe_check(checks, "webhook", true, "has no secret: webhooks are refused, polling does the work");
	cJSON_AddBoolToObject(reply, "ok", ok);
	jira_close(&j);
	return reply_json(scope, reply, err);
}
