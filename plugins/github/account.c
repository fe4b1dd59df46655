/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drover's account at GitHub, and the token that it asks with: a personal
 * access token, or that of a GitHub App, whose installation tokens are made
 * here.
 *
 * Every callback opens a hub for one repository, asks through it and closes it.
 * Between callbacks, struct github holds drover's login and the installation
 * tokens, in memory only. A token is renewed before it ends, and once more if
 * GitHub refuses it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/rand.h>

#include "github.h"

#define REFRESH_EARLY_MS  (10 * 60 * 1000) /* a token is renewed this long before its hour ends */
#define REFRESH_JITTER_MS (2 * 60 * 1000)
/* The host asks for another token within the last five minutes of one. */
#define GIT_LEFT_MS (6 * 60 * 1000)
#define ACCEPT "application/vnd.github+json, application/json;q=0.9"

static bool is_app(struct drover_scope *);
static void hub_authorize(struct hub *, const char *, const char *);
static int hub_as_app(struct hub *, struct drover_error *);
static int hub_prepare(struct hub *, struct github *, struct drover_scope *, const char *, uint32_t,
    struct drover_error *);
static struct token *token_find(struct github *, const char *);
static void token_drop(struct github *, const char *);
static int token_keep(struct hub *, const cJSON *, struct drover_error *);
static int installation_find(struct hub *, char *, size_t, struct drover_error *);
static int token_make(struct hub *, struct drover_error *);
static int hub_as_installation(struct hub *, struct drover_error *);
static int hub_renew(struct hub *, struct drover_error *);
static bool hub_moved(struct hub *, const char *, char[GITHUB_URL_MAX]);
static int path_print(char[GITHUB_URL_MAX], struct drover_error *, const char *, va_list);
static int account_ask(struct github *, struct drover_scope *, struct drover_error *);

static bool
is_app(struct drover_scope *scope)
{
	return *plugin_option(scope, "app_id") != '\0';
}

int
account_check(struct drover_scope *scope, struct drover_error *err)
{
	const struct drover_host_secret *secret = scope->host->secret;
	bool pat = secret->given(scope, "token") == 1,
	     key = secret->given(scope, "private_key") == 1;
	const char *base = plugin_option(scope, "api_url");

	if (strncmp(base, "https://", 8) != 0 && strncmp(base, "http://", 7) != 0)
		return plugin_fail(err, DROVER_CONFIG,
		    "api_url: \"%.200s\" is not a URL; GitHub's own is https://api.github.com",
		    base);
	if (is_app(scope) && pat)
		return plugin_fail(err, DROVER_CONFIG,
		    "both app_id and token_file are given: drover works as an App or as a user");
	if (is_app(scope) && !key)
		return plugin_fail(err, DROVER_CONFIG,
		    "app_id is given but no private_key_file: make the key in the App's settings");
	if (!is_app(scope) && !pat)
		return plugin_fail(err, DROVER_CONFIG,
		    "no credential: give app_id and private_key_file of an App, or a token_file");
	return 0;
}

static void
hub_authorize(struct hub *hub, const char *credential, const char *token)
{
	secret_free(hub->authorization);
	hub->authorization = secret_bearer(token);
	hub->web.authorization = hub->authorization;
	snprintf(hub->credential, sizeof(hub->credential), "%s", credential);
	hub->web.credential = hub->credential;
}

static int
hub_as_app(struct hub *hub, struct drover_error *err)
{
	struct drover_scope *scope = hub->scope;
	const char *id = plugin_option(scope, "app_id");
	char *pem = secret_read(scope, "private_key", true, err), *jwt, credential[LOGIN_MAX];

	if (pem == NULL)
		return err->code;
	jwt = jwt_make(id, pem, scope->host->time->now(scope) / 1000, err);
	secret_free(pem);
	if (jwt == NULL)
		return err->code;
	scope->host->secret->mask(scope, jwt);
	snprintf(credential, sizeof(credential), "app/%.64s", id);
	hub_authorize(hub, credential, jwt);
	secret_free(jwt);
	return 0;
}

static struct token *
token_find(struct github *github, const char *slug)
{
	size_t i;

	for (i = 0; i < TOKENS; i++)
		if (github->tokens[i].text != NULL && strcasecmp(github->tokens[i].slug, slug) == 0)
			return &github->tokens[i];
	return NULL;
}

static void
token_drop(struct github *github, const char *slug)
{
	struct token *token = token_find(github, slug);

	if (token == NULL)
		return;
	secret_free(token->text);
	token->text = NULL;
}

static int
token_keep(struct hub *hub, const cJSON *made, struct drover_error *err)
{
	struct github *github = hub->github;
	struct token *token = NULL;
	const char *text = json_text(made, "token");
	int64_t ends = when_read(json_text(made, "expires_at")),
		now = hub->scope->host->time->now(hub->scope);
	uint32_t jitter = 0;
	size_t i;

	if (*text == '\0' || strpbrk(text, "\r\n") != NULL)
		return plugin_fail(err, DROVER_AGAIN,
		    "%s: GitHub answered without an installation token", hub->slug);
	hub->scope->host->secret->mask(hub->scope, text);
	token_drop(github, hub->slug);
	for (i = 0; i < TOKENS && token == NULL; i++)
		if (github->tokens[i].text == NULL)
			token = &github->tokens[i];
	if (token == NULL) {
		token = &github->tokens[github->next++ % TOKENS];
		secret_free(token->text);
	}
	token->text = xstrdup(text);
	snprintf(token->slug, sizeof(token->slug), "%s", hub->slug);
	token->ends_at = ends * 1000;
	/* Daemons that share an App must not all renew in the same second. */
	if (RAND_bytes((unsigned char *)&jitter, sizeof(jitter)) != 1)
		jitter = 0;
	if (ends * 1000 < now + 2 * REFRESH_EARLY_MS)
		ends = now / 1000 + 3600;
	token->refresh_at = ends * 1000 - REFRESH_EARLY_MS - jitter % REFRESH_JITTER_MS;
	return 0;
}

static int
installation_find(struct hub *hub, char *id, size_t size, struct drover_error *err)
{
	const char *given = plugin_option(hub->scope, "installation_id");
	struct web_answer answer;
	int code;

	if (*given != '\0') {
		if (strspn(given, "0123456789") != strlen(given) || strlen(given) >= size)
			return plugin_fail(err, DROVER_CONFIG,
			    "installation_id: \"%.64s\" is not a number", given);
		snprintf(id, size, "%s", given);
		return 0;
	}
	if ((code = hub_get(hub, &answer, 0, err, "/repos/%s/installation", hub->slug)) != 0)
		return code;
	json_id(answer.json, "id", id, size);
	if (answer.status == 404)
		code = plugin_fail(err, DROVER_AUTH,
		    "%s: the GitHub App is not installed for this repository: install it there",
		    hub->slug);
	else if (answer.status != 200 || *id == '\0')
		code = web_refused(&answer, "the App's installation", err);
	web_answer_free(&answer);
	return code;
}

/*
 * Asks for an installation token as the App. The hub keeps the App's credential
 * afterwards.
 */
static int
token_make(struct hub *hub, struct drover_error *err)
{
	struct web_answer answer;
	char id[GITHUB_ID_MAX];
	int code;

	if ((code = hub_as_app(hub, err)) != 0 ||
	    (code = installation_find(hub, id, sizeof(id), err)) != 0)
		return code;
	if ((code = hub_write(hub, "POST", NULL, 0, &answer, err,
		 "/app/installations/%s/access_tokens", id)) != 0)
		return code;
	if (answer.status == 201)
		code = token_keep(hub, answer.json, err);
	else
		code = web_refused(&answer, "an installation token of the App", err);
	web_answer_free(&answer);
	return code;
}

static int
hub_as_installation(struct hub *hub, struct drover_error *err)
{
	struct token *token = token_find(hub->github, hub->slug);
	char credential[LOGIN_MAX], owner[64];
	int code;

	if (token == NULL || token->refresh_at <= hub->scope->host->time->now(hub->scope)) {
		if ((code = token_make(hub, err)) != 0)
			return code;
		token = token_find(hub->github, hub->slug);
	}
	/*
	 * GitHub counts limits for the account that an installation belongs to.
	 */
	snprintf(owner, sizeof(owner), "%.*s", (int)strcspn(hub->slug, "/"), hub->slug);
	snprintf(credential, sizeof(credential), "installation/%s", owner);
	hub_authorize(hub, credential, token->text);
	return 0;
}

static int
hub_prepare(struct hub *hub, struct github *github, struct drover_scope *scope, const char *slug,
    uint32_t flags, struct drover_error *err)
{
	memset(hub, 0, sizeof(*hub));
	hub->github = github;
	hub->scope = scope;
	hub->flags = flags;
	hub->app = is_app(scope);
	if (slug != NULL)
		snprintf(hub->slug, sizeof(hub->slug), "%s", slug);
	hub->web.scope = scope;
	hub->web.base = plugin_option(scope, "api_url");
	hub->web.accept = ACCEPT;
	hub->web.judge = github_judge;
	hub->web.headers[0] = (struct drover_field){ "X-GitHub-Api-Version", "2022-11-28" };
	hub->web.headers_len = 1;
	if (scope->host->http == NULL || scope->host->secret == NULL)
		return plugin_fail(err, DROVER_CONFIG,
		    "GitHub cannot be asked here: this callback has no http or no secret service");
	return web_extra_headers(&hub->web, err);
}

int
hub_open(struct hub *hub, struct github *github, struct drover_scope *scope, const char *slug,
    uint32_t flags, struct drover_error *err)
{
	char *token;
	int code;

	if ((code = hub_prepare(hub, github, scope, slug, flags, err)) != 0)
		return code;
	if (!hub->app) {
		if ((token = secret_read(scope, "token", false, err)) == NULL)
			return err->code;
		hub_authorize(hub, "user", token);
		secret_free(token);
		return 0;
	}
	return hub->slug[0] != '\0' ? hub_as_installation(hub, err) : hub_as_app(hub, err);
}

int
account_git_token(struct github *github, struct drover_scope *scope, const char *slug, bool fresh,
    char **text, int64_t *ends, struct drover_error *err)
{
	struct token *token = token_find(github, slug);
	struct hub hub;
	int code;

	*text = NULL;
	*ends = 0;
	if (fresh ||
	    (token != NULL && token->ends_at < scope->host->time->now(scope) + GIT_LEFT_MS))
		token_drop(github, slug);
	if ((code = hub_open(&hub, github, scope, slug, DROVER_HTTP_CRITICAL, err)) == 0) {
		/* The token follows "Bearer ". */
		*text = xstrdup(hub.authorization + 7);
		token = hub.app ? token_find(github, slug) : NULL;
		*ends = token != NULL ? token->ends_at : 0;
	}
	hub_close(&hub);
	return code;
}

void
hub_close(struct hub *hub)
{
	secret_free(hub->authorization);
	hub->authorization = NULL;
	hub->web.authorization = NULL;
}

/*
 * Returns 0 if a new token was made, so that another try is worth it, else the
 * class.
 */
static int
hub_renew(struct hub *hub, struct drover_error *err)
{
	if (!hub->app || hub->slug[0] == '\0' || hub->renewed ||
	    strncmp(hub->credential, "installation/", 13) != 0)
		return err->code;
	hub->renewed = true;
	token_drop(hub->github, hub->slug);
	plugin_log(hub->scope, DROVER_NOTICE,
	    "%s: the installation token was refused, asking for another", hub->slug);
	return hub_as_installation(hub, err);
}

/*
 * True if the repository was renamed. moved then gets the write's path under
 * the repository's present name.
 */
static bool
hub_moved(struct hub *hub, const char *path, char moved[GITHUB_URL_MAX])
{
	size_t len = strlen(hub->slug);
	struct drover_error why = { 0 };
	struct web_answer answer;
	const char *name;

	if (len == 0 || strncmp(path, "/repos/", 7) != 0 ||
	    strncmp(path + 7, hub->slug, len) != 0 || path[7 + len] != '/')
		return false;
	/* Reads need no check: GitHub redirects them, and the host follows. */
	if (hub->now[0] == '\0' && hub_get(hub, &answer, 0, &why, "/repos/%s", hub->slug) == 0) {
		name = json_text(answer.json, "full_name");
		snprintf(hub->now, sizeof(hub->now), "%s", slug_is(name) ? name : hub->slug);
		if (strcasecmp(hub->now, hub->slug) != 0)
			plugin_log(hub->scope, DROVER_NOTICE,
			    "%s is called %s now: change the repo's url", hub->slug, hub->now);
		web_answer_free(&answer);
	}
	if (hub->now[0] == '\0' || strcasecmp(hub->now, hub->slug) == 0)
		return false;
	return (size_t)snprintf(moved, GITHUB_URL_MAX, "/repos/%s%s", hub->now, path + 7 + len) <
	    GITHUB_URL_MAX;
}

int
hub_send(struct hub *hub, const struct web_ask *given, struct web_answer *answer,
    struct drover_error *err)
{
	const char *method = given->method != NULL ? given->method : "GET";
	bool reads = strcmp(method, "GET") == 0;
	struct web_ask ask = *given;
	char moved[GITHUB_URL_MAX];
	int code;

	ask.flags |= hub->flags;
	ask.limits = github_limits(method, &ask.limits_len);
	if (!reads && hub->now[0] != '\0' && hub_moved(hub, given->path, moved))
		ask.path = moved;
	if ((code = web_send(&hub->web, &ask, answer, err)) == DROVER_AUTH &&
	    hub_renew(hub, err) == 0)
		code = web_send(&hub->web, &ask, answer, err);
	if (reads || hub->now[0] != '\0' ||
	    !(code == DROVER_PERMANENT ||
		(code == 0 && answer->status >= 301 && answer->status <= 308)))
		return code;
	/*
	 * GitHub answers a write to a renamed repository with a redirect and
	 * does not carry it out.
	 */
	if (!hub_moved(hub, given->path, moved))
		return code;
	if (code == 0)
		web_answer_free(answer);
	ask.path = moved;
	return web_send(&hub->web, &ask, answer, err);
}

__attribute__((format(printf, 3, 0))) static int
path_print(char path[GITHUB_URL_MAX], struct drover_error *err, const char *format, va_list ap)
{
	int n = vsnprintf(path, GITHUB_URL_MAX, format, ap);

	return n >= 0 && n < GITHUB_URL_MAX ?
	    0 :
	    plugin_fail(err, DROVER_PERMANENT, "a path of GitHub's API is too long: %.100s...",
		path);
}

int
hub_get(struct hub *hub, struct web_answer *answer, uint32_t flags, struct drover_error *err,
    const char *format, ...)
{
	char path[GITHUB_URL_MAX];
	struct web_ask ask = { .path = path, .flags = flags };
	va_list ap;
	int code;

	va_start(ap, format);
	code = path_print(path, err, format, ap);
	va_end(ap);
	return code != 0 ? code : hub_send(hub, &ask, answer, err);
}

int
hub_write(struct hub *hub, const char *method, cJSON *body, uint32_t flags,
    struct web_answer *answer, struct drover_error *err, const char *format, ...)
{
	char path[GITHUB_URL_MAX];
	struct web_ask ask = { .method = method, .path = path, .body = body, .flags = flags };
	va_list ap;
	int code;

	va_start(ap, format);
	code = path_print(path, err, format, ap);
	va_end(ap);
	if (code == 0)
		code = hub_send(hub, &ask, answer, err);
	cJSON_Delete(body);
	return code;
}

struct page {
	int (*each)(void *, const cJSON *, struct drover_error *);
	void *arg;
	size_t given;
};

static int
page_each(void *arg, const cJSON *element, struct drover_error *err)
{
	struct page *page = arg;

	page->given++;
	return page->each(page->arg, element, err);
}

int
hub_pages(struct hub *hub, const char *path, uint32_t flags, int pages,
    int (*each)(void *, const cJSON *, struct drover_error *), void *arg, struct drover_error *err)
{
	struct web_ask ask = { .path = path, .flags = flags | hub->flags };
	struct page page = { each, arg, 0 };
	int code;

	ask.limits = github_limits("GET", &ask.limits_len);
	code = web_pages(&hub->web, &ask, NULL, pages, page_each, &page, err);
	/*
	 * If the caller has had elements already, another try would give them
	 * again.
	 */
	if (code == DROVER_AUTH && page.given == 0 && hub_renew(hub, err) == 0)
		code = web_pages(&hub->web, &ask, NULL, pages, page_each, &page, err);
	return code;
}

/* Asks GitHub for the login that the credential belongs to. */
static int
account_ask(struct github *github, struct drover_scope *scope, struct drover_error *err)
{
	struct web_answer answer;
	const char *name;
	struct hub hub;
	int code;

	code = hub_open(&hub, github, scope, NULL, 0, err);
	if (code == 0)
		code = hub_get(&hub, &answer, 0, err, hub.app ? "/app" : "/user");
	hub_close(&hub);
	if (code != 0)
		return code;
	name = json_text(answer.json, hub.app ? "slug" : "login");
	if (answer.status != 200 || *name == '\0')
		code = web_refused(&answer, hub.app ? "who the App is" : "who the token belongs to",
		    err);
	else
		snprintf(github->login, sizeof(github->login), hub.app ? "%.100s[bot]" : "%.100s",
		    name);
	web_answer_free(&answer);
	return code;
}

int
account_who(struct github *github, struct drover_scope *scope, struct drover_error *err)
{
	const char *given = plugin_option(scope, "user");
	int code;

	if (github->login[0] != '\0')
		return 0;
	if (*given != '\0')
		snprintf(github->login, sizeof(github->login), "%s", given);
	else if ((code = account_ask(github, scope, err)) != 0)
		return code;
	snprintf(github->mention, sizeof(github->mention), "%.*s", (int)strcspn(github->login, "["),
	    github->login);
	return 0;
}

bool
account_is_self(const struct github *github, const char *login)
{
	return github->login[0] != '\0' && strcasecmp(github->login, login) == 0;
}
