/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation probe: tells drover's account at GitHub, and what its
 * credential lacks, by itself and in each repository.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

static bool probe_passes(struct probe *, const char *, int, struct drover_error *);
static void probe_permissions(struct probe *, const cJSON *, const char *);
static void probe_app(struct probe *, struct github *, struct drover_scope *);
static void probe_repo(struct probe *, struct github *, struct drover_scope *, const char *);

static bool
probe_passes(struct probe *p, const char *what, int code, struct drover_error *err)
{
	if (code != 0)
		probe_say(p, what, false, "%s", err->text);
	return code == 0;
}

/* Names the permissions that the App was not granted. */
static void
probe_permissions(struct probe *p, const cJSON *granted, const char *what)
{
	static const struct {
		const char *name, *level;
	} needed[] = { { "contents", "write" }, { "issues", "write" }, { "pull_requests", "write" },
		{ "metadata", "read" } };
	const char *has;
	char lacks[256] = "";
	size_t i, used = 0;

	for (i = 0; i < ARRAY_LEN(needed); i++) {
		has = json_text(granted, needed[i].name);
		if (strcmp(has, needed[i].level) == 0 || strcmp(has, "write") == 0 ||
		    strcmp(has, "admin") == 0)
			continue;
		used += (size_t)snprintf(lacks + used, sizeof(lacks) - used, "%s%s: %s",
		    used > 0 ? ", " : "", needed[i].name, needed[i].level);
	}
	probe_say(p, what, used == 0,
	    used == 0 ? "the App has what it needs%s" : "the App lacks the permissions %s", lacks);
}

static void
probe_app(struct probe *p, struct github *github, struct drover_scope *scope)
{
	struct drover_error err = { 0 };
	struct web_answer answer;
	struct hub hub;
	int code = hub_open(&hub, github, scope, NULL, DROVER_HTTP_CRITICAL, &err);

	if (code == 0)
		code = hub_get(&hub, &answer, 0, &err, hub.app ? "/app" : "/user");
	if (probe_passes(p, hub.app ? "private_key" : "token", code, &err)) {
		if (answer.status != 200)
			probe_say(p, hub.app ? "private_key" : "token", false, "GitHub answered %d",
			    answer.status);
		else
			probe_say(p, hub.app ? "private_key" : "token", true, "GitHub takes it");
		if (answer.status == 200 && hub.app)
			probe_permissions(p, json_at(answer.json, "permissions"), "permissions");
		web_answer_free(&answer);
	}
	hub_close(&hub);
}

static void
probe_repo(struct probe *p, struct github *github, struct drover_scope *scope, const char *repo)
{
	struct drover_error err = { 0 };
	struct web_answer answer;
	char slug[SLUG_MAX], what[DROVER_NAME_MAX + 16];
	const cJSON *granted;
	struct hub hub = { .app = false };
	int code = slug_of_repo(scope, repo, slug, &err);

	snprintf(what, sizeof(what), "repo %s", repo);
	if (code == 0)
		code = hub_open(&hub, github, scope, slug, DROVER_HTTP_CRITICAL, &err);
	if (code == 0)
		code = hub_get(&hub, &answer, 0, &err, "/repos/%s", slug);
	if (probe_passes(p, what, code, &err)) {
		granted = json_at(answer.json, "permissions");
		if (answer.status == 404)
			probe_say(p, what, false,
			    "%s does not exist, or the credential may not see it", slug);
		else if (answer.status != 200)
			probe_say(p, what, false, "%s: GitHub answered %d", slug, answer.status);
		else if (json_true(answer.json, "archived"))
			probe_say(p, what, false, "%s is archived", slug);
		else if (!hub.app && cJSON_IsObject(granted) && !json_true(granted, "push"))
			probe_say(p, what, false, "%s: the token may not push there", slug);
		else
			probe_say(p, what, true, "%s can be worked on", slug);
		web_answer_free(&answer);
	}
	hub_close(&hub);
}

int
github_probe(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	struct drover_repo repo = { .size = sizeof(repo) };
	struct github *github = plugin;
	struct drover_error why = { 0 };
	struct probe probe = { 0 };
	size_t i;

	/*
	 * If the credential is refused, the login stays unknown, and
	 * probe_app() says so.
	 */
	account_who(github, scope, &why);
	probe_app(&probe, github, scope);
	for (i = 0; scope->host->repo->at(scope, i, &repo) == 0; i++)
		if (strcmp(repo.forge, "github") == 0)
			probe_repo(&probe, github, scope, repo.name);
	return probe_reply(scope, &probe, github->login,
	    scope->host->option->string(scope, "api_url"), err);
}
