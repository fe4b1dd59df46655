/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetching into the mirror. A job fetches before its tree is prepared, and many
 * jobs of one repo may start at once, so fetches are coalesced between
 * processes: one at a time runs under the lock MIRROR.fetch, and MIRROR.count
 * holds how many were begun and which of them last succeeded and last failed. A
 * process that had to wait for the lock takes the outcome of a fetch that was
 * begun after it asked, and fetches itself only when there is none.
 *
 * git fetches where its own transport is needed, else libgit2. A token of a
 * plugin that the remote refuses is replaced, and the fetch tried once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/files.h"

#define FETCH_REFS_MAX 8

/* The content of MIRROR.count, under a lock on that file. */
struct fetch_count {
	uint64_t begun, done, failed;
	struct error error; /* error of the fetch that last failed */
};

static const char *const all_refs[] = { "+refs/heads/*:refs/remotes/origin/*",
	"+refs/tags/*:refs/tags/*", NULL };

static int fetch_count_access(const struct tree *, struct fetch_count *, bool write,
    struct error *);
static int fetch_by_cli(const struct tree *, const char *const *specs, struct error *);
static int fetch_by_libgit2(const struct tree *, git_repository *, const char *const *specs,
    struct error *);
static void fetch_default_branch(git_repository *, git_remote *);
static int fetch_default_branch_by_cli(const struct tree *, git_repository *, const char *secret,
    struct error *);
static void fetch_unlock_refs(const struct tree *);
static int mirror_fetch(const struct tree *, const char *const *specs, struct error *);
static int fetch_once(const struct tree *, git_repository *, const char *const *specs,
    struct error *);

int
tree_fetch(struct tree *t, struct error *err)
{
	char *path = xasprintf("%s.fetch", t->mirror);
	struct fetch_count count;
	struct error why = { .code = 0 };
	git_repository *repo = NULL;
	uint64_t asked;
	int fd = -1, result = -1;

	if (mirror_mend(t, err) != 0 || mirror_open(t, &repo, err) != 0 ||
	    mirror_guard(t, err) != 0 || fetch_count_access(t, &count, false, err) != 0)
		goto out;
	asked = count.begun;
	if (lock_take(path, &fd, err) != 0 || fetch_count_access(t, &count, false, err) != 0)
		goto out;
	if (count.done > asked) {
		result = 0;
		goto out;
	}
	if (count.failed > asked) {
		if (err != NULL)
			*err = count.error;
		goto out;
	}
	count.begun++;
	if (fetch_count_access(t, &count, true, err) != 0)
		goto out;
	result = mirror_fetch(t, all_refs, &why);
	if (result == 0)
		count.done = count.begun;
	else {
		count.failed = count.begun;
		count.error = why;
		if (err != NULL)
			*err = why;
	}
	if (fetch_count_access(t, &count, true, result == 0 ? err : NULL) != 0)
		result = -1;
out:
	git2.repository_free(repo);
	path_close(&fd);
	free(path);
	return result;
}

int
mirror_fetch_ref(const struct tree *t, const char *ref, struct error *err)
{
	char *spec = xasprintf("+%s:refs/drover/fetch/%s", ref, ref + 5),
	     *path = xasprintf("%s.fetch", t->mirror);
	const char *const specs[] = { spec, NULL };
	int fd = -1, result = -1;

	if (lock_take(path, &fd, err) == 0)
		result = mirror_fetch(t, specs, err);
	path_close(&fd);
	free(spec);
	free(path);
	return result;
}

static int
fetch_count_access(const struct tree *t, struct fetch_count *count, bool write, struct error *err)
{
	char *path = xasprintf("%s.count", t->mirror);
	int fd = -1, result = -1;
	ssize_t n;

	if (lock_take(path, &fd, err) != 0)
		goto out;
	if (write) {
		n = pwrite(fd, count, sizeof *count, 0);
		result = n == (ssize_t)sizeof *count ?
		    0 :
		    error_errno(err, DROVER_INTERNAL, "cannot write %s", path);
	} else {
		n = pread(fd, count, sizeof *count, 0);
		if (n != (ssize_t)sizeof *count)
			memset(count, 0, sizeof *count);
		count->error.text[sizeof count->error.text - 1] = '\0';
		result = 0;
	}
out:
	path_close(&fd);
	free(path);
	return result;
}

/* The caller holds the fetch lock. */
static int
mirror_fetch(const struct tree *t, const char *const *specs, struct error *err)
{
	git_repository *repo = NULL;
	const char *local = remote_local_path(t->repo->url);
	struct error why = { .code = 0 };
	int result;

	if (local != NULL && access(local, F_OK) != 0)
		return error_errno(err, DROVER_CONFIG, "cannot fetch repo %s: %s", t->repo->name,
		    local);
	if (mirror_open(t, &repo, err) != 0)
		return -1;
	/*
	 * Remote refs and tags are only written under the fetch lock, so a lock
	 * file there was left by a dead process.
	 */
	fetch_unlock_refs(t);
	mirror_unlock_packed(t);
	result = fetch_once(t, repo, specs, &why);
	if (result != 0 && remote_renew(t, &why))
		result = fetch_once(t, repo, specs, &why);
	if (result != 0 && err != NULL)
		*err = why;
	git2.repository_free(repo);
	return result;
}

static int
fetch_once(const struct tree *t, git_repository *repo, const char *const *specs, struct error *err)
{
	if (!remote_by_cli(t->repo))
		return fetch_by_libgit2(t, repo, specs, err);
	if (git_found())
		return fetch_by_cli(t, specs, err);
	return error_set(err, DROVER_CONFIG,
	    "repo %s needs git to fetch, which is not in PATH: install it, or use an https url",
	    t->repo->name);
}

static int
fetch_by_libgit2(const struct tree *t, git_repository *repo, const char *const *specs,
    struct error *err)
{
	git_fetch_options options;
	struct remote_auth auth = { .tree = t };
	char *list[FETCH_REFS_MAX];
	git_strarray refs = { list, 0 };
	git_remote *remote = NULL;
	bool whole = specs == all_refs;
	int rc;

	git2.fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
	for (; *specs != NULL && refs.count < FETCH_REFS_MAX; specs++)
		list[refs.count++] = (char *)*specs;
	remote_callbacks(&options.callbacks, &auth);
	options.proxy_opts.type = GIT_PROXY_AUTO;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	rc = remote_open(&remote, repo, t->repo->url);
	if (rc == 0)
		rc = git2.remote_connect(remote, GIT_DIRECTION_FETCH, &options.callbacks,
		    &options.proxy_opts, NULL);
	if (rc == 0)
		rc = git2.remote_download(remote, &refs, &options);
	/* Prune first: a branch "a" must be gone before "a/b" can be made. */
	if (rc == 0 && whole)
		rc = git2.remote_prune(remote, &options.callbacks);
	if (rc == 0)
		rc = git2.remote_update_tips(remote, &options.callbacks, 0,
		    GIT_REMOTE_DOWNLOAD_TAGS_NONE, NULL);
	if (rc == 0 && whole)
		fetch_default_branch(repo, remote);
	if (rc != 0 && auth.error.code != 0) {
		if (err != NULL)
			*err = auth.error;
	} else if (rc != 0)
		remote_fail(t->repo, "fetch", NULL, rc, err);
	git2.remote_free(remote);
	return rc == 0 ? 0 : -1;
}

static void
fetch_default_branch(git_repository *repo, git_remote *remote)
{
	git_buf name = GIT_BUF_INIT;
	git_reference *ref = NULL;
	char *target;

	if (git2.remote_default_branch(&name, remote) == 0 &&
	    strncmp(name.ptr, "refs/heads/", 11) == 0) {
		target = xasprintf("refs/remotes/origin/%s", name.ptr + 11);
		git2.reference_symbolic_create(&ref, repo, "refs/remotes/origin/HEAD", target, 1,
		    NULL);
		free(target);
	}
	git2.reference_free(ref);
	git2.buf_dispose(&name);
}

static int
fetch_by_cli(const struct tree *t, const char *const *specs, struct error *err)
{
	struct git_run run = { .tree = t, .gitdir = t->mirror, .user = true };
	const char *args[16] = { "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
		"--no-recurse-submodules" };
	git_repository *repo = NULL;
	char *secret = NULL;
	git_oid head;
	bool whole = specs == all_refs;
	int n = 5, status, result = -1;

	if (remote_secret(t, &secret, err) != 0)
		return -1;
	if (whole)
		args[n++] = "--prune";
	args[n++] = "--";
	args[n++] = t->repo->url;
	while (*specs != NULL && n < (int)ARRAY_LEN(args) - 1)
		args[n++] = *specs++;
	run.secret = secret;
	status = git_run(&run, args, err);
	if (status > 0)
		remote_fail(t->repo, "fetch", buf_str(&run.err), 0, err);
	if (status == 0) {
		result = 0;
		if (whole && mirror_open(t, &repo, err) != 0)
			result = -1;
		else if (whole &&
		    (t->repo->base == NULL ||
			git2.reference_name_to_id(&head, repo, "refs/remotes/origin/HEAD") != 0))
			result = fetch_default_branch_by_cli(t, repo, secret, err);
	}
	git2.repository_free(repo);
	buf_free(&run.err);
	free_wiped(secret);
	return result;
}

static int
fetch_default_branch_by_cli(const struct tree *t, git_repository *repo, const char *secret,
    struct error *err)
{
	const char *const args[] = { "ls-remote", "--symref", "--", t->repo->url, "HEAD", NULL };
	struct buf out = BUF_INIT;
	struct git_run run = { .tree = t,
		.gitdir = t->mirror,
		.user = true,
		.secret = secret,
		.out = &out };
	git_reference *ref = NULL;
	char *target, *line;
	int status = git_run(&run, args, err);

	if (status > 0)
		remote_fail(t->repo, "fetch", buf_str(&run.err), 0, err);
	if (status == 0 && strncmp(buf_str(&out), "ref: refs/heads/", 16) == 0) {
		line = out.data + 16;
		line[strcspn(line, "\t\n")] = '\0';
		target = xasprintf("refs/remotes/origin/%s", line);
		git2.reference_symbolic_create(&ref, repo, "refs/remotes/origin/HEAD", target, 1,
		    NULL);
		free(target);
	}
	git2.reference_free(ref);
	buf_free(&run.err);
	buf_free(&out);
	return status == 0 ? 0 : -1;
}

static void
fetch_unlock_refs(const struct tree *t)
{
	char *remotes = xasprintf("%s/refs/remotes", t->mirror),
	     *tags = xasprintf("%s/refs/tags", t->mirror);
	char *const roots[] = { remotes, tags, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	size_t len;

	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		len = entry->fts_namelen;
		if (entry->fts_info == FTS_F && len > 5 &&
		    strcmp(entry->fts_name + len - 5, ".lock") == 0)
			unlink(entry->fts_path);
	}
	if (walk != NULL)
		fts_close(walk);
	free(remotes);
	free(tags);
}
