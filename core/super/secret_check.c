/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `drover secret check`: calls the probe of each plugin and reads the token of
 * each repo, all at the same time. Tokens are read in a process of their own,
 * since a token_command may take long and the core must not wait. A run
 * collects the rows until all answers have come or CHECK_LIMIT_MS is over.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "base/text.h"
#include "super/calls.h"
#include "super/probes.h"
#include "super/secret_check.h"

#define CHECK_LIMIT_MS 60000
#define CHECK_LATE "some answers did not come within 60 s"

struct secret_check_run {
	TAILQ_ENTRY(secret_check_run) link;
	struct supervisor *supervisor;
	uint64_t id;
	cJSON *checks;
	int probes, repos;           /* how many answers have not come yet */
	int64_t deadline;            /* monotonic */
	void (*fn)(void *, const cJSON *);
	void *arg;
	/* channel to the process that reads tokens; NULL if it does not run */
	struct channel *channel;
	pid_t pid;
};

/* One call of a plugin's operation. It may outlive its run. */
struct secret_check_probe {
	struct supervisor *supervisor;
	uint64_t run_id;
	uint64_t runner;
	char *plugin;
	char *repo;                  /* the repo whose token is asked for; NULL for a probe */
};

static void secret_check_add(struct secret_check_run *, const char *who, const char *name,
    const char *what, bool ok, const char *text);
static void secret_check_plugin(struct secret_check_run *, struct runner_handle *);
static void secret_check_probed(void *, int code, const char *text, size_t len);
static struct secret_check_run *secret_check_find(struct supervisor *, uint64_t id);
static void secret_check_token_from(struct secret_check_run *, const struct config_repo *);
static void secret_check_token_given(void *, int code, const char *text, size_t len);
static int secret_check_repos(struct secret_check_run *, struct error *);
static void secret_check_message(void *, struct message *);
static void secret_check_closed(void *, const char *);
static void secret_check_end_process(struct secret_check_run *);
static void secret_check_finish(struct secret_check_run *);

static const struct channel_calls check_calls = { secret_check_message, secret_check_closed };

static void
secret_check_add(struct secret_check_run *run, const char *who, const char *name, const char *what,
    bool ok, const char *text)
{
	cJSON *row = cJSON_CreateObject();

	json_add_str(row, who, name);
	json_add_str(row, "what", what);
	json_add_bool(row, "ok", ok);
	json_add_str(row, "text", text);
	cJSON_AddItemToArray(run->checks, row);
}

static void
secret_check_plugin(struct secret_check_run *run, struct runner_handle *r)
{
	struct secret_check_probe *probe;
	char operation[DROVER_NAME_MAX + 8], why[DROVER_ERROR_MAX + 32];

	if (r->state != RUNNER_READY) {
		snprintf(why, sizeof why, "the plugin is %s%s%s", fleet_state_name(r->state),
		    r->why[0] != '\0' ? ": " : "", r->why);
		secret_check_add(run, "plugin", r->plugin, "plugin", false, why);
		return;
	}
	if (call_operation(r, "probe") == NULL) {
		secret_check_add(run, "plugin", r->plugin, "plugin", true,
		    "the plugin has nothing to check");
		return;
	}
	probe = xcalloc(1, sizeof *probe);
	probe->supervisor = run->supervisor;
	probe->run_id = run->id;
	probe->runner = r->serial;
	probe->plugin = xstrdup(r->plugin);
	run->probes++;
	snprintf(operation, sizeof operation, "%s.probe", r->plugin);
	calls_ask(run->supervisor, operation, "{}", 2, secret_check_probed, probe);
}

static struct secret_check_run *
secret_check_find(struct supervisor *s, uint64_t id)
{
	struct secret_check_run *run;

	TAILQ_FOREACH(run, &s->checks, link)
		if (run->id == id)
			return run;
	return NULL;
}

static void
secret_check_token_from(struct secret_check_run *run, const struct config_repo *repo)
{
	struct secret_check_probe *probe = xcalloc(1, sizeof *probe);

	probe->supervisor = run->supervisor;
	probe->run_id = run->id;
	probe->plugin = xstrdup(repo->token_from);
	probe->repo = xstrdup(repo->name);
	run->probes++;
	calls_git_token(run->supervisor, repo, false, secret_check_token_given, probe);
}

/* It only matters whether a token was given, so the token is wiped at once. */
static void
secret_check_token_given(void *arg, int code, const char *text, size_t len)
{
	struct secret_check_probe *probe = arg;
	struct secret_check_run *run = secret_check_find(probe->supervisor, probe->run_id);
	cJSON *reply = code == DROVER_OK ? json_parse(text, len, DROVER_PAYLOAD_MAX, NULL) : NULL;
	cJSON *token = cJSON_GetObjectItemCaseSensitive(reply, "token");
	char said[DROVER_ERROR_MAX + DROVER_NAME_MAX + 32];
	bool given = cJSON_IsString(token) && *token->valuestring != '\0';

	if (given)
		explicit_bzero(token->valuestring, strlen(token->valuestring));
	if (given)
		snprintf(said, sizeof said, "plugin %s hands it out", probe->plugin);
	else
		snprintf(said, sizeof said, "plugin %s: %.*s", probe->plugin,
		    code == DROVER_OK ? 32 : (int)len,
		    code == DROVER_OK ? "its reply has no token" : text);
	if (run != NULL) {
		secret_check_add(run, "repo", probe->repo, "token", given, said);
		run->probes--;
	}
	cJSON_Delete(reply);
	free(probe->repo);
	free(probe->plugin);
	free(probe);
}

static void
secret_check_probed(void *arg, int code, const char *text, size_t len)
{
	struct secret_check_probe *probe = arg;
	struct secret_check_run *run;
	struct runner_handle *r;
	const cJSON *check;
	cJSON *reply = probe_read(code, text, len);

	run = secret_check_find(probe->supervisor, probe->run_id);
	if (run != NULL) {
		cJSON_ArrayForEach(check, json_get(reply, "checks"))
			secret_check_add(run, "plugin", probe->plugin, json_str(check, "what", "?"),
			    json_bool(check, "ok", false), json_str(check, "text", ""));
		if (cJSON_GetArraySize(json_get(reply, "checks")) == 0)
			secret_check_add(run, "plugin", probe->plugin, "probe",
			    json_bool(reply, "ok", false), json_str(reply, "as", ""));
		run->probes--;
	}
	TAILQ_FOREACH(r, &probe->supervisor->runners, link)
		if (r->serial == probe->runner && r->state == RUNNER_READY) {
			probe_take_reply(r, reply);
			reply = NULL;
			break;
		}
	cJSON_Delete(reply);
	free(probe->plugin);
	free(probe);
}

/* Starts the process that reads the tokens of all repos. */
static int
secret_check_repos(struct secret_check_run *run, struct error *err)
{
	const struct config *config = run->supervisor->core->config;
	static const char *const argv[] = { "droverd", "-x", "keeper", NULL };
	struct spawn child = { .file = run->supervisor->core->self,
		.argv = argv,
		.fd = { SPAWN_KEEP, SPAWN_KEEP, SPAWN_KEEP } };
	struct message_out out;
	int fds[2], rc;

	if (message_pair(fds, err) != 0)
		return -1;
	child.fd[3] = fds[1];
	if ((rc = spawn_start(&child, &run->pid)) == -1)
		error_errno(err, DROVER_AGAIN, "cannot start a process to read tokens");
	close(fds[1]);
	if (rc != 0) {
		close(fds[0]);
		return -1;
	}
	run->channel = channel_new(run->supervisor->core->base, fds[0], &check_calls, run);
	for (int i = 0; i < config->repos_len; i++) {
		const struct config_repo *repo = &config->repos[i];
		struct buf argv_lines = BUF_INIT;

		if (repo->token_file == NULL && repo->token_env == NULL &&
		    repo->token_command == NULL)
			continue;
		for (char **word = repo->token_command; word != NULL && *word != NULL; word++) {
			buf_adds(&argv_lines, *word);
			buf_addc(&argv_lines, '\0');
		}
		message_begin(&out, MESSAGE_TOKEN_CHECK, 0);
		message_put_s(&out, repo->name);
		message_put_s(&out, repo->token_file);
		message_put_s(&out, repo->token_env);
		message_put_b(&out, argv_lines.data != NULL ? argv_lines.data : "", argv_lines.len);
		channel_send(run->channel, &out);
		buf_free(&argv_lines);
		run->repos++;
	}
	return 0;
}

static void
secret_check_message(void *arg, struct message *m)
{
	struct secret_check_run *run = arg;

	if (m->type != MESSAGE_TOKEN_CHECKED || run->repos == 0)
		return;
	secret_check_add(run, "repo", message_s(m, "repo"), "token",
	    message_i(m, "class") == DROVER_OK, message_s(m, "text"));
	run->repos--;
}

static void
secret_check_closed(void *arg, const char *why)
{
	struct secret_check_run *run = arg;

	if (run->repos > 0)
		secret_check_add(run, "repo", "", "token", false,
		    "the process that reads tokens has died");
	run->repos = 0;
	/*
	 * The process is killed now, because once it is reaped its pid may
	 * belong to another process.
	 */
	secret_check_end_process(run);
}

static void
secret_check_end_process(struct secret_check_run *run)
{
	channel_free(run->channel);
	run->channel = NULL;
	if (run->pid == 0)
		return;
	/*
	 * With --in-process the daemon reaps only the keeper, so this process
	 * is reaped here.
	 */
	(void)kill(run->pid, SIGKILL);
	if (run->supervisor->core->in_process)
		(void)proc_reap(run->pid, NULL);
	run->pid = 0;
}

static void
secret_check_finish(struct secret_check_run *run)
{
	TAILQ_REMOVE(&run->supervisor->checks, run, link);
	secret_check_end_process(run);
	run->fn(run->arg, run->checks);
	cJSON_Delete(run->checks);
	free(run);
}

int
secret_check(struct supervisor *s, const char *const *plugins,
    void (*fn)(void *, const cJSON *), void *arg, struct error *err)
{
	const struct config *config = s->core->config;
	struct secret_check_run *run;
	struct runner_handle *r;
	struct error why = { 0 };
	bool tokens = false;

	for (int i = 0; plugins != NULL && plugins[i] != NULL; i++)
		if (fleet_find(s, plugins[i]) == NULL)
			return error_set(err, DROVER_PERMANENT, "no plugin %.64s is configured",
			    plugins[i]);
	run = xcalloc(1, sizeof *run);
	run->supervisor = s;
	run->id = ++s->last_id;
	run->checks = cJSON_CreateArray();
	run->deadline = clock_mono() + CHECK_LIMIT_MS;
	run->fn = fn;
	run->arg = arg;
	TAILQ_INSERT_TAIL(&s->checks, run, link);
	for (int i = 0; plugins != NULL && plugins[i] != NULL; i++)
		secret_check_plugin(run, fleet_find(s, plugins[i]));
	if (plugins != NULL)
		return 0;
	TAILQ_FOREACH(r, &s->runners, link)
		if (r->state != RUNNER_STOPPING)
			secret_check_plugin(run, r);
	for (int i = 0; i < config->repos_len; i++) {
		const struct config_repo *repo = &config->repos[i];

		if (repo->token_from != NULL)
			secret_check_token_from(run, repo);
		tokens = tokens || repo->token_file != NULL || repo->token_env != NULL ||
		    repo->token_command != NULL;
	}
	if (tokens && secret_check_repos(run, &why) != 0)
		secret_check_add(run, "repo", "", "token", false, why.text);
	return 0;
}

int64_t
secret_check_tick(struct supervisor *s, int64_t now)
{
	struct secret_check_run *run, *next;
	int64_t wait = -1;

	for (run = TAILQ_FIRST(&s->checks); run != NULL; run = next) {
		next = TAILQ_NEXT(run, link);
		if (now >= run->deadline) {
			secret_check_add(run, "plugin", "", "all", false, CHECK_LATE);
			run->probes = run->repos = 0;
		}
		if (run->probes == 0 && run->repos == 0)
			secret_check_finish(run);
		else
			wait = wait_min(wait, run->deadline - now);
	}
	return wait;
}

void
secret_check_close(struct supervisor *s)
{
	while (!TAILQ_EMPTY(&s->checks))
		secret_check_finish(TAILQ_FIRST(&s->checks));
}
