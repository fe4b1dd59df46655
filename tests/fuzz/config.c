/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any drover.conf: refused, or what a runner gets of it is the same
 * configuration.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
const char *__lsan_default_suppressions(void);

/* libconfig keeps what it had read when a file is broken. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xmalloc(len + 1);
	struct error err = { .code = 0 };
	struct buf diff = BUF_INIT;
	struct config *config, *copy;
	cJSON *json;

	memcpy(text, data, len);
	text[len] = '\0';
	config = config_parse(text, "fuzz.conf", &err);
	free(text);
	if (config == NULL)
		return 0;
	json = config_to_json(config);
	copy = config_from_json(json, &err);
	if (copy == NULL || config_diff(config, copy, &diff) != 0) {
		fprintf(stderr, "%s\n%s", err.text, buf_str(&diff));
		abort();
	}
	buf_free(&diff);
	cJSON_Delete(json);
	config_free(copy);
	config_free(config);
	return 0;
}
