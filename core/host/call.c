/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->call: calls another plugin's operation by way of the core, and sends
 * the reply of this scope's own operation.
 */
#include "base/text.h"
#include "host/service.h"

static int64_t host_call_call(struct drover_scope *, const char *, const char *, uint64_t, char *,
    size_t, struct drover_error *);
static int host_call_reply(struct drover_scope *, const char *, uint64_t, struct drover_error *);
static int host_call_check(const char *, uint64_t, const char *, struct error *);

const struct drover_host_call host_call = {
	.size = sizeof host_call,
	.call = host_call_call,
	.reply = host_call_reply,
};

static int
host_call_check(const char *data, uint64_t len, const char *what, struct error *err)
{
	if (len > DROVER_PAYLOAD_MAX)
		return error_set(err, DROVER_PERMANENT, "%s is longer than %d bytes", what,
		    DROVER_PAYLOAD_MAX);
	if (data == NULL && len > 0)
		return error_set(err, DROVER_PERMANENT, "%s is NULL, but its length is not 0",
		    what);
	return 0;
}

static int64_t
host_call_call(struct drover_scope *public, const char *operation, const char *request,
    uint64_t len, char *reply, size_t size, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct message_out message;
	struct buf data = BUF_INIT;
	struct error err = { 0 };
	int64_t written;

	if (service_text(operation, "operation", 2 * DROVER_NAME_MAX + 1, false, &err) != 0 ||
	    host_call_check(request, len, "request", &err) != 0)
		return scope_fail(out, &err);
	if (!text_is_kind(operation)) {
		error_set(&err, DROVER_PERMANENT,
		    "\"%s\" is not an operation: write PLUGIN.OPERATION", operation);
		return scope_fail(out, &err);
	}
	message_begin(&message, MESSAGE_CALL, service_id(scope));
	message_put_s(&message, operation);
	message_put_b(&message, request != NULL ? request : "", (size_t)len);
	if (service_ask(scope, &message, NULL, &data, &err) != 0)
		written = scope_fail(out, &err);
	else
		written = service_write(reply, size, buf_str(&data), data.len);
	buf_free(&data);
	return written;
}

static int
host_call_reply(struct drover_scope *public, const char *reply, uint64_t len,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct message_out message;
	struct error err = { 0 };

	if (service_role(scope, ROLE_OPERATION, "call.reply", "an operation", &err) != 0 ||
	    host_call_check(reply, len, "reply", &err) != 0)
		return scope_fail(out, &err);
	if (scope->replied) {
		error_set(&err, DROVER_PERMANENT,
		    "call.reply: this call has been answered already");
		return scope_fail(out, &err);
	}
	message_begin(&message, MESSAGE_OPERATION_REPLY, service_id(scope));
	message_put_u(&message, scope->call);
	message_put_i(&message, DROVER_OK);
	message_put_i(&message, 0);
	message_put_s(&message, "");
	message_put_b(&message, reply != NULL ? reply : "", (size_t)len);
	if (service_ask(scope, &message, NULL, NULL, &err) != 0)
		return scope_fail(out, &err);
	scope->replied = true;
	return 0;
}
