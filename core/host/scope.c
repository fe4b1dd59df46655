/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scope behind a plugin's pointer: found, made ready, and ended with all
 * that it holds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/env.h"
#include "host/http/http.h"
#include "host/service.h"

struct scope *
scope_of(struct drover_scope *public)
{
	struct scope *scope;

	OBJ_CAST(scope, (struct scope *)public, SCOPE_MAGIC);
	return scope;
}

void
scope_init(struct scope *scope, enum scope_role role)
{
	memset(scope, 0, sizeof *scope);
	scope->public.host = &host_services;
	scope->magic = SCOPE_MAGIC;
	scope->role = role;
	scope->agent = "";
	scope->output = -1;
	scope->wait_fd = -1;
}

void
scope_end(struct scope *scope)
{
	OBJ_CHECK(scope, SCOPE_MAGIC);
	lease_end(scope);
	fetch_forget(scope);
	credentials_forget(scope);
	http_end(scope);
	env_end(scope);
	free(scope->prompt);
	scope->magic = 0;
}

int
scope_fail(struct drover_error *out, const struct error *err)
{
	struct error copy = *err;

	if (copy.code >= 0)
		copy.code = DROVER_INTERNAL;
	if (copy.text[0] == '\0')
		error_set(&copy, copy.code, "failed without a reason (%s)",
		    error_class_name(copy.code));
	if (out != NULL)
		memcpy(out, &copy, sizeof *out);
	return copy.code;
}
