/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that run plugin code. core/super/supervisor.c starts one runner
 * for each plugin. The runner opens the plugin, polls its sources, and forks
 * workers and operations. A worker holds one slot and runs one job at a time,
 * each job in a child of its own. With in_process, runners, workers, operations
 * and jobs are threads of the daemon instead.
 */
#ifndef RUN_RUNNER_H
#define RUN_RUNNER_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "load/loader.h"

struct message;

/* What a runner prepares before it forks. Forks only read it. */
struct runner {
	uint32_t magic;
	atomic_int refs; /* references: the runner's own, and one for each thread that uses it */
	atomic_int listening;            /* listeners that run as threads */
	/*
	 * RUNNER_STOP has come: a callback that waits in poll() or listen()
	 * shall return.
	 */
	volatile sig_atomic_t stopping;
	int fd;                          /* the socket to the core */
	int inotify;                     /* -1 if no folder is watched */
	/*
	 * An epoll descriptor: it is readable when the loop has work that can
	 * be done while a poll() waits.
	 */
	int events;
	/*
	 * A timerfd in that epoll set: it fires when an operation is out of
	 * time.
	 */
	int alarm;
	struct runner_loop *loop;        /* used by the runner's thread only */
	bool in_process;
	uint64_t generation;
	char *core_socket;               /* path that workers and jobs connect to */
	int64_t grace_ms; /* ms between SIGTERM and SIGKILL of an attempt; 0 means 10 s */
	struct config *config;
	char *config_dir;                /* folder that relative paths in options start from */
	const struct config_plugin *plugin;
	struct plugin_image image;
	struct link *link;               /* uses fd */
	struct scope *scope;             /* the scope of the plugin's open() */
	struct options *options;         /* the plugin's own */
	bool open;                       /* open() succeeded, so close() must be called */
	void *state;                     /* what the plugin's open() returned */
	struct runner_source *sources;   /* one for each source of the image */
	struct options **pipeline_options; /* one for each pipeline of the image */
	/*
	 * Called by a source's scope while a callback waits: forks and reaps,
	 * and queues other messages.
	 */
	void (*meanwhile)(struct runner *);
};

/*
 * Runs a runner that serves the core's socket fd, from RUNNER_START to its end.
 * Returns an exit status.
 */
int runner_main(int fd, bool in_process);
/*
 * Loads and opens the plugin as RUNNER_START asks, and answers RUNNER_READY or
 * RUNNER_REFUSED. Returns 0, or -1 if the plugin was refused.
 */
int runner_begin(struct runner *, const struct message *start);
/*
 * Runs a worker: it connects to the core, takes jobs, and leaves when it is
 * told to or has been idle for a minute. Returns an exit status.
 */
int worker_main(const struct runner *, const char *name, const char *token);

/*
 * The first thing in a fork of the runner: closes what belongs to the runner
 * alone, and whatever the callback had open during which it was forked.
 */
void runner_detach(const struct runner *);
/* Drops a reference. The last one closes the plugin and frees the runner. */
void runner_release(struct runner *);

#endif
