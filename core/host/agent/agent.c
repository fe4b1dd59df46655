/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a configured coding agent: puts the prompt into its command, reads its
 * output with the reader for its CLI, tells the core what it used, and judges
 * how it ended. Pipelines call it through host->agent, and change_steps.c for
 * the steps of a change.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/secrets.h"
#include "base/text.h"
#include "config/options.h"
#include "host/agent/agent.h"
#include "host/env.h"
#include "host/exec.h"
#include "host/service.h"
#include "host/agent/verdict.h"

#define ARGUMENT_MAX 131071   /* MAX_ARG_STRLEN of Linux without the NUL */

/* An agent's command, prepared for one prompt. */
struct agent_command {
	char **argv;
	size_t argc;
	struct env env;              /* added to what every command gets */
	char *file;                  /* file with the prompt, or NULL */
};

static int agent_command_run(struct agent_command *, struct scope *, const struct config_agent *,
    const struct drover_agent_run *, struct drover_agent_result *, struct error *);
static const struct config_agent *agent_find(struct scope *, const char *name, struct error *);
static int agent_command_make(struct agent_command *, struct scope *, const struct config_agent *,
    const struct drover_agent_run *, struct error *);
static int agent_command_argument(struct agent_command *, const struct config_agent *,
    const char *word, const char *prompt, struct error *);
static int agent_command_file(struct agent_command *, struct scope *, const char *prompt,
    struct error *);
static const struct config_repo *agent_repo(const struct scope *, const char *cwd);
static int agent_command_env(struct agent_command *, const struct scope *,
    const struct config_agent *, const char *cwd, struct error *);
static void agent_command_free(struct agent_command *);
static int64_t agent_timeout(const struct config_agent *, int64_t asked);
static void agent_line(void *reader, const char *line, size_t len);
static int agent_judge(struct scope *, const struct verdict_input *, struct error *);
static int agent_put_usage(struct scope *, const char *agent, const struct drover_usage *,
    struct error *);
static void agent_pause(struct scope *, const char *agent, const struct error *);
static int agent_tell_core(struct scope *, struct message_out *, struct error *);
static void agent_log(struct scope *, const struct verdict_input *, const struct error *);
static void agent_fill_result(struct drover_agent_result *, const struct agent_reader *,
    const struct drover_outcome *);
static int host_agent_run(struct drover_scope *, const struct drover_agent_run *,
    struct drover_agent_result *, struct drover_error *);

const struct drover_host_agent host_agent = { .size = sizeof host_agent, .run = host_agent_run };

int
agent_run(struct scope *s, const struct drover_agent_run *run, struct drover_agent_result *result,
    struct error *err)
{
	const struct config_agent *agent;
	struct error failed = { .code = 0 };
	struct error trouble = { .code = 0 };
	struct readonly readonly = { .len = 0 };
	struct agent_command prepared = { .argc = 0 };
	bool watched = (run->flags & DROVER_AGENT_READ_ONLY) != 0;
	int rc = -1;

	memset(result, 0, sizeof *result);
	result->size = sizeof *result;
	result->status = -1;
	agent = agent_find(s, run->agent, &failed);
	if (agent != NULL && agent_command_make(&prepared, s, agent, run, &failed) == 0 &&
	    (!watched || readonly_begin(s, &readonly, &failed) == 0)) {
		rc = agent_command_run(&prepared, s, agent, run, result, &failed);
		/*
		 * The trees are put back after a failure, too: the job may go
		 * on working in them.
		 */
		if (watched && readonly_end(s, &readonly, agent->name, &trouble) != 0 && rc == 0) {
			failed = trouble;
			rc = -1;
		}
	}
	readonly_free(&readonly);
	agent_command_free(&prepared);
	if (rc != 0 && err != NULL)
		*err = failed;
	return rc;
}

static int
agent_command_run(struct agent_command *prepared, struct scope *s, const struct config_agent *agent,
    const struct drover_agent_run *run, struct drover_agent_result *result, struct error *err)
{
	struct agent_reader reader;
	struct drover_outcome outcome;
	struct buf errors = BUF_INIT;
	struct error trouble;
	struct drover_command command = {
		.size = sizeof command,
		.argv = (const char *const *)prepared->argv,
		.env = (const char *const *)prepared->env.list,
		.cwd = run->cwd,
		.timeout_ms = agent_timeout(agent, run->timeout_ms),
		.line = agent_line,
		.arg = &reader,
	};
	struct sandbox sandbox = { .paths = agent->home,
		.read_only = (run->flags & DROVER_AGENT_READ_ONLY) != 0 };
	const struct config_repo *repo;
	struct verdict_input in = { .agent = agent->name, .reader = &reader, .outcome = &outcome };
	int rc;

	if (agent_reader_init(&reader, agent->output) != 0)
		return error_set(err, DROVER_CONFIG, "agents.%s.output: there is no reader \"%s\"",
		    agent->name, agent->output);
	if (agent->prompt == PROMPT_STDIN) {
		command.input = run->prompt;
		command.input_len = strlen(run->prompt);
	}
	repo = agent_repo(s, run->cwd);
	sandbox.mode = sandbox_mode(s->config, agent, repo);
	sandbox.network = sandbox_network(agent, repo);
	rc = exec_run_split(s, &command, &sandbox, &outcome, &errors, err);
	in.errors = buf_str(&errors);
	if (rc == 0)
		rc = agent_judge(s, &in, err);
	else
		error_prefix(err, "agent %s", agent->name);
	agent_fill_result(result, &reader, &outcome);
	if (outcome.status >= 0 || outcome.signal != 0) {
		agent_log(s, &in, rc == 0 ? NULL : err);
		if (agent_put_usage(s, agent->name, &reader.usage, &trouble) != 0 &&
		    trouble.code == DROVER_FENCED) {
			*err = trouble;
			rc = -1;
		}
	}
	buf_free(&errors);
	agent_reader_free(&reader);
	return rc;
}

static const struct config_agent *
agent_find(struct scope *s, const char *name, struct error *err)
{
	const struct config_agent *agent;

	if (name == NULL || *name == '\0')
		name = s->agent;
	if (name == NULL || *name == '\0') {
		error_set(err, DROVER_CONFIG,
		    "no agent is named for %s: set \"agent\" of its pipeline to one of agents",
		    s->job != NULL ? s->job->kind : "this call");
		return NULL;
	}
	agent = config_agent(s->config, name);
	if (agent == NULL)
		error_set(err, DROVER_CONFIG,
		    "there is no agent \"%.64s\": add agents.%.64s with a command to the "
		    "configuration",
		    name, name);
	return agent;
}

static int
agent_command_make(struct agent_command *c, struct scope *s, const struct config_agent *agent,
    const struct drover_agent_run *run, struct error *err)
{
	bool read_only = (run->flags & DROVER_AGENT_READ_ONLY) != 0 && agent->read_only != NULL;
	const char *prompt = run->prompt, *key = read_only ? "read_only" : "command";
	char *const *command = read_only ? agent->read_only : agent->command;
	bool in_argument = false, in_file = false;
	size_t i, n;

	if (prompt == NULL || *prompt == '\0')
		return error_set(err, DROVER_PERMANENT, "agent %s: the prompt is empty",
		    agent->name);
	for (n = 0; command[n] != NULL; n++) {
		in_argument = in_argument || strstr(command[n], "{prompt}") != NULL;
		in_file = in_file || strstr(command[n], "{prompt_file}") != NULL;
	}
	if (agent->prompt == PROMPT_FILE && !in_file)
		return error_set(err, DROVER_CONFIG,
		    "agents.%s.%s needs a word {prompt_file}, because its prompt is \"file\"",
		    agent->name, key);
	if (in_file && agent_command_file(c, s, prompt, err) != 0)
		return -1;
	c->argv = xcalloc(n + 2, sizeof *c->argv);
	for (i = 0; i < n; i++) {
		if (agent_command_argument(c, agent, command[i], prompt, err) != 0)
			return -1;
	}
	if (agent->prompt == PROMPT_ARGUMENT && !in_argument &&
	    agent_command_argument(c, agent, "{prompt}", prompt, err) != 0)
		return -1;
	return agent_command_env(c, s, agent, run->cwd, err);
}

/*
 * Adds one word of the command, with {prompt} and {prompt_file} replaced. What
 * replaces them is not searched again.
 */
static int
agent_command_argument(struct agent_command *c, const struct config_agent *agent, const char *word,
    const char *prompt, struct error *err)
{
	struct buf out = BUF_INIT;
	const char *p;

	/* A prompt from outside must not be read as an option. */
	if (strcmp(word, "{prompt}") == 0 && prompt[0] == '-')
		buf_addc(&out, '\n');
	for (p = word; *p != '\0';) {
		if (strncmp(p, "{prompt}", 8) == 0) {
			buf_adds(&out, prompt);
			p += 8;
		} else if (strncmp(p, "{prompt_file}", 13) == 0) {
			buf_adds(&out, c->file);
			p += 13;
		} else {
			buf_addc(&out, *p++);
		}
	}
	if (out.len > ARGUMENT_MAX) {
		error_set(err, DROVER_CONFIG,
		    "the prompt makes an argument of %zu bytes, more than the %d that Linux "
		    "allows: set agents.%s.prompt = \"stdin\" (or \"file\")",
		    out.len, ARGUMENT_MAX, agent->name);
		buf_free(&out);
		return -1;
	}
	c->argv[c->argc++] = buf_take(&out);
	return 0;
}

static int
agent_command_file(struct agent_command *c, struct scope *s, const char *prompt, struct error *err)
{
	const char *tmp = env_tmp(s, err);
	int fd, rc = 0;

	if (tmp == NULL)
		return -1;
	c->file = xasprintf("%s/prompt-XXXXXX", tmp);
	fd = mkostemp(c->file, O_CLOEXEC);
	if (fd < 0) {
		error_errno(err, DROVER_CONFIG, "cannot make a file for the prompt in %s", tmp);
		free(c->file);
		c->file = NULL;
		return -1;
	}
	if (path_write_all(fd, prompt, strlen(prompt)) != 0)
		rc = error_errno(err, DROVER_AGAIN, "cannot write the prompt to %s", c->file);
	close(fd);
	return rc;
}

/* The repo that the agent works on; NULL when it works on no repo. */
static const struct config_repo *
agent_repo(const struct scope *s, const char *cwd)
{
	const struct config_repo *repo = cwd != NULL ? lease_repo_at(s, cwd) : NULL;

	if (repo == NULL && s->job != NULL && s->job->repo != NULL)
		repo = config_repo(s->config, s->job->repo);
	return repo;
}

static int
agent_command_env(struct agent_command *c, const struct scope *s, const struct config_agent *agent,
    const char *cwd, struct error *err)
{
	const struct config_repo *repo = agent_repo(s, cwd);
	const char *value;
	size_t i;

	for (i = 0; repo != NULL && repo->env != NULL && repo->env[i] != NULL; i++) {
		if (env_add(&c->env, repo->env[i], err) != 0)
			return error_prefix(err, "repo %s, env", repo->name);
	}
	for (i = 0; agent->env_pass != NULL && agent->env_pass[i] != NULL; i++) {
		value = getenv(agent->env_pass[i]);
		if (value == NULL)
			continue;
		env_set(&c->env, agent->env_pass[i], value);
		if (secret_is_name(agent->env_pass[i]))
			secrets_add(value);
	}
	for (i = 0; agent->env != NULL && agent->env[i] != NULL; i++) {
		if (env_add(&c->env, agent->env[i], err) != 0)
			return error_prefix(err, "agents.%s.env", agent->name);
	}
	return 0;
}

static void
agent_command_free(struct agent_command *c)
{
	size_t i;

	for (i = 0; i < c->argc; i++)
		free(c->argv[i]);
	free(c->argv);
	env_free(&c->env);
	if (c->file != NULL)
		unlink(c->file);
	free(c->file);
}

static int64_t
agent_timeout(const struct config_agent *agent, int64_t asked)
{
	if (asked <= 0 || (agent->timeout_ms > 0 && agent->timeout_ms < asked))
		return agent->timeout_ms;
	return asked;
}

static void
agent_line(void *reader, const char *line, size_t len)
{
	agent_reader_line(reader, line, len);
}

static int
agent_judge(struct scope *s, const struct verdict_input *in, struct error *err)
{
	struct error trouble;
	struct catalogue *catalogue = catalogue_load(NULL, &trouble);
	int rc;

	if (catalogue == NULL)
		log_printf(&s->log, DROVER_ERR,
		    "the catalogue of agents' errors cannot be read, so all failures count as "
		    "internal: %s",
		    trouble.text);
	rc = verdict(in, catalogue, clock_wall(), err);
	catalogue_free(catalogue);
	if (rc != 0) {
		(void)secrets_hide_text(err->text, sizeof err->text);
		if (err->code == DROVER_QUOTA)
			agent_pause(s, in->agent, err);
	}
	return rc;
}

/*
 * Usage counts however the run ended, so it is reported even after the
 * attempt's deadline, and while the core restarts.
 */
static int
agent_put_usage(struct scope *s, const char *agent, const struct drover_usage *usage,
    struct error *err)
{
	struct message_out m;

	*err = (struct error){ .code = 0 };
	if (s->link == NULL)
		return 0;
	message_begin(&m, MESSAGE_JOB_USAGE, service_id(s));
	message_put_s(&m, agent);
	message_put_i(&m, usage->input);
	message_put_i(&m, usage->cached);
	message_put_i(&m, usage->output);
	message_put_i(&m, usage->turns);
	message_put_i(&m, usage->cost_microusd);
	return agent_tell_core(s, &m, err);
}

static void
agent_pause(struct scope *s, const char *agent, const struct error *limit)
{
	struct message_out m;
	struct error trouble;

	if (s->link == NULL)
		return;
	message_begin(&m, MESSAGE_AGENT_PAUSE, service_id(s));
	message_put_s(&m, agent);
	message_put_i(&m, clock_wall() + limit->retry_after_ms);
	message_put_s(&m, limit->text);
	agent_tell_core(s, &m, &trouble);
}

static int
agent_tell_core(struct scope *s, struct message_out *m, struct error *err)
{
	enum message_type type = m->type;

	if (link_ask(s->link, m, 0, NULL, err) == 0)
		return 0;
	log_printf(&s->log, DROVER_WARN, "agent: the core was not told (%s): %s",
	    message_name(type), err->text);
	return -1;
}

static void
agent_log(struct scope *s, const struct verdict_input *in, const struct error *err)
{
	const struct drover_usage *u = &in->reader->usage;
	char status[24], wall[24], input[24], cached[24], output[24];
	const struct drover_field fields[] = {
		{ "agent", in->agent },
		{ "status", status },
		{ "wall_ms", wall },
		{ "input", input },
		{ "cached", cached },
		{ "output", output },
		{ "error", err != NULL ? err->text : "" },
	};

	snprintf(status, sizeof status, "%d",
	    in->outcome->signal != 0 ? -in->outcome->signal : in->outcome->status);
	snprintf(wall, sizeof wall, "%" PRId64, in->outcome->wall_ms);
	snprintf(input, sizeof input, "%" PRId64, u->input);
	snprintf(cached, sizeof cached, "%" PRId64, u->cached);
	snprintf(output, sizeof output, "%" PRId64, u->output);
	log_line(&s->log, err == NULL ? DROVER_INFO : DROVER_WARN,
	    err == NULL ? "agent ended" : "agent failed", fields,
	    ARRAY_LEN(fields) - (err == NULL ? 1 : 0));
}

static void
agent_fill_result(struct drover_agent_result *result, const struct agent_reader *reader,
    const struct drover_outcome *outcome)
{

	result->status = outcome->status;
	result->usage = reader->usage;
	agent_reader_text(reader, result->text, sizeof result->text);
	(void)secrets_hide_text(result->text, sizeof result->text);
}

static int
host_agent_run(struct drover_scope *public, const struct drover_agent_run *given,
    struct drover_agent_result *out, struct drover_error *e)
{
	struct scope *s = scope_of(public);
	struct drover_agent_run run;
	struct drover_agent_result result;
	struct error err = { .code = 0 };
	int rc;

	if (service_role(s, ROLE_JOB, "agent.run", "run", &err) != 0 ||
	    service_in(&run, sizeof run, given, SERVICE_LEAST(drover_agent_run, cwd),
		"drover_agent_run", &err) != 0 ||
	    service_out_check(out, "drover_agent_result", &err) != 0)
		return scope_fail(e, &err);
	if ((run.flags & ~DROVER_AGENT_READ_ONLY) != 0) {
		error_set(&err, DROVER_PERMANENT,
		    "a run of an agent has flags %#x, which ABI %d.%d does not know",
		    (unsigned)run.flags, DROVER_ABI_MAJOR, DROVER_ABI_MINOR);
		return scope_fail(e, &err);
	}
	rc = agent_run(s, &run, &result, &err);
	if (service_out(out, &result, sizeof result, "drover_agent_result", &err) != 0)
		rc = -1;
	return rc == 0 ? 0 : scope_fail(e, &err);
}
