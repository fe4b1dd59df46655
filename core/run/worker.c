/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker holds one slot and runs one job at a time. Its runner forks it when
 * the core needs a slot filled. It connects to the core, takes an assignment,
 * runs the job in a child (job.c) under the job's clocks (clocks.c), sends a
 * beat every 5 s, and reports the outcome.
 *
 * A worker outlives the core: a job goes on while the core is away, and its
 * outcome is kept here and repeated until a core has committed it. Between jobs
 * the worker keeps its connection, its cgroup, the shared memory and perhaps a
 * spare process; nothing of a job is kept.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/retry.h"
#include "base/secrets.h"
#include "base/text.h"
#include "host/scope.h"
#include "run/cgroup.h"
#include "run/crash.h"
#include "run/clocks.h"
#include "wire/known.h"

/* How long in ms it stays when the core has no job for it. */
#define WORKER_IDLE_MS 60000
/* How long in ms it stays without a core and without a job. */
#define WORKER_ALONE_MS 10000
/* How long in ms an outcome is kept for a core that does not come back. */
#define WORKER_KEEP_MS 600000
#define WORKER_BEAT_MS 5000
#define WORKER_REPEAT_MS 2000
#define WORKER_BACKOFF_MIN_MS 50
#define WORKER_BACKOFF_MAX_MS 1000

/* A finished attempt whose outcome the core has not confirmed yet. */
struct worker_outcome {
	uint64_t job, epoch;             /* job is 0 if there is none */
	struct job_outcome end;
	int64_t ended_at, repeat_at;
};

struct worker {
	const struct runner *runner;
	const char *name, *token;
	struct proc_id self;
	struct log_scope log;
	int fd;                          /* the socket to the core; -1 while not connected */
	int64_t connect_at, backoff_ms;
	/* monotonic ms at which it lost the core or became idle; 0 otherwise */
	int64_t lost_at, idle_at;
	struct cgroup *cgroup;
	struct job_shared *shared;
	struct job_run run;
	struct job_spare spare;
	struct clocks clocks;
	bool running, unwanted, leaving;
	int64_t beat_at;
	struct worker_outcome outcome;
	sigset_t waiting;                /* signal mask during ppoll() */
};

static void worker_on_term(int);
static void worker_become(struct worker *);
static void worker_give_up(struct worker *, const char *why, int64_t now);
static void worker_connect(struct worker *, int64_t now);
static void worker_lost(struct worker *, int64_t now);
static void worker_send(struct worker *, struct message_out *, int64_t now);
static void worker_send_outcome(struct worker *, int64_t now);
static void worker_beat(struct worker *, int64_t now);
static void worker_secrets(struct worker *, struct message *);
static void worker_receive(struct worker *, int64_t now);
static void worker_assign(struct worker *, struct message *, int64_t now);
static void worker_cancel(struct worker *, const struct message *, int64_t now);
static void worker_welcome(struct worker *, const struct message *, int64_t now);
static void worker_finish(struct worker *, int64_t now);
static void worker_tick(struct worker *, int64_t now);
static int64_t worker_next(const struct worker *);
static void worker_wait(struct worker *);

/* Set by the signal handler below, which has no argument. */
static volatile sig_atomic_t worker_terminated;

static void
worker_on_term(int number)
{
	worker_terminated = 1;
}

/*
 * Makes a process of its own of the fork: title, session, subreaper, cgroup.
 * SIGTERM is unblocked only in ppoll(), so that it cannot arrive between the
 * check of the flag and the wait.
 */
static void
worker_become(struct worker *w)
{
	struct sigaction action = { .sa_handler = worker_on_term };
	char title[16];
	sigset_t term;

	(void)sigemptyset(&w->waiting);
	if (w->runner->in_process)
		return;
	(void)snprintf(title, sizeof title, "drover %.8s", w->name);
	(void)prctl(PR_SET_NAME, title);
	(void)setsid();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	worker_terminated = 0;
	(void)sigaction(SIGTERM, &action, NULL);
	w->cgroup = cgroup_new(w->name);
}

/*
 * Takes no further job, and stops the running one without reporting its
 * outcome.
 */
static void
worker_give_up(struct worker *w, const char *why, int64_t now)
{
	w->leaving = true;
	if (w->running) {
		w->unwanted = true;
		clocks_stop(&w->clocks, DROVER_CANCELLED, why, now);
	}
}

static void
worker_connect(struct worker *w, int64_t now)
{
	uint64_t job = w->running ? w->run.assign.job.id : w->outcome.job,
		 epoch = w->running ? w->run.assign.job.epoch : w->outcome.epoch;
	struct message_out out;
	struct error err = { 0 };

	if ((w->fd = message_connect(w->runner->core_socket, &err)) == -1) {
		if (!w->leaving && access(w->runner->config->state_dir, F_OK) == -1 &&
		    errno == ENOENT) {
			memset(&w->outcome, 0, sizeof w->outcome);
			worker_give_up(w, "the state folder is gone", now);
		}
		w->connect_at = now + w->backoff_ms;
		w->backoff_ms = retry_next(w->backoff_ms, WORKER_BACKOFF_MIN_MS,
		    WORKER_BACKOFF_MAX_MS);
		return;
	}
	w->lost_at = 0;
	w->backoff_ms = WORKER_BACKOFF_MIN_MS;
	message_begin(&out, MESSAGE_WORKER_HELLO, 0);
	message_put_s(&out, w->name);
	message_put_s(&out, w->token);
	message_put_s(&out, w->runner->image.plugin.name);
	message_put_u(&out, w->runner->generation);
	message_put_u(&out, (uint64_t)w->self.pid);
	message_put_u(&out, w->self.start);
	message_put_s(&out, w->self.boot);
	message_put_u(&out, job);
	message_put_u(&out, epoch);
	worker_send(w, &out, now);
	/* Sent even if empty: it says that this worker takes them, too. */
	for (size_t told = 0; told == 0 || told < secrets_count();) {
		told = known_put(&out, told);
		worker_send(w, &out, now);
		told = told > 0 ? told : 1;
	}
	if (w->outcome.job != 0)
		worker_send_outcome(w, now);
}

static void
worker_lost(struct worker *w, int64_t now)
{
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	if (w->lost_at == 0)
		w->lost_at = now;
	w->connect_at = now + w->backoff_ms;
}

static void
worker_send(struct worker *w, struct message_out *out, int64_t now)
{
	struct error err = { 0 };

	if (w->fd == -1) {
		message_out_free(out);
		return;
	}
	if (message_send(w->fd, out, &err) == -1)
		worker_lost(w, now);
}

static void
worker_send_outcome(struct worker *w, int64_t now)
{
	const struct worker_outcome *outcome = &w->outcome;
	struct message_out out;

	message_begin(&out, MESSAGE_JOB_OUTCOME, 0);
	message_put_u(&out, outcome->job);
	message_put_u(&out, outcome->epoch);
	message_put_error(&out, &outcome->end.error);
	message_put_i(&out, outcome->end.wall_ms);
	message_put_i(&out, outcome->end.cpu_ms);
	message_put_i(&out, outcome->end.rss);
	message_put_u(&out, (uint64_t)outcome->end.output);
	w->outcome.repeat_at = now + WORKER_REPEAT_MS;
	worker_send(w, &out, now);
}

static void
worker_beat(struct worker *w, int64_t now)
{
	struct message_out out;

	w->beat_at = now + WORKER_BEAT_MS;
	clocks_look(&w->clocks);
	message_begin(&out, MESSAGE_WORKER_BEAT, 0);
	message_put_u(&out, w->run.assign.job.id);
	message_put_u(&out, w->run.assign.job.epoch);
	message_put_i(&out, w->clocks.usage.cpu_ms);
	message_put_i(&out, w->clocks.usage.rss);
	message_put_u(&out, (uint64_t)w->clocks.output);
	worker_send(w, &out, now);
}

/*
 * Takes over the message. An assignment that comes while a job runs is that
 * same job's, repeated after a reconnect, and is ignored; unless the running
 * job was killed as unwanted, then it is the next job.
 */
static void
worker_assign(struct worker *w, struct message *m, int64_t now)
{
	struct error err = { 0 };

	if (w->running && w->unwanted && !w->leaving)
		worker_finish(w, now);
	if (w->running)
		return;
	memset(&w->outcome, 0, sizeof w->outcome);
	memset(&w->run, 0, sizeof w->run);
	w->run.runner = w->runner;
	w->run.worker = w->name;
	w->run.owner = w->self.pid;
	w->run.shared = w->shared;
	w->run.cgroup = w->cgroup;
	job_take(&w->run, m);
	w->idle_at = 0;
	w->unwanted = false;
	if (job_start(&w->run, &w->spare, w->fd, &err) == 0) {
		w->running = true;
		w->beat_at = now + WORKER_BEAT_MS;
		clocks_start(&w->clocks, &w->run, now);
		return;
	}
	w->outcome.job = w->run.assign.job.id;
	w->outcome.epoch = w->run.assign.job.epoch;
	w->outcome.ended_at = now;
	w->outcome.end.error = err;
	message_free(&w->run.message);
	worker_send_outcome(w, now);
}

static void
worker_cancel(struct worker *w, const struct message *m, int64_t now)
{
	if (w->running && w->run.assign.job.id == message_u(m, "job") &&
	    w->run.assign.job.epoch == message_u(m, "epoch"))
		clocks_stop(&w->clocks, (int)message_i(m, "class"), message_s(m, "text"), now);
}

static void
worker_welcome(struct worker *w, const struct message *m, int64_t now)
{
	uint64_t job = message_u(m, "job");

	if (message_u(m, "keep") != 0 || job == 0)
		return;
	if (w->running && w->run.assign.job.id == job) {
		w->unwanted = true;
		clocks_kill(&w->clocks, now);
	} else if (w->outcome.job == job) {
		memset(&w->outcome, 0, sizeof w->outcome);
		w->idle_at = now;
	}
}

/* The spare process was forked before and does not know the new secrets. */
static void
worker_secrets(struct worker *w, struct message *m)
{
	bool spare = w->spare.pid != 0;

	known_take(m);
	if (!spare)
		return;
	job_spare_drop(&w->spare);
	job_spare_make(&w->spare, w->runner, w->name, w->self.pid, w->shared, w->fd);
}

static void
worker_receive(struct worker *w, int64_t now)
{
	struct message m;
	struct error err = { 0 };

	if (message_recv(w->fd, &m, &err) != 1) {
		if (err.code != 0)
			log_printf(&w->log, DROVER_ERR, "%s", err.text);
		worker_lost(w, now);
		return;
	}
	switch (m.type) {
	case MESSAGE_JOB_ASSIGN:
		worker_assign(w, &m, now);
		break;
	case MESSAGE_JOB_CANCEL:
		worker_cancel(w, &m, now);
		break;
	case MESSAGE_JOB_OUTCOME_KEPT:
		if (w->outcome.job == message_u(&m, "job") &&
		    w->outcome.epoch == message_u(&m, "epoch")) {
			memset(&w->outcome, 0, sizeof w->outcome);
			w->idle_at = now;
		}
		break;
	case MESSAGE_WORKER_WELCOME:
		worker_welcome(w, &m, now);
		break;
	case MESSAGE_WORKER_LEAVE:
		w->leaving = true;
		break;
	case MESSAGE_SECRETS:
		worker_secrets(w, &m);
		break;
	default:
		log_printf(&w->log, DROVER_WARN,
		    "the core sent %s to a worker, which takes no such message",
		    message_name(m.type));
	}
	message_free(&m);
}

/*
 * Called when the job's process has ended. If the attempt was stopped, the
 * reason for that goes before what the job itself reported.
 */
static void
worker_finish(struct worker *w, int64_t now)
{
	struct worker_outcome *outcome = &w->outcome;

	memset(outcome, 0, sizeof *outcome);
	clocks_measure_output(&w->clocks);
	job_reap(&w->run, &outcome->end);
	w->running = false;
	if (w->clocks.usage.cpu_ms > outcome->end.cpu_ms)
		outcome->end.cpu_ms = w->clocks.usage.cpu_ms;
	if (w->clocks.stopping)
		outcome->end.error = w->clocks.stop;
	outcome->job = w->run.assign.job.id;
	outcome->epoch = w->run.assign.job.epoch;
	outcome->end.wall_ms = now - w->clocks.started_at;
	outcome->end.output = w->clocks.output;
	outcome->ended_at = now;
	message_free(&w->run.message);
	if (w->unwanted) {
		memset(outcome, 0, sizeof *outcome);
		w->idle_at = now;
	} else {
		worker_send_outcome(w, now);
	}
	if (!w->leaving)
		job_spare_make(&w->spare, w->runner, w->name, w->self.pid, w->shared, w->fd);
}

static void
worker_tick(struct worker *w, int64_t now)
{
	if (worker_terminated && !w->runner->in_process && !w->leaving)
		worker_give_up(w, "the worker was told to end", now);
	if (w->running)
		clocks_tick(&w->clocks, now);
	if (w->running && now >= w->beat_at)
		worker_beat(w, now);
	if (w->fd == -1 && now >= w->connect_at)
		worker_connect(w, now);
	if (w->outcome.job != 0 && now >= w->outcome.repeat_at)
		worker_send_outcome(w, now);
	if (w->running)
		return;
	if (w->outcome.job != 0 && w->fd == -1 && now - w->outcome.ended_at >= WORKER_KEEP_MS) {
		log_printf(&w->log, DROVER_WARN,
		    "no core took the outcome of job %llu within 10 minutes: this worker drops it "
		    "and ends",
		    (unsigned long long)w->outcome.job);
		memset(&w->outcome, 0, sizeof w->outcome);
		w->leaving = true;
	}
	if (w->outcome.job != 0)
		return;
	if ((w->fd == -1 && now - w->lost_at >= WORKER_ALONE_MS) ||
	    now - w->idle_at >= WORKER_IDLE_MS)
		w->leaving = true;
}

static int64_t
worker_next(const struct worker *w)
{
	int64_t next = INT64_MAX;

#define WORKER_SOONER(at) do { if ((at) < next) next = (at); } while (0)
	if (w->running) {
		WORKER_SOONER(clocks_next(&w->clocks));
		WORKER_SOONER(w->beat_at);
	} else if (w->outcome.job != 0) {
		WORKER_SOONER(w->outcome.repeat_at);
	} else {
		WORKER_SOONER(w->idle_at + WORKER_IDLE_MS);
		if (w->fd == -1)
			WORKER_SOONER(w->lost_at + WORKER_ALONE_MS);
	}
	if (w->fd == -1)
		WORKER_SOONER(w->connect_at);
#undef WORKER_SOONER
	return next;
}

static void
worker_wait(struct worker *w)
{
	struct pollfd fds[2] = { { .fd = w->fd, .events = POLLIN },
		{ .fd = w->running ? w->run.ended : -1, .events = POLLIN } };
	int64_t now = clock_mono(), next = worker_next(w), left = next <= now ? 0 : next - now;
	struct timespec wait = { .tv_sec = (time_t)(left / 1000),
		.tv_nsec = (long)(left % 1000) * 1000000 };
	int n;

	n = ppoll(fds, 2, next == INT64_MAX ? NULL : &wait,
	    w->runner->in_process ? NULL : &w->waiting);
	now = clock_mono();
	if (n > 0 && fds[1].revents != 0)
		worker_finish(w, now);
	if (n > 0 && fds[0].revents != 0 && w->fd == fds[0].fd)
		worker_receive(w, now);
}

int
worker_main(const struct runner *runner, const char *name, const char *token)
{
	struct worker w = { .runner = runner,
		.name = name,
		.token = token,
		.fd = -1,
		.backoff_ms = WORKER_BACKOFF_MIN_MS };
	int64_t now = clock_mono();

	w.log = (struct log_scope){ .part = "worker",
		.plugin = runner->image.plugin.name,
		.worker = name };
	w.shared =
	    mmap(NULL, sizeof *w.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(w.shared != MAP_FAILED);
	worker_become(&w);
	MUST(proc_identify(getpid(), &w.self) == 0);
	w.connect_at = w.lost_at = w.idle_at = now;
	for (;;) {
		worker_tick(&w, clock_mono());
		if (w.leaving && !w.running && w.outcome.job == 0)
			break;
		worker_wait(&w);
	}
	job_spare_drop(&w.spare);
	if (w.fd != -1)
		close(w.fd);
	cgroup_free(w.cgroup);
	(void)munmap(w.shared, sizeof *w.shared);
	return 0;
}
