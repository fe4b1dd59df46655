/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds bwrap's command line. bwrap carries out its words in their order, so
 * the line begins with the whole system, read-only, then covers the places that
 * the job must not see, and at last shows again what the job needs of them. A
 * path is a word of its own, and no shell reads it.
 */
#include "build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bwrap.h"
#include "base/mem.h"
#include "base/path.h"
#include "host/sandbox.h"
#include "host/service.h"

static void words_add(struct sandbox_words *, const char *);
static void words_begin(struct sandbox_words *);
static bool place_below(const char *path, const char *folder);
static bool place_seen(const struct sandbox_words *, const char *path);
static void place_note(struct sandbox_words *, const char *path, bool seen);
static void hide_folder(struct sandbox_words *, const char *path);
static void hide_file(struct sandbox_words *, const char *path);
static void show(struct sandbox_words *, const char *how, const char *path);
static int show_home(struct sandbox_words *, struct scope *, struct env *, struct error *);
static int home_make(struct scope *, struct error *);
static void show_path(struct sandbox_words *, const char *path);
static void show_programs(struct sandbox_words *, const char *folder);
static void show_installation(struct sandbox_words *, const char *file);
static bool is_prefix_of_programs(const struct sandbox_words *, const char *folder);
static void hide_drover(struct sandbox_words *, const struct config *);
static void hide_secrets(struct sandbox_words *, const struct config *);
static void hide_options(struct sandbox_words *, const char *dir, const cJSON *options);
static void show_job(struct sandbox_words *, struct scope *, const struct sandbox *);
static int sandbox_lack(struct scope *, const struct sandbox *, const char *program,
    const char *fault, struct error *);

enum config_sandbox
sandbox_mode(const struct config *c, const struct config_agent *agent,
    const struct config_repo *repo)
{
	int of_agent = agent != NULL && agent->sandbox >= 0 ? agent->sandbox : c->sandbox;
	int of_repo = repo != NULL && repo->sandbox >= 0 ? repo->sandbox : c->sandbox;

	if (agent == NULL)
		return of_repo;
	return repo == NULL || of_agent > of_repo ? of_agent : of_repo;
}

enum config_network
sandbox_network(const struct config_agent *agent, const struct config_repo *repo)
{
	return (agent != NULL && agent->network == NETWORK_NONE) ||
		(repo != NULL && repo->network == NETWORK_NONE) ?
	    NETWORK_NONE :
	    NETWORK_ALL;
}

int
sandbox_wrap(struct sandbox_words *w, struct scope *s, const struct sandbox *sandbox,
    struct env *env, const char *file, const char *const *argv, const char *cwd, struct error *err)
{
	const char *fault;
	char number[16];
	size_t i;

	memset(w, 0, sizeof *w);
	if (sandbox == NULL || (sandbox->mode == SANDBOX_OFF && sandbox->network == NETWORK_ALL))
		return 0;
	if (sandbox->mode == SANDBOX_OFF)
		return error_set(err, DROVER_CONFIG,
		    "%.128s: network is \"none\", which takes the sandbox: set sandbox to \"on\" "
		    "or \"required\"",
		    argv[0]);
	if ((fault = bwrap_fault()) != NULL)
		return sandbox_lack(s, sandbox, argv[0], fault, err);
	/* Without it, claude does not run as root without asking. */
	env_set(env, "IS_SANDBOX", "1");
	words_begin(w);
	if (sandbox->network == NETWORK_NONE)
		words_add(w, "--unshare-net");
	if (show_home(w, s, env, err) != 0)
		return -1;
	show_path(w, env_get(env, "PATH"));
	if (!place_seen(w, file)) {
		show(w, "--ro-bind", file);
		show_installation(w, file);
	}
	for (i = 0; sandbox->paths != NULL && sandbox->paths[i] != NULL; i++)
		show(w, "--bind", sandbox->paths[i]);
	show(w, "--ro-bind", "/etc/resolv.conf");
	hide_drover(w, s->config);
	show_job(w, s, sandbox);
	hide_secrets(w, s->config);
	snprintf(number, sizeof number, "%d", SANDBOX_STATUS_FD);
	words_add(w, "--json-status-fd");
	words_add(w, number);
	words_add(w, "--chdir");
	words_add(w, cwd);
	words_add(w, "--");
	words_add(w, file);
	for (i = 1; argv[i] != NULL; i++)
		words_add(w, argv[i]);
	return 1;
}

static int
sandbox_lack(struct scope *s, const struct sandbox *sandbox, const char *program, const char *fault,
    struct error *err)
{
	bool none = sandbox->network == NETWORK_NONE;

	if (sandbox->mode == SANDBOX_REQUIRED || none)
		return error_set(err, DROVER_CONFIG, "%.128s: %s, but there is no sandbox: %s",
		    program, none ? "network is \"none\"" : "sandbox is \"required\"", fault);
	if (!s->sandbox_told)
		log_printf(&s->log, DROVER_WARN, "the job runs without a sandbox: %s", fault);
	s->sandbox_told = true;
	return 0;
}

void
sandbox_free(struct sandbox_words *w)
{
	size_t i;

	free_strings(w->list);
	for (i = 0; i < w->places_len; i++)
		free(w->places[i].path);
	free(w->places);
	free(w->home);
	memset(w, 0, sizeof *w);
}

static void
words_add(struct sandbox_words *w, const char *word)
{
	w->list = xgrow(w->list, w->len + 2, &w->cap, sizeof *w->list);
	w->list[w->len++] = xstrdup(word);
	w->list[w->len] = NULL;
}

/*
 * The part that is the same for all commands. With --new-session the command
 * has a process group of its own, so that drover's SIGTERM reaches it and
 * leaves bwrap to wait for it. root keeps the capabilities with which builds
 * handle files of several users, and none with which it could undo a mount.
 */
static void
words_begin(struct sandbox_words *w)
{
	static const char *const words[] = { "--die-with-parent", "--new-session", "--unshare-pid",
		"--unshare-ipc", "--cap-drop", "ALL" };
	static const char *const of_root[] = { "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER",
		"CAP_FSETID", "CAP_SETGID", "CAP_SETUID" };
	static const char *const mounts[] = { "--ro-bind", "/", "/", "--dev", "/dev", "--proc",
		"/proc" };
	static const char *const hidden[] = { "/tmp", "/var/tmp", "/home", "/root", "/run" };
	size_t i;

	words_add(w, bwrap_path());
	for (i = 0; i < ARRAY_LEN(words); i++)
		words_add(w, words[i]);
	for (i = 0; i < ARRAY_LEN(of_root) && geteuid() == 0; i++) {
		words_add(w, "--cap-add");
		words_add(w, of_root[i]);
	}
	for (i = 0; i < ARRAY_LEN(mounts); i++)
		words_add(w, mounts[i]);
	for (i = 0; i < ARRAY_LEN(hidden); i++)
		hide_folder(w, hidden[i]);
}

static bool
place_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool
place_seen(const struct sandbox_words *w, const char *path)
{
	size_t i;

	for (i = w->places_len; i > 0; i--) {
		if (place_below(path, w->places[i - 1].path))
			return w->places[i - 1].seen;
	}
	return true;
}

static void
place_note(struct sandbox_words *w, const char *path, bool seen)
{
	w->places = xgrow(w->places, w->places_len + 1, &w->places_cap, sizeof *w->places);
	w->places[w->places_len++] = (struct sandbox_place){ xstrdup(path), seen };
}

static void
hide_folder(struct sandbox_words *w, const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	if (path == NULL || realpath(path, real) == NULL || strcmp(real, "/") == 0 ||
	    stat(real, &st) != 0 || !S_ISDIR(st.st_mode) || !place_seen(w, real))
		return;
	words_add(w, "--tmpfs");
	words_add(w, real);
	place_note(w, real, false);
}

/* Puts /dev/null over the file; it cannot be opened there either. */
static void
hide_file(struct sandbox_words *w, const char *path)
{
	char real[PATH_MAX];

	if (path == NULL || realpath(path, real) == NULL || !place_seen(w, real))
		return;
	words_add(w, "--ro-bind");
	words_add(w, "/dev/null");
	words_add(w, real);
	place_note(w, real, false);
}

/*
 * Shows a path again, at its real place and, where a link to it is hidden, at
 * its given place too.
 */
static void
show(struct sandbox_words *w, const char *how, const char *path)
{
	const char *at[2] = { NULL, NULL };
	char real[PATH_MAX];

	if (path == NULL || realpath(path, real) == NULL)
		return;
	if (strcmp(how, "--bind") == 0 || !place_seen(w, real))
		at[0] = real;
	if (strcmp(real, path) != 0 && !place_seen(w, path))
		at[1] = path;
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		if (at[i] == NULL)
			continue;
		words_add(w, how);
		words_add(w, real);
		words_add(w, at[i]);
		place_note(w, at[i], true);
	}
}

/*
 * Puts an empty home of the job in the place of the user's, so that programs
 * below it have their paths. A user without a folder of its own (HOME is "/" or
 * another's) gets HOME in the job's temporary folder.
 */
static int
show_home(struct sandbox_words *w, struct scope *s, struct env *env, struct error *err)
{
	const char *tmp = env_tmp(s, err), *given = env_get(env, "HOME"), *own;
	char real[PATH_MAX];
	struct stat st;

	if (tmp == NULL || home_make(s, err) != 0)
		return -1;
	own = s->home;
	if (given != NULL && realpath(given, real) != NULL && strcmp(real, "/") != 0 &&
	    stat(real, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid()) {
		w->home = xstrdup(real);
		words_add(w, "--bind");
		words_add(w, own);
		words_add(w, real);
		place_note(w, real, false);
	} else {
		env_set(env, "HOME", own);
	}
	return 0;
}

/*
 * The home is beside the folder for temporary files, tmp-NAME, and not in it:
 * a job could put a link in its place there, and the next command would be
 * shown what that leads to. The name lets git commit, because the user's own
 * settings are out of sight.
 */
static int
home_make(struct scope *s, struct error *err)
{
	static const char text[] = "[user]\n\tname = drover\n\temail = drover@localhost\n";
	char *config;
	const char *slash = strrchr(s->tmp, '/');
	int fd, rc = 0;

	if (s->home != NULL)
		return 0;
	s->home = xasprintf("%.*s/home-%s", (int)(slash - s->tmp), s->tmp, strchr(slash, '-') + 1);
	if (path_empty(s->home, 0700, err) != 0)
		return -1;
	config = path_join(s->home, ".gitconfig");
	fd = open(config, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || path_write_all(fd, text, sizeof text - 1) != 0)
		rc = error_errno(err, DROVER_AGAIN, "cannot make the job's home: %s", config);
	path_close(&fd);
	free(config);
	return rc;
}

/* Shows the programs that PATH leads to in places that are hidden. */
static void
show_path(struct sandbox_words *w, const char *path)
{
	const char *end;
	char *folder;

	for (; path != NULL && *path != '\0'; path = *end == ':' ? end + 1 : end) {
		end = strchrnul(path, ':');
		folder = xstrndup(path, (size_t)(end - path));
		if (*folder == '/' && !place_seen(w, folder))
			show_programs(w, folder);
		free(folder);
	}
}

/*
 * A folder of programs often holds links to where they are installed, and its
 * parent the libraries beside them.
 */
static void
show_programs(struct sandbox_words *w, const char *folder)
{
	char real[PATH_MAX], file[PATH_MAX + 256 + 2], *parent;
	struct dirent *entry;
	DIR *dir;

	if (realpath(folder, real) == NULL)
		return;
	parent = xstrndup(real, (size_t)(strrchr(real, '/') - real));
	show(w, "--ro-bind", is_prefix_of_programs(w, real) ? parent : folder);
	show(w, "--ro-bind", folder);
	if (w->home != NULL && place_below(real, w->home) && strstr(real, "/.cargo/bin") != NULL) {
		snprintf(file, sizeof file, "%s/.rustup", w->home);
		show(w, "--ro-bind", file);
	}
	dir = opendir(real);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_type != DT_LNK)
			continue;
		snprintf(file, sizeof file, "%s/%s", real, entry->d_name);
		show_installation(w, file);
	}
	if (dir != NULL)
		closedir(dir);
	free(parent);
}

/*
 * True when the parent of a folder of programs holds nothing but an
 * installation: not the home itself, and not where other things lie, too.
 */
static bool
is_prefix_of_programs(const struct sandbox_words *w, const char *folder)
{
	static const char *const shared[] = { "/tmp", "/home", "/root", "/run", "/.local",
		"/.cargo" };
	const char *name = strrchr(folder, '/') + 1;
	size_t i, len = (size_t)(name - 1 - folder), part;

	if (strcmp(name, "bin") != 0 && strcmp(name, "shims") != 0)
		return false;
	if (w->home != NULL && strlen(w->home) == len && strncmp(folder, w->home, len) == 0)
		return false;
	for (i = 0; i < ARRAY_LEN(shared); i++) {
		part = strlen(shared[i]);
		if (len >= part && strncmp(folder + len - part, shared[i], part) == 0)
			return false;
	}
	return len > 0;
}

/* Shows the folder of node_modules, the prefix, or the file alone. */
static void
show_installation(struct sandbox_words *w, const char *file)
{
	static const char modules[] = "/node_modules/";
	char real[PATH_MAX], *at;

	if (realpath(file, real) == NULL || place_seen(w, real))
		return;
	if ((at = strstr(real, modules)) != NULL) {
		at[sizeof modules - 2] = '\0';
	} else {
		at = strrchr(real, '/');
		*at = '\0';
		if (is_prefix_of_programs(w, real))
			*strrchr(real, '/') = '\0';
		else
			*at = '/';
	}
	show(w, "--ro-bind", real);
}

/*
 * The folder of the configuration is covered where it is drover's alone; else
 * only the files in it that are.
 */
static void
hide_drover(struct sandbox_words *w, const struct config *config)
{
	char real[PATH_MAX], *slash, *folder;

	hide_folder(w, config->state_dir);
	hide_folder(w, config->cache_dir);
	hide_file(w, config->socket);
	hide_file(w, config->log_file);
	if (config->file == NULL || realpath(config->file, real) == NULL)
		return;
	slash = strrchr(real, '/');
	*slash = '\0';
	if (strrchr(real, '/') != NULL && strcmp(strrchr(real, '/'), "/drover") == 0)
		hide_folder(w, real);
	folder = path_join(real, "conf.d");
	hide_folder(w, folder);
	free(folder);
	hide_file(w, config->file);
}

static void
hide_secrets(struct sandbox_words *w, const struct config *config)
{
	const char *slash = config->file != NULL ? strrchr(config->file, '/') : NULL;
	char *dir =
	    slash != NULL ? xstrndup(config->file, (size_t)(slash - config->file)) : xstrdup("/");

	hide_file(w, config->sign_key_file);
	for (int i = 0; i < config->repos_len; i++) {
		hide_file(w, config->repos[i].token_file);
		hide_file(w, config->repos[i].sign_key_file);
	}
	for (int i = 0; i < config->plugins_len; i++) {
		const struct config_plugin *plugin = &config->plugins[i];

		hide_options(w, dir, plugin->options);
		for (int j = 0; j < plugin->sources_len; j++)
			hide_options(w, dir, plugin->sources[j].options);
		for (int j = 0; j < plugin->pipelines_len; j++)
			hide_options(w, dir, plugin->pipelines[j].options);
	}
	free(dir);
}

/* A plugin's secret is in the file that KEY_file names. */
static void
hide_options(struct sandbox_words *w, const char *dir, const cJSON *options)
{
	const cJSON *entry, *value;
	size_t len;
	char *path;

	cJSON_ArrayForEach(entry, options) {
		len = strlen(entry->string);
		value = cJSON_GetObjectItemCaseSensitive(entry, "value");
		if (len < 5 || strcmp(entry->string + len - 5, "_file") != 0 ||
		    !cJSON_IsString(value))
			continue;
		path = path_resolve(dir, value->valuestring);
		hide_file(w, path);
		free(path);
	}
}

/* A tree's repository borrows the mirror's objects, and writes none of them. */
static void
show_job(struct sandbox_words *w, struct scope *s, const struct sandbox *sandbox)
{
	struct tree *tree;
	char *objects, *cache = env_cache(s);

	show(w, "--bind", cache);
	free(cache);
	show(w, "--bind", s->tmp);
	if (w->home == NULL)
		show(w, "--bind", s->home);
	show(w, "--bind", s->scratch);
	for (size_t i = 0; (tree = lease_at(s, i)) != NULL; i++) {
		objects = path_join(tree->mirror, "objects");
		show(w, sandbox->read_only ? "--ro-bind" : "--bind", tree->path);
		show(w, "--ro-bind", objects);
		free(objects);
	}
}
