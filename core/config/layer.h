/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer: one file, or the environment, as a tree in which every value has its
 * origin. A node is {"at": "FILE:LINE", "value": v}; v is a scalar, an array of
 * nodes (a list) or an object of nodes (a group).
 */
#ifndef CONFIG_LAYER_H
#define CONFIG_LAYER_H

#include <cjson/cJSON.h>

#include "base/error.h"
#include "config/keys.h"

#define LAYER_MAX (1 << 20) /* bytes of one file */

/*
 * Reads libconfig text. Errors call it name, and @include starts from dir.
 * Returns NULL on error. The caller deletes the layer.
 */
cJSON *layer_read(const char *text, const char *name, const char *dir, struct error *);
/* Makes a layer of plain JSON. origins has the origin of each path. */
cJSON *layer_wrap(const cJSON *plain, const cJSON *origins);
/* Returns the plain value of a node. The caller deletes it. */
cJSON *layer_plain(const cJSON *node);
/*
 * Lays `over` onto base and frees it. Groups are merged by key and lists of
 * groups by name; any other value replaces the one in base.
 */
int layer_merge(cJSON *base, cJSON *over, struct error *);
/*
 * Lays scalars of the environment onto base, such as DROVER_RUNNING or
 * DROVER_POOLS_HEAVY_SLOTS.
 */
void layer_environment(cJSON *base);

const char *layer_at(const cJSON *node);
const cJSON *layer_value(const cJSON *node);
/* The value of the key "name" of a group; NULL if the group has no name. */
const char *layer_name(const cJSON *group);
/*
 * How a path names an entry of a list: by its name, or else by its place, which
 * is written to out. Returns the one that is used.
 */
const char *layer_label(const char *name, int place, char *out, size_t size);

#endif
