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
	/* Bytes that one of its jobs is expected to need; 0: not known. */
	int64_t memory;
};

enum config_prompt { PROMPT_STDIN, PROMPT_ARGUMENT, PROMPT_FILE };

/*
 * A coding-agent CLI. The words {prompt} and {prompt_file} in command stand for
 * the prompt and for a file with the prompt.
 */
struct config_agent {
	char *name;
	char **command;             /* argv, NULL-terminated */
	/* Argv for runs that must change nothing; NULL: the same as command. */
	char **read_only;
	enum config_prompt prompt;
	char *output;               /* "codex", "stream-json", "opencode", "plain" */
	char **env;                 /* "NAME=value", NULL-terminated */
	char **env_pass; /* names of variables of the daemon that it may see, NULL-terminated */
	int64_t timeout_ms;         /* 0: the caller's timeout */
};

struct config_repo {
	char *name;
	char *url;                  /* absolute path, file://, http(s)://, ssh */
	char *base;                 /* branch; NULL: the remote's HEAD */
	char *forge;                /* plugin that opens pulls, or NULL */
	char *transport;            /* "libgit2" or "git" */
	char *lease;                /* "worktree" or "clone" */
	char ***setup, ***check;    /* lists of argv, NULL-terminated */
	int64_t setup_timeout_ms, check_timeout_ms;
	char **forbidden;           /* globs (fnmatch, ** too) that a change must not touch */
	int64_t max_files, max_bytes; /* of one change */
	int slots;                  /* jobs at a time; 0: no limit of its own */
	char *user;                 /* for the token; default "x-access-token" */
	/* Where the token is, never the token itself; at most one is set. */
	char *token_file, *token_env;
	char **token_command;
	/*
	 * Plugin whose operation git-token gives the token; instead of these
	 * three.
	 */
	char *token_from;
	char **env;                 /* "NAME=value" for setup, check and agents */
	char *prompts;              /* folder with prompts for work on this repo, or NULL */
};

/*
 * The keys that each pipeline has, whatever its plugin. -1 or NULL: the
 * plugin's own default.
 */
struct config_pipeline {
	char *name;                 /* without the plugin's name */
	char *pool, *agent;
	int64_t timeout_ms, silence_ms;
	int retries, slots;         /* slots: jobs of this kind at a time; 0: no limit of its own */
	char **yield_to;            /* kinds that go first, NULL-terminated */
	/* The ageing bound: after waiting this long it yields no more. */
	int64_t yield_max_ms;
	cJSON *options; /* {"key": {"value": ..., "at": "file:line"}} for the plugin's own table */
};

struct config_source {
	char *name;
	bool enabled;
	int64_t interval_ms;        /* -1: the plugin's own */
	int64_t poll_timeout_ms;
	char *prompts;              /* folder with prompts for its jobs, or NULL */
	/*
	 * Who may start work through it, NULL-terminated; NULL: the plugin's
	 * own list.
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

/* A notification: which events are told, and by which operation of a plugin. */
struct config_notify {
	char *operation;            /* "slack.post" */
	char **on; /* "start", "pull", "needs-info", "dead", "budget"; NULL-terminated */
	char **kinds;               /* NULL or empty: all kinds */
	cJSON *fields; /* {"channel": {"value": ..., "at": ...}}: members of its request */
};

struct config {
	char *file;                 /* NULL when it was made from a text in memory */
	char *state_dir;            /* database, mirrors, worktrees, outputs; 0700 */
	char *cache_dir;            /* package caches of the jobs */
	char *socket;               /* of the API */
	char **plugin_dirs;         /* searched in order */
	char *prompts;              /* folder with prompts that replace drover's own, or NULL */
	char *log_file;             /* NULL: stderr */
	int log_level;              /* enum drover_level */
	int running;                /* total slots */
	int64_t memory_floor;       /* nothing starts while MemAvailable is below it */
	int64_t disk_floor;         /* nothing starts while state_dir has fewer bytes free */
	int64_t drain_timeout_ms;
	int64_t output_max;         /* bytes kept of one attempt's output */
	/*
	 * Succeeded and cancelled jobs are removed after this; dead ones never.
	 */
	int64_t keep_jobs_ms;
	int warm_trees;             /* per repo */
	int64_t tree_max_age_ms;    /* a warm worktree older than this is removed */
	int64_t trees_max_bytes;    /* 0: no limit but the disk floor */
	char *http_ca_file;         /* file with the trusted certificates; NULL: the system's */
	char *http_proxy;           /* URL; NULL: requests go out directly */
	int64_t http_cache_max;     /* bytes of kept answers, per plugin */
	/* "HOST:PORT" where webhooks are taken; NULL: they are not taken. */
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
	cJSON *origins; /* {"running": "drover.conf:3", "pools.heavy.slots": "env
			   DROVER_POOLS_HEAVY_SLOTS", ...} */
};

/*
 * Reads file (NULL: $XDG_CONFIG_HOME/drover/drover.conf, else
 * SYSCONFDIR/drover/drover.conf), its conf.d and the environment. On the first
 * fault NULL and DROVER_CONFIG with "FILE:LINE: what is wrong, and what would
 * be right". warnings (may be NULL) gets a line for each warning.
 */
struct config *config_load(const char *file, struct buf *warnings, struct error *);
/*
 * As config_load() for a text in memory, without conf.d and environment; errors
 * call it name. "" gives the defaults.
 */
struct config *config_parse(const char *text, const char *name, struct error *);
void config_free(struct config *);

/*
 * The whole configuration as JSON, with secrets only by where they are. Runners
 * get it this way: config_from_json(config_to_json(c)) equals c. The caller
 * deletes.
 */
cJSON *config_to_json(const struct config *);
struct config *config_from_json(const cJSON *, struct error *);

/* Finds an entry by name; NULL when there is no such entry. Borrowed. */
const struct config_pool *config_pool(const struct config *, const char *name);
const struct config_agent *config_agent(const struct config *, const char *name);
const struct config_repo *config_repo(const struct config *, const char *name);
const struct config_plugin *config_plugin(const struct config *, const char *name);
const struct config_pipeline *config_pipeline(const struct config *,
    const char *kind); /* "inbox.ticket" */
const struct config_source *config_source(const struct config *,
    const char *name); /* "inbox.ticket" */

/*
 * Adds a commented example with every key, as `drover config example` prints
 * it.
 */
void config_example(struct buf *out);
/*
 * As libconfig text, for `drover config show`; with_origin adds "# from
 * FILE:LINE" to each value.
 */
void config_show(const struct config *, bool with_origin, struct buf *out);
/* A line per difference, "pools.heavy.slots: 1 -> 2"; returns how many. */
int config_diff(const struct config *from, const struct config *to, struct buf *out);

/*
 * What a plugin declares, as the executable droverd describes it
 * (loader_describe()). NULL when that cannot load it within 10 seconds; its
 * runner will say why. The caller deletes.
 */
cJSON *config_describe(const struct config *, const char *droverd, const char *plugin);

#endif
