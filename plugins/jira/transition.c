/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving an issue to a status. Its workflow and its present status say which
 * transitions there are, so they are asked for each time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jira/jira.h"

#define SHOWN_MAX 200

static void transition_wants(const cJSON *, char *, size_t);
static const cJSON *transition_find(const cJSON *, const char *, char *, size_t);
static int transition_do(struct jira *, const char *, const char *, const char *,
    struct drover_error *);
static void shown_add(char *, size_t, const char *);

static void
shown_add(char *out, size_t size, const char *name)
{
	size_t used = strlen(out);
	char clean[64];

	text_line(clean, sizeof(clean), name);
	snprintf(out + used, size - used, "%s\"%s\"", used > 0 ? ", " : "", clean);
}

/*
 * Lists the fields that the transition's screen requires and that have no
 * default.
 */
static void
transition_wants(const cJSON *transition, char *out, size_t size)
{
	const cJSON *field;

	out[0] = '\0';
	cJSON_ArrayForEach(field, json_get(transition, "fields"))
		if (json_true(field, "required") && !json_true(field, "hasDefaultValue"))
			shown_add(out, size,
			    *json_text(field, "name") != '\0' ? json_text(field, "name") :
								field->string);
}

/*
 * Finds a transition by the status that it leads to, else by its own name.
 * shown gets a list of all that there are.
 */
static const cJSON *
transition_find(const cJSON *list, const char *status, char *shown, size_t size)
{
	const cJSON *transition, *named = NULL;

	shown[0] = '\0';
	cJSON_ArrayForEach(transition, list) {
		const char *to = json_text_at(transition, "to.name");

		if (cJSON_IsFalse(json_get(transition, "isAvailable")))
			continue;
		if (strcasecmp(to, status) == 0)
			return transition;
		if (named == NULL && strcasecmp(json_text(transition, "name"), status) == 0)
			named = transition;
		shown_add(shown, size, *to != '\0' ? to : json_text(transition, "name"));
	}
	return named;
}

static int
transition_do(struct jira *j, const char *key, const char *id, const char *status,
    struct drover_error *err)
{
	struct jira_request request = { .method = "POST",
		.endpoint = "transition",
		.issue = key,
		.once = true };
	cJSON *body = json_object(), *part = json_put(body, "transition", json_object());
	struct web_answer answer;
	char what[SHOWN_MAX];
	int code;

	json_put_text(part, "id", id);
	request.body = body;
	snprintf(what, sizeof(what), "%s: to \"%.80s\"", key, status);
	if ((code = jira_send(j, &request, &answer, err, "/issue/%s/transitions", key)) == 0) {
		if (!web_is_good(&answer)) {
			code = web_refused(&answer, what, err);
			if (answer.status == 400)
				err->code = code = DROVER_CONFIG;
		}
		web_answer_free(&answer);
	}
	cJSON_Delete(body);
	return code;
}

int
issue_transition(struct jira *j, const char *key, const char *status, int *moved,
    struct drover_error *err)
{
	struct jira_request request = { .endpoint = "transitions" };
	char shown[SHOWN_MAX], wants[SHOWN_MAX], id[JIRA_ID_MAX];
	const cJSON *transition;
	struct web_answer answer;
	cJSON *issue;
	int code;

	if (moved != NULL)
		*moved = 0;
	if ((code = issue_get(j, key, "status", false, &issue, err)) <= 0)
		return code < 0 ? code :
				  plugin_fail(err, DROVER_PERMANENT,
				      "%s: does not exist, or this account may not see it", key);
	snprintf(shown, sizeof(shown), "%.80s", issue_status(issue));
	code = strcasecmp(shown, status);
	cJSON_Delete(issue);
	if (code == 0)
		return 0;
	if ((code = jira_must(j, &request, key, &answer, err,
		 "/issue/%s/transitions?expand=transitions.fields", key)) != 0)
		return code;
	transition =
	    transition_find(json_get(answer.json, "transitions"), status, shown, sizeof(shown));
	if (transition == NULL)
		code = plugin_fail(err, DROVER_CONFIG,
		    "%s: its workflow leads from here to %s, not to \"%.80s\"", key,
		    shown[0] != '\0' ? shown : "nowhere that this account may move it", status);
	else {
		transition_wants(transition, wants, sizeof(wants));
		json_id(transition, "id", id, sizeof(id));
		if (wants[0] != '\0')
			code = plugin_fail(err, DROVER_CONFIG,
			    "%s: the move to \"%.80s\" requires the fields %s: make them optional",
			    key, status, wants);
	}
	web_answer_free(&answer);
	if (code != 0 || (code = transition_do(j, key, id, status, err)) != 0)
		return code;
	if (moved != NULL)
		*moved = 1;
	return 0;
}
