/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a change has come, as JSON in the job's key-value data: enough for
 * another process to go on in another tree.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "host/change/change.h"

static const char *const step_names[STEPS] = {
	[STEP_LEASE] = "lease",
	[STEP_SETUP] = "setup",
	[STEP_AGENT] = "agent",
	[STEP_GUARD] = "guard",
	[STEP_CHECK] = "check",
	[STEP_FOLLOWUP] = "follow-up",
	[STEP_COMMIT] = "commit",
	[STEP_PUSH] = "push",
};

static bool change_is_commit(const char *);
static void change_point_clear(struct change_point *);

const char *
change_step_name(enum change_step step)
{
	return step >= 0 && step < STEPS ? step_names[step] : "none";
}

static void
change_point_clear(struct change_point *point)
{
	memset(point, 0, sizeof *point);
	point->step = STEP_NONE;
	point->diff.size = sizeof point->diff;
}

static bool
change_is_commit(const char *text)
{
	size_t len = strlen(text);

	return (len == 40 || len == 64) && strspn(text, "0123456789abcdef") == len;
}

int
change_point_load(struct change *change, struct error *err)
{
	struct change_point *point = &change->point;
	struct buf value = BUF_INIT;
	const cJSON *usage, *diff;
	cJSON *json = NULL;
	int r;

	change_point_clear(point);
	if ((r = kv_read(change->scope, change->key, &value, err)) <= 0)
		goto out;
	r = 0;
	if ((json = json_parse(buf_str(&value), value.len, DROVER_VALUE_MAX, err)) == NULL) {
		log_printf(&change->scope->log, DROVER_WARN,
		    "change: the last attempt's point cannot be read: starting over");
		goto out;
	}
	for (int i = 0; i < STEPS; i++) {
		if (strcmp(json_str(json, "step", ""), step_names[i]) == 0)
			point->step = (enum change_step)i;
	}
	text_copy(point->commit, sizeof point->commit, json_str(json, "commit", ""));
	text_copy(point->base, sizeof point->base, json_str(json, "base", ""));
	text_copy(point->text, sizeof point->text, json_str(json, "text", ""));
	text_copy(point->check_files, sizeof point->check_files,
	    json_str(json, "check_files", ""));
	text_copy(point->left, sizeof point->left, json_str(json, "left_out", ""));
	point->checked = json_bool(json, "checked", false);
	point->followups = (int)json_int(json, "followups", 0);
	point->followup_attempt = (uint32_t)json_int(json, "followup_attempt", 0);
	usage = json_get(json, "usage");
	point->usage.input = json_int(usage, "input", 0);
	point->usage.cached = json_int(usage, "cached", 0);
	point->usage.output = json_int(usage, "output", 0);
	point->usage.turns = json_int(usage, "turns", 0);
	point->usage.cost_microusd = json_int(usage, "cost", 0);
	diff = json_get(json, "diff");
	point->diff.files = (uint32_t)json_int(diff, "files", 0);
	point->diff.added = (uint64_t)json_int(diff, "added", 0);
	point->diff.removed = (uint64_t)json_int(diff, "removed", 0);
	point->diff.bytes = (uint64_t)json_int(diff, "bytes", 0);
	if (point->step != STEP_NONE && (!change_is_commit(point->base) ||
	    (!change_is_commit(point->commit) && point->step != STEP_PUSH))) {
		log_printf(&change->scope->log, DROVER_WARN,
		    "change: the last attempt's point names no commit: starting over");
		change_point_clear(point);
		goto out;
	}
	r = 1;
out:
	cJSON_Delete(json);
	buf_free(&value);
	return r;
}

int
change_point_save(struct change *change, struct error *err)
{
	const struct change_point *point = &change->point;
	cJSON *json = cJSON_CreateObject(), *usage, *diff;
	char *text;
	int r;

	json_add_str(json, "step", change_step_name(point->step));
	json_add_str(json, "repo", change->repo->name);
	json_add_str(json, "branch", change->branch);
	json_add_str(json, "commit", point->commit);
	json_add_str(json, "base", point->base);
	json_add_bool(json, "checked", point->checked != 0);
	json_add_str(json, "check_files", point->check_files);
	json_add_int(json, "followups", point->followups);
	json_add_int(json, "followup_attempt", point->followup_attempt);
	usage = cJSON_AddObjectToObject(json, "usage");
	json_add_int(usage, "input", point->usage.input);
	json_add_int(usage, "cached", point->usage.cached);
	json_add_int(usage, "output", point->usage.output);
	json_add_int(usage, "turns", point->usage.turns);
	json_add_int(usage, "cost", point->usage.cost_microusd);
	diff = cJSON_AddObjectToObject(json, "diff");
	json_add_int(diff, "files", point->diff.files);
	json_add_int(diff, "added", (int64_t)point->diff.added);
	json_add_int(diff, "removed", (int64_t)point->diff.removed);
	json_add_int(diff, "bytes", (int64_t)point->diff.bytes);
	json_add_str(json, "text", point->text);
	json_add_str(json, "left_out", point->left);
	text = json_print(json);
	r = kv_write(change->scope, change->key, text, err);
	free(text);
	cJSON_Delete(json);
	return r;
}
