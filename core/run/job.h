/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt as its worker holds it: the child (or thread) that runs the
 * pipeline, and how it ended.
 */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "run/runner.h"
#include "wire/fields.h"

struct cgroup;

/*
 * Shared between a job's process and its worker: a process that did not set
 * done has not finished run().
 */
struct job_shared {
	volatile sig_atomic_t done;
	int32_t code;
	int64_t retry_after_ms;
	char text[DROVER_ERROR_MAX];
	char crash[DROVER_ERROR_MAX];
};

struct job_run {
	const struct runner *runner;
	const char *worker;              /* slot, for the log */
	int32_t owner;                   /* the worker's process, on whose life leases hang */
	struct message message;          /* JOB_ASSIGN, owned */
	struct job_assign assign;        /* what it says; its strings point into message */
	struct job_shared *shared;       /* the worker's, one for all its jobs */
	const struct cgroup *cgroup;     /* or NULL */
	volatile sig_atomic_t cancelled; /* of a thread; a process has its own */
	int ended; /* readable once it is over: a pidfd, or a thread's eventfd */
	pid_t pid;                       /* 0: a thread */
	pthread_t thread;
};

struct job_run_outcome {
	int code;
	int64_t retry_after_ms;
	char text[DROVER_ERROR_MAX];
	int64_t cpu_ms, rss;
};

/*
 * The process of the next job, forked while the core writes down the end of the
 * last one. It has done nothing yet and waits for its assignment; without its
 * worker it ends.
 */
struct job_spare {
	pid_t pid;                       /* 0: there is none */
	int ended, assign;               /* its pidfd, and the socket that it reads */
};

/* Takes a JOB_ASSIGN over: it is what run shall carry out. */
void job_take(struct job_run *, struct message *);
/* Makes one. It saves time and no more: where that fails, job_start() forks. */
void job_spare_make(struct job_spare *, const struct runner *, const char *worker, int32_t owner,
    struct job_shared *, int core_fd);
/* Ends it, if there is one. */
void job_spare_drop(struct job_spare *);
/*
 * Starts what run->assign asks for, in the spare process where there is one.
 * core_fd: the worker's socket, which the job must not have.
 */
int job_start(struct job_run *, struct job_spare *, int core_fd, struct error *);
/* Asks it to stop: SIGTERM to the whole tree, or the thread's flag. */
void job_terminate(struct job_run *);
/*
 * SIGKILLs its process; the sweep gets the rest. Nothing can be done to a
 * thread.
 */
void job_kill(struct job_run *);
/*
 * Once ended is readable: reaps it, sweeps everything it has left and says how
 * it went.
 */
void job_reap(struct job_run *, struct job_run_outcome *);

#endif
