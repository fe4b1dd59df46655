/* SPDX-License-Identifier: Apache-2.0 */
/* host->repo: what a plugin may know of the configured repos. */
#include "base/mem.h"
#include "host/service.h"

static int host_repo_at(struct drover_scope *, size_t, struct drover_repo *);
static int host_repo_find(struct drover_scope *, const char *, struct drover_repo *);
static int host_repo_out(const struct config_repo *, struct drover_repo *);

const struct drover_host_repo host_repo = {
	.size = sizeof host_repo,
	.at = host_repo_at,
	.find = host_repo_find,
};

static int
host_repo_out(const struct config_repo *repo, struct drover_repo *out)
{
	struct drover_repo ours = { .size = sizeof ours,
		.name = repo->name,
		.url = repo->url,
		.base = repo->base != NULL ? repo->base : "",
		.forge = repo->forge != NULL ? repo->forge : "" };

	return service_out(out, &ours, sizeof ours, "drover_repo", NULL);
}

static int
host_repo_at(struct drover_scope *public, size_t index, struct drover_repo *out)
{
	const struct config *config = scope_of(public)->config;

	if (config == NULL || index >= (size_t)config->repos_len)
		return -1;
	return host_repo_out(&config->repos[index], out);
}

static int
host_repo_find(struct drover_scope *public, const char *name, struct drover_repo *out)
{
	const struct config *config = scope_of(public)->config;
	const struct config_repo *repo =
	    config != NULL && name != NULL ? config_repo(config, name) : NULL;

	return repo != NULL ? host_repo_out(repo, out) : -1;
}
