/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the files of all prompts before a job needs one, so that a person hears
 * of an unknown variable while editing. Each file is checked for each prompt
 * that would take it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "config/prompts.h"
#include "config/template.h"

#define FAULTS_MAX 100

struct prompts_check_run {
	const struct config *config;
	const cJSON *all;           /* exports of every plugin */
	const char *plugin;         /* the plugin whose prompts are checked */
	const cJSON *known;         /* names of variables */
	const char *file;
	struct buf *faults;
	int count;
};

static void prompts_check_say(struct prompts_check_run *, const char *line);
static void prompts_check_text(void *, const char *, size_t);
static int prompts_check_variable(void *, const char *, unsigned int, struct error *);
static void prompts_check_folder(struct prompts_check_run *, const char *dir, const char *where);
static void prompts_check_declared(struct prompts_check_run *, const cJSON *prompt);
static void prompts_check_extra(struct prompts_check_run *, const struct prompt_for *);
static void prompts_check_found(struct prompts_check_run *, const struct prompt_for *,
    const char *name, bool required);
static bool prompts_check_is_declared(const struct prompts_check_run *, const char *name);
static cJSON *prompts_check_union(const struct prompts_check_run *);

/*
 * Appends a line unless it is there already, since one file may serve many
 * prompts.
 */
static void
prompts_check_say(struct prompts_check_run *c, const char *line)
{
	const char *hit = buf_str(c->faults);
	size_t len = strlen(line);

	for (; (hit = strstr(hit, line)) != NULL; hit += len)
		if ((hit == c->faults->data || hit[-1] == '\n') && hit[len] == '\n')
			return;
	if (c->count++ < FAULTS_MAX)
		buf_addf(c->faults, "%s\n", line);
}

static void
prompts_check_text(void *arg, const char *text, size_t len)
{
}

static int
prompts_check_variable(void *arg, const char *name, unsigned int line, struct error *err)
{
	struct prompts_check_run *c = arg;
	struct buf text = BUF_INIT;
	const cJSON *one;
	const char *sep = "";

	cJSON_ArrayForEach(one, c->known)
		if (cJSON_IsString(one) && strcmp(one->valuestring, name) == 0)
			return 0;
	buf_addf(&text, "%s:%u: unknown variable {{%s}} (known: ", c->file, line, name);
	cJSON_ArrayForEach(one, c->known) {
		if (cJSON_IsString(one))
			buf_addf(&text, "%s%s", sep, one->valuestring);
		sep = ", ";
	}
	buf_addf(&text, "%s)", *sep == '\0' ? "none" : "");
	prompts_check_say(c, buf_str(&text));
	buf_free(&text);
	return 0;
}

static void
prompts_check_found(struct prompts_check_run *c, const struct prompt_for *who, const char *name,
    bool required)
{
	const struct template_reader reader = { prompts_check_text, prompts_check_variable, c };
	struct prompt_text found;
	struct error err = { .code = 0 };

	if (prompts_find(c->config, who, name, &found, &err) != 0) {
		if (err.code != DROVER_PERMANENT || required)
			prompts_check_say(c, err.text);
		return;
	}
	c->file = found.path;
	if (template_walk(buf_str(&found.text), found.text.len, found.path, &reader, &err) != 0)
		prompts_check_say(c, err.text);
	c->file = NULL;
	prompts_free(&found);
}

/* The first folder decides, so each folder is made the first one once. */
static void
prompts_check_declared(struct prompts_check_run *c, const cJSON *prompt)
{
	const struct config *config = c->config;
	const char *name = json_str(prompt, "name", "");
	char *source;

	c->known = json_get(prompt, "variables");
	prompts_check_found(c, &(struct prompt_for){ .plugin = c->plugin }, name, true);
	for (int i = 0; i < config->repos_len; i++)
		if (config->repos[i].prompts != NULL)
			prompts_check_found(c,
			    &(struct prompt_for){ .plugin = c->plugin,
				.repo = config->repos[i].name },
			    name, false);
	for (int i = 0; i < config->plugins_len; i++) {
		const struct config_plugin *plugin = &config->plugins[i];

		/*
		 * A source's files are for the pipelines of its own plugin,
		 * since jobs rarely cross plugins.
		 */
		for (int j = 0; j < plugin->sources_len && strcmp(plugin->name, c->plugin) == 0;
		     j++) {
			if (plugin->sources[j].prompts == NULL)
				continue;
			source = xasprintf("%s.%s", plugin->name, plugin->sources[j].name);
			prompts_check_found(c,
			    &(struct prompt_for){ .plugin = c->plugin, .source = source }, name,
			    false);
			free(source);
		}
	}
}

static bool
prompts_check_is_declared(const struct prompts_check_run *c, const char *name)
{
	const cJSON *plugin, *pipeline, *prompt;

	cJSON_ArrayForEach(plugin, c->all)
		cJSON_ArrayForEach(pipeline, json_get(plugin, "pipelines"))
			cJSON_ArrayForEach(prompt, json_get(pipeline, "prompts"))
				if (strcmp(json_str(prompt, "name", ""), name) == 0)
					return true;
	return false;
}

/*
 * Checks the files that no pipeline declares and a person may ask for by name.
 * They may use all variables of all prompts.
 */
static cJSON *
prompts_check_union(const struct prompts_check_run *c)
{
	cJSON *names = cJSON_CreateArray();
	const cJSON *plugin, *pipeline, *prompt, *variable, *seen;

	cJSON_ArrayForEach(plugin, c->all)
		cJSON_ArrayForEach(pipeline, json_get(plugin, "pipelines"))
			cJSON_ArrayForEach(prompt, json_get(pipeline, "prompts"))
				cJSON_ArrayForEach(variable, json_get(prompt, "variables")) {
					cJSON_ArrayForEach(seen, names)
						if (cJSON_IsString(variable) &&
						    strcmp(seen->valuestring,
							variable->valuestring) == 0)
							break;
					if (seen == NULL && cJSON_IsString(variable))
						cJSON_AddItemToArray(names,
						    cJSON_CreateString(variable->valuestring));
				}
	return names;
}

static void
prompts_check_extra(struct prompts_check_run *c, const struct prompt_for *who)
{
	char **names = prompts_names(c->config, who);

	for (size_t i = 0; names[i] != NULL; i++)
		if (!prompts_check_is_declared(c, names[i]))
			prompts_check_found(c, who, names[i], false);
	free_strings(names);
}

static void
prompts_check_folder(struct prompts_check_run *c, const char *dir, const char *where)
{
	struct stat st;
	char *line;

	if (dir == NULL || (stat(dir, &st) == 0 && S_ISDIR(st.st_mode)))
		return;
	line = xasprintf("%s: %s: there is no folder %s",
	    json_str(c->config->origins, where, "default"), where, dir);
	prompts_check_say(c, line);
	free(line);
}

int
prompts_check(const struct config *config, const cJSON *all, struct buf *faults)
{
	struct prompts_check_run c = { .config = config, .all = all, .faults = faults };
	const cJSON *plugin, *pipeline, *prompt;
	cJSON *every = prompts_check_union(&c);
	char *where;

	prompts_check_folder(&c, config->prompts, "prompts");
	for (int i = 0; i < config->repos_len; i++) {
		where = xasprintf("repos.%s.prompts", config->repos[i].name);
		prompts_check_folder(&c, config->repos[i].prompts, where);
		free(where);
	}
	for (int i = 0; i < config->plugins_len; i++)
		for (int j = 0; j < config->plugins[i].sources_len; j++) {
			where = xasprintf("plugins.%s.sources.%s.prompts", config->plugins[i].name,
			    config->plugins[i].sources[j].name);
			prompts_check_folder(&c, config->plugins[i].sources[j].prompts, where);
			free(where);
		}
	cJSON_ArrayForEach(plugin, all) {
		bool any = false;

		c.plugin = json_str(plugin, "name", "");
		cJSON_ArrayForEach(pipeline, json_get(plugin, "pipelines"))
			cJSON_ArrayForEach(prompt, json_get(pipeline, "prompts")) {
				prompts_check_declared(&c, prompt);
				any = true;
			}
		c.known = every;
		if (any)
			prompts_check_extra(&c, &(struct prompt_for){ .plugin = c.plugin });
		for (int i = 0; any && i < config->repos_len; i++)
			if (config->repos[i].prompts != NULL)
				prompts_check_extra(&c,
				    &(struct prompt_for){ .plugin = c.plugin,
					.repo = config->repos[i].name });
	}
	cJSON_Delete(every);
	return c.count;
}
