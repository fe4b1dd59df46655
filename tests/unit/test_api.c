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
#include "api_kit.h"
#include "suite.h"

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
	ck_assert(queue_finish(stub->core.queue, job->id, job->epoch,
		      &(struct job_outcome){ .error = { DROVER_INTERNAL, 0, 0, "it broke" } },
		      &err) == 0);
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

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "routes", NULL, NULL);

	tcase_add_test(t, routes_have_one_answer_each);
	tcase_add_test(t, routes_are_documented);
	tcase_add_test(t, routes_decode_and_bound_their_arguments);
	tcase_add_test(t, routes_stand_mutated_paths);
	t = suite_case(suite, "server", api_kit_setup, api_kit_teardown);
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
	tcase_add_test(t, metrics_follow_the_status);
	tcase_add_test(t, symphony_sees_its_shapes);
	tcase_add_test(t, hostile_text_stays_text);
}

SUITE(cases)
