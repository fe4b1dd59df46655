/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection on the core's socket, and the answers that go out on it.
 */
#ifndef SUPER_PEER_H
#define SUPER_PEER_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "super/inside.h"
#include "wire/channel.h"
#include "wire/message.h"

struct peer {
	TAILQ_ENTRY(peer) link;
	struct supervisor *supervisor;
	struct channel *channel;
	/*
	 * Handlers of its messages and of its end, set when it has said hello.
	 * closed may be NULL.
	 */
	void (*message)(struct peer *, struct message *);
	void (*closed)(struct peer *);
	int64_t since;               /* monotonic; when it connected */
	struct slot *slot;           /* the slot of a worker; NULL for others */
	uint64_t job, epoch;         /* the attempt that a job's process serves; 0 for others */
	uint64_t call;               /* the call that an operation serves; 0 for others */
	char *plugin;
	/*
	 * it takes SECRETS, and how many of the known ones it was told
	 */
	bool knows;
	size_t told;
	/* names it in deferred answers, since the peer may be gone by then */
	uint64_t serial;
};

/* Closes the connection. */
void peer_free(struct peer *);
/*
 * Answers a request after the next commit. serial names the peer or runner, id
 * the request. err and data may be NULL; data is copied.
 */
void reply_later(struct supervisor *, uint64_t serial, uint64_t id, const struct error *err,
    int64_t number, const char *data, size_t len);

#endif
