/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: every row there and back, sockets, and bytes from a peer that has
 * lost its mind.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "wire/fields.h"
#include "wire/message.h"
#include "temp.h"
#include "suite.h"

struct row {
	enum message_type type;
	const char *name, *direction, *fields, *about;
};

static const struct row rows[] = {
#define MESSAGE(name, number, direction, fields, about) \
	{ MESSAGE_##name, #name, direction, fields, about },
#include "wire/message_table.h"
#undef MESSAGE
};

/* A message of the row with values that can be told apart. */
static void
build(const struct row *row, struct message_out *out)
{
	uint64_t n = 1;

	message_begin(out, row->type, 77);
	for (const char *p = row->fields; (p = strchr(p, ':')) != NULL; p++, n++) {
		switch (p[1]) {
		case 'u':
			message_put_u(out, n);
			break;
		case 'i':
			message_put_i(out, -(int64_t)n);
			break;
		case 's':
			message_put_s(out, "text");
			break;
		default:
			message_put_b(out, "by\0tes", 6);
		}
	}
}

START_TEST(every_row_comes_back)
{
	struct message_out out;
	struct message m;
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t n = 0;

		build(&rows[i], &out);
		ck_assert_uint_eq(message_out_id(&out), 77);
		ck_assert_msg(message_decode(&m, out.bytes.data, out.bytes.len, &err) == 0, "%s",
		    err.text);
		ck_assert_int_eq(m.type, rows[i].type);
		ck_assert_uint_eq(m.id, 77);
		for (int j = 0; j < m.fields_len; j++) {
			n++;
			if (m.fields[j].type == 'u')
				ck_assert_uint_eq(m.fields[j].number, n);
			else if (m.fields[j].type == 'i')
				ck_assert_int_eq((int64_t)m.fields[j].number, -(int64_t)n);
			else if (m.fields[j].type == 's')
				ck_assert_str_eq(m.fields[j].data, "text");
			else
				ck_assert(m.fields[j].len == 6 &&
				    memcmp(m.fields[j].data, "by\0tes", 7) == 0);
		}
		message_free(&m);
		message_out_free(&out);
	}
}
END_TEST

START_TEST(fields_are_found_by_name)
{
	struct message_out out;
	struct message m;
	struct error err;
	size_t len;

	message_begin(&out, MESSAGE_REPLY, 5);
	message_put_i(&out, DROVER_QUOTA);
	message_put_i(&out, 9000);
	message_put_s(&out, NULL);
	message_put_i(&out, -3);
	message_put_b(&out, NULL, 0);
	ck_assert_int_eq(message_decode(&m, out.bytes.data, out.bytes.len, &err), 0);
	ck_assert_int_eq(message_i(&m, "class"), DROVER_QUOTA);
	ck_assert_int_eq(message_i(&m, "retry"), 9000);
	ck_assert_str_eq(message_s(&m, "text"), "");
	ck_assert_int_eq(message_i(&m, "number"), -3);
	ck_assert_str_eq(message_b(&m, "data", &len), "");
	ck_assert_uint_eq(len, 0);
	message_free(&m);
	message_out_free(&out);
	ck_assert_str_eq(message_name(MESSAGE_REPLY), "REPLY");
	ck_assert_str_eq(message_name((enum message_type)69), "?");
}
END_TEST

/* The sender's struct, the message, and the receiver's struct. */
START_TEST(members_of_structs_come_back)
{
	const struct drover_item item = { .kind = "a.b",
		.key = "k",
		.serial = "s",
		.title = "t",
		.repo = "r",
		.pool = "p",
		.priority = -7,
		.payload = "x\0y",
		.payload_len = 3 };
	const struct job_assign given = {
		.job = { .id = 1, .epoch = 2, .attempt = 3, .source = "a.s" },
		.token = "secret",
		.timeout_ms = 4,
		.silence_ms = -5
	};
	struct drover_item got = { .agent = "not yet" };
	struct job_assign assign = { 0 };
	struct message_out out;
	struct message m;
	struct error err;

	message_begin(&out, MESSAGE_JOB_EMIT, 1);
	ITEM_FIELDS(FIELD_PUT, &out, &item);
	ck_assert_int_eq(message_decode(&m, out.bytes.data, out.bytes.len, &err), 0);
	ITEM_FIELDS(FIELD_GET, &m, &got);
	ck_assert_str_eq(got.kind, "a.b");
	ck_assert_str_eq(got.key, "k");
	ck_assert_str_eq(got.serial, "s");
	ck_assert_str_eq(got.title, "t");
	ck_assert_str_eq(got.repo, "r");
	ck_assert_str_eq(got.agent, "");
	ck_assert_str_eq(got.pool, "p");
	ck_assert_int_eq(got.priority, -7);
	ck_assert_uint_eq(got.payload_len, 3);
	ck_assert_mem_eq(got.payload, "x\0y", 4);
	message_free(&m);
	message_out_free(&out);

	message_begin(&out, MESSAGE_JOB_ASSIGN, 0);
	JOB_ASSIGN_FIELDS(FIELD_PUT, &out, &given);
	ck_assert_int_eq(message_decode(&m, out.bytes.data, out.bytes.len, &err), 0);
	JOB_ASSIGN_FIELDS(FIELD_GET, &m, &assign);
	ck_assert(assign.job.id == 1 && assign.job.epoch == 2 && assign.job.attempt == 3);
	ck_assert_str_eq(assign.job.source, "a.s");
	ck_assert_str_eq(assign.token, "secret");
	ck_assert(assign.timeout_ms == 4 && assign.silence_ms == -5);
	message_free(&m);
	message_out_free(&out);
}
END_TEST

/* The decoder's view of bytes of a KV_SET with one thing wrong. */
static void
refused(void (*spoil)(struct buf *), const char *why)
{
	struct message_out out;
	struct message m;
	struct error err;

	message_begin(&out, MESSAGE_KV_SET, 1);
	message_put_s(&out, "key");
	message_put_s(&out, "value");
	spoil(&out.bytes);
	ck_assert_int_eq(message_decode(&m, out.bytes.data, out.bytes.len, &err), -1);
	ck_assert_int_eq(err.code, DROVER_INTERNAL);
	ck_assert_msg(strstr(err.text, why) != NULL, "\"%s\" does not say \"%s\"", err.text, why);
	message_out_free(&out);
}

static void spoil_protocol(struct buf *b) { b->data[0] = 9; }
static void spoil_type(struct buf *b) { b->data[2] = 69; }
static void spoil_body(struct buf *b) { b->data[4]++; }
static void spoil_length(struct buf *b) { b->data[16] = (char)0xff; }
static void spoil_nul(struct buf *b) { b->data[21] = '\0'; }
static void spoil_end(struct buf *b) { b->data[b->len - 1] = 'x'; }
static void spoil_short(struct buf *b) { b->len = 10; }
static void spoil_more(struct buf *b) { buf_addc(b, 'x'); b->data[4]++; }
static void spoil_cut(struct buf *b) { b->len -= 8; b->data[4] = (char)(b->data[4] - 8); }

START_TEST(what_does_not_match_is_refused_whole)
{
	refused(spoil_protocol, "protocol 9");
	refused(spoil_type, "unknown type 69");
	refused(spoil_body, "its header says");
	refused(spoil_length, "field key");
	refused(spoil_nul, "NUL");
	refused(spoil_end, "NUL");
	refused(spoil_short, "10 bytes");
	refused(spoil_more, "1 bytes too many");
	refused(spoil_cut, "field value");
}
END_TEST

START_TEST(misuse_panics)
{
	struct message_out out;

	message_begin(&out, MESSAGE_KV_GET, 1);
	message_put_u(&out, 1);
}
END_TEST

/*
 * A fixed seed: a failure comes again. Under the sanitizers a read past the end
 * is one.
 */
START_TEST(mutated_bytes_never_harm)
{
	uint64_t seed = 0x9e3779b97f4a7c15u;
	struct message_out out;
	struct message m;
	struct error err;
	int taken = 0;

	for (int i = 0; i < 20000; i++) {
		char *copy;
		size_t len;

		build(&rows[(size_t)i % ARRAY_LEN(rows)], &out);
		len = out.bytes.len;
		for (int j = 0; j < 1 + i % 4; j++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			out.bytes.data[(seed >> 33) % len] = (char)(seed >> 24);
		}
		if (i % 5 == 0)
			len -= (seed >> 40) % len;
		copy = xmalloc(len);
		memcpy(copy, out.bytes.data, len);
		if (message_decode(&m, copy, len, &err) == 0) {
			taken++;
			for (int j = 0; j < m.fields_len; j++) {
				if (m.fields[j].type == 's')
					ck_assert_uint_eq(strlen(m.fields[j].data),
					    m.fields[j].len);
				else if (m.fields[j].type == 'b')
					ck_assert_int_eq(m.fields[j].data[m.fields[j].len], '\0');
			}
			message_free(&m);
		} else {
			ck_assert_int_eq(err.code, DROVER_INTERNAL);
		}
		free(copy);
		message_out_free(&out);
	}
	ck_assert_int_gt(taken, 0);
}
END_TEST

START_TEST(a_large_message_goes_through_a_pair)
{
	int fds[2], size = 0;
	socklen_t len = sizeof size;
	struct message_out out;
	struct message m;
	struct error err;
	char *data;
	size_t want, got;

	ck_assert_int_eq(message_pair(fds, &err), 0);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, &len), 0);
	want = size > 2 * MESSAGE_MAX ? MESSAGE_MAX - 64 : 100000;
	data = xcalloc(1, want);
	message_begin(&out, MESSAGE_CALL, 3);
	message_put_s(&out, "a.b");
	message_put_b(&out, data, want);
	ck_assert_msg(message_send(fds[0], &out, &err) == 0, "%s", err.text);
	ck_assert_int_eq(message_recv(fds[1], &m, &err), 1);
	(void)message_b(&m, "request", &got);
	ck_assert_uint_eq(got, want);
	message_free(&m);
	close(fds[0]);
	ck_assert_int_eq(message_recv(fds[1], &m, &err), 0);
	message_begin(&out, MESSAGE_CALL, 3);
	message_put_s(&out, "a.b");
	message_put_b(&out, data, 1);
	ck_assert_int_eq(message_send(fds[1], &out, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	message_begin(&out, MESSAGE_KV_SET, 0);
	message_put_s(&out, "");
	free(data);
	data = xcalloc(1, MESSAGE_MAX + 1);
	memset(data, 'a', MESSAGE_MAX);
	message_put_s(&out, data);
	ck_assert_int_eq(message_send(fds[1], &out, &err), -1);
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
	free(data);
	close(fds[1]);
}
END_TEST

START_TEST(a_datagram_over_the_limit_is_dropped_and_the_next_one_read)
{
	int fds[2], big = 4 * MESSAGE_MAX;
	struct message_out out;
	struct message m;
	struct error err;
	char *data = xcalloc(1, MESSAGE_MAX + 1);

	ck_assert_int_eq(message_pair(fds, &err), 0);
	(void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big);
	if (send(fds[0], data, MESSAGE_MAX + 1, 0) == -1)
		ck_assert_int_eq(errno, EMSGSIZE);
	else
		ck_assert_int_eq(message_recv(fds[1], &m, &err), -1);
	message_begin(&out, MESSAGE_WORKER_LEAVE, 0);
	ck_assert_int_eq(message_send(fds[0], &out, &err), 0);
	ck_assert_int_eq(message_recv(fds[1], &m, &err), 1);
	ck_assert_int_eq(m.type, MESSAGE_WORKER_LEAVE);
	message_free(&m);
	free(data);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(listening_takes_over_an_old_socket_and_nothing_else)
{
	char *dir = temp_make(), *path = path_join(dir, "core.sock"),
	     *file = temp_file(dir, "precious", "x");
	char longer[200];
	struct message_out out;
	struct message m;
	struct error err;
	struct stat st;
	int fd, again, peer, accepted;

	ck_assert_int_eq(message_connect(path, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	fd = message_listen(path, &err);
	ck_assert_msg(fd != -1, "%s", err.text);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	close(fd);
	again = message_listen(path, &err);
	ck_assert_int_ne(again, -1);
	ck_assert_int_eq(message_accept(again, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	peer = message_connect(path, &err);
	ck_assert_int_ne(peer, -1);
	accepted = message_accept(again, &err);
	ck_assert_int_ne(accepted, -1);
	ck_assert_int_eq(message_recv(accepted, &m, &err), -1);
	ck_assert_int_eq(err.code, DROVER_AGAIN);
	message_begin(&out, MESSAGE_WORKER_LEAVE, 0);
	ck_assert_int_eq(message_send(peer, &out, &err), 0);
	ck_assert_int_eq(message_recv(accepted, &m, &err), 1);
	message_free(&m);
	ck_assert_int_eq(message_listen(file, &err), -1);
	ck_assert_int_eq(stat(file, &st), 0);
	memset(longer, 'a', sizeof longer);
	longer[0] = '/';
	longer[sizeof longer - 1] = '\0';
	ck_assert_int_eq(message_listen(longer, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "shorter state_dir"));
	close(peer);
	close(accepted);
	close(again);
	free(path);
	free(file);
	temp_remove(dir);
}
END_TEST

static void
document(struct buf *out)
{
	buf_addf(out,
	    "# Messages\n\n"
	    "Core, runners, workers, jobs and the keeper speak to each other by these messages. "
	    "Each is one\n"
	    "datagram of at most %d bytes on a `SOCK_SEQPACKET` socket. This page is made from "
	    "the table\n"
	    "in `core/wire/message_table.h`, and `make check` compares the two.\n\n"
	    "A message begins with a header: the protocol (2 bytes, now %d), the type (2), the "
	    "length of what\n"
	    "follows the header (4) and an id (8). The fields of its row follow in order. `u` and "
	    "`i` are\n"
	    "8 bytes, without and with a sign; `s` (a string) and `b` (bytes) are a length of "
	    "4 bytes, the\n"
	    "bytes and a NUL. Integers are in host order. An answer repeats the id of its "
	    "request; a message\n"
	    "with the id 0 has no answer. A message that does not match its row is refused "
	    "whole.\n\n"
	    "| type | name | direction | fields | what it says |\n|---|---|---|---|---|\n",
	    MESSAGE_MAX, MESSAGE_PROTOCOL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_addf(out, "| %d | `%s` | %s |", (int)rows[i].type, rows[i].name,
		    rows[i].direction);
		for (const char *p = rows[i].fields + strspn(rows[i].fields, " "); *p != '\0';) {
			size_t len = strcspn(p, ":");

			buf_addf(out, " %.*s `%c`", (int)len, p, p[len + 1]);
			p += len + 2;
			p += strspn(p, " ");
			buf_adds(out, *p != '\0' ? "," : "");
		}
		buf_addf(out, " | %s |\n", rows[i].about);
	}
}

START_TEST(the_page_is_the_table)
{
	struct buf made = BUF_INIT, page = BUF_INIT;
	struct error err;

	document(&made);
	if (getenv("MESSAGES_WRITE") != NULL)
		ck_assert_int_eq(path_write(SOURCE_DIR "/doc/messages.md", made.data, made.len,
				     0644, &err),
		    0);
	ck_assert_msg(path_read(SOURCE_DIR "/doc/messages.md", 1 << 20, &page, &err) == 0, "%s",
	    err.text);
	ck_assert_msg(page.len == made.len && memcmp(page.data, made.data, made.len) == 0,
	    "doc/messages.md is not message_table.h: MESSAGES_WRITE=1 ./check_wire writes it");
	buf_free(&made);
	buf_free(&page);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "message", NULL, NULL);

	tcase_add_test(tc, every_row_comes_back);
	tcase_add_test(tc, fields_are_found_by_name);
	tcase_add_test(tc, members_of_structs_come_back);
	tcase_add_test(tc, what_does_not_match_is_refused_whole);
	tcase_add_test_raise_signal(tc, misuse_panics, SIGABRT);
	tcase_add_test(tc, mutated_bytes_never_harm);
	tcase_add_test(tc, a_large_message_goes_through_a_pair);
	tcase_add_test(tc, a_datagram_over_the_limit_is_dropped_and_the_next_one_read);
	tcase_add_test(tc, listening_takes_over_an_old_socket_and_nothing_else);
	tcase_add_test(tc, the_page_is_the_table);
}

SUITE(cases)
