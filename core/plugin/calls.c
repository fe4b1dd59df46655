/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: a call goes to the runner that owns it, which answers through a process of its own. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "plugin/supervisor.h"

#define CALL_TIMEOUT_MS 60000
#define CALLS_MAX 256

static void
call_end(struct supervisor *s, struct call *call, int code, const char *text, size_t len)
{
	TAILQ_REMOVE(&s->calls, call, link);
	call->fn(call->arg, code, text, len);
	free(call->plugin);
	free(call);
}

static void
call_fail(void (*fn)(void *, int, const char *, size_t), void *arg, int code, const char *format, const char *name)
{
	char text[DROVER_ERROR_MAX];

	snprintf(text, sizeof text, "%s%.200s", format, name);
	fn(arg, code, text, strlen(text));
}

static const cJSON *
call_find(struct runner_handle *r, const char *name)
{
	const cJSON *operation;

	cJSON_ArrayForEach(operation, json_get(r->exports, "operations"))
		if (strcmp(json_str(operation, "name", ""), name) == 0)
			return operation;
	return NULL;
}

void
daemon_call(struct daemon *d, const char *operation, const char *request, size_t len,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *arg)
{
	struct supervisor *s = d->supervisor;
	struct runner_handle *r;
	struct message_out out;
	struct call *call;
	const cJSON *row;
	char plugin[DROVER_NAME_MAX + 1];
	int64_t timeout;
	int n = 0;

	snprintf(plugin, sizeof plugin, "%.*s", (int)strcspn(operation, "."), operation);
	r = text_is_kind(operation) ? runner_find(s, plugin) : NULL;
	if (r == NULL) {
		call_fail(fn, arg, DROVER_PERMANENT, "no plugin offers the operation ", operation);
		return;
	}
	if (r->state != RUNNER_READY || r->channel == NULL) {
		call_fail(fn, arg, DROVER_AGAIN, "its plugin is not running: ", operation);
		return;
	}
	row = call_find(r, operation + strlen(plugin) + 1);
	TAILQ_FOREACH(call, &s->calls, link)
		n++;
	if (row == NULL || len > DROVER_PAYLOAD_MAX || n >= CALLS_MAX) {
		call_fail(fn, arg, row == NULL || len > DROVER_PAYLOAD_MAX ? DROVER_PERMANENT : DROVER_AGAIN,
		    row == NULL ? "no plugin offers the operation " : n >= CALLS_MAX ? "too many calls at once: " :
		    "the request is over 64 KiB: ", operation);
		return;
	}
	timeout = json_int(row, "timeout_ms", 0) > 0 ? json_int(row, "timeout_ms", 0) : CALL_TIMEOUT_MS;
	call = xcalloc(1, sizeof *call);
	call->id = ++s->last_id;
	text_random_hex(call->token, 16);
	call->plugin = xstrdup(plugin);
	call->runner = r->serial;
	call->deadline = clock_mono() + timeout;
	call->fn = fn;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&s->calls, call, link);
	message_begin(&out, MESSAGE_OPERATION_CALL, call->id);
	message_put_s(&out, operation + strlen(plugin) + 1);
	message_put_u(&out, call->id);
	message_put_s(&out, call->token);
	message_put_i(&out, timeout);
	message_put_b(&out, request, len);
	channel_send(r->channel, &out);
}

static struct call *
call_by_id(struct supervisor *s, uint64_t id)
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
	struct call *call = call_by_id(p->supervisor, id);

	if (call == NULL || strcmp(call->token, token) != 0)
		return -1;
	p->call = id;
	p->plugin = xstrdup(call->plugin);
	return 0;
}

void
calls_reply(struct peer *p, struct message *m)
{
	struct call *call = p->role == PEER_OPERATION ? call_by_id(p->supervisor, p->call) : NULL;
	const char *reply;
	size_t len;
	int code = (int)message_i(m, "class");

	if (call != NULL && code == DROVER_OK) {
		reply = message_b(m, "reply", &len);
		call_end(p->supervisor, call, code, reply, len);
	} else if (call != NULL)
		call_end(p->supervisor, call, code, message_s(m, "text"), strlen(message_s(m, "text")));
	reply_later(p->supervisor, p->serial, m->id, NULL, 0, NULL, 0);
}

int64_t
calls_tick(struct supervisor *s, int64_t now)
{
	struct call *call, *next;
	static const char late[] = "the operation did not answer in time";
	int64_t wait = -1;

	for (call = TAILQ_FIRST(&s->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, link);
		if (now >= call->deadline)
			call_end(s, call, DROVER_AGAIN, late, sizeof late - 1);
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
		call_end(s, call, DROVER_AGAIN, why, strlen(why));
}

void
calls_runner_lost(struct runner_handle *r, const char *why)
{
	struct supervisor *s = r->supervisor;
	struct call *call, *next;

	for (call = TAILQ_FIRST(&s->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, link);
		if (call->runner == r->serial)
			call_end(s, call, DROVER_AGAIN, why, strlen(why));
	}
}
