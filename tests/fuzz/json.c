/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the JSON of a vendor: read within bounds or refused with a
 * class, and what was read can be written and read again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct drover_error why = { .code = 0 };
	char *text = malloc(len + 1), *once, id[32];
	cJSON *json;

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	json = json_read(text, len, &why);
	free(text);
	if (json == NULL) {
		if (why.code >= 0 || why.text[0] == '\0')
			abort();
		return 0;
	}
	json_id(json, "id", id, sizeof(id));
	(void)json_text_at(json, "a.b.c");
	once = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	if (once == NULL)
		return 0;
	if ((json = json_read(once, strlen(once), &why)) == NULL)
		abort();
	cJSON_Delete(json);
	cJSON_free(once);
	return 0;
}
