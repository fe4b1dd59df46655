/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Effects: writes to the outside, each done once. The intention is on disk
 * before the write, and the result after it. A write that was begun and never
 * reported may or may not have happened, so the next attempt looks for its
 * marker at the vendor.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

static const char sql_begin[] =
    "insert into effect (key, job, epoch, state, begun_at) "
    "values ($1, $2, $3, 'begun', $4)";
static const char sql_begin_again[] =
    "update effect set job = $2, epoch = $3, begun_at = $4 where key = $1";
static const char sql_done[] =
    "update effect "
    "set state = 'done', result = $2, done_at = $3 "
    "where key = $1";

struct effect {
	bool done;
	uint64_t job, epoch;
	char *result;
};

static int
effect_row(void *arg, const struct store_row *row)
{
	struct effect *e = arg;

	e->done = strcmp(store_row_text(row, 0), "done") == 0;
	e->job = (uint64_t)store_row_int(row, 1);
	e->epoch = (uint64_t)store_row_int(row, 2);
	e->result = xstrdup(store_row_text(row, 3));
	return 1;
}

static int
effect_find(struct store *s, const char *key, struct effect *e, struct error *err)
{
	const struct store_value value = store_text(key);

	memset(e, 0, sizeof *e);
	return store_read(s, "select state, job, epoch, result from effect where key = $1", &value,
	    1, effect_row, e, err);
}

int
store_effect_begin(struct store *s, const char *key, uint64_t job, uint64_t epoch, char **result,
    struct error *err)
{
	const struct store_value values[] = { store_text(key), SV_INT(job), SV_INT(epoch),
		SV_INT(clock_wall()) };
	struct effect e;
	int found;

	*result = NULL;
	if (key[0] == '\0' || strlen(key) > DROVER_KEY_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "the key of an effect must have 1 to %d bytes", DROVER_KEY_MAX);
	if ((found = effect_find(s, key, &e, err)) < 0)
		return -1;
	if (found == 0)
		return store_do(s, sql_begin, values, 4, err) != 0 ? -1 : DROVER_EFFECT_NEW;
	if (e.done) {
		*result = e.result;
		return DROVER_EFFECT_DONE;
	}
	free(e.result);
	if (e.job == job && e.epoch > epoch)
		return error_set(err, DROVER_FENCED, "a newer attempt has begun effect %s", key);
	return store_do(s, sql_begin_again, values, 4, err) != 0 ? -1 : DROVER_EFFECT_UNSURE;
}

int
store_effect_done(struct store *s, const char *key, uint64_t job, uint64_t epoch,
    const char *result, struct error *err)
{
	const struct store_value values[] = { store_text(key), store_text(result),
		SV_INT(clock_wall()) };
	struct effect e;
	int found;

	if (result != NULL && strlen(result) > DROVER_VALUE_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "the result of effect %s has %zu bytes; at most %d are allowed", key,
		    strlen(result), DROVER_VALUE_MAX);
	if ((found = effect_find(s, key, &e, err)) < 0)
		return -1;
	free(e.result);
	if (found == 0)
		return error_set(err, DROVER_PERMANENT, "effect %s was never begun", key);
	if (e.job != job || e.epoch > epoch)
		return error_set(err, DROVER_FENCED, "effect %s belongs to another attempt", key);
	if (e.done)
		/*
		 * the answer was lost and the question repeated: the first
		 * result stands
		 */
		return 0;
	return store_do(s, sql_done, values, 3, err);
}

int
store_effect_prune(struct store *s, int64_t before, struct error *err)
{
	const struct store_value value = SV_INT(before);

	return store_run(s, "delete from effect where job = 0 and begun_at < $1", &value, 1, NULL,
	    NULL, err);
}
