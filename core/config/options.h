/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of plugins: configured values, checked against the plugin's table and
 * read by type.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "base/error.h"

struct options; /* checked values */

/*
 * Checks values, {"key": {"value": ..., "at": "file:line"}} or NULL, against a
 * table. what names the owner in errors, for example "plugin github". Unknown
 * keys, wrong types, missing required options and literal secrets are
 * DROVER_CONFIG with file:line. Relative paths are taken from dir.
 */
struct options *options_check(const struct drover_option *table, const cJSON *values,
    const char *what, const char *dir, struct error *);
void options_free(struct options *);

/*
 * The default of a bool, int or list is written as in a file, any other as
 * plain text.
 */
/*
 * As in struct drover_host_option; NULL or 0 when the key is not in the table.
 * Borrowed. options_has(): 1 when the table has the key.
 */
int options_has(const struct options *, const char *key);
/* 1 when the configuration sets it. */
int options_given(const struct options *, const char *key);
const char *options_string(const struct options *, const char *key);
int64_t options_integer(const struct options *, const char *key);
size_t options_count(const struct options *, const char *key);
const char *options_item(const struct options *, const char *key, size_t index);
/*
 * Reads a SECRET option now from its file, variable or command (argv, 10 s, 64
 * KiB). A file that others may read is refused. Masked in the log from then on.
 * The caller frees with free_wiped. NULL on error; NULL with code 0 when it is
 * not configured.
 */
char *options_secret(const struct options *, const char *key, struct error *);

/*
 * The same for secrets that are not options of plugins, as the tokens of repos.
 * Exactly one of file, env and command is set.
 */
char *secret_read(const char *file, const char *env, char *const *command, struct error *);

/*
 * Describes a table as JSON for `drover plugin info`: [{key, type, required,
 * secret, default, help}]. The caller deletes.
 */
cJSON *options_describe(const struct drover_option *table);

#endif
