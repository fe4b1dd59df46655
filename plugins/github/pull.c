/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens pull requests by branch, once whatever crashes: an open one is looked
 * for first, and again if GitHub says that there is one already. Labels are set
 * if the repository has them, and never made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "github.h"

#include "common/once.h"

struct seek {
	struct pull_made *made;
	const char *branch;
};

struct opening {
	struct hub *hub;
	const struct pull_ask *ask;
	struct pull_made *made;
};

static int seek_each(void *, const cJSON *, struct drover_error *);
static int pull_find(struct hub *, const struct pull_ask *, struct pull_made *,
    struct drover_error *);
static char *pull_body(struct drover_scope *, const struct pull_ask *);
static int pull_base(struct hub *, const struct pull_ask *, char[GITHUB_BRANCH_MAX],
    struct drover_error *);
static int pull_make(struct hub *, const struct pull_ask *, struct pull_made *,
    struct drover_error *);
static int label_match(void *, const cJSON *, struct drover_error *);
static int pull_once(void *, char *, size_t, struct drover_error *);

static int
seek_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct seek *seek = arg;

	if (strcmp(json_text(json, "state"), "open") != 0 ||
	    strcmp(json_text_at(json, "head.ref"), seek->branch) != 0)
		return 0;
	/* A fork's branch may be called the same. */
	if (strcmp(json_text_at(json, "head.repo.full_name"),
		json_text_at(json, "base.repo.full_name")) != 0)
		return 0;
	json_id(json, "number", seek->made->number, sizeof(seek->made->number));
	snprintf(seek->made->url, sizeof(seek->made->url), "%.500s", json_text(json, "html_url"));
	return 1;
}

static int
pull_find(struct hub *hub, const struct pull_ask *ask, struct pull_made *made,
    struct drover_error *err)
{
	struct seek seek = { made, ask->branch };
	struct text_buf path = { 0 }, head = { 0 };
	int code;

	/*
	 * Looks for the open pull request of a branch. GitHub ignores a head
	 * that it does not understand and lists all pull requests, so
	 * seek_each() compares them.
	 */
	text_addf(&head, "%.*s:%s", (int)strcspn(ask->slug, "/"), ask->slug, ask->branch);
	text_addf(&path, "/repos/%s/pulls?head=", ask->slug);
	text_add_url(&path, text_of(&head));
	text_addf(&path, "&state=open&per_page=100");
	code = hub_pages(hub, path.data, 0, 10, seek_each, &seek, err);
	text_free(&path);
	text_free(&head);
	return code;
}

static char *
pull_body(struct drover_scope *scope, const struct pull_ask *ask)
{
	struct text_buf body = { 0 };

	text_addf(&body, "%s", ask->body);
	if (post_marks(scope))
		talk_marker_add(&body, "pull", ask->key != NULL ? ask->key : ask->branch,
		    ask->trace);
	return text_take(&body);
}

static int
pull_base(struct hub *hub, const struct pull_ask *ask, char base[GITHUB_BRANCH_MAX],
    struct drover_error *err)
{
	struct web_answer answer;
	int code;

	if (ask->base != NULL && *ask->base != '\0') {
		if (strlen(ask->base) >= GITHUB_BRANCH_MAX)
			return plugin_fail(err, DROVER_PERMANENT,
			    "the base branch's name is too long");
		snprintf(base, GITHUB_BRANCH_MAX, "%s", ask->base);
		return 0;
	}
	if ((code = hub_get(hub, &answer, DROVER_HTTP_CACHED, err, "/repos/%s", ask->slug)) != 0)
		return code;
	snprintf(base, GITHUB_BRANCH_MAX, "%.200s", json_text(answer.json, "default_branch"));
	if (answer.status != 200 || *base == '\0')
		code = web_refused(&answer, "the repository", err);
	web_answer_free(&answer);
	return code;
}

static int
pull_make(struct hub *hub, const struct pull_ask *ask, struct pull_made *made,
    struct drover_error *err)
{
	char base[GITHUB_BRANCH_MAX], *text;
	struct web_answer answer = { 0 };
	cJSON *body;
	int code;

	if ((code = pull_base(hub, ask, base, err)) != 0)
		return code;
	text = pull_body(hub->scope, ask);
	body = json_object();
	json_put_text(body, "title", ask->title);
	json_put_text(body, "head", ask->branch);
	json_put_text(body, "base", base);
	json_put_text(body, "body", text);
	if (ask->draft)
		json_put_bool(body, "draft", true);
	free(text);
	if ((code = hub_write(hub, "POST", body, DROVER_HTTP_ONCE, &answer, err, "/repos/%s/pulls",
		 ask->slug)) != 0)
		return code;
	if (answer.status == 201) {
		json_id(answer.json, "number", made->number, sizeof(made->number));
		snprintf(made->url, sizeof(made->url), "%.500s",
		    json_text(answer.json, "html_url"));
		made->created = true;
	} else {
		code = web_refused(&answer, "a pull request", err);
		/* If another attempt was quicker, it exists already. */
		if (answer.status == 422 && pull_find(hub, ask, made, err) == 0 &&
		    made->number[0] != '\0')
			code = 0;
		else if (answer.status == 422)
			code = web_refused(&answer, "a pull request", err);
	}
	web_answer_free(&answer);
	return code;
}

struct labels {
	const cJSON *wanted;
	cJSON *known; /* as the repository writes them */
};

static int
label_match(void *arg, const cJSON *json, struct drover_error *err)
{
	struct labels *labels = arg;
	const char *name = json_text(json, "name");
	const cJSON *one;

	cJSON_ArrayForEach(one, labels->wanted)
		if (cJSON_IsString(one) && strcasecmp(one->valuestring, name) == 0)
			json_push_text(labels->known, name);
	return 0;
}

int
labels_add(struct hub *hub, const char *number, const cJSON *wanted, cJSON **set, cJSON **missing,
    struct drover_error *err)
{
	struct labels labels = { wanted, json_array() };
	struct web_answer answer = { 0 };
	char path[GITHUB_URL_MAX];
	const cJSON *one, *known;
	cJSON *body;
	int code = 0;

	*set = labels.known;
	*missing = json_array();
	if (cJSON_GetArraySize(wanted) == 0)
		return 0;
	snprintf(path, sizeof(path), "/repos/%s/labels?per_page=100", hub->slug);
	if ((code = hub_pages(hub, path, DROVER_HTTP_CACHED, 20, label_match, &labels, err)) != 0)
		return code;
	cJSON_ArrayForEach(one, wanted) {
		bool found = false;

		cJSON_ArrayForEach(known, labels.known)
			found = found ||
			    (cJSON_IsString(one) &&
				strcasecmp(known->valuestring, one->valuestring) == 0);
		if (!found && cJSON_IsString(one))
			json_push_text(*missing, one->valuestring);
	}
	if (cJSON_GetArraySize(labels.known) == 0)
		return 0;
	/* This needs no effect: adding a label twice changes nothing. */
	body = json_object();
	json_put(body, "labels", xjson(cJSON_Duplicate(labels.known, 1)));
	if ((code = hub_write(hub, "POST", body, 0, &answer, err, "/repos/%s/issues/%s/labels",
		 hub->slug, number)) != 0)
		return code;
	if (answer.status != 200 && answer.status != 201)
		code = web_refused(&answer, "labels", err);
	web_answer_free(&answer);
	return code;
}

/*
 * A person may have opened one for the branch, so it is looked for in any case.
 */
static int
pull_once(void *arg, char *made, size_t size, struct drover_error *err)
{
	const struct opening *o = arg;
	int code = pull_find(o->hub, o->ask, o->made, err);

	if (code == 0 && o->made->number[0] == '\0')
		code = pull_make(o->hub, o->ask, o->made, err);
	if (code == 0)
		snprintf(made, size, "%s %s", o->made->number, o->made->url);
	return code;
}

int
pull_open(struct hub *hub, const struct pull_ask *ask, struct pull_made *made,
    struct drover_error *err)
{
	char what[SLUG_MAX + 16], text[GITHUB_ID_MAX + GITHUB_URL_MAX];
	const struct once once = { .what = what, .make = pull_once };
	struct opening opening = { hub, ask, made };
	struct drover_error why = { 0 };
	cJSON *missing = NULL;
	int code;

	memset(made, 0, sizeof(*made));
	snprintf(what, sizeof(what), "github/pull/%s", ask->slug);
	if ((code = once_do(hub->scope, &once, ask->key, &opening, text, sizeof(text), err)) != 0)
		return code;
	/*
	 * The same key names the same pull request, even if that was closed
	 * since.
	 */
	made_read(text, made->number, sizeof(made->number), made->url, sizeof(made->url));
	/*
	 * The pull request is there, so what goes wrong with its labels is only
	 * logged.
	 */
	if (labels_add(hub, made->number, ask->labels, &made->labels, &missing, &why) != 0) {
		if (why.code == DROVER_FENCED || why.code == DROVER_CANCELLED) {
			*err = why;
			code = why.code;
		}
		plugin_log(hub->scope, DROVER_WARN, "%s: labels were not set: %s", made->url,
		    why.text);
	}
	if (cJSON_GetArraySize(missing) > 0)
		plugin_log(hub->scope, DROVER_INFO,
		    "%s: %d labels do not exist in the repository and were not set", made->url,
		    cJSON_GetArraySize(missing));
	cJSON_Delete(missing);
	return code;
}
