/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core for tests of runners, workers and jobs: real sockets and processes,
 * and a test that decides each answer.
 */
#ifndef UNIT_ACTING_CORE_H
#define UNIT_ACTING_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/message.h"

struct core {
	char *dir;               /* temporary, with plugins/hostile.so */
	char *socket;
	int listening;
	int runner;              /* socket to the runner */
	pid_t pid;               /* of the runner; 0: a thread */
	pthread_t thread;
	char *stderr_file;       /* what the runner's process and its forks wrote */
	int worker;              /* connection of the worker, -1 */
	uint64_t worker_pid;
};

/*
 * Starts a runner for the fixture "hostile", whose configuration has these
 * libconfig settings in it ("" for none), and takes its first message.
 */
enum message_type core_start(struct core *, const char *plugin_settings, bool in_process,
    struct message *first);
/* As core_start for one that must become ready. */
void core_open(struct core *, const char *plugin_settings, bool in_process);
/* Stops the runner and removes everything. */
void core_close(struct core *);

void core_listen(struct core *);
/*
 * Closes the listening socket and the worker's connection, as a core that dies
 * does.
 */
void core_die(struct core *);
/* The next connection, blocking; fails the test after 20 s. */
int core_accept(struct core *);
/*
 * The next message but heartbeats; fails the test where it is of another type.
 * The caller frees.
 */
void core_expect(int fd, enum message_type, struct message *);
/* True when the peer has closed and left nothing to read. */
bool core_closed(int fd);
void core_send(int fd, struct message_out *);

/* Has the runner fork a worker and welcomes it. */
void core_worker(struct core *);
/* Takes the hello of a worker that came back with a job, and answers it. */
void core_welcome(struct core *, uint64_t job, bool keep);
void core_assign(struct core *, uint64_t job, const char *deed, int64_t timeout_ms,
    int64_t silence_ms);
void core_cancel(struct core *, uint64_t job);
/* Takes JOB_OUTCOME of a job and settles it. The caller frees. */
void core_done(struct core *, uint64_t job, struct message *);
/* As core_done, with what it must say. */
void core_done_with(struct core *, uint64_t job, int class, const char *text);
/*
 * Takes a job's or operation's connection and its hello, and lets it in, or
 * answers with a class.
 */
int core_admit(struct core *, uint64_t job, uint64_t epoch, int class);
void core_reply_bytes(int fd, uint64_t id, const char *data, size_t len);
void core_reply(int fd, uint64_t id, int class, const char *text, int64_t number, const char *data);

/*
 * Path of a file in the core's folder, in a buffer of its own until the next
 * call.
 */
const char *core_path(const struct core *, const char *name);
/*
 * Waits until nobody holds the lock on a file in the core's folder; first, with
 * held, until somebody does.
 */
void core_await_held(const struct core *, const char *name);
void core_await_free(const struct core *, const char *name);
/* Whether someone holds it now. */
bool core_held(const struct core *, const char *name);

#endif
