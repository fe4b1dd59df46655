/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that run plugin code. A runner holds one plugin: it opens it,
 * polls its sources, and forks workers and operations. A worker holds one slot
 * and runs one job at a time, each in a child of its own. With in_process they
 * are threads of the daemon and a job runs in its worker's thread.
 */
#ifndef RUN_RUNNER_H
#define RUN_RUNNER_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "load/loader.h"

/* What a runner has made ready before it forks; read-only afterwards. */
struct runner {
	uint32_t magic;
	atomic_int refs;                 /* the runner's own, and one of each thread that uses it */
	atomic_int listening;            /* threads of listeners */
	volatile sig_atomic_t
	    stopping; /* RUNNER_STOP has come: what waits in poll() or listen() is to return */
	int fd;                          /* to the core */
	int inotify;                     /* -1: nothing is watched */
	int events; /* epoll: readable when the loop has something to do that a poll() need not wait
		       for */
	int alarm;                       /* timerfd in it: an operation is out of time */
	struct runner_loop *loop;        /* of the runner's thread alone */
	bool in_process;
	uint64_t generation;
	char *core_socket;               /* where workers and jobs connect */
	int64_t grace_ms;                /* between SIGTERM and SIGKILL of an attempt; 0: 10 s */
	struct config *config;
	char *config_dir;                /* what relative paths of options are relative to */
	const struct config_plugin *plugin;
	struct plugin_image image;
	struct link *link;               /* over fd */
	struct scope *scope;             /* SCOPE_PLUGIN */
	struct options *options;         /* of the plugin */
	bool open;                       /* open() went well: close() is owed */
	void *state;                     /* the plugin's own, from open() */
	struct runner_source *sources;   /* one per source of the image: runner_source.h */
	struct options **pipeline_options; /* one per pipeline of the image */
	/*
	 * For a scope's wait_ready: forks and reaps, and keeps other messages
	 * for later.
	 */
	void (*meanwhile)(struct runner *);
};

/* A runner's whole life over its socket; returns an exit status. */
int runner_main(int fd, bool in_process);
/*
 * A worker's whole life: connects to the core, takes jobs, leaves when told or
 * idle for a minute; returns an exit status.
 */
int worker_main(const struct runner *, const char *name, const char *token);

/*
 * In a fork: lets go of what is the runner's alone, and of what the callback
 * has open that it was forked in.
 */
void runner_detach(const struct runner *);
/* Drops a reference; the last one closes the plugin and frees. */
void runner_release(struct runner *);

#endif
