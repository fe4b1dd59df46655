/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings: what an operator should know although drover runs on. These are
 * plugins that are parked or refused, failed probes, listeners that are down,
 * and operations that the configuration names and no plugin has. `drover
 * status` shows the list; a plugin's own part of it is logged when its runner
 * becomes ready.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "super/calls.h"
#include "super/probes.h"
#include "super/sources.h"
#include "super/warnings.h"

static void warnings_add(cJSON *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void warnings_of_runner(cJSON *, const struct runner_handle *);
static void warnings_of_notify(cJSON *, struct supervisor *, int place,
    const struct config_notify *);
static void warnings_of_repo(cJSON *, struct supervisor *, const struct config_repo *);

static void
warnings_add(cJSON *list, const char *format, ...)
{
	char line[2 * DROVER_ERROR_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	cJSON_AddItemToArray(list, cJSON_CreateString(line));
}

static void
warnings_of_runner(cJSON *list, const struct runner_handle *r)
{
	struct buf missing = BUF_INIT;

	if (r->state == RUNNER_PARKED || r->state == RUNNER_REFUSED)
		warnings_add(list, "plugin %s is %s: %s", r->plugin, fleet_state_name(r->state),
		    r->why);
	if (r->probe.reply != NULL && !json_bool(r->probe.reply, "ok", false)) {
		probe_missing(r, &missing);
		warnings_add(list, "plugin %s: %s", r->plugin, buf_str(&missing));
		buf_free(&missing);
	}
	for (int i = 0; i < r->sources_len; i++)
		if (r->sources[i].listener.call == 0 && r->sources[i].listener.failed)
			warnings_add(list, "listener of %s is %s: %s", r->sources[i].name,
			    r->sources[i].listener.parked ? "parked" : "down",
			    r->sources[i].listener.why);
}

/*
 * The operations of a plugin are checked only while it runs, because only then
 * they are known.
 */
static void
warnings_of_notify(cJSON *list, struct supervisor *s, int place, const struct config_notify *notify)
{
	char plugin[DROVER_NAME_MAX + 1];
	struct runner_handle *r;

	snprintf(plugin, sizeof plugin, "%.*s", (int)strcspn(notify->operation, "."),
	    notify->operation);
	if (config_plugin(s->core->config, plugin) == NULL) {
		warnings_add(list, "notify.%d: no plugin %s is configured for %s", place, plugin,
		    notify->operation);
		return;
	}
	if ((r = fleet_find(s, plugin)) == NULL || r->state != RUNNER_READY)
		return;
	if (call_operation(r, notify->operation + strlen(plugin) + 1) == NULL)
		warnings_add(list, "notify.%d: plugin %s has no operation %s", place, plugin,
		    notify->operation);
}

static void
warnings_of_repo(cJSON *list, struct supervisor *s, const struct config_repo *repo)
{
	const struct runner_handle *r =
	    repo->token_from != NULL ? fleet_find(s, repo->token_from) : NULL;

	if (r != NULL && r->state == RUNNER_READY && !calls_offers_git_token(r))
		warnings_add(list,
		    "repos.%s: token_from: plugin %s has no operation git-token: take one that "
		    "has, or give the repo a token of its own",
		    repo->name, repo->token_from);
}

cJSON *
warnings_list(struct supervisor *s)
{
	const struct config *config = s->core->config;
	cJSON *list = cJSON_CreateArray();
	struct runner_handle *r;

	TAILQ_FOREACH(r, &s->runners, link)
		if (r->state != RUNNER_STOPPING)
			warnings_of_runner(list, r);
	for (int i = 0; i < config->notify_len; i++)
		warnings_of_notify(list, s, i, &config->notify[i]);
	for (int i = 0; i < config->repos_len; i++)
		warnings_of_repo(list, s, &config->repos[i]);
	return list;
}

void
warnings_ready(struct runner_handle *r)
{
	struct core *core = r->supervisor->core;
	cJSON *list = cJSON_CreateArray();
	const cJSON *one;

	for (int i = 0; i < core->config->notify_len; i++)
		if (strncmp(core->config->notify[i].operation, r->plugin, strlen(r->plugin)) == 0 &&
		    core->config->notify[i].operation[strlen(r->plugin)] == '.')
			warnings_of_notify(list, r->supervisor, i, &core->config->notify[i]);
	for (int i = 0; i < core->config->repos_len; i++)
		if (core->config->repos[i].token_from != NULL &&
		    strcmp(core->config->repos[i].token_from, r->plugin) == 0)
			warnings_of_repo(list, r->supervisor, &core->config->repos[i]);
	cJSON_ArrayForEach(one, list)
		log_printf(&r->supervisor->log, DROVER_WARN, "%s", one->valuestring);
	cJSON_Delete(list);
}
