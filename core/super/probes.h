/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: whether a plugin's credentials are good, as the plugin says itself.
 */
#ifndef SUPER_PROBES_H
#define SUPER_PROBES_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "super/fleet.h"

void probe_start(struct runner_handle *);
int64_t probe_tick(struct runner_handle *, int64_t now);
/*
 * An answer of the operation as {ok, checks, ...}, whatever it was. The caller
 * deletes.
 */
cJSON *probe_read(int code, const char *text, size_t len);
/* Keeps the result, which it takes over. */
void probe_take_reply(struct runner_handle *, cJSON *reply);
/* What the last one found missing: "what: text; what: text". */
void probe_missing(const struct runner_handle *, struct buf *out);
void probe_forget(struct runner_handle *);

#endif
