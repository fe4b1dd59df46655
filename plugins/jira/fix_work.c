/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fourth step of jira.fix: makes the change in each repo. change->run
 * remembers it by repo and branch, so that an attempt after a failure in one
 * repo finds the others done. No change is announced before all of them are
 * done.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/talk.h"
#include "jira/fix.h"

#define SLUG_MAX 41

static int work_repo(struct fix *, struct fix_work *, struct drover_error *);

void
fix_slug(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != '\0' && used + 1 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x80 && isalnum(c))
			out[used++] = (char)tolower(c);
		else if (used > 0 && out[used - 1] != '-')
			out[used++] = '-';
	}
	while (used > 0 && out[used - 1] == '-')
		used--;
	out[used] = '\0';
}

static int
work_repo(struct fix *f, struct fix_work *work, struct drover_error *err)
{
	struct drover_change change = { .size = sizeof(change),
		.repo = work->repo,
		.branch = work->branch };
	const char *repo = work->repo;
	const struct drover_variable more[] = {
		{ "repo", repo, DROVER_TRUSTED, 0 },
		{ "triage", json_text(json_get(f->state, "verdict"), "reason"), 0, 0 },
	};
	struct drover_change_result *result = xcalloc(1, sizeof(*result));
	const struct drover_host_option *option = f->scope->host->option;
	char title[DROVER_TITLE_MAX], trailers[JIRA_ID_MAX + 16];
	struct text_buf checks = { 0 };
	int code;

	result->size = sizeof(*result);
	snprintf(title, sizeof(title), "%.100s: %.*s", f->p.issue,
	    (int)text_cut(f->p.summary, strlen(f->p.summary), 380), f->p.summary);
	snprintf(trailers, sizeof(trailers), "Jira: %s", f->p.issue);
	change.title = title;
	change.trailers = trailers;
	change.agent_timeout_ms = option->integer(f->scope, "fix_timeout");
	change.followup_timeout_ms = option->integer(f->scope, "followup_timeout");
	change.prompt = fix_prompt(f, "fix", &repo, 1, more, 2, err);
	code = change.prompt == NULL ? err->code :
				       f->scope->host->change->run(f->scope, &change, result, err);
	if (code == 0) {
		work->changed = result->changed != 0;
		memcpy(work->commit, result->commit, sizeof(work->commit));
		work->said = xstrdup(result->text);
		talk_checks(&checks, result);
		work->checks = text_take(&checks);
	}
	free(result);
	return code;
}

int
fix_work(struct fix *f, struct drover_error *err)
{
	const cJSON *verdict = json_get(f->state, "verdict"), *name;
	int n = (int)json_number(f->state, "n"), code = 0;
	struct drover_repo repo = { .size = sizeof(repo) };
	char slug[SLUG_MAX], number[16] = "";

	fix_slug(f->p.summary, slug, sizeof(slug));
	if (n > 1)
		snprintf(number, sizeof(number), "-%d", n);
	cJSON_ArrayForEach(name, json_get(verdict, "repos")) {
		struct fix_work *work = &f->work[f->work_len];

		if (!cJSON_IsString(name) || f->work_len == FIX_REPOS)
			continue;
		if (f->scope->host->repo->find(f->scope, name->valuestring, &repo) != 0)
			return plugin_fail(err, DROVER_CONFIG, "repo %.63s is no longer configured",
			    name->valuestring);
		snprintf(work->repo, sizeof(work->repo), "%s", repo.name);
		snprintf(work->forge, sizeof(work->forge), "%s", repo.forge);
		snprintf(work->branch, sizeof(work->branch), "drover/%.100s%s%s%s", f->p.issue,
		    slug[0] != '\0' ? "-" : "", slug, number);
		f->work_len++;
		if ((code = work_repo(f, work, err)) != 0)
			return code;
	}
	return code;
}
