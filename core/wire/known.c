/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts secrets into messages and takes them out. What held them is wiped.
 */
#include <string.h>

#include "base/mem.h"
#include "base/secrets.h"
#include "wire/known.h"

/* Bytes of values in one message; a socket may have a small buffer. */
#define KNOWN_MAX (128 * 1024)

size_t
known_put(struct message_out *out, size_t from)
{
	struct buf values = BUF_INIT;
	size_t next = secrets_list(from, KNOWN_MAX, &values);

	/* A value that is too large is left to those who read it. */
	if (next == from && next < secrets_count())
		next++;
	message_begin(out, MESSAGE_SECRETS, 0);
	message_put_b(out, values.data, values.len);
	if (values.data != NULL)
		explicit_bzero(values.data, values.cap);
	buf_free(&values);
	return next;
}

void
known_take(struct message *m)
{
	size_t len;
	const char *values = message_b(m, "values", &len);

	for (size_t at = 0; at < len; at += strlen(values + at) + 1)
		secrets_add(values + at);
	explicit_bzero((char *)(uintptr_t)values, len);
	m->fields[0].len = 0;
}

int
known_send(int fd, size_t *told, struct error *err)
{
	struct message_out out;
	size_t next;
	int rc = 0;

	while (rc == 0 && *told < secrets_count()) {
		next = known_put(&out, *told);
		rc = message_write(fd, &out, err);
		explicit_bzero(out.bytes.data, out.bytes.cap);
		message_out_free(&out);
		if (rc == 0)
			*told = next;
	}
	return rc;
}
