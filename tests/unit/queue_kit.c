/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the queue share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

#include "queue_kit.h"
#include "temp.h"

struct kit kit;

static int64_t now;

void
kit_kinds(void)
{
	struct kind_traits traits = { .pool = "light",
		.retries = 2,
		.timeout_ms = 60000,
		.ready = true };

	queue_kind_set(kit.q, "a.b", &traits);
	queue_kind_set(kit.q, "a.c", &traits);
	traits.pool = "heavy";
	queue_kind_set(kit.q, "a.heavy", &traits);
}

void
kit_setup(void)
{
	memset(&kit, 0, sizeof kit);
	now = KIT_NOW;
	clock_fake(now, 0);
	kit.dir = temp_make();
	kit.pools[0] = (struct config_pool){ .name = (char *)(uintptr_t)"light", .slots = 2 };
	kit.pools[1] = (struct config_pool){ .name = (char *)(uintptr_t) "heavy",
		.slots = 1,
		.memory = 2 * GIB };
	kit.repos[0] = (struct config_repo){ .name = (char *)(uintptr_t)"web", .slots = 2 };
	kit.config = (struct config){ .running = 3,
		.pools = kit.pools,
		.pools_len = 2,
		.repos = kit.repos,
		.repos_len = 1,
		.memory_floor = GIB,
		.disk_floor = GIB };
	kit.view = (struct queue_view){ .memory_available = 64 * GIB, .disk_free = 64 * GIB };
	ck_assert_msg(store_open(kit.dir, &kit.store, &kit.err) == 0, "%s", kit.err.text);
	kit.q = queue_new(kit.store);
	kit.q->random = 1;
	queue_configure(kit.q, &kit.config);
	kit_kinds();
	ck_assert_msg(queue_load(kit.q, &kit.err) == 0, "%s", kit.err.text);
}

void
kit_teardown(void)
{
	queue_free(kit.q);
	store_close(kit.store);
	temp_remove(kit.dir);
	clock_fake(-1, -1);
}

void
kit_restart(void)
{
	queue_free(kit.q);
	store_close(kit.store);
	ck_assert_msg(store_open(kit.dir, &kit.store, &kit.err) == 0, "%s", kit.err.text);
	kit.q = queue_new(kit.store);
	queue_configure(kit.q, &kit.config);
	ck_assert_msg(queue_load(kit.q, &kit.err) == 0, "%s", kit.err.text);
	kit_kinds();
}

void
kit_commit(void)
{
	ck_assert_msg(store_commit(kit.store, &kit.err) == 0, "%s", kit.err.text);
}

void
kit_pass(int64_t ms)
{
	now += ms;
	clock_fake(now, now - KIT_NOW);
}

uint64_t
kit_submit_ask(const struct job_ask *ask)
{
	uint64_t id = 0;

	ck_assert_msg(queue_submit(kit.q, ask, &id, &kit.err) == 1, "%s", kit.err.text);
	return id;
}

uint64_t
kit_submit(const char *kind, const char *key)
{
	return kit_submit_ask(&(struct job_ask){ .kind = kind, .key = key });
}

static const char *
kit_place(void *arg, const char *kind)
{
	return kit.refused != NULL && strcmp(kind, kit.refused) == 0 ? NULL : "w1";
}

struct job *
kit_claim(void)
{
	struct job *j = queue_claim(kit.q, kit_place, NULL, &kit.view, &kit.err);

	ck_assert_msg(j != NULL || kit.err.code == 0, "%s", kit.err.text);
	return j;
}

struct job *
kit_claim_id(uint64_t id)
{
	struct job *j = kit_claim();

	ck_assert_msg(j != NULL && j->id == id, "claimed job %d, not %d",
	    j != NULL ? (int)j->id : 0, (int)id);
	return j;
}

void
kit_finish_after(struct job *j, int code, int64_t retry_after_ms)
{
	const struct job_outcome outcome = { .error = { code, 0, retry_after_ms, "because" },
		.wall_ms = 5 };

	ck_assert_msg(queue_finish(kit.q, j->id, j->epoch, &outcome, &kit.err) == 0, "%s",
	    kit.err.text);
}

void
kit_finish(struct job *j, int code)
{
	kit_finish_after(j, code, 0);
}

static int
state_row(void *arg, const struct store_row *row)
{
	*(int *)arg = state_parse(store_row_text(row, 0));
	return 1;
}

/* The state in the database. If the job is in memory, both must agree. */
enum job_state
kit_state(uint64_t id)
{
	const struct store_value value = SV_INT(id);
	const struct entry *e = entry_find(kit.q, id);
	int state = -1;

	ck_assert_int_eq(store_read(kit.store, "select state from job where id = $1", &value, 1,
			     state_row, &state, &kit.err),
	    1);
	ck_assert_int_ge(state, 0);
	ck_assert_int_eq(e != NULL, !state_is_final((enum job_state)state));
	if (e != NULL)
		ck_assert_int_eq(e->job.state, state);
	return (enum job_state)state;
}

const char *
kit_gate(uint64_t id, const char **reason)
{
	static char gate[64], text[1024];
	cJSON *why = queue_why(kit.q, id, &kit.view, &kit.err);
	const cJSON *item;

	ck_assert_ptr_nonnull(why);
	gate[0] = text[0] = '\0';
	cJSON_ArrayForEach(item, json_get(why, "gates")) {
		if (json_bool(item, "open", true))
			continue;
		snprintf(gate, sizeof gate, "%s", json_str(item, "gate", ""));
		ck_assert_str_eq(json_str(why, "reason", ""), json_str(item, "reason", "-"));
		break;
	}
	snprintf(text, sizeof text, "%s", json_str(why, "reason", ""));
	cJSON_Delete(why);
	if (reason != NULL)
		*reason = text;
	return gate;
}

static int
number_row(void *arg, const struct store_row *row)
{
	*(int64_t *)arg = store_row_int(row, 0);
	return 1;
}

int64_t
kit_number(const char *sql)
{
	int64_t n = -1;

	ck_assert_msg(store_read(kit.store, sql, NULL, 0, number_row, &n, &kit.err) >= 0, "%s",
	    kit.err.text);
	return n;
}

int
kit_drain(void)
{
	struct job *j;
	int n = 0;

	for (; (j = kit_claim()) != NULL; n++)
		kit_finish(j, DROVER_OK);
	return n;
}
