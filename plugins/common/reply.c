/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies of operations. All plugins' probes answer in the same form, which the
 * core and `drover secret check` read.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reply.h"
#include "common/web.h"

int
reply_send(struct drover_scope *scope, cJSON *json, struct drover_error *err)
{
	char *text = json_print(json);
	int code = scope->host->call->reply(scope, text, strlen(text), err);

	cJSON_Delete(json);
	free(text);
	return code;
}

void
probe_say(struct probe *probe, const char *what, bool ok, const char *format, ...)
{
	cJSON *check = json_object();
	char text[DROVER_ERROR_MAX + 128];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	probe->lacks = probe->lacks || !ok;
	if (probe->checks == NULL)
		probe->checks = json_array();
	json_put_text(check, "what", what);
	json_put_bool(check, "ok", ok);
	json_put_text(check, "text", text);
	json_push(probe->checks, check);
}

int
probe_reply(struct drover_scope *scope, struct probe *probe, const char *as, const char *base,
    struct drover_error *err)
{
	cJSON *reply = json_object();

	json_put_bool(reply, "ok", !probe->lacks);
	json_put_text(reply, "as", as);
	json_put_text(reply, "base", base);
	json_put(reply, "checks", probe->checks != NULL ? probe->checks : json_array());
	probe->checks = NULL;
	return reply_send(scope, reply, err);
}
