/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline jira.review: an agent that may only read judges whether a ticket
 * is ready to be worked on, and says so in one comment for each wording.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/talk.h"
#include "jira/fix.h"

#define SAID_MAX 12000

static int review_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);
static int review_look(struct jira *, const struct drover_job *, const struct payload *,
    struct text_buf *, struct drover_error *);
static int review_mark(struct jira *, const struct payload *, const char *, struct drover_error *);
static int review_is_due(struct jira *, const struct payload *, struct drover_error *);

static const struct drover_option options[] = {
	OPTION_REPOS,
	{ "review_timeout", DROVER_DURATION, 0, "16m", "Time for the agent." },
	OPTION_RULES,
	{ 0 },
};

static const char *const variables[] = { "key", "summary", "description", "type", "priority",
	"comments", "repos", "rules", NULL };
static const struct drover_prompt prompt = { sizeof(prompt), 0, "review", variables };
static const struct drover_prompt *const prompts[] = { &prompt, NULL };

const struct drover_pipeline jira_pipeline_review = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "review",
	.summary = "Has an agent judge whether a ticket is ready to be worked on.",
	.options = options,
	.pool = "light",
	.timeout_ms = 20 * 60 * 1000,
	.run = review_run,
	.prompts = prompts,
};

/*
 * Returns 1 if the ticket exists and this wording was not judged yet, 0 if not,
 * or a class.
 */
static int
review_is_due(struct jira *j, const struct payload *p, struct drover_error *err)
{
	cJSON *issue;
	int code = issue_get(j, p->issue, "status", false, &issue, err);

	if (code <= 0)
		return code;
	code = strcmp(json_text(json_get(json_get(issue, "properties"), JIRA_PROPERTY_REVIEW),
			  "revision"),
		   p->revision) != 0;
	cJSON_Delete(issue);
	return code;
}

/* Has the agent read all that the ticket may be about. */
static int
review_look(struct jira *j, const struct drover_job *job, const struct payload *p,
    struct text_buf *said, struct drover_error *err)
{
	struct drover_scope *scope = j->scope;
	struct drover_agent_run run = { .size = sizeof(run), .flags = DROVER_AGENT_READ_ONLY };
	struct drover_agent_result *result = xcalloc(1, sizeof(*result));
	struct text_buf comments = { 0 }, rules = { 0 };
	const char *repos[FIX_REPOS];
	struct trees trees = { .len = 0 };
	size_t len = 0;
	char *reply;
	int code;

	if ((code = gather_repos(scope, job, p, repos, &len, err)) != 0 ||
	    (code = gather_comments(j, p->issue, p->project, &comments, NULL, 0, err)) != 0 ||
	    (code = gather_rules(scope, &rules, err)) != 0 ||
	    (code = trees_open(&trees, scope, repos, len, err)) != 0)
		goto out;
	run.prompt = gather_prompt(scope, "review", p, text_of(&comments), text_of(&rules), repos,
	    len, NULL, 0, err);
	run.cwd = trees.cwd;
	run.timeout_ms = scope->host->option->integer(scope, "review_timeout");
	result->size = sizeof(*result);
	code = run.prompt == NULL ? err->code : scope->host->agent->run(scope, &run, result, err);
	if (code == 0) {
		reply = talk_reply(result->text, SAID_MAX);
		if (*reply == '\0')
			code = plugin_fail(err, DROVER_INTERNAL, "the agent said nothing");
		else
			text_addf(said, "%s", reply);
		free(reply);
	}
out:
	trees_close(&trees, scope);
	text_free(&comments);
	text_free(&rules);
	free(result);
	return code;
}

static int
review_mark(struct jira *j, const struct payload *p, const char *trace, struct drover_error *err)
{
	cJSON *value;
	int code;

	if (!j->marker)
		return 0;
	value = json_object();
	json_put_text(value, "revision", p->revision);
	json_put_text(value, "trace", trace);
	json_put_bool(value, "done", 1);
	code = issue_property_set(j, p->issue, JIRA_PROPERTY_REVIEW, value, err);
	cJSON_Delete(value);
	return code;
}

static int
review_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	struct text_buf said = { 0 };
	char id[DROVER_KEY_MAX], kept[SAID_MAX + 1];
	struct payload p = { 0 };
	struct jira j = { .scope = scope };
	int64_t len;
	int code;

	if ((code = payload_read(job, &p, err)) != 0 ||
	    (code = jira_open(&j, scope, true, err)) != 0 || (code = jira_me(&j, false, err)) != 0)
		goto out;
	j.trace = job->trace;
	if ((code = review_is_due(&j, &p, err)) <= 0) {
		if (code == 0)
			code = scope->host->queue->result(scope, "ended", "gone, or judged already",
			    err);
		goto out;
	}
	code = 0;
	/*
	 * The answer is kept before it is posted, so that another attempt posts
	 * the same words.
	 */
	if ((len = scope->host->kv->get(scope, "job/said", kept, sizeof(kept), err)) > 0 &&
	    len < (int64_t)sizeof(kept))
		text_addf(&said, "%s", kept);
	else if ((code = review_look(&j, job, &p, &said, err)) == 0)
		code = scope->host->kv->set(scope, "job/said", text_of(&said), err);
	snprintf(id, sizeof(id), "review/%.80s/%.100s", p.issue, p.revision);
	if (code == 0 && (code = comment_post(&j, p.issue, id, text_of(&said), NULL, 0, err)) == 0)
		code = review_mark(&j, &p, job->trace, err);
out:
	text_free(&said);
	payload_free(&p);
	jira_close(&j);
	return code;
}
