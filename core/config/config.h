/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: one libconfig file, then each .conf of conf.d beside it
 * (sorted, last wins), then the environment for scalars. A struct config is
 * never changed once it is loaded: a reload makes a new one.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

struct config_pool {
	char *name;
	int slots;                  /* 1 or more */
	/* bytes that one of its jobs is expected to need; 0 means not known */
	int64_t memory;
};

/* From the least strict to the strictest. */
enum config_sandbox { SANDBOX_OFF, SANDBOX_ON, SANDBOX_REQUIRED };

enum config_network { NETWORK_ALL, NETWORK_NONE };

enum config_prompt { PROMPT_STDIN, PROMPT_ARGUMENT, PROMPT_FILE };

/*
 * A coding-agent CLI. The words {prompt} and {prompt_file} in command stand for
 * the prompt and for a file with the prompt.
 */
struct config_agent {
	char *name;
	char **command;             /* argv, NULL-terminated */
	/* argv for runs that must change nothing; NULL means command */
	char **read_only;
	enum config_prompt prompt;
	char *output;               /* "codex", "stream-json", "opencode", "plain" */
	char **env;                 /* "NAME=value", NULL-terminated */
	char **env_pass; /* names of the daemon's variables that it may see, NULL-terminated */
	int64_t timeout_ms;         /* 0 means the caller's timeout */
	int sandbox;                /* enum config_sandbox; -1 means that of struct config */
	int network;                /* enum config_network */
	char **home;                /* paths that the sandbox shows, writable */
};

/* What becomes of a repo's submodules: the values of its key submodules. */
enum config_submodules { SUBMODULES_FILL, SUBMODULES_NONE };

struct config_repo {
	char *name;
	char *url;                  /* absolute path, file://, http(s)://, ssh */
	char *base;                 /* branch; NULL means the remote's HEAD */
	char *forge;                /* plugin that opens pull requests, or NULL */
	char *transport;            /* "libgit2" or "git" */
	char ***setup, ***check;    /* lists of argv, NULL-terminated */
	/* globs of the checks' own files; empty: see change_checks.c */
	char **check_files;
	int64_t setup_timeout_ms, check_timeout_ms;
	/* globs (see change_glob()) of paths that a change must not touch */
	char **forbidden;
	int64_t max_files, max_bytes; /* limits of one change */
	int max_deleted;              /* percent of the files that one change may delete */
	int submodules;               /* enum config_submodules */
	int slots;                  /* jobs at a time; 0 means no limit of its own */
	char *user;                 /* user that goes with the token; "x-access-token" by default */
	/* where the token is, never the token itself; at most one is set */
	char *token_file, *token_env;
	char **token_command;
	/*
	 * plugin whose operation git-token gives the token, instead of these
	 * three
	 */
	char *token_from;
	char **env;                 /* "NAME=value" for setup, check and agents */
	char *prompts;              /* folder with prompts for work on this repo, or NULL */
	int sandbox;                /* enum config_sandbox; -1 means that of struct config */
	int network;                /* enum config_network, for setup, check and agents */
	/* paths that the sandbox shows to setup and check, writable */
	char **home;
	/* how its commits are made; see struct identity */
	char *author, *sign_key_file;
	bool signoff;
};

/*
 * The keys that each pipeline has, whatever its plugin is. -1 and NULL mean the
 * plugin's own default.
 */
struct config_pipeline {
	char *name;                 /* without the plugin's name */
	char *pool, *agent;
	int64_t timeout_ms, silence_ms;
	/*
	 * slots is the number of jobs of this kind at a time; 0 means no limit
	 */
	int retries, slots;
	char **yield_to;            /* kinds that go first, NULL-terminated */
	/* a job that has waited for so long yields no more */
	int64_t yield_max_ms;
	cJSON *options; /* {"key": {"value": ..., "at": "file:line"}} for the plugin's own table */
};

struct config_source {
	char *name;
	bool enabled;
	int64_t interval_ms;        /* -1 means the plugin's default */
	int64_t poll_timeout_ms;
	char *prompts;              /* folder with prompts for its jobs, or NULL */
	/*
	 * the people who may start work through it, NULL-terminated; NULL means
	 * the plugin's own list
	 */
	char **authors;
	cJSON *options;
};

struct config_plugin {
	char *name;
	char *at;                   /* "file:line" */
	cJSON *options;
	struct config_source *sources;
	int sources_len;
	struct config_pipeline *pipelines;
	int pipelines_len;
};

/*
 * A notification: the events that are told, and the operation that tells them.
 */
struct config_notify {
	char *operation;            /* "slack.post" */
	char **on; /* "start", "pull", "needs-info", "dead", "budget"; NULL-terminated */
	char **kinds;               /* NULL or empty means all kinds */
	cJSON *fields; /* members of its request: {"channel": {"value": ..., "at": ...}} */
};

struct config {
	char *file;                 /* NULL if it was made from a text in memory */
	char *state_dir;            /* database, mirrors, worktrees, outputs; 0700 */
	char *cache_dir;            /* package caches of the jobs */
	char *socket;               /* of the API */
	char **plugin_dirs;         /* folders that are searched in this order */
	char *prompts;              /* folder with prompts that replace drover's own, or NULL */
	char *log_file;             /* NULL means stderr */
	int log_level;              /* enum drover_level */
	int running;                /* total slots */
	int64_t memory_floor;       /* nothing starts while MemAvailable is below it */
	int64_t disk_floor;         /* nothing starts while state_dir has fewer bytes free */
	int64_t drain_timeout_ms;
	int64_t output_max;         /* bytes kept of one attempt's output */
	/*
	 * succeeded and cancelled jobs are removed after this time; dead ones
	 * never
	 */
	int64_t keep_jobs_ms;
	int sandbox;                /* enum config_sandbox, where agents and repos have none */
	char *author;               /* "Name <mail>", where repos have none */
	char *sign_key_file;        /* NULL means that commits are not signed */
	bool signoff;               /* commits for all repos have a sign-off */
	int warm_trees;             /* per repo */
	int64_t tree_max_age_ms;    /* a warm worktree older than this is removed */
	int64_t trees_max_bytes;    /* 0 means no limit but the disk floor */
	/* file with the trusted certificates; NULL means the system's */
	char *http_ca_file;
	char *http_proxy;           /* URL; NULL means that requests go out directly */
	int64_t http_cache_max;     /* bytes of kept answers, per plugin */
	/*
	 * "HOST:PORT" at which webhooks are taken; NULL means that they are not
	 */
	char *hooks_listen;
	struct config_pool *pools;
	int pools_len;
	struct config_agent *agents;
	int agents_len;
	struct config_repo *repos;
	int repos_len;
	struct config_plugin *plugins;
	int plugins_len;
	struct config_notify *notify;
	int notify_len;
	cJSON *origins; /* {"running": "drover.conf:3", "log.level": "env DROVER_LOG_LEVEL", ...} */
};

/*
 * Reads a file, its conf.d and the environment. file NULL means
 * $XDG_CONFIG_HOME/drover/drover.conf, else SYSCONFDIR/drover/drover.conf.
 * Returns NULL on the first fault, with DROVER_CONFIG and "FILE:LINE: what is
 * wrong, and what would be right". warnings (may be NULL) gets a line for each
 * warning.
 */
struct config *config_load(const char *file, struct buf *warnings, struct error *);
/*
 * Like config_load(), for looking something up: it does not ask whether the
 * files of keys are fit for use.
 */
struct config *config_look(const char *file, struct error *);
/*
 * Like config_load(), for a text in memory, without conf.d and the environment.
 * Errors call the text name. The text "" gives the defaults.
 */
struct config *config_parse(const char *text, const char *name, struct error *);
void config_free(struct config *);

/*
 * Returns the whole configuration as JSON; of secrets it only says where they
 * are. Runners get it this way, and config_from_json() makes an equal
 * configuration of it. The caller deletes it.
 */
cJSON *config_to_json(const struct config *);
struct config *config_from_json(const cJSON *, struct error *);

/* Find an entry by name; NULL if there is no such entry. Borrowed. */
const struct config_pool *config_pool(const struct config *, const char *name);
const struct config_agent *config_agent(const struct config *, const char *name);
const struct config_repo *config_repo(const struct config *, const char *name);
const struct config_plugin *config_plugin(const struct config *, const char *name);
const struct config_pipeline *config_pipeline(const struct config *,
    const char *kind); /* "inbox.ticket" */
const struct config_source *config_source(const struct config *,
    const char *name); /* "inbox.ticket" */

/*
 * Appends a commented example with every key, as `drover config example` prints
 * it.
 */
void config_example(struct buf *out);
/*
 * Appends the configuration as libconfig text, for `drover config show`.
 * with_origin adds "# from FILE:LINE" to each value.
 */
void config_show(const struct config *, bool with_origin, struct buf *out);
/*
 * Appends a line for each difference, such as "pools.heavy.slots: 1 -> 2", and
 * returns how many there are.
 */
int config_diff(const struct config *from, const struct config *to, struct buf *out);

/*
 * Returns what a plugin declares, as the executable droverd describes it with
 * loader_describe(). NULL if it cannot be loaded within 10 seconds; its runner
 * will say why. The caller deletes it.
 */
cJSON *config_describe(const struct config *, const char *droverd, const char *plugin);

#endif
