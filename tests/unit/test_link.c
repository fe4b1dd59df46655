/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's way to the core: how long it waits for one, what stays after it was
 * fenced, and a socket that is lent.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "wire/link.h"
#include "temp.h"
#include "suite.h"

static int
ask(struct link *link, int64_t deadline_ms, struct message *reply, struct error *err)
{
	struct message_out out;

	message_begin(&out, MESSAGE_KV_GET, link_id(link));
	message_put_s(&out, "key");
	return link_ask(link, &out, deadline_ms, reply, err);
}

static void
answer(int fd, uint64_t id, int class)
{
	struct message_out out;
	struct error err;

	message_begin(&out, MESSAGE_REPLY, id);
	message_put_i(&out, class);
	message_put_i(&out, 3000);
	message_put_s(&out, "because");
	message_put_i(&out, 1);
	message_put_b(&out, "value", 5);
	ck_assert_int_eq(message_send(fd, &out, &err), 0);
}

START_TEST(a_core_that_never_comes_is_given_up)
{
	char *dir = temp_make(), *path = path_join(dir, "core.sock");
	struct link *link = link_new(path, 1, 2, "token", 120);
	struct error err = { 0 };

	ck_assert_int_eq(ask(link, 0, NULL, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	ck_assert_int_eq(ask(link, clock_mono() + 30, NULL, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	link_free(link);
	free(path);
	temp_remove(dir);
}
END_TEST

/*
 * Lets one connection in, answers its first request with what arg points to,
 * and is gone.
 */
struct answerer {
	int listening, class;
};

static void *
answerer(void *arg)
{
	const struct answerer *a = arg;
	struct pollfd listening = { .fd = a->listening, .events = POLLIN };
	struct message m;
	struct error err;
	int fd;

	(void)poll(&listening, 1, -1);
	fd = message_accept(a->listening, &err);
	ck_assert(fd != -1 && fcntl(fd, F_SETFL, 0) == 0);
	ck_assert_int_eq(message_recv(fd, &m, &err), 1);
	answer(fd, m.id, DROVER_OK);
	message_free(&m);
	ck_assert_int_eq(message_recv(fd, &m, &err), 1);
	answer(fd, m.id, a->class);
	message_free(&m);
	close(fd);
	return NULL;
}

START_TEST(fenced_once_is_fenced_for_ever)
{
	char *dir = temp_make(), *path = path_join(dir, "core.sock");
	struct link *link = link_new(path, 1, 2, "token", 60000);
	struct error err = { 0 };
	struct answerer a = { message_listen(path, &err), DROVER_FENCED };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, answerer, &a), 0);
	ck_assert_int_eq(ask(link, 0, NULL, &err), -1);
	ck_assert_int_eq(err.code, DROVER_FENCED);
	ck_assert_str_eq(err.text, "because");
	(void)pthread_join(thread, NULL);
	ck_assert_int_eq(ask(link, 0, NULL, &err), -1);
	ck_assert_int_eq(err.code, DROVER_FENCED);
	link_free(link);
	close(a.listening);
	free(path);
	temp_remove(dir);
}
END_TEST

static void
count_inbound(void *arg, struct message *m)
{
	ck_assert_int_eq(m->type, MESSAGE_RUNNER_STOP);
	++*(int *)arg;
}

START_TEST(a_lent_socket_hands_over_what_is_no_answer)
{
	int fds[2], inbound = 0;
	struct message_out out;
	struct message reply;
	struct error err = { 0 };
	struct link *link;
	size_t len;

	ck_assert_int_eq(message_pair(fds, &err), 0);
	link = link_over(fds[0], count_inbound, &inbound);
	message_begin(&out, MESSAGE_RUNNER_STOP, 0);
	ck_assert_int_eq(message_send(fds[1], &out, &err), 0);
	answer(fds[1], 77, DROVER_AUTH);
	answer(fds[1], 1, DROVER_OK);
	ck_assert_int_eq(ask(link, 0, &reply, &err), 0);
	ck_assert_str_eq(message_b(&reply, "data", &len), "value");
	message_free(&reply);
	ck_assert_int_eq(inbound, 1);
	answer(fds[1], 2, DROVER_QUOTA);
	ck_assert_int_eq(ask(link, 0, &reply, &err), -1);
	ck_assert_int_eq(err.code, DROVER_QUOTA);
	ck_assert_int_eq(err.retry_after_ms, 3000);
	ck_assert_int_eq(ask(link, clock_mono() + 20, &reply, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	close(fds[1]);
	ck_assert_int_eq(ask(link, 0, &reply, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	ck_assert_int_eq(ask(link, 0, &reply, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	link_free(link);
	close(fds[0]);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "link", NULL, NULL);

	tcase_add_test(tc, a_core_that_never_comes_is_given_up);
	tcase_add_test(tc, fenced_once_is_fenced_for_ever);
	tcase_add_test(tc, a_lent_socket_hands_over_what_is_no_answer);
}

SUITE(cases)
