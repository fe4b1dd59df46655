/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The repository of one submodule of a tree. It lies in the tree's own, below
 * .git/modules, and borrows the mirror's objects as that does: what submodules
 * have at their remotes is fetched into the mirror, in a folder of refs for
 * each url. A job can write to it, so it is guarded before each use, and goes
 * when the tree goes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/filters.h"
#include "lease/submodule.h"

static int module_put(const struct submodule *, const char *name, const char *text, struct error *);
static int module_put_config(const struct submodule *, struct error *);
static int module_put_refs(const struct submodule *, struct error *);
static int module_put_link(const struct submodule *, struct error *);
static bool module_whole(const struct tree *, const struct submodule *);
static int module_make(struct submodule *, struct error *);

struct submodule *
submodule_new(const struct tree *top, const char *path)
{
	struct submodule *m = xcalloc(1, sizeof *m);

	m->path = xstrdup(path);
	m->tree = *top;
	m->tree.path = path_join(top->path, path);
	m->tree.gitdir = xasprintf("%s/modules/%016llx", top->gitdir,
	    (unsigned long long)text_hash(path, strlen(path)));
	m->tree.lock = -1;
	m->tree.inode = 0;
	m->tree.submodules = NULL;
	m->tree.filters = NULL;
	m->tree.aside = NULL;
	m->tree.unsaved = false;
	m->tree.base[0] = '\0';
	return m;
}

void
submodule_free(struct submodule *m)
{
	free(m->path);
	free(m->url);
	free(m->refs);
	filters_forget(&m->tree);
	free(m->tree.aside);
	free(m->tree.path);
	free(m->tree.gitdir);
	free(m);
}

bool
submodule_made(const struct tree *top, const struct submodule *m)
{
	return submodule_there(top, m) && module_whole(top, m);
}

bool
submodule_there(const struct tree *top, const struct submodule *m)
{
	char *real = realpath(m->tree.path, NULL), *root = realpath(top->path, NULL);
	char *expected = root != NULL ? path_join(root, m->path) : NULL;
	struct stat st;
	bool yes = real != NULL && expected != NULL && strcmp(real, expected) == 0 &&
	    lstat(real, &st) == 0 && S_ISDIR(st.st_mode);

	free(real);
	free(root);
	free(expected);
	return yes;
}

static int
module_put(const struct submodule *m, const char *name, const char *text, struct error *err)
{
	char *path = path_join(m->tree.gitdir, name);
	int r = file_is(path, text) ? 0 : file_put(path, text, err);

	free(path);
	return r;
}

static int
module_put_config(const struct submodule *m, struct error *err)
{
	char *url = m->url != NULL ? remote_url_public(m->url) : xstrdup("");
	struct buf text = BUF_INIT;
	int r;

	buf_adds(&text, "[core]\n\trepositoryformatversion = 0\n\tbare = false\n");
	buf_adds(&text, "\thooksPath = /dev/null\n[gc]\n\tauto = 0\n[remote \"origin\"]\n");
	buf_adds(&text, "\tfetch = +refs/heads/*:refs/remotes/origin/*\n\turl = \"");
	for (const char *p = url; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_addc(&text, '\\');
		buf_addc(&text, *p);
	}
	buf_adds(&text, "\"\n");
	r = module_put(m, "config", buf_str(&text), err);
	buf_free(&text);
	free(url);
	return r;
}

/* The branches and tags of its remote, as the mirror has them. */
static int
module_put_refs(const struct submodule *m, struct error *err)
{
	static const char *const folders[][2] = { { "heads/", "refs/remotes/origin/" },
		{ "tags/", "refs/tags/" } };
	git_reference_iterator *all = NULL;
	git_repository *mirror = NULL;
	git_reference *ref;
	struct buf text = BUF_INIT;
	char hex[GIT_OID_HEXSZ + 1];
	int r;

	if (mirror_open(&m->tree, &mirror, err) != 0)
		return -1;
	buf_adds(&text, "# pack-refs with:\n");
	for (size_t i = 0; i < ARRAY_LEN(folders) && m->refs != NULL; i++) {
		char *glob = xasprintf("%s%s*", m->refs, folders[i][0]);

		all = NULL;
		(void)git2.reference_iterator_glob_new(&all, mirror, glob);
		while (all != NULL && git2.reference_next(&ref, all) == 0) {
			if (git2.reference_target(ref) != NULL)
				buf_addf(&text, "%s %s%s\n",
				    git2.oid_tostr(hex, sizeof hex, git2.reference_target(ref)),
				    folders[i][1], git2.reference_name(ref) + strlen(glob) - 1);
			git2.reference_free(ref);
		}
		git2.reference_iterator_free(all);
		free(glob);
	}
	r = module_put(m, "packed-refs", buf_str(&text), err);
	buf_free(&text);
	git2.repository_free(mirror);
	return r;
}

/* The file .git in its folder, which leads git to its repository. */
static int
module_put_link(const struct submodule *m, struct error *err)
{
	char *file = path_join(m->tree.path, ".git");
	struct buf text = BUF_INIT;
	int r = 0;

	buf_adds(&text, "gitdir: ../");
	for (const char *p = m->path; *p != '\0'; p++) {
		if (*p == '/')
			buf_adds(&text, "../");
	}
	buf_addf(&text, ".git/modules/%s\n", strrchr(m->tree.gitdir, '/') + 1);
	if (!file_is(file, buf_str(&text))) {
		file_drop(m->tree.path, ".git");
		r = file_put(file, buf_str(&text), err);
	}
	buf_free(&text);
	free(file);
	return r;
}

/* True when no part of its repository is missing, or a link to elsewhere. */
static bool
module_whole(const struct tree *top, const struct submodule *m)
{
	char *folders[] = { path_join(top->gitdir, "modules"), xstrdup(m->tree.gitdir),
		path_join(m->tree.gitdir, "objects"), path_join(m->tree.gitdir, "objects/info"),
		path_join(m->tree.gitdir, "refs") };
	bool whole = true;
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		whole = whole && lstat(folders[i], &st) == 0 && S_ISDIR(st.st_mode);
		if (i == 0 && !whole)
			file_drop(top->gitdir, "modules");
		free(folders[i]);
	}
	return whole;
}

static int
module_make(struct submodule *m, struct error *err)
{
	static const char *const folders[] = { "objects/info", "objects/pack", "refs/heads" };
	char head[GIT_OID_HEXSZ + 2];
	int r = path_remove_tree(m->tree.gitdir, err);

	for (size_t i = 0; i < ARRAY_LEN(folders) && r == 0; i++) {
		char *path = path_join(m->tree.gitdir, folders[i]);

		r = path_mkdirs(path, 0700, err);
		free(path);
	}
	snprintf(head, sizeof head, "%.40s\n", m->tree.base);
	if (r != 0 || module_put(m, "HEAD", head, err) != 0)
		return -1;
	return module_put_refs(m, err);
}

int
submodule_guard(const struct tree *top, struct submodule *m, struct error *err)
{
	static const char *const never[] = { "config.worktree", "info", "hooks", "commondir",
		"gitdir", "index.lock", "HEAD.lock" };
	static const char *const files[] = { "index", "HEAD", "packed-refs" };
	char *alternates = xasprintf("%s/objects\n", top->mirror);
	struct stat st;
	int r = -1;

	if (!module_whole(top, m) && module_make(m, err) != 0)
		goto out;
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		file_drop(m->tree.gitdir, never[i]);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = path_join(m->tree.gitdir, files[i]);

		if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
			file_drop(m->tree.gitdir, files[i]);
		free(path);
	}
	if ((gitdir_readable(&m->tree) || module_make(m, err) == 0) &&
	    module_put(m, "objects/info/alternates", alternates, err) == 0 &&
	    module_put_config(m, err) == 0)
		r = module_put_link(m, err);
out:
	free(alternates);
	return r;
}

int
submodule_fetch(const struct tree *top, const struct submodule *m, const git_oid *commit,
    struct error *err)
{
	static const char *const schemes[] = { "file", "http", "https", "ssh" };
	char *lock = xasprintf("%s.fetch", top->mirror), *secret = NULL,
	     *name = xasprintf("%s, submodule %s", top->repo->name, m->path), *specs[2],
	     *allow = NULL, hex[GIT_OID_HEXSZ + 1];
	struct config_repo shown = { .name = name, .url = m->url };
	struct git_run run = { .tree = top,
		.gitdir = top->mirror,
		.user = remote_by_cli(top->repo) };
	const char *scheme = remote_local_path(m->url) != NULL ? schemes[0] : schemes[3];
	int fd = -1, status = -1;

	for (size_t i = 1; i < 3; i++) {
		if (strncasecmp(m->url, schemes[i], strlen(schemes[i])) == 0 &&
		    m->url[strlen(schemes[i])] == ':')
			scheme = schemes[i];
	}
	allow = xasprintf("protocol.%s.allow=always", scheme);
	if (commit == NULL) {
		specs[0] = xasprintf("+refs/heads/*:%sheads/*", m->refs);
		specs[1] = xasprintf("+refs/tags/*:%stags/*", m->refs);
	} else {
		git2.oid_tostr(hex, sizeof hex, commit);
		specs[0] = xasprintf("+%s:%sat/%s", hex, m->refs, hex);
		specs[1] = NULL;
	}
	/*
	 * A redirect must not lead to where the url could not; another host
	 * gets no credential, not even one of the user's helpers.
	 */
	const char *const args[] = { "-c", "protocol.allow=never", "-c", allow, "-c",
		"http.followRedirects=false", "-c", "core.askPass=", "-c",
		m->own ? "core.askPass=" : "credential.helper=", "fetch", "--quiet", "--no-tags",
		"--no-write-fetch-head", "--no-recurse-submodules", "--", m->url, specs[0],
		specs[1], NULL };

	if ((!m->own || remote_secret(top, &secret, err) == 0) && lock_take(lock, &fd, err) == 0) {
		run.secret = secret;
		status = git_run(&run, args, err);
		if (status > 0)
			remote_fail(&shown, "fetch", buf_str(&run.err), 0, err);
	}
	buf_free(&run.err);
	path_close(&fd);
	free_wiped(secret);
	free(specs[0]);
	free(specs[1]);
	free(allow);
	free(lock);
	free(name);
	return status == 0 ? 0 : -1;
}
