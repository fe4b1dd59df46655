/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git LFS. git-lfs does the work; this file says when, and where from. The
 * server is the one that belongs to the repo's url: .lfsconfig may name another
 * place on the same host, never another host, which would get the repo's token.
 * Objects are fetched into the mirror before a tree is filled from it, and
 * uploaded from the mirror before a commit is pushed; git-lfs gets the token
 * through the pipe of git's credential helper. What was made in a tree is
 * copied into the mirror first, and counts only if its content is what its name
 * says.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/lfs.h"

#define LFS_CONFIG ".lfsconfig"
#define LFS_NAME_LEN 64

static char *lfs_site(const char *url);
static int lfs_server(const struct tree *, const git_oid *commit, char **url, struct error *);
static int lfs_run(const struct tree *, const git_oid *commit, const char *const *args,
    const char *verb, struct error *);
static int lfs_exchange(const struct tree *, const git_oid *commit, const char *what,
    const char *verb, struct error *);
static bool lfs_is_object(const char *path, const char *name);
static int lfs_copy(const struct tree *, const char *from, const char *name, struct error *);

bool
lfs_found(void)
{
	return git_program_found("git-lfs");
}

/* "scheme://host:port" of a url; "" for a path. The caller frees it. */
static char *
lfs_site(const char *url)
{
	const char *scheme = strstr(url, "://"), *host, *end, *at;

	if (scheme == NULL)
		return xstrdup("");
	host = scheme + 3;
	end = host + strcspn(host, "/?#");
	for (at = host; at < end; at++) {
		if (*at == '@')
			host = at + 1;
	}
	return xasprintf("%.*s%.*s", (int)(scheme + 3 - url), url, (int)(end - host), host);
}

/*
 * Sets *url to the server that .lfsconfig of the commit names, or to NULL. The
 * caller frees it.
 */
static int
lfs_server(const struct tree *t, const git_oid *commit, char **url, struct error *err)
{
	char id[GIT_OID_HEXSZ + 1], blob[GIT_OID_HEXSZ + 16], shown[101], *ours, *theirs;
	const char *const args[] = { "config", "-z", "--blob", blob, "--get-regexp",
		"^(lfs\\.(push)?url|remote\\..*\\.lfs(push)?url)$", NULL };
	struct buf said = BUF_INIT;
	struct git_run run = { .tree = t, .gitdir = t->mirror, .out = &said };
	int status, result = 0;

	*url = NULL;
	git2.oid_tostr(id, sizeof id, commit);
	snprintf(blob, sizeof blob, "%s:" LFS_CONFIG, id);
	status = git_run(&run, args, err);
	ours = lfs_site(t->repo->url);
	/* Any other status: there is no such file, or nothing in it. */
	for (const char *key = said.data; status == 0 && result == 0 && key != NULL &&
	     key < said.data + said.len; key += strlen(key) + 1) {
		const char *value = strchr(key, '\n');

		if (value == NULL)
			continue;
		theirs = lfs_site(++value);
		if (*theirs == '\0' || strcmp(ours, theirs) != 0)
			result = error_set(err, DROVER_CONFIG,
			    "repo %s: " LFS_CONFIG " names the LFS server %s, which is not on the "
			    "host of the repo's url: drover asks no other host; remove it there",
			    t->repo->name,
			    text_show_in(shown, sizeof shown, value, strlen(value)));
		else if (strncmp(key, "lfs.url\n", 8) == 0) {
			free(*url);
			*url = xstrdup(value);
		}
		free(theirs);
	}
	free(ours);
	buf_free(&said);
	buf_free(&run.err);
	return status < 0 ? -1 : result;
}

int
lfs_ready(const struct tree *t, const git_oid *commit, struct error *err)
{
	char *url = NULL;
	int result;

	if (!lfs_found())
		return error_set(err, DROVER_CONFIG,
		    "%s uses Git LFS (.gitattributes: filter=lfs): install git-lfs (Debian: "
		    "apt-get install git-lfs)",
		    t->repo->name);
	result = lfs_server(t, commit, &url, err);
	free(url);
	return result;
}

static int
lfs_run(const struct tree *t, const git_oid *commit, const char *const *args, const char *verb,
    struct error *err)
{
	char *url = NULL, *secret = NULL;
	const char *config[] = { "lfs.activitytimeout", "60", NULL, NULL, NULL };
	struct git_run run = { .tree = t,
		.gitdir = t->mirror,
		.user = remote_by_cli(t->repo),
		.config = config };
	int status = -1;

	if (lfs_server(t, commit, &url, err) == 0 && remote_secret(t, &secret, err) == 0) {
		if (url != NULL) {
			config[2] = "lfs.url";
			config[3] = url;
		}
		run.secret = secret;
		status = git_run(&run, args, err);
	}
	if (status > 0)
		remote_fail(t->repo, verb, buf_str(&run.err), 0, err);
	buf_free(&run.err);
	free(url);
	free_wiped(secret);
	return status == 0 ? 0 : -1;
}

static int
lfs_exchange(const struct tree *t, const git_oid *commit, const char *what, const char *verb,
    struct error *err)
{
	char id[GIT_OID_HEXSZ + 1];
	const char *const args[] = { "lfs", what, "origin", id, NULL };
	struct error why = { .code = 0 };
	int result;

	git2.oid_tostr(id, sizeof id, commit);
	result = lfs_run(t, commit, args, verb, &why);
	if (result != 0 && remote_renew(t, &why))
		result = lfs_run(t, commit, args, verb, &why);
	if (result != 0 && err != NULL)
		*err = why;
	return result;
}

int
lfs_fetch(const struct tree *t, const git_oid *commit, struct error *err)
{
	/*
	 * The keeper does not know the url, and fills what was filled before.
	 */
	if (t->repo->url == NULL)
		return 0;
	return lfs_exchange(t, commit, "fetch", "fetch the LFS objects of", err);
}

int
lfs_push(const struct tree *t, const git_oid *commit, struct error *err)
{
	if (!lfs_found())
		return 0;
	return lfs_exchange(t, commit, "push", "upload the LFS objects to", err);
}

static bool
lfs_is_object(const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char digest[DIGEST_HEX];
	struct stat st;
	void *data;
	bool good = false;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			digest_sha256(data, (size_t)st.st_size, digest);
			good = strcmp(digest, name) == 0;
			munmap(data, (size_t)st.st_size);
		}
	}
	path_close(&fd);
	return good;
}

/* The copy is checked, not the file, which the job might still change. */
static int
lfs_copy(const struct tree *t, const char *from, const char *name, struct error *err)
{
	char *dir = xasprintf("%s/lfs/objects/%.2s/%.2s", t->mirror, name, name + 2),
	     *to = path_join(dir, name),
	     *half = xasprintf("%s/lfs/drover.%llu", t->mirror, (unsigned long long)t->lease);
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), out = -1, result = 0;
	struct stat st;
	ssize_t n = 1;

	if (in < 0 || fstat(in, &st) != 0 || !S_ISREG(st.st_mode) || access(to, F_OK) == 0)
		goto done;
	if ((result = path_mkdirs(dir, 0700, err)) != 0)
		goto done;
	unlink(half);
	out = open(half, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	while (out >= 0 && n > 0)
		n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
	if (out < 0 || n < 0 || (lfs_is_object(half, name) && rename(half, to) != 0))
		result = error_errno(err, DROVER_AGAIN, "cannot copy %s to %s", from, to);
	unlink(half);
done:
	path_close(&in);
	path_close(&out);
	free(dir);
	free(to);
	free(half);
	return result;
}

int
lfs_take_in(const struct tree *t, struct error *err)
{
	char *objects = path_join(t->gitdir, "lfs/objects");
	char *const roots[] = { objects, NULL };
	FTS *walk;
	FTSENT *entry;
	int result = 0;

	if (access(objects, F_OK) == 0 &&
	    (walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL)) != NULL) {
		while (result == 0 && (entry = fts_read(walk)) != NULL) {
			if (entry->fts_info == FTS_F && entry->fts_namelen == LFS_NAME_LEN &&
			    strspn(entry->fts_name, "0123456789abcdef") == LFS_NAME_LEN)
				result = lfs_copy(t, entry->fts_path, entry->fts_name, err);
		}
		fts_close(walk);
	}
	free(objects);
	return result;
}
