/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Slack, or somebody who plays Slack, may send: text both ways, envelopes,
 * events, cursors and payloads. The first byte chooses.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "slack/slack.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
static void calls_nobody(const char *);

/* Between < and > nothing but a link may stand. */
static void
calls_nobody(const char *text)
{
	for (; (text = strchr(text, '<')) != NULL; text += strcspn(text, ">"))
		if (strncasecmp(text, "<http://", 8) != 0 &&
		    strncasecmp(text, "<https://", 9) != 0 && strncasecmp(text, "<mailto:", 8) != 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct position position;
	struct drover_error err;
	struct payload payload;
	struct hint hint;
	char *text, *out, id[64];

	if (len == 0 || (text = malloc(len)) == NULL)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	switch (data[0] % 5) {
	case 0:
		out = mrkdwn_read(text, "U0BOT");
		free(out);
		(void)mrkdwn_mentions(text, "U0BOT");
		(void)mrkdwn_calls_anyone(text);
		break;
	case 1:
		out = mrkdwn_write(NULL, text, 200);
		if (strlen(out) > 200)
			abort();
		calls_nobody(out);
		free(out);
		break;
	case 2:
		(void)envelope_read(text, len - 1, "U0BOT", id, sizeof(id), &hint);
		break;
	case 3:
		if (position_read(&position, text)) {
			position_tidy(&position, INT64_C(1700000000000), 300000);
			out = position_write(&position);
			if (out == NULL || strlen(out) >= DROVER_VALUE_MAX ||
			    !position_read(&position, out))
				abort();
			free(out);
		}
		break;
	default:
		if (payload_read(&payload, text, len - 1, &err) == 0) {
			out = payload_write(&payload);
			free(out);
		}
		payload_free(&payload);
	}
	free(text);
	return 0;
}
