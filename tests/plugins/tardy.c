/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin for the end-to-end tests: an operation that answers late, a job that
 * waits for it, and a source whose payload is no text.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <drover/plugin.h>

static const struct drover_option options[] = {
	{ "gate", DROVER_PATH, DROVER_REQUIRED, NULL, "File for which tardy.wait waits." },
	{ "settled", DROVER_PATH, DROVER_REQUIRED, NULL,
	    "File that gets the payload of a job that has ended." },
	{ "broken", DROVER_BOOL, 0, "false", "Whether open() fails." },
	{ NULL, 0, 0, NULL, NULL },
};

static const char payload[] = { 'a', '\0', 'b', '\377' };

static int
tardy_open(struct drover_scope *scope, void **plugin, struct drover_error *err)
{
	if (!scope->host->option->integer(scope, "broken"))
		return 0;
	err->code = DROVER_AGAIN;
	snprintf(err->text, sizeof(err->text), "the other side is not there yet");
	return DROVER_AGAIN;
}

static int
once_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	struct drover_item item = { .size = sizeof(item),
		.kind = "tardy.say",
		.key = "once",
		.payload = payload,
		.payload_len = sizeof(payload) };
	int code;

	if (cursor != NULL && *cursor != '\0')
		return 0;
	code = scope->host->queue->emit(scope, &item, err);
	return code == 0 ? scope->host->queue->cursor(scope, "done", err) : code;
}

static int
once_settle(struct drover_scope *scope, void *source, const struct drover_settled *job,
    struct drover_error *err)
{
	FILE *out = fopen(scope->host->option->string(scope, "settled"), "we");

	if (out == NULL)
		return DROVER_INTERNAL;
	fwrite(job->payload, 1, (size_t)job->payload_len, out);
	return fclose(out) == 0 ? 0 : DROVER_INTERNAL;
}

static int
say_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	return job->payload_len == sizeof(payload) &&
		memcmp(job->payload, payload, sizeof(payload)) == 0 ?
	    0 :
	    DROVER_PERMANENT;
}

static int
ask_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	char reply[16];
	int64_t len =
	    scope->host->call->call(scope, "tardy.wait", "{}", 2, reply, sizeof(reply), err);

	return len < 0 ? (int)len : 0;
}

static int
wait_call(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	const char *gate = scope->host->option->string(scope, "gate");
	const struct timespec moment = { 0, 20000000 };

	while (access(gate, F_OK) != 0)
		nanosleep(&moment, NULL);
	return scope->host->call->reply(scope, "\"late\"", 6, err);
}

static const struct drover_source once = {
	.size = sizeof(struct drover_source),
	.name = "once",
	.summary = "One job.",
	.interval_ms = 1000,
	.poll = once_poll,
	.settle = once_settle,
};
static const struct drover_pipeline say = {
	.size = sizeof(struct drover_pipeline),
	.name = "say",
	.summary = "Looks at its payload.",
	.run = say_run,
};
static const struct drover_pipeline ask = {
	.size = sizeof(struct drover_pipeline),
	.name = "ask",
	.summary = "Calls tardy.wait.",
	.run = ask_run,
};
static const struct drover_operation wait_for = {
	.size = sizeof(struct drover_operation),
	.name = "wait",
	.summary = "Answers once the gate is there.",
	.call = wait_call,
};

static const struct drover_source *const sources[] = { &once, NULL };
static const struct drover_pipeline *const pipelines[] = { &say, &ask, NULL };
static const struct drover_operation *const operations[] = { &wait_for, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.name = "tardy",
	.version = "0.1",
	.summary = "For tests: late, and not only text.",
	.options = options,
	.sources = sources,
	.pipelines = pipelines,
	.operations = operations,
	.open = tardy_open,
};
