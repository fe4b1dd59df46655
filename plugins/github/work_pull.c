/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask on a pull request carried out: read as it is now, its branch worked on
 * and pushed, the answer posted where it was asked. Each step may be done
 * twice: the change resumes, memory and posts know their key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define DIFF_MAX (60 * 1024)     /* a value of a prompt takes 64 KiB */
#define THREAD_MAX (32 * 1024)
#define DIFF_ACCEPT "application/vnd.github.diff"

struct work {
	struct drover_scope *scope;
	struct github *github;
	const struct drover_job *job;
	struct ask ask;
	struct hub hub;
	char title[256], branch[GITHUB_BRANCH_MAX], base[GITHUB_BRANCH_MAX];
	char *body;              /* description, when who wrote it is trusted */
	bool open, fork;
	struct thread thread;
	char *memory, *diff;
	struct drover_change_result *made;
	struct drover_agent_result *said;
};

static int work_find(struct work *, struct drover_error *);
static int work_trusted_body(struct work *, const cJSON *, struct drover_error *);
static int work_diff(struct work *, struct drover_error *);
static int work_read(struct work *, struct drover_error *);
static const char *work_prompt(struct work *, bool, struct drover_error *);
static int work_answer(struct work *, struct drover_error *);
static int work_change(struct work *, struct drover_error *);
static int work_post(struct work *, const char *, struct drover_error *);
static int work_run(struct work *, bool, struct drover_error *);

/*
 * The description is quoted only when its author is trusted: not everybody who
 * opens a pull request is.
 */
static int
work_trusted_body(struct work *w, const cJSON *pull, struct drover_error *err)
{
	struct people *people = people_new();
	struct drover_person person;
	struct ask one = { .line = 0 };
	int code = 0, allowed = 0;

	snprintf(one.slug, sizeof(one.slug), "%s", w->ask.slug);
	ask_read(&one, w->github, pull, json_text(pull, "body"));
	if (one.self)
		allowed = 1;
	else if (one.author[0] != '\0' && !one.bot &&
	    (code = people_find(people, &w->hub, NULL, &one, &person, err)) == 0 &&
	    (allowed = w->scope->host->trust->allows(w->scope, NULL, &person, err)) < 0)
		code = allowed;
	if (code == 0 && allowed == 1) {
		w->body = one.text;
		one.text = NULL;
	}
	ask_free(&one);
	people_free(people);
	return code;
}

static int
work_find(struct work *w, struct drover_error *err)
{
	struct web_answer answer;
	const char *head, *title;
	int code;

	if ((code = hub_get(&w->hub, &answer, 0, err, "/repos/%s/pulls/%s", w->ask.slug,
		 w->ask.number)) != 0)
		return code;
	if (answer.status == 200) {
		head = json_text_at(answer.json, "head.repo.full_name");
		title = json_text(answer.json, "title");
		text_line(w->title, sizeof(w->title), title);
		snprintf(w->branch, sizeof(w->branch), "%.250s",
		    json_text_at(answer.json, "head.ref"));
		snprintf(w->base, sizeof(w->base), "%.250s", json_text_at(answer.json, "base.ref"));
		w->open = strcmp(json_text(answer.json, "state"), "open") == 0;
		w->fork = *head == '\0' ||
		    strcmp(head, json_text_at(answer.json, "base.repo.full_name")) != 0;
		code = work_trusted_body(w, answer.json, err);
	} else if (answer.status != 404 && answer.status != 410)
		code = web_refused(&answer, "the pull request", err);
	web_answer_free(&answer);
	return code;
}

/*
 * One that GitHub finds too large is left to the agent, who has the repository.
 */
static int
work_diff(struct work *w, struct drover_error *err)
{
	char path[GITHUB_URL_MAX];
	struct web_ask ask = { .path = path, .accept = DIFF_ACCEPT };
	static const char large[] = "(too large to show)";
	const char *text = large;
	struct web_answer answer = { 0 };
	size_t len, cut;
	int code;

	snprintf(path, sizeof(path), "/repos/%s/pulls/%s", w->ask.slug, w->ask.number);
	if ((code = hub_send(&w->hub, &ask, &answer, err)) != 0 && code != DROVER_PERMANENT)
		return code;
	if (code == 0 && answer.status == 200 && answer.body != NULL)
		text = answer.body;
	len = strlen(text);
	cut = text_cut(text, len, DIFF_MAX);
	w->diff = xmalloc(cut + 64);
	text_clean(w->diff, cut + 1, text, cut, "\n\t");
	if (cut < len)
		snprintf(w->diff + strlen(w->diff), 64, "\n[... the rest is too long and was cut]");
	web_answer_free(&answer);
	return 0;
}

static int
work_read(struct work *w, struct drover_error *err)
{
	int code;

	if ((code = work_diff(w, err)) != 0)
		return code;
	if ((w->memory = work_memory(w->scope, &w->ask, err)) == NULL)
		return err->code;
	return 0;
}

static const char *
work_prompt(struct work *w, bool pushes, struct drover_error *err)
{
	const char *name = strrchr(w->job->kind, '.');
	char place[GITHUB_PATH_MAX + 32] = "";

	if (w->ask.path[0] != '\0' && w->ask.line > 0)
		snprintf(place, sizeof(place), "%s, line %lld", w->ask.path,
		    (long long)w->ask.line);
	else
		snprintf(place, sizeof(place), "%s", w->ask.path);
	/* Only what is ours or was checked goes in as it is. */
	const struct drover_variable variables[] = {
		{ "repository", w->ask.slug, DROVER_TRUSTED, 0 },
		{ "number", w->ask.number, DROVER_TRUSTED, 0 },
		{ "push",
		    pushes ? "Your changes are committed and pushed to the branch of this pull "
			     "request." :
			     "You cannot change anything here: the pull request comes from a fork, "
			     "or from a branch that drover does not push to. "
			     "Answer only; the folder you are in holds the branch that the pull "
			     "request is for, not its changes.",
		    DROVER_TRUSTED, 0 },
		{ "title", w->title, 0, 0 },
		{ "branch", w->branch, 0, 0 },
		{ "base", w->base, 0, 0 },
		{ "description", w->body, 0, 0 },
		{ "author", w->ask.author, 0, 0 },
		{ "request", w->ask.text, 0, 0 },
		{ "place", place, 0, 0 },
		{ "context", w->ask.context, 0, 0 },
		{ "diff", w->diff, 0, 0 },
		{ "conversation", thread_text(&w->thread, THREAD_MAX), 0, 0 },
		{ "memory", w->memory, 0, 0 },
	};

	return w->scope->host->prompt->render(w->scope, name != NULL ? name + 1 : w->job->kind,
	    NULL, variables, ARRAY_LEN(variables), err);
}

/* Has an agent that may change nothing say something. */
static int
work_answer(struct work *w, struct drover_error *err)
{
	const struct drover_host *host = w->scope->host;
	struct drover_lease lease = { .size = sizeof(lease) };
	struct drover_agent_run run = { .size = sizeof(run), .flags = DROVER_AGENT_READ_ONLY };
	struct drover_error why;
	int code;

	if ((run.prompt = work_prompt(w, false, err)) == NULL)
		return err->code;
	w->said = xcalloc(1, sizeof(*w->said));
	w->said->size = sizeof(*w->said);
	if ((code = host->lease->acquire(w->scope, w->job->repo, NULL, &lease, err)) != 0)
		return code;
	run.cwd = lease.path;
	code = host->agent->run(w->scope, &run, w->said, err);
	host->lease->release(w->scope, lease.handle, &why);
	return code != 0 ? code : work_post(w, w->said->text, err);
}

static int
work_change(struct work *w, struct drover_error *err)
{
	struct drover_change change = { .size = sizeof(change), .flags = DROVER_CHANGE_ONTO };
	char title[DROVER_TITLE_MAX], trailers[GITHUB_URL_MAX + 32];
	size_t start = strspn(w->ask.text, " \t\n");
	int code;

	if ((change.prompt = work_prompt(w, true, err)) == NULL)
		return err->code;
	w->made = xcalloc(1, sizeof(*w->made));
	w->made->size = sizeof(*w->made);
	text_clean(title, sizeof(title), w->ask.text + start, strcspn(w->ask.text + start, "\n"),
	    "");
	snprintf(trailers, sizeof(trailers), "Asked-At: %s\n", w->ask.url);
	change.title = *title != '\0' ? title : w->title;
	change.branch = w->branch;
	change.trailers = w->ask.url[0] != '\0' ? trailers : NULL;
	if ((code = w->scope->host->change->run(w->scope, &change, w->made, err)) != 0)
		return code;
	return work_post(w, w->made->text, err);
}

static int
work_post(struct work *w, const char *said, struct drover_error *err)
{
	char *reply = talk_reply(said, GITHUB_TEXT_MAX),
	     *tame = post_tame(reply, GITHUB_TEXT_MAX - 4096);
	bool changed = w->made != NULL && w->made->changed;
	struct text_buf out = { 0 };
	int code;

	text_addf(&out, "%s",
	    *tame != '\0' ? tame :
		changed   ? "Done." :
			    "I changed nothing, and have nothing to say about it.");
	/* What was pushed is told by drover, not by the agent. */
	if (changed)
		text_addf(&out, "\n\nPushed %s%s.", w->made->commit,
		    w->made->checked ? "; the repository's checks pass" : "");
	/* Remembered first: a post that is found again afterwards ends the job. */
	if ((code = work_remember(w->scope, &w->ask, out.data, err)) == 0)
		code = post_answer(&w->hub, &w->ask, out.data, w->job->trace, err);
	text_free(&out);
	free(tame);
	free(reply);
	return code;
}

static int
work_run(struct work *w, bool answers, struct drover_error *err)
{
	struct drover_repo repo = { .size = sizeof(repo) };
	bool base;
	int code;

	if ((code = ask_parse(&w->ask, w->job->payload, w->job->payload_len, err)) != 0 ||
	    (code = account_who(w->github, w->scope, err)) != 0 ||
	    (code = hub_open(&w->hub, w->github, w->scope, w->ask.slug, DROVER_HTTP_CRITICAL,
		 err)) != 0 ||
	    (code = work_find(w, err)) != 0)
		return code;
	if (!w->open)
		return work_note(w->scope,
		    "the pull request was closed or merged meanwhile: nothing was done", err);
	if ((code = thread_read(&w->thread, &w->hub, &w->ask, true, err)) != 0)
		return code;
	if (w->thread.answered)
		return work_note(w->scope, "answered already", err);
	post_eyes(&w->hub, &w->ask);
	if (w->fork && !answers)
		return post_answer(&w->hub, &w->ask,
		    "This pull request comes from a fork, where I cannot push, so I leave it as it "
		    "is. I can work on "
		    "branches of this repository.",
		    w->job->trace, err);
	if ((code = work_read(w, err)) != 0)
		return code;
	base = w->scope->host->repo->find(w->scope, w->job->repo, &repo) == 0 &&
	    strcmp(repo.base, w->branch) == 0;
	return answers && (w->fork || base) ? work_answer(w, err) : work_change(w, err);
}

int
work_pull(struct drover_scope *scope, struct github *github, const struct drover_job *job,
    bool answers, struct drover_error *err)
{
	struct work w = { .scope = scope, .github = github, .job = job };
	int code = work_run(&w, answers, err);

	thread_free(&w.thread);
	hub_close(&w.hub);
	ask_free(&w.ask);
	free(w.body);
	free(w.memory);
	free(w.diff);
	free(w.made);
	free(w.said);
	return code;
}
