/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A poll of either source: one search, and a closer look at the issues that
 * have changed since the last poll. The search lags behind and tells little, so
 * an issue is read again before it is handed over.
 *
 * The cursor keeps the last revision of each issue. Only someone else can cause
 * a revision, so a comment of drover's, or a job that failed, makes no new job.
 * Between polls, struct scan only holds the time at which the token was last
 * proven good.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jira/jira.h"

#define GETS_MAX   20   /* issues looked at in one poll */
#define SEEN_MAX   1000 /* as many as one search gives */
#define SEEN_HOURS 48
#define PROVE_MS (10 * 60 * 1000)
#define RECENT_S 120
#define RECENT_MAX 50
#define SCAN_FIELDS \
	"summary,description,status,issuetype,priority,labels,components,project,assignee," \
	"creator,reporter,updated"

static const struct {
	const char *name;
	int32_t priority;
} priorities[] = { { "Highest", 20 }, { "High", 10 }, { "Low", -10 }, { "Lowest", -20 } };

static void scan_query(struct scan *, struct text_buf *);
static void seen_read(struct scan *, const char *);
static void seen_stamp(const char *, char[20]);
static void seen_note(struct scan *, const char *, const char *, const char *, bool);
static char *seen_text(struct scan *);
static int seen_write(struct scan *, const char *, struct drover_error *);
static size_t seen_recent(const struct scan *, const char **);
static bool scan_wants(struct scan *, const cJSON *);
static int scan_emit(struct scan *, const cJSON *, const char *, const cJSON *,
    struct drover_error *);
static int scan_look(struct scan *, const cJSON *, const char *, const char *,
    struct drover_error *);
static int scan_issue(void *, const cJSON *, struct drover_error *);

int
scan_open(struct drover_scope *scope, const struct scan_kind *kind, void **out,
    struct drover_error *err)
{
	const struct drover_host_option *option = scope->host->option;
	struct scan *s = xcalloc(1, sizeof(*s));

	s->kind = kind;
	s->status = plugin_option(scope, "status");
	s->jql = plugin_option(scope, "jql");
	if (!kind->assigned && *s->jql == '\0' && option->count(scope, "projects") == 0) {
		free(s);
		return plugin_fail(err, DROVER_CONFIG, "jira.%s: set projects = (\"PROJ\"), or jql",
		    kind->source);
	}
	*out = s;
	return 0;
}

void
scan_close(struct drover_scope *scope, void *state)
{
	free(state);
}

static void
scan_query(struct scan *s, struct text_buf *out)
{
	const struct drover_host_option *option = s->scope->host->option;
	size_t n = option->count(s->scope, "projects"), i;

	if (*s->jql != '\0') {
		text_addf(out, "%s", s->jql);
		return;
	}
	text_addf(out, "%sstatus = ", s->kind->assigned ? "assignee = currentUser() AND " : "");
	jql_quote(out, s->status);
	for (i = 0; i < n; i++) {
		text_addf(out, i == 0 ? " AND project in (" : ", ");
		jql_quote(out, option->item(s->scope, "projects", i));
	}
	text_addf(out, "%s ORDER BY created ASC", n > 0 ? ")" : "");
}

static void
seen_read(struct scan *s, const char *cursor)
{
	struct drover_error why = { 0 };

	s->seen =
	    cursor != NULL && *cursor != '\0' ? json_read(cursor, strlen(cursor), &why) : NULL;
	if (!cJSON_IsObject(s->seen)) {
		cJSON_Delete(s->seen);
		s->seen = json_object();
	}
}

/*
 * Of `updated` a hash is kept: it is enough to see a change, and the cursor
 * holds many.
 */
static void
seen_stamp(const char *updated, char out[20])
{
	snprintf(out, 20, "%08" PRIx64, text_hash(0, updated, strlen(updated)) & 0xffffffffu);
}

static void
seen_note(struct scan *s, const char *id, const char *revision, const char *updated, bool emitted)
{
	int64_t now = s->scope->host->time->now(s->scope);
	const cJSON *old = json_get(s->seen, id);
	double at = emitted ? (double)(now / 1000) :
	    old != NULL     ? cJSON_GetNumberValue(cJSON_GetArrayItem(old, 3)) :
			      0;
	cJSON *entry = json_array();
	char stamp[20];

	if (at <= (double)(now / 1000 - RECENT_S))
		at = 0;
	seen_stamp(updated, stamp);
	json_push_text(entry, revision);
	json_push_text(entry, stamp);
	json_push(entry, xjson(cJSON_CreateNumber((double)(now / 3600000))));
	json_push(entry, xjson(cJSON_CreateNumber(at > 0 ? at : 0)));
	if (old != NULL)
		cJSON_ReplaceItemInObjectCaseSensitive(s->seen, id, entry);
	else
		json_put(s->seen, id, entry);
}

/* Forgets the oldest issues until the text fits. */
static char *
seen_text(struct scan *s)
{
	int n, drop;
	char *text;

	while (strlen(text = json_print(s->seen)) >= DROVER_VALUE_MAX) {
		free(text);
		n = cJSON_GetArraySize(s->seen);
		for (drop = n / 10 + 1; drop > 0; drop--)
			cJSON_Delete(cJSON_DetachItemViaPointer(s->seen, s->seen->child));
	}
	return text;
}

/*
 * Forgets issues that the search has not found for long, and the oldest of too
 * many.
 */
static int
seen_write(struct scan *s, const char *cursor, struct drover_error *err)
{
	int64_t hour = s->scope->host->time->now(s->scope) / 3600000;
	cJSON *entry = s->seen->child, *next;
	int n = cJSON_GetArraySize(s->seen), code = 0;
	char *text;

	for (; entry != NULL; entry = next) {
		double seen = cJSON_GetNumberValue(cJSON_GetArrayItem(entry, 2));

		next = entry->next;
		if (n > SEEN_MAX || !(seen >= (double)(hour - SEEN_HOURS))) {
			cJSON_Delete(cJSON_DetachItemViaPointer(s->seen, entry));
			n--;
		}
	}
	text = seen_text(s);
	if (strcmp(text, cursor != NULL ? cursor : "") != 0 &&
	    (n > 0 || (cursor != NULL && *cursor != '\0')))
		code = s->scope->host->queue->cursor(s->scope, text, err);
	free(text);
	return code;
}

/*
 * Lists the ids of issues that were just handed over, because their jobs change
 * them.
 */
static size_t
seen_recent(const struct scan *s, const char **ids)
{
	int64_t now = s->scope->host->time->now(s->scope) / 1000;
	const cJSON *entry;
	size_t n = 0;

	cJSON_ArrayForEach(entry, s->seen)
		if (n < RECENT_MAX &&
		    cJSON_GetNumberValue(cJSON_GetArrayItem(entry, 3)) > (double)(now - RECENT_S))
			ids[n++] = entry->string;
	return n;
}

/*
 * True if the issue may be handed over. The issue itself decides, since the
 * search may be old; but an operator's own query is obeyed.
 */
static bool
scan_wants(struct scan *s, const cJSON *issue)
{
	const cJSON *assignee = json_at(issue, "fields.assignee");
	bool ours = cJSON_IsObject(assignee) && jira_is_me(&s->jira, assignee);

	if (*s->jql != '\0')
		return true;
	return strcasecmp(issue_status(issue), s->status) == 0 && ours == s->kind->assigned;
}

int
scan_compare(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	return la != lb ? (la > lb ? 1 : -1) : strcmp(a, b);
}

const cJSON *
scan_creator(const cJSON *issue)
{
	const cJSON *user = json_at(issue, "fields.creator");

	return cJSON_IsObject(user) ? user : json_at(issue, "fields.reporter");
}

const cJSON *
scan_history(const struct scan *s, const cJSON *issue,
    bool (*wanted)(const struct scan *, const cJSON *))
{
	const cJSON *history, *item, *newest = NULL;
	char id[JIRA_ID_MAX], best[JIRA_ID_MAX] = "";

	cJSON_ArrayForEach(history, json_at(issue, "changelog.histories")) {
		if (jira_is_me(&s->jira, json_get(history, "author")))
			continue;
		json_id(history, "id", id, sizeof(id));
		if (!jira_is_key(id) || (newest != NULL && scan_compare(id, best) <= 0))
			continue;
		cJSON_ArrayForEach(item, json_get(history, "items"))
			if (wanted(s, item)) {
				newest = history;
				memcpy(best, id, sizeof(best));
				break;
			}
	}
	return newest;
}

static int
scan_emit(struct scan *s, const cJSON *issue, const char *revision, const cJSON *author,
    struct drover_error *err)
{
	const cJSON *fields = json_get(issue, "fields");
	const char *key = json_text(issue, "key"),
		   *priority = json_text_at(fields, "priority.name");
	struct drover_item item = { .size = sizeof(item), .kind = s->kind->kind };
	char item_key[DROVER_KEY_MAX], serial[DROVER_KEY_MAX], title[DROVER_TITLE_MAX],
	    summary[DROVER_TITLE_MAX / 2];
	struct person person;
	struct payload payload = { 0 };
	struct drover_job job = { .size = sizeof(job) };
	size_t many, i;
	char *text;
	int code;

	if ((code = person_read(&s->jira, NULL, author, json_text_at(fields, "project.key"),
		 &person, err)) != 0)
		return code;
	text = payload_write(issue, revision, s->status, s->kind->assigned && *s->jql == '\0');
	text_line(summary, sizeof(summary), json_text(fields, "summary"));
	snprintf(item_key, sizeof(item_key), "jira/%.100s@%.100s", key, revision);
	snprintf(serial, sizeof(serial), "jira/%.100s", key);
	snprintf(title, sizeof(title), "%.100s: %s", key, summary);
	job.payload = text;
	job.payload_len = strlen(text);
	if ((code = payload_read(&job, &payload, err)) != 0)
		goto out;
	item.key = item_key;
	item.serial = serial;
	item.title = title;
	item.payload = text;
	item.payload_len = job.payload_len;
	item.author = &person.is;
	item.flags = DROVER_ITEM_REPLACES;
	item.repo = payload_repo(s->scope, payload.labels, payload.components, 0, &many);
	if (many != 1)
		item.repo = NULL;
	for (i = 0; i < ARRAY_LEN(priorities); i++)
		if (strcasecmp(priorities[i].name, priority) == 0)
			item.priority = priorities[i].priority;
	code = s->scope->host->queue->emit(s->scope, &item, err);
	if (code == DROVER_PERMANENT || code == DROVER_CONFIG) {
		plugin_log(s->scope, DROVER_WARN, "%s: not taken: %s", item_key, err->text);
		code = 0;
	}
	s->room--;
out:
	payload_free(&payload);
	free(text);
	return code;
}

static int
scan_look(struct scan *s, const cJSON *found, const char *id, const char *updated,
    struct drover_error *err)
{
	const cJSON *seen = json_get(s->seen, id), *author = NULL, *done;
	const char *old = seen != NULL ? cJSON_GetStringValue(cJSON_GetArrayItem(seen, 0)) : NULL,
		   *key = json_text(found, "key");
	char revision[JIRA_ID_MAX] = "";
	cJSON *issue = NULL;
	int code;

	s->gets++;
	code = issue_get(&s->jira, key, SCAN_FIELDS, true, &issue, err);
	if (code <= 0)
		goto out;
	code = 0;
	if (!scan_wants(s, issue)) {
		/*
		 * The issue is remembered, because a few such issues in each
		 * poll would leave no time for others.
		 */
		seen_note(s, id, old != NULL ? old : "", updated, false);
		goto out;
	}
	if ((code = s->kind->revision(s, issue, revision, sizeof(revision), &author, err)) != 0)
		goto out;
	done = json_get(json_get(issue, "properties"), s->kind->property);
	if ((old == NULL || strcmp(old, revision) != 0) &&
	    !(strcmp(json_text(done, "revision"), revision) == 0 && json_true(done, "done"))) {
		if ((code = scan_emit(s, issue, revision, author, err)) != 0)
			goto out;
		seen_note(s, id, revision, updated, true);
	} else
		seen_note(s, id, revision, updated, false);
out:
	/*
	 * The issue would fail in the same way each time, and must not stop the
	 * others.
	 */
	if (code == DROVER_PERMANENT) {
		plugin_log(s->scope, DROVER_WARN, "%s: passed over until it changes: %s", key,
		    err->text);
		seen_note(s, id, old != NULL ? old : "", updated, false);
		code = 0;
	}
	cJSON_Delete(s->kept);
	s->kept = NULL;
	cJSON_Delete(issue);
	return code;
}

static int
scan_issue(void *arg, const cJSON *issue, struct drover_error *err)
{
	struct scan *s = arg;
	int64_t hour = s->scope->host->time->now(s->scope) / 3600000;
	const cJSON *seen;
	const char *updated = json_text_at(issue, "fields.updated"), *old, *revision;
	char id[JIRA_ID_MAX], stamp[20];

	json_id(issue, "id", id, sizeof(id));
	if (!jira_is_key(id) || strlen(updated) > 64)
		return 0;
	seen = json_get(s->seen, id);
	old = seen != NULL ? cJSON_GetStringValue(cJSON_GetArrayItem(seen, 1)) : NULL;
	revision = seen != NULL ? cJSON_GetStringValue(cJSON_GetArrayItem(seen, 0)) : NULL;
	seen_stamp(updated, stamp);
	if (old != NULL && revision != NULL && *updated != '\0' && strcmp(old, stamp) == 0) {
		bool early = cJSON_GetNumberValue(cJSON_GetArrayItem(seen, 2)) >= (double)hour;

		/*
		 * An issue that was passed over is looked at again once an
		 * hour, since the search may have been old.
		 */
		if (early)
			return 0;
		if (*revision != '\0') {
			seen_note(s, id, revision, updated, false);
			return 0;
		}
	}
	if (s->room == 0 || s->gets == GETS_MAX) {
		s->more = s->room > 0;
		return 1;
	}
	return scan_look(s, issue, id, updated, err);
}

int
scan_poll(struct drover_scope *scope, void *state, const char *cursor, struct drover_error *err)
{
	static const char *const fields[] = { "updated", "status", NULL };
	struct scan *s = state;
	struct text_buf jql = { 0 };
	const char *recent[RECENT_MAX];
	int64_t now = scope->host->time->monotonic(scope);
	int code;

	if ((s->room = scope->host->capacity->available(scope, s->kind->kind, err)) < 0)
		return s->room;
	if (s->room == 0)
		return 0;
	s->scope = scope;
	s->gets = 0;
	s->more = false;
	if ((code = jira_open(&s->jira, scope, false, err)) != 0)
		goto out;
	seen_read(s, cursor);
	if ((code = jira_me(&s->jira, s->proven == 0 || now - s->proven > PROVE_MS, err)) != 0)
		goto out;
	if (s->proven == 0 || now - s->proven > PROVE_MS)
		s->proven = now > 0 ? now : 1;
	scan_query(s, &jql);
	code = jira_search(&s->jira, text_of(&jql), fields, recent, seen_recent(s, recent),
	    scan_issue, s, err);
	if (code == 0)
		code = seen_write(s, cursor, err);
	if (code == 0 && s->more)
		code = scope->host->queue->again(scope, 1000, err);
out:
	text_free(&jql);
	cJSON_Delete(s->seen);
	s->seen = NULL;
	jira_close(&s->jira);
	s->scope = NULL;
	return code;
}
