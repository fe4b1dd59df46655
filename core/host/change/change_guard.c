/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard: checks a change before anyone else sees it. It reads the commit
 * instead of the working tree. A change that it stops is held for a person,
 * with the paths that are at fault.
 */
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "base/secrets.h"
#include "base/text.h"
#include "base/units.h"
#include "host/change/change.h"

#define MODE_TYPE 0170000u
#define MODE_SUBMODULE 0160000u
#define SEGMENT_MAX 256
#define SHOWN_MAX 4
#define NAME_MAX_SHOWN 60

/*
 * Files that control continuous integration and reviews: forbidden unless the
 * repo has a list of its own.
 */
static const char *const guard_default[] = {
	".github/workflows/**",
	".github/actions/**",
	".gitlab-ci.yml",
	".gitlab/ci/**",
	".circleci/**",
	".buildkite/**",
	".travis.yml",
	".drone.yml",
	".woodpecker.yml",
	".woodpecker/**",
	"Jenkinsfile",
	"azure-pipelines.yml",
	"bitbucket-pipelines.yml",
	"CODEOWNERS",
	NULL,
};

struct guard {
	const char *const *forbidden;
	struct change *change;
	struct buf shown;       /* the first paths at fault, for the job's reason */
	int offenders;
	struct change_deleted deleted;
	struct buf check_files; /* files of the checks that the commit changes */
	bool check_files_cut;
};

static void guard_note_check(struct guard *, const char *);
static void guard_visit(void *, const struct tree_file *);
static bool guard_too_large(const struct change *, struct error *);
static const char *guard_fault(const struct guard *, const struct tree_file *);
static bool guard_git_path(const char *);
static bool glob_segments(const char *, const char *, const char *);
static bool glob_segment(const char *, size_t, const char *, size_t);
static const char *segment_end(const char *, const char *);

static const char *
segment_end(const char *s, const char *end)
{
	const char *slash = memchr(s, '/', (size_t)(end - s));

	return slash != NULL ? slash : end;
}

/*
 * A pattern or name that is longer than a file's name can be is compared
 * literally.
 */
static bool
glob_segment(const char *pattern, size_t pattern_len, const char *name, size_t name_len)
{
	char p[SEGMENT_MAX], n[SEGMENT_MAX];

	if (pattern_len >= sizeof p || name_len >= sizeof n)
		return pattern_len == name_len && memcmp(pattern, name, name_len) == 0;
	memcpy(p, pattern, pattern_len);
	p[pattern_len] = '\0';
	memcpy(n, name, name_len);
	n[name_len] = '\0';
	return fnmatch(p, n, 0) == 0;
}

/* Whether a pattern matches path up to end, or a folder that path lies in. */
static bool
glob_segments(const char *pattern, const char *path, const char *end)
{
	const char *pattern_end = pattern + strlen(pattern), *p, *s;

	while (*pattern != '\0') {
		p = segment_end(pattern, pattern_end);
		if (p - pattern == 2 && memcmp(pattern, "**", 2) == 0) {
			if (*p == '\0')
				return path < end;
			for (s = path; s < end; s = segment_end(s, end) + 1) {
				if (glob_segments(p + 1, s, end))
					return true;
			}
			return false;
		}
		if (path >= end)
			return false;
		s = segment_end(path, end);
		if (!glob_segment(pattern, (size_t)(p - pattern), path, (size_t)(s - path)))
			return false;
		path = s < end ? s + 1 : end;
		pattern = *p == '/' ? p + 1 : p;
	}
	return true;
}

bool
change_glob(const char *pattern, const char *path)
{
	const char *end = path + strlen(path);

	if (*pattern == '/')
		return glob_segments(pattern + 1, path, end);
	if (strchr(pattern, '/') != NULL)
		return glob_segments(pattern, path, end);
	for (const char *s = path; s < end; s = segment_end(s, end) + 1) {
		if (glob_segments(pattern, s, end))
			return true;
	}
	return false;
}

static bool
guard_git_path(const char *path)
{
	const char *end = path + strlen(path), *e;

	for (const char *s = path; s < end; s = e + 1) {
		e = segment_end(s, end);
		if ((e - s == 4 && strncasecmp(s, ".git", 4) == 0) ||
		    (e - s == 5 && strncasecmp(s, "git~1", 5) == 0))
			return true;
	}
	return false;
}

static const char *
guard_fault(const struct guard *guard, const struct tree_file *file)
{
	if (file->escapes)
		return "is a link out of the tree";
	if (guard_git_path(file->path))
		return "is part of git itself";
	for (int i = 0; guard->forbidden[i] != NULL; i++) {
		if (change_glob(guard->forbidden[i], file->path))
			return "is forbidden";
	}
	if ((file->mode & MODE_TYPE) == MODE_SUBMODULE &&
	    (file->old_mode & MODE_TYPE) != MODE_SUBMODULE)
		return "is a repository within the repository";
	return NULL;
}

void
guard_add(struct guard *guard, const char *where, const char *fault)
{
	char name[NAME_MAX_SHOWN + 1];

	text_show_in(name, sizeof name, where, strlen(where));
	(void)secrets_hide_text(name, sizeof name);
	if (guard->offenders++ < SHOWN_MAX)
		buf_addf(&guard->shown, "%s%s %s", guard->shown.len > 0 ? ", " : "", name,
		    fault);
	log_printf(&guard->change->scope->log, DROVER_WARN, "change: guard: %s %s", name,
	    fault);
}

/* Notes a file of the checks in a list that ends with "..." when it is full. */
static void
guard_note_check(struct guard *guard, const char *path)
{
	struct buf *list = &guard->check_files;
	char name[NAME_MAX_SHOWN + 1];

	if (list->len + sizeof name + strlen(", ...") >= CHANGE_CHECK_FILES_MAX) {
		if (guard->check_files_cut)
			return;
		guard->check_files_cut = true;
		path = "...";
	}
	text_show_in(name, sizeof name, path, strlen(path));
	buf_addf(list, "%s%s", list->len > 0 ? ", " : "", name);
}

static void
guard_visit(void *arg, const struct tree_file *file)
{
	struct guard *guard = arg;
	const char *fault = guard_fault(guard, file);
	size_t at;

	if (secrets_find(file->path, strlen(file->path), &at) > 0)
		guard_add(guard, file->path, "has a secret of this configuration in its name");
	if (fault != NULL)
		guard_add(guard, file->path, fault);
	if (!file->escapes)
		change_deleted_count(&guard->deleted, file);
	if (!file->escapes && change_checks_use(guard->change->repo, file->path))
		guard_note_check(guard, file->path);
}

/* Fills err when the change is larger than the repo allows. */
static bool
guard_too_large(const struct change *change, struct error *err)
{
	const struct config_repo *repo = change->repo;
	const struct drover_diff *diff = &change->point.diff;
	char is[UNITS_MAX], most[UNITS_MAX];

	if (repo->max_files > 0 && diff->files > repo->max_files)
		error_set(err, DROVER_HUMAN,
		    "the guard stopped this change: it touches %u files, max_files of repo %s is "
		    "%lld; the commit %.12s is kept",
		    diff->files, repo->name, (long long)repo->max_files, change->point.commit);
	else if (repo->max_bytes > 0 && diff->bytes > (uint64_t)repo->max_bytes)
		error_set(err, DROVER_HUMAN,
		    "the guard stopped this change: its files take %s, max_bytes of repo %s is %s; "
		    "the commit %.12s is kept",
		    units_format_size((int64_t)diff->bytes, is, sizeof is), repo->name,
		    units_format_size(repo->max_bytes, most, sizeof most), change->point.commit);
	else
		return false;
	return true;
}

enum change_next
change_guard(struct change *change, struct error *err)
{
	const struct config_repo *repo = change->repo;
	struct guard guard = { .change = change, .forbidden = guard_default };
	struct change_point *point = &change->point;
	enum change_next next = CHANGE_FAILED;
	bool large;

	if (repo->forbidden != NULL && repo->forbidden[0] != NULL)
		guard.forbidden = (const char *const *)repo->forbidden;
	if (tree_compare(change->tree, point->commit, &point->diff, guard_visit, &guard, err) != 0)
		goto out;
	large = guard_too_large(change, err);
	if (!large && change_contents(change, &guard, err) != 0)
		goto out;
	if (guard.offenders > 0)
		error_set(err, DROVER_HUMAN,
		    "the guard stopped this change: %s%s (%d in all); the commit %.12s is kept",
		    buf_str(&guard.shown), guard.offenders > SHOWN_MAX ? ", ..." : "",
		    guard.offenders, point->commit);
	else if (!large && change_deleted_check(change, &guard.deleted, err) == 0)
		next = CHANGE_NEXT;
	text_copy(point->check_files, sizeof point->check_files, buf_str(&guard.check_files));
out:
	buf_free(&guard.shown);
	buf_free(&guard.check_files);
	return next;
}
