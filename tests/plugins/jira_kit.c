/* SPDX-License-Identifier: Apache-2.0 */
/* See jira_kit.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "jira_kit.h"

#define SEARCH "/rest/api/3/search/jql"

static char arena[1 << 20];
static size_t arena_used;

static void replace(struct kit *, const char *, const char *, const char *);
static void defaults(struct fake *, const struct drover_option *);

const char *
kit_text(const char *format, ...)
{
	char *at = arena + arena_used;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(at, sizeof(arena) - arena_used, format, ap);
	va_end(ap);
	ck_assert_uint_lt(arena_used + (size_t)n + 1, sizeof(arena));
	arena_used += (size_t)n + 1;
	return at;
}

/* The fake host knows no tables of options. */
static void
defaults(struct fake *f, const struct drover_option *o)
{
	for (; o->key != NULL; o++) {
		if (o->fallback == NULL || o->type == DROVER_LIST || o->type == DROVER_DURATION)
			continue;
		if (o->type == DROVER_BOOL)
			fake_option(f, o->key, strcmp(o->fallback, "true") == 0 ? "1" : "0");
		else
			fake_option(f, o->key, o->fallback);
	}
}

void
kit_setup(struct kit *kit)
{
	memset(kit, 0, sizeof(*kit));
	arena_used = 0;
	kit->fake = fake_new();
	kit->plugin = fake_load("jira");
	kit->fake->wall = NOW;
	kit->fake->monotonic = 1000;
	fake_option(kit->fake, "base_url", "https://acme.atlassian.net/");
	fake_option(kit->fake, "email", "bot@acme.example");
	defaults(kit->fake, kit->plugin->options);
	defaults(kit->fake, kit->plugin->sources[0]->options);
	defaults(kit->fake, kit->plugin->pipelines[0]->options);
	fake_secret(kit->fake, "token", "t0ken");
	fake_trust(kit->fake, MIA);
	fake_serve(kit->fake, "GET", "/rest/api/3/myself", 200, NULL, kit_user(ME));
}

void
kit_teardown(struct kit *kit)
{
	if (kit->source != NULL)
		kit->plugin->sources[0]->close(&kit->fake->scope, kit->source);
	fake_free(kit->fake);
}

const char *
kit_user(const char *id)
{
	return kit_text("{\"accountId\":\"%s\",\"accountType\":\"atlassian\",\"active\":true,"
			"\"displayName\":\"Name of %s\"}",
	    id, id);
}

const char *
kit_history(const char *id, const char *author, const char *field, const char *to,
    const char *to_string)
{
	return kit_text("{\"id\":\"%s\",\"author\":%s,\"created\":\"2026-01-01T00:00:00.000+0000\","
			"\"items\":[{\"field\":\"%s\",\"to\":\"%s\",\"toString\":\"%s\"}]}",
	    id, kit_user(author), field, to, to_string);
}

const char *
kit_issue(const char *key, const char *id, const char *status, const char *assignee,
    const char *fields, const char *histories, const char *properties)
{
	return kit_text("{\"id\":\"%s\",\"key\":\"%s\",\"fields\":{\"summary\":\"Mend the "
			"thing\",\"description\":{\"type\":\"doc\",\"version\":1,\"content\":["
			"{\"type\":\"paragraph\",\"content\":[{\"type\":\"text\",\"text\":\"It is "
			"broken.\"}]}]},\"status\":{\"name\":\"%s\",\"statusCategory\":{\"key\":"
			"\"new\"}},"
			"\"project\":{\"key\":\"PROJ\"},\"issuetype\":{\"name\":\"Bug\"},"
			"\"priority\":{\"name\":\"High\"},\"assignee\":%s,\"creator\":%s,"
			"\"updated\":\"2026-01-01T00:00:00.000+0000\"%s%s},\"changelog\":{"
			"\"histories\":[%s]},\"properties\":%s}",
	    id, key, status, assignee != NULL ? kit_user(assignee) : "null", kit_user(MIA),
	    *fields != '\0' ? "," : "", fields, histories, *properties != '\0' ? properties : "{}");
}

static void
replace(struct kit *kit, const char *method, const char *path, const char *body)
{
	struct fake_outside *o = &kit->fake->outside;
	int i;

	for (i = 0; i < o->nanswers; i++)
		if (o->answers[i].kept && strcmp(o->answers[i].method, method) == 0 &&
		    strcmp(o->answers[i].path, path) == 0) {
			o->answers[i].body = body;
			return;
		}
	fake_serve(kit->fake, method, path, 200, NULL, body);
}

void
kit_serve_issue(struct kit *kit, const char *key, const char *json)
{
	replace(kit, "GET", kit_text("/rest/api/3/issue/%s?", key), json);
}

void
kit_serve_found(struct kit *kit, const char *key, const char *id, const char *updated)
{
	replace(kit, "POST", SEARCH,
	    key == NULL ? "{\"issues\":[],\"isLast\":true}" :
			  kit_text("{\"issues\":[{\"id\":\"%s\",\"key\":\"%s\",\"fields\":{"
				   "\"updated\":\"%s\"}}],\"isLast\":true}",
			      id, key, updated));
}

int
kit_poll(struct kit *kit, const char *name)
{
	const struct drover_source *source =
	    kit->plugin->sources[strcmp(name, "ticket") == 0 ? 0 : 1];
	int code;

	ck_assert_str_eq(source->name, name);
	if (kit->source == NULL &&
	    (code = source->open(&kit->fake->scope, NULL, &kit->source, &kit->err)) != 0)
		return code;
	return fake_poll(kit->fake, source, kit->source, &kit->err);
}

int
kit_run(struct kit *kit, const char *name, const char *repo, const char *payload)
{
	const struct drover_pipeline *pipeline =
	    kit->plugin->pipelines[strcmp(name, "fix") == 0 ? 0 : 1];
	struct drover_job job = {
		.size = sizeof(job),
		.attempt = 1,
		.id = 1,
		.epoch = 1,
		.kind = "jira.fix",
		.key = "jira/PROJ-1@100",
		.trace = "0af7651916cd43dd8448eb211c80319c",
		.title = "t",
		.repo = repo,
		.agent = "",
		.payload = payload,
		.payload_len = strlen(payload),
		.source = "jira.ticket",
	};

	memset(&kit->err, 0, sizeof(kit->err));
	return pipeline->run(&kit->fake->scope, NULL, &job, &kit->err);
}
