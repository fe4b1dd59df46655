/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The person who asks, as the core wants to know it: the login and the
 * association, which come with every comment, and the permission and teams, for
 * which GitHub is asked only if the source's `authors` name such marks. What is
 * learned of a person is kept for one callback.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "github.h"

#define MARKS_MAX 24
#define MARK_MAX 160
#define TEAMS_MAX 16

struct known {
	struct known *next;
	char slug[SLUG_MAX], login[LOGIN_MAX], id[LOGIN_MAX + 8], association[32];
	char marks[MARKS_MAX][MARK_MAX];
	const char *list[MARKS_MAX + 1];
	size_t len;
};

struct people {
	struct known *first;
};

static void known_mark(struct known *, const char *, ...) DROVER_PRINTF(2, 3);
static bool is_association(const char *);
static int known_permission(struct known *, struct hub *, struct drover_error *);
static int known_teams(struct known *, struct hub *, struct drover_error *);
static int known_ask(struct known *, struct hub *, const struct ask *, struct drover_error *);

struct people *
people_new(void)
{
	return xcalloc(1, sizeof(struct people));
}

void
people_free(struct people *people)
{
	struct known *known, *next;

	for (known = people != NULL ? people->first : NULL; known != NULL; known = next) {
		next = known->next;
		free(known);
	}
	free(people);
}

static void
known_mark(struct known *known, const char *format, ...)
{
	va_list ap;

	if (known->len == MARKS_MAX)
		return;
	va_start(ap, format);
	vsnprintf(known->marks[known->len], MARK_MAX, format, ap);
	va_end(ap);
	known->list[known->len] = known->marks[known->len];
	known->len++;
}

/*
 * Adds the mark of a permission and those of the lower ones, which it includes.
 */
static int
known_permission(struct known *known, struct hub *hub, struct drover_error *err)
{
	static const char *const levels[] = { "admin", "maintain", "write", "triage", "read" };
	struct web_answer answer;
	const char *has, *role;
	bool on = false;
	size_t i;
	int code;

	if ((code = hub_get(hub, &answer, DROVER_HTTP_CACHED, err,
		 "/repos/%s/collaborators/%s/permission", hub->slug, known->login)) != 0)
		return code;
	if (answer.status == 200) {
		has = json_text(answer.json, "permission");
		role = json_text(answer.json, "role_name");
		for (i = 0; i < ARRAY_LEN(levels); i++) {
			on = on || strcmp(has, levels[i]) == 0 || strcmp(role, levels[i]) == 0;
			if (on)
				known_mark(known, "permission:%s", levels[i]);
			/*
			 * Labels are set by people with this permission or a
			 * higher one. The event does not tell their
			 * association, so this shows that they are no
			 * strangers.
			 */
			if (on && strcmp(levels[i], "triage") == 0 && known->association[0] == '\0')
				known_mark(known, "collaborator");
		}
	} else if (answer.status != 404)
		code = web_refused(&answer, "the permission of an author", err);
	web_answer_free(&answer);
	return code;
}

static int
known_teams(struct known *known, struct hub *hub, struct drover_error *err)
{
	struct drover_scope *scope = hub->scope;
	struct web_answer answer;
	const char *author;
	char org[64], team[80];
	size_t i, n = 0;
	int code, end;

	for (i = 0; (author = scope->host->trust->author(scope, NULL, i)) != NULL && n < TEAMS_MAX;
	     i++) {
		end = 0;
		if (sscanf(author, "@%63[A-Za-z0-9-]/%79[A-Za-z0-9_.-]%n", org, team, &end) != 2 ||
		    author[end] != '\0')
			continue;
		n++;
		if ((code = hub_get(hub, &answer, DROVER_HTTP_CACHED, err,
			 "/orgs/%s/teams/%s/memberships/%s", org, team, known->login)) != 0)
			return code;
		if (answer.status == 200 && strcmp(json_text(answer.json, "state"), "active") == 0)
			known_mark(known, "%s", author);
		else if (answer.status == 401 || answer.status == 403)
			plugin_log(scope, DROVER_WARN,
			    "%s: GitHub hides its members (%d): let the credential read them",
			    author, answer.status);
		web_answer_free(&answer);
	}
	return 0;
}

/*
 * An account may have a name that is also GitHub's word for an association, and
 * must not pass for one.
 */
static bool
is_association(const char *login)
{
	static const char *const words[] = { "owner", "member", "collaborator", "contributor",
		"first_time_contributor", "first_timer", "mannequin", "none" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(login, words[i]) == 0)
			return true;
	return false;
}

static int
known_ask(struct known *known, struct hub *hub, const struct ask *ask, struct drover_error *err)
{
	int code = 0;

	snprintf(known->slug, sizeof(known->slug), "%s", ask->slug);
	snprintf(known->login, sizeof(known->login), "%s", ask->author);
	snprintf(known->id, sizeof(known->id), "%s%s", is_association(ask->author) ? "login:" : "",
	    ask->author);
	snprintf(known->association, sizeof(known->association), "%s", ask->association);
	if (ask->association[0] != '\0')
		known_mark(known, "%s", ask->association);
	/*
	 * GitHub's logins have no other characters, and other characters must
	 * not get into a path.
	 */
	if (ask->bot || ask->self || !text_is_of(ask->author, TEXT_ALNUM "-_"))
		return 0;
	if (ask->association[0] == '\0' || authors_name(hub->scope, NULL, "permission:"))
		code = known_permission(known, hub, err);
	if (code == 0 && authors_name(hub->scope, NULL, "@"))
		code = known_teams(known, hub, err);
	return code;
}

int
people_find(struct people *people, struct hub *hub, const struct ask *ask,
    struct drover_person *person, struct drover_error *err)
{
	struct known *known;
	int code;

	for (known = people->first; known != NULL; known = known->next)
		if (strcmp(known->slug, ask->slug) == 0 && strcmp(known->login, ask->author) == 0 &&
		    strcmp(known->association, ask->association) == 0)
			break;
	if (known == NULL) {
		known = xcalloc(1, sizeof(*known));
		if ((code = known_ask(known, hub, ask, err)) != 0) {
			free(known);
			return code;
		}
		known->next = people->first;
		people->first = known;
	}
	*person = (struct drover_person){ .size = sizeof(*person),
		.id = known->id,
		.name = known->login,
		.marks = known->list };
	if (ask->self)
		person->flags |= DROVER_PERSON_SELF;
	if (ask->bot)
		person->flags |= DROVER_PERSON_BOT;
	return 0;
}

int
people_allow(struct people *people, struct hub *hub, const struct ask *ask,
    struct drover_error *err)
{
	struct drover_person person;
	int code;

	if (ask->author[0] == '\0' || ask->bot)
		return 0;
	if ((code = people_find(people, hub, ask, &person, err)) != 0)
		return code;
	return hub->scope->host->trust->allows(hub->scope, NULL, &person, err);
}
