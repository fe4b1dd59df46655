/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls the Web API with one token, which goes into the header Authorization
 * and nowhere else. Each callback opens an account and closes it; judge.c says
 * what an answer means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#include "common/secret.h"

#define PAGES_MAX  50
#define ANSWER_MAX (4u << 20)

static void account_form(struct text_buf *, const struct param *);

int
account_open(struct account *a, struct drover_scope *scope, const char *token,
    struct drover_error *err)
{
	const struct drover_host *host = scope->host;
	char *secret;

	memset(a, 0, sizeof(*a));
	a->scope = scope;
	if ((secret = secret_read(scope, token, false, err)) == NULL)
		return err->code;
	a->authorization = secret_bearer(secret);
	secret_free(secret);
	a->web.scope = scope;
	a->web.base = host->option->string(scope, "api_url");
	a->web.credential = strcmp(token, "app_token") == 0 ? "app" : "bot";
	a->web.authorization = a->authorization;
	a->web.judge = judge_answer;
	a->web.arg = &a->judged;
	a->history_per_minute = (uint32_t)host->option->integer(scope, "history_per_minute");
	if (web_extra_headers(&a->web, err) != 0) {
		account_close(a);
		return err->code;
	}
	return 0;
}

void
account_close(struct account *a)
{
	secret_free(a->authorization);
	a->authorization = NULL;
}

static void
account_form(struct text_buf *out, const struct param *params)
{
	const char *sign = "";

	for (; params != NULL && params->key != NULL; params++) {
		if (params->value == NULL)
			continue;
		text_addf(out, "%s%s=", sign, params->key);
		text_add_url(out, params->value);
		sign = "&";
	}
}

int
account_call(struct account *a, const char *name, const char *channel, const struct param *params,
    struct web_answer *answer, struct drover_error *err)
{
	const struct method *m = method_find(name);
	char limit_name[DROVER_NAME_MAX + SLACK_ID_MAX];
	struct drover_http_limit limit = { .name = limit_name };
	struct text_buf form = { 0 }, path = { 0 };
	struct web_ask ask = { .limits = &limit,
		.limits_len = 1,
		.max = ANSWER_MAX,
		.patience_ms = a->patience_ms };
	int code;

	memset(answer, 0, sizeof(*answer));
	memset(&a->judged, 0, sizeof(a->judged));
	if (m == NULL)
		return plugin_fail(err, DROVER_INTERNAL,
		    "slack: the method %s is not in the list of judge.c", name);
	snprintf(limit_name, sizeof(limit_name), m->of_channel && channel != NULL ? "%s/%s" : "%s",
	    name, channel);
	limit.count = m->count;
	limit.per_ms = m->per_ms;
	/*
	 * Apps that are sold outside Slack's marketplace may read one page a
	 * minute.
	 */
	if (a->history_per_minute > 0 &&
	    (strcmp(name, "conversations.history") == 0 ||
		strcmp(name, "conversations.replies") == 0))
		limit.count = a->history_per_minute;
	/*
	 * A burst and what is refilled in the same minute together stay below
	 * Slack's count.
	 */
	limit.burst = (limit.count + 3) / 4;
	limit.count -= limit.count > limit.burst ? limit.burst : 0;
	a->judged.method = m;
	a->judged.limit = limit_name;
	ask.method = m->read ? "GET" : "POST";
	ask.flags = (a->critical ? DROVER_HTTP_CRITICAL : 0) | (m->once ? DROVER_HTTP_ONCE : 0);
	account_form(&form, params);
	text_addf(&path, "/%s%s%s", name, m->read && form.len > 0 ? "?" : "",
	    m->read ? text_of(&form) : "");
	ask.path = text_of(&path);
	if (!m->read)
		ask.form = text_of(&form);
	code = web_send(&a->web, &ask, answer, err);
	if (code == DROVER_INTERNAL && a->judged.unsure)
		code = err->code = DROVER_AGAIN;
	if (code == 0 && answer->status != 200) {
		code = web_refused(answer, name, err);
		web_answer_free(answer);
	} else if (code == 0 && !json_true(answer->json, "ok") && a->judged.error[0] == '\0') {
		code = plugin_fail(err, DROVER_AGAIN,
		    "slack: %s: the answer has neither ok nor an error", name);
		web_answer_free(answer);
	}
	a->judged.limit = NULL;
	text_free(&form);
	text_free(&path);
	return code;
}

int
account_who(struct account *a, struct drover_error *err)
{
	struct web_answer answer;
	const char *scopes;
	int code;

	if ((code = account_call(a, "auth.test", NULL, NULL, &answer, err)) != 0)
		return code;
	snprintf(a->user, sizeof(a->user), "%s", json_text(answer.json, "user_id"));
	snprintf(a->bot, sizeof(a->bot), "%s", json_text(answer.json, "bot_id"));
	snprintf(a->team, sizeof(a->team), "%s", json_text(answer.json, "team_id"));
	text_line(a->name, sizeof(a->name), json_text(answer.json, "user"));
	text_line(a->url, sizeof(a->url), json_text(answer.json, "url"));
	scopes = a->scope->host->http->header(a->scope, &answer.response, "x-oauth-scopes");
	snprintf(a->scopes, sizeof(a->scopes), "%s", scopes != NULL ? scopes : "");
	if (!slack_id_valid(a->user))
		code = plugin_fail(err, DROVER_CONFIG,
		    "slack: auth.test names no user: bot_token must be a bot token, xoxb-...");
	web_answer_free(&answer);
	return code;
}

bool
account_lacks(const struct account *a, const char *scope)
{
	size_t len = strlen(scope);
	const char *at;

	if (a->scopes[0] == '\0')
		return false;
	for (at = a->scopes; (at = strstr(at, scope)) != NULL; at++)
		if ((at == a->scopes || at[-1] == ',' || at[-1] == ' ') &&
		    (at[len] == '\0' || at[len] == ',' || at[len] == ' '))
			return false;
	return true;
}

int
account_pages(struct account *a, const char *method, const struct param *params, const char *at,
    int pages, char *cursor, size_t size, int (*each)(void *, const cJSON *, struct drover_error *),
    void *arg, struct drover_error *err)
{
	char next[PAGE_MAX * 2] = "";
	struct web_answer answer;
	struct param all[12];
	const cJSON *one, *list;
	size_t n;
	int code = 0, page;

	for (n = 0; params != NULL && params[n].key != NULL && n + 2 < ARRAY_LEN(all); n++)
		all[n] = params[n];
	if (cursor != NULL)
		snprintf(next, sizeof(next), "%s", cursor);
	for (page = 0; page < (pages > 0 ? pages : PAGES_MAX); page++) {
		all[n] = (struct param){ "cursor", next[0] != '\0' ? next : NULL };
		all[n + 1] = (struct param){ NULL, NULL };
		if ((code = account_call(a, method, NULL, all, &answer, err)) != 0)
			return code;
		list = json_at(answer.json, at);
		if (!cJSON_IsArray(list))
			code = plugin_fail(err, DROVER_AGAIN,
			    "slack: %s: the answer has no list %s", method, at);
		cJSON_ArrayForEach(one, list)
			if (code == 0)
				code = each(arg, one, err);
		snprintf(next, sizeof(next), "%s",
		    json_text_at(answer.json, "response_metadata.next_cursor"));
		if (json_at(answer.json, "has_more") != NULL && !json_true(answer.json, "has_more"))
			next[0] = '\0';
		web_answer_free(&answer);
		if (code != 0 || next[0] == '\0')
			break;
	}
	if (code < 0)
		return code;
	if (cursor != NULL && strlen(next) < size)
		snprintf(cursor, size, "%s", code > 0 ? "" : next);
	else if (code == 0 && next[0] != '\0')
		plugin_log(a->scope, DROVER_WARN, "slack: %s: the list goes on after %d pages",
		    method, page);
	return 0;
}
