/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin for the end-to-end tests: asks a web server what it is told to, from
 * an operation, a job and a source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

static const struct drover_option options[] = {
	{ "base", DROVER_STRING, DROVER_REQUIRED, NULL, "URL of the server." },
	{ "watch", DROVER_STRING, 0, "",
	    "Path that the source asks for, with the cache; none: it does nothing." },
	{ NULL, 0, 0, NULL, NULL },
};

static const char *
text(const cJSON *ask, const char *key, const char *fallback)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(ask, key));

	return value != NULL ? value : fallback;
}

static double
number(const cJSON *ask, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(ask, key);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* Asks, and tells how it went; the caller frees. */
static char *
send(struct drover_scope *scope, const cJSON *ask, int *code, struct drover_error *err)
{
	struct drover_http_limit limit = { .name = "asker",
		.count = (uint32_t)number(ask, "count"),
		.per_ms = (int64_t)number(ask, "per_ms"),
		.burst = 1 };
	struct drover_http_request request = {
		.size = sizeof(request),
		.method = text(ask, "method", "GET"),
		.base = scope->host->option->string(scope, "base"),
		.path = text(ask, "path", "/"),
		.credential = text(ask, "credential", "tester"),
		.flags = (uint32_t)number(ask, "flags"),
		.timeout_ms = (int64_t)number(ask, "timeout"),
		.patience_ms = (int64_t)number(ask, "patience"),
		.limits = &limit,
		.limits_len = limit.count > 0 ? 1 : 0,
	};
	struct drover_http_response response = { .size = sizeof(response) };
	cJSON *told = cJSON_CreateObject();
	char *out;

	err->text[0] = '\0';
	err->retry_after_ms = 0;
	*code = scope->host->http->send(scope, &request, &response, err);
	cJSON_AddNumberToObject(told, "code", *code);
	cJSON_AddNumberToObject(told, "status", response.status);
	cJSON_AddNumberToObject(told, "tries", response.tries);
	cJSON_AddNumberToObject(told, "not_modified", response.not_modified);
	cJSON_AddNumberToObject(told, "retry_after", (double)err->retry_after_ms);
	cJSON_AddStringToObject(told, "text", err->text);
	if (response.body != NULL && response.body_len < 1024)
		cJSON_AddStringToObject(told, "body", response.body);
	out = cJSON_PrintUnformatted(told);
	cJSON_Delete(told);
	return out;
}

static int
ask_call(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	cJSON *ask = cJSON_ParseWithLength(request, (size_t)len);
	int code;
	char *told = send(scope, ask, &code, err);

	cJSON_Delete(ask);
	code = scope->host->call->reply(scope, told, strlen(told), err);
	free(told);
	return code;
}

static int
ask_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	cJSON *ask = cJSON_ParseWithLength(job->payload, (size_t)job->payload_len);
	int code;
	char *told = send(scope, ask, &code, err);

	cJSON_Delete(ask);
	(void)scope->host->queue->result(scope, "told", told, err);
	free(told);
	return code;
}

static int
watch_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	const char *path = scope->host->option->string(scope, "watch");
	cJSON *ask = cJSON_CreateObject();
	char *told;
	int code;

	if (path == NULL || *path == '\0') {
		cJSON_Delete(ask);
		return 0;
	}
	cJSON_AddStringToObject(ask, "path", path);
	cJSON_AddStringToObject(ask, "credential", "watcher");
	cJSON_AddNumberToObject(ask, "flags", DROVER_HTTP_CACHED);
	told = send(scope, ask, &code, err);
	cJSON_Delete(ask);
	free(told);
	return code;
}

static const struct drover_operation operation = {
	.size = sizeof(struct drover_operation),
	.name = "ask",
	.summary = "Asks the server.",
	.call = ask_call,
};
static const struct drover_pipeline pipeline = {
	.size = sizeof(struct drover_pipeline),
	.name = "ask",
	.summary = "Asks the server.",
	.run = ask_run,
};
static const struct drover_source source = {
	.size = sizeof(struct drover_source),
	.name = "watch",
	.summary = "Asks for one path.",
	.interval_ms = 1000,
	.poll = watch_poll,
};
static const struct drover_source other = {
	.size = sizeof(struct drover_source),
	.name = "look",
	.summary = "Asks for it too.",
	.interval_ms = 1000,
	.poll = watch_poll,
};

static const struct drover_operation *const operations[] = { &operation, NULL };
static const struct drover_pipeline *const pipelines[] = { &pipeline, NULL };
static const struct drover_source *const sources[] = { &source, &other, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.needs_minor = 1,
	.name = "asker",
	.version = "0.1",
	.summary = "For tests: asks a web server.",
	.options = options,
	.sources = sources,
	.pipelines = pipelines,
	.operations = operations,
};
