/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of what agents print. Each knows the event stream of one CLI. This
 * file finds a reader by name, hands it parsed events, and makes sure that what
 * is kept of them is bounded and UTF-8.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "host/agent/reader.h"

#define EVENT_MAX (1024 * 1024)
#define WORDS_LINE_MAX 4096                   /* a longer line is part of an event, not words */
#define COUNT_MAX INT64_C(1000000000000)      /* tokens of one event */
#define SUM_MAX INT64_C(1000000000000000)
#define PRICE_MAX 1e6

static void reader_words(struct agent_reader *, const char *line, size_t len);
static cJSON *reader_parse_mended(const char *line, size_t len);
static unsigned int reader_escape_value(const char *s, size_t len);
static int64_t reader_bounded(int64_t value);

static const struct agent_reader_kind *const kinds[] = { &reader_codex, &reader_stream_json,
	&reader_opencode, &reader_plain };

int
agent_reader_init(struct agent_reader *r, const char *name)
{
	size_t i;

	memset(r, 0, sizeof *r);
	if (name == NULL)
		name = reader_plain.name;
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i]->name, name) == 0) {
			r->kind = kinds[i];
			if (r->kind->state_size > 0)
				r->state = xcalloc(1, r->kind->state_size);
			return 0;
		}
	}
	return -1;
}

void
agent_reader_line(struct agent_reader *r, const char *line, size_t len)
{
	cJSON *event;

	if (r->kind->line != NULL) {
		r->kind->line(r, line, len);
		return;
	}
	while (len > 0 && (*line == ' ' || *line == '\t' || *line == '\r')) {
		line++;
		len--;
	}
	if (len == 0)
		return;
	if (*line != '{') {
		reader_words(r, line, len);
		return;
	}
	event = json_parse(line, len, EVENT_MAX, NULL);
	if (event == NULL)
		event = reader_parse_mended(line, len);
	if (event != NULL)
		r->kind->event(r, event);
	cJSON_Delete(event);
}

void
agent_reader_free(struct agent_reader *r)
{
	buf_free(&r->text);
	buf_free(&r->failure);
	buf_free(&r->words);
	free(r->state);
	memset(r, 0, sizeof *r);
}

void
agent_reader_text(const struct agent_reader *r, char *out, size_t size)
{
	const char *text = buf_str(&r->text);

	if (r->kind->line != NULL)
		text += text_fit_end(text, r->text.len, size - 1);
	text_copy(out, size, text);
}

const char *const *
agent_reader_names(void)
{
	static const char *const names[] = { "codex", "stream-json", "opencode", "plain", NULL };

	return names;
}

void
reader_set(struct buf *b, const char *s, size_t max)
{
	buf_clear(b);
	reader_add(b, s, strlen(s), max);
}

void
reader_add(struct buf *b, const char *s, size_t len, size_t max)
{
	size_t n, room = max > b->len ? max - b->len : 0;
	uint32_t cp;

	if (len <= room && text_is_utf8(s, len)) {
		buf_add(b, s, len);
		return;
	}
	for (; len > 0 && room > 0; s += n, len -= n) {
		n = text_decode(s, len, &cp);
		if (n > room)
			return;
		if (n > 0) {
			buf_add(b, s, n);
			room -= n;
		} else {
			buf_addc(b, '?');
			room--;
			n = 1;
		}
	}
}

int64_t
reader_tokens(const cJSON *object, const char *key)
{
	int64_t value = json_int(object, key, 0);

	return value < 0 ? 0 : value > COUNT_MAX ? COUNT_MAX : value;
}

int64_t
reader_microusd(const cJSON *object, const char *key)
{
	const cJSON *price = json_get(object, key);

	if (!cJSON_IsNumber(price) || !(price->valuedouble > 0) || price->valuedouble > PRICE_MAX)
		return 0;
	return (int64_t)(price->valuedouble * 1e6 + 0.5);
}

void
reader_sum(struct drover_usage *sum, const struct drover_usage *part, int sign)
{
	sum->input = reader_bounded(sum->input + sign * part->input);
	sum->cached = reader_bounded(sum->cached + sign * part->cached);
	sum->output = reader_bounded(sum->output + sign * part->output);
	sum->turns = reader_bounded(sum->turns + sign * part->turns);
	sum->cost_microusd = reader_bounded(sum->cost_microusd + sign * part->cost_microusd);
}

static void
reader_words(struct agent_reader *r, const char *line, size_t len)
{
	if (len > WORDS_LINE_MAX)
		return;
	buf_clear(&r->words);
	reader_add(&r->words, line, len, READER_WORDS_MAX);
}

/*
 * JavaScript that cuts a string inside an emoji prints half a surrogate pair,
 * which is not valid JSON. U+FFFD takes its place.
 */
static cJSON *
reader_parse_mended(const char *line, size_t len)
{
	char *copy =
	    len <= EVENT_MAX && memmem(line, len, "\\u", 2) != NULL ? xstrndup(line, len) : NULL;
	unsigned int value;
	cJSON *event;
	size_t i;

	if (copy == NULL || strlen(copy) != len) {
		free(copy);
		return NULL;
	}
	for (i = 0; i + 1 < len; i++) {
		if (copy[i] != '\\')
			continue;
		value = reader_escape_value(copy + i, len - i);
		if (value >= 0xd800 && value <= 0xdbff &&
		    (reader_escape_value(copy + i + 6, len - i - 6) & 0xfc00) == 0xdc00)
			i += 11;
		else if (value >= 0xd800 && value <= 0xdfff)
			memcpy(copy + i, "\\ufffd", 6);
		else
			i++;
	}
	event = json_parse(copy, len, EVENT_MAX, NULL);
	free(copy);
	return event;
}

/*
 * The code unit of an escape like \u20ac at the start of s; 0 when s does not
 * start with one.
 */
static unsigned int
reader_escape_value(const char *s, size_t len)
{
	char digits[5];

	if (len < 6 || s[0] != '\\' || s[1] != 'u' || strspn(s + 2, "0123456789abcdefABCDEF") < 4)
		return 0;
	memcpy(digits, s + 2, 4);
	digits[4] = '\0';
	return (unsigned int)strtoul(digits, NULL, 16);
}

static int64_t
reader_bounded(int64_t value)
{
	return value < 0 ? 0 : value > SUM_MAX ? SUM_MAX : value;
}
