/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a repo that need more than one key. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "config/config.h"
#include "config/identity.h"
#include "config/inside.h"

static int repo_check_url(const struct config *, const struct config_repo *, const char *path,
    struct error *);
static int repo_check_token(const struct config *, const struct config_repo *, const char *path,
    struct error *);

static int
repo_check_url(const struct config *c, const struct config_repo *repo, const char *path,
    struct error *err)
{
	static const char *const schemes[] = { "/", "file:///", "https://", "http://", "ssh://" };
	const char *url = repo->url, *host = strstr(url, "://"), *at;
	struct url_origin origin;
	size_t i;

	for (i = 0; i < ARRAY_LEN(schemes) && strncmp(url, schemes[i], strlen(schemes[i])) != 0;
	     i++)
		;
	if (i == ARRAY_LEN(schemes) &&
	    (host != NULL || url[0] == '-' || strchr(url, '@') == NULL ||
		strchr(url, ':') == NULL || strstr(url, "::") != NULL))
		return config_fault(c, err, path, "url",
		    "must be an absolute path, file://, http://, https://, ssh:// or "
		    "user@host:path");
	at = host == NULL ? NULL : memchr(host + 3, '@', strcspn(host + 3, "/"));
	if (!url_is_http(url) && at != NULL &&
	    memchr(host + 3, ':', (size_t)(at - host - 3)) != NULL)
		return config_fault(c, err, path, "url",
		    "a secret is not written into a file: take the password out, and let ssh use "
		    "a key");
	if (!url_is_http(url))
		return 0;
	if (url_has_userinfo(url))
		return config_fault(c, err, path, "url",
		    "a secret is not written into a file, and a user before the host may be one: "
		    "take what is before the @ out, and use token_file, token_env or "
		    "token_command, with user");
	if (!url_origin(url, &origin))
		return config_fault(c, err, path, "url",
		    "has no host and port that all programs read alike: write "
		    "https://HOST[:PORT]/PATH");
	if ((repo->token_file != NULL || repo->token_env != NULL || repo->token_command != NULL ||
		repo->token_from != NULL) &&
	    strcmp(origin.scheme, "http") == 0 && !url_is_loopback(origin.host))
		return config_fault(c, err, path, "url",
		    "http:// shows the token to everyone on the way to %.80s: write https://, or "
		    "take the token out",
		    origin.host);
	return 0;
}

static int
repo_check_token(const struct config *c, const struct config_repo *repo, const char *path,
    struct error *err)
{
	const char *own = repo->token_file != NULL ? "token_file" :
	    repo->token_env != NULL                ? "token_env" :
						     "token_command";

	if (repo->token_file != NULL && repo->token_env != NULL)
		return config_fault(c, err, path, "token_env",
		    "there is token_file as well: keep one of them");
	if (repo->token_command != NULL && (repo->token_file != NULL || repo->token_env != NULL))
		return config_fault(c, err, path, "token_command",
		    "there is %s as well: keep one of them", own);
	if (repo->token_from == NULL)
		return 0;
	if (repo->token_file != NULL || repo->token_env != NULL || repo->token_command != NULL)
		return config_fault(c, err, path, "token_from",
		    "there is %s as well: keep one of them", own);
	if (config_plugin(c, repo->token_from) == NULL)
		return config_fault(c, err, path, "token_from",
		    "no plugin \"%s\" is configured: add it to plugins", repo->token_from);
	return 0;
}

int
repo_check(const struct config *c, const struct config_repo *repo, struct buf *warnings,
    struct error *err)
{
	char *path = xasprintf("repos.%s", repo->name);
	int rc = 0;

	if (repo_check_url(c, repo, path, err) == -1)
		rc = -1;
	else if (repo->base != NULL && !text_is_branch(repo->base, NULL))
		rc = config_fault(c, err, path, "base",
		    "is not the name of a branch: write it like \"main\"");
	else if (repo_check_token(c, repo, path, err) == -1)
		rc = -1;
	else if (repo->author != NULL && !identity_split(repo->author, NULL, NULL))
		rc = config_fault(c, err, path, "author", IDENTITY_WANTED, repo->author);
	else if (warnings != NULL && repo->forge != NULL && config_plugin(c, repo->forge) == NULL)
		buf_addf(warnings,
		    "%s: forge: no plugin \"%s\" is configured: pushed branches get no pull "
		    "request\n",
		    path, repo->forge);
	for (size_t i = 0; rc == 0 && repo->env[i] != NULL; i++)
		if (repo->env[i][0] == '=' || strchr(repo->env[i], '=') == NULL)
			rc = config_fault(c, err, path, "env", "\"%.80s\" must be \"NAME=value\"",
			    repo->env[i]);
	free(path);
	return rc;
}
