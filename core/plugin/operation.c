/* SPDX-License-Identifier: Apache-2.0 */
/* An operation's process: it may block, and nothing else of the plugin waits for it. Dying without an answer is an answer too. */
#include <sys/syscall.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/proc.h"
#include "host/scope.h"
#include "plugin/crash.h"
#include "plugin/operation.h"

#define OPERATION_TIMEOUT_MS 60000
#define OPERATION_PATIENCE_MS 10000
#define OPERATION_SWEEP_MS 1000

static const struct drover_operation *operation_find(const struct runner *, const char *name);
static void operation_answer(struct link *, const struct message *request, int code, const struct error *);
static void operation_carry_out(struct operation *);
static void *operation_thread(void *);
static void operation_free(struct operation *);
/* Answers for a call that could not be begun. */
static void operation_refuse(const struct runner *, const struct message *request, const struct error *);

static const struct drover_operation *
operation_find(const struct runner *runner, const char *name)
{
	for (int i = 0; i < runner->image.operations_len; i++) {
		if (strcmp(runner->image.operations[i].name, name) == 0)
			return &runner->image.operations[i];
	}
	return NULL;
}

static void
operation_answer(struct link *link, const struct message *request, int code, const struct error *why)
{
	struct message_out out;
	struct error err = { 0 };

	message_begin(&out, MESSAGE_OPERATION_REPLY, link_id(link));
	message_put_u(&out, message_u(request, "call"));
	message_put_i(&out, code);
	message_put_i(&out, why != NULL ? why->retry_after_ms : 0);
	message_put_s(&out, why != NULL ? why->text : "");
	message_put_b(&out, "", 0);
	(void)link_ask(link, &out, 0, NULL, &err);
}

static struct link *
operation_link(const struct runner *runner, const struct message *request)
{
	return link_new(runner->core_socket, 0, message_u(request, "call"), message_s(request, "token"), OPERATION_PATIENCE_MS);
}

static void
operation_carry_out(struct operation *op)
{
	const struct runner *runner = op->runner;
	const char *name = message_s(&op->request, "operation"), *bytes;
	const struct drover_operation *operation = operation_find(runner, name);
	struct error err = { 0 };
	struct scope scope;
	size_t len;
	int code;

	scope_init(&scope, SCOPE_OPERATION);
	scope.log = (struct log_scope){ .part = "operation", .plugin = runner->image.plugin.name, .kind = name };
	scope.config = runner->config;
	scope.plugin_options = runner->options;
	scope.link = operation_link(runner, &op->request);
	scope.call = message_u(&op->request, "call");
	scope.deadline_ms = clock_mono() + message_i(&op->request, "timeout");
	bytes = message_b(&op->request, "request", &len);
	if (operation == NULL) {
		code = DROVER_PERMANENT;
		error_set(&err, code, "plugin %s has no operation %s", runner->image.plugin.name, name);
	} else {
		crash_at("call", "operation", name);
		code = operation->call(&scope.public, runner->state, bytes, len, (struct drover_error *)&err);
	}
	if (code < 0 && err.text[0] == '\0')
		error_set(&err, code, "the operation failed and gave no reason");
	if (!scope.replied)
		operation_answer(scope.link, &op->request, code < 0 ? code : DROVER_OK, code < 0 ? &err : NULL);
	op->report->done = 1;
	scope_end(&scope);
	link_free(scope.link);
}

static void *
operation_thread(void *arg)
{
	struct operation *op = arg;
	struct runner *runner = op->runner;

	operation_carry_out(op);
	operation_free(op);
	runner_release(runner);
	return NULL;
}

static void
operation_free(struct operation *op)
{
	message_free(&op->request);
	if (op->ended != -1)
		close(op->ended);
	(void)munmap(op->report, sizeof *op->report);
	free(op);
}

int
operation_start(struct runner *runner, struct message *request, struct operation **out, struct error *err)
{
	struct operation *op = xcalloc(1, sizeof *op);
	int64_t timeout = message_i(request, "timeout");
	pthread_t thread;

	*out = NULL;
	op->runner = runner;
	op->ended = -1;
	op->kill_at = clock_mono() + (timeout > 0 ? timeout : OPERATION_TIMEOUT_MS);
	op->report = mmap(NULL, sizeof *op->report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(op->report != MAP_FAILED);
	op->request = *request;
	memset(request, 0, sizeof *request);
	if (runner->in_process) {
		(void)atomic_fetch_add(&runner->refs, 1);
		if ((errno = pthread_create(&thread, NULL, operation_thread, op)) == 0) {
			(void)pthread_detach(thread);
			return 0;
		}
		(void)atomic_fetch_sub(&runner->refs, 1);
		error_errno(err, DROVER_AGAIN, "cannot start a thread for the operation");
		goto fail;
	}
	if ((op->pid = fork()) == -1) {
		error_errno(err, DROVER_AGAIN, "cannot fork for the operation");
		goto fail;
	}
	if (op->pid == 0) {
		runner_detach(runner);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
		crash_share(op->report->crash, sizeof op->report->crash);
		operation_carry_out(op);
		(void)proc_sweep_children(OPERATION_SWEEP_MS);
		_exit(0);
	}
	if ((op->ended = (int)syscall(SYS_pidfd_open, op->pid, 0)) != -1) {
		*out = op;
		return 0;
	}
	error_errno(err, DROVER_INTERNAL, "cannot watch the operation's process");
	(void)kill(op->pid, SIGKILL); /* our own child, not yet reaped */
	(void)waitpid(op->pid, NULL, 0);
fail:
	operation_refuse(runner, &op->request, err);
	operation_free(op);
	return -1;
}

static void
operation_refuse(const struct runner *runner, const struct message *request, const struct error *why)
{
	struct link *link = operation_link(runner, request);

	operation_answer(link, request, why->code, why);
	link_free(link);
}

void
operation_kill(struct operation *op)
{
	(void)syscall(SYS_pidfd_send_signal, op->ended, SIGKILL, NULL, 0);
}

void
operation_end(struct operation *op, const char *stopped)
{
	struct job_report *report = op->report;
	struct error err = { 0 };
	int status = 0;

	while (waitpid(op->pid, &status, 0) == -1 && errno == EINTR)
		;
	report->crash[sizeof report->crash - 1] = '\0';
	if (!report->done) {
		if (stopped != NULL)
			error_set(&err, DROVER_AGAIN, "%s", stopped);
		else if (WIFSIGNALED(status) && report->crash[0] != '\0')
			error_set(&err, DROVER_INTERNAL, "%s (%s)", report->crash, strsignal(WTERMSIG(status)));
		else if (WIFSIGNALED(status))
			error_set(&err, DROVER_INTERNAL, "the operation's process was ended by signal %d (%s)", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
		else
			error_set(&err, DROVER_INTERNAL, "the plugin ended the process (exit status %d) instead of returning from call()",
			    WEXITSTATUS(status));
		operation_refuse(op->runner, &op->request, &err);
	}
	operation_free(op);
}
