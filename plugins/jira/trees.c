/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases trees for an agent that reads: the tree of a single repo, or a folder
 * with a link to the tree of each repo, by the repo's name.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jira/fix.h"

int
trees_open(struct trees *t, struct drover_scope *scope, const char *const *repos, size_t n,
    struct drover_error *err)
{
	struct drover_lease lease = { .size = sizeof(lease) };
	char scratch[DROVER_PATH_MAX], link[DROVER_PATH_MAX + DROVER_NAME_MAX + 2];
	int code = 0;
	size_t i;

	memset(t, 0, sizeof(*t));
	if (n > 1 &&
	    (code = scope->host->lease->scratch(scope, scratch, sizeof(scratch), err)) != 0)
		return code;
	if (n > 1 &&
	    (size_t)snprintf(t->cwd, sizeof(t->cwd), "%s/repos", scratch) >= sizeof(t->cwd))
		return plugin_fail(err, DROVER_INTERNAL, "%s: the path is too long", scratch);
	if (n > 1 && mkdir(t->cwd, 0700) != 0 && errno != EEXIST)
		return plugin_fail(err, DROVER_INTERNAL, "%s: %s", t->cwd, strerror(errno));
	for (i = 0; i < n && code == 0; i++) {
		memset(&lease, 0, sizeof(lease));
		lease.size = sizeof(lease);
		if ((code = scope->host->lease->acquire(scope, repos[i], NULL, &lease, err)) != 0)
			break;
		t->handles[t->len++] = lease.handle;
		if (n == 1) {
			memcpy(t->cwd, lease.path, sizeof(t->cwd));
			break;
		}
		snprintf(link, sizeof(link), "%s/%s", t->cwd, repos[i]);
		if (unlink(link) != 0 && errno != ENOENT)
			code = plugin_fail(err, DROVER_INTERNAL, "%s: %s", link, strerror(errno));
		else if (symlink(lease.path, link) != 0)
			code = plugin_fail(err, DROVER_INTERNAL, "%s: %s", link, strerror(errno));
	}
	if (code != 0)
		trees_close(t, scope);
	return code;
}

void
trees_close(struct trees *t, struct drover_scope *scope)
{
	struct drover_error why = { 0 };

	while (t->len > 0)
		if (scope->host->lease->release(scope, t->handles[--t->len], &why) != 0)
			plugin_log(scope, DROVER_WARN, "a tree cannot be released: %s", why.text);
}

void
trees_list(struct drover_scope *scope, const char *const *repos, size_t n, struct text_buf *out)
{
	struct drover_repo repo = { .size = sizeof(repo) };
	size_t i;

	for (i = 0; i < n; i++)
		if (scope->host->repo->find(scope, repos[i], &repo) == 0)
			text_addf(out, "- %s (branch %s)%s\n", repo.name, repo.base,
			    n > 1 ? ", in the folder of that name" : "");
}
