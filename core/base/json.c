/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cJSON with bounds. Size and depth of foreign text are checked first, because
 * cJSON parses recursively.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mask.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"
#include "base/units.h"

#define EXACT_MAX (INT64_C(1) << 53) /* not every larger integer is a double */

static int json_measure(const char *, size_t);

/* Returns how deep the brackets nest, ignoring those inside strings. */
static int
json_measure(const char *text, size_t len)
{
	int depth = 0, deepest = 0;
	bool in_string = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '"')
			in_string = !in_string;
		else if (in_string && text[i] == '\\')
			i++;
		else if (!in_string && (text[i] == '{' || text[i] == '[') && ++depth > deepest)
			deepest = depth;
		else if (!in_string && (text[i] == '}' || text[i] == ']'))
			depth--;
	}
	return deepest;
}

bool
json_has_nul(const char *text, size_t len)
{
	for (size_t i = 0; i + 6 <= len; i++) {
		if (text[i] != '\\')
			continue;
		if (memcmp(text + i, "\\u0000", 6) == 0)
			return true;
		i++;
	}
	return false;
}

cJSON *
json_parse(const char *text, size_t len, size_t max, struct error *err)
{
	const char *end = NULL;
	cJSON *json;
	size_t at;

	if (len > max) {
		error_set(err, DROVER_PERMANENT,
		    "JSON of %zu bytes is too large: at most %zu are allowed", len, max);
		return NULL;
	}
	if (!text_is_utf8(text, len)) {
		error_set(err, DROVER_PERMANENT, "the JSON is not valid UTF-8");
		return NULL;
	}
	if (json_measure(text, len) > JSON_DEPTH_MAX) {
		error_set(err, DROVER_PERMANENT, "the JSON is nested deeper than %d levels",
		    JSON_DEPTH_MAX);
		return NULL;
	}
	json = cJSON_ParseWithLengthOpts(text, len, &end, false);
	at = json == NULL || end == NULL ? 0 : (size_t)(end - text);
	while (json != NULL && at < len && strchr(" \t\r\n", text[at]) != NULL)
		at++;
	if (json != NULL && at == len)
		return json;
	if (json == NULL && end != NULL && end >= text && end <= text + len)
		at = (size_t)(end - text);
	error_set(err, DROVER_PERMANENT,
	    json == NULL ? "invalid JSON at byte %zu" :
			   "unexpected text after the JSON, at byte %zu",
	    at);
	cJSON_Delete(json);
	return NULL;
}

const cJSON *
json_get(const cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const char *
json_str(const cJSON *object, const char *key, const char *fallback)
{
	const cJSON *item = json_get(object, key);

	return cJSON_IsString(item) && item->valuestring != NULL ? item->valuestring : fallback;
}

int64_t
json_int(const cJSON *object, const char *key, int64_t fallback)
{
	const cJSON *item = json_get(object, key);
	int64_t value;

	if (cJSON_IsNumber(item) && fabs(item->valuedouble) <= (double)EXACT_MAX &&
	    floor(item->valuedouble) == item->valuedouble)
		return (int64_t)item->valuedouble;
	if (cJSON_IsString(item) &&
	    units_parse_int(item->valuestring, INT64_MIN, INT64_MAX, &value) == 0)
		return value;
	return fallback;
}

bool
json_bool(const cJSON *object, const char *key, bool fallback)
{
	const cJSON *item = json_get(object, key);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

const cJSON *
json_path(const cJSON *object, const char *dotted)
{
	char key[DROVER_KEY_MAX];
	size_t len;

	while (object != NULL) {
		len = strcspn(dotted, ".");
		if (len >= sizeof key)
			return NULL;
		memcpy(key, dotted, len);
		key[len] = '\0';
		object = json_get(object, key);
		if (dotted[len] == '\0')
			break;
		dotted += len + 1;
	}
	return object;
}

char *
json_print(const cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	MUST(text != NULL);
	return text;
}

void
json_add_str(cJSON *object, const char *key, const char *value)
{
	struct buf clean = BUF_INIT;
	cJSON *item;
	size_t len;

	if (value == NULL)
		return;
	len = strlen(value);
	if (!text_is_utf8(value, len))
		text_clean(&clean, value, len);
	item = cJSON_AddStringToObject(object, key, clean.data != NULL ? clean.data : value);
	buf_free(&clean);
	MUST(item != NULL);
}

void
json_add_int(cJSON *object, const char *key, int64_t value)
{
	char text[24];

	if (value >= -EXACT_MAX && value <= EXACT_MAX) {
		MUST(cJSON_AddNumberToObject(object, key, (double)value) != NULL);
		return;
	}
	snprintf(text, sizeof text, "%" PRId64, value);
	MUST(cJSON_AddStringToObject(object, key, text) != NULL);
}

void
json_add_bool(cJSON *object, const char *key, bool value)
{
	MUST(cJSON_AddBoolToObject(object, key, value) != NULL);
}

static bool
json_has_secret(const cJSON *json, const struct mask *mask)
{
	size_t len;

	for (; json != NULL; json = json->next) {
		if (json->valuestring != NULL) {
			(void)mask_find(mask, json->valuestring, strlen(json->valuestring), 0,
			    &len);
			if (len > 0)
				return true;
		}
		if (json->child != NULL && json_has_secret(json->child, mask))
			return true;
	}
	return false;
}

static void
json_hide_strings(cJSON *json)
{
	struct buf text = BUF_INIT;

	for (; json != NULL; json = json->next) {
		if (cJSON_IsString(json)) {
			buf_clear(&text);
			buf_adds(&text, json->valuestring);
			secrets_hide(&text);
			MUST(cJSON_SetValuestring(json, buf_str(&text)) != NULL);
		}
		json_hide_strings(json->child);
	}
	buf_free(&text);
}

void
json_hide(cJSON *json)
{
	bool found;

	if (json == NULL || secrets_count() == 0)
		return;
	found = json_has_secret(json, secrets_hold());
	secrets_release();
	if (found)
		json_hide_strings(json);
}
