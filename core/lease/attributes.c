/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which filters a repository asks for. Most have none, and must not pay for the
 * question: so a look at the text of the .gitattributes files comes first,
 * which finds each name that could be in use, and its answers for the last
 * commits are kept beside the mirror. git itself is asked for the filter of a
 * path only where such a name was found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/filters.h"

#define ATTRIBUTES ".gitattributes"
#define FILTER "filter="
#define KEPT_MAX 65536
#define KEPT_LINES 16

struct attributes_walk {
	git_repository *repo;
	struct buf *names;
};

static void attributes_read(const char *text, size_t len, struct buf *names);
static void attributes_read_blob(git_repository *, const git_oid *, struct buf *names);
static int attributes_visit(const char *folder, const git_tree_entry *, void *arg);
static bool attributes_kept(const struct buf *kept, const char *commit, struct buf *names);
static void attributes_keep(const char *path, const struct buf *kept, const char *commit,
    const struct buf *names);
static int attributes_pick(const struct tree *, const struct buf *said, struct buf *filters,
    struct error *);

bool
attributes_has(const struct buf *names, const char *name)
{
	for (size_t at = 0; at < names->len; at += strlen(names->data + at) + 1) {
		if (strcmp(names->data + at, name) == 0)
			return true;
	}
	return false;
}

void
attributes_note(struct buf *names, const char *name)
{
	if (*name != '\0' && !attributes_has(names, name))
		buf_add(names, name, strlen(name) + 1);
}

/* A quoted pattern may look like an attribute: a name too many does no harm. */
static void
attributes_read(const char *text, size_t len, struct buf *names)
{
	static const char blank[] = " \t\r\n";
	const char *end = text + len, *line, *word;

	for (line = text; line < end; line += strcspn(line, "\n") + 1) {
		if (line[strspn(line, " \t")] == '#')
			continue;
		for (word = line; word < end && *word != '\n' && *word != '\0';) {
			size_t n = strcspn(word, blank);

			if (n > strlen(FILTER) && strncmp(word, FILTER, strlen(FILTER)) == 0) {
				char *name = xstrndup(word + strlen(FILTER), n - strlen(FILTER));

				attributes_note(names, name);
				free(name);
			}
			word += n;
			word += strspn(word, " \t\r");
		}
	}
}

static void
attributes_read_blob(git_repository *repo, const git_oid *oid, struct buf *names)
{
	git_blob *blob = NULL;
	struct buf text = BUF_INIT;

	if (git2.blob_lookup(&blob, repo, oid) == 0) {
		buf_add(&text, git2.blob_rawcontent(blob), (size_t)git2.blob_rawsize(blob));
		attributes_read(buf_str(&text), text.len, names);
	}
	git2.blob_free(blob);
	buf_free(&text);
}

static int
attributes_visit(const char *folder, const git_tree_entry *entry, void *arg)
{
	struct attributes_walk *walk = arg;

	(void)folder;
	if (git2.tree_entry_type(entry) == GIT_OBJECT_BLOB &&
	    strcmp(git2.tree_entry_name(entry), ATTRIBUTES) == 0)
		attributes_read_blob(walk->repo, git2.tree_entry_id(entry), walk->names);
	return 0;
}

/* Each line of the file is a commit and its names, with tabs between. */
static bool
attributes_kept(const struct buf *kept, const char *commit, struct buf *names)
{
	const char *line = strstr(buf_str(kept), commit), *end;
	size_t len = strlen(commit);

	/* A filter may have the name of a commit. */
	while (line != NULL && line > buf_str(kept) && line[-1] != '\n')
		line = strstr(line + 1, commit);
	if (line == NULL || (line[len] != '\t' && line[len] != '\n'))
		return false;
	for (line += len; *line == '\t'; line = end) {
		char *name;

		end = line + 1 + strcspn(line + 1, "\t\n");
		name = xstrndup(line + 1, (size_t)(end - line - 1));
		attributes_note(names, name);
		free(name);
	}
	return true;
}

/* Puts a line before the newest others. */
static void
attributes_keep(const char *path, const struct buf *kept, const char *commit,
    const struct buf *names)
{
	struct buf text = BUF_INIT;
	const char *line = buf_str(kept), *end;

	buf_adds(&text, commit);
	for (size_t at = 0; at < names->len; at += strlen(names->data + at) + 1)
		buf_addf(&text, "\t%s", names->data + at);
	buf_addc(&text, '\n');
	for (int i = 1; i < KEPT_LINES && (end = strchr(line, '\n')) != NULL; i++) {
		buf_add(&text, line, (size_t)(end + 1 - line));
		line = end + 1;
	}
	if (text.len < KEPT_MAX)
		(void)file_put(path, buf_str(&text), NULL);
	buf_free(&text);
}

int
attributes_of_commit(const struct tree *t, git_repository *repo, const git_oid *commit,
    struct buf *names, struct error *err)
{
	char *path = xasprintf("%s.filters", t->mirror), id[GIT_OID_HEXSZ + 1];
	struct buf found = BUF_INIT, kept = BUF_INIT;
	struct attributes_walk walk = { repo, &found };
	git_tree *tree = NULL;
	int result = 0;

	git2.oid_tostr(id, sizeof id, commit);
	if (path_read(path, KEPT_MAX, &kept, NULL) != 0)
		buf_clear(&kept);
	if (!attributes_kept(&kept, id, &found)) {
		result = gitdir_tree_of(repo, commit, &tree, err);
		if (result == 0 &&
		    git2.tree_walk(tree, GIT_TREEWALK_PRE, attributes_visit, &walk) != 0)
			result = git_fail(DROVER_INTERNAL, err,
			    "cannot read the attributes of %s", id);
		if (result == 0)
			attributes_keep(path, &kept, id, &found);
	}
	for (size_t at = 0; at < found.len; at += strlen(found.data + at) + 1)
		attributes_note(names, found.data + at);
	git2.tree_free(tree);
	buf_free(&found);
	buf_free(&kept);
	free(path);
	return result;
}

int
attributes_of_index(git_repository *repo, const char *path, struct buf *names, struct error *err)
{
	const git_index_entry *entry;
	git_index *index = NULL;

	if (git2.index_open(&index, path) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read %s", path);
	for (size_t i = 0; i < git2.index_entrycount(index); i++) {
		size_t len, tail = strlen(ATTRIBUTES);

		entry = git2.index_get_byindex(index, i);
		len = strlen(entry->path);
		if (len >= tail && strcmp(entry->path + len - tail, ATTRIBUTES) == 0 &&
		    (len == tail || entry->path[len - tail - 1] == '/'))
			attributes_read_blob(repo, &entry->id, names);
	}
	git2.index_free(index);
	return 0;
}

/*
 * git prints for each path: path, attribute, value, each with a NUL behind it.
 */
static int
attributes_pick(const struct tree *t, const struct buf *said, struct buf *filters,
    struct error *err)
{
	static const char *const no_names[] = { "unspecified", "unset", "set" };
	const char *p = said->data, *end = said->data + said->len;

	while (said->len > 0 && p < end) {
		const char *value;

		for (int i = 0; i < 2 && p < end; i++)
			p += strlen(p) + 1;
		if (p >= end)
			return error_set(err, DROVER_INTERNAL,
			    "git check-attr in %s printed half an answer", t->path);
		value = p;
		p += strlen(p) + 1;
		for (size_t i = 0; i < ARRAY_LEN(no_names); i++) {
			if (strcmp(value, no_names[i]) == 0)
				value = "";
		}
		buf_add(filters, value, strlen(value) + 1);
	}
	return 0;
}

int
attributes_ask(const struct tree *t, const char *gitdir, const git_oid *oid,
    const struct buf *paths, struct buf *filters, struct error *err)
{
	static const char *const ask[] = { "check-attr", "--cached", "-z", "--stdin", "filter",
		NULL };
	char id[GIT_OID_HEXSZ + 1],
	    *index = xasprintf("%s/drover-attributes.%llu", gitdir, (unsigned long long)t->lease);
	const char *const read[] = { "read-tree", id, NULL };
	struct buf said = BUF_INIT;
	struct git_run run = { .tree = t, .gitdir = gitdir, .index = index };
	int result;

	git2.oid_tostr(id, sizeof id, oid);
	unlink(index);
	result = git_must(&run, read, DROVER_INTERNAL, t->path, err);
	if (result == 0) {
		run.in = paths;
		run.out = &said;
		result = git_must(&run, ask, DROVER_INTERNAL, t->path, err);
	}
	if (result == 0)
		result = attributes_pick(t, &said, filters, err);
	unlink(index);
	buf_free(&said);
	free(index);
	return result;
}
