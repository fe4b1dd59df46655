/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent has made that is not in its change, for the job's result.
 * change_steps.c calls this after each run of the agent. Ignored files that the
 * task names hold the job, because the change is not complete without them; all
 * others are only told.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "host/change/change.h"

/*
 * A folder with more new files than this was installed or built. The task names
 * none of them by the last part alone.
 */
#define FEW_FILES      100
#define SHOWN_MAX      8
#define PATH_SHOWN_MAX 80

struct ignored {
	struct change *change;
	struct buf list; /* for people, folded */
	int listed;
	char *entry, *first; /* what git ignores, and the first new file of it */
	size_t files;        /* number of new files in entry */
	struct buf maybe;    /* of those, named by the last part; each has a NUL behind it */
	struct buf named;    /* the files that the task names, in the same form */
};

static bool is_path_char(char);
static void ignored_visit(void *, const char *, const char *);
static void ignored_flush(struct ignored *);
static int ignored_hold(struct ignored *, struct error *);

static bool
is_path_char(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("._-/", c) != NULL);
}

enum change_named
change_names(const char *text, const char *path)
{
	const char *slash = strrchr(path, '/'), *last = slash != NULL ? slash + 1 : path, *begin;
	size_t len = strlen(last), path_len = strlen(path), word;
	enum change_named named = NAMED_NOT;

	if (len == 0)
		return NAMED_NOT;
	for (const char *at = text; (at = strstr(at, last)) != NULL; at++) {
		const char *end = at + len;

		/* A full stop ends a sentence, too. */
		end += strspn(end, ".");
		if (is_path_char(*end))
			continue;
		for (begin = at; begin > text && is_path_char(begin[-1]); begin--)
			;
		while (strncmp(begin, "./", 2) == 0 || *begin == '/')
			begin += *begin == '/' ? 1 : 2;
		if (begin > at)
			continue;
		word = (size_t)(at - begin) + len;
		if (word > path_len || memcmp(path + path_len - word, begin, word) != 0 ||
		    (word < path_len && path[path_len - word - 1] != '/') ||
		    (memchr(begin, '.', word) == NULL && memchr(begin, '/', word) == NULL))
			continue;
		if (word > len || word == path_len)
			return NAMED_PATH;
		named = NAMED_LAST;
	}
	return named;
}

static void
ignored_visit(void *arg, const char *entry, const char *path)
{
	struct ignored *ignored = arg;
	enum change_named named;

	if (ignored->entry == NULL || strcmp(ignored->entry, entry) != 0) {
		ignored_flush(ignored);
		ignored->entry = xstrdup(entry);
		ignored->first = xstrdup(path);
	}
	ignored->files++;
	named = change_names(ignored->change->prompt, path);
	if (named == NAMED_PATH)
		buf_add(&ignored->named, path, strlen(path) + 1);
	else if (named == NAMED_LAST && ignored->files <= FEW_FILES)
		buf_add(&ignored->maybe, path, strlen(path) + 1);
}

/* Ends an entry of which all new files were visited. */
static void
ignored_flush(struct ignored *ignored)
{
	const char *shown = ignored->files == 1 ? ignored->first : ignored->entry;

	if (ignored->files > 0 && ignored->listed++ < SHOWN_MAX) {
		buf_adds(&ignored->list, ignored->listed > 1 ? ", " : "");
		text_show(&ignored->list, shown, strlen(shown), PATH_SHOWN_MAX);
		if (ignored->files > 1)
			buf_addf(&ignored->list, " (%zu files)", ignored->files);
	}
	for (const char *p = buf_str(&ignored->maybe), *end = p + ignored->maybe.len;
	     p < end && ignored->files <= FEW_FILES; p += strlen(p) + 1) {
		const char *slash = strrchr(p, '/');

		if (!tree_tracks_name(ignored->change->tree, slash != NULL ? slash + 1 : p))
			buf_add(&ignored->named, p, strlen(p) + 1);
	}
	buf_clear(&ignored->maybe);
	free(ignored->entry);
	free(ignored->first);
	ignored->entry = ignored->first = NULL;
	ignored->files = 0;
}

/* They go into the tree's index, so that they are saved with the work. */
static int
ignored_hold(struct ignored *ignored, struct error *err)
{
	struct buf shown = BUF_INIT;
	struct error why = { 0 };
	int n = 0;

	for (const char *p = buf_str(&ignored->named), *end = p + ignored->named.len; p < end;
	     p += strlen(p) + 1) {
		if (tree_track(ignored->change->tree, p, &why) != 0)
			log_printf(&ignored->change->scope->log, DROVER_WARN,
			    "change: an ignored file is not saved: %s", why.text);
		if (n++ >= SHOWN_MAX / 2)
			continue;
		buf_adds(&shown, n > 1 ? ", " : "");
		text_show(&shown, p, strlen(p), PATH_SHOWN_MAX);
	}
	error_set(err, DROVER_HUMAN,
	    "ignored and not pushed: %s%s; the task names it, so change the repo's .gitignore and "
	    "release the job",
	    buf_str(&shown), n > SHOWN_MAX / 2 ? ", ..." : "");
	buf_free(&shown);
	return -1;
}

int
change_find_ignored(struct change *change, struct buf *left, struct error *err)
{
	struct ignored ignored = { .change = change };
	int r = tree_ignored(change->tree, ignored_visit, &ignored, err);

	ignored_flush(&ignored);
	if (r == 0 && ignored.named.len > 0)
		r = ignored_hold(&ignored, err);
	else if (r == 0 && ignored.listed > 0) {
		buf_addf(left, "%signored and not pushed: %s", left->len > 0 ? "; " : "",
		    buf_str(&ignored.list));
		if (ignored.listed > SHOWN_MAX)
			buf_addf(left, ", ... (%d in all)", ignored.listed);
	}
	buf_free(&ignored.list);
	buf_free(&ignored.maybe);
	buf_free(&ignored.named);
	return r;
}

void
change_leave_out(struct change *change, const struct buf *left)
{
	struct change_point *point = &change->point;
	struct buf all = BUF_INIT;

	if (left->len == 0)
		return;
	log_printf(&change->scope->log, DROVER_WARN, "change: left out: %s", buf_str(left));
	buf_addf(&all, "%s%s%s", point->left, *point->left != '\0' ? "; " : "", buf_str(left));
	text_copy(point->left, sizeof point->left, buf_str(&all));
	buf_free(&all);
}
