/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readers of agents' output: whole transcripts, what is broken in them, and
 * anything at all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "host/agent/agent.h"
#include "suite.h"

#define FIXTURES SOURCE_DIR "/tests/fixtures/agents"
#define SHARED SOURCE_DIR "/../shared/agents"
#define MUTATIONS 20000

static void read_bytes(struct agent_reader *, const char *reader, const char *data, size_t len);
static bool read_file(struct agent_reader *, const char *reader, const char *dir, const char *file);
static void mutate(struct buf *);
static uint32_t dice(uint32_t sides);

static const struct transcript {
	const char *file, *reader;
	struct drover_usage usage;   /* input, cached, output, turns, cost */
	const char *text, *failure;
	bool success;
} transcripts[] = {
	{ "codex-work.jsonl", "codex", { 12000, 40000, 1300, 1, 0 },
	    "Fixed the login form — “remember me” works again.\nAll tests pass.", "", true },
	{ "codex-two-turns.jsonl", "codex", { 2600, 900, 130, 3, 0 }, "Second half done.", "",
	    true },
	{ "codex-limit.jsonl", "codex", { 0, 0, 0, 0, 0 }, "",
	    "You’ve hit your usage limit. Upgrade to Pro or try again at 3:40 AM.", false },
	{ "codex-refused.jsonl", "codex", { 0, 0, 0, 0, 0 }, "",
	    "unexpected status 401 Unauthorized: bad key, url: http://127.0.0.1:1/v1/responses",
	    false },
	{ "claude-work.jsonl", "stream-json", { 3320, 3150, 150, 4, 123456 },
	    "Done: the form works again.", "", true },
	{ "claude-stopped.jsonl", "stream-json", { 3320, 3150, 150, 3, 0 }, "Done: the form works.",
	    "", false },
	{ "claude-limit.jsonl", "stream-json", { 0, 0, 0, 1, 0 },
	    "You've hit your limit · resets 10pm (UTC)",
	    "You've hit your limit · resets 10pm (UTC) (limit, resetsAt 1700000000)", false },
	{ "claude-turns.jsonl", "stream-json", { 100, 0, 10, 1, 10000 }, "Still at it.",
	    "Reached maximum number of turns (1)", false },
	{ "qwen-work.jsonl", "stream-json", { 800, 1100, 50, 2, 0 }, "Edited a.", "", true },
	{ "qwen-refused.jsonl", "stream-json", { 0, 0, 0, 1, 0 },
	    "[API Error: 401 Incorrect API key provided]", "", true },
	{ "opencode-work.jsonl", "opencode", { 2300, 600, 80, 2, 3000 },
	    "Done.\nTwo files changed.", "", true },
	{ "opencode-refused.jsonl", "opencode", { 0, 0, 0, 0, 0 }, "",
	    "APIError: Incorrect API key provided (status 401)", false },
	{ "plain-work.txt", "plain", { 0, 0, 0, 0, 0 },
	    "Thinking about it...\nI changed nothing: the form is fine.\n", "", false },
};

START_TEST(a_transcript_is_understood)
{
	const struct transcript *t = &transcripts[_i];
	struct agent_reader r;

	ck_assert(read_file(&r, t->reader, FIXTURES, t->file));
	ck_assert_int_eq(r.usage.input, t->usage.input);
	ck_assert_int_eq(r.usage.cached, t->usage.cached);
	ck_assert_int_eq(r.usage.output, t->usage.output);
	ck_assert_int_eq(r.usage.turns, t->usage.turns);
	ck_assert_int_eq(r.usage.cost_microusd, t->usage.cost_microusd);
	ck_assert_str_eq(buf_str(&r.text), t->text);
	ck_assert_str_eq(buf_str(&r.failure), t->failure);
	ck_assert_int_eq(r.claims_success, t->success);
	agent_reader_free(&r);
}
END_TEST

/* What the genuine CLIs printed; not part of the source. */
START_TEST(genuine_transcripts_are_understood)
{
	static const struct {
		const char *file, *reader;
		int64_t input, cached, output;
		const char *text, *failure;
	} genuine[] = {
		{ "codex-0.169.exec-json.jsonl", "codex", 2000, 400, 68, "Done: wrote AGENT.txt",
		    "" },
		{ "codex-0.169.exec-json.auth.jsonl", "codex", 0, 0, 0, "",
		    "unexpected status 401 Unauthorized" },
		{ "codex-0.169.exec-json.quota.jsonl", "codex", 0, 0, 0, "",
		    "hit your usage limit" },
		{ "opencode-1.18.run-json.jsonl", "opencode", 2400, 0, 68, "Done: wrote AGENT.txt",
		    "" },
		{ "qwen-code-0.15.stream-json.jsonl", "stream-json", 2400, 0, 68,
		    "Done: wrote AGENT.txt", "" },
		{ "qwen-code-0.15.stream-json.auth.jsonl", "stream-json", 0, 0, 0,
		    "[API Error: 401 Incorrect API key provided]", "" },
		{ "qwen-code-0.15.stream-json.quota.jsonl", "stream-json", 0, 0, 0, "", "" },
	};
	struct agent_reader r;
	size_t i;

	for (i = 0; i < ARRAY_LEN(genuine); i++) {
		if (!read_file(&r, genuine[i].reader, SHARED, genuine[i].file)) {
			printf("skipped: %s/%s is not there\n", SHARED, genuine[i].file);
			continue;
		}
		ck_assert_int_eq(r.usage.input, genuine[i].input);
		ck_assert_int_eq(r.usage.cached, genuine[i].cached);
		ck_assert_int_eq(r.usage.output, genuine[i].output);
		ck_assert_str_eq(buf_str(&r.text), genuine[i].text);
		ck_assert_msg(genuine[i].failure[0] != '\0' ?
			strstr(buf_str(&r.failure), genuine[i].failure) != NULL :
			r.failure.len == 0,
		    "%s: %s", genuine[i].file, buf_str(&r.failure));
		agent_reader_free(&r);
	}
}
END_TEST

START_TEST(every_name_is_a_reader)
{
	const char *const *name;
	struct agent_reader r;

	for (name = agent_reader_names(); *name != NULL; name++) {
		ck_assert_int_eq(agent_reader_init(&r, *name), 0);
		ck_assert_str_eq(r.kind->name, *name);
		agent_reader_free(&r);
	}
	ck_assert_int_eq(agent_reader_init(&r, NULL), 0);
	ck_assert_str_eq(r.kind->name, "plain");
	agent_reader_free(&r);
	ck_assert_int_eq(agent_reader_init(&r, "gpt"), -1);
}
END_TEST

START_TEST(an_error_that_was_overcome_is_none)
{
	static const char text[] =
	    "{\"type\":\"error\",\"message\":\"stream disconnected\"}\n"
	    "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}\n";
	struct agent_reader r;

	read_bytes(&r, "codex", text, strlen(text));
	ck_assert_uint_eq(r.failure.len, 0);
	ck_assert(r.claims_success);
	agent_reader_free(&r);
}
END_TEST

START_TEST(a_reconnection_is_no_failure_yet)
{
	static const char text[] =
	    "{\"type\":\"error\",\"message\":\"Reconnecting... 2/5 (timeout)\"}\n";
	struct agent_reader r;

	read_bytes(&r, "codex", text, strlen(text));
	ck_assert_uint_eq(r.failure.len, 0);
	ck_assert_str_eq(buf_str(&r.words), "Reconnecting... 2/5 (timeout)");
	agent_reader_free(&r);
}
END_TEST

START_TEST(what_is_no_event_is_remembered)
{
	static const char text[] =
	    "\n  \nnode: bad option: --json\n{\"type\":\"unheard.of\"}\n{broken\n";
	struct agent_reader r;

	read_bytes(&r, "codex", text, strlen(text));
	ck_assert_str_eq(buf_str(&r.words), "node: bad option: --json");
	ck_assert(!r.claims_success);
	agent_reader_free(&r);
}
END_TEST

START_TEST(half_an_emoji_loses_no_event)
{
	static const char line[] =
	    "{\"type\":\"result\",\"subtype\":\"success\",\"result\":\"\\ud83d\\ude00 \\\\ud83d "
	    "\\ud83d\",\"usage\":{\"output_tokens\":9}}";
	struct agent_reader r;

	read_bytes(&r, "stream-json", line, strlen(line));
	ck_assert_str_eq(buf_str(&r.text), "\xf0\x9f\x98\x80 \\ud83d \xef\xbf\xbd");
	ck_assert_int_eq(r.usage.output, 9);
	agent_reader_free(&r);
}
END_TEST

START_TEST(numbers_from_outside_are_bounded)
{
	static const char line[] =
	    "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":9007199254740991,\"cached_"
	    "input_tokens\":-5,\"output_tokens\":1e300}}\n"
	    "{\"type\":\"result\",\"num_turns\":\"many\",\"total_cost_usd\":1e308,\"usage\":{"
	    "\"input_tokens\":-7,\"output_tokens\":[1]}}\n"
	    "{\"type\":\"step_finish\",\"part\":{\"cost\":-3,\"tokens\":{\"cache\":7}}}\n";
	static const char step[] =
	    "{\"type\":\"step_finish\",\"part\":{\"tokens\":{\"input\":9007199254740991}}}";
	const char *const *name;
	struct agent_reader r;
	int i;

	for (name = agent_reader_names(); *name != NULL; name++) {
		ck_assert_int_eq(agent_reader_init(&r, *name), 0);
		agent_reader_free(&r);
		read_bytes(&r, *name, line, strlen(line));
		for (i = 0; i < 10000; i++)
			agent_reader_line(&r, step, strlen(step));
		ck_assert_int_ge(r.usage.input, 0);
		ck_assert_int_ge(r.usage.cached, 0);
		ck_assert_int_ge(r.usage.output, 0);
		ck_assert_int_eq(r.usage.cost_microusd, 0);
		agent_reader_free(&r);
	}
}
END_TEST

START_TEST(text_is_kept_within_bounds)
{
	struct agent_reader r;
	struct buf line = BUF_INIT;
	char out[16384];
	int i;

	buf_adds(&line,
	    "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"head");
	for (i = 0; i < 50000; i++)
		buf_adds(&line, "€");
	buf_adds(&line, "\"}}");
	ck_assert_int_eq(agent_reader_init(&r, "codex"), 0);
	agent_reader_line(&r, line.data, line.len);
	ck_assert_uint_le(r.text.len, 65536);
	ck_assert_uint_gt(r.text.len, 65000);
	ck_assert(text_is_utf8(r.text.data, r.text.len));
	agent_reader_text(&r, out, sizeof out);
	ck_assert(strncmp(out, "head€", 7) == 0 && text_is_utf8(out, strlen(out)));
	agent_reader_free(&r);

	ck_assert_int_eq(agent_reader_init(&r, "plain"), 0);
	buf_clear(&line);
	for (i = 0; i < 1000; i++)
		buf_adds(&line, "€ and \xff");
	for (i = 0; i < 500; i++)
		agent_reader_line(&r, line.data, line.len);
	agent_reader_line(&r, "the last line", 13);
	ck_assert_uint_le(r.text.len, 65536);
	agent_reader_text(&r, out, sizeof out);
	ck_assert(text_is_utf8(out, strlen(out)));
	ck_assert_str_eq(out + strlen(out) - 14, "the last line\n");
	buf_free(&line);
	agent_reader_free(&r);
}
END_TEST

START_TEST(nothing_that_comes_does_harm)
{
	struct buf original = BUF_INIT, mutant = BUF_INIT;
	struct agent_reader r;
	struct error err;
	char *path;
	size_t i;
	int n;

	srand(20231114);
	for (i = 0; i < ARRAY_LEN(transcripts); i++) {
		path = path_join(FIXTURES, transcripts[i].file);
		buf_clear(&original);
		ck_assert_int_eq(path_read(path, 1 << 20, &original, &err), 0);
		free(path);
		for (n = 0; n < MUTATIONS / (int)ARRAY_LEN(transcripts); n++) {
			buf_clear(&mutant);
			buf_add(&mutant, original.data, original.len);
			mutate(&mutant);
			read_bytes(&r, transcripts[i].reader, buf_str(&mutant), mutant.len);
			ck_assert(r.usage.input >= 0 && r.usage.cached >= 0 &&
			    r.usage.output >= 0 && r.usage.turns >= 0);
			ck_assert(
			    r.text.len <= 65536 && r.failure.len <= 4096 && r.words.len <= 512);
			ck_assert(text_is_utf8(buf_str(&r.text), r.text.len) &&
			    text_is_utf8(buf_str(&r.failure), r.failure.len));
			agent_reader_free(&r);
		}
	}
	buf_free(&original);
	buf_free(&mutant);
}
END_TEST

static void
read_bytes(struct agent_reader *r, const char *reader, const char *data, size_t len)
{
	const char *newline;
	size_t n;

	ck_assert_int_eq(agent_reader_init(r, reader), 0);
	while (len > 0) {
		newline = memchr(data, '\n', len);
		n = newline != NULL ? (size_t)(newline - data) : len;
		agent_reader_line(r, data, n);
		if (newline != NULL)
			n++;
		data += n;
		len -= n;
	}
}

static bool
read_file(struct agent_reader *r, const char *reader, const char *dir, const char *file)
{
	char *path = path_join(dir, file);
	struct buf text = BUF_INIT;
	struct error err;
	bool there = path_read(path, 1 << 20, &text, &err) == 0;

	if (there)
		read_bytes(r, reader, buf_str(&text), text.len);
	buf_free(&text);
	free(path);
	return there;
}

/* A few changes: a byte, a cut, a piece twice, a number in place of a word. */
static void
mutate(struct buf *b)
{
	static const char *const spice[] = { "null", "[]", "{", "-1", "1e999", "\"\\ud800\"",
		"\"\\u0000\"", "\xff", "}}}}", "\n" };
	struct buf out = BUF_INIT;
	uint32_t times = dice(6) + 1, at, len;

	while (times-- > 0 && b->len > 2) {
		at = dice((uint32_t)b->len - 1);
		len = dice((uint32_t)b->len - at);
		buf_clear(&out);
		buf_add(&out, b->data, at);
		switch (dice(5)) {
		case 0:
			buf_addc(&out, (char)dice(256));
			buf_add(&out, b->data + at + 1, b->len - at - 1);
			break;
		case 1:
			buf_add(&out, b->data + at + len, b->len - at - len);
			break;
		case 2:
			buf_add(&out, b->data + at, len > 300 ? 300 : len);
			buf_add(&out, b->data + at, b->len - at);
			break;
		case 3:
			buf_adds(&out, spice[dice(ARRAY_LEN(spice))]);
			buf_add(&out, b->data + at, b->len - at);
			break;
		default:
			buf_adds(&out, spice[dice(ARRAY_LEN(spice))]);
			buf_add(&out, b->data + at + (len > 12 ? 12 : len),
			    b->len - at - (len > 12 ? 12 : len));
			break;
		}
		buf_clear(b);
		buf_add(b, out.data, out.len);
	}
	buf_free(&out);
}

static uint32_t
dice(uint32_t sides)
{
	return (uint32_t)rand() % sides;
}

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "reader", NULL, NULL);

	tcase_add_loop_test(tc, a_transcript_is_understood, 0, ARRAY_LEN(transcripts));
	tcase_add_test(tc, genuine_transcripts_are_understood);
	tcase_add_test(tc, every_name_is_a_reader);
	tcase_add_test(tc, an_error_that_was_overcome_is_none);
	tcase_add_test(tc, a_reconnection_is_no_failure_yet);
	tcase_add_test(tc, what_is_no_event_is_remembered);
	tcase_add_test(tc, half_an_emoji_loses_no_event);
	tcase_add_test(tc, numbers_from_outside_are_bounded);
	tcase_add_test(tc, text_is_kept_within_bounds);
	tcase_add_test(tc, nothing_that_comes_does_harm);
}

SUITE(cases)
