/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies of operations. Every plugin's probe answers alike: start-up and
 * `drover secret check` read them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/reply.h"
#include "common/text.h"

int
reply_send(struct drover_scope *scope, cJSON *json, struct drover_error *err)
{
	char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;
	int code;

	cJSON_Delete(json);
	if (text == NULL)
		return plugin_fail(err, DROVER_INTERNAL, "out of memory");
	code = scope->host->call->reply(scope, text, strlen(text), err);
	cJSON_free(text);
	return code;
}

void
probe_say(struct probe *probe, const char *what, bool ok, const char *format, ...)
{
	cJSON *check = cJSON_CreateObject();
	char text[DROVER_ERROR_MAX + 128];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	probe->lacks = probe->lacks || !ok;
	if (probe->checks == NULL)
		probe->checks = cJSON_CreateArray();
	if (check == NULL || cJSON_AddStringToObject(check, "what", what) == NULL ||
	    cJSON_AddBoolToObject(check, "ok", ok) == NULL ||
	    cJSON_AddStringToObject(check, "text", text) == NULL ||
	    !cJSON_AddItemToArray(probe->checks, check)) {
		cJSON_Delete(check);
		probe->bad = true;
	}
}

int
probe_reply(struct drover_scope *scope, struct probe *probe, const char *as, const char *base,
    struct drover_error *err)
{
	cJSON *reply = cJSON_CreateObject();

	if (probe->checks == NULL)
		probe->checks = cJSON_CreateArray();
	if (probe->bad || cJSON_AddBoolToObject(reply, "ok", !probe->lacks) == NULL ||
	    cJSON_AddStringToObject(reply, "as", as) == NULL ||
	    cJSON_AddStringToObject(reply, "base", base) == NULL ||
	    !cJSON_AddItemToObject(reply, "checks", probe->checks)) {
		cJSON_Delete(probe->checks);
		cJSON_Delete(reply);
		reply = NULL;
	}
	probe->checks = NULL;
	return reply_send(scope, reply, err);
}
