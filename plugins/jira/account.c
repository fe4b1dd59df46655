/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account: Jira Cloud with e-mail and token (also under the path prefix
 * that scoped tokens need) or a bearer token, Data Center with a personal
 * access token. Every request of the plugin goes through this file. A callback
 * opens a struct jira and closes it. What Jira said of drover's own account is
 * kept as the plugin's data, and asked for again if the base URL or the
 * credential changes.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/secret.h"
#include "jira/jira.h"

#define ACCOUNT_KEY "account"

static int account_base(struct jira *, struct drover_error *);
static int account_authorize(struct jira *, const char *, struct drover_error *);
static void account_place(const struct jira *, char *, size_t);
static bool account_known(struct jira *);
static int request_send(struct jira *, const struct jira_request *, struct web_answer *,
    struct drover_error *, const char *, va_list) DROVER_PRINTF(5, 0);

static int
account_base(struct jira *j, struct drover_error *err)
{
	const char *base = plugin_option(j->scope, "base_url");
	const char *flavor = plugin_option(j->scope, "flavor");
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(j->base))
		return plugin_fail(err, DROVER_CONFIG,
		    "base_url: must be an address as https://SITE.atlassian.net");
	memcpy(j->base, base, len);
	j->base[len] = '\0';
	if (strstr(j->base, "/rest/api") != NULL)
		return plugin_fail(err, DROVER_CONFIG,
		    "base_url: leave out /rest/api, which drover adds");
	if (*flavor == '\0' || strcmp(flavor, "cloud") == 0)
		j->api = "/rest/api/3";
	else if (strcmp(flavor, "server") == 0) {
		j->server = true;
		j->api = "/rest/api/2";
	} else
		return plugin_fail(err, DROVER_CONFIG,
		    "flavor: must be \"cloud\", or \"server\" for Data Center");
	return 0;
}

/*
 * Makes the value of the header: Basic with an e-mail (Cloud), else Bearer. It
 * is as secret as the token.
 */
static int
account_authorize(struct jira *j, const char *email, struct drover_error *err)
{
	char *token = secret_read(j->scope, "token", false, err), *pair;
	struct text_buf text = { 0 };

	if (token == NULL)
		return err->code;
	if (j->server || *email == '\0')
		j->authorization = secret_bearer(token);
	else {
		text_addf(&text, "%s:%s", email, token);
		j->authorization = xcalloc(2, text.len + 16);
		memcpy(j->authorization, "Basic ", 6);
		pair = text_take(&text);
		EVP_EncodeBlock((unsigned char *)j->authorization + 6, (const unsigned char *)pair,
		    (int)strlen(pair));
		j->scope->host->secret->mask(j->scope, j->authorization + 6);
		secret_free(pair);
	}
	secret_free(token);
	return 0;
}

int
jira_open(struct jira *j, struct drover_scope *scope, bool critical, struct drover_error *err)
{
	const struct drover_host *host = scope->host;
	const char *email = plugin_option(scope, "email");
	int code;

	memset(j, 0, sizeof(*j));
	j->scope = scope;
	j->critical = critical;
	j->marker = host->option->integer(scope, "marker") != 0;
	if ((code = account_base(j, err)) != 0 || (code = account_authorize(j, email, err)) != 0)
		return code;
	text_line(j->credential, sizeof(j->credential), *email != '\0' ? email : "token");
	j->web = (struct web){ .scope = scope,
		.base = j->base,
		.credential = j->credential,
		.authorization = j->authorization,
		.judge = jira_judge,
		.arg = j };
	/* Without this header Jira refuses what looks like a browser's form. */
	j->web.headers[j->web.headers_len++] =
	    (struct drover_field){ "X-Atlassian-Token", "no-check" };
	return web_extra_headers(&j->web, err);
}

void
jira_close(struct jira *j)
{
	secret_free(j->authorization);
	j->authorization = NULL;
}

/* A hash of the account to which the kept data belong. */
static void
account_place(const struct jira *j, char *out, size_t size)
{
	uint64_t h = text_hash(0, j->base, strlen(j->base));

	snprintf(out, size, "%016" PRIx64, text_hash(h, j->credential, strlen(j->credential)));
}

static bool
account_known(struct jira *j)
{
	struct drover_error why = { 0 };
	char value[1024], place[32];
	int64_t len = j->scope->host->kv->get(j->scope, ACCOUNT_KEY, value, sizeof(value), &why);
	cJSON *json =
	    len > 0 && len < (int64_t)sizeof(value) ? json_read(value, (size_t)len, &why) : NULL;

	account_place(j, place, sizeof(place));
	if (json != NULL && strcmp(json_text(json, "at"), place) == 0) {
		text_line(j->me, sizeof(j->me), json_text(json, "id"));
		text_line(j->me_key, sizeof(j->me_key), json_text(json, "key"));
		text_line(j->me_name, sizeof(j->me_name), json_text(json, "name"));
	}
	cJSON_Delete(json);
	return j->me[0] != '\0';
}

int
jira_me(struct jira *j, bool fresh, struct drover_error *err)
{
	struct jira_request request = { .endpoint = "myself" };
	const char *given = plugin_option(j->scope, "account");
	struct web_answer answer;
	char place[32], *text;
	cJSON *kept;
	int code;

	if (j->me[0] != '\0' && !fresh)
		return 0;
	if (!fresh && account_known(j))
		return 0;
	if ((code = jira_must(j, &request, "who we are", &answer, err, "/myself")) != 0)
		return code;
	text_line(j->me, sizeof(j->me), jira_user_id(j, answer.json));
	text_line(j->me_key, sizeof(j->me_key), json_text(answer.json, "key"));
	text_line(j->me_name, sizeof(j->me_name), json_text(answer.json, "displayName"));
	web_answer_free(&answer);
	if (j->me[0] == '\0')
		return plugin_fail(err, DROVER_CONFIG,
		    "%s%s/myself names no account: check option flavor", j->base, j->api);
	if (*given != '\0' && strcmp(given, j->me) != 0)
		return plugin_fail(err, DROVER_CONFIG,
		    "the token belongs to account %s, but option account says %s", j->me, given);
	account_place(j, place, sizeof(place));
	kept = json_object();
	json_put_text(kept, "at", place);
	json_put_text(kept, "id", j->me);
	json_put_text(kept, "key", j->me_key);
	json_put_text(kept, "name", j->me_name);
	text = json_print(kept);
	cJSON_Delete(kept);
	code = j->scope->host->kv->set(j->scope, ACCOUNT_KEY, text, err);
	free(text);
	return code;
}

const char *
jira_user_id(const struct jira *j, const cJSON *user)
{
	const char *id = json_text(user, j->server ? "name" : "accountId");

	return *id == '\0' && j->server ? json_text(user, "key") : id;
}

bool
jira_is_me(const struct jira *j, const cJSON *user)
{
	const char *id = jira_user_id(j, user);

	return *id != '\0' &&
	    (strcmp(id, j->me) == 0 ||
		(j->server && j->me_key[0] != '\0' &&
		    strcmp(json_text(user, "key"), j->me_key) == 0));
}

bool
jira_is_key(const char *key)
{
	return text_is_of(key, TEXT_ALNUM "_-") && strlen(key) < JIRA_ID_MAX;
}

static int
request_send(struct jira *j, const struct jira_request *request, struct web_answer *answer,
    struct drover_error *err, const char *format, va_list ap)
{
	char path[1024];
	size_t at = (size_t)snprintf(path, sizeof(path), "%s", j->api);
	struct web_ask ask = { .method = request->method,
		.path = path,
		.body = request->body,
		.limits = j->limits };

	/*
	 * Atlassian allows 100 requests a second on an endpoint, and for writes
	 * to one issue 20 at once and 100 in half a minute.
	 */
	j->limits[0] = (struct drover_http_limit){ request->endpoint, 50, 50, 1000 };
	ask.limits_len = 1;
	if (request->issue != NULL) {
		snprintf(j->issue_limit, sizeof(j->issue_limit), "issue/%s", request->issue);
		j->limits[ask.limits_len++] =
		    (struct drover_http_limit){ j->issue_limit, 80, 14, 30000 };
	} else
		j->issue_limit[0] = '\0';
	vsnprintf(path + at, sizeof(path) - at, format, ap);
	ask.flags =
	    (j->critical ? DROVER_HTTP_CRITICAL : 0) | (request->once ? DROVER_HTTP_ONCE : 0);
	return web_send(&j->web, &ask, answer, err);
}

int
jira_send(struct jira *j, const struct jira_request *request, struct web_answer *answer,
    struct drover_error *err, const char *format, ...)
{
	va_list ap;
	int code;

	va_start(ap, format);
	code = request_send(j, request, answer, err, format, ap);
	va_end(ap);
	return code;
}

int
jira_must(struct jira *j, const struct jira_request *request, const char *what,
    struct web_answer *answer, struct drover_error *err, const char *format, ...)
{
	va_list ap;
	int code;

	va_start(ap, format);
	code = request_send(j, request, answer, err, format, ap);
	va_end(ap);
	if (code != 0 || web_is_good(answer))
		return code;
	code = web_refused(answer, what, err);
	web_answer_free(answer);
	return code;
}
