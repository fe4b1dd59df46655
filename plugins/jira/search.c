/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches issues by JQL. Cloud hands out pages by tokens, may give fewer
 * issues than asked for on any of them, and lags behind by seconds. Data Center
 * counts from startAt.
 */
#include <stdlib.h>
#include <string.h>

#include "jira/jira.h"

#define SEARCH_PAGE 50
#define SEARCH_PAGES 20
#define RECONCILE_MAX 50
#define TOKEN_MAX 4096

static cJSON *search_body(struct jira *, const char *, const char *const *, const char *const *,
    size_t);
static int search_walk(const cJSON *, int (*)(void *, const cJSON *, struct drover_error *), void *,
    int *, struct drover_error *);

void
jql_quote(struct text_buf *out, const char *value)
{
	text_add(out, "\"", 1);
	for (; *value != '\0'; value++) {
		if ((unsigned char)*value < ' ')
			continue;
		if (*value == '"' || *value == '\\')
			text_add(out, "\\", 1);
		text_add(out, value, 1);
	}
	text_add(out, "\"", 1);
}

static cJSON *
search_body(struct jira *j, const char *jql, const char *const *fields,
    const char *const *reconcile, size_t reconcile_len)
{
	cJSON *body = json_object(), *list;
	size_t i;

	json_put_text(body, "jql", jql);
	json_put_number(body, "maxResults", SEARCH_PAGE);
	list = json_put(body, "fields", json_array());
	for (i = 0; fields[i] != NULL; i++)
		json_push_text(list, fields[i]);
	if (j->server || reconcile_len == 0)
		return body;
	list = json_put(body, "reconcileIssues", json_array());
	for (i = 0; i < reconcile_len && i < RECONCILE_MAX; i++)
		if (strspn(reconcile[i], "0123456789") == strlen(reconcile[i]) &&
		    strlen(reconcile[i]) <= 18)
			json_push(list, xjson(cJSON_CreateRaw(reconcile[i])));
	return body;
}

static int
search_walk(const cJSON *issues, int (*each)(void *, const cJSON *, struct drover_error *),
    void *arg, int *count, struct drover_error *err)
{
	const cJSON *issue;
	int code;

	*count = 0;
	cJSON_ArrayForEach(issue, issues) {
		++*count;
		if (jira_is_key(json_text(issue, "key")) && (code = each(arg, issue, err)) != 0)
			return code;
	}
	return 0;
}

int
jira_search(struct jira *j, const char *jql, const char *const *fields,
    const char *const *reconcile, size_t reconcile_len,
    int (*each)(void *, const cJSON *, struct drover_error *), void *arg, struct drover_error *err)
{
	struct jira_request request = { .method = "POST", .endpoint = "search" };
	cJSON *body = search_body(j, jql, fields, reconcile, reconcile_len);
	struct web_answer answer;
	char token[TOKEN_MAX] = "";
	int page, count, start = 0, code = 0;

	request.body = body;
	for (page = 0; page < SEARCH_PAGES; page++) {
		const char *next;

		if ((code = jira_send(j, &request, &answer, err, "%s",
			 j->server ? "/search" : "/search/jql")) != 0)
			break;
		if (!web_is_good(&answer)) {
			code = web_refused(&answer, "search", err);
			/*
			 * The query comes from options, so a project, a status
			 * or a field in them is wrong.
			 */
			if (answer.status == 400)
				err->code = code = DROVER_CONFIG;
			web_answer_free(&answer);
			break;
		}
		if (!cJSON_IsArray(json_get(answer.json, "issues"))) {
			web_answer_free(&answer);
			code = plugin_fail(err, DROVER_AGAIN,
			    "search: Jira's answer has no list of issues");
			break;
		}
		code = search_walk(json_get(answer.json, "issues"), each, arg, &count, err);
		start += count;
		next = json_text(answer.json, "nextPageToken");
		if (code != 0 || json_true(answer.json, "isLast") ||
		    (j->server ? count == 0 || start >= json_number(answer.json, "total") :
				 *next == '\0' || strlen(next) >= sizeof(token) ||
				strcmp(next, token) == 0)) {
			web_answer_free(&answer);
			break;
		}
		if (j->server) {
			json_put_number(body, "startAt", start);
		} else {
			memcpy(token, next, strlen(next) + 1);
			json_put_text(body, "nextPageToken", token);
		}
		web_answer_free(&answer);
	}
	cJSON_Delete(body);
	return code < 0 ? code : 0;
}
