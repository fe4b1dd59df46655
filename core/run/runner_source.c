/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polling and settling: the callbacks of sources, and the messages that bring
 * their arguments and carry back what they return.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "run/crash.h"
#include "run/runner_source.h"
#include "run/services.h"
#include "wire/fields.h"

#define SOURCE_ITEMS_MAX 1000                    /* in one poll */
#define SOURCE_BYTES_MAX (64u * 1024 * 1024)
#define SOURCE_DEBOUNCE_MS 50
#define SOURCE_WATCHED (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

static int source_emit(struct scope *, const struct drover_item *, struct error *);
static int source_cursor(struct scope *, const char *cursor, struct error *);
static int source_watch(struct scope *, const char *path, struct error *);
static const struct config_source *source_configured(const struct runner *, const char *name);
static void source_forget(struct runner_source *);
static int source_send_items(struct runner_source *, struct error *);
static void source_changed(struct runner *, const struct inotify_event *, int64_t now);
static int source_code(int code, struct error *, const char *callback);
static void source_meanwhile(struct scope *);

static const struct config_source *
source_configured(const struct runner *runner, const char *name)
{
	for (int i = 0; i < runner->plugin->sources_len; i++) {
		if (strcmp(runner->plugin->sources[i].name, name) == 0)
			return &runner->plugin->sources[i];
	}
	return NULL;
}

/*
 * Makes err fit what a callback returned: zeroed if it succeeded, else with a
 * code in the range of enum drover_class, and with a text even if the callback
 * gave none. Returns the code.
 */
static int
source_code(int code, struct error *err, const char *callback)
{
	if (code >= 0) {
		memset(err, 0, sizeof *err);
		return DROVER_OK;
	}
	err->code = code < DROVER_INTERNAL ? DROVER_INTERNAL : code;
	err->text[sizeof err->text - 1] = '\0';
	if (err->text[0] == '\0')
		error_set(err, err->code, "%s() failed (%s) and gave no reason", callback,
		    error_class_name(err->code));
	return err->code;
}

/*
 * Every source may be given the key `authors` in the configuration, but only
 * some get their items from people.
 */
static int
source_check_authors(const struct runner *runner, const struct runner_source *source,
    const struct config_source *configured, struct error *err)
{
	char *path;

	if (configured->authors == NULL || source->source->authors != NULL)
		return 0;
	path = xasprintf("plugins.%s.sources.%s.authors", runner->image.plugin.name,
	    source->source->name);
	error_set(err, DROVER_CONFIG,
	    "%s: source %s takes no `authors`, because its items do not come from people: remove "
	    "the key",
	    json_str(runner->config->origins, path, path), source->name);
	free(path);
	return -1;
}

int
runner_source_open(struct runner *runner, int index, struct error *err)
{
	struct runner_source *source = &runner->sources[index];
	const struct config_source *configured;
	char what[2 * DROVER_NAME_MAX + 16];
	int code = 0;

	source->runner = runner;
	source->source = &runner->image.sources[index];
	source->name = xasprintf("%s.%s", runner->image.plugin.name, source->source->name);
	if ((configured = source_configured(runner, source->source->name)) == NULL ||
	    !configured->enabled)
		return 0;
	(void)snprintf(what, sizeof what, "source %s", source->name);
	if (source_check_authors(runner, source, configured, err) == -1)
		return -1;
	if ((source->options = options_check(source->source->options, configured->options, what,
		 runner->config_dir, err)) == NULL)
		return -1;
	scope_init(&source->scope, SCOPE_SOURCE, &plugin_services);
	source->scope.log = (struct log_scope){ .part = "runner",
		.plugin = runner->image.plugin.name,
		.source = source->name };
	source->scope.config = runner->config;
	source->scope.sources = runner->image.sources;
	source->scope.sources_len = runner->image.sources_len;
	source->scope.options = source->options;
	source->scope.plugin_options = runner->options;
	source->scope.link = runner->link;
	source->scope.runner = source;
	source->scope.watch = source_watch;
	source->scope.wait_fd = runner->events;
	source->scope.wait_ready = source_meanwhile;
	source->scope.cancelled = &runner->stopping;
	source->state = runner->state;
	if (source->source->open != NULL) {
		crash_at("open", "source", source->name);
		code = source_code(source->source->open(&source->scope.public, runner->state,
				       &source->state, (struct drover_error *)err),
		    err, "open");
		crash_at(NULL, NULL, NULL);
	}
	source->scope.watch = NULL;
	if (code != DROVER_OK) {
		scope_end(&source->scope);
		return error_prefix(err, "source %s", source->name);
	}
	source->open = true;
	return 0;
}

static void
source_meanwhile(struct scope *scope)
{
	const struct runner_source *source = scope->runner;

	source->runner->meanwhile(source->runner);
}

void
runner_source_close(struct runner_source *source)
{
	if (source->open) {
		if (source->source->close != NULL) {
			crash_at("close", "source", source->name);
			source->source->close(&source->scope.public, source->state);
		}
		scope_end(&source->scope);
		source->open = false;
	}
	source_forget(source);
	options_free(source->options);
	free(source->watches);
	free(source->name);
	memset(source, 0, sizeof *source);
}

struct runner_source *
runner_source_find(const struct runner *runner, const char *name)
{
	for (int i = 0; i < runner->image.sources_len; i++) {
		if (runner->sources[i].open && strcmp(runner->sources[i].source->name, name) == 0)
			return &runner->sources[i];
	}
	return NULL;
}

/* Frees the items and the cursor of the last poll. */
static void
source_forget(struct runner_source *source)
{
	for (int i = 0; i < source->items_len; i++)
		message_out_free(&source->items[i]);
	free(source->items);
	source->items = NULL;
	source->items_len = 0;
	source->items_bytes = 0;
	free(source->cursor);
	source->cursor = NULL;
}

static void
source_put_author(struct message_out *out, const struct drover_person *author)
{
	struct buf marks = BUF_INIT;

	for (size_t i = 0; author != NULL && author->marks != NULL && author->marks[i] != NULL; i++)
		buf_addf(&marks, "%s%s", i > 0 ? "\n" : "", author->marks[i]);
	message_put_s(out, author != NULL ? author->id : NULL);
	message_put_s(out, author != NULL ? author->name : NULL);
	message_put_s(out, buf_str(&marks));
	message_put_u(out, author != NULL ? author->flags : 0);
	buf_free(&marks);
}

static int
source_emit(struct scope *scope, const struct drover_item *item, struct error *err)
{
	struct runner_source *source = scope->runner;
	struct message_out *out;

	if (source->items_len == SOURCE_ITEMS_MAX || source->items_bytes > SOURCE_BYTES_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "poll() of %s emitted more than %d items or %u MiB: ask capacity first, and "
		    "leave the rest for the next poll",
		    source->name, SOURCE_ITEMS_MAX, SOURCE_BYTES_MAX >> 20);
	source->items =
	    xreallocarray(source->items, (size_t)source->items_len + 1, sizeof *source->items);
	out = &source->items[source->items_len++];
	message_begin(out, MESSAGE_SOURCE_ITEM, source->poll_id);
	message_put_s(out, source->source->name);
	ITEM_FIELDS(FIELD_PUT, out, item);
	source_put_author(out, item->author);
	message_put_u(out, item->flags);
	source->items_bytes += out->bytes.len;
	return 0;
}

static int
source_cursor(struct scope *scope, const char *cursor, struct error *err)
{
	struct runner_source *source = scope->runner;

	free(source->cursor);
	source->cursor = xstrdup(cursor);
	return 0;
}

static int
source_watch(struct scope *scope, const char *path, struct error *err)
{
	struct runner_source *source = scope->runner;
	struct runner *runner = source->runner;
	int watch;

	if (runner->inotify == -1 &&
	    (runner->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1)
		return error_errno(err, DROVER_AGAIN, "cannot watch %s", path);
	if ((watch = inotify_add_watch(runner->inotify, path, SOURCE_WATCHED)) == -1)
		return error_errno(err, errno == ENOSPC ? DROVER_AGAIN : DROVER_CONFIG,
		    "cannot watch %s", path);
	source->watches = xreallocarray(source->watches, (size_t)source->watches_len + 1,
	    sizeof *source->watches);
	source->watches[source->watches_len++] = watch;
	return 0;
}

static int
source_send_items(struct runner_source *source, struct error *err)
{
	for (int i = 0; i < source->items_len; i++) {
		if (message_write(source->runner->fd, &source->items[i], err) == -1)
			return -1;
	}
	return 0;
}

void
runner_source_poll(struct runner *runner, const struct message *m)
{
	const char *name = message_s(m, "source");
	struct runner_source *source = runner_source_find(runner, name);
	struct error err = { 0 }, lost = { 0 };
	struct message_out out;

	if (source == NULL) {
		error_set(&err, DROVER_CONFIG, "plugin %s has no open source %s",
		    runner->image.plugin.name, name);
	} else {
		source->poll_id = m->id;
		source->tell_at = 0;
		source->scope.again_ms = 0;
		source->scope.emit = source_emit;
		source->scope.cursor = source_cursor;
		crash_at("poll", "source", source->name);
		(void)source_code(source->source->poll(&source->scope.public, source->state,
				      message_s(m, "cursor"), (struct drover_error *)&err),
		    &err, "poll");
		crash_at(NULL, NULL, NULL);
		source->scope.emit = NULL;
		source->scope.cursor = NULL;
		if (err.code == DROVER_OK)
			(void)source_send_items(source, &err);
	}
	message_begin(&out, MESSAGE_SOURCE_POLLED, m->id);
	message_put_s(&out, name);
	message_put_error(&out, &err);
	message_put_u(&out, err.code == DROVER_OK && source->cursor != NULL);
	message_put_s(&out, err.code == DROVER_OK ? source->cursor : "");
	message_put_i(&out, err.code == DROVER_OK ? source->scope.again_ms : 0);
	if (source != NULL)
		source_forget(source);
	(void)message_send(runner->fd, &out, &lost);
}

void
runner_source_settle(struct runner *runner, const struct message *m)
{
	struct runner_source *source = runner_source_find(runner, message_s(m, "source"));
	struct drover_settled settled = { .size = sizeof settled };
	struct error err = { 0 }, lost = { 0 };
	struct message_out out;

	if (source != NULL && source->source->settle != NULL) {
		SETTLED_FIELDS(FIELD_GET, m, &settled);
		crash_at("settle", "source", source->name);
		(void)source_code(source->source->settle(&source->scope.public, source->state,
				      &settled, (struct drover_error *)&err),
		    &err, "settle");
		crash_at(NULL, NULL, NULL);
	}
	message_begin(&out, MESSAGE_SOURCE_SETTLED, m->id);
	message_put_u(&out, message_u(m, "job"));
	message_put_error(&out, &err);
	(void)message_send(runner->fd, &out, &lost);
}

/*
 * Marks the sources that watch the folder of this event. When the kernel's
 * queue has overflowed, the lost events may be of any folder, so all are
 * marked.
 */
static void
source_changed(struct runner *runner, const struct inotify_event *event, int64_t now)
{
	for (int i = 0; i < runner->image.sources_len; i++) {
		struct runner_source *source = &runner->sources[i];

		for (int j = 0; j < source->watches_len; j++) {
			if (source->tell_at == 0 &&
			    ((event->mask & IN_Q_OVERFLOW) != 0 || source->watches[j] == event->wd))
				source->tell_at = now + SOURCE_DEBOUNCE_MS;
		}
	}
}

void
runner_source_changes(struct runner *runner, int64_t now)
{
	_Alignas(
	    struct inotify_event) char bytes[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	const struct inotify_event *event;
	ssize_t n;

	while ((n = read(runner->inotify, bytes, sizeof bytes)) > 0) {
		for (const char *p = bytes; p < bytes + n; p += sizeof *event + event->len) {
			event = (const struct inotify_event *)(const void *)p;
			source_changed(runner, event, now);
		}
	}
}

int64_t
runner_source_tell(struct runner *runner, int64_t now)
{
	int64_t next = INT64_MAX;

	for (int i = 0; i < runner->image.sources_len; i++) {
		struct runner_source *source = &runner->sources[i];
		struct message_out out;
		struct error lost = { 0 };

		if (source->tell_at != 0 && now >= source->tell_at) {
			source->tell_at = 0;
			message_begin(&out, MESSAGE_SOURCE_CHANGED, 0);
			message_put_s(&out, source->source->name);
			(void)message_send(runner->fd, &out, &lost);
		} else if (source->tell_at != 0 && source->tell_at < next) {
			next = source->tell_at;
		}
	}
	return next;
}
