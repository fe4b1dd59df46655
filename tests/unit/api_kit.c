/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of the API that run in the loop of its server; see api_kit.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <check.h>

#include "api_kit.h"
#include "base/json.h"
#include "base/mem.h"

#define TURNS_MAX 20000

struct stub *stub;

void
api_kit_setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	stub = stub_open();
}

void
api_kit_teardown(void)
{
	stub_close(stub);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *c = arg;
	char chunk[65536];
	ssize_t n = read(fd, chunk, sizeof chunk);

	if (n > 0) {
		buf_add(&c->got, chunk, (size_t)n);
		return;
	}
	if (n == -1 && errno == EAGAIN)
		return;
	c->closed = true;
	event_del(c->readable);
}

int
dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(strlen(path) < sizeof sun.sun_path);
	memcpy(sun.sun_path, path, strlen(path));
	if (connect(fd, (const struct sockaddr *)&sun, sizeof sun) != 0) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

void
caller_open(struct exchange *c, const char *request, size_t len)
{
	size_t sent = 0;

	*c = (struct exchange){ .stub = stub, .fd = dial(stub->core.config->socket) };
	ck_assert_int_ne(c->fd, -1);
	c->readable = event_new(stub->core.base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	event_add(c->readable, NULL);
	while (sent < len && !c->closed) {
		ssize_t n = send(c->fd, request + sent, len - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (errno != EAGAIN)
			break;
		else
			event_base_loop(stub->core.base, EVLOOP_NONBLOCK);
	}
}

void
caller_close(struct exchange *c)
{
	event_free(c->readable);
	close(c->fd);
	buf_free(&c->got);
}

void
until_closed(struct exchange *c)
{
	for (int i = 0; !c->closed; i++) {
		ck_assert_int_lt(i, TURNS_MAX);
		stub_turn(stub);
	}
}

void
until_seen(struct exchange *c, const char *text)
{
	for (int i = 0; strstr(buf_str(&c->got), text) == NULL; i++) {
		ck_assert_int_lt(i, TURNS_MAX);
		ck_assert_msg(!c->closed, "closed with: %s", buf_str(&c->got));
		stub_turn(stub);
	}
}

int
ask(const char *method, const char *path, const char *body, char **answer)
{
	struct buf request = BUF_INIT;
	struct exchange c;
	const char *end;
	int status;

	buf_addf(&request, "%s %s HTTP/1.1\r\nHost: drover\r\nConnection: close\r\n", method, path);
	if (body != NULL)
		buf_addf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
		    strlen(body));
	buf_addf(&request, "\r\n%s", body != NULL ? body : "");
	caller_open(&c, request.data, request.len);
	until_closed(&c);
	ck_assert_msg(strncmp(buf_str(&c.got), "HTTP/1.1 ", 9) == 0, "no answer: %s",
	    buf_str(&c.got));
	status = (int)strtol(c.got.data + 9, NULL, 10);
	end = strstr(c.got.data, "\r\n\r\n");
	ck_assert(end != NULL);
	if (answer != NULL)
		*answer = xstrdup(end + 4);
	caller_close(&c);
	buf_free(&request);
	return status;
}

cJSON *
ask_json(const char *method, const char *path, const char *body, int status)
{
	char *text;
	int got = ask(method, path, body, &text);
	cJSON *json;

	ck_assert_msg(got == status, "%s %s: %d %s", method, path, got, text);
	json = cJSON_Parse(text);
	ck_assert_msg(json != NULL, "no JSON: %s", text);
	free(text);
	return json;
}

void
refused(const char *method, const char *path, const char *body, int status, const char *code)
{
	cJSON *json = ask_json(method, path, body, status);
	const cJSON *e = json_get(json, "error");

	ck_assert_str_eq(json_str(e, "code", "?"), code);
	ck_assert_str_ne(json_str(e, "message", ""), "");
	cJSON_Delete(json);
}
