/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first step of jira.fix: checks that the ticket still exists and is
 * drover's, and moves it to in_progress, which shows people that work has
 * begun.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "jira/fix.h"

#define TAKE_FIELDS \
	"summary,status,assignee,creator,reporter,parent,attachment,project,issuetype,subtasks"

static int take_check(struct fix *, const char *);
static int take_number(struct fix *, struct drover_error *);
static int take_answer(struct fix *, struct drover_error *);

/*
 * Decides whether to go on. If an earlier attempt of this job has taken the
 * ticket, it goes on whatever the ticket's status is, because this job itself
 * moved it.
 */
static int
take_check(struct fix *f, const char *in_progress)
{
	const cJSON *assignee = json_at(f->issue, "fields.assignee"),
		    *ours = json_at(f->issue, "properties." JIRA_PROPERTY);
	const char *status = issue_status(f->issue);
	bool taken =
	    json_true(f->state, "taken") || strcmp(json_text(ours, "trace"), f->job->trace) == 0;

	if (json_true(f->state, "taken") && *json_text(ours, "trace") != '\0' &&
	    strcmp(json_text(ours, "trace"), f->job->trace) != 0)
		snprintf(f->ended, sizeof(f->ended),
		    "taken over by a later job (trace %.40s): nothing is done",
		    json_text(ours, "trace"));
	else if (f->p.assigned && !(cJSON_IsObject(assignee) && jira_is_me(&f->jira, assignee)))
		snprintf(f->ended, sizeof(f->ended),
		    "no longer assigned to drover: nothing is done");
	else if (strcmp(json_text_at(f->issue, "fields.status.statusCategory.key"), "done") == 0 &&
	    !taken)
		snprintf(f->ended, sizeof(f->ended),
		    "is in status \"%.80s\" meanwhile: nothing is done", status);
	else if (!taken && f->p.assigned && strcasecmp(status, f->p.status) != 0)
		snprintf(f->ended, sizeof(f->ended),
		    "is in status \"%.80s\" meanwhile%s: nothing is done", status,
		    strcasecmp(status, in_progress) == 0 ? " and worked on by somebody else" : "");
	return f->ended[0] == '\0';
}

/*
 * Counts the revisions of the ticket that were taken. A later one gets a branch
 * of its own, because the branch of the earlier one is in a pull request.
 */
static int
take_number(struct fix *f, struct drover_error *err)
{
	const cJSON *ours = json_at(f->issue, "properties." JIRA_PROPERTY);
	const cJSON *branches = json_get(ours, "branches");
	double n = json_number(ours, "n");

	if (json_number(f->state, "n") >= 1)
		return 0;
	n = n >= 1 && n < 1000 ? n : 1;
	if (cJSON_GetArraySize(branches) > 0 &&
	    strcmp(json_text(ours, "revision"), f->p.revision) != 0)
		n++;
	json_put_number(f->state, "n", n);
	return fix_state_save(f, err);
}

/*
 * An attempt follows the questions if they were answered, if the job was
 * released by hand, or if the last attempt died at its very end.
 */
static int
take_answer(struct fix *f, struct drover_error *err)
{
	const cJSON *waits = json_get(f->state, "waits");
	double asked = json_number(f->state, "asked");
	struct text_buf comments = { 0 };
	char newest[JIRA_ID_MAX];
	int code;

	if (waits == NULL)
		return 0;
	code = gather_comments(&f->jira, f->p.issue, f->p.project, &comments, newest,
	    sizeof(newest), err);
	text_free(&comments);
	if (code != 0)
		return code;
	if (strcmp(newest, json_text(f->state, "waits")) == 0 &&
	    f->scope->host->option->integer(f->scope, "triage") != 0) {
		if ((code = f->scope->host->queue->result(f->scope, "needs_info", "1", err)) != 0)
			return code;
		return plugin_fail(err, DROVER_HUMAN, "%s: its questions are not answered yet",
		    f->p.issue);
	}
	cJSON_DeleteItemFromObjectCaseSensitive(f->state, "waits");
	cJSON_DeleteItemFromObjectCaseSensitive(f->state, "taken");
	cJSON_DeleteItemFromObjectCaseSensitive(f->state, "moved");
	cJSON_DeleteItemFromObjectCaseSensitive(f->state, "verdict");
	json_put_number(f->state, "asked", asked + 1);
	return fix_state_save(f, err);
}

int
fix_take(struct fix *f, struct drover_error *err)
{
	int code;

	if ((code = issue_get(&f->jira, f->p.issue, TAKE_FIELDS, false, &f->issue, err)) < 0)
		return code;
	if (code == 0) {
		snprintf(f->ended, sizeof(f->ended),
		    "is gone, or hidden from drover: nothing is done");
		return 0;
	}
	if (!take_check(f, plugin_option(f->scope, "in_progress")))
		return 0;
	if ((code = take_number(f, err)) != 0 || (code = take_answer(f, err)) != 0)
		return code;
	if (!json_true(f->state, "taken")) {
		if ((code = fix_mark(f, "working", NULL, err)) != 0)
			return code;
		json_put_bool(f->state, "taken", true);
		if ((code = fix_state_save(f, err)) != 0)
			return code;
	}
	if (json_true(f->state, "moved"))
		return 0;
	if ((code = fix_move(f, "in_progress", err)) != 0)
		return code;
	json_put_bool(f->state, "moved", true);
	return fix_state_save(f, err);
}
