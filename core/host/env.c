/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a job's commands. A few variables are taken over from the
 * daemon by name, others say which job the command belongs to. Nothing else of
 * the daemon's environment is passed on.
 */
#include "build.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "host/env.h"

#define ENV_PATH "/usr/local/bin:/usr/bin:/bin"
#define TRACE_DIGITS 32

static void env_worker_tmp(struct scope *, const char *parent);
static int env_make_tmp(struct scope *, const char *parent);
static void env_pass(struct env *, const char *name, const char *fallback);
static void env_user(const char **home, const char **user);
static void env_pass_user(struct env *);
static void env_drop(struct scope *, char **folder);
static int env_add_caches(struct env *, const struct scope *, struct error *);
static void env_set_number(struct env *, const char *name, uint64_t value);
static void env_set_trace(struct env *, const char *trace);

int
env_init(struct env *e, struct scope *s, struct error *err)
{
	memset(e, 0, sizeof *e);
	if (env_tmp(s, err) == NULL)
		return -1;
	env_pass(e, "PATH", ENV_PATH);
	env_pass_user(e);
	env_pass(e, "LANG", "C.UTF-8");
	env_pass(e, "LC_ALL", NULL);
	env_pass(e, "TZ", NULL);
	env_set(e, "TMPDIR", s->tmp);
	env_set(e, "TERM", "dumb");
	env_set(e, "GIT_TERMINAL_PROMPT", "0");
	if (env_add_caches(e, s, err) != 0)
		return -1;
	if (s->job != NULL) {
		env_set_trace(e, s->job->trace);
		env_set_number(e, "DROVER_JOB", s->job->id);
		env_set_number(e, "DROVER_ATTEMPT", s->job->attempt);
	}
	return 0;
}

void
env_free(struct env *e)
{
	size_t i;

	for (i = 0; i < e->len; i++)
		free(e->list[i]);
	free(e->list);
	memset(e, 0, sizeof *e);
}

static void
env_drop(struct scope *s, char **folder)
{
	struct error err;

	if (*folder != NULL &&
	    (s->tmp_stays ? path_empty(*folder, 0700, &err) : path_remove_tree(*folder, &err)) != 0)
		log_printf(&s->log, DROVER_WARN, "temporary files could not be removed: %s",
		    err.text);
	free(*folder);
	*folder = NULL;
}

static void
env_end(struct scope *s)
{
	env_drop(s, &s->tmp);
	env_drop(s, &s->home);
}

const char *
env_tmp(struct scope *s, struct error *err)
{
	char *parent;

	if (s->tmp != NULL)
		return s->tmp;
	parent = path_join(s->config->state_dir, "scratch");
	if (s->role == SCOPE_JOB && s->log.worker != NULL)
		env_worker_tmp(s, parent);
	if (s->tmp == NULL && env_make_tmp(s, parent) != 0 &&
	    (errno != ENOENT || path_mkdirs(parent, 0700, err) != 0 ||
		env_make_tmp(s, parent) != 0))
		error_errno(err, DROVER_CONFIG, "cannot make a folder for temporary files in %s",
		    parent);
	free(parent);
	if (s->tmp != NULL)
		scope_on_end(s, env_end);
	return s->tmp;
}

int
env_add(struct env *e, const char *assignment, struct error *err)
{
	const char *equals = strchr(assignment, '=');
	char *copy;
	size_t i, name;

	if (equals == NULL || equals == assignment)
		return error_set(err, DROVER_CONFIG,
		    "\"%.64s\" does not set an environment variable: write NAME=value", assignment);
	name = (size_t)(equals - assignment) + 1;
	copy = xstrdup(assignment);
	for (i = 0; i < e->len; i++) {
		if (strncmp(e->list[i], assignment, name) == 0) {
			free(e->list[i]);
			e->list[i] = copy;
			return 0;
		}
	}
	e->list = xgrow(e->list, e->len + 2, &e->cap, sizeof *e->list);
	e->list[e->len++] = copy;
	e->list[e->len] = NULL;
	return 0;
}

void
env_set(struct env *e, const char *name, const char *value)
{
	char *assignment = xasprintf("%s=%s", name, value);

	MUST(env_add(e, assignment, NULL) == 0);
	free(assignment);
}

const char *
env_get(const struct env *e, const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < e->len; i++) {
		if (strncmp(e->list[i], name, len) == 0 && e->list[i][len] == '=')
			return e->list[i] + len + 1;
	}
	return NULL;
}

char *
env_find(const struct env *e, const char *program)
{
	const char *at = env_get(e, "PATH"), *end;
	struct stat st;
	char *file;

	for (; at != NULL && *at != '\0'; at = *end == ':' ? end + 1 : end) {
		end = strchrnul(at, ':');
		if (*at != '/')
			continue;
		file = xasprintf("%.*s/%s", (int)(end - at), at, program);
		if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0)
			return file;
		free(file);
	}
	return NULL;
}

static void
env_pass(struct env *e, const char *name, const char *fallback)
{
	const char *value = getenv(name);

	if (value == NULL || *value == '\0')
		value = fallback;
	if (value != NULL)
		env_set(e, name, value);
}

/*
 * A service manager usually sets both variables; the password file is read only
 * if one is missing.
 */
static void
env_user(const char **home, const char **user)
{
	struct passwd *pw = NULL;

	*home = getenv("HOME");
	*user = getenv("USER");
	if (*home == NULL || **home != '/' || *user == NULL || **user == '\0')
		pw = getpwuid(geteuid());
	if (*home == NULL || **home != '/')
		*home = pw != NULL ? pw->pw_dir : "/";
	if (*user == NULL || **user == '\0')
		*user = pw != NULL ? pw->pw_name : "drover";
}

void
env_init_user(void)
{
	const char *home, *user;

	env_user(&home, &user);
	MUST(setenv("HOME", home, 1) == 0 && setenv("USER", user, 1) == 0);
}

static void
env_pass_user(struct env *e)
{
	const char *home, *user;

	env_user(&home, &user);
	env_set(e, "HOME", home);
	env_set(e, "USER", user);
	env_set(e, "LOGNAME", user);
}

char *
env_cache(const struct scope *s)
{
	const char *folder = s->config->cache_dir, *repo = s->job != NULL ? s->job->repo : NULL;

	if (folder == NULL)
		return NULL;
	if (repo != NULL && config_repo(s->config, repo) != NULL)
		return xasprintf("%s/repos/%s", folder, repo);
	return path_join(folder, "common");
}

static int
env_add_caches(struct env *e, const struct scope *s, struct error *err)
{
	char **lines, *folder = env_cache(s);
	size_t i;

	if (folder == NULL)
		return 0;
	lines = tree_cache_env(folder, err);
	free(folder);
	for (i = 0; lines != NULL && lines[i] != NULL; i++)
		MUST(env_add(e, lines[i], NULL) == 0);
	free_strings(lines);
	return lines != NULL ? 0 : -1;
}

static void
env_set_number(struct env *e, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	env_set(e, name, text);
}

/*
 * As W3C Trace Context, section 3.2, has it: the version, the trace id, a fresh
 * parent id, and the flag "sampled".
 */
static void
env_set_trace(struct env *e, const char *trace)
{
	char span[17], value[64];

	if (trace == NULL || strlen(trace) != TRACE_DIGITS)
		return;
	snprintf(value, sizeof value, "00-%s-%s-01", trace, text_random_hex(span, 8));
	env_set(e, "TRACEPARENT", value);
}

/*
 * A worker has one job at a time, so it keeps one folder for all its jobs: on
 * ext4, making a folder soon after one was removed costs more than the rest of
 * a short job. The folder is emptied first, because a job that was killed
 * leaves files in it.
 */
static void
env_worker_tmp(struct scope *s, const char *parent)
{
	char *folder = xasprintf("%s/tmp-%s", parent, s->log.worker);

	if (path_empty(folder, 0700, NULL) == 0) {
		s->tmp = folder;
		s->tmp_stays = true;
	} else {
		free(folder);
	}
}

static int
env_make_tmp(struct scope *s, const char *parent)
{
	char *folder = path_join(parent, "tmp-XXXXXX");

	if (mkdtemp(folder) == NULL) {
		free(folder);
		return -1;
	}
	s->tmp = folder;
	return 0;
}
