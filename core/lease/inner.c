/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repositories within a tree, which are no submodules of the base. takeup.c
 * calls inner_open() to move their .git into the tree's own repository, so that
 * git takes their files for files of the tree, and inner_close() to put each
 * .git back. If the process dies in between, the files are there still and only
 * the history of the inner repository is lost.
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

static bool inner_is_below(const struct tree *, const char *folder);
static char *inner_place(const struct inner *, size_t nth);
static bool inner_move(struct inner *, const char *folder);
static bool inner_head(const struct tree *, const char *folder, git_oid *);

/* False when a link on its path leads elsewhere. */
static bool
inner_is_below(const struct tree *t, const char *folder)
{
	char *path = path_join(t->path, folder), *real = realpath(path, NULL),
	     *root = realpath(t->path, NULL);
	size_t len = strlen(folder);
	bool yes;

	while (len > 0 && folder[len - 1] == '/')
		len--;
	yes = real != NULL && root != NULL && strncmp(real, root, strlen(root)) == 0 &&
	    real[strlen(root)] == '/' && strncmp(real + strlen(root) + 1, folder, len) == 0 &&
	    real[strlen(root) + 1 + len] == '\0';
	free(path);
	free(real);
	free(root);
	return yes;
}

bool
inner_has_files(const struct tree *t, const char *folder)
{
	char *path = path_join(t->path, folder);
	struct dirent *entry;
	DIR *dir = inner_is_below(t, folder) ? opendir(path) : NULL;
	bool found = false;

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (dir != NULL)
		closedir(dir);
	free(path);
	return found;
}

bool
inner_may_be(const struct tree *t, const struct fill_status *status)
{
	for (size_t i = 0; i < status->links_len; i++) {
		if (inner_has_files(t, status->links[i]))
			return true;
	}
	return false;
}

bool
inner_has_commit(const struct tree *t, const char *folder)
{
	char *heads = xasprintf("%s.git/refs/heads", folder),
	     *packed = xasprintf("%s/%s.git/packed-refs", t->path, folder);
	bool yes = inner_has_files(t, heads) || access(packed, F_OK) == 0;

	free(heads);
	free(packed);
	return yes;
}

static char *
inner_place(const struct inner *inner, size_t nth)
{
	return xasprintf("%s/drover-inner.%ld.%zu", inner->tree->gitdir, (long)getpid(), nth);
}

/* Moves the .git of a folder away. */
static bool
inner_move(struct inner *inner, const char *folder)
{
	char *from = xasprintf("%s/%s/.git", inner->tree->path, folder),
	     *to = inner_place(inner, inner->len);
	bool moved = rename(from, to) == 0;

	if (moved) {
		inner->moved =
		    xgrow(inner->moved, inner->len + 1, &inner->cap, sizeof *inner->moved);
		inner->moved[inner->len++] = from;
	} else
		free(from);
	free(to);
	return moved;
}

/* The commit that the repository in a folder is at. libgit2 runs nothing. */
static bool
inner_head(const struct tree *t, const char *folder, git_oid *oid)
{
	char *path = path_join(t->path, folder);
	git_repository *repo = NULL;
	bool known = git2.repository_open(&repo, path) == 0 &&
	    git2.reference_name_to_id(oid, repo, "HEAD") == 0;

	git2.repository_free(repo);
	free(path);
	return known;
}

int
inner_hide(struct inner *inner, const char *index_path, struct error *err)
{
	git_index *index = NULL;
	bool changed = false;
	int rc = git2.index_open(&index, index_path);

	for (size_t i = 0; rc == 0 && i < git2.index_entrycount(index); i++) {
		git_index_entry entry = *git2.index_get_byindex(index, i);
		char *folder;
		git_oid head;

		if (entry.mode != GIT_FILEMODE_COMMIT)
			continue;
		folder = xstrdup(entry.path);
		entry.path = folder;
		if (inner_is_below(inner->tree, folder)) {
			if (inner_head(inner->tree, folder, &head) &&
			    !git2.oid_equal(&head, &entry.id)) {
				entry.id = head;
				rc = git2.index_add(index, &entry);
				changed = true;
			}
			/* Of what is no link yet, git reads HEAD only. */
			if (rc == 0 && !inner_move(inner, folder) && errno != ENOENT &&
			    errno != ENOTDIR) {
				rc = git2.index_remove(index, folder, 0);
				changed = true;
				i--;
			}
		}
		free(folder);
	}
	if (rc == 0 && changed)
		rc = git2.index_write(index);
	git2.index_free(index);
	return rc == 0 ? 0 : git_fail(DROVER_INTERNAL, err, "cannot read %s", index_path);
}

bool
inner_open(struct inner *inner, const char *index_path, const struct takeup_miss *missed,
    size_t len)
{
	git_index *index = NULL;
	bool opened = false;

	if (git2.index_open(&index, index_path) != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *folder = missed[i].path;
		size_t n = strlen(folder);
		bool linked, moved;
		char *name;

		if (n < 2 || folder[n - 1] != '/' || !inner_is_below(inner->tree, folder))
			continue;
		name = xstrndup(folder, n - 1);
		linked = git2.index_remove(index, name, 0) == 0;
		moved = inner_move(inner, name);
		opened = opened || linked || moved;
		free(name);
	}
	if (opened && git2.index_write(index) != 0)
		opened = false;
	git2.index_free(index);
	return opened;
}

void
inner_close(struct inner *inner)
{
	while (inner->len > 0) {
		char *to = inner->moved[--inner->len], *from = inner_place(inner, inner->len);

		(void)rename(from, to);
		free(from);
		free(to);
	}
	free(inner->moved);
	inner->moved = NULL;
	inner->cap = 0;
}
