/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every job is submitted here, whether a source, a running job or a person asks
 * for it. The queue itself knows nothing of plugins.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "super/fleet.h"
#include "super/submit.h"

/*
 * Checks that what a job names is configured. A kind is accepted if its plugin
 * is configured and, once the plugin runs, has such a pipeline.
 */
static int
job_ask_check(struct supervisor *s, const struct job_ask *ask, struct error *err)
{
	struct runner_handle *r;
	char plugin[DROVER_NAME_MAX + 1];

	if (ask->kind == NULL || !text_is_kind(ask->kind))
		return error_set(err, DROVER_PERMANENT,
		    "the kind of a job must be PLUGIN.PIPELINE, such as inbox.ticket");
	snprintf(plugin, sizeof plugin, "%.*s", (int)strcspn(ask->kind, "."), ask->kind);
	r = fleet_find(s, plugin);
	if (config_plugin(s->core->config, plugin) == NULL ||
	    (r != NULL && r->state == RUNNER_READY && !queue_kind_known(s->core->queue, ask->kind)))
		return error_set(err, DROVER_CONFIG,
		    "no configured plugin has a pipeline %s: see drover plugin list", ask->kind);
	if (ask->repo != NULL && *ask->repo != '\0' &&
	    config_repo(s->core->config, ask->repo) == NULL)
		return error_set(err, DROVER_CONFIG,
		    "repo %.64s is not configured: add it to repos, or see drover repo list",
		    ask->repo);
	if (ask->agent != NULL && *ask->agent != '\0' &&
	    config_agent(s->core->config, ask->agent) == NULL)
		return error_set(err, DROVER_CONFIG,
		    "agent %.64s is not configured: add it to agents, or see drover agent list",
		    ask->agent);
	if (ask->pool != NULL && *ask->pool != '\0' &&
	    config_pool(s->core->config, ask->pool) == NULL)
		return error_set(err, DROVER_CONFIG,
		    "pool %.64s is not configured: add it to pools", ask->pool);
	return 0;
}

int
job_submit(struct supervisor *s, const struct job_ask *ask, uint64_t *id, struct error *err)
{
	char plugin[DROVER_NAME_MAX + 1];
	struct runner_handle *r;
	int fresh;

	if (s->core->mode == CORE_STOPPING)
		return error_set(err, DROVER_AGAIN, "drover is stopping");
	if (job_ask_check(s, ask, err) != 0)
		return -1;
	fresh = queue_submit(s->core->queue, ask, id, err);
	/*
	 * The queue does not know the kind until its plugin has described it,
	 * so tell the queue why its jobs wait.
	 */
	if (fresh == 1 && !queue_kind_known(s->core->queue, ask->kind)) {
		snprintf(plugin, sizeof plugin, "%.*s", (int)strcspn(ask->kind, "."), ask->kind);
		if ((r = fleet_find(s, plugin)) != NULL)
			fleet_tell_traits(r);
	}
	return fresh;
}
