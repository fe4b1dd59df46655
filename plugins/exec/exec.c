/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin exec: commands as jobs. The command of a job with a repository
 * runs in a worktree of its own, one that asks for scratch in an empty folder,
 * and any other in "/". A command that names what it works on needs no folder,
 * and making one would be most of the job's cost.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"

static int command_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);
static int command_allowed(struct drover_scope *, const char *, struct drover_error *);
static int command_folder(struct drover_scope *, const struct drover_job *, bool,
    struct drover_lease *, struct drover_error *);
static int command_diff(struct drover_scope *, uint64_t, struct drover_error *);
static int command_failed(struct drover_scope *, const char *, const struct drover_outcome *,
    struct drover_error *);

static const struct drover_option command_options[] = {
	{ "allow", DROVER_LIST, 0, NULL,
	    "Commands that may be run, as written in argv[0]; if empty, all." },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct drover_pipeline pipeline_command = {
	.size = sizeof(struct drover_pipeline),
	.name = "command",
	.summary = "Runs a command.",
	.options = command_options,
	.run = command_run,
};

static const struct drover_pipeline *const pipelines[] = { &pipeline_command, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.name = "exec",
	.version = "1.0",
	.summary = "Commands as jobs.",
	.pipelines = pipelines,
};

static int
command_allowed(struct drover_scope *scope, const char *name, struct drover_error *err)
{
	const struct drover_host_option *option = scope->host->option;
	size_t n = option->count(scope, "allow"), i;

	for (i = 0; i < n; i++)
		if (strcmp(option->item(scope, "allow", i), name) == 0)
			return 0;
	return n == 0 ? 0 :
			plugin_fail(err, DROVER_PERMANENT,
			    "%.200s: this command is not in the option \"allow\"", name);
}

/* Sets lease->path, and lease->handle if it is a worktree. */
static int
command_folder(struct drover_scope *scope, const struct drover_job *job, bool scratch,
    struct drover_lease *lease, struct drover_error *err)
{
	if (job->repo[0] != '\0')
		return scope->host->lease->acquire(scope, job->repo, NULL, lease, err);
	if (scratch)
		return scope->host->lease->scratch(scope, lease->path, sizeof(lease->path), err);
	memcpy(lease->path, "/", 2);
	return 0;
}

static int
command_diff(struct drover_scope *scope, uint64_t lease, struct drover_error *err)
{
	struct drover_diff diff = { .size = sizeof(diff) };
	char number[24];
	size_t i;

	if (scope->host->git->diff(scope, lease, &diff, err) != 0)
		return err->code;
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = { { "files", diff.files }, { "added", diff.added },
		{ "removed", diff.removed } };
	for (i = 0; i < ARRAY_LEN(numbers); i++) {
		snprintf(number, sizeof(number), "%" PRIu64, numbers[i].value);
		if (scope->host->queue->result(scope, numbers[i].key, number, err) != 0)
			return err->code;
	}
	return 0;
}

/* Fails with how the command ended and as much of its last output as fits. */
static int
command_failed(struct drover_scope *scope, const char *name, const struct drover_outcome *o,
    struct drover_error *err)
{
	char tail[DROVER_ERROR_MAX - 200], clean[sizeof(o->tail)], status[16], how[64];
	size_t len = text_clean(clean, sizeof(clean), o->tail, strnlen(o->tail, sizeof(o->tail)),
		   "\n\t"),
	       from = 0;

	if (o->timed_out)
		snprintf(how, sizeof(how), "stopped after its timeout");
	else if (o->signal != 0)
		snprintf(how, sizeof(how), "ended by signal %" PRId32, o->signal);
	else
		snprintf(how, sizeof(how), "exit status %" PRId32, o->status);
	snprintf(status, sizeof(status), "%" PRId32, o->status);
	if (scope->host->queue->result(scope, "exit", status, err) != 0)
		return err->code;
	while (len > 0 && strchr(" \t\n", clean[len - 1]) != NULL)
		len--;
	if (len >= sizeof(tail))
		for (from = len - sizeof(tail) + 1; ((unsigned char)clean[from] & 0xc0) == 0x80;)
			from++;
	memcpy(tail, clean + from, len - from);
	tail[len - from] = '\0';
	return plugin_fail(err, DROVER_INTERNAL, "%.100s: %s%s%s", name, how, len > 0 ? ": " : "",
	    tail);
}

static int
command_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	struct drover_lease folder = { .size = sizeof(folder) };
	struct drover_outcome outcome = { .size = sizeof(outcome) };
	struct drover_command command = { .size = sizeof(command) };
	struct request request;

	if (request_parse(&request, job->payload, job->payload_len, err) != 0 ||
	    command_allowed(scope, request.argv[0], err) != 0 ||
	    command_folder(scope, job, request.scratch, &folder, err) != 0)
		goto out;
	command.argv = request.argv;
	command.env = (const char *const *)request.env;
	command.cwd = folder.path;
	command.input = request.input;
	command.input_len = request.input != NULL ? strlen(request.input) : 0;
	command.timeout_ms = request.timeout_ms;
	if (scope->host->exec->run(scope, &command, &outcome, err) != 0)
		goto out;
	if (job->repo[0] != '\0' && command_diff(scope, folder.handle, err) != 0)
		goto out;
	if (outcome.status != 0 || outcome.timed_out)
		command_failed(scope, request.argv[0], &outcome, err);
	else
		err->code = 0;
out:
	request_free(&request);
	return err->code;
}
