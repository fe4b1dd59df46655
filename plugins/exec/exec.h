/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the plugin exec share: the request in a job's payload. */
#ifndef EXEC_H
#define EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "common/mem.h"
#include "common/text.h"

/* A parsed payload. All strings belong to json. */
struct request {
	cJSON *json;
	const char **argv;
	char **env;              /* NULL if the request has no env */
	const char *input;       /* NULL if the request has no input */
	int64_t timeout_ms;      /* 0 means as long as the job may take */
	bool scratch;
};

/*
 * Returns 0, or DROVER_PERMANENT with what is wrong with the payload. Call
 * request_free() in both cases.
 */
int request_parse(struct request *, const char *payload, uint64_t len, struct drover_error *);
void request_free(struct request *);

#endif
