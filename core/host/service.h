/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the services share: who may call, structs of other sizes, text from
 * plugins, and asking the core. Nothing here is a plugin's to see.
 */
#ifndef HOST_SERVICE_H
#define HOST_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "host/scope.h"
#include "wire/message.h"

#define ROLE_PLUGIN (1u << SCOPE_PLUGIN)
#define ROLE_SOURCE (1u << SCOPE_SOURCE)
#define ROLE_JOB (1u << SCOPE_JOB)
#define ROLE_OPERATION (1u << SCOPE_OPERATION)
#define ROLE_HOOK (1u << SCOPE_HOOK)
#define ROLE_LISTENER (1u << SCOPE_LISTENER)
#define ROLE_ANY (ROLE_PLUGIN | ROLE_SOURCE | ROLE_JOB | ROLE_OPERATION | ROLE_HOOK | ROLE_LISTENER)

/*
 * -1 and PERMANENT "WHAT outside of WHERE" when the scope's role is none of
 * roles.
 */
int service_role(const struct scope *, unsigned roles, const char *what, const char *where,
    struct error *);
/*
 * Text of a plugin: there, not empty, at most max bytes, UTF-8. An optional one
 * may be NULL or empty.
 */
int service_text(const char *text, const char *what, size_t max, bool optional, struct error *);
/*
 * As service_text, for text that ends up in one line: no control characters
 * either.
 */
int service_line(const char *text, const char *what, size_t max, bool optional, struct error *);
/* Copies a person whose id and marks are lines, at most 64 marks. */
int service_person(const struct drover_person *theirs, struct drover_person *ours, struct error *);
/* A configured name, or NULL. */
int service_name(const char *name, const char *what, struct error *);
/*
 * A branch, a tag or a commit, or NULL: what cannot be read as an option, a
 * refspec or an expression.
 */
int service_ref(const char *ref, struct error *);
/*
 * Structs begin with their size as the plugin's header had it. in copies
 * min(theirs, ours) into a zeroed struct of ours and wants at least least
 * bytes; out copies the other way and leaves theirs' size alone.
 */
int service_in(void *ours, size_t ours_size, const void *theirs, size_t least, const char *what,
    struct error *);
int service_out(void *theirs, const void *ours, size_t ours_size, const char *what, struct error *);
/*
 * -1 when out could not take a struct: asked before the work is done, not
 * after.
 */
int service_out_check(const void *theirs, const char *what, struct error *);
#define SERVICE_LEAST(type, member) \
	(offsetof(struct type, member) + sizeof(((struct type *)0)->member))

/* Writes as snprintf does, cut on a character; returns the whole length. */
int64_t service_write(char *out, size_t size, const char *data, size_t len);

/*
 * One request to the core by the scope's deadline; frees request. number and
 * data may be NULL; the caller frees data. 0, or -1.
 */
int service_ask(struct scope *, struct message_out *request, int64_t *number, struct buf *data,
    struct error *);
/*
 * A fresh id for message_begin; 0 when the scope has no core, which service_ask
 * refuses.
 */
uint64_t service_id(struct scope *);

/* The services for each other: as their tables say, on internal types. */
int kv_read(struct scope *, const char *key, struct buf *value,
    struct error *); /* 1, 0: none, -1 */
int kv_write(struct scope *, const char *key, const char *value, struct error *);
int effect_start(struct scope *, const char *key, struct buf *result,
    struct error *); /* enum drover_effect_state, or -1 */
int effect_finish(struct scope *, const char *key, const char *result, struct error *);
int result_put(struct scope *, const char *key, const char *value, struct error *);
int lease_take(struct scope *, const struct config_repo *, const char *ref, struct tree **,
    struct error *);
/*
 * host->lease->fetch. fetch_fresh: the scope has fetched the repo so lately
 * that a lease needs no fetch of its own.
 */
int fetch_repos(struct scope *, const char *const *names, size_t n, struct error *);
bool fetch_fresh(const struct scope *, const struct config_repo *);
/*
 * For trees of this scope: tokens of repos that have token_from. Lives as long
 * as the scope.
 */
const struct tree_credentials *credentials_of(struct scope *);
/* wip (may be NULL) gets the ref that saved what was not pushed, or "". */
int lease_give_back(struct scope *, uint64_t handle, char *wip, size_t size, struct error *);
/* The trees that the scope holds, by index; NULL past the last. */
struct tree *lease_at(struct scope *, size_t index);
/*
 * The repo whose worktree, held by this scope, path lies in; NULL when it lies
 * in none.
 */
const struct config_repo *lease_repo_at(const struct scope *, const char *path);
/*
 * Pushes HEAD under the fence of an effect: a stale attempt is refused by the
 * core before the remote sees it. onto: as tree_push_onto, 1 too.
 */
int git_push_branch(struct scope *, struct tree *, const char *branch, bool onto, struct error *);
/*
 * The configured repo of a name, else of the job; NULL and CONFIG when there is
 * none.
 */
const struct config_repo *scope_repo(struct scope *, const char *name, struct error *);
bool scope_cancelled(const struct scope *);

#endif
