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
 * Reads libconfig text; name is for errors, dir for @include. The caller
 * deletes. NULL on error.
 */
cJSON *layer_read(const char *text, const char *name, const char *dir, struct error *);
/* Plain JSON as a layer; origins has the origin of each path. */
cJSON *layer_wrap(const cJSON *plain, const cJSON *origins);
/* The plain value of a node. The caller deletes. */
cJSON *layer_plain(const cJSON *node);
/*
 * Lays over onto base and frees it: groups are merged by key, lists of groups
 * by name, all other values replace.
 */
int layer_merge(cJSON *base, cJSON *over, struct error *);
/*
 * Lays scalars of the environment over it: DROVER_RUNNING,
 * DROVER_POOLS_HEAVY_SLOTS.
 */
void layer_environment(cJSON *base);

const char *layer_at(const cJSON *node);
const cJSON *layer_value(const cJSON *node);
/* Value of the key "name" of a group; NULL when it has no name. */
/*
 * The word for an entry of a list in paths: its name, else its place. Returns
 * one of the two.
 */
const char *layer_label(const char *name, int place, char *out, size_t size);
const char *layer_name(const cJSON *group);

#endif
