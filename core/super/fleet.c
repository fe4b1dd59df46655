/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runner handles: finds them by name, describes their kinds to the queue and
 * condemns them. supervisor.c starts and ends the runners.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/retry.h"
#include "base/text.h"
#include "super/fleet.h"

#define RUNNER_FORK_MS     1000 /* the wait after a failed fork; doubles up to RUNNER_FORK_MAX_MS */
#define RUNNER_FORK_MAX_MS 60000

const char *
fleet_state_name(enum runner_state state)
{
	static const char *const names[] = { "down", "starting", "ready", "backoff", "parked",
		"refused", "stopping" };

	return names[state];
}

struct runner_handle *
fleet_find(struct supervisor *s, const char *plugin)
{
	struct runner_handle *r;

	TAILQ_FOREACH(r, &s->runners, link)
		if (r->state != RUNNER_STOPPING && strcmp(r->plugin, plugin) == 0)
			return r;
	return NULL;
}

void
fleet_log(const struct runner_handle *r, enum drover_level level, const char *text)
{
	struct log_scope scope = r->supervisor->log;

	scope.plugin = r->plugin;
	log_printf(&scope, level, "%s", text);
}

void
fleet_enter(struct runner_handle *r, enum runner_state state, int64_t due)
{
	r->state = state;
	r->since = clock_mono();
	r->due = due;
	fleet_tell_traits(r);
}

/*
 * Tells the queue the traits of a kind: those that are configured, else the
 * pipeline's own defaults.
 */
static void
fleet_kind(struct runner_handle *r, const cJSON *pipeline)
{
	struct core *core = r->supervisor->core;
	const struct config_pipeline *set;
	struct kind_traits t = { 0 };
	char kind[2 * DROVER_NAME_MAX + 2], why[DROVER_ERROR_MAX + 128];

	snprintf(kind, sizeof kind, "%s.%s", r->plugin, json_str(pipeline, "name", ""));
	set = config_pipeline(core->config, kind);
	t.pool = set != NULL && set->pool != NULL ? set->pool : json_str(pipeline, "pool", "light");
	if (config_pool(core->config, t.pool) == NULL)
		t.pool = core->config->pools_len > 0 ? core->config->pools[0].name : "light";
	t.retries =
	    set != NULL && set->retries >= 0 ? set->retries : (int)json_int(pipeline, "retries", 0);
	t.slots = set != NULL && set->slots > 0 ? set->slots : 0;
	t.timeout_ms = set != NULL && set->timeout_ms >= 0 ? set->timeout_ms :
							     json_int(pipeline, "timeout_ms", 0);
	t.silence_ms = set != NULL && set->silence_ms >= 0 ? set->silence_ms :
							     json_int(pipeline, "silence_ms", 0);
	t.agent = set != NULL ? set->agent : NULL;
	t.yield_to = set != NULL ? set->yield_to : NULL;
	t.yield_max_ms = set != NULL ? set->yield_max_ms : 0;
	t.ready = r->fork_at == 0;
	snprintf(why, sizeof why, "plugin %s cannot start a worker: %s", r->plugin, r->fork_why);
	t.why_not = t.ready ? NULL : why;
	queue_kind_set(core->queue, kind, &t);
}

void
fleet_tell_traits(struct runner_handle *r)
{
	const cJSON *pipeline;
	char why[DROVER_ERROR_MAX + 128];

	if (r->state == RUNNER_STOPPING)
		return;
	if (r->state != RUNNER_READY) {
		snprintf(why, sizeof why, "plugin %s is %s%s%s", r->plugin,
		    fleet_state_name(r->state), r->why[0] != '\0' ? ": " : "", r->why);
		queue_plugin_down(r->supervisor->core->queue, r->plugin, why);
		return;
	}
	cJSON_ArrayForEach(pipeline, json_get(r->exports, "pipelines"))
		fleet_kind(r, pipeline);
}

/* Whatever keeps a runner from forking lasts a while, so its jobs wait. */
void
fleet_fork_failed(struct runner_handle *r, const char *why)
{
	if (r->fork_at != 0)
		return;
	r->fork_backoff_ms = retry_next(r->fork_backoff_ms, RUNNER_FORK_MS, RUNNER_FORK_MAX_MS);
	r->fork_at = clock_mono() + r->fork_backoff_ms;
	text_copy(r->fork_why, sizeof r->fork_why, why);
	fleet_tell_traits(r);
}

void
fleet_condemn(struct runner_handle *r, const char *why)
{
	text_copy(r->condemned, sizeof r->condemned, why);
}
