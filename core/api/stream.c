/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that go on: the output of a running attempt, and events. One piece is
 * sent at a time, so a slow reader costs the memory of one piece and nothing
 * else.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "api/server.h"
#include "base/mem.h"

static void stream_on_gone(struct evhttp_connection *, void *arg);
static void stream_on_sent(struct evhttp_connection *, void *arg);
static void stream_on_timer(evutil_socket_t, short, void *arg);
static void stream_drop(struct stream *);

void
stream_begin(struct stream *s, struct request *r, const char *type, int timer_s)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(r->http);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(connection);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(r->http);
	const struct timeval every = { timer_s, 0 }, patience = { API_TIMEOUT_S, 0 };

	s->request = r;
	LIST_INSERT_HEAD(&r->api->streams, s, entry);
	r->api->answers[2]++;
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "Connection", "close");
	evhttp_connection_set_closecb(connection, stream_on_gone, s);
	/*
	 * The peer need not send anything more, so there is no timeout for
	 * that. What it sends all the same is bounded.
	 */
	bufferevent_set_timeouts(bev, NULL, &patience);
	bufferevent_setwatermark(bev, EV_READ, 0, API_HEADERS_MAX);
	if (timer_s > 0) {
		MUST((s->timer = event_new(r->api->core->base, -1, EV_PERSIST, stream_on_timer,
			  s)) != NULL);
		event_add(s->timer, &every);
	}
	evhttp_send_reply_start(r->http, 200, "OK");
	if (evhttp_request_get_command(r->http) == EVHTTP_REQ_HEAD)
		stream_end(s);
	else
		s->more(s, false);
}

void
stream_send(struct stream *s, const void *data, size_t len)
{
	struct evbuffer *piece;

	MUST(!s->busy && len > 0);
	MUST((piece = evbuffer_new()) != NULL && evbuffer_add(piece, data, len) == 0);
	s->busy = true;
	evhttp_send_reply_chunk_with_cb(s->request->http, piece, stream_on_sent, s);
	evbuffer_free(piece);
}

void
stream_end(struct stream *s)
{
	struct evhttp_request *http = s->request->http;

	evhttp_connection_set_closecb(evhttp_request_get_connection(http), NULL, NULL);
	evhttp_send_reply_end(http);
	stream_drop(s);
}

void
stream_wake(struct stream *s)
{
	if (!s->busy)
		s->more(s, false);
}

void
stream_cut(struct stream *s)
{
	evhttp_connection_set_closecb(evhttp_request_get_connection(s->request->http), NULL, NULL);
	stream_drop(s);
}

/* evhttp has let go of the request by now, so it must be freed here. */
static void
stream_on_gone(struct evhttp_connection *connection, void *arg)
{
	struct stream *s = arg;
	struct evhttp_request *http = s->request->http;

	if (evhttp_request_get_connection(http) == NULL)
		evhttp_request_free(http);
	stream_drop(s);
}

static void
stream_on_sent(struct evhttp_connection *connection, void *arg)
{
	struct stream *s = arg;

	s->busy = false;
	s->more(s, false);
}

static void
stream_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	if (!s->busy)
		s->more(s, true);
}

static void
stream_drop(struct stream *s)
{
	LIST_REMOVE(s, entry);
	if (s->timer != NULL)
		event_free(s->timer);
	request_free(s->request);
	s->release(s);
}
