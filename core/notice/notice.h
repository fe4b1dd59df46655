/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: operations of plugins tell people of events of jobs, as
 * `notify` in the configuration says. A notice is a row that is written with
 * its event. It is sent after that commit, and again until an operation takes
 * it; its key lets the operation see a repetition.
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
 * Returns false while the operation's plugin is still being started. Notices
 * wait for that, and the wait does not count as a try.
 */
typedef bool notice_ready(void *arg, const char *operation);
/*
 * Calls an operation. fn is called once with the answer, now or later: code 0,
 * or a class and its text.
 */
typedef void notice_send(void *arg, const char *operation, const char *request, size_t len,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *fn_arg);

/* Makes the notices and subscribes them to the queue's events. */
struct notices *notices_new(struct store *, struct queue *, const struct config *, notice_ready *,
    notice_send *, void *arg);
/* Call it only when every answer has come. */
void notices_free(struct notices *);
void notices_configure(struct notices *, const struct config *);
/*
 * Sends the notices that are due and committed. Returns the ms until the next
 * is due, or -1 if no notice waits. Errors of the store go to err.
 */
int64_t notices_tick(struct notices *, struct error *);
/* Call it after a failed commit: the rows are read again. */
void notices_look(struct notices *);

/*
 * Returns {waiting: n, dropped: n, list: [{job, event, operation, state, tries,
 * next_at, error}]}. The list has the newest 20 that were not sent. The caller
 * deletes it.
 */
cJSON *notices_status(struct notices *);
/* Appends the samples of drover_notices_total. */
void notices_metrics(const struct notices *, struct buf *);
/*
 * Sends a test message by the entry of notify at this place. Returns -1 if
 * there is no such entry.
 */
int notices_test(struct notices *, int place,
    void (*fn)(void *arg, int code, const char *text, size_t len), void *arg, struct error *);
/*
 * Writes "drover: KIND KEY: TITLE - what happened (trace ...)", as one line
 * without control characters.
 */
void notice_text(const struct job_news *, struct buf *out);

#endif
