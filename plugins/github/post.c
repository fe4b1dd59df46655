/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posts comments, once whatever crashes: once_do() begins an effect before the
 * post and ends it afterwards. After a crash in between, the comment is looked
 * for among drover's own, by its marker or, if markers are off, by its text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#include "common/once.h"

#define QUOTE_MAX 160
#define MADE_MAX (GITHUB_ID_MAX + GITHUB_URL_MAX)

struct search {
	struct hub *hub;
	const struct post *post;
	const char *body; /* the text as it would be posted */
	char *made;       /* "ID URL" of the comment that was found */
	size_t size;
};

static void made_write(const cJSON *, char *, size_t);
static char *post_body(struct drover_scope *, const struct post *);
static int search_each(void *, const cJSON *, struct drover_error *);
static int post_search(void *, char *, size_t, struct drover_error *);
static int post_to(const struct search *, const char *, struct web_answer *, struct drover_error *);
static int post_send(void *, char *, size_t, struct drover_error *);
static bool in_thread(const struct post *);
static char *answer_text(struct drover_scope *, const struct ask *, const char *);

static void
made_write(const cJSON *json, char *made, size_t size)
{
	char id[GITHUB_ID_MAX];

	json_id(json, "id", id, sizeof(id));
	snprintf(made, size, "%s %.500s", id, json_text(json, "html_url"));
}

void
made_read(const char *made, char *id, size_t id_size, char *url, size_t url_size)
{
	size_t len = strcspn(made, " ");

	if (id != NULL)
		snprintf(id, id_size, "%.*s", (int)len, made);
	if (url != NULL)
		snprintf(url, url_size, "%s", made[len] != '\0' ? made + len + 1 : "");
}

bool
post_marks(struct drover_scope *scope)
{
	return scope->host->option->integer(scope, "marker") != 0;
}

static bool
in_thread(const struct post *post)
{
	return post->top != NULL && *post->top != '\0';
}

static char *
post_body(struct drover_scope *scope, const struct post *post)
{
	struct text_buf body = { 0 };

	text_addf(&body, "%s", post->text);
	if (post->key != NULL && post_marks(scope))
		talk_marker_add(&body, post->kind, post->key, post->trace);
	return text_take(&body);
}

/* Other people's comments do not count: anyone can copy a marker. */
static int
search_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct search *search = arg;
	const char *body = json_text(json, "body");
	bool marks = post_marks(search->hub->scope);

	if (!account_is_self(search->hub->github, json_text_at(json, "user.login")))
		return 0;
	if (marks ? !talk_marker_has(body, search->post->kind, search->post->key) :
		    strcmp(body, search->body) != 0)
		return 0;
	made_write(json, search->made, search->size);
	return 1;
}

static int
post_search(void *arg, char *made, size_t size, struct drover_error *err)
{
	struct search *search = arg;
	char path[GITHUB_URL_MAX];
	int code;

	search->made = made;
	search->size = size;
	snprintf(path, sizeof(path), "/repos/%s/issues/%s/comments?per_page=100",
	    search->post->slug, search->post->number);
	if ((code = hub_pages(search->hub, path, 0, 50, search_each, search, err)) != 0 ||
	    made[0] != '\0' || !in_thread(search->post))
		return code;
	snprintf(path, sizeof(path), "/repos/%s/pulls/%s/comments?per_page=100", search->post->slug,
	    search->post->number);
	return hub_pages(search->hub, path, 0, 50, search_each, search, err);
}

/* Posts into a thread (top not NULL) or the conversation. */
static int
post_to(const struct search *search, const char *top, struct web_answer *answer,
    struct drover_error *err)
{
	const struct post *post = search->post;
	cJSON *body = json_object();

	json_put_text(body, "body", search->body);
	if (top == NULL)
		return hub_write(search->hub, "POST", body, DROVER_HTTP_ONCE, answer, err,
		    "/repos/%s/issues/%s/comments", post->slug, post->number);
	return hub_write(search->hub, "POST", body, DROVER_HTTP_ONCE, answer, err,
	    "/repos/%s/pulls/%s/comments/%s/replies", post->slug, post->number, top);
}

static int
post_send(void *arg, char *made, size_t size, struct drover_error *err)
{
	struct search *search = arg;
	bool thread = in_thread(search->post);
	struct web_answer answer = { 0 };
	int code = post_to(search, thread ? search->post->top : NULL, &answer, err);

	/* A thread is gone if its first comment is gone. */
	if (code == 0 && thread && (answer.status == 404 || answer.status == 422)) {
		web_answer_free(&answer);
		code = post_to(search, NULL, &answer, err);
	}
	if (code != 0)
		return code;
	if (answer.status == 201)
		made_write(answer.json, made, size);
	else
		code = web_refused(&answer, "a comment", err);
	web_answer_free(&answer);
	return code;
}

int
post_comment(struct hub *hub, const struct post *post, char *id, size_t id_size, char *url,
    size_t url_size, struct drover_error *err)
{
	struct search search = { .hub = hub, .post = post };
	char what[64], made[MADE_MAX], *body = post_body(hub->scope, post);
	const struct once once = { what, post_search, post_send };
	int code;

	search.body = body;
	snprintf(what, sizeof(what), "github/%s", post->kind);
	code = once_do(hub->scope, &once, post->key, &search, made, sizeof(made), err);
	free(body);
	if (code == 0)
		made_read(made, id, id_size, url, url_size);
	return code;
}

/*
 * Quotes what is answered. In the conversation the place does not tell it; and
 * if markers are off, post_is_answer() knows the answer by the link to the ask,
 * so it is needed everywhere.
 */
static char *
answer_text(struct drover_scope *scope, const struct ask *ask, const char *text)
{
	size_t cut = text_cut(ask->text, strcspn(ask->text, "\n"), QUOTE_MAX);
	struct text_buf out = { 0 };
	char *first, *quote;

	if (strcmp(ask->type, "issuecomment") == 0 || strcmp(ask->type, "review") == 0 ||
	    (ask->url[0] != '\0' && !post_marks(scope))) {
		first = xstrndup(ask->text, cut);
		quote = post_tame(scope, first, QUOTE_MAX * 4);
		/*
		 * A fence in the quote would turn the link that follows into
		 * code.
		 */
		if (strchr(quote, '\n') != NULL)
			*quote = '\0';
		text_addf(&out, "> %s%s\n> ([asked here](%s))\n\n", quote,
		    ask->text[cut] != '\0' ? " [...]" : "", ask->url);
		free(quote);
		free(first);
	}
	text_addf(&out, "%s", text);
	return text_take(&out);
}

int
post_answer(struct hub *hub, const struct ask *ask, const char *text, const char *trace,
    struct drover_error *err)
{
	char key[DROVER_KEY_MAX], url[GITHUB_URL_MAX], *whole = answer_text(hub->scope, ask, text);
	struct post post = { .slug = ask->slug,
		.number = ask->number,
		.text = whole,
		.kind = "answer",
		.key = key,
		.trace = trace };
	int code;

	ask_key(ask, key);
	if (strcmp(ask->type, "reviewcomment") == 0)
		post.top = ask->top;
	code = post_comment(hub, &post, NULL, 0, url, sizeof(url), err);
	free(whole);
	if (code == 0)
		code = hub->scope->host->queue->result(hub->scope, "answer", url, err);
	return code;
}

bool
post_is_answer(struct drover_scope *scope, const cJSON *comment, const struct ask *ask)
{
	char key[DROVER_KEY_MAX], link[GITHUB_URL_MAX + 32];

	ask_key(ask, key);
	if (post_marks(scope))
		return talk_marker_has(json_text(comment, "body"), "answer", key);
	/*
	 * A post that is older than the ask answers the words from before an
	 * edit.
	 */
	snprintf(link, sizeof(link), "([asked here](%s))", ask->url);
	return ask->url[0] != '\0' && strstr(json_text(comment, "body"), link) != NULL &&
	    when_read(json_text(comment, "created_at")) >= ask->at;
}

void
post_eyes(struct hub *hub, const struct ask *ask)
{
	static const struct {
		const char *type, *path;
	} places[] = {
		{ "issuecomment", "issues/comments" },
		{ "reviewcomment", "pulls/comments" },
		{ "pull", "issues" },
		{ "issue", "issues" },
		{ "label", "issues" },
	};
	struct web_answer answer;
	struct drover_error why = { 0 };
	cJSON *body;
	size_t i;

	for (i = 0; i < ARRAY_LEN(places) && strcmp(places[i].type, ask->type) != 0; i++)
		continue;
	/* GitHub has no reactions on reviews. */
	if (i == ARRAY_LEN(places))
		return;
	body = json_object();
	json_put_text(body, "content", "eyes");
	if (hub_write(hub, "POST", body, 0, &answer, &why, "/repos/%s/%s/%s/reactions", ask->slug,
		places[i].path, strcmp(ask->type, "label") == 0 ? ask->number : ask->id) != 0) {
		plugin_log(hub->scope, DROVER_INFO, "no reaction was set: %s", why.text);
		return;
	}
	if (answer.status != 200 && answer.status != 201)
		plugin_log(hub->scope, DROVER_INFO, "no reaction was set: GitHub answered %d",
		    answer.status);
	web_answer_free(&answer);
}
