/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections an evhttp may have, and how long each may last: it knows
 * neither limit. It tells nobody when a connection ends either: a reference of
 * our own to each bufferevent does, once it turns out to be the last one. (A
 * filter bufferevent would tell by itself, but evhttp closes it when its bytes
 * have reached the one below, before they have left.)
 */
#ifndef API_CONNECTIONS_H
#define API_CONNECTIONS_H

#include <stdint.h>

#include <event2/event.h>
#include <event2/http.h>

struct connection;

struct connections {
	struct event_base *base;
	struct evhttp *http;              /* borrowed */
	struct evhttp_bound_socket *bound;
	struct connection *list; /* a reference to each that may be open */
	int len, max;
	int64_t limit_ms;                 /* a connection is cut after so long; 0: never */
	struct event *timer;
};

/*
 * Takes a listening socket over for http. At its maximum it stops listening;
 * those in the backlog are let in as others leave.
 */
void connections_open(struct connections *, struct event_base *, struct evhttp *, int fd, int max,
    int64_t limit_ms);
/* After evhttp_free(). */
void connections_close(struct connections *);

#endif
