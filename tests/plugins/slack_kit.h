/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workspace for tests of the plugin slack: a bot U0BOT in the channel C1, Ana
 * (U1) who is trusted, Eve (U2) who is not.
 */
#ifndef SLACK_KIT_H
#define SLACK_KIT_H

#include "fake_host.h"

#define T0 INT64_C(1700000000000)    /* now, when a test begins */

struct kit {
	struct fake *fake;
	const struct drover_plugin *plugin;
	const struct drover_source *source;
	void *state;
	struct drover_error err;
};

/* more: options beside the usual ones, "key", "value", ..., NULL. */
void kit_open(struct kit *, const char *const *more);
void kit_close(struct kit *);
int kit_poll(struct kit *);
/*
 * Answers the next read of a channel's history, newest first, or of a thread.
 * text: JSON of the messages, without []. Kept until kit_close().
 */
void kit_history(struct kit *, const char *channel, const char *messages);
void kit_replies(struct kit *, const char *channel, const char *thread, const char *messages);
/*
 * A message "U1: text" at second s after T0 as JSON; more: further members with
 * a comma before them.
 */
const char *kit_message(struct kit *, const char *user, int s, const char *text, const char *more);
/* snprintf into memory that lasts until kit_close(). */
const char *kit_text(const char *format, ...) DROVER_PRINTF(1, 2);

#endif
