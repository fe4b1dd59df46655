/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option tables of plugins: checks what is configured against what the plugin
 * declares.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/units.h"
#include "config/bind.h"
#include "config/keys.h"
#include "config/layer.h"
#include "config/options.h"

enum option_secret_way { SECRET_FILE, SECRET_ENV, SECRET_COMMAND, SECRET_WAYS };

struct option_value {
	const struct drover_option *option;
	char *at;                /* NULL when it is not configured */
	/* value of a scalar; NULL if it has neither a value nor a default */
	char *text;
	int64_t number;          /* value of an int, bool, duration or size */
	char **list;             /* a list, or the command of a secret */
	enum option_secret_way way; /* how text or list leads to the secret */
};

struct options {
	struct option_value *values;
	size_t len;
	const char *dir;
};

typedef int read_fn(struct option_value *, const char *dir, const cJSON *);

static read_fn options_read_string, options_read_bool, options_read_int, options_read_duration,
    options_read_size, options_read_path, options_read_list;

/* Indexed by enum drover_type. */
static const struct {
	const char *name, *wants;
	read_fn *read;
} types[] = {
	[DROVER_STRING] = { "string", "text in quotes", options_read_string },
	[DROVER_BOOL] = { "bool", "true or false", options_read_bool },
	[DROVER_INT] = { "int", "a whole number", options_read_int },
	[DROVER_DURATION] = { "duration", "a duration like \"30s\", \"50m\" or \"1h30m\"",
	    options_read_duration },
	[DROVER_SIZE] = { "size", "a size like \"512K\", \"64M\" or \"2G\"", options_read_size },
	[DROVER_PATH] = { "path", "a path in quotes", options_read_path },
	[DROVER_LIST] = { "list", "a list like (\"a\", \"b\")", options_read_list },
};

static const char *const way_suffixes[SECRET_WAYS] = { "_file", "_env", "_command" };

static struct option_value *options_find(const struct options *, const char *);
static struct option_value *options_find_secret(const struct options *, const char *,
    enum option_secret_way *);
static int options_take(struct options *, const cJSON *, const char *, struct error *);
static int options_take_secret(struct options *, struct option_value *, enum option_secret_way,
    const cJSON *, const char *, struct error *);
static int options_unknown(const struct options *, const cJSON *, const char *, struct error *);
static int options_set_default(struct options *, struct option_value *, const char *,
    struct error *);
static int options_check_required(const struct options *, const cJSON *, const char *,
    struct error *);

static int
options_read_string(struct option_value *v, const char *dir, const cJSON *json)
{
	if (!cJSON_IsString(json))
		return -1;
	v->text = xstrdup(json->valuestring);
	return 0;
}

static int
options_read_bool(struct option_value *v, const char *dir, const cJSON *json)
{
	if (!cJSON_IsBool(json))
		return -1;
	v->number = cJSON_IsTrue(json);
	v->text = xstrdup(v->number != 0 ? "true" : "false");
	return 0;
}

/* A number beyond 2^53 is kept as text. */
static int
options_read_int(struct option_value *v, const char *dir, const cJSON *json)
{
	if (cJSON_IsNumber(json) && fabs(json->valuedouble) <= 0x1p53 &&
	    floor(json->valuedouble) == json->valuedouble)
		v->number = (int64_t)json->valuedouble;
	else if (!cJSON_IsString(json) ||
	    units_parse_int(json->valuestring, INT64_MIN, INT64_MAX, &v->number) == -1)
		return -1;
	v->text = xasprintf("%" PRId64, v->number);
	return 0;
}

static int
options_read_duration(struct option_value *v, const char *dir, const cJSON *json)
{
	if (!cJSON_IsString(json) || units_parse_duration(json->valuestring, &v->number) == -1)
		return -1;
	v->text = xstrdup(json->valuestring);
	return 0;
}

static int
options_read_size(struct option_value *v, const char *dir, const cJSON *json)
{
	if (!cJSON_IsString(json) || units_parse_size(json->valuestring, &v->number) == -1)
		return -1;
	v->text = xstrdup(json->valuestring);
	return 0;
}

static int
options_read_path(struct option_value *v, const char *dir, const cJSON *json)
{
	if (!cJSON_IsString(json) || json->valuestring[0] == '\0')
		return -1;
	v->text = path_resolve(dir, json->valuestring);
	return 0;
}

static int
options_read_list(struct option_value *v, const char *dir, const cJSON *json)
{
	return (v->list = bind_strings(json)) == NULL ? -1 : 0;
}

static struct option_value *
options_find(const struct options *o, const char *key)
{
	size_t i;

	for (i = 0; o != NULL && i < o->len; i++)
		if (strcmp(o->values[i].option->key, key) == 0)
			return &o->values[i];
	return NULL;
}

/*
 * Finds the option of a key. "token_file" names the option token, in the way
 * SECRET_FILE.
 */
static struct option_value *
options_find_secret(const struct options *o, const char *key, enum option_secret_way *way)
{
	size_t i, len;
	int w;

	for (i = 0; i < o->len; i++) {
		len = strlen(o->values[i].option->key);
		if ((o->values[i].option->flags & DROVER_SECRET) == 0 ||
		    strncmp(key, o->values[i].option->key, len) != 0)
			continue;
		for (w = 0; w < SECRET_WAYS; w++)
			if (strcmp(key + len, way_suffixes[w]) == 0) {
				*way = (enum option_secret_way)w;
				return &o->values[i];
			}
	}
	return NULL;
}

static int
options_unknown(const struct options *o, const cJSON *entry, const char *what, struct error *err)
{
	const char *at = json_str(entry, "at", "?"), *near = NULL, *suffix = "";
	size_t i, d, best = strlen(entry->string) / 3 + 2;

	for (i = 0; i < o->len; i++)
		if ((d = keys_distance(o->values[i].option->key, entry->string)) < best) {
			best = d;
			near = o->values[i].option->key;
			suffix = (o->values[i].option->flags & DROVER_SECRET) != 0 ?
			    way_suffixes[SECRET_FILE] :
			    "";
		}
	if (near != NULL)
		return error_set(err, DROVER_CONFIG,
		    "%s: %s: unknown key \"%.80s\"; did you mean \"%s%s\"?", at, what,
		    entry->string, near, suffix);
	return error_set(err, DROVER_CONFIG,
	    "%s: %s: unknown key \"%.80s\"; drover plugin info shows all", at, what, entry->string);
}

static int
options_take_secret(struct options *o, struct option_value *v, enum option_secret_way way,
    const cJSON *entry, const char *what, struct error *err)
{
	const cJSON *json = json_get(entry, "value");
	const char *at = json_str(entry, "at", "?");

	if (v->at != NULL)
		return error_set(err, DROVER_CONFIG,
		    "%s: %s: %s: there is %s%s as well, at %s: keep one of them", at, what,
		    entry->string, v->option->key, way_suffixes[v->way], v->at);
	if (way == SECRET_COMMAND &&
	    ((v->list = bind_strings(json)) == NULL || v->list[0] == NULL || v->list[0][0] == '\0'))
		return error_set(err, DROVER_CONFIG,
		    "%s: %s: %s must be a command like (\"pass\", \"show\", \"x\"), word for word, "
		    "no shell",
		    at, what, entry->string);
	if (way != SECRET_COMMAND && (!cJSON_IsString(json) || json->valuestring[0] == '\0'))
		return error_set(err, DROVER_CONFIG, "%s: %s: %s must be %s", at, what,
		    entry->string,
		    way == SECRET_FILE ? "a path in quotes" : "the name of a variable, in quotes");
	if (way == SECRET_FILE)
		v->text = path_resolve(o->dir, json->valuestring);
	else if (way == SECRET_ENV)
		v->text = xstrdup(json->valuestring);
	v->way = way;
	v->at = xstrdup(at);
	return 0;
}

static int
options_take(struct options *o, const cJSON *entry, const char *what, struct error *err)
{
	struct option_value *v = options_find(o, entry->string);
	const char *at = json_str(entry, "at", "?");
	enum option_secret_way way;

	if (v == NULL) {
		if ((v = options_find_secret(o, entry->string, &way)) != NULL)
			return options_take_secret(o, v, way, entry, what, err);
		return options_unknown(o, entry, what, err);
	}
	if ((v->option->flags & DROVER_SECRET) != 0)
		return error_set(err, DROVER_CONFIG,
		    "%s: %s: %s: a secret is not written into a file: use %s_file, %s_env or "
		    "%s_command",
		    at, what, entry->string, entry->string, entry->string, entry->string);
	if (types[v->option->type].read(v, o->dir, json_get(entry, "value")) == -1)
		return error_set(err, DROVER_CONFIG, "%s: %s: %s must be %s", at, what,
		    entry->string, types[v->option->type].wants);
	v->at = xstrdup(at);
	return 0;
}

/* Writes a string as it is, and any other value as a file would have it. */
static int
options_set_default(struct options *o, struct option_value *v, const char *what, struct error *err)
{
	const struct drover_option *option = v->option;
	bool quoted = option->type != DROVER_BOOL && option->type != DROVER_INT &&
	    option->type != DROVER_LIST;
	cJSON *layer = NULL, *json = NULL;
	char *text;
	int rc = -1;

	if (quoted) {
		json = cJSON_CreateString(option->fallback);
	} else {
		text = xasprintf("v = %s;", option->fallback);
		if ((layer = layer_read(text, "default", "/", NULL)) != NULL)
			json = layer_plain(json_get(layer_value(layer), "v"));
		free(text);
	}
	if (json != NULL)
		rc = types[option->type].read(v, o->dir, json);
	if (rc == -1)
		error_set(err, DROVER_CONFIG,
		    "%s: the plugin's default \"%s\" of %s is not %s: a defect of the plugin", what,
		    option->fallback, option->key, types[option->type].wants);
	cJSON_Delete(json);
	cJSON_Delete(layer);
	return rc;
}

static int
options_check_required(const struct options *o, const cJSON *values, const char *what,
    struct error *err)
{
	const char *at =
	    values != NULL && values->child != NULL ? json_str(values->child, "at", NULL) : NULL;
	const struct drover_option *option;
	size_t i;

	for (i = 0; i < o->len; i++) {
		option = o->values[i].option;
		if ((option->flags & DROVER_REQUIRED) == 0 || o->values[i].at != NULL)
			continue;
		return error_set(err, DROVER_CONFIG, "%s%s%s: %s%s is missing: %s",
		    at != NULL ? at : "", at != NULL ? ": " : "", what, option->key,
		    (option->flags & DROVER_SECRET) != 0 ? "_file (or _env or _command)" : "",
		    option->help != NULL ? option->help : types[option->type].wants);
	}
	return 0;
}

struct options *
options_check(const struct drover_option *table, const cJSON *values, const char *what,
    const char *dir, struct error *err)
{
	struct options *o = xcalloc(1, sizeof *o);
	const cJSON *entry;
	size_t i;

	o->dir = dir;
	for (i = 0; table != NULL && table[i].key != NULL; i++) {
		if (table[i].type < 0 || table[i].type >= (int32_t)ARRAY_LEN(types)) {
			error_set(err, DROVER_CONFIG,
			    "%s: the plugin's option %s has a type that this drover does not know",
			    what, table[i].key);
			goto fail;
		}
		o->values = xreallocarray(o->values, i + 1, sizeof *o->values);
		o->values[o->len++] = (struct option_value){ .option = &table[i] };
	}
	cJSON_ArrayForEach(entry, values)
		if (options_take(o, entry, what, err) == -1)
			goto fail;
	if (options_check_required(o, values, what, err) == -1)
		goto fail;
	for (i = 0; i < o->len; i++)
		if (o->values[i].at == NULL && o->values[i].option->fallback != NULL &&
		    (o->values[i].option->flags & DROVER_SECRET) == 0 &&
		    options_set_default(o, &o->values[i], what, err) == -1)
			goto fail;
	o->dir = NULL;
	return o;
fail:
	options_free(o);
	return NULL;
}

void
options_free(struct options *o)
{
	size_t i;

	if (o == NULL)
		return;
	for (i = 0; i < o->len; i++) {
		free(o->values[i].at);
		free(o->values[i].text);
		free_strings(o->values[i].list);
	}
	free(o->values);
	free(o);
}

int
options_has(const struct options *o, const char *key)
{
	return options_find(o, key) != NULL;
}

const char *
options_string(const struct options *o, const char *key)
{
	const struct option_value *v = options_find(o, key);

	return v == NULL || (v->option->flags & DROVER_SECRET) != 0 ? NULL : v->text;
}

int64_t
options_integer(const struct options *o, const char *key)
{
	const struct option_value *v = options_find(o, key);

	return v == NULL ? 0 : v->number;
}

size_t
options_count(const struct options *o, const char *key)
{
	const struct option_value *v = options_find(o, key);
	size_t n = 0;

	if (v == NULL || v->list == NULL || (v->option->flags & DROVER_SECRET) != 0)
		return 0;
	while (v->list[n] != NULL)
		n++;
	return n;
}

const char *
options_item(const struct options *o, const char *key, size_t index)
{
	return index < options_count(o, key) ? options_find(o, key)->list[index] : NULL;
}

char *
options_secret(const struct options *o, const char *key, struct error *err)
{
	const struct option_value *v = options_find(o, key);
	char *secret;

	if (v == NULL || (v->option->flags & DROVER_SECRET) == 0) {
		error_set(err, DROVER_CONFIG, "%s: no secret of that name is declared", key);
		return NULL;
	}
	if (v->at == NULL) {
		if (err != NULL)
			*err = (struct error){ 0 };
		return NULL;
	}
	secret = secret_read(v->way == SECRET_FILE ? v->text : NULL,
	    v->way == SECRET_ENV ? v->text : NULL, v->list, err);
	if (secret == NULL)
		error_prefix(err, "%s: %s%s", v->at, key, way_suffixes[v->way]);
	return secret;
}

int
options_given(const struct options *o, const char *key)
{
	const struct option_value *v = options_find(o, key);

	return v != NULL && v->at != NULL;
}

cJSON *
options_describe(const struct drover_option *table)
{
	cJSON *option, *all = cJSON_CreateArray();

	MUST(all != NULL);
	for (; table != NULL && table->key != NULL; table++) {
		MUST((option = cJSON_CreateObject()) != NULL);
		json_add_str(option, "key", table->key);
		json_add_str(option, "type",
		    table->type >= 0 && table->type < (int32_t)ARRAY_LEN(types) ?
			types[table->type].name :
			"unknown");
		json_add_bool(option, "required", (table->flags & DROVER_REQUIRED) != 0);
		json_add_bool(option, "secret", (table->flags & DROVER_SECRET) != 0);
		json_add_str(option, "default", table->fallback);
		json_add_str(option, "help", table->help);
		MUST(cJSON_AddItemToArray(all, option));
	}
	return all;
}
