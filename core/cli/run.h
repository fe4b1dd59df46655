/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `drover run`: tickets of one repository, worked on by a private daemon that
 * lives as long as they do.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <sys/types.h>

#include "cli/cli.h"
#include "config/config.h"

#define RUN_PLUGIN "inbox"
#define RUN_KIND   RUN_PLUGIN ".ticket"

struct run_ticket {
	char *path;           /* as given */
	const char *name;     /* the part of path that differs from other tickets */
	bool known;           /* its job comes from an earlier run */
	char *key;
	char *title;
	struct buf text;
	int64_t id;           /* of its job; 0 until it is submitted */
	cJSON *job;           /* as last seen, or NULL */
	char state[16];       /* as last told to the user */
	uint32_t attempt;     /* the one whose output is read */
	int64_t offset;       /* bytes of output read so far */
	char last[256];       /* last line of output */
};

struct run {
	struct cli *cli;
	char *top;            /* real path of the checkout */
	char *name;           /* of the repo in the configuration */
	char *agent;
	char *state_dir, *config_file;
	struct run_ticket *tickets;
	int tickets_len;
	pid_t daemon;         /* 0 unless this run has started it */
	bool stuck;           /* the plugin does not run: no job of the daemon can go on */
	bool is_private;      /* false when the configured daemon is used */
	int signals;          /* signalfd of SIGINT and SIGTERM */
	int interrupts;       /* signals that came */
	int drawn;            /* lines of the live table on the screen */
	int64_t began;        /* on clock_mono() */
};

/* A coding agent that needs no configuration. */
struct run_preset {
	const char *name;
	enum config_prompt prompt;
	const char *output;
	const char *command[12];
	const char *read_only[12]; /* for runs that must not change files */
	const char *home[4];  /* what it needs of the home folder in a sandbox */
	const char *pass[6];  /* variables of the environment that it may see */
};

/* run_presets.c */
const struct run_preset *run_preset(const char *name); /* NULL: unknown */
void run_presets_list(struct buf *out);                /* "claude, codex, ..." */

/* run_config.c */
/*
 * Finds the checkout and fills top, name, state_dir and config_file. Returns
 * CLI_OK or an exit status.
 */
int run_locate(struct run *);
/* The absolute url of the checkout's origin, or NULL; the caller frees. */
char *run_origin(const struct run *);
/*
 * Writes the private daemon's configuration from the checkout, the options and
 * the agents of the user's own configuration.
 */
int run_configure(struct run *, int64_t parallel);

/* run_daemon.c */
/*
 * Connects to the configured daemon if that serves this checkout, else to the
 * private one, which is started if it does not run.
 */
int run_connect(struct run *, int64_t parallel);
/* Stops the private daemon unless it still has jobs that can go on. */
void run_disconnect(struct run *);
/*
 * Starts a private daemon again that has died. CLI_DOWN when it was told to
 * stop.
 */
int run_restart(struct run *);

/* run_watch.c */
/*
 * Watches until the jobs of all tickets have ended, or the user interrupts
 * twice.
 */
int run_watch(struct run *);
bool run_ended(const struct run_ticket *);

/* run_show.c */
void run_begin(struct run *);
/* Shows the state of all tickets. */
void run_show(struct run *);
/* Prints a line to err, out of the way of the live table. */
void run_talk(struct run *, const char *text);
bool run_is_live(const struct run *);
const char *run_state(const struct run_ticket *);
/* Prints the results to out and returns the exit status of the run. */
int run_print_summary(struct run *);

#endif
