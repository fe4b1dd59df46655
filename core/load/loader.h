/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds a plugin's file, checks who owns it and what it says of itself, and
 * only then lets its code run.
 */
#ifndef LOAD_LOADER_H
#define LOAD_LOADER_H

#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "base/error.h"

/*
 * A loaded and checked plugin. The descriptor and each export in it are copies
 * of min(size, sizeof), absent members NULL.
 */
struct plugin_image {
	void *handle;
	char *path;
	struct drover_plugin plugin;
	struct drover_source *sources;
	int sources_len;
	struct drover_pipeline *pipelines;
	int pipelines_len;
	struct drover_operation *operations;
	int operations_len;
};

/*
 * dirs: searched in order, NULL-terminated. Opens NAME.so by fd, never by a
 * search path. DROVER_CONFIG with one plain line on every refusal.
 */
int loader_open(char *const *dirs, const char *name, struct plugin_image *, struct error *);
/*
 * Checks a descriptor without a file: what loader_open does after dlsym. name:
 * what the file is called.
 */
int descriptor_check(const struct drover_plugin *, const char *name, struct error *);
/*
 * {name, version, summary, abi, options, sources: [{name, summary, interval_ms,
 * options}], pipelines: [...], operations: [...]}. The caller deletes.
 */
cJSON *loader_describe(const struct plugin_image *);
/* Frees the copies. Never dlcloses. */
void loader_free(struct plugin_image *);

#endif
