/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads `--output-format stream-json` of Claude Code and of CLIs that print the
 * same format (qwen-code). Each message carries its usage, which is repeated
 * for each of its blocks; the result carries the total. A run that ends without
 * a result is counted by its messages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "host/agent/reader.h"

#define SEEN 32

struct stream_json {
	struct {
		uint64_t id;
		struct drover_usage usage;
	} seen[SEEN]; /* ring of the last messages */
	unsigned int next;
	struct drover_usage sum;
	/*
	 * when the limit that was hit resets, as the vendor writes it; 0 if not
	 * known
	 */
	int64_t resets_at;
};

static void stream_json_event(struct agent_reader *, const cJSON *event);
static void stream_json_assistant(struct agent_reader *, const cJSON *event);
static void stream_json_result(struct agent_reader *, const cJSON *event);
static void stream_json_failure(struct agent_reader *, const cJSON *event);
static void stream_json_limit(struct agent_reader *, const cJSON *info);
static struct drover_usage stream_json_usage(const cJSON *usage);
static bool stream_json_used(const struct drover_usage *);

const struct agent_reader_kind reader_stream_json = {
	.name = "stream-json",
	.counts = true,
	.state_size = sizeof(struct stream_json),
	.event = stream_json_event,
};

static void
stream_json_event(struct agent_reader *r, const cJSON *event)
{
	const char *type = json_str(event, "type", "");

	if (strcmp(type, "assistant") == 0)
		stream_json_assistant(r, event);
	else if (strcmp(type, "result") == 0)
		stream_json_result(r, event);
	else if (strcmp(type, "rate_limit_event") == 0)
		stream_json_limit(r, json_get(event, "rate_limit_info"));
}

static void
stream_json_assistant(struct agent_reader *r, const cJSON *event)
{
	struct stream_json *st = r->state;
	const cJSON *message = json_get(event, "message"), *block;
	const char *id = json_str(message, "id", json_str(event, "uuid", "")), *text;
	struct drover_usage usage = stream_json_usage(json_get(message, "usage"));
	uint64_t hash = text_hash(id, strlen(id));
	unsigned int i;

	usage.turns = 1;
	for (i = 0; i < SEEN && (st->seen[i].id != hash || st->seen[i].usage.turns == 0); i++)
		;
	if (i < SEEN)
		reader_sum(&st->sum, &st->seen[i].usage, -1);
	else
		i = st->next++ % SEEN;
	st->seen[i].id = hash;
	st->seen[i].usage = usage;
	reader_sum(&st->sum, &usage, 1);
	r->usage = st->sum;

	if (json_get(event, "parent_tool_use_id") != NULL &&
	    !cJSON_IsNull(json_get(event, "parent_tool_use_id")))
		return;
	cJSON_ArrayForEach(block, json_get(message, "content")) {
		text = json_str(block, "text", "");
		if (strcmp(json_str(block, "type", ""), "text") == 0 && *text != '\0')
			reader_set(&r->text, text, READER_TEXT_MAX);
	}
}

static void
stream_json_result(struct agent_reader *r, const cJSON *event)
{
	struct stream_json *st = r->state;
	struct drover_usage total = stream_json_usage(json_get(event, "usage"));
	const char *text = json_str(event, "result", "");

	if (!stream_json_used(&total))
		total = st->sum;
	total.turns = reader_tokens(event, "num_turns");
	if (total.turns == 0)
		total.turns = st->sum.turns;
	total.cost_microusd = reader_microusd(event, "total_cost_usd");
	r->usage = st->sum = total;
	memset(st->seen, 0, sizeof st->seen);

	if (*text != '\0')
		reader_set(&r->text, text, READER_TEXT_MAX);
	r->claims_success = !json_bool(event, "is_error", false) &&
	    strncmp(json_str(event, "subtype", ""), "error", 5) != 0;
	if (r->claims_success)
		buf_clear(&r->failure);
	else
		stream_json_failure(r, event);
}

static void
stream_json_failure(struct agent_reader *r, const cJSON *event)
{
	const struct stream_json *st = r->state;
	const cJSON *first = cJSON_GetArrayItem(json_get(event, "errors"), 0);
	const char *text = json_str(event, "result", "");
	char resets[48];

	if (*text == '\0')
		text = json_str(json_get(event, "error"), "message", json_str(event, "error", ""));
	if (*text == '\0')
		text = cJSON_IsString(first) ? first->valuestring : json_str(first, "message", "");
	if (*text == '\0')
		text = json_str(event, "subtype", "an error without a message");
	reader_set(&r->failure, text, READER_FAILURE_MAX - sizeof resets);
	if (st->resets_at > 0) {
		snprintf(resets, sizeof resets, " (limit, resetsAt %" PRId64 ")", st->resets_at);
		reader_add(&r->failure, resets, strlen(resets), READER_FAILURE_MAX);
	}
}

static void
stream_json_limit(struct agent_reader *r, const cJSON *info)
{
	struct stream_json *st = r->state;

	if (strcmp(json_str(info, "status", ""), "rejected") == 0)
		st->resets_at = reader_tokens(info, "resetsAt");
	else
		st->resets_at = 0;
}

/*
 * If there is a total and it equals input plus output, then the cached tokens
 * are part of the input (qwen-code). Otherwise they are counted apart.
 */
static struct drover_usage
stream_json_usage(const cJSON *usage)
{
	int64_t input = reader_tokens(usage, "input_tokens"),
		total = reader_tokens(usage, "total_tokens");
	struct drover_usage u = {
		.cached = reader_tokens(usage, "cache_read_input_tokens"),
		.output = reader_tokens(usage, "output_tokens"),
	};

	if (total > 0 && total == input + u.output && u.cached <= input)
		u.input = input - u.cached;
	else
		u.input = input + reader_tokens(usage, "cache_creation_input_tokens");
	return u;
}

static bool
stream_json_used(const struct drover_usage *u)
{
	return u->input + u->cached + u->output > 0;
}
