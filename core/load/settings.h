/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is configured for a plugin, against what the plugin says that it takes.
 */
#ifndef LOAD_SETTINGS_H
#define LOAD_SETTINGS_H

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "load/loader.h"

/*
 * A configured source or pipeline that the plugin does not have: 0, or -1 with
 * the first in err.
 */
int settings_names(const struct config_plugin *, const struct plugin_image *, struct error *);
/* The folder that relative paths in options begin at; the caller frees. */
char *settings_dir(const struct config *);
/*
 * All of it: names, and the options of the plugin, its sources and its
 * pipelines, without opening anything and without reading a secret. A line for
 * each fault in faults (the first of each option table); how many there are.
 */
int settings_check(const struct config *, const struct config_plugin *, const struct plugin_image *,
    struct buf *faults);

#endif
