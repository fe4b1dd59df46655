/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API as its clients see it: real requests on a real socket, over a real
 * store and queue.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "stub_daemon.h"
#include "suite.h"

#define TURNS_MAX 2000

/* One connection of a client that lives in the server's loop. */
struct exchange {
	struct stub *stub;
	int fd;
	struct event *readable;
	struct buf got;
	bool closed;
};

static struct stub *stub;

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	stub = stub_open();
}

static void
teardown(void)
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

static int
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

static void
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

static void
caller_close(struct exchange *c)
{
	event_free(c->readable);
	close(c->fd);
	buf_free(&c->got);
}

static void
until_closed(struct exchange *c)
{
	for (int i = 0; !c->closed; i++) {
		ck_assert_int_lt(i, TURNS_MAX);
		stub_turn(stub);
	}
}

static void
until_seen(struct exchange *c, const char *text)
{
	for (int i = 0; strstr(buf_str(&c->got), text) == NULL; i++) {
		ck_assert_int_lt(i, TURNS_MAX);
		ck_assert_msg(!c->closed, "closed with: %s", buf_str(&c->got));
		stub_turn(stub);
	}
}

/*
 * A whole exchange: its status, and the body in *body (the caller frees) unless
 * NULL.
 */
static int
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

static cJSON *
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

static void
refused(const char *method, const char *path, const char *body, int status, const char *code)
{
	cJSON *json = ask_json(method, path, body, status);
	const cJSON *e = json_get(json, "error");

	ck_assert_str_eq(json_str(e, "code", "?"), code);
	ck_assert_str_ne(json_str(e, "message", ""), "");
	cJSON_Delete(json);
}

START_TEST(routes_have_one_answer_each)
{
	char args[API_ARGS_MAX][API_ARG_MAX];
	unsigned allowed;

	for (size_t i = 0; i < api_routes_len; i++) {
		char path[256] = "";
		const char *s = api_routes[i].path;
		size_t n = 0;

		for (; *s != '\0'; s++)
			path[n++] = *s == '*' ? '7' : *s;
		ck_assert_msg(route_find(api_routes[i].method, path, args, &allowed) ==
			&api_routes[i],
		    "%s is hidden", api_routes[i].path);
		ck_assert(api_routes[i].handle != NULL && api_routes[i].summary[0] != '\0');
	}
}
END_TEST

/* doc/api.md holds the table word by word. */
START_TEST(routes_are_documented)
{
	const char *tree = getenv("srcdir");
	char *path = path_join(tree != NULL ? tree : ".", "doc/api.md");
	struct buf file = BUF_INIT, table = BUF_INIT;
	struct error err = { 0 };

	ck_assert_msg(path_read(path, 1 << 20, &file, &err) == 0, "%s", err.text);
	api_document(&table);
	ck_assert_msg(strstr(buf_str(&file), buf_str(&table)) != NULL,
	    "doc/api.md should have:\n%s", buf_str(&table));
	buf_free(&file);
	buf_free(&table);
	free(path);
}
END_TEST

START_TEST(routes_decode_and_bound_their_arguments)
{
	char args[API_ARGS_MAX][API_ARG_MAX], longest[2048];
	unsigned allowed;

	ck_assert(route_find(EVHTTP_REQ_GET, "/api/v1/jobs/stub.work%2Fa%2Fb%20c/why", args,
		      &allowed) != NULL);
	ck_assert_str_eq(args[0], "stub.work/a/b c");
	ck_assert(route_find(EVHTTP_REQ_GET, "/api/v1/jobs/a%00b/why", args, &allowed) == NULL);
	ck_assert(route_find(EVHTTP_REQ_GET, "/api/v1/jobs//why", args, &allowed) == NULL);
	ck_assert(route_find(EVHTTP_REQ_GET, "/api/v1/jobs/1/", args, &allowed) == NULL);
	snprintf(longest, sizeof longest, "/api/v1/jobs/%01000d", 1);
	ck_assert(route_find(EVHTTP_REQ_GET, longest, args, &allowed) == NULL);
}
END_TEST

START_TEST(routes_stand_mutated_paths)
{
	const char *seed = "/api/v1/jobs/stub.work%2Fkey/output";
	char args[API_ARGS_MAX][API_ARG_MAX], path[128];
	unsigned allowed, state = 1;

	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof path, "%s", seed);
		for (int k = 0; k < 4; k++) {
			state = state * 1664525u + 1013904223u;
			path[(state >> 16) % strlen(seed)] = (char)(state >> 8);
		}
		route_find(EVHTTP_REQ_GET, path, args, &allowed);
	}
}
END_TEST

START_TEST(unknown_paths_and_methods)
{
	char *text;

	refused("GET", "/nothing", NULL, 404, "not_found");
	refused("GET", "/api/v1/jobs/1/cancel", NULL, 405, "method_not_allowed");
	refused("DELETE", "/api/v1/jobs/1", NULL, 405, "method_not_allowed");
	refused("POST", "/api/v1/state", "{}", 405, "method_not_allowed");
	ck_assert_int_eq(ask("HEAD", "/healthz", NULL, &text), 200);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(a_job_is_answered_after_it_is_on_disk)
{
	cJSON *json = ask_json("POST", "/api/v1/jobs",
	    "{\"kind\": \"stub.work\", \"key\": \"k\", \"payload\": {\"a\": 1}}", 201);
	uint64_t id = (uint64_t)json_int(json, "id", 0);

	ck_assert_uint_gt(id, 0);
	ck_assert(json_bool(json, "fresh", false));
	ck_assert(!store_dirty(stub->core.store));
	cJSON_Delete(json);
	json = ask_json("POST", "/api/v1/jobs", "{\"kind\": \"stub.work\", \"key\": \"k\"}", 200);
	ck_assert_int_eq(json_int(json, "id", 0), (int64_t)id);
	ck_assert(!json_bool(json, "fresh", true));
	cJSON_Delete(json);
	refused("POST", "/api/v1/jobs", "{\"kind\": \"stub.work\", \"key\": \"k\", \"new\": true}",
	    409, "conflict");
	json = ask_json("GET", "/api/v1/jobs/stub.work%2Fk", NULL, 200);
	ck_assert_str_eq(json_str(json, "payload", ""), "{\"a\":1}");
	ck_assert_str_eq(json_str(json, "state", ""), "queued");
	cJSON_Delete(json);
}
END_TEST

START_TEST(a_full_disk_is_said_and_nothing_is_kept)
{
	cJSON *json;

	stub->fail_commits = true;
	refused("POST", "/api/v1/jobs", "{\"kind\": \"stub.work\", \"key\": \"k\"}", 507,
	    "disk_full");
	stub->fail_commits = false;
	json = ask_json("GET", "/api/v1/jobs", NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "jobs")), 0);
	cJSON_Delete(json);
}
END_TEST

START_TEST(a_batch_answers_for_each)
{
	cJSON *json = ask_json("POST", "/api/v1/jobs",
	    "[{\"kind\": \"stub.work\", \"key\": \"a\"}, {\"kind\": \"stub.work\"}, "
	    "{\"kind\": \"stub.work\", \"key\": \"b\"}]",
	    201);

	ck_assert_int_eq(cJSON_GetArraySize(json), 3);
	ck_assert_int_gt(json_int(cJSON_GetArrayItem(json, 0), "id", 0), 0);
	ck_assert_str_ne(json_str(cJSON_GetArrayItem(json, 1), "error", ""), "");
	ck_assert_int_gt(json_int(cJSON_GetArrayItem(json, 2), "id", 0), 0);
	cJSON_Delete(json);
	refused("POST", "/api/v1/jobs", "[]", 422, "invalid");
}
END_TEST

static const char *const bad_jobs[] = {
	"{}",
	"7",
	"\"text\"",
	"null",
	"{\"kind\": \"stub.work\"}",
	"{\"kind\": 1, \"key\": \"k\"}",
	"{\"kind\": \"stub.work\", \"key\": \"k\", \"typo\": 1}",
	"{\"kind\": \"stub.work\", \"key\": \"k\", \"priority\": 101}",
	"{\"kind\": \"stub.work\", \"key\": \"k\", \"priority\": \"1\"}",
	"{\"kind\": \"stub.work\", \"key\": \"k\", \"after\": \"no-such-job\"}",
	"{\"kind\": \"stub.work\", \"key\": \"k\", \"after\": []}",
};

START_TEST(a_wrong_job_is_refused)
{
	refused("POST", "/api/v1/jobs", bad_jobs[_i], 422, "invalid");
}
END_TEST

START_TEST(a_body_that_is_no_json_is_refused)
{
	refused("POST", "/api/v1/jobs", "{\"kind\": ", 400, "bad_request");
	refused("POST", "/api/v1/jobs", "{} {}", 400, "bad_request");
}
END_TEST

START_TEST(lists_are_filtered_and_paged)
{
	uint64_t first = stub_job(stub, "a", "A"), last;
	char path[128];
	cJSON *json;

	stub_job(stub, "b", "B");
	last = stub_job(stub, "c", "C");
	json = ask_json("GET", "/api/v1/jobs?limit=2&state=queued&kind=stub.work", NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "jobs")), 2);
	ck_assert_int_eq(json_int(cJSON_GetArrayItem(json_get(json, "jobs"), 0), "id", 0),
	    (int64_t)last);
	snprintf(path, sizeof path, "/api/v1/jobs?limit=2&before=%lld",
	    (long long)json_int(json, "before", 0));
	cJSON_Delete(json);
	json = ask_json("GET", path, NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "jobs")), 1);
	ck_assert_int_eq(json_int(cJSON_GetArrayItem(json_get(json, "jobs"), 0), "id", 0),
	    (int64_t)first);
	ck_assert_int_eq(json_int(json, "before", -1), -1);
	cJSON_Delete(json);
	snprintf(path, sizeof path, "/api/v1/jobs?ids=%llu,99999,%llu", (unsigned long long)first,
	    (unsigned long long)last);
	json = ask_json("GET", path, NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "jobs")), 2);
	ck_assert_int_eq(json_int(cJSON_GetArrayItem(json_get(json, "jobs"), 0), "id", 0),
	    (int64_t)first);
	cJSON_Delete(json);
	json = ask_json("GET", "/api/v1/jobs?kind=other.kind", NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "jobs")), 0);
	cJSON_Delete(json);
	refused("GET", "/api/v1/jobs?state=sleeping", NULL, 422, "invalid");
	refused("GET", "/api/v1/jobs?ids=1,,2", NULL, 422, "invalid");
	refused("GET", "/api/v1/jobs?ids=-1", NULL, 422, "invalid");
	refused("GET", "/api/v1/jobs?limit=0", NULL, 422, "invalid");
	refused("GET", "/api/v1/jobs?limit=1e3", NULL, 422, "invalid");
	refused("GET", "/api/v1/jobs?before=-1", NULL, 422, "invalid");
}
END_TEST

START_TEST(operators_act_and_are_named)
{
	uint64_t id = stub_job(stub, "a", "A");
	char path[128];
	cJSON *json;
	const cJSON *events;

	refused("POST", "/api/v1/jobs/999/hold", NULL, 404, "not_found");
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/hold", (unsigned long long)id);
	cJSON_Delete(ask_json("POST", path, "{\"why\": \"wait \\u001b[31m for me\"}", 200));
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/retry", (unsigned long long)id);
	refused("POST", path, NULL, 409, "refused");
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/release", (unsigned long long)id);
	cJSON_Delete(ask_json("POST", path, NULL, 200));
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/priority", (unsigned long long)id);
	cJSON_Delete(ask_json("POST", path, "{\"priority\": 7}", 200));
	refused("POST", path, "{\"priority\": 7.5}", 422, "invalid");
	refused("POST", path, "{}", 422, "invalid");
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/cancel", (unsigned long long)id);
	cJSON_Delete(ask_json("POST", path, NULL, 200));
	refused("POST", path, NULL, 409, "refused");
	snprintf(path, sizeof path, "/api/v1/jobs/%llu", (unsigned long long)id);
	json = ask_json("GET", path, NULL, 200);
	ck_assert_int_eq(json_int(json, "priority", 0), 7);
	ck_assert_str_eq(json_str(json, "state", ""), "cancelled");
	events = json_get(json, "events");
	ck_assert_str_ne(json_str(cJSON_GetArrayItem(events, cJSON_GetArraySize(events) - 1), "who",
			     ""),
	    "");
	cJSON_Delete(json);
}
END_TEST

START_TEST(why_names_the_closed_gate)
{
	uint64_t id = stub_job(stub, "a", "A");
	char path[128];
	cJSON *json;

	cJSON_Delete(ask_json("POST", "/api/v1/pause",
	    "{\"what\": \"kind/stub.work\", \"why\": \"a release\"}", 200));
	snprintf(path, sizeof path, "/api/v1/jobs/%llu/why", (unsigned long long)id);
	json = ask_json("GET", path, NULL, 200);
	ck_assert_msg(strstr(json_str(json, "reason", ""), "a release") != NULL, "%s",
	    json_str(json, "reason", ""));
	cJSON_Delete(json);
	json = ask_json("GET", "/api/v1/pauses", NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "pauses")), 1);
	cJSON_Delete(json);
	cJSON_Delete(ask_json("POST", "/api/v1/resume", "{\"what\": \"kind/stub.work\"}", 200));
	refused("POST", "/api/v1/pause", "{\"what\": \"colour/blue\"}", 422, "invalid");
	refused("POST", "/api/v1/pause", "{\"what\": 5}", 422, "invalid");
}
END_TEST

/*
 * What is not there cannot be paused: it would be taken, and hold back nothing.
 */
START_TEST(a_pause_of_nothing_is_refused)
{
	static const struct {
		const char *what, *says;
	} unknown[] = {
		{ "kind/stub.wrok", "did you mean kind/stub.work?" },
		{ "kind/stub.work2", "did you mean kind/stub.work?" },
		{ "kind/nobody.knows", "there is no kind/nobody.knows to pause" },
		{ "kind/stub", "there is no kind/stub to pause" },
		{ "pool/lihgt", "did you mean pool/light?" },
		{ "repo/nothing-like-it", "there is no repo/nothing-like-it to pause" },
		{ "agent/codecs", "there is no agent/codecs to pause" },
		{ "pool/", "cannot pause" },
	};
	char body[96];
	cJSON *json;

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		snprintf(body, sizeof body, "{\"what\": \"%s\"}", unknown[i].what);
		json = ask_json("POST", "/api/v1/pause", body, 422);
		ck_assert_msg(strstr(json_str(json_get(json, "error"), "message", ""),
				  unknown[i].says) != NULL,
		    "%s: %s", unknown[i].what, json_str(json_get(json, "error"), "message", ""));
		cJSON_Delete(json);
	}
	json = ask_json("GET", "/api/v1/pauses", NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "pauses")), 0);
	cJSON_Delete(json);
	cJSON_Delete(ask_json("POST", "/api/v1/pause", "{\"what\": \"pool/heavy\"}", 200));
}
END_TEST

/* Refusals and memory as they are kept, and asked for with what is wrong. */
START_TEST(what_came_from_people)
{
	const struct store_refusal refusal = { .source = "stub.folder",
		.key = "k",
		.author = "bob",
		.name = "Bob",
		.why = "not among",
		.sha256 = "00",
		.title = "Please" };
	struct store *store = stub->core.store;
	struct error err = { 0 };
	cJSON *json;

	ck_assert_int_eq(store_refusal_add(store, &refusal, &err), 1);
	ck_assert_int_eq(store_memory_append(store, "stub", "pr 1", "c1", "user", "Hello", &err),
	    1);
	ck_assert_int_eq(store_commit(store, &err), 0);
	json = ask_json("GET", "/api/v1/refusals?source=stub.folder&limit=1", NULL, 200);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(json_get(json, "refusals"), 0), "author", ""),
	    "bob");
	ck_assert_int_eq(json_int(json, "before", 0), 1);
	cJSON_Delete(json);
	json = ask_json("GET", "/api/v1/refusals?before=1", NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "refusals")), 0);
	cJSON_Delete(json);
	refused("GET", "/api/v1/refusals?limit=0", NULL, 422, "invalid");
	json = ask_json("GET", "/api/v1/memory", NULL, 200);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(json_get(json, "subjects"), 0), "subject", ""),
	    "pr 1");
	cJSON_Delete(json);
	json = ask_json("GET", "/api/v1/memory?plugin=stub&subject=pr%201", NULL, 200);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(json_get(json, "entries"), 0), "text", ""),
	    "Hello");
	cJSON_Delete(json);
	refused("GET", "/api/v1/memory?subject=pr%201", NULL, 422, "invalid");
	refused("GET", "/api/v1/memory?plugin=stub&subject=other", NULL, 404, "not_found");
	refused("POST", "/api/v1/memory/forget", "{\"plugin\": \"stub\"}", 422, "invalid");
	cJSON_Delete(ask_json("POST", "/api/v1/memory/forget",
	    "{\"plugin\": \"stub\", \"subject\": \"pr 1\"}", 200));
	refused("POST", "/api/v1/memory/forget", "{\"plugin\": \"stub\", \"subject\": \"pr 1\"}",
	    404, "not_found");
}
END_TEST

START_TEST(the_daemons_verbs)
{
	cJSON *json;

	json = ask_json("POST", "/api/v1/reload", NULL, 200);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "changes")), 2);
	cJSON_Delete(json);
	snprintf(stub->config_error, sizeof stub->config_error, "drover.conf:3: no");
	refused("POST", "/api/v1/reload", NULL, 422, "invalid");
	cJSON_Delete(ask_json("POST", "/api/v1/refresh", NULL, 202));
	cJSON_Delete(ask_json("POST", "/api/v1/sources/stub.folder/poll", NULL, 202));
	ck_assert_int_eq(stub->polls, 2);
	refused("POST", "/api/v1/sources/stub.none/poll", NULL, 404, "not_found");
	cJSON_Delete(ask_json("POST", "/api/v1/drain", NULL, 202));
	refused("GET", "/readyz", NULL, 503, "unavailable");
	cJSON_Delete(ask_json("GET", "/healthz", NULL, 200));
	cJSON_Delete(ask_json("POST", "/api/v1/undrain", NULL, 200));
	cJSON_Delete(ask_json("GET", "/readyz", NULL, 200));
	stub->core.mode = CORE_STARTING;
	refused("POST", "/api/v1/jobs", "{\"kind\": \"stub.work\", \"key\": \"k\"}", 503,
	    "unavailable");
}
END_TEST

START_TEST(leases_and_lists)
{
	static const char *const paths[][2] = {
		{ "/api/v1/leases", "leases" },
		{ "/api/v1/sources", "sources" },
		{ "/api/v1/plugins", "plugins" },
		{ "/api/v1/workers", "workers" },
		{ "/api/v1/repos", "repos" },
		{ "/api/v1/agents", "agents" },
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		cJSON *json = ask_json("GET", paths[i][0], NULL, 200);

		ck_assert(cJSON_IsArray(json_get(json, paths[i][1])));
		cJSON_Delete(json);
	}
	refused("GET", "/api/v1/leases/5", NULL, 404, "not_found");
	refused("GET", "/api/v1/leases/x", NULL, 404, "not_found");
	refused("POST", "/api/v1/leases/4/break", NULL, 409, "conflict");
	cJSON_Delete(ask_json("POST", "/api/v1/leases/4/break", "{\"force\": true}", 200));
	cJSON_Delete(ask_json("POST", "/api/v1/leases/gc", NULL, 202));
	ck_assert_str_eq(stub->said, "tidy");
	cJSON_Delete(ask_json("GET", "/api/v1/plugins/stub", NULL, 200));
	refused("GET", "/api/v1/plugins/other", NULL, 404, "not_found");
	cJSON_Delete(ask_json("GET", "/api/v1/config", NULL, 200));
}
END_TEST

START_TEST(calls_are_answered_when_the_plugin_has)
{
	struct exchange c;
	cJSON *json;
	static const char request[] = "POST /api/v1/calls HTTP/1.1\r\nHost: d\r\nConnection: "
				      "close\r\nContent-Length: 47\r\n\r\n"
				      "{\"operation\": \"stub.wait\", \"request\": {\"a\": 1}}";

	json = ask_json("POST", "/api/v1/calls", "{\"operation\": \"stub.text\"}", 200);
	ck_assert_str_eq(json_str(json, "reply", ""), "not \"json\"\n");
	cJSON_Delete(json);
	refused("POST", "/api/v1/calls", "{\"operation\": \"stub.refuse\"}", 502, "upstream");
	refused("POST", "/api/v1/calls", "{\"operation\": \"../x\"}", 422, "invalid");
	caller_open(&c, request, sizeof request - 1);
	while (stub->call_fn == NULL)
		stub_turn(stub);
	ck_assert_str_eq(stub->said, "call stub.wait {\"a\":1}");
	stub->call_fn(stub->call_arg, DROVER_OK, "{\"b\":2}", 7);
	stub->call_fn = NULL;
	until_closed(&c);
	ck_assert(strstr(c.got.data, "{\"reply\":{\"b\":2}}") != NULL);
	caller_close(&c);
}
END_TEST

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

START_TEST(metrics_follow_the_status)
{
	char *text;

	stub_job(stub, "a", "A");
	ck_assert_int_eq(ask("GET", "/metrics", NULL, &text), 200);
	ck_assert_msg(strstr(text, "\ndrover_jobs{state=\"queued\"} 1\n") != NULL, "%s", text);
	ck_assert(strstr(text, "\ndrover_start_time_seconds 1700000000\n") != NULL);
	ck_assert(strstr(text, "\ndrover_pool_slots{pool=\"light\"} ") != NULL);
	ck_assert(strstr(text, "\ndrover_ready 1\n") != NULL);
	free(text);
}
END_TEST

START_TEST(symphony_sees_its_shapes)
{
	struct error err = { 0 };
	struct job *job;
	cJSON *json;
	char path[64];

	stub_job(stub, "PROJ-1", "A");
	stub_job(stub, "PROJ-2", "B");
	job = stub_claim(stub);
	json = ask_json("GET", "/api/v1/state", NULL, 200);
	ck_assert_int_eq(json_int(json_get(json, "counts"), "running", -1), 1);
	ck_assert_int_eq(json_int(json_get(json, "counts"), "retrying", -1), 0);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(json_get(json, "running"), 0),
			     "issue_identifier", ""),
	    "PROJ-1");
	ck_assert_str_ne(json_str(json, "generated_at", ""), "");
	cJSON_Delete(json);
	ck_assert(
	    queue_finish(stub->core.queue, job->id, job->epoch,
		&(struct job_outcome){ .code = DROVER_INTERNAL, .text = "it broke" }, &err) == 0);
	ck_assert(store_commit(stub->core.store, &err) == 0);
	json = ask_json("GET", "/api/v1/state", NULL, 200);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(json_get(json, "retrying"), 0), "error", ""),
	    "it broke");
	ck_assert_str_ne(json_str(cJSON_GetArrayItem(json_get(json, "retrying"), 0), "due_at", ""),
	    "");
	cJSON_Delete(json);
	snprintf(path, sizeof path, "/api/v1/stub.work%%2FPROJ-1");
	json = ask_json("GET", path, NULL, 200);
	ck_assert_str_eq(json_str(json, "status", ""), "delayed");
	ck_assert_str_eq(json_str(json, "last_error", ""), "it broke");
	cJSON_Delete(json);
	refused("GET", "/api/v1/PROJ-99", NULL, 404, "issue_not_found");
}
END_TEST

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
		      &(struct job_outcome){ .code = DROVER_OK }, &err) == 0);
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

START_TEST(hostile_text_stays_text)
{
	char *text;

	stub_job(stub, "k", "<script>\033[2J\"\n\xe2\x80\xae");
	ck_assert_int_eq(ask("GET", "/api/v1/jobs", NULL, &text), 200);
	ck_assert(strchr(text, '\033') == NULL);
	ck_assert(strstr(text, "\\u001b[2J\\\"\\n") != NULL);
	free(text);
	ck_assert_int_eq(ask("GET", "/api/v1/%3Cscript%3E", NULL, &text), 404);
	ck_assert(strstr(text, "application") == NULL);
	free(text);
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
	TCase *t = suite_case(suite, "routes", NULL, NULL);

	tcase_add_test(t, routes_have_one_answer_each);
	tcase_add_test(t, routes_are_documented);
	tcase_add_test(t, routes_decode_and_bound_their_arguments);
	tcase_add_test(t, routes_stand_mutated_paths);
	tcase_add_test(t, peers_are_told_apart);
	t = suite_case(suite, "server", setup, teardown);
	tcase_add_test(t, unknown_paths_and_methods);
	tcase_add_test(t, a_job_is_answered_after_it_is_on_disk);
	tcase_add_test(t, a_full_disk_is_said_and_nothing_is_kept);
	tcase_add_test(t, a_batch_answers_for_each);
	tcase_add_loop_test(t, a_wrong_job_is_refused, 0, (int)ARRAY_LEN(bad_jobs));
	tcase_add_test(t, a_body_that_is_no_json_is_refused);
	tcase_add_test(t, lists_are_filtered_and_paged);
	tcase_add_test(t, operators_act_and_are_named);
	tcase_add_test(t, why_names_the_closed_gate);
	tcase_add_test(t, a_pause_of_nothing_is_refused);
	tcase_add_test(t, what_came_from_people);
	tcase_add_test(t, the_daemons_verbs);
	tcase_add_test(t, leases_and_lists);
	tcase_add_test(t, calls_are_answered_when_the_plugin_has);
	tcase_add_test(t, answers_may_come_after_the_end);
	tcase_add_test(t, a_caller_that_leaves_is_forgotten);
	tcase_add_test(t, metrics_follow_the_status);
	tcase_add_test(t, symphony_sees_its_shapes);
	tcase_add_test(t, output_is_read_by_offset);
	tcase_add_test(t, a_closed_connection_hides_no_later_socket);
	tcase_add_test(t, an_attempt_that_prints_nothing_has_empty_output);
	tcase_add_test(t, output_follows_no_link);
	tcase_add_test(t, output_is_followed_to_the_end_of_the_attempt);
	tcase_add_test(t, events_are_resumed_where_they_broke);
	tcase_add_test(t, oversized_requests_are_cut_off);
	tcase_add_test(t, a_full_house_waits_outside);
	tcase_add_test(t, hostile_text_stays_text);
	tcase_add_test(t, a_stranger_is_refused);
	tcase_add_test(t, a_socket_is_taken_over_only_from_the_dead);
}

SUITE(cases)
