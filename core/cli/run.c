/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drover run: reads the tickets, finds or starts a daemon, submits, watches and
 * reports. Nothing of it is kept in this process: after a kill, the same
 * command goes on, because the key of a ticket is its path and its content, and
 * jobs live in the daemon's store.
 */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <drover/plugin.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/run.h"

#define TICKETS_MAX 1000

static int tickets_read(struct run *);
static void tickets_name(struct run *);
static int ticket_read(struct run *, struct run_ticket *, const char *path);
static void ticket_key(struct run_ticket *, const char *real);
static void ticket_title(struct run_ticket *);
static int tickets_submit(struct run *);
static bool ticket_known(struct run *, struct run_ticket *);
static void ticket_ask(struct run *, struct run_ticket *, cJSON *asks);
static int signals_open(void);
static void run_free(struct run *);

int
cmd_run(struct cli *cli)
{
	struct run run = { .cli = cli, .signals = -1 };
	int64_t parallel;
	int status;

	run.agent = xstrdup(cli->value[OPT_AGENT] != NULL ? cli->value[OPT_AGENT] :
		cli->value[OPT_AGENT_COMMAND] != NULL     ? "agent" :
							    "");
	if (!text_is_name(run.agent)) {
		status = cli_usage(cli,
		    "run: --agent is needed: claude, codex, opencode, qwen or a configured one");
		goto out;
	}
	if ((status = cli_number(cli, OPT_PARALLEL, 1, 64, 3, &parallel)) != CLI_OK ||
	    (status = tickets_read(&run)) != CLI_OK || (status = run_locate(&run)) != CLI_OK)
		goto out;
	run.signals = signals_open();
	if ((status = run_connect(&run, parallel)) != CLI_OK ||
	    (status = tickets_submit(&run)) != CLI_OK)
		goto out;
	if (cli->value[OPT_DETACH] != NULL) {
		cli_say(cli, "%d tickets are under way; `drover --socket %s list` shows them",
		    run.tickets_len, cli->socket);
		goto out;
	}
	if ((status = run_watch(&run)) == CLI_OK)
		status = run_print_summary(&run);
	if (cli->value[OPT_KEEP] == NULL)
		run_disconnect(&run);
out:
	run_free(&run);
	return status;
}

static int
tickets_read(struct run *run)
{
	struct cli *cli = run->cli;

	if (cli->args_len > TICKETS_MAX)
		return cli_usage(cli, "run: at most %d tickets at once", TICKETS_MAX);
	run->tickets = xcalloc((size_t)cli->args_len, sizeof *run->tickets);
	for (int i = 0; i < cli->args_len; i++) {
		struct run_ticket *t = &run->tickets[run->tickets_len];
		bool twice = false;
		int status = ticket_read(run, t, cli->args[i]);

		for (int k = 0; status == CLI_OK && k < run->tickets_len; k++)
			twice |= strcmp(run->tickets[k].key, t->key) == 0;
		run->tickets_len++;
		if (status != CLI_OK)
			return status;
		if (twice)
			return cli_usage(cli, "the ticket %s is given twice", t->path);
	}
	tickets_name(run);
	return CLI_OK;
}

/* Names leave out the folders that all paths begin with. */
static void
tickets_name(struct run *run)
{
	size_t common = 0;

	for (const char *p = run->tickets[0].path; *p != '\0'; p++) {
		bool same = true;

		for (int i = 1; same && i < run->tickets_len; i++)
			same = strncmp(run->tickets[i].path, run->tickets[0].path,
				   (size_t)(p - run->tickets[0].path) + 1) == 0;
		if (!same)
			break;
		if (*p == '/')
			common = (size_t)(p - run->tickets[0].path) + 1;
	}
	for (int i = 0; i < run->tickets_len; i++)
		run->tickets[i].name = run->tickets[i].path + common;
}

static int
ticket_read(struct run *run, struct run_ticket *t, const char *path)
{
	struct error err = { 0 };
	char real[PATH_MAX];

	t->path = xstrdup(path);
	if (realpath(path, real) == NULL) {
		error_errno(&err, DROVER_PERMANENT, "%s", path);
		cli_fail(run->cli, &err);
		return CLI_USAGE;
	}
	if (path_read(real, DROVER_PAYLOAD_MAX, &t->text, &err) != 0) {
		cli_fail(run->cli, &err);
		return CLI_USAGE;
	}
	if (t->text.len == 0 || !text_is_utf8(t->text.data, t->text.len))
		return cli_usage(run->cli, "%s is not a ticket: it is empty or not UTF-8", path);
	ticket_key(t, real);
	ticket_title(t);
	return CLI_OK;
}

/*
 * Path and content, so that a changed ticket is a new job. A path that is too
 * long is replaced by its hash and its end.
 */
static void
ticket_key(struct run_ticket *t, const char *real)
{
	unsigned long long content = text_hash(t->text.data, t->text.len);
	size_t len = strlen(real), room = DROVER_KEY_MAX - 2 * 17 - 1, skip;

	if (len + 17 < DROVER_KEY_MAX) {
		t->key = xasprintf("%s#%016llx", real, content);
		return;
	}
	skip = text_fit_end(real, len, room);
	t->key = xasprintf("%016llx:%s#%016llx", (unsigned long long)text_hash(real, len),
	    real + skip, content);
}

/*
 * The first heading, else the name of the file. It is only for people: the
 * pipeline reads the ticket itself.
 */
static void
ticket_title(struct run_ticket *t)
{
	const char *line = t->text.data, *slash = strrchr(t->path, '/');
	size_t len;

	for (; *line != '\0'; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (line[0] != '#' || len < 3)
			continue;
		line += strspn(line, "# ");
		len = strcspn(line, "\r\n");
		t->title = xstrndup(line, text_fit(line, len, 200));
		return;
	}
	t->title = xstrdup(slash != NULL ? slash + 1 : t->path);
}

static int
tickets_submit(struct run *run)
{
	struct run_ticket **asked = xcalloc((size_t)run->tickets_len, sizeof *asked);
	cJSON *asks = cJSON_CreateArray(), *answers = NULL;
	const cJSON *answer;
	int n = 0, i = 0, status = CLI_OK, refused = 0;

	for (int k = 0; k < run->tickets_len; k++) {
		if (ticket_known(run, &run->tickets[k]))
			continue;
		ticket_ask(run, &run->tickets[k], asks);
		asked[n++] = &run->tickets[k];
	}
	if (n == 0)
		cJSON_Delete(asks);
	else if ((status = cli_post(run->cli, asks, &answers, "/api/v1/jobs")) == CLI_OK) {
		cJSON_ArrayForEach(answer, answers) {
			if (i == n)
				break;
			asked[i]->id = json_int(answer, "id", 0);
			if (asked[i]->id == 0) {
				cli_say(run->cli, "%s: %s", asked[i]->path,
				    json_str(answer, "error", "refused"));
				refused++;
			}
			i++;
		}
		if (refused == run->tickets_len)
			status = CLI_FAILED;
	}
	cJSON_Delete(answers);
	free(asked);
	return status;
}

/*
 * True when an earlier run has made the job. One that failed is tried again,
 * because that is why the user runs the command again.
 */
static bool
ticket_known(struct run *run, struct run_ticket *t)
{
	char *which = cli_encode(t->key),
	     *path = xasprintf("/api/v1/jobs/%s%%2F%s", RUN_KIND, which), *retry;
	struct error err;
	cJSON *job = NULL;
	const char *state;
	int status = client_ask(run->cli, "GET", path, NULL, &job, &err);

	if (status == 200) {
		t->id = json_int(job, "id", 0);
		state = json_str(job, "state", "");
		if (strcmp(state, "dead") == 0 || strcmp(state, "cancelled") == 0) {
			retry = xasprintf("/api/v1/jobs/%lld/retry", (long long)t->id);
			if (client_ask(run->cli, "POST", retry, NULL, NULL, &err) != 200)
				t->id = 0;
			free(retry);
		}
		t->known = t->id != 0;
	}
	cJSON_Delete(job);
	free(path);
	free(which);
	return t->id != 0;
}

static void
ticket_ask(struct run *run, struct run_ticket *t, cJSON *asks)
{
	cJSON *ask = cJSON_CreateObject();

	json_add_str(ask, "kind", RUN_KIND);
	json_add_str(ask, "key", t->key);
	json_add_str(ask, "title", t->title);
	json_add_str(ask, "repo", run->name);
	json_add_str(ask, "agent", run->agent);
	json_add_str(ask, "payload", buf_str(&t->text));
	cJSON_AddItemToArray(asks, ask);
}

static int
signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
run_free(struct run *run)
{
	for (int i = 0; i < run->tickets_len; i++) {
		struct run_ticket *t = &run->tickets[i];

		free(t->path);
		free(t->key);
		free(t->title);
		buf_free(&t->text);
		cJSON_Delete(t->job);
	}
	free(run->tickets);
	free(run->top);
	free(run->name);
	free(run->agent);
	free(run->state_dir);
	free(run->config_file);
	if (run->signals != -1)
		close(run->signals);
}
