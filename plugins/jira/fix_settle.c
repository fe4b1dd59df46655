/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last step of jira.fix, when every repo is pushed: makes sub-tasks, pull
 * requests through each repo's forge, links and one comment, and moves the
 * ticket to its next status. Each of them has an id by which the next attempt
 * finds it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/forge.h"
#include "common/talk.h"
#include "jira/fix.h"

static const char *settle_labels(const struct fix *);
static bool settle_has_label(const struct fix *, const char *);
static void settle_browse(const struct fix *, const char *, struct text_buf *);
static void settle_body(struct fix *, const struct fix_work *, struct text_buf *);
static int settle_pull(struct fix *, struct fix_work *, struct drover_error *);
static int settle_link(struct fix *, const struct fix_work *, struct drover_error *);
static void settle_said(struct text_buf *, const char *);
static int settle_comment(struct fix *, const char *, struct text_buf *, struct drover_error *);
static int settle_nothing(struct fix *, struct drover_error *);
static int settle_tell(struct fix *, size_t, struct drover_error *);

static bool
settle_has_label(const struct fix *f, const char *wanted)
{
	const cJSON *label;

	cJSON_ArrayForEach(label, f->p.labels)
		if (cJSON_IsString(label) && strcasecmp(label->valuestring, wanted) == 0)
			return true;
	return false;
}

/* Finds the option with the labels for this ticket's pull requests. */
static const char *
settle_labels(const struct fix *f)
{
	static const char *const urgent[] = { "Highest", "Blocker", "Critical" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(urgent); i++)
		if (strcasecmp(f->p.priority, urgent[i]) == 0)
			return "labels_hotfix";
	if (strcasecmp(f->p.type, "hotfix") == 0 || settle_has_label(f, "hotfix"))
		return "labels_hotfix";
	return strcasecmp(f->p.type, "bug") == 0 || settle_has_label(f, "bug") ? "labels_bugfix" :
										 "labels_default";
}

/*
 * Appends a link for people if their address of Jira is known. The base URL of
 * scoped tokens is not one that people can open.
 */
static void
settle_browse(const struct fix *f, const char *key, struct text_buf *out)
{
	const char *browse = plugin_option(f->scope, "browse_url");

	if (*browse == '\0' && strstr(f->jira.base, "/ex/jira/") == NULL)
		browse = f->jira.base;
	if (*browse != '\0')
		text_addf(out, "[%s](%s/browse/%s)", key, browse, key);
	else
		text_addf(out, "%s", key);
}

/* Appends what the agent said, in a paragraph of its own. */
static void
settle_said(struct text_buf *out, const char *text)
{
	char *said = talk_reply(text, FIX_SAID_MAX);

	if (*said != '\0')
		text_addf(out, "\n\n%s", said);
	free(said);
}

static void
settle_body(struct fix *f, const struct fix_work *work, struct text_buf *out)
{
	text_addf(out, "For ");
	settle_browse(f, f->p.issue, out);
	if (work->subtask[0] != '\0') {
		text_addf(out, ", ");
		settle_browse(f, work->subtask, out);
	}
	text_addf(out, ": %s", f->p.summary);
	settle_said(out, work->said);
	text_addf(out, "\n\n%s",
	    *work->checks != '\0' ? work->checks + 1 :
				    "The repository has no checks configured.");
}

static int
settle_pull(struct fix *f, struct fix_work *work, struct drover_error *err)
{
	const struct drover_host_option *option = f->scope->host->option;
	const char *labels = settle_labels(f);
	cJSON *ask, *list;
	struct text_buf body = { 0 };
	char key[DROVER_KEY_MAX], title[DROVER_TITLE_MAX];
	size_t i;

	if (work->forge[0] == '\0')
		return 0;
	snprintf(key, sizeof(key), "jira/%.60s/%.60s/%s", f->p.issue, f->p.revision, work->repo);
	snprintf(title, sizeof(title), "%.100s: %.*s",
	    work->subtask[0] != '\0' ? work->subtask : f->p.issue,
	    (int)text_cut(f->p.summary, strlen(f->p.summary), 220), f->p.summary);
	settle_body(f, work, &body);
	ask = json_object();
	json_put_text(ask, "repo", work->repo);
	json_put_text(ask, "branch", work->branch);
	json_put_text(ask, "title", title);
	json_put_text(ask, "body", text_of(&body));
	list = json_put(ask, "labels", json_array());
	for (i = 0; i < option->count(f->scope, labels); i++)
		json_push_text(list, option->item(f->scope, labels, i));
	json_put_bool(ask, "draft", option->integer(f->scope, "draft") != 0);
	json_put_text(ask, "key", key);
	text_free(&body);
	return forge_open_pull(f->scope, work->forge, ask, work->number, sizeof(work->number),
	    work->url, sizeof(work->url), err);
}

static int
settle_link(struct fix *f, const struct fix_work *work, struct drover_error *err)
{
	char id[256], title[160];
	int code;

	if (work->url[0] == '\0')
		return 0;
	snprintf(id, sizeof(id), "drover/%.60s/%s/%.100s", f->p.issue, work->repo, work->branch);
	snprintf(title, sizeof(title), "%s #%s", work->repo, work->number);
	if ((code = issue_link(&f->jira, f->p.issue, id, work->url, title, err)) == 0 &&
	    work->subtask[0] != '\0')
		code = issue_link(&f->jira, work->subtask, id, work->url, title, err);
	return code;
}

static int
settle_comment(struct fix *f, const char *what, struct text_buf *text, struct drover_error *err)
{
	char id[DROVER_KEY_MAX];

	snprintf(id, sizeof(id), "%s/%.80s/%.100s", what, f->p.issue, f->p.revision);
	return fix_say(f, id, text, NULL, err);
}

/* The work has ended, so the ticket does not stay in progress. */
static int
settle_nothing(struct fix *f, struct drover_error *err)
{
	struct text_buf text = { 0 };
	size_t i;
	int code;

	text_addf(&text, "I found nothing to change for this.");
	for (i = 0; i < f->work_len; i++) {
		if (f->work_len > 1)
			text_addf(&text, "\n\n**%s**", f->work[i].repo);
		settle_said(&text, f->work[i].said);
	}
	code = settle_comment(f, "nothing", &text, err);
	text_free(&text);
	if (code != 0 || (code = fix_mark(f, "nothing", NULL, err)) != 0 ||
	    (code = fix_move(f, "to_do", err)) != 0)
		return code;
	return f->scope->host->queue->result(f->scope, "changed", "0", err);
}

static int
settle_tell(struct fix *f, size_t changed, struct drover_error *err)
{
	struct text_buf text = { 0 }, urls = { 0 };
	size_t i;
	int code;

	text_addf(&text,
	    changed == 1 ? "The change is ready to be looked at:\n\n" :
			   "The changes are ready to be looked at:\n\n");
	for (i = 0; i < f->work_len; i++) {
		const struct fix_work *work = &f->work[i];

		if (!work->changed)
			continue;
		if (work->url[0] != '\0')
			text_addf(&text, "- %s: %s%s%s\n", work->repo, work->url,
			    work->subtask[0] != '\0' ? " for " : "", work->subtask);
		else
			text_addf(&text,
			    "- %s: branch `%s` (no forge is configured, so there is no pull "
			    "request)\n",
			    work->repo, work->branch);
		if (work->url[0] != '\0')
			text_addf(&urls, "%s%s", urls.len > 0 ? " " : "", work->url);
	}
	for (i = 0; i < f->work_len; i++)
		if (f->work[i].changed) {
			if (changed > 1)
				text_addf(&text, "\n\n**%s**", f->work[i].repo);
			settle_said(&text, f->work[i].said);
		}
	code = settle_comment(f, "done", &text, err);
	if (code == 0)
		code = fix_mark(f, "done", NULL, err);
	if (code == 0)
		code = fix_move(f, "done_status", err);
	if (code == 0 && urls.len > 0)
		code = f->scope->host->queue->result(f->scope, "url", text_of(&urls), err);
	/* Notifications of pull requests are made from these results. */
	for (i = 0; i < f->work_len && code == 0; i++)
		if (f->work[i].url[0] != '\0')
			code = f->scope->host->queue->result(f->scope, "pull", f->work[i].url, err);
	text_free(&text);
	text_free(&urls);
	return code;
}

int
fix_settle(struct fix *f, struct drover_error *err)
{
	bool subtasks = f->scope->host->option->integer(f->scope, "subtasks") != 0;
	size_t i, changed = 0;
	int code = 0;

	for (i = 0; i < f->work_len; i++)
		changed += f->work[i].changed;
	if (changed == 0)
		return settle_nothing(f, err);
	for (i = 0; i < f->work_len && code == 0; i++)
		if (f->work[i].changed && changed > 1 && subtasks)
			code = fix_subtask(f, &f->work[i], err);
	for (i = 0; i < f->work_len && code == 0; i++)
		if (f->work[i].changed)
			code = settle_pull(f, &f->work[i], err);
	for (i = 0; i < f->work_len && code == 0; i++)
		if (f->work[i].changed)
			code = settle_link(f, &f->work[i], err);
	return code != 0 ? code : settle_tell(f, changed, err);
}
