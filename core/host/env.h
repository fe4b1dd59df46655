/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a job's commands: built from nothing, so that no secret of
 * the daemon gets into it.
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
 * Looks up once, for a runner and all that it forks, who the daemon's user is.
 * Not while there are threads.
 */
void env_init_user(void);
/*
 * What every command of the scope gets. Makes the scope's folder for temporary
 * files when it has none.
 */
int env_init(struct env *, struct scope *, struct error *);
void env_free(struct env *);
/*
 * That folder, made when it is not there yet; removed with the scope. NULL on
 * error. Borrowed.
 */
const char *env_tmp(struct scope *, struct error *);
/*
 * Adds "NAME=value" in place of an earlier NAME. -1 and DROVER_CONFIG when it
 * is no such thing.
 */
int env_add(struct env *, const char *assignment, struct error *);
void env_set(struct env *, const char *name, const char *value);
/* NULL when there is none. Borrowed. */
const char *env_get(const struct env *, const char *name);
/*
 * The path of a program named without a slash, in the absolute folders of the
 * environment's PATH; the caller frees. NULL when there is none.
 */
char *env_find(const struct env *, const char *program);

#endif
