/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a job's commands. It starts out empty instead of with the
 * daemon's, so that no secret of the daemon gets into it.
 */
#ifndef HOST_ENV_H
#define HOST_ENV_H

#include <stddef.h>

#include "base/error.h"
#include "host/scope.h"

struct env {
	char **list;                 /* "NAME=value", NULL-terminated */
	size_t len, cap;
};

/*
 * Sets HOME and USER of this process to those of the daemon's user if they are
 * missing. A runner calls it once, before it has threads; its forks inherit
 * both.
 */
void env_init_user(void);
/*
 * Fills the environment with what every command of the scope gets, and makes
 * the scope's folder for temporary files if there is none yet. 0, or -1;
 * env_free() is due either way.
 */
int env_init(struct env *, struct scope *, struct error *);
void env_free(struct env *);
/*
 * Path of the scope's folder for temporary files, which is made on the first
 * call and removed with the scope. Borrowed. NULL on error.
 */
const char *env_tmp(struct scope *, struct error *);
/*
 * Path of the folder with the package caches of the job's repo, which the
 * caller frees; NULL if no caches are configured.
 */
char *env_cache(const struct scope *);
/*
 * Adds "NAME=value"; it replaces an earlier value of NAME. -1 and CONFIG when
 * the text does not have this form.
 */
int env_add(struct env *, const char *assignment, struct error *);
void env_set(struct env *, const char *name, const char *value);
/* Value of a variable, borrowed; NULL when it is not set. */
const char *env_get(const struct env *, const char *name);
/*
 * Looks for a program, whose name has no slash, in the absolute folders of the
 * environment's PATH. The caller frees the path; NULL when no folder has the
 * program.
 */
char *env_find(const struct env *, const char *program);

#endif
