/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor: how far each list of each repository was read. The core keeps it
 * with the jobs of a poll and hands it to the next one; nothing is held in
 * between. Times are GitHub's own, and this machine's clock only says where to
 * begin in a repository of which nothing is known.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define DONE_MAX 200

static void mark_write(char *, size_t, const char *, int64_t);
static int64_t mark_time(const char *);
static bool array_has(const cJSON *, const char *);
static void array_shrink(cJSON *, int);

static void
mark_write(char *out, size_t size, const char *id, int64_t at)
{
	snprintf(out, size, "%s@%" PRId64, id, at);
}

static int64_t
mark_time(const char *mark)
{
	const char *at = strrchr(mark, '@');

	return at != NULL ? strtoll(at + 1, NULL, 10) : 0;
}

static bool
array_has(const cJSON *array, const char *text)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
		if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
			return true;
	return false;
}

/* Drops the oldest. */
static void
array_shrink(cJSON *array, int max)
{
	int n = cJSON_GetArraySize(array);

	for (; n > max; n--)
		cJSON_DeleteItemFromArray(array, 0);
}

void
track_load(struct track *track, const cJSON *repo, const char *name, int64_t begin, int64_t overlap)
{
	const cJSON *list = json_at(repo, name), *item;

	memset(track, 0, sizeof(*track));
	track->name = name;
	track->overlap = overlap;
	track->since = (int64_t)json_number(list, "since");
	if (track->since <= 0)
		track->since = begin;
	track->newest = track->since;
	track->seen = json_array();
	cJSON_ArrayForEach(item, json_at(list, "seen"))
		if (cJSON_IsString(item) && strlen(item->valuestring) < TRACK_MARK_MAX)
			json_push_text(track->seen, item->valuestring);
}

bool
track_has(const struct track *track, const char *id, int64_t at)
{
	char mark[TRACK_MARK_MAX];

	mark_write(mark, sizeof(mark), id, at);
	return array_has(track->seen, mark);
}

void
track_handled(struct track *track, const char *id, int64_t at)
{
	char mark[TRACK_MARK_MAX];

	mark_write(mark, sizeof(mark), id, at);
	if (at > track->newest)
		track->newest = at;
	if (!array_has(track->seen, mark))
		json_push_text(track->seen, mark);
}

void
track_deferred(struct track *track, int64_t at)
{
	if (track->deferred == 0 || at < track->deferred)
		track->deferred = at;
}

int64_t
track_from(const struct track *track)
{
	return track->since > track->overlap ? track->since - track->overlap : 0;
}

void
track_save(struct track *track, cJSON *repo)
{
	cJSON *list = json_object(), *item, *next;
	int64_t since = track->newest;

	if (track->deferred != 0 && track->deferred < since)
		since = track->deferred;
	for (item = track->seen->child; item != NULL; item = next) {
		next = item->next;
		if (mark_time(item->valuestring) < since - track->overlap)
			cJSON_Delete(cJSON_DetachItemViaPointer(track->seen, item));
	}
	array_shrink(track->seen, TRACK_SEEN_MAX);
	json_put_number(list, "since", (double)since);
	json_put(list, "seen", track->seen);
	track->seen = NULL;
	json_put(repo, track->name, list);
}

void
track_free(struct track *track)
{
	cJSON_Delete(track->seen);
	track->seen = NULL;
}

cJSON *
cursor_read(const char *text)
{
	struct drover_error why;
	cJSON *cursor = text != NULL && *text != '\0' ? json_read(text, strlen(text), &why) : NULL;

	if (cJSON_IsObject(cursor))
		return cursor;
	cJSON_Delete(cursor);
	return json_object();
}

cJSON *
cursor_repo(cJSON *cursor, const char *slug, int64_t begin, bool *fresh)
{
	cJSON *repo = json_get(cursor, slug);

	*fresh = !cJSON_IsObject(repo);
	if (!*fresh)
		return repo;
	repo = json_put(cursor, slug, json_object());
	json_put_number(repo, "begin", (double)begin);
	return repo;
}

bool
cursor_done(const cJSON *repo, const char *mark)
{
	return array_has(json_get(repo, "done"), mark);
}

void
cursor_done_add(cJSON *repo, const char *mark)
{
	cJSON *done = json_get(repo, "done");

	if (!cJSON_IsArray(done))
		done = json_put(repo, "done", json_array());
	json_push_text(done, mark);
	array_shrink(done, DONE_MAX);
}

char *
cursor_write(cJSON *cursor)
{
	int keep = TRACK_SEEN_MAX;
	cJSON *repo, *list;
	char *text;

	for (;; keep /= 2) {
		text = json_print(cursor);
		if (strlen(text) < DROVER_VALUE_MAX || keep == 0)
			return text;
		/*
		 * What is forgotten may be handed over again; the pipeline then
		 * finds its own answer and ends.
		 */
		free(text);
		cJSON_ArrayForEach(repo, cursor) {
			cJSON_ArrayForEach(list, repo) {
				if (cJSON_IsArray(list))
					array_shrink(list, keep);
				else
					array_shrink(json_get(list, "seen"), keep);
			}
		}
	}
}
