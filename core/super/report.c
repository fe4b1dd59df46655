/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the lists of plugins, sources, workers and requests that the API shows.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/retry.h"
#include "base/mem.h"
#include "super/limits.h"
#include "super/report.h"
#include "super/slots.h"
#include "super/sources.h"

/* Converts a monotonic time to wall time; 0 stays 0. */
static int64_t
wall_of(int64_t mono)
{
	return mono == 0 ? 0 : clock_wall() + mono - clock_mono();
}

static void
add_exports(cJSON *o, const cJSON *exports)
{
	static const char *const keys[] = { "version", "summary", "abi", "path", "hook", "options",
		"sources", "pipelines", "operations" };
	const cJSON *value;
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++)
		if ((value = json_get(exports, keys[i])) != NULL)
			cJSON_AddItemToObject(o, keys[i], cJSON_Duplicate(value, true));
}

cJSON *
report_plugins(struct supervisor *s)
{
	struct runner_handle *r;
	cJSON *list = cJSON_CreateArray(), *o;

	TAILQ_FOREACH(r, &s->runners, link) {
		if (r->state == RUNNER_STOPPING)
			continue;
		o = cJSON_CreateObject();
		json_add_str(o, "name", r->plugin);
		json_add_str(o, "state", fleet_state_name(r->state));
		json_add_str(o, "why", r->why);
		json_add_int(o, "pid", r->pid);
		json_add_int(o, "starts", (int64_t)r->starts);
		json_add_int(o, "failures",
		    r->defects.count < RETRY_DEFECTS ? r->defects.count : RETRY_DEFECTS);
		json_add_int(o, "since", wall_of(r->since));
		if (r->probe.reply != NULL) {
			cJSON *probe = cJSON_Duplicate(r->probe.reply, true);

			json_add_int(probe, "at", r->probe.at);
			cJSON_AddItemToObject(o, "probe", probe);
		}
		if (r->exports != NULL)
			add_exports(o, r->exports);
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

/* Adds the state of a source's listener, if it has one. */
static void
add_listener(cJSON *o, const struct listener *l)
{
	cJSON *listen;

	if (!l->wanted)
		return;
	listen = cJSON_AddObjectToObject(o, "listen");
	json_add_str(listen, "state",
	    l->call != 0  ? "up" :
		l->parked ? "parked" :
		l->failed ? "failing" :
			    "waiting");
	json_add_int(listen, "since", wall_of(l->since));
	json_add_int(listen, "next", l->call == 0 ? wall_of(l->due) : 0);
	json_add_str(listen, "why", l->call != 0 ? "" : l->why);
}

cJSON *
report_sources(struct supervisor *s)
{
	struct runner_handle *r;
	struct source *source;
	cJSON *list = cJSON_CreateArray(), *o;
	int i;

	TAILQ_FOREACH(r, &s->runners, link)
		for (i = 0; i < r->sources_len; i++) {
			source = &r->sources[i];
			o = cJSON_CreateObject();
			json_add_str(o, "name", source->name);
			json_add_str(o, "state",
			    source->poll_began != 0  ? "polling" :
				source->failures > 0 ? "failing" :
						       "waiting");
			json_add_int(o, "interval_ms", source->interval_ms);
			json_add_int(o, "last_poll", source->polled_at);
			json_add_int(o, "next_poll",
			    source->poll_began != 0 ? 0 : wall_of(source->next_poll));
			json_add_int(o, "items", (int64_t)source->items_taken);
			json_add_int(o, "refused", (int64_t)source->refused);
			json_add_int(o, "failures", source->failures);
			json_add_str(o, "error", source->error);
			add_listener(o, &source->listener);
			cJSON_AddItemToArray(list, o);
		}
	return list;
}

cJSON *
report_workers(struct supervisor *s)
{
	cJSON *list = cJSON_CreateArray(), *o;
	struct slot *slot;
	int i;

	for (i = 0; i < s->slots_len; i++) {
		slot = s->slots[i];
		o = cJSON_CreateObject();
		json_add_str(o, "name", slot->name);
		json_add_str(o, "state", slot_state_name(slot->state));
		json_add_str(o, "plugin", slot->plugin);
		json_add_int(o, "pid", slot->id.pid);
		json_add_int(o, "job", (int64_t)slot->job);
		json_add_int(o, "since", wall_of(slot->since));
		json_add_int(o, "cpu_ms", slot->cpu_ms);
		json_add_int(o, "rss", slot->rss);
		json_add_int(o, "output", slot->output);
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

void
report_http(const struct supervisor *s, cJSON *status, cJSON *warnings)
{
	int64_t now = clock_mono();

	cJSON_AddItemToObject(status, "http", limits_status(s->limits, now, clock_wall()));
	limits_warnings(s->limits, now, warnings);
}
