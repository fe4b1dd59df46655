/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report about a ticket, written beside it. The report is written before
 * the ticket is moved, so a ticket that has arrived is completely done. After a
 * crash between the two, both are done again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "inbox.h"

#include "common/when.h"

#define REPORT_TRIES 1000
#define REPORT_JOB "- Job: %" PRIu64 "\n"

/*
 * The results of change->run() and their names in a report. Other results
 * follow under their own names.
 */
static const struct label {
	const char *key, *label;
	const char *one, *zero;  /* words for 1 and 0; NULL shows the number */
} report_labels[] = {
	{ "branch", "Branch", NULL, NULL },
	{ "commit", "Commit", NULL, NULL },
	{ "url", "Link", NULL, NULL },
	{ "changed", "Changed", "yes", "no" },
	{ "files", "Files", NULL, NULL },
	{ "added", "Lines added", NULL, NULL },
	{ "removed", "Lines removed", NULL, NULL },
	{ "left_out", "Left out", NULL, NULL },
	{ "checks", "Checks", "passed", "none" },
	{ "check_files", "Checks changed by this commit", NULL, NULL },
	{ "followups", "Follow-ups", NULL, NULL },
	{ "tokens_input", "Tokens read", NULL, NULL },
	{ "tokens_cached", "Tokens from caches", NULL, NULL },
	{ "tokens_output", "Tokens written", NULL, NULL },
};
#define REPORT_SUMMARY "agent_text"

static void report_line(struct text_buf *, const char *, const char *);
static void report_block(struct text_buf *, const char *, const char *);
static void report_time(struct text_buf *, const char *, int64_t);
static void report_took(struct text_buf *, const char *, int64_t);
static const char *report_value(const cJSON *, char *, size_t);
static void report_result(struct text_buf *, const char *);
static int report_is_of(int, const char *, uint64_t);
static void report_compose(struct text_buf *, const struct drover_settled *, const char *);
static int report_place(const struct folder *, int, const struct drover_settled *, const char *,
    const char *, struct drover_error *);

/*
 * Writes a value as one line, whatever it contains, so that no value can pass
 * for another line of the report.
 */
static void
report_line(struct text_buf *out, const char *label, const char *value)
{
	char clean[1024];

	if (text_line(clean, sizeof(clean), value) > 0)
		text_addf(out, "- %s: %s\n", label, clean);
}

static void
report_block(struct text_buf *out, const char *heading, const char *text)
{
	size_t len = strlen(text), ticks = 3, run = 0, i;
	char *clean;

	if (len == 0)
		return;
	clean = xmalloc(len + 1);
	len = text_clean(clean, len + 1, text, len, "\n\t");
	for (i = 0; i < len; i++) {
		run = clean[i] == '`' ? run + 1 : 0;
		if (run >= ticks)
			ticks = run + 1;
	}
	text_addf(out, "\n## %s\n\n", heading);
	text_fill(out, '`', ticks);
	text_addf(out, "text\n%s%s", clean, len > 0 && clean[len - 1] == '\n' ? "" : "\n");
	text_fill(out, '`', ticks);
	text_addf(out, "\n");
	free(clean);
}

static void
report_time(struct text_buf *out, const char *label, int64_t ms)
{
	char text[32];

	when_write(ms / 1000, text, sizeof(text));
	if (ms > 0)
		text_addf(out, "- %s: %s\n", label, text);
}

static void
report_took(struct text_buf *out, const char *label, int64_t ms)
{
	int64_t s = ms / 1000;

	if (ms < 0)
		return;
	if (s >= 3600)
		text_addf(out, "- %s: %" PRId64 " h %" PRId64 " min\n", label, s / 3600,
		    s / 60 % 60);
	else if (s >= 60)
		text_addf(out, "- %s: %" PRId64 " min %" PRId64 " s\n", label, s / 60, s % 60);
	else
		text_addf(out, "- %s: %" PRId64 ".%" PRId64 " s\n", label, s, ms / 100 % 10);
}

static const char *
report_value(const cJSON *value, char *number, size_t size)
{
	if (cJSON_IsString(value))
		return value->valuestring;
	if (cJSON_IsBool(value))
		return cJSON_IsTrue(value) ? "yes" : "no";
	if (!cJSON_IsNumber(value))
		return NULL;
	snprintf(number, size, "%.15g", value->valuedouble);
	return number;
}

static void
report_result(struct text_buf *out, const char *json)
{
	size_t known = ARRAY_LEN(report_labels), i;
	char number[32], label[64];
	cJSON *result = cJSON_Parse(json);
	const cJSON *item;
	const char *value;

	for (i = 0; i < known; i++) {
		item = cJSON_GetObjectItemCaseSensitive(result, report_labels[i].key);
		if (item == NULL || (value = report_value(item, number, sizeof(number))) == NULL)
			continue;
		if (report_labels[i].one != NULL && strcmp(value, "1") == 0)
			value = report_labels[i].one;
		else if (report_labels[i].zero != NULL && strcmp(value, "0") == 0)
			value = report_labels[i].zero;
		report_line(out, report_labels[i].label, value);
	}
	cJSON_ArrayForEach(item, result) {
		if (item->string == NULL || strcmp(item->string, REPORT_SUMMARY) == 0)
			continue;
		for (i = 0; i < known && strcmp(item->string, report_labels[i].key) != 0;)
			i++;
		if (i < known || (value = report_value(item, number, sizeof(number))) == NULL)
			continue;
		text_line(label, sizeof(label), item->string);
		report_line(out, label, value);
	}
	item = cJSON_GetObjectItemCaseSensitive(result, REPORT_SUMMARY);
	if (cJSON_IsString(item))
		report_block(out, "What the agent said", item->valuestring);
	cJSON_Delete(result);
}

static void
report_compose(struct text_buf *out, const struct drover_settled *s, const char *name)
{
	struct ticket ticket;
	char why[DROVER_ERROR_MAX], shown[DROVER_KEY_MAX];

	key_show(shown, sizeof(shown), name);
	if (ticket_parse(NULL, s->payload, s->payload_len, &ticket, why, sizeof(why)) != 0 ||
	    ticket.title[0] == '\0')
		snprintf(ticket.title, sizeof(ticket.title), "%.200s", shown);
	text_addf(out, "# %s\n\n", ticket.title);
	text_addf(out, REPORT_JOB, s->job);
	report_line(out, "Ticket", shown);
	report_line(out, "State", s->state);
	report_line(out, "Error", s->error);
	text_addf(out, "- Attempts: %" PRIu32 "\n", s->attempts);
	report_time(out, "Queued", s->queued_at);
	if (s->started_at >= s->queued_at)
		report_took(out, "Waited", s->started_at - s->queued_at);
	if (s->started_at > 0)
		report_took(out, "Took", s->ended_at - s->started_at);
	report_line(out, "Trace", s->trace);
	report_result(out, s->result);
}

/*
 * Returns 1 if the report is about this job. Only its first lines are compared,
 * since they contain no foreign text.
 */
static int
report_is_of(int dir, const char *name, uint64_t job)
{
	char *text = xmalloc(TICKET_MAX), wanted[64], *first;
	size_t len = 0;
	int is = 0;

	snprintf(wanted, sizeof(wanted), REPORT_JOB, job);
	if (folder_read(dir, name, text, &len, NULL) == FOLDER_READ &&
	    (first = memchr(text, '\n', len)) != NULL &&
	    (size_t)(text + len - first) >= strlen(wanted) + 2)
		is =
		    memcmp(first, "\n\n", 2) == 0 && memcmp(first + 2, wanted, strlen(wanted)) == 0;
	free(text);
	return is;
}

/*
 * Moves the ticket from wherever it is to its last place. If it was lost, it is
 * written again from the job's copy.
 */
static int
report_place(const struct folder *folder, int to, const struct drover_settled *s, const char *name,
    const char *target, struct drover_error *err)
{
	char working[256], key[DROVER_KEY_MAX], hash[HASH_SIZE], *text;
	enum folder_read got;
	bool same;
	size_t len;

	if (key_split(s->key, key, hash) != 0)
		return plugin_fail(err, DROVER_PERMANENT,
		    "%s: this is not a key of the source inbox.folder", s->key);
	folder_name(working, name, hash, ".md");
	if (folder_move(folder->working, working, to, target) == 0)
		return 0;
	if (errno != ENOENT)
		goto fail;
	text = xmalloc(TICKET_MAX);
	got = folder_read(folder->root, name, text, &len, NULL);
	same = got == FOLDER_READ && len == s->payload_len && memcmp(text, s->payload, len) == 0;
	free(text);
	if (got == FOLDER_BUSY)
		return plugin_fail(err, DROVER_AGAIN, "%s: %s: a process is still writing to it",
		    folder->path, s->key);
	if (same && folder_move(folder->root, name, to, target) == 0)
		return 0;
	if (same && errno != ENOENT)
		goto fail;
	if (folder_write(to, target, s->payload, s->payload_len) == 0)
		return 0;
fail:
	return plugin_fail(err, DROVER_AGAIN, "%s: %s: cannot be moved: %s", folder->path, s->key,
	    strerror(errno));
}

int
report_settled(const struct folder *folder, const struct drover_settled *s,
    struct drover_error *err)
{
	int to = strcmp(s->state, "succeeded") == 0 ? folder->done : folder->failed;
	char name[DROVER_KEY_MAX], hash[HASH_SIZE], target[256], report[256], number[24];
	struct text_buf text = { 0 };
	int code;

	if (key_split(s->key, name, hash) != 0)
		return 0;
	folder_name(target, name, NULL, ".md");
	folder_name(report, name, NULL, ".report.md");
	if (folder_has(to, target)) {
		if (report_is_of(to, report, s->job))
			return 0;
		snprintf(number, sizeof(number), "%" PRIu64, s->job);
		folder_name(target, name, number, ".md");
		folder_name(report, name, number, ".report.md");
		if (folder_has(to, target))
			return 0;
	}
	report_compose(&text, s, name);
	if (folder_write(to, report, text_of(&text), text.len) != 0)
		code = plugin_fail(err, DROVER_AGAIN, "%s: %s: cannot be written: %s", folder->path,
		    report, strerror(errno));
	else if ((code = report_place(folder, to, s, name, target, err)) == 0 &&
	    (fsync(to) != 0 || fsync(folder->working) != 0))
		code = plugin_fail(err, DROVER_AGAIN, "%s: cannot be flushed: %s", folder->path,
		    strerror(errno));
	text_free(&text);
	return code;
}

int
report_rejected(const struct folder *folder, const char *name, const char *why,
    struct drover_error *err)
{
	char target[256], report[256], number[16], shown[DROVER_KEY_MAX];
	struct text_buf text = { 0 };
	int i;

	key_show(shown, sizeof(shown), name);
	text_addf(&text,
	    "# Rejected: %s\n\n%s\n\nNothing was started. Correct the ticket and move it back into "
	    "the folder.\n",
	    shown, why);
	for (i = 1; i <= REPORT_TRIES; i++) {
		snprintf(number, sizeof(number), "%d", i);
		folder_name(target, name, i > 1 ? number : NULL, ".md");
		folder_name(report, name, i > 1 ? number : NULL, ".report.md");
		if (folder_has(folder->rejected, target))
			continue;
		if (folder_write(folder->rejected, report, text_of(&text), text.len) != 0)
			break;
		if (folder_move(folder->root, name, folder->rejected, target) == 0 ||
		    errno == ENOENT) {
			text_free(&text);
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	text_free(&text);
	if (i > REPORT_TRIES)
		return plugin_fail(err, DROVER_CONFIG,
		    "%s/rejected: it already holds %d files named like %s: empty it", folder->path,
		    REPORT_TRIES, shown);
	return plugin_fail(err, DROVER_CONFIG, "%s: %s: cannot be moved to rejected: %s",
	    folder->path, shown, strerror(errno));
}
