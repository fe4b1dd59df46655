/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a code change, except the guard. change_walk() in change.c calls
 * them in the order of its table:
 *
 *   lease      takes a tree, at the kept commit if an earlier attempt left one
 *   setup      runs the repo's setup commands
 *   agent      runs the agent; what it did becomes the commit
 *   guard      checks the commit (change_guard.c)
 *   check      runs the repo's checks; the first that fails sets change->failed
 *   follow-up  lets the agent mend that, then goes back to the guard
 *   commit     makes sure that the mirror keeps the commit
 *   push       pushes the branch
 *
 * lease and setup are called in every attempt, because they concern this
 * process's tree; setup does nothing once the checks are finished. follow-up
 * does nothing unless a check failed. Of the other steps, change_walk() skips
 * those that the point says are finished.
 *
 * Between two steps, from lease on: change->tree is leased; its tracked files
 * are those of the commit, or of the base while there is no commit; and
 * change->leavings lists what setup and checks created, which no commit
 * contains. What those commands do to the tree is so never part of the change.
 * point->commit is "" until the agent has changed something, and the mirror
 * keeps the commit from then on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "host/agent/agent.h"
#include "host/change/change.h"
#include "host/exec.h"

#define COMMAND_SHOWN_MAX 120

static void change_restart(struct change *);
static int change_lease_kept(struct change *, struct error *);
static int change_command(struct change *, char *const *, int64_t, struct error *);
static void change_command_show(struct buf *, char *const *, const struct drover_outcome *,
    int64_t);
static void change_stdout(void *, const char *, size_t);
static int change_restore(struct change *, struct error *);
static int change_ask_agent(struct change *, const char *, int64_t, struct error *);
static enum change_next change_keep(struct change *, struct error *);
static void change_log_output(struct change *);

/* Forgets the commit and the steps, but not the usage. */
static void
change_restart(struct change *change)
{
	struct change_point *point = &change->point;

	point->step = STEP_NONE;
	*point->commit = '\0';
	*point->left = '\0';
	point->followup_attempt = 0;
}

/*
 * Takes a tree at the kept commit. 1 when it stands there, 0 when the change
 * must start over (without a tree), -1 on error.
 */
static int
change_lease_kept(struct change *change, struct error *err)
{
	struct change_point *point = &change->point;
	struct error why = { 0 };
	int r;

	if (lease_take(change->scope, change->repo, point->commit, &change->tree, &why) != 0) {
		if (why.code != DROVER_PERMANENT && why.code != DROVER_CONFIG) {
			*err = why;
			return -1;
		}
		log_printf(&change->scope->log, DROVER_WARN,
		    "change: the kept commit %.12s is not available (%s): starting over",
		    point->commit, why.text);
		change_restart(change);
		return 0;
	}
	text_copy(change->tree->base, sizeof change->tree->base, point->base);
	if (!change->onto)
		return 1;
	if ((r = tree_onto(change->tree, change->branch, point->base, point->commit, err)) <= 0)
		return r == 0 ? 1 : -1;
	log_printf(&change->scope->log, DROVER_NOTICE,
	    "change: branch %s has moved since the last attempt: starting over from its tip",
	    change->branch);
	change_restart(change);
	r = lease_give_back(change->scope, change->tree->lease, NULL, 0, err);
	change->tree = NULL;
	return r;
}

enum change_next
change_lease(struct change *change, struct error *err)
{
	struct change_point *point = &change->point;
	char *tip;
	int r = 0;

	if (*point->commit != '\0' && (r = change_lease_kept(change, err)) != 0)
		return r == 1 ? CHANGE_NEXT : CHANGE_FAILED;
	tip = change->onto ? xasprintf("refs/heads/%s", change->branch) : NULL;
	r = lease_take(change->scope, change->repo, change->onto ? tip : change->ref, &change->tree,
	    err);
	free(tip);
	if (r != 0) {
		if (change->onto && err->code == DROVER_PERMANENT)
			error_prefix(err, "branch %s is gone", change->branch);
		return CHANGE_FAILED;
	}
	text_copy(point->base, sizeof point->base, change->tree->base);
	/*
	 * The tree stands at the tip that was fetched. tree_onto() tells here
	 * only whether drover may push to the branch at all.
	 */
	return change->onto && tree_onto(change->tree, change->branch, point->base, "", err) < 0 ?
	    CHANGE_FAILED :
	    CHANGE_NEXT;
}

static void
change_stdout(void *arg, const char *line, size_t len)
{
	struct buf *out = arg;

	if (len >= CHANGE_OUTPUT_MAX) {
		line += len - CHANGE_OUTPUT_MAX + 1;
		len = CHANGE_OUTPUT_MAX - 1;
	}
	buf_add(out, line, len);
	buf_addc(out, '\n');
	if (out->len > 2 * CHANGE_OUTPUT_MAX)
		buf_drop(out, out->len - CHANGE_OUTPUT_MAX);
}

/* Appends, for example, "`npm test` ended with status 1". */
static void
change_command_show(struct buf *out, char *const *argv, const struct drover_outcome *outcome,
    int64_t timeout_ms)
{
	struct buf words = BUF_INIT;
	char text[UNITS_MAX];

	for (int i = 0; argv[i] != NULL; i++)
		buf_addf(&words, "%s%s", i > 0 ? " " : "", argv[i]);
	buf_addc(out, '`');
	text_show(out, buf_str(&words), words.len, COMMAND_SHOWN_MAX);
	buf_addc(out, '`');
	buf_free(&words);
	if (outcome->timed_out)
		buf_addf(out, " took longer than %s",
		    units_format_duration(timeout_ms, text, sizeof text));
	else if (outcome->signal != 0)
		buf_addf(out, " was ended by signal %d", outcome->signal);
	else
		buf_addf(out, " ended with status %d", outcome->status);
}

/*
 * Runs one of the repo's commands. 0 when it succeeded, 1 when it failed
 * (change->failed and change->output then say how), -1 on error.
 */
static int
change_command(struct change *change, char *const *argv, int64_t timeout_ms, struct error *err)
{
	struct buf out = BUF_INIT, errors = BUF_INIT;
	struct drover_outcome outcome = { .size = sizeof outcome };
	struct drover_command command = {
		.size = sizeof command,
		.argv = (const char *const *)argv,
		.env = (const char *const *)change->repo->env,
		.cwd = change->tree->path,
		.timeout_ms = timeout_ms,
		.line = change_stdout,
		.arg = &out,
	};
	struct sandbox sandbox = {
		.mode = sandbox_mode(change->scope->config, NULL, change->repo),
		.network = sandbox_network(NULL, change->repo),
		.paths = change->repo->home,
	};
	int r;

	buf_clear(&change->failed);
	buf_clear(&change->output);
	r = exec_run_split(change->scope, &command, &sandbox, &outcome, &errors, err);
	if (r == 0 && (outcome.timed_out || outcome.signal != 0 || outcome.status != 0)) {
		r = 1;
		change_command_show(&change->failed, argv, &outcome, timeout_ms);
		if (outcome.output < sizeof outcome.tail)
			buf_add(&change->output, outcome.tail,
			    strnlen(outcome.tail, sizeof outcome.tail));
		else {
			size_t room = CHANGE_OUTPUT_MAX -
			    (errors.len < CHANGE_OUTPUT_MAX ? errors.len : CHANGE_OUTPUT_MAX);

			if (out.len > room)
				buf_drop(&out, out.len - room);
			buf_add(&change->output, buf_str(&out), out.len);
			buf_add(&change->output, buf_str(&errors), errors.len);
		}
	}
	buf_free(&out);
	buf_free(&errors);
	return r;
}

static int
change_restore(struct change *change, struct error *err)
{
	const struct change_point *point = &change->point;

	return tree_restore(change->tree, *point->commit != '\0' ? point->commit : point->base,
	    &change->leavings, err);
}

static void
change_log_output(struct change *change)
{
	log_line(&change->scope->log, DROVER_WARN, buf_str(&change->failed),
	    (const struct drover_field[]){ { "output", buf_str(&change->output) } }, 1);
}

enum change_next
change_setup(struct change *change, struct error *err)
{
	char ***commands = change->repo->setup;
	int r;

	if (change->point.step >= STEP_CHECK || commands == NULL || commands[0] == NULL)
		return CHANGE_NEXT;
	for (int i = 0; commands[i] != NULL; i++) {
		if ((r = change_command(change, commands[i], change->repo->setup_timeout_ms, err)) <
		    0)
			return CHANGE_FAILED;
		if (r == 1) {
			change_log_output(change);
			error_set(err, DROVER_INTERNAL, "setup of repo %s: %s", change->repo->name,
			    buf_str(&change->failed));
			return CHANGE_FAILED;
		}
	}
	return change_restore(change, err) == 0 ? CHANGE_NEXT : CHANGE_FAILED;
}

/*
 * Runs the agent and adds its usage to the point. After a failed run the point
 * is saved here, because no step is finished that would save it.
 */
static int
change_ask_agent(struct change *change, const char *prompt, int64_t timeout_ms, struct error *err)
{
	struct change_point *point = &change->point;
	struct drover_agent_result *result = xcalloc(1, sizeof *result);
	struct drover_agent_run run = {
		.size = sizeof run,
		.agent = change->agent,
		.prompt = prompt,
		.cwd = change->tree->path,
		.timeout_ms = timeout_ms,
	};
	struct error ignored;
	int r;

	result->size = sizeof *result;
	r = agent_run(change->scope, &run, result, err);
	point->usage.input += result->usage.input;
	point->usage.cached += result->usage.cached;
	point->usage.output += result->usage.output;
	point->usage.turns += result->usage.turns;
	point->usage.cost_microusd += result->usage.cost_microusd;
	if (r == 0)
		text_copy(point->text, sizeof point->text, result->text);
	else if (err->code != DROVER_FENCED && change_point_save(change, &ignored) != 0)
		log_printf(&change->scope->log, DROVER_WARN,
		    "change: the tokens of a failed run are missing in the result: %s",
		    ignored.text);
	free(result);
	return r;
}

/* Makes what the agent did the commit, and has the mirror keep it. */
static enum change_next
change_keep(struct change *change, struct error *err)
{
	struct change_point *point = &change->point;
	struct buf left = BUF_INIT;
	const struct squash squash = {
		.without = &change->leavings,
		.message = change->message,
		.onto = change->onto ? change->branch : NULL,
		.left = &left,
	};
	int r;

	if (tree_refuse_large(change->tree, change->repo->max_bytes, &change->leavings, err) != 0)
		return CHANGE_FAILED;
	r = tree_squash(change->tree, &squash, point->commit, sizeof point->commit, err);
	if (r >= 0 && change_find_ignored(change, &left, err) != 0)
		r = -1;
	if (r >= 0)
		change_leave_out(change, &left);
	buf_free(&left);
	if (r < 0)
		return CHANGE_FAILED;
	text_copy(point->base, sizeof point->base, change->tree->base);
	if (r == 0) {
		*point->commit = '\0';
		return CHANGE_END;
	}
	return tree_keep(change->tree, point->commit, change->scope->job->id, err) == 0 ?
	    CHANGE_NEXT :
	    CHANGE_FAILED;
}

enum change_next
change_agent(struct change *change, struct error *err)
{
	if (change_ask_agent(change, change->prompt, change->agent_timeout_ms, err) != 0)
		return CHANGE_FAILED;
	return change_keep(change, err);
}

enum change_next
change_check(struct change *change, struct error *err)
{
	char ***commands = change->repo->check;
	int r = 0;

	buf_clear(&change->failed);
	if (commands == NULL || commands[0] == NULL)
		return CHANGE_NEXT;
	for (int i = 0; r == 0 && commands[i] != NULL; i++)
		r = change_command(change, commands[i], change->repo->check_timeout_ms, err);
	if (r < 0)
		return CHANGE_FAILED;
	change->point.checked = r == 0;
	if (r == 1)
		change_log_output(change);
	return change_restore(change, err) == 0 ? CHANGE_NEXT : CHANGE_FAILED;
}

/*
 * An attempt has one follow-up. The next attempt goes on from this commit and
 * has one of its own.
 */
enum change_next
change_followup(struct change *change, struct error *err)
{
	struct change_point *point = &change->point;
	uint32_t attempt = change->scope->job->attempt;
	struct buf prompt = BUF_INIT;
	enum change_next next;
	int r;

	if (change->failed.len == 0)
		return CHANGE_NEXT;
	if (point->followup_attempt == attempt) {
		error_set(err, DROVER_INTERNAL,
		    "check of repo %s: %s, even after a follow-up; the commit %.12s is kept",
		    change->repo->name, buf_str(&change->failed), point->commit);
		return CHANGE_FAILED;
	}
	change_followup_prompt(&prompt, change->prompt, buf_str(&change->failed),
	    buf_str(&change->output), change->output.len);
	r = change_ask_agent(change, buf_str(&prompt), change->followup_timeout_ms, err);
	buf_free(&prompt);
	if (r != 0)
		return CHANGE_FAILED;
	point->followups++;
	point->followup_attempt = attempt;
	buf_clear(&change->failed);
	next = change_keep(change, err);
	return next == CHANGE_NEXT ? CHANGE_GUARD : next;
}

/*
 * Commands of the repo have run since the commit was made, and may have moved
 * HEAD. What is pushed is the mirror's commit, which the guard saw.
 */
enum change_next
change_commit(struct change *change, struct error *err)
{
	return tree_keep(change->tree, change->point.commit, change->scope->job->id, err) == 0 ?
	    CHANGE_NEXT :
	    CHANGE_FAILED;
}

enum change_next
change_push(struct change *change, struct error *err)
{
	struct error why;
	int r = git_push_branch(change->scope, change->tree, change->point.commit, change->branch,
	    change->onto, err);

	if (r < 0)
		return CHANGE_FAILED;
	if (r == 1) {
		change_restart(change);
		if (change_point_save(change, err) == 0)
			error_set(err, DROVER_AGAIN,
			    "branch %s of repo %s moved while it was being changed: the next "
			    "attempt starts over from its tip",
			    change->branch, change->repo->name);
		return CHANGE_FAILED;
	}
	if (tree_unkeep(change->tree, change->scope->job->id, &why) != 0)
		log_printf(&change->scope->log, DROVER_WARN,
		    "change: %.12s is pushed, but the mirror still keeps it: %s",
		    change->point.commit, why.text);
	return CHANGE_NEXT;
}
