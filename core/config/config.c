/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the configuration: finds the files, lays them and then the environment
 * over one another, and makes the checks that need more than one key.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/url.h"
#include "config/authors.h"
#include "config/bind.h"
#include "config/config.h"
#include "config/identity.h"
#include "config/inside.h"
#include "config/layer.h"
#include "config/sign.h"

/* The first layer, below all files. */
static const char builtin[] = "{\"pools\": {\"light\": {\"slots\": 2}, \"heavy\": {\"slots\": 1}}}";

static char *config_find_file(struct error *);
static struct config *config_read(const char *, struct buf *, struct error *);
static char *config_folder(const char *);
static int config_add_file(cJSON *, const char *, struct buf *, struct error *);
static int config_add_folder(cJSON *, const char *, struct buf *, struct error *);
static int config_is_conf_file(const struct dirent *);
static int config_by_bytes(const struct dirent **, const struct dirent **);
static cJSON *config_builtin_layers(void);
static struct config *config_build(const cJSON *, const char *, const char *, struct buf *,
    struct error *);
static char *config_xdg(const char *, const char *, const char *);
static void config_set_places(struct config *);
static int config_check_all(const struct config *, struct buf *, struct error *);
static int config_check_agent(const struct config *, const struct config_agent *, struct error *);
static int config_check_plugin(const struct config *, const struct config_plugin *, struct buf *,
    struct error *);
static int config_check_pipeline(const struct config *, const struct config_pipeline *,
    const char *, struct buf *, struct error *);
static int config_check_notify(const struct config *, const struct config_notify *, int,
    struct error *);
static int config_check_options(const struct config *, const cJSON *, const char *, struct error *);
static int config_check_repo_name(const struct config *, const cJSON *, const cJSON *, const char *,
    struct error *);
static int config_check_option_url(const cJSON *, const cJSON *, const char *, struct error *);

static char *
config_folder(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *cwd, *dir, *absolute;

	dir = slash == NULL ? xstrdup("") :
			      xstrndup(file, slash == file ? 1 : (size_t)(slash - file));
	if (dir[0] == '/')
		return dir;
	cwd = getcwd(NULL, 0);
	absolute = dir[0] == '\0' ? xstrdup(cwd != NULL ? cwd : "/") :
				    path_resolve(cwd != NULL ? cwd : "/", dir);
	free(cwd);
	free(dir);
	return absolute;
}

/*
 * A folder by the XDG base directory specification, under which relative values
 * are ignored. The caller frees it.
 */
static char *
config_xdg(const char *variable, const char *fallback, const char *name)
{
	const char *value = getenv(variable);
	char *dir = value != NULL && value[0] == '/' ? xstrdup(value) : path_resolve("/", fallback),
	     *path = path_join(dir, name);

	free(dir);
	return path;
}

static char *
config_find_file(struct error *err)
{
	char *own = config_xdg("XDG_CONFIG_HOME", "~/.config", "drover/drover.conf");

	if (access(own, F_OK) == 0)
		return own;
	if (access(SYSCONFDIR "/drover/drover.conf", F_OK) == 0) {
		free(own);
		return xstrdup(SYSCONFDIR "/drover/drover.conf");
	}
	error_set(err, DROVER_CONFIG,
	    "no configuration: neither %s nor %s is there; drover config example shows one", own,
	    SYSCONFDIR "/drover/drover.conf");
	free(own);
	return NULL;
}

static int
config_add_file(cJSON *layers, const char *file, struct buf *warnings, struct error *err)
{
	struct buf text = BUF_INIT;
	struct stat st;
	char *dir = NULL;
	cJSON *layer;
	int rc = -1;

	if (path_read(file, LAYER_MAX, &text, err) == -1) {
		if (err != NULL && err->code != DROVER_AGAIN)
			err->code = DROVER_CONFIG;
		goto out;
	}
	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL) {
		error_set(err, DROVER_CONFIG, "%s contains a NUL byte: it must be text", file);
		goto out;
	}
	if (warnings != NULL && stat(file, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		buf_addf(warnings,
		    "%s: everyone may write it and so choose what runs: run chmod o-w\n", file);
	dir = config_folder(file);
	if ((layer = layer_read(buf_str(&text), file, dir, err)) != NULL)
		rc = layer_merge(layers, layer, err);
out:
	buf_free(&text);
	free(dir);
	return rc;
}

static int
config_is_conf_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 && strcmp(e->d_name + len - 5, ".conf") == 0;
}

/* Unlike alphasort(), does not let the locale decide which file wins. */
static int
config_by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
config_add_folder(cJSON *layers, const char *folder, struct buf *warnings, struct error *err)
{
	struct dirent **entries = NULL;
	int i, n, rc = 0;
	char *file;

	n = scandir(folder, &entries, config_is_conf_file, config_by_bytes);
	if (n == -1)
		return errno == ENOENT ? 0 :
					 error_errno(err, DROVER_CONFIG, "%s: cannot read", folder);
	for (i = 0; i < n; i++) {
		file = path_join(folder, entries[i]->d_name);
		if (rc == 0)
			rc = config_add_file(layers, file, warnings, err);
		free(file);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static cJSON *
config_builtin_layers(void)
{
	cJSON *json = json_parse(builtin, sizeof builtin - 1, sizeof builtin, NULL), *layers;

	MUST(json != NULL);
	layers = layer_wrap(json, NULL);
	cJSON_Delete(json);
	return layers;
}

static void
config_set_places(struct config *c)
{
	bool system = geteuid() == 0 && c->file != NULL &&
	    strncmp(c->file, SYSCONFDIR "/", strlen(SYSCONFDIR "/")) == 0;
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (c->state_dir == NULL)
		c->state_dir = system ? xstrdup("/var/lib/drover") :
					config_xdg("XDG_STATE_HOME", "~/.local/state", "drover");
	if (c->cache_dir == NULL)
		c->cache_dir = system ? xstrdup("/var/cache/drover") :
					config_xdg("XDG_CACHE_HOME", "~/.cache", "drover");
	if (c->socket == NULL)
		c->socket = runtime != NULL && runtime[0] == '/' ?
		    path_join(runtime, "drover.sock") :
		    path_join(c->state_dir, "drover.sock");
}

int
config_fault(const struct config *c, struct error *err, const char *path, const char *key,
    const char *format, ...)
{
	char what[DROVER_ERROR_MAX],
	    *full = path[0] == '\0' ? xstrdup(key) : xasprintf("%s.%s", path, key);
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	error_set(err, DROVER_CONFIG, "%s: %s: %s", json_str(c->origins, full, "default"), full,
	    what);
	free(full);
	return -1;
}

static int
config_check_agent(const struct config *c, const struct config_agent *agent, struct error *err)
{
	char *path = xasprintf("agents.%s", agent->name), *name;
	int rc = 0;
	size_t i;

	for (i = 0; rc == 0 && agent->env[i] != NULL; i++) {
		name = xstrndup(agent->env[i], strcspn(agent->env[i], "="));
		if (name[0] == '\0' || strlen(name) == strlen(agent->env[i]))
			rc = config_fault(c, err, path, "env", "\"%.80s\" must be \"NAME=value\"",
			    name);
		else if (bind_is_secret_name(name))
			rc = config_fault(c, err, path, "env",
			    "%.80s: a secret is not written into a file: set it for the daemon and "
			    "name it in env_pass",
			    name);
		free(name);
	}
	for (i = 0; rc == 0 && agent->env_pass[i] != NULL; i++)
		if (agent->env_pass[i][0] == '\0' || strchr(agent->env_pass[i], '=') != NULL)
			rc = config_fault(c, err, path, "env_pass",
			    "\"%.*s\" must be the name of a variable",
			    (int)strcspn(agent->env_pass[i], "="), agent->env_pass[i]);
	free(path);
	return rc;
}

static int
config_check_pipeline(const struct config *c, const struct config_pipeline *p, const char *path,
    struct buf *warnings, struct error *err)
{
	char *plugin;
	size_t i;

	if (p->pool != NULL && config_pool(c, p->pool) == NULL)
		return config_fault(c, err, path, "pool",
		    "there is no pool \"%.80s\": add it to pools, or use light or heavy", p->pool);
	if (p->agent != NULL && config_agent(c, p->agent) == NULL)
		return config_fault(c, err, path, "agent",
		    "there is no agent \"%.80s\": add it to agents", p->agent);
	for (i = 0; p->yield_to[i] != NULL; i++) {
		if (!text_is_kind(p->yield_to[i]))
			return config_fault(c, err, path, "yield_to",
			    "\"%.80s\" is not a kind: write PLUGIN.PIPELINE", p->yield_to[i]);
		plugin = xstrndup(p->yield_to[i], strcspn(p->yield_to[i], "."));
		if (warnings != NULL && config_plugin(c, plugin) == NULL)
			buf_addf(warnings, "%s: yield_to: no plugin \"%s\" is configured\n", path,
			    plugin);
		free(plugin);
	}
	return config_check_options(c, p->options, path, err);
}

static int
config_check_repo_name(const struct config *c, const cJSON *option, const cJSON *value,
    const char *path, struct error *err)
{
	const char *name = cJSON_GetStringValue(value);

	/* The plugin itself checks a pattern, and a forge's OWNER/NAME. */
	if (name == NULL || !text_is_name(name) || config_repo(c, name) != NULL)
		return 0;
	return error_set(err, DROVER_CONFIG, "%s: %s.%s: there is no repo \"%s\": add it to repos",
	    json_str(option, "at", "?"), path, option->string, name);
}

/* A URL with a user in it would put what may be a secret into a file. */
static int
config_check_option_url(const cJSON *option, const cJSON *value, const char *path,
    struct error *err)
{
	const char *url = cJSON_GetStringValue(value);

	if (url == NULL || !url_has_userinfo(url))
		return 0;
	return error_set(err, DROVER_CONFIG,
	    "%s: %s.%s: a secret is not written into a file, and a user before the host of a URL "
	    "may be one: take what is before the @ out, and use the plugin's own option for it, "
	    "such as token_file",
	    json_str(option, "at", "?"), path, option->string);
}

/*
 * Options `repo` and `repos` of any plugin name configured repos. Keys that are
 * called like a secret are treated as one, although the plugin's table is not
 * known yet.
 */
static int
config_check_options(const struct config *c, const cJSON *options, const char *path,
    struct error *err)
{
	const cJSON *option, *element;

	cJSON_ArrayForEach(option, options) {
		if (config_check_option_url(option, json_get(option, "value"), path, err) == -1)
			return -1;
		cJSON_ArrayForEach(element, json_get(option, "value"))
			if (config_check_option_url(option, element, path, err) == -1)
				return -1;
		if (bind_is_secret_name(option->string) &&
		    cJSON_IsString(json_get(option, "value")))
			return error_set(err, DROVER_CONFIG,
			    "%s: %s.%s: a secret is not written into a file: use %s_file, %s_env "
			    "or %s_command",
			    json_str(option, "at", "?"), path, option->string, option->string,
			    option->string, option->string);
		if (strcmp(option->string, "repo") != 0 && strcmp(option->string, "repos") != 0)
			continue;
		if (config_check_repo_name(c, option, json_get(option, "value"), path, err) == -1)
			return -1;
		cJSON_ArrayForEach(element, json_get(option, "value"))
			if (config_check_repo_name(c, option, element, path, err) == -1)
				return -1;
	}
	return 0;
}

static int
config_check_authors(const struct config *c, char *const *authors, const char *path,
    struct buf *warnings, struct error *err)
{
	const char *what;
	size_t i;

	for (i = 0; authors != NULL && authors[i] != NULL; i++) {
		if (i == AUTHORS_MAX)
			return config_fault(c, err, path, "authors",
			    "more than %d entries: name a group instead", AUTHORS_MAX);
		if ((what = authors_fault(authors[i])) != NULL)
			return config_fault(c, err, path, "authors", "\"%.80s\" is %s", authors[i],
			    what);
		if (warnings != NULL && strcmp(authors[i], AUTHORS_ANYBODY) == 0)
			buf_addf(warnings,
			    "%s: authors: \"*\" lets all who can write there run agents here\n",
			    path);
	}
	if (warnings != NULL && authors != NULL && i == 0)
		buf_addf(warnings, "%s: authors: the list is empty, so all items will be refused\n",
		    path);
	return 0;
}

static int
config_check_plugin(const struct config *c, const struct config_plugin *plugin,
    struct buf *warnings, struct error *err)
{
	char *path = xasprintf("plugins.%s.options", plugin->name);
	int i, rc = config_check_options(c, plugin->options, path, err);

	for (i = 0; rc == 0 && i < plugin->sources_len; i++) {
		free(path);
		path = xasprintf("plugins.%s.sources.%s", plugin->name, plugin->sources[i].name);
		if ((rc = config_check_authors(c, plugin->sources[i].authors, path, warnings,
			 err)) == 0)
			rc = config_check_options(c, plugin->sources[i].options, path, err);
	}
	for (i = 0; rc == 0 && i < plugin->pipelines_len; i++) {
		free(path);
		path =
		    xasprintf("plugins.%s.pipelines.%s", plugin->name, plugin->pipelines[i].name);
		rc = config_check_pipeline(c, &plugin->pipelines[i], path, warnings, err);
	}
	free(path);
	return rc;
}

static int
config_check_notify(const struct config *c, const struct config_notify *notify, int place,
    struct error *err)
{
	static const char *const events[] = { "start", "pull", "needs-info", "dead", "budget" };
	char path[32];
	size_t e;

	snprintf(path, sizeof path, "notify.%d", place);
	if (!text_is_kind(notify->operation))
		return config_fault(c, err, path, "operation",
		    "\"%.80s\" is not an operation: write PLUGIN.OPERATION", notify->operation);
	for (int i = 0; notify->on[i] != NULL; i++) {
		for (e = 0; e < ARRAY_LEN(events) && strcmp(events[e], notify->on[i]) != 0; e++)
			;
		if (e == ARRAY_LEN(events))
			return config_fault(c, err, path, "on",
			    "\"%.80s\" is not one of start, pull, needs-info, dead, budget",
			    notify->on[i]);
	}
	for (int i = 0; notify->kinds != NULL && notify->kinds[i] != NULL; i++)
		if (!text_is_kind(notify->kinds[i]))
			return config_fault(c, err, path, "kinds",
			    "\"%.80s\" is not a kind: write PLUGIN.PIPELINE", notify->kinds[i]);
	return 0;
}

static int
config_check_all(const struct config *c, struct buf *warnings, struct error *err)
{
	struct sockaddr_un address;
	int i;

	if (strlen(c->socket) >= sizeof address.sun_path)
		return config_fault(c, err, "", "socket",
		    "\"%.200s\" is longer than the %zu bytes that a socket's path may have: use a "
		    "shorter one",
		    c->socket, sizeof address.sun_path - 1);
	if (!identity_split(c->author, NULL, NULL))
		return config_fault(c, err, "", "author", IDENTITY_WANTED, c->author);
	for (i = 0; i < c->agents_len; i++)
		if (config_check_agent(c, &c->agents[i], err) == -1)
			return -1;
	for (i = 0; i < c->repos_len; i++)
		if (repo_check(c, &c->repos[i], warnings, err) == -1)
			return -1;
	for (i = 0; i < c->plugins_len; i++)
		if (config_check_plugin(c, &c->plugins[i], warnings, err) == -1)
			return -1;
	for (i = 0; i < c->notify_len; i++)
		if (config_check_notify(c, &c->notify[i], i, err) == -1)
			return -1;
	return 0;
}

static struct config *
config_build(const cJSON *layers, const char *file, const char *dir, struct buf *warnings,
    struct error *err)
{
	struct config *c = xcalloc(1, sizeof *c);
	struct binder b = { .dir = dir, .err = err };

	c->file = xstrdup(file);
	MUST((c->origins = cJSON_CreateObject()) != NULL);
	b.origins = c->origins;
	if (bind_group(&b, keys_config, c, layers, "") == 0) {
		config_set_places(c);
		if (config_check_all(c, warnings, err) == 0)
			return c;
	}
	config_free(c);
	return NULL;
}

static struct config *
config_read(const char *file, struct buf *warnings, struct error *err)
{
	char *found, *dir = NULL, *folder = NULL;
	cJSON *layers = config_builtin_layers();
	struct config *c = NULL;

	/* An absolute path, so that a reload finds the file from any folder. */
	if (file == NULL) {
		found = config_find_file(err);
	} else {
		dir = config_folder(file);
		found = path_join(dir, strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file);
		free(dir);
		dir = NULL;
	}
	if (found == NULL)
		goto out;
	dir = config_folder(found);
	folder = path_join(dir, "conf.d");
	if (config_add_file(layers, found, warnings, err) == -1 ||
	    config_add_folder(layers, folder, warnings, err) == -1)
		goto out;
	layer_environment(layers);
	c = config_build(layers, found, dir, warnings, err);
out:
	cJSON_Delete(layers);
	free(folder);
	free(dir);
	free(found);
	return c;
}

struct config *
config_load(const char *file, struct buf *warnings, struct error *err)
{
	struct config *c = config_read(file, warnings, err);

	if (c == NULL || sign_check(c, false, err) == 0)
		return c;
	config_free(c);
	return NULL;
}

struct config *
config_look(const char *file, struct error *err)
{
	return config_read(file, NULL, err);
}

struct config *
config_parse(const char *text, const char *name, struct error *err)
{
	cJSON *layer, *layers = config_builtin_layers();
	char *dir = config_folder(name);
	struct config *c = NULL;

	if (strlen(text) > LAYER_MAX)
		error_set(err, DROVER_CONFIG, "%s: larger than %d bytes", name, LAYER_MAX);
	else if ((layer = layer_read(text, name, dir, err)) != NULL &&
	    layer_merge(layers, layer, err) == 0)
		c = config_build(layers, NULL, dir, NULL, err);
	cJSON_Delete(layers);
	free(dir);
	return c;
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	bind_free(keys_config, c);
	cJSON_Delete(c->origins);
	free(c->file);
	free(c);
}

cJSON *
config_to_json(const struct config *c)
{
	cJSON *json = cJSON_CreateObject();

	MUST(json != NULL);
	json_add_str(json, "file", c->file);
	bind_write(keys_config, c, json);
	MUST(cJSON_AddItemToObject(json, "origins", cJSON_Duplicate(c->origins, true)));
	return json;
}

struct config *
config_from_json(const cJSON *json, struct error *err)
{
	const char *file = json_str(json, "file", NULL);
	cJSON *layer, *plain;
	struct config *c;
	char *dir;

	if (!cJSON_IsObject(json)) {
		error_set(err, DROVER_CONFIG, "a configuration must be a JSON object");
		return NULL;
	}
	MUST((plain = cJSON_Duplicate(json, true)) != NULL);
	cJSON_DeleteItemFromObjectCaseSensitive(plain, "file");
	cJSON_DeleteItemFromObjectCaseSensitive(plain, "origins");
	layer = layer_wrap(plain, json_get(json, "origins"));
	dir = config_folder(file != NULL ? file : "/");
	c = config_build(layer, file, dir, NULL, err);
	if (c != NULL && cJSON_IsObject(json_get(json, "origins"))) {
		cJSON_Delete(c->origins);
		MUST((c->origins = cJSON_Duplicate(json_get(json, "origins"), true)) != NULL);
	}
	free(dir);
	cJSON_Delete(layer);
	cJSON_Delete(plain);
	return c;
}

const struct config_pool *
config_pool(const struct config *c, const char *name)
{
	int i;

	for (i = 0; i < c->pools_len; i++)
		if (strcmp(c->pools[i].name, name) == 0)
			return &c->pools[i];
	return NULL;
}

const struct config_agent *
config_agent(const struct config *c, const char *name)
{
	int i;

	for (i = 0; i < c->agents_len; i++)
		if (strcmp(c->agents[i].name, name) == 0)
			return &c->agents[i];
	return NULL;
}

const struct config_repo *
config_repo(const struct config *c, const char *name)
{
	int i;

	for (i = 0; i < c->repos_len; i++)
		if (strcmp(c->repos[i].name, name) == 0)
			return &c->repos[i];
	return NULL;
}

const struct config_plugin *
config_plugin(const struct config *c, const char *name)
{
	int i;

	for (i = 0; i < c->plugins_len; i++)
		if (strcmp(c->plugins[i].name, name) == 0)
			return &c->plugins[i];
	return NULL;
}

/* Finds the plugin of "plugin.name"; *local gets the part behind the dot. */
static const struct config_plugin *
config_plugin_of(const struct config *c, const char *full, const char **local)
{
	const char *dot = strchr(full, '.');
	size_t len = dot != NULL ? (size_t)(dot - full) : 0;
	int i;

	for (i = 0; dot != NULL && i < c->plugins_len; i++) {
		if (strlen(c->plugins[i].name) == len &&
		    strncmp(c->plugins[i].name, full, len) == 0) {
			*local = dot + 1;
			return &c->plugins[i];
		}
	}
	return NULL;
}

const struct config_pipeline *
config_pipeline(const struct config *c, const char *kind)
{
	const char *local;
	const struct config_plugin *plugin = config_plugin_of(c, kind, &local);
	int i;

	for (i = 0; plugin != NULL && i < plugin->pipelines_len; i++)
		if (strcmp(plugin->pipelines[i].name, local) == 0)
			return &plugin->pipelines[i];
	return NULL;
}

const struct config_source *
config_source(const struct config *c, const char *name)
{
	const char *local;
	const struct config_plugin *plugin = config_plugin_of(c, name, &local);
	int i;

	for (i = 0; plugin != NULL && i < plugin->sources_len; i++)
		if (strcmp(plugin->sources[i].name, local) == 0)
			return &plugin->sources[i];
	return NULL;
}
