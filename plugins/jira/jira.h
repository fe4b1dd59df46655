/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin jira: tickets of Jira Cloud and Data Center. See jira.c for the
 * list of its parts.
 */
#ifndef JIRA_JIRA_H
#define JIRA_JIRA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "common/text.h"
#include "common/web.h"
#include "jira/adf.h"

/* bytes of an id of an issue, comment or person, or of an issue's key */
#define JIRA_ID_MAX          160
/* property of issues and comments that says what drover did there */
#define JIRA_PROPERTY        "drover"
#define JIRA_PROPERTY_REVIEW "drover.review"

/* ---- account.c ---- */

/* Jira as one callback uses it. */
struct jira {
	struct drover_scope *scope;
	struct web web;
	/*
	 * Data Center, with version 2 of the API, names for account ids, and
	 * wiki markup
	 */
	bool server;
	bool marker;     /* comments carry a property or an anchor that only programs see */
	bool critical;   /* a job or a person waits; false for polls */
	const char *api; /* "/rest/api/3" */
	const char *trace; /* the job's trace id, or NULL */
	char base[512], credential[JIRA_ID_MAX];
	char *authorization;
	char me[JIRA_ID_MAX]; /* account id, on Data Center the name; "" before jira_me() */
	char me_key[JIRA_ID_MAX], me_name[128];
	struct drover_http_limit limits[2]; /* limits of the request under way */
	char issue_limit[JIRA_ID_MAX + 16];
};

/* A request. Its path follows /rest/api/N. */
struct jira_request {
	const char *method;   /* NULL means GET */
	const char *endpoint; /* name of the endpoint; Jira limits each endpoint by itself */
	const char *issue;    /* the issue that is written to, or NULL */
	const cJSON *body;
	bool once; /* sending it twice would do harm */
};

/* Reads the options and the token. Call jira_close() in any case. */
int jira_open(struct jira *, struct drover_scope *, bool critical, struct drover_error *);
void jira_close(struct jira *);
/*
 * Fills in drover's own account. fresh asks Jira, which proves that the token
 * is good: without a login Jira shows empty lists. Otherwise what Jira said
 * last is used.
 */
int jira_me(struct jira *, bool fresh, struct drover_error *);
/* True if the user object is drover's own account. Call jira_me() before. */
bool jira_is_me(const struct jira *, const cJSON *user);
/* The id of a user: accountId, on Data Center the name. */
const char *jira_user_id(const struct jira *, const cJSON *user);
/*
 * Sends a request. Returns 0 with an answer of any status that jira_judge()
 * lets pass, such as 404.
 */
int jira_send(struct jira *, const struct jira_request *, struct web_answer *,
    struct drover_error *, const char *path, ...) DROVER_PRINTF(5, 6);
/* Like jira_send(), but a status other than 2xx is an error "WHAT: ...". */
int jira_must(struct jira *, const struct jira_request *, const char *what, struct web_answer *,
    struct drover_error *, const char *path, ...) DROVER_PRINTF(6, 7);
/*
 * True if the text can be a key ("PROJ-12") or an id of an issue. Nothing else
 * may go into a path.
 */
bool jira_is_key(const char *);

/* ---- judge.c ---- */

/* Judges an answer of Jira's; arg is the struct jira. */
void jira_judge(void *arg, struct drover_scope *, const struct drover_http_response *,
    struct drover_http_verdict *);

/* ---- search.c ---- */

/* Appends a literal of JQL, quoted and escaped. */
void jql_quote(struct text_buf *, const char *value);
/*
 * Calls each for every issue of the query, until each returns 1 to stop, or a
 * class. reconcile has the ids of issues that were just changed and whose
 * newest state the search must know.
 */
int jira_search(struct jira *, const char *jql, const char *const *fields,
    const char *const *reconcile, size_t reconcile_len,
    int (*each)(void *, const cJSON *, struct drover_error *), void *arg, struct drover_error *);

/* ---- issue.c, transition.c ---- */

/*
 * Gets an issue with its fields, drover's properties and, if asked for, its
 * changelog. Returns 1 with *issue, which the caller frees, 0 if it is gone or
 * the account may not see it, or a class.
 */
int issue_get(struct jira *, const char *key, const char *fields, bool changelog, cJSON **issue,
    struct drover_error *);
/*
 * Returns 1 with the property in *value, which the caller frees, 0 if the issue
 * has no such property, or a class.
 */
int issue_property(struct jira *, const char *key, const char *name, cJSON **value,
    struct drover_error *);
int issue_property_set(struct jira *, const char *key, const char *name, const cJSON *value,
    struct drover_error *);
/* Links the issue to url, once for each id. */
int issue_link(struct jira *, const char *key, const char *id, const char *url, const char *title,
    struct drover_error *);
const char *issue_status(const cJSON *issue);
/* Appends the description, or any other field of text, as Markdown. */
void issue_text(const cJSON *issue, const char *field, struct text_buf *);
/*
 * Moves the issue to the status. Returns 0 even if it is there already, or
 * CONFIG if its workflow has no way there or requires fields. *moved (moved may
 * be NULL) says whether it moved.
 */
int issue_transition(struct jira *, const char *key, const char *status, int *moved,
    struct drover_error *);

/* ---- comment.c ---- */

/*
 * Posts Markdown, once for each id, whatever crashes. comment_id (may be NULL)
 * gets the comment's id.
 */
int comment_post(struct jira *, const char *key, const char *id, const char *markdown,
    char *comment_id, size_t, struct drover_error *);
/*
 * Calls each, as jira_search() does, for at most max comments, newest first,
 * with their bodies as Jira has them.
 */
int comment_each(struct jira *, const char *key, int max,
    int (*each)(void *, const cJSON *, struct drover_error *), void *arg, struct drover_error *);

/* ---- person.c ---- */

#define PERSON_MARKS 16

struct person {
	struct drover_person is; /* what the core is told; points into the other members */
	char id[JIRA_ID_MAX], name[128];
	char marks[PERSON_MARKS][JIRA_ID_MAX];
	const char *list[PERSON_MARKS + 1];
};

/*
 * Fills in a person from a user object. Jira is asked only for marks that the
 * authors of the source name. project may be "".
 */
int person_read(struct jira *, const char *source, const cJSON *user, const char *project,
    struct person *, struct drover_error *);
/*
 * Returns 1 if the user may start work and be quoted, 0 if not, or a class.
 * source NULL means the job's.
 */
int person_allowed(struct jira *, const char *source, const cJSON *user, const char *project,
    struct drover_error *);

/* ---- payload.c: the payload of this plugin's jobs ---- */

#define PAYLOAD_TEXT_MAX 22000 /* bytes of a description; JSON may double them */

struct payload {
	cJSON *json; /* the other members point into it */
	const char *issue, *id, *revision, *summary, *description, *status, *project, *type,
	    *priority;
	const cJSON *labels, *components;
	bool assigned; /* the job ends unless the issue is still assigned to drover */
};

/* Makes the payload of an issue. The caller frees it. */
char *payload_write(const cJSON *issue, const char *revision, const char *status, bool assigned);
int payload_read(const struct drover_job *, struct payload *, struct drover_error *);
void payload_free(struct payload *);
/*
 * Returns the repo at index of the configured repos that labels and components
 * "repo:NAME" name, or NULL past the last; *many is their number.
 */
const char *payload_repo(struct drover_scope *, const cJSON *labels, const cJSON *components,
    size_t index, size_t *many);

/* ---- scan.c: what both sources do ---- */

struct scan {
	struct drover_scope *scope;
	const struct scan_kind *kind;
	struct jira jira;         /* Jira during the poll under way */
	int64_t proven;           /* monotonic; when the token was last proven good; 0 if never */
	const char *status, *jql; /* jql is "" if the query is made from the other options */
	cJSON *seen; /* the cursor: {id: [revision, updated, hour seen, second emitted]} */
	int room, gets;
	bool more;   /* more issues are to be looked at than one poll can */
	cJSON *kept; /* an answer into which the author of a revision points */
};

/* What differs between the two sources. */
struct scan_kind {
	const char *source, *kind, *property;
	bool assigned; /* true if its issues are assigned to drover; false if they are not */
	/*
	 * Finds the revision of an issue and the user who caused it; *author
	 * points into the issue or scan->kept. Returns 0 or a class.
	 */
	int (*revision)(struct scan *, const cJSON *issue, char *revision, size_t,
	    const cJSON **author, struct drover_error *);
};

int scan_open(struct drover_scope *, const struct scan_kind *, void **, struct drover_error *);
int scan_poll(struct drover_scope *, void *, const char *cursor, struct drover_error *);
void scan_close(struct drover_scope *, void *);
/*
 * The newest entry of the changelog that is not by drover and for which
 * wanted() is true; NULL if there is no such entry.
 */
const cJSON *scan_history(const struct scan *, const cJSON *issue,
    bool (*wanted)(const struct scan *, const cJSON *item));
/* The user who wrote the issue. */
const cJSON *scan_creator(const cJSON *issue);
/* Compares two ids that are numbers: the longer one is newer. */
int scan_compare(const char *, const char *);

/* The marks that may start work unless `authors` is configured. */
extern const char *const jira_authors[];
extern const struct drover_source jira_source_ticket, jira_source_review;
extern const struct drover_pipeline jira_pipeline_fix, jira_pipeline_review;
extern const struct drover_operation jira_operation_comment, jira_operation_transition,
    jira_operation_probe;
int jira_hook(struct drover_scope *, void *, const struct drover_delivery *,
    struct drover_receipt *, struct drover_error *);

#endif
