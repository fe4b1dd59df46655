/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client reads while it grows: the output of attempts, and events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/server.h"
#include "base/mem.h"
#include "base/path.h"

#include "api_kit.h"
#include "suite.h"

static void
on_byte(evutil_socket_t fd, short what, void *arg)
{
	char byte;

	*(int *)arg += read(fd, &byte, 1) == 1;
}

/*
 * libevent takes a new socket for one that it watches when the old one of that
 * number was closed behind its back.
 */
START_TEST(a_closed_connection_hides_no_later_socket)
{
	uint64_t id = stub_job(stub, "a", "A");
	struct event *events[16];
	int fds[16], heard = 0;
	char path[128];

	stub_claim(stub);
	stub_output(stub, id, 1, "one\n");
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/output?attempt=1", (unsigned long long)id);
	ck_assert_int_eq(ask("GET", path, NULL, NULL), 200);
	for (int i = 0; i < 16; i++) {
		if (i % 2 == 0)
			ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds + i), 0);
		events[i] =
		    event_new(stub->core.base, fds[i], EV_READ | EV_PERSIST, on_byte, &heard);
		ck_assert_int_eq(event_add(events[i], NULL), 0);
		ck_assert_int_eq(write(fds[i ^ 1], "x", 1), 1);
	}
	for (int i = 0; i < 100; i++)
		event_base_loop(stub->core.base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(heard, 16);
	for (int i = 0; i < 16; i++) {
		event_free(events[i]);
		close(fds[i]);
	}
}
END_TEST

START_TEST(output_is_read_by_offset)
{
	uint64_t id = stub_job(stub, "a", "A");
	char path[128], *text;

	snprintf(path, sizeof path, "/api/v1/jobs/%llu/output", (unsigned long long)id);
	refused("GET", path, NULL, 404, "not_found");
	stub_claim(stub);
	stub_output(stub, id, 1, "one\ntwo\n");
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/output?attempt=1&offset=4",
	    (unsigned long long)id);
	ck_assert_int_eq(ask("GET", path, NULL, &text), 200);
	ck_assert_msg(strstr(text, "two\n") != NULL && strstr(text, "one") == NULL, "%s", text);
	free(text);
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/output?attempt=2", (unsigned long long)id);
	refused("GET", path, NULL, 404, "not_found");
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/output?attempt=../../x",
	    (unsigned long long)id);
	refused("GET", path, NULL, 422, "invalid");
}
END_TEST

START_TEST(an_attempt_that_prints_nothing_has_empty_output)
{
	uint64_t id = stub_job(stub, "a", "A");
	char path[1024], *text;

	snprintf(path, sizeof path, "/api/v1/jobs/%llu/output", (unsigned long long)id);
	refused("GET", path, NULL, 404, "not_found");
	stub_claim(stub);
	ck_assert_int_eq(ask("GET", path, NULL, &text), 200);
	ck_assert_str_eq(text, "0\r\n\r\n");
	free(text);
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/output?attempt=2", (unsigned long long)id);
	refused("GET", path, NULL, 404, "not_found");
}
END_TEST

/*
 * The log is a file that jobs' processes write beside: a link in its place must
 * lead nowhere.
 */
START_TEST(output_follows_no_link)
{
	uint64_t id = stub_job(stub, "a", "A");
	char path[1024], *target = path_join(stub->dir, "secret");
	struct error err;

	stub_claim(stub);
	ck_assert(path_write(target, "secret", 6, 0600, &err) == 0);
	snprintf(path, sizeof path, "%s/jobs/%llu", stub->dir, (unsigned long long)id);
	ck_assert(path_mkdirs(path, 0700, &err) == 0);
	snprintf(path, sizeof path, "%s/jobs/%llu/1.log", stub->dir, (unsigned long long)id);
	ck_assert(symlink(target, path) == 0);
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/output?attempt=1", (unsigned long long)id);
	refused("GET", path, NULL, 404, "not_found");
	free(target);
}
END_TEST

START_TEST(output_is_followed_to_the_end_of_the_attempt)
{
	uint64_t id = stub_job(stub, "a", "A");
	char request[256];
	struct job *job;
	struct exchange c;
	struct error err = { 0 };

	snprintf(request, sizeof request,
	    "GET /api/v1/jobs/%llu/output?follow=1 HTTP/1.1\r\nHost: d\r\n\r\n",
	    (unsigned long long)id);
	caller_open(&c, request, strlen(request));
	until_seen(&c, "200 OK");
	job = stub_claim(stub);
	api_wake(stub->api);
	stub_output(stub, id, 1, "first\n");
	api_wake(stub->api);
	until_seen(&c, "first\n");
	/* Only inotify tells of this one. */
	stub_output(stub, id, 1, "second\n");
	until_seen(&c, "second\n");
	stub_output(stub, id, 1, "last\n");
	ck_assert(queue_finish(stub->core.queue, job->id, job->epoch,
		      &(struct job_outcome){ .error.code = DROVER_OK }, &err) == 0);
	until_closed(&c);
	ck_assert(strstr(c.got.data, "last\n") != NULL);
	caller_close(&c);
}
END_TEST

START_TEST(events_are_resumed_where_they_broke)
{
	static const char from_now[] = "GET /api/v1/events HTTP/1.1\r\nHost: d\r\n\r\n";
	char request[256], *text, *seen;
	struct exchange c, again;
	uint64_t id;
	long last;

	stub_job(stub, "before", "A");
	caller_open(&c, from_now, sizeof from_now - 1);
	until_seen(&c, "200 OK");
	id = stub_job(stub, "after", "B");
	api_wake(stub->api);
	until_seen(&c, "\n\n");
	ck_assert_ptr_ne(seen = strstr(c.got.data, "id: "), NULL);
	last = strtol(seen + 4, NULL, 10);
	snprintf(request, sizeof request, "\"job\":%llu,", (unsigned long long)id);
	ck_assert_msg(strstr(c.got.data, request) != NULL, "%s", c.got.data);
	ck_assert(strstr(c.got.data, "\"job\":1,") == NULL);
	caller_close(&c);
	stub_claim(stub);
	snprintf(request, sizeof request,
	    "GET /api/v1/events HTTP/1.1\r\nHost: d\r\nLast-Event-ID: %ld\r\n\r\n", last);
	caller_open(&again, request, strlen(request));
	until_seen(&again, "event: claim\n");
	snprintf(request, sizeof request, "id: %ld\n", last);
	ck_assert(strstr(again.got.data, request) == NULL);
	caller_close(&again);
	ck_assert_int_eq(ask("GET", "/api/v1/events?after=0&follow=0&job=1", NULL, &text), 200);
	ck_assert(strstr(text, "event: claim\n") != NULL);
	ck_assert(strstr(text, "\"job\":2,") == NULL);
	free(text);
	refused("GET", "/api/v1/events?after=x", NULL, 422, "invalid");
	refused("GET", "/api/v1/events?job=nobody", NULL, 404, "not_found");
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "follow", api_kit_setup, api_kit_teardown);

	tcase_add_test(t, a_closed_connection_hides_no_later_socket);
	tcase_add_test(t, output_is_read_by_offset);
	tcase_add_test(t, an_attempt_that_prints_nothing_has_empty_output);
	tcase_add_test(t, output_follows_no_link);
	tcase_add_test(t, output_is_followed_to_the_end_of_the_attempt);
	tcase_add_test(t, events_are_resumed_where_they_broke);
}

SUITE(cases)
