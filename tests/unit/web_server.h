/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that answers with what a test wrote down, byte by byte, and keeps
 * what it was asked. A thread of the test, on loopback.
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
	SERVER_STALL, /* answers, and then nothing more comes until the test ends, or lets go: then
			 it closes */
	SERVER_FLOOD, /* answers, and goes on with zeros until nobody takes them, at most 64 MiB */
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
	    of_request[SERVER_ANSWERS]; /* of_request: its connection, from 1 */
	size_t flooded;
	volatile sig_atomic_t *cancel; /* set to 1 when a request has come; NULL: none */
	int tell;                /* a byte is written to it when a request has come; -1: none */
};

void server_open(struct server *);
void server_close(struct server *);
/*
 * Queues an answer. The bytes are borrowed; len 0: a string. Without one left
 * the connection is closed unanswered.
 */
void server_answer(struct server *, enum server_deed, const char *raw, size_t len);
/* Ends a stall. */
void server_let_go(struct server *);
/* The nth request, from 0; "" when it has not come. */
const char *server_request(struct server *, int n);
int server_count(struct server *);

#endif
