/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one message of Socket Mode: its type, the id to acknowledge, and its
 * hint.
 */
#include <stdio.h>
#include <string.h>

#include "slack.h"

enum envelope
envelope_read(const char *text, size_t len, const char *self, char *id, size_t size,
    struct hint *hint)
{
	struct drover_error ignored;
	enum envelope what = ENVELOPE_IGNORE;
	const char *type, *envelope;
	cJSON *json;

	id[0] = '\0';
	memset(hint, 0, sizeof(*hint));
	if ((json = json_read(text, len, &ignored)) == NULL)
		return ENVELOPE_IGNORE;
	type = json_text(json, "type");
	envelope = json_text(json, "envelope_id");
	/*
	 * Only these characters are accepted, because they need no escaping
	 * when the id is written back into JSON.
	 */
	if (strlen(envelope) < size && text_is_of(envelope, TEXT_ALNUM "-_.:"))
		snprintf(id, size, "%s", envelope);
	if (strcmp(type, "hello") == 0) {
		what = ENVELOPE_HELLO;
	} else if (strcmp(type, "disconnect") == 0) {
		/*
		 * Any other reason means that the connection will end and Slack
		 * expects a new one.
		 */
		what = strcmp(json_text(json, "reason"), "link_disabled") == 0 ? ENVELOPE_DISABLED :
										 ENVELOPE_RENEW;
	} else if (strcmp(type, "events_api") == 0) {
		what = ENVELOPE_EVENT;
		if (!hint_from_event(json_at(json, "payload.event"), self, hint))
			memset(hint, 0, sizeof(*hint));
	}
	cJSON_Delete(json);
	return what;
}
