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

#define RUN_KIND "inbox.ticket"

struct run_ticket {
	char *path;           /* as given */
	const char *name;     /* the part of it that tells it from the others */
	bool known;           /* its job was there before */
	char *key;
	char *title;
	struct buf text;
	int64_t id;           /* of its job; 0: not submitted */
	cJSON *job;           /* as last seen, or NULL */
	char state[16];       /* as last told to the user */
	uint32_t attempt;     /* whose output is read */
	int64_t offset;       /* of its output that was read */
	char last[256];       /* its last line */
};

struct run {
	struct cli *cli;
	char *top;            /* real path of the checkout */
	char *name;           /* of the repo in the configuration */
	char *agent;
	char *state_dir, *config_file;
	struct run_ticket *tickets;
	int tickets_len;
	pid_t daemon;         /* started by us; 0: it ran already */
	bool is_private;      /* false: the configured daemon does it */
	int signals;          /* signalfd of SIGINT and SIGTERM */
	int interrupts;       /* how many came */
	int drawn;            /* lines of the live table on the screen */
	int64_t began;        /* on clock_mono() */
};

/* A coding agent that needs no configuration. */
struct run_preset {
	const char *name;
	enum config_prompt prompt;
	const char *output;
	const char *command[12];
	const char *read_only[12]; /* for runs that are to change nothing */
	const char *pass[6];  /* variables of the environment that it may see */
};

/* ---- run_presets.c ---- */
const struct run_preset *run_preset(const char *name); /* NULL */
void run_presets_list(struct buf *out);                /* "claude, codex, ..." */

/* ---- run_config.c ---- */
/*
 * Finds the checkout and fills top, name, state_dir, config_file. CLI_OK or an
 * exit status.
 */
int run_locate(struct run *);
/*
 * The url of the checkout's origin, absolute; NULL when it has none. The caller
 * frees.
 */
char *run_origin(const struct run *);
/*
 * Writes the private daemon's configuration from the checkout, the options and
 * the agents of the user's own configuration.
 */
int run_configure(struct run *, int64_t parallel);

/* ---- run_daemon.c ---- */
/*
 * The configured daemon when it serves this checkout, else the private one,
 * started if need be.
 */
int run_connect(struct run *, int64_t parallel);
/* Ends a private daemon that has nothing left to do for anybody. */
void run_disconnect(struct run *);
/*
 * Starts a private daemon again that has died. CLI_DOWN when it had been told
 * to end.
 */
int run_restart(struct run *);

/* ---- run_watch.c ---- */
/* Until every ticket's job has ended, or the user has had enough. */
int run_watch(struct run *);
bool run_ended(const struct run_ticket *);

/* ---- run_show.c ---- */
void run_begin(struct run *);
void run_show(struct run *);                       /* how it stands */
void run_talk(struct run *, const char *text); /* a line to err that the live table leaves alone */
bool run_is_live(const struct run *);
const char *run_state(const struct run_ticket *);
/* What has become of the tickets: to out. The exit status of it all. */
int run_print_summary(struct run *);

#endif
