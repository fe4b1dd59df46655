/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From structs back to JSON, and freeing them: what each kind of key writes and
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

static write_fn write_string, write_word, write_int, write_long, write_bool, write_duration,
    write_size, write_strings, write_argvs, write_options, write_table, write_map, write_list;
static free_fn free_string, free_strings, free_argvs, free_options, free_table, free_structs;

static const struct {
	write_fn *write;
	free_fn *free;
} kinds[KEY_KINDS] = {
	[KEY_STRING] = { write_string, free_string },
	[KEY_PATH] = { write_string, free_string },
	[KEY_WORD] = { write_word, NULL },
	[KEY_INT] = { write_int, NULL },
	[KEY_LONG] = { write_long, NULL },
	[KEY_BOOL] = { write_bool, NULL },
	[KEY_DURATION] = { write_duration, NULL },
	[KEY_SIZE] = { write_size, NULL },
	[KEY_STRINGS] = { write_strings, free_strings },
	[KEY_PATHS] = { write_strings, free_strings },
	[KEY_ARGV] = { write_strings, free_strings },
	[KEY_ARGVS] = { write_argvs, free_argvs },
	[KEY_GROUP] = { write_table, free_table },
	[KEY_MAP] = { write_map, free_structs },
	[KEY_LIST] = { write_list, free_structs },
	[KEY_OPTIONS] = { write_options, free_options },
	[KEY_REST] = { write_options, free_options },
	[KEY_AT] = { NULL, free_string },
};

static cJSON *
write_string(const struct key *key, const void *field)
{
	const char *s = *(char *const *)field;

	return s == NULL ? NULL : cJSON_CreateString(s);
}

static cJSON *
write_word(const struct key *key, const void *field)
{
	return cJSON_CreateString(key->words[*(const int *)field]);
}

static cJSON *
write_int(const struct key *key, const void *field)
{
	int n = *(const int *)field;

	return key->unset == n && n < 0 ? NULL : cJSON_CreateNumber(n);
}

static cJSON *
write_long(const struct key *key, const void *field)
{
	return cJSON_CreateNumber((double)*(const int64_t *)field);
}

static cJSON *
write_bool(const struct key *key, const void *field)
{
	return cJSON_CreateBool(*(const bool *)field);
}

static cJSON *
write_duration(const struct key *key, const void *field)
{
	int64_t ms = *(const int64_t *)field;
	char text[UNITS_MAX];

	return ms < 0 ? NULL : cJSON_CreateString(units_write_duration(ms, text, sizeof text));
}

static cJSON *
write_size(const struct key *key, const void *field)
{
	char text[UNITS_MAX];

	return cJSON_CreateString(units_write_size(*(const int64_t *)field, text, sizeof text));
}

static cJSON *
write_strings(const struct key *key, const void *field)
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
write_argvs(const struct key *key, const void *field)
{
	char **const *argvs = *(char **const *const *)field;
	cJSON *list;
	size_t i;

	if (argvs == NULL || argvs[0] == NULL)
		return NULL;
	MUST((list = cJSON_CreateArray()) != NULL);
	for (i = 0; argvs[i] != NULL; i++)
		MUST(cJSON_AddItemToArray(list, write_strings(key, &argvs[i])));
	return list;
}

static cJSON *
write_options(const struct key *key, const void *field)
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
write_table(const struct key *key, const void *base)
{
	cJSON *group = cJSON_CreateObject();

	MUST(group != NULL);
	bind_write(key->table, base, group);
	return group;
}

static cJSON *
write_structs(const struct key *key, const void *base, bool map)
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
write_map(const struct key *key, const void *base)
{
	return write_structs(key, base, true);
}

static cJSON *
write_list(const struct key *key, const void *base)
{
	return write_structs(key, base, false);
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
free_string(const struct key *key, void *field)
{
	free(*(char **)field);
}

static void
free_strings(const struct key *key, void *field)
{
	bind_free_strings(*(char ***)field);
}

static void
free_argvs(const struct key *key, void *field)
{
	char ***argvs = *(char ****)field;
	size_t i;

	for (i = 0; argvs != NULL && argvs[i] != NULL; i++)
		bind_free_strings(argvs[i]);
	free(argvs);
}

static void
free_options(const struct key *key, void *field)
{
	cJSON_Delete(*(cJSON **)field);
}

static void
free_table(const struct key *key, void *base)
{
	bind_free(key->table, base);
}

static void
free_structs(const struct key *key, void *base)
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
