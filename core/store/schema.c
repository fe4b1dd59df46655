/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables, as a list of migrations, each of which turns a version into the
 * next. A released migration never changes. Words in braces differ between
 * engines (struct store_words). Indexes are partial where a finished job would
 * be dead weight in them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/engine.h"

static int schema_apply(struct store *, const struct store_words *, int, struct error *);
static int schema_row(void *, const struct store_row *);
static int schema_version(void);

/*
 * Conditions are chains of comparisons: for each "in" with more than two values
 * SQLite builds a table, each time that a statement meets it.
 */
#define IS_STATE(column) \
	"(" column " = 'queued' or " column " = 'running' or " column " = 'delayed' or " \
	column " = 'held' or " column " = 'succeeded' or " column " = 'dead' or " \
	column " = 'cancelled')"
#define COUNTER "bigint not null default 0"

/* clang-format off */
static const char *const version_1[] = {
	"create table job ("
	"id {id}, kind text not null, key text not null, serial text, title text, repo text, "
	"agent text, pool text, source text, "
	"trace text not null, priority bigint not null, "
	"state text not null check " IS_STATE("state") ", "
	"epoch " COUNTER ", attempt " COUNTER ", failures " COUNTER ", "
	"agains " COUNTER ", again_since " COUNTER ", quota_pauses " COUNTER ", "
	"interruptions " COUNTER ", crashes " COUNTER ", "
	"queued_at bigint not null, ready_at bigint not null, started_at bigint, ended_at bigint, "
	"settled bigint check (settled in (0, 1)), held_why text, error text, error_class text, "
	"after_job bigint, worker text, token text, "
	"usage_input " COUNTER ", usage_cached " COUNTER ", usage_output " COUNTER ", "
	"usage_turns " COUNTER ", usage_cost " COUNTER ", result text)",
	"create unique index job_active on job (kind, key) "
	"where " STORE_JOB_ACTIVE,
	"create index job_aside on job (state) "
	"where " STORE_JOB_ASIDE,
	"create index job_unsettled on job (source, ended_at) where settled = 0",
	"create index job_trace on job (trace)",

	"create table payload ("
	"job {key} references job (id) on delete cascade, data {blob} not null)",

	"create table event ("
	"id {id}, job bigint not null references job (id) on delete cascade, at bigint not null, "
	"event text not null, "
	"from_state text check " IS_STATE("from_state") ", "
	"to_state text not null check " IS_STATE("to_state") ", "
	"attempt bigint not null, epoch bigint not null, who text, detail text)",
	"create index event_job on event (job)",

	"create table attempt ("
	"job bigint not null references job (id) on delete cascade, "
	"number bigint not null, epoch bigint not null, worker text, agent text, "
	"started_at bigint not null, ended_at bigint, class text, text text, "
	"wall_ms " COUNTER ", cpu_ms " COUNTER ", rss " COUNTER ", "
	"output " COUNTER ", usage_input " COUNTER ", usage_cached " COUNTER ", "
	"usage_output " COUNTER ", usage_turns " COUNTER ", usage_cost " COUNTER ", "
	"primary key (job, number)) {keyed}",

	"create table kv ("
	"scope text not null, key text not null, value text not null, "
	"primary key (scope, key)) {keyed}",

	"create table effect ("
	"key text primary key, job bigint not null, epoch bigint not null, "
	"state text not null check (state in ('begun', 'done')), result text, "
	"begun_at bigint not null, done_at bigint) {keyed}",
	"create index effect_job on effect (job)",

	"create table source_cursor ("
	"source text primary key, value text not null, moved_at bigint not null) {keyed}",

	"create table pause ("
	"what text primary key, until bigint not null, why text, since bigint not null) {keyed}",

	"create table lease ("
	"id {id}, repo text not null, path text not null, mirror text not null, "
	"state text not null "
	"check (state = 'leased' or state = 'warm' or state = 'dirty' or state = 'gone'), "
	"job bigint, epoch bigint, pid bigint, start_time bigint, boot text, beat_at bigint, "
	"expires_at bigint, wip text, created_at bigint not null, used_at bigint)",
	"create index lease_here on lease (repo, state) where state <> 'gone'",
	NULL,
};

/* Adds who asked for a job, refusals, and memory. */
static const char *const version_2[] = {
	"alter table job add column author text",
	"alter table job add column sha256 text",

	"create table refusal ("
	"id {id}, at bigint not null, source text not null, key text not null, "
	"author text, name text, why text not null, sha256 text not null, title text, "
	"unique (source, key))",
	"create index refusal_at on refusal (at)",

	"create table memory ("
	"id {id}, plugin text not null, subject text not null, key text not null, "
	"role text not null, text text not null, bytes bigint not null, at bigint not null, "
	"unique (plugin, subject, key))",
	NULL,
};

/*
 * Adds notices. A notice that was sent is kept as long as its job, so that it
 * is not sent twice.
 */
static const char *const version_3[] = {
	"create table notice ("
	"id {id}, job bigint not null references job (id) on delete cascade, "
	"key text not null unique, "
	"operation text not null, event text not null, request text not null, "
	"state text not null "
	"check (state = 'waiting' or state = 'sent' or state = 'dropped'), "
	"tries " COUNTER ", created_at bigint not null, next_at bigint not null, error text)",
	"create index notice_waiting on notice (next_at) where state = 'waiting'",
	"create index notice_unsent on notice (id) where state <> 'sent'",
	"create index notice_job on notice (job)",
	NULL,
};
/*
 * Makes two indexes anew, for databases in which their conditions were lists.
 */
static const char *const version_4[] = {
	"drop index job_active",
	"create unique index job_active on job (kind, key) where " STORE_JOB_ACTIVE,
	"drop index job_aside",
	"create index job_aside on job (state) where " STORE_JOB_ASIDE,
	NULL,
};
/* clang-format on */

static const char *const *const versions[] = { version_1, version_2, version_3, version_4 };

static int
schema_version(void)
{
	return (int)ARRAY_LEN(versions);
}

static int
schema_row(void *arg, const struct store_row *row)
{
	*(int64_t *)arg = store_row_int(row, 0);
	return 0;
}

int
schema_migrate(struct store *s, const struct store_words *words, struct error *err)
{
	int64_t version = 0;

	if (store_run(s, "create table if not exists schema (version bigint not null)", NULL, 0,
		NULL, NULL, err) < 0 ||
	    store_run(s, "select max(version) from schema", NULL, 0, schema_row, &version, err) < 0)
		return -1;
	if (version > schema_version())
		return error_set(err, DROVER_CONFIG,
		    "it was written by a newer drover (schema %lld; this one knows %d): install "
		    "the newer one",
		    (long long)version, schema_version());
	for (; version < schema_version(); version++) {
		if (schema_apply(s, words, (int)version + 1, err) != 0)
			return error_prefix(err, "migration to schema %d", (int)version + 1);
	}
	return store_commit(s, err);
}

static char *
schema_expand(const char *template, const struct store_words *words)
{
	const struct { const char *name, *word;
	} table[] = {
		{ "{id}", words->id },
		{ "{key}", words->key },
		{ "{blob}", words->blob },
		{ "{keyed}", words->keyed },
	};
	struct buf out = BUF_INIT;

	while (*template != '\0') {
		size_t i, n = strcspn(template, "{");

		buf_add(&out, template, n);
		template += n;
		if (*template == '\0')
			break;
		for (i = 0; i < ARRAY_LEN(table) &&
		     strncmp(template, table[i].name, strlen(table[i].name)) != 0;
		     i++)
			;
		MUST(i < ARRAY_LEN(table));
		buf_adds(&out, table[i].word);
		template += strlen(table[i].name);
	}
	return buf_take(&out);
}

static int
schema_apply(struct store *s, const struct store_words *words, int version, struct error *err)
{
	struct store_value value = SV_INT(version);

	for (const char *const *sql = versions[version - 1]; *sql != NULL; sql++) {
		char *expanded = schema_expand(*sql, words);
		int rc = store_once(s, expanded, err);

		free(expanded);
		if (rc != 0)
			return -1;
	}
	return store_run(s, "insert into schema (version) values ($1)", &value, 1, NULL, NULL,
		   err) < 0 ?
	    -1 :
	    0;
}
