/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations for other plugins and operators: comment on an issue, move it
 * to another status, and check whether the account works.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reply.h"
#include "jira/jira.h"

static int operation_comment(struct drover_scope *, void *, const char *, uint64_t,
    struct drover_error *);
static int operation_transition(struct drover_scope *, void *, const char *, uint64_t,
    struct drover_error *);
static int operation_probe(struct drover_scope *, void *, const char *, uint64_t,
    struct drover_error *);
static int request_read(const char *, uint64_t, const char *const *, cJSON **,
    struct drover_error *);
static void probe_permissions(struct jira *, struct probe *);

const struct drover_operation jira_operation_comment = {
	.size = sizeof(struct drover_operation),
	.name = "comment",
	.summary =
	    "Comments on an issue, once for each key: {\"issue\", \"text\" (Markdown), \"key\"}.",
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

/* Reads an object whose members are texts, none of them empty. */
static int
request_read(const char *request, uint64_t len, const char *const *members, cJSON **json,
    struct drover_error *err)
{
	size_t i;

	if ((*json = json_read(request, len, err)) == NULL)
		return plugin_fail(err, DROVER_PERMANENT, "the request is not a JSON object");
	for (i = 0; members[i] != NULL; i++)
		if (*json_text(*json, members[i]) == '\0')
			break;
	if (members[i] == NULL && jira_is_key(json_text(*json, "issue")))
		return 0;
	cJSON_Delete(*json);
	*json = NULL;
	return plugin_fail(err, DROVER_PERMANENT, "the request needs \"%s\"%s",
	    members[i] != NULL ? members[i] : "issue",
	    members[i] != NULL ? ", a text" : ", a key as PROJ-12");
}

static int
operation_comment(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
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
		code = plugin_fail(err, DROVER_PERMANENT, "\"key\" is longer than %d bytes",
		    DROVER_KEY_MAX - 24);
	else if ((code = jira_open(&j, scope, true, err)) == 0)
		code = comment_post(&j, issue, id, json_text(ask, "text"), comment, sizeof(comment),
		    err);
	if (code == 0) {
		snprintf(url, sizeof(url), "%s/browse/%s?focusedCommentId=%s", j.base, issue,
		    comment);
		reply = json_object();
		json_put_text(reply, "id", comment);
		json_put_text(reply, "url", url);
		code = reply_send(scope, reply, err);
	}
	jira_close(&j);
	cJSON_Delete(ask);
	return code;
}

static int
operation_transition(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	static const char *const members[] = { "issue", "to", NULL };
	cJSON *ask, *reply;
	struct jira j;
	int code, moved = 0;

	if ((code = request_read(request, len, members, &ask, err)) != 0)
		return code;
	if ((code = jira_open(&j, scope, true, err)) == 0 &&
	    (code = issue_transition(&j, json_text(ask, "issue"), json_text(ask, "to"), &moved,
		 err)) == 0) {
		reply = json_object();
		json_put_bool(reply, "moved", moved);
		code = reply_send(scope, reply, err);
	}
	jira_close(&j);
	cJSON_Delete(ask);
	return code;
}

static void
probe_permissions(struct jira *j, struct probe *probe)
{
	static const struct {
		const char *key, *text;
	} needed[] = {
		{ "BROWSE_PROJECTS", "see issues" },
		{ "ADD_COMMENTS", "comment" },
		{ "TRANSITION_ISSUES", "move issues to another status" },
		{ "EDIT_ISSUES", "keep its marks on issues" },
		{ "LINK_ISSUES", "link pull requests" },
		{ "CREATE_ISSUES", "make sub-tasks" },
	};
	struct jira_request request = { .endpoint = "permissions" };
	struct drover_error why = { 0 };
	struct text_buf keys = { 0 };
	struct web_answer answer;
	size_t i;
	int code;

	for (i = 0; i < ARRAY_LEN(needed); i++)
		text_addf(&keys, "%s%s", i > 0 ? "," : "", needed[i].key);
	code = jira_must(j, &request, "permissions", &answer, &why, "/mypermissions?permissions=%s",
	    text_of(&keys));
	text_free(&keys);
	if (code != 0) {
		probe_say(probe, "permissions", false, "%s", why.text);
		return;
	}
	for (i = 0; i < ARRAY_LEN(needed); i++) {
		const cJSON *permission =
		    json_get(json_get(answer.json, "permissions"), needed[i].key);
		bool have = json_true(permission, "havePermission");

		probe_say(probe, needed[i].key, have,
		    have ? "may %s" : "may not %s in any project: give the account that permission",
		    needed[i].text);
	}
	web_answer_free(&answer);
}

static int
operation_probe(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	struct drover_error why = { 0 };
	struct probe probe = { 0 };
	struct jira j;
	int code;

	if (jira_open(&j, scope, true, &why) == 0 && jira_me(&j, true, &why) == 0) {
		probe_say(&probe, "token", true, "is of %s",
		    j.me_name[0] != '\0' ? j.me_name : j.me);
		probe_permissions(&j, &probe);
	} else
		probe_say(&probe, "token", false, "%s", why.text);
	if (!scope->host->secret->given(scope, "webhook_secret"))
		probe_say(&probe, "webhook", true,
		    "has no secret: webhooks are refused, polling does the work");
	code = probe_reply(scope, &probe, j.me, j.base, err);
	jira_close(&j);
	return code;
}
