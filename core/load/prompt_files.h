/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prompts of all configured plugins, looked at before a configuration is
 * taken.
 */
#ifndef LOAD_PROMPT_FILES_H
#define LOAD_PROMPT_FILES_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"

/*
 * As prompts_check, where the configuration names any folder of prompts; whole:
 * in any case. self: droverd's executable, which is run to ask plugins what
 * they declare, 10 s each. known (may be NULL) has the word of those that run
 * already, or NULL. 0, or -1 with the first fault in err and all in faults (may
 * be NULL).
 */
int prompt_files_verify(const char *self, const struct config *, bool whole,
    const cJSON *(*known)(void *arg, const char *plugin), void *arg, struct buf *faults,
    struct error *);

#endif
