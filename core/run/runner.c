/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner's process: it loads its plugin, opens it, and then does what the
 * core asks, one callback at a time. While a callback waits for the core or for
 * the network, the runner still forks workers, operations, hooks and listeners,
 * because these need nothing that the callback is in the middle of changing.
 * All other messages are queued and handled in order when the callback has
 * returned.
 */
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/env.h"
#include "run/crash.h"
#include "run/operation.h"
#include "run/runner_source.h"
#include "wire/known.h"
#include "wire/link.h"

#define RUNNER_MAGIC 0x4e001001u
#define RUNNER_LISTENING_MS 20 /* between two checks whether the threads of listeners have ended */
#define RUNNER_LINGER_MS \
	4000 /* for operations to end: less than the core gives a runner to stop \
	      */

struct runner_worker {
	LIST_ENTRY(runner_worker) link;
	struct runner *runner;
	char *name, *token;
	pid_t pid;
	int ended;                       /* pidfd */
};

struct runner_queued {
	STAILQ_ENTRY(runner_queued) link;
	struct message message;
};

/* What only the runner's loop uses, never a fork. */
struct runner_loop {
	struct runner *runner;
	STAILQ_HEAD(, runner_queued) queue;
	LIST_HEAD(, runner_worker) workers;
	LIST_HEAD(, operation) operations;
	bool orphaned;                   /* the core is gone */
	int64_t linger_until;
};

static void runner_inbound(void *, struct message *);
static void runner_watch(struct runner *, int fd);
static void runner_unwatch(struct runner *, int fd);
static void runner_set_alarm(struct runner_loop *);
static bool runner_handle_forks(struct runner_loop *, struct message *);
static void runner_end_listeners(struct runner_loop *);
static void runner_fork(struct runner_loop *, const struct message *, uint64_t id);
static int runner_fork_process(struct runner_loop *, struct runner_worker *, struct error *);
static void *runner_worker_thread(void *);
static void runner_worker_free(struct runner_worker *);
static void runner_call(struct runner_loop *, struct message *);
static void runner_handle(struct runner_loop *, struct message *);
static int64_t runner_kill_late(struct runner_loop *, int64_t now);
static void runner_reap(struct runner_loop *);
static void runner_wait(struct runner_loop *);
static bool runner_lingers(struct runner_loop *);
static void runner_close_sources(struct runner_loop *);
static void runner_leave(struct runner_loop *);

static void
runner_inbound(void *arg, struct message *m)
{
	struct runner_loop *loop = arg;
	struct runner_queued *queued;

	if (runner_handle_forks(loop, m))
		return;
	if (m->type == MESSAGE_SECRETS) {
		known_take(m);
		return;
	}
	loop->runner->stopping = loop->runner->stopping || m->type == MESSAGE_RUNNER_STOP;
	queued = xcalloc(1, sizeof *queued);
	queued->message = *m;
	memset(m, 0, sizeof *m);
	STAILQ_INSERT_TAIL(&loop->queue, queued, link);
}

void
runner_detach(const struct runner *runner)
{
	unsigned log = log_fd() > STDERR_FILENO ? (unsigned)log_fd() : STDERR_FILENO;

	crash_at(NULL, NULL, NULL);
	close(runner->fd);
	if (runner->scope != NULL)
		http_forked(runner->scope);
	for (int i = 0; runner->sources != NULL && i < runner->image.sources_len; i++)
		http_forked(&runner->sources[i].scope);
	/*
	 * Close everything that a service has open for the callback, too: the
	 * peer of a connection that a worker inherited would never see its end.
	 */
	if (log > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, log - 1, 0);
	(void)close_range(log + 1, ~0u, 0);
}

static void
runner_watch(struct runner *runner, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_ctl(runner->events, EPOLL_CTL_ADD, fd, &event) == -1)
		log_printf(&(struct log_scope){ .part = "runner" }, DROVER_WARN,
		    "cannot watch a child process: %s", strerror(errno));
}

/*
 * Takes fd out of the epoll set. Closing it would not: a fork may still have it
 * open.
 */
static void
runner_unwatch(struct runner *runner, int fd)
{
	(void)epoll_ctl(runner->events, EPOLL_CTL_DEL, fd, NULL);
}

static void *
runner_worker_thread(void *arg)
{
	struct runner_worker *worker = arg;
	struct runner *runner = worker->runner;

	(void)worker_main(runner, worker->name, worker->token);
	runner_worker_free(worker);
	runner_release(runner);
	return NULL;
}

static void
runner_worker_free(struct runner_worker *worker)
{
	if (worker->ended != -1) {
		runner_unwatch(worker->runner, worker->ended);
		close(worker->ended);
	}
	free(worker->name);
	free_wiped(worker->token);
	free(worker);
}

static int
runner_fork_process(struct runner_loop *loop, struct runner_worker *worker, struct error *err)
{
	if ((worker->pid = fork()) == -1)
		return error_errno(err, DROVER_AGAIN, "cannot fork a worker");
	if (worker->pid == 0) {
		runner_detach(loop->runner);
		_exit(worker_main(loop->runner, worker->name, worker->token));
	}
	worker->ended = pidfd_open(worker->pid, 0);
	runner_watch(loop->runner, worker->ended);
	LIST_INSERT_HEAD(&loop->workers, worker, link);
	return 0;
}

static void
runner_fork(struct runner_loop *loop, const struct message *m, uint64_t id)
{
	struct runner_worker *worker = xcalloc(1, sizeof *worker);
	struct error err = { 0 }, lost = { 0 };
	struct message_out out;
	pthread_t thread;
	pid_t pid = 0;

	worker->runner = loop->runner;
	worker->name = xstrdup(message_s(m, "worker"));
	worker->token = xstrdup(message_s(m, "token"));
	worker->ended = -1;
	if (loop->runner->in_process) {
		(void)atomic_fetch_add(&loop->runner->refs, 1);
		if ((errno = pthread_create(&thread, NULL, runner_worker_thread, worker)) == 0) {
			(void)pthread_detach(thread);
			pid = getpid();
		} else {
			error_errno(&err, DROVER_AGAIN, "cannot start a thread for a worker");
			(void)atomic_fetch_sub(&loop->runner->refs, 1);
			runner_worker_free(worker);
		}
	} else if (runner_fork_process(loop, worker, &err) == 0) {
		pid = worker->pid;
	} else {
		runner_worker_free(worker);
	}
	message_begin(&out, MESSAGE_WORKER_FORKED, id);
	message_put_s(&out, message_s(m, "worker"));
	message_put_u(&out, (uint64_t)pid);
	message_put_i(&out, err.code);
	message_put_s(&out, err.text);
	(void)message_send(loop->runner->fd, &out, &lost);
}

static void
runner_call(struct runner_loop *loop, struct message *m)
{
	struct operation *operation;
	struct error err = { 0 };

	if (operation_start(loop->runner, m, &operation, &err) == -1)
		log_printf(&loop->runner->scope->log, DROVER_ERR, "%s", err.text);
	else if (operation != NULL) {
		LIST_INSERT_HEAD(&loop->operations, operation, link);
		runner_watch(loop->runner, operation->ended);
		runner_set_alarm(loop);
	}
}

/*
 * Forks what m asks for and returns true. This may happen in the middle of a
 * callback, since it changes nothing but the loop. Returns false for every
 * other message, which must wait for its turn.
 */
static bool
runner_handle_forks(struct runner_loop *loop, struct message *m)
{
	if (loop->runner->stopping || (m->type != MESSAGE_WORKER_FORK && !operation_is(m->type)))
		return false;
	if (m->type == MESSAGE_WORKER_FORK)
		runner_fork(loop, m, m->id);
	else
		runner_call(loop, m);
	return true;
}

static void
runner_handle(struct runner_loop *loop, struct message *m)
{
	if (runner_handle_forks(loop, m)) {
		message_free(m);
		return;
	}
	switch (m->type) {
	case MESSAGE_SOURCE_POLL:
		runner_source_poll(loop->runner, m);
		break;
	case MESSAGE_SOURCE_SETTLE:
		runner_source_settle(loop->runner, m);
		break;
	case MESSAGE_RUNNER_STOP:
		loop->runner->stopping = 1;
		break;
	case MESSAGE_SECRETS:
		known_take(m);
		break;
	case MESSAGE_WORKER_FORK:
	case MESSAGE_OPERATION_CALL:
	case MESSAGE_HOOK_CALL:
	case MESSAGE_LISTEN_START:
	case MESSAGE_REPLY:
		break;
	default:
		log_printf(&loop->runner->scope->log, DROVER_WARN,
		    "the core sent %s to a runner, which takes no such message",
		    message_name(m->type));
	}
	message_free(m);
}

/*
 * Kills the operations that are out of time. Returns when the next one will be,
 * INT64_MAX if none has a limit.
 */
static int64_t
runner_kill_late(struct runner_loop *loop, int64_t now)
{
	struct operation *operation;
	int64_t next = INT64_MAX;

	LIST_FOREACH(operation, &loop->operations, link) {
		if (operation->kill_at <= now) {
			operation_kill(operation);
			operation->kill_at = INT64_MAX;
		}
		if (operation->kill_at < next)
			next = operation->kill_at;
	}
	return next;
}

/* Reaps all operations and workers that have ended, without waiting. */
static void
runner_reap(struct runner_loop *loop)
{
	struct operation *operation, *next_operation;
	struct runner_worker *worker, *next_worker;
	siginfo_t info;

	for (operation = LIST_FIRST(&loop->operations); operation != NULL;
	     operation = next_operation) {
		next_operation = LIST_NEXT(operation, link);
		memset(&info, 0, sizeof info);
		if (waitid(P_PID, (id_t)operation->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    info.si_pid != 0) {
			LIST_REMOVE(operation, link);
			runner_unwatch(loop->runner, operation->ended);
			operation_end(operation, NULL);
		}
	}
	for (worker = LIST_FIRST(&loop->workers); worker != NULL; worker = next_worker) {
		next_worker = LIST_NEXT(worker, link);
		if (waitpid(worker->pid, NULL, WNOHANG) != 0) {
			LIST_REMOVE(worker, link);
			runner_worker_free(worker);
		}
	}
}

static void
runner_wait(struct runner_loop *loop)
{
	struct runner *runner = loop->runner;
	struct pollfd fds[] = { { .fd = runner->events, .events = POLLIN },
		{ .fd = runner->inotify, .events = POLLIN } };
	struct pollfd core = { .fd = runner->fd, .events = POLLIN };
	int64_t now = clock_mono(), next = runner_source_tell(runner, now);
	struct message m;
	struct error err = { 0 };
	int rc;

	runner_set_alarm(loop);
	if (runner->stopping && loop->linger_until < next)
		next = loop->linger_until;
	next = next == INT64_MAX   ? -1 :
	    next <= now            ? 0 :
	    next - now > INT32_MAX ? INT32_MAX :
				     next - now;
	if (poll(fds, ARRAY_LEN(fds), (int)next) <= 0)
		return;
	if (fds[1].revents != 0)
		runner_source_changes(runner, clock_mono());
	runner_reap(loop);
	if (poll(&core, 1, 0) <= 0)
		return;
	rc = message_recv(runner->fd, &m, &err);
	if (rc == 1)
		runner_handle(loop, &m);
	else if (rc == 0 || err.code != DROVER_AGAIN)
		runner->stopping = loop->orphaned = true;
}

/*
 * Kills operations that are out of time, and sets the timer for the next one.
 * The timer wakes the loop, or the callback that waits.
 */
static void
runner_set_alarm(struct runner_loop *loop)
{
	int64_t now = clock_mono(), next = runner_kill_late(loop, now),
		in = next - now > 0 ? next - now : 1;
	struct itimerspec when = { .it_value = { .tv_sec = (time_t)(in / 1000),
				       .tv_nsec = in % 1000 * 1000000 } };

	if (next == INT64_MAX)
		when.it_value = (struct timespec){ 0, 0 };
	(void)timerfd_settime(loop->runner->alarm, 0, &when, NULL);
}

static void
runner_meanwhile(struct runner *runner)
{
	struct runner_loop *loop = runner->loop;
	struct pollfd core = { .fd = runner->fd, .events = POLLIN };
	struct message m;
	struct error err = { 0 };
	int rc = 1;

	runner_reap(loop);
	while (rc == 1 && poll(&core, 1, 0) > 0) {
		if ((rc = message_recv(runner->fd, &m, &err)) == 1) {
			runner_inbound(loop, &m);
			message_free(&m);
		}
	}
	if (rc == 0 || (rc == -1 && err.code != DROVER_AGAIN)) {
		runner_unwatch(runner, runner->fd);
		runner->stopping = loop->orphaned = true;
	}
	runner_set_alarm(loop);
}

/*
 * A stopping runner lets operations finish for a while, so that a reload or a
 * hand-over does not break off calls that are nearly done. Returns true as long
 * as it waits for them.
 */
static bool
runner_lingers(struct runner_loop *loop)
{
	int64_t now = clock_mono();

	if (loop->linger_until == 0) {
		loop->linger_until = now + RUNNER_LINGER_MS;
		runner_end_listeners(loop);
	}
	return !loop->orphaned && !LIST_EMPTY(&loop->operations) && now < loop->linger_until;
}

/*
 * Ends the listeners, which hold no state. Those that are threads see
 * runner->stopping instead.
 */
static void
runner_end_listeners(struct runner_loop *loop)
{
	struct operation *operation;

	LIST_FOREACH(operation, &loop->operations, link) {
		if (operation->lasts)
			operation_kill(operation);
	}
}

void
runner_release(struct runner *runner)
{
	OBJ_CHECK(runner, RUNNER_MAGIC);
	if (atomic_fetch_sub(&runner->refs, 1) != 1)
		return;
	if (runner->open && runner->image.plugin.close != NULL) {
		crash_at("close", "plugin", runner->image.plugin.name);
		runner->image.plugin.close(&runner->scope->public, runner->state);
		crash_at(NULL, NULL, NULL);
	}
	if (runner->scope != NULL)
		scope_end(runner->scope);
	free(runner->scope);
	for (int i = 0; runner->pipeline_options != NULL && i < runner->image.pipelines_len; i++)
		options_free(runner->pipeline_options[i]);
	free(runner->pipeline_options);
	options_free(runner->options);
	loader_free(&runner->image);
	config_free(runner->config);
	free(runner->config_dir);
	free(runner->core_socket);
	OBJ_FREE(runner);
}

/*
 * Closes the sources. If a listener's thread does not return, the sources are
 * leaked instead of being freed while the thread uses them.
 */
static void
runner_close_sources(struct runner_loop *loop)
{
	struct runner *runner = loop->runner;
	int64_t give_up = clock_mono() + RUNNER_LINGER_MS;

	runner->stopping = 1;
	while (atomic_load(&runner->listening) > 0 && clock_mono() < give_up)
		(void)poll(NULL, 0, RUNNER_LISTENING_MS);
	if (atomic_load(&runner->listening) > 0) {
		log_printf(&runner->scope->log, DROVER_ERR,
		    "a listener goes on after its runner stopped, so its source stays open: "
		    "listen() must check queue->cancelled every few seconds");
		return;
	}
	for (int i = 0; runner->sources != NULL && i < runner->image.sources_len; i++)
		runner_source_close(&runner->sources[i]);
	free(runner->sources);
	runner->sources = NULL;
}

static void
runner_leave(struct runner_loop *loop)
{
	struct runner *runner = loop->runner;
	struct runner_queued *queued;
	struct runner_worker *worker;
	struct operation *operation;

	while ((queued = STAILQ_FIRST(&loop->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&loop->queue, link);
		message_free(&queued->message);
		free(queued);
	}
	while ((worker = LIST_FIRST(&loop->workers)) != NULL) {
		LIST_REMOVE(worker, link);
		runner_worker_free(worker);
	}
	while ((operation = LIST_FIRST(&loop->operations)) != NULL) {
		LIST_REMOVE(operation, link);
		runner_unwatch(runner, operation->ended);
		operation_kill(operation);
		operation_end(operation, "the plugin was stopped before the operation was done");
	}
	runner_close_sources(loop);
	if (runner->inotify != -1)
		close(runner->inotify);
	close(runner->events);
	close(runner->alarm);
	link_free(runner->link);
	runner->link = NULL;
	if (runner->scope != NULL)
		runner->scope->link = NULL;
	close(runner->fd);
	runner_release(runner);
}

int
runner_main(int fd, bool in_process)
{
	struct runner_loop loop = { .orphaned = false };
	struct runner_queued *queued;
	struct message m = { 0 };
	struct error err = { 0 };
	int status = 1;

	OBJ_NEW(loop.runner, RUNNER_MAGIC);
	STAILQ_INIT(&loop.queue);
	LIST_INIT(&loop.workers);
	LIST_INIT(&loop.operations);
	atomic_init(&loop.runner->refs, 1);
	atomic_init(&loop.runner->listening, 0);
	loop.runner->loop = &loop;
	loop.runner->meanwhile = runner_meanwhile;
	loop.runner->events = epoll_create1(EPOLL_CLOEXEC);
	loop.runner->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	MUST(loop.runner->events != -1 && loop.runner->alarm != -1);
	loop.runner->fd = fd;
	loop.runner->inotify = -1;
	loop.runner->in_process = in_process;
	loop.runner->link = link_over(fd, runner_inbound, &loop);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!in_process) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_IGN);
		env_init_user();
	}
	if (message_recv(fd, &m, &err) != 1 || m.type != MESSAGE_RUNNER_START)
		goto out;
	if (runner_begin(loop.runner, &m) == -1)
		goto out;
	runner_watch(loop.runner, fd);
	runner_watch(loop.runner, loop.runner->alarm);
	while (!loop.runner->stopping || runner_lingers(&loop)) {
		if ((queued = STAILQ_FIRST(&loop.queue)) == NULL) {
			runner_wait(&loop);
			continue;
		}
		STAILQ_REMOVE_HEAD(&loop.queue, link);
		runner_handle(&loop, &queued->message);
		free(queued);
	}
	status = 0;
out:
	message_free(&m);
	runner_leave(&loop);
	return status;
}
