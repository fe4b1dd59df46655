/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `drover run` shows: on a terminal a table that is redrawn in place,
 * elsewhere a line for each change, and the results at the end. run_watch()
 * calls this after each look; run->drawn says how many lines of the table are
 * on the screen.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/run.h"

#define REASON_MAX 60    /* columns of a reason in the table; the whole follows below it */

static void run_draw(struct run *);
static void run_undraw(struct run *);
static void run_tell(struct run *);
static struct table *table_of(struct run *, bool at_the_end);
static const char *cell_of(const struct run_ticket *, char *out, size_t size);
static void run_reasons(struct run *);
static void run_sum_up(struct run *, int good);
static void time_of(const cJSON *job, char *out, size_t size);
static void tokens_of(const cJSON *job, char *out, size_t size);

void
run_begin(struct run *run)
{
	const char *command = run->cli->value[OPT_AGENT_COMMAND];
	int known = 0;

	run->began = clock_mono();
	for (int i = 0; i < run->tickets_len; i++)
		known += run->tickets[i].known;
	cli_say(run->cli, "%d ticket%s for %s, worked on by %s", run->tickets_len,
	    run->tickets_len == 1 ? "" : "s", run->name, command != NULL ? command : run->agent);
	if (known > 0)
		cli_say(run->cli, "%d of %d are known from an earlier run", known,
		    run->tickets_len);
}

void
run_show(struct run *run)
{
	if (run_is_live(run))
		run_draw(run);
	else
		run_tell(run);
}

void
run_talk(struct run *run, const char *text)
{
	run_undraw(run);
	fflush(run->cli->out);
	cli_say(run->cli, "%s", text);
}

int
run_print_summary(struct run *run)
{
	struct cli *cli = run->cli;
	int good = 0;

	for (int i = 0; i < run->tickets_len; i++)
		good += strcmp(run_state(&run->tickets[i]), "succeeded") == 0;
	run_undraw(run);
	if (cli->value[OPT_JSON] != NULL) {
		cJSON *list = cJSON_CreateArray();

		for (int i = 0; i < run->tickets_len; i++)
			cJSON_AddItemToArray(list,
			    run->tickets[i].job != NULL ?
				cJSON_Duplicate(run->tickets[i].job, true) :
				cJSON_CreateNull());
		cli_json(cli, list);
		cJSON_Delete(list);
	} else {
		struct table *t = table_of(run, true);

		table_print(t, cli->out, cli->width, cli->colour, true);
		table_free(t);
	}
	fflush(cli->out);
	run_reasons(run);
	run_sum_up(run, good);
	return good == run->tickets_len ? CLI_OK : good > 0 ? CLI_PARTIAL : CLI_FAILED;
}

/* Redrawing needs a terminal, and as many lines as there are tickets. */
bool
run_is_live(const struct run *run)
{
	struct winsize size;

	if (run->cli->width == 0 || run->cli->value[OPT_JSON] != NULL ||
	    ioctl(fileno(run->cli->out), TIOCGWINSZ, &size) != 0)
		return false;
	return run->tickets_len + 2 < size.ws_row;
}

const char *
run_state(const struct run_ticket *t)
{
	return t->job != NULL ? json_str(t->job, "state", "") : t->id != 0 ? "queued" : "refused";
}

/* One write that clears each line behind its end, so nothing flickers. */
static void
run_draw(struct run *run)
{
	struct cli *cli = run->cli;
	struct table *t = table_of(run, false);
	struct winsize size;
	char *text = NULL, *line;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct buf screen = BUF_INIT;

	MUST(f != NULL);
	if (ioctl(fileno(cli->out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		cli->width = size.ws_col;
	table_print(t, f, cli->width, cli->colour, true);
	MUST(fclose(f) == 0);
	if (run->drawn > 0)
		buf_addf(&screen, "\033[%dA", run->drawn);
	run->drawn = 0;
	for (char *rest = text; *rest != '\0' && (line = strsep(&rest, "\n")) != NULL; run->drawn++)
		buf_addf(&screen, "%s\033[K\n", line);
	fwrite(screen.data, 1, screen.len, cli->out);
	fflush(cli->out);
	buf_free(&screen);
	free(text);
	table_free(t);
}

static void
run_undraw(struct run *run)
{
	if (run->drawn > 0)
		fprintf(run->cli->out, "\033[%dA\033[J", run->drawn);
	run->drawn = 0;
}

static void
run_tell(struct run *run)
{
	for (int i = 0; i < run->tickets_len; i++) {
		struct run_ticket *t = &run->tickets[i];
		const char *state = run_state(t);
		char text[DROVER_ERROR_MAX];

		if (strcmp(state, t->state) == 0)
			continue;
		/*
		 * Not said: that a ticket waits at first, and what has ended in
		 * an earlier run.
		 */
		if (t->state[0] != '\0' ||
		    (strcmp(state, "queued") != 0 && !(t->known && run_ended(t)))) {
			cell_of(t, text, sizeof text);
			cli_say(run->cli, "%s: %s%s%s", t->name, state, *text != '\0' ? ": " : "",
			    text);
		}
		text_copy(t->state, sizeof t->state, state);
	}
}

static struct table *
table_of(struct run *run, bool at_the_end)
{
	static const struct table_column live[] = {
		{ "TICKET", false, true },
		{ "STATE", false, false },
		{ "NOW", false, true },
		{ "TIME", true, false },
		{ "TOKENS", true, false },
	}, final[] = {
		{ "TICKET", false, true },
		{ "STATE", false, false },
		{ "BRANCH", false, true },
		{ "TIME", true, false },
		{ "TOKENS", true, false },
	};
	struct table *table = table_new(at_the_end ? final : live, 5);
	char text[DROVER_ERROR_MAX];

	for (int i = 0; i < run->tickets_len; i++) {
		const struct run_ticket *t = &run->tickets[i];
		const char *state = run_state(t);

		table_add(table, t->name);
		table_add(table, state);
		table_colour(table, cli_state_colour(state));
		cell_of(t, text, sizeof text);
		if (at_the_end && strcmp(state, "succeeded") != 0)
			text[text_fit(text, strcspn(text, "\n"), REASON_MAX)] = '\0';
		table_add(table, text);
		time_of(t->job, text, sizeof text);
		table_add(table, text);
		tokens_of(t->job, text, sizeof text);
		table_add(table, text);
	}
	return table;
}

/* The branch, the last line of output or the reason, by the ticket's state. */
static const char *
cell_of(const struct run_ticket *t, char *out, size_t size)
{
	const char *state = run_state(t),
		   *branch = json_str(json_get(t->job, "result"), "branch", "");
	const char *text = json_str(t->job, "held_why", "");

	if (strcmp(state, "succeeded") == 0)
		text = *branch != '\0' ? branch : "nothing to change";
	else if (strcmp(state, "running") == 0)
		text = t->last;
	else if (*text == '\0')
		text = json_str(t->job, "error", "");
	text_copy(out, size, text);
	return out;
}

/*
 * The table has no room for whole reasons, and the private daemon may be gone
 * when the user wants more.
 */
static void
run_reasons(struct run *run)
{
	for (int i = 0; i < run->tickets_len; i++) {
		const struct run_ticket *t = &run->tickets[i];
		char text[DROVER_ERROR_MAX], *file;
		const char *left;

		if (strcmp(run_state(t), "succeeded") == 0) {
			left = json_str(json_get(t->job, "result"), "left_out", "");
			if (*left != '\0')
				cli_say(run->cli, "%s: %s", t->name, left);
			continue;
		}
		if (*cell_of(t, text, sizeof text) != '\0')
			cli_say(run->cli, "%s: %s", t->name, text);
		file =
		    xasprintf("%s/jobs/%lld/%u.log", run->state_dir, (long long)t->id, t->attempt);
		if (run->is_private && access(file, F_OK) == 0)
			cli_say(run->cli, "output of %s: %s", t->name, file);
		free(file);
	}
}

static void
run_sum_up(struct run *run, int good)
{
	char *origin = run_origin(run), took[64];
	int64_t ms = clock_mono() - run->began;

	units_format_duration(ms < 1000 ? 1000 : ms / 1000 * 1000, took, sizeof took);
	cli_say(run->cli, "%d of %d done in %s; branches go to %s", good, run->tickets_len, took,
	    origin != NULL ? origin : run->top);
	free(origin);
}

static void
time_of(const cJSON *job, char *out, size_t size)
{
	int64_t began = json_int(job, "started_at", 0), ended = json_int(job, "ended_at", 0);
	int64_t ms = began > 0 ? (ended > 0 ? ended : clock_wall()) - began : 0;

	if (ms >= 1000)
		units_format_duration(ms / 1000 * 1000, out, size);
	else
		snprintf(out, size, began > 0 ? "<1s" : "-");
}

static void
tokens_of(const cJSON *job, char *out, size_t size)
{
	const cJSON *usage = json_get(job, "usage");
	int64_t tokens = json_int(usage, "input", 0) + json_int(usage, "output", 0);

	if (tokens == 0)
		snprintf(out, size, "-");
	else if (tokens < 10000)
		snprintf(out, size, "%lld", (long long)tokens);
	else
		snprintf(out, size, "%lldk", (long long)(tokens / 1000));
}
