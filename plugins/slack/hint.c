/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hints: where something was said, left by hook() and listen() for the next
 * poll(). They are kept in a fixed number of kv slots, chosen by channel and
 * thread, so that two processes seldom write the same slot at once. A lost hint
 * costs time and nothing else. Slots are overwritten and never removed: poll()
 * remembers which hints it has followed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#define HINT_LINE_MAX (SLACK_ID_MAX + 2 * SLACK_TS_MAX + 8)

static unsigned hint_slot(const struct hint *);
static void slot_key(char *, size_t, unsigned);
static size_t slot_read(char *, struct hint *, unsigned);

static unsigned
hint_slot(const struct hint *h)
{
	uint64_t hash = text_hash(0, h->channel, strlen(h->channel) + 1);

	return (unsigned)(text_hash(hash, h->thread, strlen(h->thread)) % HINT_SLOTS);
}

static void
slot_key(char *out, size_t size, unsigned slot)
{
	snprintf(out, size, "hint/%u", slot);
}

bool
hint_from_event(const cJSON *event, const char *self, struct hint *h)
{
	const char *type = json_text(event, "type");
	struct message m;

	memset(h, 0, sizeof(*h));
	if (strcmp(type, "app_mention") != 0 && strcmp(type, "message") != 0)
		return false;
	if (message_read(event, json_text(event, "channel"), self, &m) != 0 || !m.person)
		return false;
	h->mention = strcmp(type, "app_mention") == 0 ||
	    (*self != '\0' && mrkdwn_mentions(m.text, self)) || m.channel[0] == 'D';
	/*
	 * A reply may be a follow-up. A message in a channel without a mention
	 * is not for the bot.
	 */
	if (!h->mention && !m.reply)
		return false;
	memcpy(h->channel, m.channel, sizeof(h->channel));
	memcpy(h->thread, m.thread, sizeof(h->thread));
	memcpy(h->ts, m.ts, sizeof(h->ts));
	h->slot = hint_slot(h);
	return true;
}

/* Reads the valid lines of a slot, at most HINT_LINES. */
static size_t
slot_read(char *value, struct hint *out, unsigned slot)
{
	char *line, *rest = value, *word, *words;
	const char *parts[4];
	size_t n = 0, i;

	while (n < HINT_LINES && (line = strsep(&rest, "\n")) != NULL) {
		words = line;
		for (i = 0; i < 4 && (word = strsep(&words, " ")) != NULL; i++)
			parts[i] = word;
		if (i < 4 || !slack_id_valid(parts[0]) || !ts_valid(parts[1]) ||
		    !ts_valid(parts[2]))
			continue;
		memset(&out[n], 0, sizeof(out[n]));
		snprintf(out[n].channel, sizeof(out[n].channel), "%s", parts[0]);
		ts_copy(out[n].thread, parts[1]);
		ts_copy(out[n].ts, parts[2]);
		out[n].mention = *parts[3] == 'm';
		out[n++].slot = slot;
	}
	return n;
}

int
hint_leave(struct drover_scope *scope, const struct hint *h, struct drover_error *err)
{
	const struct drover_host *host = scope->host;
	char key[32], value[HINT_LINES * HINT_LINE_MAX] = "";
	struct hint old[HINT_LINES];
	struct text_buf out = { 0 };
	bool known = false;
	size_t n = 0, i;
	int64_t len;
	int code;

	slot_key(key, sizeof(key), h->slot);
	len = host->kv->get(scope, key, value, sizeof(value), err);
	if (len < 0 && err->code != 0)
		return err->code;
	if (len > 0 && (size_t)len < sizeof(value))
		n = slot_read(value, old, h->slot);
	for (i = n == HINT_LINES ? 1 : 0; i < n; i++)
		if (strcmp(old[i].ts, h->ts) != 0 || strcmp(old[i].channel, h->channel) != 0)
			text_addf(&out, "%s %s %s %c\n", old[i].channel, old[i].thread, old[i].ts,
			    old[i].mention ? 'm' : 'r');
		else if (old[i].mention)
			known = true;
	/*
	 * Slack sends both app_mention and message for a mention; the first one
	 * has already asked for a poll.
	 */
	if (known) {
		text_free(&out);
		return 0;
	}
	text_addf(&out, "%s %s %s %c\n", h->channel, h->thread, h->ts, h->mention ? 'm' : 'r');
	code = host->kv->set(scope, key, text_of(&out), err);
	text_free(&out);
	return code != 0 ? code : host->queue->wake(scope, SLACK_SOURCE, err);
}

int
hint_look(struct drover_scope *scope, struct hint *out, size_t max, struct drover_error *err)
{
	char key[32], value[HINT_LINES * HINT_LINE_MAX];
	struct hint lines[HINT_LINES];
	size_t n = 0, got, i;
	unsigned slot;
	int64_t len;

	for (slot = 0; slot < HINT_SLOTS; slot++) {
		slot_key(key, sizeof(key), slot);
		len = scope->host->kv->get(scope, key, value, sizeof(value), err);
		if (len < 0 && err->code != 0)
			return err->code;
		if (len <= 0 || (size_t)len >= sizeof(value))
			continue;
		got = slot_read(value, lines, slot);
		for (i = 0; i < got && n < max; i++)
			out[n++] = lines[i];
	}
	return (int)n;
}
