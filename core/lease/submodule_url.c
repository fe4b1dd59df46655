/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From where submodules may be fetched. Their urls stand in .gitmodules, which
 * other people write, so a url decides neither what drover runs nor what its
 * credentials and the files of this machine are shown to:
 *
 *   http, https  any host; only the repo's own origin gets its token
 *   ssh          the repo's own host and user, since ssh shows drover's key
 *   a path       only for a repo that is a path itself, and only what lies in
 *                the folder that this repo lies in
 *
 * All else is refused, and so is a url with a user or password in it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "lease/submodule.h"

#define URL_MAX 1000

static size_t url_host_part(const char *url, const char **from);
static char *url_resolve(const char *parent, const char *given);
static bool url_same_place(const char *, const char *);
static bool url_is_ssh(const char *);
static bool url_beside(const char *origin, const char *url);
static const char *url_fault(const char *origin, const char *url);

/* ssh://host/path, or user@host:path. */
static bool
url_is_ssh(const char *url)
{
	const char *at = strchr(url, '@'), *colon = strchr(url, ':');

	return strncmp(url, "ssh://", 6) == 0 ||
	    (strstr(url, "://") == NULL && strstr(url, "::") == NULL && at != NULL &&
		colon != NULL && at < colon && memchr(url, '/', (size_t)(at - url)) == NULL);
}

/* Length of "user@host:port"; *from gets where it begins. */
static size_t
url_host_part(const char *url, const char **from)
{
	const char *scheme = strstr(url, "://");

	*from = scheme != NULL ? scheme + 3 : url;
	return strcspn(*from, scheme != NULL ? "/?#" : ":");
}

/* Resolves "./x" and "../x" as git does; NULL when it leads above the host. */
static char *
url_resolve(const char *parent, const char *given)
{
	char *base = xstrdup(parent), *end = base + strlen(base), *out = NULL;
	bool scp = strstr(base, "://") == NULL && *base != '/';
	const char *lowest;

	lowest = base;
	if (*base != '/') {
		size_t len = url_host_part(base, &lowest);

		lowest += len;
	}
	while (end > lowest && end[-1] == '/')
		*--end = '\0';
	while (strncmp(given, "./", 2) == 0 || strncmp(given, "../", 3) == 0) {
		if (given[1] == '.') {
			if (end == lowest)
				goto out;
			do
				end--;
			while (end > lowest && *end != '/');
			*end = '\0';
			given++;
		}
		given += 2;
	}
	out = xasprintf("%s%c%s", base, scp && end == lowest ? ':' : '/', given);
out:
	free(base);
	return out;
}

/* The same scheme, host and port; for ssh the same user, too. */
static bool
url_same_place(const char *a, const char *b)
{
	const char *host_a, *host_b, *scheme_a = strstr(a, "://"), *scheme_b = strstr(b, "://");
	struct url_origin origin_a, origin_b;
	size_t len;

	if (url_is_http(a) || url_is_http(b))
		return url_origin(a, &origin_a) && url_origin(b, &origin_b) &&
		    url_same_origin(&origin_a, &origin_b);
	len = url_host_part(a, &host_a);
	return (scheme_a == NULL) == (scheme_b == NULL) &&
	    (scheme_a == NULL ||
		(scheme_a - a == scheme_b - b && strncasecmp(a, b, (size_t)(scheme_a - a)) == 0)) &&
	    url_host_part(b, &host_b) == len && strncasecmp(host_a, host_b, len) == 0;
}

/* True for a path in the folder in which the origin's path lies. */
static bool
url_beside(const char *origin, const char *url)
{
	const char *here = remote_local_path(origin), *there = remote_local_path(url);
	char *folder = here != NULL ? realpath(here, NULL) : NULL;
	char *real = there != NULL ? realpath(there, NULL) : NULL;
	bool yes = false;
	size_t len;

	if (folder != NULL && real != NULL) {
		len = (size_t)(strrchr(folder, '/') - folder);
		yes = strncmp(real, folder, len) == 0 && real[len] == '/';
	}
	free(folder);
	free(real);
	return yes;
}

/* Why a whole url is refused; NULL when it is not. */
static const char *
url_fault(const char *origin, const char *url)
{
	if (*url == '-' || strlen(url) > URL_MAX || strpbrk(url, " \t\r\n\\") != NULL)
		return "is no url that drover uses";
	if (url_is_http(url))
		return url_has_userinfo(url) ? "has a user or password in it" : NULL;
	if (url_is_ssh(url))
		return url_is_ssh(origin) && url_same_place(origin, url) ?
		    NULL :
		    "is on another host than the repo, and only that may see drover's ssh key";
	if (remote_local_path(url) == NULL)
		return "has a scheme that drover does not use";
	if (remote_local_path(origin) == NULL)
		return "is a path on this machine, and the repo is not";
	return url_beside(origin, url) ? NULL : "is not in the folder that the repo lies in";
}

int
submodule_url(const char *origin, const char *parent, const char *given, char **url, bool *own,
    struct error *err)
{
	bool relative = strncmp(given, "./", 2) == 0 || strncmp(given, "../", 3) == 0;
	const char *fault;
	char shown[101];

	*url = relative ? url_resolve(parent, given) : xstrdup(given);
	fault = *url == NULL ? "leads above the host of the repo" : url_fault(origin, *url);
	if (fault == NULL) {
		*own = url_same_place(origin, *url) && !url_is_ssh(*url);
		return 0;
	}
	free(*url);
	*url = NULL;
	return error_set(err, DROVER_CONFIG, "its url \"%s\" %s",
	    text_show_in(shown, sizeof shown, given, strlen(given)), fault);
}
