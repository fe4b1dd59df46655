/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message socket in the core's loop: hands whole messages up, keeps what
 * the peer cannot take yet.
 */
#ifndef WIRE_CHANNEL_H
#define WIRE_CHANNEL_H

#include <event2/event.h>

#include "wire/message.h"

struct channel;

/*
 * message is called for each message, closed once, when the peer is gone or
 * broke the protocol (why says so). Within either the channel may be freed.
 */
struct channel_calls {
	void (*message)(void *arg, struct message *);
	void (*closed)(void *arg, const char *why);
};

/* Takes over fd and makes it non-blocking. */
struct channel *channel_new(struct event_base *, int fd, const struct channel_calls *, void *arg);
void channel_free(struct channel *); /* NULL is fine; closes the fd */
/*
 * Frees the message. What a dead peer cannot get is dropped: closed() follows.
 */
void channel_send(struct channel *, struct message_out *);

#endif
