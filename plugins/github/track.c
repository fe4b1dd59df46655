/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor: how far each list of each repository was read. Times are GitHub's
 * own, never this machine's; only where nothing is known yet the clock here
 * says where to begin.
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
static cJSON *object_array(cJSON *, const char *);

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

/* The oldest go first. */
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
	if ((track->seen = cJSON_CreateArray()) == NULL)
		track->bad = true;
	cJSON_ArrayForEach(item, json_at(list, "seen"))
		if (cJSON_IsString(item) && strlen(item->valuestring) < TRACK_MARK_MAX)
			cJSON_AddItemToArray(track->seen, cJSON_CreateString(item->valuestring));
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
	if (!array_has(track->seen, mark) &&
	    !cJSON_AddItemToArray(track->seen, cJSON_CreateString(mark)))
		track->bad = true;
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

int
track_save(struct track *track, cJSON *repo)
{
	cJSON *list = cJSON_CreateObject(), *item, *next;
	int64_t since = track->newest;

	if (track->deferred != 0 && track->deferred < since)
		since = track->deferred;
	for (item = track->seen != NULL ? track->seen->child : NULL; item != NULL; item = next) {
		next = item->next;
		if (mark_time(item->valuestring) < since - track->overlap)
			cJSON_Delete(cJSON_DetachItemViaPointer(track->seen, item));
	}
	array_shrink(track->seen, TRACK_SEEN_MAX);
	if (track->bad || list == NULL ||
	    cJSON_AddNumberToObject(list, "since", (double)since) == NULL ||
	    !cJSON_AddItemToObject(list, "seen", track->seen)) {
		cJSON_Delete(list);
		return -1;
	}
	track->seen = NULL;
	cJSON_DeleteItemFromObjectCaseSensitive(repo, track->name);
	if (cJSON_AddItemToObject(repo, track->name, list))
		return 0;
	cJSON_Delete(list);
	return -1;
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
	return cJSON_CreateObject();
}

static cJSON *
object_array(cJSON *object, const char *key)
{
	cJSON *array = cJSON_GetObjectItemCaseSensitive(object, key);

	if (cJSON_IsArray(array))
		return array;
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	return cJSON_AddArrayToObject(object, key);
}

cJSON *
cursor_repo(cJSON *cursor, const char *slug, int64_t begin, bool *fresh)
{
	cJSON *repo = cJSON_GetObjectItemCaseSensitive(cursor, slug);

	*fresh = !cJSON_IsObject(repo);
	if (!*fresh)
		return repo;
	cJSON_DeleteItemFromObjectCaseSensitive(cursor, slug);
	repo = cJSON_AddObjectToObject(cursor, slug);
	if (repo != NULL && cJSON_AddNumberToObject(repo, "begin", (double)begin) == NULL)
		return NULL;
	return repo;
}

bool
cursor_done(const cJSON *repo, const char *mark)
{
	return array_has(cJSON_GetObjectItemCaseSensitive(repo, "done"), mark);
}

int
cursor_done_add(cJSON *repo, const char *mark)
{
	cJSON *done = object_array(repo, "done");

	if (done == NULL || !cJSON_AddItemToArray(done, cJSON_CreateString(mark)))
		return -1;
	array_shrink(done, DONE_MAX);
	return 0;
}

char *
cursor_write(cJSON *cursor)
{
	int keep = TRACK_SEEN_MAX;
	cJSON *repo, *list;
	char *text;

	for (;; keep /= 2) {
		if ((text = cJSON_PrintUnformatted(cursor)) == NULL ||
		    strlen(text) < DROVER_VALUE_MAX || keep == 0)
			return text;
		/*
		 * What is forgotten may be handed over again; the pipelines
		 * find their own answer then and end.
		 */
		cJSON_free(text);
		cJSON_ArrayForEach(repo, cursor) {
			cJSON_ArrayForEach(list, repo) {
				if (cJSON_IsArray(list))
					array_shrink(list, keep);
				else
					array_shrink(cJSON_GetObjectItemCaseSensitive(list, "seen"),
					    keep);
			}
		}
	}
}
