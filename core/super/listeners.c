/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners: a source with a listen callback has a process that waits for word
 * from outside and wakes the source. It is started again whenever it returns,
 * with backoff while it fails, and parked if it crashes too often. The source
 * is polled all the same.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/retry.h"
#include "base/text.h"
#include "base/units.h"
#include "super/calls.h"
#include "super/listeners.h"
#include "super/sources.h"

#define LISTENER_LEAST_MS 1000
#define LISTENER_BACKOFF_MS 1000     /* doubles up to LISTENER_BACKOFF_MAX_MS */
#define LISTENER_BACKOFF_MAX_MS 300000
#define LISTENER_AUTH_MS 300000
#define LISTENER_RETRY_MAX_MS 86400000 /* longest pause that a plugin may ask for */
/* a listener that ran for this long begins with the first backoff again */
#define LISTENER_HEALTHY_MS 600000

static void listener_log(const struct runner_handle *, const struct source *, enum drover_level,
    const char *);
static void listener_start(struct runner_handle *, struct source *, int64_t now);
static void listener_ended(struct call *, struct message *);
static int64_t listener_wait(struct listener *, int code, int64_t retry_ms, int64_t now);

static void
listener_log(const struct runner_handle *r, const struct source *source, enum drover_level level,
    const char *text)
{
	struct log_scope scope = r->supervisor->log;

	scope.plugin = r->plugin;
	scope.source = source->name;
	log_printf(&scope, level, "listener: %s", text);
}

static void
listener_start(struct runner_handle *r, struct source *source, int64_t now)
{
	struct call *call = call_open(r, MESSAGE_LISTEN_ENDED, listener_ended, 0);
	struct message_out out;

	source->listener.call = call->id;
	source->listener.since = now;
	source->listener.due = 0;
	message_begin(&out, MESSAGE_LISTEN_START, call->id);
	message_put_s(&out, source->local);
	message_put_u(&out, call->id);
	message_put_s(&out, call->token);
	channel_send(r->channel, &out);
}

int64_t
listener_tick(struct runner_handle *r, struct source *source, int64_t now)
{
	struct listener *l = &source->listener;

	if (!l->wanted || l->call != 0 || l->due == 0 ||
	    r->supervisor->core->mode != CORE_RUNNING)
		return -1;
	if (now < l->due)
		return l->due - now;
	listener_start(r, source, now);
	return -1;
}

void
listener_forget(struct runner_handle *r, struct source *source)
{
	struct call *call =
	    source->listener.call != 0 ? call_find(r->supervisor, source->listener.call) : NULL;

	if (call != NULL)
		call_close(call, DROVER_CANCELLED, "", 0);
	source->listener.call = 0;
}

/*
 * Returns the monotonic time of its next start, or 0 if only a new
 * configuration starts it again.
 */
static int64_t
listener_wait(struct listener *l, int code, int64_t retry_ms, int64_t now)
{
	int64_t wait;

	if (code == DROVER_OK) {
		l->backoff_ms = 0;
		return now - l->since < LISTENER_LEAST_MS ? l->since + LISTENER_LEAST_MS : now;
	}
	if (code == DROVER_CONFIG)
		return 0;
	if (now - l->since >= LISTENER_HEALTHY_MS)
		l->backoff_ms = 0;
	l->backoff_ms = retry_next(l->backoff_ms, LISTENER_BACKOFF_MS, LISTENER_BACKOFF_MAX_MS);
	wait = code == DROVER_AUTH ? LISTENER_AUTH_MS : l->backoff_ms;
	if (retry_ms > wait)
		wait = retry_ms < LISTENER_RETRY_MAX_MS ? retry_ms : LISTENER_RETRY_MAX_MS;
	return now + wait;
}

/*
 * Finds the source whose listener this call runs. Returns false if it is gone.
 */
static bool
listener_find(const struct call *call, struct runner_handle **r, struct source **source)
{
	TAILQ_FOREACH(*r, &call->supervisor->runners, link)
		for (int i = 0; i < (*r)->sources_len; i++) {
			*source = &(*r)->sources[i];
			if ((*source)->listener.call == call->id)
				return true;
		}
	return false;
}

static void
listener_ended(struct call *call, struct message *m)
{
	struct runner_handle *r;
	struct source *source;
	struct listener *l;
	const char *text = message_s(m, "text");
	char why[DROVER_ERROR_MAX + 64], wait[32];
	int64_t now = clock_mono();
	int code = (int)message_i(m, "class");
	bool found = listener_find(call, &r, &source);

	call_close(call, DROVER_OK, "", 0);
	if (!found)
		return;
	l = &source->listener;
	l->call = 0;
	l->due = listener_wait(l, code, message_i(m, "retry"), now);
	l->since = now;
	l->failed = code != DROVER_OK && !(code == DROVER_CONFIG && *text == '\0');
	text_copy(l->why, sizeof l->why, code != DROVER_OK ? text : "");
	/*
	 * CONFIG without a text means that listening is not configured, which
	 * is no failure.
	 */
	if (code == DROVER_OK || (code == DROVER_CONFIG && *text == '\0'))
		return;
	if (code == DROVER_INTERNAL && retry_defect(&l->defects, now, RUNNER_HEALTHY_MS)) {
		l->due = 0;
		l->parked = true;
		snprintf(why, sizeof why, "parked after %d failures in 10 minutes: %.400s",
		    RETRY_DEFECTS, text);
		text_copy(l->why, sizeof l->why, why);
	} else if (l->due == 0)
		snprintf(why, sizeof why, "%.400s; not before a new configuration", text);
	else
		snprintf(why, sizeof why, "%.400s; again in %s", text,
		    units_format_duration(l->due - now, wait, sizeof wait));
	listener_log(r, source,
	    code == DROVER_AGAIN || code == DROVER_QUOTA ? DROVER_WARN : DROVER_ERR, why);
}
