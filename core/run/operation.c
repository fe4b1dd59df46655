/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of an operation, a hook or a listener. It may block, because no
 * other part of the plugin waits for it. A table row for each of the three says
 * how the plugin is called and how the answer is sent. If the process dies
 * without an answer, the runner answers in its place.
 */
#include <sys/pidfd.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "host/scope.h"
#include "run/crash.h"
#include "run/operation.h"
#include "run/runner_source.h"
#include "run/services.h"

#define OPERATION_TIMEOUT_MS 60000
#define OPERATION_PATIENCE_MS 10000
#define OPERATION_SWEEP_MS 1000

struct operation_row {
	enum message_type type;
	enum scope_role role;
	const char *part;                /* part of the log lines */
	const char *callback;            /* name of the callback, such as "call" */
	bool lasts;
	/*
	 * Calls the plugin and returns 0 or a class. If it sends its answer
	 * itself, it sets scope->replied.
	 */
	int (*run)(struct operation *, struct scope *, struct error *);
	/*
	 * Sends `why` as the answer. Returns -1 with `err` filled in if the
	 * core did not take it.
	 */
	int (*answer)(struct link *, const struct message *request, const struct error *why,
	    struct error *err);
};

static int operation_call(struct operation *, struct scope *, struct error *);
static int operation_hook(struct operation *, struct scope *, struct error *);
static int operation_listen(struct operation *, struct scope *, struct error *);
static int operation_answer_call(struct link *, const struct message *, const struct error *,
    struct error *);
static int operation_answer_hook(struct link *, const struct message *, const struct error *,
    struct error *);
static int operation_answer_listen(struct link *, const struct message *, const struct error *,
    struct error *);
static const struct operation_row *operation_row(enum message_type);
static const struct drover_operation *operation_find(const struct runner *, const char *name);
static int operation_hook_body(struct operation *, struct link *, struct buf *, struct error *);
static struct drover_field *operation_hook_headers(const cJSON *headers, uint64_t *len);
static struct link *operation_link(const struct runner *, const struct message *request);
static void operation_carry_out(struct operation *);
static void *operation_thread(void *);
static void operation_free(struct operation *);
/*
 * Sends an error as the answer of an operation that could not be started or
 * that has died.
 */
static void operation_refuse(const struct operation *, const struct error *);

static const struct operation_row rows[] = {
	{ MESSAGE_OPERATION_CALL, SCOPE_OPERATION, "operation", "call", false, operation_call,
	    operation_answer_call },
	{ MESSAGE_HOOK_CALL, SCOPE_HOOK, "hook", "hook", false, operation_hook,
	    operation_answer_hook },
	{ MESSAGE_LISTEN_START, SCOPE_LISTENER, "listener", "listen", true, operation_listen,
	    operation_answer_listen },
};

static const struct operation_row *
operation_row(enum message_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].type == type)
			return &rows[i];
	}
	return NULL;
}

bool
operation_is(enum message_type type)
{
	return operation_row(type) != NULL;
}

static const struct drover_operation *
operation_find(const struct runner *runner, const char *name)
{
	for (int i = 0; i < runner->image.operations_len; i++) {
		if (strcmp(runner->image.operations[i].name, name) == 0)
			return &runner->image.operations[i];
	}
	return NULL;
}

static int
operation_answer_call(struct link *link, const struct message *request, const struct error *why,
    struct error *err)
{
	struct message_out out;

	message_begin(&out, MESSAGE_OPERATION_REPLY, link_id(link));
	message_put_u(&out, message_u(request, "call"));
	message_put_error(&out, why);
	message_put_b(&out, "", 0);
	return link_ask(link, &out, 0, NULL, err);
}

static int
operation_answer_hook(struct link *link, const struct message *request, const struct error *why,
    struct error *err)
{
	struct message_out out;

	message_begin(&out, MESSAGE_HOOK_REPLY, link_id(link));
	message_put_u(&out, message_u(request, "call"));
	message_put_i(&out, why->code);
	message_put_s(&out, why->text);
	message_put_u(&out, 0);
	message_put_s(&out, "");
	message_put_s(&out, "");
	message_put_s(&out, "");
	return link_ask(link, &out, 0, NULL, err);
}

static int
operation_answer_listen(struct link *link, const struct message *request, const struct error *why,
    struct error *err)
{
	struct message_out out;

	message_begin(&out, MESSAGE_LISTEN_ENDED, link_id(link));
	message_put_u(&out, message_u(request, "call"));
	message_put_error(&out, why);
	return link_ask(link, &out, 0, NULL, err);
}

static struct link *
operation_link(const struct runner *runner, const struct message *request)
{
	return link_new(runner->core_socket, 0, message_u(request, "call"),
	    message_s(request, "token"), OPERATION_PATIENCE_MS);
}

static int
operation_call(struct operation *op, struct scope *scope, struct error *err)
{
	const char *name = message_s(&op->request, "operation"), *bytes;
	const struct drover_operation *operation = operation_find(op->runner, name);
	size_t len;

	if (operation == NULL) {
		error_set(err, DROVER_PERMANENT, "plugin %s has no operation %s",
		    op->runner->image.plugin.name, name);
		return err->code;
	}
	scope->log.kind = name;
	bytes = message_b(&op->request, "request", &len);
	crash_at("call", "operation", name);
	return operation->call(&scope->public, op->runner->state, bytes, len,
	    (struct drover_error *)err);
}

/*
 * Collects the body of a delivery. What does not fit the first message is
 * fetched in pieces, because a socket's buffer may be far smaller than a
 * delivery.
 */
static int
operation_hook_body(struct operation *op, struct link *link, struct buf *body, struct error *err)
{
	uint64_t want = message_u(&op->request, "len");
	struct message_out ask;
	struct message reply;
	const char *bytes;
	size_t len;

	bytes = message_b(&op->request, "body", &len);
	buf_add(body, bytes, len);
	while (body->len < want) {
		message_begin(&ask, MESSAGE_HOOK_BODY, link_id(link));
		message_put_u(&ask, body->len);
		if (link_ask(link, &ask, 0, &reply, err) != 0)
			return -1;
		bytes = message_b(&reply, "data", &len);
		buf_add(body, bytes, len);
		message_free(&reply);
		if (len == 0)
			return error_set(err, DROVER_INTERNAL,
			    "the core no longer has the rest of the delivery's body");
	}
	return 0;
}

/* The strings of the fields are borrowed from headers. */
static struct drover_field *
operation_hook_headers(const cJSON *headers, uint64_t *len)
{
	struct drover_field *fields =
	    xcalloc((size_t)cJSON_GetArraySize(headers) + 1, sizeof *fields);
	const cJSON *one;

	*len = 0;
	cJSON_ArrayForEach(one, headers) {
		const cJSON *name = cJSON_GetArrayItem(one, 0), *value = cJSON_GetArrayItem(one, 1);

		if (cJSON_IsString(name) && cJSON_IsString(value))
			fields[(*len)++] =
			    (struct drover_field){ name->valuestring, value->valuestring };
	}
	return fields;
}

static int
operation_hook(struct operation *op, struct scope *scope, struct error *err)
{
	const struct drover_plugin *plugin = &op->runner->image.plugin;
	struct drover_delivery delivery = { .size = sizeof delivery };
	struct drover_receipt receipt = { .size = sizeof receipt };
	struct drover_field *fields = NULL;
	struct buf body = BUF_INIT;
	struct message_out out;
	const char *text = message_s(&op->request, "headers");
	cJSON *headers = json_parse(text, strlen(text), MESSAGE_MAX, err);
	int code = DROVER_INTERNAL;

	if (headers == NULL || operation_hook_body(op, scope->link, &body, err) != 0)
		goto out;
	if (plugin->hook == NULL) {
		error_set(err, DROVER_PERMANENT, "plugin %s has no hook", plugin->name);
		code = err->code;
		goto out;
	}
	fields = operation_hook_headers(headers, &delivery.headers_len);
	delivery.headers = fields;
	delivery.body = buf_str(&body);
	delivery.body_len = body.len;
	crash_at("hook", "plugin", plugin->name);
	code = plugin->hook(&scope->public, op->runner->state, &delivery, &receipt,
	    (struct drover_error *)err);
	if (code < 0)
		goto out;
	receipt.id[sizeof receipt.id - 1] = receipt.type[sizeof receipt.type - 1] =
	    receipt.body[sizeof receipt.body - 1] = '\0';
	message_begin(&out, MESSAGE_HOOK_REPLY, link_id(scope->link));
	message_put_u(&out, message_u(&op->request, "call"));
	message_put_i(&out, DROVER_OK);
	message_put_s(&out, "");
	message_put_u(&out, receipt.status > 0 ? (uint64_t)receipt.status : 0);
	message_put_s(&out, receipt.id);
	message_put_s(&out, receipt.type);
	message_put_s(&out, receipt.body);
	scope->replied = link_ask(scope->link, &out, 0, NULL, err) == 0;
	code = scope->replied ? DROVER_OK : err->code;
out:
	free(fields);
	cJSON_Delete(headers);
	buf_free(&body);
	return code;
}

static int
operation_listen(struct operation *op, struct scope *scope, struct error *err)
{
	const char *name = message_s(&op->request, "source");
	struct runner_source *source = runner_source_find(op->runner, name);

	if (source == NULL || source->source->listen == NULL) {
		error_set(err, DROVER_CONFIG, "plugin %s has no source %s that listens",
		    op->runner->image.plugin.name, name);
		return err->code;
	}
	scope->log.source = source->name;
	scope->options = source->options;
	scope->cancelled = &op->runner->stopping;
	crash_at("listen", "source", source->name);
	return source->source->listen(&scope->public, source->state, (struct drover_error *)err);
}

static void
operation_carry_out(struct operation *op)
{
	const struct runner *runner = op->runner;
	struct error err = { 0 }, lost = { 0 };
	struct scope scope;
	int code;

	scope_init(&scope, op->row->role, &plugin_services);
	scope.log =
	    (struct log_scope){ .part = op->row->part, .plugin = runner->image.plugin.name };
	scope.config = runner->config;
	scope.sources = runner->image.sources;
	scope.sources_len = runner->image.sources_len;
	scope.plugin_options = runner->options;
	scope.link = operation_link(runner, &op->request);
	scope.call = message_u(&op->request, "call");
	if (!op->lasts)
		scope.deadline_ms = clock_mono() + message_i(&op->request, "timeout");
	code = op->row->run(op, &scope, &err);
	if (code >= 0)
		memset(&err, 0, sizeof err);
	else
		err.code = code < DROVER_INTERNAL ? DROVER_INTERNAL : code;
	err.text[sizeof err.text - 1] = '\0';
	/*
	 * A listener may return DROVER_CONFIG without a text: it means that
	 * listening is not configured, which is no fault.
	 */
	if (code < 0 && err.text[0] == '\0' && !(op->lasts && err.code == DROVER_CONFIG))
		error_set(&err, err.code, "%s() failed (%s) and gave no reason", op->row->callback,
		    error_class_name(err.code));
	/* A core that could not be reached is told again, by the runner. */
	op->shared->done = scope.replied ||
	    op->row->answer(scope.link, &op->request, &err, &lost) == 0 ||
	    lost.code != DROVER_AGAIN;
	op->shared->error = code < 0 ? err : lost;
	scope_end(&scope);
	link_free(scope.link);
}

static void *
operation_thread(void *arg)
{
	struct operation *op = arg;
	struct runner *runner = op->runner;

	operation_carry_out(op);
	if (op->lasts)
		(void)atomic_fetch_sub(&runner->listening, 1);
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
	(void)munmap(op->shared, sizeof *op->shared);
	free(op);
}

int
operation_start(struct runner *runner, struct message *request, struct operation **out,
    struct error *err)
{
	struct operation *op = xcalloc(1, sizeof *op);
	int64_t timeout;
	pthread_t thread;

	*out = NULL;
	op->runner = runner;
	op->ended = -1;
	op->row = operation_row(request->type);
	op->lasts = op->row->lasts;
	timeout = op->lasts ? 0 : message_i(request, "timeout");
	op->kill_at =
	    op->lasts ? INT64_MAX : clock_mono() + (timeout > 0 ? timeout : OPERATION_TIMEOUT_MS);
	op->shared = mmap(NULL, sizeof *op->shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(op->shared != MAP_FAILED);
	op->request = *request;
	memset(request, 0, sizeof *request);
	if (runner->in_process) {
		(void)atomic_fetch_add(&runner->refs, 1);
		(void)atomic_fetch_add(&runner->listening, op->lasts ? 1 : 0);
		if ((errno = pthread_create(&thread, NULL, operation_thread, op)) == 0) {
			(void)pthread_detach(thread);
			return 0;
		}
		(void)atomic_fetch_sub(&runner->refs, 1);
		(void)atomic_fetch_sub(&runner->listening, op->lasts ? 1 : 0);
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
		crash_share(op->shared->crash, sizeof op->shared->crash);
		operation_carry_out(op);
		(void)proc_sweep_children(OPERATION_SWEEP_MS);
		_exit(0);
	}
	if ((op->ended = pidfd_open(op->pid, 0)) != -1) {
		*out = op;
		return 0;
	}
	error_errno(err, DROVER_INTERNAL, "cannot watch the operation's process");
	(void)kill(op->pid, SIGKILL); /* our own child, not reaped yet */
	proc_reap(op->pid, NULL);
fail:
	operation_refuse(op, err);
	operation_free(op);
	return -1;
}

static void
operation_refuse(const struct operation *op, const struct error *why)
{
	struct link *link = operation_link(op->runner, &op->request);
	struct error lost = { 0 };

	if (op->row->answer(link, &op->request, why, &lost) == -1 && lost.code != DROVER_FENCED)
		log_printf(&op->runner->scope->log, DROVER_ERR,
		    "cannot tell the core how the %s ended: %s", op->row->part, lost.text);
	link_free(link);
}

void
operation_kill(struct operation *op)
{
	/* Stopped first, it starts nothing while its commands are killed. */
	(void)pidfd_send_signal(op->ended, SIGSTOP, NULL, 0);
	(void)proc_signal_tree(op->pid, SIGKILL);
	(void)pidfd_send_signal(op->ended, SIGKILL, NULL, 0);
}

void
operation_end(struct operation *op, const char *stopped)
{
	struct job_shared *shared = op->shared;
	struct error err = { 0 };
	int status = 0;

	proc_reap(op->pid, &status);
	shared->crash[sizeof shared->crash - 1] = '\0';
	/* The core does not wait for a listener that its runner stopped. */
	if (!shared->done && !(op->lasts && (stopped != NULL || op->runner->stopping))) {
		if (stopped != NULL)
			error_set(&err, DROVER_AGAIN, "%s", stopped);
		else if (shared->error.code != DROVER_OK)
			err = shared->error;
		else if (WIFSIGNALED(status) && shared->crash[0] != '\0')
			error_set(&err, DROVER_INTERNAL, "%s (%s)", shared->crash,
			    strsignal(WTERMSIG(status)));
		else if (WIFSIGNALED(status))
			error_set(&err, DROVER_INTERNAL,
			    "the %s's process was ended by signal %d (%s)", op->row->part,
			    WTERMSIG(status), strsignal(WTERMSIG(status)));
		else
			error_set(&err, DROVER_INTERNAL,
			    "the plugin ended the process (exit status %d) instead of returning "
			    "from %s()",
			    WEXITSTATUS(status), op->row->callback);
		operation_refuse(op, &err);
	}
	operation_free(op);
}
