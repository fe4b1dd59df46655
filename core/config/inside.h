/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that check a configuration after it is read. */
#ifndef CONFIG_INSIDE_H
#define CONFIG_INSIDE_H

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"

/*
 * Fills err with "FILE:LINE: PATH.KEY: " and the text; path "" is the top
 * level. Returns -1.
 */
int config_fault(const struct config *, struct error *, const char *path, const char *key,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Checks one repo. warnings may be NULL. */
int repo_check(const struct config *, const struct config_repo *, struct buf *warnings,
    struct error *);

#endif
