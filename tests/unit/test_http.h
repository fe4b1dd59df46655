/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of host->http share: a scope, and a request to a scripted
 * server with its results.
 */
#ifndef UNIT_TEST_HTTP_H
#define UNIT_TEST_HTTP_H

#include <check.h>

#include "host/http/http.h"
#include "host/scope.h"
#include "temp.h"
#include "web_server.h"

extern struct server server;
extern struct scope scope;
extern struct drover_http_request request;
extern struct drover_http_response response;
extern struct drover_error why;

void http_setup(void);
void http_teardown(void);
void queue(enum server_deed, const char *status, const char *headers, const char *body);
/* Sends the request; response and why are its results. Returns the class. */
int ask(void);

#endif
