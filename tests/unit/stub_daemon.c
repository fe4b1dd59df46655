/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub of the core: see stub_daemon.h. Also of the leases, which have tests
 * of their own.
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

struct deferred {
	void (*fn)(void *, const struct error *);
	void *arg;
	struct deferred *next;
};

static struct stub *
stub_of(struct daemon *d)
{
	return (struct stub *)(void *)((char *)d - offsetof(struct stub, daemon));
}

struct stub *
stub_open(void)
{
	static const struct kind_traits traits = { .pool = "light", .retries = 1, .ready = true };
	struct stub *s = xcalloc(1, sizeof *s);
	struct daemon *d = &s->daemon;
	struct error err = { 0 };

	s->dir = temp_make();
	d->mode = DAEMON_RUNNING;
	d->config = config_parse("", "default", NULL);
	free(d->config->state_dir);
	d->config->state_dir = xstrdup(s->dir);
	free(d->config->socket);
	d->config->socket = path_join(s->dir, "s");
	d->config->memory_floor = 0;
	d->config->disk_floor = 0;
	MUST((d->base = event_base_new()) != NULL);
	ck_assert_msg(store_open(s->dir, &d->store, &err) == 0, "%s", err.text);
	d->queue = queue_new(d->store);
	ck_assert_msg(queue_load(d->queue, &err) == 0, "%s", err.text);
	queue_configure(d->queue, d->config);
	queue_kind_set(d->queue, "stub.work", &traits);
	ck_assert_msg(api_open(d, &d->api, &err) == 0, "%s", err.text);
	return s;
}

void
stub_close(struct stub *s)
{
	struct daemon *d = &s->daemon;
	struct deferred *f;

	api_close(d->api);
	while ((f = d->deferred) != NULL) {
		d->deferred = f->next;
		f->fn(f->arg, NULL);
		free(f);
	}
	if (s->call_fn != NULL)
		s->call_fn(s->call_arg, DROVER_OK, "{}", 2);
	queue_free(d->queue);
	store_close(d->store);
	event_base_free(d->base);
	config_free(d->config);
	temp_remove(s->dir);
	free(s);
}

void
stub_turn(struct stub *s)
{
	struct daemon *d = &s->daemon;
	struct error err = { 0 };
	struct deferred *f, *list;
	bool dirty, failed;

	event_base_loop(d->base, EVLOOP_ONCE);
	dirty = store_dirty(d->store);
	if ((failed = dirty && s->fail_commits)) {
		store_rollback(d->store);
		error_set(&err, DROVER_AGAIN,
		    "no room for drover.db: " STORE_FULL ", free some space");
		queue_load(d->queue, &(struct error){ 0 });
	} else
		ck_assert_msg(store_commit(d->store, &err) == 0, "%s", err.text);
	list = d->deferred;
	d->deferred = NULL;
	while ((f = list) != NULL) {
		list = f->next;
		f->fn(f->arg, failed ? &err : NULL);
		free(f);
	}
	if (dirty && !failed)
		api_wake(d->api);
}

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

	ck_assert_msg(queue_submit(s->daemon.queue, &ask, &id, &err) == 1, "%s", err.text);
	ck_assert_msg(store_commit(s->daemon.store, &err) == 0, "%s", err.text);
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
	struct job *job = queue_claim(s->daemon.queue, place, NULL, &view, &err);

	ck_assert_msg(job != NULL, "nothing may start: %s", err.text);
	ck_assert_msg(store_commit(s->daemon.store, &err) == 0, "%s", err.text);
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

void
daemon_defer(struct daemon *d, void (*fn)(void *, const struct error *), void *arg)
{
	struct deferred *f = xcalloc(1, sizeof *f), **tail = &d->deferred;

	f->fn = fn;
	f->arg = arg;
	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = f;
}

void
daemon_view(struct daemon *d, struct queue_view *view)
{
	*view = (struct queue_view){ .memory_available = -1,
		.disk_free = -1,
		.draining = d->mode == DAEMON_DRAINING };
}

int
daemon_submit(struct daemon *d, const struct job_ask *ask, uint64_t *id, struct error *err)
{
	return queue_submit(d->queue, ask, id, err);
}

int
daemon_cancel(struct daemon *d, uint64_t id, const char *by, struct error *err)
{
	struct stub *s = stub_of(d);

	snprintf(s->said, sizeof s->said, "cancel %llu by %s", (unsigned long long)id, by);
	return queue_cancel(d->queue, id, by, err);
}

int
daemon_reload(struct daemon *d, struct buf *changes, struct error *err)
{
	if (d->config_error[0] != '\0')
		return error_set(err, DROVER_CONFIG, "%s", d->config_error);
	buf_adds(changes, "running: 3 -> 4\npools.light.slots: 2 -> 3\n");
	return 0;
}

void
daemon_drain(struct daemon *d, bool then_stop)
{
	d->mode = then_stop ? DAEMON_STOPPING : DAEMON_DRAINING;
}

void
daemon_undrain(struct daemon *d)
{
	d->mode = DAEMON_RUNNING;
}

int
daemon_poll(struct daemon *d, const char *source, struct error *err)
{
	if (source != NULL && strcmp(source, "stub.folder") != 0)
		return error_set(err, DROVER_PERMANENT, "no source is called that");
	stub_of(d)->polls++;
	return 0;
}

void
daemon_tidy(struct daemon *d)
{
	snprintf(stub_of(d)->said, sizeof stub_of(d)->said, "tidy");
}

void
daemon_call(struct daemon *d, const char *operation, const char *request, size_t len,
    void (*fn)(void *, int, const char *, size_t), void *arg)
{
	struct stub *s = stub_of(d);

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

cJSON *
daemon_status(struct daemon *d)
{
	cJSON *o = cJSON_CreateObject();

	json_add_str(o, "mode", d->mode == DAEMON_RUNNING ? "running" : "draining");
	json_add_str(o, "version", "0");
	json_add_int(o, "started_at", 1700000000000);
	json_add_int(o, "slots", 3);
	json_add_int(o, "busy", 1);
	json_add_int(o, "commits", 7);
	cJSON_AddItemToObject(o, "queue", queue_status(d->queue));
	cJSON_AddItemToObject(o, "pauses", queue_pauses(d->queue));
	return o;
}

cJSON *
daemon_plugins(struct daemon *d)
{
	return cJSON_Parse("[{\"name\": \"stub\", \"version\": \"1\", \"state\": \"ready\", "
			   "\"pid\": 12, \"options\": [], "
			   "\"pipelines\": [{\"name\": \"work\", \"summary\": \"Does it.\"}]}]");
}

cJSON *
daemon_sources(struct daemon *d)
{
	return cJSON_Parse(
	    "[{\"name\": \"stub.folder\", \"state\": \"waiting\", \"interval_ms\": 30000}]");
}

cJSON *
daemon_workers(struct daemon *d)
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

void
daemon_hook(struct daemon *d, const char *plugin, const char *headers, const char *body, size_t len,
    void (*fn)(void *, const struct hook_answer *), void *arg)
{
	struct stub *s = stub_of(d);

	snprintf(s->said, sizeof s->said, "hook %s %.200s %.*s", plugin, headers,
	    len < 100 ? (int)len : 100, body);
	s->hook_fn = fn;
	s->hook_arg = arg;
}

int
daemon_check_secrets(struct daemon *d, const char *const *plugins,
    void (*fn)(void *, const cJSON *), void *arg, struct error *err)
{
	struct stub *s = stub_of(d);
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
