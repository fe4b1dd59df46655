/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every key of the configuration. A new one is a line here and a member in
 * config.h.
 */
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"
#include "config/keys.h"

#define AT(type, member) .offset = offsetof(struct type, member)
#define MANY(type, member, element) \
	AT(type, member), .size = sizeof(struct element), \
			  .len_offset = offsetof(struct type, member##_len)

static const char *const prompts[] = { "stdin", "argument", "file", NULL };
static const char *const outputs[] = { "codex", "stream-json", "opencode", "plain", NULL };
static const char *const transports[] = { "libgit2", "git", NULL };
static const char *const leases[] = { "worktree", "clone", NULL };
static const char *const levels[] = { "debug", "info", "notice", "warn", "error", NULL };

static const struct key keys_pool[] = {
	{ "slots", KEY_INT, AT(config_pool, slots), .fallback = "1", .min = 1, .max = 10000,
	    .help = "Jobs of this pool at once." },
	{ "memory", KEY_SIZE, AT(config_pool, memory), .fallback = "0", .example = "\"2G\"",
	    .help = "What one job of it is reckoned to need; \"0\": nothing." },
	{ .name = NULL },
};

static const struct key keys_agent[] = {
	{ "command", KEY_ARGV, KEY_REQUIRED, AT(config_agent, command),
	    .example = "(\"codex\", \"exec\", \"--json\", \"-\")",
	    .help = "argv; the words {prompt} and {prompt_file} stand for the prompt and a file "
		    "with it." },
	{ "read_only", KEY_ARGV, AT(config_agent, read_only),
	    .example = "(\"codex\", \"exec\", \"--json\", \"--sandbox\", \"read-only\", \"-\")",
	    .help = "argv for runs that must change nothing; without it command. What such a run "
		    "changes is undone." },
	{ "prompt", KEY_WORD, AT(config_agent, prompt), .fallback = "stdin", .words = prompts,
	    .help = "How the prompt goes in: stdin, argument or file." },
	{ "output", KEY_STRING, AT(config_agent, output), .fallback = "plain",
	    .example = "\"codex\"", .words = outputs,
	    .help = "How its output is read: codex, stream-json, opencode or plain." },
	{ "env", KEY_STRINGS, AT(config_agent, env), .example = "(\"NO_COLOR=1\")",
	    .help = "Variables that it sees." },
	{ "env_pass", KEY_STRINGS, AT(config_agent, env_pass), .example = "(\"OPENAI_API_KEY\")",
	    .help = "Variables of the daemon that it may see." },
	{ "timeout", KEY_DURATION, AT(config_agent, timeout_ms), .fallback = "0s",
	    .example = "\"30m\"", .help = "Of one run; \"0s\": as long as the job may take." },
	{ .name = NULL },
};

static const struct key keys_repo[] = {
	{ "name", KEY_STRING, KEY_REQUIRED | KEY_NAME, AT(config_repo, name), .example = "\"web\"",
	    .help = "What jobs and sources call it." },
	{ "url", KEY_STRING, KEY_REQUIRED, AT(config_repo, url),
	    .example = "\"https://github.com/acme/web.git\"",
	    .help = "An absolute path, file://, http://, https://, ssh:// or user@host:path." },
	{ "base", KEY_STRING, AT(config_repo, base), .example = "\"main\"",
	    .help = "The branch that work starts from; without it the remote's HEAD." },
	{ "forge", KEY_STRING, KEY_NAME, AT(config_repo, forge), .example = "\"github\"",
	    .help = "The plugin that opens pull requests." },
	{ "transport", KEY_STRING, AT(config_repo, transport), .fallback = "libgit2",
	    .words = transports,
	    .help = "libgit2, or git for LFS, partial clones and ssh configurations." },
	{ "lease", KEY_STRING, AT(config_repo, lease), .fallback = "worktree", .words = leases,
	    .help = "worktree, or clone for work from people who are trusted less." },
	{ "setup", KEY_ARGVS, AT(config_repo, setup), .example = "( (\"npm\", \"ci\") )",
	    .help = "Commands before the agent, one after the other." },
	{ "check", KEY_ARGVS, AT(config_repo, check), .example = "( (\"npm\", \"test\") )",
	    .help = "Commands that must succeed before a change is pushed." },
	{ "setup_timeout", KEY_DURATION, AT(config_repo, setup_timeout_ms), .fallback = "10m",
	    .min = 1000, .help = "Of all setup commands together." },
	{ "check_timeout", KEY_DURATION, AT(config_repo, check_timeout_ms), .fallback = "15m",
	    .min = 1000, .help = "Of all check commands together." },
	{ "forbidden", KEY_STRINGS, AT(config_repo, forbidden), .example = "(\".github/**\")",
	    .help = "Globs of paths that a change must not touch." },
	{ "max_files", KEY_LONG, AT(config_repo, max_files), .fallback = "300", .min = 1,
	    .help = "Files that one change may touch." },
	{ "max_bytes", KEY_SIZE, AT(config_repo, max_bytes), .fallback = "10M", .min = 1,
	    .help = "Size of the changed files of one change." },
	{ "slots", KEY_INT, AT(config_repo, slots), .fallback = "0", .min = 0, .max = 10000,
	    .help = "Jobs on it at once; 0: no limit of its own." },
	{ "user", KEY_STRING, AT(config_repo, user), .fallback = "x-access-token",
	    .help = "The user that goes with the token." },
	{ "token_file", KEY_PATH, AT(config_repo, token_file),
	    .example = "\"/etc/drover/web.token\"",
	    .help =
		"The file with the token, for its owner alone (or token_env or token_command)." },
	{ "token_env", KEY_STRING, AT(config_repo, token_env),
	    .help = "The variable of the daemon with the token." },
	{ "token_command", KEY_ARGV, AT(config_repo, token_command),
	    .help = "The command that prints the token; argv, 10 seconds." },
	{ "token_from", KEY_STRING, KEY_NAME, AT(config_repo, token_from), .example = "\"github\"",
	    .help =
		"The plugin that is asked for the token; instead of a token of the repo's own." },
	{ "env", KEY_STRINGS, AT(config_repo, env), .example = "(\"CI=1\")",
	    .help = "Variables for setup, check and agents." },
	{ "prompts", KEY_PATH, AT(config_repo, prompts), .example = "\"/etc/drover/prompts/web\"",
	    .help = "Folder with prompts for work on it (drover prompt list)." },
	{ .name = NULL },
};

static const struct key keys_source[] = {
	{ "enabled", KEY_BOOL, AT(config_source, enabled), .fallback = "true",
	    .help = "Whether it is polled." },
	{ "interval", KEY_DURATION, AT(config_source, interval_ms), .example = "\"30s\"",
	    .min = 1000, .unset = -1, .help = "Between two polls; without it the plugin's own." },
	{ "prompts", KEY_PATH, AT(config_source, prompts),
	    .example = "\"/etc/drover/prompts/comments\"",
	    .help = "Folder with prompts for its jobs (drover prompt list)." },
	{ "poll_timeout", KEY_DURATION, AT(config_source, poll_timeout_ms), .fallback = "5m",
	    .min = 1000,
	    .help = "A poll that takes longer hangs: its plugin is started again. All other keys "
		    "are the source's options (drover plugin info)." },
	{ "authors", KEY_STRINGS, AT(config_source, authors),
	    .example = "(\"octocat\", \"member\")", .unset = -1,
	    .help = "Who may start work: ids and marks as its plugin gives them; without it the "
		    "plugin's own choice. \"*\" is anybody." },
	{ "options", KEY_REST, AT(config_source, options) },
	{ .name = NULL },
};

static const struct key keys_pipeline[] = {
	{ "pool", KEY_STRING, AT(config_pipeline, pool), .example = "\"light\"",
	    .help = "Where its jobs run; without it the plugin's own." },
	{ "agent", KEY_STRING, AT(config_pipeline, agent), .example = "\"codex\"",
	    .help = "Who does the work." },
	{ "timeout", KEY_DURATION, AT(config_pipeline, timeout_ms), .example = "\"50m\"",
	    .min = 1000, .unset = -1, .help = "Of one attempt." },
	{ "silence", KEY_DURATION, AT(config_pipeline, silence_ms), .example = "\"5m\"",
	    .min = 1000, .unset = -1, .help = "No output and no CPU for so long ends an attempt." },
	{ "retries", KEY_INT, AT(config_pipeline, retries), .example = "2", .min = 0, .max = 100,
	    .unset = -1, .help = "Attempts after the first." },
	{ "slots", KEY_INT, AT(config_pipeline, slots), .fallback = "0", .min = 0, .max = 10000,
	    .help = "Jobs of this kind at once; 0: no limit of its own." },
	{ "yield_to", KEY_STRINGS, AT(config_pipeline, yield_to), .example = "(\"github.other\")",
	    .help = "Kinds that go first while they have work." },
	{ "yield_max", KEY_DURATION, AT(config_pipeline, yield_max_ms), .fallback = "30m",
	    .help = "A job that has waited so long yields no more. All other keys are the "
		    "pipeline's options (drover plugin info)." },
	{ "options", KEY_REST, AT(config_pipeline, options) },
	{ .name = NULL },
};

static const struct key keys_plugin[] = {
	{ "name", KEY_STRING, KEY_REQUIRED | KEY_NAME, AT(config_plugin, name),
	    .example = "\"github\"", .help = "NAME.so in one of plugin_dirs." },
	{ "at", KEY_AT, AT(config_plugin, at) },
	{ "options", KEY_OPTIONS, AT(config_plugin, options),
	    .example = "{ app_id = \"12345\"; private_key_file = \"/etc/drover/github.pem\"; }",
	    .help = "Options of the plugin (drover plugin info). A secret is given as KEY_file, "
		    "KEY_env or KEY_command." },
	{ "sources", KEY_MAP, MANY(config_plugin, sources, config_source), .table = keys_source,
	    .sample = "pr-comment", .help = "What it polls." },
	{ "pipelines", KEY_MAP, MANY(config_plugin, pipelines, config_pipeline),
	    .table = keys_pipeline, .sample = "pr-comment",
	    .help = "How it carries out jobs of a kind." },
	{ .name = NULL },
};

static const struct key keys_log[] = {
	{ "file", KEY_PATH, AT(config, log_file), .example = "\"/var/log/drover.log\"",
	    .help = "Appended to, a JSON object a line; without it stderr." },
	{ "level", KEY_WORD, AT(config, log_level), .fallback = "info", .words = levels,
	    .help = "The least: debug, info, notice, warn or error." },
	{ .name = NULL },
};

static const struct key keys_hooks[] = {
	{ "listen", KEY_STRING, AT(config, hooks_listen), .example = "\"127.0.0.1:8090\"",
	    .help = "Where webhooks are taken, ADDRESS:PORT, as POST /hooks/PLUGIN; without it "
		    "nowhere. A reverse proxy before it does TLS." },
	{ .name = NULL },
};

static const struct key keys_notify[] = {
	{ "operation", KEY_STRING, KEY_REQUIRED, AT(config_notify, operation),
	    .example = "\"slack.post\"",
	    .help = "Who is told: an operation of a plugin, PLUGIN.OPERATION, that takes text and "
		    "key." },
	{ "on", KEY_STRINGS, KEY_REQUIRED, AT(config_notify, on),
	    .example = "(\"pull\", \"needs-info\", \"dead\")",
	    .help = "Of what: start, pull, needs-info, dead, budget." },
	{ "kinds", KEY_STRINGS, AT(config_notify, kinds), .example = "(\"jira.fix\")",
	    .help = "Of jobs of these kinds; without it of all." },
	{ "fields", KEY_OPTIONS, AT(config_notify, fields), .example = "{ channel = \"C012\"; }",
	    .help = "What else the operation's request has." },
	{ .name = NULL },
};

static const struct key keys_trees[] = {
	{ "warm", KEY_INT, AT(config, warm_trees), .fallback = "4", .min = 0, .max = 10000,
	    .help = "Released worktrees kept ready, per repo." },
	{ "max_age", KEY_DURATION, AT(config, tree_max_age_ms), .fallback = "7d", .min = 60000,
	    .help = "An older one goes." },
	{ "max_bytes", KEY_SIZE, AT(config, trees_max_bytes), .fallback = "0",
	    .help = "Of all of them; \"0\": no limit but disk_floor." },
	{ .name = NULL },
};

static const struct key keys_http[] = {
	{ "ca_file", KEY_PATH, AT(config, http_ca_file), .example = "\"/etc/ssl/certs/acme.pem\"",
	    .help = "Certificates to trust; without it the system's." },
	{ "proxy", KEY_STRING, AT(config, http_proxy),
	    .example = "\"http://proxy.example.net:3128\"",
	    .help =
		"For all but loopback addresses; without it none, whatever the environment says." },
	{ "cache_max", KEY_SIZE, AT(config, http_cache_max), .fallback = "64M",
	    .help = "Of kept answers of one plugin; \"0\": none are kept." },
	{ .name = NULL },
};

const struct key keys_config[] = {
	{ "state_dir", KEY_PATH, AT(config, state_dir), .example = "\"/var/lib/drover\"",
	    .help = "Database, mirrors, worktrees, outputs; one daemon each. Without it "
		    "$XDG_STATE_HOME/drover, for root /var/lib/drover." },
	{ "cache_dir", KEY_PATH, AT(config, cache_dir), .example = "\"/var/cache/drover\"",
	    .help = "Package caches that jobs share. Without it $XDG_CACHE_HOME/drover, for root "
		    "/var/cache/drover." },
	{ "socket", KEY_PATH, AT(config, socket), .example = "\"/run/drover/drover.sock\"",
	    .help = "Of the API. Without it $XDG_RUNTIME_DIR/drover.sock, else drover.sock in "
		    "state_dir." },
	{ "plugin_dirs", KEY_PATHS, AT(config, plugin_dirs), .fallback = PLUGINDIR,
	    .help = "Where plugins are looked for, in this order." },
	{ "prompts", KEY_PATH, AT(config, prompts), .example = "\"/etc/drover/prompts\"",
	    .help = "Folder with prompts that go before drover's own (drover prompt list)." },
	{ "running", KEY_INT, AT(config, running), .fallback = "3", .min = 1, .max = 10000,
	    .help = "Jobs at once, of all pools together." },
	{ "memory_floor", KEY_SIZE, AT(config, memory_floor), .fallback = "512M",
	    .help = "Nothing starts while less memory is available." },
	{ "disk_floor", KEY_SIZE, AT(config, disk_floor), .fallback = "1G",
	    .help = "Nothing starts while less is free where state_dir lies." },
	{ "drain_timeout", KEY_DURATION, AT(config, drain_timeout_ms), .fallback = "90s",
	    .help = "How long a draining daemon waits for running jobs." },
	{ "output_max", KEY_SIZE, AT(config, output_max), .fallback = "64M", .min = 4096,
	    .help = "What is kept of one attempt's output." },
	{ "keep_jobs", KEY_DURATION, AT(config, keep_jobs_ms), .fallback = "30d", .min = 60000,
	    .help = "Succeeded and cancelled jobs are removed after this; dead ones never." },
	{ "log", KEY_GROUP, .table = keys_log, .help = "The daemon's log." },
	{ "http", KEY_GROUP, .table = keys_http, .help = "Requests of plugins." },
	{ "hooks", KEY_GROUP, .table = keys_hooks,
	    .help = "Webhooks: they make a poll come sooner." },
	{ "trees", KEY_GROUP, .table = keys_trees, .help = "Worktrees between two jobs." },
	{ "pools", KEY_MAP, MANY(config, pools, config_pool), .table = keys_pool, .sample = "huge",
	    .help = "Named capacity. light (2 slots) and heavy (1) are always there." },
	{ "agents", KEY_MAP, MANY(config, agents, config_agent), .table = keys_agent,
	    .sample = "codex", .help = "Coding agents." },
	{ "repos", KEY_LIST, MANY(config, repos, config_repo), .table = keys_repo,
	    .help = "Repositories that jobs may work on." },
	{ "plugins", KEY_LIST, MANY(config, plugins, config_plugin), .table = keys_plugin,
	    .help = "What is loaded." },
	{ "notify", KEY_LIST, MANY(config, notify, config_notify), .table = keys_notify,
	    .help = "Who is told when something happens to a job." },
	{ .name = NULL },
};

const struct key *
keys_find(const struct key *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table->kind == KEY_REST || table->kind == KEY_AT ? NULL : table;
	return NULL;
}

size_t
keys_distance(const char *a, const char *b)
{
	size_t row[65], i, j, up, left, la = strlen(a), lb = strlen(b);

	if (la > 64 || lb > 64)
		return SIZE_MAX;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		left = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			up = row[j];
			row[j] = left + (a[i - 1] != b[j - 1]);
			if (row[j] > up + 1)
				row[j] = up + 1;
			if (row[j] > row[j - 1] + 1)
				row[j] = row[j - 1] + 1;
			left = up;
		}
	}
	return row[lb];
}

const char *
keys_nearest(const struct key *table, const char *name)
{
	size_t d, best = strlen(name) / 3 + 2;
	const char *nearest = NULL;

	for (; table->name != NULL; table++) {
		if (table->kind == KEY_REST || table->kind == KEY_AT)
			continue;
		if ((d = keys_distance(table->name, name)) < best) {
			best = d;
			nearest = table->name;
		}
	}
	return nearest;
}
