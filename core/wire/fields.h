/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that carry the members of a struct. A list names every fact once, in
 * the order in which it is sent: the row of the message, what its sender puts
 * and what its receiver gets are made of the list, and a struct that lacks one
 * of its members does not compile.
 *
 * F(type, member, ...) is a field with the type and the name of a member; a
 * field of bytes is the members NAME and NAME_len.
 */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include "wire/message.h"

/*
 * A job that is asked for: a struct drover_item at the sender, a struct job_ask
 * at the receiver.
 */
#define ITEM_FIELDS(F, ...) \
	F(s, kind, __VA_ARGS__) \
	F(s, key, __VA_ARGS__) \
	F(s, serial, __VA_ARGS__) \
	F(s, title, __VA_ARGS__) \
	F(s, repo, __VA_ARGS__) \
	F(s, agent, __VA_ARGS__) \
	F(s, pool, __VA_ARGS__) \
	F(i, priority, __VA_ARGS__) \
	F(b, payload, __VA_ARGS__)
#define ITEM_ROW ITEM_FIELDS(FIELD_ROW, )

/* How a job ended, as a struct drover_settled. */
#define SETTLED_FIELDS(F, ...) \
	F(u, job, __VA_ARGS__) \
	F(u, attempts, __VA_ARGS__) \
	F(s, kind, __VA_ARGS__) \
	F(s, key, __VA_ARGS__) \
	F(s, trace, __VA_ARGS__) \
	F(s, state, __VA_ARGS__) \
	F(s, error, __VA_ARGS__) \
	F(b, payload, __VA_ARGS__) \
	F(s, result, __VA_ARGS__) \
	F(i, queued_at, __VA_ARGS__) \
	F(i, started_at, __VA_ARGS__) \
	F(i, ended_at, __VA_ARGS__)
#define SETTLED_ROW SETTLED_FIELDS(FIELD_ROW, )

/* An attempt, as a worker and the job's process are given it. */
struct job_assign {
	struct drover_job job;
	const char *token;  /* for the job's JOB_HELLO */
	int64_t timeout_ms; /* 0 means no limit */
	/*
	 * The attempt is stopped after this long without output and CPU use; 0
	 * means no limit.
	 */
	int64_t silence_ms;
	/*
	 * Path of the file that the job's output goes to; "" if it is not kept.
	 */
	const char *output;
};

#define JOB_ASSIGN_FIELDS(F, ...) \
	F(u, job.id, __VA_ARGS__) \
	F(u, job.epoch, __VA_ARGS__) \
	F(u, job.attempt, __VA_ARGS__) \
	F(s, token, __VA_ARGS__) \
	F(s, job.kind, __VA_ARGS__) \
	F(s, job.key, __VA_ARGS__) \
	F(s, job.trace, __VA_ARGS__) \
	F(s, job.title, __VA_ARGS__) \
	F(s, job.repo, __VA_ARGS__) \
	F(s, job.agent, __VA_ARGS__) \
	F(b, job.payload, __VA_ARGS__) \
	F(i, job.queued_at, __VA_ARGS__) \
	F(i, timeout_ms, __VA_ARGS__) \
	F(i, silence_ms, __VA_ARGS__) \
	F(s, output, __VA_ARGS__) \
	F(s, job.source, __VA_ARGS__)
#define JOB_ASSIGN_ROW JOB_ASSIGN_FIELDS(FIELD_ROW, )

/* Makes "NAME:TYPE NAME:TYPE " of a list. */
#define FIELD_ROW(type, member, ...) #member ":" #type " "

/*
 * LIST_FIELDS(FIELD_PUT, &out, &from) puts all members of from, in the order of
 * the list.
 */
#define FIELD_PUT(type, member, out, from) FIELD_PUT_##type(member, out, from)
#define FIELD_PUT_u(member, out, from)     message_put_u(out, (from)->member);
#define FIELD_PUT_i(member, out, from)     message_put_i(out, (from)->member);
#define FIELD_PUT_s(member, out, from)     message_put_s(out, (from)->member);
#define FIELD_PUT_b(member, out, from) \
	message_put_b(out, (from)->member, (size_t)(from)->member##_len);

/*
 * LIST_FIELDS(FIELD_GET, m, &to) sets all members of to. Strings and bytes are
 * borrowed: they live as long as the message m.
 */
#define FIELD_GET(type, member, m, to) FIELD_GET_##type(member, m, to)
#define FIELD_GET_u(member, m, to) \
	(to)->member = (__typeof__((to)->member))message_u(m, #member);
#define FIELD_GET_i(member, m, to) \
	(to)->member = (__typeof__((to)->member))message_i(m, #member);
#define FIELD_GET_s(member, m, to)     (to)->member = message_s(m, #member);
#define FIELD_GET_b(member, m, to) \
	do { \
		size_t len_; \
\
		(to)->member = message_b(m, #member, &len_); \
		(to)->member##_len = len_; \
	} while (0);

#endif
