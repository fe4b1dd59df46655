/* SPDX-License-Identifier: Apache-2.0 */
/* Pull requests through the plugin that a repo names as its forge. */
#ifndef COMMON_FORGE_H
#define COMMON_FORGE_H

#include <stddef.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

/*
 * Calls FORGE.open-pull with ask, which is freed. number and url get what the
 * plugin says of the pull request; INTERNAL where that has no url.
 */
int forge_open_pull(struct drover_scope *, const char *forge, cJSON *ask, char *number,
    size_t number_size, char *url, size_t size, struct drover_error *);

#endif
