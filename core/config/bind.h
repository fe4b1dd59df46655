/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding: fills structs from a layer by a table of keys, and turns them back
 * into JSON.
 */
#ifndef CONFIG_BIND_H
#define CONFIG_BIND_H

#include <cjson/cJSON.h>

#include "base/error.h"
#include "config/keys.h"

struct binder {
	const char *dir;     /* the folder that relative paths start from */
	cJSON *origins;      /* is filled in: {"pools.heavy.slots": "FILE:LINE"} */
	struct error *err;
};

/*
 * Fills a zeroed struct from a group. path is "" for the whole configuration,
 * else the group's path, such as "pools.heavy". The caller frees the members
 * even after an error.
 */
int bind_group(struct binder *, const struct key *table, void *base, const cJSON *group,
    const char *path);
/* Adds every member that is set to a JSON object, by the names of the keys. */
void bind_write(const struct key *table, const void *base, cJSON *object);
/* Frees all members. */
void bind_free(const struct key *table, void *base);
/* Fills the error with "FILE:LINE: PATH: " and the text. Returns -1. */
int bind_fault(struct binder *, const cJSON *node, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Returns the strings of a plain list, NULL-terminated, or NULL if it is not a
 * list of strings. The caller frees them with free_strings().
 */
char **bind_strings(const cJSON *list);
/*
 * True for a name such as "token", "password", "api_key" or "npm_secret".
 * Values of such keys must not be written into a file.
 */
int bind_is_secret_name(const char *name);

#endif
