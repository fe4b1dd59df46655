/* SPDX-License-Identifier: Apache-2.0 */
/* Of URLs of http and https: with whom a request speaks, and who asks. */
#ifndef BASE_URL_H
#define BASE_URL_H

#include <stdbool.h>

/* Scheme and host in lower case; an IPv6 address without its brackets. */
struct url_origin {
	char scheme[6]; /* "http" or "https" */
	char host[256];
	char port[6]; /* the default of the scheme if the URL has none */
};

/* True for a URL that begins with http:// or https://, in any case. */
bool url_is_http(const char *url);
/*
 * Fills in the origin of a URL of http or https. Returns false for any other
 * URL, and for one whose host or port is missing, too long or ambiguous.
 */
bool url_origin(const char *url, struct url_origin *);
bool url_same_origin(const struct url_origin *, const struct url_origin *);
/* True if a URL of http or https has a user or a password before its host. */
bool url_has_userinfo(const char *url);
/*
 * True for "localhost" and for loopback addresses, with or without an IPv6
 * address's brackets.
 */
bool url_is_loopback(const char *host);

#endif
