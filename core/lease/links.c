/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbolic links of a commit, for the guard. A link is followed through the
 * tree object as the kernel follows it in a checkout, because a link within the
 * path of another can lead out of the tree although each looks harmless.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "lease/files.h"

#define LINK_BYTES_MAX 4096
#define LINKS_FOLLOWED 40 /* as many as the kernel follows in one path */
#define MODE_TYPE 0170000u
#define MODE_LINK 0120000u

struct links_walk {
	git_repository *repo;
	git_tree *from, *to;
	void (*found)(void *, const char *path, const char *target);
	void *arg;
};

static bool links_git_name(const char *, size_t);
static void links_cut(struct buf *at, size_t len);
static char *links_at(git_repository *, const git_tree *, const char *path);
static bool links_follow(git_repository *, const git_tree *, struct buf *at, const char *target,
    int *left);
static int links_visit(const char *folder, const git_tree_entry *, void *arg);

char *
links_target(git_repository *repo, const git_oid *oid)
{
	git_blob *blob = NULL;
	char *target = NULL;
	size_t len;

	if (git2.blob_lookup(&blob, repo, oid) == 0) {
		len = (size_t)git2.blob_rawsize(blob);
		if (len < LINK_BYTES_MAX && memchr(git2.blob_rawcontent(blob), '\0', len) == NULL)
			target = xstrndup(git2.blob_rawcontent(blob), len);
		git2.blob_free(blob);
	}
	return target != NULL ? target : xstrdup("");
}

/* Some file systems take these names for ".git". */
static bool
links_git_name(const char *name, size_t len)
{
	return (len == 4 && strncasecmp(name, ".git", 4) == 0) ||
	    (len == 5 && strncasecmp(name, "git~1", 5) == 0);
}

static void
links_cut(struct buf *at, size_t len)
{
	at->len = len;
	if (at->data != NULL)
		at->data[len] = '\0';
}

/* The target of the link at path; NULL if there is no link. */
static char *
links_at(git_repository *repo, const git_tree *files, const char *path)
{
	git_tree_entry *entry = NULL;
	char *target = NULL;

	if (files == NULL)
		return NULL;
	if (git2.tree_entry_bypath(&entry, files, path) == 0 &&
	    ((unsigned)git2.tree_entry_filemode(entry) & MODE_TYPE) == MODE_LINK)
		target = links_target(repo, git2.tree_entry_id(entry));
	git2.tree_entry_free(entry);
	return target;
}

/*
 * Moves on from the folder at along target. True when that leaves the tree. A
 * row of links without an end leads nowhere.
 */
static bool
links_follow(git_repository *repo, const git_tree *files, struct buf *at, const char *target,
    int *left)
{
	bool out = *target == '/' || *target == '\0' || strchr(target, '\\') != NULL;

	for (const char *s = target; !out && *s != '\0' && *left > 0;) {
		size_t len = strcspn(s, "/"), before = at->len;
		char *next;

		if (len == 2 && memcmp(s, "..", 2) == 0) {
			const char *slash = strrchr(buf_str(at), '/');

			out = at->len == 0;
			links_cut(at, slash != NULL ? (size_t)(slash - at->data) : 0);
		} else if (links_git_name(s, len))
			out = true;
		else if (len > 0 && !(len == 1 && *s == '.')) {
			buf_addf(at, "%s%.*s", at->len > 0 ? "/" : "", (int)len, s);
			if ((next = links_at(repo, files, buf_str(at))) != NULL) {
				--*left;
				links_cut(at, before);
				out = links_follow(repo, files, at, next, left);
				free(next);
			}
		}
		s += len + (s[len] == '/');
	}
	return out;
}

bool
tree_link_escapes(git_repository *repo, const git_tree *files, const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');
	struct buf at = BUF_INIT;
	int left = LINKS_FOLLOWED;
	bool out;

	buf_add(&at, path, slash != NULL ? (size_t)(slash - path) : 0);
	out = links_follow(repo, files, &at, target, &left);
	buf_free(&at);
	return out;
}

static int
links_visit(const char *folder, const git_tree_entry *entry, void *arg)
{
	struct links_walk *walk = arg;
	char *path, *target, *before;

	if (((unsigned)git2.tree_entry_filemode(entry) & MODE_TYPE) != MODE_LINK)
		return 0;
	path = xasprintf("%s%s", folder, git2.tree_entry_name(entry));
	target = links_target(walk->repo, git2.tree_entry_id(entry));
	if (tree_link_escapes(walk->repo, walk->to, path, target)) {
		before = links_at(walk->repo, walk->from, path);
		if (before == NULL || strcmp(before, target) != 0 ||
		    !tree_link_escapes(walk->repo, walk->from, path, before))
			walk->found(walk->arg, path, target);
		free(before);
	}
	free(target);
	free(path);
	return 0;
}

int
links_find_new(git_repository *repo, git_tree *from, git_tree *to,
    void (*found)(void *, const char *path, const char *target), void *arg, struct error *err)
{
	struct links_walk walk = { repo, from, to, found, arg };

	if (git2.tree_walk(to, GIT_TREEWALK_PRE, links_visit, &walk) < 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read the links of a commit");
	return 0;
}
