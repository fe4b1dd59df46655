/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between core, runners, workers, jobs and the keeper. One message is
 * one datagram on a SOCK_SEQPACKET socket: a header, then its fields in the
 * order of message_table.h. message_decode() refuses a message that does not
 * match its row, so handlers see only well-formed ones.
 *
 * A request carries an id that its answer repeats; a message that is not
 * answered has the id 0. Both ends are on one machine, so integers are in host
 * order.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Bytes of one datagram; sockets are given buffers of this size. */
#define MESSAGE_MAX (1024 * 1024)
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
	uint64_t number;         /* value of a 'u' or 'i' */
	/*
	 * Value of an 's' or 'b': points into the message and ends with a NUL.
	 */
	const char *data;
	size_t len;
};

struct message {
	enum message_type type;
	uint64_t id;
	int fields_len;
	struct message_field fields[MESSAGE_FIELDS_MAX];
	struct buf bytes;        /* the message as it came; fields point into it */
};

/* The name in the table, such as "RUNNER_START"; "?" for an unknown type. */
const char *message_name(enum message_type);

/*
 * A message that is being built: message_begin(), then one put call for each
 * field in the order of its row. A put that the row does not expect panics.
 */
struct message_out {
	enum message_type type;
	const char *rest;        /* the part of its row that is still to be put */
	struct buf bytes;
};

void message_begin(struct message_out *, enum message_type, uint64_t id);
void message_put_u(struct message_out *, uint64_t);
void message_put_i(struct message_out *, int64_t);
void message_put_s(struct message_out *, const char *); /* NULL counts as "" */
void message_put_b(struct message_out *, const void *, size_t);
void message_put_error(struct message_out *, const struct error *); /* class, retry, text */
void message_out_free(struct message_out *);

/*
 * Checks len bytes against the table and copies them into m. Returns 0, or -1
 * with DROVER_INTERNAL if they do not match. The caller frees m.
 */
int message_decode(struct message *m, const void *bytes, size_t len, struct error *);
void message_free(struct message *);
/*
 * Hides the secrets in the strings and bytes of a message that came. What was
 * borrowed from it before is not valid any more.
 */
void message_hide(struct message *);

/*
 * Fields by name. Strings and bytes are borrowed from the message. Asking for a
 * name or type that the row does not have is a defect and panics.
 */
uint64_t message_u(const struct message *, const char *name);
int64_t message_i(const struct message *, const char *name);
const char *message_s(const struct message *, const char *name);
const char *message_b(const struct message *, const char *name, size_t *len);
/* The fields class, retry and text, copied. */
void message_error(const struct message *, struct error *);

/*
 * Sends a whole message and frees it. A blocking socket waits. Returns 0, or -1
 * with DROVER_AGAIN if the peer is gone or a non-blocking socket is full, and
 * DROVER_PERMANENT if the message is larger than MESSAGE_MAX.
 */
int message_send(int fd, struct message_out *, struct error *);
/* Like message_send(), but the message is not freed and may be sent again. */
int message_write(int fd, const struct message_out *, struct error *);
/* The id that message_begin() was given. */
uint64_t message_out_id(const struct message_out *);
/*
 * Receives one message. Returns 1 with a message that the caller frees, 0 if
 * the peer has closed, and -1 on an error: DROVER_AGAIN if a non-blocking
 * socket has no message.
 */
int message_recv(int fd, struct message *m, struct error *);
/*
 * Make a socketpair, or connect to a path. The sockets are blocking and
 * close-on-exec, with buffers that fit MESSAGE_MAX. message_connect() returns
 * the socket, or -1 with DROVER_AGAIN if nothing listens there.
 */
int message_pair(int fds[2], struct error *);
int message_connect(const char *path, struct error *);
/*
 * Listens at path with mode 0600 and returns the non-blocking socket. The file
 * of an old socket is replaced.
 */
int message_listen(const char *path, struct error *);
/*
 * Accepts a connection. The socket is non-blocking and gets buffers of its own,
 * since those of a listening socket are not inherited. Returns -1 with
 * DROVER_AGAIN if no connection waits.
 */
int message_accept(int fd, struct error *);

#endif
