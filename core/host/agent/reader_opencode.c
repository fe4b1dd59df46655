/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads `opencode run --format json`. Each step carries its usage, in which
 * cached tokens and reasoning are counted apart. The parts of one message share
 * a message id.
 */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "host/agent/reader.h"

struct opencode {
	uint64_t message;            /* hash of the id of the message in text */
};

static void opencode_event(struct agent_reader *, const cJSON *event);
static void opencode_text(struct agent_reader *, const cJSON *part);
static void opencode_step(struct agent_reader *, const cJSON *part);
static void opencode_error(struct agent_reader *, const cJSON *error);

const struct agent_reader_kind reader_opencode = {
	.name = "opencode",
	.counts = true,
	.state_size = sizeof(struct opencode),
	.event = opencode_event,
};

static void
opencode_event(struct agent_reader *r, const cJSON *event)
{
	const char *type = json_str(event, "type", "");

	if (strcmp(type, "text") == 0)
		opencode_text(r, json_get(event, "part"));
	else if (strcmp(type, "step_finish") == 0)
		opencode_step(r, json_get(event, "part"));
	else if (strcmp(type, "error") == 0)
		opencode_error(r, json_get(event, "error"));
}

static void
opencode_text(struct agent_reader *r, const cJSON *part)
{
	struct opencode *o = r->state;
	const char *id = json_str(part, "messageID", ""), *text = json_str(part, "text", "");
	uint64_t message = text_hash(id, strlen(id));

	if (*text == '\0')
		return;
	if (message != o->message)
		buf_clear(&r->text);
	else if (r->text.len > 0)
		reader_add(&r->text, "\n", 1, READER_TEXT_MAX);
	o->message = message;
	reader_add(&r->text, text, strlen(text), READER_TEXT_MAX);
}

static void
opencode_step(struct agent_reader *r, const cJSON *part)
{
	const cJSON *tokens = json_get(part, "tokens"), *cache = json_get(tokens, "cache");
	int64_t read = reader_tokens(cache, "read"), written = reader_tokens(cache, "write");
	int64_t input = reader_tokens(tokens, "input"), output = reader_tokens(tokens, "output");
	struct drover_usage step = {
		.input = input + written, .cached = read, .output = output, .turns = 1,
		.cost_microusd = reader_microusd(part, "cost"),
	};

	/*
	 * Some versions count the reasoning as part of the output. The total
	 * then adds up without it.
	 */
	if (reader_tokens(tokens, "total") != input + written + read + output)
		step.output += reader_tokens(tokens, "reasoning");
	reader_sum(&r->usage, &step, 1);
	if (strcmp(json_str(part, "reason", ""), "stop") == 0) {
		buf_clear(&r->failure);
		r->claims_success = true;
	}
}

static void
opencode_error(struct agent_reader *r, const cJSON *error)
{
	const cJSON *data = json_get(error, "data");
	const char *message =
	    json_str(data, "message", json_str(error, "message", "an error without a message"));
	int64_t status = reader_tokens(data, "statusCode");
	struct buf text = BUF_INIT;

	if (cJSON_IsString(error))
		message = error->valuestring;
	buf_addf(&text, "%s: %s", json_str(error, "name", "error"), message);
	if (status > 0)
		buf_addf(&text, " (status %" PRId64 ")", status);
	reader_set(&r->failure, buf_str(&text), READER_FAILURE_MAX);
	r->claims_success = false;
	buf_free(&text);
}
