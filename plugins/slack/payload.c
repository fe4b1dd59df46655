/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a job of slack.mention: the message as it was when it was
 * accepted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

static bool payload_copy(const cJSON *, const char *, char *, size_t);

char *
payload_write(const struct payload *p)
{
	cJSON *json = json_object();
	char *text;

	json_put_text(json, "channel", p->channel);
	json_put_text(json, "ts", p->ts);
	json_put_text(json, "thread", p->thread);
	json_put_text(json, "edited", p->edited);
	json_put_text(json, "user", p->user);
	json_put_text(json, "name", p->name);
	json_put_text(json, "repo", p->repo);
	json_put_text(json, "wrong", p->wrong);
	json_put_bool(json, "follow_up", p->follow_up);
	json_put_text(json, "text", p->text);
	text = json_print(json);
	cJSON_Delete(json);
	return text;
}

static bool
payload_copy(const cJSON *json, const char *key, char *out, size_t size)
{
	const char *text = json_text(json, key);

	if (strlen(text) >= size)
		return false;
	snprintf(out, size, "%s", text);
	return true;
}

int
payload_read(struct payload *p, const char *text, size_t len, struct drover_error *err)
{
	cJSON *json;
	bool good;

	memset(p, 0, sizeof(*p));
	if ((json = json_read(text, len, err)) == NULL)
		return plugin_fail(err, DROVER_PERMANENT, "the payload is not JSON");
	good = payload_copy(json, "channel", p->channel, sizeof(p->channel)) &&
	    slack_id_valid(p->channel) && payload_copy(json, "ts", p->ts, sizeof(p->ts)) &&
	    ts_valid(p->ts) && payload_copy(json, "thread", p->thread, sizeof(p->thread)) &&
	    ts_valid(p->thread) && payload_copy(json, "edited", p->edited, sizeof(p->edited)) &&
	    (p->edited[0] == '\0' || ts_valid(p->edited)) &&
	    payload_copy(json, "user", p->user, sizeof(p->user)) && slack_id_valid(p->user) &&
	    payload_copy(json, "name", p->name, sizeof(p->name)) &&
	    payload_copy(json, "repo", p->repo, sizeof(p->repo)) &&
	    payload_copy(json, "wrong", p->wrong, sizeof(p->wrong)) &&
	    strlen(json_text(json, "text")) <= SLACK_TEXT_MAX;
	p->follow_up = json_true(json, "follow_up");
	p->text = good ? xstrdup(json_text(json, "text")) : NULL;
	cJSON_Delete(json);
	if (!good)
		return plugin_fail(err, DROVER_PERMANENT,
		    "the payload is not a mention's, with channel, ts, thread, user and text");
	return 0;
}

void
payload_free(struct payload *p)
{
	free(p->text);
	p->text = NULL;
}
