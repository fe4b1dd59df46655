/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a scope: the start, the check of a plugin's pointer, and the end,
 * at which each service releases what it kept on the scope.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/service.h"

struct scope *
scope_of(struct drover_scope *public)
{
	struct scope *scope;

	OBJ_CAST(scope, (struct scope *)public, SCOPE_MAGIC);
	return scope;
}

void
scope_init(struct scope *scope, enum scope_role role, const struct drover_host *host)
{
	memset(scope, 0, sizeof *scope);
	scope->public.host = host;
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
	while (scope->ends_len > 0)
		scope->ends[--scope->ends_len](scope);
	scope->magic = 0;
}

void
scope_on_end(struct scope *scope, void (*end)(struct scope *))
{
	size_t i;

	for (i = 0; i < scope->ends_len; i++)
		if (scope->ends[i] == end)
			return;
	MUST(i < ARRAY_LEN(scope->ends));
	scope->ends[scope->ends_len++] = end;
}

int
scope_fail(struct drover_error *out, const struct error *err)
{
	struct error copy = *err;

	if (copy.code >= 0)
		copy.code = DROVER_INTERNAL;
	if (copy.text[0] == '\0')
		error_set(&copy, copy.code, "the call failed without giving a reason (%s)",
		    error_class_name(copy.code));
	if (out != NULL)
		memcpy(out, &copy, sizeof *out);
	return copy.code;
}
