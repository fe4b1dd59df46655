/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the plugin of a forge; see forge.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/forge.h"
#include "common/web.h"

int
forge_open_pull(struct drover_scope *scope, const char *forge, cJSON *ask, char *number,
    size_t number_size, char *url, size_t size, struct drover_error *err)
{
	char operation[2 * DROVER_NAME_MAX], *request = json_print(ask),
					     *reply = xmalloc(DROVER_PAYLOAD_MAX + 1);
	struct drover_error why = { 0 };
	cJSON *answer = NULL;
	int64_t len;
	int code = 0;

	snprintf(operation, sizeof(operation), "%s.open-pull", forge);
	err->code = 0;
	len = scope->host->call->call(scope, operation, request, strlen(request), reply,
	    DROVER_PAYLOAD_MAX + 1, err);
	if (len >= 0 && len <= DROVER_PAYLOAD_MAX)
		answer = json_read(reply, (size_t)len, &why);
	snprintf(number, number_size, "%s", json_text(answer, "number"));
	snprintf(url, size, "%s", json_text(answer, "url"));
	if (len < 0)
		code = err->code != 0 ? err->code : DROVER_INTERNAL;
	else if (strncmp(url, "http", 4) != 0)
		code = plugin_fail(err, DROVER_INTERNAL, "%s: the reply has no url", operation);
	cJSON_Delete(answer);
	cJSON_Delete(ask);
	free(request);
	free(reply);
	return code;
}
