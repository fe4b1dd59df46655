/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens, answers and closes calls. A call goes to a runner, and a process of
 * its own answers it. Calls of operations begin here; hooks.c and listeners.c
 * open those of their own kind.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"
#include "super/calls.h"

#define CALL_TIMEOUT_MS 60000
#define CALL_GIT_TOKEN "git-token"
#define CALLS_MAX 256

void
call_close(struct call *call, int code, const char *text, size_t len)
{
	TAILQ_REMOVE(&call->supervisor->calls, call, link);
	if (call->fn != NULL)
		call->fn(call->arg, code, text, len);
	free(call->plugin);
	free(call);
}

struct call *
call_open(struct runner_handle *r, enum message_type answer,
    void (*answered)(struct call *, struct message *), int64_t timeout_ms)
{
	struct supervisor *s = r->supervisor;
	struct call *call = xcalloc(1, sizeof *call);

	call->supervisor = s;
	call->answer = answer;
	call->answered = answered;
	call->id = ++s->last_id;
	text_random_hex(call->token, 16);
	call->plugin = xstrdup(r->plugin);
	call->runner = r->serial;
	call->deadline = timeout_ms > 0 ? clock_mono() + timeout_ms : 0;
	TAILQ_INSERT_TAIL(&s->calls, call, link);
	return call;
}

static void
call_fail(void (*fn)(void *, int, const char *, size_t), void *arg, int code, const char *format,
    const char *name)
{
	char text[DROVER_ERROR_MAX];

	snprintf(text, sizeof text, "%s%.200s", format, name);
	fn(arg, code, text, strlen(text));
}

const cJSON *
call_operation(const struct runner_handle *r, const char *name)
{
	const cJSON *operation;

	cJSON_ArrayForEach(operation, json_get(r->exports, "operations"))
		if (strcmp(json_str(operation, "name", ""), name) == 0)
			return operation;
	return NULL;
}

/* The token that a plugin hands out is a secret for all from now on. */
static void
calls_learn(const char *reply, size_t len)
{
	cJSON *json = json_parse(reply, len, DROVER_PAYLOAD_MAX, NULL), *token;

	token = cJSON_GetObjectItemCaseSensitive(json, "token");
	if (cJSON_IsString(token)) {
		secrets_add(token->valuestring);
		explicit_bzero(token->valuestring, strlen(token->valuestring));
	}
	cJSON_Delete(json);
}

static void
calls_operation_answered(struct call *call, struct message *m)
{
	const char *reply;
	size_t len;

	if (message_i(m, "class") == DROVER_OK) {
		reply = message_b(m, "reply", &len);
		if (call->credential)
			calls_learn(reply, len);
		call_close(call, DROVER_OK, reply, len);
	} else
		call_close(call, (int)message_i(m, "class"), message_s(m, "text"),
		    strlen(message_s(m, "text")));
}

static struct runner_handle *
call_runner(struct supervisor *s, const char *operation)
{
	char plugin[DROVER_NAME_MAX + 1];

	snprintf(plugin, sizeof plugin, "%.*s", (int)strcspn(operation, "."), operation);
	return text_is_kind(operation) ? fleet_find(s, plugin) : NULL;
}

bool
calls_starting(struct supervisor *s, const char *operation)
{
	const struct runner_handle *r = call_runner(s, operation);

	return r != NULL &&
	    (r->state == RUNNER_STARTING || (r->state == RUNNER_DOWN && r->due != 0));
}

/*
 * Sends a call to the plugin's runner. credential is true if drover itself asks
 * for a credential: then the operation must be one that hands out credentials,
 * and otherwise it must not.
 */
static void
call_start(struct supervisor *s, const char *operation, bool credential, const char *request,
    size_t len, void (*fn)(void *arg, int code, const char *text, size_t len), void *arg)
{
	struct runner_handle *r;
	struct message_out out;
	struct call *call;
	const cJSON *row;
	const char *name;
	int64_t timeout;
	int n = 0;

	if ((r = call_runner(s, operation)) == NULL) {
		call_fail(fn, arg, DROVER_PERMANENT, "no plugin offers the operation ", operation);
		return;
	}
	if (r->state != RUNNER_READY || r->channel == NULL) {
		call_fail(fn, arg, DROVER_AGAIN, "no plugin that runs has the operation ",
		    operation);
		return;
	}
	name = operation + strlen(r->plugin) + 1;
	row = call_operation(r, name);
	if (credential && !json_bool(row, "credential", false)) {
		call_fail(fn, arg, DROVER_CONFIG,
		    "the plugin hands out no tokens for git: it lacks the operation ", operation);
		return;
	}
	if (!credential && json_bool(row, "credential", false)) {
		call_fail(fn, arg, DROVER_PERMANENT,
		    "only drover itself may ask for a credential by the operation ", operation);
		return;
	}
	TAILQ_FOREACH(call, &s->calls, link)
		n += call->answer == MESSAGE_OPERATION_REPLY;
	if (row == NULL || len > DROVER_PAYLOAD_MAX || n >= CALLS_MAX) {
		call_fail(fn, arg,
		    row == NULL || len > DROVER_PAYLOAD_MAX ? DROVER_PERMANENT : DROVER_AGAIN,
		    row == NULL        ? "no plugin offers the operation " :
			n >= CALLS_MAX ? "too many calls are under way to call " :
					 "the request is larger than 64 KiB for the operation ",
		    operation);
		return;
	}
	timeout =
	    json_int(row, "timeout_ms", 0) > 0 ? json_int(row, "timeout_ms", 0) : CALL_TIMEOUT_MS;
	call = call_open(r, MESSAGE_OPERATION_REPLY, calls_operation_answered, timeout);
	call->credential = credential;
	call->fn = fn;
	call->arg = arg;
	message_begin(&out, MESSAGE_OPERATION_CALL, call->id);
	message_put_s(&out, name);
	message_put_u(&out, call->id);
	message_put_s(&out, call->token);
	message_put_i(&out, timeout);
	message_put_b(&out, request, len);
	channel_send(r->channel, &out);
}

void
calls_ask(struct supervisor *s, const char *operation, const char *request, size_t len,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *arg)
{
	call_start(s, operation, false, request, len, fn, arg);
}

bool
calls_offers_git_token(const struct runner_handle *r)
{
	return json_bool(call_operation(r, CALL_GIT_TOKEN), "credential", false);
}

void
calls_git_token(struct supervisor *s, const struct config_repo *repo, bool refused,
    void (*fn)(void *, int, const char *, size_t), void *arg)
{
	char operation[DROVER_NAME_MAX + sizeof CALL_GIT_TOKEN + 1], *request;
	cJSON *o = cJSON_CreateObject();

	json_add_str(o, "repo", repo->name);
	if (refused)
		json_add_bool(o, "refused", true);
	request = json_print(o);
	snprintf(operation, sizeof operation, "%s." CALL_GIT_TOKEN, repo->token_from);
	call_start(s, operation, true, request, strlen(request), fn, arg);
	free(request);
	cJSON_Delete(o);
}

struct call *
call_find(struct supervisor *s, uint64_t id)
{
	struct call *call;

	TAILQ_FOREACH(call, &s->calls, link)
		if (call->id == id)
			return call;
	return NULL;
}

int
calls_hello(struct peer *p, uint64_t id, const char *token)
{
	struct call *call = call_find(p->supervisor, id);

	if (call == NULL || strcmp(call->token, token) != 0)
		return -1;
	p->call = id;
	p->plugin = xstrdup(call->plugin);
	return 0;
}

bool
calls_hand_out(struct peer *p, const struct message *m)
{
	const struct call *call = p->call != 0 ? call_find(p->supervisor, p->call) : NULL;

	return call != NULL && call->credential && m->type == MESSAGE_OPERATION_REPLY;
}

bool
calls_reply(struct peer *p, struct message *m)
{
	struct call *call = p->call != 0 ? call_find(p->supervisor, p->call) : NULL;

	if (m->type != MESSAGE_OPERATION_REPLY && m->type != MESSAGE_HOOK_REPLY &&
	    m->type != MESSAGE_LISTEN_ENDED)
		return false;
	/*
	 * An answer that comes after its call's deadline is acknowledged, but
	 * it has no effect.
	 */
	if (call != NULL && call->answer == m->type)
		call->answered(call, m);
	reply_later(p->supervisor, p->serial, m->id, NULL, 0, NULL, 0);
	return true;
}

int64_t
calls_tick(struct supervisor *s, int64_t now)
{
	struct call *call, *next;
	static const char late[] = "the plugin did not answer in time";
	int64_t wait = -1;

	for (call = TAILQ_FIRST(&s->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, link);
		if (call->deadline == 0)
			continue;
		if (now >= call->deadline)
			call_close(call, DROVER_AGAIN, late, sizeof late - 1);
		else
			wait = wait_min(wait, call->deadline - now);
	}
	return wait;
}

void
calls_close(struct supervisor *s, const char *why)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&s->calls)) != NULL)
		call_close(call, DROVER_AGAIN, why, strlen(why));
}

void
calls_runner_lost(struct runner_handle *r, const char *why)
{
	struct supervisor *s = r->supervisor;
	struct call *call, *next;

	for (call = TAILQ_FIRST(&s->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, link);
		if (call->runner == r->serial)
			call_close(call, DROVER_AGAIN, why, strlen(why));
	}
}
