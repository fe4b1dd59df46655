/* SPDX-License-Identifier: Apache-2.0 */
/* Binding: a table of what each kind of key reads, writes and frees. */
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/units.h"
#include "config/bind.h"
#include "config/layer.h"

typedef int read_fn(struct binder *, const struct key *, void *, const cJSON *, const char *);

static read_fn bind_read_string, bind_read_path, bind_read_word, bind_read_int, bind_read_long,
    bind_read_bool, bind_read_duration, bind_read_size, bind_read_strings, bind_read_paths,
    bind_read_argv, bind_read_argvs, bind_read_options, bind_read_table, bind_read_map,
    bind_read_list;

static const struct {
	const char *wants;   /* what a right value looks like */
	read_fn *read;
} kinds[KEY_KINDS] = {
	[KEY_STRING] = { "text in quotes", bind_read_string },
	[KEY_PATH] = { "a path in quotes", bind_read_path },
	[KEY_WORD] = { "a word in quotes", bind_read_word },
	[KEY_INT] = { "a whole number", bind_read_int },
	[KEY_LONG] = { "a whole number", bind_read_long },
	[KEY_BOOL] = { "true or false", bind_read_bool },
	[KEY_DURATION] = { "a duration like \"30s\", \"50m\" or \"1h30m\"", bind_read_duration },
	[KEY_SIZE] = { "a size like \"512K\", \"64M\" or \"2G\"", bind_read_size },
	[KEY_STRINGS] = { "a list like (\"a\", \"b\")", bind_read_strings },
	[KEY_PATHS] = { "a list of paths like (\"/a\", \"/b\")", bind_read_paths },
	[KEY_ARGV] = { "a command like (\"npm\", \"ci\"), word for word, no shell",
	    bind_read_argv },
	[KEY_ARGVS] = { "a list of commands like ( (\"npm\", \"ci\"), (\"make\") )",
	    bind_read_argvs },
	[KEY_GROUP] = { "a group { KEY = VALUE; }", bind_read_table },
	[KEY_MAP] = { "a group { NAME = { ... }; }", bind_read_map },
	[KEY_LIST] = { "a list ( { KEY = VALUE; ... } )", bind_read_list },
	[KEY_OPTIONS] = { "a group { KEY = VALUE; }", bind_read_options },
};

static char *bind_join(const char *, const char *);
static char *bind_expect_string(struct binder *, const struct key *, const cJSON *, const char *);
static int bind_check_range(struct binder *, const struct key *, int64_t, const cJSON *,
    const char *);
static int bind_add_option(cJSON **, const cJSON *);
static void bind_set_fallback(const struct key *, void *, const char *);
static int bind_unknown_key(struct binder *, const struct key *, const cJSON *, const char *);
static int bind_known(struct binder *, const struct key *, void *, const cJSON *, const char *);
static int bind_missing(struct binder *, const struct key *, void *, const cJSON *, const char *);

static char *
bind_join(const char *path, const char *name)
{
	return path[0] == '\0' ? xstrdup(name) : xasprintf("%s.%s", path, name);
}

int
bind_fault(struct binder *b, const cJSON *node, const char *path, const char *format, ...)
{
	char what[DROVER_ERROR_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	return error_set(b->err, DROVER_CONFIG, "%s: %s: %s", layer_at(node), path, what);
}

int
bind_is_secret_name(const char *name)
{
	static const char *const words[] = { "token", "password", "passwd", "passphrase", "secret",
		"api_key", "apikey", "private_key", "access_key", "secret_key" };
	size_t i, len = strlen(name), word;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		word = strlen(words[i]);
		if (len >= word && strcasecmp(name + len - word, words[i]) == 0 &&
		    (len == word || name[len - word - 1] == '_'))
			return 1;
	}
	return 0;
}

static char *
bind_expect_string(struct binder *b, const struct key *key, const cJSON *node, const char *path)
{
	char *s = cJSON_GetStringValue(layer_value(node));

	if (s == NULL)
		bind_fault(b, node, path, "must be %s", kinds[key->kind].wants);
	return s;
}

static int
bind_read_string(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	const char *s = bind_expect_string(b, key, node, path);
	struct buf words = BUF_INIT;
	size_t i;

	if (s == NULL)
		return -1;
	if (s[0] == '\0')
		return bind_fault(b, node, path,
		    "the value is empty: write one, or leave the key out");
	if ((key->flags & KEY_NAME) != 0 && !text_is_name(s))
		return bind_fault(b, node, path,
		    "\"%.80s\" is not a name: a-z, 0-9, - and _, at most 64, letter or digit first",
		    s);
	for (i = 0; key->words != NULL && key->words[i] != NULL && strcmp(s, key->words[i]) != 0;
	     i++)
		buf_addf(&words, "%s\"%s\"", i == 0 ? "" : ", ", key->words[i]);
	if (key->words != NULL && key->words[i] == NULL) {
		bind_fault(b, node, path, "\"%.80s\" is not one of %s", s, buf_str(&words));
		buf_free(&words);
		return -1;
	}
	buf_free(&words);
	*(char **)field = xstrdup(s);
	return 0;
}

static int
bind_read_path(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	char *s;

	if (bind_read_string(b, key, &s, node, path) == -1)
		return -1;
	*(char **)field = path_resolve(b->dir, s);
	free(s);
	return 0;
}

static int
bind_read_word(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	char *s;
	int i;

	if (bind_read_string(b, key, &s, node, path) == -1)
		return -1;
	for (i = 0; strcmp(key->words[i], s) != 0; i++)
		;
	*(int *)field = i;
	free(s);
	return 0;
}

static int
bind_check_range(struct binder *b, const struct key *key, int64_t n, const cJSON *node,
    const char *path)
{
	if (n >= key->min && (key->max == 0 || n <= key->max))
		return 0;
	if (key->max != 0)
		return bind_fault(b, node, path,
		    "%" PRId64 " is out of range: %" PRId64 " to %" PRId64, n, key->min, key->max);
	return bind_fault(b, node, path, "%" PRId64 " is too small: at least %" PRId64, n,
	    key->min);
}

static int
bind_read_long(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	int64_t n = json_int(node, "value", INT64_MIN);

	if (!cJSON_IsNumber(layer_value(node)) || n == INT64_MIN)
		return bind_fault(b, node, path, "must be %s", kinds[key->kind].wants);
	if (bind_check_range(b, key, n, node, path) == -1)
		return -1;
	*(int64_t *)field = n;
	return 0;
}

static int
bind_read_int(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	int64_t n;

	if (bind_read_long(b, key, &n, node, path) == -1)
		return -1;
	MUST(n >= INT_MIN && n <= INT_MAX);
	*(int *)field = (int)n;
	return 0;
}

static int
bind_read_bool(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	if (!cJSON_IsBool(layer_value(node)))
		return bind_fault(b, node, path, "must be %s", kinds[key->kind].wants);
	*(bool *)field = cJSON_IsTrue(layer_value(node));
	return 0;
}

static int
bind_read_duration(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	const char *s = bind_expect_string(b, key, node, path);
	char least[UNITS_MAX];
	int64_t ms;

	if (s == NULL)
		return -1;
	if (units_parse_duration(s, &ms) == -1)
		return bind_fault(b, node, path,
		    "\"%.80s\" is not a duration: write it like \"30s\", \"50m\" or \"1h30m\", at "
		    "most 10 years",
		    s);
	if (ms < key->min)
		return bind_fault(b, node, path, "\"%.80s\" is too short: at least %s", s,
		    units_write_duration(key->min, least, sizeof least));
	*(int64_t *)field = ms;
	return 0;
}

static int
bind_read_size(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	const char *s = bind_expect_string(b, key, node, path);
	char least[UNITS_MAX];
	int64_t bytes;

	if (s == NULL)
		return -1;
	if (units_parse_size(s, &bytes) == -1)
		return bind_fault(b, node, path,
		    "\"%.80s\" is not a size: write it like \"512K\", \"64M\" or \"2G\"", s);
	if (bytes < key->min)
		return bind_fault(b, node, path, "\"%.80s\" is too small: at least %s", s,
		    units_write_size(key->min, least, sizeof least));
	*(int64_t *)field = bytes;
	return 0;
}

char **
bind_strings(const cJSON *list)
{
	const cJSON *element;
	char **strings;
	size_t n = 0;

	if (!cJSON_IsArray(list))
		return NULL;
	strings = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *strings);
	cJSON_ArrayForEach(element, list) {
		if (!cJSON_IsString(element)) {
			free_strings(strings);
			return NULL;
		}
		strings[n++] = xstrdup(element->valuestring);
	}
	return strings;
}

static int
bind_read_strings(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	cJSON *list = layer_plain(node);
	char **strings = bind_strings(list);

	cJSON_Delete(list);
	if (strings == NULL)
		return bind_fault(b, node, path, "must be %s", kinds[key->kind].wants);
	*(char ***)field = strings;
	return 0;
}

static int
bind_read_paths(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	char **strings, *absolute;
	size_t i;

	if (bind_read_strings(b, key, field, node, path) == -1)
		return -1;
	strings = *(char ***)field;
	for (i = 0; strings[i] != NULL; i++) {
		absolute = path_resolve(b->dir, strings[i]);
		free(strings[i]);
		strings[i] = absolute;
	}
	return 0;
}

static int
bind_read_argv(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	char ***argv = field;

	if (bind_read_strings(b, key, field, node, path) == -1)
		return -1;
	if ((*argv)[0] == NULL || (*argv)[0][0] == '\0')
		return bind_fault(b, node, path, "the command is empty: it must be %s",
		    kinds[KEY_ARGV].wants);
	return 0;
}

static int
bind_read_argvs(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	const cJSON *element, *list = layer_value(node);
	char ***argvs;
	size_t n = 0;

	if (!cJSON_IsArray(list))
		return bind_fault(b, node, path, "must be %s", kinds[key->kind].wants);
	argvs = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *argvs);
	*(char ****)field = argvs;
	cJSON_ArrayForEach(element, list) {
		if (!cJSON_IsArray(layer_value(element)))
			return bind_fault(b, element, path,
			    "must be %s: each command has brackets of its own",
			    kinds[key->kind].wants);
		if (bind_read_argv(b, key, &argvs[n++], element, path) == -1)
			return -1;
	}
	return 0;
}

/* Adds {"value": plain, "at": ...} under the node's name. */
static int
bind_add_option(cJSON **options, const cJSON *node)
{
	cJSON *entry = cJSON_CreateObject();

	if (*options == NULL)
		MUST((*options = cJSON_CreateObject()) != NULL);
	MUST(entry != NULL && cJSON_AddItemToObject(entry, "value", layer_plain(node)));
	json_add_str(entry, "at", layer_at(node));
	MUST(cJSON_AddItemToObject(*options, node->string, entry));
	return 0;
}

static int
bind_read_options(struct binder *b, const struct key *key, void *field, const cJSON *node,
    const char *path)
{
	const cJSON *child;
	char *deeper;

	if (!cJSON_IsObject(layer_value(node)))
		return bind_fault(b, node, path, "must be %s", kinds[key->kind].wants);
	cJSON_ArrayForEach(child, layer_value(node)) {
		bind_add_option(field, child);
		deeper = bind_join(path, child->string);
		json_add_str(b->origins, deeper, layer_at(child));
		free(deeper);
	}
	return 0;
}

static int
bind_read_table(struct binder *b, const struct key *key, void *base, const cJSON *node,
    const char *path)
{
	if (!cJSON_IsObject(layer_value(node)))
		return bind_fault(b, node, path, "must be %s", kinds[key->kind].wants);
	return bind_group(b, key->table, base, node, path);
}

/*
 * The number of structs is another member of the parent, so bind_read_map() and
 * bind_read_list() get the parent as field.
 */
static int
bind_read_structs(struct binder *b, const struct key *key, void *base, const cJSON *node,
    const char *path, bool map)
{
	char **items = keys_field(key, base), *deeper, *element;
	int rc = 0, *len = (int *)(void *)((char *)base + key->len_offset);
	const cJSON *child;
	const char *name;
	char place[24];

	if (map ? !cJSON_IsObject(layer_value(node)) : !cJSON_IsArray(layer_value(node)))
		return bind_fault(b, node, path, "must be %s", kinds[key->kind].wants);
	*items = xcalloc((size_t)cJSON_GetArraySize(layer_value(node)), key->size);
	cJSON_ArrayForEach(child, layer_value(node)) {
		name = map ? child->string : layer_name(child);
		if (name == NULL && keys_find(key->table, "name") == NULL)
			name = layer_label(NULL, *len, place, sizeof place);
		deeper = bind_join(path, name == NULL ? "?" : name);
		if (!cJSON_IsObject(layer_value(child)))
			rc = bind_fault(b, child, deeper, "must be a group { KEY = VALUE; }");
		else if (map && !text_is_name(name))
			rc = bind_fault(b, child, deeper,
			    "\"%.80s\" is not a name: a-z, 0-9, - and _, at most 64, a letter or "
			    "digit first",
			    name);
		if (rc == 0) {
			json_add_str(b->origins, deeper, layer_at(child));
			element = *items + key->size * (size_t)(*len)++;
			/*
			 * The name is the first member of each struct that a
			 * map holds.
			 */
			if (map)
				*(char **)(void *)element = xstrdup(name);
			rc = bind_group(b, key->table, element, child, deeper);
		}
		free(deeper);
		if (rc == -1)
			break;
	}
	return rc;
}

static int
bind_read_map(struct binder *b, const struct key *key, void *base, const cJSON *node,
    const char *path)
{
	return bind_read_structs(b, key, base, node, path, true);
}

static int
bind_read_list(struct binder *b, const struct key *key, void *base, const cJSON *node,
    const char *path)
{
	return bind_read_structs(b, key, base, node, path, false);
}

/*
 * Fallbacks come from our own tables and are well-formed: a test binds each
 * table.
 */
static void
bind_set_fallback(const struct key *key, void *field, const char *dir)
{
	struct error err;
	struct binder b = { .dir = dir, .err = &err };
	cJSON *node = cJSON_CreateObject(), *value, *list;
	int64_t n;

	MUST(node != NULL);
	if ((key->kind == KEY_INT || key->kind == KEY_LONG) &&
	    units_parse_int(key->fallback, INT_MIN, INT_MAX, &n) == 0)
		value = cJSON_CreateNumber((double)n);
	else if (key->kind == KEY_BOOL)
		value = cJSON_CreateBool(strcmp(key->fallback, "true") == 0);
	else
		value = cJSON_CreateString(key->fallback);
	if (key->kind == KEY_PATHS) {
		list = cJSON_CreateArray();
		json_add_str(node, "at", "default");
		MUST(list != NULL && cJSON_AddItemToObject(node, "value", value) &&
		    cJSON_AddItemToArray(list, node));
		node = cJSON_CreateObject();
		value = list;
	}
	MUST(cJSON_AddItemToObject(node, "value", value));
	MUST(kinds[key->kind].read(&b, key, field, node, key->name) == 0);
	cJSON_Delete(node);
}

static int
bind_unknown_key(struct binder *b, const struct key *table, const cJSON *node, const char *path)
{
	char *deeper = bind_join(path, node->string);
	const char *near = keys_nearest(table, node->string);

	if (bind_is_secret_name(node->string) && keys_find(table, "token_file") != NULL)
		bind_fault(b, node, deeper,
		    "a secret is not written into a file: use token_file, token_env or "
		    "token_command");
	else if (bind_is_secret_name(node->string))
		bind_fault(b, node, deeper,
		    "a secret is not written into a file: let its owner read it by %s_file, %s_env "
		    "or %s_command",
		    node->string, node->string, node->string);
	else if (near != NULL)
		bind_fault(b, node, deeper, "unknown key; did you mean \"%s\"?", near);
	else
		bind_fault(b, node, deeper, "unknown key; drover config example shows all");
	free(deeper);
	return -1;
}

static int
bind_known(struct binder *b, const struct key *key, void *base, const cJSON *node, const char *path)
{
	char *deeper = bind_join(path, key->name);
	bool parent = key->kind == KEY_GROUP || key->kind == KEY_MAP || key->kind == KEY_LIST;
	int rc;

	if (!parent && key->kind != KEY_OPTIONS)
		json_add_str(b->origins, deeper, layer_at(node));
	rc = kinds[key->kind].read(b, key, parent ? base : keys_field(key, base), node, deeper);
	free(deeper);
	return rc;
}

static int
bind_missing(struct binder *b, const struct key *key, void *base, const cJSON *group,
    const char *path)
{
	void *field = keys_field(key, base);

	if ((key->flags & KEY_REQUIRED) != 0)
		return bind_fault(b, group, path, "%s is missing: %s", key->name, key->help);
	if (key->kind == KEY_GROUP)
		return bind_group(b, key->table, base, NULL, path);
	if (key->kind == KEY_AT)
		*(char **)field = xstrdup(layer_at(group));
	else if (key->fallback != NULL)
		bind_set_fallback(key, field, b->dir);
	else if (key->kind == KEY_DURATION || key->kind == KEY_LONG || key->kind == KEY_SIZE)
		*(int64_t *)field = key->unset;
	else if (key->kind == KEY_INT || key->kind == KEY_WORD)
		*(int *)field = (int)key->unset;
	else if ((key->kind == KEY_STRINGS && key->unset == 0) || key->kind == KEY_ARGVS)
		*(void **)field = xcalloc(1, sizeof(void *));
	return 0;
}

int
bind_group(struct binder *b, const struct key *table, void *base, const cJSON *group,
    const char *path)
{
	const struct key *key, *rest;
	const cJSON *node;
	char *deeper;

	for (rest = table; rest->name != NULL && rest->kind != KEY_REST; rest++)
		;
	cJSON_ArrayForEach(node, layer_value(group)) {
		if (keys_find(table, node->string) != NULL)
			continue;
		if (rest->name == NULL)
			return bind_unknown_key(b, table, node, path);
		bind_add_option(keys_field(rest, base), node);
		deeper = bind_join(path, node->string);
		json_add_str(b->origins, deeper, layer_at(node));
		free(deeper);
	}
	for (key = table; key->name != NULL; key++) {
		node = key->kind == KEY_REST || key->kind == KEY_AT ?
		    NULL :
		    json_get(layer_value(group), key->name);
		if ((node != NULL ? bind_known(b, key, base, node, path) :
				    bind_missing(b, key, base, group, path)) == -1)
			return -1;
	}
	return 0;
}
