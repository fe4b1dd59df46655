/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that gives the answers that a test has queued, byte for byte, and
 * keeps the requests. It is a thread of the test and listens on loopback.
 */
#ifndef UNIT_WEB_SERVER_H
#define UNIT_WEB_SERVER_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_ANSWERS 32

enum server_deed {
	SERVER_KEEP,  /* answers, and waits for the next request on the connection */
	SERVER_CLOSE, /* answers and closes */
	/*
	 * Answers, then sends nothing more until the test ends or lets go; then
	 * it closes.
	 */
	SERVER_STALL,
	/*
	 * Answers, then sends zeros until the client stops reading, at most 64
	 * MiB.
	 */
	SERVER_FLOOD,
};

struct server {
	int port;
	char base[64];           /* "http://127.0.0.1:PORT" */
	int listening, wake[2];
	pthread_t thread;
	pthread_mutex_t lock;
	struct { const char *raw; size_t len; enum server_deed deed; } answers[SERVER_ANSWERS];
	int answers_len, answered;
	char requests[SERVER_ANSWERS][16384]; /* as they came */
	int requests_len, connections,
	/* of_request[i] is the connection of request i, counted from 1. */
	    of_request[SERVER_ANSWERS];
	size_t flooded;
	volatile sig_atomic_t *cancel; /* set to 1 when a request has come; may be NULL */
	int tell;                /* gets a byte when a request has come; -1 if unused */
};

void server_open(struct server *);
void server_close(struct server *);
/*
 * Queues an answer. The bytes are borrowed; len 0 means that they are a string.
 * A request without a queued answer closes the connection.
 */
void server_answer(struct server *, enum server_deed, const char *raw, size_t len);
/* Ends a stall. */
void server_let_go(struct server *);
/* Request n, counted from 0; "" if it has not come. */
const char *server_request(struct server *, int n);
int server_count(struct server *);

#endif
