/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: what a runner is asked to do in a process of its own, which is an
 * operation, a delivery to a hook or a listener. That process proves itself by
 * the call's token and sends one answer.
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
	int64_t deadline;            /* monotonic; 0 means no limit */
	bool credential;             /* drover itself has asked for a token */
	enum message_type answer;    /* type of the message that answers the call */
	/* Takes the answer and closes the call. */
	void (*answered)(struct call *, struct message *);
	/*
	 * Called when the call is closed, with code 0 and the reply, or with an
	 * error's class and its text. NULL if no code waits for it.
	 */
	void (*fn)(void *arg, int code, const char *text, size_t len);
	void *arg;
};

/*
 * Makes a call; the caller sends it to the runner. timeout_ms 0 means no
 * deadline.
 */
struct call *call_open(struct runner_handle *, enum message_type answer,
    void (*answered)(struct call *, struct message *), int64_t timeout_ms);
/* Finds a call by its id. Returns NULL if it is closed. */
struct call *call_find(struct supervisor *, uint64_t id);
/* Calls fn, if it is set, and frees the call. */
void call_close(struct call *, int code, const char *text, size_t len);
/*
 * The plugin's description of the operation called name, borrowed; NULL if it
 * has no such operation.
 */
const cJSON *call_operation(const struct runner_handle *, const char *name);
/*
 * True if the operation's plugin is still being started, so that a call which
 * fails now may succeed a moment later.
 */
bool calls_starting(struct supervisor *, const char *operation);
/*
 * Calls the operation "plugin.name". fn is called once, now or later, with code
 * 0 and the reply, or with a class and the reason.
 */
void calls_ask(struct supervisor *, const char *operation, const char *request, size_t len,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *arg);
/*
 * Asks the plugin that the repo's token_from names for a token, in the same
 * way. refused says that the remote did not take the last token.
 */
void calls_git_token(struct supervisor *, const struct config_repo *, bool refused,
    void (*fn)(void *, int code, const char *text, size_t len), void *arg);
/*
 * True if the plugin of a ready runner has the operation that token_from needs.
 */
bool calls_offers_git_token(const struct runner_handle *);
/*
 * Handles a peer's claim that it serves this call. Returns 0, or -1 if the
 * token is not the call's.
 */
int calls_hello(struct peer *, uint64_t call, const char *token);
/*
 * True if the message answers a call for a credential, which is in it as it is.
 */
bool calls_hand_out(struct peer *, const struct message *);
/* Handles the message if it is an answer to a call; otherwise returns false. */
bool calls_reply(struct peer *, struct message *);
int64_t calls_tick(struct supervisor *, int64_t now);
void calls_close(struct supervisor *, const char *why);
void calls_runner_lost(struct runner_handle *, const char *why);

#endif
