/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The submodules of a tree, from its lease to its return: submodules_fill()
 * fetches and checks them out when the tree is prepared, submodules_restore()
 * undoes what the repo's own commands did in them, submodules_check() holds a
 * change whose submodules are not at their remotes, and submodules_save() keeps
 * what is in them and nowhere else. When the tree is cleaned, their files and
 * repositories go with it.
 *
 * .gitmodules is written by other people. Its names are only keys here: no
 * file is named after them. A path counts when the commit has a submodule
 * there; urls have rules of their own (submodule_url.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "lease/submodule.h"

#define MODULES_MAX    200
#define DEPTH_MAX      5
#define PATH_MAX_BYTES 1000
#define NAMES_MAX      4

/* One section of .gitmodules. */
struct section {
	char *name, *path, *url;
};

struct sections {
	struct section *list;
	size_t len, size;
};

static struct section *section_of(struct sections *, const char *name, size_t len);
static void sections_free(struct sections *);
static int sections_read(const struct tree *, git_repository *, const git_oid *commit,
    struct sections *, struct error *);
static bool module_path_good(const char *);
static int modules_add(struct tree *, git_repository *, const struct section *, const char *prefix,
    const char *parent, git_tree *, int depth, struct error *);
static int modules_fill_level(struct tree *, git_repository *, const git_oid *, const char *prefix,
    const char *url, int depth, struct error *);
static int module_fill(struct tree *, struct submodule *, struct error *);
static bool module_at_remote(const struct tree *, const struct submodule *, const git_oid *);
static int module_is_changed(struct tree *, struct submodule *, bool *changed, struct error *);
static int link_settle(struct tree *, git_index_entry *, git_tree *const *parents, size_t n,
    struct error *);
static int modules_find(struct tree *, const char *prefix, const struct fill_status *,
    struct submodules *, int depth, struct error *);

/* Sections are few: a list will do. */
static struct section *
section_of(struct sections *sections, const char *name, size_t len)
{
	for (size_t i = 0; i < sections->len; i++) {
		if (strlen(sections->list[i].name) == len &&
		    memcmp(sections->list[i].name, name, len) == 0)
			return &sections->list[i];
	}
	sections->list =
	    xgrow(sections->list, sections->len + 1, &sections->size, sizeof *sections->list);
	sections->list[sections->len] = (struct section){ .name = xstrndup(name, len) };
	return &sections->list[sections->len++];
}

static void
sections_free(struct sections *sections)
{
	for (size_t i = 0; i < sections->len; i++) {
		free(sections->list[i].name);
		free(sections->list[i].path);
		free(sections->list[i].url);
	}
	free(sections->list);
}

/*
 * Reads .gitmodules of a commit. git reads a config from a blob without
 * following its includes. Returns 0 with no sections when there is no file.
 */
static int
sections_read(const struct tree *t, git_repository *mirror, const git_oid *commit,
    struct sections *sections, struct error *err)
{
	char hex[GIT_OID_HEXSZ + 1], blob[GIT_OID_HEXSZ + 16];
	const char *const args[] = { "config", "--null", "--blob", blob, "--get-regexp",
		"^submodule[.].*[.](path|url)$", NULL };
	struct buf out = BUF_INIT;
	struct git_run run = { .tree = t, .gitdir = t->mirror, .out = &out };
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	int r = -1;

	if (gitdir_tree_of(mirror, commit, &tree, err) != 0)
		return -1;
	if (git2.tree_entry_bypath(&entry, tree, ".gitmodules") != 0 ||
	    git2.tree_entry_type(entry) != GIT_OBJECT_BLOB) {
		r = 0;
		goto out;
	}
	if (!git_found()) {
		error_set(err, DROVER_CONFIG,
		    "repo %s has submodules, and drover fills them by git, which is not in PATH: "
		    "install it, or set submodules = \"none\"",
		    t->repo->name);
		goto out;
	}
	snprintf(blob, sizeof blob, "%s:.gitmodules", git2.oid_tostr(hex, sizeof hex, commit));
	/* Status 1: nothing matches. */
	if ((r = git_run(&run, args, err)) > 1)
		r = error_set(err, DROVER_CONFIG, "cannot read .gitmodules of repo %s: %.200s",
		    t->repo->name, buf_str(&run.err));
	for (const char *p = buf_str(&out), *end = p + out.len; r >= 0 && p < end;
	     p += strlen(p) + 1) {
		const char *line = strchr(p, '\n');
		const char *key = line != NULL ? memrchr(p, '.', (size_t)(line - p)) : NULL;
		struct section *section;
		char **value;

		if (key == NULL || key - p < 10 || sections->len >= MODULES_MAX)
			continue;
		section = section_of(sections, p + 10, (size_t)(key - p - 10));
		value = key[1] == 'p' ? &section->path : &section->url;
		free(*value);
		*value = xstrdup(line + 1);
	}
	r = r < 0 ? -1 : 0;
out:
	buf_free(&run.err);
	buf_free(&out);
	git2.tree_entry_free(entry);
	git2.tree_free(tree);
	return r;
}

/* As git does, so that neither .. nor .git is a part of it. */
static bool
module_path_good(const char *path)
{
	size_t len = strlen(path);

	if (len == 0 || len > PATH_MAX_BYTES || *path == '-' || *path == '/' ||
	    path[len - 1] == '/')
		return false;
	for (const char *s = path, *end; *s != '\0'; s = *end == '/' ? end + 1 : end) {
		end = strchrnul(s, '/');
		len = (size_t)(end - s);
		if (len == 0 || (len == 1 && *s == '.') || (len == 2 && strncmp(s, "..", 2) == 0) ||
		    (len == 4 && strncasecmp(s, ".git", 4) == 0) ||
		    (len == 5 && strncasecmp(s, "git~1", 5) == 0))
			return false;
	}
	return true;
}

/* Adds and fills the submodule of a section, and those in it. */
static int
modules_add(struct tree *t, git_repository *mirror, const struct section *section,
    const char *prefix, const char *parent, git_tree *in, int depth, struct error *err)
{
	struct submodules *all = t->submodules;
	struct submodule *m;
	git_tree_entry *entry = NULL;
	git_oid commit;
	char *path;
	int r;

	if (section->path == NULL || section->url == NULL || !module_path_good(section->path) ||
	    git2.tree_entry_bypath(&entry, in, section->path) != 0)
		return 0;
	commit = *git2.tree_entry_id(entry);
	if (git2.tree_entry_type(entry) != GIT_OBJECT_COMMIT) {
		git2.tree_entry_free(entry);
		return 0;
	}
	git2.tree_entry_free(entry);
	if (depth > DEPTH_MAX || all->len >= MODULES_MAX)
		return error_set(err, DROVER_CONFIG,
		    "repo %s has more than %d submodules, or has them %d deep: set submodules = "
		    "\"none\"",
		    t->repo->name, MODULES_MAX, DEPTH_MAX + 1);
	path = xasprintf("%s%s", prefix, section->path);
	m = submodule_new(t, path);
	free(path);
	all->list = xgrow(all->list, all->len + 1, &all->size, sizeof *all->list);
	all->list[all->len++] = m;
	git2.oid_tostr(m->tree.base, sizeof m->tree.base, &commit);
	if (submodule_url(t->repo->url, parent, section->url, &m->url, &m->own, err) != 0)
		return error_prefix(err, "submodule %s of repo %s (see submodules)", m->path,
		    t->repo->name);
	m->refs = xasprintf("refs/drover/module/%016llx/",
	    (unsigned long long)text_hash(m->url, strlen(m->url)));
	if (module_fill(t, m, err) != 0)
		return -1;
	path = xasprintf("%s/", m->path);
	r = modules_fill_level(t, mirror, &commit, path, m->url, depth + 1, err);
	free(path);
	return r;
}

static int
modules_fill_level(struct tree *t, git_repository *mirror, const git_oid *commit,
    const char *prefix, const char *url, int depth, struct error *err)
{
	struct sections sections = { .len = 0 };
	git_tree *in = NULL;
	int r = sections_read(t, mirror, commit, &sections, err);

	if (r == 0 && sections.len > 0)
		r = gitdir_tree_of(mirror, commit, &in, err);
	for (size_t i = 0; i < sections.len && r == 0; i++)
		r = modules_add(t, mirror, &sections.list[i], prefix, url, in, depth, err);
	git2.tree_free(in);
	sections_free(&sections);
	return r;
}

int
submodules_fill(struct tree *t, const git_oid *commit, struct error *err)
{
	git_repository *mirror = NULL;
	int r;

	submodules_free(t->submodules);
	t->submodules = NULL;
	if (t->repo->url == NULL || t->repo->submodules == SUBMODULES_NONE)
		return 0;
	t->submodules = xcalloc(1, sizeof *t->submodules);
	if (mirror_open(t, &mirror, err) != 0)
		return -1;
	r = modules_fill_level(t, mirror, commit, "", t->repo->url, 1, err);
	git2.repository_free(mirror);
	return r;
}

void
submodules_free(struct submodules *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->len; i++)
		submodule_free(all->list[i]);
	free(all->list);
	free(all);
}

static int
module_fill(struct tree *t, struct submodule *m, struct error *err)
{
	git_repository *mirror = NULL;
	git_commit *commit = NULL;
	struct error why = { .code = 0 };
	git_oid oid;

	git2.oid_fromstr(&oid, m->tree.base);
	for (int i = 0; commit == NULL; i++) {
		if (mirror_open(t, &mirror, err) != 0)
			return -1;
		(void)git2.commit_lookup(&commit, mirror, &oid);
		git2.repository_free(mirror);
		/* First by the branches and tags, then by its name. */
		if (commit == NULL && i < 2 &&
		    submodule_fetch(t, m, i == 0 ? NULL : &oid, &why) != 0 && i == 0) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		if (commit == NULL && i == 2)
			return error_set(err, DROVER_CONFIG,
			    "submodule %s of repo %s: its commit %.12s is not at its remote: push "
			    "it there, or set submodules = \"none\"",
			    m->path, t->repo->name, m->tree.base);
	}
	m->files = *git2.commit_tree_id(commit);
	git2.commit_free(commit);
	if (!submodule_there(t, m))
		return error_set(err, DROVER_CONFIG, "submodule %s of repo %s is no folder",
		    m->path, t->repo->name);
	if (submodule_guard(t, m, err) != 0 || gitdir_mark(&m->tree, true, err) != 0 ||
	    fill_reset(&m->tree, err) != 0)
		return -1;
	return gitdir_mark(&m->tree, false, err);
}

int
submodules_guard(struct tree *t, struct error *err)
{
	struct submodules *all = t->submodules;

	for (size_t i = 0; all != NULL && i < all->len; i++) {
		if (submodule_there(t, all->list[i]) && submodule_guard(t, all->list[i], err) != 0)
			return -1;
	}
	return 0;
}

int
submodules_restore(struct tree *t, struct error *err)
{
	struct submodules *all = t->submodules;
	char head[GIT_OID_HEXSZ + 2], *path;
	bool hidden;
	int r = 0;

	for (size_t i = 0; all != NULL && i < all->len && r == 0; i++) {
		struct submodule *m = all->list[i];

		if (!submodule_there(t, m))
			continue;
		snprintf(head, sizeof head, "%.40s\n", m->tree.base);
		path = path_join(m->tree.gitdir, "HEAD");
		r = submodule_guard(t, m, err);
		if (r == 0)
			r = file_put(path, head, err);
		if (r == 0)
			r = fill_reset(&m->tree, err);
		free(path);
	}
	/* Those that are in others come last, and change what is in these. */
	for (size_t i = all != NULL ? all->len : 0; i-- > 0 && r == 0;) {
		if (submodule_there(t, all->list[i]))
			r = wip_snapshot_now(&all->list[i]->tree, NULL, &all->list[i]->files, NULL,
			    &hidden, err);
	}
	return r;
}

/* True when a ref of its remote, as it was fetched, leads to the commit. */
static bool
module_at_remote(const struct tree *t, const struct submodule *m, const git_oid *oid)
{
	char *glob = xasprintf("%s*", m->refs);
	git_reference_iterator *all = NULL;
	git_repository *mirror = NULL;
	git_commit *commit = NULL;
	git_reference *ref;
	git_object *tip;
	bool found = false;

	if (mirror_open(t, &mirror, NULL) == 0 && git2.commit_lookup(&commit, mirror, oid) == 0 &&
	    git2.reference_iterator_glob_new(&all, mirror, glob) == 0) {
		while (!found && git2.reference_next(&ref, all) == 0) {
			tip = NULL;
			if (git2.reference_peel(&tip, ref, GIT_OBJECT_COMMIT) == 0)
				found = git2.oid_equal(git2.object_id(tip), oid) ||
				    git2.graph_descendant_of(mirror, git2.object_id(tip), oid) == 1;
			git2.object_free(tip);
			git2.reference_free(ref);
		}
	}
	git2.reference_iterator_free(all);
	git2.commit_free(commit);
	git2.repository_free(mirror);
	free(glob);
	return found;
}

/*
 * Tells whether a submodule has what is not at its remote. One that stands at
 * another commit of its remote is moved there.
 */
static int
module_is_changed(struct tree *t, struct submodule *m, bool *changed, struct error *err)
{
	git_repository *repo = NULL;
	git_commit *commit = NULL;
	git_oid head, base, files, expected = m->files;
	bool hidden;
	int r = -1;

	*changed = false;
	if (gitdir_open(&m->tree, &repo, err) != 0)
		return -1;
	git2.oid_fromstr(&base, m->tree.base);
	if (!gitdir_head(&m->tree, repo, &head, NULL, 0))
		head = base;
	if (!git2.oid_equal(&head, &base)) {
		*changed = !module_at_remote(t, m, &head) &&
		    (submodule_fetch(t, m, NULL, err) != 0 || !module_at_remote(t, m, &head));
		if (git2.commit_lookup(&commit, repo, &head) == 0)
			expected = *git2.commit_tree_id(commit);
	}
	if (wip_snapshot_now(&m->tree, NULL, &files, NULL, &hidden, err) != 0)
		goto out;
	*changed = *changed || !git2.oid_equal(&files, &expected);
	if (!*changed) {
		m->moved = m->moved || !git2.oid_equal(&head, &base);
		git2.oid_tostr(m->tree.base, sizeof m->tree.base, &head);
		m->files = expected;
	}
	r = 0;
out:
	git2.commit_free(commit);
	git2.repository_free(repo);
	return r;
}

int
submodules_check(struct tree *t, struct error *err)
{
	struct submodules *all = t->submodules;
	struct buf names = BUF_INIT;
	char shown[101];
	int changed_len = 0;
	bool changed;

	for (size_t i = 0; all != NULL && i < all->len; i++) {
		struct submodule *m = all->list[i];

		if (!submodule_there(t, m))
			continue;
		if (module_is_changed(t, m, &changed, err) != 0) {
			buf_free(&names);
			return -1;
		}
		if (changed && changed_len++ < NAMES_MAX)
			buf_addf(&names, "%s%s", names.len > 0 ? ", " : "",
			    text_show_in(shown, sizeof shown, m->path, strlen(m->path)));
	}
	if (changed_len > 0)
		error_set(err, DROVER_HUMAN, "%s%s %s changes that are not at %s", buf_str(&names),
		    changed_len > NAMES_MAX ? ", ..." : "",
		    changed_len == 1 ? "is a submodule with" : "are submodules with",
		    changed_len == 1 ? "its remote" : "their remotes");
	buf_free(&names);
	return changed_len > 0 ? -1 : 0;
}

/* Finds the submodules that have a repository in the tree, by its index. */
static int
modules_find(struct tree *t, const char *prefix, const struct fill_status *status,
    struct submodules *all, int depth, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < status->links_len && r == 0; i++) {
		char *path = xasprintf("%s%s", prefix, status->links[i]),
		     *within = xasprintf("%s/", path);
		struct submodule *m = submodule_new(t, path);
		struct fill_status in = { 0 };
		git_oid base;

		if (all->len < MODULES_MAX && depth <= DEPTH_MAX && module_path_good(path) &&
		    submodule_made(t, m) && !gitdir_marked(&m->tree)) {
			if (gitdir_base(&m->tree, &base))
				git2.oid_tostr(m->tree.base, sizeof m->tree.base, &base);
			all->list = xgrow(all->list, all->len + 1, &all->size, sizeof *all->list);
			all->list[all->len++] = m;
			r = submodule_guard(t, m, err);
			if (r == 0)
				r = fill_status(&m->tree, &in, err);
			if (r == 0)
				r = modules_find(t, within, &in, all, depth + 1, err);
			fill_status_free(&in);
		} else
			submodule_free(m);
		free(path);
		free(within);
	}
	return r;
}

int
submodules_save(struct tree *t, const struct fill_status *status, char *saved, size_t size,
    struct error *err)
{
	struct submodules all = { .len = 0 };
	int r = 0;

	saved[0] = '\0';
	if (status->links_len == 0 || gitdir_marked(t))
		return 0;
	r = modules_find(t, "", status, &all, 1, err);
	for (size_t i = 0; i < all.len && r == 0; i++) {
		struct fill_status in = { 0 };
		char name[256];

		r = fill_status(&all.list[i]->tree, &in, err);
		if (r == 0)
			r = wip_save(&all.list[i]->tree, &in, name, sizeof name, err);
		fill_status_free(&in);
		t->unsaved = t->unsaved || all.list[i]->tree.unsaved;
		if (r == 0 && saved[0] == '\0')
			snprintf(saved, size, "%s", name);
	}
	for (size_t i = 0; i < all.len; i++)
		submodule_free(all.list[i]);
	free(all.list);
	return r;
}

/* Returns 1 when the link must have another commit, which the entry gets. */
static int
link_settle(struct tree *t, git_index_entry *entry, git_tree *const *parents, size_t n,
    struct error *err)
{
	const struct submodule *m = NULL;
	git_oid base, was = { { 0 } };
	bool had = false;
	char shown[101];

	for (size_t i = 0; t->submodules != NULL && i < t->submodules->len && m == NULL; i++) {
		if (strcmp(t->submodules->list[i]->path, entry->path) == 0)
			m = t->submodules->list[i];
	}
	for (size_t i = 0; i < n; i++) {
		git_tree_entry *before = NULL;

		if (git2.tree_entry_bypath(&before, parents[i], entry->path) == 0 &&
		    git2.tree_entry_type(before) == GIT_OBJECT_COMMIT) {
			was = *git2.tree_entry_id(before);
			had = true;
		}
		git2.tree_entry_free(before);
		if (had && git2.oid_equal(&was, &entry->id))
			return 0;
	}
	if (m != NULL)
		git2.oid_fromstr(&base, m->tree.base);
	/* A link that no parent has is new: that is for the guard. */
	if (!had || (m != NULL && m->moved && git2.oid_equal(&base, &entry->id)))
		return 0;
	if (m != NULL && !m->moved && git2.oid_equal(&base, &entry->id)) {
		entry->id = was;
		return 1;
	}
	text_show_in(shown, sizeof shown, entry->path, strlen(entry->path));
	return error_set(err, DROVER_HUMAN,
	    "%s is a submodule, and the change moves its link to a commit that drover has not "
	    "seen at its remote",
	    shown);
}

/*
 * Moves the links of the snapshot at place, of which git takes the commits that
 * the submodules stand at: where the agent left a submodule alone, the link is
 * that of the parents, which upstream may have moved. A link to any other
 * commit than the submodule stands at is refused.
 */
int
submodules_settle(struct tree *t, git_repository *repo, const char *place, git_tree *const *parents,
    size_t n, git_oid *made, struct error *err)
{
	git_index *index = NULL;
	bool moved = false;
	int r = 0;

	if (git2.index_open(&index, place) != 0)
		return git_fail(DROVER_INTERNAL, err, "cannot read %s", place);
	for (size_t i = 0; i < git2.index_entrycount(index) && r == 0; i++) {
		git_index_entry entry = *git2.index_get_byindex(index, i);

		if (entry.mode == GIT_FILEMODE_COMMIT &&
		    (r = link_settle(t, &entry, parents, n, err)) == 1) {
			moved = true;
			r = git2.index_add(index, &entry) == 0 ?
			    0 :
			    git_fail(DROVER_INTERNAL, err, "cannot write %s", place);
		}
	}
	if (r == 0 && moved &&
	    (git2.index_write(index) != 0 || git2.index_write_tree_to(made, index, repo) != 0))
		r = git_fail(DROVER_INTERNAL, err, "cannot write %s", place);
	git2.index_free(index);
	return r;
}
