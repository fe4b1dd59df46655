/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message socket in the core's event loop. It hands up whole messages, and
 * keeps what the peer cannot take yet. It never blocks.
 */
#ifndef WIRE_CHANNEL_H
#define WIRE_CHANNEL_H

#include <event2/event.h>

#include "wire/message.h"

struct channel;

/*
 * message() is called for each message, and closed() once, when the peer is
 * gone or broke the protocol. why is borrowed: an error, or "" if the peer
 * closed the socket. Both may free the channel.
 */
struct channel_calls {
	void (*message)(void *arg, struct message *);
	void (*closed)(void *arg, const char *why);
};

/*
 * Takes over fd and makes it non-blocking. The calls and arg are borrowed until
 * the channel is freed.
 */
struct channel *channel_new(struct event_base *, int fd, const struct channel_calls *, void *arg);
void channel_free(struct channel *); /* closes the socket; NULL is allowed */
/*
 * Sends the message and frees it. If the peer is gone the message is dropped,
 * and closed() is called from the event loop.
 */
void channel_send(struct channel *, struct message_out *);

#endif
