/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: asks a plugin whether its own credentials work. */
#ifndef SUPER_PROBES_H
#define SUPER_PROBES_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "super/fleet.h"

void probe_start(struct runner_handle *);
int64_t probe_tick(struct runner_handle *, int64_t now);
/*
 * Turns any answer of the operation `probe` into {ok, checks, ...}. The caller
 * deletes it.
 */
cJSON *probe_read(int code, const char *text, size_t len);
/* Keeps the reply, which it takes over, and logs it if it has changed. */
void probe_take_reply(struct runner_handle *, cJSON *reply);
/* Appends what the last probe found missing, as "what: text; what: text". */
void probe_missing(const struct runner_handle *, struct buf *out);
void probe_forget(struct runner_handle *);

#endif
