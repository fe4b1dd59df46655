/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor of slack.mention: how far each channel and each thread has been
 * read, and what was handed over within the time that a look can come back to.
 * The core keeps it in one transaction with the jobs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#define THREAD_KEEP (14 * 24 * SLACK_HOUR)
#define SEEN_KEEP   SLACK_HOUR /* how far a hint may lead back */

static const char *row_text(const cJSON *, int);
static bool row_copy(const cJSON *, int, char *, size_t);
static bool read_place(struct position *, const cJSON *);
static bool read_thread(struct position *, const cJSON *);
static bool read_seen(struct position *, const cJSON *);
static char *write_all(const struct position *);
static size_t quietest(const struct position *);
static void drop_thread(struct position *, size_t);

static const char *
row_text(const cJSON *row, int index)
{
	const cJSON *item = cJSON_GetArrayItem(row, index);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static bool
row_copy(const cJSON *row, int index, char *out, size_t size)
{
	const char *text = row_text(row, index);

	snprintf(out, size, "%s", text);
	return strlen(text) < size;
}

static bool
read_place(struct position *p, const cJSON *row)
{
	struct place *place = &p->places[p->places_len];

	if (p->places_len == PLACES_MAX ||
	    !row_copy(row, 0, place->channel, sizeof(place->channel)) ||
	    !slack_id_valid(place->channel) || !ts_valid(row_text(row, 1)) ||
	    !ts_valid(row_text(row, 2)) || !row_copy(row, 4, place->page, sizeof(place->page)))
		return false;
	ts_copy(place->low, row_text(row, 1));
	ts_copy(place->deep, row_text(row, 2));
	ts_copy(place->top, row_text(row, 3));
	p->places_len++;
	return true;
}

static bool
read_thread(struct position *p, const cJSON *row)
{
	struct thread *thread = &p->threads[p->threads_len];
	const cJSON *active = cJSON_GetArrayItem(row, 3);

	if (p->threads_len == THREADS_MAX ||
	    !row_copy(row, 0, thread->channel, sizeof(thread->channel)) ||
	    !slack_id_valid(thread->channel) || !ts_valid(row_text(row, 1)) ||
	    !ts_valid(row_text(row, 2)) || !row_copy(row, 4, thread->repo, sizeof(thread->repo)) ||
	    !cJSON_IsNumber(active) || !(active->valuedouble >= 0 && active->valuedouble < 1e15))
		return false;
	ts_copy(thread->ts, row_text(row, 1));
	ts_copy(thread->seen, row_text(row, 2));
	thread->active_ms = (int64_t)active->valuedouble;
	p->threads_len++;
	return true;
}

static bool
read_seen(struct position *p, const cJSON *row)
{
	struct seen *seen = &p->seen[p->seen_len];

	if (p->seen_len == SEEN_MAX || !row_copy(row, 0, seen->channel, sizeof(seen->channel)) ||
	    !slack_id_valid(seen->channel) || !ts_valid(row_text(row, 1)))
		return false;
	ts_copy(seen->ts, row_text(row, 1));
	ts_copy(seen->edited, row_text(row, 2));
	p->seen_len++;
	return true;
}

bool
position_read(struct position *p, const char *cursor)
{
	static const struct {
		const char *name;
		bool (*read)(struct position *, const cJSON *);
	} parts[] = { { "channels", read_place }, { "threads", read_thread },
		{ "seen", read_seen } };
	struct drover_error ignored;
	const cJSON *row;
	bool good = true;
	cJSON *json;
	size_t i;

	memset(p, 0, sizeof(*p));
	if (cursor == NULL || *cursor == '\0')
		return true;
	if ((json = json_read(cursor, strlen(cursor), &ignored)) == NULL)
		return false;
	for (i = 0; i < ARRAY_LEN(parts) && good; i++) {
		good = cJSON_IsArray(json_at(json, parts[i].name));
		cJSON_ArrayForEach(row, json_at(json, parts[i].name))
			good = good && parts[i].read(p, row);
	}
	cJSON_Delete(json);
	if (!good)
		memset(p, 0, sizeof(*p));
	return good;
}

/*
 * Ids, times and names of repos need no escaping. A page that would need it is
 * left out.
 */
static char *
write_all(const struct position *p)
{
	struct text_buf out = { 0 };
	size_t i;

	text_addf(&out, "{\"channels\":[");
	for (i = 0; i < p->places_len; i++) {
		const struct place *place = &p->places[i];
		bool page = strpbrk(place->page, "\"\\") == NULL;

		text_addf(&out, "%s[\"%s\",\"%s\",\"%s\",\"%s\",\"%s\"]", i > 0 ? "," : "",
		    place->channel, place->low, place->deep, page ? place->top : "",
		    page ? place->page : "");
	}
	text_addf(&out, "],\"threads\":[");
	for (i = 0; i < p->threads_len; i++)
		text_addf(&out, "%s[\"%s\",\"%s\",\"%s\",%lld,\"%s\"]", i > 0 ? "," : "",
		    p->threads[i].channel, p->threads[i].ts, p->threads[i].seen,
		    (long long)p->threads[i].active_ms, p->threads[i].repo);
	text_addf(&out, "],\"seen\":[");
	for (i = 0; i < p->seen_len; i++)
		text_addf(&out, "%s[\"%s\",\"%s\",\"%s\"]", i > 0 ? "," : "", p->seen[i].channel,
		    p->seen[i].ts, p->seen[i].edited);
	text_addf(&out, "]}");
	return text_take(&out);
}

static size_t
quietest(const struct position *p)
{
	size_t i, at = 0;

	for (i = 1; i < p->threads_len; i++)
		if (p->threads[i].active_ms < p->threads[at].active_ms)
			at = i;
	return at;
}

static void
drop_thread(struct position *p, size_t at)
{
	p->threads_len--;
	memmove(&p->threads[at], &p->threads[at + 1],
	    (p->threads_len - at) * sizeof(p->threads[0]));
}

char *
position_write(struct position *p)
{
	char *text;

	while (strlen(text = write_all(p)) >= DROVER_VALUE_MAX && p->threads_len > 0) {
		drop_thread(p, quietest(p));
		free(text);
	}
	return text;
}

struct place *
position_place(struct position *p, const char *channel)
{
	size_t i;

	for (i = 0; i < p->places_len; i++)
		if (strcmp(p->places[i].channel, channel) == 0)
			return &p->places[i];
	return NULL;
}

struct place *
position_place_add(struct position *p, const char *channel, const char *low)
{
	struct place *place = position_place(p, channel);

	if (place != NULL || p->places_len == PLACES_MAX)
		return place;
	place = &p->places[p->places_len++];
	memset(place, 0, sizeof(*place));
	snprintf(place->channel, sizeof(place->channel), "%s", channel);
	ts_copy(place->low, low);
	ts_copy(place->deep, low);
	return place;
}

struct thread *
position_thread(struct position *p, const char *channel, const char *ts)
{
	size_t i;

	for (i = 0; i < p->threads_len; i++)
		if (strcmp(p->threads[i].ts, ts) == 0 &&
		    strcmp(p->threads[i].channel, channel) == 0)
			return &p->threads[i];
	return NULL;
}

struct thread *
position_thread_add(struct position *p, const char *channel, const char *ts, const char *seen,
    int64_t now)
{
	struct thread *thread = position_thread(p, channel, ts);

	if (thread == NULL) {
		if (p->threads_len == THREADS_MAX)
			drop_thread(p, quietest(p));
		thread = &p->threads[p->threads_len++];
		memset(thread, 0, sizeof(*thread));
		snprintf(thread->channel, sizeof(thread->channel), "%s", channel);
		ts_copy(thread->ts, ts);
		ts_copy(thread->seen, seen);
	}
	thread->active_ms = now;
	return thread;
}

struct seen *
position_seen(struct position *p, const char *channel, const char *ts)
{
	size_t i;

	for (i = 0; i < p->seen_len; i++)
		if (strcmp(p->seen[i].ts, ts) == 0 && strcmp(p->seen[i].channel, channel) == 0)
			return &p->seen[i];
	return NULL;
}

bool
position_seen_add(struct position *p, const char *channel, const char *ts, const char *edited)
{
	struct seen *seen = position_seen(p, channel, ts);

	if (seen == NULL) {
		if (p->seen_len == SEEN_MAX)
			return false;
		seen = &p->seen[p->seen_len++];
		memset(seen, 0, sizeof(*seen));
		snprintf(seen->channel, sizeof(seen->channel), "%s", channel);
		ts_copy(seen->ts, ts);
	}
	ts_copy(seen->edited, edited);
	return true;
}

void
position_tidy(struct position *p, int64_t now, int64_t overlap)
{
	size_t i, n = 0;

	for (i = p->threads_len; i-- > 0;)
		if (p->threads[i].active_ms + THREAD_KEEP < now)
			drop_thread(p, i);
	for (i = 0; i < p->seen_len; i++) {
		const struct place *place = position_place(p, p->seen[i].channel);
		char floor[SLACK_TS_MAX], recent[SLACK_TS_MAX];

		ts_from_ms(recent, now - SEEN_KEEP);
		if (place != NULL) {
			ts_earlier(floor,
			    ts_compare(place->low, place->deep) < 0 ? place->low : place->deep,
			    overlap);
			if (ts_compare(floor, recent) < 0)
				memcpy(recent, floor, sizeof(recent));
		}
		if (ts_compare(p->seen[i].ts, recent) >= 0)
			p->seen[n++] = p->seen[i];
	}
	p->seen_len = n;
}
