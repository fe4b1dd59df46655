/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the lists of a repository. watch.c makes a struct poll for each
 * repository, and the look of a source fills its finds and pulls with these
 * functions, beginning at the times that the cursor holds.
 *
 * A list sorted by the time of change moves while it is read: an element that
 * is edited goes to its end, and another one slips over the border between two
 * pages. So the next page is asked for by the time of the last element, and by
 * Link only if that time has not moved.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define LIST_REQUESTS 20 /* pages of one list in one poll */
#define FINDS_MAX 1000
#define PULLS_MAX 1000
#define SPARE_MS      5000 /* ms of the callback's time that are reserved for its end */

const char *const poll_list_names[LISTS] = { "comments", "review_comments", "pulls", "issues" };

static int list_page(struct poll *, enum lists, const char *,
    int (*)(struct poll *, enum lists, const cJSON *, struct drover_error *), int64_t *, char **,
    struct drover_error *);
static int pulls_each(void *, const cJSON *, struct drover_error *);
static int comment_each(struct poll *, enum lists, const cJSON *, struct drover_error *);
static int review_each(void *, const cJSON *, struct drover_error *);

void
url_number(const char *url, char *out, size_t size)
{
	const char *last = strrchr(url, '/');
	size_t len = last != NULL ? strspn(last + 1, "0123456789") : 0;

	*out = '\0';
	if (len > 0 && len < size && last[1 + len] == '\0')
		snprintf(out, size, "%s", last + 1);
}

bool
poll_is_late(const struct poll *p)
{
	return p->scope->host->time->remaining(p->scope) < SPARE_MS;
}

/*
 * Walks one page. *newest gets the time of its newest element, *next the Link.
 */
static int
list_page(struct poll *p, enum lists list, const char *path,
    int (*each)(struct poll *, enum lists, const cJSON *, struct drover_error *), int64_t *newest,
    char **next, struct drover_error *err)
{
	struct track *track = &p->tracks[list];
	struct web_ask ask = { .path = path, .flags = DROVER_HTTP_CACHED };
	struct web_answer answer;
	const cJSON *element;
	char id[GITHUB_ID_MAX];
	int64_t at;
	int code;

	if ((code = hub_send(&p->hub, &ask, &answer, err)) != 0)
		return code;
	if (answer.status != 200 || !cJSON_IsArray(answer.json)) {
		if (answer.status == 200)
			code = plugin_fail(err, DROVER_AGAIN, "%s: the answer is not a list",
			    answer.response.url);
		else
			code = web_refused(&answer, "a list", err);
		web_answer_free(&answer);
		return code;
	}
	cJSON_ArrayForEach(element, answer.json) {
		json_id(element, list == LIST_ISSUES ? "number" : "id", id, sizeof(id));
		at = when_read(json_text(element, "updated_at"));
		/* The server may ignore `since`. */
		if (*id == '\0' || at < track_from(track))
			continue;
		if (at > *newest)
			*newest = at;
		if (at > track->newest)
			track->newest = at;
		if (!track_has(track, id, at) && (code = each(p, list, element, err)) != 0)
			break;
	}
	*next = code == 0 && answer.next != NULL ? xstrdup(answer.next) : NULL;
	web_answer_free(&answer);
	return code;
}

int
poll_list(struct poll *p, enum lists list, const char *path,
    int (*each)(struct poll *, enum lists, const cJSON *, struct drover_error *),
    struct drover_error *err)
{
	int64_t from = track_from(&p->tracks[list]), newest = from;
	char at[GITHUB_URL_MAX], since[32], *next = NULL, *link = NULL;
	int n, code = 0;

	for (n = 0; n < LIST_REQUESTS && p->finds_len < FINDS_MAX && !poll_is_late(p); n++) {
		when_write(from, since, sizeof(since));
		snprintf(at, sizeof(at), "%ssort=updated&direction=asc&per_page=100&since=%s", path,
		    since);
		if ((code = list_page(p, list, link != NULL ? link : at, each, &newest, &next,
			 err)) != 0)
			break;
		free(link);
		link = NULL;
		if (next == NULL)
			break;
		if (newest > from) {
			from = newest;
			free(next);
		} else
			link = next;
		next = NULL;
	}
	p->more = p->more || (code == 0 && n == LIST_REQUESTS);
	free(link);
	return code;
}

static int
pulls_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct poll *p = arg;
	const char *head = json_text_at(json, "head.ref"),
		   *from = json_text_at(json, "head.repo.full_name"),
		   *title = json_text(json, "title");
	struct pull *pull;

	if (p->pulls_len == PULLS_MAX)
		return 1;
	p->pulls = xgrow(p->pulls, p->pulls_len, &p->pulls_size, sizeof(*p->pulls));
	pull = &p->pulls[p->pulls_len];
	memset(pull, 0, sizeof(*pull));
	json_id(json, "number", pull->number, sizeof(pull->number));
	pull->updated = when_read(json_text(json, "updated_at"));
	if (*pull->number == '\0' || pull->updated < 0 ||
	    strcmp(json_text(json, "state"), "open") != 0)
		return 0;
	text_line(pull->title, sizeof(pull->title), title);
	/* A fork may call its branch drover/... too. */
	pull->own = account_is_self(p->github, json_text_at(json, "user.login")) ||
	    (strncmp(head, "drover/", 7) == 0 && *from != '\0' &&
		strcmp(from, json_text_at(json, "base.repo.full_name")) == 0);
	pull->moved = pull->updated >= track_from(&p->tracks[LIST_PULLS]) &&
	    !track_has(&p->tracks[LIST_PULLS], pull->number, pull->updated);
	if (pull->moved || p->fresh)
		pull->json = xjson(cJSON_Duplicate(json, 1));
	p->pulls_len++;
	return 0;
}

int
poll_pulls(struct poll *p, struct drover_error *err)
{
	char path[GITHUB_URL_MAX];

	/*
	 * Only this list shows which pull requests are drover's, so all open
	 * ones are read. A page that has not changed costs nothing.
	 */
	snprintf(path, sizeof(path),
	    "/repos/%s/pulls?state=open&sort=updated&direction=desc&per_page=100", p->hub.slug);
	return hub_pages(&p->hub, path, DROVER_HTTP_CACHED, PULLS_MAX / 100, pulls_each, p, err);
}

struct pull *
poll_pull(struct poll *p, const char *number)
{
	size_t i;

	for (i = 0; i < p->pulls_len; i++)
		if (strcmp(p->pulls[i].number, number) == 0)
			return &p->pulls[i];
	return NULL;
}

void
poll_forget(struct poll *p)
{
	size_t i;

	for (i = 0; i < p->pulls_len; i++)
		cJSON_Delete(p->pulls[i].json);
	while (p->finds_len > 0)
		poll_find_drop(p);
	p->pulls_len = 0;
	p->objects = 0;
}

void
poll_free(struct poll *p)
{
	size_t i;

	poll_forget(p);
	free(p->pulls);
	free(p->finds);
	for (i = 0; i < LISTS; i++)
		track_free(&p->tracks[i]);
	hub_close(&p->hub);
	p->pulls = NULL;
	p->finds = NULL;
	p->pulls_size = p->finds_size = 0;
}

struct find *
poll_find(struct poll *p, enum lists list, const char *id, int64_t at)
{
	struct find *find = NULL;
	size_t i;

	/*
	 * Pages overlap, and the newer revision counts. Finds that have a mark
	 * may share an id, and stay.
	 */
	for (i = 0; i < p->finds_len && find == NULL; i++)
		if (p->finds[i].list == list && p->finds[i].mark[0] == '\0' &&
		    strcmp(p->finds[i].id, id) == 0)
			find = &p->finds[i];
	if (find == NULL) {
		p->finds = xgrow(p->finds, p->finds_len, &p->finds_size, sizeof(*p->finds));
		find = &p->finds[p->finds_len++];
	} else {
		/*
		 * The find becomes the last one, which poll_find_drop()
		 * removes.
		 */
		struct find last = *find;

		*find = p->finds[p->finds_len - 1];
		p->finds[p->finds_len - 1] = last;
		find = &p->finds[p->finds_len - 1];
		ask_free(&find->ask);
	}
	memset(find, 0, sizeof(*find));
	find->list = list;
	find->at = at;
	snprintf(find->id, sizeof(find->id), "%s", id);
	snprintf(find->ask.slug, sizeof(find->ask.slug), "%s", p->hub.slug);
	find->ask.at = at;
	return find;
}

void
poll_find_remove(struct poll *p, size_t index)
{
	ask_free(&p->finds[index].ask);
	p->finds[index] = p->finds[--p->finds_len];
}

void
poll_find_drop(struct poll *p)
{
	poll_find_remove(p, p->finds_len - 1);
}

void
poll_find_once(struct poll *p, const char *created)
{
	const char *mark = p->finds[p->finds_len - 1].mark;
	bool done = cursor_done(p->state, mark), old = p->fresh && when_read(created) < p->begin;

	if (old && !done)
		cursor_done_add(p->state, mark);
	if (old || done)
		poll_find_drop(p);
}

void
poll_keep(struct poll *p, bool own)
{
	struct pull *pull;
	size_t i;

	for (i = p->finds_len; i > 0; i--) {
		if ((pull = poll_pull(p, p->finds[i - 1].ask.number)) == NULL || pull->own != own)
			poll_find_remove(p, i - 1);
		else
			snprintf(p->finds[i - 1].ask.title, sizeof(p->finds[i - 1].ask.title), "%s",
			    pull->title);
	}
}

static int
comment_each(struct poll *p, enum lists list, const cJSON *json, struct drover_error *err)
{
	const char *about =
	    json_text(json, list == LIST_COMMENTS ? "issue_url" : "pull_request_url");
	int64_t at = when_read(json_text(json, "updated_at"));
	char id[GITHUB_ID_MAX];
	struct find *find;
	struct ask *ask;

	json_id(json, "id", id, sizeof(id));
	find = poll_find(p, list, id, at);
	ask = &find->ask;
	snprintf(ask->id, sizeof(ask->id), "%s", id);
	snprintf(ask->type, sizeof(ask->type), "%s",
	    list == LIST_COMMENTS ? "issuecomment" : "reviewcomment");
	url_number(about, ask->number, sizeof(ask->number));
	json_id(json, "in_reply_to_id", ask->top, sizeof(ask->top));
	if (list == LIST_REVIEW_COMMENTS && ask->top[0] == '\0')
		snprintf(ask->top, sizeof(ask->top), "%s", id);
	ask_read(ask, p->github, json, json_text(json, "body"));
	if (ask->number[0] == '\0' || ask->author[0] == '\0' || ask->self ||
	    !p->kind->wanted(p, ask))
		poll_find_drop(p);
	return 0;
}

int
poll_comments(struct poll *p, enum lists list, struct drover_error *err)
{
	char path[GITHUB_URL_MAX];

	snprintf(path, sizeof(path), "/repos/%s/%s?", p->hub.slug,
	    list == LIST_COMMENTS ? "issues/comments" : "pulls/comments");
	return poll_list(p, list, path, comment_each, err);
}

struct reviews {
	struct poll *poll;
	const struct pull *pull;
};

static int
review_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct reviews *reviews = arg;
	struct poll *p = reviews->poll;
	const char *state = json_text(json, "state");
	int64_t at = when_read(json_text(json, "submitted_at"));
	struct find *find;
	struct ask *ask;

	/*
	 * A pending review is visible to its author only. The comments of a
	 * review without a text come in a list of their own.
	 */
	if (at < p->begin || *json_text(json, "body") == '\0' || strcmp(state, "PENDING") == 0)
		return 0;
	find = poll_find(p, LIST_PULLS, reviews->pull->number, at);
	ask = &find->ask;
	json_id(json, "id", ask->id, sizeof(ask->id));
	snprintf(ask->type, sizeof(ask->type), "review");
	snprintf(ask->number, sizeof(ask->number), "%s", reviews->pull->number);
	ask_read(ask, p->github, json, json_text(json, "body"));
	snprintf(find->mark, sizeof(find->mark), "r.%s.%s", ask->id, ask->rev);
	if (ask->id[0] == '\0' || ask->author[0] == '\0' || ask->self ||
	    cursor_done(p->state, find->mark) || !p->kind->wanted(p, ask))
		poll_find_drop(p);
	return 0;
}

int
poll_reviews(struct poll *p, bool own, struct drover_error *err)
{
	struct reviews reviews = { p, NULL };
	char path[GITHUB_URL_MAX];
	size_t i;
	int code;

	for (i = 0; i < p->pulls_len; i++) {
		reviews.pull = &p->pulls[i];
		if (!reviews.pull->moved || reviews.pull->own != own)
			continue;
		if (p->objects++ >= POLL_OBJECTS_MAX || poll_is_late(p)) {
			p->pulls[i].held = true;
			p->more = true;
			continue;
		}
		snprintf(path, sizeof(path), "/repos/%s/pulls/%s/reviews?per_page=100", p->hub.slug,
		    reviews.pull->number);
		if ((code = hub_pages(&p->hub, path, DROVER_HTTP_CACHED, 10, review_each, &reviews,
			 err)) != 0)
			return code;
	}
	return 0;
}
