/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads `codex exec --json`. turn.completed carries the usage of the whole
 * thread so far, with the cached tokens counted among the input tokens. An
 * error before a completed turn was overcome.
 */
#include <string.h>

#include "host/agent/reader.h"

struct codex {
	struct drover_usage before;  /* usage of threads that ended */
	struct drover_usage thread;  /* usage of the current thread so far */
};

static void codex_event(struct agent_reader *, const cJSON *event);
static void codex_item(struct agent_reader *, const cJSON *item);
static void codex_usage(struct agent_reader *, const cJSON *usage);

const struct agent_reader_kind reader_codex = {
	.name = "codex", .counts = true, .state_size = sizeof(struct codex), .event = codex_event,
};

static void
codex_event(struct agent_reader *r, const cJSON *event)
{
	const char *type = json_str(event, "type", ""), *message;

	if (strcmp(type, "item.completed") == 0) {
		codex_item(r, json_get(event, "item"));
	} else if (strcmp(type, "turn.completed") == 0) {
		codex_usage(r, json_get(event, "usage"));
		buf_clear(&r->failure);
		buf_clear(&r->words);
		r->claims_success = true;
	} else if (strcmp(type, "turn.failed") == 0) {
		message = json_str(json_get(event, "error"), "message", "the turn failed");
		reader_set(&r->failure, message, READER_FAILURE_MAX);
		r->claims_success = false;
	} else if (strcmp(type, "error") == 0) {
		message = json_str(event, "message", "an error without a message");
		if (strncmp(message, "Reconnecting", 12) == 0) {
			reader_set(&r->words, message, READER_WORDS_MAX);
			return;
		}
		reader_set(&r->failure, message, READER_FAILURE_MAX);
		r->claims_success = false;
	}
}

static void
codex_item(struct agent_reader *r, const cJSON *item)
{
	const char *type = json_str(item, "type", "");

	if (strcmp(type, "agent_message") == 0)
		reader_set(&r->text, json_str(item, "text", ""), READER_TEXT_MAX);
	else if (strcmp(type, "error") == 0)
		reader_set(&r->words, json_str(item, "message", ""), READER_WORDS_MAX);
}

static void
codex_usage(struct agent_reader *r, const cJSON *usage)
{
	struct codex *c = r->state;
	struct drover_usage now = { .turns = c->thread.turns + 1 };
	int64_t total = reader_tokens(usage, "input_tokens");

	now.cached = reader_tokens(usage, "cached_input_tokens");
	if (now.cached > total)
		now.cached = total;
	now.input = total - now.cached;
	now.output = reader_tokens(usage, "output_tokens");
	if (now.output < c->thread.output || total < c->thread.input + c->thread.cached) {
		reader_sum(&c->before, &c->thread, 1);
		now.turns = 1;
	}
	c->thread = now;
	r->usage = c->before;
	reader_sum(&r->usage, &c->thread, 1);
}
