/* SPDX-License-Identifier: Apache-2.0 */
/* What `drover run` shows while the tickets are worked on, and at the end: a table that is redrawn on a terminal, lines elsewhere. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/run.h"

#define LOOK_MS 1000
#define GONE_MAX 10      /* looks without an answer before we give up */
#define TAIL_MAX 65536

struct tail {
	struct run_ticket *ticket;
	struct buf text;
};

static int look_all(struct run *);
static void look_one(struct run *, struct run_ticket *, int *answered);
static void look_output(struct run *, struct run_ticket *);
static int keep_tail(void *arg, const char *data, size_t len);
static void last_line(struct run_ticket *, const char *text, size_t len);
static void draw(struct run *);
static void tell(struct run *);
static int pause_for(struct run *);
static void cancel_all(struct run *);
static struct table *table_of(struct run *, bool at_the_end);
static bool is_live(const struct run *);
static void time_of(const cJSON *job, char *out, size_t size);
static void tokens_of(const cJSON *job, char *out, size_t size);
static const char *state_of(const struct run_ticket *);
static bool run_ended(const struct run_ticket *);

int
run_watch(struct run *run)
{
	int gone = 0, status;

	for (;;) {
		bool ended = true;

		if ((status = look_all(run)) == CLI_DOWN && ++gone > GONE_MAX) {
			cli_say(run->cli, "the daemon is gone; run the same command again to go on");
			return CLI_DOWN;
		}
		if (status == CLI_OK)
			gone = 0;
		if (is_live(run))
			draw(run);
		else
			tell(run);
		for (int i = 0; i < run->tickets_len; i++)
			ended &= run_ended(&run->tickets[i]);
		if (ended)
			return CLI_OK;
		if (pause_for(run) >= 2)
			return CLI_OK;
	}
}

int
run_report(struct run *run)
{
	struct cli *cli = run->cli;
	int good = 0;

	for (int i = 0; i < run->tickets_len; i++)
		good += strcmp(state_of(&run->tickets[i]), "succeeded") == 0;
	if (cli->value[OPT_JSON] != NULL) {
		cJSON *list = cJSON_CreateArray();

		for (int i = 0; i < run->tickets_len; i++)
			cJSON_AddItemToArray(list, run->tickets[i].job != NULL ? cJSON_Duplicate(run->tickets[i].job, true) : cJSON_CreateNull());
		cli_json(cli, list);
		cJSON_Delete(list);
	} else {
		struct table *t = table_of(run, true);

		if (run->drawn > 0)
			fprintf(cli->out, "\033[%dA\033[J", run->drawn);
		table_print(t, cli->out, cli->width, cli->colour, true);
		table_free(t);
	}
	/* The private daemon may be gone when the user asks: a file can be read all the same. */
	for (int i = 0; i < run->tickets_len && run->is_private; i++) {
		const struct run_ticket *t = &run->tickets[i];
		char *file = xasprintf("%s/jobs/%lld/%u.log", run->state_dir, (long long)t->id, t->attempt);

		if (strcmp(state_of(t), "succeeded") != 0 && access(file, F_OK) == 0)
			cli_say(cli, "what was printed for %s: %s", t->path, file);
		free(file);
	}
	return good == run->tickets_len ? CLI_OK : good > 0 ? CLI_PARTIAL : CLI_FAILED;
}

static bool
run_ended(const struct run_ticket *t)
{
	static const char *const ends[] = { "succeeded", "dead", "cancelled", "held", "refused" };

	/* A held one waits for a person, who is told so by our leaving. */
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (strcmp(state_of(t), ends[i]) == 0)
			return true;
	return false;
}

static int
look_all(struct run *run)
{
	int asked = 0, answered = 0;

	for (int i = 0; i < run->tickets_len; i++) {
		struct run_ticket *t = &run->tickets[i];

		if (t->id == 0 || (t->job != NULL && run_ended(t)))
			continue;
		asked++;
		look_one(run, t, &answered);
		if (is_live(run) && strcmp(state_of(t), "running") == 0)
			look_output(run, t);
	}
	return asked == answered ? CLI_OK : CLI_DOWN;
}

static void
look_one(struct run *run, struct run_ticket *t, int *answered)
{
	char path[64];
	struct error err;
	cJSON *job = NULL;

	snprintf(path, sizeof path, "/api/v1/jobs/%lld", (long long)t->id);
	if (client_ask(run->cli, "GET", path, NULL, &job, &err) != 200) {
		cJSON_Delete(job);
		return;
	}
	cJSON_Delete(t->job);
	t->job = job;
	(*answered)++;
	if ((uint32_t)json_int(job, "attempt", 0) != t->attempt) {
		t->attempt = (uint32_t)json_int(job, "attempt", 0);
		t->offset = 0;
		t->last[0] = '\0';
	}
}

static int
keep_tail(void *arg, const char *data, size_t len)
{
	struct tail *tail = arg;

	tail->ticket->offset += (int64_t)len;
	buf_add(&tail->text, data, len);
	if (tail->text.len > TAIL_MAX)
		buf_drop(&tail->text, tail->text.len - TAIL_MAX);
	return 0;
}

static void
look_output(struct run *run, struct run_ticket *t)
{
	struct tail tail = { .ticket = t };
	FILE *err = run->cli->err, *quiet = fopen("/dev/null", "we");

	/* An attempt that has printed nothing yet answers "not found", which is no news. */
	if (quiet != NULL)
		run->cli->err = quiet;
	cli_stream(run->cli, keep_tail, &tail, "/api/v1/jobs/%lld/output?attempt=%u&offset=%lld", (long long)t->id, t->attempt, (long long)t->offset);
	run->cli->err = err;
	if (quiet != NULL)
		fclose(quiet);
	last_line(t, buf_str(&tail.text), tail.text.len);
	buf_free(&tail.text);
}

/* The last whole line with something in it; of a line of JSON what kind of event it is. */
static void
last_line(struct run_ticket *t, const char *text, size_t len)
{
	cJSON *event;

	for (size_t end = len; end > 0;) {
		size_t begin = end;

		while (begin > 0 && text[begin - 1] != '\n')
			begin--;
		if (end - begin > 0 && begin + strspn(text + begin, " \t\r") < end) {
			char *line = xstrndup(text + begin, end - begin);

			if ((event = json_parse(line, end - begin, TAIL_MAX, NULL)) != NULL)
				text_copy(t->last, sizeof t->last, json_str(event, "type", "working"));
			else
				text_copy(t->last, sizeof t->last, line);
			cJSON_Delete(event);
			free(line);
			return;
		}
		end = begin > 0 ? begin - 1 : 0;
	}
}

static void
draw(struct run *run)
{
	struct cli *cli = run->cli;
	struct table *t = table_of(run, false);

	if (run->drawn > 0)
		fprintf(cli->out, "\033[%dA\033[J", run->drawn);
	table_print(t, cli->out, cli->width, cli->colour, true);
	run->drawn = table_rows(t) + 1;
	table_free(t);
	fflush(cli->out);
}

static void
tell(struct run *run)
{
	for (int i = 0; i < run->tickets_len; i++) {
		struct run_ticket *t = &run->tickets[i];
		const char *state = state_of(t), *why = json_str(t->job, "error", "");
		bool bad = strcmp(state, "dead") == 0 || strcmp(state, "delayed") == 0;

		if (strcmp(state, t->state) == 0)
			continue;
		text_copy(t->state, sizeof t->state, state);
		cli_say(run->cli, "%s: %s%s%s", t->path, state, bad && *why != '\0' ? ": " : "", bad ? why : "");
	}
}

/* Waits for the next look or a signal. The first ^C cancels, the second leaves; returns how many there were. */
static int
pause_for(struct run *run)
{
	struct pollfd p = { .fd = run->signals, .events = POLLIN };
	struct signalfd_siginfo info;

	if (poll(&p, 1, LOOK_MS) == 1 && read(run->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (++run->interrupts == 1) {
			run->drawn = 0;
			cli_say(run->cli, "cancelling; once more to leave at once");
			cancel_all(run);
		}
	}
	return run->interrupts;
}

static void
cancel_all(struct run *run)
{
	char path[64];
	struct error err;

	for (int i = 0; i < run->tickets_len; i++) {
		if (run->tickets[i].id == 0 || run_ended(&run->tickets[i]))
			continue;
		snprintf(path, sizeof path, "/api/v1/jobs/%lld/cancel", (long long)run->tickets[i].id);
		client_ask(run->cli, "POST", path, NULL, NULL, &err);
	}
}

static struct table *
table_of(struct run *run, bool at_the_end)
{
	static const struct table_column live[] = {
		{ "TICKET", false, true }, { "STATE", false, false }, { "NOW", false, true }, { "TIME", true, false }, { "TOKENS", true, false },
	}, final[] = {
		{ "TICKET", false, true }, { "STATE", false, false }, { "RESULT", false, true }, { "TIME", true, false }, { "TOKENS", true, false },
	};
	struct table *table = table_new(at_the_end ? final : live, 5);
	char text[64];

	for (int i = 0; i < run->tickets_len; i++) {
		const struct run_ticket *t = &run->tickets[i];
		const char *state = state_of(t), *error = json_str(t->job, "error", ""), *held = json_str(t->job, "held_why", "");
		const char *branch = json_str(json_get(t->job, "result"), "branch", "");

		table_add(table, t->path);
		table_add(table, state);
		table_colour(table, cli_state_colour(state));
		if (strcmp(state, "succeeded") == 0)
			table_add(table, *branch != '\0' ? branch : "nothing to change");
		else if (strcmp(state, "running") == 0)
			table_add(table, t->last);
		else
			table_add(table, *held != '\0' ? held : error);
		time_of(t->job, text, sizeof text);
		table_add(table, text);
		tokens_of(t->job, text, sizeof text);
		table_add(table, text);
	}
	return table;
}

/* Redrawing needs a terminal, and as many lines as there are tickets. */
static bool
is_live(const struct run *run)
{
	struct winsize size;
	int fd = fileno(run->cli->out);

	if (run->cli->width == 0 || run->cli->value[OPT_JSON] != NULL || ioctl(fd, TIOCGWINSZ, &size) != 0)
		return false;
	return run->tickets_len + 2 < size.ws_row;
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

static const char *
state_of(const struct run_ticket *t)
{
	return t->job != NULL ? json_str(t->job, "state", "") : t->id != 0 ? "queued" : "refused";
}
