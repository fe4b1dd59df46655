/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source slack.mention. A poll has two halves: look.c finds what was said
 * to the bot, and this file hands it over, oldest first, while there is room.
 * The cursor stays before what is left.
 *
 * A message is handed over once. The cursor knows the messages that a later
 * look finds again; if the cursor was lost, a reaction of the bot's on the
 * message shows that it was taken.
 *
 * Between polls, struct mention holds what saves requests. memory_check()
 * forgets it if the core has not kept the last cursor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mention.h"

#define POLL_PATIENCE 3000 /* ms to wait for a limit before the rest is left for the next poll */
#define TITLE_BYTES 120

static int mention_open(struct drover_scope *, void *, void **, struct drover_error *);
static int mention_poll(struct drover_scope *, void *, const char *, struct drover_error *);
static void mention_close(struct drover_scope *, void *);
static int candidate_order(const void *, const void *);
static bool candidate_known(struct look *, struct candidate *, bool *revised);
static char *candidate_payload(struct look *, const struct candidate *, const struct person *,
    struct payload *);
static int candidate_emit(struct look *, const struct candidate *, const struct person *,
    bool revised, char *repo, struct drover_error *);
static void candidate_kept(struct look *, const struct candidate *, const char *repo);
static int hand_over_one(struct look *, struct candidate *, int *room, struct drover_error *);
static int hand_over(struct look *, int room, struct drover_error *);
static const struct candidate *first_left(const struct look *, const char *, const char *);
static void move_on(struct look *);
static void memory_check(struct mention *, const char *);

static const struct drover_option mention_options[] = {
	{ "overlap", DROVER_DURATION, 0, "5m",
	    "How far back each look goes, for messages that were edited or came late." },
	{ "since", DROVER_DURATION, 0, "10m",
	    "How far back the very first look at a channel goes." },
	{ "lookback", DROVER_DURATION, 0, "24h",
	    "Age of threads that are read for new replies every five minutes; \"0s\": none." },
	{ "follow_ups", DROVER_BOOL, 0, "true",
	    "A reply in a thread that the bot was asked in needs no mention." },
	{ 0 },
};

static const char *const mention_authors[] = { "workspace", NULL };

const struct drover_source slack_mention = {
	.size = sizeof(struct drover_source),
	.name = SLACK_SOURCE,
	.summary = "Turns messages that mention the bot into jobs.",
	.options = mention_options,
	.interval_ms = 30000,
	.open = mention_open,
	.poll = mention_poll,
	.settle = slack_settle,
	.close = mention_close,
	.authors = mention_authors,
	.listen = slack_listen,
};

static int
mention_open(struct drover_scope *scope, void *plugin, void **state, struct drover_error *err)
{
	const struct drover_host_option *option = scope->host->option;
	struct mention *m = xcalloc(1, sizeof(*m));

	m->overlap = option->integer(scope, "overlap");
	m->since = option->integer(scope, "since");
	m->lookback = option->integer(scope, "lookback");
	m->follow_ups = option->integer(scope, "follow_ups") != 0;
	*state = m;
	return 0;
}

static void
mention_close(struct drover_scope *scope, void *state)
{
	struct mention *m = state;

	people_free(&m->people);
	free(m->channels);
	free(m);
}

static int
candidate_order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = ts_compare(x->ts, y->ts);

	return order != 0 ? order : strcmp(x->channel, y->channel);
}

/*
 * True if the message was handed over before. *revised says that it was handed
 * over with other words, and that work on those has not begun.
 */
static bool
candidate_known(struct look *l, struct candidate *c, bool *revised)
{
	const struct seen *seen = position_seen(l->p, c->channel, c->ts);

	*revised = false;
	if (seen == NULL)
		return c->taken;
	if (c->taken || strcmp(seen->edited, c->edited) == 0 ||
	    ts_compare(c->edited, seen->edited) < 0)
		return true;
	*revised = true;
	return false;
}

/* Makes the payload of a job, and its title, which it returns. */
static char *
candidate_payload(struct look *l, const struct candidate *c, const struct person *person,
    struct payload *p)
{
	const struct thread *thread = position_thread(l->p, c->channel, c->thread);
	char *plain = mrkdwn_read(c->text, l->m->user);
	size_t len;

	memset(p, 0, sizeof(*p));
	memcpy(p->channel, c->channel, sizeof(p->channel));
	memcpy(p->ts, c->ts, sizeof(p->ts));
	memcpy(p->thread, c->thread, sizeof(p->thread));
	memcpy(p->edited, c->edited, sizeof(p->edited));
	memcpy(p->user, c->user, sizeof(p->user));
	memcpy(p->name, person->name, sizeof(p->name));
	p->follow_up = c->follow_up;
	/* A repo that the message names goes before that of the thread. */
	if (!repo_named(l->scope, plain, p->repo, p->wrong) && p->wrong[0] == '\0') {
		if (thread != NULL && thread->repo[0] != '\0')
			memcpy(p->repo, thread->repo, sizeof(p->repo));
		else
			repo_usual(l->scope, c->channel, p->repo);
	}
	p->text = plain;
	plain[text_cut(plain, strlen(plain), SLACK_TEXT_MAX)] = '\0';
	len = text_cut(plain, strcspn(plain, "\n"), TITLE_BYTES);
	return len > 0 ? xstrndup(plain, len) : xstrdup("a mention");
}

static int
candidate_emit(struct look *l, const struct candidate *c, const struct person *person, bool revised,
    char *repo, struct drover_error *err)
{
	char key[DROVER_KEY_MAX], serial[DROVER_KEY_MAX], edit[DROVER_KEY_MAX], *title, *text;
	const char *marks[PERSON_MARKS + 2];
	struct drover_person author;
	struct drover_item item = { .size = sizeof(item),
		.kind = SLACK_KIND,
		.key = key,
		.serial = serial,
		.author = &author };
	struct payload payload;
	int code;

	title = candidate_payload(l, c, person, &payload);
	text = payload_write(&payload);
	person_public(person, &author, marks);
	snprintf(key, sizeof(key), "slack/%s/%s%s%s", c->channel, c->ts,
	    c->edited[0] != '\0' ? "@" : "", c->edited);
	snprintf(serial, sizeof(serial), "slack/%s/%s", c->channel, c->thread);
	item.title = title;
	item.repo = payload.repo[0] != '\0' ? payload.repo : NULL;
	item.payload = text;
	item.payload_len = strlen(text);
	if (revised) {
		/*
		 * This tells the job with the old words, which still waits,
		 * that they were edited.
		 */
		snprintf(edit, sizeof(edit), "edit/%s/%s", c->channel, c->ts);
		if ((code = l->scope->host->kv->set(l->scope, edit, c->edited, err)) != 0)
			goto out;
	}
	code = l->scope->host->queue->emit(l->scope, &item, err);
	memcpy(repo, payload.repo, sizeof(payload.repo));
	if (code == DROVER_PERMANENT || code == DROVER_CONFIG) {
		plugin_log(l->scope, DROVER_WARN, "%s is not taken: %s", key, err->text);
		code = 0;
	}
out:
	payload_free(&payload);
	free(title);
	free(text);
	return code;
}

/* Notes that the bot was asked in the thread. */
static void
candidate_kept(struct look *l, const struct candidate *c, const char *repo)
{
	struct thread *thread = position_thread_add(l->p, c->channel, c->thread, c->ts, l->now);

	if (*repo != '\0')
		snprintf(thread->repo, sizeof(thread->repo), "%s", repo);
}

static int
hand_over_one(struct look *l, struct candidate *c, int *room, struct drover_error *err)
{
	char repo[DROVER_NAME_MAX] = "";
	struct person person;
	bool revised;
	int allowed, code;

	if (candidate_known(l, c, &revised))
		return 0;
	/*
	 * A reply without a mention is a follow-up only in a thread in which
	 * the bot was asked.
	 */
	if (c->follow_up && position_thread(l->p, c->channel, c->thread) == NULL)
		return 0;
	if ((code = person_find(&l->m->people, l->a, c->user, &person, err)) != 0)
		return code;
	if ((person.flags & (DROVER_PERSON_SELF | DROVER_PERSON_BOT)) != 0)
		return 0;
	if ((allowed = person_allowed(l->scope, &person, err)) < 0)
		return allowed;
	if (allowed == 0 && c->follow_up)
		return 0;
	/*
	 * The core refuses strangers and keeps a record, so their messages take
	 * up no room; but the cursor can hold only so many of them.
	 */
	if (allowed == 0 && l->p->seen_len >= SEEN_MAX / 2)
		return 0;
	if ((allowed != 0 && *room == 0) || (!revised && l->p->seen_len == SEEN_MAX)) {
		c->left = true;
		return 0;
	}
	if ((code = candidate_emit(l, c, &person, revised, repo, err)) != 0)
		return code;
	position_seen_add(l->p, c->channel, c->ts, c->edited);
	if (allowed != 0) {
		(*room)--;
		candidate_kept(l, c, repo);
	}
	return 0;
}

static int
hand_over(struct look *l, int room, struct drover_error *err)
{
	size_t i;
	int code;

	if (l->len > 0)
		qsort(l->list, l->len, sizeof(*l->list), candidate_order);
	for (i = 0; i < l->len; i++) {
		code = hand_over_one(l, &l->list[i], &room, err);
		if (code == DROVER_AGAIN || code == DROVER_QUOTA) {
			/*
			 * The author could not be found out. Messages keep
			 * their order, so all of them wait.
			 */
			plugin_log(l->scope, DROVER_INFO, "the rest is handed over next time: %s",
			    err->text);
			for (; i < l->len; i++) {
				bool revised;

				l->list[i].left = !candidate_known(l, &l->list[i], &revised);
			}
			return 0;
		}
		if (code != 0)
			return code;
	}
	return 0;
}

/*
 * The oldest message that is left in a thread, or in a channel if thread is "".
 */
static const struct candidate *
first_left(const struct look *l, const char *channel, const char *thread)
{
	size_t i;

	for (i = 0; i < l->len; i++)
		if (l->list[i].left && strcmp(l->list[i].channel, channel) == 0 &&
		    (*thread != '\0' ? l->list[i].reply && strcmp(l->list[i].thread, thread) == 0 :
				       !l->list[i].reply))
			return &l->list[i];
	return NULL;
}

/*
 * Moves channels and threads on to what has been read, but not past what is
 * left.
 */
static void
move_on(struct look *l)
{
	const struct candidate *c;
	struct thread *thread;
	struct place *place;
	size_t i;

	/*
	 * A thread in which a message is left is followed from now on, because
	 * nothing else leads back to it.
	 */
	for (i = 0; i < l->len; i++) {
		char before[SLACK_TS_MAX];

		c = &l->list[i];
		if (!c->left || !c->reply || c->follow_up ||
		    position_thread(l->p, c->channel, c->thread) != NULL)
			continue;
		ts_before(before, c->ts);
		position_thread_add(l->p, c->channel, c->thread, before, l->now);
	}
	for (i = 0; i < l->reads_len; i++) {
		const struct read *r = &l->reads[i];

		c = first_left(l, r->channel, r->thread);
		if (r->thread[0] != '\0') {
			if ((thread = position_thread(l->p, r->channel, r->thread)) == NULL)
				continue;
			if (c != NULL)
				ts_before(thread->seen, c->ts);
			else if (ts_compare(r->newest, thread->seen) > 0)
				memcpy(thread->seen, r->newest, sizeof(thread->seen));
			continue;
		}
		if ((place = position_place(l->p, r->channel)) == NULL)
			continue;
		if (r->whole && ts_compare(r->newest, place->low) > 0)
			memcpy(place->low, r->newest, sizeof(place->low));
		if (c == NULL)
			continue;
		/*
		 * The pass begins anew, since it would end above what is left.
		 */
		place->page[0] = place->top[0] = '\0';
		if (ts_compare(c->ts, place->low) <= 0)
			ts_before(place->low, c->ts);
	}
	position_tidy(l->p, l->now, l->m->overlap);
}

/*
 * What is remembered of the last poll is wrong if the core did not keep its
 * cursor.
 */
static void
memory_check(struct mention *m, const char *cursor)
{
	if (m->cursor == 0 || m->cursor == text_hash(0, cursor, strlen(cursor)))
		return;
	memset(m->known, 0, sizeof(m->known));
	memset(m->handled, 0, sizeof(m->handled));
	m->checks_len = 0;
	m->full_ms = 0;
}

static int
mention_poll(struct drover_scope *scope, void *state, const char *cursor, struct drover_error *err)
{
	const struct drover_host *host = scope->host;
	struct mention *m = state;
	struct account account;
	struct look *l;
	char *next = NULL;
	int room, code;

	/*
	 * If there is no room, nothing is looked at: a later poll finds what
	 * was said.
	 */
	if ((room = host->capacity->available(scope, SLACK_KIND, err)) <= 0)
		return room;
	if (cursor == NULL)
		cursor = "";
	memory_check(m, cursor);
	if ((code = account_open(&account, scope, "bot_token", err)) != 0)
		return code;
	account.patience_ms = POLL_PATIENCE;
	l = xcalloc(1, sizeof(*l));
	l->p = xmalloc(sizeof(*l->p));
	l->scope = scope;
	l->m = m;
	l->a = &account;
	l->now = host->time->now(scope);
	l->monotonic = host->time->monotonic(scope);
	if (!position_read(l->p, cursor))
		plugin_log(scope, DROVER_WARN,
		    "the cursor cannot be read, so the look begins anew");
	if ((code = look_all(l, err)) != 0 || (code = hand_over(l, room, err)) != 0)
		goto out;
	move_on(l);
	next = position_write(l->p);
	if (strcmp(next, cursor) != 0 && (code = host->queue->cursor(scope, next, err)) != 0)
		goto out;
	look_done(l);
	m->cursor = text_hash(0, next, strlen(next));
out:
	look_free(l);
	free(l->p);
	free(l);
	free(next);
	account_close(&account);
	return code;
}
