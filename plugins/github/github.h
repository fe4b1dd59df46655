/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the plugin github share. Each file has one idea, named by
 * the prefix of its functions.
 */
#ifndef GITHUB_GITHUB_H
#define GITHUB_GITHUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "common/authors.h"
#include "common/reply.h"
#include "common/secret.h"
#include "common/talk.h"
#include "common/web.h"
#include "common/when.h"

#define SLUG_MAX          160 /* "owner/name" */
#define LOGIN_MAX 128
#define GITHUB_ID_MAX     24 /* decimal digits of an id */
#define GITHUB_URL_MAX 512
#define GITHUB_TEXT_MAX   60000 /* bytes of a post; GitHub takes 65,536 characters */
#define GITHUB_PATH_MAX 768
#define GITHUB_BRANCH_MAX 256

/* ---- jwt: how an App proves itself ---- */

/*
 * A JWT signed RS256 for app_id at now, in seconds. pem may have its line ends
 * written as "\n". The caller frees; NULL and CONFIG where it cannot be made.
 */
char *jwt_make(const char *app_id, const char *pem, int64_t now, struct drover_error *);

/* ---- slug: a configured repo and its owner/name ---- */

bool slug_is(const char *);
/* From a URL, a path or user@host:owner/name.git. 0, or -1. */
int slug_of_url(const char *url, char slug[SLUG_MAX]);
/* From option `slugs`, else from the repo's url; CONFIG when neither tells. */
int slug_of_repo(struct drover_scope *, const char *repo, char slug[SLUG_MAX],
    struct drover_error *);

/* ---- judge: what an answer means, and how often GitHub may be asked ---- */

void github_judge(void *arg, struct drover_scope *, const struct drover_http_response *,
    struct drover_http_verdict *);
/* The limits of a request with this method. */
const struct drover_http_limit *github_limits(const char *method, uint64_t *len);

/* ---- account: who drover is, and the token that it asks with ---- */

#define TOKENS 32

/* An installation's token, kept as long as this process lives. Times in ms. */
struct token {
	char slug[SLUG_MAX];
	char *text; /* NULL while the place is free */
	int64_t refresh_at, ends_at;
};

struct github {
	char login[LOGIN_MAX];   /* "drover-bot", or "slug[bot]" for an App; "" until asked */
	char mention[LOGIN_MAX]; /* what people write behind the "@" */
	struct token tokens[TOKENS];
	unsigned next; /* the token that makes room for another */
};

/*
 * One repository as one callback sees it; the App or the user itself where slug
 * is "".
 */
struct hub {
	struct github *github;
	struct drover_scope *scope;
	struct web web;
	uint32_t flags; /* DROVER_HTTP_* of every request */
	char slug[SLUG_MAX];
	char now[SLUG_MAX]; /* what GitHub calls the repository; "" until a write had to ask */
	char credential[LOGIN_MAX];
	char *authorization;
	bool app, renewed;
};

/* 0, or a class; hub_close in either case. slug may be NULL. */
int hub_open(struct hub *, struct github *, struct drover_scope *, const char *slug, uint32_t flags,
    struct drover_error *);
void hub_close(struct hub *);
/*
 * As web_send. An installation's token that is refused is renewed once; a write
 * to a renamed repository goes where it is now.
 */
int hub_send(struct hub *, const struct web_ask *, struct web_answer *, struct drover_error *);
/* GET of a path that is printed. */
int hub_get(struct hub *, struct web_answer *, uint32_t flags, struct drover_error *,
    const char *format, ...) DROVER_PRINTF(5, 6);
/* GET of a list, as web_pages. */
int hub_pages(struct hub *, const char *path, uint32_t flags, int pages,
    int (*each)(void *, const cJSON *, struct drover_error *), void *, struct drover_error *);
/*
 * A write with a body, which is freed. 0 with an answer of any status: the
 * caller looks at it.
 */
int hub_write(struct hub *, const char *method, cJSON *body, uint32_t flags, struct web_answer *,
    struct drover_error *, const char *format, ...) DROVER_PRINTF(7, 8);
/*
 * What git takes for a password: the installation's token, or the personal one.
 * fresh asks for another than before. *ends is in ms, 0 where it is not known.
 * The caller ends the token with secret_free.
 */
int account_git_token(struct github *, struct drover_scope *, const char *slug, bool fresh,
    char **token, int64_t *ends, struct drover_error *);
/* Fills in the login and the mention. */
int account_who(struct github *, struct drover_scope *, struct drover_error *);
bool account_is_self(const struct github *, const char *login);
/* 0, or CONFIG with what the options lack for a credential. */
int account_check(struct drover_scope *, struct drover_error *);

/* ---- ask: what a person wants of drover, frozen as a payload ---- */

struct ask {
	char slug[SLUG_MAX];
	char number[GITHUB_ID_MAX]; /* of the pull request or issue */
	char type[16];              /* issuecomment, reviewcomment, review, pull, issue or label */
	char id[GITHUB_ID_MAX];     /* of the comment, review or event; a body has the number */
	char rev[20];               /* hash of the text */
	char top[GITHUB_ID_MAX];    /* the first comment of a review thread */
	char author[LOGIN_MAX];
	char association[32]; /* in lower case; "" where it is not known */
	char url[GITHUB_URL_MAX];
	char path[GITHUB_PATH_MAX]; /* the file that a review comment is about */
	char title[256];            /* of the pull request or issue */
	char prompt[DROVER_NAME_MAX];
	int64_t line;
	int64_t at; /* seconds since 1970 */
	bool bot, self;
	char *text;    /* what is asked, without hidden characters */
	char *body;    /* as it came, by which it is decided whether it asks; or NULL */
	char *context; /* lines of the diff, or the issue's text; NULL where there are none */
};

void ask_free(struct ask *);
/*
 * Reads what all objects with an author have: user, author_association,
 * html_url and the body.
 */
void ask_read(struct ask *, const struct github *, const cJSON *object, const char *body);
void ask_context(struct ask *, const char *text);
/* Makes rev that of the text. */
void ask_revise(struct ask *);
/* "github/owner/name/issuecomment/12@REV", "github/owner/name#12" */
void ask_key(const struct ask *, char key[DROVER_KEY_MAX]);
void ask_serial(const struct ask *, char serial[DROVER_KEY_MAX]);
/*
 * JSON of at most DROVER_PAYLOAD_MAX bytes; a text that is longer is cut and
 * says so. The caller frees.
 */
char *ask_payload(const struct ask *);
/* PERMANENT for a payload that is not ours. ask_free in either case. */
int ask_parse(struct ask *, const char *payload, uint64_t len, struct drover_error *);

/* ---- track: how far a list was read ---- */

#define TRACK_SEEN_MAX 200
#define TRACK_MARK_MAX 64

/*
 * A list that is asked for by `since`. What lies within the overlap before the
 * newest handled element comes again, and is known by its mark. The cursor
 * moves only when something was handled, so that an idle poll asks the same
 * URL. Times are seconds since 1970.
 */
struct track {
	const char *name;
	int64_t since;    /* of the newest element that was handled in earlier polls */
	int64_t newest;   /* of the newest in this poll */
	int64_t deferred; /* of the oldest that is left for the next poll, or 0 */
	int64_t overlap;
	cJSON *seen; /* "ID@SECONDS" */
};

void track_load(struct track *, const cJSON *repo, const char *name, int64_t begin,
    int64_t overlap);
bool track_has(const struct track *, const char *id, int64_t at);
void track_handled(struct track *, const char *id, int64_t at);
void track_deferred(struct track *, int64_t at);
/* The time to ask from. */
int64_t track_from(const struct track *);
/* Writes the track back into the cursor. */
void track_save(struct track *, cJSON *repo);
void track_free(struct track *);

/* The cursor as a whole, an object for each slug. A damaged one begins anew. */
cJSON *cursor_read(const char *text);
/* fresh: nothing was known of the repository. */
cJSON *cursor_repo(cJSON *cursor, const char *slug, int64_t begin, bool *fresh);
/* Marks of what was handed over and has no time of its own. */
bool cursor_done(const cJSON *repo, const char *mark);
void cursor_done_add(cJSON *repo, const char *mark);
/* Forgets marks until the text fits into DROVER_VALUE_MAX. The caller frees. */
char *cursor_write(cJSON *cursor);

/* ---- person: who asks ---- */

struct people;

struct people *people_new(void);
void people_free(struct people *);
/*
 * Fills person, whose strings live as long as people. Asks GitHub only for
 * marks that the authors of the scope's source name.
 */
int people_find(struct people *, struct hub *, const struct ask *, struct drover_person *,
    struct drover_error *);
/* The author, where it is a person who may start work. 1, 0 or a class. */
int people_allow(struct people *, struct hub *, const struct ask *, struct drover_error *);

/* ---- poll: what the sources share ---- */

#define POLL_OBJECTS_MAX 30 /* requests for single objects in one poll of a repository */

enum lists { LIST_COMMENTS, LIST_REVIEW_COMMENTS, LIST_PULLS, LIST_ISSUES, LISTS };
extern const char *const poll_list_names[LISTS];

struct pull {
	char number[GITHUB_ID_MAX];
	char title[256];
	int64_t updated;
	bool own;    /* drover opened it, or its branch is drover's */
	bool moved;  /* changed since the last poll */
	bool held;   /* partly handed over: the next poll goes on */
	cJSON *json; /* of those that moved, and of all in a fresh repository; else NULL */
};

/*
 * Something found in a list: of LIST_PULLS and LIST_ISSUES there may be several
 * with one id, told apart by mark.
 */
struct find {
	struct ask ask;
	enum lists list;
	char id[GITHUB_ID_MAX];
	int64_t at;
	char mark[TRACK_MARK_MAX]; /* for cursor_done, or "" */
};

struct poll;

struct watch_kind {
	const char *kind; /* "github.pr-comment" */
	int (*look)(struct poll *, struct drover_error *);
	/*
	 * Whether a comment or review may be for drover, before pull requests
	 * are known.
	 */
	bool (*wanted)(struct poll *, const struct ask *);
};

/* The state of a source between polls. */
struct watch {
	struct github *github;
	unsigned turn;    /* the repo that comes first */
	uint64_t trouble; /* bits of hashes of what the last poll has logged */
};

struct poll {
	struct drover_scope *scope;
	struct watch *watch;
	struct github *github;
	const struct watch_kind *kind;
	struct hub hub;
	const char *repo; /* configured name */
	cJSON *state;     /* of this slug in the cursor */
	bool fresh;       /* nothing was known of the repository */
	int64_t begin;    /* in seconds; what is older was there before drover */
	struct track tracks[LISTS];
	struct find *finds;
	size_t finds_len, finds_size;
	struct pull *pulls;
	size_t pulls_len, pulls_size;
	struct people *people;
	int room, objects;
	uint64_t trouble;
	bool more; /* the next poll has work at once */
};

/* The options of every source. */
#define WATCH_OPTIONS \
	{ "repos", DROVER_LIST, 0, NULL, \
		"Configured repos to look at; all with forge \"github\" unless given." }, \
	    { "since", DROVER_DURATION, 0, "24h", \
		    "How far back the very first poll of a repository looks." }, \
	{ \
		"overlap", DROVER_DURATION, 0, "60s", \
		    "How far before the newest one seen each poll looks again." \
	}

int watch_open(struct drover_scope *, void *plugin, void **source, struct drover_error *);
void watch_close(struct drover_scope *, void *source);
int watch_poll(struct drover_scope *, struct watch *, const struct watch_kind *, const char *cursor,
    struct drover_error *);

/*
 * Walks a list from its track's time on, oldest first; each is not called for
 * what was handled. path ends in "?" or "&".
 */
int poll_list(struct poll *, enum lists, const char *path,
    int (*each)(struct poll *, enum lists, const cJSON *, struct drover_error *),
    struct drover_error *);
/* LIST_COMMENTS or LIST_REVIEW_COMMENTS into finds. */
int poll_comments(struct poll *, enum lists, struct drover_error *);
/* All open pull requests into p->pulls. */
int poll_pulls(struct poll *, struct drover_error *);
/* Bodies of the reviews of pull requests that moved, into finds. */
int poll_reviews(struct poll *, bool own, struct drover_error *);
struct pull *poll_pull(struct poll *, const char *number);
/*
 * A new find with an empty ask; it replaces one of the same id without a mark.
 */
struct find *poll_find(struct poll *, enum lists, const char *id, int64_t at);
/* Takes the find back that poll_find returned last. */
void poll_find_drop(struct poll *);
/*
 * Takes it back when its mark is done, or when it was created before drover
 * came, which makes its mark done.
 */
void poll_find_once(struct poll *, const char *created);
void poll_find_remove(struct poll *, size_t index);
/*
 * Drops finds but those on open pull requests that are drover's own, or the
 * others.
 */
void poll_keep(struct poll *, bool own);
/* Whether the callback's time is nearly over. */
bool poll_is_late(const struct poll *);
void poll_free(struct poll *);
/* The number at the end of an API URL ".../issues/12", or "". */
void url_number(const char *url, char *out, size_t);

/* Who may start work unless `authors` is configured. */
extern const char *const github_authors[];
extern const struct drover_source github_pr_comment, github_pr_mention, github_issue_command;

/* ---- thread: what stands in a pull request or issue already ---- */

struct thread {
	struct text_buf text; /* what trusted people wrote there, oldest first */
	bool answered;        /* a post of ours answers the ask */
};

/*
 * Reads comments, and those at lines where it is a pull request, but not the
 * ask itself. thread_free in either case.
 */
int thread_read(struct thread *, struct hub *, const struct ask *, bool pull,
    struct drover_error *);
/* The newest max bytes of it. */
const char *thread_text(const struct thread *, size_t max);
void thread_free(struct thread *);

/* ---- post: what drover writes ---- */

/*
 * The agent's text made fit to be posted: no comments, no pings, bounded. The
 * caller frees.
 */
char *post_tame(struct drover_scope *, const char *text, size_t max);

/* A comment: text is tame; kind and key go into the marker. */
struct post {
	const char *slug, *number, *text, *kind;
	const char *key; /* of the effect as well; NULL posts as often as it is asked to */
	const char *trace;
	const char *top; /* the review comment whose thread it goes into; NULL or "" for none */
};
/*
 * Takes "ID URL" apart, which is kept with the effect. id and url may be NULL.
 */
void made_read(const char *made, char *id, size_t, char *url, size_t);
/* Posts once whatever crashes. id and url may be NULL. */
int post_comment(struct hub *, const struct post *, char *id, size_t, char *url, size_t,
    struct drover_error *);
/* Answers an ask where it was asked. text is tame. */
int post_answer(struct hub *, const struct ask *, const char *text, const char *trace,
    struct drover_error *);
/* Whether this comment of ours is that answer. */
bool post_is_answer(struct drover_scope *, const cJSON *comment, const struct ask *);
/* Eyes on what is being worked on; a courtesy, so it does not fail. */
void post_eyes(struct hub *, const struct ask *);
/* Whether option marker is on. */
bool post_marks(struct drover_scope *);

/* ---- pull: pull requests by branch ---- */

struct pull_ask {
	const char *slug, *branch, *base, *title, *body, *key, *trace;
	const cJSON *labels; /* array of strings, or NULL */
	bool draft;
};

struct pull_made {
	char number[GITHUB_ID_MAX], url[GITHUB_URL_MAX];
	bool created;
	cJSON *labels; /* those that were set; the caller's */
};

int pull_open(struct hub *, const struct pull_ask *, struct pull_made *, struct drover_error *);
/*
 * Sets those of the labels that exist. *set and *missing are arrays of names,
 * the caller's.
 */
int labels_add(struct hub *, const char *number, const cJSON *labels, cJSON **set, cJSON **missing,
    struct drover_error *);

/* ---- work: what the pipelines share ---- */

/* One ask as it is carried out. */
struct work {
	struct drover_scope *scope;
	struct github *github;
	const struct drover_job *job;
	struct ask ask;
	struct hub hub;
	struct thread thread;
	char *memory;
	struct drover_change_result *made;
};

/* Reads the payload and opens the repository; work_free in either case. */
int work_open(struct work *, struct drover_error *);
void work_free(struct work *);
/*
 * 1 when there is work to do: the subject is open and drover has not answered
 * yet; then the thread and the memory are read and the ask has its eyes. Else 0
 * with the reason in the job's result, or a class.
 */
int work_begin(struct work *, bool open, bool pull, struct drover_error *);
/* Has an agent make the change, into w->made. */
int work_change(struct work *, const struct drover_change *, struct drover_error *);
/* What the agent said, tame; the caller frees. */
char *work_said(struct work *, const char *agent_text);
/* Remembers the answer for the next prompt on this subject, and posts it. */
int work_answer(struct work *, const char *text, struct drover_error *);
/* One line "#12 Title: first words" for lists of jobs. */
void work_title(const struct ask *, char *, size_t);
/* Says in the job's result why it ended as it did. */
int work_note(struct work *, const char *note, struct drover_error *);

extern const struct drover_pipeline pipeline_pr_comment, pipeline_pr_mention,
    pipeline_issue_command;
extern const struct drover_operation *const github_operations[];

int github_hook(struct drover_scope *, void *, const struct drover_delivery *,
    struct drover_receipt *, struct drover_error *);
int github_probe(struct drover_scope *, void *, const char *request, uint64_t len,
    struct drover_error *);

#endif
