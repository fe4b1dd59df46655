/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often plugins may send requests: the rates, pause and breaker of each
 * account, which is an origin with a credential. All of it is in memory. No
 * clock is read here: callers pass monotonic time in ms.
 */
#ifndef SUPER_LIMITS_H
#define SUPER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/error.h"

/*
 * How many rates and how many accounts are remembered. Beyond that the least
 * recently used are dropped.
 */
#define LIMITS_MAX 10000
#define LIMITS_RATES_MAX 4           /* rates that one request may count in */
#define LIMITS_FAILURES 5            /* the breaker opens after so many failures in a row */
/* the breaker first stays open for so long; doubles up to LIMITS_OPEN_MAX_MS */
#define LIMITS_OPEN_MS 30000ll
#define LIMITS_OPEN_MAX_MS 300000ll
#define LIMITS_PROBE_MS 60000ll      /* a probe whose end is not told is forgotten after this */
#define LIMITS_PAUSE_MAX_MS 86400000ll
#define LIMITS_KEEP_MS 60000ll       /* a pause that is longer than this outlives the core */

struct limits;

struct limits_rate {
	char name[65];
	uint32_t count, burst;       /* 1 or more */
	int64_t per_ms;              /* 1 or more */
};

struct limits_ask {
	const char *plugin, *origin, *credential;
	struct limits_rate rates[LIMITS_RATES_MAX];
	int rates_len;
	/* may use the fifth of a burst that is closed to other requests */
	bool critical;
	int64_t patience_ms;
};

struct limits_tell {
	const char *plugin, *origin, *credential;
	int code;                    /* enum drover_class */
	/* name of the limit that is paused; "" means the whole credential */
	const char *limit;
	int64_t pause_ms;
	uint64_t requests, kept;
	const char *rates; /* names of the rates that the request was counted in, one a line */
	const char *text;
};

/*
 * Rates whose burst is 1 begin as if an earlier core had just sent a request at
 * now.
 */
struct limits *limits_new(int64_t now);
void limits_free(struct limits *);
/*
 * Counts a request and returns the ms to wait before it is sent. Returns -1,
 * and counts nothing, with AGAIN while the breaker is open or QUOTA if the wait
 * is longer than the request's patience. Both set retry_after_ms.
 */
int64_t limits_take(struct limits *, const struct limits_ask *, int64_t now, struct error *);

/* a pause began that must outlive the core: call limits_save() */
#define LIMITS_KEEP 0x1
#define LIMITS_OPENED 0x2            /* the breaker has opened */
#define LIMITS_CLOSED 0x4

/* Records how a request ended. Returns LIMITS_ flags for what has changed. */
int limits_tell(struct limits *, const struct limits_tell *, int64_t now);
/*
 * Returns the pauses that must outlive the core as JSON of at most max bytes,
 * with wall times. The caller frees it.
 */
char *limits_save(const struct limits *, int64_t now, int64_t wall, size_t max);
/* Restores saved pauses. Pauses that are over or cannot be read are skipped. */
void limits_load(struct limits *, const char *json, int64_t now, int64_t wall);
/*
 * Returns {requests: [{plugin, origin, class, count}], not_modified: [...],
 * waited_ms, accounts, rates, breakers: [...], pauses: [...]}.
 */
cJSON *limits_status(const struct limits *, int64_t now, int64_t wall);
/*
 * Adds a line to a list of strings for each open breaker and each paused
 * credential.
 */
void limits_warnings(const struct limits *, int64_t now, cJSON *list);

#endif
