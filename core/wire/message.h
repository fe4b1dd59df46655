/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message between core, runners, workers and jobs, in one table. One message is one datagram on
 * a SOCK_SEQPACKET socket: a header, then its fields in the order of the table. A message that does
 * not match its row is refused whole by message_decode(), so handlers see only well-formed ones.
 *
 * Field types: u uint64, i int64, s string (no NUL inside), b bytes. A request carries an id that its
 * answer repeats; 0 is nobody's request. Both ends are on one machine: integers are in host order.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define MESSAGE_MAX (1024 * 1024) /* bytes of one datagram; sockets are given buffers for it */
#define MESSAGE_FIELDS_MAX 24

/*  type            number direction        fields                                             */
#define MESSAGES(X) \
	/* life of a runner */ \
	X(RUNNER_START,    1, "core to runner",  "settings:s") /* {"config": config_to_json, "plugin": name, "generation": n, "core_socket": path, "grace_ms": n or missing} */ \
	X(RUNNER_READY,    2, "runner to core",  "exports:s")  /* plugin_describe(): what it offers */ \
	X(RUNNER_REFUSED,  3, "runner to core",  "class:i text:s") \
	X(RUNNER_STOP,     4, "core to runner",  "") \
	/* sources */ \
	X(SOURCE_POLL,    10, "core to runner",  "source:s cursor:s") /* answered by SOURCE_ITEM* SOURCE_POLLED with its id */ \
	X(SOURCE_ITEM,    11, "runner to core",  "source:s kind:s key:s serial:s title:s repo:s agent:s pool:s priority:i payload:b author:s name:s marks:s flags:u item:u") /* marks: one a line; flags: DROVER_PERSON_*; item: DROVER_ITEM_* */ \
	X(SOURCE_POLLED,  12, "runner to core",  "source:s class:i retry:i text:s moved:u cursor:s again:i") /* moved: 1 when cursor is to be kept; again: ms to the next poll, 0: its interval */ \
	X(SOURCE_CHANGED, 13, "runner to core",  "source:s") /* a watched folder changed */ \
	X(SOURCE_SETTLE,  14, "core to runner",  "source:s job:u attempts:u kind:s key:s trace:s state:s error:s payload:b result:s queued:i started:i ended:i") \
	X(SOURCE_SETTLED, 15, "runner to core",  "job:u class:i retry:i text:s") \
	X(LISTEN_START,   16, "core to runner",  "source:s call:u token:s") /* runs in a fork, which says JOB_HELLO with job 0, epoch = call */ \
	X(LISTEN_ENDED,   17, "job to core",     "call:u class:i retry:i text:s") /* class 0: call it again */ \
	/* workers */ \
	X(WORKER_FORK,    20, "core to runner",  "worker:s token:s") \
	X(WORKER_FORKED,  21, "runner to core",  "worker:s pid:u class:i text:s") \
	X(WORKER_HELLO,   22, "worker to core",  "worker:s token:s plugin:s generation:u pid:u start:u boot:s job:u epoch:u") /* job 0: idle. Also after a restart of the core */ \
	X(WORKER_WELCOME, 23, "core to worker",  "job:u keep:u") /* keep 0: the attempt is not wanted any more, kill it */ \
	X(WORKER_BEAT,    24, "worker to core",  "job:u epoch:u cpu:i rss:i output:u") /* every 5 s while a job runs */ \
	X(WORKER_LEAVE,   25, "core to worker",  "") \
	/* attempts */ \
	X(JOB_ASSIGN,     30, "core to worker",  "job:u epoch:u attempt:u token:s kind:s key:s trace:s title:s repo:s agent:s payload:b queued:i timeout:i silence:i output:s source:s") \
	X(JOB_CANCEL,     31, "core to worker",  "job:u epoch:u class:i text:s") /* class: what the attempt is to end with */ \
	X(JOB_OUTCOME,    32, "worker to core",  "job:u epoch:u class:i retry:i text:s wall:i cpu:i rss:i output:u") /* repeated until it is kept */ \
	X(JOB_OUTCOME_KEPT, 33, "core to worker",  "job:u epoch:u") /* committed: forget it. JOB_ASSIGN says so as well */ \
	/* services: from a job, an operation or a runner in poll(); each answered by REPLY with its id */ \
	X(JOB_HELLO,      40, "job to core",     "job:u epoch:u token:s") /* first on each connection */ \
	X(CAPACITY_ASK,   41, "job to core",     "kind:s") /* number: how many */ \
	X(JOB_EMIT,       42, "job to core",     "kind:s key:s serial:s title:s repo:s agent:s pool:s priority:i payload:b") /* number: the job's id */ \
	X(JOB_RESULT,     43, "job to core",     "key:s value:s") \
	X(JOB_USAGE,      44, "job to core",     "agent:s input:i cached:i output:i turns:i cost:i") \
	X(AGENT_PAUSE,    45, "job to core",     "agent:s until:i text:s") /* QUOTA: nobody starts this agent before then */ \
	X(LEASE_ACQUIRE,  46, "job to core",     "repo:s pid:u start:u boot:s") /* data: JSON {id, path, state, mirror}: see lease/lease.h */ \
	X(LEASE_RELEASE,  47, "job to core",     "lease:u state:s wip:s commit:s") /* state it leaves the tree in: "warm" or "dirty" */ \
	X(KV_GET,         48, "job to core",     "key:s") /* number 1 and data, or number 0 */ \
	X(KV_SET,         49, "job to core",     "key:s value:s") \
	X(KV_REMOVE,      50, "job to core",     "key:s") \
	X(EFFECT_BEGIN,   51, "job to core",     "key:s") /* number: enum drover_effect_state; data: the result */ \
	X(EFFECT_DONE,    52, "job to core",     "key:s result:s") \
	X(CALL,           53, "job to core",     "operation:s request:b") /* data: the reply */ \
	X(OPERATION_CALL, 54, "core to runner",  "operation:s call:u token:s timeout:i request:b") /* runs in a fork, which says JOB_HELLO with job 0, epoch = call */ \
	X(OPERATION_REPLY,55, "job to core",     "call:u class:i retry:i text:s reply:b") \
	X(HOOK_CALL,      56, "core to runner",  "call:u token:s timeout:i headers:s len:u body:b") /* headers: JSON [[name, value], ...]; body: its beginning, len: of the whole; runs in a fork, as an operation */ \
	X(HOOK_REPLY,     57, "job to core",     "call:u class:i text:s status:u id:s type:s body:s") \
	X(SOURCE_WAKE,    58, "job to core",     "source:s") /* of the asker's own plugin; of a hook it counts with its HOOK_REPLY */ \
	X(HOOK_BODY,      59, "job to core",     "from:u") /* data: the next piece of the body */ \
	X(REPLY,          60, "core to job",     "class:i retry:i text:s number:i data:b") \
	X(HTTP_ASK,       61, "job to core",     "origin:s credential:s limits:s critical:u patience:i") /* limits: JSON [{name, count, per_ms, burst}]; number: ms to wait, taken; AGAIN: breaker open; QUOTA: paused or over patience */ \
	X(HTTP_TELL,      62, "job to core",     "origin:s credential:s class:i limit:s pause:i requests:u kept:u rates:s text:s") /* how it ended; rates: names of the limits it was counted in, one a line; pause: ms nobody asks (limit "": the whole credential); kept: answers of 304 */ \
	X(MEMORY_APPEND,  63, "job to core",     "subject:s key:s role:s text:s") \
	X(MEMORY_READ,    64, "job to core",     "subject:s max:u") /* data: the text */ \
	X(MEMORY_FORGET,  65, "job to core",     "subject:s") \
	X(CREDENTIAL_ASK, 66, "job to core",     "repo:s refused:u") /* of a repo that has token_from; refused: 1 when the remote did not take the last one; data: the reply of git-token */ \
	/* keeper: the process that tidies worktrees for the core */ \
	X(TREE_TIDY,      70, "core to keeper",  "lease:u action:s repo:s path:s mirror:s wip:s") /* action: "clean" (save, reset), "remove" (save, rename to trash), "sweep" (empty the trash) */ \
	X(TREE_TIDIED,    71, "keeper to core",  "lease:u class:i text:s wip:s state:s bytes:i") \
	X(TOKEN_CHECK,    72, "core to keeper",  "repo:s file:s env:s command:b") /* command: words, each with its NUL */ \
	X(TOKEN_CHECKED,  73, "keeper to core",  "repo:s class:i text:s")

enum message_type {
	MESSAGE_NONE = 0,
#define X(name, number, direction, fields) MESSAGE_##name = number,
	MESSAGES(X)
#undef X
};

struct message_field {
	char type;               /* 'u', 'i', 's', 'b' */
	uint64_t number;         /* u and i */
	const char *data;        /* s and b: points into the message, NUL-terminated */
	size_t len;
};

struct message {
	enum message_type type;
	uint64_t id;
	int fields_len;
	struct message_field fields[MESSAGE_FIELDS_MAX];
	struct buf bytes;        /* what the fields point into */
};

/* "RUNNER_START", or "?" */
const char *message_name(enum message_type);

/* Builds a message: begin, then one put a field in the order of its row; a put that the row does not expect panics. */
struct message_out {
	enum message_type type;
	int next;                /* field that is expected */
	struct buf bytes;
};

void message_begin(struct message_out *, enum message_type, uint64_t id);
void message_put_u(struct message_out *, uint64_t);
void message_put_i(struct message_out *, int64_t);
void message_put_s(struct message_out *, const char *); /* NULL is "" */
void message_put_b(struct message_out *, const void *, size_t);
void message_out_free(struct message_out *);

/* Checks len bytes against the table; m's fields point into its own copy. -1 and DROVER_INTERNAL for anything that does not match. */
int message_decode(struct message *m, const void *bytes, size_t len, struct error *);
void message_free(struct message *);

/* Fields by name; asking for one that the row does not have is a defect and panics. */
uint64_t message_u(const struct message *, const char *name);
int64_t message_i(const struct message *, const char *name);
const char *message_s(const struct message *, const char *name);
const char *message_b(const struct message *, const char *name, size_t *len);

/* Sends a whole message and frees it. A blocking socket waits. -1 with DROVER_AGAIN when the peer is gone or (non-blocking) full, DROVER_PERMANENT when over MESSAGE_MAX. */
int message_send(int fd, struct message_out *, struct error *);
/* As message_send, but the message stays the caller's and may be sent again. */
int message_write(int fd, const struct message_out *, struct error *);
uint64_t message_out_id(const struct message_out *);
/* Receives one. 1: got one, 0: the peer has closed, -1: an error; DROVER_AGAIN when a non-blocking socket has none. */
int message_recv(int fd, struct message *m, struct error *);
/* socketpair / connect with buffers that fit MESSAGE_MAX, close-on-exec. */
int message_pair(int fds[2], struct error *);
int message_connect(const char *path, struct error *);
int message_listen(const char *path, struct error *); /* 0600, non-blocking; an old socket file is replaced */
/* A connection of a listening socket, non-blocking, with buffers of its own; they are not inherited. DROVER_AGAIN: none waits. */
int message_accept(int fd, struct error *);

/* Writes the table as Markdown (doc/messages.md is made of it and a test compares). */
void message_document(struct buf *out);

#endif
