/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job's process: a fork of its worker that calls the pipeline's run() and
 * reports the outcome through shared memory. Its exit status is ignored, so if
 * a plugin ends the process the attempt has failed, whatever status it chose.
 */
#include <sys/pidfd.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/secrets.h"
#include "base/text.h"
#include "host/scope.h"
#include "run/cgroup.h"
#include "run/crash.h"
#include "run/job.h"
#include "run/services.h"

#define JOB_SWEEP_MS 1000
#define JOB_REAP_MS 10000
#define JOB_LINK_PATIENCE_MS (10 * 60 * 1000)

static void job_on_term(int);
static int job_pipeline(const struct runner *, const char *kind);
static int job_carry_out(struct job_run *, volatile sig_atomic_t *cancelled, struct drover_error *);
static void job_share_outcome(struct job_run *, int code, const struct drover_error *);
static void job_process(struct job_run *) __attribute__((noreturn));
static void job_apart(int core_fd);
static void job_await(const struct job_spare *, struct job_run *) __attribute__((noreturn));
static bool job_hand_over(struct job_run *, struct job_spare *);
static void *job_thread(void *);
static void job_sweep(const struct job_run *);
static void job_read_error(const struct job_run *, int status, struct error *);

/*
 * Set by the signal handler below, which has no argument. A job's process has
 * one job only.
 */
static volatile sig_atomic_t job_cancelled;

static void
job_on_term(int number)
{
	job_cancelled = 1;
}

/*
 * The index of the pipeline for a kind such as "inbox.ticket"; -1 if the plugin
 * has no such pipeline.
 */
static int
job_pipeline(const struct runner *runner, const char *kind)
{
	const struct plugin_image *image = &runner->image;
	size_t len = strlen(image->plugin.name);

	if (strncmp(kind, image->plugin.name, len) != 0 || kind[len] != '.')
		return -1;
	for (int i = 0; i < image->pipelines_len; i++) {
		if (strcmp(image->pipelines[i].name, kind + len + 1) == 0)
			return i;
	}
	return -1;
}

void
job_take(struct job_run *run, struct message *m)
{
	run->message = *m;
	memset(m, 0, sizeof *m);
	JOB_ASSIGN_FIELDS(FIELD_GET, &run->message, &run->assign);
	run->assign.job.size = sizeof run->assign.job;
}

/*
 * Calls run(). Returns the class that the attempt ends with; the reason is in
 * out.
 */
static int
job_carry_out(struct job_run *run, volatile sig_atomic_t *cancelled, struct drover_error *out)
{
	const struct runner *runner = run->runner;
	const struct drover_job *job = &run->assign.job;
	const struct config_pipeline *configured = config_pipeline(runner->config, job->kind);
	const struct drover_pipeline *pipeline;
	struct error err = { 0 };
	struct scope scope;
	int index, code;

	if ((index = job_pipeline(runner, job->kind)) == -1) {
		error_set(&err, DROVER_CONFIG, "plugin %s has no pipeline for kind %s",
		    runner->image.plugin.name, job->kind);
		return scope_fail(out, &err);
	}
	pipeline = &runner->image.pipelines[index];
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.log = (struct log_scope){ .part = "job",
		.plugin = runner->image.plugin.name,
		.trace = job->trace,
		.kind = job->kind,
		.key = job->key,
		.worker = run->worker,
		.job = job->id,
		.attempt = job->attempt };
	scope.config = runner->config;
	scope.sources = runner->image.sources;
	scope.sources_len = runner->image.sources_len;
	scope.options = runner->pipeline_options[index];
	scope.plugin_options = runner->options;
	scope.job = job;
	scope.agent = job->agent[0] == '\0' && configured != NULL && configured->agent != NULL ?
	    configured->agent :
	    job->agent;
	scope.cancelled = cancelled;
	scope.owner = run->owner;
	scope.reaps = !runner->in_process;
	if (run->assign.timeout_ms > 0)
		scope.deadline_ms = clock_mono() + run->assign.timeout_ms;
	scope.link = link_new(runner->core_socket, job->id, job->epoch, run->assign.token,
	    JOB_LINK_PATIENCE_MS);
	if (run->assign.output[0] != '\0')
		scope.output_path = run->assign.output;
	crash_at("run", "pipeline", job->kind);
	code = pipeline->run(&scope.public, runner->state, job, out);
	(void)link_tell_secrets(scope.link, NULL);
	scope_end(&scope);
	link_free(scope.link);
	if (scope.output != -1)
		close(scope.output);
	return code;
}

static void
job_share_outcome(struct job_run *run, int code, const struct drover_error *error)
{
	struct job_shared *shared = run->shared;

	if (code < DROVER_OK) {
		shared->error.code = code < DROVER_INTERNAL ? DROVER_INTERNAL : code;
		shared->error.retry_after_ms =
		    error->retry_after_ms > 0 ? error->retry_after_ms : 0;
		(void)snprintf(shared->error.text, sizeof shared->error.text, "%.*s",
		    DROVER_ERROR_MAX - 1,
		    error->text[0] != '\0' ? error->text :
					     "the pipeline failed and gave no reason");
		(void)secrets_hide_text(shared->error.text, sizeof shared->error.text);
	}
	__atomic_signal_fence(__ATOMIC_RELEASE);
	shared->done = 1;
}

/*
 * The first thing that a fork of the worker does. What a command of the job
 * leaves behind becomes a child of this process, which ends it (exec.c).
 */
static void
job_apart(int core_fd)
{
	/*
	 * The worker keeps the job's clocks, so the job ends with its worker.
	 */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (core_fd != -1)
		close(core_fd);
}

/*
 * Waits for the assignment and then becomes the job's process. SIGTERM stays
 * blocked, as in the worker, until there is a job to cancel.
 */
static void
job_await(const struct job_spare *spare, struct job_run *run)
{
	struct message m;
	struct error err;

	if (message_recv(spare->assign, &m, &err) != 1)
		_exit(0);
	close(spare->assign);
	job_take(run, &m);
	job_process(run);
}

void
job_spare_make(struct job_spare *spare, const struct runner *runner, const char *worker,
    int32_t owner, struct job_shared *shared, int core_fd)
{
	struct job_run run = { .runner = runner,
		.worker = worker,
		.owner = owner,
		.shared = shared };
	int fds[2];

	if (spare->pid != 0 || runner->in_process || message_pair(fds, NULL) == -1)
		return;
	spare->assign = fds[1];
	if ((spare->pid = fork()) == 0) {
		job_apart(core_fd);
		close(fds[0]);
		job_await(spare, &run);
	}
	close(fds[1]);
	spare->assign = fds[0];
	if (spare->pid != -1 && (spare->ended = pidfd_open(spare->pid, 0)) != -1)
		return;
	close(spare->assign);
	if (spare->pid != -1)
		proc_reap(spare->pid, NULL);
	spare->pid = 0;
}

void
job_spare_drop(struct job_spare *spare)
{
	if (spare->pid == 0)
		return;
	(void)pidfd_send_signal(spare->ended, SIGKILL, NULL, 0);
	close(spare->assign);
	proc_reap(spare->pid, NULL);
	close(spare->ended);
	spare->pid = 0;
}

/*
 * Gives the assignment to the spare process, which then is the job's. Returns
 * false if the spare is dead, or if its socket does not take an assignment of
 * this size; the spare is dropped in both cases.
 */
static bool
job_hand_over(struct job_run *run, struct job_spare *spare)
{
	const struct buf *bytes = &run->message.bytes;

	if (spare->pid == 0)
		return false;
	if (send(spare->assign, bytes->data, bytes->len, MSG_NOSIGNAL) != (ssize_t)bytes->len) {
		job_spare_drop(spare);
		return false;
	}
	close(spare->assign);
	run->pid = spare->pid;
	run->ended = spare->ended;
	spare->pid = 0;
	return true;
}

static void
job_process(struct job_run *run)
{
	struct sigaction action = { .sa_handler = job_on_term };
	struct drover_error error = { 0 };
	sigset_t none;

	crash_share(run->shared->crash, sizeof run->shared->crash);
	job_cancelled = 0;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	job_share_outcome(run, job_carry_out(run, &job_cancelled, &error), &error);
	_exit(0);
}

static void *
job_thread(void *arg)
{
	struct job_run *run = arg;
	struct drover_error error = { 0 };
	uint64_t one = 1;

	job_share_outcome(run, job_carry_out(run, &run->cancelled, &error), &error);
	MUST(write(run->ended, &one, sizeof one) == (ssize_t)sizeof one);
	return NULL;
}

int
job_start(struct job_run *run, struct job_spare *spare, int core_fd, struct error *err)
{
	memset(run->shared, 0, sizeof *run->shared);
	run->cancelled = 0;
	run->pid = 0;
	if (run->runner->in_process) {
		if ((run->ended = eventfd(0, EFD_CLOEXEC)) == -1)
			return error_errno(err, DROVER_INTERNAL, "cannot make an eventfd");
		if ((errno = pthread_create(&run->thread, NULL, job_thread, run)) == 0)
			return 0;
		error_errno(err, DROVER_AGAIN, "cannot start a thread for the job");
		close(run->ended);
		return -1;
	}
	if (job_hand_over(run, spare))
		return 0;
	if ((run->pid = fork()) == -1)
		return error_errno(err, DROVER_AGAIN, "cannot fork for the job");
	if (run->pid == 0) {
		job_apart(core_fd);
		job_process(run);
	}
	if ((run->ended = pidfd_open(run->pid, 0)) != -1)
		return 0;
	error_errno(err, DROVER_INTERNAL, "cannot watch the job's process");
	(void)proc_sweep_children(JOB_SWEEP_MS);
	return -1;
}

void
job_terminate(struct job_run *run)
{
	if (run->pid == 0)
		run->cancelled = 1;
	else
		(void)proc_signal_tree(getpid(), SIGTERM);
}

void
job_kill(struct job_run *run)
{
	if (run->pid == 0)
		return;
	(void)pidfd_send_signal(run->ended, SIGKILL, NULL, 0);
}

/*
 * Kills everything that the job has left behind, so that no process of one job
 * lives on into the next.
 */
static void
job_sweep(const struct job_run *run)
{
	struct log_scope log = { .part = "worker",
		.worker = run->worker,
		.job = run->assign.job.id };

	if (proc_sweep_children(JOB_SWEEP_MS) != -1)
		return;
	cgroup_sweep(run->cgroup);
	if (proc_sweep_children(JOB_SWEEP_MS) == -1)
		log_printf(&log, DROVER_WARN,
		    "processes of the job cannot be killed: they may be stuck in the kernel");
}

static void
job_read_error(const struct job_run *run, int status, struct error *err)
{
	const struct job_shared *shared = run->shared;

	if (shared->done)
		*err = shared->error;
	else if (WIFSIGNALED(status) && shared->crash[0] != '\0')
		error_set(err, DROVER_INTERNAL, "%.*s (%s)", (int)sizeof shared->crash - 1,
		    shared->crash, strsignal(WTERMSIG(status)));
	else if (WIFSIGNALED(status))
		error_set(err, DROVER_INTERNAL, "the job's process was ended by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		error_set(err, DROVER_INTERNAL,
		    "the plugin ended the process (exit status %d) instead of returning from run()",
		    WEXITSTATUS(status));
}

void
job_reap(struct job_run *run, struct job_outcome *outcome)
{
	struct rusage usage = { 0 };
	int status = 0;

	memset(outcome, 0, sizeof *outcome);
	if (run->pid == 0) {
		(void)pthread_join(run->thread, NULL);
	} else {
		if (proc_reap_ended(run->pid, true, JOB_REAP_MS, &status, &usage) != 0)
			log_printf(&(struct log_scope){ .part = "worker",
				       .worker = run->worker,
				       .job = run->assign.job.id },
			    DROVER_WARN, "cannot find out how the job's process %d ended: %s",
			    (int)run->pid, strerror(errno));
		outcome->cpu_ms = (int64_t)usage.ru_utime.tv_sec * 1000 +
		    usage.ru_utime.tv_usec / 1000 + (int64_t)usage.ru_stime.tv_sec * 1000 +
		    usage.ru_stime.tv_usec / 1000;
		outcome->rss = (int64_t)usage.ru_maxrss * 1024;
		job_sweep(run);
	}
	job_read_error(run, status, &outcome->error);
	close(run->ended);
	run->ended = -1;
}
