/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares a configuration with the plugins that it names. A spelling mistake
 * is found before the daemon starts, instead of showing as a job that never
 * comes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "config/options.h"
#include "load/settings.h"

static int settings_check_options(const struct drover_option *, const cJSON *values,
    const char *what, const char *dir, struct buf *faults);
static const struct drover_source *settings_image_source(const struct plugin_image *,
    const char *name);
static const struct drover_pipeline *settings_image_pipeline(const struct plugin_image *,
    const char *name);

static const struct drover_source *
settings_image_source(const struct plugin_image *image, const char *name)
{
	for (int i = 0; i < image->sources_len; i++)
		if (strcmp(image->sources[i].name, name) == 0)
			return &image->sources[i];
	return NULL;
}

static const struct drover_pipeline *
settings_image_pipeline(const struct plugin_image *image, const char *name)
{
	for (int i = 0; i < image->pipelines_len; i++)
		if (strcmp(image->pipelines[i].name, name) == 0)
			return &image->pipelines[i];
	return NULL;
}

int
settings_names(const struct config_plugin *plugin, const struct plugin_image *image,
    struct error *err)
{
	const char *at = plugin->at != NULL ? plugin->at : "the configuration";

	for (int i = 0; i < plugin->sources_len; i++)
		if (settings_image_source(image, plugin->sources[i].name) == NULL)
			return error_set(err, DROVER_CONFIG, "%s: plugin %s has no source %s", at,
			    plugin->name, plugin->sources[i].name);
	for (int i = 0; i < plugin->pipelines_len; i++)
		if (settings_image_pipeline(image, plugin->pipelines[i].name) == NULL)
			return error_set(err, DROVER_CONFIG, "%s: plugin %s has no pipeline %s", at,
			    plugin->name, plugin->pipelines[i].name);
	return 0;
}

char *
settings_dir(const struct config *config)
{
	const char *slash = config->file != NULL ? strrchr(config->file, '/') : NULL;

	return slash != NULL && slash > config->file ?
	    xstrndup(config->file, (size_t)(slash - config->file)) :
	    xstrdup("/");
}

static int
settings_check_options(const struct drover_option *table, const cJSON *values, const char *what,
    const char *dir, struct buf *faults)
{
	struct error err = { 0 };
	struct options *options = options_check(table, values, what, dir, &err);

	if (options == NULL)
		buf_addf(faults, "%s\n", err.text);
	else
		options_free(options);
	return options == NULL;
}

int
settings_check(const struct config *config, const struct config_plugin *plugin,
    const struct plugin_image *image, struct buf *faults)
{
	char what[2 * DROVER_NAME_MAX + 32], *dir = settings_dir(config);
	const struct drover_source *source;
	const struct config_pipeline *pipeline;
	struct error err = { 0 };
	int n = 0;

	if (settings_names(plugin, image, &err) != 0) {
		buf_addf(faults, "%s\n", err.text);
		n++;
	}
	(void)snprintf(what, sizeof what, "plugin %s", plugin->name);
	n += settings_check_options(image->plugin.options, plugin->options, what, dir, faults);
	for (int i = 0; i < plugin->sources_len; i++) {
		if (!plugin->sources[i].enabled ||
		    (source = settings_image_source(image, plugin->sources[i].name)) == NULL)
			continue;
		(void)snprintf(what, sizeof what, "source %s.%s", plugin->name, source->name);
		n += settings_check_options(source->options, plugin->sources[i].options, what, dir,
		    faults);
		if (plugin->sources[i].authors != NULL && source->authors == NULL) {
			buf_addf(faults,
			    "%s takes no `authors`, because its items do not come from people: "
			    "remove the key\n",
			    what);
			n++;
		}
	}
	/*
	 * Pipelines that are not configured are checked too, because an option
	 * of theirs may be required.
	 */
	for (int i = 0; i < image->pipelines_len; i++) {
		(void)snprintf(what, sizeof what, "%s.%s", plugin->name, image->pipelines[i].name);
		pipeline = config_pipeline(config, what);
		(void)snprintf(what, sizeof what, "pipeline %s.%s", plugin->name,
		    image->pipelines[i].name);
		n += settings_check_options(image->pipelines[i].options,
		    pipeline != NULL ? pipeline->options : NULL, what, dir, faults);
	}
	free(dir);
	return n;
}
