/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the source slack.mention share: look.c finds what was
 * said, source_mention.c hands it over.
 */
#ifndef SLACK_MENTION_H
#define SLACK_MENTION_H

#include "slack.h"

#define KNOWN_MAX 512
#define TOLD_MAX 64
#define HINTS_MAX (HINT_SLOTS * HINT_LINES)

/*
 * The newest reply that was looked at in a thread in which the bot was not
 * asked.
 */
struct known {
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX], latest[SLACK_TS_MAX];
};

/*
 * When a thread in which the bot was asked is read again without a sign of
 * news.
 */
struct check {
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX];
	int64_t next_ms; /* monotonic */
};

/*
 * The source between polls. If it is lost with the process, Slack is only asked
 * again. Times are monotonic milliseconds. Those that may be 0, for never, are
 * one more than the clock said.
 */
struct mention {
	struct people people;
	char user[SLACK_ID_MAX], bot[SLACK_ID_MAX], team[SLACK_ID_MAX];
	int64_t who_ms; /* when Slack last said who the bot is, or 0 */
	char (*channels)[SLACK_ID_MAX];
	size_t channels_len;
	int64_t channels_ms; /* when the channels were asked for, or 0 */
	size_t turn;         /* index of the channel that the next look begins with */
	int64_t full_ms;     /* when everything was looked at, or 0 */
	/*
	 * with option history_per_minute: no history or replies are read before
	 * these times
	 */
	int64_t history_ms, replies_ms;
	char handled[HINT_SLOTS][SLACK_TS_MAX];
	struct known known[KNOWN_MAX];
	size_t known_next;
	struct check checks[THREADS_MAX];
	size_t checks_len;
	struct {
		char channel[SLACK_ID_MAX], error[64];
	} told[TOLD_MAX];
	size_t told_next;
	int64_t overlap, since, lookback;
	bool follow_ups;
	uint64_t cursor; /* hash of the cursor that was set last, or 0 */
};

/* A message that may ask for something. */
struct candidate {
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX], thread[SLACK_TS_MAX], edited[SLACK_TS_MAX],
	    user[SLACK_ID_MAX];
	char *text;
	bool reply, follow_up, taken;
	bool left; /* it could not be handed over in this poll */
};

/* How far a thread, or a channel if thread is "", was read in this poll. */
struct read {
	char channel[SLACK_ID_MAX], thread[SLACK_TS_MAX], newest[SLACK_TS_MAX];
	bool whole;
};

/* A thread to be read. */
struct wanted {
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX], latest[SLACK_TS_MAX], from[SLACK_TS_MAX];
	int hint; /* index of the hint that asks for it, or -1 */
};

/* One look, which is the first half of a poll. */
struct look {
	struct drover_scope *scope;
	struct mention *m;
	struct account *a;
	struct position *p;
	int64_t now, monotonic;
	struct hint hints[HINTS_MAX];
	bool hint_open[HINTS_MAX]; /* the hint was not followed yet */
	size_t hints_len;
	struct candidate *list;
	size_t len, room;
	struct read reads[PLACES_MAX + THREADS_MAX];
	size_t reads_len;
	struct wanted wanted[THREADS_MAX];
	size_t wanted_len;
	size_t good, failed; /* numbers of channels that could be read, and that could not */

	/* the channel or thread that is being read */
	const char *channel, *thread, *floor;
	char newest[SLACK_TS_MAX];
	bool asked; /* the bot was asked in this thread before */
};

/*
 * Reads channels and threads, and fills list and reads. A failure that concerns
 * one channel only, or comes late, only makes them shorter.
 */
int look_all(struct look *, struct drover_error *);
/* Remembers which hints were followed. Call it only when the cursor is set. */
void look_done(struct look *);
void look_free(struct look *);

#endif
