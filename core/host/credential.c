/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of repos that have token_from. When a remote needs one, the core
 * has the plugin asked; the token then stays in the memory of this process
 * until shortly before it expires.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"
#include "host/service.h"

#define CREDENTIAL_EARLY_MS (5 * 60 * 1000)  /* a token must outlive the command it is for */
#define CREDENTIAL_WAIT_MS 30000             /* how long to wait for a plugin that is starting */
#define CREDENTIAL_PAUSE_MS 250
#define CREDENTIAL_TOKEN_MAX 3072            /* git gets it through a pipe, in one write */

struct scope_credential {
	struct scope_credential *next;
	const struct config_repo *repo;
	char *user;              /* NULL for the user in the repo's configuration */
	char *token;             /* NULL while there is none */
	int64_t expires_at;      /* wall, ms; 0 when it is not known */
	bool refused;            /* the remote refused the last token, which the plugin must know */
};

static struct scope_credential *credential_of(struct scope *, const struct config_repo *);
static bool credential_good(const struct scope_credential *, int64_t left_ms);
static int credential_read(struct scope_credential *, const struct buf *reply, struct error *);
static int credential_fetch(struct scope *, struct scope_credential *, struct error *);
static int credential_ask(void *, const struct config_repo *, char **user, char **token,
    struct error *);
static bool credential_refused(void *, const struct config_repo *);

static void
credentials_forget(struct scope *scope)
{
	struct scope_credential *c;

	while ((c = scope->tokens) != NULL) {
		scope->tokens = c->next;
		free(c->user);
		free_wiped(c->token);
		free(c);
	}
}

const struct tree_credentials *
credentials_of(struct scope *scope)
{
	scope->credentials = (struct tree_credentials){ .ask = credential_ask,
		.refused = credential_refused,
		.arg = scope };
	scope_on_end(scope, credentials_forget);
	return &scope->credentials;
}

static struct scope_credential *
credential_of(struct scope *scope, const struct config_repo *repo)
{
	struct scope_credential *c;

	for (c = scope->tokens; c != NULL && c->repo != repo; c = c->next)
		;
	if (c == NULL) {
		c = xcalloc(1, sizeof *c);
		c->repo = repo;
		c->next = scope->tokens;
		scope->tokens = c;
	}
	return c;
}

static bool
credential_good(const struct scope_credential *c, int64_t left_ms)
{
	return c->token != NULL && (c->expires_at == 0 || c->expires_at - clock_wall() > left_ms);
}

/*
 * The reply is {"token", "user", "expires_at"}; user and expires_at may be
 * missing.
 */
static int
credential_read(struct scope_credential *c, const struct buf *reply, struct error *err)
{
	cJSON *json = json_parse(buf_str(reply), reply->len, DROVER_PAYLOAD_MAX, NULL), *token;
	const char *text = json_str(json, "token", ""), *user = json_str(json, "user", "");
	int r = -1;

	/* Masked first, before any text with it could be logged. */
	if (*text != '\0')
		secrets_add(text);
	if (*text == '\0')
		error_set(err, DROVER_INTERNAL,
		    "the reply of the operation git-token has no \"token\"");
	else if (service_line(text, "the token", CREDENTIAL_TOKEN_MAX, false, err) == 0 &&
	    service_line(user, "the user of the token", DROVER_KEY_MAX, true, err) == 0) {
		free(c->user);
		free_wiped(c->token);
		c->user = *user != '\0' ? xstrdup(user) : NULL;
		c->token = xstrdup(text);
		c->expires_at = json_int(json, "expires_at", 0);
		c->refused = false;
		r = 0;
	}
	token = cJSON_GetObjectItemCaseSensitive(json, "token");
	if (cJSON_IsString(token))
		explicit_bzero(token->valuestring, strlen(token->valuestring));
	cJSON_Delete(json);
	return r;
}

static int
credential_fetch(struct scope *scope, struct scope_credential *c, struct error *err)
{
	int64_t give_up = clock_mono() + CREDENTIAL_WAIT_MS;
	struct message_out request;
	struct buf reply = BUF_INIT;
	int r;

	if (scope->deadline_ms > 0 && scope->deadline_ms < give_up)
		give_up = scope->deadline_ms;
	for (;;) {
		message_begin(&request, MESSAGE_CREDENTIAL_ASK, service_id(scope));
		message_put_s(&request, c->repo->name);
		message_put_u(&request, c->refused);
		r = service_ask(scope, &request, NULL, &reply, err);
		if (r == 0 || err->code != DROVER_AGAIN || err->retry_after_ms > 0 ||
		    clock_mono() >= give_up || scope_cancelled(scope))
			break;
		(void)poll(NULL, 0, CREDENTIAL_PAUSE_MS);
	}
	if (r == 0)
		r = credential_read(c, &reply, err);
	if (reply.data != NULL)
		explicit_bzero(reply.data, reply.len);
	buf_free(&reply);
	return r;
}

static int
credential_ask(void *arg, const struct config_repo *repo, char **user, char **token,
    struct error *err)
{
	struct scope *scope = arg;
	struct scope_credential *c = credential_of(scope, repo);
	struct error why = { 0 };

	if (!credential_good(c, CREDENTIAL_EARLY_MS) && credential_fetch(scope, c, &why) != 0) {
		/*
		 * A token that is about to expire is still better than an
		 * error.
		 */
		if (!credential_good(c, 0)) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		log_printf(&scope->log, DROVER_WARN,
		    "repo %s: no new token: %s; the current one is used until it expires",
		    repo->name, why.text);
	}
	*user = c->user != NULL ? xstrdup(c->user) : NULL;
	*token = xstrdup(c->token);
	return 0;
}

static bool
credential_refused(void *arg, const struct config_repo *repo)
{
	struct scope *scope = arg;
	struct scope_credential *c = credential_of(scope, repo);

	if (c->token == NULL)
		return false;
	log_printf(&scope->log, DROVER_NOTICE,
	    "the token of repo %s was refused: plugin %s is asked for another", repo->name,
	    repo->token_from);
	free_wiped(c->token);
	c->token = NULL;
	c->refused = true;
	return true;
}
