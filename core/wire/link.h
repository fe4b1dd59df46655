/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's, an operation's or a runner's way to the core: one request, one
 * answer. Outlives the core: reconnects and asks again.
 */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include <stdint.h>

#include "base/error.h"
#include "wire/message.h"

struct link;

/*
 * Connects when first used. path: the core's socket; job, epoch, token: see
 * JOB_HELLO. patience_ms: how long a missing core is waited for.
 */
struct link *link_new(const char *path, uint64_t job, uint64_t epoch, const char *token,
    int64_t patience_ms);
/*
 * Over a socket that is there already (a runner's). inbound gets messages that
 * are no answer; they are its to copy.
 */
struct link *link_over(int fd, void (*inbound)(void *arg, struct message *), void *arg);
void link_free(struct link *);
/*
 * In a fork of the process that used it: the connection is the parent's. The
 * next request makes one of its own.
 */
void link_forked(struct link *);
/* A fresh request id. */
uint64_t link_id(struct link *);
/*
 * Sends (frees request) and waits for the REPLY with the same id. 0 when its
 * class is DROVER_OK; else that class and text in err. reply may be NULL; else
 * the caller frees it with message_free. deadline_ms is monotonic; 0: patience
 * only. FENCED once the core says so, and on every later call.
 */
int link_ask(struct link *, struct message_out *request, int64_t deadline_ms, struct message *reply,
    struct error *);

#endif
