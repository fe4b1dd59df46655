/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer: one file, or the environment, as a tree in which every value knows
 * where it stands. A node is {"at": "FILE:LINE", "value": v}; v is a scalar, an
 * array of nodes (list) or an object of nodes (group).
 */
#ifndef CONFIG_LAYER_H
#define CONFIG_LAYER_H

#include <cjson/cJSON.h>

#include "base/error.h"
#include "config/keys.h"

#define LAYER_MAX (1 << 20) /* bytes of one file */

/*
 * Reads libconfig text; name is for errors, dir for @include. The caller
 * deletes. NULL on error.
 */
cJSON *layer_read(const char *text, const char *name, const char *dir, struct error *);
/* Plain JSON as a layer; origins tells where what stands. */
cJSON *layer_wrap(const cJSON *plain, const cJSON *origins);
/* The plain value of a node. The caller deletes. */
cJSON *layer_plain(const cJSON *node);
/*
 * Puts over (which it takes) onto base: groups by key, lists of groups by their
 * name, all else replaces.
 */
int layer_merge(cJSON *base, cJSON *over, struct error *);
/*
 * Puts on what the environment has for scalars: DROVER_RUNNING,
 * DROVER_POOLS_HEAVY_SLOTS.
 */
void layer_environment(cJSON *base);

const char *layer_at(const cJSON *node);
const cJSON *layer_value(const cJSON *node);
/* Value of the key "name" of a group; NULL when it has none. */
/*
 * What an entry of a list is called in paths: its name, else its place. Returns
 * one of them.
 */
const char *layer_label(const char *name, int place, char *out, size_t size);
const char *layer_name(const cJSON *group);

#endif
