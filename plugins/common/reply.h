/* SPDX-License-Identifier: Apache-2.0 */
/* What operations reply: a JSON object, or the findings of a probe. */
#ifndef COMMON_REPLY_H
#define COMMON_REPLY_H

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

/* Replies with the object and frees it. Returns 0 or a class. */
int reply_send(struct drover_scope *, cJSON *, struct drover_error *);

/* The findings of a probe so far. Begin with zeros; probe_reply() frees it. */
struct probe {
	cJSON *checks;
	bool lacks;                            /* a finding was not ok */
};

/* Adds a finding: what was checked, and a sentence for people. */
void probe_say(struct probe *, const char *what, bool ok, const char *format, ...)
    DROVER_PRINTF(4, 5);
/*
 * Replies {"ok", "as", "base", "checks": [{"what", "ok", "text"}]} and frees
 * the probe. as is the account that drover works with, "" if that is not known.
 * Returns 0 or a class.
 */
int probe_reply(struct drover_scope *, struct probe *, const char *as, const char *base,
    struct drover_error *);

#endif
