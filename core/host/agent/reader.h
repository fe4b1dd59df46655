/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of agents' output share with each other. */
#ifndef HOST_AGENT_READER_H
#define HOST_AGENT_READER_H

#include <stdint.h>

#include "base/json.h"
#include "host/agent/agent.h"

extern const struct agent_reader_kind reader_codex, reader_stream_json, reader_opencode,
    reader_plain;

#define READER_TEXT_MAX 65536
#define READER_FAILURE_MAX 4096
#define READER_WORDS_MAX 512

/* Replaces the buffer's content with s, made UTF-8 and cut to max bytes. */
void reader_set(struct buf *, const char *s, size_t max);
/* Appends s, made UTF-8 and cut so that the buffer has at most max bytes. */
void reader_add(struct buf *, const char *s, size_t len, size_t max);
/* A count of tokens from 0 to a bound that keeps sums from overflowing. */
int64_t reader_tokens(const cJSON *object, const char *key);
/* A price that is given in dollars, in millionths of a dollar. */
int64_t reader_microusd(const cJSON *object, const char *key);
/* Adds sign * part to sum, within bounds as well. */
void reader_sum(struct drover_usage *sum, const struct drover_usage *part, int sign);

#endif
