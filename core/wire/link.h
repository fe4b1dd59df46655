/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a job, an operation or a runner asks the core: one request, one answer.
 * Jobs and operations outlive a restart of the core, because their link
 * reconnects and asks again. A link is used by one thread.
 */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include <stdint.h>

#include "base/error.h"
#include "wire/message.h"

struct link;

/*
 * A link that connects when it is first used. path is the core's socket; job,
 * epoch and token go into JOB_HELLO. patience_ms is how long a request waits
 * for a core that is not there.
 */
struct link *link_new(const char *path, uint64_t job, uint64_t epoch, const char *token,
    int64_t patience_ms);
/*
 * A link over a connected socket of the caller's, as runners have. It cannot
 * reconnect. Messages that are not answers are handed to inbound(), which may
 * take over their contents.
 */
struct link *link_over(int fd, void (*inbound)(void *arg, struct message *), void *arg);
void link_free(struct link *);
/*
 * Call this in a fork of the process that used the link. The connection stays
 * the parent's; the next request makes a new one.
 */
void link_forked(struct link *);
/*
 * Tells the core the secrets that this process knows and the core may not.
 * link_ask() does so by itself. Returns 0, or -1 if the core is not there
 * within 2 s.
 */
int link_tell_secrets(struct link *, struct error *);
/*
 * The socket of a connected link that can reconnect, to wait for what the core
 * says unasked; else -1. link_hear() takes that in without waiting.
 */
int link_fd(const struct link *);
void link_hear(struct link *);
/* Returns a new request id. */
uint64_t link_id(struct link *);
/*
 * Sends the request, frees it, and waits for the REPLY with the same id.
 * Returns 0 if its class is DROVER_OK, otherwise -1 with that class and text in
 * err. reply may be NULL; otherwise the caller frees it with message_free().
 * deadline_ms is monotonic; 0 means that only the link's patience counts.
 * DROVER_FENCED means that a newer attempt has taken over, and every later call
 * returns it too.
 */
int link_ask(struct link *, struct message_out *request, int64_t deadline_ms, struct message *reply,
    struct error *);

#endif
