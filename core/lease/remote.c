/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fetch.c and push.c know of the remote of a repo: its url as people may
 * see it, the credential for it, and what its failures mean.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/options.h"
#include "lease/files.h"

/* What git and servers say, in lower case; the first match decides. */
static const struct {
	const char *said;
	int code;
} meanings[] = {
	{ "couldn't find remote ref", DROVER_PERMANENT },
	{ "authentication failed", DROVER_AUTH },
	{ "could not read username", DROVER_AUTH },
	{ "could not read password", DROVER_AUTH },
	{ "terminal prompts disabled", DROVER_AUTH },
	{ "permission denied (publickey", DROVER_AUTH },
	{ "authentication required", DROVER_AUTH },
	{ "too many redirects or authentication replays", DROVER_AUTH },
	{ "invalid credentials", DROVER_AUTH },
	{ "error: 401", DROVER_AUTH },
	{ "error: 403", DROVER_AUTH },
	{ "status code: 401", DROVER_AUTH },
	{ "status code: 403", DROVER_AUTH },
	{ "error: 404", DROVER_CONFIG },
	{ "status code: 404", DROVER_CONFIG },
	{ "repository not found", DROVER_CONFIG },
	{ "does not appear to be a git repository", DROVER_CONFIG },
	{ "could not find repository", DROVER_CONFIG },
	{ "not found", DROVER_CONFIG },
	{ "does not exist", DROVER_CONFIG },
	{ "unsupported url protocol", DROVER_CONFIG },
	{ "host key verification failed", DROVER_CONFIG },
	{ "certificate", DROVER_CONFIG },
	{ "non-bare", DROVER_CONFIG },
	{ "error: 429", DROVER_AGAIN },
	{ "error: 5", DROVER_AGAIN },
	{ "status code: 429", DROVER_AGAIN },
	{ "status code: 5", DROVER_AGAIN },
	{ "could not resolve", DROVER_AGAIN },
	{ "failed to resolve", DROVER_AGAIN },
	{ "timed out", DROVER_AGAIN },
	{ "failed to connect", DROVER_AGAIN },
	{ "unable to access", DROVER_AGAIN },
	{ "connection", DROVER_AGAIN },
	{ "remote end hung up", DROVER_AGAIN },
	{ "early eof", DROVER_AGAIN },
	{ "no space left", DROVER_AGAIN },
};

static const char *const advice[] = {
	[-DROVER_AUTH] = "check the repo's token and what it may do",
	[-DROVER_CONFIG] = "check the repo's url",
	[-DROVER_AGAIN] = "drover tries again",
};

static int remote_credential(git_credential **, const char *url, const char *user,
    unsigned int allowed, void *arg);
static int remote_meaning(const char *said);
/*
 * Reads the repo's user and its token, which is NULL if no token is configured.
 * The caller frees user, and token with free_wiped().
 */
static int remote_token(const struct tree *, char **user, char **token, struct error *);

char *
remote_url_public(const char *url)
{
	const char *scheme = strstr(url, "://"), *host, *end, *at = NULL, *colon;

	if (scheme == NULL)
		return xstrdup(url);
	host = scheme + 3;
	end = host + strcspn(host, "/?#");
	for (const char *p = host; p < end; p++) {
		if (*p == '@')
			at = p;
	}
	if (at == NULL)
		return xstrdup(url);
	colon = memchr(host, ':', (size_t)(at - host));
	/*
	 * In an ssh url the user is part of the address; in any other it may be
	 * a token.
	 */
	if (strncmp(url, "ssh://", 6) == 0 || strncmp(url, "git+ssh://", 10) == 0)
		return xasprintf("%.*s%s", (int)((colon != NULL ? colon : at) - url), url, at);
	return xasprintf("%.*s%s", (int)(host - url), url, at + 1);
}

const char *
remote_local_path(const char *url)
{
	if (url == NULL)
		return NULL;
	if (strncmp(url, "file://", 7) == 0)
		return url[7] == '/' ? url + 7 : NULL;
	return url[0] == '/' ? url : NULL;
}

bool
remote_by_cli(const struct config_repo *repo)
{
	if (repo->transport != NULL && strcmp(repo->transport, "git") == 0)
		return true;
	if (repo->url == NULL || remote_local_path(repo->url) != NULL)
		return false;
	return strncmp(repo->url, "http://", 7) != 0 && strncmp(repo->url, "https://", 8) != 0 &&
	    strncmp(repo->url, "file://", 7) != 0;
}

static int
remote_token(const struct tree *t, char **user, char **token, struct error *err)
{
	const struct config_repo *repo = t->repo;
	bool own =
	    repo->token_file != NULL || repo->token_env != NULL || repo->token_command != NULL;

	*user = *token = NULL;
	if (repo->token_from != NULL && t->credentials == NULL)
		return error_set(err, DROVER_INTERNAL,
		    "token of repo %s: plugin %s cannot be asked from here", repo->name,
		    repo->token_from);
	if (repo->token_from != NULL &&
	    t->credentials->ask(t->credentials->arg, repo, user, token, err) != 0)
		return error_prefix(err, "token of repo %s, from plugin %s", repo->name,
		    repo->token_from);
	if (own &&
	    (*token = secret_read(repo->token_file, repo->token_env, repo->token_command, err)) ==
		NULL)
		return error_prefix(err, "token of repo %s", repo->name);
	if (*user == NULL)
		*user = xstrdup(repo->user != NULL ? repo->user : "x-access-token");
	return 0;
}

int
remote_secret(const struct tree *t, char **secret, struct error *err)
{
	char *user = NULL, *token = NULL;
	int result = remote_token(t, &user, &token, err);

	*secret = NULL;
	if (result == 0 && token != NULL && strpbrk(token, "\r\n") != NULL)
		result = error_set(err, DROVER_CONFIG,
		    "the token of repo %s has more than one line", t->repo->name);
	else if (result == 0 && token != NULL)
		*secret = xasprintf("username=%s\npassword=%s\n", user, token);
	free(user);
	free_wiped(token);
	return result;
}

bool
remote_renew(const struct tree *t, const struct error *why)
{
	return why->code == DROVER_AUTH && t->repo->token_from != NULL && t->credentials != NULL &&
	    t->credentials->refused(t->credentials->arg, t->repo);
}

int
remote_open(git_remote **remote, git_repository *repo, const char *url)
{
	git_remote_create_options options;

	git2.remote_create_options_init(&options, GIT_REMOTE_CREATE_OPTIONS_VERSION);
	options.repository = repo;
	options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
	return git2.remote_create_with_opts(remote, url, &options);
}

void
remote_callbacks(git_remote_callbacks *callbacks, struct remote_auth *auth)
{
	callbacks->credentials = remote_credential;
	callbacks->payload = auth;
}

int
remote_fail(const struct config_repo *repo, const char *verb, const char *said, int rc,
    struct error *err)
{
	const git_error *last = git2.error_last();
	char *url = remote_url_public(repo->url);
	char shown[201];
	const char *help;
	int code;

	if (said == NULL)
		said = last != NULL && last->message != NULL ? last->message : "no reason given";
	if (rc == GIT_EAUTH)
		code = DROVER_AUTH;
	else if (rc == GIT_ECERTIFICATE)
		code = DROVER_CONFIG;
	else
		code = remote_meaning(said);
	if (code == DROVER_INTERNAL && rc != 0 && last != NULL &&
	    (last->klass == GIT_ERROR_NET || last->klass == GIT_ERROR_SSL))
		code = DROVER_AGAIN;
	help = (size_t)-code < ARRAY_LEN(advice) ? advice[-code] : NULL;
	error_set(err, code, "cannot %s repo %s (%s): %s%s%s", verb, repo->name, url,
	    text_show_in(shown, sizeof shown, said, strlen(said)), help != NULL ? "; " : "",
	    help != NULL ? help : "");
	free(url);
	return -1;
}

static int
remote_credential(git_credential **out, const char *url, const char *user, unsigned int allowed,
    void *arg)
{
	struct remote_auth *auth = arg;
	char *name = NULL, *token = NULL;
	int rc = GIT_EAUTH;

	if (!(allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT))
		return GIT_PASSTHROUGH;
	if (auth->asked++ > 0) {
		git2.error_set_str(GIT_ERROR_HTTP,
		    "authentication failed: the server refused the token");
		return GIT_EAUTH;
	}
	if (remote_token(auth->tree, &name, &token, &auth->error) != 0)
		git2.error_set_str(GIT_ERROR_HTTP,
		    "authentication required, but the token cannot be read");
	else if (token == NULL)
		git2.error_set_str(GIT_ERROR_HTTP,
		    "authentication required, but no token is configured");
	else
		rc = git2.credential_userpass_plaintext_new(out, name, token);
	free(name);
	free_wiped(token);
	return rc;
}

static int
remote_meaning(const char *said)
{
	char *lower = xstrdup(said);
	int code = DROVER_INTERNAL;

	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < ARRAY_LEN(meanings) && code == DROVER_INTERNAL; i++) {
		if (strstr(lower, meanings[i].said) != NULL)
			code = meanings[i].code;
	}
	free(lower);
	return code;
}
