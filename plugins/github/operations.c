/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations, which other plugins and `drover call` may use. Requests and
 * replies are JSON objects, with ids as strings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define STATUS_TEXT_MAX 140 /* characters that GitHub takes */

/* A request and what is needed to carry it out. */
struct call {
	struct drover_scope *scope;
	cJSON *request, *reply;
	struct hub hub;
	char number[GITHUB_ID_MAX];
};

static int call_read(struct call *, struct drover_scope *, const char *, uint64_t, char *slug,
    struct drover_error *);
static int call_begin(struct call *, struct drover_scope *, struct github *, const char *, uint64_t,
    struct drover_error *);
static int call_end(struct call *, int, struct drover_error *);
static int call_need(const struct call *, const char *, const char **, struct drover_error *);
static int call_number(struct call *, struct drover_error *);
static int open_pull_do(struct call *, struct drover_error *);
static int comment_do(struct call *, struct drover_error *);
static int label_remove(struct call *, const cJSON *, struct drover_error *);
static int label_do(struct call *, struct drover_error *);
static int status_do(struct call *, struct drover_error *);
static int git_token_call(struct drover_scope *, void *, const char *, uint64_t,
    struct drover_error *);

/*
 * Defines the operation WHAT, with what its caller sees; the function WHAT_do
 * carries it out.
 */
#define OPERATION(what, name_, summary_) \
	static int what##_call(struct drover_scope *scope, void *plugin, const char *request, \
	    uint64_t len, struct drover_error *err) \
	{ \
		struct call call; \
		int code = call_begin(&call, scope, plugin, request, len, err); \
		return call_end(&call, code == 0 ? what##_do(&call, err) : code, err); \
	} \
	static const struct drover_operation op_##what = { \
		.size = sizeof(struct drover_operation), \
		.name = name_, \
		.summary = summary_, \
		.call = what##_call, \
	}

OPERATION(open_pull, "open-pull",
    "Opens a pull request for a branch, or finds the open one: {repo, branch, title, body, base, "
    "labels, draft, key}.");
OPERATION(comment, "comment",
    "Comments on an issue or pull request, once for a key: {repo, number, text, key}.");
OPERATION(label, "label",
    "Sets existing labels and takes others off: {repo, number, add, remove}.");
OPERATION(status, "status",
    "Sets the status of a commit: {repo, sha, state, context, description, url}.");

static const struct drover_operation op_git_token = {
	.size = sizeof(struct drover_operation),
	.name = "git-token",
	.call = git_token_call,
	.flags = DROVER_OPERATION_CREDENTIAL,
	.summary = "For drover itself: git's token for a repo with token_from: {repo, refused}.",
};
static const struct drover_operation op_probe = {
	.size = sizeof(struct drover_operation),
	.name = "probe",
	.call = github_probe,
	.summary = "Says who drover is at GitHub and what the credential lacks: {}.",
};

const struct drover_operation *const github_operations[] = { &op_open_pull, &op_comment, &op_label,
	&op_status, &op_git_token, &op_probe, NULL };

static int
call_read(struct call *call, struct drover_scope *scope, const char *request, uint64_t len,
    char *slug, struct drover_error *err)
{
	struct drover_error why = { 0 };
	const char *repo;
	int code;

	memset(call, 0, sizeof(*call));
	call->scope = scope;
	call->request = json_read(request, len, &why);
	call->reply = json_object();
	if (!cJSON_IsObject(call->request))
		return plugin_fail(err, DROVER_PERMANENT, "the request is not a JSON object");
	if ((code = call_need(call, "repo", &repo, err)) != 0)
		return code;
	return slug_of_repo(scope, repo, slug, err);
}

/* Begins a call. Use call_end() in any case. */
static int
call_begin(struct call *call, struct drover_scope *scope, struct github *github,
    const char *request, uint64_t len, struct drover_error *err)
{
	char slug[SLUG_MAX];
	int code;

	if ((code = call_read(call, scope, request, len, slug, err)) != 0 ||
	    (code = account_who(github, scope, err)) != 0)
		return code;
	return hub_open(&call->hub, github, scope, slug, DROVER_HTTP_CRITICAL, err);
}

static int
call_end(struct call *call, int code, struct drover_error *err)
{
	if (code == 0)
		code = reply_send(call->scope, call->reply, err);
	else
		cJSON_Delete(call->reply);
	cJSON_Delete(call->request);
	hub_close(&call->hub);
	return code;
}

static int
call_need(const struct call *call, const char *key, const char **value, struct drover_error *err)
{
	*value = json_text(call->request, key);
	if (**value == '\0')
		return plugin_fail(err, DROVER_PERMANENT, "the request has no \"%s\"", key);
	return 0;
}

static int
call_number(struct call *call, struct drover_error *err)
{
	json_id(call->request, "number", call->number, sizeof(call->number));
	if (!text_is_of(call->number, TEXT_DIGITS))
		return plugin_fail(err, DROVER_PERMANENT,
		    "the request has no \"number\" of an issue or pull request");
	return 0;
}

static int
open_pull_do(struct call *call, struct drover_error *err)
{
	const char *body = json_text(call->request, "body"), *key = json_text(call->request, "key");
	struct pull_ask ask = { .slug = call->hub.slug,
		.base = json_text(call->request, "base"),
		.key = *key != '\0' ? key : NULL };
	struct pull_made made;
	char *tame;
	int code;

	if ((code = call_need(call, "branch", &ask.branch, err)) != 0 ||
	    (code = call_need(call, "title", &ask.title, err)) != 0)
		return code;
	if (strlen(ask.branch) >= GITHUB_BRANCH_MAX)
		return plugin_fail(err, DROVER_PERMANENT, "the branch's name is too long");
	ask.body = tame = post_tame(call->hub.scope, body, GITHUB_TEXT_MAX);
	ask.trace = json_text(call->request, "trace");
	ask.labels = json_get(call->request, "labels");
	ask.draft = json_true(call->request, "draft");
	code = pull_open(&call->hub, &ask, &made, err);
	free(tame);
	json_put(call->reply, "labels", made.labels != NULL ? made.labels : json_array());
	json_put_text(call->reply, "number", made.number);
	json_put_text(call->reply, "url", made.url);
	json_put_bool(call->reply, "created", made.created);
	return code;
}

static int
comment_do(struct call *call, struct drover_error *err)
{
	const char *key = json_text(call->request, "key"), *text;
	char own[DROVER_KEY_MAX], id[GITHUB_ID_MAX], url[GITHUB_URL_MAX], *tame;
	struct post post = { .slug = call->hub.slug,
		.number = call->number,
		.kind = "comment",
		.trace = json_text(call->request, "trace") };
	int code;

	if ((code = call_number(call, err)) != 0 ||
	    (code = call_need(call, "text", &text, err)) != 0)
		return code;
	if (*key != '\0') {
		if ((size_t)snprintf(own, sizeof(own), "%s#%s/%s", call->hub.slug, call->number,
			key) >= sizeof(own))
			return plugin_fail(err, DROVER_PERMANENT,
			    "\"key\" is too long: %d bytes at most with the repository's name",
			    DROVER_KEY_MAX - 1);
		post.key = own;
	}
	post.text = tame = post_tame(call->hub.scope, text, GITHUB_TEXT_MAX);
	code = post_comment(&call->hub, &post, id, sizeof(id), url, sizeof(url), err);
	free(tame);
	if (code != 0)
		return code;
	json_put_text(call->reply, "id", id);
	json_put_text(call->reply, "url", url);
	return 0;
}

static int
label_remove(struct call *call, const cJSON *labels, struct drover_error *err)
{
	struct web_answer answer;
	struct text_buf name = { 0 };
	const cJSON *one;
	int code = 0;

	cJSON_ArrayForEach(one, labels) {
		if (!cJSON_IsString(one) || *one->valuestring == '\0')
			continue;
		name.len = 0;
		text_add_url(&name, one->valuestring);
		if ((code = hub_write(&call->hub, "DELETE", NULL, 0, &answer, err,
			 "/repos/%s/issues/%s/labels/%s", call->hub.slug, call->number,
			 name.data)) != 0)
			break;
		/*
		 * 404 means that the label was not set, or that there is no
		 * such issue; adding labels, or the next operation, will notice
		 * that.
		 */
		if (answer.status != 200 && answer.status != 204 && answer.status != 404)
			code = web_refused(&answer, "taking a label off", err);
		web_answer_free(&answer);
		if (code != 0)
			break;
	}
	text_free(&name);
	return code;
}

static int
label_do(struct call *call, struct drover_error *err)
{
	cJSON *set = NULL, *missing = NULL;
	int code;

	if ((code = call_number(call, err)) != 0 ||
	    (code = label_remove(call, json_get(call->request, "remove"), err)) != 0)
		return code;
	code = labels_add(&call->hub, call->number, json_get(call->request, "add"), &set, &missing,
	    err);
	json_put(call->reply, "labels", set);
	json_put(call->reply, "missing", missing);
	return code;
}

static int
status_do(struct call *call, struct drover_error *err)
{
	static const char *const states[] = { "error", "failure", "pending", "success" };
	const char *sha, *state, *text = json_text(call->request, "description"),
				 *url = json_text(call->request, "url");
	const char *context = json_text(call->request, "context");
	char description[STATUS_TEXT_MAX + 1];
	struct web_answer answer;
	cJSON *body;
	size_t i;
	int code;

	if ((code = call_need(call, "sha", &sha, err)) != 0 ||
	    (code = call_need(call, "state", &state, err)) != 0)
		return code;
	for (i = 0; i < ARRAY_LEN(states) && strcmp(states[i], state) != 0; i++)
		continue;
	if (i == ARRAY_LEN(states))
		return plugin_fail(err, DROVER_PERMANENT,
		    "\"state\" is one of error, failure, pending and success");
	if (strlen(sha) > 64 || !text_is_of(sha, TEXT_DIGITS "abcdefABCDEF"))
		return plugin_fail(err, DROVER_PERMANENT, "\"sha\" is not the hash of a commit");
	text_clean(description, sizeof(description), text,
	    text_cut(text, strlen(text), STATUS_TEXT_MAX), "");
	body = json_object();
	json_put_text(body, "state", state);
	json_put_text(body, "context", *context != '\0' ? context : "drover");
	json_put_text(body, "description", description);
	json_put_text(body, "target_url", *url != '\0' ? url : NULL);
	/*
	 * The newest status of a context counts, so it does no harm to set it
	 * twice.
	 */
	if ((code = hub_write(&call->hub, "POST", body, 0, &answer, err, "/repos/%s/statuses/%s",
		 call->hub.slug, sha)) != 0)
		return code;
	if (answer.status == 201) {
		char id[GITHUB_ID_MAX];

		json_id(answer.json, "id", id, sizeof(id));
		json_put_text(call->reply, "id", id);
	} else
		code = web_refused(&answer, "a status", err);
	web_answer_free(&answer);
	return code;
}

static int
git_token_call(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	struct call call;
	char slug[SLUG_MAX], *token = NULL;
	int64_t ends = 0;
	int code = call_read(&call, scope, request, len, slug, err);

	if (code == 0)
		code = account_git_token(plugin, scope, slug, json_true(call.request, "refused"),
		    &token, &ends, err);
	json_put_text(call.reply, "token", token);
	if (ends > 0)
		json_put_number(call.reply, "expires_at", (double)ends);
	secret_free(token);
	return call_end(&call, code, err);
}
