/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of a server: counted, bounded, and cut when they last too long.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "api/connections.h"
#include "base/clock.h"
#include "base/mem.h"

#define RECOUNT_MS 50  /* while the house is full */
#define LIMIT_MS 250   /* between two looks at who has been here too long */

struct guest {
	struct bufferevent *bev;
	int64_t until;         /* monotonic; 0: for ever */
};

static struct bufferevent *house_guest(struct event_base *, void *);
static void house_count(struct house *);
static void house_wait(struct house *);
static void house_look(evutil_socket_t, short, void *);

void
house_open(struct house *house, struct event_base *base, struct evhttp *http, int fd, int max,
    int64_t limit_ms)
{
	struct evconnlistener *listener;

	*house = (struct house){ .base = base, .http = http, .max = max, .limit_ms = limit_ms };
	MUST((house->timer = evtimer_new(base, house_look, house)) != NULL);
	evhttp_set_bevcb(http, house_guest, house);
	listener = evconnlistener_new(base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	MUST(listener != NULL);
	MUST((house->bound = evhttp_bind_listener(http, listener)) != NULL);
}

void
house_close(struct house *house)
{
	if (house->timer != NULL)
		event_free(house->timer);
	house_count(house);
	free(house->guests);
	*house = (struct house){ .len = 0 };
}

static struct bufferevent *
house_guest(struct event_base *base, void *arg)
{
	struct house *house = arg;
	struct bufferevent *bev;

	/*
	 * Its events go before its socket does: libevent would take the next
	 * socket of that number for this one.
	 */
	MUST((bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE)) != NULL);
	house_count(house);
	/*
	 * One may come after the house was closed: evconnlistener takes a few
	 * at a time.
	 */
	house->guests = xreallocarray(house->guests, (size_t)house->len + 1, sizeof *house->guests);
	bufferevent_incref(bev);
	house->guests[house->len++] =
	    (struct guest){ bev, house->limit_ms > 0 ? clock_mono() + house->limit_ms : 0 };
	if (house->len >= house->max)
		evconnlistener_disable(evhttp_bound_socket_get_listener(house->bound));
	house_wait(house);
	return bev;
}

/* Lets go of those that evhttp has let go of. */
static void
house_count(struct house *house)
{
	int i = 0;

	while (i < house->len) {
		if (bufferevent_decref(house->guests[i].bev)) {
			house->guests[i] = house->guests[--house->len];
			continue;
		}
		bufferevent_incref(house->guests[i++].bev);
	}
}

static void
house_wait(struct house *house)
{
	int ms = house->len >= house->max         ? RECOUNT_MS :
	    house->limit_ms > 0 && house->len > 0 ? LIMIT_MS :
						    0;
	struct timeval soon = { 0, ms * 1000 };

	if (ms > 0 && !evtimer_pending(house->timer, NULL))
		MUST(evtimer_add(house->timer, &soon) == 0);
}

static void
house_look(evutil_socket_t fd, short what, void *arg)
{
	struct house *house = arg;
	int64_t now = clock_mono();

	house_count(house);
	/* evhttp finds the end of it by itself, and frees what hangs on it. */
	for (int i = 0; i < house->len; i++)
		if (house->guests[i].until != 0 && now >= house->guests[i].until)
			(void)shutdown(bufferevent_getfd(house->guests[i].bev), SHUT_RDWR);
	if (house->len < house->max)
		evconnlistener_enable(evhttp_bound_socket_get_listener(house->bound));
	house_wait(house);
}
