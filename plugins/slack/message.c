/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one message, from history, replies or an event: its author and place,
 * and whether it can ask for anything.
 */
#include <stdio.h>
#include <string.h>

#include "slack.h"

static bool message_subtype(const char *);
static bool message_taken(const cJSON *, const char *);

/*
 * True if the person wrote the message. Edits, joins, topics and the like are
 * messages of Slack's own.
 */
static bool
message_subtype(const char *subtype)
{
	return *subtype == '\0' || strcmp(subtype, "thread_broadcast") == 0 ||
	    strcmp(subtype, "file_share") == 0 || strcmp(subtype, "me_message") == 0;
}

static bool
message_taken(const cJSON *json, const char *self)
{
	static const char *const names[] = { "eyes", "white_check_mark", "x" };
	const cJSON *reaction, *user;
	size_t i;

	cJSON_ArrayForEach(reaction, json_at(json, "reactions")) {
		for (i = 0;
		     i < ARRAY_LEN(names) && strcmp(json_text(reaction, "name"), names[i]) != 0;
		     i++)
			;
		if (i == ARRAY_LEN(names))
			continue;
		cJSON_ArrayForEach(user, json_at(reaction, "users"))
			if (cJSON_IsString(user) && strcmp(user->valuestring, self) == 0)
				return true;
	}
	return false;
}

int
message_read(const cJSON *json, const char *channel, const char *self, struct message *m)
{
	const char *user = json_text(json, "user"), *thread = json_text(json, "thread_ts");

	memset(m, 0, sizeof(*m));
	if (!slack_id_valid(channel) || !ts_valid(json_text(json, "ts")))
		return -1;
	snprintf(m->channel, sizeof(m->channel), "%s", channel);
	ts_copy(m->ts, json_text(json, "ts"));
	ts_copy(m->thread, ts_valid(thread) ? thread : m->ts);
	ts_copy(m->edited, json_text_at(json, "edited.ts"));
	ts_copy(m->latest_reply, json_text(json, "latest_reply"));
	m->reply = strcmp(m->thread, m->ts) != 0;
	m->text = json_text(json, "text");
	snprintf(m->user, sizeof(m->user), "%s", slack_id_valid(user) ? user : "");
	m->person = m->user[0] != '\0' && strcmp(m->user, self) != 0 &&
	    strcmp(m->user, "USLACKBOT") != 0 && json_text(json, "bot_id")[0] == '\0' &&
	    json_at(json, "bot_profile") == NULL && message_subtype(json_text(json, "subtype"));
	m->taken = message_taken(json, self);
	return 0;
}

bool
message_has_key(const cJSON *json, const struct account *a, const char *key)
{
	const char *user = json_text(json, "user"), *bot = json_text(json, "bot_id");

	if (strcmp(user, a->user) != 0 && (a->bot[0] == '\0' || strcmp(bot, a->bot) != 0))
		return false;
	return strcmp(json_text_at(json, "metadata.event_type"), SLACK_EVENT) == 0 &&
	    strcmp(json_text_at(json, "metadata.event_payload.key"), key) == 0;
}
