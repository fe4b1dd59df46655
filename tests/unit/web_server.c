/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted server; see web_server.h. It serves one connection after the
 * other, which is how the client under test uses them.
 */
#include <check.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "web_server.h"

#define FLOOD_MAX (64u << 20)

static bool server_wait(struct server *, int fd);
static bool server_read(struct server *, int fd, char *, size_t);
static bool server_serve(struct server *, int fd);

/* Returns false if the test ends the server. */
static bool
server_wait(struct server *s, int fd)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = s->wake[0], .events = POLLIN } };

	while (poll(p, 2, -1) == -1 && errno == EINTR)
		;
	return p[1].revents == 0;
}

static bool
server_read(struct server *s, int fd, char *out, size_t size)
{
	size_t len = 0, body = 0;
	const char *end, *length;
	ssize_t n;

	for (;;) {
		out[len] = '\0';
		if ((end = strstr(out, "\r\n\r\n")) != NULL) {
			length = strcasestr(out, "\r\nContent-Length:");
			body = length != NULL && length < end ? strtoull(length + 17, NULL, 10) : 0;
			if (len >= (size_t)(end + 4 - out) + body)
				return true;
		}
		if (len + 1 >= size || !server_wait(s, fd) ||
		    (n = read(fd, out + len, size - 1 - len)) <= 0)
			return false;
		len += (size_t)n;
	}
}

/* Returns true while the connection is kept. */
static bool
server_serve(struct server *s, int fd)
{
	static const char zeros[65536];
	static char request[16384];
	char byte;
	size_t len;
	int n;

	if (!server_read(s, fd, request, sizeof request))
		return false;
	pthread_mutex_lock(&s->lock);
	MUST(s->requests_len < SERVER_ANSWERS);
	memcpy(s->requests[s->requests_len], request, strlen(request) + 1);
	s->of_request[s->requests_len++] = s->connections;
	n = s->answered < s->answers_len ? s->answered++ : -1;
	pthread_mutex_unlock(&s->lock);
	if (n != -1) {
		len = s->answers[n].len != 0 ? s->answers[n].len : strlen(s->answers[n].raw);
		(void)send(fd, s->answers[n].raw, len, MSG_NOSIGNAL);
	}
	if (s->cancel != NULL)
		*s->cancel = 1;
	if (s->tell != -1)
		(void)!write(s->tell, "x", 1);
	if (n == -1 || s->answers[n].deed == SERVER_CLOSE)
		return false;
	if (s->answers[n].deed == SERVER_STALL && !server_wait(s, -1)) {
		(void)!read(s->wake[0], &byte, 1);
		return false;
	}
	while (s->answers[n].deed == SERVER_FLOOD && s->flooded < FLOOD_MAX) {
		ssize_t sent = send(fd, zeros, sizeof zeros, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		s->flooded += (size_t)sent;
	}
	return s->answers[n].deed != SERVER_FLOOD;
}

static void *
server_main(void *arg)
{
	struct server *s = arg;
	int fd;

	while (server_wait(s, s->listening)) {
		if ((fd = accept4(s->listening, NULL, NULL, SOCK_CLOEXEC)) == -1)
			continue;
		pthread_mutex_lock(&s->lock);
		s->connections++;
		pthread_mutex_unlock(&s->lock);
		/*
		 * A second connection does not wait until the first is closed,
		 * so a test whose last answer must end the connection says so
		 * with SERVER_CLOSE.
		 */
		while (server_serve(s, fd)) {
			struct pollfd p[3] = { { .fd = fd, .events = POLLIN },
				{ .fd = s->listening, .events = POLLIN },
				{ .fd = s->wake[0], .events = POLLIN } };

			while (poll(p, 3, -1) == -1 && errno == EINTR)
				;
			if (p[0].revents == 0)
				break;
		}
		close(fd);
	}
	return NULL;
}

void
server_open(struct server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;

	memset(s, 0, sizeof *s);
	s->tell = -1;
	pthread_mutex_init(&s->lock, NULL);
	ck_assert_int_eq(pipe(s->wake), 0);
	s->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(s->listening, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(s->listening, 16), 0);
	ck_assert_int_eq(getsockname(s->listening, (struct sockaddr *)&address, &len), 0);
	s->port = ntohs(address.sin_port);
	snprintf(s->base, sizeof s->base, "http://127.0.0.1:%d", s->port);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, server_main, s), 0);
}

void
server_let_go(struct server *s)
{
	ck_assert_int_eq(write(s->wake[1], "g", 1), 1);
}

void
server_close(struct server *s)
{
	ck_assert_int_eq(write(s->wake[1], "qqqq", 4), 4);
	pthread_join(s->thread, NULL);
	close(s->listening);
	close(s->wake[0]);
	close(s->wake[1]);
	pthread_mutex_destroy(&s->lock);
}

void
server_answer(struct server *s, enum server_deed deed, const char *raw, size_t len)
{
	pthread_mutex_lock(&s->lock);
	ck_assert_int_lt(s->answers_len, SERVER_ANSWERS);
	s->answers[s->answers_len].raw = raw;
	s->answers[s->answers_len].len = len;
	s->answers[s->answers_len++].deed = deed;
	pthread_mutex_unlock(&s->lock);
}

const char *
server_request(struct server *s, int n)
{
	const char *request;

	pthread_mutex_lock(&s->lock);
	request = n < s->requests_len ? s->requests[n] : "";
	pthread_mutex_unlock(&s->lock);
	return request;
}

int
server_count(struct server *s)
{
	int n;

	pthread_mutex_lock(&s->lock);
	n = s->requests_len;
	pthread_mutex_unlock(&s->lock);
	return n;
}
