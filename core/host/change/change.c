/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->change: a whole code change, as a walk over a table of steps. After
 * each step whose result is worth keeping, a point is saved in the core's
 * store, and the commit in the mirror. A retry, which runs in another process
 * and another tree, goes on after the last such step. doc/changes.md describes
 * this for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "host/change/change.h"
#include "host/exec.h"

#define AGENT_TIMEOUT_MS (30 * 60 * 1000)
#define FOLLOWUP_TIMEOUT_MS (15 * 60 * 1000)
#define RESULT_TEXT_MAX 2048
#define SLUG_MAX 40

static int host_change_run(struct drover_scope *, const struct drover_change *,
    struct drover_change_result *, struct drover_error *);
static int change_begin(struct change *, const struct drover_change *, struct error *);
static int change_name_branch(struct change *, const char *, const char *, struct error *);
static int change_name_onto(struct change *, const char *, const char *, struct error *);
static int change_walk(struct change *, struct error *);
static enum change_next change_take_step(struct change *, enum change_step, struct error *);
static int change_put_result(struct change *, struct error *);
static void change_leave(struct change *, bool, struct error *);
static void change_fill_result(const struct change *, struct drover_change_result *);

const struct drover_host_change host_change = {
	.size = sizeof host_change,
	.run = host_change_run,
};

static const struct {
	enum change_next (*run)(struct change *, struct error *);
	/*
	 * a point is saved after the step; the others concern only this process
	 * and its tree, and run in every attempt
	 */
	bool kept;
} steps[STEPS] = {
	[STEP_LEASE] = { change_lease, false },
	[STEP_SETUP] = { change_setup, false },
	[STEP_AGENT] = { change_agent, true },
	[STEP_GUARD] = { change_guard, true },
	[STEP_CHECK] = { change_check, true },
	[STEP_FOLLOWUP] = { change_followup, false },
	[STEP_COMMIT] = { change_commit, true },
	[STEP_PUSH] = { change_push, true },
};

static int
change_name_branch(struct change *change, const char *given, const char *title, struct error *err)
{
	const struct drover_job *job = change->scope->job;
	struct buf what = BUF_INIT;
	char slug[SLUG_MAX + 1];

	if (given != NULL && *given != '\0') {
		if (service_line(given, "branch", sizeof change->branch - 1, false, err) != 0)
			return -1;
		text_copy(change->branch, sizeof change->branch, given);
	} else {
		buf_addf(&what, "%s/%s", job->kind, job->key);
		snprintf(change->branch, sizeof change->branch, "drover/%s-%08" PRIx32,
		    text_slug(title, slug, sizeof slug),
		    (uint32_t)text_hash(buf_str(&what), what.len));
		buf_free(&what);
	}
	if (!text_is_branch(change->branch, "drover/"))
		return error_set(err, DROVER_PERMANENT,
		    "\"%s\" is not the name of a branch under drover/", change->branch);
	return 0;
}

/*
 * Names the branch of a change onto an existing branch. Whether the remote's
 * HEAD points to that branch is known only after the fetch.
 */
static int
change_name_onto(struct change *change, const char *branch, const char *ref, struct error *err)
{
	if (service_line(branch, "branch of a change onto it", sizeof change->branch - 1, false,
		err) != 0 ||
	    service_ref(branch, err) != 0)
		return -1;
	if (ref != NULL && *ref != '\0')
		return error_set(err, DROVER_PERMANENT,
		    "a change onto branch %s starts at its tip: leave ref out", branch);
	if (!text_is_branch(branch, NULL) || strncmp(branch, "refs/", 5) == 0)
		return error_set(err, DROVER_PERMANENT, "\"%s\" is not the name of a branch",
		    branch);
	if (change->repo->base != NULL && strcmp(branch, change->repo->base) == 0)
		return error_set(err, DROVER_PERMANENT,
		    "%s is the base branch of repo %s: drover does not push onto it", branch,
		    change->repo->name);
	text_copy(change->branch, sizeof change->branch, branch);
	change->onto = true;
	return 0;
}

/* Checks what the plugin asks for, and prepares all that needs no tree. */
static int
change_begin(struct change *change, const struct drover_change *given, struct error *err)
{
	struct scope *scope = change->scope;
	struct drover_change ask;
	struct buf message = BUF_INIT, what = BUF_INIT;
	const char *title;
	int r;

	if (service_in(&ask, sizeof ask, given, SERVICE_LEAST(drover_change, prompt),
		"drover_change", err) != 0 ||
	    service_ref(ask.ref, err) != 0 || service_name(ask.agent, "agent", err) != 0 ||
	    service_text(ask.title, "title of a change", DROVER_TITLE_MAX, true, err) != 0 ||
	    service_text(ask.prompt, "prompt of a change", CHANGE_PROMPT_MAX, false, err) != 0 ||
	    service_text(ask.trailers, "trailers of a change", CHANGE_TRAILERS_MAX, true, err) != 0)
		return -1;
	if (ask.agent_timeout_ms < 0 || ask.followup_timeout_ms < 0)
		return error_set(err, DROVER_PERMANENT, "a timeout of a change is negative");
	if ((change->repo = scope_repo(scope, ask.repo, err)) == NULL)
		return -1;
	title = ask.title != NULL && *ask.title != '\0' ? ask.title : scope->job->title;
	if ((ask.flags & ~DROVER_CHANGE_ONTO) != 0)
		return error_set(err, DROVER_PERMANENT,
		    "a change has flags %#x, which ABI %d.%d does not know", (unsigned)ask.flags,
		    DROVER_ABI_MAJOR, DROVER_ABI_MINOR);
	if ((ask.flags & DROVER_CHANGE_ONTO) != 0 ?
		change_name_onto(change, ask.branch, ask.ref, err) != 0 :
		change_name_branch(change, ask.branch, title != NULL ? title : "", err) != 0)
		return -1;
	change->ref = ask.ref != NULL && *ask.ref != '\0' ? ask.ref : NULL;
	change->agent = ask.agent;
	change->prompt = ask.prompt;
	change->agent_timeout_ms =
	    ask.agent_timeout_ms > 0 ? ask.agent_timeout_ms : AGENT_TIMEOUT_MS;
	change->followup_timeout_ms =
	    ask.followup_timeout_ms > 0 ? ask.followup_timeout_ms : FOLLOWUP_TIMEOUT_MS;
	r = change_message(&message, title, scope->job->trace, ask.trailers, err);
	change->message = buf_take(&message);
	buf_addf(&what, "%s\n%s\n", change->repo->name, change->branch);
	change_subject(&what, title);
	snprintf(change->key, sizeof change->key, "job/change/%016" PRIx64,
	    text_hash(buf_str(&what), what.len));
	buf_free(&what);
	return r;
}

/*
 * Runs one step, between two lines in the attempt's output, and logs how long
 * it took.
 */
static enum change_next
change_take_step(struct change *change, enum change_step step, struct error *err)
{
	static const char *const ends[] = { [CHANGE_NEXT] = "done",
		[CHANGE_GUARD] = "done",
		[CHANGE_END] = "nothing changed" };
	const char *name = change_step_name(step), *end;
	struct buf line = BUF_INIT;
	int64_t began = clock_mono(), took;
	char text[UNITS_MAX], ms[24];
	enum change_next next;

	buf_addf(&line, "drover: step %s\n", name);
	exec_output(change->scope, line.data, line.len);
	next = steps[step].run(change, err);
	took = clock_mono() - began;
	end = next == CHANGE_FAILED ? "failed" : ends[next];
	if (next == CHANGE_NEXT && change->failed.len > 0)
		end = buf_str(&change->failed);
	snprintf(ms, sizeof ms, "%" PRId64, took);
	log_line(&change->scope->log, next == CHANGE_FAILED ? DROVER_WARN : DROVER_INFO,
	    "change: step",
	    (const struct drover_field[]){ { "step", name }, { "end", end }, { "ms", ms },
		{ "error", next == CHANGE_FAILED ? err->text : "" } },
	    next == CHANGE_FAILED ? 4 : 3);
	buf_clear(&line);
	buf_addf(&line, "drover: step %s: %s, %s\n", name, next == CHANGE_FAILED ? err->text : end,
	    units_format_duration(took, text, sizeof text));
	exec_output(change->scope, line.data, line.len);
	buf_free(&line);
	return next;
}

static int
change_walk(struct change *change, struct error *err)
{
	struct change_point *point = &change->point;
	enum change_next next;
	int step = 0;

	while (step < STEPS) {
		if (scope_cancelled(change->scope))
			return error_set(err, DROVER_CANCELLED,
			    "the job was cancelled before the step %s",
			    change_step_name((enum change_step)step));
		if (steps[step].kept && step <= (int)point->step) {
			step++;
			continue;
		}
		next = change_take_step(change, (enum change_step)step, err);
		if (next == CHANGE_FAILED)
			return -1;
		if (next == CHANGE_END)
			point->step = STEP_PUSH;
		else if (next == CHANGE_GUARD)
			point->step = STEP_AGENT;
		else if (steps[step].kept && change->failed.len == 0)
			point->step = (enum change_step)step;
		else {
			step++;
			continue;
		}
		if (change_point_save(change, err) != 0)
			return -1;
		step = (int)point->step + 1;
	}
	return 0;
}

static int
change_put_result(struct change *change, struct error *err)
{
	const struct change_point *point = &change->point;
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
		{ "changed", *point->commit != '\0' },
		{ "files", point->diff.files },
		{ "added", (int64_t)point->diff.added },
		{ "removed", (int64_t)point->diff.removed },
		{ "checks", point->checked },
		{ "followups", point->followups },
		{ "tokens_input", point->usage.input },
		{ "tokens_cached", point->usage.cached },
		{ "tokens_output", point->usage.output },
	};
	char text[RESULT_TEXT_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		snprintf(text, sizeof text, "%" PRId64, numbers[i].value);
		if (result_put(change->scope, numbers[i].key, text, err) != 0)
			return -1;
	}
	if (*point->commit != '\0' &&
	    (result_put(change->scope, "branch", change->branch, err) != 0 ||
		result_put(change->scope, "commit", point->commit, err) != 0))
		return -1;
	if (point->checked && *point->check_files != '\0' &&
	    result_put(change->scope, "check_files", point->check_files, err) != 0)
		return -1;
	if (*point->left != '\0' &&
	    result_put(change->scope, "left_out", point->left, err) != 0)
		return -1;
	text_copy(text, sizeof text, point->text);
	return result_put(change->scope, "agent_text", text, err);
}

static void
change_fill_result(const struct change *change, struct drover_change_result *result)
{
	const struct change_point *point = &change->point;

	memset(result, 0, sizeof *result);
	result->changed = *point->commit != '\0';
	result->checked = point->checked;
	result->followups = point->followups;
	result->usage = point->usage;
	result->diff = point->diff;
	result->diff.size = sizeof result->diff;
	if (result->changed)
		text_copy(result->branch, sizeof result->branch, change->branch);
	text_copy(result->commit, sizeof result->commit, point->commit);
	text_copy(result->text, sizeof result->text, point->text);
	if (point->checked)
		text_copy(result->check_files, sizeof result->check_files, point->check_files);
}

/*
 * Gives the tree back at once, because what the pipeline does next may take
 * long. After a good change nothing in the tree is worth saving; after a failed
 * one, giving it back saves the work, and why tells a person where.
 */
static void
change_leave(struct change *change, bool good, struct error *why)
{
	struct error err = { 0 };
	struct tree *tree = change->tree;
	char wip[256] = "";
	size_t len = strlen(why->text);

	if (tree == NULL)
		return;
	if (good &&
	    tree_discard(tree,
		*change->point.commit != '\0' ? change->point.commit : change->point.base,
		&err) != 0)
		log_printf(&change->scope->log, DROVER_WARN,
		    "change: the tree could not be cleared: %s", err.text);
	if (lease_give_back(change->scope, tree->lease, wip, sizeof wip, &err) != 0)
		log_printf(&change->scope->log, DROVER_WARN,
		    "change: the tree could not be given back: %s", err.text);
	if (!good && why->code == DROVER_HUMAN && *wip != '\0')
		snprintf(why->text + len, sizeof why->text - len, "; the work is saved as %s", wip);
	change->tree = NULL;
}

static int
host_change_run(struct drover_scope *public, const struct drover_change *given,
    struct drover_change_result *out_result, struct drover_error *out)
{
	struct change change = { .scope = scope_of(public) };
	struct drover_change_result result;
	struct error err = { 0 };
	int r = -1;

	if (service_role(change.scope, ROLE_JOB, "change.run", "run", &err) != 0 ||
	    service_out_check(out_result, "drover_change_result", &err) != 0)
		return scope_fail(out, &err);
	MUST(change.scope->job != NULL);
	if (change_begin(&change, given, &err) != 0)
		goto done;
	if ((r = change_point_load(&change, &err)) < 0)
		goto done;
	if (r == 1 && change.point.step != STEP_NONE)
		log_printf(&change.scope->log, DROVER_NOTICE,
		    "change: going on after the step %s, at %.12s",
		    change_step_name(change.point.step), change.point.commit);
	r = change.point.step == STEP_PUSH ? 0 : change_walk(&change, &err);
	change_leave(&change, r == 0, &err);
	if (r == 0)
		r = change_put_result(&change, &err);
	if (r == 0) {
		change_fill_result(&change, &result);
		service_out(out_result, &result, sizeof result, "drover_change_result", &err);
	}
done:
	buf_free(&change.leavings);
	buf_free(&change.failed);
	buf_free(&change.output);
	free(change.message);
	return r == 0 ? 0 : scope_fail(out, &err);
}
