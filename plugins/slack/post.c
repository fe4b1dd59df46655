/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posts messages of the bot, once whatever crashes. Slack takes no idempotency
 * key, so each message carries a key in its metadata. After a crash between the
 * post and its record, the message is looked for among the bot's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#include "common/once.h"

#define LOOK_PAGES 5
#define LOOK_THREAD_PAGES 50 /* replies come oldest first */
#define LOOK_SIZE "100"

struct looking {
	struct account *account;
	const struct post *post;
	bool by_text; /* true if markers are off, so that messages have no metadata */
	char ts[SLACK_TS_MAX];
};

static int look_each(void *, const cJSON *, struct drover_error *);
static int post_look(void *, char *, size_t, struct drover_error *);
static char *post_metadata(const struct post *);
static int post_send(void *, char *, size_t, struct drover_error *);

static int
look_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct looking *l = arg;
	bool same = message_has_key(json, l->account, l->post->key);

	if (!same && l->by_text)
		same = strcmp(json_text(json, "user"), l->account->user) == 0 &&
		    strcmp(json_text(json, "text"), l->post->text) == 0;
	if (!same || !ts_valid(json_text(json, "ts")))
		return 0;
	ts_copy(l->ts, json_text(json, "ts"));
	return 1;
}

static int
post_look(void *arg, char *ts, size_t size, struct drover_error *err)
{
	struct looking *l = arg;
	struct account *a = l->account;
	const struct post *post = l->post;
	const struct param params[] = {
		{ "channel", post->channel },
		{ "ts", post->thread },
		{ "oldest", post->after },
		{ "include_all_metadata", "true" },
		{ "limit", a->history_per_minute > 0 ? "15" : LOOK_SIZE },
		{ NULL, NULL },
	};
	char cursor[PAGE_MAX] = "";
	int code;

	l->by_text = a->scope->host->option->integer(a->scope, "marker") == 0;
	code = account_pages(a,
	    post->thread != NULL ? "conversations.replies" : "conversations.history", params,
	    "messages", post->thread != NULL ? LOOK_THREAD_PAGES : LOOK_PAGES, cursor,
	    sizeof(cursor), look_each, l, err);
	ts_copy(ts, l->ts);
	if (code == DROVER_PERMANENT && strcmp(a->judged.error, "thread_not_found") == 0)
		code = 0;
	return code;
}

static char *
post_metadata(const struct post *post)
{
	cJSON *json = json_object();
	char *text;

	json_put_text(json, "event_type", SLACK_EVENT);
	json_put_text(json_put(json, "event_payload", json_object()), "key", post->key);
	text = json_print(json);
	cJSON_Delete(json);
	return text;
}

static int
post_send(void *arg, char *ts, size_t size, struct drover_error *err)
{
	const struct looking *l = arg;
	struct account *a = l->account;
	const struct post *post = l->post;
	bool marked = a->scope->host->option->integer(a->scope, "marker") != 0;
	char *metadata = marked ? post_metadata(post) : NULL;
	const struct param params[] = {
		{ "channel", post->channel },
		{ "text", post->text },
		{ "thread_ts", post->thread },
		{ "metadata", metadata },
		{ "parse", "none" },
		{ "unfurl_links", "false" },
		{ "unfurl_media", "false" },
		{ NULL, NULL },
	};
	struct web_answer answer;
	int code;

	code = account_call(a, "chat.postMessage", post->channel, params, &answer, err);
	free(metadata);
	if (code != 0)
		return code;
	ts_copy(ts, json_text(answer.json, "ts"));
	web_answer_free(&answer);
	if (ts[0] == '\0')
		return plugin_fail(err, DROVER_AGAIN,
		    "slack: chat.postMessage: the answer has no ts");
	return 0;
}

int
post_once(struct account *a, const struct post *post, char ts[SLACK_TS_MAX],
    struct drover_error *err)
{
	static const struct once once = { "slack/post", post_look, post_send };
	struct looking l = { .account = a, .post = post };

	return once_do(a->scope, &once, post->key, &l, ts, SLACK_TS_MAX, err);
}

int
post_edit(struct account *a, const char *channel, const char *ts, const char *text,
    struct drover_error *err)
{
	const struct param params[] = {
		{ "channel", channel },
		{ "ts", ts },
		{ "text", text },
		{ "parse", "none" },
		{ NULL, NULL },
	};
	struct web_answer answer;
	int code;

	if ((code = account_call(a, "chat.update", channel, params, &answer, err)) == 0)
		web_answer_free(&answer);
	return code;
}

int
post_reaction(struct account *a, bool add, const char *channel, const char *ts, const char *name,
    struct drover_error *err)
{
	const struct param params[] = { { "channel", channel }, { "timestamp", ts },
		{ "name", name }, { NULL, NULL } };
	struct web_answer answer;
	int code;

	if ((code = account_call(a, add ? "reactions.add" : "reactions.remove", channel, params,
		 &answer, err)) == 0)
		web_answer_free(&answer);
	return code;
}
