/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runner is asked to do in a process of its own: an operation, a
 * delivery to a hook, a listener. That process proves itself by the call's
 * token and sends one answer.
 */
#ifndef SUPER_CALLS_H
#define SUPER_CALLS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "super/fleet.h"
#include "super/peer.h"

struct call {
	TAILQ_ENTRY(call) link;
	struct supervisor *supervisor;
	uint64_t id;
	char token[33];
	char *plugin;
	uint64_t runner;             /* serial of the runner that was asked */
	int64_t deadline;            /* monotonic; 0 when it may take as long as it likes */
	enum message_type answer;    /* what its process answers with */
	/* Takes that answer, and closes the call. */
	void (*answered)(struct call *, struct message *);
	/*
	 * Called when the call is closed; NULL when nobody waits. code 0 and
	 * text, or a class.
	 */
	void (*fn)(void *arg, int code, const char *text, size_t len);
	void *arg;
};

/*
 * A new one; the caller sends it to the runner. timeout_ms 0: it has no
 * deadline.
 */
struct call *call_open(struct runner_handle *, enum message_type answer,
    void (*answered)(struct call *, struct message *), int64_t timeout_ms);
/* NULL when it is over. */
struct call *call_find(struct supervisor *, uint64_t id);
/* Tells whoever waits, and frees it. */
void call_close(struct call *, int code, const char *text, size_t len);
/*
 * The operation NAME as the plugin describes it; NULL when it has no such
 * operation.
 */
const cJSON *call_operation(const struct runner_handle *, const char *name);
/*
 * Whether the operation's plugin is still being started, so that a call would
 * fail now but need not fail a moment later.
 */
bool calls_starting(struct supervisor *, const char *operation);
/*
 * Asks a plugin for an operation, "plugin.name". fn gets the reply, now or
 * later: code 0 and the text, or a class and the reason.
 */
void calls_ask(struct supervisor *, const char *operation, const char *request, size_t len,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *arg);
/*
 * The same, for a token of the plugin that the repo's token_from names.
 * refused: the remote did not take the last one.
 */
void calls_git_token(struct supervisor *, const struct config_repo *, bool refused,
    void (*fn)(void *, int code, const char *text, size_t len), void *arg);
/* Whether a runner that is ready offers what token_from needs. */
bool calls_offers_git_token(const struct runner_handle *);
/*
 * A peer says that it serves a call: 0, or -1 when the token is not that
 * call's.
 */
int calls_hello(struct peer *, uint64_t call, const char *token);
/* Takes the message when it is an answer to a call. */
bool calls_reply(struct peer *, struct message *);
int64_t calls_tick(struct supervisor *, int64_t now);
void calls_close(struct supervisor *, const char *why);
void calls_runner_lost(struct runner_handle *, const char *why);

#endif
