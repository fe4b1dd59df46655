/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of runners, and the supervisor as a whole: opening, ticks, a new
 * configuration, closing.
 *
 * A runner is started, answers RUNNER_READY with a description of its plugin,
 * or RUNNER_REFUSED, and from then on its messages go to sources.c, slots.c and
 * services.c. When it ends it is started again with backoff, or parked if it
 * has ended RETRY_DEFECTS times within RUNNER_HEALTHY_MS. A new configuration
 * never changes a runner: the runner gets a successor, and ends once its plugin
 * is closed.
 */
#include <sys/wait.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/retry.h"
#include "base/spawn.h"
#include "base/text.h"
#include "base/units.h"
#include "run/runner.h"
#include "super/calls.h"
#include "super/chores.h"
#include "super/hooks.h"
#include "super/peers.h"
#include "super/probes.h"
#include "super/secret_check.h"
#include "super/services.h"
#include "super/slots.h"
#include "super/sources.h"
#include "super/spread.h"
#include "super/supervisor.h"
#include "super/warnings.h"
#include "wire/known.h"

#define SUPERVISOR_MAGIC      0x5afe51d0u
#define RUNNER_START_MS       30000 /* limit for RUNNER_READY or RUNNER_REFUSED to come */
#define RUNNER_BACKOFF_MS     1000  /* doubles up to RUNNER_BACKOFF_MAX_MS */
#define RUNNER_BACKOFF_MAX_MS 300000
#define STOP_MS               5000  /* time for a runner to close its plugin */

static void supervisor_runner_message(void *, struct message *);
static void supervisor_runner_closed(void *, const char *);
static void supervisor_fail_runner(struct runner_handle *, const char *);
static void supervisor_kill_runner(struct runner_handle *, const char *why);

static const struct channel_calls runner_calls = { supervisor_runner_message,
	supervisor_runner_closed };

static void *
supervisor_runner_thread(void *arg)
{
	int fd = (int)(intptr_t)arg;

	runner_main(fd, true);
	return NULL;
}

static int
supervisor_spawn_runner(struct runner_handle *r, int fd, struct error *err)
{
	struct core *core = r->supervisor->core;
	const char *const argv[] = { "droverd", "-x", "runner", r->plugin, NULL };
	struct spawn child = { .file = core->self,
		.argv = argv,
		.fd = { SPAWN_KEEP, SPAWN_KEEP, SPAWN_KEEP, fd },
		.group = true };
	int rc;

	if (core->in_process) {
		rc = pthread_create(&r->thread, NULL, supervisor_runner_thread,
		    (void *)(intptr_t)fd);
		if (rc != 0)
			return error_set(err, DROVER_AGAIN,
			    "cannot start a thread for plugin %s: %s", r->plugin, strerror(rc));
		r->threaded = true;
		return 0;
	}
	if (spawn_start(&child, &r->pid) == -1)
		return error_errno(err, DROVER_AGAIN, "cannot start a runner for plugin %s",
		    r->plugin);
	return 0;
}

static void
supervisor_start_runner(struct runner_handle *r)
{
	struct supervisor *s = r->supervisor;
	struct message_out out;
	struct error err = { 0 };
	cJSON *settings;
	char *text;
	int fds[2];

	if (message_pair(fds, &err) != 0) {
		supervisor_fail_runner(r, err.text);
		return;
	}
	if (supervisor_spawn_runner(r, fds[1], &err) != 0) {
		close(fds[0]);
		close(fds[1]);
		supervisor_fail_runner(r, err.text);
		return;
	}
	if (!r->threaded)
		close(fds[1]);
	r->starts++;
	r->serial = ++s->last_id;
	r->why[0] = '\0';
	r->fork_at = r->fork_backoff_ms = 0;
	r->channel = channel_new(s->core->base, fds[0], &runner_calls, r);
	settings = cJSON_CreateObject();
	cJSON_AddItemToObject(settings, "config", config_to_json(s->core->config));
	json_add_str(settings, "plugin", r->plugin);
	json_add_int(settings, "generation", (int64_t)r->generation);
	json_add_str(settings, "core_socket", s->socket);
	text = json_print(settings);
	cJSON_Delete(settings);
	message_begin(&out, MESSAGE_RUNNER_START, 0);
	message_put_s(&out, text);
	free(text);
	if (out.bytes.len > MESSAGE_MAX) {
		message_out_free(&out);
		supervisor_kill_runner(r,
		    "the configuration is larger than the 1 MiB that a runner takes");
		return;
	}
	fleet_enter(r, RUNNER_STARTING, clock_mono() + RUNNER_START_MS);
	channel_send(r->channel, &out);
	r->told = 0;
}

/* Kills the runner's process and frees what depends on it. */
static void
supervisor_drop_runner(struct runner_handle *r)
{
	channel_free(r->channel);
	r->channel = NULL;
	sources_forget(r);
	if (r->threaded) {
		pthread_join(r->thread, NULL);
		r->threaded = false;
	}
	if (r->pid > 0) {
		kill(-r->pid, SIGKILL);
		kill(r->pid, SIGKILL);
	}
}

static void
supervisor_fail_runner(struct runner_handle *r, const char *why)
{
	int64_t now = clock_mono();
	char text[DROVER_ERROR_MAX + 128], wait[32];

	text_copy(r->why, sizeof r->why, why);
	if (retry_defect(&r->defects, now, RUNNER_HEALTHY_MS)) {
		fleet_enter(r, RUNNER_PARKED, 0);
		snprintf(text, sizeof text, "parked after %d failures in 10 minutes: %s",
		    RETRY_DEFECTS, why);
		fleet_log(r, DROVER_ERR, text);
		return;
	}
	if (r->state == RUNNER_READY && now - r->since >= RUNNER_HEALTHY_MS)
		r->backoff_ms = 0;
	r->backoff_ms = retry_next(r->backoff_ms, RUNNER_BACKOFF_MS, RUNNER_BACKOFF_MAX_MS);
	fleet_enter(r, RUNNER_BACKOFF, now + r->backoff_ms);
	snprintf(text, sizeof text, "%s; starting again in %s", why,
	    units_format_duration(r->backoff_ms, wait, sizeof wait));
	fleet_log(r, DROVER_ERR, text);
}

static void
supervisor_runner_lost(struct runner_handle *r, const char *why)
{
	supervisor_drop_runner(r);
	if (r->state == RUNNER_STOPPING) {
		/* The successor describes the kinds to the queue. */
		r->state = RUNNER_DOWN;
		r->due = 0;
	} else if (r->state != RUNNER_REFUSED)
		supervisor_fail_runner(r, why);
	calls_runner_lost(r, why);
	slots_runner_lost(r, why);
}

static void
supervisor_kill_runner(struct runner_handle *r, const char *why)
{
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
	text_copy(r->why, sizeof r->why, why);
	fleet_log(r, DROVER_ERR, why);
	if (r->pid == 0)
		supervisor_runner_lost(r, why);
}

static void
supervisor_runner_closed(void *arg, const char *why)
{
	struct runner_handle *r = arg;

	/*
	 * A process that has closed its socket is usually about to be reaped,
	 * and its exit status will say more.
	 */
	channel_free(r->channel);
	r->channel = NULL;
	if (*why != '\0')
		fleet_log(r, DROVER_WARN, why);
	if (r->pid > 0) {
		r->due = clock_mono() + 2000;
		return;
	}
	supervisor_runner_lost(r, *why != '\0' ? why : "its runner has ended");
}

/*
 * Writes what the runner was doing, as the end of a message that says why it
 * ended.
 */
static void
supervisor_runner_doing(const struct runner_handle *r, char *out, size_t size)
{
	int i;

	*out = '\0';
	if (r->state == RUNNER_STARTING)
		text_copy(out, size, " while the plugin was opened");
	for (i = 0; i < r->sources_len; i++)
		if (r->sources[i].poll_began != 0)
			snprintf(out, size, " in the poll of %s", r->sources[i].name);
		else if (r->sources[i].settling != 0)
			snprintf(out, size, " while %s was told how job %" PRIu64 " ended",
			    r->sources[i].name, r->sources[i].settling);
}

static void
supervisor_runner_ready(struct runner_handle *r, struct message *m)
{
	struct error err = { 0 };
	const char *text = message_s(m, "exports");
	cJSON *exports = json_parse(text, strlen(text), MESSAGE_MAX, &err);

	if (exports == NULL) {
		supervisor_kill_runner(r, err.text);
		return;
	}
	cJSON_Delete(r->exports);
	r->exports = exports;
	r->why[0] = '\0';
	fleet_enter(r, RUNNER_READY, 0);
	queue_plugin_down(r->supervisor->core->queue, r->plugin, NULL);
	sources_ready(r);
	fleet_log(r, DROVER_INFO, "plugin is ready");
	warnings_ready(r);
	probe_forget(r);
	probe_start(r);
}

static void
supervisor_runner_refused(struct runner_handle *r, struct message *m)
{
	int code = (int)message_i(m, "class");

	text_copy(r->why, sizeof r->why, message_s(m, "text"));
	if (code == DROVER_AGAIN || code == DROVER_QUOTA || code == DROVER_INTERNAL)
		return; /* the process ends by itself, and that is counted */
	fleet_log(r, DROVER_ERR, r->why);
	fleet_enter(r, RUNNER_REFUSED, 0);
}

static void
supervisor_runner_message(void *arg, struct message *m)
{
	struct runner_handle *r = arg;

	/* What a plugin exports are names, which nothing may change. */
	if (m->type != MESSAGE_RUNNER_READY && m->type != MESSAGE_SECRETS)
		message_hide(m);
	switch (m->type) {
	case MESSAGE_SECRETS:
		known_take(m);
		break;
	case MESSAGE_RUNNER_READY:
	case MESSAGE_RUNNER_REFUSED:
		/* A runner may be told to stop while it opens its plugin. */
		if (r->state != RUNNER_STARTING)
			break;
		if (m->type == MESSAGE_RUNNER_READY)
			supervisor_runner_ready(r, m);
		else
			supervisor_runner_refused(r, m);
		break;
	case MESSAGE_WORKER_FORKED:
		slots_forked(r->supervisor, m);
		break;
	case MESSAGE_SOURCE_ITEM:
	case MESSAGE_SOURCE_POLLED:
	case MESSAGE_SOURCE_CHANGED:
	case MESSAGE_SOURCE_SETTLED:
		sources_message(r, m);
		break;
	default:
		if (!services_runner(r, m))
			supervisor_kill_runner(r, "the plugin's runner broke the protocol");
	}
}

/*
 * Does what is due for one runner. Returns the ms until the next is due, or -1
 * if nothing is due.
 */
static int64_t
supervisor_tick_runner(struct runner_handle *r, int64_t now)
{
	int64_t wait;

	if (r->due != 0 && now >= r->due) {
		r->due = 0;
		if (r->state == RUNNER_BACKOFF || r->state == RUNNER_DOWN)
			supervisor_start_runner(r);
		else if (r->state == RUNNER_STARTING)
			supervisor_kill_runner(r, "the plugin did not finish opening within 30 s");
		else if ((r->state == RUNNER_STOPPING || r->state == RUNNER_REFUSED) && r->pid > 0)
			kill(r->pid, SIGKILL);
		else if (r->channel == NULL && r->pid > 0)
			supervisor_kill_runner(r,
			    "the plugin's runner closed its socket and did not end");
	}
	if (r->fork_at != 0 && now >= r->fork_at) {
		r->fork_at = 0;
		fleet_tell_traits(r);
	}
	wait = wait_min(r->due != 0 ? r->due - now : -1, r->fork_at != 0 ? r->fork_at - now : -1);
	wait = wait_min(wait, probe_tick(r, now));
	if (r->state == RUNNER_READY)
		wait = wait_min(wait, sources_tick(r, now));
	if (r->condemned[0] != '\0') {
		supervisor_kill_runner(r, r->condemned);
		r->condemned[0] = '\0';
	}
	return wait;
}

static void
supervisor_add_runner(struct supervisor *s, const char *plugin)
{
	struct runner_handle *r = xcalloc(1, sizeof *r);

	r->supervisor = s;
	r->plugin = xstrdup(plugin);
	r->generation = s->generation;
	r->state = RUNNER_DOWN;
	r->due = r->since = clock_mono();
	TAILQ_INSERT_TAIL(&s->runners, r, link);
	fleet_tell_traits(r);
}

static void
supervisor_free_runner(struct runner_handle *r)
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
supervisor_stop_runner(struct runner_handle *r)
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
supervisor_open(struct core *core, struct supervisor **out, struct error *err)
{
	struct supervisor *s;

	OBJ_NEW(s, SUPERVISOR_MAGIC);
	s->core = core;
	s->log.part = "core";
	s->listen_fd = -1;
	s->socket = path_join(core->config->state_dir, "core.sock");
	TAILQ_INIT(&s->runners);
	TAILQ_INIT(&s->peers);
	TAILQ_INIT(&s->calls);
	TAILQ_INIT(&s->hooks);
	TAILQ_INIT(&s->checks);
	services_open(s);
	*out = s;
	if (peers_open(s, err) != 0)
		return -1;
	slots_restore(s);
	chores_scratch(s);
	queue_on_prune(core->queue, chores_pruned, s);
	supervisor_configure(s);
	return 0;
}

void
supervisor_configure(struct supervisor *s)
{
	const struct config *config = s->core->config;
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
			queue_plugin_down(s->core->queue, r->plugin, why);
		}
		if (r->state != RUNNER_STOPPING)
			supervisor_stop_runner(r);
		if (r->state == RUNNER_DOWN && r->pid == 0 && !r->threaded)
			supervisor_free_runner(r);
	}
	for (i = 0; i < config->plugins_len; i++)
		supervisor_add_runner(s, config->plugins[i].name);
}

int64_t
supervisor_tick(struct supervisor *s)
{
	struct runner_handle *r, *next;
	int64_t now = clock_mono(), wait = -1;

	spread_tick(s);
	for (r = TAILQ_FIRST(&s->runners); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->state == RUNNER_DOWN && r->due == 0 && r->pid == 0) {
			supervisor_free_runner(r);
			continue;
		}
		wait = wait_min(wait, supervisor_tick_runner(r, now));
	}
	wait = wait_min(wait, peers_tick(s, now));
	wait = wait_min(wait, slots_tick(s, now));
	wait = wait_min(wait, calls_tick(s, now));
	wait = wait_min(wait, secret_check_tick(s, now));
	return wait_min(wait, chores_tick(s, now));
}

void
supervisor_reap(struct supervisor *s, pid_t pid, int status)
{
	struct runner_handle *r;
	char why[DROVER_ERROR_MAX], was[DROVER_ERROR_MAX], doing[2 * DROVER_NAME_MAX + 64];

	if (chores_reap(s, pid, status))
		return;
	TAILQ_FOREACH(r, &s->runners, link)
		if (r->pid == pid)
			break;
	if (r == NULL)
		return;
	r->pid = 0;
	supervisor_runner_doing(r, doing, sizeof doing);
	/*
	 * The runner's own reason for not opening, or the reason for which it
	 * was killed, says more than a signal.
	 */
	if (r->why[0] != '\0' && r->state != RUNNER_REFUSED &&
	    (r->state == RUNNER_STARTING || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))) {
		text_copy(was, sizeof was, r->why);
		snprintf(why, sizeof why, "%.400s", was);
	} else if (WIFSIGNALED(status))
		snprintf(why, sizeof why, "the plugin's process was ended by signal %d (%s)%s",
		    WTERMSIG(status), strsignal(WTERMSIG(status)), doing);
	else
		snprintf(why, sizeof why, "the plugin's process ended by itself with status %d%s",
		    WEXITSTATUS(status), doing);
	supervisor_runner_lost(r, why);
}

void
supervisor_stop(struct supervisor *s)
{
	struct runner_handle *r;

	TAILQ_FOREACH(r, &s->runners, link)
		if (r->state != RUNNER_STOPPING) {
			supervisor_stop_runner(r);
			if (r->state == RUNNER_DOWN)
				r->due = 0;
		}
	slots_dismiss(s);
	chores_close(s);
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

	if (s == NULL)
		return;
	OBJ_CHECK(s, SUPERVISOR_MAGIC);
	chores_close(s);
	secret_check_close(s);
	peers_close(s);
	while ((r = TAILQ_FIRST(&s->runners)) != NULL) {
		if (r->pid > 0)
			kill(r->pid, SIGKILL);
		supervisor_free_runner(r);
	}
	slots_close(s);
	hooks_close(s);
	services_close(s);
	unlink(s->socket);
	free(s->socket);
	OBJ_FREE(s);
}
