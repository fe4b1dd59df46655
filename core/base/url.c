/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The origin of a URL. git, libgit2 and curl read odd URLs in different ways,
 * so what one of them could read otherwise has no origin here.
 */
#include "base/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *url_authority(const char *url, size_t *len);
static bool url_host(const char *host, size_t len, struct url_origin *);

bool
url_is_http(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

/* What is between "://" and the path, or NULL for another scheme. */
static const char *
url_authority(const char *url, size_t *len)
{
	const char *authority;

	if (!url_is_http(url))
		return NULL;
	authority = strstr(url, "://") + 3;
	*len = strcspn(authority, "/?#\\");
	return authority;
}

bool
url_has_userinfo(const char *url)
{
	size_t len;
	const char *authority = url_authority(url, &len);

	return authority != NULL && memchr(authority, '@', len) != NULL;
}

static bool
url_host(const char *host, size_t len, struct url_origin *origin)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._",
			  address[] = "abcdefABCDEF0123456789:.";
	bool brackets = len > 2 && host[0] == '[' && host[len - 1] == ']';

	if (brackets) {
		host++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof origin->host ||
	    strspn(host, brackets ? address : letters) < len)
		return false;
	for (size_t i = 0; i < len; i++)
		origin->host[i] = (char)tolower((unsigned char)host[i]);
	origin->host[len] = '\0';
	return true;
}

bool
url_origin(const char *url, struct url_origin *origin)
{
	size_t len, digits;
	const char *authority = url_authority(url, &len), *port, *bracket;
	bool tls;

	if (authority == NULL || authority[len] == '\\' || memchr(authority, '@', len) != NULL)
		return false;
	tls = tolower((unsigned char)url[4]) == 's';
	snprintf(origin->scheme, sizeof origin->scheme, "%s", tls ? "https" : "http");
	snprintf(origin->port, sizeof origin->port, "%s", tls ? "443" : "80");
	bracket = memchr(authority, ']', len);
	port = bracket != NULL ? bracket + 1 : memchr(authority, ':', len);
	if (port == NULL || port == authority + len)
		return url_host(authority, len, origin);
	digits = len - (size_t)(port - authority) - 1;
	if (*port != ':' || digits >= sizeof origin->port ||
	    strspn(port + 1, "0123456789") < digits)
		return false;
	if (digits > 0)
		snprintf(origin->port, sizeof origin->port, "%.*s", (int)digits, port + 1);
	return url_host(authority, (size_t)(port - authority), origin);
}

bool
url_same_origin(const struct url_origin *a, const struct url_origin *b)
{
	return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 &&
	    strcmp(a->port, b->port) == 0;
}

bool
url_is_loopback(const char *host)
{
	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	    strcmp(host, "::1") == 0)
		return true;
	return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host);
}
