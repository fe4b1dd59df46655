/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources as the core sees them. sources_ready() makes them when a runner has
 * described its plugin, sources_tick() sends SOURCE_POLL and SOURCE_SETTLE when
 * they are due, and sources_message() takes the runner's answers.
 *
 * The items of a poll are collected in memory. When SOURCE_POLLED says that the
 * poll went well, items and the new cursor are written in the transaction of
 * that tick; a poll that failed leaves nothing. A runner polls one of its
 * sources at a time, and tells one of them how a job ended at a time. A source
 * that does not answer in time condemns its runner.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/retry.h"
#include "base/text.h"
#include "base/units.h"
#include "super/accept.h"
#include "super/sources.h"
#include "wire/fields.h"

/* What one poll may emit. The runner refuses more before it sends anything. */
#define ITEMS_MAX 1000
#define ITEMS_BYTES_MAX (80u * 1024 * 1024)
#define POLL_AGAIN_MS 100
#define WAKE_LEAST_MS 1000        /* the least time between two polls that were asked for early */
#define SETTLE_RETRY_MS 30000
#define RETRY_MAX_MS 86400000     /* longest pause that a plugin may ask for */
#define FAULT_RETRY_MS 300000     /* the wait when a credential or the configuration is refused */

static void source_polled(struct runner_handle *, struct source *, struct message *);
static void source_hold(struct runner_handle *, struct source *, struct message *);
static int source_take(struct runner_handle *, struct source *, struct message *, struct error *);
static void source_settle(struct runner_handle *, struct source *, int64_t);

static void
source_log(struct runner_handle *r, struct source *source, enum drover_level level,
    const char *text)
{
	struct log_scope scope = r->supervisor->log;

	scope.plugin = r->plugin;
	scope.source = source->name;
	log_printf(&scope, level, "%s", text);
}

static void
source_items_free(struct source *source)
{
	struct source_item *i;

	while ((i = STAILQ_FIRST(&source->items)) != NULL) {
		STAILQ_REMOVE_HEAD(&source->items, link);
		accept_free(i);
	}
	source->items_len = 0;
	source->items_bytes = 0;
}

/*
 * Copies the authors that the plugin declares. A source that declares no list
 * has no trust gate.
 */
static void
source_authors(struct source *source, const cJSON *list)
{
	const cJSON *one;
	size_t n = 0;

	if (!cJSON_IsArray(list))
		return;
	source->authors = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *source->authors);
	cJSON_ArrayForEach(one, list)
		if (cJSON_IsString(one))
			source->authors[n++] = xstrdup(one->valuestring);
}

void
sources_forget(struct runner_handle *r)
{
	int i;

	for (i = 0; i < r->sources_len; i++) {
		listener_forget(r, &r->sources[i]);
		source_items_free(&r->sources[i]);
		free_strings(r->sources[i].authors);
		free(r->sources[i].name);
	}
	free(r->sources);
	r->sources = NULL;
	r->sources_len = 0;
}

/*
 * Makes a struct source for each of the plugin's sources that the configuration
 * names and has not switched off.
 */
void
sources_ready(struct runner_handle *r)
{
	const struct config_plugin *plugin =
	    config_plugin(r->supervisor->core->config, r->plugin);
	const cJSON *export;
	struct source *source;
	const char *name;
	int i;

	sources_forget(r);
	if (plugin == NULL)
		return;
	r->sources = xcalloc((size_t)plugin->sources_len + 1, sizeof *r->sources);
	cJSON_ArrayForEach(export, json_get(r->exports, "sources")) {
		name = json_str(export, "name", "");
		for (i = 0; i < plugin->sources_len; i++)
			if (strcmp(plugin->sources[i].name, name) == 0 &&
			    plugin->sources[i].enabled)
				break;
		if (i == plugin->sources_len)
			continue;
		source = &r->sources[r->sources_len++];
		STAILQ_INIT(&source->items);
		source->name = xasprintf("%s.%s", r->plugin, name);
		source->local = source->name + strlen(r->plugin) + 1;
		source->interval_ms = plugin->sources[i].interval_ms > 0 ?
		    plugin->sources[i].interval_ms :
		    json_int(export, "interval_ms", 30000);
		if (source->interval_ms < 100)
			source->interval_ms = 100;
		source->poll_timeout_ms = plugin->sources[i].poll_timeout_ms;
		source_authors(source, json_get(export, "authors"));
		source->next_poll = clock_mono();
		source->settle_due = true;
		source->listener.wanted = json_bool(export, "listen", false);
		source->listener.since = source->listener.due = clock_mono();
	}
}

static struct source *
source_find(struct runner_handle *r, const char *local)
{
	int i;

	for (i = 0; i < r->sources_len; i++)
		if (strcmp(r->sources[i].local, local) == 0)
			return &r->sources[i];
	return NULL;
}

static void
source_poll(struct runner_handle *r, struct source *source, int64_t now)
{
	struct supervisor *s = r->supervisor;
	struct message_out out;
	struct error err = { 0 };
	char *cursor = NULL;

	if (store_cursor_get(s->core->store, source->name, &cursor, &err) < 0) {
		source->next_poll = now + source->interval_ms;
		source_log(r, source, DROVER_ERR, err.text);
		return;
	}
	source->poll_id = ++s->last_id;
	source->poll_began = source->began_at = now;
	source->poll_again = false;
	source->wake_at = 0;
	message_begin(&out, MESSAGE_SOURCE_POLL, source->poll_id);
	message_put_s(&out, source->local);
	message_put_s(&out, cursor);
	free(cursor);
	channel_send(r->channel, &out);
}

int64_t
sources_tick(struct runner_handle *r, int64_t now)
{
	struct source *source, *first = NULL;
	char why[DROVER_ERROR_MAX], limit[32];
	int64_t wait = -1, due, first_due = 0;
	bool polling = false;
	int i;

	for (i = 0; i < r->sources_len && r->channel != NULL; i++) {
		source = &r->sources[i];
		if (source->settle_due && source->settling == 0 && now >= source->settle_at)
			source_settle(r, source, now);
		if (source->settle_due && source->settling == 0)
			wait = wait_min(wait, source->settle_at - now);
		wait = wait_min(wait, listener_tick(r, source, now));
		if (source->poll_began != 0) {
			if (now - source->poll_began < source->poll_timeout_ms) {
				wait = wait_min(wait,
				    source->poll_began + source->poll_timeout_ms - now);
				polling = true;
				continue;
			}
			snprintf(why, sizeof why,
			    "the plugin hangs in the poll of %s (no answer within %s)",
			    source->name,
			    units_format_duration(source->poll_timeout_ms, limit, sizeof limit));
			fleet_condemn(r, why);
			return -1;
		}
		if (r->supervisor->core->mode != CORE_RUNNING)
			continue;
		due = source->next_poll;
		/*
		 * A source that fails waits out its backoff even if it is
		 * woken.
		 */
		if (source->wake_at != 0 && source->wake_at < due && source->failures == 0)
			due = source->wake_at;
		if (first == NULL || due < first_due) {
			first = source;
			first_due = due;
		}
	}
	/*
	 * A runner polls one source at a time. A poll that waits behind another
	 * one would seem to hang.
	 */
	if (first == NULL || polling)
		return wait;
	if (now < first_due)
		return wait_min(wait, first_due - now);
	source_poll(r, first, now);
	return first->poll_began != 0 ? wait_min(wait, first->poll_timeout_ms) :
					wait_min(wait, POLL_AGAIN_MS);
}

/* Holds an item until its poll has ended. */
static void
source_hold(struct runner_handle *r, struct source *source, struct message *m)
{
	struct source_item *item;
	char why[DROVER_ERROR_MAX];

	if (source->items_len >= ITEMS_MAX ||
	    source->items_bytes + m->bytes.len > ITEMS_BYTES_MAX) {
		snprintf(why, sizeof why,
		    "the poll of %s sent more than %d items or %u MiB: a plugin emits items by "
		    "queue->emit() only",
		    source->name, ITEMS_MAX, ITEMS_BYTES_MAX >> 20);
		fleet_condemn(r, why);
		source_items_free(source);
		source->poll_began = 0;
		return;
	}
	source->items_len++;
	source->items_bytes += m->bytes.len;
	item = accept_item(m);
	STAILQ_INSERT_TAIL(&source->items, item, link);
}

void
sources_message(struct runner_handle *r, struct message *m)
{
	struct source *source;
	struct error err = { 0 };
	int64_t now = clock_mono();
	int i;

	if (m->type == MESSAGE_SOURCE_SETTLED) {
		for (i = 0; i < r->sources_len; i++)
			if (r->sources[i].settling == message_u(m, "job"))
				break;
		if (i == r->sources_len)
			return;
		source = &r->sources[i];
		source->settling = 0;
		source->settle_due = true;
		if (message_i(m, "class") == DROVER_OK) {
			if (queue_settled(r->supervisor->core->queue, message_u(m, "job"),
				&err) != 0)
				source_log(r, source, DROVER_ERR, err.text);
		} else {
			source->settle_at = now + SETTLE_RETRY_MS;
			source_log(r, source, DROVER_WARN, message_s(m, "text"));
		}
		return;
	}
	source = source_find(r, message_s(m, "source"));
	if (source == NULL)
		return;
	if (m->type == MESSAGE_SOURCE_CHANGED) {
		source->poll_again = true;
		if (source->failures == 0)
			source->next_poll = now;
		return;
	}
	if (m->id != source->poll_id || source->poll_began == 0)
		return;
	if (m->type == MESSAGE_SOURCE_ITEM)
		source_hold(r, source, m);
	else
		source_polled(r, source, m);
}

static int
source_take(struct runner_handle *r, struct source *source, struct message *m, struct error *err)
{
	struct source_item *i;
	struct error bad;
	int fresh;

	STAILQ_FOREACH(i, &source->items, link) {
		memset(&bad, 0, sizeof bad);
		fresh = accept_take(r, source, i, &bad);
		if (fresh < 0 && bad.code == DROVER_AGAIN) {
			*err = bad;
			return -1;
		}
		if (fresh < 0)
			source_log(r, source, DROVER_ERR, bad.text);
		else
			source->items_taken += (uint64_t)fresh;
	}
	if (message_u(m, "moved") == 1)
		return store_cursor_set(r->supervisor->core->store, source->name,
		    message_s(m, "cursor"), err);
	return 0;
}

static void
source_polled(struct runner_handle *r, struct source *source, struct message *m)
{
	struct error err;
	int64_t now = clock_mono(), wait;

	source->poll_began = 0;
	source->polled_at = clock_wall();
	message_error(m, &err);
	if (err.code == DROVER_OK)
		(void)source_take(r, source, m, &err);
	source_items_free(source);
	if (err.code == DROVER_OK) {
		source->failures = 0;
		source->error[0] = '\0';
		wait = source->interval_ms;
		if (message_i(m, "again") > 0 && message_i(m, "again") < wait)
			wait = message_i(m, "again") < POLL_AGAIN_MS ? POLL_AGAIN_MS :
								       message_i(m, "again");
		source->next_poll = source->poll_again ? now : now + wait;
		return;
	}
	if (source->failures < 30)
		source->failures++;
	wait = err.code == DROVER_AUTH || err.code == DROVER_CONFIG ?
	    FAULT_RETRY_MS :
	    retry_delay(2 * source->interval_ms, FAULT_RETRY_MS, source->failures);
	if (wait < err.retry_after_ms)
		wait = err.retry_after_ms < RETRY_MAX_MS ? err.retry_after_ms : RETRY_MAX_MS;
	source->next_poll = now + wait;
	if (strcmp(source->error, err.text) != 0)
		source_log(r, source, DROVER_WARN, err.text);
	text_copy(source->error, sizeof source->error, err.text);
}

struct settling {
	struct runner_handle *runner;
	struct source *source;
};

static void
source_send_settle(void *arg, const struct drover_settled *settled)
{
	struct settling *settling = arg;
	struct message_out out;

	settling->source->settling = settled->job;
	message_begin(&out, MESSAGE_SOURCE_SETTLE, settled->job);
	message_put_s(&out, settling->source->local);
	SETTLED_FIELDS(FIELD_PUT, &out, settled);
	channel_send(settling->runner->channel, &out);
}

/*
 * Tells a source how one job ended, but only once that is committed, because a
 * source cannot take back what it has posted.
 */
static void
source_settle(struct runner_handle *r, struct source *source, int64_t now)
{
	struct core *core = r->supervisor->core;
	struct settling settling = { r, source };
	struct error err = { 0 };

	if (store_dirty(core->store)) {
		source->settle_at = now + 1;
		return;
	}
	source->settle_due = false;
	if (queue_unsettled(core->queue, source->name, source_send_settle, &settling, &err) < 0) {
		source_log(r, source, DROVER_ERR, err.text);
		source->settle_due = true;
		source->settle_at = now + SETTLE_RETRY_MS;
	}
}

void
sources_job_ended(struct supervisor *s, const char *name)
{
	struct runner_handle *r;
	int i;

	TAILQ_FOREACH(r, &s->runners, link)
		for (i = 0; i < r->sources_len; i++)
			if (name == NULL || strcmp(r->sources[i].name, name) == 0)
				r->sources[i].settle_due = true;
}

int
sources_poll(struct supervisor *s, const char *name, struct error *err)
{
	struct runner_handle *r;
	int i, found = 0;

	TAILQ_FOREACH(r, &s->runners, link)
		for (i = 0; i < r->sources_len; i++) {
			if (name != NULL && strcmp(r->sources[i].name, name) != 0)
				continue;
			r->sources[i].next_poll = clock_mono();
			r->sources[i].poll_again = true;
			found = 1;
		}
	if (!found && name != NULL)
		return error_set(err, DROVER_PERMANENT, "no source %s runs: see drover source list",
		    name);
	return 0;
}

void
sources_wake(struct runner_handle *r, const char *local)
{
	struct source *source = source_find(r, local);
	int64_t now = clock_mono();

	if (source == NULL || source->wake_at != 0)
		return;
	source->wake_at = source->began_at != 0 && source->began_at + WAKE_LEAST_MS > now ?
	    source->began_at + WAKE_LEAST_MS :
	    now;
}

cJSON *
sources_refused(struct supervisor *s)
{
	struct runner_handle *r;
	cJSON *o = cJSON_CreateObject();
	int i;

	TAILQ_FOREACH(r, &s->runners, link)
		for (i = 0; i < r->sources_len; i++)
			if (r->sources[i].authors != NULL &&
			    json_get(o, r->sources[i].name) == NULL)
				json_add_int(o, r->sources[i].name, (int64_t)r->sources[i].refused);
	return o;
}
