/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the prompt files of all configured plugins, before a configuration is
 * used: at the start, at a reload, and for `drover config check`.
 */
#ifndef LOAD_PROMPT_FILES_H
#define LOAD_PROMPT_FILES_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"

/*
 * Runs prompts_check() if the configuration names a folder of prompts, or in
 * any case if whole is set. self is the path of droverd, which is run to ask
 * each plugin what it declares, for at most 10 s. known (may be NULL) returns
 * what a plugin is known to declare already, or NULL. Returns 0, or -1 with the
 * first fault in err and all of them in faults (may be NULL).
 */
int prompt_files_verify(const char *self, const struct config *, bool whole,
    const cJSON *(*known)(void *arg, const char *plugin), void *arg, struct buf *faults,
    struct error *);

#endif
