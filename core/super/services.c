/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's half of the host services. Requests come from jobs and operations
 * (services_message) and from runners in poll() or open() (services_runner). A
 * table says which handler takes a message and whether the asker needs a job; a
 * job's request is refused as FENCED unless its epoch is the running one.
 * Answers are deferred until the commit that holds the changes they report.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "super/calls.h"
#include "super/hooks.h"
#include "super/limits.h"
#include "super/services.h"
#include "super/sources.h"
#include "super/submit.h"
#include "wire/fields.h"

#define HTTP_ORIGIN_MAX 512
#define HTTP_PAUSES "http.pauses"

struct answer {
	struct error err;
	int64_t number;
	struct buf data;
	bool later;      /* the handler sends the answer itself, later */
};

/*
 * The asker: a job, or a process without one, which is an operation or a
 * runner.
 */
struct asker {
	struct supervisor *supervisor;
	const char *plugin;
	uint64_t job, epoch;  /* 0 without a job */
	uint64_t serial;      /* serial of the peer or runner that gets the answer */
	uint64_t call;        /* the call that this process serves; 0 if it serves none */
};

struct service {
	enum message_type type;
	bool jobless;         /* an asker without a job may use it too */
	void (*handle)(struct asker *, struct message *, struct answer *);
};

static void services_capacity(struct asker *, struct message *, struct answer *);
static void services_emit(struct asker *, struct message *, struct answer *);
static void services_result(struct asker *, struct message *, struct answer *);
static void services_usage(struct asker *, struct message *, struct answer *);
static void services_pause(struct asker *, struct message *, struct answer *);
static void services_lease(struct asker *, struct message *, struct answer *);
static void services_release(struct asker *, struct message *, struct answer *);
static void services_kv(struct asker *, struct message *, struct answer *);
static void services_effect(struct asker *, struct message *, struct answer *);
static void services_call(struct asker *, struct message *, struct answer *);
static void services_credential(struct asker *, struct message *, struct answer *);
static void services_wake(struct asker *, struct message *, struct answer *);
static void services_body(struct asker *, struct message *, struct answer *);
static void services_memory(struct asker *, struct message *, struct answer *);
static void services_http_ask(struct asker *, struct message *, struct answer *);
static void services_http_tell(struct asker *, struct message *, struct answer *);

static const struct service services[] = {
	{ MESSAGE_CAPACITY_ASK, true, services_capacity },
	{ MESSAGE_JOB_EMIT, false, services_emit },
	{ MESSAGE_JOB_RESULT, false, services_result },
	{ MESSAGE_JOB_USAGE, false, services_usage },
	{ MESSAGE_AGENT_PAUSE, false, services_pause },
	{ MESSAGE_LEASE_ACQUIRE, false, services_lease },
	{ MESSAGE_LEASE_RELEASE, false, services_release },
	{ MESSAGE_KV_GET, true, services_kv },
	{ MESSAGE_KV_SET, true, services_kv },
	{ MESSAGE_KV_REMOVE, true, services_kv },
	{ MESSAGE_EFFECT_BEGIN, true, services_effect },
	{ MESSAGE_EFFECT_DONE, true, services_effect },
	{ MESSAGE_CALL, true, services_call },
	{ MESSAGE_CREDENTIAL_ASK, false, services_credential },
	{ MESSAGE_SOURCE_WAKE, true, services_wake },
	{ MESSAGE_HOOK_BODY, true, services_body },
	{ MESSAGE_MEMORY_APPEND, true, services_memory },
	{ MESSAGE_MEMORY_READ, true, services_memory },
	{ MESSAGE_MEMORY_FORGET, true, services_memory },
	{ MESSAGE_HTTP_ASK, true, services_http_ask },
	{ MESSAGE_HTTP_TELL, true, services_http_tell },
};

static void
services_run(struct asker *who, struct message *m)
{
	struct core *core = who->supervisor->core;
	struct answer a = { .data = BUF_INIT };
	size_t i;

	for (i = 0; i < ARRAY_LEN(services); i++)
		if (services[i].type == m->type)
			break;
	if (i == ARRAY_LEN(services) || (who->job == 0 && !services[i].jobless))
		error_set(&a.err, DROVER_PERMANENT, "%s may only be sent by %s",
		    message_name(m->type), i == ARRAY_LEN(services) ? "the core" : "a job");
	else if (who->job != 0 && queue_running(core->queue, who->job, who->epoch) == NULL)
		error_set(&a.err, DROVER_FENCED,
		    "attempt with epoch %llu of job %llu is not the running one",
		    (unsigned long long)who->epoch, (unsigned long long)who->job);
	else
		services[i].handle(who, m, &a);
	if (!a.later)
		reply_later(who->supervisor, who->serial, m->id, &a.err, a.number, a.data.data,
		    a.data.len);
	buf_free(&a.data);
}

void
services_message(struct peer *p, struct message *m)
{
	struct asker who = { p->supervisor, p->plugin, p->job, p->epoch, p->serial, p->call };

	if (!calls_reply(p, m))
		services_run(&who, m);
}

bool
services_runner(struct runner_handle *r, struct message *m)
{
	struct asker who = { r->supervisor, r->plugin, 0, 0, r->serial, 0 };

	if (m->id == 0)
		return false;
	services_run(&who, m);
	return true;
}

static void
services_capacity(struct asker *p, struct message *m, struct answer *a)
{
	struct core *core = p->supervisor->core;

	a->number =
	    core->mode == CORE_RUNNING ? queue_capacity(core->queue, message_s(m, "kind")) : 0;
}

static void
services_emit(struct asker *p, struct message *m, struct answer *a)
{
	struct job_ask ask = { 0 };
	uint64_t id = 0;

	ITEM_FIELDS(FIELD_GET, m, &ask);
	job_submit(p->supervisor, &ask, &id, &a->err);
	a->number = (int64_t)id;
}

static void
services_result(struct asker *p, struct message *m, struct answer *a)
{
	queue_result(p->supervisor->core->queue, p->job, p->epoch, message_s(m, "key"),
	    message_s(m, "value"), &a->err);
}

/*
 * A job whose connection broke repeats a request that may have been counted, so
 * the last one is kept with the job. No plugin can use that key, because it
 * does not begin with "job/".
 */
static void
services_usage(struct asker *p, struct message *m, struct answer *a)
{
	struct drover_usage usage = { message_i(m, "input"), message_i(m, "cached"),
		message_i(m, "output"), message_i(m, "turns"), message_i(m, "cost") };
	struct core *core = p->supervisor->core;
	char scope[32], request[48], *last = NULL;
	bool counted;

	snprintf(scope, sizeof scope, "job/%llu", (unsigned long long)p->job);
	snprintf(request, sizeof request, "%llu/%llu", (unsigned long long)p->epoch,
	    (unsigned long long)m->id);
	if (store_kv_get(core->store, scope, "usage", &last, &a->err) < 0)
		return;
	counted = last != NULL && strcmp(last, request) == 0;
	free(last);
	if (!counted && queue_usage(core->queue, p->job, p->epoch, message_s(m, "agent"), &usage,
			    &a->err) == 0)
		store_kv_set(core->store, scope, "usage", request, &a->err);
}

static void
services_pause(struct asker *p, struct message *m, struct answer *a)
{
	char what[DROVER_NAME_MAX + 8];

	snprintf(what, sizeof what, "agent/%.64s", message_s(m, "agent"));
	queue_pause(p->supervisor->core->queue, what, message_i(m, "until"), message_s(m, "text"),
	    &a->err);
}

static void
services_lease(struct asker *p, struct message *m, struct answer *a)
{
	struct proc_id owner = { .pid = (int32_t)message_u(m, "pid"),
		.start = message_u(m, "start") };
	struct lease_grant grant;
	cJSON *o;
	char *text, id[24];

	text_copy(owner.boot, sizeof owner.boot, message_s(m, "boot"));
	if (leases_acquire(p->supervisor->core->leases, message_s(m, "repo"), p->job, p->epoch,
		&owner, &grant, &a->err) != 0)
		return;
	o = cJSON_CreateObject();
	snprintf(id, sizeof id, "%llu", (unsigned long long)grant.id);
	json_add_str(o, "id", id);
	json_add_str(o, "path", grant.path);
	json_add_str(o, "mirror", grant.mirror);
	json_add_str(o, "state", grant.state);
	text = json_print(o);
	buf_adds(&a->data, text);
	free(text);
	cJSON_Delete(o);
	a->number = (int64_t)grant.id;
}

static void
services_release(struct asker *p, struct message *m, struct answer *a)
{
	leases_release(p->supervisor->core->leases, message_u(m, "lease"), p->job, p->epoch,
	    message_s(m, "state"), message_s(m, "wip"), &a->err);
}

/*
 * Keys that begin with "job/" belong to the job and are removed with it. All
 * other keys belong to the plugin.
 */
static void
services_kv(struct asker *p, struct message *m, struct answer *a)
{
	struct store *store = p->supervisor->core->store;
	const char *key = message_s(m, "key");
	char scope[DROVER_NAME_MAX + 32], *value = NULL;
	int rc;

	if (*key == '\0' || strlen(key) > DROVER_KEY_MAX) {
		error_set(&a->err, DROVER_PERMANENT, "a key has 1 to %d bytes", DROVER_KEY_MAX);
		return;
	}
	if (strncmp(key, "job/", 4) != 0)
		snprintf(scope, sizeof scope, "plugin/%.64s", p->plugin);
	else if (p->job != 0)
		snprintf(scope, sizeof scope, "job/%llu", (unsigned long long)p->job);
	else {
		error_set(&a->err, DROVER_PERMANENT,
		    "only a job may use the key %.100s: it begins with job/", key);
		return;
	}
	switch (m->type) {
	case MESSAGE_KV_SET:
		if (strlen(message_s(m, "value")) > DROVER_VALUE_MAX)
			error_set(&a->err, DROVER_PERMANENT,
			    "the value of %.100s is longer than %d bytes", key, DROVER_VALUE_MAX);
		else
			store_kv_set(store, scope, key, message_s(m, "value"), &a->err);
		break;
	case MESSAGE_KV_REMOVE:
		store_kv_remove(store, scope, key, &a->err);
		break;
	default:
		rc = store_kv_get(store, scope, key, &value, &a->err);
		if (rc == 1) {
			a->number = 1;
			buf_adds(&a->data, value);
		}
		free(value);
	}
}

static void
services_effect(struct asker *p, struct message *m, struct answer *a)
{
	struct store *store = p->supervisor->core->store;
	char *result = NULL;
	int rc;

	if (m->type == MESSAGE_EFFECT_DONE) {
		store_effect_done(store, message_s(m, "key"), p->job, p->epoch,
		    message_s(m, "result"), &a->err);
		return;
	}
	rc = store_effect_begin(store, message_s(m, "key"), p->job, p->epoch, &result, &a->err);
	if (rc >= 0)
		a->number = rc;
	if (result != NULL)
		buf_adds(&a->data, result);
	free(result);
}

static void
services_memory(struct asker *p, struct message *m, struct answer *a)
{
	struct store *store = p->supervisor->core->store;
	const char *subject = message_s(m, "subject");

	if (m->type == MESSAGE_MEMORY_APPEND)
		store_memory_append(store, p->plugin, subject, message_s(m, "key"),
		    message_s(m, "role"), message_s(m, "text"), &a->err);
	else if (m->type == MESSAGE_MEMORY_READ)
		store_memory_read(store, p->plugin, subject, (size_t)message_u(m, "max"), &a->data,
		    &a->err);
	else
		store_memory_forget(store, p->plugin, subject, &a->err);
}

struct waiting_call {
	struct supervisor *supervisor;
	uint64_t serial, id;
};

static void
services_called(void *arg, int code, const char *text, size_t len)
{
	struct waiting_call *w = arg;
	struct error err = { 0 };

	if (code == DROVER_OK)
		reply_later(w->supervisor, w->serial, w->id, NULL, (int64_t)len, text, len);
	else {
		error_set(&err, code, "%s", text);
		reply_later(w->supervisor, w->serial, w->id, &err, 0, NULL, 0);
	}
	free(w);
}

static struct waiting_call *
services_wait(struct asker *p, struct message *m, struct answer *a)
{
	struct waiting_call *w = xcalloc(1, sizeof *w);

	w->supervisor = p->supervisor;
	w->serial = p->serial;
	w->id = m->id;
	a->later = true;
	return w;
}

static void
services_call(struct asker *p, struct message *m, struct answer *a)
{
	const char *request;
	size_t len;

	request = message_b(m, "request", &len);
	calls_ask(p->supervisor, message_s(m, "operation"), request, len, services_called,
	    services_wait(p, m, a));
}

/*
 * Leases ask for the token of a repo that has token_from. This does not prove
 * that the lease asks: the plugin's code runs in the same process and could
 * send the same message. It only keeps credentials out of calls by name, which
 * operators and other plugins can make.
 */
static void
services_credential(struct asker *p, struct message *m, struct answer *a)
{
	const struct config_repo *repo =
	    config_repo(p->supervisor->core->config, message_s(m, "repo"));

	if (repo == NULL || repo->token_from == NULL)
		error_set(&a->err, DROVER_CONFIG, "repo %.64s has no token_from",
		    message_s(m, "repo"));
	else
		calls_git_token(p->supervisor, repo, message_u(m, "refused") != 0, services_called,
		    services_wait(p, m, a));
}

/*
 * Reads the rates of a request as host/http writes them. host/http has already
 * refused bad ones with a better message, so this only has to be safe.
 */
static int
http_rates(const char *text, struct limits_ask *ask)
{
	cJSON *list = json_parse(text, strlen(text), DROVER_PAYLOAD_MAX, NULL);
	const cJSON *one;
	struct limits_rate *r;
	int rc = list != NULL ? 0 : -1;

	cJSON_ArrayForEach(one, list) {
		r = &ask->rates[ask->rates_len];
		if (ask->rates_len == LIMITS_RATES_MAX || json_int(one, "count", 0) < 1 ||
		    json_int(one, "per_ms", 0) < 1 ||
		    json_int(one, "per_ms", 0) > LIMITS_PAUSE_MAX_MS ||
		    json_int(one, "count", 0) > UINT32_MAX ||
		    json_int(one, "burst", 0) > UINT32_MAX) {
			rc = -1;
			break;
		}
		text_copy(r->name, sizeof r->name, json_str(one, "name", ""));
		r->count = (uint32_t)json_int(one, "count", 1);
		r->burst = (uint32_t)json_int(one, "burst", 1);
		r->burst = r->burst > 0 ? r->burst : 1;
		r->per_ms = json_int(one, "per_ms", 1);
		ask->rates_len++;
	}
	cJSON_Delete(list);
	return rc;
}

static bool
http_known(struct message *m, struct answer *a)
{
	if (*message_s(m, "origin") != '\0' && strlen(message_s(m, "origin")) <= HTTP_ORIGIN_MAX &&
	    strpbrk(message_s(m, "origin"), "\r\n") == NULL &&
	    strlen(message_s(m, "credential")) <= DROVER_KEY_MAX &&
	    strpbrk(message_s(m, "credential"), "\r\n") == NULL)
		return true;
	error_set(&a->err, DROVER_PERMANENT,
	    "%s needs an origin of at most %d bytes and a valid credential",
	    message_name(m->type), HTTP_ORIGIN_MAX);
	return false;
}

static void
services_http_ask(struct asker *p, struct message *m, struct answer *a)
{
	struct limits_ask ask = { .plugin = p->plugin,
		.origin = message_s(m, "origin"),
		.credential = message_s(m, "credential"),
		.critical = message_u(m, "critical") != 0,
		.patience_ms = message_i(m, "patience") };

	if (!http_known(m, a))
		return;
	if (http_rates(message_s(m, "limits"), &ask) != 0)
		error_set(&a->err, DROVER_PERMANENT,
		    "HTTP_ASK has more than %d limits, or one that is out of range",
		    LIMITS_RATES_MAX);
	else
		a->number = limits_take(p->supervisor->limits, &ask, clock_mono(), &a->err);
}

static void
services_http_tell(struct asker *p, struct message *m, struct answer *a)
{
	struct supervisor *s = p->supervisor;
	struct limits_tell tell = { .plugin = p->plugin,
		.origin = message_s(m, "origin"),
		.credential = message_s(m, "credential"),
		.code = (int)message_i(m, "class"),
		.limit = message_s(m, "limit"),
		.pause_ms = message_i(m, "pause"),
		.requests = message_u(m, "requests"),
		.kept = message_u(m, "kept"),
		.rates = message_s(m, "rates"),
		.text = message_s(m, "text") };
	struct log_scope log = s->log;
	char *pauses;
	int came;

	if (!http_known(m, a) || strlen(tell.limit) > DROVER_NAME_MAX)
		return;
	came = limits_tell(s->limits, &tell, clock_mono());
	log.plugin = p->plugin;
	if ((came & LIMITS_OPENED) != 0)
		log_printf(&log, DROVER_WARN, "%s failed %d times in a row and is asked less: %s",
		    tell.origin, LIMITS_FAILURES, tell.text);
	if ((came & LIMITS_CLOSED) != 0)
		log_printf(&log, DROVER_NOTICE, "%s answers again", tell.origin);
	if ((came & LIMITS_KEEP) == 0)
		return;
	log_printf(&log, DROVER_NOTICE, "%s is not asked for %lld s: %s", tell.origin,
	    (long long)(tell.pause_ms / 1000), tell.text);
	pauses = limits_save(s->limits, clock_mono(), clock_wall(), DROVER_VALUE_MAX);
	store_kv_set(s->core->store, "core", HTTP_PAUSES, pauses, &a->err);
	free(pauses);
}

void
services_open(struct supervisor *s)
{
	struct error err = { 0 };
	char *pauses = NULL;

	s->limits = limits_new(clock_mono());
	if (store_kv_get(s->core->store, "core", HTTP_PAUSES, &pauses, &err) == 1)
		limits_load(s->limits, pauses, clock_mono(), clock_wall());
	else if (err.code != 0)
		log_printf(&s->log, DROVER_WARN, "the pauses of an earlier core cannot be read: %s",
		    err.text);
	free(pauses);
}

void
services_close(struct supervisor *s)
{
	limits_free(s->limits);
}

/*
 * A source that a hook wakes is polled only once the hook's answer says that
 * the delivery is new.
 */
static void
services_wake(struct asker *p, struct message *m, struct answer *a)
{
	struct runner_handle *r = fleet_find(p->supervisor, p->plugin);
	struct call *call = call_find(p->supervisor, p->call);
	const char *local = message_s(m, "source");
	const cJSON *source;

	if (call == NULL || r == NULL) {
		error_set(&a->err, DROVER_FENCED, "there is no such call, or it took too long");
		return;
	}
	cJSON_ArrayForEach(source, json_get(r->exports, "sources"))
		if (strcmp(json_str(source, "name", ""), local) == 0)
			break;
	if (source == NULL)
		error_set(&a->err, DROVER_PERMANENT, "plugin %s has no source %.64s", p->plugin,
		    local);
	else if (!hooks_wake(call, local, &a->err))
		sources_wake(r, local);
}

static void
services_body(struct asker *p, struct message *m, struct answer *a)
{
	hooks_body(call_find(p->supervisor, p->call), m, &a->data, &a->err);
}
