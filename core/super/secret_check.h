/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `drover secret check`: the credentials of plugins and repos, asked now.
 */
#ifndef SUPER_SECRET_CHECK_H
#define SUPER_SECRET_CHECK_H

#include <cjson/cJSON.h>

#include "super/inside.h"

/*
 * Asks the probes of plugins (a NULL-terminated list, or NULL for all) and
 * reads the tokens of repos. fn gets [{plugin or repo, what, ok, text}], which
 * stays the caller's. -1: there is no such plugin.
 */
int secret_check(struct supervisor *, const char *const *plugins,
    void (*fn)(void *arg, const cJSON *checks), void *arg, struct error *);
int64_t secret_check_tick(struct supervisor *, int64_t now);
void secret_check_close(struct supervisor *);

#endif
