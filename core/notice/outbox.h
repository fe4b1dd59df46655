/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of notices. */
#ifndef NOTICE_OUTBOX_H
#define NOTICE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "store/store.h"

struct outbox_row {
	uint64_t id, job;
	char *operation, *event, *request;
	int64_t tries, created_at, next_at;
};

/* Returns 1 if the notice is new, 0 if there is one with this key, or -1. */
int outbox_add(struct store *, uint64_t job, const char *key, const char *operation,
    const char *event, const char *request, int64_t now, struct error *);
/*
 * Calls fn for the notices that are due, the first due first, until it returns
 * false. fn owns the strings.
 */
int outbox_due(struct store *, int64_t now, bool (*fn)(void *arg, struct outbox_row *), void *arg,
    struct error *);
/* Reads when the next one is due; INT64_MAX if no notice waits. */
int outbox_next(struct store *, int64_t *when, struct error *);
/*
 * Has notices that wait for a time after latest, which comes from a wrong
 * clock, wait until latest.
 */
int outbox_clip(struct store *, int64_t latest, struct error *);
int outbox_sent(struct store *, uint64_t id, struct error *);
int outbox_later(struct store *, uint64_t id, int64_t when, const char *why, struct error *);
int outbox_drop(struct store *, uint64_t id, const char *why, struct error *);
/* Returns {waiting, dropped, list}; see notices_status(). */
cJSON *outbox_status(struct store *, int most);

#endif
