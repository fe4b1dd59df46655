/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the API share: a server over a real store and queue, and
 * clients that talk to its socket within its loop. A test fails if an answer
 * that it waits for does not come.
 */
#ifndef UNIT_API_KIT_H
#define UNIT_API_KIT_H

#include "base/buf.h"
#include "stub_daemon.h"

/* One connection of a client. */
struct exchange {
	struct stub *stub;
	int fd;
	struct event *readable;
	struct buf got;
	bool closed;
};

/* the stub of the running test */
extern struct stub *stub;

void api_kit_setup(void);
void api_kit_teardown(void);
/*
 * Connects to the socket at path without blocking. Returns -1 if the connection
 * is not accepted.
 */
int dial(const char *path);
void caller_open(struct exchange *, const char *request, size_t len);
void caller_close(struct exchange *);
void until_closed(struct exchange *);
/* Runs the loop until the client has received text. */
void until_seen(struct exchange *, const char *text);
/*
 * Sends a request, with a body as JSON, and waits for the answer. Returns its
 * status; *answer (may be NULL) is its body, which the caller frees.
 */
int ask(const char *method, const char *path, const char *body, char **answer);
/*
 * Like ask(); the answer must have this status and is parsed. The caller
 * deletes it.
 */
cJSON *ask_json(const char *method, const char *path, const char *body, int status);
/* The answer must be an error with this status, code and a message. */
void refused(const char *method, const char *path, const char *body, int status, const char *code);

#endif
