/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipelines pr-comment and pr-mention, for what people ask on pull
 * requests: drover's own, and those of others. The pull request is read as it
 * is now, its branch is changed and pushed, and the answer is posted where it
 * was asked for. On a fork, to which drover cannot push, a mention gets an
 * answer without a change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define DIFF_MAX (60 * 1024) /* bytes of a value in a prompt */
#define CONVERSATION_MAX (32 * 1024)
#define DIFF_ACCEPT "application/vnd.github.diff"

struct job {
	struct work w;
	char title[256], branch[GITHUB_BRANCH_MAX], base[GITHUB_BRANCH_MAX];
	char *body; /* the description, if its author may be quoted */
	char *diff;
	bool open, fork;
};

static int comment_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);
static int mention_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);
static int job_description(struct job *, const cJSON *, struct drover_error *);
static int job_find(struct job *, struct drover_error *);
static int job_diff(struct job *, struct drover_error *);
static const char *job_prompt(struct job *, bool, struct drover_error *);
static int job_post(struct job *, const char *, struct drover_error *);
static int job_answer(struct job *, struct drover_error *);
static int job_change(struct job *, struct drover_error *);
static int job_do(struct job *, bool, struct drover_error *);
static int job_run(struct drover_scope *, struct github *, const struct drover_job *, bool,
    struct drover_error *);

static const char *const variables[] = { "repository", "number", "push", "title", "branch", "base",
	"description", "author", "request", "place", "context", "diff", "conversation", "memory",
	NULL };

static const struct drover_prompt prompt_comment = { .size = sizeof(struct drover_prompt),
	.name = "pr-comment",
	.variables = variables };
static const struct drover_prompt prompt_mention = { .size = sizeof(struct drover_prompt),
	.name = "pr-mention",
	.variables = variables };
static const struct drover_prompt *const prompts_comment[] = { &prompt_comment, NULL };
static const struct drover_prompt *const prompts_mention[] = { &prompt_mention, NULL };

const struct drover_pipeline pipeline_pr_comment = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "pr-comment",
	.summary = "Answers a comment on drover's own pull request, and pushes what it asks for.",
	.run = comment_run,
	.prompts = prompts_comment,
};

const struct drover_pipeline pipeline_pr_mention = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "pr-mention",
	.summary = "Answers who mentioned drover on a pull request, or changes it.",
	.run = mention_run,
	.prompts = prompts_mention,
};

/* Adds the description only if its author may be quoted in a prompt. */
static int
job_description(struct job *j, const cJSON *pull, struct drover_error *err)
{
	struct people *people = people_new();
	struct ask one = { .line = 0 };
	int allowed;

	snprintf(one.slug, sizeof(one.slug), "%s", j->w.ask.slug);
	ask_read(&one, j->w.github, pull, json_text(pull, "body"));
	allowed = one.self ? 1 : people_allow(people, &j->w.hub, &one, err);
	if (allowed == 1) {
		j->body = one.text;
		one.text = NULL;
	}
	ask_free(&one);
	people_free(people);
	return allowed < 0 ? allowed : 0;
}

static int
job_find(struct job *j, struct drover_error *err)
{
	struct web_answer answer;
	const char *head;
	int code;

	if ((code = hub_get(&j->w.hub, &answer, 0, err, "/repos/%s/pulls/%s", j->w.ask.slug,
		 j->w.ask.number)) != 0)
		return code;
	if (answer.status == 200) {
		head = json_text_at(answer.json, "head.repo.full_name");
		text_line(j->title, sizeof(j->title), json_text(answer.json, "title"));
		snprintf(j->branch, sizeof(j->branch), "%.250s",
		    json_text_at(answer.json, "head.ref"));
		snprintf(j->base, sizeof(j->base), "%.250s", json_text_at(answer.json, "base.ref"));
		j->open = strcmp(json_text(answer.json, "state"), "open") == 0;
		j->fork = *head == '\0' ||
		    strcmp(head, json_text_at(answer.json, "base.repo.full_name")) != 0;
		code = job_description(j, answer.json, err);
	} else if (answer.status != 404 && answer.status != 410)
		code = web_refused(&answer, "the pull request", err);
	web_answer_free(&answer);
	return code;
}

/*
 * If GitHub finds a diff too large, the agent looks at the repository itself.
 */
static int
job_diff(struct job *j, struct drover_error *err)
{
	char path[GITHUB_URL_MAX];
	struct web_ask ask = { .path = path, .accept = DIFF_ACCEPT };
	const char *text = "(too large to show)";
	struct web_answer answer = { 0 };
	size_t cut;
	int code;

	snprintf(path, sizeof(path), "/repos/%s/pulls/%s", j->w.ask.slug, j->w.ask.number);
	if ((code = hub_send(&j->w.hub, &ask, &answer, err)) != 0 && code != DROVER_PERMANENT)
		return code;
	if (code == 0 && answer.status == 200 && answer.body != NULL)
		text = answer.body;
	cut = text_cut(text, strlen(text), DIFF_MAX);
	j->diff = xmalloc(cut + 64);
	text_clean(j->diff, cut + 1, text, cut, "\n\t");
	if (text[cut] != '\0')
		snprintf(j->diff + strlen(j->diff), 64, "\n[... the rest is too long and was cut]");
	web_answer_free(&answer);
	return 0;
}

static const char *
job_prompt(struct job *j, bool pushes, struct drover_error *err)
{
	struct drover_scope *scope = j->w.scope;
	const struct ask *ask = &j->w.ask;
	const char *name = strrchr(j->w.job->kind, '.');
	char place[GITHUB_PATH_MAX + 32] = "";

	if (ask->path[0] != '\0' && ask->line > 0)
		snprintf(place, sizeof(place), "%s, line %lld", ask->path, (long long)ask->line);
	else
		snprintf(place, sizeof(place), "%s", ask->path);
	/* Only text of drover's, or text that was checked, is trusted. */
	const struct drover_variable values[] = {
		{ "repository", ask->slug, DROVER_TRUSTED, 0 },
		{ "number", ask->number, DROVER_TRUSTED, 0 },
		{ "push",
		    pushes ? "Your changes are committed and pushed to the branch of this pull "
			     "request." :
			     "You cannot change anything here: the pull request comes from a fork, "
			     "or from a branch that drover does not push to. Answer only; the "
			     "folder you are in holds the branch that the pull request is for, "
			     "not its changes.",
		    DROVER_TRUSTED, 0 },
		{ "title", j->title, 0, 0 },
		{ "branch", j->branch, 0, 0 },
		{ "base", j->base, 0, 0 },
		{ "description", j->body, 0, 0 },
		{ "author", ask->author, 0, 0 },
		{ "request", ask->text, 0, 0 },
		{ "place", place, 0, 0 },
		{ "context", ask->context, 0, 0 },
		{ "diff", j->diff, 0, 0 },
		{ "conversation", thread_text(&j->w.thread, CONVERSATION_MAX), 0, 0 },
		{ "memory", j->w.memory, 0, 0 },
	};

	return scope->host->prompt->render(scope, name != NULL ? name + 1 : j->w.job->kind, NULL,
	    values, ARRAY_LEN(values), err);
}

static int
job_post(struct job *j, const char *said, struct drover_error *err)
{
	bool changed = j->w.made != NULL && j->w.made->changed;
	struct text_buf out = { 0 };
	char *tame = work_said(&j->w, said);
	int code;

	text_addf(&out, "%s",
	    *tame != '\0' ? tame :
		changed   ? "Done." :
			    "I changed nothing, and have nothing to say about it.");
	/* drover itself tells what was pushed, not the agent. */
	if (changed) {
		text_addf(&out, "\n\nPushed %s.", j->w.made->commit);
		talk_checks(&out, j->w.made);
	}
	code = work_answer(&j->w, text_of(&out), err);
	text_free(&out);
	free(tame);
	return code;
}

/* Runs an agent that may change nothing, for its answer. */
static int
job_answer(struct job *j, struct drover_error *err)
{
	struct drover_scope *scope = j->w.scope;
	struct drover_lease lease = { .size = sizeof(lease) };
	struct drover_agent_run run = { .size = sizeof(run), .flags = DROVER_AGENT_READ_ONLY };
	struct drover_agent_result *said;
	struct drover_error why;
	int code;

	if ((run.prompt = job_prompt(j, false, err)) == NULL)
		return err->code;
	if ((code = scope->host->lease->acquire(scope, j->w.job->repo, NULL, &lease, err)) != 0)
		return code;
	run.cwd = lease.path;
	said = xcalloc(1, sizeof(*said));
	said->size = sizeof(*said);
	code = scope->host->agent->run(scope, &run, said, err);
	scope->host->lease->release(scope, lease.handle, &why);
	if (code == 0)
		code = job_post(j, said->text, err);
	free(said);
	return code;
}

static int
job_change(struct job *j, struct drover_error *err)
{
	struct drover_change change = { .size = sizeof(change), .flags = DROVER_CHANGE_ONTO };
	const char *text = j->w.ask.text + strspn(j->w.ask.text, " \t\n"), *url = j->w.ask.url;
	char title[DROVER_TITLE_MAX], trailers[GITHUB_URL_MAX + 32];
	int code;

	if ((change.prompt = job_prompt(j, true, err)) == NULL)
		return err->code;
	text_clean(title, sizeof(title), text, strcspn(text, "\n"), "");
	snprintf(trailers, sizeof(trailers), "Asked-At: %s\n", url);
	change.title = *title != '\0' ? title : j->title;
	change.branch = j->branch;
	change.trailers = *url != '\0' ? trailers : NULL;
	if ((code = work_change(&j->w, &change, err)) != 0)
		return code;
	return job_post(j, j->w.made->text, err);
}

static int
job_do(struct job *j, bool answers, struct drover_error *err)
{
	struct drover_repo repo = { .size = sizeof(repo) };
	struct work *w = &j->w;
	bool base;
	int code;

	if ((code = work_open(w, err)) != 0 || (code = job_find(j, err)) != 0 ||
	    (code = work_begin(w, j->open, true, err)) <= 0)
		return code;
	if (j->fork && !answers)
		return post_answer(&w->hub, &w->ask,
		    "This pull request comes from a fork, where I cannot push, so I leave it as it "
		    "is. I can work on branches of this repository.",
		    w->job->trace, err);
	if ((code = job_diff(j, err)) != 0)
		return code;
	base = w->scope->host->repo->find(w->scope, w->job->repo, &repo) == 0 &&
	    strcmp(repo.base, j->branch) == 0;
	return answers && (j->fork || base) ? job_answer(j, err) : job_change(j, err);
}

static int
job_run(struct drover_scope *scope, struct github *github, const struct drover_job *job,
    bool answers, struct drover_error *err)
{
	struct job j = { .w = { .scope = scope, .github = github, .job = job } };
	int code = job_do(&j, answers, err);

	work_free(&j.w);
	free(j.body);
	free(j.diff);
	return code;
}

static int
comment_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	return job_run(scope, plugin, job, false, err);
}

static int
mention_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	return job_run(scope, plugin, job, true, err);
}
