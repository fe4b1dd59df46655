/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading all configured secrets before anything runs, so that they are hidden
 * (base/secrets.h) from the first moment on.
 */
#ifndef CONFIG_LEARN_H
#define CONFIG_LEARN_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "config/config.h"

/*
 * Adds the secrets that lie in files and variables: tokens of repos, options of
 * plugins, and what is passed to agents. Those of commands are added when they
 * are first read. droverd is asked for a plugin's tables (config_describe())
 * unless described() has them. One that cannot be read is left to its user.
 * notes, which may be NULL, gets a line for each that is too short to be hidden
 * in all spellings.
 */
void learn_secrets(const struct config *, const char *droverd,
    const cJSON *(*described)(void *, const char *plugin), void *arg, struct buf *notes);

#endif
