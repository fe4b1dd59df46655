/* SPDX-License-Identifier: Apache-2.0 */
/* What operations answer: a JSON object, and the findings of a probe. */
#ifndef COMMON_REPLY_H
#define COMMON_REPLY_H

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

/* Answers with the object, which is freed. 0 or a class. */
int reply_send(struct drover_scope *, cJSON *, struct drover_error *);

/* What a probe found so far; begins zeroed and is freed by probe_reply. */
struct probe {
	cJSON *checks;
	bool lacks;                            /* one of them is not ok */
};

/* One finding: what was looked at, and a sentence for people. */
void probe_say(struct probe *, const char *what, bool ok, const char *format, ...)
    DROVER_PRINTF(4, 5);
/*
 * Answers {"ok", "as", "base", "checks": [{"what", "ok", "text"}]}. as: who
 * drover is there, "" where that is not known.
 */
int probe_reply(struct drover_scope *, struct probe *, const char *as, const char *base,
    struct drover_error *);

#endif
