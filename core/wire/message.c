/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds, checks and carries messages. Only message_table.h knows what a
 * message holds: the builders, the decoder and the getters all walk its rows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/message.h"

struct message_row {
	const char *name, *fields;
};

/*
 * Every message begins with this. The protocol is in it because a worker of an
 * older drover may talk to a newer core.
 */
struct message_header {
	uint16_t protocol, type;
	uint32_t body;           /* number of bytes after the header */
	uint64_t id;
};

static const struct message_row message_rows[] = {
#define MESSAGE(name, number, direction, fields, about) [number] = { #name, fields },
#include "wire/message_table.h"
#undef MESSAGE
};

static const struct message_row *message_row(unsigned type);
static bool message_row_next(const char **at, const char **name, size_t *len, char *type);
static void message_put(struct message_out *, char type, const void *data, size_t len);
static const struct message_field *message_field(const struct message *, const char *name,
    char type);
static int message_take(struct message_field *, const char *bytes, size_t len, size_t *at,
    struct error *);
static int message_check(struct message *, struct error *);
static int message_socket(struct error *);
static void message_buffers(int fd);
static int message_address(struct sockaddr_un *, const char *path, struct error *);

static const struct message_row *
message_row(unsigned type)
{
	if (type >= ARRAY_LEN(message_rows) || message_rows[type].name == NULL)
		return NULL;
	return &message_rows[type];
}

/* Steps over one "name:t" of a row. Returns false at the end of the row. */
static bool
message_row_next(const char **at, const char **name, size_t *len, char *type)
{
	const char *p = *at;

	while (*p == ' ')
		p++;
	if (*p == '\0')
		return false;
	*name = p;
	*len = strcspn(p, ":");
	*type = p[*len + 1];
	*at = p + *len + 2;
	return true;
}

const char *
message_name(enum message_type type)
{
	const struct message_row *row = message_row((unsigned)type);

	return row != NULL ? row->name : "?";
}

void
message_begin(struct message_out *out, enum message_type type, uint64_t id)
{
	const struct message_row *row = message_row((unsigned)type);
	struct message_header header = { .protocol = MESSAGE_PROTOCOL,
		.type = (uint16_t)type,
		.id = id };

	MUST(row != NULL);
	*out = (struct message_out){ .type = type, .rest = row->fields };
	buf_add(&out->bytes, &header, sizeof header);
}

static void
message_put(struct message_out *out, char type, const void *data, size_t len)
{
	const char *name;
	size_t name_len;
	char expected;
	uint32_t size = (uint32_t)len, body;

	MUST(message_row_next(&out->rest, &name, &name_len, &expected) && expected == type);
	if (type == 's' || type == 'b') {
		MUST(len < UINT32_MAX);
		buf_add(&out->bytes, &size, sizeof size);
	}
	buf_add(&out->bytes, data, len);
	if (type == 's' || type == 'b')
		buf_addc(&out->bytes, '\0');
	body = (uint32_t)(out->bytes.len - sizeof(struct message_header));
	memcpy(out->bytes.data + offsetof(struct message_header, body), &body, sizeof body);
}

void
message_put_u(struct message_out *out, uint64_t value)
{
	message_put(out, 'u', &value, sizeof value);
}

void
message_put_i(struct message_out *out, int64_t value)
{
	message_put(out, 'i', &value, sizeof value);
}

void
message_put_s(struct message_out *out, const char *value)
{
	if (value == NULL)
		value = "";
	message_put(out, 's', value, strlen(value));
}

void
message_put_b(struct message_out *out, const void *data, size_t len)
{
	message_put(out, 'b', data != NULL ? data : "", len);
}

void
message_put_error(struct message_out *out, const struct error *err)
{
	message_put_i(out, err->code);
	message_put_i(out, err->retry_after_ms);
	message_put_s(out, err->text);
}

void
message_out_free(struct message_out *out)
{
	buf_free(&out->bytes);
}

static int
message_take(struct message_field *field, const char *bytes, size_t len, size_t *at,
    struct error *err)
{
	uint32_t size;

	if (field->type == 'u' || field->type == 'i') {
		if (len - *at < sizeof field->number)
			return error_set(err, DROVER_INTERNAL, "ends within a number");
		memcpy(&field->number, bytes + *at, sizeof field->number);
		*at += sizeof field->number;
		return 0;
	}
	if (len - *at < sizeof size)
		return error_set(err, DROVER_INTERNAL, "ends within a length");
	memcpy(&size, bytes + *at, sizeof size);
	*at += sizeof size;
	if (len - *at < (size_t)size + 1)
		return error_set(err, DROVER_INTERNAL, "ends within a value of %u bytes",
		    (unsigned)size);
	field->data = bytes + *at;
	field->len = size;
	*at += (size_t)size + 1;
	if (field->data[size] != '\0' ||
	    (field->type == 's' && memchr(field->data, '\0', size) != NULL))
		return error_set(err, DROVER_INTERNAL,
		    "has a NUL inside, or no NUL at its end");
	return 0;
}

/* Checks m->bytes and points m's fields into them. */
static int
message_check(struct message *m, struct error *err)
{
	struct message_header header;
	const struct message_row *row;
	const char *fields, *name;
	size_t at = sizeof header, name_len, len = m->bytes.len;
	char type;

	if (len < sizeof header || len > MESSAGE_MAX)
		return error_set(err, DROVER_INTERNAL,
		    "a message of %zu bytes was refused: %zu to %d are allowed", len, sizeof header,
		    MESSAGE_MAX);
	memcpy(&header, m->bytes.data, sizeof header);
	if (header.protocol != MESSAGE_PROTOCOL)
		return error_set(err, DROVER_INTERNAL,
		    "a message of protocol %u was refused: this drover speaks %u", header.protocol,
		    MESSAGE_PROTOCOL);
	if ((row = message_row(header.type)) == NULL)
		return error_set(err, DROVER_INTERNAL, "a message of unknown type %u was refused",
		    header.type);
	if (header.body != len - sizeof header)
		return error_set(err, DROVER_INTERNAL,
		    "message %s was refused: its header says %u bytes, but it has %zu", row->name,
		    (unsigned)header.body, len - sizeof header);
	m->type = (enum message_type)header.type;
	m->id = header.id;
	for (fields = row->fields; message_row_next(&fields, &name, &name_len, &type);
	     m->fields_len++) {
		MUST(m->fields_len < MESSAGE_FIELDS_MAX);
		m->fields[m->fields_len].type = type;
		if (message_take(&m->fields[m->fields_len], m->bytes.data, len, &at, err) == -1)
			return error_prefix(err, "message %s was refused: field %.*s", row->name,
			    (int)name_len, name);
	}
	if (at != len)
		return error_set(err, DROVER_INTERNAL,
		    "message %s was refused: it has %zu bytes too many", row->name, len - at);
	return 0;
}

int
message_decode(struct message *m, const void *bytes, size_t len, struct error *err)
{
	memset(m, 0, sizeof *m);
	if (len <= MESSAGE_MAX)
		buf_add(&m->bytes, bytes, len);
	if (message_check(m, err) == 0)
		return 0;
	message_free(m);
	return -1;
}

void
message_free(struct message *m)
{
	buf_free(&m->bytes);
	memset(m, 0, sizeof *m);
}

static bool
message_has_secret(const struct message *m)
{
	size_t at;

	for (int i = 0; i < m->fields_len; i++)
		if (m->fields[i].data != NULL &&
		    secrets_find(m->fields[i].data, m->fields[i].len, &at) > 0)
			return true;
	return false;
}

void
message_hide(struct message *m)
{
	struct message_out out;
	struct buf value = BUF_INIT;

	if (!message_has_secret(m))
		return;
	message_begin(&out, m->type, m->id);
	for (int i = 0; i < m->fields_len; i++) {
		const struct message_field *field = &m->fields[i];

		buf_clear(&value);
		if (field->data == NULL) {
			message_put(&out, field->type, &field->number, sizeof field->number);
			continue;
		}
		buf_add(&value, field->data, field->len);
		secrets_hide(&value);
		message_put(&out, field->type, buf_str(&value), value.len);
	}
	message_free(m);
	MUST(message_decode(m, out.bytes.data, out.bytes.len, NULL) == 0);
	message_out_free(&out);
	buf_free(&value);
}

static const struct message_field *
message_field(const struct message *m, const char *name, char type)
{
	const char *at, *field;
	size_t len;
	char has;

	MUST(message_row((unsigned)m->type) != NULL);
	at = message_row((unsigned)m->type)->fields;
	for (int i = 0; message_row_next(&at, &field, &len, &has); i++) {
		if (strlen(name) == len && memcmp(name, field, len) == 0) {
			MUST(has == type && i < m->fields_len);
			return &m->fields[i];
		}
	}
	panic(__FILE__, __LINE__, "a message was asked for a field it does not have");
}

uint64_t
message_u(const struct message *m, const char *name)
{
	return message_field(m, name, 'u')->number;
}

int64_t
message_i(const struct message *m, const char *name)
{
	return (int64_t)message_field(m, name, 'i')->number;
}

const char *
message_s(const struct message *m, const char *name)
{
	return message_field(m, name, 's')->data;
}

const char *
message_b(const struct message *m, const char *name, size_t *len)
{
	const struct message_field *field = message_field(m, name, 'b');

	*len = field->len;
	return field->data;
}

void
message_error(const struct message *m, struct error *err)
{
	*err = (struct error){ .code = (int32_t)message_i(m, "class"),
		.retry_after_ms = message_i(m, "retry") };
	(void)text_copy(err->text, sizeof err->text, message_s(m, "text"));
}

uint64_t
message_out_id(const struct message_out *out)
{
	struct message_header header;

	memcpy(&header, out->bytes.data, sizeof header);
	return header.id;
}

int
message_write(int fd, const struct message_out *out, struct error *err)
{
	const char *what = message_name(out->type);
	ssize_t n;

	MUST(out->rest[strspn(out->rest, " ")] == '\0');
	if (out->bytes.len > MESSAGE_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "message %s of %zu bytes is too large: at most %d are allowed", what,
		    out->bytes.len, MESSAGE_MAX);
	do
		n = send(fd, out->bytes.data, out->bytes.len, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n != -1)
		return 0;
	if (errno == EMSGSIZE)
		return error_set(err, DROVER_PERMANENT,
		    "message %s of %zu bytes does not fit the socket's buffer: "
		    "raise net.core.wmem_max to %d",
		    what, out->bytes.len, MESSAGE_MAX);
	if (errno == EAGAIN || errno == ENOBUFS || errno == EPIPE || errno == ECONNRESET ||
	    errno == ENOTCONN)
		return error_errno(err, DROVER_AGAIN, "message %s was not sent", what);
	return error_errno(err, DROVER_INTERNAL, "message %s was not sent", what);
}

int
message_send(int fd, struct message_out *out, struct error *err)
{
	int rc = message_write(fd, out, err);

	message_out_free(out);
	return rc;
}

int
message_recv(int fd, struct message *m, struct error *err)
{
	ssize_t n;

	memset(m, 0, sizeof *m);
	do
		n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	while (n == -1 && errno == EINTR);
	if (n == 0 || (n == -1 && errno == ECONNRESET))
		return 0;
	if (n == -1)
		return error_errno(err, errno == EAGAIN ? DROVER_AGAIN : DROVER_INTERNAL,
		    "cannot receive a message");
	if (n > MESSAGE_MAX) {
		(void)recv(fd, NULL, 0, MSG_TRUNC);
		return error_set(err, DROVER_INTERNAL,
		    "a message of %zd bytes was refused: %d are allowed", n, MESSAGE_MAX);
	}
	m->bytes.cap = (size_t)n + 1;
	m->bytes.data = xmalloc(m->bytes.cap);
	do
		n = recv(fd, m->bytes.data, m->bytes.cap - 1, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1) {
		error_errno(err, DROVER_INTERNAL, "cannot receive a message");
		message_free(m);
		return -1;
	}
	m->bytes.len = (size_t)n;
	m->bytes.data[n] = '\0';
	if (message_check(m, err) == 0)
		return 1;
	message_free(m);
	return -1;
}

/*
 * Sets the send buffer only: AF_UNIX counts bytes under way against the sender
 * alone, so the receive buffer does not matter.
 */
static void
message_buffers(int fd)
{
	int size = MESSAGE_MAX + 64 * 1024;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) == -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static int
message_socket(struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return error_errno(err, DROVER_INTERNAL, "cannot make a socket");
	message_buffers(fd);
	return fd;
}

static int
message_address(struct sockaddr_un *address, const char *path, struct error *err)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof address->sun_path)
		return error_set(err, DROVER_CONFIG,
		    "socket path %s is longer than %zu bytes: choose a shorter state_dir", path,
		    sizeof address->sun_path - 1);
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

int
message_pair(int fds[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == -1)
		return error_errno(err, DROVER_INTERNAL, "cannot make a pair of sockets");
	message_buffers(fds[0]);
	message_buffers(fds[1]);
	return 0;
}

int
message_connect(const char *path, struct error *err)
{
	struct sockaddr_un address;
	int fd, rc;

	if (message_address(&address, path, err) == -1 || (fd = message_socket(err)) == -1)
		return -1;
	do
		rc = connect(fd, (struct sockaddr *)&address, sizeof address);
	while (rc == -1 && errno == EINTR);
	if (rc == 0)
		return fd;
	error_errno(err, errno == EACCES || errno == EPERM ? DROVER_CONFIG : DROVER_AGAIN,
	    "cannot reach the core at %s", path);
	close(fd);
	return -1;
}

int
message_listen(const char *path, struct error *err)
{
	struct sockaddr_un address;
	struct stat st;
	int fd;

	if (message_address(&address, path, err) == -1 || (fd = message_socket(err)) == -1)
		return -1;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	/*
	 * Linux gives the socket's file the mode of the unbound socket, so
	 * there is no moment in which other users may connect.
	 */
	if (fchmod(fd, 0600) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 128) == 0)
		return fd;
	error_errno(err, DROVER_CONFIG, "cannot listen at %s", path);
	close(fd);
	return -1;
}

int
message_accept(int fd, struct error *err)
{
	int peer;

	do
		peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (peer == -1 && (errno == EINTR || errno == ECONNABORTED));
	if (peer == -1)
		return error_errno(err, errno == EAGAIN ? DROVER_AGAIN : DROVER_INTERNAL,
		    "cannot accept a connection");
	message_buffers(peer);
	return peer;
}
