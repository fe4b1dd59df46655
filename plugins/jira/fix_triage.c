/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The third step of jira.fix: an agent that may only read says whether the
 * ticket can be done, and in which repos. If it cannot, the agent's questions
 * become a comment, the ticket goes back to to_do, and the job is held. The
 * verdict is kept in the state, so that a later attempt does not pay for it
 * again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/talk.h"
#include "jira/fix.h"

#define READ_TRIES 2
#define AGAIN \
	"Your last answer held no line of JSON that could be read. This time end with exactly " \
	"that " \
	"line."
#define BRACES_MAX 400
#define QUESTIONS_MAX 12

static bool triage_is_verdict(const cJSON *);
static int triage_run(struct fix *, cJSON **, struct drover_error *);
static void triage_repos(struct fix *, cJSON *);
static void triage_questions(const cJSON *, struct text_buf *);
static int triage_ask(struct fix *, const cJSON *, struct drover_error *);

static bool
triage_is_verdict(const cJSON *json)
{
	const char *verdict = json_text(json, "verdict");

	return strcmp(verdict, "PROCEED") == 0 || strcmp(verdict, "NEEDS_INFO") == 0;
}

/* The last object counts: an agent may quote the form before it fills it in. */
cJSON *
triage_read(const char *text)
{
	const char *p = text + strlen(text);
	struct drover_error why = { 0 };
	cJSON *json, *whole;
	int braces = 0;

	while (p > text && braces < BRACES_MAX) {
		if (*--p != '{')
			continue;
		braces++;
		if ((json = cJSON_ParseWithOpts(p, NULL, 0)) == NULL)
			continue;
		if (triage_is_verdict(json)) {
			/* json_read() bounds the depth. */
			char *flat = json_print(json);

			cJSON_Delete(json);
			whole = json_read(flat, strlen(flat), &why);
			free(flat);
			return whole;
		}
		cJSON_Delete(json);
	}
	return NULL;
}

static int
triage_run(struct fix *f, cJSON **verdict, struct drover_error *err)
{
	struct drover_agent_run run = { .size = sizeof(run), .flags = DROVER_AGENT_READ_ONLY };
	struct drover_agent_result *result = xcalloc(1, sizeof(*result));
	struct trees trees;
	int code, try;

	*verdict = NULL;
	if ((code = trees_open(&trees, f->scope, f->repos, f->repos_len, err)) != 0) {
		free(result);
		return code;
	}
	run.cwd = trees.cwd;
	run.timeout_ms = f->scope->host->option->integer(f->scope, "triage_timeout");
	for (try = 0; try < READ_TRIES && code == 0 && *verdict == NULL; try++) {
		const struct drover_variable more[] = {
			{ "again", try > 0 ? AGAIN : "", DROVER_TRUSTED, 0 },
		};

		run.prompt = fix_prompt(f, "triage", f->repos, f->repos_len, more, 1, err);
		if (run.prompt == NULL) {
			code = err->code;
			break;
		}
		memset(result, 0, sizeof(*result));
		result->size = sizeof(*result);
		if ((code = f->scope->host->agent->run(f->scope, &run, result, err)) == 0)
			*verdict = triage_read(result->text);
	}
	trees_close(&trees, f->scope);
	if (code == 0 && *verdict == NULL)
		code = plugin_fail(err, DROVER_INTERNAL,
		    "triage: the agent has given no line {\"verdict\": ...} in %d answers",
		    READ_TRIES);
	free(result);
	return code;
}

/*
 * Keeps the named repos that the ticket may be about. If no repo is left, the
 * ticket is about all of them.
 */
static void
triage_repos(struct fix *f, cJSON *verdict)
{
	const cJSON *given = json_get(verdict, "repos"), *name;
	cJSON *repos = json_array();
	size_t i;

	for (i = 0; i < f->repos_len; i++) {
		name = NULL;
		cJSON_ArrayForEach(name, given)
			if (cJSON_IsString(name) && strcmp(name->valuestring, f->repos[i]) == 0)
				break;
		if (name != NULL)
			json_push_text(repos, f->repos[i]);
	}
	if (cJSON_GetArraySize(repos) == 0)
		for (i = 0; i < f->repos_len; i++)
			json_push_text(repos, f->repos[i]);
	json_put(verdict, "repos", repos);
}

static void
triage_questions(const cJSON *verdict, struct text_buf *out)
{
	const cJSON *question, *list = json_get(verdict, "questions");
	const char *reason = json_text(verdict, "reason");
	char line[600];
	int n = 0;

	text_line(line, sizeof(line), reason);
	text_addf(out, "Before I can start on this I need to know more.%s%s\n\n",
	    line[0] != '\0' ? " " : "", line);
	cJSON_ArrayForEach(question, list) {
		const char *text = cJSON_IsString(question) ? question->valuestring :
							      json_text(question, "question");

		if (n == QUESTIONS_MAX || text_line(line, sizeof(line), text) == 0)
			continue;
		text_addf(out, "%d. %s\n", ++n, line);
	}
	text_addf(out, "\nAnswer in a comment, or change the description: I then look again.");
}

static int
triage_ask(struct fix *f, const cJSON *verdict, struct drover_error *err)
{
	const struct drover_host *host = f->scope->host;
	int asked = (int)json_number(f->state, "asked");
	char id[DROVER_KEY_MAX], comment[JIRA_ID_MAX] = "", reason[300];
	struct text_buf text = { 0 };
	int code;

	text_line(reason, sizeof(reason), json_text(verdict, "reason"));
	triage_questions(verdict, &text);
	snprintf(id, sizeof(id), "needs-info/%.80s/%.100s/%d", f->p.issue, f->p.revision, asked);
	code = fix_say(f, id, &text, comment, err);
	text_free(&text);
	if (code != 0 || (code = fix_mark(f, "needs_info", comment, err)) != 0 ||
	    (code = fix_move(f, "to_do", err)) != 0)
		return code;
	json_put_text(f->state, "waits", f->newest);
	if ((code = fix_state_save(f, err)) != 0 ||
	    (code = host->queue->result(f->scope, "needs_info", "1", err)) != 0)
		return code;
	return plugin_fail(err, DROVER_HUMAN, "%s: needs answers: %s", f->p.issue, reason);
}

int
fix_triage(struct fix *f, struct drover_error *err)
{
	cJSON *verdict = json_get(f->state, "verdict");
	int code;

	if (verdict == NULL) {
		if (f->scope->host->option->integer(f->scope, "triage") != 0) {
			if ((code = triage_run(f, &verdict, err)) != 0)
				return code;
		} else {
			verdict = json_object();
			json_put_text(verdict, "verdict", "PROCEED");
		}
		triage_repos(f, verdict);
		json_put(f->state, "verdict", verdict);
		if ((code = fix_state_save(f, err)) != 0)
			return code;
	}
	if ((code = f->scope->host->queue->result(f->scope, "triage", json_text(verdict, "verdict"),
		 err)) != 0)
		return code;
	return strcmp(json_text(verdict, "verdict"), "NEEDS_INFO") == 0 ?
	    triage_ask(f, verdict, err) :
	    0;
}
