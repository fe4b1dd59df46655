/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API shows of plugins, sources, workers and requests to the outside.
 * The caller deletes each list.
 */
#ifndef SUPER_REPORT_H
#define SUPER_REPORT_H

#include <cjson/cJSON.h>

#include "super/inside.h"

/* Returns [{name, version, state, why, pid, starts, abi, exports...}]. */
cJSON *report_plugins(struct supervisor *);
/*
 * Returns [{name, state, interval_ms, last_poll, next_poll, items, refused,
 * failures, error, listen}].
 */
cJSON *report_sources(struct supervisor *);
/* Returns [{name, state, plugin, pid, job, since, cpu_ms, rss, output}]. */
cJSON *report_workers(struct supervisor *);
/*
 * Adds "http" to a status, and open breakers and paused credentials to a list
 * of warnings.
 */
void report_http(const struct supervisor *, cJSON *status, cJSON *warnings);

#endif
