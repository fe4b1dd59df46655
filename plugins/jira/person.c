/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out which marks a user has, as far as the source's `authors` name them.
 * "member" is a person with an account in this Jira who is neither a customer
 * of a service desk nor a program. An e-mail address counts if Jira shows it.
 * Groups and roles of a project cost requests, so they are looked up only if
 * `authors` name one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/authors.h"
#include "jira/jira.h"

#define GROUP "group:"
#define ROLE "project-role:"

static void person_mark(struct person *, const char *);
static int person_groups(struct jira *, const char *, struct person *, struct drover_error *);
static bool role_is_hidden(struct jira *, const struct web_answer *, const char *);
static bool person_is_actor(const struct jira *, const cJSON *, const struct person *);
static int person_roles(struct jira *, const char *, const char *, struct person *,
    struct drover_error *);

static void
person_mark(struct person *p, const char *mark)
{
	size_t n = 0;

	while (n < PERSON_MARKS && p->list[n] != NULL)
		n++;
	if (n == PERSON_MARKS || strlen(mark) >= sizeof(p->marks[n]))
		return;
	memcpy(p->marks[n], mark, strlen(mark) + 1);
	p->list[n] = p->marks[n];
}

/*
 * If Jira hides a role, its holders do not count as authors, and other issues
 * are still looked at.
 */
static bool
role_is_hidden(struct jira *j, const struct web_answer *answer, const char *project)
{
	if (answer->status != 401 && answer->status != 403 && answer->status != 404)
		return false;
	plugin_log(j->scope, DROVER_WARN,
	    "project %s: Jira does not say who has which role (%d): let the account see it",
	    project, answer->status);
	return true;
}

/*
 * Adds those groups of the person that authors name, with one request. Cloud
 * lists groups by themselves, Data Center with the user.
 */
static int
person_groups(struct jira *j, const char *source, struct person *p, struct drover_error *err)
{
	const struct drover_host_trust *trust = j->scope->host->trust;
	struct jira_request request = { .endpoint = "user" };
	const cJSON *group, *groups;
	struct text_buf id = { 0 };
	struct web_answer answer;
	const char *author;
	size_t i;
	int code;

	text_add_url(&id, p->id);
	code = jira_send(j, &request, &answer, err,
	    j->server ? "/user?username=%s&expand=groups" : "/user/groups?accountId=%s",
	    text_of(&id));
	text_free(&id);
	if (code != 0)
		return code;
	if (answer.status == 403)
		code = plugin_fail(err, DROVER_CONFIG,
		    "authors name groups: give the account Jira's permission to browse them");
	groups = j->server ? json_at(answer.json, "groups.items") : answer.json;
	for (i = 0; code == 0 && answer.status == 200 &&
	     (author = trust->author(j->scope, source, i)) != NULL;
	     i++) {
		if (strncmp(author, GROUP, strlen(GROUP)) != 0)
			continue;
		cJSON_ArrayForEach(group, groups)
			if (strcmp(json_text(group, "name"), author + strlen(GROUP)) == 0)
				person_mark(p, author);
	}
	web_answer_free(&answer);
	return code;
}

static bool
person_is_actor(const struct jira *j, const cJSON *role, const struct person *p)
{
	const cJSON *actor;

	cJSON_ArrayForEach(actor, json_get(role, "actors"))
		if (strcmp(j->server ? json_text(actor, "name") :
				       json_text_at(actor, "actorUser.accountId"),
			p->id) == 0)
			return true;
	return false;
}

static int
person_roles(struct jira *j, const char *source, const char *project, struct person *p,
    struct drover_error *err)
{
	const struct drover_host_trust *trust = j->scope->host->trust;
	struct jira_request request = { .endpoint = "role" };
	struct web_answer roles, role;
	const char *author, *url, *id;
	size_t i;
	int code;

	if ((code = jira_send(j, &request, &roles, err, "/project/%s/role", project)) != 0)
		return code;
	if (!web_is_good(&roles)) {
		code = role_is_hidden(j, &roles, project) ?
		    0 :
		    web_refused(&roles, "roles of the project", err);
		web_answer_free(&roles);
		return code;
	}
	for (i = 0; code == 0 && (author = trust->author(j->scope, source, i)) != NULL; i++) {
		if (strncmp(author, ROLE, strlen(ROLE)) != 0)
			continue;
		url = json_text(roles.json, author + strlen(ROLE));
		id = strrchr(url, '/') != NULL ? strrchr(url, '/') + 1 : "";
		if (!jira_is_key(id))
			continue;
		if ((code = jira_send(j, &request, &role, err, "/project/%s/role/%s", project,
			 id)) != 0)
			break;
		if (!web_is_good(&role))
			code =
			    role_is_hidden(j, &role, project) ? 0 : web_refused(&role, author, err);
		else if (person_is_actor(j, role.json, p))
			person_mark(p, author);
		web_answer_free(&role);
	}
	web_answer_free(&roles);
	return code;
}

int
person_read(struct jira *j, const char *source, const cJSON *user, const char *project,
    struct person *p, struct drover_error *err)
{
	const struct drover_host_trust *trust = j->scope->host->trust;
	const char *author, *name = json_text(user, "displayName"),
			    *type = json_text(user, "accountType");
	bool by_id;
	size_t i;
	int code = 0;

	memset(p, 0, sizeof(*p));
	text_line(p->id, sizeof(p->id), jira_user_id(j, user));
	text_line(p->name, sizeof(p->name), name);
	p->is = (struct drover_person){ .size = sizeof(p->is),
		.id = p->id,
		.name = p->name,
		.marks = p->list };
	if (p->id[0] == '\0')
		snprintf(p->id, sizeof(p->id), "unknown");
	if (jira_is_me(j, user))
		p->is.flags |= DROVER_PERSON_SELF;
	if (strcmp(type, "app") == 0)
		p->is.flags |= DROVER_PERSON_BOT;
	if (p->is.flags != 0 || strcmp(p->id, "unknown") == 0)
		return 0;
	if ((*type == '\0' || strcmp(type, "atlassian") == 0) &&
	    !cJSON_IsFalse(json_get(user, "active")))
		person_mark(p, "member");
	for (i = 0; (author = trust->author(j->scope, source, i)) != NULL; i++)
		if (strchr(author, '@') != NULL &&
		    strcasecmp(author, json_text(user, "emailAddress")) == 0)
			person_mark(p, author);
	by_id = authors_name(j->scope, source, p->id);
	if (!by_id && authors_name(j->scope, source, GROUP))
		code = person_groups(j, source, p, err);
	if (code == 0 && !by_id && authors_name(j->scope, source, ROLE) && jira_is_key(project))
		code = person_roles(j, source, project, p, err);
	return code;
}

int
person_allowed(struct jira *j, const char *source, const cJSON *user, const char *project,
    struct drover_error *err)
{
	struct person person;
	int code;

	if ((code = person_read(j, source, user, project, &person, err)) != 0)
		return code;
	return j->scope->host->trust->allows(j->scope, source, &person.is, err);
}
