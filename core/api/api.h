/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API: HTTP and JSON on a Unix socket, for `drover`, dashboards, scrapers
 * and scripts, and the intake of webhooks on an address of its own. The daemon
 * opens it, wakes it after each commit and closes it; doc/api.md describes it
 * for people.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "core.h"
#include "super/hooks.h"

struct api;

/*
 * What the API asks of the daemon. arg is what api_open() was given. A callback
 * fn is called exactly once, at once or later, on the loop's thread. Functions
 * that return an int return -1 with an error when they fail.
 */
struct api_verbs {
	/*
	 * Submits a job. 1 when it is a new job, 0 when an active one has its
	 * kind and key, and in both cases its id.
	 */
	int (*submit)(void *arg, const struct job_ask *, uint64_t *id, struct error *);
	/*
	 * Cancels a job; by is the user that events name. 1 when its worker was
	 * told to stop, 0 when the job has ended.
	 */
	int (*cancel)(void *arg, uint64_t id, const char *by, struct error *);
	/*
	 * Reads the configuration again. Appends a line to changes for each key
	 * that has changed.
	 */
	int (*reload)(void *arg, struct buf *changes, struct error *);
	/*
	 * Stops the start of jobs. With then_stop the daemon ends once no job
	 * runs, or after drain_timeout.
	 */
	void (*drain)(void *arg, bool then_stop);
	/* Lets jobs start again. */
	void (*undrain)(void *arg);
	/* Polls a source now; all sources when source is NULL. */
	int (*poll)(void *arg, const char *source, struct error *);
	/* Has the keeper clean or remove now the trees that may go. */
	void (*tidy)(void *arg);
	/*
	 * Calls an operation of a plugin. fn gets code 0 and the reply, or an
	 * error's class and its text; text is valid during the call only.
	 */
	void (*call)(void *arg, const char *operation, const char *request, size_t len,
	    void (*fn)(void *fn_arg, int code, const char *text, size_t len), void *fn_arg);
	/*
	 * Hands a webhook's delivery to a plugin. headers is JSON, [[name,
	 * value], ...].
	 */
	void (*hook)(void *arg, const char *plugin, const char *headers, const char *body,
	    size_t len, void (*fn)(void *fn_arg, const struct hook_answer *), void *fn_arg);
	/*
	 * Checks the credentials of plugins (NULL-terminated), or those of all
	 * plugins and repos when plugins is NULL.
	 */
	int (*check_secrets)(void *arg, const char *const *plugins,
	    void (*fn)(void *fn_arg, const cJSON *checks), void *fn_arg, struct error *);
	/*
	 * Returns 1 if drover has started the process: it is, or descends from,
	 * the core, a runner or a worker. Returns 0 if not, and -1 if that
	 * cannot be told.
	 */
	int (*started)(void *arg, pid_t pid);
	/* What the API shows; the caller deletes it. */
	cJSON *(*status)(void *arg);
	cJSON *(*plugins)(void *arg);
	cJSON *(*sources)(void *arg);
	cJSON *(*workers)(void *arg);
};

/*
 * Listens on config->socket (mode 0660; each peer's credentials are checked).
 * core, verbs and arg must outlive the API. 0, or -1: CONFIG when a live daemon
 * listens there or the address for webhooks cannot be used, else INTERNAL.
 */
int api_open(struct core *, const struct api_verbs *, void *arg, struct api **, struct error *);
/*
 * Listens for webhooks at the address of a new configuration. -1 when it
 * cannot; the old address then stays in use.
 */
int api_configure(struct api *, const struct config *, struct error *);
/* The address at which webhooks are taken, borrowed; NULL when none are. */
const char *api_hooks_address(const struct api *);
/*
 * Tells open streams that something was committed, so that they look for news.
 * api may be NULL.
 */
void api_wake(struct api *);
/*
 * Cuts all connections and removes the socket. Answers that core_defer() or a
 * verb still owes are dropped. api may be NULL.
 */
void api_close(struct api *);

/*
 * Writes the table of routes as Markdown. doc/api.md contains it, and a test
 * compares the two.
 */
void api_document(struct buf *out);

#endif
