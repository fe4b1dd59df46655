/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A newer revision replaces older ones, because a person who asks again does
 * not want the first answer as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/inside.h"

struct replaced {
	uint64_t *ids;
	size_t len;
};

static int replace_row(void *, const struct store_row *);

/*
 * The first condition on state is that of the partial index, which is used only
 * if the query repeats it.
 */
static const char sql_older[] =
    "select id "
    "from job "
    "where kind = $1 and key >= $2 and key < $3 and id < $4 "
    "and " STORE_JOB_ACTIVE " and state <> 'running' "
    "order by id";

static int
replace_row(void *arg, const struct store_row *row)
{
	struct replaced *r = arg;

	r->ids = xreallocarray(r->ids, r->len + 1, sizeof *r->ids);
	r->ids[r->len++] = (uint64_t)store_row_int(row, 0);
	return 0;
}

int
replace_older(struct queue *q, const struct job *job, struct error *err)
{
	const char *revision = strrchr(job->key, '@');
	char from[DROVER_KEY_MAX + 1], to[DROVER_KEY_MAX + 1], why[64];
	struct replaced r = { NULL, 0 };
	int n, rc = 0;

	if (revision == NULL)
		return 0;
	n = (int)(revision - job->key);
	snprintf(from, sizeof from, "%.*s@", n, job->key);
	snprintf(to, sizeof to, "%.*s%c", n, job->key, '@' + 1);
	if (store_run(q->store, sql_older,
		(struct store_value[]){ store_text(job->kind), store_text(from), store_text(to),
		    SV_INT(job->id) },
		4, replace_row, &r, err) < 0)
		rc = -1;
	snprintf(why, sizeof why, "replaced by job %llu, a newer revision",
	    (unsigned long long)job->id);
	for (size_t i = 0; i < r.len && rc == 0; i++)
		rc = operate_cancel(q, r.ids[i], why, job->source, err);
	free(r.ids);
	return rc;
}
