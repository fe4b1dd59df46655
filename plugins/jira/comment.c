/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posts comments, once whatever crashes: once_do() looks for the comment if it
 * cannot tell whether it was posted. On Jira Cloud a property of each comment
 * names it, on Data Center an anchor in its last line does; people see neither.
 * If markers are off, a comment of drover's with the same text is taken for it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/once.h"
#include "jira/jira.h"

#define COMMENT_PAGE 50
#define COMMENT_LOOK 200 /* how many of the newest comments are searched for one of drover's */

struct look {
	struct jira *j;
	const char *issue, *id, *text;
	const cJSON *document;
	char anchor[64], found[JIRA_ID_MAX];
};

static void comment_anchor(char *, size_t, const char *);
static int comment_has_property(struct look *, const cJSON *, const char *, struct drover_error *);
static bool comment_same(const struct look *, const cJSON *);
static int comment_look(void *, const cJSON *, struct drover_error *);
static int comment_find(void *, char *, size_t, struct drover_error *);
static int comment_send(void *, char *, size_t, struct drover_error *);

static void
comment_anchor(char *out, size_t size, const char *id)
{
	snprintf(out, size, "{anchor:drover-%016" PRIx64 "}", text_hash(0, id, strlen(id)));
}

int
comment_each(struct jira *j, const char *key, int max,
    int (*each)(void *, const cJSON *, struct drover_error *), void *arg, struct drover_error *err)
{
	struct jira_request request = { .endpoint = "comments" };
	struct web_answer answer;
	const cJSON *list, *comment;
	int start = 0, count, code;

	do {
		code = jira_must(j, &request, key, &answer, err,
		    "/issue/%s/comment?orderBy=-created&startAt=%d&maxResults=%d&expand=properties",
		    key, start, max - start < COMMENT_PAGE ? max - start : COMMENT_PAGE);
		if (code != 0)
			return code;
		list = json_get(answer.json, "comments");
		/*
		 * If this were taken for an empty list, a comment would be
		 * posted twice.
		 */
		if (!cJSON_IsArray(list)) {
			web_answer_free(&answer);
			return plugin_fail(err, DROVER_AGAIN,
			    "%s: Jira's answer has no list of comments", key);
		}
		count = cJSON_GetArraySize(list);
		cJSON_ArrayForEach(comment, list)
			if ((code = each(arg, comment, err)) != 0)
				break;
		start += count;
		if (start >= json_number(answer.json, "total"))
			count = 0;
		web_answer_free(&answer);
	} while (code == 0 && count > 0 && start < max);
	return code < 0 ? code : 0;
}

/*
 * Returns 1 if the comment's property says that it is the one, 0 if not, or a
 * class. Jira does not always send properties with a list.
 */
static int
comment_has_property(struct look *look, const cJSON *comment, const char *id,
    struct drover_error *err)
{
	const cJSON *list = json_get(comment, "properties"), *property;
	struct jira_request request = { .endpoint = "comment-property" };
	struct web_answer answer;
	int code;

	if (cJSON_IsArray(list)) {
		cJSON_ArrayForEach(property, list)
			if (strcmp(json_text(property, "key"), JIRA_PROPERTY) == 0)
				return strcmp(json_text_at(property, "value.id"), look->id) == 0;
		return 0;
	}
	if ((code = jira_send(look->j, &request, &answer, err,
		 "/comment/%s/properties/" JIRA_PROPERTY, id)) != 0)
		return code;
	code = answer.status == 200 && strcmp(json_text_at(answer.json, "value.id"), look->id) == 0;
	web_answer_free(&answer);
	return code;
}

static bool
comment_same(const struct look *look, const cJSON *comment)
{
	struct text_buf text = { 0 };
	bool same;

	adf_read(json_get(comment, "body"), &text);
	same = strcmp(text_of(&text), look->text) == 0;
	text_free(&text);
	return same;
}

static int
comment_look(void *arg, const cJSON *comment, struct drover_error *err)
{
	struct look *look = arg;
	const cJSON *body = json_get(comment, "body");
	char id[JIRA_ID_MAX];
	int is;

	if (!jira_is_me(look->j, json_get(comment, "author")))
		return 0;
	json_id(comment, "id", id, sizeof(id));
	if (!jira_is_key(id))
		return 0;
	if (!look->j->marker)
		is = comment_same(look, comment);
	else if (look->j->server)
		is = cJSON_IsString(body) && strstr(body->valuestring, look->anchor) != NULL;
	else
		is = comment_has_property(look, comment, id, err);
	if (is == 1)
		snprintf(look->found, sizeof(look->found), "%s", id);
	return is;
}

static int
comment_find(void *arg, char *found, size_t size, struct drover_error *err)
{
	struct look *look = arg;
	int code;

	if ((code = jira_me(look->j, false, err)) != 0 ||
	    (code = comment_each(look->j, look->issue, COMMENT_LOOK, comment_look, look, err)) != 0)
		return code;
	snprintf(found, size, "%s", look->found);
	return 0;
}

static int
comment_send(void *arg, char *made, size_t size, struct drover_error *err)
{
	struct look *look = arg;
	struct jira *j = look->j;
	struct jira_request request = { .method = "POST",
		.endpoint = "comment",
		.issue = look->issue,
		.once = true };
	cJSON *body = json_object(), *list, *property, *value;
	struct web_answer answer;
	int code;

	if (j->server) {
		json_put_text(body, "body", look->text);
	} else {
		cJSON_AddItemReferenceToObject(body, "body", (cJSON *)(uintptr_t)look->document);
		if (j->marker) {
			list = json_put(body, "properties", json_array());
			property = json_object();
			json_put_text(property, "key", JIRA_PROPERTY);
			value = json_put(property, "value", json_object());
			json_put_text(value, "id", look->id);
			json_put_text(value, "trace", j->trace);
			json_push(list, property);
		}
	}
	request.body = body;
	if ((code = jira_must(j, &request, look->issue, &answer, err, "/issue/%s/comment",
		 look->issue)) == 0) {
		json_id(answer.json, "id", made, size);
		web_answer_free(&answer);
	}
	cJSON_Delete(body);
	return code;
}

int
comment_post(struct jira *j, const char *key, const char *id, const char *markdown,
    char *comment_id, size_t size, struct drover_error *err)
{
	static const struct once once = { "jira/comment", comment_find, comment_send };
	cJSON *document = xjson(adf_write(j->scope, markdown));
	struct look look = { .j = j, .issue = key, .id = id, .document = document };
	char made[JIRA_ID_MAX];
	struct text_buf text = { 0 };
	int code;

	comment_anchor(look.anchor, sizeof(look.anchor), id);
	if (j->server) {
		wiki_write(document, &text);
		if (j->marker)
			text_addf(&text, "\n\n%s", look.anchor);
	} else
		adf_read(document, &text);
	look.text = text_of(&text);
	code = once_do(j->scope, &once, id, &look, made, sizeof(made), err);
	if (code == 0 && comment_id != NULL)
		snprintf(comment_id, size, "%s", made);
	cJSON_Delete(document);
	text_free(&text);
	return code;
}
