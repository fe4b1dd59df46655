/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runner does before its loop begins: it reads its settings, loads and
 * opens its plugin and the plugin's sources, and tells the core whether that
 * went well. A runner that was refused ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "load/settings.h"
#include "run/crash.h"
#include "run/runner_source.h"
#include "run/services.h"
#include "wire/link.h"

static int runner_settings(struct runner *, const struct message *, struct error *);
static int runner_pipelines(struct runner *, struct error *);
static int runner_open(struct runner *, struct error *);
static int runner_start(struct runner *, struct error *);
static void runner_ready(struct runner *);
static void runner_refused(struct runner *, const struct error *);

static int
runner_settings(struct runner *runner, const struct message *m, struct error *err)
{
	const char *text = message_s(m, "settings"), *name;
	cJSON *settings = json_parse(text, strlen(text), MESSAGE_MAX, err);
	int rc = -1;

	if (settings == NULL)
		return -1;
	name = json_str(settings, "plugin", "");
	runner->generation = (uint64_t)json_int(settings, "generation", 0);
	runner->core_socket = xstrdup(json_str(settings, "core_socket", ""));
	runner->grace_ms = json_int(settings, "grace_ms", 0);
	if ((runner->config = config_from_json(json_get(settings, "config"), err)) == NULL)
		goto out;
	if ((runner->plugin = config_plugin(runner->config, name)) == NULL) {
		error_set(err, DROVER_CONFIG, "plugin %.64s is not configured", name);
		goto out;
	}
	runner->config_dir = settings_dir(runner->config);
	rc = 0;
out:
	cJSON_Delete(settings);
	return rc;
}

static int
runner_pipelines(struct runner *runner, struct error *err)
{
	const struct plugin_image *image = &runner->image;
	const struct config_pipeline *configured;
	char kind[2 * DROVER_NAME_MAX + 2], what[sizeof kind + 16];

	runner->pipeline_options =
	    xcalloc((size_t)image->pipelines_len + 1, sizeof *runner->pipeline_options);
	for (int i = 0; i < image->pipelines_len; i++) {
		(void)snprintf(kind, sizeof kind, "%s.%s", image->plugin.name,
		    image->pipelines[i].name);
		(void)snprintf(what, sizeof what, "pipeline %s", kind);
		configured = config_pipeline(runner->config, kind);
		runner->pipeline_options[i] = options_check(image->pipelines[i].options,
		    configured != NULL ? configured->options : NULL, what, runner->config_dir, err);
		if (runner->pipeline_options[i] == NULL)
			return -1;
	}
	return 0;
}

static int
runner_open(struct runner *runner, struct error *err)
{
	int (*open)(struct drover_scope *, void **, struct drover_error *) =
	    runner->image.plugin.open;
	int code = DROVER_OK;

	runner->scope = xcalloc(1, sizeof *runner->scope);
	scope_init(runner->scope, SCOPE_PLUGIN, &plugin_services);
	runner->scope->log =
	    (struct log_scope){ .part = "runner", .plugin = runner->image.plugin.name };
	runner->scope->config = runner->config;
	runner->scope->options = runner->scope->plugin_options = runner->options;
	runner->scope->link = runner->link;
	if (open != NULL) {
		crash_at("open", "plugin", runner->image.plugin.name);
		code = open(&runner->scope->public, &runner->state, (struct drover_error *)err);
		crash_at(NULL, NULL, NULL);
	}
	if (code >= 0) {
		runner->open = true;
		return 0;
	}
	err->code = code < DROVER_INTERNAL ? DROVER_INTERNAL : code;
	err->text[sizeof err->text - 1] = '\0';
	if (err->text[0] == '\0')
		error_set(err, err->code, "open() failed (%s) and gave no reason",
		    error_class_name(code));
	return error_prefix(err, "plugin %s", runner->image.plugin.name);
}

static int
runner_start(struct runner *runner, struct error *err)
{
	char what[DROVER_NAME_MAX + 16];

	if (!runner->in_process) {
		if (log_open(runner->config->log_file, (enum drover_level)runner->config->log_level,
			err) == -1)
			return -1;
		crash_install(runner->plugin->name);
		crash_at("load", "plugin", runner->plugin->name);
	}
	if (loader_open(runner->config->plugin_dirs, runner->plugin->name, &runner->image, err) ==
	    -1)
		return -1;
	(void)snprintf(what, sizeof what, "plugin %s", runner->image.plugin.name);
	runner->options = options_check(runner->image.plugin.options, runner->plugin->options, what,
	    runner->config_dir, err);
	if (runner->options == NULL || settings_names(runner->plugin, &runner->image, err) == -1 ||
	    runner_pipelines(runner, err) == -1 || runner_open(runner, err) == -1)
		return -1;
	runner->sources = xcalloc((size_t)runner->image.sources_len + 1, sizeof *runner->sources);
	for (int i = 0; i < runner->image.sources_len; i++) {
		if (runner_source_open(runner, i, err) == -1)
			return -1;
	}
	return 0;
}

static void
runner_ready(struct runner *runner)
{
	cJSON *exports = loader_describe(&runner->image);
	const cJSON *sources = json_get(exports, "sources");
	struct message_out out;
	struct error lost = { 0 };
	char *text;

	for (int i = 0; i < runner->image.sources_len; i++)
		json_add_bool(cJSON_GetArrayItem(sources, i), "enabled", runner->sources[i].open);
	text = json_print(exports);
	cJSON_Delete(exports);
	message_begin(&out, MESSAGE_RUNNER_READY, 0);
	message_put_s(&out, text);
	free(text);
	(void)message_send(runner->fd, &out, &lost);
}

static void
runner_refused(struct runner *runner, const struct error *why)
{
	struct message_out out;
	struct error lost = { 0 };

	message_begin(&out, MESSAGE_RUNNER_REFUSED, 0);
	message_put_i(&out, why->code);
	message_put_s(&out, why->text);
	(void)message_send(runner->fd, &out, &lost);
}

int
runner_begin(struct runner *runner, const struct message *start)
{
	struct error err = { 0 };

	if (runner_settings(runner, start, &err) == -1 || runner_start(runner, &err) == -1) {
		runner_refused(runner, &err);
		return -1;
	}
	(void)link_tell_secrets(runner->link, NULL);
	runner_ready(runner);
	return 0;
}
