/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->capacity: how many items a source may hand over now. Only the core
 * knows, so it is asked each time.
 */
#include <limits.h>

#include "base/text.h"
#include "host/service.h"

static int host_capacity_available(struct drover_scope *, const char *, struct drover_error *);

const struct drover_host_capacity host_capacity = {
	.size = sizeof host_capacity,
	.available = host_capacity_available,
};

static int
host_capacity_available(struct drover_scope *public, const char *kind, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct message_out request;
	struct error err = { 0 };
	int64_t number;

	if (service_text(kind, "kind", 2 * DROVER_NAME_MAX + 1, false, &err) != 0)
		return scope_fail(out, &err);
	if (!text_is_kind(kind)) {
		error_set(&err, DROVER_PERMANENT,
		    "\"%s\" is not a kind of job: write PLUGIN.PIPELINE", kind);
		return scope_fail(out, &err);
	}
	message_begin(&request, MESSAGE_CAPACITY_ASK, service_id(scope));
	message_put_s(&request, kind);
	if (service_ask(scope, &request, &number, NULL, &err) != 0)
		return scope_fail(out, &err);
	if (number < 0)
		return 0;
	return number > INT_MAX ? INT_MAX : (int)number;
}
