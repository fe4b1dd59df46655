/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of plugins: checks configured values against the plugin's table, and
 * reads them by type.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "base/error.h"

struct options; /* checked values */

/*
 * Checks values, {"key": {"value": ..., "at": "file:line"}} or NULL, against a
 * table. The table gives the default of a bool, int or list as a file would,
 * and any other default as plain text. what names the owner in errors, for
 * example "plugin github". Relative paths start from dir. Returns NULL, with
 * DROVER_CONFIG and file:line, for an unknown key, a wrong type, a missing
 * required option or a secret in the file.
 */
struct options *options_check(const struct drover_option *table, const cJSON *values,
    const char *what, const char *dir, struct error *);
void options_free(struct options *);

/* Returns 1 if the table has the key. */
int options_has(const struct options *, const char *key);
/* Returns 1 if the configuration sets the key. */
int options_given(const struct options *, const char *key);
/*
 * Read a value as struct drover_host_option does. They return NULL or 0 if the
 * key is not in the table. Strings are borrowed.
 */
const char *options_string(const struct options *, const char *key);
int64_t options_integer(const struct options *, const char *key);
size_t options_count(const struct options *, const char *key);
const char *options_item(const struct options *, const char *key, size_t index);
/*
 * Reads a SECRET option now from its file, variable or command (an argv that
 * may take 10 s and print 64 KiB). A file that others may read is refused. The
 * log masks the secret from then on. Returns NULL on error, or NULL with code 0
 * if it is not configured. The caller frees it with free_wiped().
 */
char *options_secret(const struct options *, const char *key, struct error *);

/* True for the name of a variable that is likely to hold a secret. */
bool secret_is_name(const char *variable);
/*
 * Like options_secret(), for a secret that is not an option of a plugin, such
 * as the token of a repo. Exactly one of file, env and command is set.
 */
char *secret_read(const char *file, const char *env, char *const *command, struct error *);

/*
 * Describes a table as JSON, for `drover plugin info`: [{key, type, required,
 * secret, default, help}]. The caller deletes it.
 */
cJSON *options_describe(const struct drover_option *table);

#endif
