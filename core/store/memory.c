/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: what was said about a subject of a plugin. Rows are only added; the
 * oldest of a subject are dropped when it grows too large. Their number is kept
 * in a row with the empty key, which callers cannot use.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/store.h"

static const char sql_append[] = "insert into memory (plugin, subject, key, role, text, bytes, at) "
				 "values ($1, $2, $3, $4, $5, $6, $7) "
				 "on conflict (plugin, subject, key) do nothing";

static const char sql_dropped[] =
    "insert into memory (plugin, subject, key, role, text, bytes, at) "
    "values ($1, $2, '', 'drover', $3, 0, $4) "
    "on conflict (plugin, subject, key) do update "
    "set text = excluded.text, at = excluded.at";

static const char sql_newest[] =
    "select id, bytes, key, role, text, at "
    "from memory "
    "where plugin = $1 and subject = $2 and key <> '' "
    "order by id desc";

static const char sql_count[] =
    "select text "
    "from memory "
    "where plugin = $1 and subject = $2 and key = ''";

static const char sql_subjects[] =
    "select plugin, subject, count(nullif(key, '')), sum(bytes), min(at), max(at) "
    "from memory "
    "group by plugin, subject "
    "order by max(at) desc, plugin, subject "
    "limit $1";

static const char sql_subjects_of[] =
    "select plugin, subject, count(nullif(key, '')), sum(bytes), min(at), max(at) "
    "from memory "
    "where plugin = $2 "
    "group by plugin, subject "
    "order by max(at) desc, subject "
    "limit $1";

static const char sql_prune[] =
    "delete from memory "
    "where (plugin, subject) in "
    "(select plugin, subject "
    "from memory "
    "group by plugin, subject "
    "having max(at) < $1)";

/* A walk over the entries of one subject, newest first. */
struct memory_walk {
	int64_t entries, bytes;      /* counted so far */
	int64_t oldest_kept;         /* id of the oldest entry that is kept */
	int64_t over;                /* number of entries past the bounds */
	size_t max, used;            /* bounds of a read, and the bytes used so far */
	struct buf *pieces;          /* the entries as "ROLE: TEXT", newest first */
	size_t pieces_len;
	cJSON *list;
};

static int
memory_dropped_row(void *arg, const struct store_row *row)
{
	*(int64_t *)arg = strtoll(store_row_text(row, 0), NULL, 10);
	return 1;
}

/* How many entries of a subject were dropped; -1 on error. */
static int64_t
memory_dropped(struct store *s, const struct store_value *subject, struct error *err)
{
	int64_t n = 0;

	return store_read(s, sql_count, subject, 2, memory_dropped_row, &n, err) < 0 ? -1 : n;
}

static int
memory_bound_row(void *arg, const struct store_row *row)
{
	struct memory_walk *w = arg;

	w->entries++;
	w->bytes += store_row_int(row, 1);
	if (w->over == 0 && w->entries <= STORE_MEMORY_ENTRIES && w->bytes <= STORE_MEMORY_SUBJECT)
		w->oldest_kept = store_row_int(row, 0);
	else
		w->over++;
	return 0;
}

static int
memory_compact(struct store *s, const struct store_value *subject, struct error *err)
{
	struct memory_walk w = { 0 };
	struct store_value values[4] = { subject[0], subject[1] };
	char text[24];
	int64_t dropped;

	if (store_read(s, sql_newest, subject, 2, memory_bound_row, &w, err) < 0)
		return -1;
	if (w.over == 0)
		return 0;
	if ((dropped = memory_dropped(s, subject, err)) < 0)
		return -1;
	values[2] = SV_INT(w.oldest_kept);
	if (store_do(s,
		"delete from memory "
		"where plugin = $1 and subject = $2 and key <> '' and id < $3",
		values, 3, err) != 0)
		return -1;
	(void)snprintf(text, sizeof text, "%" PRId64, dropped + w.over);
	values[2] = store_text(text);
	values[3] = SV_INT(clock_wall());
	return store_do(s, sql_dropped, values, 4, err);
}

int
store_memory_append(struct store *s, const char *plugin, const char *subject, const char *key,
    const char *role, const char *text, struct error *err)
{
	char *cut;
	struct store_value values[7] = { store_text(plugin), store_text(subject), store_text(key),
		store_text(role) };
	int fresh;

	if (subject[0] == '\0' || strlen(subject) > DROVER_KEY_MAX || key[0] == '\0' ||
	    strlen(key) > DROVER_KEY_MAX || role[0] == '\0' || strlen(role) > DROVER_NAME_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "a memory has a subject and a key of 1 to %d bytes, and a role of 1 to %d",
		    DROVER_KEY_MAX, DROVER_NAME_MAX);
	if (!text_is_utf8(subject, strlen(subject)) || !text_is_utf8(key, strlen(key)) ||
	    !text_is_utf8(role, strlen(role)) || !text_is_utf8(text, strlen(text)))
		return error_set(err, DROVER_PERMANENT, "a memory of %s is not UTF-8", plugin);
	cut = xmalloc(STORE_MEMORY_TEXT + 1);
	(void)text_copy(cut, STORE_MEMORY_TEXT + 1, text);
	values[4] = store_text(cut);
	values[5] = SV_INT(strlen(cut));
	values[6] = SV_INT(clock_wall());
	fresh = store_run(s, sql_append, values, ARRAY_LEN(values), NULL, NULL, err);
	free(cut);
	if (fresh <= 0)
		return fresh;
	return memory_compact(s, values, err) == 0 ? 1 : -1;
}

static int
memory_piece_row(void *arg, const struct store_row *row)
{
	struct memory_walk *w = arg;
	struct buf piece = BUF_INIT;
	size_t gap = w->pieces_len > 0 ? 2 : 0;
	const char *text;
	char *cut;

	buf_addf(&piece, "%s: ", store_row_text(row, 3));
	/*
	 * Further lines are indented, so that a text cannot pass for another
	 * entry.
	 */
	for (text = store_row_text(row, 4); *text != '\0'; text++) {
		buf_addc(&piece, *text);
		if (*text == '\n')
			buf_adds(&piece, "  ");
	}
	if (w->used + gap + piece.len > w->max) {
		/*
		 * If even the newest entry is too long, its beginning is given.
		 */
		if (w->pieces_len > 0) {
			buf_free(&piece);
			return 1;
		}
		cut = xmalloc(w->max + 1);
		(void)text_copy(cut, w->max + 1, buf_str(&piece));
		buf_clear(&piece);
		buf_adds(&piece, cut);
		free(cut);
	}
	w->used += gap + piece.len;
	w->pieces = xreallocarray(w->pieces, w->pieces_len + 1, sizeof *w->pieces);
	w->pieces[w->pieces_len++] = piece;
	return w->used >= w->max ? 1 : 0;
}

int
store_memory_read(struct store *s, const char *plugin, const char *subject, size_t max,
    struct buf *out, struct error *err)
{
	const struct store_value values[] = { store_text(plugin), store_text(subject) };
	struct memory_walk w = { .max = max < STORE_MEMORY_READ ? max : STORE_MEMORY_READ };
	char note[80];
	int64_t dropped;
	int rc = store_read(s, sql_newest, values, 2, memory_piece_row, &w, err) < 0 ? -1 : 0;

	if (rc == 0 && w.pieces_len > 0 && (dropped = memory_dropped(s, values, err)) > 0) {
		(void)snprintf(note, sizeof note,
		    "drover: %" PRId64 " earlier entries were dropped\n\n", dropped);
		if (w.used + strlen(note) <= w.max)
			buf_adds(out, note);
	}
	for (size_t i = w.pieces_len; i-- > 0; buf_free(&w.pieces[i]))
		if (rc == 0)
			buf_addf(out, "%s%s", buf_str(&w.pieces[i]), i > 0 ? "\n\n" : "");
	free(w.pieces);
	return rc;
}

int
store_memory_forget(struct store *s, const char *plugin, const char *subject, struct error *err)
{
	const struct store_value values[] = { store_text(plugin), store_text(subject) };

	return store_run(s, "delete from memory where plugin = $1 and subject = $2", values, 2,
	    NULL, NULL, err);
}

int
store_memory_prune(struct store *s, int64_t before, struct error *err)
{
	const struct store_value value = SV_INT(before);

	return store_run(s, sql_prune, &value, 1, NULL, NULL, err);
}

static int
memory_subject_row(void *arg, const struct store_row *row)
{
	cJSON *list = arg, *one = cJSON_CreateObject();

	json_add_str(one, "plugin", store_row_text(row, 0));
	json_add_str(one, "subject", store_row_text(row, 1));
	json_add_int(one, "entries", store_row_int(row, 2));
	json_add_int(one, "bytes", store_row_int(row, 3));
	json_add_int(one, "first_at", store_row_int(row, 4));
	json_add_int(one, "last_at", store_row_int(row, 5));
	cJSON_AddItemToArray(list, one);
	return 0;
}

int
store_memory_subjects(struct store *s, const char *plugin, int limit, cJSON **list,
    struct error *err)
{
	const struct store_value values[] = { SV_INT(limit), store_text(plugin) };

	*list = cJSON_CreateArray();
	if (store_read(s, plugin != NULL ? sql_subjects_of : sql_subjects, values,
		plugin != NULL ? 2 : 1, memory_subject_row, *list, err) >= 0)
		return 0;
	cJSON_Delete(*list);
	*list = NULL;
	return -1;
}

static int
memory_entry_row(void *arg, const struct store_row *row)
{
	struct memory_walk *w = arg;
	cJSON *one = cJSON_CreateObject();

	json_add_str(one, "key", store_row_text(row, 2));
	json_add_str(one, "role", store_row_text(row, 3));
	json_add_str(one, "text", store_row_text(row, 4));
	json_add_int(one, "at", store_row_int(row, 5));
	cJSON_InsertItemInArray(w->list, 0, one);
	return 0;
}

int
store_memory_entries(struct store *s, const char *plugin, const char *subject, cJSON **list,
    int64_t *dropped, struct error *err)
{
	const struct store_value values[] = { store_text(plugin), store_text(subject) };
	struct memory_walk w = { .list = cJSON_CreateArray() };

	if (store_read(s, sql_newest, values, 2, memory_entry_row, &w, err) >= 0 &&
	    (*dropped = memory_dropped(s, values, err)) >= 0) {
		*list = w.list;
		return 0;
	}
	cJSON_Delete(w.list);
	*list = NULL;
	return -1;
}
