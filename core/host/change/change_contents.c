/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the guard that reads what the changed files contain: secrets that
 * drover knows, in any spelling, and other addresses of submodules. A secret is
 * never shown, only where it is.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/secrets.h"
#include "host/change/change.h"

#define PLACE_MAX 64

static size_t contents_secrets(const char *, size_t);
static void contents_place(char *, size_t, const struct tree_contents *, size_t at);
static void contents_look(struct guard *, const struct tree_contents *);
static bool contents_line(const char **at, const char *end, const char **line, size_t *len);
static bool contents_new_url(const struct tree_contents *);
static void contents_visit(void *, const struct tree_contents *);

static size_t
contents_secrets(const char *data, size_t len)
{
	size_t n = 0, at, found;

	while ((found = secrets_find(data, len, &at)) > 0) {
		n++;
		data += at + found;
		len -= at + found;
	}
	return n;
}

/* ":12" for a line; ", byte 1234" in a file that is no text. */
static void
contents_place(char *out, size_t size, const struct tree_contents *file, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += file->data[i] == '\n';
	if (memchr(file->data, '\0', file->len) != NULL)
		snprintf(out, size, ", byte %zu,", at + 1);
	else
		snprintf(out, size, ":%zu", line);
}

/*
 * Finds the first secret on a line that the file did not have before. A file
 * that has no more secrets than before is as good as it was.
 */
static void
contents_look(struct guard *guard, const struct tree_contents *file)
{
	size_t from = 0, at, found, first = SIZE_MAX;
	char place[PLACE_MAX];
	struct buf where = BUF_INIT;

	if (contents_secrets(file->data, file->len) <= contents_secrets(file->old, file->old_len))
		return;
	while ((found = secrets_find(file->data + from, file->len - from, &at)) > 0) {
		const char *begin = file->data + from + at, *end;

		if (first == SIZE_MAX)
			first = from + at;
		from += at + found;
		while (begin > file->data && begin[-1] != '\n')
			begin--;
		end = memchr(file->data + from, '\n', file->len - from);
		if (end == NULL)
			end = file->data + file->len;
		if (memmem(file->old, file->old_len, begin, (size_t)(end - begin)) == NULL) {
			first = from - found;
			break;
		}
	}
	contents_place(place, sizeof place, file, first);
	buf_addf(&where, "%s%s", file->path, place);
	guard_add(guard, buf_str(&where), "has a secret of this configuration");
	buf_free(&where);
}

static bool
contents_line(const char **at, const char *end, const char **line, size_t *len)
{
	const char *stop;

	if (*at >= end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	if (stop == NULL)
		stop = end;
	for (*line = *at; *line < stop && strchr(" \t", **line) != NULL; ++*line)
		;
	*len = (size_t)(stop - *line);
	*at = stop + 1;
	return true;
}

/* Whether .gitmodules has a line "url = ..." that it did not have. */
static bool
contents_new_url(const struct tree_contents *file)
{
	const char *at = file->data, *end = file->data + file->len, *line;
	size_t len;

	while (contents_line(&at, end, &line, &len)) {
		if (len > 3 && strncasecmp(line, "url", 3) == 0 &&
		    strchr(" \t=", line[3]) != NULL &&
		    memmem(file->old, file->old_len, line, len) == NULL)
			return true;
	}
	return false;
}

static void
contents_visit(void *arg, const struct tree_contents *file)
{
	struct guard *guard = arg;

	contents_look(guard, file);
	if (strcmp(file->path, ".gitmodules") == 0 && contents_new_url(file))
		guard_add(guard, file->path, "has another url of a submodule");
}

int
change_contents(struct change *change, struct guard *guard, struct error *err)
{
	size_t at;

	if (secrets_find(change->message, strlen(change->message), &at) > 0)
		guard_add(guard, "the commit's message", "has a secret of this configuration");
	if (secrets_find(change->branch, strlen(change->branch), &at) > 0)
		guard_add(guard, "the branch's name", "has a secret of this configuration");
	return tree_read_changes(change->tree, change->point.commit, contents_visit, guard, err);
}
