/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits how many connections an evhttp has, and how long each may last; evhttp
 * has neither limit. It does not tell when a connection ends either. So a
 * reference is held to each bufferevent; once it turns out to be the last one,
 * the connection has ended. (A filter bufferevent would tell of its end itself.
 * But evhttp closes it when its bytes have reached the bufferevent below,
 * before they have left.)
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
	struct connection *list; /* holds a reference to each that may be open */
	int len, max;
	int64_t limit_ms;                 /* after so long a connection is cut; 0 for never */
	struct event *timer;
};

/*
 * Takes a listening socket over for http. At max connections it stops
 * accepting; those in the backlog are let in as others end. limit_ms is how
 * long a connection may last, 0 for no limit.
 */
void connections_open(struct connections *, struct event_base *, struct evhttp *, int fd, int max,
    int64_t limit_ms);
/* Frees the rest. Only after evhttp_free(). */
void connections_close(struct connections *);

#endif
