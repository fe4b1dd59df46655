/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's end of a message socket. Reading is bounded for each wake-up, so
 * that one busy peer cannot starve the others.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "wire/channel.h"

#define CHANNEL_MAGIC 0xc4a77e10u
#define READS_AT_ONCE 32
/* bytes that a peer may leave unread before it is disconnected */
#define BACKLOG_MAX (64u * 1024 * 1024)

struct pending {
	STAILQ_ENTRY(pending) link;
	struct buf bytes;
};

struct channel {
	uint32_t magic;
	int fd;
	struct event *readable, *writable;
	STAILQ_HEAD(, pending) pending;
	size_t pending_bytes;
	const struct channel_calls *calls;
	void *arg;
	/*
	 * Set while a callback runs: channel_free() stores true there, so that
	 * the callback may free the channel.
	 */
	bool *freed;
	bool broken;
};

static void channel_read(evutil_socket_t, short, void *);
static void channel_write(evutil_socket_t, short, void *);
static void channel_break(struct channel *);

struct channel *
channel_new(struct event_base *base, int fd, const struct channel_calls *calls, void *arg)
{
	struct channel *c;

	OBJ_NEW(c, CHANNEL_MAGIC);
	c->fd = fd;
	c->calls = calls;
	c->arg = arg;
	STAILQ_INIT(&c->pending);
	MUST(evutil_make_socket_nonblocking(fd) == 0);
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, channel_read, c);
	c->writable = event_new(base, fd, EV_WRITE, channel_write, c);
	MUST(c->readable != NULL && c->writable != NULL);
	MUST(event_add(c->readable, NULL) == 0);
	return c;
}

void
channel_free(struct channel *c)
{
	struct pending *p;

	if (c == NULL)
		return;
	OBJ_CHECK(c, CHANNEL_MAGIC);
	if (c->freed != NULL)
		*c->freed = true;
	event_free(c->readable);
	event_free(c->writable);
	while ((p = STAILQ_FIRST(&c->pending)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->pending, link);
		buf_free(&p->bytes);
		free(p);
	}
	close(c->fd);
	OBJ_FREE(c);
}

static int
channel_push(struct channel *c, const struct buf *bytes)
{
	ssize_t n;

	do
		n = send(c->fd, bytes->data, bytes->len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
		return 0;
	return -1;
}

/*
 * Gives up a socket that does not take data. After the shutdown, channel_read()
 * sees the end of the connection and reports it; a socket that is broken
 * already reports its end by itself.
 */
static void
channel_break(struct channel *c)
{
	c->broken = true;
	shutdown(c->fd, SHUT_RDWR);
}

void
channel_send(struct channel *c, struct message_out *out)
{
	struct pending *p;
	int sent = 0;

	OBJ_CHECK(c, CHANNEL_MAGIC);
	MUST(out->bytes.len <= MESSAGE_MAX);
	if (!c->broken && STAILQ_EMPTY(&c->pending))
		sent = channel_push(c, &out->bytes);
	if (sent < 0)
		channel_break(c);
	if (sent == 0 && !c->broken) {
		p = xcalloc(1, sizeof *p);
		p->bytes = out->bytes;
		c->pending_bytes += p->bytes.len;
		out->bytes = (struct buf)BUF_INIT;
		STAILQ_INSERT_TAIL(&c->pending, p, link);
		MUST(event_add(c->writable, NULL) == 0);
		if (c->pending_bytes > BACKLOG_MAX)
			channel_break(c);
	}
	message_out_free(out);
}

static void
channel_write(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c;
	struct pending *p;
	int sent = 1;

	OBJ_CAST(c, arg, CHANNEL_MAGIC);
	while (!c->broken && (p = STAILQ_FIRST(&c->pending)) != NULL &&
	    (sent = channel_push(c, &p->bytes)) > 0) {
		STAILQ_REMOVE_HEAD(&c->pending, link);
		c->pending_bytes -= p->bytes.len;
		buf_free(&p->bytes);
		free(p);
	}
	if (sent < 0)
		channel_break(c);
	else if (!c->broken && !STAILQ_EMPTY(&c->pending))
		MUST(event_add(c->writable, NULL) == 0);
}

static void
channel_read(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c;
	struct message m = { 0 };
	struct error err = { 0 };
	bool freed = false;
	int n = 1, i;

	OBJ_CAST(c, arg, CHANNEL_MAGIC);
	c->freed = &freed;
	for (i = 0; i < READS_AT_ONCE && !freed; i++) {
		n = message_recv(c->fd, &m, &err);
		if (n <= 0)
			break;
		c->calls->message(c->arg, &m);
		message_free(&m);
	}
	if (freed)
		return;
	if (n == 0 || (n < 0 && err.code != DROVER_AGAIN)) {
		event_del(c->readable);
		c->calls->closed(c->arg, n == 0 ? "" : err.text);
		if (freed)
			return;
	}
	c->freed = NULL;
}
