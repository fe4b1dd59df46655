/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the services share: checks of roles, of sized structs and of text from
 * plugins, requests to the core, and the services' functions on internal types.
 * A plugin sees nothing of this.
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
 * Returns 0 when the scope's role is one of roles (ROLE_*), else -1 and
 * PERMANENT "WHAT is allowed only in WHERE".
 */
int service_role(const struct scope *, unsigned roles, const char *what, const char *where,
    struct error *);
/*
 * Checks text of a plugin: neither NULL nor empty (unless optional), at most
 * max bytes, UTF-8. 0, or -1 and PERMANENT with a message that begins with
 * what.
 */
int service_text(const char *text, const char *what, size_t max, bool optional, struct error *);
/*
 * As service_text, for text that becomes part of one line: control characters
 * are refused as well.
 */
int service_line(const char *text, const char *what, size_t max, bool optional, struct error *);
/*
 * Copies a person to ours and checks that the id and each of at most 64 marks
 * is a line. The strings stay the plugin's. 0, or -1 and PERMANENT.
 */
int service_person(const struct drover_person *theirs, struct drover_person *ours, struct error *);
/*
 * Checks a name as the configuration has it: [a-z0-9_-], at most
 * DROVER_NAME_MAX bytes. NULL and "" pass. 0, or -1 and PERMANENT.
 */
int service_name(const char *name, const char *what, struct error *);
/*
 * Checks the name of a branch, a tag or a commit, which git must not read as an
 * option, a refspec or an expression. NULL and "" pass. 0, or -1 and PERMANENT.
 */
int service_ref(const char *ref, struct error *);
/*
 * Structs of the ABI begin with their size in the plugin's header. service_in()
 * zeroes ours and copies the smaller of both sizes; theirs must have at least
 * least bytes (see SERVICE_LEAST). service_out() copies in the other direction
 * and leaves the size in theirs as it is. Both return 0, or -1 and PERMANENT.
 */
int service_in(void *ours, size_t ours_size, const void *theirs, size_t least, const char *what,
    struct error *);
int service_out(void *theirs, const void *ours, size_t ours_size, const char *what, struct error *);
/*
 * Returns what service_out() would, without copying. Called before work is done
 * whose result could not be handed over.
 */
int service_out_check(const void *theirs, const char *what, struct error *);
#define SERVICE_LEAST(type, member) \
	(offsetof(struct type, member) + sizeof(((struct type *)0)->member))

/*
 * Writes data as snprintf does: at most size bytes with the NUL, cut between
 * characters. out may be NULL. Returns len, which is the length of the whole.
 */
int64_t service_write(char *out, size_t size, const char *data, size_t len);

/*
 * Sends one request to the core, waits for its answer until the scope's
 * deadline, and frees request in any case. number and data may be NULL; the
 * answer's data is appended to data, which the caller frees. 0, or -1 with the
 * core's error (INTERNAL if the scope has no link).
 */
int service_ask(struct scope *, struct message_out *request, int64_t *number, struct buf *data,
    struct error *);
/*
 * A fresh id for message_begin(). 0 when the scope has no link to the core;
 * service_ask() refuses such a request.
 */
uint64_t service_id(struct scope *);

/*
 * The services for each other, on internal types; include/drover/plugin.h
 * describes what they do.
 */
int kv_read(struct scope *, const char *key, struct buf *value,
    struct error *); /* 1 if the key has a value, 0 if not, -1 */
int kv_write(struct scope *, const char *key, const char *value, struct error *);
int effect_start(struct scope *, const char *key, struct buf *result,
    struct error *); /* enum drover_effect_state, or -1 */
int effect_finish(struct scope *, const char *key, const char *result, struct error *);
int result_put(struct scope *, const char *key, const char *value, struct error *);
int lease_take(struct scope *, const struct config_repo *, const char *ref, struct tree **,
    struct error *);
/*
 * fetch_repos() is host->lease->fetch. fetch_fresh() is true when the scope has
 * fetched the repo within the last minute, so that a lease needs no fetch of
 * its own.
 */
int fetch_repos(struct scope *, const char *const *names, size_t n, struct error *);
bool fetch_fresh(const struct scope *, const struct config_repo *);
/*
 * How trees of this scope get the tokens of repos that have token_from. Lives
 * as long as the scope.
 */
const struct tree_credentials *credentials_of(struct scope *);
/*
 * Cleans the tree and ends its lease. wip, which may be NULL, gets the ref
 * under which unpushed work was saved, or "". -1 when the core could not be
 * told; the scope has forgotten the lease then, too.
 */
int lease_give_back(struct scope *, uint64_t handle, char *wip, size_t size, struct error *);
/* The tree at an index of those that the scope holds; NULL past the last. */
struct tree *lease_at(struct scope *, size_t index);
/*
 * The repo in whose tree path lies, among the trees that the scope holds; NULL
 * when it lies in none of them.
 */
const struct config_repo *lease_repo_at(const struct scope *, const char *path);
/*
 * Pushes a commit as an effect, so that the core refuses a stale attempt before
 * the remote hears of it. With onto it works and returns as tree_push_onto(),
 * which may be 1 (the branch has moved); else 0 or -1.
 */
int git_push_branch(struct scope *, struct tree *, const char *commit, const char *branch,
    bool onto, struct error *);
/*
 * The configured repo with this name; that of the job when name is NULL or "".
 * NULL and CONFIG when no name is given or no such repo is configured.
 */
const struct config_repo *scope_repo(struct scope *, const char *name, struct error *);
bool scope_cancelled(const struct scope *);

#endif
