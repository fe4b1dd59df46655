/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runners as the core sees them: started, heard of, missed, started again with
 * backoff, and parked when that does not help.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "run/runner.h"
#include "super/supervisor.h"

static void runner_message(void *, struct message *);
static void runner_closed(void *, const char *);
static int runner_spawn(struct runner_handle *, int, struct error *);
static void runner_fail(struct runner_handle *, const char *);
static void runner_doing(const struct runner_handle *, char *, size_t);
static void runner_lost(struct runner_handle *, const char *why);

static const struct channel_calls runner_calls = { runner_message, runner_closed };

const char *
runner_state_name(enum runner_state state)
{
	static const char *const names[] = { "down", "starting", "ready", "backoff", "parked",
		"refused", "stopping" };

	return names[state];
}

struct runner_handle *
runner_find(struct supervisor *s, const char *plugin)
{
	struct runner_handle *r;

	TAILQ_FOREACH(r, &s->runners, link)
		if (r->state != RUNNER_STOPPING && strcmp(r->plugin, plugin) == 0)
			return r;
	return NULL;
}

static void
runner_log(const struct runner_handle *r, enum drover_level level, const char *text)
{
	struct log_scope scope = r->supervisor->log;

	scope.plugin = r->plugin;
	log_printf(&scope, level, "%s", text);
}

static void
runner_state(struct runner_handle *r, enum runner_state state, int64_t due)
{
	r->state = state;
	r->since = clock_mono();
	r->due = due;
	runner_traits(r);
}

/*
 * What the queue must know of a kind: the pipeline's own defaults under what
 * the configuration says.
 */
static void
runner_kind(struct runner_handle *r, const cJSON *pipeline)
{
	struct daemon *d = r->supervisor->daemon;
	const struct config_pipeline *set;
	struct kind_traits t = { 0 };
	char kind[2 * DROVER_NAME_MAX + 2], why[DROVER_ERROR_MAX + 128];

	snprintf(kind, sizeof kind, "%s.%s", r->plugin, json_str(pipeline, "name", ""));
	set = config_pipeline(d->config, kind);
	t.pool = set != NULL && set->pool != NULL ? set->pool : json_str(pipeline, "pool", "light");
	if (config_pool(d->config, t.pool) == NULL)
		t.pool = d->config->pools_len > 0 ? d->config->pools[0].name : "light";
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
	queue_kind_set(d->queue, kind, &t);
}

void
runner_traits(struct runner_handle *r)
{
	const cJSON *pipeline;
	char why[DROVER_ERROR_MAX + 128];

	if (r->state == RUNNER_STOPPING)
		return;
	if (r->state != RUNNER_READY) {
		snprintf(why, sizeof why, "plugin %s is %s%s%s", r->plugin,
		    runner_state_name(r->state), r->why[0] != '\0' ? ": " : "", r->why);
		queue_plugin_down(r->supervisor->daemon->queue, r->plugin, why);
		return;
	}
	cJSON_ArrayForEach(pipeline, json_get(r->exports, "pipelines"))
		runner_kind(r, pipeline);
}

/*
 * Whatever keeps it from forking will not be gone at once: its jobs wait a
 * little and say why.
 */
void
runner_fork_failed(struct runner_handle *r, const char *why)
{
	if (r->fork_at != 0)
		return;
	r->fork_backoff_ms = r->fork_backoff_ms == 0 ? RUNNER_FORK_MS : r->fork_backoff_ms * 2;
	if (r->fork_backoff_ms > RUNNER_FORK_MAX_MS)
		r->fork_backoff_ms = RUNNER_FORK_MAX_MS;
	r->fork_at = clock_mono() + r->fork_backoff_ms;
	text_copy(r->fork_why, sizeof r->fork_why, why);
	runner_traits(r);
}

static void *
runner_thread(void *arg)
{
	int fd = (int)(intptr_t)arg;

	runner_main(fd, true);
	return NULL;
}

static int
runner_spawn(struct runner_handle *r, int fd, struct error *err)
{
	struct daemon *d = r->supervisor->daemon;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	char *argv[] = { (char *)(uintptr_t) "droverd", (char *)(uintptr_t) "-x",
		(char *)(uintptr_t) "runner", r->plugin, NULL };
	int rc;

	if (d->in_process) {
		rc = pthread_create(&r->thread, NULL, runner_thread, (void *)(intptr_t)fd);
		if (rc != 0)
			return error_set(err, DROVER_AGAIN, "no thread for plugin %s: %s",
			    r->plugin, strerror(rc));
		r->threaded = true;
		return 0;
	}
	sigemptyset(&none);
	sigfillset(&all);
	MUST(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attr) == 0);
	MUST(posix_spawn_file_actions_adddup2(&actions, fd, 3) == 0);
	MUST(posix_spawnattr_setflags(&attr,
		 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP) == 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = posix_spawn(&r->pid, d->self, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (rc != 0) {
		r->pid = 0;
		return error_set(err, DROVER_AGAIN, "cannot start a runner for plugin %s: %s",
		    r->plugin, strerror(rc));
	}
	return 0;
}

void
runner_start(struct runner_handle *r)
{
	struct supervisor *s = r->supervisor;
	struct message_out out;
	struct error err = { 0 };
	cJSON *settings;
	char *text;
	int fds[2];

	if (message_pair(fds, &err) != 0) {
		runner_fail(r, err.text);
		return;
	}
	if (runner_spawn(r, fds[1], &err) != 0) {
		close(fds[0]);
		close(fds[1]);
		runner_fail(r, err.text);
		return;
	}
	if (!r->threaded)
		close(fds[1]);
	r->starts++;
	r->serial = ++s->last_id;
	r->why[0] = '\0';
	r->fork_at = r->fork_backoff_ms = 0;
	r->channel = channel_new(s->daemon->base, fds[0], &runner_calls, r);
	settings = cJSON_CreateObject();
	cJSON_AddItemToObject(settings, "config", config_to_json(s->daemon->config));
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
		runner_kill(r, "the configuration is too large for a runner: over 1 MiB");
		return;
	}
	runner_state(r, RUNNER_STARTING, clock_mono() + RUNNER_START_MS);
	channel_send(r->channel, &out);
}

/* Lets go of the process and all that hung on it. */
static void
runner_drop(struct runner_handle *r)
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

static bool
runner_crashes_too_often(struct runner_handle *r, int64_t now)
{
	int i, recent = 0;

	memmove(r->crashes + 1, r->crashes, sizeof r->crashes - sizeof r->crashes[0]);
	r->crashes[0] = now;
	if (r->crashes_len < RUNNER_CRASHES)
		r->crashes_len++;
	for (i = 0; i < r->crashes_len; i++)
		recent += now - r->crashes[i] <= RUNNER_HEALTHY_MS;
	return recent >= RUNNER_CRASHES;
}

static void
runner_fail(struct runner_handle *r, const char *why)
{
	int64_t now = clock_mono();
	char text[DROVER_ERROR_MAX + 128], wait[32];

	text_copy(r->why, sizeof r->why, why);
	if (runner_crashes_too_often(r, now)) {
		runner_state(r, RUNNER_PARKED, 0);
		snprintf(text, sizeof text, "parked after %d failures in 10 minutes: %s",
		    RUNNER_CRASHES, why);
		runner_log(r, DROVER_ERR, text);
		return;
	}
	if (r->state == RUNNER_READY && now - r->since >= RUNNER_HEALTHY_MS)
		r->backoff_ms = 0;
	r->backoff_ms = r->backoff_ms == 0 ? RUNNER_BACKOFF_MS : r->backoff_ms * 2;
	if (r->backoff_ms > RUNNER_BACKOFF_MAX_MS)
		r->backoff_ms = RUNNER_BACKOFF_MAX_MS;
	runner_state(r, RUNNER_BACKOFF, now + r->backoff_ms);
	snprintf(text, sizeof text, "%s; starting again in %s", why,
	    units_format_duration(r->backoff_ms, wait, sizeof wait));
	runner_log(r, DROVER_ERR, text);
}

static void
runner_lost(struct runner_handle *r, const char *why)
{
	runner_drop(r);
	if (r->state == RUNNER_STOPPING) {
		/* Its kinds are its successor's. */
		r->state = RUNNER_DOWN;
		r->due = 0;
	} else if (r->state != RUNNER_REFUSED)
		runner_fail(r, why);
	calls_runner_lost(r, why);
	slots_runner_lost(r, why);
}

void
runner_kill(struct runner_handle *r, const char *why)
{
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
	text_copy(r->why, sizeof r->why, why);
	runner_log(r, DROVER_ERR, why);
	if (r->pid == 0)
		runner_lost(r, why);
}

static void
runner_closed(void *arg, const char *why)
{
	struct runner_handle *r = arg;

	/*
	 * A process that has closed its socket is about to be reaped, and its
	 * status says more than this.
	 */
	channel_free(r->channel);
	r->channel = NULL;
	if (*why != '\0')
		runner_log(r, DROVER_WARN, why);
	if (r->pid > 0) {
		r->due = clock_mono() + 2000;
		return;
	}
	runner_lost(r, *why != '\0' ? why : "its runner has ended");
}

/* What it was last asked to do, for whoever reads why it ended. */
static void
runner_doing(const struct runner_handle *r, char *out, size_t size)
{
	int i;

	*out = '\0';
	if (r->state == RUNNER_STARTING)
		text_copy(out, size, " while it was opened");
	for (i = 0; i < r->sources_len; i++)
		if (r->sources[i].poll_began != 0)
			snprintf(out, size, " in the poll of %s", r->sources[i].name);
		else if (r->sources[i].settling != 0)
			snprintf(out, size, " while %s was told how job %" PRIu64 " ended",
			    r->sources[i].name, r->sources[i].settling);
}

void
supervisor_reap(struct supervisor *s, pid_t pid, int status)
{
	struct runner_handle *r;
	char why[DROVER_ERROR_MAX], was[DROVER_ERROR_MAX], doing[2 * DROVER_NAME_MAX + 64];

	if (tidy_reap(s, pid, status))
		return;
	TAILQ_FOREACH(r, &s->runners, link)
		if (r->pid == pid)
			break;
	if (r == NULL)
		return;
	r->pid = 0;
	runner_doing(r, doing, sizeof doing);
	/*
	 * What it said itself of its failure to open, or what it was killed
	 * for.
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
	runner_lost(r, why);
}

static void
runner_ready(struct runner_handle *r, struct message *m)
{
	struct error err = { 0 };
	const char *text = message_s(m, "exports");
	cJSON *exports = json_parse(text, strlen(text), MESSAGE_MAX, &err);

	if (exports == NULL) {
		runner_kill(r, err.text);
		return;
	}
	cJSON_Delete(r->exports);
	r->exports = exports;
	r->why[0] = '\0';
	runner_state(r, RUNNER_READY, 0);
	queue_plugin_down(r->supervisor->daemon->queue, r->plugin, NULL);
	sources_ready(r);
	runner_log(r, DROVER_INFO, "plugin is ready");
	warnings_ready(r);
	probe_forget(r);
	probe_start(r);
}

static void
runner_refused(struct runner_handle *r, struct message *m)
{
	int code = (int)message_i(m, "class");

	text_copy(r->why, sizeof r->why, message_s(m, "text"));
	if (code == DROVER_AGAIN || code == DROVER_QUOTA || code == DROVER_INTERNAL)
		return; /* its end follows and is counted */
	runner_log(r, DROVER_ERR, r->why);
	runner_state(r, RUNNER_REFUSED, 0);
}

static void
runner_message(void *arg, struct message *m)
{
	struct runner_handle *r = arg;

	switch (m->type) {
	case MESSAGE_RUNNER_READY:
		runner_ready(r, m);
		break;
	case MESSAGE_RUNNER_REFUSED:
		runner_refused(r, m);
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
			runner_kill(r, "the plugin's runner broke the protocol");
	}
}

/* What is due for one runner; ms until the next thing. */
int64_t
runner_tick(struct runner_handle *r, int64_t now)
{
	int64_t wait;

	if (r->due != 0 && now >= r->due) {
		r->due = 0;
		if (r->state == RUNNER_BACKOFF || r->state == RUNNER_DOWN)
			runner_start(r);
		else if (r->state == RUNNER_STARTING)
			runner_kill(r, "the plugin did not finish opening within 30 s");
		else if ((r->state == RUNNER_STOPPING || r->state == RUNNER_REFUSED) && r->pid > 0)
			kill(r->pid, SIGKILL);
		else if (r->channel == NULL && r->pid > 0)
			runner_kill(r, "the plugin's runner closed its socket and did not end");
	}
	if (r->fork_at != 0 && now >= r->fork_at) {
		r->fork_at = 0;
		runner_traits(r);
	}
	wait = wait_min(r->due != 0 ? r->due - now : -1, r->fork_at != 0 ? r->fork_at - now : -1);
	wait = wait_min(wait, probe_tick(r, now));
	return wait_min(wait, r->state == RUNNER_READY ? sources_tick(r, now) : -1);
}
