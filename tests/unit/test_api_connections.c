/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of the API: who may connect, how many, how much they may send,
 * and what becomes of answers when one end goes.
 */
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"

#include "api_kit.h"
#include "suite.h"

/*
 * What is owed when the API closes is dropped, and whoever answers later hits
 * nothing that was freed.
 */
START_TEST(answers_may_come_after_the_end)
{
	static const char request[] = "POST /api/v1/calls HTTP/1.1\r\nHost: d\r\nContent-Length: "
				      "25\r\n\r\n{\"operation\":\"stub.wait\"}";
	struct exchange c;

	caller_open(&c, request, sizeof request - 1);
	while (stub->call_fn == NULL)
		stub_turn(stub);
	event_free(c.readable);
	close(c.fd);
	buf_free(&c.got);
}
END_TEST

START_TEST(a_caller_that_leaves_is_forgotten)
{
	static const char request[] = "POST /api/v1/calls HTTP/1.1\r\nHost: d\r\nContent-Length: "
				      "25\r\n\r\n{\"operation\":\"stub.wait\"}";
	struct exchange c;

	caller_open(&c, request, sizeof request - 1);
	while (stub->call_fn == NULL)
		stub_turn(stub);
	caller_close(&c);
	cJSON_Delete(ask_json("GET", "/healthz", NULL, 200));
	stub->call_fn(stub->call_arg, DROVER_OK, "{}", 2);
	stub->call_fn = NULL;
	cJSON_Delete(ask_json("GET", "/healthz", NULL, 200));
	cJSON_Delete(ask_json("GET", "/healthz", NULL, 200));
	ck_assert_int_le(stub->api->connections.len, 2);
}
END_TEST

START_TEST(oversized_requests_are_cut_off)
{
	char *big = xmalloc(2 * API_BODY_MAX), head[128];
	struct buf request = BUF_INIT;
	struct exchange c;

	memset(big, 'x', 2 * API_BODY_MAX);
	snprintf(head, sizeof head,
	    "POST /api/v1/jobs HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n",
	    2 * API_BODY_MAX);
	buf_adds(&request, head);
	buf_add(&request, big, 1000);
	caller_open(&c, request.data, request.len);
	until_closed(&c);
	ck_assert_msg(strncmp(buf_str(&c.got), "HTTP/1.1 413", 12) == 0, "%s", buf_str(&c.got));
	caller_close(&c);
	buf_clear(&request);
	buf_adds(&request, "GET /healthz HTTP/1.1\r\nHost: d\r\nX-Long: ");
	buf_add(&request, big, 2 * API_HEADERS_MAX);
	buf_adds(&request, "\r\n\r\n");
	caller_open(&c, request.data, request.len);
	until_closed(&c);
	ck_assert_msg(strstr(buf_str(&c.got), " 200 ") == NULL, "%s", buf_str(&c.got));
	caller_close(&c);
	buf_free(&request);
	free(big);
	cJSON_Delete(ask_json("GET", "/healthz", NULL, 200));
}
END_TEST

START_TEST(a_full_house_waits_outside)
{
	struct exchange c[API_CONNECTIONS_MAX + 1];
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: d\r\n\r\n";

	for (int i = 0; i < API_CONNECTIONS_MAX; i++) {
		caller_open(&c[i], request, sizeof request - 1);
		until_seen(&c[i], "200 OK");
	}
	ck_assert_int_eq(stub->api->connections.len, API_CONNECTIONS_MAX);
	caller_open(&c[API_CONNECTIONS_MAX], request, sizeof request - 1);
	event_base_loop(stub->core.base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(c[API_CONNECTIONS_MAX].got.len, 0);
	caller_close(&c[0]);
	until_seen(&c[API_CONNECTIONS_MAX], "200 OK");
	for (int i = 1; i <= API_CONNECTIONS_MAX; i++)
		caller_close(&c[i]);
}
END_TEST

START_TEST(peers_are_told_apart)
{
	struct caller peer = { .uid = 1000, .gid = 1000 };

	ck_assert(caller_allowed(&(struct caller){ .uid = 0, .gid = 5 }, 1000, 100));
	ck_assert(caller_allowed(&peer, 1000, 100));
	ck_assert(!caller_allowed(&peer, 999, 100));
	ck_assert(caller_allowed(&peer, 999, 1000));
	peer.groups[0] = 7;
	peer.groups[1] = 100;
	peer.groups_len = 2;
	ck_assert(caller_allowed(&peer, 999, 100));
	ck_assert(!caller_allowed(&peer, 999, 101));
	peer.groups[1] = 0;
	ck_assert(!caller_allowed(&peer, 999, 0));
}
END_TEST

/* A stranger who got past the file's mode. Needs root, to become one. */
START_TEST(a_stranger_is_refused)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\nHost: d\r\n\r\n";
	char answer[512] = "";
	int fd, status = 0;
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	if (geteuid() != 0)
		return;
	ck_assert(chmod(stub->dir, 0755) == 0 && chmod(stub->core.config->socket, 0666) == 0);
	if ((pid = fork()) == 0) {
		if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0 ||
		    (fd = dial(stub->core.config->socket)) == -1)
			_exit(2);
		fcntl(fd, F_SETFL, 0);
		if (write(fd, request, sizeof request - 1) < 0)
			_exit(3);
		while (got < sizeof answer - 1 &&
		    (n = read(fd, answer + got, sizeof answer - 1 - got)) > 0)
			got += (size_t)n;
		_exit(strstr(answer, " 403 ") != NULL ? 0 : 4);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		const struct timeval soon = { 0, 10000 };

		event_base_loopexit(stub->core.base, &soon);
		event_base_loop(stub->core.base, 0);
	}
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_process_that_drover_started_is_refused)
{
	static const struct {
		int started;
		const char *why;
	} rows[] = { { 1, "drover started process" }, { -1, "cannot tell" } };
	cJSON *answer;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		stub->started = rows[i].started;
		answer = ask_json("GET", "/api/v1/status", NULL, 403);
		ck_assert_str_eq(json_str(json_get(answer, "error"), "code", ""), "forbidden");
		ck_assert(strstr(json_str(json_get(answer, "error"), "message", ""),
			      rows[i].why) != NULL);
		cJSON_Delete(answer);
		ck_assert_int_eq(stub->asked, getpid());
	}
	stub->started = 0;
	cJSON_Delete(ask_json("GET", "/api/v1/status", NULL, 200));
}
END_TEST

START_TEST(a_socket_is_taken_over_only_from_the_dead)
{
	struct stat st;
	struct api *api = NULL;
	struct error err = { 0 };

	ck_assert_int_eq(stat(stub->core.config->socket, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	ck_assert_int_eq(api_open(&stub->core, stub->verbs, stub, &api, &err), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "connections", api_kit_setup, api_kit_teardown);

	tcase_add_test(t, answers_may_come_after_the_end);
	tcase_add_test(t, a_caller_that_leaves_is_forgotten);
	tcase_add_test(t, oversized_requests_are_cut_off);
	tcase_add_test(t, a_full_house_waits_outside);
	tcase_add_test(t, a_stranger_is_refused);
	tcase_add_test(t, a_process_that_drover_started_is_refused);
	tcase_add_test(t, a_socket_is_taken_over_only_from_the_dead);
	t = suite_case(suite, "callers", NULL, NULL);
	tcase_add_test(t, peers_are_told_apart);
}

SUITE(cases)
