/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->memory: what was said before about one subject, kept in the core's
 * store. It is append-only, so that nothing is lost when two jobs write at
 * once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "host/prompt.h"
#include "host/service.h"

#define MEMORY_TEXT_MAX 16384 /* bytes of one text, as plugin.h promises */

static int host_memory_append(struct drover_scope *, const char *, const char *, const char *,
    const char *, struct drover_error *);
static int64_t host_memory_read(struct drover_scope *, const char *, char *, size_t,
    struct drover_error *);
static int host_memory_forget(struct drover_scope *, const char *, struct drover_error *);

const struct drover_host_memory host_memory = {
	.size = sizeof host_memory,
	.append = host_memory_append,
	.read = host_memory_read,
	.forget = host_memory_forget,
};

static int
host_memory_append(struct drover_scope *public, const char *subject, const char *key,
    const char *role, const char *text, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct message_out request;
	struct error err = { 0 };
	char *cut = xmalloc(MEMORY_TEXT_MAX + 1);
	struct buf clean = BUF_INIT;
	int r = -1;

	if (text == NULL)
		text = "";
	/*
	 * Each text is cleaned by itself. Cleaned together, a comment that
	 * begins in one text could hide another person's.
	 */
	prompt_clean(&clean, text);
	(void)text_copy(cut, MEMORY_TEXT_MAX + 1, buf_str(&clean));
	buf_free(&clean);
	if (!text_is_utf8(text, strlen(text)))
		error_set(&err, DROVER_PERMANENT, "text of a memory is not UTF-8");
	else if (service_line(subject, "subject of a memory", DROVER_KEY_MAX, false, &err) == 0 &&
	    service_line(key, "key of a memory", DROVER_KEY_MAX, false, &err) == 0 &&
	    service_line(role, "role of a memory", DROVER_NAME_MAX, false, &err) == 0 &&
	    service_text(cut, "text of a memory", MEMORY_TEXT_MAX, true, &err) == 0) {
		message_begin(&request, MESSAGE_MEMORY_APPEND, service_id(scope));
		message_put_s(&request, subject);
		message_put_s(&request, key);
		message_put_s(&request, role);
		message_put_s(&request, cut);
		r = service_ask(scope, &request, NULL, NULL, &err);
	}
	free(cut);
	return r == 0 ? 0 : scope_fail(out, &err);
}

static int64_t
host_memory_read(struct drover_scope *public, const char *subject, char *text, size_t size,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct message_out request;
	struct buf data = BUF_INIT;
	struct error err = { 0 };
	int64_t len = -1;

	if (service_line(subject, "subject of a memory", DROVER_KEY_MAX, false, &err) != 0)
		return scope_fail(out, &err);
	message_begin(&request, MESSAGE_MEMORY_READ, service_id(scope));
	message_put_s(&request, subject);
	/* Without a buffer the plugin asks only for the length. */
	message_put_u(&request, text == NULL || size == 0 ? UINT32_MAX : size - 1);
	if (service_ask(scope, &request, NULL, &data, &err) == 0)
		len = service_write(text, size, buf_str(&data), data.len);
	else
		len = scope_fail(out, &err);
	buf_free(&data);
	return len;
}

static int
host_memory_forget(struct drover_scope *public, const char *subject, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct message_out request;
	struct error err = { 0 };

	if (service_line(subject, "subject of a memory", DROVER_KEY_MAX, false, &err) != 0)
		return scope_fail(out, &err);
	message_begin(&request, MESSAGE_MEMORY_FORGET, service_id(scope));
	message_put_s(&request, subject);
	return service_ask(scope, &request, NULL, NULL, &err) == 0 ? 0 : scope_fail(out, &err);
}
