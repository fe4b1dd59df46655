/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a connection on the core's socket, and the answers that wait for
 * the commit.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "super/fleet.h"
#include "super/peer.h"

struct reply {
	struct supervisor *supervisor;
	uint64_t serial, id;
	struct error err;
	int64_t number;
	char *data;
	size_t len;
};

void
peer_free(struct peer *p)
{
	if (p->closed != NULL)
		p->closed(p);
	TAILQ_REMOVE(&p->supervisor->peers, p, link);
	channel_free(p->channel);
	free(p->plugin);
	free(p);
}

/* The channel of the peer or runner with this serial; NULL if it is gone. */
static struct channel *
reply_channel(struct supervisor *s, uint64_t serial)
{
	struct runner_handle *r;
	struct peer *p;

	TAILQ_FOREACH(p, &s->peers, link)
		if (p->serial == serial)
			return p->channel;
	TAILQ_FOREACH(r, &s->runners, link)
		if (r->serial == serial)
			return r->channel;
	return NULL;
}

static void
reply_send(void *arg, const struct error *failed)
{
	struct reply *r = arg;
	const struct error *err = failed != NULL ? failed : &r->err;
	struct channel *channel = reply_channel(r->supervisor, r->serial);
	struct message_out out;

	if (channel != NULL) {
		message_begin(&out, MESSAGE_REPLY, r->id);
		message_put_error(&out, err);
		message_put_i(&out, r->number);
		message_put_b(&out, r->data, r->len);
		channel_send(channel, &out);
	}
	/* The data may be a credential for a job. */
	explicit_bzero(r->data, r->len);
	free(r->data);
	free(r);
}

void
reply_later(struct supervisor *s, uint64_t serial, uint64_t id, const struct error *err,
    int64_t number, const char *data, size_t len)
{
	struct reply *r = xcalloc(1, sizeof *r);

	r->supervisor = s;
	r->serial = serial;
	r->id = id;
	if (err != NULL)
		r->err = *err;
	r->number = number;
	r->data = xmalloc(len + 1);
	if (len > 0)
		memcpy(r->data, data, len);
	r->len = len;
	core_defer(s->core, reply_send, r);
}
