/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns structs back into JSON and frees them: what each kind of key writes and
 * frees.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "config/bind.h"

typedef cJSON *write_fn(const struct key *, const void *);
typedef void free_fn(const struct key *, void *);

static write_fn unbind_write_string, unbind_write_word, unbind_write_int, unbind_write_long,
    unbind_write_bool, unbind_write_duration, unbind_write_size, unbind_write_strings,
    unbind_write_argvs, unbind_write_options, unbind_write_table, unbind_write_map,
    unbind_write_list;
static free_fn unbind_free_string, unbind_free_strings, unbind_free_argvs, unbind_free_options,
    unbind_free_table, unbind_free_structs;

static const struct {
	write_fn *write;
	free_fn *free;
} kinds[KEY_KINDS] = {
	[KEY_STRING] = { unbind_write_string, unbind_free_string },
	[KEY_PATH] = { unbind_write_string, unbind_free_string },
	[KEY_WORD] = { unbind_write_word, NULL },
	[KEY_INT] = { unbind_write_int, NULL },
	[KEY_LONG] = { unbind_write_long, NULL },
	[KEY_BOOL] = { unbind_write_bool, NULL },
	[KEY_DURATION] = { unbind_write_duration, NULL },
	[KEY_SIZE] = { unbind_write_size, NULL },
	[KEY_STRINGS] = { unbind_write_strings, unbind_free_strings },
	[KEY_PATHS] = { unbind_write_strings, unbind_free_strings },
	[KEY_ARGV] = { unbind_write_strings, unbind_free_strings },
	[KEY_ARGVS] = { unbind_write_argvs, unbind_free_argvs },
	[KEY_GROUP] = { unbind_write_table, unbind_free_table },
	[KEY_MAP] = { unbind_write_map, unbind_free_structs },
	[KEY_LIST] = { unbind_write_list, unbind_free_structs },
	[KEY_OPTIONS] = { unbind_write_options, unbind_free_options },
	[KEY_REST] = { unbind_write_options, unbind_free_options },
	[KEY_AT] = { NULL, unbind_free_string },
};

static cJSON *
unbind_write_string(const struct key *key, const void *field)
{
	const char *s = *(char *const *)field;

	return s == NULL ? NULL : cJSON_CreateString(s);
}

static cJSON *
unbind_write_word(const struct key *key, const void *field)
{
	int place = *(const int *)field;

	return place < 0 ? NULL : cJSON_CreateString(key->words[place]);
}

static cJSON *
unbind_write_int(const struct key *key, const void *field)
{
	int n = *(const int *)field;

	return key->unset == n && n < 0 ? NULL : cJSON_CreateNumber(n);
}

static cJSON *
unbind_write_long(const struct key *key, const void *field)
{
	return cJSON_CreateNumber((double)*(const int64_t *)field);
}

static cJSON *
unbind_write_bool(const struct key *key, const void *field)
{
	return cJSON_CreateBool(*(const bool *)field);
}

static cJSON *
unbind_write_duration(const struct key *key, const void *field)
{
	int64_t ms = *(const int64_t *)field;
	char text[UNITS_MAX];

	return ms < 0 ? NULL : cJSON_CreateString(units_write_duration(ms, text, sizeof text));
}

static cJSON *
unbind_write_size(const struct key *key, const void *field)
{
	char text[UNITS_MAX];

	return cJSON_CreateString(units_write_size(*(const int64_t *)field, text, sizeof text));
}

static cJSON *
unbind_write_strings(const struct key *key, const void *field)
{
	char *const *strings = *(char *const *const *)field;
	cJSON *list;
	size_t i;

	if (strings == NULL || (strings[0] == NULL && key->fallback == NULL && key->unset == 0))
		return NULL;
	MUST((list = cJSON_CreateArray()) != NULL);
	for (i = 0; strings[i] != NULL; i++)
		MUST(cJSON_AddItemToArray(list, cJSON_CreateString(strings[i])));
	return list;
}

static cJSON *
unbind_write_argvs(const struct key *key, const void *field)
{
	char **const *argvs = *(char **const *const *)field;
	cJSON *list;
	size_t i;

	if (argvs == NULL || argvs[0] == NULL)
		return NULL;
	MUST((list = cJSON_CreateArray()) != NULL);
	for (i = 0; argvs[i] != NULL; i++)
		MUST(cJSON_AddItemToArray(list, unbind_write_strings(key, &argvs[i])));
	return list;
}

static cJSON *
unbind_write_options(const struct key *key, const void *field)
{
	const cJSON *entry, *options = *(cJSON *const *)field;
	cJSON *group;

	if (options == NULL)
		return NULL;
	MUST((group = cJSON_CreateObject()) != NULL);
	cJSON_ArrayForEach(entry, options)
		MUST(cJSON_AddItemToObject(group, entry->string,
		    cJSON_Duplicate(json_get(entry, "value"), true)));
	return group;
}

static cJSON *
unbind_write_table(const struct key *key, const void *base)
{
	cJSON *group = cJSON_CreateObject();

	MUST(group != NULL);
	bind_write(key->table, base, group);
	return group;
}

static cJSON *
unbind_write_structs(const struct key *key, const void *base, bool map)
{
	const char *items = *(char *const *)keys_field(key, base), *element;
	int i, len = *(const int *)(const void *)((const char *)base + key->len_offset);
	cJSON *group, *all = map ? cJSON_CreateObject() : cJSON_CreateArray();

	MUST(all != NULL);
	for (i = 0; i < len; i++) {
		element = items + (size_t)i * key->size;
		MUST((group = cJSON_CreateObject()) != NULL);
		bind_write(key->table, element, group);
		MUST(map ?
			cJSON_AddItemToObject(all, *(char *const *)(const void *)element, group) :
			cJSON_AddItemToArray(all, group));
	}
	return all;
}

static cJSON *
unbind_write_map(const struct key *key, const void *base)
{
	return unbind_write_structs(key, base, true);
}

static cJSON *
unbind_write_list(const struct key *key, const void *base)
{
	return unbind_write_structs(key, base, false);
}

void
bind_write(const struct key *table, const void *base, cJSON *object)
{
	const struct key *key;
	cJSON *value, *child;

	for (key = table; key->name != NULL; key++) {
		if (kinds[key->kind].write == NULL)
			continue;
		value = kinds[key->kind].write(key,
		    key->kind == KEY_GROUP || key->kind == KEY_MAP || key->kind == KEY_LIST ?
			base :
			keys_field(key, base));
		if (value == NULL)
			continue;
		if (key->kind != KEY_REST) {
			MUST(cJSON_AddItemToObject(object, key->name, value));
			continue;
		}
		while ((child = cJSON_DetachItemFromArray(value, 0)) != NULL)
			MUST(cJSON_AddItemToObject(object, child->string, child));
		cJSON_Delete(value);
	}
}

static void
unbind_free_string(const struct key *key, void *field)
{
	free(*(char **)field);
}

static void
unbind_free_strings(const struct key *key, void *field)
{
	free_strings(*(char ***)field);
}

static void
unbind_free_argvs(const struct key *key, void *field)
{
	char ***argvs = *(char ****)field;
	size_t i;

	for (i = 0; argvs != NULL && argvs[i] != NULL; i++)
		free_strings(argvs[i]);
	free(argvs);
}

static void
unbind_free_options(const struct key *key, void *field)
{
	cJSON_Delete(*(cJSON **)field);
}

static void
unbind_free_table(const struct key *key, void *base)
{
	bind_free(key->table, base);
}

static void
unbind_free_structs(const struct key *key, void *base)
{
	char *items = *(char **)keys_field(key, base), *element;
	int i, len = *(int *)(void *)((char *)base + key->len_offset);

	for (i = 0; i < len; i++) {
		element = items + (size_t)i * key->size;
		if (key->kind == KEY_MAP)
			free(*(char **)(void *)element);
		bind_free(key->table, element);
	}
	free(items);
}

void
bind_free(const struct key *table, void *base)
{
	const struct key *key;

	for (key = table; key->name != NULL; key++)
		if (kinds[key->kind].free != NULL)
			kinds[key->kind].free(key,
			    key->kind == KEY_GROUP || key->kind == KEY_MAP ||
				    key->kind == KEY_LIST ?
				base :
				keys_field(key, base));
}
