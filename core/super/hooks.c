/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands webhooks from the API's second server to plugins. The core does not
 * look into a delivery: it hands it to a process that the plugin's runner
 * forks, which checks the signature and answers with a status and the
 * delivery's id. Sources that the hook wants to wake are woken when that answer
 * comes, unless the id was seen before.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#define uthash_fatal(what) panic(__FILE__, __LINE__, what)
#include <uthash.h>

#include "base/text.h"
#include "super/hooks.h"
#include "super/sources.h"

#define HOOK_TIMEOUT_MS 3000
#define HOOK_AT_ONCE 16            /* deliveries that one plugin handles at a time */
#define HOOK_RETRY_S 5
#define HOOK_PIECE (64 * 1024)     /* bytes of a body in one message */
#define HOOK_SEEN_MAX 4096         /* ids of deliveries that are remembered for each plugin */
/*
 * The least time between two log lines about refused deliveries of one plugin.
 * Anyone can send a delivery, so the log needs a limit.
 */
#define HOOK_SAY_MS 1000
#define HOOK_WAKES_MAX 16

struct seen {
	char *id;
	UT_hash_handle hh;
};

/*
 * Ids of the deliveries that a plugin has taken. They need not survive a
 * restart: a repeated delivery only makes a poll come sooner.
 */
struct hook_memory {
	TAILQ_ENTRY(hook_memory) link;
	char *plugin;
	struct seen *ids;
	struct seen *ring[HOOK_SEEN_MAX];
	unsigned next;
	int64_t said_at;             /* monotonic */
	unsigned unsaid;
};

struct hook {
	struct supervisor *supervisor;
	char *plugin;
	void (*fn)(void *arg, const struct hook_answer *);
	void *arg;
	struct buf body;
	char *wakes[HOOK_WAKES_MAX]; /* sources that are polled if the delivery counts */
	int wakes_len;
};

static struct hook_memory *hook_memory(struct supervisor *, const char *plugin);
static bool hook_is_new(struct hook_memory *, const char *id);
static void hook_say(struct supervisor *, const char *plugin, int status, const char *text);
static void hook_answer(struct hook *, const struct hook_answer *);
static void hook_failed(void *arg, int code, const char *text, size_t len);
static void hook_answered(struct call *, struct message *);

/*
 * The HTTP status for a class. Classes that are not listed become 503, which
 * tells the sender to try again.
 */
static const struct {
	int code, status;
} statuses[] = {
	{ DROVER_AUTH, 401 },
	{ DROVER_PERMANENT, 400 },
	{ DROVER_HUMAN, 400 },
};

static int
hook_status(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].code == code)
			return statuses[i].status;
	return 503;
}

static struct hook_memory *
hook_memory(struct supervisor *s, const char *plugin)
{
	struct hook_memory *memory;

	TAILQ_FOREACH(memory, &s->hooks, link)
		if (strcmp(memory->plugin, plugin) == 0)
			return memory;
	memory = xcalloc(1, sizeof *memory);
	memory->plugin = xstrdup(plugin);
	TAILQ_INSERT_TAIL(&s->hooks, memory, link);
	return memory;
}

void
hooks_close(struct supervisor *s)
{
	struct hook_memory *memory;
	struct seen *seen, *next;

	while ((memory = TAILQ_FIRST(&s->hooks)) != NULL) {
		TAILQ_REMOVE(&s->hooks, memory, link);
		HASH_ITER(hh, memory->ids, seen, next) {
			HASH_DEL(memory->ids, seen);
			free(seen->id);
			free(seen);
		}
		free(memory->plugin);
		free(memory);
	}
}

/*
 * Remembers the id in place of the oldest one. Returns false if it is known
 * already.
 */
static bool
hook_is_new(struct hook_memory *memory, const char *id)
{
	struct seen *seen, **place = &memory->ring[memory->next];

	HASH_FIND_STR(memory->ids, id, seen);
	if (seen != NULL)
		return false;
	if (*place != NULL) {
		HASH_DEL(memory->ids, *place);
		free((*place)->id);
		free(*place);
	}
	*place = seen = xcalloc(1, sizeof *seen);
	seen->id = xstrdup(id);
	HASH_ADD_KEYPTR(hh, memory->ids, seen->id, strlen(seen->id), seen);
	memory->next = (memory->next + 1) % HOOK_SEEN_MAX;
	return true;
}

static void
hook_say(struct supervisor *s, const char *plugin, int status, const char *text)
{
	struct log_scope scope = s->log;
	struct hook_memory *memory;
	int64_t now = clock_mono();

	scope.plugin = plugin;
	if (status < 400) {
		log_printf(&scope, DROVER_DEBUG, "a delivery was answered %d%s%s", status,
		    *text != '\0' ? ": " : "", text);
		return;
	}
	memory = hook_memory(s, plugin);
	if (memory->said_at != 0 && now - memory->said_at < HOOK_SAY_MS) {
		memory->unsaid++;
		return;
	}
	memory->said_at = now;
	log_printf(&scope, DROVER_WARN, "a delivery was answered %d: %s", status, text);
	if (memory->unsaid > 0)
		log_printf(&scope, DROVER_WARN,
		    "%u more deliveries were refused since the last line about them",
		    memory->unsaid);
	memory->unsaid = 0;
}

static void
hook_answer(struct hook *hook, const struct hook_answer *answer)
{
	hook->fn(hook->arg, answer);
	for (int i = 0; i < hook->wakes_len; i++)
		free(hook->wakes[i]);
	buf_free(&hook->body);
	free(hook->plugin);
	free(hook);
}

static void
hook_failed(void *arg, int code, const char *text, size_t len)
{
	struct hook *hook = arg;
	struct hook_answer answer = { .status = hook_status(code), .type = "", .body = "" };

	answer.retry_s = answer.status == 503 ? HOOK_RETRY_S : 0;
	hook_say(hook->supervisor, hook->plugin, answer.status, text);
	hook_answer(hook, &answer);
}

void
hooks_deliver(struct supervisor *s, const char *plugin, const char *headers, const char *body,
    size_t len, void (*fn)(void *arg, const struct hook_answer *), void *arg)
{
	struct runner_handle *r = fleet_find(s, plugin);
	struct hook *hook = xcalloc(1, sizeof *hook);
	struct message_out out;
	struct call *call;
	int n = 0;

	hook->supervisor = s;
	hook->plugin = xstrdup(plugin);
	hook->fn = fn;
	hook->arg = arg;
	if (r == NULL || (r->exports != NULL && !json_bool(r->exports, "hook", false))) {
		hook_answer(hook, &(struct hook_answer){ .status = 404, .type = "", .body = "" });
		return;
	}
	TAILQ_FOREACH(call, &s->calls, link)
		n += call->answer == MESSAGE_HOOK_REPLY && strcmp(call->plugin, plugin) == 0;
	if (r->state != RUNNER_READY || r->channel == NULL || n >= HOOK_AT_ONCE) {
		hook_failed(hook, DROVER_AGAIN,
		    n >= HOOK_AT_ONCE ? "too many deliveries are under way" :
					"the plugin is not running",
		    0);
		return;
	}
	call = call_open(r, MESSAGE_HOOK_REPLY, hook_answered, HOOK_TIMEOUT_MS);
	call->fn = hook_failed;
	call->arg = hook;
	buf_add(&hook->body, body, len);
	message_begin(&out, MESSAGE_HOOK_CALL, call->id);
	message_put_u(&out, call->id);
	message_put_s(&out, call->token);
	message_put_i(&out, HOOK_TIMEOUT_MS);
	message_put_s(&out, headers);
	message_put_u(&out, len);
	message_put_b(&out, body, len < HOOK_PIECE ? len : HOOK_PIECE);
	channel_send(r->channel, &out);
}

static struct hook *
hook_of(const struct call *call)
{
	return call != NULL && call->answer == MESSAGE_HOOK_REPLY ? call->arg : NULL;
}

void
hooks_body(const struct call *call, struct message *m, struct buf *out, struct error *err)
{
	const struct hook *hook = hook_of(call);
	uint64_t from = message_u(m, "from");
	size_t left;

	if (hook == NULL || from >= hook->body.len) {
		error_set(err, DROVER_FENCED, "there is no such delivery, or it took too long");
		return;
	}
	left = hook->body.len - from;
	buf_add(out, hook->body.data + from, left < HOOK_PIECE ? left : HOOK_PIECE);
}

bool
hooks_wake(struct call *call, const char *source, struct error *err)
{
	struct hook *hook = hook_of(call);

	if (hook == NULL)
		return false;
	for (int i = 0; i < hook->wakes_len; i++)
		if (strcmp(hook->wakes[i], source) == 0)
			return true;
	if (hook->wakes_len == HOOK_WAKES_MAX)
		error_set(err, DROVER_PERMANENT,
		    "a hook wakes at most %d sources with one delivery", HOOK_WAKES_MAX);
	else
		hook->wakes[hook->wakes_len++] = xstrdup(source);
	return true;
}

static void
hook_answered(struct call *call, struct message *m)
{
	struct supervisor *s = call->supervisor;
	struct hook *hook = call->arg;
	struct hook_answer answer = { .status = (int)message_u(m, "status"),
		.type = message_s(m, "type"),
		.body = message_s(m, "body") };
	const char *id = message_s(m, "id"), *said = "";
	struct runner_handle *r = fleet_find(s, call->plugin);
	int code = (int)message_i(m, "class");
	char bad[96];

	if (code != DROVER_OK) {
		call_close(call, code, message_s(m, "text"), strlen(message_s(m, "text")));
		return;
	}
	if (answer.status == 0)
		answer.status = 202;
	if (answer.status < 200 || answer.status > 599) {
		snprintf(bad, sizeof bad,
		    "the hook returned HTTP status %d, which does not exist; answering 500",
		    answer.status);
		said = bad;
		answer = (struct hook_answer){ .status = 500, .type = "", .body = "" };
	} else if (answer.status >= 400)
		said = "the plugin chose this status";
	else if (*id != '\0' && !hook_is_new(hook_memory(s, call->plugin), id)) {
		said = "its id was seen before";
		answer = (struct hook_answer){ .status = 200, .type = "", .body = "" };
	} else if (r != NULL) {
		for (int i = 0; i < hook->wakes_len; i++)
			sources_wake(r, hook->wakes[i]);
	}
	hook_say(s, hook->plugin, answer.status, said);
	call->fn = NULL;
	call_close(call, DROVER_OK, "", 0);
	hook_answer(hook, &answer);
}
