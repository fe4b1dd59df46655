/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of a tree, and the git that runs them. Names come from the
 * repository, commands from the git settings of drover's user alone: the
 * system's and the user's files, never the config of a tree or a mirror, which
 * a job can write. drover's git gets exactly these definitions and no other
 * setting of the user. A name that the user has not defined is defined as
 * nothing, so that a job's definition of it does not count either.
 *
 * A tree whose commit names no filter costs one look at its attributes
 * (attributes.c), and git does not even get a HOME. What was read is kept in
 * the tree until HEAD moves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "lease/filters.h"
#include "lease/lfs.h"

#define SCOPE_USER "global"
#define SCOPE_SYSTEM "system"

struct filters {
	struct buf names;     /* that attribute files mention */
	struct buf defined;   /* the ones of these that have a command */
	char **config;        /* for git_run; NULL when no name was found */
	size_t len, cap;
	git_oid head;         /* zero when HEAD names no commit */
	bool given_up;
};

/* drover's own, so that LFS works whatever the user has set up. */
static const char *const lfs_parts[][2] = {
	{ "filter.lfs.process", "git-lfs filter-process" },
	{ "filter.lfs.clean", "git-lfs clean -- %f" },
	{ "filter.lfs.smudge", "git-lfs smudge -- %f" },
	{ "filter.lfs.required", "true" },
};

static const char *const parts[] = { "clean", "smudge", "process", "required" };

static int filters_load(struct tree *, struct error *);
static int filters_define(struct tree *, struct filters *, struct error *);
static void filters_set(struct filters *, char *key, const char *value);
static bool filters_split(const char *key, char **name, const char **part);
static void filters_read_user(struct filters *, const struct buf *said);
static void filters_require(struct filters *, const struct buf *has);
static void filters_define_lfs(struct filters *);
static void filters_define_nothing(struct filters *);
static int filters_learned(struct tree *, size_t before, struct error *);
static int filters_repeat(const struct buf *changes, struct buf *again);

void
filters_forget(struct tree *t)
{
	struct filters *f = t->filters;

	if (f == NULL)
		return;
	t->filters = NULL;
	buf_free(&f->names);
	buf_free(&f->defined);
	free_strings(f->config);
	free(f);
}

static void
filters_set(struct filters *f, char *key, const char *value)
{
	f->config = xgrow(f->config, f->len + 3, &f->cap, sizeof *f->config);
	f->config[f->len++] = key;
	f->config[f->len++] = xstrdup(value);
	f->config[f->len] = NULL;
}

/* Splits "filter.NAME.PART"; a name may have dots. The caller frees it. */
static bool
filters_split(const char *key, char **name, const char **part)
{
	const char *first = strchr(key, '.'), *last = strrchr(key, '.');

	if (first == NULL || last <= first + 1)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (strcmp(last + 1, parts[i]) == 0) {
			*name = xstrndup(first + 1, (size_t)(last - first - 1));
			*part = parts[i];
			return true;
		}
	}
	return false;
}

/*
 * git prints for each setting its scope, a NUL, its key, a newline, its value
 * and a NUL. A setting without a value is true.
 */
static void
filters_read_user(struct filters *f, const struct buf *said)
{
	char *scope, *key, *value, *name, *end = said->data + said->len;
	struct buf has = BUF_INIT;
	const char *part;

	for (scope = said->data; scope != NULL && scope < end; scope = value + strlen(value) + 1) {
		key = scope + strlen(scope) + 1;
		if (key >= end)
			break;
		if ((value = strchr(key, '\n')) != NULL)
			*value++ = '\0';
		else
			value = key + strlen(key);
		if ((strcmp(scope, SCOPE_USER) != 0 && strcmp(scope, SCOPE_SYSTEM) != 0) ||
		    !filters_split(key, &name, &part))
			continue;
		if (attributes_has(&f->names, name) && strcmp(name, LFS_FILTER) != 0) {
			filters_set(f, xstrdup(key), *value != '\0' ? value : "true");
			if (strcmp(part, "required") != 0 && *value != '\0') {
				char *side = xasprintf("%s.%s", name, part);

				attributes_note(&f->defined, name);
				attributes_note(&has, side);
				free(side);
			}
		}
		free(name);
	}
	filters_require(f, &has);
	buf_free(&has);
}

/*
 * Makes a filter that fails an error. git would take the file as it is then,
 * unless the user's settings say "required". A side that they do not define
 * leaves the file as it is.
 */
static void
filters_require(struct filters *f, const struct buf *has)
{
	static const char *const sides[] = { "clean", "smudge" };

	for (size_t at = 0; at < f->defined.len; at += strlen(f->defined.data + at) + 1) {
		const char *name = f->defined.data + at;
		char *process = xasprintf("%s.process", name);

		filters_set(f, xasprintf("filter.%s.required", name), "true");
		for (size_t i = 0; i < ARRAY_LEN(sides) && !attributes_has(has, process); i++) {
			char *side = xasprintf("%s.%s", name, sides[i]);

			if (!attributes_has(has, side))
				filters_set(f, xasprintf("filter.%s", side), "cat");
			free(side);
		}
		free(process);
	}
}

static void
filters_define_lfs(struct filters *f)
{
	if (!attributes_has(&f->names, LFS_FILTER) || !lfs_found())
		return;
	for (size_t i = 0; i < ARRAY_LEN(lfs_parts); i++)
		filters_set(f, xstrdup(lfs_parts[i][0]), lfs_parts[i][1]);
	attributes_note(&f->defined, LFS_FILTER);
}

static void
filters_define_nothing(struct filters *f)
{
	for (size_t at = 0; at < f->names.len; at += strlen(f->names.data + at) + 1) {
		const char *name = f->names.data + at;

		for (size_t i = 0; i < ARRAY_LEN(parts) && !attributes_has(&f->defined, name); i++)
			filters_set(f, xasprintf("filter.%s.%s", name, parts[i]),
			    strcmp(parts[i], "required") == 0 ? "false" : "");
	}
}

/* Finds the commands for the names. */
static int
filters_define(struct tree *t, struct filters *f, struct error *err)
{
	static const char *const args[] = { "config", "--show-scope", "-z", "--includes",
		"--get-regexp", "^filter\\.", NULL };
	struct buf said = BUF_INIT;
	struct git_run run = { .tree = t, .user = true, .out = &said };
	int status;

	free_strings(f->config);
	f->config = NULL;
	f->len = f->cap = 0;
	buf_clear(&f->defined);
	if (f->names.len == 0)
		return 0;
	/* Status 1: there is none. */
	status = git_run(&run, args, err);
	if (status > 1)
		error_set(err, DROVER_CONFIG,
		    "repo %s uses filters, but the git settings of drover's user cannot be read: "
		    "%.200s",
		    t->repo->name, buf_str(&run.err));
	else if (status >= 0) {
		if (!f->given_up) {
			filters_read_user(f, &said);
			filters_define_lfs(f);
		}
		filters_define_nothing(f);
	}
	buf_free(&run.err);
	buf_free(&said);
	return status == 0 || status == 1 ? 0 : -1;
}

static int
filters_load(struct tree *t, struct error *err)
{
	struct filters *f;
	git_repository *repo = NULL;
	git_oid at;
	int result = -1;

	if (t->filters != NULL)
		return 0;
	f = t->filters = xcalloc(1, sizeof *f);
	if (gitdir_open(t, &repo, err) == 0)
		result = gitdir_head(t, repo, &f->head, NULL, 0) ?
		    attributes_of_commit(t, repo, &f->head, &f->names, err) :
		    0;
	/* What the job took out of the attributes counts as well. */
	if (result == 0 && filters_base(t, &at) && !git2.oid_equal(&at, &f->head))
		result = attributes_of_commit(t, repo, &at, &f->names, err);
	if (result == 0)
		result = filters_define(t, f, err);
	git2.repository_free(repo);
	if (result != 0)
		filters_forget(t);
	return result;
}

int
filters_run(struct tree *t, struct git_run *run, const char *const *args, struct error *err)
{
	if (filters_load(t, err) != 0)
		return -1;
	run->config = (const char *const *)t->filters->config;
	return git_run(run, args, err);
}

int
filters_must(struct tree *t, struct git_run *run, const char *const *args, struct error *err)
{
	if (filters_load(t, err) != 0)
		return -1;
	run->config = (const char *const *)t->filters->config;
	return git_must(run, args, DROVER_INTERNAL, t->path, err);
}

int
filters_fill(struct tree *t, struct git_run *run, const char *const *args, struct error *err)
{
	struct filters *f;
	char *storage;
	int result = 0;

	if (filters_load(t, err) != 0)
		return -1;
	f = t->filters;
	if (!filters_defined(t, LFS_FILTER))
		return filters_must(t, run, args, err);
	if (!git2.oid_is_zero(&f->head))
		result = lfs_fetch(t, &f->head, err);
	/*
	 * Only here: git-lfs would link the mirror's objects into the tree,
	 * where a job could change them.
	 */
	storage = xasprintf("%s/lfs", t->mirror);
	filters_set(f, xstrdup("lfs.storage"), storage);
	if (result == 0)
		result = filters_must(t, run, args, err);
	f->len -= 2;
	free(f->config[f->len]);
	free(f->config[f->len + 1]);
	f->config[f->len] = NULL;
	free(storage);
	return result;
}

int
filters_in_use(struct tree *t, struct error *err)
{
	return filters_load(t, err) == 0 ? t->filters->names.len > 0 : -1;
}

bool
filters_give_up(struct tree *t)
{
	if (filters_in_use(t, NULL) != 1 || t->filters->given_up)
		return false;
	t->filters->given_up = true;
	return filters_define(t, t->filters, NULL) == 0;
}

bool
filters_base(const struct tree *t, git_oid *oid)
{
	return git2.oid_fromstr(oid, t->base) == 0 || gitdir_base(t, oid);
}

bool
filters_defined(const struct tree *t, const char *name)
{
	return t->filters != NULL && attributes_has(&t->filters->defined, name);
}

bool
filters_mention(const struct tree *t, const char *name)
{
	return t->filters != NULL && attributes_has(&t->filters->names, name);
}

int
filters_ready(const struct tree *t, const git_oid *commit, struct error *err)
{
	git_repository *mirror = NULL;
	struct buf names = BUF_INIT;
	int result;

	if (mirror_open(t, &mirror, err) != 0)
		return -1;
	result = attributes_of_commit(t, mirror, commit, &names, err);
	if (result == 0 && names.len > 0 && !git_found())
		result = error_set(err, DROVER_CONFIG,
		    "repo %s uses filters (.gitattributes: filter=%.64s), which only git can run, "
		    "and git is not in PATH: install it",
		    t->repo->name, names.data);
	else if (result == 0 && attributes_has(&names, LFS_FILTER))
		result = lfs_ready(t, commit, err);
	git2.repository_free(mirror);
	buf_free(&names);
	return result;
}

/*
 * Turns the output of `git diff-index -z` into input of `git update-index
 * --index-info`: the same entries, without the times by which git would know
 * the file as unchanged. Returns the number of entries.
 */
static int
filters_repeat(const struct buf *changes, struct buf *again)
{
	const char *p = changes->data, *end = changes->data + changes->len;
	int n = 0;

	while (changes->len > 0 && p < end) {
		const char *path = p + strlen(p) + 1;
		char mode[7], id[65];

		if (path >= end)
			break;
		if (sscanf(p, ":%*6s %6s %*64s %64s", mode, id) == 2 &&
		    strspn(id, "0") != strlen(id) && strcmp(mode, "160000") != 0) {
			buf_addf(again, "%s %s 0\t%s", mode, id, path);
			buf_addc(again, '\0');
			n++;
		}
		p = path + strlen(path) + 1;
	}
	return n;
}

int
filters_unsettle(struct tree *t, const char *index, struct error *err)
{
	static const char *const update[] = { "update-index", "-z", "--index-info", NULL };
	char base[GIT_OID_HEXSZ + 1];
	const char *const diff[] = { "diff-index", "--cached", "--no-renames", "-z", base, NULL };
	struct buf changes = BUF_INIT, again = BUF_INIT;
	struct git_run run = { .tree = t, .gitdir = t->gitdir, .inside = true, .index = index };
	git_oid oid;
	int result;

	if (filters_load(t, err) != 0)
		return -1;
	if (t->filters->names.len == 0 || !filters_base(t, &oid))
		return 0;
	git2.oid_tostr(base, sizeof base, &oid);
	run.out = &changes;
	result = filters_must(t, &run, diff, err);
	if (result == 0 && filters_repeat(&changes, &again) > 0) {
		run.in = &again;
		result = filters_must(t, &run, update, err);
	}
	buf_free(&changes);
	buf_free(&again);
	return result;
}

int
filters_learn(struct tree *t, const char *index, struct error *err)
{
	git_repository *repo = NULL;
	size_t before;
	int result = -1;

	if (filters_load(t, err) != 0 || gitdir_open(t, &repo, err) != 0)
		return -1;
	before = t->filters->names.len;
	if (attributes_of_index(repo, index, &t->filters->names, err) == 0)
		result = filters_learned(t, before, err);
	git2.repository_free(repo);
	return result;
}

int
filters_learn_commit(struct tree *t, git_repository *repo, const git_oid *commit,
    struct error *err)
{
	size_t before;

	if (filters_load(t, err) != 0)
		return -1;
	before = t->filters->names.len;
	if (attributes_of_commit(t, repo, commit, &t->filters->names, err) != 0)
		return -1;
	return filters_learned(t, before, err);
}

static int
filters_learned(struct tree *t, size_t before, struct error *err)
{
	if (t->filters->names.len == before)
		return 0;
	return filters_define(t, t->filters, err) == 0 ? 1 : -1;
}
