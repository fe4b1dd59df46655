/* SPDX-License-Identifier: Apache-2.0 */
/* Pull requests, made by the plugin that a repo's `forge` names. */
#ifndef COMMON_FORGE_H
#define COMMON_FORGE_H

#include <stddef.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

/*
 * Calls FORGE.open-pull with ask, which is freed. number and url are filled in
 * from the reply. Returns 0 or a class; DROVER_INTERNAL if the reply has no
 * url.
 */
int forge_open_pull(struct drover_scope *, const char *forge, cJSON *ask, char *number,
    size_t number_size, char *url, size_t size, struct drover_error *);

#endif
