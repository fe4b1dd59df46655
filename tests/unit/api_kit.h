/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the API share: a server over a real store and queue, and
 * clients that talk to its socket within its loop. What does not come fails the
 * test.
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

/* Of the running test. */
extern struct stub *stub;

void api_kit_setup(void);
void api_kit_teardown(void);
/* A non-blocking connection to the socket at path; -1 when none is accepted. */
int dial(const char *path);
void caller_open(struct exchange *, const char *request, size_t len);
void caller_close(struct exchange *);
void until_closed(struct exchange *);
/* Until text is in what has come. */
void until_seen(struct exchange *, const char *text);
/*
 * A whole exchange: its status, and the body in *answer (the caller frees)
 * unless NULL. A body goes out as JSON.
 */
int ask(const char *method, const char *path, const char *body, char **answer);
/* The same for an answer of this status, parsed. */
cJSON *ask_json(const char *method, const char *path, const char *body, int status);
/* The answer must be an error of this status and code, with a message. */
void refused(const char *method, const char *path, const char *body, int status, const char *code);

#endif
