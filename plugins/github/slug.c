/* SPDX-License-Identifier: Apache-2.0 */
/* A configured repo and the owner/name that GitHub knows it by. */
#include <stdio.h>
#include <string.h>

#include "github.h"

#define SLUG_CHARS TEXT_ALNUM "._-"

bool
slug_is(const char *slug)
{
	size_t owner = strspn(slug, SLUG_CHARS);
	const char *name;

	if (owner == 0 || slug[owner] != '/' || strlen(slug) >= SLUG_MAX ||
	    strncmp(slug, "./", 2) == 0 || strncmp(slug, "../", 3) == 0)
		return false;
	name = slug + owner + 1;
	return text_is_of(name, SLUG_CHARS) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int
slug_of_url(const char *url, char slug[SLUG_MAX])
{
	size_t len = strcspn(url, "?#"), start, parts = 0;

	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len > 4 && strncmp(url + len - 4, ".git", 4) == 0)
		len -= 4;
	for (start = len; start > 0; start--) {
		if (url[start - 1] != '/' && url[start - 1] != ':')
			continue;
		if (++parts == 2)
			break;
	}
	if (len - start == 0 || len - start >= SLUG_MAX)
		return -1;
	memcpy(slug, url + start, len - start);
	slug[len - start] = '\0';
	return slug_is(slug) ? 0 : -1;
}

int
slug_of_repo(struct drover_scope *scope, const char *repo, char slug[SLUG_MAX],
    struct drover_error *err)
{
	const struct drover_host_option *option = scope->host->option;
	struct drover_repo found = { .size = sizeof(found) };
	size_t n = option->count(scope, "slugs"), len = strlen(repo), i;
	const char *item;

	for (i = 0; i < n; i++) {
		item = option->item(scope, "slugs", i);
		if (item == NULL || strncmp(item, repo, len) != 0 || item[len] != '=')
			continue;
		if (!slug_is(item + len + 1))
			return plugin_fail(err, DROVER_CONFIG,
			    "slugs: \"%.200s\" is not \"REPO=owner/name\"", item);
		snprintf(slug, SLUG_MAX, "%s", item + len + 1);
		return 0;
	}
	if (scope->host->repo->find(scope, repo, &found) != 0)
		return plugin_fail(err, DROVER_CONFIG, "repo \"%.64s\" is not configured", repo);
	if (slug_of_url(found.url, slug) != 0)
		return plugin_fail(err, DROVER_CONFIG,
		    "repo %s: its url does not end in owner/name: put \"%s=owner/name\" into slugs",
		    repo, repo);
	return 0;
}
