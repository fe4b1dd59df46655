/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the header Link (RFC 8288): <target>; param=value; ..., <target>; ...
 * Only the target of rel="next" is of interest.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "host/http/http.h"

static const char *http_link_blank(const char *);
static bool http_link_relation(const char *value, size_t len);
static const char *http_link_params(const char *, bool *next);

static const char *
http_link_blank(const char *p)
{
	return p + strspn(p, " \t");
}

/* Whether a list of relations, separated by blanks, contains "next". */
static bool
http_link_relation(const char *value, size_t len)
{
	const char *end = value + len;
	size_t n;

	while (value < end) {
		for (n = 0; value + n < end && value[n] != ' ' && value[n] != '\t'; n++)
			;
		if (n == 4 && strncasecmp(value, "next", 4) == 0)
			return true;
		value += n;
		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
	}
	return false;
}

/*
 * Reads the parameters that follow a target and returns where they end. Of
 * several rel only the first counts.
 */
static const char *
http_link_params(const char *p, bool *next)
{
	const char *name, *value;
	size_t name_len, value_len;
	bool had_rel = false;

	for (p = http_link_blank(p); *p == ';'; p = http_link_blank(p)) {
		name = p = http_link_blank(p + 1);
		p += name_len = strcspn(p, " \t=;,");
		p = http_link_blank(p);
		value = "";
		value_len = 0;
		if (*p == '=') {
			p = http_link_blank(p + 1);
			if (*p == '"') {
				value = ++p;
				while (*p != '\0' && *p != '"')
					p += *p == '\\' && p[1] != '\0' ? 2 : 1;
				value_len = (size_t)(p - value);
				p += *p == '"';
			} else {
				value = p;
				p += value_len = strcspn(p, " \t;,");
			}
		}
		if (name_len == 3 && strncasecmp(name, "rel", 3) == 0 && !had_rel) {
			had_rel = true;
			*next = http_link_relation(value, value_len);
		}
	}
	return p;
}

char *
http_link_next(const char *header)
{
	const char *p = header, *target;
	size_t len;
	bool next;

	for (;;) {
		p += strspn(p, " \t,");
		if (*p != '<')
			return NULL;
		target = p + 1;
		len = strcspn(target, ">");
		if (target[len] != '>')
			return NULL;
		next = false;
		p = http_link_params(target + len + 1, &next);
		if (next)
			return len > 0 && len <= HTTP_URL_MAX ? xstrndup(target, len) : NULL;
		if (*p != ',')
			return NULL;
	}
}
