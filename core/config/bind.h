/* SPDX-License-Identifier: Apache-2.0 */
/* From a layer to structs, by a table of keys, and back to JSON. */
#ifndef CONFIG_BIND_H
#define CONFIG_BIND_H

#include <cjson/cJSON.h>

#include "base/error.h"
#include "config/keys.h"

struct binder {
	const char *dir;     /* makes paths absolute */
	cJSON *origins;      /* {"pools.heavy.slots": "FILE:LINE"} is filled in */
	struct error *err;
};

/*
 * Fills a zeroed struct from a group. path: "" for the whole configuration,
 * else for example "pools.heavy". After an error the caller frees what was
 * filled.
 */
int bind_group(struct binder *, const struct key *table, void *base, const cJSON *group,
    const char *path);
/* Adds every member that is set to a JSON object. */
void bind_write(const struct key *table, const void *base, cJSON *object);
/* Frees all members. */
void bind_free(const struct key *table, void *base);
/* "AT: PATH: what" */
int bind_fault(struct binder *, const cJSON *node, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * The strings of a plain list, NULL-terminated; NULL when it is not a list of
 * strings. The caller frees with free_strings().
 */
char **bind_strings(const cJSON *list);
/*
 * True for "token", "password", "api_key", "npm_secret" and the like: values of
 * such keys must not be written into a file.
 */
int bind_is_secret_name(const char *name);

#endif
