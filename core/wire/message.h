/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between core, runners, workers, jobs and the keeper. One message is
 * one datagram on a SOCK_SEQPACKET socket: a header, then its fields in the
 * order of message_table.h. message_decode() refuses what does not match its
 * row, so handlers see only well-formed ones.
 *
 * A request carries an id that its answer repeats; 0 is for what nothing
 * answers. Both ends are on one machine, so integers are in host order.
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
#define MESSAGE_PROTOCOL 1

enum message_type {
	MESSAGE_NONE = 0,
#define MESSAGE(name, number, direction, fields, about) MESSAGE_##name = number,
#include "wire/message_table.h"
#undef MESSAGE
};

struct message_field {
	char type;               /* 'u', 'i', 's' or 'b' */
	uint64_t number;         /* of u and i */
	const char *data;        /* of s and b: points into the message, NUL-terminated */
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

/*
 * Builds a message: message_begin(), then one put a field in the order of its
 * row. A put that the row does not expect panics.
 */
struct message_out {
	enum message_type type;
	const char *rest;        /* of its row: what is still to be put */
	struct buf bytes;
};

void message_begin(struct message_out *, enum message_type, uint64_t id);
void message_put_u(struct message_out *, uint64_t);
void message_put_i(struct message_out *, int64_t);
void message_put_s(struct message_out *, const char *); /* NULL is "" */
void message_put_b(struct message_out *, const void *, size_t);
void message_out_free(struct message_out *);

/*
 * Checks len bytes against the table; m's fields point into its own copy. -1
 * and DROVER_INTERNAL for anything that does not match.
 */
int message_decode(struct message *m, const void *bytes, size_t len, struct error *);
void message_free(struct message *);

/*
 * Fields by name. Strings and bytes are borrowed from the message. A name that
 * the row does not have is a defect and panics.
 */
uint64_t message_u(const struct message *, const char *name);
int64_t message_i(const struct message *, const char *name);
const char *message_s(const struct message *, const char *name);
const char *message_b(const struct message *, const char *name, size_t *len);

/*
 * Sends a whole message and frees it. A blocking socket waits. -1 with
 * DROVER_AGAIN when the peer is gone or (non-blocking) full, DROVER_PERMANENT
 * when the message is over MESSAGE_MAX.
 */
int message_send(int fd, struct message_out *, struct error *);
/*
 * As message_send, but the message stays the caller's and may be sent again.
 */
int message_write(int fd, const struct message_out *, struct error *);
uint64_t message_out_id(const struct message_out *);
/*
 * Receives one message: 1. 0 when the peer has closed, -1 on an error, with
 * DROVER_AGAIN when a non-blocking socket has none.
 */
int message_recv(int fd, struct message *m, struct error *);
/*
 * A socketpair or connection with buffers that fit MESSAGE_MAX, close-on-exec.
 */
int message_pair(int fds[2], struct error *);
int message_connect(const char *path, struct error *);
/*
 * A non-blocking socket at path with mode 0600; an old socket's file is
 * replaced.
 */
int message_listen(const char *path, struct error *);
/*
 * A connection of a listening socket: non-blocking, with buffers of its own,
 * which are not inherited. DROVER_AGAIN when there is none.
 */
int message_accept(int fd, struct error *);

#endif
