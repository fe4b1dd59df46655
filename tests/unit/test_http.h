/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scope, a request to a scripted server, and what came of it: shared by the
 * tests of host->http.
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
/* Sends request; what came is in response and why. Returns the class. */
int ask(void);

#endif
