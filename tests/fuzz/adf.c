/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any JSON as a document of Jira's, and any text as Markdown for one: what is
 * read stays bounded, what is written has no empty text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jira/adf.h"
#include "jira/fix.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
static void walk(const cJSON *);

static void
walk(const cJSON *node)
{
	const cJSON *child;

	if (strcmp(json_text(node, "type"), "text") == 0 && *json_text(node, "text") == '\0')
		abort();
	cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(node, "content"))
		walk(child);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct drover_error why = { 0 };
	struct text_buf out = { 0 }, wiki = { 0 };
	cJSON *json = json_read((const char *)data, len, &why), *document;
	char *text = malloc(len + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	adf_read(json, &out);
	if (out.len > ADF_READ_MAX + 1024)
		abort();
	cJSON_Delete(json);
	if ((document = adf_write(NULL, text)) == NULL)
		abort();
	walk(document);
	wiki_write(document, &wiki);
	cJSON_Delete(document);
	cJSON_Delete(triage_read(text));
	text_free(&out);
	text_free(&wiki);
	free(text);
	return 0;
}
