/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads JSON from outside within bounds. cJSON keeps numbers as doubles and
 * ends a string at its first NUL, so the text is changed before it is parsed:
 * an integer above 2^53 becomes a string, and \u0000 becomes U+FFFD.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/web.h"

#define JSON_NODES_MAX    1000000 /* a value costs 64 bytes of memory, however short its text */
#define JSON_SAFE_INTEGER "9007199254740992"   /* 2^53 */
#define JSON_PATH_MAX 256

static bool json_is_digit(char);
static bool json_is_number(char);
static size_t json_copy_string(struct text_buf *, const char *, size_t, size_t);
static size_t json_copy_number(struct text_buf *, const char *, size_t, size_t);

static bool
json_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
json_is_number(char c)
{
	return json_is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Steps from the opening quote at i to the byte after the closing quote. */
static size_t
json_copy_string(struct text_buf *out, const char *text, size_t len, size_t i)
{
	size_t from = i++;

	while (i < len && text[i] != '"') {
		if (text[i] == '\\' && len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0) {
			text_add(out, text + from, i - from);
			text_add(out, "\\ufffd", 6);
			from = i += 6;
			continue;
		}
		i += text[i] == '\\' && len - i >= 2 ? 2 : 1;
	}
	if (i < len)
		i++;
	text_add(out, text + from, i - from);
	return i;
}

/* Steps from the digit or minus at i to the byte after the number. */
static size_t
json_copy_number(struct text_buf *out, const char *text, size_t len, size_t i)
{
	size_t from = i, digits, most = sizeof(JSON_SAFE_INTEGER) - 1;
	bool integer = true;
	const char *first;

	for (; i < len && json_is_number(text[i]); i++)
		integer = integer && (json_is_digit(text[i]) || (i == from && text[i] == '-'));
	first = text + from + (text[from] == '-');
	digits = (size_t)(text + i - first);
	if (integer &&
	    (digits > most || (digits == most && memcmp(first, JSON_SAFE_INTEGER, most) > 0))) {
		text_add(out, "\"", 1);
		text_add(out, text + from, i - from);
		text_add(out, "\"", 1);
	} else {
		text_add(out, text + from, i - from);
	}
	return i;
}

cJSON *
json_read(const char *text, size_t len, struct drover_error *err)
{
	struct text_buf out = { 0 };
	const char *end = NULL;
	cJSON *json = NULL;
	size_t i = 0, nodes = 0;
	int depth = 0;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < len) {
		if (text[i] == '"') {
			i = json_copy_string(&out, text, len, i);
			continue;
		}
		if (json_is_digit(text[i]) || text[i] == '-') {
			i = json_copy_number(&out, text, len, i);
			continue;
		}
		if (text[i] == '[' || text[i] == '{')
			depth++;
		else if (text[i] == ']' || text[i] == '}')
			depth--;
		if (depth > WEB_DEPTH_MAX) {
			plugin_fail(err, DROVER_PERMANENT,
			    "the JSON is nested deeper than %d levels", WEB_DEPTH_MAX);
			goto out;
		}
		nodes += text[i] == ',' || text[i] == '[' || text[i] == '{';
		if (nodes > JSON_NODES_MAX) {
			plugin_fail(err, DROVER_PERMANENT, "the JSON has more than %d values",
			    JSON_NODES_MAX);
			goto out;
		}
		text_add(&out, text + i++, 1);
	}
	json = cJSON_ParseWithLengthOpts(text_of(&out), out.len, &end, 0);
	if (json != NULL && end != NULL &&
	    (end[strspn(end, " \t\r\n")] != '\0' || memchr(text, '\0', len) != NULL)) {
		cJSON_Delete(json);
		json = NULL;
	}
	if (json == NULL)
		plugin_fail(err, DROVER_AGAIN,
		    "not JSON, or cut off: it can be read up to byte %zu of %zu",
		    end != NULL ? (size_t)(end - text_of(&out)) : (size_t)0, len);
out:
	text_free(&out);
	return json;
}

cJSON *
json_get(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *
json_text(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(json_get(object, key));

	return text != NULL ? text : "";
}

double
json_number(const cJSON *object, const char *key)
{
	const cJSON *item = json_get(object, key);

	return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : 0;
}

bool
json_true(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(json_get(object, key));
}

const cJSON *
json_at(const cJSON *object, const char *path)
{
	char key[JSON_PATH_MAX];
	size_t len;

	while (object != NULL && *path != '\0') {
		len = strcspn(path, ".");
		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		object = json_get(object, key);
		path += len + (path[len] == '.');
	}
	return object;
}

const char *
json_text_at(const cJSON *object, const char *path)
{
	const char *text = cJSON_GetStringValue(json_at(object, path));

	return text != NULL ? text : "";
}

void
json_id(const cJSON *object, const char *key, char *out, size_t size)
{
	const cJSON *item = json_get(object, key);

	if (size == 0)
		return;
	out[0] = '\0';
	if (cJSON_IsString(item)) {
		if (strlen(item->valuestring) < size)
			memcpy(out, item->valuestring, strlen(item->valuestring) + 1);
	} else if (cJSON_IsNumber(item) && fabs(item->valuedouble) <= 0x1p53 &&
	    (double)(int64_t)item->valuedouble == item->valuedouble) {
		if ((size_t)snprintf(out, size, "%.0f", item->valuedouble) >= size)
			out[0] = '\0';
	}
}

cJSON *
json_object(void)
{
	return xjson(cJSON_CreateObject());
}

cJSON *
json_array(void)
{
	return xjson(cJSON_CreateArray());
}

cJSON *
json_put(cJSON *object, const char *key, cJSON *item)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	if (!cJSON_AddItemToObject(object, key, item))
		mem_check(NULL);
	return item;
}

void
json_put_text(cJSON *object, const char *key, const char *value)
{
	if (value != NULL)
		json_put(object, key, xjson(cJSON_CreateString(value)));
}

void
json_put_number(cJSON *object, const char *key, double value)
{
	json_put(object, key, xjson(cJSON_CreateNumber(value)));
}

void
json_put_bool(cJSON *object, const char *key, bool value)
{
	json_put(object, key, xjson(cJSON_CreateBool(value)));
}

void
json_push(cJSON *array, cJSON *item)
{
	if (!cJSON_AddItemToArray(array, item))
		mem_check(NULL);
}

void
json_push_text(cJSON *array, const char *value)
{
	json_push(array, xjson(cJSON_CreateString(value)));
}

char *
json_print(const cJSON *json)
{
	return xjson(cJSON_PrintUnformatted(json));
}
