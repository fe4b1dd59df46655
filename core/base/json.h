/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cJSON with bounds: parsing by length, depth and size, and getters that never
 * hand out NULL strings.
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
 * Parses len bytes of UTF-8, at most max, nested at most JSON_DEPTH_MAX,
 * nothing behind. The caller frees with cJSON_Delete. NULL on error
 * (DROVER_PERMANENT).
 */
cJSON *json_parse(const char *text, size_t len, size_t max, struct error *);
/*
 * A string of it holds a NUL (\u0000), where cJSON's strings end: what is
 * behind would be lost without a word.
 */
bool json_has_nul(const char *text, size_t len);
/*
 * Member of an object; fallback where it is missing or of another type.
 * Borrowed.
 */
const char *json_str(const cJSON *object, const char *key, const char *fallback);
int64_t json_int(const cJSON *object, const char *key,
    int64_t fallback); /* also from a decimal string; beyond 2^53 only so */
bool json_bool(const cJSON *object, const char *key, bool fallback);
const cJSON *json_get(const cJSON *object, const char *key);              /* case-sensitive; NULL */
const cJSON *json_path(const cJSON *object, const char *dotted);          /* "a.b.c"; NULL */
/* Unformatted text; the caller frees. Never NULL. */
char *json_print(const cJSON *);
/*
 * Adders that cannot fail. A NULL value is not added, bad UTF-8 becomes U+FFFD,
 * an integer beyond 2^53 goes as a string.
 */
void json_add_str(cJSON *object, const char *key, const char *value);
void json_add_int(cJSON *object, const char *key, int64_t value);
void json_add_bool(cJSON *object, const char *key, bool value);

#endif
