/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every key of the configuration. To add one, add a line here and a member in
 * config.h.
 */
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"
#include "config/identity.h"
#include "config/keys.h"

#define AT(type, member) .offset = offsetof(struct type, member)
#define MANY(type, member, element) \
	AT(type, member), .size = sizeof(struct element), \
			  .len_offset = offsetof(struct type, member##_len)

static const char *const prompts[] = { "stdin", "argument", "file", NULL };
static const char *const outputs[] = { "codex", "stream-json", "opencode", "plain", NULL };
static const char *const transports[] = { "libgit2", "git", NULL };
static const char *const submodules[] = { "fill", "none", NULL };
static const char *const sandboxes[] = { "off", "on", "required", NULL };
static const char *const networks[] = { "all", "none", NULL };
static const char *const levels[] = { "debug", "info", "notice", "warn", "error", NULL };

static const struct key keys_pool[] = {
	{ "slots", KEY_INT, AT(config_pool, slots), .fallback = "1", .min = 1, .max = 10000,
	    .help = "How many jobs of this pool may run at once." },
	{ "memory", KEY_SIZE, AT(config_pool, memory), .fallback = "0", .example = "\"2G\"",
	    .help = "Memory that one job of it is expected to need; \"0\": it is not counted." },
	{ .name = NULL },
};

static const struct key keys_agent[] = {
	{ "command", KEY_ARGV, KEY_REQUIRED, AT(config_agent, command),
	    .example = "(\"codex\", \"exec\", \"--json\", \"-\")",
	    .help = "The argv. {prompt} and {prompt_file} become the prompt and the path of a "
		    "file with it." },
	{ "read_only", KEY_ARGV, AT(config_agent, read_only),
	    .example = "(\"codex\", \"exec\", \"--json\", \"--sandbox\", \"read-only\", \"-\")",
	    .help = "The argv for runs that must change nothing; without it, command. drover "
		    "undoes what such a run changes." },
	{ "prompt", KEY_WORD, AT(config_agent, prompt), .fallback = "stdin", .words = prompts,
	    .help = "How the agent gets the prompt: stdin, argument or file." },
	{ "output", KEY_STRING, AT(config_agent, output), .fallback = "plain",
	    .example = "\"codex\"", .words = outputs,
	    .help = "How its output is read: codex, stream-json, opencode or plain." },
	{ "env", KEY_STRINGS, AT(config_agent, env), .example = "(\"NO_COLOR=1\")",
	    .help = "Variables that it gets, NAME=VALUE." },
	{ "env_pass", KEY_STRINGS, AT(config_agent, env_pass), .example = "(\"OPENAI_API_KEY\")",
	    .help = "Names of variables of the daemon that it gets as well." },
	{ "timeout", KEY_DURATION, AT(config_agent, timeout_ms), .fallback = "0s",
	    .example = "\"30m\"",
	    .help = "Longest time of one run; \"0s\": as long as the job may take." },
	{ "sandbox", KEY_WORD, AT(config_agent, sandbox), .example = "\"on\"", .unset = -1,
	    .words = sandboxes,
	    .help = "off, on or required; without it, the sandbox of the whole configuration. "
		    "The stricter of the agent's and the repo's counts." },
	{ "network", KEY_WORD, AT(config_agent, network), .fallback = "all", .words = networks,
	    .help = "all; none: it reaches no network, and does not run without a sandbox. "
		    "The stricter of the agent's and the repo's counts." },
	{ "home", KEY_PATHS, AT(config_agent, home), .example = "(\"~/.codex\")",
	    .help = "What it needs of the home folder: these paths are there in the sandbox, and "
		    "it may write them." },
	{ .name = NULL },
};

static const struct key keys_repo[] = {
	{ "name", KEY_STRING, KEY_REQUIRED | KEY_NAME, AT(config_repo, name), .example = "\"web\"",
	    .help = "The name that jobs and sources use for it." },
	{ "url", KEY_STRING, KEY_REQUIRED, AT(config_repo, url),
	    .example = "\"https://github.com/acme/web.git\"",
	    .help = "An absolute path, file://, http://, https://, ssh:// or user@host:path." },
	{ "base", KEY_STRING, AT(config_repo, base), .example = "\"main\"",
	    .help = "The branch from which work starts; without it, the remote's HEAD." },
	{ "forge", KEY_STRING, KEY_NAME, AT(config_repo, forge), .example = "\"github\"",
	    .help = "The plugin that opens pull requests." },
	{ "transport", KEY_STRING, AT(config_repo, transport), .fallback = "libgit2",
	    .words = transports,
	    .help = "libgit2; or git, for partial clones and ssh configurations." },
	{ "setup", KEY_ARGVS, AT(config_repo, setup), .example = "( (\"npm\", \"ci\") )",
	    .help = "Commands that run before the agent, one after the other." },
	{ "check", KEY_ARGVS, AT(config_repo, check), .example = "( (\"npm\", \"test\") )",
	    .help = "Commands that must succeed before a change is pushed." },
	{ "check_files", KEY_STRINGS, AT(config_repo, check_files),
	    .example = "(\"Makefile\", \"test/*.sh\")",
	    .help = "Globs of the files that checks are made of; without it, those that the words "
		    "of check name." },
	{ "setup_timeout", KEY_DURATION, AT(config_repo, setup_timeout_ms), .fallback = "10m",
	    .min = 1000, .help = "Longest time of each setup command." },
	{ "check_timeout", KEY_DURATION, AT(config_repo, check_timeout_ms), .fallback = "15m",
	    .min = 1000, .help = "Longest time of each check command." },
	{ "forbidden", KEY_STRINGS, AT(config_repo, forbidden), .example = "(\".github/**\")",
	    .help = "Globs of paths that a change must not touch; without it, the files of CI "
		    "services." },
	{ "max_files", KEY_LONG, AT(config_repo, max_files), .fallback = "300", .min = 1,
	    .help = "How many files one change may touch." },
	{ "max_bytes", KEY_SIZE, AT(config_repo, max_bytes), .fallback = "10M", .min = 1,
	    .help = "Total size that the changed files of one change may have." },
	{ "max_deleted", KEY_INT, AT(config_repo, max_deleted), .fallback = "50", .min = 1,
	    .max = 100,
	    .help = "How many percent of the repo's files one change may delete; it may always "
		    "delete 9." },
	{ "submodules", KEY_WORD, AT(config_repo, submodules), .fallback = "fill",
	    .words = submodules,
	    .help = "fill: submodules have their files, fetched from where .gitmodules says; or "
		    "none: their folders stay empty." },
	{ "slots", KEY_INT, AT(config_repo, slots), .fallback = "0", .min = 0, .max = 10000,
	    .help = "How many jobs may work on it at once; 0: as many as the pools allow." },
	{ "user", KEY_STRING, AT(config_repo, user), .fallback = "x-access-token",
	    .help = "The user name that goes with the token." },
	{ "token_file", KEY_PATH, AT(config_repo, token_file),
	    .example = "\"/etc/drover/web.token\"",
	    .help = "The file with the token, which only its owner may read (or use token_env "
		    "or token_command)." },
	{ "token_env", KEY_STRING, AT(config_repo, token_env),
	    .help = "The variable of the daemon that has the token." },
	{ "token_command", KEY_ARGV, AT(config_repo, token_command),
	    .help = "The command that prints the token: an argv, ended after 10 seconds." },
	{ "token_from", KEY_STRING, KEY_NAME, AT(config_repo, token_from), .example = "\"github\"",
	    .help = "The plugin that is asked for the token, instead of a token of the repo's "
		    "own." },
	{ "env", KEY_STRINGS, AT(config_repo, env), .example = "(\"CI=1\")",
	    .help = "Variables for setup, check and agents, NAME=VALUE." },
	{ "prompts", KEY_PATH, AT(config_repo, prompts), .example = "\"/etc/drover/prompts/web\"",
	    .help = "Folder with prompts for work on it (see drover prompt list)." },
	{ "sandbox", KEY_WORD, AT(config_repo, sandbox), .example = "\"on\"", .unset = -1,
	    .words = sandboxes,
	    .help = "off, on or required, for agents, setup and check; without it, the sandbox of "
		    "the whole configuration." },
	{ "network", KEY_WORD, AT(config_repo, network), .fallback = "all", .words = networks,
	    .help = "all; none: agents, setup and check reach no network, and do not run "
		    "without a sandbox." },
	{ "home", KEY_PATHS, AT(config_repo, home), .example = "(\"~/.npmrc\")",
	    .help = "What setup and check need of the home folder: these paths are there in the "
		    "sandbox. Agents do not see them." },
	{ "author", KEY_STRING, AT(config_repo, author),
	    .example = "\"Robot <robot@example.org>\"",
	    .help = "Author and committer of its commits; without it, the author of the whole "
		    "configuration." },
	{ "signoff", KEY_BOOL, AT(config_repo, signoff), .fallback = "false",
	    .help = "Whether its commits have a line Signed-off-by with that name; true in the "
		    "whole configuration counts as well." },
	{ "sign_key_file", KEY_PATH, AT(config_repo, sign_key_file),
	    .example = "\"/etc/drover/web.key\"",
	    .help = "The key that signs its commits; without it, that of the whole "
		    "configuration." },
	{ .name = NULL },
};

static const struct key keys_source[] = {
	{ "enabled", KEY_BOOL, AT(config_source, enabled), .fallback = "true",
	    .help = "Whether it is polled." },
	{ "interval", KEY_DURATION, AT(config_source, interval_ms), .example = "\"30s\"",
	    .min = 1000, .unset = -1,
	    .help = "Time between two polls; without it, the plugin's default." },
	{ "prompts", KEY_PATH, AT(config_source, prompts),
	    .example = "\"/etc/drover/prompts/comments\"",
	    .help = "Folder with prompts for its jobs (see drover prompt list)." },
	{ "poll_timeout", KEY_DURATION, AT(config_source, poll_timeout_ms), .fallback = "5m",
	    .min = 1000, .help = "A poll that takes longer hangs: its plugin is started again." },
	{ "authors", KEY_STRINGS, AT(config_source, authors),
	    .example = "(\"octocat\", \"member\")", .unset = -1,
	    .help = "Who may start work: ids and marks as the plugin gives them; without it, "
		    "the plugin's default. \"*\" allows everyone." },
	{ "options", KEY_REST, AT(config_source, options) },
	{ .name = NULL },
};

static const struct key keys_pipeline[] = {
	{ "pool", KEY_STRING, AT(config_pipeline, pool), .example = "\"light\"",
	    .help = "The pool of its jobs; without it, the plugin's default." },
	{ "agent", KEY_STRING, AT(config_pipeline, agent), .example = "\"codex\"",
	    .help = "The agent that does the work." },
	{ "timeout", KEY_DURATION, AT(config_pipeline, timeout_ms), .example = "\"50m\"",
	    .min = 1000, .unset = -1, .help = "Longest time of one attempt." },
	{ "silence", KEY_DURATION, AT(config_pipeline, silence_ms), .example = "\"5m\"",
	    .min = 1000, .unset = -1,
	    .help = "An attempt without output and without use of the CPU for so long is ended." },
	{ "retries", KEY_INT, AT(config_pipeline, retries), .example = "2", .min = 0, .max = 100,
	    .unset = -1, .help = "How often a failed job is tried again." },
	{ "slots", KEY_INT, AT(config_pipeline, slots), .fallback = "0", .min = 0, .max = 10000,
	    .help = "How many jobs of this kind may run at once; 0: as many as the pool allows." },
	{ "yield_to", KEY_STRINGS, AT(config_pipeline, yield_to), .example = "(\"github.other\")",
	    .help = "Kinds that go first while they have work." },
	{ "yield_max", KEY_DURATION, AT(config_pipeline, yield_max_ms), .fallback = "30m",
	    .help = "A job that has waited so long no longer yields." },
	{ "options", KEY_REST, AT(config_pipeline, options) },
	{ .name = NULL },
};

static const struct key keys_plugin[] = {
	{ "name", KEY_STRING, KEY_REQUIRED | KEY_NAME, AT(config_plugin, name),
	    .example = "\"github\"", .help = "The file is NAME.so in one of plugin_dirs." },
	{ "at", KEY_AT, AT(config_plugin, at) },
	{ "options", KEY_OPTIONS, AT(config_plugin, options),
	    .example = "{ app_id = \"12345\"; private_key_file = \"/etc/drover/github.pem\"; }",
	    .help = "Options of the plugin (see drover plugin info). A secret is given as "
		    "KEY_file, KEY_env or KEY_command." },
	{ "sources", KEY_MAP, MANY(config_plugin, sources, config_source), .table = keys_source,
	    .sample = "pr-comment",
	    .help = "What it polls. Keys of a source that are not listed here are its options "
		    "(see drover plugin info)." },
	{ "pipelines", KEY_MAP, MANY(config_plugin, pipelines, config_pipeline),
	    .table = keys_pipeline, .sample = "pr-comment",
	    .help = "How it carries out jobs. Keys of a pipeline that are not listed here are "
		    "its options." },
	{ .name = NULL },
};

static const struct key keys_log[] = {
	{ "file", KEY_PATH, AT(config, log_file), .example = "\"/var/log/drover.log\"",
	    .help = "The log is appended to this file, a JSON object a line; without it, to "
		    "standard error." },
	{ "level", KEY_WORD, AT(config, log_level), .fallback = "info", .words = levels,
	    .help = "The lowest level that is logged: debug, info, notice, warn or error." },
	{ .name = NULL },
};

static const struct key keys_hooks[] = {
	{ "listen", KEY_STRING, AT(config, hooks_listen), .example = "\"127.0.0.1:8090\"",
	    .help = "ADDRESS:PORT on which POST /hooks/PLUGIN is taken; without it, webhooks "
		    "are off. Put a reverse proxy with TLS before it." },
	{ .name = NULL },
};

static const struct key keys_notify[] = {
	{ "operation", KEY_STRING, KEY_REQUIRED, AT(config_notify, operation),
	    .example = "\"slack.post\"",
	    .help = "The operation that tells people, PLUGIN.OPERATION; it must take text and "
		    "key." },
	{ "on", KEY_STRINGS, KEY_REQUIRED, AT(config_notify, on),
	    .example = "(\"pull\", \"needs-info\", \"dead\")",
	    .help = "The events that it tells of: start, pull, needs-info, dead, budget." },
	{ "kinds", KEY_STRINGS, AT(config_notify, kinds), .example = "(\"jira.fix\")",
	    .help = "The kinds of jobs that it tells of; without it, all." },
	{ "fields", KEY_OPTIONS, AT(config_notify, fields), .example = "{ channel = \"C012\"; }",
	    .help = "Further members of the operation's request." },
	{ .name = NULL },
};

static const struct key keys_trees[] = {
	{ "warm", KEY_INT, AT(config, warm_trees), .fallback = "4", .min = 0, .max = 10000,
	    .help = "How many released worktrees of a repo are kept ready." },
	{ "max_age", KEY_DURATION, AT(config, tree_max_age_ms), .fallback = "7d", .min = 60000,
	    .help = "A released worktree that was not used for so long is removed." },
	{ "max_bytes", KEY_SIZE, AT(config, trees_max_bytes), .fallback = "0",
	    .help = "Released worktrees are removed while they are larger together; \"0\": only "
		    "disk_floor limits them." },
	{ .name = NULL },
};

static const struct key keys_http[] = {
	{ "ca_file", KEY_PATH, AT(config, http_ca_file), .example = "\"/etc/ssl/certs/acme.pem\"",
	    .help = "Certificates to trust; without it, the system's." },
	{ "proxy", KEY_STRING, AT(config, http_proxy),
	    .example = "\"http://proxy.example.net:3128\"",
	    .help = "Proxy for all but loopback addresses; without it, no proxy is used, "
		    "whatever the environment says." },
	{ "cache_max", KEY_SIZE, AT(config, http_cache_max), .fallback = "64M",
	    .help = "Total size of the answers that are kept for one plugin; \"0\": no answers "
		    "are kept." },
	{ .name = NULL },
};

const struct key keys_config[] = {
	{ "state_dir", KEY_PATH, AT(config, state_dir), .example = "\"/var/lib/drover\"",
	    .help = "Database, mirrors, worktrees and outputs of one daemon. Without it, "
		    "$XDG_STATE_HOME/drover; for root, /var/lib/drover." },
	{ "cache_dir", KEY_PATH, AT(config, cache_dir), .example = "\"/var/cache/drover\"",
	    .help = "Package caches that jobs share. Without it, $XDG_CACHE_HOME/drover; for "
		    "root, /var/cache/drover." },
	{ "socket", KEY_PATH, AT(config, socket), .example = "\"/run/drover/drover.sock\"",
	    .help = "The socket of the API. Without it, $XDG_RUNTIME_DIR/drover.sock, or "
		    "drover.sock in state_dir." },
	{ "plugin_dirs", KEY_PATHS, AT(config, plugin_dirs), .fallback = PLUGINDIR,
	    .help = "Folders in which plugins are looked for, in this order." },
	{ "prompts", KEY_PATH, AT(config, prompts), .example = "\"/etc/drover/prompts\"",
	    .help = "Folder with prompts that replace drover's own (see drover prompt list)." },
	{ "running", KEY_INT, AT(config, running), .fallback = "3", .min = 1, .max = 10000,
	    .help = "How many jobs may run at once, in all pools together." },
	{ "memory_floor", KEY_SIZE, AT(config, memory_floor), .fallback = "512M",
	    .help = "No job starts while less memory is available." },
	{ "disk_floor", KEY_SIZE, AT(config, disk_floor), .fallback = "1G",
	    .help = "No job starts while less disk space is free where state_dir lies." },
	{ "drain_timeout", KEY_DURATION, AT(config, drain_timeout_ms), .fallback = "90s",
	    .help = "How long a daemon that was told to stop waits for running jobs." },
	{ "output_max", KEY_SIZE, AT(config, output_max), .fallback = "64M", .min = 4096,
	    .help = "How much of one attempt's output is kept." },
	{ "keep_jobs", KEY_DURATION, AT(config, keep_jobs_ms), .fallback = "30d", .min = 60000,
	    .help = "Succeeded and cancelled jobs are removed after this; dead ones never." },
	{ "sandbox", KEY_WORD, AT(config, sandbox), .fallback = "off", .words = sandboxes,
	    .help = "off; on: agents, setup and check run in a sandbox where bwrap works; "
		    "required: they do not run without. Agents and repos may have their own." },
	{ "author", KEY_STRING, AT(config, author), .fallback = IDENTITY_DROVER,
	    .help = "Author and committer of commits, \"Name <mail>\"; repos may have their "
		    "own." },
	{ "signoff", KEY_BOOL, AT(config, signoff), .fallback = "false",
	    .help = "Whether commits have a line Signed-off-by with that name." },
	{ "sign_key_file", KEY_PATH, AT(config, sign_key_file),
	    .example = "\"/etc/drover/sign.key\"",
	    .help = "The private key that signs commits, without a passphrase: one of ssh-keygen, "
		    "or one that gpg has exported. Without it, commits are not signed." },
	{ "log", KEY_GROUP, .table = keys_log, .help = "The daemon's log." },
	{ "http", KEY_GROUP, .table = keys_http, .help = "HTTP requests of plugins." },
	{ "hooks", KEY_GROUP, .table = keys_hooks,
	    .help = "Webhooks, which make the next poll come at once." },
	{ "trees", KEY_GROUP, .table = keys_trees, .help = "Worktrees between two jobs." },
	{ "pools", KEY_MAP, MANY(config, pools, config_pool), .table = keys_pool, .sample = "huge",
	    .help = "Named capacity. The pools light (2 slots) and heavy (1 slot) always exist." },
	{ "agents", KEY_MAP, MANY(config, agents, config_agent), .table = keys_agent,
	    .sample = "codex", .help = "Coding agents." },
	{ "repos", KEY_LIST, MANY(config, repos, config_repo), .table = keys_repo,
	    .help = "Repositories that jobs may work on." },
	{ "plugins", KEY_LIST, MANY(config, plugins, config_plugin), .table = keys_plugin,
	    .help = "Plugins to load." },
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
