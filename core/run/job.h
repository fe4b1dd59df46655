/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt as its worker holds it: the child process (or thread) that runs
 * the pipeline, and how it ended. Only run/worker.c calls these functions, in
 * this order: job_take(), job_start(), perhaps job_terminate() and job_kill()
 * by way of the clocks, and job_reap() once `ended` is readable. A job_run
 * holds one attempt from job_take() to job_reap(); job_shared and job_spare
 * live as long as the worker.
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
 * Memory that the job's process shares with its worker. If done is not set when
 * the process has ended, run() has not returned.
 */
struct job_shared {
	volatile sig_atomic_t done;
	struct error error; /* what run() returned, once it is done */
	char crash[DROVER_ERROR_MAX];
};

struct job_run {
	const struct runner *runner;
	const char *worker;              /* name of the slot, for the log */
	int32_t owner;                   /* the worker's pid; leases are held as long as it lives */
	struct message message;          /* the JOB_ASSIGN, owned */
	struct job_assign assign;        /* its fields; strings point into message */
	struct job_shared *shared;       /* the worker's, used for all its jobs */
	const struct cgroup *cgroup;     /* the worker's leaf, or NULL */
	/* flag of a job that is a thread; a job's process has its own */
	volatile sig_atomic_t cancelled;
	int ended; /* readable once the job is over: a pidfd, or a thread's eventfd */
	pid_t pid;                       /* 0 if the job is a thread */
	pthread_t thread;
};

/*
 * A process for the next job, forked ahead while the core commits the last
 * outcome. It runs no plugin code until it is given its assignment, and it ends
 * when its worker does.
 */
struct job_spare {
	pid_t pid;                       /* 0 if there is no spare */
	/*
	 * pidfd of the process, and the worker's end of the socket that it
	 * reads the assignment from
	 */
	int ended, assign;
};

/* Takes over the JOB_ASSIGN message and reads the assignment from it. */
void job_take(struct job_run *, struct message *);
/*
 * Forks a spare process unless there is one. A failure is not reported:
 * job_start() then forks instead, which only takes longer.
 */
void job_spare_make(struct job_spare *, const struct runner *, const char *worker, int32_t owner,
    struct job_shared *, int core_fd);
/* Kills and reaps the spare process, if there is one. */
void job_spare_drop(struct job_spare *);
/*
 * Starts what run->assign asks for, in the spare process if there is one.
 * core_fd is the worker's socket, which is closed in the job's process; it may
 * be -1. Returns -1 with DROVER_AGAIN if no process or thread could be started.
 */
int job_start(struct job_run *, struct job_spare *, int core_fd, struct error *);
/* Asks the job to stop: SIGTERM to all its processes, or the thread's flag. */
void job_terminate(struct job_run *);
/*
 * Sends SIGKILL to the job's process; job_reap() kills the others. A thread
 * cannot be killed.
 */
void job_kill(struct job_run *);
/*
 * Call this once `ended` is readable. Reaps the job's process, kills everything
 * that it left behind, and fills in how the attempt ended.
 */
void job_reap(struct job_run *, struct job_outcome *);

#endif
