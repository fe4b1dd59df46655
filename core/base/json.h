/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cJSON with bounds: parsing with limits of size and depth, and getters that
 * never return a NULL string.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

#define JSON_DEPTH_MAX 64

/*
 * Parses len bytes of UTF-8: at most max bytes, nested at most JSON_DEPTH_MAX
 * deep, with only white space after the value. Returns NULL with
 * DROVER_PERMANENT on a fault. The caller frees the value with cJSON_Delete().
 */
cJSON *json_parse(const char *text, size_t len, size_t max, struct error *);
/*
 * True if a string in the text contains \u0000. A string of cJSON ends there,
 * so the rest would be lost silently.
 */
bool json_has_nul(const char *text, size_t len);
/*
 * A member of an object; fallback if it is missing or has another type. Strings
 * are borrowed from the object.
 */
const char *json_str(const cJSON *object, const char *key, const char *fallback);
/*
 * A member that is a whole number, or a string with a decimal number, which is
 * how numbers beyond 2^53 are written.
 */
int64_t json_int(const cJSON *object, const char *key, int64_t fallback);
bool json_bool(const cJSON *object, const char *key, bool fallback);
const cJSON *json_get(const cJSON *object, const char *key); /* by exact name; NULL if missing */
/* by path, as in "a.b.c"; NULL if missing */
const cJSON *json_path(const cJSON *object, const char *dotted);
/* Returns the value as compact text, never NULL. The caller frees it. */
char *json_print(const cJSON *);
/*
 * Adders that cannot fail. A NULL value is not added, bad UTF-8 becomes U+FFFD,
 * and an integer beyond 2^53 is added as a string.
 */
void json_add_str(cJSON *object, const char *key, const char *value);
void json_add_int(cJSON *object, const char *key, int64_t value);
void json_add_bool(cJSON *object, const char *key, bool value);

/*
 * Hides the secrets (base/secrets.h) in all strings, but not in names of
 * members.
 */
void json_hide(cJSON *);

#endif
