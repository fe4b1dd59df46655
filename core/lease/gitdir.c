/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The repository that each tree has of its own: PATH/.git, with refs, index,
 * stash, config and new objects that no other job sees. It borrows the history
 * from the mirror's objects, and has the branches and tags of the remote as
 * they were when the tree was prepared. tree.c probes what is there, adds what
 * is missing and guards it before git or libgit2 works on the tree.
 *
 * A job can write to it, so it is never trusted: whatever could lead git
 * elsewhere or make it run something is put back before each use, and git is
 * always told where its folders are. A new repository appears by a rename, so
 * that nothing sees half of it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"
#include "lease/filters.h"
#include "lease/lfs.h"

#define MARK "drover-filling"
#define BASE "drover-base"

/* The entries that gitdir_scrub() keeps. */
static const char *const kept[] = { ".", "..", "index", "objects", "packed-refs", "HEAD", "modules",
	MARK, BASE };

static bool gitdir_is_folder(const char *dir, const char *name);
static int gitdir_put(const struct tree *, const char *name, const char *text, struct error *);
static int gitdir_put_if_other(const struct tree *, const char *name, const char *text,
    struct error *);
static char *gitdir_text_alternates(const struct tree *);
static int gitdir_text_config(const struct tree *, struct buf *, struct error *);
static int gitdir_add_folders(const char *dir, struct error *);
static int gitdir_put_refs(struct tree *, struct error *);
static int gitdir_gone(const struct tree *, struct error *);

enum tree_kind
gitdir_probe(const struct tree *t)
{
	struct stat st;

	if (lstat(t->path, &st) != 0 || (S_ISDIR(st.st_mode) && rmdir(t->path) == 0))
		return TREE_NONE;
	return S_ISDIR(st.st_mode) && gitdir_is_folder(t->gitdir, "") &&
		gitdir_is_folder(t->gitdir, "objects") &&
		gitdir_is_folder(t->gitdir, "objects/info") ?
	    TREE_WHOLE :
	    TREE_BROKEN;
}

static bool
gitdir_is_folder(const char *dir, const char *name)
{
	char *path = path_join(dir, name);
	struct stat st;
	size_t len = strlen(path);
	bool yes;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	yes = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
	free(path);
	return yes;
}

int
gitdir_add(struct tree *t, const git_oid *oid, struct error *err)
{
	char *place = t->gitdir, *tmp = xasprintf("%s.new", t->path);
	int result = -1;

	if (path_mkdirs(t->path, 0700, err) != 0 || path_remove_tree(tmp, err) != 0 ||
	    trash_put(t, place, err) != 0)
		goto out;
	t->gitdir = tmp;
	if (gitdir_add_folders(tmp, err) == 0 && gitdir_put(t, MARK, "", err) == 0 &&
	    gitdir_scrub(t, oid, err) == 0)
		result = rename(tmp, place) == 0 ?
		    0 :
		    error_errno(err, DROVER_INTERNAL, "cannot rename %s to %s", tmp, place);
	t->gitdir = place;
	if (result == 0)
		result = gitdir_guard(t, err);
out:
	free(tmp);
	return result;
}

static int
gitdir_add_folders(const char *dir, struct error *err)
{
	static const char *const folders[] = { "objects/info", "objects/pack", "refs/heads" };
	int result = 0;

	for (size_t i = 0; i < ARRAY_LEN(folders) && result == 0; i++) {
		char *path = path_join(dir, folders[i]);
		result = path_mkdirs(path, 0700, err);
		free(path);
	}
	return result;
}

int
gitdir_guard(struct tree *t, struct error *err)
{
	static const char *const never[] = { "config.worktree", "info", "hooks", "commondir",
		"gitdir" };
	static const char *const files[] = { "index", "HEAD", "packed-refs" };
	char *alternates = gitdir_text_alternates(t);
	struct buf config = BUF_INIT;
	struct stat st;
	int result = -1;

	if (mirror_guard(t, err) != 0)
		goto out;
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		file_drop(t->gitdir, never[i]);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = path_join(t->gitdir, files[i]);
		if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
			file_drop(t->gitdir, files[i]);
		free(path);
	}
	if (gitdir_put_if_other(t, "objects/info/alternates", alternates, err) == 0 &&
	    gitdir_text_config(t, &config, err) == 0)
		result = gitdir_put_if_other(t, "config", buf_str(&config), err);
out:
	buf_free(&config);
	free(alternates);
	return result;
}

int
gitdir_scrub(struct tree *t, const git_oid *oid, struct error *err)
{
	char head[GIT_OID_HEXSZ + 2];
	struct dirent *entry;
	DIR *dir;

	/* The LFS objects of the job are about to go with its repository. */
	if (lfs_take_in(t, err) != 0)
		return -1;
	if ((dir = opendir(t->gitdir)) == NULL)
		return error_errno(err, DROVER_INTERNAL, "cannot read %s", t->gitdir);
	filters_forget(t);
	while ((entry = readdir(dir)) != NULL) {
		size_t i = 0;

		while (i < ARRAY_LEN(kept) && strcmp(entry->d_name, kept[i]) != 0)
			i++;
		if (i == ARRAY_LEN(kept))
			file_drop(t->gitdir, entry->d_name);
	}
	closedir(dir);
	if (gitdir_put_refs(t, err) != 0)
		return -1;
	git2.oid_tostr(head, sizeof head, oid);
	head[GIT_OID_HEXSZ] = '\n';
	head[GIT_OID_HEXSZ + 1] = '\0';
	return gitdir_put_if_other(t, "HEAD", head, err);
}

static int
gitdir_put_refs(struct tree *t, struct error *err)
{
	char *alternates = gitdir_text_alternates(t), *refs = path_join(t->gitdir, "refs/heads");
	struct buf config = BUF_INIT, packed = BUF_INIT;
	int result = -1;

	if (path_mkdirs(refs, 0700, err) == 0 &&
	    gitdir_put(t, "objects/info/alternates", alternates, err) == 0 &&
	    gitdir_text_config(t, &config, err) == 0 &&
	    gitdir_put(t, "config", buf_str(&config), err) == 0 &&
	    refs_of_remote(t, &packed, err) == 0)
		result = gitdir_put_if_other(t, "packed-refs", buf_str(&packed), err);
	buf_free(&config);
	buf_free(&packed);
	free(alternates);
	free(refs);
	return result;
}

static char *
gitdir_text_alternates(const struct tree *t)
{
	return xasprintf("%s/objects\n", t->mirror);
}

static int
gitdir_text_config(const struct tree *t, struct buf *out, struct error *err)
{
	git_repository *mirror = NULL;
	git_config *config = NULL;
	const char *url = NULL;

	if (mirror_open(t, &mirror, err) != 0)
		return -1;
	if (git2.repository_config_snapshot(&config, mirror) == 0)
		git2.config_get_string(&url, config, "remote.origin.url");
	buf_adds(out, "[core]\n\trepositoryformatversion = 0\n\tbare = false\n");
	buf_adds(out, "\thooksPath = /dev/null\n[gc]\n\tauto = 0\n[remote \"origin\"]\n");
	buf_adds(out, "\tfetch = +refs/heads/*:refs/remotes/origin/*\n\turl = \"");
	for (; url != NULL && *url != '\0'; url++) {
		if (*url == '"' || *url == '\\')
			buf_addc(out, '\\');
		if ((unsigned char)*url >= 0x20)
			buf_addc(out, *url);
	}
	buf_adds(out, "\"\n");
	git2.config_free(config);
	git2.repository_free(mirror);
	return 0;
}

int
gitdir_tree_of(git_repository *repo, const git_oid *oid, git_tree **tree, struct error *err)
{
	git_commit *commit = NULL;
	int r = 0;

	if (git2.commit_lookup(&commit, repo, oid) != 0 || git2.commit_tree(tree, commit) != 0)
		r = git_fail(DROVER_INTERNAL, err, "reading a commit");
	git2.commit_free(commit);
	return r;
}

int
gitdir_open(const struct tree *t, git_repository **repo, struct error *err)
{
	if (git2.repository_open_bare(repo, t->gitdir) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot open %s", t->gitdir);
	return 0;
}

/* Says where a tree is that an agent has moved, or that it is gone. */
static int
gitdir_gone(const struct tree *t, struct error *err)
{
	char *folder = xstrndup(t->path, (size_t)(strrchr(t->path, '/') - t->path));
	char *now = NULL;
	struct dirent *entry;
	DIR *dir = opendir(folder);

	while (dir != NULL && now == NULL && (entry = readdir(dir)) != NULL) {
		if (t->inode != 0 && entry->d_ino == t->inode && entry->d_name[0] != '.')
			now = path_join(folder, entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	error_set(err, DROVER_INTERNAL, "the tree %s does not exist any more: the job %s%s",
	    t->path, now != NULL ? "moved it, with its work, to " : "removed or moved it",
	    now != NULL ? now : "");
	free(folder);
	free(now);
	return -1;
}

int
gitdir_enter(struct tree *t, git_repository **repo, struct error *err)
{
	enum tree_kind kind = gitdir_probe(t);

	*repo = NULL;
	if (kind == TREE_NONE)
		return gitdir_gone(t, err);
	if (kind == TREE_BROKEN)
		return error_set(err, DROVER_INTERNAL,
		    "the tree %s has no repository (.git) any more", t->path);
	if (gitdir_guard(t, err) != 0)
		return -1;
	return gitdir_open(t, repo, err);
}

bool
gitdir_readable(const struct tree *t)
{
	char *path = path_join(t->gitdir, "HEAD"), line[512];
	bool read = file_line(path, line, sizeof line);

	free(path);
	return read && (strncmp(line, "ref: refs/", 10) == 0 ||
	    (strlen(line) == GIT_OID_HEXSZ && strspn(line, "0123456789abcdef") == GIT_OID_HEXSZ));
}

int
gitdir_head(const struct tree *t, git_repository *repo, git_oid *oid, char *branch, size_t size)
{
	char *path = path_join(t->gitdir, "HEAD"), line[512];
	git_commit *commit = NULL;
	bool read = file_line(path, line, sizeof line);
	int found = 0;

	free(path);
	if (branch != NULL)
		branch[0] = '\0';
	if (!read)
		return 0;
	if (strncmp(line, "ref: ", 5) == 0) {
		found = git2.reference_name_to_id(oid, repo, line + 5) == 0;
		if (branch != NULL && strlen(line + 5) < size &&
		    strncmp(line + 5, "refs/heads/", 11) == 0)
			memcpy(branch, line + 5, strlen(line + 5) + 1);
	} else
		found = git2.oid_fromstr(oid, line) == 0;
	if (found && git2.commit_lookup(&commit, repo, oid) != 0)
		found = 0;
	git2.commit_free(commit);
	return found;
}

int
gitdir_mark(struct tree *t, bool on, struct error *err)
{
	if (on)
		return gitdir_put(t, MARK, "", err);
	file_drop(t->gitdir, MARK);
	return gitdir_put_if_other(t, BASE, t->base, err);
}

bool
gitdir_marked(const struct tree *t)
{
	char *path = path_join(t->gitdir, MARK);
	bool marked = access(path, F_OK) == 0;

	free(path);
	return marked;
}

bool
gitdir_base(const struct tree *t, git_oid *oid)
{
	char *path = path_join(t->gitdir, BASE), line[GIT_OID_HEXSZ + 2];
	bool known = file_line(path, line, sizeof line) && git2.oid_fromstr(oid, line) == 0;

	free(path);
	return known;
}

static int
gitdir_put(const struct tree *t, const char *name, const char *text, struct error *err)
{
	char *path = path_join(t->gitdir, name);
	int result = file_put(path, text, err);

	free(path);
	return result;
}

static int
gitdir_put_if_other(const struct tree *t, const char *name, const char *text, struct error *err)
{
	char *path = path_join(t->gitdir, name);
	int result = file_is(path, text) ? 0 : file_put(path, text, err);

	free(path);
	return result;
}
