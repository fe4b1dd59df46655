/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->queue: hands items and cursors of a source to its runner, and jobs and
 * results of a job to the core.
 */
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "host/service.h"
#include "wire/fields.h"

#define AGAIN_MIN_MS 100

static int host_queue_emit(struct drover_scope *, const struct drover_item *,
    struct drover_error *);
static int host_queue_cursor(struct drover_scope *, const char *, struct drover_error *);
static int host_queue_watch(struct drover_scope *, const char *, struct drover_error *);
static int host_queue_again(struct drover_scope *, int64_t, struct drover_error *);
static int host_queue_wake(struct drover_scope *, const char *, struct drover_error *);
static int host_queue_result(struct drover_scope *, const char *, const char *,
    struct drover_error *);
static int host_queue_cancelled(struct drover_scope *);
static int host_queue_check_item(const struct drover_item *, struct drover_item *,
    struct drover_person *, struct error *);
static int host_queue_emit_job(struct scope *, const struct drover_item *, struct error *);

const struct drover_host_queue host_queue = {
	.size = sizeof host_queue,
	.emit = host_queue_emit,
	.cursor = host_queue_cursor,
	.watch = host_queue_watch,
	.result = host_queue_result,
	.cancelled = host_queue_cancelled,
	.again = host_queue_again,
	.wake = host_queue_wake,
};

static int
host_queue_check_item(const struct drover_item *given, struct drover_item *item,
    struct drover_person *person, struct error *err)
{
	if (service_in(item, sizeof *item, given, SERVICE_LEAST(drover_item, key), "drover_item",
		err) != 0 ||
	    service_text(item->kind, "kind of an item", 2 * DROVER_NAME_MAX + 1, false, err) != 0 ||
	    service_line(item->key, "key of an item", DROVER_KEY_MAX, false, err) != 0 ||
	    service_line(item->serial, "serial of an item", DROVER_KEY_MAX, true, err) != 0 ||
	    service_text(item->title, "title of an item", DROVER_TITLE_MAX, true, err) != 0 ||
	    service_name(item->repo, "repo of an item", err) != 0 ||
	    service_name(item->agent, "agent of an item", err) != 0 ||
	    service_name(item->pool, "pool of an item", err) != 0)
		return -1;
	if (!text_is_kind(item->kind))
		return error_set(err, DROVER_PERMANENT,
		    "\"%s\" is not a kind of job: write PLUGIN.PIPELINE", item->kind);
	if (item->priority < -100 || item->priority > 100)
		return error_set(err, DROVER_PERMANENT,
		    "priority of an item is %d: give a number from -100 to 100", item->priority);
	if ((item->flags & ~DROVER_ITEM_REPLACES) != 0)
		return error_set(err, DROVER_PERMANENT, "an item has unknown flags 0x%x",
		    (unsigned)item->flags);
	if ((item->flags & DROVER_ITEM_REPLACES) != 0 && strchr(item->key, '@') == NULL)
		return error_set(err, DROVER_PERMANENT,
		    "an item with DROVER_ITEM_REPLACES has the key \"%s\", which has no revision: "
		    "write SUBJECT@REVISION",
		    item->key);
	if (item->payload_len > DROVER_PAYLOAD_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "payload of an item is longer than %d bytes", DROVER_PAYLOAD_MAX);
	if (item->payload == NULL && item->payload_len > 0)
		return error_set(err, DROVER_PERMANENT,
		    "payload of an item is NULL, but its length is not 0");
	return item->author != NULL ? service_person(item->author, person, err) : 0;
}

static int
host_queue_emit_job(struct scope *scope, const struct drover_item *item, struct error *err)
{
	struct message_out request;

	message_begin(&request, MESSAGE_JOB_EMIT, service_id(scope));
	ITEM_FIELDS(FIELD_PUT, &request, item);
	return service_ask(scope, &request, NULL, NULL, err);
}

static int
host_queue_emit(struct drover_scope *public, const struct drover_item *given,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct drover_item item;
	struct drover_person person;
	struct error err = { 0 };
	int r;

	if (service_role(scope, ROLE_SOURCE | ROLE_JOB, "queue.emit", "poll and run", &err) != 0 ||
	    host_queue_check_item(given, &item, &person, &err) != 0)
		return scope_fail(out, &err);
	if (item.author != NULL)
		item.author = &person;
	if (scope->role == SCOPE_JOB)
		r = host_queue_emit_job(scope, &item, &err);
	else if (scope->emit == NULL)
		r = error_set(&err, DROVER_PERMANENT, "queue.emit is allowed only in poll and run");
	else
		r = scope->emit(scope, &item, &err);
	return r == 0 ? 0 : scope_fail(out, &err);
}

static int
host_queue_cursor(struct drover_scope *public, const char *cursor, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (service_text(cursor, "cursor", DROVER_VALUE_MAX, true, &err) != 0)
		return scope_fail(out, &err);
	if (scope->role != SCOPE_SOURCE || scope->cursor == NULL)
		error_set(&err, DROVER_PERMANENT, "queue.cursor is allowed only in poll");
	else if (cursor == NULL)
		error_set(&err, DROVER_PERMANENT, "cursor is missing");
	else if (scope->cursor(scope, cursor, &err) == 0)
		return 0;
	return scope_fail(out, &err);
}

static int
host_queue_watch(struct drover_scope *public, const char *path, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (service_text(path, "path to watch", PATH_MAX - 1, false, &err) != 0)
		return scope_fail(out, &err);
	if (scope->role != SCOPE_SOURCE || scope->watch == NULL)
		error_set(&err, DROVER_PERMANENT, "queue.watch is allowed only in a source's open");
	else if (*path != '/')
		error_set(&err, DROVER_PERMANENT, "path to watch is not absolute: \"%s\"", path);
	else if (scope->watch(scope, path, &err) == 0)
		return 0;
	return scope_fail(out, &err);
}

int
result_put(struct scope *scope, const char *key, const char *value, struct error *err)
{
	struct message_out request;

	message_begin(&request, MESSAGE_JOB_RESULT, service_id(scope));
	message_put_s(&request, key);
	message_put_s(&request, value);
	return service_ask(scope, &request, NULL, NULL, err);
}

static int
host_queue_result(struct drover_scope *public, const char *key, const char *value,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (service_role(scope, ROLE_JOB, "queue.result", "run", &err) != 0 ||
	    service_line(key, "key of a result", DROVER_NAME_MAX, false, &err) != 0 ||
	    service_text(value, "value of a result", DROVER_VALUE_MAX, true, &err) != 0 ||
	    result_put(scope, key, value, &err) != 0)
		return scope_fail(out, &err);
	return 0;
}

static int
host_queue_cancelled(struct drover_scope *public)
{
	return scope_cancelled(scope_of(public)) ? 1 : 0;
}

static int
host_queue_again(struct drover_scope *public, int64_t delay_ms, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (scope->role != SCOPE_SOURCE || scope->emit == NULL)
		error_set(&err, DROVER_PERMANENT, "queue.again is allowed only in poll");
	else if (delay_ms < 0)
		error_set(&err, DROVER_PERMANENT, "delay of queue.again is negative");
	else {
		scope->again_ms = delay_ms < AGAIN_MIN_MS ? AGAIN_MIN_MS : delay_ms;
		return 0;
	}
	return scope_fail(out, &err);
}

static int
host_queue_wake(struct drover_scope *public, const char *source, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct message_out request;
	struct error err = { 0 };

	if (service_role(scope, ROLE_HOOK | ROLE_LISTENER | ROLE_OPERATION, "queue.wake",
		"hook, listen and operations", &err) != 0 ||
	    service_text(source, "source to wake", DROVER_NAME_MAX, false, &err) != 0 ||
	    service_name(source, "source to wake", &err) != 0)
		return scope_fail(out, &err);
	message_begin(&request, MESSAGE_SOURCE_WAKE, service_id(scope));
	message_put_s(&request, source);
	return service_ask(scope, &request, NULL, NULL, &err) == 0 ? 0 : scope_fail(out, &err);
}
