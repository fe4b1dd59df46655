/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The face to programs: HTTP/JSON on a Unix socket, for `drover`, dashboards,
 * scrapers and scripts. doc/api.md describes it.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "core.h"
#include "super/hooks.h"

struct api;

/*
 * What the API asks of the daemon. arg is the one that was given to api_open().
 * A callback fn is called once, now or later, on the loop's thread.
 */
struct api_verbs {
	/* 1 and the id: a new job, 0 and the id: it was known, -1: refused. */
	int (*submit)(void *arg, const struct job_ask *, uint64_t *id, struct error *);
	/*
	 * by: who asked, for the events. 1: its worker was told, 0: it has
	 * ended, -1.
	 */
	int (*cancel)(void *arg, uint64_t id, const char *by, struct error *);
	/*
	 * Reads the configuration again; changes gets a line for each key that
	 * changed.
	 */
	int (*reload)(void *arg, struct buf *changes, struct error *);
	/*
	 * Nothing new starts; then_stop: exit when nothing runs or
	 * drain_timeout is over.
	 */
	void (*drain)(void *arg, bool then_stop);
	void (*undrain)(void *arg);
	/* Polls a source now, or all for NULL. */
	int (*poll)(void *arg, const char *source, struct error *);
	/* Worktrees that may go are cleaned or removed now. */
	void (*tidy)(void *arg);
	/*
	 * Calls an operation of a plugin. fn gets code 0 and the reply, or a
	 * class and the reason.
	 */
	void (*call)(void *arg, const char *operation, const char *request, size_t len,
	    void (*fn)(void *fn_arg, int code, const char *text, size_t len), void *fn_arg);
	/*
	 * Hands a webhook delivery to a plugin; headers: JSON [[name, value],
	 * ...].
	 */
	void (*hook)(void *arg, const char *plugin, const char *headers, const char *body,
	    size_t len, void (*fn)(void *fn_arg, const struct hook_answer *), void *fn_arg);
	/*
	 * Tries the credentials of plugins (NULL-terminated, NULL: all) and of
	 * repos.
	 */
	int (*check_secrets)(void *arg, const char *const *plugins,
	    void (*fn)(void *fn_arg, const cJSON *checks), void *fn_arg, struct error *);
	/* Objects and lists to show; the caller deletes them. */
	cJSON *(*status)(void *arg);
	cJSON *(*plugins)(void *arg);
	cJSON *(*sources)(void *arg);
	cJSON *(*workers)(void *arg);
};

/*
 * Listens on config->socket (0660, peers checked by their credentials). A live
 * listener there is DROVER_CONFIG. core, verbs and arg outlive the API.
 */
int api_open(struct core *, const struct api_verbs *, void *arg, struct api **, struct error *);
/*
 * Listens for webhooks where a new configuration says. -1: it cannot, and all
 * stays as it was.
 */
int api_configure(struct api *, const struct config *, struct error *);
/* Where webhooks are taken, NULL: nowhere. Borrowed. */
const char *api_hooks_address(const struct api *);
/*
 * Something was committed: open streams look for news. The daemon calls it
 * after each commit. NULL is fine.
 */
void api_wake(struct api *);
/*
 * Cuts all connections and removes the socket; answers still owed by
 * core_defer() or a verb are dropped. NULL is fine.
 */
void api_close(struct api *);

/* Writes the routes as Markdown (doc/api.md holds it and a test compares). */
void api_document(struct buf *out);

#endif
