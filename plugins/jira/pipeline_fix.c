/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline jira.fix: a ticket becomes a branch and a pull request in each
 * repository that it is about. fix_run() takes its steps, each in a file of its
 * own, one after the other. An attempt after a crash takes all of them again
 * from what the state holds, and no write to the outside happens twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jira/fix.h"

#define STATE_KEY "job/fix"

static int fix_run(struct drover_scope *, void *, const struct drover_job *, struct drover_error *);
static int fix_state_load(struct fix *, struct drover_error *);
static void fix_free(struct fix *);

static const struct drover_option options[] = {
	OPTION_REPOS,
	{ "in_progress", DROVER_STRING, 0, "In Progress",
	    "Status of a ticket that is being worked on; \"\": it stays where it is." },
	{ "to_do", DROVER_STRING, 0, "To Do",
	    "Status of a ticket that waits for answers or needed no change; \"\": it stays." },
	{ "done_status", DROVER_STRING, 0, "",
	    "Status of a ticket whose pull requests are open; \"\": it stays where it is." },
	{ "triage", DROVER_BOOL, 0, "true",
	    "Have an agent read first, and ask back where the ticket is not clear." },
	{ "triage_timeout", DROVER_DURATION, 0, "16m", "Time for reading." },
	{ "fix_timeout", DROVER_DURATION, 0, "30m", "Time for the change in one repo." },
	{ "followup_timeout", DROVER_DURATION, 0, "15m",
	    "Time for the agent to mend what the checks found." },
	{ "subtasks", DROVER_BOOL, 0, "true", "One sub-task for each repo where several change." },
	{ "draft", DROVER_BOOL, 0, "false", "Open pull requests as drafts." },
	{ "labels_hotfix", DROVER_LIST, 0, NULL,
	    "Labels of pull requests for tickets of priority Highest, Blocker or Critical, or "
	    "hotfix." },
	{ "labels_bugfix", DROVER_LIST, 0, NULL, "Labels of pull requests for bugs." },
	{ "labels_default", DROVER_LIST, 0, NULL, "Labels of all other pull requests." },
	OPTION_RULES,
	{ 0 },
};

#define VARIABLES \
	"key", "summary", "description", "type", "priority", "parent", "comments", "images", \
	    "repos", "rules", "memory"
static const char *const triage_variables[] = { VARIABLES, "again", NULL };
static const char *const fix_variables[] = { VARIABLES, "repo", "triage", NULL };
static const struct drover_prompt prompt_triage = { sizeof(prompt_triage), 0, "triage",
	triage_variables };
static const struct drover_prompt prompt_fix = { sizeof(prompt_fix), 0, "fix", fix_variables };
static const struct drover_prompt *const prompts[] = { &prompt_triage, &prompt_fix, NULL };

const struct drover_pipeline jira_pipeline_fix = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "fix",
	.summary =
	    "Has an agent ask back about a ticket or make the change, and opens pull requests.",
	.options = options,
	.pool = "heavy",
	.timeout_ms = 90 * 60 * 1000,
	.run = fix_run,
	.prompts = prompts,
};

static int
fix_state_load(struct fix *f, struct drover_error *err)
{
	char *text = xmalloc(DROVER_VALUE_MAX + 1);
	int64_t len;

	err->code = 0;
	len = f->scope->host->kv->get(f->scope, STATE_KEY, text, DROVER_VALUE_MAX + 1, err);
	if (len > 0)
		f->state = json_read(text, (size_t)len, err);
	free(text);
	if (len < 0 && err->code != 0)
		return err->code;
	if (!cJSON_IsObject(f->state)) {
		cJSON_Delete(f->state);
		f->state = json_object();
	}
	return 0;
}

int
fix_state_save(struct fix *f, struct drover_error *err)
{
	char *text = json_print(f->state);
	int code = f->scope->host->kv->set(f->scope, STATE_KEY, text, err);

	free(text);
	return code;
}

int
fix_mark(struct fix *f, const char *state, const char *comment, struct drover_error *err)
{
	cJSON *value, *branches;
	size_t i;
	int code;

	if (!f->jira.marker)
		return 0;
	value = json_object();
	json_put_text(value, "revision", f->p.revision);
	json_put_text(value, "trace", f->job->trace);
	json_put_text(value, "state", state);
	json_put_bool(value, "done", strcmp(state, "working") != 0);
	json_put_number(value, "n", json_number(f->state, "n"));
	json_put_text(value, "comment", comment);
	branches = json_put(value, "branches", json_object());
	for (i = 0; i < f->work_len; i++)
		if (f->work[i].changed)
			json_put_text(branches, f->work[i].repo, f->work[i].branch);
	code = issue_property_set(&f->jira, f->p.issue, JIRA_PROPERTY, value, err);
	cJSON_Delete(value);
	return code;
}

int
fix_move(struct fix *f, const char *option, struct drover_error *err)
{
	const char *status = plugin_option(f->scope, option);

	return *status == '\0' ? 0 : issue_transition(&f->jira, f->p.issue, status, NULL, err);
}

void
fix_subject(const struct fix *f, char subject[DROVER_KEY_MAX])
{
	snprintf(subject, DROVER_KEY_MAX, "jira/%s", f->p.id[0] != '\0' ? f->p.id : f->p.issue);
}

int
fix_say(struct fix *f, const char *id, const struct text_buf *text, char comment[JIRA_ID_MAX],
    struct drover_error *err)
{
	char subject[DROVER_KEY_MAX];
	int code;

	if ((code = comment_post(&f->jira, f->p.issue, id, text_of(text), comment, JIRA_ID_MAX,
		 err)) != 0)
		return code;
	fix_subject(f, subject);
	return f->scope->host->memory->append(f->scope, subject, id, "drover", text_of(text), err);
}

static void
fix_free(struct fix *f)
{
	size_t i;

	text_free(&f->comments);
	text_free(&f->parent);
	text_free(&f->images);
	text_free(&f->rules);
	text_free(&f->memory);
	for (i = 0; i < f->work_len; i++) {
		free(f->work[i].said);
		free(f->work[i].checks);
	}
	cJSON_Delete(f->issue);
	cJSON_Delete(f->state);
	payload_free(&f->p);
	jira_close(&f->jira);
	free(f);
}

static int
fix_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	static int (*const steps[])(struct fix *, struct drover_error *) = { fix_take, fix_gather,
		fix_triage, fix_work, fix_settle };
	struct fix *f = xcalloc(1, sizeof(*f));
	size_t i;
	int code;

	f->scope = scope;
	f->job = job;
	if ((code = payload_read(job, &f->p, err)) != 0 ||
	    (code = jira_open(&f->jira, scope, true, err)) != 0 ||
	    (code = jira_me(&f->jira, false, err)) != 0 || (code = fix_state_load(f, err)) != 0)
		goto out;
	f->jira.trace = job->trace;
	for (i = 0; i < ARRAY_LEN(steps) && code == 0 && f->ended[0] == '\0'; i++)
		code = scope->host->queue->cancelled(scope) ?
		    plugin_fail(err, DROVER_CANCELLED, "cancelled") :
		    steps[i](f, err);
	if (code == 0 && f->ended[0] != '\0') {
		plugin_log(scope, DROVER_NOTICE, "%s: %s", f->p.issue, f->ended);
		code = scope->host->queue->result(scope, "ended", f->ended, err);
	}
out:
	fix_free(f);
	return code;
}
