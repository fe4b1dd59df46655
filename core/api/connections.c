/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of a server: counts them, limits their number, and cuts those
 * that last too long.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "api/connections.h"
#include "base/clock.h"
#include "base/mem.h"

#define RECOUNT_MS 50    /* between two counts while the server is full */
#define LIMIT_MS 250   /* between two checks for connections that last too long */

struct connection {
	struct bufferevent *bev;
	int64_t until;         /* monotonic, ms; 0 without a limit */
};

static struct bufferevent *connections_add(struct event_base *, void *);
static void connections_count(struct connections *);
static void connections_wait(struct connections *);
static void connections_look(evutil_socket_t, short, void *);

void
connections_open(struct connections *connections, struct event_base *base, struct evhttp *http,
    int fd, int max, int64_t limit_ms)
{
	struct evconnlistener *listener;

	*connections =
	    (struct connections){ .base = base, .http = http, .max = max, .limit_ms = limit_ms };
	MUST((connections->timer = evtimer_new(base, connections_look, connections)) != NULL);
	evhttp_set_bevcb(http, connections_add, connections);
	listener = evconnlistener_new(base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	MUST(listener != NULL);
	MUST((connections->bound = evhttp_bind_listener(http, listener)) != NULL);
}

void
connections_close(struct connections *connections)
{
	if (connections->timer != NULL)
		event_free(connections->timer);
	connections_count(connections);
	free(connections->list);
	*connections = (struct connections){ .len = 0 };
}

static struct bufferevent *
connections_add(struct event_base *base, void *arg)
{
	struct connections *connections = arg;
	struct bufferevent *bev;

	/*
	 * The events of a bufferevent are removed before its socket is closed;
	 * libevent would take the next socket with that number for this one.
	 */
	MUST((bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE)) != NULL);
	connections_count(connections);
	/*
	 * A connection may still come after the listener was disabled, because
	 * evconnlistener accepts a few at a time.
	 */
	connections->list = xreallocarray(connections->list, (size_t)connections->len + 1,
	    sizeof *connections->list);
	bufferevent_incref(bev);
	connections->list[connections->len++] = (struct connection){ bev,
		connections->limit_ms > 0 ? clock_mono() + connections->limit_ms : 0 };
	if (connections->len >= connections->max)
		evconnlistener_disable(evhttp_bound_socket_get_listener(connections->bound));
	connections_wait(connections);
	return bev;
}

/*
 * Drops the references that have become the last ones: evhttp has let go of
 * these connections.
 */
static void
connections_count(struct connections *connections)
{
	int i = 0;

	while (i < connections->len) {
		if (bufferevent_decref(connections->list[i].bev)) {
			connections->list[i] = connections->list[--connections->len];
			continue;
		}
		bufferevent_incref(connections->list[i++].bev);
	}
}

static void
connections_wait(struct connections *connections)
{
	int ms = connections->len >= connections->max         ? RECOUNT_MS :
	    connections->limit_ms > 0 && connections->len > 0 ? LIMIT_MS :
								0;
	struct timeval soon = { 0, ms * 1000 };

	if (ms > 0 && !evtimer_pending(connections->timer, NULL))
		MUST(evtimer_add(connections->timer, &soon) == 0);
}

static void
connections_look(evutil_socket_t fd, short what, void *arg)
{
	struct connections *connections = arg;
	int64_t now = clock_mono();

	connections_count(connections);
	/*
	 * evhttp notices that the connection has ended, and frees what belongs
	 * to it.
	 */
	for (int i = 0; i < connections->len; i++)
		if (connections->list[i].until != 0 && now >= connections->list[i].until)
			(void)shutdown(bufferevent_getfd(connections->list[i].bev), SHUT_RDWR);
	if (connections->len < connections->max)
		evconnlistener_enable(evhttp_bound_socket_get_listener(connections->bound));
	connections_wait(connections);
}
