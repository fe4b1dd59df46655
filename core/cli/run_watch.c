/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `drover run` while the tickets are worked on: asks the daemon about all of
 * them once a second, and starts a private daemon again that died.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/run.h"

#define LOOK_MS 1000
#define GONE_MAX 10      /* looks without an answer before it gives up */
#define RESTARTS_MAX 3
#define LOOK_IDS 100     /* jobs in one request */
#define TAIL_MAX 65536

struct tail {
	struct run_ticket *ticket;
	struct buf text;
};

static int look_all(struct run *);
static int look_some(struct run *, struct run_ticket **, int n);
static void look_one(struct run_ticket *, cJSON *job);
static void look_output(struct run *, struct run_ticket *);
static bool plugin_is_down(struct run *);
static int keep_tail(void *arg, const char *data, size_t len);
static void last_line(struct run_ticket *, const char *text, size_t len);
static int pause_for(struct run *);
static void cancel_all(struct run *);

int
run_watch(struct run *run)
{
	int gone = 0, restarts = 0;

	run_begin(run);
	for (;;) {
		bool ended = true;

		if (look_all(run) == CLI_OK)
			gone = 0;
		else if (run->is_private && restarts < RESTARTS_MAX && !client_alive(run->cli))
			restarts = run_restart(run) == CLI_OK ? restarts + 1 : RESTARTS_MAX;
		else if (++gone > GONE_MAX) {
			run_talk(run, "the daemon is gone; run the same command again to go on");
			return CLI_DOWN;
		}
		run_show(run);
		for (int i = 0; i < run->tickets_len; i++)
			ended &= run_ended(&run->tickets[i]);
		if (ended)
			return CLI_OK;
		if (run->is_private && (run->stuck = plugin_is_down(run)))
			return CLI_FAILED;
		if (pause_for(run) >= 2)
			return CLI_OK;
	}
}

bool
run_ended(const struct run_ticket *t)
{
	static const char *const ends[] = { "succeeded", "dead", "cancelled", "held", "refused" };

	/* A held job waits for a person, so drover does not wait for it. */
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (strcmp(run_state(t), ends[i]) == 0)
			return true;
	return false;
}

static int
look_all(struct run *run)
{
	struct run_ticket *asked[LOOK_IDS];
	int n = 0, status = CLI_OK;

	for (int i = 0; i < run->tickets_len && status == CLI_OK; i++) {
		struct run_ticket *t = &run->tickets[i];

		if (t->id != 0 && (t->job == NULL || !run_ended(t)))
			asked[n++] = t;
		if (n == LOOK_IDS) {
			status = look_some(run, asked, n);
			n = 0;
		}
	}
	if (n > 0 && status == CLI_OK)
		status = look_some(run, asked, n);
	for (int i = 0; i < run->tickets_len && status == CLI_OK && run_is_live(run); i++)
		if (strcmp(run_state(&run->tickets[i]), "running") == 0)
			look_output(run, &run->tickets[i]);
	return status;
}

static int
look_some(struct run *run, struct run_ticket **asked, int n)
{
	struct buf path = BUF_INIT;
	cJSON *answer = NULL, *job;
	struct error err;
	int status;

	buf_addf(&path, "/api/v1/jobs?limit=%d&ids=", LOOK_IDS);
	for (int i = 0; i < n; i++)
		buf_addf(&path, "%s%lld", i > 0 ? "," : "", (long long)asked[i]->id);
	status = client_ask(run->cli, "GET", buf_str(&path), NULL, &answer, &err) == 200 ? CLI_OK :
											   CLI_DOWN;
	buf_free(&path);
	while ((job = cJSON_DetachItemFromArray(cJSON_GetObjectItem(answer, "jobs"), 0)) != NULL) {
		int i = 0;

		while (i < n && asked[i]->id != json_int(job, "id", 0))
			i++;
		if (i < n)
			look_one(asked[i], job);
		else
			cJSON_Delete(job);
	}
	cJSON_Delete(answer);
	return status;
}

/*
 * True when the plugin that works on tickets cannot run, so that their jobs
 * would wait for ever. The daemon itself keeps them: it is made to outlive a
 * plugin that is mended later.
 */
static bool
plugin_is_down(struct run *run)
{
	cJSON *answer = NULL;
	const cJSON *plugin;
	const char *state;
	struct error err;
	bool down = false;

	if (client_ask(run->cli, "GET", "/api/v1/plugins", NULL, &answer, &err) == 200)
		cJSON_ArrayForEach(plugin, json_get(answer, "plugins")) {
			state = json_str(plugin, "state", "");
			if (strcmp(json_str(plugin, "name", ""), RUN_PLUGIN) != 0 ||
			    (strcmp(state, "refused") != 0 && strcmp(state, "parked") != 0))
				continue;
			down = true;
			run_talk(run,
			    "the plugin " RUN_PLUGIN " does not run, so the tickets wait:");
			run_talk(run, json_str(plugin, "why", "it gave no reason"));
		}
	cJSON_Delete(answer);
	return down;
}

static void
look_one(struct run_ticket *t, cJSON *job)
{
	cJSON_Delete(t->job);
	t->job = job;
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

	/*
	 * "Not found" is the answer for an attempt that has printed nothing
	 * yet.
	 */
	if (quiet != NULL)
		run->cli->err = quiet;
	cli_stream(run->cli, keep_tail, &tail, "/api/v1/jobs/%lld/output?attempt=%u&offset=%lld",
	    (long long)t->id, t->attempt, (long long)t->offset);
	run->cli->err = err;
	if (quiet != NULL)
		fclose(quiet);
	last_line(t, buf_str(&tail.text), tail.text.len);
	buf_free(&tail.text);
}

/* Keeps the last line that is not blank; of a line of JSON only its type. */
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
				text_copy(t->last, sizeof t->last,
				    json_str(event, "type", "working"));
			else
				text_copy(t->last, sizeof t->last, line);
			cJSON_Delete(event);
			free(line);
			return;
		}
		end = begin > 0 ? begin - 1 : 0;
	}
}

/*
 * Waits until the next look or a signal. The first ^C cancels, the second
 * leaves. Returns the number of signals so far.
 */
static int
pause_for(struct run *run)
{
	struct pollfd p = { .fd = run->signals, .events = POLLIN };
	struct signalfd_siginfo info;

	if (poll(&p, 1, LOOK_MS) == 1 &&
	    read(run->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (++run->interrupts == 1) {
			run_talk(run, "cancelling the jobs; interrupt once more to leave at once");
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
		snprintf(path, sizeof path, "/api/v1/jobs/%lld/cancel",
		    (long long)run->tickets[i].id);
		client_ask(run->cli, "POST", path, NULL, NULL, &err);
	}
}
