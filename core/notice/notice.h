/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: what happened to a job, told by an operation of a plugin to
 * whom the configuration says. A notice is a row, written with the event that
 * causes it; it is sent after that commit, again until it was taken, and once
 * as far as the operation goes by its key.
 */
#ifndef NOTICE_NOTICE_H
#define NOTICE_NOTICE_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "queue/queue.h"
#include "store/store.h"

struct notices;

/* fn gets the answer, once, now or later: code 0, or a class and its text. */
typedef void notice_send(void *arg, const char *operation, const char *request, size_t len,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *fn_arg);

/* Listens to the queue from now on. */
struct notices *notices_new(struct store *, struct queue *, const struct config *, notice_send *,
    void *arg);
/* No send may be under way: its answer has come. */
void notices_free(struct notices *);
void notices_configure(struct notices *, const struct config *);
/*
 * Sends what is due and committed; ms until the next is due, -1: none. Trouble
 * of the store goes to err.
 */
int64_t notices_tick(struct notices *, struct error *);
/* After a failed commit: looks at the rows again. */
void notices_look(struct notices *);

/*
 * {waiting: n, dropped: n, list: [{job, event, operation, state, tries,
 * next_at, error}]}, the newest 20 that were not sent. The caller deletes.
 */
cJSON *notices_status(struct notices *);
/* Samples of drover_notices_total. */
void notices_metrics(const struct notices *, struct buf *);
/* Sends a test message by the entry of this place. -1: there is none. */
int notices_test(struct notices *, int place,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *arg, struct error *);
/*
 * "drover: KIND KEY: TITLE - what happened (trace ...)", one line without
 * control characters.
 */
void notice_text(const struct job_news *, struct buf *out);

#endif
