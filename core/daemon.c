/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the core: what it opens, its tick, its signals, and what the
 * operator can ask of the whole of it.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "build.h"
#include "daemon.h"
#include "daemon_run.h"
#include "lease/tree.h"
#include "notice/notice.h"
#include "load/prompt_files.h"
#include "super/supervisor.h"

#define DAEMON_MAGIC 0xd0eed0eeu
#define RECHECK_MS 1000       /* floors of memory and disk, while something waits */
#define PRUNE_MS 600000
#define PRUNE_BATCH 200      /* rows and folders in one tick */
#define STORE_RETRY_MS 1000
#define STOP_GRACE_MS 15000   /* for interrupted attempts and runners to end */
#define TICK_ROUNDS 8

struct deferred {
	void (*fn)(void *, const struct error *);
	void *arg;
	struct deferred *next;
};

struct life {
	struct daemon d;
	struct deferred **tail;
	struct event *timer, *signals[6];
	struct queue_view view;
	int64_t viewed_at;            /* monotonic */
	int64_t prune_at, store_retry_at;
	int64_t stop_at; /* monotonic: running attempts are interrupted then; 0: not stopping */
	int64_t end_at;               /* monotonic: over, whatever still runs */
	bool then_stop, interrupted, leaving, runners_stopped, over;
};

static const struct log_scope core_scope = { .part = "core" };

static void daemon_signal(evutil_socket_t, short, void *);
static void daemon_timer(evutil_socket_t, short, void *);
static void daemon_tick(struct life *);

static struct life *
life_of(struct daemon *d)
{
	OBJ_CHECK(d, DAEMON_MAGIC);
	return (struct life *)(void *)((char *)d - offsetof(struct life, d));
}

/*
 * systemd's protocol for readiness: one datagram, so that no library is needed
 * for it (sd_notify(3)).
 */
static void
daemon_notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)(void *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_printf(&core_scope, DROVER_WARN, "cannot tell systemd: %s", strerror(errno));
	close(fd);
}

static void
daemon_tell(void *arg, const char *operation, const char *request, size_t len,
    void (*fn)(void *, int, const char *, size_t), void *fn_arg)
{
	daemon_call(arg, operation, request, len, fn, fn_arg);
}

static int
daemon_open(struct life *l, struct error *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD };
	struct daemon *d = &l->d;
	size_t i;

	if (path_mkdirs(d->config->state_dir, 0700, err) != 0)
		return -1;
	if (log_open(d->config->log_file, (enum drover_level)d->config->log_level, err) != 0)
		return -1;
	d->base = event_base_new();
	MUST(d->base != NULL);
	l->timer = evtimer_new(d->base, daemon_timer, l);
	for (i = 0; i < ARRAY_LEN(signals); i++) {
		l->signals[i] = evsignal_new(d->base, signals[i], daemon_signal, l);
		MUST(l->signals[i] != NULL && event_add(l->signals[i], NULL) == 0);
	}
	if (store_open(d->config->state_dir, &d->store, err) != 0)
		return -1;
	d->queue = queue_new(d->store);
	queue_configure(d->queue, d->config);
	d->leases = leases_new(d->store, d->config);
	d->notices = notices_new(d->store, d->queue, d->config, daemon_tell, d);
	if (queue_load(d->queue, err) != 0 || leases_load(d->leases, err) != 0)
		return -1;
	if (supervisor_open(d, &d->supervisor, err) != 0)
		return -1;
	return api_open(d, &d->api, err);
}

static void
daemon_close(struct life *l)
{
	struct daemon *d = &l->d;
	struct deferred *f;
	struct error err = { 0 };
	size_t i;

	error_set(&err, DROVER_AGAIN, "drover is stopping");
	/*
	 * Answers owed find their way through the supervisor: calls end,
	 * answers go, and only then does it.
	 */
	if (d->supervisor != NULL)
		calls_close(d->supervisor, err.text);
	while ((f = d->deferred) != NULL) {
		d->deferred = f->next;
		f->fn(f->arg, &err);
		free(f);
	}
	supervisor_close(d->supervisor);
	if (d->api != NULL)
		api_close(d->api);
	notices_free(d->notices);
	if (d->leases != NULL)
		leases_free(d->leases);
	if (d->queue != NULL)
		queue_free(d->queue);
	if (d->store != NULL)
		store_close(d->store);
	for (i = 0; i < ARRAY_LEN(l->signals); i++)
		if (l->signals[i] != NULL)
			event_free(l->signals[i]);
	if (l->timer != NULL)
		event_free(l->timer);
	if (d->base != NULL)
		event_base_free(d->base);
	config_free(d->config);
}

int
daemon_run(const char *self, const char *config_file, bool in_process)
{
	struct life *l = xcalloc(1, sizeof *l);
	struct daemon *d = &l->d;
	struct error err = { 0 };
	struct buf warnings = BUF_INIT;
	int status = 1;

	d->magic = DAEMON_MAGIC;
	d->self = self;
	d->config_file = config_file;
	d->in_process = in_process;
	d->started_at = clock_wall();
	l->tail = &d->deferred;
	d->config = config_load(config_file, &warnings, &err);
	if (d->config == NULL ||
	    prompts_verify(self, d->config, false, NULL, NULL, NULL, &err) != 0) {
		fprintf(stderr, "droverd: %s\n", err.text);
		if (d->config != NULL)
			config_free(d->config);
		buf_free(&warnings);
		free(l);
		return 3;
	}
	signal(SIGPIPE, SIG_IGN);
	if (in_process)
		tree_hold();
	if (daemon_open(l, &err) != 0) {
		fprintf(stderr, "droverd: %s\n", err.text);
		goto out;
	}
	if (warnings.len > 0)
		log_printf(&core_scope, DROVER_WARN, "%s", buf_str(&warnings));
	d->mode = DAEMON_RUNNING;
	log_printf(&core_scope, DROVER_NOTICE, "drover %s is ready: API on %s, state in %s",
	    PACKAGE_VERSION, d->config->socket, d->config->state_dir);
	daemon_notify("READY=1");
	daemon_tick(l);
	while (!l->over) {
		if (event_base_loop(d->base, EVLOOP_ONCE) != 0)
			break;
		daemon_tick(l);
	}
	log_printf(&core_scope, DROVER_NOTICE, "drover has stopped%s",
	    l->leaving ? "; running jobs go on without it" : "");
	status = 0;
out:
	daemon_close(l);
	buf_free(&warnings);
	log_close();
	free(l);
	return status;
}

void
daemon_defer(struct daemon *d, void (*fn)(void *, const struct error *), void *arg)
{
	struct life *l = life_of(d);
	struct deferred *f = xcalloc(1, sizeof *f);

	f->fn = fn;
	f->arg = arg;
	*l->tail = f;
	l->tail = &f->next;
}

/*
 * What a failed commit took back is taken back in memory too; without that
 * nothing may go on.
 */
static void
daemon_reload_state(struct life *l, const struct error *failed)
{
	struct daemon *d = &l->d;
	struct error err = { 0 };

	if (strcmp(d->store_error, failed->text) != 0)
		log_printf(&core_scope, DROVER_ERR, "nothing of this moment was kept: %s",
		    failed->text);
	text_copy(d->store_error, sizeof d->store_error, failed->text);
	l->store_retry_at = clock_mono() + STORE_RETRY_MS;
	notices_look(d->notices);
	if (queue_load(d->queue, &err) == 0 && leases_load(d->leases, &err) == 0)
		return;
	log_printf(&core_scope, DROVER_ERR, "the state cannot be read back, stopping: %s",
	    err.text);
	l->over = l->leaving = true;
}

static void
daemon_commit(struct life *l)
{
	struct daemon *d = &l->d;
	struct error err = { 0 };
	const struct error *failed = NULL;
	struct deferred *f, *list;
	bool dirty = store_dirty(d->store);

	if (store_commit(d->store, &err) != 0) {
		failed = &err;
		daemon_reload_state(l, failed);
	} else if (dirty) {
		d->commits++;
		d->store_error[0] = '\0';
	}
	list = d->deferred;
	d->deferred = NULL;
	l->tail = &d->deferred;
	supervisor_flush(d->supervisor, failed);
	while ((f = list) != NULL) {
		list = f->next;
		f->fn(f->arg, failed);
		free(f);
	}
	if (dirty && failed == NULL)
		api_wake(d->api);
}

static void
daemon_stop_step(struct life *l, int64_t now)
{
	struct daemon *d = &l->d;

	if (d->mode == DAEMON_DRAINING && l->then_stop)
		d->mode = DAEMON_STOPPING;
	if (d->mode != DAEMON_STOPPING)
		return;
	if (!l->leaving && supervisor_busy(d->supervisor) > 0 && now < l->end_at) {
		if (now >= l->stop_at && !l->interrupted) {
			l->interrupted = true;
			supervisor_interrupt(d->supervisor);
		}
		return;
	}
	if (!l->runners_stopped) {
		l->runners_stopped = true;
		l->end_at = now + STOP_GRACE_MS;
		supervisor_stop(d->supervisor);
	}
	l->over = supervisor_stopped(d->supervisor) || now >= l->end_at;
}

static int64_t
daemon_wait(struct life *l, int64_t wait, int64_t now)
{
	struct daemon *d = &l->d;

	if (queue_count(d->queue, JOB_QUEUED) > 0 &&
	    supervisor_busy(d->supervisor) < d->config->running)
		wait = wait_min(wait, RECHECK_MS);
	if (d->mode == DAEMON_STOPPING)
		wait = wait_min(wait, 100);
	if (l->store_retry_at > now)
		wait = wait_min(wait, l->store_retry_at - now);
	wait = wait_min(wait, l->prune_at - now);
	return wait < 0 ? 0 : wait;
}

/*
 * One turn: what is due, what may start, one commit, then the answers; again
 * while the answers made work of their own.
 */
static void
daemon_tick(struct life *l)
{
	struct daemon *d = &l->d;
	struct error err;
	struct timeval tv;
	int64_t now = clock_mono(), wait = -1;
	int round;

	for (round = 0; round < TICK_ROUNDS; round++) {
		now = clock_mono();
		err.code = DROVER_OK;
		wait = queue_tick(d->queue, &err);
		wait = wait_min(wait, supervisor_tick(d->supervisor));
		if (d->mode != DAEMON_STOPPING)
			wait = wait_min(wait, notices_tick(d->notices, &err));
		if (now >= l->prune_at)
			l->prune_at = now +
			    (queue_prune(d->queue, d->config->keep_jobs_ms, PRUNE_BATCH, &err) ==
					PRUNE_BATCH ?
				    1000 :
				    PRUNE_MS);
		if (err.code != DROVER_OK)
			log_printf(&core_scope, DROVER_ERR, "%s", err.text);
		if (now >= l->store_retry_at)
			supervisor_dispatch(d->supervisor);
		daemon_commit(l);
		daemon_stop_step(l, now);
		if (l->over ||
		    (!store_dirty(d->store) && d->deferred == NULL &&
			!d->supervisor->dispatch_again))
			break;
	}
	wait =
	    daemon_wait(l, store_dirty(d->store) || d->deferred != NULL ? 0 : wait, clock_mono());
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	MUST(evtimer_add(l->timer, &tv) == 0);
}

static void
daemon_timer(evutil_socket_t fd, short what, void *arg)
{
}

static void
daemon_reap(struct daemon *d)
{
	/* Threads of this process wait for children of their own. */
	pid_t pid, whose = d->in_process ? tidy_pid(d->supervisor) : -1;
	int status;

	while (whose != 0 && (pid = waitpid(whose, &status, WNOHANG)) > 0)
		supervisor_reap(d->supervisor, pid, status);
}

static void
daemon_signal(evutil_socket_t number, short what, void *arg)
{
	struct life *l = arg;
	struct error err = { 0 };
	struct buf changes = BUF_INIT;
	int64_t now = clock_mono();

	switch (number) {
	case SIGCHLD:
		daemon_reap(&l->d);
		break;
	case SIGHUP:
		daemon_reload(&l->d, &changes, &err);
		break;
	case SIGUSR1:
		if (log_reopen(&err) != 0)
			fprintf(stderr, "droverd: %s\n", err.text);
		break;
	case SIGUSR2:
		l->leaving = true;
		l->d.mode = DAEMON_STOPPING;
		log_printf(&core_scope, DROVER_NOTICE,
		    "handing over: running jobs go on and wait for the next droverd");
		break;
	default:
		if (l->stop_at != 0) {
			l->stop_at = now;
			l->end_at = now + STOP_GRACE_MS;
		}
		daemon_drain(&l->d, true);
	}
	buf_free(&changes);
}

void
daemon_drain(struct daemon *d, bool then_stop)
{
	struct life *l = life_of(d);
	int64_t now = clock_mono();

	if (d->mode == DAEMON_RUNNING) {
		d->mode = DAEMON_DRAINING;
		log_printf(&core_scope, DROVER_NOTICE, "draining: nothing new starts");
	}
	if (!then_stop || l->then_stop)
		return;
	l->then_stop = true;
	l->stop_at = now + d->config->drain_timeout_ms;
	l->end_at = l->stop_at + STOP_GRACE_MS;
	daemon_notify("STOPPING=1");
}

void
daemon_undrain(struct daemon *d)
{
	if (d->mode == DAEMON_DRAINING)
		d->mode = DAEMON_RUNNING;
}

void
daemon_view(struct daemon *d, struct queue_view *view)
{
	struct life *l = life_of(d);
	int64_t now = clock_mono();

	if (l->viewed_at == 0 || now - l->viewed_at >= RECHECK_MS) {
		l->viewed_at = now;
		l->view.memory_available = proc_memory_available();
		l->view.disk_free = path_free_bytes(d->config->state_dir);
	}
	l->view.draining = d->mode == DAEMON_DRAINING;
	l->view.stopping = d->mode == DAEMON_STOPPING;
	*view = l->view;
}

/* A plugin that runs has said what it declares. */
static const cJSON *
daemon_exports(void *arg, const char *plugin)
{
	struct daemon *d = arg;
	struct runner_handle *r = runner_find(d->supervisor, plugin);

	return r != NULL ? r->exports : NULL;
}

int
daemon_reload(struct daemon *d, struct buf *changes, struct error *err)
{
	struct buf warnings = BUF_INIT;
	struct config *fresh;

	fresh = config_load(d->config_file, &warnings, err);
	if (fresh != NULL &&
	    prompts_verify(d->self, fresh, false, daemon_exports, d, NULL, err) != 0) {
		config_free(fresh);
		fresh = NULL;
	}
	if (fresh == NULL) {
		text_copy(d->config_error, sizeof d->config_error, err->text);
		log_printf(&core_scope, DROVER_ERR, "configuration refused, the old one stays: %s",
		    err->text);
		buf_free(&warnings);
		return -1;
	}
	if (api_configure(d->api, fresh, err) != 0) {
		text_copy(d->config_error, sizeof d->config_error, err->text);
		log_printf(&core_scope, DROVER_ERR, "configuration refused, the old one stays: %s",
		    err->text);
		config_free(fresh);
		buf_free(&warnings);
		return -1;
	}
	d->config_error[0] = '\0';
	if (strcmp(fresh->state_dir, d->config->state_dir) != 0 ||
	    strcmp(fresh->socket, d->config->socket) != 0)
		buf_adds(&warnings, "state_dir and socket change only with a restart\n");
	if (config_diff(d->config, fresh, changes) == 0) {
		config_free(fresh);
		log_printf(&core_scope, DROVER_NOTICE,
		    "configuration read again: nothing has changed");
	} else {
		char *state_dir = fresh->state_dir, *socket_path = fresh->socket;

		fresh->state_dir = d->config->state_dir;
		fresh->socket = d->config->socket;
		d->config->state_dir = state_dir;
		d->config->socket = socket_path;
		queue_configure(d->queue, fresh);
		leases_configure(d->leases, fresh);
		notices_configure(d->notices, fresh);
		config_free(d->config);
		d->config = fresh;
		log_set_level((enum drover_level)fresh->log_level);
		supervisor_configure(d->supervisor);
		log_printf(&core_scope, DROVER_NOTICE, "configuration taken: %s", buf_str(changes));
	}
	if (warnings.len > 0)
		log_printf(&core_scope, DROVER_WARN, "%s", buf_str(&warnings));
	buf_free(&warnings);
	return 0;
}

/*
 * What a job names must be configured; a kind is good when its plugin is, and
 * offers it once it runs.
 */
static int
daemon_check_ask(struct daemon *d, const struct job_ask *ask, struct error *err)
{
	struct runner_handle *r;
	char plugin[DROVER_NAME_MAX + 1];

	if (ask->kind == NULL || !text_is_kind(ask->kind))
		return error_set(err, DROVER_PERMANENT,
		    "a kind is PLUGIN.PIPELINE, as inbox.ticket");
	snprintf(plugin, sizeof plugin, "%.*s", (int)strcspn(ask->kind, "."), ask->kind);
	r = runner_find(d->supervisor, plugin);
	if (config_plugin(d->config, plugin) == NULL ||
	    (r != NULL && r->state == RUNNER_READY && !queue_kind_known(d->queue, ask->kind)))
		return error_set(err, DROVER_CONFIG,
		    "no configured plugin has a pipeline %s: see drover plugin list", ask->kind);
	if (ask->repo != NULL && *ask->repo != '\0' && config_repo(d->config, ask->repo) == NULL)
		return error_set(err, DROVER_CONFIG,
		    "repo %.64s is not configured: add it to repos, or see drover repo list",
		    ask->repo);
	if (ask->agent != NULL && *ask->agent != '\0' &&
	    config_agent(d->config, ask->agent) == NULL)
		return error_set(err, DROVER_CONFIG,
		    "agent %.64s is not configured: add it to agents, or see drover agent list",
		    ask->agent);
	if (ask->pool != NULL && *ask->pool != '\0' && config_pool(d->config, ask->pool) == NULL)
		return error_set(err, DROVER_CONFIG,
		    "pool %.64s is not configured: add it to pools", ask->pool);
	return 0;
}

int
daemon_submit(struct daemon *d, const struct job_ask *ask, uint64_t *id, struct error *err)
{
	char plugin[DROVER_NAME_MAX + 1];
	struct runner_handle *r;
	int fresh;

	if (d->mode == DAEMON_STOPPING)
		return error_set(err, DROVER_AGAIN, "drover is stopping");
	if (daemon_check_ask(d, ask, err) != 0)
		return -1;
	fresh = queue_submit(d->queue, ask, id, err);
	/*
	 * The first job of a kind that its plugin has not described yet is told
	 * why it waits.
	 */
	if (fresh == 1 && !queue_kind_known(d->queue, ask->kind)) {
		snprintf(plugin, sizeof plugin, "%.*s", (int)strcspn(ask->kind, "."), ask->kind);
		if ((r = runner_find(d->supervisor, plugin)) != NULL)
			runner_traits(r);
	}
	return fresh;
}

struct running_search {
	uint64_t id, epoch;
};

static int
running_match(void *arg, struct job *job)
{
	struct running_search *search = arg;

	if (job->id != search->id)
		return 0;
	search->epoch = job->epoch;
	return 1;
}

int
daemon_cancel(struct daemon *d, uint64_t id, const char *by, struct error *err)
{
	struct running_search search = { id, 0 };
	char text[128];

	queue_each_running(d->queue, running_match, &search);
	if (search.epoch == 0) {
		if (queue_cancel(d->queue, id, by, err) != 0)
			return -1;
		sources_job_ended(d->supervisor, NULL);
		return 0;
	}
	snprintf(text, sizeof text, "cancelled by %.64s", by);
	if (slots_cancel(d->supervisor, id, search.epoch, DROVER_CANCELLED, text) != 0)
		return error_set(err, DROVER_AGAIN,
		    "job %llu is just starting, or its worker cannot be reached: try again",
		    (unsigned long long)id);
	return 1;
}

int
daemon_poll(struct daemon *d, const char *source, struct error *err)
{
	return sources_poll(d->supervisor, source, err);
}

cJSON *
daemon_status(struct daemon *d)
{
	static const char *const modes[] = { "starting", "running", "draining", "stopping" };
	cJSON *o = cJSON_CreateObject(), *warnings;
	struct queue_view view;

	daemon_view(d, &view);
	json_add_str(o, "mode", modes[d->mode]);
	json_add_str(o, "version", PACKAGE_VERSION);
	json_add_int(o, "pid", getpid());
	json_add_int(o, "started_at", d->started_at);
	json_add_int(o, "now", clock_wall());
	json_add_str(o, "state_dir", d->config->state_dir);
	json_add_int(o, "slots", d->config->running);
	json_add_int(o, "busy", supervisor_busy(d->supervisor));
	json_add_int(o, "memory_available", view.memory_available);
	json_add_int(o, "memory_floor", d->config->memory_floor);
	json_add_int(o, "disk_free", view.disk_free);
	json_add_int(o, "disk_floor", d->config->disk_floor);
	json_add_int(o, "commits", (int64_t)d->commits);
	json_add_str(o, "store_error", d->store_error);
	json_add_str(o, "config_error", d->config_error);
	json_add_str(o, "hooks",
	    api_hooks_address(d->api) != NULL ? api_hooks_address(d->api) : "");
	cJSON_AddItemToObject(o, "refused", sources_refused(d->supervisor));
	cJSON_AddItemToObject(o, "queue", queue_status(d->queue));
	cJSON_AddItemToObject(o, "pauses", queue_pauses(d->queue));
	cJSON_AddItemToObject(o, "notices", notices_status(d->notices));
	warnings = daemon_warnings(d);
	supervisor_http(d->supervisor, o, warnings);
	cJSON_AddItemToObject(o, "warnings", warnings);
	return o;
}
