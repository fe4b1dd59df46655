/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the plugin slack share, by file: the account, times, text,
 * messages, and the cursor of the source.
 */
#ifndef SLACK_H
#define SLACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drover/plugin.h>

#include "common/text.h"
#include "common/web.h"

#define SLACK_ID_MAX   32 /* bytes of an id of a user, channel or team, with its NUL */
#define SLACK_TS_MAX 24
#define SLACK_NAME_MAX 96
#define SLACK_TEXT_MAX 16384 /* bytes of a message in a payload or a prompt */
#define SLACK_POST_MAX 3900  /* bytes of a message of drover's; Slack shows longer ones in pieces */
#define SLACK_KIND "slack.mention"
#define SLACK_SOURCE "mention"
#define SLACK_EVENT    "drover" /* event_type in the metadata of drover's messages */
#define SLACK_MINUTE INT64_C(60000)
#define SLACK_HOUR (60 * SLACK_MINUTE)

/*
 * ---- ts.c: the id and time of a message, a string of seconds and
 * microseconds; as a double it would lose digits ----
 */

bool ts_valid(const char *ts);
/* Compares like strcmp(). An invalid ts is older than all others. */
int ts_compare(const char *a, const char *b);
void ts_from_ms(char out[SLACK_TS_MAX], int64_t ms);
int64_t ts_to_ms(const char *ts); /* 0 if the ts is invalid */
/* Writes the ts that is so many milliseconds earlier, but not before 1970. */
void ts_earlier(char out[SLACK_TS_MAX], const char *ts, int64_t ms);
/* Writes the last ts before this one. */
void ts_before(char out[SLACK_TS_MAX], const char *ts);
/* Copies a ts; an invalid one becomes "". */
void ts_copy(char out[SLACK_TS_MAX], const char *ts);

/* ---- mrkdwn.c: Slack's own markup ---- */

/* True for an id of Slack's: A-Z and 0-9, at most SLACK_ID_MAX - 1. */
bool slack_id_valid(const char *id);
/*
 * Returns the text as a person reads it: entities, mentions, channels and links
 * are replaced, and <@self> is left out. The caller frees it.
 */
char *mrkdwn_read(const char *text, const char *self);
/*
 * Turns Markdown into Slack's markup, escaped, of at most max bytes, with a
 * note where it was cut. The caller frees it.
 */
char *mrkdwn_write(struct drover_scope *, const char *markdown, size_t max);
/* True if the text has "<@USER>" outside code and quotes. */
bool mrkdwn_mentions(const char *text, const char *user);
/* True if the text mentions people, groups or the channel. */
bool mrkdwn_calls_anyone(const char *text);
/* Appends plain text; & < > are escaped. */
void mrkdwn_escape(struct text_buf *, const char *text);

/* ---- judge.c: answers with HTTP 200 that are failures ---- */

/*
 * A method of the Web API, and how often it may be called: count times in
 * per_ms.
 */
struct method {
	const char *name;
	bool read;       /* GET */
	bool once;       /* calling it twice would show */
	bool of_channel; /* the limit counts for each channel apart */
	uint32_t count;
	int64_t per_ms;
};

/* How Slack answered one call. */
struct judged {
	const struct method *method;
	const char *limit; /* name of the limit */
	char error[64];    /* "channel_not_found", or "" */
	bool unsure;       /* the call may have had an effect although it failed */
};

/* Finds a method by its name; NULL if this plugin does not call it. */
const struct method *method_find(const char *name);
/* The judge of drover_http_request; arg is a struct judged. */
void judge_answer(void *arg, struct drover_scope *, const struct drover_http_response *,
    struct drover_http_verdict *);
/*
 * True if the error is one of this channel only, so that other channels may
 * still be read.
 */
bool judge_is_of_channel(const char *error);

/* ---- account.c: the workspace, asked with one token ---- */

struct account {
	struct drover_scope *scope;
	struct web web;
	char *authorization;
	struct judged judged;        /* answer to the last call */
	uint32_t history_per_minute; /* 0 means what Slack's tier 3 allows */
	int64_t patience_ms;         /* patience of each call; 0 means the host's default */
	bool critical;               /* a job or a person waits; false for polls */
	/* Filled in by account_who(). */
	char user[SLACK_ID_MAX], bot[SLACK_ID_MAX], team[SLACK_ID_MAX], name[SLACK_NAME_MAX],
	    url[256];
	char scopes[1024]; /* granted scopes, as "a,b,c"; "" if Slack does not say */
};

/*
 * A parameter of a call. A list ends with a NULL key; a parameter with a NULL
 * value is left out.
 */
struct param {
	const char *key, *value;
};

/*
 * Opens an account with the token of option bot_token, or of another SECRET
 * option.
 */
int account_open(struct account *, struct drover_scope *, const char *token, struct drover_error *);
void account_close(struct account *);
/*
 * Calls a method. Returns 0 for ok:true, or for an error that means the same,
 * which judged.error then names. The caller frees the answer. channel is for
 * the limit only and may be NULL.
 */
int account_call(struct account *, const char *method, const char *channel, const struct param *,
    struct web_answer *, struct drover_error *);
/* Calls auth.test, and fills in user, bot, team and scopes. */
int account_who(struct account *, struct drover_error *);
/* True if the granted scopes are known and this one is not among them. */
bool account_lacks(const struct account *, const char *scope);
/*
 * Reads the pages of a list by cursor, like web_pages(), and calls each with
 * every element of the array at. cursor, of size bytes or NULL, says where to
 * begin; it becomes where the next page begins, or "" at the end of the list.
 */
int account_pages(struct account *, const char *method, const struct param *, const char *at,
    int pages, char *cursor, size_t size,
    int (*each)(void *arg, const cJSON *, struct drover_error *), void *arg, struct drover_error *);

/* ---- person.c ---- */

#define PERSON_MARKS 12

struct person {
	char id[SLACK_ID_MAX];
	char name[SLACK_NAME_MAX]; /* "" if it is not known */
	char groups[PERSON_MARKS][SLACK_NAME_MAX];
	uint32_t flags;   /* DROVER_PERSON_* */
	bool workspace;   /* a full member of the bot's own workspace */
	int64_t known_ms; /* wall time when Slack was asked, or 0 */
};

#define PEOPLE_MAX 256

struct group {
	char handle[SLACK_NAME_MAX]; /* "@devs" */
	char *users;                 /* " U1 U2 " */
};

/* What is known of people for `authors`, kept for ten minutes. */
struct people {
	struct person list[PEOPLE_MAX];
	size_t len;
	struct group *groups;
	size_t groups_len;
	int64_t groups_ms;
	bool told; /* the log was told that a scope is missing */
};

/*
 * Finds a person with the marks that authors may name. What Slack does not
 * answer is left out, and logged once.
 */
int person_find(struct people *, struct account *, const char *id, struct person *,
    struct drover_error *);
/*
 * Returns 1 if the person may start work and be quoted, 0 if not, or a class.
 */
int person_allowed(struct drover_scope *, const struct person *, struct drover_error *);
/*
 * Fills in the core's struct, which points into the person and to marks; marks
 * has room for PERSON_MARKS + 2.
 */
void person_public(const struct person *, struct drover_person *, const char **marks);
void people_free(struct people *);

/* ---- message.c: one message as Slack gives it ---- */

struct message {
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX];
	char thread[SLACK_TS_MAX]; /* ts of its thread; its own ts if it begins one */
	char user[SLACK_ID_MAX], edited[SLACK_TS_MAX], latest_reply[SLACK_TS_MAX];
	const char *text; /* points into the tree that it was read from */
	bool reply;
	bool person; /* written by a person: by no bot, and not by Slack itself */
	bool taken;  /* a reaction of the bot's says that it was taken */
};

/*
 * Reads a message. Returns 0, or -1 if it has no valid ts or place. self is the
 * bot's user id.
 */
int message_read(const cJSON *, const char *channel, const char *self, struct message *);
/* True if the message is the bot's and its metadata has this key. */
bool message_has_key(const cJSON *, const struct account *, const char *key);

/* ---- payload.c: what the source hands to the pipeline ---- */

struct payload {
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX], thread[SLACK_TS_MAX], edited[SLACK_TS_MAX];
	char user[SLACK_ID_MAX], name[SLACK_NAME_MAX];
	char repo[DROVER_NAME_MAX];  /* "" if it is not known */
	char wrong[DROVER_NAME_MAX]; /* a repo that was asked for but is not configured */
	char *text;                  /* the text as it was written */
	bool follow_up;
};

/* Makes JSON. The caller frees it. */
char *payload_write(const struct payload *);
int payload_read(struct payload *, const char *text, size_t len, struct drover_error *);
void payload_free(struct payload *);

/* ---- repo.c: which repo a message is about ---- */

/*
 * True if the message names a repo: "repo:NAME", "in NAME" of a configured one,
 * or nothing but a name. wrong gets a name after "repo:" that is not
 * configured.
 */
bool repo_named(struct drover_scope *, const char *plain, char repo[DROVER_NAME_MAX],
    char wrong[DROVER_NAME_MAX]);
/*
 * Finds the repo of a message that names none: by option channel_repos, then by
 * option repo, then the only one that is configured.
 */
bool repo_usual(struct drover_scope *, const char *channel, char repo[DROVER_NAME_MAX]);
/* Appends "`a`, `b`, `c`", with a bound. */
void repo_list(struct drover_scope *, struct text_buf *);

/* ---- hint.c: where something was said, for the next poll ---- */

#define HINT_SLOTS 64
#define HINT_LINES 8

struct hint {
	char channel[SLACK_ID_MAX], thread[SLACK_TS_MAX], ts[SLACK_TS_MAX];
	bool mention;
	unsigned slot;
};

/*
 * Reads a hint from the inner object of an event. Returns false if the event
 * cannot matter.
 */
bool hint_from_event(const cJSON *event, const char *self, struct hint *);
/* Keeps the hint, and has the source polled. */
int hint_leave(struct drover_scope *, const struct hint *, struct drover_error *);
/*
 * Reads at most max of the hints that are kept, the newest of each slot last.
 * Returns their number, or a class.
 */
int hint_look(struct drover_scope *, struct hint *, size_t max, struct drover_error *);

/* ---- position.c: the cursor ---- */

#define PLACES_MAX 300
#define THREADS_MAX 200
#define SEEN_MAX 200
#define PAGE_MAX 160

/* How far a channel has been read. */
struct place {
	char channel[SLACK_ID_MAX];
	char low[SLACK_TS_MAX];  /* all messages up to here are handled */
	char deep[SLACK_TS_MAX]; /* when its older threads were last looked for */
	/*
	 * the newest message of a pass that goes on with page; "" if there is
	 * no such pass
	 */
	char top[SLACK_TS_MAX];
	char page[PAGE_MAX];
};

/* A thread that the bot was asked in. */
struct thread {
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX];
	char seen[SLACK_TS_MAX]; /* all replies up to here are handled */
	int64_t active_ms;       /* wall time when the bot was last asked */
	char repo[DROVER_NAME_MAX];
};

/* A message that was handed over. */
struct seen {
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX], edited[SLACK_TS_MAX];
};

struct position {
	struct place places[PLACES_MAX];
	size_t places_len;
	struct thread threads[THREADS_MAX];
	size_t threads_len;
	struct seen seen[SEEN_MAX];
	size_t seen_len;
};

/*
 * Reads a cursor; "" gives an empty position. Returns false, with an empty
 * position, if the text is not a cursor of this source.
 */
bool position_read(struct position *, const char *cursor);
/*
 * Writes a cursor of at most DROVER_VALUE_MAX bytes. If it would be longer, the
 * threads that were quiet for longest are left out. The caller frees it.
 */
char *position_write(struct position *);
struct place *position_place(struct position *, const char *channel);
/* Finds or makes the place of a channel; NULL if there are too many. */
struct place *position_place_add(struct position *, const char *channel, const char *low);
struct thread *position_thread(struct position *, const char *channel, const char *ts);
/*
 * Finds or makes a thread. If there are too many, it replaces the one that was
 * quiet for longest.
 */
struct thread *position_thread_add(struct position *, const char *channel, const char *ts,
    const char *seen, int64_t now);
struct seen *position_seen(struct position *, const char *channel, const char *ts);
/*
 * Notes a message that was handed over. Returns false if there is no room, so
 * that no further one may be handed over.
 */
bool position_seen_add(struct position *, const char *channel, const char *ts, const char *edited);
/*
 * Forgets threads that were quiet for 14 days, and messages that are too old
 * for any look to find them again.
 */
void position_tidy(struct position *, int64_t now, int64_t overlap);

/* ---- post.c: drover's own messages ---- */

struct post {
	const char *channel, *thread; /* thread may be NULL */
	const char *text;             /* text in Slack's markup */
	const char *key;              /* key for the metadata; at most DROVER_KEY_MAX */
	const char *after;            /* ts of a message that is certainly older, or NULL */
};

/*
 * Posts a message, once whatever crashes: it is found again by its metadata or
 * its text. ts gets its ts.
 */
int post_once(struct account *, const struct post *, char ts[SLACK_TS_MAX], struct drover_error *);
/* Replaces a message's text. Returns PERMANENT if the message is gone. */
int post_edit(struct account *, const char *channel, const char *ts, const char *text,
    struct drover_error *);
/* Adds or removes a reaction. Returns 0 even if it was so already. */
int post_reaction(struct account *, bool add, const char *channel, const char *ts, const char *name,
    struct drover_error *);

/* ---- channel.c ---- */

/*
 * Lists the ids of the channels in option channels, where names ("#web") are
 * looked up, or of all channels that the bot is in. The caller frees ids.
 */
int channel_list(struct account *, char (**ids)[SLACK_ID_MAX], size_t *n, struct drover_error *);
/* Finds the id of a channel given as "C1" or "#web". */
int channel_find(struct account *, const char *name, char id[SLACK_ID_MAX], struct drover_error *);

/*
 * ---- source_mention.c, pipeline_mention.c, operations.c, hook.c, socket.c
 * ----
 */

extern const struct drover_source slack_mention;
extern const struct drover_pipeline slack_pipeline;
extern const struct drover_operation slack_post, slack_probe;

int slack_hook(struct drover_scope *, void *, const struct drover_delivery *,
    struct drover_receipt *, struct drover_error *);
int slack_listen(struct drover_scope *, void *, struct drover_error *);
/* Tells people, in the message about a job, how the job ended. */
int slack_settle(struct drover_scope *, void *, const struct drover_settled *,
    struct drover_error *);

/* ---- envelope.c: one message of Socket Mode ---- */

enum envelope {
	ENVELOPE_IGNORE,
	ENVELOPE_HELLO,
	ENVELOPE_EVENT,
	ENVELOPE_RENEW,
	ENVELOPE_DISABLED
};
/*
 * Reads a message of Socket Mode. id, of size bytes, gets what must be
 * acknowledged, or "". hint is filled in for an EVENT that has one; otherwise
 * its channel is "".
 */
enum envelope envelope_read(const char *text, size_t len, const char *self, char *id, size_t size,
    struct hint *);

#endif
