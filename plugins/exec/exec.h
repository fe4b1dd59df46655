/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the exec plugin share: the request that a job's payload
 * holds.
 */
#ifndef EXEC_H
#define EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "common/mem.h"
#include "common/text.h"

/* A parsed payload. Strings belong to json. */
struct request {
	cJSON *json;
	const char **argv;
	char **env;              /* NULL: none */
	const char *input;       /* NULL: none */
	int64_t timeout_ms;      /* 0: the job's own */
	bool scratch;
};

/*
 * PERMANENT with what is wrong with the payload. Free either way with
 * request_free.
 */
int request_parse(struct request *, const char *payload, uint64_t len, struct drover_error *);
void request_free(struct request *);

#endif
