/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one source of configuration, and laying one over another. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/units.h"
#include "config/layer.h"
#include "config/numbers.h"

#define DEPTH_MAX 16

struct layer_reader {
	const char *name;       /* of the text, in errors */
	const char *dir;        /* where @include starts from */
	const char *checked;    /* the included file whose numbers were checked last; libconfig's */
};

static cJSON *layer_new_node(const char *, cJSON *);
static cJSON *layer_read_setting(struct layer_reader *, const config_setting_t *, int,
    struct error *);
static cJSON *layer_read_members(struct layer_reader *, const config_setting_t *, int,
    struct error *);
static int layer_check_included(struct layer_reader *, const char *, struct error *);
static cJSON *layer_read_scalar(const config_setting_t *, const char *, struct error *);
static cJSON *layer_read_number(int64_t);
static cJSON *layer_wrap_node(const cJSON *, struct buf *, const cJSON *);
static const cJSON *layer_find_named(const cJSON *, const char *, const cJSON *);
static int layer_check_names(const cJSON *, struct error *);
static int layer_merge_group(cJSON *, cJSON *, struct error *);
static void layer_merge_list(cJSON *, cJSON *);
static void layer_set_from_env(cJSON *, const char *, const char *, const struct key *);
static void layer_walk_group(cJSON *, const struct key *, const char *);
static void layer_walk_options(cJSON *, const struct key *, const char *);
static bool layer_has_rest(const struct key *);
static char *layer_env_name(const char *, const char *);

static cJSON *
layer_new_node(const char *at, cJSON *value)
{
	cJSON *node = cJSON_CreateObject();

	MUST(node != NULL && value != NULL);
	json_add_str(node, "at", at);
	MUST(cJSON_AddItemToObject(node, "value", value));
	return node;
}

const char *
layer_at(const cJSON *node)
{
	return json_str(node, "at", "?");
}

const cJSON *
layer_value(const cJSON *node)
{
	return json_get(node, "value");
}

const char *
layer_name(const cJSON *group)
{
	return cJSON_GetStringValue(layer_value(json_get(layer_value(group), "name")));
}

const char *
layer_label(const char *name, int place, char *out, size_t size)
{
	if (name != NULL)
		return name;
	snprintf(out, size, "%d", place);
	return out;
}

/*
 * Numbers beyond 2^53 are kept as text, since a JSON number is not exact there.
 */
static cJSON *
layer_read_number(int64_t n)
{
	char text[24];

	if (llabs(n) <= INT64_C(1) << 53)
		return cJSON_CreateNumber((double)n);
	snprintf(text, sizeof text, "%" PRId64, n);
	return cJSON_CreateString(text);
}

static cJSON *
layer_read_scalar(const config_setting_t *setting, const char *at, struct error *err)
{
	const char *s;

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
		return layer_read_number(config_setting_get_int(setting));
	case CONFIG_TYPE_INT64:
		return layer_read_number(config_setting_get_int64(setting));
	case CONFIG_TYPE_BOOL:
		return cJSON_CreateBool(config_setting_get_bool(setting));
	case CONFIG_TYPE_FLOAT:
		if (isfinite(config_setting_get_float(setting)))
			return cJSON_CreateNumber(config_setting_get_float(setting));
		break;
	case CONFIG_TYPE_STRING:
		s = config_setting_get_string(setting);
		if (s == NULL)
			s = "";
		if (text_is_utf8(s, strlen(s)))
			return cJSON_CreateString(s);
		error_set(err, DROVER_CONFIG, "%s: text that is not UTF-8: save the file as UTF-8",
		    at);
		return NULL;
	default:
		break;
	}
	error_set(err, DROVER_CONFIG,
	    "%s: a value that cannot be read: write a number, true, false or \"text\"", at);
	return NULL;
}

static cJSON *
layer_read_members(struct layer_reader *reader, const config_setting_t *setting, int depth,
    struct error *err)
{
	bool group = config_setting_is_group(setting) != 0;
	cJSON *node, *members = group ? cJSON_CreateObject() : cJSON_CreateArray();
	const config_setting_t *member;
	int i, n = config_setting_length(setting);

	MUST(members != NULL);
	for (i = 0; i < n; i++) {
		member = config_setting_get_elem(setting, (unsigned int)i);
		if ((node = layer_read_setting(reader, member, depth + 1, err)) == NULL) {
			cJSON_Delete(members);
			return NULL;
		}
		MUST(group ? cJSON_AddItemToObject(members, config_setting_name(member), node) :
			     cJSON_AddItemToArray(members, node));
	}
	return members;
}

/*
 * Checks the numbers of an included file, which libconfig opened by itself. The
 * settings of a file follow each other, so each file is read once, or a little
 * more often when it includes others.
 */
static int
layer_check_included(struct layer_reader *reader, const char *file, struct error *err)
{
	struct buf text = BUF_INIT;
	char *path;
	int r;

	if (file == NULL || file == reader->checked)
		return 0;
	path = path_join(reader->dir, file);
	r = path_read(path, LAYER_MAX, &text, err);
	if (r == 0)
		r = numbers_check(buf_str(&text), file, err);
	reader->checked = file;
	free(path);
	buf_free(&text);
	return r;
}

static cJSON *
layer_read_setting(struct layer_reader *reader, const config_setting_t *setting, int depth,
    struct error *err)
{
	const char *file = config_setting_source_file(setting);
	cJSON *value = NULL, *node = NULL;
	char *at = xasprintf("%s:%u", file != NULL ? file : reader->name,
	    (unsigned int)config_setting_source_line(setting));

	if (layer_check_included(reader, file, err) == -1)
		goto out;
	if (depth > DEPTH_MAX)
		error_set(err, DROVER_CONFIG,
		    "%s: groups inside groups, deeper than %d: no key needs that", at, DEPTH_MAX);
	else if (config_setting_is_aggregate(setting))
		value = layer_read_members(reader, setting, depth, err);
	else
		value = layer_read_scalar(setting, at, err);
	if (value != NULL)
		node = layer_new_node(at, value);
out:
	free(at);
	return node;
}

cJSON *
layer_read(const char *text, const char *name, const char *dir, struct error *err)
{
	struct layer_reader reader = { .name = name, .dir = dir };
	config_t config;
	cJSON *layer = NULL;

	config_init(&config);
	config_set_include_dir(&config, dir);
	if (config_read_string(&config, text) == CONFIG_FALSE)
		error_set(err, DROVER_CONFIG,
		    "%s:%d: %s: a setting is written KEY = VALUE; a list (\"a\", \"b\"), a group { "
		    "... }",
		    config_error_file(&config) != NULL ? config_error_file(&config) : name,
		    config_error_line(&config), config_error_text(&config));
	else if (numbers_check(text, name, err) == 0)
		layer = layer_read_setting(&reader, config_root_setting(&config), 0, err);
	config_destroy(&config);
	return layer;
}

static cJSON *
layer_wrap_node(const cJSON *plain, struct buf *path, const cJSON *origins)
{
	const cJSON *child;
	size_t len = path->len;
	const char *name;
	cJSON *value;
	char place[24];
	int i = 0;

	if (!cJSON_IsObject(plain) && !cJSON_IsArray(plain)) {
		value = cJSON_Duplicate(plain, true);
		return layer_new_node(json_str(origins, buf_str(path), "default"), value);
	}
	value = cJSON_IsObject(plain) ? cJSON_CreateObject() : cJSON_CreateArray();
	MUST(value != NULL);
	cJSON_ArrayForEach(child, plain) {
		name = cJSON_IsObject(plain) ? child->string : json_str(child, "name", NULL);
		if (cJSON_IsArray(plain) && cJSON_IsObject(child))
			name = layer_label(name, i++, place, sizeof place);
		if (name != NULL)
			buf_addf(path, "%s%s", len > 0 ? "." : "", name);
		MUST(cJSON_IsObject(plain) ?
			cJSON_AddItemToObject(value, name, layer_wrap_node(child, path, origins)) :
			cJSON_AddItemToArray(value, layer_wrap_node(child, path, origins)));
		path->len = len;
		if (path->data != NULL)
			path->data[len] = '\0';
	}
	return layer_new_node(json_str(origins, buf_str(path), "default"), value);
}

cJSON *
layer_wrap(const cJSON *plain, const cJSON *origins)
{
	struct buf path = BUF_INIT;
	cJSON *layer = layer_wrap_node(plain, &path, origins);

	buf_free(&path);
	return layer;
}

cJSON *
layer_plain(const cJSON *node)
{
	const cJSON *child, *value = layer_value(node);
	cJSON *plain;

	if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) {
		MUST((plain = cJSON_Duplicate(value, true)) != NULL);
		return plain;
	}
	MUST((plain = cJSON_IsObject(value) ? cJSON_CreateObject() : cJSON_CreateArray()) != NULL);
	cJSON_ArrayForEach(child, value)
		MUST(cJSON_IsObject(value) ?
			cJSON_AddItemToObject(plain, child->string, layer_plain(child)) :
			cJSON_AddItemToArray(plain, layer_plain(child)));
	return plain;
}

/*
 * Finds the group of that name in a list, before the element `until`, or in the
 * whole list if that is NULL.
 */
static const cJSON *
layer_find_named(const cJSON *list, const char *name, const cJSON *until)
{
	const cJSON *element;
	const char *other;

	cJSON_ArrayForEach(element, list) {
		if (element == until)
			break;
		if ((other = layer_name(element)) != NULL && strcmp(other, name) == 0)
			return element;
	}
	return NULL;
}

/*
 * The same name twice in one file is a mistake; in two files the later one
 * replaces the other.
 */
static int
layer_check_names(const cJSON *list, struct error *err)
{
	const cJSON *element, *first;
	const char *name;

	cJSON_ArrayForEach(element, list)
		if ((name = layer_name(element)) != NULL &&
		    (first = layer_find_named(list, name, element)) != NULL)
			return error_set(err, DROVER_CONFIG,
			    "%s: \"%s\" is there twice, first at %s: give one another name",
			    layer_at(element), name, layer_at(first));
	return 0;
}

static void
layer_merge_list(cJSON *base, cJSON *over)
{
	cJSON *element, *next, *same;

	for (element = over->child; element != NULL; element = next) {
		next = element->next;
		same = layer_name(element) == NULL ?
		    NULL :
		    (cJSON *)(uintptr_t)layer_find_named(base, layer_name(element), NULL);
		element = cJSON_DetachItemViaPointer(over, element);
		if (same == NULL)
			MUST(cJSON_AddItemToArray(base, element));
		else
			layer_merge(same, element, NULL);
	}
}

static int
layer_merge_group(cJSON *base, cJSON *over, struct error *err)
{
	cJSON *node, *next, *value, *old, *old_value;

	for (node = over->child; node != NULL; node = next) {
		next = node->next;
		value = cJSON_GetObjectItemCaseSensitive(node, "value");
		if (cJSON_IsArray(value) && layer_check_names(value, err) == -1)
			return -1;
		node = cJSON_DetachItemViaPointer(over, node);
		old = cJSON_GetObjectItemCaseSensitive(base, node->string);
		old_value = cJSON_GetObjectItemCaseSensitive(old, "value");
		if (old == NULL) {
			MUST(cJSON_AddItemToObject(base, node->string, node));
		} else if (cJSON_IsObject(value) && cJSON_IsObject(old_value)) {
			if (layer_merge(old, node, err) == -1)
				return -1;
		} else if (cJSON_IsArray(value) && cJSON_IsArray(old_value) &&
		    layer_name(value->child) != NULL && layer_name(old_value->child) != NULL) {
			layer_merge_list(old_value, value);
			cJSON_Delete(node);
		} else {
			MUST(cJSON_ReplaceItemViaPointer(base, old, node));
		}
	}
	return 0;
}

int
layer_merge(cJSON *base, cJSON *over, struct error *err)
{
	int rc = layer_merge_group(cJSON_GetObjectItemCaseSensitive(base, "value"),
	    cJSON_GetObjectItemCaseSensitive(over, "value"), err);

	/* The origin of an entry is where it was set last. */
	if (rc == 0 && layer_name(base) != NULL)
		MUST(cJSON_ReplaceItemInObjectCaseSensitive(base, "at",
		    cJSON_CreateString(layer_at(over))));
	cJSON_Delete(over);
	return rc;
}

/* PREFIX_KEY in capitals; "-" and "." become "_". The caller frees. */
static char *
layer_env_name(const char *prefix, const char *key)
{
	char *name = xasprintf("%s_%s", prefix, key), *p;

	for (p = name; *p != '\0'; p++) {
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
		else if (*p == '-' || *p == '.')
			*p = '_';
	}
	return name;
}

/*
 * A number or boolean in the environment is read as one; another text stays
 * text, and the checks refuse it.
 */
static void
layer_set_from_env(cJSON *group, const char *prefix, const char *name, const struct key *key)
{
	char *variable = layer_env_name(prefix, name), *at = NULL;
	const char *text = getenv(variable);
	cJSON *value, *old = cJSON_GetObjectItemCaseSensitive(group, name);
	const cJSON *old_value = layer_value(old);
	bool number =
	    key != NULL ? key->kind == KEY_INT || key->kind == KEY_LONG : cJSON_IsNumber(old_value);
	bool truth = key != NULL ? key->kind == KEY_BOOL : cJSON_IsBool(old_value);
	int64_t n;

	if (text == NULL || !text_is_utf8(text, strlen(text)))
		goto out;
	if (number && units_parse_int(text, -(INT64_C(1) << 53), INT64_C(1) << 53, &n) == 0)
		value = cJSON_CreateNumber((double)n);
	else if (truth && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0))
		value = cJSON_CreateTrue();
	else if (truth && (strcmp(text, "false") == 0 || strcmp(text, "0") == 0))
		value = cJSON_CreateFalse();
	else
		value = cJSON_CreateString(text);
	at = xasprintf("env %s", variable);
	MUST(old != NULL ?
		cJSON_ReplaceItemInObjectCaseSensitive(group, name, layer_new_node(at, value)) :
		cJSON_AddItemToObject(group, name, layer_new_node(at, value)));
out:
	free(variable);
	free(at);
}

static void
layer_walk_group(cJSON *group, const struct key *table, const char *prefix)
{
	cJSON *child, *made;
	const struct key *key;
	char *deeper, *deepest;

	for (key = table; key != NULL && key->name != NULL; key++) {
		deeper = layer_env_name(prefix, key->name);
		made = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(group,
							    key->name),
		    "value");
		if (key->kind <= KEY_SIZE && strcmp(key->name, "name") != 0)
			layer_set_from_env(group, prefix, key->name, key);
		else if (key->kind == KEY_GROUP && made == NULL) {
			made = cJSON_CreateObject();
			layer_walk_group(made, key->table, deeper);
			if (made->child != NULL)
				MUST(cJSON_AddItemToObject(group, key->name,
				    layer_new_node(layer_at(made->child), made)));
			else
				cJSON_Delete(made);
		} else if (key->kind == KEY_GROUP && cJSON_IsObject(made))
			layer_walk_group(made, key->table, deeper);
		else if (key->kind == KEY_OPTIONS && cJSON_IsObject(made))
			layer_walk_group(made, NULL, deeper);
		else if (key->kind == KEY_MAP || key->kind == KEY_LIST)
			cJSON_ArrayForEach(child, made) {
				if (!cJSON_IsObject(layer_value(child)) ||
				    (key->kind == KEY_LIST && layer_name(child) == NULL))
					continue;
				deepest = layer_env_name(deeper,
				    key->kind == KEY_MAP ? child->string : layer_name(child));
				layer_walk_group(cJSON_GetObjectItemCaseSensitive(child, "value"),
				    key->table, deepest);
				free(deepest);
			}
		free(deeper);
	}
	if (table == NULL || layer_has_rest(table))
		layer_walk_options(group, table, prefix);
}

/*
 * Options of plugins can be overridden only where a file sets them: their
 * tables are not known here.
 */
static void
layer_walk_options(cJSON *group, const struct key *table, const char *prefix)
{
	cJSON *child, *next;
	char *name;

	for (child = group->child; child != NULL; child = next) {
		next = child->next;
		if ((table != NULL && keys_find(table, child->string) != NULL) ||
		    cJSON_IsObject(layer_value(child)) || cJSON_IsArray(layer_value(child)))
			continue;
		name = xstrdup(child->string);
		layer_set_from_env(group, prefix, name, NULL);
		free(name);
	}
}

static bool
layer_has_rest(const struct key *table)
{
	while (table->name != NULL && table->kind != KEY_REST)
		table++;
	return table->name != NULL;
}

void
layer_environment(cJSON *base)
{
	layer_walk_group(cJSON_GetObjectItemCaseSensitive(base, "value"), keys_config, "DROVER");
}
