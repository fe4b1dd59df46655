/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the plugin github share. Each file does one thing, which
 * the prefix of its functions names.
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
 * Makes a JWT for app_id, signed RS256 at now, in seconds. The line ends of pem
 * may be written as "\n". Returns NULL with CONFIG if it cannot be made. The
 * caller frees it.
 */
char *jwt_make(const char *app_id, const char *pem, int64_t now, struct drover_error *);

/* ---- slug: a configured repo and its owner/name ---- */

bool slug_is(const char *);
/*
 * Takes the slug from a URL, a path or user@host:owner/name.git. Returns 0 or
 * -1.
 */
int slug_of_url(const char *url, char slug[SLUG_MAX]);
/*
 * Finds a repo's slug in option `slugs`, else in the repo's url. Returns 0, or
 * CONFIG if neither has it.
 */
int slug_of_repo(struct drover_scope *, const char *repo, char slug[SLUG_MAX],
    struct drover_error *);

/* ---- judge: what an answer means, and how often GitHub may be asked ---- */

void github_judge(void *arg, struct drover_scope *, const struct drover_http_response *,
    struct drover_http_verdict *);
/* The limits of a request with this method. */
const struct drover_http_limit *github_limits(const char *method, uint64_t *len);

/* ---- account: drover's account, and the token that it asks with ---- */

#define TOKENS 32

/*
 * An installation's token, kept as long as this process lives. Times are in ms.
 */
struct token {
	char slug[SLUG_MAX];
	char *text; /* NULL if this place is free */
	int64_t refresh_at, ends_at;
};

struct github {
	/* "drover-bot", or "slug[bot]" for an App; "" before account_who() */
	char login[LOGIN_MAX];
	char mention[LOGIN_MAX]; /* what people write behind the "@" */
	struct token tokens[TOKENS];
	unsigned next; /* index of the token that the next new one replaces */
};

/*
 * GitHub as one callback uses it: one repository, or the App or user itself if
 * slug is "".
 */
struct hub {
	struct github *github;
	struct drover_scope *scope;
	struct web web;
	uint32_t flags; /* DROVER_HTTP_* of every request */
	char slug[SLUG_MAX];
	char now[SLUG_MAX]; /* the repository's present slug; "" until a write had to ask for it */
	char credential[LOGIN_MAX];
	char *authorization;
	bool app, renewed;
};

/*
 * Opens a hub. slug may be NULL. Returns 0 or a class; call hub_close() in
 * either case.
 */
int hub_open(struct hub *, struct github *, struct drover_scope *, const char *slug, uint32_t flags,
    struct drover_error *);
void hub_close(struct hub *);
/*
 * Like web_send(). If an installation's token is refused, it is renewed once; a
 * write to a renamed repository goes to its present place.
 */
int hub_send(struct hub *, const struct web_ask *, struct web_answer *, struct drover_error *);
/* Sends a GET; the path is printed by format. */
int hub_get(struct hub *, struct web_answer *, uint32_t flags, struct drover_error *,
    const char *format, ...) DROVER_PRINTF(5, 6);
/* Reads a list, like web_pages(). */
int hub_pages(struct hub *, const char *path, uint32_t flags, int pages,
    int (*each)(void *, const cJSON *, struct drover_error *), void *, struct drover_error *);
/*
 * Sends a write with a body, which is freed. Returns 0 with an answer of any
 * status, which the caller must check.
 */
int hub_write(struct hub *, const char *method, cJSON *body, uint32_t flags, struct web_answer *,
    struct drover_error *, const char *format, ...) DROVER_PRINTF(7, 8);
/*
 * Gets what git takes for a password: the installation's token, or the personal
 * one. fresh asks for another token than the last. *ends is in ms, 0 if it is
 * not known. The caller frees the token with secret_free().
 */
int account_git_token(struct github *, struct drover_scope *, const char *slug, bool fresh,
    char **token, int64_t *ends, struct drover_error *);
/* Fills in the login and the mention of drover's account. */
int account_who(struct github *, struct drover_scope *, struct drover_error *);
bool account_is_self(const struct github *, const char *login);
/* Returns 0, or CONFIG with what the options lack for a credential. */
int account_check(struct drover_scope *, struct drover_error *);

/* ---- ask: what a person wants of drover, frozen as a payload ---- */

struct ask {
	char slug[SLUG_MAX];
	char number[GITHUB_ID_MAX]; /* number of the pull request or issue */
	char type[16];              /* issuecomment, reviewcomment, review, pull, issue or label */
	char id[GITHUB_ID_MAX];     /* id of the comment, review or event; for a body, the number */
	char rev[20];               /* hash of the text */
	char top[GITHUB_ID_MAX];    /* id of the first comment of a review thread */
	char author[LOGIN_MAX];
	char association[32]; /* in lower case; "" if it is not known */
	char url[GITHUB_URL_MAX];
	char path[GITHUB_PATH_MAX]; /* the file that a review comment is about */
	char title[256];            /* title of the pull request or issue */
	char prompt[DROVER_NAME_MAX];
	int64_t line;
	int64_t at; /* seconds since 1970 */
	bool bot, self;
	char *text;    /* what is asked, without hidden characters */
	/*
	 * the text as it came, which decides whether it asks for anything; or
	 * NULL
	 */
	char *body;
	char *context; /* lines of the diff, or the issue's text; NULL if there are none */
};

void ask_free(struct ask *);
/*
 * Reads the members that all objects with an author have: user,
 * author_association, html_url and the body.
 */
void ask_read(struct ask *, const struct github *, const cJSON *object, const char *body);
void ask_context(struct ask *, const char *text);
/* Sets rev to the hash of the text. */
void ask_revise(struct ask *);
/* Write "github/owner/name/issuecomment/12@REV" and "github/owner/name#12". */
void ask_key(const struct ask *, char key[DROVER_KEY_MAX]);
void ask_serial(const struct ask *, char serial[DROVER_KEY_MAX]);
/*
 * Makes JSON of at most DROVER_PAYLOAD_MAX bytes. A text that is too long is
 * cut and says so. The caller frees it.
 */
char *ask_payload(const struct ask *);
/*
 * Reads a payload. Returns 0, or PERMANENT if it is not one of this plugin's;
 * call ask_free() in either case.
 */
int ask_parse(struct ask *, const char *payload, uint64_t len, struct drover_error *);

/* ---- track: how far a list was read ---- */

#define TRACK_SEEN_MAX 200
#define TRACK_MARK_MAX 64

/*
 * How far a list was read that is asked for by `since`. Elements within the
 * overlap before the newest handled one come again, and are known by their
 * marks. The cursor moves only if an element was handled, so that an idle poll
 * asks for the same URL. Times are seconds since 1970.
 */
struct track {
	const char *name;
	int64_t since;    /* time of the newest element that was handled in earlier polls */
	int64_t newest;   /* time of the newest element that was handled in this poll */
	int64_t deferred; /* time of the oldest element that is left for the next poll, or 0 */
	int64_t overlap;
	cJSON *seen; /* marks, "ID@SECONDS" */
};

void track_load(struct track *, const cJSON *repo, const char *name, int64_t begin,
    int64_t overlap);
bool track_has(const struct track *, const char *id, int64_t at);
void track_handled(struct track *, const char *id, int64_t at);
void track_deferred(struct track *, int64_t at);
/* The time for `since`. */
int64_t track_from(const struct track *);
/* Writes the track back into the cursor. */
void track_save(struct track *, cJSON *repo);
void track_free(struct track *);

/*
 * Reads the whole cursor, which has an object for each slug. A damaged cursor
 * begins anew.
 */
cJSON *cursor_read(const char *text);
/* Finds or makes the object of a repository. *fresh says that it was made. */
cJSON *cursor_repo(cJSON *cursor, const char *slug, int64_t begin, bool *fresh);
/* The marks of elements that were handed over and have no time of their own. */
bool cursor_done(const cJSON *repo, const char *mark);
void cursor_done_add(cJSON *repo, const char *mark);
/*
 * Writes the cursor, and forgets marks until it fits into DROVER_VALUE_MAX. The
 * caller frees it.
 */
char *cursor_write(cJSON *cursor);

/* ---- person: the person who asks ---- */

struct people;

struct people *people_new(void);
void people_free(struct people *);
/*
 * Fills in a person, whose strings live as long as people. GitHub is asked only
 * for marks that the authors of the scope's source name.
 */
int people_find(struct people *, struct hub *, const struct ask *, struct drover_person *,
    struct drover_error *);
/* Returns 1 if the ask's author may start work, 0 if not, or a class. */
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
	cJSON *json; /* kept if it has moved or its repository is fresh; else NULL */
};

/*
 * An element of a list that may ask for something. Of LIST_PULLS and
 * LIST_ISSUES several finds may have one id; the mark tells them apart.
 */
struct find {
	struct ask ask;
	enum lists list;
	char id[GITHUB_ID_MAX];
	int64_t at;
	char mark[TRACK_MARK_MAX]; /* mark for cursor_done(), or "" */
};

struct poll;

struct watch_kind {
	const char *kind; /* "github.pr-comment" */
	int (*look)(struct poll *, struct drover_error *);
	/*
	 * True if a comment or review may be for drover. It is called before
	 * the pull requests are known.
	 */
	bool (*wanted)(struct poll *, const struct ask *);
};

/* The state of a source between polls. */
struct watch {
	struct github *github;
	unsigned turn;    /* index of the repo that the next poll begins with */
	uint64_t trouble; /* bits of hashes of what the last poll has logged */
};

struct poll {
	struct drover_scope *scope;
	struct watch *watch;
	struct github *github;
	const struct watch_kind *kind;
	struct hub hub;
	const char *repo; /* name in the configuration */
	cJSON *state;     /* this repository's object in the cursor */
	bool fresh;       /* nothing was known of the repository */
	int64_t begin;    /* seconds since 1970; older elements were there before drover */
	struct track tracks[LISTS];
	struct find *finds;
	size_t finds_len, finds_size;
	struct pull *pulls;
	size_t pulls_len, pulls_size;
	struct people *people;
	int room, objects;
	uint64_t trouble;
	bool more; /* the next poll shall come at once */
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
 * Walks a list from its track's time on, oldest first, and calls each for the
 * elements that were not handled yet. path ends in "?" or "&".
 */
int poll_list(struct poll *, enum lists, const char *path,
    int (*each)(struct poll *, enum lists, const cJSON *, struct drover_error *),
    struct drover_error *);
/* Reads LIST_COMMENTS or LIST_REVIEW_COMMENTS into finds. */
int poll_comments(struct poll *, enum lists, struct drover_error *);
/* Reads all open pull requests into pulls. */
int poll_pulls(struct poll *, struct drover_error *);
/* Reads the bodies of reviews into finds, for the pull requests that moved. */
int poll_reviews(struct poll *, bool own, struct drover_error *);
struct pull *poll_pull(struct poll *, const char *number);
/*
 * Adds a find with an empty ask. It replaces a find that has the same id and no
 * mark.
 */
struct find *poll_find(struct poll *, enum lists, const char *id, int64_t at);
/* Removes the find that poll_find() returned last. */
void poll_find_drop(struct poll *);
/*
 * Removes that find if its mark is done, or if it was created before drover saw
 * the repository, which makes its mark done.
 */
void poll_find_once(struct poll *, const char *created);
void poll_find_remove(struct poll *, size_t index);
/*
 * Keeps the finds on open pull requests that are drover's own, or, if own is
 * false, on those that are not.
 */
void poll_keep(struct poll *, bool own);
/* True if the callback's time is nearly over. */
bool poll_is_late(const struct poll *);
/* Drops the finds and pulls; the tracks stay. */
void poll_forget(struct poll *);
void poll_free(struct poll *);
/* The number at the end of an API URL ".../issues/12", or "". */
void url_number(const char *url, char *out, size_t);

/* The marks that may start work unless `authors` is configured. */
extern const char *const github_authors[];
extern const struct drover_source github_pr_comment, github_pr_mention, github_issue_command;

/* ---- thread: what was written in a pull request or issue before ---- */

struct thread {
	struct text_buf text; /* what trusted people wrote there, oldest first */
	bool answered;        /* a post of drover's answers the ask */
};

/*
 * Reads the comments, for a pull request also those at lines, but not the ask
 * itself. Call thread_free() in any case.
 */
int thread_read(struct thread *, struct hub *, const struct ask *, bool pull,
    struct drover_error *);
/* The last max bytes of the text, from a whole character on. */
const char *thread_text(const struct thread *, size_t max);
void thread_free(struct thread *);

/* ---- post: what drover writes ---- */

/*
 * Makes an agent's text fit to be posted: without HTML comments, without
 * mentions that notify people, and at most max bytes long. The caller frees it.
 */
char *post_tame(struct drover_scope *, const char *text, size_t max);

/* A comment. text is tame; kind and key go into the marker. */
struct post {
	const char *slug, *number, *text, *kind;
	const char *key; /* key of the effect as well; NULL posts at every call */
	const char *trace;
	/*
	 * id of the review comment whose thread it goes into; NULL or "" for
	 * the conversation
	 */
	const char *top;
};
/* Reads "ID URL", which is kept with the effect. id and url may be NULL. */
void made_read(const char *made, char *id, size_t, char *url, size_t);
/* Posts a comment, once whatever crashes. id and url may be NULL. */
int post_comment(struct hub *, const struct post *, char *id, size_t, char *url, size_t,
    struct drover_error *);
/* Posts the answer to an ask where it was asked. text is tame. */
int post_answer(struct hub *, const struct ask *, const char *text, const char *trace,
    struct drover_error *);
/* True if this comment of drover's answers the ask. */
bool post_is_answer(struct drover_scope *, const cJSON *comment, const struct ask *);
/*
 * Sets the reaction eyes on the ask. It is a courtesy, so failures are only
 * logged.
 */
void post_eyes(struct hub *, const struct ask *);
/* True if the option marker is on. */
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
	cJSON *labels; /* labels that were set; the caller frees them */
};

int pull_open(struct hub *, const struct pull_ask *, struct pull_made *, struct drover_error *);
/*
 * Sets the labels that exist in the repository. *set and *missing are arrays of
 * names, which the caller frees.
 */
int labels_add(struct hub *, const char *number, const cJSON *labels, cJSON **set, cJSON **missing,
    struct drover_error *);

/* ---- work: what the pipelines share ---- */

/* An ask while it is carried out. */
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

/* Reads the payload and opens the repository. Call work_free() in any case. */
int work_open(struct work *, struct drover_error *);
void work_free(struct work *);
/*
 * Returns 1 if there is work to do: the subject is open and drover has not
 * answered yet. The thread and the memory are then read, and the ask has its
 * eyes. Returns 0 if there is no work, with the reason in the job's result, or
 * a class.
 */
int work_begin(struct work *, bool open, bool pull, struct drover_error *);
/* Has an agent make the change, into w->made. */
int work_change(struct work *, const struct drover_change *, struct drover_error *);
/* Makes what the agent said tame. The caller frees it. */
char *work_said(struct work *, const char *agent_text);
/* Remembers the answer for the next prompt on this subject, and posts it. */
int work_answer(struct work *, const char *text, struct drover_error *);
/* Writes one line "#12 Title: first words", for lists of jobs. */
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
