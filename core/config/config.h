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
	int64_t memory;             /* bytes that one job of it is reckoned with; 0: none */
};

enum config_prompt { PROMPT_STDIN, PROMPT_ARGUMENT, PROMPT_FILE };

/*
 * A coding-agent CLI. The words {prompt} and {prompt_file} in command stand for
 * the prompt and a file with it.
 */
struct config_agent {
	char *name;
	char **command;             /* argv, NULL-terminated */
	char **read_only;           /* argv for runs that must change nothing; NULL: command */
	enum config_prompt prompt;
	char *output;               /* "codex", "stream-json", "opencode", "plain" */
	char **env;                 /* "NAME=value", NULL-terminated */
	char **env_pass; /* names of variables of the daemon that it may see, NULL-terminated */
	int64_t timeout_ms;         /* 0: the caller's */
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
	int slots;                  /* jobs at once; 0: no limit of its own */
	char *user;                 /* for the token; default "x-access-token" */
	char *token_file,
	    *token_env; /* where the token lies; never the token. At most one is set */
	char **token_command;
	char
	    *token_from; /* plugin whose operation git-token hands it out; instead of these three */
	char **env;                 /* "NAME=value" for setup, check and agents */
	char *prompts;              /* folder with prompts for work on it, or NULL */
};

/*
 * What every pipeline can be told, whatever its plugin. -1 or NULL: the
 * plugin's own default.
 */
struct config_pipeline {
	char *name;                 /* without the plugin's */
	char *pool, *agent;
	int64_t timeout_ms, silence_ms;
	int retries, slots;         /* slots: jobs of this kind at once; 0: no limit of its own */
	char **yield_to;            /* kinds that go first, NULL-terminated */
	int64_t yield_max_ms;       /* the ageing bound: after so long it yields no more */
	cJSON *options; /* {"key": {"value": ..., "at": "file:line"}} for the plugin's own table */
};

struct config_source {
	char *name;
	bool enabled;
	int64_t interval_ms;        /* -1: the plugin's own */
	int64_t poll_timeout_ms;
	char *prompts;              /* folder with prompts for its jobs, or NULL */
	char *
	    *authors; /* who may start work through it, NULL-terminated; NULL: as the plugin says */
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

/* What is told, and to whom: an operation of a plugin. */
struct config_notify {
	char *operation;            /* "slack.post" */
	char **on; /* "start", "pull", "needs-info", "dead", "budget"; NULL-terminated */
	char **kinds;               /* NULL or none: all */
	cJSON *fields; /* {"channel": {"value": ..., "at": ...}}: members of its request */
};

struct config {
	char *file;                 /* NULL: built in memory */
	char *state_dir;            /* database, mirrors, worktrees, outputs; 0700 */
	char *cache_dir;            /* package caches of the jobs */
	char *socket;               /* of the API */
	char **plugin_dirs;         /* searched in order */
	char *prompts;              /* folder with prompts that go before drover's own, or NULL */
	char *log_file;             /* NULL: stderr */
	int log_level;              /* enum drover_level */
	int running;                /* total slots */
	int64_t memory_floor;       /* MemAvailable under which nothing starts */
	int64_t disk_floor;         /* free bytes of state_dir under which nothing starts */
	int64_t drain_timeout_ms;
	int64_t output_max;         /* bytes kept of one attempt's output */
	int64_t
	    keep_jobs_ms; /* succeeded and cancelled jobs are removed after this; dead ones never */
	int warm_trees;             /* per repo */
	int64_t tree_max_age_ms;    /* a warm worktree older than this goes */
	int64_t trees_max_bytes;    /* 0: no limit but the disk floor */
	char *http_ca_file;         /* certificates that are trusted; NULL: the system's */
	char *http_proxy;           /* URL; NULL: none */
	int64_t http_cache_max;     /* bytes of kept answers, per plugin */
	char *hooks_listen;         /* "HOST:PORT" where webhooks are taken; NULL: nowhere */
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
 * SYSCONFDIR/drover/drover.conf) and what goes with it. NULL and DROVER_CONFIG
 * with "FILE:LINE: what, and what would be right" on the first fault. warnings
 * (may be NULL) gets a line each.
 */
struct config *config_load(const char *file, struct buf *warnings, struct error *);
/*
 * As config_load for text that stands in memory; name is what errors call it.
 * No conf.d, no environment: of "" come the bounded defaults.
 */
struct config *config_parse(const char *text, const char *name, struct error *);
void config_free(struct config *);

/*
 * The whole of it, secrets only by where they lie.
 * config_from_json(config_to_json(c)) equals c: this is how a runner gets it.
 * The caller deletes.
 */
cJSON *config_to_json(const struct config *);
struct config *config_from_json(const cJSON *, struct error *);

/* NULL when there is none. Borrowed. */
const struct config_pool *config_pool(const struct config *, const char *name);
const struct config_agent *config_agent(const struct config *, const char *name);
const struct config_repo *config_repo(const struct config *, const char *name);
const struct config_plugin *config_plugin(const struct config *, const char *name);
const struct config_pipeline *config_pipeline(const struct config *,
    const char *kind); /* "inbox.ticket" */
const struct config_source *config_source(const struct config *,
    const char *name); /* "inbox.ticket" */

/* A commented example with every key (drover config example). */
void config_example(struct buf *out);
/*
 * As libconfig text; with_origin puts "# from FILE:LINE" behind each value
 * (drover config show).
 */
void config_show(const struct config *, bool with_origin, struct buf *out);
/* A line per difference, "pools.heavy.slots: 1 -> 2"; returns how many. */
int config_diff(const struct config *from, const struct config *to, struct buf *out);

/*
 * What a plugin declares (loader_describe), by the executable droverd; NULL
 * when that cannot load it within 10 seconds: its runner will say why. The
 * caller deletes.
 */
cJSON *config_describe(const struct config *, const char *droverd, const char *plugin);

#endif
