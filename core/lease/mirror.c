/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare mirror of a repo. Whatever works on a mirror opens it here, which
 * makes it when it is missing; fetch.c and gitdir.c guard it first; tree.c asks
 * for the commit at which to prepare a tree.
 *
 * What the remote has lies in refs/remotes/origin and refs/tags, what drover
 * keeps in refs/drover; refs/heads is left to the agents. Jobs run as the same
 * user and can write here, so config, hooks and info are put back before each
 * use.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/files.h"

#define MIRROR_SETTINGS 6
#define PACKED_LOCK_MS 30000   /* an agent's git may hold it, too, but only for moments */

struct mirror_setting {
	const char *key;
	char *value;
};

static int mirror_make(const struct tree *, struct error *);
static void mirror_settings_fill(const struct tree *, struct mirror_setting *);
static void mirror_settings_free(struct mirror_setting *);
static bool mirror_config_good(const char *path, const struct mirror_setting *);
static int mirror_config_write(const char *path, const struct mirror_setting *, struct error *);
static int mirror_resolve_name(git_repository *, const char *name, git_oid *);
static int mirror_resolve_base(const struct tree *, git_repository *, git_oid *, struct error *);

int
mirror_lock(const struct tree *t, int *fd, struct error *err)
{
	char *path = xasprintf("%s.lock", t->mirror), *dir = xstrdup(t->mirror);
	int result;

	*strrchr(dir, '/') = '\0';
	result = path_mkdirs(dir, 0700, err) == 0 ? lock_take(path, fd, err) : -1;
	free(path);
	free(dir);
	return result;
}

int
mirror_open(const struct tree *t, git_repository **repo, struct error *err)
{
	struct stat st;

	*repo = NULL;
	if (stat(t->mirror, &st) != 0 && mirror_make(t, err) != 0)
		return -1;
	if (git2.repository_open_bare(repo, t->mirror) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot open the mirror %s of repo %s",
		    t->mirror, t->repo->name);
	return 0;
}

int
mirror_mend(const struct tree *t, struct error *err)
{
	git_repository *repo = NULL;
	struct stat st;
	char *aside;
	int fd = -1, result = -1;

	if (stat(t->mirror, &st) != 0)
		return 0;
	if (git2.repository_open_bare(&repo, t->mirror) == 0) {
		git2.repository_free(repo);
		return 0;
	}
	aside = xasprintf("%s.broken-%lld", t->mirror, (long long)clock_wall());
	if (mirror_lock(t, &fd, err) != 0)
		goto out;
	if (git2.repository_open_bare(&repo, t->mirror) == 0 || rename(t->mirror, aside) == 0)
		result = 0;
	else
		error_errno(err, DROVER_INTERNAL,
		    "the mirror %s of repo %s is broken and cannot be renamed",
		    t->mirror, t->repo->name);
out:
	git2.repository_free(repo);
	path_close(&fd);
	free(aside);
	return result;
}

/*
 * Makes the mirror under another name and renames it, so that it is whole or
 * not there.
 */
static int
mirror_make(const struct tree *t, struct error *err)
{
	char *tmp = xasprintf("%s.new", t->mirror), *config = xasprintf("%s.new/config", t->mirror);
	struct mirror_setting settings[MIRROR_SETTINGS];
	git_repository *repo = NULL;
	struct stat st;
	int fd = -1, result = -1;

	mirror_settings_fill(t, settings);
	if (mirror_lock(t, &fd, err) != 0)
		goto out;
	if (stat(t->mirror, &st) == 0) {
		result = 0;
		goto out;
	}
	if (path_remove_tree(tmp, err) != 0)
		goto out;
	if (git2.repository_init(&repo, tmp, 1) != 0) {
		git_fail(DROVER_INTERNAL, err, "cannot make the mirror of repo %s in %s",
		    t->repo->name, tmp);
		goto out;
	}
	if (mirror_config_write(config, settings, err) != 0)
		goto out;
	if (rename(tmp, t->mirror) != 0) {
		error_errno(err, DROVER_INTERNAL, "cannot rename %s to %s", tmp, t->mirror);
		goto out;
	}
	result = 0;
out:
	git2.repository_free(repo);
	path_close(&fd);
	mirror_settings_free(settings);
	free(tmp);
	free(config);
	return result;
}

int
mirror_guard(const struct tree *t, struct error *err)
{
	char *config = xasprintf("%s/config", t->mirror),
	     *objects = xasprintf("%s/objects/info", t->mirror);
	struct mirror_setting settings[MIRROR_SETTINGS];
	int fd = -1, result = 0;

	file_drop(t->mirror, "hooks");
	file_drop(t->mirror, "info");
	file_drop(t->mirror, "config.worktree");
	file_drop(objects, "alternates");
	mirror_settings_fill(t, settings);
	if (!mirror_config_good(config, settings)) {
		result = mirror_lock(t, &fd, err);
		if (result == 0) {
			file_drop(t->mirror, "config.lock");
			result = mirror_config_write(config, settings, err);
		}
		path_close(&fd);
	}
	mirror_settings_free(settings);
	free(config);
	free(objects);
	return result;
}

static void
mirror_settings_fill(const struct tree *t, struct mirror_setting *settings)
{
	settings[0] = (struct mirror_setting){ "core.repositoryformatversion", xstrdup("0") };
	settings[1] = (struct mirror_setting){ "core.bare", xstrdup("true") };
	settings[2] = (struct mirror_setting){ "core.hookspath", xstrdup("/dev/null") };
	settings[3] = (struct mirror_setting){ "gc.auto", xstrdup("0") };
	/* The keeper does not know the url: it leaves what is there. */
	settings[4] = (struct mirror_setting){ "remote.origin.url",
		t->repo->url != NULL ? remote_url_public(t->repo->url) : NULL };
	settings[5] = (struct mirror_setting){ "remote.origin.fetch",
		xstrdup("+refs/heads/*:refs/remotes/origin/*") };
}

static void
mirror_settings_free(struct mirror_setting *settings)
{
	for (int i = 0; i < MIRROR_SETTINGS; i++)
		free(settings[i].value);
}

/* True when the file has each setting once and nothing else. */
static bool
mirror_config_good(const char *path, const struct mirror_setting *settings)
{
	git_config *config = NULL;
	git_config_iterator *all = NULL;
	git_config_entry *entry;
	unsigned int seen = 0;
	struct stat st;
	bool good = true;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    git2.config_open_ondisk(&config, path) != 0 ||
	    git2.config_iterator_new(&all, config) != 0) {
		git2.config_free(config);
		return false;
	}
	while (git2.config_next(&entry, all) == 0) {
		int at = 0;

		/* git-lfs leaves this behind. */
		if (strcmp(entry->name, "lfs.repositoryformatversion") == 0)
			continue;
		while (at < MIRROR_SETTINGS && strcmp(entry->name, settings[at].key) != 0)
			at++;
		if (at == MIRROR_SETTINGS || (seen & (1u << at)) || entry->value == NULL ||
		    (settings[at].value != NULL && strcmp(entry->value, settings[at].value) != 0))
			good = false;
		else
			seen |= 1u << at;
	}
	git2.config_iterator_free(all);
	git2.config_free(config);
	for (int i = 0; i < MIRROR_SETTINGS; i++) {
		if (settings[i].value != NULL && !(seen & (1u << i)))
			good = false;
	}
	return good;
}

static int
mirror_config_write(const char *path, const struct mirror_setting *settings, struct error *err)
{
	char *tmp = xasprintf("%s.drover", path);
	git_config *config = NULL;
	int rc, result = -1;

	unlink(tmp);
	rc = git2.config_open_ondisk(&config, tmp);
	for (int i = 0; i < MIRROR_SETTINGS && rc == 0; i++) {
		if (settings[i].value != NULL)
			rc = git2.config_set_string(config, settings[i].key, settings[i].value);
	}
	if (rc != 0)
		git_fail(DROVER_INTERNAL, err, "cannot write %s", tmp);
	else if (rename(tmp, path) != 0)
		error_errno(err, DROVER_INTERNAL, "cannot rename %s to %s", tmp, path);
	else
		result = 0;
	git2.config_free(config);
	free(tmp);
	return result;
}

int
mirror_resolve(const struct tree *t, const char *ref, git_oid *oid, struct error *err)
{
	git_repository *repo = NULL;
	char shown[101];
	char *url, *name;
	int valid = 0, found = 0;

	if (mirror_open(t, &repo, err) != 0)
		return -1;
	if (ref == NULL || *ref == '\0') {
		found = mirror_resolve_base(t, repo, oid, err);
		git2.repository_free(repo);
		return found;
	}
	name = xasprintf("%s%s", strncmp(ref, "refs/", 5) == 0 ? "" : "refs/heads/", ref);
	if (strlen(ref) <= 512 && text_is_utf8(ref, strlen(ref)) &&
	    git2.reference_name_is_valid(&valid, name) == 0 && valid) {
		if (strncmp(ref, "refs/heads/", 11) == 0)
			found = mirror_resolve_name(repo, ref + 5, oid);
		else if (strncmp(ref, "refs/tags/", 10) == 0 ||
		    strncmp(ref, "refs/drover/", 12) == 0)
			found = mirror_resolve_name(repo, ref, oid);
		else if (strncmp(ref, "refs/", 5) == 0) {
			free(name);
			name = xasprintf("refs/drover/fetch/%s", ref + 5);
			if (mirror_fetch_ref(t, ref, err) != 0) {
				git2.repository_free(repo);
				free(name);
				return -1;
			}
			found = mirror_resolve_name(repo, name, oid);
		} else {
			free(name);
			name = xasprintf("heads/%s", ref);
			found = mirror_resolve_name(repo, name, oid);
			free(name);
			name = xasprintf("refs/tags/%s", ref);
			found = found || mirror_resolve_name(repo, name, oid) ||
			    mirror_resolve_name(repo, ref, oid);
		}
	}
	if (!found) {
		url = remote_url_public(t->repo->url);
		error_set(err, DROVER_PERMANENT, "repo %s (%s) has no branch, tag or commit \"%s\"",
		    t->repo->name, url, text_show_in(shown, sizeof shown, ref, strlen(ref)));
		free(url);
	}
	git2.repository_free(repo);
	free(name);
	return found ? 0 : -1;
}

/*
 * "heads/NAME" is a branch of the remote, "refs/..." a ref of the mirror, and
 * anything else a hash or the start of one.
 */
static int
mirror_resolve_name(git_repository *repo, const char *name, git_oid *oid)
{
	git_object *object = NULL, *commit = NULL;
	git_oid id;
	char *full = NULL;
	size_t len = strlen(name);
	int found = 0;

	if (strncmp(name, "heads/", 6) == 0)
		full = xasprintf("refs/remotes/origin/%s", name + 6);
	else if (strncmp(name, "refs/", 5) == 0)
		full = xstrdup(name);
	if (full != NULL) {
		if (git2.reference_name_to_id(&id, repo, full) == 0)
			git2.object_lookup(&object, repo, &id, GIT_OBJECT_ANY);
	} else if (len >= 7 && len <= GIT_OID_HEXSZ && strspn(name, "0123456789abcdef") == len &&
	    git2.oid_fromstrn(&id, name, len) == 0)
		git2.object_lookup_prefix(&object, repo, &id, len, GIT_OBJECT_ANY);
	if (object != NULL && git2.object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0) {
		git2.oid_cpy(oid, git2.object_id(commit));
		found = 1;
	}
	git2.object_free(commit);
	git2.object_free(object);
	free(full);
	return found;
}

static int
mirror_resolve_base(const struct tree *t, git_repository *repo, git_oid *oid, struct error *err)
{
	char *url = remote_url_public(t->repo->url), *name = NULL;
	int result = 0;

	if (t->repo->base != NULL) {
		name = xasprintf("heads/%s", t->repo->base);
		if (!mirror_resolve_name(repo, name, oid))
			result = error_set(err, DROVER_CONFIG,
			    "repo %s (%s) has no branch \"%s\": check its base", t->repo->name, url,
			    t->repo->base);
	} else if (git2.reference_name_to_id(oid, repo, "refs/remotes/origin/HEAD") != 0)
		result = error_set(err, DROVER_CONFIG,
		    "repo %s (%s) names no default branch: set its base", t->repo->name, url);
	free(name);
	free(url);
	return result;
}

void
mirror_unlock_packed(const struct tree *t)
{
	char *path = path_join(t->mirror, "packed-refs.lock");
	struct stat st;

	if (lstat(path, &st) == 0 &&
	    clock_wall() - (int64_t)st.st_mtim.tv_sec * 1000 > PACKED_LOCK_MS)
		unlink(path);
	free(path);
}

int
mirror_ref_get(git_repository *repo, const char *name, git_oid *oid)
{
	return git2.reference_name_to_id(oid, repo, name) == 0;
}

int
mirror_ref_set(const struct tree *t, const char *name, const git_oid *oid, struct error *err)
{
	git_repository *repo = NULL;
	git_reference *ref = NULL;
	char *left;
	int fd = -1, rc = -1;

	if (mirror_open(t, &repo, err) != 0)
		return -1;
	if (mirror_lock(t, &fd, err) != 0)
		goto out;
	for (int i = 0; i < 2; i++) {
		rc = oid != NULL ? git2.reference_create(&ref, repo, name, oid, 1, NULL) :
				   git2.reference_remove(repo, name);
		if (rc != GIT_ELOCKED)
			break;
		/*
		 * Only drover writes these refs, and only under this lock, so
		 * the process that made the lock file is dead.
		 */
		left = xasprintf("%s.lock", name);
		file_drop(t->mirror, left);
		free(left);
		mirror_unlock_packed(t);
	}
	if (oid == NULL && rc == GIT_ENOTFOUND)
		rc = 0;
	if (rc != 0)
		git_fail(rc == GIT_ELOCKED ? DROVER_AGAIN : DROVER_INTERNAL, err,
		    "cannot set %s in %s", name, t->mirror);
out:
	git2.reference_free(ref);
	git2.repository_free(repo);
	path_close(&fd);
	return rc == 0 ? 0 : -1;
}
