/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where secrets are configured. Which option of a plugin is a secret only
 * its table says: KEY_file is an ordinary path if KEY is no secret.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mask.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/secrets.h"
#include "config/learn.h"
#include "config/options.h"

#define VARIABLE_LEAST 16 /* bytes; tokens of vendors are longer */

struct learner {
	const struct config *config;
	char *dir;               /* relative paths start here */
	struct buf *notes;
};

static void learn_note(const struct learner *, const char *where, const char *value);
static void learn_one(const struct learner *, const char *where, const char *file,
    const char *env);
static void learn_options(const struct learner *, const char *where, const cJSON *values,
    const cJSON *table);
static bool learn_is_asked(const struct config_plugin *);
static void learn_plugin(const struct learner *, const struct config_plugin *, const cJSON *);

static void
learn_note(const struct learner *l, const char *where, const char *value)
{
	size_t len = strlen(value);

	if (l->notes != NULL && len < MASK_LEAST)
		buf_addf(l->notes,
		    "%s: the secret has %zu bytes and is not hidden where it is printed: use one "
		    "of %d bytes or more\n",
		    where, len, MASK_ENCODED);
	else if (l->notes != NULL && len < MASK_ENCODED)
		buf_addf(l->notes,
		    "%s: the secret has %zu bytes and is not hidden where it is printed encoded: "
		    "use one of %d bytes or more\n",
		    where, len, MASK_ENCODED);
}

static void
learn_one(const struct learner *l, const char *where, const char *file, const char *env)
{
	struct error ignored = { 0 };
	char *path = file != NULL ? path_resolve(l->dir, file) : NULL;
	char *value = secret_read(path, env, NULL, &ignored);

	if (value != NULL) {
		secrets_add(value);
		learn_note(l, where, value);
	}
	free_wiped(value);
	free(path);
}

static void
learn_options(const struct learner *l, const char *where, const cJSON *values, const cJSON *table)
{
	const cJSON *option, *entry;
	char *key, *at;

	cJSON_ArrayForEach(option, table)
		for (int env = 0; env < 2 && json_bool(option, "secret", false); env++) {
			key = xasprintf("%s%s", json_str(option, "key", ""),
			    env ? "_env" : "_file");
			entry = json_get(json_get(values, key), "value");
			at = xasprintf("%s: %s", where, key);
			if (cJSON_IsString(entry))
				learn_one(l, at, env ? NULL : entry->valuestring,
				    env ? entry->valuestring : NULL);
			free(at);
			free(key);
		}
}

/* Whether any of the plugin's options may lead to a secret. */
static bool
learn_is_asked(const struct config_plugin *plugin)
{
	bool asked = cJSON_GetArraySize(plugin->options) > 0;

	for (int i = 0; i < plugin->sources_len; i++)
		asked = asked || cJSON_GetArraySize(plugin->sources[i].options) > 0;
	for (int i = 0; i < plugin->pipelines_len; i++)
		asked = asked || cJSON_GetArraySize(plugin->pipelines[i].options) > 0;
	return asked;
}

static const cJSON *
learn_table(const cJSON *described, const char *list, const char *name)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, json_get(described, list))
		if (strcmp(json_str(one, "name", ""), name) == 0)
			return json_get(one, "options");
	return NULL;
}

static void
learn_plugin(const struct learner *l, const struct config_plugin *plugin, const cJSON *described)
{
	char *where = xasprintf("plugin %s", plugin->name);

	learn_options(l, where, plugin->options, json_get(described, "options"));
	for (int i = 0; i < plugin->sources_len; i++)
		learn_options(l, where, plugin->sources[i].options,
		    learn_table(described, "sources", plugin->sources[i].name));
	for (int i = 0; i < plugin->pipelines_len; i++)
		learn_options(l, where, plugin->pipelines[i].options,
		    learn_table(described, "pipelines", plugin->pipelines[i].name));
	free(where);
}

/*
 * That a variable is secret is guessed by its name. A short value or a number,
 * as in OPENAI_API_KEY=ollama or MAX_TOKENS=100000, is found everywhere.
 */
static bool
learn_is_plain(const char *value)
{
	return strlen(value) < VARIABLE_LEAST || value[strspn(value, "0123456789")] == '\0';
}

static void
learn_agents(const struct learner *l)
{
	const char *value;
	char *where;

	for (int i = 0; i < l->config->agents_len; i++) {
		char **names = l->config->agents[i].env_pass;

		for (; names != NULL && *names != NULL; names++) {
			if (!secret_is_name(*names) || (value = getenv(*names)) == NULL ||
			    learn_is_plain(value))
				continue;
			secrets_add(value);
			where = xasprintf("agents.%s: %s", l->config->agents[i].name, *names);
			learn_note(l, where, value);
			free(where);
		}
	}
}

void
learn_secrets(const struct config *config, const char *droverd,
    const cJSON *(*described)(void *, const char *plugin), void *arg, struct buf *notes)
{
	const char *slash = config->file != NULL ? strrchr(config->file, '/') : NULL;
	struct learner l = { .config = config, .notes = notes };
	const cJSON *has;
	cJSON *asked;
	char *where;

	l.dir = slash != NULL ? xstrndup(config->file, (size_t)(slash - config->file) + 1) :
				xstrdup("/");
	for (int i = 0; i < config->repos_len; i++) {
		const struct config_repo *repo = &config->repos[i];

		where = xasprintf("repo %s", repo->name);
		if (repo->token_file != NULL || repo->token_env != NULL)
			learn_one(&l, where, repo->token_file, repo->token_env);
		free(where);
	}
	learn_agents(&l);
	for (int i = 0; i < config->plugins_len; i++) {
		if (!learn_is_asked(&config->plugins[i]))
			continue;
		has = described != NULL ? described(arg, config->plugins[i].name) : NULL;
		asked = has != NULL ?
		    NULL :
		    config_describe(config, droverd, config->plugins[i].name);
		learn_plugin(&l, &config->plugins[i], has != NULL ? has : asked);
		cJSON_Delete(asked);
	}
	free(l.dir);
}
