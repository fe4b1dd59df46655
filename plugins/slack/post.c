/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of ours. Slack takes no idempotency key, so each carries its key in its metadata; after a crash between "posted" and
 * "recorded" it is looked for among our own before it is posted again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#define LOOK_PAGES 5
#define LOOK_SIZE "100"

struct looking {
	const struct account *account;
	const struct post *post;
	bool by_text;                    /* no metadata was sent */
	char ts[SLACK_TS_MAX];
};

static int look_each(void *, const cJSON *, struct drover_error *);
static int post_look(struct account *, const struct post *, char *, struct drover_error *);
static char *post_metadata(const struct post *);
static int post_send(struct account *, const struct post *, char *, struct drover_error *);

static int
look_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct looking *l = arg;
	bool same = message_has_key(json, l->account, l->post->key);

	if (!same && l->by_text)
		same = strcmp(json_text(json, "user"), l->account->user) == 0 && strcmp(json_text(json, "text"), l->post->text) == 0;
	if (!same || !ts_valid(json_text(json, "ts")))
		return 0;
	ts_copy(l->ts, json_text(json, "ts"));
	return 1;
}

/* ts is "" when it is not there. */
static int
post_look(struct account *a, const struct post *post, char *ts, struct drover_error *err)
{
	const struct param params[] = {
		{ "channel", post->channel }, { "ts", post->thread }, { "include_all_metadata", "true" }, { "limit", a->history_per_minute > 0 ? "15" : LOOK_SIZE },
		{ NULL, NULL },
	};
	struct looking l = { .account = a, .post = post, .by_text = a->scope->host->option->integer(a->scope, "marker") == 0 };
	char cursor[PAGE_MAX] = "";
	int code;

	code = account_pages(a, post->thread != NULL ? "conversations.replies" : "conversations.history", params, "messages", LOOK_PAGES,
	    cursor, sizeof(cursor), look_each, &l, err);
	ts_copy(ts, l.ts);
	if (code == DROVER_PERMANENT && strcmp(a->judged.error, "thread_not_found") == 0)
		code = 0;
	return code;
}

static char *
post_metadata(const struct post *post)
{
	cJSON *json = cJSON_CreateObject(), *payload;
	char *text = NULL;

	if (json != NULL && cJSON_AddStringToObject(json, "event_type", SLACK_EVENT) != NULL &&
	    (payload = cJSON_AddObjectToObject(json, "event_payload")) != NULL && cJSON_AddStringToObject(payload, "key", post->key) != NULL)
		text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}

static int
post_send(struct account *a, const struct post *post, char *ts, struct drover_error *err)
{
	bool marked = a->scope->host->option->integer(a->scope, "marker") != 0;
	char *metadata = marked ? post_metadata(post) : NULL;
	const struct param params[] = {
		{ "channel", post->channel }, { "text", post->text }, { "thread_ts", post->thread }, { "metadata", metadata },
		{ "parse", "none" }, { "unfurl_links", "false" }, { "unfurl_media", "false" }, { NULL, NULL },
	};
	struct web_answer answer;
	int code;

	if (marked && metadata == NULL)
		return plugin_fail(err, DROVER_INTERNAL, "out of memory");
	code = account_call(a, "chat.postMessage", post->channel, params, &answer, err);
	free(metadata);
	if (code != 0)
		return code;
	ts_copy(ts, json_text(answer.json, "ts"));
	web_answer_free(&answer);
	if (ts[0] == '\0')
		return plugin_fail(err, DROVER_AGAIN, "slack: chat.postMessage: the answer has no ts");
	return 0;
}

int
post_once(struct account *a, const struct post *post, char ts[SLACK_TS_MAX], struct drover_error *err)
{
	const struct drover_host_effect *effect = a->scope->host->effect;
	char key[DROVER_KEY_MAX + 16], was[DROVER_KEY_MAX] = "";
	int state, code;

	/* Keys of effects are bounded as keys of posts are. */
	if (snprintf(key, sizeof(key), "slack/post/%s", post->key) >= DROVER_KEY_MAX)
		snprintf(key, sizeof(key), "slack/post/%016llx", (unsigned long long)text_hash(0, post->key, strlen(post->key)));
	ts[0] = '\0';
	if ((state = effect->begin(a->scope, key, was, sizeof(was), err)) < 0)
		return err->code;
	if (state == DROVER_EFFECT_DONE && ts_valid(was)) {
		ts_copy(ts, was);
		return 0;
	}
	if (state == DROVER_EFFECT_UNSURE && (code = post_look(a, post, ts, err)) != 0)
		return code;
	if (ts[0] == '\0' && (code = post_send(a, post, ts, err)) != 0)
		return code;
	return effect->done(a->scope, key, ts, err);
}

int
post_edit(struct account *a, const char *channel, const char *ts, const char *text, struct drover_error *err)
{
	const struct param params[] = {
		{ "channel", channel }, { "ts", ts }, { "text", text }, { "parse", "none" }, { NULL, NULL },
	};
	struct web_answer answer;
	int code;

	if ((code = account_call(a, "chat.update", channel, params, &answer, err)) == 0)
		web_answer_free(&answer);
	return code;
}

int
post_reaction(struct account *a, bool add, const char *channel, const char *ts, const char *name, struct drover_error *err)
{
	const struct param params[] = { { "channel", channel }, { "timestamp", ts }, { "name", name }, { NULL, NULL } };
	struct web_answer answer;
	int code;

	if ((code = account_call(a, add ? "reactions.add" : "reactions.remove", channel, params, &answer, err)) == 0)
		web_answer_free(&answer);
	return code;
}
