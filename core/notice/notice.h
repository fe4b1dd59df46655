/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: events of jobs, told by operations of plugins as `notify` in
 * the configuration says. A notice is a row that is written with its event. It
 * is sent after that commit, and again until it is taken; its key lets the
 * operation see a repetition.
 */
#ifndef NOTICE_NOTICE_H
#define NOTICE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "queue/queue.h"
#include "store/store.h"

struct notices;

/*
 * False while the operation's plugin is still being started: its notices wait
 * for that, which does not count as a try.
 */
typedef bool notice_ready(void *arg, const char *operation);
/* fn gets the answer, once, now or later: code 0, or a class and its text. */
typedef void notice_send(void *arg, const char *operation, const char *request, size_t len,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *fn_arg);

/* Begins to listen to the queue. */
struct notices *notices_new(struct store *, struct queue *, const struct config *, notice_ready *,
    notice_send *, void *arg);
/* All answers must have come. */
void notices_free(struct notices *);
void notices_configure(struct notices *, const struct config *);
/*
 * Sends what is due and committed; ms until the next is due, -1: no notice
 * waits. Store errors go to err.
 */
int64_t notices_tick(struct notices *, struct error *);
/* After a failed commit: has the rows read again. */
void notices_look(struct notices *);

/*
 * {waiting: n, dropped: n, list: [{job, event, operation, state, tries,
 * next_at, error}]}, the newest 20 that were not sent. The caller deletes.
 */
cJSON *notices_status(struct notices *);
/* Samples of drover_notices_total. */
void notices_metrics(const struct notices *, struct buf *);
/*
 * Sends a test message by the entry at this place. -1: there is no such entry.
 */
int notices_test(struct notices *, int place,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *arg, struct error *);
/*
 * "drover: KIND KEY: TITLE - what happened (trace ...)", one line without
 * control characters.
 */
void notice_text(const struct job_news *, struct buf *out);

#endif
