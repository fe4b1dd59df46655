/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds a plugin's file, checks its owner and its descriptor, and only then
 * lets its code run. Called in runners and in `droverd -x describe`; the core
 * itself never loads a plugin, except with in_process.
 */
#ifndef LOAD_LOADER_H
#define LOAD_LOADER_H

#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "base/error.h"

/*
 * A loaded and checked plugin. The descriptor and its exports are copies:
 * members that the plugin's version of a struct does not have are NULL or 0
 * here.
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
 * Opens NAME.so from the first of dirs (NULL-terminated) that has it, by
 * descriptor and never by the linker's search path. Returns -1 with
 * DROVER_CONFIG and one plain line for every refusal. The caller frees the
 * image with loader_free().
 */
int loader_open(char *const *dirs, const char *name, struct plugin_image *, struct error *);
/*
 * Checks a descriptor as loader_open() does after dlsym(), without a file. name
 * is what the file would be called.
 */
int descriptor_check(const struct drover_plugin *, const char *name, struct error *);
/*
 * Returns {name, version, summary, abi, hook, options, sources: [...],
 * pipelines: [...], operations: [...]}, with name, summary and options of each
 * export. The caller deletes it.
 */
cJSON *loader_describe(const struct plugin_image *);
/*
 * Frees the copies. The library stays loaded, because its code may still be in
 * use.
 */
void loader_free(struct plugin_image *);

#endif
