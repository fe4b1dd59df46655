/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub of the core, see stub_daemon.h. It replaces the leases as well,
 * since they have tests of their own.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "store/store.h"
#include "stub_daemon.h"
#include "temp.h"

uint64_t
stub_job(struct stub *s, const char *key, const char *title)
{
	const struct job_ask ask = { .kind = "stub.work",
		.key = key,
		.title = title,
		.payload = "{}",
		.payload_len = 2 };
	struct error err = { 0 };
	uint64_t id = 0;

	ck_assert_msg(queue_submit(s->core.queue, &ask, &id, &err) == 1, "%s", err.text);
	ck_assert_msg(store_commit(s->core.store, &err) == 0, "%s", err.text);
	return id;
}

static const char *
place(void *arg, const char *kind)
{
	return "w1";
}

struct job *
stub_claim(struct stub *s)
{
	const struct queue_view view = { .memory_available = -1, .disk_free = -1 };
	struct error err = { 0 };
	struct job *job = queue_claim(s->core.queue, place, NULL, &view, &err);

	ck_assert_msg(job != NULL, "nothing may start: %s", err.text);
	ck_assert_msg(store_commit(s->core.store, &err) == 0, "%s", err.text);
	return job;
}

void
stub_output(struct stub *s, uint64_t job, unsigned attempt, const char *text)
{
	char folder[512], path[600];
	struct error err = { 0 };
	FILE *f;

	snprintf(folder, sizeof folder, "%s/jobs/%llu", s->dir, (unsigned long long)job);
	ck_assert_msg(path_mkdirs(folder, 0700, &err) == 0, "%s", err.text);
	snprintf(path, sizeof path, "%s/%u.log", folder, attempt);
	f = fopen(path, "ae");
	ck_assert(f != NULL);
	fputs(text, f);
	ck_assert(fclose(f) == 0);
}

static int
stub_submit(void *arg, const struct job_ask *ask, uint64_t *id, struct error *err)
{
	return queue_submit(((struct stub *)arg)->core.queue, ask, id, err);
}

static int
stub_cancel(void *arg, uint64_t id, const char *by, struct error *err)
{
	struct stub *s = arg;

	snprintf(s->said, sizeof s->said, "cancel %llu by %s", (unsigned long long)id, by);
	return queue_cancel(((struct stub *)arg)->core.queue, id, by, err);
}

static int
stub_reload(void *arg, struct buf *changes, struct error *err)
{
	struct stub *s = arg;

	if (s->config_error[0] != '\0')
		return error_set(err, DROVER_CONFIG, "%s", s->config_error);
	buf_adds(changes, "running: 3 -> 4\npools.light.slots: 2 -> 3\n");
	return 0;
}

static void
stub_drain(void *arg, bool then_stop)
{
	((struct stub *)arg)->core.mode = then_stop ? CORE_STOPPING : CORE_DRAINING;
}

static void
stub_undrain(void *arg)
{
	((struct stub *)arg)->core.mode = CORE_RUNNING;
}

static int
stub_poll(void *arg, const char *source, struct error *err)
{
	if (source != NULL && strcmp(source, "stub.folder") != 0)
		return error_set(err, DROVER_PERMANENT, "no source is called that");
	((struct stub *)arg)->polls++;
	return 0;
}

static void
stub_tidy(void *arg)
{
	struct stub *s = arg;

	snprintf(s->said, sizeof s->said, "tidy");
}

static void
stub_call(void *daemon, const char *operation, const char *request, size_t len,
    void (*fn)(void *, int, const char *, size_t), void *arg)
{
	struct stub *s = daemon;

	snprintf(s->said, sizeof s->said, "call %s %.*s", operation, (int)len, request);
	if (strcmp(operation, "stub.refuse") == 0)
		fn(arg, DROVER_AUTH, "the token was refused", strlen("the token was refused"));
	else if (strcmp(operation, "stub.text") == 0)
		fn(arg, DROVER_OK, "not \"json\"\n", strlen("not \"json\"\n"));
	else {
		s->call_fn = fn;
		s->call_arg = arg;
	}
}

static int
stub_started(void *arg, pid_t pid)
{
	struct stub *s = arg;

	s->asked = pid;
	return s->started;
}

static cJSON *
stub_status(void *arg)
{
	struct stub *s = arg;
	cJSON *o = cJSON_CreateObject();

	json_add_str(o, "mode", s->core.mode == CORE_RUNNING ? "running" : "draining");
	json_add_str(o, "version", "0");
	json_add_int(o, "started_at", 1700000000000);
	json_add_int(o, "slots", 3);
	json_add_int(o, "busy", 1);
	json_add_int(o, "commits", 7);
	cJSON_AddItemToObject(o, "queue", queue_status(s->core.queue));
	cJSON_AddItemToObject(o, "pauses", queue_pauses(s->core.queue));
	return o;
}

static cJSON *
stub_plugins(void *arg)
{
	return cJSON_Parse("[{\"name\": \"stub\", \"version\": \"1\", \"state\": \"ready\", "
			   "\"pid\": 12, \"options\": [], "
			   "\"pipelines\": [{\"name\": \"work\", \"summary\": \"Does it.\"}]}]");
}

static cJSON *
stub_sources(void *arg)
{
	return cJSON_Parse(
	    "[{\"name\": \"stub.folder\", \"state\": \"waiting\", \"interval_ms\": 30000}]");
}

static cJSON *
stub_workers(void *arg)
{
	return cJSON_Parse("[{\"name\": \"w1\", \"state\": \"idle\", \"pid\": 13}]");
}

cJSON *
leases_list(struct leases *l)
{
	return cJSON_Parse("[{\"id\": 4, \"repo\": \"web\", \"state\": \"leased\", \"job\": 1, "
			   "\"alive\": true, \"path\": \"/t/4\"}]");
}

cJSON *
leases_show(struct leases *l, uint64_t id)
{
	return id == 4 ? cJSON_Parse("{\"id\": 4, \"repo\": \"web\"}") : NULL;
}

int
leases_break(struct leases *l, uint64_t id, bool force, struct error *err)
{
	return force ? 0 :
		       error_set(err, DROVER_PERMANENT,
			   "lease 4 has a live owner: cancel its job, or use --force");
}

static void
stub_hook(void *daemon, const char *plugin, const char *headers, const char *body, size_t len,
    void (*fn)(void *, const struct hook_answer *), void *arg)
{
	struct stub *s = daemon;

	snprintf(s->said, sizeof s->said, "hook %s %.200s %.*s", plugin, headers,
	    len < 100 ? (int)len : 100, body);
	s->hook_fn = fn;
	s->hook_arg = arg;
}

static int
stub_check_secrets(void *daemon, const char *const *plugins,
    void (*fn)(void *, const cJSON *), void *arg, struct error *err)
{
	struct stub *s = daemon;
	cJSON *checks = cJSON_CreateArray(), *check = cJSON_CreateObject();

	snprintf(s->said, sizeof s->said, "secrets %s", plugins != NULL ? plugins[0] : "all");
	if (plugins != NULL && strcmp(plugins[0], "nobody") == 0) {
		cJSON_Delete(checks);
		cJSON_Delete(check);
		return error_set(err, DROVER_PERMANENT, "no plugin nobody is configured");
	}
	json_add_str(check, "plugin", "stub");
	json_add_bool(check, "ok", plugins == NULL);
	cJSON_AddItemToArray(checks, check);
	fn(arg, checks);
	cJSON_Delete(checks);
	return 0;
}

static const struct api_verbs verbs = {
	.submit = stub_submit,
	.cancel = stub_cancel,
	.reload = stub_reload,
	.drain = stub_drain,
	.undrain = stub_undrain,
	.poll = stub_poll,
	.tidy = stub_tidy,
	.call = stub_call,
	.hook = stub_hook,
	.check_secrets = stub_check_secrets,
	.started = stub_started,
	.status = stub_status,
	.plugins = stub_plugins,
	.sources = stub_sources,
	.workers = stub_workers,
};

struct stub *
stub_open(void)
{
	static const struct kind_traits traits = { .pool = "light", .retries = 1, .ready = true };
	struct stub *s = xcalloc(1, sizeof *s);
	struct core *core = &s->core;
	struct error err = { 0 };

	s->verbs = &verbs;
	s->dir = temp_make();
	core_init(core);
	core->mode = CORE_RUNNING;
	core->viewed_at = INT64_MAX / 2; /* memory and disk are never measured */
	core->view.memory_available = core->view.disk_free = -1;
	core->config = config_parse("", "default", NULL);
	free(core->config->state_dir);
	core->config->state_dir = xstrdup(s->dir);
	free(core->config->socket);
	core->config->socket = path_join(s->dir, "s");
	core->config->memory_floor = 0;
	core->config->disk_floor = 0;
	MUST((core->base = event_base_new()) != NULL);
	ck_assert_msg(store_open(s->dir, &core->store, &err) == 0, "%s", err.text);
	core->queue = queue_new(core->store);
	ck_assert_msg(queue_load(core->queue, &err) == 0, "%s", err.text);
	queue_configure(core->queue, core->config);
	queue_kind_set(core->queue, "stub.work", &traits);
	ck_assert_msg(api_open(core, &verbs, s, &s->api, &err) == 0, "%s", err.text);
	return s;
}

void
stub_close(struct stub *s)
{
	struct core *core = &s->core;

	api_close(s->api);
	deferred_run(core_deferred(core), NULL);
	if (s->call_fn != NULL)
		s->call_fn(s->call_arg, DROVER_OK, "{}", 2);
	queue_free(core->queue);
	store_close(core->store);
	event_base_free(core->base);
	config_free(core->config);
	temp_remove(s->dir);
	free(s);
}

void
stub_turn(struct stub *s)
{
	struct core *core = &s->core;
	struct error err = { 0 };
	bool dirty, failed;

	event_base_loop(core->base, EVLOOP_ONCE);
	dirty = store_dirty(core->store);
	if ((failed = dirty && s->fail_commits)) {
		store_rollback(core->store);
		error_set(&err, DROVER_AGAIN,
		    "no room for drover.db: " STORE_FULL ", free some space");
		queue_load(core->queue, &(struct error){ 0 });
	} else
		ck_assert_msg(store_commit(core->store, &err) == 0, "%s", err.text);
	deferred_run(core_deferred(core), failed ? &err : NULL);
	if (dirty && !failed)
		api_wake(s->api);
}

