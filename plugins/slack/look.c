/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first half of a poll of slack.mention: finds what was said since the last
 * one. These are the new messages of each channel, and the new replies in the
 * threads that the bot was asked in, in those whose parent shows a newer reply,
 * and in those that Slack hinted at.
 *
 * A channel that cannot be read is logged once and passed over. A limit ends
 * the look early, and the next one begins where it stopped. Slack says nothing
 * when an old thread goes on, so threads of the bot are also read by the clock,
 * the less often the longer they have been quiet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mention.h"

#define PAGE_SIZE "100"
#define PAGE_SIZE_LIMITED "15"
#define READ_PAGES        20
#define CANDIDATES_MAX 10000
#define REPLIES_MAX       20 /* threads in one poll */
#define DUE_MAX           5  /* of these, the threads that are read only because it is time */
#define DEEP_MS (5 * SLACK_MINUTE)
#define CHANNELS_MS (5 * SLACK_MINUTE)
/* the time between looks at everything while hints call for polls */
#define FULL_MS           25000
#define DUE_LEAST 30000

static void tell(struct look *, const char *, const struct drover_error *);
static bool is_of_channel(const struct look *, int);
static const char *page_size(const struct look *);
static void floor_of(const struct look *, const struct place *, char *);
static int candidate_add(struct look *, const struct message *, bool follow_up,
    struct drover_error *);
static void want(struct look *, const char *, const char *, const char *, const char *, int);
static struct known *known_find(struct look *, const char *, const char *);
static void known_set(struct look *, const char *, const char *, const char *);
static void want_parent(struct look *, const struct message *);
static int channel_message(void *, const cJSON *, struct drover_error *);
static int thread_message(void *, const cJSON *, struct drover_error *);
static void read_note(struct look *, const char *, const char *, bool);
static int look_channel(struct look *, const char *, struct drover_error *);
static int look_thread(struct look *, const struct wanted *, struct drover_error *);
static struct check *check_find(struct mention *, const char *, const char *);
static void check_set(struct look *, const struct thread *);
static void want_due(struct look *);
static bool hint_fresh(const struct look *, const struct hint *);
static int look_hints(struct look *, bool *, struct drover_error *);
static bool hinted(const struct look *, const char *);
static void hints_close(struct look *, const char *);
static int look_refresh(struct look *, struct drover_error *);
static int look_channels(struct look *, bool, struct drover_error *);
static int look_threads(struct look *, struct drover_error *);

static void
tell(struct look *l, const char *channel, const struct drover_error *err)
{
	struct mention *m = l->m;
	size_t i;

	for (i = 0; i < TOLD_MAX; i++)
		if (strcmp(m->told[i].channel, channel) == 0 &&
		    strcmp(m->told[i].error, l->a->judged.error) == 0)
			return;
	i = m->told_next++ % TOLD_MAX;
	snprintf(m->told[i].channel, sizeof(m->told[i].channel), "%s", channel);
	snprintf(m->told[i].error, sizeof(m->told[i].error), "%s", l->a->judged.error);
	plugin_log(l->scope, DROVER_WARN, "channel %s cannot be read: %s", channel, err->text);
}

/*
 * True if the failure concerns only the channel that was read, so that reading
 * goes on with the others.
 */
static bool
is_of_channel(const struct look *l, int code)
{
	return code == DROVER_PERMANENT ||
	    (code == DROVER_CONFIG && judge_is_of_channel(l->a->judged.error));
}

static const char *
page_size(const struct look *l)
{
	return l->a->history_per_minute > 0 ? PAGE_SIZE_LIMITED : PAGE_SIZE;
}

/*
 * A message in a thread that the bot was not asked in counts only if it is
 * newer than this ts: until then both the channel and its threads were looked
 * at.
 */
static void
floor_of(const struct look *l, const struct place *place, char *out)
{
	ts_earlier(out, ts_compare(place->low, place->deep) < 0 ? place->low : place->deep,
	    l->m->overlap);
}

static int
candidate_add(struct look *l, const struct message *m, bool follow_up, struct drover_error *err)
{
	size_t len = text_cut(m->text, strlen(m->text), SLACK_TEXT_MAX), i;
	struct candidate *c;

	/* A reply that was also sent to the channel is found twice. */
	for (i = 0; i < l->len; i++)
		if (strcmp(l->list[i].ts, m->ts) == 0 &&
		    strcmp(l->list[i].channel, m->channel) == 0)
			return 0;
	if (l->len == CANDIDATES_MAX)
		return plugin_fail(err, DROVER_INTERNAL,
		    "slack: more than %d messages for the bot at once", CANDIDATES_MAX);
	l->list = xgrow(l->list, l->len, &l->room, sizeof(*l->list));
	c = &l->list[l->len++];
	memset(c, 0, sizeof(*c));
	memcpy(c->channel, m->channel, sizeof(c->channel));
	memcpy(c->ts, m->ts, sizeof(c->ts));
	memcpy(c->thread, m->thread, sizeof(c->thread));
	memcpy(c->edited, m->edited, sizeof(c->edited));
	memcpy(c->user, m->user, sizeof(c->user));
	c->reply = m->reply;
	c->follow_up = follow_up;
	c->taken = m->taken;
	c->text = xstrndup(m->text, len);
	return 0;
}

/*
 * Asks for a thread to be read. from asks for replies from there on even if the
 * channel was read further; "" means from where the thread was read to.
 */
static void
want(struct look *l, const char *channel, const char *ts, const char *latest, const char *from,
    int hint)
{
	struct wanted *w;
	size_t i;

	for (i = 0; i < l->wanted_len; i++) {
		w = &l->wanted[i];
		if (strcmp(w->ts, ts) != 0 || strcmp(w->channel, channel) != 0)
			continue;
		if (*from != '\0' && (w->from[0] == '\0' || ts_compare(from, w->from) < 0))
			ts_copy(w->from, from);
		if (ts_compare(latest, w->latest) > 0)
			ts_copy(w->latest, latest);
		return;
	}
	if (l->wanted_len == THREADS_MAX)
		return;
	w = &l->wanted[l->wanted_len++];
	memset(w, 0, sizeof(*w));
	snprintf(w->channel, sizeof(w->channel), "%s", channel);
	ts_copy(w->ts, ts);
	ts_copy(w->latest, latest);
	ts_copy(w->from, from);
	w->hint = hint;
}

static struct known *
known_find(struct look *l, const char *channel, const char *ts)
{
	size_t i;

	for (i = 0; i < KNOWN_MAX; i++)
		if (strcmp(l->m->known[i].ts, ts) == 0 &&
		    strcmp(l->m->known[i].channel, channel) == 0)
			return &l->m->known[i];
	return NULL;
}

static void
known_set(struct look *l, const char *channel, const char *ts, const char *latest)
{
	struct known *k = known_find(l, channel, ts);

	if (k == NULL)
		k = &l->m->known[l->m->known_next++ % KNOWN_MAX];
	snprintf(k->channel, sizeof(k->channel), "%s", channel);
	ts_copy(k->ts, ts);
	ts_copy(k->latest, latest);
}

/*
 * Asks for the thread of a parent to be read if the parent shows a newer reply.
 */
static void
want_parent(struct look *l, const struct message *m)
{
	const struct thread *thread = position_thread(l->p, m->channel, m->ts);
	const struct known *known = known_find(l, m->channel, m->ts);
	char floor[SLACK_TS_MAX];

	if (thread != NULL) {
		if (ts_compare(m->latest_reply, thread->seen) > 0)
			want(l, m->channel, m->ts, m->latest_reply, "", -1);
		else
			check_set(l, thread);
		return;
	}
	if (m->latest_reply[0] == '\0')
		return;
	floor_of(l, position_place(l->p, m->channel), floor);
	if (ts_compare(m->latest_reply, floor) > 0 &&
	    (known == NULL || ts_compare(m->latest_reply, known->latest) > 0))
		want(l, m->channel, m->ts, m->latest_reply, "", -1);
}

static int
channel_message(void *arg, const cJSON *json, struct drover_error *err)
{
	struct look *l = arg;
	struct message m;

	if (message_read(json, l->channel, l->m->user, &m) != 0)
		return 0;
	if (ts_compare(m.ts, l->newest) > 0)
		memcpy(l->newest, m.ts, sizeof(l->newest));
	if (!m.reply)
		want_parent(l, &m);
	if (!m.person || ts_compare(m.ts, l->floor) <= 0)
		return 0;
	/* A direct message to the bot needs no mention. */
	if (m.channel[0] != 'D' && !mrkdwn_mentions(m.text, l->m->user))
		return 0;
	return candidate_add(l, &m, false, err);
}

static int
thread_message(void *arg, const cJSON *json, struct drover_error *err)
{
	struct look *l = arg;
	struct message m;

	/*
	 * Each page begins with the parent, which is skipped because it is read
	 * with the channel.
	 */
	if (message_read(json, l->channel, l->m->user, &m) != 0 || !m.reply ||
	    strcmp(m.thread, l->thread) != 0)
		return 0;
	if (ts_compare(m.ts, l->newest) > 0)
		memcpy(l->newest, m.ts, sizeof(l->newest));
	if (!m.person || ts_compare(m.ts, l->floor) <= 0)
		return 0;
	if (m.channel[0] == 'D' || mrkdwn_mentions(m.text, l->m->user)) {
		l->asked = true;
		return candidate_add(l, &m, false, err);
	}
	if (!l->asked || !l->m->follow_ups || mrkdwn_calls_anyone(m.text))
		return 0;
	return candidate_add(l, &m, true, err);
}

static void
read_note(struct look *l, const char *channel, const char *thread, bool whole)
{
	struct read *r;

	if (l->reads_len == ARRAY_LEN(l->reads))
		return;
	r = &l->reads[l->reads_len++];
	memset(r, 0, sizeof(*r));
	snprintf(r->channel, sizeof(r->channel), "%s", channel);
	ts_copy(r->thread, thread);
	memcpy(r->newest, l->newest, sizeof(r->newest));
	r->whole = whole;
}

static int
look_channel(struct look *l, const char *channel, struct drover_error *err)
{
	char floor[SLACK_TS_MAX], oldest[SLACK_TS_MAX], start[SLACK_TS_MAX], cursor[PAGE_MAX];
	const struct param params[] = {
		{ "channel", channel },
		{ "oldest", oldest },
		{ "limit", page_size(l) },
		{ NULL, NULL },
	};
	bool limited = l->a->history_per_minute > 0, deep;
	struct place *place;
	int code;

	ts_from_ms(start, l->now - l->m->since);
	if ((place = position_place_add(l->p, channel, start)) == NULL)
		return plugin_fail(err, DROVER_PERMANENT,
		    "there are more than %d channels: name those that matter in option channels",
		    PLACES_MAX);
	/*
	 * Now and then look far enough back to see which older threads go on.
	 */
	deep = !limited && l->m->lookback > 0 && ts_to_ms(place->deep) + DEEP_MS <= l->now;
	ts_earlier(floor, place->low, l->m->overlap);
	memcpy(oldest, floor, sizeof(oldest));
	if (deep && ts_to_ms(oldest) > l->now - l->m->lookback)
		ts_from_ms(oldest, l->now - l->m->lookback);
	memcpy(cursor, place->page, sizeof(cursor));
	memcpy(l->newest, cursor[0] != '\0' ? place->top : "",
	    cursor[0] != '\0' ? sizeof(l->newest) : 1);
	l->channel = channel;
	l->floor = floor;
	code = account_pages(l->a, "conversations.history", params, "messages",
	    limited ? 1 : READ_PAGES, cursor, sizeof(cursor), channel_message, l, err);
	l->m->history_ms = l->monotonic + (limited ? SLACK_MINUTE / l->a->history_per_minute : 0);
	if (code != 0) {
		if (strcmp(l->a->judged.error, "invalid_cursor") == 0)
			place->page[0] = place->top[0] = '\0';
		return code;
	}
	memcpy(place->page, cursor, sizeof(place->page));
	ts_copy(place->top, cursor[0] != '\0' ? l->newest : "");
	/* If no look goes further back, no thread waits for one. */
	if (deep || limited || l->m->lookback <= 0)
		ts_from_ms(place->deep, l->now);
	read_note(l, channel, "", cursor[0] == '\0');
	return 0;
}

static int
look_thread(struct look *l, const struct wanted *w, struct drover_error *err)
{
	struct thread *thread = position_thread(l->p, w->channel, w->ts);
	struct place *place = position_place(l->p, w->channel);
	char floor[SLACK_TS_MAX], cursor[PAGE_MAX] = "";
	const struct param params[] = {
		{ "channel", w->channel },
		{ "ts", w->ts },
		{ "oldest", floor },
		{ "limit", page_size(l) },
		{ NULL, NULL },
	};
	bool limited = l->a->history_per_minute > 0;
	int code;

	if (thread != NULL)
		memcpy(floor, thread->seen, sizeof(floor));
	else if (place != NULL)
		floor_of(l, place, floor);
	else
		ts_from_ms(floor, l->now - l->m->since);
	if (thread == NULL && w->from[0] != '\0' && ts_compare(w->from, floor) <= 0)
		ts_before(floor, w->from);
	l->channel = w->channel;
	l->thread = w->ts;
	l->floor = floor;
	l->asked = thread != NULL;
	l->newest[0] = '\0';
	code = account_pages(l->a, "conversations.replies", params, "messages",
	    limited ? 1 : READ_PAGES, cursor, sizeof(cursor), thread_message, l, err);
	l->m->replies_ms = l->monotonic + (limited ? SLACK_MINUTE / l->a->history_per_minute : 0);
	if (code != 0)
		return code;
	/*
	 * Replies come oldest first, so the part that was read of a thread in
	 * which the bot was asked counts.
	 */
	if (thread == NULL && cursor[0] != '\0')
		return 0;
	if (thread == NULL && ts_compare(l->newest, w->latest) < 0)
		memcpy(l->newest, w->latest, sizeof(l->newest));
	read_note(l, w->channel, w->ts, true);
	return 0;
}

static struct check *
check_find(struct mention *m, const char *channel, const char *ts)
{
	size_t i;

	for (i = 0; i < m->checks_len; i++)
		if (strcmp(m->checks[i].ts, ts) == 0 && strcmp(m->checks[i].channel, channel) == 0)
			return &m->checks[i];
	return NULL;
}

/* The longer a thread has been quiet, the later it is read again. */
static void
check_set(struct look *l, const struct thread *thread)
{
	struct check *c = check_find(l->m, thread->channel, thread->ts);
	int64_t wait = (l->now - thread->active_ms) / 10;

	if (c == NULL)
		c = &l->m->checks[l->m->checks_len < THREADS_MAX ? l->m->checks_len++ :
								   (size_t)l->now % THREADS_MAX];
	memcpy(c->channel, thread->channel, sizeof(c->channel));
	memcpy(c->ts, thread->ts, sizeof(c->ts));
	c->next_ms = l->monotonic +
	    (wait < DUE_LEAST         ? DUE_LEAST :
		    wait > SLACK_HOUR ? SLACK_HOUR :
					wait);
}

static void
want_due(struct look *l)
{
	const struct thread *best;
	const struct check *c;
	int64_t due, best_due;
	size_t i, n;

	for (n = 0; n < DUE_MAX; n++) {
		best = NULL;
		best_due = 0;
		for (i = 0; i < l->p->threads_len; i++) {
			const struct thread *thread = &l->p->threads[i];
			size_t j;

			for (j = 0; j < l->wanted_len; j++)
				if (strcmp(l->wanted[j].ts, thread->ts) == 0 &&
				    strcmp(l->wanted[j].channel, thread->channel) == 0)
					break;
			c = check_find(l->m, thread->channel, thread->ts);
			due = c != NULL ? c->next_ms : 0;
			if (j == l->wanted_len && due <= l->monotonic &&
			    (best == NULL || due < best_due)) {
				best = thread;
				best_due = due;
			}
		}
		if (best == NULL)
			return;
		want(l, best->channel, best->ts, "", "", -1);
	}
}

static bool
hint_fresh(const struct look *l, const struct hint *h)
{
	return ts_compare(h->ts, l->m->handled[h->slot]) > 0 &&
	    ts_to_ms(h->ts) + SLACK_HOUR > l->now;
}

/* Gathers fresh hints. *partly says that only these need to be looked at. */
static int
look_hints(struct look *l, bool *partly, struct drover_error *err)
{
	int n = hint_look(l->scope, l->hints, HINTS_MAX, err);
	size_t i, kept = 0;

	if (n < 0)
		return n;
	for (i = 0; i < (size_t)n; i++)
		if (hint_fresh(l, &l->hints[i]))
			l->hints[kept++] = l->hints[i];
	l->hints_len = kept;
	*partly = kept > 0 && l->m->full_ms != 0 && l->monotonic + 1 - l->m->full_ms < FULL_MS;
	for (i = 0; i < kept; i++) {
		const struct hint *h = &l->hints[i];
		bool reply = strcmp(h->thread, h->ts) != 0;

		l->hint_open[i] = true;
		if (reply && (h->mention || position_thread(l->p, h->channel, h->thread) != NULL))
			want(l, h->channel, h->thread, h->ts, h->mention ? h->ts : "", (int)i);
		else if (reply)
			l->hint_open[i] = false;
	}
	return 0;
}

static bool
hinted(const struct look *l, const char *channel)
{
	size_t i;

	for (i = 0; i < l->hints_len; i++)
		if (strcmp(l->hints[i].channel, channel) == 0 &&
		    strcmp(l->hints[i].thread, l->hints[i].ts) == 0)
			return true;
	return false;
}

/* Closes the hints about the channel itself, which has been read. */
static void
hints_close(struct look *l, const char *channel)
{
	size_t i;

	for (i = 0; i < l->hints_len; i++)
		if (strcmp(l->hints[i].channel, channel) == 0 &&
		    strcmp(l->hints[i].thread, l->hints[i].ts) == 0)
			l->hint_open[i] = false;
}

static int
look_refresh(struct look *l, struct drover_error *err)
{
	char (*ids)[SLACK_ID_MAX];
	struct mention *m = l->m;
	size_t n, i, j;

	if (m->who_ms == 0 || m->who_ms + SLACK_HOUR < l->monotonic) {
		if (account_who(l->a, err) != 0)
			return err->code;
		memcpy(m->user, l->a->user, sizeof(m->user));
		memcpy(m->bot, l->a->bot, sizeof(m->bot));
		memcpy(m->team, l->a->team, sizeof(m->team));
		m->who_ms = l->monotonic + 1;
	}
	memcpy(l->a->user, m->user, sizeof(m->user));
	memcpy(l->a->bot, m->bot, sizeof(m->bot));
	memcpy(l->a->team, m->team, sizeof(m->team));
	if (m->channels_ms != 0 && m->channels_ms + CHANNELS_MS >= l->monotonic)
		return 0;
	if (channel_list(l->a, &ids, &n, err) != 0)
		return m->channels_ms != 0 &&
			(err->code == DROVER_AGAIN || err->code == DROVER_QUOTA) ?
		    0 :
		    err->code;
	free(m->channels);
	m->channels = ids;
	m->channels_len = n;
	m->channels_ms = l->monotonic + 1;
	/* Forget channels that the bot has left. */
	for (i = 0; i < l->p->places_len;) {
		for (j = 0; j < n && strcmp(ids[j], l->p->places[i].channel) != 0; j++)
			;
		if (j < n)
			i++;
		else
			l->p->places[i] = l->p->places[--l->p->places_len];
	}
	return 0;
}

static int
look_channels(struct look *l, bool partly, struct drover_error *err)
{
	size_t n = l->m->channels_len, turn = n > 0 ? l->m->turn % n : 0, i, round;
	bool limited = l->a->history_per_minute > 0;
	char why[DROVER_ERROR_MAX];
	int code;

	/* First the channels with hints, then the others in turn. */
	for (round = 0; round < (partly ? 1 : 2); round++) {
		for (i = 0; i < n; i++) {
			const char *channel = l->m->channels[(turn + i) % n];

			if (hinted(l, channel) != (round == 0))
				continue;
			if (limited && l->m->history_ms > l->monotonic)
				return 0;
			code = look_channel(l, channel, err);
			if (code == 0) {
				l->good++;
				hints_close(l, channel);
				if (round == 1)
					l->m->turn = (turn + i + 1) % n;
				continue;
			}
			l->failed++;
			if (is_of_channel(l, code)) {
				tell(l, channel, err);
				hints_close(l, channel);
				if (round == 1)
					l->m->turn = (turn + i + 1) % n;
				continue;
			}
			/*
			 * Begin with another one next time, in case only this
			 * one fails.
			 */
			l->m->turn = (turn + i + (code == DROVER_QUOTA ? 0 : 1)) % n;
			return code;
		}
	}
	if (!partly && l->failed > 0 && l->good == 0) {
		/* Slack's own word for the error, if there is one. */
		snprintf(why, sizeof(why), "%s",
		    l->a->judged.error[0] != '\0' ? l->a->judged.error : err->text);
		return err->code == DROVER_CONFIG ? err->code : plugin_fail(err, DROVER_CONFIG,
		    "slack: none of %zu channels can be read, the last for: %s", l->failed, why);
	}
	return 0;
}

static int
look_threads(struct look *l, struct drover_error *err)
{
	bool limited = l->a->history_per_minute > 0;
	struct thread *thread;
	size_t i;
	int code;

	for (i = 0; i < l->wanted_len && i < REPLIES_MAX; i++) {
		struct wanted *w = &l->wanted[i];

		if (limited && l->m->replies_ms > l->monotonic)
			return 0;
		code = look_thread(l, w, err);
		if (is_of_channel(l, code)) {
			/*
			 * The thread is gone or out of reach, so it may be
			 * forgotten.
			 */
			if ((thread = position_thread(l->p, w->channel, w->ts)) != NULL)
				thread->active_ms = 0;
			memcpy(l->newest, w->latest, sizeof(l->newest));
			read_note(l, w->channel, w->ts, true);
			code = 0;
		}
		if (code != 0)
			return code;
		if (w->hint >= 0)
			l->hint_open[w->hint] = false;
	}
	return 0;
}

int
look_all(struct look *l, struct drover_error *err)
{
	bool partly = false;
	int code;

	if ((code = look_refresh(l, err)) != 0 || (code = look_hints(l, &partly, err)) != 0)
		return code;
	code = look_channels(l, partly, err);
	if (code == 0 || l->good > 0) {
		if (code == 0 && !partly)
			want_due(l);
		if (code == 0)
			code = look_threads(l, err);
	}
	if (code == 0 && !partly)
		l->m->full_ms = l->monotonic + 1;
	if (code == DROVER_AUTH)
		l->m->who_ms = 0;
	if (code != 0 && (l->reads_len == 0 || (code != DROVER_AGAIN && code != DROVER_QUOTA)))
		return code;
	if (code != 0)
		plugin_log(l->scope, DROVER_INFO, "the rest is looked at next time: %s", err->text);
	return 0;
}

void
look_done(struct look *l)
{
	size_t i, j;

	for (i = 0; i < l->reads_len; i++) {
		const struct read *r = &l->reads[i];
		const struct thread *thread = position_thread(l->p, r->channel, r->thread);

		if (r->thread[0] == '\0')
			continue;
		if (thread != NULL)
			check_set(l, thread);
		else
			known_set(l, r->channel, r->thread, r->newest);
	}
	/* A slot counts as followed if all of its hints were followed. */
	for (i = 0; i < l->hints_len; i++) {
		char *handled = l->m->handled[l->hints[i].slot];

		for (j = 0;
		     j < l->hints_len && !(l->hints[j].slot == l->hints[i].slot && l->hint_open[j]);
		     j++)
			;
		if (j == l->hints_len && ts_compare(l->hints[i].ts, handled) > 0)
			ts_copy(handled, l->hints[i].ts);
	}
}

void
look_free(struct look *l)
{
	while (l->len > 0)
		free(l->list[--l->len].text);
	free(l->list);
	l->list = NULL;
}
