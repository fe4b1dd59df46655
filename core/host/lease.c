/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->lease: trees for a job. To take one, the core writes the lease's row
 * and names the folder, then this process fetches the mirror and checks the
 * tree out. To give it back, this process cleans the tree and tells the core in
 * which state it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "host/service.h"

#define LEASE_GRANT_MAX 8192

struct scope_lease {
	struct scope_lease *next;
	struct tree tree;
};

struct grant {
	uint64_t id;
	char *path, *mirror, *state;
};

static int host_lease_acquire(struct drover_scope *, const char *, const char *,
    struct drover_lease *, struct drover_error *);
static int host_lease_release(struct drover_scope *, uint64_t, struct drover_error *);
static int host_lease_scratch(struct drover_scope *, char *, size_t, struct drover_error *);
static int host_lease_fetch(struct drover_scope *, const char *const *, size_t,
    struct drover_error *);
static struct scope_lease **lease_held(struct scope *, uint64_t);
static int lease_ask(struct scope *, const struct config_repo *, struct grant *, struct error *);
static int lease_tell(struct scope *, uint64_t, const char *, const char *, const char *,
    struct error *);
static void grant_free(struct grant *);
static void lease_end(struct scope *);

const struct drover_host_lease host_lease = {
	.size = sizeof host_lease,
	.acquire = host_lease_acquire,
	.release = host_lease_release,
	.scratch = host_lease_scratch,
	.fetch = host_lease_fetch,
};

static struct scope_lease **
lease_held(struct scope *scope, uint64_t handle)
{
	struct scope_lease **at;

	for (at = &scope->leases; *at != NULL; at = &(*at)->next) {
		if ((*at)->tree.lease == handle)
			return at;
	}
	return NULL;
}

struct tree *
lease_tree(struct scope *scope, uint64_t handle)
{
	struct scope_lease **at = lease_held(scope, handle);

	return at != NULL ? &(*at)->tree : NULL;
}

struct tree *
lease_at(struct scope *scope, size_t index)
{
	struct scope_lease *lease;

	for (lease = scope->leases; lease != NULL && index > 0; lease = lease->next)
		index--;
	return lease != NULL ? &lease->tree : NULL;
}

const struct config_repo *
lease_repo_at(const struct scope *scope, const char *path)
{
	const struct scope_lease *lease;
	size_t len;

	for (lease = scope->leases; lease != NULL; lease = lease->next) {
		len = strlen(lease->tree.path);
		if (strncmp(path, lease->tree.path, len) == 0 &&
		    (path[len] == '\0' || path[len] == '/'))
			return lease->tree.repo;
	}
	return NULL;
}

static void
grant_free(struct grant *grant)
{
	free(grant->path);
	free(grant->mirror);
	free(grant->state);
}

/* Asks the core for a tree. The lease's row exists once this returns 0. */
static int
lease_ask(struct scope *scope, const struct config_repo *repo, struct grant *grant,
    struct error *err)
{
	struct message_out request;
	struct proc_id id;
	struct buf data = BUF_INIT;
	cJSON *json;
	int r = -1;

	memset(grant, 0, sizeof *grant);
	if (proc_identify(scope->owner != 0 ? scope->owner : getpid(), &id) != 0)
		return error_set(err, DROVER_INTERNAL,
		    "cannot take a lease for process %d, which is gone", scope->owner);
	message_begin(&request, MESSAGE_LEASE_ACQUIRE, service_id(scope));
	message_put_s(&request, repo->name);
	message_put_u(&request, (uint64_t)id.pid);
	message_put_u(&request, id.start);
	message_put_s(&request, id.boot);
	if (service_ask(scope, &request, NULL, &data, err) != 0)
		goto out;
	if ((json = json_parse(buf_str(&data), data.len, LEASE_GRANT_MAX, err)) == NULL)
		goto out;
	grant->id = (uint64_t)json_int(json, "id", 0);
	grant->path = xstrdup(json_str(json, "path", ""));
	grant->mirror = xstrdup(json_str(json, "mirror", ""));
	grant->state = xstrdup(json_str(json, "state", ""));
	cJSON_Delete(json);
	if (grant->id == 0 || *grant->path != '/' || *grant->mirror != '/' ||
	    strlen(grant->path) >= DROVER_PATH_MAX)
		error_set(err, DROVER_INTERNAL,
		    "the core granted a lease of %s without an id or absolute paths", repo->name);
	else
		r = 0;
out:
	buf_free(&data);
	return r;
}

static int
lease_tell(struct scope *scope, uint64_t lease, const char *state, const char *wip,
    const char *commit, struct error *err)
{
	struct message_out request;

	message_begin(&request, MESSAGE_LEASE_RELEASE, service_id(scope));
	message_put_u(&request, lease);
	message_put_s(&request, state);
	message_put_s(&request, wip);
	message_put_s(&request, commit);
	return service_ask(scope, &request, NULL, NULL, err);
}

int
lease_take(struct scope *scope, const struct config_repo *repo, const char *ref, struct tree **tree,
    struct error *err)
{
	struct scope_lease *lease;
	struct grant grant;
	struct error ignored;
	char saved[256] = "";
	const char *left = "dirty";

	if (lease_ask(scope, repo, &grant, err) != 0) {
		grant_free(&grant);
		return -1;
	}
	lease = xcalloc(1, sizeof *lease);
	if (tree_init(&lease->tree, grant.id, repo, grant.path, grant.mirror,
		scope->config->state_dir, err) != 0)
		goto fail;
	lease->tree.credentials = credentials_of(scope);
	lease->tree.identity = identity_of(scope->config, repo);
	scope_on_end(scope, lease_end);
	/*
	 * A full ref asks for where the ref is now, so even a fresh fetch is
	 * too old.
	 */
	if ((!fetch_fresh(scope, repo) || (ref != NULL && strncmp(ref, "refs/", 5) == 0)) &&
	    tree_fetch(&lease->tree, err) != 0) {
		if (strcmp(grant.state, "warm") == 0)
			left = "warm";
		goto fail;
	}
	if (tree_prepare(&lease->tree, grant.state, ref, saved, sizeof saved, err) != 0)
		goto fail;
	if (*saved != '\0')
		log_printf(&scope->log, DROVER_NOTICE,
		    "lease: work of an earlier owner of %s was saved as %s", grant.path, saved);
	grant_free(&grant);
	lease->next = scope->leases;
	scope->leases = lease;
	*tree = &lease->tree;
	return 0;
fail:
	if (lease_tell(scope, grant.id, left, saved, "", &ignored) != 0)
		log_printf(&scope->log, DROVER_WARN,
		    "lease: the core was not told that %s is free: %s", grant.path, ignored.text);
	grant_free(&grant);
	tree_free(&lease->tree);
	free(lease);
	return -1;
}

int
lease_give_back(struct scope *scope, uint64_t handle, char *wip, size_t size, struct error *err)
{
	struct scope_lease **at = lease_held(scope, handle), *lease;
	struct error why = { 0 };
	char saved[256] = "", commit[65] = "";
	const char *left = "warm";
	int r;

	if (at == NULL)
		return error_set(err, DROVER_PERMANENT, "this job holds no lease %llu",
		    (unsigned long long)handle);
	lease = *at;
	*at = lease->next;
	if (tree_head(&lease->tree, commit, sizeof commit, &why) != 0 ||
	    tree_return(&lease->tree, saved, sizeof saved, &why) != 0) {
		left = "dirty";
		log_printf(&scope->log, DROVER_WARN,
		    "lease: %s could not be cleaned and goes back as it is: %s", lease->tree.path,
		    why.text);
	}
	if (*saved != '\0')
		log_printf(&scope->log, DROVER_NOTICE,
		    "lease: work that was not pushed is kept as %s", saved);
	if (wip != NULL)
		text_copy(wip, size, saved);
	r = lease_tell(scope, handle, left, saved, commit, err);
	tree_free(&lease->tree);
	free(lease);
	return r;
}

static void
lease_end(struct scope *scope)
{
	struct error err = { 0 };

	while (scope->leases != NULL) {
		if (lease_give_back(scope, scope->leases->tree.lease, NULL, 0, &err) != 0)
			log_printf(&scope->log, DROVER_WARN,
			    "lease: a tree could not be given back: %s", err.text);
	}
	if (scope->scratch != NULL && path_remove_tree(scope->scratch, &err) != 0)
		log_printf(&scope->log, DROVER_WARN,
		    "lease: the scratch folder could not be removed: %s", err.text);
	free(scope->scratch);
	scope->scratch = NULL;
}

static int
host_lease_acquire(struct drover_scope *public, const char *repo, const char *ref,
    struct drover_lease *out_lease, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	const struct config_repo *found;
	struct drover_lease lease = { 0 };
	struct error err = { 0 };
	struct tree *tree;

	if (service_role(scope, ROLE_JOB, "lease.acquire", "run", &err) != 0 ||
	    service_out_check(out_lease, "drover_lease", &err) != 0 ||
	    service_ref(ref, &err) != 0 || (found = scope_repo(scope, repo, &err)) == NULL)
		return scope_fail(out, &err);
	if (ref != NULL && *ref == '\0')
		ref = NULL;
	if (lease_take(scope, found, ref, &tree, &err) != 0)
		return scope_fail(out, &err);
	lease.handle = tree->lease;
	text_copy(lease.path, sizeof lease.path, tree->path);
	text_copy(lease.base, sizeof lease.base, tree->base);
	service_out(out_lease, &lease, sizeof lease, "drover_lease", &err);
	return 0;
}

static int
host_lease_release(struct drover_scope *public, uint64_t handle, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (service_role(scope, ROLE_JOB, "lease.release", "run", &err) != 0 ||
	    lease_give_back(scope, handle, NULL, 0, &err) != 0)
		return scope_fail(out, &err);
	return 0;
}

/*
 * The folder is named after the job, so that an attempt removes what an earlier
 * one left when it was killed.
 */
static int
host_lease_scratch(struct drover_scope *public, char *path, size_t size, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };
	char *dir = NULL;

	if (service_role(scope, ROLE_JOB, "lease.scratch", "run", &err) != 0)
		return scope_fail(out, &err);
	if (path == NULL || scope->job == NULL || scope->config == NULL) {
		error_set(&err, DROVER_PERMANENT,
		    "lease.scratch: path is NULL, or there is no job");
		return scope_fail(out, &err);
	}
	if (scope->scratch == NULL) {
		dir = xasprintf("%s/scratch/%llu", scope->config->state_dir,
		    (unsigned long long)scope->job->id);
		if (path_remove_tree(dir, &err) != 0 || path_mkdirs(dir, 0700, &err) != 0) {
			free(dir);
			return scope_fail(out, &err);
		}
		scope->scratch = dir;
		scope_on_end(scope, lease_end);
	}
	dir = xasprintf("%s/XXXXXX", scope->scratch);
	if (strlen(dir) >= size)
		error_set(&err, DROVER_PERMANENT,
		    "lease.scratch: the path needs %zu bytes, but there is room for %zu",
		    strlen(dir) + 1, size);
	else if (mkdtemp(dir) == NULL)
		error_errno(&err, DROVER_INTERNAL, "%s", dir);
	else
		text_copy(path, size, dir);
	free(dir);
	return err.code == 0 ? 0 : scope_fail(out, &err);
}

static int
host_lease_fetch(struct drover_scope *public, const char *const *repos, size_t n,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (service_role(scope, ROLE_JOB, "lease.fetch", "run", &err) != 0 ||
	    fetch_repos(scope, repos, n, &err) != 0)
		return scope_fail(out, &err);
	return 0;
}
