/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One poll of a source: its repositories in turn, and one cursor for all of
 * them. For each repository the source's look gathers what people ask (poll.c),
 * which is handed over, oldest first, while there is room; what is left over is
 * found again, because the cursor stays before it. A repository that fails is
 * logged once and left as it was, and the others go on.
 *
 * Between polls, struct watch holds the repository that comes first in the next
 * poll, and what was logged in the last one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define EMIT_MAX  200 /* items of one poll, counting those that the core will refuse */
#define REPOS_MAX 500
#define AGAIN_MS 1000
#define LOOKS 4 /* at one repository in one poll, at most */

static int find_compare(const void *, const void *);
static int find_emit(struct poll *, struct find *, struct drover_error *);
static int watch_people(struct poll *, struct drover_error *);
static int watch_hand_over(struct poll *, struct drover_error *);
static void watch_save(struct poll *);
static int watch_look(struct poll *, struct drover_error *);
static int watch_repo(struct poll *, cJSON *, int64_t, struct drover_error *);
static size_t watch_repos(struct drover_scope *, const char **);
static void watch_trouble(struct poll *, const char *);
static int watch_end(struct poll *, cJSON *, const char *, struct drover_error *);

int
watch_open(struct drover_scope *scope, void *plugin, void **source, struct drover_error *err)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));

	watch->github = plugin;
	*source = watch;
	return 0;
}

void
watch_close(struct drover_scope *scope, void *source)
{
	free(source);
}

static int
find_compare(const void *a, const void *b)
{
	const struct find *x = a, *y = b;
	size_t nx = strlen(x->ask.id), ny = strlen(y->ask.id);

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	/*
	 * Orders finds by time, and within one second by id: the smaller one
	 * came first, and a shorter one is smaller.
	 */
	if (nx != ny)
		return nx < ny ? -1 : 1;
	return strcmp(x->ask.id, y->ask.id);
}

/*
 * An item that the core refuses for good counts as handled, because it would be
 * refused again.
 */
static int
find_emit(struct poll *p, struct find *find, struct drover_error *err)
{
	struct drover_scope *scope = p->scope;
	char key[DROVER_KEY_MAX], serial[DROVER_KEY_MAX], title[DROVER_TITLE_MAX], *payload;
	struct drover_item item = { .size = sizeof(item),
		.kind = p->kind->kind,
		.key = key,
		.serial = serial,
		.title = title,
		.repo = p->repo };
	struct drover_person person;
	int code, allowed;

	if ((code = people_find(p->people, &p->hub, &find->ask, &person, err)) != 0)
		return code;
	payload = ask_payload(&find->ask);
	ask_key(&find->ask, key);
	ask_serial(&find->ask, serial);
	work_title(&find->ask, title, sizeof(title));
	item.payload = payload;
	item.payload_len = strlen(payload);
	item.author = &person;
	item.flags = DROVER_ITEM_REPLACES;
	/*
	 * What a stranger asks is handed over as well, since the core refuses
	 * it and keeps a record; but it takes no room.
	 */
	allowed = scope->host->trust->allows(scope, NULL, &person, err);
	code = allowed < 0 ? allowed : scope->host->queue->emit(scope, &item, err);
	free(payload);
	if (code == DROVER_PERMANENT || code == DROVER_CONFIG) {
		plugin_log(scope, DROVER_WARN, "%s: not taken: %s", key, err->text);
		code = 0;
	} else if (code == 0 && allowed == 1)
		p->room--;
	return code;
}

/*
 * Finds out who asks, before any item is handed over. A failure here, such as a
 * permission that the token may not read, stops only this repository.
 */
static int
watch_people(struct poll *p, struct drover_error *err)
{
	struct drover_person person;
	int code, allowed, room = p->room, given = 0;
	size_t i;

	if (p->finds_len > 0)
		qsort(p->finds, p->finds_len, sizeof(*p->finds), find_compare);
	for (i = 0; i < p->finds_len && room > 0 && given < EMIT_MAX; i++) {
		if (p->finds[i].mark[0] != '\0' && cursor_done(p->state, p->finds[i].mark))
			continue;
		if ((code = people_find(p->people, &p->hub, &p->finds[i].ask, &person, err)) != 0)
			return code;
		if ((allowed = p->scope->host->trust->allows(p->scope, NULL, &person, err)) < 0)
			return allowed;
		room -= allowed;
		given++;
	}
	return 0;
}

static int
watch_hand_over(struct poll *p, struct drover_error *err)
{
	struct find *find;
	struct pull *pull;
	size_t i, given = 0;
	int code = 0;

	for (i = 0; i < p->finds_len && code == 0; i++) {
		find = &p->finds[i];
		/* Pages overlap. */
		if (find->mark[0] != '\0' && cursor_done(p->state, find->mark))
			continue;
		if (p->room <= 0 || given == EMIT_MAX) {
			track_deferred(&p->tracks[find->list], find->at);
			if ((pull = find->list == LIST_PULLS ? poll_pull(p, find->id) : NULL) !=
			    NULL)
				pull->held = true;
			p->more = p->more || given == EMIT_MAX;
			continue;
		}
		if ((code = find_emit(p, find, err)) != 0)
			break;
		given++;
		if (find->mark[0] == '\0')
			track_handled(&p->tracks[find->list], find->id, find->at);
		else
			cursor_done_add(p->state, find->mark);
	}
	return code;
}

/*
 * Marks the pull requests that moved as handled, unless some of their finds are
 * left.
 */
static void
watch_save(struct poll *p)
{
	size_t i;

	for (i = 0; i < p->pulls_len; i++) {
		if (!p->pulls[i].moved)
			continue;
		if (p->pulls[i].held)
			track_deferred(&p->tracks[LIST_PULLS], p->pulls[i].updated);
		else
			track_handled(&p->tracks[LIST_PULLS], p->pulls[i].number,
			    p->pulls[i].updated);
	}
	for (i = 0; i < LISTS; i++)
		track_save(&p->tracks[i], p->state);
}

/*
 * The lists are read one after another. So what is said while one of them is
 * read may be found although something older, in a list that was read before,
 * is not, and the two would be carried out in the wrong order. Whoever finds
 * anything looks again, until a look finds no more than the one before: then
 * all that is older than a find has been found too. Lists that did not change
 * come from the cache.
 */
static int
watch_look(struct poll *p, struct drover_error *err)
{
	size_t had = 0;
	int code = 0, n;

	for (n = 0; n < LOOKS && code == 0 && (n == 0 || p->finds_len > had); n++) {
		had = p->finds_len;
		poll_forget(p);
		code = p->kind->look(p, err);
	}
	return code;
}

static int
watch_repo(struct poll *p, cJSON *cursor, int64_t begin, struct drover_error *err)
{
	int64_t overlap = p->scope->host->option->integer(p->scope, "overlap") / 1000;
	char slug[SLUG_MAX];
	size_t i;
	int code;

	if ((code = slug_of_repo(p->scope, p->repo, slug, err)) != 0 ||
	    (code = hub_open(&p->hub, p->github, p->scope, slug, 0, err)) != 0)
		return code;
	p->state = cursor_repo(cursor, slug, begin, &p->fresh);
	p->begin = (int64_t)json_number(p->state, "begin");
	for (i = 0; i < LISTS; i++)
		track_load(&p->tracks[i], p->state, poll_list_names[i], p->begin,
		    overlap > 0 ? overlap : 0);
	if ((code = watch_look(p, err)) != 0)
		return code;
	return watch_people(p, err);
}

/*
 * Lists the names in option repos, else those of all repos with this forge.
 * They live as long as the scope.
 */
static size_t
watch_repos(struct drover_scope *scope, const char **names)
{
	size_t n = scope->host->option->count(scope, "repos"), len = 0, i;
	struct drover_repo repo = { .size = sizeof(repo) };

	for (i = 0; i < n && len < REPOS_MAX; i++)
		names[len++] = scope->host->option->item(scope, "repos", i);
	for (i = 0; n == 0 && len < REPOS_MAX && scope->host->repo->at(scope, i, &repo) == 0; i++)
		if (strcmp(repo.forge, "github") == 0)
			names[len++] = repo.name;
	return len;
}

/* Logs a failure unless the last poll has logged it. */
static void
watch_trouble(struct poll *p, const char *text)
{
	uint64_t bit = UINT64_C(1)
	    << text_hash(text_hash(0, p->repo, strlen(p->repo)), text, strlen(text)) % 64;

	if ((p->watch->trouble & bit) == 0)
		plugin_log(p->scope, DROVER_WARN, "repo %s is passed over: %s", p->repo, text);
	p->trouble |= bit;
}

static int
watch_end(struct poll *p, cJSON *cursor, const char *given, struct drover_error *err)
{
	const struct drover_host_queue *queue = p->scope->host->queue;
	char *text = cursor_write(cursor);
	int code = 0;

	if (given == NULL || strcmp(text, given) != 0)
		code = queue->cursor(p->scope, text, err);
	free(text);
	if (code == 0 && p->more && p->room > 0)
		code = queue->again(p->scope, AGAIN_MS, err);
	return code;
}

int
watch_poll(struct drover_scope *scope, struct watch *watch, const struct watch_kind *kind,
    const char *given, struct drover_error *err)
{
	struct poll p = { .scope = scope, .watch = watch, .github = watch->github, .kind = kind };
	int64_t begin =
	    (scope->host->time->now(scope) - scope->host->option->integer(scope, "since")) / 1000;
	struct drover_error first = { 0 };
	const char *names[REPOS_MAX];
	size_t n, i, good = 0;
	cJSON *cursor = NULL;
	int code = 0;

	if ((p.room = scope->host->capacity->available(scope, kind->kind, err)) <= 0)
		return p.room;
	if ((code = account_who(watch->github, scope, err)) != 0)
		return code;
	if ((n = watch_repos(scope, names)) == 0)
		return plugin_fail(err, DROVER_CONFIG,
		    "no repo has forge = \"github\", and option repos names none");
	cursor = cursor_read(given);
	p.people = people_new();
	for (i = 0; i < n && p.room > 0 && code == 0; i++) {
		struct drover_error why = { 0 };
		int looked;

		/* A repository for which there was no time has not failed. */
		if (i > 0 && poll_is_late(&p))
			break;
		p.repo = names[(watch->turn + i) % n];
		p.state = NULL;
		if ((looked = watch_repo(&p, cursor, begin, &why)) == 0) {
			/*
			 * A failure from here on would leave the repository
			 * half handed over, so the whole poll fails.
			 */
			if ((code = watch_hand_over(&p, err)) == 0) {
				watch_save(&p);
				good++;
			}
		} else {
			if (first.code == 0)
				first = why;
			/*
			 * Remove its object, so that the next poll finds the
			 * repository fresh again.
			 */
			if (p.fresh && p.state != NULL)
				cJSON_Delete(cJSON_DetachItemViaPointer(cursor, p.state));
			watch_trouble(&p, why.text);
		}
		poll_free(&p);
	}
	/*
	 * The next poll begins where this one ended, so that each repository
	 * has its turn.
	 */
	watch->turn = (unsigned)((watch->turn + (i < n ? i : 1)) % n);
	if (code == 0 && good == 0 && first.code != 0) {
		*err = first;
		code = first.code;
	}
	watch->trouble = p.trouble;
	if (code == 0)
		code = watch_end(&p, cursor, given, err);
	people_free(p.people);
	cJSON_Delete(cursor);
	return code;
}
