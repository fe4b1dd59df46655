/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as people see it: the example, the effective values with
 * their origins, and differences.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/layer.h"

static void show_indent(struct buf *, int);
static void show_text(struct buf *, const char *);
static void show_value(struct buf *, const cJSON *);
static void show_group(struct buf *, const cJSON *, const cJSON *, struct buf *, int);
static void show_entry(struct buf *, const cJSON *, const cJSON *, struct buf *, int);
static size_t show_path_push(struct buf *, const char *);
static void show_path_pop(struct buf *, size_t);
static void example_value(struct buf *, const struct key *);
static void example_group(struct buf *, const struct key *, const char *, int);
static void example_many(struct buf *, const struct key *, int);
static void example_line(struct buf *, const char *, int);
static void show_flatten(cJSON *, struct buf *, const cJSON *);
static cJSON *show_flat(const struct config *);

static void
show_indent(struct buf *out, int depth)
{
	while (depth-- > 0)
		buf_addc(out, '\t');
}

static void
show_text(struct buf *out, const char *s)
{
	static const char special[] = "\"\\\n\r\t\f", names[] = "\"\\nrtf";
	const char *p;

	buf_addc(out, '"');
	for (; *s != '\0'; s++) {
		if ((p = strchr(special, *s)) != NULL) {
			buf_addc(out, '\\');
			buf_addc(out, names[p - special]);
		} else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			buf_addf(out, "\\x%02x", (unsigned char)*s);
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

/* Writes a value that fits on one line. */
static void
show_value(struct buf *out, const cJSON *value)
{
	const cJSON *element;
	char *text;

	if (cJSON_IsString(value))
		show_text(out, value->valuestring);
	else if (cJSON_IsArray(value) || cJSON_IsObject(value)) {
		buf_adds(out, cJSON_IsArray(value) ? "(" : "{ ");
		cJSON_ArrayForEach(element, value) {
			if (cJSON_IsObject(value))
				buf_addf(out, "%s = ", element->string);
			else if (element != value->child)
				buf_adds(out, ", ");
			show_value(out, element);
			if (cJSON_IsObject(value))
				buf_adds(out, "; ");
		}
		buf_adds(out, cJSON_IsArray(value) ? ")" : "}");
	} else {
		text = json_print(value);
		buf_adds(out, text);
		free(text);
	}
}

static size_t
show_path_push(struct buf *path, const char *name)
{
	size_t len = path->len;

	if (name != NULL)
		buf_addf(path, "%s%s", len > 0 ? "." : "", name);
	return len;
}

static void
show_path_pop(struct buf *path, size_t len)
{
	path->len = len;
	if (path->data != NULL)
		path->data[len] = '\0';
}

static void
show_entry(struct buf *out, const cJSON *value, const cJSON *origins, struct buf *path, int depth)
{
	const cJSON *element;
	const char *origin;
	char place[24];
	size_t len;
	int i = 0;

	show_indent(out, depth);
	buf_addf(out, "%s = ", value->string);
	if (cJSON_IsObject(value)) {
		buf_adds(out, "{\n");
		show_group(out, value, origins, path, depth + 1);
		show_indent(out, depth);
		buf_adds(out, "};\n");
	} else if (cJSON_IsArray(value) && cJSON_IsObject(value->child)) {
		buf_adds(out, "(\n");
		cJSON_ArrayForEach(element, value) {
			len = show_path_push(path,
			    layer_label(json_str(element, "name", NULL), i++, place, sizeof place));
			show_indent(out, depth + 1);
			buf_adds(out, "{\n");
			show_group(out, element, origins, path, depth + 2);
			show_indent(out, depth + 1);
			buf_addf(out, "}%s\n", element->next != NULL ? "," : "");
			show_path_pop(path, len);
		}
		show_indent(out, depth);
		buf_adds(out, ");\n");
	} else {
		show_value(out, value);
		buf_addc(out, ';');
		origin = json_str(origins, buf_str(path), "default");
		if (origins != NULL)
			buf_addf(out, " # %s%s", strcmp(origin, "default") == 0 ? "" : "from ",
			    origin);
		buf_addc(out, '\n');
	}
}

static void
show_group(struct buf *out, const cJSON *group, const cJSON *origins, struct buf *path, int depth)
{
	const cJSON *value;
	size_t len;

	cJSON_ArrayForEach(value, group) {
		len = show_path_push(path, value->string);
		show_entry(out, value, origins, path, depth);
		show_path_pop(path, len);
	}
}

void
config_show(const struct config *c, bool with_origin, struct buf *out)
{
	struct buf path = BUF_INIT;
	cJSON *json = config_to_json(c);

	cJSON_DeleteItemFromObjectCaseSensitive(json, "origins");
	cJSON_DeleteItemFromObjectCaseSensitive(json, "file");
	show_group(out, json, with_origin ? c->origins : NULL, &path, 0);
	buf_free(&path);
	cJSON_Delete(json);
}

static void
example_value(struct buf *out, const struct key *key)
{
	if (key->example != NULL)
		buf_adds(out, key->example);
	else if (key->fallback == NULL)
		buf_adds(out,
		    key->kind == KEY_ARGV ? "(\"pass\", \"show\", \"drover\")" : "\"NAME\"");
	else if (key->kind == KEY_INT || key->kind == KEY_LONG || key->kind == KEY_BOOL)
		buf_adds(out, key->fallback);
	else {
		buf_adds(out, key->kind == KEY_PATHS ? "(" : "");
		show_text(out, key->fallback);
		buf_adds(out, key->kind == KEY_PATHS ? ")" : "");
	}
}

/*
 * Writes one sample entry of a map or list, as a comment, since there is no
 * entry by default.
 */
static void
example_many(struct buf *out, const struct key *key, int depth)
{
	bool map = key->kind == KEY_MAP;

	example_line(out, "#", depth);
	buf_addf(out, "%s = %s\n", key->name, map ? "{" : "(");
	example_line(out, "#", depth + 1);
	buf_addf(out, map ? "%s = {\n" : "{\n", key->sample);
	example_group(out, key->table, "#", depth + 2);
	example_line(out, "#", depth + 1);
	buf_adds(out, map ? "};\n" : "}\n");
	example_line(out, "#", depth);
	buf_adds(out, map ? "};\n" : ");\n");
}

static void
example_line(struct buf *out, const char *mark, int depth)
{
	buf_adds(out, mark);
	show_indent(out, depth);
}

/* "# text" explains; "#key = value;" is a key that is not set. */
static void
example_group(struct buf *out, const struct key *table, const char *mark, int depth)
{
	const struct key *key;
	bool exclusive, unset;

	for (key = table; key->name != NULL; key++) {
		if (key->kind == KEY_REST || key->kind == KEY_AT)
			continue;
		if (depth == 0)
			buf_addc(out, '\n');
		example_line(out, mark, depth);
		buf_addf(out, "# %s\n", key->help);
		if (key->kind == KEY_GROUP) {
			example_line(out, mark, depth);
			buf_addf(out, "%s = {\n", key->name);
			example_group(out, key->table, mark, depth + 1);
			example_line(out, mark, depth);
			buf_adds(out, "};\n");
			continue;
		}
		if (key->kind == KEY_MAP || key->kind == KEY_LIST) {
			example_many(out, key, depth);
			continue;
		}
		/* Only one of the ways to a secret may be set. */
		exclusive = strcmp(key->name, "token_env") == 0 ||
		    strcmp(key->name, "token_command") == 0 || strcmp(key->name, "token_from") == 0;
		unset = mark[0] == '\0' && key->fallback == NULL;
		example_line(out, mark, depth);
		buf_addf(out, "%s%s = ", exclusive ? "# " : unset ? "#" : "", key->name);
		example_value(out, key);
		buf_adds(out, ";\n");
	}
}

void
config_example(struct buf *out)
{
	buf_adds(out,
	    "# drover.conf: every key, with its default or, behind a \"#\", as it could be.\n"
	    "# Durations: \"250ms\", \"30s\", \"50m\", \"2h\", \"7d\"; sizes: \"512K\", \"64M\", "
	    "\"2G\".\n"
	    "# conf.d/*.conf beside this file is read after it; then DROVER_RUNNING=2 in the "
	    "environment wins.\n");
	example_group(out, keys_config, "", 0);
}

/*
 * Adds {"repos.web.url": "\"https://...\"", ...}, an entry for each line that a
 * difference may have.
 */
static void
show_flatten(cJSON *out, struct buf *path, const cJSON *value)
{
	bool groups = cJSON_IsArray(value) && cJSON_IsObject(value->child);
	const cJSON *child;
	char *text, place[24];
	size_t len;
	int i = 0;

	if (!groups && !cJSON_IsObject(value)) {
		text = json_print(value);
		json_add_str(out, buf_str(path), text);
		free(text);
		return;
	}
	cJSON_ArrayForEach(child, value) {
		len = show_path_push(path,
		    groups ? layer_label(json_str(child, "name", NULL), i++, place, sizeof place) :
			     child->string);
		show_flatten(out, path, child);
		show_path_pop(path, len);
	}
}

static cJSON *
show_flat(const struct config *c)
{
	cJSON *json = config_to_json(c), *out = cJSON_CreateObject();
	struct buf path = BUF_INIT;

	MUST(out != NULL);
	cJSON_DeleteItemFromObjectCaseSensitive(json, "origins");
	cJSON_DeleteItemFromObjectCaseSensitive(json, "file");
	show_flatten(out, &path, json);
	buf_free(&path);
	cJSON_Delete(json);
	return out;
}

int
config_diff(const struct config *from, const struct config *to, struct buf *out)
{
	cJSON *before = show_flat(from), *after = show_flat(to), *item;
	const char *other;
	int n = 0;

	cJSON_ArrayForEach(item, before) {
		other = json_str(after, item->string, "(none)");
		if (strcmp(item->valuestring, other) == 0)
			continue;
		buf_addf(out, "%s: %s -> %s\n", item->string, item->valuestring, other);
		n++;
	}
	cJSON_ArrayForEach(item, after)
		if (json_get(before, item->string) == NULL) {
			buf_addf(out, "%s: (none) -> %s\n", item->string, item->valuestring);
			n++;
		}
	cJSON_Delete(before);
	cJSON_Delete(after);
	return n;
}
