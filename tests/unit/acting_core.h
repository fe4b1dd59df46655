/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core for the tests of runners, workers and jobs: sockets and processes are
 * real, and the test decides each answer.
 */
#ifndef UNIT_ACTING_CORE_H
#define UNIT_ACTING_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/message.h"

struct core {
	char *dir;               /* temporary folder, with plugins/hostile.so */
	char *socket;
	int listening;
	int runner;              /* socket to the runner */
	pid_t pid;               /* of the runner; 0 if it is a thread */
	pthread_t thread;
	char *stderr_file;       /* what the runner's process and its forks wrote to stderr */
	int worker;              /* connection of the worker, or -1 */
	uint64_t worker_pid;
};

/*
 * Starts a runner for the fixture "hostile" and receives its first message. The
 * plugin's configuration contains these settings in libconfig's syntax, or "".
 */
enum message_type core_start(struct core *, const char *plugin_settings, bool in_process,
    struct message *first);
/* Like core_start(); the runner must become ready. */
void core_open(struct core *, const char *plugin_settings, bool in_process);
/* Stops the runner and removes everything. */
void core_close(struct core *);

void core_listen(struct core *);
/*
 * Closes the listening socket and the worker's connection, as the death of a
 * core does.
 */
void core_die(struct core *);
/* Accepts the next connection, which is blocking. The test fails after 20 s. */
int core_accept(struct core *);
/*
 * Receives the next message that is not a beat. The test fails if it has
 * another type. The caller frees it.
 */
void core_expect(int fd, enum message_type, struct message *);
/* True if the peer has closed the connection and nothing is left to read. */
bool core_closed(int fd);
void core_send(int fd, struct message_out *);

/* Has the runner fork a worker, and welcomes it. */
void core_worker(struct core *);
/* Receives the hello of a worker that came back with a job, and answers it. */
void core_welcome(struct core *, uint64_t job, bool keep);
void core_assign(struct core *, uint64_t job, const char *deed, int64_t timeout_ms,
    int64_t silence_ms);
void core_cancel(struct core *, uint64_t job);
/* Receives the JOB_OUTCOME of a job and confirms it. The caller frees it. */
void core_done(struct core *, uint64_t job, struct message *);
/* Like core_done(); the outcome must have this class and contain this text. */
void core_done_with(struct core *, uint64_t job, int class, const char *text);
/*
 * Accepts a job's or operation's connection, and answers its hello with the
 * class. Returns the socket.
 */
int core_admit(struct core *, uint64_t job, uint64_t epoch, int class);
void core_reply_bytes(int fd, uint64_t id, const char *data, size_t len);
void core_reply(int fd, uint64_t id, int class, const char *text, int64_t number, const char *data);

/*
 * The path of a file in the core's folder, in a buffer that the next call
 * overwrites.
 */
const char *core_path(const struct core *, const char *name);
/*
 * Wait until the lock on a file in the core's folder is held, and until it is
 * free.
 */
void core_await_held(const struct core *, const char *name);
void core_await_free(const struct core *, const char *name);
/* True if a process holds the lock now. */
bool core_held(const struct core *, const char *name);

#endif
