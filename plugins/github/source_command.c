/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source issue-command: "/drover [--prompt NAME] TEXT" alone on a line of
 * an open issue or of a comment there; or one of the configured labels, which
 * counts as asked by the person who set it.
 *
 * watch.c calls command_look once for each repository of a poll. Comments of
 * issues and pull requests come in one list, so GitHub is asked for the issue
 * of a comment with a command.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "github.h"

#define COMMAND_MAX 4096

/* The newest setting of a configured label. */
struct labelling {
	struct poll *poll;
	cJSON *event;
};

static bool command_take(struct poll *, struct ask *);
static bool command_wanted(struct poll *, const struct ask *);
static bool label_is_ours(struct poll *, const char *);
static int event_each(void *, const cJSON *, struct drover_error *);
static bool issue_has_label(struct poll *, const cJSON *);
static struct find *issue_find(struct poll *, const cJSON *, const char *, const char *);
static int issue_label(struct poll *, const cJSON *, const char *, struct drover_error *);
static void issue_body(struct poll *, const cJSON *, const char *);
static int issue_each(struct poll *, enum lists, const cJSON *, struct drover_error *);
static int comment_issue(struct poll *, struct find *, bool *, struct drover_error *);
static int command_look(struct poll *, struct drover_error *);
static int command_poll(struct drover_scope *, void *, const char *, struct drover_error *);

static const struct drover_option options[] = {
	WATCH_OPTIONS,
	{ "labels", DROVER_LIST, 0, NULL,
	    "Labels that ask for an issue to be carried out as a command does." },
	{ 0 },
};

const struct drover_source github_issue_command = {
	.size = sizeof(struct drover_source),
	.name = "issue-command",
	.summary = "Commands /drover in open issues, and labels.",
	.options = options,
	.interval_ms = 30000,
	.authors = github_authors,
	.open = watch_open,
	.poll = command_poll,
	.close = watch_close,
};

static const struct watch_kind commands = { "github.issue-command", command_look, command_wanted };

/*
 * Replaces the ask's text by that of its command. Returns false if there is no
 * command.
 */
static bool
command_take(struct poll *p, struct ask *ask)
{
	char *text = xmalloc(COMMAND_MAX);
	int more = 0;

	if (talk_command(p->scope, ask->body, ask->prompt, sizeof(ask->prompt), text, COMMAND_MAX,
		&more) == 0) {
		free(text);
		return false;
	}
	if (more > 0)
		plugin_log(p->scope, DROVER_WARN,
		    "%s: %d further commands in the same text are ignored", ask->url, more);
	free(ask->text);
	ask->text = text;
	ask_revise(ask);
	return true;
}

static bool
command_wanted(struct poll *p, const struct ask *ask)
{
	/*
	 * A quick check. The command is read later, when it is known that the
	 * comment is on an issue.
	 */
	return strstr(ask->body, "/drover") != NULL && strstr(ask->url, "/pull/") == NULL;
}

static bool
label_is_ours(struct poll *p, const char *name)
{
	const struct drover_host_option *option = p->scope->host->option;
	size_t n = option->count(p->scope, "labels"), i;

	for (i = 0; i < n; i++)
		if (strcasecmp(option->item(p->scope, "labels", i), name) == 0)
			return true;
	return false;
}

static int
event_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct labelling *labelling = arg;

	if (strcmp(json_text(json, "event"), "labeled") != 0 ||
	    !label_is_ours(labelling->poll, json_text_at(json, "label.name")))
		return 0;
	cJSON_Delete(labelling->event);
	labelling->event = xjson(cJSON_Duplicate(json, 1));
	return 0;
}

static bool
issue_has_label(struct poll *p, const cJSON *issue)
{
	const cJSON *label;

	cJSON_ArrayForEach(label, json_at(issue, "labels"))
		if (label_is_ours(p,
			cJSON_IsString(label) ? label->valuestring : json_text(label, "name")))
			return true;
	return false;
}

/* Adds a find for the issue itself, whose author asks. */
static struct find *
issue_find(struct poll *p, const cJSON *issue, const char *number, const char *type)
{
	const char *title = json_text(issue, "title");
	struct find *find =
	    poll_find(p, LIST_ISSUES, number, when_read(json_text(issue, "updated_at")));

	snprintf(find->ask.number, sizeof(find->ask.number), "%s", number);
	snprintf(find->ask.id, sizeof(find->ask.id), "%s", number);
	snprintf(find->ask.type, sizeof(find->ask.type), "%s", type);
	text_line(find->ask.title, sizeof(find->ask.title), title);
	/*
	 * A mark, which is replaced later, keeps the next find of this issue
	 * from replacing this one.
	 */
	snprintf(find->mark, sizeof(find->mark), "%s", type);
	ask_read(&find->ask, p->github, issue, json_text(issue, "body"));
	ask_context(&find->ask, json_text(issue, "body"));
	return find;
}

static int
issue_label(struct poll *p, const cJSON *issue, const char *number, struct drover_error *err)
{
	struct labelling labelling = { p, NULL };
	const char *actor;
	char path[GITHUB_URL_MAX];
	struct find *find;
	int64_t at;
	int code;

	if (!issue_has_label(p, issue))
		return 0;
	snprintf(path, sizeof(path), "/repos/%s/issues/%s/events?per_page=100", p->hub.slug,
	    number);
	if ((code = hub_pages(&p->hub, path, DROVER_HTTP_CACHED, 10, event_each, &labelling,
		 err)) != 0 ||
	    labelling.event == NULL)
		goto out;
	at = when_read(json_text(labelling.event, "created_at"));
	actor = json_text_at(labelling.event, "actor.login");
	find = issue_find(p, issue, number, "label");
	json_id(labelling.event, "id", find->ask.id, sizeof(find->ask.id));
	/*
	 * The person who set the label asks; the event does not tell their
	 * association.
	 */
	if (strcasecmp(actor, find->ask.author) != 0)
		find->ask.association[0] = '\0';
	snprintf(find->ask.author, sizeof(find->ask.author), "%s", actor);
	find->ask.bot = strcmp(json_text_at(labelling.event, "actor.type"), "Bot") == 0 ||
	    cJSON_IsObject(json_at(labelling.event, "performed_via_github_app"));
	find->ask.self = account_is_self(p->github, actor);
	free(find->ask.text);
	find->ask.text = xstrdup("");
	snprintf(find->mark, sizeof(find->mark), "l.%s", find->ask.id);
	if (find->ask.id[0] == '\0' || *actor == '\0' || find->ask.self || at < p->begin ||
	    cursor_done(p->state, find->mark))
		poll_find_drop(p);
out:
	cJSON_Delete(labelling.event);
	return code;
}

static void
issue_body(struct poll *p, const cJSON *issue, const char *number)
{
	struct find *find;

	if (strstr(json_text(issue, "body"), "/drover") == NULL)
		return;
	find = issue_find(p, issue, number, "issue");
	if (find->ask.author[0] == '\0' || find->ask.self || !command_take(p, &find->ask)) {
		poll_find_drop(p);
		return;
	}
	snprintf(find->mark, sizeof(find->mark), "i.%s.%s", number, find->ask.rev);
	poll_find_once(p, json_text(issue, "created_at"));
}

static int
issue_each(struct poll *p, enum lists list, const cJSON *issue, struct drover_error *err)
{
	char number[GITHUB_ID_MAX];

	json_id(issue, "number", number, sizeof(number));
	if (cJSON_IsObject(json_at(issue, "pull_request")) ||
	    strcmp(json_text(issue, "state"), "open") != 0)
		return 0;
	issue_body(p, issue, number);
	return issue_label(p, issue, number, err);
}

/*
 * Reads a comment's command. *keep says whether it has one and stands in an
 * open issue.
 */
static int
comment_issue(struct poll *p, struct find *find, bool *keep, struct drover_error *err)
{
	struct ask *ask = &find->ask;
	struct web_answer answer;
	const char *title;
	int code;

	*keep = false;
	if (!command_take(p, ask))
		return 0;
	if ((code = hub_get(&p->hub, &answer, DROVER_HTTP_CACHED, err, "/repos/%s/issues/%s",
		 p->hub.slug, ask->number)) != 0)
		return code;
	if (answer.status == 200) {
		title = json_text(answer.json, "title");
		text_line(ask->title, sizeof(ask->title), title);
		/*
		 * The issue is frozen with the command, because this is the
		 * text that the command's author has read.
		 */
		ask_context(ask, json_text(answer.json, "body"));
		*keep = strcmp(json_text(answer.json, "state"), "open") == 0 &&
		    !cJSON_IsObject(json_at(answer.json, "pull_request"));
	} else if (answer.status != 404 && answer.status != 410)
		code = web_refused(&answer, "an issue", err);
	web_answer_free(&answer);
	return code;
}

static int
command_look(struct poll *p, struct drover_error *err)
{
	char path[GITHUB_URL_MAX];
	bool keep;
	size_t i;
	int code;

	snprintf(path, sizeof(path), "/repos/%s/issues?state=open&", p->hub.slug);
	if ((code = poll_comments(p, LIST_COMMENTS, err)) != 0 ||
	    (code = poll_list(p, LIST_ISSUES, path, issue_each, err)) != 0)
		return code;
	for (i = p->finds_len; i > 0; i--) {
		if (p->finds[i - 1].list != LIST_COMMENTS)
			continue;
		if ((code = comment_issue(p, &p->finds[i - 1], &keep, err)) != 0)
			return code;
		if (!keep)
			poll_find_remove(p, i - 1);
	}
	return 0;
}

static int
command_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	return watch_poll(scope, source, &commands, cursor, err);
}
