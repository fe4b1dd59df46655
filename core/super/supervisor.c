/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runners, slots and connections together: their beginning, their ticks, a new
 * configuration, and the end.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "super/limits.h"
#include "super/supervisor.h"

#define SUPERVISOR_MAGIC 0x5afe51d0u
#define STOP_MS 5000 /* for a runner to close its plugin */

static void
runner_add(struct supervisor *s, const char *plugin)
{
	struct runner_handle *r = xcalloc(1, sizeof *r);

	r->supervisor = s;
	r->plugin = xstrdup(plugin);
	r->generation = s->generation;
	r->state = RUNNER_DOWN;
	r->due = r->since = clock_mono();
	TAILQ_INSERT_TAIL(&s->runners, r, link);
	runner_traits(r);
}

static void
runner_free(struct runner_handle *r)
{
	TAILQ_REMOVE(&r->supervisor->runners, r, link);
	channel_free(r->channel);
	sources_forget(r);
	if (r->threaded)
		pthread_join(r->thread, NULL);
	probe_forget(r);
	cJSON_Delete(r->exports);
	free(r->plugin);
	free(r);
}

static void
runner_stop(struct runner_handle *r)
{
	struct message_out out;

	if (r->channel != NULL) {
		message_begin(&out, MESSAGE_RUNNER_STOP, 0);
		channel_send(r->channel, &out);
	}
	sources_forget(r);
	r->state = r->channel != NULL || r->pid > 0 || r->threaded ? RUNNER_STOPPING : RUNNER_DOWN;
	r->due = clock_mono() + STOP_MS;
}

int
supervisor_open(struct daemon *d, struct supervisor **out, struct error *err)
{
	struct supervisor *s;

	OBJ_NEW(s, SUPERVISOR_MAGIC);
	s->daemon = d;
	s->log.part = "core";
	s->listen_fd = -1;
	s->socket = path_join(d->config->state_dir, "core.sock");
	TAILQ_INIT(&s->runners);
	TAILQ_INIT(&s->peers);
	TAILQ_INIT(&s->calls);
	TAILQ_INIT(&s->hooks);
	TAILQ_INIT(&s->checks);
	services_open(s);
	d->supervisor = s;
	*out = s;
	if (peers_open(s, err) != 0)
		return -1;
	slots_restore(s);
	tidy_scratch(s);
	queue_on_prune(d->queue, tidy_pruned, s);
	supervisor_configure(s);
	return 0;
}

void
supervisor_configure(struct supervisor *s)
{
	const struct config *config = s->daemon->config;
	struct runner_handle *r, *next;
	char why[DROVER_NAME_MAX + 64];
	int i;

	s->generation = (uint64_t)clock_wall();
	slots_resize(s);
	for (r = TAILQ_FIRST(&s->runners); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (config_plugin(config, r->plugin) == NULL) {
			snprintf(why, sizeof why, "plugin %s is not in the configuration any more",
			    r->plugin);
			queue_plugin_down(s->daemon->queue, r->plugin, why);
		}
		if (r->state != RUNNER_STOPPING)
			runner_stop(r);
		if (r->state == RUNNER_DOWN && r->pid == 0 && !r->threaded)
			runner_free(r);
	}
	for (i = 0; i < config->plugins_len; i++)
		runner_add(s, config->plugins[i].name);
}

int64_t
supervisor_tick(struct supervisor *s)
{
	struct runner_handle *r, *next;
	int64_t now = clock_mono(), wait = -1;

	for (r = TAILQ_FIRST(&s->runners); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->state == RUNNER_DOWN && r->due == 0 && r->pid == 0) {
			runner_free(r);
			continue;
		}
		wait = wait_min(wait, runner_tick(r, now));
	}
	wait = wait_min(wait, slots_tick(s, now));
	wait = wait_min(wait, calls_tick(s, now));
	wait = wait_min(wait, checks_tick(s, now));
	return wait_min(wait, tidy_tick(s, now));
}

void
supervisor_stop(struct supervisor *s)
{
	struct runner_handle *r;
	struct message_out out;
	int i;

	TAILQ_FOREACH(r, &s->runners, link)
		if (r->state != RUNNER_STOPPING) {
			runner_stop(r);
			if (r->state == RUNNER_DOWN)
				r->due = 0;
		}
	for (i = 0; i < s->slots_len; i++) {
		if (s->slots[i]->state != SLOT_IDLE || s->slots[i]->peer == NULL)
			continue;
		message_begin(&out, MESSAGE_WORKER_LEAVE, 0);
		channel_send(s->slots[i]->peer->channel, &out);
	}
	tidy_close(s);
}

bool
supervisor_stopped(const struct supervisor *s)
{
	const struct runner_handle *r;

	TAILQ_FOREACH(r, &s->runners, link)
		if (r->pid != 0 || r->channel != NULL)
			return false;
	return true;
}

void
supervisor_close(struct supervisor *s)
{
	struct runner_handle *r;
	int i;

	if (s == NULL)
		return;
	OBJ_CHECK(s, SUPERVISOR_MAGIC);
	tidy_close(s);
	checks_close(s);
	peers_close(s);
	while ((r = TAILQ_FIRST(&s->runners)) != NULL) {
		if (r->pid > 0)
			kill(r->pid, SIGKILL);
		runner_free(r);
	}
	for (i = 0; i < s->slots_len; i++) {
		free(s->slots[i]->plugin);
		free(s->slots[i]);
	}
	free(s->slots);
	hooks_close(s);
	limits_free(s->limits);
	unlink(s->socket);
	free(s->socket);
	OBJ_FREE(s);
}
