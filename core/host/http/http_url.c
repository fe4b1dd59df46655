/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs: makes the URL of a request from base and path, and finds the origin
 * that redirects, next pages and absolute paths must share.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "host/http/http.h"

static int http_url_text(const char *, const char *, struct error *);
static bool http_url_dots(const char *, size_t);
static int http_url_path(const char *, struct error *);
static int http_url_base(const char *base, bool *loopback, struct error *);

/*
 * Refuses what a URL must not contain: blanks, control characters, non-ASCII
 * bytes, and backslashes, which some programs read as slashes.
 */
static int
http_url_text(const char *text, const char *what, struct error *err)
{
	if (text == NULL || *text == '\0')
		return error_set(err, DROVER_PERMANENT, "http: %s is missing", what);
	if (strnlen(text, HTTP_URL_MAX + 1) > HTTP_URL_MAX)
		return error_set(err, DROVER_PERMANENT, "http: %s is longer than %d bytes", what,
		    HTTP_URL_MAX);
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '\\')
			return error_set(err, DROVER_PERMANENT,
			    "http: byte 0x%02x in %s: percent-encode it", (unsigned char)*p, what);
	}
	return 0;
}

/* Whether a segment is "." or "..", percent-encoded or not. */
static bool
http_url_dots(const char *segment, size_t len)
{
	size_t dots = 0;

	while (len > 0) {
		if (*segment == '.') {
			segment++;
			len--;
		} else if (len >= 3 && segment[0] == '%' && segment[1] == '2' &&
		    (segment[2] == 'e' || segment[2] == 'E')) {
			segment += 3;
			len -= 3;
		} else {
			return false;
		}
		dots++;
	}
	return dots == 1 || dots == 2;
}

/* A name from outside must not lead out of the prefix. */
static int
http_url_path(const char *path, struct error *err)
{
	const char *end = path + strcspn(path, "?#");

	if (*path != '/')
		return error_set(err, DROVER_PERMANENT, "http: path does not begin with \"/\"");
	if (strchr(path, '#') != NULL)
		return error_set(err, DROVER_PERMANENT, "http: path has a fragment");
	while (path < end) {
		size_t len = strcspn(path + 1, "/?");

		if (http_url_dots(path + 1, len))
			return error_set(err, DROVER_PERMANENT,
			    "http: path has a segment \".\" or \"..\"");
		path += 1 + len;
	}
	return 0;
}

static int
http_url_base(const char *base, bool *loopback, struct error *err)
{
	const struct http_curl *curl = http_curl(err);
	CURLU *u = curl != NULL ? curl->url() : NULL;
	char *scheme = NULL, *host = NULL, *user = NULL, *query = NULL;
	int rc = -1;

	if (curl == NULL)
		return -1;
	if (u == NULL || curl->url_set(u, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl->url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl->url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
		error_set(err, DROVER_CONFIG, "http: \"%.200s\" is not a URL", base);
		goto out;
	}
	*loopback = url_is_loopback(host);
	if (curl->url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK ||
	    curl->url_get(u, CURLUPART_QUERY, &query, 0) == CURLUE_OK || strchr(base, '#') != NULL)
		error_set(err, DROVER_CONFIG,
		    "http: the base URL of %.200s has a user, a query or a fragment", host);
	else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		error_set(err, DROVER_CONFIG,
		    "http: %.200s: use https:// (or http:// to a loopback address)", base);
	else if (strcmp(scheme, "http") == 0 && !*loopback)
		error_set(err, DROVER_CONFIG,
		    "http: %.200s: http:// is allowed only to a loopback address: use https://",
		    base);
	else
		rc = 0;
out:
	curl->free(scheme);
	curl->free(host);
	curl->free(user);
	curl->free(query);
	curl->url_cleanup(u);
	return rc;
}

char *
http_origin(const char *url)
{
	const struct http_curl *curl = http_curl(NULL);
	CURLU *u = curl != NULL ? curl->url() : NULL;
	char *scheme = NULL, *host = NULL, *port = NULL, *origin = NULL;

	if (curl == NULL)
		return NULL;
	if (u != NULL && curl->url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl->url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl->url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl->url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		origin = xasprintf("%s://%s:%s", scheme, host, port);
		for (char *p = origin; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
	}
	curl->free(scheme);
	curl->free(host);
	curl->free(port);
	curl->url_cleanup(u);
	return origin;
}

char *
http_url(const char *base, const char *path, bool *loopback, struct error *err)
{
	char *ours, *theirs;
	size_t len;
	bool same;

	if (http_url_text(base, "base URL", err) != 0 || http_url_base(base, loopback, err) != 0 ||
	    http_url_text(path, "path", err) != 0)
		return NULL;
	if (strncmp(path, "https://", 8) != 0 && strncmp(path, "http://", 7) != 0) {
		if (http_url_path(path, err) != 0)
			return NULL;
		for (len = strlen(base); len > 0 && base[len - 1] == '/'; len--)
			;
		return xasprintf("%.*s%s", (int)len, base, path);
	}
	ours = http_origin(base);
	theirs = http_origin(path);
	same = ours != NULL && theirs != NULL && strcmp(ours, theirs) == 0 &&
	    path[strcspn(path, "@?/#")] != '@' &&
	    strcspn(path + 8, "@") >= strcspn(path + 8, "/?#");
	if (!same)
		error_set(err, DROVER_PERMANENT,
		    "http: %.200s does not have the origin %.200s: refused",
		    theirs != NULL ? theirs : "a URL", ours != NULL ? ours : base);
	free(ours);
	free(theirs);
	return same ? xstrdup(path) : NULL;
}

char *
http_resolve(const char *url, const char *reference)
{
	const struct http_curl *curl = http_curl(NULL);
	CURLU *u = curl != NULL ? curl->url() : NULL;
	char *whole = NULL, *copy = NULL;

	if (curl == NULL)
		return NULL;
	if (http_url_text(reference, "reference", NULL) == 0 && u != NULL &&
	    curl->url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl->url_set(u, CURLUPART_URL, reference, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl->url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
	    curl->url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK)
		copy = xstrdup(whole);
	curl->free(whole);
	curl->url_cleanup(u);
	return copy;
}

const char *
http_shown(const char *url, char *out, size_t size)
{
	(void)snprintf(out, size, "%.*s", (int)strcspn(url, "?#"), url);
	return out;
}
