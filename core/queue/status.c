/* SPDX-License-Identifier: Apache-2.0 */
/* The queue in numbers, from memory alone. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "queue/inside.h"

static void status_bucket(cJSON *, const struct bucket *, int64_t);

static void
status_bucket(cJSON *item, const struct bucket *b, int64_t now)
{
	json_add_int(item, "slots", b->slots);
	json_add_int(item, "used", b->running);
	json_add_int(item, "waiting", b->waiting);
	json_add_int(item, "delayed", b->delayed);
	json_add_bool(item, "paused", bucket_paused(b, now));
}

static void
status_kind(cJSON *item, const struct bucket *b)
{
	const struct kind_traits *t = b->traits;

	json_add_bool(item, "known", t != NULL);
	json_add_bool(item, "ready", t != NULL && t->ready);
	if (t == NULL) {
		json_add_str(item, "why_not", "no plugin that runs offers it");
		return;
	}
	json_add_str(item, "why_not", t->ready || t->why_not == NULL ? "" : t->why_not);
	json_add_str(item, "pool", t->pool != NULL ? t->pool : QUEUE_POOL);
	json_add_str(item, "agent", t->agent != NULL ? t->agent : "");
	json_add_int(item, "retries", t->retries);
	json_add_int(item, "timeout_ms", t->timeout_ms);
}

cJSON *
queue_status(const struct queue *q)
{
	static const struct { const char *type, *list;
	} lists[] = {
		{ "pool/", "pools" },
		{ "kind/", "kinds" },
		{ "repo/", "repos" },
		{ "agent/", "agents" },
	};
	cJSON *out = cJSON_CreateObject(), *states = cJSON_AddObjectToObject(out, "states"), *item;
	int64_t now = clock_wall();

	OBJ_CHECK(q, QUEUE_MAGIC);
	for (int i = 0; i < JOB_STATES_LEN; i++)
		json_add_int(states, state_name((enum job_state)i), q->counts[i]);
	status_bucket(cJSON_AddObjectToObject(out, "total"), q->all, now);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		cJSON *list = cJSON_AddArrayToObject(out, lists[i].list);

		for (const struct bucket *b = q->buckets; b != NULL; b = b->hh.next) {
			if (strncmp(b->path, lists[i].type, strlen(lists[i].type)) != 0)
				continue;
			item = cJSON_CreateObject();
			json_add_str(item, "name", b->name);
			status_bucket(item, b, now);
			if (strcmp(lists[i].list, "pools") == 0)
				json_add_int(item, "memory", b->memory);
			if (strcmp(lists[i].list, "kinds") == 0)
				status_kind(item, b);
			cJSON_AddItemToArray(list, item);
		}
	}
	return out;
}
