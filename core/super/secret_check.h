/* SPDX-License-Identifier: Apache-2.0 */
/* `drover secret check`: checks the credentials of plugins and repos now. */
#ifndef SUPER_SECRET_CHECK_H
#define SUPER_SECRET_CHECK_H

#include <cjson/cJSON.h>

#include "super/inside.h"

/*
 * Asks the probes of the plugins in a NULL-terminated list, or, if plugins is
 * NULL, those of all plugins, and reads the tokens of all repos. fn is called
 * with [{plugin or repo, what, ok, text}], which is valid during the call only.
 * Returns -1 if there is no such plugin.
 */
int secret_check(struct supervisor *, const char *const *plugins,
    void (*fn)(void *arg, const cJSON *checks), void *arg, struct error *);
int64_t secret_check_tick(struct supervisor *, int64_t now);
void secret_check_close(struct supervisor *);

#endif
