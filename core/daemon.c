/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the core: opening and closing its parts, the tick, signals, and
 * what an operator can ask of the daemon as a whole. main() calls daemon_run(),
 * which turns libevent's loop once, runs a tick, and so on until the daemon is
 * over.
 *
 * A tick commits or rolls back every change that was made since the last one,
 * and then makes the calls that waited for this. The API calls into this file
 * through struct api_verbs while events are handled, so its changes are part of
 * the next tick's commit.
 */
#include <sys/prctl.h>
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
#include "base/proc.h"
#include "base/text.h"
#include "build.h"
#include "config/confine.h"
#include "config/learn.h"
#include "core.h"
#include "daemon.h"
#include "lease/tree.h"
#include "load/prompt_files.h"
#include "notice/notice.h"
#include "super/calls.h"
#include "super/chores.h"
#include "super/report.h"
#include "super/secret_check.h"
#include "super/slots.h"
#include "super/sources.h"
#include "super/submit.h"
#include "super/supervisor.h"
#include "super/warnings.h"

#define PRUNE_MS 600000
#define PRUNE_BATCH 200      /* rows and folders that one tick removes */
#define STORE_RETRY_MS 1000
#define STOP_GRACE_MS 15000   /* time for interrupted attempts and runners to end */
#define TICK_ROUNDS 8

struct daemon {
	struct core core;
	struct supervisor *supervisor;
	struct api *api;
	const char *config_file;      /* as given on the command line, or NULL */
	char config_error[DROVER_ERROR_MAX]; /* why the last reload was refused; "" if it was not */
	uint64_t commits;
	struct event *timer, *signals[6];
	int64_t prune_at, store_retry_at; /* monotonic, ms */
	/*
	 * monotonic, ms: when running attempts are interrupted; 0 while not
	 * stopping
	 */
	int64_t stop_at;
	int64_t end_at;               /* monotonic, ms: when the daemon ends, whatever still runs */
	bool then_stop, interrupted, leaving, runners_stopped, over;
};

static const struct log_scope core_scope = { .part = "core" };

static void daemon_signal(evutil_socket_t, short, void *);
static void daemon_timer(evutil_socket_t, short, void *);
static void daemon_tick(struct daemon *);
static int daemon_cancel(void *, uint64_t id, const char *by, struct error *);
static int daemon_reload(void *, struct buf *changes, struct error *);
static void daemon_drain(void *, bool then_stop);
static void daemon_undrain(void *);
static void daemon_ready(struct daemon *);
static void daemon_warn(struct buf *);
static cJSON *daemon_status(void *);

static int
daemon_submit(void *arg, const struct job_ask *ask, uint64_t *id, struct error *err)
{
	return job_submit(((struct daemon *)arg)->supervisor, ask, id, err);
}

static int
daemon_poll(void *arg, const char *source, struct error *err)
{
	return sources_poll(((struct daemon *)arg)->supervisor, source, err);
}

static void
daemon_tidy(void *arg)
{
	chores_now(((struct daemon *)arg)->supervisor);
}

static void
daemon_call(void *arg, const char *operation, const char *request, size_t len,
    void (*fn)(void *, int, const char *, size_t), void *fn_arg)
{
	calls_ask(((struct daemon *)arg)->supervisor, operation, request, len, fn, fn_arg);
}

static bool
daemon_notice_ready(void *arg, const char *operation)
{
	return !calls_starting(((struct daemon *)arg)->supervisor, operation);
}

static void
daemon_hook(void *arg, const char *plugin, const char *headers, const char *body, size_t len,
    void (*fn)(void *, const struct hook_answer *), void *fn_arg)
{
	hooks_deliver(((struct daemon *)arg)->supervisor, plugin, headers, body, len, fn, fn_arg);
}

static int
daemon_check_secrets(void *arg, const char *const *plugins, void (*fn)(void *, const cJSON *),
    void *fn_arg, struct error *err)
{
	return secret_check(((struct daemon *)arg)->supervisor, plugins, fn, fn_arg, err);
}

static bool
daemon_owns(const void *arg, pid_t pid, uint64_t start)
{
	const struct daemon *d = arg;

	return pid == getpid() || slots_have(d->supervisor, pid, start);
}

static int
daemon_started(void *arg, pid_t pid)
{
	return proc_descends(pid, daemon_owns, arg);
}

static cJSON *
daemon_plugins(void *arg)
{
	return report_plugins(((struct daemon *)arg)->supervisor);
}

static cJSON *
daemon_sources(void *arg)
{
	return report_sources(((struct daemon *)arg)->supervisor);
}

static cJSON *
daemon_workers(void *arg)
{
	return report_workers(((struct daemon *)arg)->supervisor);
}

static const struct api_verbs verbs = {
	.submit = daemon_submit,
	.cancel = daemon_cancel,
	.reload = daemon_reload,
	.drain = daemon_drain,
	.undrain = daemon_undrain,
	.poll = daemon_poll,
	.tidy = daemon_tidy,
	.call = daemon_call,
	.hook = daemon_hook,
	.check_secrets = daemon_check_secrets,
	.started = daemon_started,
	.status = daemon_status,
	.plugins = daemon_plugins,
	.sources = daemon_sources,
	.workers = daemon_workers,
};

/*
 * Sends one datagram in systemd's protocol (sd_notify(3)), which needs no
 * library.
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
		log_printf(&core_scope, DROVER_WARN, "cannot notify systemd: %s", strerror(errno));
	close(fd);
}

static int
daemon_open(struct daemon *d, struct error *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD };
	size_t i;

	if (path_mkdirs(d->core.config->state_dir, 0700, err) != 0)
		return -1;
	if (log_open(d->core.config->log_file, (enum drover_level)d->core.config->log_level, err) !=
	    0)
		return -1;
	d->core.base = event_base_new();
	MUST(d->core.base != NULL);
	d->timer = evtimer_new(d->core.base, daemon_timer, d);
	for (i = 0; i < ARRAY_LEN(signals); i++) {
		d->signals[i] = evsignal_new(d->core.base, signals[i], daemon_signal, d);
		MUST(d->signals[i] != NULL && event_add(d->signals[i], NULL) == 0);
	}
	if (store_open(d->core.config->state_dir, &d->core.store, err) != 0)
		return -1;
	d->core.queue = queue_new(d->core.store);
	queue_configure(d->core.queue, d->core.config);
	d->core.leases = leases_new(d->core.store, d->core.config);
	d->core.notices = notices_new(d->core.store, d->core.queue, d->core.config,
	    daemon_notice_ready, daemon_call, d);
	if (queue_load(d->core.queue, err) != 0 || leases_load(d->core.leases, err) != 0)
		return -1;
	if (supervisor_open(&d->core, &d->supervisor, err) != 0)
		return -1;
	return api_open(&d->core, &verbs, d, &d->api, err);
}

static void
daemon_close(struct daemon *d)
{
	struct error err = { 0 };
	size_t i;

	error_set(&err, DROVER_AGAIN, "drover is stopping");
	/*
	 * Answers that are still owed pass through the supervisor. So calls end
	 * first, then the answers are sent, and only then is the supervisor
	 * closed.
	 */
	if (d->supervisor != NULL)
		calls_close(d->supervisor, err.text);
	deferred_run(core_deferred(&d->core), &err);
	supervisor_close(d->supervisor);
	if (d->api != NULL)
		api_close(d->api);
	notices_free(d->core.notices);
	if (d->core.leases != NULL)
		leases_free(d->core.leases);
	if (d->core.queue != NULL)
		queue_free(d->core.queue);
	if (d->core.store != NULL)
		store_close(d->core.store);
	for (i = 0; i < ARRAY_LEN(d->signals); i++)
		if (d->signals[i] != NULL)
			event_free(d->signals[i]);
	if (d->timer != NULL)
		event_free(d->timer);
	if (d->core.base != NULL)
		event_base_free(d->core.base);
	config_free(d->core.config);
}

static void
daemon_ready(struct daemon *d)
{
	struct buf fault = BUF_INIT;

	if (!proc_harden())
		log_printf(&core_scope, DROVER_WARN,
		    "/proc is mounted with hidepid, so agents can read the memory of drover's "
		    "processes: mount it without hidepid, or name a group of the daemon's user "
		    "with gid=");
	confine_fault(d->core.config, &fault);
	if (fault.len > 0)
		log_printf(&core_scope, DROVER_WARN, "%s", buf_str(&fault));
	buf_free(&fault);
	d->core.mode = CORE_RUNNING;
	log_printf(&core_scope, DROVER_NOTICE, "drover %s is ready: API on %s, state in %s",
	    PACKAGE_VERSION, d->core.config->socket, d->core.config->state_dir);
	daemon_notify("READY=1");
}

/* Logs each line, and frees the text. */
static void
daemon_warn(struct buf *warnings)
{
	char *text = buf_take(warnings), *line;

	for (char *rest = text; (line = strsep(&rest, "\n")) != NULL;)
		if (*line != '\0')
			log_printf(&core_scope, DROVER_WARN, "%s", line);
	free(text);
}

int
daemon_run(const char *self, const char *config_file, bool in_process)
{
	struct daemon *d = xcalloc(1, sizeof *d);
	struct error err = { 0 };
	struct buf warnings = BUF_INIT;
	int status = 1;

	core_init(&d->core);
	d->core.self = self;
	d->config_file = config_file;
	d->core.in_process = in_process;
	d->core.started_at = clock_wall();
	d->core.config = config_load(config_file, &warnings, &err);
	if (d->core.config == NULL ||
	    prompt_files_verify(self, d->core.config, false, NULL, NULL, NULL, &err) != 0) {
		fprintf(stderr, "droverd: %s\n", err.text);
		if (d->core.config != NULL)
			config_free(d->core.config);
		buf_free(&warnings);
		free(d);
		return 3;
	}
	learn_secrets(d->core.config, self, NULL, NULL, &warnings);
	signal(SIGPIPE, SIG_IGN);
	/*
	 * What a killed runner or worker leaves behind stays below the core, so
	 * that it can still be told from an operator. Threads must not find
	 * children that they have not started.
	 */
	if (!in_process)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if ((in_process && tree_hold(&err) != 0) || daemon_open(d, &err) != 0) {
		fprintf(stderr, "droverd: %s\n", err.text);
		goto out;
	}
	daemon_warn(&warnings);
	daemon_ready(d);
	daemon_tick(d);
	while (!d->over) {
		if (event_base_loop(d->core.base, EVLOOP_ONCE) != 0)
			break;
		daemon_tick(d);
	}
	log_printf(&core_scope, DROVER_NOTICE, "drover has stopped%s",
	    d->leaving ? "; running jobs go on without it" : "");
	status = 0;
out:
	daemon_close(d);
	buf_free(&warnings);
	log_close();
	free(d);
	return status;
}

/*
 * After a failed commit, reads the state back from the store, so that memory
 * forgets the same changes. If that fails, the daemon must stop.
 */
static void
daemon_reload_state(struct daemon *d, const struct error *failed)
{
	struct error err = { 0 };

	if (strcmp(d->core.store_error, failed->text) != 0)
		log_printf(&core_scope, DROVER_ERR,
		    "the commit failed, so this tick's changes are rolled back: %s", failed->text);
	text_copy(d->core.store_error, sizeof d->core.store_error, failed->text);
	d->store_retry_at = clock_mono() + STORE_RETRY_MS;
	notices_look(d->core.notices);
	if (queue_load(d->core.queue, &err) == 0 && leases_load(d->core.leases, &err) == 0)
		return;
	log_printf(&core_scope, DROVER_ERR,
	    "the state cannot be read back from the store, so droverd stops: %s", err.text);
	d->over = d->leaving = true;
}

static void
daemon_commit(struct daemon *d)
{
	struct error err = { 0 };
	const struct error *failed = NULL;
	struct deferred *deferred;
	bool dirty = store_dirty(d->core.store);

	if (store_commit(d->core.store, &err) != 0) {
		failed = &err;
		daemon_reload_state(d, failed);
	} else if (dirty) {
		d->commits++;
		d->core.store_error[0] = '\0';
	}
	deferred = core_deferred(&d->core);
	supervisor_flush(d->supervisor, failed);
	deferred_run(deferred, failed);
	if (dirty && failed == NULL)
		api_wake(d->api);
}

static void
daemon_stop_step(struct daemon *d, int64_t now)
{

	if (d->core.mode == CORE_DRAINING && d->then_stop)
		d->core.mode = CORE_STOPPING;
	if (d->core.mode != CORE_STOPPING)
		return;
	if (!d->leaving && supervisor_busy(d->supervisor) > 0 && now < d->end_at) {
		if (now >= d->stop_at && !d->interrupted) {
			d->interrupted = true;
			supervisor_interrupt(d->supervisor);
		}
		return;
	}
	if (!d->runners_stopped) {
		d->runners_stopped = true;
		d->end_at = now + STOP_GRACE_MS;
		supervisor_stop(d->supervisor);
	}
	d->over = supervisor_stopped(d->supervisor) || now >= d->end_at;
}

static int64_t
daemon_wait(struct daemon *d, int64_t wait, int64_t now)
{

	if (queue_count(d->core.queue, JOB_QUEUED) > 0 &&
	    supervisor_busy(d->supervisor) < d->core.config->running)
		wait = wait_min(wait, CORE_VIEW_MS);
	if (d->core.mode == CORE_STOPPING)
		wait = wait_min(wait, 100);
	if (d->store_retry_at > now)
		wait = wait_min(wait, d->store_retry_at - now);
	wait = wait_min(wait, d->prune_at - now);
	return wait < 0 ? 0 : wait;
}

/*
 * One turn of the loop: handles what is due, starts what may start, commits
 * once, then sends the answers. Goes on while the answers have led to new
 * changes, at most TICK_ROUNDS times.
 */
static void
daemon_tick(struct daemon *d)
{
	struct error err;
	struct timeval tv;
	int64_t now = clock_mono(), wait = -1;
	int round;

	for (round = 0; round < TICK_ROUNDS; round++) {
		now = clock_mono();
		err.code = DROVER_OK;
		wait = queue_tick(d->core.queue, &err);
		wait = wait_min(wait, supervisor_tick(d->supervisor));
		if (d->core.mode != CORE_STOPPING)
			wait = wait_min(wait, notices_tick(d->core.notices, &err));
		if (now >= d->prune_at)
			d->prune_at = now +
			    (queue_prune(d->core.queue, d->core.config->keep_jobs_ms, PRUNE_BATCH,
				 &err) == PRUNE_BATCH ?
				    1000 :
				    PRUNE_MS);
		if (err.code != DROVER_OK)
			log_printf(&core_scope, DROVER_ERR, "%s", err.text);
		if (now >= d->store_retry_at)
			supervisor_dispatch(d->supervisor);
		daemon_commit(d);
		daemon_stop_step(d, now);
		if (d->over ||
		    (!store_dirty(d->core.store) && !core_owes(&d->core) &&
			!supervisor_dispatch_again(d->supervisor)))
			break;
	}
	wait = daemon_wait(d, store_dirty(d->core.store) || core_owes(&d->core) ? 0 : wait,
	    clock_mono());
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	MUST(evtimer_add(d->timer, &tv) == 0);
}

static void
daemon_timer(evutil_socket_t fd, short what, void *arg)
{
}

static void
daemon_reap(struct daemon *d)
{
	/*
	 * With --in-process the plugins' threads wait for their own children.
	 */
	pid_t pid, whose = d->core.in_process ? chores_pid(d->supervisor) : -1;
	int status;

	while (whose != 0 && (pid = waitpid(whose, &status, WNOHANG)) > 0)
		supervisor_reap(d->supervisor, pid, status);
}

static void
daemon_signal(evutil_socket_t number, short what, void *arg)
{
	struct daemon *d = arg;
	struct error err = { 0 };
	struct buf changes = BUF_INIT;
	int64_t now = clock_mono();

	switch (number) {
	case SIGCHLD:
		daemon_reap(d);
		break;
	case SIGHUP:
		daemon_reload(d, &changes, &err);
		break;
	case SIGUSR1:
		if (log_reopen(&err) != 0)
			fprintf(stderr, "droverd: %s\n", err.text);
		break;
	case SIGUSR2:
		d->leaving = true;
		d->core.mode = CORE_STOPPING;
		log_printf(&core_scope, DROVER_NOTICE,
		    "handing over: running jobs go on and wait for the next droverd");
		break;
	default:
		if (d->stop_at != 0) {
			d->stop_at = now;
			d->end_at = now + STOP_GRACE_MS;
		}
		daemon_drain(d, true);
	}
	buf_free(&changes);
}

static void
daemon_drain(void *arg, bool then_stop)
{
	struct daemon *d = arg;
	int64_t now = clock_mono();

	if (d->core.mode == CORE_RUNNING) {
		d->core.mode = CORE_DRAINING;
		log_printf(&core_scope, DROVER_NOTICE, "draining: no new jobs start");
	}
	if (!then_stop || d->then_stop)
		return;
	d->then_stop = true;
	d->stop_at = now + d->core.config->drain_timeout_ms;
	d->end_at = d->stop_at + STOP_GRACE_MS;
	daemon_notify("STOPPING=1");
}

static void
daemon_undrain(void *arg)
{
	struct daemon *d = arg;
	if (d->core.mode == CORE_DRAINING)
		d->core.mode = CORE_RUNNING;
}

/* What a running plugin has said that it declares; NULL if it does not run. */
static const cJSON *
daemon_exports(void *arg, const char *plugin)
{
	struct daemon *d = arg;
	struct runner_handle *r = fleet_find(d->supervisor, plugin);

	return r != NULL ? r->exports : NULL;
}

static int
daemon_reload(void *arg, struct buf *changes, struct error *err)
{
	struct daemon *d = arg;
	struct buf warnings = BUF_INIT;
	struct config *fresh;

	fresh = config_load(d->config_file, &warnings, err);
	if (fresh != NULL &&
	    prompt_files_verify(d->core.self, fresh, false, daemon_exports, d, NULL, err) != 0) {
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
	learn_secrets(fresh, d->core.self, daemon_exports, d, &warnings);
	d->config_error[0] = '\0';
	if (strcmp(fresh->state_dir, d->core.config->state_dir) != 0 ||
	    strcmp(fresh->socket, d->core.config->socket) != 0)
		buf_adds(&warnings, "state_dir and socket change only with a restart\n");
	if (config_diff(d->core.config, fresh, changes) == 0) {
		config_free(fresh);
		log_printf(&core_scope, DROVER_NOTICE,
		    "configuration read again: nothing has changed");
	} else {
		char *state_dir = fresh->state_dir, *socket_path = fresh->socket;

		fresh->state_dir = d->core.config->state_dir;
		fresh->socket = d->core.config->socket;
		d->core.config->state_dir = state_dir;
		d->core.config->socket = socket_path;
		queue_configure(d->core.queue, fresh);
		leases_configure(d->core.leases, fresh);
		notices_configure(d->core.notices, fresh);
		config_free(d->core.config);
		d->core.config = fresh;
		log_set_level((enum drover_level)fresh->log_level);
		supervisor_configure(d->supervisor);
		log_printf(&core_scope, DROVER_NOTICE, "configuration taken: %s", buf_str(changes));
	}
	daemon_warn(&warnings);
	return 0;
}

static int
daemon_cancel(void *arg, uint64_t id, const char *by, struct error *err)
{
	struct daemon *d = arg;
	struct job_standing now;
	char text[128];

	if (queue_state(d->core.queue, id, &now, err) != 0)
		return -1;
	if (now.state != JOB_RUNNING) {
		if (queue_cancel(d->core.queue, id, by, err) != 0)
			return -1;
		sources_job_ended(d->supervisor, NULL);
		return 0;
	}
	snprintf(text, sizeof text, "cancelled by %.64s", by);
	if (slots_cancel(d->supervisor, id, now.epoch, DROVER_CANCELLED, text) != 0)
		return error_set(err, DROVER_AGAIN,
		    "job %llu is just starting, or its worker cannot be reached: try again",
		    (unsigned long long)id);
	return 1;
}

static cJSON *
daemon_status(void *arg)
{
	struct daemon *d = arg;
	cJSON *o = cJSON_CreateObject(), *warnings;
	struct buf fault = BUF_INIT;
	struct queue_view view;

	core_view(&d->core, &view);
	json_add_str(o, "mode", core_mode_name(d->core.mode));
	json_add_str(o, "version", PACKAGE_VERSION);
	json_add_int(o, "pid", getpid());
	json_add_int(o, "started_at", d->core.started_at);
	json_add_int(o, "now", clock_wall());
	json_add_str(o, "state_dir", d->core.config->state_dir);
	json_add_int(o, "slots", d->core.config->running);
	json_add_int(o, "busy", supervisor_busy(d->supervisor));
	json_add_int(o, "memory_available", view.memory_available);
	json_add_int(o, "memory_floor", d->core.config->memory_floor);
	json_add_int(o, "disk_free", view.disk_free);
	json_add_int(o, "disk_floor", d->core.config->disk_floor);
	json_add_int(o, "commits", (int64_t)d->commits);
	json_add_str(o, "sandbox", confine_mode(d->core.config));
	json_add_str(o, "store_error", d->core.store_error);
	json_add_str(o, "config_error", d->config_error);
	json_add_str(o, "hooks",
	    api_hooks_address(d->api) != NULL ? api_hooks_address(d->api) : "");
	cJSON_AddItemToObject(o, "refused", sources_refused(d->supervisor));
	cJSON_AddItemToObject(o, "queue", queue_status(d->core.queue));
	cJSON_AddItemToObject(o, "pauses", queue_pauses(d->core.queue));
	cJSON_AddItemToObject(o, "notices", notices_status(d->core.notices));
	warnings = warnings_list(d->supervisor);
	report_http(d->supervisor, o, warnings);
	confine_fault(d->core.config, &fault);
	if (fault.len > 0)
		cJSON_AddItemToArray(warnings, cJSON_CreateString(buf_str(&fault)));
	buf_free(&fault);
	cJSON_AddItemToObject(o, "warnings", warnings);
	return o;
}
