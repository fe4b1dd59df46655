/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out which marks a user has, as far as `authors` name them: a member of
 * the workspace or of a user group, or a program. Slack's answers are kept for
 * ten minutes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#include "common/authors.h"

#define KNOWN_MS (10 * SLACK_MINUTE)
#define GROUPS_MAX 100

static int people_lost(struct people *, struct account *, const char *, struct drover_error *);
static bool person_is_of(const cJSON *, const struct account *);
static int person_ask(struct people *, struct account *, struct person *, struct drover_error *);
static void groups_free(struct people *);
static int groups_each(void *, const cJSON *, struct drover_error *);
static int groups_ask(struct people *, struct account *, struct drover_error *);
static void person_groups(const struct people *, struct person *);

/*
 * If the token lacks the scope to ask, users count as strangers. Other failures
 * are tried again.
 */
static int
people_lost(struct people *people, struct account *a, const char *what, struct drover_error *err)
{
	if (err->code != DROVER_CONFIG && err->code != DROVER_PERMANENT)
		return err->code;
	if (!people->told)
		plugin_log(a->scope, DROVER_WARN,
		    "%s is not known, so authors by it are refused: %s", what, err->text);
	people->told = true;
	err->code = 0;
	return 0;
}

static bool
person_is_of(const cJSON *user, const struct account *a)
{
	const cJSON *team;

	if (a->team[0] == '\0')
		return false;
	if (strcmp(json_text(user, "team_id"), a->team) == 0)
		return true;
	cJSON_ArrayForEach(team, json_at(user, "enterprise_user.teams"))
		if (cJSON_IsString(team) && strcmp(team->valuestring, a->team) == 0)
			return true;
	return false;
}

static int
person_ask(struct people *people, struct account *a, struct person *p, struct drover_error *err)
{
	const struct param params[] = { { "user", p->id }, { NULL, NULL } };
	struct web_answer answer;
	const cJSON *user;
	const char *name;

	if (account_call(a, "users.info", NULL, params, &answer, err) != 0)
		return people_lost(people, a, "whether somebody is a member of the workspace", err);
	user = json_at(answer.json, "user");
	name = json_text_at(user, "profile.display_name");
	if (*name == '\0')
		name = *json_text(user, "real_name") != '\0' ? json_text(user, "real_name") :
							       json_text(user, "name");
	text_line(p->name, sizeof(p->name), name);
	if (json_true(user, "is_bot") || json_true(user, "is_workflow_bot") ||
	    json_true(user, "is_connector_bot"))
		p->flags |= DROVER_PERSON_BOT;
	p->workspace = strcmp(json_text(user, "id"), p->id) == 0 && person_is_of(user, a) &&
	    !json_true(user, "is_restricted") && !json_true(user, "is_ultra_restricted") &&
	    !json_true(user, "is_stranger") && !json_true(user, "deleted") &&
	    !json_true(user, "is_invited_user");
	web_answer_free(&answer);
	return 0;
}

static void
groups_free(struct people *people)
{
	while (people->groups_len > 0)
		free(people->groups[--people->groups_len].users);
	free(people->groups);
	people->groups = NULL;
}

static int
groups_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct people *people = arg;
	struct group *group = &people->groups[people->groups_len];
	struct text_buf users = { 0 };
	const cJSON *user;
	const char *handle = json_text(json, "handle");

	if (people->groups_len == GROUPS_MAX || *handle == '\0' ||
	    strlen(handle) + 2 > sizeof(group->handle) || json_number(json, "date_delete") > 0)
		return 0;
	text_addf(&users, " ");
	cJSON_ArrayForEach(user, json_at(json, "users"))
		if (cJSON_IsString(user) && slack_id_valid(user->valuestring))
			text_addf(&users, "%s ", user->valuestring);
	snprintf(group->handle, sizeof(group->handle), "@%s", handle);
	group->users = text_take(&users);
	people->groups_len++;
	return 0;
}

static int
groups_ask(struct people *people, struct account *a, struct drover_error *err)
{
	static const struct param params[] = { { "include_users", "true" }, { NULL, NULL } };

	groups_free(people);
	people->groups = xcalloc(GROUPS_MAX, sizeof(*people->groups));
	if (account_pages(a, "usergroups.list", params, "usergroups", 1, NULL, 0, groups_each,
		people, err) != 0)
		return people_lost(people, a, "who is in which user group", err);
	return 0;
}

static void
person_groups(const struct people *people, struct person *p)
{
	char word[SLACK_ID_MAX + 2];
	size_t i, n = 0;

	memset(p->groups, 0, sizeof(p->groups));
	snprintf(word, sizeof(word), " %s ", p->id);
	for (i = 0; i < people->groups_len && n < PERSON_MARKS; i++)
		if (strstr(people->groups[i].users, word) != NULL)
			memcpy(p->groups[n++], people->groups[i].handle, sizeof(p->groups[0]));
}

int
person_find(struct people *people, struct account *a, const char *id, struct person *out,
    struct drover_error *err)
{
	int64_t now = a->scope->host->time->now(a->scope);
	struct person person = { .flags = 0 };
	size_t i;

	for (i = 0; i < people->len && strcmp(people->list[i].id, id) != 0; i++)
		;
	if (i < people->len && people->list[i].known_ms + KNOWN_MS > now) {
		*out = people->list[i];
		return 0;
	}
	snprintf(person.id, sizeof(person.id), "%s", id);
	if (strcmp(id, a->user) == 0)
		person.flags |= DROVER_PERSON_SELF;
	if (authors_name(a->scope, SLACK_SOURCE, "workspace") &&
	    person_ask(people, a, &person, err) != 0)
		return err->code;
	if (authors_name(a->scope, SLACK_SOURCE, "@")) {
		if (people->groups_ms + KNOWN_MS <= now) {
			if (groups_ask(people, a, err) != 0)
				return err->code;
			people->groups_ms = now;
		}
		person_groups(people, &person);
	}
	person.known_ms = now;
	if (i == people->len && people->len < PEOPLE_MAX)
		people->len++;
	else if (i == people->len)
		i = (size_t)now % PEOPLE_MAX;
	people->list[i] = person;
	*out = person;
	return 0;
}

void
person_public(const struct person *p, struct drover_person *out, const char **marks)
{
	size_t i, n = 0;

	if (p->workspace)
		marks[n++] = "workspace";
	for (i = 0; i < PERSON_MARKS && p->groups[i][0] != '\0'; i++)
		marks[n++] = p->groups[i];
	marks[n] = NULL;
	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	out->flags = p->flags;
	out->id = p->id;
	out->name = p->name[0] != '\0' ? p->name : NULL;
	out->marks = marks;
}

int
person_allowed(struct drover_scope *scope, const struct person *p, struct drover_error *err)
{
	const char *marks[PERSON_MARKS + 2];
	struct drover_person person;

	person_public(p, &person, marks);
	return scope->host->trust->allows(scope, SLACK_SOURCE, &person, err);
}

void
people_free(struct people *people)
{
	groups_free(people);
	people->len = 0;
}
