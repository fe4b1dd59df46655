/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what is configured for a plugin with what the plugin declares. */
#ifndef LOAD_SETTINGS_H
#define LOAD_SETTINGS_H

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "load/loader.h"

/*
 * Returns 0 if the plugin has every source and pipeline that is configured for
 * it, or -1 with the first that it lacks in err.
 */
int settings_names(const struct config_plugin *, const struct plugin_image *, struct error *);
/* The folder that relative paths in options start from. The caller frees it. */
char *settings_dir(const struct config *);
/*
 * Checks names, and the options of the plugin, of its enabled sources and of
 * its pipelines. It opens nothing and reads no secret. Appends one line for
 * each fault to faults (only the first fault of each table of options) and
 * returns how many there are.
 */
int settings_check(const struct config *, const struct config_plugin *, const struct plugin_image *,
    struct buf *faults);

#endif
